package measure

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"orrery/analyzer/facts"
	"orrery/analyzer/people"
)

// BenchmarkMeasure measures a generated ecosystem of straight histories: a million commits of 20,000 signatures over fifteen years.
func BenchmarkMeasure(b *testing.B) {
	for _, shape := range []struct{ repositories, commits int }{{1, 1_000_000}, {500, 2_000}} {
		b.Run(fmt.Sprintf("repositories=%d/commits=%d", shape.repositories, shape.commits), func(b *testing.B) {
			in := generate(shape.repositories, shape.commits)
			for b.Loop() {
				if _, err := Measure(in); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*shape.repositories*shape.commits), "ns/commit")
		})
	}
}

func generate(repositories, commits int) Input {
	const signatures, organizations = 20_000, 300
	random := rand.New(rand.NewPCG(1, 2))
	r := people.Resolution{}
	for o := range organizations {
		r.Organizations = append(r.Organizations, people.Organization{
			Name: fmt.Sprintf("Organization %03d", o), Class: people.Employer, Client: people.NoOrganization, Parent: people.NoOrganization,
		})
	}
	for p := range signatures / 2 {
		r.Persons = append(r.Persons, people.Person{Key: fmt.Sprintf("p%05d", p)})
	}
	in := Input{AsOf: unix("2024-12-31"), Survival: true}
	from := unix("2010-01-01")
	id := uint64(0)
	for k := range repositories {
		key := fmt.Sprintf("repository%03d", k)
		repository := &facts.Repository{Key: key, Walk: facts.Walk{Commits: commits, Measured: commits}, Paths: []string{"f"}}
		n := min(signatures, max(20, commits/10))
		var persons, addresses, names []uint32
		for s := range n {
			at := uint32((k*37 + s) % signatures)
			repository.Signatures = append(repository.Signatures, facts.Signature{})
			persons, addresses, names = append(persons, at/2), append(addresses, at), append(names, at/3)
		}
		r.Person, r.Address, r.Name = append(r.Person, persons), append(r.Address, addresses), append(r.Name, names)
		var lines uint64
		for i := range commits {
			when := from + int64(i)*(in.AsOf-from)/int64(commits)
			t := facts.Time{Unix: when, Valid: true}
			c := facts.Commit{
				Author: uint32(random.IntN(n)), Authored: t, Committed: t, Step: uint32(i),
				Parents: facts.Span{Lo: uint32(max(0, i-1)), Hi: uint32(i)}, Changes: facts.Span{Lo: uint32(i), Hi: uint32(i + 1)},
			}
			id++
			binary.LittleEndian.PutUint64(c.ID[:], id*0x9e3779b97f4a7c15)
			added := uint32(random.IntN(100))
			repository.Changes = append(repository.Changes, facts.Change{
				Commit: uint32(i), Added: added, LinesBefore: uint32(lines), LinesAfter: uint32(lines) + added,
			})
			lines += uint64(added)
			if added > 0 {
				repository.Survival = append(repository.Survival, facts.Survival{Step: uint32(i), Commit: uint32(i), Lines: int32(added)})
			}
			repository.Steps = append(repository.Steps, facts.Step{Commit: uint32(i), Clock: when, Added: uint64(added), Lines: lines})
			repository.Commits = append(repository.Commits, c)
			if i > 0 {
				repository.Parents = append(repository.Parents, uint32(i-1))
			}
		}
		in.Repositories = append(in.Repositories, repository)
		in.Membership = append(in.Membership, Membership{Key: key, Subsystem: fmt.Sprintf("subsystem%02d", k%50)})
	}
	in.Resolution = people.NewResolution(r, func(repo int, signature uint32, when facts.Time) people.Attribution {
		p := r.Person[repo][signature]
		if p%5 == 0 {
			return people.Attribution{Organization: people.NoOrganization, Class: people.Personal}
		}
		return people.Attribution{Organization: int(p) % organizations, Class: people.Employer}
	})
	return in
}
