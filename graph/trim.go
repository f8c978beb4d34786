package graph

import (
	"cmp"
	"slices"
)

// Limits says how much of a graph a picture can hold.
type Limits struct {
	// Column ranks nodes (by [Graph.Extents]) and edges.
	Column int
	// Top is how many nodes of each kind stay, the heaviest: 0 for all, negative for none.
	Top [NumKinds]int
	// Edges is how many of the edges between them stay, the heaviest: 0 for all.
	Edges int
	// Isolated keeps nodes without any edge left. Else they go too, and count as left out.
	Isolated bool
}

// LeftOut counts what is not in a graph any more. What is there and what was left out add up to the whole, by kind, by relation and by column.
type LeftOut struct {
	Nodes [NumKinds]int
	Edges [NumRelations]int
	// Weights are the sums over the edges left out, by column and relation; nil if no edge was.
	Weights [][NumRelations]float64
}

// None says whether nothing was left out.
func (l LeftOut) None() bool { return l.Nodes == [NumKinds]int{} && l.Edges == [NumRelations]int{} }

// Trim keeps the heaviest nodes and edges; of equals, the first in the order of the graph. The graph it returns has the ids of the old one
// and remembers what is missing: see [Graph.LeftOut], which adds up over several calls. It costs O(n log n + m log m).
func Trim(g *Graph, limits Limits) *Graph {
	extents := g.Extents(limits.Column)
	kept := make([]bool, g.NumNodes())
	for k := range Kind(NumKinds) {
		lo, hi := g.Range(k)
		n := limits.Top[k]
		if n == 0 {
			n = hi - lo
		}
		for _, i := range heaviest(lo, hi, n, func(i int) float64 { return extents[i] }) {
			kept[i] = true
		}
	}

	weights := g.Weights(limits.Column)
	var edges []int
	for e := range g.NumEdges() {
		if a, b := g.Ends(e); kept[a] && kept[b] {
			edges = append(edges, e)
		}
	}
	if limits.Edges > 0 && limits.Edges < len(edges) {
		top := heaviest(0, len(edges), limits.Edges, func(i int) float64 { return weights[edges[i]] })
		for i, at := range top {
			top[i] = edges[at]
		}
		edges = top
	}
	stays := make([]bool, g.NumEdges())
	touched := make([]bool, g.NumNodes())
	for _, e := range edges {
		a, b := g.Ends(e)
		stays[e], touched[a], touched[b] = true, true, true
	}

	t := g.Subgraph(
		func(i int) bool { return kept[i] && (limits.Isolated || touched[i]) },
		func(e int) bool { return stays[e] })
	t.left = g.left
	for k := range Kind(NumKinds) {
		lo, hi := g.Range(k)
		t.left.Nodes[k] += hi - lo
		lo, hi = t.Range(k)
		t.left.Nodes[k] -= hi - lo
	}
	if t.NumEdges() < g.NumEdges() {
		t.left.Weights = make([][NumRelations]float64, len(g.columns))
		copy(t.left.Weights, g.left.Weights)
	}
	// Summed edge by edge: the difference of two totals would be off where weights are fractions.
	for e, stay := range stays {
		if stay {
			continue
		}
		r := g.Relation(e)
		t.left.Edges[r]++
		for c := range g.columns {
			t.left.Weights[c][r] += g.weights[c][e]
		}
	}
	return t
}

// heaviest gives the n of [lo, hi) with the largest weights, in no particular order; of equals the smaller ones.
func heaviest(lo, hi, n int, weight func(i int) float64) []int {
	all := make([]int, 0, hi-lo)
	for i := lo; i < hi; i++ {
		all = append(all, i)
	}
	slices.SortStableFunc(all, func(a, b int) int { return cmp.Compare(weight(b), weight(a)) })
	return all[:max(0, min(n, len(all)))]
}
