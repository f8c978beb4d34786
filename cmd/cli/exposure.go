package cli

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"orrery/analyzer/components"
	"orrery/analyzer/measure"
	"orrery/analyzer/report"
)

func newExposure(streams Streams) *cobra.Command {
	var state, list, window, format string
	formats := []string{"text", "json", "csv"}
	cmd := &cobra.Command{
		Use:   "exposure [RESULT] --components FILE",
		Short: "Say on which organizations and countries a list of components depends",
		Long: `Joins a list of components to the repositories of a stored result, and prints which organizations do the
work in them and wrote the lines that stand, and under which countries these organizations are. RESULT
is a result.json, a folder that holds one, or with --state the name of a result in the state; without
RESULT it is the last one of the state.

FILE is CycloneDX (JSON, XML), SPDX 2.1 to 2.3 (JSON, tag-value), or CSV with a header that has at least
one of the columns name, purl, repository. A component is joined by the first of these rules that fits:
  purl         its package URL names a forge, an owner and a repository that was read from there
  repository   the address of its repository is one that was read
  mirror       owner and name are those of one repository, read from another place
  name         one repository alone has its name, and it has no address of another one
What is not joined is listed with the reason, and is in every upper bound. It is arithmetic over the
result, no forecast.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 || len(args) == 0 && state != "" {
				return nil
			}
			return usagef("exposure: give one result, or --state and none; see orrery help exposure")
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if !slices.Contains(formats, format) {
				return usagef("--format %s: must be one of %s", format, strings.Join(formats, ", "))
			}
			if list == "" {
				return usagef("exposure: give the list of components with --components")
			}
			own, form, err := components.Read(list)
			if errors.Is(err, components.ErrFile) {
				return usageError{err}
			}
			if err != nil {
				return err
			}
			m, _, err := givenResult(state, args)
			if err != nil {
				return err
			}
			d, err := components.Depend(m, own, form, report.WindowName(window))
			if errors.Is(err, components.ErrWindow) {
				return usageError{err}
			}
			if err != nil {
				return err
			}
			switch format {
			case "json":
				return d.WriteJSON(streams.Out)
			case "csv":
				return d.WriteCSV(streams.Out)
			}
			return d.WriteText(streams.Out)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&list, "components", "", "list of components: CycloneDX, SPDX 2, or CSV")
	flags.StringVar(&state, "state", "", "state that holds the result")
	flags.StringVar(&window, "window", measure.LastTwelveMonths, "window of the result that commits are of; lines are those that stand at its end")
	flags.StringVar(&format, "format", "text", "one of "+strings.Join(formats, ", ")+"; json and csv have every component")
	return cmd
}
