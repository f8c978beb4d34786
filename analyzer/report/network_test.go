package report

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"orrery/analyzer/measure"
	"orrery/graph"
)

// stored writes a result and reads it back, as whoever draws it does.
func stored(t *testing.T) (*Model, []byte) {
	t.Helper()
	m := usual().model(t, Options{})
	var result, pairs bytes.Buffer
	if err := WriteJSON(&result, m); err != nil {
		t.Fatal(err)
	}
	for i := range Tables {
		if Tables[i].Name == CollaborationTable {
			if err := Tables[i].Write(&pairs, m); err != nil {
				t.Fatal(err)
			}
		}
	}
	back, err := ReadJSON(&result)
	if err != nil {
		t.Fatal(err)
	}
	return back, pairs.Bytes()
}

// Networks hold what the figures say.
func TestProjections(t *testing.T) {
	m, pairs := stored(t)
	for i, w := range m.Windows {
		f := &m.Figures[i]
		for _, name := range Projections {
			g, groups, err := m.Projection(name, w.Name, bytes.NewReader(pairs))
			if w.Kind == measure.KindRange && name != "organization-repository" && name != "organizations" {
				if !errors.Is(err, ErrNoNetwork) {
					t.Errorf("%s of the range %s: %v", name, w.Name, err)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if groups != nil && len(groups) != g.NumNodes() {
				t.Errorf("%s of %s: %d groups of %d nodes", name, w.Name, len(groups), g.NumNodes())
			}
			if !strings.HasPrefix(m.Headline(name, g, groups, 0), m.Ecosystem) {
				t.Errorf("headline %q", m.Headline(name, g, groups, 0))
			}
			switch name {
			case "organization-repository":
				if got := g.Total(0, graph.Between(graph.Organization, graph.Repository)); got != float64(f.Commits.Known) {
					t.Errorf("%s: organizations have %v commits, want %d", w.Name, got, f.Commits.Known)
				}
				column, ok := g.Column(measure.KeySurviving)
				if f.Surviving != nil && (!ok || g.Total(column, graph.Between(graph.Organization, graph.Repository)) != float64(f.Surviving.Lines.Known)) {
					t.Errorf("%s: surviving lines are not %d", w.Name, f.Surviving.Lines.Known)
				}
			case "person-repository":
				if got := g.Total(0, graph.Between(graph.Person, graph.Repository)); got != float64(f.Commits.Total) {
					t.Errorf("%s: people have %v commits, want %d", w.Name, got, f.Commits.Total)
				}
			case "people":
				for j := range m.Network.Periods {
					if p := &m.Network.Periods[j]; p.Period.Name == w.Name && p.People.Edges != g.NumEdges() {
						t.Errorf("%s: %d pairs of people, want %d", w.Name, g.NumEdges(), p.People.Edges)
					}
				}
			}
		}
	}
	if _, _, err := m.Projection("people", m.Windows[0].Name, nil); !errors.Is(err, ErrNoNetwork) {
		t.Errorf("without a table: %v", err)
	}
	for _, broken := range []string{"window,person\n", "a,b,c,d,e,f,g\nall time,p-1,p-2,x,1,1,1\n", "a,b,c,d,e,f,g\nall time,p-1,p-1,1,1,1,1\n", "\""} {
		if _, _, err := m.Projection("people", m.Windows[0].Name, strings.NewReader(broken)); err == nil {
			t.Errorf("the table %q was read", broken)
		}
	}
}

// In the sample everybody changed the same file, so that the network is whole: what is known then is compared.
func TestNetwork(t *testing.T) {
	m := usual().model(t, Options{})
	all := &m.Network.Periods[0]
	if all.Period.Name != measure.AllTime || all.People.Nodes != 7 || all.People.Edges != 7*6/2 || all.Organizations.Nodes != len(all.Central) {
		t.Fatalf("%+v", all)
	}
	quarters := 0
	for i := range m.Network.Periods {
		p := &m.Network.Periods[i]
		if p.Period.Kind == measure.KindQuarter {
			quarters++
		}
		people := 0
		for j := range p.Central {
			c := &p.Central[j]
			if c.Degree > p.Organizations.Nodes-1 || c.Commits == 0 {
				t.Errorf("%s in %s: %+v", c.Organization, p.Period.Name, c)
			}
			people += c.People
			if c.Group == nil {
				continue
			}
			if p.People.Edges == p.People.Nodes*(p.People.Nodes-1)/2 && p.People.Nodes > c.People && (c.Group.Degree != 1 || c.Group.RandomDegree != 1 || c.Group.Betweenness != 0) {
				t.Errorf("%s in the complete network of %s: %+v", c.Organization, p.Period.Name, c.Group)
			}
		}
		if people > p.People.Nodes {
			t.Errorf("%s: %d people of %d", p.Period.Name, people, p.People.Nodes)
		}
	}
	if quarters == 0 {
		t.Error("there are no quarters")
	}
}
