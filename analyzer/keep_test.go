package analyzer

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"orrery/analyzer/disk"
	"orrery/analyzer/disk/disktest"
	"orrery/analyzer/facts/store"
	"orrery/analyzer/source"
	"orrery/analyzer/state"
	"orrery/fixtures/gitbuild"
)

// upstream is an ecosystem that others push to: a folder of repositories, written anew every night.
type upstream struct {
	dir   string
	repos map[string]*gitbuild.Repo
	tips  map[string]gitbuild.ID
	heads map[string]string // default branches
	n     int
}

func newUpstream(t *testing.T) *upstream {
	return &upstream{dir: filepath.Join(t.TempDir(), "up"), repos: map[string]*gitbuild.Repo{}, tips: map[string]gitbuild.ID{}, heads: map[string]string{}}
}

// push adds commits to a repository, which it makes if there is none.
func (u *upstream) push(name string, commits int) {
	r := u.repos[name]
	if r == nil {
		r = gitbuild.New()
		u.repos[name], u.heads[name] = r, "main"
	}
	for range commits {
		u.n++
		c := gitbuild.C{
			Author:  fmt.Sprintf("Dev %d <dev%[1]d@%s.example>", u.n%5, []string{"astra", "boreas"}[u.n%2]),
			Message: fmt.Sprintf("change %d\n\nSigned-off-by: Dev %d <dev%[2]d@astra.example>\n", u.n, u.n%5),
			Files:   gitbuild.Files{fmt.Sprintf("src/f%d.c", u.n%7): strings.Repeat(fmt.Sprintf("line %d\n", u.n), 1+u.n%4) + "end\n"},
		}
		if tip := u.tips[name]; tip != (gitbuild.ID{}) {
			c.Parents = gitbuild.IDs{tip}
		}
		u.tips[name] = r.Commit(c)
	}
}

// merge adds a side branch with a merge.
func (u *upstream) merge(name string) {
	base := u.tips[name]
	u.push(name, 1)
	main := u.tips[name]
	u.n++
	side := u.repos[name].Commit(gitbuild.C{
		Parents: gitbuild.IDs{base}, Author: "Side <side@boreas.example>", Message: "side",
		Files: gitbuild.Files{fmt.Sprintf("side%d.c", u.n): fmt.Sprintf("side %d\n", u.n)},
	})
	u.tips[name] = u.repos[name].Commit(gitbuild.C{
		Parents: gitbuild.IDs{main, side}, Message: "merge", Ops: gitbuild.Ops{gitbuild.Put(fmt.Sprintf("side%d.c", u.n), fmt.Sprintf("side %d\n", u.n))},
	})
}

// rewrite makes the newest commits anew.
func (u *upstream) rewrite(name string, commits int) {
	for range commits {
		if parents := u.repos[name].Described(u.tips[name]).Parents; len(parents) > 0 {
			u.tips[name] = parents[0]
		}
	}
	u.push(name, commits)
}

func (u *upstream) drop(name string) {
	delete(u.repos, name)
	delete(u.tips, name)
	delete(u.heads, name)
}

func (u *upstream) rename(from, to string) {
	u.repos[to], u.tips[to], u.heads[to] = u.repos[from], u.tips[from], u.heads[from]
	u.drop(from)
}

// write publishes what there is.
func (u *upstream) write(t *testing.T) {
	t.Helper()
	if err := os.RemoveAll(u.dir); err != nil {
		t.Fatal(err)
	}
	for name, r := range u.repos {
		published := r.Fork()
		if tip := u.tips[name]; tip != (gitbuild.ID{}) {
			published.Branch(u.heads[name], tip)
		}
		if err := published.Write(filepath.Join(u.dir, name+".git"), gitbuild.Options{}); err != nil {
			t.Fatal(err)
		}
	}
}

// night runs once, on a disk, and gives the outcome.
func (u *upstream) night(d disk.System, dir string, change ...func(*Options)) (o *Outcome, notices []string, err error) {
	opts := Options{
		Sources: []string{u.dir}, Source: source.Options{Offline: true}, Workers: 1, PseudonymKey: []byte("the same key every night"), Version: "test",
		Program: "test", Now: time.Date(2026, 8, 31, 2, 0, 0, 0, time.UTC), Top: 40,
	}
	if dir != "" {
		s, err := state.Open(d, dir)
		if err != nil {
			return nil, nil, err
		}
		defer func() {
			notices = s.Notices()
			err = errors.Join(err, s.Close())
		}()
		opts.State = s
	}
	for _, c := range change {
		c(&opts)
	}
	o, err = Run(context.Background(), opts)
	return o, notices, err
}

func (u *upstream) must(t *testing.T, dir string, change ...func(*Options)) *Outcome {
	t.Helper()
	o, _, err := u.night(&disktest.Faulty{}, dir, change...)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// newestResult gives the files of the newest result by name, without what is for the state alone.
func newestResult(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, "results"))
	if err != nil || len(entries) == 0 {
		t.Fatalf("there is no result: %v", err)
	}
	return content(t, filepath.Join(dir, "results", entries[len(entries)-1].Name()))
}

func content(t *testing.T, root string) map[string]string {
	t.Helper()
	all := map[string]string{}
	if err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == state.RunName {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(root, path)
		all[name] = string(b)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func sameResult(t *testing.T, what string, want, got map[string]string) {
	t.Helper()
	for name := range want {
		if want[name] != got[name] {
			t.Fatalf("%s: %s is not that of an undisturbed run:\n%s", what, name, firstDifference(want[name], got[name]))
		}
	}
	if len(want) != len(got) {
		t.Fatalf("%s: %d files, not %d", what, len(got), len(want))
	}
}

func firstDifference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range a {
		if i >= len(b) || a[i] != b[i] {
			return fmt.Sprintf("line %d: want %.300s\n got %.300s", i+1, a[i], strings.Join(b[min(i, len(b)):min(i+1, len(b))], ""))
		}
	}
	return "more lines"
}

func TestNights(t *testing.T) {
	u, dir := newUpstream(t), filepath.Join(t.TempDir(), "state")
	for _, name := range []string{"a", "b", "c", "d"} {
		u.push(name, 20)
	}
	u.write(t)
	first := u.must(t, dir)
	if first.Unchanged || first.Stored == nil || first.Skipped || first.Model.Read != 4 {
		t.Fatalf("the first night: %+v", first)
	}
	if again := u.must(t, dir); !again.Unchanged || again.Stored.Name != first.Stored.Name || again.Model.Read != 4 {
		t.Fatalf("nothing has changed: %+v", again)
	}
	if other := u.must(t, dir, func(o *Options) { o.Program = "another" }); other.Unchanged || other.Stored.Name <= first.Stored.Name {
		t.Fatalf("another program: %+v", other.Stored)
	}
	if status := standings(t, dir); status != "a equal, b equal, c equal, d equal" {
		t.Error(status)
	}

	u.push("a", 2)
	u.rewrite("b", 3)
	u.rename("c", "c2")
	u.heads["d"] = "trunk"
	u.write(t)
	if status := standings(t, dir); status != "a older tips, b older tips, c older tips, d older tips" {
		t.Error(status)
	}
	moved := u.must(t, dir)
	for _, want := range []string{
		"b: its history was rewritten", "c: renamed: it is c2 now", "d: the branch that is read was refs/heads/main, and is refs/heads/trunk",
	} {
		if !warned(moved, want) {
			t.Errorf("no warning %q among %q", want, moved.Model.Warnings)
		}
	}
	if moved.Skipped || len(moved.Model.Warnings) != 3 {
		t.Errorf("warnings %q, skipped %v", moved.Model.Warnings, moved.Skipped)
	}
	if status := standings(t, dir); status != "a equal, b equal, c2 equal, d equal" {
		t.Error(status)
	}
}

func warned(o *Outcome, text string) bool {
	return slices.ContainsFunc(o.Model.Warnings, func(w string) bool { return strings.Contains(w, text) })
}

func standings(t *testing.T, dir string) string {
	t.Helper()
	s, err := state.OpenShared(disk.Real{}, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, all, err := Status(s)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, one := range all {
		texts = append(texts, one.Key+" "+string(one.Condition))
		if (one.Condition == state.Equal) != (one.Why == "") {
			t.Errorf("%s is %s: %q", one.Key, one.Condition, one.Why)
		}
	}
	return strings.Join(texts, ", ")
}

func TestSuddenShrink(t *testing.T) {
	for name, shrink := range map[string]func(*upstream){
		"rewritten to little": func(u *upstream) {
			u.tips["b"] = gitbuild.ID{}
			u.push("b", 3)
		},
		"emptied": func(u *upstream) { u.tips["b"] = gitbuild.ID{} },
	} {
		t.Run(name, func(t *testing.T) {
			u, dir := newUpstream(t), filepath.Join(t.TempDir(), "state")
			u.push("a", 20)
			u.push("b", 30)
			u.write(t)
			before := u.must(t, dir)
			shrink(u)
			u.write(t)
			for range 2 { // also when it is known
				o := u.must(t, dir)
				if o.Model.Figures[0].Commits.Value != before.Model.Figures[0].Commits.Value || !o.Skipped || !warned(o, "stay until --accept-shrink b") {
					t.Fatalf("%d commits, skipped %v, %q", o.Model.Figures[0].Commits.Value, o.Skipped, o.Model.Warnings)
				}
			}
			after := u.must(t, dir, func(o *Options) { o.AcceptShrink = []string{"b"} })
			full := u.must(t, "")
			if after.Model.Figures[0].Commits.Value != full.Model.Figures[0].Commits.Value || warned(after, "stay until") {
				t.Errorf("accepted: %d commits, %q", after.Model.Figures[0].Commits.Value, after.Model.Warnings)
			}
			if last := u.must(t, dir); last.Model.Figures[0].Commits.Value != full.Model.Figures[0].Commits.Value {
				t.Errorf("the night after: %d commits", last.Model.Figures[0].Commits.Value)
			}
		})
	}
	t.Run("the list", func(t *testing.T) {
		u, dir := newUpstream(t), filepath.Join(t.TempDir(), "state")
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			u.push(name, 3)
		}
		u.write(t)
		u.must(t, dir)
		for _, name := range []string{"b", "c", "d"} {
			u.drop(name)
		}
		u.write(t)
		if _, _, err := u.night(disk.Real{}, dir); !errors.Is(err, ErrShrunk) {
			t.Fatal(err)
		}
		o := u.must(t, dir, func(o *Options) { o.AcceptShrink = []string{AcceptSources} })
		if o.Model.Read != 2 || !warned(o, "b: no longer among") {
			t.Errorf("%d repositories, %q", o.Model.Read, o.Model.Warnings)
		}
	})
}

// scene is a state after one night, with a second night to come that touches a part of everything.
func scene(t *testing.T) (u *upstream, before string) {
	u, before = newUpstream(t), filepath.Join(t.TempDir(), "state")
	for _, name := range []string{"a", "b", "c", "d"} {
		u.push(name, 12)
	}
	u.write(t)
	u.must(t, before)
	u.push("a", 1)
	u.rewrite("b", 2)
	u.rename("c", "c2")
	u.write(t)
	return u, before
}

func copyState(t *testing.T, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "state")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

// TestKilledAnywhere kills a night at every operation on the disk, runs it again, and compares with one that nobody disturbed.
func TestKilledAnywhere(t *testing.T) {
	u, before := scene(t)
	for name, start := range map[string]func(t *testing.T) string{
		"first night":  func(t *testing.T) string { return filepath.Join(t.TempDir(), "state") },
		"second night": func(t *testing.T) string { return copyState(t, before) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := start(t)
			whole := &disktest.Faulty{Writes: true}
			if _, _, err := u.night(whole, dir); err != nil {
				t.Fatal(err)
			}
			want := newestResult(t, dir)
			if whole.Count() < 40 {
				t.Fatalf("only %d operations", whole.Count())
			}
			step := 1
			if name == "first night" {
				step = 3 // most are alike
			}
			if testing.Short() {
				step = 7
			}
			for at := 1; at <= whole.Count(); at += step {
				dir := start(t)
				d := &disktest.Faulty{At: at, Writes: true, Err: disktest.ErrKilled}
				if _, _, err := u.night(d, dir); !errors.Is(err, disktest.ErrKilled) {
					t.Fatalf("killed at %d (%s): %v", at, d.Last(), err)
				}
				o, notices, err := u.night(&disktest.Faulty{}, dir)
				if err != nil || len(notices) > 0 {
					t.Fatalf("after having been killed at %d (%s): %v %q", at, d.Last(), err, notices)
				}
				what := fmt.Sprintf("killed at %d (%s)", at, d.Last())
				sameResult(t, what, want, newestResult(t, dir))
				if o.Model.Read != 4 {
					t.Fatalf("%s: %d repositories", what, o.Model.Read)
				}
				if left, err := os.ReadDir(filepath.Join(dir, "tmp")); err != nil || len(left) > 0 {
					t.Fatalf("%s: left behind: %v %v", what, left, err)
				}
				verified(t, what, dir)
				if err := os.RemoveAll(dir); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func verified(t *testing.T, what, dir string) {
	t.Helper()
	s, err := state.OpenShared(disk.Real{}, dir)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	defer s.Close()
	v, err := Verify(context.Background(), s, 1, func(err error) { t.Errorf("%s: %v", what, err) })
	if err != nil || v.Repositories == 0 || v.Results == 0 {
		t.Fatalf("%s: %+v %v", what, v, err)
	}
}

// TestFailingDisk lets the disk fail in the ways of disks, at every operation.
func TestFailingDisk(t *testing.T) {
	u, before := scene(t)
	undisturbed := copyState(t, before)
	whole := &disktest.Faulty{}
	if _, _, err := u.night(whole, undisturbed); err != nil {
		t.Fatal(err)
	}
	want, old := newestResult(t, undisturbed), newestResult(t, before)
	for _, fault := range []*disktest.Faulty{
		{Err: syscall.ENOSPC, Writes: true}, {Err: syscall.EROFS, Writes: true}, {Err: syscall.EIO}, {Err: syscall.EIO, Once: true},
	} {
		name := fmt.Sprintf("%v, once %v", fault.Err, fault.Once)
		step := 13
		if testing.Short() {
			step = 41
		}
		for at := 1; at <= whole.Count(); at += step {
			dir := copyState(t, before)
			d := &disktest.Faulty{At: at, Err: fault.Err, Writes: fault.Writes, Once: fault.Once}
			_, _, err := u.night(d, dir)
			what := fmt.Sprintf("%s at %d (%s)", name, at, d.Last())
			switch {
			case err == nil:
				// It could do without: what it could not read was read from git again, or there was nothing more to do.
				sameResult(t, what, want, newestResult(t, dir))
			case !errors.Is(err, fault.Err) || !strings.Contains(err.Error(), dir):
				t.Fatalf("%s: %v", what, err)
			default:
				if got := newestResult(t, dir); got["result.json"] != want["result.json"] {
					sameResult(t, what+", the old result", old, got)
				}
			}
			u.must(t, dir)
			sameResult(t, what+", then again", want, newestResult(t, dir))
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestFlippedBytes damages every file of a state. Whatever it is, the figures are right or the run refuses with the name of the file.
func TestFlippedBytes(t *testing.T) {
	u, before := scene(t)
	u.must(t, before)
	want := newestResult(t, before)
	for name := range content(t, before) {
		if name == "lock" || strings.HasPrefix(name, "facts") && !strings.HasPrefix(name, filepath.Join("facts", "repository=a")) {
			continue // the facts of one repository are like those of another
		}
		dir := copyState(t, before)
		path := filepath.Join(dir, name)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)/2] ^= 1
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(name, "key") && name != "format" {
			s, err := state.OpenShared(disk.Real{}, dir)
			if err != nil {
				t.Fatal(err)
			}
			told := 0
			v, err := Verify(context.Background(), s, 1, func(error) { told++ })
			if err := errors.Join(err, s.Close()); err != nil || told == 0 || v.Broken != told {
				t.Errorf("verify does not see that %s is damaged: %+v %v", name, v, err)
			}
		}
		// Another program, so that facts are needed.
		_, notices, err := u.night(&disktest.Faulty{}, dir, func(o *Options) {
			if strings.HasPrefix(name, "facts") {
				o.Program = "another"
			}
		})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		plan := slices.ContainsFunc([]string{"version", "change_versions", "events"}, func(table string) bool { return strings.Contains(filepath.Base(name), table) })
		old := strings.HasPrefix(name, "results") && !strings.Contains(name, newestName(t, before))
		if len(notices) == 0 && !plan && !old {
			t.Errorf("%s is damaged, and nobody says so", name)
		}
		sameFigures(t, name, want, newestResult(t, dir))
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
}

func newestName(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, "results"))
	if err != nil || len(entries) == 0 {
		t.Fatal(err)
	}
	return entries[len(entries)-1].Name()
}

// sameFigures compares results but for the warnings about what has moved since the last one.
func sameFigures(t *testing.T, what string, want, got map[string]string) {
	t.Helper()
	plain := func(files map[string]string) map[string]string {
		out := map[string]string{}
		for name, text := range files {
			out[name] = text
		}
		var model map[string]any
		if err := json.Unmarshal([]byte(files["result.json"]), &model); err != nil {
			t.Fatal(err)
		}
		delete(model, "warnings")
		b, err := json.MarshalIndent(model, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		out["result.json"] = string(b)
		return out
	}
	sameResult(t, what, plain(want), plain(got))
}

// TestNightsEqualOneReading drives an ecosystem through random nights, and compares each result with that of a run that knows nothing.
func TestNightsEqualOneReading(t *testing.T) {
	seeds, nights := 4, 8
	if testing.Short() {
		seeds, nights = 2, 5
	}
	for seed := range seeds {
		r := rand.New(rand.NewPCG(uint64(seed), 7))
		u, dir, fresh := newUpstream(t), filepath.Join(t.TempDir(), "state"), t.TempDir()
		organizations := filepath.Join(t.TempDir(), "organizations.yaml")
		for i := range 4 {
			u.push(fmt.Sprintf("r%d", i), 5+r.IntN(10))
		}
		for night := range nights {
			for range 1 + r.IntN(4) {
				names := slices.Sorted(func(yield func(string) bool) {
					for name := range u.repos {
						if u.tips[name] != (gitbuild.ID{}) && !yield(name) {
							return
						}
					}
				})
				name := names[r.IntN(len(names))]
				switch r.IntN(9) {
				case 0, 1:
					u.push(name, 1+r.IntN(3))
				case 2, 3:
					u.merge(name)
				case 4:
					u.rewrite(name, 1+r.IntN(3))
				case 5:
					u.rename(name, fmt.Sprintf("n%d", u.n))
				case 6:
					if len(names) > 2 {
						u.drop(name)
					}
				case 7:
					u.heads[name] = fmt.Sprintf("b%d", r.IntN(3))
				case 8:
					u.push(fmt.Sprintf("new%d", u.n), 3)
				}
			}
			u.write(t)
			text := fmt.Sprintf("organizations:\n  - name: Astra %d\n    kind: company\n    domains: [astra.example]\n", r.IntN(2))
			if err := os.WriteFile(organizations, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			set := func(o *Options) {
				o.Organizations = []string{organizations}
				o.AcceptShrink = []string{AcceptSources}
				for name := range u.repos {
					o.AcceptShrink = append(o.AcceptShrink, name)
				}
			}
			u.must(t, dir, set)
			once := filepath.Join(fresh, fmt.Sprint(night))
			u.must(t, once, set)
			what := fmt.Sprintf("seed %d, night %d", seed, night)
			sameFigures(t, what, newestResult(t, once), newestResult(t, dir))
			o := u.must(t, "", set)
			var b strings.Builder
			if err := o.WriteFile(&b, resultName, 40); err != nil {
				t.Fatal(err)
			}
			if once := newestResult(t, once); once[resultName] != b.String() {
				t.Fatalf("%s: without a state: %s", what, firstDifference(once[resultName], b.String()))
			}
		}
		verified(t, "the last night", dir)
	}
}

func TestStateRefusals(t *testing.T) {
	u, before := scene(t)
	s, err := state.Open(disk.Real{}, before)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := u.night(disk.Real{}, before); !errors.Is(err, state.ErrLocked) {
		t.Errorf("two runs at once: %v", err)
	}
	if _, err := state.OpenShared(disk.Real{}, before); !errors.Is(err, state.ErrLocked) {
		t.Errorf("looking beside a run: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	strange := t.TempDir()
	if err := os.WriteFile(filepath.Join(strange, "thesis.tex"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := u.night(disk.Real{}, strange); !errors.Is(err, state.ErrNotState) {
		t.Errorf("a folder of something else: %v", err)
	}
	if _, err := state.OpenShared(disk.Real{}, strange); !errors.Is(err, state.ErrNotState) {
		t.Errorf("looking at something else: %v", err)
	}
}

// TestDamageOfOneRepository shows that what is broken in one repository's facts costs that one alone another reading.
func TestDamageOfOneRepository(t *testing.T) {
	u, dir := scene(t)
	manifest := filepath.Join(dir, "facts", "repository=d", "generation=000001", store.ManifestName)
	if err := os.Remove(manifest); err != nil {
		t.Fatal(err)
	}
	if status := standings(t, dir); !strings.Contains(status, "d corrupt") {
		t.Error(status)
	}
	_, notices, err := u.night(&disktest.Faulty{}, dir)
	if err != nil || len(notices) != 1 || !strings.Contains(notices[0], "d: ") {
		t.Fatalf("%q %v", notices, err)
	}
	for name, generation := range map[string]int{"a": 2, "b": 2, "d": 2} {
		if _, err := os.Stat(filepath.Join(dir, "facts", "repository="+name, fmt.Sprintf("generation=%06d", generation))); err != nil {
			t.Error(err)
		}
	}
}

func TestKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	key := func() ([]byte, error) {
		s, err := state.Open(&disktest.Faulty{}, dir)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		return s.Key()
	}
	first, err := key()
	if err != nil || len(first) < 64 {
		t.Fatalf("%q %v", first, err)
	}
	if again, err := key(); err != nil || string(again) != string(first) {
		t.Errorf("%q, then %q %v", first, again, err)
	}
	path := filepath.Join(dir, "key")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	first[3] ^= 1
	if err := os.WriteFile(path, append(first, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	if k, err := key(); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a damaged key: %q %v", k, err)
	}
}

// TestOlderState rebuilds what an older version left, and keeps its results.
func TestOlderState(t *testing.T) {
	u, dir := newUpstream(t), filepath.Join(t.TempDir(), "state")
	u.push("a", 5)
	u.write(t)
	u.must(t, dir)
	want := newestResult(t, dir)
	zero := sha256.Sum256([]byte("orrery state, format 0"))
	for content, notice := range map[string]string{
		"orrery state, format 0\n5ef8c9b5a9f5a9a5\n": "damaged", "": "damaged", fmt.Sprintf("orrery state, format 0\n%x\n", zero[:8]): "older format 0",
	} {
		if err := os.WriteFile(filepath.Join(dir, "format"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		o, notices, err := u.night(&disktest.Faulty{}, dir)
		if err != nil || len(notices) != 1 || !strings.Contains(notices[0], notice) || !o.Unchanged {
			t.Fatalf("%q %v %+v", notices, err, o)
		}
		sameResult(t, "rebuilt", want, newestResult(t, dir))
		if status := standings(t, dir); status != "a equal" {
			t.Error(status)
		}
	}
}

// TestFactsOfAnotherFormat turns the facts of a repository into those of an older or a newer version of the files: that one is read again and told
// of, what cannot be read again is told of as well, and all others stay as they are.
func TestFactsOfAnotherFormat(t *testing.T) {
	for name, version := range map[string]int{"older": store.Format - 1, "newer": store.Format + 1} {
		u, dir := newUpstream(t), filepath.Join(t.TempDir(), "state")
		for _, key := range []string{"a", "b"} {
			u.push(key, 15)
		}
		u.write(t)
		u.must(t, dir)
		want, first := newestResult(t, dir), newestName(t, dir)
		forge := func() {
			generation, err := filepath.Glob(filepath.Join(dir, "facts", "repository=a", "generation=*", store.ManifestName))
			if err != nil || len(generation) != 1 {
				t.Fatalf("%q %v", generation, err)
			}
			b, err := os.ReadFile(generation[0])
			if err != nil {
				t.Fatal(err)
			}
			old := fmt.Sprintf(`"format": %d,`, store.Format)
			if !strings.Contains(string(b), old) {
				t.Fatalf("no %s in %s", old, b)
			}
			text := strings.Replace(string(b), old, fmt.Sprintf(`"format": %d,`, version), 1)
			if err := os.WriteFile(generation[0], []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		forge()
		if status := standings(t, dir); status != "a other version, b equal" {
			t.Errorf("%s: %s", name, status)
		}
		_, notices, err := u.night(&disktest.Faulty{}, dir)
		if err != nil || len(notices) != 1 || !strings.Contains(notices[0], "a: ") || !strings.Contains(notices[0], fmt.Sprint(version)) {
			t.Fatalf("%s: %q %v", name, notices, err)
		}
		sameResult(t, name, want, newestResult(t, dir))
		if status := standings(t, dir); status != "a equal, b equal" {
			t.Errorf("%s: %s", name, status)
		}
		if _, err := os.Stat(filepath.Join(dir, "results", first, "result.json")); err != nil {
			t.Errorf("%s: the old result: %v", name, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "facts", "repository=b", "generation=000001")); err != nil {
			t.Errorf("%s: b was read again: %v", name, err)
		}
		verified(t, name, dir)

		// The repository is empty now: nobody can read its history again.
		forge()
		u.tips["a"] = gitbuild.ID{}
		u.write(t)
		o, notices, err := u.night(&disktest.Faulty{}, dir)
		if err != nil || !o.Skipped || o.Model.Read != 1 || len(notices) != 1 || !strings.Contains(notices[0], "a: ") {
			t.Fatalf("%s, and empty: %+v %q %v", name, o, notices, err)
		}
		if status := standings(t, dir); status != "a other version, b equal" {
			t.Errorf("%s, and empty: %s", name, status)
		}
	}
}

// TestForget follows a repository that leaves the sources: its facts stay, are told of, serve when it comes back, and go when somebody says so.
func TestForget(t *testing.T) {
	u, dir := newUpstream(t), filepath.Join(t.TempDir(), "state")
	for _, name := range []string{"a", "b", "c"} {
		u.push(name, 20)
	}
	u.write(t)
	with := u.must(t, dir)
	away, tip := u.repos["b"], u.tips["b"]
	u.drop("b")
	u.write(t)
	if o := u.must(t, dir); o.Model.Read != 2 || !warned(o, "b: no longer among") {
		t.Fatalf("%d repositories, %q", o.Model.Read, o.Model.Warnings)
	}
	of := func(key string) (found Standing) {
		t.Helper()
		s, err := state.OpenShared(disk.Real{}, dir)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		_, all, err := Status(s)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range all {
			if one.Key == key {
				found = one
			}
		}
		return found
	}
	if b := of("b"); b.Listed || b.Commits != 20 || b.Bytes == 0 || !strings.Contains(b.Why, "do not name it") {
		t.Errorf("status: %+v", b)
	}
	u.repos["b"], u.tips["b"], u.heads["b"] = away, tip, "main"
	u.write(t)
	if o := u.must(t, dir); o.Model.Read != 3 || o.Model.Figures[0].Commits.Value != with.Model.Figures[0].Commits.Value {
		t.Fatalf("back again: %d repositories", o.Model.Read)
	}
	if _, err := os.Stat(filepath.Join(dir, "facts", "repository=b", "generation=000001")); err != nil {
		t.Errorf("it was read again: %v", err)
	}
	u.drop("b")
	u.write(t)
	u.must(t, dir)
	before := newestResult(t, dir)
	forget := func(unlisted bool, keys ...string) (text string, err error) {
		s, err := state.Open(disk.Real{}, dir)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		all, err := Forget(s, keys, unlisted)
		for _, one := range all {
			text += fmt.Sprintf("%s %v;", one.Key, one.Mirror)
		}
		return text, err
	}
	if text, err := forget(true, "nobody"); !errors.Is(err, source.ErrUsage) || text != "" {
		t.Errorf("%q %v", text, err)
	}
	// Also what cannot be read any more.
	if err := os.WriteFile(filepath.Join(dir, "facts", "repository=b", "generation=000001", store.ManifestName), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if b := of("b"); b.Listed || b.Condition != state.OtherVersion {
		t.Errorf("status: %+v", b)
	}
	for _, want := range []string{"b false;", ""} {
		if text, err := forget(true); text != want || err != nil {
			t.Errorf("%q %v, want %q", text, err, want)
		}
	}
	if b := of("b"); b.Key != "" {
		t.Errorf("status: %+v", b)
	}
	if o := u.must(t, dir); !o.Unchanged {
		t.Error("another result without the facts of what is not named")
	}
	if text, err := forget(false, "c"); text != "c false;" || err != nil {
		t.Errorf("%q %v", text, err)
	}
	if o := u.must(t, dir); o.Model.Read != 2 {
		t.Errorf("%d repositories", o.Model.Read)
	}
	sameResult(t, "read again", before, newestResult(t, dir))
	verified(t, "at the end", dir)
}

// What an ecosystem file says changes what a result is made of, so a stored one is not taken for it.
func TestInputsFollowTheEcosystem(t *testing.T) {
	of := func(e source.Ecosystem) string {
		hash, err := inputs(&e, forgesTold{}, nil, &Options{Program: "orrery"})
		if err != nil || hash == "" {
			t.Fatalf("inputs %q, %v", hash, err)
		}
		return hash
	}
	none := of(source.Ecosystem{})
	for name, e := range map[string]source.Ecosystem{
		"window":     {Windows: []source.Window{{Name: "w", From: 1, To: 2}}},
		"path":       {Paths: []source.PathRule{{Repository: "**"}}},
		"correction": {Bulk: []source.BulkRule{{Repository: "**", Commit: "0123456", Is: "work"}}},
		"bot":        {Bots: []string{"*-bot"}},
	} {
		if of(e) == none {
			t.Errorf("a %s changes nothing", name)
		}
	}
}
