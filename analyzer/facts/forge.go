package facts

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Forge is what a forge tells of the repositories of one owner, beside git: who proposed, reviewed and merged, and what profiles say. It is
// what people chose to publish there, as of the day it was asked: personal data, and never a proof of employment.
//
// Tables are in an order of their own: repositories and accounts by name, pull requests by repository and number, reviews by pull request, then
// by moment.
type Forge struct {
	// Forge is "github", "gitee" or "gitcode"; of a server that is not the public one its host.
	Forge string
	// Owner is the person or organization that the repositories belong to, as it is written in addresses.
	Owner string
	// Asked is when the last of it was asked, Unix seconds.
	Asked int64

	Repositories []ForgeRepository
	Accounts     []Account
	Pulls        []Pull
	Reviews      []Review
}

// ForgeRepository is a repository as the forge knows it.
type ForgeRepository struct {
	Name string // without the owner
	// Asked is when its pull requests were asked for. What changed while they were read is told the next time.
	Asked int64
	// Newest is the newest change of a pull request that is known, Unix seconds; 0 if there is none.
	Newest int64
	// Count is how many pull requests the forge counts; it may hide some of them.
	Count uint32
	// Gone says that the forge had no such repository then, or none that it shows; what is here is from before.
	Gone  bool
	Pulls Span // into Forge.Pulls
}

// Account is somebody at the forge.
type Account struct {
	Login string
	Kind  AccountKind
	// Name and Company are what the profile says: free text, "" if it says nothing.
	Name, Company string
	// Organizations are those whose public member it is, by login, ascending.
	Organizations []string
	// Asked is when the profile was asked for; 0 if it was not (machines). It is the day that Company is a statement of.
	Asked int64
	// Gone says that the forge had no such account then.
	Gone bool
}

// AccountKind says what an account is, as the forge tells it.
type AccountKind uint8

// The kinds of accounts.
const (
	PersonAccount AccountKind = iota
	BotAccount
	OrganizationAccount
)

// String gives the kind in lower case.
func (k AccountKind) String() string { return [...]string{"person", "bot", "organization"}[k] }

// Key names an account among those of all forges, as addresses that forges make up name it: "github:jane".
func (f *Forge) Key(a *Account) string { return f.Forge + ":" + strings.ToLower(a.Login) }

// Pull is a pull request.
type Pull struct {
	Repository uint32 // into Forge.Repositories
	Number     uint32
	Author     uint32 // into Forge.Accounts; None if the account is gone
	Merger     uint32 // likewise; None as well if it is not merged, or the forge does not tell
	State      PullState
	Base       string // the branch that it is for
	Merge      ID     // the commit that it became; zero if there is none, or the forge does not tell
	// Created, Updated, Merged and Closed are in Unix seconds; 0 for never.
	Created, Updated, Merged, Closed int64
	Reviews                          Span // into Forge.Reviews
}

// PullState is what became of a pull request.
type PullState uint8

// The states.
const (
	PullOpen PullState = iota
	PullClosed
	PullMerged
)

// String gives the state in lower case.
func (s PullState) String() string { return [...]string{"open", "closed", "merged"}[s] }

// Review is one person's word on a pull request. A person may have several.
type Review struct {
	Pull     uint32 // into Forge.Pulls
	Reviewer uint32 // into Forge.Accounts; None if the account is gone
	Verdict  Verdict
	// At is in Unix seconds; 0 where the forge does not tell: Gitee and GitCode name reviewers without a date.
	At int64
}

// Verdict is what a review says.
type Verdict uint8

// The verdicts.
const (
	Asked     Verdict = iota // somebody was asked to review, and no more is known
	Commented                // neither for nor against
	Approved
	Rejected  // changes are asked for
	Dismissed // it was, and does not count any more
)

// String gives the verdict in lower case.
func (v Verdict) String() string {
	return [...]string{"asked", "commented", "approved", "rejected", "dismissed"}[v]
}

// Place is where a repository lies, as forges call it.
type Place struct {
	Forge string // as [Forge].Forge; "" where no address tells
	Name  string // OWNER/NAME, in any case
}

// Told is what a forge tells of one repository. The zero value is nothing.
type Told struct {
	Forge      *Forge
	Repository int // of Forge.Repositories
}

// TellOf finds what forges tell of the repositories at some places; the list is parallel to them. The same OWNER/NAME at two forges is two
// repositories: of a place without a forge something is told only if a single forge tells of that name.
func TellOf(forges []*Forge, places []Place) []Told {
	known := map[Place]Told{} // without a forge as well, where there is but one
	mixed := map[string]bool{}
	for _, f := range forges {
		for i := range f.Repositories {
			name, told := strings.ToLower(f.Owner+"/"+f.Repositories[i].Name), Told{f, i}
			if other, ok := known[Place{"", name}]; ok && other.Forge.Forge != f.Forge {
				mixed[name] = true
			}
			known[Place{f.Forge, name}], known[Place{"", name}] = told, told
		}
	}
	all := make([]Told, len(places))
	for i, p := range places {
		p.Name = strings.ToLower(p.Name)
		if p.Forge != "" || !mixed[p.Name] {
			all[i] = known[p]
		}
	}
	return all
}

// Sum names all that a forge told, but not when: nights on which nothing changes have the same.
func (f *Forge) Sum() string {
	plain := *f
	plain.Asked, plain.Repositories = 0, slices.Clone(f.Repositories)
	for i := range plain.Repositories {
		plain.Repositories[i].Asked = 0
	}
	h := sha256.New()
	// Of numbers, texts and lists of them: it cannot fail.
	_ = json.NewEncoder(h).Encode(plain)
	return hex.EncodeToString(h.Sum(nil))
}

// Check says whether every number of a row is one of a row, and every span follows the one before it; nil if so. Whoever reads facts trusts
// that.
func (f *Forge) Check() error {
	accounts, next := uint32(len(f.Accounts)), uint32(0)
	known := func(i uint32) bool { return i == None || i < accounts }
	for i := range f.Repositories {
		s := f.Repositories[i].Pulls
		if s.Lo != next || s.Hi < s.Lo {
			return fmt.Errorf("pull requests of the repository %d do not follow those of the one before", i)
		}
		next = s.Hi
	}
	if int(next) != len(f.Pulls) {
		return fmt.Errorf("repositories have %d pull requests, and there are %d", next, len(f.Pulls))
	}
	next = 0
	for i := range f.Pulls {
		p := &f.Pulls[i]
		if p.Repository >= uint32(len(f.Repositories)) || !known(p.Author) || !known(p.Merger) {
			return fmt.Errorf("the pull request %d points to no row", i)
		}
		if p.Reviews.Lo != next || p.Reviews.Hi < p.Reviews.Lo {
			return fmt.Errorf("reviews of the pull request %d do not follow those of the one before", i)
		}
		next = p.Reviews.Hi
	}
	if int(next) != len(f.Reviews) {
		return fmt.Errorf("pull requests have %d reviews, and there are %d", next, len(f.Reviews))
	}
	for i := range f.Reviews {
		if r := &f.Reviews[i]; r.Pull >= uint32(len(f.Pulls)) || !known(r.Reviewer) {
			return fmt.Errorf("the review %d points to no row", i)
		}
	}
	return nil
}
