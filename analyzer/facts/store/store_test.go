package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"orrery/analyzer/disk"
	"orrery/analyzer/facts"
	"orrery/analyzer/history"
	"orrery/fixtures"
)

// generate draws facts: every column with all that it can hold, and numbers that point to rows.
func generate(t *rapid.T) *facts.Repository {
	word := rapid.Custom(func(t *rapid.T) string {
		return rapid.SampledFrom([]string{"", "Ann Lee", "ann@astra.example", "李", "\xc0\xd7\xbe\xfc", "a\x00b", "src/main.c", "tab\there", "\xff"}).Draw(t, "word") +
			rapid.StringN(0, 3, -1).Draw(t, "more")
	})
	number := func(n int) uint32 {
		if n == 0 {
			return facts.None
		}
		return uint32(rapid.IntRange(0, n-1).Draw(t, "row"))
	}
	orNone := func(n int) uint32 {
		if rapid.Bool().Draw(t, "none") {
			return facts.None
		}
		return number(n)
	}
	some := func(name string, atMost int) int { return rapid.IntRange(0, atMost).Draw(t, name) }
	lines := func() uint32 { return rapid.Uint32().Draw(t, "lines") }
	id := func() (out facts.ID) {
		copy(out[:], rapid.SliceOfN(rapid.Byte(), 20, 20).Draw(t, "id"))
		return out
	}
	flag := func() bool { return rapid.Bool().Draw(t, "flag") }
	moment := func() (m facts.Time) {
		if m.Zone = int16(rapid.IntRange(-900, 900).Draw(t, "zone")); flag() {
			m.Unix, m.Valid = rapid.Int64Range(631152000, 1<<40-1).Draw(t, "time"), true
		}
		return m
	}
	reason := func() facts.Reason { return facts.Reason(some("reason", int(facts.TooDeep))) }
	f := &facts.Repository{
		Key: word.Draw(t, "key"), Branch: word.Draw(t, "branch"), Head: id(), Shallow: flag(), Languages: []string{"", "C", "Rust"},
		Walk:  facts.Walk{Commits: some("walk", 9), Merges: some("walk", 9), Measured: some("walk", 9), Partial: some("walk", 9), Missing: some("walk", 9)},
		Notes: rapid.SliceOfN(word, 0, 2).Draw(t, "notes"),
		Plan:  &facts.Plan{Limited: some("limited", 9)},
	}
	commits, paths, steps := 1+some("commits", 5), 1+some("paths", 5), 1+some("steps", 5)
	for range 1 + some("signatures", 4) {
		f.Signatures = append(f.Signatures, facts.Signature{Name: word.Draw(t, "name"), Email: word.Draw(t, "email")})
	}
	for range paths {
		f.Paths = append(f.Paths, word.Draw(t, "path"))
		f.Contents = append(f.Contents, facts.Content{Language: uint16(number(3)), Binary: flag(), Generated: flag(), Known: flag()})
	}
	for i := range commits {
		c := facts.Commit{
			ID: id(), Author: number(len(f.Signatures)), Committer: number(len(f.Signatures)), Authored: moment(), Committed: moment(), Step: orNone(steps),
			Subject: strings.ToValidUTF8(word.Draw(t, "subject"), "\uFFFD"),
		}
		c.Parents.Lo, c.Changes.Lo, c.Trailers.Lo = uint32(len(f.Parents)), uint32(len(f.Changes)), uint32(len(f.Trailers))
		for range some("parents", 3) {
			f.Parents = append(f.Parents, number(commits))
		}
		for range some("changes", 3) {
			change := facts.Change{
				Commit: uint32(i), Path: number(paths), Added: lines(), Removed: lines(), LinesBefore: lines(), LinesAfter: lines(),
				Kind: facts.Kind(some("kind", int(facts.Renamed))), Type: facts.Type(some("type", int(facts.Submodule))), Binary: flag(), Skip: reason(),
			}
			if change.Old = change.Path; flag() {
				change.Old = number(paths)
			}
			f.Changes = append(f.Changes, change)
		}
		for range some("trailers", 2) {
			f.Trailers = append(f.Trailers, facts.Trailer{Key: word.Draw(t, "key"), Value: word.Draw(t, "value"), InBlock: flag()})
		}
		c.Parents.Hi, c.Changes.Hi, c.Trailers.Hi = uint32(len(f.Parents)), uint32(len(f.Changes)), uint32(len(f.Trailers))
		f.Commits = append(f.Commits, c)
	}
	wide := func() uint64 { return rapid.Uint64().Draw(t, "wide") }
	for range steps {
		f.Steps = append(f.Steps, facts.Step{
			Commit: number(commits), Clock: rapid.Int64Range(0, 1<<40).Draw(t, "clock"), Added: wide(), Removed: wide(), Lines: wide(), Files: wide(),
			Unreadable: wide(),
		})
	}
	for range some("survival", 4) {
		f.Survival = append(f.Survival, facts.Survival{Step: number(steps), Path: number(paths), Commit: orNone(commits), Lines: rapid.Int32().Draw(t, "survive")})
	}
	for range some("documents", 3) {
		d := facts.Document{Path: number(paths), Step: number(steps)}
		if flag() {
			d.Content = rapid.SliceOfN(rapid.Byte(), 0, 4).Draw(t, "content")
		}
		f.Documents = append(f.Documents, d)
	}
	for range some("skips", 3) {
		f.Skips = append(f.Skips, facts.Skip{
			Reason: reason(), Object: id(), Commit: orNone(commits), Path: orNone(paths), Rows: lines(), Detail: word.Draw(t, "detail"),
		})
	}
	versions := some("versions", 6)
	for range versions {
		v := facts.Version{
			Commit: number(commits), Path: number(paths), Blob: id(), Lines: lines(), Type: facts.Type(some("type", int(facts.Submodule))),
			Executable: flag(), Binary: flag(), Silent: flag(), Skip: reason(),
		}
		v.Parents.Lo = uint32(len(f.Plan.Parents))
		for range some("origins", 2) {
			f.Plan.Parents = append(f.Plan.Parents, orNone(versions))
		}
		v.Parents.Hi = uint32(len(f.Plan.Parents))
		f.Plan.Versions = append(f.Plan.Versions, v)
	}
	for range f.Changes {
		f.Plan.Ends = append(f.Plan.Ends, facts.Ends{From: orNone(versions), To: orNone(versions)})
	}
	for range some("events", 3) {
		f.Plan.Events = append(f.Plan.Events, facts.Event{Step: number(steps), From: orNone(versions), To: orNone(versions), Added: lines(), Removed: lines()})
	}
	return f
}

// equal compares facts. What is empty is empty, but for contents: a file that is gone has none.
func equal(t interface{ Fatalf(string, ...any) }, want, got *facts.Repository) {
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("what was read is not what was written:\n%s", diff)
	}
	for i := range want.Documents {
		if (want.Documents[i].Content == nil) != (got.Documents[i].Content == nil) {
			t.Fatalf("the document %d: %v was written, %v was read", i, want.Documents[i].Content, got.Documents[i].Content)
		}
	}
}

// lazy does not wait for the disk.
type lazy struct{ disk.Real }

func (lazy) WriteFile(name string, content []byte, mode fs.FileMode) error {
	return os.WriteFile(name, content, mode)
}

func roundTrip(t interface{ Fatalf(string, ...any) }, dir string, want *facts.Repository) *Manifest {
	written, err := Write(lazy{}, dir, want, Manifest{Engine: 3, Options: "o", Origin: "p"})
	if err != nil {
		t.Fatalf("writing: %v", err)
	}
	m, err := ReadManifest(disk.Real{}, dir)
	if err != nil {
		t.Fatalf("reading the manifest: %v", err)
	}
	if diff := cmp.Diff(written, m, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("the manifest is another one:\n%s", diff)
	}
	got, err := Read(disk.Real{}, dir, m, ReadOptions{Plan: true, Workers: 2})
	if err != nil {
		t.Fatalf("reading: %v", err)
	}
	equal(t, want, got)
	without, err := Read(disk.Real{}, dir, m, ReadOptions{})
	if err != nil {
		t.Fatalf("reading without the plan: %v", err)
	}
	got.Plan = nil
	equal(t, got, without)
	return m
}

func TestRoundTripOfAnything(t *testing.T) {
	base, n := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		dir := filepath.Join(base, fmt.Sprint(n))
		roundTrip(t, dir, generate(t))
		if err := os.RemoveAll(dir); err != nil {
			t.Fatalf("%v", err)
		}
	})
}

// mine reads a generated history.
func mine(t testing.TB, h fixtures.History) *facts.Repository {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "h.git")
	if err := h.Write(dir); err != nil {
		t.Fatal(err)
	}
	r, err := history.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	f, err := history.Read(context.Background(), r, "h", "", history.Options{Workers: 1, Ownership: true, Plan: true})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestRoundTripOfHistories(t *testing.T) {
	for seed := range uint64(3) {
		f := mine(t, fixtures.History{Commits: 30 + 700*int(seed), Seed: seed, Files: 60})
		if len(f.Survival) == 0 || len(f.Plan.Versions) == 0 {
			t.Fatal("the history has no survival or no plan")
		}
		roundTrip(t, filepath.Join(t.TempDir(), "g"), f)
	}
}

func TestPersonalDataIsApart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "g")
	roundTrip(t, dir, mine(t, fixtures.History{Commits: 20}))
	for _, table := range tables() {
		info, err := os.Stat(table.file(dir))
		if err != nil {
			t.Fatal(err)
		}
		want := os.FileMode(0o644)
		switch table.name {
		case "signatures", "trailers", "documents":
			want = 0o600
		}
		if info.Mode().Perm()&^0o022 != want&^0o022 {
			t.Errorf("%s has mode %v, not %v", table.name, info.Mode(), want)
		}
	}
}

func TestFlippedBytes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "g")
	f := mine(t, fixtures.History{Commits: 40, Files: 40})
	roundTrip(t, dir, f)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(tables())+1 {
		t.Fatalf("the generation has %d files", len(entries))
	}
	for _, e := range entries {
		name := filepath.Join(dir, e.Name())
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range []int{0, len(content) / 3, len(content) / 2, len(content) - 1} {
			for _, broken := range [][]byte{flipped(content, at), content[:at], append([]byte("x"), content...)} {
				if err := os.WriteFile(name, broken, 0o600); err != nil {
					t.Fatal(err)
				}
				m, err := ReadManifest(disk.Real{}, dir)
				if err == nil {
					_, err = Read(disk.Real{}, dir, m, ReadOptions{Plan: true})
				}
				if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), e.Name()) {
					t.Errorf("%s broken at %d: %v", e.Name(), at, err)
				}
			}
		}
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i, table := range tables() {
		name := table.file(dir)
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		m, err := ReadManifest(disk.Real{}, dir)
		if err != nil {
			t.Fatal(err)
		}
		var told []error
		if f := Verify(disk.Real{}, dir, m, func(err error) { told = append(told, err) }); f != nil || len(told) != 1 || !errors.Is(told[0], ErrCorrupt) {
			t.Errorf("without table %d: %v", i, told)
		}
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m, err := ReadManifest(disk.Real{}, dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := Verify(disk.Real{}, dir, m, func(err error) { t.Error(err) }); got == nil {
		t.Error("nothing is broken any more")
	}
}

func flipped(content []byte, at int) []byte {
	out := append([]byte(nil), content...)
	out[at] ^= 0x20
	return out
}

func TestWriteRefusesWhatCannotBeReadBack(t *testing.T) {
	for name, breakIt := range map[string]func(f *facts.Repository){
		"no plan":      func(f *facts.Repository) { f.Plan = nil },
		"a gap":        func(f *facts.Repository) { f.Commits[2].Changes.Lo++ },
		"no such path": func(f *facts.Repository) { f.Changes[0].Path = uint32(len(f.Paths)) },
		"no contents":  func(f *facts.Repository) { f.Contents = nil },
		"no such end":  func(f *facts.Repository) { f.Plan.Ends[0].To = uint32(len(f.Plan.Versions)) },
		"lost ends":    func(f *facts.Repository) { f.Plan.Ends = f.Plan.Ends[1:] },
	} {
		t.Run(name, func(t *testing.T) {
			f := mine(t, fixtures.History{Commits: 20})
			breakIt(f)
			if _, err := Write(disk.Real{}, filepath.Join(t.TempDir(), "g"), f, Manifest{}); err == nil {
				t.Error("it was written")
			}
		})
	}
}

// BenchmarkStore writes and reads the facts of the repository that ORRERY_BENCH names, or of a generated one.
func BenchmarkStore(b *testing.B) {
	var f *facts.Repository
	if dir := os.Getenv("ORRERY_BENCH"); dir != "" {
		r, err := history.Open(dir)
		if err != nil {
			b.Fatal(err)
		}
		defer r.Close()
		if f, err = history.Read(context.Background(), r, "h", "", history.Options{Ownership: true, Plan: true}); err != nil {
			b.Fatal(err)
		}
	} else {
		f = mine(b, fixtures.History{Commits: 20_000})
	}
	dir := filepath.Join(b.TempDir(), "g")
	var m *Manifest
	b.Run("write", func(b *testing.B) {
		for b.Loop() {
			var err error
			if err = os.RemoveAll(dir); err == nil {
				m, err = Write(disk.Real{}, dir, f, Manifest{})
			}
			if err != nil {
				b.Fatal(err)
			}
		}
		bytes := 0
		for _, t := range m.Tables {
			bytes += t.Bytes
			b.Logf("%-16s %9d rows %10d bytes %6.2f a row", t.Name, t.Rows, t.Bytes, float64(t.Bytes)/float64(max(1, t.Rows)))
		}
		b.ReportMetric(float64(bytes), "bytes")
	})
	for _, plan := range []bool{false, true} {
		b.Run(fmt.Sprintf("read/plan=%v", plan), func(b *testing.B) {
			for b.Loop() {
				if _, err := Read(disk.Real{}, dir, m, ReadOptions{Plan: plan}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
