package history

import (
	"bytes"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"orrery/analyzer/facts"
	"orrery/analyzer/history/odb"
)

// walk is the commits that can be reached from a head, in the order of [facts.Repository.Commits].
type walk struct {
	commits []walked
	skips   []facts.Skip
	missing int // parents that could not be read
}

type walked struct {
	*commit
	id      facts.ID
	tree    odb.Number // None if absent
	parents []uint32   // rows; those that could be read
	lost    bool       // a parent could not be read: what the commit changed is unknown
}

// Objects behind a wanted commit are read ahead, since packs hold commits one after another: so many at once, and so many by one worker.
const (
	prefetch     = 4096
	prefetchPart = 64
)

// ahead is objects that are read ahead.
type ahead struct {
	numbers []odb.Number
	commits []*commit // nil where there is none
	errs    []error
	wait    func() error
}

// readCommits walks from head to the roots. Commits are read ahead in the order of the pack, on all workers: a chain of parents alone would
// keep one busy. order is by ancestry first, then committer date, then id. Commits that known gives are not read.
func readCommits(
	ctx context.Context, r *Repository, head facts.ID, readers []*odb.Reader, known func(facts.ID) *commit,
) (*walk, error) {
	db := r.Objects
	w := &walk{}
	parsed := make([]*commit, db.Len()) // by object number
	failed := make(map[odb.Number]error)
	window := prefetch
	kept := make([]*copies, len(readers))
	for i := range kept {
		kept[i] = newCopies()
	}
	// start reads the objects behind at, on all workers.
	start := func(at odb.Number) *ahead {
		a := &ahead{numbers: db.Near(nil, at, window)}
		a.commits, a.errs = make([]*commit, len(a.numbers)), make([]error, len(a.numbers))
		var next, others atomic.Int64
		g, ctx := errgroup.WithContext(ctx)
		for k, reader := range readers {
			g.Go(func() error {
				for {
					// The first part holds the object that is wanted, so it is read whatever the others found.
					lo := int(next.Add(prefetchPart)) - prefetchPart
					if lo >= len(a.numbers) || lo > 0 && others.Load() > 64 {
						return nil
					}
					if ctx.Err() != nil {
						return ctx.Err()
					}
					for i := lo; i < min(lo+prefetchPart, len(a.numbers)); i++ {
						n := a.numbers[i]
						a.errs[i] = odb.Guard(func() (err error) {
							if parsed[n] != nil {
								return nil
							}
							if n != at {
								e, err := reader.Entry(n)
								if err != nil || e.Kind != odb.Commit {
									others.Add(1) // read ahead in vain; whoever needs it learns why
									return nil    //nolint:nilerr // as said
								}
							}
							a.commits[i], err = readCommitNumber(reader, db, n, kept[k])
							return err
						})
						reader.Release()
					}
				}
			})
		}
		a.wait = g.Wait
		return a
	}
	take := func(a *ahead) error {
		if err := a.wait(); err != nil {
			return err
		}
		found := 0
		for i, n := range a.numbers {
			if a.errs[i] != nil {
				failed[n] = a.errs[i]
			} else if a.commits[i] != nil {
				parsed[n] = a.commits[i]
				found++
			}
		}
		// Where commits lie scattered among other objects, there is nothing to be gained from reading on.
		window = min(max(4*found, 8), prefetch)
		return nil
	}
	// While commits are strung together, those behind them are read: later is what is being read, nil if nothing is.
	var later *ahead
	defer func() {
		if later != nil {
			_ = later.wait()
		}
	}()
	fetch := func(at odb.Number) error {
		last := later
		later = nil
		if last != nil {
			if err := take(last); err != nil {
				return err
			}
		}
		if parsed[at] == nil && failed[at] == nil {
			last = start(at)
			if err := take(last); err != nil {
				return err
			}
		}
		if n := len(last.numbers); n > 0 && window == prefetch && parsed[last.numbers[n-1]] != nil {
			later = start(last.numbers[n-1])
		}
		return nil
	}
	get := func(id facts.ID, n odb.Number) (*commit, error) {
		if n == odb.None {
			return nil, &odb.Error{Reason: facts.Missing, ID: id, Err: errors.New("a commit is missing")}
		}
		if parsed[n] == nil && failed[n] == nil {
			if err := fetch(n); err != nil {
				return nil, err
			}
		}
		return parsed[n], failed[n]
	}

	index := make([]int32, db.Len()) // by object number: the row plus one
	lost := map[facts.ID]bool{}
	var found []walked
	add := func(id facts.ID, n odb.Number) (int32, error) {
		if n != odb.None && index[n] != 0 {
			return index[n] - 1, nil
		}
		if lost[id] {
			return -1, nil
		}
		var c *commit
		var err error
		if known != nil && n != odb.None {
			c = known(id)
		}
		if c == nil {
			c, err = get(id, n)
		}
		if err != nil {
			if ctx.Err() != nil {
				return 0, ctx.Err()
			}
			lost[id] = true
			w.missing++
			w.skips = append(w.skips, facts.Skip{
				Reason: odb.ReasonOf(err), Object: id, Commit: facts.None, Path: facts.None, Detail: "a commit; history before it is unknown",
			})
			return -1, nil
		}
		if r.shallow[id] {
			c.parents, c.parentsAt = nil, nil
		}
		i := int32(len(found))
		index[n] = i + 1
		found = append(found, walked{commit: c, id: id})
		return i, nil
	}
	headAt := odb.None
	if n, ok := db.Lookup(head); ok {
		headAt = n
	}
	if i, err := add(head, headAt); err != nil {
		return nil, err
	} else if i < 0 {
		return nil, fmt.Errorf("reading commit %s: %w", head, errMissingHead)
	}
	children := []int32{0}
	parentRows := [][]int32{}
	for i := 0; i < len(found); i++ {
		rows := make([]int32, 0, len(found[i].commit.parents))
		for k, id := range found[i].commit.parents {
			p, err := add(id, found[i].parentsAt[k])
			if err != nil {
				return nil, err
			}
			if p < 0 {
				found[i].lost = true
				continue
			}
			rows = append(rows, p)
		}
		parentRows = append(parentRows, rows)
		for len(children) < len(found) {
			children = append(children, 0)
		}
		for _, p := range rows {
			children[p]++
		}
	}
	return w, w.sort(found, parentRows)
}

var errMissingHead = errors.New("the commit to start from is missing or damaged")

// sort puts parents before children: the commits that are ready, by date and id.
func (w *walk) sort(found []walked, parents [][]int32) error {
	waits := make([]int32, len(found))
	kidsAt := make([]int32, len(found)+1) // where the children of a commit begin, and end with the next one's
	q := &queue{found: found}
	for i, ps := range parents {
		waits[i] = int32(len(ps))
		for _, p := range ps {
			kidsAt[p]++
		}
		if len(ps) == 0 {
			q.rows = append(q.rows, int32(i))
		}
	}
	sum := int32(0)
	for i, n := range kidsAt {
		sum += n
		kidsAt[i] = sum
	}
	kids := make([]int32, sum)
	for i, ps := range parents {
		for _, p := range ps {
			kidsAt[p]--
			kids[kidsAt[p]] = int32(i)
		}
	}
	heap.Init(q)
	row := make([]uint32, len(found))
	w.commits = make([]walked, 0, len(found))
	for q.Len() > 0 {
		i := heap.Pop(q).(int32)
		row[i] = uint32(len(w.commits))
		c := found[i]
		c.tree = c.treeAt
		for _, p := range parents[i] {
			c.parents = append(c.parents, row[p])
		}
		w.commits = append(w.commits, c)
		for _, k := range kids[kidsAt[i]:kidsAt[i+1]] {
			if waits[k]--; waits[k] == 0 {
				heap.Push(q, k)
			}
		}
	}
	if len(w.commits) != len(found) {
		return errors.New("commits are their own ancestors") // cannot be: names are hashes
	}
	return nil
}

// queue is a heap of rows by committer date, then id.
type queue struct {
	found []walked
	rows  []int32
}

func (q *queue) Len() int { return len(q.rows) }
func (q *queue) Less(i, j int) bool {
	a, b := &q.found[q.rows[i]], &q.found[q.rows[j]]
	if x, y := a.committer.when.Unix, b.committer.when.Unix; x != y {
		return x < y
	}
	return bytes.Compare(a.id[:], b.id[:]) < 0
}
func (q *queue) Swap(i, j int) { q.rows[i], q.rows[j] = q.rows[j], q.rows[i] }
func (q *queue) Push(x any)    { q.rows = append(q.rows, x.(int32)) }
func (q *queue) Pop() any {
	x := q.rows[len(q.rows)-1]
	q.rows = q.rows[:len(q.rows)-1]
	return x
}
