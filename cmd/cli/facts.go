package cli

import (
	"bufio"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"orrery/analyzer/facts"
	"orrery/analyzer/history"
	"orrery/analyzer/source"
)

func newFacts(streams Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "facts",
		Short: "Print what was read from one repository, to check it against git",
		Args:  cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("facts: there are no facts %q; see orrery help facts", args[0])
			}
			return usagef("facts: say what to print; see orrery help facts")
		},
	}
	cmd.AddCommand(newNumstat(streams), newBlame(streams))
	return cmd
}

func newNumstat(streams Streams) *cobra.Command {
	var opts history.Options
	var revision string
	var allowPartial bool
	cmd := &cobra.Command{
		Use:   "numstat REPO",
		Short: "Print lines added and removed: the rows of git log --numstat -M",
		Long: `Prints a line for each file that a non-merge commit changed: commit TAB added TAB removed TAB path.
These are the rows of git log --numstat -M with an empty configuration, parents before children.
Binary files have - for both numbers, and files that cannot be read ?; renames have the new path.
Paths with control characters, quotes or backslashes are quoted as git quotes them.`,
		Args: arguments(1, 1, "one repository"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			repository, err := history.Open(args[0])
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, repository.Close()) }()
			f, err := history.Read(cmd.Context(), repository, args[0], revision, opts)
			if err != nil {
				return err
			}
			if err := writeNumstat(streams, f); err != nil {
				return err
			}
			return skipped(streams, f, allowPartial)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&revision, "rev", "", "branch, tag or commit to read (default the repository's HEAD)")
	flags.BoolVar(&opts.NoRenames, "no-renames", false, "take renames as a removal and an addition")
	flags.IntVar(&opts.RenameLimit, "rename-limit", 1000, "look for changed renames in commits with up to this many files on both sides, as git's diff.renameLimit")
	flags.IntVar(&opts.Workers, "workers", 0, "goroutines (default one for each processor); changes no result")
	flags.BoolVar(&allowPartial, "allow-partial", false, "exit with 0 though something was skipped")
	return cmd
}

func newBlame(streams Streams) *cobra.Command {
	var opts history.Options
	var revision string
	var allowPartial bool
	cmd := &cobra.Command{
		Use:   "blame REPO [PATH...]",
		Short: "Print who wrote each line: the commits of git blame",
		Long: `Prints a line for each line of text of the files of a snapshot: path TAB line TAB commit.
The commits are those of git blame without -M, -C and -w. A PATH is a file or a folder; none means all.
Lines whose past cannot be read have ? for a commit.`,
		Args: arguments(1, math.MaxInt, "a repository, and paths if you like"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			repository, err := history.Open(args[0])
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, repository.Close()) }()
			files, err := history.Blame(cmd.Context(), repository, revision, args[1:], opts)
			if err != nil {
				return err
			}
			unread, err := writeBlame(streams, files)
			if err != nil {
				return fmt.Errorf("writing the lines: %w", err)
			}
			if unread > 0 {
				fmt.Fprintf(streams.Err, "orrery: %d files could not be read\n", unread)
				if !allowPartial {
					return errInPart
				}
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&revision, "rev", "", "branch, tag or commit whose snapshot is read (default the repository's HEAD)")
	flags.IntVar(&opts.Workers, "workers", 0, "goroutines (default one for each processor); changes no result")
	flags.BoolVar(&allowPartial, "allow-partial", false, "exit with 0 though something was skipped")
	return cmd
}

func writeBlame(streams Streams, files []history.Blamed) (unread int, err error) {
	w := bufio.NewWriterSize(streams.Out, 1<<16)
	var line []byte
	for _, f := range files {
		if f.Reason != facts.Measured {
			unread++
		}
		path := quotePath(f.Path)
		at := uint32(0)
		for _, run := range f.Runs {
			commit := run.Commit.String()
			if run.Commit.IsZero() {
				commit = "?"
			}
			for ; at < run.End; at++ {
				line = append(append(line[:0], path...), '\t')
				line = append(strconv.AppendUint(line, uint64(at)+1, 10), '\t')
				line = append(append(line, commit...), '\n')
				if _, err := w.Write(line); err != nil {
					return unread, err
				}
			}
		}
	}
	return unread, w.Flush()
}

func writeNumstat(streams Streams, f *facts.Repository) error {
	w := bufio.NewWriterSize(streams.Out, 1<<16)
	var line []byte
	for i := range f.Changes {
		c := &f.Changes[i]
		line = append(line[:0], f.Commits[c.Commit].ID.String()...)
		for _, n := range []uint32{c.Added, c.Removed} {
			line = append(line, '\t')
			switch {
			case c.Skip != facts.Measured:
				line = append(line, '?')
			case c.Binary:
				line = append(line, '-')
			default:
				line = strconv.AppendUint(line, uint64(n), 10)
			}
		}
		line = append(line, '\t')
		line = append(line, quotePath(f.Paths[c.Path])...)
		line = append(line, '\n')
		if _, err := w.Write(line); err != nil {
			return fmt.Errorf("writing the rows: %w", err)
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("writing the rows: %w", err)
	}
	return nil
}

// skipped tells what could not be read.
func skipped(streams Streams, f *facts.Repository, allowPartial bool) error {
	for _, note := range f.Notes {
		fmt.Fprintf(streams.Err, "orrery: %s\n", source.Redact(note))
	}
	if len(f.Skips) == 0 {
		return nil
	}
	rows := uint32(0)
	reasons := map[facts.Reason]int{}
	for _, s := range f.Skips {
		rows += s.Rows
		reasons[s.Reason]++
	}
	var parts []string
	for r := facts.Missing; r <= facts.TooDeep; r++ {
		if reasons[r] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", reasons[r], r))
		}
	}
	fmt.Fprintf(streams.Err, "orrery: %d objects could not be read (%s); %d rows have no lines\n", len(f.Skips), strings.Join(parts, ", "), rows)
	if allowPartial {
		return nil
	}
	return errInPart
}

// quotePath writes a path as git does with core.quotePath off: in quotes, with the escapes of C, if it holds a control character, a quote or
// a backslash.
func quotePath(path string) string {
	plain := true
	for i := range len(path) {
		if c := path[i]; c < ' ' || c == 0x7f || c == '"' || c == '\\' {
			plain = false
			break
		}
	}
	if plain {
		return path
	}
	const letters = "abtnvfr" // 7 to 13
	out := []byte{'"'}
	for i := range len(path) {
		switch c := path[i]; {
		case c == '"' || c == '\\':
			out = append(out, '\\', c)
		case 7 <= c && c <= 13:
			out = append(out, '\\', letters[c-7])
		case c < ' ' || c == 0x7f:
			out = fmt.Appendf(out, "\\%03o", c)
		default:
			out = append(out, c)
		}
	}
	return string(append(out, '"'))
}
