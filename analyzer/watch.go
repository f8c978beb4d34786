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
	"slices"
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
	directory, err := people.LoadDirectory(append(slices.Clone(opts.Organizations), e.Organizations...)...)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", source.ErrUsage, err)
	}
	return directory.Known, nil
}

// readInTime reads a repository within its limit of time.
func readInTime(ctx context.Context, r *source.Repository, opts Options, workers int, p *history.Progress, out *reading) (fatal error) {
	read := func(ctx context.Context) (fatal error) {
		if opts.State != nil {
			return keepOne(ctx, r, opts, workers, p, out)
		}
		out.facts, out.ends, out.err = readOne(ctx, r, opts, workers, p)
		return nil
	}
	if opts.ReadTimeout <= 0 {
		return read(ctx)
	}
	limited, cancel := context.WithTimeout(ctx, opts.ReadTimeout)
	defer cancel()
	fatal = read(limited)
	if out.err != nil && limited.Err() != nil && ctx.Err() == nil {
		out.facts, out.ends, out.err = nil, nil, fmt.Errorf("%w: reading it takes longer than %v", ErrTimeout, opts.ReadTimeout)
	}
	return fatal
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
