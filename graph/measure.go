package graph

import (
	"math"
	"math/bits"
	"runtime"
	"slices"
	"sync"
)

// The measures below take every edge of the graph they are given, whatever its relation: one contribution may stand on three
// edges, so [Graph.Select] relations first. They have no direction. A column of [Unweighted] makes all edges equal; else the
// weight is closeness, and the length of an edge is 1/weight (infinite where the weight is 0). Results have one value a node.

// Unweighted stands for a column in measures that make all edges equal.
const Unweighted = -1

// pieces is into how many parts the sources of an all-pairs measure are cut. Each part sums for itself and the parts are added in order, so that
// the number of processors does not show in the last digits.
const pieces = 64

// fewSources is below how many one goroutine is sooner done than several that have to talk.
const fewSources = 256

// Products are wrapped in float64() before they are added, which forbids the compiler to fuse the two steps on some processors: results
// are then equal to the last bit on all of them.

// tie is the relative difference below which two lengths of paths are equal: sums of 1/weight differ by rounding with their order.
const tie = 1e-12

// Degrees gives the number of neighbours.
func Degrees(g *Graph) []int {
	degrees := make([]int, g.NumNodes())
	for i := range degrees {
		degrees[i] = int(g.start[i+1] - g.start[i])
	}
	return degrees
}

// Strengths gives the sum of a column over the edges of each node, in the column's unit.
func Strengths(g *Graph, column int) []float64 {
	strengths := make([]float64, g.NumNodes())
	for i := range strengths {
		_, edges := g.Neighbors(i)
		for _, e := range edges {
			strengths[i] += g.weights[column][e]
		}
	}
	return strengths
}

// PageRank gives the share of time that a walk spends at each node: with probability damping (0.85 is usual, [0, 1)) it follows an edge, chosen in proportion to its
// weight, else, and where there is no edge, it goes anywhere. Shares add up to 1. Rounds of Gauss and Seidel, in O(m) each, until the change of
// one, summed over nodes, is below 1e-14 of the sum; there are at most 1,000. What a connected part has in all is known beforehand, and is set right after each of the first
// rounds: it would come right last, after a hundred.
//
// Brin and Page, The anatomy of a large-scale hypertextual web search engine, 1998. As NetworkX's pagerank, which stops at n*1e-6.
func PageRank(g *Graph, column int, damping float64) []float64 {
	n := g.NumNodes()
	out := make([]float64, n) // what leaves a node
	along := g.rowWeights(column)
	for i := range n {
		for _, w := range along[g.start[i]:g.start[i+1]] {
			out[i] += w
		}
	}
	// Ranks are the solution x of x = 1 + damping * (what neighbours give), divided by its sum: nodes without an edge, which give to everybody alike,
	// only add to all. Taking each new value at once (Gauss and Seidel) needs half of the rounds.
	rank, give, share := make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range rank {
		rank[i] = 1
		if out[i] > 0 {
			share[i] = 1 / out[i]
			give[i] = share[i]
		}
	}
	part, sizes := parts(g, along)
	factors := make([]float64, len(sizes))
	total := float64(n)
	for round := range 1000 {
		change := 0.0
		total = 0
		for i := range rank {
			sum := 0.0
			lo, hi := g.start[i], g.start[i+1]
			weights := along[lo:hi]
			for j, u := range g.next[lo:hi] {
				sum += float64(give[u] * weights[j])
			}
			x := 1 + float64(damping*sum)
			change += math.Abs(x - rank[i])
			total += x
			rank[i], give[i] = x, x*share[i]
		}
		if round < setRight {
			// All of what a part of k > 1 nodes gives stays in it: with s in all, s = k + damping * s.
			clear(factors)
			for i, x := range rank {
				factors[part[i]] += x
			}
			for p, size := range sizes {
				if size > 1 {
					factors[p] = size / (1 - damping) / factors[p]
				} else {
					factors[p] = 1
				}
			}
			total = 0
			for i, x := range rank {
				f := factors[part[i]]
				change += math.Abs(f-1) * x
				x *= f
				total += x
				rank[i], give[i] = x, x*share[i]
			}
		}
		if change < 1e-14*total {
			break
		}
	}
	for i := range rank {
		rank[i] /= total
	}
	return rank
}

// setRight is after how many rounds of [PageRank] sums are set right: then the rounds go on alone, which are known to come to an end.
const setRight = 50

// parts numbers the connected parts of a graph, along edges with a weight, by their first nodes, and gives how many nodes each has.
func parts(g *Graph, along []float64) (part []uint32, sizes []float64) {
	const none = math.MaxUint32
	part = slices.Repeat([]uint32{none}, g.NumNodes())
	var queue []uint32
	for i := range part {
		if part[i] != none {
			continue
		}
		p := uint32(len(sizes))
		sizes = append(sizes, 0)
		part[i] = p
		for queue = append(queue[:0], uint32(i)); len(queue) > 0; {
			at := queue[len(queue)-1]
			queue = queue[:len(queue)-1]
			sizes[p]++
			lo, hi := g.start[at], g.start[at+1]
			for j, u := range g.next[lo:hi] {
				if part[u] == none && along[int(lo)+j] > 0 {
					part[u] = p
					queue = append(queue, u)
				}
			}
		}
	}
	return part, sizes
}

// rowWeights gives the weights of a column beside the rows of neighbours, where loops over these find them one after the other.
func (g *Graph) rowWeights(column int) []float64 {
	weights := make([]float64, len(g.edge))
	for i, e := range g.edge {
		weights[i] = g.closeness(column, e)
	}
	return weights
}

// closeness is an edge's weight in a column, 1 for Unweighted.
func (g *Graph) closeness(column int, e uint32) float64 {
	if column == Unweighted {
		return 1
	}
	return g.weights[column][e]
}

// DegreeCentralization says how far the network turns around one node: the sum over nodes of the largest degree less theirs, divided by the largest
// value that it can have, (n-1)(n-2) of a star. From 0 (all alike) to 1; not a number for less than three nodes. Unweighted alone: weights have no largest value.
//
// Freeman, Centrality in social networks: conceptual clarification, 1978.
func DegreeCentralization(g *Graph) float64 {
	n := float64(g.NumNodes())
	most, sum := 0, 0
	degrees := Degrees(g)
	for _, d := range degrees {
		most, sum = max(most, d), sum+d
	}
	if n < 3 {
		return math.NaN()
	}
	return float64(len(degrees)*most-sum) / ((n - 1) * (n - 2))
}

// BetweennessCentralization is the same of unweighted betweenness, as [Betweenness] gives it; the largest value is (n-1)^2 (n-2)/2.
//
// Freeman, A set of measures of centrality based on betweenness, 1977.
func BetweennessCentralization(betweenness []float64) float64 {
	n := float64(len(betweenness))
	if n < 3 {
		return math.NaN()
	}
	most, sum := 0.0, 0.0
	for _, b := range betweenness {
		most = max(most, b)
	}
	for _, b := range betweenness {
		sum += most - b
	}
	return sum / ((n - 1) * (n - 1) * (n - 2) / 2)
}

// CoreNumbers gives the largest k such that the node is in a part of the graph where everybody has k neighbours inside that part. O(n + m).
//
// Batagelj and Zaversnik, An O(m) algorithm for cores decomposition of networks, 2003. As NetworkX's core_number.
func CoreNumbers(g *Graph) []int {
	core := Degrees(g) // falls while neighbours with fewer are taken away
	most := 0
	for _, d := range core {
		most = max(most, d)
	}
	// Nodes sorted by degree in buckets; first is where a bucket begins.
	first := make([]int, most+2)
	for _, d := range core {
		first[d+1]++
	}
	for d := range most + 1 {
		first[d+1] += first[d]
	}
	at, order := make([]int, len(core)), make([]int, len(core))
	fill := append([]int(nil), first...)
	for i, d := range core {
		at[i] = fill[d]
		order[fill[d]] = i
		fill[d]++
	}
	for _, i := range order {
		nodes, _ := g.Neighbors(i)
		for _, u := range nodes {
			if core[u] <= core[i] {
				continue
			}
			// u loses a neighbour: swap it to the front of its bucket, and let the bucket begin after it.
			d := core[u]
			front := order[first[d]]
			order[at[u]], order[first[d]] = front, int(u)
			at[front], at[u] = at[u], first[d]
			first[d]++
			core[u]--
		}
	}
	return core
}

// HarmonicCloseness gives the sum of 1/distance to every other node; one that cannot be reached adds 0. Not normalised: divide by n-1 for a mean. Exact: weighted
// O(nm log n); unweighted O(nm) at the worst, but 64 sources go together, and share every step that they make at the same moment.
//
// Marchiori and Latora, Harmony in the small-world, 2000; sources together: Then and others, The more the merrier, 2014. As NetworkX's harmonic_centrality with
// distance 1/weight.
func HarmonicCloseness(g *Graph, column int) []float64 {
	if column == Unweighted {
		return overPieces(g.NumNodes(), func() func(lo, hi int, sum []float64) {
			t := newTogether(g)
			return func(lo, hi int, sum []float64) {
				for ; lo < hi; lo += 64 {
					t.from(lo, min(lo+64, hi), sum)
				}
			}
		})
	}
	closeness := make([]float64, g.NumNodes())
	overSources(g, column, func(s *search, source int, _ []float64) {
		s.from(source)
		sum := 0.0
		for _, i := range s.order[1:] {
			sum += 1 / s.distance[i]
		}
		closeness[source] = sum
	})
	return closeness
}

// together searches from up to 64 sources at once: bit k of a word stands for the k-th.
type together struct {
	g                *Graph
	seen, here, next []uint64
	at, to           []uint32 // nodes with bits in here, in next
}

func newTogether(g *Graph) *together {
	n := g.NumNodes()
	return &together{g: g, seen: make([]uint64, n), here: make([]uint64, n), next: make([]uint64, n)}
}

// from adds to every node the sum of 1/distance over the sources lo to hi-1.
func (t *together) from(lo, hi int, sum []float64) {
	clear(t.seen)
	t.at = t.at[:0]
	for i := lo; i < hi; i++ {
		t.seen[i], t.here[i] = 1<<(i-lo), 1<<(i-lo)
		t.at = append(t.at, uint32(i))
	}
	for d := 1.0; len(t.at) > 0; d++ {
		t.to = t.to[:0]
		for _, i := range t.at {
			bits := t.here[i]
			t.here[i] = 0
			for _, u := range t.g.next[t.g.start[i]:t.g.start[i+1]] {
				fresh := bits &^ t.seen[u]
				if fresh == 0 {
					continue
				}
				if t.next[u] == 0 {
					t.to = append(t.to, u)
				}
				t.next[u] |= fresh
			}
		}
		for _, u := range t.to {
			t.seen[u] |= t.next[u]
			sum[u] += float64(bits.OnesCount64(t.next[u])) / d
		}
		t.here, t.next = t.next, t.here
		t.at, t.to = t.to, t.at
	}
}

// Betweenness gives for each node v the sum, over unordered pairs of other nodes, of the share of their shortest paths that pass through v. Not
// normalised: divide by (n-1)(n-2)/2 for a share. Exact: O(nm), weighted O(nm log n), on all processors, with the same result on any
// number of them. Paths are counted in float64: above 1e308 of them between two nodes the result is not a number.
//
// Brandes, A faster algorithm for betweenness centrality, 2001. As NetworkX's betweenness_centrality with normalized=False and distance 1/weight, except
// where two lengths differ by less than a part in 1e12: there paths are equally short here, while NetworkX compares every bit.
func Betweenness(g *Graph, column int) []float64 {
	return overSources(g, column, func(s *search, source int, sum []float64) {
		s.from(source)
		if s.length == nil {
			s.byLevels(sum)
			return
		}
		s.count()
		for at := len(s.order) - 1; at > 0; at-- {
			w := s.order[at]
			share := (1 + s.dependency[w]) / s.paths[w]
			s.predecessors(w, func(v uint32) { s.dependency[v] += float64(s.paths[v] * share) })
			sum[w] += s.dependency[w] / 2 // each pair is met from both ends
			s.dependency[w] = 0
		}
		s.dependency[source] = 0
	})
}

// overSources calls visit for every node as the source, in parallel, and adds up what it puts into sum.
func overSources(g *Graph, column int, visit func(s *search, source int, sum []float64)) []float64 {
	return overPieces(g.NumNodes(), func() func(lo, hi int, sum []float64) {
		s := newSearch(g, column)
		return func(lo, hi int, sum []float64) {
			for source := lo; source < hi; source++ {
				visit(s, source, sum)
			}
		}
	})
}

// overPieces cuts 0 to n-1 into pieces, calls visit for each, in parallel, and adds up what it puts into sum, in an order that does not depend on the
// processors. Each goroutine asks for a visit of its own.
func overPieces(n int, worker func() func(lo, hi int, sum []float64)) []float64 {
	total := make([]float64, n)
	if n < fewSources {
		visit, sum := worker(), make([]float64, n)
		for piece := range pieces {
			visit(piece*n/pieces, (piece+1)*n/pieces, sum)
			for i, x := range sum {
				total[i] += x
			}
			clear(sum)
		}
		return total
	}
	type result struct {
		piece int
		sum   []float64
	}
	todo := make(chan int)
	done := make(chan result)
	processors := min(runtime.GOMAXPROCS(0), pieces)
	// Whoever has room for a sum takes the next piece, so that the first one that is missing is always at work, and one that takes long is not
	// waited for by the sums of all the others.
	const ahead = 4
	room := make(chan []float64, ahead*processors)
	for range cap(room) {
		room <- nil
	}
	var workers sync.WaitGroup
	for range processors {
		workers.Go(func() {
			visit := worker()
			for {
				sum := <-room
				piece, ok := <-todo
				if !ok {
					room <- sum
					return
				}
				if sum == nil {
					sum = make([]float64, n)
				}
				visit(piece*n/pieces, (piece+1)*n/pieces, sum)
				done <- result{piece, sum}
			}
		})
	}
	go func() {
		for piece := range pieces {
			todo <- piece
		}
		close(todo)
		workers.Wait()
		close(done)
	}()
	waiting := map[int][]float64{}
	next := 0
	for r := range done {
		waiting[r.piece] = r.sum
		for sum, ok := waiting[next]; ok; sum, ok = waiting[next] {
			for i, x := range sum {
				total[i] += x
			}
			delete(waiting, next)
			next++
			clear(sum)
			room <- sum
		}
	}
	return total
}

// search finds shortest paths from one source after another, in arrays that are made once.
type search struct {
	g      *Graph
	length []float64 // by edge; nil if all are 1

	order      []uint32  // nodes reached, by distance
	levels     []int     // unweighted: where in order each distance begins, and the end
	distance   []float64 // by node, +Inf if not reached
	place      []int32   // by node, in order
	paths      []float64 // how many shortest ones
	dependency []float64 // how much of the paths to others runs through; zero between weighted searches
	carry      []float64 // zero between searches
	heap       []uint32
	inHeap     []int32 // place in heap, -1 if not there
}

func newSearch(g *Graph, column int) *search {
	n := g.NumNodes()
	s := &search{g: g, distance: make([]float64, n), place: make([]int32, n), paths: make([]float64, n), dependency: make([]float64, n), carry: make([]float64, n)}
	for i := range s.distance {
		s.distance[i] = math.Inf(1)
	}
	if column != Unweighted {
		s.length = make([]float64, g.NumEdges())
		for e, w := range g.weights[column] {
			s.length[e] = 1 / w
		}
		s.inHeap = make([]int32, n)
	}
	return s
}

// from sets order, distance and place.
func (s *search) from(source int) {
	for _, i := range s.order {
		s.distance[i] = math.Inf(1)
	}
	s.order = s.order[:0]
	s.distance[source] = 0
	if s.length == nil {
		s.order = append(s.order, uint32(source))
		s.levels = append(s.levels[:0], 0)
		for d := 1.0; s.levels[len(s.levels)-1] < len(s.order); d++ {
			lo, hi := s.levels[len(s.levels)-1], len(s.order)
			s.levels = append(s.levels, hi)
			for _, i := range s.order[lo:hi] {
				nodes, _ := s.g.Neighbors(int(i))
				for _, u := range nodes {
					if s.distance[u] > d {
						s.distance[u] = d
						s.order = append(s.order, u)
					}
				}
			}
		}
		return
	}
	s.push(uint32(source))
	for len(s.heap) > 0 {
		i := s.pop()
		s.place[i] = int32(len(s.order))
		s.order = append(s.order, i)
		nodes, edges := s.g.Neighbors(int(i))
		for j, u := range nodes {
			d := s.distance[i] + s.length[edges[j]]
			if d >= s.distance[u] {
				continue
			}
			fresh := math.IsInf(s.distance[u], 1)
			s.distance[u] = d
			if fresh {
				s.push(u)
			} else {
				s.up(int(s.inHeap[u]))
			}
		}
	}
}

// byLevels adds what an unweighted source gives to the others. Each node takes from all its neighbours, with no question asked which of them are one
// level nearer or further: only these hold something in s.carry at that moment. Such a loop has no branch to mispredict, and is several
// times faster than one that compares distances.
func (s *search) byLevels(sum []float64) {
	last := len(s.levels) - 2 // the deepest level
	source := s.order[0]
	s.paths[source], s.carry[source] = 1, 1
	for d := 1; d <= last; d++ {
		level := s.level(d)
		for _, i := range level {
			s.paths[i] = s.gather(i)
		}
		for _, i := range s.level(d - 1) {
			s.carry[i] = 0
		}
		for _, i := range level {
			s.carry[i] = s.paths[i]
		}
	}
	for _, i := range s.level(last) {
		s.carry[i] = 1 / s.paths[i]
	}
	for d := last - 1; d > 0; d-- {
		level := s.level(d)
		for _, i := range level {
			s.dependency[i] = s.paths[i] * s.gather(i)
			sum[i] += float64(s.dependency[i] / 2) // each pair is met from both ends
		}
		for _, i := range s.level(d + 1) {
			s.carry[i] = 0
		}
		for _, i := range level {
			s.carry[i] = (1 + s.dependency[i]) / s.paths[i]
		}
	}
	for _, i := range s.level(min(1, last)) {
		s.carry[i] = 0
	}
}

func (s *search) level(d int) []uint32 { return s.order[s.levels[d]:s.levels[d+1]] }

// gather sums what the neighbours carry.
func (s *search) gather(i uint32) float64 {
	sum := 0.0
	for _, u := range s.g.next[s.g.start[i]:s.g.start[i+1]] {
		sum += s.carry[u]
	}
	return sum
}

// count sets paths, for weighted searches.
func (s *search) count() {
	s.paths[s.order[0]] = 1
	for _, i := range s.order[1:] {
		sum := 0.0
		s.predecessors(i, func(v uint32) { sum += s.paths[v] })
		s.paths[i] = sum
	}
}

// predecessors calls f for the nodes from which a shortest weighted path steps to i. They are found by looking at all neighbours again,
// which saves the lists of them.
func (s *search) predecessors(i uint32, f func(v uint32)) {
	g := s.g
	limit := s.distance[i] * (1 + tie)
	for at := g.start[i]; at < g.start[i+1]; at++ {
		u := g.next[at]
		if s.place[u] < s.place[i] && s.distance[u]+s.length[g.edge[at]] <= limit {
			f(u)
		}
	}
}

// The heap holds nodes by distance, then by index, so that order does not depend on how they came in.

func (s *search) less(a, b uint32) bool {
	return s.distance[a] < s.distance[b] || s.distance[a] == s.distance[b] && a < b
}

func (s *search) push(i uint32) {
	s.heap = append(s.heap, i)
	s.inHeap[i] = int32(len(s.heap) - 1)
	s.up(len(s.heap) - 1)
}

func (s *search) up(at int) {
	i := s.heap[at]
	for at > 0 {
		parent := (at - 1) / 2
		if !s.less(i, s.heap[parent]) {
			break
		}
		s.put(s.heap[parent], at)
		at = parent
	}
	s.put(i, at)
}

func (s *search) pop() uint32 {
	top := s.heap[0]
	last := s.heap[len(s.heap)-1]
	s.heap = s.heap[:len(s.heap)-1]
	at := 0
	for len(s.heap) > 0 {
		child := 2*at + 1
		if child >= len(s.heap) {
			s.put(last, at)
			break
		}
		if child+1 < len(s.heap) && s.less(s.heap[child+1], s.heap[child]) {
			child++
		}
		if !s.less(s.heap[child], last) {
			s.put(last, at)
			break
		}
		s.put(s.heap[child], at)
		at = child
	}
	return top
}

func (s *search) put(i uint32, at int) { s.heap[at], s.inHeap[i] = i, int32(at) }
