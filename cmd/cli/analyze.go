package cli

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"orrery/analyzer"
	"orrery/analyzer/disk"
	"orrery/analyzer/history"
	"orrery/analyzer/measure"
	"orrery/analyzer/people"
	"orrery/analyzer/report"
	"orrery/analyzer/source"
	"orrery/analyzer/state"
)

type analyzeFlags struct {
	analyzer.Options
	out, format, asOf, keyFile string
	beside                     []string
	from, to                   string
	top                        int
	allowPartial, quiet        bool
	log, metrics               string
	timeout                    time.Duration
	memory                     int64 // MiB
	state                      string
	forges                     forgeFlags
}

var formats = []string{"text", "json", "csv", "dot"}

func newAnalyze(streams Streams) *cobra.Command {
	var f analyzeFlags
	cmd := &cobra.Command{
		Use:   "analyze SOURCE...",
		Short: "Do the whole job: from repositories to who holds them together",
		Long: `Reads the histories of all repositories that the sources name, and writes result.json, graph.dot and
tables/*.csv to a folder, and a summary to the terminal.

A SOURCE is one of
  PATH                             a git repository, or a folder that holds several
  https://HOST/OWNER/NAME          a git repository, mirrored (branches and tags) and fetched again by the next run
  FILE.xml                         a repo manifest
  manifest:LOCATION[#FILE][@REV]   a repo manifest in a git repository
  community:LOCATION[#OWNER]       a community repository, as openEuler's, that lists an owner's repositories
  FILE.yaml                        an ecosystem file
  ` + strings.Join(source.Builtin(), ", ") + strings.Repeat(" ", max(1, 33-len(strings.Join(source.Builtin(), ", ")))) + `a built-in ecosystem
  github:OWNER[/REPO]              all public repositories of an owner at GitHub, or one; so gitee:, gitcode:`,
		Args: arguments(1, math.MaxInt, "one SOURCE or more"),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.Sources = args
			return f.watched(cmd, streams)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.out, "out", "orrery-out", "folder for result.json, graph.dot, report.html and tables")
	flags.StringVar(&f.format, "format", "", "print one of "+strings.Join(formats, ", ")+" to stdout and write no folder")
	flags.StringVar(&f.state, "state", "", "folder that keeps mirrors, facts and results: the next run reads only what is new; no folder is written beside it unless --out names one")
	flags.StringSliceVar(&f.AcceptShrink, "accept-shrink", nil, "repository whose stored figures may be given up though it has shrunk, is empty or gone; \""+analyzer.AcceptSources+"\" for the list of repositories; may be given several times")
	flags.IntVar(&f.Retain, "retain", 60, "how many results a state keeps, and of older ones the last of each month; 0 for all")
	flags.StringVar(&f.Source.MirrorsDir, "mirrors", "", "folder of mirrors (default that of the state, else orrery/mirrors in the user's cache folder)")
	flags.BoolVar(&f.Source.Offline, "offline", false, "fetch nothing; what has no mirror is skipped and reported")
	flags.StringVar(&f.asOf, "as-of", "", "day that relative windows count from, YYYY-MM-DD (default the newest committer date of a head)")
	flags.StringVar(&f.from, "from", "", "first day of a window of its own, YYYY-MM-DD")
	flags.StringVar(&f.to, "to", "", "day before which that window ends")
	flags.BoolVar(&f.Source.Former, "former", false, "fetch repositories that have left the ecosystem as well; without it they are read where there is a mirror")
	flags.StringVar(&f.Revision, "rev", "", "branch, tag or commit to read of every repository (default its default branch, or what the manifest names)")
	flags.StringArrayVar(&f.Ranges, "range", nil, "window over commits, FROM..TO, for each repository that has both revisions; may be given several times")
	flags.StringVar(&f.Accounting, "accounting", "", "count by the rules of "+strings.Join(accountings(), ", ")+" as well, and print that")
	flags.StringArrayVar(&f.Organizations, "organizations", nil, "organizations file; may be given several times, the first that fits wins")
	flags.StringArrayVar(&f.Mailmaps, "mailmap", nil, "mailmap in git's format; may be given several times")
	flags.StringVar((*string)(&f.RollUp), "roll-up", string(people.LevelBrand), "what organizations are rolled up to, at the date of each commit: "+strings.Join(people.Levels(), ", "))
	flags.StringVar((*string)(&f.Contractors), "contractors", string(people.ReadBoth), "how contractors are read: both, apart (as firms of their own) or client (as part of their client)")
	flags.StringVar((*string)(&f.CoAuthors), "co-authors", "", coAuthorsHelp)
	flags.StringSliceVar(&f.Rules, "rules", nil, rulesHelp)
	flags.StringArrayVar(&f.OptOut, "opt-out", nil, "file of people who do not want to be told apart, made by orrery organizations opt-out; may be given several times")
	flags.StringArrayVar(&f.Governance, "governance", nil, governanceHelp)
	flags.StringArrayVar(&f.Bots, "bot", nil, "pattern of a name or an address of a machine account; may be given several times")
	flags.StringArrayVar(&f.beside, "beside", nil, besideHelp)
	flags.IntVar(&f.top, "top", 40, "how many organizations, repositories and people (each) the graph shows; it says what it leaves out; 0 for all")
	flags.BoolVar(&f.Names, "names", false, "print the names of people, not only pseudonyms")
	flags.StringVar(&f.keyFile, "pseudonym-key", "", "file with the key of the pseudonyms (default that of the state, else one in the user's configuration folder; made when it is first needed)")
	flags.BoolVar(&f.NoRenames, "no-renames", false, "take renames as a removal and an addition")
	flags.IntVar(&f.RenameLimit, "rename-limit", 1000, "as git's diff.renameLimit")
	flags.BoolVar(&f.Source.AllowHTTP, "allow-http", false, "mirror from http:// as well")
	flags.BoolVar(&f.Source.AllowSSH, "allow-ssh", false, "mirror from ssh:// as well")
	f.forges.add(flags)
	flags.DurationVar(&f.Source.Limits.Total, "fetch-timeout", 3*time.Hour, "longest fetch of one repository")
	flags.DurationVar(&f.timeout, "timeout", 0, "longest run, as 2h30m; the run fails that takes longer (default no limit)")
	flags.DurationVar(&f.ReadTimeout, "timeout-each", 0, "longest fetch and longest reading of one repository; it is skipped if it takes longer (default no limit)")
	flags.Int64Var(&f.memory, "memory", 0, "most memory to use, in MiB, packs that are mapped aside; a repository that takes more to read is skipped (default no limit)")
	flags.StringArrayVar(&f.Alerts, "alert", nil, "threshold to tell of, with exit status 4, as 'elephant_factor < 2'; may be given several times; see orrery help alerts")
	flags.StringVar(&f.metrics, "metrics", "", "file to write figures of the run to, as OpenMetrics text for the node exporter's textfile collector")
	flags.StringVar(&f.log, "log", "", "what stderr holds: json for one JSON object on each line, and one for each repository (default text)")
	flags.IntVar(&f.Workers, "workers", 0, "goroutines (default one for each processor); changes no result")
	flags.BoolVar(&f.allowPartial, "allow-partial", false, "exit with 0 though something was skipped")
	flags.BoolVar(&f.quiet, "quiet", false, "no progress and no summary")
	return cmd
}

const governanceHelp = "file of what no repository states (boards, trademark, licence, CLA, CI, signing, forge), with sources and dates; may be given several times"

const coAuthorsHelp = "whom a commit with Co-authored-by counts for: author (alone), each (co-authors too, without lines) or split (dealt to one of them) (default what the ecosystem file says, else author)"

const rulesHelp = "rules about people to turn on or off, as -created-by,+repair, after those of the ecosystem file; see orrery help rules"

// checkPeople refuses what people cannot be counted by.
func (f *analyzeFlags) checkPeople() error {
	for _, c := range []struct {
		flag, value string
		all         []string
	}{
		{"roll-up", string(f.RollUp), people.Levels()},
		{"contractors", string(f.Contractors), people.Readings()},
		{"co-authors", string(f.CoAuthors), people.CoAuthorPolicies()},
	} {
		if c.value != "" && !slices.Contains(c.all, c.value) {
			return usagef("--%s %s: must be one of %s", c.flag, c.value, strings.Join(c.all, ", "))
		}
	}
	if _, err := people.ParseRules(f.Rules); err != nil {
		return usagef("--rules: %v", err)
	}
	return nil
}

// setAsOf reads --as-of: the day belongs to the windows that end with it.
func (f *analyzeFlags) setAsOf() error {
	if f.asOf == "" {
		return nil
	}
	day, err := time.Parse(time.DateOnly, f.asOf)
	if err != nil || day.Year() < 1990 || day.Year() > 2099 {
		return usagef("--as-of %s: must be a day like 2026-08-31", f.asOf)
	}
	f.AsOf = day.Unix() + 24*60*60 - 1
	return nil
}

// watched runs, and tells those who watch.
func (f *analyzeFlags) watched(cmd *cobra.Command, streams Streams) error {
	if f.log != "" && f.log != "json" {
		return usagef("--log %s: must be json", f.log)
	}
	if t, ok := streams.Err.(*talk); ok && f.log == "json" {
		f.Log = t.asLog()
	}
	if f.timeout < 0 || f.ReadTimeout < 0 {
		return usagef("--timeout and --timeout-each cannot be negative")
	}
	if f.memory < 0 || f.memory > 0 && f.memory < leastMemory {
		return usagef("--memory %d: must be %d MiB or more", f.memory, leastMemory)
	}
	if f.memory > 0 {
		f.Memory = f.memory << 20
		defer debug.SetMemoryLimit(debug.SetMemoryLimit(f.Memory))
	}
	if debug.SetMemoryLimit(-1) == math.MaxInt64 {
		// Never written to, so that no memory stands behind it, but the collector reckons with it: what is small is read with hardly a collection. (What is made by
		// make is sometimes written to, with zeros.)
		var reserve strings.Builder
		reserve.Grow(collectAbove)
		defer runtime.KeepAlive(&reserve)
	}
	if info, err := os.Stat(filepath.Dir(f.metrics)); f.metrics != "" && (err != nil || !info.IsDir()) {
		return usagef("--metrics %s: there is no folder %s", f.metrics, filepath.Dir(f.metrics))
	}
	f.Progress = &analyzer.Progress{}
	start := time.Now()
	ctx, cancel := cmd.Context(), func() {}
	if f.timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, f.timeout)
	}
	defer cancel()
	outcome, err := f.run(ctx, cmd, streams)
	if errors.Is(err, context.DeadlineExceeded) && cmd.Context().Err() == nil {
		err = fmt.Errorf("out of time: the run takes longer than %v (--timeout)", f.timeout)
	}
	run := report.Run{Exit: int(exitCode(err)), Seconds: float64(time.Since(start).Milliseconds()) / 1000, Commits: f.Progress.Commits.Load(), Ended: time.Now()}
	if outcome != nil {
		run.Model = outcome.Model
		for _, a := range outcome.Alerts {
			if a.Crossed {
				run.Crossed++
			}
		}
	}
	if f.Log != nil {
		f.Log.Info("run has ended", "status", run.Exit, "seconds", run.Seconds, "commits", run.Commits)
	}
	if f.metrics != "" {
		failed := analyzer.WriteFile(f.metrics, func(w *os.File) error { return report.WriteOpenMetrics(w, run) })
		if failed != nil {
			complain(err, streams)
			return fmt.Errorf("writing metrics: %w", failed)
		}
	}
	return err
}

// tell prints what became of the alerts, and gives the error that stands for it.
func (f *analyzeFlags) tell(outcome *analyzer.Outcome, streams Streams) error {
	crossed, undecided := false, false
	for _, a := range outcome.Alerts {
		switch {
		case a.Crossed:
			crossed = true
			fmt.Fprintln(streams.Err, "orrery: "+a.Line)
		case a.Err != nil:
			undecided = true
			fmt.Fprintln(streams.Err, "orrery: cannot be decided: "+report.Printable(a.Err.Error()))
		}
	}
	if outcome.Skipped && !f.allowPartial && (f.quiet || f.format != "") {
		fmt.Fprintln(streams.Err, "orrery: something was skipped; the result says what")
	}
	switch {
	case crossed:
		return errCrossed
	case (outcome.Skipped || undecided) && !f.allowPartial:
		return errInPart
	}
	return nil
}

func (f *analyzeFlags) run(ctx context.Context, cmd *cobra.Command, streams Streams) (*analyzer.Outcome, error) {
	if f.format != "" && !slices.Contains(formats, f.format) {
		return nil, usagef("--format %s: must be one of %s", f.format, strings.Join(formats, ", "))
	}
	if f.format != "" && cmd.Flags().Changed("out") {
		return nil, usagef("--format prints to stdout and --out writes a folder: choose one")
	}
	if f.top < 0 || f.RenameLimit < 0 || f.Workers < 0 {
		return nil, usagef("--top, --rename-limit and --workers cannot be negative")
	}
	if err := f.checkPeople(); err != nil {
		return nil, err
	}
	if err := f.setAsOf(); err != nil {
		return nil, err
	}
	window, err := period(f.from, f.to)
	if err != nil {
		return nil, err
	}
	if window != nil {
		f.Windows = append(f.Windows, *window)
	}
	f.BesideFiles = f.beside
	if f.Beside, err = readBeside(f.beside); err != nil {
		return nil, err
	}
	if _, ok := measure.AccountingByName(f.Accounting); f.Accounting != "" && !ok {
		return nil, usagef("--accounting %s: must be one of %s", f.Accounting, strings.Join(accountings(), ", "))
	}
	for _, text := range f.Ranges {
		if _, _, err := history.SplitRange(text); err != nil {
			return nil, usagef("--range: %v", err)
		}
	}
	if f.Retain < 0 {
		return nil, usagef("--retain cannot be negative")
	}
	if err := f.forges.apply(&f.Source, streams); err != nil {
		return nil, err
	}
	f.ForgeFacts = f.forges.facts
	if f.forges.query {
		return nil, f.query(ctx, cmd, streams)
	}
	if f.state == "" {
		f.state = source.StateDir(f.Sources)
	}
	if f.state == "" && len(f.AcceptShrink) > 0 {
		return nil, usagef("--accept-shrink is about a state: name it with --state")
	}
	if f.state == "" && f.ForgeFacts {
		return nil, usagef("--forge-facts keeps what forges tell in a state: name it with --state")
	}
	if f.state != "" {
		s, err := state.Open(disk.Real{}, f.state)
		if err != nil {
			return nil, err
		}
		defer s.Close()
		f.State, f.Now, f.Program, f.Top = s, time.Now(), program(), f.top
		f.Source.MirrorsDir = cmp.Or(f.Source.MirrorsDir, s.MirrorsDir())
		f.Source.ForgesDir, f.Source.ListsDir = s.ForgesDir(), s.ListsDir()
		if !cmd.Flags().Changed("out") {
			f.out = ""
		}
	}
	if f.State != nil && f.keyFile == "" {
		f.PseudonymKey, err = f.State.Key()
	} else {
		f.PseudonymKey, err = pseudonymKey(f.keyFile)
	}
	if err != nil {
		return nil, err
	}
	if f.format == "" && f.out != "" {
		remove, err := prepare(f.out)
		if err != nil {
			return nil, err
		}
		defer remove()
	}
	f.Version = version()
	if f.ReadTimeout > 0 {
		f.Source.Limits.Total = min(f.Source.Limits.Total, f.ReadTimeout)
	}
	progress := startProgress(streams, f.Progress, &f.Source, f.quiet)
	outcome, err := analyzer.Run(ctx, f.Options)
	progress.stop()
	if f.State != nil {
		for _, notice := range f.State.Notices() {
			fmt.Fprintln(streams.Err, "orrery: "+report.Printable(source.Redact(notice)))
		}
	}
	if err != nil {
		return nil, err
	}
	if f.format != "" {
		if err := f.print(outcome, streams.Out); err != nil {
			return outcome, fmt.Errorf("writing to stdout: %w", err)
		}
	} else if err := f.write(outcome, streams); err != nil {
		return outcome, err
	}
	return outcome, f.tell(outcome, streams)
}

func (f *analyzeFlags) print(o *analyzer.Outcome, w io.Writer) error {
	name := map[string]string{"json": resultFile, "csv": "tables/" + f.table() + ".csv", "dot": "graph.dot"}[f.format]
	if name == "" {
		return f.summarize(w, o.Model)
	}
	return o.WriteFile(w, name, f.top)
}

// table is the one that --format csv prints.
func (f *analyzeFlags) table() string {
	if f.Accounting != "" {
		return "accounting"
	}
	return "organizations"
}

func (f *analyzeFlags) summarize(w io.Writer, m *report.Model) error {
	write := report.WriteText
	if f.Accounting != "" {
		write = report.WriteAccounting
	}
	if err := write(w, m, width(w)); err != nil {
		return err
	}
	return report.WriteBeside(w, m, width(w))
}

func accountings() (names []string) {
	for _, rules := range measure.Accountings {
		names = append(names, rules.Name)
	}
	return names
}

// prepare makes the folder, because it is better to know before the work that nothing can be written than after it. remove takes it away as
// far as it was made here and nothing is in it.
func prepare(out string) (remove func(), err error) {
	var made []string
	for dir := filepath.Join(out, "tables"); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		made = append(made, dir)
	}
	remove = func() {
		for _, dir := range made {
			_ = os.Remove(dir) // fails if there is anything in it
		}
	}
	if err = os.MkdirAll(filepath.Join(out, "tables"), 0o755); err != nil {
		return nil, fmt.Errorf("making the folder of the result: %w", err)
	}
	try, err := os.MkdirTemp(out, ".tables-*")
	if err == nil {
		err = os.Remove(try)
	}
	if err != nil {
		remove()
		return nil, fmt.Errorf("writing to the folder of the result: %w", err)
	}
	return remove, nil
}

// write fills the folder: first everything beside it, then one rename after the other, result.json last.
func (f *analyzeFlags) write(o *analyzer.Outcome, streams Streams) error {
	if f.out != "" {
		if err := f.fill(o); err != nil {
			return err
		}
	}
	if f.quiet {
		return nil
	}
	if err := f.summarize(streams.Out, o.Model); err != nil {
		return fmt.Errorf("writing to stdout: %w", err)
	}
	var err error
	if f.out != "" {
		_, err = fmt.Fprintf(streams.Out, "\nWritten to %s: result.json, graph.dot, report.html, %d tables.\n", source.Redact(f.out), len(report.Tables))
	}
	if err == nil && o.Unchanged {
		_, err = fmt.Fprintf(streams.Out, "\nUnchanged since %s: nothing new, and all that shapes the result is the same.\n", o.Stored.Name)
	} else if err == nil && o.Stored != nil {
		_, err = fmt.Fprintf(streams.Out, "\nKept as the result %s of %s.\n", o.Stored.Name, source.Redact(f.state))
	}
	return err
}

func (f *analyzeFlags) fill(o *analyzer.Outcome) error {
	made, err := os.MkdirTemp(f.out, ".tables-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(made)
	names := o.Names()
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	beside := func(name string) string { return filepath.Join(made, filepath.Base(name)) }
	for _, name := range names {
		g.Go(func() error {
			err := writeNew(beside(name), filepath.Dir(name) != "tables", func(w io.Writer) error { return o.WriteFile(w, name, f.top) })
			if err != nil {
				return fmt.Errorf("writing %s to %s: %w", name, f.out, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	// What appears last is what others look for: by then everything else is there.
	for _, name := range slices.Backward(names) {
		if err := os.Rename(beside(name), filepath.Join(f.out, name)); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}
	return nil
}

// writeNew writes a file that is not there; sync also waits until the disk has it.
func writeNew(path string, sync bool, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(f, 64<<10)
	if err = write(out); err == nil {
		err = out.Flush()
	}
	if err == nil && sync {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// collectAbove is about how many bytes may be in use before garbage is collected.
const collectAbove = 64 << 20

// leastMemory is about what the program takes that reads nothing, in MiB.
const leastMemory = 64

// keyBytes is the length of a key that is made.
const keyBytes = 32

// pseudonymKey reads the key, and makes the default one when it is first needed. Pseudonyms are stable as long as it is.
func pseudonymKey(path string) ([]byte, error) {
	made := path == ""
	if made {
		dir, err := os.UserConfigDir()
		if err != nil {
			return nil, fmt.Errorf("looking for the key of the pseudonyms: %w; name one with --pseudonym-key", err)
		}
		path = filepath.Join(dir, "orrery", "pseudonym.key")
	}
	b, err := readKey(path)
	if made && errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, fmt.Errorf("making the key of the pseudonyms: %w; name one with --pseudonym-key", err)
		}
		key := make([]byte, keyBytes)
		if _, err := rand.Read(key); err != nil {
			return nil, err
		}
		b = []byte(hex.EncodeToString(key) + "\n")
		err = writeKey(path, b)
		if errors.Is(err, fs.ErrExist) { // another run was faster
			b, err = readKey(path)
		}
		if err != nil {
			return nil, fmt.Errorf("making the key of the pseudonyms: %w; name one with --pseudonym-key", err)
		}
	} else if err != nil {
		return nil, fmt.Errorf("reading the key of the pseudonyms: %w", err)
	}
	key := []byte(strings.TrimSpace(string(b)))
	if len(key) < 16 {
		return nil, usagef("the key of the pseudonyms in %s has less than 16 characters", path)
	}
	return key, nil
}

// maxKey is far more than a key is long: what is named by mistake may have no end.
const maxKey = 4 << 10

func readKey(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxKey))
}

// writeKey makes a file that appears whole, and never replaces one.
func writeKey(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err = f.Write(b); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), path)
}
