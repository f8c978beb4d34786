package claims

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"orrery/analyzer/report"
)

// marks stand beside figures in text.
var marks = map[Verdict]string{Reproduced: "=", Compatible: "?", Contradicted: "x"}

const legend = "= gives the claim, ? may give it, x cannot"

// cell is what a group of figures has under one reading.
type cell struct {
	low, high float64
	verdict   Verdict
	any       bool
}

func (c *cell) text() string {
	if !c.any {
		return ""
	}
	text := figure(c.low)
	if c.high > c.low {
		text += "-" + figure(c.high)
	}
	return text + " " + marks[c.verdict]
}

// table arranges the figures of a finding: a row for each group, a column for each reading; where nearly every group has a reading of its own,
// readings stand in one column.
func (f *Finding) table() (readings, groups []string, cells map[[2]string]*cell) {
	cells = map[[2]string]*cell{}
	for i := range f.Figures {
		one := &f.Figures[i]
		reading := one.Reading
		if f.Claim.Quantity != Contributors {
			reading = ""
		}
		group := one.Definition
		if !slices.Contains(readings, reading) {
			readings = append(readings, reading)
		}
		if !slices.Contains(groups, group) {
			groups = append(groups, group)
		}
		at := cells[[2]string{group, reading}]
		if at == nil {
			at = &cell{low: one.Value, high: one.Value, verdict: one.Verdict, any: true}
			cells[[2]string{group, reading}] = at
		}
		at.low, at.high = min(at.low, one.Value), max(at.high, one.Value)
		if one.High != nil {
			at.high = max(at.high, *one.High)
		}
		if rank(one.Verdict) < rank(at.verdict) {
			at.verdict = one.Verdict
		}
	}
	if f.Claim.Quantity != Contributors {
		slices.SortStableFunc(groups, func(a, b string) int {
			switch x, y := f.another(a), f.another(b); {
			case x == y:
				return 0
			case x:
				return 1
			}
			return -1
		})
	}
	return readings, groups, cells
}

// others is the number of groups that decide nothing: other readings than the claim's words, behind all that decide.
func (f *Finding) others(groups []string) (n int) {
	if f.Claim.Quantity == Contributors {
		return 0 // whose readings stand in columns of their own
	}
	for _, g := range groups {
		if f.another(g) {
			n++
		}
	}
	return n
}

// another says whether a group is of other readings alone.
func (f *Finding) another(group string) bool {
	return !slices.ContainsFunc(f.Figures, func(one Figure) bool { return one.Definition == group && one.Reading == "" })
}

// otherReadings stands above figures that decide nothing.
const otherReadings = "other readings, which decide nothing:"

// figure writes a number with separators, and at most one digit behind the point.
func figure(x float64) string {
	if math.IsInf(x, 0) || math.IsNaN(x) {
		return "-"
	}
	text := strconv.FormatFloat(math.Abs(x), 'f', 1, 64)
	whole, rest, _ := strings.Cut(text, ".")
	var b strings.Builder
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	if rest != "0" {
		b.WriteString("." + rest)
	}
	if x < 0 && text != "0.0" {
		return "-" + b.String()
	}
	return b.String()
}

// says words what the claim says.
func (c *Claim) says() string {
	unit := map[string]string{Lines: "lines", Growth: "lines of growth", Contributors: "contributors", Commits: "commits", Repositories: "repositories"}[c.Quantity]
	value := figure(c.Value)
	switch {
	case c.Quantity == Share && c.Others:
		unit = "% by all but " + c.Organization
	case c.Quantity == Share:
		unit = "% by " + c.Organization
	}
	text := c.Is + " " + value
	if c.Tolerance > 0 && c.Is == About {
		tolerance := figure(c.Tolerance)
		if c.Tolerance < 1 {
			tolerance = strconv.FormatFloat(c.Tolerance, 'g', 2, 64)
		}
		text += " (+-" + tolerance + ")"
	}
	text += " " + unit
	if c.Scope.Name != "" {
		text += " in " + c.Scope.Kind + " " + c.Scope.Name
	}
	return strings.TrimSpace(text)
}

// title is the first line of a report.
func (f *Findings) title() string {
	text := fmt.Sprintf("%s: %d of %d repositories read, as of %s", f.Ecosystem, f.Read, f.Of, f.AsOf)
	for _, r := range f.Rolls {
		text += fmt.Sprintf("; membership since %.10s", r.From)
	}
	if len(f.Rolls) == 0 {
		text += "; membership as listed today"
	}
	return text
}

// coverage says of how many repositories figures are.
func (f *Finding) coverage() string {
	if f.Claim.Quantity == Repositories || f.Verdict == NotTestable {
		return ""
	}
	what := "repositories that belonged then"
	if f.listed {
		what = "repositories, as listed today,"
	}
	return fmt.Sprintf("%d of %d %s were read", f.Coverage.Read, f.Coverage.Of, what)
}

// WriteText writes findings, a screen for each claim: claim, definitions, our figures, verdict.
func WriteText(w io.Writer, f *Findings, width int) error {
	width = min(max(width, report.MinWidth), report.MaxWidth)
	var b strings.Builder
	line := func(indent, text string) {
		for _, l := range fold(report.Printable(text), width-len(indent)) {
			b.WriteString(indent + l + "\n")
		}
	}
	line("", f.title())
	for i := range f.Claims {
		one := &f.Claims[i]
		b.WriteString("\n")
		line("", fmt.Sprintf("%d. \"%s\"", i+1, one.Claim.Text))
		line("   ", one.Claim.Source.String())
		if one.Claim.Quantity != Other {
			line("   ", "taken as: "+one.Claim.says()+", "+one.Period)
		}
		readings, groups, cells := one.table()
		if len(groups) > 0 {
			label := 10
			for _, g := range groups {
				label = max(label, len(g))
			}
			label = min(label, 52)
			columns := 16
			if len(readings) == 1 {
				columns = 22
			}
			row := func(head string, texts []string) {
				text := fmt.Sprintf("   %-*.*s", label, label, head)
				for _, t := range texts {
					text += fmt.Sprintf("%*s", columns, t)
				}
				b.WriteString(strings.TrimRight(text, " ") + "\n")
			}
			if len(readings) > 1 {
				var heads []string
				for _, r := range readings {
					heads = append(heads, map[string]string{"": "as stated", ReadingTen: "ten or more", ReadingEver: "since the start"}[r]+"  ")
				}
				row("", heads)
			}
			others := one.others(groups)
			for n, g := range groups {
				if others > 0 && n == len(groups)-others {
					line("   ", otherReadings)
				}
				var texts []string
				for _, r := range readings {
					text := ""
					if at := cells[[2]string{g, r}]; at != nil {
						text = at.text()
					}
					texts = append(texts, text)
				}
				row(g, texts)
			}
		}
		verdict := strings.ToUpper(string(one.Verdict)) + ": " + one.Reason
		if one.Elsewise != "" {
			verdict += ". " + strings.ToUpper(one.Elsewise[:1]) + one.Elsewise[1:]
		}
		line("   ", verdict+".")
		if text := one.coverage(); text != "" {
			line("   ", text+"; "+legend)
		}
		if one.Claim.Note != "" {
			line("   ", "note: "+one.Claim.Note)
		}
	}
	b.WriteString("\n")
	line("", follow)
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing findings: %w", err)
	}
	return nil
}

// follow says how to follow figures.
const follow = "Every figure leads to its repositories and commits: --format json names the cells of each, for orrery explain."

// fold breaks a text into lines of some columns, at blanks.
func fold(text string, width int) (lines []string) {
	current := ""
	for _, word := range strings.Fields(text) {
		switch {
		case current == "":
			current = word
		case len([]rune(current))+1+len([]rune(word)) <= width:
			current += " " + word
		default:
			lines = append(lines, current)
			current = word
		}
	}
	return append(lines, current)
}

// WriteMarkdown writes findings as a document.
func WriteMarkdown(w io.Writer, f *Findings) error {
	var b strings.Builder
	escape := func(text string) string {
		return strings.NewReplacer("\\", "\\\\", "|", "\\|", "<", "&lt;", ">", "&gt;", "*", "\\*", "_", "\\_", "`", "\\`", "[", "\\[", "]", "\\]", "#", "\\#").Replace(report.Printable(text))
	}
	fmt.Fprintf(&b, "%s\n\n| claim | source | taken as | verdict |\n|---|---|---|---|\n", escape(f.title()))
	for i := range f.Claims {
		one := &f.Claims[i]
		fmt.Fprintf(&b, "| %d. %s | %s | %s, %s | **%s** |\n", i+1, escape(one.Claim.Text), escape(one.Claim.Source.String()), escape(one.Claim.says()), one.Period, one.Verdict)
	}
	for i := range f.Claims {
		one := &f.Claims[i]
		fmt.Fprintf(&b, "\n### %d. %s\n\n%s\n\n**%s**: %s.", i+1, escape(one.Claim.Text), escape(one.Claim.Source.String()), one.Verdict, escape(one.Reason))
		if one.Elsewise != "" {
			fmt.Fprintf(&b, " %s.", escape(one.Elsewise))
		}
		if text := one.coverage(); text != "" {
			fmt.Fprintf(&b, " %s; %s.", escape(text), legend)
		}
		b.WriteString("\n")
		if one.Claim.Note != "" {
			fmt.Fprintf(&b, "\n%s\n", escape(one.Claim.Note))
		}
		readings, groups, cells := one.table()
		if len(groups) == 0 {
			continue
		}
		b.WriteString("\n| definition |")
		for _, r := range readings {
			if r == "" {
				r = "figure"
			}
			fmt.Fprintf(&b, " %s |", escape(r))
		}
		b.WriteString("\n|---|" + strings.Repeat("---|", len(readings)) + "\n")
		others := one.others(groups)
		for n, g := range groups {
			if others > 0 && n == len(groups)-others {
				b.WriteString("| *" + otherReadings + "* |" + strings.Repeat(" |", len(readings)) + "\n")
			}
			fmt.Fprintf(&b, "| %s |", escape(g))
			for _, r := range readings {
				text := ""
				if at := cells[[2]string{g, r}]; at != nil {
					text = at.text()
				}
				fmt.Fprintf(&b, " %s |", text)
			}
			b.WriteString("\n")
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing findings: %w", err)
	}
	return nil
}

// WriteJSON writes findings with every figure.
func WriteJSON(w io.Writer, f *Findings) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	if err := e.Encode(f); err != nil {
		return fmt.Errorf("writing findings as JSON: %w", err)
	}
	return nil
}
