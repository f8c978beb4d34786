package odb

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"orrery/analyzer/facts"
)

// Kind is the type of an object, in git's numbering.
type Kind uint8

// The kinds of objects, and the two ways in which a pack stores a difference instead.
const (
	Commit   Kind = 1
	Tree     Kind = 2
	Blob     Kind = 3
	Tag      Kind = 4
	ofsDelta Kind = 6
	refDelta Kind = 7
)

const (
	hashSize   = 20
	fanoutSize = 256 * 4
)

// pack is one pack file with its index, both mapped. The bytes are untrusted: every offset is checked before use.
type pack struct {
	name string // file name without folder and ending
	data []byte
	base Number // number of the first object
	// count objects; ids is the table of names in ascending order, 20 bytes each.
	count uint32
	index []byte
	ids   []byte
	v1    bool
	// Objects are numbered by their rank in the file: what is stored together has numbers close to each other. offsets and positions (in the
	// index) are by rank, ranks by position. They are made when the first object is asked for: whoever looks at the tip alone needs none.
	ordering  sync.Mutex
	ordered   atomic.Bool
	offsets   []int64
	positions []uint32
	ranks     []uint32
	// buckets gives the first rank in each stretch of 1<<shift bytes, so that a search by offset looks at a few neighbours only.
	buckets []uint32
	shift   uint
	unmap   []func() error
}

func openPack(path string) (_ *pack, err error) {
	p := &pack{name: strings.TrimSuffix(filepath.Base(path), ".pack")}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("reading %s: %w", p.name, err), p.close())
		}
	}()
	if p.data, err = p.mapFile(path); err != nil {
		return nil, err
	}
	if p.index, err = p.mapFile(strings.TrimSuffix(path, ".pack") + ".idx"); err != nil {
		return nil, err
	}
	return p, p.check()
}

// check reads the headers of the pack and its index.
func (p *pack) check() error {
	if len(p.data) < 12+hashSize || string(p.data[:4]) != "PACK" {
		return errors.New("not a pack file")
	}
	if v := binary.BigEndian.Uint32(p.data[4:]); v != 2 && v != 3 {
		return fmt.Errorf("pack version %d is not supported", v)
	}
	if err := p.readIndex(); err != nil {
		return err
	}
	if want := binary.BigEndian.Uint32(p.data[8:]); want != p.count {
		return fmt.Errorf("the index names %d objects, the pack holds %d", p.count, want)
	}
	return nil
}

func (p *pack) mapFile(path string) ([]byte, error) {
	f, err := OpenRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, unmap, err := mapFile(f)
	if err != nil {
		return nil, fmt.Errorf("mapping %s: %w", filepath.Base(path), err)
	}
	p.unmap = append(p.unmap, unmap)
	return data, nil
}

func (p *pack) close() error {
	var errs []error
	for _, unmap := range p.unmap {
		errs = append(errs, unmap())
	}
	p.unmap, p.data, p.index, p.ids = nil, nil, nil, nil
	return errors.Join(errs...)
}

// readIndex checks the index's shape and its offsets. Index versions 1 and 2 are read.
func (p *pack) readIndex() error {
	ix := p.index
	body := ix
	if len(ix) >= 8 && string(ix[:4]) == "\377tOc" {
		if v := binary.BigEndian.Uint32(ix[4:]); v != 2 {
			return fmt.Errorf("index version %d is not supported", v)
		}
		body = ix[8:]
	} else {
		p.v1 = true
	}
	if len(body) < fanoutSize {
		return errors.New("the index is cut short")
	}
	last := uint32(0)
	for i := range 256 {
		n := binary.BigEndian.Uint32(body[4*i:])
		if n < last {
			return errors.New("the index's fan-out table is not ascending")
		}
		last = n
	}
	p.count = last
	rows := body[fanoutSize:]
	perRow := uint64(hashSize + 4 + 4)
	if p.v1 {
		perRow = hashSize + 4
	}
	if uint64(len(rows)) < perRow*uint64(p.count)+2*hashSize {
		return errors.New("the index is cut short")
	}
	p.ids = rows[:len(rows):len(rows)]
	for i := range p.count {
		if _, err := p.indexOffset(i); err != nil {
			return err
		}
	}
	return nil
}

// order makes the ranks, once. A fault in the file leaves them unmade, so that whoever comes next meets it too.
func (p *pack) order() {
	if p.ordered.Load() {
		return
	}
	p.ordering.Lock()
	defer p.ordering.Unlock()
	if !p.ordered.Load() {
		p.rank()
		p.ordered.Store(true)
	}
}

// rank sorts the objects by offset: into buckets by counting, since objects fill a pack evenly, and each bucket by comparing, which is all the
// work where a false index has put everything into one.
func (p *pack) rank() {
	p.offsets = make([]int64, p.count)
	p.positions = make([]uint32, p.count)
	p.ranks = make([]uint32, p.count)
	for p.shift = 5; uint64(len(p.data))>>p.shift > uint64(p.count)+64; p.shift++ {
	}
	p.buckets = make([]uint32, len(p.data)>>p.shift+2)
	for i := range p.count {
		off, _ := p.indexOffset(i) // checked as the index was read
		p.buckets[off>>p.shift]++
	}
	sum := uint32(0)
	for i, n := range p.buckets {
		sum += n
		p.buckets[i] = sum // where the bucket ends, and begins when all have been put in from behind
	}
	for i := p.count; i > 0; i-- {
		off, _ := p.indexOffset(i - 1)
		at := &p.buckets[off>>p.shift]
		*at--
		p.offsets[*at], p.positions[*at] = off, i-1
	}
	type object struct {
		offset   int64
		position uint32
	}
	var bucket []object
	for i := 1; i < len(p.buckets); i++ {
		lo, hi := p.buckets[i-1], p.buckets[i]
		if hi-lo < 2 {
			continue
		}
		bucket = bucket[:0]
		for rank := lo; rank < hi; rank++ {
			bucket = append(bucket, object{p.offsets[rank], p.positions[rank]})
		}
		slices.SortStableFunc(bucket, func(a, b object) int { return cmp.Compare(a.offset, b.offset) })
		for k, o := range bucket {
			p.offsets[lo+uint32(k)], p.positions[lo+uint32(k)] = o.offset, o.position
		}
	}
	for rank, position := range p.positions {
		p.ranks[position] = uint32(rank)
	}
}

func (p *pack) indexOffset(position uint32) (int64, error) {
	var off uint64
	if p.v1 {
		off = uint64(binary.BigEndian.Uint32(p.ids[uint64(position)*24:]))
	} else {
		small := uint64(p.count)*(hashSize+4) + uint64(position)*4
		off = uint64(binary.BigEndian.Uint32(p.ids[small:]))
		if off&(1<<31) != 0 {
			large := uint64(p.count)*(hashSize+8) + (off&(1<<31-1))*8
			if large+8 > uint64(len(p.ids)) {
				return 0, errors.New("the index points outside of its table of large offsets")
			}
			off = binary.BigEndian.Uint64(p.ids[large:])
		}
	}
	if off < 12 || off >= uint64(len(p.data)-hashSize) {
		return 0, fmt.Errorf("the index points outside of the pack, to offset %d", off)
	}
	return int64(off), nil
}

// id gives the name of the object at a position of the index.
func (p *pack) id(position uint32) (id facts.ID) {
	if p.v1 {
		copy(id[:], p.ids[uint64(position)*24+4:])
	} else {
		copy(id[:], p.ids[uint64(position)*hashSize:])
	}
	return id
}

// find gives the position of a name in the index.
func (p *pack) find(id *facts.ID) (uint32, bool) {
	fan := p.index[:fanoutSize]
	row, skip := uint64(hashSize), uint64(0)
	if p.v1 {
		row, skip = 24, 4
	} else {
		fan = p.index[8 : 8+fanoutSize]
	}
	lo := uint32(0)
	if id[0] > 0 {
		lo = binary.BigEndian.Uint32(fan[4*(int(id[0])-1):])
	}
	hi := binary.BigEndian.Uint32(fan[4*int(id[0]):])
	// Names are hashes, spread evenly: eight bytes decide nearly always, and compare as one word; and where a name stands can be guessed so
	// well that only the neighbours need be searched, unless somebody has chosen the names.
	key := binary.BigEndian.Uint64(id[:8])
	guess := lo + uint32(key<<8>>32*uint64(hi-lo)>>32)
	for reach := uint64(16); reach < uint64(hi-lo); reach *= 4 {
		below, above := lo, hi
		if uint64(guess-lo) > reach {
			below = guess - uint32(reach)
		}
		if uint64(hi-guess) > reach {
			above = guess + uint32(reach)
		}
		first := binary.BigEndian.Uint64(p.ids[uint64(below)*row+skip:])
		last := binary.BigEndian.Uint64(p.ids[uint64(above-1)*row+skip:])
		if below > lo && first >= key || above < hi && last <= key {
			continue // equal ones may go on outside
		}
		lo, hi = below, above
		break
	}
	for lo < hi {
		mid := lo + (hi-lo)/2
		at := p.ids[uint64(mid)*row+skip:][:hashSize]
		v := binary.BigEndian.Uint64(at)
		if v == key {
			c := bytes.Compare(at, id[:])
			if c == 0 {
				return mid, true
			}
			if c > 0 {
				hi = mid
			} else {
				lo = mid + 1
			}
		} else if v > key {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return 0, false
}

// rankOf gives the rank by offset of the entry that starts at an offset.
func (p *pack) rankOf(offset int64) (uint32, bool) {
	if offset < 0 || offset >= int64(len(p.data)) {
		return 0, false
	}
	b := offset >> p.shift
	lo, hi := p.buckets[b], p.buckets[b+1]
	i, ok := slices.BinarySearch(p.offsets[lo:hi], offset) // a false index may have put all objects into one bucket
	return lo + uint32(i), ok
}

// entry is one object as a pack stores it: whole, or as a difference to base.
type entry struct {
	kind Kind   // of a difference: ofsDelta
	size uint64 // of the inflated stream: the object's, or the difference's
	base Number // what the difference applies to; None for whole objects
	src  []byte // the compressed stream, and perhaps more
}

// packEntry reads the header of an object by its rank.
func (db *Database) packEntry(p *pack, rank uint32) (e entry, err error) {
	p.order()
	off := p.offsets[rank]
	buf := p.data[off : len(p.data)-hashSize]
	c := buf[0]
	i := 1
	e.kind, e.size, e.base = Kind(c>>4&7), uint64(c&15), None
	for shift := 4; c&0x80 != 0; shift += 7 {
		if i >= len(buf) || shift > 57 {
			return e, errors.New("an object's size is malformed")
		}
		c = buf[i]
		i++
		e.size |= uint64(c&0x7f) << shift
	}
	switch e.kind {
	case Commit, Tree, Blob, Tag:
	case ofsDelta:
		if i >= len(buf) {
			return e, errors.New("a relative base is malformed")
		}
		c = buf[i]
		i++
		rel := int64(c & 0x7f)
		for c&0x80 != 0 {
			if i >= len(buf) || rel > 1<<48 {
				return e, errors.New("a relative base is malformed")
			}
			c = buf[i]
			i++
			rel = (rel+1)<<7 | int64(c&0x7f)
		}
		rank, ok := p.rankOf(off - rel)
		if rel <= 0 || !ok {
			return e, errors.New("a relative base is no object")
		}
		e.base = p.base + Number(rank)
	case refDelta:
		var id facts.ID
		if i+hashSize > len(buf) {
			return e, errors.New("an object is cut short")
		}
		i += copy(id[:], buf[i:])
		// A thin pack may lean on an object outside.
		if at, ok := p.find(&id); ok {
			e.base = p.base + Number(p.ranks[at])
		} else if e.base, ok = db.Lookup(id); !ok {
			return e, &Error{Reason: facts.Missing, ID: id, Err: errors.New("the base of a delta is missing")}
		}
		e.kind = ofsDelta
	default:
		return e, fmt.Errorf("an object has the unknown type %d", e.kind)
	}
	e.src = buf[i:]
	return e, nil
}

// idFromHex reads the 40 hexadecimal digits of a name.
func idFromHex(s string) (id facts.ID, ok bool) {
	if len(s) != 2*hashSize {
		return id, false
	}
	_, err := hex.Decode(id[:], []byte(s))
	return id, err == nil
}
