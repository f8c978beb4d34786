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
// It takes O(p log p + sum k^2) for p affiliations, and memory for these and the edges only. Sums go by the numbers of groups.
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
	members, groups := a.rows(place)
	sums := make([][]float64, len(columns))
	for c := range sums {
		sums[c] = make([]float64, len(g.nodes))
	}
	width := len(a.columns)
	var met []uint32
	for i := range g.nodes {
		met = met[:0]
		for at := members.start[i]; at < members.start[i+1]; at++ {
			group := members.other[at]
			lo, hi := groups.start[group], groups.start[group+1]
			if k := int(hi - lo); k < 2 || most > 0 && k > most {
				continue
			}
			tie := 1 / float64(hi-lo-1)
			ours := members.weights[int(at)*width:][:width]
			others := groups.other[lo:hi]
			first, _ := slices.BinarySearch(others, uint32(i)+1)
			for j := first; j < len(others); j++ {
				u := others[j]
				if sums[0][u] == 0 {
					met = append(met, u)
				}
				sums[0][u]++
				sums[1][u] += tie
				theirs := groups.weights[(int(lo)+j)*width:][:width]
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
	for i := 1; i < len(groups.start); i++ {
		if k := int(groups.start[i] - groups.start[i-1]); k >= 2 {
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
	g.freeze()
	return g, crowded, nil
}

// rows are affiliations by one of their sides: those of i are [start[i], start[i+1]), ascending by the other side.
type rows struct {
	start, other []uint32
	weights      []float64
}

// rows gives the affiliations by member and by group, each pair once. Members go by their places, groups by rank.
func (a *Affiliations) rows(place []uint32) (members, groups rows) {
	order := make([]uint32, len(a.parts))
	for i := range order {
		order[i] = uint32(i)
	}
	width := len(a.columns)
	// Whoever adds group after group saves most of the sorting: then each is sorted for itself.
	byGroup := func(x, y uint32) int { return cmp.Compare(a.parts[x].group, a.parts[y].group) }
	if !slices.IsSortedFunc(order, byGroup) {
		slices.SortFunc(order, byGroup)
	}
	for lo := 0; lo < len(order); {
		hi := lo + 1
		for hi < len(order) && byGroup(order[lo], order[hi]) == 0 {
			hi++
		}
		slices.SortFunc(order[lo:hi], func(x, y uint32) int {
			return cmp.Or(cmp.Compare(place[a.parts[x].member], place[a.parts[y].member]),
				slices.Compare(a.weights[int(x)*width:][:width], a.weights[int(y)*width:][:width]))
		})
		lo = hi
	}
	count := make([]uint32, len(place)+1)
	last := part{}
	for i, at := range order {
		p := a.parts[at]
		w := a.weights[int(at)*width:][:width]
		if i > 0 && p == last {
			sum := groups.weights[len(groups.weights)-width:]
			for c := range w {
				sum[c] += w[c]
			}
			continue
		}
		if i == 0 || p.group != last.group {
			groups.start = append(groups.start, uint32(len(groups.other)))
		}
		last = p
		groups.other = append(groups.other, place[p.member])
		groups.weights = append(groups.weights, w...)
		count[place[p.member]+1]++
	}
	groups.start = append(groups.start, uint32(len(groups.other)))
	for i := range place {
		count[i+1] += count[i]
	}
	members = rows{start: slices.Clone(count), other: make([]uint32, len(groups.other)), weights: make([]float64, len(groups.weights))}
	for group := range len(groups.start) - 1 {
		for at := groups.start[group]; at < groups.start[group+1]; at++ {
			to := &count[groups.other[at]]
			members.other[*to] = uint32(group)
			copy(members.weights[int(*to)*width:], groups.weights[int(at)*width:][:width])
			*to++
		}
	}
	return members, groups
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
