package paths

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// statement is what a file of OpenHarmony's says of paths below its folder.
type statement struct {
	dir    string // with its slash; "" for the root
	within string // a prefix of paths below dir, with its slash; "" is all of it
	re     *regexp.Regexp
	base   bool // re is held against the base name
	class  Class
	reason string
	glue   bool // it does not speak of what OpenHarmony's build adds to the software of others
}

// added is what OpenHarmony's build needs beside the software of others.
var added = regexp.MustCompile(`^(?:BUILD\.gn|.*\.gni|bundle\.json|OAT\.xml|README\.OpenSource|CODEOWNERS)$`)

func (s *statement) match(p string) bool {
	rest, ok := strings.CutPrefix(p, s.dir)
	if !ok || !strings.HasPrefix(rest, s.within) {
		return false
	}
	base := rest[strings.LastIndexByte(rest, '/')+1:]
	if s.glue && added.MatchString(base) {
		return false
	}
	if s.re == nil {
		return true
	}
	if s.base {
		rest = base
	}
	return s.re.MatchString(rest)
}

// openSource reads README.OpenSource: a list of the software of others in its folder. Where an entry names a path, or its licence lies
// in a folder of its own, that is what it speaks of; otherwise all of the folder. At the root that would be the whole repository, and components
// of their own list there what they embed: key, the repository's, must show that it is a third party's.
func openSource(file, key string, content []byte) (out []statement) {
	dir := file[:strings.LastIndexByte(file, '/')+1]
	content = bytes.TrimSpace(bytes.TrimPrefix(content, []byte("\ufeff")))
	var entries []map[string]any
	if json.Unmarshal(content, &entries) != nil {
		var one map[string]any
		if json.Unmarshal(content, &one) != nil {
			one = nil // words of another form, in the same place and for the same end
		}
		entries = []map[string]any{one}
	}
	name := key[strings.LastIndexByte(key, '/')+1:]
	for _, e := range entries[:min(len(entries), maxRules)] {
		s := statement{dir: dir, class: Vendored, reason: file, glue: true}
		software := field(e, "Name")
		if len(software) > 0 && len(software[0]) <= 100 {
			s.reason += ": " + software[0]
		}
		places := field(e, "Path", "Paths", "File Path", "Directory", "Source Path")
		if len(places) == 0 {
			licences := field(e, "License File")
			for _, l := range licences {
				if d := path.Dir(path.Clean("/" + l)); d != "/" {
					places = append(places, d)
				}
			}
		}
		for _, p := range places {
			if p = strings.Trim(path.Clean("/"+p), "/"); p != "" && len(out) < maxRules {
				s.within = p + "/"
				out = append(out, s)
			}
		}
		third := strings.HasPrefix(name, "third_party")
		if len(places) == 0 && (dir != "" || third) {
			out = append(out, s)
		}
	}
	return out
}

// field gives the texts of the first key of names that an entry has, lists and lists in one text taken apart.
func field(entry map[string]any, names ...string) (out []string) {
	for _, name := range names {
		for _, key := range slices.Sorted(maps.Keys(entry)) {
			value := entry[key]
			if !strings.EqualFold(strings.TrimSpace(key), name) {
				continue
			}
			texts, ok := value.([]any)
			if !ok {
				texts = []any{value}
			}
			for _, t := range texts {
				if s, ok := t.(string); ok {
					for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ';' || r == '|' }) {
						if part = strings.TrimSpace(part); part != "" && len(out) < maxRules {
							out = append(out, part)
						}
					}
				}
			}
			return out
		}
	}
	return nil
}

// Most items of OAT.xml say which header may be missing where, and nothing of origin. Those count whose description names it.
var (
	oatThird     = regexp.MustCompile(`(?i)third[- _]?party|3rd[- _]?party|三方|open[- _]?source (?:code|software|component)|opensource|开源|upstream`)
	oatGenerated = regexp.MustCompile(`(?i)\b(?:auto[- ]?)?generated?\b|compil\w* output|build output|自动生成|生成的`)
	oatNot       = regexp.MustCompile(`(?i)\bnot? (?:contains?|an?|any|third|3rd|open)|\bwithout\b|self[- ]?develop|不含|不包含|没有|自研|非三方|非第三方|非开源`)
)

// The bounds on the expressions of OAT.xml: what Go compiles grows with the numbers in braces.
const (
	maxExpression  = 256 // bytes
	maxRepetition  = 32
	maxExpressions = 200 // of a file
)

var repetition = regexp.MustCompile(`\{(\d*),?(\d*)\}`)

// small says whether an expression stays small when it is compiled: one repetition by number at most, and not by much.
func small(expression string) bool {
	if len(expression) > maxExpression || strings.Count(expression, "{") > 1 {
		return false
	}
	for _, m := range repetition.FindAllStringSubmatch(expression, -1) {
		for _, digits := range m[1:] {
			if n, err := strconv.Atoi(digits); digits != "" && (err != nil || n > maxRepetition) {
				return false
			}
		}
	}
	return true
}

// maxDepth is how deep the elements of OAT.xml may lie in each other; the format needs five.
const maxDepth = 32

// oat reads OAT.xml, the settings of OpenHarmony's licence checker: file filters by path (an expression) or name (with stars).
func oat(file string, content []byte) (out []statement) {
	dir := file[:strings.LastIndexByte(file, '/')+1]
	d := xml.NewDecoder(bytes.NewReader(content))
	for depth := 0; len(out) < maxExpressions; {
		token, err := d.RawToken()
		if err != nil {
			return out // at the end, or where it is no XML any more: what was read stands
		}
		switch t := token.(type) {
		case xml.Directive:
			return nil // a document type: entities could be anything
		case xml.EndElement:
			depth--
		case xml.StartElement:
			if depth++; depth > maxDepth {
				return nil
			}
			if t.Name.Local != "filteritem" {
				continue
			}
			var kind, name, description string
			for _, a := range t.Attr {
				switch a.Name.Local {
				case "type":
					kind = a.Value
				case "name":
					name = a.Value
				case "desc":
					description = a.Value
				}
			}
			s := statement{dir: dir, reason: file}
			switch {
			case oatNot.MatchString(description):
				continue
			case oatThird.MatchString(description):
				s.class, s.reason = Vendored, file+": third party"
			case oatGenerated.MatchString(description):
				s.class, s.reason = Generated, file+": generated"
			default:
				continue
			}
			if !small(name) || name == "" {
				continue
			}
			switch kind {
			case "filepath":
				name = strings.TrimPrefix(strings.TrimPrefix(name, "projectroot/"), "/")
				s.re, err = regexp.Compile(`\A(?:` + name + `)(?:\z|/)`)
			case "filename":
				parts := strings.Split(regexp.QuoteMeta(name), `\|`)
				for i, p := range parts {
					if parts[i] = strings.ReplaceAll(p, `\*`, `.*`); p == `\*` || p == "" {
						parts[i] = `\z.` // all files, or none, says nothing
					}
				}
				s.base = true
				s.re, err = regexp.Compile(`\A(?:` + strings.Join(parts, "|") + `)\z`)
			default:
				continue
			}
			// What fits everything tells nothing of a path.
			if err == nil && !s.re.MatchString("\x00") {
				out = append(out, s)
			}
		}
	}
	return out
}
