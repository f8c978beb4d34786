package graph

import (
	"math"
	"slices"
	"testing"
)

func TestMeasure(t *testing.T) {
	g := people(t, 4, []link{{0, 1, 4}, {1, 2, 2}, {1, 3, 2}})
	p := Measure(g, 0)
	near(t, "betweenness", p.Betweenness, []float64{0, 1, 0, 0})
	near(t, "harmonic closeness", p.Harmonic, []float64{2. / 3, 1, 2. / 3, 2. / 3})
	near(t, "strength", p.Strengths, []float64{4, 8, 2, 2})
	near(t, "centralization", []float64{p.DegreeCentralization, p.BetweennessCentralization}, []float64{1, 1})
	if !slices.Equal(p.Degrees, []int{1, 3, 1, 1}) || !slices.Equal(p.Cores, []int{1, 1, 1, 1}) || p.Paths != nil || p.Off != 0 {
		t.Errorf("%+v", p)
	}
	if one := Measure(people(t, 1, nil), 0); one.Betweenness[0] != 0 || !math.IsNaN(one.DegreeCentralization) {
		t.Errorf("one node: %+v", one)
	}
}

// BenchmarkMeasure builds the largest network that people work in here, and takes every measure of it.
func BenchmarkMeasure(b *testing.B) {
	builder := ecosystemBuilder(b, 400, 20_000, 500, 250_000)
	b.ReportAllocs()
	for b.Loop() {
		whole, err := builder.Build()
		if err != nil {
			b.Fatal(err)
		}
		g := whole.Select(Between(Person, Repository))
		p := Measure(g, 0)
		organizations, _, err := Project(whole, Organization, Repository, 0)
		if err != nil {
			b.Fatal(err)
		}
		Measure(organizations, 0)
		lo, hi := g.Range(Person)
		Groups(g, homes(whole, g), lo, hi, 20, 1, p.Paths)
		b.ReportMetric(float64(g.NumEdges()), "edges")
	}
}

// homes gives the people of every organization, by what they did most, as nodes of g.
func homes(whole, g *Graph) [][]int {
	lo, hi := whole.Range(Organization)
	sets := make([][]int, hi-lo)
	first, last := whole.Range(Person)
	for i := first; i < last; i++ {
		nodes, edges := whole.Neighbors(i)
		home, most := -1, 0.0
		for j, u := range nodes {
			if w := whole.Weights(0)[edges[j]]; int(u) < hi && w > most {
				home, most = int(u)-lo, w
			}
		}
		if home >= 0 {
			at, _ := g.Find(Ref{Person, whole.Node(i).Key})
			sets[home] = append(sets[home], at)
		}
	}
	return slices.DeleteFunc(sets, func(set []int) bool { return len(set) == 0 })
}

func BenchmarkCommunities(b *testing.B) {
	g := people(b, 20000, randomLinks(20000, 200000))
	b.Run("random", func(b *testing.B) {
		for b.Loop() {
			of := Communities(g, 0)
			b.ReportMetric(Modularity(g, 0, of), "modularity")
		}
	})
	e := ecosystem(b, 400, 20_000, 500, 250_000).Select(Between(Person, Repository))
	b.Run("ecosystem", func(b *testing.B) {
		for b.Loop() {
			of := Communities(e, 0)
			b.ReportMetric(Modularity(e, 0, of), "modularity")
		}
	})
}

func BenchmarkSamplePaths(b *testing.B) {
	g := ecosystem(b, 400, 20_000, 500, 250_000).Select(Between(Person, Repository))
	for b.Loop() {
		paths := SamplePaths(g, Epsilon, Delta, 1)
		b.ReportMetric(float64(paths.Samples), "paths")
	}
}

func BenchmarkHarmonicCloseness(b *testing.B) {
	g := ecosystem(b, 400, 20_000, 500, 250_000).Select(Between(Person, Repository))
	for b.Loop() {
		HarmonicCloseness(g, Unweighted)
	}
}
