package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"orrery/analyzer/measure"
	"orrery/analyzer/people"
)

// Readings tell by half-year whose the work is, twice: with the leading organization's contractors apart from it, and as part of it. Lists by
// period are parallel to Periods.
type Readings struct {
	// Leader is the organization with most commits of all time, contractors with their clients; "" where no commit is of a known one.
	// Subsidiaries count with it, Contractors are those of all of these.
	Leader       string   `json:"leader"`
	Subsidiaries []string `json:"subsidiaries"`
	Contractors  []string `json:"contractors"`
	// Periods are the half-years from the first commit to the as-of day, without gaps.
	Periods []Period `json:"periods"`
	// Bands add up to T in every period: "own" (the leader's), "contractors", "others" and "unknown", in this order.
	Bands []Band `json:"bands"`
	// Classes add up to T as well: those of organizations, then the unknown ones.
	Classes []Band `json:"classes"`
	// Shares are bounds: the leader's with its subsidiaries, then those of the organizations with most commits, each with contractors apart and
	// merged. Shown of Of organizations stand here; organizations_by_year has all.
	Shares []ShareSeries `json:"shares"`
	Shown  int           `json:"shown"`
	Of     int           `json:"of"`
}

// Band is a part of T by period.
type Band struct {
	Name    string   `json:"name"`
	Known   bool     `json:"known"` // of organizations
	Commits []uint64 `json:"commits"`
	Changed []uint64 `json:"changed"` // lines
}

// ShareSeries is an organization's share by period under one reading. Bounds are nil where nothing was contributed.
type ShareSeries struct {
	Organization string `json:"organization"`
	// Family says that subsidiaries count with it.
	Family      bool       `json:"family,omitempty"`
	Contractors string     `json:"contractors"` // "apart" or "merged"
	Of          string     `json:"of"`          // "commits" or "changed"
	Low         []*float64 `json:"low"`
	High        []*float64 `json:"high"`
	OfKnown     []*float64 `json:"of_known"`
}

// The two readings.
const (
	readApart  = "apart"
	readMerged = "merged"
)

// readingsTop is how many organizations have their shares in the model beside the leader's.
const readingsTop = 12

// readings reads the half-years of the ecosystem.
func (b *builder) readings(result *measure.Result) *Readings {
	leader := result.Leader()
	standings := measure.Standings(b.Organizations, leader)
	out := &Readings{Leader: b.organization(leader), Subsidiaries: []string{}, Contractors: []string{}, Periods: []Period{}, Bands: []Band{}, Classes: []Band{}, Shares: []ShareSeries{}}
	var halves []*measure.Figures
	for i := range result.Series {
		if f := &result.Series[i]; f.Scope.Kind == measure.ScopeEcosystem && f.Period.Kind == measure.KindHalf {
			halves = append(halves, f)
			out.Periods = append(out.Periods, period(f.Period))
		}
	}
	n := len(halves)
	band := func(name string, known bool) Band { return Band{name, known, make([]uint64, n), make([]uint64, n)} }
	for s := range measure.Standing(measure.NumStandings) {
		out.Bands = append(out.Bands, band(s.String(), s != measure.NobodyKnown))
	}
	var classes [people.NumClasses]*Band
	type organization struct {
		index                          int
		commits                        uint64 // of all half-years, merged
		apart, merged, apartC, mergedC []uint64
	}
	byIndex := map[int]*organization{}
	var list []*organization
	known, knownC := make([]uint64, n), make([]uint64, n)
	unknown, unknownC := out.Bands[measure.NobodyKnown].Commits, out.Bands[measure.NobodyKnown].Changed
	for h, f := range halves {
		for i := range f.Rows {
			row := &f.Rows[i]
			if row.Outside {
				continue
			}
			standing := measure.NobodyKnown
			if row.Organization != people.NoOrganization {
				standing = standings[row.Organization]
			}
			into := []*Band{&out.Bands[standing]}
			if row.Apart.Commits > 0 {
				if classes[row.Class] == nil {
					c := band(row.Class.String(), row.Class.Known())
					classes[row.Class] = &c
				}
				into = append(into, classes[row.Class])
			}
			for _, to := range into {
				to.Commits[h] += row.Apart.Commits
				to.Changed[h] = plus(to.Changed[h], row.Apart.Changed())
			}
			if row.Organization == people.NoOrganization {
				continue
			}
			known[h] += row.Apart.Commits
			knownC[h] = plus(knownC[h], row.Apart.Changed())
			o := byIndex[row.Organization]
			if o == nil {
				o = &organization{row.Organization, 0, make([]uint64, n), make([]uint64, n), make([]uint64, n), make([]uint64, n)}
				byIndex[row.Organization] = o
				list = append(list, o)
				switch name := b.organization(row.Organization); {
				case standing == measure.Contracted:
					out.Contractors = append(out.Contractors, name)
				case standing == measure.Own && row.Organization != leader:
					out.Subsidiaries = append(out.Subsidiaries, name)
				}
			}
			o.commits += row.Merged.Commits
			o.apart[h], o.merged[h], o.apartC[h], o.mergedC[h] = row.Apart.Commits, row.Merged.Commits, row.Apart.Changed(), row.Merged.Changed()
		}
	}
	slices.Sort(out.Subsidiaries)
	slices.Sort(out.Contractors)
	for _, c := range classes { // those of organizations stand first in people's list, but for "unknown" itself
		if c != nil && c.Known {
			out.Classes = append(out.Classes, *c)
		}
	}
	for _, c := range classes {
		if c != nil && !c.Known {
			out.Classes = append(out.Classes, *c)
		}
	}
	shares := func(name string, family bool, reading, of string, x, known, unknown []uint64) {
		s := ShareSeries{Organization: name, Family: family, Contractors: reading, Of: of, Low: make([]*float64, n), High: make([]*float64, n), OfKnown: make([]*float64, n)}
		for h := range n {
			s.Low[h], s.High[h], s.OfKnown[h] = bound(x[h], known[h], unknown[h], true).pointers()
		}
		out.Shares = append(out.Shares, s)
	}
	four := func(name string, family bool, apart, merged, apartC, mergedC []uint64) {
		shares(name, family, readApart, measure.KeyCommits, apart, known, unknown)
		shares(name, family, readMerged, measure.KeyCommits, merged, known, unknown)
		shares(name, family, readApart, measure.KeyChanged, apartC, knownC, unknownC)
		shares(name, family, readMerged, measure.KeyChanged, mergedC, knownC, unknownC)
	}
	out.Of = len(list)
	if leader == people.NoOrganization {
		return out
	}
	own, contracted := &out.Bands[measure.Own], &out.Bands[measure.Contracted]
	four(out.Leader, true, own.Commits, added(own.Commits, contracted.Commits), own.Changed, added(own.Changed, contracted.Changed))
	slices.SortFunc(list, func(x, y *organization) int {
		return cmp.Or(cmp.Compare(y.commits, x.commits), cmp.Compare(x.index, y.index))
	})
	for _, o := range list[:min(len(list), readingsTop)] {
		out.Shown++
		four(b.organization(o.index), false, o.apart, o.merged, o.apartC, o.mergedC)
	}
	return out
}

func added(a, b []uint64) []uint64 {
	out := make([]uint64, len(a))
	for i := range a {
		out[i] = plus(a[i], b[i])
	}
	return out
}

// pointers gives the bounds, and the share of what is known, nil if there is none.
func (s *Share) pointers() (low, high, ofKnown *float64) {
	if s == nil {
		return nil, nil, nil
	}
	return &s.Low, &s.High, s.OfKnown
}

// parts gives the bands of a reading, by period: merged ones count contractors as their client's.
func (r *Readings) parts(reading string) []Band {
	if reading == readApart {
		return r.Bands
	}
	own, contractors := &r.Bands[measure.Own], &r.Bands[measure.Contracted]
	return []Band{{own.Name, true, added(own.Commits, contractors.Commits), added(own.Changed, contractors.Changed)}, r.Bands[measure.Others], r.Bands[measure.NobodyKnown]}
}

// totals give K and U of a period.
func (r *Readings) totals(of func(*Band) []uint64, h int) (known, unknown uint64) {
	for i := range r.Bands {
		if b := &r.Bands[i]; b.Known {
			known = plus(known, of(b)[h])
		} else {
			unknown = plus(unknown, of(b)[h])
		}
	}
	return known, unknown
}

func ofCommits(b *Band) []uint64 { return b.Commits }

func ofChanged(b *Band) []uint64 { return b.Changed }

// share gives the bounds of a band in a period.
func (r *Readings) share(b *Band, of func(*Band) []uint64, h int) *Share {
	known, unknown := r.totals(of, h)
	return bound(of(b)[h], known, unknown, b.Known)
}

var readingTables = []Table{{
	"readings",
	"the ecosystem by half-year, under both readings of contractors: own is the leading organization's (with most commits of all time, contractors with their clients) with its subsidiaries; contractors are theirs, apart or in own; others: all other organizations; shares with bounds",
	[]string{
		"period", "partial", "leader", "contractors", "band", "commits", "commits_share_low", "commits_share_high", "changed", "changed_share_low", "changed_share_high",
	},
	func(m *Model, add func(...any)) {
		r := m.Readings
		if r == nil {
			return
		}
		for h := range r.Periods {
			for _, reading := range []string{readApart, readMerged} {
				for _, b := range r.parts(reading) {
					cells := []any{r.Periods[h].Name, r.Periods[h].Partial, r.Leader, reading, b.Name, b.Commits[h]}
					cells = append(cells, r.share(&b, ofCommits, h).bounds()...)
					cells = append(cells, b.Changed[h])
					add(append(cells, r.share(&b, ofChanged, h).bounds()...)...)
				}
			}
		}
	},
}}

// barCells is the width of the bars of readings.
const barCells = 30

// bar draws the bands of a period as so many cells, each by its own sign; what is there has a cell at least if there is room.
func (r *Readings) bar(h, width int) string {
	signs := [measure.NumStandings]string{"#", "+", "o", "?"}
	known, unknown := r.totals(ofCommits, h)
	total := known + unknown
	if total == 0 {
		return ""
	}
	out, before := "", 0
	done := uint64(0)
	for i := range r.Bands {
		done += r.Bands[i].Commits[h]
		upto := int((done*uint64(width)*2 + total) / (2 * total))
		out += strings.Repeat(signs[i], upto-before)
		before = upto
	}
	return out
}

// Telling gives the half-years that say something of the leader: from the first with a hundredth of the commits of the busiest one, to the last with
// any, and the one in between at which its low bound stood highest with contractors apart. false if there are none.
func (r *Readings) Telling() (first, height, last int, ok bool) {
	totals, most := make([]uint64, len(r.Periods)), uint64(0)
	for h := range r.Periods {
		known, unknown := r.totals(ofCommits, h)
		totals[h] = known + unknown
		most = max(most, totals[h])
	}
	if most == 0 {
		return 0, 0, 0, false
	}
	first = slices.IndexFunc(totals, func(n uint64) bool { return 100*n >= most })
	for last = len(totals) - 1; totals[last] == 0; last-- {
	}
	height = last
	for h := last - 1; h >= first; h-- {
		if x, y := r.share(&r.parts(readApart)[0], ofCommits, h), r.share(&r.parts(readApart)[0], ofCommits, height); x != nil && (y == nil || x.Low > y.Low) {
			height = h
		}
	}
	return first, height, last, true
}

// recedes says in a sentence how both readings of the leader's share went, from where it stood highest to the last half-year; "" where they do not
// differ. That the last is not over yet is said where there is room for it.
func (m *Model) recedes(width int) string {
	r := m.Readings
	if r == nil || len(r.Contractors) == 0 {
		return ""
	}
	_, height, last, ok := r.Telling()
	if !ok {
		return ""
	}
	at := func(reading string, h int) string {
		s := r.share(&r.parts(reading)[0], ofCommits, h)
		if s == nil {
			return "-"
		}
		low, high := 100*s.Low, 100*s.High
		return bounds(&low, &high, 0)
	}
	leader := cut(Printable(r.Leader), 12)
	sentence := func(until string) string {
		if height == last {
			return fmt.Sprintf("%s, highest in %s: %s %%, with suppliers %s %%", leader, until, at(readApart, last), at(readMerged, last))
		}
		return fmt.Sprintf("%s, %s to %s: %s to %s %%, with suppliers %s to %s %%", leader, r.Periods[height].Name, until,
			at(readApart, height), at(readApart, last), at(readMerged, height), at(readMerged, last))
	}
	until := r.Periods[last].Name
	if long := sentence(until + " so far"); r.Periods[last].Partial && cells(long) <= width {
		return long
	}
	return sentence(until)
}

// shownHalves is how many half-years stand in text, the last ones: before, there is often the history of others alone.
const shownHalves = 14

// shown gives the first half-year that stands in text.
func (r *Readings) shown() int { return max(r.first(), len(r.Periods)-shownHalves) }

// first gives the first half-year with work.
func (r *Readings) first() int {
	for h := range r.Periods {
		if known, unknown := r.totals(ofCommits, h); known+unknown > 0 {
			return h
		}
	}
	return 0
}

func (t *text) recedes(m *Model) {
	if sentence := m.recedes(t.width); sentence != "" {
		t.line(sentence)
	}
}

// readings prints both readings by half-year.
func (t *text) readings(m *Model) {
	r := m.Readings
	if r == nil || r.Leader == "" {
		return
	}
	with := ""
	if n := len(r.Subsidiaries); n > 0 {
		with = fmt.Sprintf(" with %s", plural(n, "subsidiary", "subsidiaries"))
	}
	for _, l := range fold(fmt.Sprintf("%% of commits by half-year: # %s%s, + its contractors, o others, ? unknown", cut(Printable(r.Leader), 24), with), t.width) {
		t.line(l)
	}
	t.line(fmt.Sprintf("%-8s%10s  %-*s%14s%14s", "", "commits", barCells, "", "apart", "with them"))
	first := r.shown()
	if n := first - r.first(); n > 0 {
		t.line(fmt.Sprintf("%s in readings.csv", plural(n, "earlier half-year", "earlier half-years")))
	}
	for h, p := range r.Periods[first:] {
		h += first
		known, unknown := r.totals(ofCommits, h)
		apart, merged := r.parts(readApart), r.parts(readMerged)
		t.line(fmt.Sprintf("%-8s%10s  %-*s%14s%14s", p.Name, number(known+unknown), barCells, r.bar(h, barCells),
			share(r.share(&apart[0], ofCommits, h)), share(r.share(&merged[0], ofCommits, h))))
	}
}
