// Package inflate decodes zlib streams (RFC 1950, RFC 1951) that lie in memory as a whole, into buffers of known size.
//
// Git's packs are made of such streams, mostly short ones, and each object's size is declared before it. Knowing both ends
// spares the window, the reader and the copies of compress/zlib.
package inflate

import (
	"encoding/binary"
	"errors"
)

// What can be wrong with a stream. Errors of this package are one of these, unwrapped.
var (
	ErrTruncated = errors.New("zlib stream ends early")               // the source is used up before the stream's end
	ErrCorrupt   = errors.New("zlib stream is corrupt")               // a header, code, distance or block that cannot be
	ErrChecksum  = errors.New("zlib stream has a wrong checksum")     // the Adler-32 of the output is another one
	ErrTooLong   = errors.New("zlib stream is longer than declared")  // it yields more than the destination takes
	ErrTooShort  = errors.New("zlib stream is shorter than declared") // it ends before the destination is full
)

// Decoder holds the tables that decoding needs, so that no call allocates. The zero value is ready.
// It is not safe for concurrent use.
type Decoder struct {
	// SkipChecksum leaves the Adler-32 at the end of a stream unread by Zlib; it still has to be there.
	// Checking it takes some 5 % of the time.
	SkipChecksum bool

	src   []byte
	pos   int    // of the next byte of src to put into bits
	bits  uint64 // bits that are read but not used, first one lowest; above count there may be bits that are read again
	count uint   // of bits
	dst   []byte
	done  int // bytes of dst that are written

	dynamic tables
	code    code
	pre     [1 << preBits]entry
	lens    [numLitLen + numDist + 8]uint8 // of literals and distances in a row; runs are written 8 at a time
}

// Zlib decodes the zlib stream that begins at src[0] into dst, whose length is the stream's declared size, and returns how many bytes
// of src the stream takes. What follows the stream in src has no influence, but if there are some bytes, as in a pack there are,
// the last symbols are decoded faster.
//
// The stream must yield len(dst) bytes exactly. After an error n is 0 and the contents of dst are undefined.
// The cost is linear in len(dst) and the bytes of the stream; no memory is allocated.
func (d *Decoder) Zlib(dst, src []byte) (n int, err error) {
	d.start(dst, src)
	defer d.release()
	if err := d.header(); err != nil {
		return 0, err
	}
	if err := d.blocks(); err != nil {
		return 0, err
	}
	if d.done != len(dst) {
		return 0, ErrTooShort
	}
	n = d.pos - int(d.count>>3)
	if len(src)-n < 4 {
		return 0, ErrTruncated
	}
	if !d.SkipChecksum && adler32(dst) != binary.BigEndian.Uint32(src[n:]) {
		return 0, ErrChecksum
	}
	return n + 4, nil
}

// Prefix decodes the zlib stream that begins at src[0] until dst is full or the stream ends, and returns how many bytes it wrote. Nothing
// beyond them is judged, nor is the checksum: it serves to read the head of an object at little cost.
// If there is an error, the bytes written so far are those of the stream.
func (d *Decoder) Prefix(dst, src []byte) (written int, err error) {
	d.start(dst, src)
	defer d.release()
	if err := d.header(); err != nil {
		return 0, err
	}
	err = d.blocks()
	if err == ErrTooLong || d.done == len(dst) {
		err = nil
	}
	return d.done, err
}

func (d *Decoder) start(dst, src []byte) {
	d.src, d.pos, d.bits, d.count = src, 0, 0, 0
	d.dst, d.done = dst, 0
}

// release lets go of the caller's memory.
func (d *Decoder) release() {
	d.src, d.dst = nil, nil
}

// header reads the two bytes that zlib puts before the deflate stream. As compress/zlib and zlib do, it takes any window size: dst is the window.
func (d *Decoder) header() error {
	if len(d.src) < 2 {
		return ErrTruncated
	}
	const (
		deflate    = 8
		maxWindow  = 7
		dictionary = 1 << 5
	)
	method, flags := d.src[0], d.src[1]
	if method&15 != deflate || method>>4 > maxWindow || (uint(method)<<8|uint(flags))%31 != 0 || flags&dictionary != 0 {
		return ErrCorrupt
	}
	d.pos = 2
	return nil
}

// blocks decodes all blocks up to the final one.
func (d *Decoder) blocks() error {
	for {
		if !d.need(3) {
			return ErrTruncated
		}
		final, kind := d.bits&1, d.bits>>1&3
		d.drop(3)
		t := &d.dynamic
		var err error
		switch kind {
		case 0:
			err = d.stored()
		case 1:
			t = fixed
		case 2:
			err = d.readCodes()
		default:
			err = ErrCorrupt
		}
		if err == nil && kind != 0 {
			err = d.symbols(t)
		}
		if err != nil {
			return err
		}
		if final != 0 {
			return nil
		}
	}
}

// refill takes as many whole bytes of src into bits as fit, at least 56 bits unless src ends.
func (d *Decoder) refill() {
	if d.pos+8 <= len(d.src) {
		d.bits |= binary.LittleEndian.Uint64(d.src[d.pos:]) << (d.count & 63)
		d.pos += int((63 - d.count) >> 3)
		d.count |= 56
		return
	}
	for d.count < 56 && d.pos < len(d.src) {
		d.bits |= uint64(d.src[d.pos]) << (d.count & 63)
		d.pos++
		d.count += 8
	}
}

// need reports whether there are n bits, at most 56.
func (d *Decoder) need(n uint) bool {
	if d.count < n {
		d.refill()
	}
	return d.count >= n
}

func (d *Decoder) drop(n uint) {
	d.bits >>= n & 63
	d.count -= n
}

// stored copies a block that is not compressed.
func (d *Decoder) stored() error {
	p := d.pos - int(d.count>>3)
	d.bits, d.count = 0, 0
	if len(d.src)-p < 4 {
		return ErrTruncated
	}
	n := int(binary.LittleEndian.Uint16(d.src[p:]))
	if n^0xffff != int(binary.LittleEndian.Uint16(d.src[p+2:])) {
		return ErrCorrupt
	}
	p += 4
	from := d.src[p:]
	short := len(from) < n
	from = from[:min(n, len(from))]
	copied := copy(d.dst[d.done:], from)
	d.done += copied
	d.pos = p + copied
	if copied < len(from) {
		return ErrTooLong
	}
	if short {
		return ErrTruncated
	}
	return nil
}

// preOrder is the order in which lengths of the code length alphabet are sent.
var preOrder = [numPre]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// readCodes reads the head of a block with dynamic codes, and builds its tables.
func (d *Decoder) readCodes() error {
	if !d.need(14) {
		return ErrTruncated
	}
	nlit := int(d.bits&31) + 257
	ndist := int(d.bits>>5&31) + 1
	npre := int(d.bits>>10&15) + 4
	d.drop(14)
	if nlit > maxLitLen || ndist > maxDist {
		return ErrCorrupt
	}
	var pre [numPre]uint8
	const atOnce = 18 // 3 bits each: what one refill is sure to give
	for i := 0; i < npre; i += atOnce {
		n := min(npre-i, atOnce)
		if !d.need(uint(n) * 3) {
			return ErrTruncated
		}
		for j := range n {
			pre[preOrder[i+j]] = uint8(d.bits >> (3 * j & 63) & 7)
		}
		d.drop(uint(n) * 3)
	}
	c := &d.code
	c.reset()
	for sym, l := range pre {
		if l != 0 {
			c.add(sym, l)
		}
	}
	width, ok := c.build(d.pre[:], preBits, preEntries[:])
	if !ok {
		return ErrCorrupt
	}
	mask := uint64(1)<<width - 1

	c.reset()
	lens := &d.lens
	total := nlit + ndist
	bits, count := d.bits, d.count
	for i := 0; i < total; {
		if count < preBits+7 {
			d.bits, d.count = bits, count
			d.refill()
			bits, count = d.bits, d.count
		}
		e := d.pre[bits&mask&(1<<preBits-1)]
		used := uint(e & entryBits)
		if count < used {
			return ErrTruncated
		}
		if e&flagLiteral != 0 {
			l := uint8(e >> 16)
			lens[i] = l
			c.add(i, l)
			i++
			bits >>= used
			count -= used
			continue
		}
		if e&flagSpecial != 0 {
			return ErrCorrupt
		}
		repeat := value(e, bits)
		bits >>= used
		count -= used
		var l uint8
		if e&flagEnd != 0 {
			if i == 0 {
				return ErrCorrupt
			}
			l = lens[i-1]
		}
		if i+repeat > total {
			return ErrCorrupt
		}
		// A run may be written 7 bytes too far, where nothing has been read yet.
		for run := lens[i : i+repeat+7]; len(run) >= 8; run = run[8:] {
			binary.LittleEndian.PutUint64(run, uint64(l)*0x0101010101010101)
		}
		if l == 0 {
			i += repeat
			continue
		}
		for range repeat {
			c.add(i, l)
			i++
		}
	}
	d.bits, d.count = bits, count

	// The last lengths are those of distances: at the ends of their chains, where lowering the counts cuts them off
	// (that of symbols without a code is wrong then, and never used).
	// zlib's rule: a block that cannot end is refused at once.
	for _, l := range lens[nlit:total] {
		c.count[l&maxCodeLen]--
	}
	t := &d.dynamic
	if t.litWidth, ok = c.build(t.lit[:], litBits, litEntries[:]); !ok || lens[endOfBlock] == 0 {
		return ErrCorrupt
	}
	c.reset()
	for sym, l := range lens[nlit:total] {
		if l != 0 {
			c.add(sym, l)
		}
	}
	if t.distWidth, ok = c.build(t.dist[:], distBits, distEntries[:]); !ok {
		return ErrCorrupt
	}
	return nil
}
