package measure

import (
	"cmp"
	"slices"
	"sort"
)

// FileWork is the counted work of a person on one file in a slice of the ledger. A file is a path of a repository: what is renamed is another
// one from then on. Only files that are written here count: neither vendored, nor generated, nor binary.
type FileWork struct {
	File    uint32 // files of all repositories are numbered one after the other
	Slice   uint32 // into Ledger.Slices
	Person  uint32 // into the resolution's Persons
	Commits uint32
	Changed uint64 // lines
}

// keepFiles fills the result's; after keepLedger.
func (m *measurement) keepFiles() {
	cuts := m.cuts()
	all := make([][]FileWork, len(m.repositories))
	m.parallel(len(m.repositories), func(_, rank int) {
		r := &m.repositories[rank]
		var list []FileWork
		for i := range m.entries[r.entries.Lo:r.entries.Hi] {
			e := &m.entries[int(r.entries.Lo)+i]
			if e.state != counted || !e.here {
				continue
			}
			slice := 0
			if e.when != undated {
				slice = sort.Search(len(cuts), func(i int) bool { return cuts[i] > e.when })
			}
			span := r.Commits[e.row].Changes
			for j := range r.Changes[span.Lo:span.Hi] {
				c := &r.Changes[int(span.Lo)+j]
				if r.kinds[r.kindOf[c.Path]].here > 0 {
					list = append(list, FileWork{c.Path, uint32(slice), m.actors[e.actor].person, 1, uint64(c.Added) + uint64(c.Removed)})
				}
			}
		}
		list = byFile(list, len(r.Paths))
		merged := list[:0]
		for _, w := range list {
			if n := len(merged); n > 0 && merged[n-1].File == w.File && merged[n-1].Slice == w.Slice && merged[n-1].Person == w.Person {
				merged[n-1].Commits += w.Commits
				merged[n-1].Changed += w.Changed
				continue
			}
			merged = append(merged, w)
		}
		all[rank] = slices.Clip(merged)
	})
	first, total := uint32(0), 0
	for _, list := range all {
		total += len(list)
	}
	m.result.Files = make([]FileWork, 0, total)
	for rank, list := range all {
		for _, w := range list {
			w.File += first
			m.result.Files = append(m.result.Files, w)
		}
		first += uint32(len(m.repositories[rank].Paths))
	}
}

// byFile sorts by file, slice and person. Most files have little work, so they are told apart by counting.
func byFile(list []FileWork, files int) []FileWork {
	at := make([]uint32, files+1)
	for i := range list {
		at[list[i].File+1]++
	}
	for i := range files {
		at[i+1] += at[i]
	}
	sorted := make([]FileWork, len(list))
	for i := range list {
		next := &at[list[i].File]
		sorted[*next] = list[i]
		*next++
	}
	lo := uint32(0)
	for _, hi := range at[:files] { // by now where each file ends
		slices.SortFunc(sorted[lo:hi], func(a, b FileWork) int {
			return cmp.Or(cmp.Compare(a.Slice, b.Slice), cmp.Compare(a.Person, b.Person))
		})
		lo = hi
	}
	return sorted
}
