//go:build unix

package analyzer_test

import (
	"fmt"
	"syscall"
	"testing"

	"orrery/analyzer"
	"orrery/analyzer/source"
	"orrery/fixtures"
)

// BenchmarkRun does the whole job, but for writing the outputs, on folders of small generated repositories: what one of them costs must not go up with
// their number, and be no more than what it costs in a run of its own ("apart").
func BenchmarkRun(b *testing.B) {
	const commits = 200
	var all []fixtures.History
	for i := range 500 {
		all = append(all, fixtures.History{Commits: commits, Seed: uint64(i), Files: 80, Bytes: 4 << 10})
	}
	run := func(b *testing.B, path string, repositories int) {
		outcome, err := analyzer.Run(b.Context(), analyzer.Options{
			Sources: []string{path}, Source: source.Options{Offline: true}, PseudonymKey: []byte("the same key in every benchmark"),
		})
		if err != nil {
			b.Fatal(err)
		}
		if got := outcome.Model.Read; got != repositories || outcome.Skipped {
			b.Fatalf("%d repositories, want %d; skipped: %v", got, repositories, outcome.Skipped)
		}
	}
	report := func(b *testing.B, begin int64, repositories int) {
		b.ReportMetric(float64(processor(b)-begin)/float64(b.N*repositories), "cpu-ns/repository")
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*repositories), "ns/repository")
	}
	for _, n := range []int{1, 50, 500} {
		dir, repositories, err := fixtures.Cached(all[:n]...)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("repositories=%d/together", n), func(b *testing.B) {
			begin := processor(b)
			for b.Loop() {
				run(b, dir, n)
			}
			report(b, begin, n)
		})
		b.Run(fmt.Sprintf("repositories=%d/apart", n), func(b *testing.B) {
			begin := processor(b)
			for b.Loop() {
				for _, repository := range repositories {
					run(b, repository, 1)
				}
			}
			report(b, begin, n)
		})
	}
}

// processor gives the time in nanoseconds that this process has used on all cores.
func processor(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
