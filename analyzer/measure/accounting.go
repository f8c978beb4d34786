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

// accounts fills Accounts and Factors of the result.
func (m *measurement) accounts() error {
	type job struct {
		rules  *Rules
		period Period
		window int // -1 for none
		tally  *tally
		err    error
	}
	var jobs []*job
	for w, p := range m.result.Windows {
		for i := range Accountings {
			if rules := &Accountings[i]; rules.Threshold != "" || rules.Name == m.in.Accounting {
				jobs = append(jobs, &job{rules: rules, period: p, window: w})
			}
		}
	}
	last := Period{Kind: KindWindow, Window: Window{fmt.Sprintf("last %d days", compassDays), EndOfDay(m.in.AsOf) - compassDays*day, EndOfDay(m.in.AsOf)}}
	jobs = append(jobs, &job{rules: &compass, period: last, window: -1})
	m.parallel(len(jobs), func(_, i int) {
		jobs[i].tally, jobs[i].err = m.account(jobs[i].rules, &m.scopes[0], jobs[i].period)
	})
	own := -1 // the window whose own factors came last
	for _, j := range jobs {
		if j.err != nil {
			return j.err
		}
		if j.window < 0 {
			m.result.Factors = append(m.result.Factors, j.tally.factor(j.rules, KeyAbsenceFactor))
			continue
		}
		f := &m.result.Figures[j.window]
		if own != j.window {
			own = j.window
			m.result.Factors = append(m.result.Factors, ownFactors(f)...)
		}
		if err := j.tally.explain(j.rules, f); err != nil {
			return err
		}
		if j.rules.Threshold != "" {
			m.result.Factors = append(m.result.Factors, j.tally.factor(j.rules, KeyElephantFactor), j.tally.factor(j.rules, KeyAbsenceFactor))
		}
		if j.rules.Name == m.in.Accounting {
			m.result.Accounts = append(m.result.Accounts, j.tally.Account)
		}
	}
	return nil
}

// party is an organization or the unknown, and a person, whom a commit counts for.
type party struct{ bucket, person uint32 }

// account counts the commits of a period.
func (m *measurement) account(rules *Rules, s *scope, p Period) (*tally, error) {
	resolution := m.in.Resolution
	a := &tally{Account: Account{Period: p}}
	unknown := m.sizes.organizations
	rows := make([]AccountRow, unknown+1)
	persons := make([]AccountRow, m.sizes.persons)
	unknowns := make([]uint64, m.sizes.persons)
	met, seen := make(map[party]bool), make([]bool, len(m.actors))
	for _, at := range s.dated(m, p) {
		e := &m.entries[at]
		r := &m.repositories[e.rank]
		if e.credit || e.state == duplicate || e.state == merge && !rules.Merges || e.state == machine && !rules.Machines || !r.holds(p, e.row, e.when) {
			continue
		}
		c := &r.Commits[e.row]
		var author party
		var isMachine, known bool
		if e.actor != facts.None { // all but merges
			author, isMachine = m.partyOf(&m.actors[e.actor])
			known, seen[e.actor] = seen[e.actor], true
		} else {
			var err error
			if author, isMachine, err = m.party(r, c.Author, c.Authored); err != nil {
				return nil, fmt.Errorf("commit %s is attributed to %w", c.ID, err)
			}
		}
		if isMachine && !rules.Machines {
			a.machineMerges++ // all else of theirs is told by its state
			continue
		}
		sum := AccountSum{Sum: Sum{Commits: 1, Added: e.added, Removed: e.removed}, Changed: e.added + e.removed}
		if rules.Larger {
			sum.Changed = max(e.added, e.removed)
			a.smaller += min(e.added, e.removed)
		}
		a.add(&sum)
		if int(author.bucket) == unknown {
			unknowns[author.person]++
		}
		persons[author.person].add(&sum)
		rows[author.bucket].add(&sum)
		if !known && !met[author] {
			met[author] = true
			rows[author.bucket].Persons++
		}
		if rules.Committers {
			committer, isMachine, err := m.party(r, c.Committer, c.Committed)
			if err != nil {
				return nil, fmt.Errorf("the committer of %s is %w", c.ID, err)
			}
			if committer.bucket != author.bucket && int(committer.bucket) != unknown && (!isMachine || rules.Machines) {
				rows[committer.bucket].add(&sum)
			}
		}
	}
	for i := range rows {
		if row := &rows[i]; row.Commits > 0 {
			row.Organization, row.Name = people.NoOrganization, RowUnknown
			if i < unknown {
				row.Organization, row.Name = i, resolution.Organizations[i].Name
			}
			a.Rows = append(a.Rows, *row)
		}
	}
	for i := range persons {
		if row := &persons[i]; row.Commits > 0 {
			row.Organization, row.Person = people.NoOrganization, i
			a.People = append(a.People, *row)
		}
	}
	a.unknown = positives(unknowns)
	a.Persons = len(a.People)
	for _, list := range [][]AccountRow{a.Rows, a.People} {
		slices.SortFunc(list, func(x, y AccountRow) int {
			return cmp.Or(cmp.Compare(y.Commits, x.Commits), cmp.Compare(y.Changed, x.Changed), cmp.Compare(x.Name, y.Name), cmp.Compare(x.Person, y.Person))
		})
	}
	return a, nil
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
