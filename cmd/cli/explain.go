package cli

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"orrery/analyzer"
	"orrery/analyzer/disk"
	"orrery/analyzer/people"
	"orrery/analyzer/report"
	"orrery/analyzer/source"
	"orrery/analyzer/state"
)

// evidenceFlags are those of commands that resolve people and measure nothing.
func evidenceFlags(flags *pflag.FlagSet, f *analyzeFlags) {
	flags.SortFlags = false
	flags.StringVar(&f.Source.MirrorsDir, "mirrors", "", "folder of mirrors, as for analyze")
	flags.BoolVar(&f.Source.Offline, "offline", false, "fetch nothing; what has no mirror is left out")
	flags.StringArrayVar(&f.Organizations, "organizations", nil, "organizations file; may be given several times, the first that fits wins")
	flags.StringArrayVar(&f.Mailmaps, "mailmap", nil, "mailmap in git's format; may be given several times")
	flags.StringArrayVar(&f.Governance, "governance", nil, governanceHelp)
	flags.StringArrayVar(&f.Bots, "bot", nil, "pattern of a name or an address of a machine account; may be given several times")
	flags.StringVar((*string)(&f.CoAuthors), "co-authors", "", coAuthorsHelp)
	flags.StringSliceVar(&f.Rules, "rules", nil, rulesHelp)
	flags.StringArrayVar(&f.OptOut, "opt-out", nil, "file of people who do not want to be told apart; may be given several times")
	flags.BoolVar(&f.Names, "names", false, "print the names of people, not only pseudonyms")
	flags.StringVar(&f.keyFile, "pseudonym-key", "", "file with the key of the pseudonyms, the one that analyze uses (default as there)")
}

func newExplain(streams Streams) *cobra.Command {
	var f analyzeFlags
	var statements []string
	cmd := &cobra.Command{
		Use:   "explain WHAT [SOURCE...]",
		Short: "Say why something is attributed as it is, and what a statement weighs",
		Long: `Prints the chain of rules behind an attribution, each with its source, file and line, period and
confidence, and what would change without the statement. WHAT is one of
  COMMIT         seven digits of its id or more
  ADDRESS        of a signature
  p-1a2b3c4d     the pseudonym of a person
  DOMAIN         of addresses
  ORGANIZATION   a name or an alias of the directory: its commits by reason
  TABLE:KEY:...:COLUMN
                 a cell of a table, with what it is the sum of: organizations.csv:Astra:commits,
                 organizations:last calendar year:Astra:changed, organizations_by_scope:repository:kernel:Astra:added,
                 organizations_by_year:2024-Q1:Astra:commits, activity:ecosystem::2024:commits,
                 repositories:kernel:bulk, people:p-1a2b3c4d:commits, readings:2024-H1:merged:own:commits,
                 surviving:repository:kernel:Astra:lines_here, openness:2023:others::returned,
                 indices:ecosystem::2024:hhi:commits:merged:without:high, control:Astra:reviews_share_low (or
                 seats, guarded, governs, all). Without a window it is all time.
                 Of growth and of counts of people, down to repositories and
                 commits: waterfall:ecosystem::2024:written, waterfall:repository:kernel:2024:written,
                 waterfall:ecosystem::2024-01-01 to 2024-07-01:members_end, census:2024:authors:ever_persons,
                 waterfall_parts:ecosystem::2024:path class:own:growth, activity:ecosystem::2024:lines.
                 Give the flags that the table was made with. What a cell would be without a statement is found by
                 resolving people and measuring again, from the facts that were read: of a large ecosystem it takes as
                 long as the measuring does, for each of the weightiest four, or of those that --without names.
Without a SOURCE it says what the organizations files know. Addresses are printed only if they were typed.`,
		Args: arguments(1, math.MaxInt, "what to explain, and sources"),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.Sources = args[1:]
			if err := f.checkPeople(); err != nil {
				return err
			}
			if err := f.setAsOf(); err != nil {
				return err
			}
			closeState, err := f.openState()
			if err != nil {
				return err
			}
			defer closeState()
			f.Owners = analyzer.NeedsOwners(args[0])
			x, unread, err := analyzer.Explain(cmd.Context(), f.Options)
			if err != nil {
				return err
			}
			x.Statements = statements
			lines, err := x.Explain(args[0])
			if err != nil {
				return fmt.Errorf("explain: %w", err)
			}
			for _, l := range lines {
				if _, err := fmt.Fprintln(streams.Out, report.Printable(l)); err != nil {
					return fmt.Errorf("writing to stdout: %w", err)
				}
			}
			return leftOut(streams, unread)
		},
	}
	flags := cmd.Flags()
	evidenceFlags(flags, &f)
	flags.StringVar(&f.state, "state", "", "folder that keeps facts, as for analyze: what is there is not read again")
	flags.StringVar(&f.asOf, "as-of", "", "as for analyze")
	flags.StringVar(&f.Revision, "rev", "", "as for analyze")
	flags.StringArrayVar(&f.Ranges, "range", nil, "as for analyze")
	flags.StringVar((*string)(&f.RollUp), "roll-up", string(people.LevelBrand), "as for analyze")
	flags.StringVar((*string)(&f.Contractors), "contractors", string(people.ReadBoth), "as for analyze")
	flags.StringArrayVar(&statements, "without", nil,
		"tell what it would be without a statement (FILE:LINE) or a rule (\"rule NAME\"); may be given several times (default the weightiest ones)")
	return cmd
}

func newSuggest(streams Streams) *cobra.Command {
	var f analyzeFlags
	cmd := &cobra.Command{
		Use:   "suggest SOURCE...",
		Short: "List what is not known, by how much it would move the result, as a file to edit",
		Long: `Prints an organizations file whose entries are remarks to complete: the domains that nobody states an
owner of, and the people whose addresses say nothing of an employer, most commits first. People stand
under their pseudonyms, which an organizations file may use in place of addresses.`,
		Args: arguments(1, math.MaxInt, "one SOURCE or more"),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.Sources = args
			if f.top < 0 {
				return usagef("--top cannot be negative")
			}
			if err := f.checkPeople(); err != nil {
				return err
			}
			var err error
			if f.PseudonymKey, err = pseudonymKey(f.keyFile); err != nil {
				return err
			}
			x, unread, err := analyzer.Explain(cmd.Context(), f.Options)
			if err != nil {
				return err
			}
			u, err := x.Unknowns()
			if err != nil {
				return fmt.Errorf("suggest: %w", err)
			}
			if err := u.WriteYAML(streams.Out, f.top, f.Names); err != nil {
				return fmt.Errorf("writing to stdout: %w", err)
			}
			return leftOut(streams, unread)
		},
	}
	evidenceFlags(cmd.Flags(), &f)
	cmd.Flags().IntVar(&f.top, "top", 50, "how many domains and people (each); the rest is counted")
	return cmd
}

func newRemove(streams Streams) *cobra.Command {
	var f analyzeFlags
	var from string
	var more []string
	cmd := &cobra.Command{
		Use:   "remove ORGANIZATION [SOURCE...]",
		Short: "Say what hangs on an organization alone",
		Long: `Prints which repositories, files and lines have no active author and no maintainer but those of an
organization, how much of the work and of the reviews is theirs, and into how many groups the people
who share files fall apart without them, beside the same for the five largest others, and as a curve
while organizations leave one after another. It is arithmetic and no forecast: nobody takes over.
With --state nothing is read again that is there; without a SOURCE, the state's last result says what is
asked, and nothing is fetched.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 || len(args) == 1 && f.state != "" {
				return nil
			}
			return usagef("remove: give an organization, and one SOURCE or more, or --state; see orrery help remove")
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			f.Sources = args[1:]
			if formats := []string{"text", "json", "csv"}; !slices.Contains(formats, f.format) {
				return usagef("--format %s: must be one of %s", f.format, strings.Join(formats, ", "))
			}
			at := int64(0)
			if from != "" {
				day, err := time.Parse(time.DateOnly, from)
				if err != nil || day.Year() < 1990 || day.Year() > 2099 {
					return usagef("--from %s: must be a day like 2026-08-31", from)
				}
				at = day.Unix() - 1 // what was done on that day is done without them
			}
			f.state = cmp.Or(f.state, source.StateDir(f.Sources))
			if f.state != "" {
				s, err := state.Open(disk.Real{}, f.state)
				if err != nil {
					return err
				}
				defer s.Close()
				f.State, f.Now = s, time.Now()
				f.Source.MirrorsDir = cmp.Or(f.Source.MirrorsDir, s.MirrorsDir())
			}
			var err error
			if f.State != nil && f.keyFile == "" {
				f.PseudonymKey, err = f.State.Key()
			} else {
				f.PseudonymKey, err = pseudonymKey(f.keyFile)
			}
			if err != nil {
				return err
			}
			r, unread, err := analyzer.Remove(cmd.Context(), f.Options, append(args[:1:1], more...), at)
			if err != nil {
				return err
			}
			write := r.WriteText
			switch f.format {
			case "json":
				write = r.WriteJSON
			case "csv":
				write = r.WriteCSV
			}
			if err := write(streams.Out); err != nil {
				return err
			}
			return leftOut(streams, unread)
		},
	}
	evidenceFlags(cmd.Flags(), &f)
	cmd.Flags().StringArrayVar(&more, "and", nil, "organization that leaves at the same time; may be given several times")
	cmd.Flags().StringVar(&from, "from", "", "first day without, YYYY-MM-DD (default the newest committer date of a head)")
	cmd.Flags().StringVar(&f.format, "format", "text", "text, json or csv; the latter two have every repository and every step")
	cmd.Flags().StringVar(&f.state, "state", "", "state that keeps facts, as for analyze: what is there is not read again")
	return cmd
}

// leftOut names repositories that could not be read.
func leftOut(streams Streams, unread []string) error {
	if len(unread) == 0 {
		return nil
	}
	for _, u := range unread[:min(len(unread), 5)] {
		fmt.Fprintf(streams.Err, "orrery: left out: %s\n", report.Printable(source.Redact(u)))
	}
	if more := len(unread) - 5; more > 0 {
		fmt.Fprintf(streams.Err, "orrery: left out: %d more repositories\n", more)
	}
	return errInPart
}
