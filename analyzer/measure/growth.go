package measure

import (
	"fmt"
	"math"
	"slices"
	"sort"

	"orrery/analyzer/facts"
	"orrery/analyzer/facts/spill"
)

// ledger turns a repository's steps into moments and running sums.
func (m *measurement) ledger(r *mined) error {
	n := len(r.Steps)
	r.clocks, r.added, r.removed = make([]int64, n), make([]uint64, n+1), make([]uint64, n+1)
	now, lines := int64(undated), uint64(0)
	for i := range r.Steps {
		s := &r.Steps[i]
		switch own := r.Commits[s.Commit].Committed; {
		case s.Clock >= m.limit:
			// One commit from the future would move the rest of history there.
			if m.valid(own) {
				now = max(now, own.Unix)
			} else {
				r.replaced++
			}
		case s.Clock >= earliest:
			now = max(now, s.Clock)
		}
		r.clocks[i] = now
		r.added[i+1], r.removed[i+1] = r.added[i]+s.Added, r.removed[i]+s.Removed
		if want := lines + s.Added - s.Removed; want != s.Lines {
			return &LawError{Law{
				Name: fmt.Sprintf("%s: lines of snapshot %s = lines before + added - removed", r.Repository.Key, r.Commits[s.Commit].ID),
				Left: int64(s.Lines), Right: int64(want),
			}}
		}
		lines = s.Lines
	}
	r.clocks, r.added, r.removed = spill.Keep(m.aside, r.clocks), spill.Keep(m.aside, r.added), spill.Keep(m.aside, r.removed)
	return nil
}

// step gives the number of steps before a moment.
func (r *mined) step(t int64) int {
	if t == math.MaxInt64 {
		return len(r.clocks)
	}
	return sort.Search(len(r.clocks), func(i int) bool { return r.clocks[i] >= t })
}

// growth gives what became of the repository's snapshots in a period. Steps before the first valid date are before every dated period.
func (r *mined) growth(p Period) (g Growth) {
	lo, hi, ok := r.span(p)
	if !ok {
		return Growth{Undefined: 1}
	}
	if lo > 0 {
		g.Before = r.Steps[lo-1].Lines
	}
	if hi > 0 {
		s := &r.Steps[hi-1]
		g.Lines, g.Files, g.Unreadable = s.Lines, s.Files, s.Unreadable
	}
	g.Added, g.Removed = r.added[hi]-r.added[lo], r.removed[hi]-r.removed[lo]
	return g
}

func (g *Growth) add(o Growth) {
	g.Lines += o.Lines
	g.Before += o.Before
	g.Added += o.Added
	g.Removed += o.Removed
	g.Files += o.Files
	g.Unreadable += o.Unreadable
	g.Undefined += o.Undefined
}

// keepGrowth fills the result's.
func (m *measurement) keepGrowth() {
	growth := make([][]GrowthRow, len(m.repositories))
	m.parallel(len(growth), func(_, rank int) { growth[rank] = spill.Keep(m.in.Spill, m.repositories[rank].monthly(m.months)) })
	m.result.Growth = spill.Concat(m.in.Spill, growth...)
}

// monthly lists the repository's months, of those of the ecosystem from its first on.
func (r *mined) monthly(months []Period) []GrowthRow {
	row := func(name string, g Growth) GrowthRow {
		return GrowthRow{name, r.Repository.Key, r.Class, g.Added, g.Removed, g.Lines}
	}
	first := r.step(earliest)
	var rows []GrowthRow
	if first > 0 {
		rows = append(rows, row(InvalidDate, r.growth(Period{Window: Window{"", math.MinInt64, earliest}})))
	}
	if first == len(r.clocks) {
		return rows
	}
	for _, p := range since(months, r.clocks[first]) {
		rows = append(rows, row(p.Name, r.growth(p)))
	}
	return rows
}

// reconcile leads from the log to growth, for every repository and window, and adds the work of windows up by kinds.
//
// With n the net of the log's rows of a commit and d that of its files' lines (n = d but for binary files, links to other repositories and
// unreadable rows), growth is the sum of d over non-merge commits on the first parents and of what merges there change: so the log's sum
// over all non-merge commits, with n turned into d, and with the merges' changes in place of the commits that they brought in.
func (m *measurement) reconcile() error {
	return m.each(func(_, _ int, r *mined) error {
		m.workByKind(r)
		return m.reconcileRepository(r)
	})
}

func (m *measurement) reconcileRepository(r *mined) (err error) {
	spans := make([]reconciled, len(m.result.Windows))
	for w, p := range m.result.Windows {
		lo, hi, ok := r.span(p)
		spans[w] = reconciled{p, uint32(lo), uint32(hi), ok}
	}
	r.reconciliations, err = m.reconcileSpans(r, spans)
	return err
}

// reconciled is a period to reconcile, with its steps: [lo, hi) of the repository's.
type reconciled struct {
	Period
	lo, hi uint32
	ok     bool // it has steps
}

// grid cuts dates, or steps, where spans begin and end: the cells between are what spans have in common, so that many spans cost no more than one.
type grid struct {
	cuts []int64 // ascending; cell i is [cuts[i-1], cuts[i])
	last int     // the cell that was asked for last
}

func newGrid(cuts []int64) *grid {
	slices.Sort(cuts)
	return &grid{cuts: slices.Compact(cuts)}
}

// cell gives the cell that something is in.
func (g *grid) cell(t int64) int {
	if at := g.last; (at == 0 || g.cuts[at-1] <= t) && (at == len(g.cuts) || t < g.cuts[at]) {
		return at
	}
	g.last = sort.Search(len(g.cuts), func(i int) bool { return g.cuts[i] > t })
	return g.last
}

// span gives the cells [lo, hi) of a span that was cut out.
func (g *grid) span(from, to int64) (lo, hi int) {
	lo, _ = slices.BinarySearch(g.cuts, from)
	hi, _ = slices.BinarySearch(g.cuts, to)
	return lo + 1, hi + 1
}

// reconcileSpans leads from the log of each span to the growth of its steps.
func (m *measurement) reconcileSpans(r *mined, spans []reconciled) ([]Reconciliation, error) {
	entries := m.entries[r.entries.Lo:r.entries.Hi]
	all := make([]Reconciliation, len(spans))
	var dates, steps []int64
	var ranges []int // of spans: they go by commits, not by dates
	for w := range spans {
		if !spans[w].ok {
			continue
		}
		steps = append(steps, int64(spans[w].lo), int64(spans[w].hi))
		if spans[w].Kind == KindRange {
			ranges = append(ranges, w)
		} else {
			dates = append(dates, spans[w].From, spans[w].To)
		}
	}
	byDate, byStep := newGrid(dates), newGrid(steps)
	dated, landed := make([]Reconciliation, len(byDate.cuts)+1), make([]Reconciliation, len(byStep.cuts)+1)
	for i := range r.Commits {
		c, e := &r.Commits[i], &entries[i]
		onChain := c.Step != facts.None
		net := int64(e.added - e.removed)
		var lines, flips, submodules int64
		for j := c.Changes.Lo; j < c.Changes.Hi; j++ {
			row := &r.Changes[j]
			if row.Skip != facts.Measured {
				continue
			}
			d := int64(row.LinesAfter) - int64(row.LinesBefore)
			lines += d
			if row.Binary {
				flips += d
				continue
			}
			link := int64(row.Added) - int64(row.Removed) - d
			// The older entry of a row may be a link, too, when the type changes.
			if link != 0 && link != -1 && (link != 1 || row.Type != facts.Submodule) {
				return nil, &LawError{Law{
					Name: fmt.Sprintf("commit %s: lines after - lines before = added - removed of row %q", c.ID, r.Paths[row.Path]),
					Left: d, Right: d + link,
				}}
			}
			submodules += link
		}
		dated[byDate.cell(e.when)].log(e.state, net)
		for _, w := range ranges {
			if r.holds(spans[w].Period, uint32(i), e.when) {
				all[w].log(e.state, net)
			}
		}
		out := &landed[byStep.cell(int64(r.landed[i]))]
		out.Elsewhere += net
		out.Flips += flips
		out.Submodules -= submodules
		if e.state == bulk || e.state == duplicate {
			out.Imported += net
		}
		switch {
		case onChain && c.IsMerge():
			s := &r.Steps[c.Step]
			out.Merges += int64(s.Added - s.Removed)
		case !onChain:
			out.Merges -= lines
		}
	}
	complete := len(r.Skips) == 0 && r.Walk.Partial == 0 && r.Walk.Missing == 0
	for w := range spans {
		if !spans[w].ok {
			continue
		}
		out, lo, hi := &all[w], spans[w].lo, spans[w].hi
		sum := func(cells []Reconciliation, from, to int) {
			for i := from; i < to; i++ {
				out.add(&cells[i])
			}
		}
		from, to := byStep.span(int64(lo), int64(hi))
		sum(landed, from, to)
		if spans[w].Kind != KindRange {
			from, to = byDate.span(spans[w].From, spans[w].To)
			sum(dated, from, to)
		}
		out.Growth = int64(r.added[hi] - r.added[lo] - r.removed[hi] + r.removed[lo])
		out.Unreadable = out.Growth - (out.Counted + out.Bulk + out.Bots + out.Duplicates + out.Elsewhere + out.Merges + out.Flips + out.Submodules)
		if complete && out.Unreadable != 0 {
			return nil, &LawError{Law{
				Name:  fmt.Sprintf("%s: growth = net of the log + merge content + binary flips + links", spans[w].Name),
				Left:  out.Growth,
				Right: out.Growth - out.Unreadable,
			}}
		}
	}
	return all, nil
}

// log adds the net of a commit of the log.
func (r *Reconciliation) log(s state, net int64) {
	switch s {
	case counted:
		r.Counted += net
	case bulk:
		r.Bulk += net
	case machine:
		r.Bots += net
	case duplicate:
		r.Duplicates += net
	}
	r.Elsewhere -= net
}

func in(p Period, t int64) bool { return p.All() || p.From <= t && t < p.To }

// land gives for every commit the step that brought it to the first parents.
func (r *mined) land() ([]uint32, error) {
	landed := make([]uint32, len(r.Commits))
	for i := range landed {
		landed[i] = facts.None
	}
	var stack []uint32
	for s := range r.Steps {
		stack = append(stack, r.Steps[s].Commit)
		for len(stack) > 0 {
			c := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if landed[c] != facts.None {
				continue
			}
			landed[c] = uint32(s)
			parents := r.Commits[c].Parents
			stack = append(stack, r.Parents[parents.Lo:parents.Hi]...)
		}
	}
	for i, s := range landed {
		if s == facts.None {
			return nil, fmt.Errorf("commit %s is not reachable from the steps", r.Commits[i].ID)
		}
	}
	return landed, nil
}
