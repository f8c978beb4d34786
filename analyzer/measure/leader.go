package measure

import (
	"orrery/analyzer/people"
)

// Standing is how somebody's work stands to the leading organization, that with most commits of all time where contractors count for their
// clients. Each commit of T has exactly one.
type Standing uint8

// The standings.
const (
	Own         Standing = iota // for the leading organization, or a subsidiary of it
	Contracted                  // for a contractor of these
	Others                      // for another organization
	NobodyKnown                 // for nobody known
	// NumStandings is how many there are.
	NumStandings = iota
)

// String gives the standing as tables print it.
func (s Standing) String() string {
	return [...]string{"own", "contractors", "others", "unknown"}[s]
}

// Leader gives the leading organization of the ecosystem, people.NoOrganization where no commit is of a known one.
func (r *Result) Leader() int {
	if len(r.Figures) == 0 {
		return people.NoOrganization
	}
	commits := map[int]uint64{}
	for i := range r.Figures[0].Rows {
		if row := &r.Figures[0].Rows[i]; row.Organization != people.NoOrganization {
			commits[row.Organization] = row.Merged.Commits
		}
	}
	return largest(commits)
}

// LeaderOf is [Result.Leader] of the pieces of the ecosystem's all time.
func LeaderOf(pieces []Piece) int {
	commits := map[int]uint64{}
	for i := range pieces {
		if p := &pieces[i]; p.Client != people.NoOrganization && !p.Bulk {
			commits[p.Client] += p.Commits
		}
	}
	return largest(commits)
}

// largest gives the organization with most commits, of equal ones the first by name.
func largest(commits map[int]uint64) int {
	best := people.NoOrganization
	for i, n := range commits { // one is the best in any order
		if n > 0 && (best == people.NoOrganization || n > commits[best] || n == commits[best] && i < best) {
			best = i
		}
	}
	return best
}

// Standings gives for every organization how it stands to a leading one.
func Standings(organizations []people.Organization, leader int) []Standing {
	below := func(i int) bool {
		for range organizations { // parents in a circle end nowhere
			if i == leader || i == people.NoOrganization {
				break
			}
			i = organizations[i].Parent
		}
		return i == leader && i != people.NoOrganization
	}
	list := make([]Standing, len(organizations))
	to, err := clients(organizations)
	for i := range organizations {
		list[i] = Others
		switch {
		case below(i):
			list[i] = Own
		case err == nil && int(to[i]) != i && below(int(to[i])):
			list[i] = Contracted
		}
	}
	return list
}
