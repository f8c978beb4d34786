package store

import (
	"fmt"

	"orrery/analyzer/facts"
)

// check holds the numbers of rows against the tables that they point into: columns are written without what follows from others, and whoever
// reads them trusts that every number is one of a row.
func check(f *facts.Repository) error {
	if len(f.Contents) != len(f.Paths) {
		return fmt.Errorf("%d contents of %d paths", len(f.Contents), len(f.Paths))
	}
	commits, paths, steps := uint32(len(f.Commits)), uint32(len(f.Paths)), uint32(len(f.Steps))
	var parents, changes, trailers uint32
	for i := range f.Commits {
		c := &f.Commits[i]
		if !follows(c.Parents, &parents) || !follows(c.Changes, &changes) || !follows(c.Trailers, &trailers) {
			return fmt.Errorf("rows of the commit %d do not follow those of the one before", i)
		}
		if max(c.Author, c.Committer) >= uint32(len(f.Signatures)) || c.Step != facts.None && c.Step >= steps {
			return fmt.Errorf("the commit %d points to no row", i)
		}
	}
	if int(parents) != len(f.Parents) || int(changes) != len(f.Changes) || int(trailers) != len(f.Trailers) {
		return fmt.Errorf("commits have %d parents, %d changes, %d trailers, and there are %d, %d, %d",
			parents, changes, trailers, len(f.Parents), len(f.Changes), len(f.Trailers))
	}
	for i, p := range f.Parents {
		if p >= commits {
			return fmt.Errorf("the parent %d points to no row", i)
		}
	}
	for i := range f.Changes {
		if c := &f.Changes[i]; c.Commit >= commits || max(c.Path, c.Old) >= paths {
			return fmt.Errorf("the change %d points to no row", i)
		}
	}
	for i := range f.Steps {
		if f.Steps[i].Commit >= commits {
			return fmt.Errorf("the step %d points to no row", i)
		}
	}
	for i := range f.Survival {
		if s := &f.Survival[i]; s.Step >= steps || s.Path >= paths || s.Commit != facts.None && s.Commit >= commits {
			return fmt.Errorf("the survival %d points to no row", i)
		}
	}
	for i := range f.Documents {
		if d := &f.Documents[i]; d.Path >= paths || d.Step >= steps {
			return fmt.Errorf("the document %d points to no row", i)
		}
	}
	for i := range f.Skips {
		if s := &f.Skips[i]; s.Commit != facts.None && s.Commit >= commits || s.Path != facts.None && s.Path >= paths {
			return fmt.Errorf("the skip %d points to no row", i)
		}
	}
	if f.Plan == nil {
		return nil
	}
	return checkPlan(f)
}

func checkPlan(f *facts.Repository) error {
	p := f.Plan
	versions, parents := uint32(len(p.Versions)), uint32(0)
	known := func(v uint32) bool { return v == facts.None || v < versions }
	for i := range p.Versions {
		v := &p.Versions[i]
		if !follows(v.Parents, &parents) {
			return fmt.Errorf("rows of the version %d do not follow those of the one before", i)
		}
		if v.Commit >= uint32(len(f.Commits)) || v.Path >= uint32(len(f.Paths)) {
			return fmt.Errorf("the version %d points to no row", i)
		}
	}
	if int(parents) != len(p.Parents) || len(p.Ends) != len(f.Changes) {
		return fmt.Errorf("versions have %d parents and there are %d; of %d changes there are %d versions", parents, len(p.Parents), len(f.Changes), len(p.Ends))
	}
	for i, v := range p.Parents {
		if !known(v) {
			return fmt.Errorf("the version's parent %d points to no row", i)
		}
	}
	for i, e := range p.Ends {
		if !known(e.From) || !known(e.To) {
			return fmt.Errorf("the versions of the change %d point to no row", i)
		}
	}
	for i := range p.Events {
		if e := &p.Events[i]; !known(e.From) || !known(e.To) || e.Step >= uint32(len(f.Steps)) {
			return fmt.Errorf("the event %d points to no row", i)
		}
	}
	return nil
}

// follows says whether a span begins where the one before it ended.
func follows(s facts.Span, end *uint32) bool {
	ok := s.Lo == *end && s.Hi >= s.Lo
	*end = s.Hi
	return ok
}
