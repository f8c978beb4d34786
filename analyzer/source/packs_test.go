package source

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"orrery/analyzer/disk"
	"orrery/analyzer/disk/disktest"
	"orrery/analyzer/facts"
	"orrery/analyzer/history/odb"
	"orrery/fixtures/gitbuild"
)

// packing is a folder of objects that gets a pack a night.
type packing struct {
	objects string
	random  *rand.Rand
	has     map[gitbuild.ID]string
	last    gitbuild.ID
}

func newPacking(t *testing.T) *packing {
	p := &packing{objects: filepath.Join(t.TempDir(), "objects"), random: rand.New(rand.NewPCG(1, 2)), has: map[gitbuild.ID]string{}}
	if err := os.MkdirAll(p.folder(), 0o755); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *packing) folder() string { return filepath.Join(p.objects, "pack") }

// night adds a pack with some objects, as what is in the pack and as deltas of both sorts, and at times one that is in an earlier pack.
func (p *packing) night(t *testing.T, objects int) {
	t.Helper()
	incoming := t.TempDir()
	pack, err := gitbuild.NewPack(incoming, gitbuild.Compressed)
	if err != nil {
		t.Fatal(err)
	}
	var id gitbuild.ID
	var offset int64
	var text string
	if old, ok := p.has[p.last]; ok && p.random.IntN(3) == 0 {
		id, text = p.last, old
		offset, err = pack.Add(gitbuild.Blob, id, []byte(text))
	}
	for i := range objects {
		base := []byte(text)
		fresh := text == ""
		text = fmt.Sprintf("%sline %d of %d\n", text[min(len(text), p.random.IntN(40)):], i, len(p.has))
		before := id
		id = gitbuild.Hash(gitbuild.Blob, []byte(text))
		at := int64(0)
		switch {
		case err != nil:
		case fresh || p.random.IntN(4) == 0:
			at, err = pack.Add(gitbuild.Blob, id, []byte(text))
		case p.random.IntN(2) == 0:
			at, err = pack.AddOffsetDelta(id, offset, gitbuild.Delta(base, []byte(text)))
		default:
			at, err = pack.AddNameDelta(id, before, gitbuild.Delta(base, []byte(text)))
		}
		offset, p.last, p.has[id] = at, id, text
	}
	path := ""
	if err == nil {
		path, err = pack.Close()
	}
	// As a mirror takes packs in.
	for _, suffix := range []string{".idx", ".pack"} {
		name := strings.TrimSuffix(path, ".pack") + suffix
		err = errors.Join(err, os.Rename(name, filepath.Join(p.folder(), filepath.Base(name))))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (p *packing) consolidate(t *testing.T, d disk.System) error {
	t.Helper()
	return consolidate(d, p.folder(), t.TempDir())
}

// whole fails unless every object can be read as it was written. It gives the number of packs.
func (p *packing) whole(t *testing.T, what string, want map[gitbuild.ID]string) int {
	t.Helper()
	db, err := odb.Open(p.objects)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	checkObjects(t, what, db, want)
	packs, err := filepath.Glob(filepath.Join(p.folder(), "*.pack"))
	if err != nil {
		t.Fatal(err)
	}
	return len(packs)
}

func checkObjects(t *testing.T, what string, db *odb.Database, want map[gitbuild.ID]string) {
	t.Helper()
	if len(db.Warnings) > 0 {
		t.Errorf("%s: %q", what, db.Warnings)
	}
	r := odb.NewReader(db, odb.Limits{Object: 1 << 20, Depth: 4095, Cache: 1 << 20})
	for id, text := range want {
		n, ok := db.Lookup(facts.ID(id))
		if !ok {
			t.Errorf("%s: %s is missing", what, id)
			return
		}
		kind, data, err := r.Object(n)
		if err != nil || kind != odb.Blob || string(data) != text {
			t.Errorf("%s: %s is %s of %d bytes, %v", what, id, kind, len(data), err)
			return
		}
		r.Release()
	}
}

// TestPacksDoNotPileUp gives a mirror 300 packs, one by one, while others read it.
func TestPacksDoNotPileUp(t *testing.T) {
	p := newPacking(t)
	p.night(t, 3000)
	const nights = 300
	most, stop := 0, make(chan struct{})
	var mu sync.Mutex
	done := maps.Clone(p.has)
	var readers sync.WaitGroup
	readers.Go(func() {
		for reading := 0; ; reading++ {
			mu.Lock()
			want := maps.Clone(done)
			mu.Unlock()
			db, err := odb.Open(p.objects)
			if err != nil {
				t.Errorf("a reader: %v", err)
				return
			}
			checkObjects(t, "a reader", db, want)
			if err := db.Close(); err != nil {
				t.Error(err)
			}
			select {
			case <-stop:
				if reading < 3 {
					t.Errorf("only %d readings", reading)
				}
				return
			default:
			}
		}
	})
	for range nights {
		p.night(t, 1+p.random.IntN(12))
		mu.Lock()
		done = maps.Clone(p.has)
		mu.Unlock()
		if err := p.consolidate(t, &disktest.Faulty{}); err != nil {
			t.Fatal(err)
		}
		packs, err := filepath.Glob(filepath.Join(p.folder(), "*.pack"))
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, len(packs))
	}
	close(stop)
	readers.Wait()
	if left := p.whole(t, "at the end", p.has); most > keptPacks+4 || left < 2 {
		t.Errorf("%d packs at the most, %d at the end", most, left)
	}
	verifyPacks(t, p.folder())
}

// verifyPacks asks git for its opinion on every pack.
func verifyPacks(t *testing.T, folder string) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is absent")
	}
	indexes, err := filepath.Glob(filepath.Join(folder, "*.idx"))
	if err != nil || len(indexes) == 0 {
		t.Fatal(indexes, err)
	}
	runGit(t, folder, append([]string{"verify-pack"}, indexes...)...)
}

// nights gives a folder that is about to be consolidated.
func nights(t *testing.T) *packing {
	p := newPacking(t)
	p.night(t, 200)
	for range keptPacks {
		p.night(t, 5)
	}
	return p
}

func copyPacks(t *testing.T, from *packing) *packing {
	t.Helper()
	p := newPacking(t)
	if err := os.RemoveAll(p.objects); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(p.objects, os.DirFS(from.objects)); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestConsolidatingFails lets every operation on the disk fail, or be the last one: nothing is lost, and the next night comes to the same packs.
func TestConsolidatingFails(t *testing.T) {
	scene := nights(t)
	whole := &disktest.Faulty{}
	undisturbed := copyPacks(t, scene)
	if err := undisturbed.consolidate(t, whole); err != nil {
		t.Fatal(err)
	}
	want := fileNames(t, undisturbed.folder())
	if whole.Count() < 3*keptPacks || len(want) != 4 {
		t.Fatalf("%d operations, left are %q", whole.Count(), want)
	}
	for _, fault := range []error{disktest.ErrKilled, syscall.EIO} {
		for at := 1; at <= whole.Count(); at++ {
			p := copyPacks(t, scene)
			d := &disktest.Faulty{At: at, Err: fault}
			if err := p.consolidate(t, d); !errors.Is(err, fault) {
				t.Fatalf("%v at %d (%s): %v", fault, at, d.Last(), err)
			}
			what := fmt.Sprintf("%v at %d (%s)", fault, at, d.Last())
			p.whole(t, what, scene.has)
			for range keptPacks { // until it is worth it again
				if err := p.consolidate(t, &disktest.Faulty{}); err != nil {
					t.Fatalf("%s, then again: %v", what, err)
				}
			}
			p.whole(t, what+", then again", scene.has)
			if got := fileNames(t, p.folder()); len(got) > 2*keptPacks {
				t.Errorf("%s: %q", what, got)
			}
		}
	}
}

func fileNames(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestRestOfACrash finds the merged pack in place, and the old ones as well.
func TestRestOfACrash(t *testing.T) {
	scene := nights(t)
	p := copyPacks(t, scene)
	if err := p.consolidate(t, disk.Real{}); err != nil {
		t.Fatal(err)
	}
	want := fileNames(t, p.folder())
	if err := os.CopyFS(p.objects, os.DirFS(scene.objects)); err == nil {
		t.Fatal("the largest pack should be there still")
	}
	for _, name := range fileNames(t, scene.folder()) {
		b, err := os.ReadFile(filepath.Join(scene.folder(), name))
		if err == nil && !slices.Contains(want, name) {
			err = os.WriteFile(filepath.Join(p.folder(), name), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := p.consolidate(t, disk.Real{}); err != nil {
		t.Fatal(err)
	}
	if got := fileNames(t, p.folder()); !slices.Equal(got, want) {
		t.Errorf("left are %q, want %q", got, want)
	}
	p.whole(t, "after it", scene.has)
}

// TestPacksLeftAlone names what is not to be touched: damage, and what another tool keeps.
func TestPacksLeftAlone(t *testing.T) {
	scene := nights(t)
	small, size := "", int64(1<<62)
	entries, err := os.ReadDir(scene.folder())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && strings.HasSuffix(e.Name(), ".pack") && info.Size() < size {
			small, size = strings.TrimSuffix(e.Name(), ".pack"), info.Size()
		}
	}
	flip := func(name string) func(string) error {
		return func(folder string) error {
			b, err := os.ReadFile(filepath.Join(folder, name))
			if err != nil {
				return err
			}
			b[len(b)/2] ^= 1
			return errors.Join(os.Remove(filepath.Join(folder, name)), os.WriteFile(filepath.Join(folder, name), b, 0o600))
		}
	}
	add := func(name string) func(string) error {
		return func(folder string) error { return os.WriteFile(filepath.Join(folder, name), nil, 0o600) }
	}
	for name, one := range map[string]struct {
		do   func(folder string) error
		fail string
	}{
		"a flipped byte in a pack":          {flip(small + ".pack"), "do not fit"},
		"a flipped byte in an index":        {flip(small + ".idx"), "do not fit"},
		"a pack that is cut short":          {func(f string) error { return os.Truncate(filepath.Join(f, small+".pack"), size-1) }, "do not fit"},
		"an index that is cut short":        {func(f string) error { return os.Truncate(filepath.Join(f, small+".idx"), 30) }, "not an index"},
		"a pack that is kept on purpose":    {add(small + ".keep"), ""},
		"an index over several packs":       {add("multi-pack-index"), ""},
		"an index whose pack never came":    {add("pack-00112233445566778899aabbccddeeff00112233.idx"), "gone"},
		"a pack without an index":           {add("pack-00112233445566778899aabbccddeeff00112233.pack"), ""},
		"a file that is none of ours":       {add("tmp_pack_x"), ""},
		"an old index that names no object": {func(f string) error { return os.WriteFile(filepath.Join(f, small+".idx"), make([]byte, 2000), 0o600) }, "not an index"},
	} {
		p := copyPacks(t, scene)
		before := fileNames(t, p.folder())
		if err := one.do(p.folder()); err != nil {
			t.Fatal(err)
		}
		touched := fileNames(t, p.folder())
		err := p.consolidate(t, disk.Real{})
		left := fileNames(t, p.folder())
		switch one.fail {
		case "":
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			for _, file := range touched {
				if !slices.Contains(before, file) && !slices.Contains(left, file) {
					t.Errorf("%s: %s is gone", name, file)
				}
			}
		case "gone":
			if err != nil || slices.ContainsFunc(left, func(n string) bool { return strings.Contains(n, "00112233445566778899") }) {
				t.Errorf("%s: %v, left are %q", name, err, left)
			}
		default:
			if err == nil || !strings.Contains(err.Error(), one.fail) || !strings.Contains(err.Error(), small) {
				t.Errorf("%s: %v", name, err)
			}
			if !slices.Equal(left, touched) {
				t.Errorf("%s: left are %q", name, left)
			}
		}
	}
}

// TestMirrorStaysInShape fetches from a server until packs are put together; ORRERY_FETCHES says how often, if not a dozen times.
func TestMirrorStaysInShape(t *testing.T) {
	s, dir := newServer(t), t.TempDir()
	fetches := keptPacks + 4
	if n := os.Getenv("ORRERY_FETCHES"); n != "" {
		if _, err := fmt.Sscan(n, &fetches); err != nil {
			t.Fatal(err)
		}
	}
	most, total := 0, 0
	for i := range fetches {
		s.commit(200 + 10*(i%7))
		s.push("main")
		r := s.mirror(dir, nil)
		if r.Problem != nil || r.Stale != nil {
			t.Fatalf("%+v", r)
		}
		packs, err := filepath.Glob(filepath.Join(r.Dir, "objects", "pack", "*.pack"))
		if err != nil {
			t.Fatal(err)
		}
		if most, total = max(most, len(packs)), len(packs); i%50 == 49 || i == fetches-1 {
			s.same(r.Dir)
			verifyPacks(t, filepath.Join(r.Dir, "objects", "pack"))
		}
	}
	if total == fetches || most > keptPacks+4 {
		t.Errorf("%d packs after %d fetches, %d at the most", total, fetches, most)
	}
	t.Logf("%d packs after %d fetches, %d at the most", total, fetches, most)
	clean(t, dir, 1)
}
