package measure

import (
	"pgregory.net/rapid"

	"orrery/analyzer/people"
)

// compareLedger sums the ledger up and demands the figures: of the ecosystem, of every repository, of every organization, in all windows that
// go by dates.
func compareLedger(t *rapid.T, result *Result) {
	l := &result.Ledger
	for i := 2; i < len(l.Slices); i++ {
		if s := l.Slices[i]; s.From != l.Slices[i-1].To || s.From >= s.To {
			t.Fatalf("slice %d is [%d, %d), after one that ends at %d", i, s.From, s.To, l.Slices[i-1].To)
		}
	}
	for i := range result.Figures {
		f := &result.Figures[i]
		if f.Period.Kind == KindRange || f.Scope.Kind != ScopeEcosystem && f.Scope.Kind != ScopeRepository {
			continue
		}
		type sum struct{ commits, added, removed uint64 }
		of := func(s Sum) sum { return sum{s.Commits, s.Added, s.Removed} }
		var total sum
		organizations := map[int]sum{}
		for _, e := range l.Entries {
			s := l.Slices[e.Slice]
			if f.Scope.Kind == ScopeRepository && e.Repository != f.Scope.Name || !f.Period.All() && (e.Slice == 0 || s.From < f.Period.From || s.To > f.Period.To) {
				continue
			}
			total = sum{total.commits + e.Commits, total.added + e.Added, total.removed + e.Removed}
			if o := organizations[e.Organization]; e.Organization != people.NoOrganization {
				organizations[e.Organization] = sum{o.commits + e.Commits, o.added + e.Added, o.removed + e.Removed}
			}
		}
		if total != of(f.Work.Total()) {
			t.Fatalf("%s %s, %s: the ledger adds up to %v, T is %v", f.Scope.Kind, f.Scope.Name, f.Period.Name, total, f.Work.Total())
		}
		for _, row := range f.Rows {
			if row.Organization != people.NoOrganization && organizations[row.Organization] != of(row.Apart.Sum) {
				t.Fatalf("%s %s, %s: the ledger gives %v to %s, the figures %v", f.Scope.Kind, f.Scope.Name, f.Period.Name,
					organizations[row.Organization], row.Name, row.Apart.Sum)
			}
		}
	}
}
