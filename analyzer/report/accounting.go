package report

import (
	"fmt"
	"io"
	"strings"

	"orrery/analyzer/measure"
	"orrery/analyzer/people"
)

// Accounting is what the rules of others make of the same commits.
type Accounting struct {
	measure.Rules
	Accounts []Account `json:"accounts"` // by window
}

// Account is an [Accounting] of the ecosystem in a window.
type Account struct {
	Window  string `json:"window"`
	Commits uint64 `json:"commits"`
	Added   uint64 `json:"added"`
	Removed uint64 `json:"removed"`
	Changed uint64 `json:"changed"`
	Persons int    `json:"persons"`
	// CommitTerms and ChangeTerms lead from this program's commits and lines to these.
	CommitTerms []measure.Term `json:"commit_terms"`
	ChangeTerms []measure.Term `json:"change_terms"`
	// Organizations have the unknown among them; persons stand in the table alone.
	Organizations []AccountRow `json:"organizations"`

	people []AccountRow
}

// AccountRow is an organization, or a person under a pseudonym.
type AccountRow struct {
	Name    string `json:"name"`
	Commits uint64 `json:"commits"`
	Added   uint64 `json:"added"`
	Removed uint64 `json:"removed"`
	Changed uint64 `json:"changed"`
	Persons int    `json:"persons"`
	// The shares are of all, or of the known, as the rules have it; nil where that is nothing, and for the unknown if it is not part of it.
	CommitsShare *float64 `json:"commits_share"`
	ChangedShare *float64 `json:"changed_share"`
}

func (b *builder) accounting(result *measure.Result, name string) *Accounting {
	rules, ok := measure.AccountingByName(name)
	if !ok {
		return nil
	}
	out := &Accounting{Rules: *rules}
	for i := range result.Accounts {
		a := &result.Accounts[i]
		account := Account{
			Window: a.Period.Name, Commits: a.Commits, Added: a.Added, Removed: a.Removed, Changed: a.Changed, Persons: a.Persons,
			CommitTerms: full(a.CommitTerms), ChangeTerms: full(a.ChangeTerms), Organizations: []AccountRow{},
		}
		commits, changed := a.Commits, a.Changed
		if rules.OfKnown {
			commits, changed = 0, 0
			for _, r := range a.Rows {
				if r.Organization != people.NoOrganization {
					commits, changed = commits+r.Commits, changed+r.Changed
				}
			}
		}
		for _, r := range a.Rows {
			row := accountRow(r, r.Name)
			if r.Organization != people.NoOrganization || !rules.OfKnown {
				row.CommitsShare, row.ChangedShare = ratio(r.Commits, commits), ratio(r.Changed, changed)
			}
			account.Organizations = append(account.Organizations, row)
		}
		for _, r := range a.People {
			row := accountRow(r, b.Persons[r.Person].Pseudonym)
			row.CommitsShare, row.ChangedShare = ratio(r.Commits, a.Commits), ratio(r.Changed, a.Changed)
			account.people = append(account.people, row)
		}
		out.Accounts = append(out.Accounts, account)
	}
	return out
}

func accountRow(r measure.AccountRow, name string) AccountRow {
	return AccountRow{Name: name, Commits: r.Commits, Added: r.Added, Removed: r.Removed, Changed: r.Changed, Persons: r.Persons}
}

// WriteAccounting writes what the rules of others make of the main window, as [WriteText] writes the summary: at most 30 lines. The model must have
// an accounting.
func WriteAccounting(w io.Writer, m *Model, width int) error {
	t := text{width: min(max(width, MinWidth), MaxWidth)}
	a := &m.Accounting.Accounts[m.main()]
	window := heading(m.Figures[m.main()].Period)
	t.title(m)
	t.line(fmt.Sprintf("%s by the rules of %s: %s by %s",
		cut(window, 30), m.Accounting.Name, plural(int(a.Commits), "commit", "commits"), plural(a.Persons, "person", "persons")))
	t.line(fmt.Sprintf("%s lines added, %s removed, %s changed", number(a.Added), number(a.Removed), number(a.Changed)))
	columns := [][]string{{"organization"}, {"commits"}, {"%"}, {"changed"}, {"%"}, {"people"}}
	for i, r := range a.Organizations {
		if i == summaryTop {
			break
		}
		for k, cell := range []string{
			Printable(r.Name), number(r.Commits), percent(r.CommitsShare), number(r.Changed), percent(r.ChangedShare), number(uint64(r.Persons)),
		} {
			columns[k] = append(columns[k], cell)
		}
	}
	t.grid(columns)
	t.line(fmt.Sprintf("%d of %s; all in tables/accounting.csv", len(columns[0])-1, plural(len(a.Organizations), "row", "rows")))
	for _, sentence := range []string{
		"commits: " + sum(a.CommitTerms, a.Commits),
		"changed: " + sum(a.ChangeTerms, a.Changed),
		"elephant factor: " + strings.Join(m.factors(measure.KeyElephantFactor, a.Window), "; "),
		"absence factor: " + strings.Join(m.factors(measure.KeyAbsenceFactor, a.Window), "; "),
		"not in it: " + strings.Join(m.Accounting.Differences, "; "),
	} {
		for _, l := range fold(sentence, t.width) {
			t.line(l)
		}
	}
	if _, err := io.WriteString(w, t.String()); err != nil {
		return fmt.Errorf("writing the accounting: %w", err)
	}
	return nil
}

func sum(terms []measure.Term, total uint64) string {
	var b strings.Builder
	for i, term := range terms {
		switch {
		case i == 0:
			fmt.Fprintf(&b, "%s here", number(uint64(term.Value)))
		case term.Value == 0:
		case term.Value < 0:
			fmt.Fprintf(&b, " - %s %s", number(uint64(-term.Value)), term.Name)
		default:
			fmt.Fprintf(&b, " + %s %s", number(uint64(term.Value)), term.Name)
		}
	}
	return fmt.Sprintf("%s = %s", b.String(), number(total))
}

// factors lists everybody's factors of a window, and those that have a window of their own.
func (m *Model) factors(metric, window string) (phrases []string) {
	windows := map[string]bool{}
	for _, p := range m.Windows {
		windows[p.Name] = true
	}
	for _, f := range m.Factors {
		if f.Metric != metric || f.Period != window && windows[f.Period] {
			continue
		}
		phrase := f.Rules + " -"
		if f.Value > 0 {
			phrase = f.Rules + " " + number(uint64(f.Value))
		}
		if f.High > f.Low {
			phrase += fmt.Sprintf(" (%d-%d)", f.Low, f.High)
		}
		if f.Period != window {
			phrase += ", " + f.Period
		}
		phrases = append(phrases, phrase)
	}
	return phrases
}
