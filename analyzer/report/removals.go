package report

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
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
	// Parts are the repositories without what was asked for, most lines first, as far as any may hang on it.
	Parts []Hanging `json:"parts"`
	// Largest and Random are what is left as organizations leave: the largest first, and in an order drawn with seed 1. Organizations are all that
	// have left by then, the last one of them at this step.
	Largest []Removal `json:"largest_first"`
	Random  []Removal `json:"random"`
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
	// CommitsAMonth is the work of a month of the days before, by everybody and by those who are left: at the least, and at the most.
	CommitsAMonth [3]float64 `json:"commits_a_month"`
	// Groups of people that shared files connect.
	GroupsBefore  int `json:"groups_before"`
	GroupsAfter   int `json:"groups_after"`
	LargestBefore int `json:"largest_group_before"` // persons
	LargestAfter  int `json:"largest_group_after"`
}

// Hanging is what hangs on those who were asked for in one repository.
type Hanging struct {
	Repository string  `json:"repository"`
	Files      Exposed `json:"files"`
	Lines      Exposed `json:"lines"`
	Commits    Exposed `json:"commits"`
}

// Exposed is a part of a whole: Low without, High with what hangs on people of unknown organizations.
type Exposed struct {
	Low   uint64 `json:"low"`
	High  uint64 `json:"high"`
	Whole uint64 `json:"of"`
	Share *Share `json:"share,omitempty"`
}

func exposed(x control.Exposed) Exposed {
	out := Exposed{x.Low, x.High, x.Whole, nil}
	if x.Whole > 0 {
		out.Share = &Share{*ratio(x.Low, x.Whole), *ratio(x.High, x.Whole), nil}
	}
	return out
}

// quantities are what a removal is measured by, in the order of reports.
func (r *Removal) quantities() []struct {
	Key, name string
	Exposed
} {
	return []struct {
		Key, name string
		Exposed
	}{
		{"repositories", "repositories", r.Repositories},
		{"files", "files", r.Files},
		{"lines", "lines written here", r.Lines},
		{"active_authors", "active authors", r.Authors},
		{"commits", "commits", r.Commits},
		{"reviewers", "reviewers", r.Reviewers},
		{"reviews", "reviews", r.Reviews},
	}
}

// curve is how many organizations leave one after another.
const curve = 10

// BuildRemovals asks an exposure.
func BuildRemovals(ecosystem string, e *control.Exposure, asked []int, beside int, resolution *people.Resolution, repositories []string, read, all int) *Removals {
	names := func(list []int) (names []string) {
		for _, o := range list {
			names = append(names, resolution.Organizations[o].Name)
		}
		return names
	}
	one := func(asked bool, list ...int) Removal {
		r := e.Without(list...)
		month := func(n uint64) float64 { return *rounded(float64(n)*365.25/12/control.ActiveDays, 10) }
		c := r.Commits
		return Removal{
			names(list), asked, exposed(r.Repositories), exposed(r.Files), exposed(r.Lines), exposed(r.Authors), exposed(r.Commits), exposed(r.Reviewers), exposed(r.Reviews),
			[3]float64{month(c.Whole), month(c.Whole - c.High), month(c.Whole - c.Low)},
			r.Before.Groups, r.After.Groups, r.Before.Largest, r.After.Largest,
		}
	}
	out := &Removals{
		Ecosystem: ecosystem, From: date(e.At() + 1), ActiveDays: control.ActiveDays, Read: read, Repositories: all, Dormant: e.Without().Dormant,
		Cases: []Removal{one(true, asked...)}, Parts: []Hanging{},
	}
	largest := e.Largest()
	for _, o := range largest {
		if len(out.Cases) <= beside && (len(asked) != 1 || asked[0] != o) {
			out.Cases = append(out.Cases, one(false, o))
		}
	}
	leave := func(order []int) (steps []Removal) {
		for k := range min(curve, len(order)) {
			steps = append(steps, one(false, order[:k+1]...))
		}
		return steps
	}
	for _, u := range e.Units(func(repository int, _ string) string { return repositories[repository] }, asked...) {
		if u.Lines.High > 0 || u.Commits.High > 0 {
			out.Parts = append(out.Parts, Hanging{u.Name, exposed(u.Files), exposed(u.Lines), exposed(u.Commits)})
		}
	}
	slices.SortStableFunc(out.Parts, func(a, b Hanging) int {
		return cmp.Or(cmp.Compare(b.Lines.Low, a.Lines.Low), cmp.Compare(b.Commits.Low, a.Commits.Low))
	})
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
	columns := [][]string{{""}}
	for _, q := range r.Cases[0].quantities() {
		columns[0] = append(columns[0], q.name)
	}
	columns[0] = append(columns[0], "commits a month", "groups of people", "largest group, people")
	for _, c := range r.Cases {
		column := []string{cut(Printable(strings.Join(c.Organizations, "+")), 13)}
		for _, q := range c.quantities() {
			column = append(column, share(q.Share))
		}
		columns = append(columns, append(column, fmt.Sprintf("%.0f to %s", c.CommitsAMonth[0], span(fmt.Sprintf("%.0f", c.CommitsAMonth[1]), fmt.Sprintf("%.0f", c.CommitsAMonth[2]))),
			fmt.Sprintf("%d to %d", c.GroupsBefore, c.GroupsAfter), fmt.Sprintf("%d to %d", c.LargestBefore, c.LargestAfter)))
	}
	for i := range columns[0] {
		line := pad(columns[0][i], 22)
		for _, c := range columns[1:] {
			line += strings.Repeat(" ", max(1, 13-cells(c[i]))) + c[i]
		}
		t.line(line)
	}
	t.line(fmt.Sprintf("nobody's already: %s lines, whose authors are no longer active and which nobody guards", number(r.Dormant)))
	if len(r.Parts) > 0 {
		t.line("")
		t.line(pad("most of it, in", 36) + right("lines", 22) + right("% of its lines", 20) + right("% of its commits", 20))
		for _, p := range r.Parts[:min(5, len(r.Parts))] {
			t.line(pad(cut(Printable(p.Repository), 35), 36) + right(fmt.Sprintf("%s of %s", number(p.Lines.Low), number(p.Lines.Whole)), 22) +
				right(share(p.Lines.Share), 20) + right(share(p.Commits.Share), 20))
		}
		if more := len(r.Parts) - 5; more > 0 {
			t.line(fmt.Sprintf("and in %s more, in json and csv", plural(more, "repository", "repositories")))
		}
	}
	for _, way := range []struct {
		name  string
		steps []Removal
	}{{"one leaves after another, the largest first", r.Largest}, {"the same in an order drawn by chance", r.Random}} {
		t.line("")
		t.line(pad(way.name, 46) + right("repositories", 13) + right("lines", 13) + right("commits", 13) + right("reviews", 13))
		for _, s := range way.steps {
			t.line(pad("  "+cut(Printable(s.Organizations[len(s.Organizations)-1]), 28), 31) + right(fmt.Sprintf("%d groups", s.GroupsAfter), 15) +
				right(share(s.Repositories.Share), 13) + right(share(s.Lines.Share), 13) + right(share(s.Commits.Share), 13) + right(share(s.Reviews.Share), 13))
		}
	}
	if _, err := io.WriteString(w, t.String()); err != nil {
		return fmt.Errorf("writing removals: %w", err)
	}
	return nil
}

// WriteCSV writes a row for each quantity of each case, of each step of both ways, and of each repository.
func (r *Removals) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	records := [][]string{{"way", "step", "organizations", "repository", "quantity", "low", "high", "of"}}
	row := func(way string, step int, organizations []string, repository, quantity string, low, high, of any) {
		records = append(records, []string{
			way, strconv.Itoa(step), Cell(strings.Join(organizations, "; ")), Cell(repository), quantity, fmt.Sprint(low), fmt.Sprint(high), fmt.Sprint(of),
		})
	}
	all := func(way string, list []Removal) {
		for i := range list {
			one := &list[i]
			for _, q := range one.quantities() {
				row(way, i+1, one.Organizations, "", q.Key, q.Low, q.High, q.Whole)
			}
			row(way, i+1, one.Organizations, "", "commits_a_month_left", one.CommitsAMonth[1], one.CommitsAMonth[2], one.CommitsAMonth[0])
			row(way, i+1, one.Organizations, "", "groups_after", one.GroupsAfter, one.GroupsAfter, one.GroupsBefore)
			row(way, i+1, one.Organizations, "", "largest_group_after", one.LargestAfter, one.LargestAfter, one.LargestBefore)
		}
	}
	all("case", r.Cases)
	for _, p := range r.Parts {
		row("repository", 1, r.Cases[0].Organizations, p.Repository, "files", p.Files.Low, p.Files.High, p.Files.Whole)
		row("repository", 1, r.Cases[0].Organizations, p.Repository, "lines", p.Lines.Low, p.Lines.High, p.Lines.Whole)
		row("repository", 1, r.Cases[0].Organizations, p.Repository, "commits", p.Commits.Low, p.Commits.High, p.Commits.Whole)
	}
	all("largest first", r.Largest)
	all("random", r.Random)
	if err := out.WriteAll(records); err != nil {
		return fmt.Errorf("writing removals: %w", err)
	}
	return nil
}
