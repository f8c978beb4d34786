// Package paths says what the files of a repository are: its own work, somebody else's, a program's, tests, documentation, data.
package paths

import (
	"bytes"
	"cmp"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/go-enry/go-enry/v2/data"

	"orrery/analyzer/facts"
)

// Class is what a file is. Each path has one.
type Class uint8

// The classes. Where several fit, the first of Binary, Vendored, Generated, Test, Documentation, Data stands.
const (
	Own           Class = iota // written here, for this
	Vendored                   // taken over from elsewhere
	Generated                  // written by a program
	Test                       // tests and what they need
	Documentation              //
	Data                       // tables, translations, pictures as text: no program
	Binary                     // no text, by git's rule: it has no lines
	NumClasses    = iota
)

// String gives the class as reports print it.
func (c Class) String() string {
	return [...]string{"own", "vendored", "generated", "test", "documentation", "data", "binary"}[c]
}

// Names are the names of all classes.
func Names() []string {
	names := make([]string, NumClasses)
	for c := range names {
		names[c] = Class(c).String()
	}
	return names
}

// ParseClass gives the class that reports print as s.
func ParseClass(s string) (Class, bool) {
	c := slices.Index(Names(), s)
	return Class(max(c, 0)), c >= 0
}

// Written says whether people wrote files of this class here: all but vendored, generated and binary ones.
func (c Class) Written() bool { return c != Vendored && c != Generated && c != Binary }

// HeadSize is how many bytes from the beginning of a file [Look] wants to see.
const HeadSize = 16 << 10

// Look tells a file's language (a name of linguist's, "" if it is none that is known) and whether a mark in the content says that a
// program wrote it. head is at most [HeadSize] bytes from the content's beginning.
func Look(path string, head []byte) (language string, byProgram bool) {
	if bytes.IndexByte(head[:min(len(head), 8000)], 0) >= 0 {
		return "", false
	}
	base := path[strings.LastIndexByte(path, '/')+1:]
	language = languageOf(base, head)
	ext := base[max(0, strings.LastIndexByte(base, '.')):]
	return language, generated(ext, language, head)
}

// Options correct the rules.
type Options struct {
	// ThirdParty says that the whole repository is somebody else's.
	ThirdParty bool
	// Rules are the user's own. The last that fits counts, before everything else.
	Rules []Rule
}

// Rule gives the files that a pattern fits a class.
type Rule struct {
	Pattern string // as in .gitattributes at the root; one that ends with a slash means all that is in the folder
	Class   Class
	Reason  string // for people
}

// Classified says what each path of a repository is. Immutable.
type Classified struct {
	Class    []Class  // parallel to the repository's Paths
	Language []uint16 // parallel to the repository's Paths, into Languages
	// Languages are names, "" first.
	Languages []string
	// Reason tells for each path why: an index into Reasons.
	Reason  []uint16
	Reasons []string
}

// Classify says what each path of a repository is: by the user's rules; by its content where that is no text; by what the repository says of
// itself (linguist's attributes, README.OpenSource, OAT.xml), as it says it last; by marks in the last content; and by names.
func Classify(r *facts.Repository, opts Options) *Classified {
	c := &classifier{
		out: &Classified{
			Class: make([]Class, len(r.Paths)), Language: make([]uint16, len(r.Paths)), Reason: make([]uint16, len(r.Paths)),
			Languages: slices.Clone(r.Languages), Reasons: []string{""},
		},
		opts: opts, languages: map[string]uint16{}, reasons: map[string]uint16{"": 0}, folders: map[string][]*attributeFile{}, names: map[string]folder{}, tests: map[string]bool{},
	}
	if len(c.out.Languages) == 0 {
		c.out.Languages = []string{""}
	}
	for i, language := range c.out.Languages {
		c.languages[language] = uint16(i)
	}
	for _, rule := range opts.Rules {
		if p, err := compileRule(rule.Pattern); err == nil {
			c.rules = append(c.rules, userRule{p, rule.Class, "rule: " + rule.Reason})
		}
	}
	c.read(r)
	c.survey(r.Paths)
	for i, path := range r.Paths {
		seen := facts.Content{}
		if i < len(r.Contents) {
			seen = r.Contents[i]
		}
		class, reason := c.path(path, seen, i)
		c.out.Class[i], c.out.Reason[i] = class, c.reason(reason)
	}
	return c.out
}

type userRule struct {
	pattern *pattern
	class   Class
	reason  string
}

type classifier struct {
	out       *Classified
	opts      Options
	rules     []userRule
	languages map[string]uint16 // into out.Languages
	reasons   map[string]uint16 // into out.Reasons

	files      map[string]*attributeFile   // by folder
	folders    map[string][]*attributeFile // those that count in a folder, from the root on
	statements []statement
	upstream   map[string]bool // folders with evidence of what others wrote
	perlish    bool
	names      map[string]folder // by folder, with its slash
	last       string            // folder
	lastFolder folder
	tests      map[string]bool // by a folder's own name: whether tests lie in folders of that name
}

// read reads what the repository says of itself. A document that is gone says nothing more, unless its folder may have gone with it.
func (c *classifier) read(r *facts.Repository) {
	c.files = map[string]*attributeFile{}
	macros := map[string][]assignment{}
	last := map[uint32][]byte{}
	var order []uint32
	for _, d := range r.Documents {
		content, known := last[d.Path]
		if !known {
			order = append(order, d.Path)
		}
		if d.Content == nil && strings.Contains(r.Paths[d.Path], "/") {
			last[d.Path] = content
			continue
		}
		last[d.Path] = d.Content
	}
	// The root's attributes come first: macros are defined there.
	slices.SortStableFunc(order, func(a, b uint32) int {
		return cmp.Or(cmp.Compare(strings.Count(r.Paths[a], "/"), strings.Count(r.Paths[b], "/")), strings.Compare(r.Paths[a], r.Paths[b]))
	})
	attributeRules := 0
	for _, number := range order {
		path, content := r.Paths[number], last[number]
		if content == nil || len(c.statements) >= maxRules {
			continue
		}
		dir, base := path[:strings.LastIndexByte(path, '/')+1], path[strings.LastIndexByte(path, '/')+1:]
		switch base {
		case ".gitattributes":
			if attributeRules >= maxRules {
				continue
			}
			f := &attributeFile{dir: dir, path: path, rules: parseAttributes(content, dir == "", macros)}
			attributeRules += len(f.rules)
			if len(f.rules) > 0 {
				c.files[dir] = f
			}
		case "README.OpenSource":
			c.statements = append(c.statements, openSource(path, r.Key, content)...)
		case "OAT.xml":
			c.statements = append(c.statements, oat(path, content)...)
		}
	}
	c.statements = c.statements[:min(len(c.statements), maxRules)]
}

// survey looks at all names for what one alone does not tell.
func (c *classifier) survey(paths []string) {
	c.upstream = map[string]bool{}
	tests := 0
	quiet := "" // the last folder that is below none that asks for evidence: files of a folder come one after the other
	for _, path := range paths {
		if strings.HasPrefix(path, "t/") && !strings.Contains(path[2:], "/") && (strings.HasSuffix(path, ".t") || strings.HasSuffix(path, ".sh")) {
			tests++
		}
		// Under a folder such as vendor/: a licence or a domain (Go's way) is evidence of what others wrote.
		dir, base := path[:strings.LastIndexByte(path, '/')+1], path[strings.LastIndexByte(path, '/')+1:]
		if dir == quiet {
			continue
		}
		at, asks := 0, false
		for part := range strings.SplitSeq(dir, "/") {
			if at += len(part) + 1; !upstreamFolders[part] || at > len(path) {
				continue
			}
			asks = true
			next, _, below := strings.Cut(path[at:], "/")
			if below && licenceFile.MatchString(base) || below && domain.MatchString(next) || !below && next == "modules.txt" {
				c.upstream[path[:at]] = true
			}
		}
		if !asks {
			quiet = dir
		}
	}
	c.perlish = tests > 2
}

var (
	licenceFile = regexp.MustCompile(`^(?i:licen[cs]e|copying|copyright|notice|readme\.opensource)(?:[-._].*)?$`)
	domain      = regexp.MustCompile(`^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|org|net|io|in|dev|edu|me|fm|gov|cc|xyz|sh|app|land|tools)$`)
)

// above gives what the names of a folder and of those above it tell.
func (c *classifier) above(dir string) folder {
	if dir == "" {
		return folder{}
	}
	if dir == c.last { // files of a folder come one after the other
		return c.lastFolder
	}
	f, known := c.names[dir]
	if !known {
		parent := dir[:strings.LastIndexByte(dir[:len(dir)-1], '/')+1]
		f = c.below(c.above(parent), dir, dir[len(parent):len(dir)-1])
		c.names[dir] = f
	}
	c.last, c.lastFolder = dir, f
	return f
}

// attributesOf gives what .gitattributes say of a path.
func (c *classifier) attributesOf(path, dir string) (a attributes) {
	if len(c.files) == 0 {
		return a
	}
	files, known := c.folders[dir]
	if !known {
		if f := c.files[""]; f != nil {
			files = append(files, f)
		}
		for i := range len(dir) {
			if dir[i] == '/' {
				if f := c.files[dir[:i+1]]; f != nil {
					files = append(files, f)
				}
			}
		}
		c.folders[dir] = files
	}
	for _, f := range files {
		f.apply(path, &a)
	}
	return a
}

// path gives one path its language and class.
func (c *classifier) path(path string, seen facts.Content, i int) (Class, string) {
	dir, base := path[:strings.LastIndexByte(path, '/')+1], path[strings.LastIndexByte(path, '/')+1:]
	said, above := c.attributesOf(path, dir), c.above(dir)
	language := ""
	if int(seen.Language) < len(c.out.Languages) {
		language = c.out.Languages[seen.Language]
	}
	if !seen.Known {
		language = languageOf(base, nil)
	}
	if said.state[languageAttribute] == valued {
		if l, ok := data.LanguageByAlias(said.value[languageAttribute]); ok {
			language = l
		}
	}
	c.out.Language[i] = c.language(language)

	for k := len(c.rules) - 1; k >= 0; k-- {
		if c.rules[k].pattern.match(path) {
			return c.rules[k].class, c.rules[k].reason
		}
	}
	stated := func(class Class) (string, bool) {
		for k := range c.statements {
			if s := &c.statements[k]; s.class == class && s.match(path) {
				return s.reason, true
			}
		}
		return "", false
	}
	attribute := func(n int) (string, bool) {
		if said.state[n] != set {
			return "", false
		}
		return attributeNames[n] + " in " + said.from[n], true
	}
	no := func(n int) bool { return said.state[n] == unset }

	if seen.Binary {
		return Binary, "no text"
	}
	if reason, yes := attribute(vendoredAttribute); yes {
		return Vendored, reason
	}
	if c.opts.ThirdParty {
		return Vendored, "third-party repository"
	}
	if !no(vendoredAttribute) {
		if reason, yes := stated(Vendored); yes {
			return Vendored, reason
		}
		if above.vendored != "" {
			return Vendored, above.vendored
		}
		if vendorFile.has(base) {
			return Vendored, "name of a known library or tool"
		}
	}
	if reason, yes := attribute(generatedAttribute); yes {
		return Generated, reason
	}
	if !no(generatedAttribute) {
		if reason, yes := stated(Generated); yes {
			return Generated, reason
		}
		if seen.Generated {
			return Generated, "mark in the content"
		}
		if above.generated != "" {
			return Generated, above.generated
		}
		if generatedFile.has(base) {
			return Generated, "name that programs give"
		}
	}
	if reason := cmp.Or(above.test, testByName(base, language)); reason != "" {
		return Test, reason
	}
	if reason, yes := attribute(documentationAttribute); yes {
		return Documentation, reason
	}
	if reason, yes := attribute(detectableAttribute); yes {
		return Own, reason
	}
	if !no(documentationAttribute) {
		if reason := cmp.Or(above.document, documentByName(base, language)); reason != "" {
			return Documentation, reason
		}
	}
	if no(detectableAttribute) {
		return Data, "-linguist-detectable in " + said.from[detectableAttribute]
	}
	if reason := dataByName(base, language); reason != "" {
		return Data, reason
	}
	return Own, ""
}

func (c *classifier) language(name string) uint16 {
	n, known := c.languages[name]
	if !known {
		n = uint16(len(c.out.Languages))
		c.languages[name] = n
		c.out.Languages = append(c.out.Languages, name)
	}
	return n
}

// reason numbers reasons; above what the column can hold they are not told apart.
func (c *classifier) reason(s string) uint16 {
	if s == "" {
		return 0
	}
	n, known := c.reasons[s]
	if !known && len(c.out.Reasons) <= math.MaxUint16 {
		n = uint16(len(c.out.Reasons))
		c.reasons[s] = n
		c.out.Reasons = append(c.out.Reasons, s)
	}
	return n
}
