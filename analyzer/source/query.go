package source

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"orrery/analyzer/source/forge"
)

// Queried is a first answer from forges' interfaces alone, without any git: see [Query] for what it is worth.
type Queried struct {
	Repositories []QueriedRepository `json:"repositories"` // by name, all of them
	Total        QueriedFigures      `json:"total"`        // contributors of several repositories count once
	Label        string              `json:"label"`        // what the figures are
	Warnings     []string            `json:"warnings"`
}

// QueriedRepository is a repository of a [Queried].
type QueriedRepository struct {
	Name string `json:"repository"` // FORGE:OWNER/NAME
	Fork bool   `json:"fork"`
	QueriedFigures
	Problem string `json:"problem,omitempty"` // why nothing is known of it: its figures are zero, and in no sum
}

// QueriedFigures are what forges count. Machines are outside of all but Machines.
type QueriedFigures struct {
	Contributors int `json:"contributors"`
	Anonymous    int `json:"anonymous"` // of these, those without an account
	Machines     int `json:"machines"`
	Commits      int `json:"commits"`
	// Half is the smallest number of contributors who made half of the commits: the contributor absence factor by the forge's own counts.
	Half int `json:"contributor_absence_factor"`
}

// QueryLabel says what the figures of [Query] are.
const QueryLabel = "as the forge counts: commits of default branches, of all time, by account; GitHub links only the first 500 addresses of a repository to " +
	"accounts and may be hours late, others link none; no lines, no organizations, no dates; not to be compared with figures from git"

// Query asks forges who contributed to the repositories that args name ("github:OWNER", "gitee:OWNER/REPO"), and fetches nothing: one request for
// each 100 repositories, and one for each 100 contributors of each. What one repository does not tell is its Problem and stops no other. A query that
// was killed, or that met a limit or a network that failed, is taken up by the same one within a day: what was answered is not asked for again.
func Query(ctx context.Context, args []string, opts Options) (*Queried, error) {
	owners, err := ForgeOwners(args)
	if err != nil {
		return nil, err
	}
	r, err := newResolver(opts)
	if err != nil {
		return nil, err
	}
	q := &Queried{Label: QueryLabel, Warnings: []string{}}
	people := map[string]forge.Contributor{}
	seen := map[string]bool{}
	var finish []func() error
	complete := true
	// What was not answered may be tomorrow: then the rest alone is asked for.
	failed := func(err error) {
		complete = complete && !errors.Is(err, forge.ErrLimited) && !errors.Is(err, forge.ErrUnreachable)
	}
	for _, o := range owners {
		c, err := r.client(o.Kind)
		if err != nil {
			return nil, err
		}
		work := "query of " + strings.ToLower(o.Owner+"/"+o.Name)
		asked := ctx
		if !r.opts.Offline {
			if asked, _, err = c.Resume(ctx, work); err != nil {
				return nil, err
			}
			finish = append(finish, func() error { return c.Finish(work) })
		}
		list, stale, err := r.queried(asked, c, o, q)
		failed(stale)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			failed(err)
			name := string(o.Kind) + ":" + o.Owner
			if o.Name != "" {
				name += "/" + o.Name
			}
			q.Repositories = append(q.Repositories, QueriedRepository{Name: name, Problem: redact(err.Error())})
			continue
		}
		for _, one := range list {
			name := fmt.Sprintf("%s:%s/%s", o.Kind, one.Owner, one.Name)
			if seen[name] {
				continue
			}
			seen[name] = true
			row := QueriedRepository{Name: name, Fork: one.Fork}
			contributors, err := c.Contributors(asked, one.Owner, one.Name)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if err != nil {
				failed(err)
				row.Problem = redact(err.Error())
			} else {
				row.QueriedFigures = queriedFigures(contributors)
				for _, k := range contributors {
					key := string(o.Kind) + k.Key
					if k.Anonymous {
						key = k.Key // the same name and address is the same person anywhere
					}
					sum := people[key]
					k.Commits += sum.Commits
					people[key] = k
				}
			}
			q.Repositories = append(q.Repositories, row)
		}
	}
	if complete {
		for _, f := range finish {
			if err := f(); err != nil {
				return nil, err
			}
		}
	}
	slices.SortStableFunc(q.Repositories, func(a, b QueriedRepository) int { return strings.Compare(a.Name, b.Name) })
	all := make([]forge.Contributor, 0, len(people))
	for _, k := range people {
		all = append(all, k)
	}
	q.Total = queriedFigures(all)
	return q, nil
}

// queried lists the repositories of an owner. stale says why it is an earlier list; nil if it is today's.
func (r *resolver) queried(ctx context.Context, c *forge.Client, o ForgeOwner, q *Queried) (list []forge.Repository, stale, err error) {
	if o.Name != "" {
		one, err := c.Repository(ctx, o.Owner, o.Name)
		if err != nil {
			return nil, nil, err
		}
		return []forge.Repository{*one}, nil, nil
	}
	l, err := c.Repositories(ctx, o.Owner)
	if err != nil {
		return nil, nil, err
	}
	if l.Stale != nil {
		q.Warnings = append(q.Warnings, redact(fmt.Sprintf("%s:%s: the list is that of %s, because %v", o.Kind, o.Owner, l.AsOf.Format("2006-01-02 15:04 MST"), l.Stale)))
	}
	if len(l.Repositories) == 0 {
		return nil, l.Stale, errors.New("no public repository")
	}
	if o := r.opts.Forges[o.Kind]; o.Talk != nil {
		o.Talk(fmt.Sprintf("%d repositories: %s or more", len(l.Repositories), c.Estimate(len(l.Repositories))))
	}
	return l.Repositories, l.Stale, nil
}

// queriedFigures counts people and their commits.
func queriedFigures(list []forge.Contributor) (f QueriedFigures) {
	var commits []int
	for _, k := range list {
		if k.Bot {
			f.Machines++
			continue
		}
		f.Contributors++
		if k.Anonymous {
			f.Anonymous++
		}
		f.Commits += k.Commits
		commits = append(commits, k.Commits)
	}
	slices.Sort(commits)
	for sum := 0; 2*sum < f.Commits; f.Half++ {
		sum += commits[len(commits)-1-f.Half]
	}
	return f
}
