package graph

// Profile is what is measured of a network unless less is asked for. Slices have one value a node.
type Profile struct {
	// Column weighs Strengths, PageRank and Communities, which are larger where more was done; all else is unweighted.
	Column      int
	Degrees     []int
	Strengths   []float64 // in the column's unit
	Betweenness []float64 // as a share of the (n-1)(n-2)/2 pairs of others; 0 where there are none
	PageRank    []float64 // damping 0.85; adds up to 1
	Harmonic    []float64 // closeness, divided by n-1: the mean of 1/distance; exact
	Cores       []int
	Communities []int
	// Paths are what Betweenness is estimated from; nil if it is exact.
	Paths *Paths
	// Off is how far Betweenness may be off for all nodes at once, with the probability of Paths.Confidence; 0 if it is exact.
	Off float64

	Modularity float64 // of Communities, by Column
	// Centralizations are Freeman's, see [DegreeCentralization]; not a number for less than three nodes.
	DegreeCentralization, BetweennessCentralization float64
}

const (
	// ExactSteps is up to how many nodes times edges betweenness is exact in a [Profile]: about two seconds.
	ExactSteps = 1e9
	// Epsilon is that of [SamplePaths] in a [Profile] above.
	Epsilon = 0.01
	// Delta is that of [SamplePaths] in a [Profile].
	Delta = 0.1
)

// Measure gives the profile of a graph. Betweenness is exact as far as that takes seconds, else it is estimated with a fixed seed, off by 1 % of pairs at the
// most with a probability of 90 %.
func Measure(g *Graph, column int) *Profile {
	n := float64(g.NumNodes())
	p := &Profile{
		Column: column, Degrees: Degrees(g), Strengths: Strengths(g, column), PageRank: PageRank(g, column, 0.85), Harmonic: HarmonicCloseness(g, Unweighted),
		Cores: CoreNumbers(g), Communities: Communities(g, column), DegreeCentralization: DegreeCentralization(g),
	}
	p.Modularity = Modularity(g, column, p.Communities)
	if n*float64(g.NumEdges()) <= ExactSteps {
		p.Betweenness = Betweenness(g, Unweighted)
	} else {
		p.Paths = SamplePaths(g, Epsilon, Delta, 1)
		p.Betweenness = p.Paths.Betweenness()
		p.Off = p.Paths.Error * n / (n - 2) // the error is of all pairs, ends among them
	}
	p.BetweennessCentralization = BetweennessCentralization(p.Betweenness)
	for i := range p.Betweenness {
		if n > 2 {
			p.Betweenness[i] /= (n - 1) * (n - 2) / 2
		}
		if n > 1 {
			p.Harmonic[i] /= n - 1
		}
	}
	return p
}
