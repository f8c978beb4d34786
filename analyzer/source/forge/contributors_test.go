package forge

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestContributors(t *testing.T) {
	f := newFake(t, GitHub)
	f.contribute = map[string][]map[string]any{}
	for i := range 250 {
		one := map[string]any{"login": fmt.Sprintf("user-%d", i), "contributions": 1000 - i, "type": "User"}
		switch {
		case i == 7:
			one = map[string]any{"login": "robot[bot]", "contributions": 993, "type": "Bot"}
		case i == 8:
			one["login"] = "USER-0" // on a page that moved
		case i >= 200:
			one = map[string]any{"type": "Anonymous", "name": "Ada", "email": fmt.Sprintf("Ada%d@home.example", i%10), "contributions": 2}
		}
		f.contribute["tool"] = append(f.contribute["tool"], one)
	}
	c := f.open(t.TempDir(), nil)
	got, err := c.Contributors(t.Context(), "acme", "tool")
	if err != nil || len(got) != 199+10 || len(f.requests) != 3 {
		t.Fatalf("%d, %v, %q", len(got), err, f.requests)
	}
	want := []Contributor{{Key: "@user-0", Commits: 1992}, {Key: "@user-1", Commits: 999}}
	if diff := cmp.Diff(want, got[:2]); diff != "" {
		t.Error(diff)
	}
	if last := got[len(got)-1]; last.Commits != 10 || !last.Anonymous || last.Key != "Ada <ada9@home.example>" {
		t.Errorf("%+v", last)
	}
	if !got[7].Bot {
		t.Errorf("%+v", got[7])
	}
	f.forget()
	if again, err := c.Contributors(t.Context(), "acme", "tool"); err != nil || f.used != 0 || cmp.Diff(got, again) != "" {
		t.Errorf("the second time %d requests count, %v", f.used, err)
	}
	if empty, err := c.Contributors(t.Context(), "acme", "empty"); err != nil || len(empty) != 0 {
		t.Errorf("%v, %v", empty, err)
	}
	f.fault = func(_ int, req *http.Request) *http.Response {
		return answer(req, 403, map[string]any{"message": "The history or contributor list is too large to list contributors for this repository via the API."})
	}
	if _, err := c.Contributors(t.Context(), "acme", "linux"); !errors.Is(err, ErrTooLarge) {
		t.Errorf("%v", err)
	}
}

// A forge that gives its whole list for any page is not asked for ever.
func TestContributorsWithoutPages(t *testing.T) {
	for _, n := range []int{3, 100, 130} {
		f := newFake(t, Gitee)
		f.fault = func(_ int, req *http.Request) *http.Response {
			var list []map[string]any
			for i := range n {
				list = append(list, map[string]any{"name": "Ada", "email": fmt.Sprintf("%d@home.example", i), "contributions": i})
			}
			return answer(req, http.StatusOK, list)
		}
		got, err := f.open("", nil).Contributors(t.Context(), "acme", "tool")
		if err != nil || len(got) != n || got[0].Commits != n-1 || len(f.requests) > 2 {
			t.Errorf("%d: %d, %v, %q", n, len(got), err, f.requests)
		}
	}
}
