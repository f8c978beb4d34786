package claims

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orrery/analyzer/measure"
	"orrery/analyzer/report"
)

const good = `claims:
  - text: it grew
    source: {title: Gazette, url: "https://gazette.example/1", date: 2024-10}
    quantity: growth
    value: 10,000,000
    tolerance: 5 %
    period: 2024
    scope: {class: own}
  - text: people
    source: {title: Gazette, date: 2024}
    quantity: contributors
    is: at least
    value: 8100
    at: 2024-10-31
    note: round
  - text: half is not theirs
    source: {title: Gazette, date: 2024-10-31}
    quantity: share
    others: Astra
    is: at most
    value: 50.5 %
    tolerance: 1 %
    period: {from: 2024-01-01, to: 2024-07-01}
`

func TestParse(t *testing.T) {
	list, err := Parse("claims.yaml", []byte(good))
	if err != nil {
		t.Fatal(err)
	}
	want := []Claim{
		{
			Text: "it grew", Source: Source{Title: "Gazette", URL: "https://gazette.example/1", Date: "2024-10"}, Quantity: Growth, Is: About, Value: 1e7, Tolerance: 5e5,
			From: "2024-01-01T00:00:00Z", To: "2025-01-01T00:00:00Z", Scope: measure.Scope{Kind: measure.ScopeClass, Name: "own"}, Line: 2,
		},
		{
			Text: "people", Source: Source{Title: "Gazette", URL: "", Date: "2024"}, Quantity: Contributors, Is: AtLeast, Value: 8100, To: "2024-11-01T00:00:00Z",
			Scope: measure.Scope{Kind: measure.ScopeEcosystem}, Note: "round", Line: 9,
		},
		{
			Text: "half is not theirs", Source: Source{Title: "Gazette", URL: "", Date: "2024-10-31"}, Quantity: Share, Is: AtMost, Value: 50.5, Tolerance: 1,
			From: "2024-01-01T00:00:00Z", To: "2024-07-01T00:00:00Z", Scope: measure.Scope{Kind: measure.ScopeEcosystem}, Organization: "Astra", Others: true, Line: 16,
		},
	}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Error(diff)
	}
	var names []string
	for _, w := range Windows(append(list, list...)) {
		names = append(names, w.Name)
	}
	if diff := cmp.Diff([]string{"2024-01-01 to 2025-01-01", "1990-01-01 to 2024-11-01", "2024-01-01 to 2024-07-01"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestParseMistakes(t *testing.T) {
	base := "claims:\n  - text: a\n    source: {title: b, date: 2024}\n"
	for name, c := range map[string]struct{ text, want string }{
		"empty":          {"", "no documents"},
		"no YAML":        {"claims: [", "not YAML"},
		"no claims":      {"claims: []", "there is no claim"},
		"unknown key":    {"claim: []", `claims.yaml:1:1: unknown key "claim"`},
		"key in a claim": {base + "    quantity: lines\n    valeu: 3\n", `:5:5: unknown key "valeu" in a claim`},
		"twice":          {base + "    text: c\n", `"text" stands twice, first in line 2`},
		"no value":       {base + "    quantity: lines\n    at: 2024-01-01\n", "a claim has a text, a source, a quantity and a value"},
		"quantity":       {base + "    quantity: stars\n", "quantity is one of lines, growth"},
		"value":          {base + "    quantity: lines\n    value: many\n    tolerance: 1\n    at: 2024-01-01\n", `not "many"`},
		"infinite":       {base + "    quantity: lines\n    value: .inf\n    tolerance: 1\n    at: 2024-01-01\n", "value is a number"},
		"no tolerance":   {base + "    quantity: lines\n    value: 3\n    at: 2024-01-01\n", "needs a tolerance"},
		"tolerance":      {base + "    quantity: lines\n    value: 3\n    tolerance: -1\n    at: 2024-01-01\n", "not below 0"},
		"percent":        {base + "    quantity: lines\n    value: 3 %\n    tolerance: 1\n    at: 2024-01-01\n", "a share is in %"},
		"share of whom":  {base + "    quantity: share\n    value: 3 %\n    tolerance: 1\n    period: 2024\n", "a share names an organization"},
		"organization":   {base + "    quantity: lines\n    organization: Astra\n    value: 3\n    tolerance: 1\n    at: 2024-01-01\n", "nothing else does"},
		"no period":      {base + "    quantity: lines\n    value: 3\n    tolerance: 1\n", "a period, or a moment"},
		"both":           {base + "    quantity: lines\n    value: 3\n    tolerance: 1\n    at: 2024-01-01\n    period: 2024\n", "not both"},
		"growth at":      {base + "    quantity: growth\n    value: 3\n    tolerance: 1\n    at: 2024-01-01\n", "growth is of a period"},
		"day":            {base + "    quantity: lines\n    value: 3\n    tolerance: 1\n    at: tomorrow\n", "at is a day"},
		"period":         {base + "    quantity: growth\n    value: 3\n    tolerance: 1\n    period: 2024-Q1\n", "a period is a year"},
		"backwards":      {base + "    quantity: growth\n    value: 3\n    tolerance: 1\n    period: {from: 2024-02-01, to: 2024-01-01}\n", "ends before it starts"},
		"scope":          {base + "    quantity: lines\n    value: 3\n    tolerance: 1\n    at: 2024-01-01\n    scope: {}\n", "a scope is a class or a subsystem"},
		"source":         {"claims:\n  - text: a\n    source: {title: b}\n    quantity: lines\n    value: 1\n", "a source has a title and a date"},
		"address":        {"claims:\n  - text: a\n    source: {title: b, date: 2024, url: \"javascript:x\"}\n", "url is an address"},
		"long":           {strings.Repeat("#", 1<<20+1), "larger than"},
	} {
		list, err := Parse("claims.yaml", []byte(c.text))
		if err == nil || !errors.Is(err, ErrFile) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v %v, want an error with %q", name, list, err, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("claims: [{text: a, period: &x [*x]}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := Parse("claims.yaml", data)
		if err == nil && len(list) == 0 {
			t.Fatal("no claim and no error")
		}
		for i := range list {
			if low, high := list[i].bounds(); err == nil && low > high {
				t.Fatalf("claim %d holds from %v to %v", i, low, high)
			}
		}
	})
}

func TestShipped(t *testing.T) {
	for _, name := range []string{"claims/openharmony.yaml", "claims/openeuler.yaml", "sample/claims.yaml"} {
		if _, err := Read(filepath.Join("..", "..", "fixtures", filepath.FromSlash(name))); err != nil {
			t.Error(err)
		}
	}
	if _, err := Read(t.TempDir()); !errors.Is(err, ErrFile) {
		t.Errorf("a folder: %v", err)
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func TestDecide(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		is                          string
		value, tolerance, low, high float64
		want                        Verdict
	}{
		{About, 100, 10, 105, 105, Reproduced},
		{About, 100, 10, 110, 110, Reproduced},
		{About, 100, 10, 111, 111, Contradicted},
		{About, 100, 10, 50, inf, Compatible},    // a part gives 50: the rest may bring it
		{About, 100, 10, 100, inf, Compatible},   // and more
		{About, 100, 10, 111, inf, Contradicted}, // a part gives too many already
		{About, 100, 10, -inf, inf, Compatible},  // growth: the rest may shrink
		{About, 100, 10, 95, 105, Reproduced},
		{About, 100, 10, 80, 95, Compatible},
		{AtLeast, 100, 0, 100, inf, Reproduced},
		{AtLeast, 100, 0, 99, inf, Compatible},
		{AtLeast, 100, 0, 99, 99, Contradicted},
		{AtMost, 100, 0, 101, inf, Contradicted},
		{AtMost, 100, 0, 99, inf, Compatible},
		{AtMost, 100, 0, 99, 99, Reproduced},
	} {
		claim := Claim{Is: c.is, Value: c.value, Tolerance: c.tolerance}
		if got := claim.decide(c.low, c.high); got != c.want {
			t.Errorf("%s %v +-%v, figure from %v to %v: %s, want %s", c.is, c.value, c.tolerance, c.low, c.high, got, c.want)
		}
	}
}

// TestDecideIsSound holds verdicts on an interval against those on every figure in it.
func TestDecideIsSound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.Float64Range(-50, 50)
		claim := Claim{Is: rapid.SampledFrom(relations).Draw(t, "is"), Value: number.Draw(t, "value"), Tolerance: rapid.Float64Range(0, 20).Draw(t, "tolerance")}
		low, figure := number.Draw(t, "low"), number.Draw(t, "figure")
		high := rapid.SampledFrom([]float64{low, low + 10, math.Inf(1)}).Draw(t, "high")
		figure = min(max(figure, low), high)
		known := claim.decide(figure, figure)
		if known == Compatible {
			t.Fatalf("a figure that is known leaves it open")
		}
		if v := claim.decide(low, high); v != Compatible && v != known {
			t.Fatalf("from %v to %v it is %s, but with %v it is %s", low, high, v, figure, known)
		}
	})
}

// model is a small result: ten authors in a period, of one repository of two.
func model(read bool) *report.Model {
	p := report.Period{Kind: measure.KindYear, Name: "2024", From: "2024-01-01T00:00:00Z", To: "2025-01-01T00:00:00Z"}
	everybody := measure.People{Persons: 10, Addresses: 12, Names: 11, Pairs: 14}
	m := &report.Model{
		Ecosystem: "small", AsOf: "2026-01-01", Read: 1,
		Repositories: []report.Repository{{Key: "a", Class: "own"}, {Key: "b", Class: "own"}},
		Membership: &report.Membership{
			Rolls: []report.Roll{{Source: "manifest", From: "2020-01-01T00:00:00Z"}},
			Members: []report.Member{
				{Repository: "a", Class: "own", Read: true, Stays: []report.Stay{{Joined: "2020-01-01T00:00:00Z"}}},
				{Repository: "b", Class: "own", Read: read, Stays: []report.Stay{{Joined: "2024-06-01T00:00:00Z"}}},
			},
		},
		Populations: measure.Populations,
	}
	w := report.Waterfall{Scope: measure.Scope{Kind: measure.ScopeEcosystem}, Period: p, Fall: measure.Fall{Start: 100, Written: 50, End: 150}, Growth: 50}
	w.AtStart, w.AtEnd, w.During = m.Membership.At(p.From, report.Everywhere), m.Membership.At(p.To, report.Everywhere), m.Membership.During(p, report.Everywhere)
	m.Waterfalls = []report.Waterfall{w}
	for _, q := range measure.Populations {
		m.Censuses = append(m.Censuses, report.Census{Period: p, Population: q.Key, In: everybody, Ever: everybody})
	}
	return m
}

func TestCheck(t *testing.T) {
	claim := func(quantity, is string, value, tolerance float64) Claim {
		return Claim{
			Quantity: quantity, Is: is, Value: value, Tolerance: tolerance, From: "2024-01-01T00:00:00Z", To: "2025-01-01T00:00:00Z",
			Scope: measure.Scope{Kind: measure.ScopeEcosystem},
		}
	}
	for name, c := range map[string]struct {
		claim       Claim
		whole, part Verdict
		wants       string
	}{
		"more than there are":       {claim(Contributors, AtLeast, 15, 0), Contradicted, Compatible, "would have to bring 1 more"},
		"no more than addresses":    {claim(Contributors, AtMost, 9, 0), Contradicted, Compatible, "cannot give it any more"},
		"exact":                     {claim(Contributors, About, 12, 0), Reproduced, Compatible, ""},
		"lines":                     {claim(Lines, AtLeast, 150, 0), Reproduced, Reproduced, ""},
		"too many lines":            {claim(Lines, AtMost, 149, 0), Contradicted, Contradicted, "cannot take away"},
		"growth can shrink":         {claim(Growth, AtMost, 49, 0), Contradicted, Compatible, ""},
		"repositories are all seen": {claim(Repositories, About, 2, 0), Reproduced, Reproduced, ""},
		"and no others":             {claim(Repositories, About, 3, 0), Contradicted, Contradicted, ""},
		"nothing measures it":       {claim(Other, About, 3, 0), NotTestable, NotTestable, "no commit"},
	} {
		for _, read := range []bool{true, false} {
			want := c.whole
			if !read {
				want = c.part
			}
			got := Check(model(read), []Claim{c.claim}).Claims[0]
			if got.Verdict != want || !read && !strings.Contains(got.Reason, c.wants) {
				t.Errorf("%s, all read: %v: %s (%s), want %s with %q", name, read, got.Verdict, got.Reason, want, c.wants)
			}
		}
	}
	other := claim(Contributors, AtLeast, 3, 0)
	other.To = "2025-02-01T00:00:00Z"
	if got := Check(model(true), []Claim{other}).Claims[0]; got.Verdict != NotTestable || !strings.Contains(got.Reason, "has no period") {
		t.Errorf("a period that nobody measured: %s (%s)", got.Verdict, got.Reason)
	}
	scoped := claim(Contributors, AtLeast, 3, 0)
	scoped.Scope = measure.Scope{Kind: measure.ScopeClass, Name: "own"}
	if got := Check(model(true), []Claim{scoped}).Claims[0]; got.Verdict != NotTestable {
		t.Errorf("contributors of a class: %s (%s)", got.Verdict, got.Reason)
	}
}

func TestFigure(t *testing.T) {
	for x, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", -1234567: "-1,234,567", 18.84: "18.8", 99.96: "100", -0.01: "0", math.Inf(1): "-"} {
		if got := figure(x); got != want {
			t.Errorf("%v: %s, want %s", x, got, want)
		}
	}
}
