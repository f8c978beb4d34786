package inflate

import "encoding/binary"

const (
	// srcSlack and dstSlack are the bytes of source and destination that a turn of the fast loop may touch without looking:
	// two loads of 8 bytes, the second at most 7 further; and three literals.
	srcSlack = 16
	dstSlack = 3
	// copySlack is how far beyond its end a match may write: all but one byte of the last copy of 16.
	copySlack = 15
)

// symbols decodes the literals and matches of a block with the codes of t, up to its end.
func (d *Decoder) symbols(t *tables) error {
	for {
		end, err := d.fast(t)
		if end || err != nil {
			return err
		}
		end, err = d.careful(t)
		if end || err != nil {
			return err
		}
	}
}

// careful decodes one symbol, near the end of source or destination.
func (d *Decoder) careful(t *tables) (end bool, err error) {
	litMask, distMask := t.masks()
	d.refill() // 56 bits or all that is left: any match needs 48 at most
	e := t.lit[d.bits&litMask]
	if e&flagLink != 0 {
		if d.count < litBits {
			return false, ErrTruncated
		}
		d.drop(litBits)
		e = t.lit[sub(e, d.bits)]
	}
	n := uint(e & entryBits)
	if d.count < n {
		return false, ErrTruncated
	}
	if e&flagLiteral != 0 {
		if d.done == len(d.dst) {
			return false, ErrTooLong
		}
		d.drop(n)
		d.dst[d.done] = byte(e >> 16)
		d.done++
		return false, nil
	}
	if e&flagSpecial != 0 {
		d.drop(n)
		if e&flagEnd == 0 {
			return false, ErrCorrupt
		}
		return true, nil
	}
	length := value(e, d.bits)
	d.drop(n)

	e = t.dist[d.bits&distMask]
	if e&flagLink != 0 {
		if d.count < distBits {
			return false, ErrTruncated
		}
		d.drop(distBits)
		e = t.dist[sub(e, d.bits)]
	}
	if e&flagSpecial != 0 {
		return false, ErrCorrupt
	}
	n = uint(e & entryBits)
	if d.count < n {
		return false, ErrTruncated
	}
	distance := value(e, d.bits)
	d.drop(n)
	if distance > d.done {
		return false, ErrCorrupt
	}
	for range min(length, len(d.dst)-d.done) {
		d.dst[d.done] = d.dst[d.done-distance]
		d.done++
		length--
	}
	if length > 0 {
		return false, ErrTooLong
	}
	return false, nil
}

// value returns the length or distance that e stands for, with its extra bits.
func value(e entry, bits uint64) int {
	return int(e>>16) + int(bits&(1<<(e&entryBits)-1)>>(e>>8&15))
}

// sub returns the index that the link e leads to.
func sub(e entry, bits uint64) uint {
	return uint(e>>16) + uint(bits&(1<<(e>>8&15)-1))
}

// patterns[n] repeats n bytes over a word, by multiplication; strides[n] is the largest multiple of n that fits into it.
var (
	patterns = [8]uint64{1: 0x0101010101010101, 2: 0x0001000100010001, 3: 0x0001000001000001, 4: 0x0000000100000001, 5: 1<<40 | 1, 6: 1<<48 | 1, 7: 1<<56 | 1}
	strides  = [8]int{1: 8, 2: 8, 3: 6, 4: 8, 5: 5, 6: 6, 7: 7}
)

// Small accesses at a computed place, each with a bounds check. Without the checks (package unsafe) objects of
// packs were read 7 to 10 % faster: too little to give up that a mistake here can be no worse than a panic.
func load64(b []byte, i int) uint64     { return binary.LittleEndian.Uint64(b[i:]) }
func store64(b []byte, i int, v uint64) { binary.LittleEndian.PutUint64(b[i:], v) }
func copy16(b []byte, to, from int)     { *(*[16]byte)(b[to:]) = *(*[16]byte)(b[from:]) }

// fast decodes symbols as long as source and destination have their slack. All its state is in local variables, for the sake of registers.
//
// A turn begins with 56 bits at least. Three literals, found in the primary table, take 33 of them at most; a match takes up to 48
// (15+5 and 15+13), so that there is a refill between a literal and a match.
func (d *Decoder) fast(t *tables) (end bool, err error) {
	src, dst := d.src, d.dst
	pos, done := d.pos, d.done
	bits, count := d.bits, d.count
	litMask, distMask := t.masks()
	srcEnd, dstEnd, copyEnd := len(src)-srcSlack, len(dst)-dstSlack, len(dst)-copySlack

loop:
	for pos <= srcEnd && done <= dstEnd {
		in := (*[16]byte)(src[pos:])
		bits |= binary.LittleEndian.Uint64(in[:8]) << (count & 63)
		ahead := int((63 - count) >> 3 & 7)
		count |= 56
		e := t.lit[bits&litMask]
		if e&flagLiteral != 0 {
			bits >>= e & entryBits
			count -= uint(e & entryBits)
			dst[done] = byte(e >> 16)
			done++
			e = t.lit[bits&litMask]
			if e&flagLiteral != 0 {
				bits >>= e & entryBits
				count -= uint(e & entryBits)
				dst[done] = byte(e >> 16)
				done++
				e = t.lit[bits&litMask]
				if e&flagLiteral != 0 {
					bits >>= e & entryBits
					count -= uint(e & entryBits)
					dst[done] = byte(e >> 16)
					done++
					pos += ahead
					continue
				}
			}
			bits |= binary.LittleEndian.Uint64(in[ahead:ahead+8]) << (count & 63)
			pos += int((63 - count) >> 3)
			count |= 56
		}
		pos += ahead
		if e&flagSpecial != 0 {
			if e&flagLink != 0 {
				bits >>= litBits
				count -= litBits
				e = t.lit[sub(e, bits)]
				if e&flagLiteral != 0 {
					bits >>= e & entryBits
					count -= uint(e & entryBits)
					dst[done] = byte(e >> 16)
					done++
					continue
				}
			}
			if e&flagSpecial != 0 {
				if e&flagEnd != 0 {
					bits >>= e & entryBits
					count -= uint(e & entryBits)
					end = true
				} else {
					err = ErrCorrupt
				}
				break
			}
		}
		length := value(e, bits)
		bits >>= e & entryBits
		count -= uint(e & entryBits)

		e = t.dist[bits&distMask]
		if e&flagSpecial != 0 {
			if e&flagLink == 0 {
				err = ErrCorrupt
				break
			}
			bits >>= distBits
			count -= distBits
			e = t.dist[sub(e, bits)]
			if e&flagSpecial != 0 {
				err = ErrCorrupt
				break
			}
		}
		distance := value(e, bits)
		bits >>= e & entryBits
		count -= uint(e & entryBits)

		from := done - distance
		if from < 0 {
			err = ErrCorrupt
			break
		}
		to := done + length
		switch {
		case to > copyEnd:
			for i := from; done < to; i++ {
				if done == len(dst) {
					err = ErrTooLong
					break loop
				}
				dst[done] = dst[i]
				done++
			}
		case distance >= 16:
			copy16(dst, done, from) // mostly that is all
			if length > 16 {
				for i := 16; i < length; i += 16 {
					copy16(dst, done+i, from+i)
				}
			}
			done = to
		case distance >= 8:
			for ; done < to; done += 8 {
				store64(dst, done, load64(dst, from))
				from += 8
			}
			done = to
		default:
			// The bytes from done on, which are masked out, are whatever dst held before.
			word := load64(dst, from) & (1<<(distance*8) - 1) * patterns[distance&7]
			stride := strides[distance&7]
			for ; done < to; done += stride {
				store64(dst, done, word)
			}
			done = to
		}
	}
	d.pos, d.done, d.bits, d.count = pos, done, bits, count
	return end, err
}
