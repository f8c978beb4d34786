package cli

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/analyzer/disk"
	"orrery/analyzer/state"
	"orrery/fixtures"
)

// TestTwoRunsAtOnce shows that the second one leaves at once.
func TestTwoRunsAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	s, err := state.Open(disk.Real{}, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, args := range [][]string{
		{"analyze", "../../fixtures/sample/ecosystem.yaml", "--offline", "--state", dir}, {"status", "--state", dir}, {"verify", "--state", dir},
	} {
		var stdout, stderr bytes.Buffer
		code := Main(t.Context(), args, Streams{Out: &stdout, Err: &stderr})
		if code != Locked || stdout.Len() > 0 || !strings.Contains(stderr.String(), "another run holds the state") {
			t.Errorf("%v: exit code %d, stdout %q, stderr %q", args, code, &stdout, &stderr)
		}
	}
}

// TestKilledAtRandom kills runs by SIGKILL, wherever they are, and compares what the last one gives with an undisturbed one.
func TestKilledAtRandom(t *testing.T) {
	rounds := 4
	if testing.Short() {
		rounds = 1
	}
	dir := t.TempDir()
	up, key := filepath.Join(dir, "up"), filepath.Join(dir, "key")
	err := os.WriteFile(key, []byte("the same key in every test\n"), 0o600)
	for i, name := range []string{"a", "b", "c"} {
		err = errors.Join(err, fixtures.History{Commits: 200 + 100*i, Seed: uint64(i), Files: 40}.Write(filepath.Join(up, name+".git")))
	}
	if err != nil {
		t.Fatal(err)
	}
	command := func(state string) *exec.Cmd {
		// TestMain makes the test program an orrery that is called by that name.
		return exec.Command("orrery", "analyze", up, "--state", state, "--pseudonym-key", key, "--quiet", "--allow-partial", "--workers", "2")
	}
	begin := time.Now()
	if out, err := command(filepath.Join(dir, "whole")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	took := time.Since(begin)
	want := lastResult(t, filepath.Join(dir, "whole"))
	random := rand.New(rand.NewPCG(1, 2))
	for round := range rounds {
		state := filepath.Join(dir, "killed", string(rune('a'+round)))
		if err := os.MkdirAll(filepath.Dir(state), 0o755); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			c := command(state)
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(random.Int64N(int64(took))))
			_ = c.Process.Kill() // fails if it is done
			_ = c.Wait()
		}
		if out, err := command(state).CombinedOutput(); err != nil {
			t.Fatalf("after having been killed: %v: %s", err, out)
		}
		got := lastResult(t, state)
		for name := range want {
			if !bytes.Equal(want[name], got[name]) {
				t.Fatalf("round %d: %s is another one", round, name)
			}
		}
		if out, err := exec.Command("orrery", "verify", "--state", state).CombinedOutput(); err != nil {
			t.Fatalf("round %d: %v: %s", round, err, out)
		}
	}
}

// lastResult gives the files of the newest result, without what is for the state alone.
func lastResult(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, "results"))
	if err != nil || len(entries) == 0 {
		t.Fatalf("there is no result: %v", err)
	}
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	files, err := tree(filepath.Join(dir, "results", slices.Max(names)))
	if err != nil {
		t.Fatal(err)
	}
	delete(files, "run.json")
	return files
}
