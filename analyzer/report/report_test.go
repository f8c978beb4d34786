package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"orrery/analyzer/control"
	"orrery/analyzer/facts"
	"orrery/analyzer/measure"
	"orrery/analyzer/openness"
	"orrery/analyzer/paths"
	"orrery/analyzer/people"
	"orrery/graph"
)

var update = flag.Bool("update", false, "write the golden files anew")

func unix(s string) int64 {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t.Unix()
}

// sample describes an invented ecosystem.
type sample struct {
	organizations []people.Organization
	persons       []member
	repositories  []repository
	windows       []measure.Window
	accounting    string
	last          string // a range over the last commits of the first repository
}

// member is a person and the side they are on.
type member struct {
	name         string
	organization int
	class        people.Class
}

type repository struct {
	key, class, subsystem string
	commits               []commit
	skips                 []facts.Skip
	paths                 []string
}

type commit struct {
	id     byte // 0 for one of its own
	author int
	date   string // "" for an invalid one
	added  uint32
	new    bool
}

const none = people.NoOrganization

func usual() sample {
	s := sample{
		organizations: []people.Organization{
			{Name: "Acme", Class: people.Employer, Country: "CN", Client: none, Parent: none},
			{Name: "Acme partners", Class: people.Contractor, Client: 0, Parent: none},
			{Name: "Bolt", Class: people.Employer, Country: "DE", Client: none, Parent: none},
			{Name: "星辰科技", Class: people.Employer, Country: "CN", Client: none, Parent: none},
		},
		persons: []member{
			{"Ada Example", 0, people.Employer},
			{"Ben Example", 0, people.Employer},
			{"Cai Example", 1, people.Contractor},
			{"Dora Example", 2, people.Employer},
			{"王小明", 3, people.Employer},
			{"Eve Example", none, people.Personal},
			{"Finn Example", none, people.NoReply},
			{"ci-bot", none, people.Bot},
			{"helper-agent", none, people.Agent},
		},
		windows: []measure.Window{{Name: "spring 2024", From: unix("2024-03-01"), To: unix("2024-06-01")}},
	}
	kernel := repository{key: "kernel", class: "own", subsystem: "base"}
	month := []string{"2023-11", "2023-12", "2024-01", "2024-02", "2024-03", "2024-05"}
	for i := range 36 {
		kernel.commits = append(kernel.commits, commit{0, []int{0, 0, 1, 2, 3, 5, 0, 2, 7}[i%9], month[i/6] + "-10", uint32(10 + i), false})
	}
	kernel.commits = append(kernel.commits,
		commit{200, 0, "2023-12-01", 30_000, true}, commit{0, 4, "2024-04-02", 7, false}, commit{0, 6, "", 3, false}, commit{0, 8, "2024-05-01", 50, false})
	tool := repository{key: "tools/build", class: "third-party", commits: []commit{
		{200, 0, "2023-12-01", 30_000, true}, {0, 3, "2024-02-03", 120, false}, {0, 3, "2024-05-30", 80, false}, {0, 5, "2023-12-11", 15, false},
	}}
	tool.paths = []string{"data/large.bin"}
	tool.skips = []facts.Skip{
		{Reason: facts.Missing, Object: facts.ID{0xab}, Commit: 1, Path: 0, Rows: 2, Detail: "not in the partial clone"},
		{Reason: facts.TooLarge, Object: facts.ID{0xcd}, Commit: 2, Path: facts.None, Rows: 1},
	}
	s.repositories = []repository{kernel, tool}
	return s
}

// measured runs a sample through the measures.
func (s sample) measured(t *testing.T) (*measure.Result, *people.Resolution) {
	t.Helper()
	r := people.Resolution{Organizations: s.organizations}
	in := measure.Input{Survival: true, AsOf: unix("2024-06-15"), Windows: s.windows, Workers: 2}
	for i, p := range s.persons {
		r.Persons = append(r.Persons, people.Person{Key: fmt.Sprintf("p%d@somewhere.example", i), Pseudonym: fmt.Sprintf("p-%04x", 7919*i), Name: p.name})
	}
	for k, description := range s.repositories {
		repository := &facts.Repository{Key: description.key, Paths: append([]string{"main.c"}, description.paths...)}
		var dense []uint32
		for i, p := range s.persons {
			repository.Signatures = append(repository.Signatures, facts.Signature{Name: p.name, Email: r.Persons[i].Key})
			dense = append(dense, uint32(i))
		}
		r.Person, r.Address, r.Name = append(r.Person, dense), append(r.Address, dense), append(r.Name, dense)
		lines, clock := uint32(0), int64(0)
		for i, d := range description.commits {
			c := facts.Commit{Author: uint32(d.author), Step: uint32(i), Changes: facts.Span{Lo: uint32(i), Hi: uint32(i) + 1}}
			c.ID = facts.ID{d.id, byte(i), byte(k + 1)}
			if d.id != 0 {
				c.ID = facts.ID{d.id}
			}
			if d.date != "" {
				c.Authored = facts.Time{Unix: unix(d.date), Valid: true}
				clock = max(clock, c.Authored.Unix)
			}
			c.Committed = c.Authored
			if c.Parents.Lo = uint32(len(repository.Parents)); i > 0 {
				repository.Parents = append(repository.Parents, uint32(i)-1)
			}
			c.Parents.Hi = uint32(len(repository.Parents))
			change := facts.Change{Commit: uint32(i), Added: d.added, LinesBefore: lines, LinesAfter: lines + d.added}
			if d.new {
				change.Kind = facts.Added
			}
			if d.added > 0 {
				repository.Survival = append(repository.Survival, facts.Survival{Step: uint32(i), Path: 0, Commit: uint32(i), Lines: int32(d.added)})
			}
			lines += d.added
			repository.Changes = append(repository.Changes, change)
			repository.Commits = append(repository.Commits, c)
			repository.Steps = append(repository.Steps, facts.Step{Commit: uint32(i), Clock: clock, Added: uint64(d.added), Lines: uint64(lines), Files: 1})
			repository.Head = c.ID
		}
		n := len(description.commits)
		repository.Walk = facts.Walk{Commits: n, Measured: n}
		repository.Skips = description.skips
		classified := &paths.Classified{Languages: []string{"", "C"}}
		for range repository.Paths {
			class := paths.Own
			if description.class == "third-party" {
				class = paths.Vendored
			}
			classified.Class, classified.Language = append(classified.Class, class), append(classified.Language, 1)
		}
		in.Paths = append(in.Paths, classified)
		in.Repositories = append(in.Repositories, repository)
		in.Membership = append(in.Membership, measure.Membership{Key: description.key, Class: description.class, Subsystem: description.subsystem})
	}
	resolution := people.NewResolution(r, func(_ int, signature uint32, _ facts.Time) people.Attribution {
		return people.Attribution{Organization: s.persons[signature].organization, Class: s.persons[signature].class}
	})
	in.Resolution = resolution
	in.Accounting = s.accounting
	if s.last != "" {
		ends := make([]*measure.Ends, len(in.Repositories))
		commits := in.Repositories[0].Commits
		from := commits[len(commits)-10].ID
		ends[0] = &measure.Ends{From: from, To: commits[len(commits)-1].ID, Boundary: []facts.ID{from}}
		in.Ranges = []measure.Range{{Name: s.last, Ends: ends}}
	}
	result, err := measure.Measure(in)
	if err != nil {
		t.Fatal(err)
	}
	return result, resolution
}

func (s sample) model(t *testing.T, options Options) *Model {
	t.Helper()
	result, resolution := s.measured(t)
	from := Provenance{Ecosystem: "sample", Version: "v0.1.0", Options: []Option{{"renames", "50%"}}}
	for _, r := range s.repositories {
		from.Repositories = append(from.Repositories, Repository{
			Key: r.key, Class: r.class, Subsystem: r.subsystem, URL: "https://forge.example/" + r.key, Branch: "refs/heads/main", Commit: strings.Repeat("12", 20),
		})
	}
	from.Repositories = append(from.Repositories, Repository{Key: "zlib", Class: "third-party", Problem: "no mirror of https://forge.example/zlib", Reason: "no mirror"})
	m := Build(result, resolution, from, options)
	if err := m.AddNetwork(result, resolution); err != nil {
		t.Fatal(err)
	}
	return m
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	name = filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-update writes it anew):\n%s", name, diff)
	}
}

func TestGolden(t *testing.T) {
	m := usual().model(t, Options{})
	for _, width := range []int{80, 100} {
		var text bytes.Buffer
		if err := WriteText(&text, m, width); err != nil {
			t.Fatal(err)
		}
		golden(t, fmt.Sprintf("summary%d.txt", width), text.Bytes())
	}
	var result bytes.Buffer
	if err := WriteJSON(&result, m); err != nil {
		t.Fatal(err)
	}
	golden(t, "result.json", result.Bytes())
	dir := t.TempDir()
	if err := WriteTables(dir, m); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(Tables) {
		t.Errorf("%d files for %d tables: %v", len(files), len(Tables), files)
	}
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		golden(t, filepath.Join("tables", f.Name()), text)
	}
}

// What others' rules make of a range of commits.
func TestAccountingGolden(t *testing.T) {
	for _, rules := range measure.Accountings {
		s := usual()
		s.accounting, s.last = rules.Name, "v1.0..v2.0"
		m := s.model(t, Options{Accounting: rules.Name})
		var text bytes.Buffer
		if err := WriteAccounting(&text, m, 80); err != nil {
			t.Fatal(err)
		}
		text.WriteString("\n")
		if err := WriteText(&text, m, 80); err != nil {
			t.Fatal(err)
		}
		text.WriteString("\n")
		if err := Tables[slices.IndexFunc(Tables, func(t Table) bool { return t.Name == "accounting" })].Write(&text, m); err != nil {
			t.Fatal(err)
		}
		golden(t, "accounting-"+rules.Name+".txt", text.Bytes())
	}
}

// hostile holds texts that attack what shows them.
var hostile = []string{
	"=HYPERLINK(\"https://x.example\")", "+1+1", "-2", "@root", "\tx", "\rx", "a\x1b[31mred\x1b]0;title\a", "\u202etxt.exe", "a\u2066b", "line\nbreak",
	"\xff\xfe", "x\u0085y", "z\u2028w", "zero\u200bwidth", "</script>", "\"quoted\", comma", "\u0000", "\ufeffmark", strings.Repeat("很长的名字", 30),
}

func TestHostileNames(t *testing.T) {
	s := usual()
	s.organizations, s.persons = nil, nil
	for i, h := range hostile {
		// No two organizations have one name.
		s.organizations = append(s.organizations, people.Organization{Name: h, Class: people.Employer, Client: none, Parent: none})
		s.persons = append(s.persons, member{h, i, people.Employer})
		s.repositories[0].commits = append(s.repositories[0].commits, commit{0, i, "2024-01-02", uint32(100 - i), false})
	}
	for i := range s.repositories {
		s.repositories[i].subsystem = hostile[i]
		s.repositories[i].key += hostile[6]
	}
	s.repositories[1].paths = []string{hostile[7] + hostile[10]}
	s.repositories[1].skips[1].Path = 1
	s.repositories[1].skips[0].Detail = hostile[6]
	s.windows = []measure.Window{{Name: hostile[6], From: 1, To: unix("2024-03-01")}}
	s.accounting, s.last = "gitdm", hostile[6]+".."
	m := s.model(t, Options{Names: true, Accounting: s.accounting})
	m.Ecosystem = hostile[7] + hostile[9]
	m.Repositories[2].Problem = hostile[6]

	for width := range 140 {
		var text bytes.Buffer
		if err := WriteText(&text, m, width); err != nil {
			t.Fatal(err)
		}
		harmless(t, "summary", strings.ReplaceAll(text.String(), "\n", ""))
		var accounting bytes.Buffer
		if err := WriteAccounting(&accounting, m, width); err != nil {
			t.Fatal(err)
		}
		harmless(t, "accounting", strings.ReplaceAll(accounting.String(), "\n", ""))
		lines := strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
		if len(lines) > summaryLines {
			t.Errorf("width %d: %d lines", width, len(lines))
		}
		for _, l := range lines {
			if cells(l) > min(max(width, MinWidth), MaxWidth) {
				t.Errorf("width %d: a line of %d columns: %s", width, cells(l), l)
			}
		}
	}

	for i := range Tables {
		table := &Tables[i]
		var text bytes.Buffer
		if err := table.Write(&text, m); err != nil {
			t.Fatal(err)
		}
		records, err := csv.NewReader(&text).ReadAll()
		if err != nil {
			t.Fatalf("%s: %v", table.Name, err)
		}
		for _, record := range records {
			for _, c := range record {
				harmless(t, table.Name, c)
				if c != "" && strings.Contains("=+-@", c[:1]) && strings.Trim(c, "-0123456789") != "" {
					t.Errorf("%s: a formula: %q", table.Name, c)
				}
			}
		}
	}

	var result bytes.Buffer
	if err := WriteJSON(&result, m); err != nil {
		t.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, result.Bytes()); err != nil || !utf8.Valid(result.Bytes()) {
		t.Errorf("the JSON is invalid: %v", err)
	}
	if want, err := json.Marshal(m); err != nil || !bytes.Equal(compact.Bytes(), want) {
		t.Errorf("the layout changes the JSON (%v)", err)
	}
	for _, bad := range []string{"\x1b", "</script>", "\u2028"} {
		if bytes.Contains(result.Bytes(), []byte(bad)) {
			t.Errorf("the JSON holds %q", bad)
		}
	}
}

func harmless(t *testing.T, where, s string) {
	t.Helper()
	if !utf8.ValidString(s) {
		t.Errorf("%s: %q is no UTF-8", where, s)
	}
	for _, r := range s {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x200b && r <= 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xfeff {
			t.Errorf("%s: %q holds %U", where, s, r)
			return
		}
	}
}

// Nobody's name or address is in any output unless it was asked for, and addresses never are.
func TestPseudonyms(t *testing.T) {
	for _, names := range []bool{false, true} {
		m := usual().model(t, Options{Names: names})
		var all bytes.Buffer
		if err := WriteJSON(&all, m); err != nil {
			t.Fatal(err)
		}
		for i := range Tables {
			if err := Tables[i].Write(&all, m); err != nil {
				t.Fatal(err)
			}
		}
		if err := WriteText(&all, m, 0); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(all.String(), "somewhere.example") {
			t.Error("an address stands in the output")
		}
		if !strings.Contains(all.String(), "p-1eef") {
			t.Error("pseudonyms are missing")
		}
		for _, p := range usual().persons[:7] {
			if strings.Contains(all.String(), p.name) != names {
				t.Errorf("with names %v, %q stands in the output: %v", names, p.name, !names)
			}
		}
	}
}

// The rows of the organizations' table are the whole: what stands in it adds up to every commit that is no merge and no duplicate.
func TestOrganizationsTableIsComplete(t *testing.T) {
	m := usual().model(t, Options{})
	var text bytes.Buffer
	if err := Tables[0].Write(&text, m); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(&text).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	for _, r := range records[1:] {
		if r[0] == measure.AllTime {
			n := 0
			if _, err := fmt.Sscan(r[3], &n); err != nil {
				t.Fatal(err)
			}
			sum += n
		}
	}
	if sum != 43 { // 40 commits in one repository, 4 in the other, one of them in both
		t.Errorf("%d commits in the table, want 43", sum)
	}
}

func TestWorkersGiveSameBytes(t *testing.T) {
	s := usual()
	var first []byte
	for range 3 {
		var b bytes.Buffer
		if err := WriteJSON(&b, s.model(t, Options{})); err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = b.Bytes()
		} else if !bytes.Equal(first, b.Bytes()) {
			t.Fatal("the same input gives other bytes")
		}
	}
}

// Every metric that is declared is a key of the result, and columns of tables that carry a metric's key mean it.
func TestMetricsAreReported(t *testing.T) {
	var b bytes.Buffer
	m := usual().model(t, Options{})
	m.AddControl(&control.Result{
		Windows: []control.Window{{Name: measure.LastTwelveMonths}}, Changed: []int{1}, Changes: []int{2}, Machines: []int{0},
		Rows: []control.Row{{Name: "Astra", Class: people.Employer, Apart: control.Part{Seats: 1}, Acts: []control.Acts{{Reviews: 1}}, MergedActs: []control.Acts{{Reviews: 1}}, Exposed: control.Exposed{Low: 1, High: 2, Whole: 3}}},
	}, &control.Book{}, nil, nil, nil)
	m.AddOpenness(&openness.Result{Rows: []openness.Row{{Group: openness.Group{Organization: people.NoOrganization}}}}, people.NoOrganization, &people.Resolution{})
	if err := WriteJSON(&b, m); err != nil {
		t.Fatal(err)
	}
	_, figures, ok := strings.Cut(b.String(), `"figures": [`)
	if !ok {
		t.Fatal("no figures")
	}
	for _, metric := range measure.Metrics {
		key := metric.Key
		if key == measure.KeyShare {
			key = "commits_share"
		}
		if !strings.Contains(figures, `"`+key+`":`) && !strings.Contains(figures, `"metric":"`+key+`"`) {
			t.Errorf("metric %s is in no figure", key)
		}
	}
}

func TestNothing(t *testing.T) {
	s := sample{}
	m := s.model(t, Options{})
	var text bytes.Buffer
	if err := WriteText(&text, m, 80); err != nil {
		t.Fatal(err)
	}
	golden(t, "nothing.txt", text.Bytes())
	for i := range Tables {
		if err := Tables[i].Write(&text, m); err != nil {
			t.Error(err)
		}
	}
	if err := WriteJSON(&text, m); err != nil {
		t.Error(err)
	}
}

func TestWriteTablesFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "absent")
	err := WriteTables(dir, usual().model(t, Options{}))
	if err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "organizations.csv")) {
		t.Errorf("error %v, want one that names the file", err)
	}
}

func TestGraph(t *testing.T) {
	result, resolution := usual().measured(t)
	for _, names := range []bool{false, true} {
		g, err := Graph(result, resolution, 0, Options{Names: names})
		if err != nil {
			t.Fatal(err)
		}
		total := result.Figures[0].Work.Total()
		if got := g.Total(0, graph.Between(graph.Person, graph.Repository)); got != float64(total.Commits) {
			t.Errorf("%f commits on the edges, want %d", got, total.Commits)
		}
		if got, want := g.Total(1, graph.Between(graph.Organization, graph.Repository)), result.Figures[0].Work.Known.Changed(); got != float64(want) {
			t.Errorf("%f changed lines of organizations, want %d", got, want)
		}
		lo, hi := g.Range(graph.Person)
		if hi-lo != 7 {
			t.Errorf("%d people, want the seven who are no machines", hi-lo)
		}
		if label := g.Node(lo).Label; (label == "Ada Example") != names || (label == "p-0000") == names {
			t.Errorf("with names %v a person is %q", names, label)
		}
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain 王 é 👍": "plain 王 é 👍", "a\x1b[0m": `a\u001b[0m`, "\u202e": `\u202e`, "\xff": `\xff`, "\ufffd": "\ufffd", "a\tb": `a\u0009b`,
		"\U000e0041": `\U000e0041`, "a\u200db": `a\u200db`, "\u2003": `\u2003`,
	} {
		if got := Printable(in); got != want {
			t.Errorf("Printable(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzPrintable(f *testing.F) {
	for _, h := range hostile {
		f.Add(h)
	}
	f.Fuzz(func(t *testing.T, s string) {
		harmless(t, "printable", Printable(s))
		harmless(t, "cell", Cell(s))
		if again := Cell(Cell(s)); again != Cell(s) && !strings.HasPrefix(again, "''") {
			t.Errorf("Cell(%q) escapes twice: %q", s, again)
		}
		if c := Cell(s); c != "" && strings.Contains("=+-@\t\r", c[:1]) {
			t.Errorf("Cell(%q) = %q is a formula", s, c)
		}
	})
}

func TestSummaryAlwaysSaysWhatWasSkipped(t *testing.T) {
	m := usual().model(t, Options{})
	for range 12 {
		m.Organizations = append(m.Organizations, m.Organizations[0])
		m.Figures[0].Organizations = append(m.Figures[0].Organizations, m.Figures[0].Organizations[0])
		m.Warnings = append(m.Warnings, strings.Repeat("a long warning ", 20))
	}
	for range 500 {
		m.Repositories = append(m.Repositories, Repository{Key: "lost", Problem: "no mirror of it", Reason: "no mirror"})
	}
	for width, want := range map[int]string{
		80:  "skipped: 501 repositories (no mirror: 501), 2 objects (missing: 1, too large: 1)",
		100: "skipped: 501 repositories (no mirror: 501), 2 objects (missing: 1, too large: 1)",
	} {
		var b strings.Builder
		if err := WriteText(&b, m, width); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
		if len(lines) > summaryLines {
			t.Errorf("%d lines", len(lines))
		}
		if !slices.Contains(lines, want) {
			t.Errorf("at %d columns there is no %q in\n%s", width, want, b.String())
		}
	}
}
