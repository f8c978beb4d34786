package measure

import (
	"cmp"
	"math"
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

// FileStock is how many lines of a person stand in a file. Machines have none, nor do bulk imports.
type FileStock struct {
	File   uint32 // as in FileWork
	Person uint32 // into the resolution's Persons
	Lines  uint32
}

// keepFileStocks fills the result's; after keepFiles.
func (m *measurement) keepFileStocks() {
	if !m.in.Survival {
		return
	}
	m.result.FileStocks = make([][]FileStock, len(m.result.Windows))
	first := make([]uint32, len(m.repositories)+1)
	for rank := range m.repositories {
		first[rank+1] = first[rank] + uint32(len(m.repositories[rank].Paths))
	}
	all := make([][][]FileStock, len(m.repositories)) // by rank, then by window
	lines := make([][]int64, m.workers)               // by worker, then by person
	m.parallel(len(m.repositories), func(worker, rank int) {
		if lines[worker] == nil {
			lines[worker] = make([]int64, len(m.in.Resolution.Persons))
		}
		all[rank] = m.fileStocks(&m.repositories[rank], first[rank], first[rank+1], lines[worker])
	})
	for rank := range all {
		for w, list := range all[rank] {
			m.result.FileStocks[w] = append(m.result.FileStocks[w], list...)
		}
	}
}

// fileStocks gives those of a repository, whose files are numbered first to last-1; lines are zeros, and left so.
func (m *measurement) fileStocks(r *mined, first, last uint32, lines []int64) [][]FileStock {
	start := func(file uint32) int {
		return sort.Search(len(m.result.Files), func(i int) bool { return m.result.Files[i].File >= file })
	}
	work := m.result.Files[start(first):start(last)]
	// Where the rows of each shared file begin among all that are of such files.
	at := make([]int, len(r.Paths)+1)
	shared := make([]bool, len(r.Paths))
	for i := 1; i < len(work); i++ {
		if work[i].File == work[i-1].File && work[i].Person != work[i-1].Person {
			shared[work[i].File-first] = true
		}
	}
	for i := range r.Survival {
		if p := r.Survival[i].Path; shared[p] {
			at[p+1]++
		}
	}
	for p := range r.Paths {
		at[p+1] += at[p]
	}
	// What a row says is copied to where its file's rows are: every window goes through these again, and then memory is read in its order.
	type row struct {
		person, step uint32
		lines        int32
	}
	rows := make([]row, at[len(r.Paths)])
	end := slices.Clone(at) // by file: behind the last of its rows that count
	for i := range r.Survival {
		s := &r.Survival[i]
		if !shared[s.Path] {
			continue
		}
		if by := &r.writers[r.origins[min(s.Commit, uint32(len(r.Commits)))].writer]; m.counts(by.side) {
			rows[end[s.Path]] = row{by.person, s.Step, s.Lines}
			end[s.Path]++
		}
	}
	out := make([][]FileStock, len(m.result.Windows))
	var met []uint32
	for w, window := range m.result.Windows {
		if window.Kind == KindRange {
			continue
		}
		until := uint32(r.step(window.To))
		for p := range r.Paths {
			met = met[:0]
			for _, s := range rows[at[p]:end[p]] {
				if s.step >= until {
					break // rows go by steps
				}
				if lines[s.person] == 0 {
					met = append(met, s.person)
				}
				lines[s.person] += int64(s.lines)
			}
			slices.Sort(met)
			for _, person := range slices.Compact(met) { // who was at 0 in between was met again
				if n := lines[person]; n > 0 {
					out[w] = append(out[w], FileStock{first + uint32(p), person, uint32(min(n, math.MaxUint32))})
				}
				lines[person] = 0
			}
		}
	}
	return out
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
