package measure

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestSortFrom(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.SampledFrom([]uint64{0, 1, 5000, math.MaxUint32, math.MaxUint64}).Draw(t, "most")
		keys := rapid.SliceOfN(rapid.Uint64Max(most), 0, 3000).Draw(t, "keys")
		bit := rapid.SampledFrom([]uint{0, 3, 32, 63}).Draw(t, "bit")
		want := slices.Clone(keys)
		slices.SortStableFunc(want, func(a, b uint64) int { return cmp.Compare(a>>bit, b>>bit) })
		spare := make([]uint64, rapid.IntRange(0, 4000).Draw(t, "spare"))
		if sortFrom(keys, bit, &spare); !slices.Equal(keys, want) {
			t.Fatalf("sorted by bits from %d on: %x, want %x", bit, keys, want)
		}
		slices.Sort(want)
		slices.Reverse(want)
		if descending(keys, &spare); !slices.Equal(keys, want) {
			t.Fatalf("descending: %x, want %x", keys, want)
		}
	})
}

func BenchmarkSortFrom(b *testing.B) {
	keys, work, spare := make([]uint64, 1_000_000), make([]uint64, 1_000_000), []uint64{}
	for i := range keys {
		keys[i] = uint64(i)*0x9e3779b97f4a7c15>>32<<32 | uint64(i)
	}
	for b.Loop() {
		copy(work, keys)
		sortFrom(work, 32, &spare)
	}
}
