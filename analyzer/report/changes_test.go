package report

import (
	"bytes"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"orrery/analyzer/measure"
	"orrery/analyzer/people"
)

// later is the usual sample after a while: a person counts for somebody else, a repository and an organization are new, another is gone.
func later() sample {
	s := usual()
	s.persons = slices.Clone(s.persons)
	s.persons[3].organization = 0                            // Dora, from Bolt to Acme
	s.persons[5] = member{"Eve Example", 4, people.Employer} // known now
	s.organizations = append(slices.Clone(s.organizations), people.Organization{Name: "Nova", Class: people.Employer, Client: none, Parent: none})
	kernel := s.repositories[0]
	kernel.commits = append(slices.Clone(kernel.commits), commit{0, 1, "2024-06-02", 25, false}, commit{0, 4, "2024-03-05", 40, false})
	s.repositories = []repository{kernel, {key: "web", class: "own", commits: []commit{
		{0, 4, "2024-04-01", 500, false}, {0, 4, "2024-04-02", 20, false}, {0, 2, "2024-05-02", 20, false},
	}}}
	return s
}

func keyed(m *Model, key string) *Model {
	m.PseudonymKey = key
	return m
}

func compared(t *testing.T, a, b *Model, of string) *Changes {
	t.Helper()
	c, err := Compare(a, b, of)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestChangesGolden(t *testing.T) {
	a, b := keyed(usual().model(t, Options{}), "k-1"), keyed(later().model(t, Options{}), "k-1")
	b.Options = []Option{{"renames", "off"}}
	c := compared(t, a, b, measure.KeyCommits)
	for name, write := range map[string]func(io.Writer) error{
		"changes.txt":        func(w io.Writer) error { return WriteChanges(w, c, measure.AllTime, 80) },
		"changes-months.txt": func(w io.Writer) error { return WriteChanges(w, c, measure.LastTwelveMonths, 100) },
		"changes.md":         func(w io.Writer) error { return WriteChangesMarkdown(w, c, measure.AllTime) },
		"changes.json":       func(w io.Writer) error { return WriteChangesJSON(w, c) },
		"changes-nothing.txt": func(w io.Writer) error {
			return WriteChanges(w, compared(t, a, a, measure.KeyCommits), measure.AllTime, 80)
		},
	} {
		var text bytes.Buffer
		if err := write(&text); err != nil {
			t.Fatal(err)
		}
		golden(t, name, text.Bytes())
		if lines := strings.Count(text.String(), "\n"); strings.HasSuffix(name, ".txt") && lines > changesLines {
			t.Errorf("%s has %d lines", name, lines)
		}
	}
}

// TestChangesAddUp demands of all readings and windows that terms add up to what moved, that the way back is the opposite, and that shares are
// those of the figures.
func TestChangesAddUp(t *testing.T) {
	const nothing = 1e-9
	a, b := keyed(usual().model(t, Options{}), "k-1"), keyed(later().model(t, Options{}), "k-1")
	for _, ledger := range []bool{true, false} {
		if !ledger {
			a.Ledger, b.Ledger = nil, nil
		}
		for _, of := range []string{measure.KeyCommits, measure.KeyChanged} {
			c, back := compared(t, a, b, of), compared(t, b, a, of)
			if len(c.Windows) != 4 {
				t.Fatalf("%d windows", len(c.Windows))
			}
			for i := range c.Windows {
				w := &c.Windows[i]
				if len(w.Shares) < 4 || w.Explained != ledger {
					t.Errorf("%s: %d shares, explained: %v", w.Window, len(w.Shares), w.Explained)
				}
				for _, s := range w.Shares {
					low, high := 0.0, 0.0
					for _, r := range s.Repositories {
						low, high = low+r.Low, high+r.High
					}
					if math.Abs(low-(s.LowTo-s.LowFrom)) > nothing || math.Abs(high-(s.HighTo-s.HighFrom)) > nothing {
						t.Errorf("%s, %s: repositories give %v and %v: %+v", w.Window, s.Organization, low, high, s)
					}
					low, high = 0, 0
					people := s.People
					if s.PeopleElse != nil {
						people = append(slices.Clone(people), *s.PeopleElse)
					}
					for _, r := range people {
						low, high = low+r.Low, high+r.High
					}
					if ledger && (math.Abs(low-(s.LowTo-s.LowFrom)) > nothing || math.Abs(high-(s.HighTo-s.HighFrom)) > nothing) {
						t.Errorf("%s, %s: people give %v and %v: %+v", w.Window, s.Organization, low, high, s)
					}
					j := slices.IndexFunc(back.Windows[i].Shares, func(o ShareMove) bool {
						return o.Organization == s.Organization && o.Contractors == s.Contractors
					})
					if o := back.Windows[i].Shares[j]; math.Abs(o.LowTo-s.LowFrom)+math.Abs(o.LowFrom-s.LowTo) > nothing ||
						math.Abs(o.Repositories[0].Low+s.Repositories[0].Low) > nothing {
						t.Errorf("%s, %s: there %+v, and back %+v", w.Window, s.Organization, s, o)
					}
					row := slices.IndexFunc(b.Figures[i].Organizations, func(r Row) bool { return r.Name == s.Organization })
					if row < 0 || s.Contractors == merged {
						continue
					}
					part := b.Figures[i].Organizations[row].Apart
					want := part.CommitsShare
					if of == measure.KeyChanged {
						want = part.ChangedShare
					}
					if math.Abs(want.Low-s.LowTo) > 1e-6 || math.Abs(want.High-s.HighTo) > 1e-6 {
						t.Errorf("%s, %s: the share is %v, in the figures %v", w.Window, s.Organization, s, want)
					}
				}
				for _, m := range w.Indices {
					if len(m.Terms) == 0 {
						continue
					}
					sum, repositories := 0.0, 0.0
					for _, term := range m.Terms {
						sum += term.Amount
					}
					for _, r := range m.Repositories {
						repositories += r.Low
					}
					// Indices are rounded to four digits.
					if moved := *m.LowTo - *m.LowFrom; math.Abs(sum-moved) > 2e-3 || m.Metric == measure.KeyHHI && math.Abs(repositories-moved) > 2e-3 {
						t.Errorf("%s, %s %s: moved by %v, the terms by %v, repositories by %v", w.Window, m.Metric, m.Contractors, moved, sum, repositories)
					}
				}
			}
		}
	}
}

// TestReattribution lets one person count for another organization, and nothing else change: all that moves is reattributed.
func TestReattribution(t *testing.T) {
	s := usual()
	s.persons = slices.Clone(s.persons)
	s.persons[3].organization = 0
	a, b := usual().model(t, Options{}), s.model(t, Options{})
	for _, key := range []string{"k-1", ""} {
		c := compared(t, keyed(a, key), keyed(b, key), measure.KeyCommits)
		w := &c.Windows[0]
		if len(w.Reattributed) != 1 || w.Reattributed[0].From != "Bolt" || w.Reattributed[0].To != "Acme" || w.Reattributed[0].Amount != 6 {
			t.Fatalf("%+v", w.Reattributed)
		}
		if people := w.Reattributed[0].People; (key != "") != (len(people) == 1 && people[0] == (Amounted{"p-5ccd", 6})) {
			t.Errorf("%q: %+v", key, people)
		}
		if (c.Warning == "") != (key != "") {
			t.Errorf("%q: %s", key, c.Warning)
		}
		for _, share := range w.Shares {
			for _, r := range share.Repositories {
				if r.Kind != ByReattribution {
					t.Errorf("%s: %+v", share.Organization, r)
				}
			}
		}
	}
}

func TestChangesRefuse(t *testing.T) {
	a, b := usual().model(t, Options{}), usual().model(t, Options{})
	if _, err := Compare(a, b, "hours"); err == nil {
		t.Error("shares of hours were given")
	}
	b.Ledger.Rows[0][4]++
	if _, err := Compare(a, b, measure.KeyCommits); !errors.Is(err, ErrNoResult) || !strings.Contains(err.Error(), "add up to") {
		t.Errorf("%v", err)
	}
	c := compared(t, a, a, measure.KeyCommits)
	if err := WriteChanges(io.Discard, c, "autumn", 80); err == nil || !strings.Contains(err.Error(), `"autumn" in common; there are "all time"`) {
		t.Errorf("%v", err)
	}
	if err := errors.Join(WriteChanges(brokenWriter{}, c, measure.AllTime, 80)); err == nil {
		t.Error("nothing was written, and no error")
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("broken") }

// TestHostileChanges shows names that want to be more than names.
func TestHostileChanges(t *testing.T) {
	s := later()
	s.organizations[4].Name = "<b>|[x](http://evil.example)\x1b[2J\u202e"
	s.repositories[1].key = "a|b`<script>"
	c := compared(t, keyed(usual().model(t, Options{}), "k"), keyed(s.model(t, Options{}), "k"), measure.KeyCommits)
	var text, md bytes.Buffer
	if err := errors.Join(WriteChanges(&text, c, measure.AllTime, 80), WriteChangesMarkdown(&md, c, measure.AllTime)); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"\x1b", "\u202e"} {
		if strings.Contains(text.String()+md.String(), bad) {
			t.Errorf("%q stands in the output", bad)
		}
	}
	for _, bad := range []string{"<", "[x](", "http://"} {
		if strings.Contains(md.String(), bad) {
			t.Errorf("%q stands in Markdown", bad)
		}
	}
}

// FuzzChanges compares anything that can be read with the sample.
func FuzzChanges(f *testing.F) {
	t := &testing.T{}
	a, b := usual().model(t, Options{People: -1}), later().model(t, Options{People: -1})
	for _, m := range []*Model{a, b} {
		m.Series, m.Strata, m.Longevity, m.Conservation, m.Metrics = nil, nil, nil, nil, nil
	}
	f.Add(written(t, b), false)
	f.Add(written(t, b), true)
	f.Fuzz(func(t *testing.T, data []byte, back bool) {
		m, err := ReadJSON(bytes.NewReader(data))
		if err != nil {
			return
		}
		from, to := a, m
		if back {
			from, to = to, from
		}
		c, err := Compare(from, to, measure.KeyCommits)
		if err != nil {
			return
		}
		for _, w := range c.Windows {
			if err := errors.Join(WriteChanges(io.Discard, c, w.Window, 80), WriteChangesMarkdown(io.Discard, c, w.Window), WriteChangesJSON(io.Discard, c)); err != nil {
				t.Error(err)
			}
		}
	})
}
