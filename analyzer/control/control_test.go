package control

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"orrery/analyzer/facts"
	"orrery/analyzer/paths"
	"orrery/analyzer/people"
)

func TestFilesThatStateSeats(t *testing.T) {
	for _, c := range []struct{ name, file, content, want string }{
		{"the last pattern counts", "CODEOWNERS", "* @ann\n/net/ @bob eve@astra.example # both\nnet/generated/\n", `
			1 owner [*] gitcode:ann
			2 owner [/net/] gitcode:bob
			2 owner [/net/] eve@astra.example`},
		{"comments of C, sections, teams", ".gitee/CODEOWNERS", "/*\n * Copyright\n * @nobody\n */\n\n[Arch]\nadapter/default/   dan@astra.example\n*.md @team/docs\n", `
			7 owner [adapter/default/] dan@astra.example
			8 owner [*.md] @team/docs`},
		{"spaces in a name", "CODEOWNERS", `my\ folder/ @ann`, `
			1 owner [my folder/] gitcode:ann`},
		{"not where forges look", "src/CODEOWNERS", "* @ann\n", ""},
		{"kubernetes", "pkg/OWNERS", "approvers:\n- ann\nreviewers:\n- bob\nfilters:\n  \".*\":\n    approvers: [eve]\n", `
			2 approver [pkg] github:ann
			4 reviewer [pkg] github:bob
			7 approver [pkg] github:eve`},
		{"chromium", "OWNERS", "# who\nann@astra.example\nper-file *.gn=bob@astra.example\n*\n", `
			2 owner [] ann@astra.example`},
		{"kernel", "MAINTAINERS", "Text before.\n\nBUS\nM:\tAnn Berg <ann@astra.example>\nR:\t\"Bob\" <bob@astra.example>\nS:\tMaintained\nF:\tbus/\nX:\tbus/old/\n", `
			4 maintainer [BUS] Ann Berg ann@astra.example
			5 reviewer [BUS] Bob bob@astra.example`},
		{"a list of names", "MAINTAINERS.md", "# Maintainers\n\n* Ann Berg <ann@astra.example>\n| Bob Falk | bob@astra.example |\n", `
			3 maintainer [] Ann Berg ann@astra.example
			4 maintainer [] Bob Falk bob@astra.example`},
		{"linux foundation", "INFO.yaml", "project: relay\ncommitters:\n  - name: Ann Berg\n    email: ann@astra.example\n    company: Astra\n    id: annb\n  - {name: Bob, email: gmail, id: bobf}\n", `
			0 committer [relay] Ann Berg ann@astra.example Astra
			0 committer [relay] Bob github:bobf`},
		{"a group with misspelled keys", "sig/net/sig-info.yaml", "name: net\nmaintainers:\n- gitee_id: Ann\n  atomgit_id: annb\n  orgnization: Astra\n  eamil: ann@astra.example\n- null\nrepositories:\n- repo: [openx/relay, src-openx/relay]\n  repo_admin:\n  - gitee_id: bob\n", `
			11 admin [net] gitee:bob -> openx/relay src-openx/relay
			3 maintainer [net] ann@astra.example gitcode:annb Astra -> openx/relay src-openx/relay`},
		{"a group of nothing", "sig/old/sig-info.yaml", "maintainers: [ann]\n", `
			1 maintainer [old] gitee:ann ->`},
		{"no YAML", "sig/net/sig-info.yaml", "a: [", "broken"},
		{"empty", "CODEOWNERS", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			parse := parserOf(c.file)
			if parse == nil {
				if c.want != "" {
					t.Fatal("nobody reads it")
				}
				return
			}
			f := parse(c.file, c.content)
			var got strings.Builder
			for _, s := range f.seats {
				fmt.Fprintf(&got, "\n%d %s [%s]", s.line, s.role, s.scope)
				for _, word := range []string{s.who.Name, s.who.Email} {
					if word != "" {
						fmt.Fprintf(&got, " %s", word)
					}
				}
				if len(s.who.Accounts) > 0 {
					fmt.Fprintf(&got, " %s", s.who.Accounts[0])
				}
				if s.who.Organization != "" {
					fmt.Fprintf(&got, " %s", s.who.Organization)
				}
				if s.guarded != nil {
					fmt.Fprintf(&got, " -> %s", strings.Join(s.guarded, " "))
				}
			}
			if f.broken != "" {
				got.WriteString("broken")
			}
			want := strings.ReplaceAll(c.want, "\t\t\t", "")
			if diff := gocmp.Diff(strings.TrimRight(want, " "), strings.TrimRight(got.String(), " ")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhoGuardsAFile(t *testing.T) {
	files := map[string]string{
		"CODEOWNERS":  "*.md eve@x.example\n/net/ ann@x.example\nnet/gen/\nlib/*.c bob@x.example\nvendor cat@x.example\n",
		"MAINTAINERS": "BUS\nM:\tdan@x.example\nF:\tbus/\nX:\tbus/old/\n\nALL\nM:\tfay@x.example\nF:\t*\n",
		"doc/OWNERS":  "gus@x.example\n",
		"OWNERS":      "hal@x.example\n",
	}
	r := repositoryOf(files, "a")
	b := Read([]*facts.Repository{r}, nil)
	g := b.guards[0].guardians(100)
	for file, want := range map[string]string{
		"README.md": "eve", "net/a.c": "ann", "net/README.md": "ann", "net/gen/a.c": "hal", "lib/a.c": "bob", "lib/x/a.c": "hal",
		"third/vendor/a.c": "cat", "bus/a.c": "dan", "bus/old/a.c": "hal", "Makefile": "fay hal", "doc/a.txt": "gus", "doc/b/c.txt": "gus", "x/y.c": "hal",
	} {
		var got []string
		for _, s := range g.of(file) {
			name, _, _ := strings.Cut(b.Mentions[b.Seats[s].Mention].Email, "@")
			got = append(got, name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s is guarded by %q, want %s", file, got, want)
		}
	}
}

// repositoryOf has documents from its first step on, and a commit by ann that wrote ten lines of each of some files.
func repositoryOf(documents map[string]string, files ...string) *facts.Repository {
	r := &facts.Repository{
		Key: "relay", Signatures: []facts.Signature{{Name: "Ann Berg", Email: "ann@astra.example"}},
		Commits: []facts.Commit{{ID: facts.ID{1}, Committed: Moment(10), Authored: Moment(10)}},
		Steps:   []facts.Step{{Commit: 0, Clock: 10}},
	}
	for name, content := range documents {
		r.Documents = append(r.Documents, facts.Document{Path: uint32(len(r.Paths)), Content: []byte(content)})
		r.Paths = append(r.Paths, name)
	}
	for _, f := range files {
		r.Survival = append(r.Survival, facts.Survival{Path: uint32(len(r.Paths)), Lines: 10})
		r.Paths = append(r.Paths, f)
	}
	return r
}

const day = 24 * 60 * 60

// ecosystem is two repositories: relay, where ann (Astra) and bob (Borealis) work, and whose owners change; and groups, which gives relay an
// administrator. Ann reviews bob and herself, a supplier of Astra's takes in what somebody unknown wrote, and a machine merges.
func ecosystem(t *testing.T) ([]*facts.Repository, *Book, Input) {
	t.Helper()
	at := func(d int64) facts.Time { return Moment(1_700_000_000 + d*day) }
	relay := &facts.Repository{
		Key: "relay",
		Signatures: []facts.Signature{
			{Name: "Ann Berg", Email: "ann@astra.example"},
			{Name: "Bob Falk", Email: "bob@borealis.example"},
			{Name: "Sue Orr", Email: "sue@astra-suppliers.example"},
			{Name: "Zed", Email: "zed@mail.example"},
			{Name: "relay-ci", Email: "ci@relay.example"},
		},
		Paths: []string{"CODEOWNERS", "a.c", "b.c", "c.c", "d.c"},
		Steps: []facts.Step{{Commit: 0, Clock: at(0).Unix}, {Commit: 1, Clock: at(100).Unix}, {Commit: 2, Clock: at(200).Unix}, {Commit: 3, Clock: at(300).Unix}},
		Documents: []facts.Document{
			{Path: 0, Step: 0, Content: []byte("a.c ann@astra.example\n")},
			{Path: 0, Step: 1, Content: []byte("a.c ann@astra.example bob@borealis.example\nb.c ann@astra.example\n")},
		},
		Trailers: []facts.Trailer{
			{Key: "Reviewed-by", Value: "Ann Berg <ann@astra.example>", InBlock: true},
			{Key: "Reviewed-by", Value: "Ann Berg <ann@astra.example>", InBlock: true},
			{Key: "Merged-by", Value: "relay-ci"},
		},
		Parents: []uint32{0, 1, 2},
		Changes: []facts.Change{{Commit: 0, Path: 1}, {Commit: 1, Path: 1}, {Commit: 1, Path: 2}, {Commit: 2, Path: 3}, {Commit: 3, Path: 4}},
		Survival: []facts.Survival{
			{Step: 0, Path: 1, Commit: 0, Lines: 10}, {Step: 1, Path: 2, Commit: 1, Lines: 20}, {Step: 2, Path: 3, Commit: 2, Lines: 30}, {Step: 3, Path: 4, Commit: 3, Lines: 40},
		},
	}
	span := func(lo, hi uint32) facts.Span { return facts.Span{Lo: lo, Hi: hi} }
	relay.Commits = []facts.Commit{
		{ID: facts.ID{1}, Changes: span(0, 1), Trailers: span(0, 1), Author: 0, Committer: 0, Authored: at(0), Committed: at(0)},
		{ID: facts.ID{2}, Parents: span(0, 1), Changes: span(1, 3), Trailers: span(1, 2), Author: 1, Committer: 1, Authored: at(100), Committed: at(100), Step: 1},
		{ID: facts.ID{3}, Parents: span(1, 2), Changes: span(3, 4), Trailers: span(2, 3), Author: 3, Committer: 2, Authored: at(200), Committed: at(200), Step: 2},
		{ID: facts.ID{4}, Parents: span(2, 3), Changes: span(4, 5), Author: 0, Committer: 4, Authored: at(300), Committed: at(300), Step: 3},
	}
	groups := &facts.Repository{
		Key: "groups", Paths: []string{"sig/net/sig-info.yaml"}, Signatures: relay.Signatures[:1],
		Commits:   []facts.Commit{{ID: facts.ID{9}, Authored: at(0), Committed: at(0)}},
		Steps:     []facts.Step{{Clock: at(0).Unix}},
		Documents: []facts.Document{{Content: []byte("name: net\nrepositories:\n- repo: [openx/relay, openx/gone]\n  repo_admin:\n  - {gitee_id: nina, organization: Borealis}\n")}},
	}
	all := []*facts.Repository{relay, groups}
	b := Read(all, nil)
	directory, err := people.LoadDirectory("testdata/organizations.yaml")
	if err != nil {
		t.Fatal(err)
	}
	resolution, err := people.Resolve(all, people.Options{Directory: directory, PseudonymKey: make([]byte, 16), Bots: []string{"relay-ci"}, Mentions: b.Mentions})
	if err != nil {
		t.Fatal(err)
	}
	return all, b, Input{
		Repositories: all, Resolution: resolution, Paths: make([]*paths.Classified, 2), Names: []string{"mirrors/relay", "mirrors/groups"}, At: at(310).Unix,
		Windows: []Window{{"all time", math.MinInt64, math.MaxInt64}, {"late", at(150).Unix, at(400).Unix}},
	}
}

func TestWhoControlsWhat(t *testing.T) {
	_, b, in := ecosystem(t)
	r := b.Measure(in)
	got := map[string]string{}
	for _, row := range r.Rows {
		got[row.Name] = fmt.Sprintf("seats %d of %d, lines %g (%g alone), acts %v %v; merged %d %g %v", row.Apart.Seats, row.Apart.Holders, row.Apart.Guarded, row.Apart.Alone,
			row.Acts[0], row.Acts[1], row.Merged.Seats, row.Merged.Guarded, row.MergedActs[0])
	}
	want := map[string]string{
		// Ann shares the ten lines of a.c with Bob and has the twenty of b.c alone. Her review of her own commit counts for nothing.
		"Astra":              "seats 2 of 1, lines 25 (20 alone), acts {1 0 0} {0 0 0}; merged 2 25 {1 0 1}",
		"Suppliers of Astra": "seats 0 of 0, lines 0 (0 alone), acts {0 0 1} {0 0 1}; merged 0 0 {0 0 0}",
		// Bob's half of a.c, and what nobody else guards: c.c and d.c are in the care of the group's administrator.
		"Borealis": "seats 2 of 2, lines 75 (70 alone), acts {0 0 0} {0 0 0}; merged 2 75 {0 0 0}",
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r.Lines != 100 || r.Stated != 100 || r.Repositories != 1 || r.Elsewhere != 0 {
		t.Errorf("%d lines, %d stated, %d repositories, %d seats elsewhere", r.Lines, r.Stated, r.Repositories, r.Elsewhere)
	}
	if diff := gocmp.Diff([][]int{{2, 2}, {5, 2}, {2, 1}}, [][]int{r.Machines, r.Changes, r.Changed}); diff != "" {
		t.Errorf("machines, changes, changed by others (-want +got):\n%s", diff)
	}
	var years []string
	for _, y := range r.Years {
		for _, row := range y.Rows {
			years = append(years, fmt.Sprintf("%d %s %d", y.Year, row.Name, row.Seats))
		}
	}
	if diff := gocmp.Diff([]string{"2023 Astra 1", "2023 Borealis 1", "2024 Astra 2", "2024 Borealis 2"}, years); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What a forge tells of reviews and merges counts beside trailers, but not what git tells of the same person and change.
func TestActsOfForges(t *testing.T) {
	at := func(d int64) facts.Time { return Moment(1_700_000_000 + d*day) }
	relay := &facts.Repository{
		Key: "relay",
		Signatures: []facts.Signature{
			{Name: "Ann Berg", Email: "7+ann@users.noreply.github.com"}, {Name: "Bob Falk", Email: "bob@borealis.example"}, {Name: "Cay Dorn", Email: "cay@astra.example"},
		},
		Trailers: []facts.Trailer{{Key: "Reviewed-by", Value: "@ann"}, {Key: "Reviewed-by", Value: "@nina"}, {Key: "Merged-by", Value: "ann"}},
		Parents:  []uint32{0, 0, 1},
		Steps:    []facts.Step{{Commit: 2, Clock: at(20).Unix}},
	}
	relay.Commits = []facts.Commit{
		{ID: facts.ID{1}, Author: 2, Committer: 2, Authored: at(0), Committed: at(0)},
		{ID: facts.ID{2}, Parents: facts.Span{Lo: 0, Hi: 1}, Author: 1, Committer: 1, Authored: at(10), Committed: at(10)},
		{ID: facts.ID{3}, Parents: facts.Span{Lo: 1, Hi: 3}, Trailers: facts.Span{Lo: 0, Hi: 3}, Author: 1, Committer: 1, Authored: at(20), Committed: at(20)},
	}
	const ann, bob, nina, robot = 0, 1, 2, 3
	forge := &facts.Forge{
		Forge: "github", Owner: "Mirrors",
		Accounts:     []facts.Account{{Login: "Ann"}, {Login: "bob"}, {Login: "nina"}, {Login: "helper", Kind: facts.BotAccount}},
		Repositories: []facts.ForgeRepository{{Name: "other"}, {Name: "Relay", Pulls: facts.Span{Lo: 0, Hi: 4}}},
	}
	for i, p := range []struct {
		pull    facts.Pull
		reviews []facts.Review
	}{
		{ // the merge: two trailers tell the same, one person approves besides and opened another, a machine comments
			facts.Pull{Author: bob, Merger: ann, State: facts.PullMerged, Merge: facts.ID{3}, Merged: at(20).Unix},
			[]facts.Review{{Reviewer: ann, Verdict: facts.Approved, At: at(15).Unix}, {Reviewer: nina, Verdict: facts.Approved}, {Reviewer: robot, Verdict: facts.Commented}, {Reviewer: bob, Verdict: facts.Commented}},
		},
		{ // no commit of it is known: reviewed twice by one, who merged too; asked and dismissed do not count
			facts.Pull{Author: bob, Merger: ann, State: facts.PullMerged, Merged: at(30).Unix},
			[]facts.Review{{Reviewer: ann, Verdict: facts.Rejected, At: at(25).Unix}, {Reviewer: ann, Verdict: facts.Approved, At: at(29).Unix}, {Reviewer: nina, Verdict: facts.Asked}, {Reviewer: facts.None, Verdict: facts.Approved}},
		},
		{facts.Pull{Author: bob, Merger: facts.None, State: facts.PullClosed, Closed: at(30).Unix}, []facts.Review{{Reviewer: ann, Verdict: facts.Rejected}}},
		{facts.Pull{Author: facts.None, Merger: facts.None, State: facts.PullMerged, Merged: at(31).Unix}, []facts.Review{{Reviewer: ann, Verdict: facts.Dismissed}, {Reviewer: nina, Verdict: facts.Commented}}},
	} {
		p.pull.Repository, p.pull.Number = 1, uint32(i+1)
		p.pull.Reviews = facts.Span{Lo: uint32(len(forge.Reviews)), Hi: uint32(len(forge.Reviews) + len(p.reviews))}
		for _, r := range p.reviews {
			r.Pull = uint32(i)
			forge.Reviews = append(forge.Reviews, r)
		}
		forge.Pulls = append(forge.Pulls, p.pull)
	}
	if err := forge.Check(); err != nil {
		t.Fatal(err)
	}
	all, names := []*facts.Repository{relay}, []string{"mirrors/relay"}
	directory, err := people.LoadDirectory("testdata/organizations.yaml")
	if err != nil {
		t.Fatal(err)
	}
	count := func(told []*facts.Forge) string {
		b := Read(all, nil)
		b.ReadForges(told, all, []facts.Place{{Forge: "github", Name: names[0]}})
		resolution, err := people.Resolve(all, people.Options{
			Directory: directory, PseudonymKey: make([]byte, 16), Mentions: b.Mentions, Forges: told,
		})
		if err != nil {
			t.Fatal(err)
		}
		r := b.Measure(Input{
			Repositories: all, Resolution: resolution, Paths: make([]*paths.Classified, 1), Names: names, At: at(40).Unix,
			Windows: []Window{{"all time", math.MinInt64, math.MaxInt64}},
		})
		var got []string
		for _, row := range r.Rows {
			got = append(got, fmt.Sprintf("%s %v", row.Name, row.Acts[0]))
		}
		return fmt.Sprintf("%s; machines %v, %v of %v changes", strings.Join(got, ", "), r.Machines, r.Changed, r.Changes)
	}
	// By trailers alone: Ann reviewed and merged, and so did Nina, whom no commit knows, review.
	if got, want := count(nil), "unknown {1 0 0}, no-reply {1 1 0}; machines [0], [1] of [3] changes"; got != want {
		t.Errorf("by git alone: %s, want %s", got, want)
	}
	// One of that name at another forge is another repository.
	elsewhere := *forge
	elsewhere.Forge = "gitee"
	if got, want := count([]*facts.Forge{&elsewhere}), count(nil); got != want {
		t.Errorf("with another forge: %s, want %s", got, want)
	}
	// Of the merge nothing is new but the machine; of the second one a review and an approval of Ann, of the fourth a review of Nina.
	if got, want := count([]*facts.Forge{forge}), "unknown {2 0 0}, no-reply {2 2 0}; machines [1], [1] of [3] changes"; got != want {
		t.Errorf("with a forge: %s, want %s", got, want)
	}
}

func TestSeatsBeginAndEnd(t *testing.T) {
	r := repositoryOf(nil)
	r.Paths = []string{"CODEOWNERS"}
	r.Steps = []facts.Step{{Clock: 10}, {Clock: 20}, {Clock: 30}, {Clock: 40}}
	r.Documents = []facts.Document{
		{Step: 0, Content: []byte("* a@x.example\n")}, {Step: 1, Content: []byte("# moved\n* a@x.example b@x.example\n")}, {Step: 2}, {Step: 3, Content: []byte("* a@x.example\n")},
	}
	b := Read([]*facts.Repository{r}, nil)
	var got []string
	for _, s := range b.Seats {
		got = append(got, fmt.Sprintf("%s line %d from %d to %d", b.Mentions[s.Mention].Email, s.Line, s.From, s.To))
	}
	want := []string{"a@x.example line 2 from 10 to 30", "b@x.example line 2 from 20 to 30", fmt.Sprintf("a@x.example line 1 from 40 to %d", int64(math.MaxInt64))}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWithoutAnOrganization(t *testing.T) {
	_, b, in := ecosystem(t)
	e := b.Expose(in)
	index := func(name string) int {
		for i := range in.Resolution.Organizations {
			if in.Resolution.Organizations[i].Name == name {
				return i
			}
		}
		t.Fatalf("no organization %s", name)
		return 0
	}
	without := e.Without(index("Astra"))
	// a.c hangs on Ann and Bob; b.c on Ann, who guards it, and Bob, who wrote it; c.c on Nina and Zed, whose organization is not known; d.c on Nina and
	// Ann. Nothing hangs on Astra's people alone; of three authors one is theirs and one may be.
	want := Removal{
		Organizations: []int{index("Astra")}, At: in.At,
		Repositories: Exposed{1, 1, 2}, Files: Exposed{0, 0, 4}, Lines: Exposed{0, 0, 100},
		Authors: Exposed{1, 2, 3}, Commits: Exposed{3, 4, 5}, Reviewers: Exposed{2, 2, 2}, Reviews: Exposed{2, 2, 2},
		Before: Components{2, 2, 3}, After: Components{2, 1, 2},
	}
	if diff := gocmp.Diff(want, without); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	both := e.Without(index("Astra"), index("Borealis"))
	if both.Lines != (Exposed{70, 100, 100}) || both.Repositories != (Exposed{1, 2, 2}) {
		t.Errorf("without both: lines %v, repositories %v", both.Lines, both.Repositories)
	}
	if none := e.Without(); none.Lines.Low != 0 || none.Before != none.After {
		t.Errorf("without nobody: %+v", none)
	}
	if got := e.Largest(); len(got) != 2 || got[0] != index("Astra") {
		t.Errorf("the largest are %v", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"CODEOWNERS", "OWNERS", "MAINTAINERS", "MAINTAINERS.md", "INFO.yaml", "sig/a/sig-info.yaml"} {
		f.Add(name, "* @ann\n/a/b\\ c/ bob@x.example\nBUS\nM:\tA <a@x.example>\nF:\t*/b[\nmaintainers: [{gitee_id: x}]\nrepositories: [{repo: [a/b]}]\n")
	}
	f.Fuzz(func(t *testing.T, name, content string) {
		parse := parserOf(name)
		if parse == nil || len(content) > 1<<14 {
			return
		}
		out := parse(name, content)
		for _, r := range out.rules {
			r.pattern.fits("a/b/c.d")
			for _, s := range r.seats {
				if s < 0 || s >= len(out.seats) {
					t.Fatalf("a rule is for seat %d of %d", s, len(out.seats))
				}
			}
		}
	})
}

func TestTeams(t *testing.T) {
	files := map[string]string{"CODEOWNERS": "* eve@x.example @relay/core @relay/none\nnet/ @Relay/Core\n"}
	teams := Teams{"@relay/core": {"ann@x.example", "bob"}}
	b := Read([]*facts.Repository{repositoryOf(files, "a")}, teams)
	g := b.guards[0].guardians(100)
	for file, want := range map[string]string{"a.c": "eve@x.example ann@x.example github:bob @relay/none", "net/a.c": "ann@x.example github:bob"} {
		var got []string
		for _, s := range g.of(file) {
			who := b.Mentions[b.Seats[s].Mention]
			got = append(got, cmp.Or(who.Email, who.Name))
			if len(who.Accounts) > 0 {
				got[len(got)-1] = who.Accounts[slices.Index(who.Accounts, "github:bob")]
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s is guarded by %q, want %s", file, got, want)
		}
	}
	// What nobody resolves is counted, and nobody's.
	directory, err := people.LoadDirectory("testdata/organizations.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all := []*facts.Repository{repositoryOf(files, "a")}
	for want, known := range map[int]Teams{1: teams, 3: nil} {
		b := Read(all, known)
		resolution, err := people.Resolve(all, people.Options{Directory: directory, PseudonymKey: make([]byte, 16), Mentions: b.Mentions})
		if err != nil {
			t.Fatal(err)
		}
		r := b.Measure(Input{Repositories: all, Resolution: resolution, Paths: make([]*paths.Classified, 1), Names: []string{"x/relay"}, At: 100})
		nobodys := 0
		for _, row := range r.Rows {
			if row.Organization == people.NoOrganization {
				nobodys += row.Apart.Seats
			}
		}
		if r.Teams != want || nobodys < want {
			t.Errorf("%d seats are teams', %d nobody's, want %d", r.Teams, nobodys, want)
		}
	}
}

// The lines that hang on an organization are the same by every way to ask, and those of all parts make the whole.
func TestExposedIsWhatRemovalSays(t *testing.T) {
	_, b, in := ecosystem(t)
	e := b.Expose(in)
	result := b.Measure(in)
	for _, r := range result.Rows {
		if r.Organization == people.NoOrganization || r.Client != "" {
			continue
		}
		if want := e.Without(r.Organization).Lines; r.Exposed != want {
			t.Errorf("%s: %+v, removal says %+v", r.Name, r.Exposed, want)
		}
		var lines, files Exposed
		for _, u := range e.Units(func(repository int, path string) string { return fmt.Sprint(repository, path) }, r.Organization) {
			for _, x := range []struct{ to, from *Exposed }{{&lines, &u.Lines}, {&files, &u.Files}} {
				x.to.Low, x.to.High, x.to.Whole = x.to.Low+x.from.Low, x.to.High+x.from.High, x.to.Whole+x.from.Whole
			}
		}
		if all := e.Without(r.Organization); lines != all.Lines || files != all.Files {
			t.Errorf("%s: parts have %+v lines and %+v files, the whole %+v and %+v", r.Name, lines, files, all.Lines, all.Files)
		}
	}
}

// What was reviewed where makes what was reviewed.
func TestReviewsByRepositoryAddUp(t *testing.T) {
	_, b, in := ecosystem(t)
	result := b.Measure(in)
	sums := map[[2]int]int{}
	for _, at := range result.Where {
		sums[[2]int{at.Window, at.Organization}] += at.Acts
	}
	all := 0
	for _, r := range result.Rows {
		for w := range r.Acts {
			if r.Organization != people.NoOrganization {
				all += r.Acts[w].All()
				if got := sums[[2]int{w, r.Organization}]; got != r.Acts[w].All() {
					t.Errorf("%s in window %d: %d, want %d", r.Name, w, got, r.Acts[w].All())
				}
			}
		}
	}
	if all == 0 {
		t.Error("nothing was reviewed")
	}
	// By people it is the same, those of nobody known among them.
	bySide := map[[2]string]int{}
	for _, r := range result.Rows {
		for w := range r.Acts {
			bySide[[2]string{in.Windows[w].Name, r.Name}] += r.Acts[w].All()
		}
	}
	for _, at := range result.People {
		name := at.Class.String()
		if at.Organization != people.NoOrganization {
			name = in.Resolution.Organizations[at.Organization].Name
		}
		bySide[[2]string{in.Windows[at.Window].Name, name}] -= at.Acts
	}
	for side, n := range bySide {
		if n != 0 {
			t.Errorf("%v: people have %d acts more or less", side, n)
		}
	}
	// Ann looked at Bob's change; what Sue took in is of somebody for nobody known.
	var with []string
	for _, p := range result.Pairs {
		name := func(i int) string { return in.Resolution.Persons[i].Name }
		with = append(with, fmt.Sprintf("%s: %s with %s, %d", in.Windows[p.Window].Name, name(p.Person), name(p.Author), p.Acts))
		if p.Organization == people.NoOrganization || (p.OrganizationOf == people.NoOrganization) != (name(p.Author) == "Zed") {
			t.Errorf("%s: for %d and %d", with[len(with)-1], p.Organization, p.OrganizationOf)
		}
	}
	slices.Sort(with)
	if diff := gocmp.Diff([]string{"all time: Ann Berg with Bob Falk, 1", "all time: Sue Orr with Zed, 1", "late: Sue Orr with Zed, 1"}, with); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
