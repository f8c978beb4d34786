package history

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orrery/analyzer/facts"
	"orrery/fixtures/gitbuild"
)

func entry(mode, name string, id gitbuild.ID) []byte {
	return append([]byte(mode+" "+name+"\x00"), id[:]...)
}

// oddTrees are trees that git never writes. Those that can be read give the same as git's log; the others are told as corrupt.
func oddTrees(r *gitbuild.Repo) map[string][]byte {
	a, b := r.Blob("a\n"), r.Blob("b\nb\n")
	folder := r.Tree(gitbuild.Entry{Mode: gitbuild.Regular, Name: "x", ID: a})
	cat := func(parts ...[]byte) []byte { return slices.Concat(parts...) }
	good := entry("100644", "a", a)
	return map[string][]byte{
		"empty":                            nil,
		"group may write":                  entry("100664", "a", a),
		"mode 100600":                      entry("100600", "a", a),
		"mode 100777":                      entry("100777", "a", a),
		"mode with zeros":                  cat(entry("0100644", "a", a), entry("040000", "d", folder)),
		"mode 644":                         entry("644", "a", a),
		"mode 0":                           entry("0", "a", a),
		"no mode":                          entry("", "a", a),
		"mode of a socket":                 entry("140000", "a", a),
		"mode too large":                   entry("7777777777777", "a", a),
		"mode in letters":                  entry("10064x", "a", a),
		"no name":                          entry("100644", "", a),
		"a slash in the name":              entry("100644", "d/x", a),
		"a slash at the end":               cat(entry("100644", "a/", a), entry("40000", "a", folder)),
		"names to fear":                    cat(entry("100644", "..", a), entry("100644", ".git", b), entry("40000", ".", folder)),
		"unsorted":                         cat(entry("100644", "z", a), entry("100644", "a", b), entry("40000", "m", folder), entry("100644", "b", a)),
		"the same file twice":              cat(good, entry("100644", "a", b)),
		"a file and a folder":              cat(good, entry("40000", "a", folder)),
		"the same folder twice":            cat(entry("40000", "d", folder), entry("40000", "d", folder)),
		"a folder that is a file":          entry("40000", "d", a),
		"a file that is a folder":          entry("100644", "d", folder),
		"a submodule that is here":         entry("160000", "d", a),
		"a symbolic link that is a folder": entry("120000", "d", folder),
		"cut in the id":                    cat(good, entry("100644", "b", b))[:40],
		"cut in the name":                  cat(good, []byte("100644 b")),
		"cut in the mode":                  cat(good, []byte("1006")),
		"rubbish":                          []byte("rubbish"),
		"rubbish behind":                   cat(good, entry("100644", "b", b), []byte("rubbish")),
		"NUL behind":                       cat(good, []byte{0}),
	}
}

// TestOddTrees puts odd trees between good ones: the neighbours are read as if nothing was.
func TestOddTrees(t *testing.T) {
	r := gitbuild.New()
	odd := oddTrees(r)
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for k := range odd {
			if !yield(k) {
				return
			}
		}
	}) {
		for _, atRoot := range []bool{false, true} {
			r := r.Fork()
			good := r.Tree(
				gitbuild.Entry{Mode: gitbuild.Regular, Name: "a", ID: r.Blob("a\n")},
				gitbuild.Entry{Mode: gitbuild.Regular, Name: "b", ID: r.Blob("b\nb\n")},
				gitbuild.Entry{Mode: gitbuild.Regular, Name: "c", ID: r.Blob("c\n")},
			)
			tree := r.Object(gitbuild.Tree, odd[name])
			var tip gitbuild.ID
			i := 0
			commit := func(folder gitbuild.ID) gitbuild.ID {
				i++
				beside := r.Blob(strings.Repeat("line\n", i))
				root := folder
				if !atRoot {
					root = r.Tree(
						gitbuild.Entry{Mode: gitbuild.Regular, Name: "beside", ID: beside},
						gitbuild.Entry{Mode: gitbuild.Folder, Name: "odd", ID: folder},
					)
				}
				var parents gitbuild.IDs
				if tip != (gitbuild.ID{}) {
					parents = gitbuild.IDs{tip}
				}
				tip = r.Commit(gitbuild.C{Parents: parents, Message: fmt.Sprint(i), Tree: root})
				return tip
			}
			for _, folder := range []gitbuild.ID{good, tree, tree, good, good, tree} {
				commit(folder)
			}
			second := r.Described(tip).Parents[0]
			merge := r.Commit(gitbuild.C{Parents: gitbuild.IDs{second, tip}, Message: "merge", Tree: r.Described(tip).Tree})
			r.Branch("main", merge)
			repo := mustOpen(t, r.Dir(t, gitbuild.Options{}))
			var first *facts.Repository
			for _, o := range []Options{{Workers: 1}, {Workers: 3, Ownership: true, Memory: 1}} {
				f := mustRead(t, repo, "", o)
				checkShape(t, f)
				f.Survival = nil
				if first == nil {
					first = f
				}
				if diff := gocmp.Diff(first, f, equal); diff != "" {
					t.Errorf("%s: another result with other options:\n%s", name, diff)
				}
				if len(f.Commits) != 7 || f.Walk.Merges != 1 {
					t.Errorf("%s: %+v", name, f.Walk)
				}
				if atRoot {
					continue
				}
				for k := range f.Commits[:6] {
					c := &f.Commits[k]
					found := false
					for _, ch := range f.Changes[c.Changes.Lo:c.Changes.Hi] {
						if f.Paths[ch.Path] == "beside" {
							found = ch.Skip == facts.Measured && ch.Added == 1 && ch.Removed == 0
						}
					}
					if !found {
						t.Errorf("%s: commit %d has not the right row of the file beside", name, k)
					}
				}
			}
			if t.Failed() {
				t.Fatalf("%s, at the root: %v", name, atRoot)
			}
		}
	}
}

// TestReadableOddTreesEqualGit has those that git itself can read. (Modes of no known type are submodules to both, but where the id is still
// that of a file, git sees no change of content, and we one of a line.)
func TestReadableOddTreesEqualGit(t *testing.T) {
	for _, name := range []string{
		"empty", "group may write", "mode 100600", "mode 100777", "mode with zeros", "a submodule that is here",
	} {
		r := gitbuild.New()
		odd := oddTrees(r)
		good := r.Tree(gitbuild.Entry{Mode: gitbuild.Regular, Name: "a", ID: r.Blob("a\n")})
		first := r.Commit(gitbuild.C{Message: "1", Tree: good})
		second := r.Commit(gitbuild.C{Message: "2", Parents: gitbuild.IDs{first}, Tree: r.Object(gitbuild.Tree, odd[name])})
		third := r.Commit(gitbuild.C{Message: "3", Parents: gitbuild.IDs{second}, Tree: good})
		r.Branch("main", third)
		dir := r.Dir(t, gitbuild.Options{})
		if diff := gocmp.Diff(gitRows(t, dir, "-M"), rows(mustRead(t, mustOpen(t, dir), "", Options{})), equal); diff != "" {
			t.Errorf("%s (-git +ours):\n%s", name, diff)
		}
	}
}

func TestOrderOfEntries(t *testing.T) {
	one := rapid.Custom(func(t *rapid.T) treeEntry {
		return treeEntry{
			mode: rapid.SampledFrom([]uint32{modeFolder, modeRegular | 0o644, modeLink}).Draw(t, "mode"),
			name: []byte(rapid.StringOfN(rapid.SampledFrom([]rune("ab.-0\x01~é")), 1, 4, -1).Draw(t, "name")),
		}
	})
	key := func(e *treeEntry) string {
		if e.folder() {
			return string(e.name) + "/"
		}
		return string(e.name)
	}
	sign := func(n int) int { return max(-1, min(1, n)) }
	rapid.Check(t, func(t *rapid.T) {
		a, b := one.Draw(t, "a"), one.Draw(t, "b")
		if got, want := sign(compareEntries(&a, &b)), strings.Compare(key(&a), key(&b)); got != want {
			t.Errorf("%q against %q: %d, want %d", key(&a), key(&b), got, want)
		}
	})
}

func FuzzTree(f *testing.F) {
	r := gitbuild.New()
	for _, data := range oddTrees(r) {
		f.Add(data, 30)
	}
	f.Add(entry("400", "0 a", gitbuild.ID{}), 30) // not the mode of a folder
	f.Add(entry("1", "00000 a", gitbuild.ID{}), 30)
	f.Fuzz(func(t *testing.T, tree []byte, n int) {
		// Passing entries one by one and at once must lead to the same place.
		n = max(0, min(n, len(tree)))
		slow, fast := cursor{tree: tree}, cursor{tree: tree}
		fast.skip(n)
		valid := true
		for {
			if err := slow.load(); err != nil {
				valid = false
				break
			}
			if !slow.ok || slow.e.next > n {
				break
			}
			e := slow.e
			if len(e.name) == 0 || bytes.ContainsAny(e.name, "\x00/") || len(e.id) != 20 || e.next <= slow.at || e.next > len(tree) {
				t.Fatalf("an entry %+v at %d", e, slow.at)
			}
			switch e.mode {
			case modeFolder, modeSymlink, modeLink, modeRegular | 0o644, modeRegular | 0o755:
			default:
				t.Fatalf("mode %o", e.mode)
			}
			if compareEntries(&e, &e) != 0 {
				t.Fatal("not equal to itself")
			}
			slow.pass()
		}
		if valid && (slow.at != fast.at || slow.files != fast.files || slow.folder != fast.folder) {
			t.Errorf("one by one to %d (%d files, %d folders), at once to %d (%d, %d)", slow.at, slow.files, slow.folder, fast.at, fast.files, fast.folder)
		}
	})
}

// FuzzTrees reads a history of three commits with two arbitrary trees.
func FuzzTrees(f *testing.F) {
	seed := oddTrees(gitbuild.New())
	good := seed["the same folder twice"]
	for _, data := range seed {
		f.Add(data, good, false)
		f.Add(good, data, true)
	}
	f.Fuzz(func(t *testing.T, x, y []byte, atRoot bool) {
		r := gitbuild.New()
		oddTrees(r) // its blobs and folders are there
		put := func(data []byte) gitbuild.ID {
			id := r.Object(gitbuild.Tree, data)
			if !atRoot {
				id = r.Tree(gitbuild.Entry{Mode: gitbuild.Folder, Name: "odd", ID: id})
			}
			return id
		}
		a := r.Commit(gitbuild.C{Message: "1", Tree: put(x)})
		b := r.Commit(gitbuild.C{Message: "2", Parents: gitbuild.IDs{a}, Tree: put(y)})
		c := r.Commit(gitbuild.C{Message: "3", Parents: gitbuild.IDs{b}, Tree: put(x)})
		d := r.Commit(gitbuild.C{Message: "4", Parents: gitbuild.IDs{a, c, b}, Tree: put(slices.Concat(x, y))})
		r.Branch("main", r.Commit(gitbuild.C{Message: "5", Parents: gitbuild.IDs{d}, Tree: put(y)}))
		repo := mustOpen(t, r.Dir(t, gitbuild.Options{}))
		plain := mustRead(t, repo, "", Options{Workers: 1})
		checkShape(t, plain)
		owned := mustRead(t, repo, "", Options{Workers: 2, Ownership: true, Memory: 1})
		checkShape(t, owned)
		owned.Survival = nil
		if diff := gocmp.Diff(plain, owned, equal); diff != "" {
			t.Errorf("another result with other options:\n%s", diff)
		}
	})
}
