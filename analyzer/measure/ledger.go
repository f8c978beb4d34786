package measure

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"time"

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
func (m *measurement) keepLedger() {
	cuts := m.cuts()
	l := &m.result.Ledger
	l.Slices = []Window{{From: undated, To: undated}}
	for i := 1; i < len(cuts); i++ {
		l.Slices = append(l.Slices, Window{From: cuts[i-1], To: cuts[i]})
	}
	type key struct{ slice, person, bucket uint32 }
	type work struct {
		key
		commits, added, removed uint64
	}
	all := make([][]work, len(m.repositories))
	m.parallel(len(m.repositories), func(_, rank int) {
		r := &m.repositories[rank]
		var list []work
		index := map[key]int{} // a person's commits of a month are many
		for i := range r.entries.Len() + r.credits.Len() {
			at := int(r.entries.Lo) + i
			if i >= r.entries.Len() {
				at = int(r.credits.Lo) + i - r.entries.Len()
			}
			e := &m.entries[at]
			if e.state != counted {
				continue
			}
			slice := 0
			if e.when != undated {
				slice = sort.Search(len(cuts), func(i int) bool { return cuts[i] > e.when })
			}
			a := &m.actors[e.actor]
			k := key{uint32(slice), a.person, a.bucket}
			n, ok := index[k]
			if !ok {
				n = len(list)
				index[k] = n
				list = append(list, work{key: k})
			}
			sum := &list[n]
			sum.commits, sum.added, sum.removed = sum.commits+1, sum.added+e.added, sum.removed+e.removed
		}
		slices.SortFunc(list, func(a, b work) int {
			return cmp.Or(cmp.Compare(a.slice, b.slice), cmp.Compare(a.person, b.person), cmp.Compare(a.bucket, b.bucket))
		})
		all[rank] = list
	})
	for rank, list := range all {
		for _, w := range list {
			entry := LedgerEntry{
				Repository: m.repositories[rank].Repository.Key, Slice: int(w.slice), Person: int(w.person),
				Commits: w.commits, Added: w.added, Removed: w.removed,
			}
			entry.Organization, entry.Class = m.side(w.bucket)
			l.Entries = append(l.Entries, entry)
		}
	}
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
