package history

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"orrery/analyzer/facts"
	"orrery/analyzer/history/odb"
)

// A later reading builds on an earlier one: what it gives is the same as if everything had been read, and what it costs goes with the files
// that the new commits touch. In short:
//
//	commits   those that are known come from the facts
//	plan      trees of new commits only. They are compared with trees of old ones, and which versions stand in these is found by following
//	          the steps along first parents. Old commits beside that line, from which new ones go out, are planned once more.
//	numbers   commits, versions and paths get the numbers that they would have had
//	files     lineages with a new version or a new change are read, from their beginning; all others are as they were
//
// Whatever does not fit (history was rewritten, a tree is broken, the line of first parents runs elsewhere) is a reason to read everything.

// earlier is how an earlier reading lies in the present one.
type earlier struct {
	f       *facts.Repository
	commit  []uint32 // by commit then: its row now
	path    []uint32 // by path then: its number now
	version []uint32 // by version now: its number then, None if it is new
}

// extend reads what is new. It gives nil where everything must be read.
func extend(ctx context.Context, r *Repository, head facts.ID, readers []*odb.Reader, opts Options) (*facts.Repository, error) {
	f := opts.Previous
	if f == nil {
		return nil, nil
	}
	why := unfit(f, r)
	if why == "" {
		out, reason, err := extendFit(ctx, r, head, readers, opts)
		if out != nil || err != nil {
			return out, err
		}
		why = reason
	}
	opts.Progress.Anew.Store(why)
	return nil, nil
}

// unfit says why nothing can be built on facts; "" if it can.
func unfit(f *facts.Repository, r *Repository) string {
	switch {
	case f.Plan == nil || len(f.Plan.Ends) != len(f.Changes):
		return "how versions hang together was not kept"
	case f.Shallow || len(r.shallow) > 0 || f.Walk.Missing > 0:
		return "history is incomplete"
	}
	for i := range f.Skips {
		if f.Skips[i].Path == facts.None {
			return "a commit or a tree could not be read"
		}
	}
	for i := range f.Plan.Versions {
		if f.Plan.Versions[i].Silent {
			return "a tree could not be read"
		}
	}
	return ""
}

func extendFit(
	ctx context.Context, r *Repository, head facts.ID, readers []*odb.Reader, opts Options,
) (out *facts.Repository, reason string, err error) {
	f := opts.Previous
	rowThen := make(map[facts.ID]uint32, len(f.Commits))
	for i := range f.Commits {
		rowThen[f.Commits[i].ID] = uint32(i)
	}
	w, err := readCommits(ctx, r, head, readers, func(id facts.ID) *commit {
		if i, ok := rowThen[id]; ok {
			return recall(f, i, r)
		}
		return nil
	})
	if err != nil {
		return nil, "", fmt.Errorf("walking %s: %w", r.path, err)
	}
	before := &earlier{f: f, commit: make([]uint32, len(f.Commits))}
	found := 0
	old := make([]bool, len(w.commits))
	then := make([]uint32, len(w.commits))
	for i := range w.commits {
		if row, ok := rowThen[w.commits[i].id]; ok {
			old[i], then[i] = true, row
			before.commit[row] = uint32(i)
			found++
		}
	}
	switch {
	case w.missing > 0:
		return nil, "a commit is missing", nil
	case found < len(f.Commits):
		return nil, "history was rewritten", nil
	}
	opts.Progress.Total.Store(int64(len(w.commits) - found))
	p, err := newPlanner(r, w)
	if err != nil {
		return nil, "", err
	}
	if len(p.mainline) < len(f.Steps) {
		return nil, "the line of first parents is another one", nil
	}
	for k := range f.Steps {
		if p.mainline[k] != before.commit[f.Steps[k].Commit] {
			return nil, "the line of first parents is another one", nil
		}
	}
	p.old = old
	p.recall(r, before)
	todo, bounds := p.unplanned(old)
	p.again = map[uint32]uint32{}
	for _, i := range todo {
		if old[i] {
			p.again[i] = firstVersion(f.Plan, then[i])
		}
	}
	// Trees of old commits are needed again where new ones are compared with them.
	for _, i := range append(slices.Clone(bounds), todo...) {
		if !old[i] {
			continue
		}
		c, err := readCommit(readers[0], r.Objects, w.commits[i].id)
		readers[0].Release()
		if err != nil {
			return nil, "a commit cannot be read any more", nil //nolint:nilerr // whoever reads everything tells
		}
		w.commits[i].commit.tree, w.commits[i].tree = c.tree, c.treeAt
	}
	if reason := p.recallTrees(r.Objects, readers[0], before, bounds); reason != "" {
		return nil, reason, nil
	}
	if err := p.run(ctx, r, readers, todo, nil, &opts.Progress.Commits); err != nil {
		return nil, "", fmt.Errorf("comparing the trees of %s: %w", r.path, err)
	}
	if p.wrong {
		return nil, "what is known does not fit the trees", nil
	}
	if len(p.bad) > 0 || slices.Contains(p.partial, true) {
		return nil, "a tree cannot be read", nil
	}
	if n := len(p.mainline); n > len(f.Steps) {
		p.head = p.roots[p.mainline[n-1]].all(nil)
	}
	p.eventsAt = append(p.eventsAt, uint32(len(p.events)))
	p.renumber(before)
	out, err = p.finish(ctx, r, w, readers, opts, before)
	return out, "", err
}

// recall gives a commit as it was read, without its tree.
func recall(f *facts.Repository, row uint32, r *Repository) *commit {
	c := &f.Commits[row]
	out := &commit{
		subject: c.Subject, trailers: f.Trailers[c.Trailers.Lo:c.Trailers.Hi], treeAt: odb.None,
		author:    ident{&f.Signatures[c.Author], c.Authored},
		committer: ident{&f.Signatures[c.Committer], c.Committed},
	}
	for _, q := range f.Parents[c.Parents.Lo:c.Parents.Hi] {
		id := f.Commits[q].ID
		n, ok := r.Objects.Lookup(id)
		if !ok {
			n = odb.None
		}
		out.parents, out.parentsAt = append(out.parents, id), append(out.parentsAt, n)
	}
	return out
}

func firstVersion(plan *facts.Plan, commit uint32) uint32 {
	at, _ := slices.BinarySearchFunc(plan.Versions, commit, func(v facts.Version, c uint32) int { return cmp.Compare(v.Commit, c) })
	return uint32(at)
}

// recall takes over versions, rows and events, with the numbers of versions and paths that they had.
func (p *planner) recall(r *Repository, before *earlier) {
	f := before.f
	p.paths = slices.Clone(f.Paths)
	for i, path := range p.paths {
		slash := strings.LastIndexByte(path, '/') + 1
		p.pathOf[pathKey{p.folderOfPath(path[:slash]), path[slash:]}] = uint32(i)
	}
	p.parents = slices.Clone(f.Plan.Parents)
	p.versions = make([]version, len(f.Plan.Versions))
	for i := range f.Plan.Versions {
		v := &f.Plan.Versions[i]
		blob, ok := r.Objects.Lookup(v.Blob)
		number := uint32(blob)
		if !ok || v.Type == facts.Submodule {
			number = p.lostNumber(v.Blob)
		}
		p.versions[i] = version{before.commit[v.Commit], v.Path, number, v.Parents.Lo, v.Type, v.Executable, false}
	}
	p.rows = make([]row, len(f.Changes))
	for i, e := range f.Plan.Ends {
		p.rows[i] = row{before.commit[f.Changes[i].Commit], e.From, e.To, f.Changes[i].Kind == facts.Renamed, uint32(i)}
	}
	at := 0
	for step := range f.Steps {
		p.eventsAt = append(p.eventsAt, uint32(at))
		for at < len(f.Plan.Events) && f.Plan.Events[at].Step == uint32(step) {
			p.events = append(p.events, event{f.Plan.Events[at].From, f.Plan.Events[at].To})
			at++
		}
	}
	for i, c := range p.w.commits {
		p.plainAt[i] = p.old[i] && len(c.parents) <= 1
	}
	p.limited = f.Plan.Limited
}

// folderOfPath gives the number of a folder by its path, which ends in a slash but for the root's.
func (p *planner) folderOfPath(path string) uint32 {
	if path == "" {
		return 0
	}
	slash := strings.LastIndexByte(path[:len(path)-1], '/') + 1
	return p.folderPath(p.folderOfPath(path[:slash]), []byte(path[slash:len(path)-1]))
}

// unplanned gives the commits that have to be planned, in order, and those along first parents that they are compared with. What lies
// beside the line of first parents is planned again if something new goes out from it: only along that line it is known what stood where.
func (p *planner) unplanned(old []bool) (todo, bounds []uint32) {
	main := make([]bool, len(old))
	for k := range p.mainline[:len(p.eventsAt)] {
		main[p.mainline[k]] = true
	}
	plan, bound := make([]bool, len(old)), make([]bool, len(old))
	for i := len(old) - 1; i >= 0; i-- { // children before parents
		if !plan[i] && old[i] {
			continue
		}
		plan[i] = true
		for _, q := range p.w.commits[i].parents {
			if main[q] {
				bound[q] = true
			} else {
				plan[q] = true
			}
		}
	}
	for i := range old {
		if plan[i] {
			todo = append(todo, uint32(i))
		} else if bound[i] {
			bounds = append(bounds, uint32(i))
		}
	}
	return todo, bounds
}

// recallTrees finds the versions that stand in the trees of commits along first parents, and holds them against these trees.
func (p *planner) recallTrees(db *odb.Database, reader *odb.Reader, before *earlier, bounds []uint32) (reason string) {
	f := before.f
	wanted := map[uint32]bool{}
	for _, i := range bounds {
		wanted[i] = true
	}
	state := make([]uint32, len(p.paths)) // by path
	for i := range state {
		state[i] = facts.None
	}
	leave := func(e facts.Ends) {
		if e.From != facts.None {
			state[p.versions[e.From].path] = facts.None
		}
	}
	enter := func(e facts.Ends) {
		if e.To != facts.None {
			state[p.versions[e.To].path] = e.To
		}
	}
	at := 0
	for k := range f.Steps {
		commit := &f.Commits[f.Steps[k].Commit]
		first := at
		for at < len(f.Plan.Events) && f.Plan.Events[at].Step == uint32(k) {
			at++
		}
		if events := f.Plan.Events[first:at]; len(events) > 0 {
			for _, e := range events {
				leave(facts.Ends{From: e.From, To: e.To})
			}
			for _, e := range events {
				enter(facts.Ends{From: e.From, To: e.To})
			}
		} else {
			ends := f.Plan.Ends[commit.Changes.Lo:commit.Changes.Hi]
			for _, e := range ends {
				leave(e)
			}
			for _, e := range ends {
				enter(e)
			}
		}
		if row := before.commit[f.Steps[k].Commit]; wanted[row] {
			root := p.tree(state)
			if !p.holds(root, p.w.commits[row].tree, db, reader, 0) {
				return "what is known does not fit the trees"
			}
			reader.Release()
			p.roots[row] = root
		}
	}
	return ""
}

// tree builds the folders of a snapshot.
func (p *planner) tree(state []uint32) *node {
	root := &node{}
	nodes := map[uint32]*node{0: root}
	var folder func(path string) *node
	folder = func(path string) *node {
		number := p.folderOfPath(path)
		n := nodes[number]
		if n == nil {
			n = &node{path: number}
			nodes[number] = n
			slash := strings.LastIndexByte(path[:len(path)-1], '/') + 1
			within := folder(path[:slash])
			within.dirs = append(within.dirs, n)
		}
		return n
	}
	for path, v := range state {
		if v != facts.None {
			name := p.paths[path]
			n := folder(name[:strings.LastIndexByte(name, '/')+1])
			n.files = append(n.files, v)
		}
	}
	for _, n := range nodes {
		slices.SortFunc(n.files, func(a, b uint32) int {
			return cmp.Compare(p.paths[p.versions[a].path], p.paths[p.versions[b].path])
		})
		slices.SortFunc(n.dirs, func(a, b *node) int { return cmp.Compare(p.folders[a.path], p.folders[b.path]) })
	}
	return root
}

// holds says whether a folder is what a tree says.
func (p *planner) holds(n *node, tree odb.Number, db *odb.Database, reader *odb.Reader, depth int) bool {
	if tree == odb.None || depth > maxTreeDepth {
		return false
	}
	kind, data, err := reader.Object(tree)
	if err != nil || kind != odb.Tree {
		return false
	}
	files, dirs := 0, 0
	for at := 0; at < len(data); {
		e, err := entryAt(data, at)
		if err != nil {
			return false
		}
		at = e.next
		blob, ok := db.Lookup(facts.ID(e.id))
		if e.folder() {
			if dirs == len(n.dirs) || !ok || p.folders[n.dirs[dirs].path] != p.folders[n.path]+string(e.name)+"/" {
				return false
			}
			if !p.holds(n.dirs[dirs], blob, db, reader, depth+1) {
				return false
			}
			dirs++
			continue
		}
		if files == len(n.files) {
			return false
		}
		v := &p.versions[n.files[files]]
		files++
		path := p.paths[v.path]
		if folder := p.folders[n.path]; path[:len(path)-len(e.name)] != folder || !bytes.HasSuffix([]byte(path), e.name) {
			return false
		}
		if v.typ == facts.Submodule || !ok {
			if int(v.blob) < int(p.blobs) || p.lost[v.blob-p.blobs] != facts.ID(e.id) {
				return false
			}
		} else if v.blob != uint32(blob) {
			return false
		}
		if v.typ != typeOf(e.mode) { // permissions may be another parent's: see comparer.entries
			return false
		}
	}
	return files == len(n.files) && dirs == len(n.dirs)
}

// renumber gives versions and paths the numbers that they would have if everything had been planned at once, and rows their order.
func (p *planner) renumber(before *earlier) {
	known := uint32(len(before.f.Plan.Versions))
	order := make([]uint32, len(p.versions))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortStableFunc(order, func(a, b uint32) int { return cmp.Compare(p.versions[a].commit, p.versions[b].commit) })
	now := make([]uint32, len(order))
	before.version = make([]uint32, len(order))
	before.path = make([]uint32, len(before.f.Paths))
	pathNow := make([]uint32, len(p.paths))
	for i := range pathNow {
		pathNow[i] = facts.None
	}
	paths := make([]string, 0, len(p.paths))
	for i, v := range order {
		now[v] = uint32(i)
		if before.version[i] = v; v >= known {
			before.version[i] = facts.None
		}
		if path := p.versions[v].path; pathNow[path] == facts.None {
			pathNow[path] = uint32(len(paths))
			paths = append(paths, p.paths[path])
		}
	}
	copy(before.path, pathNow)
	move := func(v *uint32) {
		if *v != facts.None {
			*v = now[*v]
		}
	}
	versions := make([]version, 0, len(order))
	parents := make([]uint32, 0, len(p.parents))
	for _, v := range order {
		n := p.versions[v]
		of := p.parentsOf(v)
		n.path, n.parents = pathNow[n.path], uint32(len(parents))
		versions, parents = append(versions, n), append(parents, of...)
	}
	for i := range parents {
		move(&parents[i])
	}
	p.versions, p.parents, p.paths = versions, parents, paths

	slices.SortStableFunc(p.rows, func(a, b row) int { return cmp.Compare(a.commit, b.commit) })
	for i := range p.rows {
		move(&p.rows[i].from)
		move(&p.rows[i].to)
	}
	for i := range p.events {
		move(&p.events[i].from)
		move(&p.events[i].to)
	}
	for i := range p.searches {
		for k := range p.searches[i].made {
			move(&p.searches[i].made[k])
		}
		for k := range p.searches[i].gone {
			move(&p.searches[i].gone[k])
		}
	}
	for i := range p.head {
		move(&p.head[i])
	}
	p.indexRows(len(p.w.commits))
}

// touched marks the lineages that have to be read.
func (before *earlier) touched(p *plan, l *lineages) {
	touch := func(v uint32) {
		if v != facts.None {
			l.wanted[l.by[v]] = true
		}
	}
	for v, then := range before.version {
		// What was missing may have been fetched since.
		if then == facts.None || before.f.Plan.Versions[then].Skip != facts.Measured {
			touch(uint32(v))
		}
	}
	for _, r := range p.rows {
		if r.then == facts.None {
			touch(r.from)
			touch(r.to)
		}
	}
	for _, e := range p.events[len(before.f.Plan.Events):] {
		touch(e.from)
		touch(e.to)
	}
}

// recall fills in what was measured. What is read again is overwritten.
func (before *earlier) recall(p *plan, m *measured, l *lineages) {
	f := before.f
	for v, then := range before.version {
		if then == facts.None {
			continue
		}
		k := &f.Plan.Versions[then]
		m.lines[v], m.binary[v], m.reason[v] = k.Lines, k.Binary, k.Skip
	}
	for i, r := range p.rows {
		if r.then != facts.None {
			m.rows[i] = lineCount{f.Changes[r.then].Added, f.Changes[r.then].Removed}
		}
	}
	for i := range f.Plan.Events {
		m.events[i] = lineCount{f.Plan.Events[i].Added, f.Plan.Events[i].Removed}
	}
	for then, now := range before.path {
		c := &f.Contents[then]
		m.seen[now] = glimpse{f.Languages[c.Language], c.Generated}
	}
	// Of each step, the paths whose lineages are read again.
	type place struct{ step, path uint32 }
	again := map[place]bool{}
	p.folds(func(j foldJob) {
		if int(j.step) >= len(f.Steps) || !l.wanted[l.by[j.when()]] {
			return
		}
		for _, v := range []uint32{j.from, j.to} {
			if v != facts.None {
				again[place{j.step, p.versions[v].path}] = true
			}
		}
	})
	for _, s := range f.Survival {
		path := before.path[s.Path]
		if again[place{s.Step, path}] {
			continue
		}
		owner := s.Commit
		if owner != facts.None {
			owner = before.commit[owner]
		}
		m.survival = append(m.survival, facts.Survival{Step: s.Step, Path: path, Commit: owner, Lines: s.Lines})
	}
}

// keep writes down how versions hang together.
func (p *plan) keep(r *Repository, m *measured) *facts.Plan {
	out := &facts.Plan{Parents: p.parents, Limited: p.limited, Versions: make([]facts.Version, len(p.versions))}
	for i := range p.versions {
		v := &p.versions[i]
		end := uint32(len(p.parents))
		if i+1 < len(p.versions) {
			end = p.versions[i+1].parents
		}
		out.Versions[i] = facts.Version{
			Commit: v.commit, Path: v.path, Blob: p.id(r, v), Parents: facts.Span{Lo: v.parents, Hi: end}, Lines: m.lines[i],
			Type: v.typ, Executable: v.exec, Binary: m.binary[i], Silent: v.silent, Skip: m.reason[i],
		}
	}
	for k := range p.mainline {
		for i := p.eventsAt[k]; i < p.eventsAt[k+1]; i++ {
			out.Events = append(out.Events, facts.Event{
				Step: uint32(k), From: p.events[i].from, To: p.events[i].to, Added: m.events[i].added, Removed: m.events[i].removed,
			})
		}
	}
	return out
}
