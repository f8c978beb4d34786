package analyzer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"orrery/analyzer/alert"
	"orrery/analyzer/control"
	"orrery/analyzer/facts"
	"orrery/analyzer/facts/spill"
	"orrery/analyzer/history"
	"orrery/analyzer/measure"
	"orrery/analyzer/openness"
	"orrery/analyzer/paths"
	"orrery/analyzer/people"
	"orrery/analyzer/report"
	"orrery/analyzer/source"
	"orrery/analyzer/state"
	"orrery/graph"
)

// Options shape a run. Everything that changes a figure is written into the result.
type Options struct {
	// Sources are the arguments of [source.Resolve].
	Sources []string
	Source  source.Options
	// AsOf is the day that relative windows count from, Unix seconds; 0 is the newest committer date of a head that was read.
	AsOf int64
	// Workers is the number of goroutines; 0 is one for each processor. It changes no result.
	Workers int
	// NoRenames and RenameLimit are those of [history.Options].
	NoRenames   bool
	RenameLimit int
	// Organizations, Mailmaps and Bots stand before those of the ecosystem file.
	Organizations []string
	Mailmaps      []string
	Bots          []string
	// Governance are files of what no repository states, beside those of the ecosystem file.
	Governance []string
	// Revision is read of every repository, instead of its default branch or the one that its manifest names; "" for none.
	Revision string
	// Ranges are windows over commits: FROM..TO, for each repository that has both revisions.
	Ranges []string
	// Windows are periods beside those of the ecosystem file; one of the same name as another is left out.
	Windows []measure.Window
	// Beside are other ecosystems whose headline figures stand beside these in the result.
	Beside []*report.Reference
	// BesideFiles are where these came from, for the provenance.
	BesideFiles []string
	// Owners has [Explain] read who wrote the lines that stand as well, as [NeedsOwners] says.
	Owners bool
	// Transient says that the result is not for keeping: a state gives its facts and takes new ones, and its results stay as they are.
	Transient bool
	// Accounting names rules of [measure.Accountings] to count by as well; "" for none.
	Accounting string
	// OptOut are files with the digests of addresses of those who do not want to be told apart, beside those of the ecosystem file.
	OptOut []string
	// RollUp and Contractors are those of [people.Options].
	RollUp      people.Level
	Contractors people.Reading
	// CoAuthors is that of [people.Options]; "" for what the ecosystem file says.
	CoAuthors people.CoAuthors
	// Rules are switches as [people.ParseRules] reads them, after those of the ecosystem file.
	Rules []string
	// PseudonymKey keys the pseudonyms of people.
	PseudonymKey []byte
	// Names prints people's names beside their pseudonyms.
	Names bool
	// Version of the program, for the provenance.
	Version string
	// Alerts are thresholds, beside those of the ecosystem file: expressions of [alert.Compile].
	Alerts []string
	// ReadTimeout is how long reading one repository may take; one that takes longer is a problem of its own. 0 is for ever.
	ReadTimeout time.Duration
	// Memory is how many bytes the process may take, beside files that are mapped: a repository whose reading takes more is a problem of its own, and a
	// run that does fails with [ErrMemory]. 0 is any number. Whoever sets it tells the runtime too: debug.SetMemoryLimit.
	Memory int64
	// Log is told of each repository, if it is not nil: by key, without addresses.
	Log *slog.Logger
	// State keeps facts and results for the next run; nil for none. The caller opens and closes it.
	State *state.State
	// Now is the moment of the run, that a stored result is named by. Program names the very program that runs, since another one may give
	// other results from the same facts; "" if that is not known. Top is that of [Outcome.WriteDOT]. Retain is how many results are kept, of
	// older ones the last of each month; 0 is all. All are for State alone.
	Now     time.Time
	Program string
	Top     int
	Retain  int
	// ForgeFacts asks the forges that repositories lie at for pull requests, reviews and profiles, and keeps them in State.
	ForgeFacts bool
	// AcceptShrink are the keys of repositories whose stored figures may be given up though they have shrunk, are empty or gone;
	// [AcceptSources] stands for the list of repositories.
	AcceptShrink []string
	// Progress is told what happens, if it is not nil. It may be read while Run goes on.
	Progress *Progress

	// inState are the facts that the state can give, and gone those of repositories that the sources do not name.
	inState, gone map[string]state.Entry
	// lean reads no owners of lines.
	lean   bool
	memory *memory  // of Memory; nil for no limit
	loaded *loaded  // organizations that are known; nil to read them whenever they are asked for
	spill  *spilled // nil to keep facts in memory
}

// Progress of a run, in repositories and in bytes of their packs, which is what time goes with.
type Progress struct {
	Repositories, Done atomic.Int64
	Bytes, DoneBytes   atomic.Int64
	Commits            atomic.Int64 // read
	Reading            sync.Map     // *history.Progress of repositories at work -> their bytes (int64)
}

// Outcome is what a run found.
type Outcome struct {
	Model *report.Model
	Graph *graph.Graph
	// Skipped says that something could not be read: the model says what.
	Skipped bool
	// Alerts are what became of the thresholds.
	Alerts []alert.Crossing
	// Stored is where the state keeps the result; nil without a state. Unchanged says that it was there, since nothing has changed: there is
	// no graph then, and Model is that of [report.ReadHeadline].
	Stored    *state.Result
	Unchanged bool

	state *state.State // that has Stored
	spill *spilled
}

// Close gives back the room of the facts that the outcome was made of. Nothing of the outcome may be used afterwards, not even a text that was taken
// out of it: it may lie there. Whoever ends the process with it needs no Close.
func (o *Outcome) Close() error { return o.spill.close() }

// ErrNothing is wrapped by the error of a run of which no repository could be read.
var ErrNothing = errors.New("no repository could be read")

// Run does the whole job: it finds the repositories, reads their histories, resolves people, measures, and builds the model and the graph.
// Repositories that cannot be read are part of the outcome. It fails if the sources are wrong ([source.ErrUsage]), if none can be read
// ([ErrNothing]), if figures contradict each other ([measure.LawError]), or if ctx ends.
func Run(ctx context.Context, opts Options) (out *Outcome, err error) {
	opts.complete()
	opts.spill = newSpilled(&opts)
	defer func() {
		if out != nil {
			out.spill = opts.spill
		} else if closing := opts.spill.close(); closing != nil {
			err = errors.Join(err, closing)
		}
	}()
	var alerts []*alert.Rule
	var rules map[string]bool
	opts.Source.Check = func(e *source.Ecosystem) (err error) {
		if rules, err = opts.rules(e); err != nil {
			return err
		}
		alerts, err = compileAlerts(e, opts)
		return err
	}
	stages := stages{opts.Log, time.Now()}
	ecosystem, err := source.Resolve(ctx, opts.Sources, opts.Source)
	if err != nil {
		return nil, err
	}
	var last *state.Result
	told, err := forges(ctx, ecosystem, &opts)
	if err != nil {
		return nil, err
	}
	if opts.State != nil {
		if last, err = opts.State.Last(); err != nil {
			return nil, err
		}
		if err := checkSources(ecosystem, last, &opts); err != nil {
			return nil, err
		}
		if err := opts.findStored(ecosystem); err != nil {
			return nil, err
		}
	}
	if opts.State == nil {
		go opts.directory(ecosystem) //nolint:errcheck // beside the histories; whoever asks for it is told
	}
	read, err := readAll(ctx, ecosystem.Repositories, opts)
	if err != nil {
		return nil, err
	}
	from := ""
	if opts.State != nil {
		noteOthers(ecosystem.Repositories, read, &opts)
		if err := keepUnread(ecosystem.Repositories, read, &opts); err != nil {
			return nil, err
		}
		if from, err = inputs(ecosystem, told, read, &opts); err != nil {
			return nil, err
		}
		if last != nil && !opts.Transient && from != "" && from == last.Run.Inputs {
			if out, ok := unchanged(last, &opts); ok {
				for _, rule := range alerts {
					out.Alerts = append(out.Alerts, rule.Evaluate(out.Model))
				}
				return out, ctx.Err()
			}
		}
		problems := unreadable(read)
		if err := load(ctx, ecosystem.Repositories, read, opts); err != nil {
			return nil, err
		}
		if unreadable(read) != problems {
			from = "" // damaged facts that could not be made again: the next run tries
		}
		opts.inState, opts.gone = nil, nil
		for i := range read {
			read[i].stored.entry = state.Entry{} // which says what there is to read
		}
	}
	provenance := report.Provenance{Ecosystem: ecosystem.Name, Version: opts.Version, Warnings: slices.Clone(ecosystem.Warnings)}
	var histories []*facts.Repository
	var members []measure.Membership
	var ends [][]*measure.Ends
	var sources []*source.Repository // of histories
	shallow, kept := false, false
	for i := range ecosystem.Repositories {
		r := &ecosystem.Repositories[i]
		listed := report.Repository{Key: r.Key, Class: r.Class, Subsystem: r.Subsystem, URL: source.Redact(r.URL), Former: r.Former}
		if r.Stale != nil {
			provenance.Warnings = append(provenance.Warnings, fmt.Sprintf("%s was not fetched anew: %v", r.Key, r.Stale))
		}
		if err := read[i].err; err != nil {
			listed.Problem, listed.Reason = problem(r, err), reason(err)
		} else {
			f := read[i].facts
			listed.Branch, listed.Commit, listed.Shallow = f.Branch, f.Head.String(), f.Shallow
			shallow = shallow || f.Shallow
			histories = append(histories, f)
			ends = append(ends, read[i].ends)
			members = append(members, measure.Membership{Key: r.Key, Class: r.Class, Subsystem: r.Subsystem, Spells: spells(r)})
			sources = append(sources, r)
			if why := read[i].stored.kept; why != "" {
				kept = true
				provenance.Warnings = append(provenance.Warnings,
					fmt.Sprintf("%s: %s; the figures of %.12s stay until --accept-shrink %[1]s", r.Key, why, f.Head))
			}
			for _, note := range f.Notes {
				provenance.Warnings = append(provenance.Warnings, r.Key+": "+note)
			}
		}
		provenance.Repositories = append(provenance.Repositories, listed)
	}
	stages.end("facts are there", "repositories", len(histories))
	classified := make([]*paths.Classified, len(histories))
	var classes errgroup.Group // beside who is who, which is one goroutine's work
	defer classes.Wait()       //nolint:errcheck // gives none
	classes.SetLimit(opts.Workers)
	for _, i := range largestFirst(len(histories), func(i int) int { return len(histories[i].Paths) }) {
		classes.Go(func() error {
			classified[i] = classify(histories[i], sources[i], ecosystem.Paths)
			return nil
		})
	}
	warnings, successors := moved(last, histories)
	provenance.Warnings = append(provenance.Warnings, warnings...)
	if len(histories) == 0 {
		return nil, nothing(provenance.Repositories)
	}
	if opts.AsOf == 0 {
		opts.AsOf = newest(histories)
	}
	provenance.Command = opts.command(opts.AsOf)
	governance, err := governed(ecosystem, opts)
	if err != nil {
		return nil, err
	}
	book := control.Read(histories, teams(ecosystem))
	places := places(histories, ecosystem.Repositories)
	book.ReadForges(told.owners, histories, places)
	classes.Go(func() error {
		for i, acts := range book.Acts {
			book.Acts[i] = spill.Keep(opts.spill.place(), acts)
		}
		return nil
	})
	pulls := openness.Tell(told.owners, places, book)
	resolution, err := resolve(histories, ecosystem, told.owners, book.Mentions, opts)
	if err != nil {
		return nil, err
	}
	_ = classes.Wait()
	stages.end("people and paths are told apart", "persons", len(resolution.Persons), "organizations", len(resolution.Organizations))
	in := measure.Input{
		Repositories: resolution.Repositories, Membership: members, Paths: classified, Resolution: resolution, AsOf: opts.AsOf, Workers: opts.Workers,
		Accounting: opts.Accounting, Survival: true, Spill: opts.spill.place(),
	}
	in.Windows = windows(ecosystem, opts.Windows)
	provenance.Membership = membership(ecosystem, read)
	in.Bulk = corrections(ecosystem.Bulk, members)
	if in.Ranges, err = windowRanges(opts.Ranges, ends); err != nil {
		return nil, err
	}
	result, err := measure.Measure(in)
	if err = cmp.Or(err, opts.memory.check()); err != nil {
		return nil, err
	}
	clear(result.Contributions[graphWindow+1:]) // which nothing is made of
	stages.end("work is measured", "people", len(result.People[graphWindow]))
	provenance.RollUp, provenance.Contractors = string(cmp.Or(opts.RollUp, people.LevelBrand)), string(cmp.Or(opts.Contractors, people.ReadBoth))
	provenance.PseudonymKey = people.KeyName(opts.PseudonymKey)
	provenance.Options = []report.Option{
		{Name: "renames", Value: renames(opts)},
		{Name: "organizations", Value: contents(opts.Organizations, ecosystem.Organizations) + " and the embedded directory"},
		{Name: "mailmaps", Value: contents(opts.Mailmaps, ecosystem.Mailmaps)},
		{Name: "bots", Value: fmt.Sprintf("%d patterns", len(opts.Bots)+len(ecosystem.Bots))},
		{Name: "bulk imports", Value: fmt.Sprintf("%d corrections", len(ecosystem.Bulk))},
		{Name: "roll-up", Value: provenance.RollUp},
		{Name: "contractors", Value: provenance.Contractors},
		{Name: "co-authors", Value: string(opts.coAuthors(ecosystem))},
		{Name: "rules", Value: people.RulesText(rules)},
		{Name: "opt-out", Value: fmt.Sprintf("%d files", len(opts.OptOut)+len(ecosystem.OptOut))},
		{Name: "governance", Value: contents(opts.Governance, ecosystem.Governance)},
	}
	options := report.Options{Names: opts.Names, Accounting: opts.Accounting, Spill: opts.spill.place()}
	model := report.Build(result, resolution, provenance, options)
	model.Beside = opts.Beside
	pieces := result.Pieces() // and nothing else of the result from here on: it is large
	var g *graph.Graph
	var parts errgroup.Group
	parts.Go(func() error {
		model.AddControl(book.Measure(controlled(pieces, histories, ecosystem.Repositories, classified, resolution)), book, keys(histories), resolution, governance)
		model.AddOpenness(openness.Measure(opened(pieces, histories, resolution, book, pulls)), pieces.Leader(), resolution)
		return nil
	})
	parts.Go(func() error { return model.AddNetwork(pieces, resolution) })
	parts.Go(func() (err error) {
		g, err = report.Graph(pieces, resolution, graphWindow, options)
		return err
	})
	if err := parts.Wait(); err != nil {
		return nil, err
	}
	opts.spill.note()
	stages.end("control, openness and networks are measured")
	out = &Outcome{Model: model, Graph: g, Skipped: shallow || kept || told.inPart || len(pieces.Skips) > 0 || len(histories) < len(ecosystem.Repositories)}
	for _, rule := range alerts {
		out.Alerts = append(out.Alerts, rule.Evaluate(model))
	}
	if opts.State == nil || opts.Transient || ctx.Err() != nil {
		return out, ctx.Err()
	}
	if err := out.store(run(ecosystem, read, &opts, from, out.Skipped), successors, &opts); err != nil {
		return nil, err
	}
	stages.end("the result is kept")
	return out, ctx.Err()
}

// stages logs how long each stage of a run takes.
type stages struct {
	log   *slog.Logger
	since time.Time
}

func (s *stages) end(what string, args ...any) {
	now := time.Now()
	s.log.Info(what, append(args, "seconds", math.Round(now.Sub(s.since).Seconds()*1000)/1000)...)
	s.since = now
}

// teams gives the members of each team.
func teams(e *source.Ecosystem) control.Teams {
	out := control.Teams{}
	for _, t := range e.Teams {
		name := strings.ToLower(t.Name)
		out[name] = append(out[name], t.Member)
	}
	return out
}

// governed reads what no repository states, with organizations by the names that results have.
func governed(e *source.Ecosystem, opts Options) (all []control.Statement, err error) {
	files := append(slices.Clone(opts.Governance), e.Governance...)
	if len(files) == 0 {
		return nil, nil
	}
	directory, err := opts.directory(e)
	if err != nil {
		return nil, err
	}
	for _, path := range files {
		one, err := control.ReadGovernance(path)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", source.ErrUsage, err)
		}
		for i := range one {
			if one[i].File = filepath.Base(path); one[i].Organization != "" {
				at, _ := time.Parse(time.DateOnly, one[i].From)
				one[i].Organization = directory.Standing(one[i].Organization, at.Unix(), opts.RollUp)
			}
		}
		all = append(all, one...)
	}
	return all, nil
}

// controlled is what figures of control are made of.
func controlled(
	result *measure.Result, histories []*facts.Repository, repositories []source.Repository, classified []*paths.Classified, resolution *people.Resolution,
) control.Input {
	in := control.Input{Repositories: histories, Resolution: resolution, Paths: classified}
	for _, w := range result.Windows {
		if w.Kind == measure.KindWindow {
			in.Windows = append(in.Windows, control.Window(w.Window))
		}
		if w.Name == measure.LastTwelveMonths {
			in.At = w.To - 1
		}
	}
	for _, p := range places(histories, repositories) {
		in.Names = append(in.Names, p.Name)
	}
	return in
}

// opened is what openness is measured of.
func opened(
	result *measure.Result, histories []*facts.Repository, resolution *people.Resolution, book *control.Book, pulls *openness.Pulls,
) openness.Input {
	return openness.Input{
		Repositories: histories, Resolution: resolution, Book: book, Pulls: pulls, Newcomers: result.Newcomers,
		Windows: openWindows(result), Leader: result.Leader(), At: measure.EndOfDay(result.AsOf) - 1,
	}
}

// places gives where the repositories lie, and what forges call them.
func places(histories []*facts.Repository, repositories []source.Repository) (list []facts.Place) {
	byKey := map[string]facts.Place{}
	for i := range repositories {
		byKey[repositories[i].Key] = repositories[i].Place()
	}
	for _, f := range histories {
		list = append(list, byKey[f.Key])
	}
	return list
}

func keys(histories []*facts.Repository) (all []string) {
	for _, f := range histories {
		all = append(all, f.Key)
	}
	return all
}

// classify says what the files of a repository are, by the rules that are meant for it.
func classify(f *facts.Repository, r *source.Repository, rules []source.PathRule) *paths.Classified {
	opts := paths.Options{ThirdParty: r.Class == measure.ThirdParty}
	for i := range rules {
		if rules[i].Fits(r.Key) {
			opts.Rules = append(opts.Rules, rules[i].Rule)
		}
	}
	return paths.Classify(f, opts)
}

// largestFirst orders work, so that the largest piece is not what everybody waits for at the end.
func largestFirst(n int, size func(int) int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(size(b), size(a)) })
	return order
}

// complete fills in what may be left out.
func (o *Options) complete() {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	o.loaded = &loaded{}
	if o.Memory > 0 {
		o.memory = &memory{limit: uint64(o.Memory), reading: map[*held]bool{}}
	}
	if o.Progress == nil {
		o.Progress = &Progress{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// corrections finds the repositories that each rule for bulk imports is meant for.
func corrections(rules []source.BulkRule, members []measure.Membership) []measure.Correction {
	var out []measure.Correction
	for i := range rules {
		c := measure.Correction{Commit: rules[i].Commit, Is: rules[i].Is, Reason: rules[i].Reason, Place: rules[i].Place}
		for _, m := range members {
			if rules[i].Fits(m.Key) {
				c.Repositories = append(c.Repositories, m.Key)
			}
		}
		out = append(out, c)
	}
	return out
}

// problem says what is wrong with a repository, and not where on this machine it lies: results are compared and passed on.
func problem(r *source.Repository, err error) string {
	if r.Dir == "" {
		return err.Error()
	}
	return strings.ReplaceAll(err.Error(), r.Dir, r.Key)
}

// reason names the kind of a repository's problem.
func reason(problem error) string {
	for _, kind := range []struct {
		err  error
		name string
	}{
		{source.ErrAbsent, "no mirror"},
		{source.ErrUnreachable, "unreachable"},
		{source.ErrRefused, "refused"},
		{source.ErrEmpty, "empty"},
		{ErrTimeout, "out of time"},
		{ErrMemory, "out of memory"},
		{history.ErrEmpty, "empty"},
		{history.ErrNoBranch, "no default branch"},
		{history.ErrNoRevision, "no such revision"},
		{history.ErrUnsupported, "not supported"},
		{history.ErrNotRepository, "not a repository"},
	} {
		if errors.Is(problem, kind.err) {
			return kind.name
		}
	}
	return "unreadable"
}

// graphWindow is the window of the graph: all time, which stands first.
const graphWindow = 0

func renames(opts Options) string {
	if opts.NoRenames {
		return "off"
	}
	return fmt.Sprintf("git's -M50%%, limit %d", cmp.Or(opts.RenameLimit, 1000))
}

func resolve(
	histories []*facts.Repository, e *source.Ecosystem, told []*facts.Forge, mentions []people.Mention, opts Options,
) (*people.Resolution, error) {
	options, err := resolving(e, opts)
	if err != nil {
		return nil, err
	}
	options.Forges, options.Mentions = told, mentions
	return people.Resolve(histories, options)
}

// coAuthors is the policy that holds.
func (o *Options) coAuthors(e *source.Ecosystem) people.CoAuthors {
	return cmp.Or(o.CoAuthors, people.CoAuthors(e.CoAuthors), people.CoAuthorsAuthor)
}

// rules are the switches that hold.
func (o *Options) rules(e *source.Ecosystem) (map[string]bool, error) {
	rules, err := people.ParseRules(slices.Concat(e.Rules, o.Rules))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", source.ErrUsage, err)
	}
	return rules, nil
}

// loaded is the organizations, once they are read.
type loaded struct {
	once      sync.Once
	directory *people.Directory
	err       error
}

// directory reads the embedded organizations and the files of the user and of the ecosystem.
func (o *Options) directory(e *source.Ecosystem) (*people.Directory, error) {
	l := o.loaded
	if l == nil {
		l = &loaded{}
	}
	l.once.Do(func() {
		if l.directory, l.err = people.LoadDirectory(append(slices.Clone(o.Organizations), e.Organizations...)...); l.err != nil {
			l.err = fmt.Errorf("%w: %w", source.ErrUsage, l.err)
		}
	})
	return l.directory, l.err
}

// resolving reads the files that say who is who.
func resolving(e *source.Ecosystem, opts Options) (options people.Options, err error) {
	directory, err := opts.directory(e)
	if err != nil {
		return options, err
	}
	var mailmaps []*people.Mailmap
	for _, path := range append(slices.Clone(opts.Mailmaps), e.Mailmaps...) {
		m, err := people.ReadMailmap(path)
		if err != nil {
			return options, fmt.Errorf("%w: %w", source.ErrUsage, err)
		}
		mailmaps = append(mailmaps, m)
	}
	withheld := map[string]bool{}
	for _, path := range append(slices.Clone(opts.OptOut), e.OptOut...) {
		set, err := people.ReadWithheld(path)
		if err != nil {
			return options, fmt.Errorf("%w: %w", source.ErrUsage, err)
		}
		maps.Copy(withheld, set)
	}
	rules, err := opts.rules(e)
	if err != nil {
		return options, err
	}
	return people.Options{
		Rules: rules, Directory: directory, Mailmaps: mailmaps, Bots: append(slices.Clone(opts.Bots), e.Bots...), PseudonymKey: opts.PseudonymKey,
		RollUp: opts.RollUp, Contractors: opts.Contractors, CoAuthors: opts.coAuthors(e), Withheld: withheld,
	}, nil
}

// nothing explains why there is no result, as far as one line can.
func nothing(repositories []report.Repository) error {
	if len(repositories) == 0 {
		return fmt.Errorf("%w: the sources name none", ErrNothing)
	}
	r := repositories[0]
	more := ""
	if n := len(repositories) - 1; n > 0 {
		more = fmt.Sprintf(" (and %d more)", n)
	}
	return fmt.Errorf("%w: %s: %s%s", ErrNothing, r.Key, r.Problem, more)
}

// newest gives the newest committer date among the heads. Dates deeper down are not asked: one broken clock there would move every window.
func newest(histories []*facts.Repository) int64 {
	t := int64(0)
	for _, f := range histories {
		if head := f.Commits[len(f.Commits)-1].Committed; len(f.Steps) > 0 {
			if c := f.Commits[f.Steps[len(f.Steps)-1].Commit].Committed; c.Valid {
				t = max(t, c.Unix)
			}
		} else if head.Valid {
			t = max(t, head.Unix)
		}
	}
	if t == 0 {
		t = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	}
	return t
}

type reading struct {
	facts *facts.Repository
	ends  []*measure.Ends // by range
	err   error

	stored stored // of a run with a state
}

// unreadable counts the repositories that could not be read.
func unreadable(read []reading) (n int) {
	for i := range read {
		if read[i].err != nil {
			n++
		}
	}
	return n
}

// large is the size of packs from which on a repository is worth all workers.
const large = 32 << 20

// readAll reads every repository that can be read: large ones one by one on all workers, small ones side by side.
func readAll(ctx context.Context, repositories []source.Repository, opts Options) ([]reading, error) {
	defer opts.memory.guard(ctx)()
	out := make([]reading, len(repositories))
	sizes := make([]int64, len(repositories))
	order := make([]int, 0, len(repositories))
	for i := range repositories {
		r := &repositories[i]
		if r.Problem != nil {
			out[i].err = r.Problem
			opts.Log.Warn("repository cannot be read", "repository", r.Key, "reason", reason(r.Problem))
			continue
		}
		sizes[i] = packBytes(r.Dir)
		opts.Progress.Bytes.Add(sizes[i])
		order = append(order, i)
	}
	opts.Progress.Repositories.Store(int64(len(order)))
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(sizes[b], sizes[a]) })
	one := func(ctx context.Context, i, workers int) (fatal error) {
		p := &history.Progress{}
		start := time.Now()
		opts.Log.Info("repository is read", "repository", repositories[i].Key)
		opts.Progress.Reading.Store(p, sizes[i])
		fatal = readInTime(ctx, &repositories[i], opts, workers, p, &out[i])
		opts.Progress.Reading.Delete(p)
		opts.Progress.Done.Add(1)
		opts.Progress.DoneBytes.Add(sizes[i])
		opts.Progress.Commits.Add(p.Total.Load())
		if fatal == nil {
			logRead(opts.Log, repositories[i].Key, &out[i], time.Since(start))
		}
		return fatal
	}
	rest := int64(0)
	for _, i := range order {
		rest += sizes[i]
	}
	// All workers on one repository where that is worth it, or where it would be left with one worker at the end.
	for len(order) > 0 && ctx.Err() == nil {
		size := sizes[order[0]]
		if size < large && size*int64(opts.Workers) <= rest {
			break
		}
		if err := one(ctx, order[0], opts.Workers); err != nil {
			return nil, err
		}
		rest -= size
		order = order[1:]
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(opts.Workers)
	for _, i := range order {
		g.Go(func() error {
			if gctx.Err() == nil {
				return one(gctx, i, 1)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil { // of the state: what goes wrong in a repository is that repository's
		return nil, err
	}
	return out, ctx.Err()
}

func readOne(ctx context.Context, r *source.Repository, opts Options, workers int, p *history.Progress, out *reading) (err error) {
	repository, err := history.Open(r.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, repository.Close()) }()
	f, err := history.Read(ctx, repository, r.Key, cmp.Or(opts.Revision, r.Revision), history.Options{
		Workers: workers, NoRenames: opts.NoRenames, RenameLimit: opts.RenameLimit, Ownership: !opts.lean, Progress: p, Memory: opts.memory.share(opts.Workers),
	})
	if err != nil {
		return err
	}
	return out.hold(ctx, repository, f, &opts)
}

// hold takes the facts of a repository for what comes after reading, with the ends of ranges in them.
func (out *reading) hold(ctx context.Context, repository *history.Repository, f *facts.Repository, opts *Options) (err error) {
	f.Plan = nil
	if out.ends, err = findRanges(ctx, repository, f, opts.Ranges); err == nil {
		out.facts = opts.spill.keep(f)
	}
	return err
}

// packBytes estimates how much there is to read.
func packBytes(dir string) int64 {
	n := int64(0)
	for _, pack := range packs(dir) {
		n += pack.Size()
	}
	return n
}

// WriteFile writes a file so that a reader sees the old one or the new one, never a part.
func WriteFile(path string, write func(*os.File) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".orrery-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err = errors.Join(write(f), f.Sync(), f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// WriteDOT draws the graph with the heaviest nodes of each kind, or all if top is 0. The legend says what is left out.
func (o *Outcome) WriteDOT(w io.Writer, top int) error {
	g := o.Graph
	if top > 0 {
		limits := graph.Limits{Edges: 12 * top}
		for i := range limits.Top {
			limits.Top[i] = top
		}
		g = graph.Trim(g, limits)
	}
	all := o.Model.Figures[0]
	notes := []string{"all time, as of " + o.Model.AsOf}
	if c := all.Commits.Coverage; c != nil {
		notes = append(notes, fmt.Sprintf("organization known for %.1f %% of the commits", 100**c))
	}
	notes = append(notes, fmt.Sprintf("%d of %d repositories read", o.Model.Read, o.Model.Named()))
	return graph.WriteDOT(w, g, graph.Drawing{Title: o.Model.Ecosystem, Notes: notes})
}
