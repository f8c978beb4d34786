package report

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"orrery/analyzer/measure"
)

// Changes is what moved between two results, and why.
//
// A share s = x/T moves by the sum of its terms: a term with dx of the organization's work and dT of all work moves it by
// (dx - s' dT) / T', where s' and T' are the means of both results. Work that is the same in both and stands under another organization
// (or comes from the unknown) is a term of its own, with dT = 0.
type Changes struct {
	From Side   `json:"from"`
	To   Side   `json:"to"`
	Of   string `json:"of"` // what shares and indices are of: "commits" or "changed"
	// Differences are what is not the same about the two results themselves; they explain most.
	Differences  []Difference      `json:"differences"`
	Repositories RepositoryChanges `json:"repositories"`
	// Warning says why people are not compared; "" if they are.
	Warning string         `json:"people_not_compared,omitempty"`
	Windows []WindowChange `json:"windows"`
}

// Side is one of two results.
type Side struct {
	Ecosystem string `json:"ecosystem"`
	AsOf      string `json:"as_of"`
	Orrery    string `json:"orrery"`
	Read      int    `json:"repositories_read"`
	Of        int    `json:"repositories"`
}

// Difference is a circumstance in which two results differ.
type Difference struct {
	What string `json:"what"`
	From string `json:"from"`
	To   string `json:"to"`
}

// RepositoryChanges are repositories by what became of them, each by name.
type RepositoryChanges struct {
	New     []string `json:"new"`     // the ecosystem has them now
	Gone    []string `json:"gone"`    // it no longer has them
	Found   []string `json:"found"`   // could not be read, and can
	Lost    []string `json:"lost"`    // could be read, and cannot
	Moved   int      `json:"moved"`   // were read at another commit
	Unmoved int      `json:"unmoved"` // were read at the same commit
}

// WindowChange is what moved in a window that both results have.
type WindowChange struct {
	Window string `json:"window"`
	// From and To are its dates in both.
	From Period `json:"from"`
	To   Period `json:"to"`
	// Explained says that both results hold what reasons are read from: people and reattribution are known.
	Explained    bool        `json:"explained"`
	Counts       []Count     `json:"counts"`
	NewParties   []Amounted  `json:"new_organizations"`
	GoneParties  []Amounted  `json:"gone_organizations"`
	NewPeople    []Amounted  `json:"new_people"`
	GonePeople   []Amounted  `json:"gone_people"`
	Shares       []ShareMove `json:"shares"`
	Indices      []IndexMove `json:"indices"`
	Reattributed []Flow      `json:"reattributed"`
}

// Count is a figure of the ecosystem in both results; nil where it does not exist.
type Count struct {
	Name string   `json:"name"`
	From *float64 `json:"from"`
	To   *float64 `json:"to"`
}

// Amounted is something with the work that it stands for.
type Amounted struct {
	Name   string  `json:"name"`
	Amount float64 `json:"amount"`
}

// Readings of contractors.
const (
	apart  = "apart"
	merged = "merged"
)

// ShareMove is how the share of an organization moved, with the reasons.
type ShareMove struct {
	Organization string  `json:"organization"`
	Contractors  string  `json:"contractors"` // "apart" or "merged"
	LowFrom      float64 `json:"low_from"`
	LowTo        float64 `json:"low_to"`
	HighFrom     float64 `json:"high_from"`
	HighTo       float64 `json:"high_to"`
	// Repositories add up to the move of both bounds. People add up to it too, over PeopleElse for all that are not listed; they are left out
	// where people cannot be compared.
	Repositories []Reason `json:"repositories"`
	People       []Reason `json:"people,omitempty"`
	PeopleElse   *Reason  `json:"people_else,omitempty"`
}

// Kinds of reasons.
const (
	ByWork          = "work"          // work came, or left the window
	ByReattribution = "reattribution" // the same work, for somebody else
	ByEntry         = "entered"       // the repository was not read before
	ByExit          = "left"          // the repository is no longer read
)

// Reason is a term of a move.
type Reason struct {
	Name string  `json:"name"` // of a repository, or a pseudonym
	Kind string  `json:"kind"`
	Low  float64 `json:"low"`  // by how much it moves the lower bound
	High float64 `json:"high"` // and the upper one
	Work float64 `json:"work"` // by how much the organization's work there changed
}

// IndexMove is how an index moved.
type IndexMove struct {
	Metric      string   `json:"metric"`
	Contractors string   `json:"contractors"` // "apart", "merged"; "" for persons
	LowFrom     *float64 `json:"low_from"`
	LowTo       *float64 `json:"low_to"`
	HighFrom    *float64 `json:"high_from"`
	HighTo      *float64 `json:"high_to"`
	// Terms add up to the move of the lower bound: who came into the half that is counted (+1) and who left it (-1), or points of the HHI.
	Terms []Amounted `json:"terms"`
	// Repositories add up to the same, of the HHI alone.
	Repositories []Reason `json:"repositories,omitempty"`
}

// Flow is work that is the same in both results and stands under somebody else. Where new work came to the same month of a repository and person,
// it and what moved are told apart by proportion.
type Flow struct {
	From         string     `json:"from"`
	To           string     `json:"to"`
	Amount       float64    `json:"amount"`
	Repositories []Amounted `json:"repositories"`
	// People are those whose work it is, as far as it is one person's in both results; empty where they cannot be compared.
	People []Amounted `json:"people"`
}

// maxReasons is how many persons are listed as reasons of one share.
const maxReasons = 20

// Compare says what moved from one result to another. of is "commits" or "changed". It fails if a result contradicts itself.
func Compare(from, to *Model, of string) (*Changes, error) {
	if of != measure.KeyCommits && of != measure.KeyChanged {
		return nil, fmt.Errorf("comparing results: shares are of commits or changed lines, not of %q", of)
	}
	c := &Changes{From: side(from), To: side(to), Of: of, Differences: differences(from, to), Repositories: repositoryChanges(from, to), Windows: []WindowChange{}}
	switch {
	case from.PseudonymKey == "" || to.PseudonymKey == "":
		c.Warning = "a result does not say under which key its pseudonyms stand"
	case from.PseudonymKey != to.PseudonymKey:
		c.Warning = "the results stand under different pseudonym keys"
	case from.Ledger == nil || to.Ledger == nil:
		c.Warning = "a result has no ledger"
	}
	for i, w := range to.Windows {
		j := slices.IndexFunc(from.Windows, func(p Period) bool { return p.Name == w.Name && p.Kind == w.Kind })
		if j < 0 {
			continue
		}
		x := comparison{of: of, from: from, to: to, people: c.Warning == "", windows: [2]int{j, i}}
		change, err := x.window()
		if err != nil {
			return nil, fmt.Errorf("comparing results in %q: %w", w.Name, err)
		}
		c.Windows = append(c.Windows, *change)
	}
	return c, nil
}

func side(m *Model) Side {
	return Side{m.Ecosystem, m.AsOf, m.Orrery, m.Read, m.Named()}
}

func differences(a, b *Model) []Difference {
	list := []Difference{}
	add := func(what, from, to string) {
		if from != to {
			list = append(list, Difference{what, from, to})
		}
	}
	add("ecosystem", a.Ecosystem, b.Ecosystem)
	add("as-of day", a.AsOf, b.AsOf)
	add("orrery", a.Orrery, b.Orrery)
	add("roll-up", a.RollUp, b.RollUp)
	add("contractors", a.Contractors, b.Contractors)
	add("pseudonym key", a.PseudonymKey, b.PseudonymKey)
	value := func(options []Option, name string) string {
		if i := slices.IndexFunc(options, func(o Option) bool { return o.Name == name }); i >= 0 {
			return options[i].Value
		}
		return "not stated"
	}
	var names []string
	for _, o := range slices.Concat(a.Options, b.Options) {
		if !slices.Contains(names, o.Name) && o.Name != "roll-up" && o.Name != "contractors" {
			names = append(names, o.Name)
		}
	}
	for _, name := range names {
		add(name, value(a.Options, name), value(b.Options, name))
	}
	dates := func(m *Model, name string) string {
		i := slices.IndexFunc(m.Windows, func(p Period) bool { return p.Name == name })
		switch {
		case i < 0:
			return "none"
		case m.Windows[i].Kind == measure.KindRange:
			return "a range"
		case m.Windows[i].From == "":
			return "everything"
		}
		return m.Windows[i].From[:len("2006-01-02")] + " to " + m.Windows[i].To[:len("2006-01-02")]
	}
	names = names[:0]
	for _, w := range slices.Concat(a.Windows, b.Windows) {
		if !slices.Contains(names, w.Name) {
			names = append(names, w.Name)
			add("window "+w.Name, dates(a, w.Name), dates(b, w.Name))
		}
	}
	return list
}

func repositoryChanges(a, b *Model) RepositoryChanges {
	c := RepositoryChanges{New: []string{}, Gone: []string{}, Found: []string{}, Lost: []string{}}
	before := map[string]*Repository{}
	for i := range a.Repositories {
		before[a.Repositories[i].Key] = &a.Repositories[i]
	}
	for i := range b.Repositories {
		r := &b.Repositories[i]
		old := before[r.Key]
		delete(before, r.Key)
		switch {
		case old == nil:
			c.New = append(c.New, r.Key)
		case old.Problem != "" && r.Problem == "":
			c.Found = append(c.Found, r.Key)
		case old.Problem == "" && r.Problem != "":
			c.Lost = append(c.Lost, r.Key)
		case r.Problem != "":
		case old.Commit != r.Commit:
			c.Moved++
		default:
			c.Unmoved++
		}
	}
	c.Gone = append(c.Gone, slices.Sorted(maps.Keys(before))...)
	for _, list := range [][]string{c.New, c.Found, c.Lost} {
		slices.Sort(list)
	}
	return c
}

// comparison compares one window of two results.
type comparison struct {
	of       string
	from, to *Model
	people   bool
	windows  [2]int // of from and to
	cuts     []string
}

// piece is the work of somebody for somebody in a repository and a common slice of time; "" where that is not known.
type piece struct{ repository, slice, person, party string }

// two are an amount before and after.
type two [2]float64

func (t two) delta() float64 { return t[1] - t[0] }

func (x *comparison) window() (*WindowChange, error) {
	a, b := &x.from.Figures[x.windows[0]], &x.to.Figures[x.windows[1]]
	c := &WindowChange{Window: b.Period.Name, From: a.Period, To: b.Period, Shares: []ShareMove{}, Indices: []IndexMove{}, Reattributed: []Flow{}}
	c.Explained = x.from.Ledger != nil && x.to.Ledger != nil && a.Period.Kind != measure.KindRange
	c.Counts = counts(a, b)
	people := c.Explained && x.people
	if c.Explained {
		x.commonCuts()
	}
	for _, reading := range []string{apart, merged} {
		w := weighed{pieces: map[piece]two{}, known: map[string]bool{}}
		for side, m := range []*Model{x.from, x.to} {
			if err := x.fill(&w, side, m, reading, c.Explained); err != nil {
				return nil, err
			}
		}
		w.sum()
		w.reattribute(people)
		if reading == apart {
			c.NewParties, c.GoneParties = w.comings(func(p piece) string {
				if !w.known[p.party] {
					return ""
				}
				return p.party
			})
			c.NewPeople, c.GonePeople = []Amounted{}, []Amounted{}
			if people {
				c.NewPeople, c.GonePeople = w.comings(func(p piece) string { return p.person })
			}
			c.Reattributed = w.flows()
			c.Indices = append(c.Indices, x.absence(&w, a, b, people))
		}
		c.Shares = append(c.Shares, x.shares(&w, reading, people)...)
		c.Indices = append(c.Indices, x.elephant(&w, a, b, reading), x.hhi(&w, a, b, reading))
	}
	slices.SortStableFunc(c.Shares, func(a, b ShareMove) int { return strings.Compare(a.Contractors, b.Contractors) })
	slices.SortStableFunc(c.Indices, func(a, b IndexMove) int { return strings.Compare(a.Metric, b.Metric) })
	return c, nil
}

// Names of counts that the text treats on their own.
const (
	countContributors = "contributors"
	countMost         = "contributors, at the most"
	countCoverage     = "known organization"
)

func counts(a, b *Figures) []Count {
	list := []Count{}
	add := func(name string, of func(f *Figures) *float64) { list = append(list, Count{name, of(a), of(b)}) }
	whole := func(of func(f *Figures) float64) func(f *Figures) *float64 {
		return func(f *Figures) *float64 { v := of(f); return &v }
	}
	add("commits", whole(func(f *Figures) float64 { return float64(f.Commits.Value) }))
	add("bulk imports", whole(func(f *Figures) float64 { return float64(f.Commits.Bulk) }))
	add(countContributors, whole(func(f *Figures) float64 { return float64(f.Contributors.Low) }))
	add(countMost, whole(func(f *Figures) float64 { return float64(f.Contributors.High) }))
	lines := func(v func(f *Figures) float64) func(f *Figures) *float64 {
		return func(f *Figures) *float64 {
			if f.Lines.Undefined > 0 {
				return nil
			}
			x := v(f)
			return &x
		}
	}
	add("lines", lines(func(f *Figures) float64 { return float64(f.Lines.Value) }))
	add("growth", lines(func(f *Figures) float64 { return float64(f.Growth.Value) }))
	add(countCoverage, func(f *Figures) *float64 { return f.Commits.Coverage })
	return list
}

// commonCuts finds the moments at which both ledgers are cut.
func (x *comparison) commonCuts() {
	before := map[string]bool{}
	for _, s := range x.from.Ledger.Slices {
		before[s.From] = true
	}
	for _, s := range x.to.Ledger.Slices {
		if s.From != "" && before[s.From] {
			x.cuts = append(x.cuts, s.From)
		}
	}
	slices.Sort(x.cuts)
	x.cuts = slices.Compact(x.cuts)
}

// common gives the piece of time between common cuts that a slice lies in, if all of it lies in the window of both results; else "", because
// other work can stand on either side.
func (x *comparison) common(s Slice) string {
	a, b := x.from.Windows[x.windows[0]], x.to.Windows[x.windows[1]]
	all := a.From == "" && b.From == ""
	if s.From == "" {
		if all {
			return "no date"
		}
		return ""
	}
	i, found := slices.BinarySearch(x.cuts, s.From)
	if found {
		i++
	}
	whole := Slice{From: "0", To: "9999"} // before and after every date
	if i > 0 {
		whole.From = x.cuts[i-1]
	}
	if i < len(x.cuts) {
		whole.To = x.cuts[i]
	}
	if !all && (!whole.within(a) || !whole.within(b)) {
		return ""
	}
	return whole.From
}

// fill adds one result's work to w.
func (x *comparison) fill(w *weighed, side int, m *Model, reading string, explained bool) error {
	f := &m.Figures[x.windows[side]]
	amount := &f.Commits
	if x.of == measure.KeyChanged {
		amount = &f.Changed
	}
	total := 0.0
	add := func(p piece, known bool, v float64) {
		if v == 0 {
			return
		}
		t := w.pieces[p]
		t[side] += v
		w.pieces[p] = t
		w.known[p.party] = w.known[p.party] || known
		total += v
	}
	if explained {
		l := m.Ledger
		for _, row := range l.Rows {
			slice := l.Slices[row[1]]
			if !slice.within(f.Period) {
				continue
			}
			party := &l.Parties[row[3]]
			name := party.Name
			if reading == merged {
				name = cmp.Or(party.Client, party.Name)
			}
			v := float64(row[4])
			if x.of == measure.KeyChanged {
				v = float64(row[5]) + float64(row[6])
			}
			add(piece{l.Repositories[row[0]], x.common(slice), l.People[row[2]], name}, party.Known, v)
		}
	} else {
		for i := range m.Figures {
			g := &m.Figures[i]
			if g.Scope.Kind != measure.ScopeRepository || g.Period.Name != f.Period.Name || g.Period.Kind != f.Period.Kind {
				continue
			}
			for j := range g.Organizations {
				r := &g.Organizations[j]
				part := &r.Apart
				if reading == merged && r.organization {
					part = r.merged()
				}
				if r.Outside || part == nil {
					continue
				}
				v := float64(part.Commits)
				if x.of == measure.KeyChanged {
					v = float64(part.Changed)
				}
				add(piece{repository: g.Scope.Name, party: r.Name}, r.organization, v)
			}
		}
	}
	if total != float64(amount.Total) {
		return fmt.Errorf("%w: %s of repositories add up to %.0f, those of the ecosystem are %d (as of %s)", ErrNoResult, x.of, total, amount.Total, m.AsOf)
	}
	return nil
}

// weighed is the work of both results in one reading, and its sums.
type weighed struct {
	pieces map[piece]two
	known  map[string]bool // parties that are organizations

	order   []piece // sorted
	total   two
	unknown two
	parties map[string]two
	// moved is what stands under another party by repository and party: it adds up to 0 over the parties of a repository.
	moved map[piece]float64
	// toUnknown is the part of it that came to the unknown, by repository.
	toUnknown map[string]float64
	// streams are the same by from and to.
	streams map[[2]string]*stream
}

func (w *weighed) sum() {
	w.parties = map[string]two{}
	for p := range w.pieces {
		w.order = append(w.order, p)
	}
	slices.SortFunc(w.order, func(a, b piece) int {
		return cmp.Or(cmp.Compare(a.repository, b.repository), cmp.Compare(a.slice, b.slice), cmp.Compare(a.party, b.party), cmp.Compare(a.person, b.person))
	})
	for _, p := range w.order {
		v := w.pieces[p]
		sum := w.parties[p.party]
		for side := range v {
			sum[side] += v[side]
			w.total[side] += v[side]
			if !w.known[p.party] {
				w.unknown[side] += v[side]
			}
		}
		w.parties[p.party] = sum
	}
}

// reattribute finds what is the same work under another party: what a person's parties lose and gain in the same month of a repository, and
// then what parties lose and gain there whoever the person is, because people are joined and told apart anew.
func (w *weighed) reattribute(people bool) {
	w.moved, w.toUnknown, w.streams = map[piece]float64{}, map[string]float64{}, map[[2]string]*stream{}
	for rest := w.order; len(rest) > 0; {
		first := rest[0]
		n := slices.IndexFunc(rest, func(p piece) bool { return p.repository != first.repository || p.slice != first.slice })
		if n < 0 {
			n = len(rest)
		}
		month := rest[:n]
		rest = rest[n:]
		if first.slice == "" {
			continue
		}
		byPerson := map[string][]partyDelta{}
		for _, p := range month {
			person := ""
			if people {
				person = p.person
			}
			list := byPerson[person]
			if len(list) == 0 || list[len(list)-1].party != p.party { // pieces are in order of parties
				list = append(list, partyDelta{party: p.party})
			}
			list[len(list)-1].delta += w.pieces[p].delta()
			byPerson[person] = list
		}
		var left []partyDelta
		for _, person := range slices.Sorted(maps.Keys(byPerson)) {
			left = append(left, transport(byPerson[person], func(from, to string, amount float64) { w.move(first.repository, person, from, to, amount) })...)
		}
		slices.SortStableFunc(left, func(a, b partyDelta) int { return strings.Compare(a.party, b.party) })
		merged := left[:0]
		for _, d := range left {
			if k := len(merged); k > 0 && merged[k-1].party == d.party {
				merged[k-1].delta += d.delta
			} else {
				merged = append(merged, d)
			}
		}
		transport(merged, func(from, to string, amount float64) { w.move(first.repository, "", from, to, amount) })
	}
}

// move notes that work stands under another party.
func (w *weighed) move(repository, person, from, to string, amount float64) {
	w.moved[piece{repository: repository, party: from}] -= amount
	w.moved[piece{repository: repository, party: to}] += amount
	if !w.known[from] {
		w.toUnknown[repository] -= amount
	}
	if !w.known[to] {
		w.toUnknown[repository] += amount
	}
	key := [2]string{from, to}
	if w.streams[key] == nil {
		w.streams[key] = &stream{map[string]float64{}, map[string]float64{}}
	}
	w.streams[key].repositories[repository] += amount
	if person != "" {
		w.streams[key].people[person] += amount
	}
}

// stream is what moved from one party to another.
type stream struct{ repositories, people map[string]float64 }

type partyDelta struct {
	party string
	delta float64
}

// transport deals losses out to gains by proportion, as far as they meet, and gives what is left.
func transport(delta []partyDelta, move func(from, to string, amount float64)) (left []partyDelta) {
	loss, gain := 0.0, 0.0
	for _, d := range delta {
		loss, gain = loss+max(0, -d.delta), gain+max(0, d.delta)
	}
	if loss == 0 || gain == 0 {
		return delta
	}
	for _, from := range delta {
		for _, to := range delta {
			if from.delta < 0 && to.delta > 0 {
				move(from.party, to.party, min(loss, gain)*(-from.delta/loss)*(to.delta/gain))
			}
		}
	}
	for _, d := range delta {
		all := gain
		if d.delta < 0 {
			all = loss
		}
		if d.delta *= 1 - min(loss, gain)/all; d.delta != 0 {
			left = append(left, d)
		}
	}
	return left
}

// comings lists what has work after and none before, and the other way round. name gives "" for what is not meant.
func (w *weighed) comings(name func(piece) string) (came, went []Amounted) {
	sums := map[string]two{}
	for _, p := range w.order {
		if n := name(p); n != "" {
			v, s := w.pieces[p], sums[n]
			sums[n] = two{s[0] + v[0], s[1] + v[1]}
		}
	}
	came, went = []Amounted{}, []Amounted{}
	for n, s := range sums {
		switch {
		case s[0] == 0:
			came = append(came, Amounted{n, s[1]})
		case s[1] == 0:
			went = append(went, Amounted{n, s[0]})
		}
	}
	descend(came)
	descend(went)
	return came, went
}

func descend(list []Amounted) {
	slices.SortFunc(list, func(a, b Amounted) int {
		return cmp.Or(cmp.Compare(math.Abs(b.Amount), math.Abs(a.Amount)), cmp.Compare(a.Name, b.Name))
	})
}

func ranked(amounts map[string]float64) []Amounted {
	list := []Amounted{}
	for n, v := range amounts {
		list = append(list, Amounted{n, v})
	}
	descend(list)
	return list
}

// flows lists what was reattributed, the largest first.
func (w *weighed) flows() []Flow {
	list := []Flow{}
	for key, s := range w.streams {
		f := Flow{From: key[0], To: key[1], Repositories: ranked(s.repositories), People: ranked(s.people)}
		for _, r := range f.Repositories {
			f.Amount += r.Amount
		}
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b Flow) int {
		return cmp.Or(cmp.Compare(b.Amount, a.Amount), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	return list
}

// presence says how a repository is new to the work, or no longer part of it.
func (x *comparison) presence(key string) string {
	read := func(m *Model) bool {
		return slices.ContainsFunc(m.Repositories, func(r Repository) bool { return r.Key == key && r.Problem == "" })
	}
	switch before, after := read(x.from), read(x.to); {
	case before && !after:
		return ByExit
	case after && !before:
		return ByEntry
	}
	return ByWork
}

// shares explains the share of every organization, those that moved most first.
func (x *comparison) shares(w *weighed, reading string, people bool) []ShareMove {
	if w.total[0] == 0 || w.total[1] == 0 {
		return nil
	}
	type term struct{ party, unknown, all float64 }
	// Deltas by repository and by person: of all work, of the unknown, and by party.
	type block struct {
		all, unknown float64
		party        map[string]float64
	}
	collect := func(name func(piece) string) (map[string]*block, []string) {
		blocks := map[string]*block{}
		for _, p := range w.order {
			b := blocks[name(p)]
			if b == nil {
				b = &block{party: map[string]float64{}}
				blocks[name(p)] = b
			}
			d := w.pieces[p].delta()
			b.all += d
			b.party[p.party] += d
			if !w.known[p.party] {
				b.unknown += d
			}
		}
		return blocks, slices.Sorted(maps.Keys(blocks))
	}
	repositories, keys := collect(func(p piece) string { return p.repository })
	persons, pseudonyms := map[string]*block{}, []string(nil)
	if people {
		persons, pseudonyms = collect(func(p piece) string { return p.person })
	}
	var list []ShareMove
	for party, amounts := range w.parties {
		if !w.known[party] {
			continue
		}
		at := func(side int, unknown float64) float64 { return (amounts[side] + unknown) / w.total[side] }
		move := ShareMove{
			Organization: party, Contractors: reading, Repositories: []Reason{},
			LowFrom: at(0, 0), LowTo: at(1, 0), HighFrom: at(0, w.unknown[0]), HighTo: at(1, w.unknown[1]),
		}
		mean := (w.total[0] + w.total[1]) / 2
		low, high := (move.LowFrom+move.LowTo)/2, (move.HighFrom+move.HighTo)/2
		reason := func(name, kind string, t term) Reason {
			return Reason{name, kind, (t.party - low*t.all) / mean, (t.party + t.unknown - high*t.all) / mean, t.party}
		}
		for _, key := range keys {
			b := repositories[key]
			moved, unknown := w.moved[piece{repository: key, party: party}], w.toUnknown[key]
			if t := (term{b.party[party] - moved, b.unknown - unknown, b.all}); t != (term{}) {
				move.Repositories = append(move.Repositories, reason(key, x.presence(key), t))
			}
			if moved != 0 || unknown != 0 {
				move.Repositories = append(move.Repositories, reason(key, ByReattribution, term{moved, unknown, 0}))
			}
		}
		weigh(move.Repositories)
		for _, key := range pseudonyms {
			if b := persons[key]; b.all != 0 || b.party[party] != 0 || b.unknown != 0 {
				move.People = append(move.People, reason(key, ByWork, term{b.party[party], b.unknown, b.all}))
			}
		}
		weigh(move.People)
		if len(move.People) > maxReasons {
			rest := Reason{Name: plural(len(move.People)-maxReasons, "other", "others"), Kind: ByWork}
			for _, r := range move.People[maxReasons:] {
				rest.Low, rest.High, rest.Work = rest.Low+r.Low, rest.High+r.High, rest.Work+r.Work
			}
			move.People, move.PeopleElse = move.People[:maxReasons], &rest
		}
		list = append(list, move)
	}
	slices.SortFunc(list, func(a, b ShareMove) int {
		size := func(m ShareMove) float64 { return math.Max(math.Abs(m.LowTo-m.LowFrom), math.Abs(m.HighTo-m.HighFrom)) }
		return cmp.Or(cmp.Compare(size(b), size(a)), cmp.Compare(a.Organization, b.Organization))
	})
	return list
}

// weigh puts the reasons that move most first.
func weigh(list []Reason) {
	slices.SortStableFunc(list, func(a, b Reason) int {
		return cmp.Or(cmp.Compare(math.Abs(b.Low), math.Abs(a.Low)), cmp.Compare(math.Abs(b.High), math.Abs(a.High)), cmp.Compare(a.Name, b.Name))
	})
}

// index gives an index of figures, an empty one where there is none.
func (x *comparison) index(f *Figures, metric, contractors string) *Index {
	i := slices.IndexFunc(f.Indices, func(i Index) bool {
		return i.Metric == metric && i.Of == x.of && i.Contractors == contractors && i.Bulk == "without"
	})
	if i < 0 {
		return &Index{}
	}
	return &f.Indices[i]
}

func (x *comparison) move(a, b *Figures, metric, contractors string) IndexMove {
	from, to := x.index(a, metric, contractors), x.index(b, metric, contractors)
	return IndexMove{Metric: metric, Contractors: contractors, LowFrom: from.Low, LowTo: to.Low, HighFrom: from.High, HighTo: to.High, Terms: []Amounted{}}
}

// half lists who came into the largest holders that are counted, and who left them.
func (m *IndexMove) half(holders map[string]two) {
	if m.LowFrom == nil || m.LowTo == nil {
		return
	}
	largest := func(side int, k float64) map[string]bool {
		var list []Amounted
		for name, v := range holders {
			if v[side] > 0 {
				list = append(list, Amounted{name, v[side]})
			}
		}
		descend(list)
		in := map[string]bool{}
		for _, h := range list[:int(max(0, min(k, float64(len(list)))))] {
			in[h.Name] = true
		}
		return in
	}
	before, after := largest(0, *m.LowFrom), largest(1, *m.LowTo)
	for name := range after {
		if !before[name] {
			m.Terms = append(m.Terms, Amounted{name, 1})
		}
	}
	for name := range before {
		if !after[name] {
			m.Terms = append(m.Terms, Amounted{name, -1})
		}
	}
	descend(m.Terms)
}

func (x *comparison) elephant(w *weighed, a, b *Figures, reading string) IndexMove {
	m := x.move(a, b, measure.KeyElephantFactor, reading)
	holders := map[string]two{}
	for party, v := range w.parties {
		if w.known[party] {
			holders[party] = v
		}
	}
	m.half(holders)
	return m
}

func (x *comparison) absence(w *weighed, a, b *Figures, people bool) IndexMove {
	m := x.move(a, b, measure.KeyAbsenceFactor, "")
	if !people {
		return m
	}
	holders := map[string]two{}
	for _, p := range w.order {
		v, h := w.pieces[p], holders[p.person]
		holders[p.person] = two{h[0] + v[0], h[1] + v[1]}
	}
	m.half(holders)
	return m
}

// hhi explains the lower bound: the squares of organizations' shares, and the rest, which is that of the unknown persons.
func (x *comparison) hhi(w *weighed, a, b *Figures, reading string) IndexMove {
	m := x.move(a, b, measure.KeyHHI, reading)
	if m.LowFrom == nil || m.LowTo == nil || w.total[0] == 0 || w.total[1] == 0 {
		return m
	}
	rest := *m.LowTo - *m.LowFrom
	byRepository := map[[2]string]float64{}
	for _, s := range x.shares(w, reading, false) {
		points := 1e4 * (s.LowFrom + s.LowTo) // d(s^2) = (s0 + s1) ds
		m.Terms = append(m.Terms, Amounted{s.Organization, points * (s.LowTo - s.LowFrom)})
		rest -= points * (s.LowTo - s.LowFrom)
		for _, r := range s.Repositories {
			byRepository[[2]string{r.Name, r.Kind}] += points * r.Low
		}
	}
	for key, v := range byRepository {
		m.Repositories = append(m.Repositories, Reason{Name: key[0], Kind: key[1], Low: v})
	}
	slices.SortFunc(m.Repositories, func(a, b Reason) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Kind, b.Kind)) })
	// The indices are rounded to four digits.
	if math.Abs(rest) > 1e-3 {
		m.Terms = append(m.Terms, Amounted{"unknown persons", rest})
		m.Repositories = append(m.Repositories, Reason{Name: "unknown persons", Kind: ByWork, Low: rest})
	}
	descend(m.Terms)
	weigh(m.Repositories)
	return m
}
