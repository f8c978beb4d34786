package graph

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"
	"time"
)

// Kind says what a node stands for.
type Kind uint8

// The kinds, in the order of nodes in a [Graph].
const (
	Organization Kind = iota
	Person
	Repository
	NumKinds = iota
)

// String gives the kind in lower case.
func (k Kind) String() string { return [...]string{"organization", "person", "repository"}[k] }

func (k Kind) letter() byte { return "opr"[k] }

func (k Kind) count(n int) string {
	if n == 1 {
		return "1 " + k.String()
	}
	return thousands(float64(n)) + " " + plurals[k]
}

var plurals = [...]string{"organizations", "people", "repositories"}

// Relation is an unordered pair of kinds: which kinds an edge joins.
type Relation uint8

// NumRelations is the number of values of a [Relation]; those of the lower triangle are never used.
const NumRelations = NumKinds * NumKinds

// Between gives the relation of two kinds, in either order.
func Between(a, b Kind) Relation { return Relation(min(a, b)*NumKinds + max(a, b)) }

// Kinds gives the two kinds, the smaller first.
func (r Relation) Kinds() (a, b Kind) { return Kind(r) / NumKinds, Kind(r) % NumKinds }

// String gives for instance "person-repository".
func (r Relation) String() string {
	a, b := r.Kinds()
	return a.String() + "-" + b.String()
}

// Ref names a node before the graph is frozen.
type Ref struct {
	Kind Kind
	Key  string
}

// String leaves the key of a person out: it may be an address, and errors are printed.
func (r Ref) String() string {
	switch {
	case r.Kind >= NumKinds:
		return fmt.Sprintf("node of unknown kind %d", r.Kind)
	case r.Kind == Person:
		return "a person (key withheld)"
	}
	return fmt.Sprintf("%s %q", r.Kind, r.Key)
}

// Node is one person, organization or repository.
type Node struct {
	Kind Kind
	// Key is unique within the kind, and orders nodes by its bytes. It may be personal data and is never written out.
	Key string
	// ID is the node's name in files: the kind's letter, then ASCII letters, digits and `_`. Leave it empty to have one made: of the key for an
	// organization or a repository ("o_Huawei"), so that it stays from night to night whoever comes and goes; of the place in the order of keys
	// for a person ("p17"), whose key is not to be seen. Give people ids of their pseudonyms to have theirs stay as well.
	ID string
	// Label is what pictures show: any bytes.
	Label string
	// Class and Country are free text for files and colours; "" if not known.
	Class, Country string
}

// Column declares one weight of edges.
type Column struct {
	// Name is the column's key: lower-case ASCII letters, digits and `_`, a letter first.
	Name string
	// Unit is the plural that stands behind a figure: "commits", "changed lines".
	Unit string
}

// Period is a span of days, half-open: [From, To) in days since 1970-01-01 UTC.
type Period struct{ From, To int32 }

// Always and Forever are the ends of a [Period] without a known beginning or end.
const (
	Always  = math.MinInt32
	Forever = math.MaxInt32
)

// String gives "2021-03-01..2023-01-01", with nothing in place of an end that is not known; the second day is the first one outside.
func (p Period) String() string {
	s := ""
	if p.From != Always {
		s = day(p.From)
	}
	s += ".."
	if p.To != Forever {
		s += day(p.To)
	}
	return s
}

func day(d int32) string { return time.Unix(int64(d)*86400, 0).UTC().Format(time.DateOnly) }

// Graph is a frozen graph. Nodes are 0 to NumNodes()-1 in the order of kind and key, edges 0 to NumEdges()-1 in the order of their ends. Slices that its
// methods return are the graph's own: read them only. Indices out of range panic.
type Graph struct {
	columns []Column
	nodes   []Node
	first   [NumKinds + 1]int // where the nodes of a kind begin
	byID    []uint32          // nodes in the order of their ids

	// The row of node i is [start[i], start[i+1]) of next and edge: neighbours ascending, and the edges that lead there.
	start []uint32
	next  []uint32
	edge  []uint32

	ends    [][2]uint32 // by edge, the smaller node first
	weights [][]float64 // by column, then by edge
	totals  [][NumRelations]float64
	edges   [NumRelations]int // how many edges of each relation

	periodStart []uint32 // by edge, into periods; nil if no edge has any
	periods     []Period

	left LeftOut
}

// NumNodes gives the number of nodes.
func (g *Graph) NumNodes() int { return len(g.nodes) }

// NumEdges gives the number of edges; each joins an unordered pair and counts once.
func (g *Graph) NumEdges() int { return len(g.ends) }

// Columns declares the weights; the index of a column is its place here.
func (g *Graph) Columns() []Column { return g.columns }

// Column finds a column by its name.
func (g *Graph) Column(name string) (column int, ok bool) {
	column = slices.IndexFunc(g.columns, func(c Column) bool { return c.Name == name })
	return column, column >= 0
}

// Node gives node i.
func (g *Graph) Node(i int) Node { return g.nodes[i] }

// Range gives the nodes of a kind: lo to hi-1.
func (g *Graph) Range(k Kind) (lo, hi int) { return g.first[k], g.first[k+1] }

// Find gives the node of a key, in O(log n).
func (g *Graph) Find(r Ref) (i int, ok bool) {
	if r.Kind >= NumKinds {
		return 0, false
	}
	lo, hi := g.Range(r.Kind)
	i, ok = slices.BinarySearchFunc(g.nodes[lo:hi], r.Key, func(n Node, key string) int { return cmp.Compare(n.Key, key) })
	return lo + i, ok
}

// FindID gives the node of an id such as "o_Huawei", in O(log n).
func (g *Graph) FindID(id string) (i int, ok bool) {
	at, ok := slices.BinarySearchFunc(g.byID, id, func(i uint32, id string) int { return cmp.Compare(g.nodes[i].ID, id) })
	if !ok {
		return 0, false
	}
	return int(g.byID[at]), true
}

// Ends gives the two nodes of an edge, a < b. So an organization stands before a person, and a person before a repository.
func (g *Graph) Ends(e int) (a, b int) { return int(g.ends[e][0]), int(g.ends[e][1]) }

// Relation says which kinds an edge joins.
func (g *Graph) Relation(e int) Relation {
	return Between(g.nodes[g.ends[e][0]].Kind, g.nodes[g.ends[e][1]].Kind)
}

// Weights gives a column, one value an edge, in the column's unit.
func (g *Graph) Weights(column int) []float64 { return g.weights[column] }

// Periods gives the dates of an edge: ascending, neither overlapping nor touching; empty if it has none.
func (g *Graph) Periods(e int) []Period {
	if g.periodStart == nil {
		return nil
	}
	return g.periods[g.periodStart[e]:g.periodStart[e+1]]
}

// Neighbors gives the neighbours of node i in ascending order, and beside each the edge that leads to it.
func (g *Graph) Neighbors(i int) (nodes, edges []uint32) {
	lo, hi := g.start[i], g.start[i+1]
	return g.next[lo:hi], g.edge[lo:hi]
}

// EdgeBetween finds the edge of two nodes, in either order, in O(log degree).
func (g *Graph) EdgeBetween(a, b int) (e int, ok bool) {
	nodes, edges := g.Neighbors(a)
	at, ok := slices.BinarySearch(nodes, uint32(b))
	if !ok {
		return 0, false
	}
	return int(edges[at]), true
}

// Count gives the number of edges of a relation.
func (g *Graph) Count(r Relation) int { return g.edges[r] }

// Total gives the sum of a column over the edges of a relation.
func (g *Graph) Total(column int, r Relation) float64 { return g.totals[column][r] }

// LeftOut says what [Trim] has taken away from the graph that this one was made of; zero if it is whole.
func (g *Graph) LeftOut() LeftOut { return g.left }

// Extents gives what each node weighs in a column: of its sums over the edges of one relation, the largest. One contribution
// stands on up to three edges, so a sum across relations would count those of persons with a known organization twice.
func (g *Graph) Extents(column int) []float64 {
	extents := make([]float64, len(g.nodes))
	w := g.weights[column]
	for i := range g.nodes {
		var sums [NumKinds]float64 // by the neighbour's kind
		nodes, edges := g.Neighbors(i)
		for j, e := range edges {
			sums[g.nodes[nodes[j]].Kind] += w[e]
		}
		extents[i] = slices.Max(sums[:])
	}
	return extents
}

// freeze sets everything that follows from nodes, ends and weights, which must be in order.
func (g *Graph) freeze() {
	for k := range Kind(NumKinds) {
		g.first[k+1] = sort.Search(len(g.nodes), func(i int) bool { return g.nodes[i].Kind > k })
	}
	g.byID = make([]uint32, len(g.nodes))
	for i := range g.byID {
		g.byID[i] = uint32(i)
	}
	slices.SortFunc(g.byID, func(a, b uint32) int { return cmp.Compare(g.nodes[a].ID, g.nodes[b].ID) })

	g.start = make([]uint32, len(g.nodes)+1)
	for _, ends := range g.ends {
		g.start[ends[0]+1]++
		g.start[ends[1]+1]++
	}
	for i := range g.nodes {
		g.start[i+1] += g.start[i]
	}
	fill := slices.Clone(g.start)
	g.next = make([]uint32, 2*len(g.ends))
	g.edge = make([]uint32, 2*len(g.ends))
	// Edges are ordered by (a, b). The first pass gives each node its smaller neighbours in ascending order, the second the larger.
	for side := 1; side >= 0; side-- {
		for e, ends := range g.ends {
			at := &fill[ends[side]]
			g.next[*at], g.edge[*at] = ends[1-side], uint32(e)
			*at++
		}
	}

	g.edges = [NumRelations]int{}
	g.totals = make([][NumRelations]float64, len(g.columns))
	for e := range g.ends {
		r := g.Relation(e)
		g.edges[r]++
		for c := range g.columns {
			g.totals[c][r] += g.weights[c][e]
		}
	}
}

// Subgraph keeps the nodes and edges that are asked for; an edge goes with either of its ends. Ids stay. A nil function keeps all.
func (g *Graph) Subgraph(node func(i int) bool, edge func(e int) bool) *Graph {
	s := &Graph{columns: g.columns, weights: make([][]float64, len(g.columns)), left: g.left}
	const gone = math.MaxUint32
	place := make([]uint32, len(g.nodes))
	for i, n := range g.nodes {
		place[i] = gone
		if node == nil || node(i) {
			place[i] = uint32(len(s.nodes))
			s.nodes = append(s.nodes, n)
		}
	}
	if g.periodStart != nil {
		s.periodStart = []uint32{0}
	}
	for e, ends := range g.ends {
		a, b := place[ends[0]], place[ends[1]]
		if a == gone || b == gone || edge != nil && !edge(e) {
			continue
		}
		s.ends = append(s.ends, [2]uint32{a, b})
		for c := range g.columns {
			s.weights[c] = append(s.weights[c], g.weights[c][e])
		}
		if g.periodStart != nil {
			s.periods = append(s.periods, g.Periods(e)...)
			s.periodStart = append(s.periodStart, uint32(len(s.periods)))
		}
	}
	s.freeze()
	return s
}

// Select keeps the edges of the given relations and the nodes of the kinds that these join.
func (g *Graph) Select(relations ...Relation) *Graph {
	var kinds [NumKinds]bool
	for _, r := range relations {
		a, b := r.Kinds()
		kinds[a], kinds[b] = true, true
	}
	return g.Subgraph(
		func(i int) bool { return kinds[g.nodes[i].Kind] },
		func(e int) bool { return slices.Contains(relations, g.Relation(e)) })
}
