package measure

import (
	"strings"
	"testing"

	"orrery/analyzer/facts"
)

func TestRangesRefused(t *testing.T) {
	for name, c := range map[string]struct {
		ranges []Range
		want   string
	}{
		"no name":          {[]Range{{"", []*Ends{nil}}}, "a name of its own"},
		"a window's name":  {[]Range{{AllTime, []*Ends{nil}}}, "a name of its own"},
		"twice":            {[]Range{{"a..b", []*Ends{nil}}, {"a..b", []*Ends{nil}}}, "a name of its own"},
		"too few ends":     {[]Range{{"a..b", nil}}, "has the ends of 0"},
		"unknown end":      {[]Range{{"a..b", []*Ends{{To: facts.ID{9}}}}}, "not among those that were read"},
		"unknown boundary": {[]Range{{"a..b", []*Ends{{To: facts.ID{1}, Boundary: []facts.ID{{9}}}}}}, "not among those that were read"},
	} {
		in := small(handmade{unix("2024-01-01"), 1, facts.Added}).input()
		in.Ranges = c.ranges
		if _, err := Measure(in); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", name, err, c.want)
		}
	}
}
