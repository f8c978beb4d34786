package store

import (
	"fmt"

	"orrery/analyzer/facts"
)

// Laws tells of every sum within the facts of a repository that does not come out. What holds among repositories is for the measures to check.
func Laws(f *facts.Repository, broken func(error)) {
	w := f.Walk
	if w.Commits != len(f.Commits) || w.Commits != w.Merges+w.Measured+w.Partial {
		broken(fmt.Errorf("commits: %d rows, %d walked = %d merges + %d measured + %d in part", len(f.Commits), w.Commits, w.Merges, w.Measured, w.Partial))
	}
	merges := 0
	for i := range f.Commits {
		c := &f.Commits[i]
		if c.IsMerge() {
			merges++
			if c.Changes.Len() > 0 {
				broken(fmt.Errorf("the merge %s has changes", c.ID))
			}
		}
		for _, p := range f.Parents[c.Parents.Lo:c.Parents.Hi] {
			if p >= uint32(i) {
				broken(fmt.Errorf("the commit %s stands before its parent", c.ID))
			}
		}
	}
	if merges != w.Merges {
		broken(fmt.Errorf("commits: %d merges among them, %d walked", merges, w.Merges))
	}
	lives, balance := make([]int64, len(f.Steps)), int64(0)
	for i := range f.Survival {
		lives[f.Survival[i].Step] += int64(f.Survival[i].Lines)
	}
	for i := range f.Steps {
		s := &f.Steps[i]
		balance += int64(s.Added) - int64(s.Removed)
		if balance != int64(s.Lines) {
			broken(fmt.Errorf("the snapshot of %s has %d lines, its steps added up %d", f.Commits[s.Commit].ID, s.Lines, balance))
		}
		if lives[i] != int64(s.Added)-int64(s.Removed) {
			broken(fmt.Errorf("at %s %d lines were added and %d removed, but those that survive changed by %d", f.Commits[s.Commit].ID, s.Added, s.Removed, lives[i]))
		}
	}
}
