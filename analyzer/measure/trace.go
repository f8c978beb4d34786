package measure

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"orrery/analyzer/people"
)

// Piece is work in a scope and period that counts for the same person and row, for the same reason.
type Piece struct {
	// Organization and Class are those of the row, as in [Row]; Client is the organization that the merged reading counts it for.
	Organization, Client int
	Class                people.Class
	Person               int    // into the resolution's Persons
	Evidence             uint32 // into the resolution's Evidence
	Bulk                 bool   // a bulk import, which stands beside the row
	CoAuthor             bool   // counts for a co-author
	Sum
}

// Trace gives what the rows of a scope and period are sums of: windows, ranges, and calendar periods as 2024, 2024-H2, 2024-Q3 or 2024-07. Every counted
// commit, bulk import and commit of a machine is in one piece; merges and duplicates are in none. In order of commits, the most first.
func Trace(in Input, of Scope, period string) ([]Piece, error) {
	in.Survival = false
	m, err := newMeasurement(in)
	if err != nil {
		return nil, err
	}
	if err := m.mine(); err != nil {
		return nil, err
	}
	m.makeScopes()
	i := slices.IndexFunc(m.scopes, func(s scope) bool { return s.Scope == of })
	if i < 0 {
		return nil, fmt.Errorf("there is no %s %q", of.Kind, of.Name)
	}
	s := &m.scopes[i]
	periods := slices.Clone(m.result.Windows)
	for _, kind := range calendar {
		periods = append(periods, series(kind, min(s.first, m.last), m.last, in.AsOf)...)
	}
	at := slices.IndexFunc(periods, func(p Period) bool { return p.Name == period })
	if at < 0 {
		var names []string
		for _, p := range m.result.Windows {
			names = append(names, strconv.Quote(p.Name))
		}
		return nil, fmt.Errorf("there is no window or period %q; there are %s, years, half-years, quarters and months", period, strings.Join(names, ", "))
	}
	type key struct {
		actor, evidence uint32
		state           state
		credit          bool
	}
	pieces := map[key]*Piece{}
	for _, n := range s.dated(m, periods[at]) {
		e := &m.entries[n]
		r := &m.repositories[e.rank]
		if e.state == merge || e.state == duplicate || !r.holds(periods[at], e.row, e.when) {
			continue
		}
		c := &r.Commits[e.row]
		signature := c.Author
		if e.credit {
			signature = r.credited[n-r.credits.Lo]
		}
		k := key{e.actor, in.Resolution.Attribute(r.position, signature, c.Authored).Evidence, e.state, e.credit}
		p := pieces[k]
		if p == nil {
			a := &m.actors[e.actor]
			p = &Piece{Person: int(a.person), Evidence: k.evidence, Bulk: e.state == bulk, CoAuthor: e.credit, Client: people.NoOrganization}
			if machine := int(a.bucket) - m.sizes.organizations - len(unknownClasses); machine >= 0 {
				p.Organization, p.Class = people.NoOrganization, people.Bot+people.Class(machine)
			} else {
				p.Organization, p.Class = m.side(a.bucket)
			}
			if int(a.merged) < m.sizes.organizations {
				p.Client = int(a.merged)
			}
			pieces[k] = p
		}
		p.Sum = p.Plus(e.sum())
	}
	return sorted(pieces), nil
}

func sorted[K comparable](pieces map[K]*Piece) []Piece {
	out := make([]Piece, 0, len(pieces))
	for _, p := range slices.SortedFunc(maps.Values(pieces), func(a, b *Piece) int {
		return cmp.Or(cmp.Compare(b.Commits, a.Commits), cmp.Compare(a.Organization, b.Organization), cmp.Compare(a.Class, b.Class),
			cmp.Compare(a.Evidence, b.Evidence), cmp.Compare(a.Person, b.Person), cmp.Compare(b.Changed(), a.Changed()))
	}) {
		out = append(out, *p)
	}
	return out
}
