package analyzer

import (
	"context"
	"errors"
	"fmt"

	"orrery/analyzer/facts"
	"orrery/analyzer/history"
	"orrery/analyzer/measure"
	"orrery/analyzer/source"
)

// findRanges finds the ends of ranges in a repository that was read. What keeps the repository out of a range is a note of the facts.
func findRanges(ctx context.Context, r *history.Repository, f *facts.Repository, ranges []string) ([]*measure.Ends, error) {
	if len(ranges) == 0 {
		return nil, nil
	}
	known := make(map[facts.ID]bool, len(f.Commits))
	for i := range f.Commits {
		known[f.Commits[i].ID] = true
	}
	all := make([]*measure.Ends, len(ranges))
	for i, text := range ranges {
		from, to, err := history.SplitRange(text)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", source.ErrUsage, err)
		}
		ends := &measure.Ends{}
		if ends.From, _, err = r.Resolve(from); err == nil {
			ends.To, _, err = r.Resolve(to)
		}
		switch {
		case errors.Is(err, history.ErrNoRevision):
			f.Notes = append(f.Notes, fmt.Sprintf("outside of range %s: it does not have both revisions", text))
			continue
		case err == nil && !known[ends.To]:
			f.Notes = append(f.Notes, fmt.Sprintf("outside of range %s: its end is not among the commits that were read from %s", text, f.Head))
			continue
		case err == nil:
			ends.Boundary, err = r.Boundary(ctx, ends.From, func(id facts.ID) bool { return known[id] })
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			return nil, fmt.Errorf("range %s: %w", text, err)
		}
		if f.Shallow && len(ends.Boundary) == 0 {
			f.Notes = append(f.Notes, fmt.Sprintf("range %s: nothing of its start is among the commits that were read", text))
		}
		all[i] = ends
	}
	return all, nil
}

// windowRanges turns the ends by repository into windows. A range that no repository has is a mistake.
func windowRanges(ranges []string, ends [][]*measure.Ends) ([]measure.Range, error) {
	var windows []measure.Range
	for i, text := range ranges {
		w := measure.Range{Name: text}
		found := false
		for _, e := range ends {
			w.Ends = append(w.Ends, e[i])
			found = found || e[i] != nil
		}
		if !found {
			return nil, fmt.Errorf("%w: range %s: no repository has both revisions with the end among the commits that were read; --rev reads another branch than the default one", source.ErrUsage, text)
		}
		windows = append(windows, w)
	}
	return windows, nil
}
