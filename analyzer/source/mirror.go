package source

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/gofrs/flock"

	"orrery/analyzer/disk"
	"orrery/analyzer/source/forge"
)

// resolver carries one call of Resolve.
type resolver struct {
	opts   Options
	synced map[string]mirrored // by identity: what this call has fetched already
	forges map[forge.Kind]*forge.Client

	asking      sync.Mutex // of forges
	mu          sync.Mutex // orders calls of opts.Progress
	done, total int
}

// mirrored is the outcome for one remote repository.
type mirrored struct {
	dir      string
	problem  error
	stale    error
	foreign  bool
	warnings []string
}

func newResolver(opts Options) (*resolver, error) {
	if opts.MirrorsDir == "" {
		cached, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("finding the folder of mirrors: %w", err)
		}
		opts.MirrorsDir = filepath.Join(cached, "orrery", "mirrors")
	}
	dir, err := filepath.Abs(opts.MirrorsDir)
	if err != nil {
		return nil, fmt.Errorf("finding the folder of mirrors: %w", err)
	}
	opts.MirrorsDir = dir
	if opts.Workers <= 0 {
		opts.Workers = 4
	}
	opts.Limits.Idle = cmp.Or(opts.Limits.Idle, 2*time.Minute)
	opts.Limits.Total = cmp.Or(opts.Limits.Total, 3*time.Hour)
	opts.Limits.Bytes = cmp.Or(opts.Limits.Bytes, 64<<30)
	return &resolver{opts: opts, synced: map[string]mirrored{}, forges: map[forge.Kind]*forge.Client{}}, nil
}

// own is the folder of our mirror of a.
func (r *resolver) own(a address) string { return filepath.Join(r.opts.MirrorsDir, a.mirrorName()) }

// foreign finds a mirror of a that another tool made; "" if there is none. All parts of the path have passed pathElement, which knows neither
// separators nor "..": see the package comment for the rule.
func (r *resolver) foreign(a address) string {
	owner, name := a.owner(), a.name()
	if name == "" || name == "." || name == ".." {
		return ""
	}
	host := strings.Map(func(c rune) rune {
		if strings.ContainsRune("[]:", c) {
			return '_'
		}
		return c
	}, a.host)
	var layouts []string
	if owner != "" {
		layouts = []string{host + "/" + owner + "/" + name + ".git", owner + "/" + name + ".git"}
		if !strings.Contains(owner, "/") {
			layouts = append(layouts, owner+"+"+name+"/repo")
		}
	}
	for _, l := range append(layouts, name+".git", name) {
		if dir, _, err := gitDir(filepath.Join(r.opts.MirrorsDir, filepath.FromSlash(l))); err == nil {
			return dir
		}
	}
	return ""
}

// mirrorOne brings the mirror of one repository, now.
func (r *resolver) mirrorOne(ctx context.Context, c *candidate) error {
	m, ok := r.synced[c.address.identity()]
	if !ok {
		dir := r.own(c.address)
		switch {
		case isGitDir(dir) && r.opts.Offline:
			m = mirrored{dir: dir}
		case isGitDir(dir):
			m = r.fetch(ctx, c.address, c.Key)
		default:
			if dir = r.foreign(c.address); dir != "" {
				m = mirrored{dir: dir, foreign: true}
			} else if r.opts.Offline {
				m = mirrored{problem: absent(c.address)}
			} else {
				m = r.fetch(ctx, c.address, c.Key)
			}
		}
		r.synced[c.address.identity()] = m
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	c.Dir, c.Problem, c.Stale = m.dir, m.problem, m.stale
	return nil
}

func absent(a address) error {
	return fmt.Errorf("%w of %s, and nothing is fetched offline", ErrAbsent, a)
}

// mirrorAll brings the mirrors of all candidates, and fills the ecosystem.
func (r *resolver) mirrorAll(ctx context.Context, e *Ecosystem, list []*candidate) error {
	list = slices.DeleteFunc(list, func(c *candidate) bool {
		if !c.Former || c.Problem == nil && (r.opts.Former && !r.opts.Offline || isGitDir(r.own(c.address)) || r.foreign(c.address) != "") {
			return false
		}
		if c.Problem == nil {
			c.Problem = absent(c.address)
		}
		e.Left = append(e.Left, c.Repository)
		return true
	})
	type job struct {
		address address
		key     string
		fetch   bool
		result  mirrored
	}
	var jobs []*job
	byIdentity := map[string]*job{}
	shared := map[string]int{} // foreign folders, lower case, and how many repositories they would be a mirror of
	for _, c := range list {
		if c.address.isZero() || c.Problem != nil {
			continue
		}
		id := c.address.identity()
		if j := byIdentity[id]; j != nil {
			j.address.given = j.address.given || c.address.given
			continue
		}
		j := &job{address: c.address, key: c.Key}
		byIdentity[id] = j
		jobs = append(jobs, j)
		if known, ok := r.synced[id]; ok {
			j.result = known
		} else if own := r.own(c.address); isGitDir(own) {
			j.result.dir = own
		} else if dir := r.foreign(c.address); dir != "" {
			j.result.dir, j.result.foreign = dir, true
		}
		if j.result.foreign {
			shared[strings.ToLower(j.result.dir)]++
		}
	}

	plan := Plan{Repositories: len(list), MirrorsDir: r.opts.MirrorsDir, FreeBytes: -1}
	for _, j := range jobs {
		_, known := r.synced[j.address.identity()]
		if j.result.foreign && shared[strings.ToLower(j.result.dir)] > 1 {
			e.Warnings = append(e.Warnings, fmt.Sprintf("%s is not read from %s: that folder would be the mirror of %d repositories",
				j.address, j.result.dir, shared[strings.ToLower(j.result.dir)]))
			j.result = mirrored{}
		}
		if j.result.dir == "" && j.result.problem == nil && r.opts.Offline {
			j.result.problem = absent(j.address)
		}
		j.fetch = !known && !r.opts.Offline && !j.result.foreign
		if j.fetch {
			r.total++
		}
	}
	for _, c := range list {
		j := byIdentity[c.address.identity()]
		switch {
		case c.Problem != nil:
			plan.Refused++
		case c.address.isZero():
			plan.Local++
		case errors.Is(j.result.problem, ErrAbsent):
			plan.Absent++
		case j.result.problem != nil:
			plan.Refused++
		case j.result.foreign:
			plan.Foreign++
		case j.fetch && j.result.dir == "":
			plan.Clone++
		case j.fetch:
			plan.Fetch++
		default:
			plan.Keep++
		}
	}
	plan.UnknownSizes = plan.Clone
	if r.total > 0 {
		plan.FreeBytes = freeBytes(nearest(r.opts.MirrorsDir))
	}
	if r.opts.Plan != nil {
		if err := r.opts.Plan(plan); err != nil {
			return err
		}
	}

	var wait sync.WaitGroup
	queue := make(chan *job)
	for range min(r.opts.Workers, max(r.total, 1)) {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for j := range queue {
				j.result = r.fetch(ctx, j.address, j.key)
				failed := cmp.Or(j.result.problem, j.result.stale)
				r.progress(Progress{Key: j.key, Finished: true, Err: failed})
			}
		}()
	}
	for _, j := range jobs {
		if j.fetch && ctx.Err() == nil {
			select {
			case queue <- j:
			case <-ctx.Done():
			}
		}
	}
	close(queue)
	wait.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}

	foreign := 0
	for _, c := range list {
		if j := byIdentity[c.address.identity()]; j != nil && c.Problem == nil && !c.address.isZero() {
			c.Dir, c.Problem, c.Stale = j.result.dir, j.result.problem, j.result.stale
			if j.result.foreign {
				foreign++
			}
			if c.Stale != nil {
				e.Warnings = append(e.Warnings, fmt.Sprintf("%s was not fetched anew, and is read as of its last fetch: %v", c.Key, c.Stale))
			}
		}
		e.Repositories = append(e.Repositories, c.Repository)
	}
	for _, j := range jobs {
		e.Warnings = append(e.Warnings, j.result.warnings...)
	}
	if foreign > 0 {
		e.Warnings = append(e.Warnings, fmt.Sprintf("%d repositories are read from mirrors that other tools made in %s; those are never fetched anew",
			foreign, r.opts.MirrorsDir))
	}
	return nil
}

// nearest gives the nearest folder above p that exists.
func nearest(p string) string {
	for !exists(p) && p != filepath.Dir(p) {
		p = filepath.Dir(p)
	}
	return p
}

func (r *resolver) progress(p Progress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p.Finished {
		r.done++
	}
	p.Done, p.Total = r.done, r.total
	if r.opts.Progress != nil {
		r.opts.Progress(p)
	}
}

// fetch clones a repository, or brings its mirror up to date.
func (r *resolver) fetch(ctx context.Context, a address, key string) mirrored {
	had := isGitDir(r.own(a))
	bounded, cancel := context.WithTimeoutCause(ctx, r.opts.Limits.Total, errTotal)
	defer cancel()
	s := &mirroring{r: r, a: a, key: key, dir: r.own(a)}
	err := s.run(bounded)
	m := mirrored{dir: s.dir, warnings: s.warnings}
	switch {
	case err == nil:
	case had:
		m.stale = err
	default:
		m.dir, m.problem = "", err
	}
	return m
}

// mirroring is one mirroring of one repository.
type mirroring struct {
	r        *resolver
	a        address
	key      string
	dir      string // the mirror
	tmp      string // what is received, beside it
	signs    signing
	warnings []string
}

func (s *mirroring) warn(format string, args ...any) {
	s.warnings = append(s.warnings, redact(fmt.Sprintf(s.key+": "+format, args...)))
}

func (s *mirroring) run(ctx context.Context) error {
	failed := func(doing string, err error) error {
		return fmt.Errorf("%w: %s the mirror of %s: %w", ErrUnreadable, doing, s.a, err)
	}
	if err := os.MkdirAll(s.r.opts.MirrorsDir, 0o755); err != nil {
		return failed("making the folder of", err)
	}
	lock := flock.New(s.dir + ".lock")
	if ok, err := lock.TryLockContext(ctx, 200*time.Millisecond); !ok {
		if cause := context.Cause(ctx); cause != nil {
			return fmt.Errorf("%w: waiting for another run to release %s: %w", ErrUnreachable, s.dir, cause)
		}
		return failed("locking", err)
	}
	defer lock.Unlock()
	// What an earlier run left behind when it was killed. The lock says that nobody works on it.
	leftovers, err := os.ReadDir(s.r.opts.MirrorsDir)
	if err != nil {
		return failed("looking for", err)
	}
	for _, l := range leftovers {
		if strings.HasPrefix(l.Name(), filepath.Base(s.dir)+".tmp-") {
			if err := os.RemoveAll(filepath.Join(s.r.opts.MirrorsDir, l.Name())); err != nil {
				return failed("clearing the rest of", err)
			}
		}
	}
	had := exists(s.dir)
	if had {
		if err := s.verify(); err != nil {
			return err
		}
		inside, err := os.ReadDir(s.dir)
		if err != nil {
			return failed("reading", err)
		}
		for _, e := range inside { // halves that replaceFile was making
			if strings.Contains(e.Name(), ".tmp-") {
				if err := os.Remove(filepath.Join(s.dir, e.Name())); err != nil {
					return failed("clearing the rest of", err)
				}
			}
		}
	}
	if s.tmp, err = os.MkdirTemp(s.r.opts.MirrorsDir, filepath.Base(s.dir)+".tmp-"); err != nil {
		return failed("making room for", err)
	}
	defer os.RemoveAll(s.tmp)
	if err := os.MkdirAll(filepath.Join(s.tmp, "objects", "pack"), 0o755); err != nil {
		return failed("making room for", err)
	}

	refs, head, shallow, err := s.receive(ctx, had)
	if err != nil {
		return err
	}
	if had {
		if err := s.adopt(refs, head, shallow); err != nil {
			return failed("updating", err)
		}
		// The mirror is whole without this, and the next fetch tries again.
		if err := consolidate(disk.Real{}, filepath.Join(s.dir, "objects", "pack"), s.tmp); err != nil {
			s.warn("the packs of its mirror stay as they are: %s", strings.ReplaceAll(err.Error(), s.dir+string(filepath.Separator), ""))
		}
		return nil
	}
	if err := s.publish(refs, head, shallow); err != nil {
		return failed("writing", err)
	}
	return nil
}

// verify says whether the folder in place is our mirror of that very repository: no name and no hash of 80 bits is taken for a proof.
func (s *mirroring) verify() error {
	f, err := os.Open(filepath.Join(s.dir, "config"))
	if err != nil {
		return fmt.Errorf("%w: %s is in the way: it is no mirror of ours: %w", ErrUnreadable, s.dir, err)
	}
	defer f.Close()
	lines := bufio.NewScanner(io.LimitReader(f, 1<<16))
	for lines.Scan() {
		if quoted, ok := strings.CutPrefix(lines.Text(), "\turl = "); ok {
			if a, _, err := parseAddress(strings.Trim(quoted, `"`)); err == nil && a.identity() == s.a.identity() {
				return nil
			}
		}
	}
	return fmt.Errorf("%w: %s is in the way: it is no mirror of %s", ErrUnreadable, s.dir, s.a)
}

// receive asks the server for branches and tags, and brings the objects that are lacking into s.tmp, as one pack that needs no other.
func (s *mirroring) receive(ctx context.Context, had bool) (refs map[string]plumbing.Hash, head string, shallow []plumbing.Hash, err error) {
	fail := func(doing string, err error) (map[string]plumbing.Hash, string, []plumbing.Hash, error) {
		return nil, "", nil, explain(ctx, s.a, doing, s.signs.used, err)
	}
	session, err := s.r.session(ctx, s.a, &s.signs)
	if err != nil {
		return fail("calling", err)
	}
	defer session.Close()
	adv, err := session.AdvertisedReferencesContext(ctx)
	if err != nil {
		return fail("asking for the branches of", err)
	}
	if format := adv.Capabilities.Get("object-format"); len(format) > 0 && format[0] != "sha1" {
		return nil, "", nil, fmt.Errorf("%w: %s has objects named by %s, which is not supported", ErrUnreachable, s.a, redact(format[0]))
	}
	refs = map[string]plumbing.Hash{}
	for name, hash := range adv.References {
		if !strings.HasPrefix(name, "refs/heads/") && !strings.HasPrefix(name, "refs/tags/") {
			continue
		}
		if plumbing.ReferenceName(name).Validate() != nil || strings.ContainsAny(name, " \t\r\n\x00\\~^:?*[") {
			s.warn("the reference %q has no valid name and was left out", name)
			continue
		}
		refs[name] = hash
	}
	slices.Sort(s.warnings)
	if len(refs) == 0 {
		return fail("asking for the branches of", transport.ErrEmptyRemoteRepository)
	}
	if len(adv.Shallows) > 0 {
		s.warn("the server's own history is cut off (shallow) at %d commits", len(adv.Shallows))
	}
	head, detached := s.head(adv, refs)

	incoming := storage(s.tmp)
	present := func(plumbing.Hash) bool { return false }
	var haves []plumbing.Hash
	if had {
		mirror := storage(s.dir)
		present = func(h plumbing.Hash) bool { return mirror.HasEncodedObject(h) == nil }
		old, err := readRefs(s.dir)
		if err != nil {
			return nil, "", nil, fmt.Errorf("%w: reading the references of the mirror of %s: %w", ErrUnreadable, s.a, err)
		}
		for _, h := range old {
			if present(h) {
				haves = append(haves, h)
			}
		}
	}
	needed := map[plumbing.Hash]bool{}
	for _, h := range refs {
		needed[h] = true
	}
	if detached {
		needed[plumbing.NewHash(head)] = true
	}
	request := packp.NewUploadPackRequestFromCapabilities(adv.Capabilities)
	if adv.Capabilities.Supports(capability.NoProgress) {
		if err := request.Capabilities.Set(capability.NoProgress); err != nil {
			return fail("asking for", err)
		}
	}
	for h := range needed {
		if !present(h) {
			request.Wants = append(request.Wants, h)
		}
	}
	if len(request.Wants) == 0 {
		return refs, head, adv.Shallows, nil
	}
	plumbing.HashesSort(request.Wants)
	plumbing.HashesSort(haves)
	request.Haves = slices.Compact(haves)
	answer, err := session.UploadPack(ctx, request)
	if err != nil {
		return fail("asking for the objects of", err)
	}
	defer answer.Close()
	var pack io.Reader = answer
	switch {
	case request.Capabilities.Supports(capability.Sideband64k):
		pack = sideband.NewDemuxer(sideband.Sideband64k, answer)
	case request.Capabilities.Supports(capability.Sideband):
		pack = sideband.NewDemuxer(sideband.Sideband, answer)
	}
	if err := packfile.UpdateObjectStorage(incoming, &counted{s: s, r: pack}); err != nil {
		return fail("receiving", err)
	}
	for _, h := range request.Wants {
		if incoming.HasEncodedObject(h) != nil {
			return fail("receiving", fmt.Errorf("the server did not send %s, which it had named", h))
		}
	}
	return refs, head, adv.Shallows, nil
}

// head gives what HEAD is to say: the full name of a branch, or, detached, the hash of a commit. The server's word comes first; where it gives
// a commit only, the branch is the one that is there now, main, master, or the first by name.
func (s *mirroring) head(adv *packp.AdvRefs, refs map[string]plumbing.Hash) (head string, detached bool) {
	for _, symref := range adv.Capabilities.Get(capability.SymRef) {
		if target, ok := strings.CutPrefix(symref, "HEAD:"); ok {
			if _, ok := refs[target]; ok && strings.HasPrefix(target, "refs/heads/") {
				return target, false
			}
		}
	}
	now := readHead(s.dir)
	names := []string{now, "refs/heads/main", "refs/heads/master"}
	for name := range refs {
		if strings.HasPrefix(name, "refs/heads/") {
			names = append(names, name)
		}
	}
	slices.Sort(names[3:])
	if adv.Head == nil {
		s.warn("the server names no default branch")
		if _, ok := refs[now]; ok {
			return now, false
		}
		// Nothing that exists: whoever reads the mirror says that there is no default branch, instead of us guessing one.
		return "refs/heads/main", false
	}
	for _, name := range names {
		if h, ok := refs[name]; ok && h == *adv.Head {
			return name, false
		}
	}
	return adv.Head.String(), true
}

func storage(dir string) *filesystem.Storage {
	return filesystem.NewStorage(osfs.New(dir), cache.NewObjectLRUDefault())
}

// counted reports and bounds what is received.
type counted struct {
	s        *mirroring
	r        io.Reader
	n, shown int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.n += int64(n); c.n > c.s.r.opts.Limits.Bytes {
		return 0, fmt.Errorf("%w: it is larger than the limit of %d bytes", ErrRefused, c.s.r.opts.Limits.Bytes)
	}
	if c.n-c.shown >= 1<<20 {
		c.shown = c.n
		c.s.r.progress(Progress{Key: c.s.key, Bytes: c.n})
	}
	return n, err
}

// publish makes a new mirror out of s.tmp, by one rename.
func (s *mirroring) publish(refs map[string]plumbing.Hash, head string, shallow []plumbing.Hash) error {
	for _, dir := range []string{"refs/heads", "refs/tags", "objects/info"} {
		if err := os.MkdirAll(filepath.Join(s.tmp, filepath.FromSlash(dir)), 0o755); err != nil {
			return err
		}
	}
	config := "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n[remote \"origin\"]\n\turl = \"" + s.a.String() +
		"\"\n\tfetch = +refs/heads/*:refs/heads/*\n\tfetch = +refs/tags/*:refs/tags/*\n"
	if err := replaceFile(filepath.Join(s.tmp, "config"), []byte(config)); err != nil {
		return err
	}
	if err := writeShallow(s.tmp, shallow); err != nil {
		return err
	}
	if err := replaceFile(filepath.Join(s.tmp, "packed-refs"), packedRefs(refs, "", plumbing.ZeroHash)); err != nil {
		return err
	}
	if err := replaceFile(filepath.Join(s.tmp, "HEAD"), headFile(head)); err != nil {
		return err
	}
	// MkdirTemp makes it 0700, which what the public may not read keeps.
	if !s.signs.used {
		if err := os.Chmod(s.tmp, 0o755); err != nil {
			return err
		}
	}
	if err := syncTree(s.tmp); err != nil {
		return err
	}
	if err := os.Rename(s.tmp, s.dir); err != nil {
		return err
	}
	return syncDir(s.r.opts.MirrorsDir)
}

// adopt adds what was received to the mirror in place: objects first, then all references by one rename. Cut short anywhere, the mirror is
// the old one with objects to spare.
func (s *mirroring) adopt(refs map[string]plumbing.Hash, head string, shallow []plumbing.Hash) error {
	packs := filepath.Join(s.tmp, "objects", "pack")
	if err := syncTree(packs); err != nil {
		return err
	}
	if s.signs.used {
		if err := os.Chmod(s.dir, 0o700); err != nil {
			return err
		}
	}
	// The index first: readers find packs by their .pack or by both, and an index alone is passed over.
	for _, suffix := range []string{".idx", ".pack"} {
		entries, err := os.ReadDir(packs)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), "pack-") && strings.HasSuffix(e.Name(), suffix) {
				if err := os.Rename(filepath.Join(packs, e.Name()), filepath.Join(s.dir, "objects", "pack", e.Name())); err != nil {
					return err
				}
			}
		}
	}
	if err := syncDir(filepath.Join(s.dir, "objects", "pack")); err != nil {
		return err
	}
	if err := writeShallow(s.dir, shallow); err != nil {
		return err
	}
	old, err := readRefs(s.dir)
	if err != nil {
		return err
	}
	path := filepath.Join(s.dir, "packed-refs")
	now := readHead(s.dir)
	if now == head && maps.Equal(old, refs) {
		return nil
	}
	if now != head {
		// The default branch has another name. Until HEAD is replaced, the old branch has to be there as well.
		if hash, ok := old[now]; ok {
			if err := replaceFile(path, packedRefs(refs, now, hash)); err != nil {
				return err
			}
		}
		if err := replaceFile(filepath.Join(s.dir, "HEAD"), headFile(head)); err != nil {
			return err
		}
	}
	return replaceFile(path, packedRefs(refs, "", plumbing.ZeroHash))
}

func headFile(head string) []byte {
	if strings.HasPrefix(head, "refs/") {
		return []byte("ref: " + head + "\n")
	}
	return []byte(head + "\n")
}

// readHead gives the branch that HEAD of a git directory names, or its hash; "" if there is none.
func readHead(dir string) string {
	data, err := readBounded(filepath.Join(dir, "HEAD"), 4096)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(strings.TrimSpace(string(data)), "ref: ")
}

// packedRefs gives the file of all references, and one more unless refs have it already.
func packedRefs(refs map[string]plumbing.Hash, extra string, hash plumbing.Hash) []byte {
	names := make([]string, 0, len(refs)+1)
	for name := range refs {
		names = append(names, name)
	}
	if _, ok := refs[extra]; extra != "" && !ok {
		names = append(names, extra)
	}
	slices.Sort(names)
	b := []byte("# pack-refs with: sorted \n")
	for _, name := range names {
		h, ok := refs[name]
		if !ok {
			h = hash
		}
		b = fmt.Appendf(b, "%s %s\n", h, name)
	}
	return b
}

// readRefs reads the references of one of our mirrors: all of them are packed.
func readRefs(dir string) (map[string]plumbing.Hash, error) {
	f, err := os.Open(filepath.Join(dir, "packed-refs"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	refs := map[string]plumbing.Hash{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if hash, name, ok := strings.Cut(lines.Text(), " "); ok && plumbing.IsHash(hash) {
			refs[name] = plumbing.NewHash(hash)
		}
	}
	return refs, lines.Err()
}

// writeShallow notes where history ends, beside what the mirror knows already.
func writeShallow(dir string, shallow []plumbing.Hash) error {
	if len(shallow) == 0 {
		return nil
	}
	path := filepath.Join(dir, "shallow")
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	lines := strings.Fields(string(old))
	for _, h := range shallow {
		lines = append(lines, h.String())
	}
	slices.Sort(lines)
	return replaceFile(path, []byte(strings.Join(slices.Compact(lines), "\n")+"\n"))
}

// replaceFile puts data at path, complete or not at all.
func replaceFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".tmp-")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncTree flushes every file and folder of a tree to disk.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir():
			return syncDir(p)
		}
		f, err := os.Open(p)
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	})
}

// syncDir flushes the names in a folder to disk, where the system can.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
