package measure

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orrery/analyzer/facts"
)

// naiveLines gives the lines of a repository before a moment, by walking its steps.
func naiveLines(r *mined, t int64) (lines int64) {
	for i := range r.Steps {
		if t == math.MaxInt64 || r.clocks[i] < t {
			lines = int64(r.Steps[i].Lines)
		}
	}
	return lines
}

func TestWaterfallAgainstNaive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		in := w.input()
		result, err := Measure(in)
		if err != nil {
			t.Fatal(err)
		}
		m, err := newMeasurement(in)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.tabulate(); err != nil {
			t.Fatal(err)
		}
		var year *Waterfall
		for i := range result.Waterfalls {
			f := &result.Waterfalls[i]
			if f.Scope.Kind != ScopeEcosystem {
				continue
			}
			var want Fall
			var moves []Move
			for rank := range m.repositories {
				r := &m.repositories[rank]
				member := func(at int64) bool {
					return r.Spells == nil || slices.ContainsFunc(r.Spells, func(s Spell) bool { return s.From < at && at <= s.To })
				}
				landed := func(at int64) bool {
					return r.Spells == nil || slices.ContainsFunc(r.Spells, func(s Spell) bool { return s.From <= at && at < s.To })
				}
				if member(f.Period.From) {
					want.Start += naiveLines(r, f.Period.From)
				}
				if member(f.Period.To) {
					want.End += naiveLines(r, f.Period.To)
				}
				for _, s := range r.Spells {
					if f.Period.From <= s.From && s.From < f.Period.To {
						want.Entered += naiveLines(r, s.From)
						moves = append(moves, Move{r.Repository.Key, true, s.From, uint64(naiveLines(r, s.From))})
					}
					if f.Period.From <= s.To && s.To < f.Period.To {
						want.Left += naiveLines(r, s.To)
						moves = append(moves, Move{r.Repository.Key, false, s.To, uint64(naiveLines(r, s.To))})
					}
				}
				for k := range r.Commits {
					e := &m.entries[int(r.entries.Lo)+k]
					at := r.clocks[r.landed[k]]
					if (e.state == bulk || e.state == duplicate) && (f.Period.All() || f.Period.From <= at && at < f.Period.To) && landed(at) {
						want.Imported += int64(e.added - e.removed)
					}
				}
			}
			got := f.Fall
			got.Written = 0
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%s: %s", f.Period.Name, diff)
			}
			if len(moves) != len(f.Moves) {
				t.Fatalf("%s: moves %v, want %v", f.Period.Name, f.Moves, moves)
			}
			imports := int64(0)
			for _, one := range f.Imports {
				imports += one.Lines
			}
			if imports != f.Imported {
				t.Fatalf("%s: imports of %d lines are listed, %d were imported", f.Period.Name, imports, f.Imported)
			}
			if f.Period.Kind == KindYear {
				if year != nil && year.End != f.Start {
					t.Fatalf("%s ends with %d lines, %s starts with %d", year.Period.Name, year.End, f.Period.Name, f.Start)
				}
				year = f
			}
		}
	})
}

// TestCensusAgainstNaive counts authors with maps.
func TestCensusAgainstNaive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		in := w.input()
		result, err := Measure(in)
		if err != nil {
			t.Fatal(err)
		}
		figures := map[string]*Contributors{}
		for _, list := range [][]Figures{result.Figures, result.Series} {
			for i := range list {
				if f := &list[i]; f.Scope.Kind == ScopeEcosystem && f.Period.Kind != KindRange && f.Period.Kind != KindQuarter {
					figures[f.Period.Kind+f.Period.Name] = &f.Contributors
				}
			}
		}
		for _, c := range result.Censuses {
			if Populations[c.Population].Key != "authors" {
				continue
			}
			want := figures[c.Period.Kind+c.Period.Name]
			if want == nil {
				t.Fatalf("no figures of %s", c.Period.Name)
			}
			if c.In != want.People || c.Ever != want.Ever || c.Once.Persons != want.Once || c.TenOrMore.Persons != want.TenOrMore {
				t.Fatalf("%s: census %+v, contributors %+v", c.Period.Name, c, want)
			}
		}
		for _, a := range result.Arrivals {
			if Populations[a.Population].Key != "authors" {
				continue
			}
			for i, month := range a.Months {
				if want := figures[KindMonth+month.Name]; want == nil || a.Ever[i] != want.Ever {
					t.Fatalf("%s: arrivals %+v, contributors %+v", month.Name, a.Ever[i], want)
				}
			}
		}
		// What is wider holds no fewer.
		by := map[string]map[string]People{}
		for _, c := range result.Censuses {
			if by[c.Period.Kind+c.Period.Name] == nil {
				by[c.Period.Kind+c.Period.Name] = map[string]People{}
			}
			by[c.Period.Kind+c.Period.Name][Populations[c.Population].Key] = c.In
		}
		for period, of := range by {
			for _, pair := range [][2]string{
				{"authors_without_imports", "authors"},
				{"authors_of_members", "authors"},
				{"authors_own", "authors"},
				{"authors_here", "authors_without_imports"},
				{"authors", "authors_and_machines"},
				{"authors", "authors_and_reviewers"},
				{"reviewers", "authors_and_reviewers"},
				{"authors_and_reviewers", "everybody"},
			} {
				a, b := of[pair[0]], of[pair[1]]
				if a.Persons > b.Persons || a.Addresses > b.Addresses || a.Names > b.Names || a.Pairs > b.Pairs {
					t.Fatalf("%s: %s %+v, but %s %+v", period, pair[0], a, pair[1], b)
				}
			}
		}
	})
}

func TestReviewer(t *testing.T) {
	for _, c := range []struct {
		key, value, name, address string
		ok                        bool
	}{
		{"Reviewed-by", "Ann Bee <Ann@Acme.example>", "ann bee", "ann@acme.example", true},
		{"reviewed-BY", " @Ann-Bee ", "ann-bee", "@ann-bee", true},
		{"Signed-off-by", "@ann", "ann", "@ann", true},
		{"Signed-off-by", "Ann <a@acme.example>", "", "", false},
		{"Reviewed-by", "Ann", "", "", false},
		{"Reviewed-by", "Ann <>", "", "", false},
		{"Tested-by", "@ann", "", "", false},
		{"Reviewed-by", "@", "", "", false},
	} {
		name, address, ok := reviewer(&facts.Trailer{Key: c.key, Value: c.value})
		if ok != c.ok || ok && (name != c.name || address != c.address) {
			t.Errorf("%s: %s gives %q, %q, %v", c.key, c.value, name, address, ok)
		}
	}
}
