package page

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"go.yaml.in/yaml/v4"

	"orrery/analyzer/claims"
	"orrery/analyzer/measure"
	"orrery/analyzer/report"
)

// sample reads the stored result that package report holds its own outputs against.
func sample(t testing.TB) *report.Model {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "testdata", "result.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := report.ReadJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	// It is of measures alone: who decides, and how outsiders fare, come later in a run.
	share := func(low, high float64) *report.Share { return &report.Share{Low: low, High: high} }
	m.Control = &report.Control{Lines: 1000, Stated: 400, StatedShare: new(float64), Stating: 2, Changes: 90, Reviewed: 40}
	for i, r := range organizations(&m.Figures[0]) {
		part := report.ControlPart{Seats: i, Contributes: share(0.1, 0.3), Owns: share(0.2, 0.4), ReviewShare: share(0, 0.2), Governs: share(0.5, 0.5)}
		m.Control.Rows = append(m.Control.Rows, report.ControlRow{Name: r.Name, Class: r.Class, Client: r.Client, Apart: part, Exposed: share(0.1, 0.6)})
	}
	m.Openness = &report.Openness{Leader: m.Control.Rows[0].Name}
	for i, standing := range []string{"own", "others"} {
		m.Openness.Rows = append(m.Openness.Rows, report.OpennessRow{
			Period: m.Windows[0], Standing: standing, Merged: 10 + i, Newcomers: 20, Watched: 15, Returned: 5, Return: &report.Estimate{Value: 0.3, Low: 0.2, High: 0.5},
		})
	}
	return m
}

func reference(t testing.TB, m *report.Model) *report.Reference {
	t.Helper()
	r, err := report.NewReference(m)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func write(t testing.TB, m *report.Model, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, m, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var verbs = regexp.MustCompile(`%(?:\[(\d)\])?([sd%])`)

// arguments lists what a message takes: by number, with its verb.
func arguments(text string) (list []string) {
	n := 0
	for _, m := range verbs.FindAllStringSubmatch(text, -1) {
		if m[2] == "%" {
			continue
		}
		n++
		at := fmt.Sprint(n)
		if m[1] != "" {
			at = m[1]
		}
		list = append(list, at+m[2])
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Both languages have every message, with the same arguments.
func TestMessages(t *testing.T) {
	t.Parallel()
	var all map[string]map[string]string
	if err := yaml.Unmarshal(messagesFile, &all); err != nil {
		t.Fatal(err)
	}
	for key, m := range all {
		if len(m) != len(Languages) {
			t.Errorf("%s has %d languages", key, len(m))
		}
		if m["zh"] == "" || m["en"] == "" && !strings.HasPrefix(key, "metric.") && !strings.HasPrefix(key, "pop.") {
			t.Errorf("%s is empty in a language", key)
		}
		if m["en"] != "" && !slices.Equal(arguments(m["en"]), arguments(m["zh"])) {
			t.Errorf("%s takes %v in English and %v in Chinese", key, arguments(m["en"]), arguments(m["zh"]))
		}
		if !slices.ContainsFunc([]rune(m["zh"]), func(r rune) bool { return unicode.Is(unicode.Han, r) }) && key != "lang" && key != "colon" && key != "semicolon" && key != "comma" {
			t.Errorf("%s is not Chinese: %s", key, m["zh"])
		}
	}
	for i := range measure.Populations {
		if all["pop."+measure.Populations[i].Key] == nil {
			t.Errorf("population %s has no name", measure.Populations[i].Key)
		}
	}
}

// The Chinese page has no words of the English one.
func TestChinese(t *testing.T) {
	t.Parallel()
	en, zh := messages(), write(t, sample(t), Options{Language: "zh"})
	for key, m := range en {
		for _, piece := range verbs.Split(m["en"], -1) {
			if piece = strings.TrimSpace(piece); len(piece) > 14 && strings.Contains(zh, piece) && !strings.Contains(m["zh"], piece) {
				t.Errorf("%s leaks: %q", key, piece)
			}
		}
	}
	if !strings.Contains(zh, `<html lang="zh-Hans">`) || !strings.Contains(zh, "要点") && !strings.Contains(zh, "哪些企业") {
		t.Error("it is not Chinese")
	}
}

func TestLanguage(t *testing.T) {
	t.Parallel()
	if err := Write(&bytes.Buffer{}, sample(t), Options{Language: "tlh"}); !errors.Is(err, ErrLanguage) {
		t.Errorf("got %v", err)
	}
}

// The same result gives the same bytes, all ten questions and the network have an answer, and nothing leads out of the page.
func TestPage(t *testing.T) {
	t.Parallel()
	m := sample(t)
	page := write(t, m, Options{Beside: []*report.Reference{reference(t, m)}})
	if page != write(t, sample(t), Options{Beside: []*report.Reference{reference(t, m)}}) {
		t.Error("it is not the same twice")
	}
	if strings.Contains(page, `<section id="claims"`) {
		t.Error("it has claims, and none were checked")
	}
	for _, id := range []string{"growth", "people", "readings", "strata", "heat", "control", "factors", "openness", "exposure", "network"} {
		at := strings.Index(page, `<section id="`+id+`"`)
		if at < 0 {
			t.Errorf("there is no section %s", id)
			continue
		}
		part, _, _ := strings.Cut(page[at:], "</section>")
		if !strings.Contains(part, `<p class="lead`) || !strings.Contains(part, "<svg") || !strings.Contains(part, "<table") {
			t.Errorf("section %s has no answer, picture or table", id)
		}
	}
	for _, bad := range []string{"http:", "https:", "src=", "url(//", "@import", "unsafe-inline", "ZgotmplZ", " style=", "onclick="} {
		if strings.Contains(strings.ReplaceAll(page, "http://www.w3.org/2000/svg", ""), bad) {
			t.Errorf("it has %q", bad)
		}
	}
	for _, p := range m.People {
		for _, one := range p.Persons {
			if strings.Contains(page, one.Pseudonym) {
				t.Errorf("%s is on the page", one.Pseudonym)
			}
		}
	}
	for _, part := range []string{m.AsOf, fmt.Sprintf("%d of %d repositories read", m.Read, m.Named()), "orrery explain &#39;organizations:", "@bottom-left"} {
		if !strings.Contains(page, part) {
			t.Errorf("it lacks %q", part)
		}
	}
	for _, key := range []string{measure.KeyShare, measure.KeyHHI, measure.KeyElephantFactor} {
		if !strings.Contains(page, strings.NewReplacer("+", "&#43;", ">", "&gt;").Replace(measure.MetricByKey(key).Formula)) {
			t.Errorf("it lacks the definition of %s", key)
		}
	}
}

// A result of an older program has less in it: sections say so.
func TestAbsent(t *testing.T) {
	t.Parallel()
	m := sample(t)
	m.Readings, m.Strata, m.Control, m.Openness, m.Waterfalls, m.Censuses = nil, nil, nil, nil, nil, nil
	page := write(t, m, Options{})
	if n := strings.Count(page, `<p class="absent">Not here: `); n != 7 {
		t.Errorf("%d sections say that they are not here, not 7", n)
	}
}

const hostile = "</script><img src=x onerror=document.title=1>\"'&]]>\u202egnp\u2028{{.}}'; rm -rf ~"

// poison renames whatever comes from outside.
func poison(m *report.Model) {
	most := organizations(&m.Figures[0])[0].Name
	swap := func(s *string) {
		if *s == most {
			*s = hostile
		}
	}
	figures := func(list []report.Figures) {
		for i := range list {
			f := &list[i]
			if f.Scope.Kind == measure.ScopeSubsystem || f.Scope.Kind == measure.ScopeRepository {
				f.Scope.Name += hostile
			}
			for j := range f.Organizations {
				swap(&f.Organizations[j].Name)
				swap(&f.Organizations[j].Client)
			}
			if f.Surviving != nil {
				for j := range f.Surviving.Organizations {
					swap(&f.Surviving.Organizations[j].Name)
				}
			}
		}
	}
	figures(m.Figures)
	figures(m.Series)
	for i := range m.Organizations {
		swap(&m.Organizations[i].Name)
	}
	for i := range m.Strata.Organizations {
		swap(&m.Strata.Organizations[i].Name)
		swap(&m.Strata.Organizations[i].Client)
	}
	for i := range m.Control.Rows {
		swap(&m.Control.Rows[i].Name)
		m.Control.Rows[i].Governs = append(m.Control.Rows[i].Governs, hostile)
	}
	for i := range m.Options {
		m.Options[i].Value = hostile
	}
	swap(&m.Readings.Leader)
	swap(&m.Openness.Leader)
	m.Ecosystem, m.Orrery = hostile, hostile
}

func poisoned(t testing.TB) (*report.Model, Options) {
	t.Helper()
	m := sample(t)
	beside := reference(t, m)
	findings := &claims.Findings{Claims: []claims.Finding{{
		Claim:   claims.Claim{Text: hostile, Source: claims.Source{Title: hostile, Date: hostile}},
		Verdict: claims.Compatible, Reason: hostile, Elsewise: hostile,
		Figures: []claims.Figure{{Definition: hostile, Unit: hostile, Reading: hostile, Verdict: claims.Compatible, From: []claims.Cell{{Cell: hostile}}}},
	}}}
	poison(m)
	beside.Ecosystem, beside.Leader = hostile, hostile
	return m, Options{Findings: findings, Beside: []*report.Reference{beside}, Source: hostile, Command: []string{hostile}}
}

func TestHostileNames(t *testing.T) {
	t.Parallel()
	m, o := poisoned(t)
	page := write(t, m, o)
	if n := strings.Count(page, "</script>"); n != 1 {
		t.Errorf("%d scripts end, not 1", n)
	}
	if n := strings.Count(page, "</style>"); n != 1 {
		t.Errorf("%d styles end, not 1", n)
	}
	for _, bad := range []string{"<img", "\u202e", "\u2028", "]]>"} {
		if strings.Contains(page, bad) {
			t.Errorf("it has %q", bad)
		}
	}
	dir := t.TempDir()
	if err := WritePieces(dir, m, o); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) < 8 {
		t.Fatalf("%d pieces: %v", len(files), err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(content, []byte("<img")) || bytes.Contains(content, []byte("\u202e")) || bytes.Contains(content, []byte("</script")) {
			t.Errorf("%s is not escaped", filepath.Base(file))
		}
	}
}

func TestQuoteCSS(t *testing.T) {
	t.Parallel()
	if got, want := quoteCSS("a b\"\\}</style>"), `"a\000020b\000022\00005c\00007d\00003c\00002fstyle\00003e"`; got != want {
		t.Errorf("%s, not %s", got, want)
	}
}

// Half a thousand repositories, half a thousand organizations and ten thousand people stay within two megabytes, as page and as text.
func TestSize(t *testing.T) {
	t.Parallel()
	m := sample(t)
	var repositories []report.Figures
	for _, f := range m.Figures {
		if f.Scope.Kind == measure.ScopeRepository {
			repositories = append(repositories, f)
		}
	}
	if len(repositories) == 0 {
		t.Fatal("the sample has no repositories")
	}
	for i := range 500 {
		for _, f := range repositories[:min(len(repositories), len(m.Windows))] {
			f.Scope.Name = fmt.Sprintf("a_repository_with_a_long_name_%d", i)
			f.Organizations = slices.Clone(f.Organizations)
			for j := range 100 {
				row := f.Organizations[0]
				row.Name, row.Client, row.Merged = fmt.Sprintf("An Organization With A Long Name %d", (7*i+j)%500), "", nil
				row.Apart.Commits += uint64(i + j)
				f.Organizations = append(f.Organizations, row)
			}
			m.Figures = append(m.Figures, f)
		}
	}
	for i := range m.Windows {
		for j := range 500 {
			row := m.Figures[i].Organizations[0]
			row.Name = fmt.Sprintf("An Organization With A Long Name %d", j)
			m.Figures[i].Organizations = append(m.Figures[i].Organizations, row)
		}
	}
	for j := range 500 {
		m.Organizations = append(m.Organizations, report.Organization{Name: fmt.Sprintf("An Organization With A Long Name %d", j), Class: "employer"})
		row := m.Control.Rows[0]
		row.Name = fmt.Sprintf("An Organization With A Long Name %d", j)
		m.Control.Rows = append(m.Control.Rows, row)
	}
	for i := range m.People {
		one := m.People[i].Persons[0]
		m.People[i].Persons = slices.Repeat([]report.Person{one}, 10000)
	}
	if n := len(write(t, m, Options{})); n > 2<<20 {
		t.Errorf("the page has %d bytes", n)
	} else {
		t.Logf("the page has %d bytes", n)
	}
}

var (
	tagged   = regexp.MustCompile(`<[^>]*>`)
	picture1 = regexp.MustCompile(`(?s)<svg [^>]*aria-labelledby="([^"]+)-c-t".*?</svg>`)
	table1   = regexp.MustCompile(`(?s)<table class="data" id="([^"]+)"><caption>(.*?)</caption>(.*?)</table>`)
	row1     = regexp.MustCompile(`(?s)<tr>(.*?)</tr>`)
	cell1    = regexp.MustCompile(`(?s)<t[dh][^>]*>(.*?)</t[dh]>`)
	said     = regexp.MustCompile(`(?s)<(?:title|text)[^>]*>(.*?)</(?:title|text)>`)
)

// visible are the words of a piece of HTML, without what only keeps lines from breaking.
func visible(s string) string {
	return strings.ReplaceAll(html.UnescapeString(tagged.ReplaceAllString(s, "")), "\u2060", "")
}

// The pieces for slides have the figures of the page: every word and number of its pictures, of its cards, and of the first rows of its tables.
func TestPiecesEqualPage(t *testing.T) {
	t.Parallel()
	for _, language := range Languages {
		m, dir := sample(t), t.TempDir()
		o := Options{Language: language, Beside: []*report.Reference{reference(t, m)}}
		page := write(t, m, o)
		if err := WritePieces(dir, m, o); err != nil {
			t.Fatal(err)
		}
		words := func(svg string) (list []string) {
			for _, one := range said.FindAllStringSubmatch(svg, -1) {
				list = append(list, one[1])
			}
			return list
		}
		pictures := picture1.FindAllStringSubmatch(page, -1)
		if len(pictures) < 12 {
			t.Fatalf("%s: the page has %d pictures", language, len(pictures))
		}
		for _, p := range pictures {
			piece, err := os.ReadFile(filepath.Join(dir, p[1]+".svg"))
			if err != nil {
				t.Fatal(err)
			}
			if on, by := words(p[0]), words(string(piece)); len(on) < 5 || !slices.Equal(on, by) {
				t.Errorf("%s: %s says %q on the page, %q by itself", language, p[1], on, by)
			}
		}
		text, err := os.ReadFile(filepath.Join(dir, "report.md"))
		if err != nil {
			t.Fatal(err)
		}
		lines := map[string]bool{}
		for line := range strings.Lines(string(text)) {
			lines[strings.ReplaceAll(strings.NewReplacer(`\|`, "|", `\\`, `\`).Replace(strings.TrimSpace(line)), `\`, "")] = true
		}
		for _, c := range regexp.MustCompile(`<b>([^<]*)</b><span class="what">([^<]*)</span>`).FindAllStringSubmatch(page, -1) {
			found := false
			for line := range lines {
				found = found || strings.HasPrefix(line, "- "+visible(c[2])+": **"+visible(c[1])+"**.")
			}
			if !found {
				t.Errorf("%s: the card %s: %s is not in report.md", language, visible(c[2]), visible(c[1]))
			}
		}
		rows := 0
		for _, one := range table1.FindAllStringSubmatch(page, -1) {
			for i, r := range row1.FindAllStringSubmatch(one[3], -1) {
				if i > markdownRows {
					break
				}
				line := "|"
				for _, c := range cell1.FindAllStringSubmatch(r[1], -1) {
					value := visible(c[1])
					if strings.Contains(c[1], "<code>") && value != "" {
						value = visible(strings.NewReplacer("<code>", "`", "</code>", "`").Replace(c[1]))
					}
					line += " " + value + " |"
				}
				if rows++; !lines[strings.ReplaceAll(line, `\`, "")] {
					t.Errorf("%s: %s: the row %s is not in report.md", language, one[1], line)
				}
			}
		}
		if rows < 80 {
			t.Errorf("%s: %d rows were compared", language, rows)
		}
	}
}

// Every sentence that findings, settings and definitions can hold is in the page's language, whatever varies in it.
func TestTranslations(t *testing.T) {
	t.Parallel()
	s := speaker{"zh"}
	for english, want := range map[string]string{
		"what was read gives 1,269 to 10,707, and what was not read decides; the 33 repositories that were not read would have to bring 2,116 more": "已读取的部分得出 1,269 至 10,707，结论取决于未读取的部分；未读取的 33 个仓库须再带来 2,116",
		"2 of 6 figures give it: written; end - start, files written here":                                                                          "6 个数值中有 2 个得出该数：编写；期末减期初，自有文件",
		"reproduced as another reading: since the start":                                                                                            "换一种读法则得到复现：自创立以来",
		"the result has no period 2019; give the sources, and it is measured":                                                                       "结果中没有时期 2019；给出数据来源即可统计",
		"git's -M50%, limit 1000":                      "同 git 的 -M50%，上限 1000",
		"0 files and the embedded directory":           "0 个文件与内置目录",
		"1 file (87df09df) and the embedded directory": "1 个文件（87df09df）与内置目录",
		"authors, without imports":                     "作者，不含导入",
		"every definition gives another figure: 33 to 37; what was not read cannot take away from that; the data ends with 2024-12-30, before the period does": "所有口径均得出其他数值：33 至 37；未读取的部分不可能使其减少；数据止于 2024-12-30，早于该时期结束",
	} {
		if got, ok := s.translate(english); got != want || !ok {
			t.Errorf("%q: %q, %v", english, got, ok)
		}
	}
	if got, ok := s.translate("a sentence that nobody translated to Chinese"); ok || got != "a sentence that nobody translated to Chinese" {
		t.Errorf("%q, %v", got, ok)
	}
	for _, p := range phrases() {
		if text := messages()[p.key]["en"]; !strings.Contains(text, "%s") {
			if got, ok := s.translate(text); !ok || got == text {
				t.Errorf("%s: %q stays %q", p.key, text, got)
			}
		}
	}
}

// The three amounts of lines have one name each: in own files, own lines without imports, and written (not imported).
func TestNamesOfLines(t *testing.T) {
	t.Parallel()
	for key, m := range messages() {
		if strings.HasPrefix(key, "told.") || strings.HasPrefix(key, "metric.") {
			continue // as other packages say it
		}
		m := map[string]string{"en": strings.ToLower(m["en"]), "zh": m["zh"]}
		if strings.Contains(m["en"], "written here") {
			t.Errorf("%s does not say which lines: %s", key, m["en"])
		}
		if strings.Contains(m["en"], "own lines") != strings.Contains(m["zh"], "自有代码") || strings.Contains(m["en"], "own lines") && (!strings.Contains(m["en"], "without imports") || !strings.Contains(m["zh"], "不含导入")) ||
			strings.Contains(m["en"], "in own files") != strings.Contains(m["zh"], "自有文件中") || strings.Contains(m["en"], "(not imported)") != strings.Contains(m["zh"], "编写（非导入）") {
			t.Errorf("%s names lines in another way: %s, %s", key, m["en"], m["zh"])
		}
	}
}

// An organization leads a part where it has most commits in every way of giving the unknown ones to organizations, tried one after another.
func TestCertain(t *testing.T) {
	t.Parallel()
	draw := rand.New(rand.NewPCG(1, 1))
	led := 0
	for range 500 {
		f := &report.Figures{}
		commits := make([]int, 1+draw.IntN(4))
		f.Commits.Unknown = uint64(draw.IntN(6))
		f.Commits.Total = f.Commits.Unknown + 1
		for i := range commits {
			commits[i] = draw.IntN(10)
			f.Commits.Total += uint64(commits[i])
		}
		share := func(n int) *report.Share {
			all := float64(f.Commits.Total)
			return &report.Share{Low: float64(n) / all, High: float64(n+int(f.Commits.Unknown)) / all}
		}
		for i, n := range commits {
			r := report.Row{Name: string(rune('A' + i))}
			r.Apart.Commits, r.Apart.CommitsShare = uint64(n), share(n)
			f.Organizations = append(f.Organizations, r)
		}
		want := ""
		for i, n := range commits {
			leads := n > int(f.Commits.Unknown) // and an organization without a commit has fewer
			for k, other := range commits {
				leads = leads && (k == i || n > other+int(f.Commits.Unknown))
			}
			if leads {
				want = f.Organizations[i].Name
				led++
			}
		}
		for _, reading := range []string{apart, merged} {
			if got := certain(f, reading); got != want {
				t.Fatalf("%q leads %v with %d unknown, not %q", got, commits, f.Commits.Unknown, want)
			}
		}
	}
	if led < 50 {
		t.Errorf("only %d parts have a leader", led)
	}
	// A client leads with its contractors, and nobody without them.
	two := &report.Figures{Organizations: []report.Row{{Name: "client"}, {Name: "contractor", Client: "client"}}}
	two.Commits.Total = 10
	even := &report.Share{Low: 0.5, High: 0.5}
	two.Organizations[0].Apart.CommitsShare, two.Organizations[1].Apart.CommitsShare = even, even
	two.Organizations[0].Merged = &report.Part{CommitsShare: &report.Share{Low: 1, High: 1}}
	if a, m := certain(two, apart), certain(two, merged); a != "" || m != "client" {
		t.Errorf("%q and %q lead", a, m)
	}
}

// The sentence of control says of how many each share is, and when, and leaves out what may be anything.
func TestControlSentence(t *testing.T) {
	t.Parallel()
	m := sample(t)
	c := m.Control
	c.Reviewed, c.Changes, c.Rows = 3, 90, c.Rows[:1]
	p := &c.Rows[0].Apart
	p.Seats, p.Reviews, p.Approvals, p.Integrations = 7, 2, 3, 4
	b, err := newBuilder(m, Options{})
	if err != nil {
		t.Fatal(err)
	}
	plain := func() string { return visible(b.control().Lead) }
	trailing := b.trailing()
	for _, part := range []string{
		fmt.Sprintf("of the %d commits in the last twelve months", trailing.Commits.Total), "of the 9 reviews, approvals and integrations of these months, on 3 of 90 changes",
		"of the " + whole(trailing.Surviving.Here.Total) + " own lines, without imports", "of the 7 seats",
	} {
		if !strings.Contains(plain(), part) {
			t.Errorf("%q lacks %q", plain(), part)
		}
	}
	p.ReviewShare = &report.Share{Low: 0, High: 1}
	if strings.Contains(plain(), "reviews") {
		t.Errorf("%q tells of a share that may be anything", plain())
	}
	p.Contributes, p.Owns, p.Governs = nil, p.ReviewShare, nil
	if got, want := plain(), "Of "+c.Rows[0].Name+" nothing can be said"; !strings.HasPrefix(got, want) {
		t.Errorf("%q", got)
	}
}
