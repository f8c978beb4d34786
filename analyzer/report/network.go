package report

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"orrery/analyzer/measure"
	"orrery/analyzer/people"
	"orrery/graph"
)

// Network says how the ecosystem hangs together, period by period: who works beside whom.
type Network struct {
	// Most is how many people may share a file that joins them; Random how many sets of people an organization is compared with.
	Most    int             `json:"most"`
	Random  int             `json:"random"`
	Periods []NetworkPeriod `json:"periods"`
}

// NetworkPeriod is the network of a window or a quarter: organizations joined by repositories in which both worked, people by files that both changed.
type NetworkPeriod struct {
	Period        Period       `json:"period"`
	Organizations NetworkShape `json:"organizations"`
	People        NetworkShape `json:"people"`
	Central       []Centrality `json:"central"` // by strength, then by name

	// Of windows alone, for tables.
	collaboration collaborations // people, by files
	sideBySide    collaborations // organizations, by files
	holdings      holdings       // of the period's end
}

// NetworkShape is one network as a whole. Pointers are nil where a figure is not defined.
type NetworkShape struct {
	Nodes       int      `json:"nodes"`
	Edges       int      `json:"edges"`
	Communities int      `json:"communities"`
	Modularity  *float64 `json:"modularity"`

	DegreeCentralization      *float64 `json:"degree_centralization"`
	BetweennessCentralization *float64 `json:"betweenness_centralization"`
	// Left of Shared groups (repositories, files) with two or more members joined nobody, for they had too many.
	Left   int `json:"left"`
	Shared int `json:"shared"`
	// Paths is how many shortest paths betweenness is estimated from, 0 where it is exact; Off how far that of a node may be off, for all nodes at
	// once with a probability of 90 %.
	Paths int     `json:"paths"`
	Off   float64 `json:"off"`
}

// Centrality is how central an organization is. The metrics say how each figure is made.
type Centrality struct {
	Organization string  `json:"organization"`
	Class        string  `json:"class"`
	Repositories int     `json:"repositories"` // that it worked in
	Commits      uint64  `json:"commits"`
	Degree       int     `json:"degree"`
	Strength     float64 `json:"strength"`
	Betweenness  float64 `json:"betweenness"`
	PageRank     float64 `json:"pagerank"`
	Harmonic     float64 `json:"harmonic_closeness"`
	Core         int     `json:"core_number"`
	Community    int     `json:"community"`
	// People are those who did most of their commits in the period for it, and changed a file that counts. The rest is of the network of people, nil
	// without any.
	People int    `json:"people"`
	Group  *Group `json:"group,omitempty"`
}

// Group is the centrality of an organization as a set of people.
type Group struct {
	Degree            float64 `json:"group_degree"`
	RandomDegree      float64 `json:"random_group_degree"`
	Betweenness       float64 `json:"group_betweenness"`
	RandomBetweenness float64 `json:"random_group_betweenness"`
	Off               float64 `json:"group_betweenness_off"` // 0 where it is exact
	// As one node among the others.
	MergedDegree      int     `json:"merged_degree"`
	MergedStrength    float64 `json:"merged_strength"` // ties by shared files
	MergedBetweenness float64 `json:"merged_betweenness"`
	MergedOff         float64 `json:"merged_betweenness_off"`
}

// collaborations are all of a network, without reviews. There are many: they take 8 bytes and 8 for each weight.
type collaborations struct {
	names   []string
	ends    [][2]uint32 // into names
	weights [][]float64 // by column
}

// holdings are what stands of everybody's work, by repository, person and party. There are many: they take 24 bytes each.
type holdings struct {
	names []string
	rows  []held
}

// held is what stands of somebody's work for a party in a repository; the first three are indices of names.
type held struct {
	repository, person, party uint32
	lines                     uint64
}

func (b *builder) holdings(list []measure.Holding) holdings {
	var all holdings
	numbers := map[string]uint32{} // names of all kinds are told apart by what they stand for in a row
	number := func(name string) uint32 {
		n, ok := numbers[name]
		if !ok {
			n = uint32(len(all.names))
			numbers[name] = n
			all.names = append(all.names, name)
		}
		return n
	}
	all.rows = kept(b.Spill, 1, len(list), func(i int, row *held) {
		h := &list[i]
		*row = held{number(h.Repository), number(b.Persons[h.Person].Pseudonym), number(b.party(h.Organization, h.Class)), h.Lines}
	})
	return all
}

const (
	// sharedByMost: a file that more people changed in a period says little of who works with whom. Lists of everything (of owners, of tests, of
	// names to build) are such files.
	sharedByMost = 30
	randomSets   = 50
	// exactSteps is up to how many nodes times edges times sets group betweenness is exact; else paths are sampled so that a node is off by
	// windowEpsilon or quarterEpsilon of pairs at most. Up to here exact figures cost a run next to nothing.
	exactSteps     = 3e6
	windowEpsilon  = 0.02
	quarterEpsilon = 0.05
)

// AddNetwork measures the network of the windows that go by dates, and of quarters. Files with work are taken from the result that the model was
// built of.
func (m *Model) AddNetwork(result *measure.Result, resolution *people.Resolution) error {
	b := builder{resolution, Options{Spill: m.spill}}
	n := &Network{Most: sharedByMost, Random: randomSets}
	var periods []measure.Period
	for _, p := range result.Windows {
		if p.Kind != measure.KindRange {
			periods = append(periods, p)
		}
	}
	for i := range result.Series {
		if f := &result.Series[i]; f.Scope.Kind == measure.ScopeEcosystem && f.Period.Kind == measure.KindQuarter {
			periods = append(periods, f.Period)
		}
	}
	n.Periods = make([]NetworkPeriod, len(periods))
	// Side by side: most of a period's steps are too short to be shared out themselves.
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, p := range periods {
		g.Go(func() error {
			one, err := b.networkOf(result, p)
			if err != nil {
				return fmt.Errorf("measuring the network of %s: %w", p.Name, err)
			}
			n.Periods[i] = *one
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	m.Network = n
	return nil
}

// networks are the periods of the network, none if it was not measured.
func (m *Model) networks() []NetworkPeriod {
	if m.Network == nil {
		return nil
	}
	return m.Network.Periods
}

func (b *builder) networkOf(result *measure.Result, p measure.Period) (*NetworkPeriod, error) {
	within := make([]bool, len(result.Ledger.Slices))
	for i, s := range result.Ledger.Slices {
		within[i] = p.All() || i > 0 && s.From >= p.From && s.To <= p.To
	}
	out := &NetworkPeriod{Period: period(p)}
	homes, err := b.organizationNetwork(result, within, out)
	if err == nil {
		err = b.peopleNetwork(result, within, homes, out)
	}
	if err != nil {
		return nil, err
	}
	if w := slices.IndexFunc(result.Windows, func(w measure.Period) bool { return w.Name == p.Name }); p.Kind == measure.KindWindow && result.Holdings != nil {
		out.holdings = b.holdings(result.Holdings[w])
	}
	slices.SortFunc(out.Central, func(x, y Centrality) int {
		return cmp.Or(cmp.Compare(y.Strength, x.Strength), cmp.Compare(y.Commits, x.Commits), cmp.Compare(x.Organization, y.Organization))
	})
	return out, nil
}

// organizationNetwork measures organizations by shared repositories, and tells for whom each person worked most.
func (b *builder) organizationNetwork(result *measure.Result, within []bool, out *NetworkPeriod) (homes map[int]int, err error) {
	build := graph.NewBuilder(Columns...)
	type side struct{ person, organization int }
	commits := map[side]uint64{}
	totals := map[string]uint64{}
	for i := range result.Ledger.Entries {
		e := &result.Ledger.Entries[i]
		if !within[e.Slice] {
			continue
		}
		commits[side{e.Person, e.Organization}] += e.Commits
		if e.Organization == people.NoOrganization {
			continue
		}
		o := &b.Organizations[e.Organization]
		totals[o.Name] += e.Commits
		for _, n := range []graph.Node{
			{Kind: graph.Organization, Key: o.Name, Label: o.Name, Class: o.Class.String(), Country: o.Country},
			{Kind: graph.Repository, Key: e.Repository, Label: e.Repository},
		} {
			if err := build.AddNode(n); err != nil {
				return nil, err
			}
		}
		err := build.AddEdge(graph.Ref{Kind: graph.Organization, Key: o.Name}, graph.Ref{Kind: graph.Repository, Key: e.Repository},
			float64(e.Commits), float64(e.Added+e.Removed))
		if err != nil {
			return nil, err
		}
	}
	whole, err := build.Build()
	if err != nil {
		return nil, err
	}
	g, crowded, err := graph.Project(whole, graph.Organization, graph.Repository, 0)
	if err != nil {
		return nil, err
	}
	column, _ := g.Column("commits")
	profile := graph.Measure(g, column)
	out.Organizations = shape(g, profile.Communities, crowded)
	out.Organizations.Modularity = defined(profile.Modularity)
	out.Organizations.DegreeCentralization = defined(profile.DegreeCentralization)
	out.Organizations.BetweennessCentralization = defined(profile.BetweennessCentralization)
	if profile.Paths != nil {
		out.Organizations.Paths, out.Organizations.Off = profile.Paths.Samples, profile.Off
	}
	out.Central = []Centrality{}
	for i := range g.NumNodes() {
		n := g.Node(i)
		at, _ := whole.Find(graph.Ref{Kind: graph.Organization, Key: n.Key})
		repositories, _ := whole.Neighbors(at)
		out.Central = append(out.Central, Centrality{
			Organization: n.Key, Class: n.Class, Repositories: len(repositories), Commits: totals[n.Key], Degree: profile.Degrees[i],
			Strength: profile.Strengths[i], Betweenness: six(profile.Betweenness[i]), PageRank: six(profile.PageRank[i]), Harmonic: six(profile.Harmonic[i]),
			Core: profile.Cores[i], Community: profile.Communities[i],
		})
	}
	homes = map[int]int{}
	for s, n := range commits {
		home, ok := homes[s.person]
		most := commits[side{s.person, home}]
		// Organizations are in order of their names, no organization comes before.
		if !ok || n > most || n == most && s.organization < home {
			homes[s.person] = s.organization
		}
	}
	return homes, nil
}

// peopleNetwork measures organizations as sets of people, joined by files.
func (b *builder) peopleNetwork(result *measure.Result, within []bool, homes map[int]int, out *NetworkPeriod) error {
	window := out.Period.Kind == measure.KindWindow
	columns := Columns
	if window {
		columns = append(slices.Clone(Columns), survivingColumn)
	}
	byFile := fileNetworks{
		builder: b, people: graph.NewAffiliations(columns...), organizations: graph.NewAffiliations(columns...), homes: homes, window: window,
		members: map[uint32]uint32{}, places: map[uint32]int{},
	}
	if err := byFile.add(result, within, out.Period.Name); err != nil {
		return err
	}
	g, crowded, err := byFile.people.Project("files", sharedByMost)
	if err != nil {
		return err
	}
	communities := graph.Communities(g, 1)
	out.People = shape(g, communities, crowded)
	out.People.Modularity = defined(graph.Modularity(g, 1, communities))
	out.People.DegreeCentralization = defined(graph.DegreeCentralization(g))
	if window {
		out.collaboration = pairsOf(g)
		organizations, _, err := byFile.organizations.Project("files", 0)
		if err != nil {
			return err
		}
		out.sideBySide = pairsOf(organizations)
	}

	into := slices.Repeat([]int{-1}, g.NumNodes())
	bySet := map[string]int{}
	for i := range out.Central {
		bySet[out.Central[i].Organization] = i
	}
	sets := make([][]int, len(out.Central))
	for person, home := range homes {
		if home == people.NoOrganization {
			continue
		}
		if i, ok := g.Find(graph.Ref{Kind: graph.Person, Key: b.Persons[person].Pseudonym}); ok {
			into[i] = bySet[b.Organizations[home].Name]
		}
	}
	for i, set := range into {
		if set >= 0 {
			sets[set] = append(sets[set], i)
		}
	}
	var names []string
	var members [][]int
	rank := make([]int, len(sets))
	for i, set := range sets {
		if len(set) > 0 {
			rank[i] = len(names)
			names, members = append(names, out.Central[i].Organization), append(members, set)
		}
	}
	for i, set := range into {
		if set >= 0 {
			into[i] = rank[set]
		}
	}

	epsilon := quarterEpsilon
	if out.Period.Kind == measure.KindWindow {
		epsilon = windowEpsilon
	}
	steps := float64(g.NumNodes()) * float64(g.NumEdges())
	var paths *graph.Paths
	if steps*float64(len(members)*(1+randomSets)) > exactSteps {
		paths = graph.SamplePaths(g, epsilon, graph.Delta, 1)
		out.People.Paths, out.People.Off = paths.Samples, paths.Error
		out.People.BetweennessCentralization = defined(graph.BetweennessCentralization(paths.Betweenness()))
	} else {
		out.People.BetweennessCentralization = defined(graph.BetweennessCentralization(graph.Betweenness(g, graph.Unweighted)))
	}
	groups := graph.Groups(g, members, 0, g.NumNodes(), randomSets, 1, paths)
	merged, _, err := graph.Merge(g, into, names)
	if err != nil {
		return err
	}
	between, off := betweenness(merged, epsilon)
	degrees, strengths := graph.Degrees(merged), graph.Strengths(merged, 1)
	for k, name := range names {
		at, _ := merged.Find(graph.Ref{Kind: graph.Organization, Key: name})
		o := &out.Central[bySet[name]]
		o.People = len(members[k])
		o.Group = &Group{
			Degree: six(groups[k].Degree), RandomDegree: six(groups[k].RandomDegree), Betweenness: six(groups[k].Betweenness),
			RandomBetweenness: six(groups[k].RandomBetweenness), Off: six(groups[k].Error),
			MergedDegree: degrees[at], MergedStrength: six(strengths[at]), MergedBetweenness: six(between[at]), MergedOff: six(off),
		}
	}
	return nil
}

// fileNetworks collect who changed which files.
type fileNetworks struct {
	*builder
	people, organizations *graph.Affiliations
	homes                 map[int]int // whom each person worked for most
	window                bool        // what stands is a weight too
	// members are the numbers that people have among these by that in the resolution: files have millions of rows, persons some ten thousand.
	members map[uint32]uint32
	who     []fileWork     // of one file
	places  map[uint32]int // of persons in who, once these are many
}

// fileWork is what a person did in a file in a period, and what stands of it at its end.
type fileWork struct {
	person                     uint32
	commits, changed, standing float64
}

// add takes the files of a period. Files that too many people changed join organizations no more than people.
func (n *fileNetworks) add(result *measure.Result, within []bool, period string) error {
	var stocks []measure.FileStock
	if w := slices.IndexFunc(result.Windows, func(p measure.Period) bool { return p.Name == period }); n.window && result.FileStocks != nil {
		stocks = result.FileStocks[w]
	}
	for lo, hi := 0, 0; lo < len(result.Files); lo = hi {
		file := result.Files[lo].File
		n.who = n.who[:0]
		for hi = lo; hi < len(result.Files) && result.Files[hi].File == file; hi++ {
			if f := &result.Files[hi]; within[f.Slice] {
				w := n.of(f.Person)
				w.commits += float64(f.Commits)
				w.changed += float64(f.Changed)
			}
		}
		for len(stocks) > 0 && stocks[0].File < file {
			stocks = stocks[1:]
		}
		for many := len(n.who); len(stocks) > 0 && stocks[0].File == file; stocks = stocks[1:] {
			// Whoever did nothing in the period does not come in by what stands.
			if w := n.of(stocks[0].Person); len(n.who) > many {
				n.forget()
			} else {
				w.standing = float64(stocks[0].Lines)
			}
		}
		for i := range n.who {
			if err := n.put(file, &n.who[i], len(n.who)); err != nil {
				return err
			}
		}
	}
	return nil
}

// looked is how many people of a file are looked through one by one.
const looked = 32

// of gives what a person did in the file at hand.
func (n *fileNetworks) of(person uint32) *fileWork {
	var at int
	var ok bool
	if len(n.who) <= looked {
		at = slices.IndexFunc(n.who, func(w fileWork) bool { return w.person == person })
		ok = at >= 0
	} else {
		if len(n.who) == looked+1 {
			clear(n.places)
			for i := range n.who {
				n.places[n.who[i].person] = i
			}
		}
		at, ok = n.places[person]
	}
	if !ok {
		at = len(n.who)
		n.who = append(n.who, fileWork{person: person})
		if len(n.who) > looked+1 {
			n.places[person] = at
		}
	}
	return &n.who[at]
}

// forget takes the last person out again.
func (n *fileNetworks) forget() {
	last := len(n.who) - 1
	delete(n.places, n.who[last].person)
	n.who = n.who[:last]
}

// put adds one of so many who changed a file. Whoever did alone is a node, and no more: most files have one, and join nobody.
func (n *fileNetworks) put(file uint32, w *fileWork, of int) (err error) {
	weights := []float64{w.commits, w.changed, w.standing}
	if !n.window {
		weights = weights[:2]
	}
	member, ok := n.members[w.person]
	if !ok {
		pseudonym := n.Persons[w.person].Pseudonym
		if member, err = n.people.AddNode(personNode(pseudonym, pseudonym)); err != nil {
			return err
		}
		n.members[w.person] = member
	}
	if of > 1 {
		if err = n.people.Add(member, file, weights...); err != nil {
			return err
		}
	}
	home, ok := n.homes[int(w.person)]
	if !n.window || of > sharedByMost || !ok || home == people.NoOrganization {
		return nil
	}
	name := n.Organizations[home].Name
	member, err = n.organizations.AddNode(graph.Node{Kind: graph.Organization, Key: name, Label: name})
	if err == nil && of > 1 {
		err = n.organizations.Add(member, file, weights...)
	}
	return err
}

// pairsOf lists the edges of a projection.
func pairsOf(g *graph.Graph) collaborations {
	list := collaborations{names: make([]string, g.NumNodes()), ends: make([][2]uint32, g.NumEdges())}
	for i := range list.names {
		list.names[i] = g.Node(i).Key
	}
	for e := range list.ends {
		i, j := g.Ends(e)
		list.ends[e] = [2]uint32{uint32(i), uint32(j)}
	}
	for column := range g.Columns() {
		list.weights = append(list.weights, g.Weights(column))
	}
	return list
}

// withReviews adds how often the two of each pair reviewed, approved or took in each other's changes, and the pairs that share no file and did; in order of names.
func (p *NetworkPeriod) withReviews(list *collaborations, pairs []actsWith, ends func(a *actsWith) [2]string, do func(a, b string, weights []float64)) {
	acts := map[[2]string]float64{}
	for i := range pairs {
		if at := ends(&pairs[i]); pairs[i].window == p.Period.Name && at[0] != "" && at[1] != "" && at[0] != at[1] {
			acts[[2]string{min(at[0], at[1]), max(at[0], at[1])}] += float64(pairs[i].acts)
		}
	}
	pair := func(e uint32) [2]string {
		a, b := list.names[list.ends[e][0]], list.names[list.ends[e][1]]
		return [2]string{min(a, b), max(a, b)}
	}
	compare := func(x, y [2]string) int { return cmp.Or(cmp.Compare(x[0], y[0]), cmp.Compare(x[1], y[1])) }
	order, rest := make([]uint32, len(list.ends)), maps.Clone(acts) // of those who only reviewed
	for e := range order {
		order[e] = uint32(e)
		delete(rest, pair(uint32(e)))
	}
	slices.SortFunc(order, func(x, y uint32) int { return compare(pair(x), pair(y)) })
	reviewers := slices.SortedFunc(maps.Keys(rest), compare)
	weights := make([]float64, len(collaborationColumns))
	reviews := len(weights) - 1
	for len(order)+len(reviewers) > 0 {
		var at [2]string
		if len(order) == 0 || len(reviewers) > 0 && compare(reviewers[0], pair(order[0])) < 0 {
			at, reviewers = reviewers[0], reviewers[1:]
			clear(weights)
		} else {
			at = pair(order[0])
			for i, column := range list.weights {
				weights[i] = column[order[0]]
			}
			order = order[1:]
		}
		weights[reviews] = acts[at]
		do(at[0], at[1], weights)
	}
}

// collaborationColumns are the weights of tables of pairs.
var collaborationColumns = []string{graph.SharedColumn, graph.TiesColumn, measure.KeyCommits, measure.KeyChanged, measure.KeySurviving, measure.KeyReviews}

// betweenness gives it as a share of the pairs of others, and how far it may be off.
func betweenness(g *graph.Graph, epsilon float64) (shares []float64, off float64) {
	n := float64(g.NumNodes())
	if n*float64(g.NumEdges()) <= exactSteps {
		shares = graph.Betweenness(g, graph.Unweighted)
	} else {
		shares, off = graph.SamplePaths(g, epsilon, graph.Delta, 1).Betweenness(), epsilon*n/(n-2)
	}
	for i := range shares {
		if n > 2 {
			shares[i] /= (n - 1) * (n - 2) / 2
		}
	}
	return shares, off
}

func shape(g *graph.Graph, communities []int, crowded graph.Crowded) NetworkShape {
	s := NetworkShape{Nodes: g.NumNodes(), Edges: g.NumEdges(), Left: crowded.Left, Shared: crowded.Groups}
	for _, c := range communities {
		s.Communities = max(s.Communities, c+1)
	}
	return s
}

// six digits suffice, and there is no -0 among them.
func six(x float64) float64 { return math.Round(x*1e6)/1e6 + 0 }

// defined is nil for what is not a number.
func defined(x float64) *float64 {
	if math.IsNaN(x) {
		return nil
	}
	x = six(x)
	return &x
}

// networkTables are the tables of the network.
var networkTables = []Table{
	{
		"centrality",
		"organizations in the network of those that work in the same repositories, and as sets of people in the network of people who change the same files, by window and quarter: who became central when; random_: means of sets of as many people; off: how far an estimate may be off, 0 where it is exact",
		[]string{
			"period_kind", "period", "partial", "organization", "class", "repositories", "commits", "degree", "strength", "betweenness", "pagerank",
			"harmonic_closeness", "core_number", "community", "people", "group_degree", "random_group_degree", "group_betweenness",
			"random_group_betweenness", "group_betweenness_off", "merged_degree", "merged_strength", "merged_betweenness", "merged_betweenness_off",
		},
		func(m *Model, add func(...any)) {
			for i := range m.networks() {
				p := &m.Network.Periods[i]
				for j := range p.Central {
					c := &p.Central[j]
					cells := []any{
						p.Period.Kind, p.Period.Name, p.Period.Partial, c.Organization, c.Class, c.Repositories, c.Commits, c.Degree, c.Strength,
						c.Betweenness, c.PageRank, c.Harmonic, c.Core, c.Community, c.People,
					}
					if o := c.Group; o != nil {
						cells = append(cells, o.Degree, o.RandomDegree, o.Betweenness, o.RandomBetweenness, o.Off,
							o.MergedDegree, o.MergedStrength, o.MergedBetweenness, o.MergedOff)
					} else {
						cells = append(cells, make([]any, 9)...)
					}
					add(cells...)
				}
			}
		},
	},
	{
		"networks",
		"the network of organizations (joined by repositories) and that of people (joined by files) as a whole, by window and quarter; left: of the repositories or files that two or more share, those that join nobody because too many do; paths and off: what betweenness is estimated from, and how far it may be off",
		[]string{
			"period_kind", "period", "partial", "network", "nodes", "edges", "communities", "modularity", "degree_centralization",
			"betweenness_centralization", "left", "shared", "paths", "off",
		},
		func(m *Model, add func(...any)) {
			for i := range m.networks() {
				p := &m.Network.Periods[i]
				for at, s := range []*NetworkShape{&p.Organizations, &p.People} {
					add(p.Period.Kind, p.Period.Name, p.Period.Partial, [...]string{"organizations", "people"}[at], s.Nodes, s.Edges, s.Communities, s.Modularity,
						s.DegreeCentralization, s.BetweennessCentralization, s.Left, s.Shared, s.Paths, s.Off)
				}
			}
		},
	},
	{
		CollaborationTable,
		"people who changed the same files in a window, or reviewed each other's changes, in pairs, under pseudonyms; ties: the sum over shared files of 1/(people who changed it - 1); commits, changed, and surviving (lines that stand at the window's end): the sum over shared files of the smaller of both numbers; reviews: acts of either with changes of the other, wherever",
		append([]string{"window", "person", "other"}, collaborationColumns...),
		func(m *Model, add func(...any)) {
			m.pairs(add, func(p *NetworkPeriod) *collaborations { return &p.collaboration }, func(a *actsWith) [2]string { return a.people })
		},
	},
	{
		SideBySideTable,
		"the same of organizations, by the people who worked for each most in the window; reviews: by whom both worked for then",
		append([]string{"window", "organization", "other"}, collaborationColumns...),
		func(m *Model, add func(...any)) {
			m.pairs(add, func(p *NetworkPeriod) *collaborations { return &p.sideBySide }, func(a *actsWith) [2]string { return a.organizations })
		},
	},
	{
		ContributionsTable,
		"who worked where and for whom, by window, under pseudonyms: commits and changed lines of the window, lines of that work that stand at its end (of earlier work too), and reviews, approvals and integrations of others' changes; classes in parentheses: no organization known; without a person: reviews by accounts of which there is no commit",
		[]string{"window", "repository", "person", "organization", "commits", "changed", "surviving", "reviews"},
		func(m *Model, add func(...any)) {
			for i := range m.networks() {
				p := &m.Network.Periods[i]
				if p.Period.Kind != measure.KindWindow {
					continue
				}
				m.works(p, func(repository string, w *work) {
					add(p.Period.Name, repository, w.person, w.party, w.commits, w.changed, w.surviving, w.reviews)
				})
			}
		},
	},
}

// pairs writes a table of pairs.
func (m *Model) pairs(add func(...any), list func(p *NetworkPeriod) *collaborations, ends func(a *actsWith) [2]string) {
	var acts []actsWith
	if m.Control != nil {
		acts = m.Control.pairs
	}
	for i := range m.networks() {
		p := &m.Network.Periods[i]
		if p.Period.Kind != measure.KindWindow {
			continue
		}
		p.withReviews(list(p), acts, ends, func(a, b string, weights []float64) {
			cells := []any{p.Period.Name, a, b}
			for _, w := range weights {
				cells = append(cells, w)
			}
			add(cells...)
		})
	}
}

// work is what somebody did somewhere for a party.
type work struct {
	person, party                        string
	commits, changed, surviving, reviews uint64
}

// works puts together what the ledger, standing lines and reviews say of a window, in order of names: one repository after the other.
func (m *Model) works(p *NetworkPeriod, do func(repository string, w *work)) {
	type place struct {
		rows []LedgerRow
		held []held
		acts []actsBy
	}
	places := map[string]*place{}
	at := func(repository string) *place {
		if places[repository] == nil {
			places[repository] = &place{}
		}
		return places[repository]
	}
	l := m.Ledger
	if l == nil {
		l = &Ledger{}
	}
	// Rows and standing lines are by repository.
	stretches(l.Rows, func(r *LedgerRow) uint64 { return r[0] }, func(rows []LedgerRow) { at(l.Repositories[rows[0][0]]).rows = rows })
	names := p.holdings.names
	stretches(p.holdings.rows, func(h *held) uint64 { return uint64(h.repository) }, func(rows []held) { at(names[rows[0].repository]).held = rows })
	if m.Control != nil {
		for _, a := range m.Control.people {
			if a.window == p.Period.Name {
				of := at(a.repository)
				of.acts = append(of.acts, a)
			}
		}
	}
	for _, repository := range slices.Sorted(maps.Keys(places)) {
		of := places[repository]
		type key struct{ person, party string }
		all := map[key]*work{}
		at := func(person, party string) *work {
			k := key{person, party}
			if all[k] == nil {
				all[k] = &work{person: person, party: party}
			}
			return all[k]
		}
		for i := range of.rows {
			if row := &of.rows[i]; l.Slices[row[1]].within(p.Period) {
				w := at(l.People[row[2]], l.Parties[row[3]].Name)
				w.commits, w.changed = plus(w.commits, row[4]), plus(w.changed, plus(row[5], row[6]))
			}
		}
		for i := range of.held {
			h := &of.held[i]
			w := at(names[h.person], names[h.party])
			w.surviving = plus(w.surviving, h.lines)
		}
		for _, a := range of.acts {
			w := at(a.person, a.party)
			w.reviews = plus(w.reviews, uint64(a.acts))
		}
		list := slices.SortedFunc(maps.Values(all), func(x, y *work) int { return cmp.Or(cmp.Compare(x.person, y.person), cmp.Compare(x.party, y.party)) })
		for _, w := range list {
			do(repository, w)
		}
	}
}

// stretches cuts a list where the key of its rows changes.
func stretches[T any](list []T, key func(*T) uint64, do func([]T)) {
	for lo, hi := 0, 0; lo < len(list); lo = hi {
		for hi = lo + 1; hi < len(list) && key(&list[hi]) == key(&list[lo]); hi++ {
		}
		do(list[lo:hi])
	}
}
