package graph

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Attribute is one more value of each node, to be written to files.
type Attribute struct {
	Name   string // as that of a [Column]
	Values []float64
}

// WriteGraphML writes a graph in GraphML (http://graphml.graphdrawing.org/specification.html), undirected, that Gephi, NetworkX and igraph read: nodes under their ids with label,
// kind, class, country and the attributes, edges with every column and their periods. Keys are not written; text is cleaned of what is not to be seen. Order is that of the graph.
func WriteGraphML(w io.Writer, g *Graph, attributes ...Attribute) error {
	out := bufio.NewWriter(w)
	fmt.Fprint(out, xml.Header+`<graphml xmlns="http://graphml.graphdrawing.org/xmlns">`+"\n")
	for _, name := range nodeTexts {
		fmt.Fprintf(out, ` <key id="%s" for="node" attr.name="%[1]s" attr.type="string"/>`+"\n", name)
	}
	for _, a := range attributes {
		fmt.Fprintf(out, ` <key id="n_%s" for="node" attr.name="%[1]s" attr.type="double"/>`+"\n", a.Name)
	}
	for _, c := range g.columns {
		fmt.Fprintf(out, ` <key id="w_%s" for="edge" attr.name="%[1]s" attr.type="double"/>`+"\n", c.Name)
	}
	fmt.Fprint(out, ` <key id="periods" for="edge" attr.name="periods" attr.type="string"/>`+"\n"+` <graph id="orrery" edgedefault="undirected">`+"\n")
	for i, n := range g.nodes {
		fmt.Fprintf(out, `  <node id="%s">`, n.ID)
		for k, text := range n.texts() {
			if text != "" {
				fmt.Fprintf(out, `<data key="%s">%s</data>`, nodeTexts[k], escapeXML(text))
			}
		}
		for _, a := range attributes {
			fmt.Fprintf(out, `<data key="n_%s">%s</data>`, a.Name, number64(a.Values[i]))
		}
		fmt.Fprint(out, "</node>\n")
	}
	for e, ends := range g.ends {
		a, b := g.nodes[ends[0]].ID, g.nodes[ends[1]].ID
		fmt.Fprintf(out, `  <edge id="%s-%s" source="%[1]s" target="%[2]s">`, a, b)
		for c, column := range g.columns {
			fmt.Fprintf(out, `<data key="w_%s">%s</data>`, column.Name, number64(g.weights[c][e]))
		}
		if periods := g.Periods(e); len(periods) > 0 {
			fmt.Fprintf(out, `<data key="periods">%s</data>`, joinPeriods(periods))
		}
		fmt.Fprint(out, "</edge>\n")
	}
	fmt.Fprint(out, " </graph>\n</graphml>\n")
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing GraphML: %w", err)
	}
	return nil
}

// WriteGEXF writes a graph in GEXF 1.3 (https://gexf.net/schema.html), Gephi's own format, as [WriteGraphML] does. column is the weight that Gephi shows.
func WriteGEXF(w io.Writer, g *Graph, column int, attributes ...Attribute) error {
	if column < 0 || column >= len(g.columns) {
		return fmt.Errorf("writing GEXF: the graph has %d columns, asked for number %d: %w", len(g.columns), column, ErrColumn)
	}
	out := bufio.NewWriter(w)
	fmt.Fprint(out, xml.Header+`<gexf xmlns="http://gexf.net/1.3" version="1.3">`+"\n"+` <graph defaultedgetype="undirected" mode="static">`+"\n"+`  <attributes class="node">`+"\n")
	for k, name := range nodeTexts[1:] { // the label has a place of its own
		fmt.Fprintf(out, `   <attribute id="%d" title="%s" type="string"/>`+"\n", k, name)
	}
	first := len(nodeTexts) - 1
	for k, a := range attributes {
		fmt.Fprintf(out, `   <attribute id="%d" title="%s" type="double"/>`+"\n", first+k, a.Name)
	}
	fmt.Fprint(out, "  </attributes>\n"+`  <attributes class="edge">`+"\n")
	for c, column := range g.columns {
		fmt.Fprintf(out, `   <attribute id="%d" title="%s" type="double"/>`+"\n", c, column.Name)
	}
	fmt.Fprint(out, "  </attributes>\n  <nodes>\n")
	for i, n := range g.nodes {
		texts := n.texts()
		fmt.Fprintf(out, `   <node id="%s" label="%s"><attvalues>`, n.ID, escapeXML(texts[0]))
		for k, text := range texts[1:] {
			if text != "" {
				fmt.Fprintf(out, `<attvalue for="%d" value="%s"/>`, k, escapeXML(text))
			}
		}
		for k, a := range attributes {
			fmt.Fprintf(out, `<attvalue for="%d" value="%s"/>`, first+k, number64(a.Values[i]))
		}
		fmt.Fprint(out, "</attvalues></node>\n")
	}
	fmt.Fprint(out, "  </nodes>\n  <edges>\n")
	for e, ends := range g.ends {
		a, b := g.nodes[ends[0]].ID, g.nodes[ends[1]].ID
		fmt.Fprintf(out, `   <edge id="%s-%s" source="%[1]s" target="%[2]s" weight="%s"><attvalues>`, a, b, number64(g.weights[column][e]))
		for c := range g.columns {
			fmt.Fprintf(out, `<attvalue for="%d" value="%s"/>`, c, number64(g.weights[c][e]))
		}
		fmt.Fprint(out, "</attvalues></edge>\n")
	}
	fmt.Fprint(out, "  </edges>\n </graph>\n</gexf>\n")
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing GEXF: %w", err)
	}
	return nil
}

// nodeTexts names what [Node.texts] gives.
var nodeTexts = [...]string{"label", "kind", "class", "country"}

func (n Node) texts() [len(nodeTexts)]string {
	return [...]string{n.Label, n.Kind.String(), n.Class, n.Country}
}

// escapeXML makes any bytes text of XML.
func escapeXML(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(clean(s, maxLine))) // a Builder takes everything
	return b.String()
}

// number64 writes a value so that reading it gives the same bits.
func number64(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

func joinPeriods(periods []Period) string {
	s := make([]string, len(periods))
	for i, d := range periods {
		s[i] = d.String()
	}
	return strings.Join(s, " ")
}
