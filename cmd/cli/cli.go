// Package cli is the command line: it reads arguments, calls the analyzer, and says what came out. One file for each command.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"orrery/analyzer/source"
	"orrery/analyzer/state"
)

// ExitCode is what the process answers. Scripts rely on it.
type ExitCode int

// The exit codes.
const (
	Done        ExitCode = 0
	Failed      ExitCode = 1
	Usage       ExitCode = 2
	InPart      ExitCode = 3  // something was skipped; the report says what
	Crossed     ExitCode = 4  // a threshold that was asked for is crossed
	Locked      ExitCode = 11 // another run holds the state
	Interrupted ExitCode = 130
)

// Streams are what a run reads and writes. Out is data, Err is talk.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// terminal says whether talk goes to a person.
func (s Streams) terminal() bool {
	t, ok := s.Err.(*talk)
	return ok && t.terminal()
}

// errInPart ends a command that did its work but for what it has reported.
var errInPart = errors.New("something was skipped")

// errCrossed ends a command that did its work and has told of a threshold that is crossed.
var errCrossed = errors.New("a threshold is crossed")

// grace is how long a run that is interrupted may take to leave in good order. Files are written whole or not at all, so nothing is broken
// when it does not.
const grace = 900 * time.Millisecond

// Main runs a command line and gives the exit code. It returns soon after ctx ends, or after an interrupt.
func Main(ctx context.Context, args []string, streams Streams) ExitCode {
	if os.Getenv("GOGC") == "" {
		// On large histories a fifth less memory for no time that could be measured.
		debug.SetGCPercent(60)
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	streams.Err = newTalk(streams.Err)
	root := newRoot(streams)
	root.SetArgs(args)
	done := make(chan error, 1)
	go func() { done <- root.ExecuteContext(ctx) }()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		select {
		case err = <-done:
		case <-time.After(grace):
			err = ctx.Err()
		}
	}
	// What a run says that was stopped is about the stopping. One that was done by then is done.
	if err != nil && ctx.Err() != nil && !errors.Is(err, errInPart) && !errors.Is(err, errCrossed) {
		fmt.Fprintln(streams.Err, "orrery: interrupted")
		return Interrupted
	}
	complain(err, streams)
	return exitCode(err)
}

func exitCode(err error) ExitCode {
	var usage usageError
	switch {
	case err == nil:
		return Done
	case errors.Is(err, errInPart):
		return InPart
	case errors.Is(err, errCrossed):
		return Crossed
	case errors.Is(err, state.ErrLocked):
		return Locked
	case errors.As(err, &usage) || errors.Is(err, source.ErrUsage):
		return Usage
	}
	return Failed
}

// complain prints an error, if the command has not told of it.
func complain(err error, streams Streams) {
	if err == nil || errors.Is(err, errInPart) || errors.Is(err, errCrossed) {
		return
	}
	// What was typed, and what repositories hold, may stand in the error: secrets in addresses, and control characters.
	prefix := "orrery: "
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(streams.Err, "%s%s\n", prefix, source.Redact(strings.TrimSuffix(line, "\n")))
		prefix = ""
	}
}

// usageError is an error of whoever typed the command.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func newRoot(streams Streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "orrery",
		Short: "Who wrote an open-source ecosystem, how it grows, and which companies it turns around",
		Long: `orrery reads the whole git history of an ecosystem of repositories and measures who wrote it,
how it grows, and how far it depends on single companies. What is not known is shown as bounds.

Exit status: 0 done, 1 failed (also: what was asked for is not in what was read), 2 wrong usage, 3 done
in part (something was skipped; the report says what; 0 with --allow-partial), 4 a threshold is crossed
(see orrery help alerts), 11 another run holds the state, 130 interrupted.`,
		Args:          cobra.ArbitraryArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return unknownCommand(cmd, args[0])
		},
	}
	root.SetVersionTemplate("orrery {{.Version}}\n")
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.Err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if errors.Is(err, pflag.ErrHelp) {
			return err
		}
		return usageError{suggestFlag(cmd.Flags(), err)}
	})
	root.SetUsageFunc(printUsage)
	root.AddCommand(newAnalyze(streams), newFacts(streams), newExplain(streams), newOrganizations(streams), newAlerts(), newRules(), newChanges(streams), newGraph(streams), newSchedule(streams),
		newStatus(streams), newVerify(streams), newRemove(streams), newForget(streams), newGrowth(streams), newOpenness(streams), newReference(streams), newCheck(streams),
		newControl(streams), newExposure(streams), newReport(streams))
	return root
}

// unknownCommand names those that are spelled like what was typed.
func unknownCommand(cmd *cobra.Command, typed string) error {
	cmd.SuggestionsMinimumDistance = 2
	if s := cmd.SuggestionsFor(typed); len(s) > 0 {
		return usagef("unknown command %q; did you mean %s?", typed, strings.Join(s, " or "))
	}
	return usagef("unknown command %q; orrery help%s lists them", typed, strings.TrimPrefix(cmd.CommandPath(), "orrery"))
}

// suggestFlag adds to an error about a flag that does not exist the one that is spelled most like it, if that is near.
func suggestFlag(flags *pflag.FlagSet, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) || unknown.GetSpecifiedShortnames() != "" {
		return err
	}
	typed := unknown.GetSpecifiedName()
	nearest, least := "", min(3, 1+len(typed)/3)
	flags.VisitAll(func(f *pflag.Flag) {
		if d := distance(typed, f.Name); d < least && !f.Hidden {
			nearest, least = f.Name, d
		}
	})
	if nearest == "" {
		return err
	}
	return fmt.Errorf("%w; did you mean --%s?", err, nearest)
}

// distance is the least number of bytes to put in, take out or change that makes one text of another (Levenshtein 1966).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := before
			if a[i] != b[j] {
				change++
			}
			before, row[j+1] = row[j+1], min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// helpWidth is the number of columns that the texts of flags are wrapped to.
const helpWidth = 100

// printUsage prints how a command is used. The library's own way shows every switch with "[=true|false]".
func printUsage(c *cobra.Command) error {
	var b strings.Builder
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "Usage:\n  %s COMMAND\n\nCommands:\n", c.CommandPath())
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() {
				fmt.Fprintf(&b, "  %-*s   %s\n", sub.NamePadding(), sub.Name(), sub.Short)
			}
		}
	} else {
		fmt.Fprintf(&b, "Usage:\n  %s\n", c.UseLine())
	}
	const values = "[=true|false]"
	fmt.Fprintf(&b, "\nFlags:\n%s", strings.ReplaceAll(c.LocalFlags().FlagUsagesWrapped(helpWidth), values, strings.Repeat(" ", len(values))))
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "\n%q says more about a command.\n", "orrery help COMMAND")
	}
	_, err := fmt.Fprint(c.OutOrStderr(), b.String())
	return err
}

// version is that of the build: a release's, or the commit that was built.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "devel-" + s.Value[:12]
		}
	}
	return "devel"
}

// arguments checks how many arguments there are. what names what is asked for.
func arguments(low, high int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) >= low && len(args) <= high {
			return nil
		}
		command := strings.TrimPrefix(cmd.CommandPath(), "orrery ")
		return usagef("%s: give %s, not %d arguments; see orrery help %s", command, what, len(args), command)
	}
}
