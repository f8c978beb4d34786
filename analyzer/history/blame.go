package history

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"orrery/analyzer/facts"
	"orrery/analyzer/history/odb"
)

// Blamed is one file of a snapshot with the commits that wrote its lines.
type Blamed struct {
	Path string
	// Runs are stretches of lines, ascending. Binary files, submodules and files that cannot be read have none.
	Runs []BlamedRun
	// Reason says why there are none, where the file cannot be read.
	Reason facts.Reason
}

// BlamedRun is lines up to End (exclusive, counted from 0) that one commit wrote; zero where what stood before could not be read.
type BlamedRun struct {
	End    uint32
	Commit facts.ID
}

// Blame finds who wrote each line of the files of a snapshot, as `git blame` does without -M, -C and -w. paths chooses files or folders; none
// means all. Files come in the order of their paths.
func Blame(ctx context.Context, r *Repository, revision string, paths []string, opts Options) (out []Blamed, err error) {
	err = odb.Guard(func() error {
		out, err = blameHead(ctx, r, revision, paths, opts)
		return err
	})
	return out, err
}

func blameHead(ctx context.Context, r *Repository, revision string, paths []string, opts Options) ([]Blamed, error) {
	head, _, err := r.Resolve(revision)
	if err != nil {
		return nil, err
	}
	readers := opts.start(r)
	w, err := readCommits(ctx, r, head, readers, nil)
	if err != nil {
		return nil, fmt.Errorf("walking %s: %w", r.path, err)
	}
	p, err := makePlan(ctx, r, w, readers, &opts.Progress.Commits)
	if err != nil {
		return nil, fmt.Errorf("comparing the trees of %s: %w", r.path, err)
	}
	opts.head = slices.DeleteFunc(p.head, func(v uint32) bool { return !within(p.paths[p.versions[v].path], paths) })
	if len(opts.head) == 0 {
		return nil, fmt.Errorf("no such file in %s", r.path)
	}
	if err := p.findRenames(ctx, r, readers, &opts); err != nil {
		return nil, fmt.Errorf("finding renames in %s: %w", r.path, err)
	}
	m, err := p.measure(ctx, r, readers, opts, nil)
	if err != nil {
		return nil, fmt.Errorf("reading the files of %s: %w", r.path, err)
	}
	var out []Blamed
	for _, v := range opts.head {
		b := Blamed{Path: p.paths[p.versions[v].path], Reason: m.reason[v]}
		if p.versions[v].typ == facts.Submodule {
			b.Reason = facts.Measured
		}
		for _, run := range m.head[v] {
			var id facts.ID
			if run.commit != facts.None {
				id = w.commits[run.commit].id
			}
			b.Runs = append(b.Runs, BlamedRun{run.end, id})
		}
		out = append(out, b)
	}
	slices.SortFunc(out, func(a, b Blamed) int { return cmp.Compare(a.Path, b.Path) })
	return out, nil
}

// within says whether a path is one of paths, or in one of them.
func within(path string, paths []string) bool {
	for _, p := range paths {
		if n := len(p); len(path) >= n && path[:n] == p && (len(path) == n || path[n] == '/' || p[n-1] == '/') {
			return true
		}
	}
	return len(paths) == 0
}
