// Package odb reads git objects: packs (mapped, deltas resolved), loose objects and alternates, for a reader that goes through whole
// histories. Objects are numbered, so that whatever is known of them lies in dense columns.
//
// Everything that is read is untrusted: declared sizes, depths and counts are bounded before memory is asked for.
package odb

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sort"
	"strings"

	"orrery/analyzer/facts"
)

// Number is the number of an object in its [Database]: stable as long as that is open, below [Database.Len].
type Number uint32

// None is the number of no object.
const None Number = math.MaxUint32

// Error says that one object cannot be had, and why.
type Error struct {
	Reason facts.Reason
	ID     facts.ID
	Err    error
}

func (e *Error) Error() string { return fmt.Sprintf("object %s: %s: %v", e.ID, e.Reason, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// ReasonOf gives the reason of an [Error], and Corrupt for any other error.
func ReasonOf(err error) facts.Reason {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return facts.Corrupt
}

// Database is the objects of one repository with those of its alternates. It may be used by many goroutines at once.
type Database struct {
	packs []*pack
	// loose objects are numbered behind the packed ones, in the order of their names.
	loose []looseObject
	first Number // number of loose[0]
	// Warnings says which packs could not be opened: their objects are missing, the others can be read.
	Warnings []string
}

type looseObject struct {
	id  facts.ID
	dir string // the objects folder that holds it
}

const maxAlternates = 16

// Open opens a folder of objects (".git/objects") with its alternates.
func Open(dir string) (*Database, error) {
	db := &Database{}
	if err := db.addFolder(dir, map[string]bool{}); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	next := uint64(0)
	for _, p := range db.packs {
		p.base = Number(next)
		next += uint64(p.count)
	}
	db.first = Number(next)
	slices.SortStableFunc(db.loose, func(a, b looseObject) int { return bytes.Compare(a.id[:], b.id[:]) })
	db.loose = slices.CompactFunc(db.loose, func(a, b looseObject) bool { return a.id == b.id })
	if next+uint64(len(db.loose)) >= uint64(None) {
		return nil, errors.Join(errors.New("more objects than a number can name"), db.Close())
	}
	return db, nil
}

func (db *Database) addFolder(dir string, seen map[string]bool) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if seen[abs] {
		return nil
	}
	if seen[abs] = true; len(seen) > maxAlternates {
		return fmt.Errorf("more than %d alternates", maxAlternates)
	}
	folders, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, f := range folders {
		if len(f.Name()) == 2 && f.IsDir() {
			if err := db.addLoose(dir, f.Name()); err != nil {
				return err
			}
		}
	}
	if err := db.addPacks(filepath.Join(dir, "pack")); err != nil {
		return err
	}
	list, err := ReadBounded(filepath.Join(dir, "info", "alternates"), 1<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for line := range strings.SplitSeq(string(list), "\n") {
		line = strings.TrimSuffix(line, "\r")
		if line == "" || line[0] == '#' {
			continue
		}
		if !filepath.IsAbs(line) {
			line = filepath.Join(dir, line)
		}
		if err := db.addFolder(line, seen); err != nil {
			db.Warnings = append(db.Warnings, fmt.Sprintf("an alternate cannot be read: %v", err))
		}
	}
	return nil
}

// addPacks opens the packs in a folder. Where one goes as it is being opened, its objects have come into another pack: the folder is listed anew.
func (db *Database) addPacks(dir string) error {
	const tries = 4
	packs, warnings := len(db.packs), len(db.Warnings)
	for try := 1; ; try++ {
		files, err := filepath.Glob(filepath.Join(globEscape(dir), "*.pack"))
		if err != nil {
			return err
		}
		slices.Sort(files)
		gone := false
		for _, path := range files {
			var p *pack
			if err := Guard(func() (err error) { p, err = openPack(path); return err }); err != nil {
				db.Warnings = append(db.Warnings, err.Error())
				gone = gone || errors.Is(err, fs.ErrNotExist)
				continue
			}
			db.packs = append(db.packs, p)
		}
		if !gone || try == tries {
			return nil
		}
		for _, p := range db.packs[packs:] {
			if err := p.close(); err != nil {
				return err
			}
		}
		db.packs, db.Warnings = db.packs[:packs], db.Warnings[:warnings]
	}
}

func globEscape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(s)
}

func (db *Database) addLoose(dir, prefix string) error {
	files, err := os.ReadDir(filepath.Join(dir, prefix))
	if err != nil {
		return err
	}
	for _, f := range files {
		if id, ok := idFromHex(prefix + f.Name()); ok {
			db.loose = append(db.loose, looseObject{id, dir})
		}
	}
	return nil
}

// Close unmaps the packs. No reader may be used any more.
func (db *Database) Close() error {
	var errs []error
	for _, p := range db.packs {
		errs = append(errs, p.close())
	}
	return errors.Join(errs...)
}

// Len gives how many objects there are; copies in several packs count each.
func (db *Database) Len() int { return int(db.first) + len(db.loose) }

// Lookup gives the number of an object.
func (db *Database) Lookup(id facts.ID) (Number, bool) {
	for _, p := range db.packs {
		if at, ok := p.find(&id); ok {
			p.order()
			return p.base + Number(p.ranks[at]), true
		}
	}
	at, ok := slices.BinarySearchFunc(db.loose, id, func(o looseObject, id facts.ID) int { return bytes.Compare(o.id[:], id[:]) })
	return db.first + Number(at), ok
}

// PackedCommit says whether an object is a commit in a pack that holds it whole: without reading it, and without numbers.
func (db *Database) PackedCommit(id facts.ID) bool {
	for _, p := range db.packs {
		if at, ok := p.find(&id); ok {
			off, err := p.indexOffset(at)
			return err == nil && Kind(p.data[off]>>4&7) == Commit
		}
	}
	return false
}

// ID gives the name of an object.
func (db *Database) ID(n Number) facts.ID {
	if n >= db.first {
		return db.loose[n-db.first].id
	}
	p, rank := db.packOf(n)
	p.order()
	return p.id(p.positions[rank])
}

func (db *Database) packOf(n Number) (*pack, uint32) {
	i := 0
	if len(db.packs) > 1 {
		i, _ = slices.BinarySearchFunc(db.packs, n, func(p *pack, n Number) int { return cmp.Compare(p.base+Number(p.count), n+1) })
	}
	p := db.packs[i]
	return p, uint32(n - p.base)
}

// Near gives the numbers of up to n objects that follow an object in its pack, itself first: what is stored together was made together.
func (db *Database) Near(dst []Number, at Number, n int) []Number {
	if at >= db.first {
		return append(dst, at)
	}
	p, rank := db.packOf(at)
	for end := min(uint64(rank)+uint64(n), uint64(p.count)); uint64(rank) < end; rank++ {
		dst = append(dst, p.base+Number(rank))
	}
	return dst
}

func (db *Database) readLoose(n Number, limit uint64) (Kind, []byte, error) {
	o := db.loose[n-db.first]
	name := o.id.String()
	f, err := OpenRegular(filepath.Join(o.dir, name[:2], name[2:]))
	if err != nil {
		return 0, nil, err
	}
	defer f.Close()
	return decodeLoose(f, limit)
}

// errTooLarge marks objects above the cap.
var errTooLarge = errors.New("larger than the cap on one object")

// Guard runs f and turns a memory fault in it, as a pack that is cut short while it is mapped raises, into an error.
func Guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			fault, ok := r.(interface{ Addr() uintptr })
			if !ok {
				panic(r)
			}
			err = fmt.Errorf("a pack changed while it was read (fault at %#x): %w", fault.Addr(), io.ErrUnexpectedEOF)
		}
	}()
	return f()
}

// Abbreviated finds the one object whose name starts with at least four hexadecimal digits; false if there is none or several.
func (db *Database) Abbreviated(prefix string) (facts.ID, bool) {
	if len(prefix) < 4 || len(prefix) > 2*hashSize {
		return facts.ID{}, false
	}
	lo, ok := idFromHex(prefix + strings.Repeat("0", 2*hashSize-len(prefix)))
	hi, _ := idFromHex(prefix + strings.Repeat("f", 2*hashSize-len(prefix)))
	if !ok {
		return facts.ID{}, false
	}
	var found []facts.ID
	for _, p := range db.packs {
		n := sort.Search(int(p.count), func(i int) bool { id := p.id(uint32(i)); return bytes.Compare(id[:], lo[:]) >= 0 })
		for ; n < int(p.count) && len(found) < 64; n++ {
			id := p.id(uint32(n))
			if bytes.Compare(id[:], hi[:]) > 0 {
				break
			}
			found = append(found, id)
		}
	}
	for _, o := range db.loose {
		if bytes.Compare(o.id[:], lo[:]) >= 0 && bytes.Compare(o.id[:], hi[:]) <= 0 {
			found = append(found, o.id)
		}
	}
	slices.SortFunc(found, func(a, b facts.ID) int { return bytes.Compare(a[:], b[:]) })
	found = slices.Compact(found)
	if len(found) != 1 {
		return facts.ID{}, false
	}
	return found[0], true
}
