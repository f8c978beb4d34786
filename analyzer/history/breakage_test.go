package history

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"orrery/analyzer/facts"
	"orrery/fixtures"
	"orrery/fixtures/gitbuild"
)

var update = flag.Bool("update", false, "write golden files")

// TestBreakage reads everything that is broken in a known way, and tells what came of it.
func TestBreakage(t *testing.T) {
	var out strings.Builder
	dir := ""
	places := func(s string) string {
		s = strings.ReplaceAll(s, ": stat ", ": open ") // whichever comes first
		s = strings.ReplaceAll(s, dir, "DIR")
		return strings.ReplaceAll(s, filepath.Dir(dir), "PARENT")
	}
	for _, b := range gitbuild.Breakage() {
		if slow(b.Name) {
			continue
		}
		dir = t.TempDir()
		if err := b.Write(dir); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%s: %s\n", b.Name, b.Why)
		f, err := readOnce(dir, Options{Workers: 2})
		again, err2 := readOnce(dir, Options{Workers: 1, Memory: 1 << 20, Ownership: true})
		if fmt.Sprint(err) != fmt.Sprint(err2) {
			t.Errorf("%s: %v, with other options %v", b.Name, err, err2)
		}
		if err != nil {
			fmt.Fprintf(&out, "\terror: %s\n\n", places(err.Error()))
			continue
		}
		checkShape(t, f)
		checkShape(t, again)
		again.Survival = nil
		if diff := gocmp.Diff(f, again, equal); diff != "" {
			t.Errorf("%s: another result with other options:\n%s", b.Name, diff)
		}
		last := f.Steps[len(f.Steps)-1]
		fmt.Fprintf(&out, "\t%d commits: %d merges, %d measured, %d partial, %d missing; %d files, %d lines, %d unreadable\n",
			f.Walk.Commits, f.Walk.Merges, f.Walk.Measured, f.Walk.Partial, f.Walk.Missing, last.Files, last.Lines, last.Unreadable)
		for i, s := range f.Skips {
			if i == 5 {
				fmt.Fprintf(&out, "\t... and %d skips more\n", len(f.Skips)-5)
				break
			}
			path := "no path"
			if s.Path != facts.None {
				path = f.Paths[s.Path]
			}
			fmt.Fprintf(&out, "\tskip: %s, %q, %d rows, %s\n", s.Reason, path, s.Rows, s.Detail)
		}
		for _, note := range f.Notes {
			fmt.Fprintf(&out, "\tnote: %s\n", places(note))
		}
		for _, c := range f.Changes {
			if len(f.Changes) < 12 {
				fmt.Fprintf(&out, "\t%s\t%s\n", f.Commits[c.Commit].Subject, show(f, c))
			}
		}
		out.WriteString("\n")
	}
	const golden = "testdata/breakage.golden"
	if *update && !testing.Short() {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	all, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	want := slices.DeleteFunc(strings.SplitAfter(string(all), "\n\n"), func(s string) bool {
		name, _, _ := strings.Cut(s, ":")
		return slow(name)
	})
	if diff := gocmp.Diff(want, strings.SplitAfter(out.String(), "\n\n")); diff != "" {
		t.Errorf("(-%s +now):\n%s", golden, diff)
	}
}

// slow says what short runs leave out.
func slow(name string) bool { return testing.Short() && (name == "tree-bomb" || name == "delta-chain") }

func readOnce(dir string, o Options) (*facts.Repository, error) {
	r, err := Open(dir)
	if err != nil {
		return nil, err
	}
	f, err := Read(context.Background(), r, "key", "", o)
	if e := r.Close(); err == nil {
		err = e
	}
	return f, err
}

// BenchmarkRead reads histories of 2,000 commits: small ones with all that is odd, and one as repositories are.
func BenchmarkRead(b *testing.B) {
	usual := b.TempDir()
	if err := (fixtures.History{Commits: 2000, Seed: 1, Deflate: gitbuild.Compressed}).Write(usual); err != nil {
		b.Fatal(err)
	}
	w := newWorld(1)
	w.repo.Branch("main", w.history(2000))
	odd := w.repo.Dir(b, gitbuild.Options{Deltas: gitbuild.OffsetDeltas, Deflate: gitbuild.Compressed})
	for _, c := range []struct {
		name, dir string
		o         Options
	}{
		{"usual", usual, Options{}},
		{"usual, one worker", usual, Options{Workers: 1}},
		{"usual, no renames", usual, Options{NoRenames: true}},
		{"usual, owners", usual, Options{Ownership: true}},
		{"odd", odd, Options{}},
		{"odd, owners", odd, Options{Ownership: true}},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := mustOpen(b, c.dir)
			commits, rows := 0, 0
			b.ReportAllocs()
			for b.Loop() {
				f := mustRead(b, r, "", c.o)
				commits, rows = len(f.Commits), len(f.Changes)
			}
			seconds := b.Elapsed().Seconds() / float64(b.N)
			b.ReportMetric(float64(commits)/seconds, "commits/s")
			b.ReportMetric(float64(rows)/seconds, "rows/s")
		})
	}
}
