package linediff

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
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
		pairs, wrong := 0, 0
		log := gitCommand(repo, "log", "-p", "--no-merges", "--no-renames", "--diff-filter=M", "--full-index", "--format=", "--max-count="+commits, context)
		out, err := log.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := log.Start(); err != nil {
			t.Fatal(err)
		}
		readPatches(t, out, func(oldID, newID string, want []Hunk) {
			oldText, ok1 := blobs.read(oldID)
			newText, ok2 := blobs.read(newID)
			if !ok1 || !ok2 {
				return
			}
			pairs++
			a, b := texts.ids(oldText), texts.ids(newText)
			got := d.Diff(nil, a, b, &texts.lines, mode)
			added, removed := uint32(0), uint32(0)
			for _, h := range want {
				added += h.B1 - h.B0
				removed += h.A1 - h.A0
			}
			hunks, gotAdded, gotRemoved := d.Both(nil, a, b, &texts.lines)
			switch {
			case !slices.Equal(got, want):
				wrong++
				t.Errorf("%s %s..%s: hunks %v, git's are %v", context, oldID, newID, got, want)
			case mode == Blame && !slices.Equal(hunks, want):
				wrong++
				t.Errorf("%s..%s: Both gives hunks %v, git's are %v", oldID, newID, hunks, want)
			case mode == Numstat && (gotAdded != added || gotRemoved != removed):
				wrong++
				t.Errorf("%s..%s: Both counts +%d -%d, git +%d -%d", oldID, newID, gotAdded, gotRemoved, added, removed)
			}
		})
		if err := log.Wait(); err != nil {
			t.Log("git log:", err) // partial mirrors end in the middle
		}
		t.Logf("git log %s: %d pairs, %d differ", context, pairs, wrong)
		if pairs == 0 {
			t.Error("no pair was compared")
		}
	}
}

// gitCommand is git without the configuration of the machine.
func gitCommand(repo string, args ...string) *exec.Cmd {
	c := exec.Command("git", append([]string{"-C", repo}, args...)...)
	c.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull, "GIT_NO_REPLACE_OBJECTS=1", "LC_ALL=C")
	return c
}

// readPatches calls emit for every file of the output of git log -p or git diff, with the two names of its index line.
func readPatches(t testing.TB, r io.Reader, emit func(oldID, newID string, hunks []Hunk)) {
	in := bufio.NewReaderSize(r, 1<<20)
	var oldID, newID string
	var hunks []Hunk
	text := false
	flush := func() {
		if text {
			emit(oldID, newID, hunks)
		}
		hunks, text = nil, false
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
			oldID, newID, _ = strings.Cut(names, "..")
		case strings.HasPrefix(line, "@@ "):
			text = true
			fields := strings.Fields(line)
			a, na := parseRange(t, fields[1][1:])
			b, nb := parseRange(t, fields[2][1:])
			hunks = readHunk(t, in, hunks, a, b, na, nb)
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
