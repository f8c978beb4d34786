package page

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// canvas is a picture in SVG, of classes that style.css knows: it follows the page into the dark, and onto paper. What is drawn needs no script.
type canvas struct {
	strings.Builder
	id   string
	w, h float64
}

// wide is the width of all charts; text is laid out for it.
const wide = 720.0

func newCanvas(id string, h float64, title string) *canvas {
	c := &canvas{id: id, w: wide, h: h}
	fmt.Fprintf(c, `<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 %s %s" role="img" aria-labelledby="%s-t"><title id="%s-t">%s</title>`,
		num(wide), num(h), id, id, esc(title))
	// Bands that belong together, and what is not known, differ without colours too.
	fmt.Fprintf(c, `<defs><pattern id="%s-u" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="6" height="6" class="ground"/><rect width="2" height="6" class="hatch"/></pattern>`+
		`<pattern id="%s-s" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="2" height="7" class="stripe"/></pattern></defs>`, id, id)
	return c
}

func (c *canvas) done() template.HTML { return template.HTML(c.String() + "</svg>") } //nolint:gosec // text in it goes through esc

func esc(s string) string { return template.HTMLEscapeString(s) }

func num(x float64) string { return strconv.FormatFloat(math.Round(x*10)/10, 'f', -1, 64) }

// fill is how an area is drawn: a colour, or one of the names below.
type fill struct {
	colour  string // "" for the class
	class   string
	unknown bool // hatched
	striped bool // on its colour
}

var (
	fillUnknown = fill{unknown: true}
	fillOthers  = fill{class: "others"}
)

func (c *canvas) style(f fill) string {
	switch {
	case f.unknown:
		return fmt.Sprintf(`fill="url(#%s-u)"`, c.id)
	case f.colour != "":
		return fmt.Sprintf(`fill="%s"`, f.colour)
	}
	return fmt.Sprintf(`class="%s"`, f.class)
}

// rect draws a bar with what it says when somebody points at it.
func (c *canvas) rect(x, y, w, h float64, f fill, says string) {
	if w <= 0 || h <= 0 {
		return
	}
	at := fmt.Sprintf(`x="%s" y="%s" width="%s" height="%s"`, num(x), num(y), num(max(w, 0.5)), num(max(h, 0.5)))
	if f.striped {
		fmt.Fprintf(c, `<rect %s %s/>`, at, c.style(f))
		fmt.Fprintf(c, `<rect %s fill="url(#%s-s)"><title>%s</title></rect>`, at, c.id, esc(says))
		return
	}
	fmt.Fprintf(c, `<rect %s %s><title>%s</title></rect>`, at, c.style(f), esc(says))
}

func (c *canvas) path(d string, f fill, says string) {
	fmt.Fprintf(c, `<path d="%s" %s><title>%s</title></path>`, d, c.style(f), esc(says))
	if f.striped {
		fmt.Fprintf(c, `<path d="%s" fill="url(#%s-s)"><title>%s</title></path>`, d, c.id, esc(says))
	}
}

func (c *canvas) line(x1, y1, x2, y2 float64, class string) {
	fmt.Fprintf(c, `<line x1="%s" y1="%s" x2="%s" y2="%s" class="%s"/>`, num(x1), num(y1), num(x2), num(y2), class)
}

// text writes; anchor is start, middle or end.
func (c *canvas) text(x, y float64, anchor, class, s string) {
	fmt.Fprintf(c, `<text x="%s" y="%s" text-anchor="%s" class="%s">%s</text>`, num(x), num(y), anchor, class, esc(s))
}

type key struct {
	fill fill
	name string
}

// legend writes keys in a row, in as many lines as they need, and gives the height of these.
func (c *canvas) legend(x, y float64, keys []key) float64 {
	at := x
	for _, k := range keys {
		w := 22 + 6.6*columns(k.name) + 16
		if at > x && at+w > wide {
			at, y = x, y+20
		}
		c.rect(at, y-10, 12, 12, k.fill, k.name)
		c.text(at+18, y, "start", "key", k.name)
		at += w
	}
	return y + 12
}

// columns estimates how wide text is, in letters.
func columns(s string) (n float64) {
	for _, r := range s {
		n++
		if r >= 0x1100 {
			n += 0.8
		}
	}
	return n
}

// scale gives round steps from 0 to at least the largest value.
func scale(largest float64) (top, step float64) {
	if largest <= 0 {
		return 1, 1
	}
	step = math.Pow(10, math.Floor(math.Log10(largest)))
	for _, f := range []float64{0.2, 0.25, 0.5, 1, 2} {
		if largest/(step*f) <= 5 {
			step *= f
			break
		}
	}
	return step * math.Ceil(largest/step-1e-9), step
}

// interval is a row of a chart of bounds: solid up to the lower bound, hatched to the upper one.
type interval struct {
	label     string
	low, high float64
	mark      float64 // a tick, none below 0
	text      string
	fill      fill
	says      string
}

// intervals draws bounds on one scale that begins at 0.
func intervals(id, title string, rows []interval, largest, step float64, unit func(float64) string, keys []key) template.HTML {
	const left, right, row = 190.0, 130.0, 30.0
	top := 14.0
	c := newCanvas(id, 0, title)
	body := &canvas{id: id, w: wide}
	if len(keys) > 0 {
		top = body.legend(left, 14, keys) + 14
	}
	bottom := top + row*float64(len(rows))
	x := func(v float64) float64 { return left + (wide-left-right)*v/largest }
	for v := 0.0; v <= largest*1.0001; v += step {
		body.line(x(v), top-4, x(v), bottom, "grid")
		body.text(x(v), bottom+16, "middle", "axis", unit(v))
	}
	for i, r := range rows {
		y := top + row*float64(i)
		body.text(left-10, y+19, "end", "label", r.label)
		body.rect(x(0), y+6, x(r.low)-x(0), 18, r.fill, r.says)
		body.rect(x(r.low), y+6, x(r.high)-x(r.low), 18, fillUnknown, r.says)
		if r.mark > 0 {
			body.line(x(r.mark), y+3, x(r.mark), y+27, "tick")
		}
		body.text(x(r.high)+8, y+19, "start", "value", r.text)
	}
	body.line(left, top-4, left, bottom, "base")
	return c.fit(bottom+26, body)
}

// fit sets the height after the fact.
func (c *canvas) fit(h float64, body *canvas) template.HTML {
	head := strings.Replace(c.String(), fmt.Sprintf(`viewBox="0 0 %s 0"`, num(wide)), fmt.Sprintf(`viewBox="0 0 %s %s"`, num(wide), num(h)), 1)
	return template.HTML(head + body.String() + "</svg>") //nolint:gosec // text in it goes through esc
}

// fall is one year of a waterfall.
type fall struct {
	name  string
	start float64
	parts []float64 // signed, by kind
	end   float64
	says  []string // by part
	total string
}

// waterfall draws years from end to end: what came up from the line before, what went down.
func waterfall(id, title string, falls []fall, kinds []key, number func(float64) string) template.HTML {
	const left, right = 58.0, 10.0
	c, body := newCanvas(id, 0, title), &canvas{id: id, w: wide}
	top := body.legend(left, 14, kinds) + 26
	bottom := top + 270
	largest := 0.0
	for _, f := range falls {
		at := f.start
		largest = max(largest, at, f.end)
		for _, p := range f.parts {
			at += p
			largest = max(largest, at)
		}
	}
	most, step := scale(largest)
	y := func(v float64) float64 { return bottom - (bottom-top)*v/most }
	for v := 0.0; v <= most*1.0001; v += step {
		body.line(left, y(v), wide-right, y(v), "grid")
		body.text(left-8, y(v)+4, "end", "axis", number(v))
	}
	width := (wide - left - right) / float64(max(len(falls), 1))
	every := max(1, int(math.Ceil(44/width)))
	for i, f := range falls {
		x := left + width*float64(i)
		bar := width * 0.86 / float64(len(kinds))
		at, high := f.start, f.start
		for k, p := range f.parts {
			bx := x + width*0.07 + bar*float64(k)
			lo, hi := min(at, at+p), max(at, at+p)
			if p != 0 {
				style := kinds[k].fill
				style.striped = p < 0
				body.rect(bx, y(hi), bar-1, max(y(lo)-y(hi), 1), style, f.says[k])
			}
			at += p
			high = max(high, at)
			body.line(bx, y(at), min(bx+2*bar, x+width), y(at), "step")
		}
		if (len(falls)-1-i)%every == 0 {
			body.text(x+width/2, bottom+18, "middle", "axis", f.name)
			body.text(x+width*0.95, y(high)-7, "end", "value", f.total)
		}
	}
	body.line(left, bottom, wide-right, bottom, "base")
	return c.fit(bottom+28, body)
}

// band is a layer of a stack.
type band struct {
	name   string
	fill   fill
	values []float64
}

// stack draws layers over time, as columns of 100 % or as areas from 0. The right margin holds the names of layers.
func stack(id, title string, names []string, bands []band, percent bool, number func(float64) string) template.HTML {
	const left, right, top, bottom = 52.0, 178.0, 16.0, 300.0
	c := newCanvas(id, bottom+28, title)
	totals := make([]float64, len(names))
	largest := 0.0
	for _, b := range bands {
		for i, v := range b.values {
			totals[i] += v
			largest = max(largest, totals[i])
		}
	}
	most, step := scale(largest)
	if percent {
		most, step = 1, 0.25
	}
	y := func(v float64) float64 { return bottom - (bottom-top)*v/most }
	for v := 0.0; v <= most*1.0001; v += step {
		c.line(left, y(v), wide-right, y(v), "grid")
		c.text(left-8, y(v)+4, "end", "axis", number(v))
	}
	n := len(names)
	width := (wide - left - right) / float64(max(n, 1))
	x := func(i int) float64 { return left + width*float64(i) }
	if !percent {
		width = (wide - left - right) / float64(max(n-1, 1))
	}
	base := make([]float64, n)
	tops := make([]float64, len(bands)) // of the last column
	for k, b := range bands {
		next := make([]float64, n)
		for i, v := range b.values {
			if percent && totals[i] > 0 {
				v /= totals[i]
			}
			next[i] = base[i] + v
		}
		if percent {
			for i := range next {
				c.rect(x(i)+width*0.06, y(next[i]), width*0.88, y(base[i])-y(next[i]), b.fill,
					fmt.Sprintf("%s, %s: %s", names[i], b.name, number(next[i]-base[i])))
			}
		} else if n > 0 {
			var d strings.Builder
			for i := range next {
				fmt.Fprintf(&d, "%s%s %s", map[bool]string{true: "M", false: "L"}[i == 0], num(x(i)), num(y(next[i])))
			}
			for i := n - 1; i >= 0; i-- {
				fmt.Fprintf(&d, "L%s %s", num(x(i)), num(y(base[i])))
			}
			c.path(d.String()+"Z", b.fill, fmt.Sprintf("%s: %s, %s", b.name, names[n-1], number(next[n-1]-base[n-1])))
		}
		if n > 0 {
			tops[k] = (next[n-1] + base[n-1]) / 2
		}
		base = next
	}
	// Names stand beside the last column, and make room for each other.
	at := make([]float64, len(bands))
	for k := range bands {
		at[k] = y(tops[k]) + 4
		if k > 0 {
			at[k] = min(at[k], at[k-1]-18)
		}
	}
	if len(at) > 0 {
		if over := top + 4 - at[len(at)-1]; over > 0 {
			for k := len(at) - 1; k >= 0; k-- {
				low := top + 4 + 18*float64(len(at)-1-k)
				at[k] = max(at[k], low)
			}
		}
	}
	for k, b := range bands {
		c.rect(wide-right+10, at[k]-10, 12, 12, b.fill, b.name)
		c.text(wide-right+28, at[k], "start", "key", b.name)
	}
	every := max(1, int(math.Ceil(64/max(width, 0.1))))
	for i := n - 1; i >= 0; i -= every {
		at := x(i) + width/2
		if !percent {
			at = x(i)
		}
		c.text(at, bottom+18, "middle", "axis", names[i])
	}
	c.line(left, bottom, wide-right, bottom, "base")
	return c.done()
}

// heat draws shares as cells, with their figures.
func heat(id, title string, rows, columnNames []string, values [][]float64, says func(row, column int) string) template.HTML {
	const left, cell = 190.0, 26.0
	c, body := newCanvas(id, 0, title), &canvas{id: id, w: wide}
	width := (wide - left - 40) / float64(max(len(columnNames), 1)) // the last name leans over the margin
	const top = 92.0
	for k, n := range columnNames {
		x := left + width*(float64(k)+0.5)
		fmt.Fprintf(body, `<text transform="translate(%s %s) rotate(-32)" class="key">%s</text>`, num(x-4), num(top-10), esc(n))
	}
	for i, r := range rows {
		y := top + cell*float64(i)
		body.text(left-10, y+17, "end", "label", r)
		for k := range columnNames {
			v := values[i][k]
			x := left + width*float64(k)
			fmt.Fprintf(body, `<rect x="%s" y="%s" width="%s" height="%s" class="ground"/>`, num(x), num(y), num(width-2), num(cell-2))
			fmt.Fprintf(body, `<rect x="%s" y="%s" width="%s" height="%s" class="heat" fill-opacity="%s"><title>%s</title></rect>`,
				num(x), num(y), num(width-2), num(cell-2), strconv.FormatFloat(math.Round(100*v)/100, 'f', -1, 64), esc(says(i, k)))
			class := "cell"
			if v > 0.55 {
				class = "cell deep"
			}
			text := strconv.FormatFloat(100*v, 'f', 0, 64)
			if v == 0 {
				text = "·"
			} else if v < 0.005 {
				text = "<1"
			}
			body.text(x+width/2-1, y+16, "middle", class, text)
		}
	}
	return c.fit(top+cell*float64(len(rows))+8, body)
}

// indexBar is a year of a chart of an index.
type indexBar struct {
	name string
	sets [][2]float64 // low and high, below 0 for none
	says []string
}

// indices draws bounds of an index by year, side by side for each reading, over a threshold.
func indices(id, title string, bars []indexBar, keys []key, largest, threshold float64, number func(float64) string) template.HTML {
	const left, right = 58.0, 10.0
	c, body := newCanvas(id, 0, title), &canvas{id: id, w: wide}
	top := body.legend(left, 14, keys) + 16
	bottom := top + 220
	y := func(v float64) float64 { return bottom - (bottom-top)*v/largest }
	for v := 0.0; v <= largest; v += largest / 5 {
		body.line(left, y(v), wide-right, y(v), "grid")
		body.text(left-8, y(v)+4, "end", "axis", number(v))
	}
	width := (wide - left - right) / float64(max(len(bars), 1))
	every := max(1, int(math.Ceil(44/width)))
	for i, b := range bars {
		for k, s := range b.sets {
			if s[0] < 0 {
				continue
			}
			w := min(width*0.36, 26)
			x := left + width*(float64(i)+0.5) + (float64(k)-1)*(w+2)
			// The bar spans the bounds; a point would claim what is not known.
			body.rect(x, y(s[1]), w, max(y(s[0])-y(s[1]), 3), keys[k].fill, b.says[k])
		}
		if (len(bars)-1-i)%every == 0 {
			body.text(left+width*(float64(i)+0.5), bottom+18, "middle", "axis", b.name)
		}
	}
	body.line(left, y(threshold), wide-right, y(threshold), "limit")
	body.text(wide-right, y(threshold)-5, "end", "axis", number(threshold))
	body.line(left, bottom, wide-right, bottom, "base")
	return c.fit(bottom+28, body)
}
