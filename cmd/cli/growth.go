package cli

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"orrery/analyzer"
	"orrery/analyzer/disk"
	"orrery/analyzer/measure"
	"orrery/analyzer/report"
	"orrery/analyzer/source"
	"orrery/analyzer/state"
)

// measuringFlags are those of commands that measure, and keep no result.
func measuringFlags(flags *pflag.FlagSet, f *analyzeFlags) {
	evidenceFlags(flags, f)
	flags.StringVar(&f.state, "state", "", "folder that keeps mirrors and facts, as for analyze: what is there is not read again; without a SOURCE its last result is taken")
	flags.StringVar(&f.asOf, "as-of", "", "day that relative windows count from, as for analyze")
	flags.BoolVar(&f.Source.Former, "former", false, "fetch repositories that have left the ecosystem as well; without it they are read where there is a mirror")
	flags.IntVar(&f.Workers, "workers", 0, "goroutines (default one for each processor); changes no result")
	flags.StringArrayVar(&f.beside, "beside", nil, besideHelp)
	flags.BoolVar(&f.allowPartial, "allow-partial", false, "exit with 0 though something was skipped")
	flags.BoolVar(&f.quiet, "quiet", false, "no progress")
}

// day reads a day that a flag names.
func day(flag, text string) (time.Time, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil || t.Year() < 1990 || t.Year() > 2099 {
		return t, usagef("%s %s: must be a day like 2026-08-31", flag, text)
	}
	return t, nil
}

// period is the window from the first moment of one day to the last before another; nil without them.
func period(from, to string) (*measure.Window, error) {
	if from == "" && to == "" {
		return nil, nil
	}
	if from == "" || to == "" {
		return nil, usagef("--from and --to go together: a period is from the first moment of --from to the last before --to")
	}
	a, err := day("--from", from)
	if err != nil {
		return nil, err
	}
	b, err := day("--to", to)
	if err != nil {
		return nil, err
	}
	if !a.Before(b) {
		return nil, usagef("--from %s --to %s: the period ends before it starts", from, to)
	}
	return &measure.Window{Name: from + " to " + to, From: a.Unix(), To: b.Unix()}, nil
}

// measured gives the model of the sources with some windows more, or without sources the last one of the state. skipped says that something was
// left out.
func (f *analyzeFlags) measured(cmd *cobra.Command, streams Streams, windows []measure.Window) (m *report.Model, skipped bool, err error) {
	f.BesideFiles = f.beside
	if f.Beside, err = readBeside(f.beside); err != nil {
		return nil, false, err
	}
	if len(f.Sources) == 0 {
		name, err := newestResult(f.state)
		if err != nil {
			return nil, false, err
		}
		m, err := readResult(f.state, name)
		if err != nil {
			return nil, false, err
		}
		if len(f.Beside) > 0 {
			m.Beside = f.Beside
		}
		return m, m.Read < m.Named() || len(m.Skips) > 0, nil
	}
	if f.asOf != "" {
		t, err := day("--as-of", f.asOf)
		if err != nil {
			return nil, false, err
		}
		f.AsOf = t.Unix() + 24*60*60 - 1
	}
	f.Windows, f.Transient, f.Progress, f.Version = windows, true, &analyzer.Progress{}, version()
	f.state = cmp.Or(f.state, source.StateDir(f.Sources))
	closeState, err := f.openState()
	if err != nil {
		return nil, false, err
	}
	defer closeState()
	progress := startProgress(streams, f.Progress, &f.Source, f.quiet)
	outcome, err := analyzer.Run(cmd.Context(), f.Options)
	progress.stop()
	if err != nil {
		return nil, false, err
	}
	return outcome.Model, outcome.Skipped, nil
}

// openState opens the state that is named, if any, and finds the key of pseudonyms: the state's own, unless a file is named.
func (f *analyzeFlags) openState() (closing func(), err error) {
	closing = func() {}
	if f.state != "" {
		s, err := state.Open(disk.Real{}, f.state)
		if err != nil {
			return nil, err
		}
		closing = func() { _ = s.Close() }
		f.State, f.Now = s, time.Now()
		f.Source.MirrorsDir = cmp.Or(f.Source.MirrorsDir, s.MirrorsDir())
	}
	if f.State != nil && f.keyFile == "" {
		f.PseudonymKey, err = f.State.Key()
	} else {
		f.PseudonymKey, err = pseudonymKey(f.keyFile)
	}
	if err != nil {
		closing()
		return nil, err
	}
	return closing, nil
}

// newestResult gives the name of the last result of a state.
func newestResult(dir string) (string, error) {
	if dir == "" {
		return "", usagef("give a SOURCE, or --state with a result")
	}
	entries, err := os.ReadDir(filepath.Join(dir, "results"))
	if err != nil {
		return "", fmt.Errorf("looking for results in the state: %w", err)
	}
	for _, e := range slices.Backward(entries) {
		if !strings.HasPrefix(e.Name(), ".") && exists(filepath.Join(dir, "results", e.Name(), resultFile)) {
			return e.Name(), nil
		}
	}
	return "", fmt.Errorf("looking for results in the state %s: there is none", dir)
}

// inPart is what becomes of a command that has left something out.
func (f *analyzeFlags) inPart(skipped bool) error {
	if skipped && !f.allowPartial {
		return errInPart
	}
	return nil
}

func newGrowth(streams Streams) *cobra.Command {
	var f analyzeFlags
	var from, to, format string
	cmd := &cobra.Command{
		Use:   "growth [SOURCE...]",
		Short: "Say where lines came from: written, imported, entered with repositories, left with them",
		Long: `Prints the way from the lines at the start of a period to those at its end, over the repositories that
belonged to the ecosystem at the time:

  start + written + imported + entered - left = end

The history of a manifest tells who belonged when; where a list has no history, every repository is
taken to belong as it is listed today. Repositories that belonged and were not read are counted.
Without a period it prints a line for each calendar year. SOURCE is that of orrery help analyze.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if formats := []string{"text", "json", "csv"}; !slices.Contains(formats, format) {
				return usagef("--format %s: must be one of %s", format, strings.Join(formats, ", "))
			}
			window, err := period(from, to)
			if err != nil {
				return err
			}
			f.Sources = args
			var windows []measure.Window
			name := ""
			if window != nil {
				if len(args) == 0 {
					return usagef("--from and --to need a SOURCE: a result has the periods that it was made with")
				}
				windows, name = append(windows, *window), window.Name
			}
			m, skipped, err := f.measured(cmd, streams, windows)
			if err != nil {
				return err
			}
			if err := writeGrowth(streams.Out, m, name, format); err != nil {
				return err
			}
			return f.inPart(skipped)
		},
	}
	measuringFlags(cmd.Flags(), &f)
	cmd.Flags().StringVar(&from, "from", "", "first day of the period, YYYY-MM-DD")
	cmd.Flags().StringVar(&to, "to", "", "day before which the period ends")
	cmd.Flags().StringVar(&format, "format", "text", "one of text, json, csv; json and csv have all periods and scopes")
	return cmd
}

func writeGrowth(w io.Writer, m *report.Model, name, format string) error {
	switch format {
	case "json":
		return report.WriteGrowthJSON(w, m)
	case "csv":
		return report.WriteTable(w, m, "waterfall")
	}
	if err := report.WriteGrowth(w, m, name, width(w)); err != nil {
		return err
	}
	return report.WriteBeside(w, m, width(w))
}
