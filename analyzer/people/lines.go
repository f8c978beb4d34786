package people

import (
	"bytes"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// readLines reads the YAML of organizations files as they mostly are: keys at the start of a line, and under them entries `  - ...`, each on
// one line. It gives what a YAML parser gives, ten times as fast, so that maps of ten megabytes can be used; and nil for every other file:
// a parser's work.
func readLines(data []byte) *yaml.Node {
	if !utf8.Valid(data) || bytes.ContainsFunc(data, func(r rune) bool { return r < ' ' && r != '\n' || !unicode.IsPrint(r) && r != '\n' }) {
		return nil
	}
	root := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	var list *yaml.Node // that entries belong to
	line := 0
	for text := range strings.Lines(string(data)) {
		line++
		text = strings.TrimRight(text, "\n ")
		if rest := strings.TrimLeft(text, " "); rest == "" || rest[0] == '#' {
			continue
		}
		if item, ok := strings.CutPrefix(text, "  - "); ok && list != nil {
			n := readItem(item, line, 5)
			if n == nil {
				return nil
			}
			if list.Kind == 0 {
				*list = yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Line: line, Column: 3}
			}
			list.Content = append(list.Content, n)
			continue
		}
		key, value, ok := strings.Cut(text, ":")
		if !ok || key == "" || strings.Trim(key, "abcdefghijklmnopqrstuvwxyz_") != "" || noText[key] || list != nil && list.Kind == 0 {
			return nil
		}
		n := &yaml.Node{}
		if list = n; value != "" {
			if value[0] != ' ' {
				return nil
			}
			item := strings.TrimLeft(value, " ")
			if item[0] == '#' {
				return nil
			}
			n, list = readItem(item, line, len(text)-len(item)+1), nil // the key has one byte for each character
			if strings.TrimLeft(text[len(key)+1:], " ") != item || n == nil {
				return nil
			}
		}
		root.Content = append(root.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key, Line: line, Column: 1}, n)
	}
	if len(root.Content) == 0 || list != nil && list.Kind == 0 {
		return nil
	}
	root.Line, root.Column = root.Content[0].Line, 1
	return root
}

// readItem reads a value that ends with its line, in place: a parser reads what is not plain enough.
func readItem(text string, line, column int) *yaml.Node {
	f := flow{text: text, line: line, column: column}
	if n := f.value(0); n != nil && f.end() {
		return n
	}
	var document yaml.Node
	kind, ok := map[byte]yaml.Kind{'{': yaml.MappingNode, '[': yaml.SequenceNode, '"': yaml.ScalarNode}[text[0]]
	if !ok || yaml.Load([]byte(text), &document) != nil || document.Kind != yaml.DocumentNode || len(document.Content) != 1 {
		return nil // what may go on in the next line, a line alone does not tell
	}
	n := document.Content[0]
	if n.Kind != kind || kind != yaml.ScalarNode && n.Style&yaml.FlowStyle == 0 || !move(n, line-1, column-1) {
		return nil
	}
	return n
}

// move shifts the places of a node, and says whether it is all on one line, without aliases.
func move(n *yaml.Node, lines, columns int) bool {
	if n.Line != 1 || n.Kind == yaml.AliasNode || n.Anchor != "" {
		return false
	}
	n.Line += lines
	n.Column += columns
	for _, c := range n.Content {
		if !move(c, lines, columns) {
			return false
		}
	}
	return true
}

// flow reads values in braces, brackets and quotation marks, and plain words that mean the same in any YAML.
type flow struct {
	text         string
	at           int // in bytes
	line, column int // of the text's start
	runes        int // before at
}

// maxFlow bounds how deep values nest.
const maxFlow = 8

func (f *flow) node(kind yaml.Kind, tag string) *yaml.Node {
	return &yaml.Node{Kind: kind, Tag: tag, Line: f.line, Column: f.column + f.runes}
}

func (f *flow) take(n int) {
	f.runes += utf8.RuneCountInString(f.text[f.at : f.at+n])
	f.at += n
}

func (f *flow) blanks() {
	for f.at < len(f.text) && f.text[f.at] == ' ' {
		f.take(1)
	}
}

// is takes a byte if it comes next, with the blanks behind it.
func (f *flow) is(b byte) bool {
	if f.at == len(f.text) || f.text[f.at] != b {
		return false
	}
	f.take(1)
	f.blanks()
	return true
}

// end says whether nothing follows but a remark.
func (f *flow) end() bool {
	rest := f.text[f.at:]
	trimmed := strings.TrimLeft(rest, " ")
	return trimmed == "" || trimmed[0] == '#' && (len(rest) > len(trimmed) || f.at > 0 && f.text[f.at-1] == ' ')
}

func (f *flow) value(depth int) *yaml.Node {
	if f.at == len(f.text) || depth > maxFlow {
		return nil
	}
	switch f.text[f.at] {
	case '[':
		n := f.node(yaml.SequenceNode, "!!seq")
		for f.is('['); !f.is(']'); {
			v := f.value(depth + 1)
			if v == nil || !f.is(',') && (f.at == len(f.text) || f.text[f.at] != ']') {
				return nil
			}
			n.Content = append(n.Content, v)
		}
		return n
	case '{':
		n := f.node(yaml.MappingNode, "!!map")
		for f.is('{'); !f.is('}'); {
			k := f.value(maxFlow)
			if k == nil || k.Kind != yaml.ScalarNode || f.at == len(f.text) || f.text[f.at] != ':' || !strings.HasPrefix(f.text[f.at:], ": ") {
				return nil
			}
			f.is(':')
			v := f.value(depth + 1)
			if v == nil || !f.is(',') && (f.at == len(f.text) || f.text[f.at] != '}') {
				return nil
			}
			n.Content = append(n.Content, k, v)
		}
		return n
	case '"':
		n := f.node(yaml.ScalarNode, "!!str")
		length := strings.IndexByte(f.text[f.at+1:], '"')
		if length < 0 {
			return nil
		}
		n.Value = f.text[f.at+1 : f.at+1+length]
		if strings.ContainsRune(n.Value, '\\') {
			return nil
		}
		f.take(length + 2)
		f.blanks()
		return n
	}
	return f.plain(depth)
}

// plain reads a word, or several.
func (f *flow) plain(depth int) *yaml.Node {
	rest := f.text[f.at:]
	length := len(rest)
	for i, r := range rest {
		if stop := strings.ContainsRune(",]}", r) && depth > 0 || r == ':' && strings.HasPrefix(rest[i:], ": ") && depth == maxFlow; stop {
			length = i
			break
		}
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(" .-_@/+()*'", r) {
			return nil
		}
	}
	text := strings.TrimRight(rest[:length], " ")
	n := f.node(yaml.ScalarNode, "!!str")
	switch first, _ := utf8.DecodeRuneInString(text); {
	case text == "" || noText[strings.ToLower(text)]:
		return nil
	case unicode.IsLetter(first):
	case isDay(text):
		n.Tag = "!!timestamp"
	case len(text) < 16 && strings.Trim(text, "0123456789") == "" && text[0] != '0':
		n.Tag = "!!int"
	default:
		return nil
	}
	n.Value = text
	f.take(length)
	return n
}

// noText are words that are no text in some YAML.
var noText = map[string]bool{"null": true, "true": true, "false": true, "yes": true, "no": true, "on": true, "off": true, "y": true, "n": true}

// isDay says whether a text is a day.
func isDay(text string) bool {
	_, err := time.Parse(time.DateOnly, text)
	return err == nil
}
