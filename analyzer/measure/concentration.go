package measure

import "math/bits"

// Concentration holds the indices of one distribution over known organizations (or persons) and unknown persons.
//
// Low and High are worst-case bounds: over every way in which unknown persons may belong to the known organizations, to one another, or
// to nobody else.
type Concentration struct {
	// Known, Unknown and Total are K, U and T = K + U, in the unit of what is distributed.
	Known, Unknown, Total uint64
	// ElephantLow, ElephantHigh and ElephantKnown are counts of organizations; all 0 when there is nothing to share (T = 0, or K = 0).
	ElephantLow, ElephantHigh, ElephantKnown int
	// HHILow, HHIHigh and HHIKnown run from above 0 to 10,000; 0 when there is nothing to share.
	HHILow, HHIHigh, HHIKnown float64
}

// Concentrate measures how much of a whole its largest holders have: known[i] is the contribution of the i-th known organization,
// unknown[j] that of the j-th person whose organization is not known. Order and zeros do not matter; both slices are sorted in place,
// largest first. The sum of all must be below 2^64.
//
// Halves are tested in integers. Formulas: CHAOSS Elephant Factor; HHI; the bounds are stated with the metrics.
func Concentrate(known, unknown []uint64) Concentration {
	return concentrate(known, unknown, new([]uint64))
}

// concentrate is Concentrate with memory to sort in.
func concentrate(known, unknown []uint64, spare *[]uint64) Concentration {
	descending(known, spare)
	descending(unknown, spare)
	var c Concentration
	var squaresKnown, squaresUnknown wide
	for _, x := range known {
		c.Known += x
		squaresKnown = squaresKnown.addSquare(x)
	}
	for _, u := range unknown {
		c.Unknown += u
		squaresUnknown = squaresUnknown.addSquare(u)
	}
	c.Total = c.Known + c.Unknown
	if c.Total == 0 {
		return c
	}

	c.ElephantKnown = atoms(known, nil, c.Known)
	c.ElephantHigh = atoms(known, unknown, c.Total)
	// All of U lies with one of the top k, so k is 1 at least.
	c.ElephantLow = 1
	sum := c.Unknown
	for i, x := range known {
		sum += x
		if sum >= c.Total-sum {
			c.ElephantLow = i + 1
			break
		}
	}

	var largest uint64
	if len(known) > 0 {
		largest = known[0]
	}
	if c.Known > 0 {
		c.HHIKnown = squaresKnown.hhi(c.Known)
	}
	c.HHILow = squaresKnown.add(squaresUnknown).hhi(c.Total)
	c.HHIHigh = squaresKnown.sub(wide{}.addSquare(largest)).addSquare(largest + c.Unknown).hhi(c.Total)
	return c
}

// atoms counts how many of the largest values of two descending slices reach half of total; 0 if total is 0.
func atoms(a, b []uint64, total uint64) int {
	var sum uint64
	for k := 0; ; k++ {
		if sum >= total-sum {
			return k
		}
		switch {
		case len(b) == 0 || len(a) > 0 && a[0] >= b[0]:
			sum, a = sum+a[0], a[1:]
		default:
			sum, b = sum+b[0], b[1:]
		}
	}
}

// wide is an unsigned integer of 128 bits: squares of lines do not fit 64, and sums of rounded squares would depend on their order.
type wide struct{ hi, lo uint64 }

func (w wide) add(v wide) wide {
	lo, carry := bits.Add64(w.lo, v.lo, 0)
	hi, _ := bits.Add64(w.hi, v.hi, carry)
	return wide{hi, lo}
}

func (w wide) sub(v wide) wide {
	lo, borrow := bits.Sub64(w.lo, v.lo, 0)
	hi, _ := bits.Sub64(w.hi, v.hi, borrow)
	return wide{hi, lo}
}

func (w wide) addSquare(x uint64) wide {
	hi, lo := bits.Mul64(x, x)
	return w.add(wide{hi, lo})
}

func (w wide) float() float64 { return float64(w.hi)*(1<<64) + float64(w.lo) }

// hhi gives 10000 w / total^2.
func (w wide) hhi(total uint64) float64 {
	return 10000 * w.float() / wide{}.addSquare(total).float()
}
