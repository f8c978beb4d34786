package history

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"orrery/analyzer/history/odb"
)

// TestSplit holds the lines of texts, each taken from another text that resembles it, to lines told apart by themselves.
func TestSplit(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	line := func() []byte {
		b := bytes.Repeat([]byte{'a' + byte(r.IntN(6))}, r.IntN(5))
		return append(b, '\n')
	}
	fresh := func() []byte {
		var b []byte
		for range r.IntN(200) {
			b = append(b, line()...)
		}
		return b
	}
	// edit puts in, takes out, changes and moves lines, and may cut the last newline off.
	edit := func(b []byte) []byte {
		lines := bytes.SplitAfter(b, []byte{'\n'})
		for range r.IntN(6) {
			lo := r.IntN(len(lines) + 1)
			hi := min(len(lines), lo+r.IntN(30))
			switch part := lines[lo:hi]; r.IntN(4) {
			case 0:
				lines = append(lines[:lo:lo], lines[hi:]...)
			case 1:
				lines = append(lines[:lo:lo], append([][]byte{fresh()}, lines[lo:]...)...)
			case 2:
				for i := range part {
					part[i] = line()
				}
			case 3:
				lines = append(append(lines[:lo:lo], lines[hi:]...), part...)
			}
		}
		out := bytes.Join(lines, nil)
		return out[:len(out)-min(len(out), r.IntN(2))]
	}
	s := newTexts(newBlobs(0, 1<<12), nil, odb.DefaultLimits, 1<<12)
	numbers := map[string]uint32{}
	var before *text
	content := fresh()
	for range 2000 {
		if r.IntN(20) == 0 {
			content = fresh()
		} else {
			content = edit(content)
		}
		now := &text{blob: &blob{raw: bytes.Clone(content), users: 1}}
		like := before
		if r.IntN(10) == 0 {
			like = nil
		}
		s.split(now, like)
		at := 0
		for i, n := range now.lines {
			b := content[at:now.ends[i]]
			if k := bytes.IndexByte(b, '\n'); k >= 0 && k != len(b)-1 || k < 0 && i != len(now.lines)-1 || len(b) == 0 {
				t.Fatalf("%q is not a line", b)
			}
			if !bytes.Equal(s.bytesOf(n), b) {
				t.Fatalf("line %d is %q, not %q", i, s.bytesOf(n), b)
			}
			if known, ok := numbers[string(b)]; ok && known != n {
				t.Fatalf("%q is %d and %d", b, known, n)
			}
			numbers[string(b)] = n
			at = int(now.ends[i])
		}
		if at != len(content) {
			t.Fatalf("%d bytes of %d", at, len(content))
		}
		if before != nil {
			s.recycle(before)
		}
		before = now
	}
}

// TestShares deals work out to workers that take turns at random: every piece goes out once.
func TestShares(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		n, workers := r.IntN(40), 1+r.IntN(5)
		s := newShares(r.IntN(n+1), n, workers)
		seen := make([]bool, n)
		for idle := 0; idle < workers; {
			k, ok := s.take(r.IntN(workers))
			if !ok {
				idle++
				continue
			}
			if seen[k] {
				t.Fatalf("%d of %d went out twice", k, n)
			}
			seen[k] = true
		}
		for w := range workers {
			if k, ok := s.take(w); ok {
				t.Errorf("%d of %d is left, and worker %d was sent away", k, n, w)
			}
		}
		for k, ok := range seen {
			if !ok {
				t.Errorf("%d of %d never went out", k, n)
			}
		}
	}
}
