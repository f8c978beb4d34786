package linediff

import (
	"bytes"
	"cmp"
)

// group is a run of changed lines [lo, hi) of one version. at is the number of unchanged lines before it, which are the same in both
// versions: groups of the two versions with equal at face each other.
type group struct{ at, lo, hi int }

// whole makes one group of each middle.
func (d *Differ) whole(m middle) {
	d.a.groups, d.b.groups = d.a.groups[:0], d.b.groups[:0]
	if m.lo < m.ahi {
		d.a.groups = append(d.a.groups, group{m.lo, m.lo, m.ahi})
	}
	if m.lo < m.bhi {
		d.b.groups = append(d.b.groups, group{m.lo, m.lo, m.bhi})
	}
}

// group makes groups of the marked lines of the middles.
func (d *Differ) group(m middle) {
	d.a.group(m.lo)
	d.b.group(m.lo)
}

func (s *side) group(first int) {
	s.groups = s.groups[:0]
	at := first
	for i := 0; ; {
		same := bytes.IndexByte(s.changed[i:], 1)
		if same < 0 {
			return
		}
		at += same
		lo := i + same
		i = len(s.changed)
		if run := bytes.IndexByte(s.changed[lo:], 0); run >= 0 {
			i = lo + run
		}
		s.groups = append(s.groups, group{at, first + lo, first + i})
	}
}

// hunks slides the groups of both versions, and appends them to dst as pairs.
func (d *Differ) hunks(dst []Hunk, a, b []uint32, lines *Lines) []Hunk {
	ga := slide(a, d.a.groups, d.b.groups, lines.Indent)
	gb := slide(b, d.b.groups, ga, lines.Indent)
	da, db := 0, 0 // changed lines so far
	for len(ga) > 0 || len(gb) > 0 {
		var at int
		switch {
		case len(gb) == 0 || len(ga) > 0 && ga[0].at < gb[0].at:
			at = ga[0].at
		default:
			at = gb[0].at
		}
		h := Hunk{uint32(at + da), uint32(at + da), uint32(at + db), uint32(at + db)}
		if len(ga) > 0 && ga[0].at == at {
			da += ga[0].hi - ga[0].lo
			h.A1 = uint32(at + da)
			ga = ga[1:]
		}
		if len(gb) > 0 && gb[0].at == at {
			db += gb[0].hi - gb[0].lo
			h.B1 = uint32(at + db)
			gb = gb[1:]
		}
		dst = append(dst, h)
	}
	return dst
}

// maxShifts bounds how many positions of a group are weighed against each other.
const maxShifts = 100

// slide moves each group of one version to the best of the places where it may stand: a group may move down by a line when its first line
// equals the line behind it, and up when its last line equals the line before it. Groups that come to touch become one. It works in
// place, and returns what is left of the groups.
func slide(seq []uint32, groups, facing []group, indent []uint8) []group {
	done := 0 // groups[:done] are in place
	f := 0
	// faced says whether the other version has a group at at.
	faced := func(at int) bool {
		for f > 0 && facing[f-1].at >= at {
			f--
		}
		for f < len(facing) && facing[f].at < at {
			f++
		}
		return f < len(facing) && facing[f].at == at
	}
	for next := 0; next < len(groups); {
		g := groups[next]
		next++
		var top, match int // ends of the group: at its highest place, and at the lowest that faces another group
		for size := -1; size != g.hi-g.lo; {
			size = g.hi - g.lo
			match = -1
			for g.lo > 0 && seq[g.lo-1] == seq[g.hi-1] {
				g = g.moved(-1)
				if done > 0 && groups[done-1].hi == g.lo {
					done--
					g.lo = groups[done].lo
				}
			}
			top = g.hi
			if faced(g.at) {
				match = g.hi
			}
			for g.hi < len(seq) && seq[g.lo] == seq[g.hi] {
				g = g.moved(1)
				if next < len(groups) && groups[next].lo == g.hi {
					g.hi = groups[next].hi
					next++
				}
				if faced(g.at) {
					match = g.hi
				}
			}
		}
		switch {
		case top == g.hi:
		case match >= 0:
			g = g.moved(match - g.hi)
		default:
			g = g.moved(bestEnd(seq, g, top, indent) - g.hi)
		}
		groups[done] = g
		done++
	}
	return groups[:done]
}

func (g group) moved(by int) group { return group{g.at + by, g.lo + by, g.hi + by} }

// bestEnd gives the end from top to g.hi at which the group looks best.
func bestEnd(seq []uint32, g group, top int, indent []uint8) int {
	size := g.hi - g.lo
	end, best := -1, score{}
	for e := max(top, g.hi-size-1, g.hi-maxShifts); e <= g.hi; e++ {
		s := score{}
		s.add(seq, e, indent)
		s.add(seq, e-size, indent)
		if end < 0 || s.compare(best) <= 0 {
			end, best = e, s
		}
	}
	return end
}

// maxBlanks is how many blank lines are looked through for the next one that is not.
const maxBlanks = 20

// score tells how badly two borders split the text; less is better. The weights are those that git found on a corpus of human opinions.
type score struct {
	indent  int // sum of the indentations of the lines behind the borders
	penalty int
}

// add weighs the border before line at.
func (s *score) add(seq []uint32, at int, indent []uint8) {
	// Indentations: of the line behind the border, and of the next lines before and behind it that are not blank; -1 is none.
	here, before, behind := -1, -1, -1
	blanksBefore, blanksBehind := 0, 0
	if at < len(seq) {
		here = column(indent[seq[at]])
	}
	for i := at - 1; i >= 0; i-- {
		if before = column(indent[seq[i]]); before >= 0 {
			break
		}
		if blanksBefore++; blanksBefore == maxBlanks {
			before = 0
			break
		}
	}
	for i := at + 1; i < len(seq); i++ {
		if behind = column(indent[seq[i]]); behind >= 0 {
			break
		}
		if blanksBehind++; blanksBehind == maxBlanks {
			behind = 0
			break
		}
	}

	if before < 0 && blanksBefore == 0 {
		s.penalty++ // start of the file
	}
	if at >= len(seq) {
		s.penalty += 21 // end of the file
	}
	if here >= 0 {
		blanksBehind = 0
	} else {
		blanksBehind++
		here = behind
	}
	blanks := blanksBefore + blanksBehind
	s.penalty += -30*blanks + 6*blanksBehind
	s.indent += here
	plain, blank := 0, 0 // penalties without and with blank lines at the border
	switch {
	case here < 0 || before < 0 || here == before:
	case here > before:
		plain, blank = -4, 10
	case behind > here:
		plain, blank = 24, 17
	default:
		plain, blank = 23, 17
	}
	if blanks != 0 {
		s.penalty += blank
	} else {
		s.penalty += plain
	}
}

// indentWeight is what any difference in indentation counts in points of penalty.
const indentWeight = 60

func (s score) compare(t score) int {
	return indentWeight*cmp.Compare(s.indent, t.indent) + s.penalty - t.penalty
}

func column(indent uint8) int {
	if indent == Blank {
		return -1
	}
	return int(indent)
}
