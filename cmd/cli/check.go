package cli

import (
	"errors"
	"math"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"orrery/analyzer/claims"
	"orrery/analyzer/report"
)

var checkFormats = []string{"text", "json", "markdown"}

func newCheck(streams Streams) *cobra.Command {
	var f analyzeFlags
	var format string
	cmd := &cobra.Command{
		Use:   "check CLAIMS.yaml [SOURCE...]",
		Short: "Hold published figures against measured ones: is the claim true?",
		Long: `Tries for each claim of a file every definition that fits its words, and prints what each gives:

  reproduced     a definition gives the figure
  compatible     a definition may give it: repositories that were not read decide
  contradicted   no definition can give it, whatever was not read
  not testable   git does not hold it

What was not read can only add addresses, commits and lines that stand or were added, so what was
read is a lower bound of these; growth, shares and persons (whom more repositories may join) it leaves
open. The README describes the file. SOURCE is that of orrery help analyze; without one the last
result of --state is asked, which must have the claims' periods.`,
		Args: arguments(1, math.MaxInt, "a file of claims, and sources"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(checkFormats, format) {
				return usagef("--format %s: must be one of %s", format, strings.Join(checkFormats, ", "))
			}
			list, err := claims.Read(args[0])
			if errors.Is(err, claims.ErrFile) {
				return usageError{err}
			} else if err != nil {
				return err
			}
			f.Sources = args[1:]
			m, skipped, err := f.measured(cmd, streams, claims.Windows(list))
			if err != nil {
				return err
			}
			findings := claims.Check(m, list)
			switch format {
			case "json":
				err = claims.WriteJSON(streams.Out, findings)
			case "markdown":
				err = claims.WriteMarkdown(streams.Out, findings)
			default:
				if err = claims.WriteText(streams.Out, findings, width(streams.Out)); err == nil {
					err = report.WriteBeside(streams.Out, m, width(streams.Out))
				}
			}
			if err != nil {
				return err
			}
			return f.inPart(skipped)
		},
	}
	measuringFlags(cmd.Flags(), &f)
	cmd.Flags().StringVar(&format, "format", "text", "one of "+strings.Join(checkFormats, ", ")+"; json has every figure")
	return cmd
}
