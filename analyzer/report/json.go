package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// WriteJSON writes the model as result.json: keys in the order of the types, a blank of indentation for each level, and what holds no list
// or object of its own on one line, so that results can be compared line by line. Text from outside is escaped so that it can stand in HTML.
func WriteJSON(w io.Writer, m *Model) error { return writeJSON(w, m, "the result") }

func writeJSON(w io.Writer, v any, what string) error {
	compact, err := json.Marshal(v)
	if err == nil {
		err = indent(w, compact)
	}
	if err != nil {
		return fmt.Errorf("writing %s as JSON: %w", what, err)
	}
	return nil
}

// indent lays compact JSON out. It writes piece by piece: with all of the result in memory once more, writing it would be what a run needs most memory for.
func indent(w io.Writer, src []byte) error {
	const piece = 64 << 10
	out := make([]byte, 0, piece+piece/4)
	depth := 0
	line := func() {
		out = append(out, '\n')
		for range depth {
			out = append(out, ' ')
		}
	}
	for i := 0; i < len(src); i++ {
		if len(out) >= piece {
			if _, err := w.Write(out); err != nil {
				return err
			}
			out = out[:0]
		}
		switch c := src[i]; c {
		case '"':
			end := stringEnd(src, i)
			out = append(out, src[i:end]...)
			i = end - 1
		case '{', '[':
			if end := leafEnd(src, i); end > 0 {
				out = append(out, src[i:end]...)
				i = end - 1
				continue
			}
			out = append(out, c)
			depth++
			line()
		case '}', ']':
			depth--
			line()
			out = append(out, c)
		case ',':
			out = append(out, c)
			line()
		case ':':
			out = append(out, ':', ' ')
		default:
			out = append(out, c)
		}
	}
	_, err := w.Write(append(out, '\n'))
	return err
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
