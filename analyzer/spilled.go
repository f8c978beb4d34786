package analyzer

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"orrery/analyzer/facts"
	"orrery/analyzer/facts/spill"
	"orrery/analyzer/state"
)

// spilled keeps the facts of a run outside of memory, in a file without a name beside the state, or else in the folder for temporary files. nil keeps them
// in memory.
type spilled struct {
	state *state.State
	log   *slog.Logger
	open  sync.Once
	file  *spill.File // nil before the first facts, and where there can be none
}

// newSpilled gives a place for the facts of a run; nothing is made before there are some.
func newSpilled(opts *Options) *spilled { return &spilled{state: opts.State, log: opts.Log} }

// place gives the file, nil where there is none.
func (s *spilled) place() *spill.File {
	if s == nil {
		return nil
	}
	s.open.Do(func() {
		file, err := s.scratch()
		if err != nil {
			s.log.Warn("facts stay in memory", "reason", err.Error())
			return
		}
		s.file = spill.New(file)
	})
	return s.file
}

// keep gives the same facts, kept outside of memory if that is possible: where it is not, on a full disk for one, a run needs more memory, and is as good.
func (s *spilled) keep(f *facts.Repository) *facts.Repository {
	file := s.place()
	if file == nil {
		return f
	}
	kept, err := file.Keep(f)
	if err != nil {
		s.log.Warn("facts stay in memory", "repository", f.Key, "reason", err.Error())
		return f
	}
	return kept
}

// note logs what stays in memory of what was made of facts.
func (s *spilled) note() {
	if err := s.place().Err(); err != nil {
		s.log.Warn("rows stay in memory", "reason", err.Error())
	}
}

func (s *spilled) scratch() (*os.File, error) {
	if s.state != nil {
		return s.state.Scratch()
	}
	f, err := os.CreateTemp("", "orrery-facts-*")
	if err != nil {
		return nil, fmt.Errorf("making a temporary file: %w", err)
	}
	return f, os.Remove(filepath.Clean(f.Name()))
}

func (s *spilled) close() error {
	if s == nil || s.file == nil {
		return nil
	}
	return s.file.Close()
}
