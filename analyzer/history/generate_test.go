package history

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"orrery/analyzer/facts"
	"orrery/fixtures/gitbuild"
)

// world writes random histories into one repository, and remembers what every commit holds. Same seed, same histories.
type world struct {
	rand  *rand.Rand
	repo  *gitbuild.Repo
	trees map[gitbuild.ID]snapshot
	pool  []string // contents that were used before
	clock int64
	plain bool // no NUL anywhere
}

// snapshot is the files of a commit by path.
type snapshot map[string]leaf

type leaf struct {
	mode    gitbuild.Mode
	content string      // of files and symbolic links
	link    gitbuild.ID // of submodules
}

func newWorld(seed uint64) *world {
	return &world{rand: rand.New(rand.NewPCG(seed, 1)), repo: gitbuild.New(), trees: map[gitbuild.ID]snapshot{}, clock: 1_600_000_000}
}

func (w *world) chance(percent int) bool { return w.rand.IntN(100) < percent }

func pick[T any](w *world, from []T) T { return from[w.rand.IntN(len(from))] }

// history makes a history of n commits and gives its tip, from which all of them can be reached.
func (w *world) history(n int) gitbuild.ID {
	var all, heads []gitbuild.ID
	for len(all) < n {
		var parents []gitbuild.ID
		switch {
		case len(all) == 0 || w.chance(3): // a root
		case len(all) > 2 && w.chance(22):
			parents = append(parents, pick(w, heads))
			for range 1 + w.rand.IntN(2)*w.rand.IntN(2)*w.rand.IntN(5) {
				// Any commit may be merged: criss-cross merges, merges of ancestors, the same parent twice.
				if w.chance(50) {
					parents = append(parents, pick(w, heads))
				} else {
					parents = append(parents, pick(w, all))
				}
			}
		case w.chance(20):
			parents = append(parents, pick(w, all))
		default:
			parents = append(parents, pick(w, heads))
		}
		c := w.commit(parents)
		all = append(all, c)
		heads = slices.DeleteFunc(heads, func(id gitbuild.ID) bool { return slices.Contains(parents, id) && !w.chance(10) })
		heads = append(heads, c)
	}
	return w.commit(heads)
}

// commit makes one commit on parents: of a merge the files of all, mostly, and changes of its own now and then.
func (w *world) commit(parents []gitbuild.ID) gitbuild.ID {
	next := snapshot{}
	if len(parents) > 0 {
		next = maps.Clone(w.trees[parents[0]])
	}
	edits := 1 + w.rand.IntN(4)
	if len(parents) > 1 {
		for _, p := range parents[1:] {
			for _, path := range slices.Sorted(maps.Keys(w.trees[p])) {
				if _, ok := next[path]; w.chance(50) || !ok && w.chance(80) {
					next.put(path, w.trees[p][path])
				}
			}
		}
		edits = w.rand.IntN(3) * w.rand.IntN(2)
	}
	if w.chance(4) {
		edits = 0 // an empty commit
	}
	for range edits {
		w.edit(next)
	}
	w.clock += int64(w.rand.IntN(7200)) - 600
	when := w.clock
	switch w.rand.IntN(40) {
	case 0:
		when = int64(w.rand.IntN(1_000_000_000))
	case 1:
		when += int64(w.rand.IntN(100_000_000)) - 50_000_000
	}
	id := w.make(parents, next, fmt.Sprintf("%d +0000", when))
	w.trees[id] = next
	return id
}

// make writes a commit that holds a snapshot.
func (w *world) make(parents []gitbuild.ID, next snapshot, when string) gitbuild.ID {
	before := snapshot{}
	if len(parents) > 0 {
		before = w.trees[parents[0]]
	}
	var gone, put gitbuild.Ops
	for _, path := range slices.Sorted(maps.Keys(before)) {
		if _, ok := next[path]; !ok {
			gone = append(gone, gitbuild.Remove(path))
		}
	}
	for _, path := range slices.Sorted(maps.Keys(next)) {
		now := next[path]
		if before[path] == now {
			continue
		}
		switch now.mode {
		case gitbuild.Submodule:
			put = append(put, gitbuild.Link(path, now.link))
		case gitbuild.Symbolic:
			put = append(put, gitbuild.Symlink(path, now.content))
		case gitbuild.Executable:
			put = append(put, gitbuild.Exec(path, now.content))
		default:
			put = append(put, gitbuild.Put(path, now.content))
		}
	}
	return w.repo.Commit(gitbuild.C{
		Parents: parents, When: when, Message: fmt.Sprintf("Change %d", w.rand.Uint32()), Ops: append(gone, put...),
	})
}

// put sets a file. What is in its way goes: a file where a folder is needed, a folder where the file is to be.
func (s snapshot) put(path string, f leaf) {
	for other := range s {
		if strings.HasPrefix(other, path+"/") || strings.HasPrefix(path, other+"/") {
			delete(s, other)
		}
	}
	s[path] = f
}

var (
	// Names around the places where the order of trees surprises: a folder sorts as if its name ended in a slash.
	names   = []string{"a", "a.c", "a-b", "a0", "lib", "lib.c", "lib-x", "Z", "x y", "tab\tname", "line\nname", `quo"te`, `back\slash`, "größe", "\xff\xfe", "=1", "README"}
	folders = []string{"", "", "a/", "a/b/", "a/b/c/", "lib/", "lib/a/", "a.c/", "src/deep/er/and/deep/er/", "ü/"}
)

func (w *world) path() string { return pick(w, folders) + pick(w, names) }

func (w *world) edit(s snapshot) {
	paths := slices.Sorted(maps.Keys(s))
	if len(paths) == 0 || w.chance(25) {
		s.put(w.path(), w.fresh())
		return
	}
	path := pick(w, paths)
	f := s[path]
	switch w.rand.IntN(16) {
	case 0, 1: // renamed, perhaps edited
		delete(s, path)
		for range w.rand.IntN(3) {
			f = w.change(f)
		}
		s.put(w.path(), f)
	case 2:
		delete(s, path)
	case 3:
		switch f.mode {
		case gitbuild.Regular:
			f.mode = gitbuild.Executable
		case gitbuild.Executable:
			f.mode = gitbuild.Regular
		}
		s[path] = f
	case 4:
		s[path] = w.fresh() // all other content, perhaps another type
	case 5: // a file becomes a folder
		delete(s, path)
		s.put(path+"/"+pick(w, names), f)
	case 6: // a folder moves
		from, to := pick(w, folders), pick(w, folders)
		if from == "" || from == to {
			return
		}
		for _, p := range paths {
			if rest, ok := strings.CutPrefix(p, from); ok {
				moved, ok := s[p]
				if !ok {
					continue // another one has taken its place
				}
				delete(s, p)
				if w.chance(20) {
					moved = w.change(moved)
				}
				s.put(to+rest, moved)
			}
		}
	case 7: // two files change places
		other := pick(w, paths)
		s[path], s[other] = s[other], s[path]
	case 8: // a copy, so that equal contents compete for renames
		s.put(w.path(), f)
	case 9:
		if w.chance(30) {
			for _, p := range paths {
				if strings.HasPrefix(p, "a/") {
					delete(s, p)
				}
			}
		}
	default:
		s[path] = w.change(f)
	}
}

var (
	common = []string{"", "{", "}", "\treturn 0;", "#include <stdio.h>", "    end", "a", "a", "a", "// ----"}
	links  = []string{"a", "../lib/a", "lib", "a/b/c", "/nowhere\nat all"}
)

func (w *world) fresh() leaf {
	switch w.rand.IntN(20) {
	case 0:
		return leaf{mode: gitbuild.Symbolic, content: pick(w, links)}
	case 1:
		return leaf{mode: gitbuild.Submodule, link: gitbuild.Hash(gitbuild.Blob, []byte{byte(w.rand.IntN(5))})}
	}
	mode := gitbuild.Regular
	if w.chance(10) {
		mode = gitbuild.Executable
	}
	if len(w.pool) > 0 && w.chance(20) {
		return leaf{mode: mode, content: pick(w, w.pool)} // a blob comes back
	}
	var content string
	switch w.rand.IntN(16) {
	case 0: // empty
	case 1: // binary
		content = w.text(w.rand.IntN(5)) + "\x00" + w.text(w.rand.IntN(30))
	case 2: // a NUL around the place where git stops looking
		content = strings.Repeat("0123456\n", 999) + strings.Repeat("x", w.rand.IntN(16)) + "\x00\n" + w.text(3)
	case 3: // one long line
		content = strings.Repeat("word ", w.rand.IntN(4000))
	case 4:
		content = strings.Repeat("a\n", w.rand.IntN(300))
	default:
		content = w.text(w.rand.IntN(2 + w.rand.IntN(120)))
	}
	if w.plain {
		content = strings.ReplaceAll(content, "\x00", "")
	}
	w.pool = append(w.pool, content)
	return leaf{mode: mode, content: content}
}

// text gives n lines; some stand in many files.
func (w *world) text(n int) string {
	var b strings.Builder
	for i := range n {
		if w.chance(40) {
			b.WriteString(pick(w, common))
		} else {
			fmt.Fprintf(&b, "%*sline %d of %d", w.rand.IntN(3)*4, "", w.rand.IntN(60), w.rand.IntN(1+w.rand.IntN(1000)))
		}
		if w.chance(2) {
			b.WriteByte('\r')
		}
		if i < n-1 || !w.chance(10) {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// change edits the lines of a file.
func (w *world) change(f leaf) leaf {
	switch f.mode {
	case gitbuild.Submodule:
		f.link = gitbuild.Hash(gitbuild.Blob, []byte{byte(w.rand.IntN(5))})
		return f
	case gitbuild.Symbolic:
		f.content = pick(w, links)
		return f
	}
	lines := strings.SplitAfter(f.content, "\n")
	at := w.rand.IntN(len(lines))
	to := min(at+w.rand.IntN(1+w.rand.IntN(12)), len(lines))
	switch w.rand.IntN(14) {
	case 0, 1, 2:
		lines = slices.Insert(lines, at, w.text(1+w.rand.IntN(8)))
	case 3, 4:
		lines = slices.Delete(lines, at, to)
	case 5, 6, 7:
		lines = slices.Replace(lines, at, to, w.text(1+w.rand.IntN(8)))
	case 8: // a block is doubled
		lines = slices.Insert(lines, w.rand.IntN(len(lines)), slices.Clone(lines[at:to])...)
	case 9: // a block moves
		block := slices.Clone(lines[at:to])
		lines = slices.Delete(lines, at, to)
		lines = slices.Insert(lines, w.rand.IntN(len(lines)+1), block...)
	case 10: // the last newline
		if s := strings.Join(lines, ""); strings.HasSuffix(s, "\n") {
			lines = []string{strings.TrimSuffix(s, "\n")}
		} else {
			lines = append(lines, "\n")
		}
	case 11: // the ends of lines
		s := strings.Join(lines, "")
		if strings.Contains(s, "\r\n") {
			lines = []string{strings.ReplaceAll(s, "\r\n", "\n")}
		} else {
			lines = []string{strings.ReplaceAll(s, "\n", "\r\n")}
		}
	case 12: // text turns binary, and back
		s := strings.Join(lines, "")
		if strings.Contains(s, "\x00") {
			lines = []string{strings.ReplaceAll(s, "\x00", "")}
		} else {
			i := w.rand.IntN(len(s) + 1)
			lines = []string{s[:i], "\x00", s[i:]}
			if w.plain {
				lines[1] = ""
			}
		}
	case 13:
		lines = []string{w.text(w.rand.IntN(60)), f.content}
	}
	f.content = strings.Join(lines, "")
	w.pool = append(w.pool, f.content)
	return f
}

// lines counts a snapshot the plain way: text lines, and files that are not submodules.
func (s snapshot) lines() (lines, files uint64) {
	for _, f := range s {
		if f.mode == gitbuild.Submodule {
			continue
		}
		files++
		if !strings.Contains(f.content[:min(len(f.content), binaryPrefix)], "\x00") {
			lines += countLines(f.content)
		}
	}
	return lines, files
}

func countLines(s string) uint64 {
	n := uint64(strings.Count(s, "\n"))
	if s != "" && !strings.HasSuffix(s, "\n") {
		n++
	}
	return n
}

// rows gives the changes of every non-merge commit as git prints them with -z, sorted.
func rows(f *facts.Repository) map[facts.ID][]string {
	all := map[facts.ID][]string{}
	for i := range f.Commits {
		c := &f.Commits[i]
		var list []string
		for _, ch := range f.Changes[c.Changes.Lo:c.Changes.Hi] {
			list = append(list, show(f, ch))
		}
		slices.Sort(list)
		all[c.ID] = list
	}
	return all
}

func show(f *facts.Repository, c facts.Change) string {
	count := fmt.Sprintf("%d\t%d", c.Added, c.Removed)
	switch {
	case c.Skip != facts.Measured:
		count = "?\t?"
	case c.Binary:
		count = "-\t-"
	}
	if c.Kind == facts.Renamed {
		return fmt.Sprintf("%s\t%s => %s", count, f.Paths[c.Old], f.Paths[c.Path])
	}
	return fmt.Sprintf("%s\t%s", count, f.Paths[c.Path])
}

// gitRows gives the same of git, for all commits of all references.
func gitRows(t testing.TB, dir string, args ...string) map[facts.ID][]string {
	t.Helper()
	out := git(t, dir, append([]string{"log", "--all", "-z", "--numstat", "--format=%x01%H"}, args...)...)
	all := map[facts.ID][]string{}
	for part := range bytes.SplitSeq(out, []byte{1}) {
		if len(part) == 0 {
			continue
		}
		id, ok := parseID(string(part[:40]))
		if !ok {
			t.Fatalf("git wrote %q", part)
		}
		var list []string
		fields := strings.Split(strings.TrimPrefix(strings.TrimLeft(string(part[40:]), "\x00"), "\n"), "\x00")
		for i := 0; i < len(fields); i++ {
			row := fields[i]
			if strings.HasSuffix(row, "\t") && i+2 < len(fields) {
				row += fields[i+1] + " => " + fields[i+2]
				i += 2
			}
			if row != "" {
				list = append(list, row)
			}
		}
		slices.Sort(list)
		all[id] = list
	}
	return all
}
