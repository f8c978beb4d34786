package history

import (
	"bytes"
	"errors"
	"hash/maphash"
	"slices"

	"orrery/analyzer/facts"
	"orrery/analyzer/history/linediff"
	"orrery/analyzer/history/odb"
)

// binaryPrefix is how many bytes git looks at for a NUL, which makes a file binary.
const binaryPrefix = 8000

// maxLines is the cap on the lines of one file: in memory a line costs many times its bytes, and 64 MiB may be nothing but newlines.
const maxLines = 16 << 20

// text is a blob as lines. Lines are numbers: equal for equal bytes, in one [texts] between two resets.
type text struct {
	lines []uint32
	ends  []uint32 // offset behind each line
	// raw is the content of a blob that is no text and has never been split. lines is nil then.
	raw    []byte
	binary bool
	nul    bool // a NUL somewhere, perhaps too late to make it binary
	open   bool // the last line lacks its newline
	reason facts.Reason
	depth  int32 // of its chain of deltas
}

func (t *text) size() uint32 {
	if t.raw != nil {
		return uint32(len(t.raw))
	}
	if len(t.ends) == 0 {
		return 0
	}
	return t.ends[len(t.ends)-1]
}

// bytes is the memory that a text holds.
func (t *text) bytes() int { return 8*len(t.lines) + len(t.raw) + 96 }

// texts turns blobs into lines, for one worker.
//
// A delta says which stretches two blobs share, so the lines of a blob are spliced from those of its base: only lines that a delta touches
// are looked at. Every text is kept while there is room, and the first made goes first: chains lead from the new to the old, so what was
// made first on the way to an old version is wanted last.
type texts struct {
	db     *odb.Database
	reader *odb.Reader
	limits odb.Limits
	budget int // bytes of texts, and a third as many of distinct lines

	of     []*text      // by object number
	queue  []odb.Number // in the order made; before oldest already forgotten
	oldest int
	used   int

	// Distinct lines: an open-addressing table of numbers, and by number the bytes' place.
	seed  maphash.Seed
	slots []slot
	at    []uint32 // by number: page and offset where its bytes begin
	pages [][]byte
	held  int // bytes of all pages
	info  linediff.Lines

	chain               []step
	delta, whole, carry []byte
	outLines, outEnds   []uint32
	madeNul, seenNul    bool // a NUL in the text that is being made; in any line
}

type slot struct{ hash, line uint32 } // line is the number plus one

type step struct {
	n odb.Number
	e odb.Entry
}

func newTexts(db *odb.Database, reader *odb.Reader, limits odb.Limits, budget int) *texts {
	s := &texts{db: db, reader: reader, limits: limits, budget: budget, of: make([]*text, db.Len()), seed: maphash.MakeSeed()}
	s.slots = make([]slot, minSlots)
	s.info.Text = s.bytesOf
	return s
}

const minSlots = 1 << 12

// settle makes room between two lineages: only then may the numbers of lines change.
func (s *texts) settle() {
	if s.held+8*len(s.slots)+9*len(s.at) < s.budget/3 {
		return
	}
	for _, n := range s.queue {
		s.of[n] = nil
	}
	s.queue, s.oldest, s.used = s.queue[:0], 0, 0
	clear(s.slots)
	s.at, s.pages, s.held = s.at[:0], nil, 0
	s.info.Indent, s.info.Size = s.info.Indent[:0], s.info.Size[:0]
	if len(s.slots) > minSlots && 8*len(s.slots) > s.budget/3 {
		// One enormous lineage does not make the rest of the run expensive.
		s.slots = make([]slot, minSlots)
	}
}

// Lines lie in pages that are never moved; one that is longer than a page has a page of its own.
const (
	pageBits = 18
	pageSize = 1 << pageBits
)

func (s *texts) bytesOf(line uint32) []byte {
	at, size := s.at[line], s.info.Size[line]
	return s.pages[at>>pageBits][at&(pageSize-1):][:size:size]
}

// store puts a line's bytes into a page.
func (s *texts) store(line []byte) {
	last := len(s.pages) - 1
	if last < 0 || cap(s.pages[last])-len(s.pages[last]) < len(line) || len(s.pages[last]) >= pageSize {
		size := max(pageSize, len(line))
		s.pages = append(s.pages, make([]byte, 0, size))
		s.held += size
		last++
	}
	s.at = append(s.at, uint32(last)<<pageBits|uint32(len(s.pages[last])))
	s.pages[last] = append(s.pages[last], line...)
}

// number gives the number of a line.
func (s *texts) number(line []byte) uint32 {
	hash := maphash.Bytes(s.seed, line)
	mask := uint64(len(s.slots) - 1)
	short := uint32(hash >> 32)
	i := hash & mask
	for ; s.slots[i].line != 0; i = (i + 1) & mask {
		if s.slots[i].hash == short && bytes.Equal(s.bytesOf(s.slots[i].line-1), line) {
			return s.slots[i].line - 1
		}
	}
	n := uint32(len(s.at))
	s.slots[i] = slot{short, n + 1}
	s.seenNul = s.seenNul || bytes.IndexByte(line, 0) >= 0
	s.store(line)
	s.info.Indent = append(s.info.Indent, linediff.Indent(line))
	s.info.Size = append(s.info.Size, uint32(len(line)))
	if uint64(len(s.at))*2 > uint64(len(s.slots)) {
		s.grow()
	}
	return n
}

func (s *texts) grow() {
	s.slots = make([]slot, 2*len(s.slots))
	mask := uint64(len(s.slots) - 1)
	for n := range s.at {
		hash := maphash.Bytes(s.seed, s.bytesOf(uint32(n)))
		i := hash & mask
		for s.slots[i].line != 0 {
			i = (i + 1) & mask
		}
		s.slots[i] = slot{uint32(hash >> 32), uint32(n) + 1}
	}
}

// text gives a blob as lines. An unreadable one has a reason. It may be used until the next call of settle.
func (s *texts) text(n odb.Number) *text {
	s.chain = s.chain[:0]
	var t *text
	for at := n; t == nil; {
		if t = s.of[at]; t != nil {
			break
		}
		e, err := s.reader.Entry(at)
		switch {
		case err != nil:
			t = s.keep(at, &text{reason: reasonOf(err)})
		case e.Base != odb.None && len(s.chain) >= s.limits.Depth:
			return s.keep(n, &text{reason: facts.TooDeep})
		case e.Base != odb.None:
			s.chain = append(s.chain, step{at, e})
			at = e.Base
		default:
			t = s.keep(at, s.read(at, e))
		}
	}
	// What is known by chance makes no chain shorter: the answer must not depend on what was read before.
	if int(t.depth)+len(s.chain) > s.limits.Depth {
		return s.keep(n, &text{reason: facts.TooDeep})
	}
	for i := len(s.chain) - 1; i >= 0; i-- {
		depth := t.depth + 1
		t = s.apply(t, s.chain[i].e)
		t.depth = depth
		t = s.keep(s.chain[i].n, t)
	}
	return t
}

func reasonOf(err error) facts.Reason { return odb.ReasonOf(odb.Fail(facts.ID{}, err)) }

// keep remembers a text and forgets the oldest ones above the budget.
func (s *texts) keep(n odb.Number, t *text) *text {
	if s.of[n] != nil {
		return t
	}
	s.of[n] = t
	s.queue = append(s.queue, n)
	s.used += t.bytes()
	for s.used > s.budget && s.oldest < len(s.queue)-1 {
		old := s.queue[s.oldest]
		s.used -= s.of[old].bytes()
		s.of[old] = nil
		s.oldest++
	}
	if s.oldest > len(s.queue)/2 {
		s.queue = slices.Delete(s.queue, 0, s.oldest)
		s.oldest = 0
	}
	return t
}

var errNotBlob = errors.New("not a blob")

// read reads an object that is stored whole.
func (s *texts) read(n odb.Number, e odb.Entry) *text {
	var err error
	if e.Kind == 0 { // loose
		var kind odb.Kind
		var data []byte
		kind, data, err = s.reader.Object(n)
		s.whole = append(s.whole[:0], data...)
		s.reader.Release()
		if err == nil && kind != odb.Blob {
			err = errNotBlob
		}
	} else if e.Kind != odb.Blob {
		err = errNotBlob
	} else {
		s.whole, err = s.reader.Inflate(s.whole, e)
	}
	if err != nil {
		return &text{reason: reasonOf(err)}
	}
	return s.split(s.whole)
}

// split makes lines of a whole content.
func (s *texts) split(b []byte) *text {
	if bytes.IndexByte(b[:min(len(b), binaryPrefix)], 0) >= 0 {
		return &text{raw: bytes.Clone(b), binary: true, nul: true}
	}
	if len(b) > maxLines && bytes.Count(b, []byte{'\n'}) > maxLines {
		return &text{reason: facts.TooLarge}
	}
	s.start()
	s.feed(b)
	return s.finish()
}

func (s *texts) start() {
	s.outLines, s.outEnds, s.carry, s.madeNul = s.outLines[:0], s.outEnds[:0], s.carry[:0], false
}

func (s *texts) put(line []byte) {
	end := uint32(len(line))
	if n := len(s.outEnds); n > 0 {
		end += s.outEnds[n-1]
	}
	s.outLines = append(s.outLines, s.number(line))
	s.outEnds = append(s.outEnds, end)
	// Most repositories have no line with a NUL in what git takes for text: then no line is searched twice.
	if s.seenNul && !s.madeNul && bytes.IndexByte(line, 0) >= 0 {
		s.madeNul = true
	}
}

// feed adds bytes to the text that is being made.
func (s *texts) feed(b []byte) {
	if len(s.carry) > 0 {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			s.carry = append(s.carry, b...)
			return
		}
		s.carry = append(s.carry, b[:i+1]...)
		b = b[i+1:]
		s.put(s.carry)
		s.carry = s.carry[:0]
	}
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			s.carry = append(s.carry, b...)
			return
		}
		s.put(b[:i+1])
		b = b[i+1:]
	}
}

func (s *texts) finish() *text {
	t := &text{nul: s.madeNul}
	if len(s.carry) > 0 {
		s.put(s.carry)
		t.open = true
		t.nul = s.madeNul
	}
	// One allocation for both columns, of the exact size: there are very many of them.
	n := len(s.outLines)
	both := make([]uint32, 2*n)
	t.lines, t.ends = both[:n:n], both[n:]
	copy(t.lines, s.outLines)
	copy(t.ends, s.outEnds)
	return t
}

// apply makes the text that a delta makes of its base.
func (s *texts) apply(base *text, e odb.Entry) *text {
	if base.reason != facts.Measured {
		return &text{reason: base.reason}
	}
	var err error
	if s.delta, err = s.reader.Inflate(s.delta, e); err != nil {
		return &text{reason: reasonOf(err)}
	}
	d, err := odb.ParseDelta(s.delta)
	if err == nil && d.Base != uint64(base.size()) {
		err = errDelta
	}
	if err == nil && d.Result > s.limits.Object {
		return &text{reason: facts.TooLarge}
	}
	if err != nil {
		return &text{reason: facts.Corrupt}
	}
	if base.raw != nil {
		out, err := d.Apply(s.whole, base.raw)
		if err != nil {
			return &text{reason: facts.Corrupt}
		}
		s.whole = out
		return s.split(out)
	}
	s.start()
	fits := s.splice(d, base)
	if len(s.outLines) > maxLines {
		return &text{reason: facts.TooLarge}
	}
	if !fits {
		return &text{reason: facts.Corrupt}
	}
	t := s.finish()
	if uint64(t.size()) != d.Result {
		return &text{reason: facts.Corrupt}
	}
	if t.nul = t.nul || base.nul; t.nul {
		s.findNul(t)
	}
	return t
}

var errDelta = errors.New("a delta is malformed")

// findNul says whether a NUL stands where git looks.
func (s *texts) findNul(t *text) {
	at := uint32(0)
	for i, line := range t.lines {
		b := s.bytesOf(line)
		if bytes.IndexByte(b[:min(len(b), int(binaryPrefix-at))], 0) >= 0 {
			t.binary = true
			return
		}
		if at = t.ends[i]; at >= binaryPrefix {
			return
		}
	}
}

// splice follows a delta, line by line where it copies lines as a whole.
func (s *texts) splice(d odb.Delta, base *text) bool {
	whole := len(base.lines) // lines that can be copied as they are
	if base.open {
		whole--
	}
	size := uint64(base.size())
	hint, hintAt := 0, uint32(0)
	made := uint64(0)
	for {
		insert, off64, n, more, err := d.Next()
		if err != nil || len(s.outLines) > maxLines {
			return false
		}
		if !more {
			break
		}
		if insert != nil {
			made += uint64(len(insert))
			if made > d.Result {
				return false
			}
			s.feed(insert)
			continue
		}
		made += n
		if off64+n > size || made > d.Result {
			return false
		}
		if n == 0 {
			continue
		}
		off, end := uint32(off64), uint32(off64+n)
		// The line that holds off. Copies mostly go forward.
		if off < hintAt {
			hint = 0
		}
		i := hint + firstAbove(base.ends[hint:], off)
		start := uint32(0)
		if i > 0 {
			start = base.ends[i-1]
		}
		if len(s.carry) > 0 || off != start || i >= whole {
			stop := min(base.ends[i], end)
			line := s.bytesOf(base.lines[i])
			s.carry = append(s.carry, line[off-start:stop-start]...)
			off = stop
			if stop == base.ends[i] && i < whole {
				s.put(s.carry)
				s.carry = s.carry[:0]
				i++
			}
		}
		if off < end && i < whole {
			// Here off is the start of line i and nothing is carried.
			j := i + firstAbove(base.ends[i:whole], end)
			if j > i {
				from := uint32(0)
				if i > 0 {
					from = base.ends[i-1]
				}
				to := uint32(0)
				if k := len(s.outEnds); k > 0 {
					to = s.outEnds[k-1]
				}
				s.outLines = append(s.outLines, base.lines[i:j]...)
				shift := to - from
				at := len(s.outEnds)
				s.outEnds = append(s.outEnds, base.ends[i:j]...)
				if shift != 0 {
					for k := range s.outEnds[at:] {
						s.outEnds[at+k] += shift
					}
				}
				off = base.ends[j-1]
				i = j
			}
		}
		if off < end {
			line := s.bytesOf(base.lines[i])
			from := uint32(0)
			if i > 0 {
				from = base.ends[i-1]
			}
			s.carry = append(s.carry, line[off-from:end-from]...)
		}
		hint = min(i, len(base.lines)-1)
		hintAt = 0
		if hint > 0 {
			hintAt = base.ends[hint-1]
		}
	}
	return made == d.Result
}

// firstAbove gives the first index of an ascending column whose value is above v, or its length. It looks near the beginning first.
func firstAbove(ends []uint32, v uint32) int {
	lo, width := 0, 4
	for lo+width < len(ends) && ends[lo+width] <= v {
		lo += width + 1
		width *= 2
	}
	hi := min(lo+width, len(ends))
	for lo < hi {
		if mid := (lo + hi) / 2; ends[mid] <= v {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}
