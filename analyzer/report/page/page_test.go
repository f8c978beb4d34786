package page

import (
	"bytes"
	"errors"
	"fmt"
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
		if !slices.ContainsFunc([]rune(m["zh"]), func(r rune) bool { return unicode.Is(unicode.Han, r) }) && key != "lang" && key != "colon" && key != "semicolon" {
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
		if !strings.Contains(part, `<p class="lead">`) || !strings.Contains(part, "<svg") || !strings.Contains(part, "<table") {
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
	return m, Options{Findings: findings, Beside: []*report.Reference{beside}, Source: hostile, Command: hostile}
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
