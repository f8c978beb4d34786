package rename

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// moved makes n deleted files of the given lines each and n new ones. Each new one shares the licence and part of its lines with one old.
// Base names are all different, so that only the third pass can pair them.
func moved(n, lines int) (sources, destinations []Entry, s store) {
	rnd := rand.New(rand.NewPCG(uint64(n), uint64(lines)))
	licence := strings.Repeat("/* A licence that every file repeats. */\n\n}\n", 1+lines/50)
	s = store{}
	for k := range n {
		var old, changed strings.Builder
		old.WriteString(licence)
		changed.WriteString(licence)
		for range lines {
			line := fmt.Sprintf("\tstatement(%d, %d);\n", rnd.IntN(1e6), rnd.IntN(50))
			old.WriteString(line)
			if rnd.IntN(5) > 0 {
				changed.WriteString(line)
			} else {
				fmt.Fprintf(&changed, "\tother(%d);\n", rnd.IntN(1e6))
			}
		}
		for _, side := range []struct {
			list *[]Entry
			path string
			text string
		}{
			{&sources, fmt.Sprintf("old/%06d.c", k), old.String()},
			{&destinations, fmt.Sprintf("new/%06d.cc", n-k), changed.String()},
		} {
			e := entries(s, []string{side.path + "=" + side.text})
			*side.list = append(*side.list, e...)
		}
	}
	return sources, destinations, s
}

func BenchmarkDetect(b *testing.B) {
	for _, size := range []struct{ files, lines int }{{1, 200}, {3, 200}, {10, 200}, {30, 200}, {100, 200}, {1000, 20}, {1000, 200}, {1000, 2000}} {
		b.Run(fmt.Sprintf("files=%d/lines=%d", size.files, size.lines), func(b *testing.B) {
			sources, destinations, s := moved(size.files, size.lines)
			total := 0
			for _, c := range s {
				total += len(c)
			}
			var d Detector
			b.SetBytes(int64(total))
			b.ReportAllocs()
			for b.Loop() {
				if m, _ := detect(b, &d, sources, destinations, s.content(), Options{}); len(m) != size.files {
					b.Fatalf("%d renames", len(m))
				}
			}
		})
	}
}

// BenchmarkIndex shows where the index over the sources begins to pay.
func BenchmarkIndex(b *testing.B) {
	for _, files := range []int{2, 5, 10, 20, 40, 80} {
		sources, destinations, s := moved(files, 200)
		for name, least := range map[string]int{"index": 1, "pairs": 1 << 62} {
			b.Run(fmt.Sprintf("files=%d/%s", files, name), func(b *testing.B) {
				d := &Detector{maxChunks: 4 << 20, indexMinSteps: least}
				for b.Loop() {
					detect(b, d, sources, destinations, s.content(), Options{})
				}
			})
		}
	}
}

// BenchmarkAlike is the dearest kind: all files are of the same lines in the main.
func BenchmarkAlike(b *testing.B) {
	common := numbered(0, 300)
	s := store{}
	var old, made []string
	for k := range 1000 {
		old = append(old, fmt.Sprintf("old/%04d=%s", k, common+numbered(10000+30*k, 20)))
		made = append(made, fmt.Sprintf("new/x%04d=%s", k, common+numbered(9990+30*k, 20)))
	}
	sources, destinations := entries(s, old), entries(s, made)
	var d Detector
	for b.Loop() {
		detect(b, &d, sources, destinations, s.content(), Options{})
	}
}

// BenchmarkEqual moves many files of one content.
func BenchmarkEqual(b *testing.B) {
	s := store{}
	var old, made []string
	for k := range 20000 {
		old = append(old, fmt.Sprintf("old/%05d=x\n", k))
		made = append(made, fmt.Sprintf("new/x%05d=x\n", k))
	}
	sources, destinations := entries(s, old), entries(s, made)
	var d Detector
	for b.Loop() {
		detect(b, &d, sources, destinations, s.content(), Options{})
	}
}

func BenchmarkChunks(b *testing.B) {
	_, _, s := moved(1, 2000)
	sum := make([]uint32, hashes)
	for _, c := range s {
		b.SetBytes(int64(len(c)))
		var table []chunk
		for b.Loop() {
			table = appendChunks(table[:0], c, sum)
		}
		break
	}
}
