package forge

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/google/go-github/v66/github"
)

// github gives the library's client, on our transport. It is made anew each time, because it keeps limits by a clock of its own.
func (c *Client) github() *github.Client {
	g := github.NewClient(c.http)
	g.BaseURL = c.base
	g.UserAgent = "orrery"
	return g
}

func (c *Client) githubPage(res *github.Response, number int) (next int, err error) {
	return c.t.nextPage(res.Header.Get("Link"), number)
}

func fromGitHub(r *github.Repository) Repository {
	return Repository{
		ID: r.GetID(), Owner: r.GetOwner().GetLogin(), Name: r.GetName(), CloneURL: r.GetCloneURL(), DefaultBranch: r.GetDefaultBranch(),
		Archived: r.GetArchived(), Fork: r.GetFork(), Private: r.GetPrivate(),
	}
}

// githubOwner reads pages in the order of making, so that a new repository comes last and moves none to a page that was read.
func (c *Client) githubOwner(owner string, person bool) func(context.Context, int) (page[Repository], error) {
	return func(ctx context.Context, number int) (p page[Repository], err error) {
		at := github.ListOptions{Page: number, PerPage: pageSize}
		var list []*github.Repository
		var res *github.Response
		if person {
			list, res, err = c.github().Repositories.ListByUser(ctx, owner,
				&github.RepositoryListByUserOptions{Type: "owner", Sort: "created", Direction: "asc", ListOptions: at})
		} else {
			list, res, err = c.github().Repositories.ListByOrg(ctx, owner,
				&github.RepositoryListByOrgOptions{Type: "public", Sort: "created", Direction: "asc", ListOptions: at})
		}
		if err != nil {
			return p, plain(err)
		}
		for _, r := range list {
			p.items = append(p.items, fromGitHub(r))
		}
		p.total = -1
		p.next, err = c.githubPage(res, number)
		return p, err
	}
}

func (c *Client) githubRepository(ctx context.Context, owner, name string) (*Repository, error) {
	r, _, err := c.github().Repositories.Get(ctx, owner, name)
	if err != nil {
		return nil, plain(err)
	}
	one := fromGitHub(r)
	return &one, nil
}

// tokenPoints is what making a token counts, of the points a minute: what writes counts for five.
const tokenPoints = 5

// installationToken gets a token for an installation of an App, past cache and limits: it is signed in otherwise, and never kept.
func (t *transport) installationToken(ctx context.Context, a *app) (string, time.Time, error) {
	if err := t.limits.wait(ctx, t, t.base.Path, tokenPoints); err != nil {
		return "", time.Time{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, t.opts.Idle)
	defer cancel()
	signed := &http.Client{
		Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
			if !t.own(req.URL) {
				return nil, fmt.Errorf("%w: %s is not the interface that is asked", ErrRefused, req.URL.Host)
			}
			jwt, err := a.jwt(t.serverNow())
			if err != nil {
				return nil, err
			}
			req = req.Clone(req.Context())
			req.Header.Set("Authorization", "Bearer "+jwt)
			t.counts.Asked++
			t.counts.Counted++
			res, err := t.network.RoundTrip(req)
			if err == nil {
				res.Body = bounded{io.LimitReader(res.Body, 1<<20), res.Body}
			}
			return res, err
		}),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	g := github.NewClient(signed)
	g.BaseURL = t.base
	g.UserAgent = "orrery"
	token, res, err := g.Apps.CreateInstallationToken(ctx, a.installation, nil)
	switch {
	case res != nil && (res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden || res.StatusCode == http.StatusNotFound):
		return "", time.Time{}, fmt.Errorf("%w (%d)", ErrDenied, res.StatusCode)
	case err != nil:
		return "", time.Time{}, plain(err)
	}
	return token.GetToken(), token.GetExpiresAt().Time, nil
}

type bounded struct {
	io.Reader
	io.Closer
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
