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
