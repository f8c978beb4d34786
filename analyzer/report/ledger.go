package report

import (
	"cmp"
	"math"
	"slices"
	"time"

	"orrery/analyzer/facts/spill"
	"orrery/analyzer/measure"
	"orrery/analyzer/people"
)

// Ledger says who did what where, when and for whom: T in pieces. Rows point into the lists.
type Ledger struct {
	Repositories []string `json:"repositories"`
	// Slices are calendar months, cut where a window begins or ends; the first, without dates, holds what has no valid one.
	Slices []Slice `json:"slices"`
	// People are pseudonyms, ascending.
	People []string `json:"people"`
	// Parties are the organizations, ascending, then the unknown classes.
	Parties []Party `json:"parties"`
	// Rows are ascending.
	Rows []LedgerRow `json:"rows"`
}

// LedgerRow is: repository, slice, person, party (all four indices of the lists of a [Ledger]), commits, lines added, lines removed.
type LedgerRow [7]uint64

// Slice is a piece of time: [From, To) in RFC 3339, UTC.
type Slice struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Party is whom work is for: an organization, or an unknown class, whose name is in parentheses.
type Party struct {
	Name  string `json:"name"`
	Class string `json:"class"`
	// Client takes the party's work in the merged reading.
	Client string `json:"client,omitempty"`
	Known  bool   `json:"known"`
}

func (b *builder) ledger(from *measure.Ledger) *Ledger {
	l := &Ledger{Repositories: []string{}, Slices: []Slice{{}}, People: []string{}, Parties: []Party{}, Rows: []LedgerRow{}}
	if len(from.Slices) > 0 {
		for _, s := range from.Slices[1:] {
			l.Slices = append(l.Slices, Slice{time.Unix(s.From, 0).UTC().Format(time.RFC3339), time.Unix(s.To, 0).UTC().Format(time.RFC3339)})
		}
	}
	type side struct {
		organization int
		class        people.Class
	}
	// Persons are in order of their addresses, which nobody is to know.
	persons, parties := map[int]uint64{}, map[side]uint64{}
	for i := range from.Entries {
		e := &from.Entries[i]
		persons[e.Person], parties[side{e.Organization, e.Class}] = 0, 0
	}
	byPseudonym := make([]int, 0, len(persons))
	for i := range persons {
		byPseudonym = append(byPseudonym, i)
	}
	slices.SortFunc(byPseudonym, func(i, j int) int { return cmp.Compare(b.Persons[i].Pseudonym, b.Persons[j].Pseudonym) })
	for at, i := range byPseudonym {
		persons[i] = uint64(at)
		l.People = append(l.People, b.Persons[i].Pseudonym)
	}
	sides := make([]side, 0, len(parties))
	for s := range parties {
		sides = append(sides, s)
	}
	slices.SortFunc(sides, func(x, y side) int {
		// Organizations are in order of their names; NoOrganization comes last.
		return cmp.Or(cmp.Compare(uint(x.organization), uint(y.organization)), cmp.Compare(x.class, y.class))
	})
	for at, s := range sides {
		parties[s] = uint64(at)
		party := Party{Name: "(" + s.class.String() + ")", Class: s.class.String()}
		if s.organization != people.NoOrganization {
			party = Party{Name: b.organization(s.organization), Class: s.class.String(), Client: b.client(s.organization), Known: true}
		}
		l.Parties = append(l.Parties, party)
	}
	list := spill.NewList[LedgerRow](b.Spill, len(from.Entries))
	var rows []LedgerRow // of a repository: entries are by repository
	for at := range from.Entries {
		e := &from.Entries[at]
		if len(rows) == 0 {
			l.Repositories = append(l.Repositories, e.Repository)
		}
		rows = append(rows, LedgerRow{
			uint64(len(l.Repositories) - 1), uint64(e.Slice), persons[e.Person], parties[side{e.Organization, e.Class}], e.Commits, e.Added, e.Removed,
		})
		if at+1 == len(from.Entries) || from.Entries[at+1].Repository != e.Repository {
			slices.SortFunc(rows, func(x, y LedgerRow) int { return slices.Compare(x[:], y[:]) })
			list.Set(at+1-len(rows), rows)
			rows = rows[:0]
		}
	}
	l.Rows = list.Rows()
	return l
}

// client names the organization that the work of a contractor is merged into, "" for all others.
func (b *builder) client(i int) string {
	at := i
	for range b.Organizations {
		if b.Organizations[at].Class != people.Contractor || b.Organizations[at].Client == people.NoOrganization {
			break
		}
		at = b.Organizations[at].Client
	}
	if at == i {
		return ""
	}
	return b.Organizations[at].Name
}

// within says whether a slice lies in a window: all of the slices of a result do, or none of their moments.
func (s Slice) within(p Period) bool {
	switch {
	case p.From == "" && p.To == "":
		return p.Kind != measure.KindRange
	case s.From == "":
		return false
	}
	// RFC 3339 in UTC orders as text.
	return s.From >= p.From && s.To <= p.To
}

// Sums of what anybody may have written overflow.
func plus(a, b uint64) uint64 {
	if a > math.MaxUint64-b {
		return math.MaxUint64
	}
	return a + b
}
