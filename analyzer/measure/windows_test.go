package measure

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func unix(s string) int64 {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t.Unix()
}

func TestBuiltinWindows(t *testing.T) {
	for asOf, want := range map[string][4]string{
		"2024-06-15": {"2023-01-01", "2024-01-01", "2023-06-16", "2024-06-16"},
		"2024-12-31": {"2024-01-01", "2025-01-01", "2024-01-01", "2025-01-01"},
		"2025-01-01": {"2024-01-01", "2025-01-01", "2024-01-02", "2025-01-02"},
		"2024-02-28": {"2023-01-01", "2024-01-01", "2023-03-01", "2024-02-29"},
	} {
		for _, second := range []int64{0, day - 1} {
			w := BuiltinWindows(unix(asOf) + second)
			got := [4]string{}
			for i, t := range []int64{w[1].From, w[1].To, w[2].From, w[2].To} {
				got[i] = time.Unix(t, 0).UTC().Format(time.DateOnly)
			}
			if got != want {
				t.Errorf("as of %s: %v, want %v", asOf, got, want)
			}
		}
	}
}

func TestSeries(t *testing.T) {
	for kind, want := range map[string][]string{
		KindYear:    {"2023", "2024*"},
		KindHalf:    {"2023-H2", "2024-H1*"},
		KindQuarter: {"2023-Q4", "2024-Q1", "2024-Q2*"},
		KindMonth:   {"2023-11", "2023-12", "2024-01", "2024-02", "2024-03", "2024-04*"},
	} {
		var got []string
		last := int64(0)
		for _, p := range series(kind, unix("2023-11-30"), unix("2024-04-01"), unix("2024-04-01")) {
			name := p.Name
			if p.Partial {
				name += "*"
			}
			if last != 0 && last != p.From {
				t.Errorf("%s: a gap before %s", kind, name)
			}
			last = p.To
			got = append(got, name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", kind, diff)
		}
	}
}

func TestWindowsRefused(t *testing.T) {
	for name, users := range map[string][]Window{
		"no name":    {{"", 1, 2}},
		"same name":  {{AllTime, 1, 2}},
		"backwards":  {{"w", 2, 1}},
		"no seconds": {{"w", 2, 2}},
	} {
		if _, err := windows(unix("2024-01-01"), users, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
