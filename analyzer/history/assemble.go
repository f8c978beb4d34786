package history

import (
	"cmp"
	"fmt"
	"slices"

	"orrery/analyzer/facts"
)

// assemble writes what was found as facts, and keeps the plan if that is asked for.
func assemble(r *Repository, w *walk, p *plan, m *measured, keep bool) *facts.Repository {
	out := &facts.Repository{
		Shallow:  len(r.shallow) > 0,
		Commits:  make([]facts.Commit, len(w.commits)),
		Paths:    p.paths,
		Changes:  make([]facts.Change, 0, len(p.rows)),
		Skips:    append(slices.Clone(w.skips), p.skips...),
		Notes:    r.Notes,
		Survival: m.survival,
	}
	if p.limited > 0 {
		out.Notes = append(slices.Clone(out.Notes),
			fmt.Sprintf("in %d commits with very many files only unchanged renames were looked for, as git does", p.limited))
	}
	parents, trailers := 0, 0
	for i := range w.commits {
		parents += len(w.commits[i].parents)
		trailers += len(w.commits[i].trailers)
	}
	out.Parents, out.Trailers = slices.Grow(out.Parents, parents), slices.Grow(out.Trailers, trailers)
	signatures := map[facts.Signature]uint32{}
	copies := map[*facts.Signature]uint32{} // of which each worker has made its own
	sign := func(s *facts.Signature) uint32 {
		i, ok := copies[s]
		if ok {
			return i
		}
		if i, ok = signatures[*s]; !ok {
			i = uint32(len(out.Signatures))
			out.Signatures = append(out.Signatures, *s)
			signatures[*s] = i
		}
		copies[s] = i
		return i
	}
	if keep {
		out.Plan = p.keep(r, m)
	}
	skipped := map[skipKey]int{}
	var byPath []uint32
	for i := range w.commits {
		c := &w.commits[i]
		f := &out.Commits[i]
		f.ID, f.Subject, f.Step = c.id, c.subject, facts.None
		f.Author, f.Committer = sign(c.author.Signature), sign(c.committer.Signature)
		f.Authored, f.Committed = c.author.when, c.committer.when
		f.Parents.Lo = uint32(len(out.Parents))
		out.Parents = append(out.Parents, c.parents...)
		f.Parents.Hi = uint32(len(out.Parents))
		f.Trailers.Lo = uint32(len(out.Trailers))
		out.Trailers = append(out.Trailers, c.trailers...)
		f.Trailers.Hi = uint32(len(out.Trailers))
		f.Changes.Lo = uint32(len(out.Changes))
		byPath = byPath[:0]
		for k := p.rowsAt[i]; k < p.rowsAt[i+1]; k++ {
			byPath = append(byPath, k)
		}
		slices.SortStableFunc(byPath, func(a, b uint32) int { return cmp.Compare(p.rowPath(a), p.rowPath(b)) })
		for _, k := range byPath {
			p.change(r, m, k, out, skipped)
			if out.Plan != nil {
				out.Plan.Ends = append(out.Plan.Ends, facts.Ends{From: p.rows[k].from, To: p.rows[k].to})
			}
		}
		f.Changes.Hi = uint32(len(out.Changes))
		changes := out.Changes[f.Changes.Lo:f.Changes.Hi]
		partial := p.partial[i]
		for k := range changes {
			partial = partial || changes[k].Skip != facts.Measured
		}
		out.Walk.Commits++
		switch {
		case len(c.commit.parents) > 1:
			out.Walk.Merges++
		case partial:
			out.Walk.Partial++
		default:
			out.Walk.Measured++
		}
	}
	// What no row shows, as a file that a merge made.
	for v, reason := range m.reason {
		if reason != facts.Measured {
			p.skip(r, uint32(v), reason, out, skipped)
		}
	}
	out.Walk.Missing = w.missing
	p.steps(w, m, out)
	p.contents(m, out)
	return out
}

type skipKey struct {
	blob   uint32
	reason facts.Reason
}

// skip finds or makes the entry that tells of an unreadable version.
func (p *plan) skip(r *Repository, version uint32, reason facts.Reason, out *facts.Repository, skipped map[skipKey]int) *facts.Skip {
	v := &p.versions[version]
	key := skipKey{v.blob, reason}
	at, ok := skipped[key]
	if !ok {
		at = len(out.Skips)
		skipped[key] = at
		out.Skips = append(out.Skips, facts.Skip{Reason: reason, Object: p.id(r, v), Commit: v.commit, Path: v.path})
	}
	return &out.Skips[at]
}

// change writes one row.
func (p *plan) change(r *Repository, m *measured, k uint32, out *facts.Repository, skipped map[skipKey]int) {
	row := p.rows[k]
	c := facts.Change{Commit: row.commit}
	measure := func(version uint32) (path, lines uint32) {
		v := &p.versions[version]
		c.Type, c.Binary = v.typ, c.Binary || m.binary[version]
		if reason := m.reason[version]; reason != facts.Measured {
			c.Skip = reason
			skip := p.skip(r, version, reason, out, skipped)
			if row.from == facts.None || row.to != version || p.versions[row.from].blob != v.blob {
				skip.Rows++
			}
		}
		return v.path, m.lines[version]
	}
	one := func(version uint32) uint32 { // git shows a submodule as one line
		if p.versions[version].typ == facts.Submodule {
			return 1
		}
		return m.lines[version]
	}
	switch {
	case row.from == facts.None:
		c.Kind = facts.Added
		c.Path, c.LinesAfter = measure(row.to)
		c.Old, c.Added = c.Path, one(row.to)
	case row.to == facts.None:
		c.Kind = facts.Deleted
		c.Path, c.LinesBefore = measure(row.from)
		c.Old, c.Removed = c.Path, one(row.from)
	default:
		if row.renamed {
			c.Kind = facts.Renamed
		}
		c.Old, c.LinesBefore = measure(row.from)
		c.Path, c.LinesAfter = measure(row.to)
		c.Added, c.Removed = m.rows[k].added, m.rows[k].removed
	}
	if c.Binary || c.Skip != facts.Measured {
		c.Added, c.Removed = 0, 0
	}
	out.Changes = append(out.Changes, c)
}

// steps folds the changes along first parents into snapshots.
func (p *plan) steps(w *walk, m *measured, out *facts.Repository) {
	out.Steps = make([]facts.Step, len(p.mainline))
	var s facts.Step
	for k, commit := range p.mainline {
		s.Commit, s.Added, s.Removed = commit, 0, 0
		if t := w.commits[commit].committer.when; t.Valid {
			s.Clock = max(s.Clock, t.Unix)
		}
		if e := p.events[p.eventsAt[k]:p.eventsAt[k+1]]; len(e) > 0 {
			for i := range e {
				p.fold(&s, m, e[i].from, e[i].to, m.events[int(p.eventsAt[k])+i])
			}
		} else if p.plainStep(commit) {
			for i := p.rowsAt[commit]; i < p.rowsAt[commit+1]; i++ {
				p.fold(&s, m, p.rows[i].from, p.rows[i].to, m.rows[i])
			}
		}
		out.Steps[k] = s
		out.Commits[commit].Step = uint32(k)
	}
}

// fold applies one change to a snapshot.
func (p *plan) fold(s *facts.Step, m *measured, from, to uint32, diff lineCount) {
	side := func(v uint32) (lines uint64, known, text bool) {
		if v == facts.None || p.versions[v].typ == facts.Submodule {
			return 0, true, false
		}
		return uint64(m.lines[v]), m.reason[v] == facts.Measured, !m.binary[v]
	}
	before, knownBefore, textBefore := side(from)
	after, knownAfter, textAfter := side(to)
	if textBefore && textAfter && knownBefore && knownAfter {
		s.Added += uint64(diff.added)
		s.Removed += uint64(diff.removed)
	} else {
		s.Added += after
		s.Removed += before
	}
	s.Lines = s.Lines + after - before
	count := func(v uint32, known bool, by uint64) {
		if v != facts.None && p.versions[v].typ != facts.Submodule {
			s.Files += by
			if !known {
				s.Unreadable += by
			}
		}
	}
	count(from, knownBefore, ^uint64(0))
	count(to, knownAfter, 1)
}
