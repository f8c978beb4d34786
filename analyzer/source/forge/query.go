package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"orrery/analyzer/facts"
)

// GitHub's GraphQL interface: a pull request with its reviews and its merger would cost two requests by REST, and 50 cost one query here, which
// counts as a point. Queries cannot be asked conditionally.

// queryPage is how many pull requests a query asks for; fewer where the server does not manage.
const queryPage = 50

const reviewFields = `pageInfo{hasNextPage endCursor} nodes{author{__typename login} state submittedAt}`

const pullsQuery = `query($owner:String!,$name:String!,$first:Int!,$after:String,$field:IssueOrderField!,$direction:OrderDirection!){` +
	`repository(owner:$owner,name:$name){pullRequests(first:$first,after:$after,orderBy:{field:$field,direction:$direction}){` +
	`totalCount pageInfo{hasNextPage endCursor} nodes{number state createdAt updatedAt mergedAt closedAt baseRefName mergeCommit{oid} ` +
	`author{__typename login} mergedBy{__typename login} reviews(first:100){` + reviewFields + `}}}}}`

const reviewsQuery = `query($owner:String!,$name:String!,$number:Int!,$after:String){repository(owner:$owner,name:$name){` +
	`pullRequest(number:$number){reviews(first:100,after:$after){` + reviewFields + `}}}}`

type queryPageInfo struct {
	HasNextPage bool
	EndCursor   string
}

type queryActor struct {
	Typename string `json:"__typename"`
	Login    string
}

func (a *queryActor) login() login {
	switch {
	case a == nil:
		return login{}
	case a.Typename == "Bot":
		return login{a.Login, facts.BotAccount}
	case a.Typename == "Organization":
		return login{a.Login, facts.OrganizationAccount}
	}
	return login{a.Login, facts.PersonAccount}
}

type queryReviews struct {
	PageInfo queryPageInfo
	Nodes    []struct {
		Author      *queryActor
		State       string
		SubmittedAt *time.Time
	}
}

func (q *queryReviews) reviews() (all []review) {
	for _, n := range q.Nodes {
		r := review{by: n.Author.login(), at: unix(n.SubmittedAt)}
		switch n.State {
		case "APPROVED":
			r.verdict = facts.Approved
		case "CHANGES_REQUESTED":
			r.verdict = facts.Rejected
		case "DISMISSED":
			r.verdict = facts.Dismissed
		case "PENDING": // only its author sees it
			continue
		default:
			r.verdict = facts.Commented
		}
		all = append(all, r)
	}
	return all
}

type queryPull struct {
	Number                                   int64
	State                                    string
	CreatedAt, UpdatedAt, MergedAt, ClosedAt *time.Time
	BaseRefName                              string
	MergeCommit                              *struct{ OID string }
	Author, MergedBy                         *queryActor
	Reviews                                  queryReviews
}

func unix(t *time.Time) int64 {
	if t == nil {
		return 0
	}
	return t.Unix()
}

func (q *queryPull) pull() (pull, error) {
	p := pull{
		number: q.Number, author: q.Author.login(), merger: q.MergedBy.login(), base: q.BaseRefName, created: unix(q.CreatedAt),
		updated: unix(q.UpdatedAt), merged: unix(q.MergedAt), closed: unix(q.ClosedAt), reviews: q.Reviews.reviews(),
	}
	if q.MergeCommit != nil {
		p.merge = q.MergeCommit.OID
	}
	switch q.State {
	case "MERGED":
		p.state = facts.PullMerged
	case "CLOSED":
		p.state = facts.PullClosed
	}
	return p, checkNumber(q.Number)
}

// queryPulls reads a repository's pull requests: all in the order of making, so that nothing moves to a page that was read; or the newest changes
// until what is known.
func (c *Client) queryPulls(ctx context.Context, owner string, a *asking, whole bool) ([]pull, error) {
	field, direction := "UPDATED_AT", "DESC"
	if whole {
		field, direction = "CREATED_AT", "ASC"
	}
	var all []pull
	seen, total := map[int64]bool{}, 0
	size, after := queryPage, ""
	for pages := 0; ; {
		variables := map[string]any{"owner": owner, "name": a.name, "first": size, "field": field, "direction": direction}
		if after != "" {
			variables["after"] = after
		}
		var data struct {
			Repository *struct {
				PullRequests struct {
					TotalCount int
					PageInfo   queryPageInfo
					Nodes      []queryPull
				}
			}
		}
		err := c.query(ctx, pullsQuery, variables, &data)
		if errors.Is(err, ErrAnswer) && size > 5 && ctx.Err() == nil {
			size /= 2 // too much for the server's ten seconds
			continue
		}
		if err == nil && data.Repository == nil {
			err = fmt.Errorf("%w: no repository, and no reason", ErrAnswer)
		}
		if err != nil {
			return nil, err
		}
		list := &data.Repository.PullRequests
		for i := range list.Nodes {
			p, err := list.Nodes[i].pull()
			if err == nil && list.Nodes[i].Reviews.PageInfo.HasNextPage {
				err = c.moreReviews(ctx, owner, a.name, &p, list.Nodes[i].Reviews.PageInfo.EndCursor)
			}
			if err != nil {
				return nil, err
			}
			all = append(all, p)
			seen[p.number] = true
		}
		if pages == 0 {
			total = list.TotalCount
		}
		n := len(all)
		if whole && !list.PageInfo.HasNextPage && len(seen) < total {
			return nil, fmt.Errorf("%w: there should be %d pull requests, and %d came", ErrAnswer, total, len(seen))
		}
		if !list.PageInfo.HasNextPage || !whole && n > 0 && all[n-1].updated < a.known.newest {
			return all, nil
		}
		if next := list.PageInfo.EndCursor; next == "" || next == after || len(list.Nodes) == 0 || pages >= maxPages {
			return nil, fmt.Errorf("%w: pages of pull requests lead in a circle", ErrAnswer)
		}
		after = list.PageInfo.EndCursor
		pages++
	}
}

// moreReviews reads the reviews of a pull request after the first hundred.
func (c *Client) moreReviews(ctx context.Context, owner, name string, p *pull, after string) error {
	for pages := 0; ; pages++ {
		var data struct {
			Repository *struct {
				PullRequest *struct{ Reviews queryReviews }
			}
		}
		err := c.query(ctx, reviewsQuery, map[string]any{"owner": owner, "name": name, "number": p.number, "after": after}, &data)
		if err == nil && (data.Repository == nil || data.Repository.PullRequest == nil) {
			err = fmt.Errorf("%w: no pull request, and no reason", ErrAnswer)
		}
		if err != nil {
			return err
		}
		list := &data.Repository.PullRequest.Reviews
		p.reviews = append(p.reviews, list.reviews()...)
		if !list.PageInfo.HasNextPage {
			return nil
		}
		if next := list.PageInfo.EndCursor; next == "" || next == after || pages >= maxPages {
			return fmt.Errorf("%w: pages of reviews lead in a circle", ErrAnswer)
		}
		after = list.PageInfo.EndCursor
	}
}

// query asks a question. An answer with an error in it is an error, whatever else it holds.
func (c *Client) query(ctx context.Context, text string, variables map[string]any, into any) error {
	path := "graphql"
	if c.base.Path == "/api/v3/" { // GitHub Enterprise Server
		path = "/api/graphql"
	}
	g := c.github()
	req, err := g.NewRequest(http.MethodPost, path, map[string]any{"query": text, "variables": variables})
	if err != nil {
		return err
	}
	answer := struct {
		Data   any
		Errors []queryError
	}{Data: into}
	if _, err := g.Do(ctx, req, &answer); err != nil {
		return plain(err)
	}
	if len(answer.Errors) == 0 {
		return nil
	}
	e := answer.Errors[0]
	kind := ErrAnswer
	switch e.Type {
	case "NOT_FOUND":
		kind = ErrGone
	case "FORBIDDEN", "INSUFFICIENT_SCOPES":
		kind = ErrDenied
	}
	return fmt.Errorf("%w%s", kind, sentence(e.Message))
}
