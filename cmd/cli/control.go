package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"orrery/analyzer/report"
)

func newControl(streams Streams) *cobra.Command {
	var state, format string
	var top int
	formats := []string{"text", "markdown", "csv"}
	cmd := &cobra.Command{
		Use:   "control [RESULT]",
		Short: "Show who contributes, owns, reviews and governs, and to whom it is exposed",
		Long: `Prints for every organization of a stored result beside each other what it contributes, owns, reviews, and
governs, and what hangs on it alone. RESULT is a result.json, a folder that holds one, or with --state
the name of a result in the state; without RESULT it is the last one of the state.

Seats come from files of the repositories (CODEOWNERS, OWNERS, MAINTAINERS, INFO.yaml, sig-info.yaml).
What no repository states (boards, trademark, licence, CLA, CI, signing, forge) comes from governance
files, which analyze --governance or the ecosystem file name; without one it is "not stated".`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 || len(args) == 0 && state != "" {
				return nil
			}
			return usagef("control: give one result, or --state and none; see orrery help control")
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if !slices.Contains(formats, format) {
				return usagef("--format %s: must be one of %s", format, strings.Join(formats, ", "))
			}
			if top < 0 {
				return usagef("--top cannot be negative")
			}
			m, _, err := givenResult(state, args)
			if err != nil {
				return err
			}
			if format == "csv" {
				return report.WriteTable(streams.Out, m, "control")
			}
			return report.WriteControl(streams.Out, m, top, width(streams.Out), format == "markdown")
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&state, "state", "", "state that holds the result")
	flags.StringVar(&format, "format", "text", "one of "+strings.Join(formats, ", "))
	flags.IntVar(&top, "top", 15, "how many organizations text and markdown show, beside all that have a stated power; 0 for all")
	return cmd
}
