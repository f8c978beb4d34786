package graph

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// addition is one call to a builder.
type addition struct {
	X, Y    Ref
	Weights []float64
	Period  Period // instead of Weights, if not zero
}

func ref(k Kind, i int) Ref { return Ref{k, fmt.Sprintf("key %02d", i)} }

func drawAdditions(t *rapid.T, fractions bool) []addition {
	node := rapid.Custom(func(t *rapid.T) Ref {
		return ref(Kind(rapid.IntRange(0, NumKinds-1).Draw(t, "kind")), rapid.IntRange(0, 5).Draw(t, "key"))
	})
	return rapid.SliceOf(rapid.Custom(func(t *rapid.T) addition {
		a := addition{X: node.Draw(t, "x"), Y: node.Draw(t, "y")}
		if a.X == a.Y {
			a.Y.Key = "another"
		}
		if rapid.IntRange(0, 4).Draw(t, "dated") == 0 {
			from := int32(rapid.IntRange(0, 30).Draw(t, "from"))
			a.Period = Period{from, from + int32(rapid.IntRange(1, 9).Draw(t, "days"))}
			return a
		}
		for range columns {
			w := float64(rapid.IntRange(0, 1000).Draw(t, "weight"))
			if fractions {
				w /= 7
			}
			a.Weights = append(a.Weights, w)
		}
		return a
	})).Draw(t, "additions")
}

func build(t interface{ Fatal(...any) }, additions []addition) *Graph {
	b := NewBuilder(columns...)
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, a := range additions {
		for _, r := range []Ref{a.X, a.Y} {
			must(b.AddNode(Node{Kind: r.Kind, Key: r.Key, Label: "the " + r.Key}))
		}
		if a.Period != (Period{}) {
			must(b.AddPeriod(a.X, a.Y, a.Period))
		} else {
			must(b.AddEdge(a.X, a.Y, a.Weights...))
		}
	}
	g, err := b.Build()
	must(err)
	return g
}

func TestOrderOfAdditionsDoesNotShow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		additions := drawAdditions(t, true)
		want := build(t, additions)
		shuffled := slices.Clone(additions)
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		for i := range shuffled {
			if random.IntN(2) == 0 {
				shuffled[i].X, shuffled[i].Y = shuffled[i].Y, shuffled[i].X
			}
		}
		if diff := cmp.Diff(want, build(t, shuffled), cmp.AllowUnexported(Graph{})); diff != "" {
			t.Fatalf("another order, another graph:\n%s", diff)
		}
	})
}

// TestAgainstMaps compares the arrays with the plainest thing that can hold a graph.
func TestAgainstMaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		additions := drawAdditions(t, false)
		g := build(t, additions)

		sums := map[[2]Ref][]float64{}
		days := map[[2]Ref]map[int32]bool{}
		nodes := map[Ref]bool{}
		for _, a := range additions {
			nodes[a.X], nodes[a.Y] = true, true
			for _, key := range [][2]Ref{{a.X, a.Y}, {a.Y, a.X}} {
				if sums[key] == nil {
					sums[key], days[key] = make([]float64, len(columns)), map[int32]bool{}
				}
				for c, w := range a.Weights {
					sums[key][c] += w
				}
				for d := a.Period.From; d < a.Period.To; d++ {
					days[key][d] = true
				}
			}
		}
		if g.NumNodes() != len(nodes) || 2*g.NumEdges() != len(sums) {
			t.Fatalf("%d nodes and %d edges, want %d and %d", g.NumNodes(), g.NumEdges(), len(nodes), len(sums)/2)
		}

		seen := 0
		for i := range g.NumNodes() {
			n := g.Node(i)
			x := Ref{n.Kind, n.Key}
			if at, ok := g.Find(x); !ok || at != i {
				t.Fatalf("Find(%v) = %d, %v, want %d", x, at, ok, i)
			}
			if at, ok := g.FindID(n.ID); !ok || at != i {
				t.Fatalf("FindID(%s) = %d, %v, want %d", n.ID, at, ok, i)
			}
			if lo, hi := g.Range(n.Kind); i < lo || i >= hi {
				t.Fatalf("node %d is outside of its kind's range [%d, %d)", i, lo, hi)
			}
			neighbors, edges := g.Neighbors(i)
			if !slices.IsSorted(neighbors) {
				t.Fatalf("neighbours of %d are not sorted: %v", i, neighbors)
			}
			for j, other := range neighbors {
				seen++
				e := int(edges[j])
				if a, b := g.Ends(e); a != min(i, int(other)) || b != max(i, int(other)) {
					t.Fatalf("edge %d leads from %d to %d, its ends are %d and %d", e, i, other, a, b)
				}
				if back, ok := g.EdgeBetween(int(other), i); !ok || back != e {
					t.Fatalf("the row of %d does not lead back to %d", other, i)
				}
				y := Ref{g.Node(int(other)).Kind, g.Node(int(other)).Key}
				got := []float64{g.Weights(0)[e], g.Weights(1)[e]}
				if want := sums[[2]Ref{x, y}]; !slices.Equal(got, want) {
					t.Fatalf("weights of %v and %v: %v, want %v", x, y, got, want)
				}
				n, last := 0, int32(math.MinInt32)
				for _, p := range g.Periods(e) {
					if p.From <= last {
						t.Fatalf("periods %v overlap or touch", g.Periods(e))
					}
					last = p.To
					for d := p.From; d < p.To; d++ {
						n++
						if !days[[2]Ref{x, y}][d] {
							t.Fatalf("day %d is in %v, but was never added", d, g.Periods(e))
						}
					}
				}
				if n != len(days[[2]Ref{x, y}]) {
					t.Fatalf("periods %v have %d days, want %d", g.Periods(e), n, len(days[[2]Ref{x, y}]))
				}
			}
		}
		if seen != 2*g.NumEdges() {
			t.Fatalf("the rows hold %d ends, want %d", seen, 2*g.NumEdges())
		}
	})
}

func TestTrimConserves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := build(t, drawAdditions(t, false))
		g := whole
		for range 2 { // what is left out adds up over several trims
			limits := Limits{Column: rapid.IntRange(0, 1).Draw(t, "column"), Edges: rapid.IntRange(0, 20).Draw(t, "edges"), Isolated: rapid.Bool().Draw(t, "isolated")}
			for k := range limits.Top {
				limits.Top[k] = rapid.IntRange(-1, 6).Draw(t, "top")
			}
			before := g
			g = Trim(g, limits)
			checkTop(t, before, g, limits)
		}
		left := g.LeftOut()
		for k := range Kind(NumKinds) {
			lo, hi := g.Range(k)
			a, b := whole.Range(k)
			if hi-lo+left.Nodes[k] != b-a {
				t.Fatalf("%v: %d kept and %d left out of %d", k, hi-lo, left.Nodes[k], b-a)
			}
		}
		for r := range Relation(NumRelations) {
			if g.Count(r)+left.Edges[r] != whole.Count(r) {
				t.Fatalf("%d edges kept and %d left out of %d", g.Count(r), left.Edges[r], whole.Count(r))
			}
			for c := range columns {
				lost := 0.0
				if left.Weights != nil {
					lost = left.Weights[c][r]
				}
				if g.Total(c, r)+lost != whole.Total(c, r) {
					t.Fatalf("column %d: %v kept and %v left out of %v", c, g.Total(c, r), lost, whole.Total(c, r))
				}
			}
		}
		for i := range g.NumNodes() {
			n := g.Node(i)
			at, ok := whole.FindID(n.ID)
			if !ok || whole.Node(at) != n {
				t.Fatalf("%s is another node than before", n.ID)
			}
		}
		for e := range g.NumEdges() {
			a, b := g.Ends(e)
			x, _ := whole.FindID(g.Node(a).ID)
			y, _ := whole.FindID(g.Node(b).ID)
			at, ok := whole.EdgeBetween(x, y)
			if !ok || g.Weights(0)[e] != whole.Weights(0)[at] || !slices.Equal(g.Periods(e), whole.Periods(at)) {
				t.Fatalf("edge %s-%s has changed", g.Node(a).ID, g.Node(b).ID)
			}
		}
	})
}

// checkTop looks that no node that went was heavier than one that stayed.
func checkTop(t *rapid.T, before, after *Graph, limits Limits) {
	if !limits.Isolated {
		for i := range after.NumNodes() {
			if nodes, _ := after.Neighbors(i); len(nodes) == 0 {
				t.Fatalf("%s stays without an edge", after.Node(i).ID)
			}
		}
		return
	}
	extents := before.Extents(limits.Column)
	for k := range Kind(NumKinds) {
		lo, hi := after.Range(k)
		a, b := before.Range(k)
		want := limits.Top[k]
		switch {
		case want == 0 || want > b-a:
			want = b - a
		case want < 0:
			want = 0
		}
		if hi-lo != want {
			t.Fatalf("%d of %v stay, want %d", hi-lo, k, want)
		}
		for i := a; i < b; i++ {
			if _, stays := after.FindID(before.Node(i).ID); !stays {
				for j := lo; j < hi; j++ {
					at, _ := before.FindID(after.Node(j).ID)
					if extents[at] < extents[i] || extents[at] == extents[i] && at > i {
						t.Fatalf("%s went, %s stays", before.Node(i).ID, after.Node(j).ID)
					}
				}
			}
		}
	}
	if limits.Edges > 0 && after.NumEdges() > limits.Edges {
		t.Fatalf("%d edges stay, want at most %d", after.NumEdges(), limits.Edges)
	}
}

func TestContribute(t *testing.T) {
	b := NewBuilder(columns...)
	for _, n := range []Node{{Kind: Person, Key: "ann"}, {Kind: Organization, Key: "a"}, {Kind: Organization, Key: "b"}, {Kind: Repository, Key: "r"}} {
		if err := b.AddNode(n); err != nil {
			t.Fatal(err)
		}
	}
	for organization, commits := range map[string]float64{"a": 1, "b": 2, "": 4} {
		if err := b.Contribute("ann", organization, "r", commits, 10*commits); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Contribute("ann", "nobody", "r", 1, 1); !errors.Is(err, ErrUnknownNode) {
		t.Errorf("an unknown organization gives %v", err)
	}
	g, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		r    Relation
		want float64
	}{{Between(Person, Repository), 7}, {Between(Organization, Person), 3}, {Between(Repository, Organization), 3}} {
		if got := g.Total(0, c.r); got != c.want {
			t.Errorf("%v: %v commits, want %v", c.r, got, c.want)
		}
	}
	if got, want := g.Extents(0), []float64{1, 2, 7, 7}; !slices.Equal(got, want) {
		t.Errorf("extents %v, want %v", got, want)
	}
	s := g.Select(Between(Organization, Repository))
	if s.NumNodes() != 3 || s.NumEdges() != 2 || !s.LeftOut().None() {
		t.Errorf("the selection has %d nodes and %d edges", s.NumNodes(), s.NumEdges())
	}
}

func TestIDs(t *testing.T) {
	b := NewBuilder()
	for _, n := range []Node{
		{Kind: Person, Key: "c"},
		{Kind: Person, Key: "a"},
		{Kind: Person, Key: "b", ID: "p_7f"},
		{Kind: Person, Key: "d", ID: "p1"},
		{Kind: Repository, Key: "owner/a_b"},
		{Kind: Repository, Key: "owner/a b"},
		{Kind: Repository, Key: "plain"},
		{Kind: Repository, Key: strings.Repeat("x", 60)},
		{Kind: Organization, Key: "统信"},
	} {
		if err := b.AddNode(n); err != nil {
			t.Fatal(err)
		}
	}
	g, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for i := range g.NumNodes() {
		ids = append(ids, g.Node(i).ID)
	}
	want := []string{"o____8cb3885b", "p1_2", "p_7f", "p3", "p1", "r_owner_a_b_3ec67845", "r_owner_a_b_78d6f39f", "r_plain", "r_" + strings.Repeat("x", 48) + "_42f2d973"}
	if !slices.Equal(ids, want) {
		t.Errorf("ids %q, want %q", ids, want)
	}
	for i, id := range ids {
		if at, ok := g.FindID(id); !ok || at != i {
			t.Errorf("FindID(%q) = %d, %v", id, at, ok)
		}
	}
	for _, id := range []string{"", "p", "p7", "x7", "o1", "p_7"} {
		if i, ok := g.FindID(id); ok {
			t.Errorf("FindID(%q) = %d", id, i)
		}
	}
}

func TestRefusals(t *testing.T) {
	ann, bob, r := Ref{Person, "ann@a.example"}, Ref{Person, "bob@b.example"}, Ref{Repository, "r"}
	fresh := func(columns ...Column) *Builder {
		b := NewBuilder(columns...)
		for _, x := range []Ref{ann, r} {
			if err := b.AddNode(Node{Kind: x.Kind, Key: x.Key, Label: "a label"}); err != nil {
				t.Fatal(err)
			}
		}
		return b
	}
	commits := Column{"commits", "commits"}
	twice := func(b *Builder) error {
		return errors.Join(b.AddNode(Node{Kind: Repository, Key: "s", ID: "r3"}), b.AddNode(Node{Kind: Repository, Key: "t", ID: "r3"}))
	}
	named := func(id string) func(b *Builder) error {
		return func(b *Builder) error { return b.AddNode(Node{Kind: Repository, Key: "s", ID: id}) }
	}
	built := func(do func(b *Builder) error) func(b *Builder) error {
		return func(b *Builder) error {
			if err := do(b); err != nil {
				return err
			}
			_, err := b.Build()
			return err
		}
	}
	for name, c := range map[string]struct {
		do   func(b *Builder) error
		want error
	}{
		"unknown node":       {func(b *Builder) error { return b.AddEdge(bob, r, 1) }, ErrUnknownNode},
		"unknown other node": {func(b *Builder) error { return b.AddEdge(ann, Ref{Repository, "s"}, 1) }, ErrUnknownNode},
		"unknown dated":      {func(b *Builder) error { return b.AddPeriod(bob, r, Period{1, 2}) }, ErrUnknownNode},
		"negative":           {func(b *Builder) error { return b.AddEdge(ann, r, -1) }, ErrWeight},
		"not a number":       {func(b *Builder) error { return b.AddEdge(ann, r, math.NaN()) }, ErrWeight},
		"infinite":           {func(b *Builder) error { return b.AddEdge(ann, r, math.Inf(1)) }, ErrWeight},
		"too few weights":    {func(b *Builder) error { return b.AddEdge(ann, r) }, ErrWeight},
		"too many weights":   {func(b *Builder) error { return b.AddEdge(ann, r, 1, 2) }, ErrWeight},
		"contribution":       {func(b *Builder) error { return b.Contribute("ann@a.example", "", "r", -1) }, ErrWeight},
		"loop":               {func(b *Builder) error { return b.AddEdge(ann, ann, 1) }, ErrNode},
		"no key":             {func(b *Builder) error { return b.AddNode(Node{Kind: Person}) }, ErrNode},
		"no kind":            {func(b *Builder) error { return b.AddNode(Node{Kind: NumKinds, Key: "x"}) }, ErrNode},
		"other label":        {func(b *Builder) error { return b.AddNode(Node{Kind: Person, Key: ann.Key, Label: "another"}) }, ErrConflict},
		"empty period":       {func(b *Builder) error { return b.AddPeriod(ann, r, Period{5, 5}) }, ErrPeriod},
		"too large a sum": {func(b *Builder) error {
			if err := errors.Join(b.AddEdge(ann, r, maxTotal), b.AddEdge(ann, r, maxTotal)); err != nil {
				return err
			}
			_, err := b.Build()
			return err
		}, ErrWeight},
		"same id":                {built(twice), ErrConflict},
		"id of another kind":     {built(named("o3")), ErrNode},
		"id with a blank":        {built(named("r 3")), ErrNode},
		"id with another letter": {built(named("ré")), ErrNode},
		"column without a name":  {func(*Builder) error { _, err := fresh(Column{"", "x"}).Build(); return err }, ErrColumn},
		"column with a blank":    {func(*Builder) error { _, err := fresh(Column{"a b", "x"}).Build(); return err }, ErrColumn},
		"column twice":           {func(*Builder) error { _, err := fresh(commits, commits).Build(); return err }, ErrColumn},
		"column without a unit":  {func(*Builder) error { _, err := fresh(Column{"x", ""}).Build(); return err }, ErrColumn},
	} {
		err := c.do(fresh(commits))
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		} else if strings.Contains(err.Error(), "@") {
			t.Errorf("%s: the error names a person's key: %v", name, err)
		}
	}
}

func TestPeriodString(t *testing.T) {
	for p, want := range map[Period]string{
		{0, 31}:            "1970-01-01..1970-02-01",
		{Always, 18262}:    "..2020-01-01",
		{18262, Forever}:   "2020-01-01..",
		{Always, Forever}:  "..",
		{-1, Always + 1e9}: "1969-12-31.." + day(Always+1e9),
	} {
		if got := p.String(); got != want {
			t.Errorf("%d to %d: %q, want %q", p.From, p.To, got, want)
		}
	}
}

func BenchmarkBuild(b *testing.B) {
	builder := ecosystemBuilder(b, 400, 20_000, 500, 250_000)
	b.ReportAllocs()
	for b.Loop() {
		g, err := builder.Build()
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(g.NumEdges()), "edges")
	}
}

func BenchmarkTrim(b *testing.B) {
	g := ecosystem(b, 400, 20_000, 500, 250_000)
	for b.Loop() {
		Trim(g, Limits{Top: [NumKinds]int{50, 500, 100}, Edges: 3000})
	}
}
