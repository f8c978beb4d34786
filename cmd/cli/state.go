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
	again, unlisted, bytes := 0, 0, 0
	for _, s := range all {
		why := s.Why
		if s.Alarm != "" {
			why = "ALARM: " + s.Alarm
		}
		switch {
		case !s.Listed && last != nil:
			unlisted++
		case s.Condition != state.Equal:
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
	left := ""
	if unlisted > 0 {
		left = fmt.Sprintf(", %d no longer named", unlisted)
	}
	_, err := fmt.Fprintf(w, "%s, %d to be read again%s; %.1f MB of facts; %s\n", countOf(len(all), "repository", "repositories"), again, left, float64(bytes)/1e6, result)
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

func newForget(streams Streams) *cobra.Command {
	var dir string
	var unlisted bool
	cmd := &cobra.Command{
		Use:   "forget --state DIR [--unlisted] [REPOSITORY...]",
		Short: "Remove the facts of repositories from a state",
		Long: `Removes the facts of the repositories that are named, as status names them. Facts of repositories that left the
sources stay in a state, in case these come back; --unlisted removes all of them, with their mirrors. Results
stay as they are. A repository that the sources name is read again, as a whole, by the next run.

Exit status: 0 done, 2 there are no facts of a repository, 11 a run is at work.`,
		RunE: func(_ *cobra.Command, keys []string) error {
			if dir == "" {
				return usagef("--state: say which")
			}
			if len(keys) == 0 && !unlisted {
				return usagef("name repositories, or give --unlisted")
			}
			if _, err := os.Stat(dir); err != nil {
				return fmt.Errorf("opening the state: %w", err) // it would be made
			}
			s, err := state.Open(disk.Real{}, dir)
			if err != nil {
				return err
			}
			defer s.Close()
			all, err := analyzer.Forget(s, keys, unlisted)
			for _, one := range all {
				mirror := ""
				if one.Mirror {
					mirror = " and its mirror"
				}
				fmt.Fprintf(streams.Out, "%s: forgotten%s\n", report.Printable(one.Key), mirror)
			}
			if err == nil && len(all) == 0 {
				fmt.Fprintln(streams.Out, "nothing to forget")
			}
			return err
		},
	}
	cmd.Flags().StringVar(&dir, "state", "", "folder of the state")
	cmd.Flags().BoolVar(&unlisted, "unlisted", false, "all that the sources of the last result do not name")
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
