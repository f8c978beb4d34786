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
	l := newLeiden(n)
	best, most := make([]int, n), math.Inf(-1)
	of, before := make([]uint32, n), make([]uint32, n)
	for seed := range uint64(max(1, min(starts, startEdges/max(1, g.NumEdges())))) {
		number(of)
		if whole.total > 0 {
			l.random = seeded(1, seed)
			for range rounds {
				copy(before, of)
				l.improve(whole, of)
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

// bySize numbers communities, which have numbers up to that of nodes, the largest first.
func bySize(of []uint32) []int {
	type community struct{ first, size int }
	all := make([]community, len(of))
	var ids []uint32 // in the order in which they are met
	for i, c := range of {
		if all[c].size == 0 {
			all[c].first = i
			ids = append(ids, c)
		}
		all[c].size++
	}
	slices.SortFunc(ids, func(x, y uint32) int {
		return cmp.Or(cmp.Compare(all[y].size, all[x].size), cmp.Compare(all[x].first, all[y].first))
	})
	rank := make([]int, len(of))
	for r, c := range ids {
		rank[c] = r
	}
	out := make([]int, len(of))
	for i, c := range of {
		out[i] = rank[c]
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

// complete sums up what the rows say.
func (g *weighted) complete() {
	g.strength, g.total = sized(g.strength, len(g.self)), 0
	for i := range g.strength {
		sum := g.self[i]
		for _, w := range g.weight[g.start[i]:g.start[i+1]] {
			sum += w
		}
		g.strength[i] = sum
		g.total += sum
	}
}

// sized gives a list of so many, in the room of another one if that suffices; what stands in it is not said.
func sized[T any](list []T, n int) []T { return slices.Grow(list[:0], n)[:n] }

// number gives each its own number.
func number(list []uint32) {
	for i := range list {
		list[i] = uint32(i)
	}
}

// leiden finds communities. The rooms are used again for every level and every start: a small graph takes longer to find room for than to part.
type leiden struct {
	random *rand.Rand
	near   nearby
	levels [2]weighted // in turn, the one being made of the other

	to, here, order, queue, free []uint32
	size, first, fill, members   []uint32
	refined                      []uint32
	communities                  [2][]uint32
	strength, outer, whole       []float64
	waiting, alone               []bool
}

func newLeiden(n int) *leiden { return &leiden{near: nearby{weight: slices.Repeat([]float64{-1}, n)}} }

// improve makes better the communities that the nodes are in.
func (l *leiden) improve(g *weighted, of []uint32) {
	l.to = sized(l.to, len(of)) // the node of the present level that each node is part of
	number(l.to)
	l.here = append(l.here[:0], of...)
	here := l.here // communities of the nodes of the level
	for level := 0; ; level++ {
		n := len(g.self)
		l.order = sized(l.order, n)
		number(l.order)
		l.random.Shuffle(n, func(i, j int) { l.order[i], l.order[j] = l.order[j], l.order[i] })
		// Whoever has no neighbors stays alone.
		l.order = slices.DeleteFunc(l.order, func(i uint32) bool { return g.start[i] == g.start[i+1] })
		count := l.move(g, here)
		for i := range of {
			of[i] = here[l.to[i]]
		}
		if count == n {
			return
		}
		refined, parts := l.refine(g, here)
		if parts == n { // nothing was merged: go on with the communities themselves
			refined, parts = here, count
		}
		smaller, communities := l.merge(g, level%2, refined, parts, here)
		for i := range l.to {
			l.to[i] = refined[l.to[i]]
		}
		if len(smaller.self) == n {
			return
		}
		g, here = smaller, communities
	}
}

// nearby sums the weight between a node and communities.
type nearby struct {
	weight []float64 // -1: not in the list
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

// move puts nodes into the best of the communities around them until none gains, and numbers the communities 0 to count-1.
func (l *leiden) move(g *weighted, of []uint32) (count int) {
	n := len(g.self)
	strength, size, waiting := sized(l.strength, n), sized(l.size, n), sized(l.waiting, n)
	l.strength, l.size, l.waiting = strength, size, waiting
	clear(strength)
	clear(size)
	for i, c := range of {
		strength[c] += g.strength[i]
		size[c]++
		waiting[i] = true
	}
	free := l.free[:0] // communities without nodes
	for c := n - 1; c >= 0; c-- {
		if size[c] == 0 {
			free = append(free, uint32(c))
		}
	}
	near := &l.near
	queue := append(l.queue[:0], l.order...)
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
		lo, hi := g.start[i], g.start[i+1]
		next, weight := g.next[lo:hi], g.weight[lo:hi]
		for j, u := range next {
			near.add(of[u], weight[j])
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
		for _, u := range next {
			if !waiting[u] && of[u] != best {
				waiting[u] = true
				queue = append(queue, u)
			}
		}
	}
	near.clear()
	l.free, l.queue = free, queue
	return l.renumber(of)
}

// renumber makes numbers 0 to count-1, in the order in which they are met.
func (l *leiden) renumber(of []uint32) (count int) {
	const none = ^uint32(0)
	rank := sized(l.size, len(of))
	l.size = rank
	for i := range rank {
		rank[i] = none
	}
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
func (l *leiden) refine(g *weighted, of []uint32) (refined []uint32, count int) {
	n := len(g.self)
	l.refined, l.whole, l.outer, l.alone = sized(l.refined, n), sized(l.whole, n), sized(l.outer, n), sized(l.alone, n)
	l.strength = append(l.strength[:0], g.strength...)
	refined, alone := l.refined, l.alone
	whole, strength, outer := l.whole, l.strength, l.outer // strengths of communities, and of refined ones; outer is the weight to the rest of their community
	number(refined)
	clear(whole)
	for i, c := range of {
		alone[i] = true
		whole[c] += g.strength[i]
		sum := 0.0
		lo, hi := g.start[i], g.start[i+1]
		next, weight := g.next[lo:hi], g.weight[lo:hi]
		for j, u := range next {
			if of[u] == c {
				sum += weight[j]
			}
		}
		outer[i] = sum
	}
	well := func(part uint32, community float64) bool {
		return outer[part] >= float64(strength[part]*(community-strength[part]))/g.total
	}
	near := &l.near
	for _, i := range l.order {
		c := of[i]
		if !alone[i] || !well(i, whole[c]) {
			continue
		}
		near.clear()
		lo, hi := g.start[i], g.start[i+1]
		next, weight := g.next[lo:hi], g.weight[lo:hi]
		for j, u := range next {
			if of[u] == c {
				near.add(refined[u], weight[j])
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
	near.clear()
	return refined, l.renumber(refined)
}

// merge makes a node of each part; of are the communities of the nodes of g, and communities those of the parts. Both are in the given one of two rooms.
func (l *leiden) merge(g *weighted, room int, parts []uint32, count int, of []uint32) (merged *weighted, communities []uint32) {
	merged = &l.levels[room]
	merged.start, merged.self = sized(merged.start, count+1), sized(merged.self, count)
	merged.next, merged.weight = merged.next[:0], merged.weight[:0]
	merged.start[0] = 0
	clear(merged.self)
	communities = sized(l.communities[room], count)
	first := sized(l.first, count+1) // members by part
	clear(first)
	l.communities[room], l.first = communities, first
	for i, p := range parts {
		first[p+1]++
		communities[p] = of[i]
		merged.self[p] += g.self[i]
	}
	for p := range count {
		first[p+1] += first[p]
	}
	l.members, l.fill = sized(l.members, len(parts)), append(l.fill[:0], first...)
	for i, p := range parts {
		l.members[l.fill[p]] = uint32(i)
		l.fill[p]++
	}
	near := &l.near
	for p := range count {
		near.clear()
		for _, i := range l.members[first[p]:first[p+1]] {
			lo, hi := g.start[i], g.start[i+1]
			next, weight := g.next[lo:hi], g.weight[lo:hi]
			for j, u := range next {
				near.add(parts[u], weight[j])
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
	near.clear()
	merged.complete()
	return merged, communities
}
