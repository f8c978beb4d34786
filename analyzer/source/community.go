package source

import (
	"bufio"
	"bytes"
	"fmt"
	"path"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// A community repository, as openEuler's, lists the repositories of an owner: one file for each, sig/GROUP/OWNER/LETTER/NAME.yaml, and before 2022
// repository/OWNER.yaml, which names all.

// communityBytes bounds the file that names all repositories of an owner.
const communityBytes = 16 << 20

// communityOwner is whose repositories are listed if nobody is named: what openEuler itself develops.
const communityOwner = "openeuler"

// communityLister reads the repositories of an owner in a community repository.
func communityLister(st *filesystem.Storage, owner, base string) func(moment) (listing, error) {
	c := &community{st: st, owner: owner, groups: map[plumbing.Hash][]string{}}
	if a, _, err := parseAddress(base); err == nil && a.owner() != "" {
		c.address = strings.TrimSuffix(a.String(), a.owner()+"/"+a.name()+".git")
		if c.address == a.String() {
			c.address = strings.TrimSuffix(a.String(), a.owner()+"/"+a.name())
		}
	}
	return c.list
}

// community lists, and keeps what groups and files listed before.
type community struct {
	st      *filesystem.Storage
	owner   string
	address string // of the forge, with a final slash; "" if it is not known
	groups  map[plumbing.Hash][]string
	read    bool
	sig     plumbing.Hash // of the folder sig that was listed last
	file    plumbing.Hash // of the file that names all
}

func (c *community) list(m moment) (listing, error) {
	sig, file := plumbing.ZeroHash, plumbing.ZeroHash
	name := "repository/" + c.owner + ".yaml"
	if e, err := m.tree.FindEntry("sig"); err == nil {
		sig = e.Hash
	}
	if e, err := m.tree.FindEntry(name); err == nil {
		file = e.Hash
	}
	if c.read && sig == c.sig && file == c.file {
		return nil, nil
	}
	out := listing{}
	add := func(n, place string) {
		if n == "" || checkName(n) != "" || strings.Contains(n, "/") || len(out) >= manifestProjects {
			return
		}
		url := ""
		if c.address != "" {
			url = c.address + c.owner + "/" + n
		}
		out[n] = listed{n, url, place, ""}
	}
	if !file.IsZero() {
		data, err := treeReader(m.tree, communityBytes)(name)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		// The names alone, which stand at the beginnings of lines: the rest is of no use here, and not always YAML.
		lines := bufio.NewScanner(bytes.NewReader(data))
		for lines.Scan() {
			if n, ok := strings.CutPrefix(lines.Text(), "- name:"); ok {
				add(strings.Trim(strings.TrimSpace(n), `"'`), name)
			}
		}
		if err := lines.Err(); err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
	}
	if !sig.IsZero() {
		groups, err := object.GetTree(c.st, sig)
		if err != nil {
			return nil, fmt.Errorf("reading the folder sig: %w", err)
		}
		for i := range groups.Entries {
			names, err := c.group(groups.Entries[i].Hash, groups.Entries[i].Mode.IsFile())
			if err != nil {
				return nil, fmt.Errorf("reading the folder of a group: %w", err)
			}
			for _, n := range names {
				add(n, "sig/"+groups.Entries[i].Name)
			}
		}
	}
	c.read, c.sig, c.file = true, sig, file
	return out, nil
}

// group gives the repositories that a group lists.
func (c *community) group(id plumbing.Hash, isFile bool) ([]string, error) {
	if names, ok := c.groups[id]; ok || isFile {
		return names, nil
	}
	names := []string{}
	folder, err := object.GetTree(c.st, id)
	if err != nil {
		return nil, err
	}
	for _, e := range folder.Entries {
		if e.Name != c.owner || e.Mode.IsFile() {
			continue
		}
		letters, err := object.GetTree(c.st, e.Hash)
		if err != nil {
			return nil, err
		}
		for _, letter := range letters.Entries {
			if letter.Mode.IsFile() {
				continue
			}
			files, err := object.GetTree(c.st, letter.Hash)
			if err != nil {
				return nil, err
			}
			for _, f := range files.Entries {
				if path.Ext(f.Name) == ".yaml" && f.Mode.IsFile() {
					names = append(names, strings.TrimSuffix(f.Name, ".yaml"))
				}
			}
		}
	}
	c.groups[id] = names
	return names, nil
}

// communityIn lists the repositories of an owner in the community repository in dir.
func (r *resolver) communityIn(d *draft, dir, owner, revision, base, host string) error {
	st := listStorage(dir)
	_, head, err := treeAt(st, revision)
	if err == nil && head.IsZero() {
		err = fmt.Errorf("%s names a tree, which has no history", redact(revision))
	}
	if err != nil {
		return fmt.Errorf("%w: community repository %s: %w", ErrUnreadable, dir, err)
	}
	past, err := r.past(st, head, "community\n"+owner+"\n"+base, communityLister(st, owner, base))
	if err != nil {
		return fmt.Errorf("%w: history of the community repository %s: %w", ErrUnreadable, dir, err)
	}
	past.Source, past.Head = "community "+cleanKey(owner), head.String()
	now := map[string]*candidate{}
	for _, name := range past.names {
		m := past.members[name]
		if n := len(m.spells); n > 0 && m.spells[n-1].Left == "" {
			c := r.project(Project{Name: m.name, URL: m.url}, m.place, host)
			now[name] = c
			d.list = append(d.list, c)
		}
	}
	if len(now) == 0 {
		return fmt.Errorf("%w: community repository %s: it lists no repository of %s", ErrUnreadable, dir, redact(owner))
	}
	past.apply(d, now, func(l listed) *candidate { return r.project(Project{Name: l.name, URL: l.url}, l.place, host) })
	d.names = append(d.names, cleanKey(owner))
	return nil
}
