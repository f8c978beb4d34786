package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// WriteJSON writes the model as result.json: keys in the order of the types, a blank of indentation for each level, and what holds no list
// or object of its own on one line, so that results can be compared line by line. Text from outside is escaped so that it can stand in HTML.
func WriteJSON(w io.Writer, m *Model) error {
	compact, err := json.Marshal(m)
	if err == nil {
		out := bufio.NewWriter(w)
		indent(out, compact)
		err = out.Flush()
	}
	if err != nil {
		return fmt.Errorf("writing the result as JSON: %w", err)
	}
	return nil
}

// indent lays compact JSON out. Write errors show at the flush.
func indent(out *bufio.Writer, src []byte) {
	depth := 0
	line := func() {
		out.WriteByte('\n')
		for range depth {
			out.WriteByte(' ')
		}
	}
	for i := 0; i < len(src); i++ {
		switch c := src[i]; c {
		case '"':
			end := stringEnd(src, i)
			out.Write(src[i:end])
			i = end - 1
		case '{', '[':
			if end := leafEnd(src, i); end > 0 {
				out.Write(src[i:end])
				i = end - 1
				continue
			}
			out.WriteByte(c)
			depth++
			line()
		case '}', ']':
			depth--
			line()
			out.WriteByte(c)
		case ',':
			out.WriteByte(c)
			line()
		case ':':
			out.WriteString(": ")
		default:
			out.WriteByte(c)
		}
	}
	out.WriteByte('\n')
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
