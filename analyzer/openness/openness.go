// Package openness tells how those fare who do not belong to the leading organization: whether what they propose is merged and how fast, whether
// they come back after a first commit, and when they get a maintainer's seat.
//
// Git knows proposals that were merged, from what forges write into the message of a merge; a squash merge leaves no trace of when the work
// began. What was never merged only a forge can tell: without it the share merged is unknown, and is said to be.
package openness

import (
	"math"
	"regexp"
	"slices"
	"strings"

	"orrery/analyzer/control"
	"orrery/analyzer/facts"
	"orrery/analyzer/measure"
	"orrery/analyzer/people"
)

// The spans of time that people are watched for after their first commit. Whoever has not been there for so long is not counted among those who
// did not come back.
const (
	ReturnDays = 365
	SeatMonths = 24
)

const day = 24 * 60 * 60

// monthSeconds is a twelfth of 365.25 days.
const monthSeconds = 2629800

// Input is what openness is measured of. Lists are parallel to Repositories.
type Input struct {
	Repositories []*facts.Repository
	Resolution   *people.Resolution
	Book         *control.Book // the resolution was made with its mentions
	Pulls        *Pulls        // likewise parallel to Repositories
	// Newcomers and Windows are those of the measures; ranges are left out.
	Newcomers []measure.Newcomer
	Windows   []measure.Period
	// Leader is the leading organization, people.NoOrganization for none.
	Leader int
	// At is the end of the as-of day, Unix seconds: what is later is not awaited.
	At int64
}

// Proposal is one change that somebody asked to be taken in.
type Proposal struct {
	Repository int
	// Commit is the merge, or the commit that it was squashed into; facts.None where only a forge tells of it.
	Commit uint32
	Number uint32 // of a forge's pull request; 0 from git
	Person int    // -1 for nobody who has a commit
	people.Attribution
	// Opened is when its oldest commit was written, by a forge when it was opened; 0 where nobody knows. Closed is when it was merged or
	// closed; 0 while it is open.
	Opened, Closed int64
	State          facts.PullState
	Forge          bool // a forge tells of it
}

// Took gives the seconds that a merged proposal took, if they are known.
func (p *Proposal) Took() (seconds int64, ok bool) {
	return p.Closed - p.Opened, p.State == facts.PullMerged && p.Opened != 0 && p.Closed >= p.Opened
}

// Group is whose proposals and newcomers a row is of.
type Group struct {
	// Standing is how it stands to the leader. Organization is an index, people.NoOrganization for the row of all of a standing.
	Standing     measure.Standing
	Organization int
}

// Row is what became of the proposals and newcomers of a group in a period.
type Row struct {
	Period measure.Period
	Group
	// Merged counts proposals merged in the period, Proposers the persons whose they were; OfForge are those that a forge tells of.
	Merged, Proposers int
	// Days are from the oldest commit (by a forge: from the opening) to the merge, of Timed merged ones: the median, and what nine of ten stay
	// within; nil without any.
	Timed      int
	Days, Day9 *float64
	// Told counts proposals opened in the period that a forge tells of: those merged, closed without a merge, and open still.
	ToldMerged, ToldClosed, ToldOpen int
	// Newcomers had their first commit in the period; Watched are those of them whose [ReturnDays] are over. Returned came back on a later
	// day within these, Later more than [measure.LaterDays] days after the first.
	Newcomers, Watched, Returned, Later int
	// Seated counts newcomers who got a seat after their first commit, Before those who had one by then. SeatShare is the share with a seat
	// [SeatMonths] months after their first commit, by the product-limit estimate over those without one before; nil where nobody was
	// watched for so long. SeatTime is the median of months of those who got one; nil without any.
	Seated, Before      int
	SeatShare, SeatTime *float64
}

// Result is how open an ecosystem is.
type Result struct {
	// Rows are by period, then by standing, then those of organizations, most newcomers and proposals first.
	Rows []Row
	// Repositories counts those with a merged proposal, of All; ByForge those whose proposals a forge tells.
	Repositories, ByForge, All int
	// Machines counts merged proposals of machine accounts, which are in no row.
	Machines int
	// Proposals are all others, by repository, then as the first parents have them, or by number.
	Proposals []Proposal
	// Seats are by person the first seat that asks for more than a review, Unix seconds.
	Seats map[int]int64
}

// Pulls are the pull requests that forges tell of.
type Pulls struct {
	of   []told // by repository; without a forge where none tells of it
	book *control.Book
}

type told struct {
	forge    *facts.Forge
	pulls    facts.Span
	mentions map[uint32]int // by account
}

// Tell takes down what forges tell of the repositories at some places, and names to the book whose it is: before people are resolved.
func Tell(forges []*facts.Forge, places []facts.Place, book *control.Book) *Pulls {
	mentions := map[*facts.Forge]map[uint32]int{}
	for _, f := range forges {
		mentions[f] = map[uint32]int{}
		for i := range f.Repositories {
			r := &f.Repositories[i]
			if r.Asked == 0 {
				continue
			}
			for _, pull := range f.Pulls[r.Pulls.Lo:r.Pulls.Hi] {
				if _, ok := mentions[f][pull.Author]; !ok && pull.Author != facts.None {
					mentions[f][pull.Author] = book.Mention(people.Mention{Accounts: []string{f.Key(&f.Accounts[pull.Author])}})
				}
			}
		}
	}
	p := &Pulls{make([]told, len(places)), book}
	for i, t := range facts.TellOf(forges, places) {
		if t.Forge != nil && t.Forge.Repositories[t.Repository].Asked != 0 {
			p.of[i] = told{t.Forge, t.Forge.Repositories[t.Repository].Pulls, mentions[t.Forge]}
		}
	}
	return p
}

// Measure tells how open an ecosystem is. It costs a pass over commits and parents, and O(n log n) in proposals and newcomers for each window.
func Measure(in Input) *Result {
	out := &Result{All: len(in.Repositories)}
	met := map[facts.ID]bool{}
	for i, r := range in.Repositories {
		n := len(out.Proposals)
		if in.Pulls != nil && in.Pulls.of[i].forge != nil {
			out.ByForge++
			in.pulls(i, in.Pulls.of[i], out)
		} else {
			in.merges(i, r, met, out)
		}
		if len(out.Proposals) > n {
			out.Repositories++
		}
	}
	out.Seats = in.seats()
	standings := measure.Standings(in.Resolution.Organizations, in.Leader)
	for _, w := range in.Windows {
		if w.Kind != measure.KindRange {
			out.Rows = append(out.Rows, in.rows(w, standings, out)...)
		}
	}
	return out
}

// pulls lists what a forge tells of a repository.
func (in *Input) pulls(repository int, t told, out *Result) {
	for i := range t.forge.Pulls[t.pulls.Lo:t.pulls.Hi] {
		pull := &t.forge.Pulls[int(t.pulls.Lo)+i]
		p := Proposal{
			Repository: repository, Commit: facts.None, Number: pull.Number, Person: -1, Attribution: people.Attribution{Organization: people.NoOrganization},
			Opened: pull.Created, Closed: max(pull.Merged, pull.Closed), State: pull.State, Forge: true,
		}
		if pull.Merged != 0 {
			p.Closed = pull.Merged
		}
		if pull.Author != facts.None {
			if t.forge.Accounts[pull.Author].Kind == facts.BotAccount {
				p.Class = people.Bot
			} else if m := t.mentions[pull.Author]; m < len(in.Resolution.Mentioned) {
				p.Person, p.Attribution = in.Resolution.Mentioned[m].Person, in.Resolution.AttributeMention(m, control.Moment(pull.Created))
				if p.Person < 0 {
					p.Person = -2 - m // tells accounts without commits apart
				}
			}
		}
		out.take(p)
	}
}

// take keeps a proposal, unless it is a machine's.
func (out *Result) take(p Proposal) {
	if p.Class.Machine() {
		if p.State == facts.PullMerged {
			out.Machines++
		}
		return
	}
	out.Proposals = append(out.Proposals, p)
}

var (
	// What forges write into the subject of a merge: Gitee and GitCode "!12 title", GitHub "Merge pull request #12 from ...".
	mergeSubject = regexp.MustCompile(`^(?:!\d+\b|Merge pull request [#!]\d+\b)`)
	// The subject of a squash merge: Gitee "!12 title", GitHub "title (#12)".
	squashSubject = regexp.MustCompile(`^!\d+ |\(#\d+\)$`)
)

// proposed says whether a commit on the first parents took in a proposal.
func proposed(r *facts.Repository, c *facts.Commit) bool {
	if !c.IsMerge() {
		return squashSubject.MatchString(c.Subject)
	}
	return mergeSubject.MatchString(c.Subject) || slices.ContainsFunc(r.Trailers[c.Trailers.Lo:c.Trailers.Hi], func(t facts.Trailer) bool {
		return strings.EqualFold(t.Key, "Created-by")
	})
}

// merges lists the proposals that the first parents tell of: each commit id once in the ecosystem.
func (in *Input) merges(repository int, r *facts.Repository, met map[facts.ID]bool, out *Result) {
	seen := make([]bool, len(r.Commits))
	var stack []uint32
	for s := range r.Steps {
		row := r.Steps[s].Commit
		c := &r.Commits[row]
		// The oldest of what this step brings.
		oldest := int64(math.MaxInt64)
		seen[row] = true
		parents := r.Parents[c.Parents.Lo:c.Parents.Hi]
		stack = append(stack[:0], parents...)
		for len(stack) > 0 {
			at := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if seen[at] {
				continue
			}
			seen[at] = true
			one := &r.Commits[at]
			if !one.IsMerge() && one.Authored.Valid {
				oldest = min(oldest, one.Authored.Unix)
			}
			stack = append(stack, r.Parents[one.Parents.Lo:one.Parents.Hi]...)
		}
		if s == 0 || !proposed(r, c) || met[c.ID] {
			continue
		}
		met[c.ID] = true
		work := row
		if c.IsMerge() {
			work = parents[1]
		}
		by := &r.Commits[work]
		p := Proposal{
			Repository: repository, Commit: row, Person: int(in.Resolution.Person[repository][by.Author]),
			Attribution: in.Resolution.Attribute(repository, by.Author, by.Authored), State: facts.PullMerged,
		}
		if m := in.Resolution.Persons[p.Person].Machine; m.Machine() {
			p.Class = m
		}
		if c.Committed.Valid {
			p.Closed = c.Committed.Unix
		}
		if c.IsMerge() && oldest != math.MaxInt64 {
			p.Opened = oldest
		}
		out.take(p)
	}
}

// seats gives by person when the first seat was held that is more than a reviewer's.
func (in *Input) seats() map[int]int64 {
	first := map[int]int64{}
	for i := range in.Book.Seats {
		s := &in.Book.Seats[i]
		person := in.Resolution.Mentioned[s.Mention].Person
		if s.Role == control.Reviewer || person < 0 || s.From > in.At {
			continue
		}
		if at, ok := first[person]; !ok || s.From < at {
			first[person] = s.From
		}
	}
	return first
}

// gathered is what a row is made of.
type gathered struct {
	Row
	proposers map[int]bool
	took      []float64
	seats     []watch
	waited    []float64
}

func (in *Input) rows(w measure.Period, standings []measure.Standing, out *Result) []Row {
	groups := map[Group]*gathered{}
	within := func(t int64) bool { return w.All() || t != 0 && w.From <= t && t < w.To }
	into := func(a people.Attribution) [2]*gathered {
		standing := measure.NobodyKnown
		if a.Class.Known() && a.Organization != people.NoOrganization {
			standing = standings[a.Organization]
		}
		var both [2]*gathered
		for i, g := range []Group{{standing, people.NoOrganization}, {standing, a.Organization}} {
			if i == 1 && standing == measure.NobodyKnown {
				break
			}
			if groups[g] == nil {
				groups[g] = &gathered{Row: Row{Period: w, Group: g}, proposers: map[int]bool{}}
			}
			both[i] = groups[g]
		}
		return both
	}
	for s := range measure.Standing(measure.NumStandings) {
		g := Group{s, people.NoOrganization}
		groups[g] = &gathered{Row: Row{Period: w, Group: g}, proposers: map[int]bool{}}
	}
	for i := range out.Proposals {
		p := &out.Proposals[i]
		merged, opened := p.State == facts.PullMerged && within(p.Closed), p.Forge && within(p.Opened)
		if !merged && !opened {
			continue
		}
		for _, g := range into(p.Attribution) {
			if g == nil {
				continue
			}
			if merged {
				g.Merged++
				if p.Person != -1 {
					g.proposers[p.Person] = true
				}
				if took, ok := p.Took(); ok {
					g.took = append(g.took, float64(took)/day)
				}
			}
			if opened {
				switch p.State {
				case facts.PullMerged:
					g.ToldMerged++
				case facts.PullClosed:
					g.ToldClosed++
				default:
					g.ToldOpen++
				}
			}
		}
	}
	for i := range in.Newcomers {
		n := &in.Newcomers[i]
		if !within(n.First) || n.First > in.At {
			continue
		}
		for _, g := range into(people.Attribution{Organization: n.Organization, Class: n.Class}) {
			if g == nil {
				continue
			}
			g.newcomer(n, in.At)
			seat, ok := out.Seats[n.Person]
			switch {
			case ok && seat <= n.First:
				g.Before++
			case ok:
				g.Seated++
				g.waited = append(g.waited, float64(seat-n.First)/monthSeconds)
				g.seats = append(g.seats, watch{seat - n.First, true})
			default:
				g.seats = append(g.seats, watch{in.At - n.First, false})
			}
		}
	}
	var rows []Row
	for _, g := range groups {
		g.Proposers, g.Timed = len(g.proposers), len(g.took)
		g.Days, g.Day9 = quantile(g.took, 0.5), quantile(g.took, 0.9)
		g.SeatTime = quantile(g.waited, 0.5)
		if still, ok := stillWaiting(g.seats, SeatMonths*monthSeconds); ok {
			reached := 1 - still
			g.SeatShare = &reached
		}
		rows = append(rows, g.Row)
	}
	slices.SortFunc(rows, compare)
	return rows
}

func (g *gathered) newcomer(n *measure.Newcomer, at int64) {
	g.Newcomers++
	end := n.First + ReturnDays*day
	if end > at {
		return
	}
	g.Watched++
	if n.NextDay <= end {
		g.Returned++
	}
	if n.Later <= end {
		g.Later++
	}
}
