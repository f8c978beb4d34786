package report

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"orrery/analyzer/measure"
	"orrery/graph"
)

// Projections are the networks that a stored result can give, the first by default.
var Projections = []string{"organization-repository", "organizations", "people", "person-repository", "contributions"}

// CollaborationTable is the name of the table that the network of people is read from.
const CollaborationTable = "collaboration"

// ErrNoNetwork says that a result does not hold what a network is made of: a window that it does not have, or one that goes by ranges, or tables
// of before there was any.
var ErrNoNetwork = errors.New("the result does not hold that network")

// Projection builds a network of a result that was read back:
//
//	organization-repository  commits, changed lines and surviving lines of organizations in repositories
//	organizations            those that work in the same repositories: see [graph.Project]
//	people                   those who changed the same files: see collaboration.csv, which pairs reads; nil without any
//	person-repository        commits and changed lines of people
//	contributions            people, organizations and repositories, as in graph.dot
//
// People stand under their pseudonyms. groups names for each node whom it mostly works for, or is nil where the edges tell.
func (m *Model) Projection(name, window string, pairs io.Reader) (g *graph.Graph, groups []string, err error) {
	i := slices.IndexFunc(m.Windows, func(p Period) bool { return p.Name == window })
	if i < 0 {
		return nil, nil, fmt.Errorf("window %q: %w", window, ErrNoNetwork)
	}
	p := m.Windows[i]
	if name != "organization-repository" && name != "organizations" && (m.Ledger == nil || p.Kind == measure.KindRange) {
		return nil, nil, fmt.Errorf("people of %q: %w", window, ErrNoNetwork)
	}
	switch name {
	case "organization-repository", "organizations":
		g, err = m.organizationsByRepository(p)
		if err == nil && name == "organizations" {
			g, _, err = graph.Project(g, graph.Organization, graph.Repository, 0)
		}
	case "people":
		if pairs == nil {
			return nil, nil, fmt.Errorf("there is no table %s: %w", CollaborationTable, ErrNoNetwork)
		}
		if g, err = readPairs(pairs, window); err == nil {
			groups = m.homes(g, p)
		}
	case "person-repository":
		if g, err = m.contributions(p); err == nil {
			g = g.Select(graph.Between(graph.Person, graph.Repository))
			groups = m.homes(g, p)
		}
	default:
		g, err = m.contributions(p)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("building the network %s of %q: %w", name, window, err)
	}
	return g, groups, nil
}

// personNode makes that of a person, under an id that stays as long as the pseudonym does, whoever else joins.
func personNode(pseudonym, label string) graph.Node {
	return graph.Node{Kind: graph.Person, Key: pseudonym, ID: "p_" + strings.TrimPrefix(pseudonym, "p-"), Label: label}
}

// node makes that of an organization or repository.
func (m *Model) node(kind graph.Kind, name string) graph.Node {
	n := graph.Node{Kind: kind, Key: name, Label: name}
	if kind == graph.Organization {
		for i := range m.Organizations {
			if o := &m.Organizations[i]; o.Name == name {
				n.Class, n.Country = o.Class, o.Country
			}
		}
		return n
	}
	for i := range m.Repositories {
		if r := &m.Repositories[i]; r.Key == name {
			n.Class = r.Class
		}
	}
	return n
}

func (m *Model) organizationsByRepository(p Period) (*graph.Graph, error) {
	columns := slices.Clone(Columns)
	if m.Strata != nil {
		columns = append(columns, graph.Column{Name: measure.KeySurviving, Unit: "surviving lines"})
	}
	reviews := map[[2]string]uint64{} // by repository and organization
	if m.Control != nil && m.Control.Where != nil {
		columns = append(columns, graph.Column{Name: measure.KeyReviews, Unit: "reviews"})
		for _, r := range m.Control.Where {
			if r.Window == p.Name {
				reviews[[2]string{r.Repository, r.Organization}] += uint64(r.Reviews)
			}
		}
	}
	b := graph.NewBuilder(columns...)
	for i := range m.Figures {
		f := &m.Figures[i]
		if f.Scope.Kind != measure.ScopeRepository || f.Period != p {
			continue
		}
		type work struct{ commits, changed, surviving, reviews uint64 }
		rows := map[string]*work{}
		at := func(name string) *work {
			if rows[name] == nil {
				rows[name] = &work{}
			}
			return rows[name]
		}
		for j := range f.Organizations {
			if r := &f.Organizations[j]; r.organization {
				w := at(r.Name)
				w.commits, w.changed = r.Apart.Commits, r.Apart.Changed
			}
		}
		if f.Surviving != nil {
			for j := range f.Surviving.Organizations {
				if r := &f.Surviving.Organizations[j]; m.isOrganization(r.Name) && !r.Outside {
					at(r.Name).surviving = r.Apart.Lines
				}
			}
		}
		for i := range m.Organizations {
			name := m.Organizations[i].Name
			if n := reviews[[2]string{f.Scope.Name, name}]; n > 0 {
				at(name).reviews = n
			}
		}
		for name, w := range rows {
			if *w == (work{}) {
				continue
			}
			o, r := m.node(graph.Organization, name), m.node(graph.Repository, f.Scope.Name)
			weights := []float64{float64(w.commits), float64(w.changed)}
			if m.Strata != nil {
				weights = append(weights, float64(w.surviving))
			}
			weights = append(weights, float64(w.reviews))
			err := errors.Join(b.AddNode(o), b.AddNode(r))
			if err == nil {
				err = b.AddEdge(graph.Ref{Kind: o.Kind, Key: o.Key}, graph.Ref{Kind: r.Kind, Key: r.Key}, weights[:len(columns)]...)
			}
			if err != nil {
				return nil, err
			}
		}
	}
	return b.Build()
}

func (m *Model) isOrganization(name string) bool {
	return slices.ContainsFunc(m.Organizations, func(o Organization) bool { return o.Name == name })
}

// contributions is the graph of who worked where and for whom, of the ledger.
func (m *Model) contributions(p Period) (*graph.Graph, error) {
	l := m.Ledger
	b := graph.NewBuilder(Columns...)
	seen := map[graph.Ref]bool{}
	once := func(kind graph.Kind, name string) error {
		if seen[graph.Ref{Kind: kind, Key: name}] {
			return nil
		}
		seen[graph.Ref{Kind: kind, Key: name}] = true
		return b.AddNode(m.node(kind, name))
	}
	for _, row := range l.Rows {
		if !l.Slices[row[1]].within(p) {
			continue
		}
		person, party := l.People[row[2]], &l.Parties[row[3]]
		err := errors.Join(once(graph.Repository, l.Repositories[row[0]]), b.AddNode(personNode(person, person)))
		organization := ""
		if party.Known {
			organization = party.Name
			err = errors.Join(err, once(graph.Organization, organization))
		}
		if err == nil {
			err = b.Contribute(person, organization, l.Repositories[row[0]], float64(row[4]), float64(row[5])+float64(row[6]))
		}
		if err != nil {
			return nil, err
		}
	}
	return b.Build()
}

// homes names for each person of a graph the organization that most commits were for.
func (m *Model) homes(g *graph.Graph, p Period) []string {
	l := m.Ledger
	type side struct{ person, party uint64 }
	commits := map[side]uint64{}
	for _, row := range l.Rows {
		if l.Slices[row[1]].within(p) {
			commits[side{row[2], row[3]}] += row[4]
		}
	}
	best := map[string]side{}
	for s, n := range commits {
		name := l.People[s.person]
		old, ok := best[name]
		if !ok || n > commits[old] || n == commits[old] && s.party < old.party {
			best[name] = s
		}
	}
	homes := make([]string, g.NumNodes())
	for i := range homes {
		if n := g.Node(i); n.Kind == graph.Person {
			if s, ok := best[n.Key]; ok && l.Parties[s.party].Known {
				homes[i] = l.Parties[s.party].Name
			}
		}
	}
	// A repository is that of the people who did most there.
	lo, hi := g.Range(graph.Repository)
	for i := lo; i < hi; i++ {
		sums := map[string]float64{}
		nodes, edges := g.Neighbors(i)
		for j, u := range nodes {
			if homes[u] != "" {
				sums[homes[u]] += g.Weights(0)[edges[j]]
			}
		}
		for name, sum := range sums {
			if most := sums[homes[i]]; sum > most || sum == most && (homes[i] == "" || name < homes[i]) {
				homes[i] = name
			}
		}
	}
	return homes
}

// readPairs reads the window of a table of collaboration.
func readPairs(r io.Reader, window string) (*graph.Graph, error) {
	columns := []graph.Column{{Name: graph.SharedColumn, Unit: "shared files"}, {Name: graph.TiesColumn, Unit: "ties by shared files"}}
	for _, c := range Columns {
		columns = append(columns, graph.Column{Name: c.Name, Unit: c.Unit + " side by side"})
	}
	b := graph.NewBuilder(columns...)
	in := csv.NewReader(r)
	in.ReuseRecord = true
	for line := 1; ; line++ {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			return b.Build()
		}
		if err != nil {
			return nil, fmt.Errorf("reading the table %s: %w", CollaborationTable, err)
		}
		if len(record) != 3+len(columns) {
			return nil, fmt.Errorf("reading the table %s: %d columns, not %d: %w", CollaborationTable, len(record), 3+len(columns), ErrNoNetwork)
		}
		if line == 1 || record[0] != Cell(window) {
			continue
		}
		weights := make([]float64, len(columns))
		for c := range weights {
			if weights[c], err = strconv.ParseFloat(record[3+c], 64); err != nil {
				return nil, fmt.Errorf("reading the table %s, line %d: %w", CollaborationTable, line, err)
			}
		}
		x, y := graph.Ref{Kind: graph.Person, Key: record[1]}, graph.Ref{Kind: graph.Person, Key: record[2]}
		if err := errors.Join(b.AddNode(personNode(x.Key, x.Key)), b.AddNode(personNode(y.Key, y.Key)),
			b.AddEdge(x, y, weights...)); err != nil {
			return nil, fmt.Errorf("reading the table %s, line %d: %w", CollaborationTable, line, err)
		}
	}
}

// Headline says in a line what a network shows, by a column.
func (m *Model) Headline(name string, g *graph.Graph, groups []string, column int) string {
	weights := g.Weights(column)
	lead := map[string]int{}
	of := 0
	add := func(name string) {
		of++
		if name != "" {
			lead[name]++
		}
	}
	switch name {
	case "people":
		for _, home := range groups {
			add(home)
		}
	case "organizations":
		if lo, hi := g.Range(graph.Organization); hi > lo {
			strengths := graph.Strengths(g, column)
			i := lo + slices.Index(strengths, slices.Max(strengths))
			return fmt.Sprintf("%s: %s works beside %s of %s others", m.Ecosystem, g.Node(i).Label, number(uint64(graph.Degrees(g)[i])), number(uint64(hi-lo-1)))
		}
	default:
		lo, hi := g.Range(graph.Repository)
		for i := lo; i < hi; i++ {
			if groups != nil {
				add(groups[i])
				continue
			}
			leader, most := "", 0.0
			nodes, edges := g.Neighbors(i)
			for j, u := range nodes {
				if w := weights[edges[j]]; g.Node(int(u)).Kind == graph.Organization && w > most {
					leader, most = g.Node(int(u)).Label, w
				}
			}
			add(leader)
		}
	}
	best := ""
	for name, n := range lead {
		if n > lead[best] || n == lead[best] && (best == "" || name < best) {
			best = name
		}
	}
	switch {
	case best == "":
		return m.Ecosystem
	case name == "people":
		known := 0
		for _, n := range lead {
			known += n
		}
		return fmt.Sprintf("%s: %s of %s people work for %s, of %s it is not known", m.Ecosystem, number(uint64(lead[best])), number(uint64(of)), best, number(uint64(of-known)))
	}
	return fmt.Sprintf("%s: %s leads in %s of %s repositories", m.Ecosystem, best, number(uint64(lead[best])), number(uint64(of)))
}

// PictureNotes are lines for the legend of a picture of a window.
func (m *Model) PictureNotes(window string) []string {
	notes := []string{window + ", as of " + m.AsOf}
	for i, w := range m.Windows {
		if c := m.Figures[i].Commits.Coverage; w.Name == window && c != nil {
			notes = append(notes, fmt.Sprintf("organization known for %.1f %% of the commits", 100**c))
		}
	}
	return append(notes, fmt.Sprintf("%d of %d repositories read", m.Read, cmp.Or(m.Named(), len(m.Repositories))))
}
