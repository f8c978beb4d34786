package report

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"orrery/analyzer/measure"
	"orrery/graph"
)

// stored writes a result and reads it back, as whoever draws it does.
func stored(t *testing.T) (*Model, func(string) (io.ReadCloser, error)) {
	t.Helper()
	m := usual().model(t, Options{})
	var result bytes.Buffer
	if err := WriteJSON(&result, m); err != nil {
		t.Fatal(err)
	}
	tables := map[string][]byte{}
	for i := range Tables {
		var b bytes.Buffer
		if err := Tables[i].Write(&b, m); err != nil {
			t.Fatal(err)
		}
		tables[Tables[i].Name] = b.Bytes()
	}
	back, err := ReadJSON(&result)
	if err != nil {
		t.Fatal(err)
	}
	return back, func(name string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(tables[name])), nil }
}

// noTable is a result of before there were tables of networks.
func noTable(string) (io.ReadCloser, error) { return nil, nil }

// Networks hold what the figures say.
func TestProjections(t *testing.T) {
	m, tables := stored(t)
	for i, w := range m.Windows {
		f := &m.Figures[i]
		for _, name := range Projections {
			g, groups, err := m.Projection(name, w.Name, tables)
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
				if before, _, err := m.Projection(name, w.Name, noTable); err != nil || before.Total(0, graph.Between(graph.Person, graph.Repository)) != float64(f.Commits.Total) {
					t.Errorf("%s: without a table people have other commits, or %v", w.Name, err)
				}
			case "person-organization":
				column, ok := g.Column(measure.KeySurviving)
				if f.Surviving != nil && (!ok || g.Total(column, graph.Between(graph.Organization, graph.Person)) != float64(f.Surviving.Lines.Known)) {
					t.Errorf("%s: people hold %v surviving lines of organizations, want %d", w.Name, g.Total(column, graph.Between(graph.Organization, graph.Person)), f.Surviving.Lines.Known)
				}
			case "people":
				shared, _ := g.Column(graph.SharedColumn)
				g, _ = Weighed(g, groups, shared)
				for j := range m.Network.Periods {
					if p := &m.Network.Periods[j]; p.Period.Name == w.Name && p.People.Edges != g.NumEdges() {
						t.Errorf("%s: %d pairs of people, want %d", w.Name, g.NumEdges(), p.People.Edges)
					}
				}
			}
		}
	}
	if _, _, err := m.Projection("people", m.Windows[0].Name, noTable); !errors.Is(err, ErrNoNetwork) {
		t.Errorf("without a table: %v", err)
	}
	for _, broken := range []string{"window,person\n", "a,b,c,d,e,f,g\nall time,p-1,p-2,x,1,1,1\n", "a,b,c,d,e,f,g\nall time,p-1,p-1,1,1,1,1\n", "\""} {
		if _, _, err := m.Projection("people", m.Windows[0].Name, func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(broken)), nil }); err == nil {
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
