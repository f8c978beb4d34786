package history

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"orrery/analyzer/facts"
	"orrery/fixtures/gitbuild"
)

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// two gives a repository of two commits on main.
func two() (r *gitbuild.Repo, first, second gitbuild.ID) {
	r = gitbuild.New()
	first = r.Commit(gitbuild.C{Message: "One", Files: gitbuild.Files{"a": "1\n2\n", "d/b": "b\n"}})
	second = r.Commit(gitbuild.C{Parents: gitbuild.IDs{first}, Message: "Two", Files: gitbuild.Files{"a": "1\n2\n3\n"}})
	r.Branch("main", second)
	return r, first, second
}

func TestOpenAndResolve(t *testing.T) {
	r, first, second := two()
	blob := r.Blob("1\n2\n")
	r.Branch("side/way", first)
	tag := r.Annotate("v1", first, "A <a@x.example>", "2024-01-01", "One")
	r.Annotate("v1-again", tag, "A <a@x.example>", "2024-01-01", "A tag of a tag")
	r.Ref("refs/tags/file", blob)
	chain := tag
	for i := range 40 {
		chain = r.Annotate(fmt.Sprintf("chain%d", i), chain, "A <a@x.example>", "2024-01-01", "m")
	}
	dir := r.Dir(t, gitbuild.Options{})
	repo := mustOpen(t, dir)
	for _, c := range []struct {
		revision string
		want     gitbuild.ID
		branch   string
	}{
		{"", second, "refs/heads/main"},
		{"HEAD", second, "refs/heads/main"},
		{"@", second, "refs/heads/main"},
		{"main", second, "refs/heads/main"},
		{"refs/heads/main", second, "refs/heads/main"},
		{"heads/main", second, "refs/heads/main"},
		{"side/way", first, "refs/heads/side/way"},
		{"v1", first, "refs/tags/v1"},
		{"v1-again", first, "refs/tags/v1-again"},
		{"main~1", first, ""},
		{"main^", first, ""},
		{"HEAD~0", second, ""},
		{second.String(), second, ""},
		{strings.ToUpper(second.String()), second, ""},
		{second.String()[:8], second, ""},
		{second.String()[:7] + "^1", first, ""},
		{tag.String(), first, ""},
	} {
		id, branch, err := repo.Resolve(c.revision)
		if err != nil || gitbuild.ID(id) != c.want || branch != c.branch {
			t.Errorf("%q is %s of %q, %v; want %s of %q", c.revision, id, branch, err, c.want, c.branch)
		}
	}
	for _, revision := range []string{
		"none", "main~2", "main^2", "main^-1", "main~99999999999999999999", "main^{tree}", "v1:a", "../HEAD", "refs/../HEAD", "refs/heads/../../config",
		"/etc/passwd", second.String()[:3], strings.Repeat("0", 39), "zzzz", "\x00", "main\n", "file", "chain39", blob.String(), "~", "^^^^", "main~~~~~~",
		strings.Repeat("f", 40),
	} {
		if id, _, err := repo.Resolve(revision); err == nil {
			t.Errorf("%q is %s", revision, id)
		} else if !strings.Contains(err.Error(), dir) {
			t.Errorf("%q: the error does not name the repository: %v", revision, err)
		}
	}
}

func TestLayoutsOfTheGitDirectory(t *testing.T) {
	r, _, second := two()
	work := r.Dir(t, gitbuild.Options{WorkTree: true})
	bare := r.Dir(t, gitbuild.Options{})

	file := t.TempDir()
	write(t, filepath.Join(file, ".git"), "gitdir: "+bare+"\n")
	relative := t.TempDir()
	to, err := filepath.Rel(relative, bare)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(relative, ".git"), "gitdir: "+to+"\n")

	r2, first, _ := two()
	main2 := r2.Dir(t, gitbuild.Options{WorkTree: true})
	write(t, filepath.Join(main2, ".git/worktrees/w/HEAD"), first.String()+"\n")
	write(t, filepath.Join(main2, ".git/worktrees/w/commondir"), "../..\n")
	linked := t.TempDir()
	write(t, filepath.Join(linked, ".git"), "gitdir: "+filepath.Join(main2, ".git/worktrees/w")+"\n")

	borrower := gitbuild.New()
	borrower.Ref("refs/heads/main", second)
	alternate := borrower.Dir(t, gitbuild.Options{Alternates: []string{filepath.Join(bare, "objects")}})

	detached, _, _ := two()
	detached.Detach(first)

	for _, c := range []struct {
		name, dir string
		head      gitbuild.ID
		branch    string
	}{
		{"work tree", work, second, "refs/heads/main"},
		{"its git directory", filepath.Join(work, ".git"), second, "refs/heads/main"},
		{"bare", bare, second, "refs/heads/main"},
		{"a .git file", file, second, "refs/heads/main"},
		{"a .git file, relative", relative, second, "refs/heads/main"},
		{"linked work tree", linked, first, ""},
		{"alternates", alternate, second, "refs/heads/main"},
		{"packed references", r.Dir(t, gitbuild.Options{PackedRefs: true}), second, "refs/heads/main"},
		{"detached", detached.Dir(t, gitbuild.Options{}), first, ""},
	} {
		f := mustRead(t, mustOpen(t, c.dir), "", Options{})
		if gitbuild.ID(f.Head) != c.head || f.Branch != c.branch || len(f.Skips) > 0 || len(f.Notes) > 0 {
			t.Errorf("%s: head %s of %q, skips %v, notes %v", c.name, f.Head, f.Branch, f.Skips, f.Notes)
		}
		checkShape(t, f)
	}
}

func TestWhatCannotBeRead(t *testing.T) {
	r, first, _ := two()
	tree := r.Described(first).Tree
	with := func(o gitbuild.Options, files ...string) string {
		dir := r.Dir(t, o)
		for i := 0; i < len(files); i += 2 {
			write(t, filepath.Join(dir, files[i]), files[i+1])
		}
		return dir
	}
	empty := gitbuild.New().Dir(t, gitbuild.Options{})
	plain := t.TempDir()
	write(t, filepath.Join(plain, "file"), "x")
	loop := t.TempDir()
	write(t, filepath.Join(loop, ".git"), "gitdir: "+loop+"\n")
	for _, c := range []struct {
		name, dir string
		want      error // nil: any
	}{
		{"nothing there", filepath.Join(plain, "nowhere"), os.ErrNotExist},
		{"a file", filepath.Join(plain, "file"), ErrNotRepository},
		{"a folder", plain, ErrNotRepository},
		{"a .git file that leads to itself", loop, ErrNotRepository},
		{"empty", empty, ErrEmpty},
		{"no such default branch", with(gitbuild.Options{}, "HEAD", "ref: refs/heads/other\n"), ErrNoBranch},
		{"a HEAD that names itself", with(gitbuild.Options{}, "HEAD", "ref: HEAD\n"), nil},
		{"two HEADs that name each other", with(gitbuild.Options{}, "HEAD", "ref: refs/heads/x\n", "refs/heads/x", "ref: refs/heads/y\n", "refs/heads/y", "ref: refs/heads/x\n"), nil},
		{"a HEAD of nonsense", with(gitbuild.Options{}, "HEAD", "\x00\xff not a reference\n"), nil},
		{"an empty HEAD", with(gitbuild.Options{}, "HEAD", ""), nil},
		{"a HEAD that climbs out", with(gitbuild.Options{}, "HEAD", "ref: ../../../../etc/passwd\n"), nil},
		{"a branch of nonsense", with(gitbuild.Options{}, "refs/heads/main", "nonsense\n"), nil},
		{"a branch of a missing commit", with(gitbuild.Options{}, "refs/heads/main", strings.Repeat("1", 40)+"\n"), nil},
		{"a branch of a tree", with(gitbuild.Options{}, "refs/heads/main", tree.String()+"\n"), ErrNoRevision},
		{"SHA-256", with(gitbuild.Options{Config: "[extensions]\n\tobjectFormat = sha256\n"}), ErrUnsupported},
		{"reference tables", with(gitbuild.Options{Config: "[Extensions]\n\tRefStorage = reftable\n"}), ErrUnsupported},
		{"a malformed shallow file", with(gitbuild.Options{}, "shallow", "not an id\n"), nil},
		{"too many alternates", with(gitbuild.Options{Alternates: manyFolders(t, 40)}), nil},
	} {
		repo, err := Open(c.dir)
		if err == nil {
			_, err = Read(context.Background(), repo, "", "", Options{})
			if e := repo.Close(); e != nil {
				t.Error(e)
			}
		}
		switch {
		case c.name == "too many alternates":
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		case err == nil:
			t.Errorf("%s: no error", c.name)
		case c.want != nil && !errors.Is(err, c.want):
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		case !strings.Contains(err.Error(), c.dir):
			t.Errorf("%s: the error does not name the repository: %v", c.name, err)
		}
	}
}

func manyFolders(t *testing.T, n int) (list []string) {
	for range n {
		list = append(list, t.TempDir())
	}
	return list
}

// Files of a git directory that no reader may wait for or swallow: a device that never ends, and a file of a gibibyte.
func TestNoRegularFile(t *testing.T) {
	zero := "/dev/zero"
	if _, err := os.Stat(zero); err != nil {
		t.Skip("no devices here")
	}
	for _, name := range []string{"HEAD", "config", "packed-refs", "shallow", "commondir", "objects/info/alternates", "refs/heads/main", "objects/pack/pack-a.pack"} {
		for _, kind := range []string{"device", "large"} {
			if kind == "large" && strings.HasSuffix(name, ".pack") {
				continue // packs may be large
			}
			t.Run(name+"/"+kind, func(t *testing.T) {
				r, _, _ := two()
				dir := r.Dir(t, gitbuild.Options{})
				path := filepath.Join(dir, name)
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.RemoveAll(path)); err != nil {
					t.Fatal(err)
				}
				var err error
				if kind == "device" {
					err = os.Symlink(zero, path)
				} else if err = os.WriteFile(path, nil, 0o644); err == nil {
					err = os.Truncate(path, 1<<30)
				}
				if err != nil {
					t.Fatal(err)
				}
				repo, err := Open(dir)
				if err == nil {
					warned := len(repo.Objects.Warnings) > 0
					_, _, err = repo.Resolve("")
					if cerr := repo.Close(); cerr != nil {
						t.Fatal(cerr)
					}
					if strings.HasSuffix(name, ".pack") {
						if !warned {
							t.Error("a pack that is a device is not reported")
						}
						return
					}
				}
				if err == nil || name != "refs/heads/main" && !strings.Contains(err.Error(), "regular") && !strings.Contains(err.Error(), "larger than") {
					t.Errorf("%v, want an error that says what the file is", err)
				}
			})
		}
	}
}

func TestNotes(t *testing.T) {
	r, first, second := two()
	r.Ref("refs/replace/"+first.String(), second)
	damaged := r.Dir(t, gitbuild.Options{})
	write(t, filepath.Join(damaged, "objects/pack/pack-1.pack"), "not a pack")
	write(t, filepath.Join(damaged, "objects/pack/pack-1.idx"), "no index")
	write(t, filepath.Join(damaged, "info/grafts"), second.String()+"\n")
	write(t, filepath.Join(damaged, "config"), "[extensions]\n\tpartialClone = origin\n")
	unparsable := r.Dir(t, gitbuild.Options{})
	write(t, filepath.Join(unparsable, "config"), "[[[\n")
	for _, c := range []struct {
		name, dir string
		want      []string
	}{
		{"damaged", damaged, []string{"replace", "pack-1", "grafts", "partial"}},
		{"unparsable", unparsable, []string{"replace", "configuration"}},
	} {
		f := mustRead(t, mustOpen(t, c.dir), "", Options{})
		for _, want := range c.want {
			if !slices.ContainsFunc(f.Notes, func(note string) bool { return strings.Contains(note, want) }) {
				t.Errorf("%s: no note of %q in %q", c.name, want, f.Notes)
			}
		}
		if len(f.Notes) != len(c.want) || len(f.Commits) != 2 {
			t.Errorf("%s: %d commits, notes %q", c.name, len(f.Commits), f.Notes)
		}
	}
}

func TestShallow(t *testing.T) {
	w := newWorld(5)
	a := w.commit(nil)
	b := w.commit(gitbuild.IDs{a})
	c := w.commit(gitbuild.IDs{b})
	d := w.commit(gitbuild.IDs{c, a})
	w.repo.Branch("main", d)
	dir := w.repo.Dir(t, gitbuild.Options{Shallow: gitbuild.IDs{b, a}, Missing: nil})
	want := gitRows(t, dir, "-M")
	f := mustRead(t, mustOpen(t, dir), "", Options{})
	if !f.Shallow || len(f.Commits) != 4 || len(f.Skips) > 0 || f.Walk.Missing > 0 {
		t.Errorf("shallow %v, %d commits, skips %v", f.Shallow, len(f.Commits), f.Skips)
	}
	if diff := gocmp.Diff(want, rows(f)); diff != "" {
		t.Errorf("(-git +ours):\n%s", diff)
	}
	checkShape(t, f)
	checkSnapshots(t, f, w)
}

// folders gives the trees of a commit by path, its own as "".
func (w *world) folders(commit gitbuild.ID) map[string]gitbuild.ID {
	all := map[string]gitbuild.ID{}
	var enter func(path string, tree gitbuild.ID)
	enter = func(path string, tree gitbuild.ID) {
		all[path] = tree
		for _, e := range w.repo.Entries(tree) {
			if e.Mode == gitbuild.Folder {
				enter(path+"/"+e.Name, e.ID)
			}
		}
	}
	enter("", w.repo.Described(commit).Tree)
	return all
}

// touches says whether a commit and one of its parents differ in an object, so that the commit's rows need it.
func (w *world) touches(commit, object gitbuild.ID) bool {
	parents := w.repo.Described(commit).Parents
	if commit == object || slices.Contains(parents, object) {
		return true
	}
	var before []snapshot
	var under []map[string]gitbuild.ID
	if len(parents) == 0 {
		before, under = []snapshot{{}}, []map[string]gitbuild.ID{{}}
	}
	for _, p := range parents {
		before, under = append(before, w.trees[p]), append(under, w.folders(p))
	}
	here, now := w.folders(commit), w.trees[commit]
	for i := range before {
		for path := range here {
			if here[path] != under[i][path] && (here[path] == object || under[i][path] == object) {
				return true
			}
		}
		for path := range under[i] {
			if here[path] != under[i][path] && under[i][path] == object {
				return true
			}
		}
		for path := range now {
			if now[path] != before[i][path] && (now[path].id() == object || before[i][path].id() == object) {
				return true
			}
		}
		for path := range before[i] {
			if _, ok := now[path]; !ok && before[i][path].id() == object {
				return true
			}
		}
	}
	return false
}

func (l leaf) id() gitbuild.ID {
	if l.mode == 0 || l.mode == gitbuild.Submodule {
		return gitbuild.ID{}
	}
	return gitbuild.Hash(gitbuild.Blob, []byte(l.content))
}

// TestDamageIsContained breaks one object after the other: commits that do not need it have the same rows as before.
func TestDamageIsContained(t *testing.T) {
	trials := 36
	if testing.Short() {
		trials = 12
	}
	w := newWorld(7)
	tip := w.history(60)
	w.repo.Branch("main", tip)
	intact := rows(mustRead(t, mustOpen(t, w.repo.Dir(t, gitbuild.Options{})), "", Options{}))

	// What may be broken: commits, trees and blobs that can be reached.
	var objects []gitbuild.ID
	kinds := map[gitbuild.ID]string{}
	add := func(id gitbuild.ID, kind string) {
		if _, ok := kinds[id]; !ok && id != (gitbuild.ID{}) && id != tip {
			kinds[id] = kind
			objects = append(objects, id)
		}
	}
	for _, c := range w.repo.Commits() {
		add(c, "commit")
		for path, tree := range w.folders(c) {
			if path == "" {
				add(tree, "root")
			} else {
				add(tree, "tree")
			}
		}
		for _, f := range w.trees[c] {
			add(f.id(), "blob")
		}
	}
	slices.SortFunc(objects, func(a, b gitbuild.ID) int { return strings.Compare(kinds[a]+a.String(), kinds[b]+b.String()) })
	for trial := range trials {
		kind := []string{"commit", "tree", "root", "blob", "blob"}[trial%5]
		object := pick(w, objects)
		for kinds[object] != kind {
			object = pick(w, objects)
		}
		o := gitbuild.Options{Loose: trial%12 == 1}
		reason := facts.Missing
		if trial%2 == 0 {
			o.Missing = gitbuild.IDs{object}
		} else {
			o.Corrupt = gitbuild.IDs{object}
			reason = facts.Corrupt
		}
		name := fmt.Sprintf("%s %s %s, loose %v", reason, kind, object, o.Loose)
		repo := mustOpen(t, w.repo.Dir(t, o))
		f := mustRead(t, repo, "", Options{})
		if diff := gocmp.Diff(f, mustRead(t, repo, "", Options{Workers: 5, Memory: 1 << 10}), equal); diff != "" {
			t.Errorf("%s: another result with other options:\n%s", name, diff)
		}
		checkShape(t, f)
		got, needed, partial := rows(f), false, 0
		for i := range f.Commits {
			c := &f.Commits[i]
			id := gitbuild.ID(c.ID)
			if !w.touches(id, object) {
				if diff := gocmp.Diff(intact[c.ID], got[c.ID]); diff != "" {
					t.Errorf("%s: commit %s does not need it, but (-intact +now):\n%s", name, c.ID, diff)
				}
				continue
			}
			needed = true
			if len(w.repo.Described(id).Parents) <= 1 {
				partial++
			}
			for _, row := range got[c.ID] {
				// What is no more known as a rename is an addition or a deletion of the whole.
				_, path, _ := strings.Cut(row[strings.Index(row, "\t")+1:], "\t")
				if !strings.HasPrefix(row, "?") && !slices.Contains(intact[c.ID], row) && !slices.ContainsFunc(intact[c.ID], func(s string) bool {
					return strings.Contains(s, "\t"+path+" => ") || strings.HasSuffix(s, " => "+path)
				}) {
					t.Errorf("%s: commit %s has a row that is not true: %q of %q", name, c.ID, row, intact[c.ID])
				}
			}
		}
		if f.Walk.Partial != partial {
			t.Errorf("%s: %d commits are partial, %d need it", name, f.Walk.Partial, partial)
		}
		if !needed {
			t.Errorf("%s: no commit needs it", name)
		}
		found := 0
		for _, s := range f.Skips {
			if s.Object == facts.ID(object) && s.Reason == reason {
				if found++; kind == "blob" && int(s.Rows) != strings.Count(fmt.Sprint(got), "?\t?\t") {
					t.Errorf("%s: the skip tells of %d rows of %q", name, s.Rows, got)
				}
			} else if s.Object != facts.ID(object) || s.Reason != reason {
				t.Errorf("%s: a skip of %s, %s", name, s.Object, s.Reason)
			}
		}
		if found == 0 {
			t.Errorf("%s: no skip tells of it: %v", name, f.Skips)
		}
		if kind == "commit" && f.Walk.Missing != 1 || kind != "commit" && (f.Walk.Missing > 0 || len(f.Commits) != len(intact)) {
			t.Errorf("%s: %+v", name, f.Walk)
		}
		if kind == "blob" {
			// The head's unreadable files are counted.
			n := uint64(0)
			for _, l := range w.trees[tip] {
				if l.id() == object {
					n++
				}
			}
			if last := f.Steps[len(f.Steps)-1]; last.Unreadable != n {
				t.Errorf("%s: %d unreadable files at the head, want %d", name, last.Unreadable, n)
			}
		}
		if t.Failed() {
			return
		}
	}
}

// countdown is a context that is cancelled when it is asked for the n-th time.
type countdown struct {
	context.Context
	left atomic.Int64
	stop context.CancelFunc
}

func (c *countdown) Err() error {
	if c.left.Add(-1) == 0 {
		c.stop()
	}
	return c.Context.Err()
}

func TestCancelAnywhere(t *testing.T) {
	w := newWorld(11)
	w.repo.Branch("main", w.history(40))
	r := mustOpen(t, w.repo.Dir(t, gitbuild.Options{Deltas: gitbuild.OffsetDeltas}))
	want := mustRead(t, r, "", Options{})
	finished := false
	for n := int64(1); !finished; n += 1 + n/16 {
		ctx, stop := context.WithCancel(context.Background())
		c := &countdown{Context: ctx, stop: stop}
		c.left.Store(n)
		f, err := Read(c, r, "key", "", Options{Workers: 2})
		switch {
		case errors.Is(err, context.Canceled) && f == nil:
		case err == nil:
			if diff := gocmp.Diff(want, f, equal); diff != "" {
				t.Fatal(diff)
			}
			finished = c.left.Load() > 0
		default:
			t.Fatalf("cancelled at the %d-th look: %v, %v", n, f, err)
		}
		stop()
	}
}

// TestPackCutShort cuts packs and indexes under the mapping: an error, or a result with skips, but never a crash.
func TestPackCutShort(t *testing.T) {
	w := newWorld(13)
	w.repo.Branch("main", w.history(120))
	for _, cut := range []struct {
		name, glob string
		keep       int64 // percent
	}{
		{"the whole pack", "*.pack", 0},
		{"the end of the pack", "*.pack", 50},
		{"the whole index", "*.idx", 0},
		{"the end of the index", "*.idx", 50},
	} {
		dir := w.repo.Dir(t, gitbuild.Options{})
		r := mustOpen(t, dir)
		paths, err := filepath.Glob(filepath.Join(dir, "objects/pack", cut.glob))
		if err != nil || len(paths) != 1 {
			t.Fatal(paths, err)
		}
		info, err := os.Stat(paths[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(paths[0], info.Size()*cut.keep/100); err != nil {
			t.Fatal(err)
		}
		f, err := Read(context.Background(), r, "", "", Options{Workers: 2})
		if err == nil && len(f.Skips) == 0 {
			t.Errorf("%s is gone, and nothing is said", cut.name)
		}
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, errMissingHead) {
			t.Errorf("%s is gone: %v", cut.name, err)
		}
	}
}
