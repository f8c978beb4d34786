package openness

import (
	"cmp"
	"math"
	"slices"

	"orrery/analyzer/people"
)

// compare orders rows of a period: standings, then organizations by newcomers and merged proposals, then by index, which is the order of names.
func compare(a, b Row) int {
	of := func(r *Row) int {
		if r.Organization == people.NoOrganization {
			return 0
		}
		return 1
	}
	if c := cmp.Compare(of(&a), of(&b)); c != 0 || of(&a) == 0 {
		return cmp.Or(c, cmp.Compare(a.Standing, b.Standing))
	}
	return cmp.Or(cmp.Compare(b.Newcomers+b.Merged, a.Newcomers+a.Merged), cmp.Compare(a.Organization, b.Organization))
}

// quantile gives the smallest value that at least a share q of all are not above; nil without values, which it sorts.
func quantile(values []float64, q float64) *float64 {
	if len(values) == 0 {
		return nil
	}
	slices.Sort(values)
	at := int(math.Ceil(q*float64(len(values)))) - 1
	return &values[max(at, 0)]
}

// watch is how long somebody was watched, in seconds, and whether what was awaited came then.
type watch struct {
	time int64
	came bool
}

// stillWaiting is the product-limit estimate (Kaplan and Meier 1958) of the share to whom what is awaited has not come by a time, of all: those
// who were watched for less count for as long as they were. False where nobody was watched until then, so that it cannot be told. Sorts.
func stillWaiting(all []watch, until int64) (share float64, ok bool) {
	// Of those with the same time, who got it was at risk together with who is not watched any longer.
	slices.SortFunc(all, func(a, b watch) int { return cmp.Compare(a.time, b.time) })
	share = 1
	for i := 0; i < len(all) && all[i].time <= until; {
		risk, came, t := len(all)-i, 0, all[i].time
		for ; i < len(all) && all[i].time == t; i++ {
			if all[i].came {
				came++
			}
		}
		share *= 1 - float64(came)/float64(risk)
	}
	return share, len(all) > 0 && all[len(all)-1].time >= until || share == 0 && len(all) > 0
}

// Wilson gives the 95 % interval of a share of k in n (Wilson 1927); false if n is 0.
func Wilson(k, n int) (low, high float64, ok bool) {
	if n <= 0 {
		return 0, 0, false
	}
	const z = 1.959963984540054
	p, m := float64(k)/float64(n), float64(n)
	middle := p + z*z/(2*m)
	half := z * math.Sqrt(p*(1-p)/m+z*z/(4*m*m))
	return max(0, (middle-half)/(1+z*z/m)), min(1, (middle+half)/(1+z*z/m)), true
}
