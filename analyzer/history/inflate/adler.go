package inflate

import "encoding/binary"

const (
	adlerMod = 65521
	// adlerWords is how many words of 8 bytes fit before a 16-bit lane of weights overflows: 255*23*22/2 < 2^16.
	adlerWords = 23
	// adlerGroups is how many of such groups the 64-bit sums can take: far more than is needed; a bound for the remainder only.
	adlerGroups = 1 << 10
)

// adler32 returns the Adler-32 sum of p (RFC 1950).
//
// The sum is that of the bytes, and that of all its intermediate values. Both are had for 8 bytes at a time: even and
// odd bytes of a word are added to four lanes of 16 bits each, and the lanes' intermediate values to four more.
func adler32(p []byte) uint32 {
	const low = 0x00ff00ff00ff00ff
	a, b := uint64(1), uint64(0)
	for groups := 0; len(p) >= 8; groups++ {
		if groups == adlerGroups {
			a, b, groups = a%adlerMod, b%adlerMod, 0
		}
		n := min(len(p)/8, adlerWords) * 8
		var even, odd, evens, odds uint64
		for q := p[:n]; len(q) >= 8; q = q[8:] {
			w := binary.LittleEndian.Uint64(q)
			evens += even
			odds += odd
			even += w & low
			odd += w >> 8 & low
		}
		p = p[n:]
		// A byte at place k of its word is counted 8-k times by the word's end, and 8 times by each later word.
		b += uint64(n)*a + 8*(lanes(evens)+lanes(odds))
		b += lane(even, 0)*8 + lane(odd, 0)*7 + lane(even, 1)*6 + lane(odd, 1)*5 + lane(even, 2)*4 + lane(odd, 2)*3 + lane(even, 3)*2 + lane(odd, 3)
		a += lanes(even) + lanes(odd)
	}
	for _, c := range p {
		a += uint64(c)
		b += a
	}
	return uint32(b%adlerMod)<<16 | uint32(a%adlerMod)
}

func lane(v uint64, i uint) uint64 { return v >> (16 * i) & 0xffff }

// lanes returns the sum of the four lanes of v.
func lanes(v uint64) uint64 {
	const low = 0x0000ffff0000ffff
	v = v&low + v>>16&low
	return v&0xffffffff + v>>32
}
