// Package report turns measures into one [Model], and the model into JSON, tables, text and the graph.
//
// People appear under pseudonyms only, unless [Options].Names asks for names; addresses never appear. Ratios are rounded to six digits,
// indices to four: beyond these nothing is known.
package report

import (
	"cmp"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"orrery/analyzer/facts"
	"orrery/analyzer/facts/spill"
	"orrery/analyzer/measure"
	"orrery/analyzer/people"
)

// Schema is the version of result.json. It grows by one when a key changes its meaning or goes; keys that come do not change it.
//
//	1  first
const Schema = 1

// Provenance is where the figures come from.
type Provenance struct {
	Ecosystem string
	Version   string // of orrery
	Command   *Command
	Options   []Option
	// RollUp and Contractors are those of [people.Options]; "" for the default.
	RollUp, Contractors string
	// PseudonymKey is the name of the key of pseudonyms, by [people.KeyName].
	PseudonymKey string
	// Repositories are all that the ecosystem names, read or not, in the order in which reports list them; those that have left only where
	// somebody tried to read them.
	Repositories []Repository
	// Membership is nil where nothing is known but Repositories.
	Membership *Membership
	Warnings   []string
}

// Command is what makes the result again, as it was asked for: `orrery analyze SOURCES FLAGS`. Places on the disk stand by their last element,
// addresses and secrets not at all; what changes no figure (workers, mirrors, where it is written) is left out.
type Command struct {
	Sources []string `json:"sources"`
	Flags   []string `json:"flags"` // each name followed by its value, if it has one
}

// Option is one setting that shaped the result.
type Option struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Repository is one repository of the ecosystem as it was met.
type Repository struct {
	Key       string `json:"repository"`
	Class     string `json:"class"`
	Subsystem string `json:"subsystem,omitempty"`
	URL       string `json:"url,omitempty"`    // without user-info
	Branch    string `json:"branch,omitempty"` // full name
	Commit    string `json:"commit,omitempty"` // that it was read at
	// Problem says why it was not read; "" if it was.
	Problem string `json:"problem,omitempty"`
	// Reason is the kind of the problem, in a word or two: "no mirror", "unreachable", "empty". The summary counts by it.
	Reason string `json:"reason,omitempty"`
	// Former says that no list names it any more.
	Former bool `json:"former,omitempty"`
	// Shallow says that the history before some commits was never fetched.
	Shallow bool `json:"shallow,omitempty"`
}

// Options shape the model.
type Options struct {
	// Names prints the names of people beside their pseudonyms.
	Names bool
	// People is how many persons of every window stand in JSON, most commits first; 0 means 20, below 0 none. The table has all.
	People int
	// Accounting names the rules of the result's accounts; "" for none.
	Accounting string
	// Spill is where rows of the model are kept that grow with the number of repositories; nil keeps them in memory. The model dies with it.
	Spill *spill.File
}

// Model is all that reports say. Its JSON form is result.json.
type Model struct {
	Schema    int    `json:"schema"`
	Orrery    string `json:"orrery"`
	Ecosystem string `json:"ecosystem"`
	// AsOf and Fetched are UTC days.
	AsOf    string `json:"as_of"`
	Fetched string `json:"fetched"`
	// RollUp is what organizations stand for: "brand", "entity", "parent" or "country". Contractors is how they are read: "both", "apart" or
	// "client"; merged and apart figures are the same unless it is "both".
	RollUp      string `json:"roll_up"`
	Contractors string `json:"contractors"`
	// CoAuthors says what commits tell of co-authors, and what that counts for.
	CoAuthors CoAuthors `json:"co_authors"`
	// PseudonymKey is the name of the key of pseudonyms: those of two results can be compared where it is the same.
	PseudonymKey string `json:"pseudonym_key,omitempty"`
	// Command is nil in results of before it was kept.
	Command      *Command     `json:"command,omitempty"`
	Options      []Option     `json:"options"`
	Repositories []Repository `json:"repositories"`
	// Read counts the repositories that belong and were read.
	Read         int              `json:"repositories_read"`
	Warnings     []string         `json:"warnings"`
	Conservation []measure.Law    `json:"conservation"`
	Metrics      []measure.Metric `json:"metrics"`
	Windows      []Period         `json:"windows"`
	// Organizations are the directory's entries that the facts mention, with clients and parents.
	Organizations []Organization `json:"organizations"`
	// Figures are for every scope and window, the ecosystem's first. Series are calendar periods.
	Figures []Figures `json:"figures"`
	Series  []Figures `json:"series"`
	// Readings tell by half-year whose the work is; nil in results of before there were any.
	Readings *Readings `json:"readings,omitempty"`
	People   []People  `json:"people"`
	Bulk     []Bulk    `json:"bulk"`
	// Accounting is nil unless it was asked for.
	Accounting *Accounting `json:"accounting,omitempty"`
	// Network is who works beside whom; nil in results of before there was one.
	Network *Network `json:"network,omitempty"`
	// Factors are how few hold half of the commits, by everybody's rules.
	Factors []measure.Factor `json:"factors"`
	// Membership is who belonged when, Waterfalls what that made of the lines: for the ecosystem, classes and subsystems (tables have
	// repositories too), windows first, then calendar years.
	Membership *Membership `json:"membership"`
	Waterfalls []Waterfall `json:"waterfalls"`
	// Populations are the definitions of contributors, Censuses how many there are by each.
	Populations []measure.Population `json:"populations"`
	Censuses    []Census             `json:"censuses"`
	Arrivals    []Arrivals           `json:"arrivals"`
	// Strata and Longevity are nil where owners of lines were not read.
	Strata    *Strata     `json:"strata"`
	Longevity []Longevity `json:"longevity"`
	// Control is nil in results of before there was one.
	Control *Control `json:"control,omitempty"`
	// Openness is nil in results of before it was measured.
	Openness *Openness `json:"openness,omitempty"`
	// Beside are the headline figures of other ecosystems, if any were named.
	Beside []*Reference `json:"beside,omitempty"`
	// Skipped sums Skips up by reason.
	Skipped []Skipped `json:"skipped"`
	Skips   []Skip    `json:"skips"`
	// Ledger is what the figures of commits and changed lines are sums of; nil in results of before there was one.
	Ledger *Ledger `json:"ledger,omitempty"`

	growth []measure.GrowthRow
	falls  []Waterfall
	people []personRows
	spill  *spill.File // of [Options]
}

// Period is a window or one step of a series: [From, To) in UTC; both "" for all time, and for ranges of commits.
type Period struct {
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	From    string `json:"from,omitempty"`
	To      string `json:"to,omitempty"`
	Partial bool   `json:"partial,omitempty"` // it ends after the as-of day
}

// Organization is an entry of the directory.
type Organization struct {
	Name    string `json:"name"`
	Class   string `json:"class"`
	Country string `json:"country,omitempty"`
	Client  string `json:"client,omitempty"` // of a contractor
	Parent  string `json:"parent,omitempty"`
}

// Amount is a kind of contribution, split by who it belongs to.
type Amount struct {
	Value   uint64 `json:"value"` // known + unknown + bulk
	Total   uint64 `json:"total"` // T = known + unknown: what shares are of
	Known   uint64 `json:"known"`
	Unknown uint64 `json:"unknown"`
	Bulk    uint64 `json:"bulk"`
	Bots    uint64 `json:"bots"`         // outside of value
	Agents  uint64 `json:"agents"`       // AI agents; outside of value
	Undated uint64 `json:"invalid_date"` // part of value
	// Coverage is known/total; nil where nothing was contributed.
	Coverage *float64 `json:"coverage"`
}

// Contributors counts people as a range.
type Contributors struct {
	Low  int `json:"low"`
	High int `json:"high"`
	measure.Contributors
}

// Lines are the text lines of snapshots.
type Lines struct {
	Value      uint64 `json:"value"` // at the end of the period
	Before     uint64 `json:"before"`
	Files      uint64 `json:"files"`
	Unreadable uint64 `json:"unreadable"` // files whose lines are not in value
	// Undefined counts repositories of a range of which nothing is in value: an end has no snapshot on the first parents.
	Undefined int `json:"undefined,omitempty"`
}

// Growth is the change of lines.
type Growth struct {
	Value   int64  `json:"value"`
	Added   uint64 `json:"added"`   // along first parents
	Removed uint64 `json:"removed"` // along first parents
	// Written and Imported make Value; nil in series.
	Written  *int64 `json:"written,omitempty"`
	Imported *int64 `json:"imported,omitempty"`
}

// Index is one index of concentration.
type Index struct {
	Metric      string   `json:"metric"`
	Of          string   `json:"of"`          // "commits" or "changed"
	Contractors string   `json:"contractors"` // "apart" or "merged" with their clients; "" for persons
	Bulk        string   `json:"bulk"`        // imports: "without" or "with"
	Low         *float64 `json:"low"`         // nil where nothing was contributed
	High        *float64 `json:"high"`
	OfKnown     *float64 `json:"of_known"` // nil where nothing is known
	Coverage    *float64 `json:"coverage"`
}

// Share is a part of T.
type Share struct {
	Low     float64  `json:"low"`
	High    float64  `json:"high"`
	OfKnown *float64 `json:"of_known,omitempty"` // of organizations only
}

// Part is a contribution under one reading.
type Part struct {
	measure.Sum
	Changed      uint64 `json:"changed"`
	ChangedHere  uint64 `json:"changed_here"`
	Contributors int    `json:"contributors"` // persons
	// Shares are nil outside of T and where T is 0.
	CommitsShare     *Share       `json:"commits_share,omitempty"`
	ChangedShare     *Share       `json:"changed_share,omitempty"`
	ChangedHereShare *Share       `json:"changed_here_share,omitempty"`
	Bulk             *measure.Sum `json:"bulk,omitempty"` // imports, beside it
}

// Row is an organization, an unknown class, or one of bots, AI agents and bulk imports, in a scope and period.
type Row struct {
	// Name is in parentheses where it is no organization's.
	Name  string `json:"name"`
	Class string `json:"class"`
	// Client takes the row's work in the merged reading.
	Client  string `json:"client,omitempty"`
	Outside bool   `json:"outside,omitempty"` // of T
	Apart   Part   `json:"apart"`             // contractors as firms of their own
	// Merged is with contractors in their clients. nil if it is the same as Apart, or all with Client.
	Merged *Part `json:"merged,omitempty"`

	organization bool
}

// Figures are the figures of a scope in a period.
type Figures struct {
	Scope          measure.Scope           `json:"scope"`
	Period         Period                  `json:"period"`
	Commits        Amount                  `json:"commits"`
	Added          Amount                  `json:"added"`
	Removed        Amount                  `json:"removed"`
	Changed        Amount                  `json:"changed"`
	ChangedHere    Amount                  `json:"changed_here"`
	Merges         uint64                  `json:"merges"`
	Duplicates     measure.Sum             `json:"duplicates"` // commits of another repository's
	Incomplete     int                     `json:"incomplete"` // commits with lines that could not be read
	Contributors   Contributors            `json:"contributors"`
	Lines          Lines                   `json:"lines"`
	Growth         Growth                  `json:"growth"`
	Reconciliation *measure.Reconciliation `json:"reconciliation,omitempty"`
	Indices        []Index                 `json:"indices,omitempty"`
	Organizations  []Row                   `json:"organizations,omitempty"`
	Surviving      *Surviving              `json:"surviving,omitempty"`
	Classes        []Kind                  `json:"classes,omitempty"`
	Languages      []Kind                  `json:"languages,omitempty"`
}

// People are the persons with most commits of a window.
type People struct {
	Window string `json:"window"`
	Shown  int    `json:"shown"`
	// Of is how many there are: the table has all of them.
	Of      int      `json:"of"`
	Commits uint64   `json:"commits"` // of those shown
	Persons []Person `json:"persons"`
}

// Person is a contributor.
type Person struct {
	Pseudonym    string      `json:"person"`
	Name         string      `json:"name,omitempty"` // only on request
	Organization string      `json:"organization"`   // that most of the commits were for; "" if not known
	Class        string      `json:"class"`
	measure.Sum              // without bulk imports
	Changed      uint64      `json:"changed"`
	Bulk         measure.Sum `json:"bulk"`
}

// personRows are all persons of a window.
type personRows struct {
	window string
	rows   []Person
}

// Bulk is a bulk import: a commit, or the history of somebody else.
type Bulk struct {
	Repository   string `json:"repository"`
	Commit       string `json:"commit"`  // of a history, its newest
	Commits      int    `json:"commits"` // 1, or those of a history
	Date         string `json:"date"`    // author date, a UTC day; "" if invalid
	Person       string `json:"person"`  // "" of a history, which has many
	Organization string `json:"organization"`
	Class        string `json:"class"`
	Reason       string `json:"reason"`
	Evidence     string `json:"evidence"`
	Added        uint64 `json:"added"`
	Removed      uint64 `json:"removed"`
	InNewFiles   uint64 `json:"in_new_files"`
	Files        int    `json:"files"`
}

// Skipped is how much was skipped for a reason.
type Skipped struct {
	Reason       string `json:"reason"`
	Repositories int    `json:"repositories"`
	Objects      int    `json:"objects"`
	Rows         uint64 `json:"rows"` // changes without lines
}

// NotRead is the reason of repositories that could not be read at all.
const NotRead = "not read"

// CoAuthors is what commits tell of co-authors, and what that counts for.
type CoAuthors struct {
	// Policy is "author": commits count for their author alone; "each": for each co-author too, without lines; "split": for one of them.
	Policy string `json:"policy"`
	people.CoAuthorship
	// Credits are the commits of all time that stand for a co-author as well as for their author: in every sum that they are in.
	Credits uint64 `json:"credits"`
}

// Skip is something that could not be measured.
type Skip struct {
	Repository string `json:"repository"`
	Reason     string `json:"reason"`
	Object     string `json:"object,omitempty"`
	Commit     string `json:"commit,omitempty"`
	Path       string `json:"path,omitempty"`
	Rows       uint32 `json:"rows"`
	Detail     string `json:"detail,omitempty"`
}

func (p *Provenance) coAuthors() string {
	if i := slices.IndexFunc(p.Options, func(o Option) bool { return o.Name == "co-authors" }); i >= 0 {
		return p.Options[i].Value
	}
	return string(people.CoAuthorsAuthor)
}

// Build makes the model.
func Build(result *measure.Result, resolution *people.Resolution, from Provenance, options Options) *Model {
	b := builder{resolution, options}
	m := &Model{
		spill:  options.Spill,
		Schema: Schema, Orrery: from.Version, Ecosystem: from.Ecosystem, AsOf: date(result.AsOf), Fetched: date(result.Fetched),
		RollUp: cmp.Or(from.RollUp, string(people.LevelBrand)), Contractors: cmp.Or(from.Contractors, string(people.ReadBoth)),
		PseudonymKey: from.PseudonymKey, Command: from.Command, Options: full(from.Options), Repositories: full(from.Repositories),
		Warnings:     append(full(from.Warnings), result.Warnings...),
		Conservation: full(result.Laws), Metrics: measure.Metrics, Organizations: b.organizations(),
		Accounting: b.accounting(result, options.Accounting), Factors: full(result.Factors),
		Figures: b.figures(result.Figures), Series: b.figures(result.Series), Bulk: b.bulk(result.Bulk), growth: result.Growth,
		Populations: measure.Populations, Censuses: censuses(result.Censuses), Arrivals: arrivals(result.Arrivals),
		Readings: b.readings(result), Strata: b.strata(result.Strata), Longevity: longevity(result.Longevity),
	}
	m.CoAuthors = CoAuthors{Policy: from.coAuthors(), CoAuthorship: resolution.CoAuthorship}
	if len(result.Figures) > 0 {
		m.CoAuthors.Credits = result.Figures[0].Work.Credits
	}
	for _, r := range m.Repositories {
		if r.Problem == "" && !r.Former {
			m.Read++
		}
	}
	if m.Membership = from.Membership; m.Membership == nil {
		m.Membership = &Membership{Rolls: []Roll{}}
		for _, r := range m.Repositories {
			m.Membership.Members = append(m.Membership.Members, Member{
				Repository: r.Key, Class: r.Class, Subsystem: r.Subsystem, Read: r.Problem == "", Former: r.Former, Stays: []Stay{},
			})
		}
	}
	m.falls, m.Waterfalls = b.waterfalls(result.Waterfalls, m.Membership), []Waterfall{}
	for i := range m.falls {
		if m.falls[i].Scope.Kind != measure.ScopeRepository {
			m.Waterfalls = append(m.Waterfalls, m.falls[i])
		}
	}
	limit := options.People
	if limit == 0 {
		limit = 20
	}
	for w, p := range result.Windows {
		m.Windows = append(m.Windows, period(p))
		rows := b.people(result.People[w])
		m.people = append(m.people, personRows{p.Name, rows})
		list := People{Window: p.Name, Of: len(rows), Persons: rows[:min(len(rows), max(limit, 0))]}
		list.Shown = len(list.Persons)
		for _, row := range list.Persons {
			list.Commits += row.Commits
		}
		m.People = append(m.People, list)
	}
	m.skips(result.Skips)
	m.Ledger = b.ledger(&result.Ledger)
	return m
}

// Named counts the repositories that belong.
func (m *Model) Named() int {
	n := 0
	for i := range m.Repositories {
		if !m.Repositories[i].Former {
			n++
		}
	}
	return n
}

type builder struct {
	*people.Resolution
	Options
}

func date(t int64) string { return time.Unix(t, 0).UTC().Format(time.DateOnly) }

// full keeps empty lists from becoming null.
func full[T any](list []T) []T { return append([]T{}, list...) }

func period(p measure.Period) Period {
	q := Period{Kind: p.Kind, Name: p.Name, Partial: p.Partial}
	if !p.All() && p.Kind != measure.KindRange {
		q.From = time.Unix(p.From, 0).UTC().Format(time.RFC3339)
		q.To = time.Unix(p.To, 0).UTC().Format(time.RFC3339)
	}
	return q
}

func (b *builder) organization(i int) string {
	if i == people.NoOrganization {
		return ""
	}
	return b.Organizations[i].Name
}

func (b *builder) organizations() []Organization {
	list := []Organization{}
	for _, o := range b.Organizations {
		list = append(list, Organization{o.Name, o.Class.String(), o.Country, b.organization(o.Client), b.organization(o.Parent)})
	}
	return list
}

func (b *builder) people(rows []measure.PersonRow) []Person {
	list := make([]Person, 0, len(rows))
	for _, row := range rows {
		p := &b.Persons[row.Person]
		person := Person{
			Pseudonym: p.Pseudonym, Organization: b.organization(row.Organization), Class: row.Class.String(),
			Sum: row.Sum, Changed: row.Changed(), Bulk: row.Bulk,
		}
		if b.Names {
			person.Name = p.Name
		}
		list = append(list, person)
	}
	return list
}

func (b *builder) bulk(imports []measure.BulkImport) []Bulk {
	list := []Bulk{}
	for _, i := range imports {
		row := Bulk{
			Repository: i.Repository, Commit: i.Commit.String(), Commits: i.Commits, Reason: i.Reason, Evidence: i.Evidence,
			Added: i.Added, Removed: i.Removed, InNewFiles: i.InNewFiles, Files: i.Files,
		}
		if i.Person >= 0 {
			row.Person, row.Organization, row.Class = b.Persons[i.Person].Pseudonym, b.organization(i.Organization), i.Class.String()
		}
		if i.Valid {
			row.Date = date(i.Authored.Unix)
		}
		list = append(list, row)
	}
	return list
}

func (b *builder) figures(all []measure.Figures) []Figures {
	return kept(b.Spill, runtime.GOMAXPROCS(0), len(all), func(i int, out *Figures) {
		f := &all[i]
		*out = Figures{
			Scope: f.Scope, Period: period(f.Period),
			Commits: amount(f, func(s measure.Sum) uint64 { return s.Commits }),
			Added:   amount(f, func(s measure.Sum) uint64 { return s.Added }),
			Removed: amount(f, func(s measure.Sum) uint64 { return s.Removed }),
			Changed: amount(f, measure.Sum.Changed), ChangedHere: amount(f, measure.Sum.ChangedHere),
			Merges:     f.Work.Merges.Commits,
			Duplicates: f.Work.Duplicates, Incomplete: f.Incomplete,
			Contributors:   Contributors{f.Contributors.Low(), f.Contributors.High(), f.Contributors},
			Lines:          Lines{f.Growth.Lines, f.Growth.Before, f.Growth.Files, f.Growth.Unreadable, f.Growth.Undefined},
			Growth:         Growth{Value: f.Growth.Net(), Added: f.Growth.Added, Removed: f.Growth.Removed},
			Reconciliation: f.Reconciliation,
		}
		if r := f.Reconciliation; r != nil {
			written := r.Growth - r.Imported
			out.Growth.Written, out.Growth.Imported = &written, &r.Imported
		}
		for _, index := range f.Organizations {
			out.Indices = append(out.Indices,
				concentration(measure.KeyElephantFactor, index),
				concentration(measure.KeyHHI, index),
				concentration(measure.KeyEffectiveNumber, index))
		}
		for _, index := range f.Persons {
			out.Indices = append(out.Indices, concentration(measure.KeyAbsenceFactor, index))
		}
		out.Organizations = rows(f)
		out.Surviving, out.Classes, out.Languages = surviving(f.Surviving), kinds(f.Classes, true), kinds(f.Languages, false)
	})
}

// kept makes n rows, and keeps them in a file as [spill.List] says; do fills one in, in so many goroutines at once. Few are in memory at once.
func kept[T any](file *spill.File, workers, n int, do func(i int, row *T)) []T {
	const some = 64
	list := spill.NewList[T](file, n)
	var next atomic.Int64 // of the rows that nobody has begun
	var g errgroup.Group
	for range max(1, min(workers, n/some)) {
		g.Go(func() error {
			rows := make([]T, min(n, some))
			for {
				at := int(next.Add(some)) - some
				if at >= n {
					return nil
				}
				piece := rows[:min(some, n-at)]
				clear(piece)
				for i := range piece {
					do(at+i, &piece[i])
				}
				list.Set(at, piece)
			}
		})
	}
	_ = g.Wait() // gives none
	return list.Rows()
}

func amount(f *measure.Figures, of func(measure.Sum) uint64) Amount {
	w := &f.Work
	a := Amount{
		Value: of(w.Commits()), Total: of(w.Total()), Known: of(w.Known), Unknown: of(w.Unknown), Bulk: of(w.Bulk),
		Bots: of(w.Bots), Agents: of(w.Agents), Undated: of(f.Undated),
	}
	a.Coverage = ratio(a.Known, a.Total)
	return a
}

// ratio gives a/b to six digits, nil if b is 0.
func ratio(a, b uint64) *float64 {
	if b == 0 {
		return nil
	}
	return rounded(float64(a)/float64(b), 1e6)
}

func rounded(x, unit float64) *float64 {
	x = math.Round(x*unit) / unit
	return &x
}

func concentration(metric string, i measure.Index) Index {
	out := Index{Metric: metric, Of: i.Of, Contractors: "apart", Bulk: "without", Coverage: ratio(i.Known, i.Total)}
	if i.Merged {
		out.Contractors = "merged"
	}
	if metric == measure.KeyAbsenceFactor {
		out.Contractors = ""
	}
	if i.Bulk {
		out.Bulk = "with"
	}
	low, high, known := float64(i.ElephantLow), float64(i.ElephantHigh), float64(i.ElephantKnown)
	switch metric {
	case measure.KeyHHI:
		low, high, known = i.HHILow, i.HHIHigh, i.HHIKnown
	case measure.KeyEffectiveNumber:
		// High concentration is a low number. Division by zero gives an infinity that the next lines never use.
		low, high, known = 10000/i.HHIHigh, 10000/i.HHILow, 10000/i.HHIKnown
	}
	if i.Total > 0 {
		out.Low, out.High = rounded(low, 1e4), rounded(high, 1e4)
	}
	if i.Known > 0 {
		out.OfKnown = rounded(known, 1e4)
	}
	return out
}

func rows(f *measure.Figures) []Row {
	var list []Row
	for i := range f.Rows {
		r := &f.Rows[i]
		row := Row{
			Name: rowName(r.Name, r.Organization), Class: className(r.Name, r.Organization, r.Class), Client: r.Client, Outside: r.Outside, Apart: part(f, r, r.Apart),
			organization: r.Organization != people.NoOrganization,
		}
		if row.Client == "" && r.Merged != r.Apart {
			merged := part(f, r, r.Merged)
			row.Merged = &merged
		}
		list = append(list, row)
	}
	return list
}

// merged gives the part of a row in the merged reading, nil for contractors whose client has it.
func (r *Row) merged() *Part {
	switch {
	case r.Client != "":
		return nil
	case r.Merged != nil:
		return r.Merged
	}
	return &r.Apart
}

// Reading is the row with contractors as part of their client; nil of a contractor that has one.
func (r *Row) Reading() *Part { return r.merged() }

func part(f *measure.Figures, r *measure.Row, p measure.Part) Part {
	out := Part{Sum: p.Sum, Changed: p.Changed(), ChangedHere: p.ChangedHere(), Contributors: p.Contributors}
	if p.Bulk != (measure.Sum{}) {
		out.Bulk = &p.Bulk
	}
	if r.Outside {
		return out
	}
	share := func(of func(measure.Sum) uint64) *Share {
		return bound(of(p.Sum), of(f.Work.Known), of(f.Work.Unknown), r.Organization != people.NoOrganization)
	}
	out.CommitsShare = share(func(s measure.Sum) uint64 { return s.Commits })
	out.ChangedShare = share(measure.Sum.Changed)
	out.ChangedHereShare = share(measure.Sum.ChangedHere)
	return out
}

// bound gives the share of x in T, nil if T is 0. What is no organization's has a share without bounds: that it is unknown is known.
func bound(x, known, unknown uint64, organization bool) *Share {
	if known+unknown == 0 {
		return nil
	}
	low := *ratio(x, known+unknown)
	if !organization {
		return &Share{Low: low, High: low}
	}
	return &Share{low, *ratio(x+unknown, known+unknown), ratio(x, known)}
}

// skips lists what could not be measured, and repositories that were not read.
func (m *Model) skips(skips []measure.Skip) {
	m.Skips, m.Skipped = []Skip{}, []Skipped{}
	var sums [1 << 8]Skipped // by reason of facts; what was not read at all stands at Measured, which is no reason
	var last [len(sums)]string
	count := func(reason facts.Reason, name string, skip Skip) {
		s := &sums[reason]
		s.Reason = name
		if last[reason] != skip.Repository {
			last[reason] = skip.Repository
			s.Repositories++
		}
		if skip.Object != "" {
			s.Objects++
		}
		s.Rows += uint64(skip.Rows)
		m.Skips = append(m.Skips, skip)
	}
	for _, r := range m.Repositories {
		if r.Problem != "" {
			count(facts.Measured, NotRead, Skip{Repository: r.Key, Reason: NotRead, Detail: r.Problem})
		}
	}
	for _, s := range skips {
		skip := Skip{
			Repository: s.Repository, Reason: s.Reason.String(), Rows: s.Rows, Detail: s.Detail,
			Path: strings.ToValidUTF8(s.Path, "\uFFFD"), // else every writer would have its own way with such bytes
		}
		if !s.Object.IsZero() {
			skip.Object = s.Object.String()
		}
		if !s.Commit.IsZero() {
			skip.Commit = s.Commit.String()
		}
		count(s.Reason, s.Reason.String(), skip)
	}
	for _, s := range sums {
		if s.Reason != "" {
			m.Skipped = append(m.Skipped, s)
		}
	}
}
