package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"orrery/analyzer/report"
)

const besideHelp = "result.json, or what orrery reference wrote, of another ecosystem: its headline figures in a column beside; may be given several times"

// readBeside reads what is to stand beside a result.
func readBeside(paths []string) (list []*report.Reference, err error) {
	for _, path := range paths {
		f, err := os.Open(resultPath("", path))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, usagef("--beside %s: there is no such result", path)
		}
		if err != nil {
			return nil, fmt.Errorf("reading what is to stand beside: %w", err)
		}
		r, err := report.ReadReference(bufio.NewReader(f))
		f.Close()
		if errors.Is(err, report.ErrNewer) || errors.Is(err, report.ErrNoResult) {
			return nil, usagef("--beside %s: %v", path, err)
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", path, err)
		}
		list = append(list, r)
	}
	return list, nil
}

func newReference(streams Streams) *cobra.Command {
	var state string
	cmd := &cobra.Command{
		Use:   "reference [RESULT]",
		Short: "Write a result without its people, for others to stand beside (--beside)",
		Long: `Prints the headline figures of a stored result as JSON: organizations alone (of three people or more; the
others are summed up), both readings by half-year, and the commits at which its repositories were read, so
that anybody can make them again. analyze, growth, openness and check take it with --beside. RESULT is a
result.json, a folder that holds one, or with --state the name of a result in the state; without RESULT it
is the last one of the state.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 || len(args) == 0 && state != "" {
				return nil
			}
			return usagef("reference: give one result, or --state and none; see orrery help reference")
		},
		RunE: func(_ *cobra.Command, args []string) error {
			m, _, err := givenResult(state, args)
			if err != nil {
				return err
			}
			r, err := report.NewReference(m)
			if err != nil {
				return err
			}
			return report.WriteReference(streams.Out, r)
		},
	}
	cmd.Flags().StringVar(&state, "state", "", "folder that keeps results")
	return cmd
}
