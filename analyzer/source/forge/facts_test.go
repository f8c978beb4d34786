package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orrery/analyzer/facts"
)

// told writes what the fake forge knows, as naively as can be, in the words of [lines].
func (f *fakeForge) told(names ...string) (all []string) {
	who := func(login string) string { return strings.TrimSuffix(login, "[bot]") }
	for _, name := range names {
		for _, p := range f.pulls[name] {
			merger, commit := p.Merger, p.MergeCommit
			if f.kind == Gitee {
				merger = ""
			}
			author := who(p.Author)
			if f.kind != GitHub {
				author = p.Author
			}
			all = append(all, fmt.Sprintf("%s#%d %s by %s merged by %s as %.40s at %s", name, p.Number, strings.ToLower(p.State), author, merger, commit, when(p.Updated)))
			var reviews []string
			for _, r := range p.Reviews {
				state := map[string]string{"APPROVED": "approved", "COMMENTED": "commented", "CHANGES_REQUESTED": "rejected", "DISMISSED": "dismissed"}[r.State]
				if f.kind != GitHub {
					if r.By == "" {
						continue
					}
					if state != "approved" {
						state = "asked"
					}
				}
				reviews = append(reviews, "  "+state+" "+who(r.By))
			}
			slices.Sort(reviews)
			all = append(all, reviews...)
		}
	}
	return all
}

func lines(f *facts.Forge) (all []string) {
	who := func(i uint32) string {
		if i == facts.None {
			return ""
		}
		return f.Accounts[i].Login
	}
	for _, r := range f.Repositories {
		for _, p := range f.Pulls[r.Pulls.Lo:r.Pulls.Hi] {
			commit := ""
			if !p.Merge.IsZero() {
				commit = p.Merge.String()
			}
			all = append(all, fmt.Sprintf("%s#%d %s by %s merged by %s as %.40s at %s", r.Name, p.Number, p.State, who(p.Author), who(p.Merger), commit,
				time.Unix(p.Updated, 0).UTC().Format(time.RFC3339)))
			var reviews []string
			for _, w := range f.Reviews[p.Reviews.Lo:p.Reviews.Hi] {
				reviews = append(reviews, fmt.Sprintf("  %s %s", w.Verdict, who(w.Reviewer)))
			}
			slices.Sort(reviews)
			all = append(all, reviews...)
		}
	}
	return all
}

func newStories(t *testing.T, kind Kind) *fakeForge {
	f := newFake(t, kind)
	for i, n := range []int{0, 3, 120} {
		name := fmt.Sprintf("tool-%d", i)
		f.add(name)
		f.stories(name, n)
	}
	return f
}

var storyNames = []string{"tool-0", "tool-1", "tool-2"}

func TestFacts(t *testing.T) {
	for _, kind := range Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			f, dir := newStories(t, kind), t.TempDir()
			got, err := f.open(dir, nil).Facts(t.Context(), "acme", storyNames, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(f.told(storyNames...), lines(got)); diff != "" {
				t.Error(diff)
			}
			first := len(f.requests)
			// Three probes, 1 + 3 queries or 1 + 2 pages, and two requests for a profile (one for the account that is gone, and for the machine that
			// these forges do not tell from people).
			want := map[Kind]int{GitHub: 3 + 4 + 3*2 + 1, Gitee: 3 + 3 + 3*2 + 1, GitCode: 3 + 3 + 3*2 + 1}[kind]
			if first != want {
				t.Errorf("%d requests, want %d: %q", first, want, f.requests)
			}
			ada := got.Accounts[0]
			day := time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC).Unix()
			if ada.Asked < day || ada.Asked > day+24*60*60 {
				t.Errorf("%+v", ada)
			}
			ada.Asked = 0
			if diff := cmp.Diff(facts.Account{Login: "ada", Name: "ADA", Company: "@ada-works", Organizations: []string{"acme", "zeta"}}, ada); diff != "" {
				t.Error(diff)
			}
			gone := got.Accounts[slices.IndexFunc(got.Accounts, func(a facts.Account) bool { return a.Login == "dora" })]
			if !gone.Gone || gone.Asked == 0 {
				t.Errorf("%+v", gone)
			}
			if got.Forge != string(kind) || got.Key(&got.Accounts[1]) != string(kind)+":ben" {
				t.Errorf("%+v", got.Accounts)
			}
			spotless(t, dir, f.token)

			// The second night, nothing has changed.
			c := f.open(dir, nil)
			if err := c.Finished("acme"); err != nil {
				t.Fatal(err)
			}
			f.forget()
			f.now = f.now.Add(24 * time.Hour)
			again, err := f.open(dir, nil).Facts(t.Context(), "acme", storyNames, got)
			if err != nil {
				t.Fatal(err)
			}
			if kind == GitHub && f.used != 0 || len(f.requests) != 3 {
				t.Errorf("%d counted of %q", f.used, f.requests)
			}
			got.Asked, again.Asked = 0, 0
			for i := range got.Repositories {
				got.Repositories[i].Asked, again.Repositories[i].Asked = 0, 0
			}
			if diff := cmp.Diff(got, again); diff != "" {
				t.Error(diff)
			}

			// The third, some have: what is told is what a new reading tells.
			if err := c.Finished("acme"); err != nil {
				t.Fatal(err)
			}
			f.forget()
			f.now = f.now.Add(24 * time.Hour)
			old := f.pulls["tool-2"][4]
			old.Reviews, old.Updated = append(old.Reviews, fakeReview{"ada", "APPROVED", f.now}), f.now
			f.pulls["tool-0"] = append(f.pulls["tool-0"], &fakePull{Number: 1, Author: "cleo", State: "OPEN", Base: "main", Created: f.now, Updated: f.now})
			f.pulls["tool-1"] = append(f.pulls["tool-1"], &fakePull{Number: 4, Author: "eve", State: "OPEN", Base: "main", Created: f.now, Updated: f.now})
			third, err := f.open(dir, nil).Facts(t.Context(), "acme", storyNames, again)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(f.told(storyNames...), lines(third)); diff != "" {
				t.Error(diff)
			}
			if len(f.requests) > 3+3+1 {
				t.Errorf("%q", f.requests)
			}
			// One that was moved here keeps its old dates, and is found by the count.
			if err := c.Finished("acme"); err != nil {
				t.Fatal(err)
			}
			moved := *f.pulls["tool-2"][9]
			moved.Number = 500
			f.pulls["tool-2"] = append(f.pulls["tool-2"], &moved)
			f.now = f.now.Add(24 * time.Hour)
			fourth, err := f.open(dir, nil).Facts(t.Context(), "acme", storyNames, third)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(f.told(storyNames...), lines(fourth)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Whatever request it is killed at, the next run asks for the rest alone, and tells the same.
func TestKilledAtEachRequestOfFacts(t *testing.T) {
	for _, kind := range Kinds() {
		f := newStories(t, kind)
		want, err := f.open(t.TempDir(), nil).Facts(t.Context(), "acme", storyNames, nil)
		if err != nil {
			t.Fatal(err)
		}
		all := slices.Clone(f.requests)
		for n := 1; n <= len(all); n++ {
			f, dir := newStories(t, kind), t.TempDir()
			ctx, cancel := context.WithCancelCause(t.Context())
			f.killAt(n, cancel)
			if got, err := f.open(dir, nil).Facts(ctx, "acme", storyNames, nil); err == nil || got != nil {
				t.Fatalf("%s killed at %d: %v", kind, n, err)
			}
			f.fault = nil
			f.now = f.now.Add(3 * time.Hour)
			got, err := f.open(dir, nil).Facts(t.Context(), "acme", storyNames, nil)
			if err != nil {
				t.Fatalf("%s killed at %d: %v", kind, n, err)
			}
			if diff := cmp.Diff(all, f.requests); diff != "" {
				t.Errorf("%s killed at %d: %s", kind, n, diff)
			}
			for i := range got.Accounts {
				got.Accounts[i].Asked = want.Accounts[i].Asked // the day of the answer
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s killed at %d: %s", kind, n, diff)
			}
		}
	}
}

// A day later unfinished work is begun anew.
func TestOldUnfinishedWork(t *testing.T) {
	f, dir := newStories(t, GitHub), t.TempDir()
	ctx, cancel := context.WithCancelCause(t.Context())
	f.killAt(6, cancel)
	_, _ = f.open(dir, nil).Facts(ctx, "acme", storyNames, nil)
	f.forget()
	f.now = f.now.Add(25 * time.Hour)
	c := f.open(dir, nil)
	if _, err := c.Facts(t.Context(), "acme", storyNames, nil); err != nil || c.Counts().Replayed != 0 {
		t.Errorf("%+v, %v", c.Counts(), err)
	}
}

func TestQueries(t *testing.T) {
	bad := func(kind, message string) func(*http.Request) *http.Response {
		return func(req *http.Request) *http.Response {
			return answer(req, 200, map[string]any{"data": nil, "errors": []any{map[string]any{"type": kind, "message": message}}})
		}
	}
	for _, c := range []struct {
		name  string
		fault func(n int, req *http.Request) *http.Response // of queries alone, n from 1
		want  error
		slept time.Duration
	}{
		{"nothing", func(int, *http.Request) *http.Response { return nil }, nil, 0},
		{"too slow for fifty", func(_ int, req *http.Request) *http.Response {
			if strings.Contains(readBody(req), `"first":50`) {
				return answer(req, 502, "<html>timeout</html>")
			}
			return nil
		}, nil, 15 * time.Second},
		{"goes wrong once", func(n int, req *http.Request) *http.Response {
			if n == 2 {
				return bad("", "Something went wrong while executing your query")(req)
			}
			return nil
		}, nil, 0},
		{"always wrong", func(_ int, req *http.Request) *http.Response { return bad("", "Something went wrong")(req) }, ErrAnswer, 0},
		{"not found", func(_ int, req *http.Request) *http.Response { return bad("NOT_FOUND", "Could not resolve")(req) }, ErrGone, 0},
		{"forbidden", func(_ int, req *http.Request) *http.Response { return bad("FORBIDDEN", "no")(req) }, ErrDenied, 0},
		{"limited", func(n int, req *http.Request) *http.Response {
			if n == 2 {
				return bad("RATE_LIMITED", "API rate limit exceeded")(req)
			}
			return nil
		}, nil, time.Minute},
		{"a part beside an error", func(_ int, req *http.Request) *http.Response {
			return answer(req, 200, map[string]any{
				"data":   map[string]any{"repository": map[string]any{"pullRequests": map[string]any{"totalCount": 0}}},
				"errors": []any{map[string]any{"message": "a field failed"}},
			})
		}, ErrAnswer, 0},
		{"fewer than there are", func(_ int, req *http.Request) *http.Response {
			return answer(req, 200, map[string]any{"data": map[string]any{"repository": map[string]any{"pullRequests": map[string]any{"totalCount": 7}}}})
		}, ErrAnswer, 0},
		{"a circle", func(_ int, req *http.Request) *http.Response {
			return answer(req, 200, map[string]any{"data": map[string]any{"repository": map[string]any{"pullRequests": map[string]any{
				"totalCount": 7, "pageInfo": map[string]any{"hasNextPage": true, "endCursor": "x"}, "nodes": []any{map[string]any{"number": 1}},
			}}}})
		}, ErrAnswer, 0},
		{"no number", func(_ int, req *http.Request) *http.Response {
			return answer(req, 200, map[string]any{"data": map[string]any{"repository": map[string]any{"pullRequests": map[string]any{"nodes": []any{map[string]any{}}}}}})
		}, ErrAnswer, 0},
		{"no repository", func(_ int, req *http.Request) *http.Response {
			return answer(req, 200, map[string]any{"data": map[string]any{"repository": nil}})
		}, ErrAnswer, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, dir := newStories(t, GitHub), t.TempDir()
			queries := 0
			f.fault = func(_ int, req *http.Request) *http.Response {
				if req.URL.Path != "/graphql" {
					return nil
				}
				queries++
				return c.fault(queries, req)
			}
			got, err := f.open(dir, nil).Facts(t.Context(), "acme", storyNames, nil)
			if !errors.Is(err, c.want) || err != nil && (c.want == nil || got != nil) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			if f.slept < c.slept {
				t.Errorf("%v slept", f.slept)
			}
			f.fault = nil
			f.now = f.now.Add(2 * time.Second)
			if err != nil {
				got, err = f.open(dir, nil).Facts(t.Context(), "acme", storyNames, nil)
				if err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(f.told(storyNames...), lines(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// More than a hundred reviews are read to the end.
func TestManyReviews(t *testing.T) {
	f := newStories(t, GitHub)
	for i := range 345 {
		p := f.pulls["tool-1"][1]
		p.Reviews = append(p.Reviews, fakeReview{"ada", "COMMENTED", p.Created.Add(time.Duration(i+5) * time.Minute)})
	}
	got, err := f.open(t.TempDir(), nil).Facts(t.Context(), "acme", storyNames, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(f.told(storyNames...), lines(got)); diff != "" {
		t.Error(diff)
	}
}

// What changes while it is read is told now or the next night, and nothing is lost or doubled.
func TestChangesWhileReading(t *testing.T) {
	f, dir := newStories(t, GitHub), t.TempDir()
	f.fault = func(n int, _ *http.Request) *http.Response {
		if n > 4 {
			p := f.pulls["tool-2"][(n*13)%100]
			p.State, p.Updated = "CLOSED", f.now
			f.pulls["tool-2"] = append(f.pulls["tool-2"], &fakePull{Number: 1000 + n, Author: "ada", State: "OPEN", Base: "main", Created: f.now, Updated: f.now})
		}
		return nil
	}
	c := f.open(dir, nil)
	first, err := c.Facts(t.Context(), "acme", storyNames, nil)
	if err != nil || len(first.Pulls) < 123 {
		t.Fatal(err)
	}
	f.fault = nil
	if err := c.Finished("acme"); err != nil {
		t.Fatal(err)
	}
	f.now = f.now.Add(24 * time.Hour)
	second, err := c.Facts(t.Context(), "acme", storyNames, first)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(f.told(storyNames...), lines(second)); diff != "" {
		t.Error(diff)
	}
}

func TestFactsNeedAToken(t *testing.T) {
	f := newStories(t, GitHub)
	if _, err := f.open("", func(o *Options) { o.Credential = Credential{} }).Facts(t.Context(), "acme", storyNames, nil); !errors.Is(err, ErrNoToken) || len(f.requests) > 0 {
		t.Errorf("%v", err)
	}
}

// Without a folder nothing is kept, and everything works.
func TestFactsWithoutFolder(t *testing.T) {
	f := newStories(t, GitHub)
	var said []string
	got, err := f.open("", func(o *Options) { o.Talk = func(s string) { said = append(said, s) } }).Facts(t.Context(), "acme", storyNames, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(f.told(storyNames...), lines(got)); diff != "" {
		t.Error(diff)
	}
	want := []string{"api.github.com: new pull requests or reviews in 2 of 3 repositories of acme, pull requests in all: 123: about 4 requests, less than a minute at your limit"}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Error(diff)
	}
}

func TestEstimate(t *testing.T) {
	f := newFake(t, GitHub)
	f.add("tool")
	c := f.open("", nil)
	f.used, f.reset = 3000, f.server().Add(time.Hour)
	if _, err := c.Repository(t.Context(), "acme", "tool"); err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]string{
		10: "about 10 requests, less than a minute at your limit", 999: "about 999 requests, about 12 minutes at your limit",
		1900: "about 1,900 requests, about 25 minutes at your limit", 4210: "about 4,210 requests, about 85 minutes at your limit",
		1234567: "about 1,234,567 requests, about 248 hours at your limit",
	} {
		if got := c.Estimate(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

// At a limit that nothing has used up, each request takes its part of the hour.
func TestEstimateOfEachForge(t *testing.T) {
	for _, test := range []struct {
		kind      Kind
		anonymous bool
		want      string
	}{
		{GitHub, false, "about 4,210 requests, about 50 minutes at your limit"},
		{GitHub, true, "about 4,210 requests, about 70 hours at your limit"},
		{Gitee, false, "about 4,210 requests, about 70 minutes at your limit"},
		{GitCode, false, "about 4,210 requests, about 85 minutes at your limit"},
	} {
		c := newFake(t, test.kind).open("", func(o *Options) {
			if test.anonymous {
				o.Credential = Credential{}
			}
		})
		if got := c.Estimate(4210); got != test.want {
			t.Errorf("%s, anonymous %v: %s, want %s", test.kind, test.anonymous, got, test.want)
		}
	}
}

// What was estimated is what it takes, if the limit is what it waits for.
func TestEstimateHolds(t *testing.T) {
	f := newFake(t, GitHub)
	f.limit = 120
	for i := range 1000 {
		f.add(fmt.Sprintf("tool-%d", i))
	}
	c := f.open("", nil)
	f.used, f.reset = 40, f.server().Add(40*time.Minute)
	if _, err := c.Repository(t.Context(), "acme", "tool-0"); err != nil {
		t.Fatal(err)
	}
	begun, estimate := f.now, c.t.limits.estimate(c.t, 400)
	for i := range 400 {
		if _, err := c.Repository(t.Context(), "acme", fmt.Sprintf("tool-%d", i+1)); err != nil {
			t.Fatal(err)
		}
	}
	if took := f.now.Sub(begun); took > estimate || took < estimate/2 {
		t.Errorf("it took %v, %v were estimated", took, estimate)
	}
}

// What is not asked for, and what the forge does not have any more, stays as it was told.
func TestFactsOfSome(t *testing.T) {
	f, dir := newStories(t, GitHub), t.TempDir()
	c := f.open(dir, nil)
	first, err := c.Facts(t.Context(), "acme", storyNames, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, gone := range []bool{false, true} {
		names := storyNames[:2]
		if gone {
			names = storyNames
			f.fault = func(_ int, req *http.Request) *http.Response {
				if strings.HasPrefix(req.URL.Path, "/repos/acme/tool-2") {
					return answer(req, 404, "{}")
				}
				return nil
			}
		}
		if err := c.Finished("acme"); err != nil {
			t.Fatal(err)
		}
		f.now = f.now.Add(time.Hour)
		again, err := c.Facts(t.Context(), "acme", names, first)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(lines(first), lines(again)); diff != "" {
			t.Error(diff)
		}
		if r := again.Repositories[2]; r.Gone != gone || (r.Asked == first.Repositories[2].Asked) == gone || r.Newest != first.Repositories[2].Newest || r.Count != 120 {
			t.Errorf("%+v", r)
		}
	}
}
