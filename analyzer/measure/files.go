package measure

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"orrery/analyzer/facts"
	"orrery/analyzer/facts/spill"
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

// keepFiles fills the result's, by the cuts of the ledger.
func (m *measurement) keepFiles(cuts []int64) {
	all := make([][]FileWork, len(m.repositories))
	first := make([]uint32, len(m.repositories)+1)
	for rank := range m.repositories {
		first[rank+1] = first[rank] + uint32(len(m.repositories[rank].Paths))
	}
	m.parallel(len(m.repositories), func(_, rank int) { all[rank] = spill.Keep(m.in.Spill, m.filesOf(uint32(rank), cuts, first[rank])) })
	if len(all) == 1 {
		m.result.Files = all[0]
		return
	}
	m.result.Files = spill.Concat(m.in.Spill, all...)
}

// filesOf gives the work on the files of a repository, which are numbered from first on. Most files have little work, so rows are dealt out to
// files by counting; there they come by date, as they are gone through.
func (m *measurement) filesOf(rank uint32, cuts []int64, first uint32) []FileWork {
	r := &m.repositories[rank]
	rows := func(do func(e *entry, row *facts.Change)) {
		for _, i := range m.scopeOf[rank].order {
			e := &m.entries[i]
			if e.state != counted || !e.here || e.credit {
				continue
			}
			span := r.Commits[e.row].Changes
			for j := span.Lo; j < span.Hi; j++ {
				if row := &r.Changes[j]; r.kinds[r.kindOf[row.Path]].here > 0 {
					do(e, row)
				}
			}
		}
	}
	at := make([]uint32, len(r.Paths)+1)
	rows(func(_ *entry, row *facts.Change) { at[row.Path+1]++ })
	for p := range r.Paths {
		at[p+1] += at[p]
	}
	list := make([]FileWork, at[len(r.Paths)])
	slice := 0
	rows(func(e *entry, row *facts.Change) {
		slice = sliceAt(cuts, slice, e.when)
		next := &at[row.Path]
		list[*next] = FileWork{first + row.Path, uint32(slice), m.actors[e.actor].person, 1, uint64(row.Added) + uint64(row.Removed)}
		*next++
	})
	merged := list[:0]
	for lo, hi := 0, 0; lo < len(list); lo = hi {
		for hi = lo + 1; hi < len(list) && list[hi].File == list[lo].File && list[hi].Slice == list[lo].Slice; hi++ {
		}
		same := list[lo:hi]
		if len(same) > 1 {
			slices.SortFunc(same, func(a, b FileWork) int { return cmp.Compare(a.Person, b.Person) })
		}
		for i, w := range same {
			if i > 0 && merged[len(merged)-1].Person == w.Person {
				merged[len(merged)-1].Commits += w.Commits
				merged[len(merged)-1].Changed += w.Changed
				continue
			}
			merged = append(merged, w)
		}
	}
	return merged
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
	first := make([]uint32, len(m.repositories)+1)
	var ends []int64
	for rank := range m.repositories {
		first[rank+1] = first[rank] + uint32(len(m.repositories[rank].Paths))
	}
	for _, p := range m.result.Windows {
		if p.Kind != KindRange {
			ends = append(ends, p.To)
		}
	}
	slices.Sort(ends)
	ends = slices.Compact(ends)
	all := make([][][]FileStock, len(m.repositories)) // by rank, then by end
	lines := make([][]personLines, m.workers)         // by worker, then by person
	m.parallel(len(m.repositories), func(worker, rank int) {
		if lines[worker] == nil {
			lines[worker] = make([]personLines, m.sizes.persons)
		}
		all[rank] = m.fileStocks(&m.repositories[rank], first[rank], first[rank+1], ends, lines[worker])
	})
	m.result.FileStocks = make([][]FileStock, len(m.result.Windows))
	for w, p := range m.result.Windows {
		if p.Kind == KindRange {
			continue
		}
		end, _ := slices.BinarySearch(ends, p.To)
		for v := range w { // windows that end together have the same
			if q := m.result.Windows[v]; q.Kind != KindRange && q.To == p.To {
				m.result.FileStocks[w] = m.result.FileStocks[v]
			}
		}
		if m.result.FileStocks[w] == nil {
			m.result.FileStocks[w] = join(m, all, end)
		}
	}
}

// personLines are what stands of a person in the file that was looked at last.
type personLines struct {
	lines int64
	file  uint32 // counted from 1, so that 0 is none
}

// fileStocks gives by end the stocks of a repository, whose files are numbered first to last-1.
func (m *measurement) fileStocks(r *mined, first, last uint32, ends []int64, by []personLines) [][]FileStock {
	start := func(file uint32) int {
		return sort.Search(len(m.result.Files), func(i int) bool { return m.result.Files[i].File >= file })
	}
	work := m.result.Files[start(first):start(last)]
	// Where the rows of each shared file begin among all that are of such files.
	at := make([]uint32, len(r.Paths)+1)
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
	persons := make([]uint32, len(r.writers)) // facts.None of those that do not count
	for i := range r.writers {
		if persons[i] = facts.None; m.counts(r.writers[i].side) {
			persons[i] = r.writers[i].person
		}
	}
	// What a row says is copied to where its file's rows are, so that memory is read in its order.
	type row struct {
		person, step uint32
		lines        int32
	}
	rows := make([]row, at[len(r.Paths)])
	end := slices.Clone(at) // by file: behind the last of its rows that count
	nobody := uint32(len(r.Commits))
	for i := range r.Survival {
		s := &r.Survival[i]
		if !shared[s.Path] {
			continue
		}
		if person := persons[r.origins[min(s.Commit, nobody)].writer]; person != facts.None {
			rows[end[s.Path]] = row{person, s.Step, s.Lines}
			end[s.Path]++
		}
	}
	until := make([]uint32, len(ends))
	for i, t := range ends {
		until[i] = uint32(r.step(t))
	}
	out := make([][]FileStock, len(ends))
	var met []uint32
	for p := range r.Paths {
		file, own := first+uint32(p), rows[at[p]:end[p]]
		met = met[:0]
		for i := range ends {
			n := 0
			for n < len(own) && own[n].step < until[i] { // rows go by steps
				s := &own[n]
				n++
				of := &by[s.person]
				if of.file != file+1 {
					*of = personLines{file: file + 1}
					met = append(met, s.person)
				}
				of.lines += int64(s.lines)
			}
			own = own[n:]
			before := len(out[i])
			for _, person := range met {
				if n := by[person].lines; n > 0 { // few of many
					out[i] = append(out[i], FileStock{file, person, uint32(min(n, math.MaxUint32))})
				}
			}
			slices.SortFunc(out[i][before:], func(a, b FileStock) int { return cmp.Compare(a.Person, b.Person) })
		}
	}
	for i := range out {
		out[i] = spill.Keep(m.in.Spill, out[i])
	}
	return out
}
