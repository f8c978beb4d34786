package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"orrery/fixtures"
)

// TestInterrupt stops a run in the middle. Where machines are so fast that it is done by then, it is stopped earlier.
func TestInterrupt(t *testing.T) {
	if testing.Short() {
		t.Skip("a long history has to be made")
	}
	dir := t.TempDir()
	repository, key := filepath.Join(dir, "long.git"), filepath.Join(dir, "key")
	if err := errors.Join(
		fixtures.History{Commits: 4000, Seed: 1}.Write(repository),
		os.WriteFile(key, []byte("the same key in every test\n"), 0o600),
	); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	for wait := 200 * time.Millisecond; ; wait /= 2 {
		ctx, cancel := context.WithCancel(t.Context())
		stopped := make(chan time.Time, 1)
		time.AfterFunc(wait, func() {
			stopped <- time.Now()
			cancel()
		})
		var stdout, stderr bytes.Buffer
		code := Main(ctx, []string{"analyze", repository, "--pseudonym-key", key, "--out", out}, Streams{Out: &stdout, Err: &stderr})
		cancel()
		if code == Done && wait > time.Millisecond {
			if err := os.RemoveAll(out); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if code != Interrupted || stderr.String() != "orrery: interrupted\n" || stdout.Len() > 0 {
			t.Fatalf("exit code %d, stdout %q, stderr %q", code, &stdout, &stderr)
		}
		// It takes a second; ten leave room for machines that do ten things at once, and none for a run that goes on to its end.
		if took := time.Since(<-stopped); took > 10*time.Second {
			t.Errorf("stopping took %v", took)
		}
		break
	}
	if files, err := tree(out); !errors.Is(err, os.ErrNotExist) && len(files) > 0 {
		t.Errorf("there are %v", names(files))
	}

	// Before it begins, at the latest, is also in time.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, args := range [][]string{{"analyze", repository, "--pseudonym-key", key, "--out", out}, {"facts", "numstat", repository}} {
		var stdout, stderr bytes.Buffer
		if code := Main(ctx, args, Streams{Out: &stdout, Err: &stderr}); code != Interrupted || stdout.Len() > 0 {
			t.Errorf("%v: exit code %d, stdout %q", args, code, &stdout)
		}
	}
}
