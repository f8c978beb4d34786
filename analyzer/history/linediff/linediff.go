// Package linediff finds the changed lines between two versions of a file, with the decisions of git's default diff, so that line
// counts agree with `git log --numstat` and owners of lines with `git blame`.
//
// The algorithm is that of E. W. Myers, "An O(ND) Difference Algorithm and Its Variations", Algorithmica 1 (1986), in its
// linear-space form, with git's three departures from it:
//
//   - lines that cannot match, or match all too often amid lines that cannot, never enter the comparison (reduce.go);
//   - an expensive comparison settles for a good split instead of the best one (split.go);
//   - changed regions that may stand in several places are moved to where a reader expects them (slide.go).
//
// The first two decide how many lines are changed, the third only which of several equal ones.
//
// Lines are compared as ids: two lines have one id if and only if their bytes are equal, with their newline or their lack of it.
package linediff

import (
	"bytes"
	"math/bits"
)

// Hunk is one changed region: lines [A0, A1) of the old version gave way to lines [B0, B1) of the new one. Lines count from 0.
// One of the two ranges may be empty.
type Hunk struct{ A0, A1, B0, B1 uint32 }

// Mode says how much of the two files a comparison sees. Lines that are not seen are equal, but they count in two decisions: which
// lines are too frequent to be compared, and where a changed region may move.
type Mode uint8

const (
	// Numstat sees whole files, as `git log --numstat` and `git diff` with lines of context do.
	Numstat Mode = iota
	// Blame leaves most of the common end unseen, as `git blame` and `git diff -U0` do.
	Blame
)

// Lines tells of each line what a comparison asks beyond equality. The slices are indexed by line id and are only read.
type Lines struct {
	// Indent holds [Indent] of each line.
	Indent []uint8
	// Size is in bytes, the newline included. Only [Blame] needs it.
	Size []uint32
	// Text gives the bytes of a line. Only [Blame] asks for it, and seldom: when the two lines before the common end may complete one
	// more of git's blocks (see unseen). nil is taken as "no two different lines end alike".
	Text func(id uint32) []byte
}

// Blank is the indentation of a line of nothing but white space.
const Blank = 255

// maxIndent is where git stops counting columns of indentation.
const maxIndent = 200

// Indent measures the indentation of a line in columns: spaces count one, a tab leads to the next multiple of 8, carriage returns and
// newlines count nothing. It is at most 200; [Blank] for a line of white space alone (of less than 200 columns).
func Indent(line []byte) uint8 {
	n := 0
	for _, c := range line {
		switch c {
		case ' ':
			n++
		case '\t':
			n += 8 - n%8
		case '\n', '\r':
		default:
			return uint8(n)
		}
		if n >= maxIndent {
			return maxIndent
		}
	}
	return Blank
}

// DefaultLimit is a thousand times what the dearest pair of five real histories asked for, and takes half a minute; hostile pairs could ask
// for hours.
const DefaultLimit = 1 << 32

// Differ compares versions of files. It holds scratch memory that grows to the largest comparison and to the largest line id of a changed
// region (8 bytes an id). The zero value is ready; one Differ serves one goroutine.
type Differ struct {
	// Limit bounds the search of one comparison, in steps of some nanoseconds: diagonals entered, and lines followed along them. 0 is
	// [DefaultLimit]. A comparison that reaches it takes what is left as changed: an answer that is correct and always the same, but
	// larger than git's.
	Limit uint64
	// Exhausted counts the comparisons that reached the limit, since the Differ was made.
	Exhausted int

	tally []uint64 // reduce.go
	a, b  side
	split searcher
	// The classes of the two sides as [Blame] sees them, while [Differ.Both] looks at whole files.
	seenA, seenB []uint8
}

// side is the scratch memory of one of the two versions.
type side struct {
	class   []uint8  // of each line of the middle
	kept    []uint32 // the lines of the middle that are compared, ascending
	ids     []uint32 // of the kept lines
	changed []byte   // of each line of the middle: 1 if it is changed
	groups  []group
}

// Diff appends the changed regions between a and b to dst: ascending, with at least one equal line between two of them.
func (d *Differ) Diff(dst []Hunk, a, b []uint32, lines *Lines, mode Mode) []Hunk {
	suffix := commonSuffix(a, b)
	if mode == Blame {
		cut := unseen(a, b, suffix, lines)
		a, b = a[:len(a)-cut], b[:len(b)-cut]
		suffix -= cut
	}
	m := trim(a, b, suffix)
	if m.trivial() || !d.count(a, b, m) {
		d.whole(m)
		return d.hunks(dst, a, b, lines)
	}
	d.scan(a[:m.lo])
	d.scan(a[m.ahi:])
	d.classify(a, b, m, len(a), len(b))
	d.clear(a, b, m)
	d.compare(a, b, m)
	d.group(m)
	return d.hunks(dst, a, b, lines)
}

// Count gives the number of lines of b that are not in a, and of a that are not in b, as git counts them for numstat.
func (d *Differ) Count(a, b []uint32) (added, removed uint32) {
	m := trim(a, b, commonSuffix(a, b))
	if m.trivial() || !d.count(a, b, m) {
		return m.size()
	}
	d.scan(a[:m.lo])
	d.scan(a[m.ahi:])
	d.classify(a, b, m, len(a), len(b))
	d.clear(a, b, m)
	d.compare(a, b, m)
	return d.size()
}

// Both gives Diff in [Blame] and Count at once. The two see different parts of the files; where this makes no difference to the
// classes of lines, they share one comparison.
func (d *Differ) Both(dst []Hunk, a, b []uint32, lines *Lines) (hunks []Hunk, added, removed uint32) {
	suffix := commonSuffix(a, b)
	cut := unseen(a, b, suffix, lines)
	m := trim(a, b, suffix)
	if m.lo > min(len(a), len(b))-cut {
		// What is unseen reaches into the common beginning, so that the two trim to different middles.
		added, removed = d.Count(a, b)
		return d.Diff(dst, a, b, lines, Blame), added, removed
	}
	seenA, seenB := a[:len(a)-cut], b[:len(b)-cut]
	if m.trivial() || !d.count(a, b, m) {
		d.whole(m)
		added, removed = m.size()
		return d.hunks(dst, seenA, seenB, lines), added, removed
	}
	d.scan(a[:m.lo])
	d.scan(a[m.ahi:len(seenA)])
	d.classify(a, b, m, len(seenA), len(seenB))
	if cut == 0 {
		d.clear(a, b, m)
		d.compare(a, b, m)
		added, removed = d.size()
	} else {
		d.seenA, d.seenB = append(d.seenA[:0], d.a.class...), append(d.seenB[:0], d.b.class...)
		d.scan(a[len(seenA):])
		d.classify(a, b, m, len(a), len(b))
		d.clear(a, b, m)
		d.compare(a, b, m)
		added, removed = d.size()
		if !bytes.Equal(d.a.class, d.seenA) || !bytes.Equal(d.b.class, d.seenB) {
			d.a.class, d.seenA = d.seenA, d.a.class
			d.b.class, d.seenB = d.seenB, d.b.class
			d.compare(a, b, m)
		}
	}
	d.group(m)
	return d.hunks(dst, seenA, seenB, lines), added, removed
}

// size counts the changed lines of the last comparison.
func (d *Differ) size() (added, removed uint32) {
	return uint32(bytes.Count(d.b.changed, changed)), uint32(bytes.Count(d.a.changed, changed))
}

// changed is the mark of a changed line, as [bytes.Count] wants it.
var changed = []byte{1}

// middle is what is left of two versions without their common beginning and end: lines [lo, ahi) of the old one and [lo, bhi) of the
// new one.
type middle struct{ lo, ahi, bhi int }

// trivial says whether one side is empty, so that all of the other is changed.
func (m middle) trivial() bool { return m.lo == m.ahi || m.lo == m.bhi }

// size counts the lines of the middle, all being changed.
func (m middle) size() (added, removed uint32) { return uint32(m.bhi - m.lo), uint32(m.ahi - m.lo) }

// trim gives the middle of a and b, the last suffix lines of which are equal. What both ends claim is the beginning's.
func trim(a, b []uint32, suffix int) middle {
	lo := commonPrefix(a, b)
	suffix = min(suffix, len(a)-lo, len(b)-lo)
	return middle{lo, len(a) - suffix, len(b) - suffix}
}

// block is how many lines are compared at once: one call of the runtime's vectorised memory comparison.
const block = 64

func commonPrefix(a, b []uint32) int {
	n := min(len(a), len(b))
	a, b = a[:n], b[:n]
	i := 0
	for ; i+block <= n && [block]uint32(a[i:]) == [block]uint32(b[i:]); i += block {
	}
	for ; i < n && a[i] == b[i]; i++ {
	}
	return i
}

func commonSuffix(a, b []uint32) int {
	n := min(len(a), len(b))
	a, b = a[len(a)-n:], b[len(b)-n:]
	i := n
	for ; i >= block && [block]uint32(a[i-block:]) == [block]uint32(b[i-block:]); i -= block {
	}
	for ; i > 0 && a[i-1] == b[i-1]; i-- {
	}
	return n - i
}

// unseenBlock is the unit in bytes in which git cuts a common end off.
const unseenBlock = 1024

// unseen gives how many of the suffix lines at the end of a and b git leaves unseen in [Blame]: it cuts equal blocks of 1024 bytes off,
// and then gives back what precedes the first end of a line in the cut, so that at least one line of the cut is seen.
func unseen(a, b []uint32, suffix int, lines *Lines) int {
	size := uint64(0)
	for _, id := range a[len(a)-suffix:] {
		size += uint64(lines.Size[id])
	}
	cut := size / unseenBlock * unseenBlock
	// The lines before the equal ones may end alike, which may make one block more. The cut then begins in these lines, so that every
	// line behind them is unseen.
	if i, j := len(a)-suffix-1, len(b)-suffix-1; i >= 0 && j >= 0 && lines.Text != nil {
		x, y := a[i], b[j]
		if need := cut + unseenBlock - size; uint64(min(lines.Size[x], lines.Size[y])) >= need && endAlike(lines.Text(x), lines.Text(y), int(need)) {
			return suffix
		}
	}
	if cut == 0 {
		return 0
	}
	n := suffix
	for _, id := range a[len(a)-suffix:] {
		if size < cut { // what is left begins behind the first end of a line in the cut
			break
		}
		size -= uint64(lines.Size[id])
		n--
	}
	return n
}

// endAlike says whether the last n bytes of x and y are equal.
func endAlike(x, y []byte, n int) bool {
	return len(x) >= n && len(y) >= n && string(x[len(x)-n:]) == string(y[len(y)-n:])
}

// roughRoot is the power of two next above the square root of n, as git estimates roots: 1 for 0, else 2^ceil(bits/2).
func roughRoot(n int) int {
	return 1 << ((bits.Len(uint(n)) + 1) / 2)
}
