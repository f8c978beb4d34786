package analyzer

import (
	"context"
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"orrery/analyzer/people"
	"orrery/analyzer/report"
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
				if err != nil || got != want {
					t.Errorf("%s %v %s: %d, want %d, %v\n%s", table, keys, column, got, want, err, strings.Join(lines, "\n"))
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
