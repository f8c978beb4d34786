package measure

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"orrery/analyzer/facts"
	"orrery/analyzer/paths"
)

// told is a commit of a story: what it does to a tree. Lines of files are numbers.
type told struct {
	parents []int // nil: the one before; empty: a root
	person  int
	subject string
	trailer string
	days    int // after the one before; 0 means 1
	add     map[string]int
	edit    map[string][2]int // lines added and removed
	remove  []string
}

// repo builds a repository of a story, by the rules that git has for rows. The first person is an insider's.
func repo(key string, commits ...told) *facts.Repository {
	r := &facts.Repository{Key: key, Branch: "refs/heads/main"}
	for p := range 3 {
		for s := range 3 {
			r.Signatures = append(r.Signatures, facts.Signature{Name: fmt.Sprintf("Person %d %d", p, s), Email: fmt.Sprintf("p%d@acme.example", p)})
		}
	}
	index := map[string]uint32{}
	path := func(name string) uint32 {
		i, ok := index[name]
		if !ok {
			i = uint32(len(r.Paths))
			index[name] = i
			r.Paths = append(r.Paths, name)
		}
		return i
	}
	var trees []map[string]int
	when := unix("2020-01-01")
	for i, c := range commits {
		when += int64(max(c.days, 1)) * day
		at := facts.Time{Unix: when, Valid: true}
		commit := facts.Commit{
			Author: uint32(3 * c.person), Committer: uint32(3 * c.person), Authored: at, Committed: at, Subject: c.subject, Step: facts.None,
			Parents:  facts.Span{Lo: uint32(len(r.Parents))},
			Changes:  facts.Span{Lo: uint32(len(r.Changes))},
			Trailers: facts.Span{Lo: uint32(len(r.Trailers))},
		}
		commit.ID[0], commit.ID[1] = byte(i>>8), byte(i)
		copy(commit.ID[4:], key)
		parents := c.parents
		if parents == nil && i > 0 {
			parents = []int{i - 1}
		}
		tree := map[string]int{}
		for _, p := range parents {
			r.Parents = append(r.Parents, uint32(p))
			for name, lines := range trees[p] {
				tree[name] = lines
			}
		}
		row := func(name string, kind facts.Kind, added, removed int) {
			change := facts.Change{
				Commit: uint32(i), Path: path(name), Old: path(name), Kind: kind, Added: uint32(added), Removed: uint32(removed),
				LinesBefore: uint32(tree[name]), LinesAfter: uint32(tree[name] + added - removed),
			}
			r.Changes = append(r.Changes, change)
			if tree[name] += added - removed; kind == facts.Deleted {
				delete(tree, name)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(c.add)) {
			row(name, facts.Added, c.add[name], 0)
		}
		for _, name := range slices.Sorted(maps.Keys(c.edit)) {
			row(name, facts.Modified, c.edit[name][0], c.edit[name][1])
		}
		for _, name := range c.remove {
			row(name, facts.Deleted, 0, tree[name])
		}
		if c.trailer != "" {
			r.Trailers = append(r.Trailers, facts.Trailer{Key: c.trailer, Value: "x", InBlock: true})
		}
		commit.Parents.Hi, commit.Changes.Hi, commit.Trailers.Hi = uint32(len(r.Parents)), uint32(len(r.Changes)), uint32(len(r.Trailers))
		r.Commits, trees = append(r.Commits, commit), append(trees, tree)
	}
	var chain []int
	for at := len(commits) - 1; ; at = int(r.Parents[r.Commits[at].Parents.Lo]) {
		if chain = append(chain, at); r.Commits[at].Parents.Len() == 0 {
			break
		}
	}
	slices.Reverse(chain)
	before := map[string]int{}
	for i, at := range chain {
		c := &r.Commits[at]
		c.Step = uint32(i)
		s := facts.Step{Commit: uint32(at), Clock: c.Committed.Unix, Files: uint64(len(trees[at]))}
		lines, old := 0, 0
		for _, n := range trees[at] {
			lines += n
		}
		for _, n := range before {
			old += n
		}
		s.Lines, s.Added, s.Removed = uint64(lines), uint64(max(lines-old, 0)), uint64(max(old-lines, 0))
		r.Steps, before = append(r.Steps, s), trees[at]
	}
	for i := range r.Commits {
		if r.Walk.Commits++; r.Commits[i].IsMerge() {
			r.Walk.Merges++
		} else {
			r.Walk.Measured++
		}
	}
	r.Head = r.Commits[len(commits)-1].ID
	return r
}

// files are n files of some lines each.
func files(pattern string, n, lines int) map[string]int {
	out := map[string]int{}
	for i := range n {
		out[fmt.Sprintf(pattern, i)] = lines + 40*i
	}
	return out
}

// work is a beginning of some size that is no import, because it comes in parts.
func work(n int) []told {
	var out []told
	for i := range n {
		out = append(out, told{add: map[string]int{fmt.Sprintf("src/part%d.c", i): 900}})
	}
	return out
}

// bulkIn gives the bulk imports as "row: reason", or "rows: reason" of histories.
func bulkIn(t *testing.T, repositories []*facts.Repository, classes []string, correct ...Correction) (found, warnings []string) {
	t.Helper()
	w := &world{repositories: repositories, persons: 3, side: func(person, _ int) int {
		return []int{orgAcme, orgBolt, orgBolt}[person]
	}}
	for i, r := range repositories {
		w.membership = append(w.membership, Membership{Key: r.Key, Class: classes[i]})
	}
	in := w.input()
	in.Bulk = correct
	for i, r := range repositories {
		c := &paths.Classified{Class: make([]paths.Class, len(r.Paths)), Language: make([]uint16, len(r.Paths)), Languages: []string{""}}
		for p, name := range r.Paths {
			switch {
			case classes[i] == ThirdParty || strings.HasPrefix(name, "vendor/"):
				c.Class[p] = paths.Vendored
			case strings.HasSuffix(name, ".lock"):
				c.Class[p] = paths.Generated
			}
		}
		in.Paths = append(in.Paths, c)
	}
	result, err := Measure(in)
	if err != nil {
		t.Fatal(err)
	}
	var commits uint64
	for _, b := range result.Bulk {
		key := ""
		if len(repositories) > 1 {
			key = b.Repository + " "
		}
		commits += uint64(b.Commits)
		if b.Evidence == "" {
			t.Errorf("%s of %s: no evidence", b.Reason, b.Commit)
		}
		if b.History == nil {
			found = append(found, fmt.Sprintf("%s%d: %s", key, int(b.Commit[0])<<8|int(b.Commit[1]), b.Reason))
			continue
		}
		var rows []string
		for _, id := range b.History {
			rows = append(rows, fmt.Sprint(int(id[0])<<8|int(id[1])))
		}
		if len(rows) != b.Commits || b.Person >= 0 || b.History[len(rows)-1] != b.Commit {
			t.Errorf("history %+v", b)
		}
		found = append(found, fmt.Sprintf("%s%s: %s", key, strings.Join(rows, ","), b.Reason))
	}
	if got := result.Figures[0].Work.Bulk.Commits; got != commits {
		t.Errorf("%d commits are bulk, %d listed", got, commits)
	}
	return found, result.Warnings
}

func TestBulk(t *testing.T) {
	after := func(n int, c ...told) []told { return append(work(n), c...) }
	tests := []struct {
		name    string
		commits []told
		class   string
		want    string
	}{
		{"mass", after(5, told{add: files("a/f%d.c", 5, 2000)}), "", "5: mass addition"},
		{"just below", after(9, told{add: map[string]int{"a/f.c": 9_999}}), "", ""},
		{"large edits are work", after(5, told{edit: map[string][2]int{"src/part0.c": {50_000, 900}}}), "", ""},
		{"edits and new files", after(5, told{add: files("a/f%d.c", 5, 2000), edit: map[string][2]int{"src/part0.c": {50_000, 900}}}), "", "5: mass addition"},
		{"initial drop", []told{{add: map[string]int{"README": 20}}, {add: map[string]int{"a.c": 2_500}}}, "", "1: mass addition"},
		{"small beginning", []told{{add: map[string]int{"README": 20}}, {add: map[string]int{"a.c": 1_900}}}, "", ""},
		{"translations", after(5, told{subject: "update French for 2.0", add: map[string]int{"po/fr.po": 20_000}}), "", ""},
		{"vendored", after(5, told{add: map[string]int{"vendor/zip/a.c": 1_200, "src/use.c": 100}}), "", "5: vendored folder"},
		{"work in a vendored folder", after(5, told{add: map[string]int{"vendor/zip/a.c": 900}}), "", ""},
		{"all of it is vendored", after(5, told{add: map[string]int{"a.c": 1_200}}), ThirdParty, ""},
		{"a licence of its own", after(5, told{add: map[string]int{"lib/zip/LICENSE": 100, "lib/zip/src/a.c": 3_000}}), "", "5: vendored folder"},
		{"a licence beside", after(5, told{add: map[string]int{"LICENSE": 100, "lib/zip/src/a.c": 3_000}}), "", ""},
		{"a new version of a folder", after(5, told{subject: "Zip updated to 3.1", edit: map[string][2]int{"src/part0.c": {10, 0}, "lib/zip/a.c": {2_500, 0}}}), "", "5: vendored folder"},
		{"a new version of it all", after(5, told{subject: "update helianthus 1.0.1", edit: map[string][2]int{"src/part0.c": {1_500, 0}, "lib/zip/a.c": {1_500, 0}}}), "", "5: mass addition"},
		{"a number that is no version", after(5, told{subject: "add 2.5 D effects", add: map[string]int{"a.c": 3_000}}), "", ""},
		{"code kept elsewhere", after(5, told{subject: "sync code", edit: map[string][2]int{"src/part0.c": {2_500, 0}}}), "", "5: mass addition"},
		{"a feature about synchronizing", after(5, told{subject: "support device sync with config", add: map[string]int{"a.c": 3_000}}), "", ""},
		{"an import by its own words", after(5, told{subject: "drivers: import the pin tables", add: map[string]int{"a.c": 2_500}}), "", "5: mass addition"},
		{"a feature about importing", after(5, told{subject: "fast-import: add tests", add: map[string]int{"a.c": 2_500}}), "", ""},
		{"generated", after(5, told{add: map[string]int{"all.lock": 4_000}}), "", "5: generated dump"},
		{"generated anew", after(5, told{add: map[string]int{"all.lock": 900}}, told{edit: map[string][2]int{"all.lock": {1_500, 800}}}), "", "6: generated dump"},
		{"split", after(5, told{add: map[string]int{"a.c": 1_500, "b.c": 1_400}, edit: map[string][2]int{"src/part0.c": {0, 800}, "src/part1.c": {0, 850}, "src/part2.c": {0, 850}}}), "", "5: moved tree"},
		{"rewritten", after(5, told{add: map[string]int{"a.c": 1_500, "b.c": 1_500}, remove: []string{"src/part0.c"}}), "", ""},
		{"copied", after(5, told{add: map[string]int{"new/part0.c": 910, "new/part1.c": 890, "new/Makefile": 20}}), "", "5: moved tree"},
		{"one file of that length and name", after(5, told{add: map[string]int{"new/part0.c": 1_010}}), "", ""},
		{"other lengths", after(5, told{add: map[string]int{"new/part0.c": 1_810, "new/part1.c": 1_790}}), "", ""},
		{"names that all folders have", after(2, told{add: map[string]int{}}, told{add: alike("a%d/BUILD.gn", 40, 30)}, told{add: alike("b%d/BUILD.gn", 40, 30)}), "", ""},
		{
			"subtree by git subtree", after(5, told{add: map[string]int{"lib/a.c": 10}, subject: "Squashed", trailer: "git-subtree-split"}), "",
			"5: subtree",
		},
		{
			"history of another root", append(work(4),
				told{parents: []int{}, person: 1, add: map[string]int{"tool.c": 10}},
				told{person: 1, edit: map[string][2]int{"tool.c": {5, 1}}},
				told{parents: []int{3, 5}},
				told{parents: []int{5}, person: 1, edit: map[string][2]int{"tool.c": {5, 1}}},
				told{parents: []int{6, 7}},
			), "",
			"4,5: subtree",
		},
		{
			"the larger history joins a beginning", []told{
				{add: map[string]int{"README": 10}},
				{parents: []int{}, add: map[string]int{"a.c": 10}},
				{edit: map[string][2]int{"a.c": {5, 1}}},
				{edit: map[string][2]int{"a.c": {5, 1}}},
				{parents: []int{0, 3}},
			}, "", "",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := repo("tool", test.commits...)
			found, _ := bulkIn(t, []*facts.Repository{r}, []string{test.class})
			if got := strings.Join(found, "; "); got != test.want {
				t.Errorf("bulk imports %q, want %q", got, test.want)
			}
		})
	}
}

func alike(pattern string, n, lines int) map[string]int {
	out := map[string]int{}
	for i := range n {
		out[fmt.Sprintf(pattern, i)] = lines
	}
	return out
}

// A tree that left one repository for another is no new work there; nor here when it is the other way round, by date.
func TestBulkAcrossRepositories(t *testing.T) {
	tree := map[string]int{"x/alpha.c": 700, "x/beta.c": 800}
	first := repo("first", append(work(3), told{add: tree})...)
	second := repo("second", append(work(3), told{days: 90, add: map[string]int{"y/alpha.c": 705, "y/beta.c": 790}})...)
	found, _ := bulkIn(t, []*facts.Repository{first, second}, []string{"", ""})
	if got, want := strings.Join(found, "; "), "second 3: moved tree"; got != want {
		t.Errorf("bulk imports %q, want %q", got, want)
	}
}

func TestBulkUpstream(t *testing.T) {
	own := repo("own", work(3)...)
	upstream := func(n int) (h []told) {
		for range n {
			h = append(h, told{person: 1, edit: map[string][2]int{"a.c": {5, 1}}})
		}
		return h
	}
	history := append(upstream(2), told{person: 0, edit: map[string][2]int{"a.c": {5, 1}}}) // an insider works upstream
	history = append(history, upstream(5)...)
	history = append(history, told{person: 0, edit: map[string][2]int{"a.c": {5, 1}}})                    // 8: taken over
	history = append(history, told{person: 2, edit: map[string][2]int{"a.c": {5, 1}}})                    // 9: an outsider works here
	history = append(history, told{person: 0, edit: map[string][2]int{"a.c": {5, 1}}})                    // 10
	history = append(history, told{parents: []int{7}, person: 1, edit: map[string][2]int{"a.c": {5, 1}}}) // 11: upstream goes on
	history = append(history, told{parents: []int{10, 11}})                                               // 12: and is merged
	history = append(history, told{person: 0, edit: map[string][2]int{"a.c": {5, 1}}})
	for _, test := range []struct {
		name    string
		class   string
		correct []Correction
		want    string
	}{
		{"third party", ThirdParty, nil, "0,1,2,3,4,5,6,7,11: upstream history"},
		{"our own", "", nil, ""},
		{"by hand", "", []Correction{{[]string{"taken"}, "", IsUpstream, "x", "f:1:1"}}, "0,1,2,3,4: corrected"},
		{"all but one", ThirdParty, []Correction{{[]string{"taken"}, "", IsWork, "x", "f:1:1"}}, "0,1,3,4,5,6,7,11: upstream history"},
	} {
		t.Run(test.name, func(t *testing.T) {
			taken := repo("taken", history...)
			for i := range test.correct {
				c := &test.correct[i]
				row := 2
				if c.Is == IsUpstream {
					row = 4
				}
				c.Commit = taken.Commits[row].ID.String()[:12]
			}
			found, warnings := bulkIn(t, []*facts.Repository{own, taken}, []string{"", test.class}, test.correct...)
			if got := strings.ReplaceAll(strings.Join(found, "; "), "taken ", ""); got != test.want {
				t.Errorf("bulk imports %q, want %q", got, test.want)
			}
			if len(warnings) > 0 {
				t.Errorf("warnings %q", warnings)
			}
		})
	}
	t.Run("nobody is known", func(t *testing.T) {
		found, warnings := bulkIn(t, []*facts.Repository{repo("taken", history...)}, []string{ThirdParty})
		if len(found) != 0 || len(warnings) != 1 || !strings.Contains(warnings[0], "taken") {
			t.Errorf("bulk imports %q, warnings %q, want one that says why there are none", found, warnings)
		}
	})
}

func TestBulkCorrections(t *testing.T) {
	r := repo("tool", append(work(4), told{add: map[string]int{"big.c": 20_000}}, told{parents: []int{3, 4}})...)
	id := func(row int) string { return r.Commits[row].ID.String() }
	all := []string{"tool"}
	for _, test := range []struct {
		name, want, warning string
		correct             []Correction
	}{
		{"none", "4: mass addition", "", nil},
		{"import", "2: corrected; 4: mass addition", "", []Correction{{all, id(2), IsImport, "x", "f:1:1"}}},
		{"confirmed", "4: corrected", "", []Correction{{all, id(4), IsImport, "x", "f:1:1"}}},
		{"work", "", "", []Correction{{all, id(4), IsWork, "x", "f:1:1"}}},
		{"twice", "", "f:1:1", []Correction{{all, id(4), IsWork, "x", "f:1:1"}, {all, id(4), IsImport, "x", "f:2:1"}}},
		{"unknown", "4: mass addition", "ffffffff", []Correction{{all, "ffffffff", IsWork, "x", "f:1:1"}}},
		{"no repository", "4: mass addition", id(4), []Correction{{nil, id(4), IsWork, "x", "f:1:1"}}},
		{"merge", "4: mass addition", "merge", []Correction{{all, id(5), IsImport, "x", "f:1:1"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			found, warnings := bulkIn(t, []*facts.Repository{r}, []string{""}, test.correct...)
			if got := strings.Join(found, "; "); got != test.want {
				t.Errorf("bulk imports %q, want %q", got, test.want)
			}
			if test.warning == "" && len(warnings) > 0 || test.warning != "" && (len(warnings) != 1 || !strings.Contains(warnings[0], test.warning)) {
				t.Errorf("warnings %q, want one with %q", warnings, test.warning)
			}
		})
	}
	t.Run("ambiguous", func(t *testing.T) {
		twin := *r
		twin.Commits = slices.Clone(r.Commits)
		copy(twin.Commits[3].ID[:4], twin.Commits[4].ID[:4])
		twin.Commits[3].ID[19] = 1
		found, warnings := bulkIn(t, []*facts.Repository{&twin}, []string{""}, Correction{all, id(4)[:10], IsWork, "x", "f:1:1"})
		if len(found) != 1 || len(warnings) != 1 || !strings.Contains(warnings[0], "2 commits") {
			t.Errorf("bulk imports %q, warnings %q, want one of two commits", found, warnings)
		}
	})
}
