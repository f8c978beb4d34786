package measure

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orrery/analyzer/facts"
	"orrery/analyzer/facts/spill"
	"orrery/analyzer/people"
)

// On any history the laws hold, the number of workers changes nothing, nor does where rows are kept, and figures are what counting one by one gives.
func TestMeasure(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		in := w.input()
		in.Workers = 1
		result, err := Measure(in)
		if err != nil {
			t.Fatal(err)
		}
		file, err := os.CreateTemp(dir, "spill")
		if err != nil {
			t.Fatal(err)
		}
		places := []*spill.File{nil, spill.New(file)}
		for i, workers := range []int{2, 8} {
			in.Workers, in.Spill = workers, places[i]
			again, err := Measure(in)
			if err = errors.Join(err, in.Spill.Err()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(result, again, cmp.AllowUnexported(BulkImport{})); diff != "" {
				t.Fatalf("%d workers:\n%s", workers, diff)
			}
		}
		in.Spill = nil
		if err := errors.Join(places[1].Close(), os.Remove(file.Name())); err != nil {
			t.Fatal(err)
		}
		for i := range result.Figures {
			compare(t, w, result, &result.Figures[i])
		}
		for w := range result.Windows {
			var sum Sum
			byPerson := map[int]Sum{}
			for _, c := range result.Contributions[w] {
				sum = sum.Plus(c.Sum)
				byPerson[c.Person] = byPerson[c.Person].Plus(c.Sum)
				if c.Class.Known() != (c.Organization >= 0) || c.Commits == 0 {
					t.Fatalf("contribution %+v", c)
				}
			}
			if want := result.Figures[w].Work.Total(); sum != want {
				t.Fatalf("%s: contributions are %+v, want %+v", result.Windows[w].Name, sum, want)
			}
			for _, p := range result.People[w] {
				if byPerson[p.Person] != p.Sum {
					t.Fatalf("%s: person %d is %+v, want %+v", result.Windows[w].Name, p.Person, p.Sum, byPerson[p.Person])
				}
			}
		}
		for i := range result.Series {
			compare(t, w, result, &result.Series[i])
		}
		compareStrata(t, w, result)
		compareLedger(t, result)
	})
}

// compare counts the figures of a period again: commit by commit, with maps.
func compare(t *rapid.T, w *world, result *Result, f *Figures) {
	t.Helper()
	bulk := map[facts.ID]bool{}
	for _, b := range result.Bulk {
		bulk[b.Commit] = true
		for _, id := range b.History {
			bulk[id] = true
		}
	}
	limit := result.Fetched + day
	seen := map[facts.ID]bool{}
	sums := map[string]Sum{}
	commits := map[int]int{}
	persons := map[string]map[int]bool{}
	once, names, addresses, pairs, ever := 0, map[string]bool{}, map[string]bool{}, map[string]bool{}, map[int]bool{}
	earlier := map[int]bool{} // authors of what both ends of a range reach
	add := func(name string, person int, s Sum) {
		sums[name] = sums[name].Plus(s)
		if persons[name] == nil {
			persons[name] = map[int]bool{}
		}
		persons[name][person] = true
	}
	for k, r := range w.repositories {
		inScope := f.Scope.Kind == ScopeEcosystem || f.Scope.Kind == ScopeClass && w.membership[k].Class == f.Scope.Name ||
			f.Scope.Kind == ScopeRepository && r.Key == f.Scope.Name ||
			f.Scope.Kind == ScopeSubsystem && (w.membership[k].Subsystem == f.Scope.Name || w.membership[k].Subsystem == "" && f.Scope.Name == NoSubsystem)
		for i := range r.Commits {
			c := &r.Commits[i]
			first := !seen[c.ID]
			seen[c.ID] = true
			if !inScope {
				continue
			}
			valid := c.Authored.Valid && c.Authored.Unix <= limit
			inside := f.Period.Name == AllTime || f.Period.Kind != KindRange && valid && f.Period.From <= c.Authored.Unix && c.Authored.Unix < f.Period.To
			reached := valid && c.Authored.Unix < f.Period.To
			if f.Period.Kind == KindRange {
				n := w.naive[f.Period.Range][k]
				reached, inside = n.to[i], n.to[i] && !n.from[i]
			}
			var s Sum
			s.Commits = 1
			for _, row := range r.Changes[c.Changes.Lo:c.Changes.Hi] {
				s.Added += uint64(row.Added)
				s.Removed += uint64(row.Removed)
				if w.classified[k].Class[row.Path].Written() {
					s.CommitsHere = 1
					s.AddedHere += uint64(row.Added)
					s.RemovedHere += uint64(row.Removed)
				}
			}
			person := int(c.Author / 3)
			side := w.side(person, c.Authored.UTC().Year())
			var name string
			switch {
			case !first:
				name = "duplicate"
			case c.IsMerge():
				name = "merge"
			case side == numOrgs+int(people.Bot):
				name = RowBots
			case side == numOrgs+int(people.Agent):
				name = RowAgents
			case bulk[c.ID]:
				name = RowBulk
			case side < numOrgs:
				name = []string{"Acme", "Bolt", "Staffing"}[side]
			default:
				name = people.Class(side - numOrgs).String()
			}
			mine := !slices.Contains([]string{"duplicate", "merge", RowBots, RowAgents}, name)
			if mine && reached {
				ever[person] = true
				if !inside {
					earlier[person] = true
				}
			}
			if !inside {
				continue
			}
			add(name, person, s)
			if mine {
				commits[person]++
				g := r.Signatures[c.Author]
				names[g.Name], addresses[g.Email], pairs[g.Name+"\n"+g.Email] = true, true, true
			}
		}
	}
	where := fmt.Sprintf("%v %s", f.Scope, f.Period.Name)
	for _, n := range commits {
		if n == 1 {
			once++
		}
	}
	if f.Period.All() {
		for p := range commits {
			ever[p] = true
		}
	}
	want := Contributors{
		People: People{len(commits), len(addresses), len(names), len(pairs)}, Once: once,
		TenOrMore: f.Contributors.TenOrMore, BulkOnly: f.Contributors.BulkOnly, New: f.Contributors.New, Ever: f.Contributors.Ever,
	}
	want.Ever.Persons = len(ever)
	if f.Period.Kind == KindRange {
		want.New = len(ever) - len(earlier)
	}
	if diff := cmp.Diff(want, f.Contributors); diff != "" {
		t.Fatalf("%s: contributors\n%s", where, diff)
	}
	if f.Work.Duplicates != sums["duplicate"] || f.Work.Merges != sums["merge"] || f.Work.Bulk != sums[RowBulk] {
		t.Fatalf("%s: %+v, want %+v", where, f.Work, sums)
	}
	acme, staffing := sums["Acme"], sums["Staffing"]
	for _, row := range f.Rows {
		if row.Apart.Sum != sums[row.Name] || row.Apart.Contributors != len(persons[row.Name]) {
			t.Fatalf("%s: %s is %+v, want %+v by %d", where, row.Name, row.Apart, sums[row.Name], len(persons[row.Name]))
		}
		switch row.Name {
		case "Acme":
			both := map[int]bool{}
			for _, name := range []string{"Acme", "Staffing"} {
				for p := range persons[name] {
					both[p] = true
				}
			}
			if row.Merged.Sum != acme.Plus(staffing) || row.Merged.Contributors != len(both) {
				t.Fatalf("%s: merged Acme is %+v, want %+v by %d", where, row.Merged, acme.Plus(staffing), len(both))
			}
		case "Staffing":
			if row.Merged != (Part{}) || row.Client != "Acme" {
				t.Fatalf("%s: contractor %+v keeps what is its client's", where, row)
			}
		}
		delete(sums, row.Name)
	}
	if f.Rows != nil {
		delete(sums, "duplicate")
		delete(sums, "merge")
		if len(sums) > 0 {
			t.Fatalf("%s: rows are missing: %v", where, sums)
		}
	}
	if f.Period.Kind == KindRange {
		compareSnapshots(t, w, f)
	}
	if g := f.Growth; g.Net() != int64(g.Lines)-int64(g.Before) {
		t.Fatalf("%s: growth %+v does not add up", where, g)
	}
	if r := f.Reconciliation; r != nil {
		var sum int64
		for _, term := range r.Terms() {
			sum += term.Value
		}
		if sum != r.Growth || r.Unreadable != 0 || r.Growth != f.Growth.Net() {
			t.Fatalf("%s: the reconciliation %+v does not lead to growth %d", where, *r, f.Growth.Net())
		}
	}
}

// compareSnapshots takes the snapshots of a range's ends from the steps.
func compareSnapshots(t *rapid.T, w *world, f *Figures) {
	t.Helper()
	var want Growth
	for k, r := range w.repositories {
		ends := w.ranges[f.Period.Range].Ends[k]
		if f.Scope.Kind != ScopeEcosystem || ends == nil {
			continue
		}
		from, to := -1, -1
		for i, s := range r.Steps {
			if r.Commits[s.Commit].ID == ends.From {
				from = i
			}
			if r.Commits[s.Commit].ID == ends.To {
				to = i
			}
		}
		if from < 0 || to < from {
			want.Undefined++
			continue
		}
		want.Before += r.Steps[from].Lines
		want.Lines += r.Steps[to].Lines
	}
	g := f.Growth
	if f.Scope.Kind == ScopeEcosystem && (g.Before != want.Before || g.Lines != want.Lines || g.Undefined != want.Undefined) {
		t.Fatalf("%s: growth %+v, want %+v", f.Period.Name, g, want)
	}
	if (f.Reconciliation == nil) != (g.Undefined > 0) {
		t.Fatalf("%s %v: reconciliation %v with %d undefined", f.Period.Name, f.Scope, f.Reconciliation, g.Undefined)
	}
}

// small is a world of one repository whose commits are given by hand.
func small(commits ...handmade) *world {
	r := &facts.Repository{Key: "tool", Signatures: []facts.Signature{{Name: "A"}, {Name: "B"}, {Name: "C"}}, Paths: []string{"f"}}
	var lines uint64
	for i, h := range commits {
		c := facts.Commit{
			Authored: facts.Time{Unix: h.when, Valid: true}, Committed: facts.Time{Unix: h.when, Valid: true}, Step: uint32(i),
			Changes: facts.Span{Lo: uint32(len(r.Changes)), Hi: uint32(len(r.Changes) + 1)},
			Parents: facts.Span{Lo: uint32(len(r.Parents)), Hi: uint32(len(r.Parents))},
		}
		c.ID[0] = byte(i + 1)
		c.ID[1] = byte(i >> 8)
		if i > 0 {
			r.Parents = append(r.Parents, uint32(i-1))
			c.Parents.Hi++
		}
		r.Changes = append(r.Changes, facts.Change{
			Commit: uint32(i), Kind: h.kind, Added: h.added, LinesBefore: uint32(lines), LinesAfter: uint32(lines) + h.added,
		})
		lines += uint64(h.added)
		r.Steps = append(r.Steps, facts.Step{Commit: uint32(i), Clock: h.when, Added: uint64(h.added), Lines: lines, Files: 1})
		r.Commits = append(r.Commits, c)
	}
	r.Walk = facts.Walk{Commits: len(commits), Measured: len(commits)}
	return &world{
		repositories: []*facts.Repository{r}, membership: []Membership{{Key: "tool"}}, persons: 1,
		side: func(int, int) int { return orgAcme },
	}
}

type handmade struct {
	when  int64
	added uint32
	kind  facts.Kind
}

// A date from the future must not carry the rest of history with it.
func TestClockFromTheFuture(t *testing.T) {
	w := small(handmade{unix("2023-01-01"), 10, facts.Added}, handmade{unix("2023-02-01"), 5, 0}, handmade{unix("2023-03-01"), 7, 0})
	r := w.repositories[0]
	r.Commits[1].Committed.Unix = unix("2090-01-01")
	r.Steps[1].Clock, r.Steps[2].Clock = unix("2090-01-01"), unix("2090-01-01")
	result, err := Measure(w.input())
	if err != nil {
		t.Fatal(err)
	}
	want := []GrowthRow{
		{"2023-01", "tool", "own", 15, 0, 15},
		{"2023-02", "tool", "own", 0, 0, 15},
		{"2023-03", "tool", "own", 7, 0, 22},
	}
	if diff := cmp.Diff(want, result.Growth[:3]); diff != "" {
		t.Error(diff)
	}
	if last := result.Growth[len(result.Growth)-1]; last.Period != "2024-06" || last.Lines != 22 {
		t.Errorf("the last month is %+v, want that of the as-of day with 22 lines", last)
	}
	if len(result.Warnings) != 1 {
		t.Errorf("warnings: %q, want one", result.Warnings)
	}
}

func TestSnapshotsBeforeAnyDate(t *testing.T) {
	w := small(handmade{0, 10, facts.Added}, handmade{unix("2024-05-01"), 5, 0})
	r := w.repositories[0]
	r.Commits[0].Authored.Valid, r.Commits[0].Committed.Valid = false, false
	result, err := Measure(w.input())
	if err != nil {
		t.Fatal(err)
	}
	want := []GrowthRow{{InvalidDate, "tool", "own", 10, 0, 10}, {"2024-05", "tool", "own", 5, 0, 15}, {"2024-06", "tool", "own", 0, 0, 15}}
	if diff := cmp.Diff(want, result.Growth); diff != "" {
		t.Error(diff)
	}
	all := result.Figures[0]
	if all.Undated.Commits != 1 || all.Growth.Net() != 15 {
		t.Errorf("all time: %d undated, growth %d; want 1, 15", all.Undated.Commits, all.Growth.Net())
	}
	for _, f := range result.Figures[1:3] {
		if f.Undated.Commits != 0 {
			t.Errorf("%s holds an invalid date", f.Period.Name)
		}
	}
}

func TestAsOfInThePast(t *testing.T) {
	w := small(handmade{unix("2022-01-01"), 10, facts.Added}, handmade{unix("2024-05-01"), 5, 0})
	in := w.input()
	in.AsOf, in.Fetched = unix("2023-06-01"), 0
	result, err := Measure(in)
	if err != nil {
		t.Fatal(err)
	}
	if f := result.Figures[0]; f.Undated.Commits != 0 || f.Work.Commits().Commits != 2 {
		t.Errorf("%d commits, %d undated; want 2, 0", f.Work.Commits().Commits, f.Undated.Commits)
	}
	// A head from the future does not count as the day of the fetch without end.
	w.repositories[0].Commits[1].Committed.Unix = math.MaxInt64
	w.repositories[0].Commits[1].Authored.Unix = math.MaxInt64
	w.repositories[0].Steps[1].Clock = math.MaxInt64
	result, err = Measure(in)
	if err != nil {
		t.Fatal(err)
	}
	if f := result.Figures[0]; f.Undated.Commits != 1 || result.Fetched != in.AsOf {
		t.Errorf("%d undated, fetched %d; want 1, %d", f.Undated.Commits, result.Fetched, in.AsOf)
	}
}

func TestRefused(t *testing.T) {
	good := func() (*world, Input) {
		w := small(handmade{unix("2024-01-01"), 10, facts.Added}, handmade{unix("2024-02-01"), 5, 0})
		return w, w.input()
	}
	tests := []struct {
		name   string
		tamper func(*world, *Input)
		law    bool
		want   string
	}{
		{"lines of a step", func(w *world, _ *Input) { w.repositories[0].Steps[1].Lines++ }, true, "lines before + added - removed"},
		{"rows of a commit", func(w *world, _ *Input) { w.repositories[0].Changes[1].Added += 2 }, true, "added - removed of row"},
		{"a row too few", func(w *world, _ *Input) { w.repositories[0].Commits[1].Changes.Hi-- }, true, "growth = net of the log"},
		{"the walk", func(w *world, _ *Input) { w.repositories[0].Walk.Commits++ }, true, "commits read"},
		{"author", func(w *world, _ *Input) { w.repositories[0].Commits[1].Author = 9 }, false, "outside of the facts"},
		{"parent", func(w *world, _ *Input) { w.repositories[0].Parents[0] = 9 }, false, "parent 9"},
		{"step", func(w *world, _ *Input) { w.repositories[0].Steps[0].Commit = 9 }, false, "step 0"},
		{"unreachable", func(w *world, _ *Input) { w.repositories[0].Steps = w.repositories[0].Steps[:1] }, false, "not reachable"},
		{"as-of", func(_ *world, in *Input) { in.AsOf = math.MaxInt64 }, false, "as-of day"},
		{"fetch", func(_ *world, in *Input) { in.Fetched = 1 }, false, "day of fetch"},
		{"key", func(_ *world, in *Input) { in.Membership[0].Key = "other" }, false, `that of "other"`},
		{"twice", func(_ *world, in *Input) {
			in.Repositories = append(in.Repositories, in.Repositories[0])
			in.Membership = append(in.Membership, in.Membership[0])
			r := in.Resolution
			r.Person, r.Address, r.Name = append(r.Person, r.Person[0]), append(r.Address, r.Address[0]), append(r.Name, r.Name[0])
		}, false, "twice"},
		{"side", func(w *world, _ *Input) { w.side = func(int, int) int { return numOrgs + int(people.Employer) } }, false, "organization -1"},
		{"clients in a circle", func(_ *world, in *Input) { in.Resolution.Organizations[orgStaffing].Client = orgStaffing }, false, "lead nowhere"},
		{"addresses", func(_ *world, in *Input) { in.Resolution.Address = nil }, false, "addresses"},
		{"no resolution", func(_ *world, in *Input) { in.Resolution = nil }, false, "no resolution"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w, in := good()
			test.tamper(w, &in)
			_, err := Measure(in)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error %v, want one with %q", err, test.want)
			}
			var law *LawError
			if errors.As(err, &law) != test.law {
				t.Errorf("%v: a law was violated: %v, want %v", err, !test.law, test.law)
			}
		})
	}
	if _, in := good(); true {
		if _, err := Measure(in); err != nil {
			t.Fatalf("unbroken: %v", err)
		}
	}
}

func TestMeasureNothing(t *testing.T) {
	result, err := Measure((&world{}).input())
	if err != nil {
		t.Fatal(err)
	}
	if f := result.Figures[0]; f.Work.All().Commits != 0 || len(f.Rows) != len(unknownClasses)-1+3 { // nobody is withheld
		t.Errorf("%+v", f)
	}
}

func TestMetricsAreDeclaredOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range Metrics {
		if seen[m.Key] || m.Title == "" || m.Unit == "" || m.Formula == "" {
			t.Errorf("%q: declared twice or in part: %+v", m.Key, m)
		}
		seen[m.Key] = true
		if MetricByKey(m.Key) != m {
			t.Errorf("%q is not found by its key", m.Key)
		}
	}
}

// Credits of co-authors add commits for them, and nothing else: laws hold, lines and surviving lines are the same, and each credit of a
// commit that counts stands in the sums once.
func TestCredits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		in := w.input()
		plain, err := Measure(in)
		if err != nil {
			t.Fatal(err)
		}
		in.Resolution.Credits = make([][]people.Credit, len(w.repositories))
		for i, r := range w.repositories {
			for c := range r.Commits {
				if r.Commits[c].IsMerge() {
					continue
				}
				author := r.Commits[c].Author / 3
				if other := uint32(rapid.IntRange(0, w.persons).Draw(t, "co-author")); int(other) < w.persons && other != author {
					in.Resolution.Credits[i] = append(in.Resolution.Credits[i], people.Credit{Commit: uint32(c), Signature: 3 * other})
				}
			}
		}
		result, err := Measure(in)
		if err != nil {
			t.Fatal(err)
		}
		for i := range plain.Figures {
			a, b := plain.Figures[i].Work, result.Figures[i].Work
			if got := b.Commits().Commits - a.Commits().Commits; got != b.Credits {
				t.Fatalf("%v: %d more commits, %d credits", plain.Figures[i].Scope, got, b.Credits)
			}
			if a.Commits().Changed() != b.Commits().Changed() || a.Bots != b.Bots || a.Agents != b.Agents || a.Merges != b.Merges || a.Duplicates != b.Duplicates {
				t.Fatalf("%v: %+v, want %+v", plain.Figures[i].Scope, b, a)
			}
			if diff := cmp.Diff(plain.Figures[i].Surviving, result.Figures[i].Surviving); diff != "" {
				t.Fatal(diff)
			}
		}
		var ledger uint64
		for i := range result.Ledger.Entries {
			ledger += result.Ledger.Entries[i].Commits
		}
		if total := result.Figures[0].Work.Total().Commits; ledger != total {
			t.Fatalf("the ledger has %d commits, want %d", ledger, total)
		}
	})
}
