package measure

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"orrery/analyzer/facts"
	"orrery/analyzer/facts/spill"
	"orrery/analyzer/paths"
	"orrery/analyzer/people"
)

// Spell is a stay of a repository in its ecosystem: [From, To) in Unix seconds.
type Spell struct{ From, To int64 }

// Fall is the way from the lines at the start of a period to those at its end, in lines: End = Start + Written + Imported + Entered - Left.
type Fall struct {
	Start    int64 `json:"start"`    // of what belongs at the start
	Written  int64 `json:"written"`  // growth while it belongs, without imports
	Imported int64 `json:"imported"` // bulk imports, and history that another repository of the ecosystem holds too
	Entered  int64 `json:"entered"`  // lines that stood in what joined, when it did
	Left     int64 `json:"left"`     // lines that stood in what left, when it did
	End      int64 `json:"end"`      // of what belongs at the end
}

// Plus adds two ways.
func (f Fall) Plus(o Fall) Fall {
	return Fall{f.Start + o.Start, f.Written + o.Written, f.Imported + o.Imported, f.Entered + o.Entered, f.Left + o.Left, f.End + o.End}
}

// holds says whether the way leads where it says.
func (f Fall) holds() bool { return f.End == f.Start+f.Written+f.Imported+f.Entered-f.Left }

// Waterfall tells what became of the lines of a scope in a period, over the repositories that belonged to the ecosystem at the time.
type Waterfall struct {
	Scope  Scope
	Period Period
	Fall
	// Log leads from the log of the repositories, while they belonged, to Written + Imported.
	Log Reconciliation
	// Gross are the lines that non-merge commits add (by people and machines; imports apart), dated in the period while the repository belonged.
	Gross Gross
	// Classes and Languages tell the way apart by what files are (nil without [Input.Survival]), for the ecosystem and its classes.
	Classes, Languages []FallRow
	// Organizations tell the way apart by who wrote the lines, by git blame: a line that is rewritten goes over to another side, so here
	// Written is what a side has won and lost, and imports are a side of their own. nil without [Input.Survival].
	Organizations []FallRow
	// Moves are the repositories that joined and left, and Imports what was imported: for the ecosystem.
	Moves   []Move
	Imports []Import
}

// Gross are lines of the log.
type Gross struct {
	Commits       uint64 `json:"commits"` // of T, and of bots and AI agents
	Added         uint64 `json:"added"`
	Removed       uint64 `json:"removed"`
	ImportCommits uint64 `json:"import_commits"` // bulk imports
	ImportAdded   uint64 `json:"import_added"`
	ImportRemoved uint64 `json:"import_removed"`
}

// Plus adds two.
func (g Gross) Plus(o Gross) Gross {
	return Gross{
		g.Commits + o.Commits, g.Added + o.Added, g.Removed + o.Removed,
		g.ImportCommits + o.ImportCommits, g.ImportAdded + o.ImportAdded, g.ImportRemoved + o.ImportRemoved,
	}
}

// FallRow is one part of a waterfall.
type FallRow struct {
	// Organization, Class and Client are those of [StockRow], of rows by organization.
	Name         string
	Organization int
	Class        people.Class
	Client       string
	Fall
}

// Move is a repository that joined or left.
type Move struct {
	Repository string
	Joined     bool
	When       int64
	Lines      uint64
}

// Import is what a bulk import, or a repository's share of the history of another one, brought to the first parents in a period.
type Import struct {
	Repository string
	Commit     facts.ID // of a history, its newest; zero for duplicates
	Commits    int
	Reason     string // of [BulkReasons], or [SharedHistory]
	Evidence   string
	Lines      int64 // added - removed
}

// SharedHistory is the reason of commits that another repository of the ecosystem holds too.
const SharedHistory = "history of another repository"

// stay is a part of a period in which a repository belongs.
type stay struct {
	period        int // into the waterfalls' periods
	lo, hi        int // steps
	from, to      int64
	entered, left bool
}

// fallen is what one repository adds to the waterfall of a period.
type fallen struct {
	Fall
	log     Reconciliation
	gross   Gross
	kinds   []Fall     // parallel to the repository's kinds; nil without survival
	sides   []sideFall // by side; nil without survival
	moves   []Move
	imports []Import
}

type sideFall struct {
	side uint32
	Fall
}

// waterfalls fills the result's: for every calendar year and every window that goes by dates.
func (m *measurement) waterfalls() error {
	var periods []Period
	for _, p := range m.result.Windows {
		if p.Kind != KindRange {
			periods = append(periods, p)
		}
	}
	if first := m.scopes[0].first; first != math.MaxInt64 {
		periods = append(periods, m.years...)
	}
	all := make([][]fallen, len(m.repositories))
	if err := m.each(func(_, rank int, r *mined) error {
		of, err := m.fall(r, periods)
		all[rank] = spill.Keep(m.aside, of)
		return err
	}); err != nil {
		return err
	}
	rows := m.sideRows()
	list := spill.NewList[Waterfall](m.in.Spill, len(m.scopes)*len(periods))
	errs := make([]error, len(m.scopes))
	m.parallel(len(m.scopes), func(_, i int) {
		falls := make([]Waterfall, len(periods))
		for p := range periods {
			w := &falls[p]
			*w = m.waterfall(&m.scopes[i], p, all, rows)
			w.Period = periods[p]
			if errs[i] == nil {
				errs[i] = w.check()
			}
		}
		list.Set(i*len(periods), falls)
	})
	m.result.Waterfalls = list.Rows()
	return cmp.Or(errs...)
}

// check holds the waterfall against the laws.
func (w *Waterfall) check() error {
	if !w.holds() || w.Log.Growth != w.Written+w.Imported {
		return &LawError{Law{
			Name: fmt.Sprintf("lines at the end of %s of %s %s = lines at the start + written + imported + entered - left", w.Period.Name, w.Scope.Kind, w.Scope.Name),
			Left: w.End, Right: w.Start + w.Written + w.Imported + w.Entered - w.Left, Terms: w.Terms(),
		}}
	}
	for _, part := range []struct {
		of   string
		rows []FallRow
	}{{"path classes", w.Classes}, {"languages", w.Languages}, {"organizations", w.Organizations}} {
		if part.rows == nil {
			continue
		}
		var sum Fall
		exact := true
		for i := range part.rows {
			sum = sum.Plus(part.rows[i].Fall)
			exact = exact && part.rows[i].holds()
		}
		// By organization, imports that were rewritten since are nobody's import any more.
		if !exact || sum.Start != w.Start || sum.End != w.End || sum.Entered != w.Entered || sum.Left != w.Left ||
			sum.Written+sum.Imported != w.Written+w.Imported {
			return &LawError{Law{Name: fmt.Sprintf("%s of %s over %s", w.Period.Name, w.Scope.Name, part.of), Left: w.End, Right: sum.End, Terms: sum.Terms()}}
		}
	}
	return nil
}

// Terms are the terms that make the lines at the end.
func (f *Fall) Terms() []Term {
	return []Term{{"start", f.Start}, {"written", f.Written}, {"imported", f.Imported}, {"entered", f.Entered}, {"left", -f.Left}}
}

// stays cuts the repository's spells to periods.
func (r *mined) stays(periods []Period) []stay {
	spells := r.Spells
	if spells == nil {
		spells = []Spell{{math.MinInt64, math.MaxInt64}}
	}
	var all []stay
	for i, p := range periods {
		for _, s := range spells {
			// The start and the end of a period are just before its moments, as snapshots are: what joins or leaves at p.From does so in it.
			if s.From >= p.To || s.To < p.From {
				continue
			}
			from, to := max(p.From, s.From), min(p.To, s.To)
			all = append(all, stay{
				period: i, from: from, to: to, lo: r.step(from), hi: r.step(to),
				entered: r.Spells != nil && s.From >= p.From, left: s.To < p.To,
			})
		}
	}
	return all
}

// lines gives the lines of the snapshot before a step.
func (r *mined) lines(step int) int64 {
	if step == 0 {
		return 0
	}
	return int64(r.Steps[step-1].Lines)
}

// deal adds what stands at both ends of a stay, and what grew between, to a way.
func (f *Fall) deal(s *stay, before, after, imported int64) {
	if s.entered {
		f.Entered += before
	} else {
		f.Start += before
	}
	if s.left {
		f.Left += after
	} else {
		f.End += after
	}
	f.Imported += imported
	f.Written += after - before - imported
}

// fall measures the waterfalls of one repository.
func (m *measurement) fall(r *mined, periods []Period) ([]fallen, error) {
	out := make([]fallen, len(periods))
	stays := r.stays(periods)
	spans := make([]reconciled, len(stays))
	for i, s := range stays {
		spans[i] = reconciled{Period{Kind: KindWindow, Window: Window{periods[s.period].Name, s.from, s.to}}, uint32(s.lo), uint32(s.hi), true}
	}
	logs, err := m.reconcileSpans(r, spans)
	if err != nil {
		return nil, err
	}
	for i := range stays {
		s := &stays[i]
		f := &out[s.period]
		f.deal(s, r.lines(s.lo), r.lines(s.hi), logs[i].Imported)
		f.log.add(&logs[i])
		if s.entered {
			f.moves = append(f.moves, Move{r.Repository.Key, true, s.from, uint64(r.lines(s.lo))})
		}
		if s.left {
			f.moves = append(f.moves, Move{r.Repository.Key, false, s.to, uint64(r.lines(s.hi))})
		}
	}
	kinds := m.importsOf(r, stays, out)
	if m.in.Survival {
		r.deal(stays, out, kinds)
	}
	return out, nil
}

// importsOf lists what was imported in each stay, adds up the log, and gives the imported lines by stay and kind.
func (m *measurement) importsOf(r *mined, stays []stay, out []fallen) [][]int64 {
	entries := m.entries[r.entries.Lo:r.entries.Hi]
	kinds := make([][]int64, len(stays))
	for i := range kinds {
		kinds[i] = make([]int64, len(r.kinds))
	}
	// The bulk import that each commit is of; 0 for none.
	of := make([]uint32, len(r.Commits))
	rows := map[facts.ID]uint32{}
	for b := range r.bulk {
		if r.bulk[b].History != nil {
			for _, id := range r.bulk[b].History {
				rows[id] = uint32(b) + 1
			}
		} else {
			rows[r.bulk[b].Commit] = uint32(b) + 1
		}
	}
	for i := range r.Commits {
		if entries[i].state == bulk {
			of[i] = rows[r.Commits[i].ID]
		}
	}
	var cuts []int64
	for k := range stays {
		cuts = append(cuts, stays[k].from, stays[k].to)
	}
	byDate := newGrid(cuts)
	gross := make([]Gross, len(byDate.cuts)+1)
	type key struct{ stay, of uint32 }
	found := map[key]*Import{}
	for i := range r.Commits {
		e := &entries[i]
		g := &gross[byDate.cell(e.when)]
		switch e.state {
		case counted, machine:
			g.Commits, g.Added, g.Removed = g.Commits+1, g.Added+e.added, g.Removed+e.removed
		case bulk:
			g.ImportCommits, g.ImportAdded, g.ImportRemoved = g.ImportCommits+1, g.ImportAdded+e.added, g.ImportRemoved+e.removed
		}
		if e.state != bulk && (e.state != duplicate || r.Commits[i].IsMerge()) {
			continue
		}
		for k := range stays {
			s := &stays[k]
			if int(r.landed[i]) < s.lo || int(r.landed[i]) >= s.hi {
				continue
			}
			at := key{uint32(k), of[i]}
			one := found[at]
			if one == nil {
				one = &Import{Repository: r.Repository.Key, Reason: SharedHistory}
				if of[i] > 0 {
					b := &r.bulk[of[i]-1]
					one.Commit, one.Reason, one.Evidence = b.Commit, b.Reason, b.Evidence
				}
				found[at] = one
			}
			one.Commits++
			one.Lines += int64(e.added - e.removed)
			for j := r.Commits[i].Changes.Lo; j < r.Commits[i].Changes.Hi; j++ {
				if c := &r.Changes[j]; c.Skip == facts.Measured {
					kinds[k][r.kindOf[c.Path]] += int64(c.Added) - int64(c.Removed)
				}
			}
		}
	}
	for k := range stays {
		from, to := byDate.span(stays[k].from, stays[k].to)
		for _, g := range gross[from:to] {
			out[stays[k].period].gross = out[stays[k].period].gross.Plus(g)
		}
	}
	for at, one := range found {
		p := stays[at.stay].period
		out[p].imports = append(out[p].imports, *one)
	}
	return kinds
}

// deal tells stays apart by what files are, and by who wrote the lines: one pass over the repository's survival.
func (r *mined) deal(stays []stay, out []fallen, imported [][]int64) {
	if len(stays) == 0 {
		return
	}
	var steps []int
	for i := range stays {
		steps = append(steps, stays[i].lo, stays[i].hi)
	}
	slices.Sort(steps)
	steps = slices.Compact(steps)
	type snapshot struct{ kinds, writers []int64 }
	at := map[int]snapshot{}
	kinds, writers := make([]int64, len(r.kinds)), make([]int64, len(r.writers))
	i := 0
	for _, step := range steps {
		for ; i < len(r.Survival) && int(r.Survival[i].Step) < step; i++ {
			row := &r.Survival[i]
			kinds[r.kindOf[row.Path]] += int64(row.Lines)
			writers[r.origins[min(row.Commit, uint32(len(r.Commits)))].writer] += int64(row.Lines)
		}
		at[step] = snapshot{slices.Clone(kinds), slices.Clone(writers)}
	}
	for i := range stays {
		s := &stays[i]
		f := &out[s.period]
		before, after := at[s.lo], at[s.hi]
		if f.kinds == nil {
			f.kinds = make([]Fall, len(r.kinds))
		}
		for k := range f.kinds {
			f.kinds[k].deal(s, before.kinds[k], after.kinds[k], imported[i][k])
		}
		for w := range r.writers {
			if before.writers[w] == 0 && after.writers[w] == 0 {
				continue
			}
			at, ok := slices.BinarySearchFunc(f.sides, r.writers[w].side, func(of sideFall, side uint32) int { return cmp.Compare(of.side, side) })
			if !ok {
				f.sides = slices.Insert(f.sides, at, sideFall{side: r.writers[w].side})
			}
			change := int64(0)
			if r.writers[w].bulk {
				change = after.writers[w] - before.writers[w]
			}
			f.sides[at].deal(s, before.writers[w], after.writers[w], change)
		}
	}
}

// waterfall adds the repositories of a scope up.
func (m *measurement) waterfall(s *scope, period int, all [][]fallen, rows []sideRow) (w Waterfall) {
	w.Scope = s.Scope
	apart := m.in.Survival && (s.Kind == ScopeEcosystem || s.Kind == ScopeClass)
	var classes, languages []FallRow
	var sides []Fall
	if apart {
		classes, languages, sides = make([]FallRow, paths.NumClasses), make([]FallRow, len(m.languages)), make([]Fall, m.sides())
	}
	for _, rank := range s.ranks {
		f, r := &all[rank][period], &m.repositories[rank]
		w.Fall = w.Plus(f.Fall)
		w.Log.add(&f.log)
		w.Gross = w.Gross.Plus(f.gross)
		if s.Kind == ScopeEcosystem {
			w.Moves = append(w.Moves, f.moves...)
			w.Imports = append(w.Imports, f.imports...)
		}
		if !apart {
			continue
		}
		for k := range f.kinds {
			c, l := &classes[r.kinds[k].class], &languages[r.kinds[k].language]
			c.Fall, l.Fall = c.Plus(f.kinds[k]), l.Plus(f.kinds[k])
		}
		for i := range f.sides {
			sum := &sides[f.sides[i].side]
			*sum = sum.Plus(f.sides[i].Fall)
		}
	}
	slices.SortFunc(w.Imports, func(a, b Import) int {
		return cmp.Or(cmp.Compare(max(b.Lines, -b.Lines), max(a.Lines, -a.Lines)), cmp.Compare(a.Repository, b.Repository), slices.Compare(a.Commit[:], b.Commit[:]),
			cmp.Compare(a.Reason, b.Reason))
	})
	slices.SortFunc(w.Moves, func(a, b Move) int {
		return cmp.Or(cmp.Compare(a.When, b.When), cmp.Compare(a.Repository, b.Repository))
	})
	if !apart {
		return w
	}
	some := func(rows []FallRow) []FallRow {
		rows = slices.DeleteFunc(rows, func(r FallRow) bool { return r.Fall == Fall{} })
		return append([]FallRow{}, rows...)
	}
	for c := range classes {
		classes[c].Name, classes[c].Organization = paths.Class(c).String(), people.NoOrganization
	}
	for l := range languages {
		languages[l].Name, languages[l].Organization = m.languages[l], people.NoOrganization
	}
	w.Classes, w.Languages = some(classes), some(languages)
	slices.SortStableFunc(w.Languages, func(a, b FallRow) int { return cmp.Compare(b.End, a.End) })
	var parties []FallRow
	for i := range rows {
		row := FallRow{Name: rows[i].Name, Organization: rows[i].Organization, Class: rows[i].Class, Client: rows[i].Client}
		for _, side := range rows[i].sides {
			row.Fall = row.Plus(sides[side])
		}
		parties = append(parties, row)
	}
	w.Organizations = some(parties)
	slices.SortStableFunc(w.Organizations, func(a, b FallRow) int {
		known := func(r FallRow) int {
			if r.Organization == people.NoOrganization {
				return 1
			}
			return 0
		}
		if known(a)+known(b) > 0 {
			return cmp.Compare(known(a), known(b)) // the others keep their order
		}
		return cmp.Or(cmp.Compare(b.End, a.End), cmp.Compare(a.Name, b.Name))
	})
	return w
}
