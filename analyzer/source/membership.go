package source

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// The bounds on the history of a list.
const (
	historyCommits = 200_000 // along first parents
	historyMembers = 100_000 // repositories that ever belonged
)

// Spell is a stay of a repository in its ecosystem: [From, To) in Unix seconds.
type Spell struct {
	From, To int64 // To is math.MaxInt64 while it belongs
	// Joined and Left are the commits of the list that say so; Left is "" while it belongs.
	Joined, Left string
}

// Holds says whether the spell holds a moment.
func (s *Spell) Holds(t int64) bool { return s.From <= t && t < s.To }

// Roll is a list of repositories that has a history: who belonged to the ecosystem when.
type Roll struct {
	Source string // what was read, for people
	Head   string // the commit that it was read at
	// From is the date of the first commit that lists anything; what belonged before is not known. Unix seconds.
	From int64
	// Unread counts commits at which the list could not be understood: the one before is taken to hold on.
	Unread int
}

// listing is what one commit of a history lists: entries by name.
type listing map[string]listed

// listed is a repository in a list.
type listed struct {
	name, url, place string
	path             string // in a checkout of the whole
}

// roll is the history of a list, as it is read.
type roll struct {
	Roll
	members map[string]*member // by name
	names   []string           // in the order of their first joining, then by name
	last    listing            // at Head
	clock   int64              // at Head; math.MinInt64 before the first commit
	broken  bool               // whether the list was unreadable when it was looked at last
}

func newRoll() *roll {
	return &roll{members: map[string]*member{}, last: listing{}, clock: math.MinInt64}
}

// member is a repository that belongs, or has belonged.
type member struct {
	listed // as it was listed last
	spells []Spell
	to     string // the name that it goes on under; "" if it does not
}

// moment is a commit of a list's history.
type moment struct {
	id   string
	tree *object.Tree
	when int64 // running maximum of committer dates
}

// moments gives the commits from the first one to head along first parents, as far as the repository has them; if read is among them, only those
// behind it, at which the clock stood at clock.
func moments(st *filesystem.Storage, head, read plumbing.Hash, clock int64) (all []moment, on bool, err error) {
	var commits []*object.Commit
	for id := head; ; {
		if on = id == read; on {
			break
		}
		c, err := object.GetCommit(st, id)
		if errors.Is(err, plumbing.ErrObjectNotFound) && len(commits) > 0 {
			break // shallow: what is known of the past begins here
		}
		if err != nil {
			return nil, false, fmt.Errorf("reading commit %s: %w", id, err)
		}
		if len(commits) == historyCommits {
			return nil, false, fmt.Errorf("the history of the list has more than %d commits along first parents", historyCommits)
		}
		commits = append(commits, c)
		if len(c.ParentHashes) == 0 {
			break
		}
		id = c.ParentHashes[0]
	}
	earliest := time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	if !on {
		clock = math.MinInt64
	}
	for _, c := range slices.Backward(commits) {
		if t := c.Committer.When.Unix(); t >= earliest {
			clock = max(clock, t)
		}
		tree, err := c.Tree()
		if err != nil {
			return nil, false, fmt.Errorf("reading the tree of commit %s: %w", c.Hash, err)
		}
		all = append(all, moment{c.Hash.String(), tree, clock})
	}
	return all, on, nil
}

// follow reads a list at every moment, oldest first. list gives what a moment lists, nil if that is what the moment before did.
func (r *roll) follow(all []moment, list func(moment) (listing, error)) error {
	for _, m := range all {
		r.Head, r.clock = m.id, m.when
		now, err := list(m)
		if err != nil {
			r.Unread++
			r.broken = true
			continue
		}
		if now == nil {
			continue
		}
		r.broken = false
		if len(r.last) == 0 && len(now) > 0 && r.From == 0 {
			r.From = m.when
		}
		var joined, left []string
		for name, entry := range now {
			if _, ok := r.last[name]; !ok {
				joined = append(joined, name)
			} else {
				r.members[name].listed = entry
			}
		}
		for name := range r.last {
			if _, ok := now[name]; !ok {
				left = append(left, name)
			}
		}
		slices.Sort(joined)
		slices.Sort(left)
		for _, name := range left {
			s := r.members[name].spells
			s[len(s)-1].To, s[len(s)-1].Left = m.when, m.id
		}
		for _, name := range joined {
			old := r.members[name]
			if old == nil {
				if len(r.members) == historyMembers {
					return fmt.Errorf("more than %d repositories have ever been listed", historyMembers)
				}
				old = &member{}
				r.members[name] = old
				r.names = append(r.names, name)
			}
			old.listed, old.to = now[name], ""
			old.spells = append(old.spells, Spell{m.when, math.MaxInt64, m.id, ""})
		}
		r.rename(left, joined)
		r.last = now
	}
	for _, m := range r.members {
		// What joins and leaves at one moment (dates are no order) was never there.
		m.spells = slices.DeleteFunc(m.spells, func(s Spell) bool { return s.From >= s.To })
	}
	return nil
}

// rename finds repositories that only changed their names: one leaves and one joins with the same commit, and the place in a checkout stays
// the same. More than one of either at a place is no evidence.
func (r *roll) rename(left, joined []string) {
	at := map[string][2][]string{}
	for i, names := range [2][]string{left, joined} {
		for _, name := range names {
			if p := r.members[name].path; p != "" {
				both := at[p]
				both[i] = append(both[i], name)
				at[p] = both
			}
		}
	}
	for _, old := range left {
		p := r.members[old].path
		if both := at[p]; p != "" && len(both[0]) == 1 && len(both[1]) == 1 {
			r.members[old].to = both[1][0]
		}
	}
}

// heir gives the name that a repository goes on under, its own if it was not renamed.
func (r *roll) heir(name string) string {
	for range len(r.members) { // names may go in a circle
		to := r.members[name].to
		if to == "" {
			return name
		}
		name = to
	}
	return name
}

// stays gives when the repository belonged that is, or was last, called by the last of names: under its earlier names too, joined where one
// stay follows the other.
func (r *roll) stays(names []string) (all []Spell) {
	for _, n := range names {
		all = append(all, r.members[n].spells...)
	}
	slices.SortFunc(all, func(a, b Spell) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	joined := all[:0]
	for _, s := range all {
		if n := len(joined); n > 0 && s.From <= joined[n-1].To {
			if before := &joined[n-1]; s.To > before.To {
				before.To, before.Left = s.To, s.Left
			}
			continue
		}
		joined = append(joined, s)
	}
	return joined
}

// apply puts what the history tells beside the candidates that the list has now, and adds those that have left. now gives the candidate of a
// name; former makes one.
func (r *roll) apply(d *draft, now map[string]*candidate, former func(listed) *candidate) {
	called := map[string][]string{} // all names of a repository, by the last
	for _, name := range r.names {
		heir := r.heir(name)
		called[heir] = append(called[heir], name)
	}
	for _, name := range r.names {
		spells := r.stays(called[name])
		if len(spells) == 0 {
			continue
		}
		var formerly []string
		for _, n := range called[name] {
			if n != name {
				formerly = append(formerly, redact(n))
			}
		}
		if c := now[name]; c != nil {
			c.Spells, c.Formerly = spells, formerly
			continue
		}
		if last := spells[len(spells)-1]; last.To == math.MaxInt64 {
			continue // listed, but refused: the candidate that says so is under another name
		}
		c := former(r.members[name].listed)
		c.Spells, c.Formerly, c.Former = spells, formerly, true
		d.list = append(d.list, c)
	}
	d.rolls = append(d.rolls, r.Roll)
	if r.Unread > 0 {
		d.warn("%s: the list of repositories could not be read at %d commits of its history; what it said before is taken to hold on there", r.Source, r.Unread)
	}
}

// treeReader gives files of a tree by their paths, as [ReadManifest] wants them.
func treeReader(tree *object.Tree, limit int64) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		f, err := tree.File(name)
		if err != nil {
			return nil, err
		}
		if f.Mode != filemode.Regular && f.Mode != filemode.Executable && f.Mode != filemode.Deprecated {
			return nil, errors.New("it is no regular file")
		}
		if f.Size > limit {
			return nil, fmt.Errorf("it is larger than %d bytes", limit)
		}
		content, err := f.Reader()
		if err != nil {
			return nil, err
		}
		defer content.Close()
		return io.ReadAll(io.LimitReader(content, limit+1))
	}
}

// manifestLister reads a manifest: the file entry, and where that did not exist yet, default.xml.
func manifestLister(entry, base string) func(moment) (listing, error) {
	var read map[string]plumbing.Hash // what the last listing was read from; zero for what was not there
	return func(m moment) (listing, error) {
		hash := func(name string) plumbing.Hash {
			if e, err := m.tree.FindEntry(name); err == nil {
				return e.Hash
			}
			return plumbing.ZeroHash
		}
		same := read != nil
		for name, was := range read {
			same = same && hash(name) == was
		}
		if same {
			return nil, nil
		}
		read = map[string]plumbing.Hash{}
		file := entry
		if read[entry] = hash(entry); read[entry].IsZero() {
			if file = "default.xml"; hash(file).IsZero() {
				read[file] = plumbing.ZeroHash
				return listing{}, nil
			}
		}
		content := treeReader(m.tree, manifestBytes)
		manifest, err := ReadManifest(func(name string) ([]byte, error) {
			read[name] = hash(name)
			return content(name)
		}, file, base)
		if err != nil {
			return nil, err
		}
		out := listing{}
		for _, p := range manifest.Projects {
			if p.Refused == "" {
				out[p.Name] = listed{p.Name, p.URL, fmt.Sprintf("manifest %s:%d", p.File, p.Line), p.Path}
			}
		}
		return out, nil
	}
}

// past reads the history of a list: what an earlier call kept of it, and what came since. name tells lists apart.
func (r *resolver) past(st *filesystem.Storage, head plumbing.Hash, name string, list func(moment) (listing, error)) (*roll, error) {
	known := r.recall(name)
	all, on, err := moments(st, head, plumbing.NewHash(known.Head), known.clock)
	if err != nil {
		return nil, err
	}
	if !on {
		known = newRoll() // none was kept, or its history was rewritten
	}
	if err := known.follow(all, list); err != nil {
		return nil, err
	}
	if len(all) > 0 {
		r.remember(name, known)
	}
	return known, nil
}

// keptFormat is the version of what is kept, and of the rules that it was read by.
const keptFormat = 1

// kept is a roll on disk.
type kept struct {
	Format       int
	List         string
	Head         string
	Clock        int64
	From         int64
	Unread       int
	Repositories []keptMember // in the order of [roll.names]
}

type keptMember struct {
	Name, URL, Place, Path string
	Spells                 []Spell
	To                     string
	Listed                 bool // at Head
}

func (r *resolver) keptPath(name string) string {
	sum := sha256.Sum256([]byte(name))
	return filepath.Join(r.opts.ListsDir, hex.EncodeToString(sum[:16])+".json")
}

// recall gives what was kept of a list: an empty roll if there is nothing, or nothing that can be used, since it can be read again. The first line is the
// digest of the rest.
func (r *resolver) recall(name string) *roll {
	known := newRoll()
	if r.opts.ListsDir == "" {
		return known
	}
	content, err := os.ReadFile(r.keptPath(name))
	if err != nil {
		return known
	}
	digest, text, _ := bytes.Cut(content, []byte{'\n'})
	var k kept
	if sum := sha256.Sum256(text); string(digest) != hex.EncodeToString(sum[:]) || json.Unmarshal(text, &k) != nil || k.Format != keptFormat || k.List != name {
		return known
	}
	known.Head, known.From, known.Unread, known.clock = k.Head, k.From, k.Unread, k.Clock
	for _, m := range k.Repositories {
		one := &member{listed: listed{m.Name, m.URL, m.Place, m.Path}, spells: m.Spells, to: m.To}
		known.names = append(known.names, m.Name)
		known.members[m.Name] = one
		if m.Listed {
			known.last[m.Name] = one.listed
		}
	}
	return known
}

// remember keeps a roll. That it cannot be kept is no problem of the run: it costs the next one some seconds.
func (r *resolver) remember(name string, known *roll) {
	if r.opts.ListsDir == "" || known.broken {
		return
	}
	k := kept{Format: keptFormat, List: name, Head: known.Head, Clock: known.clock, From: known.From, Unread: known.Unread}
	for _, n := range known.names {
		m := known.members[n]
		_, now := known.last[n]
		if Redact(m.url) != m.url || !utf8.ValidString(m.name+m.url+m.place+m.path) {
			return // a password is never written down; bytes that are no text would come back as others
		}
		k.Repositories = append(k.Repositories, keptMember{m.name, m.url, m.place, m.path, m.spells, m.to, now})
	}
	text, err := json.Marshal(&k)
	if err != nil || os.MkdirAll(r.opts.ListsDir, 0o755) != nil {
		return
	}
	sum := sha256.Sum256(text)
	_ = replaceFile(r.keptPath(name), slices.Concat([]byte(hex.EncodeToString(sum[:])), []byte{'\n'}, text))
}
