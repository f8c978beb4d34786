package spill

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orrery/analyzer/facts"
)

func open(t testing.TB) *os.File {
	f, err := os.Create(filepath.Join(t.TempDir(), "spill"))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// draw makes facts that point anywhere: they are kept as they are.
func draw(t *rapid.T, most int) *facts.Repository {
	text := func(what string) string { return rapid.StringN(0, 40, -1).Draw(t, what) }
	rows := func(what string) int { return rapid.IntRange(0, most).Draw(t, what) }
	f := &facts.Repository{Key: text("key"), Head: facts.ID{1}, Languages: []string{"", "Go"}, Notes: []string{text("note")}, Walk: facts.Walk{Commits: 3}}
	for i := range rows("commits") {
		f.Commits = append(f.Commits, facts.Commit{
			ID: facts.ID{byte(i), byte(i >> 8)}, Author: uint32(i), Authored: facts.Time{Unix: int64(i) << 33, Zone: -30, Valid: true}, Step: facts.None, Subject: text("subject"),
		})
	}
	for i := range rows("parents") {
		f.Parents = append(f.Parents, uint32(i))
	}
	for range rows("signatures") {
		f.Signatures = append(f.Signatures, facts.Signature{Name: text("name"), Email: text("email")})
	}
	for i := range rows("paths") {
		f.Paths = append(f.Paths, text("path"))
		f.Contents = append(f.Contents, facts.Content{Language: uint16(i), Known: true})
	}
	for i := range rows("changes") {
		f.Changes = append(f.Changes, facts.Change{Commit: uint32(i), Added: uint32(2 * i), Kind: facts.Renamed, Binary: true, Skip: facts.TooDeep})
	}
	for i := range rows("steps") {
		f.Steps = append(f.Steps, facts.Step{Commit: uint32(i), Clock: -1, Lines: 1 << 40})
	}
	for i := range rows("survival") {
		f.Survival = append(f.Survival, facts.Survival{Step: uint32(i), Lines: -7})
	}
	for i := range rows("documents") {
		content := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "content")
		if rapid.Bool().Draw(t, "gone") {
			content = nil
		}
		f.Documents = append(f.Documents, facts.Document{Path: uint32(i), Content: content})
	}
	for i := range rows("trailers") {
		f.Trailers = append(f.Trailers, facts.Trailer{Key: []string{"", "Signed-off-by", text("trailer")}[i%3], Value: text("value"), InBlock: i%2 == 0})
	}
	return f
}

func TestKeptRowsAreTheSame(t *testing.T) {
	t.Parallel()
	type row struct {
		A uint32
		B uint64
		C uint16
	}
	s := New(open(t))
	var given, kept [][]row
	for _, n := range []int{0, 1, 2, 70000} { // more than a segment has
		list := make([]row, n)
		for i := range list {
			list[i] = row{uint32(i), uint64(n) << 32, uint16(i)}
		}
		given, kept = append(given, list), append(kept, Keep(s, list))
	}
	if odd := Keep(s, []uint16{1, 2, 3}); !slices.Equal(odd, []uint16{1, 2, 3}) {
		t.Error(odd)
	}
	if !reflect.DeepEqual(given, kept) {
		t.Error("other rows were kept than given")
	}
	if err := errors.Join(s.Err(), s.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestKeptFactsAreTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := New(open(t))
		var given, kept []*facts.Repository
		for range rapid.IntRange(1, 3).Draw(rt, "repositories") {
			f := draw(rt, 5)
			k, err := s.Keep(f)
			if err != nil {
				rt.Fatal(err)
			}
			given, kept = append(given, f), append(kept, k)
		}
		if diff := cmp.Diff(given, kept); diff != "" {
			rt.Error(diff)
		}
		if err := s.Close(); err != nil {
			rt.Error(err)
		}
	})
}

// large makes facts of several megabytes.
func large(key string, n int) *facts.Repository {
	f := &facts.Repository{Key: key}
	for i := range n {
		f.Commits = append(f.Commits, facts.Commit{Author: uint32(i), Subject: fmt.Sprintf("%s: subject %d of a commit", key, i)})
		f.Survival = append(f.Survival, facts.Survival{Step: uint32(i), Lines: 1})
	}
	return f
}

func TestManyGoroutinesKeep(t *testing.T) {
	t.Parallel()
	s := New(open(t))
	defer s.Close()
	kept := make([]*facts.Repository, 12)
	var wg sync.WaitGroup
	for i := range kept {
		wg.Go(func() {
			var err error
			if kept[i], err = s.Keep(large(fmt.Sprint(i), 3000*i)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i := range kept {
		if !reflect.DeepEqual(large(fmt.Sprint(i), 3000*i), kept[i]) {
			t.Errorf("repository %d is another one", i)
		}
	}
}

func live() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// What is kept takes no memory of the process but for a few headers.
func TestKeptFactsAreNotInMemory(t *testing.T) {
	s := New(open(t))
	defer s.Close()
	before := live()
	var kept []*facts.Repository
	for i := range 20 {
		k, err := s.Keep(large(fmt.Sprint(i), 20_000))
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, k)
	}
	after := live()
	for _, k := range kept {
		if len(k.Commits) != 20_000 {
			t.Fatal("something is missing")
		}
	}
	if after > before+256<<10 {
		t.Errorf("%d bytes on the heap, and before %d", after, before)
	}
}

func TestKeepWithoutRoom(t *testing.T) {
	t.Parallel()
	f := open(t)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if k, err := New(f).Keep(large("a", 10)); err == nil {
		t.Errorf("facts kept in a file that is closed: %v", k.Key)
	}
	name := filepath.Join(t.TempDir(), "read only")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	readOnly, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	if k, err := New(readOnly).Keep(large("a", 10)); err == nil {
		t.Errorf("facts kept in a file that cannot be written: %v", k.Key)
	}
}

// However much is kept, a segment holds many repositories: systems limit the number of mappings.
func TestSegmentsStayFew(t *testing.T) {
	t.Parallel()
	s := New(open(t))
	for range 80 {
		if _, err := s.take(1); err != nil {
			t.Fatal(err)
		}
		if _, err := s.take(s.free); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.take(1); err != nil {
		t.Fatal(err)
	}
	if last := len(s.segments[len(s.segments)-1]); last != leastSegment<<doublings {
		t.Errorf("segment %d has %d bytes", len(s.segments), last)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
