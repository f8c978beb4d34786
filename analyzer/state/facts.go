package state

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"orrery/analyzer/disk"
	"orrery/analyzer/facts"
	"orrery/analyzer/facts/store"
)

// Condition is how the stored facts of a repository stand to the repository.
type Condition string

// The conditions. All but Equal mean that the repository is read again.
const (
	Missing      Condition = "missing"       // there are none
	Corrupt      Condition = "corrupt"       // they are not what was written
	OtherVersion Condition = "other version" // another format or another engine made them
	OtherOptions Condition = "other options"
	Older        Condition = "older tips" // the repository has moved on; reading builds on them
	Equal        Condition = "equal"
)

// Want is what the facts of a repository must come from to be used as they are.
type Want struct {
	Key, Branch string
	Head        facts.ID
	Engine      int
	Options     string // hash of the options that shape facts
	// Origin names what shapes a reading beside the head. Objects names what there is to read, and counts only where facts are incomplete.
	Origin, Objects string
}

// Entry is what the state knows of a repository.
type Entry struct {
	Condition Condition
	// Why says in words why the repository is read again; "" if it is not.
	Why string
	// Manifest is nil unless facts can be read.
	Manifest *store.Manifest

	dir string // of the generation
}

// Usable says whether the next reading may build on the facts.
func (e *Entry) Usable() bool { return e.Condition == Older || e.Condition == Equal }

const (
	repositoryPrefix = "repository="
	generationPrefix = "generation="
)

// folder gives a repository's folder.
func (s *State) folder(key string) string { return s.path(factsName, repositoryPrefix+escape(key)) }

// escape makes a name of a folder. Keys come from manifests: they are escaped as partitions by folder are, and never longer than names may be.
func escape(key string) string {
	var b strings.Builder
	for i := range len(key) {
		switch c := key[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '_', c == '-':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	name := b.String()
	if len(name) > 200 {
		sum := sha256.Sum256([]byte(key))
		name = name[:180] + "~" + hex.EncodeToString(sum[:8])
	}
	return name
}

func generationDir(folder string, n int) string {
	return filepath.Join(folder, fmt.Sprintf("%s%06d", generationPrefix, n))
}

// generations gives the numbers of a repository's generations, ascending.
func (s *State) generations(folder string) (all []int, err error) {
	entries, err := s.disk.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if text, ok := strings.CutPrefix(e.Name(), generationPrefix); ok {
			if n, err := strconv.Atoi(text); err == nil && n > 0 {
				all = append(all, n)
			}
		}
	}
	slices.Sort(all)
	return all, nil
}

// Look says how the facts of a repository stand to what is wanted. It reads the manifest alone.
func (s *State) Look(w Want) Entry {
	e := s.find(w.Key)
	if e.Manifest == nil {
		return e
	}
	m := e.Manifest
	switch {
	case m.Engine != w.Engine:
		e.Condition, e.Why = OtherVersion, fmt.Sprintf("the engine has version %d, that of the facts was %d", w.Engine, m.Engine)
	case m.Options != w.Options:
		e.Condition, e.Why = OtherOptions, "they were read with other options"
	case m.Head != w.Head:
		e.Condition, e.Why = Older, fmt.Sprintf("the tip is %.12s, and was %.12s", w.Head, m.Head)
	case string(m.Branch) != w.Branch:
		e.Condition, e.Why = Older, fmt.Sprintf("the branch is %q, and was %q", w.Branch, m.Branch)
	case m.Origin != w.Origin:
		e.Condition, e.Why = Older, "what can be read of the history is something else"
	case m.Objects != w.Objects && (m.Shallow || m.Walk.Missing > 0 || m.Rows("skips") > 0):
		e.Condition, e.Why = Older, "something could not be read, and the packs are others now"
	}
	return e
}

// find gives the newest generation of a repository, Equal if its manifest can be read.
func (s *State) find(key string) Entry {
	folder := s.folder(key)
	generations, err := s.generations(folder)
	if err != nil {
		return Entry{Condition: Corrupt, Why: err.Error()}
	}
	if len(generations) == 0 {
		return Entry{Condition: Missing, Why: "it has not been read yet"}
	}
	e := Entry{Condition: Equal, dir: generationDir(folder, generations[len(generations)-1])}
	m, err := store.ReadManifest(s.disk, e.dir)
	switch {
	case errors.Is(err, store.ErrFormat):
		e.Condition, e.Why = OtherVersion, err.Error()
	case err != nil:
		e.Condition, e.Why = Corrupt, err.Error()
	case string(m.Key) != key:
		e.Condition, e.Why = Corrupt, fmt.Sprintf("%s holds the facts of %q", e.dir, m.Key)
	default:
		e.Manifest = m
	}
	return e
}

// Load reads the facts of an entry, with what a later reading builds on if plan is set.
func (s *State) Load(e Entry, plan bool, workers int) (*facts.Repository, error) {
	return store.Read(s.disk, e.dir, e.Manifest, store.ReadOptions{Plan: plan, Workers: workers})
}

// Verify reads all files of an entry and tells what is broken. It gives the facts if nothing is.
func (s *State) Verify(e Entry, broken func(error)) *facts.Repository {
	return store.Verify(s.disk, e.dir, e.Manifest, broken)
}

// Save stores facts that are what w wants as the next generation of their repository.
func (s *State) Save(f *facts.Repository, w Want) (Entry, error) {
	e, err := s.save(f, w)
	if err != nil {
		return e, fmt.Errorf("keeping the facts of %s: %w", f.Key, err)
	}
	return e, nil
}

func (s *State) save(f *facts.Repository, w Want) (Entry, error) {
	folder := s.folder(f.Key)
	generations, err := s.generations(folder)
	if err != nil {
		return Entry{}, err
	}
	next := 1
	if n := len(generations); n > 0 {
		next = generations[n-1] + 1
	}
	temporary := s.path(tmpName, filepath.Base(folder))
	if err := s.disk.RemoveAll(temporary); err != nil {
		return Entry{}, err
	}
	m, err := store.Write(s.disk, temporary, f, store.Manifest{Engine: w.Engine, Options: w.Options, Origin: w.Origin, Objects: w.Objects})
	if err != nil {
		// Also on a full disk the next repository may find room.
		return Entry{}, errors.Join(err, s.disk.RemoveAll(temporary))
	}
	if len(generations) == 0 {
		if err := s.disk.MkdirAll(folder); err != nil {
			return Entry{}, err
		}
		if err := s.disk.SyncDir(s.path(factsName)); err != nil {
			return Entry{}, err
		}
	}
	e := Entry{Condition: Equal, Manifest: m, dir: generationDir(folder, next)}
	if err := disk.Move(s.disk, temporary, e.dir); err != nil {
		return Entry{}, err
	}
	for _, n := range generations {
		if err := s.disk.RemoveAll(generationDir(folder, n)); err != nil {
			return Entry{}, err
		}
	}
	return e, s.disk.RemoveAll(filepath.Join(folder, alarmName))
}

// Forget removes the facts of a repository.
func (s *State) Forget(key string) error {
	if err := s.remove(s.folder(key), filepath.Base(s.folder(key))); err != nil {
		return fmt.Errorf("the facts of %s: %w", key, err)
	}
	return nil
}

// Stored gives the entries of all repositories whose facts can be read, by key.
func (s *State) Stored() (map[string]Entry, error) {
	entries, err := s.Entries(func(error) {})
	all := map[string]Entry{}
	for _, e := range entries {
		all[string(e.Manifest.Key)] = e
	}
	return all, err
}

// All gives the entries of all repositories that there are facts of, by key, readable or not.
func (s *State) All() (map[string]Entry, error) {
	folders, err := s.disk.ReadDir(s.path(factsName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	all, err := s.Stored()
	if err != nil {
		return nil, err
	}
	for _, d := range folders {
		name, ok := strings.CutPrefix(d.Name(), repositoryPrefix)
		key, err := url.PathUnescape(name)
		if _, known := all[key]; ok && err == nil && !known && s.folder(key) == s.path(factsName, d.Name()) {
			if e := s.find(key); e.Condition != Missing {
				all[key] = e
			}
		}
	}
	return all, nil
}

// Entries gives the newest generations of all repositories, in the order of their folders. broken is told of those whose manifests cannot be read.
func (s *State) Entries(broken func(error)) (all []Entry, err error) {
	folders, err := s.disk.ReadDir(s.path(factsName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, d := range folders {
		if !strings.HasPrefix(d.Name(), repositoryPrefix) {
			continue
		}
		folder := s.path(factsName, d.Name())
		generations, err := s.generations(folder)
		if err != nil {
			broken(err)
		}
		if len(generations) == 0 {
			continue
		}
		dir := generationDir(folder, generations[len(generations)-1])
		m, err := store.ReadManifest(s.disk, dir)
		if err != nil {
			broken(err)
			continue
		}
		all = append(all, Entry{Condition: Equal, Manifest: m, dir: dir})
	}
	return all, nil
}

const alarmName = "alarm"

// Alarm is what a repository shrank to: [Want.Head], and the figures there.
type Alarm struct {
	Head    string `json:"head"`
	Commits int    `json:"commits"`
	Lines   uint64 `json:"lines"`
}

// Alarm gives what a repository shrank to, if nobody has accepted it yet.
func (s *State) Alarm(key string) (Alarm, bool) {
	var a Alarm
	content, err := s.disk.ReadFile(filepath.Join(s.folder(key), alarmName))
	if err != nil {
		return a, false
	}
	line, ok := unsealed(content)
	return a, ok && json.Unmarshal([]byte(line), &a) == nil
}

// Raise keeps an alarm, so that what was not accepted is not read every night. The repository has facts.
func (s *State) Raise(key string, a Alarm) error {
	line, err := json.Marshal(a)
	if err == nil {
		folder := s.folder(key)
		err = disk.Replace(s.disk, s.path(tmpName, filepath.Base(folder)+"."+alarmName), filepath.Join(folder, alarmName), sealed(string(line)), 0o644)
	}
	if err != nil {
		return fmt.Errorf("keeping the alarm of %s: %w", key, err)
	}
	return nil
}
