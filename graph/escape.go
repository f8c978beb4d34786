package graph

import (
	"encoding/xml"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// clean makes any bytes a line of visible text: invalid UTF-8, controls (line ends, ESC), format characters (bidirectional ones, U+2028), private and unassigned
// code points become a white square (U+FFFD itself too: it would look like damage, and some readers of DOT refuse it). The two joiners stay: Persian and Indian names need them. Beyond most characters there is an ellipsis.
func clean(s string, most int) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n == most {
			b.WriteRune('…')
			break
		}
		n++
		if r == unicode.ReplacementChar || !unicode.IsGraphic(r) && r != '\u200c' && r != '\u200d' {
			r = '□'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// escape makes any bytes a quoted string of DOT that Graphviz shows as clean text. Inside the quotes three languages are live: the string's own (`\"`),
// that of labels (`\N`, `\G`, `\L` name the object, `\n` and `\l` break lines), and HTML entities (`&lt;`). Labels in HTML begin with `<` outside quotes, so
// quoted text never is one.
func escape(s string) string { return `"` + escapeText(s, maxName) + `"` }

// escapeText is escape without the quotes, cut after most characters.
func escapeText(s string, most int) string { return dotEscapes.Replace(clean(s, most)) }

// escapeHTML makes any bytes text within a label in HTML. That `\N` and `\\` are live in it too is written nowhere.
func escapeHTML(s string, most int) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(strings.ReplaceAll(clean(s, most), `\`, `\\`))) // a Builder takes everything
	return b.String()
}

var dotEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `&`, `&amp;`)

// thousands writes a figure for people: whole ones as 12,345, others with two decimals.
func thousands(x float64) string {
	s := strconv.FormatFloat(x, 'f', 0, 64)
	fraction := ""
	if x != math.Trunc(x) {
		s = strconv.FormatFloat(x, 'f', 2, 64)
		s, fraction = s[:len(s)-3], s[len(s)-3:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s + fraction
}

func plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return thousands(float64(n)) + " " + noun
}

// percent writes part of whole, rounded down: what is not all never looks like 100 %. Part of nothing is "-".
func percent(part, whole float64) string {
	if whole == 0 {
		return "-"
	}
	return strconv.FormatFloat(math.Floor(1000*part/whole)/10, 'f', -1, 64) + " %"
}

// decimal writes a size: three decimals suffice for inches and points.
func decimal(x float64) string {
	return strconv.FormatFloat(math.Round(x*1000)/1000, 'f', -1, 64)
}
