package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"orrery/analyzer/control"
	"orrery/analyzer/measure"
	"orrery/analyzer/people"
)

// Control is who contributes, owns, reviews and governs, beside each other: seats and lines on the as-of day, work and reviews of the last
// twelve months.
type Control struct {
	// Lines are the surviving lines of files written here, Stated those that a file gives into somebody's care: elsewhere nothing is stated,
	// which does not mean that nobody guards them.
	Lines  uint64 `json:"lines"`
	Stated uint64 `json:"stated"`
	// StatedShare is stated/lines; nil without lines.
	StatedShare *float64 `json:"stated_share"`
	// Cared are those with an active author or a guardian, which exposed shares are of; 0 in results of before it was told.
	Cared uint64 `json:"lines_in_care,omitempty"`
	// Touches are changes of such files by commits of the 365 days before, StatedTouches those of files in somebody's care.
	Touches            uint64   `json:"file_changes"`
	StatedTouches      uint64   `json:"stated_file_changes"`
	StatedTouchesShare *float64 `json:"stated_file_changes_share"`
	// Stating counts the repositories, of those read, that files name seats of.
	Stating int `json:"repositories_stating"`
	// Elsewhere counts seats of repositories that were not read.
	Elsewhere int `json:"seats_elsewhere"`
	// Teams counts seats of teams whose members nobody states, which are among those of nobody known.
	Teams int `json:"seats_of_unknown_teams,omitempty"`
	// Changes are the commits and merges of the twelve months, Reviewed those that anybody but their author reviewed, approved or took in.
	Changes  int `json:"changes"`
	Reviewed int `json:"reviewed"`
	Machines int `json:"reviews_by_machines"` // in no share
	// Governance is what a hand-written file states of boards, marks, licence, CI, signing and forge, at any time.
	Governance []Power      `json:"governance"`
	Rows       []ControlRow `json:"organizations"`
	Years      []SeatsRow   `json:"seats_by_year"`
	// Where is who reviewed where, by window.
	Where []ReviewsRow `json:"reviews_by_repository"`

	seats  []seatRow
	people []actsBy
	pairs  []actsWith
}

// ControlRow is an organization, or a class of people whose organization is not known.
type ControlRow struct {
	Name   string       `json:"name"`
	Class  string       `json:"class"`
	Client string       `json:"client,omitempty"`
	Apart  ControlPart  `json:"apart"`
	Merged *ControlPart `json:"merged,omitempty"` // nil if it is the same as Apart, or all with Client
	// Governs are its powers on the as-of day, by [control.Statement.Says]; empty where nothing is stated, which does not mean that it has none.
	Governs []string `json:"governs,omitempty"`
	// Exposed is the share of the lines in somebody's care that are in its people's alone, contractors among them; nil outside of T.
	Exposed *Share `json:"exposed,omitempty"`
}

// Power is a statement about governance.
type Power struct {
	control.Statement
	// Holds says that it does on the as-of day; Share is that of the body's seats then, from what is stated to that with all seats that nobody states.
	Holds bool   `json:"holds"`
	Share *Share `json:"share,omitempty"`
}

// NotStated stands for powers of which no file says anything.
const NotStated = "not stated"

// ControlPart is what an organization holds and does under one reading. Shares are bounds as everywhere, nil outside of T.
type ControlPart struct {
	Seats        int `json:"seats"`
	Holders      int `json:"holders"` // persons with a seat
	Guarded      int `json:"guarded"` // lines; one with several guardians is divided evenly
	Alone        int `json:"guarded_alone"`
	Touched      int `json:"guarded_changes"` // changes of guarded files by commits of the 365 days before
	Reviews      int `json:"reviews"`
	Approvals    int `json:"approvals"`
	Integrations int `json:"integrations"`

	Contributes   *Share `json:"contributes,omitempty"` // of commits
	Owns          *Share `json:"owns,omitempty"`        // of surviving lines of files written here
	ReviewShare   *Share `json:"reviews_share,omitempty"`
	Governs       *Share `json:"seats_share,omitempty"`
	Guards        *Share `json:"guarded_share,omitempty"`         // of stated lines
	GuardsTouches *Share `json:"guarded_changes_share,omitempty"` // of changes of stated files in the 365 days before
}

// SeatsRow is how many seats an organization had at the end of a year.
type SeatsRow struct {
	Year    int    `json:"year"`
	Name    string `json:"name"`
	Class   string `json:"class"`
	Seats   int    `json:"seats"`
	Holders int    `json:"holders"`
}

// ReviewsRow is how often people of an organization reviewed, approved or took in changes of others in a repository. Contractors stand apart.
type ReviewsRow struct {
	Window       string `json:"window"`
	Repository   string `json:"repository"`
	Organization string `json:"organization"`
	Reviews      int    `json:"reviews"`
}

// actsBy is how often somebody reviewed, approved or took in changes of others; person is "" of accounts without a commit.
type actsBy struct {
	window, repository, person, party string
	acts                              int
}

// actsWith is how often the first of two people did so with changes of the second; the organizations are those that both worked for, "" for none known.
type actsWith struct {
	window                string
	people, organizations [2]string
	acts                  int
}

type seatRow struct {
	repository, file, role, scope, person, organization, class, rule string
	line                                                             int
	from, to                                                         int64
}

// AddControl puts who controls the ecosystem into the model.
func (m *Model) AddControl(c *control.Result, book *control.Book, repositories []string, resolution *people.Resolution, governance []control.Statement) {
	w := slices.IndexFunc(c.Windows, func(w control.Window) bool { return w.Name == measure.LastTwelveMonths })
	if w < 0 {
		return
	}
	m.Control = &Control{
		Lines: c.Lines, Stated: c.Stated, StatedShare: ratio(c.Stated, c.Lines), Cared: c.Exposed.Whole, Touches: c.Touches, StatedTouches: c.StatedTouches, StatedTouchesShare: ratio(c.StatedTouches, c.Touches), Stating: c.Repositories, Elsewhere: c.Elsewhere, Teams: c.Teams,
		Changes: c.Changes[w], Reviewed: c.Changed[w], Machines: c.Machines[w], Rows: []ControlRow{}, Years: []SeatsRow{}, Governance: []Power{}, Where: []ReviewsRow{},
	}
	m.Warnings = append(m.Warnings, c.Warnings...)
	var known, all control.Part
	var acts, allActs control.Acts
	for i := range c.Rows {
		r := &c.Rows[i]
		all = plusPart(all, r.Apart)
		allActs = plusActs(allActs, r.Acts[w])
		if r.Class.Known() {
			known, acts = plusPart(known, r.Apart), plusActs(acts, r.Acts[w])
		}
	}
	shareOf := func(x, known, all float64) *Share {
		if all == 0 {
			return nil
		}
		return &Share{*rounded(x/all, 1e6), *rounded((x+all-known)/all, 1e6), nil}
	}
	part := func(p control.Part, a control.Acts, inT bool) ControlPart {
		out := ControlPart{
			Seats: p.Seats, Holders: p.Holders, Guarded: int(math.Round(p.Guarded)), Alone: int(math.Round(p.Alone)), Touched: int(math.Round(p.Touched)),
			Reviews: a.Reviews, Approvals: a.Approvals, Integrations: a.Integrations,
		}
		if inT {
			out.Governs = shareOf(float64(p.Seats), float64(known.Seats), float64(all.Seats))
			out.Guards = shareOf(p.Guarded, known.Guarded, all.Guarded)
			out.GuardsTouches = shareOf(p.Touched, known.Touched, all.Touched)
			out.ReviewShare = shareOf(float64(a.All()), float64(acts.All()), float64(allActs.All()))
		}
		return out
	}
	rows := map[string]*ControlRow{}
	var names []string
	row := func(name, class, client string) *ControlRow {
		r, ok := rows[name]
		if !ok {
			r = &ControlRow{Name: name, Class: class, Client: client}
			rows[name] = r
			names = append(names, name)
		}
		return r
	}
	for i := range c.Rows {
		from := &c.Rows[i]
		r := row(rowName(from.Name, from.Organization), className(from.Name, from.Organization, from.Class), from.Client)
		inT := from.Class.Known()
		r.Apart = part(from.Apart, from.Acts[w], inT)
		if r.Client == "" {
			merged := part(from.Merged, from.MergedActs[w], inT)
			r.Merged = &merged
		}
		if x := from.Exposed; inT && x.Whole > 0 && r.Client == "" {
			r.Exposed = &Share{*ratio(x.Low, x.Whole), *ratio(x.High, x.Whole), nil}
		}
	}
	trailing := &m.Figures[trailing(m)]
	for i := range trailing.Organizations {
		from := &trailing.Organizations[i]
		if from.Outside {
			continue
		}
		r := row(from.Name, from.Class, from.Client)
		r.Apart.Contributes = from.Apart.CommitsShare
		if merged := from.merged(); merged != nil && r.Client == "" {
			if r.Merged == nil {
				r.Merged = &ControlPart{}
			}
			r.Merged.Contributes = merged.CommitsShare
		}
	}
	if trailing.Surviving != nil {
		for i := range trailing.Surviving.Organizations {
			from := &trailing.Surviving.Organizations[i]
			if from.Outside {
				continue
			}
			r := row(from.Name, from.Class, from.Client)
			r.Apart.Owns = from.Apart.HereShare
			if r.Client == "" {
				if r.Merged == nil {
					r.Merged = &ControlPart{}
				}
				if r.Merged.Owns = from.Apart.HereShare; from.Merged != nil {
					r.Merged.Owns = from.Merged.HereShare
				}
			}
		}
	}
	for i := range governance {
		power := Power{Statement: governance[i], Holds: governance[i].Holds(c.At)}
		if low, high, ok := power.Bounds(governance, c.At); ok && power.Holds {
			power.Share = &Share{*rounded(low, 1e6), *rounded(high, 1e6), nil}
		}
		m.Control.Governance = append(m.Control.Governance, power)
		if power.Holds && power.Organization != "" {
			r := row(power.Organization, governs, "")
			r.Governs = append(r.Governs, power.Says())
		}
	}
	for _, name := range names {
		r := rows[name]
		if x := c.Exposed; r.Exposed == nil && x.Whole > 0 && r.Client == "" && !strings.HasPrefix(name, "(") && r.Class != governs {
			r.Exposed = &Share{*ratio(x.Low, x.Whole), *ratio(x.High, x.Whole), nil}
		}
		if r.Merged != nil && equalParts(r.Merged, &r.Apart) {
			r.Merged = nil
		}
		m.Control.Rows = append(m.Control.Rows, *r)
	}
	weight := func(r *ControlRow) float64 {
		p, sum := r.reading(), 0.0
		for _, s := range []*Share{p.Contributes, p.Owns, p.ReviewShare, p.Governs} {
			if s != nil {
				sum += s.Low
			}
		}
		return sum
	}
	slices.SortStableFunc(m.Control.Rows, func(a, b ControlRow) int {
		return cmp.Or(cmp.Compare(weight(&b), weight(&a)), strings.Compare(a.Name, b.Name))
	})
	for _, y := range c.Years {
		for _, r := range y.Rows {
			class := r.Class.String()
			if !r.Class.Known() {
				r.Name = rowName(r.Name, people.NoOrganization)
			}
			m.Control.Years = append(m.Control.Years, SeatsRow{y.Year, r.Name, class, r.Seats, r.Holders})
		}
	}
	for _, at := range c.Where {
		m.Control.Where = append(m.Control.Where, ReviewsRow{c.Windows[at.Window].Name, repositories[at.Repository], resolution.Organizations[at.Organization].Name, at.Acts})
	}
	b := builder{Resolution: resolution}
	for _, by := range c.People {
		a := actsBy{window: c.Windows[by.Window].Name, repository: repositories[by.Repository], party: b.party(by.Organization, by.Class), acts: by.Acts}
		if by.Person >= 0 {
			a.person = resolution.Persons[by.Person].Pseudonym
		}
		m.Control.people = append(m.Control.people, a)
	}
	for _, with := range c.Pairs {
		m.Control.pairs = append(m.Control.pairs, actsWith{
			window: c.Windows[with.Window].Name, people: [2]string{resolution.Persons[with.Person].Pseudonym, resolution.Persons[with.Author].Pseudonym},
			organizations: [2]string{b.organization(with.Organization), b.organization(with.OrganizationOf)}, acts: with.Acts,
		})
	}
	m.Control.list(book, repositories, resolution, c.At)
}

// party names whom work is for as [Party] does: an organization, else a class in parentheses.
func (b *builder) party(organization int, class people.Class) string {
	return cmp.Or(b.organization(organization), "("+class.String()+")")
}

// governs is the class of an organization that a governance file alone names.
const governs = "governs"

// list takes down every seat with who holds it, and why that is thought.
func (c *Control) list(book *control.Book, repositories []string, resolution *people.Resolution, at int64) {
	for i := range book.Seats {
		s := &book.Seats[i]
		when := min(at, s.To-1)
		a := resolution.AttributeMention(s.Mention, control.Moment(when))
		row := seatRow{repository: repositories[s.Repository], file: s.File, line: s.Line, role: s.Role, scope: s.Scope, class: a.Class.String(), from: s.From, to: s.To}
		if a.Organization != people.NoOrganization {
			row.organization, row.rule = resolution.Organizations[a.Organization].Name, resolution.Evidence[a.Evidence].Rule
		}
		if p := resolution.Mentioned[s.Mention].Person; p >= 0 && a.Class != people.Withheld {
			row.person = resolution.Persons[p].Pseudonym
		}
		c.seats = append(c.seats, row)
	}
}

// says lists the powers in a cell.
func (r *ControlRow) says() string {
	if len(r.Governs) == 0 {
		return NotStated
	}
	return strings.Join(r.Governs, "; ")
}

// reading is the merged part where there is one.
func (r *ControlRow) reading() *ControlPart {
	if r.Merged != nil {
		return r.Merged
	}
	return &r.Apart
}

func plusPart(a, b control.Part) control.Part {
	a.Seats += b.Seats
	a.Guarded += b.Guarded
	a.Touched += b.Touched
	return a
}

func plusActs(a, b control.Acts) control.Acts {
	return control.Acts{Reviews: a.Reviews + b.Reviews, Approvals: a.Approvals + b.Approvals, Integrations: a.Integrations + b.Integrations}
}

func equalParts(a, b *ControlPart) bool {
	same := func(x, y *Share) bool { return x == y || x != nil && y != nil && x.Low == y.Low && x.High == y.High }
	x, y := *a, *b
	for _, p := range [...]*ControlPart{&x, &y} {
		p.Contributes, p.Owns, p.ReviewShare, p.Governs, p.Guards, p.GuardsTouches = nil, nil, nil, nil, nil, nil
	}
	return x == y && same(a.Contributes, b.Contributes) && same(a.Owns, b.Owns) && same(a.ReviewShare, b.ReviewShare) &&
		same(a.Governs, b.Governs) && same(a.Guards, b.Guards) && same(a.GuardsTouches, b.GuardsTouches)
}

// controlTables are the tables of control.
var controlTables = []Table{
	{
		"control",
		"who contributes (commits of the last twelve months), owns (surviving lines of files written here), reviews (reviews, approvals and integrations of others' changes in the last twelve months), has seats, guards (lines in somebody's care), governs (what a governance file states) and is exposed to whom (lines in nobody else's care), on the as-of day; a row for each organization and reading",
		[]string{
			"organization", "class", "client", "contractors", "contributes_low", "contributes_high", "owns_low", "owns_high",
			"reviews_share_low", "reviews_share_high", "seats_share_low", "seats_share_high", "guarded_share_low", "guarded_share_high",
			"seats", "holders", "guarded", "guarded_alone", "reviews", "approvals", "integrations", "exposed_low", "exposed_high", "governs",
			"guarded_changes_share_low", "guarded_changes_share_high", "guarded_changes",
		},
		func(m *Model, add func(...any)) {
			if m.Control == nil {
				return
			}
			for i := range m.Control.Rows {
				r := &m.Control.Rows[i]
				row := func(contractors string, p *ControlPart) {
					cells := []any{r.Name, r.Class, r.Client, contractors}
					for _, s := range []*Share{p.Contributes, p.Owns, p.ReviewShare, p.Governs, p.Guards} {
						cells = append(cells, s.bounds()...)
					}
					cells = append(cells, p.Seats, p.Holders, p.Guarded, p.Alone, p.Reviews, p.Approvals, p.Integrations)
					cells = append(append(cells, r.Exposed.bounds()...), r.says())
					add(append(append(cells, p.GuardsTouches.bounds()...), p.Touched)...)
				}
				row("apart", &r.Apart)
				if r.Client == "" {
					row("merged", r.reading())
				}
			}
		},
	},
	{
		"governance",
		"every line of the governance files: who has which power (board, foundation, trademark, licence, CLA, CI, signing, forge), from when to when, by which source; holds: on the as-of day; share: of a body's seats then, the higher one with all seats that nobody states",
		[]string{"power", "organization", "name", "seats", "of", "share_low", "share_high", "country", "from", "to", "holds", "source", "date", "url", "file", "line", "note"},
		func(m *Model, add func(...any)) {
			if m.Control == nil {
				return
			}
			for i := range m.Control.Governance {
				p := &m.Control.Governance[i]
				seats := []any{"", ""}
				if p.Seats > 0 {
					seats[0] = p.Seats
				}
				if p.Of > 0 {
					seats[1] = p.Of
				}
				cells := append([]any{p.Power, p.Organization, p.Name}, seats...)
				cells = append(cells, p.Share.bounds()...)
				holds := "no"
				if p.Holds {
					holds = "yes"
				}
				add(append(cells, p.Country, p.From, p.To, holds, p.Source.Title, p.Source.Date, p.Source.URL, p.File, p.Line, p.Note)...)
			}
		},
	},
	{
		"seats",
		"every seat that a file of the repositories states: whose (by pseudonym; empty for people without a commit), for whom and by which rule, and from when to when; files are known at month's ends",
		[]string{"repository", "file", "line", "role", "scope", "person", "organization", "class", "rule", "from", "to"},
		func(m *Model, add func(...any)) {
			if m.Control == nil {
				return
			}
			for _, s := range m.Control.seats {
				to := ""
				if s.to != math.MaxInt64 {
					to = date(s.to)
				}
				add(s.repository, s.file, s.line, s.role, s.scope, s.person, s.organization, s.class, s.rule, date(s.from), to)
			}
		},
	},
	{
		"reviews",
		"how often people of an organization reviewed, approved or took in changes of others in a repository, by window; contractors as firms of their own",
		[]string{"window", "repository", "organization", "reviews"},
		func(m *Model, add func(...any)) {
			if m.Control == nil {
				return
			}
			for _, r := range m.Control.Where {
				add(r.Window, r.Repository, r.Organization, r.Reviews)
			}
		},
	},
	{
		"seats_by_year",
		"seats by organization at the end of every year, the last one on the as-of day",
		[]string{"year", "organization", "class", "seats", "holders"},
		func(m *Model, add func(...any)) {
			if m.Control == nil {
				return
			}
			for _, s := range m.Control.Years {
				add(s.Year, s.Name, s.Class, s.Seats, s.Holders)
			}
		},
	},
}

// control says in a line who decides.
func (t *text) control(m *Model) {
	if m.Control == nil {
		return
	}
	c := m.Control
	line := ""
	add := func(phrase string) {
		if line == "" {
			line = "control: " + phrase
		} else if cells(line)+2+cells(phrase) <= t.width {
			line += "; " + phrase
		}
	}
	largest := func(of func(p *ControlPart) *Share) (name string, s *Share) {
		for i := range c.Rows {
			if r := &c.Rows[i]; r.Client == "" {
				if x := of(r.reading()); x != nil && (s == nil || x.Low > s.Low) {
					name, s = r.Name, x
				}
			}
		}
		return cut(Printable(name), 20), s
	}
	if name, s := largest(func(p *ControlPart) *Share { return p.Governs }); s != nil {
		add(fmt.Sprintf("seats %s %s %%", name, share(s)))
	}
	if name, s := largest(func(p *ControlPart) *Share { return p.ReviewShare }); s != nil {
		add(fmt.Sprintf("reviews %s %s %%", name, share(s)))
	}
	if c.StatedShare != nil && c.Stated > 0 {
		add("lines with a stated owner " + percent(c.StatedShare))
	}
	if line != "" {
		t.line(line)
	}
}
