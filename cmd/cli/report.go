package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"orrery/analyzer"
	"orrery/analyzer/claims"
	"orrery/analyzer/report/page"
	"orrery/analyzer/source"
)

func newReport(streams Streams) *cobra.Command {
	var state, language, out, claimsFile, pieces string
	var beside []string
	cmd := &cobra.Command{
		Use:   "report [RESULT]",
		Short: "Write one HTML page: the answers, their pictures, and the evidence behind each figure",
		Long: `Writes a stored result as one HTML file that needs no network: it can be mailed, read without a script, and
printed. RESULT is a result.json, a folder that holds one, or with --state the name of a result in the
state; without RESULT it is the last one of the state.

It shows claims that were checked (--claims), growth, contributors by definition, whose the work is over
time under both readings of contractors, surviving lines, where organizations work, who contributes, owns,
reviews and governs, concentration, openness, exposure (with --beside next to reference ecosystems), and
the network. Figures have their bounds and the command that leads to their evidence. No person is named.

--pieces writes the pictures as SVG and the text as report.md to a folder, for slides.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 || len(args) == 0 && state != "" {
				return nil
			}
			return usagef("report: give one result, or --state and none; see orrery help report")
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if !slices.Contains(page.Languages, language) {
				return usagef("--lang %s: must be one of %s", language, strings.Join(page.Languages, ", "))
			}
			m, _, err := givenResult(state, args)
			if err != nil {
				return err
			}
			options := page.Options{Language: language, Command: []string{"orrery", "report"}}
			again := func(words ...string) { options.Command = append(options.Command, words...) }
			named := func(path string) string { return source.Redact(filepath.Base(path)) } // folders tell whose they are
			for _, a := range args {
				again(named(a))
			}
			if state != "" {
				again("--state", named(state))
			}
			if again("--lang", language); claimsFile != "" {
				again("--claims", named(claimsFile))
			}
			for _, b := range beside {
				again("--beside", named(b))
			}
			if claimsFile != "" {
				list, err := claims.Read(claimsFile)
				if errors.Is(err, claims.ErrFile) {
					return usageError{err}
				} else if err != nil {
					return err
				}
				options.Findings = claims.Check(m, list)
			}
			if options.Beside, err = readBeside(beside); err != nil {
				return err
			}
			if pieces != "" {
				if err := page.WritePieces(pieces, m, options); err != nil {
					return err
				}
				if out == "" {
					return nil
				}
			}
			var b bytes.Buffer
			if err := page.Write(&b, m, options); err != nil {
				return err
			}
			if out == "" || out == "-" {
				_, err = streams.Out.Write(b.Bytes())
			} else {
				if info, err := os.Stat(filepath.Dir(out)); err != nil || !info.IsDir() {
					return usagef("--out %s: there is no folder %s", source.Redact(out), source.Redact(filepath.Dir(out)))
				}
				err = analyzer.WriteFile(out, func(f *os.File) error { _, err := f.Write(b.Bytes()); return err })
			}
			if err != nil {
				return fmt.Errorf("writing the report: %w", err)
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&state, "state", "", "state that holds the result")
	flags.StringVar(&language, "lang", page.Languages[0], "language of the page: "+strings.Join(page.Languages, ", "))
	flags.StringVar(&out, "out", "", "file to write (default stdout)")
	flags.StringVar(&claimsFile, "claims", "", "file of claims to hold against the result, as for check")
	flags.StringArrayVar(&beside, "beside", nil, besideHelp)
	flags.StringVar(&pieces, "pieces", "", "folder for report.md and a picture in SVG for each section; the page is written only with --out then")
	return cmd
}
