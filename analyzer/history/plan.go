package history

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"orrery/analyzer/facts"
	"orrery/analyzer/history/odb"
)

// version is a file as one commit made it. Its identity is (commit, path): the same blob may come back as another version.
type version struct {
	commit, path uint32
	// blob is the number of the object; from Database.Len() on an index into plan.lost (so for the commits of submodules).
	blob uint32
	// parents is the offset in plan.parents of the versions it was made from: one for each parent of the commit, None where there was no
	// such file.
	parents uint32
	typ     facts.Type
	exec    bool
	// silent: what stood here before could not be read, so that this is no change that anybody made.
	silent bool
}

// row is one change of a non-merge commit: a row of numstat.
type row struct {
	commit   uint32
	from, to uint32 // versions; None for additions and deletions
	renamed  bool
	then     uint32 // the change of an earlier reading; None if it is new
}

// search is what a merge made without a like in one of its parents, and what that parent has that the merge has not.
type search struct {
	commit, parent uint32 // a commit, and which of its parents
	made, gone     []uint32
}

// event is a change of the snapshot along first parents.
type event struct{ from, to uint32 }

// plan is everything that trees and commits tell, without a look at any file.
type plan struct {
	paths    []string
	versions []version
	parents  []uint32 // of versions
	lost     []facts.ID
	rows     []row    // commit after commit, paths ascending
	rowsAt   []uint32 // by commit: where its rows start; one more at the end
	mainline []uint32 // commits along first parents, oldest first
	events   []event  // of mainline commits that are not plain: what differs from the first parent
	eventsAt []uint32 // by position in mainline; one more at the end
	partial  []bool   // by commit: a tree of it, or of its parent, could not be read
	skips    []facts.Skip
	searches []search
	plainAt  []bool   // by commit: its rows are all that its step changes
	head     []uint32 // versions of the last snapshot
	limited  int      // commits with too many files to look for changed renames
	old      []bool   // by commit: its rows and versions come from an earlier reading; nil if there was none
}

// indexRows finds where the rows of each commit start.
func (p *plan) indexRows(commits int) {
	p.rowsAt = make([]uint32, commits+1)
	for _, r := range p.rows {
		p.rowsAt[r.commit+1]++
	}
	for i := range commits {
		p.rowsAt[i+1] += p.rowsAt[i]
	}
}

// node is a folder of one commit, with the version of each of its files. Folders that are equal to a parent's are the parent's node.
// Nodes are immutable.
type node struct {
	path  uint32   // into planner.folders
	files []uint32 // versions, in the order of the tree
	dirs  []*node
	// broken: what stands here cannot be read, and files and dirs are those of a parent.
	broken bool
}

// all gives the versions of a folder and of all below it.
func (n *node) all(dst []uint32) []uint32 {
	dst = append(dst, n.files...)
	for _, d := range n.dirs {
		dst = d.all(dst)
	}
	return dst
}

// plainStep says whether a commit's rows are all that its step along first parents changes.
func (p *plan) plainStep(commit uint32) bool { return p.plainAt[commit] }

// planner follows the scripts in the order of commits.
type planner struct {
	plan
	w        *walk
	blobs    uint32 // objects in the database
	folders  []string
	pathOf   map[pathKey]uint32
	folderOf map[pathKey]uint32
	lostOf   map[facts.ID]uint32
	roots    []*node  // by commit; nil again when all children are planned
	waits    []uint32 // by commit: children that are not planned
	onMain   []bool
	commit   uint32
	parentsN int
	script   *script
	pc       int
	bad      []badTree // found while comparing
	told     map[brokenTree]bool
	// again gives, of a commit that is known but planned once more, the first of its versions; nil where nothing is known before.
	again map[uint32]uint32
	wrong bool // what is known does not fit the trees
}

type brokenTree struct {
	tree   facts.ID
	reason facts.Reason
}

type pathKey struct {
	folder uint32
	name   string
}

// chunk is how many commits one script covers: enough for a worker to profit from trees that it has just built.
const chunk = 512

// makePlan compares all trees and strings the versions together.
//
// That a tree is malformed, or a bomb, shows only where its entries are looked at, and by then its neighbours may have been compared with
// it. So what is found bad is taken for unreadable from the start in another round: there is none in a repository that any forge has checked.
func makePlan(ctx context.Context, r *Repository, w *walk, readers []*odb.Reader, done *atomic.Int64) (*plan, error) {
	bad := map[odb.Number]error{}
	for range maxRounds {
		p, found, err := planOnce(ctx, r, w, readers, bad, done)
		if err != nil || len(found) == 0 {
			return p, err
		}
		for _, t := range found {
			if bad[t.tree] == nil {
				bad[t.tree] = t.err
			}
		}
		done.Store(0)
	}
	return nil, errors.New("too many malformed trees")
}

const maxRounds = 8

// maxPlan bounds versions, rows and events, some five times those of the longest histories there are.
const maxPlan = 1 << 26

func planOnce(
	ctx context.Context, r *Repository, w *walk, readers []*odb.Reader, bad map[odb.Number]error, done *atomic.Int64,
) (*plan, []badTree, error) {
	p, err := newPlanner(r, w)
	if err != nil {
		return nil, nil, err
	}
	all := make([]uint32, len(w.commits))
	for i := range all {
		all[i] = uint32(i)
	}
	if err := p.run(ctx, r, readers, all, bad, done); err != nil {
		return nil, nil, err
	}
	if n := len(p.mainline); n > 0 {
		p.head = p.roots[p.mainline[n-1]].all(nil)
	}
	p.indexRows(len(w.commits))
	p.eventsAt = append(p.eventsAt, uint32(len(p.events)))
	return &p.plan, p.bad, nil
}

func newPlanner(r *Repository, w *walk) (*planner, error) {
	if uint64(r.Objects.Len()) >= lostBlob {
		return nil, errors.New("too many objects")
	}
	p := &planner{
		w: w, blobs: uint32(r.Objects.Len()),
		folders: []string{""},
		pathOf:  map[pathKey]uint32{}, folderOf: map[pathKey]uint32{}, lostOf: map[facts.ID]uint32{}, told: map[brokenTree]bool{},
		roots: make([]*node, len(w.commits)), waits: make([]uint32, len(w.commits)), onMain: make([]bool, len(w.commits)),
	}
	p.partial = make([]bool, len(w.commits))
	p.plainAt = make([]bool, len(w.commits))
	if len(w.commits) > 0 {
		for at := uint32(len(w.commits) - 1); ; {
			p.mainline = append(p.mainline, at)
			p.onMain[at] = true
			c := &w.commits[at]
			if len(c.parents) == 0 || w.commits[c.parents[0]].id != c.commit.parents[0] {
				break
			}
			at = c.parents[0]
		}
		slices.Reverse(p.mainline)
	}
	return p, nil
}

// run plans some commits, in order; the roots of parents that are not among them must be known.
func (p *planner) run(
	ctx context.Context, r *Repository, readers []*odb.Reader, todo []uint32, bad map[odb.Number]error, done *atomic.Int64,
) error {
	w := p.w
	for _, i := range todo {
		for _, q := range w.commits[i].parents {
			p.waits[q]++
		}
	}
	chunks := (len(todo) + chunk - 1) / chunk
	ready := make([]chan *script, chunks)
	for i := range ready {
		ready[i] = make(chan *script, 1)
	}
	// Scripts wait for the planner: only so many ahead, since they are memory.
	ahead := make(chan struct{}, 2*len(readers)+2)
	var next atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for _, reader := range readers {
		g.Go(func() error {
			d := &comparer{db: r.Objects, reader: reader, w: w, bad: bad}
			for {
				select {
				case ahead <- struct{}{}:
				case <-ctx.Done():
					return ctx.Err()
				}
				k := int(next.Add(1)) - 1
				if k >= chunks {
					return nil
				}
				d.out = &script{}
				err := odb.Guard(func() error {
					for _, row := range todo[k*chunk : min((k+1)*chunk, len(todo))] {
						if ctx.Err() != nil {
							return ctx.Err()
						}
						d.commit(row)
					}
					return nil
				})
				if err != nil {
					return err
				}
				ready[k] <- d.out
			}
		})
	}
	g.Go(func() error {
		for k := range ready {
			select {
			case p.script = <-ready[k]:
			case <-ctx.Done():
				return ctx.Err()
			}
			p.bad = append(p.bad, p.script.bad...)
			for i := range p.script.at {
				p.follow(todo[k*chunk+i], i)
				if max(len(p.versions), len(p.rows), len(p.events)) > maxPlan {
					return errors.New("more files and changes than can be held")
				}
			}
			done.Add(int64(len(p.script.at)))
			<-ahead
		}
		return nil
	})
	return g.Wait()
}

// follow goes through the script of one commit.
func (p *planner) follow(commit uint32, at int) {
	c := &p.w.commits[commit]
	p.commit, p.pc = commit, int(p.script.at[at])
	_, again := p.again[commit]
	p.parentsN = len(c.parents)
	parents := make([]*node, p.parentsN)
	for i, q := range c.parents {
		parents[i] = p.roots[q]
	}
	firstRow, firstVersion := len(p.rows), uint32(len(p.versions))
	root := p.folder(0, parents, true)
	if c.lost {
		p.partial[commit] = true
	}
	if len(c.commit.parents) > 1 || again {
		p.rows = p.rows[:firstRow]
	}
	if len(parents) > 1 && !again {
		p.search(firstVersion, parents, root)
	}
	if p.onMain[commit] {
		p.eventsAt = append(p.eventsAt, uint32(len(p.events)))
		if !p.plain(commit) {
			var before *node
			if len(p.eventsAt) > 1 {
				before = parents[0]
			}
			p.diff(before, root, func(from, to uint32) { p.events = append(p.events, event{from, to}) })
		}
	}
	p.plainAt[commit] = p.plain(commit)
	p.roots[commit] = root
	for _, q := range c.parents {
		if p.waits[q]--; p.waits[q] == 0 {
			p.roots[q] = nil
		}
	}
}

// search notes the versions of a merge that have no like in one of its parents: their lines may come from a file of another name there.
func (p *planner) search(first uint32, parents []*node, root *node) {
	for k, parent := range parents {
		s := search{commit: p.commit, parent: uint32(k)}
		for v := first; v < uint32(len(p.versions)); v++ {
			if p.parents[p.versions[v].parents+uint32(k)] == facts.None && !p.versions[v].silent {
				s.made = append(s.made, v)
			}
		}
		if s.made == nil {
			continue
		}
		p.diff(parent, root, func(from, to uint32) {
			if to == facts.None {
				s.gone = append(s.gone, from)
			}
		})
		if s.gone != nil {
			p.searches = append(p.searches, s)
		}
	}
}

// plain says whether a commit's rows are all that it changed: then they are its step along first parents, too.
func (p *planner) plain(commit uint32) bool {
	return len(p.w.commits[commit].commit.parents) <= 1 && !p.partial[commit]
}

func (p *planner) next() uint32 {
	v := p.script.code[p.pc]
	p.pc++
	return v
}

func (p *planner) name() []byte {
	at, n := p.next(), p.next()
	return p.script.names[at : at+n]
}

// folder follows the script of one folder, which begins with its opening. parents are the nodes of the folder that holds it.
func (p *planner) folder(within uint32, parents []*node, root bool) *node {
	if p.next() == opBroken {
		return p.broken(within, parents, root)
	}
	n := &node{path: p.folderPath(within, p.name())}
	silent := p.next() != 0
	p.partial[p.commit] = p.partial[p.commit] || silent
	own := p.inside(parents, root)
	for {
		switch p.next() {
		case opShut:
			return n
		case opCopy:
			parent := p.next()
			of := own[parent]
			flo, fhi, dlo, dhi := p.next(), p.next(), p.next(), p.next()
			if fhi == toEnd {
				fhi, dhi = uint32(len(of.files)), uint32(len(of.dirs))
			}
			// Out of range only if a malformed tree has come between: then the plan is thrown away.
			fhi, dhi = min(fhi, uint32(len(of.files))), min(dhi, uint32(len(of.dirs)))
			flo, dlo = min(flo, fhi), min(dlo, dhi)
			if n.files == nil && fhi > flo {
				n.files = make([]uint32, 0, max(len(of.files)+1, 4))
			}
			n.files = append(n.files, of.files[flo:fhi]...)
			for _, d := range of.dirs[dlo:dhi] {
				for _, earlier := range own[:parent] {
					d = p.prefer(d, earlier.dir(p, d))
				}
				n.dirs = append(n.dirs, d)
			}
		case opFile:
			n.files = append(n.files, p.file(n.path, own, silent))
		case opOpen, opBroken:
			p.pc--
			n.dirs = append(n.dirs, p.folder(n.path, own, false))
		case opGone:
			if at := p.next(); at < uint32(len(own[0].files)) {
				p.rows = append(p.rows, row{p.commit, own[0].files[at], facts.None, false, facts.None})
			}
		case opGoneFolder:
			if at := p.next(); at < uint32(len(own[0].dirs)) {
				p.gone(own[0].dirs[at])
			}
		}
	}
}

// dir gives the folder of a node that has the path of another one, or nil.
func (n *node) dir(p *planner, like *node) *node {
	path := p.folders[like.path]
	i, ok := slices.BinarySearchFunc(n.dirs, path, func(d *node, path string) int { return strings.Compare(p.folders[d.path], path) })
	if !ok {
		return nil
	}
	return n.dirs[i]
}

// prefer gives a merge's folder, equal to that of a later parent, the versions of an earlier parent for all files whose content is the same
// there: of two parents with the same content git asks the first one. That differs only where both sides made the same change.
func (p *planner) prefer(later, earlier *node) *node {
	if earlier == nil || later == earlier {
		return later
	}
	out := later
	change := func() {
		if out == later {
			out = &node{path: later.path, files: slices.Clone(later.files), dirs: slices.Clone(later.dirs), broken: later.broken}
		}
	}
	j := 0
	for i, v := range later.files {
		path := p.versions[v].path
		for j < len(earlier.files) && p.versions[earlier.files[j]].path != path &&
			p.paths[p.versions[earlier.files[j]].path] < p.paths[path] {
			j++
		}
		if j == len(earlier.files) {
			break
		}
		w := earlier.files[j]
		if a, b := &p.versions[v], &p.versions[w]; v != w && a.path == b.path && a.blob == b.blob && a.typ == b.typ {
			change()
			out.files[i] = w
		}
	}
	for i, d := range later.dirs {
		if e := p.prefer(d, earlier.dir(p, d)); e != d {
			change()
			out.dirs[i] = e
		}
	}
	return out
}

// noNode stands where a parent has no such folder.
var noNode node

// inside reads the index of a folder in each parent and gives the nodes there. The root has none: its parents are the roots.
func (p *planner) inside(parents []*node, root bool) []*node {
	own := make([]*node, p.parentsN)
	for i := range own {
		at := p.next()
		if own[i] = &noNode; parents[i] == nil {
			continue
		}
		if root {
			own[i] = parents[i]
		} else if at < uint32(len(parents[i].dirs)) {
			own[i] = parents[i].dirs[at]
		}
	}
	return own
}

// broken keeps what stood there before, as far as it is known: nothing can be said to have changed.
func (p *planner) broken(within uint32, parents []*node, root bool) *node {
	name := p.name()
	skip := p.script.skips[p.next()]
	if told := (brokenTree{skip.Object, skip.Reason}); !p.told[told] {
		p.told[told] = true
		skip.Commit, skip.Path = p.commit, facts.None
		p.skips = append(p.skips, skip)
	}
	p.partial[p.commit] = true
	n := &node{path: p.folderPath(within, name), broken: true}
	for _, of := range p.inside(parents, root) {
		if of != &noNode {
			n.files, n.dirs = of.files, of.dirs
			break
		}
	}
	return n
}

func (p *planner) gone(n *node) {
	if n.broken {
		p.partial[p.commit] = true // what has gone is unknown
		return
	}
	// In the order of the tree, files and folders are merged by name; rows of one commit are sorted once at the end instead.
	for _, v := range n.files {
		p.rows = append(p.rows, row{p.commit, v, facts.None, false, facts.None})
	}
	for _, d := range n.dirs {
		p.gone(d)
	}
}

// file makes a version.
func (p *planner) file(folder uint32, own []*node, silent bool) uint32 {
	v := version{commit: p.commit, path: p.path(folder, p.name()), parents: uint32(len(p.parents)), silent: silent}
	first, again := p.again[p.commit]
	mode, blob := p.next(), p.next()
	if blob&lostBlob != 0 {
		blob = p.lostNumber(p.script.lost[blob&^lostBlob])
	}
	v.typ, v.blob, v.exec = typeOf(mode), blob, mode&0o111 != 0
	if again {
		p.pc += p.parentsN
		return p.known(first, v)
	}
	for i := range p.parentsN {
		at := p.next()
		if at < uint32(len(own[i].files)) {
			at = own[i].files[at]
		} else {
			at = facts.None
		}
		p.parents = append(p.parents, at)
	}
	number := uint32(len(p.versions))
	p.versions = append(p.versions, v)
	if !silent && p.parentsN <= 1 {
		from := uint32(facts.None)
		if p.parentsN == 1 {
			from = p.parents[v.parents]
		}
		p.rows = append(p.rows, row{p.commit, from, number, false, facts.None})
	}
	return number
}

func typeOf(mode uint32) facts.Type {
	switch mode & modeType {
	case modeSymlink:
		return facts.Symlink
	case modeLink & modeType:
		return facts.Submodule
	}
	return facts.File
}

// known finds a version of a commit that is planned once more; its versions follow one another.
func (p *planner) known(first uint32, v version) uint32 {
	for i := first; int(i) < len(p.versions) && p.versions[i].commit == v.commit; i++ {
		if k := &p.versions[i]; k.path == v.path {
			p.wrong = p.wrong || k.blob != v.blob || k.typ != v.typ || k.exec != v.exec
			return i
		}
	}
	p.wrong = true
	return 0
}

func (p *planner) lostNumber(id facts.ID) uint32 {
	n, ok := p.lostOf[id]
	if !ok {
		n = p.blobs + uint32(len(p.lost))
		p.lost = append(p.lost, id)
		p.lostOf[id] = n
	}
	return n
}

func (p *planner) folderPath(within uint32, name []byte) uint32 {
	if len(name) == 0 {
		return 0
	}
	i, ok := p.folderOf[pathKey{within, string(name)}]
	if !ok {
		i = uint32(len(p.folders))
		key := string(name)
		p.folders = append(p.folders, p.folders[within]+key+"/")
		p.folderOf[pathKey{within, key}] = i
	}
	return i
}

func (p *planner) path(folder uint32, name []byte) uint32 {
	i, ok := p.pathOf[pathKey{folder, string(name)}]
	if !ok {
		i = uint32(len(p.paths))
		full := p.folders[folder] + string(name)
		p.paths = append(p.paths, full)
		p.pathOf[pathKey{folder, full[len(p.folders[folder]):]}] = i
	}
	return i
}

// diff emits the changes that lead from one folder to another. Equal nodes, and equal beginnings, are not entered.
func (p *planner) diff(a, b *node, emit func(from, to uint32)) {
	if a == b {
		return
	}
	if a == nil {
		a = &noNode
	}
	if b == nil {
		b = &noNode
	}
	i, j := 0, 0
	for i < len(a.files) && j < len(b.files) && a.files[i] == b.files[j] {
		i, j = i+1, j+1
	}
	for i < len(a.files) || j < len(b.files) {
		c := 0
		switch {
		case i == len(a.files):
			c = 1
		case j == len(b.files):
			c = -1
		case a.files[i] == b.files[j]:
			i, j = i+1, j+1
			continue
		default:
			c = strings.Compare(p.paths[p.versions[a.files[i]].path], p.paths[p.versions[b.files[j]].path])
		}
		switch {
		case c < 0:
			emit(a.files[i], facts.None)
			i++
		case c > 0:
			emit(facts.None, b.files[j])
			j++
		default:
			emit(a.files[i], b.files[j])
			i, j = i+1, j+1
		}
	}
	i, j = 0, 0
	for i < len(a.dirs) || j < len(b.dirs) {
		c := 0
		switch {
		case i == len(a.dirs):
			c = 1
		case j == len(b.dirs):
			c = -1
		case a.dirs[i] == b.dirs[j]:
		default:
			c = strings.Compare(p.folders[a.dirs[i].path], p.folders[b.dirs[j].path])
		}
		switch {
		case c < 0:
			p.diff(a.dirs[i], nil, emit)
			i++
		case c > 0:
			p.diff(nil, b.dirs[j], emit)
			j++
		default:
			p.diff(a.dirs[i], b.dirs[j], emit)
			i, j = i+1, j+1
		}
	}
}
