package measure

import (
	"math"
	"slices"
	"sort"
	"strings"

	"orrery/analyzer/facts"
)

// Population is a definition of who contributes.
type Population struct {
	Key   string `json:"key"`
	Title string `json:"title"`
	// Definition says who is in it.
	Definition string `json:"definition"`
	// Grows says that repositories that are added to what is read can only add addresses, names and pairs, and take none away: what was
	// counted in a part is then a lower bound of the whole. It never holds for persons, whom further repositories may join.
	Grows bool `json:"grows"`

	in func(a *actKind) bool
}

// Reviewers is the key of the population of reviewers.
const Reviewers = "reviewers"

// Populations are all definitions. Not to be changed.
var Populations = []Population{
	{
		"authors", "authors", "authors of non-merge commits, bulk imports among them; neither bots nor AI agents", true,
		func(a *actKind) bool { return a.is(actAuthor) && !a.is(actMachine) },
	},
	{
		"authors_without_imports", "authors, without imports", "the same without bulk imports and upstream's history", false,
		func(a *actKind) bool { return a.is(actAuthor) && !a.is(actMachine|actImport) },
	},
	{
		"authors_of_members", "authors, while members", "authors, commits that landed while the repository belonged to the ecosystem", true,
		func(a *actKind) bool { return a.is(actAuthor) && !a.is(actMachine) && a.is(actMember) },
	},
	{
		"authors_own", "authors, own repositories", "authors, without third-party repositories", true,
		func(a *actKind) bool { return a.is(actAuthor) && !a.is(actMachine) && a.is(actOwn) },
	},
	{
		"authors_here", "authors of files written here", "authors who change a file that is neither vendored (nor in a third-party repository), nor generated, nor binary; without imports", false,
		func(a *actKind) bool { return a.is(actAuthor) && a.is(actHere) && !a.is(actMachine|actImport) },
	},
	{
		"authors_and_machines", "authors, with machines", "authors, bots and AI agents", true,
		func(a *actKind) bool { return a.is(actAuthor) },
	},
	{
		Reviewers, "reviewers", "whom the trailer Reviewed-by names, and Signed-off-by with an account, which a forge writes into merges; no machines as far as they are known", true,
		func(a *actKind) bool { return a.is(actReview) && !a.is(actMachine) },
	},
	{
		"authors_and_reviewers", "authors and reviewers", "authors or reviewers", true,
		func(a *actKind) bool { return !a.is(actMachine) },
	},
	{
		"everybody", "everybody named", "authors, reviewers, bots and AI agents", true,
		func(*actKind) bool { return true },
	},
}

// Census counts the people of the ecosystem in a period by one definition. Each commit id counts once, in the repository that owns it.
type Census struct {
	Period     Period
	Population int // into Populations
	In         People
	Once       People // with one commit (or review) in the period
	TenOrMore  People
	Ever       People // dated before the end of the period; in all time, all of them
}

// Arrivals are the people of the ecosystem since the start, by one definition and month.
type Arrivals struct {
	Population int // into Populations
	Months     []Period
	Ever       []People // by month: dated before its end
}

type actFlag uint8

const (
	actAuthor actFlag = 1 << iota
	actReview
	actMachine
	actImport
	actOwn
	actHere
	actMember
)

// act is a commit or a review by somebody. What acts have in common but their time is kept once: millions of them are of some ten thousand kinds.
type act struct {
	when int64
	kind uint32 // into census.kinds
}

type actKind struct {
	ids   [4]uint32 // person, address, name, pair: as those of actors
	flags actFlag
}

func (a *actKind) is(f actFlag) bool { return a.flags&f != 0 }

// census collects acts, and counts them.
type census struct {
	m     *measurement
	acts  []act // by date, invalid ones first
	kinds []actKind
	index map[actKind]uint32
	sizes [4]int
}

func (c *census) kindOf(kind actKind) uint32 {
	i, ok := c.index[kind]
	if !ok {
		i = uint32(len(c.kinds))
		c.index[kind] = i
		c.kinds = append(c.kinds, kind)
	}
	return i
}

// takeCensus fills the result's.
func (m *measurement) takeCensus() {
	c := m.collect(nil)
	var periods []Period
	for _, p := range m.result.Windows {
		if p.Kind != KindRange {
			periods = append(periods, p)
		}
	}
	var months []Period
	if first := m.scopes[0].first; first != math.MaxInt64 {
		periods = append(periods, series(KindYear, first, m.last, m.in.AsOf)...)
		months = m.months
	}
	n := len(Populations)
	m.result.Arrivals = make([]Arrivals, n)
	m.result.Censuses = make([]Census, n*len(periods))
	firsts := c.firsts()
	ever := make([]func(int64) People, n)
	m.parallel(n, func(_, i int) {
		ever[i] = c.ever(i, firsts)
		a := &m.result.Arrivals[i]
		a.Population, a.Months = i, months
		for _, month := range months {
			a.Ever = append(a.Ever, ever[i](month.To))
		}
	})
	m.parallel(len(periods), func(_, i int) { c.count(periods[i], m.result.Censuses[i*n:(i+1)*n], ever) })
}

// collect lists all acts, by date. of is told the entry of each, if it is not nil.
func (m *measurement) collect(of func(e *entry)) *census {
	c := &census{
		m: m, sizes: [4]int{m.sizes.persons, m.sizes.addresses, m.sizes.names, m.sizes.pairs}, acts: make([]act, 0, len(m.entries)),
		index: make(map[actKind]uint32, len(m.actors)),
	}
	author, review := c.authors(), c.reviewers()
	for _, at := range m.scopes[0].order {
		e := &m.entries[at]
		before := len(c.acts)
		author(e)
		review(e)
		if of != nil {
			for range len(c.acts) - before {
				of(e)
			}
		}
	}
	return c
}

// authors collects commits.
func (c *census) authors() func(*entry) {
	m := c.m
	// What a commit is anywhere, it is: else a repository that is added could take somebody away.
	elsewhere := map[facts.ID]actFlag{}
	where := func(e *entry) (f actFlag) {
		r := &m.repositories[e.rank]
		if r.Class != ThirdParty {
			f |= actOwn
		}
		if e.here {
			f |= actHere
		}
		if r.belongs(e.row) {
			f |= actMember
		}
		return f
	}
	for i := range m.entries {
		if e := &m.entries[i]; e.state == duplicate {
			elsewhere[*m.id(e)] |= where(e)
		}
	}
	// The last kind of each actor is the likely one.
	last := make([]struct {
		flags actFlag // 0 for none yet
		kind  uint32
	}, len(m.actors))
	return func(e *entry) {
		if e.state == merge || e.state == duplicate || e.actor == facts.None {
			return
		}
		flags := actAuthor | where(e)
		if len(elsewhere) > 0 {
			flags |= elsewhere[*m.id(e)]
		}
		switch e.state {
		case machine:
			flags |= actMachine
		case bulk:
			flags |= actImport
		}
		of := &last[e.actor]
		if of.flags != flags {
			a := &m.actors[e.actor]
			of.flags, of.kind = flags, c.kindOf(actKind{ids: [4]uint32{a.person, a.address, a.name, a.pair}, flags: flags})
		}
		c.acts = append(c.acts, act{e.when, of.kind})
	}
}

// belongs says whether a commit came to the first parents while the repository belonged to the ecosystem.
func (r *mined) belongs(row uint32) bool {
	if r.Spells == nil {
		return true
	}
	at := r.clocks[r.landed[row]]
	return slices.ContainsFunc(r.Spells, func(s Spell) bool { return s.From <= at && at < s.To })
}

// reviewers collects the reviews that messages tell of. Who stands there by an address of an author is that author, and by an account whom most
// requests of that account came from; others are people of their own.
func (c *census) reviewers() func(*entry) {
	m := c.m
	resolution := m.in.Resolution
	type who struct{ person, address, name uint32 }
	byAddress, byName := map[string]who{}, map[string]uint32{}
	machines := map[uint32]bool{}
	for rank := range m.repositories {
		r := &m.repositories[rank]
		for i, s := range r.Signatures {
			w := who{resolution.Person[r.position][i], resolution.Address[r.position][i], resolution.Name[r.position][i]}
			byAddress[plain(s.Email)] = w
			byName[plain(s.Name)] = w.name
			if resolution.Persons[w.person].Machine.Machine() {
				machines[w.person] = true
			}
		}
	}
	accounts := c.accounts()
	fresh := [3]map[string]uint32{{}, {}, {}}
	intern := func(unit int, text string) uint32 {
		i, ok := fresh[unit][text]
		if !ok {
			i = uint32(c.sizes[unit])
			c.sizes[unit]++
			fresh[unit][text] = i
		}
		return i
	}
	type two struct{ address, name uint32 }
	pairs := map[two]uint32{}
	for i := range m.actors {
		pairs[two{m.actors[i].address, m.actors[i].name}] = m.actors[i].pair
	}
	return func(e *entry) {
		if e.state == duplicate || e.credit {
			return
		}
		r := &m.repositories[e.rank]
		commit := &r.Commits[e.row]
		for _, t := range r.Trailers[commit.Trailers.Lo:commit.Trailers.Hi] {
			name, address, ok := reviewer(&t)
			if !ok {
				continue
			}
			one := actKind{flags: actReview}
			w, known := byAddress[address]
			person, joined := accounts[strings.TrimPrefix(address, "@")]
			switch {
			case known:
			case joined && address[0] == '@':
				w = who{person, intern(1, address), intern(2, "@"+name)}
			default:
				w = who{intern(0, address), intern(1, address), intern(2, "@"+name)}
			}
			if n, ok := byName[name]; ok && address[0] != '@' {
				w.name = n
			}
			if machines[w.person] || robotic(name) {
				one.flags |= actMachine
			}
			pair, ok := pairs[two{w.address, w.name}]
			if !ok {
				pair = uint32(c.sizes[3])
				c.sizes[3]++
				pairs[two{w.address, w.name}] = pair
			}
			one.ids = [4]uint32{w.person, w.address, w.name, pair}
			c.acts = append(c.acts, act{e.when, c.kindOf(one)})
		}
	}
}

func plain(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// robotic says whether an account that no commit knows is called like a machine.
func robotic(name string) bool {
	return strings.HasSuffix(name, "bot") || strings.Contains(name, "-ci")
}

// reviewer reads who reviewed out of a trailer: an address in lower case, or an account with its "@".
func reviewer(t *facts.Trailer) (name, address string, ok bool) {
	review := strings.EqualFold(t.Key, "Reviewed-by")
	if !review && (!strings.EqualFold(t.Key, "Signed-off-by") || !strings.HasPrefix(strings.TrimSpace(t.Value), "@")) {
		return "", "", false // nearly all; before anything is copied
	}
	value := plain(t.Value)
	if login, is := strings.CutPrefix(value, "@"); is {
		login, _, _ = strings.Cut(login, " ")
		return login, "@" + login, login != ""
	}
	name, rest, found := strings.Cut(value, "<")
	address, _, closed := strings.Cut(rest, ">")
	name, address = strings.TrimSpace(name), strings.TrimSpace(address)
	return name, address, found && closed && address != ""
}

// accounts finds out who stands behind an account: the author of most of what its requests brought (three of four, two at least).
func (c *census) accounts() map[string]uint32 {
	m := c.m
	votes := map[string]map[uint32]int{}
	for rank := range m.repositories {
		r := &m.repositories[rank]
		persons := m.in.Resolution.Person[r.position]
		for i := range r.Commits {
			commit := &r.Commits[i]
			if commit.Parents.Len() != 2 {
				continue
			}
			author := persons[r.Commits[r.Parents[commit.Parents.Lo+1]].Author]
			for _, t := range r.Trailers[commit.Trailers.Lo:commit.Trailers.Hi] {
				value := plain(t.Value)
				if !strings.EqualFold(t.Key, "Created-by") && (!strings.EqualFold(t.Key, "From") || !strings.HasPrefix(value, "@")) {
					continue
				}
				account, _, _ := strings.Cut(strings.TrimPrefix(value, "@"), " ")
				if votes[account] == nil {
					votes[account] = map[uint32]int{}
				}
				votes[account][author]++
				break
			}
		}
	}
	out := map[string]uint32{}
	for account, by := range votes {
		total := 0
		for _, n := range by {
			total += n
		}
		for person, n := range by { // at most one has three of four
			if n >= 2 && 4*n >= 3*total {
				out[account] = person
			}
		}
	}
	return out
}

// firsts gives the first valid date of every kind of acts; math.MaxInt64 where there is none.
func (c *census) firsts() []int64 {
	firsts := make([]int64, len(c.kinds))
	for i := range firsts {
		firsts[i] = math.MaxInt64
	}
	for _, a := range c.acts {
		if a.when != undated && firsts[a.kind] == math.MaxInt64 {
			firsts[a.kind] = a.when
		}
	}
	return firsts
}

// ever gives the people of a population that acted before a moment.
func (c *census) ever(population int, firsts []int64) func(int64) People {
	belongs := Populations[population].in
	var first [4][]int64 // ascending
	for unit := range first {
		when := make([]int64, c.sizes[unit])
		for i := range when {
			when[i] = math.MaxInt64
		}
		for i := range c.kinds {
			if k := &c.kinds[i]; belongs(k) {
				when[k.ids[unit]] = min(when[k.ids[unit]], firsts[i])
			}
		}
		slices.Sort(when)
		first[unit] = when[:before(when, math.MaxInt64)]
	}
	return func(t int64) People {
		return People{before(first[0], t), before(first[1], t), before(first[2], t), before(first[3], t)}
	}
}

// count counts all populations of a period.
func (c *census) count(period Period, out []Census, ever []func(int64) People) {
	acts := c.acts
	if !period.All() {
		from := func(t int64) int { return sort.Search(len(c.acts), func(i int) bool { return c.acts[i].when >= t }) }
		lo := from(period.From)
		acts = acts[lo:max(lo, from(period.To))]
	}
	byKind := make([]uint32, len(c.kinds))
	for _, a := range acts {
		byKind[a.kind]++
	}
	for population := range out {
		belongs := Populations[population].in
		o := &out[population]
		o.Period, o.Population = period, population
		for unit, size := range c.sizes {
			commits := make([]uint32, size)
			for i, n := range byKind {
				if k := &c.kinds[i]; n > 0 && belongs(k) {
					commits[k.ids[unit]] += n
				}
			}
			for _, n := range commits {
				o.In.tally(unit, n > 0)
				o.Once.tally(unit, n == 1)
				o.TenOrMore.tally(unit, n >= 10)
			}
		}
		if o.Ever = o.In; !period.All() {
			o.Ever = ever[population](period.To)
		}
	}
}

// tally counts one of a unit.
func (p *People) tally(unit int, one bool) {
	if one {
		*[...]*int{&p.Persons, &p.Addresses, &p.Names, &p.Pairs}[unit]++
	}
}
