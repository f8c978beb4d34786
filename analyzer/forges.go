package analyzer

import (
	"context"
	"fmt"

	"orrery/analyzer/facts"
	"orrery/analyzer/source"
)

// forgesTold is what forges tell of an ecosystem.
type forgesTold struct {
	owners []*facts.Forge
	inPart bool // something that was asked for was not told
}

// forges asks the forges, if that is wanted, and gives what the state knows of them. What is not told is a warning of the ecosystem.
func forges(ctx context.Context, e *source.Ecosystem, opts *Options) (told forgesTold, err error) {
	if opts.State == nil {
		return told, nil
	}
	if opts.ForgeFacts {
		problems, err := source.ForgeFacts(ctx, e.Repositories, opts.Source, opts.State.Forge, opts.State.SaveForge)
		if err != nil {
			return told, err
		}
		for _, p := range problems {
			told.inPart = true
			e.Warnings = append(e.Warnings, fmt.Sprintf("pull requests and reviews are not told: %s", p))
		}
	}
	told.owners, err = opts.State.Forges()
	return told, err
}
