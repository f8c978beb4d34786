package measure

import (
	"fmt"
	"strings"

	"orrery/analyzer/people"
)

// Law is a sum that must be the same counted in two ways.
type Law struct {
	Name string `json:"law"`
	Left int64  `json:"left"`
	// Right is the sum of Terms, where there are any.
	Right int64  `json:"right"`
	Terms []Term `json:"terms,omitempty"`
}

// Term is a part of a sum.
type Term struct {
	Name  string `json:"name"`
	Value int64  `json:"value"`
}

// LawError says which law of conservation does not hold. Figures that follow from such sums cannot be defended, so there are none.
type LawError struct{ Law }

func (e *LawError) Error() string {
	var terms []string
	for _, t := range e.Terms {
		terms = append(terms, fmt.Sprintf("%s %d", t.Name, t.Value))
	}
	detail := ""
	if terms != nil {
		detail = " (" + strings.Join(terms, ", ") + ")"
	}
	return fmt.Sprintf("a law of conservation is violated: %s: %d is not %d%s", e.Name, e.Left, e.Right, detail)
}

// conserve checks that nothing was lost or counted twice between facts and figures.
func (m *measurement) conserve() error {
	var violated error
	law := func(name string, left int64, terms ...Term) {
		l := Law{Name: name, Left: left, Terms: terms}
		for _, t := range terms {
			l.Right += t.Value
		}
		if l.Left != l.Right && violated == nil {
			violated = &LawError{l}
		}
		m.result.Laws = append(m.result.Laws, l)
	}
	windows := len(m.result.Windows)
	all := func(scope int) *Figures { return &m.result.Figures[scope*windows] }

	var walked, merges, rowsAdded, rowsRemoved int64
	for i := range m.repositories {
		r := &m.repositories[i]
		w := r.Walk
		if w.Commits != len(r.Commits) || w.Commits != w.Merges+w.Measured+w.Partial {
			return &LawError{Law{
				Name: fmt.Sprintf("%s: commits read = merges + measured + partial", r.Repository.Key), Left: int64(len(r.Commits)),
				Right: int64(w.Merges + w.Measured + w.Partial),
				Terms: []Term{{"merges", int64(w.Merges)}, {"measured", int64(w.Measured)}, {"partial", int64(w.Partial)}},
			}}
		}
		walked += int64(w.Commits)
		merges += int64(w.Merges)
		rowsAdded += int64(r.rows.added)
		rowsRemoved += int64(r.rows.removed)
	}

	work := all(0).Work
	law("commits walked", walked, work.terms(commitsOf)...)
	law("lines added of all rows", rowsAdded, work.terms(addedOf)...)
	law("lines removed of all rows", rowsRemoved, work.terms(removedOf)...)

	// Every scope kind and every series of the ecosystem deals the same work out.
	kinds := []string{ScopeClass, ScopeSubsystem, ScopeRepository}
	for _, of := range amounts {
		whole := of.of(all(0).Work.Commits())
		for _, kind := range kinds {
			var sum int64
			scopes := 0
			for i, s := range m.result.Scopes {
				if s.Kind == kind {
					scopes++
					sum += of.of(all(i).Work.Commits())
				}
			}
			if scopes > 0 {
				law(fmt.Sprintf("%s of the ecosystem = sum over %s scopes", of.name, kind), whole, Term{fmt.Sprintf("%d scopes", scopes), sum})
			}
		}
		organizations, unknown := Sum{}, Sum{}
		merged := Sum{}
		for _, row := range all(0).Rows {
			switch {
			case row.Organization != people.NoOrganization:
				organizations = organizations.Plus(row.Apart.Sum)
				merged = merged.Plus(row.Merged.Sum)
			case !row.Outside:
				unknown = unknown.Plus(row.Apart.Sum)
			}
		}
		bulk := Term{"bulk imports", of.of(work.Bulk)}
		law(of.name+" = sum over organizations and unknown classes", whole,
			Term{"organizations", of.of(organizations)}, Term{"unknown classes", of.of(unknown)}, bulk)
		law(of.name+" = the same with contractors merged with their clients", whole,
			Term{"organizations", of.of(merged)}, Term{"unknown classes", of.of(unknown)}, bulk)
		var persons, imports Sum
		for _, p := range m.result.People[0] {
			persons, imports = persons.Plus(p.Sum), imports.Plus(p.Bulk)
		}
		law(of.name+" = sum over persons", whole, Term{"persons", of.of(persons)}, Term{"their bulk imports", of.of(imports)})
		for _, kind := range calendar {
			var sum int64
			for i := range m.result.Series {
				if f := &m.result.Series[i]; f.Scope.Kind == ScopeEcosystem && f.Period.Kind == kind {
					sum += of.of(f.Work.Commits())
				}
			}
			law(fmt.Sprintf("%s = sum over %ss", of.name, kind), whole, Term{kind + "s", sum}, Term{InvalidDate, of.of(all(0).Undated)})
		}
	}

	var head, months, terms int64
	for i := range m.repositories {
		if r := &m.repositories[i]; len(r.Steps) > 0 {
			head += int64(r.Steps[len(r.Steps)-1].Lines)
		}
	}
	for _, row := range m.result.Growth {
		months += int64(row.Added - row.Removed)
	}
	law("lines at the heads = sum over repositories and months of lines added - removed", head, Term{"months", months})
	m.conserveSurviving(law)
	for i := range m.result.Figures {
		f := &m.result.Figures[i]
		if what, left, right := f.byKind(); left != right && violated == nil {
			violated = &LawError{Law{Name: fmt.Sprintf("%s of %s %s, %s", what, f.Scope.Kind, f.Scope.Name, f.Period.Name), Left: int64(left), Right: int64(right)}}
		}
	}
	for w := range m.result.Windows {
		f := &m.result.Figures[w]
		if f.Period.Kind == KindRange {
			m.conserveRange(w, law)
		}
		r := f.Reconciliation
		if r == nil {
			continue
		}
		terms = f.Work.Total().Net()
		if terms != r.Counted {
			law("net of counted commits, "+f.Period.Name, r.Counted, Term{"by organization", terms})
		}
		law("growth, "+f.Period.Name, f.Growth.Net(), r.Terms()...)
	}
	return violated
}

// conserveRange holds the figures of a range against its commits, counted by ancestry alone.
func (m *measurement) conserveRange(w int, law func(name string, left int64, terms ...Term)) {
	f := &m.result.Figures[w]
	var commits, added, removed int64
	for i := range m.repositories {
		r := &m.repositories[i]
		at := &r.ranges[f.Period.Range]
		commits += at.commits
		for k, is := range at.member {
			if is == inside && !r.Commits[k].IsMerge() {
				for _, c := range r.Changes[r.Commits[k].Changes.Lo:r.Commits[k].Changes.Hi] {
					added += int64(c.Added)
					removed += int64(c.Removed)
				}
			}
		}
	}
	law("commits of "+f.Period.Name, commits, f.Work.terms(commitsOf)...)
	law("lines added of "+f.Period.Name, added, f.Work.terms(addedOf)...)
	law("lines removed of "+f.Period.Name, removed, f.Work.terms(removedOf)...)
	var repositories, persons Sum
	for i, s := range m.result.Scopes {
		if s.Kind == ScopeRepository {
			repositories = repositories.Plus(m.result.Figures[i*len(m.result.Windows)+w].Work.Commits())
		}
	}
	for _, p := range m.result.People[w] {
		persons = persons.Plus(p.Sum).Plus(p.Bulk)
	}
	for _, of := range amounts {
		whole := of.of(f.Work.Commits())
		law(fmt.Sprintf("%s of %s = sum over repositories", of.name, f.Period.Name), whole, Term{"repositories", of.of(repositories)})
		law(fmt.Sprintf("%s of %s = sum over persons", of.name, f.Period.Name), whole, Term{"persons", of.of(persons)})
	}
	if r := f.Reconciliation; r != nil {
		// Between two commits of the first parents lands what the newer one reaches and the older one does not.
		law("net of "+f.Period.Name+" landed between its ends", 0, Term{"dated elsewhere", r.Elsewhere})
	}
}

// conserveSurviving holds what survives in every window against the snapshots, and lifetimes against what survives.
func (m *measurement) conserveSurviving(law func(name string, left int64, terms ...Term)) {
	if !m.in.Survival {
		return
	}
	lines := func(s Stock) int64 { return int64(s.Lines) }
	here := func(s Stock) int64 { return int64(s.Here) }
	for w, p := range m.result.Windows {
		f := &m.result.Figures[w]
		if f.Surviving == nil {
			continue
		}
		law("lines at the end of "+p.Name, int64(f.Growth.Lines), f.Surviving.terms(lines)...)
		var files, kinds uint64
		for _, k := range f.Classes {
			files += k.Files
			kinds += k.Here
		}
		law("lines in files written here at the end of "+p.Name, int64(kinds), f.Surviving.terms(here)...)
		law("files at the end of "+p.Name, int64(f.Growth.Files),
			Term{"with lines", int64(files)}, Term{"empty, binary or unreadable", int64(f.Growth.Files - files)})
	}
	if len(m.months) == 0 {
		return
	}
	var entered, removed uint64
	for i := range m.result.Longevity {
		if l := &m.result.Longevity[i]; !l.Merged && l.Name != RowPeople {
			entered += l.All.Entered
			removed += l.All.Removed
		}
	}
	stands := m.result.Figures[trailingWindow].Surviving
	law("lines on the as-of day = lives that began - lives that ended + "+RowNobody, int64(stands.All().Lines),
		Term{"began", int64(entered)}, Term{"ended", -int64(removed)}, Term{RowNobody, int64(stands.row(RowNobody).Apart.Lines)})
}

// byKind says whether classes and languages of a window hold all that there is, and what they do not.
func (f *Figures) byKind() (what string, left, right uint64) {
	for _, kinds := range [][]KindRow{f.Classes, f.Languages} {
		var all KindRow
		for i := range kinds {
			all.add(&kinds[i])
		}
		w := &f.Work
		machines := w.Bots.Plus(w.Agents)
		for _, sum := range []struct {
			what        string
			left, right uint64
		}{
			{"lines added", w.Total().Added, all.Added},
			{"lines removed", w.Total().Removed, all.Removed},
			{"lines added by bulk imports", w.Bulk.Added, all.BulkAdded},
			{"lines removed by bulk imports", w.Bulk.Removed, all.BulkRemoved},
			{"lines added by machines", machines.Added, all.MachineAdded},
			{"lines removed by machines", machines.Removed, all.MachineRemoved},
		} {
			if sum.left != sum.right {
				return sum.what + " by what files are", sum.left, sum.right
			}
		}
		if f.Surviving != nil && f.Surviving.All() != all.Stock || f.Surviving != nil && all.Lines != f.Growth.Lines {
			return "surviving lines by what files are", f.Growth.Lines, all.Lines
		}
	}
	return "", 0, 0
}

// row gives the row of a name, empty if there is none.
func (s *Surviving) row(name string) StockRow {
	for _, r := range s.Rows {
		if r.Organization == people.NoOrganization && r.Name == name {
			return r
		}
	}
	return StockRow{}
}

// terms lists the parts of all surviving lines.
func (s *Surviving) terms(of func(Stock) int64) []Term {
	return []Term{
		{"known", of(s.Known)},
		{"unknown", of(s.Unknown)},
		{"bulk imports", of(s.Bulk)},
		{"bots", of(s.Bots)},
		{"AI agents", of(s.Agents)},
	}
}

// Terms are the terms that make growth, as reports print them.
func (r *Reconciliation) Terms() []Term {
	return []Term{
		{"counted commits", r.Counted},
		{"bulk imports", r.Bulk},
		{"bots and AI agents", r.Bots},
		{"duplicates of other repositories", r.Duplicates},
		{"landed in the period but dated elsewhere", r.Elsewhere},
		{"merge content and parallel duplicates", r.Merges},
		{"binary flips", r.Flips},
		{"submodule links", r.Submodules},
		{"unreadable", r.Unreadable},
	}
}

var amounts = []struct {
	name string
	of   func(Sum) int64
}{{"commits", commitsOf}, {"lines added", addedOf}, {"lines removed", removedOf}}

func commitsOf(s Sum) int64 { return int64(s.Commits) }
func addedOf(s Sum) int64   { return int64(s.Added) }
func removedOf(s Sum) int64 { return int64(s.Removed) }

// terms lists the parts of all commits.
func (w Work) terms(of func(Sum) int64) []Term {
	terms := []Term{
		{"known", of(w.Known)},
		{"unknown", of(w.Unknown)},
		{"bulk imports", of(w.Bulk)},
		{"bots", of(w.Bots)},
		{"AI agents", of(w.Agents)},
		{"merges", of(w.Merges)},
		{"duplicates", of(w.Duplicates)},
	}
	if w.Credits > 0 {
		terms = append(terms, Term{TermCoAuthors, -of(Sum{Commits: w.Credits})})
	}
	return terms
}

// TermCoAuthors names, in sums, the commits that count for a co-author as well as for their author.
const TermCoAuthors = "credits of co-authors"
