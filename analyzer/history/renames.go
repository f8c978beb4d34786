package history

import (
	"cmp"
	"context"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"orrery/analyzer/facts"
	"orrery/analyzer/history/odb"
	"orrery/analyzer/history/rename"
)

// findRenames turns additions and deletions of one commit into renames, as git's -M does, and ties their versions together.
//
// Owners of lines go another way than rows, as `git blame` does: each file that a commit made is followed to the best source by itself, without
// competition, and merges are searched as well. That is done only if owners are asked for.
func (p *plan) findRenames(ctx context.Context, r *Repository, readers []*odb.Reader, opts *Options) error {
	var todo []*pairing
	for c := range len(p.rowsAt) - 1 {
		if p.old != nil && p.old[c] {
			continue
		}
		if t := p.pairing(uint32(c)); t != nil {
			todo = append(todo, t)
		}
	}
	if opts.owning() {
		for i := range p.searches {
			todo = append(todo, &pairing{search: &p.searches[i]})
		}
	}
	var next atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for _, reader := range readers {
		g.Go(func() error {
			d := &detective{ctx: ctx, p: p, r: r, reader: reader, opts: opts}
			return odb.Guard(func() error {
				for {
					k := int(next.Add(1)) - 1
					if k >= len(todo) {
						return nil
					}
					if err := d.match(todo[k]); err != nil {
						return err
					}
				}
			})
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	p.applyRenames(todo)
	return nil
}

// pairing is what one commit took away and made.
type pairing struct {
	gone, made []uint32 // rows, by path
	search     *search  // of a merge, which has no rows
	// The outcome, as indices into gone and made (rows, or the search's versions): renames, and where owners are looked for.
	renames, follow []rename.Match
	limited         bool
}

// pairing gives the rows of a commit that may be renames, nil if it has none.
func (p *plan) pairing(commit uint32) *pairing {
	var t pairing
	for i := p.rowsAt[commit]; i < p.rowsAt[commit+1]; i++ {
		switch row := p.rows[i]; {
		case row.from == facts.None:
			t.made = append(t.made, i)
		case row.to == facts.None:
			t.gone = append(t.gone, i)
		}
	}
	if t.made == nil || t.gone == nil {
		return nil
	}
	byPath := func(a, b uint32) int { return cmp.Compare(p.rowPath(a), p.rowPath(b)) }
	slices.SortFunc(t.made, byPath)
	slices.SortFunc(t.gone, byPath)
	return &t
}

// detective looks for renames. One for each worker.
type detective struct {
	ctx    context.Context
	p      *plan
	r      *Repository
	reader *odb.Reader
	opts   *Options
	rename rename.Detector
}

func (d *detective) match(t *pairing) (err error) {
	defer d.reader.Release()
	var sources, destinations []rename.Entry
	if t.search != nil {
		for _, v := range t.search.gone {
			sources = append(sources, d.p.entry(d.r, v))
		}
		for _, v := range t.search.made {
			destinations = append(destinations, d.p.entry(d.r, v))
		}
		t.follow, _, err = d.rename.Detect(d.ctx, sources, destinations, d.content(), rename.Options{Alone: true})
		return err
	}
	for _, i := range t.gone {
		sources = append(sources, d.p.entry(d.r, d.p.rows[i].from))
	}
	for _, i := range t.made {
		destinations = append(destinations, d.p.entry(d.r, d.p.rows[i].to))
	}
	if !d.opts.NoRenames {
		t.renames, t.limited, err = d.rename.Detect(d.ctx, sources, destinations, d.content(), rename.Options{Limit: d.opts.RenameLimit})
		if err != nil {
			return err
		}
	}
	switch {
	case !d.opts.owning():
	case len(destinations) == 1 && !t.limited && !d.opts.NoRenames:
		t.follow = t.renames // alone anyway
	default:
		t.follow, _, err = d.rename.Detect(d.ctx, sources, destinations, d.content(), rename.Options{Alone: true})
	}
	return err
}

// content gives the detector access to blobs.
func (d *detective) content() rename.Content {
	number := func(id facts.ID) (odb.Number, error) {
		n, ok := d.r.Objects.Lookup(id)
		if !ok {
			return 0, errNotBlob
		}
		return n, nil
	}
	return rename.Content{
		Size: func(id facts.ID) (int64, error) {
			n, err := number(id)
			if err != nil {
				return 0, err
			}
			kind, size, err := d.reader.Size(n)
			if err == nil && kind != odb.Blob {
				err = errNotBlob
			}
			return int64(size), err
		},
		Bytes: func(id facts.ID) ([]byte, error) {
			d.reader.Release()
			n, err := number(id)
			if err != nil {
				return nil, err
			}
			kind, data, err := d.reader.Object(n)
			if err == nil && kind != odb.Blob {
				err = errNotBlob
			}
			return data, err
		},
	}
}

func (p *plan) rowPath(i uint32) string {
	v := p.rows[i].to
	if v == facts.None {
		v = p.rows[i].from
	}
	return p.paths[p.versions[v].path]
}

func (p *plan) entry(r *Repository, version uint32) rename.Entry {
	v := &p.versions[version]
	return rename.Entry{Path: p.paths[v.path], Blob: p.id(r, v), Mode: v.mode()}
}

func (p *plan) id(r *Repository, v *version) facts.ID {
	if n := r.Objects.Len(); int(v.blob) >= n {
		return p.lost[int(v.blob)-n]
	}
	return r.Objects.ID(odb.Number(v.blob))
}

func (v *version) mode() uint32 {
	switch {
	case v.typ == facts.Submodule:
		return modeLink
	case v.typ == facts.Symlink:
		return modeSymlink
	case v.exec:
		return modeRegular | 0o755
	}
	return modeRegular | 0o644
}

// applyRenames joins rows, and versions with the ones they come from.
func (p *plan) applyRenames(todo []*pairing) {
	dead := make([]bool, len(p.rows))
	for _, t := range todo {
		if t.limited {
			p.limited++
		}
		if t.search != nil {
			for _, m := range t.follow {
				made := &p.versions[t.search.made[m.Destination]]
				p.parents[made.parents+t.search.parent] = t.search.gone[m.Source]
			}
			continue
		}
		for _, m := range t.follow {
			p.parents[p.versions[p.rows[t.made[m.Destination]].to].parents] = p.rows[t.gone[m.Source]].from
		}
		for _, m := range t.renames {
			made, gone := &p.rows[t.made[m.Destination]], t.gone[m.Source]
			made.from, made.renamed = p.rows[gone].from, true
			dead[gone] = true
		}
	}
	kept := p.rows[:0]
	c := 0
	for i := range uint32(len(p.rows)) {
		for c < len(p.rowsAt) && p.rowsAt[c] == i {
			p.rowsAt[c] = uint32(len(kept))
			c++
		}
		if !dead[i] {
			kept = append(kept, p.rows[i])
		}
	}
	for ; c < len(p.rowsAt); c++ {
		p.rowsAt[c] = uint32(len(kept))
	}
	p.rows = kept
}
