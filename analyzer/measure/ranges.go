package measure

import (
	"fmt"

	"orrery/analyzer/facts"
)

// Range is a window over commits, whatever their dates: those that can be reached from one revision and not from another, as git's
// FROM..TO.
type Range struct {
	Name string
	// Ends are parallel to Input.Repositories; nil for a repository that is outside of the range, with all its commits.
	Ends []*Ends
}

// Ends are what a range means in one repository.
type Ends struct {
	// To is among the repository's commits. From need not be.
	From, To facts.ID
	// Boundary are commits of the repository: what can be reached from them is what From reaches in it. Just From, if it is there.
	Boundary []facts.ID
}

// ranged is a range in one repository.
type ranged struct {
	// member is by commit; nil if the repository is outside.
	member  []membership
	commits int64 // in the range
	// lo and hi are the steps whose snapshots lie in the range, defined only where both ends stand on first parents, the older one first.
	lo, hi  int
	defined bool
}

// membership says from which ends a commit can be reached.
type membership uint8

const (
	fromTo   membership = 1
	fromFrom membership = 2

	inside = fromTo            // in the range
	shared = fromTo | fromFrom // among the ancestors of both ends
)

// resolveRanges finds the commits of every range in a repository.
func (m *measurement) resolveRanges(r *mined) error {
	r.ranges = make([]ranged, len(m.in.Ranges))
	wanted := map[facts.ID]uint32{}
	for _, in := range m.in.Ranges {
		if ends := in.Ends[r.position]; ends != nil {
			wanted[ends.From], wanted[ends.To] = facts.None, facts.None
			for _, id := range ends.Boundary {
				wanted[id] = facts.None
			}
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	for i := range r.Commits {
		if _, ok := wanted[r.Commits[i].ID]; ok {
			wanted[r.Commits[i].ID] = uint32(i)
		}
	}
	for k, in := range m.in.Ranges {
		ends := in.Ends[r.position]
		if ends == nil {
			continue
		}
		at := &r.ranges[k]
		at.member = make([]membership, len(r.Commits))
		for _, id := range append(ends.Boundary[:len(ends.Boundary):len(ends.Boundary)], ends.To) {
			if wanted[id] == facts.None {
				return fmt.Errorf("range %s: commit %s is not among those that were read", in.Name, id)
			}
		}
		r.reach(at.member, []uint32{wanted[ends.To]}, fromTo)
		var boundary []uint32
		for _, id := range ends.Boundary {
			boundary = append(boundary, wanted[id])
		}
		r.reach(at.member, boundary, fromFrom)
		for _, is := range at.member {
			if is == inside {
				at.commits++
			}
		}
		if from := wanted[ends.From]; from != facts.None {
			lo, hi := r.Commits[from].Step, r.Commits[wanted[ends.To]].Step
			if lo != facts.None && hi != facts.None && lo <= hi {
				at.lo, at.hi, at.defined = int(lo)+1, int(hi)+1, true
			}
		}
	}
	return nil
}

// reach marks some commits and all their ancestors.
func (r *mined) reach(member []membership, heads []uint32, with membership) {
	stack := heads
	for len(stack) > 0 {
		c := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if member[c]&with == 0 {
			member[c] |= with
			parents := r.Commits[c].Parents
			stack = append(stack, r.Parents[parents.Lo:parents.Hi]...)
		}
	}
}

// holds says whether a commit of the repository, dated when, is in a period.
func (r *mined) holds(p Period, row uint32, when int64) bool {
	if p.Kind != KindRange {
		return in(p, when)
	}
	member := r.ranges[p.Range].member
	return member != nil && member[row] == inside
}

// span gives the steps whose changes lie in a period; false if growth is not defined there.
func (r *mined) span(p Period) (lo, hi int, ok bool) {
	if p.Kind != KindRange {
		return r.step(p.From), r.step(p.To), true
	}
	at := &r.ranges[p.Range]
	return at.lo, at.hi, at.defined || at.member == nil
}
