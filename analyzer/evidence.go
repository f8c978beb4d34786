package analyzer

import (
	"context"
	"fmt"

	"orrery/analyzer/facts"
	"orrery/analyzer/people"
	"orrery/analyzer/source"
)

// Explain reads what the sources name and resolves people, as [Run] does, for questions about single attributions. Without sources it knows
// the organizations files alone. Repositories that cannot be read are left out, and named.
func Explain(ctx context.Context, opts Options) (x *people.Explainer, unread []string, err error) {
	opts.complete()
	opts.lean = true
	ecosystem := &source.Ecosystem{}
	if len(opts.Sources) > 0 {
		if ecosystem, err = source.Resolve(ctx, opts.Sources, opts.Source); err != nil {
			return nil, nil, err
		}
	}
	read, err := readAll(ctx, ecosystem.Repositories, opts)
	if err != nil {
		return nil, nil, err
	}
	var histories []*facts.Repository
	for i := range ecosystem.Repositories {
		if err := read[i].err; err != nil {
			unread = append(unread, fmt.Sprintf("%s: %s", ecosystem.Repositories[i].Key, problem(&ecosystem.Repositories[i], err)))
		} else {
			histories = append(histories, read[i].facts)
		}
	}
	if len(opts.Sources) > 0 && len(histories) == 0 {
		return nil, nil, ErrNothing
	}
	options, err := resolving(ecosystem, opts)
	if err != nil {
		return nil, nil, err
	}
	resolution, err := people.Resolve(histories, options)
	if err != nil {
		return nil, nil, err
	}
	return &people.Explainer{Repositories: histories, Options: options, Resolution: resolution, Names: opts.Names}, unread, nil
}
