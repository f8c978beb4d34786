package measure

import (
	"fmt"
	"math"
	"sort"
	"time"
)

// Window is a period that figures are given for: [From, To) in Unix seconds, UTC.
type Window struct {
	Name     string
	From, To int64
}

// Kinds of periods.
const (
	KindWindow  = "window"
	KindYear    = "year"
	KindHalf    = "half-year"
	KindQuarter = "quarter"
	KindMonth   = "month"
	KindRange   = "range"
)

// calendar lists the kinds of series, the longest periods first.
var calendar = []string{KindYear, KindHalf, KindQuarter, KindMonth}

// The names of the windows that every result has.
const (
	AllTime          = "all time"
	LastCalendarYear = "last calendar year"
	LastTwelveMonths = "last twelve months"
)

// trailingWindow is the place of LastTwelveMonths among the windows: it ends with the as-of day.
const trailingWindow = 2

// Dates outside of these are no dates of a commit: git is from 2005 and imports histories of older systems, but none from before 1990. The
// upper end only keeps a wrong as-of day from asking for series without end.
var (
	earliest = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	latest   = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
)

const day = 24 * 60 * 60

// undated stands for an invalid date: before every dated window, and inside of all time.
const undated = math.MinInt64

// Period is a window or one step of a series.
type Period struct {
	Kind string // KindWindow, one of calendar, or KindRange
	// Window has no moments for a range: it holds commits of any date.
	Window
	// Partial is true when the period ends after the as-of day.
	Partial bool
	Range   int // of KindRange: into Input.Ranges
}

// All says whether the period is all time, which holds invalid dates too.
func (p Period) All() bool { return p.From == math.MinInt64 && p.To == math.MaxInt64 }

// BuiltinWindows gives all time, the last calendar year that is over on the as-of day, and the twelve months that end with it (all days
// UTC).
func BuiltinWindows(asOf int64) []Window {
	t := time.Unix(asOf, 0).UTC()
	end := time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, time.UTC)
	year := time.Date(end.Year()-1, 1, 1, 0, 0, 0, 0, time.UTC)
	return []Window{
		{AllTime, math.MinInt64, math.MaxInt64},
		{LastCalendarYear, year.Unix(), year.AddDate(1, 0, 0).Unix()},
		{LastTwelveMonths, end.AddDate(-1, 0, 0).Unix(), end.Unix()},
	}
}

// windows puts the built-in windows before the user's and the ranges, and checks the latter.
func windows(asOf int64, users []Window, ranges []Range) ([]Period, error) {
	all := append(BuiltinWindows(asOf), users...)
	periods := make([]Period, 0, len(all)+len(ranges))
	seen := make(map[string]bool, len(all)+len(ranges))
	for i, w := range all {
		if w.Name == "" || seen[w.Name] {
			return nil, fmt.Errorf("window %d is named %q: a name of its own is needed", i+1, w.Name)
		}
		if w.From >= w.To {
			return nil, fmt.Errorf("window %q ends before it starts", w.Name)
		}
		seen[w.Name] = true
		periods = append(periods, Period{Kind: KindWindow, Window: w, Partial: i > 0 && w.To > EndOfDay(asOf)})
	}
	for i, r := range ranges {
		if r.Name == "" || seen[r.Name] {
			return nil, fmt.Errorf("range %d is named %q: a name of its own is needed", i+1, r.Name)
		}
		seen[r.Name] = true
		periods = append(periods, Period{Kind: KindRange, Window: Window{Name: r.Name}, Range: i})
	}
	return periods, nil
}

// EndOfDay gives the moment at which the day (UTC) of a moment is over.
func EndOfDay(t int64) int64 { return (t/day + 1) * day }

// since gives those of a series that a moment, which is not before them, and what comes after it are in.
func since(periods []Period, t int64) []Period {
	return periods[sort.Search(len(periods), func(i int) bool { return periods[i].To > t }):]
}

// series gives the calendar periods of a kind that touch [first, last], in order and without gaps.
func series(kind string, first, last, asOf int64) []Period {
	months := map[string]int{KindYear: 12, KindHalf: 6, KindQuarter: 3, KindMonth: 1}[kind]
	t := time.Unix(first, 0).UTC()
	start := time.Date(t.Year(), time.Month((int(t.Month())-1)/months*months+1), 1, 0, 0, 0, 0, time.UTC)
	var periods []Period
	for start.Unix() <= last {
		next := start.AddDate(0, months, 0)
		name := start.Format("2006-01")
		switch kind {
		case KindYear:
			name = start.Format("2006")
		case KindHalf:
			name = fmt.Sprintf("%04d-H%d", start.Year(), (int(start.Month())+5)/6)
		case KindQuarter:
			name = fmt.Sprintf("%04d-Q%d", start.Year(), (int(start.Month())+2)/3)
		}
		periods = append(periods, Period{
			Kind: kind, Window: Window{name, start.Unix(), next.Unix()}, Partial: next.Unix() > EndOfDay(asOf),
		})
		start = next
	}
	return periods
}
