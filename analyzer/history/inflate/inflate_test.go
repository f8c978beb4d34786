package inflate

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	stdadler "hash/adler32"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// levels are all settings of compress/zlib: stored, Huffman codes alone, and matching from fast to thorough.
var levels = []int{zlib.HuffmanOnly, zlib.NoCompression, 1, 2, 3, 4, 5, 6, 7, 8, 9}

func compress(t testing.TB, data []byte, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := zlib.NewWriterLevel(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// guarded returns a destination of n bytes that lies in a larger buffer, and a function that says whether anything around it was touched.
func guarded(n int) (dst []byte, intact func() bool) {
	const margin = 512
	b := bytes.Repeat([]byte{0xa5}, n+2*margin)
	wall := bytes.Repeat([]byte{0xa5}, margin)
	return b[margin : margin+n], func() bool {
		return bytes.Equal(b[:margin], wall) && bytes.Equal(b[margin+n:], wall)
	}
}

// inputs returns data of many kinds: all lengths near the bounds of the loops, runs of every short period, text, noise.
func inputs() map[string][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	in := map[string][]byte{
		"empty":   {},
		"one":     {'x'},
		"text":    text(r, 40000),
		"noise":   noise(r, 70000),
		"tree":    tree(r, 300),
		"zeros":   make([]byte, 100000),
		"skewed":  skewed(r, 60000),
		"far":     append(append(noise(r, 32768), noise(r, 32768)...), noise(rand.New(rand.NewPCG(1, 2)), 100)...),
		"commits": commits(r, 20),
	}
	for period := 1; period <= 20; period++ {
		in[fmt.Sprint("period ", period)] = bytes.Repeat(noise(r, period), 600/period)
	}
	for n := 2; n < 70; n++ {
		in[fmt.Sprint("text of ", n)] = text(r, n)
	}
	return in
}

func noise(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// text is source-like: words of a Zipf distribution, indented lines.
func text(r *rand.Rand, n int) []byte {
	z := rand.NewZipf(r, 1.2, 4, 2000)
	words := make([]string, 2001)
	for i := range words {
		w := make([]byte, 2+r.IntN(9))
		for j := range w {
			w[j] = "etaoinsrhldcumfpgwybvk_"[min(r.IntN(23), r.IntN(23))]
		}
		words[i] = string(w)
	}
	var b bytes.Buffer
	for b.Len() < n {
		b.WriteString(strings.Repeat("    ", r.IntN(4)))
		for range 1 + r.IntN(8) {
			b.WriteString(words[z.Uint64()])
			b.WriteByte(" (.,;=>"[r.IntN(7)])
		}
		b.WriteByte('\n')
	}
	return b.Bytes()[:n]
}

// tree is like a tree object of git: mode, name, and 20 random bytes.
func tree(r *rand.Rand, entries int) []byte {
	var b bytes.Buffer
	for i := range entries {
		fmt.Fprintf(&b, "100644 %s_%d.c\x00", text(r, 3+r.IntN(10)), i)
		b.Write(noise(r, 20))
	}
	return b.Bytes()
}

// skewed uses byte values with probabilities that halve, so that codes reach all 15 bits.
func skewed(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		for b[i] < 20 && r.IntN(2) == 0 {
			b[i]++
		}
		b[i] *= 11
	}
	return b
}

func commits(r *rand.Rand, n int) []byte {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, "tree %x\nparent %x\nauthor A. Writer <a.writer@one.example> %d +0800\ncommitter B. Merger <b@two.example> %d +0000\n\n%s\n",
			noise(r, 20), noise(r, 20), 1700000000+i*997, 1700000100+i*997, text(r, 60+r.IntN(200)))
	}
	return b.Bytes()
}

func TestZlibEqualsInput(t *testing.T) {
	var d Decoder
	for name, data := range inputs() {
		for _, level := range levels {
			z := compress(t, data, level)
			// What follows a stream decides which loop decodes its end, and must not matter.
			for _, after := range []int{0, 1, 7, 8, 15, 16, 300} {
				src := append(bytes.Clone(z), bytes.Repeat([]byte{0xff}, after)...)
				dst, intact := guarded(len(data))
				n, err := d.Zlib(dst, src)
				if err != nil || n != len(z) || !bytes.Equal(dst, data) {
					t.Fatalf("%s, level %d, %d bytes after: %d of %d bytes, error %v, equal %t", name, level, after, n, len(z), err, bytes.Equal(dst, data))
				}
				if !intact() {
					t.Fatalf("%s, level %d: wrote outside its destination", name, level)
				}
			}
		}
	}
}

func TestZlibRandom(t *testing.T) {
	var d Decoder
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.SliceOfN(rapid.ByteMax(12), 0, 50), 0, 60).Draw(t, "parts")
		data := bytes.Join(parts, rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "separator"))
		level := rapid.SampledFrom(levels).Draw(t, "level")
		var b bytes.Buffer
		w, _ := zlib.NewWriterLevel(&b, level)
		cut := rapid.IntRange(0, len(data)).Draw(t, "flush at")
		w.Write(data[:cut])
		w.Flush() // ends a block, and adds an empty stored one
		w.Write(data[cut:])
		w.Close()
		dst, intact := guarded(len(data))
		n, err := d.Zlib(dst, b.Bytes())
		if err != nil || n != b.Len() || !bytes.Equal(dst, data) || !intact() {
			t.Fatalf("%d of %d bytes, error %v", n, b.Len(), err)
		}
	})
}

func TestTruncated(t *testing.T) {
	var d Decoder
	r := rand.New(rand.NewPCG(3, 4))
	for _, data := range [][]byte{{}, []byte("a"), text(r, 30), text(r, 1500), noise(r, 200), skewed(r, 3000), make([]byte, 5000)} {
		for _, level := range levels {
			z := compress(t, data, level)
			for cut := range z {
				dst, intact := guarded(len(data))
				if n, err := d.Zlib(dst, z[:cut:cut]); err != ErrTruncated || n != 0 || !intact() {
					t.Fatalf("level %d, %d of %d bytes: n %d, error %v", level, cut, len(z), n, err)
				}
			}
		}
	}
}

func TestWrongSize(t *testing.T) {
	var d Decoder
	for name, data := range inputs() {
		for _, level := range levels {
			z := compress(t, data, level)
			for _, diff := range []int{1, 2, 9, 40, 300} {
				dst, intact := guarded(len(data) + diff)
				if n, err := d.Zlib(dst, z); err != ErrTooShort || n != 0 || !intact() {
					t.Errorf("%s, level %d, %d too many: n %d, error %v", name, level, diff, n, err)
				}
				if diff > len(data) {
					continue
				}
				dst, intact = guarded(len(data) - diff)
				if n, err := d.Zlib(dst, z); err != ErrTooLong || n != 0 || !intact() {
					t.Errorf("%s, level %d, %d too few: n %d, error %v", name, level, diff, n, err)
				}
			}
		}
	}
}

func TestPrefix(t *testing.T) {
	var d Decoder
	for name, data := range inputs() {
		for _, level := range levels {
			z := compress(t, data, level)
			for _, n := range []int{0, 1, 2, 10, 20, 33, 64, 500, len(data), len(data) + 1, len(data) + 100} {
				dst, intact := guarded(n)
				want := data[:min(n, len(data))]
				written, err := d.Prefix(dst, z)
				if err != nil || written != len(want) || !bytes.Equal(dst[:written], want) || !intact() {
					t.Fatalf("%s, level %d: %d of %d bytes, error %v", name, level, written, n, err)
				}
			}
		}
	}
	// What lies behind the bytes that are asked for is not judged; what is missing before them is.
	block := new(bitWriter).put(1, 1).put(1, 2)
	for _, c := range "some text." {
		block.code(0x30+int(c), 8)
	}
	z, dst := stream(block), make([]byte, 9)
	if n, err := d.Prefix(dst, z); n != 9 || err != nil || string(dst) != "some text" {
		t.Errorf("prefix of a truncated stream: %d bytes %q, error %v", n, dst, err)
	}
	if n, err := d.Prefix(make([]byte, 20), z); n != 10 || err != ErrTruncated {
		t.Errorf("prefix beyond a truncated stream: %d bytes, error %v", n, err)
	}
	stored := []byte{0x78, 0x9c, 0, 3, 0, 0xfc, 0xff, 'a', 'b', 'c', 7 /* no such block */}
	if n, err := d.Prefix(dst[:3], stored); n != 3 || err != nil || string(dst[:3]) != "abc" {
		t.Errorf("prefix before a corrupt block: %d bytes, error %v", n, err)
	}
	if n, err := d.Prefix(dst[:4], stored); n != 3 || err != ErrCorrupt {
		t.Errorf("prefix beyond a corrupt block: %d bytes, error %v", n, err)
	}
}

// bitWriter writes deflate streams by hand.
type bitWriter struct {
	b []byte
	n int
}

// put writes n bits of v, lowest first.
func (w *bitWriter) put(v, n int) *bitWriter {
	for i := range n {
		if w.n%8 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[w.n/8] |= byte(v >> i & 1 << (w.n % 8))
		w.n++
	}
	return w
}

// code writes a Huffman code of n bits, highest first.
func (w *bitWriter) code(v, n int) *bitWriter {
	for i := n - 1; i >= 0; i-- {
		w.put(v>>i, 1)
	}
	return w
}

// lens writes the head of a dynamic block, with every length of the code length alphabet sent in 4 or 5 bits.
func (w *bitWriter) lens(lit, dist []int) *bitWriter {
	w.put(1, 1).put(2, 2).put(len(lit)-257, 5).put(len(dist)-1, 5).put(15, 4)
	for _, s := range preOrder {
		if s < 13 {
			w.put(4, 3) // codes 0 to 12 in 4 bits
		} else {
			w.put(5, 3) // codes 26 to 31 for 13 to 18
		}
	}
	for _, l := range append(append([]int(nil), lit...), dist...) {
		if l < 13 {
			w.code(l, 4)
		} else {
			w.code(26+l-13, 5)
		}
	}
	return w
}

func stream(w *bitWriter) []byte { return append([]byte{0x78, 0x9c}, w.b...) }

// lengths returns n code lengths, all 0 but those given as symbol, length pairs.
func lengths(n int, pairs ...int) []int {
	l := make([]int, n)
	for i := 0; i < len(pairs); i += 2 {
		l[pairs[i]] = pairs[i+1]
	}
	return l
}

func TestBadStreams(t *testing.T) {
	w := func() *bitWriter { return new(bitWriter) }
	fixedBlock := func() *bitWriter { return w().put(1, 1).put(1, 2) }
	for _, c := range []struct {
		name string
		src  []byte
		size int
		want error
	}{
		{"nothing", nil, 1, ErrTruncated},
		{"half a header", []byte{0x78}, 1, ErrTruncated},
		{"another method", []byte{0x77, 0x9d, 3, 0, 0, 0, 0, 1}, 0, ErrCorrupt},
		{"window beyond 32 KiB", []byte{0x88, 0x1c, 3, 0, 0, 0, 0, 1}, 0, ErrCorrupt},
		{"header check", []byte{0x78, 0x9d, 3, 0, 0, 0, 0, 1}, 0, ErrCorrupt},
		{"preset dictionary", []byte{0x78, 0xbb, 3, 0, 0, 0, 0, 1}, 0, ErrCorrupt},
		{"small window", []byte{0x08, 0x1d, 3, 0, 0, 0, 0, 1}, 0, nil},
		{"block type 3", stream(w().put(1, 1).put(3, 2)), 0, ErrCorrupt},
		{"stored length and its complement", []byte{0x78, 0x9c, 1, 1, 0, 1, 0, 'a'}, 1, ErrCorrupt},
		{"stored block cut", []byte{0x78, 0x9c, 1, 4, 0, 0xfb, 0xff, 'a', 'b'}, 4, ErrTruncated},
		{"stored head cut", []byte{0x78, 0x9c, 1, 4, 0, 0xfb}, 4, ErrTruncated},
		{"stored block too long", []byte{0x78, 0x9c, 1, 2, 0, 0xfd, 0xff, 'a', 'b', 0, 0, 0, 0}, 1, ErrTooLong},
		{"checksum", []byte{0x78, 0x9c, 1, 1, 0, 0xfe, 0xff, 'a', 0, 0, 0, 0}, 1, ErrChecksum},
		{"checksum cut", []byte{0x78, 0x9c, 1, 1, 0, 0xfe, 0xff, 'a', 0, 0x62, 0}, 1, ErrTruncated},
		{"length symbol 286", stream(fixedBlock().code(0xc6, 8).put(0, 60)), 300, ErrCorrupt},
		{"length symbol 287", stream(fixedBlock().code(0xc7, 8).put(0, 60)), 300, ErrCorrupt},
		{"distance symbol 30", stream(fixedBlock().code(0x30, 8).code(1, 7).code(30, 5).put(0, 60)), 300, ErrCorrupt},
		{"distance before the beginning", stream(fixedBlock().code(0x30, 8).code(1, 7).code(1, 5).put(0, 60)), 300, ErrCorrupt},
		{"distance before the beginning, at the end", stream(fixedBlock().code(0x30, 8).code(1, 7).code(1, 5)), 3, ErrCorrupt},
		{"match too long", stream(fixedBlock().code(0x30, 8).code(1, 7).code(0, 5).put(0, 60)), 3, ErrTooLong},
		{"287 literal codes", stream(w().put(1, 1).put(2, 2).put(30, 5).put(0, 60)), 1, ErrCorrupt},
		{"31 distance codes", stream(w().put(1, 1).put(2, 2).put(0, 5).put(30, 5).put(0, 60)), 1, ErrCorrupt},
		{"code lengths: none", stream(w().put(1, 1).put(2, 2).put(0, 14).put(0, 90)), 1, ErrCorrupt},
		{"code lengths: over-subscribed", stream(w().put(1, 1).put(2, 2).put(0, 14).put(0b001001001001, 12).put(0, 90)), 1, ErrCorrupt},
		{"code lengths: incomplete", stream(w().put(1, 1).put(2, 2).put(0, 14).put(0b010, 12).put(0, 90)), 1, ErrCorrupt},
		{"code lengths: repeat of nothing", stream(w().put(1, 1).put(2, 2).put(0, 14).put(0b001001, 12).code(0, 1).put(0, 90)), 1, ErrCorrupt},
		{"code lengths: repeat beyond the end", stream(w().put(1, 1).put(2, 2).put(0, 14).put(0b001001000000, 12).put(1, 1).put(127, 7).put(1, 1).put(127, 7)), 1, ErrCorrupt},
		{"no end of block", stream(w().lens(lengths(257, 'a', 1, 'b', 1), lengths(1)).put(0, 90)), 1, ErrCorrupt},
		{"literals over-subscribed", stream(w().lens(lengths(257, 'a', 1, 'b', 1, 256, 1), lengths(1)).put(0, 90)), 1, ErrCorrupt},
		{"literals incomplete", stream(w().lens(lengths(257, 'a', 2, 'b', 2, 256, 2), lengths(1)).put(0, 90)), 1, ErrCorrupt},
		{"one literal code of two bits", stream(w().lens(lengths(257, 256, 2), lengths(1)).put(0, 90)), 0, ErrCorrupt},
		{"one literal code, end of block", append(stream(w().lens(lengths(257, 256, 1), lengths(1)).put(0, 1)), 0, 0, 0, 1), 0, nil},
		{"one literal code, the other bit", stream(w().lens(lengths(257, 256, 1), lengths(1)).put(1, 90)), 0, ErrCorrupt},
		{"distances over-subscribed", stream(w().lens(lengths(257, 'a', 1, 256, 1), lengths(3, 0, 1, 1, 1, 2, 1)).put(0, 90)), 1, ErrCorrupt},
		{"distances incomplete", stream(w().lens(lengths(257, 'a', 1, 256, 1), lengths(3, 0, 2, 1, 1)).put(0, 90)), 1, ErrCorrupt},
		{"no distance code, unused", append(stream(w().lens(lengths(257, 'a', 1, 256, 1), lengths(1)).code(0, 1).code(1, 1)), 0, 0x62, 0, 0x62), 1, nil},
		{"no distance code, used", stream(w().lens(lengths(258, 'a', 1, 256, 2, 257, 2), lengths(1)).code(0, 1).code(3, 2).put(0, 200)), 200, ErrCorrupt},
		{"no distance code, used at the end", stream(w().lens(lengths(258, 'a', 1, 256, 2, 257, 2), lengths(1)).code(0, 1).code(3, 2).put(0, 8)), 4, ErrCorrupt},
		{"one distance code", append(stream(w().lens(lengths(258, 'a', 1, 256, 2, 257, 2), lengths(1, 0, 1)).code(0, 1).code(3, 2).put(0, 1).code(2, 2)), 0x03, 0xce, 0x01, 0x85), 4, nil},
		{"one distance code, the other bit", stream(w().lens(lengths(258, 'a', 1, 256, 2, 257, 2), lengths(1, 0, 1)).code(0, 1).code(3, 2).put(1, 90)), 4, ErrCorrupt},
	} {
		t.Run(c.name, func(t *testing.T) {
			// With and without room around it, so that both loops see it.
			for _, room := range []int{0, 40} {
				if room > 0 && c.want == ErrTruncated {
					continue
				}
				var d Decoder
				src := append(bytes.Clone(c.src), make([]byte, room)...)
				dst, intact := guarded(c.size)
				n, err := d.Zlib(dst, src)
				if err != c.want || !intact() {
					t.Errorf("error %v, want %v", err, c.want)
				}
				if err == nil && n != len(c.src) {
					t.Errorf("took %d bytes of %d", n, len(c.src))
				}
				if ref, err := reference(src); (err == nil && len(ref) == c.size) != (c.want == nil) {
					t.Errorf("compress/zlib yields %d bytes, error %v", len(ref), err)
				}
			}
		})
	}
}

// reference decodes one stream with the standard library.
func reference(src []byte) ([]byte, error) {
	r, err := zlib.NewReader(bytes.NewReader(src))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(r, 1<<20))
}

func TestSkipChecksum(t *testing.T) {
	z := compress(t, []byte("some bytes"), 6)
	z[len(z)-1] ^= 1
	dst := make([]byte, 10)
	d := Decoder{SkipChecksum: true}
	if n, err := d.Zlib(dst, z); n != len(z) || err != nil || string(dst) != "some bytes" {
		t.Errorf("%d bytes %q, error %v", n, dst, err)
	}
	if _, err := d.Zlib(dst, z[:len(z)-1]); err != ErrTruncated {
		t.Errorf("without its last byte: error %v", err)
	}
	d.SkipChecksum = false
	if _, err := d.Zlib(dst, z); err != ErrChecksum {
		t.Errorf("error %v", err)
	}
}

func TestNoAllocation(t *testing.T) {
	data := text(rand.New(rand.NewPCG(5, 6)), 5000)
	z := compress(t, data, 6)
	dst := make([]byte, len(data))
	var d Decoder
	if n := testing.AllocsPerRun(20, func() { d.Zlib(dst, z) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestAdler32(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, n := range []int{0, 1, 7, 8, 9, 183, 184, 185, 1000, 5552, 70000, 3 << 20} {
		for _, p := range [][]byte{noise(r, n), bytes.Repeat([]byte{255}, n), make([]byte, n)} {
			if got, want := adler32(p), stdadler.Checksum(p); got != want {
				t.Errorf("%d bytes: %08x, want %08x", n, got, want)
			}
		}
	}
}

// TestBuild compares tables with a decoder that reads a code bit by bit, for random complete codes of all shapes.
func TestBuild(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		symbols, longest := rapid.IntRange(2, maxLitLen).Draw(t, "symbols"), rapid.IntRange(9, maxCodeLen).Draw(t, "longest")
		lens := make([]uint8, symbols)
		splits := rapid.SliceOfN(rapid.IntRange(0, 1<<20), symbols, symbols).Draw(t, "splits")
		lens[0], lens[1] = 1, 1
		for i := 2; i < symbols; i++ { // splits a leaf of the code's tree
			j := splits[i] % i
			for lens[j] >= uint8(longest) {
				j = (j + 1) % i
			}
			lens[j]++
			lens[i] = lens[j]
		}
		var c code
		c.reset()
		for sym, l := range lens {
			c.add(sym, l)
		}
		var table [litSize]entry
		width, ok := c.build(table[:], litBits, litEntries[:])
		if !ok {
			t.Fatalf("refused a complete code: %v", lens)
		}
		code := 0
		for l := 1; l <= maxCodeLen; l++ {
			for sym := range lens {
				if int(lens[sym]) != l {
					continue
				}
				bits := uint64(0)
				for i := range l {
					bits |= uint64(code>>(l-1-i)&1) << i
				}
				bits |= splitmix(uint64(sym)) << l
				e, used := table[bits&(1<<width-1)], 0
				if e&flagLink != 0 {
					used = litBits
					e = table[sub(e, bits>>litBits)]
				}
				if e != litEntries[sym]+entry(l-used)*codeUnit {
					t.Fatalf("symbol %d of length %d: entry %x", sym, l, e)
				}
				code++
			}
			code <<= 1
		}
	})
}

func splitmix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	return x ^ x>>27
}

func FuzzZlib(f *testing.F) {
	r := rand.New(rand.NewPCG(9, 10))
	for _, data := range [][]byte{nil, []byte("a"), text(r, 50), text(r, 600), tree(r, 8), skewed(r, 800), bytes.Repeat([]byte("abc"), 40)} {
		for _, level := range []int{zlib.HuffmanOnly, zlib.NoCompression, 1, 6, 9} {
			f.Add(compress(f, data, level), uint16(len(data)))
		}
	}
	f.Add(stream(new(bitWriter).lens(lengths(258, 'a', 1, 256, 2, 257, 2), lengths(1, 0, 1)).code(0, 1).code(3, 2).put(0, 1).code(2, 2)), uint16(4))
	var d Decoder
	f.Fuzz(func(t *testing.T, src []byte, size uint16) {
		want, refErr := reference(src)
		if len(want) == 1<<20 {
			t.Skip("a bomb")
		}
		// The stream's own size, and one that somebody else declares.
		for _, n := range []int{len(want), int(size)} {
			dst, intact := guarded(n)
			got, err := d.Zlib(dst, src)
			if !intact() {
				t.Fatalf("size %d: wrote outside the destination", n)
			}
			if ok := refErr == nil && n == len(want); ok != (err == nil) {
				t.Fatalf("size %d: error %v; compress/zlib yields %d bytes, error %v", n, err, len(want), refErr)
			}
			if err != nil {
				var known bool
				for _, e := range []error{ErrTruncated, ErrCorrupt, ErrChecksum, ErrTooLong, ErrTooShort} {
					known = known || errors.Is(err, e)
				}
				if !known || got != 0 {
					t.Fatalf("size %d: n %d, error %v", n, got, err)
				}
			} else if !bytes.Equal(dst, want) {
				t.Fatalf("size %d: other bytes", n)
			} else if again, err := d.Zlib(dst, src[:got:got]); err != nil || again != got {
				t.Fatalf("the %d bytes taken alone: %d, error %v", got, again, err)
			}
			p, _ := guarded(n)
			written, _ := d.Prefix(p, src)
			if m := min(written, len(want)); !bytes.Equal(p[:m], want[:m]) {
				t.Fatalf("prefix of %d: other bytes", n)
			}
			if refErr == nil && written != min(n, len(want)) {
				t.Fatalf("prefix of %d: %d bytes of %d", n, written, len(want))
			}
		}
	})
}

// BenchmarkZlib decodes generated data of the kinds that packs hold, compressed at git's level. The standard library takes its turn in
// each iteration, so that a busy machine slows both alike: the ratio of the two times, "x", is the figure to look at.
func BenchmarkZlib(b *testing.B) {
	r := rand.New(rand.NewPCG(11, 12))
	many := func(n int, f func() []byte) (all [][]byte) {
		for range n {
			all = append(all, f())
		}
		return all
	}
	for _, c := range []struct {
		name string
		data [][]byte
	}{
		{"text", many(4, func() []byte { return text(r, 100000) })},
		{"blob", many(50, func() []byte { return text(r, 1000+r.IntN(8000)) })},
		{"commit", many(200, func() []byte { return commits(r, 1) })},
		{"tree", many(50, func() []byte { return tree(r, 5+r.IntN(60)) })},
		{"delta", many(200, func() []byte { return append(noise(r, 4+r.IntN(30)), text(r, 10+r.IntN(150))...) })},
	} {
		b.Run(c.name, func(b *testing.B) {
			var srcs [][]byte
			var total, longest int
			for _, data := range c.data {
				// As in a pack, something follows each stream.
				srcs = append(srcs, append(compress(b, data, 6), make([]byte, 20)...))
				total += len(data)
				longest = max(longest, len(data))
			}
			dst := make([]byte, longest)
			var d Decoder
			var in bytes.Reader
			in.Reset(srcs[0])
			zr, err := zlib.NewReader(&in)
			if err != nil {
				b.Fatal(err)
			}
			var own, standard time.Duration
			for b.Loop() {
				start := time.Now()
				for i, src := range srcs {
					if _, err := d.Zlib(dst[:len(c.data[i])], src); err != nil {
						b.Fatal(err)
					}
				}
				middle := time.Now()
				for i, src := range srcs {
					in.Reset(src)
					if err := zr.(zlib.Resetter).Reset(&in, nil); err != nil {
						b.Fatal(err)
					}
					if _, err := io.ReadFull(zr, dst[:len(c.data[i])]); err != nil {
						b.Fatal(err)
					}
					if _, err := zr.Read(dst[:1]); err != io.EOF { // reads the end, and checks the sum
						b.Fatal(err)
					}
				}
				own += middle.Sub(start)
				standard += time.Since(middle)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(total)*float64(b.N)/1e6/own.Seconds(), "MB/s")
			b.ReportMetric(float64(total)*float64(b.N)/1e6/standard.Seconds(), "standard-MB/s")
			b.ReportMetric(standard.Seconds()/own.Seconds(), "x")
		})
	}
}

func BenchmarkAdler32(b *testing.B) {
	p := noise(rand.New(rand.NewPCG(13, 14)), 8192)
	b.Run("own", func(b *testing.B) {
		b.SetBytes(int64(len(p)))
		for b.Loop() {
			adler32(p)
		}
	})
	b.Run("standard", func(b *testing.B) {
		b.SetBytes(int64(len(p)))
		for b.Loop() {
			stdadler.Checksum(p)
		}
	})
}
