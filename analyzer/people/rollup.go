package people

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Level is what organizations are rolled up to.
type Level string

// The levels.
const (
	LevelBrand   Level = "brand"   // the entries of the directory, each by itself
	LevelEntity  Level = "entity"  // the legal entity that an entry names, or else the entry itself
	LevelParent  Level = "parent"  // whoever stands at the top of the entry's parents at the date of the contribution
	LevelCountry Level = "country" // the jurisdiction of the entry's seat
)

// Levels lists them, the finest first.
func Levels() []string {
	return []string{string(LevelBrand), string(LevelEntity), string(LevelParent), string(LevelCountry)}
}

// Reading is how contractors are read.
type Reading string

// The readings.
const (
	ReadBoth   Reading = "both"   // as firms of their own and merged with their client, side by side
	ReadApart  Reading = "apart"  // as firms of their own alone
	ReadClient Reading = "client" // as their client alone
)

// Readings lists them, the default first.
func Readings() []string { return []string{string(ReadBoth), string(ReadApart), string(ReadClient)} }

// NoCountry is the name of the organization that those without a stated seat are rolled up to.
const NoCountry = "country not stated"

// rolled is what an organization counts as from a day on.
type rolled struct {
	from         int32
	organization int // into Resolution.Organizations
}

// node is an organization that others are rolled up to. Its name is unique among them.
type node struct {
	name, country string
	class         Class
	client        string // name of the client's node
}

// rollUp replaces the organizations of the directory by those of a level, and lays out which day each counts as which.
func (t *timelines) rollUp(a *attributor) {
	level, reading := cmp.Or(t.opts.RollUp, LevelBrand), cmp.Or(t.opts.Contractors, ReadBoth)
	if level == LevelBrand && reading == ReadBoth {
		return
	}
	from := slices.Clone(t.out.Organizations)
	byName := map[string]int{}
	for i := range from {
		byName[from[i].Name] = i
	}
	nodes := map[string]node{}
	keys := make([][]string, len(from)) // of the spans of a.rolled
	a.rolled = make([][]rolled, len(from))
	days := t.turns()
	for i := range from {
		for _, day := range days {
			n := t.nodeAt(&from[i], day, level, reading)
			if before, ok := nodes[n.name]; ok && before.client != n.client {
				n.name += " (for " + n.client + ")" // the client has changed hands
			} else if ok {
				n.country, n.class = cmp.Or(before.country, n.country), before.class
			}
			nodes[n.name] = n
			if last := len(keys[i]) - 1; last < 0 || keys[i][last] != n.name {
				keys[i] = append(keys[i], n.name)
				a.rolled[i] = append(a.rolled[i], rolled{from: day})
			}
		}
	}
	names := make([]string, 0, len(nodes))
	for name, n := range nodes {
		names = append(names, name)
		if n.client != "" && nodes[n.client].name == "" { // a client without work of its own
			nodes[n.client] = t.named(n.client, level)
			names = append(names, n.client)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	index := map[string]int{}
	t.out.Organizations = make([]Organization, len(names))
	for i, name := range names {
		index[name] = i
		t.out.Organizations[i] = Organization{Name: name, Class: nodes[name].class, Country: nodes[name].country, Client: NoOrganization, Parent: NoOrganization}
	}
	for i, name := range names {
		if client := nodes[name].client; client != "" {
			t.out.Organizations[i].Client = index[client]
		}
	}
	for i := range a.rolled {
		for k := range a.rolled[i] {
			a.rolled[i][k].organization = index[keys[i][k]]
		}
	}
}

// turns are the days on which a parent of anybody may change, with the beginning of time.
func (t *timelines) turns() []int32 {
	days := []int32{math.MinInt32}
	for i := range t.directory.organizations {
		for _, p := range t.directory.organizations[i].parents {
			days = append(days, p.valid.from, p.valid.to)
		}
	}
	slices.Sort(days)
	days = slices.Compact(days)
	if last := len(days) - 1; days[last] == math.MaxInt32 {
		days = days[:last]
	}
	return days
}

// nodeAt gives what an organization counts as on a day.
func (t *timelines) nodeAt(o *Organization, day int32, level Level, reading Reading) node {
	i, ok := t.directory.byName[normalizeName(o.Name)]
	if !ok { // one that only the suffix of its domain declares
		return country(node{name: o.Name, country: o.Country, class: o.Class}, level)
	}
	entry := &t.directory.organizations[i]
	if entry.class != Contractor || entry.client == NoOrganization {
		return t.directory.lift(i, day, level)
	}
	client := t.directory.lift(t.directory.ultimate(i), day, level)
	if reading == ReadClient {
		return client
	}
	n := node{name: entry.name, country: entry.country, class: Contractor, client: client.name}
	if level == LevelCountry {
		n.name = "contractors, " + cmp.Or(entry.country, NoCountry)
	}
	if reading == ReadApart {
		n.client = ""
	}
	return n
}

// ultimate gives the client of a contractor, or its client's client.
func (d *Directory) ultimate(i int) int {
	for d.organizations[i].class == Contractor && d.organizations[i].client != NoOrganization {
		i = d.organizations[i].client
	}
	return i
}

// lift gives what an entry that is no contractor counts as on a day.
func (d *Directory) lift(i int, day int32, level Level) node {
	if level == LevelParent {
		i = d.top(i, day)
	}
	o := &d.organizations[i]
	n := node{name: o.name, country: o.country, class: o.class}
	if level == LevelEntity && o.entity != "" {
		n.name = o.entity
		if k, ok := d.byName[normalizeName(o.entity)]; ok {
			o = &d.organizations[k]
			n = node{name: o.name, country: o.country, class: o.class}
		}
	}
	return country(n, level)
}

// Standing gives what an organization, by any of its names, counts as at a moment (Unix seconds) on a level; the name as it is if the directory does
// not know it.
func (d *Directory) Standing(name string, at int64, level Level) string {
	i, ok := d.byName[normalizeName(name)]
	if !ok {
		return name
	}
	return d.lift(i, dayOf(at), cmp.Or(level, LevelBrand)).name
}

// top gives the parent of the parents of an entry on a day, itself if it has none.
func (d *Directory) top(i int, day int32) int {
	for hops := 0; hops < len(d.organizations); hops++ { // circles are refused when files are read
		at := slices.IndexFunc(d.organizations[i].parents, func(p parent) bool { return p.valid.from <= day && day < p.valid.to })
		if at < 0 {
			break
		}
		i = d.organizations[i].parents[at].organization
	}
	return i
}

func country(n node, level Level) node {
	if level != LevelCountry {
		return n
	}
	return node{name: cmp.Or(n.country, NoCountry), country: n.country, class: Country}
}

// named gives the node of a name that nothing was rolled up to.
func (t *timelines) named(name string, level Level) node {
	if level == LevelCountry {
		return node{name: name, country: strings.TrimSuffix(name, NoCountry), class: Country}
	}
	n := node{name: name, class: Employer}
	if i, ok := t.directory.byName[normalizeName(name)]; ok {
		n.country, n.class = t.directory.organizations[i].country, t.directory.organizations[i].class
	}
	return n
}

// roll replaces an organization of the directory by what it counts as. What has no date counts as it does today.
func (a *attributor) roll(x Attribution, day int32, dated bool, to []Organization) Attribution {
	if a.rolled == nil || x.Organization == NoOrganization {
		return x
	}
	spans := a.rolled[x.Organization]
	k := len(spans) - 1
	if dated {
		k = search(len(spans), func(k int) bool { return spans[k].from <= day })
	}
	x.Organization = spans[k].organization
	x.Class = to[x.Organization].Class
	return x
}

// checkLevels refuses what is no level or reading.
func (o *Options) checkLevels() error {
	if o.RollUp != "" && !slices.Contains(Levels(), string(o.RollUp)) {
		return fmt.Errorf("resolving people: no level %q to roll up to; there are: %s", o.RollUp, strings.Join(Levels(), ", "))
	}
	if o.Contractors != "" && !slices.Contains(Readings(), string(o.Contractors)) {
		return fmt.Errorf("resolving people: contractors cannot be read as %q; there are: %s", o.Contractors, strings.Join(Readings(), ", "))
	}
	return nil
}
