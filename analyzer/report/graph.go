package report

import (
	"fmt"

	"orrery/analyzer/measure"
	"orrery/analyzer/people"
	"orrery/graph"
)

// Columns are the weights of the graph's edges: counted work, neither of machines nor bulk imports.
var Columns = []graph.Column{{Name: "commits", Unit: "commits"}, {Name: "changed", Unit: "changed lines"}}

// survivingColumn and reviewsColumn are further weights of networks.
var (
	survivingColumn = graph.Column{Name: measure.KeySurviving, Unit: "surviving lines"}
	reviewsColumn   = graph.Column{Name: measure.KeyReviews, Unit: "reviews"}
)

// Graph builds the contribution graph of a window: people, organizations (contractors as firms of their own) and repositories with counted
// work. An edge of person and organization is dated from the first to the last day of that work.
func Graph(result *measure.Result, resolution *people.Resolution, window int, options Options) (*graph.Graph, error) {
	b := graph.NewBuilder(Columns...)
	classes := map[string]string{}
	for _, g := range result.Growth {
		classes[g.Repository] = g.Class
	}
	for _, c := range result.Contributions[window] {
		person := &resolution.Persons[c.Person]
		key, label := person.Pseudonym, person.Pseudonym // not the person's own key: the order of nodes would be that of addresses
		if options.Names {
			label = person.Name
		}
		nodes := []graph.Node{
			{Kind: graph.Repository, Key: c.Repository, Label: c.Repository, Class: classes[c.Repository]},
			personNode(key, label),
		}
		organization := ""
		if c.Organization != people.NoOrganization {
			o := &resolution.Organizations[c.Organization]
			organization = o.Name
			nodes = append(nodes, graph.Node{Kind: graph.Organization, Key: o.Name, Label: o.Name, Class: o.Class.String(), Country: o.Country})
		}
		for _, n := range nodes {
			if err := b.AddNode(n); err != nil {
				return nil, fmt.Errorf("building the graph: %w", err)
			}
		}
		err := b.Contribute(key, organization, c.Repository, float64(c.Commits), float64(c.Changed()))
		if err == nil && organization != "" && c.First <= c.Last {
			const day = 24 * 60 * 60
			err = b.AddPeriod(graph.Ref{Kind: graph.Person, Key: key}, graph.Ref{Kind: graph.Organization, Key: organization},
				graph.Period{From: int32(c.First / day), To: int32(c.Last/day) + 1})
		}
		if err != nil {
			return nil, fmt.Errorf("building the graph: %w", err)
		}
	}
	g, err := b.Build()
	if err != nil {
		return nil, fmt.Errorf("building the graph: %w", err)
	}
	return g, nil
}
