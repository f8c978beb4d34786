package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"orrery/analyzer"
	"orrery/analyzer/disk"
	"orrery/analyzer/report"
	"orrery/analyzer/source"
	"orrery/analyzer/state"
)

func newStatus(streams Streams) *cobra.Command {
	var dir string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status --state DIR",
		Short: "Say which repositories of a state the next run reads again, and why",
		Long: `Compares the facts in a state with the repositories on disk, without fetching, and prints a line for each
repository: missing, corrupt, other version, other options, older tips or equal, and why it is read again.`,
		Args: arguments(0, 0, "only flags"),
		RunE: func(*cobra.Command, []string) error {
			return withState(dir, func(s *state.State) error {
				last, all, err := analyzer.Status(s)
				if err != nil {
					return err
				}
				if err := writeStatus(streams.Out, last, all, asJSON); err != nil {
					return fmt.Errorf("writing to stdout: %w", err)
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&dir, "state", "", "folder of the state")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func writeStatus(w io.Writer, last *state.Result, all []analyzer.Standing, asJSON bool) error {
	if asJSON {
		out := struct {
			Result       string              `json:"last_result,omitempty"`
			Repositories []analyzer.Standing `json:"repositories"`
		}{Repositories: all}
		if last != nil {
			out.Result = last.Name
		}
		if all == nil {
			out.Repositories = []analyzer.Standing{}
		}
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", " ")
		return encoder.Encode(out)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	again, bytes := 0, 0
	for _, s := range all {
		why := s.Why
		if s.Alarm != "" {
			why = "ALARM: " + s.Alarm
		}
		if s.Condition != state.Equal {
			again++
		}
		bytes += s.Bytes
		fmt.Fprintf(table, "%s\t%s", report.Printable(s.Key), s.Condition)
		if why != "" {
			fmt.Fprintf(table, "\t%s", report.Printable(source.Redact(why)))
		}
		fmt.Fprintln(table)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	result := "no result yet"
	if last != nil {
		result = "last result " + last.Name
	}
	_, err := fmt.Fprintf(w, "%s, %d to be read again; %.1f MB of facts; %s\n", countOf(len(all), "repository", "repositories"), again, float64(bytes)/1e6, result)
	return err
}

func newVerify(streams Streams) *cobra.Command {
	var dir string
	var workers int
	cmd := &cobra.Command{
		Use:   "verify --state DIR",
		Short: "Check every file of a state, and every sum that must come out",
		Long: `Reads all facts and results of a state, holds every file against its checksum, and checks the laws of
conservation that the facts must obey. Prints a line for each thing that is wrong as soon as it is found.
What is damaged is read or made again by the next run.

Exit status: 0 nothing is wrong, 1 something is, 11 a run is at work.`,
		Args: arguments(0, 0, "only flags"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withState(dir, func(s *state.State) error {
				v, err := analyzer.Verify(cmd.Context(), s, workers, func(err error) {
					fmt.Fprintln(streams.Out, report.Printable(source.Redact(err.Error())))
				})
				if err != nil {
					return err
				}
				if v.Broken > 0 {
					return fmt.Errorf("verify: %s", countOf(v.Broken, "thing is wrong", "things are wrong"))
				}
				_, err = fmt.Fprintf(streams.Out, "Nothing is wrong: %s with %d commits in %d tables, %s.\n",
					countOf(v.Repositories, "repository", "repositories"), v.Commits, v.Tables, countOf(v.Results, "result", "results"))
				return err
			})
		},
	}
	cmd.Flags().StringVar(&dir, "state", "", "folder of the state")
	cmd.Flags().IntVar(&workers, "workers", 1, "goroutines")
	return cmd
}

// withState looks at a state.
func withState(dir string, do func(*state.State) error) error {
	if dir == "" {
		return usagef("--state: say which")
	}
	s, err := state.OpenShared(disk.Real{}, dir)
	if err != nil {
		return err
	}
	return errors.Join(do(s), s.Close())
}

// program names the very program that runs, "" if that cannot be read.
func program() string {
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil))
}
