package forge

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/google/go-github/v66/github"
)

// Contributor is somebody as the forge counts commits of the default branch.
type Contributor struct {
	// Key tells people apart: an account, or for those without one a name and an address, which is personal data.
	Key       string
	Anonymous bool // no account: GitHub links only the first 500 addresses of a repository to accounts
	Bot       bool
	Commits   int
}

// Contributors asks who contributed to a repository, and by how many commits, most first. An empty repository has none. The error wraps [ErrTooLarge]
// where GitHub refuses.
func (c *Client) Contributors(ctx context.Context, owner, name string) ([]Contributor, error) {
	if !CheckName(owner) || !CheckName(name) {
		return nil, fmt.Errorf("%w: %q cannot be a repository's name", ErrRefused, owner+"/"+name)
	}
	get := c.plainContributors(owner, name)
	if c.kind == GitHub {
		get = func(ctx context.Context, number int) (p page[Contributor], err error) {
			list, res, err := c.github().Repositories.ListContributors(ctx, owner, name, &github.ListContributorsOptions{
				Anon: "true", ListOptions: github.ListOptions{Page: number, PerPage: pageSize},
			})
			if err != nil {
				return p, plain(err)
			}
			for _, one := range list {
				k := Contributor{
					Key: "@" + strings.ToLower(one.GetLogin()), Commits: one.GetContributions(), Anonymous: one.GetLogin() == "",
					Bot: one.GetType() == "Bot" || strings.HasSuffix(one.GetLogin(), "[bot]"),
				}
				if k.Anonymous {
					k.Key = one.GetName() + " <" + strings.ToLower(one.GetEmail()) + ">"
				}
				p.items = append(p.items, k)
			}
			p.total = -1
			p.next, err = c.githubPage(res, number)
			return p, err
		}
	}
	all, err := collect(ctx, get)
	if err != nil {
		return nil, fmt.Errorf("asking %s for the contributors of %s/%s: %w", c.base.Host, owner, name, err)
	}
	// Who stands twice has both: several addresses, or a page that moved. Forges sort by commits.
	byKey := map[string]int{}
	var merged []Contributor
	for _, k := range all {
		if i, ok := byKey[k.Key]; ok {
			merged[i].Commits += k.Commits
			continue
		}
		byKey[k.Key] = len(merged)
		merged = append(merged, k)
	}
	slices.SortStableFunc(merged, func(a, b Contributor) int { return b.Commits - a.Commits })
	return merged, nil
}

func (c *Client) plainContributors(owner, name string) func(context.Context, int) (page[Contributor], error) {
	type contributor struct {
		Name, Email, Login string
		Contributions      number
	}
	var first contributor
	return func(ctx context.Context, number int) (p page[Contributor], err error) {
		raw, err := plainPage[contributor](ctx, c, "repos/"+url.PathEscape(owner)+"/"+url.PathEscape(name)+"/contributors", url.Values{}, number)
		if err != nil {
			return p, err
		}
		p.next, p.total = raw.next, raw.total
		if len(raw.items) > 0 {
			if number > 1 && raw.items[0] == first {
				return page[Contributor]{total: -1}, nil
			}
			first = raw.items[0]
		}
		for _, one := range raw.items {
			p.items = append(p.items, Contributor{Key: one.Name + " <" + strings.ToLower(one.Email) + ">", Anonymous: true, Commits: int(one.Contributions)})
		}
		return p, nil
	}
}
