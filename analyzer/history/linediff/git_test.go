package linediff

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestReal compares with git on the histories of real repositories: ORRERY_TEST_REPOS names git directories, separated as in PATH;
// ORRERY_TEST_COMMITS bounds how many commits of each are read (default 500).
func TestReal(t *testing.T) {
	repos := filepath.SplitList(os.Getenv("ORRERY_TEST_REPOS"))
	if len(repos) == 0 {
		t.Skip("ORRERY_TEST_REPOS names no repository")
	}
	commits := os.Getenv("ORRERY_TEST_COMMITS")
	if commits == "" {
		commits = "500"
	}
	for _, repo := range repos {
		t.Run(filepath.Base(filepath.Dir(repo)), func(t *testing.T) { testReal(t, repo, commits) })
	}
}

func testReal(t *testing.T, repo, commits string) {
	blobs := newBlobReader(t, repo)
	texts := newTexts()
	var d Differ
	for mode, context := range map[Mode]string{Numstat: "-U3", Blame: "-U0"} {
		pairs, wrong, most := 0, 0, uint64(0)
		log := gitCommand(repo, "log", "-p", "--no-merges", "--no-renames", "--diff-filter=M", "--full-index", "--format=", "--max-count="+commits, context)
		out, err := log.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := log.Start(); err != nil {
			t.Fatal(err)
		}
		readPatches(t, out, func(p patch) {
			oldText, ok1 := blobs.read(p.oldID)
			newText, ok2 := blobs.read(p.newID)
			if !ok1 || !ok2 {
				return
			}
			pairs++
			if problem := disagreement(&d, texts, texts.ids(oldText), texts.ids(newText), mode, p.hunks); problem != "" {
				wrong++
				t.Errorf("%s %s..%s: %s", context, p.oldID, p.newID, problem)
			}
			most = max(most, d.split.work)
		})
		if err := log.Wait(); err != nil {
			t.Log("git log:", err) // partial mirrors end in the middle
		}
		t.Logf("git log %s: %d pairs, %d differ; the dearest took %d of %d steps", context, pairs, wrong, most, uint64(DefaultLimit))
		if pairs == 0 {
			t.Error("no pair was compared")
		}
	}
}

// BenchmarkReal runs over the pairs of the first of ORRERY_TEST_REPOS.
func BenchmarkReal(b *testing.B) {
	repos := filepath.SplitList(os.Getenv("ORRERY_TEST_REPOS"))
	if len(repos) == 0 {
		b.Skip("ORRERY_TEST_REPOS names no repository")
	}
	out, err := gitCommand(repos[0], "log", "--raw", "--no-abbrev", "--no-merges", "--no-renames", "--diff-filter=M", "--format=", "--max-count=2000").Output()
	if err != nil {
		b.Fatal(err)
	}
	blobs, texts := newBlobReader(b, repos[0]), newTexts()
	var pairs [][2][]uint32
	lines := 0
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line) // :mode mode old new M path
		x, ok1 := blobs.read(fields[2])
		y, ok2 := blobs.read(fields[3])
		if ok1 && ok2 && bytes.IndexByte(x, 0) < 0 && bytes.IndexByte(y, 0) < 0 {
			pairs = append(pairs, [2][]uint32{texts.ids(x), texts.ids(y)})
			lines += len(pairs[len(pairs)-1][1])
		}
	}
	var d Differ
	var hunks []Hunk
	run := func(name string, do func(a, b []uint32)) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for _, p := range pairs {
					do(p[0], p[1])
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(pairs)), "ns/pair")
			b.ReportMetric(float64(lines)/float64(len(pairs)), "lines/file")
		})
	}
	run("Count", func(a, b []uint32) { d.Count(a, b) })
	run("Blame", func(a, b []uint32) { hunks = d.Diff(hunks[:0], a, b, &texts.lines, Blame) })
	run("Both", func(a, b []uint32) { hunks, _, _ = d.Both(hunks[:0], a, b, &texts.lines) })
}

// TestGenerated compares with git on generated pairs. ORRERY_TEST_ROUNDS is how often, each time with other pairs (default 1).
func TestGenerated(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git here")
	}
	rounds, err := strconv.ParseUint(cmp.Or(os.Getenv("ORRERY_TEST_ROUNDS"), "1"), 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			for round := range rounds {
				testGenerated(t, s, rand.New(rand.NewPCG(uint64(i), round)))
			}
		})
	}
}

func testGenerated(t *testing.T, s shape, r *rand.Rand) {
	dir := t.TempDir()
	type pair struct{ a, b []uint32 }
	pairs := make(map[string]pair)
	texts := newTexts()
	write := func(side, name string, text []byte) []uint32 {
		if err := os.WriteFile(filepath.Join(dir, side, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
		return texts.ids(text)
	}
	for _, side := range []string{"old", "new"} {
		if err := os.Mkdir(filepath.Join(dir, side), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for i := range s.pairs {
		a, b := s.make(r)
		name := fmt.Sprintf("%06d", i)
		pairs[name] = pair{write("old", name, text(r, a)), write("new", name, text(r, b))}
	}
	var d Differ
	diff := func(mode Mode, args ...string) {
		out, err := gitCommand(dir, append([]string{"diff", "--no-index", "--no-renames"}, append(args, "old", "new")...)...).Output()
		if exit := (*exec.ExitError)(nil); err != nil && !(errors.As(err, &exit) && exit.ExitCode() == 1) { // 1: they differ
			t.Fatal("git diff:", err)
		}
		seen := 0
		check := func(name string, hunks []Hunk) {
			seen++
			p, ok := pairs[name]
			if !ok {
				t.Fatalf("git speaks of a file %q", name)
			}
			if problem := disagreement(&d, texts, p.a, p.b, mode, hunks); problem != "" {
				t.Errorf("%s %s: %s", args[0], name, problem)
			}
		}
		readPatches(t, bytes.NewReader(out), func(p patch) { check(filepath.Base(p.path), p.hunks) })
		if seen < s.pairs/2 {
			t.Errorf("only %d of %d pairs differ", seen, s.pairs)
		}
	}
	diff(Numstat, "-U3")
	diff(Blame, "-U0")
}

// TestBlame compares with git blame itself, on files of two commits: the second one owns the lines of the hunks in [Blame].
func TestBlame(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git here")
	}
	dir := t.TempDir()
	git := func(args ...string) []byte {
		c := gitCommand(dir, append([]string{"-c", "user.name=Ada", "-c", "user.email=ada@lines.example", "-c", "gc.auto=0"}, args...)...)
		out, err := c.Output()
		if err != nil {
			t.Fatalf("git %s: %v", args[0], err)
		}
		return out
	}
	type file struct {
		name string
		old  []byte
		ids  []uint32
	}
	var files []file
	texts := newTexts()
	r := rand.New(rand.NewPCG(7, 7))
	git("init", "-q")
	for _, s := range shapes {
		if s.pairs < 100 {
			continue
		}
		for range 12 {
			a, b := s.make(r)
			f := file{fmt.Sprintf("%06d", len(files)), text(r, a), texts.ids(text(r, b))}
			if err := os.WriteFile(filepath.Join(dir, f.name), f.old, 0o600); err != nil {
				t.Fatal(err)
			}
			files = append(files, f)
		}
	}
	git("add", ".")
	git("commit", "-q", "-m", "old")
	for _, f := range files {
		var text []byte
		for _, id := range f.ids {
			text = append(text, texts.text[id]...)
		}
		if err := os.WriteFile(filepath.Join(dir, f.name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	git("add", ".")
	git("commit", "-q", "-m", "new", "--allow-empty")
	root := strings.TrimSpace(string(git("rev-parse", "HEAD^")))
	var d Differ
	for _, f := range files {
		want := make([]bool, 0, len(f.ids)) // whether the second commit owns the line
		for line := range strings.Lines(string(git("blame", "-s", "-l", "--root", f.name))) {
			want = append(want, !strings.HasPrefix(line, root))
		}
		got := make([]bool, len(f.ids))
		for _, h := range d.Diff(nil, texts.ids(f.old), f.ids, &texts.lines, Blame) {
			for i := h.B0; i < h.B1; i++ {
				got[i] = true
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: new lines %v, by git blame %v", f.name, got, want)
		}
	}
}

// disagreement says how the answers of d for a and b differ from git's hunks; "" if they do not.
func disagreement(d *Differ, texts *texts, a, b []uint32, mode Mode, want []Hunk) string {
	if got := d.Diff(nil, a, b, &texts.lines, mode); !slices.Equal(got, want) {
		return fmt.Sprintf("Diff gives %v, git %v", got, want)
	}
	hunks, added, removed := d.Both(nil, a, b, &texts.lines)
	if mode == Blame {
		if !slices.Equal(hunks, want) {
			return fmt.Sprintf("Both gives %v, git %v", hunks, want)
		}
		return ""
	}
	wantAdded, wantRemoved := size(want)
	if added != wantAdded || removed != wantRemoved {
		return fmt.Sprintf("Both counts +%d -%d, git +%d -%d", added, removed, wantAdded, wantRemoved)
	}
	if added, removed := d.Count(a, b); added != wantAdded || removed != wantRemoved {
		return fmt.Sprintf("Count counts +%d -%d, git +%d -%d", added, removed, wantAdded, wantRemoved)
	}
	return ""
}

// size counts the lines of hunks.
func size(hunks []Hunk) (added, removed uint32) {
	for _, h := range hunks {
		added += h.B1 - h.B0
		removed += h.A1 - h.A0
	}
	return added, removed
}

// gitCommand is git in dir, without the configuration of the machine and whatever a caller's environment says of another repository.
func gitCommand(dir string, args ...string) *exec.Cmd {
	c := exec.Command("git", append([]string{"-C", dir}, args...)...)
	c.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "GIT_") })
	c.Env = append(c.Env, "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C")
	return c
}

// patch is what git says of one file.
type patch struct {
	path         string // of the new version
	oldID, newID string
	hunks        []Hunk
}

// readPatches calls emit for every file of the output of git log -p or git diff that is text.
func readPatches(t testing.TB, r io.Reader, emit func(patch)) {
	in := bufio.NewReaderSize(r, 1<<20)
	var p patch
	flush := func() {
		if len(p.hunks) > 0 {
			emit(p)
		}
		p = patch{}
	}
	for {
		line, err := in.ReadString('\n')
		if err == io.EOF {
			flush()
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "diff --git "):
			flush()
		case strings.HasPrefix(line, "index "):
			names, _, _ := strings.Cut(line[len("index "):], " ")
			p.oldID, p.newID, _ = strings.Cut(names, "..")
		case strings.HasPrefix(line, "+++ b/"):
			p.path = line[len("+++ b/"):]
		case strings.HasPrefix(line, "@@ "):
			fields := strings.Fields(line)
			a, na := parseRange(t, fields[1][1:])
			b, nb := parseRange(t, fields[2][1:])
			p.hunks = readHunk(t, in, p.hunks, a, b, na, nb)
		}
	}
}

func parseRange(t testing.TB, s string) (start, count uint32) {
	first, length, ok := strings.Cut(s, ",")
	n, err := strconv.ParseUint(first, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	m := uint64(1)
	if ok {
		if m, err = strconv.ParseUint(length, 10, 32); err != nil {
			t.Fatal(err)
		}
	}
	if m > 0 {
		n-- // a range without lines names the line before it
	}
	return uint32(n), uint32(m)
}

// readHunk reads the na and nb lines of a hunk that begins at lines a and b, and appends the changed regions in it.
func readHunk(t testing.TB, in *bufio.Reader, hunks []Hunk, a, b, na, nb uint32) []Hunk {
	open := false
	for na > 0 || nb > 0 {
		line, err := in.ReadSlice('\n')
		if err != nil && err != bufio.ErrBufferFull {
			t.Fatal(err)
		}
		sign := line[0]
		for err == bufio.ErrBufferFull {
			_, err = in.ReadSlice('\n')
		}
		if sign != ' ' && sign != '\\' && !open {
			hunks = append(hunks, Hunk{a, a, b, b})
			open = true
		}
		switch sign {
		case '-':
			a, na = a+1, na-1
			hunks[len(hunks)-1].A1 = a
		case '+':
			b, nb = b+1, nb-1
			hunks[len(hunks)-1].B1 = b
		case ' ':
			a, b, na, nb = a+1, b+1, na-1, nb-1
			open = false
		case '\\':
		default:
			t.Fatalf("line of a hunk begins with %q", sign)
		}
	}
	return hunks
}

// blobReader reads objects with git cat-file.
type blobReader struct {
	t   testing.TB
	in  io.Writer
	out *bufio.Reader
}

func newBlobReader(t testing.TB, repo string) *blobReader {
	c := gitCommand(repo, "cat-file", "--batch")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := c.Wait(); err != nil {
			t.Error("git cat-file:", err)
		}
	})
	return &blobReader{t, in, bufio.NewReaderSize(out, 1<<20)}
}

func (r *blobReader) read(id string) (text []byte, ok bool) {
	fmt.Fprintln(r.in, id)
	header, err := r.out.ReadString('\n')
	if err != nil {
		r.t.Fatal(err)
	}
	fields := strings.Fields(header)
	if len(fields) != 3 || fields[1] != "blob" {
		return nil, false
	}
	n, err := strconv.Atoi(fields[2])
	if err != nil {
		r.t.Fatal(err)
	}
	text = make([]byte, n+1)
	if _, err := io.ReadFull(r.out, text); err != nil {
		r.t.Fatal(err)
	}
	return text[:n], true
}

// texts interns lines.
type texts struct {
	index map[string]uint32
	text  []string
	lines Lines
}

func newTexts() *texts {
	s := &texts{index: map[string]uint32{}}
	s.lines.Text = func(id uint32) []byte { return []byte(s.text[id]) }
	return s
}

func (s *texts) ids(file []byte) []uint32 {
	var ids []uint32
	for len(file) > 0 {
		n := bytes.IndexByte(file, '\n') + 1
		if n == 0 {
			n = len(file)
		}
		id, ok := s.index[string(file[:n])]
		if !ok {
			line := string(file[:n])
			id = uint32(len(s.text))
			s.index[line] = id
			s.text = append(s.text, line)
			s.lines.Indent = append(s.lines.Indent, Indent(file[:n]))
			s.lines.Size = append(s.lines.Size, uint32(n))
		}
		ids = append(ids, id)
		file = file[n:]
	}
	return ids
}
