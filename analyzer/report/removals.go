package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"orrery/analyzer/control"
	"orrery/analyzer/people"
)

// Removals is what an ecosystem is without some organizations, beside the same without each of the largest others, and along two ways in which
// one organization leaves after another. Arithmetic: nobody takes over.
type Removals struct {
	Ecosystem    string `json:"ecosystem"`
	From         string `json:"from"` // a UTC day
	ActiveDays   int    `json:"active_days"`
	Read         int    `json:"repositories_read"`
	Repositories int    `json:"repositories"`
	Dormant      uint64 `json:"dormant_lines"` // nobody's already
	// Cases are what was asked for first, then the others.
	Cases []Removal `json:"cases"`
	// Largest and Random are what is left as organizations leave: the largest first, and in an order drawn with seed 1.
	Largest []Leaving `json:"largest_first"`
	Random  []Leaving `json:"random"`
}

// Removal is what is left to nobody if some organizations leave.
type Removal struct {
	Organizations []string `json:"organizations"`
	Asked         bool     `json:"asked"`
	Repositories  Exposed  `json:"repositories"`
	Files         Exposed  `json:"files"`
	Lines         Exposed  `json:"lines"`
	Authors       Exposed  `json:"active_authors"`
	Commits       Exposed  `json:"commits"`
	Reviewers     Exposed  `json:"reviewers"`
	Reviews       Exposed  `json:"reviews"`
	// Groups of people that shared files connect.
	GroupsBefore  int `json:"groups_before"`
	GroupsAfter   int `json:"groups_after"`
	LargestBefore int `json:"largest_group_before"` // persons
	LargestAfter  int `json:"largest_group_after"`
}

// Exposed is a part of a whole: Low without, High with what hangs on people of unknown organizations.
type Exposed struct {
	Low   uint64 `json:"low"`
	High  uint64 `json:"high"`
	Whole uint64 `json:"of"`
	Share *Share `json:"share,omitempty"`
}

// Leaving is a step of a curve.
type Leaving struct {
	Organization string `json:"organization"`
	Lines        *Share `json:"lines_left_to_nobody"`
	Commits      *Share `json:"commits_gone"`
}

// curve is how many organizations leave one after another.
const curve = 10

// BuildRemovals asks an exposure.
func BuildRemovals(ecosystem string, e *control.Exposure, asked []int, beside int, resolution *people.Resolution, read, all int) *Removals {
	names := func(list []int) (names []string) {
		for _, o := range list {
			names = append(names, resolution.Organizations[o].Name)
		}
		return names
	}
	one := func(asked bool, list ...int) Removal {
		r := e.Without(list...)
		x := func(x control.Exposed) Exposed {
			out := Exposed{x.Low, x.High, x.Whole, nil}
			if x.Whole > 0 {
				out.Share = &Share{*ratio(x.Low, x.Whole), *ratio(x.High, x.Whole), nil}
			}
			return out
		}
		return Removal{
			names(list), asked, x(r.Repositories), x(r.Files), x(r.Lines), x(r.Authors), x(r.Commits), x(r.Reviewers), x(r.Reviews),
			r.Before.Groups, r.After.Groups, r.Before.Largest, r.After.Largest,
		}
	}
	out := &Removals{
		Ecosystem: ecosystem, From: date(e.At() + 1), ActiveDays: control.ActiveDays, Read: read, Repositories: all, Dormant: e.Without().Dormant,
		Cases: []Removal{one(true, asked...)},
	}
	largest := e.Largest()
	for _, o := range largest {
		if len(out.Cases) <= beside && (len(asked) != 1 || asked[0] != o) {
			out.Cases = append(out.Cases, one(false, o))
		}
	}
	leave := func(order []int) (steps []Leaving) {
		for k := range min(curve, len(order)) {
			r := one(false, order[:k+1]...)
			steps = append(steps, Leaving{resolution.Organizations[order[k]].Name, r.Lines.Share, r.Commits.Share})
		}
		return steps
	}
	out.Largest, out.Random = leave(largest), leave(e.Random(1))
	return out
}

// WriteJSON writes them as they are.
func (r *Removals) WriteJSON(w io.Writer) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	if err := out.Encode(r); err != nil {
		return fmt.Errorf("writing removals: %w", err)
	}
	return nil
}

// WriteText writes a table, a column for each case.
func (r *Removals) WriteText(w io.Writer) error {
	t := text{width: MaxWidth}
	t.line(fmt.Sprintf("%s: %d of %d repositories read, without an organization from %s on", Printable(r.Ecosystem), r.Read, r.Repositories, r.From))
	t.line(fmt.Sprintf("What hangs on nobody else, in %%: on people with a commit in the %d days before, and on holders of", r.ActiveDays))
	t.line("seats. Arithmetic, no forecast: nobody takes over. Contractors go with their client. The higher")
	t.line("figure takes everybody whose organization is not known for theirs.")
	columns := [][]string{{"", "repositories", "files", "lines written here", "active authors", "commits", "reviewers", "reviews", "groups of people", "largest group, people"}}
	for _, c := range r.Cases {
		percents := func(x Exposed) string { return share(x.Share) }
		columns = append(columns, []string{
			cut(Printable(strings.Join(c.Organizations, "+")), 13), percents(c.Repositories), percents(c.Files), percents(c.Lines), percents(c.Authors), percents(c.Commits),
			percents(c.Reviewers), percents(c.Reviews), fmt.Sprintf("%d > %d", c.GroupsBefore, c.GroupsAfter), fmt.Sprintf("%d > %d", c.LargestBefore, c.LargestAfter),
		})
	}
	for i := range columns[0] {
		line := pad(columns[0][i], 22)
		for _, c := range columns[1:] {
			line += strings.Repeat(" ", max(1, 13-cells(c[i]))) + c[i]
		}
		t.line(line)
	}
	t.line(fmt.Sprintf("nobody's already: %s lines, whose authors are no longer active and which nobody guards", number(r.Dormant)))
	for _, way := range []struct {
		name  string
		steps []Leaving
	}{{"largest first", r.Largest}, {"at random", r.Random}} {
		var phrases []string
		for _, s := range way.steps {
			phrases = append(phrases, cut(Printable(s.Organization), 20)+" "+share(s.Lines))
		}
		for _, l := range wrap("lines left to nobody as one leaves after another, "+way.name+": ", phrases, t.width) {
			t.line(l)
		}
	}
	if _, err := io.WriteString(w, t.String()); err != nil {
		return fmt.Errorf("writing removals: %w", err)
	}
	return nil
}
