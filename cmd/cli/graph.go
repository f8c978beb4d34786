package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"orrery/analyzer/measure"
	"orrery/analyzer/report"
	"orrery/graph"
)

var (
	graphFormats = []string{"svg", "dot", "graphml", "gexf"}
	clusters     = []string{"none", "organization", "country"}
)

func newGraph(streams Streams) *cobra.Command {
	var state, format, projection, window, weight, cluster string
	var top int
	var measures bool
	cmd := &cobra.Command{
		Use:   "graph [RESULT]",
		Short: "Draw who works where and with whom, or write it for Gephi and NetworkX",
		Long: `Writes a network of a stored result to stdout. RESULT is a result.json, a folder that holds one, or with
--state the name of a result in the state; without RESULT it is the last one of the state.

svg is a picture that needs no other program, dot is drawn by Graphviz, graphml and gexf are read by
Gephi, NetworkX and others. Networks (--projection):
  organization-repository   who works where
  organizations             who works beside whom: shared repositories
  organizations-by-files    the same: shared files, and reviews of each other's changes
  people                    people who changed the same files, or reviewed each other's changes
  person-repository         people and repositories
  person-organization       people and organizations
  contributions             all three, as in graph.dot
People stand under pseudonyms. Weights (--weight) are commits, changed lines, surviving lines at the window's
end, and reviews; of networks of organizations or people alone also shared and ties. Only links that have some
of the weight are in the network.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 || len(args) == 0 && state != "" {
				return nil
			}
			return usagef("graph: give one result, or --state and none; see orrery help graph")
		},
		RunE: func(_ *cobra.Command, args []string) error {
			for _, choice := range []struct {
				flag, value string
				of          []string
			}{{"format", format, graphFormats}, {"projection", projection, report.Projections}, {"cluster", cluster, clusters}} {
				if !slices.Contains(choice.of, choice.value) {
					return usagef("--%s %s: must be one of %s", choice.flag, choice.value, strings.Join(choice.of, ", "))
				}
			}
			if top < 0 {
				return usagef("--top cannot be negative")
			}
			if cluster != "none" && format != "dot" {
				return usagef("--cluster is for --format dot")
			}
			if measures && format != "graphml" && format != "gexf" {
				return usagef("--measures is for --format graphml and gexf")
			}
			m, given, err := givenResult(state, args)
			if err != nil {
				return err
			}
			g, groups, err := m.Projection(projection, report.WindowName(window), func(table string) (io.ReadCloser, error) {
				f, err := os.Open(filepath.Join(filepath.Dir(resultPath(state, given)), "tables", table+".csv"))
				if errors.Is(err, os.ErrNotExist) {
					return nil, nil
				}
				if err != nil {
					return nil, fmt.Errorf("reading the table %s: %w", table, err)
				}
				return f, nil
			})
			if errors.Is(err, report.ErrNoNetwork) {
				return usageError{err}
			}
			if err != nil {
				return err
			}
			column, ok := g.Column(weight)
			if !ok {
				var names []string
				for _, c := range g.Columns() {
					names = append(names, c.Name)
				}
				return usagef("--weight %s: of %s it must be one of %s", weight, projection, strings.Join(names, ", "))
			}
			g, groups = report.Weighed(g, groups, column)
			drawing := graph.Drawing{
				Title: m.Headline(projection, g, groups, column), Column: column, Notes: m.PictureNotes(report.WindowName(window)),
				Cluster: graph.Cluster(slices.Index(clusters, cluster)),
			}
			var attributes []graph.Attribute
			if measures {
				attributes = profile(g, column)
			}
			if top > 0 {
				g, groups, attributes = trim(g, groups, attributes, column, top)
			}
			drawing.Groups = groups
			switch format {
			case "svg":
				err = graph.WriteSVG(streams.Out, g, drawing)
			case "dot":
				err = graph.WriteDOT(streams.Out, g, drawing)
			case "graphml":
				err = graph.WriteGraphML(streams.Out, g, attributes...)
			default:
				err = graph.WriteGEXF(streams.Out, g, column, attributes...)
			}
			return err
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&state, "state", "", "state that holds the result")
	flags.StringVar(&projection, "projection", report.Projections[0], "network: "+strings.Join(report.Projections, ", "))
	flags.StringVar(&format, "format", "svg", "one of "+strings.Join(graphFormats, ", "))
	flags.StringVar(&window, "window", measure.AllTime, "window of the result")
	flags.StringVar(&weight, "weight", measure.KeyCommits, "what sizes and widths are of: commits, changed, surviving or reviews; of organizations or people alone also shared, ties")
	flags.IntVar(&top, "top", 60, "how many of each kind, the heaviest; the picture says what it leaves out; 0 for all")
	flags.StringVar(&cluster, "cluster", "none", "what is drawn together in dot: "+strings.Join(clusters, ", "))
	flags.BoolVar(&measures, "measures", false, "write degree, strength, betweenness, pagerank, closeness, core number and community of the whole network beside each node, in graphml and gexf")
	return cmd
}

// profile gives the measures of a network as attributes of its nodes.
func profile(g *graph.Graph, column int) []graph.Attribute {
	p := graph.Measure(g, column)
	whole := func(values []int) []float64 {
		out := make([]float64, len(values))
		for i, x := range values {
			out[i] = float64(x)
		}
		return out
	}
	return []graph.Attribute{
		{Name: measure.KeyDegree, Values: whole(p.Degrees)},
		{Name: measure.KeyStrength, Values: p.Strengths},
		{Name: measure.KeyBetweenness, Values: p.Betweenness},
		{Name: measure.KeyPageRank, Values: p.PageRank},
		{Name: measure.KeyHarmonic, Values: p.Harmonic},
		{Name: measure.KeyCore, Values: whole(p.Cores)},
		{Name: measure.KeyCommunity, Values: whole(p.Communities)},
	}
}

// trim keeps the heaviest nodes with what belongs to them.
func trim(g *graph.Graph, groups []string, attributes []graph.Attribute, column, top int) (*graph.Graph, []string, []graph.Attribute) {
	limits := graph.Limits{Column: column, Edges: 12 * top}
	for i := range limits.Top {
		limits.Top[i] = top
	}
	t := graph.Trim(g, limits)
	of := make([]int, t.NumNodes())
	for i := range of {
		n := t.Node(i)
		of[i], _ = g.Find(graph.Ref{Kind: n.Kind, Key: n.Key})
	}
	var kept []string
	if groups != nil {
		kept = make([]string, len(of))
		for i, j := range of {
			kept[i] = groups[j]
		}
	}
	var values []graph.Attribute
	for _, a := range attributes {
		few := make([]float64, len(of))
		for i, j := range of {
			few[i] = a.Values[j]
		}
		values = append(values, graph.Attribute{Name: a.Name, Values: few})
	}
	return t, kept, values
}
