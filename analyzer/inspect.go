package analyzer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"orrery/analyzer/facts"
	"orrery/analyzer/facts/store"
	"orrery/analyzer/history"
	"orrery/analyzer/measure"
	"orrery/analyzer/people"
	"orrery/analyzer/source"
	"orrery/analyzer/state"
)

// Standing is how the stored facts of a repository stand to the repository as it is on disk. Nothing is fetched.
type Standing struct {
	Key       string          `json:"repository"`
	Condition state.Condition `json:"condition"`
	Why       string          `json:"why,omitempty"` // it is read again by the next run
	Head      string          `json:"commit,omitempty"`
	Commits   int             `json:"commits"`
	Bytes     int             `json:"bytes"` // of the facts
	// Listed is false for what the sources of the last run do not name any more.
	Listed bool `json:"listed"`
	// Alarm says what it shrank to, while nobody has accepted that.
	Alarm string `json:"alarm,omitempty"`
}

// Status says of each repository in a state whether the next run with the options of the last one reads it again, and why.
func Status(s *state.State) (last *state.Result, all []Standing, err error) {
	if last, err = s.Last(); err != nil {
		return nil, nil, err
	}
	inState, err := s.All()
	if err != nil {
		return nil, nil, fmt.Errorf("looking at the facts in the state: %w", err)
	}
	if last != nil {
		for _, r := range last.Run.Repositories {
			e := look(s, &last.Run, &r)
			standing := Standing{Key: r.Key, Listed: true}
			standing.fill(&e)
			if a, ok := s.Alarm(r.Key); ok && e.Manifest != nil && e.Condition != state.Equal {
				standing.Alarm = shrunk(&e, a)
			}
			all = append(all, standing)
			delete(inState, r.Key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(inState)) {
		standing, e := Standing{Key: key}, inState[key]
		standing.fill(&e)
		if last != nil {
			standing.Why = "the sources of the last result do not name it: its facts stay until orrery forget"
		}
		all = append(all, standing)
	}
	slices.SortStableFunc(all, func(a, b Standing) int { return cmp.Compare(a.Key, b.Key) })
	return last, all, nil
}

func (t *Standing) fill(e *state.Entry) {
	t.Condition, t.Why = e.Condition, e.Why
	if m := e.Manifest; m != nil {
		t.Head, t.Commits = m.Head.String(), m.Commits
		for _, table := range m.Tables {
			t.Bytes += table.Bytes
		}
	}
}

// Forgotten is what [Forget] removed.
type Forgotten struct {
	Key    string
	Mirror bool // as well as the facts
}

// Forget removes the facts of repositories: of the keys that are named, and with unlisted of all that the sources of the last result do not name.
// The mirror of one that they do not name goes as well, if the state made it. Results stay as they are. A repository that they name is read
// again by the next run. The error wraps [source.ErrUsage] if there are no facts of a key; nothing is removed then.
func Forget(s *state.State, keys []string, unlisted bool) (all []Forgotten, err error) {
	last, err := s.Last()
	if err != nil {
		return nil, err
	}
	if unlisted && last == nil {
		return nil, fmt.Errorf("%w: there is no result yet, which would say what the sources name", source.ErrUsage)
	}
	listed := map[string]bool{}
	if last != nil {
		for _, r := range last.Run.Repositories {
			listed[r.Key] = true
		}
	}
	stored, err := s.All()
	if err != nil {
		return nil, fmt.Errorf("looking at the facts in the state: %w", err)
	}
	chosen := map[string]bool{}
	for _, key := range keys {
		if _, ok := stored[key]; !ok {
			return nil, fmt.Errorf("%w: the state has no facts of %q", source.ErrUsage, key)
		}
		chosen[key] = true
	}
	for key := range stored {
		if unlisted && !listed[key] {
			chosen[key] = true
		}
	}
	for _, key := range slices.Sorted(maps.Keys(chosen)) {
		one := Forgotten{Key: key}
		if !listed[key] {
			// First the mirror: without facts nobody would come back for it.
			if one.Mirror, err = s.RemoveMirror(key); err != nil {
				return all, err
			}
		}
		if err := s.Forget(key); err != nil {
			return all, err
		}
		all = append(all, one)
	}
	return all, nil
}

// look compares the facts of a repository with what is on disk.
func look(s *state.State, run *state.Run, r *state.RunRepository) state.Entry {
	unreadable := func(err error) state.Entry {
		e := s.Look(state.Want{Key: r.Key})
		if e.Manifest != nil {
			e.Condition = state.Older
		}
		e.Why = "the repository cannot be read: " + problem(&source.Repository{Key: r.Key, Dir: r.Dir}, err)
		return e
	}
	if r.Dir == "" {
		return unreadable(source.ErrAbsent)
	}
	repository, err := history.Open(r.Dir)
	if err != nil {
		return unreadable(err)
	}
	defer repository.Close()
	w, err := wanted(repository, &source.Repository{Key: r.Key, Dir: r.Dir, Revision: r.Revision}, &Options{})
	if err != nil {
		return unreadable(err)
	}
	w.Options = run.Options
	return s.Look(w)
}

// Verified counts what [Verify] looked at.
type Verified struct {
	Repositories, Tables, Results int
	Commits                       int
	Broken                        int
}

// Verify reads everything in a state that has a sum, and checks every law of conservation that facts alone can show. broken is told of each thing
// that is wrong, as soon as it is found.
func Verify(ctx context.Context, s *state.State, workers int, broken func(error)) (v Verified, err error) {
	tell := func(err error) {
		v.Broken++
		broken(err)
	}
	entries, err := s.Entries(tell)
	if err != nil {
		return v, fmt.Errorf("looking at the facts in the state: %w", err)
	}
	var histories []*facts.Repository
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return v, err
		}
		v.Repositories++
		v.Tables += len(e.Manifest.Tables)
		f := s.Verify(e, tell)
		if f == nil {
			continue
		}
		v.Commits += len(f.Commits)
		store.Laws(f, func(err error) { tell(fmt.Errorf("%s: %w", f.Key, err)) })
		f.Plan = nil
		histories = append(histories, f)
	}
	if err := s.VerifyForges(tell); err != nil {
		return v, fmt.Errorf("looking at what forges told: %w", err)
	}
	if v.Results, err = s.VerifyResults(tell); err != nil {
		return v, err
	}
	if len(histories) == 0 || v.Broken > 0 {
		return v, nil
	}
	if err := measurable(histories, workers); err != nil {
		law := &measure.LawError{}
		if !errors.As(err, &law) {
			return v, err
		}
		tell(err)
	}
	return v, nil
}

// measurable measures facts with the built-in directory alone, for the sake of the laws that are checked on the way.
func measurable(histories []*facts.Repository, workers int) error {
	directory, err := people.LoadDirectory()
	if err != nil {
		return err
	}
	resolution, err := people.Resolve(histories, people.Options{Directory: directory, PseudonymKey: make([]byte, 32)})
	if err != nil {
		return err
	}
	in := measure.Input{Repositories: histories, Resolution: resolution, AsOf: newest(histories), Workers: workers, Survival: true}
	for _, f := range histories {
		r := &source.Repository{Key: f.Key, Class: "own"}
		in.Membership = append(in.Membership, measure.Membership{Key: r.Key, Class: r.Class})
		in.Paths = append(in.Paths, classify(f, r, nil))
	}
	_, err = measure.Measure(in)
	return err
}
