package analyzer

import (
	"cmp"
	"math"
	"slices"
	"time"

	"orrery/analyzer/measure"
	"orrery/analyzer/report"
	"orrery/analyzer/source"
)

// windows are those of the ecosystem file, then those that were asked for; the first of a name counts.
func windows(e *source.Ecosystem, more []measure.Window) (all []measure.Window) {
	for _, w := range e.Windows {
		all = append(all, measure.Window(w))
	}
	for _, w := range more {
		if !slices.ContainsFunc(all, func(o measure.Window) bool { return o.Name == w.Name }) {
			all = append(all, w)
		}
	}
	return all
}

func spells(r *source.Repository) (out []measure.Spell) {
	for _, s := range r.Spells {
		out = append(out, measure.Spell{From: s.From, To: s.To})
	}
	return out
}

// membership tells who belonged when, of what was read and of what was not.
func membership(e *source.Ecosystem, read []reading) *report.Membership {
	m := &report.Membership{Rolls: []report.Roll{}, Members: []report.Member{}}
	rfc := func(t int64) string { return time.Unix(t, 0).UTC().Format(time.RFC3339) }
	for _, r := range e.Rolls {
		m.Rolls = append(m.Rolls, report.Roll{Source: r.Source, Commit: r.Head, From: rfc(r.From), Unread: r.Unread})
	}
	add := func(r *source.Repository, wasRead bool) {
		one := report.Member{
			Repository: r.Key, Class: r.Class, Subsystem: r.Subsystem, Former: r.Former, Read: wasRead, Formerly: r.Formerly, Stays: []report.Stay{},
		}
		for _, s := range r.Spells {
			stay := report.Stay{Joined: rfc(s.From), JoinedBy: s.Joined}
			if s.To != math.MaxInt64 {
				stay.Left, stay.LeftBy = rfc(s.To), s.Left
			}
			one.Stays = append(one.Stays, stay)
		}
		m.Members = append(m.Members, one)
	}
	for i := range e.Repositories {
		add(&e.Repositories[i], read[i].err == nil)
	}
	for i := range e.Left {
		add(&e.Left[i], false)
	}
	slices.SortStableFunc(m.Members, func(a, b report.Member) int { return cmp.Compare(a.Repository, b.Repository) })
	return m
}
