package inflate

import "math/bits"

// Sizes of RFC 1951.
const (
	maxCodeLen  = 15  // bits of a literal/length or distance code
	numPre      = 19  // symbols of the code length alphabet
	numLitLen   = 288 // symbols of the literal/length alphabet, the last two never valid
	numDist     = 32  // symbols of the distance alphabet, the last two never valid
	maxLitLen   = 286 // most literal/length codes that a dynamic block may declare
	maxDist     = 30  // most distance codes that a dynamic block may declare
	endOfBlock  = 256
	maxMatchLen = 258
)

// Bits that the primary tables are indexed with, and the entries that primary and sub-tables together can need at most
// (as zlib's enough.c computes for these alphabets and codes of 15 bits). More bits save sub-table look-ups in large
// objects and cost building time in small ones, of which git has many.
const (
	litBits   = 11
	litSize   = 2342
	distBits  = 8
	distSize  = 402
	preBits   = 7
	entryBits = 63 // mask of the bits an entry consumes: a constant that lets the compiler drop its check of shift counts
)

// An entry of a decoding table:
//
//	bits 0-7    bits to consume: the code, and its extra bits
//	bits 8-11   bits of the code alone; in a link, the bits its sub-table is indexed with
//	bit 13      end of block
//	bit 14      link to a sub-table
//	bit 15      special: end of block, link, or no code at all (neither of both)
//	bits 16-30  literal byte, base of a length or distance, or index of a sub-table
//	bit 31      literal
//
// Where an entry lies in a sub-table, its bits count from the end of the primary index.
type entry = uint32

const (
	flagEnd     entry = 1 << 13
	flagLink    entry = 1 << 14
	flagSpecial entry = 1 << 15
	flagLiteral entry = 1 << 31
)

// The entries of each symbol without the code, whose length l is added as l*codeUnit.
var (
	litEntries  = makeLitEntries()
	distEntries = makeDistEntries()
	preEntries  = makePreEntries()
)

const codeUnit = 1<<8 | 1

func makeLitEntries() (t [numLitLen]entry) {
	for i := range endOfBlock {
		t[i] = flagLiteral | entry(i)<<16
	}
	t[endOfBlock] = flagSpecial | flagEnd
	base := 3
	for i := range 28 {
		extra := max(0, i/4-1)
		t[endOfBlock+1+i] = entry(base)<<16 | entry(extra)
		base += 1 << extra
	}
	t[285] = maxMatchLen << 16
	t[286], t[287] = flagSpecial, flagSpecial
	return t
}

func makeDistEntries() (t [numDist]entry) {
	base := 1
	for i := range maxDist {
		extra := max(0, i/2-1)
		t[i] = entry(base)<<16 | entry(extra)
		base += 1 << extra
	}
	t[30], t[31] = flagSpecial, flagSpecial
	return t
}

// makePreEntries makes lengths literals, and repetitions matches: of zero, or of the length before if flagEnd is set.
func makePreEntries() (t [numPre]entry) {
	for i := range 16 {
		t[i] = flagLiteral | entry(i)<<16
	}
	t[16] = 3<<16 | 2 | flagEnd
	t[17] = 3<<16 | 3
	t[18] = 11<<16 | 7
	return t
}

// fixed holds the tables of blocks with fixed codes (RFC 1951, 3.2.6).
var fixed = makeFixed()

// tables decode a block: literals and lengths, then distances.
type tables struct {
	litWidth, distWidth uint // bits that the primary tables are indexed with
	lit                 [litSize]entry
	dist                [distSize]entry
}

// masks returns the masks of the primary indices. The constants let the compiler drop the bounds checks of look-ups.
func (t *tables) masks() (lit, dist uint64) {
	return (1<<t.litWidth - 1) & (1<<litBits - 1), (1<<t.distWidth - 1) & (1<<distBits - 1)
}

func makeFixed() *tables {
	var lit, dist code
	lit.reset()
	for i := range numLitLen {
		switch {
		case i < 144:
			lit.add(i, 8)
		case i < 256:
			lit.add(i, 9)
		case i < 280:
			lit.add(i, 7)
		default:
			lit.add(i, 8)
		}
	}
	dist.reset()
	for i := range numDist {
		dist.add(i, 5)
	}
	t := new(tables)
	var ok1, ok2 bool
	t.litWidth, ok1 = lit.build(t.lit[:], litBits, litEntries[:])
	t.distWidth, ok2 = dist.build(t.dist[:], distBits, distEntries[:])
	if !ok1 || !ok2 {
		panic("inflate: fixed codes")
	}
	return t
}

// code is a canonical Huffman code in the making: how many symbols have each length, and for each length a chain of them in ascending order.
// Chains are made while lengths are read, in place of a sort afterwards.
type code struct {
	count [maxCodeLen + 1]uint16
	last  [maxCodeLen + 1]uint16 // of each chain
	next  [heads + maxCodeLen + 1]uint16
}

// heads is where in next the chains begin, one element per length; before it each symbol has its own.
const heads = numLitLen + numDist

// reset makes c a code without symbols.
func (c *code) reset() {
	c.count = [maxCodeLen + 1]uint16{}
	for l := range c.last {
		c.last[l] = heads + uint16(l)
	}
}

// add gives symbol sym, larger than all before, a code of l bits.
func (c *code) add(sym int, l uint8) {
	l &= maxCodeLen
	c.count[l]++
	c.next[c.last[l]] = uint16(sym)
	c.last[l] = uint16(sym)
}

// build fills table and returns the bits that its primary part is indexed with: at most width, fewer if no code is longer.
// It returns false for a set of lengths that is no code: over-subscribed, or incomplete. Like zlib it allows two
// incomplete ones: no code at all, and a single code of one bit; using what they leave open is an error of the data.
//
// Codes are taken in order of their length, and the table doubles with each length: an entry is written once and then copied with
// its whole neighbourhood, which is far cheaper than writing each of its repetitions.
func (c *code) build(table []entry, width uint, entries []entry) (uint, bool) {
	left := 1 // codes of the present length that are still free
	shortest, longest := uint(0), uint(0)
	for l := uint(1); l <= maxCodeLen; l++ {
		n := c.count[l]
		left = left<<1 - int(n)
		if left < 0 {
			return 0, false
		}
		if n != 0 {
			longest = l
			if shortest == 0 {
				shortest = l
			}
		}
	}
	if left > 0 {
		if longest > 1 {
			return 0, false
		}
		table[0], table[1] = flagSpecial, flagSpecial
		if longest == 1 {
			table[0] = entries[c.next[heads+1]] + codeUnit
		}
		return 1, true
	}
	width = min(width, longest)

	// bits is the present code with its first bit lowest, as it lies in the stream.
	var bits uint
	for l := shortest; l <= width; l++ {
		if l > shortest {
			half := uint(1) << (l - 1)
			copy(table[half:2*half], table[:half])
		}
		unit := entry(l) * codeUnit
		sym := c.next[heads+l]
		for range c.count[l] {
			table[bits] = entries[sym] + unit
			sym = c.next[sym]
			bits = increment(bits, l)
		}
	}

	free := uint(1) << width // where the next sub-table begins
	var sub []entry
	prefix := ^uint(0)
	for l := width + 1; l <= longest; l++ {
		unit := entry(l-width) * codeUnit
		sym := c.next[heads+l]
		for n := c.count[l]; n > 0; n-- {
			if p := bits & (1<<width - 1); p != prefix {
				prefix = p
				// As codes are in order of length, the sub-table is as wide as it takes to use up all codes that can begin so.
				w := l - width
				room := 1<<w - int(n)
				for room > 0 && w+width < longest {
					w++
					room = room<<1 - int(c.count[w+width])
				}
				if free+1<<w > uint(len(table)) {
					return 0, false
				}
				sub = table[free : free+1<<w]
				table[p] = flagSpecial | flagLink | entry(free)<<16 | entry(w)<<8 | entry(width)
				free += 1 << w
			}
			e := entries[sym] + unit
			sym = c.next[sym]
			for i := bits >> width; i < uint(len(sub)); i += 1 << (l - width) {
				sub[i] = e
			}
			bits = increment(bits, l)
		}
	}
	return width, true
}

// increment returns the successor of code, of l bits, written with its first bit lowest.
func increment(code, l uint) uint {
	zeros := ^code & (1<<l - 1)
	if zeros == 0 {
		return 0
	}
	top := uint(1) << (bits.Len(zeros) - 1)
	return code&(top-1) | top
}
