package measure

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"orrery/analyzer/facts"
	"orrery/analyzer/people"
)

func TestThresholds(t *testing.T) {
	for name, c := range map[string]struct {
		values                []uint64
		chaoss, lfx, devstats int
	}{
		"the example of CHAOSS":        {[]uint64{1000, 433, 343, 332, 202, 90, 42, 33}, 2, 2, 2},
		"eight equal ones":             {[]uint64{5, 5, 5, 5, 5, 5, 5, 5}, 4, 4, 5}, // 12.5 % goes up to 13
		"exactly half":                 {[]uint64{50, 30, 20}, 1, 2, 2},
		"half with a little":           {[]uint64{501, 299, 200}, 1, 2, 1}, // 50.1 % goes down to 50
		"half with more":               {[]uint64{505, 295, 200}, 1, 1, 1}, // 50.5 % goes up to 51
		"nothing":                      {nil, 0, 0, 0},
		"one":                          {[]uint64{1}, 1, 1, 1},
		"all of it is lost by rounds":  {equal(300), 150, 0, 151},
		"200 of half a percent go up":  {equal(200), 100, 51, 101},
		"large numbers do not overrun": {[]uint64{1 << 40, 1 << 40}, 1, 2, 2},
	} {
		for rules, want := range map[string]int{"chaoss": c.chaoss, "lfx": c.lfx, "devstats": c.devstats} {
			r, _ := AccountingByName(rules)
			if got := r.count(c.values); got != want {
				t.Errorf("%s by %s: %d, want %d", name, rules, got, want)
			}
		}
		if got := compass.count(c.values); got != c.devstats {
			t.Errorf("%s by %s: %d, want %d", name, compass.Name, got, c.devstats)
		}
	}
}

func equal(n int) []uint64 {
	values := make([]uint64, n)
	for i := range values {
		values[i] = 1
	}
	return values
}

func TestAccountingRefused(t *testing.T) {
	in := small(handmade{unix("2024-01-01"), 1, facts.Added}).input()
	in.Accounting = "guess"
	if _, err := Measure(in); err == nil {
		t.Error("rules that there are not: no error")
	}
}

// On any history the accounts are what counting commit by commit gives.
func TestAccounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		in := w.input()
		rules := rapid.SampledFrom(Accountings).Draw(t, "rules")
		in.Accounting = rules.Name
		result, err := Measure(in)
		if err != nil {
			t.Fatal(err)
		}
		if len(result.Accounts) != len(result.Windows) {
			t.Fatalf("%d accounts of %d windows", len(result.Accounts), len(result.Windows))
		}
		for i := range result.Accounts {
			compareAccount(t, w, result, &rules, &result.Accounts[i])
		}
	})
}

func compareAccount(t *rapid.T, w *world, result *Result, rules *Rules, a *Account) {
	t.Helper()
	name := func(signature uint32, when facts.Time) (string, bool) {
		side := w.side(int(signature/3), when.UTC().Year())
		machine := side == numOrgs+int(people.Bot) || side == numOrgs+int(people.Agent)
		if side < numOrgs {
			return []string{"Acme", "Bolt", "Staffing"}[side], machine
		}
		return RowUnknown, machine
	}
	seen := map[facts.ID]bool{}
	rows, byPerson := map[string]AccountSum{}, map[int]AccountSum{}
	authors := map[string]map[int]bool{}
	var total AccountSum
	for k, r := range w.repositories {
		for i := range r.Commits {
			c := &r.Commits[i]
			if seen[c.ID] {
				continue
			}
			seen[c.ID] = true
			valid := c.Authored.Valid && c.Authored.Unix <= result.Fetched+day
			inside := a.Period.Name == AllTime || valid && a.Period.From <= c.Authored.Unix && c.Authored.Unix < a.Period.To
			if a.Period.Kind == KindRange {
				n := w.naive[a.Period.Range][k]
				inside = n.to[i] && !n.from[i]
			}
			author, machine := name(c.Author, c.Authored)
			if !inside || c.IsMerge() && !rules.Merges || machine && !rules.Machines {
				continue
			}
			s := AccountSum{Sum: Sum{Commits: 1}}
			for _, row := range r.Changes[c.Changes.Lo:c.Changes.Hi] {
				s.Added += uint64(row.Added)
				s.Removed += uint64(row.Removed)
			}
			if s.Changed = s.Added + s.Removed; rules.Larger {
				s.Changed = max(s.Added, s.Removed)
			}
			total = total.plus(s)
			byPerson[int(c.Author/3)] = byPerson[int(c.Author/3)].plus(s)
			rows[author] = rows[author].plus(s)
			if authors[author] == nil {
				authors[author] = map[int]bool{}
			}
			authors[author][int(c.Author/3)] = true
			if committer, machine := name(c.Committer, c.Committed); rules.Committers && committer != author && committer != RowUnknown && !machine {
				rows[committer] = rows[committer].plus(s)
			}
		}
	}
	where := rules.Name + ", " + a.Period.Name
	if a.AccountSum != total || a.Persons != len(byPerson) || len(a.Rows) != len(rows) || len(a.People) != len(byPerson) {
		t.Fatalf("%s: %+v by %d in %d rows, want %+v by %d in %d", where, a.AccountSum, a.Persons, len(a.Rows), total, len(byPerson), len(rows))
	}
	for _, row := range a.Rows {
		if row.AccountSum != rows[row.Name] || row.Persons != len(authors[row.Name]) {
			t.Fatalf("%s: %+v, want %+v by %d", where, row, rows[row.Name], len(authors[row.Name]))
		}
	}
	for _, row := range a.People {
		if want := byPerson[row.Person]; row.AccountSum != want {
			t.Fatalf("%s: person %d has %+v, want %+v", where, row.Person, row.AccountSum, want)
		}
	}
	for _, terms := range [][]Term{a.CommitTerms, a.ChangeTerms} {
		var sum int64
		for _, term := range terms {
			sum += term.Value
		}
		if sum != int64(a.Commits) && sum != int64(a.Changed) {
			t.Fatalf("%s: %v lead to %d", where, terms, sum)
		}
	}
}

func TestFactors(t *testing.T) {
	result, err := Measure(small(handmade{unix("2024-06-01"), 1, facts.Added}, handmade{unix("2020-01-01"), 2, facts.Modified}).input())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range result.Factors {
		if f.Period == AllTime || f.Rules == compass.Name {
			got = append(got, fmt.Sprintf("%s %s %s %d %d-%d", f.Rules, f.Metric, f.Period, f.Value, f.Low, f.High))
		}
	}
	want := []string{
		"orrery elephant_factor all time 1 1-1",
		"orrery contributor_absence_factor all time 1 1-1",
		"chaoss elephant_factor all time 1 1-1",
		"chaoss contributor_absence_factor all time 1 0-0",
		"lfx elephant_factor all time 1 0-0",
		"lfx contributor_absence_factor all time 1 0-0",
		"devstats elephant_factor all time 1 0-0",
		"devstats contributor_absence_factor all time 1 0-0",
		"oss-compass contributor_absence_factor last 90 days 1 0-0",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}

func (s AccountSum) plus(o AccountSum) AccountSum {
	return AccountSum{s.Plus(o.Sum), s.Changed + o.Changed}
}
