package rename

import (
	"bytes"
	"crypto/sha1"
	"fmt"
	"math/rand/v2"
	"sort"
	"strings"

	"orrery/analyzer/facts"
)

// leaf is an entry of an invented tree. The content of a submodule is its 20-byte commit id.
type leaf struct {
	mode    uint32
	content []byte
}

// tree is an invented tree, by path.
type tree map[string]leaf

func blobID(l leaf) facts.ID {
	if kind(l.mode) == submodule {
		return facts.ID(l.content)
	}
	h := sha1.New()
	fmt.Fprintf(h, "blob %d\x00", len(l.content))
	h.Write(l.content)
	return facts.ID(h.Sum(nil))
}

// changes gives what lies between two trees, and enters contents into s.
func changes(before, after tree, s store) (sources, destinations []Entry) {
	missing := func(here, there tree) []Entry {
		var entries []Entry
		for path, l := range here {
			if _, ok := there[path]; ok {
				continue
			}
			id := blobID(l)
			if kind(l.mode) != submodule {
				s[id] = l.content
			}
			entries = append(entries, Entry{Path: path, Blob: id, Mode: l.mode})
		}
		sort.Slice(entries, func(a, b int) bool { return entries[a].Path < entries[b].Path })
		return entries
	}
	return missing(before, after), missing(after, before)
}

// inventor makes trees that put rename detection to the test: many equal and nearly equal contents under few base names.
type inventor struct {
	*rand.Rand
	seeds [][]string // contents that others are made from, in lines
}

func newInventor(seed uint64) *inventor {
	v := &inventor{Rand: rand.New(rand.NewPCG(seed, 7))}
	for range 1 + v.IntN(5) {
		v.seeds = append(v.seeds, v.lines(v.IntN(40)))
	}
	return v
}

func (v *inventor) lines(n int) []string {
	lines := make([]string, n)
	for k := range lines {
		lines[k] = v.line()
	}
	return lines
}

func (v *inventor) line() string {
	end := "\n"
	if v.IntN(20) == 0 {
		end = "\r\n"
	}
	switch v.IntN(12) {
	case 0:
		return end
	case 1:
		return "}" + end
	case 2: // around the longest chunk
		return strings.Repeat(string(rune('a'+v.IntN(3))), 58+v.IntN(12)) + end
	case 3:
		b := make([]byte, v.IntN(150))
		for k := range b {
			b[k] = byte(1 + v.IntN(255))
		}
		return string(b) + end
	case 4:
		return strings.Repeat("\r", v.IntN(3)) + end
	}
	return fmt.Sprintf("line %d of some text%s", v.IntN(2000), end)
}

func (v *inventor) content() []byte {
	lines := append([]string(nil), v.seeds[v.IntN(len(v.seeds))]...)
	if v.IntN(3) > 0 {
		for range v.IntN(2 + len(lines)/3) {
			k := v.IntN(len(lines) + 1)
			switch {
			case k == len(lines) || v.IntN(3) == 0:
				lines = append(lines[:k:k], append([]string{v.line()}, lines[k:]...)...)
			case v.IntN(2) == 0:
				lines = append(lines[:k:k], lines[k+1:]...)
			default:
				lines[k] = v.line()
			}
		}
	}
	c := []byte(strings.Join(lines, ""))
	switch v.IntN(12) {
	case 0:
		c = bytes.TrimRight(c, "\n")
	case 1:
		c = append(c, "\x00end"...)
	case 2:
		c = bytes.ReplaceAll(c, []byte("\n"), []byte("\r\n"))
	case 3:
		c = append([]byte{0, '\n'}, bytes.ReplaceAll(c, []byte("\n"), []byte("\r\n"))...)
	case 4:
		c = nil
	}
	return c
}

func (v *inventor) leaf() leaf {
	switch v.IntN(16) {
	case 0:
		return leaf{symlink, append(v.content(), 'x')[:1]}
	case 1:
		id := sha1.Sum([]byte{byte(v.IntN(3))})
		return leaf{submodule, id[:]}
	case 2:
		return leaf{file | 0o755, v.content()}
	case 3:
		return leaf{symlink, []byte("line")}
	case 4:
		return leaf{file | 0o644, []byte("line")}
	}
	return leaf{file | 0o644, v.content()}
}

func (v *inventor) path() string {
	name := fmt.Sprintf("f%d", v.IntN(30))
	for range v.IntN(3) {
		name = fmt.Sprintf("d%d/%s", v.IntN(4), name)
	}
	return name
}

// tree makes a tree of up to n leaves.
func (v *inventor) tree(n int) tree {
	t := tree{}
	for range v.IntN(n + 1) {
		t[v.path()] = v.leaf()
	}
	return t
}

// step makes the tree that follows t: paths are moved alone or by the folder, edited, made and removed.
func (v *inventor) step(t tree, n int) tree {
	next := tree{}
	moved := map[string]string{}
	for range v.IntN(3) {
		moved[fmt.Sprintf("d%d/", v.IntN(4))] = fmt.Sprintf("e%d/", v.IntN(3))
	}
	paths := make([]string, 0, len(t))
	for path := range t {
		paths = append(paths, path)
	}
	sort.Strings(paths)
	for _, path := range paths {
		l := t[path]
		switch v.IntN(8) {
		case 0, 1:
			path = v.path()
		case 2:
			path = "moved/" + path[strings.LastIndexByte(path, '/')+1:]
		case 3:
			continue
		}
		for from, to := range moved {
			if rest, ok := strings.CutPrefix(path, from); ok {
				path = to + rest
				break
			}
		}
		if kind(l.mode) == file && len(l.content) > 0 && v.IntN(2) == 0 {
			at := v.IntN(len(l.content))
			l.content = append(append(bytes.Clone(l.content[:at]), v.line()...), l.content[min(len(l.content), at+v.IntN(40)):]...)
		}
		next[path] = l
	}
	for range v.IntN(n/2 + 1) {
		next[v.path()] = v.leaf()
	}
	return next
}
