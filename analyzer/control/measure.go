package control

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"orrery/analyzer/facts"
	"orrery/analyzer/paths"
	"orrery/analyzer/people"
)

// Input is what figures of control are made of. Lists are parallel to the repositories that [Read] was given.
type Input struct {
	Repositories []*facts.Repository
	Resolution   *people.Resolution // made with Book.Mentions as its mentions
	Paths        []*paths.Classified
	// Names are what group files call the repositories: "openeuler/iSulad"; "" where that is not known.
	Names []string
	// At is the moment that seats and lines are of, in Unix seconds.
	At int64
	// Windows are the periods that reviews are of.
	Windows []Window
}

// Window is a period [From, To) in Unix seconds.
type Window struct {
	Name     string
	From, To int64
}

// Part is what one organization holds or did.
type Part struct {
	Seats   int // a person, a role and what it is for
	Holders int // persons with a seat
	// Guarded are surviving lines of files written here that its people guard; a line with several guardians is divided evenly. Alone are
	// those that nobody else guards.
	Guarded, Alone float64
	// Touched is how often commits of the 365 days before changed the files that its people guard, divided likewise: guarding weighted by work.
	Touched float64
}

func (p *Part) add(o Part) {
	p.Seats += o.Seats
	p.Guarded += o.Guarded
	p.Alone += o.Alone
	p.Touched += o.Touched
}

// Acts counts what was done with changes of others.
type Acts struct{ Reviews, Approvals, Integrations int }

func (a *Acts) add(o Acts) {
	a.Reviews += o.Reviews
	a.Approvals += o.Approvals
	a.Integrations += o.Integrations
}

// All is their sum.
func (a Acts) All() int { return a.Reviews + a.Approvals + a.Integrations }

// Row is one organization, or one class of people whose organization is not known.
type Row struct {
	Organization int    // an index, or people.NoOrganization
	Name         string // of the class, where there is no organization
	Class        people.Class
	Client       string // of a contractor
	// Apart reads contractors as firms of their own, Merged as part of their client.
	Apart, Merged Part
	// Exposed are the lines of files written here that have no active author and no guardian but its people, contractors among them: the last
	// part of "contributes, owns, reviews, governs, exposed".
	Exposed Exposed
	// Acts are by window: apart, and merged.
	Acts, MergedActs []Acts
}

// Result is who controls an ecosystem at a moment.
type Result struct {
	At      int64
	Windows []Window
	// Rows are those with a seat or a review, most guarded lines first, then seats, then names; unknown classes last.
	Rows []Row
	// Lines are the surviving lines of files written here, Stated those in the care of somebody.
	Lines, Stated uint64
	// Touches counts changes of such files by commits of the 365 days before, StatedTouches those of files in the care of somebody.
	Touches, StatedTouches uint64
	// Repositories counts those with a file that states anything, of All.
	Repositories, All int
	// Elsewhere counts seats that are for repositories that were not read.
	Elsewhere int
	// Teams counts seats of teams (@org/team) whose members nobody states: no forge was asked for them, and no ecosystem file names them. They
	// are among those of nobody known.
	Teams int
	// Exposed is the part of every organization: the lines that hang on people of unknown organizations alone may be its.
	Exposed Exposed
	// Years are seats by organization at the end of every year, oldest first.
	Years []Year
	// Machines counts acts of machine accounts, which are in no row, by window.
	Machines []int
	// Changed counts the non-merge commits and merges of each window that anybody else than the author reviewed, approved or took in, of
	// Changes that there are.
	Changed, Changes []int
	// Where counts the acts of organizations by repository, in the order of windows, repositories and organizations. Contractors stand apart.
	Where []ActsAt
	// Guarded counts the guarded lines of organizations by repository, in the order of repositories and organizations. Contractors stand apart.
	Guarded []LinesAt
	// People counts them by who did them for whom where, in the order of windows, repositories, persons and sides.
	People []ActsBy
	// Pairs counts them by who did them with whose changes, as far as both are persons, for whom each worked then; in the order of windows and persons.
	Pairs    []ActsWith
	Warnings []string
}

// ActsBy is how often somebody reviewed, approved or took in changes of others in a repository.
type ActsBy struct {
	Window, Repository int
	Person             int // into the resolution's Persons; -1 for accounts of which there is no commit
	Organization       int // or people.NoOrganization, if Class is an unknown one
	Class              people.Class
	Acts               int
}

// ActsWith is how often a person reviewed, approved or took in changes of another one.
type ActsWith struct {
	Window, Person, Author             int
	Organization, OrganizationOf, Acts int
}

// LinesAt are the surviving lines of files written here that people of an organization guard in a repository, as [Part].Guarded.
type LinesAt struct {
	Repository, Organization int
	Lines                    float64
}

// ActsAt is how often people of an organization reviewed, approved or took in changes of others in a repository.
type ActsAt struct {
	Window, Repository, Organization, Acts int
}

// Year is who held how many seats.
type Year struct {
	Year int
	Rows []YearRow
}

// YearRow is an organization's, or a class's, seats at the end of a year.
type YearRow struct {
	Name           string
	Class          people.Class
	Seats, Holders int
}

// measurement carries a book to its result.
type measurement struct {
	*Book
	in      Input
	targets [][]int // by seat: the repositories that it is for
}

// Measure tells who held what at a moment, and who reviewed in windows.
func (b *Book) Measure(in Input) *Result {
	m := &measurement{Book: b, in: in}
	m.aim()
	out := &Result{At: in.At, Windows: in.Windows, All: len(in.Repositories), Warnings: b.Warnings}
	rows := m.rows()
	m.seats(rows, out)
	m.lines(rows, out)
	m.acts(rows, out)
	out.Exposed = m.exposed(rows)
	out.Years = m.years()
	out.Rows = m.merge(rows, out.Exposed.High)
	return out
}

// aim finds the repositories that seats are for.
func (m *measurement) aim() {
	byName := map[string]int{}
	for i, name := range m.in.Names {
		name = strings.ToLower(name)
		if name == "" {
			continue
		}
		byName[name] = i
		owner, base, ok := strings.Cut(name, "/")
		if !ok {
			base = owner
		}
		if _, taken := byName["*/"+base]; !taken {
			byName["*/"+base] = i
		}
	}
	m.targets = make([][]int, len(m.Seats))
	for i := range m.Seats {
		s := &m.Seats[i]
		if s.Guarded == nil {
			m.targets[i] = []int{s.Repository}
			continue
		}
		for _, name := range s.Guarded {
			name = strings.ToLower(strings.Trim(name, "/ "))
			at, ok := byName[name]
			if owner, base, cut := strings.Cut(name, "/"); !ok && !strings.HasPrefix(owner, "src-") {
				if !cut {
					base = owner
				}
				// A mirror lies under another owner's name.
				at, ok = byName["*/"+base]
			}
			if ok && !slices.Contains(m.targets[i], at) {
				m.targets[i] = append(m.targets[i], at)
			}
		}
	}
}

// table are the rows by organization, then by class.
type table struct {
	organizations []Row
	classes       [people.NumClasses]Row
	windows       int
}

func (m *measurement) rows() *table {
	t := &table{organizations: make([]Row, len(m.in.Resolution.Organizations)), windows: len(m.in.Windows)}
	for i := range t.organizations {
		o := &m.in.Resolution.Organizations[i]
		t.organizations[i] = Row{Organization: i, Name: o.Name, Class: o.Class, Acts: make([]Acts, t.windows), MergedActs: make([]Acts, t.windows)}
		if o.Client != people.NoOrganization {
			t.organizations[i].Client = m.in.Resolution.Organizations[o.Client].Name
		}
	}
	for c := range t.classes {
		t.classes[c] = Row{
			Organization: people.NoOrganization, Name: people.Class(c).String(), Class: people.Class(c), Acts: make([]Acts, t.windows), MergedActs: make([]Acts, t.windows),
		}
	}
	return t
}

func (t *table) of(a people.Attribution) *Row {
	if a.Organization != people.NoOrganization {
		return &t.organizations[a.Organization]
	}
	return &t.classes[a.Class]
}

// holder tells people apart: persons by number, whom no commit knows by mention.
func (m *measurement) holder(mention int) int {
	if p := m.in.Resolution.Mentioned[mention].Person; p >= 0 {
		return p
	}
	return -1 - mention
}

// Moment is a time that is known.
func Moment(at int64) facts.Time { return facts.Time{Unix: at, Valid: true} }

// seats counts those that stand at the moment.
func (m *measurement) seats(t *table, out *Result) {
	type holding struct {
		row    *Row
		holder int
	}
	holders := map[holding]bool{}
	stating := make([]bool, len(m.in.Repositories))
	for i := range m.Seats {
		s := &m.Seats[i]
		if !s.Holds(m.in.At) {
			continue
		}
		if len(m.targets[i]) == 0 {
			out.Elsewhere++
		}
		for _, r := range m.targets[i] {
			stating[r] = true
		}
		a := m.in.Resolution.AttributeMention(s.Mention, Moment(m.in.At))
		if a.Class.Machine() {
			continue
		}
		if who := &m.Mentions[s.Mention]; strings.HasPrefix(who.Name, "@") && who.Email == "" && who.Accounts == nil {
			out.Teams++
		}
		row := t.of(a)
		row.Apart.Seats++
		if h := (holding{row, m.holder(s.Mention)}); !holders[h] {
			holders[h] = true
			row.Apart.Holders++
		}
	}
	for _, s := range stating {
		if s {
			out.Repositories++
		}
	}
}

// LinesOf gives the text lines that stand in each path of a repository at a moment.
func LinesOf(r *facts.Repository, at int64) []int64 {
	lines := make([]int64, len(r.Paths))
	for i := range r.Survival {
		if s := &r.Survival[i]; r.Steps[s.Step].Clock <= at {
			lines[s.Path] += int64(s.Lines)
		}
	}
	return lines
}

// touchesOf counts for each path the commits of the 365 days before a moment that changed it; merges are none.
func touchesOf(r *facts.Repository, at int64) []uint32 {
	touches := make([]uint32, len(r.Paths))
	for i := range r.Commits {
		c := &r.Commits[i]
		if c.IsMerge() || !c.Authored.Valid || c.Authored.Unix <= at-ActiveDays*24*60*60 || c.Authored.Unix > at {
			continue
		}
		for k := c.Changes.Lo; k < c.Changes.Hi; k++ {
			touches[r.Changes[k].Path]++
		}
	}
	return touches
}

// lines deals the surviving lines out to those who guard them.
func (m *measurement) lines(t *table, out *Result) {
	groups := make([][]int, len(m.in.Repositories)) // seats that group files give, by repository
	for i := range m.Seats {
		if s := &m.Seats[i]; s.Guarded != nil && s.Holds(m.in.At) {
			for _, r := range m.targets[i] {
				groups[r] = append(groups[r], i)
			}
		}
	}
	when := Moment(m.in.At)
	attribution := map[int]people.Attribution{}
	for i, r := range m.in.Repositories {
		lines := LinesOf(r, m.in.At)
		touches := touchesOf(r, m.in.At)
		g := m.guards[i].guardians(m.in.At)
		guarded := map[int]float64{}
		for p, n := range lines {
			if n <= 0 || m.in.Paths[i] != nil && !m.in.Paths[i].Class[p].Written() {
				continue
			}
			out.Lines += uint64(n)
			out.Touches += uint64(touches[p])
			var seats []int
			if !g.none() {
				seats = g.of(r.Paths[p])
			}
			if seats == nil {
				seats = groups[i]
			}
			if len(seats) == 0 {
				continue
			}
			var holders []int
			var attributions []people.Attribution
			for _, s := range seats {
				mention := m.Seats[s].Mention
				h := m.holder(mention)
				if slices.Contains(holders, h) {
					continue
				}
				a, ok := attribution[mention]
				if !ok {
					a = m.in.Resolution.AttributeMention(mention, when)
					attribution[mention] = a
				}
				if !a.Class.Machine() {
					holders, attributions = append(holders, h), append(attributions, a)
				}
			}
			if len(holders) == 0 {
				continue
			}
			out.Stated += uint64(n)
			out.StatedTouches += uint64(touches[p])
			alone := true
			for _, a := range attributions {
				alone = alone && a.Organization == attributions[0].Organization && a.Class.Known()
				t.of(a).Apart.Guarded += float64(n) / float64(len(holders))
				guarded[a.Organization] += float64(n) / float64(len(holders))
				t.of(a).Apart.Touched += float64(touches[p]) / float64(len(holders))
			}
			if alone {
				t.of(attributions[0]).Apart.Alone += float64(n)
			}
		}
		for _, o := range slices.Sorted(maps.Keys(guarded)) {
			if o != people.NoOrganization {
				out.Guarded = append(out.Guarded, LinesAt{i, o, guarded[o]})
			}
		}
	}
}

// acts counts what was done with changes of others, each person once for a commit and a kind.
func (m *measurement) acts(t *table, out *Result) {
	out.Machines, out.Changed, out.Changes = make([]int, t.windows), make([]int, t.windows), make([]int, t.windows)
	for _, r := range m.in.Repositories {
		for c := range r.Commits {
			for w := range m.in.Windows {
				if m.in.Windows[w].holds(r.Commits[c].Committed) {
					out.Changes[w]++
				}
			}
		}
	}
	where := map[ActsAt]int{}
	by, with := map[ActsBy]int{}, map[ActsWith]int{}
	m.changes(func(done []deed) {
		others := false
		author, authorFor := m.authorOf(done[0])
		for _, d := range done {
			others = others || !d.machine
			for w := range m.in.Windows {
				if !m.in.Windows[w].holds(d.When) {
					continue
				}
				if d.machine {
					out.Machines[w]++
					continue
				}
				if d.by.Organization != people.NoOrganization {
					where[ActsAt{Window: w, Repository: d.repository, Organization: d.by.Organization}]++
				}
				by[ActsBy{Window: w, Repository: d.repository, Person: max(d.person, -1), Organization: d.by.Organization, Class: d.by.Class}]++
				if d.person >= 0 && author >= 0 {
					with[ActsWith{Window: w, Person: d.person, Author: author, Organization: d.by.Organization, OrganizationOf: authorFor}]++
				}
				n := &t.of(d.by).Acts[w]
				switch d.Kind {
				case Review:
					n.Reviews++
				case Approval:
					n.Approvals++
				default:
					n.Integrations++
				}
			}
		}
		first := done[0]
		if first.Commit == facts.None {
			return // no change of those that were counted
		}
		when := m.in.Repositories[first.repository].Commits[first.Commit].Committed
		for w := range m.in.Windows {
			if others && m.in.Windows[w].holds(when) {
				out.Changed[w]++
			}
		}
	})
	out.Where = sortedActs(where)
	for at, n := range by {
		at.Acts = n
		out.People = append(out.People, at)
	}
	slices.SortFunc(out.People, func(a, b ActsBy) int {
		return cmp.Or(cmp.Compare(a.Window, b.Window), cmp.Compare(a.Repository, b.Repository), cmp.Compare(a.Person, b.Person),
			cmp.Compare(a.Organization, b.Organization), cmp.Compare(a.Class, b.Class))
	})
	for at, n := range with {
		at.Acts = n
		out.Pairs = append(out.Pairs, at)
	}
	slices.SortFunc(out.Pairs, func(a, b ActsWith) int {
		return cmp.Or(cmp.Compare(a.Window, b.Window), cmp.Compare(a.Person, b.Person), cmp.Compare(a.Author, b.Author),
			cmp.Compare(a.Organization, b.Organization), cmp.Compare(a.OrganizationOf, b.OrganizationOf))
	})
}

// authorOf gives whose change an act was done with, and for whom it was written; -1 and people.NoOrganization for machines and nobody known.
func (m *measurement) authorOf(a deed) (person, organization int) {
	res := m.in.Resolution
	var of people.Attribution
	switch {
	case a.Commit != facts.None:
		person = int(res.Person[a.repository][a.Author])
		of = res.Attribute(a.repository, a.Author, m.in.Repositories[a.repository].Commits[a.Commit].Authored)
	case a.Opener >= 0:
		person = res.Mentioned[a.Opener].Person
		of = res.AttributeMention(int(a.Opener), a.When)
	default:
		return -1, people.NoOrganization
	}
	if of.Class.Machine() {
		return -1, people.NoOrganization
	}
	return person, of.Organization
}

// deed is an act that counts, and whose it is.
type deed struct {
	*Act
	repository int
	person     int // as of holder
	by         people.Attribution
	machine    bool
}

// changes gives what others than the author did with each change: each person once for a kind, each commit once in the ecosystem. What a forge
// tells is left out where git tells the same of the person.
func (m *measurement) changes(yield func(done []deed)) {
	res := m.in.Resolution
	met := map[facts.ID]bool{}
	var done []deed
	for repository, acts := range m.Acts {
		for lo, hi := 0, 0; lo < len(acts); lo = hi {
			first := &acts[lo]
			for hi = lo + 1; hi < len(acts) && acts[hi].Commit == first.Commit && (first.Commit != facts.None || acts[hi].Pull == first.Pull); hi++ {
			}
			author := math.MinInt
			if first.Commit != facts.None {
				id := m.in.Repositories[repository].Commits[first.Commit].ID
				if met[id] {
					continue // in another repository as well
				}
				met[id] = true
				author = int(res.Person[repository][first.Author])
			}
			done = done[:0]
			for k := lo; k < hi; k++ {
				d := deed{Act: &acts[k], repository: repository}
				if d.Mention >= 0 {
					d.person = m.holder(int(d.Mention))
				} else {
					d.person = int(res.Person[repository][d.Signature])
				}
				if d.person == author || d.Opener >= 0 && d.person == m.holder(int(d.Opener)) || slices.ContainsFunc(done, func(before deed) bool { return m.tells(before, d) }) {
					continue
				}
				if d.Mention >= 0 {
					d.by = res.AttributeMention(int(d.Mention), d.When)
				} else {
					d.by = res.Attribute(repository, d.Signature, d.When)
				}
				d.machine = d.Machine || d.by.Class.Machine() || d.by.Class == people.NoReply && res.Evidence[d.by.Evidence].Source == people.NobodysMailbox
				done = append(done, d)
			}
			if len(done) > 0 {
				yield(done)
			}
		}
	}
}

// sortedActs lists them in their order.
func sortedActs(where map[ActsAt]int) (list []ActsAt) {
	for at, n := range where {
		at.Acts = n
		list = append(list, at)
	}
	slices.SortFunc(list, func(a, b ActsAt) int {
		return cmp.Or(cmp.Compare(a.Window, b.Window), cmp.Compare(a.Repository, b.Repository), cmp.Compare(a.Organization, b.Organization))
	})
	return list
}

// tells says whether a deed was told already. Whoever let a change in by git's word did so at the forge, and found it good.
func (m *measurement) tells(before, now deed) bool {
	same := before.person == now.person
	if !same && before.person < 0 && now.person < 0 {
		// Messages name accounts without their forge: nobody has a commit by either.
		all := m.Mentions[before.Mention].Accounts
		same = slices.ContainsFunc(m.Mentions[now.Mention].Accounts, func(account string) bool { return slices.Contains(all, account) })
	}
	if !same || before.Kind == now.Kind {
		return same
	}
	return before.Pull == 0 && now.Pull != 0 && (before.Kind == Approval || now.Kind == Approval && before.Kind == Integration)
}

// holds says whether a moment is in the window; all time holds invalid dates too.
func (w *Window) holds(t facts.Time) bool {
	if !t.Valid {
		return w.From == math.MinInt64
	}
	return w.From <= t.Unix && t.Unix < w.To
}

// years counts seats at the end of every year since the first seat, and at the moment.
func (m *measurement) years() (years []Year) {
	first := int64(math.MaxInt64)
	for i := range m.Seats {
		first = min(first, m.Seats[i].From)
	}
	if first >= m.in.At || first <= 0 {
		return nil
	}
	for y := time.Unix(first, 0).UTC().Year(); ; y++ {
		end := time.Date(y+1, 1, 1, 0, 0, 0, 0, time.UTC).Unix() - 1
		end = min(end, m.in.At)
		type key struct {
			name  string
			class people.Class
		}
		type count struct {
			seats   int
			holders map[int]bool
		}
		counts := map[key]*count{}
		for i := range m.Seats {
			s := &m.Seats[i]
			if !s.Holds(end) {
				continue
			}
			a := m.in.Resolution.AttributeMention(s.Mention, Moment(end))
			if a.Class.Machine() {
				continue
			}
			k := key{a.Class.String(), a.Class}
			if a.Organization != people.NoOrganization {
				k.name = m.in.Resolution.Organizations[a.Organization].Name
			}
			if counts[k] == nil {
				counts[k] = &count{holders: map[int]bool{}}
			}
			counts[k].seats++
			counts[k].holders[m.holder(s.Mention)] = true
		}
		year := Year{Year: y}
		for k, c := range counts {
			year.Rows = append(year.Rows, YearRow{k.name, k.class, c.seats, len(c.holders)})
		}
		slices.SortFunc(year.Rows, func(a, b YearRow) int {
			return cmp.Or(cmp.Compare(b.Seats, a.Seats), strings.Compare(a.Name, b.Name), cmp.Compare(a.Class, b.Class))
		})
		years = append(years, year)
		if end == m.in.At {
			return years
		}
	}
}

// merge adds contractors to their clients in the second reading, and orders the rows.
func (m *measurement) merge(t *table, nobodys uint64) (rows []Row) {
	res := m.in.Resolution
	for i := range t.organizations {
		r := &t.organizations[i]
		to := i
		if o := &res.Organizations[i]; o.Class == people.Contractor && o.Client != people.NoOrganization {
			to = o.Client
		}
		t.organizations[to].Merged.add(r.Apart)
		t.organizations[to].Merged.Holders += r.Apart.Holders
		for w := range r.Acts {
			t.organizations[to].MergedActs[w].add(r.Acts[w])
		}
	}
	for c := range t.classes {
		r := &t.classes[c]
		r.Merged, r.MergedActs = r.Apart, slices.Clone(r.Acts)
	}
	keep := func(r *Row) {
		worth := r.Apart.Seats > 0 || r.Merged.Seats > 0 || r.Exposed.High > nobodys
		for w := range r.Acts {
			worth = worth || r.Acts[w].All() > 0 || r.MergedActs[w].All() > 0
		}
		if worth {
			rows = append(rows, *r)
		}
	}
	for i := range t.organizations {
		keep(&t.organizations[i])
	}
	slices.SortStableFunc(rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(b.Merged.Guarded, a.Merged.Guarded), cmp.Compare(b.Merged.Seats, a.Merged.Seats), strings.Compare(a.Name, b.Name))
	})
	for c := range t.classes {
		keep(&t.classes[c])
	}
	return rows
}
