package analyzer

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"orrery/analyzer/control"
	"orrery/analyzer/measure"
	"orrery/analyzer/people"
)

// maxEffects bounds the statements of one cell that are left out to see what would change: each resolves and measures again.
const maxEffects = 4

// without says what a cell would be without each of the weightiest statements and rules that it rests on, or without those that were asked for:
// people are resolved and the cell is measured again, from the same facts.
func (e *Evidence) without(table string, keys map[string]string, column string) (lines []string, err error) {
	value, err := e.value(table, keys, column)
	if err != nil {
		return nil, err
	}
	order, more := e.Statements, 0
	if len(order) == 0 {
		weight, err := e.weights(table, keys, column)
		if err != nil {
			return nil, err
		}
		order = slices.SortedFunc(maps.Keys(weight), func(a, b string) int { return cmp.Or(cmp.Compare(weight[b], weight[a]), strings.Compare(a, b)) })
		if len(order) == 0 {
			return []string{"  it rests on no statement about people, and on no rule that can be switched"}, nil
		}
		more = max(0, len(order)-maxEffects)
		order = order[:len(order)-more]
	}
	for _, what := range order {
		text := ""
		switch would, err := e.valueWithout(what, table, keys, column); {
		case errors.Is(err, people.ErrUnknown):
			text = "there would be no such row"
		case err != nil:
			text = err.Error()
		case slices.Equal(would, value):
			text = "nothing would change"
		default:
			text = "it would be " + figures(would)
		}
		lines = append(lines, fmt.Sprintf("  without %s: %s", what, text))
	}
	if more > 0 {
		lines = append(lines, fmt.Sprintf("  and it rests on %d more", more))
	}
	return lines, nil
}

// corrects says whether a place is that of a statement about bulk imports.
func (e *Evidence) corrects(place string) bool {
	return slices.ContainsFunc(e.input.Bulk, func(c measure.Correction) bool { return placeOf(c) == place })
}

// valueWithout gives the figures of a cell as they would be without a statement or rule.
func (e *Evidence) valueWithout(what, table string, keys map[string]string, column string) ([]float64, error) {
	x := *e
	if e.corrects(what) {
		x.input.Bulk = slices.DeleteFunc(slices.Clone(e.input.Bulk), func(c measure.Correction) bool { return placeOf(c) == what })
	} else {
		other, err := e.Without(what)
		if err != nil {
			return nil, err
		}
		x.Explainer = &people.Explainer{Repositories: e.Repositories, Options: e.Options, Resolution: other, Names: e.Names}
		x.input.Repositories, x.input.Resolution = other.Repositories, other
	}
	x.trace, x.again = nil, nil
	return x.value(table, keys, column)
}

// placeOf gives the file and line of a correction.
func placeOf(c measure.Correction) string {
	return c.Place[:max(0, strings.LastIndexByte(c.Place, ':'))]
}

// value gives the figures of a cell: one, or of all that is known of an organization's control the three of seats, reviews and guarded lines.
func (e *Evidence) value(table string, keys map[string]string, column string) ([]float64, error) {
	if table != governanceTable {
		v, _, err := e.explainCell(table, keys, column)
		return []float64{v}, err
	}
	columns := []string{column}
	if prefix, all := strings.CutSuffix(column, "all"); all {
		columns = []string{prefix + "seats", prefix + "reviews"}
		if e.input.Survival {
			columns = append(columns, prefix+"guarded")
		}
	}
	var out []float64
	for _, c := range columns {
		v, _, err := e.held(keys["organization"], c)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func figures(values []float64) string {
	if len(values) == 1 {
		return plain(values[0])
	}
	parts := make([]string, len(values))
	for i, what := range []string{"seats", "reviews", "guarded"}[:len(values)] {
		parts[i] = fmt.Sprintf("%s %s", what, plain(values[i]))
	}
	return strings.Join(parts, ", ")
}

// weights gives what a cell rests on and can be left out, with how much of the cell goes by it: commits or lines, else people, seats and acts.
func (e *Evidence) weights(table string, keys map[string]string, column string) (map[string]uint64, error) {
	weight := map[string]uint64{}
	add := func(evidence uint32, n uint64) {
		for _, what := range e.Resolution.Evidence[evidence].Removable() {
			weight[what] += n
		}
	}
	joins := func(persons map[int]bool) {
		for _, j := range e.Resolution.Joins {
			if persons[int(e.Resolution.Person[j.From.Repository][j.From.Signature])] {
				add(j.Evidence, 1)
			}
		}
	}
	pieces := func(scope measure.Scope, period string, holds func(p *measure.Piece) bool) error {
		t, err := e.tracer(period)
		if err != nil {
			return err
		}
		list, err := t.Pieces(scope, period)
		for i := range list {
			if p := &list[i]; holds(p) {
				add(p.Evidence, 1+p.Commits)
			}
		}
		return err
	}
	scope := measure.Scope{Kind: cmp.Or(keys["scope_kind"], measure.ScopeEcosystem), Name: keys["scope"]}
	period := cmp.Or(keys["window"], keys["period"], measure.AllTime)
	machines := func(p *measure.Piece) bool { return p.Class.Machine() }
	var err error
	switch {
	case table == governanceTable:
		return weight, e.weighControl(add, keys["organization"], column)
	case table == "census":
		t, err := e.tracer(period)
		if err != nil {
			return nil, err
		}
		list, err := t.Census(period, keys["population"], measure.UnitPersons, true, nil)
		if err != nil {
			return nil, err
		}
		persons := map[int]bool{}
		for _, c := range list {
			persons[c.Person] = true
		}
		joins(persons)
		err = pieces(scope, period, machines)
		return weight, err
	case table == "surviving" || table == "waterfall_parts" && keys["by"] == "organization": // lines of any age
		name := cmp.Or(keys["organization"], keys["name"])
		row, rowErr := e.row(name)
		if rowErr != nil {
			return nil, rowErr
		}
		merged := strings.HasPrefix(column, "merged_")
		err = pieces(scope, measure.AllTime, func(p *measure.Piece) bool { return row(p, merged) })
	case table == "indices":
		err = pieces(scope, period, func(p *measure.Piece) bool { return !p.Class.Machine() })
		if keys["metric"] == measure.KeyAbsenceFactor {
			persons := map[int]bool{}
			for i := range e.Resolution.Persons {
				persons[i] = e.Resolution.Persons[i].Machine == people.Unknown
			}
			joins(persons)
		}
	case table == "openness":
		name := keys["organization"]
		err = pieces(scope, period, func(p *measure.Piece) bool {
			return !p.Class.Machine() && (name == "" || e.called(p.Organization) == name)
		})
	case table == "waterfall_reconciliation":
		err = pieces(scope, period, machines)
	case table == "waterfall" || table == "waterfall_parts" || table == "activity" && grownColumns[column]:
		// What stands and what git counts is nobody's.
	default:
		of, _, _ := strings.Cut(column, "_share_")
		c, cellErr := e.cell(table, keys, of)
		if cellErr != nil {
			return nil, cellErr
		}
		persons := map[int]bool{}
		scope, period = c.scope, c.period
		err = pieces(scope, period, func(p *measure.Piece) bool {
			if c.holds(p) && (c.value == nil || table == "people") {
				persons[p.Person] = true
			}
			return c.holds(p)
		})
		joins(persons)
	}
	if err != nil {
		return nil, err
	}
	for _, c := range e.input.Bulk {
		here := scope.Kind != measure.ScopeRepository || slices.Contains(c.Repositories, scope.Name)
		if here && (table != "activity" || !grownColumns[column]) {
			weight[placeOf(c)] += 1
		}
	}
	return weight, nil
}

// weighControl weighs what seats and acts of an organization are attributed by.
func (e *Evidence) weighControl(add func(evidence uint32, n uint64), organization, column string) error {
	if _, _, err := e.held(organization, "seats"); err != nil { // which measures
		return err
	}
	if known, ok := e.Options.Directory.Known(organization); ok {
		organization = known
	}
	what, merged := strings.CutPrefix(column, "merged_")
	what, _, _ = strings.Cut(what, "_share_")
	consider := func(a people.Attribution, n uint64) {
		if e.isOf(a.Organization, organization, merged) {
			add(a.Evidence, n)
		}
	}
	c := e.again.control
	if what != "reviews" {
		for i := range e.book.Seats {
			if s := &e.book.Seats[i]; s.Holds(c.At) {
				consider(e.Resolution.AttributeMention(s.Mention, control.Moment(c.At)), 1)
			}
		}
	}
	if what == "reviews" || what == "all" {
		w := c.Windows[0]
		for repository, acts := range e.book.Acts {
			for i := range acts {
				switch a := &acts[i]; {
				case !a.When.Valid || a.When.Unix < w.From || a.When.Unix >= w.To:
				case a.Mention >= 0:
					consider(e.Resolution.AttributeMention(int(a.Mention), a.When), 1)
				default:
					consider(e.Resolution.Attribute(repository, a.Signature, a.When), 1)
				}
			}
		}
	}
	return nil
}
