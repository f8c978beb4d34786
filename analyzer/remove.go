package analyzer

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"orrery/analyzer/control"
	"orrery/analyzer/facts"
	"orrery/analyzer/people"
	"orrery/analyzer/report"
	"orrery/analyzer/source"
)

// beside is how many organizations stand beside those that are asked for.
const beside = 5

// Remove tells what the sources' ecosystem is without some organizations from a moment on (Unix seconds; 0 is the newest committer date of a
// head). With a state, facts that are there are not read again, and without sources those of its last result are taken. Repositories that cannot be
// read are left out, and named.
func Remove(ctx context.Context, opts Options, organizations []string, from int64) (out *report.Removals, unread []string, err error) {
	opts.complete()
	if opts.State != nil && len(opts.Sources) == 0 {
		if err := opts.again(); err != nil {
			return nil, nil, err
		}
	}
	ecosystem, err := source.Resolve(ctx, opts.Sources, opts.Source)
	if err != nil {
		return nil, nil, err
	}
	if opts.State != nil {
		if err := opts.findStored(ecosystem); err != nil {
			return nil, nil, err
		}
	}
	read, err := readAll(ctx, ecosystem.Repositories, opts)
	if err != nil {
		return nil, nil, err
	}
	if opts.State != nil {
		noteOthers(ecosystem.Repositories, read, &opts)
		if err := keepUnread(ecosystem.Repositories, read, &opts); err != nil {
			return nil, nil, err
		}
		if err := load(ctx, ecosystem.Repositories, read, opts); err != nil {
			return nil, nil, err
		}
	}
	in := control.Input{}
	var histories []*facts.Repository
	var places []facts.Place
	for i := range ecosystem.Repositories {
		r := &ecosystem.Repositories[i]
		if err := read[i].err; err != nil {
			unread = append(unread, fmt.Sprintf("%s: %s", r.Key, problem(r, err)))
			continue
		}
		histories = append(histories, read[i].facts)
		in.Paths = append(in.Paths, classify(read[i].facts, r, ecosystem.Paths))
		in.Names = append(in.Names, r.OwnerAndName())
		places = append(places, r.Place())
	}
	if len(histories) == 0 {
		return nil, unread, ErrNothing
	}
	var told []*facts.Forge
	if opts.State != nil {
		if told, err = opts.State.Forges(); err != nil {
			return nil, nil, err
		}
	}
	book := control.Read(histories, teams(ecosystem))
	book.ReadForges(told, histories, places)
	resolution, err := resolve(histories, ecosystem, told, book.Mentions, opts)
	if err != nil {
		return nil, nil, err
	}
	in.Repositories, in.Resolution, in.At = histories, resolution, from
	if in.At == 0 {
		in.At = newest(histories)
	}
	exposure := book.Expose(in)
	index := func(name string) (int, error) {
		at := slices.IndexFunc(resolution.Organizations, func(o people.Organization) bool { return strings.EqualFold(o.Name, name) })
		if at < 0 {
			return 0, fmt.Errorf("organization %q: %w: it has no commit and no seat in what was read", name, people.ErrUnknown)
		}
		return at, nil
	}
	var asked []int
	for _, name := range organizations {
		i, err := index(name)
		if err != nil {
			return nil, nil, err
		}
		asked = append(asked, i)
	}
	return report.BuildRemovals(ecosystem.Name, exposure, asked, beside, resolution, keys(histories), len(histories), len(ecosystem.Repositories)), unread, nil
}
