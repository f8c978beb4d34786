package measure

import (
	"fmt"
	"slices"
	"time"

	"orrery/analyzer/facts"
	"orrery/analyzer/facts/spill"
	"orrery/analyzer/paths"
	"orrery/analyzer/people"
)

// Stock is a number of surviving lines: text lines of a snapshot, each on the side of the commit that wrote it by git blame.
type Stock struct {
	Lines uint64 `json:"lines"`
	Here  uint64 `json:"lines_here"` // of them in files that are written here: [paths.Class.Written]
}

// Plus adds two stocks.
func (s Stock) Plus(o Stock) Stock { return Stock{s.Lines + o.Lines, s.Here + o.Here} }

// StockRow is what survives of one organization, one unknown class, one kind of machine, or of nobody known.
type StockRow struct {
	// Organization, Name, Class, Outside and Client are as those of [Row]. Lines whose commit is not known have the row [RowNobody]: they
	// are part of U.
	Organization int
	Name         string
	Class        people.Class
	Outside      bool
	Client       string
	// Apart reads contractors as firms of their own, Merged as part of their client. Bulk imports stand beside both.
	Apart, Merged, ApartBulk, MergedBulk Stock
}

// RowNobody is the name of the row of lines that stood in a file before it could be read: who wrote them is not known.
const RowNobody = "nobody known"

// Surviving is what stands at the end of a period, as parts that exclude one another: their sum is Growth.Lines.
type Surviving struct {
	Known, Unknown, Bulk, Bots, Agents Stock
	// Rows are the organizations with lines, most first, then as in Figures.Rows; those without lines are left out.
	Rows []StockRow
}

// Total is T = K + U.
func (s *Surviving) Total() Stock { return s.Known.Plus(s.Unknown) }

// All is every line.
func (s *Surviving) All() Stock { return s.Total().Plus(s.Bulk).Plus(s.Bots).Plus(s.Agents) }

// KindRow is the part of a scope in a period that lies in files of a class, or of a language. The log's lines are of commits dated in the
// period; what stands is that of its end.
type KindRow struct {
	Class    paths.Class // all languages, if Language is empty
	Language string      // of the rows by language; "" where none is known
	// Added and Removed are lines of the log by T; bulk imports, and bots with AI agents, stand beside them.
	Added, Removed, BulkAdded, BulkRemoved, MachineAdded, MachineRemoved uint64
	Stock
	Files uint64 // with at least one line at the end
}

func (k *KindRow) add(o *KindRow) {
	k.Added += o.Added
	k.Removed += o.Removed
	k.BulkAdded += o.BulkAdded
	k.BulkRemoved += o.BulkRemoved
	k.MachineAdded += o.MachineAdded
	k.MachineRemoved += o.MachineRemoved
	k.Stock = k.Plus(o.Stock)
	k.Files += o.Files
}

// Strata are the surviving lines of the ecosystem at the end of every month. Each list of layers holds all lines.
type Strata struct {
	Months []Period
	// Organizations are in the order of the organizations' names, then the unknown classes, nobody known, bots, AI agents, bulk imports.
	Organizations []Layer
	Classes       []Layer // by path class
	Languages     []Layer // by name; "" is none known
	Years         []Layer // by author date of the commit that wrote the lines; InvalidDate first
	Subsystems    []Layer // by name; none if no repository has one
	Repositories  []Layer // by key
	// People says when the lines of a person changed, by month and person: between two rows nothing does. Machines are among them.
	People []PersonMonth
	// Cohorts cross years of writing with organizations, by window, at its end.
	Cohorts [][]Cohort
}

// Layer is one part of all surviving lines, month by month.
type Layer struct {
	Name         string
	Organization int // of layers of organizations: an index, else people.NoOrganization
	Class        people.Class
	Outside      bool
	Client       string
	// Stocks and Bulk are parallel to Strata.Months. Bulk is nil but for organizations: imports on behalf of it stand beside Stocks, all
	// of them in the layer [RowBulk].
	Stocks, Bulk []Stock
}

// PersonMonth is what survives of a person at a month's end.
type PersonMonth struct {
	Month  int // into Strata.Months
	Person int // into the resolution's Persons
	Stock
	Bulk Stock // imports, beside it
}

// Cohort is what survives at a moment of what an organization wrote in a year.
type Cohort struct {
	Name         string // that of the row in Figures.Surviving
	Organization int
	Year         string // or InvalidDate
	Stock
}

// Years of writing: the first is no valid date.
const (
	firstYear = 1990
	numYears  = 2100 - firstYear + 2 // what is dated a day after the last day is still valid
)

func yearName(i int) string {
	if i == 0 {
		return InvalidDate
	}
	return fmt.Sprint(firstYear + i - 1)
}

// level is a running number of lines. It can be below zero only while a step goes on.
type level struct{ lines, here int64 }

func (l *level) add(n, here int64) {
	l.lines += n
	l.here += n * here
}

func (l *level) plus(o level) {
	l.lines += o.lines
	l.here += o.here
}

// stock is a level that is known to hold no more written here than in all, and nothing below zero.
func (l level) stock() Stock { return Stock{uint64(l.lines), uint64(l.here)} }

// writer is a person on one side, in one repository.
type writer struct {
	side, person uint32 // see sides; facts.None for nobody
	account      uint32 // see account
	bulk         bool
}

// origin is what a commit tells of its lines. Rows of survival ask for it in no order, so it is small.
type origin struct {
	writer uint32 // of the repository
	year   uint32
}

// kind is a class and language of paths, in one repository.
type kind struct {
	class    paths.Class
	language uint32 // into measurement.languages
	here     int64  // 1 if it is written here
	lines    int64
	files    int64
}

// holding is what survives of a side in a repository at a moment.
type holding struct {
	side uint32
	Stock
}

// standing is a repository at the end of a window.
type standing struct {
	held  []holding // by side
	kinds []KindRow // parallel to the repository's kinds
}

// survivors is what the pass over a repository's survival needs.
type survivors struct {
	classified *paths.Classified
	kinds      []kind
	kindOf     []uint32 // of Paths, into kinds
	origins    []origin // of Commits, and one more for nobody
	writers    []writer
	pathLines  []int32 // of Paths
	next       int     // row of Survival
	windows    []standing
}

// Sides are the buckets, then bulk imports on behalf of the buckets, then nobody known.
func (m *measurement) bulkSide(bucket uint32) uint32 { return uint32(m.sizes.buckets) + bucket }
func (m *measurement) nobody() uint32                { return uint32(2 * m.sizes.buckets) }
func (m *measurement) sides() int                    { return 2*m.sizes.buckets + 1 }

// classify gives every path its kind, and every repository its languages a place among the ecosystem's.
func (m *measurement) classify() error {
	names := map[string]uint32{"": 0}
	for i := range m.repositories {
		r := &m.repositories[i]
		c := r.classified
		if c == nil {
			// Nothing is told apart.
			c = &paths.Classified{Class: make([]paths.Class, len(r.Paths)), Language: make([]uint16, len(r.Paths)), Languages: []string{""}}
			r.classified = c
		}
		if len(c.Class) != len(r.Paths) || len(c.Language) != len(r.Paths) {
			return fmt.Errorf("measuring %s: classes and languages of %d and %d paths, but there are %d", r.Repository.Key, len(c.Class), len(c.Language), len(r.Paths))
		}
		for _, name := range c.Languages {
			names[name] = 0
		}
	}
	for name := range names {
		m.languages = append(m.languages, name)
	}
	slices.Sort(m.languages)
	for i, name := range m.languages {
		names[name] = uint32(i)
	}
	for i := range m.repositories {
		r := &m.repositories[i]
		r.kindOf = make([]uint32, len(r.Paths))
		index := map[kind]uint32{}
		for p, class := range r.classified.Class {
			at := r.classified.Language[p]
			if class >= paths.NumClasses || int(at) >= max(len(r.classified.Languages), 1) {
				return fmt.Errorf("measuring %s: path %d has class %d and language %d", r.Repository.Key, p, class, at)
			}
			k := kind{class: class}
			if int(at) < len(r.classified.Languages) {
				k.language = names[r.classified.Languages[at]]
			}
			if class.Written() {
				k.here = 1
			}
			n, ok := index[k]
			if !ok {
				n = uint32(len(r.kinds))
				index[k] = n
				r.kinds = append(r.kinds, k)
			}
			r.kindOf[p] = n
		}
		r.kindOf = spill.Keep(m.aside, r.kindOf)
		r.windows = make([]standing, len(m.result.Windows))
		for w := range r.windows {
			r.windows[w].kinds = make([]KindRow, len(r.kinds))
			for k := range r.kinds {
				r.windows[w].kinds[k].Class, r.windows[w].kinds[k].Language = r.kinds[k].class, m.languages[r.kinds[k].language]
			}
		}
	}
	return nil
}

// workByKind adds the log's lines of every window up by kinds.
func (m *measurement) workByKind(r *mined) {
	entries := m.entries[r.entries.Lo:r.entries.Hi]
	for i := range r.Commits {
		e := &entries[i]
		if e.state == merge || e.state == duplicate {
			continue
		}
		for w, p := range m.result.Windows {
			if !r.holds(p, uint32(i), e.when) {
				continue
			}
			kinds := r.windows[w].kinds
			for j := r.Commits[i].Changes.Lo; j < r.Commits[i].Changes.Hi; j++ {
				c := &r.Changes[j]
				k := &kinds[r.kindOf[c.Path]]
				added, removed := uint64(c.Added), uint64(c.Removed)
				switch e.state {
				case counted:
					k.Added, k.Removed = k.Added+added, k.Removed+removed
				case bulk:
					k.BulkAdded, k.BulkRemoved = k.BulkAdded+added, k.BulkRemoved+removed
				default:
					k.MachineAdded, k.MachineRemoved = k.MachineAdded+added, k.MachineRemoved+removed
				}
			}
		}
	}
}

// originsOf says of every commit on whose side its lines are. Lines of merges are their author's, as git blame has it.
func (m *measurement) originsOf(r *mined) error {
	resolution := m.in.Resolution
	persons := resolution.Person[r.position]
	type key struct{ side, person uint32 }
	index := map[key]uint32{}
	r.origins = make([]origin, len(r.Commits)+1)
	entries := m.entries[r.entries.Lo:r.entries.Hi]
	intern := func(k key) uint32 {
		n, ok := index[k]
		if !ok {
			n = uint32(len(r.writers))
			index[k] = n
			w := writer{side: k.side, person: k.person, bulk: int(k.side) >= m.sizes.buckets && k.side != m.nobody()}
			if w.account = 2 * uint32(m.sizes.persons); k.person != facts.None {
				w.account = account(k.person, w.bulk)
			}
			r.writers = append(r.writers, w)
		}
		return n
	}
	// The last writer of each signature is the likely one.
	last := make([]uint32, len(r.Signatures))
	for i := range last {
		last[i] = facts.None
	}
	years := newGrid(yearStarts())
	for i := range r.Commits {
		c, e, o := &r.Commits[i], &entries[i], &r.origins[i]
		var bucket uint32
		if e.actor != facts.None {
			bucket = m.actors[e.actor].bucket
		} else {
			var err error
			if bucket, err = m.bucket(resolution.Attribute(r.position, c.Author, c.Authored), &resolution.Persons[persons[c.Author]]); err != nil {
				return fmt.Errorf("commit %s is attributed to %w", c.ID, err)
			}
		}
		if e.imported {
			bucket = m.bulkSide(bucket)
		}
		if o.writer = last[c.Author]; o.writer == facts.None || r.writers[o.writer].side != bucket {
			o.writer = intern(key{bucket, persons[c.Author]})
			last[c.Author] = o.writer
		}
		o.year = uint32(years.cell(e.when))
	}
	r.origins[len(r.Commits)] = origin{writer: intern(key{m.nobody(), facts.None})}
	r.pathLines = make([]int32, len(r.Paths))
	r.origins, r.writers = spill.Keep(m.aside, r.origins), spill.Keep(m.aside, r.writers)
	return nil
}

// yearStarts are the moments at which the years of writing begin; what is not dated is before all of them.
func yearStarts() (starts []int64) {
	for y := range numYears - 1 {
		starts = append(starts, time.Date(firstYear+y, 1, 1, 0, 0, 0, 0, time.UTC).Unix())
	}
	return starts
}

// checkSurvival makes sure that the rows are in order, point somewhere, and add up to what each step adds and removes.
func (m *measurement) checkSurvival(r *mined) error {
	if !m.in.Survival {
		return nil
	}
	i := 0
	for s := range r.Steps {
		var sum int64
		for ; i < len(r.Survival) && r.Survival[i].Step == uint32(s); i++ {
			row := &r.Survival[i]
			if int(row.Path) >= len(r.Paths) || int(row.Commit) >= len(r.Commits) && row.Commit != facts.None {
				return fmt.Errorf("surviving lines of step %d point outside of the facts", s)
			}
			sum += int64(row.Lines)
		}
		if want := int64(r.Steps[s].Added - r.Steps[s].Removed); sum != want {
			return &LawError{Law{
				Name: fmt.Sprintf("%s: surviving lines of snapshot %s change by lines added - removed", r.Repository.Key, r.Commits[r.Steps[s].Commit].ID),
				Left: sum, Right: want,
			}}
		}
	}
	if i < len(r.Survival) {
		return fmt.Errorf("surviving lines of step %d are not in the order of %d steps", r.Survival[i].Step, len(r.Steps))
	}
	return nil
}
