package history

import (
	"bytes"
	"errors"
	"math/bits"
	"slices"
	"sync"

	"orrery/analyzer/facts"
	"orrery/analyzer/history/odb"
)

// binaryPrefix is how many bytes git looks at for a NUL, which makes a file binary.
const binaryPrefix = 8000

// maxLines is the cap on the lines of one file: in memory a line costs many times its bytes, and 64 MiB may be nothing but newlines.
const maxLines = 16 << 20

// blob is the content of a version, or why there is none.
type blob struct {
	raw    []byte
	binary bool
	reason facts.Reason
	depth  int32 // of its chain of deltas

	// The rest is of [blobs], under its lock.
	n     odb.Number
	kept  bool  // is found by its number
	users int32 // who hold it
}

// bytes is the memory that a blob holds.
func (b *blob) bytes() int { return cap(b.raw) + 96 }

// blobs keeps the contents of versions, for all workers.
//
// A content is put together along its chain of deltas, and chains lead from the new to the old and from one file to another: what is made on
// the way is wanted much later, maybe by another worker. So it is counted beforehand how often each will be wanted, by a reading or by a delta
// that is wanted itself. A content is kept as long as it is, and goes at once when it is not; few are wanted at a time, so that each is made
// once. Above the budget those made first go first, and are made again.
type blobs struct {
	budget int // bytes

	mu     sync.Mutex
	wanted []uint32     // by object number: the readings and the deltas to come
	base   []odb.Number // by object number: what it is a delta to, or None; of those that are wanted
	of     map[odb.Number]*blob
	queue  []*blob // in the order made; some are gone
	used   int
	memory pool[byte]
}

func newBlobs(objects, budget int) *blobs {
	return &blobs{
		budget: budget, wanted: make([]uint32, objects), base: make([]odb.Number, objects), of: map[odb.Number]*blob{},
		memory: pool[byte]{most: budget / 4},
	}
}

// expect says that an object will be read once more. base tells what an object is a delta to, or None. No worker may have begun.
func (s *blobs) expect(n odb.Number, base func(odb.Number) odb.Number) {
	for s.wanted[n]++; s.wanted[n] == 1; s.wanted[n]++ {
		if s.base[n] = base(n); s.base[n] == odb.None {
			return
		}
		n = s.base[n]
	}
}

// done says that one of the readings that were expected of an object is over.
func (s *blobs) done(n odb.Number) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.wanted[n] > 0 {
		if s.wanted[n]--; s.wanted[n] > 0 {
			return
		}
		if b := s.of[n]; b != nil {
			s.drop(b)
		}
		if n = s.base[n]; n == odb.None {
			return
		}
	}
}

// hold gives the content of an object if it is kept, else nil. Whoever holds one has to release it.
func (s *blobs) hold(n odb.Number) *blob {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.of[n]
	if b != nil {
		b.users++
	}
	return b
}

// keep takes a content in while it is wanted. It answers what is held then: the one that another worker has made meanwhile, if there is one.
func (s *blobs) keep(n odb.Number, b *blob) *blob {
	s.mu.Lock()
	defer s.mu.Unlock()
	if other := s.of[n]; other != nil {
		s.memory.put(b.raw)
		other.users++
		return other
	}
	b.n = n
	b.users++
	if s.wanted[n] == 0 {
		return b
	}
	b.kept = true
	s.of[n] = b
	s.used += b.bytes()
	s.queue = append(s.queue, b)
	for s.used > s.budget && len(s.queue) > 1 {
		if s.queue[0].kept {
			s.drop(s.queue[0])
		}
		s.queue = s.queue[1:]
	}
	if len(s.queue) > 2*len(s.of)+64 {
		s.queue = slices.DeleteFunc(s.queue, func(b *blob) bool { return !b.kept })
	}
	return b
}

func (s *blobs) drop(b *blob) {
	delete(s.of, b.n)
	s.used -= b.bytes()
	if b.kept = false; b.users == 0 {
		s.recycle(b)
	}
}

// release says that somebody holds a content no more.
func (s *blobs) release(b *blob) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.users--; b.users == 0 && !b.kept {
		s.recycle(b)
	}
}

func (s *blobs) recycle(b *blob) {
	s.memory.put(b.raw)
	b.raw = nil
}

// room gives n bytes with anything in them.
func (s *blobs) room(n int) []byte {
	s.mu.Lock()
	b := s.memory.get(n)
	s.mu.Unlock()
	if b == nil {
		return s.memory.fresh(n)
	}
	return b
}

// waste gives back what room has given.
func (s *blobs) waste(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.memory.put(b)
}

// pool keeps memory that is not used any more, by size: it need neither be cleared nor be collected.
type pool[T any] struct {
	most int // elements kept, beside which more are left to the collector
	held int
	free [64 << poolBits][][]T
}

// poolBits is how fine sizes are told apart: 2 to that power between a size and its double, so that at most a fourth is empty.
const poolBits = 2

// class gives the size that n elements are given, and its number.
func class(n int) (size, number int) {
	n = max(n, 1<<6)
	k := bits.Len(uint(n-1)) - 1 - poolBits
	steps := (n-1)>>k + 1
	return steps << k, k<<poolBits + steps&(1<<poolBits-1)
}

// get gives n elements that are left from others, or nil.
func (p *pool[T]) get(n int) []T {
	size, c := class(n)
	k := len(p.free[c])
	if k == 0 {
		return nil
	}
	b := p.free[c][k-1]
	p.free[c][k-1] = nil
	p.free[c] = p.free[c][:k-1]
	p.held -= size
	return b[:n]
}

func (p *pool[T]) fresh(n int) []T {
	size, _ := class(n)
	return make([]T, n, size)
}

// put takes elements that are used no more.
func (p *pool[T]) put(b []T) {
	size, c := class(cap(b))
	if cap(b) != size || p.held+size > p.most {
		return
	}
	p.free[c] = append(p.free[c], b)
	p.held += size
}

// builder puts contents together, for one worker.
type builder struct {
	blobs   *blobs
	reader  *odb.Reader
	limits  odb.Limits
	chain   []step
	scratch []byte
}

type step struct {
	n odb.Number
	e odb.Entry
}

// blob gives the content of an object, to be released.
func (s *builder) blob(n odb.Number) *blob {
	s.chain = s.chain[:0]
	var b *blob
	for at := n; b == nil; {
		if b = s.blobs.hold(at); b != nil {
			break
		}
		e, err := s.reader.Entry(at)
		switch {
		case err != nil:
			b = s.blobs.keep(at, &blob{reason: reasonOf(err)})
		case e.Base != odb.None && len(s.chain) >= s.limits.Depth:
			return s.blobs.keep(n, &blob{reason: facts.TooDeep})
		case e.Base != odb.None:
			s.chain = append(s.chain, step{at, e})
			at = e.Base
		default:
			b = s.blobs.keep(at, s.read(at, e))
		}
	}
	// What is known by chance makes no chain shorter: the answer must not depend on what was read before.
	if int(b.depth)+len(s.chain) > s.limits.Depth {
		s.blobs.release(b)
		return s.blobs.keep(n, &blob{reason: facts.TooDeep})
	}
	for _, link := range slices.Backward(s.chain) {
		next := s.apply(b, link.e)
		next.depth = b.depth + 1
		s.blobs.release(b)
		b = s.blobs.keep(link.n, next)
	}
	return b
}

func reasonOf(err error) facts.Reason { return odb.ReasonOf(odb.Fail(facts.ID{}, err)) }

var (
	errNotBlob = errors.New("not a blob")
	errDelta   = errors.New("a delta is malformed")
)

// read reads an object that is stored whole.
func (s *builder) read(n odb.Number, e odb.Entry) *blob {
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
		return &blob{reason: reasonOf(err)}
	}
	content := s.blobs.room(len(s.scratch))
	copy(content, s.scratch)
	return s.made(content)
}

// made is the blob of a content.
func (s *builder) made(content []byte) *blob {
	if len(content) > maxLines && bytes.Count(content, []byte{'\n'}) > maxLines {
		s.blobs.waste(content)
		return &blob{reason: facts.TooLarge}
	}
	return &blob{raw: content, binary: bytes.IndexByte(content[:min(len(content), binaryPrefix)], 0) >= 0}
}

// apply makes the content that a delta makes of its base.
func (s *builder) apply(base *blob, e odb.Entry) *blob {
	if base.reason != facts.Measured {
		return &blob{reason: base.reason}
	}
	var err error
	if s.scratch, err = s.reader.Inflate(s.scratch, e); err != nil {
		return &blob{reason: reasonOf(err)}
	}
	d, err := odb.ParseDelta(s.scratch)
	if err == nil && d.Base != uint64(len(base.raw)) {
		err = errDelta
	}
	if err == nil && d.Result > s.limits.Object {
		return &blob{reason: facts.TooLarge}
	}
	if err != nil {
		return &blob{reason: facts.Corrupt}
	}
	content := s.blobs.room(int(d.Result))
	if _, err = d.Apply(content, base.raw); err != nil {
		s.blobs.waste(content)
		return &blob{reason: facts.Corrupt}
	}
	return s.made(content)
}
