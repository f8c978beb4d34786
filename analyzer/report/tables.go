package report

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"orrery/analyzer/measure"
)

// Table is one CSV file. Nothing is left out of tables.
type Table struct {
	// Name is that of the file, without ".csv".
	Name string
	// About says what a row is.
	About   string
	Columns []string

	rows func(m *Model, add func(...any))
}

// Tables are all tables, in the order in which help lists them. Not to be changed.
//
// Empty cells are figures that do not exist (a share of nothing). Text is escaped by [Cell].
var Tables = append([]Table{
	{
		"organizations",
		"the ecosystem by window: a row for every organization with work in it, for each unknown class, and outside of T for bots, AI agents and bulk imports; merged columns: contractors as part of their client",
		[]string{
			"window", "organization", "class", "commits", "added", "removed", "changed", "contributors",
			"commits_share_low", "commits_share_high", "commits_of_known", "changed_share_low", "changed_share_high", "changed_of_known",
			"client", "merged_commits", "merged_added", "merged_removed", "merged_changed", "merged_contributors",
			"merged_commits_share_low", "merged_commits_share_high", "merged_changed_share_low", "merged_changed_share_high",
			"bulk_commits", "bulk_added", "bulk_removed", "commits_here", "added_here", "removed_here", "changed_here_share_low", "changed_here_share_high",
			"merged_commits_here", "merged_added_here", "merged_removed_here", "from", "to",
		},
		func(m *Model, add func(...any)) {
			for i := range m.Figures {
				f := &m.Figures[i]
				if f.Scope.Kind != measure.ScopeEcosystem {
					continue
				}
				for j := range f.Organizations {
					r := &f.Organizations[j]
					cells := []any{f.Period.Name, r.Name, r.Class}
					cells = append(cells, r.Apart.cells()...)
					cells = append(cells, r.Apart.CommitsShare.cells()...)
					cells = append(cells, r.Apart.ChangedShare.cells()...)
					merged := r.merged()
					if merged == nil {
						merged = new(Part)
					}
					cells = append(cells, r.Client)
					cells = append(cells, merged.cells()...)
					cells = append(cells, merged.CommitsShare.cells()[:2]...)
					cells = append(cells, merged.ChangedShare.cells()[:2]...)
					bulk := measure.Sum{}
					if r.Apart.Bulk != nil {
						bulk = *r.Apart.Bulk
					}
					cells = append(cells, bulk.Commits, bulk.Added, bulk.Removed, r.Apart.CommitsHere, r.Apart.AddedHere, r.Apart.RemovedHere)
					cells = append(cells, r.Apart.ChangedHereShare.bounds()...)
					add(append(cells, merged.CommitsHere, merged.AddedHere, merged.RemovedHere, f.Period.From, f.Period.To)...)
				}
			}
		},
	},
	{
		"organizations_by_scope",
		"the same by class, subsystem and repository; rows without work are left out",
		[]string{"scope_kind", "scope", "window", "organization", "class", "commits", "added", "removed", "changed", "contributors", "client"},
		func(m *Model, add func(...any)) {
			for i := range m.Figures {
				f := &m.Figures[i]
				if f.Scope.Kind == measure.ScopeEcosystem {
					continue
				}
				for j := range f.Organizations {
					r := &f.Organizations[j]
					cells := []any{f.Scope.Kind, f.Scope.Name, f.Period.Name, r.Name, r.Class}
					add(append(append(cells, r.Apart.cells()...), r.Client)...)
				}
			}
		},
	},
	{
		"organizations_by_year",
		"the ecosystem's organizations by calendar year, half-year and quarter; merged columns: contractors as part of their client",
		[]string{
			"period", "partial", "organization", "class", "commits", "added", "removed", "changed", "contributors", "client",
			"commits_share_low", "commits_share_high", "changed_share_low", "changed_share_high",
			"merged_commits", "merged_changed", "merged_commits_share_low", "merged_commits_share_high",
		},
		func(m *Model, add func(...any)) {
			for i := range m.Series {
				f := &m.Series[i]
				for j := range f.Organizations {
					r := &f.Organizations[j]
					cells := append([]any{f.Period.Name, f.Period.Partial, r.Name, r.Class}, r.Apart.cells()...)
					cells = append(append(cells, r.Client), r.Apart.CommitsShare.bounds()...)
					cells = append(cells, r.Apart.ChangedShare.bounds()...)
					merged := r.merged()
					if merged == nil {
						merged = new(Part)
					}
					add(append(append(cells, merged.Commits, merged.Changed), merged.CommitsShare.bounds()...)...)
				}
			}
		},
	},
	{
		"growth",
		"every repository by month from its first to the as-of day: lines added and removed along first parents (not the log's: rows of the log are in activity), so net = added - removed, and lines = the month before's lines + net; what stands before the first valid date is in period \"invalid date\"",
		[]string{"period", "repository", "class", "added", "removed", "net", "lines"},
		func(m *Model, add func(...any)) {
			for _, g := range m.growth {
				add(g.Period, g.Repository, g.Class, g.Added, g.Removed, int64(g.Added-g.Removed), g.Lines)
			}
		},
	},
	{
		"reconciliation",
		"from the log to growth, in lines (added - removed), by scope and window: growth is the sum of all terms before it (no row where a range has no snapshots); imported is the part of growth by bulk imports and duplicates",
		[]string{
			"scope_kind", "scope", "window", "counted", "bulk", "bots", "duplicates", "dated_elsewhere",
			"merge_content_and_parallel_duplicates", "binary_flips", "submodule_links", "unreadable", "growth", "imported",
		},
		func(m *Model, add func(...any)) {
			for i := range m.Figures {
				f := &m.Figures[i]
				r := f.Reconciliation
				if r == nil {
					continue
				}
				add(f.Scope.Kind, f.Scope.Name, f.Period.Name, r.Counted, r.Bulk, r.Bots, r.Duplicates, r.Elsewhere,
					r.Merges, r.Flips, r.Submodules, r.Unreadable, r.Growth, r.Imported)
			}
		},
	},
	{
		"repositories",
		"every repository of the ecosystem, all time; problem says why one was not read",
		[]string{
			"repository", "class", "subsystem", "url", "branch", "commit", "problem", "commits", "bulk", "bots", "agents", "merges", "duplicates",
			"invalid_date", "incomplete", "added", "removed", "coverage", "contributors", "lines", "files", "unreadable",
		},
		func(m *Model, add func(...any)) {
			figures := map[string]*Figures{}
			for i := range m.Figures {
				if f := &m.Figures[i]; f.Scope.Kind == measure.ScopeRepository && f.Period.Name == measure.AllTime {
					figures[f.Scope.Name] = f
				}
			}
			for i := range m.Repositories {
				r := &m.Repositories[i]
				cells := []any{r.Key, r.Class, r.Subsystem, r.URL, r.Branch, r.Commit, r.Problem}
				if f := figures[r.Key]; f != nil {
					c := &f.Commits
					cells = append(cells, c.Value, c.Bulk, c.Bots, c.Agents, f.Merges, f.Duplicates.Commits, c.Undated, f.Incomplete,
						f.Added.Value, f.Removed.Value, c.Coverage, f.Contributors.Persons, f.Lines.Value, f.Lines.Files, f.Lines.Unreadable)
				} else {
					cells = append(cells, make([]any, 15)...)
				}
				add(cells...)
			}
		},
	},
	{
		"contributors",
		"people by scope, window and calendar period: as persons after joins, addresses, names, and pairs of both; cumulative: since the start; calendar periods of months for the ecosystem and classes, quarters also for subsystems, years for all",
		[]string{
			"scope_kind", "scope", "period_kind", "period", "partial", "persons", "addresses", "names", "pairs", "once", "ten_or_more", "bulk_only", "new",
			"cumulative_persons", "cumulative_addresses", "cumulative_names", "cumulative_pairs",
		},
		func(m *Model, add func(...any)) {
			m.each(func(f *Figures) {
				c := &f.Contributors
				add(f.Scope.Kind, f.Scope.Name, f.Period.Kind, f.Period.Name, f.Period.Partial, c.Persons, c.Addresses, c.Names, c.Pairs,
					c.Once, c.TenOrMore, c.BulkOnly, c.New, c.Ever.Persons, c.Ever.Addresses, c.Ever.Names, c.Ever.Pairs)
			})
		},
	},
	{
		"activity",
		"commits and lines of the log by scope, window and calendar period (author dates), and growth of the snapshots (along first parents)",
		[]string{
			"scope_kind", "scope", "period_kind", "period", "partial", "commits", "added", "removed", "changed", "known_commits", "known_changed", "coverage",
			"bulk_commits", "bulk_added", "bulk_removed", "bot_commits", "agent_commits", "merges", "duplicates", "invalid_date", "growth", "lines", "known_changed_here", "changed_here",
		},
		func(m *Model, add func(...any)) {
			m.each(func(f *Figures) {
				growth, lines := any(f.Growth.Value), any(f.Lines.Value)
				if f.Lines.Undefined > 0 {
					growth, lines = nil, nil
				}
				add(f.Scope.Kind, f.Scope.Name, f.Period.Kind, f.Period.Name, f.Period.Partial,
					f.Commits.Value, f.Added.Value, f.Removed.Value, f.Changed.Value, f.Commits.Known, f.Changed.Known, f.Commits.Coverage,
					f.Commits.Bulk, f.Added.Bulk, f.Removed.Bulk, f.Commits.Bots, f.Commits.Agents, f.Merges, f.Duplicates.Commits, f.Commits.Undated,
					growth, lines, f.ChangedHere.Known, f.ChangedHere.Value)
			})
		},
	},
	{
		"indices",
		"concentration with worst-case bounds by scope and window, and by year and quarter of the ecosystem; with bulk imports too for windows of the ecosystem and its classes",
		[]string{
			"scope_kind", "scope", "period_kind", "period", "metric", "of", "contractors", "bulk", "low", "high", "of_known", "coverage",
		},
		func(m *Model, add func(...any)) {
			m.each(func(f *Figures) {
				for _, i := range f.Indices {
					add(f.Scope.Kind, f.Scope.Name, f.Period.Kind, f.Period.Name, i.Metric, i.Of, i.Contractors, i.Bulk,
						i.Low, i.High, i.OfKnown, i.Coverage)
				}
			})
		},
	},
	{
		"factors",
		"how few organizations (elephant factor) or persons (absence factor) hold most of the commits, by everybody's rules on the same facts: value over what is known, 0 if the threshold is never reached; low and high: worst-case bounds, where the rules leave the unknown open",
		[]string{"period", "metric", "rules", "threshold", "value", "low", "high"},
		func(m *Model, add func(...any)) {
			for _, f := range m.Factors {
				low, high := any(f.Low), any(f.High)
				if f.High == 0 {
					low, high = nil, nil
				}
				add(f.Period, f.Metric, f.Rules, f.Threshold, f.Value, low, high)
			}
		},
	},
	{
		"accounting",
		"the ecosystem by window as the rules of others count it, if that was asked for: a row for the total, each organization, the unknown, and each person; shares: of all or of the known, as the rules have it",
		[]string{"window", "rules", "kind", "name", "commits", "added", "removed", "changed", "persons", "commits_share", "changed_share"},
		func(m *Model, add func(...any)) {
			if m.Accounting == nil {
				return
			}
			for i := range m.Accounting.Accounts {
				a := &m.Accounting.Accounts[i]
				add(a.Window, m.Accounting.Name, "total", "", a.Commits, a.Added, a.Removed, a.Changed, a.Persons, nil, nil)
				for _, r := range a.Organizations {
					add(a.Window, m.Accounting.Name, "organization", r.Name, r.Commits, r.Added, r.Removed, r.Changed, r.Persons, r.CommitsShare, r.ChangedShare)
				}
				for _, r := range a.people {
					add(a.Window, m.Accounting.Name, "person", r.Name, r.Commits, r.Added, r.Removed, r.Changed, nil, r.CommitsShare, r.ChangedShare)
				}
			}
		},
	},
	{
		"people",
		"every contributor of the ecosystem by window, under a pseudonym; organization: that most of the commits were for; bulk imports beside the rest; name: only on request",
		[]string{"window", "person", "name", "organization", "class", "commits", "added", "removed", "changed", "bulk_commits", "bulk_added"},
		func(m *Model, add func(...any)) {
			for i := range m.people {
				for j := range m.people[i].rows {
					p := &m.people[i].rows[j]
					add(m.people[i].window, p.Pseudonym, p.Name, p.Organization, p.Class, p.Commits, p.Added, p.Removed, p.Changed, p.Bulk.Commits, p.Bulk.Added)
				}
			}
		},
	},
	{
		"bulk",
		"every bulk import with the reason why it is one and what speaks for it; commits: 1, or those of a history of somebody else, whose newest commit stands here and which has no person; date: the author's, empty if invalid",
		[]string{
			"repository", "commit", "commits", "date", "person", "organization", "class", "reason", "evidence", "added", "removed", "in_new_files", "files",
		},
		func(m *Model, add func(...any)) {
			for _, b := range m.Bulk {
				add(b.Repository, b.Commit, b.Commits, b.Date, b.Person, b.Organization, b.Class, b.Reason, b.Evidence, b.Added, b.Removed, b.InNewFiles, b.Files)
			}
		},
	},
	{
		"skips",
		"everything that could not be measured; rows: changes whose lines are in no sum for it",
		[]string{"repository", "reason", "object", "commit", "path", "rows", "detail"},
		func(m *Model, add func(...any)) {
			for _, s := range m.Skips {
				add(s.Repository, s.Reason, s.Object, s.Commit, s.Path, s.Rows, s.Detail)
			}
		},
	},
}, slices.Concat(readingTables, survivingTables, waterfallTables, censusTables, controlTables, opennessTables, networkTables)...)

// each visits all figures of windows and series.
func (m *Model) each(visit func(*Figures)) {
	for i := range m.Figures {
		visit(&m.Figures[i])
	}
	for i := range m.Series {
		visit(&m.Series[i])
	}
}

func (p *Part) cells() []any { return []any{p.Commits, p.Added, p.Removed, p.Changed, p.Contributors} }

func (s *Share) cells() []any {
	if s == nil {
		return []any{"", "", ""}
	}
	return []any{s.Low, s.High, s.OfKnown}
}

// Write writes the table with its header.
func (t *Table) Write(w io.Writer, m *Model) error {
	out := csv.NewWriter(w)
	err := out.Write(t.Columns)
	record := make([]string, len(t.Columns))
	t.rows(m, func(cells ...any) {
		if err != nil {
			return
		}
		if len(cells) != len(record) {
			err = fmt.Errorf("a row of %d cells in %d columns", len(cells), len(record))
			return
		}
		for i, c := range cells {
			record[i] = cell(c)
		}
		err = out.Write(record)
	})
	out.Flush()
	if err == nil {
		err = out.Error()
	}
	if err != nil {
		return fmt.Errorf("writing table %s: %w", t.Name, err)
	}
	return nil
}

func cell(c any) string {
	switch c := c.(type) {
	case string:
		return Cell(c)
	case float64:
		return strconv.FormatFloat(c, 'f', -1, 64)
	case *float64:
		if c == nil {
			return ""
		}
		return strconv.FormatFloat(*c, 'f', -1, 64)
	case int:
		return strconv.Itoa(c)
	case int64:
		return strconv.FormatInt(c, 10)
	case uint64:
		return strconv.FormatUint(c, 10)
	case nil:
		return ""
	}
	return fmt.Sprint(c) // other whole numbers and booleans
}

// WriteTables writes every table as a file NAME.csv of dir, which must exist. A file appears complete or not at all.
func WriteTables(dir string, m *Model) error {
	for i := range Tables {
		if err := writeFile(filepath.Join(dir, Tables[i].Name+".csv"), func(w io.Writer) error { return Tables[i].Write(w, m) }); err != nil {
			return err
		}
	}
	return nil
}

// writeFile writes a file beside its place and moves it there.
func writeFile(name string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	defer func() {
		if err != nil {
			// The first error is the one that counts; closing twice does no harm.
			_ = f.Close()
			_ = os.Remove(f.Name())
			err = fmt.Errorf("writing %s: %w", name, err)
		}
	}()
	out := bufio.NewWriter(f)
	if err = write(out); err == nil {
		err = out.Flush()
	}
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Close()
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	return err
}
