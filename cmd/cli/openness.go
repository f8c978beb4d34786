package cli

import (
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"orrery/analyzer/measure"
	"orrery/analyzer/report"
)

func newOpenness(streams Streams) *cobra.Command {
	var f analyzeFlags
	var window, format string
	cmd := &cobra.Command{
		Use:   "openness [SOURCE...]",
		Short: "Say how outsiders fare: whose proposals are merged, who comes back, who gets a seat",
		Long: `Prints for those who work for the leading organization, for its contractors, for others, and for nobody
known: proposals merged and how long that took, newcomers and how many of them came back within a year,
and how many had a maintainer's seat two years later. The leading organization is the one with most
commits of all time, contractors counted with their clients; its subsidiaries stand with it.

Git knows what was merged. What was not, only a forge can tell: the share accepted is unknown without
(analyze --forge-facts keeps it in the state). SOURCE is that of orrery help analyze; without one the
last result of --state is asked.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if formats := []string{"text", "json", "csv"}; !slices.Contains(formats, format) {
				return usagef("--format %s: must be one of %s", format, strings.Join(formats, ", "))
			}
			f.Sources = args
			m, skipped, err := f.measured(cmd, streams, nil)
			if err != nil {
				return err
			}
			if err := writeOpenness(streams.Out, m, window, format); err != nil {
				return err
			}
			return f.inPart(skipped)
		},
	}
	measuringFlags(cmd.Flags(), &f)
	cmd.Flags().StringVar(&window, "window", measure.AllTime, "window of the text, as in result.json; \"\" for all")
	cmd.Flags().StringVar(&format, "format", "text", "one of text, json, csv; json and csv have all windows and years")
	return cmd
}

func writeOpenness(w io.Writer, m *report.Model, window, format string) error {
	switch format {
	case "json":
		return report.WriteOpennessJSON(w, m)
	case "csv":
		return report.WriteTable(w, m, "openness")
	}
	if err := report.WriteOpenness(w, m, window, width(w)); err != nil {
		return err
	}
	return report.WriteBeside(w, m, width(w))
}
