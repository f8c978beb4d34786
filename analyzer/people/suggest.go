package people

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"orrery/analyzer/facts"
)

// Unknowns are what an organizations file could still say, by how much it would move the result.
type Unknowns struct {
	Commits, Lines uint64 // that tables count: by people, no merges, no bulk imports, each id once
	Domains        []Gap  // whose owner nobody states, most commits first
	People         []Gap  // with addresses that say nothing of an employer
}

// Gap is one thing that is not known.
type Gap struct {
	Key            string // a domain, or a pseudonym
	Name           string // of a person
	Commits, Lines uint64
	People         int   // with an address of the domain
	First, Last    int64 // author dates, Unix seconds; First is above Last where there is none

	people map[uint32]bool
}

// Unknowns gathers what is not known about commits.
func (x *Explainer) Unknowns() Unknowns {
	var out Unknowns
	domains, persons := map[string]*Gap{}, map[string]*Gap{}
	x.counted(func(at commitAt, c *facts.Commit) {
		repository := x.repositories()[at.repository]
		a := x.Resolution.Attribute(at.repository, c.Author, c.Authored)
		if a.Class.Machine() || x.imported(at) {
			return
		}
		lines := uint64(0)
		for _, change := range repository.Changes[c.Changes.Lo:c.Changes.Hi] {
			lines += uint64(change.Added) + uint64(change.Removed)
		}
		out.Commits++
		out.Lines += lines
		n := x.Resolution.Person[at.repository][c.Author]
		person := &x.Resolution.Persons[n]
		if a.Class.Known() || person.Withheld {
			return
		}
		to, key, name := persons, person.Pseudonym, person.Name
		if e := &x.Resolution.Evidence[a.Evidence]; e.Rule == RuleUnlisted {
			to, key, name = domains, e.Source, ""
		}
		g := to[key]
		if g == nil {
			g = &Gap{Key: key, Name: name, First: math.MaxInt64, Last: math.MinInt64, people: map[uint32]bool{}}
			to[key] = g
		}
		g.Commits++
		g.Lines += lines
		g.people[n] = true
		if c.Authored.Valid {
			g.First, g.Last = min(g.First, c.Authored.Unix), max(g.Last, c.Authored.Unix)
		}
	})
	sorted := func(gaps map[string]*Gap) (all []Gap) {
		for _, g := range slices.SortedFunc(maps.Values(gaps), func(a, b *Gap) int {
			return cmp.Or(cmp.Compare(b.Commits, a.Commits), cmp.Compare(b.Lines, a.Lines), cmp.Compare(a.Key, b.Key))
		}) {
			g.People = len(g.people)
			all = append(all, *g)
		}
		return all
	}
	out.Domains, out.People = sorted(domains), sorted(persons)
	return out
}

// WriteYAML writes an organizations file to edit: every entry is a remark until somebody who knows completes it. top bounds both lists.
func (u *Unknowns) WriteYAML(w io.Writer, top int, names bool) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# What is not known of the %d commits and %d lines that tables count, by the commits that an entry would move.\n", u.Commits, u.Lines)
	b.WriteString("# Complete what you know, with its source, take the # away, and give the file to analyze with --organizations.\n")
	put := func(section string, gaps []Gap, entry func(g *Gap) string) {
		shown := min(len(gaps), top)
		rest := uint64(0)
		for _, g := range gaps[shown:] {
			rest += g.Commits
		}
		fmt.Fprintf(&b, "\n# %d of %d; %d commits in the rest\n%s: [] # take the brackets away\n", shown, len(gaps), rest, section)
		for i := range gaps[:shown] {
			g := &gaps[i]
			fmt.Fprintf(&b, "#  - {%s} # %d commits (%s of all), %d lines", entry(g), g.Commits, percentOf(g.Commits, u.Commits), g.Lines)
			if section == "organizations" {
				fmt.Fprintf(&b, ", %d people", g.People)
			}
			if g.First <= g.Last {
				fmt.Fprintf(&b, ", %s to %s", time.Unix(g.First, 0).UTC().Format("2006-01"), time.Unix(g.Last, 0).UTC().Format("2006-01"))
			}
			b.WriteByte('\n')
		}
	}
	domains, single, commits := u.Domains, 0, uint64(0)
	if !names {
		domains = nil
		for _, g := range u.Domains {
			if g.People > 1 {
				domains = append(domains, g)
			} else {
				single++
				commits += g.Commits
			}
		}
	}
	put("organizations", domains, func(g *Gap) string {
		return fmt.Sprintf("name: ?, kind: company, country: ?, domains: [%s], source: ?", strconv.Quote(g.Key))
	})
	if single > 0 {
		fmt.Fprintf(&b, "# domains of one person each, which may be the person's name, and stand here with --names: %d, with %d commits\n", single, commits)
	}
	put("people", u.People, func(g *Gap) string {
		entry := fmt.Sprintf("addresses: [%s], organization: ?, from: %s, source: ?", g.Key, fromOf(g))
		if names {
			entry += fmt.Sprintf("} # {%s", strings.ReplaceAll(strconv.Quote(g.Name), "#", " "))
		}
		return entry
	})
	_, err := io.WriteString(w, b.String())
	return err
}

func fromOf(g *Gap) string {
	if g.First > g.Last {
		return "?"
	}
	return time.Unix(g.First, 0).UTC().Format(time.DateOnly)
}

func percentOf(a, b uint64) string {
	return strconv.FormatFloat(100*float64(a)/float64(max(b, 1)), 'f', 2, 64) + " %"
}
