package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orrery/analyzer/source/forge"
)

func TestQueriedFigures(t *testing.T) {
	got := queriedFigures([]forge.Contributor{
		{Commits: 30}, {Commits: 10, Anonymous: true}, {Commits: 20}, {Commits: 500, Bot: true}, {Commits: 40},
	})
	if diff := cmp.Diff(QueriedFigures{Contributors: 4, Anonymous: 1, Machines: 1, Commits: 100, Half: 2}, got); diff != "" {
		t.Error(diff)
	}
	if got := queriedFigures(nil); got != (QueriedFigures{}) {
		t.Errorf("%+v", got)
	}
}

// Contributors of two repositories count once; what one does not tell stops no other, and its figures are in no sum.
func TestQuery(t *testing.T) {
	s := newForgeServer(t)
	s.add("fork")["fork"] = true
	s.add("large")
	s.answers = map[string]string{
		"repos/team/tool/contributors": `[{"login": "ada", "contributions": 5}, {"login": "robot[bot]", "type": "Bot", "contributions": 9}, ` +
			`{"type": "Anonymous", "name": "Ben", "email": "ben@home.example", "contributions": 2}]`,
		"repos/team/fork/contributors": `[{"login": "Ada", "contributions": 1}, {"type": "Anonymous", "name": "Ben", "email": "Ben@home.example", "contributions": 1}]`,
	}
	got, err := Query(t.Context(), []string{"github:team", "github:team/tool", "github:nobody"}, s.options(t))
	if err != nil {
		t.Fatal(err)
	}
	for i := range got.Repositories {
		if r := &got.Repositories[i]; (r.Problem != "") != (r.Name == "github:nobody" || r.Name == "github:team/large") {
			t.Errorf("%+v", r)
		}
		got.Repositories[i].Problem = ""
	}
	want := []QueriedRepository{
		{Name: "github:nobody"},
		{Name: "github:team/fork", Fork: true, QueriedFigures: QueriedFigures{2, 1, 0, 2, 1}},
		{Name: "github:team/large"},
		{Name: "github:team/tool", QueriedFigures: QueriedFigures{2, 1, 1, 7, 1}},
	}
	if diff := cmp.Diff(want, got.Repositories); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(QueriedFigures{2, 1, 1, 9, 1}, got.Total); diff != "" || got.Label != QueryLabel {
		t.Error(diff)
	}
	if s.git.posts != 0 {
		t.Error("git was asked")
	}
	if _, err := Query(t.Context(), []string{"."}, s.options(t)); !errors.Is(err, ErrUsage) {
		t.Errorf("%v", err)
	}
}

// queryNet is a forge with two repositories, each with two pages of contributors, as a network with a clock.
type queryNet struct {
	kind  forge.Kind
	now   time.Time
	n     int            // requests that came
	asked map[string]int // of these, what was answered, by address
	// fault takes the n-th request over: with an answer, with an error, or, if it gives neither, not.
	fault func(n int) (*http.Response, error)
}

// RoundTrip implements [http.RoundTripper].
func (f *queryNet) RoundTrip(req *http.Request) (*http.Response, error) {
	f.n++
	if res, err := f.fault(f.n); res != nil || err != nil {
		return res, err
	}
	f.asked[req.URL.String()]++
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "application/json")
	parts := strings.Split(strings.TrimPrefix(req.URL.Path, "/api/v5"), "/")
	var list []map[string]any
	if parts[1] == "orgs" {
		for i := range 2 {
			name := fmt.Sprintf("tool-%d", i)
			list = append(list, map[string]any{"id": i + 1, "name": name, "owner": map[string]any{"login": "acme"}, "html_url": "https://x.example/acme/" + name})
		}
	} else {
		q := req.URL.Query()
		page := max(q.Get("page"), "1")
		for i := range 3 {
			name := fmt.Sprintf("%s-%s-%d", parts[3], page, i%2)
			list = append(list, map[string]any{"login": name, "name": name, "email": name + "@x.example", "contributions": 10*i + 1})
		}
		if page == "1" {
			u := *req.URL
			q.Set("page", "2")
			u.RawQuery = q.Encode()
			w.Header().Set("Link", "<"+u.String()+`>; rel="next"`)
		}
	}
	_ = json.NewEncoder(w).Encode(list)
	return w.Result(), nil
}

func (f *queryNet) query(ctx context.Context, t *testing.T, dir string) (*Queried, error) {
	t.Helper()
	token, err := forge.Token("tok-secret-secret")
	if err != nil {
		t.Fatal(err)
	}
	f.n, f.asked = 0, map[string]int{}
	f.now = f.now.Add(time.Minute)
	clock := forge.Clock{
		Now:   func() time.Time { return f.now },
		Sleep: func(ctx context.Context, d time.Duration) error { f.now = f.now.Add(d); return ctx.Err() },
	}
	return Query(ctx, []string{string(f.kind) + ":acme"}, Options{
		ForgesDir: dir, Forges: map[forge.Kind]forge.Options{f.kind: {Transport: f, Credential: token, Clock: clock}},
	})
}

// Whatever request a query is killed at, finds a limit at, or loses the network at: the next run asks for the rest alone, nothing twice, and tells
// the same as one that was not disturbed.
func TestQueryDisturbedAtEachRequest(t *testing.T) {
	t.Parallel()
	well := func(int) (*http.Response, error) { return nil, nil }
	for _, kind := range forge.Kinds() {
		undisturbed := &queryNet{kind: kind, now: time.Date(2026, 9, 1, 2, 0, 0, 0, time.UTC), fault: well}
		want, err := undisturbed.query(t.Context(), t, t.TempDir())
		if err != nil || len(want.Repositories) != 2 || undisturbed.n != 5 || want.Total.Contributors != 8 {
			t.Fatalf("%s: %d requests, %+v, %v", kind, undisturbed.n, want, err)
		}
		for _, how := range []string{"killed", "limited", "unreachable"} {
			for n := 1; n <= 5; n++ {
				ctx, cancel := context.WithCancel(t.Context())
				f, dir := &queryNet{kind: kind, now: time.Date(2026, 9, 1, 2, 0, 0, 0, time.UTC)}, t.TempDir()
				f.fault = func(at int) (*http.Response, error) {
					switch {
					case at < n:
						return nil, nil
					case how == "killed":
						cancel()
						return nil, ctx.Err()
					case how == "limited":
						w := httptest.NewRecorder()
						w.Header().Set("Retry-After", "20000")
						w.WriteHeader(http.StatusTooManyRequests)
						return w.Result(), nil
					}
					return nil, errors.New("the cable is out")
				}
				got, err := f.query(ctx, t, dir)
				cancel()
				switch {
				case how == "killed" && (err == nil || got != nil):
					t.Errorf("%s, killed at %d: %+v, %v", kind, n, got, err)
				case how != "killed" && (err != nil || !slices.ContainsFunc(got.Repositories, func(r QueriedRepository) bool { return r.Problem != "" })):
					t.Errorf("%s, %s at %d: a part looks like the whole: %+v, %v", kind, how, n, got, err)
				}
				if how == "limited" {
					if f.n != n {
						t.Errorf("%s: %d requests, and the %d-th was answered that none may come", kind, f.n, n)
					}
					if _, err := f.query(t.Context(), t, dir); err != nil || f.n != 0 {
						t.Errorf("%s: %d requests of the next run, and none may come: %v", kind, f.n, err)
					}
					f.now = f.now.Add(6 * time.Hour)
				}
				answered := n - 1
				f.fault = well
				got, err = f.query(t.Context(), t, dir)
				if err != nil {
					t.Fatal(err)
				}
				if f.n != 5-answered {
					t.Errorf("%s, %s at %d: %d requests afterwards, want %d: %v", kind, how, n, f.n, 5-answered, f.asked)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s, %s at %d: %s", kind, how, n, diff)
				}
				// What is finished is asked for anew.
				if _, err := f.query(t.Context(), t, dir); err != nil || f.n != 5 {
					t.Errorf("%s, %s at %d: %d requests another time: %v", kind, how, n, f.n, err)
				}
			}
		}
	}
}
