package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"orrery/analyzer/measure"
)

// The size of the text of changes.
const (
	changesLines   = 40
	changesTop     = 8 // organizations, and flows, that are listed
	changesReasons = 3 // of a move
	changesNames   = 4 // of what is new or gone
)

// paragraph is a part of the text of changes: a heading, a table or sentences.
type paragraph struct {
	title     string
	head      []string   // of the table; nil for none
	rows      [][]string // as long as head
	sentences []string
}

// paragraphs say what moved in a window, the most important first. Each leaves out what is small, and says how much.
func (c *Changes) paragraphs(w *WindowChange) []paragraph {
	list := []paragraph{c.circumstances(w)}
	figures := paragraph{title: Printable(w.Window), head: []string{"figure", "before", "after", "change"}}
	for _, n := range w.Counts {
		switch n.Name {
		case countCoverage:
			figures.rows = append(figures.rows, []string{n.Name, percent(n.From), percent(n.To), points(n.From, n.To)})
			continue
		case countContributors: // one line for the range
			most := w.Counts[slices.IndexFunc(w.Counts, func(c Count) bool { return c.Name == countMost })]
			figures.rows = append(figures.rows, []string{n.Name, bounds(n.From, most.From, 0), bounds(n.To, most.To, 0), delta(n.From, n.To, 0)})
			continue
		case countMost:
			continue
		}
		figures.rows = append(figures.rows, []string{n.Name, plain(n.From), plain(n.To), delta(n.From, n.To, 0)})
	}
	var why, moved []string
	for _, i := range w.Indices {
		name := map[string]string{measure.KeyHHI: "HHI", measure.KeyAbsenceFactor: "absence factor (persons)"}[i.Metric]
		if name == "" {
			name = measure.MetricByKey(i.Metric).Title
		}
		if i.Contractors == merged {
			name += ", contractors merged"
		}
		figures.rows = append(figures.rows, []string{name, bounds(i.LowFrom, i.HighFrom, 0), bounds(i.LowTo, i.HighTo, 0), delta(i.LowFrom, i.LowTo, 0)})
		if reason := i.because(); reason != "" && i.Contractors != merged {
			why = append(why, name+": "+reason)
		}
	}
	list = append(list, figures)

	shares := paragraph{title: "share of " + c.Of, head: []string{"organization", "before, %", "after, %", "change of both bounds"}}
	left := 0
	for _, reading := range []string{apart, merged} {
		shown := 0
		for _, s := range w.Shares {
			if s.Contractors != reading || math.Abs(s.LowTo-s.LowFrom) < 5e-5 && math.Abs(s.HighTo-s.HighFrom) < 5e-5 {
				continue
			}
			if reading == merged && w.sameApart(s) {
				continue
			}
			if shown == changesTop/2 {
				left++
				continue
			}
			shown++
			name := Printable(s.Organization)
			if reading == merged {
				name += " with suppliers"
			}
			shares.rows = append(shares.rows, []string{
				name, share(&Share{Low: s.LowFrom, High: s.HighFrom}), share(&Share{Low: s.LowTo, High: s.HighTo}), signedPoints(s.LowTo-s.LowFrom) + ", " + signedPoints(s.HighTo-s.HighFrom) + " points",
			})
			if reading == apart {
				moved = append(moved, fmt.Sprintf("%s %s (low bound): %s", name, signedPoints(s.LowTo-s.LowFrom), s.because()))
			}
		}
	}
	switch {
	case left > 0:
		shares.sentences = []string{plural(left, "other share moves", "other shares move") + "; all are in the JSON form"}
	case shares.rows == nil:
		shares.head, shares.sentences = nil, []string{"none moves"}
	}
	list = append(list, shares)

	reasons := paragraph{title: "why", sentences: append(moved, why...)}
	flows := w.Reattributed
	for _, f := range flows[:min(len(flows), changesTop/2)] {
		text := fmt.Sprintf("reattributed: %s %s from %s to %s (%s", plain(&f.Amount), c.Of, Printable(f.From), Printable(f.To), named(f.Repositories, 2, c.Of))
		if len(f.People) > 0 {
			text += "; " + named(f.People, 2, c.Of)
		}
		reasons.sentences = append(reasons.sentences, text+")")
	}
	if n := len(flows) - changesTop/2; n > 0 {
		reasons.sentences = append(reasons.sentences, plural(n, "other flow is", "other flows are")+" in the JSON form")
	}
	for _, l := range []struct {
		what string
		list []Amounted
	}{{"new organizations", w.NewParties}, {"gone organizations", w.GoneParties}, {"new people", w.NewPeople}, {"people who are gone", w.GonePeople}} {
		if len(l.list) > 0 {
			reasons.sentences = append(reasons.sentences, fmt.Sprintf("%s: %s: %s", l.what, number(uint64(len(l.list))), named(l.list, changesNames, c.Of)))
		}
	}
	if c.Warning != "" {
		reasons.sentences = append(reasons.sentences, "people are not compared: "+c.Warning)
	}
	if !w.Explained {
		reasons.sentences = append(reasons.sentences, "reattributed work is not told apart: a range, or a result without a ledger")
	} else if w.From != w.To {
		reasons.sentences = append(reasons.sentences, "the window covers other dates: work that left it counts as much as work that came")
	}
	if reasons.sentences == nil {
		reasons.sentences = []string{"nothing is new, gone or reattributed"}
	}
	return append(list, reasons)
}

// circumstances names what differs about the results themselves.
func (c *Changes) circumstances(w *WindowChange) paragraph {
	p := paragraph{title: fmt.Sprintf("%s: from %s to %s", Printable(c.To.Ecosystem), c.From.AsOf, c.To.AsOf)}
	shown := 0
	for _, d := range c.Differences {
		// Windows that nobody looks at can wait.
		if name, ok := strings.CutPrefix(d.What, "window "); ok && name != w.Window {
			continue
		}
		if shown++; shown > changesTop {
			continue
		}
		p.sentences = append(p.sentences, fmt.Sprintf("differs: %s: %s, then %s", Printable(d.What), Printable(d.From), Printable(d.To)))
	}
	if shown > changesTop {
		p.sentences = append(p.sentences, plural(shown-changesTop, "other difference is", "other differences are")+" in the JSON form")
	}
	r := &c.Repositories
	text := fmt.Sprintf("repositories: %d of %d read, then %d of %d", c.From.Read, c.From.Of, c.To.Read, c.To.Of)
	for _, l := range []struct {
		what string
		keys []string
	}{{"new", r.New}, {"gone", r.Gone}, {"read now", r.Found}, {"no longer read", r.Lost}} {
		if n := len(l.keys); n > 0 {
			text += fmt.Sprintf("; %s: %s", l.what, Printable(strings.Join(l.keys[:min(n, changesNames)], ", ")))
			if n > changesNames {
				text += fmt.Sprintf(" and %d more", n-changesNames)
			}
		}
	}
	p.sentences = append(p.sentences, text+fmt.Sprintf("; %d at another commit, %d at the same", r.Moved, r.Unmoved))
	return p
}

// sameApart says that the share of an organization in the merged reading is that of the other reading.
func (w *WindowChange) sameApart(s ShareMove) bool {
	for _, o := range w.Shares {
		if o.Contractors == apart && o.Organization == s.Organization {
			return o.LowFrom == s.LowFrom && o.LowTo == s.LowTo && o.HighFrom == s.HighFrom && o.HighTo == s.HighTo
		}
	}
	return false
}

// because lists the terms that move a share most, and the sum of the others.
func (s *ShareMove) because() string {
	var parts []string
	rest, n := 0.0, 0
	for i, r := range s.Repositories {
		if i >= changesReasons {
			rest += r.Low
			n++
			continue
		}
		text := Printable(r.Name) + " " + signedPoints(r.Low)
		if r.Kind != ByWork {
			text += " (" + r.Kind + ")"
		}
		parts = append(parts, text+",")
	}
	if n > 0 {
		parts = append(parts, plural(n, "other", "others")+" "+signedPoints(rest))
	}
	return strings.TrimSuffix(strings.Join(parts, " "), ",")
}

func (i *IndexMove) because() string {
	if i.Metric != measure.KeyHHI {
		var parts []string
		for _, t := range i.Terms[:min(len(i.Terms), changesNames)] {
			verb := "came into the half"
			if t.Amount < 0 {
				verb = "left the half"
			}
			parts = append(parts, Printable(t.Name)+" "+verb)
		}
		if n := len(i.Terms) - changesNames; n > 0 {
			parts = append(parts, plural(n, "other", "others"))
		}
		return strings.Join(parts, ", ")
	}
	if len(i.Terms) == 0 || math.Abs(i.Terms[0].Amount) < 0.5 {
		return ""
	}
	text := signedNamed(i.Terms, changesReasons) + " points"
	if repositories := signedNamed(sumByName(i.Repositories), changesReasons); repositories != "" {
		text += "; by repository " + repositories
	}
	return text
}

func sumByName(list []Reason) []Amounted {
	sums := map[string]float64{}
	for _, r := range list {
		sums[r.Name] += r.Low
	}
	return ranked(sums)
}

// signedNamed lists the first of a list with their signs, and sums the others up. What rounds to nothing is not counted.
func signedNamed(list []Amounted, top int) string {
	var parts []string
	rest, n := 0.0, 0
	for i, a := range list {
		small := math.Abs(a.Amount) < 0.5
		if i < top && !small {
			parts = append(parts, Printable(a.Name)+" "+signedFloat(a.Amount, 0))
			continue
		}
		rest += a.Amount
		if !small {
			n++
		}
	}
	if n > 0 {
		parts = append(parts, plural(n, "other", "others")+" "+signedFloat(rest, 0))
	}
	return strings.Join(parts, ", ")
}

// named lists the first of a list with their amounts, and counts the others.
func named(list []Amounted, top int, unit string) string {
	var parts []string
	for _, a := range list[:min(len(list), top)] {
		parts = append(parts, Printable(a.Name)+" "+plain(&a.Amount))
	}
	text := strings.Join(parts, ", ")
	if n := len(list) - top; n > 0 {
		rest := 0.0
		for _, a := range list[top:] {
			rest += a.Amount
		}
		text += fmt.Sprintf(", %s %s", plural(n, "other", "others"), plain(&rest))
	}
	return text + " " + unit
}

// plain prints a whole amount.
func plain(x *float64) string {
	if x == nil {
		return "-"
	}
	return signedNumber(*x, "")
}

func signedNumber(x float64, plus string) string {
	switch r := math.Round(x); {
	case math.Abs(r) >= 1<<63:
		return strconv.FormatFloat(x, 'g', 6, 64)
	case r < 0:
		return "-" + number(uint64(-r))
	case r > 0:
		return plus + number(uint64(r))
	}
	return "0"
}

func delta(a, b *float64, digits int) string {
	if a == nil || b == nil {
		return "-"
	}
	return signedFloat(*b-*a, digits)
}

func signedFloat(x float64, digits int) string {
	if digits == 0 {
		return signedNumber(x, "+")
	}
	s := strconv.FormatFloat(x, 'f', digits, 64)
	switch {
	case strings.Trim(s, "-0.") == "":
		return strings.TrimPrefix(s, "-")
	case x > 0:
		return "+" + s
	}
	return s
}

func points(a, b *float64) string {
	if a == nil || b == nil {
		return "-"
	}
	return signedPoints(*b-*a) + " points"
}

// signedPoints prints a difference of shares in points of a hundred.
func signedPoints(x float64) string { return signedFloat(100*x, 2) }

// window finds the change of a window.
func (c *Changes) window(name string) (*WindowChange, error) {
	var names []string
	for i := range c.Windows {
		if c.Windows[i].Window == name {
			return &c.Windows[i], nil
		}
		names = append(names, strconv.Quote(c.Windows[i].Window))
	}
	return nil, fmt.Errorf("the results have no window %q in common; there are %s", name, strings.Join(names, ", "))
}

// WriteChanges prints what moved in a window: at most 40 lines of at most width columns (between [MinWidth] and [MaxWidth]).
func WriteChanges(w io.Writer, c *Changes, window string, width int) error {
	change, err := c.window(window)
	if err != nil {
		return err
	}
	t := text{width: min(max(width, MinWidth), MaxWidth)}
	list := c.paragraphs(change)
	for _, p := range list {
		t.line(p.title)
		if len(p.rows) > 0 {
			t.table(p)
		}
		for i, s := range p.sentences {
			lines := wrapped(s, t.width-2)
			// The last line is for saying that something is left out.
			if t.lines+len(lines) > changesLines-1 && (t.lines+len(lines) > changesLines || i < len(p.sentences)-1) {
				t.line(fmt.Sprintf("  %s in the JSON form", plural(len(p.sentences)-i, "sentence more is", "sentences more are")))
				break
			}
			for _, l := range lines {
				t.line("  " + l)
			}
		}
	}
	if _, err := io.WriteString(w, t.String()); err != nil {
		return fmt.Errorf("writing changes: %w", err)
	}
	return nil
}

// wrapped breaks a sentence into at most two lines.
func wrapped(s string, width int) []string {
	lines := fold(s, width)
	if len(lines) > 2 {
		lines = []string{lines[0], cut(strings.Join(lines[1:], " "), width)}
	}
	return lines
}

// table prints a paragraph's: the first column to the left, and cut where there is no room.
func (t *text) table(p paragraph) {
	rows := append([][]string{p.head}, p.rows...)
	widths := make([]int, len(p.head))
	for _, r := range rows {
		for i, c := range r {
			widths[i] = max(widths[i], cells(c))
		}
	}
	last := len(widths) - 1
	sum := 2
	for _, w := range widths[1:last] {
		sum += w + gap
	}
	widths[0] = min(widths[0], max(t.width-sum-gap-widths[last], 12))
	for _, r := range rows {
		s := "  " + pad(cut(r[0], widths[0]), widths[0])
		for i := 1; i < last; i++ {
			s += strings.Repeat(" ", gap) + padLeft(r[i], widths[i])
		}
		s += strings.Repeat(" ", gap) + padLeft(r[last], widths[last])
		t.line(s)
	}
}

// WriteChangesMarkdown prints the same as Markdown for a mail.
func WriteChangesMarkdown(w io.Writer, c *Changes, window string) error {
	change, err := c.window(window)
	if err != nil {
		return err
	}
	var b strings.Builder
	for i, p := range c.paragraphs(change) {
		fmt.Fprintf(&b, "%s %s\n\n", strings.Repeat("#", min(i+2, 3)), markdown(p.title))
		if len(p.rows) > 0 {
			b.WriteString("| " + strings.Join(p.head, " | ") + " |\n|---|" + strings.Repeat("---:|", len(p.head)-1) + "\n")
			for _, r := range p.rows {
				for _, cell := range r {
					b.WriteString("| " + markdown(cell) + " ")
				}
				b.WriteString("|\n")
			}
			b.WriteString("\n")
		}
		for _, s := range p.sentences {
			b.WriteString("- " + markdown(s) + "\n")
		}
		if len(p.sentences) > 0 {
			b.WriteString("\n")
		}
	}
	if _, err := io.WriteString(w, strings.TrimSuffix(b.String(), "\n")); err != nil {
		return fmt.Errorf("writing changes: %w", err)
	}
	return nil
}

// markdown escapes what Markdown, or HTML in it, would take for its own.
func markdown(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '<':
			b.WriteString("&lt;")
			continue
		case r == '&':
			b.WriteString("&amp;")
			continue
		case strings.ContainsRune("\\`*_[]|~#!>", r):
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	// A bare address would become a link.
	return strings.ReplaceAll(b.String(), "://", ":&#47;/")
}

// WriteChangesJSON prints all windows as JSON, laid out as result.json.
func WriteChangesJSON(w io.Writer, c *Changes) error { return writeJSON(w, c, "changes") }
