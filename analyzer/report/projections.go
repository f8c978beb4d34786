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
var Projections = []string{"organization-repository", "organizations", "organizations-by-files", "people", "person-repository", "person-organization", "contributions"}

// The tables that networks of people, and of files, are read from.
const (
	CollaborationTable = "collaboration"
	SideBySideTable    = "organizations_by_files"
	ContributionsTable = "contributions"
)

// ErrNoNetwork says that a result does not hold what a network is made of: a window that it does not have, or one that goes by ranges, or tables
// of before there was any.
var ErrNoNetwork = errors.New("the result does not hold that network")

// Projection builds a network of a result that was read back. Weights are commits, changed lines, surviving lines and reviews, as far as they were measured:
//
//	organization-repository  what organizations did in repositories
//	organizations            those that work in the same repositories: see [graph.Project]
//	organizations-by-files   those whose people changed the same files, or reviewed each other's changes
//	people                   people who did
//	person-repository        what people did in repositories
//	person-organization      what people did for organizations
//	contributions            people, organizations and repositories, as in graph.dot
//
// People stand under their pseudonyms. open opens a table of the result; it may give nil where there is none. groups names for each node whom it mostly
// works for, or is nil where the edges tell.
func (m *Model) Projection(name, window string, open func(table string) (io.ReadCloser, error)) (g *graph.Graph, groups []string, err error) {
	i := slices.IndexFunc(m.Windows, func(p Period) bool { return p.Name == window })
	if i < 0 {
		var names []string
		for _, p := range m.Windows {
			names = append(names, strconv.Quote(p.Name))
		}
		return nil, nil, fmt.Errorf("window %q: %w; there are %s", window, ErrNoNetwork, strings.Join(names, ", "))
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
	case "organizations-by-files":
		g, err = m.pairsFrom(SideBySideTable, window, open, func(name string) graph.Node { return m.node(graph.Organization, name) })
	case "people":
		g, err = m.pairsFrom(CollaborationTable, window, open, func(name string) graph.Node { return personNode(name, name) })
		if err == nil {
			groups = m.homes(g, p)
		}
	case "person-repository":
		if g, err = m.contributions(p, open); err == nil {
			g = g.Select(graph.Between(graph.Person, graph.Repository))
			groups = m.homes(g, p)
		}
	case "person-organization":
		if g, err = m.contributions(p, open); err == nil {
			g = g.Select(graph.Between(graph.Person, graph.Organization))
		}
	default:
		g, err = m.contributions(p, open)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("building the network %s of %q: %w", name, window, err)
	}
	return g, groups, nil
}

// Weighed keeps the edges of a network that have a weight in a column, and the nodes that these join: who has nothing to do with each other by that
// weight is not in its network.
func Weighed(g *graph.Graph, groups []string, column int) (*graph.Graph, []string) {
	weights := g.Weights(column)
	touched := make([]bool, g.NumNodes())
	for e, w := range weights {
		if w > 0 {
			a, b := g.Ends(e)
			touched[a], touched[b] = true, true
		}
	}
	var kept []string
	for i, name := range groups {
		if touched[i] {
			kept = append(kept, name)
		}
	}
	return g.Subgraph(func(i int) bool { return touched[i] }, func(e int) bool { return weights[e] > 0 }), kept
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
		columns = append(columns, survivingColumn)
	}
	reviews := map[[2]string]uint64{} // by repository and organization
	if m.Control != nil && m.Control.Where != nil {
		columns = append(columns, reviewsColumn)
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

// contributions is the graph of who worked where and for whom: of the table, or of the ledger in results of before there was one.
func (m *Model) contributions(p Period, open func(table string) (io.ReadCloser, error)) (*graph.Graph, error) {
	table, err := open(ContributionsTable)
	if err != nil {
		return nil, err
	}
	repositories, organizations := map[string]string{}, m.organizationsByCell()
	for i := range m.Repositories {
		repositories[Cell(m.Repositories[i].Key)] = m.Repositories[i].Key
	}
	seen := map[graph.Ref]bool{}
	add := func(b *graph.Builder, repository, person, party string, weights ...float64) error {
		var err error
		once := func(kind graph.Kind, name string) {
			if ref := (graph.Ref{Kind: kind, Key: name}); !seen[ref] {
				seen[ref] = true
				err = errors.Join(err, b.AddNode(m.node(kind, name)))
			}
		}
		once(graph.Repository, repository)
		err = errors.Join(err, b.AddNode(personNode(person, person)))
		if party != "" {
			once(graph.Organization, party)
		}
		return cmp.Or(err, b.Contribute(person, party, repository, weights...))
	}
	if table == nil {
		b := graph.NewBuilder(Columns...)
		l := m.Ledger
		for _, row := range l.Rows {
			if !l.Slices[row[1]].within(p) {
				continue
			}
			party := ""
			if l.Parties[row[3]].Known {
				party = l.Parties[row[3]].Name
			}
			if err := add(b, l.Repositories[row[0]], l.People[row[2]], party, float64(row[4]), float64(row[5])+float64(row[6])); err != nil {
				return nil, err
			}
		}
		return b.Build()
	}
	defer table.Close()
	b := graph.NewBuilder(append(slices.Clone(Columns), survivingColumn, reviewsColumn)...)
	_, err = readWeights(ContributionsTable, table, p.Name, 4, func(names []string, weights []float64) error {
		if len(weights) != 4 {
			return fmt.Errorf("%d weights, not 4: %w", len(weights), ErrNoNetwork)
		}
		if names[2] == "" {
			return nil // an account without a commit
		}
		// What is no organization is a class of those whose is not known.
		return add(b, cmp.Or(repositories[names[1]], names[1]), names[2], organizations[names[3]], weights...)
	})
	if err != nil {
		return nil, err
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

// organizationsByCell gives their names by how they stand in tables.
func (m *Model) organizationsByCell() map[string]string {
	names := map[string]string{}
	for i := range m.Organizations {
		names[Cell(m.Organizations[i].Name)] = m.Organizations[i].Name
	}
	return names
}

// pairsFrom reads a window of a table of pairs.
func (m *Model) pairsFrom(table, window string, open func(table string) (io.ReadCloser, error), node func(name string) graph.Node) (*graph.Graph, error) {
	r, err := open(table)
	if err != nil {
		return nil, err
	}
	organizations := m.organizationsByCell()
	if r == nil {
		return nil, fmt.Errorf("there is no table %s: %w", table, ErrNoNetwork)
	}
	defer r.Close()
	type pair struct {
		x, y    graph.Node
		weights []float64
	}
	var pairs []pair
	header, err := readWeights(table, r, window, 3, func(names []string, weights []float64) error {
		x, y := cmp.Or(organizations[names[1]], names[1]), cmp.Or(organizations[names[2]], names[2])
		pairs = append(pairs, pair{node(x), node(y), slices.Clone(weights)})
		return nil
	})
	if err != nil {
		return nil, err
	}
	units := map[string]string{
		graph.SharedColumn: "shared files", graph.TiesColumn: "ties by shared files", measure.KeySurviving: survivingColumn.Unit + " side by side",
		measure.KeyReviews: "reviews of each other",
	}
	for _, c := range Columns {
		units[c.Name] = c.Unit + " side by side"
	}
	var columns []graph.Column
	for _, name := range header {
		columns = append(columns, graph.Column{Name: name, Unit: units[name]})
	}
	b := graph.NewBuilder(columns...)
	for _, p := range pairs {
		x, y := graph.Ref{Kind: p.x.Kind, Key: p.x.Key}, graph.Ref{Kind: p.y.Kind, Key: p.y.Key}
		if err := errors.Join(b.AddNode(p.x), b.AddNode(p.y), b.AddEdge(x, y, p.weights...)); err != nil {
			return nil, fmt.Errorf("reading the table %s: %w", table, err)
		}
	}
	return b.Build()
}

// readWeights reads the rows of a window, which is their first cell, in a table: so many names, then weights, whose columns it gives. Slices are valid during a call only.
func readWeights(table string, r io.Reader, window string, names int, row func(names []string, weights []float64) error) (columns []string, err error) {
	in := csv.NewReader(r)
	in.ReuseRecord = true
	var weights []float64
	for line := 1; ; line++ {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			if line == 1 {
				return nil, fmt.Errorf("reading the table %s: it is empty: %w", table, ErrNoNetwork)
			}
			return columns, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the table %s: %w", table, err)
		}
		if line == 1 {
			if len(record) <= names {
				return nil, fmt.Errorf("reading the table %s: %d columns: %w", table, len(record), ErrNoNetwork)
			}
			columns = slices.Clone(record[names:])
			weights = make([]float64, len(columns))
			continue
		}
		if record[0] != Cell(window) {
			continue
		}
		for c := range weights {
			if weights[c], err = strconv.ParseFloat(record[names+c], 64); err != nil {
				return nil, fmt.Errorf("reading the table %s, line %d: %w", table, line, err)
			}
		}
		if err := row(record[:names], weights); err != nil {
			return nil, fmt.Errorf("reading the table %s, line %d: %w", table, line, err)
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
	case "organizations", "organizations-by-files":
		if lo, hi := g.Range(graph.Organization); hi > lo {
			strengths := graph.Strengths(g, column)
			i := lo + slices.Index(strengths, slices.Max(strengths))
			return fmt.Sprintf("%s: %s works beside %s of %s others", m.Ecosystem, g.Node(i).Label, number(uint64(graph.Degrees(g)[i])), number(uint64(hi-lo-1)))
		}
	case "person-organization":
		lo, hi := g.Range(graph.Organization)
		people, end := g.Range(graph.Person)
		if hi > lo {
			degrees := graph.Degrees(g)[lo:hi]
			most := slices.Max(degrees)
			return fmt.Sprintf("%s: %s of %s people worked for %s", m.Ecosystem, number(uint64(most)), number(uint64(end-people)), g.Node(lo+slices.Index(degrees, most)).Label)
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
