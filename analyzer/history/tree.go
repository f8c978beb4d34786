package history

import (
	"bytes"
	"errors"

	"orrery/analyzer/facts"
)

// The types of tree entries, as the high bits of their modes.
const (
	modeType    = 0o170000
	modeFolder  = 0o040000
	modeRegular = 0o100000
	modeSymlink = 0o120000
	modeLink    = 0o160000 // a submodule
)

// treeEntry is one entry of a tree object. Its bytes belong to the tree.
type treeEntry struct {
	mode uint32 // as git reads it: permission bits reduced to 644 and 755
	name []byte
	id   []byte // 20 bytes
	next int    // offset of the entry behind
}

func (e *treeEntry) folder() bool { return e.mode == modeFolder }

var errTree = errors.New("a tree is malformed")

// entryAt reads the entry at an offset of a tree.
func entryAt(tree []byte, at int) (e treeEntry, err error) {
	mode := uint32(0)
	i := at
	for {
		if i >= len(tree) {
			return e, errTree
		}
		c := tree[i]
		i++
		if c == ' ' {
			break
		}
		if c < '0' || c > '7' || mode > 0o777777 {
			return e, errTree
		}
		mode = mode<<3 | uint32(c-'0')
	}
	n := bytes.IndexByte(tree[i:], 0)
	if n <= 0 || i+n+1+len(facts.ID{}) > len(tree) {
		return e, errTree
	}
	e.name = tree[i : i+n]
	if bytes.IndexByte(e.name, '/') >= 0 {
		return e, errTree // it would be another file's path
	}
	e.id = tree[i+n+1:][:len(facts.ID{})]
	e.next = i + n + 1 + len(facts.ID{})
	switch mode & modeType {
	case modeRegular:
		e.mode = modeRegular | 0o644
		if mode&0o100 != 0 {
			e.mode |= 0o111
		}
	case modeSymlink, modeFolder:
		e.mode = mode & modeType
	default:
		e.mode = modeLink
	}
	return e, nil
}

// compareEntries orders entries as git does: by name, where the name of a folder ends in a slash. A file and a folder of the same name
// are two different entries.
func compareEntries(a, b *treeEntry) int {
	n := min(len(a.name), len(b.name))
	if c := bytes.Compare(a.name[:n], b.name[:n]); c != 0 {
		return c
	}
	return int(behind(a, n)) - int(behind(b, n))
}

// behind is the byte that counts at position n of a name.
func behind(e *treeEntry, n int) byte {
	if n < len(e.name) {
		return e.name[n]
	}
	if e.folder() {
		return '/'
	}
	return 0
}
