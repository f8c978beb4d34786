package page

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"

	"orrery/analyzer/report"
)

// canvas is a picture in SVG, of classes that chart.css knows: it follows the page into the dark, and onto paper. What is drawn needs no script.
type canvas struct {
	strings.Builder
	id    string
	w     float64
	small bool // for the width of a telephone: labels stand above, not beside
}

// Charts are drawn twice, since text that is made smaller with its picture cannot be read: for a page, and for a telephone.
const (
	wide   = 720.0
	narrow = 350.0
)

// drawing draws on a canvas, and gives the height that it took.
type drawing func(c *canvas) (height float64)

// render makes a picture of a drawing. Bands that belong together, others, and what is not known differ without colours too.
func render(id, title string, width float64, draw drawing) template.HTML {
	c := &canvas{id: id, w: width, small: width < wide}
	h := draw(c)
	return template.HTML(fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" class="chart%[6]s" viewBox="0 0 %[1]s %[2]s" role="img" aria-labelledby="%[3]s-t"><title id="%[3]s-t">%[4]s</title>`+ //nolint:gosec // text in it goes through esc
		`<defs><pattern id="%[3]s-u" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="6" height="6" class="ground"/><rect width="2" height="6" class="hatch"/></pattern>`+
		`<pattern id="%[3]s-o" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6" class="others"/><circle cx="1.5" cy="1.5" r=".9" class="dot"/><circle cx="4.5" cy="4.5" r=".9" class="dot"/></pattern>`+
		`<pattern id="%[3]s-s" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="2" height="7" class="stripe"/></pattern></defs>%[5]s</svg>`,
		num(width), num(h), id, esc(title), c.String(), map[bool]string{true: " small", false: ""}[c.small]))
}

func esc(s string) string { return template.HTMLEscapeString(s) }

func num(x float64) string { return strconv.FormatFloat(math.Round(x*10)/10, 'f', -1, 64) }

// fill is how an area is drawn: a colour, or one of the names below.
type fill struct {
	colour  string // "" for the class
	class   string
	unknown bool // hatched
	others  bool // dotted
	striped bool // on its colour
}

var (
	fillUnknown = fill{unknown: true}
	fillOthers  = fill{others: true}
)

func (c *canvas) style(f fill) string {
	switch {
	case f.unknown:
		return fmt.Sprintf(`fill="url(#%s-u)"`, c.id)
	case f.others:
		return fmt.Sprintf(`fill="url(#%s-o)"`, c.id)
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
func (c *canvas) legend(x float64, keys []key) float64 {
	at, y := x, 14.0
	for _, k := range keys {
		w := 22 + 6.6*columns(k.name) + 16
		if at > x && at+w-16 > c.w {
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
func intervals(rows []interval, largest, step float64, unit func(float64) string, keys []key) drawing {
	return func(c *canvas) float64 {
		left, right, row, bar := 190.0, 130.0, 30.0, 6.0
		if c.small {
			left, right, row, bar = 2, 104, 44, 20
		}
		top := 14.0
		if len(keys) > 0 {
			top = c.legend(left, keys) + 14
		}
		bottom := top + row*float64(len(rows))
		x := func(v float64) float64 { return left + (c.w-left-right)*v/largest }
		for v := 0.0; v <= largest*1.0001; v += step {
			c.line(x(v), top-4, x(v), bottom, "grid")
			anchor := "middle"
			if c.small && v == 0 {
				anchor = "start"
			}
			c.text(x(v), bottom+16, anchor, "axis", unit(v))
		}
		for i, r := range rows {
			y := top + row*float64(i)
			if c.small {
				c.ground(left, y, 7*columns(r.label), 18)
				c.text(left, y+14, "start", "label", r.label)
			} else {
				c.text(left-10, y+19, "end", "label", r.label)
			}
			c.rect(x(0), y+bar, x(r.low)-x(0), 18, r.fill, r.says)
			c.rect(x(r.low), y+bar, x(r.high)-x(r.low), 18, fillUnknown, r.says)
			if r.mark > 0 {
				c.line(x(r.mark), y+bar-3, x(r.mark), y+bar+21, "tick")
			}
			c.ground(x(r.high)+4, y+bar, 7*columns(r.text), 18)
			c.text(x(r.high)+8, y+bar+13, "start", "value", r.text)
		}
		c.line(left, top-4, left, bottom, "base")
		return bottom + 26
	}
}

// ground hides lines behind text.
func (c *canvas) ground(x, y, w, h float64) {
	fmt.Fprintf(c, `<rect x="%s" y="%s" width="%s" height="%s" class="ground"/>`, num(x), num(y), num(max(0, min(w, c.w-x))), num(h))
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
func waterfall(falls []fall, kinds []key, number func(float64) string) drawing {
	return func(c *canvas) float64 {
		right := 10.0
		if c.small {
			right = 4
		}
		largest, widest := 0.0, 0.0
		for _, f := range falls {
			at := f.start
			largest = max(largest, at, f.end)
			for _, p := range f.parts {
				at += p
				largest = max(largest, at)
			}
			widest = max(widest, 7.4*columns(f.total)+6)
		}
		most, step := scale(largest)
		left := margin(most, step, number)
		top := c.legend(left, kinds) + 26
		bottom := top + 270
		y := func(v float64) float64 { return bottom - (bottom-top)*v/most }
		for v := 0.0; v <= most*1.0001; v += step {
			c.line(left, y(v), c.w-right, y(v), "grid")
			c.text(left-8, y(v)+4, "end", "axis", number(v))
		}
		width := (c.w - left - right) / float64(max(len(falls), 1))
		every, totals := max(1, int(math.Ceil(38/width))), max(1, int(math.Ceil(widest/width)))
		for i, f := range falls {
			x := left + width*float64(i)
			bar := width * 0.86 / float64(len(kinds))
			at, high := f.start, max(f.start, f.end)
			for k, p := range f.parts {
				bx := x + width*0.07 + bar*float64(k)
				lo, hi := min(at, at+p), max(at, at+p)
				if p != 0 {
					style := kinds[k].fill
					style.striped = p < 0
					c.rect(bx, y(hi), bar-min(1, bar/4), max(y(lo)-y(hi), 1), style, f.says[k])
				}
				at += p
				high = max(high, at)
				c.line(bx, y(at), min(bx+2*bar, x+width), y(at), "step")
			}
			if (len(falls)-1-i)%every == 0 {
				c.text(x+width/2, bottom+18, "middle", "axis", f.name)
			}
			if (len(falls)-1-i)%totals == 0 {
				c.text(min(x+width, c.w-right), y(high)-7, "end", "value", f.total)
			}
		}
		c.line(left, bottom, c.w-right, bottom, "base")
		return bottom + 28
	}
}

// margin is as wide as the figures of an axis.
func margin(most, step float64, number func(float64) string) (left float64) {
	for v := 0.0; v <= most*1.0001; v += step {
		left = max(left, 12+6.8*columns(number(v)))
	}
	return left
}

// band is a layer of a stack.
type band struct {
	name   string
	fill   fill
	values []float64
}

// stack draws layers over time, as columns of 100 % or as areas from 0. The names of layers stand beside the last column, or above all.
func stack(names []string, bands []band, percent bool, number func(float64) string) drawing {
	return func(c *canvas) float64 {
		right, top := 178.0, 16.0
		if c.small {
			right = 14
			var keys []key
			for _, b := range slices.Backward(bands) {
				keys = append(keys, key{b.fill, b.name})
			}
			top = c.legend(2, keys) + 14
		}
		bottom := top + 284
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
		left := margin(most, step, number)
		y := func(v float64) float64 { return bottom - (bottom-top)*v/most }
		for v := 0.0; v <= most*1.0001; v += step {
			c.line(left, y(v), c.w-right, y(v), "grid")
			c.text(left-8, y(v)+4, "end", "axis", number(v))
		}
		n := len(names)
		width := (c.w - left - right) / float64(max(n, 1))
		x := func(i int) float64 { return left + width*float64(i) }
		if !percent {
			width = (c.w - left - right) / float64(max(n-1, 1))
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
					c.rect(x(i)+width*0.06, y(next[i]), width*0.88, y(base[i])-y(next[i]), b.fill, fmt.Sprintf("%s, %s: %s", names[i], b.name, number(next[i]-base[i])))
				}
			} else if n > 0 {
				c.path(outline(n, func(i int) (float64, float64, float64) { return x(i), y(next[i]), y(base[i]) }), b.fill,
					fmt.Sprintf("%s: %s, %s", b.name, names[n-1], number(next[n-1]-base[n-1])))
			}
			if n > 0 {
				tops[k] = (next[n-1] + base[n-1]) / 2
			}
			base = next
		}
		if !c.small {
			for k, at := range apartFrom(tops, y, top) {
				c.rect(c.w-right+10, at-10, 12, 12, bands[k].fill, bands[k].name)
				c.text(c.w-right+28, at, "start", "key", bands[k].name)
			}
		}
		every := max(1, int(math.Ceil(64/max(width, 0.1))))
		for i := n - 1; i >= 0; i -= every {
			at, anchor := x(i), "middle"
			if percent {
				at += width / 2
			}
			if c.small && i == n-1 {
				at, anchor = c.w, "end"
			}
			if at-30 > left-40 {
				c.text(at, bottom+18, anchor, "axis", names[i])
			}
		}
		c.line(left, bottom, c.w-right, bottom, "base")
		return bottom + 28
	}
}

// outline runs along the upper ends of columns, and back along the lower ones.
func outline(n int, at func(i int) (x, high, low float64)) string {
	var d strings.Builder
	for i := range n {
		x, high, _ := at(i)
		fmt.Fprintf(&d, "%s%s %s", map[bool]string{true: "M", false: "L"}[i == 0], num(x), num(high))
	}
	for i := n - 1; i >= 0; i-- {
		x, _, low := at(i)
		fmt.Fprintf(&d, "L%s %s", num(x), num(low))
	}
	return d.String() + "Z"
}

// apartFrom sets names beside the middles of layers so that they make room for each other, the first lowest.
func apartFrom(middles []float64, y func(float64) float64, top float64) []float64 {
	at := make([]float64, len(middles))
	for k := range middles {
		at[k] = y(middles[k]) + 4
		if k > 0 {
			at[k] = min(at[k], at[k-1]-18)
		}
	}
	for k := len(at) - 1; k >= 0; k-- {
		at[k] = max(at[k], top+4+18*float64(len(at)-1-k))
	}
	return at
}

// deepFrom is how dark a cell is whose figure is written in light: where both inks are read equally well.
const deepFrom = 0.72

// heat draws shares as cells, with their figures.
func heat(rows, columnNames []string, values [][]float64, says func(row, column int) string) drawing {
	return func(c *canvas) float64 {
		left, cell, most, lean, right := 190.0, 26.0, 26, -32.0, 52.0 // the last name leans over the margin
		if c.small {
			left, most, lean, right = 114, 15, -58, 24
		}
		longest := 0.0
		for _, n := range columnNames {
			longest = max(longest, columns(n))
		}
		top := 18 + 6.9*longest*math.Sin(-lean*math.Pi/180)
		width := (c.w - left - right) / float64(max(len(columnNames), 1))
		for k, n := range columnNames {
			x := left + width*(float64(k)+0.5)
			fmt.Fprintf(c, `<text transform="translate(%s %s) rotate(%s)" class="key">%s</text>`, num(x-2), num(top-8), num(lean), esc(n))
		}
		for i, r := range rows {
			y := top + cell*float64(i)
			c.text(left-8, y+17, "end", "label", name(r, most))
			for k := range columnNames {
				v := values[i][k]
				x := left + width*float64(k)
				fmt.Fprintf(c, `<rect x="%s" y="%s" width="%s" height="%s" class="ground"/>`, num(x), num(y), num(width-2), num(cell-2))
				fmt.Fprintf(c, `<rect x="%s" y="%s" width="%s" height="%s" class="heat" fill-opacity="%s"><title>%s</title></rect>`,
					num(x), num(y), num(width-2), num(cell-2), strconv.FormatFloat(math.Round(100*v)/100, 'f', -1, 64), esc(says(i, k)))
				class := "cell"
				if v > deepFrom {
					class = "cell deep"
				}
				text := strconv.FormatFloat(100*v, 'f', 0, 64)
				if v == 0 {
					text = "·"
				} else if v < 0.005 {
					text = "<1"
				}
				c.text(x+width/2-1, y+16, "middle", class, text)
			}
		}
		return top + cell*float64(len(rows)) + 8
	}
}

// indexBar is a year of a chart of an index.
type indexBar struct {
	name string
	sets [][2]float64 // low and high, below 0 for none
	says []string
}

// indices draws bounds of an index by year, side by side for each reading, over a threshold.
func indices(bars []indexBar, keys []key, largest, threshold float64, number func(float64) string) drawing {
	return func(c *canvas) float64 {
		left, right := 58.0, 10.0
		if c.small {
			left, right = 48, 4
		}
		top := c.legend(left, keys) + 16
		bottom := top + 220
		y := func(v float64) float64 { return bottom - (bottom-top)*v/largest }
		for v := 0.0; v <= largest; v += largest / 5 {
			c.line(left, y(v), c.w-right, y(v), "grid")
			c.text(left-8, y(v)+4, "end", "axis", number(v))
		}
		width := (c.w - left - right) / float64(max(len(bars), 1))
		every := max(1, int(math.Ceil(40/width)))
		for i, b := range bars {
			for k, s := range b.sets {
				if s[0] < 0 {
					continue
				}
				w := min(width*0.36, 26)
				x := left + width*(float64(i)+0.5) + (float64(k)-1)*(w+2)
				// The bar spans the bounds; a point would claim what is not known.
				c.rect(x, y(s[1]), w, max(y(s[0])-y(s[1]), 3), keys[k].fill, b.says[k])
			}
			if (len(bars)-1-i)%every == 0 {
				c.text(left+width*(float64(i)+0.5), bottom+18, "middle", "axis", b.name)
			}
		}
		c.line(left, y(threshold), c.w-right, y(threshold), "limit")
		c.text(c.w-right, y(threshold)-5, "end", "axis", number(threshold))
		c.line(left, bottom, c.w-right, bottom, "base")
		return bottom + 28
	}
}

// panels draws bounds from 0 to 100 % in columns, a row for each organization. figure words bounds.
func panels(labels, titles []string, cells [][]*report.Share, figure func(*report.Share) string) drawing {
	return func(c *canvas) float64 {
		left, row, top, at := 176.0, 40.0, 34.0, 0.0
		if c.small {
			left, row, at = 2, 58, 20
		}
		width := (c.w - left) / float64(len(titles))
		bar := width - 22
		for k, what := range titles {
			x := left + width*float64(k)
			c.text(x, 16, "start", "key", what)
			for _, v := range []float64{0, 0.5, 1} {
				c.line(x+bar*v, top-8, x+bar*v, top+row*float64(len(labels)), "grid")
				anchor := "middle"
				if v == 0 {
					anchor = "start"
				}
				if !c.small || v != 0.5 {
					c.text(x+bar*v, top+row*float64(len(labels))+16, anchor, "axis", strconv.Itoa(int(100*v)))
				}
			}
		}
		for i, l := range labels {
			y := top + row*float64(i)
			if c.small {
				c.ground(left, y, 7*columns(l), 18)
				c.text(left, y+13, "start", "label", l)
			} else {
				c.text(left-12, y+12, "end", "label", l)
			}
			for k, what := range titles {
				x := left + width*float64(k)
				v := cells[i][k]
				if v == nil {
					c.text(x, y+at+12, "start", "axis", "–")
					continue
				}
				says := fmt.Sprintf("%s, %s: %s", l, what, figure(v))
				c.rect(x, y+at, bar*v.Low, 13, fill{colour: "#0072B2"}, says)
				c.rect(x+bar*v.Low, y+at, bar*(v.High-v.Low), 13, fillUnknown, says)
				text := strings.TrimRight(figure(v), "\u00a0%")
				c.ground(x+1, y+at+15, 6.4*columns(text), 14)
				c.text(x, y+at+27, "start", "axis", text)
			}
		}
		return top + row*float64(len(labels)) + 26
	}
}
