// Package page turns a result into one HTML file that needs no network and no script: an answer in words, a picture and the table behind it for
// each question, in English or Chinese. The script adds the switch for contractors, sorting, saving, search and zoom.
//
// It computes nothing: every figure stands in the result, with its bounds. Organizations, repositories and claims are from outside, so all text
// is escaped; the content policy allows this page's own style and script and nothing else. People are counted, never named.
package page

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"orrery/analyzer/claims"
	"orrery/analyzer/report"
	"orrery/graph"
)

var (
	//go:embed page.html
	pageFile string
	//go:embed style.css
	styleFile string
	//go:embed chart.css
	chartFile string
	//go:embed script.js
	scriptFile string
)

// ErrLanguage says that the page has no such language.
var ErrLanguage = errors.New("no such language")

// Options shape the page.
type Options struct {
	// Language is one of [Languages], "" for the first.
	Language string
	// Findings are claims that were checked; nil for none.
	Findings *claims.Findings
	// Beside are reference ecosystems, more than those that the result has.
	Beside []*report.Reference
	// Command are the words of the command that makes the page of the result, nil for that of result.json.
	Command []string
	// Source is what commands of evidence name, "" for what the result was made of.
	Source string
}

type section struct {
	ID, Title string
	Absent    string // why there is nothing; then there is nothing else
	Lead      string // the answer in a sentence
	Leads     []lead // the same, where it depends on the reading of contractors
	More      []string
	Claims    []claimItem
	Cards     []card
	Pictures  []picture
	Network   *network
	Notes     []string
	Tables    []*table
}

type lead struct{ Reading, Text string }

type claimItem struct {
	Verdict, Text, Source, Reason string
	English                       bool // of the reason, for which there are no words in the page's language
}

// About is what it takes to defend a figure. Command leads to the evidence, "" where the table alone does.
type About struct{ Definition, Of, Bounds, Command string }

type card struct {
	Value, What string
	About
}

type picture struct {
	ID          string
	Reading     string // of contractors: "apart", "merged", or "" for both
	Caption     string
	SVG, Narrow template.HTML
	About
}

func (b *builder) picture(id, reading, caption string, explained About, draw drawing) picture {
	return picture{id, reading, caption, render(id+"-c", caption, wide, draw), render(id+"-n", caption, narrow, draw), explained}
}

type network struct {
	Cut, Caption string
	About
	Keys    []struct{ Colour, Name string }
	Options []struct{ ID, Name string }
	SVG     template.HTML
}

type table struct {
	ID, Name, Caption string
	Columns           []column
	Rows              [][]cell
	Left              string // says how many rows are left out; "" for none
}

type column struct {
	Name   string
	Number bool
}

// cell is text; Value is what numbers sort by, and what is saved.
type cell struct {
	Text, Value string
	Code, Long  bool
	Terms       []term // commands in place of Text
}

// term is a command of several, with what stands before it.
type term struct{ Before, Command string }

func text(s string) cell { return cell{Text: report.Printable(s)} }

func count[N int | uint64 | int64](n N) cell {
	return cell{Text: signed(int64(n)), Value: strconv.FormatInt(int64(n), 10)}
}

func (b *builder) bounds(x *report.Share) []cell {
	if x == nil {
		return []cell{text("–"), text("–")}
	}
	return []cell{b.ratio(&x.Low), b.ratio(&x.High)}
}

func (b *builder) ratio(x *float64) cell {
	if x == nil {
		return text("–")
	}
	return cell{Text: b.percent(*x), Value: strconv.FormatFloat(*x, 'f', -1, 64)}
}

// builder collects the page.
type builder struct {
	speaker
	m       *report.Model
	o       Options
	colours map[string]string // of the organizations with most commits of all time
	order   []string          // of these
}

// explain gives the command that leads a cell of a table to its evidence.
func (b *builder) explain(parts ...string) string {
	return "orrery explain " + quoted(strings.Join(parts, ":")) + " " + b.from(explaining)
}

func (b *builder) evidence(parts ...string) cell { return cell{Text: b.explain(parts...), Code: true} }

// terms gives the commands whose figures add up to that of a claim, in percent where it is a share.
func (b *builder) terms(g *claims.Figure) (c cell) {
	for i, from := range g.From {
		before := ""
		switch {
		case from.Times < 0:
			before = " − "
		case i > 0:
			before = " + "
		}
		if i == 0 && g.Plus != 0 {
			before = strconv.FormatFloat(g.Plus, 'f', -1, 64) + b.percentSign() + before
		}
		c.Terms = append(c.Terms, term{before, b.explain(from.Cell)})
	}
	return c
}

// removal gives the command that tells what hangs on an organization.
func (b *builder) removal(organization string) string {
	return "orrery remove " + quote(organization) + " " + b.from(removing)
}

// Flags of analyze that change what these commands say, and that they know.
var (
	removing   = []string{"--organizations", "--mailmap", "--governance", "--bot", "--co-authors", "--opt-out"}
	explaining = append([]string{"--as-of", "--rev", "--range", "--roll-up", "--contractors"}, removing...)
)

// longSource is how long sources may be to stand in every command.
const longSource = 60

// from gives the sources of the result, and those of its flags that are named: in full at the foot of the page, else SOURCE.
func (b *builder) from(flags []string) string {
	if b.o.Source != "" {
		return report.Printable(b.o.Source)
	}
	c := b.m.Command
	if c == nil {
		return "SOURCE"
	}
	text := join(c.Sources)
	if len(text) > longSource || text == "" {
		text = "SOURCE"
	}
	for i, f := range c.Flags {
		if slices.Contains(flags, f) && i+1 < len(c.Flags) {
			text += " " + join(c.Flags[i:i+2])
		}
	}
	return text
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:@%+=,-]+$`)

// quote writes a word for a shell.
func quote(s string) string {
	if s = report.Printable(s); plainWord.MatchString(s) {
		return s
	}
	return quoted(s)
}

func quoted(s string) string {
	return "'" + strings.ReplaceAll(report.Printable(s), "'", `'\''`) + "'"
}

func join(words []string) string {
	out := make([]string, 0, len(words))
	for _, w := range words {
		out = append(out, quote(w))
	}
	return strings.Join(out, " ")
}

func newBuilder(m *report.Model, o Options) (*builder, error) {
	o.Language = cmp.Or(o.Language, Languages[0])
	o.Beside = slices.Concat(m.Beside, o.Beside)
	if !slices.Contains(Languages, o.Language) {
		return nil, fmt.Errorf("%q: %w; there are %s", o.Language, ErrLanguage, strings.Join(Languages, ", "))
	}
	b := &builder{speaker: speaker{o.Language}, m: m, o: o, colours: map[string]string{}}
	// The network's legend gives the colours of all pictures; where there is no network, the number of commits.
	if _, g, err := b.projection(); err == nil {
		b.order = graph.Legend(g, graph.Drawing{})
	}
	palette := graph.Palette()
	for _, r := range organizations(&m.Figures[0]) {
		if len(b.order) < len(palette) && !slices.Contains(b.order, r.Name) {
			b.order = append(b.order, r.Name)
		}
	}
	for i, who := range b.order {
		b.colours[who] = palette[i]
	}
	return b, nil
}

// fill gives the colour of an organization, contractors striped.
func (b *builder) fill(name, client string) fill {
	if c := b.colours[name]; c != "" {
		return fill{colour: c, striped: client != ""}
	}
	return fillOthers
}

func (b *builder) sections() []*section {
	list := []*section{
		b.growth(), b.people(), b.readings(), b.strata(), b.heat(), b.control(), b.factors(), b.openness(), b.exposure(), b.network(),
	}
	if b.o.Findings != nil && len(b.o.Findings.Claims) > 0 {
		list = slices.Insert(list, 0, b.claims())
	}
	return list
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// quoteCSS makes any text a string of CSS: everything but letters and digits of ASCII by its number, blanks too, since one behind a number ends it.
func quoteCSS(s string) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, r := range report.Printable(s) {
		if r < 0x80 && (r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z') {
			out.WriteRune(r)
		} else {
			fmt.Fprintf(&out, `\%06x`, r)
		}
	}
	out.WriteByte('"')
	return out.String()
}

// Write writes the page. The same result and options give the same bytes.
func Write(w io.Writer, m *report.Model, o Options) error {
	b, err := newBuilder(m, o)
	if err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	t, err := template.New("page").Funcs(template.FuncMap{"say": b.say}).Parse(pageFile)
	if err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	foot := b.foot()
	// The footer of every printed page is in the margin, where only style can write.
	always := foot[0]
	if w := b.year(); w != nil && w.AtEnd.Of > 0 {
		always += " " + foot[1]
	}
	const small = `;font:6.5pt/1.35 system-ui,"Noto Sans CJK SC",sans-serif;color:#555;vertical-align:top;padding-top:4mm`
	style := styleFile + chartFile + "@page{size:A4;margin:14mm 15mm 22mm;@bottom-left{content:" + quoteCSS(always) + ` "\a" ` + quoteCSS(b.say("foot.again")+": "+strings.Join(b.commands(), "; ")) +
		small + `;width:90%;text-align:left;white-space:pre-line}@bottom-right{content:counter(page) " / " counter(pages)` + small + `}}`
	data := struct {
		Lang, Policy, Title, Ecosystem, AsOf, Read, Question string
		Style, Script                                        template.HTML
		Brief, Foot, Commands                                []string
		Sections                                             []*section
	}{
		Lang: b.say("lang"), Title: b.say("title", name(m.Ecosystem, 60)), Ecosystem: name(m.Ecosystem, 60), AsOf: b.say("asof", m.AsOf),
		Read: b.say("of.repositories", m.Read, m.Named()), Question: b.say("question", name(m.Ecosystem, 60)),
		Policy: "default-src 'none'; style-src " + hash(style) + "; script-src " + hash(scriptFile) + "; base-uri 'none'; form-action 'none'",
		Style:  template.HTML("<style>" + style + "</style>"), Script: template.HTML("<script>" + scriptFile + "</script>"), //nolint:gosec // both are embedded, but for the quoted footer
		Brief: b.brief(), Foot: foot, Commands: b.commands(), Sections: b.sections(),
	}
	var out bytes.Buffer
	if err := t.Execute(&out, data); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}

// commands make the page again.
func (b *builder) commands() []string {
	analyze := "orrery analyze " + cmp.Or(b.o.Source, "SOURCE") + " --as-of " + b.m.AsOf
	if c := b.m.Command; c != nil {
		analyze = "orrery analyze " + join(slices.Concat(c.Sources, c.Flags))
	}
	words := b.o.Command
	if words == nil {
		words = []string{"orrery", "report", "result.json", "--lang", b.lang}
	}
	return []string{report.Printable(analyze), join(words)}
}

// foot is the provenance, the line for every printed page first.
func (b *builder) foot() []string {
	m := b.m
	known := "–"
	if c := m.Figures[0].Commits.Coverage; c != nil {
		known = b.percent(*c)
	}
	lines := []string{b.say("foot", name(m.Ecosystem, 60), m.AsOf, m.Read, m.Named(), known, name(m.Orrery, 40))}
	if w := b.year(); w != nil && w.AtEnd.Of > 0 {
		lines = append(lines, b.say("foot.members", b.heading(w.Period), w.AtEnd.Read, w.AtEnd.Of))
	}
	skipped := 0
	for _, s := range m.Skipped {
		if s.Reason != report.NotRead {
			skipped += s.Objects
		}
	}
	lines = append(lines, b.say("foot.skipped", whole(uint64(max(0, m.Named()-m.Read))), whole(uint64(skipped))))
	var options []string
	for _, o := range m.Options {
		options = append(options, report.Printable(b.told(o.Name)+b.say("colon")+b.told(o.Value)))
	}
	return append(lines, b.say("foot.options")+b.say("colon")+strings.Join(options, b.say("semicolon")))
}

// WritePieces writes the pictures as files of SVG, and report.md with the answers, pictures and tables, for slides. Files appear whole.
func WritePieces(dir string, m *report.Model, o Options) error {
	b, err := newBuilder(m, o)
	if err != nil {
		return fmt.Errorf("writing pieces: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("writing pieces: %w", err)
	}
	files := map[string]string{}
	var out strings.Builder
	fmt.Fprintf(&out, "# %s\n\n", markdown(b.say("title", name(m.Ecosystem, 60))))
	for _, p := range b.brief() {
		fmt.Fprintf(&out, "%s\n\n", markdown(p))
	}
	sections := b.sections()
	for _, s := range sections {
		fmt.Fprintf(&out, "## %s\n\n", markdown(s.Title))
		if s.Absent != "" {
			fmt.Fprintf(&out, "%s\n\n", markdown(b.say("absent", s.Absent)))
			continue
		}
		for _, l := range slices.Concat([]lead{{"", s.Lead}}, s.Leads) {
			if l.Text != "" {
				fmt.Fprintf(&out, "%s\n\n", markdown(l.Text))
			}
		}
		for _, p := range s.Pictures {
			file := p.ID + ".svg"
			files[file] = alone(string(p.SVG))
			fmt.Fprintf(&out, "![%s](%s)\n\n%s\n\n", markdown(p.Caption), file, b.explained(&p.About))
		}
		if s.Network != nil {
			var drawn bytes.Buffer
			if err := b.drawNetwork(&drawn, false); err != nil {
				return err
			}
			files["network.svg"] = drawn.String()
			fmt.Fprintf(&out, "![%s](network.svg)\n\n", markdown(s.Network.Caption))
		}
		for _, c := range s.Cards {
			fmt.Fprintf(&out, "- %s: **%s**. %s\n", markdown(c.What), markdown(c.Value), b.explained(&c.About))
		}
		for _, t := range s.Tables {
			b.markdownTable(&out, t)
		}
	}
	for _, l := range b.foot() {
		fmt.Fprintf(&out, "\n%s\n", markdown(l))
	}
	fmt.Fprintf(&out, "\n%s: %s\n", markdown(b.say("foot.again")), code(strings.Join(b.commands(), "; ")))
	files["report.md"] = out.String()
	for _, file := range slices.Sorted(maps.Keys(files)) {
		if err := writeWhole(filepath.Join(dir, file), files[file]); err != nil {
			return fmt.Errorf("writing pieces: %w", err)
		}
	}
	return nil
}

// explained says of a figure in Markdown what defends it.
func (b *builder) explained(a *About) string {
	text := fmt.Sprintf("%s: %s %s: %s %s: %s", markdown(b.say("definition")), markdown(a.Definition+"."), markdown(b.say("denominator")), markdown(a.Of+"."), markdown(b.say("bounds")), markdown(a.Bounds+"."))
	if a.Command != "" {
		text += fmt.Sprintf(" %s: %s", markdown(b.say("evidence")), code(a.Command))
	}
	return text
}

// code writes a command in Markdown.
func code(s string) string {
	return "`" + strings.NewReplacer("`", "'", "<", "&lt;").Replace(report.Printable(s)) + "`" // some readers take < for HTML, whatever stands around it
}

// alone makes a picture of the page one that stands by itself.
func alone(svg string) string {
	end := strings.Index(svg, "<defs>")
	style := chartFile
	dark := `@media (prefers-color-scheme:dark){svg.chart{--ink:#e9e8e3;--soft:#a6abb4;--rule:#33373e;--paper:#14161a;--other:#363b43;--dot:#8b919b;--hatch:#777c85;--deep:#4aa3df}}`
	return svg[:end] + "<style>" + style + dark + "</style>" + `<rect width="100%" height="100%" class="ground"/>` + svg[end:] + "\n"
}

// markdown makes text stand for itself.
func markdown(s string) string {
	var out strings.Builder
	for _, r := range report.Printable(strings.ReplaceAll(s, dash, "–")) { // no lines are broken here
		if r == '<' {
			out.WriteString("&lt;") // some readers take it for HTML, whatever stands before it
			continue
		}
		if strings.ContainsRune("\\`*_{}[]()>#+!|&~", r) {
			out.WriteByte('\\')
		}
		out.WriteRune(r)
	}
	return out.String()
}

// markdownRows is how many rows of a table stand in Markdown.
const markdownRows = 15

func (b *builder) markdownTable(out *strings.Builder, t *table) {
	if len(t.Rows) == 0 {
		return
	}
	fmt.Fprintf(out, "\n%s\n\n|", markdown(t.Caption))
	for _, c := range t.Columns {
		fmt.Fprintf(out, " %s |", markdown(c.Name))
	}
	out.WriteString("\n|")
	for _, c := range t.Columns {
		out.WriteString(map[bool]string{true: "---:|", false: "---|"}[c.Number])
	}
	for _, r := range t.Rows[:min(len(t.Rows), markdownRows)] {
		out.WriteString("\n|")
		for _, c := range r {
			if c.Terms != nil {
				out.WriteString(" ")
				for _, t := range c.Terms {
					out.WriteString(markdown(t.Before) + strings.ReplaceAll(code(t.Command), "|", `\|`))
				}
				out.WriteString(" |")
			} else if c.Code {
				fmt.Fprintf(out, " %s |", strings.ReplaceAll(code(c.Text), "|", `\|`))
			} else {
				fmt.Fprintf(out, " %s |", markdown(c.Text))
			}
		}
	}
	if rest := len(t.Rows) - markdownRows; rest > 0 {
		fmt.Fprintf(out, "\n\n(+ %d)", rest)
	}
	out.WriteString("\n\n")
}

func writeWhole(path, content string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".orrery-*")
	if err != nil {
		return err
	}
	_, err = f.WriteString(content)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
