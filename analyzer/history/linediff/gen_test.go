package linediff

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// shape is a way to make two versions of a file.
type shape struct {
	name  string
	pairs int // in one round of the comparison with git
	make  func(r *rand.Rand) (a, b []string)
}

var shapes = []shape{
	{"letters", 400, func(r *rand.Rand) (a, b []string) {
		// Hardly any line is unique: many equal answers, and the choice between them is tested.
		letters := 2 + r.IntN(8)
		line := func() string { return string(rune('a'+r.IntN(letters))) + "\n" }
		a = repeat(r.IntN(120), line)
		return a, edit(r, a, 0.02+0.4*r.Float64(), line)
	}},
	{"unrelated letters", 200, func(r *rand.Rand) (a, b []string) {
		letters := 2 + r.IntN(30)
		line := func() string { return string(rune('A'+r.IntN(letters))) + "\n" }
		return repeat(r.IntN(150), line), repeat(r.IntN(150), line)
	}},
	{"rare lines amid frequent ones", 400, func(r *rand.Rand) (a, b []string) {
		// Frequent lines are discarded amid lines that the other version does not have.
		n := 0
		share := r.Float64()
		foreign := func() string {
			if r.Float64() < share {
				return []string{"}\n", "\n", "{\n", "else\n"}[min(r.IntN(8), 3)]
			}
			n++
			return fmt.Sprintf("line %d\n", n)
		}
		a = repeat(50+r.IntN(500), foreign)
		share = r.Float64()
		return a, edit(r, a, 0.05+0.3*r.Float64(), foreign)
	}},
	{"numbers", 200, func(r *rand.Rand) (a, b []string) {
		// Repeats are as many as the limit of frequency, more or less.
		numbers := 3 + r.IntN(60)
		line := func() string {
			if r.IntN(3) == 0 {
				return fmt.Sprintf("unique %d\n", r.Uint64())
			}
			return fmt.Sprintf("%d\n", r.IntN(numbers))
		}
		a = repeat(r.IntN(800), line)
		return a, edit(r, a, 0.5*r.Float64(), line)
	}},
	{"code", 400, func(r *rand.Rand) (a, b []string) {
		line := func() string { return codeLine(r) }
		a = repeat(r.IntN(150), line)
		return a, edit(r, a, 0.3*r.Float64(), line)
	}},
	{"copied passages", 600, func(r *rand.Rand) (a, b []string) {
		// A passage is doubled or halved: the changed region may stand in many places.
		longest := []int{6, 25, 250}[r.IntN(3)]
		a = repeat(2+r.IntN(4*longest), func() string { return codeLine(r) })
		if r.IntN(2) == 0 {
			at := r.IntN(len(a))
			a = join(a[:at], repeat(15+r.IntN(30), func() string { return "\n" }), a[at:])
		}
		b = a
		for range 1 + r.IntN(3) {
			lo := r.IntN(min(len(b), 1+r.IntN(len(b))))
			hi := lo + 1 + r.IntN(min(len(b)-lo, longest))
			passage := b[lo:hi]
			b = join(b[:hi], passage, b[hi:])
			if r.IntN(3) == 0 {
				b = join(b[:hi], passage, b[hi:])
			}
		}
		if r.IntN(2) == 0 {
			a, b = b, a
		}
		return a, b
	}},
	{"indentations", 1000, func(r *rand.Rand) (a, b []string) {
		// Lines differ in little but indentation: the places of a changed region often score alike.
		letters := 1 + r.IntN(2)
		line := func() string {
			if r.IntN(12) == 0 {
				return "\n"
			}
			return strings.Repeat(" ", r.IntN(3)) + string(rune('a'+r.IntN(letters))) + "\n"
		}
		a = repeat(1+r.IntN(12), line)
		lo := r.IntN(len(a)) * r.IntN(2)
		hi := lo + 1 + r.IntN(len(a)-lo)
		return a, join(a[:hi], a[lo:hi], a[hi:])
	}},
	{"periodic ends", 300, func(r *rand.Rand) (a, b []string) {
		// What was put in may stand anywhere up to the unseen end, whose length is around a multiple of 1024 bytes; the line before
		// the periods may end like that of a period.
		last := strings.Repeat("z", r.IntN(60)) + "\n"
		period := append(repeat(r.IntN(4), func() string { return string(rune('a'+r.IntN(20))) + strings.Repeat("y", r.IntN(20)) + "\n" }), last)
		head := []string{"head\n", strings.Repeat("x", r.IntN(3)) + last}
		bytes := len(strings.Join(period, ""))
		n := r.IntN(2) + 1024*(1+r.IntN(3))/bytes
		if r.IntN(2) == 0 { // exactly a multiple
			head[1], period[0] = "x\n", strings.Repeat("w", 1<<r.IntN(7)-1)+"\n"
			period = period[:1]
			n = r.IntN(2048/len(period[0])) + 1
		}
		same := join(head, periods(period, n))
		return same, join(same, periods(period, 1+r.IntN(2)))
	}},
	{"long look-around", 40, func(r *rand.Rand) (a, b []string) {
		// Runs of more than a hundred lines that are frequent or absent from the other version.
		share := 0.2 + 0.1*r.Float64()
		n := 0
		line := func() string {
			switch n++; {
			case r.IntN(150) == 0:
				return fmt.Sprintf("usual %d\n", r.IntN(20))
			case r.Float64() < share:
				return "}\n"
			default:
				return fmt.Sprintf("line %d\n", n)
			}
		}
		return repeat(500+r.IntN(1000), line), repeat(500+r.IntN(1000), line)
	}},
	{"long ends", 400, func(r *rand.Rand) (a, b []string) {
		// The common end is around a multiple of 1024 bytes, and lines that differ may end alike.
		end := repeat(1+r.IntN(90), func() string { return strings.Repeat("x", r.IntN(60)) + strings.Repeat("y", r.IntN(2)) + "\n" })
		size := 0
		for _, line := range end {
			size += len(line)
		}
		if wish := 1024*(1+r.IntN(3)) + r.IntN(40) - 30; size < wish {
			end[r.IntN(len(end))] += strings.Repeat("filling\n", (wish-size)/8) + strings.Repeat("z", (wish-size)%8) + "\n"
			end = strings.SplitAfter(strings.Join(end, ""), "\n")
			end = end[:len(end)-1]
		}
		a = repeat(1+r.IntN(10), func() string { return codeLine(r) })
		b = edit(r, a, 0.4, func() string { return codeLine(r) })
		switch r.IntN(3) {
		case 0:
			tail := strings.Repeat("t", r.IntN(50)) + "\n"
			a, b = join(a, []string{"a" + tail}), join(b, []string{"bb" + tail})
		case 1:
			lo := r.IntN(len(end))
			b = join(b, end[lo:min(len(end), lo+r.IntN(9))])
		}
		return join(a, end), join(b, end)
	}},
	{"moved blocks", 30, func(r *rand.Rand) (a, b []string) {
		n := 0
		line := func() string {
			if n++; n%5 == 0 {
				return []string{"\n", "}\n"}[r.IntN(2)]
			}
			return fmt.Sprintf("line %d\n", n)
		}
		a = repeat(500+r.IntN(2500), line)
		b = a
		for range 1 + r.IntN(12) {
			lo := r.IntN(len(b))
			hi := lo + r.IntN(len(b)-lo)
			to := r.IntN(len(b) - (hi - lo) + 1)
			block := b[lo:hi:hi]
			b = join(b[:lo], b[hi:])
			b = join(b[:to], block, b[to:])
		}
		return a, edit(r, b, 0.1*r.Float64(), line)
	}},
	{"dear", 12, func(r *rand.Rand) (a, b []string) {
		// So many edits that the search gives the best split up.
		letters := 4 + r.IntN(1000)
		line := func() string { return fmt.Sprintf("%d\n", r.IntN(letters)) }
		a = repeat(3000+r.IntN(9000), line)
		b = edit(r, a, 0.05+0.5*r.Float64(), line)
		return a, b
	}},
	{"dear with long snakes", 12, func(r *rand.Rand) (a, b []string) {
		letters := 50 + r.IntN(3000)
		line := func() string { return fmt.Sprintf("%d\n", r.IntN(letters)) }
		for range 10 + r.IntN(20) {
			same := repeat(10+r.IntN(400), line)
			a = join(a, edit(r, same, 0.02*r.Float64(), line), repeat(r.IntN(300), line))
			b = join(b, same, repeat(r.IntN(300), line))
		}
		return a, b
	}},
	{"huge", 4, func(r *rand.Rand) (a, b []string) {
		// The budget is above the cost from which on a good split is enough.
		letters := 300 << r.IntN(6)
		line := func() string { return fmt.Sprintf("%d\n", r.IntN(letters)) }
		gap, run := 10+r.IntN(50), 2+r.IntN(12)
		a = repeat(40000+r.IntN(20000), line)
		for i := 0; i < len(a); {
			n := min(len(a)-i, r.IntN(2*gap))
			b = append(b, a[i:i+n]...)
			b = append(b, repeat(r.IntN(run), line)...)
			i += n + r.IntN(run)
		}
		return a, b
	}},
}

func periods(period []string, n int) (lines []string) {
	for range n {
		lines = append(lines, period...)
	}
	return lines
}

// codeLine is a line with an indentation of some sort.
func codeLine(r *rand.Rand) string {
	indent := ""
	for range r.IntN(4) {
		indent += []string{"\t", "    ", "  ", " ", "   \t", "\r"}[min(r.IntN(9), 5)]
	}
	switch r.IntN(60) {
	case 0:
		indent += strings.Repeat(" ", 190+r.IntN(30))
	case 1:
		indent += strings.Repeat("\t", 23+r.IntN(4))
	case 2:
		indent += []string{"\v", "\f", "\u00a0"}[r.IntN(3)]
	}
	switch n := r.IntN(12); {
	case n < 3:
		return indent + "\n"
	case n < 5:
		return indent + "}\n"
	default:
		return indent + string(rune('a'+r.IntN(4))) + "\n"
	}
}

func repeat(n int, line func() string) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = line()
	}
	return lines
}

func join(parts ...[]string) (lines []string) {
	for _, p := range parts {
		lines = append(lines, p...)
	}
	return lines
}

// edit changes about a share of the lines, in runs.
func edit(r *rand.Rand, lines []string, share float64, line func() string) (edited []string) {
	for i := 0; i < len(lines); i++ {
		if r.Float64() < share/3 {
			run := 1 + r.IntN(5)
			switch r.IntN(4) {
			case 0:
				i += run
			case 1:
				edited = append(edited, repeat(run, line)...)
			case 2:
				edited = append(edited, repeat(run, line)...)
				i += run
			case 3:
				same := line()
				for range r.IntN(30) {
					edited = append(edited, same)
				}
			}
		}
		if i < len(lines) {
			edited = append(edited, lines[i])
		}
	}
	return edited
}

// text is the file of lines; one in eight ends without a newline.
func text(r *rand.Rand, lines []string) []byte {
	s := strings.Join(lines, "")
	if r.IntN(8) == 0 {
		s = strings.TrimSuffix(s, "\n")
	}
	return []byte(s)
}
