package forge

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-github/v66/github"

	"orrery/analyzer/facts"
)

// profileAge is how long what a profile says is taken for what it says: a week.
const profileAge = 7 * 24 * time.Hour

// pull is a pull request on its way into tables.
type pull struct {
	number                           int64
	author, merger                   login
	state                            facts.PullState
	base, merge                      string
	created, updated, merged, closed int64
	reviews                          []review
}

type review struct {
	by      login
	verdict facts.Verdict
	at      int64
}

// login names an account; "" nobody.
type login struct {
	name string
	kind facts.AccountKind
}

// Facts asks for the pull requests and reviews of an owner's repositories, and for the profiles of all who stand in them. last is what was told
// before, nil if nothing was: only what has changed since is asked for, and what it says of other repositories stays. It gives all or an error. After an error what was answered is kept for a day,
// and the next call asks for the rest alone.
//
// At GitHub a repository in which nothing has changed costs a conditional request, which is not counted; a new one costs a query for each 50
// pull requests. A profile costs two requests a week. Only who is signed in is answered.
func (c *Client) Facts(ctx context.Context, owner string, repositories []string, last *facts.Forge) (*facts.Forge, error) {
	f, err := c.facts(ctx, owner, repositories, last)
	if errors.Is(err, ErrAnswer) && ctx.Err() == nil {
		// Whatever it was, it is not to be read from disk again.
		err = errors.Join(err, c.Finished(owner))
	}
	if err != nil {
		return nil, fmt.Errorf("asking %s for the pull requests of %s: %w", c.base.Host, owner, err)
	}
	return f, nil
}

// Name names the forge in facts.
func (c *Client) Name() string { return NameOf(c.host) }

// NameOf names the forge whose repositories are cloned from a host, in facts: the host itself, unless it is that of a public forge.
func NameOf(host string) string {
	for _, kind := range Kinds() {
		if public[kind].host == host {
			return string(kind)
		}
	}
	return host
}

func (c *Client) facts(ctx context.Context, owner string, repositories []string, last *facts.Forge) (*facts.Forge, error) {
	names := slices.Clone(repositories)
	if last != nil {
		for i := range last.Repositories {
			names = append(names, last.Repositories[i].Name)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	for _, name := range append([]string{owner}, names...) {
		if !CheckName(name) {
			return nil, fmt.Errorf("%w: %q cannot be a repository's name", ErrRefused, owner+"/"+name)
		}
	}
	if c.opts.Credential.IsZero() && c.kind == GitHub {
		return nil, ErrNoToken
	}
	now := c.opts.Clock.now()
	work, begun, err := c.Resume(ctx, factsOf(owner))
	if err != nil {
		return nil, err
	}
	asked := make([]asking, len(names))
	queries, changed, total := 0, 0, 0
	for i, name := range names {
		a := asking{name: name, known: knownPulls(last, name)}
		if !slices.Contains(repositories, name) {
			a.left = true
		} else if err := c.probe(work, owner, &a); errors.Is(err, ErrGone) || errors.Is(err, ErrBlocked) {
			a.gone = true
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		total += a.count
		if a.changed() {
			changed++
			queries += c.queries(&a)
		}
		asked[i] = a
	}
	if queries > 0 {
		c.opts.Talk(fmt.Sprintf("%s: new pull requests or reviews in %d of %d repositories of %s, pull requests in all: %d: %s",
			c.base.Host, changed, len(repositories), owner, total, c.Estimate(queries)))
	}
	f := &facts.Forge{Forge: c.Name(), Owner: owner, Asked: begun}
	var all [][]pull
	for i := range asked {
		a := &asked[i]
		list := a.known.pulls
		if a.changed() {
			var err error
			if list, err = c.pulls(work, owner, a); err != nil {
				return nil, fmt.Errorf("%s: %w", a.name, err)
			}
		}
		all = append(all, list)
		one := facts.ForgeRepository{Name: a.name, Asked: begun, Newest: a.newest, Count: uint32(a.count), Gone: a.gone}
		if a.gone || a.left {
			one.Newest, one.Count = a.known.newest, uint32(a.known.count)
		}
		if a.left {
			one.Asked, one.Gone = a.known.asked, a.known.gone
		}
		f.Repositories = append(f.Repositories, one)
	}
	logins := fill(f, all)
	if err := c.profiles(takeSince(ctx, now.Add(-profileAge)), f, logins, now); err != nil {
		return nil, err
	}
	for i := range f.Accounts {
		if a := &f.Accounts[i]; len(a.Login) > textBytes || len(a.Name) > textBytes || len(a.Company) > textBytes {
			return nil, fmt.Errorf("%w: an account with a text of more than %d bytes", ErrAnswer, textBytes)
		}
	}
	if err := f.Check(); err != nil {
		return nil, err
	}
	return f, nil
}

// Finished forgets that there is unfinished work on an owner. To be called once what [Client.Facts] gave is kept.
func (c *Client) Finished(owner string) error { return c.Finish(factsOf(owner)) }

func factsOf(owner string) string { return "facts of " + strings.ToLower(owner) }

// asking is one repository that is asked for.
type asking struct {
	name   string
	known  known
	count  int   // pull requests that there are
	newest int64 // the newest change of one
	gone   bool  // there is no such repository: what is known of it stays
	left   bool  // it is not asked for this time: likewise
}

// known is what was told of a repository before.
type known struct {
	ok     bool
	newest int64
	count  int
	asked  int64
	gone   bool
	pulls  []pull
}

func (a *asking) changed() bool {
	if a.gone || a.left || !a.known.ok && a.count == 0 {
		return false
	}
	return !a.known.ok || a.newest != a.known.newest || a.count != a.known.count
}

// knownPulls takes a repository out of the tables.
func knownPulls(last *facts.Forge, name string) (k known) {
	if last == nil {
		return k
	}
	who := func(i uint32) login {
		if i == facts.None {
			return login{}
		}
		return login{last.Accounts[i].Login, last.Accounts[i].Kind}
	}
	for i := range last.Repositories {
		r := &last.Repositories[i]
		if r.Name != name {
			continue
		}
		k.ok, k.newest, k.count, k.asked, k.gone = true, r.Newest, int(r.Count), r.Asked, r.Gone
		for _, p := range last.Pulls[r.Pulls.Lo:r.Pulls.Hi] {
			one := pull{
				number: int64(p.Number), author: who(p.Author), merger: who(p.Merger), state: p.State, base: p.Base,
				created: p.Created, updated: p.Updated, merged: p.Merged, closed: p.Closed,
			}
			if !p.Merge.IsZero() {
				one.merge = p.Merge.String()
			}
			for _, w := range last.Reviews[p.Reviews.Lo:p.Reviews.Hi] {
				one.reviews = append(one.reviews, review{who(w.Reviewer), w.Verdict, w.At})
			}
			k.pulls = append(k.pulls, one)
		}
	}
	return k
}

// probe asks how many pull requests there are, and when one changed last.
func (c *Client) probe(ctx context.Context, owner string, a *asking) error {
	if c.kind != GitHub {
		p, err := c.plainPulls(ctx, owner, a.name, "updated", "desc", 1)
		if err != nil {
			return err
		}
		a.count = max(p.total, len(p.items))
		for i := range p.items {
			a.newest = max(a.newest, p.items[i].updated)
		}
		return nil
	}
	list, res, err := c.github().PullRequests.List(ctx, owner, a.name, &github.PullRequestListOptions{
		State: "all", Sort: "updated", Direction: "desc", ListOptions: github.ListOptions{PerPage: 1},
	})
	if err != nil {
		return plain(err)
	}
	if len(list) > 0 {
		a.newest, a.count = list[0].GetUpdatedAt().Unix(), lastPage(res.Header.Get("Link"))
	}
	return nil
}

// queries estimates the requests that reading a repository takes.
func (c *Client) queries(a *asking) int {
	size := pageSize
	if c.kind == GitHub {
		size = queryPage
	}
	n := a.count
	if a.known.ok {
		n = max(a.count-len(a.known.pulls), 1)
	}
	return (n + size - 1) / size
}

// Estimate says how long a number of requests takes at the limits that are known: "about 4,210 requests, about 50 minutes at your limit".
func (c *Client) Estimate(requests int) string {
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	return fmt.Sprintf("about %s requests, %s at your limit", thousands(requests), about(c.t.limits.estimate(c.t, requests)))
}

// about says a time as people do.
func about(d time.Duration) string {
	minutes := int((d + time.Minute - 1) / time.Minute)
	switch {
	case minutes <= 1:
		return "less than a minute"
	case minutes <= 20:
		return fmt.Sprintf("about %d minutes", minutes)
	case minutes < 175:
		return fmt.Sprintf("about %d minutes", (minutes+2)/5*5)
	}
	return fmt.Sprintf("about %s hours", thousands((minutes+30)/60))
}

// thousands writes a number with a comma after each three digits.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// pulls brings what is known of a repository up to date.
func (c *Client) pulls(ctx context.Context, owner string, a *asking) ([]pull, error) {
	for _, whole := range []bool{false, true} {
		if !whole && (!a.known.ok || a.known.newest == 0) {
			continue
		}
		read := c.listPulls
		if c.kind == GitHub {
			read = c.queryPulls
		}
		list, err := read(ctx, owner, a, whole)
		if err != nil {
			return nil, err
		}
		byNumber := map[int64]pull{}
		if !whole {
			for _, p := range a.known.pulls {
				byNumber[p.number] = p
			}
		}
		for _, p := range list {
			byNumber[p.number] = p
		}
		// One that came in with an old date, from another repository, does not stand among the newest: then all are read.
		if !whole && len(byNumber)-len(a.known.pulls) < a.count-a.known.count {
			continue
		}
		all := make([]pull, 0, len(byNumber))
		for _, p := range byNumber {
			all = append(all, p)
		}
		slices.SortFunc(all, func(x, y pull) int { return cmp.Compare(x.number, y.number) })
		return all, nil
	}
	return nil, nil
}

// fill makes tables of the pull requests of each repository, and gives the logins of all who stand in them, in the order of the accounts.
func fill(f *facts.Forge, all [][]pull) []login {
	kinds := map[string]facts.AccountKind{}
	spelled := map[string]string{}
	note := func(l login) {
		if key := strings.ToLower(l.name); l.name != "" {
			kinds[key] = max(kinds[key], l.kind)
			if old, ok := spelled[key]; !ok || l.name < old {
				spelled[key] = l.name
			}
		}
	}
	for _, list := range all {
		for i := range list {
			note(list[i].author)
			note(list[i].merger)
			for _, r := range list[i].reviews {
				note(r.by)
			}
		}
	}
	keys := make([]string, 0, len(kinds))
	for key := range kinds {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	logins := make([]login, len(keys))
	number := map[string]uint32{}
	for i, key := range keys {
		logins[i] = login{spelled[key], kinds[key]}
		number[key] = uint32(i)
		f.Accounts = append(f.Accounts, facts.Account{Login: spelled[key], Kind: kinds[key]})
	}
	who := func(l login) uint32 {
		if l.name == "" {
			return facts.None
		}
		return number[strings.ToLower(l.name)]
	}
	for r, list := range all {
		span := facts.Span{Lo: uint32(len(f.Pulls))}
		for _, p := range list {
			one := facts.Pull{
				Repository: uint32(r), Number: uint32(p.number), Author: who(p.author), Merger: who(p.merger), State: p.state, Base: p.base,
				Created: p.created, Updated: p.updated, Merged: p.merged, Closed: p.closed,
			}
			if id, err := hex.DecodeString(p.merge); err == nil && len(id) == len(one.Merge) {
				copy(one.Merge[:], id)
			}
			one.Reviews.Lo = uint32(len(f.Reviews))
			reviews := slices.Clone(p.reviews)
			slices.SortFunc(reviews, func(x, y review) int {
				return cmp.Or(cmp.Compare(x.at, y.at), strings.Compare(strings.ToLower(x.by.name), strings.ToLower(y.by.name)), cmp.Compare(x.verdict, y.verdict))
			})
			for _, w := range slices.Compact(reviews) {
				f.Reviews = append(f.Reviews, facts.Review{Pull: uint32(len(f.Pulls)), Reviewer: who(w.by), Verdict: w.verdict, At: w.at})
			}
			one.Reviews.Hi = uint32(len(f.Reviews))
			f.Pulls = append(f.Pulls, one)
		}
		span.Hi = uint32(len(f.Pulls))
		f.Repositories[r].Pulls = span
	}
	return logins
}

// profiles asks what the accounts say of themselves. Machines say nothing.
func (c *Client) profiles(ctx context.Context, f *facts.Forge, logins []login, now time.Time) error {
	people := 0
	for _, l := range logins {
		if l.kind == facts.PersonAccount {
			people++
		}
	}
	if people > pageSize {
		c.opts.Talk(fmt.Sprintf("%s: %d profiles: at most %s", c.base.Host, people, c.Estimate(2*people)))
	}
	for i, l := range logins {
		a := &f.Accounts[i]
		if l.kind != facts.PersonAccount || !CheckName(l.name) {
			continue
		}
		err := c.profile(ctx, a)
		switch {
		case errors.Is(err, ErrGone) || errors.Is(err, ErrBlocked):
			a.Gone = true
		case err != nil:
			return fmt.Errorf("profile: %w", err)
		}
		// The day of the answer, which may be one of this week.
		a.Asked = now.Unix()
		if at, ok := c.t.cache.lastAsked(c.profileAddress(a.Login)); ok {
			a.Asked = at.Unix()
		}
	}
	return nil
}

func (c *Client) profileAddress(login string) string {
	return c.base.JoinPath("users/" + url.PathEscape(login)).String()
}

func (c *Client) profile(ctx context.Context, a *facts.Account) error {
	if c.kind == GitHub {
		u, _, err := c.github().Users.Get(ctx, a.Login)
		if err != nil {
			return plain(err)
		}
		a.Name, a.Company = u.GetName(), u.GetCompany()
		switch u.GetType() {
		case "Bot":
			a.Kind = facts.BotAccount
		case "Organization":
			a.Kind = facts.OrganizationAccount
		}
		orgs, err := collect(ctx, func(ctx context.Context, number int) (p page[string], err error) {
			list, res, err := c.github().Organizations.List(ctx, a.Login, &github.ListOptions{Page: number, PerPage: pageSize})
			if err != nil {
				return p, plain(err)
			}
			for _, o := range list {
				p.items = append(p.items, o.GetLogin())
			}
			p.next, err = c.githubPage(res, number)
			return p, err
		})
		a.Organizations = tidy(orgs)
		return err
	}
	var u struct {
		Name, Company, Type string
	}
	if _, err := c.plainGet(ctx, "users/"+url.PathEscape(a.Login), nil, &u); err != nil {
		return err
	}
	a.Name, a.Company = u.Name, u.Company
	if u.Type == "Bot" {
		a.Kind = facts.BotAccount
	}
	orgs, err := collect(ctx, func(ctx context.Context, number int) (p page[string], err error) {
		raw, err := plainPage[struct{ Login string }](ctx, c, "users/"+url.PathEscape(a.Login)+"/orgs", url.Values{}, number)
		for _, o := range raw.items {
			p.items = append(p.items, o.Login)
		}
		p.next, p.total = raw.next, raw.total
		return p, err
	})
	a.Organizations = tidy(orgs)
	return err
}

func tidy(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// plainPull is a pull request of Gitee or GitCode: reviewers are named, with whether they have accepted, and without a date.
type plainPull struct {
	Number    number     `json:"number"`
	State     string     `json:"state"`
	Created   moment     `json:"created_at"`
	Updated   moment     `json:"updated_at"`
	Merged    moment     `json:"merged_at"`
	Closed    moment     `json:"closed_at"`
	User      *plainUser `json:"user"`
	MergedBy  *plainUser `json:"merged_by"`
	Assignees []struct {
		plainUser
		Accept truth `json:"accept"`
	} `json:"assignees"`
	Approvers []plainUser `json:"approval_reviewers"`
	Base      struct {
		Ref string `json:"ref"`
	} `json:"base"`
	Merge string `json:"merge_commit_sha"`
}

type plainUser struct {
	Login string `json:"login"`
}

func (u *plainUser) login() login {
	if u == nil {
		return login{}
	}
	return login{name: u.Login}
}

func (p *plainPull) pull() (pull, error) {
	one := pull{
		number: int64(p.Number), author: p.User.login(), merger: p.MergedBy.login(), base: p.Base.Ref, merge: p.Merge,
		created: p.Created.unix(), updated: p.Updated.unix(), merged: p.Merged.unix(), closed: p.Closed.unix(),
	}
	if err := checkNumber(one.number); err != nil {
		return one, err
	}
	switch {
	case p.State == "merged" || one.merged > 0:
		one.state = facts.PullMerged
	case p.State == "closed":
		one.state = facts.PullClosed
	}
	verdicts := map[string]facts.Verdict{}
	for _, a := range p.Assignees {
		if a.Login != "" {
			verdicts[a.Login] = max(verdicts[a.Login], facts.Asked)
			if a.Accept {
				verdicts[a.Login] = facts.Approved
			}
		}
	}
	for _, a := range p.Approvers {
		if a.Login != "" {
			verdicts[a.Login] = max(verdicts[a.Login], facts.Asked)
		}
	}
	for by, v := range verdicts { // put in order by fill
		one.reviews = append(one.reviews, review{by: login{name: by}, verdict: v})
	}
	return one, nil
}

func (c *Client) plainPulls(ctx context.Context, owner, name, sort, direction string, number int) (page[pull], error) {
	raw, err := plainPage[plainPull](ctx, c, "repos/"+url.PathEscape(owner)+"/"+url.PathEscape(name)+"/pulls",
		url.Values{"state": {"all"}, "sort": {sort}, "direction": {direction}}, number)
	p := page[pull]{next: raw.next, total: raw.total}
	if err != nil {
		return p, err
	}
	for i := range raw.items {
		one, err := raw.items[i].pull()
		if err != nil {
			return p, err
		}
		p.items = append(p.items, one)
	}
	return p, nil
}

// listPulls reads a repository's pull requests by pages: all in the order of making, or the newest changes until what is known.
func (c *Client) listPulls(ctx context.Context, owner string, a *asking, whole bool) ([]pull, error) {
	if whole {
		return collect(ctx, func(ctx context.Context, number int) (page[pull], error) {
			return c.plainPulls(ctx, owner, a.name, "created", "asc", number)
		})
	}
	var all []pull
	for number := 1; ; number++ {
		p, err := c.plainPulls(ctx, owner, a.name, "updated", "desc", number)
		if err != nil {
			return nil, err
		}
		all = append(all, p.items...)
		if n := len(p.items); p.next == 0 || n > 0 && p.items[n-1].updated < a.known.newest || number >= maxPages {
			return all, nil
		}
	}
}

// checkNumber says whether a pull request can have that number.
func checkNumber(n int64) error {
	if n <= 0 || n > 1<<31 {
		return fmt.Errorf("%w: a pull request with the number %d", ErrAnswer, n)
	}
	return nil
}
