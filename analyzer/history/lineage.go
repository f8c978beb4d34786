package history

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"orrery/analyzer/facts"
	"orrery/analyzer/history/linediff"
	"orrery/analyzer/history/odb"
)

// measured is what the files tell, beside the plan's columns.
type measured struct {
	lines  []uint32       // by version: text lines; 0 if binary, a submodule or unknown
	binary []bool         // by version
	reason []facts.Reason // by version
	rows   []lineCount    // by row
	events []lineCount    // by event
	// survival is by step, path and owner; only if ownership was asked for.
	survival []facts.Survival
	// head holds the owners of lines by version of the last snapshot; only if they were asked for.
	head map[uint32][]run
	// last and seen are by path: its youngest version, and what that tells.
	last []uint32
	seen []glimpse
}

// lineCount is lines added and removed between two versions. It says nothing where one of them is binary or unknown.
type lineCount struct{ added, removed uint32 }

// job is one comparison of two versions that both exist.
type job struct {
	from, to uint32
	out      *lineCount
}

// measure reads every lineage once; those that an earlier reading has measured, and that are as they were, not at all.
func (p *plan) measure(ctx context.Context, r *Repository, readers []*odb.Reader, opts Options, before *earlier) (*measured, error) {
	m := &measured{
		lines: make([]uint32, len(p.versions)), binary: make([]bool, len(p.versions)), reason: make([]facts.Reason, len(p.versions)),
		rows: make([]lineCount, len(p.rows)), events: make([]lineCount, len(p.events)),
		last: p.last(), seen: make([]glimpse, len(p.paths)),
	}
	lineages := p.lineages()
	for _, v := range opts.head {
		lineages.wanted[lineages.by[v]] = true
	}
	if before != nil {
		before.touched(p, lineages)
		before.recall(p, m, lineages)
	}
	all := opts.head == nil && before == nil
	opts.Progress.Versions.Store(int64(len(p.versions)))
	// What is put in order below takes one goroutine a while, each of its parts.
	contents := newBlobs(r.Objects.Len(), len(readers)*opts.Memory)
	var preparing errgroup.Group
	preparing.Go(func() error {
		return odb.Guard(func() error {
			p.expect(contents, readers[0], r.Objects, func(v uint32) bool { return all || lineages.wanted[lineages.by[v]] })
			return nil
		})
	})
	preparing.Go(func() error {
		p.arrange(lineages)
		return nil
	})
	jobs := make([][]job, len(lineages.of))
	add := func(from, to uint32, out *lineCount) {
		if from != facts.None && to != facts.None {
			l := lineages.by[to]
			if !all && !lineages.wanted[l] {
				return
			}
			jobs[l] = append(jobs[l], job{from, to, out})
		}
	}
	for i := range p.rows {
		add(p.rows[i].from, p.rows[i].to, &m.rows[i])
	}
	for i := range p.events {
		add(p.events[i].from, p.events[i].to, &m.events[i])
	}
	folds := make([][]foldJob, len(lineages.of))
	if opts.Ownership {
		p.folds(func(f foldJob) {
			l := lineages.by[f.when()]
			folds[l] = append(folds[l], f)
		})
	}
	for _, reader := range readers {
		reader.Forget() // trees; files are kept as lines
	}
	if err := preparing.Wait(); err != nil {
		return nil, err
	}
	until := make([]uint32, len(p.versions))
	workers := make([]*lineageReader, len(readers))
	shares := newShares(lineages.large, len(lineages.order), len(readers))
	g, ctx := errgroup.WithContext(ctx)
	for i, reader := range readers {
		b := &lineageReader{p: p, m: m, db: r.Objects, texts: newTexts(contents, reader, opts.Limits, opts.Memory/2), until: until}
		if b.owning = opts.owning(); b.owning {
			b.balance = make([]int32, len(p.rowsAt)) // one more than commits, for lines that nobody is known to have written
		}
		b.head = make(map[uint32][]run)
		for _, v := range opts.head {
			b.head[v] = nil
		}
		workers[i] = b
		g.Go(func() error {
			return odb.Guard(func() error {
				for {
					k, ok := shares.take(i)
					if !ok {
						return nil
					}
					l := lineages.order[k]
					if !all && !lineages.wanted[l] {
						continue
					}
					if err := b.read(ctx, lineages.of[l], jobs[l], folds[l]); err != nil {
						return err
					}
					opts.Progress.Files.Add(int64(len(lineages.of[l])))
				}
			})
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	m.head = make(map[uint32][]run)
	survival := [][]facts.Survival{m.survival}
	for _, b := range workers {
		survival = append(survival, b.survival)
		for v, runs := range b.head {
			if runs != nil {
				m.head[v] = runs
			}
		}
	}
	m.survival = sortSurvival(survival, len(p.mainline), len(readers))
	return m, nil
}

// sortSurvival orders by step, then path, then commit. Steps are many and each is small.
func sortSurvival(parts [][]facts.Survival, steps, workers int) []facts.Survival {
	at := make([]uint32, steps+1)
	n := 0
	for _, part := range parts {
		n += len(part)
		for i := range part {
			at[part[i].Step+1]++
		}
	}
	for i := range steps {
		at[i+1] += at[i]
	}
	out := make([]facts.Survival, n)
	next := slices.Clone(at)
	for _, part := range parts {
		for _, s := range part {
			out[next[s.Step]] = s
			next[s.Step]++
		}
	}
	var g errgroup.Group
	for k := range workers {
		g.Go(func() error {
			for i := steps * k / workers; i < steps*(k+1)/workers; i++ {
				slices.SortFunc(out[at[i]:at[i+1]], func(a, b facts.Survival) int {
					return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Commit, b.Commit))
				})
			}
			return nil
		})
	}
	_ = g.Wait()
	return out
}

// folds gives the changes of the snapshot along first parents.
func (p *plan) folds(each func(foldJob)) {
	for k, commit := range p.mainline {
		if events := p.events[p.eventsAt[k]:p.eventsAt[k+1]]; len(events) > 0 {
			for _, e := range events {
				each(foldJob{uint32(k), e.from, e.to})
			}
		} else if p.plainStep(commit) {
			for _, r := range p.rows[p.rowsAt[commit]:p.rowsAt[commit+1]] {
				each(foldJob{uint32(k), r.from, r.to})
			}
		}
	}
}

// lineageReader measures one lineage at a time. One for each worker.
type lineageReader struct {
	p      *plan
	m      *measured
	db     *odb.Database
	texts  *texts
	differ linediff.Differ

	owning   bool
	owners   ownership
	balance  []int32  // by commit: lines; zero between uses
	touched  []uint32 // commits with an entry in balance
	survival []facts.Survival
	head     map[uint32][]run // what is asked for; nil until it is known
	latest   *text            // the last text of the lineage

	until []uint32 // by version, of the lineage that is read: the last one with which it is compared; None once that is over
	over  []uint32 // versions that were compared for the last time
}

func (b *lineageReader) read(ctx context.Context, versions []uint32, jobs []job, folds []foldJob) error {
	b.texts.settle()
	b.latest = nil
	for _, v := range versions {
		b.until[v] = v
		for _, q := range b.p.parentsOf(v) {
			if q != facts.None {
				b.until[q] = v
			}
		}
	}
	for _, j := range jobs {
		b.until[j.from] = max(b.until[j.from], j.to)
	}
	// Jobs in the order of versions: what is compared next has just been read.
	slices.SortStableFunc(jobs, func(x, y job) int { return cmp.Compare(x.to, y.to) })
	slices.SortStableFunc(folds, func(x, y foldJob) int { return cmp.Compare(x.when(), y.when()) })
	if b.owning {
		b.owners.begin()
		wait := func(v uint32) {
			if v != facts.None {
				b.owners.waits[v]++
			}
		}
		for _, v := range versions {
			for _, q := range b.p.parentsOf(v) {
				wait(q)
			}
		}
		for _, f := range folds {
			wait(f.from)
			wait(f.to)
		}
	}
	for i, v := range versions {
		if i%256 == 255 && ctx.Err() != nil {
			return ctx.Err()
		}
		if b.latest != nil && b.latest.gone {
			b.latest = nil
		}
		b.texts.rest()
		t := b.text(v)
		t.uses++
		b.m.reason[v] = t.reason
		b.m.binary[v] = t.binary
		if !t.binary && b.p.versions[v].typ != facts.Submodule {
			b.m.lines[v] = uint32(len(t.lines))
		}
		if b.m.last[b.p.versions[v].path] == v {
			b.look(v, t)
		}
		n := 0
		for n < len(jobs) && jobs[n].to == v {
			n++
		}
		batch := jobs[:n]
		jobs = jobs[n:]
		if b.owning {
			b.own(v, t, func(parent, added, removed uint32) {
				for k := range batch {
					if batch[k].from == parent {
						*batch[k].out = lineCount{added, removed}
						batch[k].out = nil
					}
				}
			})
			if _, ok := b.head[v]; ok {
				b.head[v] = slices.Clone(b.owners.of(v))
			}
			for len(folds) > 0 && folds[0].when() == v {
				b.survive(folds[0])
				for _, side := range []uint32{folds[0].from, folds[0].to} {
					if side != facts.None {
						b.owners.release(side)
					}
				}
				folds = folds[1:]
			}
			b.owners.dropIfDone(v)
		}
		for _, j := range batch {
			if j.out != nil {
				b.compare(j)
			}
		}
		b.finish(v, batch)
	}
	b.leave()
	return nil
}

// finish lets go of the versions that were compared for the last time with the one before, and notes those of this one: until the next is
// read, its text may be the one that resembles it most.
func (b *lineageReader) finish(v uint32, batch []job) {
	b.leave()
	end := func(q uint32) {
		if q != facts.None && b.until[q] == v {
			b.until[q] = facts.None
			b.over = append(b.over, q)
		}
	}
	for _, q := range b.p.parentsOf(v) {
		end(q)
	}
	for _, j := range batch {
		end(j.from)
	}
	end(v)
}

func (b *lineageReader) leave() {
	for _, q := range b.over {
		if n, ok := b.p.object(q, b.db); ok {
			b.texts.done(n)
		}
	}
	b.over = b.over[:0]
}

// object gives the number of a version's content; none for a submodule, and for what is missing.
func (p *plan) object(v uint32, db *odb.Database) (odb.Number, bool) {
	version := &p.versions[v]
	return odb.Number(version.blob), version.typ != facts.Submodule && int(version.blob) < db.Len()
}

func (b *lineageReader) compare(j job) {
	from, to := &b.p.versions[j.from], &b.p.versions[j.to]
	if from.blob == to.blob {
		return
	}
	x, y := b.text(j.from), b.text(j.to)
	if x.reason != facts.Measured || y.reason != facts.Measured || x.binary || y.binary {
		return
	}
	j.out.added, j.out.removed = b.differ.Count(x.lines, y.lines)
}

// text gives the lines of a version. A submodule is one line, as git shows it.
func (b *lineageReader) text(v uint32) *text {
	version := &b.p.versions[v]
	if version.typ == facts.Submodule {
		line := b.texts.number([]byte("Subproject commit " + b.p.lost[int(version.blob)-b.db.Len()].String() + "\n"))
		return &text{blob: &blob{}, lines: []uint32{line}}
	}
	n, ok := b.p.object(v, b.db)
	if !ok {
		return &text{blob: &blob{reason: facts.Missing}}
	}
	if t := b.texts.of[n]; t != nil && t.split {
		b.texts.lend(t)
		return t
	}
	t := b.texts.text(n, b.like(v))
	if t.split {
		b.latest = t
	}
	return t
}

// like gives a text that a version's is likely to resemble: a parent's, else the last that was read.
func (b *lineageReader) like(v uint32) *text {
	for _, q := range b.p.parentsOf(v) {
		if q == facts.None {
			continue
		}
		if n, ok := b.p.object(q, b.db); ok {
			if t := b.texts.of[n]; t != nil && t.split {
				return t
			}
		}
	}
	return b.latest
}

// shares deals out n pieces of work. The first, which are large, go to whoever asks. Of the rest each worker has a stretch, since what stands
// side by side is stored together, and who is done takes half of what another has left.
type shares struct {
	mu         sync.Mutex
	next, upTo int // of the large ones
	left       [][2]int
}

func newShares(large, n, workers int) *shares {
	s := &shares{upTo: large, left: make([][2]int, workers)}
	for i := range s.left {
		s.left[i] = [2]int{large + (n-large)*i/workers, large + (n-large)*(i+1)/workers}
	}
	return s
}

func (s *shares) take(worker int) (k int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next < s.upTo {
		s.next++
		return s.next - 1, true
	}
	own := &s.left[worker]
	if own[0] == own[1] {
		most := own
		for i := range s.left {
			if of := &s.left[i]; of[1]-of[0] > most[1]-most[0] {
				most = of
			}
		}
		if most == own {
			return 0, false
		}
		middle := (most[0] + most[1]) / 2
		own[0], own[1] = middle, most[1]
		most[1] = middle
	}
	own[0]++
	return own[0] - 1, true
}

// lineages are the sets of versions that hang together.
type lineages struct {
	by    []uint32   // by version: its lineage
	of    [][]uint32 // by lineage: its versions, ascending
	order []uint32   // lineages as they are read
	large int        // how many of these stand first because they are large
	// wanted marks lineages that alone are to be read.
	wanted []bool
}

func (p *plan) lineages() *lineages {
	up := make([]uint32, len(p.versions))
	for i := range up {
		up[i] = uint32(i)
	}
	find := func(v uint32) uint32 {
		for up[v] != v {
			up[v] = up[up[v]]
			v = up[v]
		}
		return v
	}
	join := func(a, b uint32) {
		if a == facts.None || b == facts.None {
			return
		}
		// The older version stands for the lineage.
		if a, b = find(a), find(b); a < b {
			up[b] = a
		} else {
			up[a] = b
		}
	}
	for i := range uint32(len(p.versions)) {
		for _, q := range p.parentsOf(i) {
			join(i, q)
		}
	}
	for _, r := range p.rows {
		join(r.from, r.to)
	}
	for _, e := range p.events {
		join(e.from, e.to)
	}
	l := &lineages{by: up}
	sizes := []uint32{}
	for v := range up {
		if root := up[v]; root == uint32(v) {
			l.by[v] = uint32(len(sizes))
			sizes = append(sizes, 1)
		} else {
			// An older version always, so it already holds its lineage's number.
			l.by[v] = l.by[root]
			sizes[l.by[v]]++
		}
	}
	all := make([]uint32, len(up))
	l.of = make([][]uint32, len(sizes))
	l.wanted = make([]bool, len(sizes))
	for i, n := range sizes {
		l.of[i], all = all[:0:n], all[n:]
	}
	for v := range up {
		l.of[l.by[v]] = append(l.of[l.by[v]], uint32(v))
	}
	return l
}

// expect tells of every content how often it will be wanted.
func (p *plan) expect(contents *blobs, reader *odb.Reader, db *odb.Database, wanted func(v uint32) bool) {
	base := func(n odb.Number) odb.Number {
		e, err := reader.Entry(n)
		if err != nil {
			return odb.None // which whoever reads it finds out
		}
		return e.Base
	}
	for v := range uint32(len(p.versions)) {
		if n, ok := p.object(v, db); ok && wanted(v) {
			contents.expect(n, base)
		}
	}
}

// arrange orders lineages for reading: large ones first, so that no worker is left with one at the end, then those whose names end alike, since
// git stores these together and as differences to each other.
func (p *plan) arrange(l *lineages) {
	l.order = make([]uint32, len(l.of))
	for i := range l.order {
		l.order[i] = uint32(i)
	}
	large := len(p.versions)/64 + 1
	for _, of := range l.of {
		if len(of) > large {
			l.large++
		}
	}
	base := func(i uint32) string {
		path := p.paths[p.versions[l.of[i][0]].path]
		return path[strings.LastIndexByte(path, '/')+1:]
	}
	slices.SortFunc(l.order, func(a, b uint32) int {
		if x, y := len(l.of[a]) > large, len(l.of[b]) > large; x != y {
			if x {
				return -1
			}
			return 1
		}
		if len(l.of[a]) > large {
			return cmp.Or(cmp.Compare(len(l.of[b]), len(l.of[a])), cmp.Compare(a, b))
		}
		return cmp.Or(cmp.Compare(base(a), base(b)), cmp.Compare(a, b))
	})
}
