package components

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"orrery/analyzer/report"
)

// WriteJSON writes all of it.
func (d *Dependence) WriteJSON(w io.Writer) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	if err := out.Encode(d); err != nil {
		return fmt.Errorf("writing dependence: %w", err)
	}
	return nil
}

// groups are the lists of holders by what they are.
func (d *Dependence) groups() []struct {
	name string
	list []Holder
} {
	return []struct {
		name string
		list []Holder
	}{{"organization", d.Organizations}, {"country", d.Countries}, {"country of parent", d.Parents}}
}

// WriteCSV writes a row for each organization and country, and for each component.
func (d *Dependence) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	number := func(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }
	records := [][]string{{
		"by", "name", "commits_low", "commits_high", "lines_low", "lines_high", "components_low", "components_high", "version", "purl", "repository", "rule", "why",
	}}
	for _, g := range d.groups() {
		for _, h := range g.list {
			records = append(records, []string{
				g.name, report.Cell(h.Name), number(h.Commits.Low), number(h.Commits.High), number(h.Lines.Low), number(h.Lines.High),
				strconv.Itoa(h.Most[0]), strconv.Itoa(h.Most[1]), "", "", "", "", "",
			})
		}
	}
	for _, c := range d.List {
		records = append(records, []string{
			"component", report.Cell(c.Name), "", "", "", "", "", "", report.Cell(c.Version), report.Cell(c.PURL), report.Cell(c.Repository), c.Rule, report.Cell(c.Why),
		})
	}
	if err := out.WriteAll(records); err != nil {
		return fmt.Errorf("writing dependence: %w", err)
	}
	return nil
}

// listed is how many components without a repository, and how many holders of a kind, the text names.
const listed = 15

// WriteText writes a screen or two.
func (d *Dependence) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d of %d components joined to repositories, %s, as of %s\n", report.Printable(d.Ecosystem), d.Joined, d.Components, d.Form, d.AsOf)
	fmt.Fprintf(&b, "In %% of all components, each counting one; contractors count for their client. The higher figure\n"+
		"takes what is unknown, and every component that was not joined, for theirs.\n")
	if d.Dormant > 0 {
		fmt.Fprintf(&b, "%d joined components had no commit in the window: nobody's.\n", d.Dormant)
	}
	share := func(s report.Share) string {
		low, high := fmt.Sprintf("%.1f", 100*s.Low), fmt.Sprintf("%.1f", 100*s.High)
		if low == high {
			return low
		}
		return low + "-" + high
	}
	for _, g := range d.groups() {
		fmt.Fprintf(&b, "\n%-28s %20s %16s %16s\n", g.name, "commits", "standing lines", "more than half")
		if g.name == "organization" {
			fmt.Fprintf(&b, "%-28s %20s %16s %16s\n", "", d.Window, "", "of, components")
		}
		for i, h := range g.list {
			if i == listed {
				fmt.Fprintf(&b, "and %d more\n", len(g.list)-i)
				break
			}
			name := []rune(report.Printable(h.Name))
			if len(name) > 28 {
				name = append(name[:27], '…')
			}
			most := strconv.Itoa(h.Most[0])
			if h.Most[0] != h.Most[1] {
				most += "-" + strconv.Itoa(h.Most[1])
			}
			fmt.Fprintf(&b, "%-28s %20s %16s %16s\n", string(name), share(h.Commits), share(h.Lines), most)
		}
	}
	rules := map[string]int{}
	for _, c := range d.List {
		rules[c.Rule]++
	}
	fmt.Fprintf(&b, "\njoined by: package URL %d, address of the repository %d, owner and name elsewhere %d, name alone %d\n",
		rules[RulePURL], rules[RuleURL], rules[RuleElsewhere], rules[RuleName])
	if missing := d.Components - d.Joined; missing > 0 {
		fmt.Fprintf(&b, "not joined: %d\n", missing)
		n := 0
		for _, c := range d.List {
			if c.Why == "" {
				continue
			}
			if n++; n > listed {
				fmt.Fprintf(&b, "  and %d more, in --format json and csv\n", missing-listed)
				break
			}
			what := c.Name
			if what == "" {
				what = c.PURL
			}
			if what == "" && len(c.Addresses) > 0 {
				what = c.Addresses[0]
			}
			fmt.Fprintf(&b, "  %s: %s\n", report.Printable(strings.TrimSpace(what+" "+c.Version)), report.Printable(c.Why))
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing dependence: %w", err)
	}
	return nil
}
