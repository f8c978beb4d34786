package history

import (
	"bytes"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"sync"

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

// readCommits walks from head to the roots. order is by ancestry first, then committer date, then id. Commits that known gives are not read; it
// is asked by several goroutines.
func readCommits(
	ctx context.Context, r *Repository, head facts.ID, readers []*odb.Reader, known func(facts.ID) *commit,
) (*walk, error) {
	db := r.Objects
	w := &walk{}
	headAt := odb.None
	if n, ok := db.Lookup(head); ok {
		headAt = n
	}
	all, err := gather(ctx, r, headAt, readers, known)
	if err != nil {
		return nil, err
	}
	get := func(id facts.ID, n odb.Number) (*commit, error) {
		if n == odb.None {
			return nil, &odb.Error{Reason: facts.Missing, ID: id, Err: errors.New("a commit is missing")}
		}
		return all.commits[n], all.failed[n]
	}

	index := make([]int32, db.Len()) // by object number: the row plus one
	lost := map[facts.ID]bool{}
	var found []walked
	add := func(id facts.ID, n odb.Number) int32 { // its row, or -1 if it cannot be read
		if n != odb.None && index[n] != 0 {
			return index[n] - 1
		}
		if lost[id] {
			return -1
		}
		c, err := get(id, n)
		if err != nil {
			lost[id] = true
			w.missing++
			w.skips = append(w.skips, facts.Skip{
				Reason: odb.ReasonOf(err), Object: id, Commit: facts.None, Path: facts.None, Detail: "a commit; history before it is unknown",
			})
			return -1
		}
		i := int32(len(found))
		index[n] = i + 1
		found = append(found, walked{commit: c, id: id})
		return i
	}
	if add(head, headAt) < 0 {
		return nil, fmt.Errorf("reading commit %s: %w", head, errMissingHead)
	}
	children := []int32{0}
	parentRows := [][]int32{}
	for i := 0; i < len(found); i++ {
		rows := make([]int32, 0, len(found[i].commit.parents))
		for k, id := range found[i].commit.parents {
			p := add(id, found[i].parentsAt[k])
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

// gathering reads the commits that can be reached from one, on all workers. A chain of parents alone would keep one of them busy: who has nothing
// else to do reads what is stored behind a commit that is wanted, since packs hold commits one after another.
type gathering struct {
	r     *Repository
	known func(facts.ID) *commit

	// By object number; of those that are done.
	commits []*commit
	failed  map[odb.Number]error

	mu     sync.Mutex
	change *sync.Cond // something is to be done, or all is
	state  []gathered // by object number
	queue  []odb.Number
	open   int // how many are wanted and not done

	next, last odb.Number // where reading ahead goes on, and the last that was queued; None where there is nothing
	vain       int        // how many were read ahead and are not wanted so far
}

// gathered is how far a commit is.
type gathered uint8

const (
	unseen gathered = iota
	begun           // somebody reads it ahead
	ahead           // it was read ahead
	wanted          // it is queued, somebody reads it, or it is done
)

const (
	gatherPart = 16      // so many are taken from the queue at once
	aheadPart  = 64      // so many objects are read ahead at once,
	mostVain   = 8 << 10 // unless there are so many that nobody has asked for
)

func gather(ctx context.Context, r *Repository, head odb.Number, readers []*odb.Reader, known func(facts.ID) *commit) (*gathering, error) {
	n := r.Objects.Len()
	s := &gathering{
		r: r, known: known, commits: make([]*commit, n), state: make([]gathered, n), failed: map[odb.Number]error{}, next: odb.None, last: odb.None,
	}
	s.change = sync.NewCond(&s.mu)
	if head != odb.None {
		s.want(head)
	}
	g, ctx := errgroup.WithContext(ctx)
	stop := context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.change.Broadcast()
	})
	defer stop()
	for _, reader := range readers {
		g.Go(func() error { return s.work(ctx, reader) })
	}
	return s, g.Wait()
}

func (s *gathering) work(ctx context.Context, reader *odb.Reader) error {
	kept := newCopies()
	var part []odb.Number
	var read []*commit
	var errs []error
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.open > 0 && ctx.Err() == nil {
		from := odb.None
		if part = s.take(part[:0]); len(part) == 0 {
			if part, from = s.takeAhead(part); from == odb.None {
				s.change.Wait()
				continue
			}
		}
		s.mu.Unlock()
		read, errs = read[:0], errs[:0]
		others := 0
		for _, n := range part {
			var c *commit
			var err error
			if from == odb.None || commitAt(reader, n) {
				c, err = s.read(reader, n, kept)
			} else {
				others++ // whoever wants it learns what it is
			}
			read, errs = append(read, c), append(errs, err)
		}
		s.mu.Lock()
		for i, n := range part {
			s.done(n, read[i], errs[i])
		}
		if from != odb.None && 2*others > len(part) && s.next == from {
			s.next = odb.None // commits lie scattered here
		}
		if s.open == 0 || len(s.queue) > 0 {
			s.change.Broadcast()
		}
	}
	return ctx.Err()
}

// commitAt says whether an object is a commit that is stored whole.
func commitAt(reader *odb.Reader, n odb.Number) (yes bool) {
	err := odb.Guard(func() error {
		e, err := reader.Entry(n)
		yes = err == nil && e.Kind == odb.Commit
		return err
	})
	return yes && err == nil
}

func (s *gathering) read(reader *odb.Reader, n odb.Number, kept *copies) (c *commit, err error) {
	err = odb.Guard(func() (err error) {
		if s.known != nil {
			if c = s.known(s.r.Objects.ID(n)); c != nil {
				return nil
			}
		}
		c, err = readCommitNumber(reader, s.r.Objects, n, kept)
		return err
	})
	reader.Release()
	if c != nil && len(s.r.shallow) > 0 && s.r.shallow[s.r.Objects.ID(n)] {
		c.parents, c.parentsAt = nil, nil
	}
	return c, err
}

// take takes commits from the queue, and leaves some for the others.
func (s *gathering) take(part []odb.Number) []odb.Number {
	n := min((len(s.queue)+1)/2, gatherPart)
	part = append(part, s.queue[len(s.queue)-n:]...)
	s.queue = s.queue[:len(s.queue)-n]
	return part
}

// takeAhead takes objects to be read ahead. from is where the next would go on, or None if nothing is to be read.
func (s *gathering) takeAhead(part []odb.Number) (_ []odb.Number, from odb.Number) {
	if s.next == odb.None {
		s.next, s.last = s.last, odb.None
	}
	if s.next == odb.None || s.vain > mostVain {
		return part, odb.None
	}
	near := s.r.Objects.Near(nil, s.next, aheadPart+1)
	if len(near) < 2 {
		s.next = odb.None
		return part, odb.None
	}
	for _, n := range near[1:] {
		if s.state[n] == unseen {
			s.state[n] = begun
			part = append(part, n)
		}
	}
	s.next = near[len(near)-1]
	return part, s.next
}

// want says that a commit is one of those asked for.
func (s *gathering) want(n odb.Number) {
	for list := []odb.Number{n}; len(list) > 0; {
		n, list = list[len(list)-1], list[:len(list)-1]
		before := s.state[n]
		s.state[n] = wanted
		switch before {
		case unseen:
			s.open++
			s.queue = append(s.queue, n)
			s.last = n
		case begun:
			s.open++
		case ahead:
			s.vain--
			list = s.parents(list, n)
		case wanted:
		}
	}
}

func (s *gathering) parents(list []odb.Number, n odb.Number) []odb.Number {
	if c := s.commits[n]; c != nil {
		for _, p := range c.parentsAt {
			if p != odb.None && s.state[p] != wanted {
				list = append(list, p)
			}
		}
	}
	return list
}

// done takes what was read. What was read ahead and is no commit is as if it had not been looked at.
func (s *gathering) done(n odb.Number, c *commit, err error) {
	if s.commits[n] = c; err != nil {
		s.failed[n] = err
	}
	switch {
	case s.state[n] == wanted && c == nil && err == nil:
		s.queue = append(s.queue, n)
	case s.state[n] == wanted:
		s.open--
		for _, p := range s.parents(nil, n) {
			s.want(p)
		}
	case c == nil && err == nil:
		s.state[n] = unseen
	default:
		s.state[n] = ahead
		s.vain++
	}
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
