package state

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"orrery/analyzer/disk"
	"orrery/analyzer/facts"
	"orrery/analyzer/facts/store"
)

const forgePrefix = "forge="

// forgeFolder gives the folder of what a forge tells of an owner: logins know no upper and lower case.
func (s *State) forgeFolder(forge, owner string) string {
	return s.path(factsName, forgePrefix+escape(strings.ToLower(forge+":"+owner)))
}

// Forge gives what a forge told of an owner when it was asked last; nil if there is nothing that can be used.
func (s *State) Forge(forge, owner string) (*facts.Forge, error) {
	return s.readForge(s.forgeFolder(forge, owner), s.damaged)
}

// damaged notes what cannot be used.
func (s *State) damaged(err error) { s.Note("what a forge told is asked for again: %v", err) }

func (s *State) readForge(folder string, broken func(error)) (*facts.Forge, error) {
	generations, err := s.generations(folder)
	if err != nil || len(generations) == 0 {
		return nil, err
	}
	f, err := store.ReadForge(s.disk, generationDir(folder, generations[len(generations)-1]))
	if errors.Is(err, store.ErrCorrupt) || errors.Is(err, store.ErrFormat) {
		broken(err)
		return nil, nil
	}
	return f, err
}

// Forges gives what all forges told, by forge and owner.
func (s *State) Forges() ([]*facts.Forge, error) { return s.readForges(s.damaged) }

// VerifyForges reads what all forges told, and tells what is broken.
func (s *State) VerifyForges(broken func(error)) error {
	_, err := s.readForges(broken)
	return err
}

func (s *State) readForges(broken func(error)) (all []*facts.Forge, err error) {
	entries, err := s.disk.ReadDir(s.path(factsName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries { // by name
		if !strings.HasPrefix(e.Name(), forgePrefix) {
			continue
		}
		f, err := s.readForge(s.path(factsName, e.Name()), broken)
		if err != nil {
			return nil, err
		}
		if f != nil {
			all = append(all, f)
		}
	}
	return all, nil
}

// SaveForge keeps what a forge told as the next generation.
func (s *State) SaveForge(f *facts.Forge) error {
	if err := s.saveForge(f); err != nil {
		return fmt.Errorf("keeping what %s tells of %s: %w", f.Forge, f.Owner, err)
	}
	return nil
}

func (s *State) saveForge(f *facts.Forge) error {
	folder := s.forgeFolder(f.Forge, f.Owner)
	generations, err := s.generations(folder)
	if err != nil {
		return err
	}
	next := 1
	if n := len(generations); n > 0 {
		next = generations[n-1] + 1
	}
	temporary := s.path(tmpName, filepath.Base(folder))
	if err := s.disk.RemoveAll(temporary); err != nil {
		return err
	}
	if err := store.WriteForge(s.disk, temporary, f); err != nil {
		return errors.Join(err, s.disk.RemoveAll(temporary))
	}
	if len(generations) == 0 {
		if err := s.disk.MkdirAll(folder); err != nil {
			return err
		}
		if err := s.disk.SyncDir(s.path(factsName)); err != nil {
			return err
		}
	}
	if err := disk.Move(s.disk, temporary, generationDir(folder, next)); err != nil {
		return err
	}
	for _, n := range generations {
		if err := s.disk.RemoveAll(generationDir(folder, n)); err != nil {
			return err
		}
	}
	return nil
}
