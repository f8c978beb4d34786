package control

import (
	"cmp"
	"encoding/binary"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"orrery/analyzer/facts"
	"orrery/analyzer/people"
)

// Rules of removal.
const (
	// ActiveDays is how far back from the day somebody must have a commit to count as active.
	ActiveDays = 365
	// everybodys is the number of people from which on a file that they changed in that time ties nobody to anybody: build files and lists
	// are everybody's.
	everybodys = 30
)

// Removal tells what an ecosystem is without some organizations from a day on, by arithmetic: nobody takes over, nobody is hired, nothing is
// forked. It is no forecast.
//
// Amounts that hang on people whose organization is not known are ranges: Low takes none of them for the organizations' own, High all.
type Removal struct {
	Organizations []int
	At            int64
	// Repositories are those with an active author or a maintainer; Files and Lines those (of files written here) with either.
	Repositories, Files, Lines Exposed
	// Dormant are the lines whose authors are no longer active and that nobody guards: nobody's already.
	Dormant uint64
	// Authors are active persons, Commits what they did in the days before, Reviewers those who let in, approved or reviewed, Reviews how often.
	Authors, Commits, Reviewers, Reviews Exposed
	// Components are the groups of people that shared files connect, before and after; Largest is the number of people in the largest one.
	// Without those of the unknown organizations' people that would go: the low reading.
	Before, After Components
}

// Exposed is the part of a whole that is left to nobody.
type Exposed struct{ Low, High, Whole uint64 }

// Components are groups of people.
type Components struct{ Groups, Largest, People int }

// Exposure answers what is left without organizations, for one moment.
type Exposure struct {
	at           int64
	in           Input
	parties      []party // by set of people that something hangs on
	repositories []party
	authors      map[int]int         // active person -> organization, or unknown
	commits      map[int]uint64      // of active persons
	reviews      map[int]uint64      // by person or mention
	reviewerOf   map[int]int         // the same -> organization, or unknown
	links        map[[2]uint32][]int // file -> persons who changed it
	dormant      uint64
	weight       []uint64 // commits by organization
	files        []hanging
	side         func(people.Attribution) int
}

// hanging is a file that something hangs on.
type hanging struct {
	repository, party int32
	path              uint32
	lines             uint64
}

// Unit is a part of an ecosystem, as a repository or a folder, and what of it is left to nobody.
type Unit struct {
	Name string
	// Files and Lines are those that somebody is active on or guards, Commits those of the days before that changed anything in it.
	Files, Lines, Commits Exposed
}

// party is a set of organizations that something hangs on.
type party struct {
	organizations []int32 // ascending; unknown first
	files, lines  uint64
}

const unknown = -1

// side is the organization that a person counts for: contractors for their client.
func (m *measurement) side(a people.Attribution) int {
	if a.Organization == people.NoOrganization {
		return unknown
	}
	if o := &m.in.Resolution.Organizations[a.Organization]; o.Class == people.Contractor && o.Client != people.NoOrganization {
		return o.Client
	}
	return a.Organization
}

// Expose prepares answers for the moment Input.At. Contractors go with their client.
func (b *Book) Expose(in Input) *Exposure {
	m := &measurement{Book: b, in: in}
	m.aim()
	e := &Exposure{
		at: in.At, in: in, authors: map[int]int{}, commits: map[int]uint64{}, reviews: map[int]uint64{}, reviewerOf: map[int]int{},
		links: map[[2]uint32][]int{}, weight: make([]uint64, len(in.Resolution.Organizations)), side: m.side,
	}
	e.active(m, true)
	e.reviewers(m)
	e.hang(m)
	return e
}

// active finds who has a commit in the days before, and for whom most of theirs are; and, if linked, who shares which files.
func (e *Exposure) active(m *measurement, linked bool) {
	res := e.in.Resolution
	from := e.at - ActiveDays*24*60*60
	type work struct{ person, side int }
	counts := map[work]uint64{}
	met := map[facts.ID]bool{}
	for i, r := range e.in.Repositories {
		for row := range r.Commits {
			c := &r.Commits[row]
			if c.IsMerge() || !c.Authored.Valid || c.Authored.Unix <= from || c.Authored.Unix > e.at || met[c.ID] {
				continue
			}
			met[c.ID] = true
			a := res.Attribute(i, c.Author, c.Authored)
			if a.Class.Machine() {
				continue
			}
			person := int(res.Person[i][c.Author])
			counts[work{person, m.side(a)}]++
			e.commits[person]++
			if !linked {
				continue
			}
			for k := c.Changes.Lo; k < c.Changes.Hi; k++ {
				file := [2]uint32{uint32(i), r.Changes[k].Path}
				if !slices.Contains(e.links[file], person) {
					e.links[file] = append(e.links[file], person)
				}
			}
		}
	}
	best := map[int]uint64{}
	for w, n := range counts {
		if n > best[w.person] || n == best[w.person] && w.side < e.authors[w.person] {
			best[w.person], e.authors[w.person] = n, w.side
		}
		if w.side != unknown {
			e.weight[w.side] += n
		}
	}
}

// reviewers finds who reviewed, approved or took in the changes of others in the days before.
func (e *Exposure) reviewers(m *measurement) {
	from := e.at - ActiveDays*24*60*60
	m.changes(func(done []deed) {
		for _, d := range done {
			if d.When.Valid && d.When.Unix > from && d.When.Unix <= e.at && !d.machine {
				e.reviews[d.person]++
				e.reviewerOf[d.person] = m.side(d.by)
			}
		}
	})
}

// hang finds for every file and every repository whom it hangs on: the authors of its lines who are still active, and those who guard it.
func (e *Exposure) hang(m *measurement) {
	res := e.in.Resolution
	when := Moment(e.at)
	groups := make([][]int, len(e.in.Repositories))
	for i := range m.Seats {
		if s := &m.Seats[i]; s.Guarded != nil && s.Holds(e.at) {
			for _, r := range m.targets[i] {
				groups[r] = append(groups[r], i)
			}
		}
	}
	sideOf := map[int]int{} // of mentions
	holder := func(mention int) (side int, machine bool) {
		side, ok := sideOf[mention]
		if !ok {
			a := res.AttributeMention(mention, when)
			side = m.side(a)
			if a.Class.Machine() {
				side = math.MinInt32
			}
			sideOf[mention] = side
		}
		return side, side == math.MinInt32
	}
	byKey := map[string]int{}
	key := make([]byte, 0, 64)
	for i, r := range e.in.Repositories {
		lines, owners, from := e.standing(i)
		g := m.guards[i].guardians(e.at)
		whole := party{}
		for p, n := range lines {
			if n <= 0 || e.in.Paths[i] != nil && !e.in.Paths[i].Class[p].Written() {
				continue
			}
			of := e.authorsOf(owners[from[p]:from[p+1]])
			var seats []int
			if !g.none() {
				seats = g.of(r.Paths[p])
			}
			if seats == nil {
				seats = groups[i]
			}
			for _, s := range seats {
				if side, machine := holder(m.Seats[s].Mention); !machine {
					of = append(of, int32(side))
				}
			}
			slices.Sort(of)
			of = slices.Compact(of)
			if len(of) == 0 {
				e.dormant += uint64(n)
				continue
			}
			whole.organizations = append(whole.organizations, of...)
			key = key[:0]
			for _, o := range of {
				key = binary.LittleEndian.AppendUint32(key, uint32(o))
			}
			at, ok := byKey[string(key)]
			if !ok {
				at = len(e.parties)
				byKey[string(key)] = at
				e.parties = append(e.parties, party{organizations: of})
			}
			e.files = append(e.files, hanging{int32(i), int32(at), uint32(p), uint64(n)})
			e.parties[at].files++
			e.parties[at].lines += uint64(n)
		}
		for k := range r.Commits { // who is active here may own no line that stands
			c := &r.Commits[k]
			if c.IsMerge() || !c.Authored.Valid || c.Authored.Unix <= e.at-ActiveDays*24*60*60 || c.Authored.Unix > e.at {
				continue
			}
			if side, ok := e.authors[int(res.Person[i][c.Author])]; ok {
				whole.organizations = append(whole.organizations, int32(side))
			}
		}
		slices.Sort(whole.organizations)
		if whole.organizations = slices.Compact(whole.organizations); len(whole.organizations) > 0 {
			e.repositories = append(e.repositories, whole)
		}
	}
}

// owned are lines of a person in a path.
type owned struct {
	person uint32
	lines  int32
}

// standing gives by path the lines of a repository that stand at the moment, and those of them that active authors wrote: of path p in
// owners[from[p]:from[p+1]], by person.
func (e *Exposure) standing(repository int) (lines []int64, owners []owned, from []uint32) {
	r := e.in.Repositories[repository]
	persons := e.in.Resolution.Person[repository]
	active := make([]bool, len(persons)) // by signature: there are far more rows
	for s, person := range persons {
		_, active[s] = e.authors[int(person)]
	}
	lines, from = make([]int64, len(r.Paths)), make([]uint32, len(r.Paths)+1)
	each := func(do func(s *facts.Survival, author uint32)) {
		for k := range r.Survival {
			s := &r.Survival[k]
			if r.Steps[s.Step].Clock > e.at || s.Commit == facts.None {
				continue
			}
			if author := r.Commits[s.Commit].Author; active[author] {
				do(s, author)
			}
		}
	}
	for k := range r.Survival {
		if s := &r.Survival[k]; r.Steps[s.Step].Clock <= e.at {
			lines[s.Path] += int64(s.Lines)
		}
	}
	// Rows are millions and those of a path few, so paths are told apart by counting.
	each(func(s *facts.Survival, _ uint32) { from[s.Path+1]++ })
	for p := range r.Paths {
		from[p+1] += from[p]
	}
	owners = make([]owned, from[len(r.Paths)])
	next := slices.Clone(from)
	each(func(s *facts.Survival, author uint32) {
		owners[next[s.Path]] = owned{persons[author], s.Lines}
		next[s.Path]++
	})
	return lines, owners, from
}

// authorsOf gives the sides of those who wrote lines of a path that stand; owners are sorted for it.
func (e *Exposure) authorsOf(owners []owned) (sides []int32) {
	slices.SortFunc(owners, func(a, b owned) int { return cmp.Compare(a.person, b.person) })
	for len(owners) > 0 {
		person, lines := owners[0].person, int64(0)
		for ; len(owners) > 0 && owners[0].person == person; owners = owners[1:] {
			lines += int64(owners[0].lines)
		}
		if lines > 0 {
			sides = append(sides, int32(e.authors[int(person)]))
		}
	}
	return sides
}

// exposed gives each organization the lines that hang on it alone, as [Exposure.Without] it, and what everybody has of them at the least.
func (m *measurement) exposed(t *table) Exposed {
	e := &Exposure{at: m.in.At, in: m.in, authors: map[int]int{}, commits: map[int]uint64{}, weight: make([]uint64, len(m.in.Resolution.Organizations))}
	e.active(m, false)
	e.hang(m)
	whole, nobodys := uint64(0), uint64(0)
	for i := range e.parties {
		p := &e.parties[i]
		whole += p.lines
		switch of := p.organizations; {
		case of[0] != unknown && len(of) == 1:
			t.organizations[of[0]].Exposed.Low += p.lines
			t.organizations[of[0]].Exposed.High += p.lines
		case of[0] == unknown && len(of) == 1:
			nobodys += p.lines
		case of[0] == unknown && len(of) == 2:
			t.organizations[of[1]].Exposed.High += p.lines
		}
	}
	for i := range t.organizations {
		x := &t.organizations[i].Exposed
		x.High, x.Whole = x.High+nobodys, whole
	}
	return Exposed{High: nobodys, Whole: whole}
}

// Without tells what is left without some organizations.
func (e *Exposure) Without(organizations ...int) Removal {
	gone := make([]bool, len(e.in.Resolution.Organizations))
	for _, o := range organizations {
		gone[o] = true
	}
	out := Removal{Organizations: organizations, At: e.at, Dormant: e.dormant}
	count := func(x *Exposed, side int, n uint64) {
		x.Whole += n
		if side == unknown {
			x.High += n
		} else if gone[side] {
			x.Low += n
			x.High += n
		}
	}
	sum := func(x *Exposed, p *party, n uint64) {
		low, high := p.hangs(gone)
		x.Whole += n
		if low {
			x.Low += n
		}
		if high {
			x.High += n
		}
	}
	for i := range e.parties {
		sum(&out.Files, &e.parties[i], e.parties[i].files)
		sum(&out.Lines, &e.parties[i], e.parties[i].lines)
	}
	for i := range e.repositories {
		sum(&out.Repositories, &e.repositories[i], 1)
	}
	for person, side := range e.authors {
		count(&out.Authors, side, 1)
		count(&out.Commits, side, e.commits[person])
	}
	for person, side := range e.reviewerOf {
		count(&out.Reviewers, side, 1)
		count(&out.Reviews, side, e.reviews[person])
	}
	out.Before = e.components(func(int) bool { return true })
	out.After = e.components(func(person int) bool { side := e.authors[person]; return side == unknown || !gone[side] })
	return out
}

// Units tells what is left of each part without some organizations. unit names the part that a file belongs to, "" for none; parts are in the
// order of their names.
func (e *Exposure) Units(unit func(repository int, path string) string, organizations ...int) []Unit {
	gone := make([]bool, len(e.in.Resolution.Organizations))
	for _, o := range organizations {
		gone[o] = true
	}
	units := map[string]*Unit{}
	of := func(repository int, path uint32) *Unit {
		name := unit(repository, e.in.Repositories[repository].Paths[path])
		if name == "" {
			return nil
		}
		if units[name] == nil {
			units[name] = &Unit{Name: name}
		}
		return units[name]
	}
	for i := range e.files {
		f := &e.files[i]
		u := of(int(f.repository), f.path)
		if u == nil {
			continue
		}
		low, high := e.parties[f.party].hangs(gone)
		for _, x := range [...]struct {
			to *Exposed
			n  uint64
		}{{&u.Files, 1}, {&u.Lines, f.lines}} {
			x.to.Whole += x.n
			if low {
				x.to.Low += x.n
			}
			if high {
				x.to.High += x.n
			}
		}
	}
	met := map[facts.ID]bool{}
	for i, r := range e.in.Repositories {
		for row := range r.Commits {
			c := &r.Commits[row]
			if c.IsMerge() || !c.Authored.Valid || c.Authored.Unix <= e.at-ActiveDays*24*60*60 || c.Authored.Unix > e.at || met[c.ID] {
				continue
			}
			met[c.ID] = true
			a := e.in.Resolution.Attribute(i, c.Author, c.Authored)
			if a.Class.Machine() {
				continue
			}
			side := e.side(a)
			touched := map[*Unit]bool{}
			for k := c.Changes.Lo; k < c.Changes.Hi; k++ {
				u := of(i, r.Changes[k].Path)
				if u == nil || touched[u] {
					continue
				}
				touched[u] = true
				u.Commits.Whole++
				if side == unknown {
					u.Commits.High++
				} else if gone[side] {
					u.Commits.Low++
					u.Commits.High++
				}
			}
		}
	}
	list := make([]Unit, 0, len(units))
	for _, name := range slices.Sorted(maps.Keys(units)) {
		list = append(list, *units[name])
	}
	return list
}

// hangs says whether something is left to nobody, at the least and at the most.
func (p *party) hangs(gone []bool) (low, high bool) {
	low, high = true, true
	for _, o := range p.organizations {
		low = low && o != unknown && gone[o]
		high = high && (o == unknown || gone[o])
	}
	return low, high
}

// components groups the people that are left by the files that they share.
func (e *Exposure) components(left func(person int) bool) (c Components) {
	parent := map[int]int{}
	find := func(p int) int {
		for parent[p] != p {
			parent[p] = parent[parent[p]]
			p = parent[p]
		}
		return p
	}
	for person := range e.authors {
		if left(person) {
			parent[person] = person
			c.People++
		}
	}
	for _, persons := range e.links {
		if len(persons) > everybodys {
			continue
		}
		first := unknown
		for _, p := range persons {
			if _, ok := parent[p]; !ok {
				continue
			}
			if first == unknown {
				first = p
			} else if a, b := find(first), find(p); a != b {
				parent[max(a, b)] = min(a, b)
			}
		}
	}
	sizes := map[int]int{}
	for p := range parent {
		sizes[find(p)]++
	}
	c.Groups = len(sizes)
	for _, n := range sizes {
		c.Largest = max(c.Largest, n)
	}
	return c
}

// Largest gives the organizations with the most commits in the days before, most first.
func (e *Exposure) Largest() (organizations []int) {
	for o, n := range e.weight {
		if n > 0 {
			organizations = append(organizations, o)
		}
	}
	slices.SortStableFunc(organizations, func(a, b int) int { return cmp.Compare(e.weight[b], e.weight[a]) })
	return organizations
}

// Random gives organizations in an order that is drawn once for all: the curve that the one by size is held against.
func (e *Exposure) Random(seed uint64) []int {
	all := e.Largest()
	slices.Sort(all)
	rng := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // it has to be the same every time
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// At gives the moment, in Unix seconds.
func (e *Exposure) At() int64 { return e.at }
