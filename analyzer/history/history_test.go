package history

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"orrery/analyzer/facts"
	"orrery/analyzer/history/odb"
	"orrery/fixtures/gitbuild"
)

// git runs git with an empty configuration, and skips the test where there is none.
func git(t testing.TB, dir string, args ...string) []byte {
	t.Helper()
	return gitInput(t, dir, "", args...)
}

func gitInput(t testing.TB, dir, input string, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git program")
	}
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "safe.directory=*"}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull, "LC_ALL=C.UTF-8")
	cmd.Stdin = bytes.NewReader([]byte(input))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, &stderr)
	}
	return out
}

func mustOpen(t testing.TB, dir string) *Repository {
	t.Helper()
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func mustRead(t testing.TB, r *Repository, revision string, o Options) *facts.Repository {
	t.Helper()
	f, err := Read(context.Background(), r, "key", revision, o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// layouts are ways in which a repository lies on disk. The result may not depend on them.
var layouts = []struct {
	name string
	o    gitbuild.Options
}{
	{"offset deltas", gitbuild.Options{Deltas: gitbuild.OffsetDeltas}},
	{"name deltas", gitbuild.Options{Deltas: gitbuild.NameDeltas, Wide: true, Depth: 7}},
	{"three packs", gitbuild.Options{Deltas: gitbuild.OffsetDeltas, Deflate: gitbuild.Compressed, Packs: 3, PackedRefs: true}},
	{"whole", gitbuild.Options{}},
	{"loose", gitbuild.Options{Loose: true}},
}

var equal = cmpopts.EquateEmpty()

// options are ways of reading that may not change the result.
var options = []Options{
	{Workers: 1},
	{Workers: 2},
	{Workers: 8},
	{Workers: 1, Memory: 1 << 12, Limits: odb.Limits{Cache: 1}},
	{Workers: 3, Memory: 1, Limits: odb.Limits{Cache: 1 << 14}},
}

func TestReadEqualsGit(t *testing.T) {
	for k, layout := range layouts {
		t.Run(layout.name, func(t *testing.T) {
			histories := 36
			if layout.o.Loose { // writing thousands of files is slow
				histories = 6
			}
			if testing.Short() {
				histories = 3
			}
			w := newWorld(uint64(k + 1))
			var tips []gitbuild.ID
			for i := range histories {
				tip := w.history(5 + w.rand.IntN(40))
				w.repo.Branch(fmt.Sprintf("h%d", i), tip)
				tips = append(tips, tip)
			}
			dir := w.repo.Dir(t, layout.o)
			r := mustOpen(t, dir)
			variants := []struct {
				args []string
				o    Options
			}{
				{[]string{"-M"}, Options{}},
				{[]string{"--no-renames"}, Options{NoRenames: true}},
				{[]string{"-M", "-l2"}, Options{RenameLimit: 2}},
			}
			for v, variant := range variants {
				want := gitRows(t, dir, variant.args...)
				for i := range tips {
					o := options[i%len(options)]
					o.NoRenames, o.RenameLimit, o.Ownership = variant.o.NoRenames, variant.o.RenameLimit, i%2 == 0
					f := mustRead(t, r, fmt.Sprintf("refs/heads/h%d", i), o)
					for id, got := range rows(f) {
						if diff := gocmp.Diff(want[id], got); diff != "" {
							t.Errorf("history %d, commit %s, %v (-git +ours):\n%s", i, id, variant.args, diff)
						}
					}
					checkShape(t, f)
					if v == 0 {
						checkSnapshots(t, f, w)
					}
					if t.Failed() {
						t.FailNow()
					}
				}
			}
		})
	}
}

// checkShape checks what holds of every result.
func checkShape(t testing.TB, f *facts.Repository) {
	t.Helper()
	if w := f.Walk; w.Commits != len(f.Commits) || w.Commits != w.Merges+w.Measured+w.Partial {
		t.Errorf("%+v does not add up to %d commits", w, len(f.Commits))
	}
	var next [3]uint32
	span := func(k int, s facts.Span, what string, commit int) {
		if s.Lo != next[k] || s.Hi < s.Lo {
			t.Errorf("commit %d: %s are %v, the ones before end at %d", commit, what, s, next[k])
		}
		next[k] = s.Hi
	}
	for i := range f.Commits {
		c := &f.Commits[i]
		span(0, c.Parents, "parents", i)
		span(1, c.Changes, "changes", i)
		span(2, c.Trailers, "trailers", i)
		for _, p := range f.Parents[c.Parents.Lo:c.Parents.Hi] {
			if p >= uint32(i) {
				t.Errorf("commit %d has the parent %d behind it", i, p)
			}
		}
		if c.IsMerge() && c.Changes.Len() > 0 {
			t.Errorf("commit %d is a merge with changes", i)
		}
		changes := f.Changes[c.Changes.Lo:c.Changes.Hi]
		if !slices.IsSortedFunc(changes, func(a, b facts.Change) int { return cmp.Compare(f.Paths[a.Path], f.Paths[b.Path]) }) {
			t.Errorf("the changes of commit %d are not sorted", i)
		}
		for _, ch := range changes {
			if ch.Commit != uint32(i) {
				t.Errorf("a change of commit %d says %d", i, ch.Commit)
			}
			if ch.Kind != facts.Renamed && ch.Old != ch.Path {
				t.Errorf("commit %d: %s %s from %s", i, ch.Kind, f.Paths[ch.Path], f.Paths[ch.Old])
			}
			// Lines are conserved in every row that is known on both sides. A submodule is a line in a row, and none of a file.
			wasSubmodule := ch.LinesBefore == 0 && ch.Kind != facts.Added
			if !ch.Binary && ch.Skip == facts.Measured && ch.Type != facts.Submodule && !wasSubmodule &&
				int64(ch.LinesAfter)-int64(ch.LinesBefore) != int64(ch.Added)-int64(ch.Removed) {
				t.Errorf("commit %d: %s has %d lines, +%d -%d, then %d", i, f.Paths[ch.Path], ch.LinesBefore, ch.Added, ch.Removed, ch.LinesAfter)
			}
		}
		if c.Step != facts.None && f.Steps[c.Step].Commit != uint32(i) {
			t.Errorf("commit %d is not at its step", i)
		}
	}
	if int(next[0]) != len(f.Parents) || int(next[1]) != len(f.Changes) || int(next[2]) != len(f.Trailers) {
		t.Errorf("rows that belong to no commit: %v of %d, %d, %d", next, len(f.Parents), len(f.Changes), len(f.Trailers))
	}
	var before facts.Step
	for i, s := range f.Steps {
		if s.Lines != before.Lines+s.Added-s.Removed {
			t.Errorf("step %d: %d lines + %d - %d is not %d", i, before.Lines, s.Added, s.Removed, s.Lines)
		}
		if s.Clock < before.Clock {
			t.Errorf("step %d: the clock goes back", i)
		}
		if s.Unreadable > s.Files {
			t.Errorf("step %d: %d of %d files unreadable", i, s.Unreadable, s.Files)
		}
		if f.Commits[s.Commit].Step != uint32(i) {
			t.Errorf("step %d: its commit says %d", i, f.Commits[s.Commit].Step)
		}
		before = s
	}
	if n := len(f.Steps); n > 0 && f.Commits[f.Steps[n-1].Commit].ID != f.Head {
		t.Errorf("the last step is not the head")
	}
	if len(f.Survival) > 0 {
		checkLivingLines(t, f)
	}
	seen := map[string]bool{}
	for _, p := range f.Paths {
		if seen[p] {
			t.Errorf("the path %q is there twice", p)
		}
		seen[p] = true
	}
}

// checkLivingLines sums up who wrote the lines of every snapshot.
func checkLivingLines(t testing.TB, f *facts.Repository) {
	t.Helper()
	type key struct{ path, commit uint32 }
	live := map[key]int64{}
	lines, at := int64(0), 0
	for i, step := range f.Steps {
		for ; at < len(f.Survival) && f.Survival[at].Step == uint32(i); at++ {
			s := f.Survival[at]
			k := key{s.Path, s.Commit}
			if live[k] += int64(s.Lines); live[k] < 0 || s.Lines == 0 {
				t.Errorf("step %d: %d lines of commit %d in %q, by %d", i, live[k], s.Commit, f.Paths[s.Path], s.Lines)
			}
			if s.Commit != facts.None && s.Commit > step.Commit {
				t.Errorf("step %d: lines of commit %d, which comes later", i, s.Commit)
			}
			lines += int64(s.Lines)
		}
		if lines != int64(step.Lines) {
			t.Errorf("step %d: %d lines have owners, there are %d", i, lines, step.Lines)
		}
	}
	if at != len(f.Survival) {
		t.Errorf("row %d of survival belongs to no step", at)
	}
}

// checkSnapshots counts every snapshot along first parents anew.
func checkSnapshots(t testing.TB, f *facts.Repository, w *world) {
	t.Helper()
	for i, s := range f.Steps {
		lines, files := w.trees[gitbuild.ID(f.Commits[s.Commit].ID)].lines()
		if lines != s.Lines || files != s.Files {
			t.Errorf("step %d (%s): %d lines in %d files, counted %d in %d", i, f.Commits[s.Commit].ID, s.Lines, s.Files, lines, files)
		}
	}
}

func TestOptionsThatChangeNothing(t *testing.T) {
	w := newWorld(99)
	w.repo.Branch("main", w.history(120))
	var want *facts.Repository
	for k, layout := range layouts {
		r := mustOpen(t, w.repo.Dir(t, layout.o))
		for i, o := range options {
			if k > 0 && i > 0 && i != k {
				continue // all ways of reading of one layout, two of each other
			}
			o.Ownership = true
			f := mustRead(t, r, "", o)
			if want == nil {
				want = f
				checkShape(t, f)
				checkSnapshots(t, f, w)
			}
			if diff := gocmp.Diff(want, f, equal); diff != "" {
				t.Fatalf("%s, %+v: another result (-first +now):\n%s", layout.name, o, diff)
			}
		}
	}
}
