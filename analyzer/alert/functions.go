package alert

import (
	"fmt"
	"slices"

	"orrery/analyzer/measure"
	"orrery/analyzer/report"
)

// Function declares one figure that thresholds can be set on. Help and the README take their words from here.
type Function struct {
	Name string
	// Organization says that the first argument names one; Window, that the last may name one: all time where it is left out.
	Organization, Window bool
	Unit                 string
	Text                 string // what it gives, for people

	// value gives false where there is no such figure.
	value func(m *report.Model, f *report.Figures, organization string) (float64, bool)
}

// Usage shows how the function is called.
func (f *Function) Usage() string {
	switch {
	case f.Organization:
		return f.Name + "(ORGANIZATION[, WINDOW])"
	case f.Window:
		return f.Name + "[(WINDOW)]"
	}
	return f.Name
}

// Functions are all, in the order in which help lists them. Not to be changed.
var Functions = []Function{
	ofShare("share_low", "the least share of commits that the organization can have: nothing of the unknown is its", func(s *report.Share) *float64 { return &s.Low }, false),
	ofShare("share_high", "the largest share of commits that it can have: all of the unknown is its", func(s *report.Share) *float64 { return &s.High }, false),
	ofShare("share_known", "its share of the commits that belong to a known organization", func(s *report.Share) *float64 { return s.OfKnown }, false),
	ofShare("merged_share_low", "as share_low, with its contractors as part of it", func(s *report.Share) *float64 { return &s.Low }, true),
	ofShare("merged_share_high", "as share_high, with its contractors as part of it", func(s *report.Share) *float64 { return &s.High }, true),
	ofIndex("elephant_factor", measure.KeyElephantFactor, "how few organizations hold half of the commits, at the least", "apart", low),
	ofIndex("elephant_factor_high", measure.KeyElephantFactor, "the same, at the most", "apart", high),
	ofIndex("elephant_factor_known", measure.KeyElephantFactor, "the same, of what belongs to known organizations", "apart", ofKnown),
	ofIndex("merged_elephant_factor", measure.KeyElephantFactor, "as elephant_factor, with contractors as part of their clients", "merged", low),
	ofIndex("absence_factor", measure.KeyAbsenceFactor, "how few persons hold half of the commits", "", low),
	ofIndex("hhi_low", measure.KeyHHI, "Herfindahl-Hirschman index of commits by organization, at the least", "apart", low),
	ofIndex("hhi_high", measure.KeyHHI, "the same, at the most", "apart", high),
	ofIndex("hhi_known", measure.KeyHHI, "the same, of what belongs to known organizations", "apart", ofKnown),
	{
		"coverage", false, true, "ratio", "the share of commits that belong to a known organization",
		func(_ *report.Model, f *report.Figures, _ string) (float64, bool) { return get(f.Commits.Coverage) },
	},
	count("commits", "commits", "commits, bulk imports among them", func(f *report.Figures) float64 { return float64(f.Commits.Value) }),
	count("contributors", "persons", "contributors, at the least", func(f *report.Figures) float64 { return float64(f.Contributors.Low) }),
	count("contributors_high", "persons", "contributors, at the most", func(f *report.Figures) float64 { return float64(f.Contributors.High) }),
	{
		"growth", false, true, "lines", "lines at the end less lines at the start",
		func(_ *report.Model, f *report.Figures, _ string) (float64, bool) {
			return float64(f.Growth.Value), f.Lines.Undefined == 0
		},
	},
	{
		"repositories", false, false, "repositories", "repositories that were read",
		func(m *report.Model, _ *report.Figures, _ string) (float64, bool) { return float64(m.Read), true },
	},
	{
		"repositories_skipped", false, false, "repositories", "repositories that could not be read",
		func(m *report.Model, _ *report.Figures, _ string) (float64, bool) {
			return float64(m.Named() - m.Read), true
		},
	},
}

func ofShare(name, text string, of func(*report.Share) *float64, merged bool) Function {
	return Function{name, true, true, "ratio", text, func(_ *report.Model, f *report.Figures, organization string) (float64, bool) {
		return get(of(share(f, organization, merged)))
	}}
}

// share gives the share of an organization in commits; one without work has at most what is unknown.
func share(f *report.Figures, organization string, merged bool) *report.Share {
	for i := range f.Organizations {
		r := &f.Organizations[i]
		if r.Outside || r.Name != organization {
			continue
		}
		part := &r.Apart
		if merged && r.Merged != nil {
			part = r.Merged
		}
		if part.CommitsShare != nil && (!merged || r.Client == "") {
			return part.CommitsShare
		}
	}
	nothing := 0.0
	s := &report.Share{OfKnown: &nothing}
	if f.Commits.Total > 0 {
		s.High = float64(f.Commits.Unknown) / float64(f.Commits.Total)
	}
	return s
}

func low(i *report.Index) *float64     { return i.Low }
func high(i *report.Index) *float64    { return i.High }
func ofKnown(i *report.Index) *float64 { return i.OfKnown }

func ofIndex(name, metric, text, contractors string, of func(*report.Index) *float64) Function {
	return Function{name, false, true, measure.MetricByKey(metric).Unit, text, func(_ *report.Model, f *report.Figures, _ string) (float64, bool) {
		i := slices.IndexFunc(f.Indices, func(i report.Index) bool {
			return i.Metric == metric && i.Of == measure.KeyCommits && i.Contractors == contractors && i.Bulk == "without"
		})
		if i < 0 {
			return 0, false
		}
		return get(of(&f.Indices[i]))
	}}
}

func count(name, unit, text string, of func(*report.Figures) float64) Function {
	return Function{name, false, true, unit, text, func(_ *report.Model, f *report.Figures, _ string) (float64, bool) { return of(f), true }}
}

func get(x *float64) (float64, bool) {
	if x == nil {
		return 0, false
	}
	return *x, true
}

// environment is what names stand for. Without a model it is good for types alone.
func environment(m *report.Model) map[string]any {
	env := map[string]any{}
	for i := range Functions {
		f := &Functions[i]
		ask := func(organization, window string) (float64, error) {
			at := slices.IndexFunc(m.Windows, func(p report.Period) bool { return p.Name == window })
			if at < 0 {
				return 0, fmt.Errorf("%s: the result has no window %q", f.Name, window)
			}
			figures := &m.Figures[at]
			if f.Organization && figures.Commits.Total == 0 {
				return 0, fmt.Errorf("%s: there are no commits in %q", f.Name, window)
			}
			x, ok := f.value(m, figures, organization)
			if !ok {
				return 0, fmt.Errorf("%s: there is no such figure in %q", f.Name, window)
			}
			return x, nil
		}
		name := func(window []string) string {
			if len(window) == 0 {
				return measure.AllTime
			}
			return window[0]
		}
		switch {
		case f.Organization:
			env[f.Name] = func(organization string, window ...string) (float64, error) { return ask(organization, name(window)) }
		case f.Window:
			env[f.Name] = func(window ...string) (float64, error) { return ask("", name(window)) }
		default:
			env[f.Name] = func() (float64, error) { return ask("", measure.AllTime) }
		}
	}
	return env
}
