package report

import (
	"bytes"
	"cmp"
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// WriteJSON writes the model as result.json: keys in the order of the types, a blank of indentation for each level, and what holds no list
// or object of its own on one line, so that results can be compared line by line. Text from outside is escaped so that it can stand in HTML.
//
// Long lists are marshalled row by row: with all of the text in memory, writing it would be what a run needs most memory for.
func WriteJSON(w io.Writer, m *Model) error { return writeJSON(w, m, "the result") }

func writeJSON(w io.Writer, v any, what string) error {
	l := layout{w: w}
	l.value(reflect.ValueOf(v))
	l.out = append(l.out, '\n')
	l.flush()
	if l.err != nil {
		return fmt.Errorf("writing %s as JSON: %w", what, l.err)
	}
	return nil
}

// layout lays JSON out, and writes it piece by piece.
type layout struct {
	w     io.Writer
	out   []byte
	depth int
	err   error // the first
}

const (
	layoutPiece = 64 << 10
	layoutRows  = 64 // how many rows of a list are marshalled together
	// layoutDepth is how deep objects are taken apart: to the lists in the result and in its parts. What is in their rows is short.
	layoutDepth = 2
)

// value writes what json.Marshal makes of v.
func (l *layout) value(v reflect.Value) {
	for v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	if v.Kind() == reflect.Struct && l.depth < layoutDepth {
		if fields, ok := fieldsOf(v); ok {
			l.open('{')
			for i, f := range fields {
				l.next(i)
				l.indent(f.name)
				l.out = append(l.out, ':', ' ')
				l.value(f.value)
			}
			l.close('}')
			return
		}
	}
	if v.Kind() == reflect.Slice && v.Len() > layoutRows && holds(v.Type().Elem()) {
		l.open('[')
		for lo := 0; lo < v.Len() && l.err == nil; lo += layoutRows {
			l.next(lo)
			rows := l.compact(v.Slice(lo, min(lo+layoutRows, v.Len())))
			l.indent(rows[1 : len(rows)-1])
		}
		l.close(']')
		return
	}
	var compact []byte
	if v.IsValid() {
		compact = l.compact(v)
	} else {
		compact = []byte("null")
	}
	l.indent(compact)
}

// compact gives an empty list where it fails.
func (l *layout) compact(v reflect.Value) []byte {
	text, err := json.Marshal(v.Interface())
	if err != nil {
		l.err = cmp.Or(l.err, err)
		return []byte("[]")
	}
	return text
}

// field is one of an object.
type field struct {
	name  []byte // as JSON
	value reflect.Value
}

// fieldsOf gives the fields of an object that certainly holds another one or a list. Where that is not plain to see, the object is marshalled as a whole.
func fieldsOf(v reflect.Value) (fields []field, ok bool) {
	if marshals(v.Type()) {
		return nil, false
	}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || options != "" && options != "omitempty" {
			return nil, false
		}
		value := v.Field(i)
		if !f.IsExported() || f.Tag.Get("json") == "-" || options == "omitempty" && empty(value) {
			continue
		}
		text, err := json.Marshal(cmp.Or(name, f.Name))
		if err != nil {
			return nil, false
		}
		fields = append(fields, field{text, value})
		ok = ok || holds(value.Type()) || value.Kind() == reflect.Slice && !value.IsNil() && holds(value.Type().Elem())
	}
	return fields, ok
}

// empty says what omitempty leaves out.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Struct:
		return false
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	}
	return v.IsZero()
}

// holds says that every value of a type is an object or a list.
func holds(t reflect.Type) bool {
	return (t.Kind() == reflect.Struct || t.Kind() == reflect.Array) && !marshals(t)
}

// marshals says that a type has a form of its own.
func marshals(t reflect.Type) bool {
	for _, own := range []reflect.Type{reflect.TypeFor[json.Marshaler](), reflect.TypeFor[encoding.TextMarshaler]()} {
		if t.Implements(own) || reflect.PointerTo(t).Implements(own) {
			return true
		}
	}
	return false
}

func (l *layout) open(c byte) {
	l.out = append(l.out, c)
	l.depth++
	l.line()
}

// next comes before the i-th row or field.
func (l *layout) next(i int) {
	if i > 0 {
		l.out = append(l.out, ',')
		l.line()
	}
}

func (l *layout) close(c byte) {
	l.depth--
	l.line()
	l.out = append(l.out, c)
}

func (l *layout) line() {
	l.out = append(l.out, '\n')
	for range l.depth {
		l.out = append(l.out, ' ')
	}
}

func (l *layout) flush() {
	if l.err == nil {
		_, l.err = l.w.Write(l.out)
	}
	l.out = l.out[:0]
}

// indent lays compact JSON out.
func (l *layout) indent(src []byte) {
	for i := 0; i < len(src); i++ {
		if len(l.out) >= layoutPiece {
			l.flush()
		}
		switch c := src[i]; c {
		case '"':
			end := stringEnd(src, i)
			l.out = append(l.out, src[i:end]...)
			i = end - 1
		case '{', '[':
			if end := leafEnd(src, i); end > 0 {
				l.out = append(l.out, src[i:end]...)
				i = end - 1
				continue
			}
			l.open(c)
		case '}', ']':
			l.close(c)
		case ',':
			l.out = append(l.out, c)
			l.line()
		case ':':
			l.out = append(l.out, ':', ' ')
		default:
			l.out = append(l.out, c)
		}
	}
}

// stringEnd gives the index behind the string that starts at i.
func stringEnd(src []byte, i int) int {
	for i++; src[i] != '"'; i++ {
		if src[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// leafEnd gives the index behind the object or list that starts at i if it holds no other, else 0.
func leafEnd(src []byte, i int) int {
	for i++; ; {
		at := bytes.IndexAny(src[i:], `"{}[]`)
		i += at
		switch src[i] {
		case '"':
			i = stringEnd(src, i)
		case '}', ']':
			return i + 1
		default:
			return 0
		}
	}
}
