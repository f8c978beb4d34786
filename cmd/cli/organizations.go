package cli

import (
	"bufio"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"orrery/analyzer/people"
	mapformats "orrery/analyzer/people/formats"
	"orrery/analyzer/source"
)

func newOrganizations(streams Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "organizations",
		Short: "Check, bring over and complete the files that say who works for whom",
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return usagef("organizations: say what to do; see orrery help organizations")
		},
	}
	cmd.AddCommand(newOrganizationsCheck(streams), newImport(streams), newExport(streams), newSuggest(streams), newOptOut(streams))
	return cmd
}

// newRules is help alone: "orrery help rules".
func newRules() *cobra.Command {
	var b strings.Builder
	b.WriteString(`Signatures become persons, and persons get organizations, by rules. --rules turns some on or off, as does rules in
an ecosystem file, whose switches come first; the result has what differs among its options:

  orrery analyze SOURCE --rules=-created-by,-same-name

`)
	for _, r := range people.Rules {
		fmt.Fprintf(&b, "  %-4s%-17s%s\n", map[bool]string{true: "on", false: "off"}[r.On], r.Name, r.Text)
	}
	b.WriteString(`
The same address, the domains of the directory, and what your own files state hold always. README.md has how often
each rule was found right.`)
	return &cobra.Command{Use: "rules", Short: "What decides who is whom and works for whom, and how to turn it off", Long: b.String()}
}

func newOrganizationsCheck(streams Streams) *cobra.Command {
	return &cobra.Command{
		Use:   "check [FILE...]",
		Short: "Find what is wrong or cannot be meant in organizations files",
		Long: `Reads organizations files as analyze does, in the order given and before the built-in directory, and
prints a line FILE:LINE:COLUMN: TEXT for each thing that is wrong: mistakes of form, names that
nobody declares, a domain given to two organizations at once, two parents or two employers on one
day, circles of parents or clients, statements that are never reached, free-mail domains given to an
employer, and names that are spelled alike. Without a FILE it checks the built-in directory.

Exit status: 0 nothing is wrong, 1 something is.`,
		Args: arguments(0, math.MaxInt, "organizations files"),
		RunE: func(_ *cobra.Command, args []string) error {
			problems, err := people.CheckDirectory(args...)
			if err != nil {
				return err
			}
			for _, p := range problems {
				if _, err := fmt.Fprintln(streams.Out, source.Redact(p.Error())); err != nil {
					return fmt.Errorf("writing to stdout: %w", err)
				}
			}
			if len(problems) > 0 {
				return fmt.Errorf("organizations check: %s", countOf(len(problems), "problem", "problems"))
			}
			return nil
		},
	}
}

func countOf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func newOptOut(streams Streams) *cobra.Command {
	var keyFile string
	cmd := &cobra.Command{
		Use:   "opt-out ADDRESS...",
		Short: "Print the lines of an opt-out file for addresses",
		Long: `Prints a keyed hash of each address: the lines of a file for --opt-out. Whoever has the file, but not the
key of the pseudonyms, learns nothing from it. analyze moves the persons of these addresses, with all
their other addresses, into the one line "withheld" of every output; sums stay what they are.
An address of - reads addresses from stdin, one on each line, which keeps them out of the shell's history.`,
		Args: arguments(1, math.MaxInt, "one address or more"),
		RunE: func(_ *cobra.Command, args []string) error {
			key, err := pseudonymKey(keyFile)
			if err != nil {
				return err
			}
			var addresses []string
			for _, a := range args {
				if a != "-" {
					addresses = append(addresses, a)
					continue
				}
				lines := bufio.NewScanner(streams.In)
				for lines.Scan() {
					if line := strings.TrimSpace(lines.Text()); line != "" {
						addresses = append(addresses, line)
					}
				}
				if err := lines.Err(); err != nil {
					return fmt.Errorf("reading addresses from stdin: %w", err)
				}
			}
			for i, a := range addresses {
				d, err := people.Digest(key, a)
				if err != nil {
					return usagef("organizations opt-out: address %d: %w", i+1, err)
				}
				if _, err := fmt.Fprintln(streams.Out, d); err != nil {
					return fmt.Errorf("writing to stdout: %w", err)
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&keyFile, "pseudonym-key", "", "file with the key of the pseudonyms, the one that analyze uses (default as there)")
	return cmd
}

// formatsHelp lists formats with what they are.
func formatsHelp(names []string) string {
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, "  %-16s %s\n", name, mapformats.About(name))
	}
	return b.String()
}

func newImport(streams Streams) *cobra.Command {
	names, _ := mapformats.Names()
	return &cobra.Command{
		Use:   "import FORMAT FILE",
		Short: "Make an organizations file of another project's map",
		Long: `Prints an organizations file with what FILE says, each statement with its file and line. Contradictions,
free-mail domains, words that mean nobody ("Independent") and what cannot be read are left out; they
stand at the end as remarks, and on stderr as a count. analyze takes what such a file says of people
after all other files. A FORMAT is one of
` + formatsHelp(names),
		Args: arguments(2, 2, "a format and a file"),
		RunE: func(_ *cobra.Command, args []string) error {
			if !slices.Contains(names, args[0]) {
				return usagef("organizations import: %s must be one of %s", args[0], strings.Join(names, ", "))
			}
			m, err := mapformats.Read(args[0], args[1])
			if err != nil {
				return err
			}
			if err := mapformats.WriteYAML(streams.Out, m, args[0]); err != nil {
				return fmt.Errorf("writing to stdout: %w", err)
			}
			fmt.Fprintf(streams.Err, "orrery: %s, %s; %s\n", countOf(len(m.Organizations), "organization", "organizations"),
				countOf(len(m.People), "statement about people", "statements about people"), countOf(len(m.Notes), "line left out", "lines left out"))
			return nil
		},
	}
}

func newExport(streams Streams) *cobra.Command {
	_, names := mapformats.Names()
	var embedded bool
	cmd := &cobra.Command{
		Use:   "export FORMAT [FILE...]",
		Short: "Write organizations files in another project's format",
		Long: `Prints what organizations files say in another format. What the format has no way to say (dates,
percentages, domains) is left out and counted on stderr. A FORMAT is one of
` + formatsHelp(names),
		Args: arguments(1, math.MaxInt, "a format, and organizations files"),
		RunE: func(_ *cobra.Command, args []string) error {
			if !slices.Contains(names, args[0]) {
				return usagef("organizations export: %s must be one of %s", args[0], strings.Join(names, ", "))
			}
			if len(args) == 1 && !embedded {
				return usagef("organizations export: give organizations files, or --built-in")
			}
			listing, err := people.List(embedded, args[1:]...)
			if err != nil {
				return err
			}
			notes, err := mapformats.Write(streams.Out, args[0], listing)
			if err != nil {
				return err
			}
			for _, n := range notes[:min(len(notes), 20)] {
				fmt.Fprintf(streams.Err, "orrery: left out: %s: %s\n", n.Where, source.Redact(n.Text))
			}
			if len(notes) > 20 {
				fmt.Fprintf(streams.Err, "orrery: left out: %d more\n", len(notes)-20)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&embedded, "built-in", false, "the built-in directory too")
	return cmd
}
