package graph

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// link is an edge of a graph of people 0, 1, 2, ..., who need not have any other.
type link struct {
	a, b   int
	weight float64
}

func people(t testing.TB, n int, links []link) *Graph {
	t.Helper()
	b := NewBuilder(Column{"weight", "weight"})
	key := func(i int) Ref { return Ref{Person, fmt.Sprintf("%08d", i)} }
	for i := range n {
		if err := b.AddNode(Node{Kind: Person, Key: key(i).Key}); err != nil {
			t.Fatal(err)
		}
	}
	for _, l := range links {
		if err := b.AddEdge(key(l.a), key(l.b), l.weight); err != nil {
			t.Fatal(err)
		}
	}
	g, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func randomLinks(n, m int) []link {
	random := rand.New(rand.NewPCG(3, 4))
	seen := map[[2]int]bool{}
	links := make([]link, 0, m)
	for len(links) < m {
		a, b := random.IntN(n), random.IntN(n)
		if a < b && !seen[[2]int{a, b}] {
			seen[[2]int{a, b}] = true
			links = append(links, link{a, b, float64(1 + random.IntN(9))})
		}
	}
	return links
}

// naive is every measure from its definition, by way of all distances (Floyd and Warshall).
type naive struct {
	n        int
	closer   [][]float64 // weights
	distance [][]float64
	paths    [][]float64
}

func newNaive(g *Graph, column int) *naive {
	n := g.NumNodes()
	table := func(x float64) [][]float64 {
		t := make([][]float64, n)
		for i := range t {
			t[i] = slices.Repeat([]float64{x}, n)
		}
		return t
	}
	v := &naive{n, table(0), table(math.Inf(1)), table(0)}
	for e := range g.NumEdges() {
		a, b := g.Ends(e)
		w := 1.0
		if column != Unweighted {
			w = g.Weights(column)[e]
		}
		v.closer[a][b], v.closer[b][a] = w, w
		v.distance[a][b], v.distance[b][a] = 1/w, 1/w
	}
	for i := range n {
		v.distance[i][i] = 0
	}
	for k := range n {
		for i := range n {
			for j := range n {
				v.distance[i][j] = min(v.distance[i][j], v.distance[i][k]+v.distance[k][j])
			}
		}
	}
	for i := range n {
		nodes := make([]int, n)
		for j := range nodes {
			nodes[j] = j
		}
		slices.SortFunc(nodes, func(a, b int) int {
			if v.distance[i][a] < v.distance[i][b] {
				return -1
			}
			return 1
		})
		v.paths[i][i] = 1
		for _, j := range nodes {
			for k := range n {
				if k != j && j != i && v.closer[k][j] > 0 && v.distance[i][k]+1/v.closer[k][j] == v.distance[i][j] {
					v.paths[i][j] += v.paths[i][k]
				}
			}
		}
	}
	return v
}

func (v *naive) betweenness() []float64 {
	out := make([]float64, v.n)
	for m := range v.n {
		for s := range v.n {
			for t := range s {
				if m != s && m != t && v.paths[s][t] > 0 && v.distance[s][m]+v.distance[m][t] == v.distance[s][t] {
					out[m] += v.paths[s][m] * v.paths[m][t] / v.paths[s][t]
				}
			}
		}
	}
	return out
}

func (v *naive) harmonic() []float64 {
	out := make([]float64, v.n)
	for i := range v.n {
		for j := range v.n {
			if i != j {
				out[i] += 1 / v.distance[i][j]
			}
		}
	}
	return out
}

// pageRank multiplies with the whole matrix of the walk, far longer than needed.
func (v *naive) pageRank(damping float64) []float64 {
	rank := slices.Repeat([]float64{1 / float64(v.n)}, v.n)
	for range 400 {
		next := make([]float64, v.n)
		for i := range v.n {
			out := 0.0
			for j := range v.n {
				out += v.closer[i][j]
			}
			for j := range v.n {
				step := 1 / float64(v.n)
				if out > 0 {
					step = v.closer[i][j] / out
				}
				next[j] += rank[i] * (damping*step + (1-damping)/float64(v.n))
			}
		}
		rank = next
	}
	return rank
}

// core takes away whoever has fewer than k neighbours, for every k anew.
func (v *naive) core() []int {
	core := make([]int, v.n)
	for k := 1; k <= v.n; k++ {
		here := slices.Repeat([]bool{true}, v.n)
		for again := true; again; {
			again = false
			for i := range v.n {
				d := 0
				for j := range v.n {
					if here[j] && !math.IsInf(v.distance[i][j], 1) && v.closer[i][j] > 0 {
						d++
					}
				}
				if here[i] && d < k {
					here[i], again = false, true
				}
			}
		}
		for i, h := range here {
			if h {
				core[i] = k
			}
		}
	}
	return core
}

func near(t interface{ Fatalf(string, ...any) }, what string, got, want []float64) {
	for i := range want {
		if !(math.Abs(got[i]-want[i]) <= 1e-9*(1+math.Abs(want[i]))) {
			t.Fatalf("%s of node %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

func TestMeasuresAgainstDefinitions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 14).Draw(t, "n")
		var links []link
		b := NewBuilder(Column{"weight", "weight"})
		for i := range n {
			if err := b.AddNode(Node{Kind: Person, Key: string(rune('a' + i))}); err != nil {
				t.Fatal(err)
			}
			for j := range i {
				if rapid.IntRange(0, 2).Draw(t, "link") == 0 {
					// Powers of two: then lengths are exact, and so is the reference's test for equal ones.
					links = append(links, link{i, j, float64(int(1) << rapid.IntRange(0, 3).Draw(t, "weight"))})
				}
			}
		}
		for _, l := range links {
			if err := b.AddEdge(Ref{Person, string(rune('a' + l.a))}, Ref{Person, string(rune('a' + l.b))}, l.weight); err != nil {
				t.Fatal(err)
			}
		}
		g, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		for _, column := range []int{Unweighted, 0} {
			v := newNaive(g, column)
			near(t, "betweenness", Betweenness(g, column), v.betweenness())
			near(t, "harmonic closeness", HarmonicCloseness(g, column), v.harmonic())
			near(t, "PageRank", PageRank(g, column, 0.85), v.pageRank(0.85))
		}
		v := newNaive(g, Unweighted)
		if got, want := CoreNumbers(g), v.core(); !slices.Equal(got, want) {
			t.Fatalf("core numbers %v, want %v", got, want)
		}
		degrees, strengths := Degrees(g), Strengths(g, 0)
		w := newNaive(g, 0)
		for i := range n {
			d, s := 0, 0.0
			for j := range n {
				s += w.closer[i][j]
				if w.closer[i][j] > 0 {
					d++
				}
			}
			if degrees[i] != d || strengths[i] != s {
				t.Fatalf("node %d has degree %d and strength %v, want %d and %v", i, degrees[i], strengths[i], d, s)
			}
		}
	})
}

// florentine is the marriages between Acciaiuoli, Albizzi, Barbadori, Bischeri, Castellani, Ginori, Guadagni, Lamberteschi, Medici, Pazzi, Peruzzi, Ridolfi,
// Salviati, Strozzi and Tornabuoni: Padgett's data, as in Breiger and Pattison 1986.
var florentine = [][2]int{{0, 8}, {1, 5}, {1, 6}, {3, 6}, {4, 2}, {4, 10}, {4, 13}, {6, 7}, {8, 1}, {8, 2}, {8, 11}, {8, 12}, {8, 14}, {10, 3}, {10, 13}, {11, 14}, {12, 9}, {13, 3}, {13, 11}, {14, 6}}

// TestFlorentineFamilies holds the measures against figures of NetworkX 3.6.
func TestFlorentineFamilies(t *testing.T) {
	var links []link
	for _, l := range florentine {
		links = append(links, link{l[0], l[1], 2})
	}
	g := people(t, 15, links)
	betweenness := []float64{0, 58. / 3, 8.5, 9.5, 5, 0, 139. / 6, 0, 47.5, 0, 2, 31. / 3, 13, 28. / 3, 25. / 3}
	near(t, "betweenness", Betweenness(g, Unweighted), betweenness)
	near(t, "betweenness with equal weights", Betweenness(g, 0), betweenness)
	near(t, "harmonic closeness", HarmonicCloseness(g, Unweighted), []float64{5 + 11./12, 7 + 5./6, 7 + 1./12, 7.2, 6 + 11./12, 5 + 1./3, 8 + 1./12, 5 + 11./30, 9.5, 4 + 23./30, 6 + 47./60, 8, 6 + 7./12, 7 + 5./6, 7 + 5./6})
	if got, want := CoreNumbers(g), []int{1, 2, 2, 2, 2, 1, 2, 1, 2, 1, 2, 2, 1, 2, 2}; !slices.Equal(got, want) {
		t.Errorf("core numbers %v, want %v", got, want)
	}
}

// TestTies has two ways from node 5 to node 0 of the same length, but 1/7 + 1/3 + 1/2 differs from 1/7 + 1/2 + 1/3 in its last bit.
func TestTies(t *testing.T) {
	g := people(t, 6, []link{{0, 1, 2}, {1, 2, 3}, {2, 5, 7}, {0, 3, 3}, {3, 4, 2}, {4, 5, 7}})
	near(t, "betweenness", Betweenness(g, 0), []float64{1, 1.5, 2.5, 1.5, 2.5, 3})
}

func TestMeasuresOfNothing(t *testing.T) {
	empty := people(t, 0, nil)
	if got := len(Betweenness(empty, Unweighted)) + len(PageRank(empty, Unweighted, 0.85)) + len(CoreNumbers(empty)) + len(HarmonicCloseness(empty, 0)); got != 0 {
		t.Errorf("%d values for no nodes", got)
	}
	// An edge of weight 0 is no way.
	apart := people(t, 3, []link{{0, 1, 0}, {1, 2, 0}})
	near(t, "betweenness", Betweenness(apart, 0), []float64{0, 0, 0})
	near(t, "harmonic closeness", HarmonicCloseness(apart, 0), []float64{0, 0, 0})
	near(t, "PageRank", PageRank(apart, 0, 0.85), []float64{1. / 3, 1. / 3, 1. / 3})
}

func TestProcessorsDoNotShow(t *testing.T) {
	g := people(t, 300, randomLinks(300, 2000))
	want := Betweenness(g, 0)
	for _, n := range []int{1, 2, 8} {
		before := runtime.GOMAXPROCS(n)
		got := Betweenness(g, 0)
		runtime.GOMAXPROCS(before)
		if !slices.Equal(got, want) {
			t.Errorf("%d processors give other bits", n)
		}
	}
}

func BenchmarkBetweenness(b *testing.B) {
	for _, n := range []int{2000, 10000} {
		g := people(b, n, randomLinks(n, 10*n))
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			for b.Loop() {
				Betweenness(g, Unweighted)
			}
		})
	}
}

func BenchmarkBetweennessWeighted(b *testing.B) {
	g := people(b, 2000, randomLinks(2000, 20000))
	for b.Loop() {
		Betweenness(g, 0)
	}
}

func BenchmarkPageRank(b *testing.B) {
	g := people(b, 20000, randomLinks(20000, 200000))
	for b.Loop() {
		PageRank(g, 0, 0.85)
	}
}
