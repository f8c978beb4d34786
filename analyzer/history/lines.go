package history

import (
	"bytes"
	"hash/maphash"
	"slices"

	"orrery/analyzer/facts"
	"orrery/analyzer/history/linediff"
	"orrery/analyzer/history/odb"
)

// text is the content of a version and, once they are asked for, its lines. Lines are numbers: equal for equal bytes, in one [texts] between
// two resets.
type text struct {
	*blob
	lines   []uint32
	ends    []uint32 // offset behind each line
	columns []uint32 // the memory of lines and ends
	split   bool     // lines are there
	lent    bool     // somebody may hold it, until the next rest
	gone    bool     // forgotten
	uses    int32    // versions of the lineage that stand with it
}

// bytes is the memory that a text holds.
func (t *text) bytes() int { return t.blob.bytes() + 4*cap(t.columns) + 96 }

// open says whether the last line lacks its newline.
func (t *text) open() bool { return len(t.raw) > 0 && t.raw[len(t.raw)-1] != '\n' }

// texts turns blobs into lines, for one worker.
//
// Lines are told apart in the order of history: where a content goes on like the version before, byte for byte, it has that version's lines,
// and only what differs is looked up (see split). The deltas that contents are stored as would not do: they do not follow history, and one of
// a hundred snippets has most lines of two neighbours in common.
//
// A text is kept as long as a version of the lineage wants it, and while there is room; the first made goes first.
type texts struct {
	builder
	budget int // bytes of texts, and a third as many of distinct lines

	of    map[odb.Number]*text
	queue []*text // in the order made; some are gone
	used  int

	// Distinct lines: an open-addressing table of numbers, and by number the bytes' place.
	seed  maphash.Seed
	slots []slot
	at    []uint32 // by number: page and offset where its bytes begin
	pages [][]byte
	held  int // bytes of all pages
	info  linediff.Lines

	outLines, outEnds []uint32

	lent    []*text
	columns pool[uint32]
}

// slot names a line: by its hash, its number plus one, and where its bytes begin, so that finding a line touches the slot and the bytes alone.
type slot struct{ hash, line, at uint32 }

const slotBytes = 12

func newTexts(all *blobs, reader *odb.Reader, limits odb.Limits, budget int) *texts {
	s := &texts{
		builder: builder{blobs: all, reader: reader, limits: limits}, budget: budget, of: map[odb.Number]*text{},
		seed: maphash.MakeSeed(), slots: make([]slot, minSlots), columns: pool[uint32]{most: budget / 4 / 4},
	}
	s.info.Text = s.bytesOf
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
	s.columns.put(t.columns)
	s.blobs.release(t.blob)
	*t = text{gone: true}
}

// settle makes room between two lineages: only then may the numbers of lines change.
func (s *texts) settle() {
	if s.held+slotBytes*len(s.slots)+9*len(s.at) < s.budget/3 {
		return
	}
	for _, t := range s.of {
		s.drop(t)
	}
	s.queue = s.queue[:0]
	clear(s.slots)
	s.at, s.pages, s.held = s.at[:0], nil, 0
	s.info.Indent, s.info.Size = s.info.Indent[:0], s.info.Size[:0]
	if len(s.slots) > minSlots && slotBytes*len(s.slots) > s.budget/3 {
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
	hash := uint32(maphash.Bytes(s.seed, line))
	mask := uint32(len(s.slots) - 1)
	i := hash & mask
	for ; s.slots[i].line != 0; i = (i + 1) & mask {
		if s.slots[i].hash == hash && s.is(&s.slots[i], line) {
			return s.slots[i].line - 1
		}
	}
	n := uint32(len(s.at))
	s.store(line)
	s.slots[i] = slot{hash, n + 1, s.at[n]}
	s.info.Indent = append(s.info.Indent, linediff.Indent(line))
	s.info.Size = append(s.info.Size, uint32(len(line)))
	if uint64(len(s.at))*2 > uint64(len(s.slots)) {
		s.grow()
	}
	return n
}

// is says whether a slot's line has these bytes. A line ends with its first newline, so two that begin alike up to one are equal.
func (s *texts) is(c *slot, line []byte) bool {
	stored := s.pages[c.at>>pageBits][c.at&(pageSize-1):]
	return len(stored) >= len(line) && string(stored[:len(line)]) == string(line) &&
		(line[len(line)-1] == '\n' || s.info.Size[c.line-1] == uint32(len(line)))
}

func (s *texts) grow() {
	old := s.slots
	s.slots = make([]slot, 2*len(old))
	mask := uint32(len(s.slots) - 1)
	for _, c := range old {
		if c.line == 0 {
			continue
		}
		i := c.hash & mask
		for s.slots[i].line != 0 {
			i = (i + 1) & mask
		}
		s.slots[i] = c
	}
}

// text gives an object as lines. An unreadable one has a reason, and a binary one no lines. like is a text with lines that may have many in
// common with it, or nil. The answer may be used until the next call of rest.
func (s *texts) text(n odb.Number, like *text) *text {
	if like != nil {
		s.lend(like)
	}
	t := s.of[n]
	if t == nil {
		t = &text{blob: s.blob(n)}
		s.of[n] = t
		s.used += t.bytes()
		s.queue = append(s.queue, t)
	}
	s.lend(t)
	if !t.split && !t.binary && t.reason == facts.Measured {
		s.used -= t.bytes()
		s.split(t, like)
		s.used += t.bytes()
	}
	s.forget()
	return t
}

// done says that one of the versions that stand with an object will not be asked for again.
func (s *texts) done(n odb.Number) {
	if t := s.of[n]; t != nil {
		if t.uses--; t.uses <= 0 {
			s.drop(t)
		}
	}
	s.blobs.done(n)
}

// forget drops the oldest texts above the budget, never the last.
func (s *texts) forget() {
	for s.used > s.budget && len(s.queue) > 1 {
		if !s.queue[0].gone {
			s.drop(s.queue[0])
		}
		s.queue = s.queue[1:]
	}
	if len(s.queue) > 2*len(s.of)+64 {
		s.queue = slices.DeleteFunc(s.queue, func(t *text) bool { return t.gone })
	}
}

func (s *texts) drop(t *text) {
	delete(s.of, t.n)
	s.used -= t.bytes()
	if t.gone = true; !t.lent {
		s.recycle(t)
	}
}

// split makes the lines of a text.
//
// It goes through the text and like side by side. What goes on as like does has like's lines. A line that does not is looked up; then like
// is taken up again at that line, where it has it near by.
func (s *texts) split(t, like *text) {
	t.split = true
	s.outLines, s.outEnds = s.outLines[:0], s.outEnds[:0]
	if like == nil || len(like.ends) == 0 {
		like = &text{blob: &blob{}}
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
	if t.columns = s.columns.get(2 * n); t.columns == nil {
		t.columns = s.columns.fresh(2 * n)
	}
	t.lines, t.ends = t.columns[:n:n], t.columns[n:]
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
