package analyzer

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
)

// amount is what somebody has in a report.
type amount struct{ commits, lines int }

func (a amount) plus(b amount) amount  { return amount{a.commits + b.commits, a.lines + b.lines} }
func (a amount) minus(b amount) amount { return amount{a.commits - b.commits, a.lines - b.lines} }

// distance is small for what is nearly right, and grows slowly: an amount that fits exactly in one report says more than one that comes nearer
// in many.
func (a amount) distance() float64 {
	return math.Abs(float64(a.commits)) + math.Log2(1+math.Abs(float64(a.lines)))
}

// release is a published table by employers, and the facts by address.
type release struct {
	published map[string]amount
	addresses map[string]amount
}

// employerMap says for whom addresses and, where they are not listed, domains work; "" is the unknown.
type employerMap struct{ addresses, domains map[string]string }

func newEmployerMap() *employerMap { return &employerMap{map[string]string{}, map[string]string{}} }

func (m *employerMap) of(address string) string {
	if e, ok := m.addresses[address]; ok {
		return e
	}
	if e := m.domains[domainOf(address)]; e != "" {
		return e
	}
	return unknownEmployer
}

const unknownEmployer = "(Unknown)"

func domainOf(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }

// predict sums a release up by employer.
func (m *employerMap) predict(r *release) map[string]amount {
	sums := map[string]amount{}
	for address, x := range r.addresses {
		e := m.of(address)
		sums[e] = sums[e].plus(x)
	}
	return sums
}

// improve fits the map to releases, the newest of which count most: it gives domains, then single addresses, to other employers as long as
// that brings sums nearer to what was published. Greedy: nothing says that it finds the best map.
func (m *employerMap) improve(releases []*release, fade float64, singly bool) {
	type move struct {
		addresses []string
		set       func(employer string)
	}
	rest := make([]map[string]amount, len(releases)) // published less predicted
	weight := make([]float64, len(releases))
	uses := map[string][]int{} // of addresses, by release
	total := map[string]int{}
	for i, r := range releases {
		weight[i] = math.Pow(fade, float64(len(releases)-1-i))
		rest[i] = maps.Clone(r.published)
		for e, x := range m.predict(r) {
			rest[i][e] = rest[i][e].minus(x)
		}
		for address, x := range r.addresses {
			uses[address] = append(uses[address], i)
			total[address] += x.commits
		}
	}
	byDomain := map[string][]string{}
	for _, address := range slices.Sorted(maps.Keys(uses)) {
		byDomain[domainOf(address)] = append(byDomain[domainOf(address)], address)
	}
	var moves []move
	size := func(v move) (n int) {
		for _, address := range v.addresses {
			n += total[address]
		}
		return n
	}
	if singly {
		for _, address := range slices.Sorted(maps.Keys(uses)) {
			moves = append(moves, move{[]string{address}, func(e string) { m.addresses[address] = e }})
		}
	} else {
		for _, domain := range slices.Sorted(maps.Keys(byDomain)) {
			moves = append(moves, move{byDomain[domain], func(e string) { m.domains[domain] = e }})
		}
	}
	slices.SortStableFunc(moves, func(a, b move) int { return cmp.Compare(size(b), size(a)) })
	for range 8 {
		moved := false
		for _, v := range moves {
			from := m.of(v.addresses[0])
			at := map[int]amount{}
			candidates := map[string]bool{unknownEmployer: true}
			for _, address := range v.addresses {
				if m.of(address) != from {
					continue // one of its own
				}
				for _, i := range uses[address] {
					at[i] = at[i].plus(releases[i].addresses[address])
					for e := range releases[i].published {
						candidates[e] = true
					}
				}
			}
			best, gain := from, 0.5 // what is less is chance
			order := slices.Sorted(maps.Keys(at))
			for _, to := range slices.Sorted(maps.Keys(candidates)) {
				if to == from {
					continue
				}
				g := 0.0
				for _, i := range order {
					x := at[i]
					g += weight[i] * (rest[i][from].distance() + rest[i][to].distance() - rest[i][from].plus(x).distance() - rest[i][to].minus(x).distance())
				}
				if g > gain {
					best, gain = to, g
				}
			}
			if best == from {
				continue
			}
			for i, x := range at {
				rest[i][from], rest[i][best] = rest[i][from].plus(x), rest[i][best].minus(x)
			}
			v.set(best)
			moved = true
		}
		if !moved {
			return
		}
	}
}

// The classes of rows that do not come out.
const (
	missNew       = "the employer stands in no older table"
	missUnknown   = "the row is of those whose employer nobody knows"
	missNewcomer  = "one address that is new, at a domain seen before"
	missDomain    = "one address that is new, at a domain that is new too"
	missMoved     = "one address that was seen before: another employer than learnt"
	missNewcomers = "several addresses, new ones among them"
	missSeveral   = "several addresses, all seen before"
	missCounting  = "the table's sum is not the number of changesets"
)

var missClasses = []string{missNew, missUnknown, missNewcomer, missDomain, missMoved, missNewcomers, missSeveral, missCounting}

// misses says for every row of changesets that a map gets wrong what the smallest thing is that would put it right.
func (m *employerMap) misses(older []*release, r *release) map[string]int {
	employers, addresses, domains := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, o := range older {
		for e := range o.published {
			employers[e] = true
		}
		for a := range o.addresses {
			addresses[a], domains[domainOf(a)] = true, true
		}
	}
	published, all := 0, 0
	for _, x := range r.published {
		published += x.commits
	}
	for _, x := range r.addresses {
		all += x.commits
	}
	got := m.predict(r)
	out := map[string]int{}
	for e, want := range r.published {
		if want.commits == 0 || got[e].commits == want.commits {
			continue
		}
		short := want.commits - got[e].commits
		one, fresh := "", false
		for _, a := range slices.Sorted(maps.Keys(r.addresses)) {
			if (m.of(a) == e) == (short > 0) { // who could come, or could go
				continue
			}
			if !addresses[a] && r.addresses[a].commits <= abs(short) {
				fresh = true
			}
			if r.addresses[a].commits != abs(short) {
				continue
			}
			switch { // the likeliest of those that fit
			case !addresses[a] && domains[domainOf(a)]:
				one = missNewcomer
			case !addresses[a] && one != missNewcomer:
				one = missDomain
			case one == "":
				one = missMoved
			}
		}
		switch {
		case !employers[e]:
			out[missNew]++
		case e == unknownEmployer:
			out[missUnknown]++
		case one != "":
			out[one]++
		case published != all:
			out[missCounting]++
		case fresh:
			out[missNewcomers]++
		default:
			out[missSeveral]++
		}
	}
	return out
}

// Every wrong row is of one class, the one that its cause was invented for.
func TestMisses(t *testing.T) {
	table := func(n map[string]int) map[string]amount {
		out := map[string]amount{}
		for k, v := range n {
			out[k] = amount{commits: v}
		}
		return out
	}
	older := []*release{{table(map[string]int{"Astra": 3, "Borealis": 2}), table(map[string]int{"a@astra.example": 3, "b@borealis.example": 2})}}
	m := newEmployerMap()
	m.domains["astra.example"], m.domains["borealis.example"] = "Astra", "Borealis"
	for _, tt := range []struct {
		name                 string
		published, addresses map[string]int
		want                 map[string]int
	}{
		{"right", map[string]int{"Astra": 3}, map[string]int{"a@astra.example": 3}, map[string]int{}},
		{"new employer", map[string]int{"Cirrus": 4, "Astra": 3}, map[string]int{"c@cirrus.example": 4, "a@astra.example": 3}, map[string]int{missNew: 1}},
		{"moved", map[string]int{"Astra": 3, "Borealis": 5}, map[string]int{"a@astra.example": 3, "b@borealis.example": 1, "b@astra.example": 4}, map[string]int{missNewcomer: 2}},
		{"elsewhere", map[string]int{"Borealis": 3}, map[string]int{"a@astra.example": 3}, map[string]int{missMoved: 1}},
		{"free mail", map[string]int{"Astra": 5}, map[string]int{"a@astra.example": 3, "n@free.example": 2}, map[string]int{missDomain: 1}},
		{"incomplete", map[string]int{"Astra": 1}, map[string]int{"a@astra.example": 3}, map[string]int{missCounting: 1}},
		{"nobody's", map[string]int{unknownEmployer: 1, "Astra": 3}, map[string]int{"a@astra.example": 3, "x@free.example": 2}, map[string]int{missNew: 1}},
	} {
		if got := m.misses(older, &release{table(tt.published), table(tt.addresses)}); !maps.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// An invented truth comes back from its tables, and says the right thing of a release that it has not seen.
func TestInversion(t *testing.T) {
	truth := map[string]string{
		"a@astra.example": "Astra", "b@astra.example": "Astra", "c@borealis.example": "Borealis", "d@free.example": "Astra", "e@free.example": unknownEmployer,
		"f@free.example": "Borealis", "new@astra.example": "Astra",
	}
	var releases []*release
	for i := range 8 {
		r := &release{map[string]amount{}, map[string]amount{}}
		for k, address := range slices.Sorted(maps.Keys(truth)) {
			if address == "new@astra.example" && i < 7 || (i*i+k)%3 == 2 {
				continue
			}
			x := amount{1 + (i*7+k*5)%11, 10 + (i*131+k*977)%1009}
			r.addresses[address] = x
			r.published[truth[address]] = r.published[truth[address]].plus(x)
		}
		releases = append(releases, r)
	}
	m := newEmployerMap()
	m.improve(releases[:7], 0.9, false)
	if m.domains["astra.example"] != "Astra" || m.domains["borealis.example"] != "Borealis" {
		t.Errorf("domains: %v", m.domains)
	}
	m.improve(releases[:7], 0.9, true)
	for i, r := range releases {
		got := m.predict(r)
		for e, want := range r.published {
			if got[e] != want {
				t.Errorf("release %d: %s has %v, want %v", i, e, got[e], want)
			}
		}
	}
}
