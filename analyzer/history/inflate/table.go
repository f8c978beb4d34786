package inflate

import "math/bits"

// Sizes of RFC 1951.
const (
	maxCodeLen  = 15  // bits of a literal/length or distance code
	maxPreLen   = 7   // bits of a code of the code length alphabet
	numPre      = 19  // symbols of the code length alphabet
	numLitLen   = 288 // symbols of the literal/length alphabet, the last two never valid
	numDist     = 32  // symbols of the distance alphabet, the last two never valid
	maxLitLen   = 286 // most literal/length codes that a dynamic block may declare
	maxDist     = 30  // most distance codes that a dynamic block may declare
	endOfBlock  = 256
	maxMatchLen = 258
)

// Bits that the primary tables are indexed with, and the entries that primary and sub-tables together can need at most
// (the figures that zlib's enough.c computes for these alphabets). More bits save sub-table look-ups in large
// objects and cost building time in small ones, of which git has many.
const (
	litBits   = 11
	litSize   = 2342
	distBits  = 8
	distSize  = 402
	preSize   = 1 << maxPreLen
	litMask   = 1<<litBits - 1
	distMask  = 1<<distBits - 1
	preMask   = 1<<maxPreLen - 1
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

// litEntries and distEntries are the entries of each symbol without the code, whose length l is added as l*codeUnit.
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

func makePreEntries() (t [numPre]entry) {
	for i := range t {
		t[i] = entry(i) << 16
	}
	return t
}

// fixed holds the tables of blocks with fixed codes (RFC 1951, 3.2.6).
var fixed = makeFixed()

type tables struct {
	lit  [litSize]entry
	dist [distSize]entry
}

func makeFixed() *tables {
	var lens [numLitLen + numDist]uint8
	for i := range lens {
		switch {
		case i < 144:
			lens[i] = 8
		case i < 256:
			lens[i] = 9
		case i < 280:
			lens[i] = 7
		case i < numLitLen:
			lens[i] = 8
		default:
			lens[i] = 5
		}
	}
	t := new(tables)
	if !build(t.lit[:], litBits, lens[:numLitLen], litEntries[:]) || !build(t.dist[:], distBits, lens[numLitLen:], distEntries[:]) {
		panic("inflate: fixed codes")
	}
	return t
}

// build fills table, whose primary part is indexed with width bits, for the canonical code with the given lengths.
// It reports false for a set of lengths that is no code: over-subscribed, or incomplete. Like zlib it allows two
// incomplete ones: no code at all, and a single code of one bit; using what they leave open is an error of the data.
//
// Codes are taken in order of their length, and the table doubles with each length: an entry is written once and then copied with
// its whole neighbourhood, which is far cheaper than writing each of its repetitions.
func build(table []entry, width uint, lens []uint8, entries []entry) bool {
	var count [maxCodeLen + 1]uint16
	for _, l := range lens {
		count[l&maxCodeLen]++
	}
	longest := uint(maxCodeLen)
	for longest > 0 && count[longest] == 0 {
		longest--
	}
	var next [maxCodeLen + 1]uint16 // where the symbols of a length begin in sorted
	left := 1                       // codes of the present length that are still free
	var sum uint16
	for l := 1; l <= maxCodeLen; l++ {
		next[l] = sum
		sum += count[l]
		left = left<<1 - int(count[l])
		if left < 0 {
			return false
		}
	}
	if left > 0 {
		if longest > 1 {
			return false
		}
		for i := range table[:1<<width] {
			table[i] = flagSpecial
		}
		for sym, l := range lens {
			if l == 1 {
				for i := 0; i < 1<<width; i += 2 {
					table[i] = entries[sym] + codeUnit
				}
			}
		}
		return true
	}

	var sorted [numLitLen]uint16
	for sym, l := range lens {
		if l != 0 {
			sorted[next[l&maxCodeLen]] = uint16(sym)
			next[l&maxCodeLen]++
		}
	}
	syms := sorted[:sum]

	// code is the present code with its first bit lowest, as it lies in the stream.
	var code uint
	direct := min(width, longest)
	for l := uint(1); l <= direct; l++ {
		half := uint(1) << (l - 1)
		copy(table[half:2*half], table[:half])
		unit := entry(l) * codeUnit
		for range count[l] {
			table[code] = entries[syms[0]] + unit
			syms = syms[1:]
			code = increment(code, l)
		}
	}
	for l := direct; l < width; l++ {
		copy(table[1<<l:2<<l], table[:1<<l])
	}

	free := uint(1) << width // where the next sub-table begins
	var sub []entry
	prefix := ^uint(0)
	for l := width + 1; l <= longest; l++ {
		unit := entry(l-width) * codeUnit
		for c := count[l]; c > 0; c-- {
			if p := code & (1<<width - 1); p != prefix {
				prefix = p
				// As codes are in order of length, the sub-table is as wide as it takes to use up all codes that can begin so.
				w := l - width
				room := 1<<w - int(c)
				for room > 0 && w+width < longest {
					w++
					room = room<<1 - int(count[w+width])
				}
				if free+1<<w > uint(len(table)) {
					return false
				}
				sub = table[free : free+1<<w]
				table[p] = flagSpecial | flagLink | entry(free)<<16 | entry(w)<<8 | entry(width)
				free += 1 << w
			}
			e := entries[syms[0]] + unit
			syms = syms[1:]
			for i := code >> width; i < uint(len(sub)); i += 1 << (l - width) {
				sub[i] = e
			}
			code = increment(code, l)
		}
	}
	return true
}

// increment returns the successor of a code of l bits that is written with its first bit lowest.
func increment(code, l uint) uint {
	zeros := ^code & (1<<l - 1)
	if zeros == 0 {
		return 0
	}
	top := uint(1) << (bits.Len(zeros) - 1)
	return code&(top-1) | top
}
