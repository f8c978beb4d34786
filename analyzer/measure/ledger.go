package measure

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"time"

	"orrery/analyzer/facts/spill"
	"orrery/analyzer/people"
)

// Ledger says who did what where, when and for whom: the counted work of the ecosystem (T, so neither by machines, nor bulk imports, nor
// duplicates) in the smallest pieces that results keep. What moved between two results is read from their ledgers.
type Ledger struct {
	// Slices are pieces of time, ascending: calendar months in UTC, cut where a window begins or ends. So each window that goes by dates is a
	// whole number of slices, and the sum of their entries. The first is {math.MinInt64, math.MinInt64} and holds invalid dates.
	Slices []Window
	// Entries are by repository, slice, person and organization or class; none is empty, and no two agree in all four.
	Entries []LedgerEntry
}

// LedgerEntry is the work of a person on behalf of an organization in a repository and slice.
type LedgerEntry struct {
	Repository   string // its key
	Slice        int    // into Ledger.Slices
	Person       int    // into the resolution's Persons
	Organization int    // an index, or people.NoOrganization if Class is an unknown one
	Class        people.Class
	Commits      uint64
	Added        uint64 // lines
	Removed      uint64 // lines
}

// keepLedger fills the result's.
func (m *measurement) keepLedger(cuts []int64) {
	l := &m.result.Ledger
	l.Slices = []Window{{From: undated, To: undated}}
	for i := 1; i < len(cuts); i++ {
		l.Slices = append(l.Slices, Window{From: cuts[i-1], To: cuts[i]})
	}
	roles, roleOf := m.roles()
	all := make([][]LedgerEntry, len(m.repositories)) // by rank
	works := make([][]roleWork, m.workers)            // by worker, then by role
	m.parallel(len(m.repositories), func(worker, rank int) {
		if works[worker] == nil {
			works[worker] = make([]roleWork, len(roles))
		}
		all[rank] = spill.Concat(m.in.Spill, m.ledgerOf(uint32(rank), cuts, roles, roleOf, works[worker])...)
	})
	l.Entries = spill.Concat(m.in.Spill, all...)
}

// role is a person on behalf of a bucket.
type role struct{ person, bucket uint32 }

// roles lists the roles of actors, by person and bucket, and gives their places in it.
func (m *measurement) roles() (roles []role, of []uint32) {
	order := make([]uint32, len(m.actors))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, m.byRole)
	of = make([]uint32, len(m.actors))
	for _, i := range order {
		r := role{m.actors[i].person, m.actors[i].bucket}
		if n := len(roles); n == 0 || roles[n-1] != r {
			roles = append(roles, r)
		}
		of[i] = uint32(len(roles) - 1)
	}
	return roles, of
}

// byRole orders actors by person and bucket, so that a person's buckets come one after the other.
func (m *measurement) byRole(a, b uint32) int {
	x, y := &m.actors[a], &m.actors[b]
	return cmp.Or(cmp.Compare(x.person, y.person), cmp.Compare(x.bucket, y.bucket), cmp.Compare(a, b))
}

// roleWork is what a role did.
type roleWork struct{ commits, added, removed uint64 }

// ledgerOf gives the entries of a repository by slice; works are by role: zeros, and left so.
func (m *measurement) ledgerOf(rank uint32, cuts []int64, roles []role, roleOf []uint32, works []roleWork) (all [][]LedgerEntry) {
	key := m.repositories[rank].Repository.Key
	var met []uint32
	slice := 0
	end := func() {
		slices.Sort(met)
		list := make([]LedgerEntry, len(met))
		for i, at := range met {
			r, w := roles[at], &works[at]
			e := &list[i]
			*e = LedgerEntry{Repository: key, Slice: slice, Person: int(r.person), Commits: w.commits, Added: w.added, Removed: w.removed}
			e.Organization, e.Class = m.side(r.bucket)
			*w = roleWork{}
		}
		met = met[:0]
		all = append(all, list)
	}
	for _, i := range m.scopeOf[rank].order { // by date, invalid ones first
		e := &m.entries[i]
		if e.state != counted {
			continue
		}
		if at := sliceAt(cuts, slice, e.when); at != slice {
			end()
			slice = at
		}
		at := roleOf[e.actor]
		w := &works[at]
		if w.commits == 0 {
			met = append(met, at)
		}
		w.commits, w.added, w.removed = w.commits+1, w.added+e.added, w.removed+e.removed
	}
	end()
	return all
}

// sliceAt gives the slice of the ledger that a date is in, most often that of the date before it.
func sliceAt(cuts []int64, last int, when int64) int {
	switch {
	case when == undated:
		return 0
	case last > 0 && cuts[last-1] <= when && when < cuts[last]:
		return last
	}
	return sort.Search(len(cuts), func(i int) bool { return cuts[i] > when })
}

// cuts gives the moments that slices lie between: the beginnings of months and the ends of windows, around all valid dates of counted work.
func (m *measurement) cuts() []int64 {
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	for i := range m.entries {
		if e := &m.entries[i]; e.state == counted && e.when != undated {
			first, last = min(first, e.when), max(last, e.when)
		}
	}
	if first > last {
		return nil
	}
	var cuts []int64
	t := time.Unix(first, 0).UTC()
	for t = time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC); ; t = t.AddDate(0, 1, 0) {
		cuts = append(cuts, t.Unix())
		if t.Unix() > last {
			break
		}
	}
	end := cuts[len(cuts)-1]
	for _, p := range m.result.Windows {
		for _, t := range []int64{p.From, p.To} {
			if p.Kind != KindRange && t > cuts[0] && t < end {
				cuts = append(cuts, t)
			}
		}
	}
	slices.Sort(cuts)
	return slices.Compact(cuts)
}
