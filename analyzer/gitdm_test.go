package analyzer

import (
	"bufio"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// gitdmReport is a report of gitdm, as U-Boot publishes them with every release.
type gitdmReport struct {
	// Changesets are the sum of a table, and the rest of the head is 0, in the two reports that have no head.
	Changesets, Developers, Employers, Added, Removed int
	Head                                              bool
	// Tables are by title, without a total behind it. Rows are by name, which is unique in a table but for a few misprints.
	Tables map[string][]gitdmRow
}

type gitdmRow struct {
	Name  string
	Count int
}

// The titles of the tables that are compared.
const (
	developersBySets   = "Developers with the most changesets"
	developersByLines  = "Developers with the most changed lines"
	employersBySets    = "Top changeset contributors by employer"
	employersByLines   = "Top lines changed by employer"
	employersBySignoff = "Employers with the most signoffs"
	employersByHackers = "Employers with the most hackers"
)

var (
	gitdmProcessed = regexp.MustCompile(`^\* Processed (\d+) changesets from (\d+) developers$`)
	gitdmEmployers = regexp.MustCompile(`^\* (\d+) employers found$`)
	gitdmLines     = regexp.MustCompile(`^\* A total of (\d+) lines added, (\d+) removed`)
	gitdmTitle     = regexp.MustCompile(`^\.\. table:: (.*?)(?: \(total \d+\))?$`)
	gitdmCount     = regexp.MustCompile(`^\s*(\S.*?)\s+(\d+)(?: \([\d.]+%\))?$`)
)

// parseGitdm reads a report in reStructuredText. What it does not know, it passes over; a report without its head is an error.
func parseGitdm(text string) (*gitdmReport, error) {
	r := &gitdmReport{Tables: map[string][]gitdmRow{}}
	title, rules := "", 0 // rules: the lines of "=" of a table that were met
	heads := 0
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil {
			return -1 // longer than any count
		}
		return n
	}
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		line := strings.TrimRight(lines.Text(), " ")
		if m := gitdmProcessed.FindStringSubmatch(line); m != nil {
			r.Changesets, r.Developers = number(m[1]), number(m[2])
			heads++
		} else if m := gitdmEmployers.FindStringSubmatch(line); m != nil {
			r.Employers = number(m[1])
			heads++
		} else if m := gitdmLines.FindStringSubmatch(line); m != nil {
			r.Added, r.Removed = number(m[1]), number(m[2])
			heads++
		} else if m := gitdmTitle.FindStringSubmatch(line); m != nil {
			title, rules = m[1], 0
		} else if strings.HasPrefix(strings.TrimSpace(line), "====") {
			rules++
		} else if m := gitdmCount.FindStringSubmatch(line); m != nil && title != "" && rules == 2 {
			r.Tables[title] = append(r.Tables[title], gitdmRow{m[1], number(m[2])})
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	r.Head = heads == 3
	if heads == 0 && len(r.Tables[employersBySets]) > 0 {
		for _, row := range r.Tables[employersBySets] {
			r.Changesets += row.Count
		}
	} else if !r.Head {
		return nil, fmt.Errorf("a report with %d of 3 lines at its head", heads)
	}
	return r, nil
}

const inventedReport = `.. SPDX-License-Identifier: GPL-2.0+

Release Statistics for Astra v1.1
=================================

* Processed 7 changesets from 3 developers

* 2 employers found

* A total of 120 lines added, 45 removed (delta 75)

.. table:: Developers with the most changesets
   :widths: auto

   ====================================  =====
   Name                                  Count
   ====================================  =====
   Ann Lee                               4 (57.1%)
   B. O. Ray (astra.example)             2 (28.6%)
   Cy 3                                  1 (14.3%)
   ====================================  =====


.. table:: Developers with the most reviews (total 0)
   :widths: auto

   ====================================  =====
   Name                                  Count
   ====================================  =====
   ====================================  =====


.. table:: Top lines changed by employer
   :widths: auto

   ========  =====
   Name      Count
   ========  =====
   (Unknown)   99 (81.1%)
   Astra, Inc. 23 (18.9%)
   ========  =====

Trailing text 5
`

func TestParseGitdm(t *testing.T) {
	got, err := parseGitdm(inventedReport)
	if err != nil {
		t.Fatal(err)
	}
	want := &gitdmReport{Changesets: 7, Developers: 3, Employers: 2, Added: 120, Removed: 45, Head: true, Tables: map[string][]gitdmRow{
		developersBySets: {{"Ann Lee", 4}, {"B. O. Ray (astra.example)", 2}, {"Cy 3", 1}},
		employersByLines: {{"(Unknown)", 99}, {"Astra, Inc.", 23}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	headless := ".. table:: " + employersBySets + "\n\n====\nName\n====\nAstra 5 (62.5%)\n(Unknown) 3 (37.5%)\n====\n"
	if got, err := parseGitdm(headless); err != nil || got.Changesets != 8 || got.Head {
		t.Errorf("without a head: %+v, %v", got, err)
	}
	for _, text := range []string{"", "* Processed 7 changesets from 3 developers\n", strings.Replace(inventedReport, "employers found", "employers", 1)} {
		if _, err := parseGitdm(text); err == nil {
			t.Errorf("%.40q: no error", text)
		}
	}
}

func FuzzParseGitdm(f *testing.F) {
	f.Add(inventedReport)
	f.Add(strings.ReplaceAll(inventedReport, "=====", ""))
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parseGitdm(text)
		if err != nil {
			return
		}
		for title, rows := range r.Tables {
			for _, row := range rows {
				if row.Name == "" || !strings.Contains(text, row.Name) {
					t.Fatalf("%q has a row %q that the text does not have", title, row.Name)
				}
			}
		}
	})
}
