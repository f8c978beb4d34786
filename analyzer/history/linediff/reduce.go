package linediff

import (
	"bytes"
	"slices"
)

// maxFrequent: a line that the other version holds that often, or as often as the rough root of its own version's length, is too frequent
// to say where it belongs.
const maxFrequent = 1024

// lookAround is how many lines are looked at on either side of one that is too frequent.
const lookAround = 100

// The classes of lines by how often the whole other version holds them.
const (
	absent   = iota // never: the line is changed, whatever the comparison says
	usual           // the line is compared
	frequent        // it is compared unless it stands amid absent ones
)

// both counts a line in both versions, in the tally's packed form: occurrences in a in the lower half, in b in the upper one.
const both = 1<<32 | 1

// count fills the tally with the lines of the two middles, and says whether the middles have any line in common. If not, every line
// of both is changed, and the tally is clear again.
func (d *Differ) count(a, b []uint32, m middle) bool {
	t := d.tally
	for _, id := range a[m.lo:m.ahi] {
		if int(id) >= len(t) {
			t = d.grow(id)
		}
		t[id]++
	}
	common := uint32(0)
	for _, id := range b[m.lo:m.bhi] {
		if int(id) >= len(t) {
			t = d.grow(id)
		}
		v := t[id]
		t[id] = v + 1<<32
		common |= uint32(v)
	}
	if common == 0 {
		d.clear(a, b, m)
	}
	return common != 0
}

// grow makes the tally hold id.
func (d *Differ) grow(id uint32) []uint64 {
	t := make([]uint64, max(int(id)+1, 2*len(d.tally), 1<<10))
	copy(t, d.tally)
	d.tally = t
	return t
}

// scan counts lines that both versions have outside the middles. Only those that a middle has as well are of interest.
func (d *Differ) scan(outside []uint32) {
	t := d.tally
	for _, id := range outside {
		if int(id) < len(t) {
			if v := t[id]; v != 0 {
				t[id] = v + both
			}
		}
	}
}

// clear empties the tally.
func (d *Differ) clear(a, b []uint32, m middle) {
	for _, id := range a[m.lo:m.ahi] {
		d.tally[id] = 0
	}
	for _, id := range b[m.lo:m.bhi] {
		d.tally[id] = 0
	}
}

// classify gives every line of the middles its class, by the tally. na and nb are how many lines of the two versions are seen.
func (d *Differ) classify(a, b []uint32, m middle, na, nb int) {
	d.a.classify(a[m.lo:m.ahi], d.tally, 32, min(roughRoot(na), maxFrequent))
	d.b.classify(b[m.lo:m.bhi], d.tally, 0, min(roughRoot(nb), maxFrequent))
}

// classify is without branches, which would go either way at random here.
func (s *side) classify(mid []uint32, tally []uint64, shift, limit int) {
	s.class = slices.Grow(s.class[:0], len(mid))[:len(mid)]
	for i, id := range mid {
		n := int64(uint32(tally[id] >> (shift & 63)))
		none := uint8(uint64(n-1) >> 63)              // 1 if n == 0
		many := uint8(uint64(int64(limit)-1-n) >> 63) // 1 if n >= limit, which is 2 or more
		s.class[i] = usual + many - none
	}
}

// enoughAbsent is how many absent lines it takes to discard a frequent one: see [amidAbsent], where frequents is 2 or more.
const enoughAbsent = 7

// reduce picks the lines that are compared, and marks the others as changed.
func (s *side) reduce(mid []uint32) {
	n := len(mid)
	s.kept = slices.Grow(s.kept[:0], n)[:n]
	s.ids = slices.Grow(s.ids[:0], n)[:n]
	s.changed = slices.Grow(s.changed[:0], n)[:n]
	weigh := bytes.Count(s.class, []byte{absent}) >= enoughAbsent
	k := 0
	for i, id := range mid {
		class := s.class[i]
		if weigh && class == frequent && amidAbsent(s.class, i) {
			class = absent
		}
		keep := (class + 1) / 2 // 0 for absent, else 1
		s.kept[k] = uint32(i)
		s.ids[k] = id
		s.changed[i] = 1 - keep
		k += int(keep)
	}
	s.kept, s.ids = s.kept[:k], s.ids[:k]
}

// amidAbsent says whether the frequent line i has absent lines on both sides, and more than three times as many as frequent ones.
// Each side ends at the first usual line.
func amidAbsent(class []uint8, i int) bool {
	var before, behind [3]int
	for j := i - 1; j >= max(0, i-lookAround) && class[j] != usual; j-- {
		before[class[j]]++
	}
	if before[absent] == 0 {
		return false
	}
	for j := i + 1; j < min(len(class), i+lookAround+1) && class[j] != usual; j++ {
		behind[class[j]]++
	}
	if behind[absent] == 0 {
		return false
	}
	frequents := before[frequent] + behind[frequent] + 2 // the line itself counts on both sides
	return frequents*4 < frequents+before[absent]+behind[absent]
}
