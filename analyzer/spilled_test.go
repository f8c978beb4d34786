package analyzer

import (
	"fmt"
	"runtime"
	"syscall"
	"testing"

	"orrery/analyzer/disk/disktest"
	"orrery/analyzer/facts"
	"orrery/analyzer/source"
	"orrery/analyzer/state"
	"orrery/fixtures"
)

func TestSpilledFactsWithoutRoom(t *testing.T) {
	t.Parallel()
	f := &facts.Repository{Key: "a", Paths: []string{"file"}}
	for _, at := range []int{0, 1} {
		d := &disktest.Faulty{Err: syscall.ENOSPC}
		s, err := state.Open(d, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		opts := Options{State: s}
		opts.complete()
		if at > 0 {
			d.At = d.Count() + at
		}
		place := newSpilled(&opts)
		kept := place.keep(f)
		if len(kept.Paths) != 1 || kept.Paths[0] != "file" {
			t.Errorf("kept: %v", kept)
		}
		if inMemory := kept == f; inMemory != (at > 0) {
			t.Errorf("operation %d fails: in memory: %t", at, inMemory)
		}
		if err := place.close(); err != nil {
			t.Error(err)
		}
	}
}

// What a run holds of a repository, once it is read or loaded, is next to nothing: memory goes with the largest one, and not with their number.
func TestMemoryOfManyRepositories(t *testing.T) {
	_, dirs, err := fixtures.Cached(fixtures.History{Commits: 500, Seed: 1, Files: 40, Bytes: 512, People: 20})
	if err != nil {
		t.Fatal(err)
	}
	const copies = 12
	var repositories []source.Repository
	for i := range copies {
		repositories = append(repositories, source.Repository{Key: fmt.Sprintf("copy%02d", i), Dir: dirs[0]})
	}
	s, err := state.Open(&disktest.Faulty{}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	live := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // what the first one finds to be unused by pools
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	// each gives the live bytes for each repository.
	each := func(what string, spills bool) int64 {
		opts := Options{State: s, Workers: 2}
		opts.complete()
		if spills {
			opts.spill = newSpilled(&opts)
		}
		before := live()
		read, err := readAll(t.Context(), repositories, opts)
		if err == nil {
			err = load(t.Context(), repositories, read, opts)
		}
		if err != nil {
			t.Fatal(err)
		}
		n := (live() - before) / copies
		for i := range read {
			if f := read[i].facts; f == nil || len(f.Commits) != 500 {
				t.Errorf("%s: %s: %v", what, repositories[i].Key, read[i].err)
			}
		}
		t.Logf("%s: %d bytes for each repository", what, n)
		if err := opts.spill.close(); err != nil {
			t.Error(err)
		}
		return n
	}
	const little = 40 << 10
	for _, what := range []string{"read from git", "loaded"} {
		if n := each(what, true); n > little {
			t.Errorf("%s: %d bytes for each repository, more than %d", what, n, little)
		}
	}
	if n := each("loaded and kept in memory", false); n < 3*little {
		t.Errorf("in memory they take %d bytes: the other figures tell nothing", n)
	}
}
