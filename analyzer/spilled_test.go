package analyzer

import (
	"syscall"
	"testing"

	"orrery/analyzer/disk/disktest"
	"orrery/analyzer/facts"
	"orrery/analyzer/state"
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
