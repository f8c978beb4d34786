package source

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"orrery/fixtures/gitbuild"
)

// stays prints who belonged when.
func stays(lists ...[]Repository) []string {
	var out []string
	for _, list := range lists {
		for i := range list {
			r := &list[i]
			line := r.Key
			for _, s := range r.Spells {
				line += " " + time.Unix(s.From, 0).UTC().Format(time.DateOnly) + ".."
				if s.To != math.MaxInt64 {
					line += time.Unix(s.To, 0).UTC().Format(time.DateOnly)
				}
			}
			if len(r.Formerly) > 0 {
				line += fmt.Sprint(" was ", r.Formerly)
			}
			if r.Former {
				line += " former"
			}
			out = append(out, line)
		}
	}
	return out
}

func manifestText(projects ...string) string {
	text := `<manifest><remote name="r" fetch="https://h.example/o"/><default remote="r" revision="main"/>` + "\n"
	for _, p := range projects {
		text += p + "\n"
	}
	return text + "</manifest>\n"
}

func TestMembershipByDate(t *testing.T) {
	root := t.TempDir()
	g := gitbuild.New()
	tip := gitbuild.ID{}
	commit := func(date string, files gitbuild.Files, ops ...gitbuild.Op) {
		c := gitbuild.C{Message: "state", Author: "A <a@o.example>", When: date + " 00:00:00 +0000", Files: files, Ops: ops}
		if tip != (gitbuild.ID{}) {
			c.Parents = gitbuild.IDs{tip}
		}
		tip = g.Commit(c)
	}
	a, b, old := `<project name="a" path="base/a"/>`, `<project name="b"/>`, `<project name="old" path="base/c" revison="main"/>`
	fresh, hidden := `<project name="fresh" path="base/c"/>`, `<project name="hidden" path="../x"/>`
	commit("2021-01-01", gitbuild.Files{"README.md": "nothing is listed yet\n"})
	commit("2021-02-01", gitbuild.Files{"default.xml": manifestText(a, old)})
	commit("2021-03-01", gitbuild.Files{"default.xml": manifestText(a, b, old)})
	commit("2021-04-01", gitbuild.Files{"default.xml": "<manifest> this is no XML"})
	commit("2021-05-01", gitbuild.Files{"default.xml": manifestText(a, fresh)})
	// A clock that steps back moves nothing into the past.
	commit("2021-04-15", gitbuild.Files{"default.xml": manifestText(fresh)})
	commit("2021-06-01", gitbuild.Files{"default.xml": manifestText(`<include name="all/list.xml"/>`), "all/list.xml": manifestText(a, fresh, hidden)})
	commit("2021-07-01", gitbuild.Files{"README.md": "as before\n"})
	commit("2021-08-01", gitbuild.Files{"all/list.xml": manifestText(a, b, fresh)})
	commit("2021-09-01", gitbuild.Files{"all/list.xml": manifestText(a, fresh)})
	g.Branch("main", tip)
	if err := g.Write(filepath.Join(root, "manifest.git"), gitbuild.Options{}); err != nil {
		t.Fatal(err)
	}
	mirrors := filepath.Join(root, "mirrors")
	fakeGit(t, filepath.Join(mirrors, "o+a", "repo"))
	e := resolve(t, Options{MirrorsDir: mirrors, Offline: true}, "manifest:"+filepath.Join(root, "manifest.git")+"#all/list.xml")
	want := []string{
		"a 2021-02-01..2021-05-01 2021-06-01..",
		"fresh 2021-02-01.. was [old]",
		"b 2021-03-01..2021-05-01 2021-08-01..2021-09-01 former",
	}
	if diff := cmp.Diff(want, stays(e.Repositories, e.Left)); diff != "" {
		t.Error(diff)
	}
	if len(e.Rolls) != 1 || e.Rolls[0].From != time.Date(2021, 2, 1, 0, 0, 0, 0, time.UTC).Unix() || e.Rolls[0].Unread != 1 || e.Rolls[0].Head != tip.String() {
		t.Errorf("rolls %+v", e.Rolls)
	}
	if s := e.Left[0].Spells[0]; len(s.Joined) != 40 || len(s.Left) != 40 || s.Joined == s.Left {
		t.Errorf("no evidence in %+v", s)
	}

	// With a mirror, what has left is read as well.
	fakeGit(t, filepath.Join(mirrors, "b.git"))
	e = resolve(t, Options{MirrorsDir: mirrors, Offline: true}, "manifest:"+filepath.Join(root, "manifest.git"))
	if len(e.Left) != 0 || len(e.Repositories) != 3 || !e.Repositories[1].Former || e.Repositories[1].Dir == "" {
		t.Errorf("left %v, repositories %v", e.Left, stays(e.Repositories))
	}
	if _, err := Resolve(context.Background(), []string{filepath.Join(root, "manifest.git")}, Options{MirrorsDir: mirrors, Offline: true}); err != nil {
		t.Error(err)
	}
}

// TestRollAgainstNaive holds stays, with no renames in play, against the lists themselves.
func TestRollAgainstNaive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lists := rapid.SliceOfN(rapid.SliceOfDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), func(s string) string { return s }), 1, 8).Draw(t, "lists")
		var all []moment
		for i := range lists {
			all = append(all, moment{id: fmt.Sprint(i), when: int64(1000 + 10*i)})
		}
		r := newRoll()
		if err := r.follow(all, func(m moment) (listing, error) {
			out := listing{}
			for _, name := range lists[(m.when-1000)/10] {
				out[name] = listed{name: name}
			}
			return out, nil
		}); err != nil {
			t.Fatal(err)
		}
		for i, list := range lists {
			for _, name := range []string{"a", "b", "c"} {
				want, got := false, false
				for _, n := range list {
					want = want || n == name
				}
				if r.members[name] != nil {
					for _, s := range r.stays([]string{name}) {
						got = got || s.Holds(all[i].when)
					}
				}
				if got != want {
					t.Fatalf("%s at %d: %v, want %v", name, i, got, want)
				}
			}
		}
	})
}

func TestCommunityByDate(t *testing.T) {
	root := t.TempDir()
	g := gitbuild.New()
	tip := gitbuild.ID{}
	commit := func(date string, files gitbuild.Files, ops ...gitbuild.Op) {
		c := gitbuild.C{Message: "state", Author: "A <a@o.example>", When: date + " 00:00:00 +0000", Files: files, Ops: ops}
		if tip != (gitbuild.ID{}) {
			c.Parents = gitbuild.IDs{tip}
		}
		tip = g.Commit(c)
	}
	list := "community: \"o\"\nrepositories:\n- name: a\n  branches:\n  - name: master\n- name: \"b\" \n- name: ../c\n"
	commit("2020-01-01", gitbuild.Files{"repository/o.yaml": list, "sig/G/README.md": "A group.\n"})
	commit("2020-02-01", gitbuild.Files{"sig/G/README.md": "A group of two.\n"})
	// One file for each, and no list any more.
	one := gitbuild.Files{"sig/G/o/a/a.yaml": "name: a\n", "sig/H/o/d/d.yaml": "name: d\n", "sig/H/other/e/e.yaml": "name: e\n", "sig/sigs.yaml": "sigs: []\n"}
	commit("2022-01-01", one, gitbuild.Remove("repository"))
	// From one group to another is no leaving.
	commit("2023-01-01", gitbuild.Files{"sig/H/o/a/a.yaml": "name: a\n"}, gitbuild.Remove("sig/G/o"))
	g.Branch("main", tip)
	dir := filepath.Join(root, "o+community", "repo")
	if err := g.Write(dir, gitbuild.Options{}); err != nil {
		t.Fatal(err)
	}
	fakeGit(t, filepath.Join(root, "o+d", "repo"))
	e := resolve(t, Options{MirrorsDir: root, Offline: true}, "community:https://h.example/o/community.git#o")
	if diff := cmp.Diff([]string{"a 2020-01-01..", "d 2022-01-01..", "b 2020-01-01..2022-01-01 former"}, stays(e.Repositories, e.Left)); diff != "" {
		t.Error(diff)
	}
	if r := e.Repositories[1]; r.URL != "https://h.example/o/d" || r.Dir == "" || e.Name != "o" {
		t.Errorf("%s: %+v", e.Name, r)
	}
	e = resolve(t, Options{MirrorsDir: root, Offline: true}, "community:"+dir+"#nobody")
	if len(e.Repositories) != 1 || e.Repositories[0].Problem == nil {
		t.Errorf("nobody's repositories: %v", stays(e.Repositories))
	}
	for _, wrong := range []string{"community:", "community:" + dir + "#../x", "community:" + filepath.Join(dir, "HEAD"), "community:" + root + "/none"} {
		if _, err := Resolve(context.Background(), []string{wrong}, Options{MirrorsDir: root, Offline: true}); !errors.Is(err, ErrUsage) {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}

// What is kept of a list's history and read on gives what one reading gives, wherever it was cut, and so does a file that was damaged.
func TestKeptRollEqualsReading(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	cases := 0
	rapid.Check(t, func(t *rapid.T) {
		cases++
		dir := filepath.Join(root, fmt.Sprint(cases))
		g := gitbuild.New()
		var tips []gitbuild.ID
		for i := range rapid.IntRange(2, 12).Draw(t, "commits") {
			files := gitbuild.Files{}
			switch rapid.IntRange(0, 6).Draw(t, "kind") {
			case 0:
				files["default.xml"] = "<manifest> this is no XML"
			case 1:
				files["README.md"] = fmt.Sprint(i)
			default:
				var projects []string
				for _, n := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d"}), rapid.ID).Draw(t, "projects") {
					projects = append(projects, fmt.Sprintf(`<project name=%q path="p/%d"/>`, n, rapid.IntRange(0, 2).Draw(t, "path")))
				}
				files["default.xml"] = manifestText(projects...)
			}
			day := rapid.IntRange(1, 28).Draw(t, "day")
			c := gitbuild.C{Message: "state", Author: "A <a@o.example>", When: fmt.Sprintf("2021-01-%02d 00:00:00 +0000", day), Files: files}
			if i > 0 {
				c.Parents = gitbuild.IDs{tips[i-1]}
			}
			tips = append(tips, g.Commit(c))
		}
		g.Branch("main", tips[len(tips)-1])
		if err := g.Write(dir, gitbuild.Options{}); err != nil {
			t.Fatal(err)
		}
		st := listStorage(dir)
		lists := filepath.Join(dir, "lists")
		past := func(r *resolver, at gitbuild.ID) *roll {
			known, err := r.past(st, plumbing.Hash(at), "list", manifestLister("default.xml", "https://h.example/o/manifest"))
			if err != nil {
				t.Fatal(err)
			}
			known.broken = false // of the last look, which may be another one
			return known
		}
		keeping := &resolver{opts: Options{ListsDir: lists}}
		past(keeping, tips[rapid.IntRange(0, len(tips)-1).Draw(t, "cut")])
		if rapid.Bool().Draw(t, "damage") {
			if content, err := os.ReadFile(keeping.keptPath("list")); err == nil {
				content[rapid.IntRange(0, len(content)-1).Draw(t, "at")] ^= 1
				if err := os.WriteFile(keeping.keptPath("list"), content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		fresh := past(&resolver{}, tips[len(tips)-1])
		for range 2 { // the second time nothing is new
			options := cmp.AllowUnexported(roll{}, member{}, listed{})
			if diff := cmp.Diff(fresh, past(keeping, tips[len(tips)-1]), options, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("read on where it was cut (-fresh, +on):\n%s", diff)
			}
		}
		// A history that was rewritten is read anew.
		other := past(&resolver{}, tips[0])
		if diff := cmp.Diff(other, past(keeping, tips[0]), cmp.AllowUnexported(roll{}, member{}, listed{}), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("a history that was cut back (-fresh, +kept):\n%s", diff)
		}
	})
}
