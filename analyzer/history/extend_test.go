package history

import (
	"context"
	"fmt"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"orrery/analyzer/facts"
	"orrery/fixtures/gitbuild"
)

// extended reads on from an earlier reading, and says whether that could be built on.
func extended(t testing.TB, r *Repository, revision string, o Options, before *facts.Repository) (*facts.Repository, string) {
	t.Helper()
	o.Previous, o.Progress = before, &Progress{}
	f, err := Read(context.Background(), r, "key", revision, o)
	if err != nil {
		t.Fatal(err)
	}
	why, _ := o.Progress.Anew.Load().(string)
	return f, why
}

// Nights of a history, each read from what the one before has left, give what reading everything gives.
func TestExtendEqualsReading(t *testing.T) {
	histories := 20
	if testing.Short() {
		histories = 6
	}
	w := newWorld(7)
	built, anew := 0, map[string]int{}
	for range histories {
		tip := w.history(10 + w.rand.IntN(60))
		w.repo.Branch("main", tip)
		r := mustOpen(t, w.repo.Dir(t, layouts[0].o))
		o := options[w.rand.IntN(len(options))]
		o.Ownership, o.Plan = true, true
		all := mustRead(t, r, "", o)
		var before *facts.Repository
		for k := range all.Steps {
			if k+1 < len(all.Steps) && !w.chance(30) {
				continue
			}
			revision := all.Commits[all.Steps[k].Commit].ID.String()
			want := mustRead(t, r, revision, o)
			if before != nil {
				got, why := extended(t, r, revision, o, before)
				got.Key = want.Key
				if diff := gocmp.Diff(want, got, equal); diff != "" {
					t.Fatalf("step %d of %d (-everything +what is new):\n%s", k, len(all.Steps), diff)
				}
				if why == "" {
					built++
				} else {
					anew[why]++
				}
			}
			before = want
		}
	}
	if built < 2*histories || len(anew) > 0 {
		t.Errorf("%d nights were built on the one before; %v were not", built, anew)
	}
}

// Any tip may follow any other one: where they do not follow each other, everything is read, and it is said why.
func TestExtendFromAnywhere(t *testing.T) {
	w := newWorld(8)
	w.repo.Branch("main", w.history(60))
	r := mustOpen(t, w.repo.Dir(t, layouts[0].o))
	o := Options{Ownership: true, Plan: true}
	all := mustRead(t, r, "", o)
	reasons := map[string]int{}
	for range 60 {
		from, to := pick(w, all.Commits).ID.String(), pick(w, all.Commits).ID.String()
		want := mustRead(t, r, to, o)
		got, why := extended(t, r, to, o, mustRead(t, r, from, o))
		got.Key = want.Key
		if diff := gocmp.Diff(want, got, equal); diff != "" {
			t.Fatalf("from %s to %s (-everything +what is new):\n%s", from, to, diff)
		}
		reasons[why]++
	}
	for _, why := range []string{"", "history was rewritten", "the line of first parents is another one"} {
		if reasons[why] == 0 {
			t.Errorf("no case of %q among %v", why, reasons)
		}
	}
	before := mustRead(t, r, "", Options{Ownership: true})
	if _, why := extended(t, r, "", o, before); why != "how versions hang together was not kept" {
		t.Errorf("without a plan: %q", why)
	}
}

// What a reading costs goes with the files that new commits touch.
func TestExtendReadsWhatIsTouched(t *testing.T) {
	repo := gitbuild.New()
	var tip gitbuild.ID
	for i := range 200 {
		c := gitbuild.C{Files: gitbuild.Files{fmt.Sprintf("f%d", i%20): fmt.Sprintf("%d\n", i)}}
		if i > 0 {
			c.Parents = []gitbuild.ID{tip}
		}
		tip = repo.Commit(c)
	}
	repo.Branch("main", tip)
	r := mustOpen(t, repo.Dir(t, layouts[0].o))
	o := Options{Ownership: true, Plan: true, Progress: &Progress{}}
	before := mustRead(t, r, tip.String()+"~3", o)
	o.Previous, o.Progress = before, &Progress{}
	mustRead(t, r, tip.String(), o)
	if files, commits := o.Progress.Files.Load(), o.Progress.Commits.Load(); files != 30 || commits != 3 {
		t.Errorf("%d versions of 3 files with 10 each were read, %d of 3 commits planned", files, commits)
	}
}
