package people

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"orrery/analyzer/facts"
)

func explainer(t *testing.T, file string, commits ...wrote) *Explainer {
	t.Helper()
	repo := repository(t, "r", commits...)
	for i := range repo.Commits {
		repo.Commits[i].ID = facts.ID{0: byte(i + 1)}
	}
	opts := Options{Directory: directoryOf(t, file), PseudonymKey: testKey}
	return &Explainer{Repositories: []*facts.Repository{repo}, Options: opts, Resolution: resolve(t, opts, repo)}
}

func TestExplain(t *testing.T) {
	x := explainer(t, "people: [{addresses: [solo@home.example], organization: Borealis, from: 2019-01-01, source: her talk}]",
		wrote{who: "Jane Doe <jane@acme.example>", date: "2020-01-01"},
		wrote{who: "Jane Doe <jane@home.example>", date: "2020-01-01"},
		wrote{who: "Solo <solo@home.example>", date: "2020-02-01"},
		wrote{who: "B <b@borealis.example>", date: "2020-03-01"},
		wrote{who: "X <x@nowhere.example>", date: "2020-03-01"},
	)
	pseudonym := x.Resolution.Persons[x.Resolution.Person[0][0]].Pseudonym
	for what, want := range map[string][]string{
		"jane@acme.example": {
			"address jane@acme.example", "person: " + pseudonym, "joined: jane@acme.example and signature 1, by rule same-name",
			"1, 2020-01-01 to 2020-01-01: Acme (employer), by rule domain: acme.example: web site, testdata/people.yaml:7", "without rule same-name: nothing would change", // the same repository says it too
			"without testdata/people.yaml:7: 1 of Acme would be personal; 1 of Acme would be unknown",
		},
		pseudonym:            {"signature 1 and signature 2"},
		"solo@home.example":  {"rule statement", ":1 (her talk)", "would be personal"},
		"0200000000":         {"commit 02", "counts for: Acme (employer), by rule same-name"},
		"borealis":           {"organization Borealis (employer), testdata/people.yaml:9", "parent from 2020-01-01: Acme", "domain borealis.example", "commits: 2"},
		"阿克米":                {"is an alias of it"},
		"sub.labs.example":   {"labs.example from 2015-01-01 to 2020-01-01: Acme (employer), source \"annual report 2020\", testdata/people.yaml:7"},
		"acmee.example":      {"repaired to acme.example (acmee.example for acme.example: seen twice)"},
		"nowhere.example":    {"the directory says nothing of it: unknown", "commits: 1"},
		"gone@gone.example":  {"no commit that was read has it"},
		"root@localhost":     {"joins nobody"},
		"cs.unlisted.edu.cn": {"academic"},
	} {
		lines, err := x.Explain(what)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		text := strings.Join(lines, "\n")
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s: no %q in\n%s", what, w, text)
			}
		}
		for _, secret := range []string{"jane@home.example", "jane@acme.example", "solo@home.example", "b@borealis.example", "Jane Doe", "Solo"} {
			if secret != what && strings.Contains(text, secret) {
				t.Errorf("%s: the answer tells %s:\n%s", what, secret, text)
			}
		}
	}
	for _, what := range []string{"", "p-00000000", "abcdef0", "nobody at all"} {
		if _, err := x.Explain(what); !errors.Is(err, ErrUnknown) {
			t.Errorf("%q: %v", what, err)
		}
	}
	d, err := Digest(testKey, "solo@home.example")
	if err != nil {
		t.Fatal(err)
	}
	x.Options.Withheld = map[string]bool{d: true}
	x.Resolution = resolve(t, x.Options, x.Repositories...)
	lines, err := x.Explain("solo@home.example")
	if text := strings.Join(lines, "\n"); err != nil || !strings.Contains(text, "withheld") || strings.Contains(text, "Borealis") {
		t.Errorf("withheld: %v\n%s", err, text)
	}
}

func TestUnknowns(t *testing.T) {
	x := explainer(t, "",
		wrote{who: "Jane <jane@acme.example>", date: "2020-01-01"},
		wrote{who: "A <a@mail.nowhere.example>", date: "2020-02-01"},
		wrote{who: "B <b@nowhere.example>", date: "2020-03-01"},
		wrote{who: "Solo <solo@home.example>", date: "2020-02-01"},
	)
	u := x.Unknowns()
	if u.Commits != 4 || len(u.Domains) != 1 || u.Domains[0].Key != "nowhere.example" || u.Domains[0].People != 2 || len(u.People) != 1 {
		t.Fatalf("%+v", u)
	}
	var text, named bytes.Buffer
	if err := errors.Join(u.WriteYAML(&text, 10, false), u.WriteYAML(&named, 10, true)); err != nil {
		t.Fatal(err)
	}
	if s := text.String(); strings.Contains(s, "solo") || strings.Contains(s, "Solo") || !strings.Contains(s, u.People[0].Key) {
		t.Errorf("without names:\n%s", s)
	}
	if s := named.String(); strings.Contains(s, "solo@") || !strings.Contains(s, "Solo") {
		t.Errorf("with names:\n%s", s)
	}
	if problems := directoryOf(t, text.String(), named.String()); problems == nil {
		t.Error("what is suggested cannot be read")
	}

	// An entry that is completed does what it promises, by pseudonym.
	filled := explainer(t, "people: [{addresses: ["+u.People[0].Key+"], organization: Acme}]\norganizations: [{name: New, kind: company, domains: [nowhere.example]}]",
		wrote{who: "Jane <jane@acme.example>", date: "2020-01-01"}, wrote{who: "A <a@mail.nowhere.example>", date: "2020-02-01"}, wrote{who: "Solo <solo@home.example>", date: "2020-02-01"})
	if u := filled.Unknowns(); len(u.Domains)+len(u.People) != 0 || u.Commits != 3 {
		t.Errorf("%+v", u)
	}
}
