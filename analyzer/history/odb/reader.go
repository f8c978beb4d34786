package odb

import (
	"bufio"
	"compress/zlib"
	"crypto/sha1" //nolint:gosec // git's object names are SHA-1
	"errors"
	"fmt"
	"io"
	"math/bits"
	"strconv"
	"strings"

	"orrery/analyzer/facts"
	"orrery/analyzer/history/inflate"
)

// Limits bound what one object may cost.
type Limits struct {
	// Object is the cap on an object's size in bytes. Larger ones answer [facts.TooLarge].
	Object uint64
	// Depth is the cap on the length of a chain of deltas. Longer ones answer [facts.TooDeep].
	Depth int
	// Cache is how many bytes of whole objects a reader keeps.
	Cache int
}

// DefaultLimits are git's own where git has one: a delta chain is at most 4,095 long.
var DefaultLimits = Limits{Object: 64 << 20, Depth: 4095, Cache: 64 << 20}

// Reader reads objects of one database, for one goroutine. It keeps recently used objects, since a delta's base is mostly among them.
type Reader struct {
	db     *Database
	limits Limits
	inf    inflate.Decoder
	chain  []link
	delta  []byte

	// The cache: a ring of entries in order of use, found by number.
	slot   []int32 // per object: its entry plus one
	ents   []cached
	free   []int32
	head   int32 // most recently used
	tail   int32
	used   int
	epoch  uint64
	spare  [40][][]byte // buffers to use again, by the power of two of their capacity
	spared int          // their bytes
}

type link struct {
	n Number
	e entry
}

type cached struct {
	n          Number
	kind       Kind
	depth      int32 // of its chain of deltas
	data       []byte
	epoch      uint64
	prev, next int32
}

// NewReader gives a reader. It is cheap but for four bytes an object of the database.
func NewReader(db *Database, limits Limits) *Reader {
	return &Reader{db: db, limits: limits, slot: make([]int32, db.Len()), head: -1, tail: -1}
}

// Release says that slices given so far are no longer used: their memory may serve again.
func (r *Reader) Release() { r.epoch++ }

// Forget empties the cache: slices given so far are no longer used, and none of them is likely to be wanted again.
func (r *Reader) Forget() {
	for i := range r.ents {
		r.slot[r.ents[i].n] = 0
	}
	r.ents, r.free, r.head, r.tail, r.used = nil, nil, -1, -1, 0
	r.spare, r.spared = [len(r.spare)][][]byte{}, 0
	r.epoch++
}

// Object reads a whole object. The bytes may be used until the next call of [Reader.Release] and must not be changed.
func (r *Reader) Object(n Number) (Kind, []byte, error) {
	if s := r.slot[n]; s != 0 {
		c := &r.ents[s-1]
		r.touch(s - 1)
		return c.kind, c.data, nil
	}
	if n >= r.db.first {
		kind, data, err := r.db.readLoose(n, r.limits.Object)
		if err == nil && nameOf(kind, data) != r.db.ID(n) {
			err = errors.New("the content is not what the name says")
		}
		if err != nil {
			return 0, nil, r.fail(n, err)
		}
		r.keep(n, kind, 0, data)
		return kind, data, nil
	}
	kind, data, err := r.packed(n)
	if err != nil {
		return 0, nil, r.fail(n, err)
	}
	return kind, data, nil
}

// Size gives an object's size in bytes and its kind without building it. Cost: the first bytes of its delta.
func (r *Reader) Size(n Number) (Kind, uint64, error) {
	if s := r.slot[n]; s != 0 {
		return r.ents[s-1].kind, uint64(len(r.ents[s-1].data)), nil
	}
	if n >= r.db.first {
		kind, data, err := r.Object(n)
		return kind, uint64(len(data)), err
	}
	size, kind := uint64(0), Kind(0)
	for at, depth := n, 0; ; depth++ {
		if depth > r.limits.Depth {
			return 0, 0, r.fail(n, errTooDeep)
		}
		e, err := r.Entry(at)
		if err != nil {
			return 0, 0, r.fail(n, err)
		}
		if depth == 0 {
			size = e.Size
			if e.Base != None {
				if _, size, err = r.deltaSizes(e); err != nil {
					return 0, 0, r.fail(n, err)
				}
			}
		}
		if e.Base == None {
			kind = e.Kind
			break
		}
		at = e.Base
	}
	return kind, size, nil
}

// Entry is how an object is stored: whole, or as a difference to Base.
type Entry struct {
	Kind Kind   // of whole objects
	Size uint64 // inflated bytes of what is stored
	Base Number // None for whole objects
	src  []byte
}

// Entry tells how an object is stored. Loose objects are whole, of size and kind zero.
func (r *Reader) Entry(n Number) (Entry, error) {
	if n >= r.db.first {
		return Entry{Base: None}, nil
	}
	p, at := r.db.packOf(n)
	e, err := r.db.packEntry(p, at)
	return Entry{Kind: e.kind, Size: e.size, Base: e.base, src: e.src}, err
}

// Inflate reads what is stored of an entry into dst, which is grown as needed: the object's bytes or the delta's instructions.
func (r *Reader) Inflate(dst []byte, e Entry) ([]byte, error) {
	if e.Size > r.limits.Object {
		return dst, errTooLarge
	}
	// A deflate stream yields at most 1032 times its length: more is a lie that must not cost memory.
	if e.Size > 1032*uint64(len(e.src)) {
		return dst, errors.New("the declared size cannot be")
	}
	if uint64(cap(dst)) < e.Size {
		dst = make([]byte, e.Size, 1<<bits.Len64(e.Size|1023))
	}
	dst = dst[:e.Size]
	_, err := r.inf.Zlib(dst, e.src)
	return dst, err
}

// deltaSizes reads the two sizes at the head of a delta without inflating the rest.
func (r *Reader) deltaSizes(e Entry) (base, result uint64, err error) {
	var head [20]byte
	n, err := r.inf.Prefix(head[:min(uint64(len(head)), e.Size)], e.src)
	if err != nil {
		return 0, 0, err
	}
	base, rest, ok := deltaSize(head[:n])
	if ok {
		result, _, ok = deltaSize(rest)
	}
	if !ok {
		return 0, 0, errDelta
	}
	return base, result, nil
}

var errTooDeep = errors.New("the chain of deltas is too long")

// packed walks down the chain to something whole, then applies the differences on the way back. Every step is kept: the neighbours in a
// chain are the neighbours in history.
func (r *Reader) packed(n Number) (Kind, []byte, error) {
	r.chain = r.chain[:0]
	var kind Kind
	var data []byte
	depth := 0
	for at := n; ; {
		if s := r.slot[at]; s != 0 {
			r.touch(s - 1)
			kind, data, depth = r.ents[s-1].kind, r.ents[s-1].data, int(r.ents[s-1].depth)
			break
		}
		if at >= r.db.first {
			var err error
			if kind, data, err = r.db.readLoose(at, r.limits.Object); err != nil {
				return 0, nil, err
			}
			break
		}
		e, err := r.Entry(at)
		if err != nil {
			return 0, nil, err
		}
		if e.Base == None {
			if data, err = r.Inflate(r.buffer(e.Size), e); err != nil {
				return 0, nil, err
			}
			kind = e.Kind
			r.keep(at, kind, 0, data)
			break
		}
		if len(r.chain) >= r.limits.Depth {
			return 0, nil, errTooDeep
		}
		r.chain = append(r.chain, link{at, entry{size: e.Size, base: e.Base, src: e.src}})
		at = e.Base
	}
	// What is known by chance makes no chain shorter: the answer must not depend on what was read before.
	if depth+len(r.chain) > r.limits.Depth {
		return 0, nil, errTooDeep
	}
	for i := len(r.chain) - 1; i >= 0; i-- {
		l := &r.chain[i]
		var err error
		if r.delta, err = r.Inflate(r.delta, Entry{Size: l.e.size, src: l.e.src}); err != nil {
			return 0, nil, err
		}
		d, err := ParseDelta(r.delta)
		if err != nil {
			return 0, nil, err
		}
		if d.Base != uint64(len(data)) {
			return 0, nil, errDelta
		}
		if d.Result > r.limits.Object {
			return 0, nil, errTooLarge
		}
		out, err := d.Apply(r.buffer(d.Result), data)
		if err != nil {
			return 0, nil, err
		}
		data = out
		depth++
		r.keep(l.n, kind, depth, data)
	}
	return kind, data, nil
}

// fail names the object that is at fault and the reason.
func (r *Reader) fail(n Number, err error) error {
	if _, ok := err.(*Error); ok { //nolint:errorlint // only a bare one already names the object
		return err
	}
	return Fail(r.db.ID(n), err)
}

// Fail gives the [Error] for an object that could not be read.
func Fail(id facts.ID, err error) error {
	reason := facts.Corrupt
	var of *Error
	switch {
	case errors.As(err, &of):
		reason = of.Reason
	case errors.Is(err, errTooLarge):
		reason = facts.TooLarge
	case errors.Is(err, errTooDeep):
		reason = facts.TooDeep
	}
	return &Error{Reason: reason, ID: id, Err: err}
}

// touch moves an entry to the front and marks it as used.
func (r *Reader) touch(i int32) {
	c := &r.ents[i]
	c.epoch = r.epoch
	if r.head == i {
		return
	}
	r.unlink(i)
	r.push(i)
}

func (r *Reader) unlink(i int32) {
	c := &r.ents[i]
	if c.prev >= 0 {
		r.ents[c.prev].next = c.next
	} else {
		r.head = c.next
	}
	if c.next >= 0 {
		r.ents[c.next].prev = c.prev
	} else {
		r.tail = c.prev
	}
}

func (r *Reader) push(i int32) {
	c := &r.ents[i]
	c.prev, c.next = -1, r.head
	if r.head >= 0 {
		r.ents[r.head].prev = i
	}
	r.head = i
	if r.tail < 0 {
		r.tail = i
	}
}

// keep puts an object into the cache and drops the least recently used ones that nobody holds.
func (r *Reader) keep(n Number, kind Kind, depth int, data []byte) {
	for r.used+cap(data) > r.limits.Cache && r.tail >= 0 && r.ents[r.tail].epoch != r.epoch {
		i := r.tail
		r.unlink(i)
		c := &r.ents[i]
		r.slot[c.n] = 0
		r.used -= cap(c.data)
		r.recycle(c.data)
		c.data = nil
		r.free = append(r.free, i)
	}
	var i int32
	if len(r.free) > 0 {
		i, r.free = r.free[len(r.free)-1], r.free[:len(r.free)-1]
	} else {
		i = int32(len(r.ents))
		r.ents = append(r.ents, cached{})
	}
	r.ents[i] = cached{n: n, kind: kind, depth: int32(depth), data: data, epoch: r.epoch}
	r.push(i)
	r.slot[n] = i + 1
	r.used += cap(data)
}

// recycle keeps a buffer for later, as long as all of them are little beside the cache: one large object may push out very many small ones.
func (r *Reader) recycle(b []byte) {
	if c := bits.Len64(uint64(cap(b))) - 1; c >= 0 && cap(b) == 1<<c && c < len(r.spare) && r.spared+cap(b) <= r.limits.Cache/8 {
		r.spare[c] = append(r.spare[c], b[:0])
		r.spared += cap(b)
	}
}

// buffer gives an empty buffer that holds at least n bytes; nil if n is above the cap, for whoever asked to find out.
func (r *Reader) buffer(n uint64) []byte {
	if n > r.limits.Object {
		return nil
	}
	c := bits.Len64(max(n, 64) - 1)
	if l := len(r.spare[c]); l > 0 {
		b := r.spare[c][l-1]
		r.spare[c] = r.spare[c][:l-1]
		r.spared -= cap(b)
		return b
	}
	return nil
}

// nameOf computes the name of an object.
func nameOf(kind Kind, data []byte) facts.ID {
	h := sha1.New() //nolint:gosec // as above
	fmt.Fprintf(h, "%s %d\x00", kind, len(data))
	h.Write(data)
	return facts.ID(h.Sum(nil))
}

// NameOf computes the name that an object's content has.
func NameOf(kind Kind, data []byte) facts.ID { return nameOf(kind, data) }

// String gives git's word for the kind.
func (k Kind) String() string {
	switch k {
	case Commit:
		return "commit"
	case Tree:
		return "tree"
	case Blob:
		return "blob"
	case Tag:
		return "tag"
	}
	return "kind " + strconv.Itoa(int(k))
}

// decodeLoose reads a loose object: "blob 12\0" and the content, as one zlib stream.
func decodeLoose(src io.Reader, limit uint64) (Kind, []byte, error) {
	z, err := zlib.NewReader(src)
	if err != nil {
		return 0, nil, err
	}
	defer z.Close()
	b := bufio.NewReaderSize(z, 4096)
	var head []byte
	for {
		c, err := b.ReadByte()
		if err != nil || len(head) > 32 {
			return 0, nil, errors.New("a loose object has no header")
		}
		if c == 0 {
			break
		}
		head = append(head, c)
	}
	word, digits, _ := strings.Cut(string(head), " ")
	size, err := strconv.ParseUint(digits, 10, 63)
	if err != nil {
		return 0, nil, errors.New("a loose object has no size")
	}
	kind := Kind(0)
	for k := Commit; k <= Tag; k++ {
		if k.String() == word {
			kind = k
		}
	}
	if kind == 0 {
		return 0, nil, errors.New("a loose object has an unknown type")
	}
	if size > limit {
		return kind, nil, errTooLarge
	}
	// Grown by what really comes, so that a false size costs nothing.
	data, err := io.ReadAll(io.LimitReader(b, int64(size)+1))
	if err != nil {
		return 0, nil, err
	}
	if uint64(len(data)) != size {
		return 0, nil, errors.New("a loose object's size is not what it says")
	}
	return kind, data, nil
}

var errDelta = errors.New("a delta is malformed")

// Delta is the instructions that make an object from its base.
type Delta struct {
	Base, Result uint64 // sizes in bytes
	ops          []byte
}

// ParseDelta reads the head of an inflated delta.
func ParseDelta(b []byte) (d Delta, err error) {
	var ok bool
	if d.Base, b, ok = deltaSize(b); ok {
		d.Result, b, ok = deltaSize(b)
	}
	if !ok {
		return d, errDelta
	}
	d.ops = b
	return d, nil
}

func deltaSize(b []byte) (n uint64, rest []byte, ok bool) {
	for i := 0; i < len(b) && i < 9; i++ {
		n |= uint64(b[i]&0x7f) << (7 * i)
		if b[i]&0x80 == 0 {
			return n, b[i+1:], true
		}
	}
	return 0, nil, false
}

// Next gives the next instruction: either length bytes of the base from offset, or, if insert is not nil, new bytes. It answers false at
// the end, and an error for malformed instructions. Offsets are not checked against the base.
func (d *Delta) Next() (insert []byte, offset, length uint64, more bool, err error) {
	b := d.ops
	if len(b) == 0 {
		return nil, 0, 0, false, nil
	}
	op := b[0]
	if op&0x80 == 0 {
		n := int(op)
		if n == 0 || 1+n > len(b) {
			return nil, 0, 0, false, errDelta
		}
		d.ops = b[1+n:]
		return b[1 : 1+n : 1+n], 0, 0, true, nil
	}
	if len(b) < 8 && 1+bits.OnesCount8(op&0x7f) > len(b) {
		return nil, 0, 0, false, errDelta
	}
	// The seven possible bytes, spread by the mask of those that are there.
	i := 1
	for k := range 4 {
		if op>>k&1 != 0 {
			offset |= uint64(b[i]) << (8 * k)
			i++
		}
	}
	for k := range 3 {
		if op>>(4+k)&1 != 0 {
			length |= uint64(b[i]) << (8 * k)
			i++
		}
	}
	d.ops = b[i:]
	if length == 0 {
		length = 1 << 16
	}
	return nil, offset, length, true, nil
}

// Apply builds the result in dst, which is grown as needed.
func (d Delta) Apply(dst, base []byte) ([]byte, error) {
	if uint64(cap(dst)) < d.Result {
		dst = make([]byte, 0, 1<<bits.Len64(max(d.Result, 64)-1))
	}
	dst = dst[:0]
	for {
		insert, off, n, more, err := d.Next()
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
		if insert != nil {
			if uint64(len(dst)+len(insert)) > d.Result {
				return nil, errDelta
			}
			dst = append(dst, insert...)
			continue
		}
		if off+n > uint64(len(base)) || uint64(len(dst))+n > d.Result {
			return nil, errDelta
		}
		dst = append(dst, base[off:off+n]...)
	}
	if uint64(len(dst)) != d.Result {
		return nil, errDelta
	}
	return dst, nil
}
