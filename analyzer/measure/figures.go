package measure

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"

	"orrery/analyzer/facts/spill"
	"orrery/analyzer/people"
)

// scope is one part of the ecosystem and what lies in it.
type scope struct {
	Scope
	ranks []int    // of its repositories
	order []uint32 // its entries by date, invalid ones first
	like  int      // the first scope with the same ranks: they share all below
	first int64    // the first valid date of a commit or a snapshot; math.MaxInt64 if there is none
	// The first dated commits of persons, addresses, names and pairs, ascending.
	persons, addresses, names, pairs []int64
}

// job is the work of a period, in scopes that have the same repositories: a lonely repository is a scope of its own, and of its class.
type job struct {
	scope  *scope // any of them
	period Period
	window int // of windows
	wanted []wanted
}

// wanted is one Figures to compute.
type wanted struct {
	Scope
	depth   depth
	figures *Figures
	people  *[]PersonRow // nil but for the ecosystem's windows
	// contributions is nil but for the repositories' windows.
	contributions *[]Contribution
}

// depth says how much of the figures a period gets.
type depth uint8

const (
	light    depth = iota // no rows, no indices
	full                  // rows and indices
	windowed              // and reconciliation
)

// jobs lists the Figures to compute of scopes with several repositories, and of the ecosystem, and makes room for all Figures, and for what comes with them.
func (m *measurement) jobs() figuring {
	scopes, windows := len(m.scopes), len(m.result.Windows)
	m.seriesAt = make([]int, scopes+1)
	m.seriesAt[0] = scopes * windows
	for i := range m.scopes {
		n := 0
		m.series(&m.scopes[i], func(p []Period, _ depth) { n += len(p) })
		m.seriesAt[i+1] = m.seriesAt[i] + n
	}
	m.all = spill.NewList[Figures](m.in.Spill, m.seriesAt[scopes])
	m.result.People = make([][]PersonRow, windows)
	m.contributions = make([][][]Contribution, windows)
	for w := range m.contributions {
		m.contributions[w] = make([][]Contribution, len(m.repositories))
	}
	var together []int
	for i := range m.scopes {
		if !m.lonely(i) {
			together = append(together, i)
		}
	}
	return m.jobsOf(together)
}

// lonely says whether a scope is a repository of many: its figures are asked for by nothing but the result.
func (m *measurement) lonely(scope int) bool {
	s := &m.scopes[m.scopes[scope].like]
	return len(s.ranks) == 1 && s.Kind != ScopeEcosystem
}

// figuring is the work on the figures of some scopes.
type figuring struct {
	scopes []int
	jobs   []job
	// figures are by these scopes: those of windows, then those of series.
	figures [][]Figures
}

// series gives the calendar periods of a scope, kind by kind.
func (m *measurement) series(s *scope, do func([]Period, depth)) {
	if s.first == math.MaxInt64 {
		return
	}
	if s.Kind == ScopeRepository { // there are many
		do(since(m.years, s.first), light)
		return
	}
	for _, kind := range map[string][]string{
		ScopeEcosystem: calendar,
		ScopeClass:     {KindYear, KindQuarter, KindMonth},
		ScopeSubsystem: {KindYear, KindQuarter},
	}[s.Kind] {
		depth := light
		if s.Kind == ScopeEcosystem && kind != KindMonth {
			depth = full
		}
		do(series(kind, s.first, m.last, m.in.AsOf), depth)
	}
}

// jobsOf lists the Figures of some scopes, so that none is computed twice.
func (m *measurement) jobsOf(scopes []int) figuring {
	type same struct {
		like   int // scope
		period Period
	}
	index := map[same]int{}
	all := figuring{scopes: scopes, figures: make([][]Figures, len(scopes))}
	add := func(s *scope, p Period, window int, w wanted) {
		k := same{s.like, p}
		at, ok := index[k]
		if !ok {
			at = len(all.jobs)
			index[k] = at
			all.jobs = append(all.jobs, job{scope: s, period: p, window: window})
		}
		w.Scope = s.Scope
		all.jobs[at].wanted = append(all.jobs[at].wanted, w)
	}
	for k, i := range scopes {
		s := &m.scopes[i]
		windows := len(m.result.Windows)
		figures := make([]Figures, windows+m.seriesAt[i+1]-m.seriesAt[i])
		all.figures[k] = figures
		for window, p := range m.result.Windows {
			w := wanted{depth: windowed, figures: &figures[window]}
			switch s.Kind {
			case ScopeEcosystem:
				w.people = &m.result.People[window]
			case ScopeRepository:
				w.contributions = &m.contributions[window][s.ranks[0]]
			}
			add(s, p, window, w)
		}
		at := windows
		m.series(s, func(periods []Period, depth depth) {
			for _, p := range periods {
				add(s, p, -1, wanted{depth: depth, figures: &figures[at]})
				at++
			}
		})
	}
	return all
}

// figures fills Figures and Series of some scopes, but for what survival and reconciliation tell; People and Contributions.
func (m *measurement) figures(of figuring) {
	scratches := make([]*scratch, m.workers)
	m.parallel(len(of.jobs), func(worker, i int) {
		if scratches[worker] == nil {
			scratches[worker] = newScratch(m)
		}
		scratches[worker].do(&of.jobs[i])
	})
}

// lonelyFigures makes the figures of the scopes that are a repository of many, one such repository after the other, so that those of few are in memory at once.
// It ends Figures, Series and Contributions.
func (m *measurement) lonelyFigures() {
	like := map[int][]int{} // scopes by the first that is like them
	var firsts []int
	for i := range m.scopes {
		if m.lonely(i) {
			first := m.scopes[i].like
			if like[first] == nil {
				firsts = append(firsts, first)
			}
			like[first] = append(like[first], i)
		}
	}
	scratches, stocks, rows := make([]*scratch, m.workers), make([][]Stock, m.workers), m.sideRows()
	m.parallel(len(firsts), func(worker, i int) {
		if scratches[worker] == nil {
			scratches[worker], stocks[worker] = newScratch(m), make([]Stock, m.sides())
		}
		of := m.jobsOf(like[firsts[i]])
		for k := range of.jobs {
			scratches[worker].do(&of.jobs[k])
			m.finish(&of.jobs[k], rows, stocks[worker])
		}
		m.keepFigures(of)
	})
	figures := m.all.Rows()
	windows := m.seriesAt[0]
	m.result.Figures, m.result.Series = figures[:windows:windows], figures[windows:]
	m.result.Contributions = make([][]Contribution, len(m.result.Windows))
	for w := range m.contributions {
		m.result.Contributions[w] = spill.Concat(m.in.Spill, m.contributions[w]...)
	}
}

// keepFigures puts the figures of some scopes among all.
func (m *measurement) keepFigures(of figuring) {
	windows := len(m.result.Windows)
	for k, i := range of.scopes {
		m.all.Set(i*windows, of.figures[k][:windows])
		m.all.Set(m.seriesAt[i], of.figures[k][windows:])
	}
}

// finishFigures fills in what survival and reconciliation tell of windows.
func (m *measurement) finishFigures(of figuring) {
	stocks, rows := make([][]Stock, m.workers), m.sideRows()
	m.parallel(len(of.jobs), func(worker, i int) {
		if stocks[worker] == nil {
			stocks[worker] = make([]Stock, m.sides())
		}
		m.finish(&of.jobs[i], rows, stocks[worker])
	})
	m.keepFigures(of)
}

// finish does so for the windows of a job; stocks are room by side.
func (m *measurement) finish(j *job, rows []sideRow, stocks []Stock) {
	for k := range j.wanted {
		w := &j.wanted[k]
		if w.depth != windowed {
			continue
		}
		f := w.figures
		if f.Growth.Undefined == 0 {
			f.Reconciliation = new(Reconciliation)
			for _, rank := range j.scope.ranks {
				f.Reconciliation.add(&m.repositories[rank].reconciliations[j.window])
			}
		}
		f.Classes, f.Languages = m.kindRows(j)
		if m.in.Survival && j.period.Kind != KindRange {
			f.Surviving = m.surviving(j, rows, stocks)
		}
	}
}

// makeScopes sorts all entries once and deals them out to the scopes.
func (m *measurement) makeScopes() {
	ecosystem := scope{Scope: Scope{ScopeEcosystem, ""}}
	byName := func(kind string, name func(*mined) string) []scope {
		names := make(map[string][]int)
		for rank := range m.repositories {
			n := name(&m.repositories[rank])
			names[n] = append(names[n], rank)
		}
		var scopes []scope
		for n, ranks := range names {
			scopes = append(scopes, scope{Scope: Scope{kind, n}, ranks: ranks})
		}
		slices.SortFunc(scopes, func(a, b scope) int { return cmp.Compare(a.Name, b.Name) })
		return scopes
	}
	subsystems := false
	for rank := range m.repositories {
		ecosystem.ranks = append(ecosystem.ranks, rank)
		subsystems = subsystems || m.repositories[rank].Subsystem != ""
	}
	m.scopes = append(m.scopes, ecosystem)
	m.scopes = append(m.scopes, byName(ScopeClass, func(r *mined) string { return r.Class })...)
	if subsystems {
		m.scopes = append(m.scopes, byName(ScopeSubsystem, func(r *mined) string {
			if r.Subsystem == "" {
				return NoSubsystem
			}
			return r.Subsystem
		})...)
	}
	m.scopes = append(m.scopes, byName(ScopeRepository, func(r *mined) string { return r.Repository.Key })...)

	// The date and the place of an entry in one word: the seconds from the first valid one to the last take 32 bits, and places are in order already.
	sorted := make([]uint64, len(m.entries))
	for i := range m.entries {
		if when := m.entries[i].when; when != undated {
			sorted[i] = uint64(when-earliest+1) << 32
		}
		sorted[i] |= uint64(i)
	}
	sortFrom(sorted, 32, new([]uint64))
	place := func(key uint64) uint32 { return uint32(key & math.MaxUint32) }
	belongs := make([][]*scope, len(m.repositories))
	first := map[string]int{} // scope by ranks
	for i := range m.scopes {
		s := &m.scopes[i]
		m.result.Scopes = append(m.result.Scopes, s.Scope)
		ranks := fmt.Sprint(s.ranks)
		like, ok := first[ranks]
		if s.like = like; ok {
			continue
		}
		first[ranks], s.like = i, i
		n := 0
		s.first = math.MaxInt64
		for _, rank := range s.ranks {
			r := &m.repositories[rank]
			belongs[rank] = append(belongs[rank], s)
			n += r.entries.Len() + r.credits.Len()
			if at := r.step(earliest); at < len(r.clocks) {
				s.first = min(s.first, r.clocks[at])
			}
		}
		s.order = make([]uint32, 0, n)
	}
	for _, key := range sorted {
		for _, s := range belongs[m.entries[place(key)].rank] {
			s.order = append(s.order, place(key))
		}
	}
	m.scopeOf = make([]*scope, len(m.repositories))
	scratches := make([]*arrivals, m.workers)
	m.parallel(len(m.scopes), func(worker, i int) {
		if scratches[worker] == nil {
			scratches[worker] = newArrivals(m)
		}
		if m.scopes[i].like == i {
			scratches[worker].firsts(m, &m.scopes[i])
		}
	})
	for i := range m.scopes {
		s, like := &m.scopes[i], &m.scopes[m.scopes[i].like]
		s.order, s.first = like.order, like.first
		s.persons, s.addresses, s.names, s.pairs = like.persons, like.addresses, like.names, like.pairs
		if s.Kind == ScopeRepository {
			m.scopeOf[s.ranks[0]] = s
		}
	}

	m.last = m.in.AsOf
	if n := len(sorted); n > 0 {
		m.last = max(m.last, m.entries[place(sorted[n-1])].when)
	}
	for i := range m.repositories {
		if r := &m.repositories[i]; len(r.clocks) > 0 {
			m.last = max(m.last, r.clocks[len(r.clocks)-1])
		}
	}
	if first := m.scopes[0].first; first != math.MaxInt64 {
		m.months, m.years = series(KindMonth, first, m.last, m.in.AsOf), series(KindYear, first, m.last, m.in.AsOf)
	}
}

// arrivals is what one goroutine finds first dates in: by person, address, name, pair and actor, [math.MaxInt64] where there is none between
// calls, so that a scope costs what is in it and not what is in the ecosystem.
type arrivals struct {
	actors, persons, addresses, names, pairs []int64
	met                                      []uint32 // actors
}

func newArrivals(m *measurement) *arrivals {
	fresh := func(n int) []int64 { return slices.Repeat([]int64{math.MaxInt64}, n) }
	return &arrivals{
		actors: fresh(len(m.actors)), persons: fresh(m.sizes.persons), addresses: fresh(m.sizes.addresses), names: fresh(m.sizes.names), pairs: fresh(m.sizes.pairs),
	}
}

// firsts finds when everybody came to a scope.
func (a *arrivals) firsts(m *measurement, s *scope) {
	a.met = a.met[:0]
	for _, at := range s.order {
		e := &m.entries[at]
		if e.when == undated {
			continue
		}
		s.first = min(s.first, e.when)
		if (e.state == counted || e.state == bulk) && a.actors[e.actor] == math.MaxInt64 {
			a.actors[e.actor] = e.when
			a.met = append(a.met, e.actor)
		}
	}
	list := func(first []int64, of func(*actor) uint32) (dates []int64) {
		for _, i := range a.met {
			at := of(&m.actors[i])
			first[at] = min(first[at], a.actors[i])
		}
		for _, i := range a.met {
			if at := of(&m.actors[i]); first[at] != math.MaxInt64 {
				dates = append(dates, first[at])
				first[at] = math.MaxInt64
			}
		}
		slices.Sort(dates)
		return spill.Keep(m.aside, dates)
	}
	s.persons = list(a.persons, func(a *actor) uint32 { return a.person })
	s.addresses = list(a.addresses, func(a *actor) uint32 { return a.address })
	s.names = list(a.names, func(a *actor) uint32 { return a.name })
	s.pairs = list(a.pairs, func(a *actor) uint32 { return a.pair })
	for _, i := range a.met {
		a.actors[i] = math.MaxInt64
	}
	s.order = spill.Keep(m.aside, s.order)
}

// before counts the moments of an ascending list that lie before t.
func before(x []int64, t int64) int {
	return sort.Search(len(x), func(i int) bool { return x[i] >= t })
}

// scratch is what one goroutine computes figures in. Every slot has the stamp of the job that it was last used in, so nothing is cleared
// between jobs.
type scratch struct {
	m     *measurement
	stamp uint32

	actors  []actorWork
	touched []uint32
	persons []personWork
	met     []uint32 // persons with work
	// The stamps of what was met.
	addresses, names, pairs, inBucket, inMerged []uint32
	apart, merged                               []Part
	values, atoms, spare                        []uint64
}

type actorWork struct {
	stamp       uint32
	work, bulk  Sum
	first, last int64 // dates of work
}

// personWork is what people are counted by, and what indices are made of.
type personWork struct {
	stamp                                uint32
	work, bulk, unknownWork, unknownBulk amounted
}

// amounted is what indices ask of a Sum.
type amounted struct{ commits, changed uint64 }

func (a *amounted) add(s *Sum) {
	a.commits += s.Commits
	a.changed += s.Changed()
}

func newScratch(m *measurement) *scratch {
	return &scratch{
		m: m, actors: make([]actorWork, len(m.actors)), persons: make([]personWork, m.sizes.persons),
		addresses: make([]uint32, m.sizes.addresses), names: make([]uint32, m.sizes.names), pairs: make([]uint32, m.sizes.pairs),
		inBucket: make([]uint32, m.sizes.inBucket), inMerged: make([]uint32, m.sizes.inMerged),
		apart: make([]Part, m.sizes.buckets), merged: make([]Part, m.sizes.buckets),
	}
}

// sum is what one commit is.
func (e *entry) sum() Sum {
	s := Sum{Commits: 1, Added: e.added, Removed: e.removed, AddedHere: e.addedHere, RemovedHere: e.removedHere}
	if e.here {
		s.CommitsHere = 1
	}
	return s
}

// do computes one job.
func (s *scratch) do(j *job) {
	m := s.m
	ranged := j.period.Kind == KindRange
	common := Figures{Period: j.period}
	f := &common
	if ranged {
		c := &f.Contributors
		c.Ever = s.count(j, fromTo)
		c.New = c.Ever.Persons - s.count(j, shared).Persons
	}
	s.stamp++
	s.touched = s.touched[:0]
	for _, at := range j.scope.dated(m, j.period) {
		e := &m.entries[at]
		if ranged && !m.repositories[e.rank].holds(j.period, e.row, e.when) {
			continue
		}
		sum := e.sum()
		switch e.state {
		case merge:
			f.Work.Merges.add(&sum)
			continue
		case duplicate:
			f.Work.Duplicates.add(&sum)
			continue
		}
		if e.credit {
			f.Work.Credits++
		}
		w := &s.actors[e.actor]
		if w.stamp != s.stamp {
			*w = actorWork{stamp: s.stamp, first: math.MaxInt64, last: math.MinInt64}
			s.touched = append(s.touched, e.actor)
		}
		if e.state == bulk {
			w.bulk.add(&sum)
		} else {
			w.work.add(&sum)
			if e.when != undated {
				w.first, w.last = min(w.first, e.when), e.when // entries are in order of time
			}
		}
		if e.state != machine {
			if e.incomplete {
				f.Incomplete++
			}
			if e.when == undated {
				f.Undated.add(&sum)
			}
		}
	}
	more, withBulk := false, false
	for i := range j.wanted {
		w := &j.wanted[i]
		more, withBulk = more || w.depth > light, withBulk || indexedWithBulk(j.period.Kind, w.Kind)
	}
	s.rollUp(f, more)
	s.cumulate(f, j)
	for _, rank := range j.scope.ranks {
		f.Growth.add(m.repositories[rank].growth(j.period))
	}
	if more {
		common.Organizations, common.Persons = s.indices(withBulk)
	}
	for i := range j.wanted {
		w := &j.wanted[i]
		f := w.figures
		*f = common
		f.Scope = w.Scope
		s.complete(f, j, w)
	}
}

// complete fills in what one of several figures of the same work has more than others.
func (s *scratch) complete(f *Figures, j *job, w *wanted) {
	m := s.m
	if w.depth == light {
		f.Organizations, f.Persons = nil, nil
		return
	}
	s.rows(f)
	if !indexedWithBulk(j.period.Kind, w.Kind) {
		without := func(list []Index) []Index {
			return slices.DeleteFunc(slices.Clone(list), func(i Index) bool { return i.Bulk })
		}
		f.Organizations, f.Persons = without(f.Organizations), without(f.Persons)
	}
	if w.people != nil {
		*w.people = s.people()
	}
	if w.contributions != nil {
		*w.contributions = spill.Keep(m.in.Spill, s.contributions(w.Name))
	}
}

// dated gives the entries of a scope with dates in a period, by date; all of them for a range, which does not go by dates.
func (s *scope) dated(m *measurement, p Period) []uint32 {
	if p.Kind == KindRange || p.All() {
		return s.order
	}
	lo := sort.Search(len(s.order), func(i int) bool { return m.entries[s.order[i]].when >= p.From })
	hi := sort.Search(len(s.order), func(i int) bool { return m.entries[s.order[i]].when >= p.To })
	return s.order[lo:max(lo, hi)]
}

// count counts the authors of a range's commits that can be reached from some of its ends.
func (s *scratch) count(j *job, ends membership) (c People) {
	s.stamp++
	for _, at := range j.scope.order {
		e := &s.m.entries[at]
		member := s.m.repositories[e.rank].ranges[j.period.Range].member
		if member == nil || member[e.row]&ends != ends || e.state != counted && e.state != bulk {
			continue
		}
		a := &s.m.actors[e.actor]
		if p := &s.persons[a.person]; p.stamp != s.stamp {
			*p = personWork{stamp: s.stamp}
			c.Persons++
		}
		c.Addresses += s.first(s.addresses, a.address)
		c.Names += s.first(s.names, a.name)
		c.Pairs += s.first(s.pairs, a.pair)
	}
	return c
}

// first is 1 for what was not met since the stamp changed.
func (s *scratch) first(stamps []uint32, i uint32) int {
	if stamps[i] == s.stamp {
		return 0
	}
	stamps[i] = s.stamp
	return 1
}

// rollUp adds the actors' work up, and counts who was met; to buckets and into what indices are made of only if there is more to tell than that.
func (s *scratch) rollUp(f *Figures, more bool) {
	m := s.m
	s.met = s.met[:0]
	c := &f.Contributors
	for _, i := range s.touched {
		a, w := &m.actors[i], &s.actors[i]
		switch at := int(a.bucket) - m.sizes.organizations; {
		case at < 0:
			f.Work.Known.add(&w.work)
		case at < len(unknownClasses):
			f.Work.Unknown.add(&w.work)
		case at == len(unknownClasses):
			f.Work.Bots.add(&w.work)
			continue
		default:
			f.Work.Agents.add(&w.work)
			continue
		}
		p := &s.persons[a.person]
		if p.stamp != s.stamp {
			*p = personWork{stamp: s.stamp}
			s.met = append(s.met, a.person)
		}
		p.work.add(&w.work)
		if w.bulk.Commits > 0 {
			f.Work.Bulk.add(&w.bulk)
			p.bulk.add(&w.bulk)
		}
		c.Addresses += s.first(s.addresses, a.address)
		c.Names += s.first(s.names, a.name)
		c.Pairs += s.first(s.pairs, a.pair)
	}
	c.Persons = len(s.met)
	for _, i := range s.met {
		p := &s.persons[i]
		switch n := p.work.commits + p.bulk.commits; {
		case n == 1:
			c.Once++
		case n >= 10:
			c.TenOrMore++
		}
		if p.work.commits == 0 {
			c.BulkOnly++
		}
	}
	if more {
		s.deal()
	}
}

// deal adds the actors' work up to buckets, and sets apart what is of nobody known.
func (s *scratch) deal() {
	m := s.m
	clear(s.apart)
	clear(s.merged)
	for _, i := range s.touched {
		a, w := &m.actors[i], &s.actors[i]
		apart, merged := &s.apart[a.bucket], &s.merged[a.merged]
		apart.add(&w.work)
		merged.add(&w.work)
		if w.bulk.Commits > 0 {
			apart.Bulk.add(&w.bulk)
			merged.Bulk.add(&w.bulk)
		}
		if w.work.Commits > 0 {
			apart.Contributors += s.first(s.inBucket, a.inBucket)
			merged.Contributors += s.first(s.inMerged, a.inMerged)
		}
		if at := int(a.bucket) - m.sizes.organizations; at >= 0 && at < len(unknownClasses) {
			p := &s.persons[a.person]
			p.unknownWork.add(&w.work)
			p.unknownBulk.add(&w.bulk)
		}
	}
}

func (s *scratch) cumulate(f *Figures, j *job) {
	c := &f.Contributors
	switch {
	case j.period.Kind == KindRange:
		return // counted already, by ancestry
	case j.period.All():
		c.New, c.Ever = c.Persons, c.People
		return
	}
	in, to := j.scope, j.period.To
	c.Ever = People{before(in.persons, to), before(in.addresses, to), before(in.names, to), before(in.pairs, to)}
	c.New = c.Ever.Persons - before(in.persons, j.period.From)
}

// rows lists the buckets.
func (s *scratch) rows(f *Figures) {
	m := s.m
	organizations := m.in.Resolution.Organizations
	for i := range organizations {
		row := Row{Organization: i, Name: organizations[i].Name, Class: organizations[i].Class, Apart: s.apart[i], Merged: s.merged[i]}
		if client := int(m.clients[i]); client != i {
			row.Client = organizations[client].Name
		}
		if row.Apart != (Part{}) || row.Merged != (Part{}) {
			f.Rows = append(f.Rows, row)
		}
	}
	slices.SortFunc(f.Rows, func(a, b Row) int {
		return cmp.Or(
			cmp.Compare(b.Apart.Commits, a.Apart.Commits), cmp.Compare(b.Apart.Changed(), a.Apart.Changed()), cmp.Compare(a.Name, b.Name))
	})
	always := f.Scope.Kind == ScopeEcosystem
	other := func(row Row) {
		row.Organization, row.Merged = people.NoOrganization, row.Apart
		if always && row.Class != people.Withheld || row.Apart != (Part{}) {
			f.Rows = append(f.Rows, row)
		}
	}
	for i, class := range unknownClasses {
		other(Row{Name: class.String(), Class: class, Apart: s.apart[len(organizations)+i]})
	}
	machines := len(organizations) + len(unknownClasses)
	other(Row{Name: RowBots, Class: people.Bot, Outside: true, Apart: s.apart[machines]})
	other(Row{Name: RowAgents, Class: people.Agent, Outside: true, Apart: s.apart[machines+1]})
	imports := Part{Sum: f.Work.Bulk}
	for _, i := range s.met {
		if s.persons[i].bulk.commits > 0 {
			imports.Contributors++
		}
	}
	other(Row{Name: RowBulk, Outside: true, Apart: imports})
}

// The names of the rows outside of T.
const (
	RowBots   = "bots"
	RowAgents = "AI agents"
	RowBulk   = "bulk imports"
)

// indices computes the concentration over organizations and persons, with bulk imports too if somebody asks for that.
func (s *scratch) indices(withBulk bool) (overOrganizations, overPersons []Index) {
	organizations := s.m.sizes.organizations
	for _, of := range []string{KeyCommits, KeyChanged} {
		amount := func(work, bulk *amounted, with bool) (n uint64) {
			switch {
			case of == KeyCommits && with:
				return work.commits + bulk.commits
			case of == KeyCommits:
				return work.commits
			case with:
				return work.changed + bulk.changed
			}
			return work.changed
		}
		for _, with := range []bool{false, true} {
			if with && !withBulk {
				continue
			}
			s.atoms = s.atoms[:0]
			for _, i := range s.met {
				s.atoms = positive(s.atoms, amount(&s.persons[i].unknownWork, &s.persons[i].unknownBulk, with))
			}
			for _, merged := range []bool{false, true} {
				parts := s.apart[:organizations]
				if merged {
					parts = s.merged[:organizations]
				}
				s.values = s.values[:0]
				for i := range parts {
					var work, bulk amounted
					work.add(&parts[i].Sum)
					bulk.add(&parts[i].Bulk)
					s.values = positive(s.values, amount(&work, &bulk, with))
				}
				overOrganizations = append(overOrganizations, Index{of, merged, with, concentrate(s.values, s.atoms, &s.spare)})
			}
			s.values = s.values[:0]
			for _, i := range s.met {
				s.values = positive(s.values, amount(&s.persons[i].work, &s.persons[i].bulk, with))
			}
			overPersons = append(overPersons, Index{of, false, with, concentrate(s.values, nil, &s.spare)})
		}
	}
	return overOrganizations, overPersons
}

// indexedWithBulk says whether the indices of a period and scope are given with bulk imports, too.
func indexedWithBulk(period, scope string) bool {
	return (period == KindWindow || period == KindRange) && scope != ScopeSubsystem && scope != ScopeRepository
}

func positive(values []uint64, x uint64) []uint64 {
	if x > 0 {
		return append(values, x)
	}
	return values
}

// sortTouched brings the actors met into the order of roles.
func (s *scratch) sortTouched() { slices.SortFunc(s.touched, s.m.byRole) }

// side gives the organization and class of a bucket that is no machine's.
func (m *measurement) side(bucket uint32) (organization int, class people.Class) {
	if at := int(bucket) - m.sizes.organizations; at >= 0 {
		return people.NoOrganization, unknownClasses[at]
	}
	return int(bucket), m.in.Resolution.Organizations[bucket].Class
}

// contributions lists the counted work in a repository by person and bucket.
func (s *scratch) contributions(repository string) []Contribution {
	m := s.m
	s.sortTouched()
	var list []Contribution
	last := actor{person: math.MaxUint32}
	for _, i := range s.touched {
		a, w := &m.actors[i], &s.actors[i]
		if w.work.Commits == 0 || int(a.bucket) >= m.sizes.organizations+len(unknownClasses) {
			continue
		}
		if a.person != last.person || a.bucket != last.bucket {
			c := Contribution{Repository: repository, Person: int(a.person), First: math.MaxInt64, Last: math.MinInt64}
			c.Organization, c.Class = m.side(a.bucket)
			list = append(list, c)
			last = *a
		}
		c := &list[len(list)-1]
		c.Sum = c.Plus(w.work)
		c.First, c.Last = min(c.First, w.first), max(c.Last, w.last)
	}
	return list
}

// people lists the persons met, each with the organization that most of their commits were for.
func (s *scratch) people() []PersonRow {
	m := s.m
	s.sortTouched()
	rows := make([]PersonRow, 0, len(s.met))
	var most, ofBucket uint64 // commits of the person for one bucket
	last := actor{person: math.MaxUint32}
	for _, i := range s.touched {
		a, w := &m.actors[i], &s.actors[i]
		if int(a.bucket) >= m.sizes.organizations+len(unknownClasses) {
			continue
		}
		if a.person != last.person {
			rows = append(rows, PersonRow{Person: int(a.person)})
			most = 0
		}
		if a.person != last.person || a.bucket != last.bucket {
			ofBucket = 0
		}
		last = *a
		row := &rows[len(rows)-1]
		row.add(&w.work)
		row.Bulk.add(&w.bulk)
		if ofBucket += w.work.Commits + w.bulk.Commits; ofBucket > most {
			most = ofBucket
			row.Organization, row.Class = m.side(a.bucket)
		}
	}
	slices.SortFunc(rows, func(a, b PersonRow) int {
		return cmp.Or(cmp.Compare(b.Commits, a.Commits), cmp.Compare(b.Changed(), a.Changed()), cmp.Compare(a.Person, b.Person))
	})
	return rows
}
