package measure

import (
	"cmp"
	"maps"
	"slices"

	"orrery/analyzer/facts"
	"orrery/analyzer/facts/spill"
)

// lives is the pass over the survival of all repositories that follows the lines of each commit, over all paths: what lives of them at the end
// of windows, and how old they become. One repository asks nothing of another, so they go side by side.
type lives struct {
	m      *measurement
	months []Period
	rows   []sideRow
	ends   []int64 // the moments at which windows end
	works  []bool  // by person: a commit in the twelve months before the as-of day
	age    int64   // lives are told up to this moment: the end of the as-of day

	sides   [][]lifeMonth // by side, then by month; nil where there is nothing
	active  []level       // by side: what stands at age of those who work
	cohorts [][][]level   // by end, then by side, then by year; nil where there is nothing
}

// alive is what lives of the lines of a commit.
type alive struct {
	level
	landed int32  // month in which its first lines came to the snapshot; -1 before
	side   uint32 // beside the rest, since commits are asked for in no order
}

// net is what a step does to the lines of a commit.
type net struct {
	commit uint32
	level
}

// liveOn makes Holdings, Longevity and cohorts, and what of them Figures need.
func (m *measurement) liveOn() error {
	if !m.in.Survival {
		return nil
	}
	works := make([]bool, m.sizes.persons)
	trailing := m.result.Windows[trailingWindow]
	for i := range m.entries {
		if e := &m.entries[i]; (e.state == counted || e.state == bulk) && in(trailing, e.when) {
			works[m.actors[e.actor].person] = true
		}
	}
	var ends []int64
	for _, p := range m.result.Windows {
		if p.Kind != KindRange {
			ends = append(ends, p.To)
		}
	}
	slices.Sort(ends)
	ends = slices.Compact(ends)
	fresh := func() *lives {
		return &lives{
			m: m, months: m.months, rows: m.sideRows(), ends: ends, works: works, age: trailing.To,
			sides: make([][]lifeMonth, m.sides()), active: make([]level, m.sides()), cohorts: make([][][]level, len(ends)),
		}
	}
	parts := make([]*lives, m.workers)
	held := make([][][]Holding, len(m.repositories)) // by rank, then by end
	if err := m.each(func(worker, rank int, r *mined) (err error) {
		if parts[worker] == nil {
			parts[worker] = fresh()
		}
		held[rank], err = parts[worker].follow(r)
		return err
	}); err != nil {
		return err
	}
	all := fresh()
	for _, part := range parts {
		if part != nil {
			all.add(part)
		}
	}
	m.result.Holdings = make([][]Holding, len(m.result.Windows))
	byEnd := make([][]Holding, len(ends))
	m.cohorts = make([][]Cohort, len(m.result.Windows))
	for w, p := range m.result.Windows {
		if p.Kind == KindRange {
			continue
		}
		end, _ := slices.BinarySearch(ends, p.To)
		if byEnd[end] == nil { // windows that end together have the same
			byEnd[end] = join(m, held, end)
		}
		m.result.Holdings[w] = byEnd[end]
		m.cohorts[w] = all.cohortsAt(end)
	}
	all.longevity(all.age)
	return nil
}

// join puts one of the lists of all repositories together, and lets go of its parts: both are not needed at once, and there is room for no more than there is.
func join[T any](m *measurement, all [][][]T, which int) []T {
	parts := make([][]T, len(all))
	for rank := range all {
		parts[rank], all[rank][which] = all[rank][which], nil
	}
	return spill.Concat(m.in.Spill, parts...)
}

// add adds what was found in other repositories.
func (l *lives) add(o *lives) {
	sum := func(to, from []level) []level {
		if to == nil {
			return from
		}
		for i := range from {
			to[i].plus(from[i])
		}
		return to
	}
	l.active = sum(l.active, o.active)
	for end := range o.cohorts {
		if l.cohorts[end] == nil {
			l.cohorts[end] = o.cohorts[end]
			continue
		}
		for side := range o.cohorts[end] {
			l.cohorts[end][side] = sum(l.cohorts[end][side], o.cohorts[end][side])
		}
	}
	for side, months := range o.sides {
		if l.sides[side] == nil {
			l.sides[side] = months
			continue
		}
		for i := range months {
			l.sides[side][i].add(&months[i])
		}
	}
}

// follow goes through the steps of a repository, and gives by end who holds what.
func (l *lives) follow(r *mined) ([][]Holding, error) {
	nobody := uint32(len(r.Commits))
	all := make([]alive, nobody+1)
	for i := range all {
		all[i] = alive{landed: -1, side: r.writers[r.origins[i].writer].side}
	}
	// Where each commit that the current step touches is in nets, from 1.
	at := make([]uint32, nobody+1)
	var nets []net
	held, order := make([][]Holding, len(l.ends)), l.m.standing(r)
	month, last := 0, uint32(r.step(l.age))
	if first := r.step(earliest); first < len(r.clocks) { // steps before the first valid date are of its month
		month = l.turn(month, r.clocks[first])
	}
	end := 0
	for i := 0; ; {
		for ; end < len(l.ends) && (i == len(r.Survival) || r.clocks[r.Survival[i].Step] >= l.ends[end]); end++ {
			held[end] = spill.Keep(l.m.in.Spill, l.hold(r, end, all, order))
		}
		if i == len(r.Survival) {
			return held, nil
		}
		step := r.Survival[i].Step
		month = l.turn(month, r.clocks[step])
		for ; i < len(r.Survival) && r.Survival[i].Step == step; i++ {
			row := &r.Survival[i]
			commit := min(row.Commit, nobody)
			if at[commit] == 0 {
				nets = append(nets, net{commit: commit})
				at[commit] = uint32(len(nets))
			}
			nets[at[commit]-1].add(int64(row.Lines), r.kinds[r.kindOf[row.Path]].here)
		}
		for k := range nets {
			at[nets[k].commit] = 0
			if !l.settle(&nets[k], &all[nets[k].commit], month, step < last) {
				return nil, &LawError{Law{Name: "surviving lines of every commit are none or more", Left: -1}}
			}
		}
		nets = nets[:0]
	}
}

// turn gives the month of a moment that is no earlier than that of month.
func (l *lives) turn(month int, t int64) int {
	for month+1 < len(l.months) && l.months[month].To <= t {
		month++
	}
	return month
}

// settle turns what a step did to the lines of a commit, over all paths, into lives: so moved files neither die nor are born. More lines that
// went than ever came are a contradiction in the facts: false. What comes later than the as-of day is told as no life.
func (l *lives) settle(n *net, of *alive, month int, told bool) bool {
	of.plus(n.level)
	if of.here < 0 || of.lines < of.here {
		return false
	}
	if n.level == (level{}) || of.side == l.m.nobody() || len(l.months) == 0 || !told {
		return true
	}
	if of.landed < 0 {
		of.landed = int32(month)
	}
	months := l.sides[of.side]
	if months == nil {
		months = make([]lifeMonth, len(l.months))
		l.sides[of.side] = months
	}
	months[month-int(of.landed)].move(n.level)
	months[of.landed].alive.plus(n.level)
	return true
}

// hold tells what stands in a repository at an end: by person and organization, by side, and by side and year. order are the writers that
// count, by person and side.
func (l *lives) hold(r *mined, end int, all []alive, order []uint32) (list []Holding) {
	m := l.m
	if l.cohorts[end] == nil {
		l.cohorts[end] = make([][]level, m.sides())
	}
	cohorts := l.cohorts[end]
	levels := make([]level, len(r.writers))
	for i := range all {
		if all[i].lines == 0 {
			continue
		}
		o, side := r.origins[i], all[i].side
		if cohorts[side] == nil {
			cohorts[side] = make([]level, numYears)
		}
		cohorts[side][o.year].plus(all[i].level)
		levels[o.writer].plus(all[i].level)
	}
	sums := map[uint32]level{}
	for i, n := range levels {
		if n == (level{}) {
			continue
		}
		w := &r.writers[i]
		sum := sums[w.side]
		sum.plus(n)
		sums[w.side] = sum
		if l.ends[end] == l.age && w.person != facts.None && l.works[w.person] {
			l.active[w.side].plus(n)
		}
	}
	var held []holding
	for _, side := range slices.Sorted(maps.Keys(sums)) {
		held = append(held, holding{side, sums[side].stock()})
	}
	for w, p := range m.result.Windows {
		if p.Kind != KindRange && p.To == l.ends[end] {
			r.windows[w].held = held
		}
	}
	for _, i := range order {
		if levels[i] != (level{}) {
			h := Holding{Repository: r.Repository.Key, Person: int(r.writers[i].person), Stock: levels[i].stock()}
			h.Organization, h.Class = m.side(r.writers[i].side)
			list = append(list, h)
		}
	}
	return list
}

// standing lists the writers that count, by person and side.
func (m *measurement) standing(r *mined) (order []uint32) {
	for i := range r.writers {
		if m.counts(r.writers[i].side) {
			order = append(order, uint32(i))
		}
	}
	slices.SortFunc(order, func(a, b uint32) int {
		x, y := &r.writers[a], &r.writers[b]
		return cmp.Or(cmp.Compare(x.person, y.person), cmp.Compare(x.side, y.side))
	})
	return order
}

// counts says whether lines of a side are a person's, in T: neither a machine's, nor imported, nor nobody's.
func (m *measurement) counts(side uint32) bool {
	return int(side) < m.sizes.organizations+len(unknownClasses)
}

// cohortsAt crosses rows with years of writing at an end.
func (l *lives) cohortsAt(end int) (list []Cohort) {
	for i := range l.rows {
		for y := range numYears {
			var n level
			for _, side := range l.rows[i].sides {
				if cohorts := l.cohorts[end]; cohorts != nil && cohorts[side] != nil {
					n.plus(cohorts[side][y])
				}
			}
			if n != (level{}) {
				list = append(list, Cohort{l.rows[i].Name, l.rows[i].Organization, yearName(y), n.stock()})
			}
		}
	}
	return list
}
