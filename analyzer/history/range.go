package history

import (
	"context"
	"fmt"
	"strings"

	"orrery/analyzer/facts"
	"orrery/analyzer/history/odb"
)

// SplitRange splits FROM..TO into its revisions; one that is left out is HEAD, as in git. The symmetric difference FROM...TO is refused.
func SplitRange(text string) (from, to string, err error) {
	from, to, ok := strings.Cut(text, "..")
	if !ok || strings.HasPrefix(to, ".") || strings.Contains(to, "..") || from == "" && to == "" {
		return "", "", fmt.Errorf("range %q: must be like v1.0..v1.1", text)
	}
	return from, to, nil
}

// Boundary gives the commits that known holds and that can be reached from a commit through others that it does not hold: from itself if
// known holds it. Leaving out what these reach leaves out what from reaches.
func (r *Repository) Boundary(ctx context.Context, from facts.ID, known func(facts.ID) bool) (boundary []facts.ID, err error) {
	err = odb.Guard(func() error {
		reader := odb.NewReader(r.Objects, odb.DefaultLimits)
		met := map[facts.ID]bool{from: true}
		for stack := []facts.ID{from}; len(stack) > 0; {
			id := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if known(id) {
				boundary = append(boundary, id)
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			c, err := readCommit(reader, r.Objects, id)
			if err != nil {
				return err
			}
			if r.shallow[id] {
				continue
			}
			for _, p := range c.parents {
				if !met[p] {
					met[p] = true
					stack = append(stack, p)
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("walking from %s in %s: %w", from, r.path, err)
	}
	return boundary, nil
}
