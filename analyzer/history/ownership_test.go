package history

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"orrery/analyzer/facts"
	"orrery/fixtures/gitbuild"
)

// survivors counts what lives at the head by path and commit, as the changes of all steps add up.
func survivors(f *facts.Repository) map[[2]uint32]int {
	lives := map[[2]uint32]int{}
	for _, s := range f.Survival {
		key := [2]uint32{s.Path, s.Commit}
		if lives[key] += int(s.Lines); lives[key] == 0 {
			delete(lives, key)
		}
	}
	return lives
}

// checkSurvival checks the laws of survival against the steps, and against the owners of the head's lines.
func checkSurvival(t testing.TB, f *facts.Repository, head []Blamed) {
	t.Helper()
	net := make([]int64, len(f.Steps))
	for i, s := range f.Survival {
		net[s.Step] += int64(s.Lines)
		if s.Lines == 0 {
			t.Fatalf("row %d of survival says nothing", i)
		}
	}
	for i, s := range f.Steps {
		if want := int64(s.Added) - int64(s.Removed); net[i] != want {
			t.Fatalf("step %d: survival changes by %d lines, the snapshot by %d", i, net[i], want)
		}
	}
	want := map[string]int{}
	for _, b := range head {
		at := uint32(0)
		for _, r := range b.Runs {
			want[fmt.Sprintf("%q %s", b.Path, r.Commit)] += int(r.End - at)
			at = r.End
		}
	}
	got := map[string]int{}
	for key, n := range survivors(f) {
		var id facts.ID
		if key[1] != facts.None {
			id = f.Commits[key[1]].ID
		}
		got[fmt.Sprintf("%q %s", f.Paths[key[0]], id)] += n
	}
	for key, n := range want {
		if got[key] != n {
			t.Fatalf("%s: %d lines live, survival says %d", key, n, got[key])
		}
	}
	if len(got) != len(want) {
		t.Fatalf("survival knows %d pairs of file and commit, the head has %d", len(got), len(want))
	}
}

// blame asks git for the owners of a file's lines.
func blame(t testing.TB, dir, revision, path string) []string {
	t.Helper()
	var owners []string
	s := bufio.NewScanner(bytes.NewReader(git(t, dir, "blame", "--porcelain", revision, "--", path)))
	s.Buffer(nil, 1<<20)
	commit := ""
	for s.Scan() {
		line := s.Text()
		if line != "" && line[0] == '\t' {
			owners = append(owners, commit)
		} else if len(line) > 41 && line[40] == ' ' {
			if _, ok := parseID(line[:40]); ok {
				commit = line[:40]
			}
		}
	}
	return owners
}

func TestOwnersEqualGit(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git program")
	}
	histories := 25
	if testing.Short() {
		histories = 5
	}
	w := newWorld(99)
	// A difference on purpose: what comes out of a binary version is new to us, as in the counts of lines, while git blame splits it like text.
	w.plain = true
	for i := range histories {
		w.repo.Branch(fmt.Sprintf("h%d", i), w.history(10+w.rand.IntN(40)))
	}
	dir := w.repo.Dir(t, gitbuild.Options{Deltas: gitbuild.OffsetDeltas, Deflate: gitbuild.Compressed})
	r := mustOpen(t, dir)
	lines, other := 0, 0
	for i := range histories {
		revision := fmt.Sprintf("refs/heads/h%d", i)
		o := options[i%len(options)]
		head, err := Blame(context.Background(), r, revision, nil, o)
		if err != nil {
			t.Fatal(err)
		}
		o.Ownership = true
		f := mustRead(t, r, revision, o)
		checkSurvival(t, f, head)
		for _, b := range head {
			if len(b.Runs) == 0 {
				continue
			}
			want := blame(t, dir, revision, b.Path)
			if n := int(b.Runs[len(b.Runs)-1].End); n != len(want) {
				t.Fatalf("%s of %s has %d lines, git says %d", b.Path, revision, n, len(want))
			}
			at, told := 0, ""
			for _, run := range b.Runs {
				for ; at < int(run.End); at++ {
					lines++
					if run.Commit.String() == want[at] {
						continue
					}
					other++
					if tell := fmt.Sprintf("%s, git says %s", run.Commit, want[at]); tell != told {
						told = tell
						t.Logf("%q of %s from line %d: %s", b.Path, revision, at+1, tell)
					}
				}
			}
		}
	}
	if other > 0 {
		t.Errorf("%d of %d lines have another owner than git says", other, lines)
	}
}

func TestOwnershipChangesNothingElse(t *testing.T) {
	w := newWorld(5)
	w.repo.Branch("main", w.history(60))
	r := mustOpen(t, w.repo.Dir(t, gitbuild.Options{Deltas: gitbuild.OffsetDeltas}))
	plain := mustRead(t, r, "", Options{})
	var first []facts.Survival
	for i, o := range options {
		o.Ownership = true
		owned := mustRead(t, r, "", o)
		if i == 0 {
			first = owned.Survival
		}
		if len(first) == 0 || fmt.Sprint(first) != fmt.Sprint(owned.Survival) {
			t.Errorf("options %d: survival differs", i)
		}
		owned.Survival = nil
		if fmt.Sprintf("%+v", plain.Changes) != fmt.Sprintf("%+v", owned.Changes) || fmt.Sprint(plain.Steps) != fmt.Sprint(owned.Steps) {
			t.Errorf("options %d: rows or steps differ", i)
		}
	}
}

// TestOwnersAcrossTypes has a file with the very line that a submodule is shown as, and one with the content of a symbolic link.
func TestOwnersAcrossTypes(t *testing.T) {
	r := gitbuild.New()
	other := gitbuild.Hash(gitbuild.Blob, []byte("x"))
	a := r.Commit(gitbuild.C{Message: "1", Ops: gitbuild.Ops{gitbuild.Link("sub", other), gitbuild.Symlink("link", "a")}})
	b := r.Commit(gitbuild.C{Parents: gitbuild.IDs{a}, Message: "2", Files: gitbuild.Files{"sub": "Subproject commit " + other.String() + "\n", "link": "a"}})
	c := r.Commit(gitbuild.C{Parents: gitbuild.IDs{b, a}, Message: "3", Files: gitbuild.Files{"sub": "Subproject commit " + other.String() + "\nx\n", "link": "a\nb"}})
	r.Branch("main", c)
	dir := r.Dir(t, gitbuild.Options{})
	repo := mustOpen(t, dir)
	f := mustRead(t, repo, "", Options{Ownership: true})
	checkShape(t, f)
	if diff := gocmp.Diff(gitRows(t, dir, "-M"), rows(f), equal); diff != "" {
		t.Errorf("(-git +ours):\n%s", diff)
	}
	blamed, err := Blame(context.Background(), repo, "", nil, Options{})
	want := []Blamed{
		{Path: "link", Runs: []BlamedRun{{2, facts.ID(c)}}},
		{Path: "sub", Runs: []BlamedRun{{1, facts.ID(b)}, {2, facts.ID(c)}}},
	}
	if diff := gocmp.Diff(want, blamed); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// Of two parents with the same content git blame asks the first one, whatever their permissions are.
func TestOwnersAcrossPermissions(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git program")
	}
	for _, folder := range []string{"", "folder/"} {
		repo := gitbuild.New()
		path := folder + "f"
		const content = "one\ntwo\n"
		root := repo.Commit(gitbuild.C{Files: gitbuild.Files{"other": "x\n"}})
		first := repo.Commit(gitbuild.C{Parents: []gitbuild.ID{root}, Files: gitbuild.Files{path: content}})
		second := repo.Commit(gitbuild.C{Parents: []gitbuild.ID{root}, Files: gitbuild.Files{path: "one\n"}})
		second = repo.Commit(gitbuild.C{Parents: []gitbuild.ID{second}, Ops: gitbuild.Ops{gitbuild.Exec(path, content)}})
		merge := repo.Commit(gitbuild.C{Parents: []gitbuild.ID{first, second}, Ops: gitbuild.Ops{gitbuild.Exec(path, content)}})
		repo.Branch("main", merge)
		dir := repo.Dir(t, gitbuild.Options{})
		blamed, err := Blame(context.Background(), mustOpen(t, dir), "", []string{path}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		got := blamed[0].Runs
		if want := blame(t, dir, "main", path); len(got) != 1 || got[0].End != 2 || got[0].Commit.String() != want[0] || want[1] != want[0] {
			t.Errorf("%s: owners %v, git says %s", path, got, strings.Join(want, ", "))
		}
	}
}
