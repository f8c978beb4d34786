//go:build unix

package history

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"testing"

	"orrery/fixtures"
	"orrery/fixtures/gitbuild"
)

// BenchmarkGrowth reads generated histories whose snapshots have one size and whose lengths differ: the cost of a commit must stay what it is.
// The packs are as the generator writes them; the shortest also as git writes it again, newest first with deltas towards the past, which takes git
// too long for the others. ORRERY_BENCH_COMMITS adds a length (1000000 makes a pack
// of 1 GB, in ten minutes or more: raise -timeout). Histories are made once and stay in the folder of temporary files.
func BenchmarkGrowth(b *testing.B) {
	lengths := []int{10_000, 100_000}
	if s := os.Getenv("ORRERY_BENCH_COMMITS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			b.Fatal(err)
		}
		lengths = append(lengths, n)
	}
	for _, packed := range []string{"generator", "git"} {
		for i, n := range lengths {
			if packed == "git" && i > 0 {
				break
			}
			for _, owners := range []bool{false, true} {
				b.Run(fmt.Sprintf("packed=%s/commits=%d/owners=%v", packed, n, owners), func(b *testing.B) {
					dir, repositories, err := fixtures.Cached(fixtures.History{Commits: n, Seed: 1, Deflate: gitbuild.Compressed})
					if err != nil {
						b.Fatal(err)
					}
					repository := repositories[0]
					if packed == "git" {
						repository = repacked(b, dir, repository)
					}
					measureGrowth(b, repository, n, owners)
				})
			}
		}
	}
}

func measureGrowth(b *testing.B, repository string, commits int, owners bool) {
	r := mustOpen(b, repository)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begin := processor(b)
	for b.Loop() {
		if f := mustRead(b, r, "", Options{Ownership: owners}); len(f.Commits) != commits {
			b.Fatalf("%d commits, want %d", len(f.Commits), commits)
		}
	}
	used := processor(b) - begin
	runtime.ReadMemStats(&after)
	each := func(total float64, unit string) { b.ReportMetric(total/float64(b.N)/float64(commits), unit+"/commit") }
	each(float64(b.Elapsed().Nanoseconds()), "ns")
	each(float64(used), "cpu-ns")
	each(float64(after.Mallocs-before.Mallocs), "allocs")
	each(float64(after.TotalAlloc-before.TotalAlloc), "B")
}

// processor gives the time in nanoseconds that this process has used on all cores: what a busy machine hardly changes.
func processor(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// repacked gives a copy of a repository, made beside it once, that git has packed anew.
func repacked(b *testing.B, dir, repository string) string {
	to := repository[:len(repository)-len(".git")] + "-repacked.git"
	if _, err := os.Stat(to); err == nil {
		return to
	}
	part, err := os.MkdirTemp(dir, "part-")
	if err != nil {
		b.Fatal(err)
	}
	if err := os.CopyFS(part, os.DirFS(repository)); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(part) }) // if it is still there
	git(b, part, "repack", "-adfq")
	if err := os.Rename(part, to); err != nil {
		b.Fatal(err)
	}
	return to
}
