package graph

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
)

// Paths are shortest paths between pairs of nodes drawn at random: what is asked of all shortest paths can be estimated from them, for
// any number of nodes and sets.
type Paths struct {
	// Samples is the number of pairs drawn, those that no path joins among them.
	Samples int
	// Error is how far a node's share of pairs may be off, with a probability of Confidence for all nodes at once.
	Error, Confidence float64

	n     int
	ends  [][2]uint32 // the pairs
	start []uint32    // the nodes between the ends of pair i are inner[start[i]:start[i+1]]
	inner []uint32
}

// SamplePaths draws so many pairs that the betweenness of every node, as a share of the n(n-1)/2 pairs, is off by at most epsilon with a
// probability of at least 1-delta: r = (floor(log2(V-2)) + 1 + ln(1/delta)) / (2 epsilon^2), V the most nodes on a shortest path, which
// is bounded by two searches in each part of the graph. epsilon and delta are between 0 and 1. Of a pair one of its shortest paths is drawn, each as
// likely as the others; edges are unweighted. The same seed gives the same paths, on any number of processors.
//
// Riondato and Kornaropoulos, Fast approximation of betweenness centrality through sampling, 2014. Paths are found from both ends, as in Borassi and Natale, KADABRA
// is an adaptive algorithm for betweenness via random approximation, 2016.
func SamplePaths(g *Graph, epsilon, delta float64, seed uint64) *Paths {
	inner := math.Floor(math.Log2(math.Max(1, float64(longest(g)-2))))
	r := int(math.Ceil((inner + 1 - math.Log(delta)) / (2 * epsilon * epsilon)))
	p := &Paths{n: g.NumNodes(), Error: epsilon, Confidence: 1 - delta}
	if p.n < 2 {
		p.start = []uint32{0}
		return p
	}
	p.Samples = r
	p.ends = make([][2]uint32, r)
	found := make([][]uint32, pieces)
	lengths := make([]uint32, r)
	todo := make(chan int)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), pieces) {
		workers.Go(func() {
			m := newMeeting(g)
			for piece := range todo {
				for i := piece * r / pieces; i < (piece+1)*r/pieces; i++ {
					m.random = seeded(seed, uint64(i))
					s, t := m.random.IntN(p.n), m.random.IntN(p.n-1)
					if t >= s {
						t++
					}
					p.ends[i] = [2]uint32{uint32(s), uint32(t)}
					before := len(found[piece])
					found[piece] = m.path(found[piece], uint32(s), uint32(t))
					lengths[i] = uint32(len(found[piece]) - before)
				}
			}
		})
	}
	for piece := range pieces {
		todo <- piece
	}
	close(todo)
	workers.Wait()
	p.inner = slices.Concat(found...)
	p.start = make([]uint32, r+1)
	for i, n := range lengths {
		p.start[i+1] = p.start[i] + n
	}
	return p
}

// seeded gives the same numbers every time: what is drawn is a sample, no secret.
func seeded(seed, stream uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, stream)) //nolint:gosec // as said
}

// Betweenness estimates [Betweenness], unweighted, in its unit: off by at most Error n(n-1)/2 for all nodes with a probability of Confidence.
func (p *Paths) Betweenness() []float64 {
	counts := make([]int, p.n)
	for _, i := range p.inner {
		counts[i]++
	}
	out := make([]float64, p.n)
	pairs := float64(p.n) * float64(p.n-1) / 2
	for i, n := range counts {
		if n > 0 {
			out[i] = float64(n) / float64(p.Samples) * pairs
		}
	}
	return out
}

// through counts the sampled pairs with both ends outside of the nodes where member is stamp, and of these the ones whose path leads through such a node.
func (p *Paths) through(member []uint32, stamp uint32) (pairs, through int) {
	for i, ends := range p.ends {
		if member[ends[0]] == stamp || member[ends[1]] == stamp {
			continue
		}
		pairs++
		for _, u := range p.inner[p.start[i]:p.start[i+1]] {
			if member[u] == stamp {
				through++
				break
			}
		}
	}
	return pairs, through
}

// longest bounds the number of nodes on a shortest path: in each part of the graph, no two nodes are further apart than twice the way from
// one to the furthest, and the way to the second furthest makes it a little less.
func longest(g *Graph) int {
	most := 0
	s := newSearch(g, Unweighted)
	met := make([]bool, g.NumNodes())
	for i := range met {
		if met[i] {
			continue
		}
		s.from(i)
		for _, u := range s.order {
			met[u] = true
		}
		if n := len(s.order); n > 1 {
			furthest, second := s.distance[s.order[n-1]], s.distance[s.order[n-2]]
			most = max(most, min(n, int(furthest+second)+1))
		}
	}
	return most
}

// meeting finds a random shortest path by searching from both ends, always on the side where less is to be looked at.
type meeting struct {
	g      *Graph
	random *rand.Rand
	round  uint32
	sides  [2]side
	cross  []crossing
}

// side is the search from one end. stamp tells which nodes hold values of this round.
type side struct {
	stamp, depth []uint32
	paths        []float64
	edge, after  []uint32 // the outermost nodes, and those beyond
}

// crossing is an edge at which the sides meet, with the number of shortest paths over it.
type crossing struct {
	u, v  uint32 // u on the first side
	paths float64
}

func newMeeting(g *Graph) *meeting {
	m := &meeting{g: g}
	for i := range m.sides {
		n := g.NumNodes()
		m.sides[i] = side{stamp: make([]uint32, n), depth: make([]uint32, n), paths: make([]float64, n)}
	}
	return m
}

// path appends the nodes between s and t on a shortest path, in no particular order; nothing if there is none.
func (m *meeting) path(to []uint32, s, t uint32) []uint32 {
	m.round++
	for i, end := range [2]uint32{s, t} {
		x := &m.sides[i]
		x.stamp[end], x.depth[end], x.paths[end] = m.round, 0, 1
		x.edge = append(x.edge[:0], end)
	}
	m.cross = m.cross[:0]
	for len(m.cross) == 0 {
		if len(m.sides[0].edge) == 0 || len(m.sides[1].edge) == 0 {
			return to
		}
		if m.cost(0) <= m.cost(1) {
			m.step(0)
		} else {
			m.step(1)
		}
	}
	total := 0.0
	for _, c := range m.cross {
		total += c.paths
	}
	at := m.random.Float64() * total
	chosen := m.cross[len(m.cross)-1]
	for _, c := range m.cross {
		if at -= c.paths; at < 0 {
			chosen = c
			break
		}
	}
	to = m.back(to, 0, chosen.u)
	return m.back(to, 1, chosen.v)
}

// cost is how many neighbours the next step of a side looks at.
func (m *meeting) cost(i int) (n int) {
	for _, u := range m.sides[i].edge {
		n += int(m.g.start[u+1] - m.g.start[u])
	}
	return n
}

// step takes a side one edge further, and collects the edges at which it meets the other. These lead to the outermost nodes there: nearer ones would have been met before.
func (m *meeting) step(i int) {
	x, y := &m.sides[i], &m.sides[1-i]
	x.after = x.after[:0]
	for _, u := range x.edge {
		for _, v := range m.g.next[m.g.start[u]:m.g.start[u+1]] {
			switch {
			case y.stamp[v] == m.round:
				c := crossing{u, v, float64(x.paths[u] * y.paths[v])}
				if i == 1 {
					c.u, c.v = v, u
				}
				m.cross = append(m.cross, c)
			case x.stamp[v] != m.round:
				x.stamp[v], x.depth[v], x.paths[v] = m.round, x.depth[u]+1, x.paths[u]
				x.after = append(x.after, v)
			case x.depth[v] == x.depth[u]+1:
				x.paths[v] += x.paths[u]
			}
		}
	}
	x.edge, x.after = x.after, x.edge
}

// back walks from u to the end that its side began at, and appends what it meets, without that end.
func (m *meeting) back(to []uint32, i int, u uint32) []uint32 {
	x := &m.sides[i]
	for x.depth[u] > 0 {
		to = append(to, u)
		at := m.random.Float64() * x.paths[u]
		before := u
		for _, v := range m.g.next[m.g.start[u]:m.g.start[u+1]] {
			if x.stamp[v] == m.round && x.depth[v] == x.depth[u]-1 {
				before = v
				if at -= x.paths[v]; at < 0 {
					break
				}
			}
		}
		u = before
	}
	return to
}
