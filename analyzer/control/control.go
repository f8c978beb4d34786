// Package control tells who holds the seats of an ecosystem and who lets changes in: maintainers, owners and reviewers as the repositories'
// own files name them, at any date, what these guard, and what was reviewed by whom. And it tells what would be left without somebody.
//
// It reads facts only. The files (CODEOWNERS, OWNERS, MAINTAINERS, INFO.yaml, sig-info.yaml) are [facts.Document]s, known at every month's
// end; so a seat begins and ends with a month. The data goes one way:
//
//	Read      documents and messages to seats and reviews, with the people they name ([people.Mention])
//	Measure   with the people resolved: seats, guarded lines and reviews by organization
//	Remove    what is left without an organization
//
// An empty file means that nothing is stated, never that nobody guards: so what is guarded at all stands before every share.
package control

import (
	"cmp"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"orrery/analyzer/facts"
	"orrery/analyzer/people"
)

// Roles of seats.
const (
	Owner      = "owner"      // of code: asked when it changes
	Maintainer = "maintainer" // of a part, a repository or a group
	Committer  = "committer"  // may let changes in
	Approver   = "approver"   // the same, in the words of OWNERS
	Reviewer   = "reviewer"   // asked, without a vote
	Admin      = "admin"      // of a repository
)

// Seat is a right or a duty that a file gives to somebody, for as long as it did.
type Seat struct {
	Repository int    // whose file it stands in
	File       string // its path
	Line       int    // where it stood last
	Role       string
	Scope      string   // what for, as written: a pattern, a part's or a group's name; "" for the repository
	Guarded    []string // other repositories that it is for, as written ("openeuler/iSulad"); nil for the file's own
	Mention    int      // into Book.Mentions
	From, To   int64    // Unix seconds, [From, To); To is math.MaxInt64 while it stands
}

// Holds says whether a seat was held at a moment.
func (s *Seat) Holds(at int64) bool { return s.From <= at && at < s.To }

// Kind is how somebody had to do with a change of somebody else.
type Kind uint8

// Kinds of reviews.
const (
	Review      Kind = iota + 1 // looked at: Reviewed-by, Acked-by, or a verdict that a forge tells of
	Approval                    // let in: Approved-by, Merged-by, signed off by an account where a forge's account merges, or merged at a forge
	Integration                 // taken in from somebody else: by a committer who is a person, or with a sign-off of one's own
)

// Act is what somebody did with somebody else's change. There are more of them than commits.
type Act struct {
	When      facts.Time
	Commit    uint32 // of the message; facts.None of a pull request that became no commit that is known
	Author    uint32 // the signature of whoever wrote the change; facts.None where Commit is
	Mention   int32  // into Book.Mentions; -1 for a signature
	Signature uint32 // of the repository, where Mention is -1

	// Pull is the number of the pull request that a forge tells it of, 0 of what git tells; Opener is whose that was, into Book.Mentions, -1
	// for nobody known. Machine says that the forge knows the account for one.
	Pull    uint32
	Opener  int32
	Kind    Kind
	Machine bool
}

// Book is all that is known of seats and reviews, with people as the files name them.
type Book struct {
	Seats    []Seat
	Acts     [][]Act // by repository; what was done with one change stands together
	Mentions []people.Mention
	Warnings []string

	guards []repositoryGuards // by repository
	number map[string]int     // of mentions, by what they say
	teams  Teams
}

// Teams are the members of teams ("@org/team", lower case), by address or login: what forges know, and git does not.
type Teams map[string][]string

// Read reads the files and messages of repositories. A team that teams does not have is one nobody knows the members of. What a file says that cannot be understood is a warning; nothing is guessed.
func Read(repositories []*facts.Repository, teams Teams) *Book {
	b := &Book{number: map[string]int{}, teams: teams, guards: make([]repositoryGuards, len(repositories)), Acts: make([][]Act, len(repositories))}
	reviewers := make([][]people.Mention, len(repositories))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, r := range repositories {
		g.Go(func() error {
			b.Acts[i], reviewers[i] = actsOf(r)
			return nil
		})
	}
	_ = g.Wait() // gives none
	for i, r := range repositories {
		b.readSeats(i, r)
		numbers := make([]int32, len(reviewers[i]))
		for n, who := range reviewers[i] {
			numbers[n] = int32(b.Mention(who))
		}
		for k := range b.Acts[i] {
			if act := &b.Acts[i][k]; act.Mention >= 0 {
				act.Mention = numbers[act.Mention]
			}
		}
	}
	return b
}

// Mention numbers people by what is said of them.
func (b *Book) Mention(m people.Mention) int {
	key := fmt.Sprintf("%q", []string{m.Name, strings.ToLower(m.Email), m.Organization, strings.Join(m.Accounts, " ")})
	n, ok := b.number[key]
	if !ok {
		n = len(b.Mentions)
		b.number[key] = n
		b.Mentions = append(b.Mentions, m)
	}
	return n
}

// stated is a seat as one version of a file states it.
type stated struct {
	line        int
	role, scope string
	guarded     []string
	who         people.Mention
}

// file is what one version of a file states.
type file struct {
	seats  []stated
	rules  []rule // what is guarded, in the order in which they count
	broken string // why nothing of it can be used; ""
}

// rule is a part of a repository that seats of the same file are for.
type rule struct {
	pattern guard
	seats   []int // into file.seats
}

// expand puts the members of teams where the teams stand.
func (t Teams) expand(f *file) {
	if len(t) == 0 {
		return
	}
	var seats []stated
	now := make([][]int, len(f.seats)) // seat -> seats
	for i, s := range f.seats {
		members, ok := t[strings.ToLower(s.who.Name)]
		if !ok || s.who.Email != "" || len(seats)+len(members) > maxSeats {
			now[i] = []int{len(seats)}
			seats = append(seats, s)
			continue
		}
		for _, m := range members {
			if who, ok := owner(m); ok {
				s.who = who
				now[i] = append(now[i], len(seats))
				seats = append(seats, s)
			}
		}
	}
	for i := range f.rules {
		var of []int
		for _, s := range f.rules[i].seats {
			of = append(of, now[s]...)
		}
		f.rules[i].seats = of
	}
	f.seats = seats
}

// readSeats follows every file through its versions.
func (b *Book) readSeats(repository int, r *facts.Repository) {
	g := &b.guards[repository]
	for lo := 0; lo < len(r.Documents); {
		hi := lo + 1
		for hi < len(r.Documents) && r.Documents[hi].Path == r.Documents[lo].Path {
			hi++
		}
		path := r.Paths[r.Documents[lo].Path]
		if parse := parserOf(path); parse != nil {
			open := map[string]int{} // seats that the version before held, by what makes them the same
			var versions []guardVersion
			for _, d := range r.Documents[lo:hi] {
				var f file
				if d.Content != nil {
					f = parse(path, string(d.Content))
					b.teams.expand(&f)
				}
				if f.broken != "" {
					b.Warnings = append(b.Warnings, fmt.Sprintf("%s: %s: %s: nothing of it is used", r.Key, path, f.broken))
				}
				from := r.Steps[d.Step].Clock
				now := map[string]int{}
				numbers := make([]int, len(f.seats))
				for i := range f.seats {
					s := &f.seats[i]
					seat := Seat{
						Repository: repository, File: path, Line: s.line, Role: s.role, Scope: s.scope, Guarded: s.guarded, Mention: b.Mention(s.who),
						From: from, To: math.MaxInt64,
					}
					key := fmt.Sprintf("%d %s %q %q", seat.Mention, seat.Role, seat.Scope, seat.Guarded)
					if n, ok := now[key]; ok {
						numbers[i] = n
						continue
					}
					n, ok := open[key]
					if ok {
						b.Seats[n].Line = s.line
						delete(open, key)
					} else {
						n = len(b.Seats)
						b.Seats = append(b.Seats, seat)
					}
					now[key], numbers[i] = n, n
				}
				for _, n := range open {
					b.Seats[n].To = from
				}
				open = now
				v := guardVersion{from: from, rules: slices.Clone(f.rules)}
				for i := range v.rules {
					seats := make([]int, len(v.rules[i].seats))
					for k, s := range v.rules[i].seats {
						seats[k] = numbers[s]
					}
					v.rules[i].seats = seats
				}
				versions = append(versions, v)
			}
			g.files = append(g.files, guardFile{path: path, versions: versions})
		}
		lo = hi
	}
	slices.SortStableFunc(g.files, func(x, y guardFile) int { return cmp.Compare(x.path, y.path) })
}

// unknownForge lists what a login may stand for, where a file does not say at which forge: where the ecosystems' repositories are and were.
func accounts(login string, forges ...string) []string {
	login = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(login), "@"))
	if login == "" || strings.ContainsAny(login, " \t<>/\\@") {
		return nil
	}
	if len(forges) == 0 {
		forges = []string{"gitcode", "gitee", "github", "gitlab"}
	}
	all := make([]string, len(forges))
	for i, f := range forges {
		all[i] = f + ":" + login
	}
	return all
}
