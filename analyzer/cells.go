package analyzer

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"orrery/analyzer/measure"
	"orrery/analyzer/people"
)

// cellTables are the tables whose cells can be explained, with the columns that find a row. A window may be left out: it is all time then.
var cellTables = map[string][]string{
	"organizations":          {"window", "organization"},
	"organizations_by_scope": {"scope_kind", "scope", "window", "organization"},
	"organizations_by_year":  {"period", "organization"},
	"activity":               {"scope_kind", "scope", "period"},
	"repositories":           {"repository"},
	"people":                 {"window", "person"},
	"readings":               {"period", "contractors", "band"},
}

// governanceTable has the cells that are no sums: what is stated about an organization's powers.
const governanceTable = "control"

// cell is what a cell of a table is a sum of.
type cell struct {
	name   string // as it was asked for, completed
	scope  measure.Scope
	period string
	holds  func(p *measure.Piece) bool
	value  func(s measure.Sum) uint64 // nil for a number of people
}

// cutCell says whether what is asked for is a cell, TABLE:KEY:...:COLUMN, and takes it apart.
func cutCell(what string) (table string, keys map[string]string, column string, err error) {
	head, rest, ok := strings.Cut(what, ":")
	name, named := strings.CutSuffix(path.Base(strings.ReplaceAll(head, "\\", "/")), ".csv")
	columns := cellTables[name]
	if name == governanceTable {
		columns = []string{"organization"}
	}
	if columns == nil {
		columns = trailTables[name]
	}
	if columns == nil {
		columns = figureTables[name]
	}
	if !ok || columns == nil && !named {
		return "", nil, "", nil
	}
	if columns == nil {
		return "", nil, "", fmt.Errorf("cells of table %s are no sums; there are those of %s", name, strings.Join(slices.Concat(slices.Sorted(maps.Keys(cellTables)), slices.Sorted(maps.Keys(trailTables)), slices.Sorted(maps.Keys(figureTables))), ", "))
	}
	parts := strings.Split(rest, ":")
	window := slices.Index(columns, "window")
	if len(parts) == len(columns) && window >= 0 {
		parts = slices.Insert(parts, window, measure.AllTime)
	}
	if len(parts) != len(columns)+1 {
		return "", nil, "", fmt.Errorf("a cell of table %s is %s:%s:COLUMN", name, name, strings.ToUpper(strings.Join(columns, ":")))
	}
	keys = map[string]string{}
	for i, c := range columns {
		keys[c] = strings.TrimSpace(parts[i])
	}
	return name, keys, strings.TrimSpace(parts[len(columns)]), nil
}

// grownColumns are those of activity that are of snapshots and merges.
var grownColumns = map[string]bool{"growth": true, "lines": true, "merges": true, "duplicates": true}

// sums are the columns of amounts, by name.
var sums = map[string]func(s measure.Sum) uint64{
	"commits": func(s measure.Sum) uint64 { return s.Commits }, "added": func(s measure.Sum) uint64 { return s.Added },
	"removed": func(s measure.Sum) uint64 { return s.Removed }, "changed": measure.Sum.Changed,
	"commits_here": func(s measure.Sum) uint64 { return s.CommitsHere }, "added_here": func(s measure.Sum) uint64 { return s.AddedHere },
	"removed_here": func(s measure.Sum) uint64 { return s.RemovedHere },
	"contributors": nil,
}

// cell finds what the cell is made of.
func (e *Evidence) cell(table string, keys map[string]string, column string) (*cell, error) {
	c := &cell{period: cmp.Or(keys["window"], keys["period"], measure.AllTime), scope: measure.Scope{Kind: measure.ScopeEcosystem}}
	for _, k := range append(slices.Clone(cellTables[table]), "") {
		c.name += cmp.Or(keys[k], "") + ":"
	}
	c.name = table + ".csv:" + strings.TrimSuffix(c.name, "::") + ":" + column
	switch {
	case keys["scope_kind"] != "":
		c.scope = measure.Scope{Kind: keys["scope_kind"], Name: keys["scope"]}
	case table == "repositories":
		c.scope = measure.Scope{Kind: measure.ScopeRepository, Name: keys["repository"]}
	}
	amount, merged := strings.CutPrefix(column, "merged_")
	var bulk bool
	if !merged {
		amount, bulk = strings.CutPrefix(column, "bulk_")
	}
	class := func(classes ...people.Class) func(p *measure.Piece) bool {
		return func(p *measure.Piece) bool { return slices.Contains(classes, p.Class) }
	}
	everybody := func(p *measure.Piece) bool { return !p.Class.Machine() }
	switch table {
	case "activity", "repositories":
		c.holds = func(p *measure.Piece) bool { return everybody(p) && (p.Bulk || !bulk) }
		switch column {
		case "known_commits", "known_changed":
			amount = strings.TrimPrefix(column, "known_")
			c.holds = func(p *measure.Piece) bool { return p.Class.Known() && !p.Bulk }
		case "bot_commits", "bots":
			amount, c.holds = "commits", class(people.Bot)
		case "agent_commits", "agents":
			amount, c.holds = "commits", class(people.Agent)
		case "bulk":
			amount, c.holds = "commits", func(p *measure.Piece) bool { return everybody(p) && p.Bulk }
		}
		merged = merged || strings.HasPrefix(column, "bulk_") && table == "repositories"
	case "people":
		i := slices.IndexFunc(e.Resolution.Persons, func(p people.Person) bool { return p.Pseudonym == keys["person"] })
		if i < 0 {
			return nil, fmt.Errorf("person %s: %w: has the key of pseudonyms changed?", keys["person"], people.ErrUnknown)
		}
		c.holds = func(p *measure.Piece) bool { return everybody(p) && p.Person == i && p.Bulk == bulk }
	case "readings":
		t, err := e.tracer(c.period)
		if err != nil {
			return nil, err
		}
		all, err := t.Pieces(c.scope, measure.AllTime)
		if err != nil {
			return nil, err
		}
		standings := measure.Standings(e.Resolution.Organizations, measure.LeaderOf(all))
		c.holds = func(p *measure.Piece) bool {
			standing := measure.NobodyKnown
			if p.Organization != people.NoOrganization {
				standing = standings[p.Organization]
			}
			if standing == measure.Contracted && keys["contractors"] == "merged" {
				standing = measure.Own
			}
			return everybody(p) && !p.Bulk && standing.String() == keys["band"]
		}
	default:
		row, err := e.row(keys["organization"])
		if err != nil {
			return nil, err
		}
		c.holds = func(p *measure.Piece) bool { return p.Bulk == bulk && row(p, merged) }
		if strings.Trim(keys["organization"], "()") == measure.RowBulk {
			c.holds = func(p *measure.Piece) bool { return p.Bulk }
		}
	}
	value, ok := sums[amount]
	if !ok || merged && len(keys["organization"]) == 0 {
		return nil, fmt.Errorf("column %s of table %s is no sum of commits", column, table)
	}
	c.value = value
	return c, nil
}

// row finds the row of an organization, an unknown class, or a kind of machine.
func (e *Evidence) row(name string) (func(p *measure.Piece, merged bool) bool, error) {
	if inner, ok := strings.CutPrefix(name, "("); ok { // as tables print what is no organization's
		if inner, ok = strings.CutSuffix(inner, ")"); ok && e.special(inner) {
			name = inner
		}
	}
	for class := range people.Class(people.NumClasses) {
		if class.String() == name && !class.Known() && !class.Machine() {
			return func(p *measure.Piece, _ bool) bool { return p.Class == class }, nil
		}
	}
	switch name {
	case measure.RowBots:
		return func(p *measure.Piece, _ bool) bool { return p.Class == people.Bot }, nil
	case measure.RowAgents:
		return func(p *measure.Piece, _ bool) bool { return p.Class == people.Agent }, nil
	case measure.RowBulk:
		return func(*measure.Piece, bool) bool { return false }, nil
	}
	if known, ok := e.Options.Directory.Known(name); ok {
		name = known
	}
	i := slices.IndexFunc(e.Resolution.Organizations, func(o people.Organization) bool { return o.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("organization %q: %w: nothing of what was read counts for it", name, people.ErrUnknown)
	}
	return func(p *measure.Piece, merged bool) bool {
		if merged {
			return p.Client == i
		}
		return p.Organization == i
	}, nil
}

// special says whether a row is that of an unknown class, of machines, or of imports.
func (e *Evidence) special(name string) bool {
	return e.unknownRow(name) || slices.Contains([]string{measure.RowBots, measure.RowAgents, measure.RowBulk}, name)
}

// maxReasons bounds the lines of one answer; the rest is summed up.
const maxReasons = 50

// explainCell says what a cell is the sum of: the value, and a line for every reason, whose amounts make it.
func (e *Evidence) explainCell(table string, keys map[string]string, column string) (value float64, lines []string, err error) {
	if len(e.input.Repositories) == 0 {
		return 0, nil, errors.New("a cell needs the SOURCE that its table was made from")
	}
	switch {
	case trailTables[table] != nil:
		return e.follow(table, keys, column)
	case figureTables[table] != nil:
		return e.figure(table, keys, column)
	case strings.HasSuffix(column, "_share_low") || strings.HasSuffix(column, "_share_high"):
		return e.share(table, keys, column)
	case table == "activity" && grownColumns[column]:
		name := fmt.Sprintf("activity.csv:%s:%s:%s:%s", keys["scope_kind"], keys["scope"], keys["period"], column)
		return e.grown(name, measure.Scope{Kind: keys["scope_kind"], Name: keys["scope"]}, keys["period"], column)
	}
	c, err := e.cell(table, keys, column)
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
	total := uint64(0)
	type reason struct {
		text    string
		n       uint64
		persons map[int]bool
	}
	reasons := map[string]*reason{}
	everybody := map[int]bool{}
	for i := range pieces {
		p := &pieces[i]
		if !c.holds(p) {
			continue
		}
		who := p.Class.String()
		if p.Organization != people.NoOrganization {
			who = fmt.Sprintf("%s (%s)", e.Resolution.Organizations[p.Organization].Name, p.Class)
		}
		text := who + ", by " + e.Resolution.Evidence[p.Evidence].String()
		if p.CoAuthor {
			text = "co-authors: " + text
		}
		if p.Bulk {
			text = "bulk imports: " + text
		}
		r := reasons[text]
		if r == nil {
			r = &reason{text: text, persons: map[int]bool{}}
			reasons[text] = r
		}
		if everybody[p.Person], r.persons[p.Person] = true, true; c.value != nil {
			r.n += c.value(p.Sum)
			total += c.value(p.Sum)
		}
	}
	head := fmt.Sprintf("%s = %d", c.name, total)
	if c.value == nil {
		total = uint64(len(everybody))
		head = fmt.Sprintf("%s = %d people, each under every reason that they have", c.name, total)
	}
	lines = append(lines, head)
	order := slices.SortedFunc(maps.Values(reasons), func(a, b *reason) int {
		return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(len(b.persons), len(a.persons)), cmp.Compare(a.text, b.text))
	})
	rest := uint64(0)
	for i, r := range order {
		if i >= maxReasons {
			rest += r.n
			continue
		}
		if c.value == nil {
			lines = append(lines, fmt.Sprintf("  %d: %s", len(r.persons), r.text))
		} else {
			lines = append(lines, fmt.Sprintf("  %d by %s: %s", r.n, peopleOf(len(r.persons)), r.text))
		}
	}
	if more := len(order) - maxReasons; more > 0 {
		lines = append(lines, fmt.Sprintf("  %d for %d more reasons", rest, more))
	}
	return float64(total), lines, nil
}

func peopleOf(n int) string {
	if n == 1 {
		return "1 person"
	}
	return fmt.Sprintf("%d people", n)
}
