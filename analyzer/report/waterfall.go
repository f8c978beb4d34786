package report

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
	"time"

	"orrery/analyzer/measure"
	"orrery/analyzer/people"
)

// Roll is a list with a history, which tells who belonged when.
type Roll struct {
	Source string `json:"source"`
	Commit string `json:"commit"` // that it was read at
	From   string `json:"from"`   // RFC 3339: what belonged before is not known
	Unread int    `json:"unread"` // commits at which it could not be understood
}

// Member is a repository that belongs to the ecosystem, or has belonged.
type Member struct {
	Repository string   `json:"repository"`
	Class      string   `json:"class"`
	Subsystem  string   `json:"subsystem,omitempty"`
	Former     bool     `json:"former,omitempty"` // it has left
	Read       bool     `json:"read"`
	Formerly   []string `json:"formerly,omitempty"` // earlier names
	// Stays are when it belonged, ascending. Without any it belongs as listed today, and nobody knows since when.
	Stays []Stay `json:"stays"`
}

// Stay is one stay of a repository in the ecosystem: moments in RFC 3339, and the commits of the list that say so.
type Stay struct {
	Joined   string `json:"joined"`
	JoinedBy string `json:"joined_by"`
	Left     string `json:"left,omitempty"` // "" while it belongs
	LeftBy   string `json:"left_by,omitempty"`
}

// Membership is who belonged when.
type Membership struct {
	Rolls   []Roll   `json:"rolls"`   // none: as listed today
	Members []Member `json:"members"` // by name
}

// At counts the members just before a moment in RFC 3339, "" being the end of time, and those of them that were read, of those that a filter wants.
func (m *Membership) At(moment string, wants func(*Member) bool) (c Coverage) {
	for i := range m.Members {
		if one := &m.Members[i]; wants(one) && one.at(moment) {
			c.count(one.Read)
		}
	}
	return c
}

// During counts those that belonged at any time of a period.
func (m *Membership) During(p Period, wants func(*Member) bool) (c Coverage) {
	for i := range m.Members {
		one := &m.Members[i]
		belonged := len(one.Stays) == 0 || p.To == "" || slices.ContainsFunc(one.Stays, func(s Stay) bool {
			return s.Joined < p.To && (s.Left == "" || s.Left > p.From)
		})
		if wants(one) && belonged {
			c.count(one.Read)
		}
	}
	return c
}

// RFC 3339 in UTC orders as text.
func (m *Member) at(moment string) bool {
	return len(m.Stays) == 0 || slices.ContainsFunc(m.Stays, func(s Stay) bool {
		return (moment == "" || s.Joined < moment) && (s.Left == "" || moment != "" && moment <= s.Left)
	})
}

// Everywhere wants every member.
func Everywhere(*Member) bool { return true }

// In wants the members of a scope.
func In(s measure.Scope) func(*Member) bool {
	return func(m *Member) bool {
		switch s.Kind {
		case measure.ScopeClass:
			return m.Class == s.Name
		case measure.ScopeSubsystem:
			return cmp.Or(m.Subsystem, measure.NoSubsystem) == s.Name
		case measure.ScopeRepository:
			return m.Repository == s.Name
		}
		return true
	}
}

// of gives the members of a scope alone.
func (m *Membership) of(s measure.Scope) *Membership {
	some, wants := &Membership{}, In(s)
	for i := range m.Members {
		if one := &m.Members[i]; wants(one) {
			some.Members = append(some.Members, *one)
		}
	}
	return some
}

// Coverage is how many of some repositories were read.
type Coverage struct {
	Read int `json:"read"`
	Of   int `json:"of"`
}

func (c *Coverage) count(read bool) {
	c.Of++
	if read {
		c.Read++
	}
}

// Waterfall leads from the lines at the start of a period to those at its end.
type Waterfall struct {
	Scope  measure.Scope `json:"scope"`
	Period Period        `json:"period"`
	measure.Fall
	// Growth is End - Start, of what was read.
	Growth int64 `json:"growth"`
	// How many repositories belonged at the start, at the end, and at any time between; how many joined and left; and how many of these were read.
	AtStart Coverage `json:"at_start"`
	AtEnd   Coverage `json:"at_end"`
	During  Coverage `json:"during"`
	Joins   Coverage `json:"joins"`
	Leaves  Coverage `json:"leaves"`
	// Log leads from the log of the time of membership to Written + Imported.
	Log   measure.Reconciliation `json:"reconciliation"`
	Gross measure.Gross          `json:"log"`
	// Parts, for the ecosystem and its classes.
	Classes       []FallRow `json:"classes,omitempty"`
	Languages     []FallRow `json:"languages,omitempty"`
	Organizations []FallRow `json:"organizations,omitempty"`
	// For the ecosystem: who joined and left, and the largest imports.
	Moves   []Move   `json:"moves,omitempty"`
	Imports *Imports `json:"imports,omitempty"`

	imports []Import
}

// FallRow is one part of a waterfall.
type FallRow struct {
	Name   string `json:"name"`
	Class  string `json:"class,omitempty"` // of organizations
	Client string `json:"client,omitempty"`
	measure.Fall
}

// Move is a repository that joined or left.
type Move struct {
	Repository string `json:"repository"`
	Joined     bool   `json:"joined"` // else it left
	When       string `json:"when"`   // RFC 3339
	Commit     string `json:"commit"` // of the list, that says so
	// Lines that stood in it; nil if it was not read.
	Lines *uint64 `json:"lines"`
}

// Imports are the largest imports of a period; the table has all.
type Imports struct {
	Shown int      `json:"shown"`
	Of    int      `json:"of"`
	Lines int64    `json:"lines"` // of those shown
	List  []Import `json:"list"`
}

// Import is what was imported by a commit, as somebody else's history, or as commits that another repository holds too.
type Import struct {
	Repository string `json:"repository"`
	Commit     string `json:"commit,omitempty"`
	Commits    int    `json:"commits"`
	Reason     string `json:"reason"`
	Evidence   string `json:"evidence,omitempty"`
	Lines      int64  `json:"lines"` // added - removed
}

// importsShown is how many imports of a period stand in JSON.
const importsShown = 20

func moment(t int64) string {
	if t == math.MaxInt64 || t == math.MinInt64 {
		return ""
	}
	return time.Unix(t, 0).UTC().Format(time.RFC3339)
}

// waterfalls adds what is known of the repositories that were not read.
func (b *builder) waterfalls(list []measure.Waterfall, members *Membership) []Waterfall {
	within := map[measure.Scope]*Membership{}
	for i := range list {
		if s := list[i].Scope; within[s] == nil {
			within[s] = members.of(s)
		}
	}
	return kept(b.Spill, runtime.GOMAXPROCS(0), len(list), func(i int, w *Waterfall) {
		from := &list[i]
		*w = Waterfall{
			Scope: from.Scope, Period: period(from.Period), Fall: from.Fall, Growth: from.End - from.Start, Log: from.Log, Gross: from.Gross,
			Classes: b.falls(from.Classes), Languages: b.falls(from.Languages), Organizations: b.falls(from.Organizations),
		}
		members := within[from.Scope]
		w.AtEnd, w.During = members.At(w.Period.To, Everywhere), members.During(w.Period, Everywhere)
		if w.Period.From != "" {
			w.AtStart = members.At(w.Period.From, Everywhere)
		}
		lines := map[[2]string]uint64{}
		for _, m := range from.Moves {
			lines[[2]string{m.Repository, fmt.Sprint(m.Joined, moment(m.When))}] = m.Lines
		}
		for k := range members.Members {
			m := &members.Members[k]
			for _, s := range m.Stays {
				for _, move := range []Move{{m.Repository, true, s.Joined, s.JoinedBy, nil}, {m.Repository, false, s.Left, s.LeftBy, nil}} {
					if move.When == "" || w.Period.From != "" && move.When < w.Period.From || w.Period.To != "" && move.When >= w.Period.To {
						continue
					}
					if n, ok := lines[[2]string{m.Repository, fmt.Sprint(move.Joined, move.When)}]; ok {
						move.Lines = &n
					}
					if move.Joined {
						w.Joins.count(m.Read)
					} else {
						w.Leaves.count(m.Read)
					}
					w.Moves = append(w.Moves, move)
				}
			}
		}
		if from.Scope.Kind != measure.ScopeEcosystem {
			w.Moves = nil
			return
		}
		slices.SortStableFunc(w.Moves, func(a, b Move) int {
			return cmp.Or(cmp.Compare(a.When, b.When), cmp.Compare(a.Repository, b.Repository))
		})
		for _, one := range from.Imports {
			item := Import{one.Repository, "", one.Commits, one.Reason, one.Evidence, one.Lines}
			if !one.Commit.IsZero() {
				item.Commit = one.Commit.String()
			}
			w.imports = append(w.imports, item)
		}
		w.Imports = &Imports{Of: len(w.imports), List: full(w.imports[:min(len(w.imports), importsShown)])}
		w.Imports.Shown = len(w.Imports.List)
		for _, one := range w.Imports.List {
			w.Imports.Lines += one.Lines
		}
	})
}

// PartRows gives the rows of a waterfall by "path class", "language" or "organization".
func PartRows(w *measure.Waterfall, by string) []measure.FallRow {
	return map[string][]measure.FallRow{"path class": w.Classes, "language": w.Languages, "organization": w.Organizations}[by]
}

// PartName is what reports call a row of a waterfall's parts.
func PartName(r *measure.FallRow) string {
	name, _ := partName(r)
	return name
}

func partName(r *measure.FallRow) (name, class string) {
	name = cmp.Or(r.Name, "(none known)")
	if r.Class != 0 || r.Organization != people.NoOrganization {
		class = className(r.Name, r.Organization, r.Class)
	}
	if r.Organization == people.NoOrganization && class != "" {
		name = rowName(r.Name, r.Organization)
	}
	return name, class
}

func (b *builder) falls(list []measure.FallRow) (out []FallRow) {
	for _, r := range list {
		row := FallRow{Fall: r.Fall}
		row.Name, row.Class = partName(&r)
		row.Client = r.Client
		out = append(out, row)
	}
	return out
}

func fallCells(f *measure.Fall) []any {
	return []any{f.Start, f.Written, f.Imported, f.Entered, f.Left, f.End, f.End - f.Start}
}

var waterfallTables = []Table{
	{
		"membership",
		"every repository that belongs to the ecosystem or has belonged, a row for each stay: since when and until when, and the commits of the list that say so; no dates where only today's list is known",
		[]string{"repository", "class", "subsystem", "read", "former", "formerly", "joined", "joined_by", "left", "left_by"},
		func(m *Model, add func(...any)) {
			for i := range m.Membership.Members {
				one := &m.Membership.Members[i]
				stays := one.Stays
				if len(stays) == 0 {
					stays = []Stay{{}}
				}
				for _, s := range stays {
					add(one.Repository, one.Class, one.Subsystem, one.Read, one.Former, strings.Join(one.Formerly, " "), s.Joined, s.JoinedBy, s.Left, s.LeftBy)
				}
			}
		},
	},
	{
		"waterfall",
		"lines at the end = start + written + imported + entered - left, by scope, and for calendar years and windows that go by dates, over the repositories that belonged at the time and were read; members: how many belonged, and how many of them were read",
		[]string{
			"scope_kind", "scope", "period_kind", "period", "partial", "start", "written", "imported", "entered", "left", "end", "growth",
			"members_start", "members_start_read", "members_end", "members_end_read", "joined", "joined_read", "left_members", "left_members_read", "members", "members_read",
			"log_commits", "log_added", "log_removed", "log_import_commits", "log_import_added", "log_import_removed",
		},
		func(m *Model, add func(...any)) {
			for i := range m.falls {
				w := &m.falls[i]
				cells := []any{w.Scope.Kind, w.Scope.Name, w.Period.Kind, w.Period.Name, w.Period.Partial}
				cells = append(cells, fallCells(&w.Fall)...)
				cells = append(cells, w.AtStart.Of, w.AtStart.Read, w.AtEnd.Of, w.AtEnd.Read, w.Joins.Of, w.Joins.Read, w.Leaves.Of, w.Leaves.Read, w.During.Of, w.During.Read)
				g := &w.Gross
				add(append(cells, g.Commits, g.Added, g.Removed, g.ImportCommits, g.ImportAdded, g.ImportRemoved)...)
			}
		},
	},
	{
		"waterfall_parts",
		"the same by path class, by language and by organization, for the ecosystem and its classes; by organization a line is whose git blame says, so written is what a side has won and lost, and bulk imports are a side of their own",
		[]string{"scope_kind", "scope", "period_kind", "period", "by", "name", "class", "client", "start", "written", "imported", "entered", "left", "end", "growth"},
		func(m *Model, add func(...any)) {
			for i := range m.falls {
				w := &m.falls[i]
				for _, part := range []struct {
					by   string
					rows []FallRow
				}{{"path class", w.Classes}, {"language", w.Languages}, {"organization", w.Organizations}} {
					for j := range part.rows {
						r := &part.rows[j]
						cells := []any{w.Scope.Kind, w.Scope.Name, w.Period.Kind, w.Period.Name, part.by, r.Name, r.Class, r.Client}
						add(append(cells, fallCells(&r.Fall)...)...)
					}
				}
			}
		},
	},
	{
		"waterfall_reconciliation",
		"from the log to growth while repositories belonged, in lines (added - removed): written + imported is the sum of all terms before it",
		[]string{
			"scope_kind", "scope", "period_kind", "period", "counted", "bulk", "bots", "duplicates", "dated_elsewhere",
			"merge_content_and_parallel_duplicates", "binary_flips", "submodule_links", "unreadable", "written_and_imported", "imported",
		},
		func(m *Model, add func(...any)) {
			for i := range m.falls {
				w := &m.falls[i]
				r := &w.Log
				add(w.Scope.Kind, w.Scope.Name, w.Period.Kind, w.Period.Name, r.Counted, r.Bulk, r.Bots, r.Duplicates, r.Elsewhere,
					r.Merges, r.Flips, r.Submodules, r.Unreadable, r.Growth, r.Imported)
			}
		},
	},
	{
		"moves",
		"repositories that joined and left by period, with the commit of the list that says so and the lines that stood in them then (none if it was not read)",
		[]string{"period_kind", "period", "repository", "move", "when", "commit", "lines"},
		func(m *Model, add func(...any)) {
			for i := range m.falls {
				w := &m.falls[i]
				for _, move := range w.Moves {
					verb, lines := "left", any(nil)
					if move.Joined {
						verb = "joined"
					}
					if move.Lines != nil {
						lines = *move.Lines
					}
					add(w.Period.Kind, w.Period.Name, move.Repository, verb, move.When, move.Commit, lines)
				}
			}
		},
	},
	{
		"imports",
		"what was imported by period: bulk imports, and history that another repository holds too, by the lines (added - removed) that landed while the repository belonged; largest first",
		[]string{"period_kind", "period", "repository", "commit", "commits", "reason", "evidence", "lines"},
		func(m *Model, add func(...any)) {
			for i := range m.falls {
				w := &m.falls[i]
				for _, one := range w.imports {
					add(w.Period.Kind, w.Period.Name, one.Repository, one.Commit, one.Commits, one.Reason, one.Evidence, one.Lines)
				}
			}
		},
	},
}

// WriteGrowthJSON writes who belonged when, the waterfalls, and both readings, as they stand in result.json.
func WriteGrowthJSON(w io.Writer, m *Model) error {
	return writeJSON(w, struct {
		Ecosystem  string       `json:"ecosystem"`
		AsOf       string       `json:"as_of"`
		Membership *Membership  `json:"membership"`
		Waterfalls []Waterfall  `json:"waterfalls"`
		Readings   *Readings    `json:"readings,omitempty"`
		Beside     []*Reference `json:"beside,omitempty"`
	}{m.Ecosystem, m.AsOf, m.Membership, m.Waterfalls, m.Readings, m.Beside}, "growth")
}

// WriteTable writes the table of a name.
func WriteTable(w io.Writer, m *Model, name string) error {
	for i := range Tables {
		if Tables[i].Name == name {
			return Tables[i].Write(w, m)
		}
	}
	return fmt.Errorf("there is no table %s", name)
}

// WriteGrowth writes waterfalls as text: that of a period, or where its name is "" a line for each year, and both readings by half-year.
func WriteGrowth(w io.Writer, m *Model, name string, width int) error {
	t := text{width: min(max(width, MinWidth), MaxWidth)}
	t.line(fmt.Sprintf("%s: lines of its members at the time, as of %s", Printable(m.Ecosystem), m.AsOf))
	for _, l := range m.membership() {
		t.line(l)
	}
	found := false
	for i := range m.Waterfalls {
		f := &m.Waterfalls[i]
		switch {
		case f.Scope.Kind != measure.ScopeEcosystem:
		case name == "" && f.Period.Kind == measure.KindYear && (f.Fall != measure.Fall{} || f.During.Read > 0):
			if !found {
				t.line(fmt.Sprintf("%-5s%12s%12s%12s%12s%14s  %s", "year", "written", "imported", "entered", "left", "end", "read"))
			}
			found = true
			// A year starts with what the one before ends with.
			t.line(fmt.Sprintf("%-5s%12s%12s%12s%12s%14s  %d/%d", f.Period.Name, signed(f.Written), signed(f.Imported),
				signed(f.Entered), signed(-f.Left), number(uint64(f.End)), f.AtEnd.Read, f.AtEnd.Of))
		case f.Period.Name == name:
			found = true
			t.waterfall(m, f)
		}
	}
	if !found {
		return fmt.Errorf("the result has no period %q that goes by dates", name)
	}
	if name == "" {
		t.readings(m)
	}
	period := cmp.Or(name, "YEAR")
	for _, l := range fold(fmt.Sprintf("Every figure leads to its repositories and commits: orrery explain 'waterfall:ecosystem::%s:written' SOURCE", Printable(period)), t.width) {
		t.line(l)
	}
	if _, err := io.WriteString(w, t.String()); err != nil {
		return fmt.Errorf("writing growth: %w", err)
	}
	return nil
}

// membership says in lines where the dates of membership come from.
func (m *Model) membership() (lines []string) {
	if len(m.Membership.Rolls) == 0 {
		return []string{"membership: as listed today; no list of it has a history"}
	}
	for _, r := range m.Membership.Rolls {
		lines = append(lines, fmt.Sprintf("membership since %.10s: %s", r.From, Printable(r.Source)))
	}
	return lines
}

func (t *text) waterfall(m *Model, f *Waterfall) {
	t.line(f.Period.Name + f.Period.dates())
	row := func(label string, lines, beside string) {
		t.line(fmt.Sprintf("  %-14s%15s   %s", label, lines, beside))
	}
	repositories := func(c Coverage) string {
		return fmt.Sprintf("%d of %s read", c.Read, plural(c.Of, "repository", "repositories"))
	}
	row("at the start", number(uint64(f.Start)), repositories(f.AtStart))
	row("written", signed(f.Written), fmt.Sprintf("log: %s commits, +%s -%s lines", number(f.Gross.Commits), number(f.Gross.Added), number(f.Gross.Removed)))
	row("imported", signed(f.Imported), fmt.Sprintf("%s; log: +%s -%s lines", plural(f.Imports.Of, "import", "imports"), number(f.Gross.ImportAdded), number(f.Gross.ImportRemoved)))
	row("entered", signed(f.Entered), repositories(f.Joins))
	row("left", signed(-f.Left), repositories(f.Leaves))
	row("at the end", number(uint64(f.End)), repositories(f.AtEnd))
	row("growth", signed(f.Growth), "")
	var terms []string
	for _, term := range f.Log.Terms() {
		if term.Value != 0 {
			terms = append(terms, fmt.Sprintf("%s %s", term.Name, signed(term.Value)))
		}
	}
	t.list("from the log: ", terms)
	var imports, joined, left []string
	for _, one := range f.Imports.List {
		what := one.Repository
		if one.Commit != "" {
			what += fmt.Sprintf(" %.10s", one.Commit)
		}
		imports = append(imports, fmt.Sprintf("%s %s (%s)", Printable(what), signed(one.Lines), one.Reason))
	}
	t.list("largest imports: ", imports)
	for _, move := range f.Moves {
		lines := "not read"
		if move.Lines != nil {
			lines = number(*move.Lines)
		}
		text := fmt.Sprintf("%s (%s)", Printable(move.Repository), lines)
		if move.Joined {
			joined = append(joined, text)
		} else {
			left = append(left, text)
		}
	}
	t.list("entered: ", joined)
	t.list("left: ", left)
	parts := func(label string, rows []FallRow) {
		var list []string
		for _, r := range rows {
			list = append(list, fmt.Sprintf("%s %s", Printable(r.Name), signed(r.End-r.Start)))
		}
		t.list(label, list)
	}
	var subsystems []FallRow
	for i := range m.Waterfalls {
		if s := &m.Waterfalls[i]; s.Scope.Kind == measure.ScopeSubsystem && s.Period == f.Period {
			subsystems = append(subsystems, FallRow{Name: s.Scope.Name, Fall: s.Fall})
		}
	}
	by := func(rows []FallRow) []FallRow {
		rows = slices.Clone(rows)
		slices.SortStableFunc(rows, func(a, b FallRow) int {
			size := func(r FallRow) int64 { return max(r.End-r.Start, r.Start-r.End) }
			return cmp.Compare(size(b), size(a))
		})
		return rows
	}
	parts("by subsystem: ", by(subsystems))
	parts("by path class: ", by(f.Classes))
	parts("by language: ", by(f.Languages))
	parts("by author: ", by(f.Organizations))
}

// listLines bounds the lines of a list; what it leaves out is counted.
const listLines = 3

func (t *text) list(head string, phrases []string) {
	if len(phrases) == 0 {
		return
	}
	for n := len(phrases); ; n-- {
		some := slices.Clone(phrases[:n])
		if left := len(phrases) - n; left > 0 {
			some = append(some, fmt.Sprintf("%d more in the tables", left))
		}
		if lines := wrap(head, some, t.width); len(lines) <= listLines || n <= 1 {
			for _, l := range lines {
				t.line(l)
			}
			return
		}
	}
}

func (p Period) dates() string {
	if p.From == "" || p.To == "" {
		return ""
	}
	return fmt.Sprintf(", from %.10s to before %.10s", p.From, p.To)
}

// Before gives the last day before a moment in RFC 3339.
func Before(moment string) string {
	t, err := time.Parse(time.RFC3339, moment)
	if err != nil {
		return ""
	}
	return t.Add(-time.Second).UTC().Format(time.DateOnly)
}
