package state

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"orrery/analyzer/disk"
)

// RunName is the file of a result that says what it came from. It is for this state, and not for others: it holds paths of this machine.
const RunName = "run.json"

// Run says what a result came from.
type Run struct {
	Format int `json:"format"`
	// Inputs is the hash of all that shaped the result: the same inputs give the same result.
	Inputs string `json:"inputs"`
	// Options is the hash of the options that shape facts, and Engine the version of the engine.
	Options string `json:"options"`
	Engine  int    `json:"engine"`
	// Skipped says that something could not be read.
	Skipped bool `json:"skipped"`
	// From is what has to be given for the same again.
	From RunFrom `json:"from"`
	// Repositories are all that the sources named.
	Repositories []RunRepository `json:"repositories"`
	Files        []RunFile       `json:"files"`
}

// RunFrom are the arguments of a run. Paths are absolute.
type RunFrom struct {
	Sources       []string `json:"sources,omitempty"`
	Mirrors       string   `json:"mirrors,omitempty"`
	Organizations []string `json:"organizations,omitempty"`
	Mailmaps      []string `json:"mailmaps,omitempty"`
	OptOut        []string `json:"opt_out,omitempty"`
	Bots          []string `json:"bots,omitempty"`
	CoAuthors     string   `json:"co_authors,omitempty"`
	Rules         []string `json:"rules,omitempty"`
	Revision      string   `json:"revision,omitempty"`
	Governance    []string `json:"governance,omitempty"`
	RollUp        string   `json:"roll_up,omitempty"`
	Contractors   string   `json:"contractors,omitempty"`
	NoRenames     bool     `json:"no_renames,omitempty"`
	RenameLimit   int      `json:"rename_limit,omitempty"`
}

// RunRepository is a repository of a run.
type RunRepository struct {
	Key      string `json:"repository"`
	Dir      string `json:"dir,omitempty"` // "" if there was no mirror
	Revision string `json:"revision,omitempty"`
	Branch   string `json:"branch,omitempty"`
	Head     string `json:"head,omitempty"` // "" if it was not read
	Commits  int    `json:"commits,omitempty"`
	Lines    uint64 `json:"lines,omitempty"`
	Problem  string `json:"problem,omitempty"`
}

// RunFile is a file of a result.
type RunFile struct {
	Name   string `json:"name"` // with slashes
	SHA256 string `json:"sha256"`
}

// Result is a stored result.
type Result struct {
	Name string
	Dir  string
	Run  Run
}

// File is a file to be stored.
type File struct {
	Name string // with slashes
	// Write writes the content. It may be called beside that of other files.
	Write func(io.Writer) error
}

// maxSameSecond bounds how many results have names of one second.
const maxSameSecond = 100

// ResultNames gives the names of all results, oldest first.
func (s *State) ResultNames() ([]string, error) {
	entries, err := s.disk.ReadDir(s.path(resultsName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for results: %w", err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// Last gives the newest result that is whole; nil if there is none. Those that are damaged are told of by a notice.
func (s *State) Last() (*Result, error) {
	names, err := s.ResultNames()
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Backward(names) {
		r, err := s.readRun(name)
		if err == nil {
			return r, nil
		}
		// What the disk does not give may be whole: what has moved since could not be told.
		if at := (*fs.PathError)(nil); errors.As(err, &at) && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		s.Note("the result %s is not used: %v", name, err)
	}
	return nil, nil
}

func (s *State) readRun(name string) (*Result, error) {
	r := &Result{Name: name, Dir: s.path(resultsName, name)}
	content, err := s.disk.ReadFile(filepath.Join(r.Dir, RunName))
	if err != nil {
		return nil, err
	}
	line, ok := unsealed(content)
	if !ok {
		return nil, fmt.Errorf("%s is damaged", filepath.Join(r.Dir, RunName))
	}
	if err := json.Unmarshal([]byte(line), &r.Run); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(r.Dir, RunName), err)
	}
	if r.Run.Format != Format {
		return nil, fmt.Errorf("%s has format %d", filepath.Join(r.Dir, RunName), r.Run.Format)
	}
	return r, nil
}

// RemoveMirror removes the mirror that a repository was last read from, if it is one of the state's own and the last result reads no other
// repository from it. It says whether there was one.
func (s *State) RemoveMirror(key string) (bool, error) {
	names, err := s.ResultNames()
	if err != nil {
		return false, err
	}
	used := map[string]bool{}
	for i, name := range slices.Backward(names) {
		r, err := s.readRun(name)
		if err != nil {
			continue // verify tells
		}
		for _, one := range r.Run.Repositories {
			if i == len(names)-1 {
				used[one.Dir] = true
			}
			if one.Key != key || one.Dir == "" {
				continue
			}
			mirrors, err := filepath.Abs(s.MirrorsDir())
			if err != nil || filepath.Dir(one.Dir) != mirrors || used[one.Dir] {
				return false, err
			}
			return true, s.remove(one.Dir, "mirror")
		}
	}
	return false, nil
}

// remove takes a folder out of sight in one step, and then away.
func (s *State) remove(dir, as string) error {
	temporary := s.path(tmpName, as)
	err := s.disk.RemoveAll(temporary)
	if err == nil {
		err = disk.Move(s.disk, dir, temporary)
	}
	if err == nil {
		err = s.disk.RemoveAll(temporary)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing %s: %w", dir, err)
	}
	return nil
}

// CheckResult reads the files of a result, and holds them against their sums. broken is told of each that differs.
func (s *State) CheckResult(r *Result, broken func(error)) {
	for _, f := range r.Run.Files {
		sum := sha256.New()
		err := s.CopyFile(sum, r, f.Name)
		if err == nil && hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
			err = fmt.Errorf("reading %s: damaged: its bytes are not those that were written", s.resultFile(r, f.Name))
		}
		if err != nil {
			broken(err)
		}
	}
}

// CopyFile writes the content of a file of a result, as the disk gives it.
func (s *State) CopyFile(w io.Writer, r *Result, name string) error {
	f, err := s.disk.Open(s.resultFile(r, name))
	if err != nil {
		return err
	}
	_, err = io.Copy(w, f)
	return errors.Join(err, f.Close())
}

func (s *State) resultFile(r *Result, name string) string {
	return filepath.Join(r.Dir, filepath.FromSlash(name))
}

// VerifyResults reads all results, and tells what is broken in them. It gives their number.
func (s *State) VerifyResults(broken func(error)) (int, error) {
	names, err := s.ResultNames()
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		r, err := s.readRun(name)
		if err != nil {
			broken(err)
			continue
		}
		s.CheckResult(r, broken)
	}
	return len(names), nil
}

// SaveResult stores a result under the moment of its run. Files are written side by side by as many workers (0 is one), each to the disk as it is made.
func (s *State) SaveResult(at time.Time, run Run, files []File, workers int) (*Result, error) {
	r, err := s.saveResult(at, run, files, workers)
	if err != nil {
		return nil, fmt.Errorf("keeping the result: %w", err)
	}
	return r, nil
}

func (s *State) saveResult(at time.Time, run Run, files []File, workers int) (*Result, error) {
	names, err := s.ResultNames()
	if err != nil {
		return nil, err
	}
	name := at.UTC().Format("2006-01-02T150405Z")
	// Names are in the order of the runs, whatever the clock says.
	if n := len(names); n > 0 && names[n-1] >= name {
		base, _, _ := strings.Cut(names[n-1], ".")
		name = ""
		for k := 2; k < maxSameSecond && name == ""; k++ {
			if next := fmt.Sprintf("%s.%02d", base, k); next > names[n-1] {
				name = next
			}
		}
		if name == "" {
			return nil, fmt.Errorf("too many results have the name %s", base)
		}
	}
	temporary := s.path(tmpName, "result")
	if err := s.disk.RemoveAll(temporary); err != nil {
		return nil, err
	}
	run.Format = Format
	folders := []string{temporary}
	if err := s.disk.MkdirAll(temporary); err != nil {
		return nil, err
	}
	for _, f := range files {
		if dir := filepath.Dir(filepath.Join(temporary, filepath.FromSlash(f.Name))); !slices.Contains(folders, dir) {
			folders = append(folders, dir)
			if err := s.disk.MkdirAll(dir); err != nil {
				return nil, err
			}
		}
	}
	if run.Files, err = s.writeFiles(temporary, files, max(workers, 1)); err != nil {
		return nil, err
	}
	line, err := json.Marshal(run)
	if err != nil {
		return nil, err
	}
	if err := s.disk.WriteFile(filepath.Join(temporary, RunName), sealed(string(line)), 0o600); err != nil {
		return nil, err
	}
	for _, dir := range folders {
		if err := s.disk.SyncDir(dir); err != nil {
			return nil, err
		}
	}
	r := &Result{Name: name, Dir: s.path(resultsName, name), Run: run}
	return r, disk.Move(s.disk, temporary, r.Dir)
}

// writeFiles writes the files into a folder, and gives their sums.
func (s *State) writeFiles(dir string, files []File, workers int) ([]RunFile, error) {
	written := make([]RunFile, len(files))
	var g errgroup.Group
	g.SetLimit(workers)
	for i, f := range files {
		g.Go(func() error {
			sum := sha256.New()
			err := s.disk.WriteStream(filepath.Join(dir, filepath.FromSlash(f.Name)), func(w io.Writer) error {
				out := bufio.NewWriterSize(io.MultiWriter(w, sum), pieceSize)
				if err := f.Write(out); err != nil {
					return fmt.Errorf("writing %s: %w", f.Name, err)
				}
				return out.Flush()
			}, 0o644)
			written[i] = RunFile{f.Name, hex.EncodeToString(sum.Sum(nil))}
			return err
		})
	}
	return written, g.Wait()
}

// pieceSize is how much of a file is written at once.
const pieceSize = 64 << 10

// Retain removes all but the newest results, and of the older ones keeps the last of each month: a year is twelve of them.
func (s *State) Retain(newest int) error {
	names, err := s.ResultNames()
	if err != nil {
		return err
	}
	for i := 0; i < len(names)-newest; i++ {
		if month(names[i]) != month(names[i+1]) {
			continue
		}
		if err := s.remove(s.path(resultsName, names[i]), "old"); err != nil {
			return fmt.Errorf("the old result %s: %w", names[i], err)
		}
	}
	return nil
}

func month(name string) string { return name[:min(len(name), len("2006-01"))] }
