package graph

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

var columns = []Column{{"commits", "commits"}, {"changed", "changed lines"}}

// ecosystem makes an invented network that is as lopsided as real ones: few organizations, people and repositories have most of the work, and a person
// stays near the repositories of the own organization.
func ecosystem(t testing.TB, organizations, people, repositories, contributions int) *Graph {
	t.Helper()
	b := ecosystemBuilder(t, organizations, people, repositories, contributions)
	g, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func ecosystemBuilder(t testing.TB, organizations, people, repositories, contributions int) *Builder {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	skewed := func(n int, power float64) int { return int(float64(n) * math.Pow(random.Float64(), power)) }
	b := NewBuilder(columns...)
	add := func(n Node) {
		if err := b.AddNode(n); err != nil {
			t.Fatal(err)
		}
	}
	names := []string{"Alder Systems", "Birch Labs", "Cedar Devices", "Dogwood", "Elm & Sons", "Fir Telecom", "Ginkgo University", "Hazel", "Ivy", "Juniper Grove"}
	key := func(i int) string { return fmt.Sprintf("%06d", i) }
	for i := range organizations {
		label := fmt.Sprintf("Company %d", i)
		if i < len(names) {
			label = names[i]
		}
		add(Node{Kind: Organization, Key: key(i), Label: label, Class: "employer", Country: []string{"CN", "DE", "US"}[i%3]})
	}
	for i := range repositories {
		add(Node{Kind: Repository, Key: key(i), Label: fmt.Sprintf("part/%d", i), Class: "own"})
	}
	home := make([]int, people)
	for i := range people {
		add(Node{Kind: Person, Key: key(i), Label: fmt.Sprintf("person %d", i)})
		home[i] = skewed(organizations, 3)
		if random.IntN(10) == 0 {
			home[i] = -1
		}
	}
	for range contributions {
		p := skewed(people, 2)
		organization, repository := "", skewed(repositories, 2)
		if home[p] >= 0 {
			organization = key(home[p])
			if random.IntN(4) > 0 {
				repository = (home[p]*7 + skewed(max(1, repositories/8), 1.5)) % repositories
			}
		}
		commits := float64(1 + skewed(20, 3))
		if err := b.Contribute(key(p), organization, key(repository), commits, commits*float64(1+random.IntN(90))); err != nil {
			t.Fatal(err)
		}
	}
	return b
}
