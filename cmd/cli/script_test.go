package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"orrery/fixtures/gitbuild"
)

var update = flag.Bool("update", false, "write the golden parts of scripts and of README.md anew")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"orrery": func() {
			os.Exit(int(Main(context.Background(), os.Args[1:], Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})))
		},
	})
}

// TestScripts runs testdata/script. Beside the standard commands there are
//
//	exits CODE PROGRAM ARG...   runs a program and demands an exit code
//	mkrepo NAME DIR             writes a repository: one of gitbuild's broken ones, or one of [special]
//	samefiles DIR DIR           demands the same files with the same bytes
//	files DIR                   prints the names of the files below a folder
//	figures FILE KEY...         prints values of a JSON file by paths like figures.0.commits.value
//	shape FILE                  prints the keys of a JSON file and the types of their values
//	listen VARIABLE             puts the address of a server that never answers into a variable
//	forge VARIABLE DIR          puts the address of a forge into a variable: it answers the addresses that DIR/answers lists, to the token
//	                            of that file, and gives 401 to all who have another one
//	absent PATTERN DIR          demands that no file below a folder holds a match
//
// KEY is a file with a key of pseudonyms, fixtures/sample the sample ecosystem, and git reads no configuration.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setup,
		Condition: func(name string) (bool, error) {
			switch name {
			case "root":
				return os.Geteuid() == 0, nil
			case "full":
				_, err := os.Stat("/dev/full")
				return err == nil, nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "mkrepo": mkrepo, "samefiles": sameFiles, "files": listFiles, "figures": figures, "shape": shape, "absent": absent,
			"listen": listen, "forge": serveForge,
		},
	})
}

func setup(env *testscript.Env) error {
	key := filepath.Join(env.WorkDir, "pseudonym.key")
	env.Setenv("KEY", "pseudonym.key")
	env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
	env.Setenv("XDG_CONFIG_HOME", filepath.Join(env.WorkDir, "home", "config"))
	env.Setenv("XDG_CACHE_HOME", filepath.Join(env.WorkDir, "home", "cache"))
	env.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	env.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	env.Setenv("GIT_ATTR_NOSYSTEM", "1")
	return errors.Join(
		os.WriteFile(key, []byte("the same key in every test\n"), 0o600),
		os.CopyFS(filepath.Join(env.WorkDir, "fixtures", "sample"), os.DirFS("../../fixtures/sample")),
		os.CopyFS(filepath.Join(env.WorkDir, "fixtures", "references"), os.DirFS("../../fixtures/references")),
	)
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func mkrepo(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mkrepo NAME DIR")
	}
	dir := ts.MkAbs(args[1])
	if write, ok := special[args[0]]; ok {
		ts.Check(write(dir))
		return
	}
	all := gitbuild.Breakage()
	i := slices.IndexFunc(all, func(b gitbuild.Broken) bool { return b.Name == args[0] })
	if i < 0 {
		ts.Fatalf("there is no repository %q", args[0])
	}
	ts.Check(all[i].Write(dir))
}

// serveForge reads lines METHOD-AND-ADDRESS TAB JSON; HOST in them is the server's.
func serveForge(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: forge VARIABLE FILE")
	}
	answers := map[string]string{}
	for line := range strings.Lines(ts.ReadFile(args[1])) {
		if request, text, ok := strings.Cut(strings.TrimSpace(line), " => "); ok {
			answers[request] = text
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		text, ok := answers[r.Method+" "+r.URL.Path]
		switch sign := r.Header.Get("Authorization"); {
		case sign != "" && sign != "Bearer tok-hunter2hunter2":
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"message": "Bad credentials"}`)
		case !ok:
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"message": "Not Found"}`)
		case r.Header.Get("If-None-Match") == `"1"`:
			w.WriteHeader(http.StatusNotModified)
		default:
			w.Header().Set("ETag", `"1"`)
			_, _ = io.WriteString(w, strings.ReplaceAll(text, "HOST", "http://"+r.Host))
		}
	}))
	ts.Defer(server.Close)
	ts.Setenv(args[0], server.URL)
}

func listen(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: listen VARIABLE")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // the system takes calls by itself, and nobody picks them up
	ts.Check(err)
	ts.Defer(func() { _ = l.Close() })
	ts.Setenv(args[0], l.Addr().String())
}

// special are repositories that scripts need beside the broken ones.
var special = map[string]func(dir string) error{
	"good": func(dir string) error { return good().Write(dir, gitbuild.Options{}) },
	"worktree": func(dir string) error {
		return good().Write(dir, gitbuild.Options{WorkTree: true})
	},
	// Every way in which git can be made to run a program that a repository names.
	"armed": func(dir string) error {
		canary := filepath.Join(filepath.Dir(dir), "canary")
		run := "touch '" + canary + "'"
		r := good()
		tip := r.Reference("refs/heads/main")
		r.Branch("main", r.Commit(gitbuild.C{Parents: gitbuild.IDs{tip}, Message: "Arm", Files: gitbuild.Files{
			".gitattributes": "* filter=run diff=run merge=run\n", ".gitmodules": "[submodule \"x\"]\n\tpath = x\n\turl = ext::" + run + "\n\tupdate = !" + run + "\n",
		}}))
		config := "[core]\n\tfsmonitor = " + run + "\n\tsshCommand = " + run + "\n\tpager = " + run + "\n\teditor = " + run + "\n\thooksPath = hooks\n" +
			"[filter \"run\"]\n\tclean = " + run + "\n\tsmudge = " + run + "\n\tprocess = " + run + "\n\trequired = true\n" +
			"[diff \"run\"]\n\tcommand = " + run + "\n\ttextconv = " + run + "\n[diff]\n\texternal = " + run + "\n" +
			"[credential]\n\thelper = !" + run + "\n[uploadpack]\n\tpackObjectsHook = " + run + "\n[remote \"origin\"]\n\turl = ext::" + run + "\n"
		if err := r.Write(dir, gitbuild.Options{Config: config}); err != nil {
			return err
		}
		var errs []error
		for _, hook := range []string{"post-checkout", "post-merge", "pre-auto-gc", "reference-transaction", "fsmonitor-watchman", "post-index-change"} {
			p := filepath.Join(dir, "hooks", hook)
			errs = append(errs, os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, []byte("#!/bin/sh\n"+run+"\n"), 0o755))
		}
		return errors.Join(errs...)
	},
	// Paths that git quotes, renames, a binary file, a mode and a submodule link.
	"paths": func(dir string) error {
		r := gitbuild.New()
		text := strings.Repeat("a line that stays\n", 20)
		first := r.Commit(gitbuild.C{Message: "First", Files: gitbuild.Files{
			"tab\there": "1\n", "quote\"d": "2\n", "back\\slash": "3\n", "new\nline": "4\n", "umlaut-ä-字": "5\n", "with space ": "6\n", "\x01\x7f\x1b": "7\n",
			"binary": "\x00\x01", "move.c": text, "no-newline": "a\nb",
		}})
		second := r.Commit(gitbuild.C{Parents: gitbuild.IDs{first}, Message: "Second", Ops: gitbuild.Ops{
			gitbuild.Move("move.c", "to/new \"name\".c"), gitbuild.Link("sub", gitbuild.ID{1}), gitbuild.Symlink("link", "move.c"),
			gitbuild.Chmod("binary", gitbuild.Executable),
		}, Files: gitbuild.Files{"to/new \"name\".c": text + "and one more\n", "no-newline": "a\nb\n"}})
		r.Branch("main", second)
		r.Branch("first", first)
		return r.Write(dir, gitbuild.Options{})
	},
}

func good() *gitbuild.Repo {
	r := gitbuild.New()
	first := r.Commit(gitbuild.C{Author: "Ann Lee <ann@astra.example>", Message: "First", Files: gitbuild.Files{"a.c": "one\ntwo\n"}})
	second := r.Commit(gitbuild.C{Author: "Bo Li <bo@borealis.example>", Parents: gitbuild.IDs{first}, Message: "Second", Files: gitbuild.Files{"b.c": "one\n"}})
	r.Branch("main", second)
	return r
}

// tree reads all files below a folder, by their paths with slashes.
func tree(dir string) (map[string][]byte, error) {
	all := map[string][]byte{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		all[filepath.ToSlash(name)], err = os.ReadFile(p)
		return err
	})
	return all, err
}

func names(files map[string][]byte) []string {
	var list []string
	for name := range files {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

func sameFiles(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: samefiles DIR DIR")
	}
	a, err := tree(ts.MkAbs(args[0]))
	ts.Check(err)
	b, err := tree(ts.MkAbs(args[1]))
	ts.Check(err)
	if len(a) == 0 || !slices.Equal(names(a), names(b)) {
		ts.Fatalf("the folders hold other files: %v and %v", names(a), names(b))
	}
	for _, name := range names(a) {
		if !bytes.Equal(a[name], b[name]) {
			ts.Fatalf("%s differs", name)
		}
	}
}

func listFiles(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: files DIR")
	}
	all, err := tree(ts.MkAbs(args[0]))
	ts.Check(err)
	for _, name := range names(all) {
		fmt.Fprintln(ts.Stdout(), name)
	}
}

func absent(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: absent PATTERN DIR")
	}
	pattern := regexp.MustCompile(args[0])
	all, err := tree(ts.MkAbs(args[1]))
	ts.Check(err)
	if len(all) == 0 {
		ts.Fatalf("there is no file in %s", args[1])
	}
	for _, name := range names(all) {
		if m := pattern.Find(all[name]); m != nil {
			ts.Fatalf("%s holds %q", name, m)
		}
	}
}

func decoded(ts *testscript.TestScript, file string) any {
	d := json.NewDecoder(strings.NewReader(ts.ReadFile(file)))
	d.UseNumber()
	var v any
	ts.Check(d.Decode(&v))
	return v
}

func figures(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: figures FILE KEY...")
	}
	root := decoded(ts, args[0])
	for _, path := range args[1:] {
		v := root
		for key := range strings.SplitSeq(path, ".") {
			switch in := v.(type) {
			case map[string]any:
				v = in[key]
			case []any:
				i, err := strconv.Atoi(key)
				if err != nil || i >= len(in) {
					ts.Fatalf("%s: there is no %s", path, key)
				}
				v = in[i]
			default:
				ts.Fatalf("%s: %v has no %s", path, v, key)
			}
		}
		text, err := json.Marshal(v)
		ts.Check(err)
		fmt.Fprintf(ts.Stdout(), "%s %s\n", path, text)
	}
}

func shape(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: shape FILE")
	}
	types := map[string]map[string]bool{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		kind := ""
		switch v := v.(type) {
		case map[string]any:
			for key, value := range v {
				walk(strings.TrimPrefix(path+"."+key, "."), value)
			}
			return
		case []any:
			for _, value := range v {
				walk(path+"[]", value)
			}
			if len(v) > 0 {
				return
			}
			kind = "empty"
		case json.Number:
			kind = "number"
		case nil:
			kind = "null"
		default:
			kind = fmt.Sprintf("%T", v)
		}
		if types[path] == nil {
			types[path] = map[string]bool{}
		}
		types[path][kind] = true
	}
	walk("", decoded(ts, args[0]))
	var lines []string
	for path, kinds := range types {
		var list []string
		for kind := range kinds {
			list = append(list, kind)
		}
		slices.Sort(list)
		lines = append(lines, path+" "+strings.Join(list, "|"))
	}
	slices.Sort(lines)
	fmt.Fprintln(ts.Stdout(), strings.Join(lines, "\n"))
}
