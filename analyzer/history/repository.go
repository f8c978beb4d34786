package history

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	format "github.com/go-git/go-git/v5/plumbing/format/config"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"orrery/analyzer/facts"
	"orrery/analyzer/history/odb"
)

// What keeps a whole repository from being read. All are wrapped with the repository's path.
var (
	ErrNotRepository = errors.New("not a git repository")
	ErrEmpty         = errors.New("the repository has no commits")
	ErrNoBranch      = errors.New("the default branch does not exist")
	ErrUnsupported   = errors.New("not supported")
	ErrNoRevision    = errors.New("no such revision")
)

// What the files of a repository may hold, in bytes.
const (
	maxConfig  = 4 << 20
	maxShallow = 64 << 20
)

// Repository is an open git repository: its references and its objects. Nothing in it is ever run or written.
type Repository struct {
	// Objects are the repository's objects with those of its alternates.
	Objects *odb.Database
	// Notes say what is special: shallow, partial, replaced, damaged packs.
	Notes []string

	path    string // as given
	refs    storer.ReferenceStorer
	shallow map[facts.ID]bool
}

// Open opens a bare repository, a work tree, or a linked work tree.
func Open(path string) (*Repository, error) {
	r, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	return r, nil
}

func open(path string) (*Repository, error) {
	dir, err := gitDir(path)
	if err != nil {
		return nil, err
	}
	r := &Repository{path: path}
	common := dir
	if b, err := odb.ReadBounded(filepath.Join(dir, "commondir"), 4096); err == nil {
		common = strings.TrimSpace(string(b))
		if !filepath.IsAbs(common) {
			common = filepath.Join(dir, common)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := r.readFormat(filepath.Join(common, "config")); err != nil {
		return nil, err
	}
	if err := r.readShallow(filepath.Join(common, "shallow")); err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(common, "info", "grafts")); err == nil {
		r.Notes = append(r.Notes, "grafts are ignored: history is read as it was committed")
	}
	if r.Objects, err = odb.Open(filepath.Join(common, "objects")); err != nil {
		return nil, fmt.Errorf("its objects: %w", err)
	}
	r.Notes = append(r.Notes, r.Objects.Warnings...)
	// The library takes what it cannot read for absent, and the repository for an empty one.
	for _, path := range []string{filepath.Join(dir, "HEAD"), filepath.Join(common, "packed-refs")} {
		if err := odb.CheckReferences(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, errors.Join(err, r.Objects.Close())
		}
	}
	r.refs = filesystem.NewStorage(odb.References(osfs.New(common)), cache.NewObjectLRU(0))
	if common != dir {
		// A linked work tree has a HEAD of its own and shares the rest.
		r.refs = linked{r.refs, filesystem.NewStorage(odb.References(osfs.New(dir)), cache.NewObjectLRU(0))}
	}
	if r.hasReplacements() {
		r.Notes = append(r.Notes, "replacements (refs/replace) are ignored: history is read as it was committed")
	}
	return r, nil
}

type linked struct {
	storer.ReferenceStorer
	own storer.ReferenceStorer
}

func (l linked) Reference(name plumbing.ReferenceName) (*plumbing.Reference, error) {
	if name == plumbing.HEAD {
		return l.own.Reference(name)
	}
	return l.ReferenceStorer.Reference(name)
}

// Close unmaps the objects.
func (r *Repository) Close() error { return r.Objects.Close() }

// Origin names what shapes a reading beside the commit that it starts from: where history ends before its roots, and what is special.
func (r *Repository) Origin() string {
	h := sha256.New()
	for _, id := range slices.SortedFunc(maps.Keys(r.shallow), func(a, b facts.ID) int { return bytes.Compare(a[:], b[:]) }) {
		h.Write(id[:])
	}
	for _, note := range r.Notes {
		fmt.Fprintf(h, "%d %s\n", len(note), note)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// gitDir finds the git directory of a path as git does, without looking above it.
func gitDir(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return "", ErrNotRepository
	}
	inner := filepath.Join(path, ".git")
	switch info, err := os.Stat(inner); {
	case err == nil && info.IsDir():
		path = inner
	case err == nil:
		b, err := odb.ReadBounded(inner, 4096)
		if err != nil {
			return "", err
		}
		to, ok := strings.CutPrefix(strings.TrimSpace(string(b)), "gitdir: ")
		if !ok {
			return "", ErrNotRepository
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(path, to)
		}
		path = to
	}
	if _, err := os.Lstat(filepath.Join(path, "HEAD")); errors.Is(err, fs.ErrNotExist) {
		return "", ErrNotRepository
	} else if err != nil {
		return "", err
	}
	_, objects := os.Stat(filepath.Join(path, "objects"))
	_, common := os.Stat(filepath.Join(path, "commondir"))
	if objects != nil && common != nil {
		return "", ErrNotRepository
	}
	return path, nil
}

// readFormat reads from a repository's configuration what its format is, and nothing else.
func (r *Repository) readFormat(path string) error {
	b, err := odb.ReadBounded(path, maxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	c := format.New()
	if err := format.NewDecoder(bytes.NewReader(b)).Decode(c); err != nil {
		r.Notes = append(r.Notes, "the configuration cannot be parsed and is ignored")
		return nil //nolint:nilerr // told in the notes
	}
	// Section and key names have no case in git.
	for _, s := range c.Sections {
		if !strings.EqualFold(s.Name, "extensions") {
			continue
		}
		for _, o := range s.Options {
			switch key, value := strings.ToLower(o.Key), strings.ToLower(o.Value); key {
			case "objectformat":
				if value != "sha1" {
					return fmt.Errorf("object format %q: %w", value, ErrUnsupported)
				}
			case "refstorage":
				if value != "files" {
					return fmt.Errorf("reference storage %q: %w", value, ErrUnsupported)
				}
			case "partialclone":
				r.Notes = append(r.Notes, "a partial clone: what is missing is not fetched")
			case "noop", "noop-v1", "preciousobjects", "worktreeconfig", "relativeworktrees":
			default:
				// In a format of version 0 git itself ignores what it does not know.
				if formatVersion(c) > 0 {
					return fmt.Errorf("format extension %q: %w", o.Key, ErrUnsupported)
				}
			}
		}
	}
	return nil
}

func formatVersion(c *format.Config) int {
	for _, s := range c.Sections {
		if strings.EqualFold(s.Name, "core") {
			for _, o := range s.Options {
				if strings.EqualFold(o.Key, "repositoryformatversion") {
					n, _ := strconv.Atoi(strings.TrimSpace(o.Value))
					return n
				}
			}
		}
	}
	return 0
}

func (r *Repository) readShallow(path string) error {
	b, err := odb.ReadBounded(path, maxShallow)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	r.shallow = map[facts.ID]bool{}
	for line := range strings.FieldsSeq(string(b)) {
		id, ok := parseID(line)
		if !ok {
			return errors.New("the shallow file is malformed")
		}
		r.shallow[id] = true
	}
	if len(r.shallow) > 0 {
		r.Notes = append(r.Notes, "shallow: history before its boundary is unknown")
	}
	return nil
}

func (r *Repository) hasReplacements() bool {
	found := false
	iter, err := r.refs.IterReferences()
	if err != nil {
		return false
	}
	_ = iter.ForEach(func(ref *plumbing.Reference) error {
		if strings.HasPrefix(ref.Name().String(), "refs/replace/") {
			found = true
			return storer.ErrStop
		}
		return nil
	})
	return found
}

// Resolve finds the commit that a revision names: "" for the default branch (HEAD), the name of a branch or tag, a full or shortened
// commit id, with ^ and ~N behind. It gives the full reference name where there is one.
func (r *Repository) Resolve(revision string) (id facts.ID, branch string, err error) {
	err = odb.Guard(func() error {
		id, branch, err = r.resolve(revision)
		return err
	})
	if err != nil {
		return id, "", fmt.Errorf("resolving %s in %s: %w", cmp.Or(revision, "HEAD"), r.path, err)
	}
	return id, branch, nil
}

func (r *Repository) resolve(revision string) (id facts.ID, branch string, err error) {
	rev := revision
	steps := []int{} // >= 0: the n-th ancestor along first parents; < 0: the -n-th parent
	for {
		i := strings.LastIndexAny(rev, "^~")
		if i < 0 {
			break
		}
		n := 1
		if digits := rev[i+1:]; digits != "" {
			if n, err = strconv.Atoi(digits); err != nil || n < 0 || n > 1<<20 {
				return id, "", ErrNoRevision
			}
		}
		if rev[i] == '^' {
			n = -n
		}
		steps = append(steps, n)
		rev = rev[:i]
	}
	if rev == "" && len(steps) > 0 {
		return id, "", ErrNoRevision
	}
	if id, branch, err = r.tip(rev); err != nil {
		return id, "", err
	}
	reader := odb.NewReader(r.Objects, odb.DefaultLimits)
	if id, err = r.peel(reader, id); err != nil {
		return id, "", err
	}
	if len(steps) > 0 {
		branch = ""
	}
	for i := len(steps) - 1; i >= 0; i-- {
		n, nth := steps[i], 1
		if n < 0 {
			n, nth = 1, -n
		}
		for ; n > 0; n-- {
			c, err := readCommit(reader, r.Objects, id)
			if err != nil {
				return id, "", err
			}
			if len(c.parents) < nth {
				return id, "", ErrNoRevision
			}
			id = c.parents[nth-1]
		}
	}
	return id, branch, nil
}

// tip resolves a name without suffixes to what it points at, perhaps a tag.
func (r *Repository) tip(rev string) (facts.ID, string, error) {
	if rev == "" || rev == "HEAD" || rev == "@" {
		head, err := storer.ResolveReference(r.refs, plumbing.HEAD)
		if err == nil {
			name := head.Name().String()
			if name == "HEAD" {
				name = ""
			}
			return facts.ID(head.Hash()), name, nil
		}
		if !errors.Is(err, plumbing.ErrReferenceNotFound) {
			return facts.ID{}, "", err
		}
		others := false
		if iter, err := r.refs.IterReferences(); err == nil {
			_ = iter.ForEach(func(ref *plumbing.Reference) error {
				others = others || ref.Type() == plumbing.HashReference
				return nil
			})
		}
		if others {
			return facts.ID{}, "", ErrNoBranch
		}
		return facts.ID{}, "", ErrEmpty
	}
	if id, ok := parseID(rev); ok {
		return id, "", nil
	}
	for _, prefix := range []string{"", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/"} {
		name := plumbing.ReferenceName(prefix + rev)
		// A name that git would not allow could climb out of the folder of references.
		if prefix == "" && !strings.HasPrefix(rev, "refs/") || name.Validate() != nil {
			continue
		}
		if ref, err := storer.ResolveReference(r.refs, name); err == nil {
			return facts.ID(ref.Hash()), ref.Name().String(), nil
		}
	}
	if id, ok := r.Objects.Abbreviated(rev); ok {
		return id, "", nil
	}
	return facts.ID{}, "", ErrNoRevision
}

// peel follows annotated tags to a commit.
func (r *Repository) peel(reader *odb.Reader, id facts.ID) (facts.ID, error) {
	if r.Objects.PackedCommit(id) {
		return id, nil // the usual case
	}
	for range 16 {
		n, ok := r.Objects.Lookup(id)
		if !ok {
			if w := r.Objects.Warnings; len(w) > 0 {
				return id, fmt.Errorf("commit %s is missing, and objects could not be read: %s", id, w[0])
			}
			return id, fmt.Errorf("commit %s is missing", id)
		}
		kind, data, err := reader.Object(n)
		if err != nil {
			return id, err
		}
		if kind == odb.Commit {
			return id, nil
		}
		line, _, _ := strings.Cut(string(data[:min(len(data), 64)]), "\n")
		to, ok := strings.CutPrefix(line, "object ")
		if kind != odb.Tag || !ok {
			return id, fmt.Errorf("a %s, not a commit: %w", kind, ErrNoRevision)
		}
		if id, ok = parseID(to); !ok {
			return id, fmt.Errorf("a malformed tag: %w", ErrNoRevision)
		}
	}
	return id, fmt.Errorf("a chain of tags: %w", ErrNoRevision)
}
