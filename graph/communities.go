package graph

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// Modularity gives the share of weight within communities less what it would be if edges were dealt out by strength: the sum over communities of
// L/m - (K/2m)^2, L the weight within, K the sum of strengths, m all weight; resolution 1. From -0.5 to 1; 0 for a graph without weight.
//
// Newman and Girvan, Finding and evaluating community structure in networks, 2004. As NetworkX's modularity.
func Modularity(g *Graph, column int, communities []int) float64 {
	most := -1
	for _, c := range communities {
		most = max(most, c)
	}
	within, strength := make([]float64, most+1), make([]float64, most+1)
	m := 0.0
	for e, ends := range g.ends {
		w := g.closeness(column, uint32(e))
		m += w
		a, b := communities[ends[0]], communities[ends[1]]
		strength[a] += w
		strength[b] += w
		if a == b {
			within[a] += w
		}
	}
	if m == 0 {
		return 0
	}
	q := 0.0
	for c := range within {
		k := strength[c] / (2 * m)
		q += within[c]/m - float64(k*k)
	}
	return q
}

// Communities parts the nodes into groups with more weight within than strength alone would give, so that [Modularity] is high, though not always the
// highest. Every node has one, 0 is the largest; of equals, the one with the first node comes first. Each is connected. Nodes are visited in an order
// drawn from a fixed seed, so the same graph gives the same communities; in a small graph, in ten orders, of which the best counts. About O(m) for each of a few
// rounds.
//
// Traag, Waltman and van Eck, From Louvain to Leiden: guaranteeing well-connected communities, 2019, with the best merge in place of
// a random one where communities are refined.
func Communities(g *Graph, column int) []int {
	n := g.NumNodes()
	whole := &weighted{start: g.start, next: g.next, weight: g.rowWeights(column), self: make([]float64, n)}
	whole.complete()
	best, most := make([]int, n), math.Inf(-1)
	for seed := range uint64(max(1, min(starts, startEdges/max(1, g.NumEdges())))) {
		of := make([]uint32, n)
		for i := range of {
			of[i] = uint32(i)
		}
		if whole.total > 0 {
			random := seeded(1, seed)
			for range rounds {
				before := slices.Clone(of)
				leiden(whole, of, random)
				if slices.Equal(before, of) {
					break
				}
			}
		}
		communities := bySize(of)
		if q := Modularity(g, column, communities); q > most {
			best, most = communities, q
		}
	}
	return best
}

const (
	// rounds is how often all starts anew from what was found: the second time gains up to a hundredth, later ones hardly anything.
	rounds = 3
	// starts is how many orders a small graph is visited in, and startEdges bounds the edges that are looked at for it.
	starts, startEdges = 10, 300_000
)

// bySize numbers communities, the largest first.
func bySize(of []uint32) []int {
	type community struct{ id, first, size int }
	at := map[uint32]int{}
	var all []community
	for i, c := range of {
		k, ok := at[c]
		if !ok {
			k = len(all)
			at[c] = k
			all = append(all, community{k, i, 0})
		}
		all[k].size++
	}
	slices.SortFunc(all, func(x, y community) int { return cmp.Or(cmp.Compare(y.size, x.size), cmp.Compare(x.first, y.first)) })
	rank := make([]int, len(all))
	for r, c := range all {
		rank[c.id] = r
	}
	out := make([]int, len(of))
	for i, c := range of {
		out[i] = rank[at[c]]
	}
	return out
}

// weighted is a graph with weights in its rows, and loops apart.
type weighted struct {
	start, next []uint32
	weight      []float64
	self        []float64 // twice the weight of a node's loop
	strength    []float64
	total       float64 // of strengths: twice all weight
}

func (g *weighted) complete() {
	g.strength = make([]float64, len(g.self))
	for i := range g.strength {
		sum := g.self[i]
		for _, w := range g.weight[g.start[i]:g.start[i+1]] {
			sum += w
		}
		g.strength[i] = sum
		g.total += sum
	}
}

// leiden improves the communities that the nodes are in.
func leiden(g *weighted, of []uint32, random *rand.Rand) {
	to := make([]uint32, len(of)) // the node of the present level that each node is part of
	for i := range to {
		to[i] = uint32(i)
	}
	here := slices.Clone(of) // communities of the nodes of the level
	for {
		n := len(g.self)
		order := make([]uint32, n)
		for i, j := range random.Perm(n) {
			order[i] = uint32(j)
		}
		count := g.move(here, order)
		for i := range of {
			of[i] = here[to[i]]
		}
		if count == n {
			return
		}
		refined, parts := g.refine(here, order)
		if parts == n { // nothing was merged: go on with the communities themselves
			refined, parts = here, count
		}
		smaller, communities := g.merge(refined, parts, here)
		for i := range to {
			to[i] = refined[to[i]]
		}
		if len(smaller.self) == n {
			return
		}
		g, here = smaller, communities
	}
}

// nearby sums the weight between a node and communities.
type nearby struct {
	weight []float64
	list   []uint32
}

func (s *nearby) add(community uint32, w float64) {
	if s.weight[community] < 0 {
		s.weight[community] = 0
		s.list = append(s.list, community)
	}
	s.weight[community] += w
}

func (s *nearby) clear() {
	for _, c := range s.list {
		s.weight[c] = -1
	}
	s.list = s.list[:0]
}

func newNearby(n int) *nearby {
	return &nearby{weight: slices.Repeat([]float64{-1}, n)}
}

// move puts nodes into the best of the communities around them until none gains, and numbers the communities 0 to count-1.
func (g *weighted) move(of, order []uint32) (count int) {
	n := len(g.self)
	strength, size := make([]float64, n), make([]uint32, n)
	for i, c := range of {
		strength[c] += g.strength[i]
		size[c]++
	}
	var free []uint32 // communities without nodes
	for c := n - 1; c >= 0; c-- {
		if size[c] == 0 {
			free = append(free, uint32(c))
		}
	}
	near := newNearby(n)
	queue := slices.Clone(order)
	waiting := slices.Repeat([]bool{true}, n)
	for at := 0; at < len(queue); at++ {
		if at >= n { // the first n are done: their room is needed no more
			queue = append(queue[:0], queue[at:]...)
			at = 0
		}
		i := queue[at]
		waiting[i] = false
		was := of[i]
		near.clear()
		near.add(was, 0)
		for j := g.start[i]; j < g.start[i+1]; j++ {
			near.add(of[g.next[j]], g.weight[j])
		}
		strength[was] -= g.strength[i]
		size[was]--
		scale := g.strength[i] / g.total
		best, most := was, near.weight[was]-float64(scale*strength[was])
		least := 1e-12 * g.strength[i] // gains by rounding alone would never end
		for _, c := range near.list[1:] {
			if gain := near.weight[c] - float64(scale*strength[c]); gain > most+least {
				best, most = c, gain
			}
		}
		if size[was] == 0 {
			free = append(free, was)
		}
		if most < -least && len(free) > 0 {
			best = free[len(free)-1]
		}
		if size[best] == 0 {
			// It is the last one that became empty, unless it is where the node was before.
			free = free[:len(free)-1]
		}
		of[i] = best
		strength[best] += g.strength[i]
		size[best]++
		if best == was {
			continue
		}
		for _, u := range g.next[g.start[i]:g.start[i+1]] {
			if !waiting[u] && of[u] != best {
				waiting[u] = true
				queue = append(queue, u)
			}
		}
	}
	return renumber(of)
}

// renumber makes numbers 0 to count-1, in the order in which they are met.
func renumber(of []uint32) (count int) {
	const none = ^uint32(0)
	rank := slices.Repeat([]uint32{none}, len(of))
	for i, c := range of {
		if rank[c] == none {
			rank[c] = uint32(count)
			count++
		}
		of[i] = rank[c]
	}
	return count
}

// refine starts from single nodes again and merges them within their communities, as far as they hold together well there.
func (g *weighted) refine(of, order []uint32) (refined []uint32, count int) {
	n := len(g.self)
	refined = make([]uint32, n)
	whole := make([]float64, n)                                     // strengths of communities
	strength, outer := slices.Clone(g.strength), make([]float64, n) // of refined ones: outer is the weight to the rest of their community
	alone := slices.Repeat([]bool{true}, n)
	for i, c := range of {
		refined[i] = uint32(i)
		whole[c] += g.strength[i]
		for j := g.start[i]; j < g.start[i+1]; j++ {
			if of[g.next[j]] == c {
				outer[i] += g.weight[j]
			}
		}
	}
	well := func(part uint32, community float64) bool {
		return outer[part] >= float64(strength[part]*(community-strength[part]))/g.total
	}
	near := newNearby(n)
	for _, i := range order {
		c := of[i]
		if !alone[i] || !well(i, whole[c]) {
			continue
		}
		near.clear()
		for j := g.start[i]; j < g.start[i+1]; j++ {
			if u := g.next[j]; of[u] == c {
				near.add(refined[u], g.weight[j])
			}
		}
		best, most := i, 0.0
		for _, part := range near.list {
			if gain := near.weight[part] - float64(g.strength[i]*strength[part])/g.total; gain > most && well(part, whole[c]) {
				best, most = part, gain
			}
		}
		if best == i {
			continue
		}
		alone[best] = false
		refined[i] = best
		strength[best] += g.strength[i]
		outer[best] += outer[i] - 2*near.weight[best]
	}
	return refined, renumber(refined)
}

// merge makes a node of each part; of are the communities of the nodes of g, and communities those of the parts.
func (g *weighted) merge(parts []uint32, count int, of []uint32) (merged *weighted, communities []uint32) {
	merged = &weighted{start: make([]uint32, count+1), self: make([]float64, count)}
	communities = make([]uint32, count)
	first := make([]uint32, count+1) // members by part
	for i, p := range parts {
		first[p+1]++
		communities[p] = of[i]
		merged.self[p] += g.self[i]
	}
	for p := range count {
		first[p+1] += first[p]
	}
	members, fill := make([]uint32, len(parts)), slices.Clone(first)
	for i, p := range parts {
		members[fill[p]] = uint32(i)
		fill[p]++
	}
	near := newNearby(count)
	for p := range count {
		near.clear()
		for _, i := range members[first[p]:first[p+1]] {
			for j := g.start[i]; j < g.start[i+1]; j++ {
				near.add(parts[g.next[j]], g.weight[j])
			}
		}
		for _, q := range near.list {
			if int(q) == p {
				merged.self[p] += near.weight[q]
				continue
			}
			merged.next = append(merged.next, q)
			merged.weight = append(merged.weight, near.weight[q])
		}
		merged.start[p+1] = uint32(len(merged.next))
	}
	merged.complete()
	return merged, communities
}
