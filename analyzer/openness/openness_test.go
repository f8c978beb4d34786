package openness

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orrery/analyzer/control"
	"orrery/analyzer/facts"
	"orrery/analyzer/measure"
	"orrery/analyzer/people"
)

const start = 1_600_000_000

func at(d float64) facts.Time { return control.Moment(start + int64(d*day)) }

// relay is a repository whose first parents are a root and then one merge or squashed commit for each text: "subject|author|days of the commits
// that it brings, the last one the tip's|day of the merge|trailer".
func relay(texts ...string) *facts.Repository {
	r := &facts.Repository{Key: "relay"}
	r.Signatures = []facts.Signature{
		{Name: "Ann Berg", Email: "ann@astra.example"},
		{Name: "Sue Orr", Email: "sue@suppliers.example"},
		{Name: "Bob Falk", Email: "bob@borealis.example"},
		{Name: "Zed Ek", Email: "zed@mail.example"},
		{Name: "relay-ci", Email: "ci@relay.example"},
	}
	add := func(author uint32, authored, committed facts.Time, subject string, parents ...uint32) uint32 {
		n := uint32(len(r.Commits))
		c := facts.Commit{ID: facts.ID{byte(n + 1)}, Author: author, Committer: author, Authored: authored, Committed: committed, Subject: subject, Step: facts.None}
		c.Parents = facts.Span{Lo: uint32(len(r.Parents)), Hi: uint32(len(r.Parents) + len(parents))}
		c.Trailers = facts.Span{Lo: uint32(len(r.Trailers)), Hi: uint32(len(r.Trailers))}
		r.Parents = append(r.Parents, parents...)
		r.Commits = append(r.Commits, c)
		return n
	}
	step := func(c uint32) { r.Steps = append(r.Steps, facts.Step{Commit: c, Clock: r.Commits[c].Committed.Unix}) }
	head := add(0, at(0), at(0), "begin")
	step(head)
	for _, text := range texts {
		f := strings.Split(text, "|")
		author := uint32(slices.Index([]string{"ann", "sue", "bob", "zed", "ci"}, f[1]))
		var merged float64
		fmt.Sscan(f[3], &merged)
		if f[2] == "" {
			head = add(author, at(merged), at(merged), f[0], head)
		} else {
			tip := head
			for _, d := range strings.Fields(f[2]) {
				var written float64
				fmt.Sscan(d, &written)
				tip = add(author, at(written), at(written), "work", tip)
			}
			head = add(4, at(merged), at(merged), f[0], head, tip)
		}
		if len(f) > 4 {
			key, value, _ := strings.Cut(f[4], ": ")
			r.Trailers = append(r.Trailers, facts.Trailer{Key: key, Value: value})
			r.Commits[head].Trailers.Hi++
		}
		step(head)
	}
	return r
}

func input(t *testing.T, forges []*facts.Forge, repositories ...*facts.Repository) Input {
	t.Helper()
	directory, err := people.LoadDirectory("testdata/organizations.yaml")
	if err != nil {
		t.Fatal(err)
	}
	in := Input{Repositories: repositories, Book: control.Read(repositories, nil), At: at(1000).Unix}
	var places []facts.Place
	for _, r := range repositories {
		places = append(places, facts.Place{Name: "garden/" + r.Key})
	}
	in.Pulls = Tell(forges, places, in.Book)
	in.Resolution, err = people.Resolve(repositories, people.Options{
		Directory: directory, PseudonymKey: make([]byte, 16), Bots: []string{"relay-ci"}, Mentions: in.Book.Mentions, Forges: forges,
	})
	if err != nil {
		t.Fatal(err)
	}
	in.Leader = slices.IndexFunc(in.Resolution.Organizations, func(o people.Organization) bool { return o.Name == "Astra" })
	in.Windows = []measure.Period{{Kind: measure.KindWindow, Window: measure.Window{Name: "all time", From: math.MinInt64, To: math.MaxInt64}}}
	return in
}

func (r *Row) text(in *Input) string {
	name := r.Standing.String()
	if r.Organization != people.NoOrganization {
		name = in.Resolution.Organizations[r.Organization].Name
	}
	show := func(x *float64) string {
		if x == nil {
			return "-"
		}
		return fmt.Sprintf("%.3g", *x)
	}
	return fmt.Sprintf("%s: %d merged by %d, %d timed: %s %s; told %d+%d+%d; %d new, %d watched, %d %d back; seats %d %d %s %s", name, r.Merged, r.Proposers, r.Timed,
		show(r.Days), show(r.Day9), r.ToldMerged, r.ToldClosed, r.ToldOpen, r.Newcomers, r.Watched, r.Returned, r.Later, r.Seated, r.Before, show(r.SeatShare), show(r.SeatTime))
}

func check(t *testing.T, in *Input, out *Result, want string) {
	t.Helper()
	var got strings.Builder
	for i := range out.Rows {
		got.WriteString(out.Rows[i].text(in) + "\n")
	}
	if diff := cmp.Diff(strings.TrimSpace(strings.ReplaceAll(want, "\t", "")), strings.TrimSpace(got.String())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What forges of every kind write is a proposal, by the author of what was merged; other merges and commits are none.
func TestMergedProposals(t *testing.T) {
	r := relay(
		"!12 fix the valve|bob|1 3|5",
		"Merge pull request #7 from bob/pump|bob|6|7",
		"merge work into master|sue|8|9|Created-by: sue",
		"Merge branch 'dev'|ann|10|11",
		"Merge pull requests welcome|ann|12|13",
		"tidy up (#99)|zed||14",
		"!13 squashed|ann||15",
		"a commit of its own|ann||16",
		"!14 by a machine|ci|17|18",
		"!15 written after it was merged|ann|20|19",
	)
	in := input(t, nil, r, r) // the same commits in a second repository
	in.Repositories[1] = &facts.Repository{Key: "mirror", Signatures: r.Signatures, Commits: r.Commits, Parents: r.Parents, Trailers: r.Trailers, Steps: r.Steps}
	out := Measure(in)
	check(t, &in, out, `
		own: 2 merged by 1, 0 timed: - -; told 0+0+0; 0 new, 0 watched, 0 0 back; seats 0 0 - -
		contractors: 1 merged by 1, 1 timed: 1 1; told 0+0+0; 0 new, 0 watched, 0 0 back; seats 0 0 - -
		others: 2 merged by 1, 2 timed: 1 4; told 0+0+0; 0 new, 0 watched, 0 0 back; seats 0 0 - -
		unknown: 1 merged by 1, 0 timed: - -; told 0+0+0; 0 new, 0 watched, 0 0 back; seats 0 0 - -
		Astra: 2 merged by 1, 0 timed: - -; told 0+0+0; 0 new, 0 watched, 0 0 back; seats 0 0 - -
		Borealis: 2 merged by 1, 2 timed: 1 4; told 0+0+0; 0 new, 0 watched, 0 0 back; seats 0 0 - -
		Suppliers of Astra: 1 merged by 1, 1 timed: 1 1; told 0+0+0; 0 new, 0 watched, 0 0 back; seats 0 0 - -`)
	if out.Machines != 1 || out.Repositories != 1 || out.All != 2 {
		t.Errorf("%d by machines, in %d of %d repositories; want 1, 1 of 2", out.Machines, out.Repositories, out.All)
	}
}

// Where a forge tells, its pull requests count and its merges do not, and what was not merged is known.
func TestProposalsThatAForgeTells(t *testing.T) {
	r := relay("Merge pull request #7 from bob/pump|bob|6|7")
	r.Signatures[2].Email = "1234+bobf@users.noreply.github.com"
	pull := func(number, author uint32, state facts.PullState, created, closed float64) facts.Pull {
		p := facts.Pull{Number: number, Author: author, Merger: facts.None, State: state, Created: at(created).Unix}
		switch state {
		case facts.PullMerged:
			p.Merged, p.Closed = at(closed).Unix, at(closed+1).Unix
		case facts.PullClosed:
			p.Closed = at(closed).Unix
		}
		return p
	}
	forge := &facts.Forge{
		Forge: "github", Owner: "garden", Asked: at(100).Unix,
		Repositories: []facts.ForgeRepository{{Name: "Relay", Asked: at(100).Unix, Pulls: facts.Span{Lo: 0, Hi: 5}}},
		Accounts:     []facts.Account{{Login: "bobf"}, {Login: "stranger"}, {Login: "relay-robot", Kind: facts.BotAccount}},
		Pulls: []facts.Pull{
			pull(7, 0, facts.PullMerged, 5, 7), pull(8, 0, facts.PullClosed, 8, 9), pull(9, 1, facts.PullClosed, 8, 9), pull(10, facts.None, facts.PullOpen, 9, 0),
			pull(11, 2, facts.PullMerged, 9, 10),
		},
	}
	if err := forge.Check(); err != nil {
		t.Fatal(err)
	}
	in := input(t, []*facts.Forge{forge}, r)
	out := Measure(in)
	check(t, &in, out, `
		own: 0 merged by 0, 0 timed: - -; told 0+0+0; 0 new, 0 watched, 0 0 back; seats 0 0 - -
		contractors: 0 merged by 0, 0 timed: - -; told 0+0+0; 0 new, 0 watched, 0 0 back; seats 0 0 - -
		others: 0 merged by 0, 0 timed: - -; told 0+0+0; 0 new, 0 watched, 0 0 back; seats 0 0 - -
		unknown: 1 merged by 1, 1 timed: 2 2; told 1+2+1; 0 new, 0 watched, 0 0 back; seats 0 0 - -`)
	if out.ByForge != 1 || out.Machines != 1 {
		t.Errorf("%d repositories by forge, %d by machines; want 1 and 1", out.ByForge, out.Machines)
	}
	// One of the same name at another forge is another repository: nothing says which of the two this one is.
	other := *forge
	other.Forge = "gitee"
	in = input(t, []*facts.Forge{forge, &other}, r)
	if out := Measure(in); out.ByForge != 0 {
		t.Errorf("%d repositories by forge, want none", out.ByForge)
	}
}

// Who has not been watched for long enough is not among those who did not come back.
func TestNewcomersAreWatchedForLongEnough(t *testing.T) {
	r := relay()
	r.Documents = []facts.Document{{Path: 0, Step: 0, Content: nil}}
	r.Paths = []string{"CODEOWNERS"}
	r.Steps = []facts.Step{{Commit: 0, Clock: at(0).Unix}, {Commit: 0, Clock: at(400).Unix}}
	r.Documents = []facts.Document{{Path: 0, Step: 1, Content: []byte("* bob@borealis.example\n")}}
	r.Commits = append(r.Commits, facts.Commit{ID: facts.ID{77}, Author: 2, Authored: at(10), Committed: at(10), Step: facts.None})
	in := input(t, nil, r)
	borealis := slices.IndexFunc(in.Resolution.Organizations, func(o people.Organization) bool { return o.Name == "Borealis" })
	bob := int(in.Resolution.Person[0][2])
	never := int64(math.MaxInt64)
	n := func(person int, first, next, later float64) measure.Newcomer {
		one := measure.Newcomer{Person: person, Organization: borealis, Class: people.Employer, First: at(first).Unix, NextDay: never, Later: never}
		if next > 0 {
			one.NextDay = at(next).Unix
		}
		if later > 0 {
			one.Later = at(later).Unix
		}
		return one
	}
	in.Newcomers = []measure.Newcomer{
		n(bob, 10, 20, 300), // and has a seat from day 400
		n(1000, 20, 20+364, 20+364),
		n(1001, 30, 30+366, 30+366), // too late
		n(1002, 600, 0, 0),
		n(1003, 1000-365+1, 0, 0),   // not watched for a year
		n(1004, 1000-365+1, 900, 0), // nor is this one, who is back: else only those who are would count
		n(1005, 1001, 0, 0),         // after the as-of day
	}
	out := Measure(in)
	// After 390 days one got a seat, and three others were watched still.
	row := out.Rows[slices.IndexFunc(out.Rows, func(r Row) bool { return r.Organization == borealis })]
	want := "Borealis: 0 merged by 0, 0 timed: - -; told 0+0+0; 6 new, 4 watched, 2 2 back; seats 1 0 0.25 12.8"
	if got := row.text(&in); got != want {
		t.Errorf("\n%s, want\n%s", got, want)
	}
	in.Newcomers[0].First = at(500).Unix // who had a seat before is not waiting for one
	row = Measure(in).Rows[2]
	if row.Before != 1 || row.Seated != 0 || row.SeatShare == nil || *row.SeatShare != 0 {
		t.Errorf("%s", row.text(&in))
	}
}

// The remissions of 6-MP patients (Freireich and others 1963), as Kaplan-Meier is taught with: S(10) = 0.753, S(23) = 0.448.
func TestStillWaiting(t *testing.T) {
	var all []watch
	for _, w := range []string{"6", "6", "6", "6+", "7", "9+", "10", "10+", "11+", "13", "16", "17+", "19+", "20+", "22", "23", "25+", "32+", "32+", "34+", "35+"} {
		var weeks int64
		fmt.Sscan(strings.TrimSuffix(w, "+"), &weeks)
		all = append(all, watch{weeks, !strings.HasSuffix(w, "+")})
	}
	for until, want := range map[int64]float64{5: 1, 6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448, 35: 0.448} {
		if got, ok := stillWaiting(all, until); !ok || math.Abs(got-want) > 0.0005 {
			t.Errorf("S(%d) = %.4f, %v; want %.3f", until, got, ok, want)
		}
	}
	for _, until := range []int64{36, 1000} {
		if _, ok := stillWaiting(all, until); ok {
			t.Errorf("S(%d) is told though nobody was watched until then", until)
		}
	}
	if _, ok := stillWaiting(nil, 1); ok {
		t.Error("nobody waits, and it is told")
	}
	if got, ok := stillWaiting([]watch{{3, true}}, 10); !ok || got != 0 {
		t.Errorf("all have it: %v, %v", got, ok)
	}
}

// Without anybody who leaves early, the estimate is the share itself.
func TestStillWaitingIsTheShare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		times := rapid.SliceOfN(rapid.Int64Range(0, 20), 1, 40).Draw(t, "times")
		until := rapid.Int64Range(0, 19).Draw(t, "until")
		all, left := []watch{{1000, false}}, 1
		for _, at := range times {
			all = append(all, watch{at, true})
			if at > until {
				left++
			}
		}
		if got, ok := stillWaiting(all, until); !ok || math.Abs(got-float64(left)/float64(len(all))) > 1e-12 {
			t.Fatalf("%v, %v; want %d of %d", got, ok, left, len(all))
		}
	})
}

// The intervals of Newcombe 1998, table I, method 3.
func TestWilson(t *testing.T) {
	for _, c := range []struct {
		k, n      int
		low, high float64
	}{{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718}, {29, 29, 0.8830, 1}} {
		low, high, ok := Wilson(c.k, c.n)
		if !ok || math.Abs(low-c.low) > 5e-5 || math.Abs(high-c.high) > 5e-5 {
			t.Errorf("%d of %d: %.4f to %.4f, want %.4f to %.4f", c.k, c.n, low, high, c.low, c.high)
		}
	}
	if _, _, ok := Wilson(0, 0); ok {
		t.Error("an interval of nothing")
	}
}

func TestQuantile(t *testing.T) {
	for q, want := range map[float64]float64{0.01: 1, 0.5: 2, 0.51: 3, 0.9: 4, 1: 4} {
		if got := quantile([]float64{3, 1, 4, 2}, q); got == nil || *got != want {
			t.Errorf("%g: %v, want %g", q, got, want)
		}
	}
	if quantile(nil, 0.5) != nil {
		t.Error("a quantile of nothing")
	}
}
