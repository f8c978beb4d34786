package analyzer

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"orrery/analyzer/control"
	"orrery/analyzer/facts"
	"orrery/analyzer/history"
	"orrery/analyzer/paths"
	"orrery/analyzer/people"
)

// Exits that happened, against what removal says beforehand.
//
// What is asked, and was written down before anything was measured: on the day before an exit, each part of a repository (its files, and its
// folders, with 5 commits or more in the 365 days before) has a share of commits that are the leavers', and a share of lines that have nobody
// active but them. If removal says anything about what comes,
//
//	(1) parts with a larger share of commits lose more work: Spearman's rank correlation of the share with log((before+1)/(after+1)) is above 0,
//	    commits of everybody in equal times before and after;
//	(2) so do parts with a larger share of lines;
//	(3) both are larger than on the same day one and two years earlier, when nobody left (placebo dates);
//	(4) before x (1 - share) is nearer to after than "activity continues", that is before, by the mean of |log((predicted+1)/(after+1))|.
//
// Nothing of this makes the removal a forecast; the figures are reported however they come out. Everybody whose organization is not known
// stays in the low reading and leaves in the high one.
type exit struct {
	name, source string
	day          string
	repositories []string // mirrors, OWNER+NAME
	leavers      []string // organizations; or, with others, all but these
	others       bool
	days         int // before and after
}

var exits = []exit{
	{
		name: "Redis: everybody but Redis, after the change of the licence", day: "2024-03-20", days: 210, // the mirror ends in October 2024
		source: "https://devclass.com/2025/04/01/one-year-ago-redis-changed-its-license-and-lost-most-of-its-external-contributors", repositories: []string{"redis+redis"},
		leavers: []string{"Redis"}, others: true,
	},
	{
		name: "Terraform: everybody but HashiCorp, after the change of the licence", day: "2023-08-10", days: 365,
		source: "https://www.hashicorp.com/blog/hashicorp-adopts-business-source-license", repositories: []string{"hashicorp+terraform"}, leavers: []string{"HashiCorp"}, others: true,
	},
	{
		name: "OpenStack: HPE and Mirantis lay off", day: "2016-10-15", days: 365,
		source: "https://www.theregister.com/2016/11/02/hpe_mirantis_sack_openstack_workers/", repositories: []string{"openstack+swift", "openstack+keystone", "openstack+ironic"},
		leavers: []string{"HPE", "HP", "Mirantis"},
	},
	{
		name: "OpenStack: Intel and Rackspace close their centre", day: "2017-04-14", days: 365,
		source: "https://www.sdxcentral.com/news/intel-pulls-osic-funding-rackspace-cuts-45-workers", repositories: []string{"openstack+swift", "openstack+keystone", "openstack+ironic"},
		leavers: []string{"Intel", "Rackspace"},
	},
}

// TestExits measures them on mirrors below the folder that ORRERY_EXITS names, OWNER+NAME/repo; those that are missing are left out.
func TestExits(t *testing.T) {
	dir := os.Getenv("ORRERY_EXITS")
	if dir == "" {
		t.Skip("ORRERY_EXITS names no folder of mirrors")
	}
	read := map[string]*facts.Repository{}
	for _, x := range exits {
		t.Run(x.name, func(t *testing.T) {
			in := control.Input{}
			for _, name := range x.repositories {
				if _, ok := read[name]; !ok {
					read[name] = readMirror(t, filepath.Join(dir, name, "repo"), name)
				}
				if f := read[name]; f != nil {
					in.Repositories = append(in.Repositories, f)
					in.Paths = append(in.Paths, paths.Classify(f, paths.Options{}))
					in.Names = append(in.Names, name)
				}
			}
			if len(in.Repositories) == 0 {
				t.Skip("no mirror of these")
			}
			book := control.Read(in.Repositories, nil)
			directory, err := people.LoadDirectory()
			if err != nil {
				t.Fatal(err)
			}
			in.Resolution, err = people.Resolve(in.Repositories, people.Options{Directory: directory, PseudonymKey: []byte("of no importance"), Mentions: book.Mentions})
			if err != nil {
				t.Fatal(err)
			}
			day, err := time.Parse(time.DateOnly, x.day)
			if err != nil {
				t.Fatal(err)
			}
			for year := range 3 {
				what := "exit"
				if year > 0 {
					what = fmt.Sprintf("placebo, %d years before", year)
				}
				x.measure(t, book, in, day.AddDate(-year, 0, 0).Unix()-1, what)
			}
		})
	}
}

func readMirror(t *testing.T, dir, name string) *facts.Repository {
	t.Helper()
	repository, err := history.Open(dir)
	if err != nil {
		t.Logf("left out: %v", err)
		return nil
	}
	defer repository.Close()
	f, err := history.Read(context.Background(), repository, name, "", history.Options{Workers: 1, Ownership: true})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (x *exit) measure(t *testing.T, book *control.Book, in control.Input, at int64, what string) {
	t.Helper()
	in.At = at
	e := book.Expose(in)
	var leavers []int
	for i := range in.Resolution.Organizations {
		named := slices.Contains(x.leavers, in.Resolution.Organizations[i].Name)
		if named != x.others {
			leavers = append(leavers, i)
		}
	}
	all := e.Without(leavers...)
	t.Logf("%s, %s: commits of the leavers %s, lines that hang on them alone %s", what, time.Unix(at+1, 0).UTC().Format(time.DateOnly), range100(all.Commits), range100(all.Lines))
	for _, by := range []struct {
		name string
		unit func(repository int, file string) string
	}{
		{"files", func(repository int, file string) string { return fmt.Sprint(repository, " ", file) }},
		{"folders", func(repository int, file string) string { return fmt.Sprint(repository, " ", path.Dir(file)) }},
	} {
		before, after := x.commits(in, by.unit, at)
		for _, high := range []bool{false, true} {
			reading := map[bool]string{false: "unknown stay", true: "unknown leave"}[high]
			share := func(e control.Exposed) float64 {
				if high {
					return float64(e.High) / float64(max(1, e.Whole))
				}
				return float64(e.Low) / float64(max(1, e.Whole))
			}
			var commits, lines, decline, errorContinues, errorRemoved []float64
			for _, u := range e.Units(by.unit, leavers...) {
				if u.Commits.Whole < 5 || before[u.Name] == 0 {
					continue
				}
				b, a := float64(before[u.Name]), float64(after[u.Name])
				commits, lines = append(commits, share(u.Commits)), append(lines, share(u.Lines))
				decline = append(decline, math.Log((b+1)/(a+1)))
				errorContinues = append(errorContinues, math.Abs(math.Log((b+1)/(a+1))))
				errorRemoved = append(errorRemoved, math.Abs(math.Log((b*(1-share(u.Commits))+1)/(a+1))))
			}
			if len(commits) < 10 {
				t.Logf("  %s, %s: %d parts are too few", by.name, reading, len(commits))
				continue
			}
			t.Logf("  %s (%d), %s: share of commits and decline %s; share of lines and decline %s; mean error of log, continues %.2f, without the leavers %.2f; median decline %.2f",
				by.name, len(commits), reading, spearman(commits, decline), spearman(lines, decline), mean(errorContinues), mean(errorRemoved), median(decline))
		}
	}
}

// commits counts what everybody did in each part in equal times before and after a moment.
func (x *exit) commits(in control.Input, unit func(int, string) string, at int64) (before, after map[string]int) {
	before, after = map[string]int{}, map[string]int{}
	span := int64(x.days) * 24 * 60 * 60
	for i, r := range in.Repositories {
		for row := range r.Commits {
			c := &r.Commits[row]
			if c.IsMerge() || !c.Authored.Valid || c.Authored.Unix <= at-span || c.Authored.Unix > at+span || in.Resolution.Attribute(i, c.Author, c.Authored).Class.Machine() {
				continue
			}
			count := before
			if c.Authored.Unix > at {
				count = after
			}
			met := map[string]bool{}
			for k := c.Changes.Lo; k < c.Changes.Hi; k++ {
				if name := unit(i, r.Paths[r.Changes[k].Path]); !met[name] {
					met[name] = true
					count[name]++
				}
			}
		}
	}
	return before, after
}

func range100(e control.Exposed) string {
	whole := float64(max(1, e.Whole))
	return fmt.Sprintf("%.1f-%.1f %%", 100*float64(e.Low)/whole, 100*float64(e.High)/whole)
}

func mean(x []float64) (m float64) {
	for _, v := range x {
		m += v / float64(len(x))
	}
	return m
}

func median(x []float64) float64 {
	x = slices.Clone(x)
	slices.Sort(x)
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}

// correlation is a rank correlation with an interval of 95 %.
type correlation struct{ rho, low, high float64 }

func (c correlation) String() string {
	return fmt.Sprintf("%+.2f (%+.2f to %+.2f)", c.rho, c.low, c.high)
}

// spearman is the correlation of mid-ranks; the interval is that of Bonett and Wright (Psychometrika 2000).
func spearman(x, y []float64) correlation {
	a, b := ranks(x), ranks(y)
	ma, mb := mean(a), mean(b)
	var ab, aa, bb float64
	for i := range a {
		ab += (a[i] - ma) * (b[i] - mb)
		aa += (a[i] - ma) * (a[i] - ma)
		bb += (b[i] - mb) * (b[i] - mb)
	}
	if aa == 0 || bb == 0 || len(a) < 5 {
		return correlation{math.NaN(), math.NaN(), math.NaN()}
	}
	rho := ab / math.Sqrt(aa*bb)
	z, se := math.Atanh(rho), math.Sqrt((1+rho*rho/2)/float64(len(a)-3))
	return correlation{rho, math.Tanh(z - 1.96*se), math.Tanh(z + 1.96*se)}
}

func ranks(x []float64) []float64 {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(x[i], x[j]) })
	out := make([]float64, len(x))
	for lo := 0; lo < len(order); {
		hi := lo
		for hi < len(order) && x[order[hi]] == x[order[lo]] {
			hi++
		}
		for k := lo; k < hi; k++ {
			out[order[k]] = float64(lo+hi-1) / 2
		}
		lo = hi
	}
	return out
}

func TestSpearman(t *testing.T) {
	// By hand: ranks 1, 2.5, 2.5, 4, 5 and 2, 1, 3, 5, 4.
	c := spearman([]float64{1, 2, 2, 3, 9}, []float64{20, 10, 30, 50, 40})
	if want := (1*2 + 2.5*1 + 2.5*3 + 4*5 + 5*4 - 45.0) / math.Sqrt(9.5*10); math.Abs(c.rho-want) > 1e-12 || c.low > c.rho || c.high < c.rho {
		t.Errorf("got %v, want %v", c, want)
	}
	if c := spearman([]float64{1, 1, 1, 1, 1}, []float64{1, 2, 3, 4, 5}); !math.IsNaN(c.rho) {
		t.Errorf("a constant correlates: %v", c)
	}
}
