package page

import (
	"bytes"
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"orrery/analyzer/claims"
	"orrery/analyzer/measure"
	"orrery/analyzer/report"
	"orrery/graph"
)

// The two readings of contractors.
const (
	apart  = "apart"
	merged = "merged"
)

// organizations are the rows of organizations, those with most commits first.
func organizations(f *report.Figures) (rows []*report.Row) {
	for i := range f.Organizations {
		if r := &f.Organizations[i]; known(r.Name, r.Outside) && r.Apart.Commits > 0 {
			rows = append(rows, r)
		}
	}
	slices.SortStableFunc(rows, func(a, b *report.Row) int { return cmp.Compare(b.Apart.Commits, a.Apart.Commits) })
	return rows
}

// known says whether a row is an organization's: the names of others stand in parentheses.
func known(name string, outside bool) bool { return !outside && !strings.HasPrefix(name, "(") }

// mergedPart gives a row with its contractors; nil for these.
func mergedPart(r *report.Row) *report.Part {
	switch {
	case r.Client != "":
		return nil
	case r.Merged != nil:
		return r.Merged
	}
	return &r.Apart
}

func commitsShare(p *report.Part) *report.Share {
	if p == nil {
		return nil
	}
	return p.CommitsShare
}

func (b *builder) window(name string) *report.Figures {
	for i, w := range b.m.Windows {
		if w.Name == name {
			return &b.m.Figures[i]
		}
	}
	return &b.m.Figures[0]
}

func (b *builder) trailing() *report.Figures { return b.window(measure.LastTwelveMonths) }

func (b *builder) heading(p report.Period) string {
	switch {
	case p.Name == measure.AllTime:
		return b.say("window.all")
	case p.Name == measure.LastTwelveMonths:
		return b.say("window.trailing")
	case p.Name == measure.LastCalendarYear && len(p.From) >= 4:
		return b.say("window.year", p.From[:4])
	case p.Kind == measure.KindYear:
		return b.say("window.year", p.Name)
	}
	return name(p.Name, 40)
}

func (b *builder) sum(largest *report.Row) (own, with *report.Share) {
	return largest.Apart.CommitsShare, commitsShare(mergedPart(largest))
}

func factor(f *report.Figures, metric, contractors string) *report.Index {
	for i := range f.Indices {
		if x := &f.Indices[i]; x.Metric == metric && x.Of == measure.KeyCommits && x.Contractors == contractors && x.Bulk == "without" && x.Low != nil {
			return x
		}
	}
	return nil
}

// plain is an index in words: one organization, 1–3 organizations.
func (b *builder) organizationsIn(x *report.Index) string {
	if x == nil {
		return "–"
	}
	if *x.Low == 1 && *x.High == 1 {
		return b.say("brief.organization1")
	}
	return b.say("brief.organizations", index(x.Low, x.High))
}

// brief is the whole report in some sentences.
func (b *builder) brief() (lines []string) {
	all := &b.m.Figures[0]
	if rows := organizations(all); len(rows) > 0 && all.Commits.Total > 0 {
		own, with := b.sum(rows[0])
		line := b.say("brief.share1", name(rows[0].Name, 40), b.between(own))
		if with != nil && *with != *own {
			line = b.say("brief.share", name(rows[0].Name, 40), b.between(own), b.between(with))
		}
		lines = append(lines, line+" "+b.say("brief.unknown", b.percent(float64(all.Commits.Unknown)/float64(all.Commits.Total))))
	}
	t := b.trailing()
	if x, p := factor(t, measure.KeyElephantFactor, apart), factor(t, measure.KeyAbsenceFactor, ""); x != nil && p != nil {
		lines = append(lines, b.say("brief.half", b.organizationsIn(x), b.say("brief.persons", index(p.Low, p.High))))
	}
	return lines
}

func (b *builder) claims() *section {
	s := &section{ID: "claims", Title: b.say("s.claims")}
	f := b.o.Findings
	if f == nil || len(f.Claims) == 0 {
		s.Absent = b.say("claims.absent")
		return s
	}
	counts := map[claims.Verdict]int{}
	t := &table{ID: "claims-data", Caption: b.say("s.claims"), Columns: []column{
		{b.say("claim"), false}, {b.say("population"), false}, {b.say("reading"), false}, {b.say("low"), true}, {b.say("high"), true}, {b.say("claim.verdict"), false}, {b.say("evidence"), false},
	}}
	for i := range f.Claims {
		one := &f.Claims[i]
		counts[one.Verdict]++
		src := one.Claim.Source.Title
		if one.Claim.Source.Date != "" {
			src += ", " + one.Claim.Source.Date
		}
		why, translated := b.translate(one.Reason)
		if why = b.sentence(why); one.Elsewise != "" {
			more, ok := b.translate(one.Elsewise)
			why, translated = why+" "+b.sentence(more), translated && ok
		}
		reason := report.Printable(why)
		verdict := b.say("verdict." + string(one.Verdict))
		if one.Verdict == claims.NotTestable {
			t.Rows = append(t.Rows, []cell{{Text: name(one.Claim.Text, 80), Long: true}, {Text: reason, Long: true}, text(""), text("–"), text("–"), text(verdict), text("–")})
		} else {
			s.Claims = append(s.Claims, claimItem{verdict, report.Printable(one.Claim.Text), report.Printable(src), reason, !translated})
		}
		for k := range one.Figures {
			g := &one.Figures[k]
			high := g.Value
			if g.High != nil {
				high = *g.High
			}
			num := func(x float64) cell {
				return cell{Text: signed(int64(math.Round(x))), Value: strconv.FormatFloat(x, 'f', -1, 64)}
			}
			evidence := cell{Text: "–"}
			if len(g.From) > 0 {
				evidence = b.terms(g)
			}
			t.Rows = append(t.Rows, []cell{
				{Text: name(one.Claim.Text, 80), Long: true},
				{Text: report.Printable(b.told(g.Definition) + " (" + b.told(g.Unit) + ")"), Long: true},
				text(b.told(g.Reading)), num(g.Value), num(high), text(b.say("verdict." + string(g.Verdict))), evidence,
			})
		}
	}
	var parts []string
	for _, v := range []claims.Verdict{claims.Reproduced, claims.Compatible, claims.Contradicted, claims.NotTestable} {
		if counts[v] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[v], b.say("verdict."+string(v))))
		}
	}
	sep := map[string]string{"en": ", ", "zh": "、"}[b.lang]
	s.Lead = b.say("claims.lead", strconv.Itoa(len(f.Claims)), strings.Join(parts, sep))
	s.Notes = []string{b.say("claims.note")}
	if n := counts[claims.NotTestable]; n > 0 {
		s.Notes = append(s.Notes, b.say("claims.rest", n))
	}
	s.Tables = []*table{t}
	return s
}

// year is the ecosystem's waterfall of the last calendar year.
func (b *builder) year() *report.Waterfall {
	for i := range b.m.Waterfalls {
		if w := &b.m.Waterfalls[i]; w.Scope.Kind == measure.ScopeEcosystem && w.Period.Name == measure.LastCalendarYear {
			return w
		}
	}
	return nil
}

func (b *builder) growth() *section {
	s := &section{ID: "growth", Title: b.say("s.growth")}
	kinds := []key{
		{fill{colour: "#0072B2"}, b.say("entered")}, {fill{colour: "#56B4E9"}, b.say("imported")}, {fill{colour: "#009E73"}, b.say("written")}, {fill{colour: "#D55E00", striped: true}, b.say("left")},
	}
	t := &table{ID: "growth-data", Caption: b.say("growth.picture"), Columns: []column{
		{b.say("year"), false},
		{b.say("start"), true},
		{b.say("written"), true},
		{b.say("imported"), true},
		{b.say("entered"), true},
		{b.say("left"), true},
		{b.say("end"), true},
		{b.say("grew"), true},
		{b.say("read"), false},
		{b.say("evidence"), false},
	}}
	var falls []fall
	var partial []string
	var last *report.Waterfall
	for i := range b.m.Waterfalls {
		w := &b.m.Waterfalls[i]
		if w.Scope.Kind != measure.ScopeEcosystem || w.Period.Kind != measure.KindYear || len(falls) == 0 && w.End == 0 && w.Start == 0 {
			continue
		}
		last = w
		if y := b.year(); y != nil && y.Period.From == w.Period.From {
			last = y
		}
		if w.Period.Partial {
			partial = []string{b.say("partial", b.m.AsOf)}
		}
		one := fall{name: starred(w.Period, 12), start: float64(w.Start), end: float64(w.End), total: b.big(w.End)}
		for k, n := range []int64{w.Entered, w.Imported, w.Written, -w.Left} {
			one.parts = append(one.parts, float64(n))
			one.says = append(one.says, fmt.Sprintf("%s, %s: %s", one.name, kinds[k].name, signed(n)))
		}
		falls = append(falls, one)
		t.Rows = append(t.Rows, []cell{
			text(w.Period.Name), count(w.Start), count(w.Written), count(w.Imported), count(w.Entered), count(-w.Left), count(w.End), count(w.Growth),
			text(fmt.Sprintf("%d/%d", w.AtEnd.Read, w.AtEnd.Of)),
			{Text: b.explain("waterfall", "ecosystem", "", w.Period.Name, "growth"), Code: true},
		})
	}
	if last == nil {
		s.Absent = b.say("growth.absent")
		return s
	}
	w := last
	if y := b.year(); y != nil {
		w = y
	}
	s.Lead = b.say("growth.lead", b.heading(w.Period), b.big(w.Growth), b.big(w.End), b.big(w.Written), b.big(w.Imported), b.big(w.Entered), b.big(w.Left))
	growth := func(w *report.Waterfall, column string) About {
		return About{b.define(measure.KeyGrowth), b.say("of.growth", w.AtEnd.Read, w.AtEnd.Of), b.say("bounds.none"), b.explain("waterfall", "ecosystem", "", w.Period.Name, column)}
	}
	one := func(what string, n int64, column string) card {
		return card{b.big(n), b.say(what) + b.say("comma") + b.heading(w.Period), growth(w, column)}
	}
	s.Cards = []card{one("end", w.End, "end"), one("written", w.Written, "written"), one("imported", w.Imported, "imported"), one("entered", w.Entered, "entered")}
	s.Pictures = []picture{b.picture("growth", "", b.say("growth.picture"), growth(w, "growth"), waterfall(falls, kinds, b.axis))}
	s.Notes = append([]string{b.say("growth.note")}, partial...)
	s.Tables = []*table{t}
	return s
}

func (b *builder) people() *section {
	s := &section{ID: "people", Title: b.say("s.people")}
	period := measure.LastCalendarYear
	var p report.Period
	found := map[string]*report.Census{}
	for _, try := range []string{period, measure.AllTime} {
		for i := range b.m.Censuses {
			if c := &b.m.Censuses[i]; c.Period.Name == try && c.Period.Kind == measure.KindWindow {
				found[c.Population], p = c, c.Period
			}
		}
		if c := found["authors"]; c != nil && c.In.Persons > 0 {
			break
		}
	}
	first := found["authors"]
	if first == nil {
		s.Absent = b.say("people.absent")
		return s
	}
	t := &table{ID: "people-data", Caption: b.say("people.picture", b.heading(p)), Columns: []column{
		{b.say("population"), false}, {b.say("persons"), true}, {b.say("addresses"), true}, {b.say("names"), true}, {b.say("pairs"), true}, {b.say("once"), true}, {b.say("ten"), true}, {b.say("ever"), true}, {b.say("evidence"), false},
	}}
	var rows []interval
	largest := 0.0
	for i := range b.m.Populations {
		d := &b.m.Populations[i]
		c := found[d.Key]
		if c == nil {
			continue
		}
		title := b.population(d)
		low, high := people(c.In)
		largest = max(largest, float64(high))
		rows = append(rows, interval{
			label: title, low: float64(low), high: float64(high), mark: float64(c.TenOrMore.Persons), text: span(whole(uint64(low)), whole(uint64(high))), fill: fill{colour: "#0072B2"},
			says: fmt.Sprintf("%s: %s", title, span(whole(uint64(low)), whole(uint64(high)))),
		})
		t.Rows = append(t.Rows, []cell{
			{Text: title},
			count(c.In.Persons), count(c.In.Addresses), count(c.In.Names), count(c.In.Pairs), count(c.Once.Persons), count(c.TenOrMore.Persons), count(c.Ever.Persons),
			{Text: b.explain("census", p.Name, d.Key, "persons"), Code: true},
		})
	}
	range2 := func(x measure.People) string {
		low, high := people(x)
		if b.lang == "en" && low != high {
			return whole(uint64(low)) + " and " + whole(uint64(high))
		}
		return span(whole(uint64(low)), whole(uint64(high)))
	}
	dashed := func(x measure.People) string {
		low, high := people(x)
		return span(whole(uint64(low)), whole(uint64(high)))
	}
	s.Lead = b.say("people.lead", b.heading(p), range2(first.In), dashed(first.TenOrMore), dashed(first.Ever))
	counted := func(bounds, column string) About {
		return About{b.define(measure.KeyContributors), b.say("of.repositories", b.m.Read, b.m.Named()), bounds, b.explain("census", p.Name, "authors", column)}
	}
	card1 := func(what string, x measure.People, column string) card {
		return card{dashed(x), what, counted(b.say("bounds.people", dashed(x)), column)}
	}
	s.Cards = []card{card1(b.heading(p), first.In, "persons"), card1(b.say("ten"), first.TenOrMore, "ten_persons"), card1(b.say("once"), first.Once, "once_persons"), card1(b.say("ever"), first.Ever, "ever_persons")}
	top, step := scale(largest)
	s.Pictures = []picture{b.picture("people", "", b.say("people.picture", b.heading(p)), counted(b.say("bounds.bar"), "persons"), intervals(rows, top, step,
		func(v float64) string { return whole(uint64(v)) }, []key{{fill{colour: "#0072B2"}, b.say("people.solid")}, {fillUnknown, b.say("people.light")}, {fill{class: "ink"}, b.say("people.ten")}}))}
	s.Tables = []*table{t}
	return s
}

// people gives the bounds of a number of people.
func people(p measure.People) (low, high int) {
	return min(p.Persons, p.Addresses, p.Names, p.Pairs), max(p.Persons, p.Addresses, p.Names, p.Pairs)
}

func (b *builder) readings() *section {
	s := &section{ID: "readings", Title: b.say("s.readings")}
	r := b.m.Readings
	if r == nil || r.Leader == "" || len(r.Periods) == 0 || len(r.Bands) != measure.NumStandings {
		s.Absent = b.say("readings.absent")
		return s
	}
	totals := make([]uint64, len(r.Periods))
	most := uint64(0)
	for h := range r.Periods {
		for i := range r.Bands {
			totals[h] += r.Bands[i].Commits[h]
		}
		most = max(most, totals[h])
	}
	if most == 0 {
		s.Absent = b.say("factors.absent")
		return s
	}
	first := slices.IndexFunc(totals, func(n uint64) bool { return 100*n >= most })
	if first > 0 {
		s.Notes = append(s.Notes, b.say("readings.early", name(r.Periods[first].Name, 12), first))
	}
	last := len(totals) - 1
	for last > first && totals[last] == 0 {
		last--
	}
	family := func(reading string) *report.ShareSeries {
		i := slices.IndexFunc(r.Shares, func(x report.ShareSeries) bool {
			return x.Family && x.Contractors == reading && x.Of == measure.KeyCommits
		})
		if i < 0 || len(r.Shares[i].Low) != len(r.Periods) || len(r.Shares[i].High) != len(r.Periods) {
			return nil
		}
		return &r.Shares[i]
	}
	at := func(reading string, h int) *report.Share {
		x := family(reading)
		if x == nil || x.Low[h] == nil || x.High[h] == nil {
			return nil
		}
		return &report.Share{Low: *x.Low[h], High: *x.High[h]}
	}
	leader := name(r.Leader, 30)
	height := last
	for h := last - 1; h >= first; h-- {
		if x, y := at(apart, h), at(apart, height); x != nil && (y == nil || x.Low > y.Low) {
			height = h
		}
	}
	s.Lead = b.say("readings.lead", name(r.Periods[height].Name, 12), name(r.Periods[last].Name, 12), leader, b.share(at(apart, height)), b.share(at(apart, last)), b.share(at(merged, height)), b.share(at(merged, last)))
	for _, reading := range []string{apart, merged} {
		s.Cards = append(s.Cards, card{
			b.share(at(reading, last)), b.say("who."+reading, leader) + b.say("comma") + starred(r.Periods[last], 12),
			About{b.define(measure.KeyShare), b.say("of.commits", whole(totals[last])), b.say("bounds.share", b.share(at(reading, last))), b.explain("readings", r.Periods[last].Name, reading, "own", "commits")},
		})
	}
	colour := cmp.Or(b.colours[r.Leader], graph.Palette()[0])
	names := make([]string, 0, len(totals))
	for h := first; h <= last; h++ {
		names = append(names, starred(r.Periods[h], 12))
	}
	if r.Periods[last].Partial {
		s.Notes = append(s.Notes, b.say("partial", b.m.AsOf))
	}
	values := func(bands ...int) []float64 {
		out := make([]float64, last-first+1)
		for _, k := range bands {
			for h := first; h <= last; h++ {
				out[h-first] += float64(r.Bands[k].Commits[h])
			}
		}
		return out
	}
	own, contracted, others, nobody := int(measure.Own), int(measure.Contracted), int(measure.Others), int(measure.NobodyKnown)
	rest := []band{{b.say("band.others"), fillOthers, values(others)}, {b.say("band.unknown"), fillUnknown, values(nobody)}}
	percent := func(v float64) string { return strconv.FormatFloat(100*v, 'f', 0, 64) + b.percentSign() }
	for _, reading := range []string{apart, merged} {
		bands := []band{{b.say("band.own", name(r.Leader, 14)), fill{colour: colour}, values(own)}, {b.say("band.contractors"), fill{colour: colour, striped: true}, values(contracted)}}
		if reading == merged {
			bands = []band{{b.say("band.ownmerged", name(r.Leader, 10)), fill{colour: colour}, values(own, contracted)}}
		}
		caption := b.say("readings.picture", b.say("reading."+reading))
		explained := About{b.define(measure.KeyShare), b.say("of.each"), b.say("bounds.band"), b.explain("readings", r.Periods[last].Name, reading, "own", "commits")}
		s.Pictures = append(s.Pictures, b.picture("readings-"+reading, reading, caption, explained, stack(names, append(bands, rest...), true, percent)))
	}
	t := &table{ID: "readings-data", Caption: b.say("s.readings"), Columns: []column{
		{b.say("period"), false},
		{b.say("commits"), true},
		{b.say("band.own", leader), true},
		{b.say("band.contractors"), true},
		{b.say("band.others"), true},
		{b.say("band.unknown"), true},
		{b.say("apart") + b.say("comma") + b.say("low"), true},
		{b.say("high"), true},
		{b.say("merged") + b.say("comma") + b.say("low"), true},
		{b.say("high"), true},
		{b.say("evidence"), false},
	}}
	for h := range r.Periods {
		if totals[h] == 0 {
			continue
		}
		row := []cell{text(r.Periods[h].Name), count(totals[h])}
		for _, k := range []int{own, contracted, others, nobody} {
			row = append(row, count(r.Bands[k].Commits[h]))
		}
		row = append(append(row, b.bounds(at(apart, h))...), b.bounds(at(merged, h))...)
		t.Rows = append(t.Rows, append(row, cell{Text: b.explain("readings", r.Periods[h].Name, apart, "own", "commits"), Code: true}))
	}
	s.Tables = []*table{t}
	return s
}

func (b *builder) strata() *section {
	s := &section{ID: "strata", Title: b.say("s.strata")}
	st := b.m.Strata
	if st == nil || len(st.Months) == 0 || b.m.Figures[0].Surviving == nil {
		s.Absent = b.say("strata.absent")
		return s
	}
	n := len(st.Months)
	for i := range st.Organizations {
		if len(st.Organizations[i].Here) != n {
			s.Absent = b.say("strata.absent")
			return s
		}
	}
	layers := func(reading string) (bands []band, top string, first int) {
		sums := map[string][]float64{}
		clients := map[string]string{}
		unknown := make([]float64, n)
		totals := make([]float64, n)
		for i := range st.Organizations {
			l := &st.Organizations[i]
			if l.Outside {
				continue
			}
			into := unknown
			if known(l.Name, false) {
				who := l.Name
				if reading == merged && l.Client != "" {
					who = l.Client
				} else {
					clients[who] = l.Client
				}
				if sums[who] == nil {
					sums[who] = make([]float64, n)
				}
				into = sums[who]
			}
			for k, v := range l.Here {
				into[k] += float64(v)
				totals[k] += float64(v)
			}
		}
		most := slices.Max(totals)
		first = max(0, slices.IndexFunc(totals, func(v float64) bool { return v >= most/200 }))
		names := make([]string, 0, len(sums))
		for who := range sums {
			names = append(names, who)
		}
		slices.SortFunc(names, func(x, y string) int {
			return cmp.Or(cmp.Compare(sums[y][n-1], sums[x][n-1]), cmp.Compare(x, y))
		})
		others := make([]float64, n)
		for i, who := range names {
			if i < 6 && b.colours[who] != "" && sums[who][n-1] > 0 {
				top = cmp.Or(top, who)
				bands = append(bands, band{name(who, 22), b.fill(who, clients[who]), sums[who][first:]})
				continue
			}
			for k, v := range sums[who] {
				others[k] += v
			}
		}
		return append(bands, band{b.say("others"), fillOthers, others[first:]}, band{b.say("unknown"), fillUnknown, unknown[first:]}), top, first
	}
	here := b.m.Figures[0].Surviving
	for _, reading := range []string{apart, merged} {
		bands, top, first := layers(reading)
		caption := b.say("strata.picture", b.say("reading."+reading))
		explained := About{b.define(measure.KeyLinesHere), b.say("of.lines", whole(here.Here.Total)), b.say("bounds.band"), ""}
		if top != "" {
			explained.Command = b.explain("surviving", "ecosystem", "", measure.AllTime, top, in(reading, "lines_here"))
		}
		s.Pictures = append(s.Pictures, b.picture("strata-"+reading, reading, caption, explained, stack(st.Months[first:], bands, false, b.axis)))
		s.Tables = append(s.Tables, b.months(reading, caption, top, st.Months[first:], bands))
		if first > 0 && reading == apart {
			s.Notes = append(s.Notes, b.say("strata.early", name(st.Months[first], 12), first))
		}
	}
	rows := make([]*report.StockRow, 0, len(here.Organizations))
	for i := range here.Organizations {
		if r := &here.Organizations[i]; known(r.Name, r.Outside) && r.Apart.Here > 0 {
			rows = append(rows, r)
		}
	}
	slices.SortStableFunc(rows, func(x, y *report.StockRow) int { return cmp.Compare(y.Apart.Here, x.Apart.Here) })
	t := &table{ID: "strata-data", Caption: b.say("s.strata") + b.say("comma") + b.say("asof", b.m.AsOf), Columns: []column{
		{b.say("organization"), false}, {b.say("lines"), true}, {b.say("low"), true}, {b.say("high"), true}, {b.say("merged") + b.say("comma") + b.say("low"), true}, {b.say("high"), true}, {b.say("evidence"), false},
	}}
	t.Left = b.left(len(rows))
	for _, r := range rows[:min(len(rows), tableRows)] {
		var with *report.Share
		if r.Client == "" {
			if with = r.Apart.HereShare; r.Merged != nil {
				with = r.Merged.HereShare
			}
		}
		line := append(append([]cell{text(r.Name), count(r.Apart.Here)}, b.bounds(r.Apart.HereShare)...), b.bounds(with)...)
		t.Rows = append(t.Rows, append(line, b.evidence("surviving", "ecosystem", "", measure.AllTime, r.Name, "lines_here")))
	}
	s.Tables = append([]*table{t}, s.Tables...)
	if len(rows) > 0 {
		r := rows[0]
		s.Lead = b.say("strata.lead", b.big(int64(here.Here.Total)), name(r.Name, 40), b.between(r.Apart.HereShare))
		of := b.say("of.lines", whole(here.Here.Total))
		held := func(what string, share *report.Share, column string) card {
			return card{b.share(share), b.say(what, name(r.Name, 30)), About{b.define(measure.KeyLinesHere), of, b.say("bounds.share", b.share(share)), b.explain("surviving", "ecosystem", "", measure.AllTime, r.Name, column)}}
		}
		s.Cards = []card{held("who.apart", r.Apart.HereShare, "lines_here")}
		if r.Merged != nil {
			s.Cards = append(s.Cards, held("who.merged", r.Merged.HereShare, "merged_lines_here"))
		}
	} else {
		s.Lead = b.say("strata.lead", b.big(int64(here.Here.Total)), b.say("unknown"), "–")
	}
	if len(b.m.Longevity) > 0 && b.m.Longevity[0].Here.HalfLife != nil {
		s.More = append(s.More, b.say("strata.half", *b.m.Longevity[0].Here.HalfLife))
	}
	if out := here.Here.Bulk + here.Here.Bots + here.Here.Agents; out > 0 {
		s.Notes = append(s.Notes, b.say("strata.note", b.big(int64(out))))
	}
	return s
}

// months is the table of what a picture of strata draws, the newest first; months before those that are drawn stand in strata.csv.
func (b *builder) months(reading, caption, top string, months []string, bands []band) *table {
	t := &table{ID: "strata-" + reading + "-data", Name: b.say("bymonth") + b.say("comma") + b.say("reading."+reading), Caption: caption + " " + b.say("strata.csv"), Columns: []column{{b.say("month"), false}}}
	for _, l := range bands {
		t.Columns = append(t.Columns, column{l.name, true})
	}
	t.Columns = append(t.Columns, column{b.say("evidence"), false})
	t.Left = b.left(len(months))
	for k := len(months) - 1; k >= max(0, len(months)-tableRows); k-- {
		row := []cell{text(months[k])}
		for _, l := range bands {
			row = append(row, count(int64(math.Round(l.values[k]))))
		}
		end, err := time.Parse("2006-01", months[k])
		if err != nil {
			continue
		}
		evidence := text("–")
		until := "1990-01-01 to " + end.AddDate(0, 1, 0).Format(time.DateOnly)
		if top != "" {
			evidence = b.evidence("surviving", "ecosystem", "", until, top, in(reading, "lines_here"))
		}
		t.Rows = append(t.Rows, append(row, evidence))
	}
	return t
}

// in names a column under a reading of contractors.
func in(reading, column string) string {
	if reading == merged {
		return "merged_" + column
	}
	return column
}

// starred marks the name of a period that has not ended.
func starred(p report.Period, most int) string {
	if p.Partial {
		return name(p.Name, most) + "*"
	}
	return name(p.Name, most)
}

// tableRows bounds the rows of one table, so that the page stays small.
const tableRows = 150

// left says how many of n rows a table leaves out, "" if none.
func (b *builder) left(n int) string {
	if n <= tableRows {
		return ""
	}
	return b.say("table.left", n-tableRows)
}

func (b *builder) heat() *section {
	s := &section{ID: "heat", Title: b.say("s.heat")}
	window := b.trailing().Period
	kind, what := measure.ScopeSubsystem, "heat.subsystem"
	list := func(kind string) (out []*report.Figures) {
		for i := range b.m.Figures {
			if f := &b.m.Figures[i]; f.Scope.Kind == kind && f.Period == window && f.Commits.Total > 0 {
				out = append(out, f)
			}
		}
		return out
	}
	scopes := list(kind)
	if len(scopes) < 2 {
		kind, what = measure.ScopeRepository, "heat.repository"
		scopes = list(kind)
	}
	if len(scopes) < 2 || len(b.order) == 0 {
		s.Absent = b.say("heat.absent")
		return s
	}
	slices.SortStableFunc(scopes, func(x, y *report.Figures) int { return cmp.Compare(y.Commits.Total, x.Commits.Total) })
	const shown = 24
	all, drawn := uint64(0), uint64(0)
	for i, f := range scopes {
		all += f.Commits.Total
		if i < shown {
			drawn += f.Commits.Total
		}
	}
	for _, reading := range []string{apart, merged} {
		leads, leader := map[string]int{}, ""
		for _, f := range scopes {
			if who := certain(f, reading); who != "" {
				leads[who]++
			}
		}
		for who, n := range leads {
			if leader == "" || n > leads[leader] || n == leads[leader] && who < leader {
				leader = who
			}
		}
		said := b.say("heat.none", b.say("reading."+reading), len(scopes), b.say(what))
		if leader != "" {
			said = b.say("heat.lead", b.say("reading."+reading), name(leader, 40), leads[leader], len(scopes), b.say(what))
		}
		s.Leads = append(s.Leads, lead{reading, said})
	}
	if len(scopes) > shown {
		s.Notes = append(s.Notes, b.say("heat.cut", shown, len(scopes), b.percent(float64(drawn)/float64(all))))
	}
	for _, reading := range []string{apart, merged} {
		var columnsOf []string
		for i := range b.order {
			if r := b.rowOf(b.order[i]); reading == apart || r == nil || r.Client == "" {
				columnsOf = append(columnsOf, b.order[i])
			}
		}
		titles := make([]string, 0, len(columnsOf)+2)
		for _, c := range columnsOf {
			titles = append(titles, name(c, 22))
		}
		titles = append(titles, b.say("others"), b.say("unknown"))
		caption := b.say("heat.picture", b.say(what), b.say("reading."+reading))
		t := &table{ID: "heat-" + reading + "-data", Name: b.say("reading." + reading), Caption: caption, Columns: []column{{b.say("part"), false}, {b.say("commits"), true}}}
		for _, c := range titles {
			t.Columns = append(t.Columns, column{c, true})
		}
		t.Columns = append(t.Columns, column{b.say("evidence"), false})
		t.Left = b.left(len(scopes))
		var labels []string
		var values [][]float64
		first := "" // the evidence of the first row
		for i, f := range scopes {
			row := make([]float64, len(titles))
			others := 0.0
			for j := range f.Organizations {
				r := &f.Organizations[j]
				if !known(r.Name, r.Outside) {
					continue
				}
				p := &r.Apart
				if reading == merged {
					p = mergedPart(r)
				}
				if x := commitsShare(p); x != nil {
					if at := slices.Index(columnsOf, r.Name); at >= 0 {
						row[at] = x.Low
					} else {
						others += x.Low
					}
				}
			}
			row[len(columnsOf)] = others
			row[len(columnsOf)+1] = float64(f.Commits.Unknown) / float64(f.Commits.Total)
			if i < shown {
				labels, values = append(labels, name(f.Scope.Name, 40)), append(values, row)
			}
			if i < tableRows {
				cells := []cell{text(f.Scope.Name), count(f.Commits.Total)}
				for _, v := range row {
					cells = append(cells, b.ratio(&v))
				}
				evidence := text("–")
				if most := slices.Max(row[:len(columnsOf)]); most > 0 {
					evidence = b.evidence("organizations_by_scope", kind, f.Scope.Name, window.Name, columnsOf[slices.Index(row, most)], in(reading, "commits"))
				}
				if i == 0 && evidence.Code {
					first = evidence.Text
				}
				t.Rows = append(t.Rows, append(cells, evidence))
			}
		}
		s.Tables = append(s.Tables, t)
		explained := About{b.define(measure.KeyShare), b.say("of.rows"), b.say("bounds.row"), first}
		s.Pictures = append(s.Pictures, b.picture("heat-"+reading, reading, caption, explained, heat(labels, titles, values, func(i, k int) string {
			return fmt.Sprintf("%s, %s: %s", labels[i], titles[k], b.percent(values[i][k]))
		})))
	}
	return s
}

// certain is the organization with most commits of a part however the unknown ones are divided, "" if there is none.
func certain(f *report.Figures, reading string) string {
	next := float64(f.Commits.Unknown) / float64(f.Commits.Total) // of an organization that nothing is known of
	who, low, high := "", 0.0, 0.0
	for i := range f.Organizations {
		r := &f.Organizations[i]
		p := &r.Apart
		if reading == merged {
			p = mergedPart(r)
		}
		x := commitsShare(p)
		if x == nil || !known(r.Name, r.Outside) {
			continue
		}
		if x.Low > low {
			next, who, low, high = max(next, high), r.Name, x.Low, x.High
		} else {
			next = max(next, x.High)
		}
	}
	if low > next {
		return who
	}
	return ""
}

// rowOf finds an organization in all time.
func (b *builder) rowOf(who string) *report.Row {
	for i := range b.m.Figures[0].Organizations {
		if r := &b.m.Figures[0].Organizations[i]; r.Name == who {
			return r
		}
	}
	return nil
}

func (b *builder) control() *section {
	s := &section{ID: "control", Title: b.say("s.control")}
	c := b.m.Control
	if c == nil || len(c.Rows) == 0 {
		s.Absent = b.say("control.absent")
		return s
	}
	of := []struct {
		what string
		of   func(p *report.ControlPart) *report.Share
	}{
		{"contributes", func(p *report.ControlPart) *report.Share { return p.Contributes }},
		{"owns", func(p *report.ControlPart) *report.Share { return p.Owns }},
		{"reviews", func(p *report.ControlPart) *report.Share { return p.ReviewShare }},
		{"governs", func(p *report.ControlPart) *report.Share { return p.Governs }},
		{"guards", func(p *report.ControlPart) *report.Share { return p.Guards }},
	}
	part := func(r *report.ControlRow, reading string) *report.ControlPart {
		if reading == merged {
			if r.Client != "" {
				return nil
			}
			if r.Merged != nil {
				return r.Merged
			}
		}
		return &r.Apart
	}
	var rows []*report.ControlRow
	for i := range c.Rows {
		if r := &c.Rows[i]; known(r.Name, false) {
			rows = append(rows, r)
		}
	}
	if len(rows) == 0 {
		s.Absent = b.say("control.absent")
		return s
	}
	for _, reading := range []string{apart, merged} {
		var labels []string
		var cells [][]*report.Share
		for _, r := range rows {
			if p := part(r, reading); p != nil && len(labels) < 6 {
				labels = append(labels, name(r.Name, 24))
				var line []*report.Share
				for _, o := range of[:4] {
					line = append(line, o.of(p))
				}
				cells = append(cells, line)
			}
		}
		var titles []string
		for _, o := range of[:4] {
			titles = append(titles, b.say(o.what))
		}
		caption := b.say("control.picture", b.say("reading."+reading))
		explained := About{b.say("control.definition"), b.say("control.of"), b.say("bounds.bar"), b.explain("control", rows[0].Name, in(reading, "all"))}
		s.Pictures = append(s.Pictures, b.picture("control-"+reading, reading, caption, explained, panels(labels, titles, cells, b.share)))
	}
	top, who := part(rows[0], merged), name(rows[0].Name, 40)
	if top == nil {
		top = &rows[0].Apart
	} else if rows[0].Merged != nil {
		who = b.say("who.merged", who)
	}
	commits, lines := b.trailing().Commits.Total, uint64(0)
	if own := b.trailing().Surviving; own != nil {
		lines = own.Here.Total
	}
	seats, acts := 0, 0
	for i := range c.Rows { // which hold those of nobody known too, and every contractor once
		p := &c.Rows[i].Apart
		seats += p.Seats
		acts += p.Reviews + p.Approvals + p.Integrations
	}
	var does []string
	says := func(key string, share *report.Share, args ...any) {
		if share != nil && (share.Low > 0 || share.High < 1) { // from nothing to all says nothing
			does = append(does, b.say(key, append([]any{b.share(share)}, args...)...))
		}
	}
	says("control.contributed", top.Contributes, whole(commits))
	says("control.reviewed", top.ReviewShare, whole(uint64(acts)), whole(uint64(c.Reviewed)), whole(uint64(c.Changes)))
	says("control.owns", top.Owns, whole(lines))
	says("control.seats", top.Governs, whole(uint64(seats)))
	s.Lead = b.say("control.unknown", who)
	if len(does) > 0 {
		s.Lead = b.say("control.lead", who, strings.Join(does, b.say("semicolon")))
	}
	if c.StatedShare != nil {
		s.More = append(s.More, b.say("control.stated", b.percent(*c.StatedShare)))
	}
	dens := []string{
		b.say("of.commits", whole(commits)), b.say("of.lines", whole(lines)), b.say("of.reviews", whole(uint64(acts)), whole(uint64(c.Reviewed)), whole(uint64(c.Changes))),
		b.say("of.seats", whole(uint64(seats)), c.Stating, b.m.Read), b.say("of.stated", whole(c.Stated), whole(c.Lines)),
	}
	defs := []string{measure.KeyShare, measure.KeyLinesHere, measure.KeyReviews, measure.KeySeats, measure.KeySeats}
	read := apart
	if rows[0].Merged != nil {
		read = merged
	}
	leader := rows[0].Name
	commands := []string{
		b.explain("organizations", measure.LastTwelveMonths, leader, in(read, "commits")), b.explain("surviving", "ecosystem", "", measure.LastTwelveMonths, leader, in(read, "lines_here")),
		b.explain("control", leader, in(read, "reviews")), b.explain("control", leader, in(read, "seats")), b.explain("control", leader, in(read, "guarded")),
	}
	for i, o := range of {
		s.Cards = append(s.Cards, card{b.share(o.of(top)), who + " " + b.say(o.what), About{b.define(defs[i]), dens[i], b.say("bounds.share", b.share(o.of(top))), commands[i]}})
	}
	t := &table{ID: "control-data", Caption: b.say("s.control"), Columns: []column{{b.say("organization"), false}, {b.say("reading"), false}}}
	for _, o := range of {
		t.Columns = append(t.Columns, column{b.say(o.what) + b.say("comma") + b.say("low"), true}, column{b.say("high"), true})
	}
	t.Columns = append(t.Columns, column{b.say("powers"), false}, column{b.say("evidence"), false})
	t.Left = b.left(len(rows))
	for _, r := range rows[:min(len(rows), tableRows)] {
		for _, reading := range []string{apart, merged} {
			p := part(r, reading)
			if p == nil || reading == merged && r.Merged == nil {
				continue
			}
			line := []cell{text(r.Name), text(b.say(reading))}
			for _, o := range of {
				line = append(line, b.bounds(o.of(p))...)
			}
			t.Rows = append(t.Rows, append(line, cell{Text: report.Printable(b.powers(r.Governs)), Long: true}, b.holds(r, p, reading)))
		}
	}
	s.Tables = []*table{t}
	return s
}

// holds gives the commands that lead a row of control to its evidence, as far as there is any.
func (b *builder) holds(r *report.ControlRow, p *report.ControlPart, reading string) cell {
	var c cell
	if p.Contributes != nil {
		c.Terms = append(c.Terms, term{"", b.explain("organizations", measure.LastTwelveMonths, r.Name, in(reading, "commits_share_low"))})
	}
	if p.ReviewShare != nil || p.Governs != nil || p.Guards != nil || len(r.Governs) > 0 {
		c.Terms = append(c.Terms, term{strings.Repeat("; ", len(c.Terms)), b.explain("control", r.Name, in(reading, "all"))})
	}
	if len(c.Terms) == 0 {
		return text("–")
	}
	return c
}

// powers says what is stated of an organization's powers: "board 2 of 5 (CN)".
func (b *builder) powers(list []string) string {
	out := make([]string, 0, len(list))
	for _, p := range list {
		word, rest, more := strings.Cut(p, " ")
		if m, ok := messages()["power."+word]; ok {
			word = m[b.lang]
		}
		if more && b.lang != "en" {
			rest = strings.Replace(rest, " of ", "/", 1)
		}
		if more {
			word += " " + rest
		}
		out = append(out, word)
	}
	return strings.Join(out, b.say("semicolon"))
}

func (b *builder) factors() *section {
	s := &section{ID: "factors", Title: b.say("s.factors")}
	f := b.trailing()
	ef, both, people, hhi := factor(f, measure.KeyElephantFactor, apart), factor(f, measure.KeyElephantFactor, merged), factor(f, measure.KeyAbsenceFactor, ""), factor(f, measure.KeyHHI, apart)
	if ef == nil || hhi == nil {
		s.Absent = b.say("factors.absent")
		return s
	}
	s.Lead = b.say("factors.lead", b.organizationsIn(ef), b.organizationsIn(both), index(hhi.Low, hhi.High))
	of := b.say("of.commits", whole(f.Commits.Total))
	explain := func(f *report.Figures, metric, contractors string) string {
		return b.explain("indices", "ecosystem", "", f.Period.Name, metric, measure.KeyCommits, contractors, "without", "low")
	}
	add := func(what string, x *report.Index, metric string) {
		if x != nil {
			s.Cards = append(s.Cards, card{index(x.Low, x.High), what, About{b.define(metric), of, b.say("bounds.worst", index(x.Low, x.High)), explain(f, metric, x.Contractors)}})
		}
	}
	add(b.say("elephant")+b.say("comma")+b.say("apart"), ef, measure.KeyElephantFactor)
	add(b.say("elephant")+b.say("comma")+b.say("merged"), both, measure.KeyElephantFactor)
	add(b.say("absence"), people, measure.KeyAbsenceFactor)
	add(b.say("hhi")+b.say("comma")+b.say("apart"), hhi, measure.KeyHHI)
	add(b.say("hhi")+b.say("comma")+b.say("merged"), factor(f, measure.KeyHHI, merged), measure.KeyHHI)
	t := &table{ID: "factors-data", Caption: b.say("s.factors"), Columns: []column{
		{b.say("window"), false}, {b.say("measure"), false}, {b.say("reading"), false}, {b.say("low"), true}, {b.say("high"), true}, {b.say("ofknown"), true}, {b.say("evidence"), false},
	}}
	var bars []indexBar
	row := func(f *report.Figures) {
		for _, metric := range []struct{ key, title, contractors string }{
			{measure.KeyElephantFactor, "elephant", apart}, {measure.KeyElephantFactor, "elephant", merged}, {measure.KeyAbsenceFactor, "absence", ""}, {measure.KeyHHI, "hhi", apart}, {measure.KeyHHI, "hhi", merged},
		} {
			x := factor(f, metric.key, metric.contractors)
			if x == nil {
				continue
			}
			num := func(v *float64) cell {
				if v == nil {
					return text("–")
				}
				return cell{Text: strconv.FormatFloat(*v, 'f', -1, 64), Value: strconv.FormatFloat(*v, 'f', -1, 64)}
			}
			reading := "–"
			if metric.contractors != "" {
				reading = b.say(metric.contractors)
			}
			t.Rows = append(t.Rows, []cell{text(b.heading(f.Period)), text(b.say(metric.title)), text(reading), num(x.Low), num(x.High), num(x.OfKnown), {Text: explain(f, metric.key, metric.contractors), Code: true}})
		}
	}
	for i := range b.m.Windows {
		row(&b.m.Figures[i])
	}
	most, skipped := uint64(0), 0
	years := make([]*report.Figures, 0, 16)
	for i := range b.m.Series {
		if f := &b.m.Series[i]; f.Scope.Kind == measure.ScopeEcosystem && f.Period.Kind == measure.KindYear {
			years = append(years, f)
			most = max(most, f.Commits.Total)
		}
	}
	for _, f := range years {
		row(f)
		if len(bars) == 0 && 200*f.Commits.Total < most {
			skipped++
			continue // a handful of commits long before
		}
		if f.Period.Partial {
			s.Notes = []string{b.say("partial", b.m.AsOf)}
		}
		if len(bars) == 0 && skipped > 0 {
			s.Notes = append(s.Notes, b.say("factors.early", name(f.Period.Name, 8), skipped))
		}
		bar := indexBar{name: starred(f.Period, 8)}
		for _, reading := range []string{apart, merged} {
			set, says := [2]float64{-1, -1}, ""
			if x := factor(f, measure.KeyHHI, reading); x != nil {
				set, says = [2]float64{*x.Low, *x.High}, fmt.Sprintf("%s, %s: %s", bar.name, b.say(reading), index(x.Low, x.High))
			}
			bar.sets, bar.says = append(bar.sets, set), append(bar.says, says)
		}
		bars = append(bars, bar)
	}
	s.Pictures = []picture{b.picture("factors", "", b.say("factors.picture"), About{b.define(measure.KeyHHI), b.say("of.years"), b.say("bounds.span"), explain(f, measure.KeyHHI, apart)}, indices(bars,
		[]key{{fill{colour: "#0072B2"}, b.say("apart")}, {fill{colour: "#E69F00", striped: true}, b.say("merged")}}, 10000, 1800, func(v float64) string { return whole(uint64(v)) }))}
	s.Tables = []*table{t}
	return s
}

func (b *builder) openness() *section {
	s := &section{ID: "openness", Title: b.say("s.openness")}
	o := b.m.Openness
	if o == nil {
		s.Absent = b.say("openness.absent")
		return s
	}
	t := &table{ID: "openness-data", Caption: b.say("s.openness"), Columns: []column{
		{b.say("standing"), false},
		{b.say("window"), false},
		{b.say("proposals"), true},
		{b.say("days"), true},
		{b.say("accepted"), true},
		{b.say("newcomers"), true},
		{b.say("watched"), true},
		{b.say("return"), true},
		{b.say("low"), true},
		{b.say("high"), true},
		{b.say("seatshare"), true},
		{b.say("evidence") + ": " + b.say("proposals"), false},
		{b.say("evidence") + ": " + b.say("newcomers"), false},
	}}
	var rows []interval
	shares := map[string]*report.OpennessRow{}
	for i := range o.Rows {
		r := &o.Rows[i]
		if r.Organization != "" {
			continue
		}
		title := b.say("standing." + r.Standing)
		value := func(x *float64) cell {
			if x == nil {
				return text("–")
			}
			return cell{Text: strconv.FormatFloat(*x, 'f', 1, 64), Value: strconv.FormatFloat(*x, 'f', -1, 64)}
		}
		e := []cell{text("–"), text("–"), text("–")}
		if r.Return != nil {
			e = []cell{b.ratio(&r.Return.Value), b.ratio(&r.Return.Low), b.ratio(&r.Return.High)}
		}
		took := text("–")
		if r.Accepted != nil {
			took = b.ratio(&r.Accepted.Value)
		}
		line := []cell{text(title), text(b.heading(r.Period)), count(r.Merged), value(r.DaysMedian), took, count(r.Newcomers), count(r.Watched)}
		where := []string{"openness", r.Period.Name, r.Standing, ""}
		returned := text("–")
		if r.Return != nil {
			returned = b.evidence(append(where, "returned")...)
		}
		t.Rows = append(t.Rows, append(append(line, e...), b.ratio(r.SeatShare), b.evidence(append(where, "merged_proposals")...), returned))
		if r.Period.Name != measure.AllTime || r.Return == nil {
			continue
		}
		shares[r.Standing] = r
		said := b.share(&report.Share{Low: r.Return.Low, High: r.Return.High})
		rows = append(rows, interval{label: title, low: r.Return.Low, high: r.Return.High, text: said, fill: fill{colour: "#0072B2"}, says: title + ": " + said})
		s.Cards = append(s.Cards, card{said, b.say("return") + b.say("comma") + title, About{b.define(measure.KeyReturn), b.say("of.newcomers", whole(uint64(r.Watched))), b.say("bounds.wilson", said), b.explain(append(where, "returned")...)}})
	}
	s.Lead = b.say("openness.none")
	if x, y := shares["others"], shares["own"]; x != nil && y != nil {
		s.Lead = b.say("openness.lead", b.share(&report.Share{Low: x.Return.Low, High: x.Return.High}), name(o.Leader, 40), b.share(&report.Share{Low: y.Return.Low, High: y.Return.High}))
	}
	if len(rows) > 0 {
		explained := About{b.define(measure.KeyReturn), b.say("openness.of"), b.say("bounds.sample"), b.explain("openness", measure.AllTime, measure.Others.String(), "", "returned")}
		s.Pictures = []picture{b.picture("openness", "", b.say("openness.picture"), explained, intervals(rows, 1, 0.25, b.whole100, nil))}
	}
	s.Tables = []*table{t}
	return s
}

func (b *builder) exposure() *section {
	s := &section{ID: "exposure", Title: b.say("s.exposure")}
	var rows []*report.ControlRow
	if c := b.m.Control; c != nil {
		for i := range c.Rows {
			if r := &c.Rows[i]; r.Exposed != nil {
				rows = append(rows, r)
			}
		}
	}
	if len(rows) == 0 && len(b.o.Beside) == 0 {
		s.Absent = b.say("exposure.absent")
		return s
	}
	slices.SortStableFunc(rows, func(x, y *report.ControlRow) int { return cmp.Compare(y.Exposed.Low, x.Exposed.Low) })
	t := &table{ID: "exposure-data", Caption: b.say("exposure.picture"), Columns: []column{{b.say("organization"), false}, {b.say("exposed") + b.say("comma") + b.say("low"), true}, {b.say("high"), true}, {b.say("evidence"), false}}}
	var bars []interval
	t.Left = b.left(len(rows))
	for i, r := range rows {
		if i < 8 {
			bars = append(bars, interval{label: name(r.Name, 26), low: r.Exposed.Low, high: r.Exposed.High, text: b.share(r.Exposed), fill: fill{colour: "#D55E00"}, says: name(r.Name, 40) + ": " + b.share(r.Exposed)})
		}
		if i < tableRows {
			t.Rows = append(t.Rows, append(append([]cell{text(r.Name)}, b.bounds(r.Exposed)...), cell{Text: b.removal(r.Name), Code: true}))
		}
	}
	s.Lead = b.say("exposure.absent")
	if len(rows) > 0 {
		s.Lead = b.say("exposure.lead", b.between(rows[0].Exposed), name(rows[0].Name, 40))
		explained := func(bounds string) About {
			of := b.say("of.somecare", whole(b.m.Control.Lines))
			if n := b.m.Control.Cared; n > 0 {
				of = b.say("of.care", whole(n), whole(b.m.Control.Lines))
			}
			return About{b.define(measure.KeyExposed), of, bounds, b.removal(rows[0].Name)}
		}
		s.Cards = []card{{b.share(rows[0].Exposed), name(rows[0].Name, 30), explained(b.say("bounds.share", b.share(rows[0].Exposed)))}}
		s.Pictures = []picture{b.picture("exposure", "", b.say("exposure.picture"), explained(b.say("bounds.bar")), intervals(bars, 1, 0.25, b.whole100, nil))}
		s.Tables = []*table{t}
	}
	if len(b.o.Beside) == 0 {
		s.Notes = []string{b.say("exposure.alone")}
		return s
	}
	u := &table{ID: "beside-data", Name: b.say("exposure.beside"), Caption: b.say("exposure.beside"), Columns: []column{
		{b.say("ecosystem"), false},
		{b.say("commits"), true},
		{b.say("coverage"), true},
		{b.say("leader"), false},
		{b.say("leadershare") + b.say("comma") + b.say("low"), true},
		{b.say("high"), true},
		{b.say("elephant"), false},
		{b.say("hhi"), false},
		{b.say("absence"), false},
		{b.say("read"), false},
	}}
	var besides []interval
	add := func(own bool, m *report.Reference) {
		i := slices.IndexFunc(m.Windows, func(w report.ReferenceWindow) bool { return w.Period.Name == measure.LastTwelveMonths })
		if i < 0 {
			return
		}
		w := &m.Windows[i]
		who := name(cmp.Or(m.Leader, "–"), 40)
		colour := fillOthers
		if own {
			colour = fill{colour: "#0072B2"}
		}
		if w.Merged != nil {
			said := who + " " + b.share(w.Merged)
			besides = append(besides, interval{label: name(m.Ecosystem, 26), low: w.Merged.Low, high: w.Merged.High, text: b.share(w.Merged), fill: colour, says: name(m.Ecosystem, 40) + ": " + said})
		}
		idx := func(metric, contractors string) cell {
			for i := range w.Indices {
				if x := &w.Indices[i]; x.Metric == metric && x.Contractors == contractors && x.Of == measure.KeyCommits && x.Bulk == "without" {
					return text(index(x.Low, x.High))
				}
			}
			return text("–")
		}
		u.Rows = append(u.Rows, append(append([]cell{text(m.Ecosystem), count(w.Commits), b.ratio(w.Coverage), text(who)}, b.bounds(w.Merged)...),
			idx(measure.KeyElephantFactor, merged), idx(measure.KeyHHI, merged), idx(measure.KeyAbsenceFactor, ""), text(fmt.Sprintf("%d/%d", m.Read, m.Of))))
	}
	if own, err := report.NewReference(b.m); err == nil {
		add(true, own)
	}
	for _, m := range b.o.Beside {
		add(false, m)
	}
	caption := b.say("exposure.beside") + ": " + b.say("leadershare")
	s.Pictures = append(s.Pictures, b.picture("beside", "", caption, About{b.define(measure.KeyShare), b.say("beside.of"), b.say("bounds.bar"), ""}, intervals(besides, 1, 0.25, b.whole100, nil)))
	s.Tables = append(s.Tables, u)
	return s
}

// networkTop is how many organizations and repositories are drawn: what keeps the page readable, and small.
const networkTop = 70

// projection gives the network of organizations and repositories, and what is drawn of it.
func (b *builder) projection() (all, drawn *graph.Graph, err error) {
	all, _, err = b.m.Projection("organization-repository", measure.AllTime, nil)
	if err != nil {
		return nil, nil, err
	}
	limits := graph.Limits{Edges: 8 * networkTop}
	for i := range limits.Top {
		limits.Top[i] = networkTop
	}
	return all, graph.Trim(all, limits), nil
}

// drawNetwork draws for the page (bare), or by itself.
func (b *builder) drawNetwork(w *bytes.Buffer, bare bool) error {
	_, g, err := b.projection()
	if err != nil {
		return err
	}
	return graph.WriteSVG(w, g, graph.Drawing{Bare: bare, Title: b.m.Headline("organization-repository", g, nil, 0), Notes: b.m.PictureNotes(measure.AllTime)})
}

func (b *builder) network() *section {
	s := &section{ID: "network", Title: b.say("s.network")}
	all, g, err := b.projection()
	if err != nil || g.NumEdges() == 0 {
		s.Absent = b.say("network.absent")
		return s
	}
	var svg bytes.Buffer
	if err := b.drawNetwork(&svg, true); err != nil {
		s.Absent = b.say("network.absent")
		return s
	}
	n := &network{Caption: b.say("network.picture"), SVG: template.HTML(strings.Replace(svg.String(), "<svg ", `<svg aria-label="`+esc(b.say("network.picture"))+`" `, 1))} //nolint:gosec // graph escapes
	n.About = About{b.say("network.definition"), "", b.say("bounds.network"), ""}
	palette := graph.Palette()
	for i, who := range graph.Legend(g, graph.Drawing{}) {
		n.Keys = append(n.Keys, struct{ Colour, Name string }{palette[i], name(who, 30)})
	}
	sum := func(g *graph.Graph) (x float64) {
		for _, w := range g.Weights(0) {
			x += w
		}
		return x
	}
	kinds := func(g *graph.Graph, k graph.Kind) int { lo, hi := g.Range(k); return hi - lo }
	n.Of = b.say("of.edges", whole(uint64(sum(all))))
	n.Cut = b.say("network.cut", kinds(g, graph.Organization), kinds(all, graph.Organization), kinds(g, graph.Repository), kinds(all, graph.Repository), b.percent(sum(g)/max(sum(all), 1)))
	lo, hi := g.Range(graph.Organization)
	extents := g.Extents(0)
	nodes := make([]int, 0, hi-lo)
	for i := lo; i < hi; i++ {
		nodes = append(nodes, i)
	}
	slices.SortStableFunc(nodes, func(x, y int) int { return cmp.Compare(extents[y], extents[x]) })
	for _, i := range nodes {
		n.Options = append(n.Options, struct{ ID, Name string }{g.Node(i).ID, name(g.Node(i).Label, 40)})
	}
	t := &table{ID: "network-data", Caption: b.say("s.network"), Columns: []column{{b.say("organization"), false}, {b.say("repository"), false}, {b.say("commits"), true}, {b.say("evidence"), false}}}
	t.Left = b.left(all.NumEdges())
	edges := make([]int, all.NumEdges())
	for e := range edges {
		edges[e] = e
	}
	slices.SortStableFunc(edges, func(x, y int) int { return cmp.Compare(all.Weights(0)[y], all.Weights(0)[x]) })
	lead := map[int]int{} // repository to the organization with most commits
	for _, e := range edges {
		o, r := all.Ends(e)
		if all.Node(o).Kind != graph.Organization {
			o, r = r, o
		}
		if _, ok := lead[r]; !ok && all.Weights(0)[e] > 0 {
			lead[r] = o
		}
		if len(t.Rows) < tableRows {
			t.Rows = append(t.Rows, []cell{
				text(all.Node(o).Label), text(all.Node(r).Label), count(uint64(all.Weights(0)[e])),
				{Text: b.explain("organizations_by_scope", measure.ScopeRepository, all.Node(r).Label, measure.AllTime, all.Node(o).Label, "commits"), Code: true},
			})
		}
	}
	leads := map[string]int{}
	best := ""
	for _, o := range lead {
		leads[all.Node(o).Label]++
	}
	for who, k := range leads {
		if best == "" || k > leads[best] || k == leads[best] && who < best {
			best = who
		}
	}
	s.Lead = b.say("network.lead", name(best, 40), leads[best], len(lead))
	s.Network = n
	s.Tables = []*table{t}
	return s
}
