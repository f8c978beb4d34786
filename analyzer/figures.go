package analyzer

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"orrery/analyzer/control"
	"orrery/analyzer/facts"
	"orrery/analyzer/measure"
	"orrery/analyzer/openness"
	"orrery/analyzer/people"
)

// figureTables are those whose cells are told by measuring again, with the columns that find a row.
var figureTables = map[string][]string{
	"surviving": {"scope_kind", "scope", "window", "organization"},
	"indices":   {"scope_kind", "scope", "period", "metric", "of", "contractors", "bulk"},
	"openness":  {"period", "standing", "organization"},
}

// measured is what the figures of control, openness and surviving lines come from, measured once for all questions of the same windows.
type measured struct {
	windows  int
	result   *measure.Result
	control  *control.Result
	openness *openness.Result
}

func (e *Evidence) measure(period string) (*measured, error) {
	if _, err := e.tracer(period); err != nil { // which knows periods that are spelled out
		return nil, err
	}
	if e.again == nil || e.again.windows != len(e.input.Windows) {
		result, err := measure.Measure(e.input)
		if err != nil {
			return nil, err
		}
		e.again = &measured{windows: len(e.input.Windows), result: result}
	}
	return e.again, nil
}

// figure leads a cell of figureTables to what it is the sum of.
func (e *Evidence) figure(table string, keys map[string]string, column string) (float64, []string, error) {
	name := table + ".csv"
	for _, k := range figureTables[table] {
		name += ":" + keys[k]
	}
	name += ":" + column
	switch table {
	case "surviving":
		return e.survivors(name, keys, column)
	case "indices":
		return e.index(name, keys, column)
	}
	return e.open(name, keys, column)
}

// survivors leads surviving lines of an organization down to repositories.
func (e *Evidence) survivors(name string, keys map[string]string, column string) (float64, []string, error) {
	if !e.input.Survival {
		return 0, nil, errors.New("surviving lines need to know who wrote the lines")
	}
	what, merged := strings.CutPrefix(column, "merged_")
	part := func(r *measure.StockRow) measure.Stock {
		if merged {
			return r.Merged
		}
		return r.Apart
	}
	if rest, bulk := strings.CutPrefix(what, "bulk_"); bulk && !merged {
		what, part = rest, func(r *measure.StockRow) measure.Stock { return r.ApartBulk }
	}
	amount := map[string]func(measure.Stock) uint64{"lines": func(s measure.Stock) uint64 { return s.Lines }, "lines_here": func(s measure.Stock) uint64 { return s.Here }}[what]
	if amount == nil {
		return 0, nil, fmt.Errorf("column %s of table surviving is no sum over repositories", column)
	}
	m, err := e.measure(keys["window"])
	if err != nil {
		return 0, nil, err
	}
	scope, organization := measure.Scope{Kind: keys["scope_kind"], Name: keys["scope"]}, strings.Trim(keys["organization"], "()")
	if known, ok := e.Options.Directory.Known(organization); ok {
		organization = known
	}
	if !slices.Contains(m.result.Scopes, scope) {
		return 0, nil, fmt.Errorf("there is no %s %q", scope.Kind, scope.Name)
	}
	if !slices.ContainsFunc(m.result.Windows, func(p measure.Period) bool { return p.Name == keys["window"] }) {
		return 0, nil, fmt.Errorf("there is no window %q", keys["window"])
	}
	wants := map[string]bool{}
	for i := range e.input.Membership {
		one := &e.input.Membership[i]
		wants[one.Key] = scope.Kind == measure.ScopeEcosystem || scope.Kind == measure.ScopeRepository && one.Key == scope.Name ||
			scope.Kind == measure.ScopeClass && one.Class == scope.Name || scope.Kind == measure.ScopeSubsystem && one.Subsystem == scope.Name
	}
	var out trail
	for i := range m.result.Figures {
		f := &m.result.Figures[i]
		if f.Scope.Kind != measure.ScopeRepository || !wants[f.Scope.Name] || f.Period.Name != keys["window"] || f.Surviving == nil {
			continue
		}
		n := uint64(0)
		for j := range f.Surviving.Rows {
			if r := &f.Surviving.Rows[j]; r.Name == organization {
				n += amount(part(r))
			}
		}
		out.add(float64(n), f.Scope.Name+" at "+e.read[f.Scope.Name])
	}
	return out.total, out.lines(name), nil
}

// index lists whose work an index of concentration is of, the most first, and how the unknown makes its bounds.
func (e *Evidence) index(name string, keys map[string]string, column string) (float64, []string, error) {
	t, err := e.tracer(keys["period"])
	if err != nil {
		return 0, nil, err
	}
	pieces, err := t.Pieces(measure.Scope{Kind: keys["scope_kind"], Name: keys["scope"]}, keys["period"])
	if err != nil {
		return 0, nil, err
	}
	value := sums[keys["of"]]
	if keys["of"] != measure.KeyCommits && keys["of"] != measure.KeyChanged || value == nil {
		return 0, nil, fmt.Errorf("indices are of %s or %s, not of %q", measure.KeyCommits, measure.KeyChanged, keys["of"])
	}
	persons, merged, with := keys["metric"] == measure.KeyAbsenceFactor, keys["contractors"] == "merged", keys["bulk"] == "with"
	holders, unknown := map[string]uint64{}, map[int]uint64{}
	for i := range pieces {
		p := &pieces[i]
		if p.Class.Machine() || p.Bulk && !with {
			continue
		}
		n := value(p.Sum)
		switch {
		case persons:
			who := e.Resolution.Persons[p.Person].Pseudonym
			if e.Names {
				who += " " + e.Resolution.Persons[p.Person].Name
			}
			holders[who] += n
		case !p.Class.Known():
			unknown[p.Person] += n
		case merged && p.Client != people.NoOrganization:
			holders[e.Resolution.Organizations[p.Client].Name] += n
		default:
			holders[e.Resolution.Organizations[p.Organization].Name] += n
		}
	}
	var out trail
	var values, atoms []uint64
	for _, who := range slices.Sorted(maps.Keys(holders)) {
		values = append(values, holders[who])
		out.add(float64(holders[who]), who)
	}
	for _, n := range unknown {
		atoms = append(atoms, n)
	}
	c := measure.Concentrate(values, atoms)
	rounded := func(x float64) float64 { return math.Round(x*1e4) / 1e4 }
	effective := func(hhi float64) float64 {
		if hhi == 0 {
			return 0
		}
		return rounded(1e4 / hhi)
	}
	found, ok := map[string]float64{
		measure.KeyHHI + ":low": rounded(c.HHILow), measure.KeyHHI + ":high": rounded(c.HHIHigh), measure.KeyHHI + ":of_known": rounded(c.HHIKnown),
		measure.KeyEffectiveNumber + ":low": effective(c.HHIHigh), measure.KeyEffectiveNumber + ":high": effective(c.HHILow), measure.KeyEffectiveNumber + ":of_known": effective(c.HHIKnown),
		measure.KeyElephantFactor + ":low": float64(c.ElephantLow), measure.KeyElephantFactor + ":high": float64(c.ElephantHigh), measure.KeyElephantFactor + ":of_known": float64(c.ElephantKnown),
		measure.KeyAbsenceFactor + ":low": float64(c.ElephantHigh), measure.KeyAbsenceFactor + ":high": float64(c.ElephantHigh), measure.KeyAbsenceFactor + ":of_known": float64(c.ElephantHigh),
	}[keys["metric"]+":"+column]
	if !ok {
		return 0, nil, fmt.Errorf("column %s of %q in table indices is not told", column, keys["metric"])
	}
	lines := out.lines(fmt.Sprintf("%s = %s, over %d %s, of which %d are nobody's known (%s); known", name, plain(found), c.Total, keys["of"], c.Unknown, peopleOf(len(unknown))))
	return found, lines, nil
}

// open lists the proposals or the newcomers that a figure of openness counts.
func (e *Evidence) open(name string, keys map[string]string, column string) (float64, []string, error) {
	m, err := e.measure(keys["period"])
	if err != nil {
		return 0, nil, err
	}
	if m.openness == nil {
		m.openness = openness.Measure(openness.Input{
			Repositories: e.Repositories, Resolution: e.Resolution, Book: e.book, Pulls: e.pulls, Newcomers: m.result.Newcomers,
			Windows: openWindows(m.result), Leader: m.result.Leader(), At: measure.EndOfDay(m.result.AsOf) - 1,
		})
	}
	var row *openness.Row
	for i := range m.openness.Rows {
		r := &m.openness.Rows[i]
		if r.Period.Name == keys["period"] && r.Standing.String() == keys["standing"] && e.called(r.Organization) == keys["organization"] {
			row = r
		}
	}
	if row == nil {
		return 0, nil, fmt.Errorf("%q, %q and organization %q: %w: there is no such row", keys["period"], keys["standing"], keys["organization"], people.ErrUnknown)
	}
	standings := measure.Standings(e.Resolution.Organizations, m.result.Leader())
	of := func(organization int, class people.Class) bool {
		standing := measure.NobodyKnown
		if class.Known() && organization != people.NoOrganization {
			standing = standings[organization]
		}
		return standing == row.Standing && (row.Organization == people.NoOrganization || organization == row.Organization)
	}
	within := func(t int64) bool { return row.Period.All() || t != 0 && row.Period.From <= t && t < row.Period.To }
	var out trail
	head := func(value float64, of string) (float64, []string, error) {
		lines := out.lines(of)
		lines[0] = fmt.Sprintf("%s = %s: %s", name, plain(value), lines[0])
		return value, lines, nil
	}
	proposals := func(counts func(p *openness.Proposal) bool) {
		byRepository := make([]int, len(e.Repositories))
		for i := range m.openness.Proposals {
			if p := &m.openness.Proposals[i]; of(p.Organization, p.Class) && counts(p) {
				byRepository[p.Repository]++
			}
		}
		for i, n := range byRepository {
			out.add(float64(n), e.Repositories[i].Key+" at "+e.read[e.Repositories[i].Key])
		}
	}
	merged := func(p *openness.Proposal) bool { return p.State == facts.PullMerged && within(p.Closed) }
	timed := func(p *openness.Proposal) bool { _, ok := p.Took(); return ok && merged(p) }
	number := func(x *float64, unit float64) float64 {
		if x == nil {
			return 0
		}
		return math.Round(*x*unit) / unit
	}
	switch column {
	case "merged_proposals":
		proposals(merged)
		return head(float64(row.Merged), "proposals that were merged, by repository")
	case "timed":
		proposals(timed)
		return head(float64(row.Timed), "merged proposals of which it is known how long they took, by repository")
	case "days_median":
		proposals(timed)
		return head(number(row.Days, 1e2), "merged proposals of which it is known how long they took, by repository")
	case "days_nine_of_ten":
		proposals(timed)
		return head(number(row.Day9, 1e2), "merged proposals of which it is known how long they took, by repository")
	}
	counts := map[string]int{"newcomers": row.Newcomers, "watched": row.Watched, "returned": row.Returned, "later": row.Later}
	n, ok := counts[column]
	if !ok {
		return 0, nil, fmt.Errorf("column %s of table openness is not told; there are merged_proposals, timed, days_median, days_nine_of_ten, newcomers, watched, returned and later", column)
	}
	at := measure.EndOfDay(m.result.AsOf) - 1
	for i := range m.result.Newcomers {
		one := &m.result.Newcomers[i]
		end := one.First + openness.ReturnDays*24*60*60
		if !of(one.Organization, one.Class) || !within(one.First) || one.First > at || column != "newcomers" && end > at ||
			column == "returned" && one.NextDay > end || column == "later" && one.Later > end {
			continue
		}
		who := e.Resolution.Persons[one.Person].Pseudonym
		if e.Names {
			who += " " + e.Resolution.Persons[one.Person].Name
		}
		text := fmt.Sprintf("%s: first %s in %s, %s", who, one.Commit, one.Repository, day(one.First))
		if one.NextDay != math.MaxInt64 {
			text += ", again on " + day(one.NextDay)
		}
		out.add(1, text)
	}
	return head(float64(n), "newcomers, by their first commit")
}

// called is the name of an organization, "" for none.
func (e *Evidence) called(organization int) string {
	if organization == people.NoOrganization {
		return ""
	}
	return e.Resolution.Organizations[organization].Name
}

// isOf says whether what is an organization's counts for another one: its own, and what its contractors do where these are read as part of it.
func (e *Evidence) isOf(organization int, name string, merged bool) bool {
	if organization == people.NoOrganization {
		return false
	}
	one := &e.Resolution.Organizations[organization]
	return one.Name == name || merged && one.Class == people.Contractor && e.called(one.Client) == name
}

// held tells what an organization holds and does: seats by file and line, reviews and guarded lines by repository.
func (e *Evidence) held(organization, column string) (value float64, lines []string, err error) {
	m, err := e.measure(measure.LastTwelveMonths)
	if err != nil {
		return 0, nil, err
	}
	if m.control == nil {
		in := control.Input{Repositories: e.Repositories, Resolution: e.Resolution, Paths: e.input.Paths}
		for _, p := range e.places {
			in.Names = append(in.Names, p.Name)
		}
		for _, w := range m.result.Windows {
			if w.Name == measure.LastTwelveMonths {
				in.Windows, in.At = []control.Window{control.Window(w.Window)}, w.To-1
			}
		}
		m.control = e.book.Measure(in)
	}
	if known, ok := e.Options.Directory.Known(organization); ok {
		organization = known
	}
	what, merged := strings.CutPrefix(column, "merged_")
	what, bound, share := strings.Cut(what, "_share_")
	ours := func(o int) bool { return e.isOf(o, organization, merged) }
	var out trail
	var all, unknown float64
	add := func(of func(r *control.Row) float64) {
		for i := range m.control.Rows {
			r := &m.control.Rows[i]
			all += of(r)
			if !r.Class.Known() {
				unknown += of(r)
			}
		}
	}
	switch what {
	case "reviews":
		add(func(r *control.Row) float64 { return float64(r.Acts[0].All()) })
		for _, at := range m.control.Where {
			if ours(at.Organization) {
				key := e.Repositories[at.Repository].Key
				out.add(float64(at.Acts), fmt.Sprintf("%s, %s at %s", e.called(at.Organization), key, e.read[key]))
			}
		}
	case "guarded":
		if !e.input.Survival {
			return 0, nil, errors.New("guarded lines need to know which lines stand")
		}
		add(func(r *control.Row) float64 { return r.Apart.Guarded })
		for _, at := range m.control.Guarded {
			if ours(at.Organization) {
				key := e.Repositories[at.Repository].Key
				out.add(math.Round(100*at.Lines)/100, fmt.Sprintf("%s, %s at %s", e.called(at.Organization), key, e.read[key]))
			}
		}
	case "seats":
		add(func(r *control.Row) float64 { return float64(r.Apart.Seats) })
		for i := range e.book.Seats {
			s := &e.book.Seats[i]
			a := e.Resolution.AttributeMention(s.Mention, control.Moment(m.control.At))
			if s.Holds(m.control.At) && !a.Class.Machine() && ours(a.Organization) {
				out.add(1, fmt.Sprintf("%s, %s of %s, %s:%d", e.called(a.Organization), s.Role, e.Repositories[s.Repository].Key, s.File, s.Line))
			}
		}
	default:
		return 0, nil, fmt.Errorf("column %s of table %s is not told; there are seats, reviews and guarded, with merged_ before and _share_low or _share_high behind, governs, and all; who has which seat stands in seats.csv", column, governanceTable)
	}
	name := fmt.Sprintf("%s.csv:%s:%s", governanceTable, organization, column)
	if !share {
		return out.total, out.lines(name), nil
	}
	if all == 0 {
		return 0, nil, fmt.Errorf("there are no %s: there are no shares", what)
	}
	over, text := out.total, plain(out.total)
	if bound == "high" {
		over += unknown
		text = fmt.Sprintf("(%s + %s of nobody known)", plain(out.total), plain(math.Round(unknown)))
	}
	value = math.Round(over/all*1e6) / 1e6
	return value, append([]string{fmt.Sprintf("%s = %s: %s of %s", name, plain(value), text, plain(math.Round(all)))}, out.lines(fmt.Sprintf("%s, by where they are", what))...), nil
}

// holdings is all that table control tells of an organization.
func (e *Evidence) holdings(organization, column string) (lines []string, err error) {
	if column != "all" && column != "merged_all" {
		_, lines, err = e.held(organization, column)
		return lines, err
	}
	prefix := strings.TrimSuffix(column, "all")
	for _, what := range []string{"seats", "reviews", "guarded"} {
		if what == "guarded" && !e.input.Survival {
			continue
		}
		one, err := e.explainHeld(organization, prefix+what)
		if err != nil {
			return nil, err
		}
		lines = append(lines, one...)
	}
	powers, err := e.explainPowers(organization)
	return append(lines, powers...), err
}

// explainHeld gives the share too, where there is one.
func (e *Evidence) explainHeld(organization, column string) ([]string, error) {
	_, lines, err := e.held(organization, column+"_share_low")
	if err != nil {
		_, lines, err = e.held(organization, column)
	}
	return lines, err
}

// openWindows are the periods that openness is told of: windows, and years.
func openWindows(result *measure.Result) (list []measure.Period) {
	list = slices.Clone(result.Windows)
	for i := range result.Series {
		if f := &result.Series[i]; f.Scope.Kind == measure.ScopeEcosystem && f.Period.Kind == measure.KindYear {
			list = append(list, f.Period)
		}
	}
	return list
}
