package history

import (
	"maps"
	"slices"
	"time"

	"orrery/analyzer/facts"
	"orrery/analyzer/history/odb"
	"orrery/analyzer/paths"
)

// glimpse is what the last content of a path tells of it.
type glimpse struct {
	language  string
	generated bool
}

// last gives by path the youngest version on any branch.
func (p *plan) last() []uint32 {
	last := make([]uint32, len(p.paths))
	for i := range last {
		last[i] = facts.None
	}
	for v := range p.versions {
		last[p.versions[v].path] = uint32(v)
	}
	return last
}

// look looks at the beginning of a text.
func (b *lineageReader) look(v uint32, t *text) {
	version := &b.p.versions[v]
	b.m.seen[version.path] = glimpse{}
	if t.reason != facts.Measured || version.typ != facts.File {
		return
	}
	head := t.raw[:min(len(t.raw), paths.HeadSize)]
	s := &b.m.seen[version.path]
	s.language, s.generated = paths.Look(b.p.paths[version.path], head)
}

// contents writes down what was seen of every path.
func (p *plan) contents(m *measured, out *facts.Repository) {
	out.Contents = make([]facts.Content, len(p.paths))
	numbers := map[string]uint16{"": 0}
	for _, s := range m.seen {
		numbers[s.language] = 0
	}
	out.Languages = slices.Sorted(maps.Keys(numbers))
	for i, language := range out.Languages {
		numbers[language] = uint16(i)
	}
	for path, v := range m.last {
		c := &out.Contents[path]
		if v == facts.None || m.reason[v] != facts.Measured {
			continue
		}
		*c = facts.Content{Language: numbers[m.seen[path].language], Binary: m.binary[v], Generated: m.seen[path].generated, Known: true}
	}
}

// maxDocument and maxDocuments are the caps in bytes on one document and on all of a repository. Those above are as if they were unreadable.
const (
	maxDocument  = 1 << 20
	maxDocuments = 64 << 20
)

// documents reads the files that tell about the repository itself, each as it stood at the ends of the months in which it changed.
func (p *plan) documents(r *Repository, reader *odb.Reader, out *facts.Repository) {
	type change struct{ step, version uint32 }
	changes := map[uint32][]change{} // by path
	wanted := make([]bool, len(p.paths))
	for i, path := range p.paths {
		wanted[i] = facts.IsDocument(path)
	}
	add := func(path uint32, c change) {
		if !wanted[path] {
			return
		}
		list := changes[path]
		if n := len(list); n > 0 && month(out.Steps[list[n-1].step].Clock) == month(out.Steps[c.step].Clock) {
			list[n-1] = c
			return
		}
		changes[path] = append(list, c)
	}
	p.folds(func(f foldJob) {
		if f.from != facts.None {
			if path := p.versions[f.from].path; f.to == facts.None || p.versions[f.to].path != path {
				add(path, change{f.step, facts.None})
			}
		}
		if f.to != facts.None {
			add(p.versions[f.to].path, change{f.step, f.to})
		}
	})
	size := 0
	for path := range wanted { // in order: which are above the cap must not depend on chance
		for _, c := range changes[uint32(path)] {
			d := facts.Document{Path: uint32(path), Step: c.step}
			if c.version != facts.None {
				if v := &p.versions[c.version]; v.typ == facts.File && int(v.blob) < r.Objects.Len() {
					kind, content, err := reader.Object(odb.Number(v.blob))
					if err == nil && kind == odb.Blob && len(content) <= maxDocument && size+len(content) <= maxDocuments {
						size += len(content)
						d.Content = append([]byte{}, content...) // never nil
					}
					reader.Release()
				}
			}
			out.Documents = append(out.Documents, d)
		}
	}
}

func month(clock int64) int {
	t := time.Unix(clock, 0).UTC()
	return 12*t.Year() + int(t.Month())
}
