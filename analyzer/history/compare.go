package history

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/bits"

	"orrery/analyzer/facts"
	"orrery/analyzer/history/odb"
)

// Comparing trees is most of the planning and needs no order among commits, so it is done on all workers and written down as a script.
// Whoever follows the script (plan.go) goes through the commits in order and never reads a tree.
//
// A script says how the folder of a commit is made from the same folder of its parents, in the order of the entries:
//
//	copy   parent, files [lo,hi), folders [lo,hi)    entries that are equal to that parent's
//	file   name, mode, blob, index in each parent    an entry that differs from every parent's: a version
//	open   name, silent, index in each parent        a folder that differs from every parent's; its own script follows
//	shut                                             ends the folder
//	broken name, reason, index in each parent        a folder that cannot be read
//	gone   file index; goneFolder folder index       only with a single parent: what is no more
//
// Indices count files and folders apart, in the order of the parent's tree.
type script struct {
	code  []uint32
	names []byte
	lost  []facts.ID // blobs that are not in the repository
	bad   []badTree
	at    []uint32 // where each commit of the chunk starts
	skips []facts.Skip
}

// badTree is a tree that is to be taken for unreadable: malformed, or a bomb.
type badTree struct {
	tree odb.Number
	err  error
}

const (
	opCopy = iota
	opFile
	opOpen
	opShut
	opBroken
	opGone
	opGoneFolder
)

// lostBlob marks an index into script.lost where the number of a blob is expected.
const lostBlob = 1 << 31

// toEnd stands for "all that follow" in a copy.
const toEnd = facts.None

// Bounds on one commit's trees: what is above is a bomb, or a mistake.
const (
	maxTreeDepth = 2048
	maxPath      = 16 << 10 // bytes of a folder's path; no system lets a file be opened by a quarter of it
	maxTouched   = 8 << 20  // entries that one commit changes, each counted once more for every pathUnit bytes of its path
	pathUnit     = 32
)

var (
	errTreeDepth   = errors.New("folders are nested too deeply")
	errTreeEntries = errors.New("one commit changes too many entries")
)

// comparer writes scripts. One for each worker.
type comparer struct {
	db      *odb.Database
	reader  *odb.Reader
	w       *walk
	out     *script
	lastAt  int // position of a copy that may be extended, or -1
	touched int
	blamed  bool                 // the tree that is to blame for too many entries is found
	path    int                  // length of the folder's path
	bad     map[odb.Number]error // trees that are known to be bad
	cursors []cursor             // stack of the folders being compared
	err     error                // ends the commit
}

// cursor goes through one tree. tree is nil where the parent has no such folder.
type cursor struct {
	tree          []byte
	at            int
	e             treeEntry
	files, folder uint32 // how many have been passed
	ok            bool   // e is valid
}

func (c *cursor) load() (err error) {
	if c.ok = c.at < len(c.tree); c.ok {
		c.e, err = entryAt(c.tree, c.at)
	}
	return err
}

// skip passes the entries that end within the first n bytes.
func (c *cursor) skip(n int) {
	tree := c.tree[:n]
	for c.at < len(tree) {
		rest := tree[c.at:]
		folder := false
		switch {
		case len(rest) > 6 && rest[0] == '1' && rest[6] == ' ':
		case len(rest) > 6 && string(rest[:6]) == "40000 ":
			folder = true
		default: // an unusual mode
			e, err := entryAt(tree, c.at)
			if err != nil {
				return // cut by n, or malformed: load says which
			}
			folder = e.folder()
		}
		end := bytes.IndexByte(rest, 0)
		if end < 0 || end+1+len(facts.ID{}) > len(rest) {
			return
		}
		if folder {
			c.folder++
		} else {
			c.files++
		}
		c.at += end + 1 + len(facts.ID{})
	}
}

func (c *cursor) pass() {
	c.at = c.e.next
	if c.e.folder() {
		c.folder++
	} else {
		c.files++
	}
}

// commit writes the script of one commit.
func (d *comparer) commit(row uint32) {
	c := &d.w.commits[row]
	d.out.at = append(d.out.at, uint32(len(d.out.code)))
	start, names, lost := len(d.out.code), len(d.out.names), len(d.out.lost)
	d.touched, d.blamed, d.err, d.lastAt = 0, false, nil, -1
	ids := make([]odb.Number, 0, 4)
	silent := c.lost && len(c.parents) == 0
	for _, p := range c.parents {
		ids = append(ids, d.w.commits[p].tree)
		silent = silent || d.w.commits[p].tree == odb.None
	}
	d.cursors = d.cursors[:0]
	index := make([]uint32, len(ids))
	if len(ids) > 0 && d.w.commits[c.parents[0]].commit.tree == c.commit.tree {
		// Nothing has changed, whether or not it can be read.
		d.out.code = append(d.out.code, opOpen)
		d.name(nil)
		d.out.code = append(d.out.code, 0)
		d.out.code = append(d.out.code, index...)
		d.copyFrom(0, 0, toEnd, 0, toEnd)
		d.out.code = append(d.out.code, opShut)
		return
	}
	d.folder(nil, c.tree, ids, index, 0, silent, c.commit.tree)
	if d.err != nil {
		// All or nothing: what is left of a bomb would be a wrong answer.
		d.out.code, d.out.names, d.out.lost = d.out.code[:start], d.out.names[:names], d.out.lost[:lost]
		d.broken(nil, index, c.commit.tree, d.err)
	}
	d.reader.Release()
}

func (d *comparer) name(name []byte) {
	d.out.code = append(d.out.code, uint32(len(d.out.names)), uint32(len(name)))
	d.out.names = append(d.out.names, name...)
}

func (d *comparer) broken(name []byte, index []uint32, tree facts.ID, err error) {
	reason := odb.ReasonOf(err)
	if errors.Is(err, errTreeDepth) {
		reason = facts.TooDeep
	} else if errors.Is(err, errTreeEntries) {
		reason = facts.TooLarge
	}
	var of *odb.Error
	if errors.As(err, &of) {
		err = of.Err // the object and the reason are told beside it
	}
	d.lastAt = -1
	d.out.code = append(d.out.code, opBroken)
	d.name(name)
	d.out.code = append(d.out.code, uint32(len(d.out.skips)))
	d.out.code = append(d.out.code, index...)
	d.out.skips = append(d.out.skips, facts.Skip{Reason: reason, Object: tree, Detail: "a tree: " + err.Error()})
}

func (d *comparer) load(n odb.Number, id facts.ID) ([]byte, error) {
	if n == odb.None {
		return nil, &odb.Error{Reason: facts.Missing, ID: id, Err: errors.New("not in the repository")}
	}
	if err := d.bad[n]; err != nil {
		return nil, odb.Fail(id, err)
	}
	kind, data, err := d.reader.Object(n)
	if err == nil && kind != odb.Tree {
		err = errTree
	}
	return data, err
}

// folder compares one folder with the parents' that have it (None: has not). index says where it is in each parent.
func (d *comparer) folder(name []byte, tree odb.Number, parents []odb.Number, index []uint32, depth int, silent bool, id facts.ID) {
	if depth > maxTreeDepth || d.path+len(name) > maxPath {
		d.broken(name, index, id, errTreeDepth)
		return
	}
	data, err := d.load(tree, id)
	if err != nil {
		d.broken(name, index, id, err)
		return
	}
	base := len(d.cursors)
	d.cursors = append(d.cursors, cursor{tree: data})
	for _, p := range parents {
		var of cursor
		if p != odb.None {
			if of.tree, err = d.load(p, facts.ID{}); err != nil {
				// What stood there before is unknown, so nothing can be said to have changed.
				silent = true
			}
		}
		d.cursors = append(d.cursors, of)
	}
	if silent {
		for i := base + 1; i < len(d.cursors); i++ {
			d.cursors[i].tree = nil
		}
	}
	d.lastAt = -1
	d.out.code = append(d.out.code, opOpen)
	d.name(name)
	d.out.code = append(d.out.code, b2u(silent))
	d.out.code = append(d.out.code, index...)
	mark, touched := len(d.out.code), d.touched
	d.path += len(name) + 1
	err = d.entries(base, len(parents), depth, silent)
	d.path -= len(name) + 1
	if d.err != nil && !d.blamed && d.touched-touched > maxTouched/2 {
		// The deepest folder that holds most of them: what is around it can still be read.
		d.blamed = true
		d.out.bad = append(d.out.bad, badTree{tree, d.err})
	}
	if err != nil && d.err == nil {
		d.out.bad = append(d.out.bad, badTree{tree, err})
		if depth == 0 {
			d.err = err
		} else {
			// A malformed tree below: what was written of it is taken back, and the folder is broken.
			d.out.code = d.out.code[:mark-len(index)-4]
			d.broken(name, index, id, err)
			d.cursors = d.cursors[:base]
			return
		}
	}
	d.cursors = d.cursors[:base]
	d.lastAt = -1
	d.out.code = append(d.out.code, opShut)
}

func b2u(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

// copyFrom says that entries are those of a parent.
func (d *comparer) copyFrom(parent int, fileLo, fileHi, folderLo, folderHi uint32) {
	if at := d.lastAt; at >= 0 && d.out.code[at] == uint32(parent) && d.out.code[at+2] == fileLo && d.out.code[at+4] == folderLo {
		d.out.code[at+2], d.out.code[at+4] = fileHi, folderHi
		return
	}
	d.out.code = append(d.out.code, opCopy, uint32(parent), fileLo, fileHi, folderLo, folderHi)
	d.lastAt = len(d.out.code) - 5
}

// entries merges the entries of the folder with those of the parents. Equal beginnings and ends of the trees are compared as bytes.
func (d *comparer) entries(base, parents, depth int, silent bool) error {
	own := &d.cursors[base]
	all := parents > 0 && !silent
	for k := 1; k <= parents && all; k++ {
		all = d.cursors[base+k].tree != nil
	}
	suffix := 0
	if all {
		suffix = len(own.tree)
		for k := 1; k <= parents; k++ {
			suffix = commonSuffix(own.tree[len(own.tree)-suffix:], d.cursors[base+k].tree)
		}
		d.stretch(base, parents)
	}
	for k := 0; k <= parents; k++ {
		if err := d.cursors[base+k].load(); err != nil {
			if k == 0 {
				return err
			}
			d.cursors[base+k].ok = false // a parent's malformed tree is that commit's fault
		}
	}
	var ids [4]odb.Number
	var where [4]uint32
	for {
		own = &d.cursors[base]
		if all && len(own.tree)-own.at <= suffix && d.level(base, parents) {
			if own.ok {
				d.copyFrom(0, d.cursors[base+1].files, toEnd, d.cursors[base+1].folder, toEnd)
			}
			return nil
		}
		if all && own.ok && d.stretch(base, parents) {
			for k := 0; k <= parents; k++ {
				if err := d.cursors[base+k].load(); err != nil {
					if k == 0 {
						return err
					}
					d.cursors[base+k].ok = false
				}
			}
			continue
		}
		// The least entry among all cursors.
		least := -1
		for k := 0; k <= parents; k++ {
			if c := &d.cursors[base+k]; c.ok && (least < 0 || compareEntries(&c.e, &d.cursors[base+least].e) < 0) {
				least = k
			}
		}
		if least < 0 {
			return nil
		}
		e := d.cursors[base+least].e
		if least > 0 {
			for k := 1; k <= parents; k++ {
				c := &d.cursors[base+k]
				if !c.ok || compareEntries(&c.e, &e) != 0 {
					continue
				}
				if parents == 1 {
					d.touched++
					if e.folder() {
						d.out.code = append(d.out.code, opGoneFolder, c.folder)
					} else {
						d.out.code = append(d.out.code, opGone, c.files)
					}
					d.lastAt = -1
				}
				c.pass()
				if c.load() != nil {
					c.ok = false
				}
			}
			continue
		}
		// In our tree: equal to some parent's? Of several the first is meant, and git blame cares for content alone: where an earlier parent
		// differs in permissions only, it goes there.
		same, alike := -1, -1
		numbers, index := append(ids[:0], make([]odb.Number, parents)...), append(where[:0], make([]uint32, parents)...)
		for k := 1; k <= parents; k++ {
			c := &d.cursors[base+k]
			numbers[k-1], index[k-1] = odb.None, facts.None
			if !c.ok || compareEntries(&c.e, &e) != 0 {
				continue
			}
			if index[k-1] = c.files; e.folder() {
				index[k-1] = c.folder
			}
			if c.e.mode&modeType == e.mode&modeType && bytes.Equal(c.e.id, e.id) {
				if alike < 0 {
					alike = k
				}
				if same < 0 && c.e.mode == e.mode {
					same = k
				}
			}
		}
		if same > 0 {
			same = alike
		}
		switch {
		case same > 0 && e.folder():
			c := &d.cursors[base+same]
			d.copyFrom(same-1, c.files, c.files, c.folder, c.folder+1)
		case same > 0:
			c := &d.cursors[base+same]
			d.copyFrom(same-1, c.files, c.files+1, c.folder, c.folder)
		case e.folder():
			for k := 1; k <= parents; k++ {
				if index[k-1] != facts.None {
					numbers[k-1] = missingTree
					if n, ok := d.db.Lookup(facts.ID(d.cursors[base+k].e.id)); ok {
						numbers[k-1] = n
					}
				}
			}
			n, ok := d.db.Lookup(facts.ID(e.id))
			if !ok {
				n = odb.None
			}
			d.sub(&e, n, numbers, index, depth, silent)
		default:
			d.file(&e, index)
		}
		if d.touched += 1 + (d.path+len(e.name))/pathUnit; d.touched > maxTouched && d.err == nil {
			d.err = errTreeEntries
		}
		if d.err != nil {
			return d.err
		}
		for k := 1; k <= parents; k++ {
			if index[k-1] != facts.None {
				c := &d.cursors[base+k]
				c.pass()
				if c.load() != nil {
					c.ok = false
				}
			}
		}
		own = &d.cursors[base]
		own.pass()
		if err := own.load(); err != nil {
			return err
		}
	}
}

// stretch passes the entries that stand next in all trees, as bytes.
func (d *comparer) stretch(base, parents int) bool {
	own, first := &d.cursors[base], &d.cursors[base+1]
	rest := own.tree[own.at:]
	// In growing steps: that one parent's tree goes on like ours is of no use where another's does not.
	n := 0
	for step := 128; ; step *= 8 {
		n = min(step, len(rest))
		for k := 1; k <= parents; k++ {
			of := &d.cursors[base+k]
			n = commonPrefix(rest[:n], of.tree[of.at:])
		}
		if n < step {
			break
		}
	}
	at, files, folder := own.at, own.files, own.folder
	own.skip(own.at + n)
	if own.at == at {
		return false
	}
	fileLo, folderLo := first.files, first.folder
	for k := 1; k <= parents; k++ {
		of := &d.cursors[base+k]
		of.at += own.at - at
		of.files += own.files - files
		of.folder += own.folder - folder
	}
	d.copyFrom(0, fileLo, first.files, folderLo, first.folder)
	return true
}

// missingTree stands for a parent's folder that is not in the repository.
const missingTree = odb.None - 1

func (d *comparer) sub(e *treeEntry, n odb.Number, numbers []odb.Number, index []uint32, depth int, silent bool) {
	for i, p := range numbers {
		if p == missingTree {
			numbers[i], silent = odb.None, true
		}
	}
	d.folder(e.name, n, numbers, index, depth+1, silent, facts.ID(e.id))
}

func (d *comparer) file(e *treeEntry, index []uint32) {
	blob := lostBlob | uint32(len(d.out.lost))
	if n, ok := d.db.Lookup(facts.ID(e.id)); ok && e.mode != modeLink {
		blob = uint32(n)
	} else {
		d.out.lost = append(d.out.lost, facts.ID(e.id))
	}
	d.lastAt = -1
	d.out.code = append(d.out.code, opFile)
	d.name(e.name)
	d.out.code = append(d.out.code, e.mode, blob)
	d.out.code = append(d.out.code, index...)
}

// level says whether all trees have as many bytes to go as ours.
func (d *comparer) level(base, parents int) bool {
	own := &d.cursors[base]
	for k := 1; k <= parents; k++ {
		c := &d.cursors[base+k]
		if len(c.tree)-c.at != len(own.tree)-own.at {
			return false
		}
	}
	return true
}

// block is how many bytes are compared at once: one call of the runtime's vectorised memory comparison.
const block = 256

// commonPrefix gives the length of the equal beginning of a and b.
func commonPrefix(a, b []byte) int {
	n := min(len(a), len(b))
	a, b = a[:n], b[:n]
	i := 0
	for i+block <= n && bytes.Equal(a[i:i+block], b[i:i+block]) {
		i += block
	}
	for ; i+8 <= n; i += 8 {
		if x := binary.LittleEndian.Uint64(a[i:]) ^ binary.LittleEndian.Uint64(b[i:]); x != 0 {
			return i + bits.TrailingZeros64(x)/8
		}
	}
	for i < n && a[i] == b[i] {
		i++
	}
	return i
}

// commonSuffix gives the length of the equal end of a and b.
func commonSuffix(a, b []byte) int {
	n := min(len(a), len(b))
	a, b = a[len(a)-n:], b[len(b)-n:]
	i := n
	for i >= block && bytes.Equal(a[i-block:i], b[i-block:i]) {
		i -= block
	}
	for ; i >= 8; i -= 8 {
		if x := binary.LittleEndian.Uint64(a[i-8:]) ^ binary.LittleEndian.Uint64(b[i-8:]); x != 0 {
			return n - i + bits.LeadingZeros64(x)/8
		}
	}
	for i > 0 && a[i-1] == b[i-1] {
		i--
	}
	return n - i
}
