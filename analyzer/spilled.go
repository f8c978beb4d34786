package analyzer

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"orrery/analyzer/facts"
	"orrery/analyzer/facts/spill"
	"orrery/analyzer/measure"
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

// keep gives the same facts, kept outside of memory if that is possible: where it is not, on a full disk for one, a run needs more memory, and is as good.
func (s *spilled) keep(f *facts.Repository) *facts.Repository {
	if s == nil {
		return f
	}
	s.open.Do(func() {
		file, err := s.scratch()
		if err != nil {
			s.log.Warn("facts stay in memory", "reason", err.Error())
			return
		}
		s.file = spill.New(file)
	})
	if s.file == nil {
		return f
	}
	kept, err := s.file.Keep(f)
	if err != nil {
		s.log.Warn("facts stay in memory", "repository", f.Key, "reason", err.Error())
		return f
	}
	return kept
}

// keepRows keeps outside of memory what the result has most rows of, which are read one after the other: who worked on which file, and what stands of
// each person's work month by month.
func (s *spilled) keepRows(result *measure.Result) {
	result.Files = keepRows(s, result.Files)
	if result.Strata != nil {
		result.Strata.People = keepRows(s, result.Strata.People)
	}
	kept := map[*measure.FileStock][]measure.FileStock{} // by the first of them: windows that end together have the same
	for w, list := range result.FileStocks {
		if len(list) == 0 {
			continue
		}
		if kept[&list[0]] == nil {
			kept[&list[0]] = keepRows(s, list)
		}
		result.FileStocks[w] = kept[&list[0]]
	}
}

func keepRows[T any](s *spilled, list []T) []T {
	if s == nil || s.file == nil {
		return list
	}
	kept, err := spill.Rows(s.file, list)
	if err != nil {
		s.log.Warn("rows stay in memory", "reason", err.Error())
		return list
	}
	return kept
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
