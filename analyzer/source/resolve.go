package source

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"orrery/analyzer/history/odb"
)

// fileNesting bounds ecosystem files that name ecosystem files.
const fileNesting = 8

// searchFolders bounds the folders that a search looks into.
const searchFolders = 200_000

// candidate is a repository on its way into the ecosystem.
type candidate struct {
	Repository
	address address  // zero for local ones
	longer  []string // keys to take if Key is another repository's
	failed  bool     // it stands for a whole source, and no pattern may drop it
}

// draft is a list of candidates, in the order of the sources, with what else files say.
type draft struct {
	names         []string
	list          []*candidate
	windows       []Window
	organizations []string
	mailmaps      []string
	optOut        []string
	governance    []string
	teams         []Team
	bots          []string
	coAuthors     string
	rules         []string
	alerts        []Alert
	paths         []PathRule
	bulk          []BulkRule
	rolls         []Roll
	warnings      []string
}

func (d *draft) warn(format string, args ...any) {
	d.warnings = append(d.warnings, redact(fmt.Sprintf(format, args...)))
}

func (d *draft) merge(o *draft) {
	d.names = append(d.names, o.names...)
	d.list = append(d.list, o.list...)
	d.windows = append(d.windows, o.windows...)
	d.organizations = append(d.organizations, o.organizations...)
	d.alerts = append(d.alerts, o.alerts...)
	d.mailmaps = append(d.mailmaps, o.mailmaps...)
	d.optOut = append(d.optOut, o.optOut...)
	d.governance = append(d.governance, o.governance...)
	d.teams = append(d.teams, o.teams...)
	d.bots = append(d.bots, o.bots...)
	d.coAuthors = first(d.coAuthors, o.coAuthors)
	d.rules = append(d.rules, o.rules...)
	d.paths = append(d.paths, o.paths...)
	d.bulk = append(d.bulk, o.bulk...)
	d.rolls = append(d.rolls, o.rolls...)
	d.warnings = append(d.warnings, o.warnings...)
}

// fail puts a source that cannot be read into the list.
func (d *draft) fail(name string, err error) {
	key := cleanKey(redact(name))
	d.names = append(d.names, key)
	d.list = append(d.list, &candidate{Repository: Repository{Key: key, Problem: err}, failed: true})
}

// ecosystem orders the candidates by unique keys. What came first keeps its short key, so that adding a source renames nothing.
func (d *draft) ecosystem() *Ecosystem {
	e := &Ecosystem{Windows: d.windows, Organizations: d.organizations, Mailmaps: d.mailmaps, Bots: d.bots, CoAuthors: d.coAuthors, Rules: d.rules, OptOut: d.optOut, Governance: d.governance, Teams: d.teams, Alerts: d.alerts, Paths: d.paths, Bulk: d.bulk, Rolls: d.rolls, Warnings: d.warnings}
	names := slices.Clone(d.names)
	slices.Sort(names) // the order of the arguments shows nowhere
	switch names = slices.Compact(names); {
	case len(names) <= 3:
		e.Name = strings.Join(names, " + ")
	default:
		e.Name = fmt.Sprintf("%s and %d more", names[0], len(names)-1)
	}
	e.Name = redact(e.Name)
	same := map[[2]string]*candidate{} // the repository and its revision
	taken := map[string]string{}       // key -> the repository
	var list []*candidate
	// What has left takes no name from what is listed.
	slices.SortStableFunc(d.list, func(a, b *candidate) int {
		return cmp.Compare(b2i(a.Former), b2i(b.Former))
	})
	for _, c := range d.list {
		id := [2]string{c.Dir, c.Revision}
		if !c.address.isZero() {
			id[0] = c.address.identity()
		}
		if old := same[id]; old != nil && id[0] != "" {
			old.Class, old.Subsystem = first(old.Class, c.Class), first(old.Subsystem, c.Subsystem)
			old.address.given = old.address.given || c.address.given
			if old.Spells == nil {
				old.Spells = c.Spells
			}
			continue
		}
		same[id] = c
		keys := append([]string{c.Key}, c.longer...)
		if c.Revision != "" && taken[c.Key] == id[0] {
			keys = slices.Insert(keys, 1, cleanKey(c.Key+"@"+c.Revision))
		}
		free := func(k string) bool { _, ok := taken[k]; return !ok }
		found := slices.IndexFunc(keys, free)
		for n := 2; found < 0; n++ {
			keys = append(keys, fmt.Sprintf("%s~%d", keys[0], n))
			found = slices.IndexFunc(keys, free)
		}
		c.Key = keys[found]
		if found != 0 {
			e.Warnings = append(e.Warnings, fmt.Sprintf("the name %q is another repository's: %s is called %q", keys[0],
				first(c.URL, c.Dir, "the later one"), c.Key))
		}
		taken[c.Key] = id[0]
		c.Class = first(c.Class, "own")
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b *candidate) int { return cmp.Compare(a.Key, b.Key) })
	d.list = list
	return e
}

// usage makes an error of the person's.
func usage(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrUsage, redact(fmt.Sprintf(format, args...)))
}

// origin is where a SOURCE is written: on the command line (dir "", relative paths are the process's), in a file in dir, or in a built-in file.
type origin struct {
	dir     string
	builtin bool
	files   []string // ecosystem files on the way here
}

func (o origin) path(p string) (string, error) {
	if o.builtin {
		return "", usage("%q: a built-in ecosystem names no files", p)
	}
	if p = filepath.FromSlash(p); !filepath.IsAbs(p) {
		p = filepath.Join(o.dir, p)
	}
	return p, nil
}

func (r *resolver) arguments(ctx context.Context, args []string) (*draft, error) {
	if len(args) == 0 {
		return nil, usage("no SOURCE is given: a path, an address, a manifest, an owner at a forge, an ecosystem file, or one of %s", strings.Join(Builtin(), ", "))
	}
	d := &draft{}
	for _, arg := range args {
		one, err := r.source(ctx, arg, origin{})
		if err != nil {
			return nil, err
		}
		d.merge(one)
	}
	return d, nil
}

// source resolves one SOURCE of any kind.
func (r *resolver) source(ctx context.Context, arg string, from origin) (*draft, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if arg == "" {
		return nil, usage("a SOURCE is empty")
	}
	if strings.ContainsRune(arg, 0) {
		return nil, usage("the SOURCE %q holds a NUL", arg)
	}
	if rest, ok := strings.CutPrefix(arg, "manifest:"); ok {
		location, file, revision := splitManifest(rest)
		return r.manifest(ctx, location, file, revision, "", "", from)
	}
	if rest, ok := strings.CutPrefix(arg, "community:"); ok {
		location, owner, revision := splitManifest(rest)
		owner = first(owner, communityOwner)
		if checkName(owner) != "" || strings.Contains(owner, "/") {
			return nil, usage("the owner %q cannot be one; community:LOCATION[#OWNER][@REV] is wanted", owner)
		}
		return r.manifest(ctx, location, "", revision, "", owner, from)
	}
	if kind, owner, name, ok := splitForge(arg); ok {
		return r.forge(ctx, arg, kind, owner, name)
	}
	if slices.Contains(Builtin(), arg) {
		name := "ecosystems/" + arg + ".yaml"
		data, err := builtin.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("reading the built-in ecosystem %s: %w", arg, err)
		}
		return r.file(ctx, name, data, origin{builtin: true, files: from.files})
	}
	if looksLikeAddress(arg) {
		if p, err := from.path(arg); err != nil || !exists(p) {
			return r.remote(arg, "", "")
		}
	}
	p, err := from.path(arg)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(p)
	switch extension := strings.ToLower(filepath.Ext(p)); {
	case errors.Is(err, os.ErrNotExist) && (extension == ".xml" || extension == ".yaml" || extension == ".yml"):
		return nil, usage("there is no file %s", p)
	case errors.Is(err, os.ErrNotExist):
		return nil, usage("%q is no SOURCE: there is no such file or folder, it is no address (https://HOST/OWNER/NAME), no manifest (manifest:…), "+
			"and no built-in ecosystem (%s)", arg, strings.Join(Builtin(), ", "))
	case err != nil:
		d := &draft{}
		d.fail(p, fmt.Errorf("%w: %w", ErrUnreadable, err))
		return d, nil
	case info.IsDir():
		return r.local(ctx, p, "", "")
	case extension == ".xml":
		return r.manifestFile(p, "")
	case extension == ".yaml" || extension == ".yml":
		data, err := readBounded(p, fileBytes)
		if err != nil {
			return nil, usage("reading the ecosystem file %s: %v", p, err)
		}
		return r.file(ctx, p, data, origin{dir: filepath.Dir(p), files: from.files})
	}
	return nil, usage("%s is a file, but neither a manifest (.xml) nor an ecosystem file (.yaml, .yml)", p)
}

func exists(p string) bool {
	_, err := os.Lstat(p)
	return err == nil
}

// readBounded reads a file of at most limit bytes; one byte more tells the caller's own check that there is more.
func readBounded(p string, limit int64) ([]byte, error) {
	f, err := odb.OpenRegular(p)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit+1))
}

// file resolves an ecosystem file. from is where its own sources are written, that is in it.
func (r *resolver) file(ctx context.Context, name string, data []byte, from origin) (*draft, error) {
	if slices.Contains(from.files, name) || len(from.files) >= fileNesting {
		return nil, usage("%s: ecosystem files name each other in a circle, or more than %d deep: %s", name, fileNesting,
			strings.Join(append(from.files, name), " -> "))
	}
	from.files = append(slices.Clip(from.files), name)
	f, err := parseEcosystem(name, data)
	if err != nil {
		return nil, err
	}
	d := &draft{}
	for _, s := range f.Sources {
		var one *draft
		switch {
		case s.plain.node != nil:
			one, err = r.source(ctx, s.plain.s, from)
		case s.Manifest.node != nil:
			one, err = r.manifest(ctx, s.Manifest.s, s.File.s, s.Revision.s, s.Base.s, "", from)
		case s.URL.node != nil:
			one, err = r.remote(s.URL.s, s.Revision.s, s.Key.s)
		default:
			var p string
			if p, err = from.path(s.Path.s); err == nil {
				one, err = r.local(ctx, p, s.Revision.s, s.Key.s)
			}
		}
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, fmt.Errorf("%s:%d:%d: %w", name, s.node.Line, s.node.Column, err)
		}
		d.merge(one)
	}
	if err := f.apply(d, name, from.dir); err != nil {
		return nil, err
	}
	d.names = []string{first(f.Name.s, strings.TrimSuffix(filepath.Base(name), filepath.Ext(name)))}
	return d, nil
}

// remote takes one address that the person gave.
func (r *resolver) remote(raw, revision, key string) (*draft, error) {
	d := &draft{}
	a, dropped, err := parseAddress(raw)
	if err == nil {
		a.given = true
		err = r.allowed(a)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	if dropped {
		d.warn("%s: the credentials in the address were dropped; they are not used", a)
	}
	c := &candidate{address: a, Repository: Repository{Key: first(key, a.name()), URL: a.String(), Revision: revision}}
	if key == "" {
		c.longer = a.keys()
	}
	d.list, d.names = append(d.list, c), append(d.names, c.Key)
	return d, nil
}

// keys are longer keys than the name alone.
func (a address) keys() []string {
	return []string{cleanKey(a.owner() + "/" + a.name()), cleanKey(a.identity())}
}

// local takes a repository, or all repositories below a folder.
func (r *resolver) local(ctx context.Context, p, revision, key string) (*draft, error) {
	d := &draft{}
	if abs, err := filepath.Abs(p); err == nil {
		p = abs
	}
	dir, head, err := gitDir(p)
	if err == nil {
		base := filepath.Base(p)
		parent := filepath.Dir(p)
		if base == ".git" {
			base, parent = filepath.Base(parent), filepath.Dir(parent)
		}
		base = strings.TrimSuffix(base, ".git")
		longer := localKey(filepath.Base(parent) + "/" + base)
		c := &candidate{Repository: Repository{Key: first(key, cleanKey(base)), Dir: dir, Revision: first(revision, head)}}
		if key == "" {
			c.longer = []string{longer}
			if base == "repo" {
				c.Key = longer
			}
		}
		d.list, d.names = append(d.list, c), append(d.names, c.Key)
		return d, nil
	}
	if !errors.Is(err, errNoRepository) {
		d.fail(filepath.Base(p), fmt.Errorf("%w: %w", ErrUnreadable, err))
		return d, nil
	}
	if revision != "" || key != "" {
		d.fail(filepath.Base(p), fmt.Errorf("%w: %s is no git repository", ErrUnreadable, p))
		return d, nil
	}
	s := search{ctx: ctx, draft: d, root: p}
	if err := s.folder(p, "", 0); err != nil {
		return nil, err
	}
	d.names = []string{cleanKey(filepath.Base(p))} // and not those of folders that could not be searched
	if len(d.list) == 0 {
		d.names = nil
		d.fail(filepath.Base(p), fmt.Errorf("%w: %s is no git repository, and there is none in the %d levels below it", ErrUnreadable, p, SearchDepth))
	}
	return d, nil
}

// localKey makes a key of a path. A folder OWNER+NAME/repo, one of the layouts of mirrors, is called OWNER/NAME.
func localKey(p string) string {
	p = strings.TrimSuffix(p, ".git")
	if before, ok := strings.CutSuffix(p, "/repo"); ok {
		dir, last := "", before
		if i := strings.LastIndexByte(before, '/'); i >= 0 {
			dir, last = before[:i+1], before[i+1:]
		}
		if owner, name, ok := strings.Cut(last, "+"); ok && owner != "" && name != "" {
			p = dir + owner + "/" + name
		}
	}
	return cleanKey(p)
}

type search struct {
	ctx     context.Context
	draft   *draft
	root    string
	folders int
}

// folder looks into dir, which is no repository itself. rel is its path below the root, with slashes.
func (s *search) folder(dir, rel string, depth int) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	if s.folders++; s.folders > searchFolders {
		if s.folders == searchFolders+1 {
			s.draft.warn("%s: only the first %d folders were searched for repositories", s.root, searchFolders)
		}
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		s.draft.fail(first(rel, dir), fmt.Errorf("%w: searching for repositories: %w", ErrUnreadable, err))
		return nil
	}
	for _, entry := range entries { // ReadDir sorts by name
		if !entry.IsDir() { // nor is a symbolic link
			continue
		}
		p, inner := filepath.Join(dir, entry.Name()), entry.Name()
		if rel != "" {
			inner = rel + "/" + inner
		}
		git, head, err := gitDir(p)
		switch {
		case err == nil:
			c := &candidate{Repository: Repository{Key: localKey(inner), Dir: git, Revision: head}}
			c.longer = []string{cleanKey(filepath.Base(s.root) + "/" + inner)}
			s.draft.list = append(s.draft.list, c)
		case !errors.Is(err, errNoRepository):
			s.draft.fail(inner, fmt.Errorf("%w: %w", ErrUnreadable, err))
		case depth+1 < SearchDepth:
			if err := s.folder(p, inner, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

var errNoRepository = errors.New("no git repository")

// gitDir finds the git directory of p, itself bare or a work tree. For a linked work tree, which shares the objects of another one, it gives
// the shared directory, and the linked one's own head as a revision. It returns errNoRepository if nothing looks like a repository.
func gitDir(p string) (dir, revision string, err error) {
	if isGitDir(p) {
		return p, "", nil
	}
	inner := filepath.Join(p, ".git")
	info, err := os.Stat(inner)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", "", fmt.Errorf("%s: %w", p, errNoRepository)
	case err != nil:
		return "", "", err
	case info.IsDir():
		if isGitDir(inner) {
			return inner, "", nil
		}
		return "", "", fmt.Errorf("%s: %w", p, errNoRepository)
	}
	data, err := readBounded(inner, 4096)
	if err != nil {
		return "", "", err
	}
	target, ok := strings.CutPrefix(strings.TrimRight(string(data), "\r\n"), "gitdir: ")
	if !ok || strings.ContainsRune(target, 0) {
		return "", "", fmt.Errorf("%s is a file, but does not name a git directory", inner)
	}
	if target = filepath.FromSlash(target); !filepath.IsAbs(target) {
		target = filepath.Join(p, target)
	}
	if common, err := readBounded(filepath.Join(target, "commondir"), 4096); err == nil {
		shared := filepath.FromSlash(strings.TrimRight(string(common), "\r\n"))
		if !filepath.IsAbs(shared) {
			shared = filepath.Join(target, shared)
		}
		head, err := readBounded(filepath.Join(target, "HEAD"), 4096)
		if err != nil {
			return "", "", err
		}
		revision = strings.TrimPrefix(strings.TrimSpace(string(head)), "ref: ")
		target = shared
	}
	if !isGitDir(target) {
		return "", "", fmt.Errorf("%s names %s, which is no git directory", inner, target)
	}
	return target, revision, nil
}

// isGitDir says whether dir looks like a git directory. refs may be lacking where everything is packed: an empty folder does not survive git.
func isGitDir(dir string) bool {
	head, err := readBounded(filepath.Join(dir, "HEAD"), 4096)
	if err != nil {
		return false
	}
	h := strings.TrimSpace(string(head))
	if !strings.HasPrefix(h, "ref:") && !plumbing.IsHash(h) && len(h) != 64 {
		return false
	}
	if info, err := os.Stat(filepath.Join(dir, "objects")); err != nil || !info.IsDir() {
		return false
	}
	return exists(filepath.Join(dir, "refs")) || exists(filepath.Join(dir, "packed-refs")) || exists(filepath.Join(dir, "reftable"))
}

// splitManifest takes LOCATION[#[FILE][@REV]] apart.
func splitManifest(s string) (location, file, revision string) {
	location, fragment, _ := strings.Cut(s, "#")
	if i := strings.LastIndexByte(fragment, '@'); i >= 0 {
		fragment, revision = fragment[:i], fragment[i+1:]
	}
	return location, fragment, revision
}

// manifest resolves a manifest in a git repository, or an .xml file.
//
// With an owner the repository is a community's, which lists that one's repositories.
func (r *resolver) manifest(ctx context.Context, location, file, revision, base, owner string, from origin) (*draft, error) {
	kind := "manifest:"
	list := r.manifestIn
	if owner != "" {
		kind = "community:"
		list = func(d *draft, dir, _, revision, base, host string) error {
			return r.communityIn(d, dir, owner, revision, base, host)
		}
	}
	file = first(file, "default.xml")
	if location == "" {
		return nil, usage("%s names no repository; %[1]sLOCATION is wanted", kind)
	}
	if why := checkName(file); why != "" {
		return nil, usage("the manifest's path %q is refused: %s", file, why)
	}
	d := &draft{}
	name := kind + location
	if looksLikeAddress(location) {
		a, dropped, err := parseAddress(location)
		if err == nil {
			a.given = true
			err = r.allowed(a)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUsage, err)
		}
		if dropped {
			d.warn("%s: the credentials in the address were dropped; they are not used", a)
		}
		name = kind + a.String()
		c := &candidate{address: a, Repository: Repository{Key: a.name(), URL: a.String()}}
		if err := r.mirrorOne(ctx, c); err != nil {
			return nil, err
		}
		if c.Problem != nil {
			d.fail(name, c.Problem)
			return d, nil //nolint:nilerr // a source that fails is listed, and stops nothing
		}
		if c.Stale != nil {
			d.warn("%s was not fetched anew, and is read as of its last fetch: %v", a, c.Stale)
		}
		err = list(d, c.Dir, file, revision, first(base, a.String()), a.host)
		if err != nil {
			d.fail(name, err)
		}
		return d, nil
	}
	p, err := from.path(location)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(p)
	if err != nil {
		return nil, usage("%s there is no %s, and it is no address", kind, p)
	}
	if !info.IsDir() {
		if owner != "" {
			return nil, usage("community:%s is a file; a repository is wanted", location)
		}
		if revision != "" {
			return nil, usage("manifest:%s is a file; a revision goes with a repository", location)
		}
		return r.manifestFile(p, base)
	}
	dir, head, err := gitDir(p)
	if err != nil {
		d.fail(name, fmt.Errorf("%w: %w", ErrUnreadable, err))
		return d, nil
	}
	if err := list(d, dir, file, first(revision, head), first(base, originURL(dir)), ""); err != nil {
		d.fail(name, err)
	}
	return d, nil
}

// listStorage opens a repository that holds a list. Its objects are small; the limit keeps one that is not from being read into memory.
func listStorage(dir string) *filesystem.Storage {
	return filesystem.NewStorageWithOptions(osfs.New(dir), cache.NewObjectLRUDefault(), filesystem.Options{LargeObjectThreshold: manifestBytes})
}

// manifestIn reads the manifest file at a revision of the repository in dir. host is the one that the person named, if any.
func (r *resolver) manifestIn(d *draft, dir, file, revision, base, host string) error {
	st := listStorage(dir)
	tree, head, err := treeAt(st, revision)
	if err != nil {
		return fmt.Errorf("%w: manifest repository %s: %w", ErrUnreadable, dir, err)
	}
	m, err := ReadManifest(treeReader(tree, manifestBytes), file, base)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	now := r.projects(d, m, host)
	name := manifestName(dir)
	if a, _, err := parseAddress(base); err == nil {
		name = a.name()
		if a.owner() != "" {
			name = a.owner() + "/" + name
		}
	}
	d.names = append(d.names, cleanKey(name))
	if head.IsZero() {
		return nil // a tree has no history
	}
	past, err := r.past(st, head, "manifest\n"+file+"\n"+base, manifestLister(file, base))
	if err != nil {
		return fmt.Errorf("%w: history of the manifest %s: %w", ErrUnreadable, name, err)
	}
	past.Source, past.Head = fmt.Sprintf("manifest %s, %s", cleanKey(name), file), head.String()
	past.apply(d, now, func(l listed) *candidate {
		return r.project(Project{Name: l.name, URL: l.url}, l.place, host)
	})
	return nil
}

// manifestName names an ecosystem by the folder of its manifest repository, and with the folder above where it is only called a manifest.
// OWNER+NAME/repo, one of the layouts of mirrors, is called OWNER/NAME.
func manifestName(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	if base := filepath.Base(dir); base == ".git" || base == "repo" {
		dir = filepath.Dir(dir)
	}
	base := strings.TrimSuffix(filepath.Base(dir), ".git")
	if base == "manifest" {
		base = filepath.Base(filepath.Dir(dir)) + "/" + base
	}
	return strings.Replace(base, "+", "/", 1)
}

// treeAt finds the tree of a branch, tag or commit, and the commit (zero if it is the tree that is named); "" is the default branch.
func treeAt(st *filesystem.Storage, revision string) (*object.Tree, plumbing.Hash, error) {
	resolve := func(name plumbing.ReferenceName) (plumbing.Hash, error) {
		for range 8 {
			ref, err := st.Reference(name)
			if err != nil {
				return plumbing.ZeroHash, err
			}
			if ref.Type() == plumbing.HashReference {
				return ref.Hash(), nil
			}
			name = ref.Target()
		}
		return plumbing.ZeroHash, errors.New("symbolic references go in a circle")
	}
	names := []plumbing.ReferenceName{"HEAD"}
	if revision != "" {
		names = []plumbing.ReferenceName{plumbing.NewBranchReferenceName(revision), plumbing.NewTagReferenceName(revision)}
		if strings.HasPrefix(revision, "refs/") {
			names = []plumbing.ReferenceName{plumbing.ReferenceName(revision)}
		}
	}
	var hash plumbing.Hash
	for _, n := range names {
		if n.Validate() != nil {
			continue
		}
		if h, err := resolve(n); err == nil {
			hash = h
			break
		}
	}
	if hash.IsZero() && plumbing.IsHash(revision) {
		hash = plumbing.NewHash(revision)
	}
	switch {
	case hash.IsZero() && revision == "":
		return nil, hash, errors.New("it has no default branch")
	case hash.IsZero():
		return nil, hash, fmt.Errorf("it has no branch, tag or commit %q", redact(revision))
	}
	for range 8 {
		o, err := object.GetObject(st, hash)
		if err != nil {
			return nil, hash, fmt.Errorf("reading object %s: %w", hash, err)
		}
		switch o := o.(type) {
		case *object.Tag:
			hash = o.Target
		case *object.Commit:
			tree, err := o.Tree()
			return tree, hash, err
		case *object.Tree:
			return o, plumbing.ZeroHash, nil
		default:
			return nil, hash, fmt.Errorf("object %s is a %s, a commit is wanted", hash, o.Type())
		}
	}
	return nil, hash, errors.New("tags of tags go too deep")
}

// originURL is where a local repository was cloned from, as far as its configuration says so; "" if not. Nothing else is read from there.
func originURL(dir string) string {
	st := filesystem.NewStorage(odb.References(osfs.New(dir)), cache.NewObjectLRUDefault())
	c, err := st.Config()
	if err != nil || c.Remotes["origin"] == nil || len(c.Remotes["origin"].URLs) == 0 {
		return ""
	}
	a, _, err := parseAddress(c.Remotes["origin"].URLs[0])
	if err != nil {
		return ""
	}
	return a.String()
}

// manifestFile resolves an .xml file on disk. Its includes are relative to the top of the work tree that holds it, else to its folder.
func (r *resolver) manifestFile(p, base string) (*draft, error) {
	d := &draft{}
	abs, err := filepath.Abs(p)
	if err != nil {
		return nil, usage("manifest %s: %v", p, err)
	}
	root := filepath.Dir(abs)
	for dir := root; ; dir = filepath.Dir(dir) {
		if git, _, err := gitDir(dir); err == nil {
			root = dir
			base = first(base, originURL(git))
			break
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	rel, err := filepath.Rel(root, abs)
	if err != nil {
		return nil, usage("manifest %s: %v", p, err)
	}
	// os.Root holds includes inside, through symbolic links too.
	inside, err := os.OpenRoot(root)
	if err != nil {
		d.fail(p, fmt.Errorf("%w: %w", ErrUnreadable, err))
		return d, nil
	}
	defer inside.Close()
	m, err := ReadManifest(func(name string) ([]byte, error) {
		f, err := inside.Open(filepath.FromSlash(name))
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
			return nil, errors.New("it is no regular file")
		}
		return io.ReadAll(io.LimitReader(f, manifestBytes+1))
	}, filepath.ToSlash(rel), base)
	if err != nil {
		d.fail(p, fmt.Errorf("%w: %w", ErrUnreadable, err))
		return d, nil
	}
	r.projects(d, m, "")
	d.names = append(d.names, cleanKey(strings.TrimSuffix(filepath.Base(p), filepath.Ext(p))))
	return d, nil
}

// projects makes candidates of the projects of a manifest, and gives them by name.
func (r *resolver) projects(d *draft, m *Manifest, host string) map[string]*candidate {
	d.warnings = append(d.warnings, m.Warnings...)
	byName := map[string]*candidate{}
	for _, p := range m.Projects {
		c := r.project(p, fmt.Sprintf("manifest %s:%d", p.File, p.Line), host)
		d.list = append(d.list, c)
		if byName[p.Name] == nil {
			byName[p.Name] = c
		}
	}
	return byName
}

// project makes a candidate of a project. Its address is not the person's, except on the host that she named herself.
func (r *resolver) project(p Project, place, host string) *candidate {
	c := &candidate{Repository: Repository{Key: cleanKey(strings.TrimSuffix(p.Name, ".git")), Revision: p.Revision}}
	a, _, err := parseAddress(p.URL)
	if err == nil {
		a.given = host != "" && a.host == host
		err = r.allowed(a)
	}
	switch {
	case p.Refused != "":
		c.Problem = fmt.Errorf("%w: %s: project %q: %s", ErrRefused, place, redact(p.Name), p.Refused)
	case strings.HasPrefix(p.Revision, "-") || p.Revision != "" && checkName(p.Revision) != "":
		c.Problem = fmt.Errorf("%w: %s: project %q: its revision %q cannot be one", ErrRefused, place, redact(p.Name), redact(p.Revision))
		c.Revision = ""
	case p.URL == "":
		c.Problem = fmt.Errorf("%w: %s: project %q has no address: no remote, or a relative fetch in a manifest whose own address is not known",
			ErrUnreachable, place, redact(p.Name))
	case err != nil:
		c.Problem = fmt.Errorf("%s: project %q: %w", place, redact(p.Name), err)
	default:
		c.address, c.URL, c.longer = a, a.String(), a.keys()
	}
	return c
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
