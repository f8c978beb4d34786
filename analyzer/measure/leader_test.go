package measure

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"orrery/analyzer/people"
)

func TestStandings(t *testing.T) {
	const none = people.NoOrganization
	organizations := []people.Organization{
		0: {Name: "Astra", Class: people.Employer, Client: none, Parent: none},
		1: {Name: "Astra Labs", Class: people.Employer, Client: none, Parent: 0},
		2: {Name: "Astra Labs East", Class: people.Academic, Client: none, Parent: 1},
		3: {Name: "Borealis", Class: people.Employer, Client: none, Parent: none},
		4: {Name: "Suppliers of Astra", Class: people.Contractor, Client: 0, Parent: none},
		5: {Name: "Suppliers of Astra Labs", Class: people.Contractor, Client: 1, Parent: none},
		6: {Name: "Suppliers of Borealis", Class: people.Contractor, Client: 3, Parent: none},
		7: {Name: "Suppliers of suppliers", Class: people.Contractor, Client: 4, Parent: none},
		8: {Name: "In a circle", Class: people.Employer, Client: none, Parent: 9},
		9: {Name: "The circle", Class: people.Employer, Client: none, Parent: 8},
	}
	for leader, want := range map[int][]Standing{
		0:    {Own, Own, Own, Others, Contracted, Contracted, Others, Contracted, Others, Others},
		1:    {Others, Own, Own, Others, Others, Contracted, Others, Others, Others, Others},
		3:    {Others, Others, Others, Own, Others, Others, Contracted, Others, Others, Others},
		none: {Others, Others, Others, Others, Others, Others, Others, Others, Others, Others},
	} {
		if diff := cmp.Diff(want, Standings(organizations, leader)); diff != "" {
			t.Errorf("leader %d:\n%s", leader, diff)
		}
	}
}

func TestLeader(t *testing.T) {
	row := func(organization int, apart, merged uint64) Row {
		return Row{Organization: organization, Apart: Part{Sum: Sum{Commits: apart}}, Merged: Part{Sum: Sum{Commits: merged}}}
	}
	r := &Result{Figures: []Figures{{Rows: []Row{row(3, 9, 0), row(1, 5, 14), row(0, 14, 14), row(people.NoOrganization, 99, 99)}}}}
	if got := r.Leader(); got != 0 {
		t.Errorf("of equal ones %d leads, want the first by name", got)
	}
	pieces := []Piece{{Client: 1, Sum: Sum{Commits: 9}}, {Client: 0, Sum: Sum{Commits: 8}}, {Client: 0, Bulk: true, Sum: Sum{Commits: 5}}, {Client: people.NoOrganization, Sum: Sum{Commits: 50}}}
	if got := LeaderOf(pieces); got != 1 {
		t.Errorf("organization %d leads, want 1", got)
	}
	if got := new(Result).Leader(); got != people.NoOrganization {
		t.Errorf("organization %d leads nothing", got)
	}
}
