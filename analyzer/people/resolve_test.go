package people

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orrery/analyzer/facts"
)

var testKey = []byte("a key for tests!")

// wrote is one commit of a test's history: by "Name <address>" on a date.
type wrote struct {
	who, date string
	second    int // 1 + row of the second parent, for merges
	trailers  []facts.Trailer
}

func date(t testing.TB, text string) facts.Time {
	t.Helper()
	when, err := time.Parse(time.DateOnly, text)
	if err != nil {
		t.Fatal(err)
	}
	return facts.Time{Unix: when.Unix(), Valid: true}
}

func repository(t testing.TB, key string, commits ...wrote) *facts.Repository {
	t.Helper()
	r := &facts.Repository{Key: key}
	seen := map[facts.Signature]uint32{}
	for _, w := range commits {
		name, email, _ := strings.Cut(strings.TrimSuffix(w.who, ">"), "<")
		s := facts.Signature{Name: strings.TrimSuffix(name, " "), Email: email}
		n, ok := seen[s]
		if !ok {
			n = uint32(len(r.Signatures))
			seen[s] = n
			r.Signatures = append(r.Signatures, s)
		}
		c := facts.Commit{Author: n, Committer: n, Authored: date(t, w.date)}
		c.Committed = c.Authored
		c.Parents.Lo = uint32(len(r.Parents))
		if w.second > 0 {
			r.Parents = append(r.Parents, facts.None, uint32(w.second-1))
		}
		c.Parents.Hi = uint32(len(r.Parents))
		c.Trailers.Lo = uint32(len(r.Trailers))
		r.Trailers = append(r.Trailers, w.trailers...)
		c.Trailers.Hi = uint32(len(r.Trailers))
		r.Commits = append(r.Commits, c)
	}
	return r
}

func resolve(t testing.TB, opts Options, repositories ...*facts.Repository) *Resolution {
	t.Helper()
	opts.PseudonymKey = testKey
	if opts.Directory == nil {
		opts.Directory = testDirectory(t)
	}
	r, err := Resolve(repositories, opts)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestJoins gives signatures as "Name <address>" on a date; those with the same letter must be one person, the others not.
func TestJoins(t *testing.T) {
	tests := []struct {
		name     string
		commits  []wrote
		persons  string
		rules    map[string]int
		mailmap  string
		switches map[string]bool
	}{
		{
			name: "same address, case aside", persons: "aab", rules: map[string]int{RuleSameAddress: 1},
			commits: []wrote{{who: "Jane <jane@acme.example>"}, {who: "J. Doe <Jane@ACME.example>"}, {who: "Jane <jane@other.example>"}},
		},
		{
			name: "repaired address", persons: "aaaa", rules: map[string]int{RuleRepair: 3},
			commits: []wrote{{who: "Jane <jane@acme.example>"}, {who: "Jane <jane@acme.example\u00a0>"}, {who: "Jane <“jane@acmee.example”>"}, {who: "Jane <jane@acme>"}},
		},
		{
			name: "repair switched off", persons: "ab", rules: map[string]int{}, switches: map[string]bool{RuleRepair: false},
			commits: []wrote{{who: "Jane <jane@acme.example>"}, {who: "Jane <jane@acmee.example/>"}},
		},
		{
			name: "a Han name with an address that looks like the company's", persons: "aaa", rules: map[string]int{RuleSameName: 2},
			commits: []wrote{
				{who: "林无名 <linwuming7@acme.example>", date: "2020-01-01"},
				{who: "林无名 <linwuming@home.example>", date: "2020-02-01"},
				{who: "林无名 <12+lin-wuming-88@user.noreply.gitee.com>", date: "2020-02-01"},
			},
		},
		{
			name: "a Han name alone is many people's", persons: "abc", rules: map[string]int{}, switches: map[string]bool{RuleSameRepository: false},
			commits: []wrote{
				{who: "林无名 <linwuming7@acme.example>", date: "2020-01-01"},
				{who: "林无名 <1234567@home.example>", date: "2020-02-01"},
				{who: "林无名 <lin@home.example>", date: "2020-02-01"},
			},
		},
		{
			name: "placeholders join nobody", persons: "abccd", rules: map[string]int{RuleSameAddress: 1},
			commits: []wrote{{who: "Jane <root@localhost>"}, {who: "John <root@localhost>"}, {who: "your_name <you@example.com>"}, {who: "Your_Name <you@example.com>"}, {who: "your_name <jane@acme.example>"}},
		},
		{
			name: "a placeholder's name joins nobody, its address does", persons: "aab", rules: map[string]int{RuleSameAddress: 1},
			commits: []wrote{{who: "root <jane@acme.example>"}, {who: "Jane <jane@acme.example>"}, {who: "root <wim@acme.example>"}},
		},
		{
			name: "accounts of forges", persons: "aaabbc", rules: map[string]int{RuleNoReply: 3},
			commits: []wrote{
				{who: "Jane <7+jane@users.noreply.github.com>"},
				{who: "J <jane@users.noreply.github.com>"},
				{who: "J <7+janedoe@users.noreply.github.com>"},
				{who: "Jane <jane@noreply.gitcode.com>"},
				{who: "Jane <jane@users.noreply.gitcode.com>"},
				{who: "Jane <1+jane@user.noreply.gitee.com>"},
			},
		},
		{
			name: "a web forge is nobody", persons: "ab", rules: map[string]int{},
			commits: []wrote{{who: "Jane <noreply@gitee.com>"}, {who: "John <noreply@gitee.com>"}},
		},
		{
			name: "mailmap", persons: "aaabc", rules: map[string]int{RuleMailmap: 2}, mailmap: "Jane Doe <jane@acme.example> <jane@laptop.(none)>\n<jane@acme.example> <jd@home.example>\nWim <wim@acme.example> Wim <bugs@acme.example>\n",
			commits: []wrote{{who: "jane <jane@laptop.(none)>"}, {who: "jd <JD@home.example>"}, {who: "Jane <jane@acme.example>"}, {who: "Wim <bugs@acme.example>"}, {who: "Eva <bugs@acme.example>"}},
		},
		{
			name: "mailmap switched off", persons: "ab", rules: map[string]int{}, mailmap: "<jane@acme.example> <jd@home.example>\n", switches: map[string]bool{RuleMailmap: false},
			commits: []wrote{{who: "jd <jd@home.example>"}, {who: "Jane <jane@acme.example>"}},
		},
		{
			name: "machines do not join the people whose address they use", persons: "abbc", rules: map[string]int{RuleSameAddress: 1},
			commits: []wrote{{who: "Jane <jane@home.example>"}, {who: "acme-merger <jane@home.example>"}, {who: "Acme-Merger 2 <jane@home.example>"}, {who: "Copilot <agent@tools.example>"}},
		},
		{
			name: "same full name with the only company address", persons: "aabc", rules: map[string]int{RuleSameName: 1},
			commits: []wrote{{who: "Jane Doe <jane@acme.example>", date: "2020-01-01"}, {who: "jane doe <jd@home.example>", date: "2020-12-01"}, {who: "Jane Doe <jd2@home.example>", date: "2022-01-01"}, {who: "Jane <j@home.example>"}},
		},
		{
			name: "same full name, two company addresses", persons: "abc", rules: map[string]int{},
			commits: []wrote{{who: "Jane Doe <jane@acme.example>"}, {who: "Jane Doe <jane@borealis.example>"}, {who: "Jane Doe <jd@home.example>"}},
		},
		{
			name: "same full name, both with an organization", persons: "ab", rules: map[string]int{},
			commits: []wrote{{who: "Jane Doe <jane@acme.example>"}, {who: "Jane Doe <jane@institute.example>"}},
		},
		{
			name: "two names lead to two people", persons: "abcc", rules: map[string]int{RuleSameAddress: 1},
			commits: []wrote{{who: "Jane Doe <jane@acme.example>"}, {who: "Wim Post <wim@acme.example>"}, {who: "Jane Doe <us@home.example>"}, {who: "Wim Post <us@home.example>"}},
		},
		{
			name: "same name switched off", persons: "ab", rules: map[string]int{}, switches: map[string]bool{RuleSameName: false, RuleSameRepository: false},
			commits: []wrote{{who: "Jane Doe <jane@acme.example>"}, {who: "Jane Doe <jd@home.example>"}},
		},
		{
			name: "any name in the same repository", persons: "aabccd", rules: map[string]int{RuleSameRepository: 2},
			commits: []wrote{
				{who: "jvega88 <jo@acme.example>", date: "2020-01-01"},
				{who: "JVega88 <jv@home.example>", date: "2020-12-31"},
				{who: "jvega88 <other@home.example>", date: "2022-01-01"}, // too late
				{who: "林无名 <linwuming7@acme.example>"},
				{who: "林无名 <1234567@home.example>"},
				{who: "jvega <jo2@home.example>"},
			},
		},
		{
			name: "short names and placeholders in the same repository", persons: "abcdef", rules: map[string]int{},
			commits: []wrote{
				{who: "jov <jo@acme.example>"},
				{who: "jov <jv@home.example>"},
				{who: "林无 <linwu7@acme.example>"},
				{who: "林无 <linwu@home.example>"},
				{who: "your_name <wim@acme.example>"},
				{who: "your_name <wim@home.example>"},
			},
		},
		{
			name: "two company addresses in the same repository", persons: "abc", rules: map[string]int{},
			commits: []wrote{{who: "jvega88 <jo@acme.example>"}, {who: "jvega88 <jo@borealis.example>"}, {who: "jvega88 <jv@home.example>"}},
		},
		{
			name: "kept apart", persons: "ab", rules: map[string]int{},
			commits: []wrote{{who: "Jane Doe <jane@acme.example>"}, {who: "Jane Doe <apart@home.example>"}},
		},
		{
			name: "who opened the requests", persons: "aaabc", rules: map[string]int{RuleSameAddress: 1, RuleCreatedBy: 1},
			commits: []wrote{
				{who: "Jane <jane@acme.example>"},
				{who: "Jane D <jane@acme.example>"},
				{who: "x <janny@noreply.gitcode.com>"},
				{who: "M <m@acme.example>", second: 1, trailers: []facts.Trailer{{Key: "Created-by", Value: "janny"}}},
				{who: "y <once@noreply.gitcode.com>"},
				{who: "M <m@acme.example>", second: 2, trailers: []facts.Trailer{{Key: "Created-by", Value: "Janny"}}},
				{who: "M <m@acme.example>", second: 1, trailers: []facts.Trailer{{Key: "Created-by", Value: "once"}}},
			},
		},
		{
			name: "who opened the requests: openEuler", persons: "aab", rules: map[string]int{RuleCreatedBy: 1},
			commits: []wrote{
				{who: "Jane <jane@acme.example>"},
				{who: "x <1+janny@user.noreply.gitee.com>"},
				{who: "M <m@acme.example>", second: 1, trailers: []facts.Trailer{{Key: "From", Value: "@janny"}}},
				{who: "M <m@acme.example>", second: 1, trailers: []facts.Trailer{{Key: "From", Value: "@janny"}}},
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for i := range tt.commits {
				if tt.commits[i].date == "" {
					tt.commits[i].date = "2020-06-01"
				}
			}
			repo := repository(t, "r", tt.commits...)
			opts := Options{Rules: tt.switches}
			if tt.mailmap != "" {
				opts.Mailmaps = []*Mailmap{ParseMailmap(".mailmap", []byte(tt.mailmap))}
			}
			r := resolve(t, opts, repo)
			letters := map[uint32]byte{}
			var got strings.Builder
			for _, p := range r.Person[0][:len(tt.persons)] {
				if letters[p] == 0 {
					letters[p] = 'a' + byte(len(letters))
				}
				got.WriteByte(letters[p])
			}
			if got.String() != tt.persons {
				t.Errorf("persons %s, want %s; joins %v", got.String(), tt.persons, r.Joined)
			}
			if diff := cmp.Diff(tt.rules, r.Joined); diff != "" {
				t.Errorf("joins (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSameRepository holds that a name joins nobody across repositories, nor what was far apart in the same one.
func TestSameRepository(t *testing.T) {
	one := repository(t, "one", wrote{who: "jvega88 <jo@acme.example>", date: "2020-06-01"}, wrote{who: "w-post <wim@acme.example>", date: "2018-01-01"})
	two := repository(t, "two", wrote{who: "jvega88 <jv@home.example>", date: "2020-06-01"}, wrote{who: "w-post <wim@acme.example>", date: "2020-06-01"})
	three := repository(t, "three", wrote{who: "w-post <wp@home.example>", date: "2020-06-01"})
	r := resolve(t, Options{}, one, two, three)
	if r.Person[0][0] == r.Person[1][0] || len(r.Joined) > 0 {
		t.Errorf("joined by a name in another repository: %v", r.Joined)
	}
	full := repository(t, "two", wrote{who: "Jo Vega <jo@acme.example>", date: "2020-06-01"}, wrote{who: "Jo Vega <jv@home.example>", date: "2020-06-01"})
	other := repository(t, "three", wrote{who: "Jo Vega <jo.vega@home.example>", date: "2020-06-01"})
	if r := resolve(t, Options{}, full, other); r.Person[0][0] != r.Person[0][1] || r.Person[0][0] == r.Person[1][0] || r.Joined[RuleSameName] != 1 {
		t.Errorf("a full name joins in a repository of both, and in no other: %v", r.Person)
	}
	four := repository(t, "one", wrote{who: "jvega88 <jo@acme.example>", date: "2020-06-01"}, wrote{who: "jvega88 <jv@home.example>", date: "2021-06-02"})
	if r := resolve(t, Options{}, four); len(r.Joined) > 0 {
		t.Errorf("joined over more than a year: %v", r.Joined)
	}
}

// TestJoinsByPullRequests has an account at a forge that opened requests, and asks who that is.
func TestJoinsByPullRequests(t *testing.T) {
	commits := []wrote{
		{who: "Jane <jane@home.example>", date: "2020-06-01"},
		{who: "Wim <wim@home.example>", date: "2020-06-01"},
		{who: "x <janny@users.noreply.github.com>", date: "2020-06-01"},
		{who: "M <m@acme.example>", date: "2020-06-01", second: 1},
		{who: "M <m@acme.example>", date: "2020-06-01", second: 1},
		{who: "M <m@acme.example>", date: "2020-06-01", second: 2},
	}
	for _, tt := range []struct {
		name       string
		merges     []int // rows of the commits that janny's requests became; -1 for none that is known
		state      facts.PullState
		kind       facts.AccountKind
		directory  string
		joined     bool
		says, told string
	}{
		{name: "two merges", merges: []int{3, 4, -1}, state: facts.PullMerged, joined: true, says: "2 of 2 requests", told: "Acme"},
		{name: "squashed", merges: []int{0, 3, 4}, state: facts.PullMerged, joined: true, says: "3 of 3 requests", told: "Acme"},
		{name: "one is too few", merges: []int{3}, state: facts.PullMerged},
		{name: "two of three are too few", merges: []int{3, 4, 5}, state: facts.PullMerged},
		{name: "not merged", merges: []int{3, 4}, state: facts.PullClosed},
		{name: "a machine", merges: []int{3, 4}, state: facts.PullMerged, kind: facts.BotAccount},
		{name: "undone by a line", merges: []int{3, 4}, state: facts.PullMerged, directory: "not_same: [[jane@home.example, janny@users.noreply.github.com]]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			repo := repository(t, "r", commits...)
			forge := &facts.Forge{
				Forge: "github", Accounts: []facts.Account{{Login: "Janny", Kind: tt.kind, Company: "Acme", Asked: repo.Commits[0].Authored.Unix}},
				Repositories: []facts.ForgeRepository{{Name: "r", Pulls: facts.Span{Hi: uint32(len(tt.merges))}}},
			}
			for i := range repo.Commits {
				repo.Commits[i].ID = facts.ID{byte(i + 1)}
			}
			for i, row := range tt.merges {
				p := facts.Pull{Number: uint32(i + 1), Merger: facts.None, State: tt.state}
				if row >= 0 {
					p.Merge = repo.Commits[row].ID
				}
				forge.Pulls = append(forge.Pulls, p)
			}
			opts := Options{Forges: []*facts.Forge{forge, forge}} // the same again is no second vote
			if tt.directory != "" {
				opts.Directory = directoryOf(t, tt.directory)
			}
			r := resolve(t, opts, repo)
			if got := r.Person[0][0] == r.Person[0][2]; got != tt.joined || r.Person[0][0] == r.Person[0][1] {
				t.Fatalf("joined %v, want %v: %v", got, tt.joined, r.Person[0])
			}
			a := r.Attribute(0, 0, repo.Commits[0].Authored)
			if got := a.Organization != NoOrganization; got != (tt.told != "") {
				t.Errorf("the profile says something of Jane: %v", got)
			}
			if !tt.joined {
				return
			}
			x := &Explainer{Repositories: []*facts.Repository{repo}, Options: opts, Resolution: r}
			x.Options.PseudonymKey = testKey
			if x.Options.Directory == nil {
				x.Options.Directory = testDirectory(t)
			}
			lines, err := x.Explain("jane@home.example")
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{tt.says, "github:janny, as of 2020-06-01", "low"} {
				if text := strings.Join(lines, "\n"); !strings.Contains(text, want) {
					t.Errorf("no %q in:\n%s", want, text)
				}
			}
		})
	}
}

func TestSignOff(t *testing.T) {
	signed := func(who, date, by string) wrote {
		return wrote{who: who, date: date, trailers: []facts.Trailer{{Key: "Signed-off-by", Value: by, InBlock: true}}}
	}
	repo := repository(t, "r",
		signed("Jo Lone <jo@home.example>", "2020-01-01", "Jo Lone <jo@acme.example>"),
		wrote{who: "Jo Lone <jo@home.example>", date: "2020-01-01"},
		wrote{who: "Jo Lone <jo@home.example>", date: "2020-01-02"},
		signed("Wim Else <wim@home.example>", "2020-01-01", "Jo Lone <jo@acme.example>"),
		signed("root <root@home.example>", "2020-01-01", "root <root@acme.example>"),
	)
	r := resolve(t, Options{}, repo)
	for c, want := range []string{RuleSignOff, RuleSignOff, "", "", ""} {
		commit := &repo.Commits[c]
		a := r.Attribute(0, commit.Author, commit.Authored)
		if got := r.Evidence[a.Evidence].Rule; a.Class.Known() != (want != "") || want != "" && got != want {
			t.Errorf("commit %d: %v by %s", c, a.Class, got)
		}
	}
	// Nobody is signed off for by a namesake, so other spellings will do; less than five letters in common will not.
	for _, tt := range []struct {
		who, by string
		own     bool
	}{
		{"jo-lone_88 <x@home.example>", "Jo Lone <jo@acme.example>", true},
		{"lone.jo <x@home.example>", "jolone3 <x@acme.example>", true},
		{"Snow <jo.lone1990@home.example>", "乔 <jolone7@acme.example>", true},
		{"12+jolone@users.noreply.github.com <12+jolone@users.noreply.github.com>", "Jo <jolone@acme.example>", true},
		{"老虎 <tiger@home.example>", "Jo Lone <jo.lone@acme.example>", false},
		{"joln <joln@home.example>", "Jo <joln@acme.example>", false},
		{"developer_1 <x@home.example>", "developer 2 <y@acme.example>", false},
		{"jolone <x@home.example>", "Jo Lone <jo@else.example>", false},
		{"", "Jo Lone <jo@acme.example>", false},
	} {
		one := repository(t, "r", signed(tt.who, "2020-01-01", tt.by))
		a := resolve(t, Options{}, one).Attribute(0, 0, one.Commits[0].Authored)
		if a.Class.Known() != tt.own {
			t.Errorf("%q, signed off by %q: %v", tt.who, tt.by, a.Class)
		}
	}
	off := resolve(t, Options{Rules: map[string]bool{RuleSignOff: false}}, repo)
	if a := off.Attribute(0, 0, repo.Commits[0].Authored); a.Class.Known() {
		t.Error("switched off, it still decides")
	}
}

func TestMailmapOfOneRepository(t *testing.T) {
	m := ParseMailmap("one/.mailmap", []byte("<jane@acme.example> <jd@home.example>\n<wim@acme.example> <root@localhost>\n"))
	m.Repository = "one"
	commits := []wrote{{who: "jd <jd@home.example>", date: "2020-01-01"}, {who: "r <root@localhost>", date: "2020-01-01"}, {who: "Jane <jane@acme.example>", date: "2020-01-01"}}
	r := resolve(t, Options{Mailmaps: []*Mailmap{m}}, repository(t, "one", commits...), repository(t, "two", commits...))
	if r.Person[0][0] != r.Person[1][0] || r.Person[0][0] != r.Person[0][2] {
		t.Errorf("what a mailmap says of an address that names a mailbox holds everywhere: %v", r.Person)
	}
	if r.Person[0][1] == r.Person[1][1] {
		t.Error("what a mailmap says of a placeholder holds in its own repository only")
	}
}

func TestAttribute(t *testing.T) {
	repo := repository(t, "r",
		wrote{who: "Jane <jane@acme.example>", date: "2020-01-01"},             // 0
		wrote{who: "Jane <jane@labs.example>", date: "2019-12-31"},             // 1
		wrote{who: "Jane <jd@home.example>", date: "2020-01-01"},               // 2, by mailmap Jane
		wrote{who: "Sam <sam@suppliers.example>", date: "2020-01-01"},          // 3
		wrote{who: "Ida <ida@institute.example>", date: "2020-01-01"},          // 4
		wrote{who: "Tom <tom@mit.edu>", date: "2020-01-01"},                    // 5
		wrote{who: "Tom <tom@alumni.oxbridge.ac.uk>", date: "2020-01-01"},      // 6
		wrote{who: "Tom <tom@cs.oxbridge.ac.uk>", date: "2020-01-01"},          // 7
		wrote{who: "Eva <x@gmail.com>", date: "2020-01-01"},                    // 8
		wrote{who: "Eva <1+eva@users.noreply.github.com>", date: "2020-01-01"}, // 9
		wrote{who: "root <root@localhost>", date: "2020-01-01"},                // 10
		wrote{who: "Eva <eva>", date: "2020-01-01"},                            // 11
		wrote{who: "Eva <eva@mail.unlisted.example>", date: "2020-01-01"},      // 12
		wrote{who: "Acme-Merger <x@acme.example>", date: "2020-01-01"},         // 13
		wrote{who: "Tool <agent@tools.example>", date: "2020-01-01"},           // 14
		wrote{who: "Vera <vera@home.example>", date: "2017-01-01"},             // 15
		wrote{who: "Wim Stated <team@home.example>", date: "2017-01-01"},       // 16
		wrote{who: "Pat <pat@home.acme.example>", date: "2017-01-01"},          // 17
		wrote{who: "Max <max@acmee.example>", date: "2017-01-01"},              // 18
		wrote{who: "root <root@build7.acme.example>", date: "2017-01-01"},      // 19
		wrote{who: "Lea Long <lea@borealis.example>", date: "2020-06-01"},      // 20
		wrote{who: "Lea Long <lea@home.example>", date: "2020-06-02"},          // 21
	)
	mailmap := ParseMailmap(".mailmap", []byte("<jane@acme.example> <jd@home.example>\n<jane@acme.example> <jane@labs.example>\n"))
	r := resolve(t, Options{Mailmaps: []*Mailmap{mailmap}}, repo)
	tests := []struct {
		signature    uint32
		date         string // "" for an invalid one
		organization string
		class        Class
		rule         string
	}{
		{0, "2000-01-01", "Acme", Employer, RuleDomain},
		{0, "", "Acme", Employer, RuleDomain},
		{1, "2019-12-31", "Acme", Employer, RuleDomain},
		{1, "2020-01-01", "Borealis", Employer, RuleDomain},
		{1, "2014-12-31", "Acme", Employer, RuleMailmap},    // own domain not yet known, no use of another near
		{1, "", "Acme", Employer, RuleMailmap},              // by date one or the other, but the mailmap names an address
		{2, "2019-12-31", "Acme", Employer, RuleSamePerson}, // the first use, then the last
		{2, "2019-12-30", "Acme", Employer, RuleMailmap},
		{2, "2020-01-01", "Acme", Employer, RuleSamePerson},
		{2, "2020-01-02", "Acme", Employer, RuleMailmap},
		{2, "2017-01-01", "Acme", Employer, RuleMailmap},
		{3, "2020-01-01", "Suppliers of Acme", Contractor, RuleDomain},
		{4, "2020-01-01", "Ostrava Institute", Academic, RuleDomain},
		{5, "2020-01-01", "MIT", Academic, RuleDomain},
		{6, "2020-01-01", "", Personal, RuleAcademic},
		{7, "2020-01-01", "oxbridge.ac.uk", Academic, RuleAcademic},
		{8, "2020-01-01", "", Personal, RuleDomain},
		{9, "2020-01-01", "", NoReply, RuleNoReply},
		{10, "2020-01-01", "", Invalid, RulePlaceholder},
		{11, "2020-01-01", "", Invalid, RuleMalformed},
		{12, "2020-01-01", "", Unknown, RuleUnlisted},
		{13, "2020-01-01", "", Bot, RuleMachine},
		{14, "2020-01-01", "", Agent, RuleMachine},
		{15, "2015-12-31", "", Personal, RuleDomain},
		{15, "2016-01-01", "Acme", Employer, RuleStatement},
		{15, "2017-12-31", "Acme", Employer, RuleStatement},
		{15, "2018-01-01", "", Personal, RuleDomain},
		{16, "2018-01-01", "Borealis", Employer, RuleStatement},
		{17, "2018-01-01", "", Personal, RuleDomain},
		{18, "2018-01-01", "Acme", Employer, RuleRepair},
		{19, "2018-01-01", "Acme", Employer, RuleDomain},
		{21, "2020-06-02", "", Personal, RuleDomain}, // nobody knows whether she had left
		{21, "2020-06-01", "Borealis", Employer, RuleSameName},
		{21, "2020-05-31", "", Personal, RuleDomain},
		{21, "", "", Personal, RuleDomain},
	}
	for _, tt := range tests {
		var when facts.Time
		if tt.date != "" {
			when = date(t, tt.date)
		}
		a := r.Attribute(0, tt.signature, when)
		organization := ""
		if a.Organization != NoOrganization {
			organization = r.Organizations[a.Organization].Name
		}
		if e := r.Evidence[a.Evidence]; organization != tt.organization || a.Class != tt.class || e.Rule != tt.rule {
			t.Errorf("%+v on %q: %q, %v by %+v; want %q, %v by %s", repo.Signatures[tt.signature], tt.date, organization, a.Class, e, tt.organization, tt.class, tt.rule)
		}
	}

	want := []Organization{
		{Name: "Acme", Class: Employer, Country: "SE", Client: NoOrganization, Parent: NoOrganization},
		{Name: "Borealis", Class: Employer, Country: "NO", Client: NoOrganization, Parent: 0},
		{Name: "MIT", Class: Academic, Country: "US", Client: NoOrganization, Parent: NoOrganization},
		{Name: "Ostrava Institute", Class: Academic, Country: "CZ", Client: NoOrganization, Parent: NoOrganization},
		{Name: "Suppliers of Acme", Class: Contractor, Client: 0, Parent: NoOrganization},
		{Name: "oxbridge.ac.uk", Class: Academic, Country: "GB", Client: NoOrganization, Parent: NoOrganization},
	}
	if diff := cmp.Diff(want, r.Organizations); diff != "" {
		t.Errorf("organizations (-want +got):\n%s", diff)
	}
	for _, e := range r.Evidence {
		if strings.Contains(e.Source, "@") {
			t.Errorf("evidence %+v holds an address", e)
		}
	}
}

func TestOptions(t *testing.T) {
	repo := repository(t, "r", wrote{who: "Night Builder <jane@acme.example>", date: "2020-01-01"}, wrote{who: "Jane <ci@acme.example>", date: "2020-01-01"}, wrote{who: "Jane <jane@mit.edu>", date: "2020-01-01"})
	r := resolve(t, Options{Bots: []string{"night*", "CI@*", ""}, Rules: map[string]bool{RuleAcademic: false}}, repo)
	for s := range repo.Signatures[:2] {
		if a := r.Attribute(0, uint32(s), date(t, "2020-01-01")); a.Class != Bot {
			t.Errorf("%+v is %v, want a bot", repo.Signatures[s], a.Class)
		}
	}
	if a := r.Attribute(0, 2, facts.Time{}); a.Class != Academic {
		t.Errorf("a listed university is %v where unlisted ones are not guessed", a.Class)
	}
	if _, err := Resolve(nil, Options{PseudonymKey: testKey[:15]}); err == nil {
		t.Error("a short key of pseudonyms is taken")
	}
	if _, err := Resolve(nil, Options{PseudonymKey: testKey, Rules: map[string]bool{"guess": true}}); err == nil || !strings.Contains(err.Error(), `"guess"`) {
		t.Errorf("an unknown rule is taken: %v", err)
	}
	if r := resolve(t, Options{}); len(r.Persons) != 0 || len(r.Organizations) != 0 {
		t.Error("nobody resolves to somebody")
	}
}

func TestPseudonyms(t *testing.T) {
	persons := make([]Person, 150_000) // enough for eight digits to meet
	for i := range persons {
		persons[i].Key = fmt.Sprintf("p%d@acme.example", i)
	}
	pseudonyms(persons, testKey)
	seen := map[string]bool{}
	longer := 0
	for _, p := range persons {
		if len(p.Pseudonym) < len("p-")+minPseudonym || !strings.HasPrefix(p.Pseudonym, "p-") || seen[p.Pseudonym] {
			t.Fatalf("pseudonym %q is short, or given twice", p.Pseudonym)
		}
		seen[p.Pseudonym] = true
		if len(p.Pseudonym) > len("p-")+minPseudonym {
			longer++
		}
	}
	if longer < 2 {
		t.Fatal("no two hashes began with the same eight digits: take more persons")
	}
	few := []Person{{Key: persons[0].Key}}
	pseudonyms(few, testKey)
	if few[0].Pseudonym != persons[0].Pseudonym {
		t.Error("a pseudonym depends on who else is there")
	}
	pseudonyms(few, []byte("another test key"))
	if few[0].Pseudonym == persons[0].Pseudonym {
		t.Error("a pseudonym does not depend on the key")
	}
}

func TestPersonsName(t *testing.T) {
	repo := repository(t, "r", wrote{who: "root <jane@acme.example>", date: "2020-01-01"}, wrote{who: "root <jane@acme.example>", date: "2020-01-01"},
		wrote{who: "Jane <jane@acme.example>", date: "2020-01-01"}, wrote{who: "Ann <jane@acme.example>", date: "2020-01-01"}, wrote{who: "Jane <jane@acme.example>", date: "2020-01-01"})
	r := resolve(t, Options{}, repo)
	if len(r.Persons) != 1 || r.Persons[0].Name != "Jane" || r.Persons[0].Key != "jane@acme.example" {
		t.Errorf("persons: %+v", r.Persons)
	}
}

// anyRepositories draws histories over few names, addresses and years, so that much meets.
func anyRepositories(t *rapid.T) []*facts.Repository {
	names := rapid.SampledFrom([]string{"Jane Doe", "jane doe", "Wim Post", "root", "", "acme-merger", "王小明", "x"})
	emails := rapid.SampledFrom([]string{
		"jane@acme.example", "Jane@acme.example ", "jane@acmee.example", "jane@home.example", "wim@home.example", "wim@borealis.example", "w@labs.example",
		"s@suppliers.example", "i@institute.example", "root@localhost", "", "x", "1+jane@users.noreply.github.com", "jane@users.noreply.github.com", "jane@noreply.gitcode.com", "agent@tools.example", "apart@home.example", "vera@home.example",
	})
	list := make([]*facts.Repository, rapid.IntRange(1, 4).Draw(t, "repositories"))
	for i := range list {
		r := &facts.Repository{Key: fmt.Sprint("r", i)}
		seen := map[facts.Signature]bool{}
		for range rapid.IntRange(1, 8).Draw(t, "signatures") {
			s := facts.Signature{Name: names.Draw(t, "name"), Email: emails.Draw(t, "email")}
			if !seen[s] {
				seen[s] = true
				r.Signatures = append(r.Signatures, s)
			}
		}
		for range rapid.IntRange(0, 12).Draw(t, "commits") {
			c := facts.Commit{Author: uint32(rapid.IntRange(0, len(r.Signatures)-1).Draw(t, "author"))}
			c.Authored = facts.Time{Unix: rapid.Int64Range(1_300_000_000, 1_700_000_000).Draw(t, "time"), Valid: rapid.IntRange(0, 9).Draw(t, "valid") > 0}
			c.Committed = c.Authored
			if n := len(r.Commits); n > 0 && rapid.Bool().Draw(t, "merge") {
				c.Parents.Lo = uint32(len(r.Parents))
				r.Parents = append(r.Parents, uint32(n-1), uint32(rapid.IntRange(0, n-1).Draw(t, "second parent")))
				c.Parents.Hi = uint32(len(r.Parents))
				c.Trailers = facts.Span{Lo: uint32(len(r.Trailers)), Hi: uint32(len(r.Trailers)) + 1}
				r.Trailers = append(r.Trailers, facts.Trailer{Key: "Created-by", Value: "jane"})
			}
			r.Commits = append(r.Commits, c)
		}
		list[i] = r
	}
	return list
}

func TestProperties(t *testing.T) {
	d := testDirectory(t)
	mailmap := ParseMailmap(".mailmap", []byte("<jane@acme.example> <wim@home.example>\nJane <jane@acme.example> root <root@localhost>\n"))
	rapid.Check(t, func(t *rapid.T) {
		repositories := anyRepositories(t)
		opts := Options{Directory: d, PseudonymKey: testKey, Mailmaps: []*Mailmap{mailmap}}
		r, err := Resolve(repositories, opts)
		if err != nil {
			t.Fatal(err)
		}

		// Every signature is one person's; the joins alone, by a naive closure, make the same persons of distinct signatures.
		group := map[facts.Signature]int{}
		person := map[facts.Signature]uint32{}
		for i, repo := range repositories {
			if len(r.Person[i]) != len(repo.Signatures) || len(r.Address[i]) != len(repo.Signatures) || len(r.Name[i]) != len(repo.Signatures) {
				t.Fatal("a signature has no person, address or name")
			}
			for s, signature := range repo.Signatures {
				if p, ok := person[signature]; ok && p != r.Person[i][s] {
					t.Fatalf("%+v is two persons", signature)
				}
				person[signature] = r.Person[i][s]
				if _, ok := group[signature]; !ok {
					group[signature] = len(group)
				}
			}
		}
		total := 0
		for _, j := range r.Joins {
			a := group[repositories[j.From.Repository].Signatures[j.From.Signature]]
			b := group[repositories[j.To.Repository].Signatures[j.To.Signature]]
			if a == b {
				t.Fatalf("join %+v is superfluous", j)
			}
			for s, g := range group {
				if g == b {
					group[s] = a
				}
			}
		}
		for _, n := range r.Joined {
			total += n
		}
		if total != len(r.Joins) || len(person)-total != len(r.Persons) {
			t.Fatalf("%d distinct signatures, %d joins (%d counted), %d persons", len(person), len(r.Joins), total, len(r.Persons))
		}
		for s, g := range group {
			for s2, g2 := range group {
				if (g == g2) != (person[s] == person[s2]) {
					t.Fatalf("%+v and %+v: joined %t, one person %t", s, s2, g == g2, person[s] == person[s2])
				}
			}
		}
		if !slices.IsSortedFunc(r.Persons, func(a, b Person) int { return strings.Compare(a.Key, b.Key) }) {
			t.Fatal("persons are not ordered by key")
		}
		for i, p := range r.Persons {
			if i > 0 && p.Key == r.Persons[i-1].Key {
				t.Fatalf("two persons have the key %q", p.Key)
			}
		}

		// Another order of repositories changes nothing but references.
		perm := rapid.Permutation(indices(len(repositories))).Draw(t, "order")
		shuffled := make([]*facts.Repository, len(perm))
		for to, from := range perm {
			shuffled[to] = repositories[from]
		}
		again, err := Resolve(shuffled, opts)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]any{r.Persons, r.Organizations, r.Evidence, r.Joined}, []any{again.Persons, again.Organizations, again.Evidence, again.Joined}); diff != "" {
			t.Fatalf("another order of repositories (-first +second):\n%s", diff)
		}
		for to, from := range perm {
			if !slices.Equal(r.Person[from], again.Person[to]) || !slices.Equal(r.Address[from], again.Address[to]) || !slices.Equal(r.Name[from], again.Name[to]) {
				t.Fatal("another order of repositories gives other indices")
			}
			for s := range repositories[from].Signatures {
				when := facts.Time{Unix: rapid.Int64Range(1_250_000_000, 1_750_000_000).Draw(t, "when"), Valid: rapid.Bool().Draw(t, "dated")}
				a := r.Attribute(from, uint32(s), when)
				if b := again.Attribute(to, uint32(s), when); a != b {
					t.Fatalf("another order of repositories gives %+v, then %+v", a, b)
				}
				machine := r.Persons[r.Person[from][s]].Machine
				if a.Class.Known() != (a.Organization != NoOrganization) || a.Class.Machine() != (machine != Unknown) || a.Class.Machine() && a.Class != machine {
					t.Fatalf("%+v of a person with machine class %v", a, machine)
				}
				if a.Organization != NoOrganization && r.Organizations[a.Organization].Class != a.Class || int(a.Evidence) >= len(r.Evidence) {
					t.Fatalf("%+v: the organization is %v", a, r.Organizations[a.Organization].Class)
				}
			}
		}
	})
}

func indices(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// TestBetween holds the layout against the definition, day by day.
func TestBetween(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) event {
			return event{day: rapid.Int32Range(-1500, 1500).Draw(t, "day") / 30 * 30, organization: rapid.Int32Range(0, 2).Draw(t, "organization")}
		}), 1, 12).Draw(t, "events")
		slices.SortFunc(events, func(a, b event) int { return int(a.day) - int(b.day) })
		uses := between(events, func(e event) int32 { return e.organization })
		for day := int32(-2000); day <= 2000; day++ {
			got := uses[search(len(uses), func(k int) bool { return uses[k].from <= day })].outcome
			if want := nearest(events, day); got != want {
				t.Fatalf("%v on day %d: %d, want %d; laid out: %v", events, day, got, want, uses)
			}
		}
	})
	far := between([]event{{day: math.MaxInt32 - 1}}, func(event) int32 { return 0 })
	if far[len(far)-1].outcome != unused {
		t.Errorf("at the end of days: %v", far)
	}
}

// nearest is between's definition.
func nearest(events []event, day int32) int32 {
	within := map[int32]bool{}
	for _, e := range events {
		if e.day-day <= doubt && day-e.day <= doubt {
			within[e.organization] = true
		}
	}
	if outcome := alone(events, day); len(within) < 2 || outcome == unused {
		return outcome
	}
	return ambiguous
}

// alone is that definition but for doubt.
func alone(events []event, day int32) int32 {
	side := func(sign int32) (organization, distance int32) {
		organization, distance = unused, math.MaxInt32
		for _, e := range events {
			switch d := sign * (e.day - day); {
			case d < 0 || d > distance:
			case d < distance:
				organization, distance = e.organization, d
			case organization != e.organization:
				organization = ambiguous
			}
		}
		return organization, distance
	}
	before, since := side(-1)
	after, until := side(1)
	if since == 0 || before == after && before != unused && since+until <= 2*window {
		return before
	}
	return unused
}

func TestAttributeConcurrently(t *testing.T) {
	repo := repository(t, "r", wrote{who: "Jane <jane@labs.example>", date: "2020-01-01"}, wrote{who: "Jane Doe <jane@home.example>", date: "2020-01-01"})
	r := resolve(t, Options{}, repo)
	want := r.Attribute(0, 0, date(t, "2020-01-01"))
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for day := range int64(1000) {
				r.Attribute(0, 1, facts.Time{Unix: day * 86400 * 20, Valid: true})
				if got := r.Attribute(0, 0, facts.Time{Unix: 1577836800 + day*86400, Valid: true}); got != want {
					t.Errorf("day %d: %+v, want %+v", day, got, want)
				}
			}
		})
	}
	wait.Wait()
}

// many is a repository of n signatures, a quarter of them people with two addresses.
func many(n int) *facts.Repository {
	r := &facts.Repository{Key: "many"}
	domains := []string{"acme.example", "home.example", "cs.institute.example", "unlisted.example", "gmail.com", "users.noreply.github.com"}
	for i := range n {
		r.Signatures = append(r.Signatures, facts.Signature{Name: fmt.Sprintf("Person %c%c Nr%d", 'a'+i%26, 'a'+i/26%26, i/2), Email: fmt.Sprintf("p%d@%s", i*3/4, domains[i%len(domains)])})
		for k := range 10 {
			when := facts.Time{Unix: 1_500_000_000 + int64(i*k%3000)*86400, Valid: true}
			r.Commits = append(r.Commits, facts.Commit{Author: uint32(i), Authored: when, Committed: when})
		}
	}
	return r
}

func BenchmarkResolve(b *testing.B) {
	repo, d := many(20_000), testDirectory(b)
	for b.Loop() {
		if _, err := Resolve([]*facts.Repository{repo}, Options{Directory: d, PseudonymKey: testKey}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAttribute(b *testing.B) {
	repo := many(20_000)
	r := resolve(b, Options{}, repo)
	i := 0
	for b.Loop() {
		c := &repo.Commits[i]
		r.Attribute(0, c.Author, c.Authored)
		if i++; i == len(repo.Commits) {
			i = 0
		}
	}
}

func TestNamesHoldNoAddress(t *testing.T) {
	for name, want := range map[string]string{
		"jo@vanity.example": "jo@…", "Jo Vega jo@vanity.example": "Jo Vega jo@…", "jo＠vanity.example": "jo@…", "jo%40vanity.example": "jo@…",
		"@jo": "@jo", "Jo @ Astra": "Jo @ Astra", "Jo Vega": "Jo Vega",
	} {
		if got := withoutDomain.ReplaceAllString(name, "$1@…"); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
		out, err := Resolve([]*facts.Repository{repository(t, "r", wrote{who: name + " <jo@vanity.example>", date: "2024-01-01"})}, Options{PseudonymKey: testKey})
		if err != nil {
			t.Fatal(err)
		}
		if got := out.Persons[0].Name; got != want {
			t.Errorf("who is called %q is printed as %q, want %q", name, got, want)
		}
	}
}

// A seat is held by whoever used a company's address not long ago, though a commit from a private one would be nobody's.
func TestSeatsAfterTheLastUse(t *testing.T) {
	repo := repository(t, "r",
		wrote{who: "Jane Doe <jane@acme.example>", date: "2020-01-01"},
		wrote{who: "Jane Doe <5+jd@users.noreply.github.com>", date: "2020-01-01"},
	)
	mentions := []Mention{{Accounts: []string{"github:jd"}}}
	r := resolve(t, Options{Mentions: mentions}, repo)
	for day, want := range map[string]string{"2019-12-31": "no-reply", "2020-01-01": "employer", "2020-01-02": "employer", "2020-06-29": "employer", "2020-06-30": "no-reply"} {
		if a := r.AttributeMention(0, date(t, day)); a.Class.String() != want {
			t.Errorf("a seat on %s: %v, want %s", day, a.Class, want)
		}
	}
	if a := r.Attribute(0, 1, date(t, "2020-01-02")); a.Class != NoReply {
		t.Errorf("a commit after the last use: %v", a.Class)
	}
}
