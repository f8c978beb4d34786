package source

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	yaml "go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"

	"orrery/analyzer/paths"
	"orrery/analyzer/people"
)

//go:embed ecosystems/openharmony.yaml ecosystems/openeuler.yaml
var builtin embed.FS

// Builtin gives the names of the built-in ecosystems, sorted.
func Builtin() []string { return []string{"openeuler", "openharmony"} }

// The bounds on an ecosystem file.
const (
	fileBytes   = 4 << 20
	fileNodes   = 100_000 // values read, those behind an alias counted at each use
	fileDepth   = 32      // of nesting
	fileAliases = 1000
	fileErrors  = 20 // reported at once
)

// ecosystemFile is the schema of an ecosystem file. Each key is documented, and used, in ecosystems/example.yaml.
type ecosystemFile struct {
	Name          text         `key:"name"`
	Sources       []fileSource `key:"sources"`
	Include       []text       `key:"include"`
	Exclude       []text       `key:"exclude"`
	Classes       []fileGroup  `key:"classes"`
	Subsystems    []fileGroup  `key:"subsystems"`
	Windows       []fileWindow `key:"windows"`
	Organizations []text       `key:"organizations"`
	Mailmap       []text       `key:"mailmap"`
	Governance    []text       `key:"governance"`
	Teams         []fileGroup  `key:"teams"`
	Bots          []text       `key:"bots"`
	Paths         []filePath   `key:"paths"`
	Bulk          []fileBulk   `key:"bulk"`
	OptOut        []text       `key:"opt_out"`
	CoAuthors     text         `key:"co_authors"`
	Rules         []text       `key:"rules"`
	Alerts        []text       `key:"alerts"`
	State         text         `key:"state"`
}

// fileSource is one source: a plain SOURCE, or a mapping.
type fileSource struct {
	plain text

	URL      text `key:"url"`
	Path     text `key:"path"`
	Manifest text `key:"manifest"`
	File     text `key:"file"`
	Base     text `key:"base"`
	Revision text `key:"revision"`
	Key      text `key:"key"`

	node *yaml.Node
}

// fileGroup is one entry of a mapping from a name to patterns of keys.
type fileGroup struct {
	Name     text
	Patterns []text
}

type fileWindow struct {
	Name text `key:"name"`
	From text `key:"from"`
	To   text `key:"to"`

	node *yaml.Node
}

// filePath is a rule for paths.
type filePath struct {
	Repository text `key:"repository"`
	Pattern    text `key:"pattern"`
	Class      text `key:"class"`
	Reason     text `key:"reason"`

	node *yaml.Node
}

// fileBulk is a correction of the detector of bulk imports.
type fileBulk struct {
	Repository text `key:"repository"`
	Commit     text `key:"commit"`
	Is         text `key:"is"`
	Reason     text `key:"reason"`

	node *yaml.Node
}

// coAuthors are what can be made of co-authors.
var coAuthors = []string{"author", "each", "split"}

// bulkIs are what a correction can make of a commit.
var bulkIs = []string{"import", "work", "upstream"}

// commitID is the id of a commit or its beginning: fewer than seven digits often mean several.
var commitID = regexp.MustCompile(`^[0-9a-f]{7,40}$`)

// text is a string with its place.
type text struct {
	s    string
	node *yaml.Node
}

// FileError is one mistake in an ecosystem file. Lines and columns count from 1; 0 is unknown.
type FileError struct {
	File         string
	Line, Column int
	Message      string
}

func (e *FileError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Message)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
}

// Unwrap makes it an ErrUsage.
func (e *FileError) Unwrap() error { return ErrUsage }

// fileDecoder fills an ecosystemFile from YAML nodes. Decoding by hand, because each mistake needs its place and its own words, and because
// the order of classes and subsystems matters.
type fileDecoder struct {
	file   string
	errors []*FileError
	nodes  int
	alias  int
}

func (d *fileDecoder) fail(n *yaml.Node, format string, args ...any) {
	e := &FileError{File: d.file, Message: redact(fmt.Sprintf(format, args...))}
	if n != nil {
		e.Line, e.Column = n.Line, n.Column
	}
	d.errors = append(d.errors, e)
}

// err gives all mistakes in the order of the file.
func (d *fileDecoder) err() error {
	slices.SortStableFunc(d.errors, func(a, b *FileError) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	var all []error
	for i, e := range d.errors {
		if i == fileErrors {
			all = append(all, fmt.Errorf("%s: %d more mistakes", d.file, len(d.errors)-i))
			break
		}
		all = append(all, e)
	}
	return errors.Join(all...)
}

// parseEcosystem reads an ecosystem file. name is used in errors only.
func parseEcosystem(name string, data []byte) (*ecosystemFile, error) {
	d := &fileDecoder{file: name}
	if len(data) > fileBytes {
		d.fail(nil, "the file is larger than %d bytes", fileBytes)
		return nil, d.err()
	}
	var document yaml.Node
	limits := loaderlimits.New(loaderlimits.DepthValue(fileDepth), loaderlimits.AliasValue(fileAliases))
	if err := yaml.Load(data, &document, yaml.WithPlugin(limits)); err != nil {
		var at *yaml.LoadError
		e := &FileError{File: name, Message: "not YAML: " + redact(strings.TrimPrefix(err.Error(), "yaml: "))}
		if errors.As(err, &at) {
			e.Line, e.Column, e.Message = at.Mark.Line, at.Mark.Column, "not YAML: "+redact(strings.TrimPrefix(at.Message, "yaml: "))
		}
		return nil, e
	}
	var f ecosystemFile
	root := &document
	if document.Kind == yaml.DocumentNode && len(document.Content) == 1 {
		root = document.Content[0]
	}
	if root.Kind == 0 {
		d.fail(nil, "the file is empty")
		return nil, d.err()
	}
	d.mapping(root, reflect.ValueOf(&f).Elem(), "an ecosystem file")
	d.check(&f, root)
	if err := d.err(); err != nil {
		return nil, err
	}
	return &f, nil
}

// follow gives what a node stands for, aliases resolved; nil when there are too many.
func (d *fileDecoder) follow(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		if d.alias++; d.alias > fileAliases || n.Alias == nil {
			if d.alias == fileAliases+1 {
				d.fail(n, "more than %d aliases are followed", fileAliases)
			}
			return nil
		}
		n = n.Alias
	}
	if d.nodes++; d.nodes > fileNodes {
		if d.nodes == fileNodes+1 {
			d.fail(n, "more than %d values", fileNodes)
		}
		return nil
	}
	return n
}

func kind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		switch n.ShortTag() {
		case "!!null":
			return "nothing"
		case "!!str":
			return "a text"
		case "!!int", "!!float":
			return fmt.Sprintf("the number %s", n.Value)
		case "!!bool":
			return fmt.Sprintf("the truth value %s", n.Value)
		case "!!timestamp":
			return fmt.Sprintf("the date %s", n.Value)
		}
		return n.ShortTag()
	}
	return "something else"
}

var (
	textType   = reflect.TypeOf(text{})
	groupsType = reflect.TypeOf([]fileGroup(nil))
	sourceType = reflect.TypeOf(fileSource{})
)

// value fills v, a field of the schema, from n. what names it in errors.
func (d *fileDecoder) value(n *yaml.Node, v reflect.Value, what string) {
	place := n
	if n = d.follow(n); n == nil {
		return
	}
	switch {
	case v.Type() == textType:
		if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" && n.ShortTag() != "!!timestamp" {
			hint := ""
			if n.Kind == yaml.ScalarNode && n.ShortTag() != "!!null" {
				hint = ": put it in quotes"
			}
			d.fail(place, "%s is a text; here stands %s%s", what, kind(n), hint)
			return
		}
		if n.Value == "" {
			d.fail(place, "%s is empty", what)
		}
		v.Set(reflect.ValueOf(text{n.Value, place}))
	case v.Type() == groupsType:
		d.groups(n, place, v, what)
	case v.Kind() == reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			d.fail(place, "%s is a list; here stands %s", what, kind(n))
			return
		}
		for _, item := range n.Content {
			element := reflect.New(v.Type().Elem()).Elem()
			d.value(item, element, "an entry of "+what)
			v.Set(reflect.Append(v, element))
		}
	case v.Type() == sourceType && n.Kind == yaml.ScalarNode:
		s := fileSource{node: place}
		d.value(n, reflect.ValueOf(&s.plain).Elem(), what)
		v.Set(reflect.ValueOf(s))
	default:
		d.mapping(n, v, what)
		switch s := v.Addr().Interface().(type) {
		case *fileSource:
			s.node = place
		case *fileWindow:
			s.node = place
		case *filePath:
			s.node = place
		case *fileBulk:
			s.node = place
		}
	}
}

// mapping fills the struct v by its key tags.
func (d *fileDecoder) mapping(n *yaml.Node, v reflect.Value, what string) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, "%s is a mapping; here stands %s", what, kind(n))
		return
	}
	var known []string
	fields := map[string]reflect.Value{}
	for i := range v.NumField() {
		if key := v.Type().Field(i).Tag.Get("key"); key != "" {
			known = append(known, key)
			fields[key] = v.Field(i)
		}
	}
	d.pairs(n, func(key, value *yaml.Node) {
		field, ok := fields[key.Value]
		if !ok {
			d.fail(key, "unknown key %q in %s; there are %s", key.Value, what, strings.Join(known, ", "))
			return
		}
		d.value(value, field, key.Value)
	})
}

func (d *fileDecoder) groups(n, place *yaml.Node, v reflect.Value, what string) {
	if n.Kind != yaml.MappingNode {
		d.fail(place, "%s is a mapping from names to lists; here stands %s", what, kind(n))
		return
	}
	var groups []fileGroup
	d.pairs(n, func(key, value *yaml.Node) {
		g := fileGroup{Name: text{key.Value, key}}
		d.value(value, reflect.ValueOf(&g.Patterns).Elem(), what+" "+key.Value)
		groups = append(groups, g)
	})
	v.Set(reflect.ValueOf(groups))
}

// pairs calls yield for each pair of a mapping, with keys that are texts and stand once.
func (d *fileDecoder) pairs(n *yaml.Node, yield func(key, value *yaml.Node)) {
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		place := n.Content[i]
		key := d.follow(place)
		if key == nil {
			return
		}
		if key.Kind != yaml.ScalarNode || key.ShortTag() != "!!str" || key.Value == "" {
			d.fail(place, "a key is a text; here stands %s", kind(key))
			continue
		}
		if line, twice := seen[key.Value]; twice {
			d.fail(place, "key %q stands twice, first in line %d", key.Value, line)
			continue
		}
		seen[key.Value] = place.Line
		yield(&yaml.Node{Kind: key.Kind, Value: key.Value, Line: place.Line, Column: place.Column}, n.Content[i+1])
	}
}

// check finds the mistakes that types cannot show.
func (d *fileDecoder) check(f *ecosystemFile, root *yaml.Node) {
	if len(f.Sources) == 0 && len(d.errors) == 0 {
		d.fail(root, "sources is missing: an ecosystem has at least one")
	}
	for _, s := range f.Sources {
		if s.plain.node != nil || s.node == nil {
			continue
		}
		kinds := 0
		for _, t := range []text{s.URL, s.Path, s.Manifest} {
			if t.node != nil {
				kinds++
			}
		}
		if kinds != 1 {
			d.fail(s.node, "a source has exactly one of url, path, manifest")
			continue
		}
		if s.Manifest.node == nil {
			for _, t := range []struct {
				key string
				text
			}{{"file", s.File}, {"base", s.Base}} {
				if t.node != nil {
					d.fail(t.node, "%s goes with manifest only", t.key)
				}
			}
		} else if s.Key.node != nil {
			d.fail(s.Key.node, "key goes with url or path: the projects of a manifest have their own names")
		}
		if k := s.Key.s; k != "" && k != cleanKey(k) {
			d.fail(s.Key.node, "key %q is not relative, printable and without empty elements", k)
		}
		if strings.HasPrefix(s.Revision.s, "-") {
			d.fail(s.Revision.node, "revision %q starts with a dash", s.Revision.s)
		}
	}
	patterns := slices.Concat(f.Include, f.Exclude)
	for _, groups := range [][]fileGroup{f.Classes, f.Subsystems} {
		for _, g := range groups {
			patterns = append(patterns, g.Patterns...)
		}
	}
	for _, p := range f.Paths {
		if p.node == nil {
			continue
		}
		if p.Pattern.node == nil || p.Class.node == nil || p.Reason.node == nil {
			d.fail(p.node, "a rule for paths has a pattern, a class and a reason")
		}
		if p.Pattern.s != "" {
			if err := paths.CheckPattern(p.Pattern.s); err != nil {
				d.fail(p.Pattern.node, "%q is no pattern of paths: %v", p.Pattern.s, err)
			}
		}
		if _, ok := paths.ParseClass(p.Class.s); p.Class.s != "" && !ok {
			d.fail(p.Class.node, "there is no class %q of paths; there are %s", p.Class.s, strings.Join(paths.Names(), ", "))
		}
		if p.Repository.node != nil {
			patterns = append(patterns, p.Repository)
		}
	}
	for _, b := range f.Bulk {
		if b.node == nil || b.node.Kind == yaml.ScalarNode {
			continue
		}
		if b.Commit.node == nil || b.Is.node == nil || b.Reason.node == nil {
			d.fail(b.node, "a correction of bulk imports has a commit, is, and a reason")
		}
		if b.Commit.s != "" && !commitID.MatchString(b.Commit.s) {
			d.fail(b.Commit.node, "%q is no commit: 7 to 40 lower-case hexadecimal digits are wanted, in quotes", b.Commit.s)
		}
		if b.Is.s != "" && !slices.Contains(bulkIs, b.Is.s) {
			d.fail(b.Is.node, "a commit is no %q; there are %s", b.Is.s, strings.Join(bulkIs, ", "))
		}
		if b.Repository.node != nil {
			patterns = append(patterns, b.Repository)
		}
	}
	if f.CoAuthors.s != "" && !slices.Contains(coAuthors, f.CoAuthors.s) {
		d.fail(f.CoAuthors.node, "there is no policy %q for co-authors; there are %s", f.CoAuthors.s, strings.Join(coAuthors, ", "))
	}
	for _, r := range f.Rules {
		if _, err := people.ParseRules([]string{r.s}); r.s != "" && err != nil {
			d.fail(r.node, "%v", err)
		}
	}
	for _, p := range patterns {
		if _, err := path.Match(p.s, ""); err != nil {
			d.fail(p.node, "%q is no pattern: %v", p.s, err)
		}
	}
	for _, t := range f.Teams {
		if !strings.HasPrefix(t.Name.s, "@") || !strings.Contains(t.Name.s, "/") {
			d.fail(t.Name.node, "%q is no team: @ORG/TEAM is wanted, in quotes", t.Name.s)
		}
	}
	names := map[string]bool{}
	for _, w := range f.Windows {
		if w.node == nil {
			continue
		}
		if w.Name.node == nil || w.From.node == nil || w.To.node == nil {
			d.fail(w.node, "a window has a name, from and to")
			continue
		}
		if names[w.Name.s] {
			d.fail(w.Name.node, "there are two windows named %q", w.Name.s)
		}
		names[w.Name.s] = true
		from, okFrom := d.date(w.From)
		to, okTo := d.date(w.To)
		if okFrom && okTo && !from.Before(to) {
			d.fail(w.To.node, "the window %q ends at %s, not after its start", w.Name.s, w.To.s)
		}
	}
}

func (d *fileDecoder) date(t text) (time.Time, bool) {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, t.s); err == nil {
			return at.UTC(), true
		}
	}
	d.fail(t.node, "%q is no date: 2006-01-02, or 2006-01-02T15:04:05Z, is wanted", t.s)
	return time.Time{}, false
}

// StateDir gives the folder of the state that the first ecosystem file among the sources names, "" if none does. What is wrong with a file is left
// to [Resolve]. Files that a file names are not asked: a state is of the whole.
func StateDir(args []string) string {
	for _, arg := range args {
		if extension := strings.ToLower(filepath.Ext(arg)); extension != ".yaml" && extension != ".yml" {
			continue
		}
		data, err := readBounded(arg, fileBytes)
		if err != nil {
			continue
		}
		f, err := parseEcosystem(arg, data)
		if err != nil || f.State.s == "" {
			continue
		}
		dir := filepath.FromSlash(f.State.s)
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(filepath.Dir(arg), dir)
		}
		return dir
	}
	return ""
}

// matchKey says whether a pattern fits a key. A pattern without a slash is held against the last element of the key, one with a slash against
// all of it; elements match as in path.Match, and an element "**" matches any number of elements, also none.
func matchKey(pattern, key string) bool {
	if !strings.Contains(pattern, "/") && pattern != "**" {
		ok, err := path.Match(pattern, path.Base(key))
		return ok && err == nil
	}
	p, k := strings.Split(pattern, "/"), strings.Split(key, "/")
	// fits[j]: the elements of the pattern so far fit the first j of the key. A table, because "**" in recursion would be exponential.
	fits := make([]bool, len(k)+1)
	fits[0] = true
	for _, element := range p {
		next := make([]bool, len(k)+1)
		for j := range next {
			switch {
			case element == "**":
				next[j] = fits[j] || j > 0 && next[j-1]
			case j > 0 && fits[j-1]:
				ok, err := path.Match(element, k[j-1])
				next[j] = ok && err == nil
			}
		}
		fits = next
	}
	return fits[len(k)]
}

// apply filters and classifies what the sources of f gave, and adds what f says beside. dir is its folder; "" for a built-in one.
func (f *ecosystemFile) apply(d *draft, file, dir string) error {
	dec := &fileDecoder{file: file}
	for _, w := range f.Windows {
		from, _ := dec.date(w.From)
		to, _ := dec.date(w.To)
		d.windows = append(d.windows, Window{w.Name.s, from.Unix(), to.Unix()})
	}
	for _, list := range []struct {
		from []text
		to   *[]string
	}{{f.Organizations, &d.organizations}, {f.Mailmap, &d.mailmaps}, {f.OptOut, &d.optOut}, {f.Governance, &d.governance}} {
		for _, t := range list.from {
			p := filepath.FromSlash(t.s)
			if !filepath.IsAbs(p) {
				p = filepath.Join(dir, p)
			}
			if info, err := os.Stat(p); err != nil || !info.Mode().IsRegular() {
				dec.fail(t.node, "there is no file %s", p)
			}
			*list.to = append(*list.to, p)
		}
	}
	for _, a := range f.Alerts {
		d.alerts = append(d.alerts, Alert{a.s, fmt.Sprintf("%s:%d:%d", file, a.node.Line, a.node.Column)})
	}
	for _, t := range f.Teams {
		for _, member := range t.Patterns {
			d.teams = append(d.teams, Team{t.Name.s, member.s})
		}
	}
	d.coAuthors = first(f.CoAuthors.s, d.coAuthors)
	for _, r := range f.Rules {
		d.rules = append(d.rules, r.s)
	}
	for _, b := range f.Bots {
		d.bots = append(d.bots, b.s)
	}
	for _, b := range f.Bulk {
		d.bulk = append(d.bulk, BulkRule{
			Repository: cmp.Or(b.Repository.s, "**"), Commit: b.Commit.s, Is: b.Is.s, Reason: b.Reason.s,
			Place: fmt.Sprintf("%s:%d:%d", file, b.node.Line, b.node.Column),
		})
	}
	for _, p := range f.Paths {
		class, _ := paths.ParseClass(p.Class.s)
		d.paths = append(d.paths, PathRule{first(p.Repository.s, "**"), paths.Rule{Pattern: p.Pattern.s, Class: class, Reason: p.Reason.s}})
	}
	used := map[*yaml.Node]bool{}
	match := func(patterns []text, key string) bool {
		fits := false
		for _, p := range patterns {
			if matchKey(p.s, key) {
				used[p.node], fits = true, true
			}
		}
		return fits
	}
	d.list = slices.DeleteFunc(d.list, func(c *candidate) bool {
		if c.failed {
			return false
		}
		return len(f.Include) > 0 && !match(f.Include, c.Key) || match(f.Exclude, c.Key)
	})
	for _, c := range d.list {
		for _, g := range f.Classes {
			if match(g.Patterns, c.Key) {
				c.Class = g.Name.s
				break
			}
		}
		for _, g := range f.Subsystems {
			if match(g.Patterns, c.Key) {
				c.Subsystem = g.Name.s
				break
			}
		}
	}
	// A pattern that fits nothing is often a typing mistake; built-in lists may run ahead of a manifest.
	if dir != "" {
		for _, p := range slices.Concat(f.Include, f.Exclude) {
			if !used[p.node] {
				d.warn("%s:%d:%d: the pattern %q fits no repository", file, p.node.Line, p.node.Column, p.s)
			}
		}
	}
	return dec.err()
}
