package report

import (
	"slices"
	"strings"
	"testing"

	"orrery/analyzer/measure"
)

// Bands and classes add up to the series' own totals, and the leader's shares are those of its bands.
func TestReadingsAddUp(t *testing.T) {
	m := usual().model(t, Options{})
	r := m.Readings
	if r.Leader == "" || len(r.Contractors) == 0 || len(r.Periods) < 2 {
		t.Fatalf("there is nothing to test: leader %q, contractors %v, %d periods", r.Leader, r.Contractors, len(r.Periods))
	}
	for h, p := range r.Periods {
		at := slices.IndexFunc(m.Series, func(f Figures) bool { return f.Scope.Kind == measure.ScopeEcosystem && f.Period == p })
		f := &m.Series[at]
		for name, bands := range map[string][]Band{"bands": r.Bands, "classes": r.Classes, "merged": r.parts(readMerged)} {
			var commits, changed, known uint64
			for _, b := range bands {
				commits += b.Commits[h]
				changed += b.Changed[h]
				if b.Known {
					known += b.Commits[h]
				}
			}
			if commits != f.Commits.Total || changed != f.Changed.Total || known != f.Commits.Known {
				t.Errorf("%s, %s: %d commits (%d known), %d lines; want %d (%d), %d", p.Name, name, commits, known, changed, f.Commits.Total, f.Commits.Known, f.Changed.Total)
			}
		}
		for _, s := range r.Shares {
			if !s.Family || s.Of != measure.KeyCommits {
				continue
			}
			var own, unknown uint64
			for _, b := range r.Bands {
				switch {
				case b.Name == "own", b.Name == "contractors" && s.Contractors == readMerged:
					own += b.Commits[h]
				case b.Name == "unknown":
					unknown += b.Commits[h]
				}
			}
			if f.Commits.Total == 0 {
				if s.Low[h] != nil || s.High[h] != nil {
					t.Errorf("%s: a share of nothing", p.Name)
				}
			} else if low, high := *ratio(own, f.Commits.Total), *ratio(own+unknown, f.Commits.Total); *s.Low[h] != low || *s.High[h] != high {
				t.Errorf("%s, %s: %v to %v, want %v to %v", p.Name, s.Contractors, *s.Low[h], *s.High[h], low, high)
			}
		}
		if bar := r.bar(h, barCells); f.Commits.Total > 0 && len(bar) != barCells || strings.Count(bar, "?") == 0 && r.Bands[3].Commits[h]*barCells > f.Commits.Total {
			t.Errorf("%s: the bar is %q", p.Name, bar)
		}
	}
}
