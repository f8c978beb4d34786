package report

import (
	"fmt"
	"io"
	"strings"
)

// controlColumns are those of the table of control, in its order.
var controlColumns = []struct {
	name string
	of   func(r *ControlRow) *Share
}{
	{"contributes", func(r *ControlRow) *Share { return r.reading().Contributes }},
	{"owns", func(r *ControlRow) *Share { return r.reading().Owns }},
	{"reviews", func(r *ControlRow) *Share { return r.reading().ReviewShare }},
	{"seats", func(r *ControlRow) *Share { return r.reading().Governs }},
	{"guards", func(r *ControlRow) *Share { return r.reading().Guards }},
	{"exposed", func(r *ControlRow) *Share { return r.Exposed }},
}

// controlled are the rows of the table: organizations that have a share or a power, contractors with their client; and how many rows there are.
func (c *Control) controlled(top int) (rows []*ControlRow, all int) {
	for i := range c.Rows {
		r := &c.Rows[i]
		if r.Client != "" || strings.HasPrefix(r.Name, "(") {
			continue
		}
		worth := len(r.Governs) > 0
		for _, column := range controlColumns[:5] {
			s := column.of(r)
			worth = worth || s != nil && s.Low > 0
		}
		if !worth {
			continue
		}
		if all++; top == 0 || len(rows) < top || len(r.Governs) > 0 {
			rows = append(rows, r)
		}
	}
	return rows, all
}

// notes say what the columns are, and how much is known at all.
func (c *Control) notes(m *Model) []string {
	known := "how much is guarded is not known"
	if c.StatedShare != nil {
		known = fmt.Sprintf("a file names somebody for %s of the lines", percent(c.StatedShare))
		if c.StatedTouchesShare != nil {
			known += fmt.Sprintf(" and %s of the file changes of twelve months", percent(c.StatedTouchesShare))
		}
		known += fmt.Sprintf(" (seats in %d of %d repositories)", c.Stating, m.Read)
	}
	notes := []string{
		"contributes: commits of the last twelve months; owns: standing lines written here; reviews: reviews, approvals and integrations of others' " +
			"changes in twelve months; seats: of those that files name; guards: lines in somebody's care; exposed: lines that nobody else is active on " +
			"or guards; governs: what a governance file states. In %, contractors with their client; the higher figure takes all that is unknown for theirs.",
		fmt.Sprintf("%s; %s of %s changes of twelve months carry somebody else's review", known, number(uint64(c.Reviewed)), number(uint64(c.Changes))),
	}
	if c.Teams > 0 {
		notes = append(notes, plural(c.Teams, "seat is a team's", "seats are teams'")+", whose members are not known: teams in the ecosystem file can name them")
	}
	return notes
}

// WriteControl writes who contributes, owns, reviews, governs and is exposed to whom, beside each other: top organizations and all with a stated
// power, 0 for all; as text, or as Markdown.
func WriteControl(w io.Writer, m *Model, top, width int, asMarkdown bool) error {
	if m.Control == nil {
		return fmt.Errorf("%w: it was made before control was measured", ErrNoResult)
	}
	c := m.Control
	rows, all := c.controlled(top)
	t := text{width: min(max(width, MinWidth), MaxWidth)}
	cell := func(s *Share) string {
		if s == nil {
			return "-"
		}
		return share(s)
	}
	if asMarkdown {
		add := func(line string) { t.WriteString(line + "\n") } // however long
		add(fmt.Sprintf("%s, %d of %s, as of %s.\n", markdown(m.Ecosystem), m.Read, plural(m.Named(), "repository", "repositories"), m.AsOf))
		head, rule := "| organization |", "|---|"
		for _, column := range controlColumns {
			head, rule = head+" "+column.name+" |", rule+"---|"
		}
		add(head + " governs |\n" + rule + "---|")
		for _, r := range rows {
			line := "| " + markdown(r.Name) + " |"
			for _, column := range controlColumns {
				line += " " + cell(column.of(r)) + " |"
			}
			add(line + " " + markdown(r.says()) + " |")
		}
		add("")
		for _, note := range c.notes(m) {
			add(note + "\n")
		}
	} else {
		t.title(m)
		for _, note := range c.notes(m) {
			for _, l := range words(note, t.width) {
				t.line(l)
			}
		}
		name := t.width - 12 - 5*10
		line := pad("organization", name)
		for _, column := range controlColumns {
			line += right(column.name, max(10, cells(column.name)+1))
		}
		t.line(line)
		for _, r := range rows {
			line := pad(cut(Printable(r.Name), name), name)
			for _, column := range controlColumns {
				line += right(cell(column.of(r)), max(10, cells(column.name)+1))
			}
			t.line(line)
			if len(r.Governs) > 0 {
				for _, l := range wrap("  governs: ", r.Governs, t.width) {
					t.line(l)
				}
			}
		}
	}
	silent := 0
	for _, r := range rows {
		if len(r.Governs) == 0 {
			silent++
		}
	}
	left := ""
	if more := all - len(rows); more > 0 {
		left = fmt.Sprintf("; %d more organizations in control.csv", more)
	}
	t.line(fmt.Sprintf("governs: %s for %d of these%s", NotStated, silent, left))
	if _, err := io.WriteString(w, t.String()); err != nil {
		return fmt.Errorf("writing control: %w", err)
	}
	return nil
}

func right(s string, width int) string { return strings.Repeat(" ", max(1, width-cells(s))) + s }

// words breaks a text into lines of some columns.
func words(s string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(s) {
		if line != "" && cells(line)+1+cells(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
