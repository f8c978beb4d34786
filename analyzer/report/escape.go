package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable makes untrusted text fit to stand on one line of a terminal: control characters, line and paragraph separators, invisible
// and bidirectional controls and bytes that are no UTF-8 appear as escapes, so nobody can move the cursor, hide text or turn it around.
func Printable(s string) string {
	ascii, plain := true, true
	for i := range len(s) {
		ascii = ascii && ' ' <= s[i] && s[i] < 0x7f
	}
	if ascii {
		return s // most are
	}
	for _, r := range s {
		plain = plain && r != utf8.RuneError && visible(r)
	}
	if plain {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case visible(r):
			b.WriteString(s[i : i+n])
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		i += n
	}
	return b.String()
}

// visible keeps blanks and what has a shape. Cf, which holds the bidirectional controls, has no shape; the joiners that some scripts need go
// with it, because they hide differences as well.
func visible(r rune) bool {
	return r == ' ' || unicode.IsGraphic(r) && !unicode.Is(unicode.Zs, r) || r == '\u3000' || r == '\u00a0'
}

// Cell makes untrusted text safe in a CSV file that a spreadsheet opens: what starts like a formula gets an apostrophe before it, and
// nothing invisible is left in. Not for numbers: -1 is one.
func Cell(s string) string {
	formula := s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0]))
	if s = Printable(s); formula {
		return "'" + s
	}
	return s
}
