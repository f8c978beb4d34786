package graph

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Affiliations collect who took part in what: members (nodes of one graph to be) in groups (repositories, files), each with weights. Unlike a
// [Builder] they need no node for a group, so that there may be millions of these. They are for one goroutine.
type Affiliations struct {
	columns []Column
	nodes   []Node
	index   map[Ref]uint32
	parts   []part
	weights []float64 // one of each column for every part
}

// part is that a member took part in a group.
type part struct{ member, group uint32 }

// NewAffiliations starts a collection with the given weights.
func NewAffiliations(columns ...Column) *Affiliations {
	return &Affiliations{columns: slices.Clone(columns), index: map[Ref]uint32{}}
}

// AddNode adds a member, and gives the number that [Affiliations.Add] knows it by. Adding the same again gives the same number; the same
// key with other attributes is [ErrConflict].
func (a *Affiliations) AddNode(n Node) (member uint32, err error) {
	ref := Ref{n.Kind, n.Key}
	if n.Kind >= NumKinds || n.Key == "" {
		return 0, fmt.Errorf("adding %v: needs a kind and a key: %w", ref, ErrNode)
	}
	if i, ok := a.index[ref]; ok {
		if a.nodes[i] != n {
			return 0, fmt.Errorf("adding %v with other attributes: %w", ref, ErrConflict)
		}
		return i, nil
	}
	member = uint32(len(a.nodes))
	a.index[ref] = member
	a.nodes = append(a.nodes, n)
	return member, nil
}

// Add says that a member took part in a group, which the caller numbers as it likes. What is added twice is summed. Weights are one of each
// column, finite and not negative.
func (a *Affiliations) Add(member, group uint32, weights ...float64) error {
	if int(member) >= len(a.nodes) {
		return fmt.Errorf("adding an affiliation of member %d: %w", member, ErrUnknownNode)
	}
	if err := checkWeights(a.columns, weights); err != nil {
		return fmt.Errorf("adding an affiliation of %v: %w", Ref{a.nodes[member].Kind, a.nodes[member].Key}, err)
	}
	a.parts = append(a.parts, part{member, group})
	a.weights = append(a.weights, weights...)
	return nil
}

// Crowded counts the groups that [Affiliations.Project] has left out because they have too many members, of those with two or more.
type Crowded struct {
	Most   int // members that a group may have; 0 for any number
	Left   int // groups with more
	Groups int // with two members or more, these among them
}

// String says what the rule is, and what it left out.
func (c Crowded) String() string {
	if c.Most == 0 {
		return "no group is left out for its size"
	}
	return fmt.Sprintf("what more than %s share joins nobody: %s of %s", thousands(float64(c.Most)), thousands(float64(c.Left)), thousands(float64(c.Groups)))
}

// The first two columns of a projection.
const (
	SharedColumn = "shared"
	TiesColumn   = "ties"
)

// Project joins members that share a group. The edge of two members has these weights:
//
//	shared  the number of groups that both are in
//	ties    the sum over these of 1/(k-1), k the number of the group's members: everybody in a group has ties of 1 from it, however many are there
//	others  under the name of each column, the sum over shared groups of the smaller of the two members' weights: what they did side by side
//
// A group with more than most members joins nobody (0: any number is allowed), since a file that everybody touches says nothing of who works
// with whom; [Crowded] counts these. what names groups, in the plural. Members who share nothing are nodes without edges.
//
// It takes O(p log p + sum k^2) for p affiliations, and memory for these and the edges only. Sums go by the numbers of groups. The affiliations are used
// up: where there is no error, none are left.
//
// ties: Newman, Scientific collaboration networks II, Physical Review E 64, 2001.
func (a *Affiliations) Project(what string, most int) (*Graph, Crowded, error) {
	columns := []Column{{SharedColumn, "shared " + what}, {TiesColumn, "ties by shared " + what}}
	for _, c := range a.columns {
		columns = append(columns, Column{c.Name, c.Unit + " side by side"})
	}
	crowded := Crowded{Most: most}
	if err := checkColumns(columns); err != nil {
		return nil, crowded, fmt.Errorf("projecting onto %s: %w", what, err)
	}
	if len(a.parts) >= math.MaxInt32 {
		return nil, crowded, fmt.Errorf("projecting onto %s: more than 2^31 affiliations: %w", what, ErrNode)
	}
	g := &Graph{columns: columns, weights: make([][]float64, len(columns))}
	place, err := g.place(a.nodes)
	if err != nil {
		return nil, crowded, fmt.Errorf("projecting onto %s: %w", what, err)
	}
	groups, members, rows := a.sort(place)
	sums := make([][]float64, len(columns))
	for c := range sums {
		sums[c] = make([]float64, len(g.nodes))
	}
	width := len(a.columns)
	var met []uint32
	for i := range g.nodes {
		met = met[:0]
		for _, row := range rows[members[i]:members[i+1]] {
			group := a.parts[row].group
			lo, hi := groups[group], groups[group+1]
			if k := int(hi - lo); k < 2 || most > 0 && k > most {
				continue
			}
			tie := 1 / float64(hi-lo-1)
			ours := a.weights[int(row)*width:][:width]
			for j := row + 1; j < hi; j++ { // who comes after us
				u := a.parts[j].member
				if sums[0][u] == 0 {
					met = append(met, u)
				}
				sums[0][u]++
				sums[1][u] += tie
				theirs := a.weights[int(j)*width:][:width]
				for c := range ours {
					sums[2+c][u] += min(ours[c], theirs[c])
				}
			}
		}
		slices.Sort(met)
		for _, u := range met {
			g.ends = append(g.ends, [2]uint32{uint32(i), u})
			for c := range sums {
				g.weights[c] = append(g.weights[c], sums[c][u])
				sums[c][u] = 0
			}
		}
		if len(g.ends) >= math.MaxInt32 {
			return nil, crowded, fmt.Errorf("projecting onto %s: more than 2^31 edges: %w", what, ErrNode)
		}
	}
	for i := 1; i < len(groups); i++ {
		if k := int(groups[i] - groups[i-1]); k >= 2 {
			crowded.Groups++
			if most > 0 && k > most {
				crowded.Left++
			}
		}
	}
	for c, weights := range g.weights {
		total := 0.0
		for _, w := range weights {
			total += w
		}
		if total > maxTotal {
			return nil, crowded, fmt.Errorf("projecting onto %s: %v %s in all, above 2^53: %w", what, total, columns[c].Unit, ErrWeight)
		}
	}
	*a = *NewAffiliations(a.columns...)
	g.freeze()
	return g, crowded, nil
}

// sort puts the affiliations in order of groups and places, each pair once, and numbers both so: members by their places, groups from 0. It gives where the
// affiliations of each group begin, and by member which they are: rows[members[i]:members[i+1]], ascending. There are many, so they stay where they are.
func (a *Affiliations) sort(place []uint32) (groups, members, rows []uint32) {
	width := len(a.columns)
	byGroup := func(x, y part) int { return cmp.Compare(x.group, y.group) }
	if !slices.IsSortedFunc(a.parts, byGroup) { // most add group after group
		order := make([]uint32, len(a.parts))
		for i := range order {
			order[i] = uint32(i)
		}
		slices.SortFunc(order, func(x, y uint32) int { return byGroup(a.parts[x], a.parts[y]) })
		parts, weights := make([]part, 0, len(a.parts)), make([]float64, 0, len(a.weights))
		for _, at := range order {
			parts, weights = append(parts, a.parts[at]), append(weights, a.weights[int(at)*width:][:width]...)
		}
		a.parts, a.weights = parts, weights
	}
	members = make([]uint32, len(place)+1)
	var order []int      // of a group
	var were []part      // these
	var shares []float64 // and theirs
	n := 0
	for lo, hi := 0, 0; lo < len(a.parts); lo = hi {
		for hi = lo + 1; hi < len(a.parts) && a.parts[hi].group == a.parts[lo].group; hi++ {
		}
		were, shares, order = append(were[:0], a.parts[lo:hi]...), append(shares[:0], a.weights[lo*width:hi*width]...), order[:0]
		for i := range were {
			were[i].member = place[were[i].member]
			order = append(order, i)
		}
		share := func(i int) []float64 { return shares[i*width:][:width] }
		// By weights too, so that sums of the same are the same in whatever order they came.
		slices.SortFunc(order, func(x, y int) int {
			return cmp.Or(cmp.Compare(were[x].member, were[y].member), slices.Compare(share(x), share(y)))
		})
		first := n
		for _, at := range order {
			if n > first && a.parts[n-1].member == were[at].member {
				sum := a.weights[(n-1)*width:][:width]
				for c, w := range share(at) {
					sum[c] += w
				}
				continue
			}
			a.parts[n] = part{were[at].member, uint32(len(groups))}
			copy(a.weights[n*width:], share(at))
			members[were[at].member+1]++
			n++
		}
		groups = append(groups, uint32(first))
	}
	groups = append(groups, uint32(n))
	a.parts, a.weights = a.parts[:n], a.weights[:n*width]
	for i := range place {
		members[i+1] += members[i]
	}
	rows, next := make([]uint32, n), slices.Clone(members)
	for i := range a.parts {
		at := &next[a.parts[i].member]
		rows[*at] = uint32(i)
		*at++
	}
	return groups, members, rows
}

// Project joins the nodes of one kind that have a neighbour of another kind in common; see [Affiliations.Project] for the weights and the cap. Only
// edges between these two kinds count, so that organizations joined through repositories did work there themselves. All nodes of the
// kind are in it, and keep their ids.
func Project(g *Graph, onto, through Kind, most int) (*Graph, Crowded, error) {
	a := NewAffiliations(g.columns...)
	lo, hi := g.Range(onto)
	weights := make([]float64, len(g.columns))
	for i := lo; i < hi; i++ {
		member, err := a.AddNode(g.nodes[i])
		if err != nil {
			return nil, Crowded{}, err
		}
		nodes, edges := g.Neighbors(i)
		for j, u := range nodes {
			if g.nodes[u].Kind != through {
				continue
			}
			for c := range weights {
				weights[c] = g.weights[c][edges[j]]
			}
			if err := a.Add(member, u, weights...); err != nil {
				return nil, Crowded{}, err
			}
		}
	}
	return a.Project(plurals[through], most)
}

// Merge makes one node of each set of nodes: it has the sums of their edges to others, and none within. Sets must not overlap; into gives the set of
// each node, or -1 for those that stay as they are. The merged nodes are organizations under the keys and labels of names, which must be unique; there
// must be no other organizations. places gives where each node of g went.
func Merge(g *Graph, into []int, names []string) (merged *Graph, places []int, err error) {
	b := NewBuilder(g.columns...)
	refs := make([]Ref, len(g.nodes))
	for i, name := range names {
		if err := b.AddNode(Node{Kind: Organization, Key: name, Label: name}); err != nil {
			return nil, nil, fmt.Errorf("merging nodes: %w", err)
		}
		if len(b.nodes) == i {
			return nil, nil, fmt.Errorf("merging nodes: two sets are called %q: %w", name, ErrConflict)
		}
	}
	for i, n := range g.nodes {
		refs[i] = Ref{n.Kind, n.Key}
		switch {
		case into[i] >= 0:
			refs[i] = Ref{Organization, names[into[i]]}
		case n.Kind == Organization:
			return nil, nil, fmt.Errorf("merging nodes beside %v: %w", refs[i], ErrNode)
		default:
			if err := b.AddNode(n); err != nil {
				return nil, nil, fmt.Errorf("merging nodes: %w", err)
			}
		}
	}
	weights := make([]float64, len(g.columns))
	for e, ends := range g.ends {
		x, y := refs[ends[0]], refs[ends[1]]
		if x == y {
			continue
		}
		for c := range weights {
			weights[c] = g.weights[c][e]
		}
		if err := b.AddEdge(x, y, weights...); err != nil {
			return nil, nil, fmt.Errorf("merging nodes: %w", err)
		}
	}
	if merged, err = b.Build(); err != nil {
		return nil, nil, fmt.Errorf("merging nodes: %w", err)
	}
	places = make([]int, len(refs))
	for i, r := range refs {
		places[i], _ = merged.Find(r)
	}
	return merged, places, nil
}
