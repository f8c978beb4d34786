package inflate

import "encoding/binary"

const (
	adlerMod = 65521
	// adlerBytes are summed before the lanes are emptied. After w words a lane of the weights holds up to 255*w*(w-1)/2, below 2^16
	// for 23 words; 20 are a multiple of what a turn of the loop takes.
	adlerBytes = 20 * 8
)

// adler32 returns the Adler-32 sum of p (RFC 1950).
//
// It holds the sum a of the bytes, and the sum b of all values that a takes. Eight bytes are taken at a time: the even and
// the odd ones are added to four lanes of 16 bits each, and what the lanes hold before each word to four more.
func adler32(p []byte) uint32 {
	a, b := uint64(1), uint64(0)
	for len(p) >= 32 {
		n := min(len(p)&^31, adlerBytes)
		var s lanes
		for q := p[:n]; len(q) >= 32; q = q[32:] {
			s = s.add(binary.LittleEndian.Uint64(q))
			s = s.add(binary.LittleEndian.Uint64(q[8:]))
			s = s.add(binary.LittleEndian.Uint64(q[16:]))
			s = s.add(binary.LittleEndian.Uint64(q[24:]))
		}
		p = p[n:]
		// The byte at place k of a word counts 8-k times up to the word's end, and 8 times for each later word.
		b += uint64(n)*a + 8*(sum(s.evens)+sum(s.odds)) +
			lane(s.even, 0)*8 + lane(s.odd, 0)*7 + lane(s.even, 1)*6 + lane(s.odd, 1)*5 +
			lane(s.even, 2)*4 + lane(s.odd, 2)*3 + lane(s.even, 3)*2 + lane(s.odd, 3)
		a += sum(s.even) + sum(s.odd)
		a, b = a%adlerMod, b%adlerMod
	}
	for _, c := range p {
		a += uint64(c)
		b += a
	}
	return uint32(b%adlerMod)<<16 | uint32(a%adlerMod)
}

// lanes are sums of bytes, and of what these sums were before each word.
type lanes struct {
	even, odd, evens, odds uint64
}

func (s lanes) add(word uint64) lanes {
	const low = 0x00ff00ff00ff00ff
	return lanes{s.even + word&low, s.odd + word>>8&low, s.evens + s.even, s.odds + s.odd}
}

func lane(v uint64, i uint) uint64 { return v >> (16 * i) & 0xffff }

// sum adds the four lanes of v.
func sum(v uint64) uint64 {
	const low = 0x0000ffff0000ffff
	v = v&low + v>>16&low
	return v&0xffffffff + v>>32
}
