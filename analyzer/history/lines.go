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

// text is the content of a blob and, once they are asked for, its lines. Lines are numbers: equal for equal bytes, in one [texts] between
// two resets.
type text struct {
	raw     []byte
	lines   []uint32
	ends    []uint32      // offset behind each line
	split   bool          // lines are there
	content *slab[byte]   // the memory of raw
	columns *slab[uint32] // the memory of lines and ends
	binary  bool
	lent    bool // somebody may hold it, until the next rest
	gone    bool // forgotten
	reason  facts.Reason
	depth   int32 // of its chain of deltas
}

// bytes is the memory that a text holds.
func (t *text) bytes() int { return len(t.raw) + 8*len(t.lines) + 128 }

// open says whether the last line lacks its newline.
func (t *text) open() bool { return len(t.raw) > 0 && t.raw[len(t.raw)-1] != '\n' }

// texts turns blobs into lines, for one worker.
//
// Contents are put together as bytes, along their chains of deltas. Lines are told apart in the order of history instead: where a content
// goes on like the version before, byte for byte, it has that version's lines, and only what differs is looked up (see split). That matters
// because chains do not follow history: a delta of a hundred snippets has most lines of two neighbours in common.
//
// Every text is kept while there is room, and the first made goes first: chains lead from the new to the old, so what was made first on the
// way to an old version is wanted last.
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

	chain             []step
	scratch           []byte
	outLines, outEnds []uint32

	// Memory of forgotten texts, for others: it need neither be cleared nor be collected.
	lent     []*text
	contents arena[byte]
	columns  arena[uint32]
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
	s.contents.size, s.columns.size = budget/8, budget/8/4
	return s
}

const minSlots = 1 << 12

// lend notes that somebody holds a text.
func (s *texts) lend(t *text) {
	if !t.lent {
		t.lent = true
		s.lent = append(s.lent, t)
	}
}

// rest says that nobody holds a text any more that is gone.
func (s *texts) rest() {
	for _, t := range s.lent {
		if t.lent = false; t.gone {
			s.recycle(t)
		}
	}
	s.lent = s.lent[:0]
}

func (s *texts) recycle(t *text) {
	s.contents.put(t.content)
	s.columns.put(t.columns)
	*t = text{gone: true}
}

// settle makes room between two lineages: only then may the numbers of lines change.
func (s *texts) settle() {
	if s.held+8*len(s.slots)+9*len(s.at) < s.budget/3 {
		return
	}
	for _, n := range s.queue[s.oldest:] {
		s.drop(n)
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

// text gives a blob as lines. An unreadable one has a reason, and a binary one no lines. like is a text with lines that may have many in
// common with it, or nil. The answer may be used until the next call of settle.
func (s *texts) text(n odb.Number, like *text) *text {
	if like != nil {
		s.lend(like)
	}
	t := s.of[n]
	if t == nil {
		t = s.blob(n)
	}
	s.lend(t)
	if !t.split && !t.binary && t.reason == facts.Measured {
		s.split(t, like)
		if s.of[n] == t {
			s.used += 8 * len(t.lines)
			s.forget()
		}
	}
	return t
}

// blob gives a content that is not kept.
func (s *texts) blob(n odb.Number) *text {
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
	s.forget()
	return t
}

// forget drops the oldest texts above the budget, never the last.
func (s *texts) forget() {
	for s.used > s.budget && s.oldest < len(s.queue)-1 {
		s.drop(s.queue[s.oldest])
		s.oldest++
	}
	if s.oldest > len(s.queue)/2 {
		s.queue = slices.Delete(s.queue, 0, s.oldest)
		s.oldest = 0
	}
}

func (s *texts) drop(n odb.Number) {
	t := s.of[n]
	s.of[n] = nil
	s.used -= t.bytes()
	if t.gone = true; !t.lent {
		s.recycle(t)
	}
}

// arena gives memory in stretches of a few large chunks. Texts go in the order in which they were made, so that whole chunks fall free, which
// need neither be cleared nor be collected before they are filled again.
type arena[T any] struct {
	size int // elements of a chunk
	last *slab[T]
	free []*slab[T]
}

type slab[T any] struct {
	buf  []T
	live int // stretches that are in use
}

// get gives n elements with anything in them, and the chunk to put back for them: nil where the collector has to see to it.
func (a *arena[T]) get(n int) ([]T, *slab[T]) {
	if n > a.size/4 {
		return make([]T, n), nil
	}
	if a.last == nil || len(a.last.buf)+n > a.size {
		if k := len(a.free); k > 0 {
			a.last, a.free = a.free[k-1], a.free[:k-1]
		} else {
			a.last = &slab[T]{buf: make([]T, 0, a.size)}
		}
	}
	c := a.last
	lo := len(c.buf)
	c.buf = c.buf[:lo+n]
	c.live++
	return c.buf[lo : lo+n : lo+n], c
}

// put says that a stretch of a chunk is of no more use.
func (a *arena[T]) put(c *slab[T]) {
	if c == nil {
		return
	}
	if c.live--; c.live == 0 {
		if c.buf = c.buf[:0]; c != a.last {
			a.free = append(a.free, c)
		}
	}
}

var errNotBlob = errors.New("not a blob")

// read reads an object that is stored whole.
func (s *texts) read(n odb.Number, e odb.Entry) *text {
	var err error
	if e.Kind == 0 { // loose
		var kind odb.Kind
		var data []byte
		kind, data, err = s.reader.Object(n)
		s.scratch = append(s.scratch[:0], data...)
		s.reader.Release()
		if err == nil && kind != odb.Blob {
			err = errNotBlob
		}
	} else if e.Kind != odb.Blob {
		err = errNotBlob
	} else {
		s.scratch, err = s.reader.Inflate(s.scratch, e)
	}
	if err != nil {
		return &text{reason: reasonOf(err)}
	}
	content, home := s.contents.get(len(s.scratch))
	copy(content, s.scratch)
	return s.made(content, home)
}

// made is the text of a content.
func (s *texts) made(content []byte, of *slab[byte]) *text {
	if len(content) > maxLines && bytes.Count(content, []byte{'\n'}) > maxLines {
		s.contents.put(of)
		return &text{reason: facts.TooLarge}
	}
	return &text{raw: content, content: of, binary: bytes.IndexByte(content[:min(len(content), binaryPrefix)], 0) >= 0}
}

// apply makes the text that a delta makes of its base.
func (s *texts) apply(base *text, e odb.Entry) *text {
	if base.reason != facts.Measured {
		return &text{reason: base.reason}
	}
	var err error
	if s.scratch, err = s.reader.Inflate(s.scratch, e); err != nil {
		return &text{reason: reasonOf(err)}
	}
	d, err := odb.ParseDelta(s.scratch)
	if err == nil && d.Base != uint64(len(base.raw)) {
		err = errDelta
	}
	if err == nil && d.Result > s.limits.Object {
		return &text{reason: facts.TooLarge}
	}
	if err != nil {
		return &text{reason: facts.Corrupt}
	}
	content, home := s.contents.get(int(d.Result))
	if content, err = d.Apply(content, base.raw); err != nil {
		s.contents.put(home)
		return &text{reason: facts.Corrupt}
	}
	return s.made(content, home)
}

var errDelta = errors.New("a delta is malformed")

// split makes the lines of a text.
//
// It goes through the text and like side by side. What goes on as like does has like's lines. A line that does not is looked up; then like
// is taken up again at that line, where it has it near by.
func (s *texts) split(t, like *text) {
	t.split = true
	s.outLines, s.outEnds = s.outLines[:0], s.outEnds[:0]
	if like == nil || len(like.ends) == 0 {
		like = &text{}
	}
	i := 0      // next line of like
	missed := 0 // lines that like does not have, since it had one
	searched := 0
	for at := 0; at < len(t.raw); {
		// Lines that like does not have were put in, or stand for as many of like's.
		j := s.goOn(t.raw, at, like, i)
		if j == i && missed > 0 && i+missed < len(like.lines) {
			if j = s.goOn(t.raw, at, like, i+missed); j == i+missed {
				j = i
			}
		}
		if j > i {
			at, i, missed = int(s.outEnds[len(s.outEnds)-1]), j, 0
			continue
		}
		end := len(t.raw)
		if k := bytes.IndexByte(t.raw[at:], '\n'); k >= 0 {
			end = at + k + 1
		}
		known := len(s.at)
		line := s.number(t.raw[at:end])
		s.outLines = append(s.outLines, line)
		s.outEnds = append(s.outEnds, uint32(end))
		at = end
		missed++
		if int(line) < known {
			reach := nearBy << min(missed/2, 8)
			if searched > 16*(len(like.lines)+len(s.outLines)) {
				reach = nearBy // what is all lines in another order must not cost their square
			}
			var looked int
			i, looked = takeUp(like.lines, i, line, reach)
			searched += looked
		}
	}
	// One allocation for both columns, of the exact size: there are very many of them.
	n := len(s.outLines)
	both, home := s.columns.get(2 * n)
	t.lines, t.ends, t.columns = both[:n:n], both[n:], home
	copy(t.lines, s.outLines)
	copy(t.ends, s.outEnds)
}

// takeUp gives the line behind the nearest one that is the same within reach of line i, ahead before behind, or else i; and how many it looked at.
func takeUp(lines []uint32, i int, line uint32, reach int) (next, looked int) {
	ahead, behind := lines[i:min(len(lines), i+reach)], lines[max(0, i-reach):i]
	if k := slices.Index(ahead, line); k >= 0 {
		return i + k + 1, len(ahead)
	}
	for k := len(behind) - 1; k >= 0; k-- {
		if behind[k] == line {
			return i - len(behind) + k + 1, len(ahead) + len(behind)
		}
	}
	return i, len(ahead) + len(behind)
}

// goOn adds the lines that b has from at on as like has them from line i on, and gives the line of like behind them.
func (s *texts) goOn(b []byte, at int, like *text, i int) int {
	if i >= len(like.lines) {
		return i
	}
	start := uint32(0)
	if i > 0 {
		start = like.ends[i-1]
	}
	n := commonPrefix(like.raw[start:], b[at:])
	j := i + firstAbove(like.ends[i:], start+uint32(n))
	if j == len(like.lines) && like.open() && at+n < len(b) {
		j-- // the line goes on here
	}
	if j <= i {
		return i
	}
	s.outLines = append(s.outLines, like.lines[i:j]...)
	ends := len(s.outEnds)
	s.outEnds = append(s.outEnds, like.ends[i:j]...)
	if shift := uint32(at) - start; shift != 0 {
		for k := ends; k < len(s.outEnds); k++ {
			s.outEnds[k] += shift
		}
	}
	return j
}

// nearBy is how many lines ahead and behind are looked at first.
const nearBy = 64

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
