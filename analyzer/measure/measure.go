// Package measure turns facts and a resolution of people into figures: commits, lines, growth, contributors, shares with bounds,
// concentration, by window and period, for the ecosystem, its classes, subsystems and repositories.
//
// [Measure] is a pure function: it reads no git, no file and no clock, and gives the same result for any number of workers.
//
// # What is counted
//
// Every commit of every repository is exactly one of these, in this order of precedence: a duplicate (the same id in a repository whose
// key sorts earlier), a merge, the work of a bot, of an AI agent, a bulk import, or counted. T, the whole that shares are taken of, is the
// counted ones; everything else stands beside it. Where each co-author counts, T has besides, without lines, every counted commit once
// for each of them: the credits, which stand as a term of their own in the sums. Contributions are dated by author date, snapshots by the running maximum of committer
// dates along first parents. Commits with an invalid date are in all time and in no other period.
package measure

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"orrery/analyzer/facts"
	"orrery/analyzer/facts/spill"
	"orrery/analyzer/paths"
	"orrery/analyzer/people"
)

// Input is all that the figures depend on.
type Input struct {
	// Repositories are those that could be read, in the order that Resolution was made for.
	Repositories []*facts.Repository
	// Membership says where Repositories[i] belongs.
	Membership []Membership
	Resolution *people.Resolution
	// Paths says what the files of Repositories[i] are. nil: all are written here.
	Paths []*paths.Classified
	// Survival says that the repositories were read with [facts.Repository.Survival], and asks for what follows from it.
	Survival bool
	// AsOf is the day (any second of it, UTC) that relative windows count from: Unix seconds, 1990 to 2099.
	AsOf int64
	// Fetched is when the repositories were read, Unix seconds: dates more than a day later are invalid. 0 means AsOf or the newest
	// committer date of a head, whichever is later: so an as-of day in the past makes no date invalid.
	Fetched int64
	// Windows are the user's own, beside [BuiltinWindows].
	Windows []Window
	// Ranges are windows over commits.
	Ranges []Range
	// Accounting names the rules of others, of [Accountings], that Accounts are made by; "" for none.
	Accounting string
	// Bulk corrects the detector of bulk imports.
	Bulk []Correction
	// Spill is where the rows of the result are kept that grow with the number of repositories, and what is needed of each repository until they are made.
	// nil keeps them in memory. It changes nothing in the result, which dies with it.
	Spill *spill.File
	// Workers bounds the goroutines; 0 means one for each processor. It changes nothing in the result.
	Workers int
}

// Membership is a repository's place in its ecosystem.
type Membership struct {
	Key       string // equal to the repository's own
	Class     string // "own" (which "" means too), "third-party", or another one that the ecosystem declares
	Subsystem string // "" for none
	// Spells are when it belonged, ascending and apart from each other. nil: always.
	Spells []Spell
}

// ThirdParty is the class of repositories that hold somebody else's code.
const ThirdParty = "third-party"

// Kinds of scopes.
const (
	ScopeEcosystem  = "ecosystem"
	ScopeClass      = "class"
	ScopeSubsystem  = "subsystem"
	ScopeRepository = "repository"
)

// NoSubsystem is the name of the scope of repositories that have no subsystem, where others have one.
const NoSubsystem = "(none)"

// Scope is the part of the ecosystem that figures are for.
type Scope struct {
	Kind string `json:"kind"`
	Name string `json:"name"` // "" for the ecosystem
}

// Result is everything measured. Immutable.
type Result struct {
	AsOf, Fetched int64
	// Windows are the periods of Figures: all time first, then the built-in ones, then the user's, then the ranges.
	Windows []Period
	// Scopes are the ecosystem, classes, subsystems (none if no repository has one), repositories; each kind by name.
	Scopes []Scope
	// Figures holds for every scope and window, scope after scope, all figures.
	Figures []Figures
	// Series holds calendar periods, scope after scope: years, quarters and months of the ecosystem and its classes, years and quarters
	// of subsystems, years of repositories; half-years of the ecosystem. Organizations and indices are given for the ecosystem only, and not for months.
	Series []Figures
	// Growth is the history of every repository's lines by months, from its first to the as-of day.
	Growth []GrowthRow
	// Waterfalls are for every scope the windows that go by dates, then calendar years.
	Waterfalls []Waterfall
	// Censuses count the ecosystem's contributors by every definition in the same periods, Arrivals since the start month by month.
	Censuses []Census
	Arrivals []Arrivals
	// People are the persons of the ecosystem by window, most commits first.
	People [][]PersonRow
	// Contributions tell by window who worked where, and for whom: by repository, person and organization. What graphs are made of.
	Contributions [][]Contribution
	// Holdings tell by window what stands of these at its end: by repository, person and organization; those of ranges are empty, and all of them
	// without [Input.Survival].
	Holdings [][]Holding
	// Newcomers are the persons with counted work, by the date of their first commit.
	Newcomers []Newcomer
	// Ledger is the counted work in its smallest pieces.
	Ledger Ledger
	// Files is who worked on which file, by file, slice and person: what says who works with whom.
	Files []FileWork
	// FileStocks tell by window what stands in these files at its end, as far as two persons or more worked on them: by file and person; those of ranges
	// are empty, and all of them without [Input.Survival].
	FileStocks [][]FileStock
	// Strata are the surviving lines month by month, Longevity how long they live. nil without [Input.Survival].
	Strata    *Strata
	Longevity []Longevity
	// Bulk lists the bulk imports, by repository and then by date; a history of somebody else is one of many commits.
	Bulk []BulkImport
	// Accounts are by window what the rules that were asked for make of the ecosystem.
	Accounts []Account
	// Factors are how few hold most of the ecosystem's commits by window, by everybody's rules.
	Factors []Factor
	// Skips lists what could not be measured.
	Skips []Skip
	// Laws are the conservation sums; all hold, or Measure had failed.
	Laws     []Law
	Warnings []string
}

// Pieces gives the result without what a model has once it is built: figures of parts of the ecosystem, and what stands in tables of their own. Networks, graphs,
// control and openness are measured of the rest, and take as much room themselves.
func (r *Result) Pieces() *Result {
	rest := *r
	rest.Figures = slices.Clone(r.Figures[:min(len(r.Windows), len(r.Figures))]) // the ecosystem's
	rest.Series = nil
	for i := range r.Series {
		if r.Series[i].Scope.Kind == ScopeEcosystem {
			rest.Series = append(rest.Series, r.Series[i])
		}
	}
	rest.Waterfalls, rest.Censuses, rest.Arrivals, rest.People, rest.Strata, rest.Longevity, rest.Bulk = nil, nil, nil, nil, nil, nil, nil
	return &rest
}

// Sum is an amount of work.
type Sum struct {
	Commits uint64 `json:"commits"`
	Added   uint64 `json:"added"`   // lines
	Removed uint64 `json:"removed"` // lines
	// Of these, what is in files that are written here: [paths.Class.Written]. Commits that change one at least.
	CommitsHere uint64 `json:"commits_here"`
	AddedHere   uint64 `json:"added_here"`
	RemovedHere uint64 `json:"removed_here"`
}

// Changed is Added + Removed.
func (s Sum) Changed() uint64 { return s.Added + s.Removed }

// ChangedHere is AddedHere + RemovedHere.
func (s Sum) ChangedHere() uint64 { return s.AddedHere + s.RemovedHere }

// Net is Added - Removed.
func (s Sum) Net() int64 { return int64(s.Added - s.Removed) }

// add adds to a sum in its place: most sums are made of very many.
func (s *Sum) add(o *Sum) {
	s.Commits += o.Commits
	s.Added += o.Added
	s.Removed += o.Removed
	s.CommitsHere += o.CommitsHere
	s.AddedHere += o.AddedHere
	s.RemovedHere += o.RemovedHere
}

// Plus adds two sums.
func (s Sum) Plus(o Sum) Sum {
	return Sum{
		s.Commits + o.Commits, s.Added + o.Added, s.Removed + o.Removed,
		s.CommitsHere + o.CommitsHere, s.AddedHere + o.AddedHere, s.RemovedHere + o.RemovedHere,
	}
}

// Work is the work of a scope in a period, as parts that exclude one another.
type Work struct {
	Known   Sum // K: by people of known organizations
	Unknown Sum // U: by people whose organization is not known
	Bulk    Sum // bulk imports by people
	Bots    Sum // bulk ones included
	Agents  Sum // AI agents', bulk ones included
	// Merges holds commits only.
	Merges Sum
	// Duplicates are commits that a repository with an earlier key holds as well; those of them that are merges have no lines.
	Duplicates Sum
	// Credits are of the commits of Known, Unknown and Bulk those that stand there for a co-author, and for the author as well. They have no
	// lines. 0 unless that is the policy: [people.CoAuthorsEach].
	Credits uint64
}

// Total is T = K + U.
func (w Work) Total() Sum { return w.Known.Plus(w.Unknown) }

// Commits is the metric of that name, and its lines: T with bulk imports.
func (w Work) Commits() Sum { return w.Total().Plus(w.Bulk) }

// All is every commit, once for each of its authors that count.
func (w Work) All() Sum {
	return w.Commits().Plus(w.Bots).Plus(w.Agents).Plus(w.Merges).Plus(w.Duplicates)
}

// People is a number of people as a range, from the strictest to the loosest way of telling them apart.
type People struct {
	Persons   int `json:"persons"`
	Addresses int `json:"addresses"`
	Names     int `json:"names"`
	Pairs     int `json:"pairs"` // distinct (name, address)
}

// Low is the lower end of the range.
func (p People) Low() int { return min(p.Persons, p.Addresses, p.Names, p.Pairs) }

// High is the upper end of the range.
func (p People) High() int { return max(p.Persons, p.Addresses, p.Names, p.Pairs) }

// Contributors counts the authors of commits (bulk imports among them; neither bots nor AI agents).
type Contributors struct {
	People
	Once      int    `json:"once"`        // persons with one commit in the period
	TenOrMore int    `json:"ten_or_more"` // persons with ten or more
	BulkOnly  int    `json:"bulk_only"`   // persons with bulk imports alone
	New       int    `json:"new"`         // persons whose first dated commit in the scope is in the period; in all time all of them; in ranges those without one before it
	Ever      People `json:"cumulative"`  // with a commit dated before the period's end; in ranges, with one that its end reaches
}

// Growth is what became of the snapshots of a scope in a period; lines are text lines.
type Growth struct {
	Lines      uint64 `json:"lines"`      // at the end of the period
	Before     uint64 `json:"before"`     // at its start
	Added      uint64 `json:"added"`      // along first parents
	Removed    uint64 `json:"removed"`    // along first parents
	Files      uint64 `json:"files"`      // at the end, binary ones too
	Unreadable uint64 `json:"unreadable"` // files at the end whose lines are not known
	// Undefined counts repositories that have the range of the period, but not its snapshots: an end stands beside the first parents that
	// were read. Nothing of theirs is in the lines.
	Undefined int `json:"undefined,omitempty"`
}

// Net is the growth: Lines - Before = Added - Removed.
func (g Growth) Net() int64 { return int64(g.Added - g.Removed) }

// Reconciliation leads from the log to growth, in lines (added - removed): the sum of all terms but Growth is Growth.
type Reconciliation struct {
	Counted    int64 `json:"counted"`    // non-merge commits of T dated in the period
	Bulk       int64 `json:"bulk"`       // bulk imports dated in the period
	Bots       int64 `json:"bots"`       // of bots and AI agents, dated in the period
	Duplicates int64 `json:"duplicates"` // commits that belong to another repository, dated in the period
	// Elsewhere is what landed on the first parents in the period less what was dated in it; 0 in all time.
	Elsewhere int64 `json:"dated_elsewhere"`
	// Merges is what merges brought along less what the commits that they merged say: conflict resolutions, and parallel duplicates (negative).
	Merges int64 `json:"merge_content_and_parallel_duplicates"`
	// Flips are lines that files lose when they turn binary, and win when they turn back; the log prints "-".
	Flips int64 `json:"binary_flips"`
	// Submodules takes back the one line that the log gives to a link to another repository.
	Submodules int64 `json:"submodule_links"`
	// Unreadable is what is left; 0 where everything could be read.
	Unreadable int64 `json:"unreadable"`
	Growth     int64 `json:"growth"`
	Imported   int64 `json:"imported"` // part of Growth: bulk imports and duplicates that landed in the period
}

func (r *Reconciliation) add(o *Reconciliation) {
	r.Counted += o.Counted
	r.Bulk += o.Bulk
	r.Bots += o.Bots
	r.Duplicates += o.Duplicates
	r.Elsewhere += o.Elsewhere
	r.Merges += o.Merges
	r.Flips += o.Flips
	r.Submodules += o.Submodules
	r.Unreadable += o.Unreadable
	r.Growth += o.Growth
	r.Imported += o.Imported
}

// Part is the contribution of one row under one reading.
type Part struct {
	Sum
	Bulk         Sum // beside it: bulk imports
	Contributors int // persons
}

// Row is what one organization, one unknown class, or one kind of machine contributed to a scope in a period.
type Row struct {
	// Organization is the index into the resolution's, people.NoOrganization for the other rows.
	Organization int
	Name         string
	// Class is that of the organization, the unknown class, or Bot, Agent. Bulk imports have a row with Outside and Class Unknown.
	Class people.Class
	// Outside says that the row is outside of T: bots, AI agents, bulk imports.
	Outside bool
	// Apart reads contractors as firms of their own.
	Apart Part
	// Merged reads contractors as part of their client: the client's row has it all, and the contractor's nothing.
	Merged Part
	// Client is the name of the organization that a contractor's work is merged into; "" for all others.
	Client string
}

// Index holds the concentration of one kind of contribution under one reading.
type Index struct {
	Of     string // KeyCommits or KeyChanged
	Merged bool   // contractors merged with their clients; always false for persons
	Bulk   bool   // with bulk imports
	Concentration
}

// Figures are the figures of one scope in one period.
type Figures struct {
	Scope  Scope
	Period Period
	Work   Work
	// Undated is the part of Work.Commits with an invalid date: above 0 in all time and ranges only.
	Undated Sum
	// Incomplete counts commits of Work.Commits with lines that could not be read.
	Incomplete   int
	Contributors Contributors
	Growth       Growth
	// Reconciliation is given for windows; nil in series, and where Growth has repositories that are undefined.
	Reconciliation *Reconciliation
	// Rows are the organizations with work in the period, most commits first, then the unknown classes, bots, AI agents and bulk
	// imports. The ecosystem has a row for each of the latter; other scopes, where they are not empty. nil in most series.
	Rows []Row
	// Surviving is what stands at the end of a window; nil in series and ranges, and without [Input.Survival].
	Surviving *Surviving
	// Classes and Languages tell windows apart by what files are; classes in their order, languages by lines. nil in series.
	Classes, Languages []KindRow
	// Organizations and Persons are the indices: commits and changed lines, both readings; with bulk imports too for windows of the
	// ecosystem and its classes.
	Organizations, Persons []Index
}

// PersonRow is what a person contributed to the ecosystem in a window.
type PersonRow struct {
	Person int // into the resolution's Persons
	// Organization is the one that most of the commits were for: an index, or people.NoOrganization if Class is an unknown one.
	Organization int
	Class        people.Class
	Sum
	Bulk Sum
}

// Contribution is what a person did in a repository on behalf of an organization in a window; neither by machines, nor bulk imports.
type Contribution struct {
	Repository   string // its key
	Person       int    // into the resolution's Persons
	Organization int    // an index, or people.NoOrganization if Class is an unknown one
	Class        people.Class
	Sum
	// First and Last are author dates, Unix seconds; First is above Last when all dates are invalid.
	First, Last int64
}

// Holding is what survives in a repository of what a person did on behalf of an organization; neither of machines, nor of bulk imports.
type Holding struct {
	Repository   string // its key
	Person       int    // into the resolution's Persons
	Organization int    // an index, or people.NoOrganization if Class is an unknown one
	Class        people.Class
	Stock
}

// GrowthRow is one repository's month.
type GrowthRow struct {
	Period            string // "2024-06", or InvalidDate for steps before the first valid date
	Repository, Class string
	Added, Removed    uint64 // along first parents
	Lines             uint64 // at the month's end: the row before's + Added - Removed
}

// InvalidDate is the period of what has no valid date.
const InvalidDate = "invalid date"

// Skip is something that could not be measured.
type Skip struct {
	Repository string
	Reason     facts.Reason
	Object     facts.ID
	Commit     facts.ID // the first that needs it; zero if none is known
	Path       string   // raw bytes of the tree; "" if none
	Rows       uint32   // how many changes this takes lines from
	Detail     string
}

// Measure computes all figures. It fails when its input contradicts itself, or when a law of conservation does not hold (a [LawError]).
//
// Cost: O(n log n) in commits and O(n) in changes, some 100 bytes a commit; the series of p periods and s scopes add O(p s).
func Measure(in Input) (*Result, error) {
	m, err := newMeasurement(in)
	if err != nil {
		return nil, err
	}
	if err := m.prepare(); err != nil {
		return nil, err
	}
	// None of these needs another one of them. Where one repository is most of all, each is mostly one goroutine's work: so the longest go first, and
	// all at once fill the cores. What some need of others is done after.
	cuts := m.cuts()
	jobs, accounts := m.jobs(), m.accountJobs()
	if err := m.together(
		m.liveOn,
		m.foldStrata,
		func() error { m.keepFiles(cuts); m.keepFileStocks(); return nil },
		func() error { m.keepGrowth(); m.figures(jobs); return nil },
		m.waterfalls,
		func() error { m.takeCensus(); m.result.Newcomers = m.newcomers(); return nil },
		func() error { return m.tally(accounts) },
		m.reconcile,
		func() error { m.keepLedger(cuts); return nil },
	); err != nil {
		return nil, err
	}
	if in.Survival {
		m.result.Strata.Cohorts = m.cohorts
	}
	m.finishFigures(jobs)
	m.lonelyFigures()
	if err := m.finishAccounts(accounts); err != nil {
		return nil, err
	}
	if err := m.conserve(); err != nil {
		return nil, err
	}
	result := m.result // and nothing else that m holds: that is many times larger
	return &result, nil
}

// prepare makes what every figure, and every question about one, is made of.
func (m *measurement) prepare() error {
	if err := m.tabulate(); err != nil {
		return err
	}
	var kept []entry // which nobody changes any more
	err := m.together(m.attribute, func() error { m.makeScopes(); return nil }, func() error { kept = spill.Keep(m.aside, m.entries); return nil })
	m.entries = kept
	return err
}

// measurement is the state of one call of Measure, filled by one stage after the other.
type measurement struct {
	in      Input
	workers int
	limit   int64       // the first invalid second
	aside   *spill.File // where what is needed of each repository is kept: that of the input, nil for one repository, which has memory of its own
	order   []int       // input positions of repositories, by key
	result  Result

	repositories []mined // by rank: position in order
	entries      []entry // by rank, then by commit
	actors       []actor
	clients      []uint32 // see the function of that name
	sizes        sizes
	languages    []string // of all repositories, by name

	scopes  []scope
	scopeOf []*scope // of repositories, by rank
	last    int64    // moment that series go up to
	months  []Period // of the ecosystem

	all           *spill.List[Figures] // those of the result, and its series
	years         []Period             // of the ecosystem
	seriesAt      []int                // by scope: where its series begin among all figures
	contributions [][][]Contribution   // by window, then by repository
	cohorts       [][]Cohort           // by window
}

func newMeasurement(in Input) (*measurement, error) {
	n := len(in.Repositories)
	r := in.Resolution
	switch {
	case r == nil:
		return nil, errors.New("measuring: no resolution of people")
	case len(in.Membership) != n || len(r.Person) != n || len(r.Address) != n || len(r.Name) != n:
		return nil, fmt.Errorf("measuring %d repositories: %d memberships; persons, addresses and names of %d, %d and %d repositories",
			n, len(in.Membership), len(r.Person), len(r.Address), len(r.Name))
	case in.Paths != nil && len(in.Paths) != n:
		return nil, fmt.Errorf("measuring %d repositories: classes of paths of %d", n, len(in.Paths))
	case in.AsOf < earliest || in.AsOf >= latest:
		return nil, fmt.Errorf("as-of day %s: it must lie between 1990 and 2099", time.Unix(in.AsOf, 0).UTC().Format(time.DateOnly))
	}
	if _, ok := AccountingByName(in.Accounting); in.Accounting != "" && !ok {
		return nil, fmt.Errorf("measuring by the rules of %q: there are none of that name", in.Accounting)
	}
	for _, window := range in.Ranges {
		if len(window.Ends) != n {
			return nil, fmt.Errorf("measuring %d repositories: range %s has the ends of %d", n, window.Name, len(window.Ends))
		}
	}
	if in.Fetched == 0 {
		in.Fetched = in.AsOf
		for _, repository := range in.Repositories {
			if n := len(repository.Steps); n > 0 {
				if head := repository.Steps[n-1].Commit; int(head) < len(repository.Commits) {
					if t := repository.Commits[head].Committed; t.Valid && t.Unix < latest {
						in.Fetched = max(in.Fetched, t.Unix)
					}
				}
			}
		}
	}
	if in.Fetched < earliest || in.Fetched >= latest {
		return nil, fmt.Errorf("day of fetch %s: it must lie between 1990 and 2099", time.Unix(in.Fetched, 0).UTC().Format(time.DateOnly))
	}
	m := &measurement{in: in, workers: in.Workers, limit: in.Fetched + day + 1}
	if n > 1 {
		m.aside = in.Spill
	}
	if m.workers < 1 {
		m.workers = runtime.GOMAXPROCS(0)
	}
	for i, repository := range in.Repositories {
		if repository.Key != in.Membership[i].Key {
			return nil, fmt.Errorf("measuring repository %q: its membership is that of %q", repository.Key, in.Membership[i].Key)
		}
		m.order = append(m.order, i)
	}
	slices.SortFunc(m.order, func(a, b int) int { return cmp.Compare(in.Repositories[a].Key, in.Repositories[b].Key) })
	for i := 1; i < n; i++ {
		if key := in.Repositories[m.order[i]].Key; key == in.Repositories[m.order[i-1]].Key {
			return nil, fmt.Errorf("measuring repository %q: it is given twice", key)
		}
	}
	var err error
	m.result.AsOf, m.result.Fetched = in.AsOf, in.Fetched
	m.result.Windows, err = windows(in.AsOf, in.Windows, in.Ranges)
	return m, err
}

// parallel calls do(worker, i) for every i below n; each worker is one goroutine, so that it can own scratch space.
func (m *measurement) parallel(n int, do func(worker, i int)) {
	var next atomic.Int64
	var group sync.WaitGroup
	for worker := range min(m.workers, n) {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(worker, i)
			}
		})
	}
	group.Wait()
}

// together calls all, in their order on as many goroutines as there may be, and gives the first error in their order: the same one every time.
func (m *measurement) together(do ...func() error) error {
	failed := make([]error, len(do))
	m.parallel(len(do), func(_, i int) { failed[i] = do[i]() })
	return cmp.Or(failed...)
}

// each calls do for every repository, and gives the error of the first one by key that has one.
func (m *measurement) each(do func(worker, rank int, r *mined) error) error {
	failed := make([]error, len(m.repositories))
	m.parallel(len(m.repositories), func(worker, rank int) {
		r := &m.repositories[rank]
		if err := do(worker, rank, r); err != nil {
			failed[rank] = fmt.Errorf("measuring %s: %w", r.Repository.Key, err)
		}
	})
	return cmp.Or(failed...)
}

func (m *measurement) warn(format string, a ...any) {
	m.result.Warnings = append(m.result.Warnings, fmt.Sprintf(format, a...))
}

// valid says whether a date can be believed.
func (m *measurement) valid(t facts.Time) bool {
	return t.Valid && t.Unix >= earliest && t.Unix < m.limit
}

func (m *measurement) dated(t facts.Time) int64 {
	if m.valid(t) {
		return t.Unix
	}
	return math.MinInt64
}
