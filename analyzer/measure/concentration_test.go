package measure

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestConcentrateWorkedExamples(t *testing.T) {
	tests := []struct {
		name           string
		known, unknown []uint64
		low, high, of  int
		hhiLow, hhiHigh,
		hhiKnown float64
	}{
		{"CHAOSS", []uint64{1000, 433, 343, 332, 202, 90, 42, 33}, nil, 2, 2, 2, 2395.05, 2395.05, 2395.05},
		{"eight equal", []uint64{125, 125, 125, 125, 125, 125, 125, 125}, nil, 4, 4, 4, 1250, 1250, 1250},
		{"monopoly", []uint64{7}, nil, 1, 1, 1, 10000, 10000, 10000},
		{"exactly half is enough", []uint64{5, 3, 2}, nil, 1, 1, 1, 3800, 3800, 3800},
		{"one below half is not", []uint64{50, 31, 20}, nil, 2, 2, 2, 3784.92, 3784.92, 3784.92},
		{"unknown in one hand", []uint64{10, 10, 10, 10}, []uint64{30}, 1, 2, 2, 2653.06, 3877.55, 2500},
		{"unknown scattered", []uint64{40, 10}, []uint64{10, 10, 10, 10, 10}, 1, 2, 1, 2200, 8200, 6800},
		{"only unknown", nil, []uint64{6, 3, 1}, 1, 1, 0, 4600, 10000, 0},
		{"nothing", nil, nil, 0, 0, 0, 0, 0, 0},
		{"zeros", []uint64{0}, []uint64{0, 0}, 0, 0, 0, 0, 0, 0},
		{"huge", []uint64{1 << 62, 1 << 61}, []uint64{1 << 61}, 1, 1, 1, 3750, 6250, 5555.56},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := Concentrate(slices.Clone(test.known), slices.Clone(test.unknown))
			if c.ElephantLow != test.low || c.ElephantHigh != test.high || c.ElephantKnown != test.of {
				t.Errorf("elephant factor %d to %d, of known %d; want %d to %d, %d", c.ElephantLow, c.ElephantHigh, c.ElephantKnown, test.low, test.high, test.of)
			}
			for _, x := range []struct {
				what      string
				got, want float64
			}{{"low", c.HHILow, test.hhiLow}, {"high", c.HHIHigh, test.hhiHigh}, {"of known", c.HHIKnown, test.hhiKnown}} {
				if math.Abs(x.got-x.want) > 0.01 {
					t.Errorf("HHI %s is %.2f, want %.2f", x.what, x.got, x.want)
				}
			}
		})
	}
}

// Every way to give the unknown persons to known organizations, or to leave them apart, lies within the bounds.
func TestConcentrateBoundsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amounts := rapid.SliceOfN(rapid.Uint64Range(0, 50), 0, 8)
		known, unknown := amounts.Draw(t, "known"), amounts.Draw(t, "unknown")
		bounds := Concentrate(slices.Clone(known), slices.Clone(unknown))

		possible := slices.Clone(known)
		for _, u := range unknown {
			if to := rapid.IntRange(0, len(known)).Draw(t, "to"); to < len(known) {
				possible[to] += u
			} else {
				possible = append(possible, u)
			}
		}
		k, hhi := naive(possible)
		if k < bounds.ElephantLow || k > bounds.ElephantHigh {
			t.Errorf("elephant factor %d outside of %d to %d", k, bounds.ElephantLow, bounds.ElephantHigh)
		}
		if hhi < bounds.HHILow-1e-9 || hhi > bounds.HHIHigh+1e-9 {
			t.Errorf("HHI %f outside of %f to %f", hhi, bounds.HHILow, bounds.HHIHigh)
		}
		k, hhi = naive(known)
		if k != bounds.ElephantKnown || math.Abs(hhi-bounds.HHIKnown) > 1e-9 {
			t.Errorf("of known: %d, %f; want %d, %f", bounds.ElephantKnown, bounds.HHIKnown, k, hhi)
		}
	})
}

// naive computes both indices of a distribution without unknowns by their definition.
func naive(x []uint64) (elephant int, hhi float64) {
	x = slices.Clone(x)
	slices.Sort(x)
	slices.Reverse(x)
	var total, top uint64
	for _, v := range x {
		total += v
	}
	if total == 0 {
		return 0, 0
	}
	for _, v := range x {
		share := float64(v) / float64(total)
		hhi += 10000 * share * share
	}
	for i, v := range x {
		if top += v; 2*top >= total {
			return i + 1, hhi
		}
	}
	panic("half is never reached")
}
