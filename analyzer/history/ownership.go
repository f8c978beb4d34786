package history

import (
	"slices"

	"orrery/analyzer/facts"
	"orrery/analyzer/history/linediff"
)

// run is a stretch of lines that one commit wrote: from the end of the run before it to end, exclusive.
type run struct {
	end    uint32
	commit uint32 // None where what stood before could not be read
}

// ownership tells for each line of a version who wrote it, as `git blame` does without -M, -C and -w: a line that a parent has too, by the
// diff with that parent, is the parent's; parents are asked in the commit's order; what is left is the commit's own.
//
// A lineage is walked from old to new, so that every version finds its parents' answers ready. They are dropped with the last version that
// asks for them.
type ownership struct {
	runs  map[uint32][]run  // by version
	waits map[uint32]uint32 // by version: who will still ask
	hunks []linediff.Hunk
	lines []uint32 // owners line by line, for versions of several parents
	spare [][]run
}

func (o *ownership) begin() {
	if o.runs == nil {
		o.runs, o.waits = map[uint32][]run{}, map[uint32]uint32{}
	}
	clear(o.runs)
	clear(o.waits)
}

// dropIfDone forgets a version that nobody asks for.
func (o *ownership) dropIfDone(v uint32) {
	if o.waits[v] == 0 {
		o.waits[v] = 1
		o.release(v)
	}
}

// of gives the runs of a version, nil for what has no lines.
func (o *ownership) of(v uint32) []run { return o.runs[v] }

// release says that one of those who ask has asked.
func (o *ownership) release(v uint32) {
	o.waits[v]--
	if o.waits[v] == 0 {
		if r := o.runs[v]; r != nil && len(o.spare) < 64 {
			o.spare = append(o.spare, r[:0])
		}
		delete(o.runs, v)
		delete(o.waits, v)
	}
}

func (o *ownership) fresh() []run {
	if n := len(o.spare); n > 0 {
		r := o.spare[n-1]
		o.spare = o.spare[:n-1]
		return r
	}
	return nil
}

// push adds a run, or makes the last one longer.
func push(runs []run, end, commit uint32) []run {
	if n := len(runs); n > 0 {
		if runs[n-1].end == end {
			return runs
		}
		if runs[n-1].commit == commit {
			runs[n-1].end = end
			return runs
		}
	} else if end == 0 {
		return runs
	}
	return append(runs, run{end, commit})
}

// inherit gives the runs of a version of n lines from those of its only parent.
func inherit(dst, parent []run, hunks []linediff.Hunk, n, commit uint32) []run {
	at := 0        // run of parent
	a := uint32(0) // line of parent
	b := uint32(0)
	equal := func(to uint32) { // lines of the parent up to to are ours as well
		for a < to {
			for parent[at].end <= a {
				at++
			}
			end := min(parent[at].end, to)
			b += end - a
			a = end
			dst = push(dst, b, parent[at].commit)
		}
	}
	for _, h := range hunks {
		equal(h.A0)
		a, b = h.A1, h.B1
		dst = push(dst, b, commit)
	}
	last := uint32(0)
	if k := len(parent); k > 0 {
		last = parent[k-1].end
	}
	equal(last)
	if b != n {
		// Parent and version do not fit: a mistake of ours that must be loud.
		panic("ownership does not cover the file")
	}
	return dst
}

// claim fills what is unclaimed of owners with what a parent has too.
func claim(owners []uint32, parent []run, hunks []linediff.Hunk) {
	at := 0
	a, b := uint32(0), uint32(0)
	equal := func(to uint32) {
		for ; a < to; a, b = a+1, b+1 {
			for parent[at].end <= a {
				at++
			}
			if owners[b] == unclaimed {
				owners[b] = parent[at].commit
			}
		}
	}
	for _, h := range hunks {
		equal(h.A0)
		a, b = h.A1, h.B1
	}
	if k := len(parent); k > 0 {
		equal(parent[k-1].end)
	}
}

const unclaimed = facts.None - 1

func compress(dst []run, owners []uint32, commit uint32) []run {
	for i, c := range owners {
		if c == unclaimed {
			c = commit
		}
		dst = push(dst, uint32(i)+1, c)
	}
	return dst
}

// own finds the owners of a version, whose parents have theirs. text is the version's. Where rows want counts of one of the same comparisons,
// count is given them.
func (b *lineageReader) own(v uint32, t *text, count func(parent uint32, added, removed uint32)) {
	o := &b.owners
	version := &b.p.versions[v]
	parents := b.p.parentsOf(v)
	n := uint32(len(t.lines))
	defer func() {
		for _, q := range parents {
			if q != facts.None {
				o.release(q)
			}
		}
	}()
	if t.reason != facts.Measured || t.binary || version.typ == facts.Submodule {
		return
	}
	if version.silent {
		o.runs[v] = push(o.fresh(), n, facts.None)
		return
	}
	// What was a symbolic link or a submodule is another thing to git blame.
	known := slices.DeleteFunc(slices.Clone(parents), func(q uint32) bool { return q == facts.None || b.p.versions[q].typ != version.typ })
	for _, q := range known {
		if b.p.versions[q].blob == version.blob && covers(o.of(q), n) {
			o.runs[v] = append(o.fresh(), o.of(q)...)
			return
		}
	}
	if len(known) == 1 && len(parents) == 1 {
		q := known[0]
		x := b.text(q)
		switch {
		case x.reason != facts.Measured || !x.binary && !covers(o.of(q), uint32(len(x.lines))):
			o.runs[v] = push(o.fresh(), n, facts.None)
		case x.binary:
			o.runs[v] = push(o.fresh(), n, version.commit)
		default:
			var added, removed uint32
			o.hunks, added, removed = b.differ.Both(o.hunks[:0], x.lines, t.lines, &b.texts.info)
			count(q, added, removed)
			o.runs[v] = inherit(o.fresh(), o.of(q), o.hunks, n, version.commit)
		}
		return
	}
	if len(known) == 0 {
		o.runs[v] = push(o.fresh(), n, version.commit)
		return
	}
	o.lines = o.lines[:0]
	for range n {
		o.lines = append(o.lines, unclaimed)
	}
	rest := version.commit
	for _, q := range known {
		x := b.text(q)
		switch {
		case x.reason != facts.Measured || !x.binary && !covers(o.of(q), uint32(len(x.lines))):
			rest = facts.None // any of the lines may have been there
		case !x.binary:
			o.hunks = b.differ.Diff(o.hunks[:0], x.lines, t.lines, &b.texts.info, linediff.Blame)
			claim(o.lines, o.of(q), o.hunks)
		}
	}
	o.runs[v] = compress(o.fresh(), o.lines, rest)
}

// covers says whether runs are those of a file of n lines. A file that could not be read before, and now can, has others.
func covers(runs []run, n uint32) bool {
	if k := len(runs); k > 0 {
		return runs[k-1].end == n
	}
	return n == 0
}

// fold is one file's change by one step.
type foldJob struct {
	step, from, to uint32
}

func (f foldJob) when() uint32 {
	switch {
	case f.from == facts.None:
		return f.to
	case f.to == facts.None:
		return f.from
	}
	return max(f.from, f.to)
}

// survive counts the lines by owner on both sides and writes down what differs.
func (b *lineageReader) survive(f foldJob) {
	o := &b.owners
	add := func(v uint32, sign int32) {
		if v == facts.None {
			return
		}
		start := uint32(0)
		for _, r := range o.of(v) {
			at := r.commit
			if at == facts.None {
				at = uint32(len(b.balance) - 1)
			}
			if b.balance[at] == 0 {
				b.touched = append(b.touched, at)
			}
			b.balance[at] += sign * int32(r.end-start)
			start = r.end
		}
	}
	b.touched = b.touched[:0]
	add(f.to, 1)
	add(f.from, -1)
	path := func(v uint32) uint32 { return b.p.versions[v].path }
	// A rename moves all lines to another path.
	if f.from != facts.None && f.to != facts.None && path(f.from) != path(f.to) {
		for _, at := range b.touched {
			b.balance[at] = 0
		}
		b.survive(foldJob{f.step, f.from, facts.None})
		b.survive(foldJob{f.step, facts.None, f.to})
		return
	}
	at := f.to
	if at == facts.None {
		at = f.from
	}
	for _, owner := range b.touched {
		if lines := b.balance[owner]; lines != 0 {
			b.balance[owner] = 0
			if owner == uint32(len(b.balance)-1) {
				owner = facts.None
			}
			b.survival = append(b.survival, facts.Survival{Step: f.step, Path: path(at), Commit: owner, Lines: lines})
		}
	}
}

// parentsOf gives the versions that a version was made from, one for each parent of its commit, None where there was no such file.
func (p *plan) parentsOf(v uint32) []uint32 {
	end := uint32(len(p.parents))
	if int(v)+1 < len(p.versions) {
		end = p.versions[v+1].parents
	}
	return p.parents[p.versions[v].parents:end]
}
