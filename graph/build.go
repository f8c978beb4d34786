package graph

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// What a [Builder] refuses.
var (
	ErrUnknownNode = errors.New("no such node")
	ErrConflict    = errors.New("contradicts what was added before")
	ErrWeight      = errors.New("unusable weight")
	ErrNode        = errors.New("unusable node")
	ErrColumn      = errors.New("unusable column")
	ErrPeriod      = errors.New("unusable period")
)

// maxTotal bounds the sum of a column: up to here float64 holds every whole number.
const maxTotal = 1 << 53

// Builder collects nodes and edges, in any order as long as an edge's nodes come before it. An addition that fails adds nothing. It is for one goroutine.
type Builder struct {
	columns []Column
	nodes   []Node
	index   map[Ref]uint32
	added   []pair
	weights []float64 // one of each column for every pair added
	dated   []datedPair
}

// pair is two nodes by the order they were added in.
type pair struct{ a, b uint32 }

type datedPair struct {
	pair
	Period
}

// NewBuilder starts a graph whose edges have the given weights.
func NewBuilder(columns ...Column) *Builder {
	return &Builder{columns: slices.Clone(columns), index: map[Ref]uint32{}}
}

// AddNode adds a node. Adding the same again does nothing; the same key with other attributes is [ErrConflict].
func (b *Builder) AddNode(n Node) error {
	ref := Ref{n.Kind, n.Key}
	if n.Kind >= NumKinds || n.Key == "" {
		return fmt.Errorf("adding %v: needs a kind and a key: %w", ref, ErrNode)
	}
	if i, ok := b.index[ref]; ok {
		if b.nodes[i] != n {
			return fmt.Errorf("adding %v with other attributes: %w", ref, ErrConflict)
		}
		return nil
	}
	b.index[ref] = uint32(len(b.nodes))
	b.nodes = append(b.nodes, n)
	return nil
}

// AddEdge adds weights, one of each column, to the edge of two different nodes.
// It fails with [ErrUnknownNode] for a node that was not added, with [ErrWeight] for a weight that is negative, infinite or not a number.
func (b *Builder) AddEdge(x, y Ref, weights ...float64) error {
	p, err := b.pair(x, y)
	if err == nil {
		err = checkWeights(b.columns, weights)
	}
	if err != nil {
		return fmt.Errorf("adding the edge of %v and %v: %w", x, y, err)
	}
	b.added = append(b.added, p)
	b.weights = append(b.weights, weights...)
	return nil
}

// AddPeriod dates the edge of two nodes, and makes it with weights of 0 if nothing else does. Periods that overlap or touch become one.
func (b *Builder) AddPeriod(x, y Ref, period Period) error {
	p, err := b.pair(x, y)
	if err == nil && period.From >= period.To {
		err = fmt.Errorf("%v is empty: %w", period, ErrPeriod)
	}
	if err != nil {
		return fmt.Errorf("dating the edge of %v and %v: %w", x, y, err)
	}
	b.dated = append(b.dated, datedPair{p, period})
	return nil
}

// Contribute adds what a person did in a repository on behalf of an organization, "" if it is not known which: the weights are added to the edges
// person-repository, person-organization and organization-repository. Which organization had the work of a person who changed employers
// cannot be told from the first two of these edges, so the third is no projection of them.
func (b *Builder) Contribute(person, organization, repository string, weights ...float64) error {
	p, o, r := Ref{Person, person}, Ref{Organization, organization}, Ref{Repository, repository}
	pr, err := b.pair(p, r)
	pairs := []pair{pr}
	if err == nil && organization != "" {
		var po, or pair
		po, err = b.pair(p, o)
		if err == nil {
			or, err = b.pair(o, r)
		}
		pairs = append(pairs, po, or)
	}
	if err == nil {
		err = checkWeights(b.columns, weights)
	}
	if err != nil {
		return fmt.Errorf("adding a contribution to %v: %w", r, err)
	}
	for _, pair := range pairs {
		b.added = append(b.added, pair)
		b.weights = append(b.weights, weights...)
	}
	return nil
}

func (b *Builder) pair(x, y Ref) (pair, error) {
	i, ok := b.index[x]
	if !ok {
		return pair{}, fmt.Errorf("%v: %w", x, ErrUnknownNode)
	}
	j, ok := b.index[y]
	if !ok {
		return pair{}, fmt.Errorf("%v: %w", y, ErrUnknownNode)
	}
	if i == j {
		return pair{}, fmt.Errorf("an edge from a node to itself: %w", ErrNode)
	}
	return pair{i, j}, nil
}

func checkWeights(columns []Column, weights []float64) error {
	if len(weights) != len(columns) {
		return fmt.Errorf("%d weights for %d columns: %w", len(weights), len(columns), ErrWeight)
	}
	for c, w := range weights {
		if !(w >= 0 && w <= maxTotal) { // false for NaN too
			return fmt.Errorf("%v %s: must be from 0 to 2^53: %w", w, columns[c].Unit, ErrWeight)
		}
	}
	return nil
}

// Build freezes what was added so far. It fails with [ErrColumn] for columns without a proper name or unit, with [ErrConflict] if two nodes have one id,
// with [ErrNode] for an id that is none, and with [ErrWeight] if a column's sum is above 2^53.
func (b *Builder) Build() (*Graph, error) {
	if err := checkColumns(b.columns); err != nil {
		return nil, fmt.Errorf("building a graph: %w", err)
	}
	if len(b.nodes) >= math.MaxInt32 || len(b.added)+len(b.dated) >= math.MaxInt32 {
		return nil, fmt.Errorf("building a graph: more than 2^31 nodes or edges: %w", ErrNode)
	}

	g := &Graph{columns: slices.Clone(b.columns), weights: make([][]float64, len(b.columns))}
	place, err := g.place(b.nodes)
	if err != nil {
		return nil, fmt.Errorf("building a graph: %w", err)
	}

	// An addition is sorted as one number (the smaller end above the larger) with the row of its weights, None for those of a period.
	const none = math.MaxUint32
	type addition struct {
		key uint64
		row uint32
	}
	key := func(p pair) uint64 {
		x, y := place[p.a], place[p.b]
		return uint64(min(x, y))<<32 | uint64(max(x, y))
	}
	additions := make([]addition, 0, len(b.added)+len(b.dated))
	for row, p := range b.added {
		additions = append(additions, addition{key(p), uint32(row)})
	}
	for _, d := range b.dated {
		additions = append(additions, addition{key(d.pair), none})
	}
	slices.SortFunc(additions, func(x, y addition) int { return cmp.Compare(x.key, y.key) })

	edges := 0
	for i := range additions {
		if i == 0 || additions[i].key != additions[i-1].key {
			edges++
		}
	}
	g.ends = make([][2]uint32, 0, edges)
	for c := range g.weights {
		g.weights[c] = make([]float64, 0, edges)
	}
	totals := make([]float64, len(b.columns))
	var values []float64
	for lo, hi := 0, 0; lo < len(additions); lo = hi {
		k := additions[lo].key
		for hi < len(additions) && additions[hi].key == k {
			hi++
		}
		g.ends = append(g.ends, [2]uint32{uint32(k >> 32), uint32(k)})
		for c := range b.columns {
			values = values[:0]
			for _, x := range additions[lo:hi] {
				if x.row != none {
					values = append(values, b.weights[int(x.row)*len(b.columns)+c])
				}
			}
			// Sorted, because the sum of fractions depends on their order, and the order of additions must not show.
			slices.Sort(values)
			sum := 0.0
			for _, v := range values {
				sum += v
			}
			totals[c] += sum
			g.weights[c] = append(g.weights[c], sum)
		}
	}
	for c, t := range totals {
		if t > maxTotal {
			return nil, fmt.Errorf("building a graph: %v %s in all, above 2^53: %w", t, b.columns[c].Unit, ErrWeight)
		}
	}

	g.freeze()
	if len(b.dated) > 0 {
		dated := make([]datedPair, 0, len(b.dated))
		for _, d := range b.dated {
			k := key(d.pair)
			dated = append(dated, datedPair{pair{uint32(k >> 32), uint32(k)}, d.Period})
		}
		g.date(dated)
	}
	return g, nil
}

// place puts nodes in order and numbers them; places gives their new indices.
func (g *Graph) place(nodes []Node) (places []uint32, err error) {
	order := make([]uint32, len(nodes))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(i, j uint32) int {
		return cmp.Or(cmp.Compare(nodes[i].Kind, nodes[j].Kind), cmp.Compare(nodes[i].Key, nodes[j].Key))
	})
	places = make([]uint32, len(order))
	g.nodes = make([]Node, len(order))
	for at, i := range order {
		places[i] = uint32(at)
		g.nodes[at] = nodes[i]
	}
	return places, identify(g.nodes)
}

// date gives the edges their periods: pairs are the graph's own nodes, the smaller first.
func (g *Graph) date(dated []datedPair) {
	slices.SortFunc(dated, func(x, y datedPair) int {
		return cmp.Or(cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b), cmp.Compare(x.From, y.From), cmp.Compare(x.To, y.To))
	})
	g.periodStart = make([]uint32, len(g.ends)+1)
	for e, ends := range g.ends {
		for len(dated) > 0 && dated[0].a == ends[0] && dated[0].b == ends[1] {
			last := len(g.periods) - 1
			if last >= int(g.periodStart[e]) && dated[0].From <= g.periods[last].To {
				g.periods[last].To = max(g.periods[last].To, dated[0].To)
			} else {
				g.periods = append(g.periods, dated[0].Period)
			}
			dated = dated[1:]
		}
		g.periodStart[e+1] = uint32(len(g.periods))
	}
}

// identify gives an id to the nodes that have none; nodes are ordered by kind and key.
func identify(nodes []Node) error {
	taken := make(map[string]bool, len(nodes))
	for i := range nodes {
		n := &nodes[i]
		if n.ID == "" {
			continue
		}
		if n.ID[0] != n.Kind.letter() || plain(n.ID) != n.ID {
			return fmt.Errorf("the id %q of a node: %w", n.ID, ErrNode)
		}
		if taken[n.ID] {
			return fmt.Errorf("two nodes have the id %s: %w", n.ID, ErrConflict)
		}
		taken[n.ID] = true
	}
	place := 0
	for i := range nodes {
		n := &nodes[i]
		if i > 0 && nodes[i-1].Kind != n.Kind {
			place = 0
		}
		place++
		if n.ID != "" {
			continue
		}
		letter := string(n.Kind.letter())
		id := letter + strconv.Itoa(place)
		if n.Kind != Person {
			id = letter + "_" + legible(n.Key)
		}
		n.ID = id
		for again := 2; taken[n.ID]; again++ {
			n.ID = id + "_" + strconv.Itoa(again)
		}
		taken[n.ID] = true
	}
	return nil
}

// maxLegible is how many characters of a key an id shows.
const maxLegible = 48

// legible makes a key ASCII letters, digits and `_`, and tells those apart of which these are the same by eight digits of a hash.
func legible(key string) string {
	s := plain(key)
	if len(s) > maxLegible {
		s = s[:maxLegible]
	}
	if s != key {
		sum := sha256.Sum256([]byte(key))
		s += "_" + hex.EncodeToString(sum[:4])
	}
	return s
}

// plain puts `_` in place of whatever is no ASCII letter or digit.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, s)
}

func checkColumns(columns []Column) error {
	seen := map[string]bool{}
	for _, c := range columns {
		ok := c.Unit != "" && !seen[c.Name] && c.Name != ""
		for i, r := range []byte(c.Name) {
			ok = ok && (r >= 'a' && r <= 'z' || i > 0 && (r == '_' || r >= '0' && r <= '9'))
		}
		if !ok {
			return fmt.Errorf("column %q (unit %q): needs a unit and a name of its own in [a-z0-9_]: %w", c.Name, c.Unit, ErrColumn)
		}
		seen[c.Name] = true
	}
	return nil
}
