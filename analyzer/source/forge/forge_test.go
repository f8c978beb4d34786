package forge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// An owner with 500 repositories costs one request for each hundred, and the second night nothing that is counted.
func TestListingOf500(t *testing.T) {
	for _, people := range []bool{false, true} {
		f, dir := newFake(t, GitHub), t.TempDir()
		f.people = people
		f.repositories(500)
		first := 5
		if people {
			first = 6
		}
		l, err := f.open(dir, nil).Repositories(t.Context(), "acme")
		if err != nil || len(l.Repositories) != 500 || l.Stale != nil {
			t.Fatalf("%+v, %v", l, err)
		}
		if f.used != first || len(f.requests) != first {
			t.Errorf("people %v: %d requests, %d counted: %q", people, len(f.requests), f.used, f.requests)
		}
		f.forget()
		f.now = f.now.Add(24 * time.Hour)
		c := f.open(dir, nil)
		again, err := c.Repositories(t.Context(), "acme")
		if err != nil || f.used != 0 || len(f.requests) != 5 || c.Counts() != (Counts{Asked: 5, NotModified: 5}) {
			t.Errorf("people %v: the second night %d requests, %d counted, %+v, %v", people, len(f.requests), f.used, c.Counts(), err)
		}
		if diff := cmp.Diff(l.Repositories, again.Repositories); diff != "" {
			t.Error(diff)
		}
		spotless(t, dir, f.token)
		// Who is not signed in pays for each.
		f.forget()
		if _, err := f.open(dir, func(o *Options) { o.Credential = Credential{} }).Repositories(t.Context(), "acme"); err != nil || f.used != first {
			t.Errorf("people %v: without a token %d counted, %v", people, f.used, err)
		}
	}
}

func TestListingOfPlainForges(t *testing.T) {
	for _, kind := range []Kind{Gitee, GitCode} {
		for _, links := range []bool{false, true} {
			for _, n := range []int{0, 1, 100, 101, 500} {
				f := newFake(t, kind)
				f.links = links
				f.repositories(n)
				if n > 1 {
					f.repos[1]["empty_repo"] = 1
					f.repos[1]["id"] = "77"
				}
				l, err := f.open(t.TempDir(), nil).Repositories(t.Context(), "acme")
				if err != nil || len(l.Repositories) != n {
					t.Fatalf("%s, links %v, %d: %v", kind, links, n, err)
				}
				asked := max(1, (n+pageSize-1)/pageSize)
				if links && n == pageSize { // nothing says that a full page is the last
					asked++
				}
				if len(f.requests) != asked {
					t.Errorf("%s, links %v, %d: %d requests, want %d", kind, links, n, len(f.requests), asked)
				}
				if n > 1 {
					want := Repository{ID: 77, Owner: "acme", Name: "tool-001", CloneURL: "https://" + public[kind].host + "/acme/tool-001.git", DefaultBranch: "main", Empty: true}
					if diff := cmp.Diff(want, l.Repositories[1]); diff != "" {
						t.Error(diff)
					}
				}
			}
		}
	}
}

// Whatever request a run is killed at, the next one has the same list as an undisturbed run.
func TestKilledAtEachRequestOfAListing(t *testing.T) {
	for n := 1; n <= 7; n++ {
		f, dir := newFake(t, GitHub), t.TempDir()
		f.people = true
		f.repositories(500)
		ctx, cancel := context.WithCancelCause(t.Context())
		f.killAt(n, cancel)
		l, err := f.open(dir, nil).Repositories(ctx, "acme")
		if (err == nil) != (n == 7) {
			t.Errorf("killed at %d: %v", n, err)
		}
		if err != nil && l != nil {
			t.Errorf("killed at %d: part of a list was given", n)
		}
		f.fault = nil
		l, err = f.open(dir, nil).Repositories(t.Context(), "acme")
		if err != nil || len(l.Repositories) != 500 || f.used > 7 {
			t.Errorf("after being killed at %d: %d counted, %v", n, f.used, err)
		}
	}
}

func cutShort(req *http.Request) *http.Response {
	res := answer(req, http.StatusOK, `[{"id":1,"name":"x`)
	res.Body = io.NopCloser(io.MultiReader(res.Body, failing{}))
	return res
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// What forges answer, and what becomes of it. A fault is at the third of five pages: never is the rest of the list given for the whole.
func TestFaults(t *testing.T) {
	always := func(give func(req *http.Request) *http.Response) func(f *fakeForge) func(int, *http.Request) *http.Response {
		return func(f *fakeForge) func(int, *http.Request) *http.Response {
			return func(_ int, req *http.Request) *http.Response {
				if req.URL.Query().Get("page") == "3" {
					return give(req)
				}
				return nil
			}
		}
	}
	once := func(times int, give func(f *fakeForge, req *http.Request) *http.Response) func(f *fakeForge) func(int, *http.Request) *http.Response {
		return func(f *fakeForge) func(int, *http.Request) *http.Response {
			left := times
			return func(_ int, req *http.Request) *http.Response {
				if req.URL.Query().Get("page") == "3" && left > 0 {
					left--
					return give(f, req)
				}
				return nil
			}
		}
	}
	status := func(status int, v any, header ...string) func(*http.Request) *http.Response {
		return func(req *http.Request) *http.Response { return answer(req, status, v, header...) }
	}
	html := func(req *http.Request) *http.Response {
		return answer(req, http.StatusOK, "<html>We will be back</html>", "Content-Type", "text/html")
	}
	link := func(to string) func(*http.Request) *http.Response {
		return status(http.StatusOK, []map[string]any{}, "Link", "<"+to+`>; rel="next"`)
	}
	for _, c := range []struct {
		name  string
		fault func(f *fakeForge) func(int, *http.Request) *http.Response
		want  error         // nil: the list is whole
		slept time.Duration // at least
		asked int           // 0: any
	}{
		{"5xx for a moment", once(4, func(_ *fakeForge, r *http.Request) *http.Response { return answer(r, 502, "Bad Gateway") }), nil, 15 * time.Second, 9},
		{"5xx for ever", always(status(503, "busy")), ErrAnswer, 15 * time.Second, 7},
		{"cut short once", once(1, func(_ *fakeForge, r *http.Request) *http.Response { return cutShort(r) }), nil, time.Second, 6},
		{"cut short for ever", always(cutShort), ErrAnswer, 15 * time.Second, 7},
		{"half of a JSON", always(status(200, `[{"id": 5, "na`)), ErrAnswer, 15 * time.Second, 7},
		{"HTML once", once(1, func(_ *fakeForge, r *http.Request) *http.Response { return html(r) }), nil, time.Second, 6},
		{"HTML for ever", always(html), ErrAnswer, 15 * time.Second, 7},
		{"JSON of another shape", always(status(200, map[string]any{"message": "hello"})), ErrAnswer, 0, 3},
		{"another status", always(status(418, map[string]any{"message": "teapot"})), ErrAnswer, 0, 3},
		{"304 for nothing", always(status(304, nil)), ErrAnswer, 0, 3},
		{"202 for a while", once(3, func(_ *fakeForge, r *http.Request) *http.Response { return answer(r, 202, "{}") }), nil, 14 * time.Second, 8},
		{"202 for ever", always(status(202, "{}")), ErrAnswer, time.Minute, 11},
		{"secondary limit with a time", once(1, func(_ *fakeForge, r *http.Request) *http.Response {
			return answer(r, 403, map[string]any{"message": "You have exceeded a secondary rate limit"}, "Retry-After", "37")
		}), nil, 37 * time.Second, 6},
		{"secondary limit with a date", once(1, func(f *fakeForge, r *http.Request) *http.Response {
			return answer(r, 429, "{}", "Retry-After", f.server().Add(45*time.Second).Format(http.TimeFormat))
		}), nil, 44 * time.Second, 6},
		{"secondary limit without a time", once(2, func(_ *fakeForge, r *http.Request) *http.Response {
			return answer(r, 403, map[string]any{"message": "You have exceeded a secondary rate limit. Please wait a few minutes"})
		}), nil, 3 * time.Minute, 7},
		{"secondary limit by documentation", once(1, func(_ *fakeForge, r *http.Request) *http.Response {
			return answer(r, 403, map[string]any{"message": "slow down", "documentation_url": "https://docs.example/#secondary-rate-limits"})
		}), nil, time.Minute, 6},
		{"429", once(1, func(_ *fakeForge, r *http.Request) *http.Response { return answer(r, 429, "{}") }), nil, time.Minute, 6},
		{"limited for ever", always(status(429, "{}", "Retry-After", "60")), ErrLimited, 8 * time.Minute, 11},
		{"limited for too long", always(status(429, "{}", "Retry-After", "86400")), ErrLimited, 0, 3},
		{"401", always(status(401, map[string]any{"message": "Bad credentials"})), ErrDenied, 0, 3},
		{"403", always(status(403, map[string]any{"message": "Resource not accessible by personal access token"})), ErrDenied, 0, 3},
		{"403 too large", always(status(403, map[string]any{"message": "The history or contributor list is too large to list contributors for this repository via the API."})), ErrTooLarge, 0, 3},
		{"404", always(status(404, map[string]any{"message": "Not Found"})), ErrGone, 0, 0},
		{"410", always(status(410, "{}")), ErrGone, 0, 0},
		{"451", always(status(451, map[string]any{"message": "Repository access blocked"})), ErrBlocked, 0, 3},
		{"301 to another host", always(status(301, "{}", "Location", "https://evil.example/orgs/acme/repos")), ErrRefused, 0, 3},
		{"302 to http", always(status(302, "{}", "Location", "http://api.github.com/orgs/acme/repos")), ErrRefused, 0, 3},
		{"301 in a circle", always(status(301, "{}", "Location", "https://api.github.com/orgs/acme/repos?page=3")), ErrAnswer, 0, 0},
		{"the next page is this one", always(link("https://api.github.com/orgs/acme/repos?page=3")), ErrAnswer, 0, 3},
		{"the next page is the first", always(link("https://api.github.com/orgs/acme/repos?page=1")), ErrAnswer, 0, 3},
		{"the next page is elsewhere", always(link("https://evil.example/orgs/acme/repos?page=4")), ErrRefused, 0, 3},
		{"the next page has no number", always(link("https://api.github.com/orgs/acme/repos?after=x")), ErrAnswer, 0, 3},
		{"a name that leaves its folder", always(status(200, []map[string]any{{"id": 1, "name": "..", "owner": map[string]any{"login": "acme"}}})), ErrRefused, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, dir := newFake(t, GitHub), t.TempDir()
			f.repositories(500)
			f.fault = c.fault(f)
			l, err := f.open(dir, nil).Repositories(t.Context(), "acme")
			if !errors.Is(err, c.want) || err != nil && c.want == nil {
				t.Fatalf("%v, want %v", err, c.want)
			}
			if err == nil && len(l.Repositories) != 500 || err != nil && l != nil {
				t.Errorf("%d repositories and %v", len(l.Repositories), err)
			}
			if err != nil && (strings.Contains(err.Error(), f.token) || len(err.Error()) > 500) {
				t.Errorf("%v", err)
			}
			if f.slept < c.slept || c.asked > 0 && len(f.requests) != c.asked {
				t.Errorf("%v slept, want %v; %d requests, want %d: %q", f.slept, c.slept, len(f.requests), c.asked, f.requests)
			}
			if errors.Is(err, ErrGone) || err == nil {
				return
			}
			// Once it is well again, the rest is asked for.
			f.forget()
			f.now = f.now.Add(24 * time.Hour)
			if l, err = f.open(dir, nil).Repositories(t.Context(), "acme"); err != nil || len(l.Repositories) != 500 {
				t.Errorf("afterwards: %v", err)
			}
			if counted := 5 - 2; f.used > counted {
				t.Errorf("afterwards %d requests count, want %d", f.used, counted)
			}
			spotless(t, dir, f.token)
		})
	}
}

// The hour's limit is waited for by the server's clock, and a wait that is too long ends the run with what was answered kept.
func TestHourlyLimit(t *testing.T) {
	f, dir := newFake(t, GitHub), t.TempDir()
	f.repositories(500)
	f.limit = 3
	f.skew = -7 * time.Minute
	var said []string
	l, err := f.open(dir, func(o *Options) { o.Talk = func(s string) { said = append(said, s) } }).Repositories(t.Context(), "acme")
	if err != nil || len(l.Repositories) != 500 || f.statuses()[403] != 0 {
		t.Fatalf("%v: %q", err, f.requests)
	}
	if f.slept < 59*time.Minute || f.slept > 61*time.Minute || len(said) != 1 || !strings.Contains(said[0], "the limit of 3 is used up") {
		t.Errorf("%v slept, %q", f.slept, said)
	}
	f, dir = newFake(t, GitHub), t.TempDir()
	f.repositories(500)
	f.limit = 3
	short := func(o *Options) { o.MaxWait = 10 * time.Minute }
	if _, err := f.open(dir, short).Repositories(t.Context(), "acme"); !errors.Is(err, ErrLimited) || f.slept > 0 {
		t.Errorf("%v after %v", err, f.slept)
	}
	f.now = f.now.Add(2 * time.Hour)
	if l, err := f.open(dir, short).Repositories(t.Context(), "acme"); err != nil || len(l.Repositories) != 500 || f.used != 2 {
		t.Errorf("%d counted, %v", f.used, err)
	}
	// A limit that another program has used up is met as a refusal.
	f, dir = newFake(t, GitHub), t.TempDir()
	f.repositories(10)
	f.used, f.reset = f.limit, f.server().Add(20*time.Minute)
	if l, err := f.open(dir, nil).Repositories(t.Context(), "acme"); err != nil || len(l.Repositories) != 10 || f.slept < 20*time.Minute || f.statuses()[403] != 1 {
		t.Errorf("%v slept, %q, %v", f.slept, f.requests, err)
	}
}

// The fake forge fails the test at the 901st request of any minute (GitHub), the 61st (Gitee), the 51st (GitCode), also over several runs.
func TestPointsAMinute(t *testing.T) {
	for _, kind := range Kinds() {
		f, dir := newFake(t, kind), t.TempDir()
		for i := range 1000 {
			f.add(fmt.Sprintf("tool-%d", i))
		}
		n := 1000
		if kind != GitHub {
			n = 130
		}
		c := f.open(dir, nil)
		for i := range n {
			if i%40 == 39 {
				c = f.open(dir, nil) // killed, and begun anew at once
			}
			if _, err := c.Repository(t.Context(), "acme", fmt.Sprintf("tool-%d", i)); err != nil {
				t.Fatal(err)
			}
		}
		if f.slept < 10*time.Second {
			t.Errorf("%s: only %v were waited", kind, f.slept)
		}
	}
}

// Two runs at once, and requests that fail, count together.
func TestPointsOfTwoRuns(t *testing.T) {
	f, dir := newFake(t, Gitee), t.TempDir()
	f.add("tool")
	f.fault = func(n int, req *http.Request) *http.Response {
		switch n % 5 {
		case 0:
			return answer(req, http.StatusForbidden, "{}")
		case 1:
			return answer(req, http.StatusTeapot, "{}")
		}
		return nil
	}
	runs := []*Client{f.open(dir, nil), f.open(dir, nil), nil}
	for i := range 200 {
		runs[2] = f.open(dir, nil) // begun anew each time
		_, _ = runs[i%3].Repository(t.Context(), "acme", "tool")
	}
	if len(f.requests) != 200 || f.slept < 2*time.Minute || f.slept > 4*time.Minute {
		t.Errorf("%d requests, %v waited", len(f.requests), f.slept)
	}
}

// Tokens of an installation are points as well, five each.
func TestPointsOfTokens(t *testing.T) {
	f := newFake(t, GitHub)
	f.add("tool")
	credential, minted := newApp(t, f)
	c := f.open("", func(o *Options) { o.Credential = credential })
	for i := range 700 {
		if i%5 == 4 {
			f.token = "revoked"
		}
		if _, err := c.Repository(t.Context(), "acme", "tool"); err != nil {
			t.Fatal(err)
		}
	}
	if *minted != 141 || f.slept == 0 {
		t.Errorf("%d tokens, %v waited", *minted, f.slept)
	}
}

func TestAnHourAtGitCode(t *testing.T) {
	f := newFake(t, GitCode)
	c := f.open("", nil)
	for range 9000 {
		if err := c.t.limits.wait(t.Context(), c.t, "/api/v5/x", 1); err != nil {
			t.Fatal(err)
		}
		f.sent = append(f.sent, f.now)
		hour := 0
		for i := len(f.sent) - 1; i >= 0 && f.sent[i].After(f.now.Add(-time.Hour)); i-- {
			hour++
		}
		if hour > 4000 {
			t.Fatalf("%d requests in an hour", hour)
		}
	}
}

// If the forge cannot be asked, the last whole list stands, and says of when it is. A list that the forge denies does not.
func TestStaleListing(t *testing.T) {
	f, dir := newFake(t, GitHub), t.TempDir()
	f.repositories(250)
	day := f.now
	if _, err := f.open(dir, nil).Repositories(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	f.now = f.now.Add(24 * time.Hour)
	f.repos[0]["name"], f.repos[249]["archived"] = "renamed", true
	f.repos = append(f.repos[:7], f.repos[8:]...)
	f.fault = func(_ int, req *http.Request) *http.Response {
		if req.URL.Query().Get("page") == "2" {
			return answer(req, 500, "down")
		}
		return nil
	}
	l, err := f.open(dir, nil).Repositories(t.Context(), "acme")
	if err != nil || !errors.Is(l.Stale, ErrAnswer) || len(l.Repositories) != 250 || l.AsOf.Sub(day) > time.Minute || names(l)[0] != "tool-000" {
		t.Fatalf("%+v, %v", l, err)
	}
	off, err := f.open(dir, func(o *Options) { o.Offline = true }).Repositories(t.Context(), "acme")
	if err != nil || off.Stale != nil || len(off.Repositories) != 250 {
		t.Errorf("offline: %v", err)
	}
	f.fault = nil
	l, err = f.open(dir, nil).Repositories(t.Context(), "acme")
	if err != nil || l.Stale != nil || len(l.Repositories) != 249 || cmp.Diff(l.Gone, []string{"tool-007"}) != "" || l.Repositories[0].Renamed != "tool-000" {
		t.Errorf("%v: gone %q, %+v", err, l.Gone, l.Repositories[0])
	}
	f.people = true // and nobody of that name is a person
	f.repos = nil
	f.fault = func(_ int, req *http.Request) *http.Response { return answer(req, 404, "{}") }
	if l, err := f.open(dir, nil).Repositories(t.Context(), "acme"); !errors.Is(err, ErrGone) || l != nil {
		t.Errorf("%v", err)
	}
	if _, err := f.open(t.TempDir(), func(o *Options) { o.Offline = true }).Repositories(t.Context(), "acme"); !errors.Is(err, ErrOffline) {
		t.Errorf("%v", err)
	}
}

// Damaged answers on disk are asked for anew.
func TestDamagedCache(t *testing.T) {
	f, dir := newFake(t, GitHub), t.TempDir()
	f.repositories(300)
	want, err := f.open(dir, nil).Repositories(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*", "*.[an]*")) // answers and notes
	if len(files) != 4 {
		t.Fatalf("%q", files)
	}
	for _, name := range files {
		whole, _ := os.ReadFile(name)
		for _, at := range []int{0, len(whole) / 2, len(whole) - 1} {
			broken := append([]byte(nil), whole...)
			broken[at] ^= 1
			for _, content := range [][]byte{broken, whole[:at], nil} {
				if err := os.WriteFile(name, content, 0o600); err != nil {
					t.Fatal(err)
				}
				l, err := f.open(dir, nil).Repositories(t.Context(), "acme")
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want.Repositories, l.Repositories); diff != "" {
					t.Error(diff)
				}
			}
		}
	}
}

// A repository that was renamed is followed on the same host.
func TestRenamed(t *testing.T) {
	f := newFake(t, GitHub)
	f.add("new")
	f.fault = func(_ int, req *http.Request) *http.Response {
		if req.URL.Path == "/repos/acme/old" {
			return answer(req, 301, map[string]any{"message": "Moved Permanently"}, "Location", "https://api.github.com/repos/acme/new")
		}
		return nil
	}
	r, err := f.open(t.TempDir(), nil).Repository(t.Context(), "acme", "old")
	if err != nil || r.Name != "new" || r.Renamed != "acme/old" {
		t.Errorf("%+v, %v", r, err)
	}
}

// GitHub Enterprise Server has its interface below a path of its own host.
func TestEnterprise(t *testing.T) {
	f := newFake(t, GitHub)
	f.host = "git.corp.example"
	f.add("tool")
	f.fault = func(_ int, req *http.Request) *http.Response {
		rest, ok := strings.CutPrefix(req.URL.Path, "/api/v3/")
		if !ok {
			t.Errorf("%s was asked for", req.URL)
		}
		req.URL.Path = "/" + rest
		return nil
	}
	c := f.open(t.TempDir(), func(o *Options) { o.Base = "https://git.corp.example/api/v3" })
	if l, err := c.Repositories(t.Context(), "acme"); err != nil || len(l.Repositories) != 1 || c.Host() != "git.corp.example" || !c.Given() {
		t.Errorf("%v", err)
	}
	for _, bad := range []string{"http://git.corp.example/", "https://user:pw@git.corp.example/", "https://", "git.corp.example", "https://h/?a=b", "ftp://h/", "https://h/#x", ":"} {
		if _, err := Open(GitHub, Options{Base: bad}); err == nil || strings.Contains(err.Error(), "pw") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// Other forges can lie elsewhere as well, and the token goes there alone.
func TestOtherAddresses(t *testing.T) {
	for _, c := range []struct {
		kind                   Kind
		base, host, path, from string
	}{
		{GitHub, "https://GIT.corp.example:443/api/v3", "git.corp.example", "/api/v3/", "git.corp.example"},
		{GitHub, "https://api.team.ghe.com", "api.team.ghe.com", "/", "team.ghe.com"},
		{GitHub, "https://api.corp.example/api/v3/", "api.corp.example", "/api/v3/", "api.corp.example"},
		{Gitee, "https://gitee.corp.example/api/v5", "gitee.corp.example", "/api/v5/", "gitee.corp.example"},
		{GitCode, "https://api.code.corp.example/api/v5", "api.code.corp.example", "/api/v5/", "code.corp.example"},
		{GitCode, "https://code.corp.example:8443/api/v5", "code.corp.example:8443", "/api/v5/", "code.corp.example:8443"},
	} {
		f := newFake(t, c.kind)
		f.host = c.host
		public, err := url.Parse(public[c.kind].base)
		if err != nil {
			t.Fatal(err)
		}
		f.add("tool")
		f.fault = func(_ int, req *http.Request) *http.Response {
			rest, ok := strings.CutPrefix(req.URL.Path, c.path)
			if !ok || req.Header.Get("Authorization") != "Bearer "+f.token {
				t.Errorf("%s: %s was asked for", c.base, req.URL)
			}
			req.URL.Path = public.Path + rest
			return nil
		}
		client := f.open(t.TempDir(), func(o *Options) { o.Base = c.base })
		if l, err := client.Repositories(t.Context(), "acme"); err != nil || len(l.Repositories) != 1 || client.Host() != c.from || client.Name() != c.from {
			t.Errorf("%s: cloned from %s, %v", c.base, client.Host(), err)
		}
		for address, want := range map[string]bool{
			"https://" + c.from + "/acme/tool.git/info/refs": true, "http://" + c.from + "/acme/tool.git/info/refs": false, "https://evil.example/acme/tool.git/info/refs": false,
			"https://" + strings.TrimSuffix(c.from, ":8443") + ".evil.example/x": false, "https://" + strings.TrimSuffix(c.from, ":8443") + ":444/x": false, "https://x." + c.from + "/x": false, "https://github.com/x": false,
		} {
			req, err := http.NewRequest(http.MethodGet, address, nil)
			if err != nil {
				t.Fatal(err)
			}
			if signed, err := client.SignGit(req, false); signed != want || err != nil || (req.Header.Get("Authorization") != "") != want {
				t.Errorf("%s: %s is signed: %v, %v", c.base, address, signed, err)
			}
		}
	}
}

// endless gives the same bytes for ever.
type endless string

func (e endless) Read(p []byte) (n int, err error) {
	for n < len(p) {
		n += copy(p[n:], e)
	}
	return n, nil
}

// A forge that means harm fills no memory and no disk, and is refused in one line.
func TestHostileForge(t *testing.T) {
	named := func(owner, name string, more ...string) string {
		one := map[string]any{"id": 1, "name": name, "owner": map[string]any{"login": owner}}
		for i := 0; i < len(more); i += 2 {
			one[more[i]] = more[i+1]
		}
		content, err := json.Marshal([]any{one})
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	for _, c := range []struct {
		name string
		body io.Reader
		want error
	}{
		{"an endless body", endless(" "), ErrAnswer},
		{"an endless list", io.MultiReader(strings.NewReader("["), endless(`{"id":1},`)), ErrAnswer},
		{"a million of nothing", strings.NewReader("[" + strings.Repeat("null,", 1_000_000) + "null]"), ErrAnswer},
		{"lists in lists", strings.NewReader(strings.Repeat("[", 1_000_000)), ErrAnswer},
		{"a folder above", strings.NewReader(named("acme", "..")), ErrRefused},
		{"a path", strings.NewReader(named("acme", "../../etc/passwd")), ErrRefused},
		{"an option", strings.NewReader(named("acme", "--upload-pack=touch x")), ErrRefused},
		{"control characters", strings.NewReader(named("acme", "a\x1b[31m\nb\x00")), ErrRefused},
		{"an owner that is a path", strings.NewReader(named("../x", "tool")), ErrRefused},
		{"a name without end", strings.NewReader(named("acme", strings.Repeat("a", 1<<20))), ErrRefused},
		{"an address without end", strings.NewReader(named("acme", "tool", "clone_url", "https://github.com/"+strings.Repeat("a", 1<<20))), ErrRefused},
		{"a branch without end", strings.NewReader(named("acme", "tool", "default_branch", strings.Repeat("a", 1<<20))), ErrRefused},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t, GitHub)
			f.fault = func(_ int, req *http.Request) *http.Response {
				res := answer(req, http.StatusOK, nil)
				res.Body = io.NopCloser(c.body)
				return res
			}
			l, err := f.open(t.TempDir(), nil).Repositories(t.Context(), "acme")
			if !errors.Is(err, c.want) || l != nil {
				t.Fatalf("%v", err)
			}
			if text := err.Error(); len(text) > 600 || strings.ContainsAny(text, "\n\x1b\x00") || strings.Contains(text, f.token) {
				t.Errorf("%d bytes: %q", len(text), text)
			}
		})
	}
	pages := 0
	_, err := collect(t.Context(), func(_ context.Context, number int) (page[int], error) {
		pages++
		return page[int]{items: []int{number}, next: number + 1, total: -1}, nil
	})
	if !errors.Is(err, ErrAnswer) || pages > maxPages {
		t.Errorf("%d pages, %v", pages, err)
	}
}

func TestNames(t *testing.T) {
	f := newFake(t, GitHub)
	c := f.open("", nil)
	for _, bad := range []string{"", ".", "..", "a/b", "-x", "a b", "a?b", "a%2fb", "é", strings.Repeat("a", 101)} {
		if _, err := c.Repositories(t.Context(), bad); !errors.Is(err, ErrRefused) {
			t.Errorf("%q: %v", bad, err)
		}
		if _, err := c.Repository(t.Context(), "acme", bad); !errors.Is(err, ErrRefused) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if len(f.requests) > 0 {
		t.Errorf("%q", f.requests)
	}
}

func TestLenientNumbers(t *testing.T) {
	var v struct {
		A, B, C, D number
		E, F, G    truth
		H, I       moment
	}
	text := `{"A": 5, "B": "6", "C": null, "D": "", "E": 1, "F": "true", "G": null, "H": null, "I": "2026-06-12T09:02:35+08:00"}`
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	if v.A != 5 || v.B != 6 || v.C != 0 || v.D != 0 || !v.E || !v.F || v.G || v.H.unix() != 0 || v.I.unix() != 1781226155 {
		t.Errorf("%+v", v)
	}
	for _, bad := range []string{`{"A": "x"}`, `{"A": 1.5}`, `{"E": 2}`, `{"H": "yesterday"}`, `{"H": 5}`} {
		if json.Unmarshal([]byte(bad), &v) == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}
