package analyzer

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"orrery/analyzer/facts"
	"orrery/analyzer/history"
	"orrery/analyzer/measure"
	"orrery/analyzer/people"
	"orrery/analyzer/report"
	"orrery/analyzer/report/page"
	"orrery/analyzer/source"
	"orrery/analyzer/state"
)

// ErrShrunk is wrapped by the error of a run whose sources name less than half of the repositories that the last result has.
var ErrShrunk = errors.New("the sources have shrunk")

// AcceptSources stands in [Options.AcceptShrink] for the sources themselves.
const AcceptSources = "sources"

// What is too small for a sudden shrink to mean anything.
const (
	shrinkCommits      = 10
	shrinkLines        = 100
	shrinkRepositories = 4
)

// stored is what a run with a state knows of a repository before its facts are needed.
type stored struct {
	entry  state.Entry
	want   state.Want
	ranges string // the commits that ranges end at
	kept   string // why the figures are those of an earlier reading; "" if they are not
	other  string // why facts were of no use that another version made; "" if there were none
}

func accepts(opts *Options, key string) bool { return slices.Contains(opts.AcceptShrink, key) }

// factsOptions names the options that shape facts.
func factsOptions(opts *Options) string {
	text := fmt.Sprintf("renames=%v limit=%d ownership=true", !opts.NoRenames, cmp.Or(opts.RenameLimit, 1000))
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// wanted says what facts of a repository must come from, by a look at its references.
func wanted(repository *history.Repository, r *source.Repository, opts *Options) (w state.Want, err error) {
	w = state.Want{Key: r.Key, Engine: history.Engine, Options: factsOptions(opts), Origin: repository.Origin(), Objects: objects(r.Dir)}
	w.Head, w.Branch, err = repository.Resolve(cmp.Or(opts.Revision, r.Revision))
	return w, err
}

// objects names what there is to read: packs by name, size and time.
func objects(dir string) string {
	h := sha256.New()
	for _, pack := range packs(dir) {
		fmt.Fprintf(h, "%s %d %d\n", pack.Name(), pack.Size(), pack.ModTime().UnixNano())
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// keepOne looks whether the stored facts of a repository are those of its tip. If they are not it reads what is new, and stores that. What
// goes wrong with the state is fatal, what goes wrong with the repository is not.
func keepOne(ctx context.Context, r *source.Repository, opts Options, workers int, p *history.Progress, out *reading) (fatal error) {
	repository, err := history.Open(r.Dir)
	if err != nil {
		out.err = err
		return nil
	}
	defer repository.Close()
	w, err := wanted(repository, r, &opts)
	if err != nil {
		out.err = err
		return nil
	}
	out.stored.want = w
	out.stored.entry = opts.State.Look(w)
	out.stored.ranges = rangeEnds(repository, opts.Ranges)
	e := &out.stored.entry
	if e.Condition == state.Equal {
		return nil
	}
	alarm, raised := opts.State.Alarm(r.Key)
	if raised && alarm.Head == w.Head.String() && e.Usable() && !accepts(&opts, r.Key) {
		out.stored.kept = shrunk(e, alarm)
		return nil
	}
	switch e.Condition {
	case state.Corrupt:
		opts.State.Note("%s: %s: it is read again", r.Key, e.Why)
	case state.OtherVersion:
		out.stored.other = e.Why
	}
	f, err := mine(ctx, repository, w, e, opts, workers, p, cmp.Or(opts.Revision, r.Revision))
	if err != nil {
		out.err = err
		return nil
	}
	if m := e.Manifest; m != nil && !accepts(&opts, r.Key) {
		now := state.Alarm{Head: w.Head.String(), Commits: len(f.Commits), Lines: lastLines(f)}
		if 2*now.Commits < m.Commits && m.Commits >= shrinkCommits || 2*now.Lines < m.Lines && m.Lines >= shrinkLines {
			if err := opts.State.Raise(r.Key, now); err != nil {
				return err
			}
			out.stored.kept = shrunk(e, now)
			return nil
		}
	}
	return out.save(ctx, repository, f, &opts)
}

// save stores what was read of a repository. What goes wrong with the state is fatal.
func (out *reading) save(ctx context.Context, repository *history.Repository, f *facts.Repository, opts *Options) (fatal error) {
	if out.stored.entry, fatal = opts.State.Save(f, out.stored.want); fatal != nil {
		return fatal
	}
	out.err = out.hold(ctx, repository, f, opts)
	return nil
}

// mine reads a repository, from its stored facts on if they can be built on.
func mine(
	ctx context.Context, repository *history.Repository, w state.Want, e *state.Entry, opts Options, workers int, p *history.Progress, revision string,
) (*facts.Repository, error) {
	options := history.Options{
		Workers: workers, NoRenames: opts.NoRenames, RenameLimit: opts.RenameLimit, Ownership: true, Plan: true, Progress: p, Memory: opts.memory.share(opts.Workers),
	}
	base := *e
	if e.Condition == state.Missing {
		base = predecessor(repository, w, opts.gone)
	}
	// What is special about a repository is told by whoever reads it, so nothing is built on when that changed.
	if base.Condition == state.Older && base.Manifest.Origin == w.Origin {
		previous, err := opts.State.Load(base, true, workers)
		if err == nil {
			options.Previous = previous
		} else {
			opts.State.Note("%s: %v: it is read again", w.Key, err)
		}
	}
	return history.Read(ctx, repository, w.Key, revision, options)
}

// predecessor finds the facts of the repository that this one was, under another name. Two that could be it are none.
func predecessor(repository *history.Repository, w state.Want, gone map[string]state.Entry) (found state.Entry) {
	for _, key := range slices.Sorted(maps.Keys(gone)) {
		e := gone[key]
		if m := e.Manifest; m.Engine == w.Engine && m.Options == w.Options {
			if _, ok := repository.Objects.Lookup(m.Head); ok {
				if found.Manifest != nil {
					return state.Entry{}
				}
				found = e
				found.Condition = state.Older
			}
		}
	}
	return found
}

func shrunk(e *state.Entry, now state.Alarm) string {
	return fmt.Sprintf("it has shrunk from %d commits and %d lines to %d and %d at %.12s", e.Manifest.Commits, e.Manifest.Lines, now.Commits, now.Lines, now.Head)
}

func lastLines(f *facts.Repository) uint64 {
	if len(f.Steps) == 0 {
		return 0
	}
	return f.Steps[len(f.Steps)-1].Lines
}

// rangeEnds names the commits that ranges begin and end at: they move with tags and branches.
func rangeEnds(repository *history.Repository, ranges []string) string {
	var ids []string
	for _, text := range ranges {
		from, to, err := history.SplitRange(text)
		for _, revision := range []string{from, to} {
			id := facts.ID{}
			if err == nil {
				id, _, err = repository.Resolve(revision)
			}
			ids = append(ids, id.String())
		}
	}
	return strings.Join(ids, " ")
}

// noteOthers tells of facts that another version made: of all in one line, since after a change of versions these are all.
func noteOthers(repositories []source.Repository, read []reading, opts *Options) {
	first, n := "", 0
	for i := range read {
		if why := read[i].stored.other; why != "" {
			if n++; n == 1 {
				first = repositories[i].Key + ": " + why
			}
		}
	}
	switch {
	case n == 1:
		opts.State.Note("%s: it is read again", first)
	case n > 1:
		opts.State.Note("%s, and so it is with %d more: they are read again", first, n-1)
	}
}

// keepUnread gives repositories that cannot be read the figures of their stored facts, until somebody accepts that they are gone.
func keepUnread(repositories []source.Repository, read []reading, opts *Options) error {
	for i := range read {
		r, out := &repositories[i], &read[i]
		if out.err == nil {
			continue
		}
		e, ok := opts.inState[r.Key]
		if !ok {
			if e := opts.State.Look(state.Want{Key: r.Key}); e.Condition != state.Missing {
				opts.State.Note("%s: %s, and the repository cannot be read: its figures are missing", r.Key, e.Why)
			}
			continue
		}
		if accepts(opts, r.Key) {
			if err := opts.State.Forget(r.Key); err != nil {
				return err
			}
			continue
		}
		out.stored.entry, out.stored.kept = e, fmt.Sprintf("it cannot be read (%s)", reason(out.err))
		out.facts, out.err = nil, nil
	}
	return nil
}

// load reads the facts that were not read from git. What is damaged is read from there again.
func load(ctx context.Context, repositories []source.Repository, read []reading, opts Options) error {
	defer opts.memory.guard(ctx)()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(opts.Workers)
	size := func(i int) int {
		if m := read[i].stored.entry.Manifest; m != nil {
			return m.Bytes()
		}
		return 0
	}
	for _, i := range largestFirst(len(read), size) {
		out := &read[i]
		if out.facts != nil || out.err != nil {
			continue
		}
		g.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			f, err := opts.State.Load(out.stored.entry, false, opts.Workers)
			if err != nil {
				damage := err
				return inTime(ctx, &repositories[i], opts, out, func(ctx context.Context) error { return loadAgain(ctx, &repositories[i], opts, out, damage) })
			}
			if len(opts.Ranges) == 0 {
				return out.hold(ctx, nil, f, &opts)
			}
			repository, err := history.Open(repositories[i].Dir)
			if err != nil { // kept figures: the repository cannot be read, and the result says so
				out.facts, out.ends = opts.spill.keep(f), make([]*measure.Ends, len(opts.Ranges))
				return nil
			}
			defer repository.Close()
			out.err = out.hold(ctx, repository, f, &opts)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return opts.memory.check()
}

// loadAgain reads a repository whose facts are damaged from git, on one worker: others are loaded beside it.
func loadAgain(ctx context.Context, r *source.Repository, opts Options, out *reading, damage error) error {
	if out.stored.kept != "" {
		out.err, out.stored.kept = fmt.Errorf("%s, and its facts are damaged: %w", out.stored.kept, damage), ""
		return nil
	}
	opts.State.Note("%s: %v: it is read again", r.Key, damage)
	repository, err := history.Open(r.Dir)
	if err != nil {
		out.err = err
		return nil
	}
	defer repository.Close()
	f, err := mine(ctx, repository, out.stored.want, &state.Entry{Condition: state.Corrupt}, opts, 1, nil, cmp.Or(opts.Revision, r.Revision))
	if err != nil {
		out.err = err
		return nil
	}
	return out.save(ctx, repository, f, &opts)
}

// inputs gives the hash of all that shapes a result: of everything that this function's callers read, the same hash means the same result.
// "" means that nobody can tell.
func inputs(e *source.Ecosystem, told forgesTold, read []reading, opts *Options) (string, error) {
	if opts.Program == "" {
		return "", nil
	}
	type repository struct {
		Key, Class, Subsystem, URL, Stale, Problem, Facts, Kept, Ranges string

		Spells   []source.Spell
		Formerly []string
		Former   bool
	}
	all := struct {
		Program, Version                      string
		Ecosystem                             string
		Windows                               []measure.Window
		Paths                                 []source.PathRule
		Bulk                                  []source.BulkRule
		Warnings                              []string
		AsOf                                  int64
		Ranges                                []string
		Accounting, RollUp, Contractors       string
		CoAuthors                             string
		Rules                                 []string
		Key                                   string
		Names                                 bool
		Top                                   int
		Organizations, Mailmaps, Bots, OptOut []string
		Governance                            []string
		Renames                               string
		Rolls                                 []source.Roll
		Teams                                 []source.Team
		Forges                                []string
		Beside                                []*report.Reference
		Repositories, Left                    []repository
	}{
		Program: opts.Program, Version: opts.Version, Ecosystem: e.Name, Windows: windows(e, opts.Windows), Paths: e.Paths, Bulk: e.Bulk, Warnings: e.Warnings, AsOf: opts.AsOf,
		Ranges: opts.Ranges, Accounting: opts.Accounting, RollUp: string(opts.RollUp), Contractors: string(opts.Contractors),
		CoAuthors: string(opts.coAuthors(e)), Rules: slices.Concat(e.Rules, opts.Rules),
		Key: people.KeyName(opts.PseudonymKey), Names: opts.Names, Top: opts.Top, Bots: slices.Concat(opts.Bots, e.Bots), Renames: factsOptions(opts), Rolls: e.Rolls, Teams: e.Teams, Beside: opts.Beside,
	}
	for _, list := range []struct {
		to   *[]string
		from []string
	}{
		{&all.Organizations, slices.Concat(opts.Organizations, e.Organizations)},
		{&all.Mailmaps, slices.Concat(opts.Mailmaps, e.Mailmaps)},
		{&all.OptOut, slices.Concat(opts.OptOut, e.OptOut)},
		{&all.Governance, slices.Concat(opts.Governance, e.Governance)},
	} {
		for _, path := range list.from {
			content, err := os.ReadFile(path)
			if err != nil {
				return "", nil //nolint:nilerr // whoever reads it tells
			}
			sum := sha256.Sum256(content)
			*list.to = append(*list.to, filepath.Base(path), hex.EncodeToString(sum[:]))
		}
	}
	for _, f := range told.owners {
		all.Forges = append(all.Forges, f.Forge, f.Owner, f.Sum())
	}
	for i := range read {
		r, out := &e.Repositories[i], &read[i]
		one := repository{
			Key: r.Key, Class: r.Class, Subsystem: r.Subsystem, URL: source.Redact(r.URL), Kept: out.stored.kept, Ranges: out.stored.ranges,
			Spells: r.Spells, Formerly: r.Formerly, Former: r.Former,
		}
		if r.Stale != nil {
			one.Stale = r.Stale.Error()
		}
		if out.err != nil {
			one.Problem = problem(r, out.err)
		} else {
			sum, err := out.stored.entry.Manifest.Sum()
			if err != nil {
				return "", err
			}
			one.Facts = sum
		}
		all.Repositories = append(all.Repositories, one)
	}
	for i := range e.Left {
		r := &e.Left[i]
		all.Left = append(all.Left, repository{Key: r.Key, Class: r.Class, Subsystem: r.Subsystem, Spells: r.Spells, Formerly: r.Formerly})
	}
	text, err := json.Marshal(all)
	if err != nil {
		return "", fmt.Errorf("hashing what the result comes from: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// checkSources refuses sources that name less than half of what the last result has: a list that was cut is no news about an ecosystem.
func checkSources(e *source.Ecosystem, last *state.Result, opts *Options) error {
	if last == nil || accepts(opts, AcceptSources) {
		return nil
	}
	named := map[string]bool{}
	for i := range e.Repositories {
		named[e.Repositories[i].Key] = true
	}
	had, has := 0, 0
	for i := range last.Run.Repositories {
		if r := &last.Run.Repositories[i]; r.Head != "" {
			had++
			if named[r.Key] {
				has++
			}
		}
	}
	if had >= shrinkRepositories && 2*has < had && 2*len(e.Repositories) < had {
		return fmt.Errorf("%w: of %d repositories of the last result they name %d; the result stays as it is until --accept-shrink %s",
			ErrShrunk, had, has, AcceptSources)
	}
	return nil
}

// moved compares with the last result, and gives warnings by repository, in the order of the last result. It gives the keys that are now other
// repositories' as well.
func moved(last *state.Result, histories []*facts.Repository) (warnings, successors []string) {
	if last == nil {
		return nil, nil
	}
	byKey := map[string]*facts.Repository{}
	for _, f := range histories {
		byKey[f.Key] = f
	}
	before := map[string]bool{}
	for _, r := range last.Run.Repositories {
		before[r.Key] = true
	}
	has := func(f *facts.Repository, head string) bool {
		return f.Head.String() == head || slices.ContainsFunc(f.Commits, func(c facts.Commit) bool { return c.ID.String() == head })
	}
	for _, r := range last.Run.Repositories {
		f := byKey[r.Key]
		switch {
		case r.Head == "":
		case f == nil:
			text := "no longer among what was read"
			for _, other := range histories {
				if !before[other.Key] && has(other, r.Head) {
					text = fmt.Sprintf("renamed: it is %s now", other.Key)
					successors = append(successors, r.Key)
					break
				}
			}
			warnings = append(warnings, r.Key+": "+text)
		default:
			if r.Branch != "" && f.Branch != "" && r.Branch != f.Branch {
				warnings = append(warnings, fmt.Sprintf("%s: the branch that is read was %s, and is %s", r.Key, r.Branch, f.Branch))
			}
			if !has(f, r.Head) {
				warnings = append(warnings, fmt.Sprintf("%s: its history was rewritten: the commit %.12s of the last result is not in it", r.Key, r.Head))
			}
			if 2*len(f.Commits) < r.Commits && r.Commits >= shrinkCommits {
				warnings = append(warnings, fmt.Sprintf("%s: it has shrunk from %d commits to %d", r.Key, r.Commits, len(f.Commits)))
			}
		}
	}
	return warnings, successors
}

// from says what has to be given for the same again, from whatever folder.
func (opts *Options) from() state.RunFrom {
	absolute := func(list []string) (out []string) {
		for _, s := range list {
			out = append(out, absolutePath(s))
		}
		return out
	}
	out := state.RunFrom{
		Organizations: absolute(opts.Organizations), Mailmaps: absolute(opts.Mailmaps), OptOut: absolute(opts.OptOut),
		Bots: opts.Bots, CoAuthors: string(opts.CoAuthors), Rules: opts.Rules, Revision: opts.Revision,
		Governance: absolute(opts.Governance), RollUp: string(opts.RollUp), Contractors: string(opts.Contractors),
		NoRenames: opts.NoRenames, RenameLimit: opts.RenameLimit,
	}
	if opts.Source.MirrorsDir != "" {
		out.Mirrors = absolutePath(opts.Source.MirrorsDir)
	}
	for _, s := range opts.Sources {
		prefix, place := "", s
		for _, kind := range []string{"manifest:", "community:"} {
			if rest, ok := strings.CutPrefix(s, kind); ok {
				prefix, place = kind, rest
			}
		}
		place, suffix, cut := strings.Cut(place, "#")
		if cut {
			suffix = "#" + suffix
		}
		if !slices.Contains(source.Builtin(), s) {
			place = absolutePath(place)
		}
		out.Sources = append(out.Sources, source.Redact(prefix+place+suffix))
	}
	return out
}

// absolutePath makes what is a path here one everywhere; what is none stays as it is.
func absolutePath(s string) string {
	if _, err := os.Stat(s); err != nil {
		return s
	}
	if abs, err := filepath.Abs(s); err == nil {
		return abs
	}
	return s
}

// again takes the arguments of the last result of the state, without fetching anything.
func (opts *Options) again() error {
	last, err := opts.State.Last()
	if err != nil {
		return err
	}
	if last == nil || len(last.Run.From.Sources) == 0 {
		return fmt.Errorf("%w: the state has no result that says what it was made from: give a SOURCE", source.ErrUsage)
	}
	from := &last.Run.From
	opts.Sources, opts.Source.Offline = from.Sources, true
	opts.Source.MirrorsDir = cmp.Or(from.Mirrors, opts.Source.MirrorsDir)
	opts.Organizations = append(opts.Organizations, from.Organizations...)
	opts.Mailmaps = append(opts.Mailmaps, from.Mailmaps...)
	opts.OptOut = append(opts.OptOut, from.OptOut...)
	opts.Bots = append(opts.Bots, from.Bots...)
	opts.CoAuthors = cmp.Or(opts.CoAuthors, people.CoAuthors(from.CoAuthors))
	opts.Rules = append(slices.Clone(from.Rules), opts.Rules...)
	opts.Revision = cmp.Or(opts.Revision, from.Revision)
	opts.Governance = append(opts.Governance, from.Governance...)
	opts.RollUp, opts.Contractors = cmp.Or(opts.RollUp, people.Level(from.RollUp)), cmp.Or(opts.Contractors, people.Reading(from.Contractors))
	opts.NoRenames, opts.RenameLimit = from.NoRenames, from.RenameLimit // what is there is read with these
	return nil
}

// run says what a result came from.
func run(e *source.Ecosystem, read []reading, opts *Options, inputs string, skipped bool) state.Run {
	out := state.Run{Inputs: inputs, Options: factsOptions(opts), Engine: history.Engine, Skipped: skipped, From: opts.from()}
	for i := range e.Repositories {
		r := &e.Repositories[i]
		one := state.RunRepository{Key: r.Key, Dir: r.Dir, Revision: cmp.Or(opts.Revision, r.Revision)}
		if f := read[i].facts; f != nil {
			one.Branch, one.Head, one.Commits, one.Lines = f.Branch, f.Head.String(), len(f.Commits), lastLines(f)
		} else {
			one.Problem = problem(r, read[i].err)
		}
		out.Repositories = append(out.Repositories, one)
	}
	return out
}

// Names gives the names of a result's files, with slashes: result.json first.
func (o *Outcome) Names() []string {
	names := []string{resultName, "graph.dot", pageName}
	for i := range report.Tables {
		names = append(names, "tables/"+report.Tables[i].Name+".csv")
	}
	return names
}

// WriteFile writes the content of a file of the result. top is that of [Outcome.WriteDOT]; a result that a state keeps has the one it was
// made with.
func (o *Outcome) WriteFile(w io.Writer, name string, top int) error {
	if o.Stored != nil {
		if !slices.ContainsFunc(o.Stored.Run.Files, func(f state.RunFile) bool { return f.Name == name }) {
			return fmt.Errorf("the result %s has no %s", o.Stored.Name, name)
		}
		return o.state.CopyFile(w, o.Stored, name)
	}
	switch name {
	case resultName:
		return report.WriteJSON(w, o.Model)
	case "graph.dot":
		return o.WriteDOT(w, top)
	case pageName:
		return page.Write(w, o.Model, page.Options{})
	}
	for i := range report.Tables {
		if name == "tables/"+report.Tables[i].Name+".csv" {
			return report.Tables[i].Write(w, o.Model)
		}
	}
	return fmt.Errorf("there is no %s in a result", name)
}

const (
	resultName = "result.json"
	pageName   = "report.html"
)

// unchanged gives the last result again, if it is whole.
func unchanged(last *state.Result, opts *Options) (*Outcome, bool) {
	whole := true
	opts.State.CheckResult(last, func(err error) {
		whole = false
		opts.State.Note("%v: the result is made again", err)
	})
	if !whole || len(last.Run.Files) == 0 || last.Run.Files[0].Name != resultName {
		return nil, false
	}
	from, to := io.Pipe()
	go func() { to.CloseWithError(opts.State.CopyFile(to, last, resultName)) }()
	model, err := report.ReadHeadline(from)
	from.CloseWithError(err) // lets the copy go where it was not read to its end
	if err != nil {
		opts.State.Note("the result %s: %v: it is made again", last.Name, err)
		return nil, false
	}
	return &Outcome{Model: model, Skipped: last.Run.Skipped, Unchanged: true, Stored: last, state: opts.State}, true
}

// packs gives the files of a repository's packs.
func packs(dir string) (all []fs.FileInfo) {
	for _, objects := range []string{"objects", ".git/objects"} {
		entries, err := os.ReadDir(filepath.Join(dir, objects, "pack"))
		if err != nil {
			continue
		}
		for _, e := range entries {
			if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
				all = append(all, info)
			}
		}
	}
	return all
}

// findStored asks the state what it has, and what of it the sources do not name.
func (opts *Options) findStored(e *source.Ecosystem) (err error) {
	if opts.inState, err = opts.State.Stored(); err != nil {
		return fmt.Errorf("looking at the facts in the state: %w", err)
	}
	opts.gone = maps.Clone(opts.inState)
	for i := range e.Repositories {
		delete(opts.gone, e.Repositories[i].Key)
	}
	return nil
}

// store keeps the result, and clears away what it makes needless.
func (o *Outcome) store(run state.Run, successors []string, opts *Options) error {
	var files []state.File
	for _, name := range o.Names() {
		files = append(files, state.File{Name: name, Write: func(w io.Writer) error { return o.WriteFile(w, name, opts.Top) }})
	}
	stored, err := opts.State.SaveResult(opts.Now, run, files, opts.Workers)
	if err != nil {
		return err
	}
	o.Stored, o.state = stored, opts.State
	for _, key := range successors {
		if err := opts.State.Forget(key); err != nil {
			return err
		}
	}
	if opts.Retain > 0 {
		return opts.State.Retain(opts.Retain)
	}
	return nil
}
