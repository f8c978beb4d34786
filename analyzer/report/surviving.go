package report

import (
	"runtime"

	"orrery/analyzer/measure"
	"orrery/analyzer/people"
)

// Standing are surviving lines, split by who they belong to.
type Standing struct {
	Value   uint64 `json:"value"` // all lines
	Total   uint64 `json:"total"` // T = known + unknown: what shares are of
	Known   uint64 `json:"known"`
	Unknown uint64 `json:"unknown"`
	Bulk    uint64 `json:"bulk"`
	Bots    uint64 `json:"bots"`
	Agents  uint64 `json:"agents"` // AI agents
	// Coverage is known/total; nil where nothing stands.
	Coverage *float64 `json:"coverage"`
}

// Surviving is what stands at the end of a window.
type Surviving struct {
	Lines         Standing   `json:"lines"`
	Here          Standing   `json:"lines_here"`
	Organizations []StockRow `json:"organizations"`
}

// StockRow is what survives of an organization, an unknown class, nobody known, bots, AI agents or bulk imports. Its fields are as those of
// [Row].
type StockRow struct {
	Name    string `json:"name"`
	Class   string `json:"class"`
	Client  string `json:"client,omitempty"`
	Outside bool   `json:"outside,omitempty"`
	Apart   Stock  `json:"apart"`
	Merged  *Stock `json:"merged,omitempty"`

	organization bool
}

// Stock are surviving lines under one reading.
type Stock struct {
	measure.Stock
	// Shares are nil outside of T and where T is 0.
	LinesShare *Share         `json:"lines_share,omitempty"`
	HereShare  *Share         `json:"lines_here_share,omitempty"`
	Bulk       *measure.Stock `json:"bulk,omitempty"` // imports, beside it
}

// Kind is the part of a scope that lies in files of a class, or of a language.
type Kind struct {
	Name string `json:"name"`           // "" where no language is known
	Here *bool  `json:"here,omitempty"` // of classes: it is written here
	// Lines of the log by T; bulk imports, and bots with AI agents, beside them.
	Added          uint64 `json:"added"`
	Removed        uint64 `json:"removed"`
	BulkAdded      uint64 `json:"bulk_added"`
	BulkRemoved    uint64 `json:"bulk_removed"`
	MachineAdded   uint64 `json:"machine_added"`
	MachineRemoved uint64 `json:"machine_removed"`
	// At the end of the period; Files have at least one line. Without owners of lines both are 0.
	measure.Stock
	Files uint64 `json:"files"`
}

// Strata are surviving lines of the ecosystem by month. Lists of a layer are parallel to Months; layers without lines are left out.
type Strata struct {
	Months        []string `json:"months"`
	Organizations []Layer  `json:"organizations"`
	Classes       []Layer  `json:"classes"`
	Languages     []Layer  `json:"languages"`
	Years         []Layer  `json:"years"` // of writing
	Subsystems    []Layer  `json:"subsystems"`
	// Cohorts cross years of writing with organizations at the end of all time; the table has all windows.
	Cohorts []Cohort `json:"cohorts"`

	partial      []bool
	repositories []Layer
	people       []measure.PersonMonth // there are many: names stand once, by person
	pseudonyms   []string
	names        []string // "" unless they were asked for
	cohorts      [][]Cohort
}

// Layer is a part of all surviving lines, month by month.
type Layer struct {
	Name      string   `json:"name"`
	Class     string   `json:"class,omitempty"` // of organizations
	Client    string   `json:"client,omitempty"`
	Outside   bool     `json:"outside,omitempty"` // of T
	Lines     []uint64 `json:"lines"`
	Here      []uint64 `json:"lines_here"`
	BulkLines []uint64 `json:"bulk_lines,omitempty"` // imports on behalf of it, beside it; all of them are in "(bulk imports)"
	BulkHere  []uint64 `json:"bulk_lines_here,omitempty"`
}

// Cohort is what survives of what an organization wrote in a year.
type Cohort struct {
	Organization string `json:"organization"`
	Year         string `json:"year"`
	measure.Stock
}

// Longevity is how long the lines of an organization live.
type Longevity struct {
	Name    string `json:"name"` // "(all people)" first
	Class   string `json:"class"`
	Client  string `json:"client,omitempty"`
	Outside bool   `json:"outside,omitempty"`
	// Contractors are "apart", or "merged" into the organization.
	Contractors string    `json:"contractors"`
	All         Lifetimes `json:"lines"`
	Here        Lifetimes `json:"lines_here"`
}

// Lifetimes are those of [measure.Lifetimes]. Parts are nil where nothing was observed.
type Lifetimes struct {
	Entered  uint64   `json:"entered"`
	Removed  uint64   `json:"removed"`
	Alive    uint64   `json:"alive"`
	Active   *float64 `json:"active"`       // the part of alive that persons active in the last twelve months wrote; nil for machines
	Lines    uint64   `json:"active_lines"` // the same in lines
	HalfLife *int     `json:"half_life"`    // months; nil if it is not reached
	AtRisk   uint64   `json:"at_risk"`      // lines, at the half-life, else at the greatest age
	// Oldest is the greatest age that was observed, in months; OldestLasts what lasts longer.
	Oldest      *int     `json:"oldest"`
	OldestLasts *float64 `json:"oldest_lasts"`
	After12     *float64 `json:"lasts_12"` // months
	After24     *float64 `json:"lasts_24"`
	After60     *float64 `json:"lasts_60"`
}

// rowName puts what is no organization's into parentheses.
func rowName(name string, organization int) string {
	if organization == people.NoOrganization {
		return "(" + name + ")"
	}
	return name
}

func className(name string, organization int, class people.Class) string {
	switch {
	case organization != people.NoOrganization:
	case name == measure.RowBulk:
		return measure.KeyBulk
	case name == measure.RowPeople:
		return ""
	}
	return class.String()
}

func standing(s *measure.Surviving, of func(measure.Stock) uint64) Standing {
	total := s.Total()
	out := Standing{of(s.All()), of(total), of(s.Known), of(s.Unknown), of(s.Bulk), of(s.Bots), of(s.Agents), nil}
	out.Coverage = ratio(out.Known, out.Total)
	return out
}

func linesOf(s measure.Stock) uint64 { return s.Lines }
func hereOf(s measure.Stock) uint64  { return s.Here }

func surviving(s *measure.Surviving) *Surviving {
	if s == nil {
		return nil
	}
	out := &Surviving{standing(s, linesOf), standing(s, hereOf), []StockRow{}}
	for i := range s.Rows {
		r := &s.Rows[i]
		known := r.Organization != people.NoOrganization
		one := func(of, bulk measure.Stock) Stock {
			row := Stock{Stock: of}
			if bulk != (measure.Stock{}) {
				row.Bulk = &bulk
			}
			if !r.Outside {
				row.LinesShare = bound(of.Lines, s.Known.Lines, s.Unknown.Lines, known)
				row.HereShare = bound(of.Here, s.Known.Here, s.Unknown.Here, known)
			}
			return row
		}
		row := StockRow{
			Name: rowName(r.Name, r.Organization), Class: className(r.Name, r.Organization, r.Class), Client: r.Client, Outside: r.Outside,
			Apart: one(r.Apart, r.ApartBulk), organization: known,
		}
		if r.Client == "" && (r.Merged != r.Apart || r.MergedBulk != r.ApartBulk) {
			merged := one(r.Merged, r.MergedBulk)
			row.Merged = &merged
		}
		out.Organizations = append(out.Organizations, row)
	}
	return out
}

// merged gives the part of a row in the merged reading, nil for contractors whose client has it.
func (r *StockRow) merged() *Stock {
	switch {
	case r.Client != "":
		return nil
	case r.Merged != nil:
		return r.Merged
	}
	return &r.Apart
}

// Reading is the row with contractors as part of their client; nil of a contractor that has one.
func (r *StockRow) Reading() *Stock { return r.merged() }

func kinds(rows []measure.KindRow, class bool) []Kind {
	list := make([]Kind, len(rows))
	for i := range rows {
		r := &rows[i]
		list[i] = Kind{
			Name: r.Language, Added: r.Added, Removed: r.Removed, BulkAdded: r.BulkAdded, BulkRemoved: r.BulkRemoved,
			MachineAdded: r.MachineAdded, MachineRemoved: r.MachineRemoved, Stock: r.Stock, Files: r.Files,
		}
		if class {
			here := r.Class.Written()
			list[i].Name, list[i].Here = r.Class.String(), &here
		}
	}
	return list
}

func (b *builder) strata(s *measure.Strata) *Strata {
	if s == nil {
		return nil
	}
	out := &Strata{
		Months: []string{}, Organizations: b.layers(s.Organizations, true), Classes: b.layers(s.Classes, false), Languages: b.layers(s.Languages, false),
		Years: b.layers(s.Years, false), Subsystems: b.layers(s.Subsystems, false), repositories: b.layers(s.Repositories, false),
	}
	for _, p := range s.Months {
		out.Months, out.partial = append(out.Months, p.Name), append(out.partial, p.Partial)
	}
	for _, cohorts := range s.Cohorts {
		list := []Cohort{}
		for _, c := range cohorts {
			list = append(list, Cohort{rowName(c.Name, c.Organization), c.Year, c.Stock})
		}
		out.cohorts = append(out.cohorts, list)
	}
	out.Cohorts = out.cohorts[0]
	out.people, out.pseudonyms, out.names = s.People, make([]string, len(b.Persons)), make([]string, len(b.Persons))
	for i := range b.Persons {
		if out.pseudonyms[i] = b.Persons[i].Pseudonym; b.Names {
			out.names[i] = b.Persons[i].Name
		}
	}
	return out
}

func (b *builder) layers(list []measure.Layer, organizations bool) []Layer {
	return kept(b.Spill, runtime.GOMAXPROCS(0), len(list), func(i int, o *Layer) {
		l := &list[i]
		o.Name, o.Client, o.Outside = l.Name, l.Client, l.Outside
		if organizations {
			o.Name, o.Class = rowName(l.Name, l.Organization), className(l.Name, l.Organization, l.Class)
		}
		o.Lines, o.Here = split(l.Stocks)
		if l.Bulk != nil {
			o.BulkLines, o.BulkHere = split(l.Bulk)
		}
	})
}

func split(stocks []measure.Stock) (lines, here []uint64) {
	lines, here = make([]uint64, len(stocks)), make([]uint64, len(stocks))
	for i, s := range stocks {
		lines[i], here[i] = s.Lines, s.Here
	}
	return lines, here
}

func longevity(list []measure.Longevity) []Longevity {
	out := []Longevity{}
	for i := range list {
		l := &list[i]
		row := Longevity{
			Name: rowName(l.Name, l.Organization), Class: className(l.Name, l.Organization, l.Class), Client: l.Client, Outside: l.Outside,
			Contractors: "apart", All: lifetimes(&l.All, l.Class), Here: lifetimes(&l.Here, l.Class),
		}
		if l.Merged {
			row.Contractors = "merged"
		}
		out = append(out, row)
	}
	return out
}

func lifetimes(l *measure.Lifetimes, class people.Class) Lifetimes {
	out := Lifetimes{Entered: l.Entered, Removed: l.Removed, Alive: l.Alive, Lines: l.Active, AtRisk: l.AtRisk}
	if !class.Machine() {
		out.Active = ratio(l.Active, l.Alive)
	}
	if l.HalfLife != measure.NotReached {
		out.HalfLife = &l.HalfLife
	}
	if l.Oldest >= 0 {
		out.Oldest, out.OldestLasts = &l.Oldest, rounded(l.OldestLasts, 1e6)
	}
	for i, after := range []**float64{&out.After12, &out.After24, &out.After60} {
		if l.Lasting[i] >= 0 {
			*after = rounded(l.Lasting[i], 1e6)
		}
	}
	return out
}

// cells are the columns of lifetimes in tables.
func (l *Lifetimes) cells() []any {
	var half, oldest any
	switch {
	case l.HalfLife != nil:
		half = *l.HalfLife
	case l.Oldest != nil:
		half = "not reached"
	}
	if l.Oldest != nil {
		oldest = *l.Oldest
	}
	return []any{
		l.Entered, l.Removed, l.Alive, l.Lines, l.Active, half, l.AtRisk, oldest, l.OldestLasts, l.After12, l.After24, l.After60,
	}
}

func (s *Share) bounds() []any { return s.cells()[:2] }

func (s *Stock) cells() []any {
	if s == nil {
		return make([]any, 6)
	}
	cells := []any{s.Lines, s.Here}
	return append(append(cells, s.LinesShare.bounds()...), s.HereShare.bounds()...)
}

// survivingTables are the tables of surviving lines.
var survivingTables = []Table{
	{
		"surviving",
		"lines that survive at the end of every window by scope and organization: by who wrote the commit that git blame names; _here: in files that are written here; rows as in organizations, and \"(nobody known)\" for lines that stood in a file before it could be read",
		[]string{
			"scope_kind", "scope", "window", "organization", "class", "lines", "lines_here", "lines_share_low", "lines_share_high",
			"lines_here_share_low", "lines_here_share_high", "client", "merged_lines", "merged_lines_here", "merged_lines_share_low",
			"merged_lines_share_high", "merged_lines_here_share_low", "merged_lines_here_share_high", "bulk_lines", "bulk_lines_here",
		},
		func(m *Model, add func(...any)) {
			for i := range m.Figures {
				f := &m.Figures[i]
				if f.Surviving == nil {
					continue
				}
				for j := range f.Surviving.Organizations {
					r := &f.Surviving.Organizations[j]
					cells := []any{f.Scope.Kind, f.Scope.Name, f.Period.Name, r.Name, r.Class}
					cells = append(append(cells, r.Apart.cells()...), r.Client)
					cells = append(cells, r.merged().cells()...)
					bulk := measure.Stock{}
					if r.Apart.Bulk != nil {
						bulk = *r.Apart.Bulk
					}
					add(append(cells, bulk.Lines, bulk.Here)...)
				}
			}
		},
	},
	{
		"strata",
		"lines of the ecosystem that survive at the end of every month by organization; rows without lines are left out, bulk imports on behalf of an organization stand beside it and are all in \"(bulk imports)\"",
		[]string{"month", "partial", "organization", "class", "client", "lines", "lines_here", "bulk_lines", "bulk_lines_here"},
		func(m *Model, add func(...any)) {
			if m.Strata == nil {
				return
			}
			for month, name := range m.Strata.Months {
				for i := range m.Strata.Organizations {
					l := &m.Strata.Organizations[i]
					var bulk, bulkHere uint64
					if l.BulkLines != nil {
						bulk, bulkHere = l.BulkLines[month], l.BulkHere[month]
					}
					if l.Lines[month]+bulk > 0 {
						add(name, m.Strata.partial[month], l.Name, l.Class, l.Client, l.Lines[month], l.Here[month], bulk, bulkHere)
					}
				}
			}
		},
	},
	{
		"strata_by_kind",
		"the same by path class, language, year of writing (author date), subsystem and repository; the rows of each kind are all lines",
		[]string{"month", "partial", "kind", "name", "lines", "lines_here"},
		func(m *Model, add func(...any)) {
			if m.Strata == nil {
				return
			}
			for _, kind := range []struct {
				name   string
				layers []Layer
			}{
				{"class", m.Strata.Classes},
				{"language", m.Strata.Languages},
				{"year", m.Strata.Years},
				{"subsystem", m.Strata.Subsystems},
				{"repository", m.Strata.repositories},
			} {
				for month, name := range m.Strata.Months {
					for i := range kind.layers {
						if l := &kind.layers[i]; l.Lines[month] > 0 {
							add(name, m.Strata.partial[month], kind.name, l.Name, l.Lines[month], l.Here[month])
						}
					}
				}
			}
		},
	},
	{
		"cohorts",
		"lines of the ecosystem that survive at the end of every window by organization and year of writing (author date)",
		[]string{"window", "organization", "year", "lines", "lines_here"},
		func(m *Model, add func(...any)) {
			if m.Strata == nil {
				return
			}
			for w, cohorts := range m.Strata.cohorts {
				for _, c := range cohorts {
					add(m.Windows[w].Name, c.Organization, c.Year, c.Lines, c.Here)
				}
			}
		},
	},
	{
		"people_lines",
		"lines of the ecosystem that survive at a month's end by person, under a pseudonym, machines too: a row where they have changed since the month before, so the last row before a month holds for it; name: only on request",
		[]string{"month", "person", "name", "lines", "lines_here", "bulk_lines", "bulk_lines_here"},
		func(m *Model, add func(...any)) {
			if m.Strata == nil {
				return
			}
			s := m.Strata
			for i := range s.people {
				p := &s.people[i]
				add(s.Months[p.Month], s.pseudonyms[p.Person], s.names[p.Person], p.Lines, p.Here, p.Bulk.Lines, p.Bulk.Here)
			}
		},
	},
	{
		"survival",
		"how long lines live, on the as-of day: lines that entered and left the branch, what is alive, how much of that is by authors active in the last twelve months, half-life in months (\"not reached\" while more than half last), lines at risk at that age (else at the oldest), the greatest age observed, and the parts that last longer than it, 12, 24 and 60 months; _here: of lines in files written here",
		[]string{
			"organization", "class", "client", "contractors", "entered", "removed", "alive", "active_lines", "active", "half_life", "at_risk", "oldest",
			"oldest_lasts", "lasts_12", "lasts_24", "lasts_60", "entered_here", "removed_here", "alive_here", "active_lines_here", "active_here",
			"half_life_here", "at_risk_here", "oldest_here", "oldest_lasts_here", "lasts_12_here", "lasts_24_here", "lasts_60_here",
		},
		func(m *Model, add func(...any)) {
			for i := range m.Longevity {
				l := &m.Longevity[i]
				cells := []any{l.Name, l.Class, l.Client, l.Contractors}
				add(append(append(cells, l.All.cells()...), l.Here.cells()...)...)
			}
		},
	},
	{
		"classes",
		"what files are, by scope and window: lines of the log by T, by bulk imports, by bots and AI agents; lines that stand at the end, and files with at least one; here: the class is written here",
		append([]string{"scope_kind", "scope", "window", "class", "here"}, kindColumns...),
		func(m *Model, add func(...any)) {
			for i := range m.Figures {
				f := &m.Figures[i]
				for j := range f.Classes {
					k := &f.Classes[j]
					add(append([]any{f.Scope.Kind, f.Scope.Name, f.Period.Name, k.Name, *k.Here}, k.cells()...)...)
				}
			}
		},
	},
	{
		"languages",
		"the same by language; empty: none known",
		append([]string{"scope_kind", "scope", "window", "language", "lines_here"}, kindColumns...),
		func(m *Model, add func(...any)) {
			for i := range m.Figures {
				f := &m.Figures[i]
				for j := range f.Languages {
					k := &f.Languages[j]
					add(append([]any{f.Scope.Kind, f.Scope.Name, f.Period.Name, k.Name, k.Stock.Here}, k.cells()...)...)
				}
			}
		},
	},
}

var kindColumns = []string{"added", "removed", "bulk_added", "bulk_removed", "machine_added", "machine_removed", "lines", "files"}

func (k *Kind) cells() []any {
	return []any{k.Added, k.Removed, k.BulkAdded, k.BulkRemoved, k.MachineAdded, k.MachineRemoved, k.Lines, k.Files}
}
