package measure

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orrery/analyzer/facts"
	"orrery/analyzer/paths"
	"orrery/analyzer/people"
)

// patch is one commit's lines in one file, with all that is told of them, looked up anew for each.
type patch struct {
	repository, side, class, language, year string
	person, file                            int
	bulk, here                              bool
	lines                                   int64
	clock                                   int64
}

// look says everything about the lines of a row, from the world and from what stages before have found.
func look(w *world, m *measurement, rank int, row *facts.Survival) patch {
	mined := &m.repositories[rank]
	at := mined.position
	r, c := w.repositories[at], w.classified[at]
	class := c.Class[row.Path]
	n := patch{repository: r.Key, class: class.String(), language: c.Languages[c.Language[row.Path]], here: class.Written(), lines: int64(row.Lines), person: -1}
	if row.Commit == facts.None {
		n.side, n.year = RowNobody, InvalidDate
		return n
	}
	commit := &r.Commits[row.Commit]
	n.person = int(commit.Author / 3)
	n.year = InvalidDate
	if m.valid(commit.Authored) {
		n.year = commit.Authored.UTC().Format("2006")
	}
	switch side := w.side(n.person, commit.Authored.UTC().Year()); {
	case side < numOrgs:
		n.side = []string{"Acme", "Bolt", "Staffing"}[side]
	case side == numOrgs+int(people.Bot):
		n.side = RowBots
	case side == numOrgs+int(people.Agent):
		n.side = RowAgents
	default:
		n.side = people.Class(side - numOrgs).String()
	}
	for _, b := range m.result.Bulk {
		if commit.IsMerge() || n.side == RowBots || n.side == RowAgents {
			break
		}
		n.bulk = n.bulk || b.Commit == mined.Commits[row.Commit].ID || slices.Contains(b.History, mined.Commits[row.Commit].ID)
	}
	return n
}

// lookAll looks at every row of every repository.
func lookAll(w *world, m *measurement) (all []patch) {
	files := 0
	for rank := range m.repositories {
		mined := &m.repositories[rank]
		for i := range mined.Survival {
			n := look(w, m, rank, &mined.Survival[i])
			n.clock = mined.clocks[mined.Survival[i].Step]
			n.file = files + int(mined.Survival[i].Path)
			all = append(all, n)
		}
		files += len(mined.Paths)
	}
	return all
}

// until gives what came and went before a moment.
func until(rows []patch, t int64) (some []patch) {
	for _, n := range rows {
		if n.clock < t {
			some = append(some, n)
		}
	}
	return some
}

type sums map[string]Stock

func sumUp(all []patch, of func(patch) string) sums {
	raw := map[string]level{}
	for _, n := range all {
		name := of(n)
		l := raw[name]
		l.lines += n.lines
		if n.here {
			l.here += n.lines
		}
		raw[name] = l
	}
	out := sums{}
	for name, l := range raw {
		if l != (level{}) {
			out[name] = Stock{uint64(l.lines), uint64(l.here)}
		}
	}
	delete(out, "")
	return out
}

// sideOf is the row of an organization or class; imports are in the one row, and named in their organization's.
func sideOf(n patch) string {
	if n.bulk {
		return RowBulk
	}
	return n.side
}

func bulkOf(n patch) string {
	if n.bulk {
		return n.side
	}
	return ""
}

func same(t *rapid.T, what string, want, got sums) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s:\n%s", what, diff)
	}
}

// compareStrata adds everything up again at every moment, row by row.
func compareStrata(t *rapid.T, w *world, result *Result) {
	m, err := newMeasurement(w.input())
	if err != nil {
		t.Fatal(err)
	}
	if err := m.tabulate(); err != nil {
		t.Fatal(err)
	}
	strata := result.Strata
	rows := lookAll(w, m)
	persons := map[string]PersonMonth{}
	next := 0
	for i, p := range strata.Months {
		all := until(rows, p.To)
		layers := func(list []Layer, bulk bool) sums {
			out := sums{}
			for _, l := range list {
				stocks := l.Stocks
				if bulk {
					stocks = l.Bulk
				}
				if stocks != nil && stocks[i] != (Stock{}) {
					out[l.Name] = stocks[i]
				}
			}
			return out
		}
		same(t, p.Name+" organizations", sumUp(all, sideOf), layers(strata.Organizations, false))
		same(t, p.Name+" imports", sumUp(all, bulkOf), layers(strata.Organizations, true))
		same(t, p.Name+" classes", sumUp(all, func(n patch) string { return n.class }), layers(strata.Classes, false))
		languages := layers(strata.Languages, false)
		if none, ok := languages[""]; ok {
			languages["none"] = none
			delete(languages, "")
		}
		same(t, p.Name+" languages", sumUp(all, func(n patch) string {
			if n.language == "" {
				return "none"
			}
			return n.language
		}), languages)
		same(t, p.Name+" years", sumUp(all, func(n patch) string { return n.year }), layers(strata.Years, false))
		same(t, p.Name+" repositories", sumUp(all, func(n patch) string { return n.repository }), layers(strata.Repositories, false))
		same(t, p.Name+" subsystems", sumUp(all, func(n patch) string {
			for _, s := range w.membership {
				if s.Key == n.repository && len(strata.Subsystems) > 0 {
					if s.Subsystem == "" {
						return NoSubsystem
					}
					return s.Subsystem
				}
			}
			return ""
		}), layers(strata.Subsystems, false))
		for ; next < len(strata.People) && strata.People[next].Month == i; next++ {
			row := strata.People[next]
			if persons[fmt.Sprint(row.Person)] == row {
				t.Fatalf("%s: person %d has not changed", p.Name, row.Person)
			}
			persons[fmt.Sprint(row.Person)] = row
		}
		work, imports := sums{}, sums{}
		for name, row := range persons {
			if row.Stock != (Stock{}) {
				work[name] = row.Stock
			}
			if row.Bulk != (Stock{}) {
				imports[name] = row.Bulk
			}
		}
		person := func(bulk bool) sums {
			return sumUp(all, func(n patch) string {
				if n.person < 0 || n.bulk != bulk {
					return ""
				}
				return fmt.Sprint(n.person)
			})
		}
		same(t, p.Name+" persons", person(false), work)
		same(t, p.Name+" persons' imports", person(true), imports)
	}
	for i := range result.Figures {
		if f := &result.Figures[i]; f.Period.Kind != KindRange {
			compareSurviving(t, w, rows, f)
		}
	}
	for i, p := range result.Windows {
		if p.Kind == KindRange {
			continue
		}
		all := until(rows, p.To)
		cohorts := sums{}
		for _, c := range strata.Cohorts[i] {
			cohorts[c.Name+" "+c.Year] = c.Stock
		}
		same(t, p.Name+" cohorts", sumUp(all, func(n patch) string { return sideOf(n) + " " + n.year }), cohorts)
	}
	compareHoldings(t, rows, result)
	compareLongevity(t, w, m, result)
}

// compareHoldings adds up what stands of each person in each repository, and in the files that several worked on.
func compareHoldings(t *rapid.T, rows []patch, result *Result) {
	t.Helper()
	workers := map[int]map[uint32]bool{}
	for _, f := range result.Files {
		if workers[int(f.File)] == nil {
			workers[int(f.File)] = map[uint32]bool{}
		}
		workers[int(f.File)][f.Person] = true
	}
	for i, p := range result.Windows {
		if p.Kind == KindRange {
			if len(result.Holdings[i])+len(result.FileStocks[i]) > 0 {
				t.Fatalf("%s holds something", p.Name)
			}
			continue
		}
		ofPerson := func(n patch) bool { return n.person >= 0 && !n.bulk && n.side != RowBots && n.side != RowAgents }
		all := until(rows, p.To)
		held, stocks := sums{}, sums{}
		for _, h := range result.Holdings[i] {
			name := h.Class.String()
			if h.Organization >= 0 {
				name = []string{"Acme", "Bolt", "Staffing"}[h.Organization]
			}
			held[fmt.Sprintf("%s %d %s", h.Repository, h.Person, name)] = h.Stock
		}
		same(t, p.Name+" holdings", sumUp(all, func(n patch) string {
			if !ofPerson(n) {
				return ""
			}
			return fmt.Sprintf("%s %d %s", n.repository, n.person, n.side)
		}), held)
		for _, s := range result.FileStocks[i] {
			stocks[fmt.Sprintf("%d %d", s.File, s.Person)] = Stock{uint64(s.Lines), uint64(s.Lines)}
		}
		same(t, p.Name+" lines in shared files", sumUp(all, func(n patch) string {
			if !ofPerson(n) || len(workers[n.file]) < 2 {
				return ""
			}
			return fmt.Sprintf("%d %d", n.file, n.person)
		}), stocks)
	}
}

func compareSurviving(t *rapid.T, w *world, rows []patch, f *Figures) {
	t.Helper()
	var all []patch
	for _, n := range until(rows, f.Period.To) {
		var member Membership
		for _, candidate := range w.membership {
			if candidate.Key == n.repository {
				member = candidate
			}
		}
		if f.Scope.Kind == ScopeEcosystem || f.Scope.Name == map[string]string{ScopeClass: member.Class, ScopeRepository: member.Key}[f.Scope.Kind] ||
			f.Scope.Kind == ScopeSubsystem && (f.Scope.Name == member.Subsystem || f.Scope.Name == NoSubsystem && member.Subsystem == "") {
			all = append(all, n)
		}
	}
	where := fmt.Sprintf("%v %s", f.Scope, f.Period.Name)
	apart, merged, imports := sums{}, sums{}, sums{}
	put := func(to sums, name string, s Stock) {
		if s != (Stock{}) {
			to[name] = s
		}
	}
	for _, row := range f.Surviving.Rows {
		put(apart, row.Name, row.Apart)
		put(merged, row.Name, row.Merged)
		put(imports, row.Name, row.ApartBulk)
	}
	same(t, where, sumUp(all, sideOf), apart)
	same(t, where+" imports", sumUp(all, bulkOf), imports)
	same(t, where+" merged", sumUp(all, func(n patch) string {
		if side := sideOf(n); side != "Staffing" {
			return side
		}
		return "Acme"
	}), merged)
	classes, files := sums{}, map[string]uint64{}
	for _, k := range f.Classes {
		put(classes, k.Class.String(), k.Stock)
		files[k.Class.String()] = k.Files
	}
	same(t, where+" classes", sumUp(all, func(n patch) string { return n.class }), classes)
}

// life is a number of lines that came at one age and went at another, or still stood.
type life struct {
	from, to int
	lines    int64
	gone     bool
}

// compareLongevity tells the lives of lines apart and applies the estimate's definition to them, age by age.
func compareLongevity(t *rapid.T, w *world, m *measurement, result *Result) {
	t.Helper()
	months := result.Strata.Months
	end := result.Windows[trailingWindow].To
	monthOf := func(clock int64) int {
		at := 0
		for at+1 < len(months) && months[at].To <= clock {
			at++
		}
		return at
	}
	if len(months) == 0 {
		return
	}
	now := monthOf(end - 1)
	for _, here := range []bool{false, true} {
		lives := map[string][]life{}
		for rank := range m.repositories {
			mined := &m.repositories[rank]
			first := math.MaxInt
			for _, clock := range mined.clocks {
				if clock != undated {
					first = min(first, monthOf(clock))
				}
			}
			if first == math.MaxInt {
				first = 0
			}
			landed := map[uint32]int{}
			open := map[uint32][]life{}
			for s, clock := range mined.clocks {
				if clock >= end {
					break
				}
				month := first
				if clock != undated {
					month = monthOf(clock)
				}
				net, both := map[uint32]int64{}, map[uint32][2]int64{}
				for i := range mined.Survival {
					row := &mined.Survival[i]
					if row.Step != uint32(s) || row.Commit == facts.None {
						continue
					}
					n := look(w, m, rank, row)
					sum := both[row.Commit]
					sum[0] += n.lines
					if n.here {
						sum[1] += n.lines
					}
					both[row.Commit] = sum
					if n.here || !here {
						net[row.Commit] += n.lines
					}
				}
				for commit, sum := range both {
					if _, ok := landed[commit]; !ok && sum != [2]int64{} {
						landed[commit] = month
					}
				}
				for commit, n := range net {
					age := month - landed[commit]
					if n > 0 {
						open[commit] = append(open[commit], life{from: age, lines: n})
					}
					for k := 0; n < 0; k++ {
						l := &open[commit][k]
						if l.gone {
							continue
						}
						if part := min(-n, l.lines); part < l.lines {
							rest := *l
							rest.lines -= part
							open[commit] = append(open[commit], rest)
							open[commit][k].lines = part
						}
						l = &open[commit][k]
						l.gone, l.to = true, age
						n += l.lines
					}
				}
			}
			for commit, list := range open {
				n := look(w, m, rank, &facts.Survival{Commit: commit})
				for _, l := range list {
					if !l.gone {
						l.to = max(now-landed[commit], 0)
					}
					names := []string{sideOf(n)}
					if n.side == "Staffing" && !n.bulk || n.side == "Acme" && !n.bulk {
						names = append(names, "Acme merged")
					}
					if !n.bulk && n.side != RowBots && n.side != RowAgents {
						names = append(names, RowPeople)
					}
					for _, name := range names {
						lives[name] = append(lives[name], l)
					}
				}
			}
		}
		for _, row := range result.Longevity {
			name := row.Name
			if row.Merged {
				name += " merged"
			}
			got := row.All
			if here {
				got = row.Here
			}
			got.Active = 0 // not this estimate's
			if diff := cmp.Diff(define(lives[name]), got); diff != "" {
				t.Fatalf("longevity of %s, here %v:\n%s", name, here, diff)
			}
		}
	}
}

// define is the product limit as it is written in books.
func define(lives []life) Lifetimes {
	out := Lifetimes{HalfLife: NotReached, Oldest: -1, OldestLasts: 1, Lasting: [len(LifeAges)]float64{-1, -1, -1}}
	for _, l := range lives {
		out.Entered += uint64(l.lines)
		if l.gone {
			out.Removed += uint64(l.lines)
		} else {
			out.Alive += uint64(l.lines)
		}
	}
	lasts := 1.0
	for age := range 200 {
		var risk, gone int64
		for _, l := range lives {
			if l.from <= age && age <= l.to {
				risk += l.lines
				if l.gone && l.to == age {
					gone += l.lines
				}
			}
		}
		if risk == 0 {
			continue
		}
		lasts *= float64(risk-gone) / float64(risk)
		out.Oldest, out.OldestLasts = age, lasts
		if out.HalfLife == NotReached {
			out.AtRisk = uint64(risk)
			if lasts <= 0.5+1e-12 {
				out.HalfLife = age
			}
		}
		for i, a := range LifeAges {
			if a == age {
				out.Lasting[i] = lasts
			}
		}
	}
	return out
}

// The remission times of 21 patients in Freireich et al. 1963, the example of many textbooks: the median is 23 weeks.
func TestEstimate(t *testing.T) {
	entered, removed, censored := make([]uint64, 36), make([]uint64, 36), make([]uint64, 36)
	entered[0] = 21
	for _, week := range []int{6, 6, 6, 7, 10, 13, 16, 22, 23} {
		removed[week]++
	}
	for _, week := range []int{6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35} {
		censored[week]++
	}
	l := estimate(entered, removed, censored)
	if l.HalfLife != 23 || l.AtRisk != 6 || l.Alive != 12 || l.Oldest != 35 {
		t.Errorf("%+v, want a half-life of 23 with 6 at risk", l)
	}
	for i, want := range []float64{0.753, 0.448, -1} {
		if math.Abs(l.Lasting[i]-want) > 0.0005 {
			t.Errorf("after %d: %.3f, want %.3f", LifeAges[i], l.Lasting[i], want)
		}
	}
}

// twoFiles is a world with a file that moves, and one that goes.
func twoFiles() *world {
	w := small(handmade{unix("2022-01-10"), 100, facts.Added}, handmade{unix("2022-03-05"), 50, facts.Added}, handmade{unix("2023-01-20"), 0, facts.Modified})
	r := w.repositories[0]
	r.Paths = []string{"a.c", "b.c", "third_party/a.c"}
	r.Changes[1].Path = 1
	r.Changes[2].Path = 2
	r.Steps[2].Added, r.Steps[2].Removed, r.Steps[2].Lines = 0, 30, 120
	r.Changes[2].Removed, r.Changes[2].LinesBefore, r.Changes[2].LinesAfter = 30, 150, 120
	r.Survival = []facts.Survival{
		{Step: 0, Path: 0, Commit: 0, Lines: 100},
		{Step: 1, Path: 1, Commit: 1, Lines: 50},
		{Step: 2, Path: 0, Commit: 0, Lines: -100},
		{Step: 2, Path: 1, Commit: 1, Lines: -30},
		{Step: 2, Path: 2, Commit: 0, Lines: 100},
	}
	w.classified = []*paths.Classified{{
		Class: []paths.Class{paths.Own, paths.Test, paths.Vendored}, Language: []uint16{1, 1, 1}, Languages: []string{"", "C"},
	}}
	return w
}

func TestMovedLinesLive(t *testing.T) {
	result, err := Measure(twoFiles().input())
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range result.Longevity {
		if l.Name != "Acme" {
			continue
		}
		want := Lifetimes{
			Entered: 150, Removed: 30, Alive: 120, HalfLife: NotReached, AtRisk: 100, Oldest: 29, OldestLasts: 0.8,
			Lasting: [...]float64{0.8, 0.8, -1},
		}
		if diff := cmp.Diff(want, l.All); diff != "" {
			t.Errorf("all lines:\n%s", diff)
		}
		// In files that are written here, the hundred lines that moved away are gone.
		want = Lifetimes{
			Entered: 150, Removed: 130, Alive: 20, HalfLife: 12, AtRisk: 120, Oldest: 27, OldestLasts: 0.8 * 20 / 120, Lasting: [...]float64{0.8 * 20 / 120, 0.8 * 20 / 120, -1},
		}
		if diff := cmp.Diff(want, l.Here, cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-12 })); diff != "" {
			t.Errorf("written here:\n%s", diff)
		}
	}
	f := result.Figures[0]
	if got, want := f.Surviving.Known, (Stock{120, 20}); got != want {
		t.Errorf("known: %+v, want %+v", got, want)
	}
	want := []KindRow{
		{Class: paths.Own, Added: 100},
		{Class: paths.Vendored, Removed: 30, Stock: Stock{100, 0}, Files: 1},
		{Class: paths.Test, Added: 50, Stock: Stock{20, 20}, Files: 1},
	}
	if diff := cmp.Diff(want, f.Classes); diff != "" {
		t.Errorf("classes:\n%s", diff)
	}
}

// Nobody has committed in the twelve months before the as-of day, but the author of the second half has the year before.
func TestActive(t *testing.T) {
	for asOf, want := range map[string]uint64{"2023-06-15": 120, "2024-06-15": 0} {
		in := twoFiles().input()
		in.AsOf = unix(asOf)
		result, err := Measure(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := result.Longevity[0]; got.Name != RowPeople || got.All.Active != want {
			t.Errorf("%s: %d lines of active authors of %s, want %d", asOf, got.All.Active, got.Name, want)
		}
	}
}

func TestSurvivalRefused(t *testing.T) {
	tests := []struct {
		name   string
		tamper func(*world)
		law    bool
		want   string
	}{
		{"a row too few", func(w *world) { w.repositories[0].Survival = w.repositories[0].Survival[:1] }, true, "change by lines added - removed"},
		{"out of order", func(w *world) { w.repositories[0].Survival[0].Step = 9 }, true, "change by"},
		{"left over", func(w *world) {
			r := w.repositories[0]
			r.Survival = append(r.Survival, facts.Survival{Step: 3, Lines: 1})
		}, false, "not in the order"},
		{"commit", func(w *world) { w.repositories[0].Survival[0].Commit = 9 }, false, "outside of the facts"},
		{"path", func(w *world) { w.repositories[0].Survival[0].Path = 9 }, false, "outside of the facts"},
		{"lines that never came", func(w *world) { w.repositories[0].Survival[2].Commit, w.repositories[0].Survival[4].Commit = 1, 1 }, true, "none or more"},
		{"class", func(w *world) { w.classified[0].Class[0] = paths.NumClasses }, false, "has class"},
		{"language", func(w *world) { w.classified[0].Language[0] = 2 }, false, "and language 2"},
		{"a class too few", func(w *world) { w.classified[0].Class = w.classified[0].Class[:2] }, false, "classes and languages of 2"},
		{"a repository too many", func(w *world) { w.classified = append(w.classified, w.classified[0]) }, false, "classes of paths of 2"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := twoFiles()
			test.tamper(w)
			_, err := Measure(w.input())
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error %v, want one with %q", err, test.want)
			}
			var law *LawError
			if errors.As(err, &law) != test.law {
				t.Errorf("%v: a law was violated: %v, want %v", err, !test.law, test.law)
			}
		})
	}
}
