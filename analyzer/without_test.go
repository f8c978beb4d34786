package analyzer

import (
	"context"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"orrery/analyzer/facts"
	"orrery/analyzer/measure"
	"orrery/analyzer/people"
	"orrery/analyzer/report"
	"orrery/analyzer/source"
)

// statements has one statement a line, so that a line can be taken out of it.
const statements = `organizations:
  - name: Astra
    kind: company
    country: CN
    domains: [astra.example]
  - name: Suppliers of Astra
    kind: contractor
    client: Astra
    domains: [astra-partners.example]
  - name: Borealis
    kind: company
    country: SE
    domains: [borealis.example]
  - name: Cirrus
    kind: company
    domains: [cirrus.example]
  - name: Meridian University
    kind: university
    domains: [meridian.example]
personal:
  - {domains: [nomail.example], source: invented}
  - {domains: [freemail.example], source: invented}
misspellings:
  - {domain: astra.example, misspelled: [astar.example], source: invented}
  - {domain: astra.example, misspelled: [arsta.example], source: invented}
machines:
  - {class: bot, address: nobody@cyclops-ai.example, source: invented}
  - {class: agent, address: agent@cyclops-ai.example, source: invented}
people:
  - {addresses: [nobody@nowhere.example], organization: Cirrus, source: invented}
  - {name: Jonas Weber, addresses: [jw1987@freemail.example], organization: Borealis, from: 2022-01-01, to: 2023-07-01, source: invented}
same:
  - [nobody@nowhere.example, nobody@elsewhere.example]
  - [%s, %s]
`

// tableRows are the cells of a folder of tables: by table, then by the values of the columns that find a row.
type tableRows map[string]map[string]map[string]string

func readRows(t *testing.T, dir string) tableRows {
	t.Helper()
	out := tableRows{}
	for _, list := range []map[string][]string{cellTables, trailTables, figureTables, {governanceTable: {"organization"}}} {
		for table, columns := range list {
			file, err := os.Open(filepath.Join(dir, table+".csv"))
			if err != nil {
				t.Fatal(err)
			}
			all, err := csv.NewReader(file).ReadAll()
			file.Close()
			if err != nil {
				t.Fatal(err)
			}
			out[table] = map[string]map[string]string{}
			for _, row := range all[1:] {
				cells := map[string]string{}
				for i, column := range all[0] {
					cells[column] = row[i]
				}
				key := ""
				for _, c := range columns {
					key += cells[c] + "\n"
				}
				if table == governanceTable {
					key += cells["contractors"]
				}
				out[table][key] = cells
			}
		}
	}
	return out
}

// value gives what a table has for a cell.
func (r tableRows) value(table string, keys map[string]string, column string) (value float64, ok bool) {
	columns := slices.Concat(cellTables[table], trailTables[table], figureTables[table])
	key := ""
	for _, c := range columns {
		key += keys[c] + "\n"
	}
	if table == governanceTable {
		column = strings.TrimPrefix(column, "merged_")
		key = keys["organization"] + "\napart"
	}
	row, ok := r[table][key]
	if !ok {
		return 0, false
	}
	value, err := strconv.ParseFloat(row[column], 64)
	return value, err == nil
}

// What explain foretells of a cell without a statement or rule is what a run gives without it: the line is really taken out of the file.
func TestCellsWithoutStatements(t *testing.T) {
	sample, err := filepath.Abs(filepath.Join("..", "fixtures", "sample"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	t.Chdir(dir)
	options := func(rules ...string) Options {
		return Options{
			Sources: []string{"ecosystem.yaml"}, Source: source.Options{Offline: true, MirrorsDir: sample}, PseudonymKey: []byte("a key of this test"), Rules: rules,
			Windows: []measure.Window{{Name: "the middle", From: 1640995200, To: 1704067200}},
		}
	}
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ecosystem := fmt.Sprintf("name: Helianthus\nsources: [%q, %q, %q]\nclasses: {third-party: [\"third_party_*\"]}\norganizations: [people.yaml]\nbots: [helianthus-ci]\n", filepath.Join(sample, "kernel.git"), filepath.Join(sample, "net.git"), filepath.Join(sample, "community.git"))
	write("people.yaml", fmt.Sprintf(statements, "a@nobody.example", "b@nobody.example"))
	write("ecosystem.yaml", ecosystem)
	x, _, err := Explain(context.Background(), options())
	if err != nil {
		t.Fatal(err)
	}
	// Two people are stated to be one, and a commit to be an import.
	var two []string
	var large facts.ID
	for _, r := range x.Repositories {
		lines := uint32(0)
		for i := range r.Commits {
			c := &r.Commits[i]
			added := uint32(0)
			for _, change := range r.Changes[c.Changes.Lo:c.Changes.Hi] {
				added += change.Added
			}
			if author := r.Signatures[c.Author].Email; r.Key == "net" && !c.IsMerge() && strings.Contains(author, "@cirrus.") && added > lines {
				lines, large = added, c.ID
			}
			if author := r.Signatures[c.Author].Email; !slices.Contains(two, author) && len(two) < 2 && strings.Contains(author, "@borealis.") {
				two = append(two, author)
			}
		}
	}
	if len(two) < 2 || large.IsZero() {
		t.Fatalf("the sample has not what is needed: %d people, commit %s", len(two), large)
	}
	files := map[string]string{
		"people.yaml":    fmt.Sprintf(statements, two[0], two[1]),
		"ecosystem.yaml": ecosystem + fmt.Sprintf("bulk:\n  - {commit: \"1234567\", is: work, reason: invented}\n  - {commit: %q, is: import, reason: invented}\n", large.String()),
	}
	for name, text := range files {
		write(name, text)
	}
	measured := map[string]tableRows{}
	run := func(what string) tableRows {
		if r, ok := measured[what]; ok {
			return r
		}
		opts := options()
		if rule, ok := strings.CutPrefix(what, "rule "); ok {
			opts = options("-" + rule)
		} else if file, at, ok := strings.Cut(what, ":"); ok {
			line, err := strconv.Atoi(at)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(files[file], "\n")
			lines[line-1] = ""
			write(file, strings.Join(lines, "\n"))
			defer write(file, files[file])
		}
		out, err := Run(context.Background(), opts)
		if err != nil {
			t.Fatalf("without %s: %v", what, err)
		}
		tables := t.TempDir()
		if err := report.WriteTables(tables, out.Model); err != nil {
			t.Fatal(err)
		}
		measured[what] = readRows(t, tables)
		return measured[what]
	}
	opts := options()
	opts.Owners = true
	if x, _, err = Explain(context.Background(), opts); err != nil {
		t.Fatal(err)
	}
	pseudonym := ""
	for i := range x.Resolution.Persons {
		for _, j := range x.Resolution.Joins {
			if x.Resolution.Evidence[j.Evidence].Rule == people.RuleStated && int(x.Resolution.Person[j.From.Repository][j.From.Signature]) == i {
				pseudonym = x.Resolution.Persons[i].Pseudonym
			}
		}
	}
	foretold := regexp.MustCompile(`^  without (.+): (nothing would change|there would be no such row|it would be (-?[0-9.]+))$`)
	told, moved := map[string]int{}, map[string]int{}
	for _, cell := range []string{
		"organizations:all time:Astra:commits", "organizations:all time:Borealis:commits_share_high", "organizations:all time:Borealis:contributors",
		"organizations:all time:Cirrus:bulk_commits", "organizations_by_year:2022:Borealis:commits", "organizations_by_scope:repository:net:the middle:Cirrus:changed",
		"activity:ecosystem::2023:agent_commits", "activity:ecosystem::all time:known_commits", "activity:ecosystem::2023:growth", "repositories:net:bulk", "readings:2022-H1:merged:others:commits", "readings:2022-H1:merged:own:commits",
		"people:all time:" + pseudonym + ":commits",
		"census:2023:authors:persons", "census:all time:authors:persons", "census:all time:authors:ever_addresses", "census:2024:authors:once_persons", "census:all time:reviewers:persons",
		"census:all time:authors_without_imports:persons",
		"waterfall:ecosystem::2022:written", "waterfall:repository:net:all time:imported", "waterfall:repository:net:all time:written", "waterfall:ecosystem::2022:log_commits",
		"waterfall_parts:ecosystem::2023:organization:Borealis:growth", "waterfall_parts:ecosystem::all time:organization:Cirrus:written",
		"waterfall_parts:ecosystem::2023:path class:own:growth", "waterfall_reconciliation:ecosystem::all time:counted", "waterfall_reconciliation:ecosystem::all time:bots",
		"surviving:ecosystem::last calendar year:Borealis:lines", "surviving:repository:kernel:all time:Astra:merged_lines_here", "surviving:ecosystem::all time:Cirrus:bulk_lines",
		"indices:ecosystem::all time:hhi:commits:merged:without:high", "indices:ecosystem::the middle:elephant_factor:changed:apart:with:low",
		"indices:ecosystem::all time:contributor_absence_factor:commits::without:low",
		"openness:all time:others::newcomers", "openness:all time:others:Borealis:newcomers", "openness:all time:own::returned",
		"control:Borealis:seats", "control:Astra:seats_share_high", "control:Borealis:guarded", "control:Astra:reviews_share_low", "control:Astra:reviews",
	} {
		table, keys, column, err := cutCell(cell)
		if err != nil {
			t.Errorf("%s: %v", cell, err)
			continue
		}
		before, ok := run("").value(table, keys, column)
		if !ok {
			t.Errorf("%s: the tables have no such cell", cell)
			continue
		}
		lines, err := x.Explain(cell)
		if err != nil {
			t.Errorf("%s: %v", cell, err)
			continue
		}
		for _, line := range lines {
			m := foretold.FindStringSubmatch(line)
			if m == nil {
				if strings.HasPrefix(line, "  without") {
					t.Errorf("%s: %s", cell, line)
				}
				continue
			}
			told[table]++
			got, ok := run(m[1]).value(table, keys, column)
			want := before
			switch {
			case m[3] != "":
				want, err = strconv.ParseFloat(m[3], 64)
				moved[table]++
			case strings.HasPrefix(m[2], "there"):
				if ok {
					t.Errorf("%s: %s, but there is: %g", cell, line, got)
				}
				continue
			}
			if !ok && want != 0 || err != nil || math.Abs(got-want) > 1e-6 && (column != "guarded" || math.Abs(got-want) > 0.5) {
				t.Errorf("%s: %s, and a run without it gives %g (%v), %v", cell, line, got, ok, err)
			}
		}
	}
	for _, tables := range []map[string][]string{cellTables, trailTables, figureTables, {governanceTable: nil}} {
		for table := range tables {
			if told[table] == 0 || moved[table] == 0 && table != "waterfall_reconciliation" {
				t.Errorf("of table %s %d figures were foretold, %d of them others than there are", table, told[table], moved[table])
			}
		}
	}
	if len(measured) < 12 {
		t.Errorf("only %d statements and rules were taken out", len(measured))
	}
}
