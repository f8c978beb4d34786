package graph

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os/exec"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// drawLinks makes a small graph of people with weights that have exact inverses.
func drawLinks(t *rapid.T, most int) (n int, links []link) {
	n = rapid.IntRange(1, most).Draw(t, "n")
	density := rapid.IntRange(1, 6).Draw(t, "density")
	for i := range n {
		for j := range i {
			if rapid.IntRange(0, density).Draw(t, "link") == 0 {
				links = append(links, link{j, i, float64(int(1) << rapid.IntRange(0, 3).Draw(t, "weight"))})
			}
		}
	}
	return n, links
}

// allPaths gives every shortest path between two nodes, one by one.
func (v *naive) allPaths(s, t int) (all [][]int) {
	var walk func(path []int)
	walk = func(path []int) {
		at := path[len(path)-1]
		if at == t {
			all = append(all, slices.Clone(path))
			return
		}
		for k := range v.n {
			if v.closer[at][k] > 0 && v.distance[s][at]+1/v.closer[at][k] == v.distance[s][k] && v.distance[s][k]+v.distance[k][t] == v.distance[s][t] {
				walk(append(path, k))
			}
		}
	}
	if !math.IsInf(v.distance[s][t], 1) {
		walk([]int{s})
	}
	return all
}

// group counts, of all shortest paths, the ones through a set.
func (v *naive) group(set []int) (betweenness float64, degree int) {
	for s := range v.n {
		if slices.Contains(set, s) {
			continue
		}
		for _, i := range set {
			if v.closer[s][i] > 0 {
				degree++
				break
			}
		}
		for t := range s {
			if slices.Contains(set, t) {
				continue
			}
			all := v.allPaths(s, t)
			through := 0
			for _, path := range all {
				if slices.ContainsFunc(path, func(i int) bool { return slices.Contains(set, i) }) {
					through++
				}
			}
			if len(all) > 0 {
				betweenness += float64(through) / float64(len(all))
			}
		}
	}
	return betweenness, degree
}

func TestGroupsAgainstDefinitions(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n, links := drawLinks(rt, 10)
		g := people(t, n, links)
		var set []int
		for i := range n {
			if rapid.Bool().Draw(rt, "in") {
				set = append(set, i)
			}
		}
		for _, column := range []int{Unweighted, 0} {
			betweenness, degree := newNaive(g, column).group(set)
			near(rt, "group betweenness", []float64{GroupBetweenness(g, column, set)}, []float64{betweenness})
			if got := GroupDegree(g, set); got != degree {
				rt.Fatalf("group degree of %v is %d, want %d", set, got, degree)
			}
		}
	})
}

func TestGroups(t *testing.T) {
	// A star with node 0 in the middle, and node 5 beside it.
	g := people(t, 6, []link{{0, 1, 1}, {0, 2, 1}, {0, 3, 1}, {0, 4, 1}})
	got := Groups(g, [][]int{{0}, {1, 2}, {0, 1, 2, 3, 4, 5}, {0, 1, 2, 3, 4}}, 0, 6, 400, 7, nil)
	want := []Group{
		{Size: 1, Degree: 4. / 5, Betweenness: 6. / 10},
		{Size: 2, Degree: 1. / 4},
		{Size: 6},
		{Size: 5},
	}
	for i := range want {
		if o := got[i]; o.Size != want[i].Size || o.Degree != want[i].Degree || o.Betweenness != want[i].Betweenness || o.Error != 0 {
			t.Errorf("%+v, want %+v", o, want[i])
		}
	}
	// One of six is the middle, four are neighbours of it, one is nobody's: (4 + 4*1 + 0)/6/5.
	if d, b := got[0].RandomDegree, got[0].RandomBetweenness; math.Abs(d-8./30) > 0.05 || math.Abs(b-.6/6) > 0.04 {
		t.Errorf("random sets of one node have degree %v and betweenness %v", d, b)
	}
	again := Groups(g, [][]int{{3}}, 0, 6, 400, 7, nil)
	if again[0].RandomDegree != got[0].RandomDegree {
		t.Error("what random sets say depends on who else is measured")
	}
}

// TestSampledPaths holds estimates to their bound, which may fail once in a thousand times: the seed is fixed.
func TestSampledPaths(t *testing.T) {
	for _, c := range []struct{ n, m int }{{60, 90}, {120, 1000}, {200, 150}} {
		g := people(t, c.n, randomLinks(c.n, c.m))
		paths := SamplePaths(g, 0.02, 0.001, 5)
		pairs := float64(c.n*(c.n-1)) / 2
		exact, estimate := Betweenness(g, Unweighted), paths.Betweenness()
		for i := range exact {
			if off := math.Abs(exact[i]-estimate[i]) / pairs; off > paths.Error {
				t.Errorf("%d nodes, %d edges: node %d is off by %v, above %v", c.n, c.m, i, off, paths.Error)
			}
		}
		sets := [][]int{{0}, {1, 2, 3, 4, 5}, {6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25}}
		sampled, full := Groups(g, sets, 0, c.n, 3, 1, paths), Groups(g, sets, 0, c.n, 3, 1, nil)
		for i := range sets {
			if math.Abs(sampled[i].Betweenness-full[i].Betweenness) > sampled[i].Error || sampled[i].Error == 0 || sampled[i].Degree != full[i].Degree {
				t.Errorf("set %d: estimated %+v, exact %+v", i, sampled[i], full[i])
			}
		}
		for _, processors := range []int{1, 8} {
			before := runtime.GOMAXPROCS(processors)
			again := SamplePaths(g, 0.02, 0.001, 5)
			runtime.GOMAXPROCS(before)
			if diff := cmp.Diff(paths, again, cmp.AllowUnexported(Paths{})); diff != "" {
				t.Errorf("%d processors give other paths:\n%s", processors, diff)
			}
		}
	}
}

// TestPathsAreDrawnEvenly asks for one pair that eleven shortest paths join, over and over.
func TestPathsAreDrawnEvenly(t *testing.T) {
	// 0 and 1 are joined by 2-3, 2-4 and, over 5 to 12, eight ways of length three more.
	links := []link{{0, 2, 1}, {2, 3, 1}, {2, 4, 1}, {3, 1, 1}, {4, 1, 1}, {0, 13, 1}, {13, 14, 1}, {14, 1, 1}}
	for i := 5; i < 13; i++ {
		links = append(links, link{2, i, 1}, link{i, 1, 1})
	}
	g := people(t, 15, links)
	m := newMeeting(g)
	counts := make([]int, 15)
	const draws = 22000
	for i := range draws {
		m.random = rand.New(rand.NewPCG(9, uint64(i)))
		path := m.path(nil, 0, 1)
		if len(path) != 2 {
			t.Fatalf("a path over %v", path)
		}
		for _, u := range path {
			counts[u]++
		}
	}
	for u, n := range counts {
		want := draws / 11
		switch u {
		case 0, 1:
			want = 0
		case 2:
			want = draws / 11 * 10
		}
		if math.Abs(float64(n-want)) > 200 { // about 4.5 standard deviations
			t.Errorf("node %d is on %d of %d paths, want about %d", u, n, draws, want)
		}
	}
}

func TestCommunities(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n, links := drawLinks(rt, 24)
		g := people(t, n, links)
		of := Communities(g, 0)
		// They are numbered by size, without gaps, and each hangs together.
		sizes := make([]int, slices.Max(of)+1)
		for _, c := range of {
			sizes[c]++
		}
		if !slices.IsSortedFunc(sizes, func(a, b int) int { return b - a }) || slices.Contains(sizes, 0) {
			rt.Fatalf("sizes %v", sizes)
		}
		for c := range sizes {
			part := g.Subgraph(func(i int) bool { return of[i] == c }, nil)
			s := newSearch(part, Unweighted)
			s.from(0)
			if len(s.order) != part.NumNodes() {
				rt.Fatalf("community %d of %v is in pieces", c, of)
			}
		}
		// No node gains by moving alone, nor does everybody by being in one or alone.
		q := Modularity(g, 0, of)
		if apart := Modularity(g, 0, identity(n)); q < apart-1e-9 || q < -1e-9 {
			rt.Fatalf("modularity %v, apart %v", q, apart)
		}
		if !slices.Equal(of, Communities(g, 0)) {
			rt.Fatal("another time, other communities")
		}
	})
}

func identity(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// naiveModularity is the definition over all pairs of nodes.
func naiveModularity(v *naive, of []int) float64 {
	k, m := make([]float64, v.n), 0.0
	for i := range v.n {
		for j := range v.n {
			k[i] += v.closer[i][j]
			m += v.closer[i][j] / 2
		}
	}
	q := 0.0
	for i := range v.n {
		for j := range v.n {
			if m > 0 && of[i] == of[j] {
				q += (v.closer[i][j] - k[i]*k[j]/(2*m)) / (2 * m)
			}
		}
	}
	return q
}

func TestModularityAgainstDefinition(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n, links := drawLinks(rt, 12)
		g := people(t, n, links)
		of := make([]int, n)
		for i := range of {
			of[i] = rapid.IntRange(0, 3).Draw(rt, "community")
		}
		for _, column := range []int{Unweighted, 0} {
			near(rt, "modularity", []float64{Modularity(g, column, of)}, []float64{naiveModularity(newNaive(g, column), of)})
		}
	})
}

// karate is the friendships of Zachary, An information flow model for conflict and fission in small groups, 1977: for each of 34 members, from the
// first, the friends that have a higher number.
var karate = [][]int{
	{1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 17, 19, 21, 31},
	{2, 3, 7, 13, 17, 19, 21, 30},
	{3, 7, 8, 9, 13, 27, 28, 32},
	{7, 12, 13},
	{6, 10},
	{6, 10, 16},
	{16},
	nil,
	{30, 32, 33},
	{33},
	nil, nil, nil,
	{33},
	{32, 33},
	{32, 33},
	nil, nil,
	{32, 33},
	{33},
	{32, 33},
	nil,
	{32, 33},
	{25, 27, 29, 32, 33},
	{25, 27, 31},
	{31},
	{29, 33},
	{33},
	{31, 33},
	{32, 33},
	{32, 33},
	{32, 33},
	{33},
}

// TestPublished holds figures to those that others have printed.
func TestPublished(t *testing.T) {
	var links []link
	for a, friends := range karate {
		for _, b := range friends {
			links = append(links, link{a, b, 1})
		}
	}
	club := people(t, 34, links)
	if club.NumEdges() != 78 {
		t.Fatalf("the club has %d ties, not 78", club.NumEdges())
	}
	// The highest that there is: Brandes and others, On modularity clustering, 2008.
	if q := Modularity(club, Unweighted, Communities(club, Unweighted)); math.Abs(q-0.4198) > 0.00005 {
		t.Errorf("modularity of the club %v, want 0.4198", q)
	}

	links = nil
	for _, l := range florentine {
		links = append(links, link{l[0], l[1], 1})
	}
	families := people(t, 15, links)
	// Wasserman and Faust, Social network analysis, 1994, chapter 5: standardized betweenness of the families, and centralization; degrees
	// there have a sixteenth family without ties.
	betweenness := Betweenness(families, Unweighted)
	for i, want := range []float64{0, 0.212, 0.093, 0.104, 0.055, 0, 0.255, 0, 0.522, 0, 0.022, 0.114, 0.143, 0.103, 0.092} {
		if got := betweenness[i] / (14 * 13 / 2); math.Abs(got-want) > 0.0006 {
			t.Errorf("betweenness of family %d is %.4f, want %v", i, got, want)
		}
	}
	if c := BetweennessCentralization(betweenness); math.Abs(c-0.437) > 0.0005 {
		t.Errorf("betweenness centralization %v, want 0.437", c)
	}
	if c := DegreeCentralization(people(t, 16, links)); math.Abs(c-0.267) > 0.0005 {
		t.Errorf("degree centralization %v, want 0.267", c)
	}
}

func TestCentralization(t *testing.T) {
	star, circle := people(t, 5, []link{{0, 1, 1}, {0, 2, 1}, {0, 3, 1}, {0, 4, 1}}), people(t, 5, []link{{0, 1, 1}, {1, 2, 1}, {2, 3, 1}, {3, 4, 1}, {4, 0, 1}})
	for g, want := range map[*Graph]float64{star: 1, circle: 0} {
		near(t, "degree centralization", []float64{DegreeCentralization(g)}, []float64{want})
		near(t, "betweenness centralization", []float64{BetweennessCentralization(Betweenness(g, Unweighted))}, []float64{want})
	}
	two := people(t, 2, []link{{0, 1, 1}})
	if !math.IsNaN(DegreeCentralization(two)) || !math.IsNaN(BetweennessCentralization(Betweenness(two, Unweighted))) {
		t.Error("two nodes have a centralization")
	}
}

func TestProjectionAgainstDefinition(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		most := rapid.IntRange(0, 4).Draw(rt, "most")
		a := NewAffiliations(columns...)
		member := map[Ref]uint32{}
		work := map[int]map[Ref][]float64{}
		for range rapid.IntRange(0, 40).Draw(rt, "additions") {
			r := ref(Kind(rapid.IntRange(0, 1).Draw(rt, "kind")), rapid.IntRange(0, 3).Draw(rt, "key"))
			group := rapid.IntRange(0, 5).Draw(rt, "group") * 1000
			weights := []float64{float64(rapid.IntRange(0, 9).Draw(rt, "commits")), float64(rapid.IntRange(0, 99).Draw(rt, "changed"))}
			i, err := a.AddNode(Node{Kind: r.Kind, Key: r.Key})
			if err == nil {
				err = a.Add(i, uint32(group), weights...)
			}
			if err != nil {
				rt.Fatal(err)
			}
			if work[group] == nil {
				work[group] = map[Ref][]float64{}
			}
			if sum := work[group][r]; sum != nil {
				weights[0], weights[1] = weights[0]+sum[0], weights[1]+sum[1]
			}
			work[group][r] = weights
			member[r] = i
		}
		g, crowded, err := a.Project("files", most)
		if err != nil {
			rt.Fatal(err)
		}
		want := map[[2]Ref][]float64{}
		left, groups := 0, 0
		for _, there := range work {
			if len(there) > 1 {
				groups++
			}
			if most > 0 && len(there) > most {
				if len(there) > 1 {
					left++
				}
				continue
			}
			for x, wx := range there {
				for y, wy := range there {
					if x == y || x.Kind > y.Kind || x.Kind == y.Kind && x.Key > y.Key {
						continue
					}
					sum := want[[2]Ref{x, y}]
					if sum == nil {
						sum = make([]float64, 4)
					}
					for i, add := range []float64{1, 1 / float64(len(there)-1), min(wx[0], wy[0]), min(wx[1], wy[1])} {
						sum[i] += add
					}
					want[[2]Ref{x, y}] = sum
				}
			}
		}
		if crowded != (Crowded{most, left, groups}) {
			rt.Fatalf("%+v, want %d of %d left out", crowded, left, groups)
		}
		if g.NumNodes() != len(member) || g.NumEdges() != len(want) {
			rt.Fatalf("%d nodes and %d edges, want %d and %d", g.NumNodes(), g.NumEdges(), len(member), len(want))
		}
		for e := range g.NumEdges() {
			i, j := g.Ends(e)
			x, y := g.Node(i), g.Node(j)
			for c, w := range want[[2]Ref{{x.Kind, x.Key}, {y.Kind, y.Key}}] {
				near(rt, g.Columns()[c].Name, []float64{g.Weights(c)[e]}, []float64{w})
			}
		}
	})
}

func TestProject(t *testing.T) {
	b := NewBuilder(columns...)
	for _, n := range []Node{{Kind: Organization, Key: "a"}, {Kind: Organization, Key: "b", ID: "o7"}, {Kind: Organization, Key: "c"}, {Kind: Repository, Key: "r"}, {Kind: Repository, Key: "s"}, {Kind: Person, Key: "p"}} {
		if err := b.AddNode(n); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		organization, repository string
		commits                  float64
	}{{"a", "r", 5}, {"b", "r", 2}, {"a", "s", 1}, {"b", "s", 9}, {"c", "s", 4}} {
		if err := b.Contribute("p", c.organization, c.repository, c.commits, 10*c.commits); err != nil {
			t.Fatal(err)
		}
	}
	g, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	p, crowded, err := Project(g, Organization, Repository, 0)
	if err != nil || crowded != (Crowded{0, 0, 2}) {
		t.Fatal(err, crowded)
	}
	want := "shared=2 ties=1.5 commits=3 changed=30; shared=1 ties=0.5 commits=1 changed=10; shared=1 ties=0.5 commits=4 changed=40; "
	got := ""
	for e := range p.NumEdges() {
		for c, column := range p.Columns() {
			got += fmt.Sprintf("%s=%v ", column.Name, p.Weights(c)[e])
		}
		got = got[:len(got)-1] + "; "
	}
	if got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if p.Node(1).ID != "o7" {
		t.Errorf("node b has become %s", p.Node(1).ID)
	}
	twice := NewAffiliations(Column{SharedColumn, "x"})
	if _, _, err := twice.Project("files", 0); !errors.Is(err, ErrColumn) {
		t.Errorf("two columns of one name: %v", err)
	}
	if err := twice.Add(0, 0, 1); !errors.Is(err, ErrUnknownNode) {
		t.Errorf("a member that was not added: %v", err)
	}
}

func TestMerge(t *testing.T) {
	g := people(t, 5, []link{{0, 1, 1}, {0, 2, 2}, {1, 2, 4}, {2, 3, 8}, {3, 4, 16}})
	m, places, err := Merge(g, []int{0, 0, -1, 1, 1}, []string{"X", "A"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{1, 1, 2, 0, 0}, places); diff != "" {
		t.Error(diff)
	}
	// A (3 and 4) with 2: 8; X (0 and 1) with 2: 6.
	if a, _ := m.EdgeBetween(0, 2); m.NumEdges() != 2 || m.Weights(0)[a] != 8 || m.Weights(0)[1-a] != 6 || m.Node(0).Label != "A" {
		t.Errorf("%d edges with %v", m.NumEdges(), m.Weights(0))
	}
	if _, _, err := Merge(m, []int{-1, -1, -1}, nil); !errors.Is(err, ErrNode) {
		t.Errorf("an organization that is not merged: %v", err)
	}
	if _, _, err := Merge(g, []int{0, 0, -1, 1, 1}, []string{"X", "X"}); !errors.Is(err, ErrConflict) {
		t.Errorf("two sets of one name: %v", err)
	}
}

// TestAgainstNetworkX compares with NetworkX, where it is installed.
func TestAgainstNetworkX(t *testing.T) {
	if exec.Command("python3", "-c", "import networkx").Run() != nil {
		t.Skip("there is no python3 with networkx")
	}
	if testing.Short() {
		t.Skip("takes seconds")
	}
	cmd := exec.Command("python3", "testdata/oracle.py")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the oracle: %v", err)
	}
	type measures struct{ Strength, Betweenness, Harmonic, PageRank []float64 }
	type example struct {
		Name                 string
		Nodes                int
		Edges                [][3]float64
		Unweighted, Weighted measures
		Core                 []int
		Sets                 [][]int
		GroupDegree          []float64 `json:"group_degree"`
		GroupBetweenness     []float64 `json:"group_betweenness"`
		Communities          []int
		Modularity           float64
		Projected, Ties      [][3]float64
	}
	decoder := json.NewDecoder(bytes.NewReader(out))
	cases := 0
	for {
		var c example
		if err := decoder.Decode(&c); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		cases++
		t.Run(c.Name, func(t *testing.T) {
			var links []link
			for _, e := range c.Edges {
				links = append(links, link{int(e[0]), int(e[1]), e[2]})
			}
			g := people(t, c.Nodes, links)
			for column, want := range map[int]measures{Unweighted: c.Unweighted, 0: c.Weighted} {
				near(t, "betweenness", Betweenness(g, column), want.Betweenness)
				near(t, "harmonic closeness", HarmonicCloseness(g, column), want.Harmonic)
				near(t, "PageRank", PageRank(g, column, 0.85), want.PageRank)
			}
			near(t, "strength", Strengths(g, 0), c.Weighted.Strength)
			for i, d := range Degrees(g) {
				near(t, "degree", []float64{float64(d)}, c.Unweighted.Strength[i:i+1])
			}
			if diff := cmp.Diff(c.Core, CoreNumbers(g)); diff != "" {
				t.Errorf("core numbers: %s", diff)
			}
			for i, set := range c.Sets {
				near(t, "group degree", []float64{float64(GroupDegree(g, set)) / float64(c.Nodes-len(set))}, c.GroupDegree[i:i+1])
				if len(c.GroupBetweenness) > 0 {
					near(t, "group betweenness", []float64{GroupBetweenness(g, Unweighted, set)}, c.GroupBetweenness[i:i+1])
				}
			}
			near(t, "modularity", []float64{Modularity(g, 0, c.Communities)}, []float64{c.Modularity})
			if q := Modularity(g, 0, Communities(g, 0)); q < c.Modularity-0.005 {
				t.Errorf("communities have modularity %v, the better of two runs of NetworkX's Louvain %v", q, c.Modularity)
			}
			if c.Projected != nil {
				a := NewAffiliations()
				for i := range 20 {
					if _, err := a.AddNode(Node{Kind: Person, Key: fmt.Sprintf("%08d", i)}); err != nil {
						t.Fatal(err)
					}
				}
				for _, l := range links {
					if err := a.Add(uint32(l.a), uint32(l.b)); err != nil {
						t.Fatal(err)
					}
				}
				p, _, err := a.Project("groups", 0)
				if err != nil || p.NumEdges() != len(c.Projected) {
					t.Fatalf("%d edges, want %d: %v", p.NumEdges(), len(c.Projected), err)
				}
				for column, want := range [][][3]float64{c.Projected, c.Ties} {
					for _, w := range want {
						e, ok := p.EdgeBetween(int(w[0]), int(w[1]))
						if !ok {
							t.Fatalf("no edge of %v and %v", w[0], w[1])
						}
						near(t, p.Columns()[column].Name, []float64{p.Weights(column)[e]}, w[2:])
					}
				}
			}
		})
	}
	if cases < 53 {
		t.Errorf("only %d graphs", cases)
	}
}
