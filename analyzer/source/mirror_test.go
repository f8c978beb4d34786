package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// server is a real git server on the loopback, with one repository team/tool.git.
type server struct {
	t    *testing.T
	repo string // its bare repository
	work string // a work tree to make commits in
	url  string // of the repository
	n    int

	proxy http.HandlerFunc

	mu     sync.Mutex
	handle func(w http.ResponseWriter, r *http.Request) bool // takes a request over if it returns true
	posts  int
}

func newServer(t *testing.T) *server {
	t.Helper()
	path, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		t.Skip("git is absent")
	}
	backend := filepath.Join(strings.TrimSpace(string(path)), "git-http-backend")
	if _, err := os.Stat(backend); err != nil {
		t.Skip("git http-backend is absent")
	}
	root := t.TempDir()
	s := &server{t: t, repo: filepath.Join(root, "team", "tool.git"), work: filepath.Join(root, "work")}
	s.run(root, "init", "-q", "--bare", "-b", "main", s.repo)
	s.run(root, "init", "-q", "-b", "main", s.work)
	s.run(s.work, "remote", "add", "origin", s.repo)
	git := &cgi.Handler{Path: backend, Env: []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null"}, Stderr: io.Discard}
	s.proxy = func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		handle := s.handle
		if r.Method == http.MethodPost {
			s.posts++
		}
		s.mu.Unlock()
		if handle == nil || !handle(w, r) {
			git.ServeHTTP(w, r)
		}
	}
	h := httptest.NewServer(s.proxy)
	t.Cleanup(h.Close)
	s.url = h.URL + "/team/tool.git"
	return s
}

func (s *server) intercept(handle func(w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handle = handle
}

// run runs git with a fixed clock and invented people, and gives its output.
func (s *server) run(dir string, args ...string) string {
	s.t.Helper()
	return runGit(s.t, dir, args...)
}

func runGit(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@team.example",
		"GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@team.example", "GIT_AUTHOR_DATE=1700000000 +0000", "GIT_COMMITTER_DATE=1700000000 +0000")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// commit adds a commit with some bytes that do not compress.
func (s *server) commit(size int) {
	s.t.Helper()
	s.n++
	data := make([]byte, size)
	x := uint32(s.n)
	for i := range data {
		x = x*1664525 + 1013904223
		data[i] = byte(x >> 24)
	}
	write(s.t, filepath.Join(s.work, fmt.Sprintf("file%d", s.n)), string(data))
	s.run(s.work, "add", ".")
	s.run(s.work, "commit", "-q", "-m", fmt.Sprintf("commit %d", s.n))
}

func (s *server) push(args ...string) {
	s.t.Helper()
	s.run(s.work, append([]string{"push", "-q", "origin"}, args...)...)
}

// mirror resolves the server's repository into dir.
func (s *server) mirror(dir string, change func(*Options)) Repository {
	s.t.Helper()
	opts := Options{MirrorsDir: dir, AllowHTTP: true}
	if change != nil {
		change(&opts)
	}
	e := resolve(s.t, opts, s.url)
	if len(e.Repositories) != 1 {
		s.t.Fatalf("%q", table(e, dir))
	}
	return e.Repositories[0]
}

// refs gives HEAD and the references of a repository as git reads them.
func refs(t *testing.T, dir string) []string {
	t.Helper()
	out := runGit(t, dir, "for-each-ref", "--format=%(refname) %(objectname)")
	head, err := os.ReadFile(filepath.Join(dir, "HEAD"))
	if err != nil {
		t.Fatal(err)
	}
	return append(strings.Split(strings.TrimSpace(out), "\n"), strings.TrimSpace(string(head)))
}

// same fails unless the mirror has the server's branches, tags and HEAD, and everything that they need.
func (s *server) same(dir string) {
	s.t.Helper()
	want := slices.DeleteFunc(refs(s.t, s.repo), func(l string) bool { return strings.HasPrefix(l, "refs/pull/") })
	if diff := cmp.Diff(want, refs(s.t, dir)); diff != "" {
		s.t.Error(diff)
	}
	runGit(s.t, dir, "fsck", "--strict", "--connectivity-only", "--no-dangling")
}

// clean fails if anything but the mirror and its lock is in the folder of mirrors.
func clean(t *testing.T, dir string, mirrors int) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, e := range entries {
		switch {
		case strings.HasSuffix(e.Name(), ".git"):
			found++
		case !strings.HasSuffix(e.Name(), ".git.lock"):
			t.Errorf("%s is left behind", e.Name())
		}
	}
	if found != mirrors {
		t.Errorf("%d mirrors, want %d", found, mirrors)
	}
}

func TestMirror(t *testing.T) {
	s, dir := newServer(t), t.TempDir()
	s.commit(100)
	s.commit(5000)
	s.run(s.work, "tag", "light")
	s.run(s.work, "tag", "-a", "-m", "annotated", "v1")
	s.run(s.work, "branch", "topic")
	s.push("--all")
	s.push("--tags")
	s.push("HEAD:refs/pull/1/head", "HEAD:refs/merge-requests/1/head")
	s.run(s.repo, "update-ref", "-d", "refs/merge-requests/1/head")

	var steps []Progress
	var plans []Plan
	watch := func(o *Options) {
		o.Progress = func(p Progress) { steps = append(steps, p) }
		o.Plan = func(p Plan) error { plans = append(plans, p); return nil }
	}
	r := s.mirror(dir, watch)
	if r.Problem != nil || r.Stale != nil || r.URL != s.url || r.Key != "tool" {
		t.Fatalf("%+v", r)
	}
	s.same(r.Dir)
	clean(t, dir, 1)
	if got := runGit(t, r.Dir, "config", "core.bare"); got != "true\n" {
		t.Errorf("core.bare is %q", got)
	}
	if len(plans) != 1 || plans[0].Clone != 1 || plans[0].UnknownSizes != 1 || plans[0].FreeBytes <= 0 {
		t.Errorf("%+v", plans)
	}
	if len(steps) != 1 || steps[0] != (Progress{Key: "tool", Finished: true, Done: 1, Total: 1}) {
		t.Errorf("%+v", steps)
	}

	// Nothing new: nothing is asked for.
	before := s.posts
	if r = s.mirror(dir, watch); r.Problem != nil || r.Stale != nil || s.posts != before || plans[1].Fetch != 1 {
		t.Errorf("%+v after %d requests, %+v", r, s.posts-before, plans)
	}

	// New commits, a new tag, a branch gone, a branch rewritten, a tag moved.
	s.commit(100)
	s.run(s.work, "tag", "-a", "-m", "two", "v2")
	s.run(s.work, "tag", "-f", "light")
	s.push("main", "v2", "+light", ":topic")
	s.run(s.work, "checkout", "-q", "--orphan", "rewritten")
	s.commit(10)
	s.push("rewritten")
	if r = s.mirror(dir, nil); r.Problem != nil || r.Stale != nil {
		t.Fatalf("%+v", r)
	}
	s.same(r.Dir)
	s.run(s.work, "commit", "-q", "--amend", "-m", "another")
	s.push("+rewritten")
	if r = s.mirror(dir, nil); r.Problem != nil || r.Stale != nil {
		t.Fatalf("%+v", r)
	}
	s.same(r.Dir)

	// The default branch gets another name.
	s.run(s.repo, "branch", "-m", "main", "trunk")
	if r = s.mirror(dir, nil); r.Problem != nil || r.Stale != nil {
		t.Fatalf("%+v", r)
	}
	s.same(r.Dir)
	if !slices.Contains(refs(t, r.Dir), "ref: refs/heads/trunk") {
		t.Errorf("HEAD was not renamed: %q", refs(t, r.Dir))
	}

	// A commit without a branch.
	s.run(s.repo, "update-ref", "--no-deref", "HEAD", "trunk~1")
	if r = s.mirror(dir, nil); r.Problem != nil || r.Stale != nil {
		t.Fatalf("%+v", r)
	}
	s.same(r.Dir)
	clean(t, dir, 1)

	// Offline it is read as it is.
	if r = s.mirror(dir, func(o *Options) { o.Offline = true }); r.Problem != nil || r.Dir == "" {
		t.Errorf("%+v", r)
	}
	// Gone: the mirror stays.
	s.intercept(func(w http.ResponseWriter, _ *http.Request) bool { http.NotFound(w, nil); return true })
	if r = s.mirror(dir, nil); r.Problem != nil || !errors.Is(r.Stale, ErrUnreachable) || r.Dir == "" {
		t.Errorf("%+v", r)
	}
	s.intercept(nil)
	// Emptied: likewise.
	for _, line := range refs(t, s.repo) {
		if name, _, ok := strings.Cut(line, " "); ok && strings.HasPrefix(name, "refs/") {
			s.run(s.repo, "update-ref", "-d", name)
		}
	}
	s.run(s.repo, "symbolic-ref", "HEAD", "refs/heads/main")
	kept := refs(t, r.Dir)
	if r = s.mirror(dir, nil); r.Problem != nil || !errors.Is(r.Stale, ErrEmpty) || r.Dir == "" {
		t.Errorf("%+v", r)
	}
	if diff := cmp.Diff(kept, refs(t, r.Dir)); diff != "" {
		t.Error(diff)
	}
}

func TestMirrorOfNothing(t *testing.T) {
	s, dir := newServer(t), t.TempDir()
	if r := s.mirror(dir, nil); !errors.Is(r.Problem, ErrEmpty) || r.Dir != "" {
		t.Errorf("%+v", r)
	}
	clean(t, dir, 0)
}

// cut breaks a POST's answer off after some bytes.
type cut struct {
	http.ResponseWriter
	left int
}

func (c *cut) Write(p []byte) (int, error) {
	if len(p) > c.left {
		_, _ = c.ResponseWriter.Write(p[:c.left])
		_ = http.NewResponseController(c.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
	c.left -= len(p)
	return c.ResponseWriter.Write(p)
}

func TestMirrorInterrupted(t *testing.T) {
	s, dir := newServer(t), t.TempDir()
	for range 4 {
		s.commit(20_000)
	}
	s.push("main")
	cutAt := func(n int) {
		s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPost {
				return false
			}
			body := &bytes.Buffer{}
			_, _ = body.ReadFrom(r.Body)
			cmd := exec.Command("git", "upload-pack", "--stateless-rpc", s.repo)
			cmd.Stdin = body
			answer, err := cmd.Output()
			if err != nil {
				t.Error(err)
			}
			w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
			_, _ = (&cut{w, n}).Write(answer)
			return true
		})
	}
	for _, n := range []int{0, 3, 8, 20, 100, 10_000, 60_000} {
		cutAt(n)
		if r := s.mirror(dir, nil); !errors.Is(r.Problem, ErrUnreachable) || r.Dir != "" {
			t.Errorf("cut at %d: %+v", n, r)
		}
		clean(t, dir, 0)
	}
	s.intercept(nil)
	r := s.mirror(dir, nil)
	if r.Problem != nil {
		t.Fatal(r.Problem)
	}
	s.same(r.Dir)

	// The same while it is brought up to date: the mirror stays what it was.
	old := refs(t, r.Dir)
	s.commit(50_000)
	s.push("main")
	for _, n := range []int{8, 100, 30_000} {
		cutAt(n)
		if r := s.mirror(dir, nil); r.Problem != nil || !errors.Is(r.Stale, ErrUnreachable) || r.Dir == "" {
			t.Errorf("cut at %d: %+v", n, r)
		}
		if diff := cmp.Diff(old, refs(t, r.Dir)); diff != "" {
			t.Error(diff)
		}
		clean(t, dir, 1)
	}
	s.intercept(nil)

	// What a run that was killed leaves behind is cleared away by the next one.
	write(t, r.Dir+".tmp-123/objects/pack/tmp_pack_1", "half a pack")
	write(t, filepath.Join(r.Dir, "packed-refs.tmp-9"), "half")
	write(t, filepath.Join(r.Dir, "objects", "pack", "pack-"+strings.Repeat("0", 40)+".idx"), "an index without its pack")
	r = s.mirror(dir, nil)
	if r.Problem != nil || r.Stale != nil {
		t.Fatalf("%+v", r)
	}
	if _, err := os.Stat(filepath.Join(r.Dir, "packed-refs.tmp-9")); err == nil {
		t.Error("half a file is left in the mirror")
	}
	s.same(r.Dir)
	clean(t, dir, 1)
}

func TestMirrorCancelled(t *testing.T) {
	s, dir := newServer(t), t.TempDir()
	s.commit(100)
	s.push("main")
	ctx, cancel := context.WithCancel(context.Background())
	s.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost {
			_, _ = io.Copy(io.Discard, r.Body) // the server notices that the client leaves only when it waits for nothing
			cancel()
			<-r.Context().Done()
			return true
		}
		return false
	})
	_, err := Resolve(ctx, []string{s.url}, Options{MirrorsDir: dir, AllowHTTP: true})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	clean(t, dir, 0)
}

func TestBadServers(t *testing.T) {
	s := newServer(t)
	s.commit(1000)
	s.push("main")
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("another host was called") }))
	defer other.Close()
	elsewhere := strings.Replace(other.URL, "127.0.0.1", "localhost", 1)
	get := func(f func(w http.ResponseWriter, r *http.Request)) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool { f(w, r); return true }
	}
	advertise := func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
	}
	for _, test := range []struct {
		name   string
		limits Limits
		handle func(http.ResponseWriter, *http.Request) bool
		kind   error
		want   string
	}{
		{
			"404",
			Limits{},
			get(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(404)
				fmt.Fprint(w, "<html>\x1b[31m hunter2")
			}), ErrUnreachable,
			"there is no such repository, or it is not public",
		},
		{"401", Limits{}, get(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }), ErrUnreachable, "access is denied"},
		{"403", Limits{}, get(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }), ErrUnreachable, "access is denied"},
		{"500", Limits{}, get(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }), ErrUnreachable, "status code: 500"},
		{"endless error", Limits{}, get(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(503)
			for range 1000 {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}), ErrUnreachable, "503"},
		{
			"a page",
			Limits{},
			get(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>Welcome</html>") }), ErrUnreachable,
			`the answer is no git: its content type is "text/html"`,
		},
		{"no lines", Limits{}, get(func(w http.ResponseWriter, _ *http.Request) { advertise(w); fmt.Fprint(w, "hello") }), ErrUnreachable, "asking for the branches of"},
		{"redirect to another host", Limits{}, get(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere+r.URL.RequestURI(), http.StatusFound)
		}), ErrRefused, "it redirects to another host, " + elsewhere + "/team/tool.git"},
		{"redirect to another port", Limits{}, get(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+r.URL.RequestURI(), http.StatusMovedPermanently)
		}), ErrRefused, "it redirects to another host"},
		{"redirect to a file", Limits{}, get(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "file:///etc/passwd")
			w.WriteHeader(302)
		}), ErrUnreachable, "unsupported scheme"},
		{"silent", Limits{Idle: 100 * time.Millisecond}, get(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), ErrUnreachable, errIdle.Error()},
		{"silent in the middle", Limits{Idle: 100 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPost {
				return false
			}
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
			fmt.Fprint(w, "0008NAK\n0023\x02Counting objects:  10% (1/10)\r")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			return true
		}, ErrUnreachable, errIdle.Error()},
		{"a byte at a time", Limits{Total: 300 * time.Millisecond}, get(func(w http.ResponseWriter, r *http.Request) {
			advertise(w)
			fmt.Fprint(w, "fff0")
			for r.Context().Err() == nil {
				fmt.Fprint(w, "x")
				_ = http.NewResponseController(w).Flush()
				time.Sleep(10 * time.Millisecond)
			}
		}), ErrUnreachable, errTotal.Error()},
		{"too large", Limits{Bytes: 500}, nil, ErrRefused, "larger than the limit of 500 bytes"},
		{"objects that are not sent", Limits{}, func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodGet {
				return false
			}
			advertise(w)
			fmt.Fprint(w, "001e# service=git-upload-pack\n0000")
			line := strings.Repeat("1", 40) + " refs/heads/main\x00side-band-64k ofs-delta\n"
			fmt.Fprintf(w, "%04x%s0000", len(line)+4, line)
			return true
		}, ErrUnreachable, "asking for the objects of"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			s.intercept(test.handle)
			r := s.mirror(dir, func(o *Options) { o.Limits = test.limits })
			if !errors.Is(r.Problem, test.kind) || !strings.Contains(r.Problem.Error(), test.want) || r.Dir != "" {
				t.Errorf("%v; want %v: %q", r.Problem, test.kind, test.want)
			}
			if r.Problem != nil && (strings.Contains(r.Problem.Error(), "hunter2") || len(r.Problem.Error()) > 700) {
				t.Errorf("%v", r.Problem)
			}
			clean(t, dir, 0)
		})
	}
}

func TestRedirectOnTheSameHost(t *testing.T) {
	s, dir := newServer(t), t.TempDir()
	s.commit(10)
	s.push("main")
	good := s.url
	s.url = strings.Replace(s.url, "team/tool", "old/name", 1)
	s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Path, "/old/name.git/") {
			return false
		}
		http.Redirect(w, r, strings.Replace(r.URL.RequestURI(), "old/name", "team/tool", 1), http.StatusMovedPermanently)
		return true
	})
	r := s.mirror(dir, nil)
	if r.Problem != nil || r.URL == good {
		t.Fatalf("%+v", r)
	}
	s.same(r.Dir)
}

// A list must not reach into the private network, whatever its names resolve to.
func TestPrivateAddressIsNotDialled(t *testing.T) {
	var calls atomic.Int32
	h := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	defer h.Close()
	r, err := newResolver(Options{MirrorsDir: t.TempDir(), AllowHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "localhost"} {
		a, _, err := parseAddress(strings.Replace(h.URL, "127.0.0.1", host, 1) + "/team/tool")
		if err != nil {
			t.Fatal(err)
		}
		if err := r.allowed(a); !errors.Is(err, ErrRefused) {
			t.Errorf("allowed(%s): %v", a, err)
		}
		m := r.fetch(context.Background(), a, "tool") // as if the name had said nothing
		if !errors.Is(m.problem, ErrRefused) || !strings.Contains(m.problem.Error(), "private address") {
			t.Errorf("%s: %v", a, m.problem)
		}
	}
	if calls.Load() != 0 {
		t.Errorf("the private server was called %d times", calls.Load())
	}
}

func TestManifestByAddress(t *testing.T) {
	s, dir := newServer(t), t.TempDir()
	write(t, filepath.Join(s.work, "default.xml"), `<manifest><remote name="o" fetch="../team"/><default remote="o" revision="main"/><include name="sub/more.xml"/></manifest>`)
	write(t, filepath.Join(s.work, "sub", "more.xml"), `<manifest><project name="tool"/><project name="absent"/></manifest>`)
	write(t, filepath.Join(s.work, "later.xml"), `<manifest/>`)
	s.commit(10)
	s.run(s.work, "tag", "-a", "-m", "one", "v1")
	write(t, filepath.Join(s.work, "later.xml"), `<manifest><remote name="o" fetch="."/><project name="tool" remote="o"/></manifest>`)
	s.commit(10)
	s.push("main", "v1")
	opts := Options{MirrorsDir: dir, AllowHTTP: true}
	base := strings.TrimSuffix(s.url, "tool.git")

	e := resolve(t, opts, "manifest:"+s.url)
	if len(e.Repositories) != 2 || e.Repositories[0].URL != base+"absent" || !errors.Is(e.Repositories[0].Problem, ErrUnreachable) ||
		e.Repositories[1].Problem != nil || e.Repositories[1].Dir == "" || e.Repositories[1].Revision != "main" || e.Name != "team/tool" {
		t.Errorf("%q", table(e, dir))
	}
	e = resolve(t, opts, "manifest:"+s.url+"#later.xml")
	expect(t, e, dir, "tool | ROOT/"+filepath.Base(e.Repositories[0].Dir)+" | "+base+"tool |  | own |")
	e = resolve(t, opts, "manifest:"+s.url+"#later.xml@v1")
	if len(e.Repositories) != 0 {
		t.Errorf("%q", table(e, dir))
	}
	e = resolve(t, opts, "manifest:"+s.url+"#gone.xml@v1", "manifest:"+s.url+"#@nowhere")
	for _, r := range e.Repositories {
		if !errors.Is(r.Problem, ErrUnreadable) {
			t.Errorf("%+v", r)
		}
	}
	// From disk: relative addresses have no base there, unless it is given.
	e = resolve(t, Options{Offline: true}, "manifest:"+s.work)
	if len(e.Repositories) != 2 || e.Repositories[0].Problem == nil {
		t.Errorf("%q", table(e, dir))
	}
	file := write(t, filepath.Join(t.TempDir(), "e.yaml"), "sources:\n  - manifest: "+s.work+"\n    base: https://git.example/team/manifest\n")
	e = resolve(t, Options{Offline: true}, file)
	if len(e.Repositories) != 2 || e.Repositories[0].URL != "https://git.example/team/absent" {
		t.Errorf("%q", table(e, dir))
	}
}

// Runs at once wait for each other, and repositories with problems stop no others.
func TestMirrorsAtOnce(t *testing.T) {
	s, dir := newServer(t), t.TempDir()
	s.commit(1000)
	s.push("main")
	var wait sync.WaitGroup
	for range 3 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			e, err := Resolve(context.Background(), []string{strings.Replace(s.url, "tool", "gone", 1), s.url, strings.Replace(s.url, "tool", "lost", 1)},
				Options{MirrorsDir: dir, AllowHTTP: true, Workers: 2})
			if err != nil {
				t.Error(err)
				return
			}
			for _, r := range e.Repositories {
				if (r.Problem == nil) != (r.Key == "tool") {
					t.Errorf("%+v", r)
				}
			}
		}()
	}
	wait.Wait()
	clean(t, dir, 1)
}

func TestAnotherMirrorInTheWay(t *testing.T) {
	s, dir := newServer(t), t.TempDir()
	s.commit(10)
	s.push("main")
	r := s.mirror(dir, nil)
	write(t, filepath.Join(r.Dir, "config"), "[remote \"origin\"]\n\turl = \"https://git.example/team/other\"\n")
	if r = s.mirror(dir, nil); !errors.Is(r.Stale, ErrUnreadable) {
		t.Errorf("%+v", r)
	}
}
