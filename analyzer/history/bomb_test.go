package history

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"orrery/analyzer/facts"
	"orrery/analyzer/history/odb"
	"orrery/fixtures/gitbuild"
)

// around makes a history of three plain commits, with the trees that are given as folder "bomb" of one commit each in between: the last
// plain commit has it, changed, too.
func around(r *gitbuild.Repo, bombs ...gitbuild.ID) (plain []gitbuild.ID) {
	tip := r.Commit(gitbuild.C{Message: "Plain", Files: gitbuild.Files{"a": "1\n", "lib/b": "b\n"}})
	plain = append(plain, tip)
	for i, bomb := range bombs {
		tip = r.Commit(gitbuild.C{
			Parents: gitbuild.IDs{tip}, Message: "Bomb", Files: gitbuild.Files{"lib/beside": fmt.Sprint(i)},
			Ops: gitbuild.Ops{gitbuild.Set("bomb", gitbuild.Folder, bomb)},
		})
		tip = r.Commit(gitbuild.C{Parents: gitbuild.IDs{tip}, Message: "Plain", Files: gitbuild.Files{"a": fmt.Sprintf("1\n%d\n", i), "lib/b": fmt.Sprint(i)}})
		plain = append(plain, tip)
	}
	tip = r.Commit(gitbuild.C{Parents: gitbuild.IDs{tip}, Message: "Gone", Ops: gitbuild.Ops{gitbuild.Remove("bomb")}})
	tip = r.Commit(gitbuild.C{Parents: gitbuild.IDs{tip}, Message: "Plain", Files: gitbuild.Files{"a": "the end\n"}})
	r.Branch("main", tip)
	return append(plain, tip)
}

func TestTreeBombs(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second for each bomb")
	}
	for _, c := range []struct {
		name   string
		bombs  func(r *gitbuild.Repo) []gitbuild.ID
		reason facts.Reason
	}{
		{"20,000 folders deep", func(r *gitbuild.Repo) []gitbuild.ID {
			tree := r.Tree(gitbuild.Entry{Mode: gitbuild.Regular, Name: "f", ID: r.Blob("f\n")})
			for range 20000 {
				tree = r.Tree(gitbuild.Entry{Mode: gitbuild.Folder, Name: "d", ID: tree})
			}
			other := r.Tree(gitbuild.Entry{Mode: gitbuild.Folder, Name: "d", ID: tree}, gitbuild.Entry{Mode: gitbuild.Folder, Name: "e", ID: tree})
			return []gitbuild.ID{tree, other}
		}, facts.TooDeep},
		{"10^12 paths", func(r *gitbuild.Repo) []gitbuild.ID {
			tree := r.Tree(gitbuild.Entry{Mode: gitbuild.Regular, Name: "f", ID: r.Blob("f\n")})
			for range 12 {
				var entries []gitbuild.Entry
				for i := range 10 {
					entries = append(entries, gitbuild.Entry{Mode: gitbuild.Folder, Name: fmt.Sprint(i), ID: tree})
				}
				tree = r.Tree(entries...)
			}
			first := r.Entries(tree)[0]
			return []gitbuild.ID{tree, r.Tree(first)}
		}, facts.TooLarge},
		{"paths of megabytes", func(r *gitbuild.Repo) []gitbuild.ID {
			tree := r.Tree(gitbuild.Entry{Mode: gitbuild.Regular, Name: "f", ID: r.Blob("f\n")})
			for range 2000 {
				tree = r.Tree(gitbuild.Entry{Mode: gitbuild.Folder, Name: strings.Repeat("n", 4096), ID: tree})
			}
			return []gitbuild.ID{tree}
		}, facts.TooDeep},
		{"names of megabytes", func(r *gitbuild.Repo) []gitbuild.ID {
			tree := r.Tree(gitbuild.Entry{Mode: gitbuild.Regular, Name: strings.Repeat("n", 1<<20), ID: r.Blob("f\n")})
			for range 3 {
				var entries []gitbuild.Entry
				for i := range 10 {
					entries = append(entries, gitbuild.Entry{Mode: gitbuild.Folder, Name: fmt.Sprint(i), ID: tree})
				}
				tree = r.Tree(entries...)
			}
			return []gitbuild.ID{tree}
		}, facts.TooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := gitbuild.New()
			plain := around(r, c.bombs(r)...)
			repo := mustOpen(t, r.Dir(t, gitbuild.Options{}))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			f := mustRead(t, repo, "", Options{Workers: 2})
			runtime.ReadMemStats(&after)
			if got := after.TotalAlloc - before.TotalAlloc; got > 4<<30 {
				t.Errorf("%d MiB were asked for", got>>20)
			}
			checkShape(t, f)
			want := [][]string{{"1\t0\ta", "1\t0\tlib/b"}}
			for i := range len(plain) - 2 {
				if i == 0 {
					want = append(want, []string{"1\t0\ta", "1\t1\tlib/b"})
				} else {
					want = append(want, []string{"1\t1\ta", "1\t1\tlib/b"})
				}
			}
			want = append(want, []string{"1\t2\ta"})
			got := rows(f)
			for i, id := range plain {
				if diff := gocmp.Diff(want[i], got[facts.ID(id)]); diff != "" {
					t.Errorf("plain commit %d (-want +got):\n%s", i, diff)
				}
			}
			if len(f.Skips) == 0 {
				t.Error("nothing is said of the bomb")
			}
			for _, s := range f.Skips {
				if s.Reason != c.reason || s.Commit == facts.None {
					t.Errorf("a skip of commit %d: %s", s.Commit, s.Reason)
				}
			}
			if last := f.Steps[len(f.Steps)-1]; last.Files != 3 || last.Lines != 3 {
				t.Errorf("at the end %d files of %d lines, want 3 of 3", last.Files, last.Lines)
			}
		})
	}
}

func TestManyFilesInOneCommit(t *testing.T) {
	r := gitbuild.New()
	files := gitbuild.Files{}
	for i := range 8001 {
		files[fmt.Sprintf("d%d/f%d", i%97, i)] = fmt.Sprintf("file\n%d\n", i)
	}
	first := r.Commit(gitbuild.C{Message: "All", Files: files})
	var ops gitbuild.Ops
	for i := range 97 {
		ops = append(ops, gitbuild.Move(fmt.Sprintf("d%d", i), fmt.Sprintf("src/d%d", i)))
	}
	r.Branch("main", r.Commit(gitbuild.C{Parents: gitbuild.IDs{first}, Message: "Move", Ops: ops}))
	dir := r.Dir(t, gitbuild.Options{})
	f := mustRead(t, mustOpen(t, dir), "", Options{})
	checkShape(t, f)
	if len(f.Changes) != 2*8001 || f.Changes[8001].Kind != facts.Renamed {
		t.Errorf("%d changes", len(f.Changes))
	}
	if diff := gocmp.Diff(gitRows(t, dir, "-M"), rows(f)); diff != "" {
		t.Errorf("(-git +ours):\n%s", diff)
	}
}

func TestMillionEqualLines(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	r := gitbuild.New()
	equal := strings.Repeat("}\n", 1_000_000)
	var mixed strings.Builder
	for i := range 1_000_000 {
		mixed.WriteString("}\n")
		if i%1000 == 0 {
			fmt.Fprintf(&mixed, "line %d\n", i)
		}
	}
	a := r.Commit(gitbuild.C{Message: "1", Files: gitbuild.Files{"f": equal}})
	b := r.Commit(gitbuild.C{Parents: gitbuild.IDs{a}, Message: "2", Files: gitbuild.Files{"f": mixed.String()}})
	c := r.Commit(gitbuild.C{Parents: gitbuild.IDs{b}, Message: "3", Files: gitbuild.Files{"f": equal[:1_000_000] + "x\n" + equal[:700_000]}})
	r.Branch("main", c)
	dir := r.Dir(t, gitbuild.Options{Deflate: gitbuild.Compressed})
	f := mustRead(t, mustOpen(t, dir), "", Options{})
	checkShape(t, f)
	if diff := gocmp.Diff(gitRows(t, dir), rows(f)); diff != "" {
		t.Errorf("(-git +ours):\n%s", diff)
	}
}

// TestTooManyLines has files of nothing but newlines, one stored whole, one as a difference, and their small neighbour.
func TestTooManyLines(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second")
	}
	p := newPacked(t)
	small := bytes.Repeat([]byte{'\n'}, 1<<20)
	id := gitbuild.Hash(gitbuild.Blob, small)
	at := p.must(p.pack.Add(gitbuild.Blob, id, small))
	p.file("small", id)
	large := bytes.Repeat([]byte{'\n'}, maxLines+1)
	id = gitbuild.Hash(gitbuild.Blob, large)
	p.must(p.pack.Add(gitbuild.Blob, id, large))
	p.file("whole", id)
	delta := append(uvarint(1<<20), uvarint(40<<20)...)
	for range 40 {
		delta = append(delta, 0x80|0x40, 0x10) // all of the base
	}
	p.must(p.pack.AddOffsetDelta(fakeID(1), at, delta))
	p.file("difference", fakeID(1))
	f := mustRead(t, p.open(), "", Options{})
	checkShape(t, f)
	want := []string{"1048576\t0\tsmall", "?\t?\tdifference", "?\t?\twhole"}
	if diff := gocmp.Diff(want, rows(f)[f.Head]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, s := range f.Skips {
		if s.Reason != facts.TooLarge {
			t.Errorf("%+v", s)
		}
	}
}

// packed is a repository whose pack is written entry by entry, with a commit on top that holds some of the objects as files.
type packed struct {
	t     *testing.T
	repo  *gitbuild.Repo
	dir   string
	pack  *gitbuild.Pack
	files []gitbuild.Entry
}

func newPacked(t *testing.T) *packed {
	t.Helper()
	p := &packed{t: t, repo: gitbuild.New(), dir: t.TempDir()}
	if err := p.repo.Write(p.dir, gitbuild.Options{}); err != nil {
		t.Fatal(err)
	}
	var err error
	if p.pack, err = gitbuild.NewPack(filepath.Join(p.dir, "objects/pack"), gitbuild.Compressed); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *packed) file(name string, id gitbuild.ID) {
	p.files = append(p.files, gitbuild.Entry{Mode: gitbuild.Regular, Name: name, ID: id})
}

func (p *packed) must(offset int64, err error) int64 {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
	return offset
}

func (p *packed) open() *Repository {
	p.t.Helper()
	slices.SortFunc(p.files, func(a, b gitbuild.Entry) int { return strings.Compare(a.Name, b.Name) })
	tree := p.repo.Tree(p.files...)
	tip := p.repo.Commit(gitbuild.C{Message: "All", Tree: tree})
	p.must(p.pack.Add(gitbuild.Tree, tree, p.repo.Data(tree)))
	p.must(p.pack.Add(gitbuild.Commit, tip, p.repo.Data(tip)))
	if _, err := p.pack.Close(); err != nil {
		p.t.Fatal(err)
	}
	write(p.t, filepath.Join(p.dir, "refs/heads/main"), tip.String()+"\n")
	return mustOpen(p.t, p.dir)
}

func fakeID(n int) (id gitbuild.ID) {
	copy(id[:], fmt.Sprintf("%020d", n))
	return id
}

// TestBombsInPacks has a good file among objects that lie about themselves.
func TestBombsInPacks(t *testing.T) {
	p := newPacked(t)
	good := []byte("one\ntwo\n")
	goodAt := p.must(p.pack.Add(gitbuild.Blob, gitbuild.Hash(gitbuild.Blob, good), good))
	p.file("good", gitbuild.Hash(gitbuild.Blob, good))
	want := map[string]facts.Reason{"good": facts.Measured}
	add := func(name string, reason facts.Reason, put func(id gitbuild.ID)) {
		id := fakeID(len(want))
		put(id)
		p.file(name, id)
		want[name] = reason
	}
	zeros := make([]byte, 1<<20)
	bomb := gitbuild.Compressed.Zlib(make([]byte, 80<<20))
	add("zlib bomb of a small size", facts.Corrupt, func(id gitbuild.ID) { p.must(p.pack.AddRaw(gitbuild.Blob, id, 10, bomb)) })
	add("zlib bomb of its size", facts.TooLarge, func(id gitbuild.ID) { p.must(p.pack.AddRaw(gitbuild.Blob, id, 80<<20, bomb)) })
	add("declares 2^50", facts.TooLarge, func(id gitbuild.ID) { p.must(p.pack.AddRaw(gitbuild.Blob, id, 1<<50, gitbuild.Compressed.Zlib(good))) })
	add("declares a byte more", facts.Corrupt, func(id gitbuild.ID) {
		p.must(p.pack.AddRaw(gitbuild.Blob, id, len(good)+1, gitbuild.Compressed.Zlib(good)))
	})
	add("declares a byte less", facts.Corrupt, func(id gitbuild.ID) {
		p.must(p.pack.AddRaw(gitbuild.Blob, id, len(good)-1, gitbuild.Compressed.Zlib(good)))
	})
	add("no stream", facts.Corrupt, func(id gitbuild.ID) { p.must(p.pack.AddRaw(gitbuild.Blob, id, 8, []byte("nonsense"))) })
	add("a tree", facts.Corrupt, func(id gitbuild.ID) { p.must(p.pack.AddRaw(gitbuild.Tree, id, 8, gitbuild.Compressed.Zlib(good))) })
	add("type 5", facts.Corrupt, func(id gitbuild.ID) { p.must(p.pack.AddRaw(5, id, 8, gitbuild.Compressed.Zlib(good))) })
	add("type 0", facts.Corrupt, func(id gitbuild.ID) { p.must(p.pack.AddRaw(0, id, 8, gitbuild.Compressed.Zlib(good))) })

	zeroAt := p.must(p.pack.Add(gitbuild.Blob, gitbuild.Hash(gitbuild.Blob, zeros), zeros))
	// 2^20 bytes, copied 200 times: 200 MiB in a delta of 800 bytes.
	var copies bytes.Buffer
	copies.Write(uvarint(1 << 20))
	copies.Write(uvarint(200 << 20))
	for range 200 {
		copies.Write([]byte{0x80 | 0x40, 0x10}) // offset 0, size 0x100000
	}
	add("delta bomb", facts.TooLarge, func(id gitbuild.ID) { p.must(p.pack.AddOffsetDelta(id, zeroAt, copies.Bytes())) })
	lying := slices.Clone(copies.Bytes())
	copy(lying[3:], uvarint(1<<20 | 1<<27)[:4])
	add("delta bomb of a false size", facts.TooLarge, func(id gitbuild.ID) { p.must(p.pack.AddOffsetDelta(id, zeroAt, lying)) })
	small := append(append(uvarint(1<<20), uvarint(100)...), copies.Bytes()[7:]...)
	add("delta bomb of a small size", facts.Corrupt, func(id gitbuild.ID) { p.must(p.pack.AddOffsetDelta(id, zeroAt, small)) })
	add("delta of another base size", facts.Corrupt, func(id gitbuild.ID) {
		p.must(p.pack.AddOffsetDelta(id, goodAt, []byte{9, 1, 1, 'x'}))
	})
	add("delta that copies from outside", facts.Corrupt, func(id gitbuild.ID) {
		p.must(p.pack.AddOffsetDelta(id, goodAt, []byte{8, 8, 0x91, 1, 8}))
	})
	add("delta that ends early", facts.Corrupt, func(id gitbuild.ID) { p.must(p.pack.AddOffsetDelta(id, goodAt, []byte{8, 3, 2, 'x'})) })
	add("delta that makes too little", facts.Corrupt, func(id gitbuild.ID) { p.must(p.pack.AddOffsetDelta(id, goodAt, []byte{8, 3, 2, 'x', 'y'})) })
	add("delta with the instruction 0", facts.Corrupt, func(id gitbuild.ID) { p.must(p.pack.AddOffsetDelta(id, goodAt, []byte{8, 1, 0, 'x'})) })
	add("empty delta", facts.Corrupt, func(id gitbuild.ID) { p.must(p.pack.AddOffsetDelta(id, goodAt, nil)) })
	add("delta of nothing known", facts.Missing, func(id gitbuild.ID) { p.must(p.pack.AddNameDelta(id, fakeID(999), []byte{8, 1, 1, 'x'})) })
	add("its own base", facts.TooDeep, func(id gitbuild.ID) { p.must(p.pack.AddNameDelta(id, id, []byte{1, 1, 1, 'x'})) })
	a, b := fakeID(2001), fakeID(2002)
	p.must(p.pack.AddNameDelta(a, b, []byte{1, 1, 1, 'x'}))
	p.must(p.pack.AddNameDelta(b, a, []byte{1, 1, 1, 'x'}))
	p.file("cycle a", a)
	p.file("cycle b", b)
	want["cycle a"], want["cycle b"] = facts.TooDeep, facts.TooDeep

	repo := p.open()
	for _, o := range options {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f := mustRead(t, repo, "", o)
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 1<<30 {
			t.Errorf("%+v: %d MiB were asked for", o, got>>20)
		}
		checkShape(t, f)
		got := map[string]facts.Reason{}
		for _, c := range f.Changes {
			got[f.Paths[c.Path]] = c.Skip
			if c.Skip == facts.Measured && (c.Added != 2 || f.Paths[c.Path] != "good") {
				t.Errorf("%s: %d lines", f.Paths[c.Path], c.Added)
			}
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", o, diff)
		}
		if last := f.Steps[0]; last.Unreadable != uint64(len(want)-1) || last.Lines != 2 || f.Walk.Partial != 1 {
			t.Errorf("%+v: %+v, %+v", o, last, f.Walk)
		}
	}
}

func uvarint(n uint64) (b []byte) {
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

// TestDepthOfDeltas: whether an object is too deep does not depend on what has been read before it.
func TestDepthOfDeltas(t *testing.T) {
	p := newPacked(t)
	content := []byte("line 0\n")
	id := gitbuild.Hash(gitbuild.Blob, content)
	at := p.must(p.pack.Add(gitbuild.Blob, id, content))
	p.file("f000", id)
	for i := 1; i <= 60; i++ {
		next := append(slices.Clone(content), fmt.Sprintf("line %d\n", i)...)
		id = gitbuild.Hash(gitbuild.Blob, next)
		at = p.must(p.pack.AddOffsetDelta(id, at, gitbuild.Delta(content, next)))
		p.file(fmt.Sprintf("f%03d", (i*37)%61), id)
		content = next
	}
	repo := p.open()
	for _, depth := range []int{1, 20, 59, 60, 4095} {
		for _, o := range options {
			o.Limits.Depth = depth
			f := mustRead(t, repo, "", o)
			deep, lines := 0, 0
			for _, c := range f.Changes {
				if c.Skip == facts.TooDeep {
					deep++
				}
				lines += int(c.Added)
			}
			read := min(depth, 60) + 1
			if deep != 61-read || lines != read*(read+1)/2 {
				t.Errorf("depth %d, %+v: %d files are too deep, the others have %d lines", depth, o, deep, lines)
			}
		}
	}
}

// TestRandomDamage flips bytes of packs: no panic, and what is told still adds up.
func TestRandomDamage(t *testing.T) {
	trials := 80
	if testing.Short() {
		trials = 20
	}
	w := newWorld(17)
	w.repo.Branch("main", w.history(40))
	dir := w.repo.Dir(t, gitbuild.Options{Deltas: gitbuild.OffsetDeltas, Deflate: gitbuild.Compressed})
	intact := rows(mustRead(t, mustOpen(t, dir), "", Options{}))
	paths, err := filepath.Glob(filepath.Join(dir, "objects/pack/*"))
	if err != nil || len(paths) != 2 {
		t.Fatal(paths, err)
	}
	wrong := 0
	for trial := range trials {
		data := readFile(t, paths[1])
		path := paths[1]
		if trial%10 == 0 {
			data, path = readFile(t, paths[0]), paths[0]
		}
		for range 1 + w.rand.IntN(3) {
			data[w.rand.IntN(len(data))] ^= 1 << w.rand.IntN(8)
		}
		broken := t.TempDir()
		write(t, filepath.Join(broken, "HEAD"), "ref: refs/heads/main\n")
		write(t, filepath.Join(broken, "refs/heads/main"), string(readFile(t, filepath.Join(dir, "refs/heads/main"))))
		for _, p := range paths {
			content := readFile(t, p)
			if p == path {
				content = data
			}
			write(t, filepath.Join(broken, "objects/pack", filepath.Base(p)), string(content))
		}
		repo, err := Open(broken)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Read(context.Background(), repo, "", "", Options{Workers: 2, Limits: odb.Limits{Object: 1 << 20}})
		if err == nil {
			checkShape(t, f)
			for id, got := range rows(f) {
				// A commit is what its name says, always. Rows are those of before, or told as unknown, unless the pack gives other
				// content under the same name; git itself would not notice that either.
				if len(f.Skips) == 0 && !slices.Equal(got, intact[id]) {
					wrong++
				}
			}
		}
		if err := repo.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if wrong > 2 {
		t.Errorf("%d commits have other rows, and nothing is said of it", wrong)
	}
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
