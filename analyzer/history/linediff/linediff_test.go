package linediff

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestDiff(t *testing.T) {
	for _, c := range []struct {
		name, a, b string // a letter is a line
		want       []Hunk
	}{
		{"equal", "abc", "abc", nil},
		{"both empty", "", "", nil},
		{"all new", "", "ab", []Hunk{{0, 0, 0, 2}}},
		{"all gone", "ab", "", []Hunk{{0, 2, 0, 0}}},
		{"one line for another", "abc", "axc", []Hunk{{1, 2, 1, 2}}},
		{"nothing in common", "abc", "xyz", []Hunk{{0, 3, 0, 3}}},
		{"two regions", "abcde", "xbcdy", []Hunk{{0, 1, 0, 1}, {4, 5, 4, 5}}},
		{"slides down to the end", "aaaa", "aaaaaa", []Hunk{{4, 4, 4, 6}}},
		{"slides down behind a twin", "axbxc", "axbxbxc", []Hunk{{4, 4, 4, 6}}},
		{"stays where the other side changes", "xyaa", "zyzaaa", []Hunk{{0, 1, 0, 1}, {2, 2, 2, 4}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newTexts()
			a, b := s.ids(letters(c.a)), s.ids(letters(c.b))
			for _, mode := range []Mode{Numstat, Blame} {
				if got := new(Differ).Diff(nil, a, b, &s.lines, mode); !slices.Equal(got, c.want) {
					t.Errorf("mode %d: got %v, want %v", mode, got, c.want)
				}
			}
		})
	}
}

func letters(s string) []byte {
	return []byte(strings.Join(append(strings.Split(s, ""), ""), "\n"))
}

func TestUnseen(t *testing.T) {
	line := strings.Repeat("x", 63) + "\n" // 64 bytes
	for _, c := range []struct {
		name, a, b string
		want       int
	}{
		{"below a block", strings.Repeat(line, 15), "a\n" + strings.Repeat(line, 15), 0},
		{"one block, and the line that ends first in it stays", strings.Repeat(line, 16), "a\n" + strings.Repeat(line, 16), 15},
		{"lines before that end alike complete a block", "ab\n" + strings.Repeat(line, 15) + strings.Repeat("y\n", 31), "bb\n" + strings.Repeat(line, 15) + strings.Repeat("y\n", 31), 46},
		{"lines before that do not", "b\n" + strings.Repeat(line, 15) + strings.Repeat("y\n", 31), "a\n" + strings.Repeat(line, 15) + strings.Repeat("y\n", 31), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newTexts()
			a, b := s.ids([]byte(c.a)), s.ids([]byte(c.b))
			if got := unseen(a, b, commonSuffix(a, b), &s.lines); got != c.want {
				t.Errorf("%d lines are unseen, want %d", got, c.want)
			}
		})
	}
}

func TestIndent(t *testing.T) {
	for _, c := range []struct {
		line string
		want uint8
	}{
		{"", Blank},
		{"\n", Blank},
		{" \t \r\n", Blank},
		{"x\n", 0},
		{"  x", 2},
		{"\tx\n", 8},
		{"   \tx\n", 8},
		{"\t x\n", 9},
		{"\r x\n", 1},
		{"\v x\n", 0},
		{strings.Repeat(" ", 199) + "x", 199},
		{strings.Repeat(" ", 300) + "x", 200},
		{strings.Repeat("\t", 25) + "\n", 200},
		{strings.Repeat("\t", 24) + "\n", Blank},
	} {
		if got := Indent([]byte(c.line)); got != c.want {
			t.Errorf("Indent(%q) = %d, want %d", c.line, got, c.want)
		}
	}
}

// checkDiff tests what must hold of every answer. d may have been used for anything before.
func checkDiff(t rapid.TB, d *Differ, a, b []uint32, lines *Lines) {
	for _, mode := range []Mode{Numstat, Blame} {
		hunks := d.Diff(nil, a, b, lines, mode)
		if fresh := (&Differ{Limit: d.Limit}).Diff(nil, a, b, lines, mode); !slices.Equal(fresh, hunks) {
			t.Fatalf("mode %d: a used Differ gives %v, a new one %v", mode, hunks, fresh)
		}
		// Apply the hunks to a.
		var applied []uint32
		done := uint32(0)
		for i, h := range hunks {
			if h.A0 > h.A1 || h.B0 > h.B1 || h.A0 == h.A1 && h.B0 == h.B1 || int(h.A1) > len(a) || int(h.B1) > len(b) || h.A0 < done || i > 0 && h.A0 == done {
				t.Fatalf("mode %d: hunk %d of %v is out of order, empty or adjacent to the one before", mode, i, hunks)
			}
			applied = append(applied, a[done:h.A0]...)
			if len(applied) != int(h.B0) {
				t.Fatalf("mode %d: hunk %d of %v leaves equal runs of different lengths", mode, i, hunks)
			}
			applied = append(applied, b[h.B0:h.B1]...)
			done = h.A1
		}
		if applied = append(applied, a[done:]...); !slices.Equal(applied, b) {
			t.Fatalf("mode %d: hunks %v do not make b of a", mode, hunks)
		}
		if len(hunks) == 0 != slices.Equal(a, b) {
			t.Fatalf("mode %d: %d hunks, versions equal: %t", mode, len(hunks), slices.Equal(a, b))
		}
		both, added, removed := d.Both(nil, a, b, lines)
		if mode == Blame && !slices.Equal(both, hunks) {
			t.Fatalf("Both gives %v, Diff %v", both, hunks)
		}
		if mode == Numstat {
			wantAdded, wantRemoved := size(hunks)
			if added != wantAdded || removed != wantRemoved {
				t.Fatalf("Both counts +%d -%d, Diff +%d -%d", added, removed, wantAdded, wantRemoved)
			}
			if added, removed := d.Count(a, b); added != wantAdded || removed != wantRemoved {
				t.Fatalf("Count gives +%d -%d, Diff +%d -%d", added, removed, wantAdded, wantRemoved)
			}
		}
	}
	for id, n := range d.tally {
		if n != 0 {
			t.Fatalf("the tally of line %d is left at %x", id, n)
		}
	}
}

// someLines tells of 256 lines: of many lengths and indentations, every fifth of them blank.
func someLines() *Lines {
	l := &Lines{Text: func(id uint32) []byte { return []byte(fmt.Sprintf("%*d\n", int(3+id%40), id)) }}
	for id := range uint32(256) {
		l.Size = append(l.Size, uint32(len(l.Text(id))))
		l.Indent = append(l.Indent, uint8(id%7))
		if id%5 == 0 {
			l.Indent[id] = Blank
		}
	}
	return l
}

func TestProperties(t *testing.T) {
	var d Differ
	lines := someLines()
	rapid.Check(t, func(t *rapid.T) {
		top := rapid.SampledFrom([]uint32{1, 2, 4, 20, 255}).Draw(t, "top")
		id := rapid.Uint32Range(0, top)
		end := rapid.SliceOfN(id, 0, 80).Draw(t, "common end")
		a := append(rapid.SliceOfN(id, 0, 60).Draw(t, "a"), end...)
		b := append(rapid.SliceOfN(id, 0, 60).Draw(t, "b"), end...)
		checkDiff(t, &d, a, b, lines)

		// No heuristic is at work in so few lines but the discarding of frequent ones, which takes enoughAbsent others.
		added, removed := d.Count(a, b)
		least := editDistance(a, b)
		if int(added+removed) < least {
			t.Fatalf("%d edits, the least possible is %d", added+removed, least)
		}
		if max(foreign(a, b), foreign(b, a)) < enoughAbsent && int(added+removed) != least {
			t.Fatalf("%d edits, and %d are enough", added+removed, least)
		}
	})
}

// foreign counts the lines of a that b has not.
func foreign(a, b []uint32) (n int) {
	for _, id := range a {
		if !slices.Contains(b, id) {
			n++
		}
	}
	return n
}

// editDistance is the least number of added and removed lines, by dynamic programming over all pairs of lines.
func editDistance(a, b []uint32) int {
	row := make([]int, len(b)+1) // of longest common subsequences
	for _, x := range a {
		diagonal := 0
		for j, y := range b {
			above := row[j+1]
			if x == y {
				row[j+1] = diagonal + 1
			} else {
				row[j+1] = max(above, row[j])
			}
			diagonal = above
		}
	}
	return len(a) + len(b) - 2*row[len(b)]
}

func FuzzDiff(f *testing.F) {
	f.Add([]byte(""), []byte("a"))
	f.Add([]byte("abcabba"), []byte("cbabac"))
	f.Add([]byte(strings.Repeat("ab", 700)), []byte(strings.Repeat("ab", 701)))
	f.Add([]byte(strings.Repeat("xaxbxcxdxexfxgx", 9)), []byte(strings.Repeat("xhxixjxkx", 15)))
	lines := someLines()
	f.Fuzz(func(t *testing.T, x, y []byte) {
		checkDiff(t, new(Differ), widen(x), widen(y), lines)
	})
}

func widen(s []byte) []uint32 {
	ids := make([]uint32, len(s))
	for i, c := range s {
		ids[i] = uint32(c)
	}
	return ids
}

// costly are pairs that ask much of the comparison.
func costly(n int) map[string][2][]uint32 {
	r := rand.New(rand.NewPCG(1, 2))
	fill := func(n int, line func(i int) int) []uint32 {
		ids := make([]uint32, n)
		for i := range ids {
			ids[i] = uint32(line(i))
		}
		return ids
	}
	return map[string][2][]uint32{
		"equal lines":           {fill(n, func(int) int { return 1 }), fill(n/2, func(int) int { return 1 })},
		"first line moved last": {fill(n, func(i int) int { return min(i, 1) }), fill(n, func(i int) int { return min(n-1-i, 1) })},
		"alternating":           {fill(n, func(i int) int { return i % 2 }), fill(n, func(i int) int { return (i / 2) % 2 })},
		"two letters":           {fill(n, func(int) int { return r.IntN(2) }), fill(n, func(int) int { return r.IntN(2) })},
		"hundred letters":       {fill(n, func(int) int { return r.IntN(100) }), fill(n, func(int) int { return r.IntN(100) })},
		"reversed":              {fill(n, func(i int) int { return i % 250 }), fill(n, func(i int) int { return (n - i) % 250 })},
		"every second gone":     {fill(n, func(i int) int { return i % 2 }), fill(n/2, func(int) int { return 1 })},
	}
}

func TestCostly(t *testing.T) {
	lines := someLines()
	for name, p := range costly(10_000) {
		t.Run(name, func(t *testing.T) {
			d := new(Differ)
			checkDiff(t, d, p[0], p[1], lines)
			if d.Exhausted > 0 {
				t.Errorf("%d comparisons reached the default limit", d.Exhausted)
			}
			checkDiff(t, &Differ{Limit: 1000}, p[0], p[1], lines)
		})
	}
}

func TestLimit(t *testing.T) {
	p := costly(10_000)["hundred letters"]
	a, b := p[0], p[1]
	var last uint32
	for _, limit := range []uint64{1 << 30, 1 << 22, 1 << 18, 1} {
		d := Differ{Limit: limit}
		added, removed := d.Count(a, b)
		if exhausted := limit < 1<<30; d.Exhausted > 0 != exhausted {
			t.Errorf("limit %d: %d comparisons reached it", limit, d.Exhausted)
		}
		if added+removed < last {
			t.Errorf("limit %d: %d edits, less than the %d of a higher limit", limit, added+removed, last)
		}
		last = added + removed
	}
	if int(last) < (len(a)+len(b))*9/10 {
		t.Errorf("%d edits without a search", last)
	}
}

// benchmarks are edits of a file of 1,500 lines, the mean of real histories.
func BenchmarkDiff(b *testing.B) {
	const n = 1500
	var d Differ
	s := newTexts()
	r := rand.New(rand.NewPCG(3, 4))
	k := 0
	line := func() string {
		if k++; k%4 == 0 {
			return []string{"\n", "\t}\n", "}\n"}[r.IntN(3)]
		}
		return fmt.Sprintf("\tline %d of the file\n", k)
	}
	file := repeat(n, line)
	for _, c := range []struct {
		name string
		file []string
	}{
		{"one line", join(file[:n/2], []string{"new\n"}, file[n/2+1:])},
		{"put in", join(file[:n/2], repeat(10, line), file[n/2:])},
		{"near both ends", join(file[:5], []string{"new\n"}, file[6:n-5], []string{"newer\n"}, file[n-4:])},
		{"a tenth", edit(r, file, 0.05, line)},
		{"another file", repeat(n, line)},
	} {
		x, y := s.ids([]byte(strings.Join(file, ""))), s.ids([]byte(strings.Join(c.file, "")))
		b.Run("Both/"+c.name, func(b *testing.B) {
			b.ReportAllocs()
			var hunks []Hunk
			for b.Loop() {
				hunks, _, _ = d.Both(hunks[:0], x, y, &s.lines)
			}
		})
		b.Run("Count/"+c.name, func(b *testing.B) {
			for b.Loop() {
				d.Count(x, y)
			}
		})
	}
}
