package analyzer

import (
	"context"
	"encoding/csv"
	"fmt"
	"html"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"orrery/analyzer/claims"
	"orrery/analyzer/measure"
	"orrery/analyzer/people"
	"orrery/analyzer/report"
	"orrery/analyzer/report/page"
	"orrery/analyzer/source"
)

// Every cell of the sample's tables that can be explained is the sum of its reasons.
func TestCells(t *testing.T) {
	opts := Options{
		Sources: []string{filepath.Join("..", "fixtures", "sample", "ecosystem.yaml")}, Source: source.Options{Offline: true, MirrorsDir: t.TempDir()},
		PseudonymKey: []byte("a key of this test"), CoAuthors: people.CoAuthorsEach,
	}
	out, err := Run(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := report.WriteTables(dir, out.Model); err != nil {
		t.Fatal(err)
	}
	x, _, err := Explain(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	explained := 0
	for table, columns := range cellTables {
		f, err := os.Open(filepath.Join(dir, table+".csv"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		rows, err := csv.NewReader(f).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for n, row := range rows[1:] {
			if n%17 != 0 && n > 6 {
				continue
			}
			keys := map[string]string{}
			for _, k := range columns {
				keys[k] = row[slices.Index(rows[0], k)]
			}
			for i, column := range rows[0] {
				want, err := strconv.ParseUint(row[i], 10, 64)
				if err != nil || slices.Contains(columns, column) {
					continue
				}
				if _, err := x.cell(table, keys, column); err != nil {
					continue // no sum of commits
				}
				got, lines, err := x.explainCell(table, keys, column)
				if err != nil || got != float64(want) {
					t.Errorf("%s %v %s: %g, want %d, %v\n%s", table, keys, column, got, want, err, strings.Join(lines, "\n"))
				}
				explained++
			}
		}
	}
	if explained < 300 {
		t.Errorf("only %d cells could be explained", explained)
	}
}

func TestCutCell(t *testing.T) {
	for what, want := range map[string]string{
		"tables/organizations.csv:Astra:commits":        "organizations all time Astra commits",
		"organizations:year 2023:Astra:merged_commits":  "organizations year 2023 Astra merged_commits",
		"organizations_by_year.csv:2024-Q1:Astra:added": "organizations_by_year  Astra added",
		"Astra":          "",
		"Astra: the one": "",
	} {
		table, keys, column, err := cutCell(what)
		got := ""
		if table != "" {
			got = strings.Join([]string{table, keys["window"], keys["organization"], column}, " ")
		}
		if err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", what, got, err, want)
		}
	}
	for _, what := range []string{"skips.csv:x:rows", "organizations.csv:commits", "organizations.csv:a:b:c:d"} {
		if _, _, _, err := cutCell(what); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

// Every figure that check prints of the sample can be followed to what it is the sum of, with a history of the list and without.
func TestFiguresOfAClaimCanBeFollowed(t *testing.T) {
	sample := filepath.Join("..", "fixtures", "sample")
	list, err := claims.Read(filepath.Join("testdata", "claims.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{filepath.Join(sample, "ecosystem.yaml"), "manifest:" + filepath.Join(sample, "manifest.git")} {
		opts := Options{
			Sources: []string{from}, Source: source.Options{Offline: true, MirrorsDir: sample}, PseudonymKey: []byte("a key of this test"), Windows: claims.Windows(list),
		}
		out, err := Run(context.Background(), opts)
		if err != nil {
			t.Fatal(err)
		}
		opts.Windows, opts.Owners = nil, true // a period that is spelled out needs no window
		x, _, err := Explain(context.Background(), opts)
		if err != nil {
			t.Fatal(err)
		}
		followed := map[string]int{}
		add := func(plus float64, cells []claims.Cell, want float64, what string) {
			got := plus
			for _, c := range cells {
				table, keys, column, err := cutCell(c.Cell)
				if err != nil || table == "" {
					t.Fatalf("%s: %s is no cell: %v", what, c.Cell, err)
				}
				value, lines, err := x.explainCell(table, keys, column)
				if err != nil {
					t.Fatalf("%s: %s: %v", what, c.Cell, err)
				}
				if value != 0 && len(lines) < 2 {
					t.Errorf("%s: %s leads nowhere: %s", what, c.Cell, lines)
				}
				got += c.Times * value
			}
			if len(cells) == 0 || math.Abs(got-want) > 1e-9*max(1, math.Abs(want)) {
				t.Errorf("%s: %v make %g, want %g", what, cells, got, want)
			}
		}
		for i := range claims.Check(out.Model, list).Claims {
			one := &claims.Check(out.Model, list).Claims[i]
			for _, f := range one.Figures {
				what := fmt.Sprintf("%s, %q, %s %s %s", from, one.Claim.Text, f.Definition, f.Unit, f.Reading)
				add(f.Plus, f.From, f.Value, what)
				if f.High != nil {
					add(f.Plus, f.HighFrom, *f.High, what)
				}
				followed[one.Claim.Quantity]++
			}
		}
		for _, quantity := range []string{claims.Lines, claims.Growth, claims.Contributors, claims.Commits, claims.Share} {
			if followed[quantity] == 0 && (quantity != claims.Share || !strings.HasPrefix(from, "manifest:")) { // which knows no organizations
				t.Errorf("%s: no figure of %s was followed", from, quantity)
			}
		}
		if strings.HasPrefix(from, "manifest:") && followed[claims.Repositories] == 0 {
			t.Errorf("%s: no number of repositories was followed", from)
		}
	}
}

// The waterfalls that growth prints lead to repositories, and those of a repository to commits, that make them.
func TestGrowthCanBeFollowed(t *testing.T) {
	sample := filepath.Join("..", "fixtures", "sample")
	opts := Options{
		Sources: []string{"manifest:" + filepath.Join(sample, "manifest.git")}, Source: source.Options{Offline: true, MirrorsDir: sample}, PseudonymKey: []byte("a key of this test"),
		Windows: []measure.Window{{Name: "2022-01-01 to 2022-07-01", From: 1640995200, To: 1656633600}},
	}
	out, err := Run(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	opts.Owners = true
	x, _, err := Explain(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := report.WriteTables(dir, out.Model); err != nil {
		t.Fatal(err)
	}
	for table, least := range map[string]int{"waterfall": 400, "waterfall_parts": 100, "waterfall_reconciliation": 200, "census": 100} {
		file, err := os.Open(filepath.Join(dir, table+".csv"))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(file).ReadAll()
		file.Close()
		if err != nil {
			t.Fatal(err)
		}
		at := func(row []string, column string) string { return row[slices.Index(rows[0], column)] }
		followed := 0
		for n, row := range rows[1:] {
			keys := map[string]string{}
			for _, k := range trailTables[table] {
				keys[k] = at(row, k)
			}
			if n%7 != 0 && at(row, "period") != "2022-01-01 to 2022-07-01" && (at(row, "period") != "2022" || table == "census") {
				continue
			}
			for i, column := range rows[0] {
				want, err := strconv.ParseInt(row[i], 10, 64)
				if err != nil || slices.Contains(trailTables[table], column) {
					continue
				}
				got, lines, err := x.explainCell(table, keys, column)
				if err != nil || got != float64(want) {
					t.Errorf("%s %v %s: %g, want %d, %v\n%s", table, keys, column, got, want, err, strings.Join(lines, "\n"))
				}
				followed++
			}
		}
		if followed < least {
			t.Errorf("only %d cells of %s were followed", followed, table)
		}
	}
}

// Every command that the page gives as evidence leads somewhere, and figures of surviving lines, indices, openness and control to the numbers that the
// tables have.
func TestCommandsOfThePage(t *testing.T) {
	sample := filepath.Join("..", "fixtures", "sample")
	opts := Options{Sources: []string{filepath.Join(sample, "ecosystem.yaml")}, Source: source.Options{Offline: true, MirrorsDir: sample}, PseudonymKey: []byte("a key of this test")}
	out, err := Run(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := page.Write(&text, out.Model, page.Options{}); err != nil {
		t.Fatal(err)
	}
	opts.Owners = true
	x, _, err := Explain(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	from := " ecosystem.yaml --as-of " + out.Model.AsOf
	commands := map[string]bool{}
	for _, m := range regexp.MustCompile(`<code>orrery explain &#39;(.*?)&#39;(.*?)</code>`).FindAllStringSubmatch(text.String(), -1) {
		if commands[html.UnescapeString(m[1])] = true; m[2] != from {
			t.Errorf("%s is asked of%s, not of%s", m[1], m[2], from)
		}
	}
	if len(commands) < 50 {
		t.Errorf("the page has %d commands of evidence", len(commands))
	}
	for _, c := range slices.Sorted(maps.Keys(commands)) {
		if lines, err := x.Explain(c); err != nil || len(lines) == 0 {
			t.Errorf("%s: %v, %v", c, lines, err)
		}
	}
	dir := t.TempDir()
	if err := report.WriteTables(dir, out.Model); err != nil {
		t.Fatal(err)
	}
	for _, of := range []struct {
		table   string
		columns []string
		stride  int
	}{
		{"surviving", []string{"lines", "lines_here", "merged_lines", "merged_lines_here", "bulk_lines"}, 3},
		{"indices", []string{"low", "high", "of_known"}, 23},
		{"openness", []string{"merged_proposals", "timed", "days_median", "newcomers", "watched", "returned", "later"}, 3},
		{"control", []string{"seats", "reviews_share_low", "reviews_share_high", "seats_share_low", "seats_share_high", "guarded_share_low", "guarded_share_high", "guarded"}, 1},
	} {
		file, err := os.Open(filepath.Join(dir, of.table+".csv"))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(file).ReadAll()
		file.Close()
		if err != nil {
			t.Fatal(err)
		}
		at := func(row []string, column string) string { return row[slices.Index(rows[0], column)] }
		followed := 0
		for n, row := range rows[1:] {
			if n%of.stride != 0 || strings.HasPrefix(at(row, rows[0][0]), "(") {
				continue
			}
			for _, column := range of.columns {
				want, err := strconv.ParseFloat(at(row, column), 64)
				if err != nil {
					continue // an empty cell
				}
				var got float64
				var lines []string
				if of.table == governanceTable {
					if at(row, "contractors") == "merged" {
						column = "merged_" + column
					}
					got, lines, err = x.held(at(row, "organization"), column)
					got = math.Round(got*1e6) / 1e6
					if strings.HasSuffix(column, "guarded") {
						got = math.Round(got)
					}
				} else {
					keys := map[string]string{}
					for _, k := range figureTables[of.table] {
						keys[k] = at(row, k)
					}
					got, lines, err = x.explainCell(of.table, keys, column)
				}
				if err != nil || got != want {
					t.Errorf("%s %v %s: %g, want %g, %v\n%s", of.table, row, column, got, want, err, strings.Join(lines, "\n"))
				}
				followed++
			}
		}
		if followed < 20 {
			t.Errorf("only %d cells of %s were followed", followed, of.table)
		}
	}
}
