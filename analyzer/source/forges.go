package source

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"orrery/analyzer/facts"
	"orrery/analyzer/source/forge"
)

// splitForge takes FORGE:OWNER[/REPO] apart. ok is false where s does not begin with the name of a forge.
func splitForge(s string) (kind forge.Kind, owner, name string, ok bool) {
	for _, kind := range forge.Kinds() {
		if rest, found := strings.CutPrefix(s, string(kind)+":"); found {
			owner, name, _ = strings.Cut(rest, "/")
			return kind, owner, name, true
		}
	}
	return "", "", "", false
}

// Forge gives the client of a forge, made as opts say. For those who ask a forge beside [Resolve].
func Forge(kind forge.Kind, opts Options) (*forge.Client, error) {
	o := opts.Forges[kind]
	if o.Dir == "" {
		o.Dir = opts.ForgesDir
	}
	if o.Dir == "" {
		cached, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("finding the folder of forges' answers: %w", err)
		}
		o.Dir = filepath.Join(cached, "orrery", "forges")
	}
	o.Offline = o.Offline || opts.Offline
	o.AllowHTTP = o.AllowHTTP || opts.AllowHTTP
	if o.Idle == 0 {
		o.Idle = opts.Limits.Idle
	}
	c, err := forge.Open(kind, o)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	return c, nil
}

func (r *resolver) client(kind forge.Kind) (*forge.Client, error) {
	r.asking.Lock()
	defer r.asking.Unlock()
	if c := r.forges[kind]; c != nil {
		return c, nil
	}
	c, err := Forge(kind, r.opts)
	if err == nil {
		r.forges[kind] = c
	}
	return c, err
}

// ForgeOwner is an owner at a forge that a source names, or one of its repositories.
type ForgeOwner struct {
	Kind        forge.Kind
	Owner, Name string // Name is "" for all repositories
}

// ForgeOwners gives the owners that args name at forges. An argument that is no such source is an error: [Resolve] takes all kinds.
func ForgeOwners(args []string) (all []ForgeOwner, err error) {
	for _, arg := range args {
		kind, owner, name, ok := splitForge(arg)
		if !ok {
			return nil, usage("%q is no owner at a forge: %v:OWNER or FORGE:OWNER/REPO is wanted", arg, forge.Kinds())
		}
		if err := checkForge(arg, owner, name); err != nil {
			return nil, err
		}
		all = append(all, ForgeOwner{kind, owner, name})
	}
	return all, nil
}

func checkForge(arg, owner, name string) error {
	if !forge.CheckName(owner) || strings.Contains(arg, "/") && !forge.CheckName(name) {
		return usage("%q: FORGE:OWNER or FORGE:OWNER/REPO is wanted", arg)
	}
	return nil
}

// forge resolves all repositories of an owner at a forge, or one.
func (r *resolver) forge(ctx context.Context, arg string, kind forge.Kind, owner, name string) (*draft, error) {
	if err := checkForge(arg, owner, name); err != nil {
		return nil, err
	}
	c, err := r.client(kind)
	if err != nil {
		return nil, err
	}
	d := &draft{}
	var list []forge.Repository
	if name != "" {
		var one *forge.Repository
		if one, err = c.Repository(ctx, owner, name); err == nil {
			list = []forge.Repository{*one}
		}
	} else {
		var l *forge.Listing
		if l, err = c.Repositories(ctx, owner); err == nil {
			list = l.Repositories
			if l.Stale != nil {
				d.warn("%s: the list is that of %s, because %v", arg, l.AsOf.Format("2006-01-02 15:04 MST"), l.Stale)
			}
			if len(l.Gone) > 0 {
				d.warn("%s: %d repositories of the list before are gone: %s", arg, len(l.Gone), strings.Join(l.Gone, ", "))
			}
			if len(list) == 0 {
				err = fmt.Errorf("%w: %s has no public repository", ErrEmpty, arg)
			}
		}
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		d.fail(arg, forgeError(err))
		return d, nil // a source that fails is listed, and stops nothing
	}
	forks, archived := 0, 0
	for i := range list {
		d.list = append(d.list, r.fromForge(d, c, &list[i]))
		if list[i].Fork {
			forks++
		}
		if list[i].Archived {
			archived++
		}
	}
	if name == "" {
		d.names = append(d.names, cleanKey(owner))
		if forks+archived > 0 {
			d.warn("%s: of %d repositories %d are forks, which are counted as third-party, and %d are archived", arg, len(list), forks, archived)
		}
	} else {
		d.names = append(d.names, d.list[0].Key)
	}
	return d, nil
}

// fromForge makes a candidate of what a forge lists. Its address must be the one that the forge gives to such a repository.
func (r *resolver) fromForge(d *draft, c *forge.Client, one *forge.Repository) *candidate {
	made := &candidate{Repository: Repository{Key: cleanKey(one.Name), Archived: one.Archived, Fork: one.Fork}}
	if one.Fork {
		made.Class = "third-party"
	}
	if one.Renamed != "" {
		d.warn("%s:%s/%s was called %s before", c.Kind(), one.Owner, one.Name, one.Renamed)
	}
	a, _, err := parseAddress(one.CloneURL)
	if err == nil {
		a.given = c.Given()
		err = r.allowed(a)
	}
	switch {
	case err != nil:
		made.Problem = fmt.Errorf("%s:%s/%s: %w", c.Kind(), one.Owner, one.Name, err)
	case a.host != c.Host() || a.scheme != c.Scheme() || !strings.EqualFold(strings.TrimSuffix(a.path, ".git"), one.Owner+"/"+one.Name):
		made.Problem = fmt.Errorf("%w: %s:%s/%s: the forge gives the address %s, which is not its own", ErrRefused, c.Kind(), one.Owner, one.Name, a)
	default:
		made.address, made.URL, made.longer = a, a.String(), a.keys()
		if one.Empty {
			made.Problem = fmt.Errorf("%w: %s, as the forge tells", ErrEmpty, a)
		}
	}
	return made
}

// forgeError gives an error of a forge one of the kinds of this package.
func forgeError(err error) error {
	kind := ErrUnreachable
	if errors.Is(err, forge.ErrRefused) {
		kind = ErrRefused
	} else if errors.Is(err, forge.ErrOffline) {
		kind = ErrAbsent
	}
	return fmt.Errorf("%w: %s", kind, redact(err.Error()))
}

// ForgeFacts asks the forges that repositories lie at for pull requests, reviews and profiles, owner by owner. last gives what was told of an owner
// before (nil for nothing), and save keeps what is told now. What one forge does not tell stops no other: the reasons are returned, for people. It
// fails only if last or save do, or ctx ends.
func ForgeFacts(
	ctx context.Context, repositories []Repository, opts Options, last func(forge, owner string) (*facts.Forge, error), save func(*facts.Forge) error,
) (problems []string, err error) {
	for _, kind := range forge.Kinds() {
		c, err := Forge(kind, opts)
		if err != nil {
			return nil, err
		}
		byOwner := map[string][]string{}
		for i := range repositories {
			a, _, err := parseAddress(repositories[i].URL)
			if err == nil && a.host == c.Host() && forge.CheckName(a.owner()) && forge.CheckName(a.name()) {
				byOwner[a.owner()] = append(byOwner[a.owner()], a.name())
			}
		}
		owners := slices.Sorted(maps.Keys(byOwner))
		if opts.Offline {
			owners = nil
		}
		for _, owner := range owners {
			before, err := last(c.Name(), owner)
			if err != nil {
				return nil, err
			}
			told, err := c.Facts(ctx, owner, byOwner[owner], before)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if err != nil {
				text := redact(err.Error())
				if before != nil {
					text += "; what it told on " + time.Unix(before.Asked, 0).UTC().Format(time.DateOnly) + " stays"
				}
				problems = append(problems, text)
				continue
			}
			if err := save(told); err != nil {
				return nil, err
			}
			if err := c.Finished(owner); err != nil {
				return nil, err
			}
		}
	}
	return problems, nil
}
