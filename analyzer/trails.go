package analyzer

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"orrery/analyzer/facts"
	"orrery/analyzer/measure"
	"orrery/analyzer/people"
	"orrery/analyzer/report"
)

// trailTables are those whose cells lead to repositories and their commits, with the columns that find a row.
var trailTables = map[string][]string{
	"waterfall":                {"scope_kind", "scope", "period"},
	"waterfall_parts":          {"scope_kind", "scope", "period", "by", "name"},
	"waterfall_reconciliation": {"scope_kind", "scope", "period"},
	"census":                   {"period", "population"},
}

// NeedsOwners says whether a question to [Evidence.Explain] is one of who wrote the lines that stand, which takes [Options].Owners.
func NeedsOwners(what string) bool {
	table, _, column, err := cutCell(what)
	return err == nil && (table == "waterfall_parts" || table == "surviving" || table == governanceTable && (strings.Contains(column, "guarded") || strings.HasSuffix(column, "all")))
}

// spelled is a period that its name tells all of.
var spelled = regexp.MustCompile(`^(\d{4}-\d\d-\d\d) to (\d{4}-\d\d-\d\d)$`)

// tracer gives what follows figures of a period. A period that is spelled out needs not be among the windows.
func (e *Evidence) tracer(period string) (t *measure.Tracer, err error) {
	m := spelled.FindStringSubmatch(period)
	known := func(w measure.Window) bool { return w.Name == period }
	if m != nil && !slices.ContainsFunc(e.input.Windows, known) {
		from, fromErr := time.Parse(time.DateOnly, m[1])
		to, toErr := time.Parse(time.DateOnly, m[2])
		if fromErr == nil && toErr == nil {
			e.input.Windows = append(slices.Clone(e.input.Windows), measure.Window{Name: period, From: from.Unix(), To: to.Unix()})
			e.trace = nil
		}
	}
	if e.trace == nil {
		e.trace, err = measure.NewTracer(e.input)
	}
	return e.trace, err
}

// trail collects what a figure is the sum of.
type trail struct {
	total float64
	rows  []trailRow
}

type trailRow struct {
	value float64
	text  string
}

func (t *trail) add(value float64, text string) {
	t.total += value
	if value != 0 {
		t.rows = append(t.rows, trailRow{value, text})
	}
}

// lines writes the largest parts, and what the others come to.
func (t *trail) lines(head string) []string {
	lines := []string{fmt.Sprintf("%s = %s", head, plain(t.total))}
	rows := slices.Clone(t.rows)
	slices.SortStableFunc(rows, func(a, b trailRow) int { return cmp.Compare(math.Abs(b.value), math.Abs(a.value)) })
	rest := 0.0
	for i, r := range rows {
		if i >= maxReasons {
			rest += r.value
			continue
		}
		lines = append(lines, fmt.Sprintf("  %s: %s", plain(r.value), r.text))
	}
	if more := len(rows) - maxReasons; more > 0 {
		lines = append(lines, fmt.Sprintf("  %s: %d more", plain(rest), more))
	}
	return lines
}

// plain writes a number without an exponent.
func plain(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// falls are the columns of waterfalls.
var falls = map[string]func(w *measure.Waterfall) int64{
	"start": func(w *measure.Waterfall) int64 { return w.Start }, "written": func(w *measure.Waterfall) int64 { return w.Written },
	"imported": func(w *measure.Waterfall) int64 { return w.Imported }, "entered": func(w *measure.Waterfall) int64 { return w.Entered },
	"left": func(w *measure.Waterfall) int64 { return w.Left }, "end": func(w *measure.Waterfall) int64 { return w.End },
	"growth":      func(w *measure.Waterfall) int64 { return w.End - w.Start },
	"log_commits": func(w *measure.Waterfall) int64 { return int64(w.Gross.Commits) }, "log_added": func(w *measure.Waterfall) int64 { return int64(w.Gross.Added) },
	"log_removed":        func(w *measure.Waterfall) int64 { return int64(w.Gross.Removed) },
	"log_import_commits": func(w *measure.Waterfall) int64 { return int64(w.Gross.ImportCommits) },
	"log_import_added":   func(w *measure.Waterfall) int64 { return int64(w.Gross.ImportAdded) },
	"log_import_removed": func(w *measure.Waterfall) int64 { return int64(w.Gross.ImportRemoved) },
}

// terms are the columns of the reconciliation.
var terms = map[string]func(r *measure.Reconciliation) int64{
	"counted": func(r *measure.Reconciliation) int64 { return r.Counted }, "bulk": func(r *measure.Reconciliation) int64 { return r.Bulk },
	"bots": func(r *measure.Reconciliation) int64 { return r.Bots }, "duplicates": func(r *measure.Reconciliation) int64 { return r.Duplicates },
	"dated_elsewhere":                       func(r *measure.Reconciliation) int64 { return r.Elsewhere },
	"merge_content_and_parallel_duplicates": func(r *measure.Reconciliation) int64 { return r.Merges },
	"binary_flips":                          func(r *measure.Reconciliation) int64 { return r.Flips },
	"submodule_links":                       func(r *measure.Reconciliation) int64 { return r.Submodules },
	"unreadable":                            func(r *measure.Reconciliation) int64 { return r.Unreadable },
	"written_and_imported":                  func(r *measure.Reconciliation) int64 { return r.Growth }, "imported": func(r *measure.Reconciliation) int64 { return r.Imported },
}

// members are the columns that count repositories.
var members = []string{"members_start", "members_end", "members", "joined", "left_members"}

// follow leads a cell down to repositories, and of one repository to commits.
func (e *Evidence) follow(table string, keys map[string]string, column string) (float64, []string, error) {
	period := cmp.Or(keys["period"], measure.AllTime)
	scope := measure.Scope{Kind: cmp.Or(keys["scope_kind"], measure.ScopeEcosystem), Name: keys["scope"]}
	name := table + ".csv"
	for _, k := range trailTables[table] {
		name += ":" + keys[k]
	}
	name += ":" + column
	t, err := e.tracer(period)
	if err != nil {
		return 0, nil, err
	}
	var out trail
	switch {
	case table == "census":
		return e.census(t, name, period, keys["population"], column)
	case table == "waterfall" && slices.Contains(members, strings.TrimSuffix(column, "_read")):
		err = e.members(&out, t, scope, period, column)
	default:
		err = e.fall(&out, t, table, scope, period, keys["by"], keys["name"], column)
	}
	if err != nil {
		return 0, nil, err
	}
	return out.total, out.lines(name), nil
}

// fall adds up waterfalls of repositories.
func (e *Evidence) fall(out *trail, t *measure.Tracer, table string, scope measure.Scope, period, by, part, column string) error {
	value, ok := falls[column]
	if table == "waterfall_reconciliation" {
		var of func(r *measure.Reconciliation) int64
		of, ok = terms[column]
		value = func(w *measure.Waterfall) int64 { return of(&w.Log) }
	}
	if table == "waterfall_parts" {
		whole := value
		ok = ok && !strings.HasPrefix(column, "log_")
		value = func(w *measure.Waterfall) (n int64) {
			for _, r := range report.PartRows(w, by) {
				if report.PartName(&r) == part {
					n += whole(&measure.Waterfall{Fall: r.Fall})
				}
			}
			return n
		}
		if by != "path class" && by != "language" && by != "organization" {
			return fmt.Errorf("table %s is by path class, language or organization, not by %q", table, by)
		}
		if !e.input.Survival {
			return fmt.Errorf("cells of table %s need to know who wrote the lines", table)
		}
	}
	if !ok {
		return fmt.Errorf("column %s of table %s is no sum over repositories", column, table)
	}
	list, err := t.Falls(scope, period)
	if err != nil {
		return err
	}
	if scope.Kind == measure.ScopeRepository && table == "waterfall" {
		return e.repositoryFall(out, t, &list[0], scope.Name, period, column)
	}
	for i := range list {
		w := &list[i]
		text := w.Scope.Name
		if commit := e.read[text]; commit != "" {
			text += " at " + commit
		}
		if table == "waterfall" {
			text += fmt.Sprintf(" (waterfall:repository:%s:%s:%s)", w.Scope.Name, period, column)
		}
		out.add(float64(value(w)), text)
	}
	return nil
}

// repositoryFall leads a figure of one repository to its commits.
func (e *Evidence) repositoryFall(out *trail, t *measure.Tracer, w *measure.Waterfall, repository, period, column string) error {
	commit := func(c measure.Change, what string) string {
		if c.Commit.IsZero() {
			return "before the first commit"
		}
		return fmt.Sprintf("%s%s of %s", what, c.Commit, day(c.When))
	}
	if strings.HasPrefix(column, "log_") {
		imports := strings.HasPrefix(column, "log_import_")
		list, removed, err := t.Logged(repository, period, imports)
		if err != nil {
			return err
		}
		for i, c := range list {
			n := int64(1)
			switch {
			case strings.HasSuffix(column, "_added"):
				n = c.Lines
			case strings.HasSuffix(column, "_removed"):
				n = removed[i]
			}
			out.add(float64(n), commit(c, "commit "))
		}
		return nil
	}
	steps, before, after, err := t.Steps(repository, period)
	if err != nil {
		return err
	}
	snapshots := func(list []measure.Change, sign float64) {
		for _, c := range list {
			out.add(sign*float64(c.Lines), commit(c, "lines of the snapshot at "))
		}
	}
	imports := func(sign float64) {
		for _, one := range w.Imports {
			text := one.Reason
			if !one.Commit.IsZero() {
				text += " " + one.Commit.String()
			}
			if one.Commits > 1 {
				text += fmt.Sprintf(", %d commits", one.Commits)
			}
			if sign < 0 {
				text = "what was imported: " + text
			}
			out.add(sign*float64(one.Lines), text)
		}
	}
	switch column {
	case "start", "entered", "end", "left":
		// A repository may belong several times in a period: what stands at the ends of its stays is told apart by whether it came or went then.
		list, wanted := before, falls[column](w)
		if column == "end" || column == "left" {
			list = after
		}
		if sum(list) == wanted {
			snapshots(list, 1)
		} else if wanted != 0 {
			for _, c := range list {
				if c.Lines == wanted {
					snapshots([]measure.Change{c}, 1)
					return nil
				}
			}
			out.add(float64(wanted), "snapshots at the ends of several stays")
		}
	case "growth":
		snapshots(end(after, w.End), 1)
		snapshots(end(before, w.Start), -1)
	case "imported":
		imports(1)
	case "written":
		for _, c := range steps {
			out.add(float64(c.Lines), commit(c, "along first parents, "))
		}
		imports(-1)
	}
	return nil
}

func sum(list []measure.Change) (n int64) {
	for _, c := range list {
		n += c.Lines
	}
	return n
}

// end gives the snapshots that make some lines: all, the one that does, or none.
func end(list []measure.Change, lines int64) []measure.Change {
	if sum(list) == lines {
		return list
	}
	for _, c := range list {
		if c.Lines == lines {
			return []measure.Change{c}
		}
	}
	return nil
}

func day(t int64) string {
	if t == math.MinInt64 {
		return measure.InvalidDate
	}
	return time.Unix(t, 0).UTC().Format(time.DateOnly)
}

// members lists the repositories that belonged, with the commit of the list that says so.
func (e *Evidence) members(out *trail, t *measure.Tracer, scope measure.Scope, period, column string) error {
	p, err := t.Period(period)
	if err != nil {
		return err
	}
	column, read := strings.CutSuffix(column, "_read")
	from, to := "", ""
	if !p.All() {
		from, to = time.Unix(p.From, 0).UTC().Format(time.RFC3339), time.Unix(p.To, 0).UTC().Format(time.RFC3339)
	}
	wants := report.In(scope)
	for i := range e.membership.Members {
		one := &e.membership.Members[i]
		if !wants(one) || read && !one.Read {
			continue
		}
		single := report.Membership{Members: []report.Member{*one}}
		n := 0
		switch column {
		case "members_start":
			if from != "" {
				n = single.At(from, report.Everywhere).Of
			}
		case "members_end":
			n = single.At(to, report.Everywhere).Of
		case "members":
			n = single.During(report.Period{From: from, To: to}, report.Everywhere).Of
		default:
			for _, s := range one.Stays {
				when := s.Joined
				if column == "left_members" {
					when = s.Left
				}
				if when != "" && (from == "" || when >= from) && (to == "" || when < to) {
					n++
				}
			}
		}
		text := one.Repository
		for _, s := range one.Stays {
			text += fmt.Sprintf(", since %.10s by %s", s.Joined, s.JoinedBy)
			if s.Left != "" {
				text += fmt.Sprintf(" until %.10s by %s", s.Left, s.LeftBy)
			}
		}
		if len(one.Stays) == 0 {
			text += ", as listed today"
		}
		if !one.Read {
			text += "; not read"
		}
		out.add(float64(n), text)
	}
	return nil
}

// census lists who is counted.
func (e *Evidence) census(t *measure.Tracer, name, period, population, column string) (float64, []string, error) {
	wanted, ever, rest := func(n int) bool { return n > 0 }, false, column
	for prefix, test := range map[string]func(n int) bool{"once_": func(n int) bool { return n == 1 }, "ten_": func(n int) bool { return n >= 10 }, "ever_": nil} {
		if unit, ok := strings.CutPrefix(column, prefix); ok {
			if rest, wanted = unit, test; test == nil {
				ever, wanted = true, func(int) bool { return true }
			}
		}
	}
	unit := slices.Index([]string{"persons", "addresses", "names", "pairs"}, rest)
	if unit < 0 {
		return 0, nil, fmt.Errorf("column %s of table census counts nobody", column)
	}
	list, err := t.Census(period, population, unit, ever, wanted)
	if err != nil {
		return 0, nil, err
	}
	lines := []string{fmt.Sprintf("%s = %d", name, len(list))}
	byRepository := map[string]int{}
	for _, c := range list {
		for _, r := range c.Repositories {
			byRepository[r]++
		}
	}
	repositories := slices.SortedFunc(maps.Keys(byRepository), func(a, b string) int { return cmp.Or(cmp.Compare(byRepository[b], byRepository[a]), cmp.Compare(a, b)) })
	for i, r := range repositories {
		if i == maxReasons/2 {
			lines = append(lines, fmt.Sprintf("  %d more repositories", len(repositories)-i))
			break
		}
		lines = append(lines, fmt.Sprintf("  %d in %s", byRepository[r], r))
	}
	for i, c := range list {
		if i == maxReasons {
			lines = append(lines, fmt.Sprintf("  %d more", len(list)-i))
			break
		}
		who := "an account that no commit knows"
		if c.Person >= 0 {
			who = e.Resolution.Persons[c.Person].Pseudonym
			if e.Names {
				who += " " + e.Resolution.Persons[c.Person].Name
			}
		}
		lines = append(lines, fmt.Sprintf("  %s: %d, first %s in %s, %s", who, c.Acts, c.Commit, c.Repository, day(c.First)))
	}
	return float64(len(list)), lines, nil
}

// grown explains the columns of activity that are of snapshots and merges.
func (e *Evidence) grown(name string, scope measure.Scope, period, column string) (float64, []string, error) {
	t, err := e.tracer(period)
	if err != nil {
		return 0, nil, err
	}
	list, err := t.Growths(scope, period)
	if err != nil {
		return 0, nil, err
	}
	var out trail
	for i := range list {
		g := &list[i]
		n := map[string]int64{"growth": g.Net(), "lines": int64(g.Lines), "merges": int64(g.Merges), "duplicates": int64(g.Duplicates)}[column]
		text := g.Repository
		if commit := e.read[text]; commit != "" {
			text += " at " + commit
		}
		out.add(float64(n), text)
	}
	return out.total, out.lines(name), nil
}

// share explains a bound of a share: the parts that it is made of, each with its reasons.
func (e *Evidence) share(table string, keys map[string]string, column string) (float64, []string, error) {
	of, bound, _ := strings.Cut(column, "_share_")
	_, own, err := e.explainCell(table, keys, of)
	if err != nil {
		return 0, nil, err
	}
	c, err := e.cell(table, keys, of)
	if err != nil {
		return 0, nil, err
	}
	t, err := e.tracer(c.period)
	if err != nil {
		return 0, nil, err
	}
	pieces, err := t.Pieces(c.scope, c.period)
	if err != nil {
		return 0, nil, err
	}
	var x, unknown, all uint64
	known := false
	for i := range pieces {
		p := &pieces[i]
		if p.Bulk || p.Class.Machine() {
			continue
		}
		n := c.value(p.Sum)
		all += n
		if !p.Class.Known() {
			unknown += n
		}
		if c.holds(p) {
			x += n
			known = known || p.Class.Known()
		}
	}
	if all == 0 {
		return 0, nil, fmt.Errorf("nothing was contributed in %s: there are no shares", c.period)
	}
	if keys["band"] == measure.NobodyKnown.String() || keys["organization"] != "" && !known && e.unknownRow(keys["organization"]) {
		bound = "low" // that it is unknown is known
	}
	over := x
	text := fmt.Sprintf("%d", x)
	if bound == "high" {
		over += unknown
		text = fmt.Sprintf("(%d + %d of nobody known)", x, unknown)
	}
	value := math.Round(float64(over)/float64(all)*1e6) / 1e6
	head := fmt.Sprintf("%s = %s: %s of %d", strings.TrimSuffix(c.name, of)+column, plain(value), text, all)
	return value, append([]string{head}, own...), nil
}

// unknownRow says whether a row is that of an unknown class.
func (e *Evidence) unknownRow(name string) bool {
	for class := range people.Class(people.NumClasses) {
		if class.String() == strings.Trim(name, "()") && !class.Known() && !class.Machine() {
			return true
		}
	}
	return false
}

// heads gives the commits that repositories were read at.
func heads(histories []*facts.Repository) map[string]string {
	at := map[string]string{}
	for _, f := range histories {
		at[f.Key] = f.Head.String()
	}
	return at
}
