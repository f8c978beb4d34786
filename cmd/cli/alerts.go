package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"orrery/analyzer/alert"
	"orrery/analyzer/measure"
)

// newAlerts is help alone: "orrery help alerts".
func newAlerts() *cobra.Command {
	var b strings.Builder
	b.WriteString(`An alert is an expression that is true when there is something to tell:

  orrery analyze SOURCE --alert 'share_low("Huawei") > 0.8' --alert 'elephant_factor("` + measure.LastTwelveMonths + `") < 2'

or, in an ecosystem file, alerts: ['coverage < 0.7']. If it is true, a line says so with the numbers of both
sides, and the exit status is 4. It is made of numbers, + - * /, < <= > >= == !=, and, or, not, parentheses, and of

`)
	for i := range alert.Functions {
		f := &alert.Functions[i]
		fmt.Fprintf(&b, "  %-42s %s (%s)\n", f.Usage(), f.Text, f.Unit)
	}
	fmt.Fprintf(&b, `
ORGANIZATION and WINDOW are names in quotes. Windows are %q, %q, %q, those of the
ecosystem file, and those of --range; all time if none is named. Names that are not known are errors before any work.
What cannot be decided, because there is nothing to take a share of, is told, and counts as skipped.`,
		measure.AllTime, measure.LastCalendarYear, measure.LastTwelveMonths)
	return &cobra.Command{Use: "alerts", Short: "What thresholds are made of", Long: b.String()}
}
