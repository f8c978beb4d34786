package odb

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"orrery/analyzer/facts"
	"orrery/fixtures/gitbuild"
)

// objects gives a repository of a few hundred objects of all kinds and sizes, many of them versions of each other.
func objects() *gitbuild.Repo {
	r := gitbuild.New()
	random := rand.New(rand.NewPCG(1, 2))
	text := strings.Repeat("a line that is long enough to be found again\n", 30)
	var parents gitbuild.IDs
	for i := range 60 {
		at := random.IntN(len(text))
		text = text[:at] + fmt.Sprintf("change %d\n", random.Uint64()) + text[min(len(text), at+random.IntN(40)):]
		noise := make([]byte, random.IntN(1<<random.IntN(14)))
		for k := range noise {
			noise[k] = byte(random.Uint32())
		}
		id := r.Commit(gitbuild.C{
			Parents: parents, Message: fmt.Sprint("Commit ", i),
			Files: gitbuild.Files{"text": text, fmt.Sprintf("d%d/noise", i%7): string(noise), "empty": "", "one": "x"},
		})
		parents = gitbuild.IDs{id}
	}
	r.Object(gitbuild.Tree, nil)
	r.Branch("main", parents[0])
	r.Annotate("v1", parents[0], "A <a@x.example>", "2024-01-01", "One")
	return r
}

var layouts = map[string]gitbuild.Options{
	"loose":           {Loose: true},
	"loose, deflated": {Loose: true, Deflate: gitbuild.Compressed},
	"whole":           {},
	"deflated":        {Deflate: gitbuild.Compressed},
	"offset deltas":   {Deltas: gitbuild.OffsetDeltas},
	"name deltas":     {Deltas: gitbuild.NameDeltas, Wide: true, Deflate: gitbuild.Compressed},
	"packs":           {Deltas: gitbuild.OffsetDeltas, Packs: 5},
}

func mustOpen(t testing.TB, dir string) *Database {
	t.Helper()
	db, err := Open(filepath.Join(dir, "objects"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// all gives the names of all objects.
func all(r *gitbuild.Repo) (ids []gitbuild.ID) {
	seen := map[gitbuild.ID]bool{}
	var add func(id gitbuild.ID, tree bool)
	add = func(id gitbuild.ID, tree bool) {
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
			if tree {
				for _, e := range r.Entries(id) {
					add(e.ID, e.Mode == gitbuild.Folder)
				}
			}
		}
	}
	for _, c := range r.Commits() {
		add(c, false)
		add(r.Described(c).Tree, true)
	}
	add(r.Reference("refs/tags/v1"), false)
	return ids
}

func TestReadsWhatWasWritten(t *testing.T) {
	r := objects()
	ids := all(r)
	for name, o := range layouts {
		for _, v1 := range []bool{false, true} {
			if v1 && o.Loose {
				continue
			}
			dir := r.Dir(t, o)
			if v1 {
				if name += ", index v1"; o.Wide {
					continue
				}
				rewriteIndexes(t, dir)
			}
			t.Run(name, func(t *testing.T) {
				db := mustOpen(t, dir)
				if len(db.Warnings) > 0 {
					t.Fatal(db.Warnings)
				}
				for _, limits := range []Limits{DefaultLimits, {Object: 1 << 20, Depth: 100, Cache: 1}, {Object: 1 << 20, Depth: 100, Cache: 1 << 13}} {
					checkObjects(t, db, limits, r, ids)
				}
			})
		}
	}
}

func checkObjects(t *testing.T, db *Database, limits Limits, r *gitbuild.Repo, ids []gitbuild.ID) {
	t.Helper()
	reader := NewReader(db, limits)
	if db.Len() < len(ids) {
		t.Errorf("%d objects, want at least %d", db.Len(), len(ids))
	}
	for _, id := range ids {
		n, ok := db.Lookup(facts.ID(id))
		if !ok || db.ID(n) != facts.ID(id) {
			t.Fatalf("%s is not found", id)
		}
		kind, data, err := reader.Object(n)
		if err != nil {
			t.Fatal(err)
		}
		if NameOf(kind, data) != facts.ID(id) || !bytes.Equal(data, r.Data(id)) {
			t.Errorf("%s is read as a %s of %d bytes", id, kind, len(data))
		}
		sized, size, err := reader.Size(n)
		if err != nil || size != uint64(len(data)) || sized != kind {
			t.Errorf("%s is a %s of size %d, %v; want %s of %d", id, sized, size, err, kind, len(data))
		}
		fresh := NewReader(db, limits)
		if sized, size, err = fresh.Size(n); err != nil || size != uint64(len(data)) || sized != kind {
			t.Errorf("%s has, unread, size %d, %v", id, size, err)
		}
		reader.Release()
		if found, ok := db.Abbreviated(id.String()[:16]); !ok || found != facts.ID(id) {
			t.Errorf("%s is not found by 16 digits", id)
		}
		id[19] ^= 1
		if _, ok := db.Lookup(facts.ID(id)); ok {
			t.Errorf("%s is found", id)
		}
	}
	for n := range Number(db.Len()) {
		near := db.Near(nil, n, 5)
		if len(near) == 0 || near[0] != n || len(near) > 5 {
			t.Fatalf("near %d: %v", n, near)
		}
	}
	for _, id := range []facts.ID{{}, facts.ID(bytes.Repeat([]byte{0xff}, 20))} {
		if _, ok := db.Lookup(id); ok {
			t.Errorf("%s is found", id)
		}
	}
	for _, prefix := range []string{"", "0", "zzzz", "000", strings.Repeat("0", 41), strings.Repeat("g", 40)} {
		if id, ok := db.Abbreviated(prefix); ok {
			t.Errorf("%q is %s", prefix, id)
		}
	}
}

// rewriteIndexes turns the indexes of all packs into version 1.
func rewriteIndexes(t *testing.T, dir string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "objects/pack/*.idx"))
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		v2, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, indexV1(v2), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func indexV1(v2 []byte) []byte {
	n := int(binary.BigEndian.Uint32(v2[8+255*4:]))
	ids, offsets := v2[8+1024:], v2[8+1024+24*n:]
	out := bytes.Clone(v2[8 : 8+1024])
	for i := range n {
		out = append(out, offsets[4*i:4*i+4]...)
		out = append(out, ids[20*i:20*i+20]...)
	}
	return append(out, v2[len(v2)-40:]...)
}

func TestEqualsGit(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git program")
	}
	r := objects()
	for name, o := range layouts {
		dir := r.Dir(t, o)
		cmd := exec.Command("git", "-C", dir, "-c", "safe.directory=*", "cat-file", "--batch", "--batch-all-objects")
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		db := mustOpen(t, dir)
		reader := NewReader(db, DefaultLimits)
		compared := 0
		for len(out) > 0 {
			head, rest, _ := bytes.Cut(out, []byte{'\n'})
			var word, kind string
			var size int
			if _, err := fmt.Sscan(string(head), &word, &kind, &size); err != nil {
				t.Fatalf("git wrote %q", head)
			}
			id, _ := idFromHex(word)
			n, ok := db.Lookup(id)
			if !ok {
				t.Fatalf("%s: %s is not found", name, id)
			}
			k, data, err := reader.Object(n)
			if err != nil || k.String() != kind || !bytes.Equal(data, rest[:size]) {
				t.Errorf("%s: %s: a %s of %d bytes, %v; git has a %s of %d", name, id, k, len(data), err, kind, size)
			}
			reader.Release()
			out = rest[size+1:]
			compared++
		}
		if compared != db.Len() {
			t.Errorf("%s: git has %d objects, we %d", name, compared, db.Len())
		}
	}
}

// build is a folder of objects that is written entry by entry.
type build struct {
	t    testing.TB
	dir  string
	pack *gitbuild.Pack
}

func newBuild(t testing.TB) *build {
	t.Helper()
	b := &build{t: t, dir: t.TempDir()}
	if err := os.MkdirAll(filepath.Join(b.dir, "objects/pack"), 0o755); err != nil {
		t.Fatal(err)
	}
	b.next()
	return b
}

// next starts another pack.
func (b *build) next() {
	b.t.Helper()
	var err error
	if b.pack, err = gitbuild.NewPack(filepath.Join(b.dir, "objects/pack"), gitbuild.Stored); err != nil {
		b.t.Fatal(err)
	}
}

func (b *build) shut() (path string) {
	b.t.Helper()
	path, err := b.pack.Close()
	if err != nil {
		b.t.Fatal(err)
	}
	return path
}

func (b *build) blob(content string) (gitbuild.ID, int64) {
	id := gitbuild.Hash(gitbuild.Blob, []byte(content))
	return id, b.must(b.pack.Add(gitbuild.Blob, id, []byte(content)))
}

func (b *build) must(at int64, err error) int64 {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	return at
}

func (b *build) file(path, content string) {
	b.t.Helper()
	path = filepath.Join(b.dir, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

func read(t testing.TB, db *Database, id gitbuild.ID) (string, error) {
	t.Helper()
	n, ok := db.Lookup(facts.ID(id))
	if !ok {
		return "", errNotFound
	}
	_, data, err := NewReader(db, DefaultLimits).Object(n)
	return string(data), err
}

var errNotFound = errors.New("not found")

func loosePath(id gitbuild.ID) string { return "objects/" + id.String()[:2] + "/" + id.String()[2:] }

func loose(content string) string {
	return string(gitbuild.Compressed.Zlib(fmt.Appendf(nil, "blob %d\x00%s", len(content), content)))
}

func TestBasesOutsideOfThePack(t *testing.T) {
	const one, two, three, four = "the first version\n", "the first version, changed\n", "the loose version\n", "the loose version, changed\n"
	b := newBuild(t)
	base, _ := b.blob(one)
	b.shut()
	b.next()
	onPack, onLoose := gitbuild.Hash(gitbuild.Blob, []byte(two)), gitbuild.Hash(gitbuild.Blob, []byte(four))
	looseBase := gitbuild.Hash(gitbuild.Blob, []byte(three))
	b.must(b.pack.AddNameDelta(onPack, base, gitbuild.Delta([]byte(one), []byte(two))))
	b.must(b.pack.AddNameDelta(onLoose, looseBase, gitbuild.Delta([]byte(three), []byte(four))))
	b.shut()
	b.file(loosePath(looseBase), loose(three))
	db := mustOpen(t, b.dir)
	for id, want := range map[gitbuild.ID]string{base: one, onPack: two, looseBase: three, onLoose: four} {
		if got, err := read(t, db, id); got != want || err != nil {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
}

func TestSameObjectTwice(t *testing.T) {
	b := newBuild(t)
	id, _ := b.blob("twice\n")
	b.shut()
	b.next()
	b.blob("other\n")
	b.blob("twice\n")
	b.shut()
	b.file(loosePath(id), loose("twice\n"))
	db := mustOpen(t, b.dir)
	if got, err := read(t, db, id); got != "twice\n" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if found, ok := db.Abbreviated(id.String()[:8]); !ok || found != facts.ID(id) {
		t.Error("copies of one object count as several")
	}
}

func TestAlternates(t *testing.T) {
	a, b, c := newBuild(t), newBuild(t), newBuild(t)
	inA, _ := a.blob("a\n")
	inB, _ := b.blob("b\n")
	a.shut()
	b.shut()
	inC := gitbuild.Hash(gitbuild.Blob, []byte("c\n"))
	c.file(loosePath(inC), loose("c\n"))
	relative, err := filepath.Rel(filepath.Join(a.dir, "objects"), filepath.Join(c.dir, "objects"))
	if err != nil {
		t.Fatal(err)
	}
	// A cycle, itself, comments, Windows ends, nothing there, and the same folder twice.
	a.file("objects/info/alternates", "# comment\n\n"+filepath.Join(b.dir, "objects")+"\r\n"+relative+"\n"+filepath.Join(b.dir, "objects")+"\n/nowhere\n")
	b.file("objects/info/alternates", filepath.Join(a.dir, "objects")+"\n"+filepath.Join(b.dir, "objects"))
	db := mustOpen(t, a.dir)
	for id, want := range map[gitbuild.ID]string{inA: "a\n", inB: "b\n", inC: "c\n"} {
		if got, err := read(t, db, id); got != want || err != nil {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
	if db.Len() != 3 {
		t.Errorf("%d objects", db.Len())
	}
	if len(db.Warnings) != 1 || !strings.Contains(db.Warnings[0], "nowhere") {
		t.Errorf("warnings %q", db.Warnings)
	}
}

func TestLongChainOfAlternates(t *testing.T) {
	var dirs []*build
	for i := range maxAlternates + 5 {
		b := newBuild(t)
		b.blob(fmt.Sprint(i))
		b.shut()
		if i > 0 {
			b.file("objects/info/alternates", filepath.Join(dirs[i-1].dir, "objects"))
		}
		dirs = append(dirs, b)
	}
	db := mustOpen(t, dirs[len(dirs)-1].dir)
	if db.Len() != maxAlternates || len(db.Warnings) != 1 {
		t.Errorf("%d objects, warnings %q", db.Len(), db.Warnings)
	}
}

// TestBeyond4GiB has objects behind a hole of 5 GiB, one of them as a difference to one before it.
func TestBeyond4GiB(t *testing.T) {
	if testing.Short() {
		t.Skip("needs files with holes")
	}
	b := newBuild(t)
	near, nearAt := b.blob("the near object\n")
	path := b.shut()
	const farAt = int64(5 << 30)
	far := gitbuild.Hash(gitbuild.Blob, []byte("the far object\n"))
	delta := gitbuild.Delta([]byte("the near object\n"), []byte("the far object\n"))
	entry := []byte{6<<4 | byte(len(delta))}
	back := farAt - nearAt
	digits := []byte{byte(back & 0x7f)}
	for back >>= 7; back > 0; back >>= 7 {
		back--
		digits = append(digits, 0x80|byte(back&0x7f))
	}
	slices.Reverse(digits)
	entry = append(append(entry, digits...), gitbuild.Stored.Zlib(delta)...)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for at, data := range map[int64][]byte{8: {0, 0, 0, 2}, farAt: append(entry, make([]byte, 20)...)} {
		if _, err := f.WriteAt(data, at); err != nil {
			t.Skip(err)
		}
	}
	type row struct {
		id gitbuild.ID
		at int64
	}
	rows := []row{{near, nearAt}, {far, farAt}}
	slices.SortFunc(rows, func(a, b row) int { return bytes.Compare(a.id[:], b.id[:]) })
	ids := make([]gitbuild.ID, 0, 2)
	offsets := make([]int64, 0, 2)
	for _, r := range rows {
		ids, offsets = append(ids, r.id), append(offsets, r.at)
	}
	if err := os.WriteFile(strings.TrimSuffix(path, "pack")+"idx", index(ids, offsets), 0o644); err != nil {
		t.Fatal(err)
	}
	db := mustOpen(t, b.dir)
	for id, want := range map[gitbuild.ID]string{near: "the near object\n", far: "the far object\n"} {
		if got, err := read(t, db, id); got != want || err != nil {
			t.Errorf("%q, %v; want %q (%v)", got, err, want, db.Warnings)
		}
	}
}

// index writes an index, version 2, for names in ascending order; offsets above 31 bits go to the table of large ones.
func index(ids []gitbuild.ID, offsets []int64) []byte {
	out := []byte("\377tOc\x00\x00\x00\x02")
	for first := range 256 {
		n := 0
		for _, id := range ids {
			if int(id[0]) <= first {
				n++
			}
		}
		out = binary.BigEndian.AppendUint32(out, uint32(n))
	}
	for _, id := range ids {
		out = append(out, id[:]...)
	}
	out = append(out, make([]byte, 4*len(ids))...)
	var large []byte
	for _, at := range offsets {
		if at < 1<<31 {
			out = binary.BigEndian.AppendUint32(out, uint32(at))
			continue
		}
		out = binary.BigEndian.AppendUint32(out, 1<<31|uint32(len(large)/8))
		large = binary.BigEndian.AppendUint64(large, uint64(at))
	}
	return append(append(out, large...), make([]byte, 40)...)
}

// memory gives a database of one pack that lies in memory.
func memory(data, idx []byte) (*Database, error) {
	p := &pack{name: "pack", data: data, index: idx}
	if err := p.check(); err != nil {
		return nil, err
	}
	return &Database{packs: []*pack{p}, first: Number(p.count)}, nil
}

// smallPack gives the bytes of a pack and its index, with deltas of both sorts, and what is in it.
func smallPack(t testing.TB) (data, idx []byte, ids []gitbuild.ID) {
	t.Helper()
	b := newBuild(t)
	text := strings.Repeat("some text to copy from\n", 9)
	base, baseAt := b.blob(text)
	ids = append(ids, base)
	for i, put := range []func(id gitbuild.ID, delta []byte) (int64, error){
		func(id gitbuild.ID, delta []byte) (int64, error) { return b.pack.AddOffsetDelta(id, baseAt, delta) },
		func(id gitbuild.ID, delta []byte) (int64, error) { return b.pack.AddNameDelta(id, base, delta) },
	} {
		changed := fmt.Sprintf("%d\n%s", i, text)
		id := gitbuild.Hash(gitbuild.Blob, []byte(changed))
		b.must(put(id, gitbuild.Delta([]byte(text), []byte(changed))))
		ids = append(ids, id)
	}
	other, _ := b.blob("other\n")
	ids = append(ids, other)
	path := b.shut()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if idx, err = os.ReadFile(strings.TrimSuffix(path, "pack") + "idx"); err != nil {
		t.Fatal(err)
	}
	return data, idx, ids
}

// readAll reads all that a database names, in two orders, and checks what must hold of anything.
func readAll(t testing.TB, db *Database, limits Limits) {
	t.Helper()
	forward, backward := NewReader(db, limits), NewReader(db, limits)
	type result struct {
		kind Kind
		data string
		why  facts.Reason
	}
	one := func(r *Reader, n Number) (res result) {
		kind, data, err := r.Object(n)
		if err != nil {
			res.why = ReasonOf(err)
			if res.why == facts.Measured {
				t.Errorf("object %d: an error without a reason: %v", n, err)
			}
			return res
		}
		if uint64(len(data)) > limits.Object {
			t.Errorf("object %d: %d bytes", n, len(data))
		}
		res = result{kind, string(data), facts.Measured}
		if k, size, err := r.Size(n); err != nil || size != uint64(len(data)) || k != kind {
			t.Errorf("object %d: a %s of %d bytes, size says %s of %d, %v", n, kind, len(data), k, size, err)
		}
		return res
	}
	n := Number(db.Len())
	results := make([]result, n)
	for i := range n {
		results[i] = one(forward, i)
		forward.Release()
		if id := db.ID(i); id != (facts.ID{}) {
			db.Lookup(id)
			db.Abbreviated(id.String()[:6])
		}
		if near := db.Near(nil, i, 3); near[0] != i {
			t.Errorf("near %d: %v", i, near)
		}
	}
	for i := n; i > 0; i-- {
		if got := one(backward, i-1); got != results[i-1] {
			t.Errorf("object %d: %v, read backwards %v", i-1, results[i-1], got)
		}
		backward.Release()
	}
}

var small = Limits{Object: 1 << 16, Depth: 10, Cache: 1 << 10}

// TestEveryFlippedBit flips each bit of a small pack and its index, and cuts both anywhere.
func TestEveryFlippedBit(t *testing.T) {
	data, idx, ids := smallPack(t)
	db, err := memory(data, idx)
	if err != nil {
		t.Fatal(err)
	}
	readAll(t, db, small)
	undamaged := 0
	try := func(data, idx []byte) {
		db, err := memory(data, idx)
		if err != nil {
			return
		}
		readAll(t, db, small)
		whole := true
		for _, id := range ids {
			_, err := read(t, db, id)
			whole = whole && err == nil
		}
		if whole {
			undamaged++
		}
	}
	step := 1
	if testing.Short() {
		step = 7
	}
	for i := 0; i < 8*len(data); i += step {
		flipped := bytes.Clone(data)
		flipped[i/8] ^= 1 << (i % 8)
		try(flipped, idx)
	}
	inPack := undamaged
	// The checksum at the end, the version (3 is as good as 2), the level in the zlib header and the like: a few bits do not matter.
	if inPack > 8*len(data)/4 {
		t.Errorf("of %d flipped bits of the pack %d go unnoticed", 8*len(data), inPack)
	}
	for i := 0; i < 8*len(idx); i += step {
		flipped := bytes.Clone(idx)
		flipped[i/8] ^= 1 << (i % 8)
		try(data, flipped)
	}
	for n := range len(data) {
		try(data[:n], idx)
	}
	for n := range len(idx) {
		if db, err := memory(data, idx[:n]); err == nil {
			readAll(t, db, small)
			t.Errorf("an index of %d bytes of %d is taken", n, len(idx))
		}
	}
}

func TestFalseIndexes(t *testing.T) {
	data, _, _ := smallPack(t)
	id := func(b byte) (id gitbuild.ID) { id[0] = b; return id }
	good := index([]gitbuild.ID{id(1), id(2), id(3), id(4)}, []int64{12, 13, 14, 15})
	edit := func(at int, b ...byte) []byte {
		out := bytes.Clone(good)
		copy(out[at:], b)
		return out
	}
	const fan, names, offsets = 8, 8 + 1024, 8 + 1024 + 4*24
	for _, c := range []struct {
		name string
		idx  []byte
		want string
	}{
		{"empty", nil, "cut short"},
		{"version 3", edit(4, 0, 0, 0, 3), "version 3"},
		{"fan-out goes down", edit(fan+40, 0, 0, 0, 9), "ascending"},
		{"fan-out too high", edit(fan+255*4, 0xff, 0xff, 0xff, 0xff), "cut short"},
		{"fan-out of another count", edit(fan+255*4, 0, 0, 0, 5), "index"},
		{"offset 0", edit(offsets, 0, 0, 0, 0), "outside"},
		{"offset in the checksum", index([]gitbuild.ID{id(1), id(2), id(3), id(4)}, []int64{12, 13, 14, int64(len(data) - 20)}), "outside"},
		{"offset behind the end", edit(offsets, 0x7f, 0xff, 0xff, 0xff), "outside"},
		{"large offset without a table", edit(offsets, 0x80, 0, 0, 0), ""},
		{"large offset far in the table", edit(offsets, 0xff, 0xff, 0xff, 0xff), "outside"},
		{"large offset far behind the end", index([]gitbuild.ID{id(1), id(2), id(3), id(4)}, []int64{12, 13, 14, 1 << 62}), "outside"},
	} {
		_, err := memory(data, c.idx)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", c.name, err, c.want)
		}
	}
	// Names that are out of order or equal, and objects at one offset, are read as far as they can be.
	for _, c := range [][]gitbuild.ID{
		{id(1), id(1), id(1), id(1)},
		{id(4), id(3), id(2), id(1)},
		{{1, 9}, {1, 8}, {1, 7}, {1, 6}},
	} {
		for _, at := range [][]int64{{12, 12, 12, 12}, {15, 14, 13, 12}, {12, 12, 13, 13}} {
			db, err := memory(data, index(c, at))
			if err != nil {
				t.Fatal(err)
			}
			readAll(t, db, small)
		}
	}
}

// TestManyObjectsAtOneOffset: a search by offset stays a search.
func TestManyObjectsAtOneOffset(t *testing.T) {
	b := newBuild(t)
	_, baseAt := b.blob("base\n")
	at := b.must(b.pack.AddOffsetDelta(gitbuild.ID{1}, baseAt, gitbuild.Delta([]byte("base\n"), []byte("changed\n"))))
	data, err := os.ReadFile(b.shut())
	if err != nil {
		t.Fatal(err)
	}
	const n = 50_000
	ids, offsets := make([]gitbuild.ID, n), make([]int64, n)
	for i := range n {
		binary.BigEndian.PutUint32(ids[i][16:], uint32(i))
		offsets[i] = at - 1 // behind the base, and in its bucket
	}
	offsets[n-2], offsets[n-1] = baseAt, at
	binary.BigEndian.PutUint32(data[8:], n)
	p := &pack{data: data, index: index(ids[:0], nil)}
	p.index = manyIndex(ids, offsets)
	if err := p.check(); err != nil {
		t.Fatal(err)
	}
	p.order()
	db := &Database{packs: []*pack{p}, first: n}
	for i := range uint32(n) {
		want := p.offsets[i]
		rank, ok := p.rankOf(want)
		if !ok || p.offsets[rank] != want {
			t.Fatalf("offset %d is not found", want)
		}
	}
	if got, err := read(t, db, ids[n-1]); got != "changed\n" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// manyIndex is index for names that all begin with zero.
func manyIndex(ids []gitbuild.ID, offsets []int64) []byte {
	out := []byte("\377tOc\x00\x00\x00\x02")
	for range 256 {
		out = binary.BigEndian.AppendUint32(out, uint32(len(ids)))
	}
	for _, id := range ids {
		out = append(out, id[:]...)
	}
	out = append(out, make([]byte, 4*len(ids))...)
	for _, at := range offsets {
		out = binary.BigEndian.AppendUint32(out, uint32(at))
	}
	return append(out, make([]byte, 40)...)
}

func TestDamagedPacksAreWarnings(t *testing.T) {
	b := newBuild(t)
	id, _ := b.blob("good\n")
	b.shut()
	b.file("objects/pack/pack-a.pack", "")
	b.file("objects/pack/pack-b.pack", strings.Repeat("x", 100))
	b.file("objects/pack/pack-b.idx", "")
	b.file("objects/pack/pack-c.pack", "PACK\x00\x00\x00\x09"+strings.Repeat("\x00", 60))
	b.file("objects/pack/pack-c.idx", string(index(nil, nil)))
	b.file("objects/pack/pack-d.idx", string(index(nil, nil)))
	b.file("objects/pack/tmp_pack_x", "x")
	db := mustOpen(t, b.dir)
	if got, err := read(t, db, id); got != "good\n" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if len(db.Warnings) != 3 {
		t.Errorf("warnings %q", db.Warnings)
	}
	for i, name := range []string{"pack-a", "pack-b", "pack-c"} {
		if i < len(db.Warnings) && !strings.Contains(db.Warnings[i], name) {
			t.Errorf("%q does not name %s", db.Warnings[i], name)
		}
	}
	if _, err := Open(filepath.Join(b.dir, "nowhere")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder of objects: %v", err)
	}
}

func TestGuard(t *testing.T) {
	want := errors.New("an error")
	if err := Guard(func() error { return want }); err != want {
		t.Errorf("%v", err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("another panic was taken for a fault")
			}
		}()
		_ = Guard(func() error { panic("another") })
	}()
	if runtime.GOOS == "windows" {
		t.Skip("no mapping")
	}
	b := newBuild(t)
	var ids []gitbuild.ID
	for i := range 50 {
		id, _ := b.blob(strings.Repeat(fmt.Sprintf("object %d\n", i), 1000))
		ids = append(ids, id)
	}
	cut := b.shut()
	b.next()
	other, _ := b.blob("other\n")
	b.shut()
	db := mustOpen(t, b.dir)
	if err := os.Truncate(cut, 5000); err != nil {
		t.Fatal(err)
	}
	faults := 0
	for _, id := range ids {
		err := Guard(func() error {
			_, err := read(t, db, id)
			return err
		})
		if errors.Is(err, io.ErrUnexpectedEOF) {
			faults++
		}
	}
	if faults < 40 {
		t.Errorf("%d of 50 objects of a pack that was cut short are missed", faults)
	}
	if got, err := read(t, db, other); got != "other\n" || err != nil {
		t.Errorf("another pack: %q, %v", got, err)
	}
	if err := os.Truncate(strings.TrimSuffix(cut, "pack")+"idx", 0); err != nil {
		t.Fatal(err)
	}
	if err := Guard(func() error { _, err := read(t, db, ids[0]); return err }); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the index is gone: %v", err)
	}
}

func TestLoose(t *testing.T) {
	z := func(s string) string { return string(gitbuild.Compressed.Zlib([]byte(s))) }
	name := gitbuild.Hash(gitbuild.Blob, []byte("content\n"))
	for _, c := range []struct {
		name, file string
		reason     facts.Reason
	}{
		{"good", loose("content\n"), facts.Measured},
		{"good, with rubbish behind", loose("content\n") + "rubbish", facts.Measured},
		{"empty", "", facts.Corrupt},
		{"no zlib", "blob 8\x00content\n", facts.Corrupt},
		{"no header", z("content\n"), facts.Corrupt},
		{"a long header", z(strings.Repeat("b", 1<<20)), facts.Corrupt},
		{"no size", z("blob \x00content\n"), facts.Corrupt},
		{"negative size", z("blob -8\x00content\n"), facts.Corrupt},
		{"size of letters", z("blob eight\x00content\n"), facts.Corrupt},
		{"no type", z(" 8\x00content\n"), facts.Corrupt},
		{"unknown type", z("blub 8\x00content\n"), facts.Corrupt},
		{"kind by number", z("kind 6 8\x00content\n"), facts.Corrupt},
		{"another type", z("tree 8\x00content\n"), facts.Corrupt},
		{"too short", z("blob 9\x00content\n"), facts.Corrupt},
		{"too long", z("blob 7\x00content\n"), facts.Corrupt},
		{"another content", loose("Content\n"), facts.Corrupt},
		{"cut short", loose("content\n")[:12], facts.Corrupt},
		{"a flipped byte", strings.Replace(loose("content\n"), "\x00", "\x01", 1), facts.Corrupt},
		{"declared too large", z("blob 99999999999\x00content\n"), facts.TooLarge},
		{"declared above 64 bits", z("blob 99999999999999999999999\x00content\n"), facts.Corrupt},
		{"a bomb", z("blob 100000\x00" + strings.Repeat("\x00", 100<<20)), facts.Corrupt},
		{"a bomb that says so", z(fmt.Sprintf("blob %d\x00", 100<<20) + strings.Repeat("\x00", 100<<20)), facts.TooLarge},
	} {
		b := newBuild(t)
		b.shut()
		b.file(loosePath(name), c.file)
		b.file("objects/ab/short", "x")
		b.file("objects/zz/"+strings.Repeat("z", 38), "x")
		db := mustOpen(t, b.dir)
		if db.Len() != 1 {
			t.Fatalf("%s: %d objects", c.name, db.Len())
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		reader := NewReader(db, DefaultLimits)
		_, data, err := reader.Object(0)
		_, _, sizeErr := NewReader(db, DefaultLimits).Size(0)
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 2<<20 {
			t.Errorf("%s: %d bytes were asked for", c.name, got)
		}
		if c.reason == facts.Measured {
			if err != nil || string(data) != "content\n" {
				t.Errorf("%s: %q, %v", c.name, data, err)
			}
			continue
		}
		for _, err := range []error{err, sizeErr} {
			var e *Error
			if !errors.As(err, &e) || e.Reason != c.reason || e.ID != facts.ID(name) {
				t.Errorf("%s: %v, want %s of %s", c.name, err, c.reason, name)
			}
		}
	}
}

// TestReleased: what a reader has given stays as it is until Release, however little it may keep.
func TestReleased(t *testing.T) {
	r := objects()
	ids := all(r)
	db := mustOpen(t, r.Dir(t, gitbuild.Options{Deltas: gitbuild.OffsetDeltas}))
	rapid.Check(t, func(t *rapid.T) {
		reader := NewReader(db, Limits{Object: 1 << 20, Depth: 100, Cache: rapid.SampledFrom([]int{1, 500, 5000, 1 << 20}).Draw(t, "cache")})
		type given struct {
			id   gitbuild.ID
			data []byte
		}
		var held []given
		for range rapid.IntRange(1, 60).Draw(t, "reads") {
			if rapid.IntRange(0, 5).Draw(t, "release") == 0 {
				held = nil
				reader.Release()
			}
			id := rapid.SampledFrom(ids).Draw(t, "object")
			n, _ := db.Lookup(facts.ID(id))
			_, data, err := reader.Object(n)
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, given{id, data})
			for _, g := range held {
				if !bytes.Equal(g.data, r.Data(g.id)) {
					t.Fatalf("%s has changed", g.id)
				}
			}
		}
	})
}

// TestCacheIsBounded: after Release a reader keeps what it may, and no more than the largest object above.
func TestCacheIsBounded(t *testing.T) {
	r := objects()
	db := mustOpen(t, r.Dir(t, gitbuild.Options{Deltas: gitbuild.OffsetDeltas}))
	for _, cache := range []int{1, 10_000, 100_000} {
		reader := NewReader(db, Limits{Object: 1 << 20, Depth: 100, Cache: cache})
		for n := range Number(db.Len()) {
			if _, _, err := reader.Object(n); err != nil {
				t.Fatal(err)
			}
			held, entries := 0, 0
			for i := reader.head; i >= 0; i = reader.ents[i].next {
				held += cap(reader.ents[i].data)
				entries++
				if reader.slot[reader.ents[i].n] != i+1 {
					t.Fatal("an entry that is not found")
				}
			}
			if held != reader.used {
				t.Fatalf("%d bytes are held, %d counted", held, reader.used)
			}
			if entries+len(reader.free) != len(reader.ents) {
				t.Fatalf("%d entries and %d free ones of %d", entries, len(reader.free), len(reader.ents))
			}
			reader.Release()
		}
		// One chain of deltas may be held at once.
		if limit := max(cache, 60*8192) + 1<<16; reader.used > limit {
			t.Errorf("%d bytes are kept of %d", reader.used, cache)
		}
	}
}

// applyPlainly is the plain reading of the format of deltas.
func applyPlainly(base, delta []byte, limit uint64) (target []byte, ok bool) {
	next := func() (byte, bool) {
		if len(delta) == 0 {
			return 0, false
		}
		b := delta[0]
		delta = delta[1:]
		return b, true
	}
	var sizes [2]uint64
	for i := range sizes {
		for shift := 0; ; shift += 7 {
			b, ok := next()
			if !ok || shift > 56 {
				return nil, false
			}
			sizes[i] |= uint64(b&0x7f) << shift
			if b&0x80 == 0 {
				break
			}
		}
	}
	if sizes[0] != uint64(len(base)) || sizes[1] > limit {
		return nil, false
	}
	for len(delta) > 0 {
		op, _ := next()
		if op == 0 {
			return nil, false
		}
		if op < 0x80 {
			if int(op) > len(delta) {
				return nil, false
			}
			target, delta = append(target, delta[:op]...), delta[op:]
			continue
		}
		var from, size int
		for i := range 7 {
			if op>>i&1 == 0 {
				continue
			}
			b, ok := next()
			if !ok {
				return nil, false
			}
			if i < 4 {
				from |= int(b) << (8 * i)
			} else {
				size |= int(b) << (8 * (i - 4))
			}
		}
		if size == 0 {
			size = 1 << 16
		}
		if from+size > len(base) || uint64(len(target)+size) > sizes[1] {
			return nil, false
		}
		target = append(target, base[from:from+size]...)
	}
	return target, uint64(len(target)) == sizes[1]
}

func TestDeltasOfGitbuild(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		alphabet := rapid.SampledFrom([]string{"a", "ab", "some words\n", strings.Repeat("x", 70_000)})
		base := strings.Join(rapid.SliceOfN(alphabet, 0, 20).Draw(t, "base"), "")
		target := strings.Join(rapid.SliceOfN(alphabet, 0, 20).Draw(t, "target"), "")
		d, err := ParseDelta(gitbuild.Delta([]byte(base), []byte(target)))
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.Apply(make([]byte, 3, 16), []byte(base))
		if err != nil || string(got) != target {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
	})
}

func FuzzDelta(f *testing.F) {
	text := strings.Repeat("some text to copy from\n", 9)
	f.Add([]byte(text), gitbuild.Delta([]byte(text), []byte("x"+text+text)))
	f.Add([]byte(text), gitbuild.Delta([]byte(text), []byte("other")))
	f.Add([]byte{}, []byte{0, 0})
	f.Add([]byte("12345678"), []byte{8, 8, 0x90, 8})
	f.Add([]byte("12345678"), []byte{8, 8, 0x91, 1, 8})
	f.Add([]byte("12345678"), []byte{8, 8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Add(bytes.Repeat([]byte("1"), 1<<16), []byte{0x80, 0x80, 4, 0x80, 0x80, 4, 0x80})
	f.Add([]byte("1"), []byte{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1, 1})
	f.Fuzz(func(t *testing.T, base, delta []byte) {
		const limit = 1 << 20
		want, wanted := applyPlainly(base, delta, limit)
		var got []byte
		d, err := ParseDelta(delta)
		if err == nil && d.Base != uint64(len(base)) {
			err = errDelta
		}
		if err == nil && d.Result > limit {
			err = errTooLarge
		}
		if err == nil {
			got, err = d.Apply(nil, base)
		}
		if wanted != (err == nil) || wanted && !bytes.Equal(got, want) {
			t.Errorf("%d bytes, %v; want %d, %v", len(got), err, len(want), wanted)
		}
	})
}

func FuzzLoose(f *testing.F) {
	r := objects()
	for _, id := range all(r)[:20] {
		f.Add(gitbuild.Compressed.Zlib(fmt.Appendf(nil, "blob %d\x00%s", len(r.Data(id)), r.Data(id))), false)
	}
	for _, s := range []string{"blob 3\x00abc", "tree 0\x00", "commit 1\x00ab", "tag 5\x00a", "blob 99999999\x00", "blob  1\x00a", "blob +1\x00a", ""} {
		f.Add([]byte(s), true)
		f.Add(gitbuild.Stored.Zlib([]byte(s)), false)
	}
	f.Fuzz(func(t *testing.T, data []byte, deflate bool) {
		const limit = 1 << 16
		if deflate { // so that what is inside is reached
			data = gitbuild.Stored.Zlib(data)
		}
		kind, content, err := decodeLoose(bytes.NewReader(data), limit)
		if err == nil && (kind < Commit || kind > Tag || len(content) > limit) {
			t.Errorf("a %s of %d bytes", kind, len(content))
		}
		if again, same, err2 := decodeLoose(bytes.NewReader(data), limit); again != kind || !bytes.Equal(same, content) || (err == nil) != (err2 == nil) {
			t.Error("another result the second time")
		}
	})
}

func FuzzPack(f *testing.F) {
	data, idx, _ := smallPack(f)
	f.Add(data, idx)
	f.Add(data, indexV1(idx))
	for _, o := range []gitbuild.Options{{Deltas: gitbuild.NameDeltas, Wide: true}, {Deltas: gitbuild.OffsetDeltas, Deflate: gitbuild.Compressed}} {
		r := gitbuild.New()
		a := r.Commit(gitbuild.C{Message: "1", Files: gitbuild.Files{"f": strings.Repeat("line\n", 20)}})
		r.Branch("main", r.Commit(gitbuild.C{Parents: gitbuild.IDs{a}, Message: "2", Files: gitbuild.Files{"f": strings.Repeat("line\n", 20) + "x"}}))
		dir := r.Dir(f, o)
		paths, err := filepath.Glob(filepath.Join(dir, "objects/pack/*"))
		if err != nil || len(paths) != 2 {
			f.Fatal(paths, err)
		}
		var files [2][]byte
		for i := range files {
			if files[i], err = os.ReadFile(paths[i]); err != nil {
				f.Fatal(err)
			}
		}
		f.Add(files[1], files[0])
	}
	id := func(b byte) (id gitbuild.ID) { id[0] = b; return id }
	// A cycle of two names, and an object that is its own base.
	cycle := newBuild(f)
	cycle.must(cycle.pack.AddNameDelta(id(1), id(2), []byte{1, 1, 1, 'x'}))
	cycle.must(cycle.pack.AddNameDelta(id(2), id(1), []byte{1, 1, 1, 'x'}))
	cycle.must(cycle.pack.AddNameDelta(id(3), id(3), []byte{1, 1, 1, 'x'}))
	path := cycle.shut()
	data, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	if idx, err = os.ReadFile(strings.TrimSuffix(path, "pack") + "idx"); err != nil {
		f.Fatal(err)
	}
	f.Add(data, idx)
	f.Fuzz(func(t *testing.T, data, idx []byte) {
		db, err := memory(data, idx)
		if err != nil {
			return
		}
		if db.Len() > 100 {
			return
		}
		readAll(t, db, small)
	})
}

// BenchmarkObject reads all objects of a repository, cold.
func BenchmarkObject(b *testing.B) {
	r := objects()
	db := mustOpen(b, r.Dir(b, gitbuild.Options{Deltas: gitbuild.OffsetDeltas, Deflate: gitbuild.Compressed}))
	size := 0
	for _, id := range all(r) {
		size += len(r.Data(id))
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		reader := NewReader(db, DefaultLimits)
		for n := range Number(db.Len()) {
			if _, _, err := reader.Object(n); err != nil {
				b.Fatal(err)
			}
			reader.Release()
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	r := objects()
	ids := all(r)
	db := mustOpen(b, r.Dir(b, gitbuild.Options{Packs: 3}))
	slices.SortFunc(ids, func(x, y gitbuild.ID) int { return cmp.Compare(hex.EncodeToString(x[10:]), hex.EncodeToString(y[10:])) })
	for b.Loop() {
		for _, id := range ids {
			if _, ok := db.Lookup(facts.ID(id)); !ok {
				b.Fatal(id)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(ids)), "ns/lookup")
}

func TestForget(t *testing.T) {
	repo := gitbuild.New()
	contents := []string{"", "one\n", strings.Repeat("two\n", 1000)}
	var ids []facts.ID
	for _, c := range contents {
		ids = append(ids, facts.ID(repo.Blob(c)))
	}
	repo.Branch("main", repo.Commit(gitbuild.C{Files: gitbuild.Files{"a": contents[0], "b": contents[1], "c": contents[2]}}))
	db := mustOpen(t, repo.Dir(t, gitbuild.Options{}))
	r := NewReader(db, DefaultLimits)
	for range 3 {
		for i, id := range ids {
			n, ok := db.Lookup(id)
			if !ok {
				t.Fatal("a blob is missing")
			}
			if _, data, err := r.Object(n); err != nil || string(data) != contents[i] {
				t.Errorf("blob %d: %d bytes, %v", i, len(data), err)
			}
		}
		if r.used == 0 {
			t.Error("nothing was kept")
		}
		r.Forget()
		if r.used != 0 {
			t.Errorf("%d bytes are kept", r.used)
		}
	}
}
