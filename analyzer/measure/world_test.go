package measure

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"

	"pgregory.net/rapid"

	"orrery/analyzer/facts"
	"orrery/analyzer/paths"
	"orrery/analyzer/people"
)

// The organizations of invented worlds.
const (
	orgAcme = iota
	orgBolt
	orgStaffing // contractor of Acme
	numOrgs
)

// world is an invented ecosystem with what resolves it.
type world struct {
	repositories []*facts.Repository
	membership   []Membership
	classified   []*paths.Classified
	persons      int
	// class says whose side a (person, year) is on: an organization below numOrgs, or numOrgs plus the class.
	side func(person, year int) int
	// ranges hold by range and repository what naive walks say.
	ranges []Range
	naive  [][]naiveRange
}

// naiveRange is a range in one repository; the zero value is one that is outside.
type naiveRange struct{ to, from map[int]bool }

// file is a file of a tree: text lines, or binary.
type file struct {
	lines  uint32
	binary bool
	link   bool
	owners map[uint32]int32 // by commit, who wrote the lines
}

type tree map[string]file

// lines counts the text lines and files of a snapshot.
func (t tree) lines() (lines, files uint64) {
	for _, f := range t {
		if !f.link {
			lines += uint64(f.lines)
			files++
		}
	}
	return lines, files
}

// drawRepository invents a history: trees of files with numbers of lines, changed by commits, branched and merged; from it the facts as
// git would tell them.
func drawRepository(t *rapid.T, key string, shared []facts.ID, persons int) *facts.Repository {
	r := &facts.Repository{Key: key, Branch: "refs/heads/main"}
	for p := range persons {
		// Two signatures each: the second with another name, the third with another address.
		for s := range 3 {
			r.Signatures = append(r.Signatures, facts.Signature{
				Name:  fmt.Sprintf("Person %d %d", p, s%2),
				Email: fmt.Sprintf("p%d.%d@acme.example", p, s/2),
			})
		}
	}
	paths := map[string]uint32{}
	path := func(name string) uint32 {
		i, ok := paths[name]
		if !ok {
			i = uint32(len(r.Paths))
			paths[name] = i
			r.Paths = append(r.Paths, name)
		}
		return i
	}
	var trees []tree
	n := rapid.IntRange(0, 25).Draw(t, "commits")
	now := unix("2022-01-01")
	for i := range n {
		c := facts.Commit{Step: facts.None}
		binary.BigEndian.PutUint64(c.ID[:], uint64(i)+1)
		copy(c.ID[8:], key)
		if len(shared) > 0 && rapid.IntRange(0, 3).Draw(t, "shared") == 0 {
			c.ID, shared = shared[0], shared[1:]
		}
		now += rapid.Int64Range(-20*day, 60*day).Draw(t, "later")
		moment := func(what string) facts.Time {
			switch rapid.IntRange(0, 12).Draw(t, what) {
			case 0:
				return facts.Time{}
			case 1:
				return facts.Time{Unix: unix("2099-01-01"), Valid: true}
			}
			return facts.Time{Unix: now, Valid: true}
		}
		c.Authored, c.Committed = moment("authored"), moment("committed")
		c.Author = uint32(rapid.IntRange(0, len(r.Signatures)-1).Draw(t, "author"))
		c.Committer = uint32(rapid.IntRange(0, len(r.Signatures)-1).Draw(t, "committer"))

		parents := 1
		if i > 1 {
			parents = rapid.SampledFrom([]int{0, 1, 1, 1, 1, 2, 2, 3}).Draw(t, "parents")
		}
		if i == 0 {
			parents = 0
		}
		c.Parents.Lo = uint32(len(r.Parents))
		base := tree{}
		for p := range parents {
			at := max(0, i-1-rapid.IntRange(0, 4).Draw(t, "back"))
			if p == 0 {
				at = i - 1
			}
			r.Parents = append(r.Parents, uint32(at))
			// A merge takes some files from each side.
			for _, name := range slices.Sorted(maps.Keys(trees[at])) {
				if p == 0 || rapid.Bool().Draw(t, "take") {
					base[name] = trees[at][name]
				}
			}
		}
		c.Parents.Hi = uint32(len(r.Parents))
		c.Changes.Lo = uint32(len(r.Changes))
		if parents < 2 {
			for _, name := range []string{"a", "b", "c", "d"} {
				change, ok := drawChange(t, base, name, uint32(i))
				if !ok {
					continue
				}
				change.Commit, change.Path = uint32(i), path(name)
				change.Old = change.Path
				r.Changes = append(r.Changes, change)
			}
		}
		c.Changes.Hi = uint32(len(r.Changes))
		trees = append(trees, base)
		r.Commits = append(r.Commits, c)
		r.Walk.Commits++
		if c.IsMerge() {
			r.Walk.Merges++
		} else {
			r.Walk.Measured++
		}
	}
	if n == 0 {
		return r
	}
	// Everything must be reachable from the head: commits that are not get a merge at the end.
	reached := make([]bool, n)
	for i := n - 1; i >= 0; i-- {
		reached[i] = reached[i] || i == n-1
		if reached[i] {
			for _, p := range r.Parents[r.Commits[i].Parents.Lo:r.Commits[i].Parents.Hi] {
				reached[p] = true
			}
		}
	}
	head := facts.Commit{Step: facts.None, Parents: facts.Span{Lo: uint32(len(r.Parents))}}
	head.Changes = facts.Span{Lo: uint32(len(r.Changes)), Hi: uint32(len(r.Changes))}
	copy(head.ID[8:], key+" head")
	r.Parents = append(r.Parents, uint32(n-1))
	for i, ok := range reached {
		if !ok {
			r.Parents = append(r.Parents, uint32(i))
		}
	}
	if head.Parents.Hi = uint32(len(r.Parents)); head.IsMerge() {
		r.Commits, trees = append(r.Commits, head), append(trees, trees[n-1])
		r.Walk.Commits++
		r.Walk.Merges++
	}
	// Steps along first parents.
	var chain []uint32
	for at := uint32(len(r.Commits) - 1); ; {
		chain = append(chain, at)
		parents := r.Commits[at].Parents
		if parents.Len() == 0 {
			break
		}
		at = r.Parents[parents.Lo]
	}
	slices.Reverse(chain)
	var clock int64
	before := tree{}
	for i, at := range chain {
		r.Survival = append(r.Survival, survival(uint32(i), paths, before, trees[at])...)
		c := &r.Commits[at]
		c.Step = uint32(i)
		clock = max(clock, c.Committed.Unix)
		s := facts.Step{Commit: at, Clock: clock}
		s.Lines, s.Files = trees[at].lines()
		// The snapshots' differences, without knowing how they came about.
		for name, f := range trees[at] {
			if f.link {
				f.lines = 0
			}
			s.Added += uint64(f.lines)
			if old := before[name]; !old.link {
				same := min(old.lines, f.lines)
				s.Added -= uint64(same)
				s.Removed += uint64(old.lines - same)
			}
		}
		for name, old := range before {
			if _, ok := trees[at][name]; !ok && !old.link {
				s.Removed += uint64(old.lines)
			}
		}
		r.Steps = append(r.Steps, s)
		before = trees[at]
	}
	r.Head = r.Commits[len(r.Commits)-1].ID
	return r
}

// survival tells how the lines of each commit in each file change between two trees.
func survival(step uint32, paths map[string]uint32, before, after tree) (rows []facts.Survival) {
	for name, path := range paths {
		lines := map[uint32]int32{}
		for owner, n := range after[name].owners {
			lines[owner] += n
		}
		for owner, n := range before[name].owners {
			lines[owner] -= n
		}
		for owner, n := range lines {
			if n != 0 {
				rows = append(rows, facts.Survival{Step: step, Path: path, Commit: owner, Lines: n})
			}
		}
	}
	slices.SortFunc(rows, func(a, b facts.Survival) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Commit, b.Commit))
	})
	return rows
}

// drawChange changes a file of a tree, perhaps.
func drawChange(t *rapid.T, at tree, name string, commit uint32) (facts.Change, bool) {
	old, existed := at[name]
	var c facts.Change
	switch rapid.IntRange(0, 7).Draw(t, "change "+name) {
	case 0, 1, 2:
		return c, false
	case 3:
		if !existed {
			return c, false
		}
		delete(at, name)
		c.Kind = facts.Deleted
		if old.link {
			c.Type, c.Removed = facts.Submodule, 1
			return c, true
		}
		c.Binary, c.LinesBefore = old.binary, old.lines
		if !old.binary {
			c.Removed = old.lines
		}
		return c, true
	case 4:
		f := file{binary: true}
		if old.link {
			return c, false
		}
		at[name] = f
		c.Binary, c.LinesBefore = true, old.lines
	case 5:
		if existed && !old.link {
			return c, false
		}
		at[name] = file{link: true}
		c.Type, c.Added = facts.Submodule, 1
		if existed {
			c.Removed = 1
		}
	default:
		if old.link {
			return c, false
		}
		f := file{lines: uint32(rapid.SampledFrom([]int{0, 1, 10, 500, 6000, 20000}).Draw(t, "lines"))}
		f.owners = map[uint32]int32{}
		rest := int32(f.lines)
		for _, owner := range slices.Sorted(maps.Keys(old.owners)) {
			if n := min(old.owners[owner]/2, rest); n > 0 {
				f.owners[owner] = n
				rest -= n
			}
		}
		if rapid.IntRange(0, 9).Draw(t, "unreadable before") == 0 {
			commit = facts.None
		}
		f.owners[commit] += rest
		at[name] = f
		c.LinesBefore, c.LinesAfter, c.Binary = old.lines, f.lines, old.binary
		if !old.binary {
			kept := min(old.lines, f.lines) / 2
			c.Added, c.Removed = f.lines-kept, old.lines-kept
		}
	}
	if !existed {
		c.Kind = facts.Added
	}
	return c, true
}

func drawWorld(t *rapid.T) *world {
	w := &world{persons: rapid.IntRange(1, 6).Draw(t, "persons")}
	var shared []facts.ID
	for i := range rapid.IntRange(1, 3).Draw(t, "repositories") {
		key := fmt.Sprintf("repo%d", i)
		r := drawRepository(t, key, shared, w.persons)
		shared = nil
		for j := range r.Commits {
			shared = append(shared, r.Commits[j].ID)
		}
		w.repositories = append(w.repositories, r)
		c := &paths.Classified{Languages: [][]string{{"", "C", "Go"}, {"", "Go"}, {"Zig"}}[i]}
		for range r.Paths {
			c.Class = append(c.Class, paths.Class(rapid.IntRange(0, paths.NumClasses-1).Draw(t, "class")))
			c.Language = append(c.Language, uint16(rapid.IntRange(0, len(c.Languages)-1).Draw(t, "language")))
		}
		w.classified = append(w.classified, c)
		w.membership = append(w.membership, Membership{key, []string{"own", "third-party"}[i%2], []string{"", "kernel", "net"}[i], drawSpells(t)})
	}
	sides := make([]int, w.persons*2)
	for i := range sides {
		sides[i] = rapid.SampledFrom([]int{
			orgAcme, orgBolt, orgStaffing, numOrgs + int(people.Unknown), numOrgs + int(people.Personal), numOrgs + int(people.Invalid),
			numOrgs + int(people.Bot), numOrgs + int(people.Agent),
		}).Draw(t, "side")
	}
	w.side = func(person, year int) int { return sides[person*2+year%2] }
	for i := range rapid.IntRange(0, 3).Draw(t, "ranges") {
		w.drawRange(t, fmt.Sprintf("v%d..v%d", i, i+1))
	}
	return w
}

// drawSpells draws when a repository belongs, sometimes at ends of years.
func drawSpells(t *rapid.T) (spells []Spell) {
	edge := rapid.OneOf(rapid.Int64Range(unix("2021-12-01"), unix("2024-12-31")), rapid.SampledFrom([]int64{unix("2022-01-01"), unix("2023-01-01"), unix("2024-01-01")}))
	edges := rapid.SliceOfNDistinct(edge, 0, 5, func(t int64) int64 { return t }).Draw(t, "spells")
	slices.Sort(edges)
	if len(edges)%2 == 1 {
		edges = append(edges, math.MaxInt64)
	}
	for i := 0; i < len(edges); i += 2 {
		spells = append(spells, Spell{edges[i], edges[i+1]})
	}
	return spells
}

// drawRange draws two commits of some repositories. From is sometimes one that the repository does not have, with a boundary in it.
func (w *world) drawRange(t *rapid.T, name string) {
	out := Range{Name: name, Ends: make([]*Ends, len(w.repositories))}
	naive := make([]naiveRange, len(w.repositories))
	for i, r := range w.repositories {
		if len(r.Commits) == 0 || rapid.IntRange(0, 4).Draw(t, "outside") == 0 {
			continue
		}
		ancestors := func(heads ...int) map[int]bool {
			met := map[int]bool{}
			var walk func(int)
			walk = func(c int) {
				met[c] = true
				for _, p := range r.Parents[r.Commits[c].Parents.Lo:r.Commits[c].Parents.Hi] {
					if !met[int(p)] {
						walk(int(p))
					}
				}
			}
			for _, c := range heads {
				walk(c)
			}
			return met
		}
		commit := rapid.IntRange(0, len(r.Commits)-1)
		to := commit.Draw(t, "to")
		ends := &Ends{To: r.Commits[to].ID}
		if rapid.Bool().Draw(t, "known") {
			from := commit.Draw(t, "from")
			ends.From, ends.Boundary = r.Commits[from].ID, []facts.ID{r.Commits[from].ID}
			naive[i] = naiveRange{ancestors(to), ancestors(from)}
		} else {
			heads := rapid.SliceOfN(commit, 0, 3).Draw(t, "boundary")
			for _, c := range heads {
				ends.Boundary = append(ends.Boundary, r.Commits[c].ID)
			}
			naive[i] = naiveRange{ancestors(to), ancestors(heads...)}
		}
		out.Ends[i] = ends
	}
	w.ranges, w.naive = append(w.ranges, out), append(w.naive, naive)
}

// input resolves the world: persons have three signatures, and change sides with years.
func (w *world) input() Input {
	r := people.Resolution{Organizations: []people.Organization{
		{Name: "Acme", Class: people.Employer, Client: people.NoOrganization, Parent: people.NoOrganization},
		{Name: "Bolt", Class: people.Employer, Client: people.NoOrganization, Parent: people.NoOrganization},
		{Name: "Staffing", Class: people.Contractor, Client: orgAcme, Parent: people.NoOrganization},
	}}
	for p := range w.persons {
		r.Persons = append(r.Persons, people.Person{Key: fmt.Sprintf("p%d@acme.example", p), Pseudonym: fmt.Sprintf("p-%02d", p)})
	}
	for _, repository := range w.repositories {
		var persons, addresses, names []uint32
		for i := range repository.Signatures {
			p := uint32(i / 3)
			persons = append(persons, p)
			addresses = append(addresses, 2*p+uint32(i%3/2))
			names = append(names, 2*p+uint32(i%3%2))
		}
		r.Person, r.Address, r.Name = append(r.Person, persons), append(r.Address, addresses), append(r.Name, names)
	}
	resolution := people.NewResolution(r, func(_ int, signature uint32, when facts.Time) people.Attribution {
		side := w.side(int(signature/3), when.UTC().Year())
		if side < numOrgs {
			return people.Attribution{Organization: side, Class: r.Organizations[side].Class}
		}
		return people.Attribution{Organization: people.NoOrganization, Class: people.Class(side - numOrgs)}
	})
	return Input{
		Repositories: w.repositories, Membership: w.membership, Resolution: resolution, Paths: w.classified, Survival: w.classified != nil,
		AsOf: unix("2024-06-15"), Fetched: unix("2030-01-01"),
		Windows: []Window{{"spring", unix("2023-03-01"), unix("2023-06-01")}}, Ranges: w.ranges,
	}
}
