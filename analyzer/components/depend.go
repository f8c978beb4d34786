package components

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"orrery/analyzer/measure"
	"orrery/analyzer/report"
)

// Dependence is on whom a list of components depends.
//
// Each component counts one. What an organization has of it is its share of the commits of a window, or of the lines that stand, in the
// component's repository; what cannot be joined belongs to nobody known, so it is in every upper bound. Contractors count for their client.
type Dependence struct {
	Ecosystem  string `json:"ecosystem"`
	AsOf       string `json:"as_of"`
	Window     string `json:"window"`
	Form       string `json:"form"` // of the list
	Components int    `json:"components"`
	Joined     int    `json:"joined"`
	// Dormant are joined components in whose repositories nobody has a commit in the window: nobody's in shares of commits.
	Dormant int `json:"dormant"`
	// Empty are joined components without lines by anybody but imports and machines: nobody's in shares of lines.
	Empty         int      `json:"without_lines"`
	Organizations []Holder `json:"organizations"`
	// Countries are by the seat of organizations, Parents by that of whoever owned them on the as-of day.
	Countries []Holder `json:"countries"`
	Parents   []Holder `json:"countries_of_parents"`
	List      []Joined `json:"list"`
}

// Holder is an organization, or a country.
type Holder struct {
	Name    string       `json:"name"`
	Commits report.Share `json:"commits"`
	Lines   report.Share `json:"lines"`
	// Most is in how many components more than half of the commits are its: at least, and at most.
	Most [2]int `json:"more_than_half"`
}

// Joined is a component with its repository, or why it has none.
type Joined struct {
	Component
	Repository string `json:"repository,omitempty"`
	Rule       string `json:"rule,omitempty"`
	Why        string `json:"why,omitempty"` // it is not joined
}

// ErrWindow is wrapped by the error of a window that the result does not have.
var ErrWindow = errors.New("no such window")

// part is what holders have of one component.
type part struct {
	of      map[string]float64 // by holder, of the known
	unknown float64
	nobodys bool // there is nothing to have
}

// Depend joins components to the repositories of a result.
func Depend(m *report.Model, list []Component, form, window string) (*Dependence, error) {
	window = cmp.Or(window, measure.LastTwelveMonths)
	out := &Dependence{Ecosystem: m.Ecosystem, AsOf: m.AsOf, Window: window, Form: form, Components: len(list), List: []Joined{}}
	figures := map[string]*report.Figures{}
	for i := range m.Figures {
		if f := &m.Figures[i]; f.Scope.Kind == measure.ScopeRepository && f.Period.Name == window {
			figures[f.Scope.Name] = f
		}
	}
	if !slices.ContainsFunc(m.Windows, func(p report.Period) bool { return p.Name == window }) {
		var names []string
		for _, p := range m.Windows {
			names = append(names, p.Name)
		}
		return nil, fmt.Errorf("%w %q; there are %s", ErrWindow, window, strings.Join(names, ", "))
	}
	x := newIndex(m)
	var joined []amount
	byRepository := map[string]int{}
	for i := range list {
		one := Joined{Component: list[i]}
		at, rule, why := x.join(&list[i])
		if at >= 0 {
			switch r := &m.Repositories[at]; {
			case r.Problem != "":
				why = "its repository " + r.Key + " was not read: " + cmp.Or(r.Reason, "unreadable")
			case figures[r.Key] == nil:
				why = "its repository " + r.Key + " has no figures"
			default:
				one.Repository, one.Rule = r.Key, rule
				k, met := byRepository[r.Key]
				if !met {
					k = len(joined)
					byRepository[r.Key] = k
					joined = append(joined, amount{parts: parts(figures[r.Key])})
				}
				joined[k].n++
				out.Joined++
				if joined[k].parts[0].nobodys {
					out.Dormant++
				}
				if joined[k].parts[1].nobodys {
					out.Empty++
				}
			}
		}
		one.Why = why
		out.List = append(out.List, one)
	}
	seat, owner := map[string]string{}, map[string]string{}
	parent := map[string]string{}
	for i := range m.Organizations {
		o := &m.Organizations[i]
		seat[o.Name], parent[o.Name] = o.Country, o.Parent
	}
	for name := range seat {
		top := name
		for hops := 0; parent[top] != "" && hops < 16; hops++ {
			top = parent[top]
		}
		owner[name] = seat[top]
	}
	country := func(of map[string]string) func(string) string { return func(name string) string { return of[name] } }
	out.Organizations = holders(out.Components, joined, func(name string) string { return name })
	out.Countries = holders(out.Components, joined, country(seat))
	out.Parents = holders(out.Components, joined, country(owner))
	return out, nil
}

// amount is what organizations have of a repository that n components come from: of commits, and of lines.
type amount struct {
	parts [2]part
	n     int
}

// parts gives what organizations have of a repository. Whose organization is not known is no holder.
func parts(f *report.Figures) (all [2]part) {
	start := func(total, unknown uint64) part {
		p := part{of: map[string]float64{}, nobodys: total == 0}
		if total > 0 {
			p.unknown = float64(unknown) / float64(total)
		}
		return p
	}
	commits, lines := start(f.Commits.Total, f.Commits.Unknown), start(0, 0)
	for i := range f.Organizations {
		r := &f.Organizations[i]
		if p := r.Reading(); p != nil && p.CommitsShare != nil && !strings.HasPrefix(r.Name, "(") {
			commits.of[r.Name] += p.CommitsShare.Low
		}
	}
	if s := f.Surviving; s != nil {
		lines = start(s.Lines.Total, s.Lines.Unknown)
		for i := range s.Organizations {
			r := &s.Organizations[i]
			if p := r.Reading(); p != nil && p.LinesShare != nil && !strings.HasPrefix(r.Name, "(") {
				lines.of[r.Name] += p.LinesShare.Low
			}
		}
	}
	return [2]part{commits, lines}
}

// holders sums up over components, by a name for each organization; "" for one that has none, which is unknown then.
func holders(components int, joined []amount, name func(organization string) string) []Holder {
	list := []Holder{}
	folded := make([][2]part, len(joined))
	missing, names := components, map[string]bool{}
	for i := range joined {
		missing -= joined[i].n
		for k := range folded[i] {
			from := &joined[i].parts[k]
			to := part{of: map[string]float64{}, unknown: from.unknown}
			for _, organization := range slices.Sorted(maps.Keys(from.of)) { // sums of floats have an order
				if n := name(organization); n != "" {
					to.of[n] += from.of[organization]
					names[n] = true
				} else {
					to.unknown += from.of[organization]
				}
			}
			folded[i][k] = to
		}
	}
	for _, n := range slices.Sorted(maps.Keys(names)) {
		h := Holder{Name: n, Most: [2]int{0, missing}}
		for k, to := range [2]*report.Share{&h.Commits, &h.Lines} {
			low, high := 0.0, float64(missing)
			for i := range folded {
				p, times := &folded[i][k], joined[i].n
				low += float64(times) * p.of[n]
				high += float64(times) * (p.of[n] + p.unknown)
				if k == 0 && p.of[n] > 0.5 {
					h.Most[0] += times
				}
				if k == 0 && p.of[n]+p.unknown > 0.5 {
					h.Most[1] += times
				}
			}
			*to = report.Share{Low: round(low / float64(components)), High: round(high / float64(components))}
		}
		list = append(list, h)
	}
	slices.SortStableFunc(list, func(a, b Holder) int {
		return cmp.Or(cmp.Compare(b.Commits.Low, a.Commits.Low), cmp.Compare(b.Lines.Low, a.Lines.Low))
	})
	return list
}

// round leaves six digits: beyond these nothing is known.
func round(x float64) float64 { return math.Round(x*1e6) / 1e6 }
