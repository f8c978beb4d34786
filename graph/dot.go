package graph

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Drawing says how a graph is to be drawn.
type Drawing struct {
	// Title stands above the picture; "" for none.
	Title string
	// Column sets sizes and widths; the graph must have it.
	Column int
	// Notes are further lines of the legend: as-of date, coverage, source.
	Notes []string
	// Groups give each node the name of what it is coloured by, "" for none; nil to take organizations, see [WriteDOT]. People of a network of
	// people alone need it: no edge says there whom they work for.
	Groups []string
	// Cluster draws nodes together that have the same: [ClusterGroups] or [ClusterCountries]. Of DOT alone.
	Cluster Cluster
	// Bare leaves title, ground, legend and units to the page that a picture in SVG stands in, and names at each line the nodes that it joins, for a
	// script that filters. [Legend] gives the legend.
	Bare bool
}

// Cluster says what nodes are drawn together.
type Cluster uint8

// The clusters.
const (
	ClusterNone      Cluster = iota
	ClusterGroups            // the organization, or what Drawing.Groups says
	ClusterCountries         // the country of the organization, or of the node
)

// palette is Okabe and Ito's set of colours that people with every kind of colour vision tell apart, without its black
// (https://jfly.uni-koeln.de/color/, 2008), in the order in which organizations take them.
var palette = [...]string{"#E69F00", "#56B4E9", "#009E73", "#D55E00", "#0072B2", "#CC79A7", "#F0E442"}

const (
	grey     = "#BBBBBB" // organizations beyond the palette, people of none
	darkGrey = "#444444"

	// In inches. Shapes have one scale for all kinds, so that areas compare.
	largest, smallest = 2.0, 0.14
	// In points.
	widest, thinnest = 9.0, 0.4

	// Characters of a label and of a line of the legend that are shown; the rest becomes an ellipsis. Our own lines are never that long.
	maxName, maxLine = 60, 240
)

// WriteDOT writes a graph in the language of Graphviz (https://graphviz.org/doc/info/lang.html) with all that it needs to be drawn well by `dot -Tsvg`: the
// layout engine by size (`dot` in columns up to 60 nodes, `neato` up to 150, else `sfdp`), a circle for an organization, a triangle for a person (a dot where
// there are people alone), a box for a repository, areas and widths by weight, the colours of the seven heaviest organizations, and a legend with these, the scales and
// what [Trim] left out. A line is of one node or edge, and says nothing of others: sizes go by round figures, so that a commit more at the heaviest node moves no other line.
// Nodes are written under their ids, in the order of the graph; beside Graphviz's own attributes an edge has every column as `w_` and its name, and its periods.
// Keys are not written. Any text may stand in labels, title and notes: see escape.
func WriteDOT(w io.Writer, g *Graph, d Drawing) error {
	if d.Column < 0 || d.Column >= len(g.columns) {
		return fmt.Errorf("writing DOT: the graph has %d columns, asked for number %d: %w", len(g.columns), d.Column, ErrColumn)
	}
	out := bufio.NewWriter(w)
	newPicture(g, d).write(out)
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing DOT: %w", err)
	}
	return nil
}

// picture is what is decided before the first line is written.
type picture struct {
	g *Graph
	d Drawing

	engine  string
	extents []float64
	maximum float64  // of extents
	thick   float64  // the heaviest edge
	full    float64  // what the largest area stands for: maximum, rounded up
	broad   float64  // likewise the widest line: thick, rounded up
	alone   bool     // there are people alone
	unit    string   // of the column, escaped
	label   []string // by node, escaped: every edge shows two
	colour  []string // by node; "" for repositories
	owned   []string // by node: of repositories too, that of the organization with most of the weight
	group   []string // by node: what it is coloured by, "" for nothing known
	legends []swatch
	totals  map[string]float64 // extents by group
	named   []bool             // by node: the label is drawn
	unnamed int
	scale   float64 // of names: a large picture is looked at from further away
	grow    float64 // of shapes, for the same reason
}

func newPicture(g *Graph, d Drawing) *picture {
	p := &picture{g: g, d: d, extents: g.Extents(d.Column), scale: 1, grow: 1}
	for _, x := range p.extents {
		p.maximum = max(p.maximum, x)
	}
	for _, x := range g.Weights(d.Column) {
		p.thick = max(p.thick, x)
	}

	p.full, p.broad = roundUp(p.maximum), roundUp(p.thick)
	lo, hi := g.Range(Person)
	p.alone = hi-lo == g.NumNodes()

	sameKind := 0
	for k := range Kind(NumKinds) {
		sameKind += g.Count(Between(k, k))
	}
	switch n := g.NumNodes(); {
	case d.Cluster != ClusterNone:
		p.engine = "fdp" // the only one that keeps clusters apart without ranks
		p.scale = max(1, math.Sqrt(roundUp(float64(n))/100))
		p.grow = math.Sqrt(p.scale)
	case n <= 60 && g.NumEdges() <= 200 && sameKind == 0:
		p.engine = "dot"
	case n <= 150:
		p.engine = "neato"
		p.scale = 1.2
	default:
		p.engine = "sfdp"
		p.scale = math.Sqrt(roundUp(float64(n)) / 100)
		p.grow = math.Sqrt(p.scale)
	}
	p.unit = escapeText(g.columns[d.Column].Unit, maxName)
	p.label = make([]string, g.NumNodes())
	for i, n := range g.nodes {
		p.label[i] = escapeText(n.Label, maxName)
	}
	p.paint()
	p.name()
	return p
}

// roundUp gives the next of 1, 1.5, 2, 3, 5, 7, 10, 15 and so on: scales that hold for many nights.
func roundUp(x float64) float64 {
	if x <= 0 {
		return 0
	}
	power := 1.0
	for power > x {
		power /= 10
	}
	for power*10 < x {
		power *= 10
	}
	for _, step := range [...]float64{1, 1.5, 2, 3, 5, 7} {
		if step*power >= x {
			return step * power
		}
	}
	return 10 * power
}

// swatch is a line of the legend.
type swatch struct{ colour, name, figure string }

// Palette gives the colours of pictures, so that what stands beside them has the same.
func Palette() []string { return slices.Clone(palette[:]) }

// Legend gives the groups that have a colour of their own in a picture, the heaviest first, in the order of [Palette].
func Legend(g *Graph, d Drawing) (names []string) {
	for _, l := range newPicture(g, d).legends {
		if l.colour != grey {
			names = append(names, l.name)
		}
	}
	return names
}

// paint gives colours to the seven heaviest groups: organizations with the people who did most for them, or what is asked for.
func (p *picture) paint() {
	g := p.g
	p.group = p.d.Groups
	if p.group == nil {
		p.group = p.byOrganization()
	}
	// A group weighs what its organization does, else what its nodes do.
	p.totals = map[string]float64{}
	var names []string
	lo, hi := g.Range(Organization)
	add := func(i int) {
		name := p.group[i]
		if name == "" {
			return
		}
		if _, ok := p.totals[name]; !ok {
			names = append(names, name)
		}
		p.totals[name] += p.extents[i]
	}
	for i := lo; i < hi; i++ {
		add(i)
	}
	if lo == hi || p.d.Groups != nil {
		for i := hi; i < g.NumNodes(); i++ {
			if g.nodes[i].Kind == Person {
				add(i)
			}
		}
	}
	colours := map[string]string{}
	for c, i := range heaviest(0, len(names), len(palette), func(i int) float64 { return p.totals[names[i]] }) {
		colours[names[i]] = palette[c]
		p.legends = append(p.legends, swatch{palette[c], names[i], thousands(p.totals[names[i]])})
	}
	others, rest := max(0, len(names)-len(palette)), 0.0
	for _, name := range names {
		if colours[name] == "" {
			rest += p.totals[name]
		}
	}
	unknown := false
	for i, n := range g.nodes {
		if n.Kind == Person && p.group[i] == "" {
			unknown = true
			rest += p.extents[i]
		}
	}
	switch {
	case others > 0 && unknown:
		p.legends = append(p.legends, swatch{grey, plural(others, "other") + ", and none known", thousands(rest)})
	case others > 0:
		p.legends = append(p.legends, swatch{grey, plural(others, "other"), thousands(rest)})
	case unknown:
		p.legends = append(p.legends, swatch{grey, "none known", thousands(rest)})
	}
	p.colour, p.owned = make([]string, g.NumNodes()), make([]string, g.NumNodes())
	for i, n := range g.nodes {
		c := cmp.Or(colours[p.group[i]], grey)
		p.owned[i] = c
		if p.group[i] == "" && n.Kind == Repository {
			p.owned[i] = "#FFFFFF"
		}
		if n.Kind != Repository {
			p.colour[i] = c
		}
	}
}

// byOrganization names the organization of each node: itself, or the neighbour with most of its weight. A repository without
// organizations beside it has that of the people who did most there.
func (p *picture) byOrganization() []string {
	g := p.g
	weights := g.Weights(p.d.Column)
	group := make([]string, g.NumNodes())
	lo, hi := g.Range(Organization)
	for i := lo; i < hi; i++ {
		// Labels may be the same for different keys; ids are not shown.
		group[i] = g.nodes[i].Label
	}
	for i := hi; i < g.NumNodes(); i++ {
		heaviest := -1.0
		nodes, edges := g.Neighbors(i)
		sums := map[string]float64{}
		for j, u := range nodes {
			w := weights[edges[j]]
			switch kind := g.nodes[u].Kind; {
			case kind == Organization && w > heaviest:
				heaviest, group[i] = w, group[u]
			case kind == Person && g.nodes[i].Kind == Repository && group[u] != "":
				sums[group[u]] += w
			}
		}
		if heaviest >= 0 {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(sums)) {
			if sums[name] > heaviest {
				heaviest, group[i] = sums[name], name
			}
		}
	}
	return group
}

// name chooses the labels that are drawn: all of a small graph, else those of the heaviest nodes of each kind.
func (p *picture) name() {
	g := p.g
	p.named = make([]bool, g.NumNodes())
	for k, most := range [NumKinds]int{Organization: 20, Person: 0, Repository: 12} { // a pseudonym tells nobody anything
		if p.engine == "dot" || g.NumNodes() <= 150 {
			most = g.NumNodes()
		}
		lo, hi := g.Range(Kind(k))
		for _, i := range heaviest(lo, hi, most, func(i int) float64 { return p.extents[i] }) {
			p.named[i] = true
		}
		p.unnamed += max(0, hi-lo-most)
	}
}

func (p *picture) write(out *bufio.Writer) {
	g := p.g
	fmt.Fprintf(out, "graph orrery {\n")
	fmt.Fprintf(out, "  graph [layout=%s, labelloc=t, labeljust=l, fontname=\"Helvetica\", fontsize=%s, outputorder=edgesfirst, bgcolor=white, pad=0.3, charset=\"UTF-8\"",
		p.engine, decimal(16*p.scale))
	switch p.engine {
	case "dot":
		fmt.Fprintf(out, ", rankdir=LR, ranksep=2, nodesep=0.12, splines=line")
	case "fdp":
		fmt.Fprintf(out, ", overlap=prism, overlap_scaling=4, sep=\"+4\", splines=line, start=1, K=%s", decimal(0.5*p.grow))
	case "neato":
		fmt.Fprintf(out, ", overlap=prism, sep=\"+8\", splines=line, start=1, epsilon=0.001")
	default:
		fmt.Fprintf(out, ", overlap=prism, overlap_scaling=-4, sep=\"+4\", splines=line, start=1, K=0.6, repulsiveforce=1.5, smoothing=none")
	}
	fmt.Fprintf(out, ",\n")
	p.legend(out)
	fmt.Fprintf(out, "  ];\n")
	fmt.Fprintf(out, "  node [style=filled, fontname=\"Helvetica\", color=white, penwidth=0.6, fixedsize=shape];\n")
	fmt.Fprintf(out, "  edge [color=\"%s%02X\"];\n", darkGrey, int(math.Round(255*0.6*p.opacity())))

	for k := range Kind(NumKinds) {
		lo, hi := g.Range(k)
		if lo == hi {
			continue
		}
		fmt.Fprintf(out, "\n  // %s\n", k.count(hi-lo))
		for i := lo; i < hi; i++ {
			p.node(out, i)
		}
	}
	if p.engine == "dot" {
		p.ranks(out)
	}
	p.clusters(out)
	fmt.Fprintf(out, "\n  // %s links\n", thousands(float64(g.NumEdges())))
	for e := range g.NumEdges() {
		p.edge(out, e)
	}
	fmt.Fprintf(out, "}\n")
}

// ranks puts the nodes of a kind into one column.
func (p *picture) ranks(out *bufio.Writer) {
	for k := range Kind(NumKinds) {
		if lo, hi := p.g.Range(k); lo < hi {
			fmt.Fprintf(out, "  { rank=same;")
			for i := lo; i < hi; i++ {
				fmt.Fprintf(out, " %s;", p.g.nodes[i].ID)
			}
			fmt.Fprintf(out, " }\n")
		}
	}
}

// clusters lists what is drawn together.
func (p *picture) clusters(out *bufio.Writer) {
	if p.d.Cluster == ClusterNone {
		return
	}
	members := map[string][]int{}
	countries := map[string]string{}
	for i, n := range p.g.nodes {
		if n.Kind == Organization && n.Country != "" {
			countries[p.group[i]] = n.Country
		}
	}
	for i, n := range p.g.nodes {
		name := p.group[i]
		if p.d.Cluster == ClusterCountries {
			name = cmp.Or(n.Country, countries[name])
		}
		if name != "" {
			members[name] = append(members[name], i)
		}
	}
	for at, name := range slices.Sorted(maps.Keys(members)) {
		fmt.Fprintf(out, "  subgraph cluster_%d { label=%s; fontsize=%s; color=\"%s\"; style=rounded;", at+1, escape(name), decimal(14*p.scale), grey)
		for _, i := range members[name] {
			fmt.Fprintf(out, " %s;", p.g.nodes[i].ID)
		}
		fmt.Fprintf(out, " }\n")
	}
}

func (p *picture) node(out *bufio.Writer, i int) {
	n := p.g.nodes[i]
	// side is of a square of the same area as the node's; the other shapes are made as large as it.
	share := 0.1 // when nothing weighs anything
	if p.full > 0 {
		share = p.extents[i] / p.full
	}
	side := max(smallest, largest*math.Sqrt(share))
	label, size := "", 0.0
	if p.named[i] {
		label = p.label[i]
		size = 9 + 14*math.Sqrt(side/largest)
		if n.Kind != Organization {
			size *= 0.75
		}
	}
	fmt.Fprintf(out, "  %s [label=\"%s\", tooltip=\"%s: %s %s\"", n.ID, label, p.label[i], thousands(p.extents[i]), p.unit)
	switch n.Kind {
	case Organization:
		fmt.Fprintf(out, ", shape=circle, width=%s", decimal(side*p.grow*2/math.Sqrt(math.Pi)))
	case Person:
		if p.alone {
			fmt.Fprintf(out, ", shape=circle, width=%s", decimal(side*p.grow*2/math.Sqrt(math.Pi)))
		} else {
			fmt.Fprintf(out, ", shape=triangle, width=%s, height=%s", decimal(side*p.grow*math.Sqrt2), decimal(side*p.grow*math.Sqrt2))
		}
	case Repository:
		fmt.Fprintf(out, ", shape=box, width=%s, height=%s", decimal(side*p.grow), decimal(side*p.grow))
	}
	if n.Kind == Repository {
		fmt.Fprintf(out, ", fillcolor=\"%sA0\", color=\"%s\"", p.owned[i], darkGrey)
	} else {
		fmt.Fprintf(out, ", fillcolor=\"%s\"", p.colour[i])
	}
	if size > 0 {
		fmt.Fprintf(out, ", fontsize=%s", decimal(size*p.scale))
	}
	for _, a := range [...]struct{ name, value string }{{"kind", n.Kind.String()}, {"class", n.Class}, {"country", n.Country}} {
		if a.value != "" {
			fmt.Fprintf(out, ", %s=%s", a.name, escape(a.value))
		}
	}
	fmt.Fprintf(out, "];\n")
}

func (p *picture) edge(out *bufio.Writer, e int) {
	g := p.g
	a, b := g.Ends(e)
	w := g.Weights(p.d.Column)[e]
	width := thinnest
	if p.broad > 0 {
		width = max(thinnest, widest*math.Sqrt(w/p.broad)) * p.grow
	}
	fmt.Fprintf(out, "  %s -- %s [penwidth=%s, tooltip=\"%s and %s: %s %s\"", g.nodes[a].ID, g.nodes[b].ID, decimal(width),
		p.label[a], p.label[b], thousands(w), p.unit)
	if c, opacity := p.stroke(a, b); c != darkGrey {
		fmt.Fprintf(out, ", color=\"%s%02X\"", c, int(math.Round(255*opacity)))
	}
	for c, column := range g.columns {
		fmt.Fprintf(out, ", w_%s=%s", column.Name, strconv.FormatFloat(g.weights[c][e], 'f', -1, 64))
	}
	if periods := g.Periods(e); len(periods) > 0 {
		fmt.Fprintf(out, ", periods=\"%s\"", joinPeriods(periods))
	}
	fmt.Fprintf(out, "];\n")
}

// stroke gives the colour of an edge and how far it covers what is below. The smaller end is the organization or the person behind the work, never a
// repository unless both are; between two of a kind it is theirs if they have the same.
func (p *picture) stroke(a, b int) (colour string, opacity float64) {
	opacity = p.opacity()
	colour = darkGrey
	if p.g.nodes[a].Kind != p.g.nodes[b].Kind && p.colour[a] != "" || p.colour[a] == p.colour[b] && p.colour[a] != "" {
		colour = p.colour[a]
	}
	if colour == grey || colour == darkGrey {
		opacity *= 0.6 // many, and the background of the others
	}
	return colour, opacity
}

// opacity is less where there are many lines, else they hide everything.
func (p *picture) opacity() float64 {
	return min(0.55, max(0.12, math.Round(100*12/math.Sqrt(roundUp(float64(p.g.NumEdges()))))/100))
}

// legend writes the label of the graph, a table: what colours, shapes and sizes stand for, and what is missing.
func (p *picture) legend(out *bufio.Writer) {
	g, unit := p.g, p.g.columns[p.d.Column].Unit
	fmt.Fprintf(out, "    label=<<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"%s\">\n", decimal(math.Round(2*p.scale)))
	row := func(size float64, bold bool, text string) {
		text = cmp.Or(escapeHTML(text, maxLine), " ") // no text at all is an error of Graphviz's
		if bold {
			text = "<B>" + text + "</B>"
		}
		fmt.Fprintf(out, "      <TR><TD ALIGN=\"LEFT\"><FONT POINT-SIZE=\"%s\">%s</FONT></TD></TR>\n", decimal(math.Round(size*p.scale)), text)
	}
	if p.d.Title != "" {
		row(26, true, p.d.Title)
	}
	// One cell a row, since cells would be stretched to the longest line.
	for i, sw := range p.legends {
		figure := sw.figure
		if i == 0 {
			figure += " " + unit
		}
		fmt.Fprintf(out, "      <TR><TD ALIGN=\"LEFT\"><FONT POINT-SIZE=\"%s\" COLOR=\"%s\">■</FONT><FONT POINT-SIZE=\"%s\"> %s: %s</FONT></TD></TR>\n",
			decimal(math.Round(26*p.scale)), sw.colour, decimal(math.Round(18*p.scale)), escapeHTML(sw.name, maxName), escapeHTML(figure, maxName))
	}

	person := "triangle: person"
	if p.alone {
		person = "dot: person"
	}
	var shapes []string
	for k, shape := range [NumKinds]string{"circle: organization", person, "box: repository, in the colour of the organization with most " + unit + " there"} {
		if lo, hi := g.Range(Kind(k)); lo < hi {
			shapes = append(shapes, shape)
		}
	}
	if len(shapes) > 0 {
		row(13, false, strings.Join(shapes, "; ")+"; area by "+unit+", the largest "+thousands(p.maximum)+alike(p.full, smallest/largest))
	}
	if g.NumEdges() > 0 {
		row(13, false, "width of lines by the square root of "+unit+", the widest "+thousands(p.thick)+alike(p.broad, thinnest/widest))
	}
	if p.unnamed > 0 {
		row(13, false, thousands(float64(p.unnamed))+" names show under the pointer")
	}
	for _, line := range append(g.shown(p.d.Column), p.d.Notes...) {
		row(13, false, line)
	}
	fmt.Fprintf(out, "    </TABLE>>\n")
}

// alike says below which figure sizes do not tell any more. Both scales go by square roots.
func alike(maximum, floor float64) string {
	if least := math.Floor(maximum * floor * floor); least > 1 {
		return " (up to " + thousands(least) + " all alike)"
	}
	return ""
}

// shown says what share of a column is in the graph, and counts what was left out.
func (g *Graph) shown(column int) []string {
	unit := g.columns[column].Unit
	if g.left.None() {
		return []string{"shows all " + unit}
	}
	var lines []string
	for _, r := range [...]Relation{
		Between(Person, Repository), Between(Organization, Repository), Between(Person, Organization),
		Between(Organization, Organization), Between(Person, Person), Between(Repository, Repository),
	} {
		kept, left := g.totals[column][r], 0.0
		if g.left.Weights != nil {
			left = g.left.Weights[column][r]
		}
		if kept+left > 0 {
			// The other relations tell of the same work once more.
			lines = append(lines, fmt.Sprintf("shows %s of the %s (%s)", percent(kept, kept+left), unit, r))
			break
		}
	}
	var out []string
	for k, n := range g.left.Nodes {
		if n > 0 {
			out = append(out, Kind(k).count(n))
		}
	}
	links := 0
	for _, n := range g.left.Edges {
		links += n
	}
	if links > 0 {
		out = append(out, thousands(float64(links))+" links")
	}
	return append(lines, "left out: "+strings.Join(out, ", "))
}
