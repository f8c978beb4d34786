package linediff

import (
	"cmp"
	"math"
)

// The bounds of the heuristics of [searcher.find].
const (
	minCost   = 256 // edits before a comparison settles for less than the best split
	longSnake = 20  // equal lines in a row that make a match worth having
	goodRatio = 4   // a split is good if it gets this many lines ahead per edit
)

// searcher holds the arrays of the middle-snake search: for each diagonal k = x - y, offset by base, the furthest x that was reached
// forward and backward.
type searcher struct {
	forward, backward []int32
	base              int
	budget            int // edits after which a split is taken as it comes
	work, limit       uint64
}

// box is a part of the edit graph: lines [x0, x1) of a against lines [y0, y1) of b.
type box struct{ x0, x1, y0, y1 int }

// compare marks the changed lines of the middles, whose classes are known.
func (d *Differ) compare(a, b []uint32, m middle) {
	d.a.reduce(a[m.lo:m.ahi])
	d.b.reduce(b[m.lo:m.bhi])
	na, nb := len(d.a.ids), len(d.b.ids)
	diagonals := na + nb + 3
	s := &d.split
	if len(s.forward) < diagonals {
		n := diagonals + min(diagonals/2, 1<<16)
		s.forward, s.backward = make([]int32, n), make([]int32, n)
	}
	s.base = nb + 1
	s.budget = max(roughRoot(diagonals), minCost)
	s.work, s.limit = 0, cmp.Or(d.Limit, DefaultLimit)
	d.conquer(box{0, na, 0, nb}, false)
	if s.work > s.limit {
		d.Exhausted++
	}
}

// conquer marks the lines of a box of the reduced sides that have no partner.
func (d *Differ) conquer(r box, minimal bool) {
	a, b := d.a.ids, d.b.ids
	for {
		for r.x0 < r.x1 && r.y0 < r.y1 && a[r.x0] == b[r.y0] {
			r.x0++
			r.y0++
		}
		for r.x0 < r.x1 && r.y0 < r.y1 && a[r.x1-1] == b[r.y1-1] {
			r.x1--
			r.y1--
		}
		if r.x0 == r.x1 || r.y0 == r.y1 || d.split.work > d.split.limit {
			d.a.mark(r.x0, r.x1)
			d.b.mark(r.y0, r.y1)
			return
		}
		p := d.split.find(a, b, r, minimal)
		d.conquer(box{r.x0, p.x, r.y0, p.y}, p.before)
		r.x0, r.y0, minimal = p.x, p.y, p.behind
	}
}

func (s *side) mark(lo, hi int) {
	for _, line := range s.kept[lo:hi] {
		s.changed[line] = 1
	}
}

// point is where a box is split, and which of its parts must be compared without heuristics.
type point struct {
	x, y           int
	before, behind bool
}

// find gives the point where the box is split: the middle of a shortest path through it or, unless minimal is asked for and once
// that has become expensive, a point that looks good.
func (s *searcher) find(a, b []uint32, r box, minimal bool) point {
	f, g, o := s.forward, s.backward, s.base
	x0, x1, y0, y1 := r.x0, r.x1, r.y0, r.y1
	kmin, kmax := x0-y1, x1-y0
	fmid, gmid := x0-y0, x1-y1
	ax, by := a[:x1], b[:y1]
	odd := (fmid-gmid)&1 != 0
	fmin, fmax, gmin, gmax := fmid, fmid, gmid, gmid
	f[o+fmid] = int32(x0)
	g[o+gmid] = int32(x1)

	for cost := 1; s.work <= s.limit; cost++ {
		long := false

		// The range of diagonals grows by one at both ends, up to the corners of the box, from where on it shrinks again. The
		// diagonals next to the ends must never win against those inside.
		if fmin > kmin {
			fmin--
			f[o+fmin-1] = -1
		} else {
			fmin++
		}
		if fmax < kmax {
			fmax++
			f[o+fmax+1] = -1
		} else {
			fmax--
		}
		s.work += uint64(fmax - fmin)
		// What meets the search from the other end is looked for where that search has been.
		lo, hi := fmax+1, fmin-1
		if odd {
			lo, hi = gmin, gmax
		}
		right := int(f[o+fmax+1])
		for k := fmax; k >= fmin; k -= 2 {
			left := int(f[o+k-1])
			x := max(right, left+1)
			right = left
			if y := x - k; uint(x) < uint(len(ax)) && uint(y) < uint(len(by)) && ax[x] == by[y] {
				n := follow(ax[x:], by[y:])
				x += n
				s.work += uint64(n)
				long = long || n > longSnake
			}
			f[o+k] = int32(x)
			if lo <= k && k <= hi && int(g[o+k]) <= x {
				return point{x, x - k, true, true}
			}
		}

		if gmin > kmin {
			gmin--
			g[o+gmin-1] = math.MaxInt32
		} else {
			gmin++
		}
		if gmax < kmax {
			gmax++
			g[o+gmax+1] = math.MaxInt32
		} else {
			gmax--
		}
		s.work += uint64(gmax - gmin)
		lo, hi = gmax+1, gmin-1
		if !odd {
			lo, hi = fmin, fmax
		}
		right = int(g[o+gmax+1])
		for k := gmax; k >= gmin; k -= 2 {
			left := int(g[o+k-1])
			x := min(right-1, left)
			right = left
			if y := x - k; x > x0 && y > y0 && a[x-1] == b[y-1] {
				n := followBack(a[x0:x], b[y0:y])
				x -= n
				s.work += uint64(n)
				long = long || n > longSnake
			}
			g[o+k] = int32(x)
			if lo <= k && k <= hi && x <= int(f[o+k]) {
				return point{x, x - k, true, true}
			}
		}

		if minimal {
			continue
		}
		if long && cost > minCost {
			if p, ok := s.goodForward(a, b, r, fmin, fmax, cost); ok {
				return p
			}
			if p, ok := s.goodBackward(a, b, r, gmin, gmax, cost); ok {
				return p
			}
		}
		if cost >= s.budget {
			return s.furthest(r, fmin, fmax, gmin, gmax)
		}
	}
	return point{x: x0, y: y0} // any will do: the box is taken as changed
}

// goodForward looks for the point that got furthest ahead of its cost and has a long snake behind it.
func (s *searcher) goodForward(a, b []uint32, r box, kmin, kmax, cost int) (p point, found bool) {
	best := 0
	for k := kmax; k >= kmin; k -= 2 {
		x := int(s.forward[s.base+k])
		y := x - k
		gain := (x - r.x0) + (y - r.y0) - abs(k-(r.x0-r.y0))
		if gain > goodRatio*cost && gain > best &&
			r.x0+longSnake <= x && x < r.x1 && r.y0+longSnake <= y && y < r.y1 && equal(a[x-longSnake:x], b[y-longSnake:y]) {
			best, p, found = gain, point{x, y, true, false}, true
		}
	}
	return p, found
}

// goodBackward is goodForward seen from the other end.
func (s *searcher) goodBackward(a, b []uint32, r box, kmin, kmax, cost int) (p point, found bool) {
	best := 0
	for k := kmax; k >= kmin; k -= 2 {
		x := int(s.backward[s.base+k])
		y := x - k
		gain := (r.x1 - x) + (r.y1 - y) - abs(k-(r.x1-r.y1))
		if gain > goodRatio*cost && gain > best &&
			r.x0 < x && x <= r.x1-longSnake && r.y0 < y && y <= r.y1-longSnake && equal(a[x:x+longSnake], b[y:y+longSnake]) {
			best, p, found = gain, point{x, y, false, true}, true
		}
	}
	return p, found
}

// furthest gives, of the points that were reached from either corner, the one that is furthest from its corner.
func (s *searcher) furthest(r box, fmin, fmax, gmin, gmax int) point {
	fbest, fx := -1, -1
	for k := fmax; k >= fmin; k -= 2 {
		x := min(int(s.forward[s.base+k]), r.x1)
		y := x - k
		if y > r.y1 {
			x, y = r.y1+k, r.y1
		}
		if x+y > fbest {
			fbest, fx = x+y, x
		}
	}
	gbest, gx := math.MaxInt, math.MaxInt
	for k := gmax; k >= gmin; k -= 2 {
		x := max(int(s.backward[s.base+k]), r.x0)
		y := x - k
		if y < r.y0 {
			x, y = r.y0+k, r.y0
		}
		if x+y < gbest {
			gbest, gx = x+y, x
		}
	}
	if (r.x1+r.y1)-gbest < fbest-(r.x0+r.y0) {
		return point{fx, fbest - fx, true, false}
	}
	return point{gx, gbest - gx, false, true}
}

// follow gives the number of equal lines that a and b begin with.
func follow(a, b []uint32) int {
	n := min(len(a), len(b))
	a, b = a[:n], b[:n]
	for i, x := range a {
		if x != b[i] {
			return i
		}
	}
	return n
}

// followBack gives the number of equal lines that a and b end with.
func followBack(a, b []uint32) int {
	n := min(len(a), len(b))
	a, b = a[len(a)-n:], b[len(b)-n:]
	for i := n - 1; i >= 0; i-- {
		if a[i] != b[i] {
			return n - 1 - i
		}
	}
	return n
}

func equal(a, b []uint32) bool { return [longSnake]uint32(a) == [longSnake]uint32(b) }

func abs(n int) int { return max(n, -n) }
