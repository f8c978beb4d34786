package measure

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"orrery/analyzer/facts"
	"orrery/analyzer/people"
)

// Piece is work in a scope and period that counts for the same person and row, for the same reason.
type Piece struct {
	// Organization and Class are those of the row, as in [Row]; Client is the organization that the merged reading counts it for.
	Organization, Client int
	Class                people.Class
	Person               int    // into the resolution's Persons
	Evidence             uint32 // into the resolution's Evidence
	Bulk                 bool   // a bulk import, which stands beside the row
	CoAuthor             bool   // counts for a co-author
	Sum
}

// Tracer follows figures down to what they are made of.
type Tracer struct{ m *measurement }

// NewTracer prepares for questions about what [Measure] gives of the same input.
func NewTracer(in Input) (*Tracer, error) {
	m, err := newMeasurement(in)
	if err != nil {
		return nil, err
	}
	if err := m.prepare(); err != nil {
		return nil, err
	}
	return &Tracer{m}, nil
}

// Trace is [Tracer.Pieces] of an input that nothing else is asked of.
func Trace(in Input, of Scope, period string) ([]Piece, error) {
	in.Survival = false
	t, err := NewTracer(in)
	if err != nil {
		return nil, err
	}
	return t.Pieces(of, period)
}

// scope finds a scope and the repositories that are in it.
func (t *Tracer) scope(of Scope) (*scope, error) {
	i := slices.IndexFunc(t.m.scopes, func(s scope) bool { return s.Scope == of })
	if i < 0 {
		return nil, fmt.Errorf("there is no %s %q", of.Kind, of.Name)
	}
	return &t.m.scopes[i], nil
}

// Period finds a window, or a calendar period that anything of the ecosystem is in.
func (t *Tracer) Period(name string) (Period, error) {
	m, s := t.m, &t.m.scopes[0]
	periods := slices.Clone(m.result.Windows)
	for _, kind := range calendar {
		periods = append(periods, series(kind, min(s.first, m.last), m.last, m.in.AsOf)...)
	}
	at := slices.IndexFunc(periods, func(p Period) bool { return p.Name == name })
	if at < 0 {
		var names []string
		for _, p := range m.result.Windows {
			names = append(names, strconv.Quote(p.Name))
		}
		return Period{}, fmt.Errorf("there is no window or period %q; there are %s, years, half-years, quarters and months", name, strings.Join(names, ", "))
	}
	return periods[at], nil
}

// Imports gives what says whether a commit of one of [Input].Repositories is a bulk import, which tables set aside.
func (t *Tracer) Imports() func(repository int, commit uint32) bool {
	entries := make([]facts.Span, len(t.m.in.Repositories))
	for i := range t.m.repositories {
		entries[t.m.repositories[i].position] = t.m.repositories[i].entries
	}
	return func(repository int, commit uint32) bool {
		return t.m.entries[entries[repository].Lo+commit].state == bulk
	}
}

// Pieces gives what the rows of a scope and period are sums of: windows, ranges, and calendar periods as 2024, 2024-H2, 2024-Q3 or 2024-07. Every
// counted commit, bulk import and commit of a machine is in one piece; merges and duplicates are in none. In order of commits, the most first.
func (t *Tracer) Pieces(of Scope, period string) ([]Piece, error) {
	m, in := t.m, &t.m.in
	s, err := t.scope(of)
	if err != nil {
		return nil, err
	}
	p, err := t.Period(period)
	if err != nil {
		return nil, err
	}
	type key struct {
		actor, evidence uint32
		state           state
		credit          bool
	}
	pieces := map[key]*Piece{}
	for _, n := range s.dated(m, p) {
		e := &m.entries[n]
		r := &m.repositories[e.rank]
		if e.state == merge || e.state == duplicate || !r.holds(p, e.row, e.when) {
			continue
		}
		c := &r.Commits[e.row]
		signature := c.Author
		if e.credit {
			signature = r.credited[n-r.credits.Lo]
		}
		k := key{e.actor, in.Resolution.Attribute(r.position, signature, c.Authored).Evidence, e.state, e.credit}
		piece := pieces[k]
		if piece == nil {
			a := &m.actors[e.actor]
			piece = &Piece{Person: int(a.person), Evidence: k.evidence, Bulk: e.state == bulk, CoAuthor: e.credit, Client: people.NoOrganization}
			if machine := int(a.bucket) - m.sizes.organizations - len(unknownClasses); machine >= 0 {
				piece.Organization, piece.Class = people.NoOrganization, people.Bot+people.Class(machine)
			} else {
				piece.Organization, piece.Class = m.side(a.bucket)
			}
			if int(a.merged) < m.sizes.organizations {
				piece.Client = int(a.merged)
			}
			pieces[k] = piece
		}
		piece.Sum = piece.Plus(e.sum())
	}
	return sorted(pieces), nil
}

func sorted[K comparable](pieces map[K]*Piece) []Piece {
	out := make([]Piece, 0, len(pieces))
	for _, p := range slices.SortedFunc(maps.Values(pieces), func(a, b *Piece) int {
		return cmp.Or(cmp.Compare(b.Commits, a.Commits), cmp.Compare(a.Organization, b.Organization), cmp.Compare(a.Class, b.Class),
			cmp.Compare(a.Evidence, b.Evidence), cmp.Compare(a.Person, b.Person), cmp.Compare(b.Changed(), a.Changed()))
	}) {
		out = append(out, *p)
	}
	return out
}

// Falls gives the waterfall of every repository of a scope in a period, with all its parts, moves and imports.
func (t *Tracer) Falls(of Scope, period string) ([]Waterfall, error) {
	m := t.m
	s, err := t.scope(of)
	if err != nil {
		return nil, err
	}
	p, err := t.Period(period)
	if err != nil {
		return nil, err
	}
	if p.Kind == KindRange {
		return nil, fmt.Errorf("%s is a range of commits: growth is of periods that go by dates", period)
	}
	all := make([][]fallen, len(m.repositories))
	rows := m.sideRows()
	var out []Waterfall
	for _, rank := range s.ranks {
		r := &m.repositories[rank]
		if all[rank], err = m.fall(r, []Period{p}); err != nil {
			return nil, fmt.Errorf("measuring %s: %w", r.Repository.Key, err)
		}
		one := scope{Scope: Scope{Kind: ScopeEcosystem}, ranks: []int{rank}} // which has all parts
		w := m.waterfall(&one, 0, all, rows)
		w.Scope, w.Period = Scope{ScopeRepository, r.Repository.Key}, p
		out = append(out, w)
	}
	return out, nil
}

// Change is what a commit on the first parents did to the lines of a repository.
type Change struct {
	Commit facts.ID
	When   int64 // the clock of the first parents
	Lines  int64 // added - removed
}

// Steps gives what the commits on the first parents did to a repository's lines in a period, while it belonged, by date; before and after are the
// snapshots at both ends of each stay, with their lines.
func (t *Tracer) Steps(repository, period string) (steps, before, after []Change, err error) {
	s, err := t.scope(Scope{ScopeRepository, repository})
	if err != nil {
		return nil, nil, nil, err
	}
	p, err := t.Period(period)
	if err != nil {
		return nil, nil, nil, err
	}
	r := &t.m.repositories[s.ranks[0]]
	snapshot := func(step int) (c Change) {
		if step > 0 {
			c = Change{r.Commits[r.Steps[step-1].Commit].ID, r.clocks[step-1], r.lines(step)}
		}
		return c
	}
	for _, stay := range r.stays([]Period{p}) {
		before, after = append(before, snapshot(stay.lo)), append(after, snapshot(stay.hi))
		for i := stay.lo; i < stay.hi; i++ {
			steps = append(steps, Change{r.Commits[r.Steps[i].Commit].ID, r.clocks[i], r.lines(i+1) - r.lines(i)})
		}
	}
	return steps, before, after, nil
}

// Logged gives the non-merge commits that the log of a repository's time of membership counts in a period: of T, bots and AI agents, or bulk imports.
// Lines are added and removed.
func (t *Tracer) Logged(repository, period string, imports bool) (list []Change, removed []int64, err error) {
	s, err := t.scope(Scope{ScopeRepository, repository})
	if err != nil {
		return nil, nil, err
	}
	p, err := t.Period(period)
	if err != nil {
		return nil, nil, err
	}
	m := t.m
	r := &m.repositories[s.ranks[0]]
	entries := m.entries[r.entries.Lo:r.entries.Hi]
	for i := range r.Commits {
		e := &entries[i]
		if e.state == merge || e.state == duplicate || (e.state == bulk) != imports {
			continue
		}
		for _, stay := range r.stays([]Period{p}) {
			if stay.from <= e.when && e.when < stay.to || e.when == undated && stay.from == math.MinInt64 && stay.to == math.MaxInt64 {
				list = append(list, Change{r.Commits[i].ID, e.when, int64(e.added)})
				removed = append(removed, int64(e.removed))
			}
		}
	}
	return list, removed, nil
}

// Counted is one that a census counts: a person, an address, a name or a pair.
type Counted struct {
	// Person is into the resolution's Persons, -1 for an account or address that no commit knows.
	Person int
	Acts   int // commits and reviews
	// Repository and Commit are those of the first act.
	Repository string
	Commit     facts.ID
	First      int64 // Unix seconds; math.MinInt64 where the date is invalid
	// Repositories are the keys of those with an act.
	Repositories []string
}

// Units of a census, in the order of [People].
const (
	UnitPersons = iota
	UnitAddresses
	UnitNames
	UnitPairs
)

// Census gives who is counted by a definition in a period of the ecosystem: those of a unit with as many acts as wanted allows. ever counts from
// the start on. In order of their first act.
func (t *Tracer) Census(period, population string, unit int, ever bool, wanted func(acts int) bool) ([]Counted, error) {
	m := t.m
	p, err := t.Period(period)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(Populations, func(p Population) bool { return p.Key == population })
	if at < 0 {
		return nil, fmt.Errorf("there is no definition %q of contributors", population)
	}
	var entries []*entry // by act
	c := m.collect(func(e *entry) { entries = append(entries, e) })
	byID := map[uint32]*Counted{}
	var order []uint32
	seen := map[[2]uint32]bool{}
	for i := range c.acts {
		a, e := &c.acts[i], entries[i]
		kind := &c.kinds[a.kind]
		then := in(p, a.when) || ever && !p.All() && a.when != undated && a.when < p.To
		if !then || !Populations[at].in(kind) {
			continue
		}
		id := kind.ids[unit]
		one := byID[id]
		if one == nil {
			r := &m.repositories[e.rank]
			one = &Counted{Person: int(kind.ids[UnitPersons]), Repository: r.Repository.Key, Commit: r.Commits[e.row].ID, First: a.when}
			if one.Person >= m.sizes.persons {
				one.Person = -1
			}
			byID[id] = one
			order = append(order, id)
		}
		one.Acts++
		if k := [2]uint32{id, e.rank}; !seen[k] {
			seen[k] = true
			one.Repositories = append(one.Repositories, m.repositories[e.rank].Repository.Key)
		}
	}
	var out []Counted
	for _, id := range order {
		if one := byID[id]; ever || wanted(one.Acts) {
			out = append(out, *one)
		}
	}
	return out, nil
}

// RepositoryGrowth is what a repository's snapshots and merges are in a period, whether it belonged or not.
type RepositoryGrowth struct {
	Repository string
	Growth
	Merges, Duplicates uint64 // commits
}

// Growths gives the growth of every repository of a scope in a period, as [Figures] add it up.
func (t *Tracer) Growths(of Scope, period string) ([]RepositoryGrowth, error) {
	s, err := t.scope(of)
	if err != nil {
		return nil, err
	}
	p, err := t.Period(period)
	if err != nil {
		return nil, err
	}
	byRank := map[uint32]*RepositoryGrowth{}
	out := make([]RepositoryGrowth, len(s.ranks))
	for i, rank := range s.ranks {
		r := &t.m.repositories[rank]
		out[i].Repository = r.Repository.Key
		out[i].add(r.growth(p))
		byRank[uint32(rank)] = &out[i]
	}
	for _, n := range s.dated(t.m, p) {
		e := &t.m.entries[n]
		if !t.m.repositories[e.rank].holds(p, e.row, e.when) {
			continue
		}
		switch e.state {
		case merge:
			byRank[e.rank].Merges++
		case duplicate:
			byRank[e.rank].Duplicates++
		}
	}
	return out, nil
}
