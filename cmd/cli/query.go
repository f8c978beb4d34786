package cli

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"orrery/analyzer/report"
	"orrery/analyzer/source"
)

// query prints what forges count, instead of the whole job.
func (f *analyzeFlags) query(ctx context.Context, cmd *cobra.Command, streams Streams) error {
	for _, name := range []string{"state", "out", "rev", "range", "accounting", "forge-facts", "as-of"} {
		if cmd.Flags().Changed(name) {
			return usagef("--query asks forges alone: --%s is about what git says", name)
		}
	}
	write := map[string]func(io.Writer, *source.Queried) error{"": writeQuery, "text": writeQuery, "json": writeQueryJSON, "csv": writeQueryCSV}[f.format]
	if write == nil {
		return usagef("--query --format %s: must be one of text, json, csv", f.format)
	}
	q, err := source.Query(ctx, f.Sources, f.Source)
	if err != nil {
		return err
	}
	if err := write(streams.Out, q); err != nil {
		return fmt.Errorf("writing to stdout: %w", err)
	}
	inPart := len(q.Warnings) > 0
	for _, w := range q.Warnings {
		fmt.Fprintln(streams.Err, "orrery: "+report.Printable(w))
	}
	for i := range q.Repositories {
		if r := &q.Repositories[i]; r.Problem != "" {
			inPart = true
			fmt.Fprintf(streams.Err, "orrery: %s: %s\n", r.Name, report.Printable(r.Problem))
		}
	}
	if inPart && !f.allowPartial {
		return errInPart
	}
	return nil
}

func writeQueryJSON(w io.Writer, q *source.Queried) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(q)
}

func writeQueryCSV(w io.Writer, q *source.Queried) error {
	c := csv.NewWriter(w)
	_ = c.Write([]string{"repository", "fork", "contributors", "anonymous", "machines", "commits", "contributor_absence_factor", "problem"})
	for i := range q.Repositories {
		r := &q.Repositories[i]
		_ = c.Write([]string{
			r.Name, strconv.FormatBool(r.Fork), strconv.Itoa(r.Contributors), strconv.Itoa(r.Anonymous), strconv.Itoa(r.Machines), strconv.Itoa(r.Commits),
			strconv.Itoa(r.Half), report.Printable(r.Problem),
		})
	}
	c.Flush()
	return c.Error()
}

func writeQuery(w io.Writer, q *source.Queried) error {
	var b strings.Builder
	wide := len("all repositories")
	asked := 0
	for i := range q.Repositories {
		wide = max(wide, len(q.Repositories[i].Name))
		if q.Repositories[i].Problem == "" {
			asked++
		}
	}
	wide = min(wide, 60)
	fmt.Fprintf(&b, "%-*s  %12s  %9s  %8s  %9s  %s\n", wide, "repository", "contributors", "anonymous", "machines", "commits", "half by")
	row := func(name string, f *source.QueriedFigures) {
		fmt.Fprintf(&b, "%-*s  %12d  %9d  %8d  %9d  %d\n", wide, name, f.Contributors, f.Anonymous, f.Machines, f.Commits, f.Half)
	}
	for i := range q.Repositories {
		if r := &q.Repositories[i]; r.Problem == "" {
			row(r.Name, &r.QueriedFigures)
		} else {
			fmt.Fprintf(&b, "%-*s  not told\n", wide, r.Name)
		}
	}
	row("all repositories", &q.Total)
	fmt.Fprintf(&b, "\n%d of %d repositories answered. These figures are %s.\n", asked, len(q.Repositories), q.Label)
	_, err := io.WriteString(w, b.String())
	return err
}
