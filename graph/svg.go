package graph

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// Of the picture, in pixels.
const (
	svgWidth, svgHeight = 1100.0, 820.0 // that nodes are spread over
	svgLegend           = 320.0         // to the right of it
	svgMargin           = 24.0
	svgLargest          = 64.0 // radius of the heaviest node
	svgSmallest         = 2.6
	svgWidest           = 10.0 // lines
	svgThinnest         = 0.5
)

// WriteSVG draws a graph as a picture that any browser shows, without Graphviz and without scripts: areas by weight, colours of the seven heaviest organizations, repositories and
// people in that of the organization with most of their weight, a legend with what it shows and leaves out. The same graph gives the same bytes; nodes stand under their ids in the
// order of the graph. Names of organizations and repositories are written where there is room, heaviest first; people's never are. O(n log n + m) for each of some hundred steps: made for
// up to some thousand nodes, so [Trim] first.
func WriteSVG(w io.Writer, g *Graph, d Drawing) error {
	if d.Column < 0 || d.Column >= len(g.columns) {
		return fmt.Errorf("writing SVG: the graph has %d columns, asked for number %d: %w", len(g.columns), d.Column, ErrColumn)
	}
	out := bufio.NewWriter(w)
	newSketch(g, d).write(out)
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing SVG: %w", err)
	}
	return nil
}

// sketch is a picture with places.
type sketch struct {
	*picture
	x, y, radius []float64
	left, top    float64 // of what is drawn
	wide, high   float64
	labels       []label
	prefix       string // of all names of repositories, up to a slash; not drawn at each
}

type label struct {
	node       int
	x, y, size float64
	text       string
}

func newSketch(g *Graph, d Drawing) *sketch {
	s := &sketch{picture: newPicture(g, d)}
	n := g.NumNodes()
	weights := g.Weights(d.Column)
	mass, pull := make([]float64, n), make([]float64, g.NumEdges())
	for e, w := range weights {
		pull[e] = 0.02
		if s.thick > 0 {
			pull[e] += math.Sqrt(w / s.broad)
		}
		a, b := g.Ends(e)
		mass[a] += pull[e]
		mass[b] += pull[e]
	}
	s.radius = make([]float64, n)
	area := 0.0
	for i := range n {
		mass[i] += 0.3
		if s.full > 0 {
			s.radius[i] = math.Sqrt(s.extents[i] / s.full)
		} else {
			s.radius[i] = 0.1
		}
		area += s.radius[i] * s.radius[i]
	}
	// A fifth of the picture may be covered.
	scale := svgLargest
	if area > 0 {
		scale = min(scale, math.Sqrt(0.2*svgWidth*svgHeight/math.Pi/roundUp(area)))
	}
	for i := range s.radius {
		s.radius[i] = max(svgSmallest, s.radius[i]*scale)
	}
	s.x, s.y = layout(g, mass, pull, Communities(g, d.Column))
	s.fit()
	room := make([]float64, n)
	for i, r := range s.radius {
		room[i] = r + 2 + 0.06*r
		if g.nodes[i].Kind == Repository {
			room[i] = r + 3
		}
	}
	separate(s.x, s.y, room)
	s.bounds()
	s.prefix = commonFolder(g)
	s.place()
	return s
}

// fit stretches the layout over the picture.
func (s *sketch) fit() {
	if len(s.x) == 0 {
		return
	}
	left, right, top, bottom := slices.Min(s.x), slices.Max(s.x), slices.Min(s.y), slices.Max(s.y)
	across, down := svgWidth/max(right-left, 1e-9), svgHeight/max(bottom-top, 1e-9)
	// A little out of proportion is better than an empty margin.
	across, down = min(across, 1.4*down), min(down, 1.4*across)
	for i := range s.x {
		s.x[i] = float64((s.x[i] - (left+right)/2) * across)
		s.y[i] = float64((s.y[i] - (top+bottom)/2) * down)
	}
}

func (s *sketch) bounds() {
	left, right, top, bottom := -svgWidth/4, svgWidth/4, -svgHeight/3, svgHeight/3
	for i, r := range s.radius {
		left, right, top, bottom = min(left, s.x[i]-r), max(right, s.x[i]+r), min(top, s.y[i]-r), max(bottom, s.y[i]+r)
	}
	s.left, s.top, s.wide, s.high = left, top, right-left, bottom-top
}

// commonFolder is what the names of all repositories begin with, if there are several, up to the last slash.
func commonFolder(g *Graph) string {
	lo, hi := g.Range(Repository)
	if hi-lo < 2 {
		return ""
	}
	folder := g.nodes[lo].Label
	for i := lo; i < hi; i++ {
		for !strings.HasPrefix(g.nodes[i].Label, folder) || !strings.HasSuffix(folder, "/") {
			if folder = folder[:1+strings.LastIndexByte(strings.TrimSuffix(folder, "/"), '/')]; folder == "" {
				return ""
			}
		}
	}
	return folder
}

// place finds room for names: the heaviest first, in the node if it is wide enough, else beside it.
func (s *sketch) place() {
	order := make([]int, 0, len(s.x))
	for i, n := range s.g.nodes {
		if n.Kind != Person && n.Label != "" {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(s.g.nodes[a].Kind, s.g.nodes[b].Kind), cmp.Compare(s.radius[b], s.radius[a]))
	})
	type box struct{ left, top, right, bottom float64 }
	var taken []box
	shown := [NumKinds]int{}
	big := s.high / svgHeight // a picture that had to grow is looked at from further away
	for _, i := range order {
		kind := s.g.nodes[i].Kind
		if shown[kind] >= [NumKinds]int{Organization: 40, Repository: 60}[kind] {
			continue
		}
		r := s.radius[i]
		size := min(22, max(11, 8+r/4)) * big
		if kind == Repository {
			size = min(14, max(9.5, 7+r/4)) * big
		}
		text := s.g.nodes[i].Label
		if kind == Repository {
			text = strings.TrimPrefix(text, s.prefix)
		}
		text = clean(text, 28)
		w, h := size*0.58*columnsOf(text), size*1.15
		for at, c := range [...][2]float64{{0, 0}, {0, r + h/2 + 1}, {0, -r - h/2 - 1}, {r + w/2 + 3, 0}, {-r - w/2 - 3, 0}, {0, 0}} {
			if at == 5 && s.colour[i] == grey {
				break // what has a colour has its name, even if it is wider than the node
			}
			if at == 0 && w > 2*r-4 && (kind != Organization || w > 3*r) {
				continue
			}
			x, y := s.x[i]+c[0], s.y[i]+c[1]
			b := box{x - w/2, y - h/2, x + w/2, y + h/2}
			free := b.left > s.left-svgMargin && b.right < s.left+s.wide+svgMargin && !slices.ContainsFunc(taken, func(t box) bool {
				return b.left < t.right && t.left < b.right && b.top < t.bottom && t.top < b.bottom
			})
			for j := 0; free && at%5 > 0 && j < len(s.x); j++ {
				// Small nodes may be written over.
				if j != i && s.radius[j] > 7*big && b.left < s.x[j]+s.radius[j] && s.x[j]-s.radius[j] < b.right && b.top < s.y[j]+s.radius[j] && s.y[j]-s.radius[j] < b.bottom {
					free = false
				}
			}
			if free {
				taken = append(taken, b)
				shown[kind]++
				s.labels = append(s.labels, label{i, x, y, size, text})
				break
			}
		}
	}
}

// columnsOf estimates how wide text is, in letters: those of East Asia are twice as wide.
func columnsOf(s string) (n float64) {
	for _, r := range s {
		n++
		if r >= 0x1100 {
			n += 0.75
		}
	}
	return n
}

func (s *sketch) write(out *bufio.Writer) {
	g := s.g
	big := s.high / svgHeight
	wide, high := s.wide+(svgLegend+3*svgMargin)*big, s.high+2*svgMargin*big
	if s.d.Bare {
		wide = s.wide + 2*svgMargin*big
	}
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="%s %s %s %s" width="%s" height="%s" font-family="Helvetica, Arial, sans-serif" role="img">`+"\n",
		tenth(s.left-svgMargin*big), tenth(s.top-svgMargin*big), tenth(wide), tenth(high), tenth(wide/big), tenth(high/big))
	if s.d.Title != "" && !s.d.Bare {
		fmt.Fprintf(out, "<title>%s</title>\n", escapeXML(s.d.Title))
	}
	if !s.d.Bare {
		fmt.Fprintf(out, `<rect x="%s" y="%s" width="%s" height="%s" fill="white"/>`+"\n", tenth(s.left-svgMargin*big), tenth(s.top-svgMargin*big), tenth(wide), tenth(high))
	}
	fmt.Fprint(out, `<g stroke-linecap="round" fill="none">`+"\n")
	for e := range g.NumEdges() {
		s.line(out, e)
	}
	fmt.Fprint(out, "</g>\n<g>\n")
	for i := range g.nodes {
		s.shape(out, i)
	}
	fmt.Fprint(out, "</g>\n"+`<g text-anchor="middle" dominant-baseline="central" fill="#111111" stroke="white" stroke-linejoin="round" paint-order="stroke">`+"\n")
	for _, l := range s.labels {
		weight := ""
		if g.nodes[l.node].Kind == Organization {
			weight = ` font-weight="bold"`
		}
		fmt.Fprintf(out, `<text x="%s" y="%s" dy="0.35em" font-size="%s" stroke-width="%s"%s>%s</text>`+"\n", tenth(l.x), tenth(l.y), tenth(l.size), tenth(l.size/4), weight, escapeXML(l.text))
	}
	fmt.Fprint(out, "</g>\n")
	if !s.d.Bare {
		s.key(out, s.left+s.wide+svgMargin*big, s.top, big)
	}
	fmt.Fprint(out, "</svg>\n")
}

func (s *sketch) line(out *bufio.Writer, e int) {
	g := s.g
	a, b := g.Ends(e)
	width := svgThinnest
	if s.broad > 0 {
		width = max(svgThinnest, svgWidest*math.Sqrt(g.Weights(s.d.Column)[e]/s.broad))
	}
	colour, opacity := s.stroke(a, b)
	ends := ""
	if s.d.Bare {
		ends = fmt.Sprintf(` data-a="%s" data-b="%s"`, g.nodes[a].ID, g.nodes[b].ID)
	}
	fmt.Fprintf(out, `<path%s d="M%s %sL%s %s" stroke="%s" stroke-width="%s" stroke-opacity="%s"/>`+"\n", ends,
		tenth(s.x[a]), tenth(s.y[a]), tenth(s.x[b]), tenth(s.y[b]), colour, decimal(math.Round(width*10)/10), decimal(math.Round(opacity*100)/100))
}

func (s *sketch) shape(out *bufio.Writer, i int) {
	n := s.g.nodes[i]
	x, y, r := s.x[i], s.y[i], s.radius[i]
	fill := s.colour[i]
	if n.Kind == Repository {
		fill = s.owned[i]
	}
	unit := " " + escapeXML(s.g.columns[s.d.Column].Unit)
	if s.d.Bare {
		unit = ""
	}
	title := fmt.Sprintf("<title>%s: %s%s</title>", escapeXML(n.Label), thousands(s.extents[i]), unit)
	switch n.Kind {
	case Repository:
		half := r * math.Sqrt(math.Pi) / 2
		fmt.Fprintf(out, `<rect id="%s" x="%s" y="%s" width="%s" height="%s" fill="%s" fill-opacity="0.75" stroke="%s" stroke-width="%s">%s</rect>`+"\n",
			n.ID, tenth(x-half), tenth(y-half), tenth(2*half), tenth(2*half), fill, darkGrey, tenth(min(0.8, r/10)), title)
	case Person:
		fmt.Fprintf(out, `<circle id="%s" cx="%s" cy="%s" r="%s" fill="%s" stroke="white" stroke-width="0.6">%s</circle>`+"\n", n.ID, tenth(x), tenth(y), tenth(r), fill, title)
	default:
		fmt.Fprintf(out, `<circle id="%s" cx="%s" cy="%s" r="%s" fill="%s" stroke="#222222" stroke-width="%s">%s</circle>`+"\n", n.ID, tenth(x), tenth(y), tenth(r), fill, tenth(min(1.4, 0.3+r/12)), title)
	}
}

// key is the legend.
func (s *sketch) key(out *bufio.Writer, x, y, big float64) {
	fmt.Fprintf(out, `<g transform="translate(%s %s) scale(%s)" fill="#111111">`+"\n", tenth(x), tenth(y), decimal(big))
	at := 0.0
	text := func(size float64, weight, s string) {
		for _, line := range wrap(s, int(svgLegend/(size*0.54))) {
			at += size * 1.3
			fmt.Fprintf(out, `<text x="0" y="%s" font-size="%s"%s>%s</text>`+"\n", tenth(at), tenth(size), weight, escapeXML(line))
		}
	}
	if s.d.Title != "" {
		text(24, ` font-weight="bold"`, s.d.Title)
		at += 8
	}
	if len(s.legends) > 0 {
		at += 14
		fmt.Fprintf(out, `<text x="%s" y="%s" font-size="12" text-anchor="end" fill="#444444">%s</text>`+"\n", tenth(svgLegend), tenth(at), escapeXML(s.g.columns[s.d.Column].Unit))
		at -= 3
	}
	for _, sw := range s.legends {
		at += 24
		room := int(math.Floor((svgLegend-26)/(15*0.54))) - utf8.RuneCountInString(sw.figure) - 1 // letters beside the figure
		fmt.Fprintf(out, `<circle cx="9" cy="%s" r="9" fill="%s" stroke="#222222"/><text x="26" y="%s" font-size="15">%s</text>`, tenth(at-5), sw.colour, tenth(at), escapeXML(clean(sw.name, room)))
		fmt.Fprintf(out, `<text x="%s" y="%s" font-size="15" text-anchor="end">%s</text>`+"\n", tenth(svgLegend), tenth(at), escapeXML(sw.figure))
	}
	at += 14
	for _, line := range s.explain() {
		text(12, ` fill="#444444"`, line)
		at += 4
	}
	fmt.Fprint(out, "</g>\n")
}

// explain says what shapes and sizes mean, and what is missing.
func (s *sketch) explain() (lines []string) {
	g, unit := s.g, s.g.columns[s.d.Column].Unit
	var shapes []string
	for k, shape := range [NumKinds]string{"circle: organization", "dot: person", "square: repository, in the colour of the organization with most " + unit + " there"} {
		if lo, hi := g.Range(Kind(k)); lo < hi {
			shapes = append(shapes, shape)
		}
	}
	if len(shapes) > 0 {
		lines = append(lines, strings.Join(shapes, "; ")+".")
		lines = append(lines, "Area: "+unit+", the largest "+thousands(s.maximum)+". Lines: "+unit+", the widest "+thousands(s.thick)+".")
	}
	if s.prefix != "" {
		lines = append(lines, "Names of repositories begin with "+s.prefix)
	}
	hidden := -len(s.labels)
	for _, n := range g.nodes {
		if n.Kind != Person {
			hidden++
		}
	}
	if hidden > 0 {
		names := " names without room show"
		if hidden == 1 {
			names = " name without room shows"
		}
		lines = append(lines, thousands(float64(hidden))+names+" under the pointer.")
	}
	lines = append(lines, g.shown(s.d.Column)...)
	return append(lines, s.d.Notes...)
}

// wrap breaks text at blanks into lines of so many letters.
func wrap(s string, most int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(clean(s, maxLine)) {
		for letters := []rune(word); len(letters) > most; letters = letters[most-1:] { // a name longer than a line
			if line != "" {
				lines, line = append(lines, line), ""
			}
			lines = append(lines, string(letters[:most-1])+"-")
			word = string(letters[most-1:])
		}
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > most {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

func tenth(x float64) string { return decimal(math.Round(x*10) / 10) }
