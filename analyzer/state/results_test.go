package state

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"orrery/analyzer/disk/disktest"
)

// TestRemoveMirror removes what the state made, and nothing that somebody else made or needs.
func TestRemoveMirror(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(&disktest.Faulty{}, filepath.Join(dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	at := func(names ...string) string {
		path := filepath.Join(append([]string{dir}, names...)...)
		if err := os.MkdirAll(filepath.Join(path, "objects"), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	own, shared, strange := at("state", "mirrors", "own.git"), at("state", "mirrors", "shared.git"), at("elsewhere.git")
	for i, run := range [][]RunRepository{
		{{Key: "own", Dir: own}, {Key: "shared", Dir: shared}, {Key: "strange", Dir: strange}, {Key: "mirrors", Dir: s.MirrorsDir()}, {Key: "none"}},
		{{Key: "new name", Dir: shared}},
	} {
		if _, err := s.SaveResult(time.Unix(int64(i), 0), Run{Repositories: run}, nil, 1); err != nil {
			t.Fatal(err)
		}
	}
	for _, one := range []struct {
		key, dir string
		removed  bool
	}{{"own", own, true}, {"shared", shared, false}, {"strange", strange, false}, {"mirrors", s.MirrorsDir(), false}, {"none", dir, false}, {"unheard of", dir, false}} {
		removed, err := s.RemoveMirror(one.key)
		if err != nil || removed != one.removed {
			t.Errorf("%s: %v %v", one.key, removed, err)
		}
		if _, err := os.Stat(one.dir); (err == nil) == one.removed {
			t.Errorf("%s: %v", one.key, err)
		}
	}
}
