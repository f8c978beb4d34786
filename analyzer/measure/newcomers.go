package measure

import (
	"math"

	"orrery/analyzer/facts"
	"orrery/analyzer/people"
)

// Newcomer is when a person's counted work in the ecosystem begins, and goes on: commits by author date, without those of machines, bulk imports,
// and those that stand for co-authors.
type Newcomer struct {
	Person int // into the resolution's Persons
	// Organization and Class are what the first commit was for.
	Organization int // people.NoOrganization if Class is an unknown one
	Class        people.Class
	First        int64 // Unix seconds
	// NextDay is the first commit on a later day (UTC), Later the first one more than [LaterDays] days after the first; math.MaxInt64 for none.
	NextDay, Later int64
	// Repository and Commit are those of the first.
	Repository string
	Commit     facts.ID
}

// LaterDays is how long after a first commit another one shows that somebody has come back, rather than still being there.
const LaterDays = 30

// newcomers lists everybody with a dated counted commit, by its date.
func (m *measurement) newcomers() []Newcomer {
	var list []Newcomer
	at := make([]uint32, m.sizes.persons)
	for i := range at {
		at[i] = facts.None
	}
	for _, i := range m.scopes[0].order {
		e := &m.entries[i]
		if e.state != counted || e.credit || e.when == undated {
			continue
		}
		a := &m.actors[e.actor]
		if at[a.person] == facts.None {
			at[a.person] = uint32(len(list))
			n := Newcomer{
				Person: int(a.person), First: e.when, NextDay: math.MaxInt64, Later: math.MaxInt64,
				Repository: m.repositories[e.rank].Repository.Key, Commit: *m.id(e),
			}
			n.Organization, n.Class = m.side(a.bucket)
			list = append(list, n)
			continue
		}
		n := &list[at[a.person]] // entries come by date
		if e.when/day > n.First/day {
			n.NextDay = min(n.NextDay, e.when)
		}
		if e.when > n.First+LaterDays*day {
			n.Later = min(n.Later, e.when)
		}
	}
	return list
}
