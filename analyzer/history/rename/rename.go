// Package rename finds the renames of a commit as `git log -M` finds them: the same pairs with the same scores, as git 2.39
// decides when it looks for neither copies (-C) nor broken pairs (-B).
//
// It goes in three passes, and each leaves less to the next, dearer one:
//
//  1. Equal content. A destination takes the first unused source with its blob, or rather one with its base name as well.
//  2. Equal base name. Where a base name stands once among the sources left and once among the destinations left, the two are
//     paired if they are similar well above the minimum, without looking for something better.
//  3. Similar content. Every destination left is held against every source left, and the best pairs are taken first. Skipped as
//     a whole when there are too many pairs ([Options.Limit]).
//
// The package reads no repository: sizes and contents come through [Content], and contents are asked for only where sizes leave
// a rename possible.
package rename

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"orrery/analyzer/facts"
)

// MaxScore is the score of equal contents. git prints score*100/MaxScore, rounded down, behind its R.
const MaxScore = 60000

// DefaultMinScore and DefaultLimit are what git uses when it is told nothing: -M50% and diff.renameLimit.
const (
	DefaultMinScore = MaxScore / 2
	DefaultLimit    = 1000
	Unlimited       = -1
)

// Entry is one side of a change: a path that a commit takes away (source) or makes (destination).
type Entry struct {
	Path string // relative to the root, with slashes
	Blob facts.ID
	Mode uint32 // as in the tree: 0o100644, 0o120000 ...
}

// Content gives access to blobs by name. A blob for which either function fails is similar to nothing, and may still be renamed
// unchanged. Both are called from the goroutine that calls Detect, in an order that depends on the arguments alone.
type Content struct {
	// Size gives the length in bytes. It should be cheap: it is asked of every file that the first pass leaves.
	Size func(facts.ID) (int64, error)
	// Bytes gives the content, of which nothing is kept or changed: it may be overwritten by the next call. A content whose length
	// is not Size counts as unreadable.
	Bytes func(facts.ID) ([]byte, error)
}

// Options shape the result. The zero value is git's default.
type Options struct {
	// MinScore is the least score that makes a rename, 1 to MaxScore; 0 is DefaultMinScore. At MaxScore only equal blobs pair.
	MinScore int
	// Limit bounds the third pass: it runs if at most Limit*Limit pairs are left. 0 is DefaultLimit, Unlimited no bound.
	Limit int
	// Alone resolves every destination as if it were the only one, as git does when it follows one path through history (blame):
	// nothing competes for sources, so a source may appear in several matches. Each result is what a call with that destination
	// alone gives; doing them together reads every blob once.
	Alone bool
}

// Match is one rename.
type Match struct {
	Source, Destination int // indices into the arguments of Detect
	Score               int // MinScore to MaxScore
}

// Detector finds renames. It holds scratch memory that the next call uses again: about 1 MB after ordinary commits, and at most 100 MB
// after huge ones, beside some 300 bytes for each entry. Contents that exceed this are read again when they are needed again. The
// zero value is ready. Not for several goroutines at once; results do not depend on earlier calls.
type Detector struct {
	ctx          context.Context
	sources      []Entry
	destinations []Entry
	content      Content
	alone        bool
	minScore     int

	used  []bool  // by source: taken by a match (never set if alone)
	from  []int32 // by destination: its source, or none
	score []int32 // by destination, where from is not none

	heads map[identity]int32 // first pass: first unused source of a content
	next  []int32            // by source: the next unused one with the same content

	names                    map[string]int32 // base names of what the first pass leaves, numbered
	sourceName, destName     []int32          // by source, by destination
	sourceOfName, destOfName []int32          // by name: the only entry that has it, or none, or several

	blobNumber map[facts.ID]int32
	blobs      []blob
	pages      [][]chunk // storage of tables; the last ones may be empty
	page       int       // the page that is being filled
	room       int       // chunks that all pages have room for
	fresh      []chunk   // the table being made
	sum        []uint32  // by chunk hash: all zero between uses

	restSources, restDests   []int32
	sourceSizes, destSizes   []int64
	best                     []shortlist // by position in restDests
	batch                    []rival     // distinct contents of the sources that are compared at a time
	slots                    []int32     // by source of the batch: position in batch, or none
	common                   []uint32    // by position in batch: bytes in common with the destination at hand
	start                    []uint32    // by chunk hash: its postings begin here
	postings                 []posting
	candidates               []candidate
	maxChunks, indexMinSteps int // tests make them small
}

// Marks in columns of indices.
const (
	none    = -1
	several = -2
)

// Detect pairs sources with destinations. Both are in the order of git's diff, which is that of the bytes of full paths; the order
// decides ties. A path that exists before and after the commit belongs in neither.
//
// Matches come in the order of destinations. limited says that the third pass was left out because of Options.Limit. The only
// error is that of a context that is done; the matches are worth nothing then.
func (d *Detector) Detect(ctx context.Context, sources, destinations []Entry, content Content, options Options) (matches []Match, limited bool, err error) {
	if len(sources) == 0 || len(destinations) == 0 {
		return nil, false, ctx.Err()
	}
	d.prepare(ctx, sources, destinations, content, options)
	defer d.release()

	d.matchEqualContents()
	if d.minScore < MaxScore && d.anythingLeft() {
		if err := d.matchBaseNames(); err != nil {
			return nil, false, err
		}
		limit := options.Limit
		if limit == 0 {
			limit = DefaultLimit
		}
		limited, err = d.matchSimilarContents(limit)
		if err != nil {
			return nil, false, err
		}
	}
	for j, i := range d.from {
		if i != none {
			matches = append(matches, Match{Source: int(i), Destination: j, Score: int(d.score[j])})
		}
	}
	return matches, limited, nil
}

func (d *Detector) prepare(ctx context.Context, sources, destinations []Entry, content Content, options Options) {
	d.ctx, d.sources, d.destinations, d.content = ctx, sources, destinations, content
	d.alone = options.Alone
	d.minScore = options.MinScore
	if d.minScore <= 0 {
		d.minScore = DefaultMinScore
	}
	d.used = filled(d.used, len(sources), false)
	d.from = filled(d.from, len(destinations), none)
	d.score = filled(d.score, len(destinations), 0)
	d.blobNumber = emptied(d.blobNumber)
	d.blobs = d.blobs[:0]
	for k := range d.pages {
		d.pages[k] = d.pages[k][:0]
	}
	d.page = 0
	if d.sum == nil {
		d.sum = make([]uint32, hashes)
	}
	if d.maxChunks == 0 {
		d.maxChunks, d.indexMinSteps = 4<<20, 1<<18
	}
}

// release lets go of what belongs to the caller.
func (d *Detector) release() {
	d.ctx, d.sources, d.destinations, d.content = nil, nil, nil, Content{}
	d.names = emptied(d.names)
	clear(d.blobs)
	clear(d.batch)
}

// match records that source i became destination j.
func (d *Detector) match(i, j int32, score int) {
	d.from[j], d.score[j] = i, int32(score)
	if !d.alone {
		d.used[i] = true
	}
}

func (d *Detector) anythingLeft() bool {
	return slices.Contains(d.used, false) && slices.Contains(d.from, none)
}

// kind is what an entry's mode says it is, as git reads modes: whatever is neither a file nor a symbolic link is a submodule.
func kind(mode uint32) uint32 {
	switch k := mode & 0o170000; k {
	case file, symlink:
		return k
	}
	return submodule
}

const (
	file      = 0o100000
	symlink   = 0o120000
	submodule = 0o160000
)

// identity is what two entries share if one can be the other, renamed unchanged: files may differ in permissions.
type identity struct {
	blob facts.ID
	kind uint32
}

func baseName(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// maxTries is how many unused sources of equal content a destination is held against, in search of one with its base name.
const maxTries = 100

// matchEqualContents is the first pass. Unused sources of one content form a list, so that a commit that moves thousands of
// equal files costs maxTries steps for each and not one for each pair.
func (d *Detector) matchEqualContents() {
	d.heads = emptied(d.heads)
	d.next = filled(d.next, len(d.sources), none)
	for i := len(d.sources) - 1; i >= 0; i-- {
		e := &d.sources[i]
		key := identity{e.Blob, kind(e.Mode)}
		if head, ok := d.heads[key]; ok {
			d.next[i] = head
		}
		d.heads[key] = int32(i)
	}
	for j := range d.destinations {
		e := &d.destinations[j]
		key := identity{e.Blob, kind(e.Mode)}
		head, ok := d.heads[key]
		if !ok || head == none {
			continue
		}
		name := baseName(e.Path)
		found, before := head, int32(none)
		previous, i := int32(none), head
		for try := 0; try < maxTries && i != none; try++ {
			if baseName(d.sources[i].Path) == name {
				found, before = i, previous
				break
			}
			previous, i = i, d.next[i]
		}
		d.match(found, int32(j), MaxScore)
		switch {
		case d.alone:
		case before == none:
			d.heads[key] = d.next[found]
		default:
			d.next[before] = d.next[found]
		}
	}
}

// matchBaseNames is the second pass. Its pairs are disjoint, so their order does not matter.
func (d *Detector) matchBaseNames() error {
	d.names = emptied(d.names)
	d.sourceOfName, d.destOfName = d.sourceOfName[:0], d.destOfName[:0]
	d.sourceName = filled(d.sourceName, len(d.sources), none)
	d.destName = filled(d.destName, len(d.destinations), none)
	for i, used := range d.used {
		if !used {
			d.sourceName[i] = d.number(d.sources[i].Path)
			enter(d.sourceOfName, d.sourceName[i], int32(i))
		}
	}
	for j, i := range d.from {
		if i == none {
			d.destName[j] = d.number(d.destinations[j].Path)
			enter(d.destOfName, d.destName[j], int32(j))
		}
	}
	enough := d.minScore + (MaxScore-d.minScore)/2
	for j, i := range d.from {
		if i != none {
			continue
		}
		name := d.destName[j]
		i = d.sourceOfName[name]
		if i < 0 || (!d.alone && d.destOfName[name] != int32(j)) {
			continue
		}
		if err := d.ctx.Err(); err != nil {
			return err
		}
		if score := d.similarity(d.blob(&d.sources[i]), d.blob(&d.destinations[j])); score >= enough {
			d.match(i, int32(j), score)
		}
	}
	return nil
}

// number gives the number of the base name of path.
func (d *Detector) number(path string) int32 {
	name := baseName(path)
	n, ok := d.names[name]
	if !ok {
		n = int32(len(d.sourceOfName))
		d.names[name] = n
		d.sourceOfName = append(d.sourceOfName, none)
		d.destOfName = append(d.destOfName, none)
	}
	return n
}

// enter notes that entry has the name.
func enter(ofName []int32, name, entry int32) {
	if ofName[name] == none {
		ofName[name] = entry
	} else {
		ofName[name] = several
	}
}

// candidate is a possible match of the third pass.
type candidate struct {
	rank         int32 // 2*score, and 1 more for equal base names; none for an empty place
	source, dest int32
}

// shortlist holds the best candidates of one destination. A newcomer takes the place of the first of the worst; so equals do not
// always stand in the order of sources, and that order decides between equals later: the places are part of the result.
type shortlist [4]candidate

func (s *shortlist) worst() int {
	w := 0
	for k := 1; k < len(s); k++ {
		if s[k].rank < s[w].rank {
			w = k
		}
	}
	return w
}

// matchSimilarContents is the third pass.
func (d *Detector) matchSimilarContents(limit int) (limited bool, err error) {
	d.restSources, d.restDests = d.restSources[:0], d.restDests[:0]
	for i, used := range d.used {
		if !used {
			d.restSources = append(d.restSources, int32(i))
		}
	}
	for j, i := range d.from {
		if i == none {
			d.restDests = append(d.restDests, int32(j))
		}
	}
	rivals := len(d.restDests)
	if d.alone {
		rivals = min(rivals, 1)
	}
	if limit > 0 && limit < math.MaxInt32 && rivals*len(d.restSources) > limit*limit {
		return true, nil
	}
	if len(d.restDests) == 0 || len(d.restSources) == 0 {
		return false, nil
	}
	if err := d.fillShortlists(); err != nil {
		return false, err
	}
	if d.alone {
		for k, j := range d.restDests {
			top := d.best[k][0]
			for _, c := range d.best[k][1:] {
				if c.rank > top.rank {
					top = c
				}
			}
			if score := int(top.rank >> 1); score >= d.minScore {
				d.match(top.source, j, score)
			}
		}
		return false, nil
	}

	d.candidates = d.candidates[:0]
	for k := range d.best {
		for place, c := range d.best[k] {
			if c.rank >= 0 && int(c.rank>>1) >= d.minScore {
				c.dest = int32(k*len(shortlist{}) + place)
				d.candidates = append(d.candidates, c)
			}
		}
	}
	slices.SortFunc(d.candidates, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.rank, a.rank), cmp.Compare(a.dest, b.dest))
	})
	for _, c := range d.candidates {
		j := d.restDests[c.dest/int32(len(shortlist{}))]
		if d.from[j] == none && !d.used[c.source] {
			d.match(c.source, j, int(c.rank>>1))
		}
	}
	return false, nil
}

// fillShortlists holds every destination left against every source left. Sources are taken in batches, so that memory stays
// bounded whatever they contain; almost always one batch holds them all.
func (d *Detector) fillShortlists() error {
	d.best = d.best[:0]
	for range d.restDests {
		d.best = append(d.best, shortlist{{rank: none}, {rank: none}, {rank: none}, {rank: none}})
	}
	d.sourceSizes = d.sizes(d.sourceSizes[:0], d.sources, d.restSources)
	d.destSizes = d.sizes(d.destSizes[:0], d.destinations, d.restDests)

	for rest := d.restSources; len(rest) > 0; {
		taken, steps, err := d.takeBatch(rest)
		if err != nil {
			return err
		}
		indexed := steps*len(d.restDests) >= d.indexMinSteps
		if indexed {
			d.indexBatch()
		}
		d.common = filled(d.common, len(d.batch), 0)
		for k, j := range d.restDests {
			if err := d.ctx.Err(); err != nil {
				return err
			}
			d.compare(d.blob(&d.destinations[j]), indexed)
			d.enlist(&d.best[k], rest[:taken], j)
		}
		rest = rest[taken:]
	}
	return nil
}

// sizes gives the sizes of the readable files among entries[rest], ascending.
func (d *Detector) sizes(into []int64, entries []Entry, rest []int32) []int64 {
	for _, i := range rest {
		if b := d.blob(&entries[i]); b != none {
			if size := d.blobs[b].size; size >= 0 {
				into = append(into, size)
			}
		}
	}
	slices.Sort(into)
	return into
}

// anyFits says whether a file of some size in the ascending sizes can be similar to one of this size. The nearest sizes decide.
func (d *Detector) anyFits(sizes []int64, size int64) bool {
	k, _ := slices.BinarySearch(sizes, size)
	return k < len(sizes) && d.fits(sizes[k], size) || k > 0 && d.fits(sizes[k-1], size)
}

// rival is the content of a source. It holds its table itself: tables that are forgotten meanwhile need not be read again.
type rival struct {
	size  int64
	table []chunk
}

// takeBatch chooses the first sources of rest, and gives how many they are and how many chunks they have.
func (d *Detector) takeBatch(rest []int32) (taken, steps int, err error) {
	clear(d.batch)
	d.batch, d.slots = d.batch[:0], d.slots[:0]
	for b := range d.blobs {
		d.blobs[b].slot = none
	}
	for taken < len(rest) && steps < d.maxChunks/2 {
		slot := int32(none)
		b := d.blob(&d.sources[rest[taken]])
		if b != none && d.blobs[b].size >= 0 && d.anyFits(d.destSizes, d.blobs[b].size) {
			if d.blobs[b].slot == none {
				if err := d.ctx.Err(); err != nil {
					return 0, 0, err
				}
				table := d.table(b)
				d.blobs[b].slot = int32(len(d.batch))
				d.batch = append(d.batch, rival{d.blobs[b].size, table})
				steps += len(table)
			}
			slot = d.blobs[b].slot
		}
		d.slots = append(d.slots, slot)
		taken++
	}
	return taken, steps, nil
}

// posting says that a source of the batch has so many bytes under a chunk hash.
type posting struct{ slot, bytes uint32 }

// indexBatch turns the tables of the batch into lists of sources by chunk hash. With it a destination meets only what it has in
// common with the sources, not all that they hold.
func (d *Detector) indexBatch() {
	d.start = filled(d.start, hashes+1, 0)
	total := 0
	for _, source := range d.batch {
		for _, c := range source.table {
			d.start[c.hash]++
			total++
		}
	}
	at := uint32(0)
	for h, n := range d.start {
		at += n
		d.start[h] = at
	}
	d.postings = resized(d.postings, total)
	for slot := len(d.batch) - 1; slot >= 0; slot-- {
		for _, c := range d.batch[slot].table {
			d.start[c.hash]--
			d.postings[d.start[c.hash]] = posting{uint32(slot), c.bytes}
		}
	}
}

// compare sets common to what blob b shares with every source of the batch. Sources whose size excludes b may get anything.
func (d *Detector) compare(b int32, indexed bool) {
	clear(d.common)
	if b == none || d.blobs[b].size < 0 || !d.anyFits(d.sourceSizes, d.blobs[b].size) {
		return
	}
	table := d.table(b)
	if indexed {
		for _, c := range table {
			for _, p := range d.postings[d.start[c.hash]:d.start[c.hash+1]] {
				d.common[p.slot] += min(c.bytes, p.bytes)
			}
		}
		return
	}
	for _, c := range table {
		d.sum[c.hash] = c.bytes
	}
	for slot, source := range d.batch {
		if d.fits(source.size, d.blobs[b].size) {
			d.common[slot] = overlap(source.table, d.sum)
		}
	}
	for _, c := range table {
		d.sum[c.hash] = 0
	}
}

// enlist offers the sources of the batch, in order, to the shortlist of destination j.
func (d *Detector) enlist(list *shortlist, sources []int32, j int32) {
	size := int64(-1)
	if b := d.blob(&d.destinations[j]); b != none {
		size = d.blobs[b].size
	}
	name := d.destName[j]
	worst := list.worst()
	for k, i := range sources {
		rank := int32(0)
		if slot := d.slots[k]; slot != none && d.common[slot] > 0 {
			if other := d.batch[slot].size; size >= 0 && d.fits(other, size) {
				rank = 2 * int32(score(d.common[slot], max(other, size)))
			}
		}
		if d.sourceName[i] == name {
			rank++
		}
		if rank > list[worst].rank {
			list[worst] = candidate{rank: rank, source: i}
			worst = list.worst()
		}
	}
}

// filled gives a slice of n values v, in s if it is large enough.
func filled[T any](s []T, n int, v T) []T {
	s = resized(s, n)
	for i := range s {
		s[i] = v
	}
	return s
}

func resized[T any](s []T, n int) []T { return slices.Grow(s[:0], n)[:n] }

// emptied gives an empty map: m itself unless it has become so large that clearing it would burden every later commit.
func emptied[K comparable, V any](m map[K]V) map[K]V {
	if m == nil || len(m) > 1<<12 {
		return make(map[K]V)
	}
	clear(m)
	return m
}
