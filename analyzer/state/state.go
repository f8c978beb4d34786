// Package state keeps what one run leaves for the next: mirrors, facts, results.
//
//	format                       the version of this layout
//	lock                         held by the run at work
//	key                          the key of pseudonyms, mode 0600
//	mirrors/                     git repositories, by the package source
//	forges/                      what forges answered, by the package source/forge; mode 0700
//	facts/repository=KEY/generation=N/
//	                             the facts of a repository, by the package store. The highest number counts; engines that
//	                             know partitions by folder see the columns repository and generation
//	facts/forge=FORGE%3AOWNER/generation=N/
//	                             what a forge tells of an owner's repositories, likewise; mode 0600
//	facts/repository=KEY/alarm   what a repository shrank to, until somebody accepts it
//	results/NAME/                result.json, graph.dot, tables; run.json says what they came from
//	tmp/                         what is being written; emptied when a run begins
//
// Everything appears by one rename, after its bytes are on the disk: whoever is killed at any moment leaves the old or the new. What a crash
// leaves behind is removed when the next run begins.
package state

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/gofrs/flock"

	"orrery/analyzer/disk"
)

// Format is the version of the layout. A state of an older one loses its facts, which can be read again; a newer one is refused.
const Format = 1

// Errors of [Open]. Use errors.Is.
var (
	ErrLocked   = errors.New("another run holds the state")
	ErrNewer    = errors.New("a newer version of orrery wrote the state")
	ErrNotState = errors.New("not a state of orrery")
)

// State is an open state. Its methods may be called by many goroutines at once, but those of one repository by one.
type State struct {
	dir     string
	disk    disk.System
	lock    *flock.Flock
	notices []string
	mu      sync.Mutex
}

// Open opens a state to work on it, makes it where there is none, and holds it until Close. It does not wait: the error wraps [ErrLocked]
// if another run holds it.
func Open(d disk.System, dir string) (*State, error) {
	s := &State{dir: dir, disk: d}
	if err := s.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the state %s: %w", dir, err), s.Close())
	}
	return s, nil
}

// OpenShared opens a state that is there, to look at it only. Several may look at once, but not beside a run.
func OpenShared(d disk.System, dir string) (*State, error) {
	s := &State{dir: dir, disk: d}
	err := func() error {
		if _, err := d.ReadFile(s.path(formatName)); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return ErrNotState
			}
			return err
		}
		if err := s.hold((*flock.Flock).TryRLock); err != nil {
			return err
		}
		_, err := s.readFormat()
		return err
	}()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the state %s: %w", dir, err), s.Close())
	}
	return s, nil
}

// Close lets go of the state.
func (s *State) Close() error {
	if s.lock == nil {
		return nil
	}
	return s.lock.Close()
}

// Dir is the state's folder.
func (s *State) Dir() string { return s.dir }

// MirrorsDir is the folder of mirrors.
func (s *State) MirrorsDir() string { return s.path("mirrors") }

// ForgesDir is the folder of forges' answers.
func (s *State) ForgesDir() string { return s.path("forges") }

// ListsDir is the folder of what is known of the histories of lists of repositories.
func (s *State) ListsDir() string { return s.path("lists") }

// Scratch makes a file on the disk of the state that has no name, and is gone when it is closed or the process ends.
func (s *State) Scratch() (*os.File, error) { return s.disk.Scratch(s.path(tmpName, "scratch")) }

// Notices say, for people, what was wrong with the state and has been put right.
func (s *State) Notices() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.notices)
}

// Note adds a notice.
func (s *State) Note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notices = append(s.notices, fmt.Sprintf(format, args...))
}

func (s *State) path(names ...string) string {
	return filepath.Join(append([]string{s.dir}, names...)...)
}

// The names of files and folders in a state.
const (
	formatName  = "format"
	lockName    = "lock"
	keyName     = "key"
	factsName   = "facts"
	resultsName = "results"
	tmpName     = "tmp"
)

func (s *State) open() error {
	if err := s.disk.MkdirAll(s.dir); err != nil {
		return err
	}
	entries, err := s.disk.ReadDir(s.dir)
	if err != nil {
		return err
	}
	found := false
	for _, e := range entries {
		found = found || e.Name() == formatName
	}
	for _, e := range entries {
		// What is emptied and written must be ours. A crash at the very beginning leaves these.
		if !found && !slices.Contains([]string{lockName, tmpName, "mirrors", "lost+found"}, e.Name()) {
			return fmt.Errorf("%w: it holds %s and no file %q", ErrNotState, e.Name(), formatName)
		}
	}
	if err := s.hold((*flock.Flock).TryLock); err != nil {
		return err
	}
	if err := s.disk.RemoveAll(s.path(tmpName)); err != nil {
		return err
	}
	if err := s.disk.MkdirAll(s.path(tmpName)); err != nil {
		return err
	}
	version, err := s.readFormat()
	if err != nil {
		return err
	}
	if version != Format {
		if version >= 0 {
			s.Note("the state has the older format %d: all repositories are read again", version)
		}
		if found {
			if err := s.disk.RemoveAll(s.path(factsName)); err != nil {
				return err
			}
		}
		if err := disk.Replace(s.disk, s.path(tmpName, formatName), s.path(formatName), sealed(fmt.Sprintf("orrery state, format %d", Format)), 0o644); err != nil {
			return err
		}
	}
	for _, name := range []string{factsName, resultsName} {
		if err := s.disk.MkdirAll(s.path(name)); err != nil {
			return err
		}
	}
	return s.sweep()
}

// hold takes the lock, or gives up at once.
func (s *State) hold(try func(*flock.Flock) (bool, error)) error {
	lock := flock.New(s.path(lockName))
	ok, err := try(lock)
	if err != nil {
		return fmt.Errorf("locking: %w", err)
	}
	if !ok {
		return errors.Join(ErrLocked, lock.Close())
	}
	s.lock = lock
	return nil
}

// readFormat gives the version of the state, -1 if that is not known.
func (s *State) readFormat() (int, error) {
	content, err := s.disk.ReadFile(s.path(formatName))
	if errors.Is(err, fs.ErrNotExist) {
		return -1, nil
	}
	if err != nil {
		return 0, err
	}
	line, ok := unsealed(content)
	text, named := strings.CutPrefix(line, "orrery state, format ")
	version, err := strconv.Atoi(text)
	if !ok || !named || err != nil {
		s.Note("the file %s of the state is damaged: all repositories are read again", formatName)
		return -1, nil //nolint:nilerr // told in the notice
	}
	if version > Format {
		return 0, fmt.Errorf("%w: format %d; this one knows %d", ErrNewer, version, Format)
	}
	return version, nil
}

// sealed gives a small file of one line and its sum.
func sealed(line string) []byte {
	sum := sha256.Sum256([]byte(line))
	return fmt.Appendf(nil, "%s\n%x\n", line, sum[:8])
}

// unsealed gives the line, if the file is whole.
func unsealed(content []byte) (string, bool) {
	line, _, _ := bytes.Cut(content, []byte("\n"))
	return string(line), bytes.Equal(content, sealed(string(line)))
}

// sweep removes what is no longer needed: generations that have a successor, and results that were being removed.
func (s *State) sweep() error {
	repositories, err := s.disk.ReadDir(s.path(factsName))
	if err != nil {
		return err
	}
	for _, r := range repositories {
		dir := s.path(factsName, r.Name())
		generations, err := s.generations(dir)
		if err != nil {
			return err
		}
		for i := 0; i < len(generations)-1; i++ {
			if err := s.disk.RemoveAll(generationDir(dir, generations[i])); err != nil {
				return err
			}
		}
	}
	return nil
}

// Key gives the key of pseudonyms, and makes it when it is first needed.
func (s *State) Key() ([]byte, error) {
	content, err := s.disk.ReadFile(s.path(keyName))
	if errors.Is(err, fs.ErrNotExist) {
		random := make([]byte, 32)
		if _, err := rand.Read(random); err != nil {
			return nil, err
		}
		line := hex.EncodeToString(random)
		content = fmt.Appendf(nil, "%s-%s\n", line, sumOf([]byte(line))[:keySum])
		err = disk.Replace(s.disk, s.path(tmpName, keyName), s.path(keyName), content, 0o600)
		if err != nil {
			return nil, fmt.Errorf("making the key of the pseudonyms: %w", err)
		}
	} else if err != nil {
		return nil, fmt.Errorf("reading the key of the pseudonyms: %w", err)
	}
	// One line that is all of the key, so that others can be handed the file. The end of it is a sum of the beginning.
	key := bytes.TrimSuffix(content, []byte("\n"))
	line, check, ok := strings.Cut(string(key), "-")
	if !ok || check != sumOf([]byte(line))[:keySum] {
		// Another key would give every contributor another name, and nobody would see why.
		return nil, fmt.Errorf("the key of the pseudonyms in %s is damaged: bring it back from a copy, or remove it to go on under new pseudonyms",
			s.path(keyName))
	}
	return key, nil
}

const keySum = 16 // hexadecimal digits

func sumOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
