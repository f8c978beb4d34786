package graph

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"html"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/graph/formats/dot"
	"gonum.org/v1/gonum/graph/formats/dot/ast"
)

var update = flag.Bool("update", false, "write the golden files anew")

// hostile are names as repositories bring them, with what is shown for them.
var hostile = []struct{ name, shown string }{
	{"plain", "plain"},
	{"", ""},
	{`say "hello"`, `say "hello"`},
	{`\N of \G, \L, \T, \E, \H`, `\N of \G, \L, \T, \E, \H`},
	{`one\nline\l\r`, `one\nline\l\r`},
	{`ends with \`, `ends with \`},
	{`ends with \"`, `ends with \"`},
	{`\\\\`, `\\\\`},
	{`"]; evil -- deed [label="`, `"]; evil -- deed [label="`},
	{"<b>bold</b>", "<b>bold</b>"},
	{"<<table>>", "<<table>>"},
	{"</script><script>alert(1)</script>", "</script><script>alert(1)</script>"},
	{"&lt;b&gt; &amp; &#65; &nbsp; &", "&lt;b&gt; &amp; &#65; &nbsp; &"},
	{"{record|fields}", "{record|fields}"},
	{"two\nlines\r\nand a\ttab", "two□lines□□and a□tab"},
	{"\x1b[31mred\x1b[0m\x00\x07\u009b", "□[31mred□[0m□□□"},
	{"left\u202eright\u2066x\u2069\u200f", "left□right□x□□"},
	{"para\u2029graph\u2028line\ufeff\u200b", "para□graph□line□□"},
	{"bad \xff\xfe utf\xc3", "bad □□ utf□"},
	{"华为 é 😀 ﷽ می\u200cخواهم", "华为 é 😀 ﷽ می\u200cخواهم"},
	{"-- -> // /* */ # ;", "-- -> // /* */ # ;"},
	{"=cmd()|@x", "=cmd()|@x"},
	{"%s %d %!", "%s %d %!"},
	{strings.Repeat("é", maxName), strings.Repeat("é", maxName)},
	{strings.Repeat("é", maxName+1), strings.Repeat("é", maxName) + "…"},
}

// hostileGraph makes every name an organization, a person and a repository, all contributing to each other.
func hostileGraph(t testing.TB, names ...string) *Graph {
	b := NewBuilder(Column{"commits", "commits"})
	for i, name := range names {
		key := string(rune('a' + i))
		for k := range Kind(NumKinds) {
			if err := b.AddNode(Node{Kind: k, Key: key, Label: name, Class: name, Country: name}); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.Contribute(key, key, key, float64(i+1)); err != nil {
			t.Fatal(err)
		}
	}
	g, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func draw(t testing.TB, g *Graph, d Drawing) string {
	t.Helper()
	var b strings.Builder
	if err := WriteDOT(&b, g, d); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// parsed is what a reader of DOT finds: attributes of nodes and edges, those of the graph, still quoted.
type parsed struct {
	title string
	nodes map[string]map[string]string
	edges []map[string]string
}

func parse(t testing.TB, text string) parsed {
	t.Helper()
	file, err := dot.ParseString(text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if len(file.Graphs) != 1 {
		t.Fatalf("%d graphs in\n%s", len(file.Graphs), text)
	}
	attributes := func(list []*ast.Attr) map[string]string {
		m := map[string]string{}
		for _, a := range list {
			if _, twice := m[a.Key]; twice {
				t.Fatalf("attribute %s stands twice in\n%s", a.Key, text)
			}
			m[a.Key] = a.Val
		}
		return m
	}
	p := parsed{nodes: map[string]map[string]string{}}
	for _, s := range file.Graphs[0].Stmts {
		switch s := s.(type) {
		case *ast.NodeStmt:
			p.nodes[s.Node.ID] = attributes(s.Attrs)
		case *ast.EdgeStmt:
			p.edges = append(p.edges, attributes(s.Attrs))
		case *ast.AttrStmt:
			if s.Kind == ast.GraphKind {
				p.title = attributes(s.Attrs)["label"]
			}
		case *ast.Subgraph:
		default:
			t.Fatalf("unexpected %T in\n%s", s, text)
		}
	}
	return p
}

// read undoes the three languages of a label, one after the other, as Graphviz's documentation describes them, and fails where one of them would act.
func read(t testing.TB, quoted string) string {
	t.Helper()
	inner, ok := strings.CutPrefix(quoted, `"`)
	inner, ok2 := strings.CutSuffix(inner, `"`)
	if !ok || !ok2 {
		t.Fatalf("%s is not quoted", quoted)
	}
	var b strings.Builder
	for i := 0; i < len(inner); i++ {
		switch inner[i] {
		case '"':
			t.Fatalf("%s ends early", quoted)
		case '\\':
			i++
			if i == len(inner) || inner[i] != '\\' && inner[i] != '"' && inner[i] != 'l' {
				t.Fatalf("%s has a live escape", quoted)
			}
			if inner[i] == 'l' {
				b.WriteByte('\n')
				continue
			}
		}
		b.WriteByte(inner[i])
	}
	return html.UnescapeString(b.String())
}

// readLegend gives the rows of a label in HTML, the cells of each beside each other, and fails where it is no such label.
func readLegend(t testing.TB, label string) (rows []string) {
	t.Helper()
	inner, ok := strings.CutPrefix(label, "<")
	inner, ok2 := strings.CutSuffix(inner, ">")
	if !ok || !ok2 {
		t.Fatalf("%s is no label in HTML", label)
	}
	decoder := xml.NewDecoder(strings.NewReader(inner))
	var row, cell string
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			t.Fatalf("%v in %s", err, label)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if !slices.Contains([]string{"TABLE", "TR", "TD", "FONT", "B"}, token.Name.Local) {
				t.Fatalf("an element %s in %s", token.Name.Local, label)
			}
			cell = ""
		case xml.CharData:
			cell += string(token)
		case xml.EndElement:
			switch token.Name.Local {
			case "FONT":
				if strings.Contains(strings.ReplaceAll(cell, `\\`, ""), `\`) {
					t.Fatalf("%s has a live escape", cell)
				}
				row += strings.ReplaceAll(cell, `\\`, `\`)
			case "TR":
				if row != "" {
					rows = append(rows, strings.TrimSpace(row))
				}
				row = ""
			}
		}
	}
}

func TestHostileNamesAreRead(t *testing.T) {
	for _, h := range hostile {
		g := hostileGraph(t, h.name)
		p := parse(t, draw(t, g, Drawing{Title: h.name, Notes: []string{h.name, "second"}}))
		if len(p.nodes) != g.NumNodes() || len(p.edges) != g.NumEdges() {
			t.Fatalf("%q: %d nodes and %d edges are read, want %d and %d", h.name, len(p.nodes), len(p.edges), g.NumNodes(), g.NumEdges())
		}
		for id, a := range p.nodes {
			if got := read(t, a["label"]); got != h.shown {
				t.Errorf("label of %s is %q, want %q", id, got, h.shown)
			}
			if h.shown != "" && (read(t, a["class"]) != h.shown || read(t, a["country"]) != h.shown) {
				t.Errorf("class of %s is %s, country %s, want %q", id, a["class"], a["country"], h.shown)
			}
		}
		for _, a := range p.edges {
			if got, want := read(t, a["tooltip"]), h.shown+" and "+h.shown+": 1 commits"; got != want {
				t.Errorf("tooltip %q, want %q", got, want)
			}
		}
		lines := readLegend(t, p.title)
		if title := clean(h.name, maxLine); h.name != "" && (lines[0] != title || lines[len(lines)-2] != title) {
			t.Errorf("legend %q, want %q first and last but one", lines, title)
		}
		if h.name != "" && !slices.Contains(lines, "■ "+clean(h.name, maxName)+": 1 commits") {
			t.Errorf("legend %q, want the organization %q in it", lines, h.shown)
		}
	}
}

func TestHostileNamesInGraphviz(t *testing.T) {
	var names, shown []string
	for _, h := range hostile {
		names, shown = append(names, h.name), append(shown, h.shown)
	}
	g := hostileGraph(t, names...)
	// The legend, a label in HTML, is another language than labels of nodes.
	text := draw(t, g, Drawing{Title: names[2], Notes: names})

	canon := graphviz(t, text, "-Tcanon")
	p := parse(t, canon)
	if len(p.nodes) != g.NumNodes() || len(p.edges) != g.NumEdges() {
		t.Errorf("Graphviz reads %d nodes and %d edges, want %d and %d", len(p.nodes), len(p.edges), g.NumNodes(), g.NumEdges())
	}

	// What it draws: every <text> of the picture, as a browser shows it.
	drawn := map[string]int{}
	decoder := xml.NewDecoder(strings.NewReader(graphviz(t, text, "-Tsvg")))
	decoder.Entity = xml.HTMLEntity
	inText := false
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			inText = token.Name.Local == "text"
		case xml.CharData:
			if inText {
				drawn[spaces(string(token))]++
			}
		}
	}
	for _, s := range shown {
		most := NumKinds + 1
		if strings.HasSuffix(s, "…") {
			most-- // a note is cut later than a name
		}
		if s != "" && drawn[spaces(s)] < most {
			t.Errorf("%q is drawn %d times, want %d", s, drawn[spaces(s)], most)
		}
	}
}

// spaces makes every blank the same: Graphviz writes U+00A0 where XML would fold blanks.
func spaces(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		return r
	}, s)
}

func graphviz(t *testing.T, text string, arguments ...string) string {
	t.Helper()
	path, err := exec.LookPath("dot")
	if err != nil {
		t.Skip("Graphviz is not here")
	}
	c := exec.Command(path, arguments...)
	c.Stdin = strings.NewReader(text)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("dot %v: %v: %s", arguments, err, stderr.Bytes())
	}
	if s := stderr.String(); strings.Contains(s, "syntax") || strings.Contains(s, "UTF-8") || strings.Contains(s, "Unknown") {
		t.Errorf("dot %v complains: %s", arguments, s)
	}
	return string(out)
}

func FuzzEscape(f *testing.F) {
	for _, h := range hostile {
		f.Add(h.name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		g := hostileGraph(t, name)
		text := draw(t, g, Drawing{Title: name, Notes: []string{name}})
		for _, r := range text {
			if r != '\n' && !unicode.IsGraphic(r) && r != '\u200c' && r != '\u200d' {
				t.Fatalf("%q stands in the file", r)
			}
		}
		p := parse(t, text)
		if len(p.nodes) != g.NumNodes() || len(p.edges) != g.NumEdges() {
			t.Fatalf("%d nodes and %d edges are read", len(p.nodes), len(p.edges))
		}
		for _, a := range p.nodes {
			if got := read(t, a["label"]); got != clean(name, maxName) {
				t.Fatalf("label %q, want %q", got, clean(name, maxName))
			}
		}
		readLegend(t, p.title)
	})
}

// dated is a small network of every relation, with a person who changes companies.
func dated(t *testing.T) *Graph {
	b := NewBuilder(columns...)
	for _, n := range []Node{
		{Kind: Organization, Key: "alder", Label: "Alder Systems", Class: "employer", Country: "CN"},
		{Kind: Organization, Key: "birch", Label: "Birch Labs", Class: "academic", Country: "DE"},
		{Kind: Person, Key: "ann@alder.example", Label: "3f2a91"},
		{Kind: Person, Key: "bo@birch.example", Label: "77c0de"},
		{Kind: Person, Key: "cy@mail.example", Label: "b01dfa"},
		{Kind: Repository, Key: "kernel", Label: "kernel", Class: "own"},
		{Kind: Repository, Key: "tools", Label: `to"ols\N`, Class: "third-party"},
		{Kind: Repository, Key: "void", Label: "void", Class: "own"},
	} {
		if err := b.AddNode(n); err != nil {
			t.Fatal(err)
		}
	}
	ann, alder, birch := Ref{Person, "ann@alder.example"}, Ref{Organization, "alder"}, Ref{Organization, "birch"}
	if err := errors.Join(
		b.Contribute("ann@alder.example", "alder", "kernel", 12345, 678901),
		b.Contribute("ann@alder.example", "birch", "kernel", 100, 200),
		b.Contribute("bo@birch.example", "birch", "tools", 400, 12.5),
		b.Contribute("bo@birch.example", "birch", "kernel", 3, 9),
		b.Contribute("cy@mail.example", "", "tools", 1, 1),
		b.AddPeriod(ann, alder, Period{Always, 18262}),
		b.AddPeriod(ann, birch, Period{18262, 18628}),
		b.AddPeriod(ann, birch, Period{19000, Forever}),
	); err != nil {
		t.Fatal(err)
	}
	g, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestGoldenDOT(t *testing.T) {
	people := []Relation{Between(Person, Repository), Between(Person, Organization)}
	middle := ecosystem(t, 30, 200, 40, 1500)
	for name, c := range map[string]struct {
		g *Graph
		d Drawing
	}{
		"empty":           {&Graph{columns: columns, weights: make([][]float64, 2), totals: make([][NumRelations]float64, 2), start: []uint32{0}}, Drawing{Title: "Nothing"}},
		"whole":           {dated(t), Drawing{Title: "Who works on what", Notes: []string{"as of 2025-12-31"}}},
		"people":          {dated(t).Select(people...), Drawing{}},
		"changed":         {dated(t).Select(people...), Drawing{Column: 1}},
		"trimmed":         {Trim(dated(t), Limits{Top: [NumKinds]int{1, 1, 0}}), Drawing{}},
		"trimmed-to-none": {Trim(dated(t), Limits{Top: [NumKinds]int{-1, -1, 0}}), Drawing{}},
		"isolated":        {Trim(dated(t), Limits{Top: [NumKinds]int{-1, -1, 0}, Isolated: true}), Drawing{}},
		"neato":           {Trim(middle.Select(people...), Limits{Top: [NumKinds]int{10, 40, 15}, Edges: 80}), Drawing{Title: "Sample"}},
		"sfdp":            {Trim(middle.Select(people...), Limits{Top: [NumKinds]int{12, 120, 25}, Edges: 250}), Drawing{Title: "Sample"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := draw(t, c.g, c.d)
			if p := parse(t, got); len(p.nodes) != c.g.NumNodes() || len(p.edges) != c.g.NumEdges() {
				t.Errorf("%d nodes and %d edges are read, want %d and %d", len(p.nodes), len(p.edges), c.g.NumNodes(), c.g.NumEdges())
			}
			if strings.Contains(got, "@") {
				t.Error("the file holds a key")
			}
			file := filepath.Join("testdata", "dot", name+".dot")
			if *update {
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("differs from %s (-update writes it anew):\n%s", file, diff)
			}
		})
	}
}

// TestOneMoreContributor compares the files of two nights between which somebody joined: who was there before keeps the own lines, but for those whom the newcomer's
// work is beside.
func TestOneMoreContributor(t *testing.T) {
	night := func(more bool) *Graph {
		b := ecosystemBuilder(t, 12, 200, 30, 3000)
		if more {
			// In the middle of the order.
			if err := errors.Join(
				b.AddNode(Node{Kind: Person, Key: "000100a", ID: "p_new", Label: "newcomer"}),
				b.AddNode(Node{Kind: Organization, Key: "000003a", Label: "New & Co"}),
				b.Contribute("000100a", "000003a", "000007", 1, 10),
			); err != nil {
				t.Fatal(err)
			}
		}
		for i := range b.nodes {
			if n := &b.nodes[i]; n.Kind == Person && n.ID == "" {
				n.ID = "p_" + n.Key
			}
		}
		g, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	before, after := night(false), night(true)
	for format, c := range map[string]struct {
		write func(io.Writer, *Graph) error
		most  int
	}{
		"DOT":     {func(w io.Writer, g *Graph) error { return WriteDOT(w, g, Drawing{Title: "Two nights"}) }, 14},
		"GraphML": {func(w io.Writer, g *Graph) error { return WriteGraphML(w, g) }, 5},
		"GEXF":    {func(w io.Writer, g *Graph) error { return WriteGEXF(w, g, 0) }, 5},
	} {
		t.Run(format, func(t *testing.T) {
			var texts [2][]string
			for i, g := range []*Graph{before, after} {
				var b strings.Builder
				if err := c.write(&b, g); err != nil {
					t.Fatal(err)
				}
				texts[i] = strings.Split(b.String(), "\n")
			}
			only := func(these, others []string) (fresh, same []string) {
				for _, line := range these {
					if slices.Contains(others, line) {
						same = append(same, line)
					} else {
						fresh = append(fresh, line)
					}
				}
				return fresh, same
			}
			fresh, same := only(texts[1], texts[0])
			if _, had := only(texts[0], texts[1]); !slices.Equal(had, same) {
				t.Error("lines that stay are in another order")
			}
			// Two nodes and three edges; in pictures also the repository, the legend and the counts of each kind.
			if len(fresh) < 5 || len(fresh) > c.most {
				t.Errorf("%d of %d lines are new:\n%s", len(fresh), len(texts[1]), strings.Join(fresh, "\n"))
			}
		})
	}
}

func TestLegendOfTheTrimmed(t *testing.T) {
	g := dated(t)
	for _, c := range []struct {
		limits Limits
		want   []string
	}{
		{Limits{}, []string{"left out: 1 repository"}}, // void was never touched
		{Limits{Isolated: true}, []string{"shows all commits"}},
		// 12,445 of 12,849 commits are Ann's.
		{Limits{Top: [NumKinds]int{1, 1, 0}}, []string{"shows 96.8 % of the commits (person-repository)", "left out: 1 organization, 2 people, 2 repositories, 7 links"}},
		{Limits{Top: [NumKinds]int{-1, -1, 0}}, []string{"shows 0 % of the commits (person-repository)", "left out: 2 organizations, 3 people, 3 repositories, 10 links"}},
	} {
		lines := readLegend(t, parse(t, draw(t, Trim(g, c.limits), Drawing{})).title)
		if got := lines[len(lines)-len(c.want):]; !slices.Equal(got, c.want) {
			t.Errorf("%+v: %q, want %q at the end", c.limits, lines, c.want)
		}
	}
}

func TestFigures(t *testing.T) {
	for x, want := range map[float64]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 1234567: "1,234,567", 1234.5: "1,234.50", 0.125: "0.12", maxTotal: "9,007,199,254,740,992"} {
		if got := thousands(x); got != want {
			t.Errorf("thousands(%v) = %q, want %q", x, got, want)
		}
	}
	for _, c := range []struct {
		part, whole float64
		want        string
	}{{0, 0, "-"}, {0, 5, "0 %"}, {5, 5, "100 %"}, {99999, 100000, "99.9 %"}, {1, 3, "33.3 %"}, {1, 8, "12.5 %"}} {
		if got := percent(c.part, c.whole); got != c.want {
			t.Errorf("percent(%v, %v) = %q, want %q", c.part, c.whole, got, c.want)
		}
	}
	if got := decimal(math.Pi); got != "3.142" {
		t.Errorf("decimal gives %q", got)
	}
}

// failing refuses every write.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestWriteDOTErrors(t *testing.T) {
	g := dated(t)
	if err := WriteDOT(failing{}, g, Drawing{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a writer that fails gives %v", err)
	}
	for _, column := range []int{-1, 2} {
		if err := WriteDOT(io.Discard, g, Drawing{Column: column}); !errors.Is(err, ErrColumn) {
			t.Errorf("column %d gives %v", column, err)
		}
	}
}

func BenchmarkWriteDOT(b *testing.B) {
	g := ecosystem(b, 400, 20_000, 500, 250_000)
	for b.Loop() {
		if err := WriteDOT(io.Discard, g, Drawing{}); err != nil {
			b.Fatal(err)
		}
	}
}
