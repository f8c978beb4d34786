package source

import (
	"errors"
	"testing"

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
