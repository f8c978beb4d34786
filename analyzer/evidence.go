package analyzer

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"orrery/analyzer/control"
	"orrery/analyzer/facts"
	"orrery/analyzer/measure"
	"orrery/analyzer/openness"
	"orrery/analyzer/people"
	"orrery/analyzer/report"
	"orrery/analyzer/source"
)

// Evidence answers where attributions, and cells of tables, come from.
type Evidence struct {
	*people.Explainer
	input      measure.Input
	governance []control.Statement
	trace      *measure.Tracer // of input, once it was asked for
	membership *report.Membership
	read       map[string]string // the commits that repositories were read at
	places     []facts.Place     // of repositories
	book       *control.Book
	pulls      *openness.Pulls
	again      *measured // what was measured for a question, kept for the next
}

// Explain is [people.Explainer.Explain], and says of a cell of a table (TABLE:KEY:...:COLUMN) what it is the sum of.
func (e *Evidence) Explain(what string) ([]string, error) {
	table, keys, column, err := cutCell(what)
	if err != nil {
		return nil, err
	}
	for _, s := range e.Statements {
		if table != "" && e.corrects(s) {
			continue
		}
		if err := e.States(s); err != nil {
			return nil, err
		}
	}
	if table == "" {
		if err := e.tellImports(); err != nil {
			return nil, err
		}
		return e.Explainer.Explain(what)
	}
	var lines []string
	switch {
	case table == governanceTable && column == "governs":
		return e.explainPowers(keys["organization"])
	case table == governanceTable:
		lines, err = e.holdings(keys["organization"], column)
	default:
		_, lines, err = e.explainCell(table, keys, column)
	}
	if err != nil {
		return nil, err
	}
	more, err := e.without(table, keys, column)
	return append(lines, more...), err
}

// tellImports has the Explainer know the commits that tables set aside.
func (e *Evidence) tellImports() error {
	if e.Imported != nil || len(e.input.Repositories) == 0 {
		return nil
	}
	t, err := e.tracer(measure.AllTime)
	if err == nil {
		e.Imported = t.Imports()
	}
	return err
}

// Unknowns is [people.Explainer.Unknowns] of the commits that tables count.
func (e *Evidence) Unknowns() (people.Unknowns, error) {
	if err := e.tellImports(); err != nil {
		return people.Unknowns{}, err
	}
	return e.Explainer.Unknowns(), nil
}

// explainPowers lists what governance files state of an organization, also of other times than the as-of day.
func (e *Evidence) explainPowers(organization string) (lines []string, err error) {
	name, known := e.Options.Directory.Known(organization)
	for i := range e.governance {
		s := &e.governance[i]
		if !strings.EqualFold(s.Organization, name) {
			continue
		}
		when := "from " + s.From
		if s.To != "" {
			when += " to before " + s.To
		}
		if !s.Holds(e.input.AsOf) {
			when += ", not on the as-of day"
		}
		what := s.Says()
		if s.Name != "" {
			what += ", " + s.Name
		}
		lines = append(lines, fmt.Sprintf("  %s: %s; %s, source \"%s\", %s:%d", what, name, when, s.Source, s.File, s.Line))
	}
	head := fmt.Sprintf("%s.csv:%s:governs: %d statements", governanceTable, name, len(lines))
	if len(lines) == 0 {
		met := slices.ContainsFunc(e.Resolution.Organizations, func(o people.Organization) bool { return o.Name == name })
		if !known && !met {
			return nil, fmt.Errorf("organization %q: %w", organization, people.ErrUnknown)
		}
		head = fmt.Sprintf("%s.csv:%s:governs: not stated: no governance file says anything of it, which does not mean that it has no power", governanceTable, name)
	}
	return append([]string{head}, lines...), nil
}

// Explain reads what the sources name and resolves people, as [Run] does, for questions about single attributions. Without sources it knows
// the organizations files alone. Repositories that cannot be read are left out, and named.
func Explain(ctx context.Context, opts Options) (x *Evidence, unread []string, err error) {
	opts.complete()
	opts.lean = !opts.Owners
	ecosystem := &source.Ecosystem{}
	if len(opts.Sources) > 0 {
		if ecosystem, err = source.Resolve(ctx, opts.Sources, opts.Source); err != nil {
			return nil, nil, err
		}
	}
	var told []*facts.Forge
	if opts.State != nil {
		if err := opts.findStored(ecosystem); err != nil {
			return nil, nil, err
		}
		if told, err = opts.State.Forges(); err != nil {
			return nil, nil, err
		}
	}
	read, err := readAll(ctx, ecosystem.Repositories, opts)
	if err != nil {
		return nil, nil, err
	}
	if opts.State != nil {
		if err := keepUnread(ecosystem.Repositories, read, &opts); err != nil {
			return nil, nil, err
		}
		if err := load(ctx, ecosystem.Repositories, read, opts); err != nil {
			return nil, nil, err
		}
	}
	var histories []*facts.Repository
	var ends [][]*measure.Ends
	in := measure.Input{Workers: opts.Workers, Windows: windows(ecosystem, opts.Windows), Survival: opts.Owners}
	for i := range ecosystem.Repositories {
		if err := read[i].err; err != nil {
			unread = append(unread, fmt.Sprintf("%s: %s", ecosystem.Repositories[i].Key, problem(&ecosystem.Repositories[i], err)))
		} else {
			r := &ecosystem.Repositories[i]
			histories = append(histories, read[i].facts)
			ends = append(ends, read[i].ends)
			in.Membership = append(in.Membership, measure.Membership{Key: r.Key, Class: r.Class, Subsystem: r.Subsystem, Spells: spells(r)})
			in.Paths = append(in.Paths, classify(read[i].facts, r, ecosystem.Paths))
		}
	}
	if len(opts.Sources) > 0 && len(histories) == 0 {
		return nil, nil, ErrNothing
	}
	options, err := resolving(ecosystem, opts)
	if err != nil {
		return nil, nil, err
	}
	book := control.Read(histories, teams(ecosystem))
	where := places(histories, ecosystem.Repositories)
	book.ReadForges(told, histories, where)
	pulls := openness.Tell(told, where, book)
	options.Forges, options.Mentions = told, book.Mentions
	resolution, err := people.Resolve(histories, options)
	if err != nil {
		return nil, nil, err
	}
	in.Bulk = corrections(ecosystem.Bulk, in.Membership)
	if in.Ranges, err = windowRanges(opts.Ranges, ends); err != nil {
		return nil, nil, err
	}
	in.Repositories, in.Resolution, in.AsOf = resolution.Repositories, resolution, opts.AsOf
	if in.AsOf == 0 {
		in.AsOf = newest(histories)
	}
	governance, err := governed(ecosystem, opts)
	if err != nil {
		return nil, nil, err
	}
	return &Evidence{
		Explainer: &people.Explainer{Repositories: histories, Options: options, Resolution: resolution, Names: opts.Names},
		input:     in, governance: governance, membership: membership(ecosystem, read), read: heads(histories),
		places: where, book: book, pulls: pulls,
	}, unread, nil
}
