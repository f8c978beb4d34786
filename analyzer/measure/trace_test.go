package measure

import (
	"testing"

	"pgregory.net/rapid"

	"orrery/analyzer/people"
)

// Pieces add up to every row that they are pieces of, in every scope, window and year.
func TestTrace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawWorld(t).input()
		result, err := Measure(in)
		if err != nil {
			t.Fatal(err)
		}
		figures := rapid.SliceOfN(rapid.SampledFrom(result.Figures), 1, 6).Draw(t, "figures")
		if len(result.Series) > 0 {
			figures = append(figures, rapid.SliceOfN(rapid.SampledFrom(result.Series), 1, 3).Draw(t, "series")...)
		}
		for i := range figures {
			f := &figures[i]
			pieces, err := Trace(in, f.Scope, f.Period.Name)
			if err != nil {
				t.Fatal(err)
			}
			type row struct {
				organization int
				class        people.Class
			}
			work, bulk, merged, everything := map[row]Sum{}, map[row]Sum{}, map[int]Sum{}, Sum{}
			persons := map[row]map[int]bool{}
			for _, p := range pieces {
				k := row{p.Organization, p.Class}
				everything = everything.Plus(p.Sum)
				if p.Bulk {
					bulk[k] = bulk[k].Plus(p.Sum)
					continue
				}
				work[k] = work[k].Plus(p.Sum)
				if persons[k] == nil {
					persons[k] = map[int]bool{}
				}
				persons[k][p.Person] = true
				if p.Client != people.NoOrganization {
					merged[p.Client] = merged[p.Client].Plus(p.Sum)
				}
			}
			if want := f.Work.Commits().Plus(f.Work.Bots).Plus(f.Work.Agents); everything != want {
				t.Fatalf("%v, %s: pieces make %+v, want %+v", f.Scope, f.Period.Name, everything, want)
			}
			for _, r := range f.Rows {
				k := row{r.Organization, r.Class}
				if r.Name == RowBulk {
					continue
				}
				if work[k] != r.Apart.Sum || bulk[k] != r.Apart.Bulk || len(persons[k]) != r.Apart.Contributors {
					t.Fatalf("%v, %s, %s: pieces make %+v and %+v of %d, want %+v", f.Scope, f.Period.Name, r.Name, work[k], bulk[k], len(persons[k]), r.Apart)
				}
				if r.Organization != people.NoOrganization && merged[r.Organization] != r.Merged.Sum {
					t.Fatalf("%v, %s, %s: pieces make %+v, want %+v", f.Scope, f.Period.Name, r.Name, merged[r.Organization], r.Merged)
				}
			}
		}
	})
}
