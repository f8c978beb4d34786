package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"orrery/analyzer/facts"
	"orrery/analyzer/history"
	"orrery/fixtures"
)

// upstreamOf is a repository whose default branch moves on along the first parents of a history that is known to its end.
type upstreamOf struct {
	dir   string
	steps []facts.ID
}

// follow makes a bare repository in a folder with the objects of another one, which it borrows.
func follow(t *testing.T, objects, dir string) *upstreamOf {
	t.Helper()
	source, err := history.Open(objects)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	f, err := history.Read(t.Context(), source, "all", "", history.Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	u := &upstreamOf{dir: dir}
	for i := range f.Steps {
		u.steps = append(u.steps, f.Commits[f.Steps[i].Commit].ID)
	}
	at, err := filepath.Abs(filepath.Join(objects, "objects"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"HEAD": "ref: refs/heads/main\n", "objects/info/alternates": at + "\n", "config": "[core]\n\tbare = true\n", "refs/heads/.keep": "",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return u
}

// push moves the branch to the end of a night.
func (u *upstreamOf) push(t *testing.T, night, nights int) {
	t.Helper()
	step := max(1, len(u.steps)*night/nights) - 1
	if err := os.WriteFile(filepath.Join(u.dir, "refs", "heads", "main"), []byte(u.steps[step].String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestFiftyNights runs the program once a night, while others push, and compares what it writes with what one reading of everything writes, byte
// for byte. ORRERY_NIGHTS names repositories (DIR,DIR) to be cut into nights in the place of generated ones.
func TestFiftyNights(t *testing.T) {
	nights, compare := 50, 5
	if testing.Short() {
		nights, compare = 10, 5
	}
	dir := t.TempDir()
	up, key := filepath.Join(dir, "up"), filepath.Join(dir, "key")
	if err := os.WriteFile(key, []byte("the same key in every test\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var from []string
	if given := os.Getenv("ORRERY_NIGHTS"); given != "" {
		from, compare = strings.Split(given, ","), 10
	} else {
		for i := range 2 {
			from = append(from, filepath.Join(dir, fmt.Sprintf("generated%d.git", i)))
			if err := (fixtures.History{Commits: 300 + 200*i, Seed: uint64(i), Files: 50, Bytes: 2 << 10}).Write(from[i]); err != nil {
				t.Fatal(err)
			}
		}
	}
	var all []*upstreamOf
	accept := []string{}
	for i, objects := range from {
		name := fmt.Sprintf("r%d", i)
		all = append(all, follow(t, objects, filepath.Join(up, name+".git")))
		accept = append(accept, "--accept-shrink", name) // a history may well shrink
	}
	run := func(args ...string) time.Duration {
		t.Helper()
		var stdout, stderr bytes.Buffer
		begin := time.Now()
		args = append([]string{"analyze", up, "--pseudonym-key", key, "--quiet", "--allow-partial"}, args...)
		if code := Main(t.Context(), args, Streams{Out: &stdout, Err: &stderr}); code != Done || stderr.Len() > 0 {
			t.Fatalf("%v: exit code %d, stderr %q", args, code, &stderr)
		}
		return time.Since(begin)
	}
	var incremental, full time.Duration
	runs := 0
	for night := 1; night <= nights; night++ {
		for _, u := range all {
			u.push(t, night, nights)
		}
		out := filepath.Join(dir, "night")
		took := run(append(accept, "--state", filepath.Join(dir, "state"), "--out", out)...)
		if night%compare != 0 {
			continue
		}
		fresh := filepath.Join(dir, "fresh")
		whole := run("--out", fresh)
		want, err := tree(fresh)
		if err != nil {
			t.Fatal(err)
		}
		got, err := tree(out)
		if err != nil {
			t.Fatal(err)
		}
		if len(want) < 10 || len(got) != len(want) {
			t.Fatalf("night %d: %d files, not %d", night, len(got), len(want))
		}
		for name := range want {
			if !bytes.Equal(want[name], got[name]) {
				t.Fatalf("night %d: %s is not that of a whole reading", night, name)
			}
		}
		incremental, full, runs = incremental+took, full+whole, runs+1
	}
	t.Logf("%d nights; of the %d compared, %.2f s a night and %.2f s a whole reading", nights, runs,
		incremental.Seconds()/float64(runs), full.Seconds()/float64(runs))
	var stdout, stderr bytes.Buffer
	if code := Main(t.Context(), []string{"verify", "--state", filepath.Join(dir, "state")}, Streams{Out: &stdout, Err: &stderr}); code != Done {
		t.Errorf("verify: exit code %d, %q %q", code, &stdout, &stderr)
	}
}
