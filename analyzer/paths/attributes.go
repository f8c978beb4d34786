package paths

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The bounds on patterns, which come from anybody.
const (
	maxPattern = 1 << 10 // bytes of one
	maxLine    = 2 << 10 // bytes of a line of .gitattributes: git skips longer ones too
	maxRules   = 1000    // of a repository, by kind of file
)

// pattern is one of .gitattributes, relative to the folder of its file.
//
// It is an expression of Go's, which takes linear time whatever it is, over the bytes: git's `?` is a byte.
type pattern struct {
	base   bool   // held against the base name and not the path
	suffix string // for `*.ext`, which most are
	equal  string // for what has no wildcard
	below  string // for `**/folder/**`: the folder with a slash at both ends
	re     *regexp.Regexp
}

// match holds a path relative to the pattern's folder against it.
func (p *pattern) match(path string) bool {
	if p.base {
		path = path[strings.LastIndexByte(path, '/')+1:]
	}
	switch {
	case p.suffix != "":
		return strings.HasSuffix(path, p.suffix)
	case p.equal != "":
		return path == p.equal
	case p.below != "":
		return strings.HasPrefix(path, p.below[1:]) || strings.Contains(path, p.below)
	}
	return p.re.MatchString(latin(path))
}

// latin gives a text whose letters are the bytes of s.
func latin(s string) string {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			letters := make([]rune, len(s))
			for i := range len(s) {
				letters[i] = rune(s[i])
			}
			return string(letters)
		}
	}
	return s
}

// CheckPattern says what is wrong with a pattern of a [Rule].
func CheckPattern(s string) error {
	_, err := compileRule(s)
	return err
}

// compileRule is compile for a user's pattern, where a slash at the end means all that is in a folder.
func compileRule(s string) (*pattern, error) {
	if strings.HasSuffix(s, "/") {
		if s = strings.TrimPrefix(s, "/"); strings.Count(s, "/") == 1 {
			s = "**/" + s
		}
		s += "**"
	}
	return compile(s)
}

// compile makes a pattern of its text, by the rules of gitattributes: without a slash it is held against the base name; with one against
// the path from the file's folder on, where `*`, `?` and `[a-z]` stay within one part and a part `**` is any number of parts.
func compile(s string) (*pattern, error) {
	switch {
	case len(s) > maxPattern:
		return nil, fmt.Errorf("longer than %d bytes", maxPattern)
	case s == "" || s == "/":
		return nil, fmt.Errorf("empty")
	case s[0] == '!':
		return nil, fmt.Errorf("patterns cannot be negated")
	case strings.HasSuffix(s, "/"):
		return nil, fmt.Errorf("a folder has no attributes: end it with ** and not with a slash")
	}
	const wild = `*?[\`
	p := &pattern{base: !strings.Contains(s, "/")}
	if p.base && len(s) > 1 && s[0] == '*' && !strings.ContainsAny(s[1:], wild) {
		p.suffix = s[1:]
		return p, nil
	}
	s = strings.TrimPrefix(s, "/")
	if !strings.ContainsAny(s, wild) {
		p.equal = s
		return p, nil
	}
	if inner, ok := strings.CutPrefix(s, "**/"); ok {
		if inner, ok = strings.CutSuffix(inner, "/**"); ok && inner != "" && !strings.ContainsAny(inner, wild) {
			p.below = "/" + inner + "/"
			return p, nil
		}
	}
	s = latin(s)
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	// git compares what stands before the first wildcard on its own, so two stars there are at the start of something too.
	first := strings.IndexAny(s, wild)
	for i := 0; i < len(s); {
		start := i == 0 || s[i-1] == '/' || i == first
		switch rest := s[i:]; rest[0] {
		case '*':
			stars := len(rest) - len(strings.TrimLeft(rest, "*"))
			i += stars
			switch after := rest[stars:]; {
			case stars > 1 && start && !p.base && after == "":
				b.WriteString(`.*`)
			case stars > 1 && start && !p.base && after[0] == '/':
				b.WriteString(`(?:.*/)?`)
				i++
			default:
				b.WriteString(`[^/]*`)
			}
		case '?':
			b.WriteString(`[^/]`)
			i++
		case '[':
			class, n := bracket(rest)
			if n == 0 {
				return nil, fmt.Errorf("a bracket that is not closed")
			}
			b.WriteString(class)
			i += n
		case '\\':
			if len(rest) == 1 {
				return nil, fmt.Errorf("a backslash at the end")
			}
			_, n := utf8.DecodeRuneInString(rest[1:])
			b.WriteString(regexp.QuoteMeta(rest[1 : 1+n]))
			i += 1 + n
		default:
			n := strings.IndexAny(rest, `*?[\/`)
			if n < 0 {
				n = len(rest)
			}
			n = max(n, 1) // a slash itself
			b.WriteString(regexp.QuoteMeta(rest[:n]))
			i += n
		}
	}
	b.WriteString(`\z`)
	re, err := regexp.Compile(b.String())
	if err != nil {
		return nil, fmt.Errorf("no pattern")
	}
	p.re = re
	return p, nil
}

// bracket translates `[...]` at the beginning of s, and tells its length; 0 if it is not closed or stands for nothing.
func bracket(s string) (class string, n int) {
	var b strings.Builder
	i := 1
	b.WriteString("[")
	if i < len(s) && (s[i] == '!' || s[i] == '^') {
		b.WriteString("^/")
		i++
	}
	for first := true; i < len(s); first = false {
		switch {
		case s[i] == ']' && !first:
			b.WriteString("]")
			re := b.String()
			if _, err := regexp.Compile(re); err != nil {
				return "", 0
			}
			return re, i + 1
		case strings.HasPrefix(s[i:], "[:"):
			end := strings.Index(s[i:], ":]")
			if end < 0 {
				return "", 0
			}
			b.WriteString(s[i : i+end+2])
			i += end + 2
			continue
		case s[i] == '-' && !first && i+1 < len(s) && s[i+1] != ']':
			b.WriteByte('-')
			i++
			continue
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		if s[i] < 0x80 && !word(s[i]) {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
		i++
	}
	return "", 0
}

// state is what is said about one attribute.
type state uint8

const (
	unspecified state = iota
	set
	unset
	valued
)

// The attributes of linguist's.
const (
	vendoredAttribute = iota
	generatedAttribute
	documentationAttribute
	detectableAttribute
	languageAttribute
	numAttributes
)

var attributeNames = [numAttributes]string{
	"linguist-vendored", "linguist-generated", "linguist-documentation", "linguist-detectable", "linguist-language",
}

// assignment is one word of a line.
type assignment struct {
	attribute int
	state     state
	value     string
}

// attributeRule is a line of .gitattributes that says something of linguist's.
type attributeRule struct {
	pattern *pattern
	assigns []assignment
	line    int
}

// parseAttributes reads a .gitattributes file, and leaves out what it cannot understand, as git does. root allows macros.
func parseAttributes(content []byte, root bool, macros map[string][]assignment) (rules []attributeRule) {
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	number := 0
	for raw := range bytes.Lines(content) {
		number++
		if len(raw) > maxLine || len(rules) >= maxRules {
			continue
		}
		line := strings.Trim(string(raw), " \t\r\n")
		if line == "" || line[0] == '#' {
			continue
		}
		name, rest := "", ""
		if line[0] == '"' {
			quoted, err := strconv.QuotedPrefix(line)
			if err != nil {
				continue
			}
			if name, err = strconv.Unquote(quoted); err != nil {
				continue
			}
			rest = line[len(quoted):]
		} else {
			end := strings.IndexAny(line, " \t")
			if end < 0 {
				continue
			}
			name, rest = line[:end], line[end:]
		}
		macro, isMacro := strings.CutPrefix(name, "[attr]")
		if !isMacro && !strings.Contains(rest, "linguist-") && !mentions(rest, macros) {
			continue
		}
		assigns := parseAssignments(rest, macros)
		if isMacro {
			if root && len(macros) < maxRules {
				macros[macro] = assigns
			}
			continue
		}
		if p, err := compile(name); err == nil && len(assigns) > 0 {
			rules = append(rules, attributeRule{p, assigns, number})
		}
	}
	return rules
}

func mentions(s string, macros map[string][]assignment) bool {
	if len(macros) > 0 {
		for w := range strings.FieldsSeq(s) {
			if _, ok := macros[w]; ok {
				return true
			}
		}
	}
	return false
}

// parseAssignments reads the words behind a pattern. Of several for one attribute the last stands, so a macro is never longer than that.
func parseAssignments(s string, macros map[string][]assignment) (out []assignment) {
	add := func(a assignment) {
		out = slices.DeleteFunc(out, func(o assignment) bool { return o.attribute == a.attribute })
		out = append(out, a)
	}
	for w := range strings.FieldsSeq(s) {
		if m, ok := macros[w]; ok {
			for _, a := range m {
				add(a)
			}
			continue
		}
		a := assignment{state: set}
		name, value, hasValue := strings.Cut(w, "=")
		switch {
		case strings.HasPrefix(w, "-"):
			a.state, name = unset, w[1:]
		case strings.HasPrefix(w, "!"):
			a.state, name = unspecified, w[1:]
		case hasValue:
			// linguist takes the words for what they say.
			switch value {
			case "true":
			case "false":
				a.state = unset
			default:
				a.state, a.value = valued, value
			}
		}
		for i, known := range attributeNames {
			if name == known {
				a.attribute = i
				add(a)
			}
		}
	}
	return out
}

// attributes are those of one path.
type attributes struct {
	state [numAttributes]state
	value [numAttributes]string
	from  [numAttributes]string // file and line
}

// attributeFile is a .gitattributes of a folder.
type attributeFile struct {
	dir   string // with its slash; "" for the root
	path  string
	rules []attributeRule
}

// apply adds what the file says of a path in its folder. Later lines overrule earlier ones, and nearer files farther ones.
func (f *attributeFile) apply(path string, a *attributes) {
	for i := range f.rules {
		r := &f.rules[i]
		if !r.pattern.match(path[len(f.dir):]) {
			continue
		}
		for _, s := range r.assigns {
			a.state[s.attribute], a.value[s.attribute] = s.state, s.value
			a.from[s.attribute] = f.path + ":" + strconv.Itoa(r.line)
		}
	}
}

// Pattern is a [Rule]'s pattern, to be held against paths elsewhere.
type Pattern struct{ compiled *pattern }

// CompilePattern makes a pattern of its text.
func CompilePattern(text string) (Pattern, error) {
	p, err := compileRule(text)
	return Pattern{p}, err
}

// Match says whether the pattern fits a file by its path from the root.
func (p Pattern) Match(path string) bool { return p.compiled.match(path) }
