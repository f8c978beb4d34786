// Package spill keeps facts, and what is made of them repository by repository, in a file instead of in memory, so that a run over many repositories
// needs memory for the largest of them and not for all: the file is mapped, and the system takes its pages out of memory when others need it.
//
// What is kept is read as if it were in memory, by the same types. It is there for as long as the file is open: every slice and every string
// in it, and every part of one that somebody holds on to, dies with Close.
package spill

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"os"
	"reflect"
	"sync"
	"unsafe"

	"orrery/analyzer/facts"
)

// File keeps facts. Its methods may be called by many goroutines at once.
type File struct {
	mu       sync.Mutex
	file     *os.File
	size     int64    // of the file: that of all segments
	segments [][]byte // mapped, for reading only: facts are immutable
	free     int      // bytes at the end of the last segment that nobody has
	failed   error    // the first

	plans  map[reflect.Type]*plan
	images sync.Pool // of *image
}

// New gives a file that keeps facts in f, which is empty, open for reading and writing, and nobody else's.
func New(f *os.File) *File { return &File{file: f} }

// Close gives the space back. Nothing that was kept may be used any more.
func (s *File) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, segment := range s.segments {
		if err := unmap(segment); err != nil {
			return fmt.Errorf("closing what facts were spilled to: %w", err)
		}
	}
	s.segments, s.free = nil, 0
	return s.file.Close()
}

// Segments grow with what is kept, so that a small ecosystem takes little, and a large one few mappings: systems limit their number.
const (
	leastSegment = 1 << 20
	doublings    = 6
)

// region is a part of the file that is somebody's own.
type region struct {
	mapped []byte
	at     int64 // in the file
}

func (s *File) take(size int) (region, error) {
	const unit = 64
	size = (size + unit - 1) / unit * unit
	s.mu.Lock()
	defer s.mu.Unlock()
	if size > s.free {
		page := os.Getpagesize()
		n := (max(size, leastSegment<<min(len(s.segments), doublings)) + page - 1) / page * page
		// What is never written takes no room on the disk.
		if err := s.file.Truncate(s.size + int64(n)); err != nil {
			return region{}, err
		}
		segment, err := mapFile(s.file, s.size, n)
		if err != nil {
			return region{}, err
		}
		s.segments, s.free, s.size = append(s.segments, segment), n, s.size+int64(n)
	}
	last := s.segments[len(s.segments)-1]
	from := len(last) - s.free
	s.free -= size
	return region{last[from : from+size : from+size], s.size - int64(len(last)-from)}, nil
}

// Keep gives facts that hold the same and lie in the file. Those that it was given are as they were.
func (s *File) Keep(f *facts.Repository) (*facts.Repository, error) {
	kept, err := s.keep(f)
	if err != nil {
		return nil, fmt.Errorf("spilling the facts of %s: %w", f.Key, err)
	}
	return kept, nil
}

func (s *File) keep(f *facts.Repository) (*facts.Repository, error) {
	plain := bytesOf(f.Parents) + bytesOf(f.Changes) + bytesOf(f.Steps) + bytesOf(f.Survival) + bytesOf(f.Contents)
	rows := bytesOf(f.Commits) + bytesOf(f.Signatures) + bytesOf(f.Paths) + bytesOf(f.Documents) + bytesOf(f.Trailers)
	texts := 0
	for i := range f.Commits {
		texts += len(f.Commits[i].Subject)
	}
	for i := range f.Signatures {
		texts += len(f.Signatures[i].Name) + len(f.Signatures[i].Email)
	}
	for _, p := range f.Paths {
		texts += len(p)
	}
	for i := range f.Documents {
		texts += len(f.Documents[i].Content)
	}
	for i := range f.Trailers {
		texts += len(f.Trailers[i].Key) + len(f.Trailers[i].Value)
	}
	if plain+rows+texts == 0 {
		return f, nil
	}
	all, err := s.take(plain + rows + texts)
	if err != nil {
		return nil, err
	}
	kept := *f
	// Numbers, which are most of it, go to the file beside what has texts.
	numbers := s.writer(region{all.mapped[:plain:plain], all.at}, 0)
	var done sync.WaitGroup
	done.Go(func() {
		kept.Parents = put(numbers, f.Parents, nil)
		kept.Changes = put(numbers, f.Changes, nil)
		kept.Steps = put(numbers, f.Steps, nil)
		kept.Survival = put(numbers, f.Survival, nil)
		kept.Contents = put(numbers, f.Contents, nil)
		numbers.flush()
	})
	w := s.writer(region{all.mapped[plain:], all.at + int64(plain)}, rows)
	kept.Commits = put(w, f.Commits, func(c *facts.Commit) { c.Subject = w.keep(c.Subject) })
	kept.Signatures = put(w, f.Signatures, func(s *facts.Signature) { s.Name, s.Email = w.keep(s.Name), w.keep(s.Email) })
	kept.Paths = put(w, f.Paths, func(p *string) { *p = w.keep(*p) })
	kept.Documents = put(w, f.Documents, func(d *facts.Document) {
		if len(d.Content) > 0 {
			d.Content = w.keepBytes(d.Content)
		}
	})
	keys := map[string]string{} // a few, again and again
	kept.Trailers = put(w, f.Trailers, func(t *facts.Trailer) {
		key, ok := keys[t.Key]
		if !ok {
			key = w.keep(t.Key)
			keys[t.Key] = key
		}
		t.Key, t.Value = key, w.keep(t.Value)
	})
	w.flush()
	done.Wait()
	if err := cmp.Or(numbers.err, w.err); err != nil {
		return nil, err
	}
	return &kept, nil
}

// writer fills a region: rows at its beginning, and the texts that they point to behind them. It writes to the file and not to memory, so that a full disk is an
// error and no fault.
type writer struct {
	mapped      []byte
	row, text   int // places in the region
	rows, texts *bufio.Writer
	err         error
}

const bufferSize = 128 << 10

// writer fills a region that has so many bytes of rows.
func (s *File) writer(r region, rows int) *writer {
	buffer := func(from int) *bufio.Writer {
		return bufio.NewWriterSize(io.NewOffsetWriter(s.file, r.at+int64(from)), bufferSize)
	}
	return &writer{mapped: r.mapped, text: rows, rows: buffer(0), texts: buffer(rows)}
}

func (w *writer) flush() {
	if w.err == nil {
		w.err = cmp.Or(w.rows.Flush(), w.texts.Flush())
	}
}

// keep gives a text at its place in the region.
func (w *writer) keep(text string) string {
	if text == "" {
		return ""
	}
	if _, err := w.texts.WriteString(text); err != nil && w.err == nil {
		w.err = err
	}
	at := w.text
	w.text += len(text)
	return unsafe.String(&w.mapped[at], len(text)) //nolint:gosec // within the region, which nobody else has
}

// keepBytes is keep for bytes.
func (w *writer) keepBytes(content []byte) []byte {
	if _, err := w.texts.Write(content); err != nil && w.err == nil {
		w.err = err
	}
	at := w.text
	w.text += len(content)
	return w.mapped[at:w.text:w.text]
}

// alignment is that of every type of rows.
const alignment = 8

func bytesOf[T any](list []T) int {
	n := len(list) * int(unsafe.Sizeof(*new(T)))
	return (n + alignment - 1) / alignment * alignment
}

// put gives a column at its place in the region; move leads what a row points to into the region as well. nil is for rows that point to nothing.
func put[T any](w *writer, list []T, move func(*T)) []T {
	if len(list) == 0 || w.err != nil {
		return list
	}
	write := func(rows []T) {
		size := len(rows) * int(unsafe.Sizeof(*new(T)))
		if _, err := w.rows.Write(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(rows))), size)); err != nil && w.err == nil { //nolint:gosec // their own bytes
			w.err = err
		}
	}
	if move == nil {
		write(list)
	} else {
		some := make([]T, min(len(list), 512))
		for rest := list; len(rest) > 0; {
			n := copy(some, rest)
			rest = rest[n:]
			for i := range some[:n] {
				move(&some[i])
			}
			write(some[:n])
		}
	}
	kept := unsafe.Slice((*T)(unsafe.Pointer(&w.mapped[w.row])), len(list)) //nolint:gosec // within the region, at a multiple of its alignment
	size := len(list) * int(unsafe.Sizeof(*new(T)))
	w.row += bytesOf(list)
	if pad := bytesOf(list) - size; pad > 0 && w.err == nil {
		_, w.err = w.rows.Write(make([]byte, pad))
	}
	return kept
}
