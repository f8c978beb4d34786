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
	said, err := claims.Read(filepath.Join(sample, "claims.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := page.Write(&text, out.Model, page.Options{Findings: claims.Check(out.Model, said)}); err != nil {
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
	answers := map[string][]string{}
	for _, c := range slices.Sorted(maps.Keys(commands)) {
		lines, err := x.Explain(c)
		if err != nil || len(lines) == 0 {
			t.Errorf("%s: %v, %v", c, lines, err)
		}
		answers[c] = lines
	}
	held := holding{answers: answers, removed: map[string]report.Exposed{}}
	for _, m := range regexp.MustCompile(`<code>orrery remove (?:&#39;)?([^&<]*?)(?:&#39;)? ecosystem.yaml</code>`).FindAllStringSubmatch(text.String(), -1) {
		if _, done := held.removed[m[1]]; !done {
			removals, _, err := Remove(context.Background(), opts, []string{m[1]}, 0)
			if err != nil {
				t.Fatal(err)
			}
			held.removed[m[1]] = removals.Cases[0].Lines
		}
	}
	held.page(t, text.String())
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

// holding holds the figures of a page against what its commands of evidence answer.
type holding struct {
	answers map[string][]string       // of orrery explain
	removed map[string]report.Exposed // of orrery remove, in lines
}

var (
	sectionOf = regexp.MustCompile(`(?s)<section id="(\w+)".*?</section>`)
	cardOf    = regexp.MustCompile(`(?s)<li class="card".*?</li>`)
	figureOf  = regexp.MustCompile(`(?s)<figure.*?</figure>`)
	tableOf   = regexp.MustCompile(`(?s)<table class="data" id="([^"]+)">.*?</table>`)
	rowOf     = regexp.MustCompile(`(?s)<tr>.*?</tr>`)
	valueOf   = regexp.MustCompile(`data-v="([^"]+)"`)
	shownOf   = regexp.MustCompile(`<b>([^<]*)</b>`)
	wholeOf   = regexp.MustCompile(`<dt>Of</dt><dd>[^<]*?([0-9][0-9,]*)`)
	commandOf = regexp.MustCompile(`(?s)([^<>]*)<code>orrery (explain|remove) (?:&#39;)?(.*?)(?:&#39;)? ecosystem.yaml[^<]*</code>`)
	answerOf  = regexp.MustCompile(`^\S.*? = (-?[0-9.]+)`)
	numberOf  = regexp.MustCompile(`-?[0-9][0-9,]*(?:\.[0-9]+)?`)
)

// values gives what a command answers: a number, of control:ORGANIZATION:all the lower bound of each share, and of a removal the share of lines.
func (h holding) values(t *testing.T, verb, what string) (list []float64) {
	if verb == "remove" {
		x, ok := h.removed[what]
		if !ok || x.Share == nil {
			t.Errorf("%s was not removed", what)
			return nil
		}
		return []float64{x.Share.Low}
	}
	all := strings.HasPrefix(what, "control:") && strings.HasSuffix(what, "all")
	for i, line := range h.answers[what] {
		m := answerOf.FindStringSubmatch(line)
		if m == nil || !all && i > 0 || all && !strings.Contains(line, "_share_low = ") {
			continue
		}
		v, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Errorf("%s: %q: %v", what, line, err)
		}
		list = append(list, v)
	}
	if len(list) == 0 && !all {
		t.Errorf("%s tells no number: %q", what, h.answers[what])
	}
	return list
}

func isNear(x, y, within float64) bool { return math.Abs(x-y) <= within }

// among says whether a number stands in a row, as it is or as a share of another one.
func among(v float64, row []float64) bool {
	return slices.ContainsFunc(row, func(x float64) bool {
		return isNear(x, v, 1e-9) || x >= 1 && v < x && slices.ContainsFunc(row, func(y float64) bool { return y <= 1 && isNear(v/x, y, 1e-6) })
	})
}

func (h holding) page(t *testing.T, text string) {
	t.Helper()
	number := func(s string) float64 {
		v, err := strconv.ParseFloat(strings.ReplaceAll(s, ",", ""), 64)
		if err != nil {
			t.Errorf("%q: %v", s, err)
		}
		return v
	}
	rows, cards, figures := 0, 0, 0
	for _, section := range sectionOf.FindAllStringSubmatch(text, -1) {
		id := section[1]
		var all [][]float64
		for _, one := range tableOf.FindAllStringSubmatch(section[0], -1) {
			for _, r := range rowOf.FindAllString(one[0], -1) {
				var row []float64
				for _, m := range valueOf.FindAllStringSubmatch(r, -1) {
					row = append(row, number(m[1]))
				}
				all = append(all, row)
				commands := commandOf.FindAllStringSubmatch(r, -1)
				sum := 0.0
				for _, c := range commands {
					what := html.UnescapeString(c[3])
					for _, v := range h.values(t, c[2], what) {
						rows++
						switch {
						case id == "claims": // all commands together make the figure
							if strings.Contains(r, " (%)") {
								v *= 100
							}
							if before := html.UnescapeString(c[1]); strings.Contains(before, "−") {
								v = -v
								if whole, _, ok := strings.Cut(before, "%"); ok {
									v += number(strings.TrimSpace(whole))
								}
							}
							sum += v
						case strings.HasPrefix(one[1], "heat-"): // the largest share of the row's organizations
							if want := slices.Max(row[1 : len(row)-2]); !isNear(v/row[0], want, 1e-6) {
								t.Errorf("%s: %s gives %g of %g, not %g", one[1], what, v, row[0], want)
							}
						case !among(v, row):
							t.Errorf("%s: %s gives %g, which is not in its row %v", one[1], what, v, row)
						}
					}
				}
				if id == "claims" && len(commands) > 0 && !isNear(sum, row[0], 1e-3) {
					t.Errorf("the commands of %v give %g: %s", row, sum, html.UnescapeString(r))
				}
			}
		}
		for _, one := range cardOf.FindAllString(section[0], -1) {
			shown := strings.ReplaceAll(html.UnescapeString(shownOf.FindStringSubmatch(one)[1]), "\u2060", "")
			numbers := numberOf.FindAllString(shown, -1)
			if len(numbers) == 0 {
				continue // a dash
			}
			low, high := number(numbers[0]), number(numbers[len(numbers)-1])
			for _, c := range commandOf.FindAllStringSubmatch(one, -1) {
				what := html.UnescapeString(c[3])
				cards++
				for _, v := range h.values(t, c[2], what) {
					whole := 0.0
					if m := wholeOf.FindStringSubmatch(one); m != nil {
						whole = number(m[1])
					}
					ok := math.Round(v) == low
					switch {
					case c[2] == "remove":
						ok = isNear(100*v, low, 0.05+1e-9) && isNear(100*h.removed[what].Share.High, high, 0.05+1e-9) && whole == float64(h.removed[what].Whole)
					case id == "openness": // an interval about the share
						ok = low <= 100*v/whole+0.05 && 100*v/whole <= high+0.05
					case strings.Contains(shown, "%"):
						ok = isNear(100*v/whole, low, 0.05+1e-9)
					case strings.Contains(shown, "k"):
						ok = isNear(v/1000, low, 0.05+1e-9)
					}
					if !ok {
						t.Errorf("%s: a card says %s of %g, and %s gives %g", id, shown, whole, what, v)
					}
				}
			}
		}
		for _, one := range figureOf.FindAllString(section[0], -1) {
			for _, c := range commandOf.FindAllStringSubmatch(one, -1) {
				figures++
				for _, v := range h.values(t, c[2], html.UnescapeString(c[3])) {
					if !slices.ContainsFunc(all, func(row []float64) bool { return among(v, row) }) {
						whole := 0.0
						if m := wholeOf.FindStringSubmatch(one); m != nil {
							whole = number(m[1])
						}
						if !slices.ContainsFunc(all, func(row []float64) bool {
							return slices.ContainsFunc(row, func(x float64) bool { return isNear(v/whole, x, 1e-6) })
						}) {
							t.Errorf("%s: %s of a picture gives %g, which no table beside it has", id, html.UnescapeString(c[3]), v)
						}
					}
				}
			}
		}
	}
	if rows < 200 || cards < 25 || figures < 10 {
		t.Errorf("only %d rows, %d cards and %d pictures were held against their commands", rows, cards, figures)
	}
}
