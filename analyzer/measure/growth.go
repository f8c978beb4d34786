package measure

import (
	"fmt"
	"math"
	"sort"

	"orrery/analyzer/facts"
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

// monthly lists the repository's months up to the last day of the series.
func (r *mined) monthly(last, asOf int64) []GrowthRow {
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
	for _, p := range series(KindMonth, r.clocks[first], last, asOf) {
		rows = append(rows, row(p.Name, r.growth(p)))
	}
	return rows
}

// reconcile leads from the log to growth, for every repository and window.
//
// With n the net of the log's rows of a commit and d that of its files' lines (n = d but for binary files, links to other repositories and
// unreadable rows), growth is the sum of d over non-merge commits on the first parents and of what merges there change: so the log's sum
// over all non-merge commits, with n turned into d, and with the merges' changes in place of the commits that they brought in.
func (m *measurement) reconcile() error {
	m.parallel(len(m.repositories), func(_, rank int) {
		r := &m.repositories[rank]
		m.workByKind(r)
		r.err = m.reconcileRepository(r)
	})
	for i := range m.repositories {
		if err := m.repositories[i].err; err != nil {
			return fmt.Errorf("measuring %s: %w", m.repositories[i].Repository.Key, err)
		}
	}
	return nil
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

// reconcileSpans leads from the log of each span to the growth of its steps.
func (m *measurement) reconcileSpans(r *mined, spans []reconciled) ([]Reconciliation, error) {
	entries := m.entries[r.entries.Lo:r.entries.Hi]
	all := make([]Reconciliation, len(spans))
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
		for w := range spans {
			if !spans[w].ok {
				continue
			}
			out := &all[w]
			if r.holds(spans[w].Period, uint32(i), e.when) {
				switch e.state {
				case counted:
					out.Counted += net
				case bulk:
					out.Bulk += net
				case machine:
					out.Bots += net
				case duplicate:
					out.Duplicates += net
				}
				out.Elsewhere -= net
			}
			if at := r.landed[i]; spans[w].lo <= at && at < spans[w].hi {
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
		}
	}
	complete := len(r.Skips) == 0 && r.Walk.Partial == 0 && r.Walk.Missing == 0
	for w := range spans {
		if !spans[w].ok {
			continue
		}
		out, lo, hi := &all[w], spans[w].lo, spans[w].hi
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
