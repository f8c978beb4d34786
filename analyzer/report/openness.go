package report

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strconv"

	"orrery/analyzer/measure"
	"orrery/analyzer/openness"
	"orrery/analyzer/people"
)

// Openness tells how those fare who do not belong to the leading organization, beside those who do.
type Openness struct {
	Leader string `json:"leader"`
	// Proposing counts the repositories with a merged proposal, of those read; ByForge those whose proposals a forge tells, so that it is known
	// what was not merged.
	Proposing int `json:"repositories_proposing"`
	ByForge   int `json:"repositories_by_forge"`
	Read      int `json:"repositories_read"`
	Machines  int `json:"merged_by_machines"` // proposals of machine accounts, which are in no row
	// ReturnDays and SeatMonths are how long people are watched for after their first commit, LaterDays how long after it they come back late.
	ReturnDays int           `json:"return_days"`
	LaterDays  int           `json:"later_days"`
	SeatMonths int           `json:"seat_months"`
	Rows       []OpennessRow `json:"rows"`
}

// OpennessRow is what became of the proposals and newcomers of a standing, or of an organization, in a period.
type OpennessRow struct {
	Period   Period `json:"period"`
	Standing string `json:"standing"` // "own" (the leader's), "contractors" (its), "others" or "unknown"
	// Organization is "" for all of the standing.
	Organization string `json:"organization,omitempty"`
	// Merged proposals of the period, the persons whose they were, and their part of all that were merged.
	Merged      int      `json:"merged_proposals"`
	Proposers   int      `json:"proposers"`
	MergedShare *float64 `json:"share_of_merged"`
	// Days from the oldest commit (or, by a forge, the opening) to the merge, of Timed merged ones: the median, and what nine of ten stay within.
	Timed      int      `json:"timed"`
	DaysMedian *float64 `json:"days_median"`
	DaysNine   *float64 `json:"days_nine_of_ten"`
	// Proposals opened in the period, where a forge tells: what became of them, and how many were merged of those decided. nil without any.
	ToldMerged int       `json:"told_merged"`
	ToldClosed int       `json:"told_closed"`
	ToldOpen   int       `json:"told_open"`
	Accepted   *Estimate `json:"accepted"`
	// Newcomers had their first commit in the period; Watched were watched for the whole time to return, and so many came back.
	Newcomers   int       `json:"newcomers"`
	Watched     int       `json:"watched"`
	Returned    int       `json:"returned"`
	Later       int       `json:"later"`
	Return      *Estimate `json:"return"`
	ReturnLater *Estimate `json:"return_later"`
	// Seats of newcomers, after their first commit and before; the share with one after SeatMonths, and the median of months until then.
	Seated         int      `json:"seated"`
	SeatedBefore   int      `json:"seated_before"`
	SeatShare      *float64 `json:"seat_share"`
	SeatMonthsHalf *float64 `json:"seat_months_median"`
}

// Estimate is a share with its 95 % interval, as of a sample: what it would be, if the same went on.
type Estimate struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

func estimate(k, n int) *Estimate {
	low, high, ok := openness.Wilson(k, n)
	if !ok {
		return nil
	}
	return &Estimate{*ratio(uint64(k), uint64(n)), *rounded(low, 1e6), *rounded(high, 1e6)}
}

func (e *Estimate) cells() []any {
	if e == nil {
		return []any{nil, nil, nil}
	}
	return []any{e.Value, e.Low, e.High}
}

// AddOpenness puts how open the ecosystem is into the model.
func (m *Model) AddOpenness(o *openness.Result, leader int, resolution *people.Resolution) {
	b := builder{Resolution: resolution}
	out := &Openness{
		Leader: b.organization(leader), Proposing: o.Repositories, ByForge: o.ByForge, Read: o.All, Machines: o.Machines,
		ReturnDays: openness.ReturnDays, LaterDays: measure.LaterDays, SeatMonths: openness.SeatMonths, Rows: []OpennessRow{},
	}
	all := map[string]int{}
	for i := range o.Rows {
		if r := &o.Rows[i]; r.Organization == people.NoOrganization {
			all[r.Period.Kind+r.Period.Name] += r.Merged
		}
	}
	round := func(x *float64, unit float64) *float64 {
		if x == nil {
			return nil
		}
		return rounded(*x, unit)
	}
	for i := range o.Rows {
		r := &o.Rows[i]
		out.Rows = append(out.Rows, OpennessRow{
			Period: period(r.Period), Standing: r.Standing.String(), Organization: b.organization(r.Organization),
			Merged: r.Merged, Proposers: r.Proposers, MergedShare: ratio(uint64(r.Merged), uint64(all[r.Period.Kind+r.Period.Name])),
			Timed: r.Timed, DaysMedian: round(r.Days, 1e2), DaysNine: round(r.Day9, 1e2),
			ToldMerged: r.ToldMerged, ToldClosed: r.ToldClosed, ToldOpen: r.ToldOpen, Accepted: estimate(r.ToldMerged, r.ToldMerged+r.ToldClosed),
			Newcomers: r.Newcomers, Watched: r.Watched, Returned: r.Returned, Later: r.Later, Return: estimate(r.Returned, r.Watched), ReturnLater: estimate(r.Later, r.Watched),
			Seated: r.Seated, SeatedBefore: r.Before, SeatShare: round(r.SeatShare, 1e6), SeatMonthsHalf: round(r.SeatTime, 1e1),
		})
	}
	m.Openness = out
}

var opennessTables = []Table{{
	"openness",
	"what became of proposals and newcomers by window and year: rows without an organization are all of a standing to the leading organization (own, its contractors, others, unknown). merged_proposals: in the period, as merges or forges tell; days: from the oldest commit, or the opening that a forge tells, to the merge; accepted: merged of those decided, of what was opened in the period, empty where only git is known; return: newcomers of the period who came back on a later day within 365 days, return_later: more than 30 days later, of those watched for so long; seat_share: with a maintainer's seat after 24 months, by the product-limit estimate; low and high: 95 % intervals (Wilson)",
	[]string{
		"period_kind", "period", "partial", "standing", "organization", "merged_proposals", "proposers", "share_of_merged", "timed", "days_median", "days_nine_of_ten",
		"told_merged", "told_closed", "told_open", "accepted", "accepted_low", "accepted_high",
		"newcomers", "watched", "returned", "return", "return_low", "return_high", "later", "return_later", "return_later_low", "return_later_high",
		"seated", "seated_before", "seat_share", "seat_months_median",
	},
	func(m *Model, add func(...any)) {
		if m.Openness == nil {
			return
		}
		for i := range m.Openness.Rows {
			r := &m.Openness.Rows[i]
			cells := []any{
				r.Period.Kind, r.Period.Name, r.Period.Partial, r.Standing, r.Organization, r.Merged, r.Proposers, r.MergedShare, r.Timed, r.DaysMedian, r.DaysNine,
				r.ToldMerged, r.ToldClosed, r.ToldOpen,
			}
			cells = append(append(cells, r.Accepted.cells()...), r.Newcomers, r.Watched, r.Returned)
			cells = append(append(cells, r.Return.cells()...), r.Later)
			cells = append(cells, r.ReturnLater.cells()...)
			add(append(cells, r.Seated, r.SeatedBefore, r.SeatShare, r.SeatMonthsHalf)...)
		}
	},
}}

// WriteOpennessJSON writes how open the ecosystem is, as it stands in result.json.
func WriteOpennessJSON(w io.Writer, m *Model) error {
	return writeJSON(w, struct {
		Ecosystem string    `json:"ecosystem"`
		AsOf      string    `json:"as_of"`
		Openness  *Openness `json:"openness"`
	}{m.Ecosystem, m.AsOf, m.Openness}, "openness")
}

// opennessTop is how many organizations stand in the text.
const opennessTop = 8

// WriteOpenness writes a block for each of some windows: the standings, then the largest organizations.
func WriteOpenness(w io.Writer, m *Model, name string, width int) error {
	o := m.Openness
	if o == nil {
		return errors.New("the result is of before openness was measured: make it again")
	}
	t := text{width: min(max(width, MinWidth), MaxWidth)}
	t.line(fmt.Sprintf("%s: how outsiders fare beside %s, as of %s", Printable(m.Ecosystem), cut(Printable(cmp.Or(o.Leader, "nobody known")), 24), m.AsOf))
	found := false
	for _, p := range m.Windows {
		if p.Kind == measure.KindRange || name != "" && p.Name != name && heading(p) != name {
			continue
		}
		found = true
		t.openness(m, p)
	}
	if !found {
		return fmt.Errorf("the result has no window %q that goes by dates", name)
	}
	notes := fmt.Sprintf("proposals: merged in the period, in %d of %d repositories, by what forges write into merges; days: from the oldest commit to the merge", o.Proposing, o.Read)
	if o.ByForge == 0 {
		notes += "; what was not merged is unknown to git, so the share accepted is"
	} else {
		notes += fmt.Sprintf("; accepted: of what was opened in the period and decided, in %s that a forge tells of", plural(o.ByForge, "repository", "repositories"))
	}
	notes += fmt.Sprintf("; return: on a later day within %d days, of newcomers watched for so long, with its 95 %% interval; seat: a maintainer's, %d months after the first commit, in brackets how many have one by now",
		o.ReturnDays, o.SeatMonths)
	for _, l := range fold(notes, t.width) {
		t.line(l)
	}
	if _, err := io.WriteString(w, t.String()); err != nil {
		return fmt.Errorf("writing openness: %w", err)
	}
	return nil
}

func (t *text) openness(m *Model, p Period) {
	columns := [][]string{{heading(p)}, {"merged"}, {"days"}, {"accepted"}, {"newcomers"}, {"return, %"}, {"seat"}}
	left := 0
	shown := 0
	for i := range m.Openness.Rows {
		r := &m.Openness.Rows[i]
		if r.Period != p {
			continue
		}
		label := r.Standing
		if r.Organization != "" {
			if shown == opennessTop {
				left++
				continue
			}
			shown++
			label = "  " + cut(Printable(r.Organization), 20)
		}
		days, accepted, back, seat := "-", "unknown", "-", "-"
		if r.DaysMedian != nil {
			days = strconv.FormatFloat(*r.DaysMedian, 'f', 1, 64)
		}
		if r.Accepted != nil {
			accepted = percent(&r.Accepted.Value)
		} else if m.Openness.ByForge > 0 {
			accepted = "-"
		}
		if r.Return != nil {
			low, high := 100*r.Return.Low, 100*r.Return.High
			back = fmt.Sprintf("%.0f (%s)", 100*r.Return.Value, bounds(&low, &high, 0))
		}
		if r.SeatShare != nil || r.Seated > 0 {
			seat = fmt.Sprintf("%s (%d)", percent(r.SeatShare), r.Seated)
		}
		for k, cell := range []string{label, number(uint64(r.Merged)), days, accepted, number(uint64(r.Newcomers)), back, seat} {
			columns[k] = append(columns[k], cell)
		}
	}
	t.grid(columns)
	if left > 0 {
		t.line(fmt.Sprintf("  and %s in openness.csv", plural(left, "more organization", "more organizations")))
	}
}
