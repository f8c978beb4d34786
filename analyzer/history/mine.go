// Package history reads the whole history of one repository, once: its commits, the lines that each added and removed, and the
// snapshots along first parents.
//
// It goes in four steps, each on all workers, and none reads what another has read:
//
//	walk     commits from the head to the roots, in the order that everything else is in (walk.go)
//	plan     trees against their parents' trees: versions of files, and rows (compare.go, plan.go)
//	renames  rows of commits that both make and remove files (renames.go)
//	lines    lineages of versions, each blob once: lines, lines added and removed, owners (lineage.go, lines.go, ownership.go)
//
// A version is a file as one commit made it, named by (commit, path). The versions that it was made from are its parents; versions that
// hang together by parents are a lineage. Lineages share nothing, so they are read in parallel, and the result does not depend on who
// read what when. A later reading of the same repository reads only the lineages that new commits touch (extend.go).
package history

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"

	"orrery/analyzer/facts"
	"orrery/analyzer/history/odb"
)

// Engine is the version of what is read: it grows when the same repository with the same options would give other facts, so that stored ones
// are read anew.
const Engine = 2

// Options shape what is read. The zero value is git's default on all processors.
type Options struct {
	// Workers is the number of goroutines; 0 is one for each processor. It changes no result.
	Workers int
	// Limits bound single objects; zero fields are [odb.DefaultLimits].
	Limits odb.Limits
	// Memory is a bound in bytes on the contents of files that are kept for each worker, half as much on texts with their lines, and a sixth on
	// distinct lines; 0 is [DefaultMemory].
	Memory int
	// NoRenames switches renames off, as `git log --no-renames`.
	NoRenames bool
	// RenameLimit is git's diff.renameLimit; 0 is git's default, 1000.
	RenameLimit int
	// Ownership finds who wrote each line that lives, at every step: [facts.Repository.Survival].
	Ownership bool
	// Plan keeps how the versions of files hang together: [facts.Repository.Plan].
	Plan bool
	// Previous is what an earlier reading of the same repository with the same options found, its Plan included, or nil. What it holds is
	// not read again: the result is the same, sooner. Where it cannot be built on, everything is read, and Progress.Anew says why.
	Previous *facts.Repository
	// Progress is told of commits as they are planned, if it is not nil.
	Progress *Progress

	head []uint32 // versions whose owners alone are wanted
}

// Progress may be read while a history is read.
type Progress struct {
	Commits  atomic.Int64 // of Total, planned
	Total    atomic.Int64
	Files    atomic.Int64 // of Versions, with lines
	Versions atomic.Int64
	// Anew says why [Options.Previous] could not be built on, a string; nothing if it could.
	Anew atomic.Value
}

// Read reads the history of a repository from a revision ("" is the default branch) back to its roots.
//
// What cannot be read is a Skip of the result, not an error. An error means that there is no result: the repository is empty, the revision
// does not exist, or ctx is done.
func Read(ctx context.Context, r *Repository, key, revision string, opts Options) (out *facts.Repository, err error) {
	// Whatever this goroutine itself looks up; the workers guard their own.
	err = odb.Guard(func() error {
		out, err = read(ctx, r, key, revision, opts)
		return err
	})
	return out, err
}

func read(ctx context.Context, r *Repository, key, revision string, opts Options) (*facts.Repository, error) {
	head, branch, err := r.Resolve(revision)
	if err != nil {
		return nil, err
	}
	readers := opts.start(r)
	out, err := extend(ctx, r, head, readers, opts)
	if out == nil && err == nil {
		out, err = readAll(ctx, r, head, readers, opts)
	}
	if err != nil {
		return nil, err
	}
	out.Key, out.Branch, out.Head = key, branch, head
	return out, nil
}

// readAll reads everything.
func readAll(ctx context.Context, r *Repository, head facts.ID, readers []*odb.Reader, opts Options) (*facts.Repository, error) {
	w, err := readCommits(ctx, r, head, readers, nil)
	if err != nil {
		return nil, fmt.Errorf("walking %s: %w", r.path, err)
	}
	opts.Progress.Total.Store(int64(len(w.commits)))
	p, err := makePlan(ctx, r, w, readers, &opts.Progress.Commits)
	if err != nil {
		return nil, fmt.Errorf("comparing the trees of %s: %w", r.path, err)
	}
	return p.finish(ctx, r, w, readers, opts, nil)
}

// finish reads the files of a plan. What an earlier reading has measured is taken from it.
func (p *plan) finish(ctx context.Context, r *Repository, w *walk, readers []*odb.Reader, opts Options, before *earlier) (*facts.Repository, error) {
	if !opts.NoRenames || opts.owning() {
		if err := p.findRenames(ctx, r, readers, &opts); err != nil {
			return nil, fmt.Errorf("finding renames in %s: %w", r.path, err)
		}
	}
	m, err := p.measure(ctx, r, readers, opts, before)
	if err != nil {
		return nil, fmt.Errorf("reading the files of %s: %w", r.path, err)
	}
	out := assemble(r, w, p, m, opts.Plan)
	p.documents(r, readers[0], out)
	return out, nil
}

// start fills in the defaults and gives every worker a reader.
func (opts *Options) start(r *Repository) []*odb.Reader {
	if opts.Workers <= 0 {
		opts.Workers = runtime.GOMAXPROCS(0)
	}
	if opts.Limits.Object == 0 {
		opts.Limits.Object = odb.DefaultLimits.Object
	}
	if opts.Limits.Depth == 0 {
		opts.Limits.Depth = odb.DefaultLimits.Depth
	}
	if opts.Limits.Cache == 0 {
		opts.Limits.Cache = odb.DefaultLimits.Cache
	}
	if opts.Memory == 0 {
		opts.Memory = DefaultMemory
	}
	if opts.Progress == nil {
		opts.Progress = &Progress{}
	}
	readers := make([]*odb.Reader, opts.Workers)
	for i := range readers {
		readers[i] = odb.NewReader(r.Objects, opts.Limits)
	}
	return readers
}

// DefaultMemory is that of [Options.Memory], in bytes.
const DefaultMemory = 48 << 20

func (opts *Options) owning() bool { return opts.Ownership || opts.head != nil }
