package graph

import (
	"math"
	"slices"
)

// Layouts use additions, products, quotients and square roots alone, and products are wrapped in float64(): these have the same bits on all processors, so
// that pictures have the same bytes.

// layout places nodes so that neighbours are near and others are not: all push each other away with the product of their masses over the distance, edges
// pull with their weight times the distance, and all are drawn to the middle a little. From a fixed start; O(n log n + m) a step.
//
// Jacomy and others, ForceAtlas2, 2014; far nodes act together, as in Barnes and Hut, A hierarchical O(N log N) force-calculation algorithm, 1986.
func layout(g *Graph, mass, pull []float64, communities []int) (x, y []float64) {
	n := g.NumNodes()
	x, y = spiral(communities)
	if n < 2 {
		return x, y
	}
	steps := 600
	if n > 1000 {
		steps = 300
	}
	fx, fy := make([]float64, n), make([]float64, n)
	lastX, lastY := make([]float64, n), make([]float64, n)
	var t tree
	speed := 1.0
	for range steps {
		t.build(x, y, mass)
		for i := range n {
			rx, ry := t.push(x[i], y[i])
			// The pull to the middle keeps parts of the network together that no edge joins.
			fx[i] = mass[i] * (rx - float64(gravity*x[i]))
			fy[i] = mass[i] * (ry - float64(gravity*y[i]))
		}
		for e, ends := range g.ends {
			a, b := ends[0], ends[1]
			dx, dy := float64(pull[e]*(x[b]-x[a])), float64(pull[e]*(y[b]-y[a]))
			fx[a] += dx
			fy[a] += dy
			fx[b] -= dx
			fy[b] -= dy
		}
		// Nodes whose force turns around are slowed down, and all of them if many do.
		swing, traction := 0.0, 0.0
		for i := range n {
			swing += mass[i] * distance(fx[i]-lastX[i], fy[i]-lastY[i])
			traction += mass[i] * distance(fx[i]+lastX[i], fy[i]+lastY[i]) / 2
		}
		if swing > 0 {
			speed = min(traction/swing, 1.5*speed)
		}
		for i := range n {
			force := distance(fx[i], fy[i])
			own := speed / (1 + math.Sqrt(float64(speed*distance(fx[i]-lastX[i], fy[i]-lastY[i]))))
			if force > 0 {
				own = min(own, 10/force)
			}
			x[i] += float64(own * fx[i])
			y[i] += float64(own * fy[i])
		}
		copy(lastX, fx)
		copy(lastY, fy)
	}
	return x, y
}

const gravity = 0.02

func distance(x, y float64) float64 { return math.Sqrt(float64(x*x) + float64(y*y)) }

// spiral puts nodes on a sunflower's head, one community after the other, each as a patch.
func spiral(communities []int) (x, y []float64) {
	n := len(communities)
	x, y = make([]float64, n), make([]float64, n)
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return communities[a] - communities[b] })
	// The golden angle, turned by a fixed rotation: sines of the library may differ by processor.
	const cos, sin = -0.7373688780783197, 0.6754902942615238
	ux, uy := 1.0, 0.0
	for at, i := range order {
		r := math.Sqrt(float64(at) + 0.5)
		x[i], y[i] = float64(r*ux), float64(r*uy)
		ux, uy = float64(cos*ux)-float64(sin*uy), float64(sin*ux)+float64(cos*uy)
	}
	return x, y
}

// tree parts the plane into quarters of quarters, with the mass of each.
type tree struct {
	cells []cell
	stack []int32
}

type cell struct {
	x, y, side float64 // the corner, and the length
	mass       float64
	mx, my     float64 // the middle of the mass
	child      [4]int32
	leaf       bool
}

// deepest bounds the tree, for nodes in one place.
const deepest = 40

func (t *tree) build(x, y, mass []float64) {
	t.cells = t.cells[:0]
	left, top, right, bottom := x[0], y[0], x[0], y[0]
	for i := range x {
		left, right, top, bottom = min(left, x[i]), max(right, x[i]), min(top, y[i]), max(bottom, y[i])
	}
	t.cells = append(t.cells, cell{x: left, y: top, side: max(right-left, bottom-top, 1e-9), leaf: true})
	for i := range x {
		t.add(0, x[i], y[i], mass[i])
	}
}

func (t *tree) add(at int32, x, y, mass float64) {
	for depth := 0; ; depth++ {
		c := &t.cells[at]
		if c.leaf && (c.mass == 0 || depth >= deepest) || c.leaf && c.mx == x && c.my == y {
			c.put(x, y, mass)
			return
		}
		if c.leaf {
			// What it holds goes one level down.
			ox, oy, om := c.mx, c.my, c.mass
			c.leaf = false
			t.quarter(at, ox, oy, om)
			c = &t.cells[at]
		}
		c.put(x, y, mass)
		q := c.which(x, y)
		if c.child[q] == 0 {
			t.quarter(at, x, y, mass)
			return
		}
		at = c.child[q]
	}
}

func (c *cell) put(x, y, mass float64) {
	total := c.mass + mass
	c.mx = (float64(c.mx*c.mass) + float64(x*mass)) / total
	c.my = (float64(c.my*c.mass) + float64(y*mass)) / total
	c.mass = total
}

func (c *cell) which(x, y float64) (q int) {
	if x >= c.x+c.side/2 {
		q = 1
	}
	if y >= c.y+c.side/2 {
		q += 2
	}
	return q
}

// quarter makes the part of a cell that holds the point.
func (t *tree) quarter(at int32, x, y, mass float64) {
	c := &t.cells[at]
	q := c.which(x, y)
	half := c.side / 2
	next := cell{x: c.x + half*float64(q&1), y: c.y + half*float64(q>>1), side: half, mass: mass, mx: x, my: y, leaf: true}
	c.child[q] = int32(len(t.cells))
	t.cells = append(t.cells, next)
}

// push is the force that all masses put on a point, per unit of its own.
func (t *tree) push(x, y float64) (fx, fy float64) {
	t.stack = append(t.stack[:0], 0)
	for len(t.stack) > 0 {
		c := &t.cells[t.stack[len(t.stack)-1]]
		t.stack = t.stack[:len(t.stack)-1]
		dx, dy := x-c.mx, y-c.my
		square := float64(dx*dx) + float64(dy*dy)
		if !c.leaf && float64(c.side*c.side) > square { // nearer than the cell is wide
			for _, child := range c.child {
				if child != 0 {
					t.stack = append(t.stack, child)
				}
			}
			continue
		}
		if square > 0 {
			f := c.mass / max(square, 1e-4)
			fx += float64(f * dx)
			fy += float64(f * dy)
		}
	}
	return fx, fy
}

// separate moves circles apart until none overlap, or enough was tried.
func separate(x, y, radius []float64) {
	if len(x) == 0 {
		return
	}
	size := 1e-9
	for _, r := range radius {
		size = max(size, 2*r)
	}
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	for range 400 {
		moved := false
		// Sorted from left to right, so that only near ones are compared.
		slices.SortStableFunc(order, func(a, b int) int {
			switch {
			case x[a] < x[b]:
				return -1
			case x[a] > x[b]:
				return 1
			}
			return a - b
		})
		for at, i := range order {
			for _, j := range order[at+1:] {
				if x[j]-x[i] > radius[i]+size/2 {
					break
				}
				dx, dy := x[j]-x[i], y[j]-y[i]
				need := radius[i] + radius[j]
				square := float64(dx*dx) + float64(dy*dy)
				if square >= float64(need*need) {
					continue
				}
				d := math.Sqrt(square)
				if d < 1e-6 {
					dx, dy, d = 1, float64(i%7)/7, 1
				}
				by := (need - math.Sqrt(square)) / d * 0.55
				// The heavier gives way less.
				share := float64(radius[j]*radius[j]) / (float64(radius[i]*radius[i]) + float64(radius[j]*radius[j]))
				x[i] -= float64(by * dx * share)
				y[i] -= float64(by * dy * share)
				x[j] += float64(by * dx * (1 - share))
				y[j] += float64(by * dy * (1 - share))
				moved = true
			}
		}
		if !moved {
			return
		}
	}
}
