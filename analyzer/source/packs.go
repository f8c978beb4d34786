package source

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha1" //nolint:gosec // the format of packs is built on it
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"orrery/analyzer/disk"
)

// keptPacks is how many packs a mirror may have before small ones are put together.
const keptPacks = 8

const (
	sha1Size    = 20
	packHeader  = 12
	indexHeader = 8 + 256*4
	maxOffset31 = 1<<31 - 1
)

// consolidate puts the small packs in a folder together when there are many, so that each one that stays is at least as large as all smaller
// ones together: their number grows with the logarithm of what was fetched, and an object is written again as seldom. tmp is a folder on the
// same disk for what is being written.
//
// A pack that was fetched needs no other, and a delta names its base by its hash or by the distance to it: so the entries of several packs, one
// pack after the other, are a pack again, and nothing is inflated for it. An object that comes again is left out; deltas across it, or of it, get
// another distance. A pack whose objects all stand in another one, as a crash after the merged one came into place leaves them, is just removed.
// No file is ever changed: who has opened the old packs reads on in them, and who finds that one is gone lists the folder anew.
//
// Packs that another tool cares for (it keeps more than the pack and its index, or an index over several packs) are left alone.
func consolidate(d disk.System, folder, tmp string) error {
	packs, err := listPacks(d, folder)
	if err != nil || len(packs) <= keptPacks {
		return err
	}
	small := packs[split(packs):]
	if len(small) == 0 {
		return nil
	}
	for _, p := range packs {
		if p.index, err = readIndex(d, p.path(".idx")); err != nil {
			return err
		}
	}
	// The largest first, so that of two with the same objects one stays.
	redundant := map[*packFile]bool{}
	for i, p := range slices.Backward(packs) {
		redundant[p] = slices.ContainsFunc(packs[:i], p.isIn)
	}
	small = slices.DeleteFunc(slices.Clone(small), func(p *packFile) bool { return redundant[p] })
	if len(small) > 1 {
		if err := merge(d, small, folder, tmp); err != nil {
			return err
		}
		for _, p := range small {
			redundant[p] = true
		}
	}
	for _, p := range packs {
		if redundant[p] {
			// First the pack: an index alone is passed over.
			if err := d.RemoveAll(p.path(".pack")); err != nil {
				return err
			}
			if err := d.RemoveAll(p.path(".idx")); err != nil {
				return err
			}
		}
	}
	return d.SyncDir(folder)
}

// split gives how many of the packs, which come largest first, are as large as all that follow them together.
func split(packs []*packFile) int {
	rest, keep := int64(0), len(packs)
	for i, p := range slices.Backward(packs) {
		if p.size < rest {
			keep = i
		}
		rest += p.size
	}
	return keep
}

// packFile is a pack of a mirror that nothing but its index belongs to.
type packFile struct {
	stem   string // its path without ending
	size   int64
	index  *packIndex
	placed []uint64 // where its objects stand in the pack that they are put together in, by their place in the index; 0 if they do not
}

func (p *packFile) path(suffix string) string { return p.stem + suffix }

// isIn says whether another pack has all the objects.
func (p *packFile) isIn(other *packFile) bool {
	if p.index.count() > other.index.count() {
		return false
	}
	at := 0
	for i := range p.index.count() {
		for at < other.index.count() && bytes.Compare(other.index.id(at), p.index.id(i)) < 0 {
			at++
		}
		if at == other.index.count() || !bytes.Equal(other.index.id(at), p.index.id(i)) {
			return false
		}
	}
	return true
}

// listPacks gives the packs that may be put together, the largest first, and removes what was left behind of others.
func listPacks(d disk.System, folder string) ([]*packFile, error) {
	entries, err := d.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	endings := map[string][]string{}
	for _, e := range entries {
		if e.Name() == "multi-pack-index" {
			return nil, nil
		}
		stem, ending, _ := strings.Cut(e.Name(), ".")
		endings[stem] = append(endings[stem], ending)
	}
	var packs []*packFile
	for _, e := range entries {
		stem, ending, _ := strings.Cut(e.Name(), ".")
		digits, ours := strings.CutPrefix(stem, "pack-")
		if _, err := hex.DecodeString(digits); !ours || err != nil {
			continue
		}
		switch files := endings[stem]; {
		case ending == "idx" && len(files) == 1:
			if err := d.RemoveAll(filepath.Join(folder, e.Name())); err != nil {
				return nil, err
			}
		case ending == "pack" && len(files) == 2 && slices.Contains(files, "idx"):
			info, err := e.Info()
			if err != nil {
				return nil, err
			}
			packs = append(packs, &packFile{stem: filepath.Join(folder, stem), size: info.Size()})
		}
	}
	slices.SortFunc(packs, func(a, b *packFile) int {
		return cmp.Or(cmp.Compare(b.size, a.size), strings.Compare(a.stem, b.stem))
	})
	return packs, nil
}

// packIndex is an index of version 2.
type packIndex struct {
	ids, sums, offsets, far []byte
	pack                    []byte // the sum of its pack
}

func (x *packIndex) count() int      { return len(x.ids) / sha1Size }
func (x *packIndex) id(i int) []byte { return x.ids[i*sha1Size:][:sha1Size] }

// offset gives where an object stands in the pack.
func (x *packIndex) offset(i int) (uint64, error) {
	near := binary.BigEndian.Uint32(x.offsets[4*i:])
	if near <= maxOffset31 {
		return uint64(near), nil
	}
	at := 8 * int(near&maxOffset31)
	if at+8 > len(x.far) {
		return 0, errors.New("an offset is out of bounds")
	}
	return binary.BigEndian.Uint64(x.far[at:]), nil
}

// find gives the place of an object.
func (x *packIndex) find(id []byte) (int, bool) {
	return sort.Find(x.count(), func(i int) int { return bytes.Compare(id, x.id(i)) })
}

// orderedEntry is the place in the pack, and in the index, of an object.
type orderedEntry struct {
	offset   uint64
	position int
}

// order gives the objects as they stand in a pack whose entries end at an offset. It is false if they cannot stand like that.
func (x *packIndex) order(end uint64) ([]orderedEntry, bool) {
	all := make([]orderedEntry, x.count())
	for i := range all {
		offset, err := x.offset(i)
		if err != nil || offset >= end {
			return nil, false
		}
		all[i] = orderedEntry{offset, i}
	}
	slices.SortFunc(all, func(a, b orderedEntry) int { return cmp.Compare(a.offset, b.offset) })
	for i := 1; i < len(all); i++ {
		if all[i].offset == all[i-1].offset {
			return nil, false
		}
	}
	return all, len(all) > 0 && all[0].offset == packHeader
}

func readIndex(d disk.System, name string) (*packIndex, error) {
	content, err := d.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if len(content) < indexHeader+2*sha1Size || string(content[:8]) != "\377tOc\x00\x00\x00\x02" {
		return nil, fmt.Errorf("reading %s: not an index of version 2", name)
	}
	body, trailer := content[:len(content)-sha1Size], content[len(content)-sha1Size:]
	if sum := sha1.Sum(body); !bytes.Equal(sum[:], trailer) { //nolint:gosec // as above
		return nil, fmt.Errorf("reading %s: its bytes do not fit its sum", name)
	}
	n := int(binary.BigEndian.Uint32(content[indexHeader-4:]))
	rows, pack := body[indexHeader:len(body)-sha1Size], body[len(body)-sha1Size:]
	if len(rows) < n*(sha1Size+8) {
		return nil, fmt.Errorf("reading %s: it is cut short", name)
	}
	take := func(size int) (part []byte) {
		part, rows = rows[:size:size], rows[size:]
		return part
	}
	return &packIndex{ids: take(n * sha1Size), sums: take(4 * n), offsets: take(4 * n), far: rows, pack: pack}, nil
}

// packedObject is a line of the index that is being made.
type packedObject struct {
	id     [sha1Size]byte
	sum    uint32
	offset uint64
}

// merge puts a pack with all that the packs hold, and its index, into the folder.
func merge(d disk.System, packs []*packFile, folder, tmp string) error {
	m := &merging{}
	sum, err := m.write(packs, filepath.Join(tmp, "merged.pack"))
	if err != nil {
		return err
	}
	if err := d.WriteFile(filepath.Join(tmp, "merged.idx"), encodeIndex(m.objects, sum), 0o444); err != nil {
		return err
	}
	for _, suffix := range []string{".idx", ".pack"} {
		if err := d.Rename(filepath.Join(tmp, "merged"+suffix), filepath.Join(folder, "pack-"+hex.EncodeToString(sum)+suffix)); err != nil {
			return err
		}
	}
	return d.SyncDir(folder)
}

// merging is a pack that is being written out of others.
type merging struct {
	packs   []*packFile // that are in it
	objects []packedObject
	out     io.Writer
	at      uint64
}

// write gives the sum of the pack.
func (m *merging) write(packs []*packFile, to string) (sum []byte, err error) {
	f, err := os.OpenFile(to, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o444)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	buffered := bufio.NewWriterSize(f, bufferSize)
	m.out, m.at = buffered, packHeader
	if _, err := m.out.Write(make([]byte, packHeader)); err != nil {
		return nil, err
	}
	for _, p := range packs {
		if err := m.add(p); err != nil {
			return nil, err
		}
		m.packs = append(m.packs, p)
	}
	if err := buffered.Flush(); err != nil {
		return nil, err
	}
	// How many objects there are is known at the end, and the sum is over it.
	header := binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), uint32(len(m.objects)))
	if _, err := f.WriteAt(header, 0); err != nil {
		return nil, err
	}
	digest := sha1.New() //nolint:gosec // as above
	if _, err := io.Copy(digest, io.NewSectionReader(f, 0, int64(m.at))); err != nil {
		return nil, err
	}
	sum = digest.Sum(nil)
	if _, err := f.WriteAt(sum, int64(m.at)); err != nil {
		return nil, err
	}
	return sum, f.Sync()
}

// add copies the objects of a pack that are not there yet, and holds the pack against its sum: damage is not passed on under a new one.
func (m *merging) add(p *packFile) error {
	f, err := os.Open(p.path(".pack"))
	if err != nil {
		return err
	}
	defer f.Close()
	wrong := func(what string) error { return fmt.Errorf("reading %s: %s", p.path(".pack"), what) }
	x := p.index
	order, ok := x.order(uint64(max(0, p.size-sha1Size)))
	if !ok {
		return wrong("its index does not fit it")
	}
	digest := sha1.New() //nolint:gosec // as above
	in := bufio.NewReaderSize(io.TeeReader(io.NewSectionReader(f, 0, p.size-sha1Size), digest), bufferSize)
	header := make([]byte, packHeader)
	if _, err := io.ReadFull(in, header); err != nil {
		return err
	}
	if string(header[:4]) != "PACK" || int(binary.BigEndian.Uint32(header[8:])) != x.count() {
		return wrong("its index does not fit it")
	}
	p.placed = make([]uint64, x.count())
	for i, entry := range order {
		end := uint64(p.size - sha1Size)
		if i+1 < len(order) {
			end = order[i+1].offset
		}
		length := int64(end - entry.offset)
		if m.where(x.id(entry.position)) != 0 {
			if _, err := io.CopyN(io.Discard, in, length); err != nil {
				return err
			}
			continue
		}
		head, err := in.Peek(int(min(length, maxEntryHeader)))
		if err != nil {
			return err
		}
		kind, back, ok := splitHeader(head)
		if !ok {
			return wrong("an object in it is malformed")
		}
		o := packedObject{id: [sha1Size]byte(x.id(entry.position)), sum: binary.BigEndian.Uint32(x.sums[4*entry.position:]), offset: m.at}
		distance := uint64(0)
		if len(back) > 0 {
			at, found := slices.BinarySearchFunc(order, entry.offset-distanceOf(back), func(e orderedEntry, offset uint64) int { return cmp.Compare(e.offset, offset) })
			if !found || at >= i {
				return wrong("a delta in it has no base")
			}
			base := p.placed[order[at].position]
			if base == 0 {
				base = m.where(x.id(order[at].position))
			}
			distance = m.at - base // a base that is left out is there already
		}
		p.placed[entry.position] = m.at
		if distance == distanceOf(back) {
			if _, err := io.CopyN(m.out, in, length); err != nil {
				return err
			}
			m.at += uint64(length)
		} else {
			// The base stands elsewhere: in a pack that had it before, or nearer, since something between them is left out.
			rest := make([]byte, length)
			start := appendDistance(slices.Clone(kind), distance)
			used := len(kind) + len(back)
			if _, err := io.ReadFull(in, rest); err != nil {
				return err
			}
			whole := append(start, rest[used:]...)
			if _, err := m.out.Write(whole); err != nil {
				return err
			}
			o.sum = crc32.ChecksumIEEE(whole)
			m.at += uint64(len(whole))
		}
		m.objects = append(m.objects, o)
	}
	trailer := make([]byte, sha1Size)
	if _, err := f.ReadAt(trailer, p.size-sha1Size); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if !bytes.Equal(trailer, digest.Sum(nil)) || !bytes.Equal(trailer, x.pack) {
		return wrong("its bytes do not fit its sum")
	}
	return nil
}

// where gives the offset of an object that an earlier pack has brought; 0 if none has.
func (m *merging) where(id []byte) uint64 {
	for _, p := range m.packs {
		if at, ok := p.index.find(id); ok && p.placed[at] != 0 {
			return p.placed[at]
		}
	}
	return 0
}

const (
	offsetDelta    = 6
	maxEntryHeader = 32
	bufferSize     = 1 << 18
)

// splitHeader gives the parts of an entry's header: kind and size, and, for a delta that names its base by distance, the distance.
func splitHeader(b []byte) (kind, back []byte, ok bool) {
	end := func(from int) int {
		for i := from; i < len(b); i++ {
			if b[i]&0x80 == 0 {
				return i + 1
			}
		}
		return -1
	}
	n := end(0)
	if n < 0 {
		return nil, nil, false
	}
	if b[0]>>4&7 != offsetDelta {
		return b[:n], nil, true
	}
	m := end(n)
	if m < 0 || m-n > 9 {
		return nil, nil, false
	}
	return b[:n], b[n:m], true
}

// distanceOf reads a number to base 128, most significant digit first, where each carry counts one more; 0 for none.
func distanceOf(digits []byte) (v uint64) {
	for i, d := range digits {
		if i > 0 {
			v++
		}
		v = v<<7 | uint64(d&0x7f)
	}
	return v
}

func appendDistance(b []byte, v uint64) []byte {
	digits := []byte{byte(v & 0x7f)}
	for v >>= 7; v > 0; v >>= 7 {
		v--
		digits = append(digits, 0x80|byte(v&0x7f))
	}
	slices.Reverse(digits)
	return append(b, digits...)
}

// encodeIndex gives the index, of version 2, of a pack with these objects and this sum.
func encodeIndex(objects []packedObject, pack []byte) []byte {
	slices.SortFunc(objects, func(a, b packedObject) int { return bytes.Compare(a.id[:], b.id[:]) })
	out := make([]byte, 0, indexHeader+len(objects)*(sha1Size+8)+2*sha1Size)
	out = append(out, "\377tOc\x00\x00\x00\x02"...)
	n := 0
	for first := range 256 {
		for n < len(objects) && int(objects[n].id[0]) == first {
			n++
		}
		out = binary.BigEndian.AppendUint32(out, uint32(n))
	}
	for i := range objects {
		out = append(out, objects[i].id[:]...)
	}
	for i := range objects {
		out = binary.BigEndian.AppendUint32(out, objects[i].sum)
	}
	var far []byte
	for i := range objects {
		near := uint32(objects[i].offset)
		if objects[i].offset > maxOffset31 {
			near = 1<<31 | uint32(len(far)/8)
			far = binary.BigEndian.AppendUint64(far, objects[i].offset)
		}
		out = binary.BigEndian.AppendUint32(out, near)
	}
	out = append(append(out, far...), pack...)
	sum := sha1.Sum(out) //nolint:gosec // as above
	return append(out, sum[:]...)
}
