package spill

import (
	"fmt"
	"reflect"
	"sync"
	"unsafe"
)

// List is a list of a length that is known, filled in the file part by part. Its rows are whatever types are made of numbers, texts, lists, pointers and
// structures; what they point to is copied with them, so what two of them share they do not share any more. Where the file takes no more, the list goes on in
// memory, which is as good, and [File.Err] says why.
type List[T any] struct {
	file *File
	all  region // of the rows
	plan *plan
	n    int

	mu     sync.RWMutex // for writing: while the list moves to memory
	memory []T          // instead of all; nil as long as there is room in the file
}

// NewList makes room for n rows. A nil file keeps them in memory. So it is with rows that hold maps, functions or interfaces: those a file cannot take.
func NewList[T any](s *File, n int) *List[T] {
	l := &List[T]{file: s, n: n}
	if s == nil || n == 0 {
		l.memory = make([]T, n)
		return l
	}
	var err error
	if l.plan, err = s.planOf(reflect.TypeFor[T]()); err == nil {
		l.all, err = s.take(n * l.plan.size)
	}
	if err != nil {
		s.fail(fmt.Errorf("spilling %d rows: %w", n, err))
		l.memory = make([]T, n)
	}
	return l
}

// Set fills in rows from at on: each once. Many goroutines may do so at once. The rows that it was given are as they were.
func (l *List[T]) Set(at int, rows []T) {
	if len(rows) == 0 {
		return
	}
	l.mu.RLock()
	err := l.set(at, rows)
	l.mu.RUnlock()
	if err == nil {
		return
	}
	l.file.fail(fmt.Errorf("spilling %d rows: %w", len(rows), err))
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.memory == nil {
		l.memory = make([]T, l.n)
		copy(l.memory, l.mapped())
	}
	copy(l.memory[at:], rows)
}

func (l *List[T]) set(at int, rows []T) error {
	if l.memory != nil {
		copy(l.memory[at:], rows)
		return nil
	}
	from := at * l.plan.size
	to := region{l.all.mapped[from : from+len(rows)*l.plan.size], l.all.at + int64(from)}
	return l.file.write(l.plan, to, unsafe.Pointer(unsafe.SliceData(rows)), len(rows)) //nolint:gosec // their own bytes
}

// Rows gives the list once it is filled. It must not be written to.
func (l *List[T]) Rows() []T {
	if l.memory != nil {
		return l.memory
	}
	return l.mapped()
}

func (l *List[T]) mapped() []T {
	return unsafe.Slice((*T)(unsafe.Pointer(&l.all.mapped[0])), l.n) //nolint:gosec // within the region, at a multiple of its alignment
}

// Keep gives the same rows, kept in the file as [List] says.
func Keep[T any](s *File, rows []T) []T {
	if len(rows) == 0 || s == nil || s.has(unsafe.Pointer(unsafe.SliceData(rows))) { //nolint:gosec // only compared
		return rows // nil stays nil
	}
	l := NewList[T](s, len(rows))
	l.fill(0, rows)
	return l.Rows()
}

// Concat gives the rows of all parts one after the other, kept in the file as [List] says.
func Concat[T any](s *File, parts ...[]T) []T {
	n, last := 0, 0
	for i, part := range parts {
		if n += len(part); len(part) > 0 {
			last = i
		}
	}
	switch n {
	case 0:
		return nil
	case len(parts[last]): // the only one: no need to have it twice
		return Keep(s, parts[last])
	}
	l, at := NewList[T](s, n), 0
	for _, part := range parts {
		l.fill(at, part)
		at += len(part)
	}
	return l.Rows()
}

// fill is Set in pieces, each of which is put together in memory.
func (l *List[T]) fill(at int, rows []T) {
	const piece = 1 << 10
	for len(rows) > 0 {
		n := min(piece, len(rows))
		l.Set(at, rows[:n])
		at, rows = at+n, rows[n:]
	}
}

// has says whether something lies in the file.
func (s *File) has(p unsafe.Pointer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, segment := range s.segments {
		if at := uintptr(unsafe.Pointer(unsafe.SliceData(segment))); at <= uintptr(p) && uintptr(p) < at+uintptr(len(segment)) { //nolint:gosec // only compared
			return true
		}
	}
	return false
}

// Err says why something is in memory that should be in the file; nil if nothing is.
func (s *File) Err() error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

func (s *File) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == nil {
		s.failed = err
	}
}

// plan says where the values of a type point to others.
type plan struct {
	size     int
	pointers []pointer
}

type pointer struct {
	at   int // in the value
	kind reflect.Kind
	to   *plan // of a slice's rows, or of what a pointer points to
}

// planOf makes the plan of a type once.
func (s *File) planOf(t reflect.Type) (*plan, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.plans == nil {
		s.plans = map[reflect.Type]*plan{}
	}
	p, err := s.planned(t)
	if err != nil {
		clear(s.plans) // some of them are not whole
	}
	return p, err
}

func (s *File) planned(t reflect.Type) (*plan, error) {
	if p := s.plans[t]; p != nil {
		return p, nil
	}
	p := &plan{size: int(t.Size())}
	s.plans[t] = p // first, for types that hold themselves
	return p, s.point(p, t, 0)
}

// point adds what a part of a value points to.
func (s *File) point(p *plan, t reflect.Type, at int) (err error) {
	one := pointer{at: at, kind: t.Kind()}
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			if err := s.point(p, f.Type, at+int(f.Offset)); err != nil {
				return fmt.Errorf("%s: %w", f.Name, err)
			}
		}
		return nil
	case reflect.Array:
		for i := range t.Len() {
			if err := s.point(p, t.Elem(), at+i*int(t.Elem().Size())); err != nil {
				return err
			}
		}
		return nil
	case reflect.Slice, reflect.Pointer:
		if one.to, err = s.planned(t.Elem()); err != nil {
			return err
		}
	case reflect.String:
	case reflect.Map, reflect.Interface, reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return fmt.Errorf("a %s cannot be kept", t)
	default:
		return nil
	}
	p.pointers = append(p.pointers, one)
	return nil
}

// image is how rows, and behind them what they point to, are to lie in the file.
type image struct {
	bytes []byte
	// slots are the places of words that hold where something lies in the image, and are to hold where it lies in the mapping.
	slots []int

	// The text that was put last, and where: rows that follow each other often have the same.
	text string
	at   int
}

const word = int(unsafe.Sizeof(uintptr(0)))

// write writes n rows to a region that is theirs, and what they point to to another one.
func (s *File) write(p *plan, to region, rows unsafe.Pointer, n int) error {
	size := n * p.size
	if len(p.pointers) == 0 {
		_, err := s.file.WriteAt(unsafe.Slice((*byte)(rows), size), to.at) //nolint:gosec // their own bytes
		return err
	}
	w, _ := s.images.Get().(*image)
	if w == nil {
		w = &image{}
	}
	defer s.images.Put(w)
	w.bytes, w.slots, w.text = w.bytes[:0], w.slots[:0], ""
	w.put(p, rows, n)
	behind := (size + alignment - 1) / alignment * alignment // where the rows end, and the rest begins
	var rest region
	if len(w.bytes) > behind {
		var err error
		if rest, err = s.take(len(w.bytes) - behind); err != nil {
			return err
		}
	}
	for _, slot := range w.slots {
		at := (*uintptr)(unsafe.Pointer(&w.bytes[slot])) //nolint:gosec // a word of the image
		if int(*at) >= behind {
			*at = uintptr(unsafe.Pointer(&rest.mapped[int(*at)-behind])) //nolint:gosec // an address as a number: the mapping is not the collector's
		} else {
			*at = uintptr(unsafe.Pointer(&to.mapped[0])) //nolint:gosec // of a list that is empty and not nil
		}
	}
	if len(w.bytes) > behind {
		if _, err := s.file.WriteAt(w.bytes[behind:], rest.at); err != nil {
			return err
		}
	}
	_, err := s.file.WriteAt(w.bytes[:size], to.at)
	return err
}

// put adds n values and what they point to, and gives where they are.
func (w *image) put(p *plan, from unsafe.Pointer, n int) int {
	at := (len(w.bytes) + alignment - 1) / alignment * alignment
	w.bytes = append(w.bytes, make([]byte, at-len(w.bytes))...)
	w.bytes = append(w.bytes, unsafe.Slice((*byte)(from), n*p.size)...) //nolint:gosec // their own bytes
	if len(p.pointers) == 0 {
		return at
	}
	for len(w.bytes)%alignment != 0 {
		w.bytes = append(w.bytes, 0)
	}
	for i := range n {
		for k := range p.pointers {
			one := &p.pointers[k]
			place := i*p.size + one.at
			value, slot := unsafe.Add(from, place), at+place
			switch one.kind {
			case reflect.String:
				if text := *(*string)(value); text == "" {
					w.set(slot, 0)
				} else {
					w.point(slot, w.keep(text))
				}
			case reflect.Pointer:
				switch to := *(*unsafe.Pointer)(value); {
				case to == nil:
				case one.to.size == 0:
					w.point(slot, 0)
				default:
					w.point(slot, w.put(one.to, to, 1))
				}
			default:
				list := *(*[]byte)(value) // whatever its rows are: only where they are is read, and how many
				w.set(slot+2*word, len(list))
				switch {
				case list == nil:
				case len(list)*one.to.size == 0:
					w.point(slot, 0)
				default:
					w.point(slot, w.put(one.to, unsafe.Pointer(unsafe.SliceData(list)), len(list))) //nolint:gosec // its rows
				}
			}
		}
	}
	return at
}

func (w *image) set(slot, value int) {
	*(*uintptr)(unsafe.Pointer(&w.bytes[slot])) = uintptr(value) //nolint:gosec // a word of the image
}

func (w *image) point(slot, to int) {
	w.set(slot, to)
	w.slots = append(w.slots, slot)
}

// keep adds a text, and gives where it is.
func (w *image) keep(text string) int {
	if len(text) != len(w.text) || unsafe.StringData(text) != unsafe.StringData(w.text) { //nolint:gosec // only compared
		w.text, w.at = text, len(w.bytes)
		w.bytes = append(w.bytes, text...)
	}
	return w.at
}
