package people

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orrery/analyzer/facts"
)

// Co-authors count by the policy, tools never, and nobody twice in a commit.
func TestCoAuthors(t *testing.T) {
	named := func(lines ...string) (list []facts.Trailer) {
		for _, l := range lines {
			list = append(list, facts.Trailer{Key: "Co-authored-by", Value: l, InBlock: true})
		}
		return list
	}
	const ada, ben, cleo = "Ada Lund <ada@astra.example>", "Ben Okoro <ben@borealis.example>", "Cleo Marsh <cleo@borealis.example>"
	commits := []wrote{
		{who: ada, date: "2024-01-01", trailers: named(ben)},
		{who: ada, date: "2024-01-02", trailers: named("Claude <noreply@anthropic.com>", "Ben Okoro <BEN@borealis.example>", ben)},
		{who: ada, date: "2024-01-03", trailers: named("Ada Lund <ADA@astra.example>", "Ben", "root <root@localhost>")},
		{who: ada, date: "2024-01-04", trailers: named(ben, cleo)},
		{who: "Claude <noreply@anthropic.com>", date: "2024-01-05", trailers: named(ben)},
		{who: ada, date: "2024-01-06", trailers: []facts.Trailer{{Key: facts.SquashedSubject, Value: "one"}, {Key: facts.SquashedSubject, Value: "two"}}},
		{who: ada, date: "2024-01-07", second: 1, trailers: named(ben)},
		{who: ada, date: "2024-01-08", trailers: named("dependabot[bot] <49699333+dependabot[bot]@users.noreply.github.com>")},
	}
	r := repository(t, "r", commits...)
	for i := range r.Commits {
		r.Commits[i].ID = facts.ID{0, 0, 0, byte(i)}
	}
	again := *r
	again.Key = "again" // the same commits count once
	counts := CoAuthorship{Commits: 4, People: 5, Machines: 2, Unusable: 2, Squashed: 2}
	who := func(r *Resolution, repository int, signature uint32) string {
		p := r.Persons[r.Person[repository][signature]]
		a := r.Attribute(repository, signature, date(t, "2024-01-01"))
		if a.Organization == NoOrganization {
			return p.Key + " " + a.Class.String()
		}
		return p.Key + " " + r.Organizations[a.Organization].Name
	}
	t.Run("author", func(t *testing.T) {
		for _, policy := range []CoAuthors{"", CoAuthorsAuthor} {
			got := resolve(t, Options{CoAuthors: policy}, r, &again)
			if got.CoAuthorship != counts || got.Credits != nil || len(got.Persons) != 2 || got.Repositories[0] != r {
				t.Errorf("%q: %+v, %d persons, credits %v", policy, got.CoAuthorship, len(got.Persons), got.Credits)
			}
		}
	})
	t.Run("each", func(t *testing.T) {
		got := resolve(t, Options{CoAuthors: CoAuthorsEach}, r, &again)
		if got.CoAuthorship != counts {
			t.Errorf("%+v", got.CoAuthorship)
		}
		var list []string
		for _, c := range got.Credits[0] {
			list = append(list, r.Commits[c.Commit].Authored.UTC().Format("02 ")+who(got, 0, c.Signature))
		}
		want := []string{"01 ben@borealis.example Borealis", "02 ben@borealis.example Borealis", "04 ben@borealis.example Borealis", "04 cleo@borealis.example Borealis"}
		if diff := cmp.Diff(want, list); diff != "" {
			t.Error(diff)
		}
		for i := range r.Commits {
			if got.Repositories[0].Commits[i].Author != r.Commits[i].Author {
				t.Errorf("commit %d has another author", i)
			}
		}
	})
	t.Run("split", func(t *testing.T) {
		got := resolve(t, Options{CoAuthors: CoAuthorsSplit}, r, &again)
		var list []string
		for i := range r.Commits {
			for k := range got.Repositories {
				list = append(list, who(got, k, got.Repositories[k].Commits[i].Author))
			}
		}
		// Ids are 0 to 7: the rest by the number of authors says whose the commit is; the machine's stays its own.
		const a, b = "ada@astra.example unknown", "ben@borealis.example Borealis"
		if want := []string{a, a, b, b, a, a, a, a, list[8], list[8], a, a, a, a, a, a}; !slices.Equal(list, want) || got.Credits != nil {
			t.Errorf("%q, want %q", list, want)
		}
		if list[8] == b {
			t.Error("a machine's commit is dealt to a person")
		}
		if r.Commits[1].Author != 0 {
			t.Error("the facts have changed")
		}
	})
	t.Run("withheld", func(t *testing.T) {
		got := resolve(t, Options{CoAuthors: CoAuthorsEach, Withheld: map[string]bool{digest(testKey, "ben@borealis.example"): true}}, r)
		for _, c := range got.Credits[0][:3] {
			if w := who(got, 0, c.Signature); w != "withheld withheld" {
				t.Errorf("a withheld co-author is %s", w)
			}
		}
	})
	if _, err := Resolve([]*facts.Repository{r}, Options{CoAuthors: "all", Directory: testDirectory(t), PseudonymKey: testKey}); err == nil {
		t.Error("a policy that there is not is taken")
	}
}
