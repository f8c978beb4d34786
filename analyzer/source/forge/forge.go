// Package forge asks GitHub, Gitee and GitCode what git does not know: which repositories an owner has, who reviewed and merged, and which
// company a profile names.
//
// A [Client] asks one forge, one request at a time. Whatever it is asked for, it gives whole or not at all: an answer that fails, is cut
// short or leads in a circle is an error of the whole list.
//
//   - Every answer is kept on disk as it arrives. A run that is killed, or that stops because a limit is reached, is taken up where it ended:
//     answers of the unfinished run are not asked for again.
//   - Requests are conditional (ETag). A forge that says "not modified" (304) does not count the request, if it is signed in (GitHub).
//   - Limits are kept by the server's clock: the hour's (X-RateLimit-*), the secondary ones (Retry-After, or a minute that doubles), and the
//     documented points a minute, counted over all runs with the same credential and folder. A wait that is longer than [Options.MaxWait] ends
//     the asking with [ErrLimited].
//   - A token goes to the host of the interface, in a header, and with [Client.SignGit] to the host that repositories are cloned from; nowhere else.
//     What lies on disk is keyed by a fingerprint of it.
//
// What comes from a forge is untrusted: sizes, pages, addresses and redirects are bounded and checked.
package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Kind is a forge, as sources name it.
type Kind string

// The forges. GitCode is also called AtomGit.
const (
	GitHub  Kind = "github"
	Gitee   Kind = "gitee"
	GitCode Kind = "gitcode"
)

// Kinds are all forges.
func Kinds() []Kind { return []Kind{GitHub, Gitee, GitCode} }

// What became of asking. Use errors.Is.
var (
	// ErrGone: there is no such owner, repository or account, or it is not public (404, 410).
	ErrGone = errors.New("the forge has no such thing")
	// ErrBlocked: it may not be shown for legal reasons (451).
	ErrBlocked = errors.New("blocked for legal reasons")
	// ErrDenied: the token is wrong, has expired, or may not see it (401, 403).
	ErrDenied = errors.New("access is denied")
	// ErrLimited: a limit is reached, and waiting would take longer than is allowed. What was answered is kept.
	ErrLimited = errors.New("the forge's limit is reached")
	// ErrTooLarge: the forge refuses to make the list, because it is too large for it.
	ErrTooLarge = errors.New("too large for the forge")
	// ErrAnswer: what came is no answer: cut short, no JSON, a circle of pages, an error of the server (5xx) that lasts.
	ErrAnswer = errors.New("no usable answer")
	// ErrRefused: an answer leads where this package does not follow: another host, another scheme.
	ErrRefused = errors.New("refused")
	// ErrUnreachable: the network failed.
	ErrUnreachable = errors.New("unreachable")
	// ErrOffline: nothing may be asked, and the answer is not on disk.
	ErrOffline = errors.New("not asked, and not known")
	// ErrNoToken: the forge answers this to nobody who is not signed in.
	ErrNoToken = errors.New("a token is needed")
)

// Final says whether asking again would give the same error: the forge has said no.
func Final(err error) bool {
	return errors.Is(err, ErrGone) || errors.Is(err, ErrBlocked) || errors.Is(err, ErrTooLarge)
}

// Clock is what time is read from. The zero value is the machine's.
type Clock struct {
	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration) error
}

func (c Clock) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

func (c Clock) sleep(ctx context.Context, d time.Duration) error {
	if c.Sleep != nil {
		return c.Sleep(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// DefaultMaxWait lets one refill of an hourly limit be waited for.
const DefaultMaxWait = 65 * time.Minute

// Options of [Open].
type Options struct {
	// Base is the address of the interface: "" for the public one. GitHub Enterprise Server has it at https://HOST/api/v3/.
	Base string
	// Credential signs requests; the zero value asks without signing in.
	Credential Credential
	// Dir keeps answers and unfinished work between runs; "" keeps nothing.
	Dir string
	// MaxWait is the longest single wait for a limit; 0 is [DefaultMaxWait].
	MaxWait time.Duration
	// Offline asks nothing: what has been answered before is given as it was.
	Offline bool
	// AllowHTTP lets Base be http:// as well.
	AllowHTTP bool
	// Idle is the longest silence of a server; 0 is 2 minutes.
	Idle time.Duration
	// Talk is told, in a sentence without secrets, what will take long and why it is waited.
	Talk func(string)
	// Clock and Transport stand for the machine's clock and network, for tests; nil for those.
	Clock     Clock
	Transport http.RoundTripper
}

// Client asks one forge. It may be used by several goroutines, which then wait for each other.
type Client struct {
	kind Kind
	base *url.URL // with a final slash
	host string   // of repositories: where they are cloned from
	opts Options
	t    *transport
	http *http.Client
}

// public are the addresses of the interfaces, and the hosts that repositories are cloned from.
var public = map[Kind]struct{ base, host string }{
	GitHub:  {"https://api.github.com/", "github.com"},
	Gitee:   {"https://gitee.com/api/v5/", "gitee.com"},
	GitCode: {"https://api.gitcode.com/api/v5/", "gitcode.com"},
}

// Open makes a client. It asks nothing yet.
func Open(kind Kind, opts Options) (*Client, error) {
	known, ok := public[kind]
	if !ok {
		return nil, fmt.Errorf("%q is no forge that is known: %v are", kind, Kinds())
	}
	base := opts.Base
	if base == "" {
		base = known.base
	}
	u, err := url.Parse(strings.TrimSuffix(base, "/") + "/")
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("the address of %s's interface cannot be used: https://HOST/PATH is wanted", kind)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !opts.AllowHTTP) {
		return nil, fmt.Errorf("the address of %s's interface is not encrypted: https is wanted, or http has to be allowed", kind)
	}
	u.Host = plainHost(u)
	c := &Client{kind: kind, base: u, host: known.host, opts: opts}
	if u.String() != known.base {
		c.host = u.Host
		// GitHub's and GitCode's own split of one domain in two: GitHub with data residency has its interface at api.TEAM.ghe.com.
		if rest, ok := strings.CutPrefix(u.Host, "api."); ok && (kind == GitHub && u.Path == "/" || kind == GitCode) {
			c.host = rest
		}
	}
	if c.opts.MaxWait == 0 {
		c.opts.MaxWait = DefaultMaxWait
	}
	if c.opts.Talk == nil {
		c.opts.Talk = func(string) {}
	}
	if c.opts.Idle == 0 {
		c.opts.Idle = 2 * time.Minute
	}
	if c.t, err = newTransport(c); err != nil {
		return nil, err
	}
	c.http = &http.Client{Transport: c.t, CheckRedirect: c.checkRedirect}
	return c, nil
}

// plainHost gives the host of an address in lower case, without a port that its scheme has anyway.
func plainHost(u *url.URL) string {
	host := strings.ToLower(u.Host)
	return strings.TrimSuffix(host, map[string]string{"https": ":443", "http": ":80"}[u.Scheme])
}

// maxRedirects is more than a repository that was renamed and moved needs.
const maxRedirects = 5

func (c *Client) checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return fmt.Errorf("%w: it redirects more than %d times", ErrAnswer, maxRedirects)
	}
	if !c.t.own(req.URL) {
		return fmt.Errorf("%w: it redirects away from %s, to %s", ErrRefused, c.base.Host, req.URL.Host)
	}
	return nil
}

// Kind is the forge's.
func (c *Client) Kind() Kind { return c.kind }

// Host is the host that repositories are cloned from, with its port.
func (c *Client) Host() string { return c.host }

// Scheme is that of the interface, which repositories are cloned by as well.
func (c *Client) Scheme() string { return c.base.Scheme }

// SignGit signs a request of git's, if it goes where this forge's repositories are cloned from: that host, and by the scheme of the interface. It
// says whether it did. anew is for a request whose signature was refused: an installation's token is renewed, a person's cannot be.
func (c *Client) SignGit(req *http.Request, anew bool) (bool, error) {
	if c.opts.Credential.IsZero() || req.URL.Scheme != c.base.Scheme || plainHost(req.URL) != c.host {
		return false, nil
	}
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	if anew {
		a := c.opts.Credential.app()
		if a == nil {
			return false, nil
		}
		a.token = ""
	}
	token, err := c.t.bearer(req.Context())
	if err != nil {
		return false, err
	}
	// The password counts; these are the names that the forges' own documentation gives.
	user := "oauth2"
	if c.kind == GitHub {
		user = "x-access-token"
	}
	req.SetBasicAuth(user, token)
	return true, nil
}

// Given says whether the person named the host.
func (c *Client) Given() bool { return c.opts.Base != "" }

// Counts are requests since [Open]: Asked = Counted + NotModified + those that failed.
type Counts struct {
	Asked       int // sent
	Counted     int // that the forge counts against the hour's limit
	NotModified int // answered by 304; of these nothing counts for those who are signed in at GitHub
	Replayed    int // not sent, because this unfinished run has the answer already, or because it is offline
}

// Counts tells what was asked so far.
func (c *Client) Counts() Counts {
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	return c.t.counts
}

// unfinished work that is older is begun anew: answers of so many days would not fit each other.
const resumeWithin = 24 * time.Hour

// Resume begins work of many requests, or goes on with work of that name that was not finished: with the context that it gives, answers
// since the work began are taken as they are, without asking. [Client.Finish] ends it.
func (c *Client) Resume(ctx context.Context, work string) (resumed context.Context, begun int64, err error) {
	key := "unfinished " + work
	begun = c.opts.Clock.now().Unix()
	var note struct{ Begun int64 }
	if c.t.cache.loadNote(key, &note) && note.Begun <= begun && begun-note.Begun < int64(resumeWithin/time.Second) {
		begun = note.Begun
	} else if err := c.t.cache.saveNote(key, struct{ Begun int64 }{begun}); err != nil {
		return nil, 0, err
	}
	return takeSince(ctx, time.Unix(begun, 0)), begun, nil
}

// Finish forgets that there is unfinished work. To be called once what came of it is kept or told.
func (c *Client) Finish(work string) error { return c.t.cache.removeNote("unfinished " + work) }

// Repository is one of an owner's, as the forge tells it.
type Repository struct {
	ID            int64  `json:"id"`
	Owner         string `json:"owner"`
	Name          string `json:"name"` // as in addresses
	CloneURL      string `json:"clone_url"`
	DefaultBranch string `json:"default_branch,omitempty"`
	Archived      bool   `json:"archived,omitempty"`
	Fork          bool   `json:"fork,omitempty"`
	Private       bool   `json:"private,omitempty"`
	Empty         bool   `json:"empty,omitempty"` // as far as the forge tells: GitHub does not
	// Renamed is the name that it was asked for by, or that it had when the list was last read; "" if it is the same.
	Renamed string `json:"-"`
}

// Listing is all that an owner has.
type Listing struct {
	Owner        string
	Repositories []Repository // by name, each once
	AsOf         time.Time    // when it was asked
	// Stale says why this is an earlier list; nil if it is today's.
	Stale error
	// Gone are names of the list before that are neither in this one nor renamed.
	Gone []string
}

var ownerName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$`)

// CheckName says whether s can be the name of an owner or a repository.
func CheckName(s string) bool { return ownerName.MatchString(s) && s != "." && s != ".." }

// pageSize is the most that the forges give at once.
const pageSize = 100

// What a forge may fill the memory with: lists of so many pages, and texts of so many bytes.
const (
	maxPages  = 10_000
	textBytes = 1000
)

// Repositories lists all public repositories of an owner, a person's or an organization's. If the forge cannot be asked now, it gives the last
// whole list, with the reason in [Listing.Stale]; an owner that does not exist any more is an error.
//
// GitHub: one request for each 100 repositories, and once one more if the owner is a person.
func (c *Client) Repositories(ctx context.Context, owner string) (*Listing, error) {
	if !CheckName(owner) {
		return nil, fmt.Errorf("%w: %q cannot be an owner's name", ErrRefused, owner)
	}
	key := "repositories of " + strings.ToLower(owner)
	var last savedListing
	known := c.t.cache.loadNote(key, &last)
	var saved savedListing
	var err error
	if c.opts.Offline {
		err = ErrOffline
	} else {
		saved, err = c.list(ctx, owner, last.Person)
	}
	if err != nil {
		err = fmt.Errorf("listing the repositories of %s:%s: %w", c.kind, owner, err)
		if !known || Final(err) || errors.Is(err, ErrRefused) || ctx.Err() != nil {
			return nil, err
		}
		l := last.listing(owner)
		if !c.opts.Offline {
			l.Stale = err
		}
		return l, nil
	}
	saved.Asked = c.opts.Clock.now().Unix()
	l := saved.listing(owner)
	before := map[int64]string{}
	for _, r := range last.Repositories {
		before[r.ID] = r.Name
	}
	for i := range l.Repositories {
		r := &l.Repositories[i]
		if old := before[r.ID]; old != "" && old != r.Name {
			r.Renamed = old
		}
		delete(before, r.ID)
	}
	for _, name := range before {
		l.Gone = append(l.Gone, name)
	}
	slices.Sort(l.Gone)
	return l, c.t.cache.saveNote(key, saved)
}

// savedListing is a whole list on disk.
type savedListing struct {
	Asked        int64        `json:"asked"`
	Person       bool         `json:"person"` // no organization
	Repositories []Repository `json:"repositories"`
}

func (s *savedListing) listing(owner string) *Listing {
	return &Listing{Owner: owner, Repositories: slices.Clone(s.Repositories), AsOf: time.Unix(s.Asked, 0).UTC()}
}

// list asks for all pages. That an owner is a person is remembered: the answer that says so is none that forges let us ask for conditionally.
func (c *Client) list(ctx context.Context, owner string, person bool) (savedListing, error) {
	s := savedListing{Person: person}
	pages := c.ownerPages(owner, s.Person)
	all, err := collect(ctx, pages)
	if errors.Is(err, ErrGone) {
		// An organization can become a person's account and the other way round.
		s.Person = !s.Person
		all, err = collect(ctx, c.ownerPages(owner, s.Person))
	}
	if err != nil {
		return s, err
	}
	seen := map[int64]bool{}
	for _, r := range all {
		if err := r.check(); err != nil {
			return s, err
		}
		// What is made while pages are read moves entries from one page to the next.
		if !seen[r.ID] {
			seen[r.ID] = true
			s.Repositories = append(s.Repositories, r)
		}
	}
	slices.SortFunc(s.Repositories, func(a, b Repository) int { return strings.Compare(a.Name, b.Name) })
	return s, nil
}

// check refuses what no forge would tell of a repository.
func (r *Repository) check() error {
	if !CheckName(r.Name) || !CheckName(r.Owner) {
		return fmt.Errorf("%w: a repository is called %.300q", ErrRefused, r.Owner+"/"+r.Name)
	}
	if len(r.CloneURL) > textBytes || len(r.DefaultBranch) > textBytes {
		return fmt.Errorf("%w: the address or the branch of %s/%s has more than %d bytes", ErrRefused, r.Owner, r.Name, textBytes)
	}
	return nil
}

// page is one page of a list; next is the number of the following one, 0 at the end.
type page[T any] struct {
	items []T
	next  int
	total int // of the whole list; -1 if the forge does not tell
}

// collect reads a list to its end.
func collect[T any](ctx context.Context, get func(ctx context.Context, number int) (page[T], error)) ([]T, error) {
	var all []T
	total := -1
	for number := 1; ; {
		p, err := get(ctx, number)
		if err != nil {
			if number > 1 {
				err = fmt.Errorf("page %d: %w", number, err)
			}
			return nil, err
		}
		all = append(all, p.items...)
		total = p.total
		if p.next == 0 {
			break
		}
		if p.next != number+1 {
			return nil, fmt.Errorf("%w: page %d is followed by page %d", ErrAnswer, number, p.next)
		}
		if number = p.next; number > maxPages {
			return nil, fmt.Errorf("%w: the list has more than %d pages", ErrAnswer, maxPages)
		}
	}
	if total > len(all) {
		return nil, fmt.Errorf("%w: the list should have %d entries, and only %d came", ErrAnswer, total, len(all))
	}
	return all, nil
}

// Repository asks for one repository. One that was renamed is followed, and says so.
func (c *Client) Repository(ctx context.Context, owner, name string) (*Repository, error) {
	if !CheckName(owner) || !CheckName(name) {
		return nil, fmt.Errorf("%w: %q cannot be a repository's name", ErrRefused, owner+"/"+name)
	}
	r, err := c.repository(ctx, owner, name)
	if err != nil {
		return nil, fmt.Errorf("asking for %s:%s/%s: %w", c.kind, owner, name, err)
	}
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("asking for %s:%s/%s: %w", c.kind, owner, name, err)
	}
	if !strings.EqualFold(r.Owner, owner) || !strings.EqualFold(r.Name, name) {
		r.Renamed = owner + "/" + name
	}
	return r, nil
}

// ownerPages reads pages of an owner's repositories.
func (c *Client) ownerPages(owner string, person bool) func(context.Context, int) (page[Repository], error) {
	if c.kind == GitHub {
		return c.githubOwner(owner, person)
	}
	return c.plainOwner(owner, person)
}

func (c *Client) repository(ctx context.Context, owner, name string) (*Repository, error) {
	if c.kind == GitHub {
		return c.githubRepository(ctx, owner, name)
	}
	return c.plainRepository(ctx, owner, name)
}
