package graph

import (
	"errors"
	"math"

	face "github.com/dominikbraun/graph"
)

// ErrFrozen is the answer of a [View] to everything that would change it.
var ErrFrozen = errors.New("the graph is frozen: change its Builder, or a Clone of the view")

// View shows a graph as an undirected one of github.com/dominikbraun/graph: vertices are [Node]s under their ids, edges run from the smaller node to the larger
// and carry, as Properties.Data, the index of the edge here. It reads the frozen arrays, copies nothing, and refuses changes with [ErrFrozen];
// its Clone is a copy in that library's own store, without the Data, which may be changed.
//
// That library's weights are whole numbers. cost gives that of an edge, see [Scaled] and [Inverse]; nil makes an unweighted graph, in which a path is as
// long as its number of edges.
//
// Each traversal there first builds maps of all edges, O(n + m), and meets neighbours in random order: which of several
// shortest paths is found, and the order of a search, differ from run to run. Whether, which and how far are stable.
func View(g *Graph, cost func(edge int) int) face.Graph[string, Node] {
	if cost == nil {
		return face.NewWithStore(id, face.Store[string, Node](store{g, nil}))
	}
	return face.NewWithStore(id, face.Store[string, Node](store{g, cost}), face.Weighted())
}

func id(n Node) string { return n.ID }

// Scaled makes an edge's whole-number weight: the column's value times scale, rounded half away from zero, at most 2^31-1. With the
// default scale of 1, weights below one half become 0: choose scale so that the smallest weight that matters is above 1.
func Scaled(g *Graph, column int, scale float64) func(edge int) int {
	w := g.Weights(column)
	return func(e int) int { return whole(w[e] * scale) }
}

// Inverse makes an edge's whole-number length for paths that prefer heavy edges: scale divided by the column's value, rounded half away from zero, at
// least 1 and at most 2^31-1, which is also the length where the value is 0. Values that differ by less than a part in scale/value look the
// same: choose scale well above the largest value.
func Inverse(g *Graph, column int, scale float64) func(edge int) int {
	w := g.Weights(column)
	return func(e int) int { return max(1, whole(scale/w[e])) }
}

// whole stays below 2^31 so that the sum along a path of 2^32 edges does not overflow.
func whole(x float64) int {
	if !(x < math.MaxInt32) { // 0/0 too
		return math.MaxInt32
	}
	return int(math.Round(x))
}

// store is a Graph as that library wants its storage.
type store struct {
	g    *Graph
	cost func(edge int) int
}

func (s store) Vertex(id string) (Node, face.VertexProperties, error) {
	i, ok := s.g.FindID(id)
	if !ok {
		return Node{}, face.VertexProperties{}, face.ErrVertexNotFound
	}
	n := s.g.Node(i)
	return n, face.VertexProperties{Attributes: map[string]string{
		"kind": n.Kind.String(), "label": n.Label, "class": n.Class, "country": n.Country,
	}}, nil
}

func (s store) ListVertices() ([]string, error) {
	ids := make([]string, s.g.NumNodes())
	for i := range ids {
		ids[i] = s.g.Node(i).ID
	}
	return ids, nil
}

func (s store) VertexCount() (int, error) { return s.g.NumNodes(), nil }

func (s store) Edge(source, target string) (face.Edge[string], error) {
	a, okA := s.g.FindID(source)
	b, okB := s.g.FindID(target)
	if !okA || !okB {
		return face.Edge[string]{}, face.ErrEdgeNotFound
	}
	e, ok := s.g.EdgeBetween(a, b)
	if !ok {
		return face.Edge[string]{}, face.ErrEdgeNotFound
	}
	return s.at(e, source, target), nil
}

// ListEdges gives both directions of every edge, as the library stores undirected graphs; the smaller node's first, so that Edges there keeps that one.
func (s store) ListEdges() ([]face.Edge[string], error) {
	ids, _ := s.ListVertices()
	edges := make([]face.Edge[string], 0, 2*s.g.NumEdges())
	for e := range s.g.NumEdges() {
		a, b := s.g.Ends(e)
		edges = append(edges, s.at(e, ids[a], ids[b]), s.at(e, ids[b], ids[a]))
	}
	return edges, nil
}

func (s store) at(e int, source, target string) face.Edge[string] {
	p := face.EdgeProperties{Data: e}
	if s.cost != nil {
		p.Weight = s.cost(e)
	}
	return face.Edge[string]{Source: source, Target: target, Properties: p}
}

func (s store) AddVertex(string, Node, face.VertexProperties) error { return ErrFrozen }
func (s store) RemoveVertex(string) error                           { return ErrFrozen }
func (s store) AddEdge(string, string, face.Edge[string]) error     { return ErrFrozen }
func (s store) UpdateEdge(string, string, face.Edge[string]) error  { return ErrFrozen }
func (s store) RemoveEdge(string, string) error                     { return ErrFrozen }
