package analyzer

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"runtime/metrics"
	"slices"
	"sync"
	"time"

	"orrery/analyzer/alert"
	"orrery/analyzer/history"
	"orrery/analyzer/measure"
	"orrery/analyzer/people"
	"orrery/analyzer/source"
)

// ErrTimeout is why a repository was given up that took longer than [Options.ReadTimeout].
var ErrTimeout = errors.New("out of time")

// compileAlerts reads all thresholds and checks the names in them, so that nobody learns of a mistake after hours of work.
func compileAlerts(e *source.Ecosystem, opts Options) ([]*alert.Rule, error) {
	type expression struct{ text, place string }
	var all []expression
	for _, text := range opts.Alerts {
		all = append(all, expression{text, ""})
	}
	for _, a := range e.Alerts {
		all = append(all, expression{a.Expression, a.Place + ": "})
	}
	if len(all) == 0 {
		return nil, nil
	}
	windows := slices.Clone(opts.Ranges)
	for _, w := range measure.BuiltinWindows(0) {
		windows = append(windows, w.Name)
	}
	for _, w := range e.Windows {
		windows = append(windows, w.Name)
	}
	slices.Sort(windows)
	known, err := knownOrganizations(e, opts)
	if err != nil {
		return nil, err
	}
	var rules []*alert.Rule
	var wrong []error
	for _, one := range all {
		rule, err := alert.Compile(one.text)
		if err == nil {
			err = rule.Check(windows, known)
		}
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%w: %s%w", source.ErrUsage, one.place, err))
			continue
		}
		rules = append(rules, rule)
	}
	return rules, errors.Join(wrong...)
}

// knownOrganizations gives the function that [alert.Rule.Check] asks; nil where organizations get other names than those of the files.
func knownOrganizations(e *source.Ecosystem, opts Options) (func(string) (string, bool), error) {
	if cmp.Or(opts.RollUp, people.LevelBrand) != people.LevelBrand {
		return nil, nil
	}
	directory, err := opts.directory(e)
	if err != nil {
		return nil, err
	}
	return directory.Known, nil
}

// readInTime reads a repository within its limit of time.
func readInTime(ctx context.Context, r *source.Repository, opts Options, workers int, p *history.Progress, out *reading) (fatal error) {
	return inTime(ctx, r, opts, out, func(ctx context.Context) (fatal error) {
		if opts.State != nil {
			return keepOne(ctx, r, opts, workers, p, out)
		}
		out.err = readOne(ctx, r, opts, workers, p, out)
		return nil
	})
}

// inTime calls what reads a repository from git, which gives up when that takes longer or more than it may.
func inTime(ctx context.Context, r *source.Repository, opts Options, out *reading, read func(context.Context) error) (fatal error) {
	if opts.ReadTimeout <= 0 && opts.memory == nil {
		return read(ctx)
	}
	limited, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	if opts.ReadTimeout > 0 {
		takes := fmt.Errorf("%w: reading it takes longer than %v", ErrTimeout, opts.ReadTimeout)
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeoutCause(limited, opts.ReadTimeout, takes)
		defer cancel()
	}
	defer opts.memory.add(giveUp, packBytes(r.Dir))()
	fatal = read(limited)
	if out.err != nil && limited.Err() != nil && ctx.Err() == nil {
		out.facts, out.ends, out.err = nil, nil, context.Cause(limited)
	}
	return fatal
}

// ErrMemory is why a repository was given up, or a run, that needs more than [Options.Memory].
var ErrMemory = errors.New("out of memory")

// memory gives up the largest of the repositories that are being read when what is in use comes near the limit. The runtime is told of the limit too
// (by the caller: it is the process's), so that before that happens garbage is collected as often as it takes. nil for no limit.
type memory struct {
	limit uint64

	mutex   sync.Mutex
	reading map[*held]bool
}

// held is a repository that is being read.
type held struct {
	giveUp context.CancelCauseFunc
	size   int64 // of its packs
}

// near is the share of the limit from which on a reading is given up: the rest is for what is garbage already.
const near = 0.85

// add tells of a repository that is being read; the function that it gives tells of the end.
func (m *memory) add(giveUp context.CancelCauseFunc, size int64) (done func()) {
	if m == nil {
		return func() {}
	}
	h := &held{giveUp, size}
	if m.check() != nil {
		giveUp(m.takes("reading it"))
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.reading[h] = true
	return func() {
		m.mutex.Lock()
		defer m.mutex.Unlock()
		delete(m.reading, h)
	}
}

// guard watches until the function is called that it gives.
func (m *memory) guard(ctx context.Context) (stop func()) {
	if m == nil {
		return func() {}
	}
	watched, stop := context.WithCancel(ctx)
	go m.watch(watched)
	return stop
}

// watch looks at what is in use until ctx ends.
func (m *memory) watch(ctx context.Context) {
	var last *held
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(20 * time.Millisecond):
		}
		if !m.full() {
			continue
		}
		m.mutex.Lock()
		var largest *held
		for h := range m.reading {
			if largest == nil || h.size > largest.size {
				largest = h
			}
		}
		waiting := m.reading[last]
		m.mutex.Unlock()
		switch {
		case waiting: // what was given up has not let go yet
		case last != nil:
			last = nil
			runtime.GC() // what it held is garbage now, and counts until somebody collects it
		case largest != nil:
			last = largest
			largest.giveUp(m.takes("reading it"))
		}
	}
}

// full says whether what is in use comes near the limit, as the last collection found it.
func (m *memory) full() bool {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(samples)
	return float64(samples[0].Value.Uint64()+samples[1].Value.Uint64()) > near*float64(m.limit)
}

// check says so by an error where there is nothing left to give up.
func (m *memory) check() error {
	if m == nil || !m.full() {
		return nil
	}
	if runtime.GC(); !m.full() {
		return nil
	}
	return m.takes("what was read")
}

func (m *memory) takes(what string) error {
	return fmt.Errorf("%w: %s takes more than %d MiB", ErrMemory, what, m.limit>>20)
}

// share is how much of the limit each of n workers may keep of texts; 0, the default of [history.Options], if that is less.
func (m *memory) share(n int) int {
	if m == nil {
		return 0
	}
	if part := m.limit / 8 / uint64(n); part < history.DefaultMemory {
		return int(part)
	}
	return 0
}

// logRead says what came of a repository. Errors and notes are left to the result: they may hold what others wrote.
func logRead(log *slog.Logger, key string, r *reading, took time.Duration) {
	seconds := slog.Float64("seconds", float64(took.Milliseconds())/1000)
	if r.err != nil {
		log.Warn("repository cannot be read", "repository", key, "reason", reason(r.err), seconds)
		return
	}
	if r.facts == nil {
		log.Info("repository is as it was stored", "repository", key, seconds, "commits", r.stored.entry.Manifest.Commits)
		return
	}
	log.Info("repository was read", "repository", key, seconds, "commits", r.facts.Walk.Commits, "skips", len(r.facts.Skips), "warnings", len(r.facts.Notes))
}

// contents counts files and says by a digest which they are: where two results differ, an edited file is the first to ask about.
func contents(lists ...[]string) string {
	digest, n := sha256.New(), 0
	for _, path := range slices.Concat(lists...) {
		n++
		data, err := os.ReadFile(path)
		if err != nil {
			return fmt.Sprintf("%d files that could not be read again", len(slices.Concat(lists...)))
		}
		fmt.Fprintf(digest, "%d\x00", len(data))
		digest.Write(data)
	}
	switch n {
	case 0:
		return "0 files"
	case 1:
		return "1 file (" + hex.EncodeToString(digest.Sum(nil))[:8] + ")"
	}
	return fmt.Sprintf("%d files (%s)", n, hex.EncodeToString(digest.Sum(nil))[:8])
}
