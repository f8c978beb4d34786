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
// ORRERY_BENCH_COMMITS adds a length (1000000 is 1 GB of packs, which takes minutes to make and to read). The histories are made once, and kept.
func BenchmarkGrowth(b *testing.B) {
	lengths := []int{10_000, 100_000}
	if s := os.Getenv("ORRERY_BENCH_COMMITS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			b.Fatal(err)
		}
		lengths = append(lengths, n)
	}
	for _, n := range lengths {
		for _, owners := range []bool{false, true} {
			b.Run(fmt.Sprintf("commits=%d/owners=%v", n, owners), func(b *testing.B) {
				dir, err := fixtures.History{Commits: n, Seed: 1, Deflate: gitbuild.Compressed}.Cached()
				if err != nil {
					b.Fatal(err)
				}
				r := mustOpen(b, dir)
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				begin := processor(b)
				for b.Loop() {
					if f := mustRead(b, r, "", Options{Ownership: owners}); len(f.Commits) != n {
						b.Fatalf("%d commits, want %d", len(f.Commits), n)
					}
				}
				runtime.ReadMemStats(&after)
				each := func(total float64, unit string) { b.ReportMetric(total/float64(b.N)/float64(n), unit+"/commit") }
				each(float64(b.Elapsed().Nanoseconds()), "ns")
				each(float64(processor(b)-begin), "cpu-ns")
				each(float64(after.Mallocs-before.Mallocs), "allocs")
				each(float64(after.TotalAlloc-before.TotalAlloc), "B")
			})
		}
	}
}

// processor gives the time in nanoseconds that this process has used on all cores: what a busy machine does not change.
func processor(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
