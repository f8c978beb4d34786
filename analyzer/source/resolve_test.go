package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fakeGit makes what looks like a bare repository; reading it is not the matter here.
func fakeGit(t *testing.T, dir string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, "objects"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "HEAD"), "ref: refs/heads/main\n")
	write(t, filepath.Join(dir, "packed-refs"), "# pack-refs with: sorted \n")
	return dir
}

func write(t *testing.T, path, data string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func resolve(t *testing.T, opts Options, args ...string) *Ecosystem {
	t.Helper()
	if opts.MirrorsDir == "" {
		opts.MirrorsDir = t.TempDir()
	}
	e, err := Resolve(context.Background(), args, opts)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// table gives a line a repository, with root cut out.
func table(e *Ecosystem, root string) []string {
	var out []string
	for _, r := range e.Repositories {
		line := r.Key + " | " + r.Dir + " | " + r.URL + " | " + r.Revision + " | " + r.Class + " | " + r.Subsystem
		if r.Problem != nil {
			line += " | " + r.Problem.Error()
		}
		out = append(out, strings.TrimSpace(strings.ReplaceAll(filepath.ToSlash(line), filepath.ToSlash(root), "ROOT")))
	}
	return out
}

func expect(t *testing.T, e *Ecosystem, root string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, table(e, root)); diff != "" {
		t.Error(diff)
	}
}

func TestLocalRepositories(t *testing.T) {
	root := t.TempDir()
	fakeGit(t, filepath.Join(root, "bare.git"))
	fakeGit(t, filepath.Join(root, "work", ".git"))
	fakeGit(t, filepath.Join(root, "modules", "sub"))
	write(t, filepath.Join(root, "sub", ".git"), "gitdir: ../modules/sub\n")
	// A linked work tree shares the objects of another one.
	write(t, filepath.Join(root, "work", ".git", "worktrees", "linked", "HEAD"), "ref: refs/heads/topic\n")
	write(t, filepath.Join(root, "work", ".git", "worktrees", "linked", "commondir"), "../..\n")
	write(t, filepath.Join(root, "linked", ".git"), "gitdir: "+filepath.Join(root, "work", ".git", "worktrees", "linked")+"\n")
	// A fixture that git itself has stored has no empty folders.
	write(t, filepath.Join(root, "packed", "HEAD"), strings.Repeat("0", 40)+"\n")
	write(t, filepath.Join(root, "packed", "packed-refs"), "")
	write(t, filepath.Join(root, "packed", "objects", "pack", "x"), "")

	e := resolve(t, Options{}, filepath.Join(root, "bare.git"), filepath.Join(root, "work"), filepath.Join(root, "sub"), filepath.Join(root, "linked"),
		filepath.Join(root, "packed"), filepath.Join(root, "work", ".git"))
	expect(t, e, root,
		"bare | ROOT/bare.git |  |  | own |",
		"linked | ROOT/work/.git |  | refs/heads/topic | own |",
		"packed | ROOT/packed |  |  | own |",
		"sub | ROOT/modules/sub |  |  | own |",
		"work | ROOT/work/.git |  |  | own |",
	)
	if e.Name != "bare and 4 more" {
		t.Errorf("the name is %q", e.Name)
	}
}

func TestFolderOfRepositories(t *testing.T) {
	root := t.TempDir()
	fakeGit(t, filepath.Join(root, "b.git"))
	fakeGit(t, filepath.Join(root, "b.git", "inner.git")) // not searched
	fakeGit(t, filepath.Join(root, "a", "x", ".git"))
	fakeGit(t, filepath.Join(root, "a", "x", "vendored.git"))
	fakeGit(t, filepath.Join(root, "team+tool", "repo"))
	fakeGit(t, filepath.Join(root, "1", "2", "3", "4", "five"))
	fakeGit(t, filepath.Join(root, "1", "2", "3", "4", "5", "six"))
	fakeGit(t, filepath.Join(root, "odd\x1bname"))
	write(t, filepath.Join(root, "broken", ".git"), "gitdir: ../nowhere\n")
	outside := fakeGit(t, filepath.Join(t.TempDir(), "outside"))
	if runtime.GOOS != "windows" {
		if err := os.Symlink(outside, filepath.Join(root, "link")); err != nil {
			t.Fatal(err)
		}
	}
	e := resolve(t, Options{}, root)
	expect(t, e, root,
		"1/2/3/4/five | ROOT/1/2/3/4/five |  |  | own |",
		"a/x | ROOT/a/x/.git |  |  | own |",
		"b | ROOT/b.git |  |  | own |",
		"broken |  |  |  | own |  | unreadable: ROOT/broken/.git names ROOT/nowhere, which is no git directory",
		"odd_name | ROOT/odd\x1bname |  |  | own |",
		"team/tool | ROOT/team+tool/repo |  |  | own |",
	)
}

func TestKeysAreUnique(t *testing.T) {
	root := t.TempDir()
	fakeGit(t, filepath.Join(root, "one", "tool.git"))
	fakeGit(t, filepath.Join(root, "two", "tool"))
	e := resolve(t, Options{Offline: true}, filepath.Join(root, "one", "tool.git"), filepath.Join(root, "two", "tool"), "https://git.example/team/tool",
		"https://git.example/team/tool.git", "https://other.example/team/tool", "https://third.example/team/tool")
	var got []string
	for _, r := range e.Repositories {
		got = append(got, r.Key)
	}
	want := []string{"other.example/team/tool", "team/tool", "third.example/team/tool", "tool", "two/tool"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(e.Warnings) != 4 {
		t.Errorf("warnings: %q", e.Warnings)
	}
}

func TestUsageErrors(t *testing.T) {
	root := t.TempDir()
	text := write(t, filepath.Join(root, "text.txt"), "x")
	circle := write(t, filepath.Join(root, "circle.yaml"), "sources: [circle.yaml]\n")
	absent := write(t, filepath.Join(root, "absent.yaml"), "sources:\n  - nothing\n")
	nofile := write(t, filepath.Join(root, "nofile.yaml"), "sources: [.]\nmailmap: [gone.mailmap]\n")
	fakeGit(t, filepath.Join(root, "x"))
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "no SOURCE is given"},
		{[]string{""}, "a SOURCE is empty"},
		{[]string{"nosuch"}, `"nosuch" is no SOURCE: there is no such file or folder, it is no address`},
		{[]string{"nosuch.yaml"}, "there is no file nosuch.yaml"},
		{[]string{text}, "neither a manifest (.xml) nor an ecosystem file"},
		{[]string{"github:"}, "FORGE:OWNER or FORGE:OWNER/REPO is wanted"},
		{[]string{"gitee:some one"}, "FORGE:OWNER or FORGE:OWNER/REPO is wanted"},
		{[]string{"gitcode:a/"}, "FORGE:OWNER or FORGE:OWNER/REPO is wanted"},
		{[]string{"github:a/.."}, "FORGE:OWNER or FORGE:OWNER/REPO is wanted"},
		{[]string{"github:a/b/c"}, "FORGE:OWNER or FORGE:OWNER/REPO is wanted"},
		{[]string{"http://git.example/x"}, "http is not encrypted"},
		{[]string{"git@git.example:x"}, "ssh acts with the keys of the person"},
		{[]string{"ext::sh"}, "can run programs"},
		{[]string{"file:///tmp/x"}, `the scheme "file" is not spoken`},
		{[]string{"https://user:hunter2@git.example/a?access_token=hunter2"}, "a query"},
		{[]string{"manifest:"}, "names no repository"},
		{[]string{"manifest:https://git.example/m#../x.xml"}, "it leaves its folder"},
		{[]string{"manifest:nosuch"}, "there is no nosuch"},
		{[]string{circle}, "in a circle"},
		{[]string{absent}, "absent.yaml:2:5: wrong usage: \"nothing\" is no SOURCE"},
		{[]string{nofile}, "nofile.yaml:2:11: there is no file"},
	} {
		_, err := Resolve(context.Background(), test.args, Options{MirrorsDir: t.TempDir(), Offline: true})
		if !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v; want %q", test.args, err, test.want)
		}
	}
}

func TestSourcesThatCannotBeRead(t *testing.T) {
	root := t.TempDir()
	bad := write(t, filepath.Join(root, "bad.xml"), "no XML")
	empty := filepath.Join(root, "empty")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	good := fakeGit(t, filepath.Join(root, "good"))
	e := resolve(t, Options{Offline: true}, bad, empty, good, "manifest:https://git.example/team/manifest", "manifest:"+good)
	problems := 0
	for _, r := range e.Repositories {
		if r.Problem != nil {
			problems++
			if !errors.Is(r.Problem, ErrUnreadable) && !errors.Is(r.Problem, ErrAbsent) || r.Dir != "" {
				t.Errorf("%+v", r)
			}
		}
	}
	if problems != 4 || len(e.Repositories) != 5 {
		t.Errorf("%q", table(e, root))
	}
}

func TestManifestFile(t *testing.T) {
	root := t.TempDir()
	fakeGit(t, filepath.Join(root, "m", ".git"))
	write(t, filepath.Join(root, "m", ".git", "config"), "[core]\n\tbare = false\n[remote \"origin\"]\n\turl = https://user:hunter2@git.example/team/manifest.git\n")
	write(t, filepath.Join(root, "m", "base", "x.xml"), `<manifest><project name="b"/><project name="../evil"/><project name="p" remote="private"/><project name="q" remote="helper"/></manifest>`)
	entry := write(t, filepath.Join(root, "m", "products", "default.xml"), `<manifest><remote name="o" fetch="."/><remote name="private" fetch="https://169.254.169.254/x"/>
		<remote name="helper" fetch="ext::sh"/><default remote="o" revision="main"/><project name="a" revision="refs/tags/v1"/><project name="c" revision="--upload-pack=x"/><include name="base/x.xml"/></manifest>`)
	e := resolve(t, Options{Offline: true}, entry)
	expect(t, e, root,
		`_/evil |  |  | main | own |  | refused: manifest base/x.xml:1: project "../evil": its name "../evil" is refused: it leaves its folder`,
		`a |  | https://git.example/team/a | refs/tags/v1 | own |  | no mirror of https://git.example/team/a, and nothing is fetched offline`,
		`b |  | https://git.example/team/b | main | own |  | no mirror of https://git.example/team/b, and nothing is fetched offline`,
		`c |  |  |  | own |  | refused: manifest products/default.xml:2: project "c": its revision "--upload-pack=x" cannot be one`,
		`p |  |  | main | own |  | manifest base/x.xml:1: project "p": refused: https://169.254.169.254/x/p: a list names a private host`,
		`q |  |  | main | own |  | manifest base/x.xml:1: project "q": refused: address "ext::sh/q": the transport "ext::" can run programs`,
	)

	// A symbolic link does not lead out of the manifest's root.
	if runtime.GOOS != "windows" {
		secret := write(t, filepath.Join(t.TempDir(), "secret.xml"), "<manifest/>")
		if err := os.Symlink(secret, filepath.Join(root, "m", "link.xml")); err != nil {
			t.Fatal(err)
		}
		linked := write(t, filepath.Join(root, "m", "l.xml"), `<manifest><include name="link.xml"/></manifest>`)
		e = resolve(t, Options{Offline: true}, linked)
		if len(e.Repositories) != 1 || !errors.Is(e.Repositories[0].Problem, ErrUnreadable) {
			t.Errorf("%q", table(e, root))
		}
	}
}

func TestOneProjectAtTwoRevisions(t *testing.T) {
	root := t.TempDir()
	entry := write(t, filepath.Join(root, "default.xml"), `<manifest><remote name="o" fetch="https://git.example/team"/><default remote="o"/>
		<project name="a" path="x" revision="v1"/><project name="a" path="y" revision="v1"/><project name="a" path="z" revision="v2"/></manifest>`)
	var plan Plan
	e := resolve(t, Options{Offline: true, Plan: func(p Plan) error { plan = p; return nil }}, entry)
	var got []string
	for _, r := range e.Repositories {
		got = append(got, r.Key+" "+r.Revision)
	}
	if diff := cmp.Diff([]string{"a v1", "a@v2 v2"}, got); diff != "" {
		t.Error(diff)
	}
	if plan.Repositories != 2 || plan.Absent != 2 {
		t.Errorf("%+v", plan)
	}
}

func TestEcosystemFile(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"core", "third_party_zlib", "core_archive", "attic/old", "named"} {
		fakeGit(t, filepath.Join(root, "repositories", filepath.FromSlash(name)))
	}
	write(t, filepath.Join(root, "orgs.yaml"), "")
	write(t, filepath.Join(root, "people.mailmap"), "")
	inner := write(t, filepath.Join(root, "inner.yaml"), `
name: Inner
sources:
  - repositories
  - path: repositories/named
    key: base/named
    revision: v1
exclude: ["*_archive", "attic/**", "no_such_*"]
classes: {third-party: ["third_party_*"]}
subsystems:
  base: ["base/**"]
  rest: ["*"]
windows:
  - {name: early, from: 1970-01-01, to: 1970-01-02}
organizations: [orgs.yaml]
mailmap: [people.mailmap]
bots: ["*-robot"]
`)
	outer := write(t, filepath.Join(root, "x", "outer.yml"), "name: Outer\nsources: [../inner.yaml]\nclasses: {special: [core]}\nbots: [b]\n")
	e := resolve(t, Options{}, inner)
	expect(t, e, root,
		"base/named | ROOT/repositories/named |  | v1 | own | base",
		"core | ROOT/repositories/core |  |  | own | rest",
		"named | ROOT/repositories/named |  |  | own | rest",
		"third_party_zlib | ROOT/repositories/third_party_zlib |  |  | third-party | rest",
	)
	want := &Ecosystem{
		Name: "Inner", Windows: []Window{{"early", 0, 86400}}, Organizations: []string{filepath.Join(root, "orgs.yaml")},
		Mailmaps: []string{filepath.Join(root, "people.mailmap")}, Bots: []string{"*-robot"},
		Warnings: []string{fmt.Sprintf("%s:8:36: the pattern \"no_such_*\" fits no repository", inner)},
	}
	got := *e
	got.Repositories = nil
	if diff := cmp.Diff(want, &got); diff != "" {
		t.Error(diff)
	}
	e = resolve(t, Options{}, outer)
	if e.Name != "Outer" || e.Repositories[1].Class != "special" || e.Repositories[3].Class != "third-party" || len(e.Bots) != 2 {
		t.Errorf("%+v", e)
	}
}

func TestForeignMirrors(t *testing.T) {
	for _, layout := range []string{"git.example/team/tool.git", "team/tool.git", "team+tool/repo", "tool.git", "tool"} {
		mirrors := t.TempDir()
		fakeGit(t, filepath.Join(mirrors, filepath.FromSlash(layout)))
		var plan Plan
		e := resolve(t, Options{MirrorsDir: mirrors, Plan: func(p Plan) error { plan = p; return nil }}, "https://git.example/team/tool.git")
		expect(t, e, mirrors, "tool | ROOT/"+layout+" | https://git.example/team/tool.git |  | own |")
		if plan.Foreign != 1 || plan.Clone+plan.Fetch != 0 {
			t.Errorf("%s: %+v", layout, plan)
		}
	}
	// A name is no proof: neither of two repositories takes what may be the other's.
	mirrors := t.TempDir()
	fakeGit(t, filepath.Join(mirrors, "tool.git"))
	fakeGit(t, filepath.Join(mirrors, "team", "other.git"))
	e := resolve(t, Options{MirrorsDir: mirrors, Offline: true}, "https://git.example/team/tool", "https://git.example/people/tool", "https://git.example/team/other")
	for _, r := range e.Repositories {
		if (r.Problem == nil) != (r.Key == "other") {
			t.Errorf("%+v", r)
		}
	}
	// Ours comes first.
	a, _, err := parseAddress("https://git.example/team/tool")
	if err != nil {
		t.Fatal(err)
	}
	fakeGit(t, filepath.Join(mirrors, a.mirrorName()))
	e = resolve(t, Options{MirrorsDir: mirrors, Offline: true}, "https://git.example/team/tool")
	expect(t, e, mirrors, "tool | ROOT/"+a.mirrorName()+" | https://git.example/team/tool |  | own |")
}

func TestSplitManifest(t *testing.T) {
	for in, want := range map[string][3]string{
		"https://git.example/m.git":           {"https://git.example/m.git", "", ""},
		"https://git.example/m#a/b.xml":       {"https://git.example/m", "a/b.xml", ""},
		"https://git.example/m#a.xml@v1.0":    {"https://git.example/m", "a.xml", "v1.0"},
		"git@git.example:team/m#@refs/tags/x": {"git@git.example:team/m", "", "refs/tags/x"},
		"../m":                                {"../m", "", ""},
	} {
		location, file, revision := splitManifest(in)
		if got := [3]string{location, file, revision}; got != want {
			t.Errorf("splitManifest(%q) = %q", in, got)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Resolve(ctx, []string{"openeuler"}, Options{MirrorsDir: t.TempDir()}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestPlanRefuses(t *testing.T) {
	no := errors.New("no")
	_, err := Resolve(context.Background(), []string{"openeuler"}, Options{MirrorsDir: filepath.Join(t.TempDir(), "m"), Plan: func(p Plan) error {
		if p.Clone != p.Repositories || p.UnknownSizes != p.Clone || p.Clone == 0 || p.FreeBytes == 0 {
			t.Errorf("%+v", p)
		}
		return no
	}})
	if !errors.Is(err, no) {
		t.Errorf("%v", err)
	}
}

func TestNamesOfManifestRepositories(t *testing.T) {
	for dir, want := range map[string]string{
		"/srv/orion.git":           "orion",
		"/srv/orion/.git":          "orion",
		"/srv/orion/manifest.git":  "orion/manifest",
		"/srv/orion/manifest/.git": "orion/manifest",
		"/srv/orion/manifest/repo": "orion/manifest",
		"/srv/orion+manifest/repo": "orion/manifest",
	} {
		if got := manifestName(filepath.FromSlash(dir)); got != want {
			t.Errorf("%s is called %q, want %q", dir, got, want)
		}
	}
}
