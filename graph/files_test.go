package graph

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// untrusted is a graph whose texts try to leave where they stand.
func untrusted(t testing.TB) *Graph {
	t.Helper()
	b := NewBuilder(columns...)
	names := []string{`</title><script>alert("x")</script>`, "a & b < c \x1b[31m\x00\xff\u202e", `"]; evil [label="`, "统信软件"}
	for i, name := range names {
		if err := errors.Join(
			b.AddNode(Node{Kind: Organization, Key: fmt.Sprint(i), Label: name, Class: name, Country: name}),
			b.AddNode(Node{Kind: Repository, Key: fmt.Sprint(i), Label: name}),
			b.AddNode(Node{Kind: Person, Key: fmt.Sprintf("%d@secret.example", i), Label: "Somebody " + name}),
		); err != nil {
			t.Fatal(err)
		}
	}
	for i := range names {
		for j := range names {
			if err := b.Contribute(fmt.Sprintf("%d@secret.example", i), fmt.Sprint(i), fmt.Sprint(j), float64(i+j), float64(i)/3); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := b.AddPeriod(Ref{Organization, "0"}, Ref{Person, "0@secret.example"}, Period{100, 200}); err != nil {
		t.Fatal(err)
	}
	g, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestFilesOfUntrustedText(t *testing.T) {
	g := untrusted(t)
	d := Drawing{Title: `<script>"&`, Column: 1, Notes: []string{"]]></svg>"}}
	for name, write := range map[string]func(io.Writer) error{
		"GraphML": func(w io.Writer) error {
			return WriteGraphML(w, g, Attribute{"betweenness", make([]float64, g.NumNodes())})
		},
		"GEXF": func(w io.Writer) error {
			return WriteGEXF(w, g, 0, Attribute{"betweenness", make([]float64, g.NumNodes())})
		},
		"SVG": func(w io.Writer) error { return WriteSVG(w, g, d) },
	} {
		var out, again bytes.Buffer
		if err := errors.Join(write(&out), write(&again)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(out.Bytes(), again.Bytes()) {
			t.Errorf("%s: another time, other bytes", name)
		}
		if s := out.String(); strings.Contains(s, "<script") || strings.Contains(s, "secret.example") || strings.Contains(s, "\x1b") {
			t.Errorf("%s lets text through:\n%s", name, s)
		}
		for decoder := xml.NewDecoder(&out); ; {
			if _, err := decoder.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if err := write(broken{}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s to a full disk: %v", name, err)
		}
	}
	if err := errors.Join(WriteSVG(io.Discard, g, Drawing{Column: 2}), WriteGEXF(io.Discard, g, -1)); !errors.Is(err, ErrColumn) {
		t.Errorf("a column that is not there: %v", err)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("no room") }

// TestPeopleHaveNoNamesInSVG: what stands beside the shapes is organizations and repositories alone.
func TestPeopleHaveNoNamesInSVG(t *testing.T) {
	var out bytes.Buffer
	if err := WriteSVG(&out, untrusted(t), Drawing{}); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		if strings.HasPrefix(line, "<text") && strings.Contains(line, "Somebody") {
			t.Errorf("a person is named: %s", line)
		}
	}
}

// TestGraphMLInNetworkX reads what was written, where NetworkX is installed.
func TestGraphMLInNetworkX(t *testing.T) {
	if exec.Command("python3", "-c", "import networkx").Run() != nil {
		t.Skip("there is no python3 with networkx")
	}
	for _, format := range []string{"graphml", "gexf"} {
		g := untrusted(t)
		random := rand.New(rand.NewPCG(1, 1))
		values := make([]float64, g.NumNodes())
		for i := range values {
			values[i] = random.Float64() * 1e-5
		}
		var in bytes.Buffer
		var err error
		if format == "graphml" {
			err = WriteGraphML(&in, g, Attribute{"betweenness", values})
		} else {
			err = WriteGEXF(&in, g, 0, Attribute{"betweenness", values})
		}
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("python3", "-c", `import io, json, sys, networkx as nx
g = nx.read_`+format+`(io.BytesIO(sys.stdin.buffer.read().replace(b"http://gexf.net/1.3", b"http://www.gexf.net/1.2draft").replace(b'version="1.3"', b'version="1.2"')))
assert not g.is_directed() and not g.is_multigraph()
print(json.dumps({"nodes": dict(g.nodes(data=True)), "edges": [[a, b, d] for a, b, d in g.edges(data=True)]}))`)
		cmd.Stdin = &in
		out, err := cmd.Output()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("%s: %s", format, exit.Stderr)
		}
		var read struct {
			Nodes map[string]struct {
				Label, Kind, Class, Country string
				Betweenness                 float64
			}
			Edges [][3]json.RawMessage
		}
		if err := errors.Join(err, json.Unmarshal(out, &read)); err != nil {
			t.Fatal(err)
		}
		if len(read.Nodes) != g.NumNodes() || len(read.Edges) != g.NumEdges() {
			t.Fatalf("%s: %d nodes and %d edges", format, len(read.Nodes), len(read.Edges))
		}
		for i := range g.NumNodes() {
			n, got := g.Node(i), read.Nodes[g.Node(i).ID]
			if got.Label != clean(n.Label, maxLine) || got.Kind != n.Kind.String() || got.Country != clean(n.Country, maxLine) || got.Betweenness != values[i] {
				t.Errorf("%s: %s is read as %+v", format, n.ID, got)
			}
		}
		for _, edge := range read.Edges {
			var a, b string
			var data struct {
				Commits, Changed float64
				Periods          string
			}
			if err := errors.Join(json.Unmarshal(edge[0], &a), json.Unmarshal(edge[1], &b), json.Unmarshal(edge[2], &data)); err != nil {
				t.Fatal(err)
			}
			i, okI := g.FindID(a)
			j, okJ := g.FindID(b)
			e, ok := g.EdgeBetween(i, j)
			if !okI || !okJ || !ok || g.Weights(0)[e] != data.Commits || g.Weights(1)[e] != data.Changed || format == "graphml" && joinPeriods(g.Periods(e)) != data.Periods {
				t.Errorf("%s: an edge is read as %s", format, edge)
			}
		}
	}
}

func TestSeparate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 30).Draw(t, "n")
		x, y, r := make([]float64, n), make([]float64, n), make([]float64, n)
		for i := range n {
			x[i], y[i] = float64(rapid.IntRange(0, 9).Draw(t, "x")), float64(rapid.IntRange(0, 9).Draw(t, "y"))
			r[i] = float64(rapid.IntRange(1, 5).Draw(t, "radius"))
		}
		separate(x, y, r)
		for i := range n {
			for j := range i {
				if d := math.Hypot(x[i]-x[j], y[i]-y[j]); !(d > 0.98*(r[i]+r[j])) {
					t.Fatalf("%d and %d are %v apart, their radii are %v and %v", i, j, d, r[i], r[j])
				}
			}
		}
	})
}

// TestPush compares the tree with the sum over all nodes.
func TestPush(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 3))
	n := 400
	x, y, mass := make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range n {
		x[i], y[i], mass[i] = random.NormFloat64(), random.NormFloat64(), 1+random.Float64()
		if i%50 == 0 && i > 0 {
			x[i], y[i] = x[0], y[0] // in one place
		}
	}
	var tr tree
	tr.build(x, y, mass)
	for i := range n {
		fx, fy, size := 0.0, 0.0, 0.0
		for j := range n {
			dx, dy := x[i]-x[j], y[i]-y[j]
			if d := dx*dx + dy*dy; d > 0 {
				f := mass[j] / max(d, 1e-4)
				fx, fy, size = fx+f*dx, fy+f*dy, size+f*math.Sqrt(d)
			}
		}
		gx, gy := tr.push(x[i], y[i])
		if math.Hypot(fx-gx, fy-gy) > 0.05*size {
			t.Errorf("node %d is pushed by %v %v, want %v %v", i, gx, gy, fx, fy)
		}
	}
}

// TestLayout: what hangs together lies together.
func TestLayout(t *testing.T) {
	var links []link
	for c := range 3 {
		for i := range 10 {
			for j := range i {
				links = append(links, link{10*c + j, 10*c + i, 1})
			}
		}
	}
	links = append(links, link{0, 10, 1}, link{10, 20, 1})
	g := people(t, 31, links) // and one alone
	mass, pull := slices.Repeat([]float64{1}, 31), slices.Repeat([]float64{1}, len(links))
	x, y := layout(g, mass, pull, Communities(g, Unweighted))
	within, across := 0.0, 0.0
	for i := range 30 {
		for j := range i {
			d := math.Hypot(x[i]-x[j], y[i]-y[j])
			if !(d > 0) {
				t.Fatalf("%d and %d are %v apart", i, j, d)
			}
			if i/10 == j/10 {
				within += d / 135
			} else {
				across += d / 300
			}
		}
	}
	if across < 2*within {
		t.Errorf("within groups nodes are %.2f apart, across them %.2f", within, across)
	}
}

func TestCommonFolder(t *testing.T) {
	for want, labels := range map[string][]string{
		"a/":   {"a/b", "a/c", "a/d/e"},
		"a/b/": {"a/b/c", "a/b/d"},
		"":     {"a/b", "b/c"},
		"x/":   {"x/y", "x/"},
	} {
		b := NewBuilder(columns...)
		for i, l := range labels {
			if err := b.AddNode(Node{Kind: Repository, Key: fmt.Sprint(i), Label: l}); err != nil {
				t.Fatal(err)
			}
		}
		g, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		if got := commonFolder(g); got != want {
			t.Errorf("%q begin with %q, want %q", labels, got, want)
		}
	}
}

func TestWrap(t *testing.T) {
	for in, want := range map[string]string{
		"":                   "",
		"one two three":      "one two|three",
		"abcdefghijklmnop x": "abcdefg-|hijklmn-|op x",
		"a bcdefghijk":       "a|bcdefgh-|ijk",
	} {
		if got := strings.Join(wrap(in, 8), "|"); got != want {
			t.Errorf("%q is wrapped to %q, want %q", in, got, want)
		}
	}
}

func TestClusters(t *testing.T) {
	g := ecosystem(t, 5, 20, 8, 100).Select(Between(Organization, Repository))
	for cluster, want := range map[Cluster]int{ClusterNone: 0, ClusterGroups: 5, ClusterCountries: 3} {
		var out bytes.Buffer
		if err := WriteDOT(&out, g, Drawing{Cluster: cluster}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(out.String(), "subgraph cluster_"); got != want {
			t.Errorf("%d clusters, want %d", got, want)
		}
	}
}

func TestGroupsOfPeople(t *testing.T) {
	g := people(t, 3, []link{{0, 1, 5}, {1, 2, 1}})
	var out bytes.Buffer
	if err := WriteSVG(&out, g, Drawing{Groups: []string{"Alder", "Birch", ""}}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`id="p2" cx`, ">Birch</text>", ">Alder</text>", ">none known</text>", `fill="` + grey} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("there is no %s in\n%s", want, out.String())
		}
	}
}
