package linediff

// Lines whose other version holds them that often are too frequent to say where they belong; also bounded by a rough root.
const maxFrequent = 1024

// Of a line that is too frequent, this many lines before and behind are looked at.
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
	top := uint32(0)
	for _, id := range a[m.lo:m.ahi] {
		top = max(top, id)
	}
	for _, id := range b[m.lo:m.bhi] {
		top = max(top, id)
	}
	if int(top) >= len(d.tally) {
		d.tally = make([]uint64, max(int(top)+1, 2*len(d.tally), 1<<10))
	}
	for _, id := range a[m.lo:m.ahi] {
		d.tally[id]++
	}
	common := false
	for _, id := range b[m.lo:m.bhi] {
		v := d.tally[id]
		d.tally[id] = v + 1<<32
		common = common || uint32(v) != 0
	}
	if !common {
		d.clear(a, b, m)
	}
	return common
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

// reduce picks the lines that are compared, and marks the others as changed. The versions have na and nb lines in all.
func (d *Differ) reduce(a, b []uint32, m middle, na, nb int) {
	d.a.reduce(a[m.lo:m.ahi], d.tally, 32, min(roughRoot(na), maxFrequent))
	d.b.reduce(b[m.lo:m.bhi], d.tally, 0, min(roughRoot(nb), maxFrequent))
}

func (s *side) reduce(mid []uint32, tally []uint64, shift int, limit int) {
	s.class = s.class[:0]
	for _, id := range mid {
		n := uint32(tally[id] >> shift)
		switch {
		case n == 0:
			s.class = append(s.class, absent)
		case n >= uint32(limit):
			s.class = append(s.class, frequent)
		default:
			s.class = append(s.class, usual)
		}
	}
	s.kept, s.ids, s.changed = s.kept[:0], s.ids[:0], s.changed[:0]
	for i, id := range mid {
		keep := s.class[i] == usual || s.class[i] == frequent && !amidAbsent(s.class, i)
		s.changed = append(s.changed, !keep)
		if keep {
			s.kept = append(s.kept, int32(i))
			s.ids = append(s.ids, id)
		}
	}
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
	frequents := before[frequent] + behind[frequent] + 2
	return frequents*4 < frequents+before[absent]+behind[absent]
}
