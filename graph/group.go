package graph

import (
	"math"
	"slices"
)

// GroupDegree gives the number of nodes outside of a set that have a neighbour in it. Unweighted, not normalised: divide by n-|set| for a share. O(n + edges of
// the set).
//
// Everett and Borgatti, The centrality of groups and classes, 1999. As NetworkX's group_degree_centrality, which is that share.
func GroupDegree(g *Graph, set []int) int {
	m := newMarks(g)
	m.set(set)
	return m.degree(set)
}

// GroupBetweenness gives the sum, over unordered pairs of nodes outside of a set, of the share of their shortest paths that pass through any
// of its nodes. Not normalised: divide by (n-|set|)(n-|set|-1)/2 for a share. Weights are as in [Betweenness]. Exact: for every node outside, the
// paths that avoid the set are counted beside all, in O(nm), weighted O(nm log n), on all processors.
//
// Everett and Borgatti 1999. As NetworkX's group_betweenness_centrality with normalized=False for one node or two; for some larger sets NetworkX 3.6 gives more
// than its own all_shortest_paths do, which agree with this.
func GroupBetweenness(g *Graph, column int, set []int) float64 {
	in := make([]bool, g.NumNodes())
	for _, i := range set {
		in[i] = true
	}
	avoid := overSources(g, column, func(s *search, source int, sum []float64) {
		if in[source] {
			return
		}
		s.from(source)
		s.countAll(s.paths, nil)
		s.countAll(s.dependency, in)
		for _, i := range s.order[1:] {
			if !in[i] {
				sum[source] += (1 - s.dependency[i]/s.paths[i]) / 2 // each pair is met from both ends
			}
		}
		for _, i := range s.order {
			s.dependency[i] = 0
		}
	})
	total := 0.0
	for _, x := range avoid {
		total += x
	}
	return total
}

// countAll sets how many shortest paths lead to every node, those over nodes of without left out.
func (s *search) countAll(paths []float64, without []bool) {
	paths[s.order[0]] = 1
	for _, i := range s.order[1:] {
		sum := 0.0
		switch {
		case without != nil && without[i]:
		case s.length != nil:
			s.predecessors(i, func(v uint32) { sum += paths[v] })
		default:
			before := s.distance[i] - 1
			for _, u := range s.g.next[s.g.start[i]:s.g.start[i+1]] {
				if s.distance[u] == before {
					sum += paths[u]
				}
			}
		}
		paths[i] = sum
	}
}

// Group is how central a set of nodes is, beside sets of the same size.
type Group struct {
	Size int
	// Degree is [GroupDegree] / (n - Size).
	Degree float64
	// Betweenness is [GroupBetweenness] / ((n-Size)(n-Size-1)/2), unweighted. If it is estimated from [Paths], Error is how far it may be
	// off, with the probability of their Confidence for all sets at once; else 0.
	Betweenness, Error float64
	// RandomDegree and RandomBetweenness are the means of the same over sets of Size nodes drawn at random: a group's values grow with its size, so they
	// say something only beside these.
	RandomDegree, RandomBetweenness float64
}

// Groups measures sets of nodes. random is how many sets of each size are drawn for comparison, from lo to hi-1 without repetition, by
// seed; sizes that are equal are compared with the same ones. With paths, betweenness is estimated, by Hoeffding's bound over the sampled pairs outside
// of the set; nil makes it exact, at O(nm) for each set and each random one. Values that are not defined (a set of all nodes but one) are 0.
func Groups(g *Graph, sets [][]int, lo, hi, random int, seed uint64, paths *Paths) []Group {
	m := newMarks(g)
	type pair struct{ degree, betweenness float64 }
	bySize := map[int]pair{}
	out := make([]Group, len(sets))
	universe := make([]int, 0, hi-lo)
	for i := lo; i < hi; i++ {
		universe = append(universe, i)
	}
	for i, set := range sets {
		o := &out[i]
		o.Size = len(set)
		o.Degree, o.Betweenness, o.Error = m.measure(set, paths, len(sets))
		means, ok := bySize[o.Size]
		if !ok && random > 0 && o.Size <= len(universe) {
			// Which sets are drawn depends on the size alone, not on who else is measured.
			source := seeded(seed, uint64(o.Size))
			pool := slices.Clone(universe)
			for range random {
				for k := range o.Size {
					at := k + source.IntN(len(pool)-k)
					pool[k], pool[at] = pool[at], pool[k]
				}
				d, b, _ := m.measure(pool[:o.Size], paths, len(sets))
				means.degree += d / float64(random)
				means.betweenness += b / float64(random)
			}
			bySize[o.Size] = means
		}
		o.RandomDegree, o.RandomBetweenness = means.degree, means.betweenness
	}
	return out
}

// marks tell which nodes are in a set, of one set after another.
type marks struct {
	g       *Graph
	member  []uint32 // the last set that a node was in
	touched []uint32 // the last set that it had a neighbour in
	stamp   uint32
}

func newMarks(g *Graph) *marks {
	return &marks{g: g, member: make([]uint32, g.NumNodes()), touched: make([]uint32, g.NumNodes())}
}

func (m *marks) set(set []int) {
	m.stamp++
	for _, i := range set {
		m.member[i] = m.stamp
	}
}

func (m *marks) degree(set []int) (n int) {
	for _, i := range set {
		nodes, _ := m.g.Neighbors(i)
		for _, u := range nodes {
			if m.member[u] != m.stamp && m.touched[u] != m.stamp {
				m.touched[u] = m.stamp
				n++
			}
		}
	}
	return n
}

func (m *marks) measure(set []int, paths *Paths, sets int) (degree, betweenness, off float64) {
	m.set(set)
	outside := float64(m.g.NumNodes() - len(set))
	if outside < 1 {
		return 0, 0, 0
	}
	degree = float64(m.degree(set)) / outside
	if outside < 2 {
		return degree, 0, 0
	}
	if paths == nil {
		return degree, GroupBetweenness(m.g, Unweighted, set) / (outside * (outside - 1) / 2), 0
	}
	pairs, through := paths.through(m.member, m.stamp)
	if pairs == 0 {
		return degree, 0, 1
	}
	off = math.Sqrt(math.Log(2*float64(sets)/(1-paths.Confidence)) / (2 * float64(pairs)))
	return degree, float64(through) / float64(pairs), min(1, off)
}
