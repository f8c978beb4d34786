package measure

import (
	"cmp"
	"fmt"
	"slices"

	"orrery/analyzer/facts"
	"orrery/analyzer/people"
)

// Rules are how others count the same commits.
type Rules struct {
	Name     string `json:"name"`
	Merges   bool   `json:"merges"`   // merge commits count, without lines
	Machines bool   `json:"machines"` // bots and AI agents count
	// Committers makes a commit count once for each organization that its author or its committer works for.
	Committers bool `json:"committers"`
	// Larger takes the larger of added and removed of every commit for changed lines, not their sum.
	Larger bool `json:"larger"`
	// OfKnown takes shares of what belongs to known organizations.
	OfKnown bool `json:"of_known"`
	// Threshold says what the largest holders must reach together to be the elephant factor; "" if the rules have none.
	Threshold string `json:"threshold,omitempty"`
	// Differences are what these rules ask for and facts do not tell.
	Differences []string `json:"differences"`

	// reached is asked with the sum of the largest, the whole, and the sum of the largest in rounded percents.
	reached func(sum, whole, rounded uint64) bool
}

// Accountings are all rules. Not to be changed.
var Accountings = []Rules{
	{
		Name: "gitdm", Machines: true, Larger: true,
		Differences: []string{
			"gitdm is said to give developers the larger of both sums: reports that were compared do not",
			"reading patches, gitdm loses added lines that start with + and removed ones that start with -",
			"gitdm tells developers apart by address and name alone, and finds employers in its own files",
			"a machine account has no employer here",
		},
	},
	{
		Name: "chaoss", Merges: true, Machines: true, Threshold: "1/2 or more",
		reached: func(sum, whole, _ uint64) bool { return sum >= whole-sum },
		Differences: []string{
			"CHAOSS leaves open what is done with the unknown: the factor is of the known, its bounds are over all",
			"changes in one commit are one here, whatever a tool takes for a change",
		},
	},
	{
		Name: "lfx", Merges: true, OfKnown: true, Threshold: "51 or more in whole percents",
		reached: func(_, _, rounded uint64) bool { return rounded >= 51 },
		Differences: []string{
			"LFX also counts issues, pull requests, reviews and comments, and commits on every branch",
		},
	},
	{
		Name: "devstats", Merges: true, Committers: true, OfKnown: true, Threshold: "more than 1/2",
		reached: func(sum, whole, _ uint64) bool { return sum > whole-sum },
		Differences: []string{
			"DevStats also counts commits for who pushed them, for co-authors (here, under every policy, the author alone), and for committers of what bots wrote; it estimates distinct commits",
		},
	},
}

// compass is the rule of the contributor absence factor of OSS Compass, over the last days of the result.
var compass = Rules{
	Name: "oss-compass", Merges: true, Machines: true, Threshold: "more than 1/2",
	reached: func(sum, whole, _ uint64) bool { return sum > whole-sum },
}

const compassDays = 90

// AccountingByName gives rules by their name.
func AccountingByName(name string) (*Rules, bool) {
	i := slices.IndexFunc(Accountings, func(r Rules) bool { return r.Name == name })
	if i < 0 {
		return nil, false
	}
	return &Accountings[i], true
}

// Account is what rules make of the ecosystem in a window.
type Account struct {
	Period Period
	AccountSum
	Persons int // with a commit
	// Rows are the organizations with commits and the unknown, people all persons; most commits first, then most changed lines.
	Rows, People []AccountRow
	// CommitTerms and ChangeTerms lead from this program's figures to the account's: the terms' sum is the account's total.
	CommitTerms, ChangeTerms []Term
}

// tally is an account with what is needed on the way.
type tally struct {
	Account
	unknown       []uint64 // commits of persons without a known organization
	machineMerges uint64   // left out
	smaller       uint64   // lines that Rules.Larger leaves out
}

// AccountSum is an amount of work as rules count it.
type AccountSum struct {
	Sum
	Changed uint64 // lines
}

// AccountRow is what an organization, or a person, has in an account.
type AccountRow struct {
	Organization int    // of organizations: an index, or people.NoOrganization for the unknown
	Person       int    // of people: an index
	Name         string // of organizations
	AccountSum
	Persons int // of organizations: authors; a committer who is no author is none
}

// RowUnknown is the name of what belongs to no known organization, as gitdm prints it.
const RowUnknown = "(Unknown)"

// Factor is a number of organizations or of persons that hold most of the commits, by somebody's rules.
type Factor struct {
	Rules     string `json:"rules"`
	Metric    string `json:"metric"`
	Period    string `json:"period"`
	Threshold string `json:"threshold"`
	// Value is over what is known; 0 where nothing is, or where the rules never reach their threshold (rounding may lose too much).
	Value int `json:"value"`
	// Low and High are worst-case bounds over all, where the rules leave the unknown open; 0 for all others.
	Low  int `json:"low,omitempty"`
	High int `json:"high,omitempty"`
}

// accountJob is a period to count by rules.
type accountJob struct {
	period  Period
	window  int // -1 for none
	rules   []*Rules
	tallies []*tally // by rule
}

// accountJobs lists what is counted by the rules of others.
func (m *measurement) accountJobs() (jobs []accountJob) {
	for w, p := range m.result.Windows {
		j := accountJob{period: p, window: w}
		for i := range Accountings {
			if rules := &Accountings[i]; rules.Threshold != "" || rules.Name == m.in.Accounting {
				j.rules = append(j.rules, rules)
			}
		}
		jobs = append(jobs, j)
	}
	last := Period{Kind: KindWindow, Window: Window{fmt.Sprintf("last %d days", compassDays), EndOfDay(m.in.AsOf) - compassDays*day, EndOfDay(m.in.AsOf)}}
	return append(jobs, accountJob{period: last, window: -1, rules: []*Rules{&compass}})
}

// tally does all jobs.
func (m *measurement) tally(jobs []accountJob) error {
	failed := make([]error, len(jobs))
	m.parallel(len(jobs), func(_, i int) {
		j := &jobs[i]
		a, err := m.activity(j.period, slices.ContainsFunc(j.rules, func(r *Rules) bool { return r.Committers }))
		if err != nil {
			failed[i] = err
			return
		}
		for _, rules := range j.rules {
			j.tallies = append(j.tallies, a.by(rules))
		}
	})
	return cmp.Or(failed...)
}

// finishAccounts fills Accounts and Factors of the result, which has Figures by now.
func (m *measurement) finishAccounts(jobs []accountJob) error {
	for i := range jobs {
		j := &jobs[i]
		if j.window < 0 {
			m.result.Factors = append(m.result.Factors, j.tallies[0].factor(&compass, KeyAbsenceFactor))
			continue
		}
		f := &m.result.Figures[j.window]
		m.result.Factors = append(m.result.Factors, ownFactors(f)...)
		for k, rules := range j.rules {
			t := j.tallies[k]
			if err := t.explain(rules, f); err != nil {
				return err
			}
			if rules.Threshold != "" {
				m.result.Factors = append(m.result.Factors, t.factor(rules, KeyElephantFactor), t.factor(rules, KeyAbsenceFactor))
			}
			if rules.Name == m.in.Accounting {
				m.result.Accounts = append(m.result.Accounts, t.Account)
			}
		}
	}
	return nil
}

// party is an organization or the unknown, and a person, whom a commit counts for.
type party struct{ bucket, person uint32 }

// activity is the work of a period as far as rules tell it apart. None of them asks for more of a commit that is no merge than for whom it is, and
// actors are few.
type activity struct {
	m      *measurement
	period Period
	actors []accountWork     // by actor
	merges map[author]uint64 // commits by author
	// What counts for committers of other organizations than the author's, by organization.
	committed map[committedWork][]accountWork
}

// author is whom a commit counts for first.
type author struct {
	party
	machine bool
}

// committedWork is a kind of commits: rules leave out merges, or those of machines.
type committedWork struct{ merge, machine bool }

// counts says whether rules count a kind of commits.
func (w committedWork) counts(rules *Rules) bool {
	return (rules.Merges || !w.merge) && (rules.Machines || !w.machine)
}

// accountWork is an amount of work by any rules.
type accountWork struct{ commits, added, removed, larger uint64 }

func (w *accountWork) add(e *entry) {
	w.commits++
	w.added += e.added
	w.removed += e.removed
	w.larger += max(e.added, e.removed)
}

func (w *accountWork) by(rules *Rules) AccountSum {
	sum := AccountSum{Sum: Sum{Commits: w.commits, Added: w.added, Removed: w.removed}, Changed: w.added + w.removed}
	if rules.Larger {
		sum.Changed = w.larger
	}
	return sum
}

// activity adds up the commits of a period.
func (m *measurement) activity(p Period, committers bool) (*activity, error) {
	a := &activity{m: m, period: p, actors: make([]accountWork, len(m.actors)), merges: map[author]uint64{}, committed: map[committedWork][]accountWork{}}
	unknown := uint32(m.sizes.organizations)
	for _, at := range m.scopes[0].dated(m, p) {
		e := &m.entries[at]
		r := &m.repositories[e.rank]
		if e.credit || e.state == duplicate || !r.holds(p, e.row, e.when) {
			continue
		}
		c := &r.Commits[e.row]
		var by author
		if e.actor != facts.None { // all but merges
			a.actors[e.actor].add(e)
			by.party, by.machine = m.partyOf(&m.actors[e.actor])
		} else {
			var err error
			if by.party, by.machine, err = m.party(r, c.Author, c.Authored); err != nil {
				return nil, fmt.Errorf("commit %s is attributed to %w", c.ID, err)
			}
			a.merges[by]++
		}
		if !committers || c.Committer == c.Author && c.Committed == c.Authored {
			continue
		}
		committer, _, err := m.party(r, c.Committer, c.Committed)
		if err != nil {
			return nil, fmt.Errorf("the committer of %s is %w", c.ID, err)
		}
		if committer.bucket == by.bucket || committer.bucket == unknown { // which machines are of
			continue
		}
		kind := committedWork{e.state == merge, by.machine}
		if a.committed[kind] == nil {
			a.committed[kind] = make([]accountWork, unknown)
		}
		a.committed[kind][committer.bucket].add(e)
	}
	return a, nil
}

// by gives the account by some rules.
func (a *activity) by(rules *Rules) *tally {
	m, resolution := a.m, a.m.in.Resolution
	t := &tally{Account: Account{Period: a.period}}
	unknown := m.sizes.organizations
	rows := make([]AccountRow, unknown+1)
	persons := make([]AccountRow, m.sizes.persons)
	unknowns := make([]uint64, m.sizes.persons)
	met := make(map[party]bool, len(a.merges))
	count := func(by party, w *accountWork) {
		sum := w.by(rules)
		t.add(&sum)
		if rules.Larger {
			t.smaller += w.added + w.removed - w.larger
		}
		if int(by.bucket) == unknown {
			unknowns[by.person] += w.commits
		}
		persons[by.person].add(&sum)
		rows[by.bucket].add(&sum)
		if !met[by] {
			met[by] = true
			rows[by.bucket].Persons++
		}
	}
	for i := range a.actors {
		if w := &a.actors[i]; w.commits > 0 {
			if by, machine := m.partyOf(&m.actors[i]); !machine || rules.Machines {
				count(by, w)
			}
		}
	}
	for by, commits := range a.merges { // sums are the same in any order
		switch {
		case !rules.Merges:
		case by.machine && !rules.Machines:
			t.machineMerges += commits // all else of theirs is told by its state
		default:
			count(by.party, &accountWork{commits: commits})
		}
	}
	for kind, list := range a.committed {
		for i := range list {
			if rules.Committers && kind.counts(rules) {
				sum := list[i].by(rules)
				rows[i].add(&sum)
			}
		}
	}
	for i := range rows {
		if row := &rows[i]; row.Commits > 0 {
			row.Organization, row.Name = people.NoOrganization, RowUnknown
			if i < unknown {
				row.Organization, row.Name = i, resolution.Organizations[i].Name
			}
			t.Rows = append(t.Rows, *row)
		}
	}
	for i := range persons {
		if row := &persons[i]; row.Commits > 0 {
			row.Organization, row.Person = people.NoOrganization, i
			t.People = append(t.People, *row)
		}
	}
	t.unknown = positives(unknowns)
	t.Persons = len(t.People)
	for _, list := range [][]AccountRow{t.Rows, t.People} {
		slices.SortFunc(list, func(x, y AccountRow) int {
			return cmp.Or(cmp.Compare(y.Commits, x.Commits), cmp.Compare(y.Changed, x.Changed), cmp.Compare(x.Name, y.Name), cmp.Compare(x.Person, y.Person))
		})
	}
	return t
}

func (s *AccountSum) add(o *AccountSum) {
	s.Sum.add(&o.Sum)
	s.Changed += o.Changed
}

// party says whom a signature stands for at a moment: the index behind the organizations is the unknown's, machines among them.
func (m *measurement) party(r *mined, signature uint32, when facts.Time) (p party, isMachine bool, err error) {
	resolution := m.in.Resolution
	p.person = resolution.Person[r.position][signature]
	p.bucket, err = m.bucket(resolution.Attribute(r.position, signature, when), &resolution.Persons[p.person])
	isMachine = int(p.bucket) >= m.sizes.organizations+len(unknownClasses)
	p.bucket = min(p.bucket, uint32(m.sizes.organizations))
	return p, isMachine, err
}

// partyOf says whom an actor stands for.
func (m *measurement) partyOf(a *actor) (p party, isMachine bool) {
	return party{min(a.bucket, uint32(m.sizes.organizations)), a.person}, int(a.bucket) >= m.sizes.organizations+len(unknownClasses)
}

// explain leads from this program's figures to the account's.
func (a *tally) explain(rules *Rules, f *Figures) error {
	own := f.Work.Commits()
	a.CommitTerms = []Term{{"commits", int64(own.Commits)}}
	a.ChangeTerms = []Term{{"lines added and removed", int64(own.Changed())}}
	if f.Work.Credits > 0 {
		a.CommitTerms = append(a.CommitTerms, Term{TermCoAuthors, -int64(f.Work.Credits)})
	}
	if rules.Machines {
		machines := f.Work.Bots.Plus(f.Work.Agents)
		a.CommitTerms = append(a.CommitTerms, Term{"bots and AI agents", int64(machines.Commits)})
		a.ChangeTerms = append(a.ChangeTerms, Term{"bots and AI agents", int64(machines.Changed())})
	}
	if rules.Merges {
		a.CommitTerms = append(a.CommitTerms, Term{"merges", int64(f.Work.Merges.Commits)})
		if !rules.Machines {
			a.CommitTerms = append(a.CommitTerms, Term{"merges by bots and AI agents", -int64(a.machineMerges)})
		}
	}
	if rules.Larger {
		a.ChangeTerms = append(a.ChangeTerms, Term{"the smaller of added and removed in each commit", -int64(a.smaller)})
	}
	for _, check := range []struct {
		name  string
		left  uint64
		terms []Term
	}{{"commits", a.Commits, a.CommitTerms}, {"changed lines", a.Changed, a.ChangeTerms}} {
		law := Law{Name: fmt.Sprintf("%s by the rules of %s, %s", check.name, rules.Name, a.Period.Name), Left: int64(check.left), Terms: check.terms}
		for _, t := range check.terms {
			law.Right += t.Value
		}
		if law.Left != law.Right {
			return &LawError{law}
		}
	}
	return nil
}

// factor applies the rules' threshold to organizations (KeyElephantFactor) or persons (KeyAbsenceFactor).
func (a *tally) factor(rules *Rules, metric string) Factor {
	f := Factor{Rules: rules.Name, Metric: metric, Period: a.Period.Name, Threshold: rules.Threshold}
	var values []uint64
	if metric == KeyAbsenceFactor {
		for _, row := range a.People {
			values = append(values, row.Commits)
		}
		f.Value = rules.count(values)
		return f
	}
	for _, row := range a.Rows {
		if row.Organization != people.NoOrganization {
			values = append(values, row.Commits)
		}
	}
	f.Value = rules.count(values)
	if !rules.OfKnown {
		c := Concentrate(values, a.unknown)
		f.Low, f.High = c.ElephantLow, c.ElephantHigh
	}
	return f
}

// count gives the smallest number of the largest values, which are in descending order, that reach the threshold; 0 if none does.
func (r *Rules) count(values []uint64) int {
	var whole, sum, rounded uint64
	for _, x := range values {
		whole += x
	}
	for i, x := range values {
		sum += x
		rounded += (200*x + whole) / (2 * whole) // halves go up
		if r.reached(sum, whole, rounded) {
			return i + 1
		}
	}
	return 0
}

func positives(values []uint64) (list []uint64) {
	for _, x := range values {
		list = positive(list, x)
	}
	return list
}

// ownFactors are this program's own, to stand beside the others.
func ownFactors(f *Figures) []Factor {
	find := func(indices []Index, metric string) Factor {
		own := Factor{Rules: "orrery", Metric: metric, Period: f.Period.Name, Threshold: "1/2 or more"}
		for _, i := range indices {
			if i.Of == KeyCommits && !i.Merged && !i.Bulk {
				own.Value, own.Low, own.High = i.ElephantKnown, i.ElephantLow, i.ElephantHigh
			}
		}
		return own
	}
	return []Factor{find(f.Organizations, KeyElephantFactor), find(f.Persons, KeyAbsenceFactor)}
}
