package graph

import (
	"errors"
	"math"
	"slices"
	"testing"

	face "github.com/dominikbraun/graph"
)

// chain is ann - r - bob - s, with a light edge from ann to s, and eve apart.
func chain(t *testing.T) *Graph {
	ann, bob, eve, r, s := Ref{Person, "ann"}, Ref{Person, "bob"}, Ref{Person, "eve"}, Ref{Repository, "r"}, Ref{Repository, "s"}
	b := NewBuilder(Column{"commits", "commits"})
	for _, x := range []Ref{ann, bob, eve, r, s} {
		if err := b.AddNode(Node{Kind: x.Kind, Key: x.Key, Label: x.Key}); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(b.AddEdge(ann, r, 10), b.AddEdge(bob, r, 10), b.AddEdge(bob, s, 10), b.AddEdge(ann, s, 0.5)); err != nil {
		t.Fatal(err)
	}
	g, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestViewTraversals(t *testing.T) {
	g := chain(t)
	v := View(g, nil)
	for name, search := range map[string]func(face.Graph[string, Node], string, func(string) bool) error{
		"DFS": face.DFS[string, Node], "BFS": face.BFS[string, Node],
	} {
		var met []string
		if err := search(v, "p1", func(id string) bool { met = append(met, id); return false }); err != nil {
			t.Fatal(err)
		}
		slices.Sort(met)
		if want := []string{"p1", "p2", "r_r", "r_s"}; !slices.Equal(met, want) {
			t.Errorf("%s meets %v, want %v", name, met, want)
		}
	}
	if path, err := face.ShortestPath(v, "p1", "r_s"); err != nil || !slices.Equal(path, []string{"p1", "r_s"}) {
		t.Errorf("shortest by edges: %v, %v", path, err)
	}
	if path, err := face.ShortestPath(View(g, Inverse(g, 0, 1000)), "p1", "r_s"); err != nil || !slices.Equal(path, []string{"p1", "r_r", "p2", "r_s"}) {
		t.Errorf("shortest by inverse weight: %v, %v", path, err)
	}
	if path, err := face.ShortestPath(v, "p1", "p3"); !errors.Is(err, face.ErrTargetNotReachable) {
		t.Errorf("path to a node apart: %v, %v", path, err)
	}
	tree, err := face.MinimumSpanningTree(View(g, Inverse(g, 0, 1000)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tree.Edge("p1", "r_s"); !errors.Is(err, face.ErrEdgeNotFound) {
		t.Errorf("the spanning tree holds the light edge: %v", err)
	}
}

func TestViewSaysTheSame(t *testing.T) {
	g := ecosystem(t, 5, 30, 10, 200)
	v := View(g, Scaled(g, 0, 1))
	if n, err := v.Order(); err != nil || n != g.NumNodes() {
		t.Errorf("order %d, %v, want %d", n, err, g.NumNodes())
	}
	if n, err := v.Size(); err != nil || n != g.NumEdges() {
		t.Errorf("size %d, %v, want %d", n, err, g.NumEdges())
	}
	edges, err := v.Edges()
	if err != nil || len(edges) != g.NumEdges() {
		t.Fatalf("%d edges, %v, want %d", len(edges), err, g.NumEdges())
	}
	for e, got := range edges {
		a, b := g.Ends(e)
		if got.Source != g.Node(a).ID || got.Target != g.Node(b).ID || got.Properties.Weight != int(g.Weights(0)[e]) || got.Properties.Data != e {
			t.Fatalf("edge %d is %+v", e, got)
		}
		back, err := v.Edge(got.Target, got.Source)
		if err != nil || back.Source != g.Node(b) || back.Properties.Data != e {
			t.Fatalf("edge %d backwards is %+v, %v", e, back, err)
		}
	}
	n, properties, err := v.VertexWithProperties("o_000000")
	if err != nil || n.Label != "Alder Systems" || properties.Attributes["kind"] != "organization" {
		t.Errorf("o_000000 is %+v with %+v, %v", n, properties, err)
	}
	if _, err := v.Vertex("o99"); !errors.Is(err, face.ErrVertexNotFound) {
		t.Errorf("an unknown vertex gives %v", err)
	}
	if _, err := v.Edge("o_000000", "o99"); !errors.Is(err, face.ErrEdgeNotFound) {
		t.Errorf("an edge to an unknown vertex gives %v", err)
	}
}

func TestViewIsFrozen(t *testing.T) {
	v := View(chain(t), nil)
	for name, err := range map[string]error{
		"AddVertex":    v.AddVertex(Node{Kind: Person, ID: "p9"}),
		"RemoveVertex": v.RemoveVertex("p3"),
		"AddEdge":      v.AddEdge("p3", "r_r"),
		"UpdateEdge":   v.UpdateEdge("p1", "r_r", face.EdgeWeight(2)),
		"RemoveEdge":   v.RemoveEdge("p1", "r_r"),
	} {
		if !errors.Is(err, ErrFrozen) {
			t.Errorf("%s gives %v", name, err)
		}
	}
	clone, err := v.Clone()
	if err != nil {
		t.Fatal(err)
	}
	if err := clone.AddEdge("p3", "r_r"); err != nil {
		t.Errorf("a clone refuses changes: %v", err)
	}
	if n, err := v.Size(); err != nil || n != 4 {
		t.Errorf("the view has %d edges after a change of its clone, %v", n, err)
	}
}

func TestWholeNumbers(t *testing.T) {
	g := chain(t) // edges: ann-r 10, ann-s 0.5, bob-r 10, bob-s 10
	for _, c := range []struct {
		cost func(int) int
		want [2]int
	}{
		{Scaled(g, 0, 1), [2]int{10, 1}},
		{Scaled(g, 0, 100), [2]int{1000, 50}},
		{Scaled(g, 0, 1e300), [2]int{math.MaxInt32, math.MaxInt32}},
		{Inverse(g, 0, 100), [2]int{10, 200}},
		{Inverse(g, 0, 1), [2]int{1, 2}},
		{Inverse(g, 0, 0), [2]int{1, 1}},
	} {
		if got := [2]int{c.cost(0), c.cost(1)}; got != c.want {
			t.Errorf("%v, want %v", got, c.want)
		}
	}
	if got := whole(math.NaN()); got != math.MaxInt32 {
		t.Errorf("0/0 becomes %d", got)
	}
}
