package claims

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"orrery/analyzer/measure"
	"orrery/analyzer/paths"
	"orrery/analyzer/report"
)

// Verdict is what measuring makes of a claim.
type Verdict string

// The verdicts.
const (
	Reproduced   Verdict = "reproduced"   // a definition gives it
	Compatible   Verdict = "compatible"   // a definition may give it: what was not read decides
	Contradicted Verdict = "contradicted" // no definition can give it, whatever was not read
	NotTestable  Verdict = "not testable" // nothing here measures it
)

// Figure is what one definition gives.
type Figure struct {
	Group      string `json:"group"`      // definitions that differ in units alone share it
	Definition string `json:"definition"` // what is counted
	Unit       string `json:"unit"`
	// Reading is how the claim's words are taken: "" as they stand, else another way.
	Reading string `json:"reading,omitempty"`
	// Value is of what was read; of a share the least and the most.
	Value float64  `json:"value"`
	High  *float64 `json:"high,omitempty"`
	// WholeLow and WholeHigh bound the figure of the whole ecosystem; nil where nothing does.
	WholeLow  *float64        `json:"whole_low"`
	WholeHigh *float64        `json:"whole_high"`
	Coverage  report.Coverage `json:"coverage"` // repositories that the figure should be of
	Verdict   Verdict         `json:"verdict"`
	// From are the cells of the tables that make the figure, for orrery explain: it is Plus and their sum. HighFrom are those of High.
	Plus     float64 `json:"plus,omitempty"`
	From     []Cell  `json:"from"`
	HighFrom []Cell  `json:"high_from,omitempty"`
}

// Cell is a cell of the tables, TABLE:KEY:...:COLUMN, and how often it counts.
type Cell struct {
	Cell  string  `json:"cell"`
	Times float64 `json:"times"`
}

// cells names cells that count once, or with a "-" in front are taken away.
func cells(names ...string) (list []Cell) {
	for _, n := range names {
		if rest, away := strings.CutPrefix(n, "-"); away {
			list = append(list, Cell{rest, -1})
		} else {
			list = append(list, Cell{n, 1})
		}
	}
	return list
}

// row names a cell of a table whose rows are of scopes and periods.
func row(table string, s measure.Scope, period, column string) string {
	return strings.Join([]string{table, s.Kind, s.Name, period, column}, ":")
}

// thirdParty is the scope of repositories of that class.
var thirdParty = measure.Scope{Kind: measure.ScopeClass, Name: measure.ThirdParty}

// parts name the cells of the path classes that are written here, or of one.
func (c *checker) parts(w *report.Waterfall, column string, wants func(paths.Class) bool) []Cell {
	var names []string
	for _, r := range w.Classes {
		if class, ok := paths.ParseClass(r.Name); ok && wants(class) {
			names = append(names, row("waterfall_parts", w.Scope, w.Period.Name, "path class:"+r.Name+":"+column))
		}
	}
	return cells(names...)
}

// Finding is a claim with its figures and its verdict.
type Finding struct {
	Claim   Claim   `json:"claim"`
	Verdict Verdict `json:"verdict"`
	Reason  string  `json:"reason"`
	// Elsewise is what other readings than the claim's words give, "" where there is none that does better.
	Elsewise string          `json:"elsewise,omitempty"`
	Period   string          `json:"period"`
	Coverage report.Coverage `json:"coverage"`
	Figures  []Figure        `json:"figures"`

	listed bool // nothing tells who belonged when
}

// Findings are the outcome of a check.
type Findings struct {
	Ecosystem string        `json:"ecosystem"`
	AsOf      string        `json:"as_of"`
	Orrery    string        `json:"orrery"`
	Read      int           `json:"repositories_read"`
	Of        int           `json:"repositories"`
	Rolls     []report.Roll `json:"membership"` // what tells who belonged when; none: as listed today
	Claims    []Finding     `json:"claims"`
	// Beside are the headline figures of other ecosystems, if any were named.
	Beside []*report.Reference `json:"beside,omitempty"`
}

// Check tries every definition that fits each claim on a result that has the claims' periods ([Windows]).
func Check(m *report.Model, list []Claim) *Findings {
	out := &Findings{Ecosystem: m.Ecosystem, AsOf: m.AsOf, Orrery: m.Orrery, Read: m.Read, Of: m.Named(), Rolls: m.Membership.Rolls, Claims: []Finding{}, Beside: m.Beside}
	for i := range list {
		out.Claims = append(out.Claims, check(m, &list[i]))
	}
	return out
}

// checker collects the figures of one claim.
type checker struct {
	m     *report.Model
	claim *Claim
	found []Figure
	// later says that the period ends after the newest of what was read.
	later bool
	// lacking says that parts of what was read could not be; shallow, that the beginnings of histories were never fetched.
	lacking, shallow bool
}

func check(m *report.Model, claim *Claim) Finding {
	f := Finding{Claim: *claim, Period: claim.period(), Figures: []Figure{}, listed: len(m.Membership.Rolls) == 0}
	c := &checker{m: m, claim: claim}
	c.lacking = (claim.Quantity == Lines || claim.Quantity == Growth) && slices.ContainsFunc(m.Skips, func(s report.Skip) bool { return s.Reason != report.NotRead })
	c.shallow = claim.Quantity != Lines && slices.ContainsFunc(m.Repositories, func(r report.Repository) bool { return r.Shallow })
	why := ""
	switch w, ok := claim.Window(); {
	case claim.Quantity == Other:
		why = "no commit, tree or list of repositories holds this"
	case !ok:
		why = "it names no period"
	default:
		to := claim.To
		if claim.Quantity == Repositories {
			c.repositories(to)
			break
		}
		name, found := c.find(w)
		if !found {
			why = "the result has no period " + w.Name + "; give the sources, and it is measured"
			break
		}
		switch claim.Quantity {
		case Lines:
			c.lines(name)
		case Growth:
			c.growth(name)
		case Commits:
			c.commits(name)
		case Contributors:
			c.contributors(name)
		case Share:
			why = c.share(name)
		}
		if why == "" && len(c.found) == 0 {
			why = "the result has no figures of " + claim.Scope.Kind + " " + claim.Scope.Name
			if claim.Quantity == Contributors {
				why = "contributors are counted for the ecosystem, not for a " + claim.Scope.Kind
			}
		}
	}
	if why == "" && len(c.found) == 0 {
		why = "no history of a list tells who belonged then"
	}
	f.Figures = append(f.Figures, c.found...)
	f.decide(c, why)
	return f
}

// add takes a figure in. grows says that repositories that are added, and commits that come, can only add to it.
func (c *checker) add(f Figure, grows bool) {
	low, high := f.Value, f.Value
	if f.High != nil {
		high = *f.High
	}
	if f.Coverage.Read < f.Coverage.Of || c.later || c.claim.Quantity != Repositories && (c.lacking || c.shallow) {
		if high = math.Inf(1); !grows {
			low = math.Inf(-1)
		}
	}
	if c.claim.Quantity == Share {
		low, high = max(low, 0), min(high, 100)
	}
	finite := func(x float64) *float64 {
		if math.IsInf(x, 0) {
			return nil
		}
		return &x
	}
	f.WholeLow, f.WholeHigh, f.Verdict = finite(low), finite(high), c.claim.decide(low, high)
	c.found = append(c.found, f)
}

// decide says what an interval that holds the figure of the whole makes of a claim.
func (c *Claim) decide(low, high float64) Verdict {
	from, to := c.bounds()
	switch {
	case high < from || low > to:
		return Contradicted
	case low >= from && high <= to:
		return Reproduced
	}
	return Compatible
}

// find gives the period of the result that has the moments of a window: that of its name, or a calendar year, or any.
func (c *checker) find(w measure.Window) (found report.Period, ok bool) {
	better := func(p report.Period) int {
		switch {
		case p.Name == w.Name:
			return 2
		case p.Kind == measure.KindYear:
			return 1
		}
		return 0
	}
	for i := range c.m.Waterfalls {
		p := c.m.Waterfalls[i].Period
		q := Claim{From: p.From, To: p.To}
		if o, dated := q.Window(); dated && p.From != "" && o.From == w.From && o.To == w.To && (!ok || better(p) > better(found)) {
			found, ok = p, true
		}
	}
	c.later = found.Partial
	return found, ok
}

func (c *checker) waterfall(s measure.Scope, p report.Period) *report.Waterfall {
	for i := range c.m.Waterfalls {
		if w := &c.m.Waterfalls[i]; w.Scope == s && w.Period == p {
			return w
		}
	}
	return nil
}

// ours gives the waterfall of the claim's scope, and that of third-party repositories where it can be told apart.
func (c *checker) ours(p report.Period) (all, third *report.Waterfall) {
	all = c.waterfall(c.claim.Scope, p)
	if c.claim.Scope.Kind == measure.ScopeEcosystem {
		third = c.waterfall(thirdParty, p)
	}
	return all, third
}

// without counts the members that are not third-party.
func without(all, third report.Coverage) report.Coverage {
	return report.Coverage{Read: all.Read - third.Read, Of: all.Of - third.Of}
}

// written adds up the path classes of what is written here, and program code among it.
func written(rows []report.FallRow) (here, own measure.Fall) {
	for _, r := range rows {
		class, ok := paths.ParseClass(r.Name)
		if ok && class.Written() {
			here = here.Plus(r.Fall)
		}
		if ok && class == paths.Own {
			own = own.Plus(r.Fall)
		}
	}
	return here, own
}

func isOwn(c paths.Class) bool { return c == paths.Own }

const asListed = "as listed today, not as of then"

func (c *checker) lines(p report.Period) {
	all, third := c.ours(p)
	if all == nil {
		return
	}
	end := row("waterfall", all.Scope, p.Name, "end")
	add := func(definition string, lines int64, coverage report.Coverage, from []Cell) {
		c.add(Figure{Group: definition, Definition: definition, Unit: Lines, Value: float64(lines), Coverage: coverage, From: from}, true)
	}
	add("all text lines, members at the time", all.End, all.AtEnd, cells(end))
	if third != nil {
		add("without third-party repositories", all.End-third.End, without(all.AtEnd, third.AtEnd), cells(end, "-"+row("waterfall", thirdParty, p.Name, "end")))
	}
	if all.Classes != nil {
		here, own := written(all.Classes)
		add("files written here, with tests, documents and data", here.End, all.AtEnd, c.parts(all, "end", paths.Class.Written))
		add("program code written here", own.End, all.AtEnd, c.parts(all, "end", isOwn))
	}
	if f := c.figures(p); f != nil {
		c.add(Figure{
			Group: asListed, Definition: "all text lines, repositories as listed today", Reading: asListed, Unit: Lines, Value: float64(f.Lines.Value),
			Coverage: c.listed(), From: cells(row("activity", f.Scope, f.Period.Name, "lines")),
		}, true)
	}
}

// listed is the coverage of today's list.
func (c *checker) listed() (out report.Coverage) {
	wants := report.In(c.claim.Scope)
	for i := range c.m.Membership.Members {
		if one := &c.m.Membership.Members[i]; wants(one) && (!one.Former || one.Read) {
			out.Of++
			if one.Read {
				out.Read++
			}
		}
	}
	return out
}

// figures gives the figures of the claim's scope in a period, of all repositories that were read.
func (c *checker) figures(p report.Period) *report.Figures {
	for _, list := range [][]report.Figures{c.m.Figures, c.m.Series} {
		for i := range list {
			if f := &list[i]; f.Scope == c.claim.Scope && f.Period.From == p.From && f.Period.To == p.To && f.Period.Kind != measure.KindRange {
				return f
			}
		}
	}
	return nil
}

func (c *checker) growth(p report.Period) {
	all, third := c.ours(p)
	if all == nil {
		return
	}
	add := func(definition string, lines int64, coverage report.Coverage, reading string, from []Cell, grows bool) {
		c.add(Figure{Group: definition, Definition: definition, Reading: reading, Unit: Lines, Value: float64(lines), Coverage: coverage, From: from}, grows)
	}
	at := func(column string) string { return row("waterfall", all.Scope, p.Name, column) }
	add("lines at the end - lines at the start", all.Growth, all.During, "", cells(at("growth")), false)
	add("written + imported (no joining, no leaving)", all.Written+all.Imported, all.During, "", cells(at("written"), at("imported")), false)
	add("written", all.Written, all.During, "", cells(at("written")), false)
	if third != nil {
		add("end - start, without third-party repositories", all.Growth-third.Growth, without(all.During, third.During), "", cells(at("growth"), "-"+row("waterfall", thirdParty, p.Name, "growth")), false)
	}
	if all.Classes != nil {
		here, own := written(all.Classes)
		add("end - start, files written here", here.End-here.Start, all.During, "", c.parts(all, "growth", paths.Class.Written), false)
		add("end - start, program code written here", own.End-own.Start, all.During, "", c.parts(all, "growth", isOwn), false)
	}
	const gross = "lines added, whatever was removed"
	g := &all.Gross
	// Of history that several repositories hold, the one that owns it may not have been a member: so this may fall when one is added.
	add("lines added by commits, imports among them", int64(g.Added+g.ImportAdded), all.During, gross, cells(at("log_added"), at("log_import_added")), false)
	add("lines added by commits, without imports", int64(g.Added), all.During, gross, cells(at("log_added")), false)
	if f := c.figures(p); f != nil {
		add("lines added by commits of people, at any time", int64(f.Added.Value), c.listed(), gross, cells(row("activity", f.Scope, f.Period.Name, "added")), true)
		add("end - start, repositories as listed today", f.Growth.Value, c.listed(), asListed, cells(row("activity", f.Scope, f.Period.Name, "growth")), false)
	}
}

func (c *checker) commits(p report.Period) {
	all, _ := c.ours(p)
	if all == nil {
		return
	}
	add := func(definition string, n uint64, coverage report.Coverage, from []Cell, grows bool) {
		c.add(Figure{Group: definition, Definition: definition, Unit: Commits, Value: float64(n), Coverage: coverage, From: from}, grows)
	}
	// As with lines added, see growth.
	add("commits without merges, while members", all.Gross.Commits+all.Gross.ImportCommits, all.During,
		cells(row("waterfall", all.Scope, p.Name, "log_commits"), row("waterfall", all.Scope, p.Name, "log_import_commits")), false)
	if f := c.figures(p); f != nil {
		people := f.Commits.Value
		at := func(column string) string { return row("activity", f.Scope, f.Period.Name, column) }
		add("commits without merges, by people", people, c.listed(), cells(at("commits")), true)
		add("the same with bots and AI agents", people+f.Commits.Bots+f.Commits.Agents, c.listed(), cells(at("commits"), at("bot_commits"), at("agent_commits")), true)
		add("the same with merges", people+f.Commits.Bots+f.Commits.Agents+f.Merges, c.listed(), cells(at("commits"), at("bot_commits"), at("agent_commits"), at("merges")), true)
	}
}

// Readings of contributors that a claim's words may stand for.
const (
	ReadingTen  = "with ten commits or more"
	ReadingEver = "since the start"
)

func (c *checker) contributors(p report.Period) {
	if c.claim.Scope.Kind != measure.ScopeEcosystem {
		return
	}
	during := c.m.Membership.During(p, report.Everywhere)
	ever := c.m.Membership.During(report.Period{To: p.To}, report.Everywhere)
	for i := range c.m.Censuses {
		census := &c.m.Censuses[i]
		if census.Period != p {
			continue
		}
		at := slices.IndexFunc(c.m.Populations, func(q measure.Population) bool { return q.Key == census.Population })
		if at < 0 || census.Population == measure.Reviewers {
			continue // who only reviews is not what anybody calls the contributors
		}
		population := &c.m.Populations[at]
		add := func(reading, table string, n measure.People, coverage report.Coverage) {
			for _, unit := range []struct {
				name string
				n    int
			}{{"persons", n.Persons}, {"addresses", n.Addresses}, {"names", n.Names}, {"pairs", n.Pairs}} {
				c.add(Figure{
					Group: population.Title, Definition: population.Title, Unit: unit.name, Reading: reading, Value: float64(unit.n), Coverage: coverage,
					From: cells(fmt.Sprintf("census:%s:%s:%s%s", p.Name, population.Key, table, unit.name)),
				}, population.Grows && unit.name != "persons") // whom more repositories may join
			}
		}
		if c.claim.From == "" {
			add("", "ever_", census.Ever, ever)
			continue
		}
		add("", "", census.In, during)
		add(ReadingTen, "ten_", census.TenOrMore, during)
		add(ReadingEver, "ever_", census.Ever, ever)
	}
}

// repositories counts members just before a moment. The list alone decides: nothing needs to be read.
func (c *checker) repositories(to string) {
	m := c.m.Membership
	if len(m.Rolls) == 0 {
		return
	}
	for _, r := range m.Rolls {
		if r.From >= to {
			return
		}
	}
	add := func(definition string, n int, reading string, from []Cell) {
		c.add(Figure{Group: definition, Definition: definition, Reading: reading, Unit: Repositories, Value: float64(n), From: from}, true)
	}
	w, _ := c.claim.Window()
	end := func(s measure.Scope) string { return row("waterfall", s, w.Name, "members_end") }
	wants := report.In(c.claim.Scope)
	c.later = c.m.AsOf < report.Before(to)
	add("members at the end", m.At(to, wants).Of, "", cells(end(c.claim.Scope)))
	if c.claim.Scope.Kind == measure.ScopeEcosystem {
		add("without third-party repositories", m.At(to, func(one *report.Member) bool { return one.Class != measure.ThirdParty }).Of, "", cells(end(c.claim.Scope), "-"+end(thirdParty)))
	}
	from := start.Format(time.RFC3339)
	add("members at any time until then", m.During(report.Period{From: from, To: to}, wants).Of, "at any time until then", cells(row("waterfall", c.claim.Scope, w.Name, "members")))
}

// share gives the bounds of an organization's share; why says what keeps it from being tested.
func (c *checker) share(p report.Period) (why string) {
	f := c.figures(p)
	if f == nil || len(f.Organizations) == 0 {
		return "the result has no organizations for this period and scope"
	}
	var apart, merged, changed *report.Share
	for i := range f.Organizations {
		if r := &f.Organizations[i]; r.Name == c.claim.Organization {
			apart, changed = r.Apart.CommitsShare, r.Apart.ChangedShare
			switch {
			case r.Client != "": // which has it all then
			case r.Merged != nil:
				merged = r.Merged.CommitsShare
			default:
				merged = apart
			}
		}
	}
	table := []string{"organizations_by_scope", f.Scope.Kind, f.Scope.Name, f.Period.Name}
	switch {
	case f.Scope.Kind != measure.ScopeEcosystem:
	case f.Period.Kind == measure.KindWindow:
		table = []string{"organizations", f.Period.Name}
	default:
		table = []string{"organizations_by_year", f.Period.Name}
	}
	add := func(definition, column string, s *report.Share) {
		if s == nil {
			return
		}
		cell := strings.Join(append(table, c.claim.Organization, column), ":")
		low, high := 100*s.Low, 100*s.High
		one := Figure{
			Group: definition, Definition: definition, Unit: "%", Value: low, High: &high, Coverage: c.listed(),
			From: []Cell{{cell + "_low", 100}}, HighFrom: []Cell{{cell + "_high", 100}},
		}
		if c.claim.Others {
			one.Value, high = 100-high, 100-low
			one.Plus, one.From, one.HighFrom = 100, []Cell{{cell + "_high", -100}}, []Cell{{cell + "_low", -100}}
		}
		c.add(one, false)
	}
	add("share of commits, contractors apart", "commits_share", apart)
	add("share of commits, contractors with their client", "merged_commits_share", merged)
	add("share of changed lines, contractors apart", "changed_share", changed)
	if len(c.found) == 0 {
		return "the result knows no organization " + strconv.Quote(c.claim.Organization)
	}
	return ""
}

// decide sums the figures up. why says what keeps the claim from being tested; "" if nothing does.
func (f *Finding) decide(c *checker, why string) {
	if why != "" {
		f.Verdict, f.Reason = NotTestable, why
		return
	}
	count := map[Verdict]int{}
	var stated []*Figure
	var best *Figure // the stated one of the largest figure
	other := map[string]Verdict{}
	var readings []string
	for i := range f.Figures {
		one := &f.Figures[i]
		if one.Reading != "" {
			if other[one.Reading] == "" {
				readings = append(readings, one.Reading)
			}
			if other[one.Reading] == "" || rank(one.Verdict) < rank(other[one.Reading]) {
				other[one.Reading] = one.Verdict
			}
			continue
		}
		stated = append(stated, one)
		count[one.Verdict]++
		if best == nil || one.Value > best.Value {
			best = one
		}
	}
	low, high, within := stated[0].Value, stated[0].Value, 0
	from, to := f.Claim.bounds()
	for _, one := range stated {
		if from <= one.Value && one.Value <= to && (one.High == nil || *one.High <= to) {
			within++
		}
		low, high = min(low, one.Value), max(high, one.Value)
		if one.High != nil {
			high = max(high, *one.High)
		}
	}
	f.Coverage = stated[0].Coverage
	f.Verdict = Contradicted
	for _, v := range []Verdict{Compatible, Reproduced} {
		if count[v] > 0 {
			f.Verdict = v
		}
	}
	span := figure(low)
	if high != low {
		span += " to " + figure(high)
	}
	var because []string
	switch f.Verdict {
	case Reproduced:
		var by []string
		for _, one := range stated {
			if one.Verdict == Reproduced && !slices.Contains(by, one.Definition) {
				by = append(by, one.Definition)
			}
		}
		because = append(because, fmt.Sprintf("%d of %d figures give it: %s", count[Reproduced], len(stated), strings.Join(by, "; ")))
	case Compatible:
		because = append(because, fmt.Sprintf("what was read gives %s, and what was not read decides", span))
		if !math.IsInf(from, 0) && best.Value < from && f.Claim.Quantity != Share && f.Coverage.Read < f.Coverage.Of {
			what := "the repository that was not read"
			if n := f.Coverage.Of - f.Coverage.Read; n > 1 {
				what = fmt.Sprintf("the %d repositories that were not read", n)
			}
			because = append(because, fmt.Sprintf("%s would have to bring %s more", what, figure(math.Ceil(from-best.Value))))
		}
		if within > 0 {
			because = append(because, fmt.Sprintf("%d of %d figures lie there already", within, len(stated)))
		}
		if count[Contradicted] > 0 {
			because = append(because, fmt.Sprintf("%d of %d figures cannot give it any more", count[Contradicted], len(stated)))
		}
	case Contradicted:
		if because = append(because, fmt.Sprintf("every definition gives another figure: %s", span)); f.Coverage.Read < f.Coverage.Of {
			because = append(because, "what was not read cannot take away from that")
		}
	}
	if c.later {
		because = append(because, "the data ends with "+c.m.AsOf+", before the period does")
	}
	if c.lacking {
		because = append(because, "some files of what was read are missing")
	}
	if c.shallow && f.Claim.Quantity != Repositories {
		because = append(because, "some histories are shallow")
	}
	f.Reason = strings.Join(because, "; ")
	for _, reading := range readings {
		if rank(other[reading]) < rank(f.Verdict) {
			if f.Elsewise != "" {
				f.Elsewise += "; "
			}
			f.Elsewise += fmt.Sprintf("%s as another reading: %s", other[reading], reading)
		}
	}
}

// rank orders verdicts, the best first.
func rank(v Verdict) int {
	return slices.Index([]Verdict{Reproduced, Compatible, Contradicted, NotTestable}, v)
}

// period names the period for people.
func (c *Claim) period() string {
	switch {
	case c.To == "":
		return "no period"
	case c.From == "":
		return "until the end of " + report.Before(c.To)
	}
	return fmt.Sprintf("from %.10s to before %.10s", c.From, c.To)
}
