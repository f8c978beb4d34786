package history

import (
	"context"
	"testing"

	"pgregory.net/rapid"

	"orrery/analyzer/facts"
	"orrery/fixtures/gitbuild"
)

func TestSplitRange(t *testing.T) {
	for text, want := range map[string][2]string{
		"v1..v2": {"v1", "v2"}, "v1..": {"v1", ""}, "..v2": {"", "v2"}, "v2026.04..v2026.07^": {"v2026.04", "v2026.07^"}, "a/b..c~2": {"a/b", "c~2"},
	} {
		if from, to, err := SplitRange(text); err != nil || from != want[0] || to != want[1] {
			t.Errorf("%q: %q, %q, %v", text, from, to, err)
		}
	}
	for _, text := range []string{"", "v1", "..", "...", "v1...v2", "v1....v2", "v1..v2..v3", "v1.v2"} {
		if from, to, err := SplitRange(text); err == nil {
			t.Errorf("%q: %q and %q", text, from, to)
		}
	}
}

// Leaving out what the boundary reaches is leaving out what the commit reaches, on any history.
func TestBoundary(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := gitbuild.New()
		var ids []gitbuild.ID
		parents := map[gitbuild.ID][]gitbuild.ID{}
		for i := range rapid.IntRange(2, 12).Draw(rt, "commits") {
			c := gitbuild.C{Message: "m"}
			for range rapid.IntRange(0, min(i, 2)).Draw(rt, "parents") {
				c.Parents = append(c.Parents, rapid.SampledFrom(ids).Draw(rt, "parent"))
			}
			id := r.Commit(c)
			ids, parents[id] = append(ids, id), c.Parents
		}
		r.Branch("main", ids[0])
		reach := func(heads ...gitbuild.ID) map[facts.ID]bool {
			met := map[facts.ID]bool{}
			var walk func(gitbuild.ID)
			walk = func(id gitbuild.ID) {
				if !met[facts.ID(id)] {
					met[facts.ID(id)] = true
					for _, p := range parents[id] {
						walk(p)
					}
				}
			}
			for _, id := range heads {
				walk(id)
			}
			return met
		}
		from, head := rapid.SampledFrom(ids).Draw(rt, "from"), rapid.SampledFrom(ids).Draw(rt, "head")
		known := reach(head)
		repo := mustOpen(t, r.Dir(t, gitbuild.Options{}))
		boundary, err := repo.Boundary(context.Background(), facts.ID(from), func(id facts.ID) bool { return known[id] })
		if err != nil {
			rt.Fatal(err)
		}
		var heads []gitbuild.ID
		for _, id := range boundary {
			if !known[id] {
				rt.Fatalf("%s is not known", id)
			}
			heads = append(heads, gitbuild.ID(id))
		}
		all, some := reach(from), reach(heads...)
		for id := range known {
			if all[id] != some[id] {
				rt.Fatalf("%s: reached %v from the commit and %v from its boundary", id, all[id], some[id])
			}
		}
	})
}

func TestBoundaryOfMissing(t *testing.T) {
	r, _, _ := two()
	repo := mustOpen(t, r.Dir(t, gitbuild.Options{}))
	if _, err := repo.Boundary(context.Background(), facts.ID{1}, func(facts.ID) bool { return false }); err == nil {
		t.Error("a commit that is not there: no error")
	}
}
