package measure

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// Newcomers come when their first contribution does, and are seen again if they are: contributions know the first and the last.
func TestNewcomers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		result, err := Measure(drawWorld(t).input())
		if err != nil {
			t.Fatal(err)
		}
		if len(result.Figures) > 0 && result.Figures[0].Work.Credits > 0 {
			return // contributions have commits of co-authors too
		}
		type span struct{ first, last int64 }
		want := map[int]span{}
		for _, c := range result.Contributions[0] {
			if c.First > c.Last {
				continue // no valid date
			}
			s, ok := want[c.Person]
			if !ok {
				s = span{math.MaxInt64, math.MinInt64}
			}
			want[c.Person] = span{min(s.first, c.First), max(s.last, c.Last)}
		}
		if len(want) != len(result.Newcomers) {
			t.Fatalf("%d newcomers, want %d", len(result.Newcomers), len(want))
		}
		before := int64(math.MinInt64)
		for _, n := range result.Newcomers {
			s := want[n.Person]
			nextDay, later := s.last/day > s.first/day, s.last > s.first+LaterDays*day
			if n.First != s.first || n.First < before || (n.NextDay <= s.last) != nextDay || (n.Later <= s.last) != later || n.NextDay > n.Later || nextDay && n.NextDay/day <= n.First/day {
				t.Fatalf("%+v, want a first commit at %d and a last one at %d", n, s.first, s.last)
			}
			before = n.First
		}
	})
}
