package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"orrery/analyzer/measure"
	"orrery/analyzer/report"
)

var changesFormats = []string{"text", "json", "markdown"}

func newChanges(streams Streams) *cobra.Command {
	var state, format, window, of string
	cmd := &cobra.Command{
		Use:   "changes [A B]",
		Short: "Say what moved between two results, and why",
		Long: `Compares two results: A is the earlier one. Each is a result.json, a folder that holds one, or with --state
the name of a result in the state. Without A and B it compares the last two results of the state.

It names what differs about the results themselves first (as-of days, windows, options), since that
explains most; then figures, shares and indices with the repositories, people and reattributed work
that moved them. The terms of a share add up to its change. People appear under pseudonyms, and are
compared only if both results stand under the same pseudonym key.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 2 || len(args) == 0 && state != "" {
				return nil
			}
			return usagef("changes: give two results, or --state and none; see orrery help changes")
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if !slices.Contains(changesFormats, format) {
				return usagef("--format %s: must be one of %s", format, strings.Join(changesFormats, ", "))
			}
			if of != measure.KeyCommits && of != measure.KeyChanged {
				return usagef("--of %s: must be %s or %s", of, measure.KeyCommits, measure.KeyChanged)
			}
			if len(args) == 0 {
				var err error
				if args, err = lastResults(state, 2); err != nil {
					return err
				}
			}
			var models [2]*report.Model
			for i, arg := range args {
				var err error
				if models[i], err = readResult(state, arg); err != nil {
					return err
				}
			}
			changes, err := report.Compare(models[0], models[1], of)
			if err != nil {
				return err
			}
			switch format {
			case "json":
				return report.WriteChangesJSON(streams.Out, changes)
			case "markdown":
				return report.WriteChangesMarkdown(streams.Out, changes, report.WindowName(window))
			}
			return report.WriteChanges(streams.Out, changes, report.WindowName(window), width(streams.Out))
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&state, "state", "", "state whose results are compared")
	flags.StringVar(&format, "format", "text", "one of "+strings.Join(changesFormats, ", ")+"; json has all windows")
	flags.StringVar(&window, "window", measure.AllTime, "window to tell of")
	flags.StringVar(&of, "of", measure.KeyCommits, "what shares and indices are of: commits, or changed for changed lines")
	return cmd
}

// resultFile is the name of a result in its folder.
const resultFile = "result.json"

// lastResults gives the names of the last results of a state, so many: names are in order of time.
func lastResults(state string, most int) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(state, "results"))
	if err != nil {
		return nil, fmt.Errorf("looking for results in the state: %w", err)
	}
	var names []string
	for _, e := range entries {
		if _, err := os.Stat(filepath.Join(state, "results", e.Name(), resultFile)); err == nil && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	if len(names) < most {
		return nil, fmt.Errorf("looking for results in the state %s: there are %d, not %d", state, len(names), most)
	}
	return names[len(names)-most:], nil
}

// resultPath finds a result by the name of its file or folder, or its name in the state.
func resultPath(state, arg string) string {
	if state != "" && filepath.IsLocal(arg) {
		if named := filepath.Join(state, "results", arg); exists(named) {
			arg = named
		}
	}
	if info, err := os.Stat(arg); err == nil && info.IsDir() {
		return filepath.Join(arg, resultFile)
	}
	return arg
}

// givenResult reads the result that an argument names, or without one the last of the state, and gives its name.
func givenResult(state string, args []string) (*report.Model, string, error) {
	if len(args) == 0 {
		names, err := lastResults(state, 1)
		if err != nil {
			return nil, "", err
		}
		args = names
	}
	m, err := readResult(state, args[0])
	return m, args[0], err
}

// readResult reads the result that resultPath finds.
func readResult(state, arg string) (*report.Model, error) {
	path := resultPath(state, arg)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usagef("there is no result %s", path)
	}
	if err != nil {
		return nil, fmt.Errorf("reading a result: %w", err)
	}
	defer f.Close()
	m, err := report.ReadJSON(bufio.NewReader(f))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return m, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
