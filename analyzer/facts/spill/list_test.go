package spill

import (
	"fmt"
	"os"
	"reflect"
	"runtime"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// leaf and tree are made of everything that rows may be made of.
type leaf struct {
	Small uint8
	Text  string
	Pair  [2]string
}

type tree struct {
	Name   string
	Share  *float64
	Leaf   leaf
	Leaves []leaf
	Bytes  []byte
	Next   *tree
	Below  []tree
	None   []struct{}
	Empty  *struct{}
	Odd    [3]uint16
}

func drawTree(t *rapid.T, depth int) tree {
	text := rapid.SampledFrom([]string{"", "a", "a name", "another one that is longer"})
	one := func() leaf {
		return leaf{rapid.Uint8().Draw(t, "small"), text.Draw(t, "text"), [2]string{text.Draw(t, "first"), text.Draw(t, "second")}}
	}
	out := tree{Name: text.Draw(t, "name"), Leaf: one(), Odd: [3]uint16{1, 2, 3}}
	if rapid.Bool().Draw(t, "share") {
		x := rapid.Float64().Draw(t, "x")
		out.Share, out.Empty, out.None = &x, &struct{}{}, make([]struct{}, 2)
	}
	if rapid.Bool().Draw(t, "leaves") {
		out.Leaves, out.Bytes = []leaf{}, []byte{}
		for range rapid.IntRange(0, 3).Draw(t, "n") {
			out.Leaves, out.Bytes = append(out.Leaves, one()), append(out.Bytes, rapid.Byte().Draw(t, "byte"))
		}
	}
	if depth > 0 {
		for range rapid.IntRange(0, 3).Draw(t, "below") {
			out.Below = append(out.Below, drawTree(t, depth-1))
		}
		if rapid.Bool().Draw(t, "next") {
			next := drawTree(t, depth-1)
			out.Next = &next
		}
	}
	return out
}

func TestKeptTreesAreTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := New(open(t))
		parts := make([][]tree, rapid.IntRange(1, 3).Draw(rt, "parts"))
		var all, again []tree
		for i := range parts {
			for range rapid.IntRange(0, 4).Draw(rt, "rows") {
				row := drawTree(rt, 3)
				parts[i] = append(parts[i], row)
				all = append(all, row)
			}
			if kept := Keep(s, parts[i]); !reflect.DeepEqual(kept, parts[i]) {
				rt.Fatalf("kept %v of %v", kept, parts[i])
			} else if len(kept) > 0 && &kept[0] == &parts[i][0] {
				rt.Fatal("rows stay in memory")
			} else {
				parts[i] = kept // they may lie in the file already
			}
		}
		runtime.GC()
		again = Concat(s, parts...)
		if !reflect.DeepEqual(again, all) {
			rt.Errorf("kept %v of %v", again, all)
		}
		if err := s.Err(); err != nil {
			rt.Error(err)
		}
		if err := s.Close(); err != nil {
			rt.Error(err)
		}
	})
}

func TestListsAreFilledSideBySide(t *testing.T) {
	t.Parallel()
	s := New(open(t))
	const n, piece = 5000, 7
	name := func(i int) string { return fmt.Sprint("row ", i) }
	l := NewList[tree](s, n)
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for at := worker * piece; at < n; at += 4 * piece {
				var rows []tree
				for i := at; i < min(at+piece, n); i++ {
					rows = append(rows, tree{Name: name(i), Leaves: []leaf{{Text: name(i)}}})
				}
				l.Set(at, rows)
			}
		})
	}
	group.Wait()
	for i, row := range l.Rows() {
		if row.Name != name(i) || len(row.Leaves) != 1 || row.Leaves[0].Text != name(i) {
			t.Fatalf("row %d is %v", i, row)
		}
	}
	if err := s.Err(); err != nil {
		t.Error(err)
	}
}

func TestListsWithoutRoomAreInMemory(t *testing.T) {
	t.Parallel()
	type odd struct{ By map[string]int }
	for _, c := range []struct {
		name string
		file func() *File
		err  bool
	}{
		{"no file", func() *File { return nil }, false},
		{"a file that takes nothing", func() *File {
			f := open(t)
			_ = f.Close()
			return New(f)
		}, true},
		{"a file that takes no more", func() *File { // it has room, and does not let it be filled
			path := open(t).Name()
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(path, 1<<20); err != nil {
				t.Fatal(err)
			}
			s := New(f)
			segment, err := mapFile(f, 0, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			s.segments, s.free, s.size = [][]byte{segment}, 1<<20, 1<<20
			return s
		}, true},
	} {
		s := c.file()
		l := NewList[tree](s, 3)
		l.Set(0, []tree{{Name: "a"}})
		l.Set(1, []tree{{Name: "b", Leaves: []leaf{{Text: "c"}}}, {Name: "d"}})
		want := []tree{{Name: "a"}, {Name: "b", Leaves: []leaf{{Text: "c"}}}, {Name: "d"}}
		if got := l.Rows(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v", c.name, got)
		}
		if (s.Err() != nil) != c.err {
			t.Errorf("%s: %v", c.name, s.Err())
		}
	}
	s := New(open(t))
	if got := Keep(s, []odd{{map[string]int{"a": 1}}}); got[0].By["a"] != 1 || s.Err() == nil {
		t.Errorf("%v %v", got, s.Err())
	}
}
