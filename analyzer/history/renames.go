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
func (p *plan) findRenames(ctx context.Context, r *Repository, readers []*odb.Reader, limit int) error {
	var todo []uint32
	for c := range len(p.rowsAt) - 1 {
		made, gone := false, false
		for _, row := range p.rows[p.rowsAt[c]:p.rowsAt[c+1]] {
			made = made || row.from == facts.None
			gone = gone || row.to == facts.None
		}
		if made && gone {
			todo = append(todo, uint32(c))
		}
	}
	matches := make([][]renamed, len(todo))
	limited := make([]bool, len(todo))
	var next atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for _, reader := range readers {
		g.Go(func() error {
			var d rename.Detector
			return odb.Guard(func() error {
				for {
					k := int(next.Add(1)) - 1
					if k >= len(todo) {
						return nil
					}
					var err error
					if matches[k], limited[k], err = p.match(ctx, r, reader, &d, todo[k], limit); err != nil {
						return err
					}
				}
			})
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	p.applyRenames(todo, matches)
	n := 0
	for _, l := range limited {
		if l {
			n++
		}
	}
	p.limited = n
	return nil
}

// renamed says that the row that removes a version and the row that makes one are one row.
type renamed struct{ gone, made uint32 } // rows

// match finds the renames of one commit.
func (p *plan) match(
	ctx context.Context, r *Repository, reader *odb.Reader, d *rename.Detector, commit uint32, limit int,
) (found []renamed, limited bool, err error) {
	var sources, destinations []rename.Entry
	var gone, made []uint32
	lo, hi := p.rowsAt[commit], p.rowsAt[commit+1]
	order := make([]uint32, 0, hi-lo)
	for i := lo; i < hi; i++ {
		order = append(order, i)
	}
	slices.SortFunc(order, func(a, b uint32) int { return cmp.Compare(p.rowPath(a), p.rowPath(b)) })
	for _, i := range order {
		switch row := p.rows[i]; {
		case row.from == facts.None:
			destinations, made = append(destinations, p.entry(r, row.to)), append(made, i)
		case row.to == facts.None:
			sources, gone = append(sources, p.entry(r, row.from)), append(gone, i)
		}
	}
	number := func(id facts.ID) (odb.Number, error) {
		n, ok := r.Objects.Lookup(id)
		if !ok {
			return 0, errNotBlob
		}
		return n, nil
	}
	content := rename.Content{
		Size: func(id facts.ID) (int64, error) {
			n, err := number(id)
			if err != nil {
				return 0, err
			}
			kind, size, err := reader.Size(n)
			if err == nil && kind != odb.Blob {
				err = errNotBlob
			}
			return int64(size), err
		},
		Bytes: func(id facts.ID) ([]byte, error) {
			reader.Release()
			n, err := number(id)
			if err != nil {
				return nil, err
			}
			kind, data, err := reader.Object(n)
			if err == nil && kind != odb.Blob {
				err = errNotBlob
			}
			return data, err
		},
	}
	matches, limited, err := d.Detect(ctx, sources, destinations, content, rename.Options{Limit: limit})
	reader.Release()
	if err != nil {
		return nil, false, err
	}
	for _, m := range matches {
		found = append(found, renamed{gone[m.Source], made[m.Destination]})
	}
	return found, limited, nil
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

// applyRenames joins the rows, in the order of commits.
func (p *plan) applyRenames(commits []uint32, matches [][]renamed) {
	dead := make(map[uint32]bool)
	for k := range commits {
		for _, m := range matches[k] {
			from := p.rows[m.gone].from
			made := &p.rows[m.made]
			made.from, made.renamed = from, true
			p.parents[p.versions[made.to].parents] = from
			dead[m.gone] = true
		}
	}
	if len(dead) == 0 {
		return
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
