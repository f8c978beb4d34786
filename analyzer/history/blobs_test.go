package history

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"orrery/analyzer/history/odb"
)

// TestBlobs has random forests of deltas read in random order by two workers in turn, with much room and with little. A content that is held stays
// as it is; with room each is made once; and when all is read, nothing is left.
func TestBlobs(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for round := range 200 {
		n := 1 + r.IntN(80)
		bases := make([]odb.Number, n)
		size := make([]int, n)
		for i := range bases {
			bases[i] = odb.None
			if i > 0 && r.IntN(6) > 0 {
				bases[i] = odb.Number(r.IntN(i))
			}
			size[i] = 8 + r.IntN(3000)
		}
		budget := 1 << 30
		if round%2 == 1 {
			budget = 1 << (8 + r.IntN(8))
		}
		s := newBlobs(n, budget)
		var order []odb.Number
		for range r.IntN(3 * n) {
			order = append(order, odb.Number(r.IntN(n)))
		}
		for _, at := range order {
			s.expect(at, func(at odb.Number) odb.Number { return bases[at] })
		}
		check := func(b *blob) {
			t.Helper()
			want := bytes.Repeat([]byte{byte(b.n)}, size[b.n])
			binary.LittleEndian.PutUint64(want, uint64(b.n))
			if !bytes.Equal(b.raw, want) {
				t.Fatalf("round %d: object %d has changed", round, b.n)
			}
		}
		made := make([]int, n)
		var build func(at odb.Number) *blob
		build = func(at odb.Number) *blob {
			if b := s.hold(at); b != nil {
				return b
			}
			var under *blob
			if bases[at] != odb.None {
				under = build(bases[at])
			}
			made[at]++
			raw := s.room(size[at])
			for i := range raw {
				raw[i] = byte(at)
			}
			binary.LittleEndian.PutUint64(raw, uint64(at))
			b := s.keep(at, &blob{raw: raw})
			if under != nil {
				check(under)
				s.release(under)
			}
			return b
		}
		var held [2]*blob
		let := func(worker int) {
			if b := held[worker]; b != nil {
				check(b)
				s.release(b)
				s.done(b.n)
				held[worker] = nil
			}
		}
		for _, at := range order {
			worker := r.IntN(2)
			let(worker)
			held[worker] = build(at)
		}
		let(0)
		let(1)
		if len(s.of) != 0 || s.used != 0 {
			t.Fatalf("round %d: %d contents of %d bytes are left", round, len(s.of), s.used)
		}
		for at, k := range s.wanted {
			if k != 0 {
				t.Fatalf("round %d: object %d is still wanted %d times", round, at, k)
			}
			if round%2 == 0 && made[at] > 1 {
				t.Fatalf("round %d: object %d was made %d times", round, at, made[at])
			}
		}
	}
}

// TestPool gives memory by sizes that hold what is asked for and waste at most a fourth.
func TestPool(t *testing.T) {
	seen := map[int]int{} // size by number
	for n := range 1 << 16 {
		size, number := class(n)
		if size < n || n > 1<<6 && size-n >= (size+3)/4 {
			t.Fatalf("%d elements are given %d", n, size)
		}
		if of, ok := seen[number]; ok && of != size {
			t.Fatalf("sizes %d and %d have the number %d", of, size, number)
		}
		seen[number] = size
	}
	p := pool[byte]{most: 1000}
	for range 20 {
		p.put(p.fresh(90))
	}
	if p.held > 1000 || p.held < 900 {
		t.Errorf("%d bytes are kept, 1000 may be", p.held)
	}
	if b := p.get(81); len(b) != 81 || cap(b) != 96 {
		t.Errorf("%d bytes of %d, not 81 of 96", len(b), cap(b))
	}
	if b := p.get(80); b != nil {
		t.Errorf("%d bytes of %d for 80, which has another size", len(b), cap(b))
	}
}
