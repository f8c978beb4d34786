package people

import (
	"bytes"
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v4"
)

//go:embed directory.yaml
var embeddedDirectory []byte

//go:embed freemail.txt
var embeddedFreeMail string

// Directory says which domains and people are whose, with dates and sources. Immutable.
type Directory struct {
	organizations []organization
	byName        map[string]int     // names and aliases, folded
	domains       map[string][]entry // in order of precedence
	misspelled    map[string]misspelling
	numbers       []staffNumber // in order of precedence
	machines      []machine
	people        []statement
	apart         map[string]bool // addresses that only a mailmap may join to others
	same, notSame []group
}

// group holds signatures that a file says are one person's, or are different persons': addresses, or "Name <address>" of a shared one.
type group struct {
	members []string
	source  string
	where   position
}

// organization is an entry of a directory.
type organization struct {
	name, country string
	entity        string // the legal entity that the name stands for; "" for the name itself
	class         Class
	client        int // into organizations, or NoOrganization
	parents       []parent
	aliases       []string
	where         position
}

type parent struct {
	organization int
	valid        period
	where        position
}

// entry says whose a domain is in a period.
type entry struct {
	organization int   // NoOrganization for personal ones
	class        Class // the organization's, or Personal
	valid        period
	source       string
	where        position
}

// staffNumber says that whoever is called by a number of some form works for an organization in a period.
type staffNumber struct {
	organization int
	form         string // ? is a letter, # a digit, of the basic Latin ones; all else stands for itself
	valid        period
	source       string
	where        position
}

// fits says whether a word, in lower case, has the form.
func (s *staffNumber) fits(word string) bool {
	if len(word) != len(s.form) {
		return false
	}
	for i := range len(word) {
		switch c := word[i]; s.form[i] {
		case '?':
			if c < 'a' || c > 'z' {
				return false
			}
		case '#':
			if c < '0' || c > '9' {
				return false
			}
		default:
			if c != s.form[i] {
				return false
			}
		}
	}
	return true
}

type misspelling struct {
	domain, source string
	where          position
}

// machine is a pattern of machine accounts; an empty part matches everything.
type machine struct {
	class         Class
	name, address string // patterns with *, lower case
	source        string
	where         position
}

// statement says whom somebody works for in a period.
type statement struct {
	name      string // normalized; "" for any
	addresses []string
	shares    []share // one, or several that make 100 percent
	valid     period
	source    string
	imported  bool // from a file that says so: after all others
	where     position
}

type share struct{ organization, percent int }

// period is a half-open range of days since 1970, UTC.
type period struct{ from, to int32 }

// maxStatements bounds what files may say of one domain, since each is held against the others.
const maxStatements = 1000

var always = period{math.MinInt32, math.MaxInt32}

func (p period) overlaps(q period) bool { return p.from < q.to && q.from < p.to }

// position is a place in a file.
type position struct {
	file         string
	line, column int
}

func (p position) String() string { return fmt.Sprintf("%s:%d", p.file, p.line) }

// Problem is something wrong or odd in an organizations file.
type Problem struct {
	File         string
	Line, Column int // from 1
	Text         string
	Warning      bool // the file can be used; the person who wrote it may want to know
}

// Error gives "file:line:column: text".
func (p Problem) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Text)
}

// LoadDirectory reads organizations files and puts them before the embedded directory: of two statements about the same domain or person at
// the same date, the earlier file's holds. The error joins every [Problem] that is no warning.
func LoadDirectory(paths ...string) (*Directory, error) {
	l, err := load(paths)
	if err != nil {
		return nil, err
	}
	var all []error
	for _, p := range l.problems {
		if !p.Warning {
			all = append(all, p)
		}
	}
	if len(all) > 0 {
		return nil, errors.Join(all...)
	}
	return &l.Directory, nil
}

// Known gives the name that an organization stands under in results, by that or by one of its other names, and false if there is none. Universities that
// no file names go by their domains.
func (d *Directory) Known(name string) (string, bool) {
	i, ok := d.byName[normalizeName(name)]
	if !ok {
		return name, isAcademic(name)
	}
	return d.organizations[i].name, true
}

// CheckDirectory lists what is wrong or odd in organizations files as [LoadDirectory] would read them, by file and line: errors of form,
// organizations that nobody declares, a domain given to two organizations at once, circles of parents or clients, and as warnings
// statements that an earlier file leaves no day to. The error is about reading the files only.
func CheckDirectory(paths ...string) ([]Problem, error) {
	l, err := load(paths)
	if err != nil {
		return nil, err
	}
	if len(l.problems) == 0 || !slices.ContainsFunc(l.problems, func(p Problem) bool { return !p.Warning }) { // indices point somewhere
		l.contradictions()
		l.sortProblems()
	}
	return l.problems, nil
}

// builtIn is the embedded directory's name as a file.
const builtIn = "built-in directory"

func load(paths []string) (*loader, error) {
	l := newLoader()
	l.alone = len(paths) == 0
	for _, path := range paths {
		data, err := readCapped(path)
		if err != nil {
			return nil, fmt.Errorf("reading organizations: %w", err)
		}
		l.read(path, data)
	}
	l.read(builtIn, embeddedDirectory)
	l.finish()
	return l, nil
}

// embedded is the directory without files of the user, read when first needed.
var embedded = sync.OnceValues(func() (*Directory, error) { return LoadDirectory() })

// freeMail holds the domains of free-mail providers.
var freeMail = sync.OnceValue(func() map[string]bool {
	set := make(map[string]bool, 5000)
	for line := range strings.Lines(embeddedFreeMail) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			set[line] = true
		}
	}
	return set
})

// repair gives the domain that is meant by a misspelt one.
func (d *Directory) repair(domain string) (right, source string, ok bool) {
	for suffix := range suffixes(domain) {
		if m, ok := d.misspelled[suffix]; ok {
			return domain[:len(domain)-len(suffix)] + m.domain, m.source, true
		}
	}
	return "", "", false
}

// machine gives the class of a machine account, the source of its pattern and the place that states it ("" for none), or Unknown.
func (d *Directory) machine(name, address string, more []machine) (class Class, source, where string) {
	name, address = strings.ToLower(name), strings.ToLower(address)
	for _, list := range [2][]machine{more, d.machines} {
		for i := range list {
			if m := &list[i]; matches(m.name, name) && matches(m.address, address) {
				if m.where.file != "" {
					where = m.where.String()
				}
				return m.class, m.source, where
			}
		}
	}
	return Unknown, "", ""
}

// without gives the directory as it would be if a file did not say in a line ("FILE:LINE") whose domains are, who works where, what is misspelled, who
// is a machine, who is the same, or who is part of whom; and whether it says any of it there. Organizations keep their names.
func (d *Directory) without(place string) (*Directory, bool) {
	out, found := *d, false
	at := func(p position) bool {
		here := p.file != "" && p.String() == place
		found = found || here
		return here
	}
	out.organizations = slices.Clone(d.organizations)
	for i := range out.organizations {
		o := &out.organizations[i]
		o.parents = slices.DeleteFunc(slices.Clone(o.parents), func(p parent) bool { return at(p.where) })
	}
	out.domains = maps.Clone(d.domains)
	for name, entries := range d.domains {
		if !slices.ContainsFunc(entries, func(e entry) bool { return at(e.where) }) {
			continue
		}
		out.domains[name] = slices.DeleteFunc(slices.Clone(entries), func(e entry) bool { return at(e.where) })
		if len(out.domains[name]) == 0 {
			delete(out.domains, name)
		}
	}
	out.misspelled = maps.Clone(d.misspelled)
	maps.DeleteFunc(out.misspelled, func(_ string, m misspelling) bool { return at(m.where) })
	out.numbers = slices.DeleteFunc(slices.Clone(d.numbers), func(s staffNumber) bool { return at(s.where) })
	out.machines = slices.DeleteFunc(slices.Clone(d.machines), func(m machine) bool { return at(m.where) })
	out.people = slices.DeleteFunc(slices.Clone(d.people), func(s statement) bool { return at(s.where) })
	out.same = slices.DeleteFunc(slices.Clone(d.same), func(g group) bool { return at(g.where) })
	out.notSame = slices.DeleteFunc(slices.Clone(d.notSame), func(g group) bool { return at(g.where) })
	return &out, found
}

// matches says whether the whole of s fits a pattern in which * stands for any characters. The empty pattern fits all.
func matches(pattern, s string) bool {
	if pattern == "" {
		return true
	}
	head, pattern, star := strings.Cut(pattern, "*")
	if !star {
		return s == head
	}
	if !strings.HasPrefix(s, head) {
		return false
	}
	s = s[len(head):]
	for {
		part, rest, star := strings.Cut(pattern, "*")
		if !star {
			return strings.HasSuffix(s, part)
		}
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s, pattern = s[i+len(part):], rest
	}
}

// loader reads files into a directory. Names of organizations are bound when all are read, since a file may speak of another's.
type loader struct {
	Directory
	problems []Problem
	file     string
	imported bool // the file says that it was made from another one
	alone    bool // there are no files but the embedded one
	later    []func()
}

func newLoader() *loader {
	return &loader{Directory: Directory{byName: map[string]int{}, domains: map[string][]entry{}, misspelled: map[string]misspelling{}, apart: map[string]bool{}}}
}

func (l *loader) at(n *yaml.Node) position { return position{l.file, n.Line, n.Column} }

func (l *loader) problem(at position, format string, args ...any) {
	l.problems = append(l.problems, Problem{File: at.file, Line: at.line, Column: at.column, Text: fmt.Sprintf(format, args...)})
}

func (l *loader) warn(at position, format string, args ...any) {
	l.problem(at, format, args...)
	l.problems[len(l.problems)-1].Warning = true
}

func (l *loader) read(path string, data []byte) {
	l.file, l.imported = filepath.ToSlash(path), false
	if len(data) > maxFile {
		l.problem(position{l.file, 1, 1}, "larger than %d MiB", maxFile>>20)
		return
	}
	if isBlank(data) { // which YAML holds to be no document at all
		return
	}
	root := readLines(data)
	if root == nil && len(data) > maxParsed {
		l.problem(position{l.file, 1, 1}, "larger than %d MiB, and not with one entry on each line, as organizations import writes files", maxParsed>>20)
		return
	}
	if root == nil {
		root = l.parse(data)
	}
	if root == nil {
		return
	}
	first := len(l.people)
	l.fields(root, "an organizations file", fields{
		"date":          func(n *yaml.Node) { l.day(n) },
		"organizations": func(n *yaml.Node) { l.each(n, l.organization) },
		"personal":      func(n *yaml.Node) { l.each(n, l.personal) },
		"misspellings":  func(n *yaml.Node) { l.each(n, l.misspelling) },
		"machines":      func(n *yaml.Node) { l.each(n, l.machineAccount) },
		"people":        func(n *yaml.Node) { l.each(n, l.person) },
		"apart":         func(n *yaml.Node) { l.each(n, l.keepApart) },
		"same":          func(n *yaml.Node) { l.groups(n, &l.same) },
		"not_same":      func(n *yaml.Node) { l.groups(n, &l.notSame) },
		"imported":      func(n *yaml.Node) { l.imported = l.text(n) != "" },
	})
	for i := first; i < len(l.people); i++ { // the key may stand anywhere
		l.people[i].imported = l.imported
	}
}

// parse reads any YAML.
func (l *loader) parse(data []byte) *yaml.Node {
	var document yaml.Node
	if err := yaml.Load(data, &document); err != nil {
		at := position{l.file, 1, 1}
		text := err.Error()
		if e, ok := errors.AsType[*yaml.LoadError](err); ok {
			text = e.Message
			at.line, at.column = max(e.Mark.Line, 1), max(e.Mark.Column, 1)
		}
		l.problem(at, "%s", strings.TrimPrefix(text, "yaml: "))
		return nil
	}
	if document.Kind == yaml.DocumentNode && len(document.Content) == 1 {
		return document.Content[0]
	}
	return &document
}

// isBlank says whether a file holds nothing but blank lines and comments.
func isBlank(data []byte) bool {
	for line := range bytes.Lines(data) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
			return false
		}
	}
	return true
}

type fields map[string]func(*yaml.Node)

// fields reads a mapping in the file's order; keys that are unknown or stand twice are problems.
func (l *loader) fields(n *yaml.Node, what string, known fields) bool {
	if n.Kind != yaml.MappingNode {
		l.problem(l.at(n), "%s must be a mapping, not %s", what, kindOf(n))
		return false
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		read := known[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode || read == nil:
			names := make([]string, 0, len(known))
			for name := range known {
				names = append(names, name)
			}
			slices.Sort(names)
			l.problem(l.at(key), "unknown key %q in %s, which has: %s", key.Value, what, strings.Join(names, ", "))
		case seen[key.Value]:
			l.problem(l.at(key), "key %q stands twice in %s", key.Value, what)
		default:
			read(value)
		}
		seen[key.Value] = true
	}
	return true
}

func (l *loader) each(n *yaml.Node, read func(*yaml.Node)) {
	if n.Kind != yaml.SequenceNode {
		l.problem(l.at(n), "want a list, not %s", kindOf(n))
		return
	}
	for _, item := range n.Content {
		read(item)
	}
}

// texts reads a text or a list of them.
func (l *loader) texts(n *yaml.Node) (all []string) {
	if n.Kind == yaml.ScalarNode {
		return []string{l.text(n)}
	}
	l.each(n, func(item *yaml.Node) { all = append(all, l.text(item)) })
	return all
}

func (l *loader) text(n *yaml.Node) string {
	switch {
	case n.Kind != yaml.ScalarNode || n.Tag == "!!null" || n.Tag == "!!bool":
		l.problem(l.at(n), "want text, not %s", kindOf(n))
		return ""
	case n.Tag != "!!str" && n.Tag != "!!timestamp":
		l.problem(l.at(n), "want text, not %s: put quotation marks around it", kindOf(n))
		return ""
	case strings.TrimSpace(n.Value) == "":
		l.problem(l.at(n), "want text, not nothing")
		return ""
	}
	return strings.TrimSpace(n.Value)
}

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias (write it out)"
	}
	switch n.Tag {
	case "!!null":
		return "nothing"
	case "!!str":
		return "text"
	}
	return n.Tag[min(2, len(n.Tag)):]
}

// day reads a date as days since 1970.
func (l *loader) day(n *yaml.Node) int32 {
	text := l.text(n)
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		if text != "" {
			l.problem(l.at(n), "want a date like 2019-07-09, not %q", text)
		}
		return 0
	}
	return dayOf(t.Unix())
}

// dates adds the keys of a period to a mapping.
func (l *loader) dates(p *period, known fields) fields {
	*p = always
	known["from"] = func(n *yaml.Node) { p.from = l.day(n) }
	known["to"] = func(n *yaml.Node) { p.to = l.day(n) }
	return known
}

func (l *loader) checkPeriod(at position, p period) {
	if p.from >= p.to {
		l.problem(at, "the period ends (to) before it begins (from)")
	}
}

// bind finds an organization by name or alias when everything is read.
func (l *loader) bind(n *yaml.Node, name string, found func(int)) {
	at := l.at(n)
	if name == "" {
		return
	}
	l.later = append(l.later, func() {
		if i, ok := l.byName[normalizeName(name)]; ok {
			found(i)
			return
		}
		l.problem(at, "no organization is called %q", name)
	})
}

var kinds = map[string]Class{"company": Employer, "contractor": Contractor, "university": Academic, "foundation": Community, "community": Community}

// reserved are the names of rows that no organization has.
var reserved = func() map[string]bool {
	set := setOf("bots", "AI agents", "bulk imports")
	for class := range Class(NumClasses) {
		set[class.String()] = true
	}
	return set
}()

func (l *loader) organization(n *yaml.Node) {
	o := organization{client: NoOrganization, where: l.at(n)}
	var aliases []string
	var client, parents, domains, numbers *yaml.Node
	source := ""
	if !l.fields(n, "an organization", fields{
		"name":    func(n *yaml.Node) { o.name = l.text(n) },
		"entity":  func(n *yaml.Node) { o.entity = l.text(n) },
		"aliases": func(n *yaml.Node) { aliases = l.texts(n) },
		"kind": func(n *yaml.Node) {
			if kind := l.text(n); kind != "" && kinds[kind] == Unknown {
				l.problem(l.at(n), "kind %q is none of company, contractor, university, foundation, community", kind)
			} else {
				o.class = kinds[kind]
			}
		},
		"country": func(n *yaml.Node) {
			if o.country = l.text(n); !iso3166.MatchString(o.country) {
				l.problem(l.at(n), "want a country as two capital letters of ISO 3166-1, not %q", o.country)
			}
		},
		"source":  func(n *yaml.Node) { source = l.text(n) },
		"client":  func(n *yaml.Node) { client = n },
		"parents": func(n *yaml.Node) { parents = n },
		"domains": func(n *yaml.Node) { domains = n },
		"numbers": func(n *yaml.Node) { numbers = n },
	}) {
		return
	}
	if o.name == "" {
		l.problem(o.where, "an organization without a name")
		return
	}
	if reserved[o.name] {
		l.problem(o.where, "no organization can be called %q: tables call what is no organization's so", o.name)
		return
	}
	if source == "" {
		source = o.where.file
	}
	index, known := l.byName[normalizeName(o.name)]
	if !known {
		index = len(l.organizations)
		l.organizations = append(l.organizations, o)
	} else if first := &l.organizations[index]; first.where.file == l.file {
		l.problem(o.where, "organization %q stands already in line %d", o.name, first.where.line)
		return
	} else { // an earlier file has it: this one fills in what that leaves open
		if first.class == Unknown {
			first.class = o.class
		}
		if first.country == "" {
			first.country = o.country
		}
		if first.entity == "" {
			first.entity = o.entity
		}
	}
	for _, name := range append(aliases, o.name) {
		key := normalizeName(name)
		if key == "" {
			continue
		}
		if other, taken := l.byName[key]; !taken {
			l.byName[key] = index
		} else if other != index && l.organizations[other].where.file == l.file {
			l.problem(o.where, "alias %q is also a name of %q", name, l.organizations[other].name)
		} else if other != index {
			l.clash(name, other, &o)
		}
	}
	l.organizations[index].aliases = append(l.organizations[index].aliases, aliases...)
	if client != nil {
		l.bind(client, l.text(client), func(i int) {
			if c := &l.organizations[index].client; *c == NoOrganization {
				*c = i
			}
		})
	}
	if parents != nil && len(l.organizations[index].parents) == 0 {
		l.dated(parents, "a parent", "name", func(n *yaml.Node, name string, valid period, _ string) {
			at := l.at(n)
			l.bind(n, name, func(i int) {
				p := &l.organizations[index].parents
				*p = append(*p, parent{i, valid, at})
			})
		})
	}
	if domains != nil {
		l.dated(domains, "a domain", "name", func(n *yaml.Node, name string, valid period, own string) {
			if own == "" {
				own = source
			}
			l.domain(n, name, entry{organization: index, valid: valid, source: own})
		})
	}
	if numbers != nil {
		l.dated(numbers, "a form of staff numbers", "form", func(n *yaml.Node, form string, valid period, own string) {
			l.staffNumber(n, staffNumber{organization: index, form: strings.ToLower(form), valid: valid, source: cmp.Or(own, source)})
		})
	}
}

// minStaffNumber is how many digits a form needs, so that years and other people's lucky numbers have none.
const minStaffNumber = 6

func (l *loader) staffNumber(n *yaml.Node, s staffNumber) {
	if s.form == "" {
		return
	}
	digits := strings.Count(s.form, "#")
	for _, c := range s.form {
		if c >= '0' && c <= '9' {
			digits++
		}
	}
	s.where = l.at(n)
	switch {
	case strings.ContainsFunc(s.form, func(c rune) bool { return c <= ' ' || c > '~' }) || digits < minStaffNumber:
		l.problem(s.where, "%q is no form of numbers: want one word with %d digits at least, where ? is a letter and # a digit", s.form, minStaffNumber)
	case len(l.numbers) == maxStatements:
		l.problem(s.where, "more than %d forms of numbers", maxStatements)
	default:
		l.numbers = append(l.numbers, s)
	}
}

// clash reports a name that an earlier file gives to another organization, where the person who wrote a file can do something about it.
func (l *loader) clash(name string, first int, second *organization) {
	earlier := &l.organizations[first]
	at := second.where
	if at.file == builtIn {
		at = earlier.where
	}
	l.warn(at, "%q is a name of %q (%s) and of %q (%s): it is taken for the first", name, earlier.name, earlier.where.file, second.name, second.where.file)
}

var iso3166 = regexp.MustCompile(`^[A-Z]{2}$`)

// dated reads a text, or a list of texts and mappings with a text under key, from, to and source.
func (l *loader) dated(n *yaml.Node, what, key string, found func(n *yaml.Node, name string, valid period, source string)) {
	if n.Kind == yaml.ScalarNode {
		found(n, l.text(n), always, "")
		return
	}
	l.each(n, func(n *yaml.Node) {
		if n.Kind != yaml.MappingNode {
			found(n, l.text(n), always, "")
			return
		}
		var name, source string
		var valid period
		l.fields(n, what, l.dates(&valid, fields{
			key:      func(n *yaml.Node) { name = l.text(n) },
			"source": func(n *yaml.Node) { source = l.text(n) },
		}))
		if name == "" {
			l.problem(l.at(n), "%s without a %s", what, key)
		}
		l.checkPeriod(l.at(n), valid)
		found(n, name, valid, source)
	})
}

func (l *loader) domain(n *yaml.Node, name string, e entry) {
	name = strings.ToLower(name)
	if name == "" {
		return
	}
	if !strings.Contains(name, ".") || formOf("x", name) != valid {
		l.problem(l.at(n), "%q is no domain", name)
		return
	}
	e.where = l.at(n)
	l.domains[name] = append(l.domains[name], e)
}

func (l *loader) personal(n *yaml.Node) {
	var domains *yaml.Node
	source := l.file
	l.fields(n, "personal domains", fields{
		"domains": func(n *yaml.Node) { domains = n },
		"source":  func(n *yaml.Node) { source = l.text(n) },
	})
	if domains != nil {
		l.each(domains, func(n *yaml.Node) {
			l.domain(n, l.text(n), entry{organization: NoOrganization, class: Personal, valid: always, source: source})
		})
	}
}

func (l *loader) misspelling(n *yaml.Node) {
	var domain, source string
	var of []string
	l.fields(n, "a misspelling", fields{
		"domain":     func(n *yaml.Node) { domain = strings.ToLower(l.text(n)) },
		"misspelled": func(n *yaml.Node) { of = l.texts(n) },
		"source":     func(n *yaml.Node) { source = l.text(n) },
	})
	for _, wrong := range of {
		wrong = strings.ToLower(wrong)
		if _, taken := l.misspelled[wrong]; !taken && wrong != "" && domain != "" {
			l.misspelled[wrong] = misspelling{domain, fmt.Sprintf("%s for %s: %s", wrong, domain, source), l.at(n)}
		}
	}
}

func (l *loader) machineAccount(n *yaml.Node) {
	m := machine{where: l.at(n)}
	l.fields(n, "a machine account", fields{
		"class": func(n *yaml.Node) {
			switch l.text(n) {
			case "bot":
				m.class = Bot
			case "agent":
				m.class = Agent
			default:
				l.problem(l.at(n), "want class bot or agent")
			}
		},
		"name":    func(n *yaml.Node) { m.name = strings.ToLower(l.text(n)) },
		"address": func(n *yaml.Node) { m.address = strings.ToLower(l.text(n)) },
		"source":  func(n *yaml.Node) { m.source = l.text(n) },
	})
	if m.class == Unknown || strings.Trim(m.name+m.address, "*") == "" {
		l.problem(l.at(n), "a machine account needs a class, and a name or an address")
		return
	}
	l.machines = append(l.machines, m)
}

func (l *loader) person(n *yaml.Node) {
	s := statement{source: fmt.Sprintf("%s:%d", l.file, n.Line), where: l.at(n)}
	var one, several *yaml.Node
	l.fields(n, "a person", l.dates(&s.valid, fields{
		"name":          func(n *yaml.Node) { s.name = normalizeName(l.text(n)) },
		"addresses":     func(n *yaml.Node) { s.addresses = l.texts(n) },
		"organization":  func(n *yaml.Node) { one = n },
		"organizations": func(n *yaml.Node) { several = n },
		"source": func(n *yaml.Node) {
			if source := l.text(n); source != "" {
				s.source += " (" + source + ")"
			}
		},
	}))
	l.checkPeriod(l.at(n), s.valid)
	if len(s.addresses) == 0 || (one == nil) == (several == nil) {
		l.problem(l.at(n), "a person needs addresses, and either an organization or organizations with percentages")
		return
	}
	index := len(l.people)
	l.people = append(l.people, s)
	add := func(n *yaml.Node, name string, percent int) {
		k := len(l.people[index].shares)
		l.people[index].shares = append(l.people[index].shares, share{percent: percent})
		l.bind(n, name, func(i int) { l.people[index].shares[k].organization = i })
	}
	if one != nil {
		add(one, l.text(one), 100)
		return
	}
	sum := 0
	l.each(several, func(n *yaml.Node) {
		name, percent := "", 0
		l.fields(n, "a share", fields{
			"name":    func(n *yaml.Node) { name = l.text(n) },
			"percent": func(n *yaml.Node) { percent = l.percent(n) },
		})
		sum += percent
		add(n, name, percent)
	})
	if sum != 100 {
		l.problem(l.at(several), "the percentages make %d, not 100", sum)
	}
}

// percent reads a whole number from 1 to 100.
func (l *loader) percent(n *yaml.Node) int {
	percent, err := strconv.Atoi(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || percent < 1 || percent > 100 {
		l.problem(l.at(n), "want a whole percentage from 1 to 100, not %s", kindOf(n))
		return 0
	}
	return percent
}

// groups reads lists of lists of signatures.
func (l *loader) groups(n *yaml.Node, to *[]group) {
	l.each(n, func(n *yaml.Node) {
		if n.Kind != yaml.SequenceNode {
			l.problem(l.at(n), "want a list of two addresses or more, not %s", kindOf(n))
			return
		}
		g := group{members: l.texts(n), source: fmt.Sprintf("%s:%d", l.file, n.Line), where: l.at(n)}
		if len(g.members) < 2 || len(g.members) > maxGroup {
			l.problem(l.at(n), "want 2 to %d addresses, not %d", maxGroup, len(g.members))
			return
		}
		*to = append(*to, g)
	})
}

// maxGroup bounds the signatures of one group.
const maxGroup = 100

func (l *loader) keepApart(n *yaml.Node) {
	if text := l.text(n); text != "" {
		l.apart[strings.ToLower(text)] = true
	}
}

// finish binds names and looks for contradictions.
func (l *loader) finish() *Directory {
	for _, bind := range l.later {
		bind()
	}
	for i := range l.organizations {
		o := &l.organizations[i]
		if o.class == Unknown {
			l.problem(o.where, "organization %q has no kind", o.name)
		}
		if o.class == Contractor && o.client == NoOrganization {
			l.problem(o.where, "contractor %q has no client", o.name)
		}
	}
	l.circles()
	l.parentsTwice()
	for name, entries := range l.domains {
		if len(entries) > maxStatements {
			l.problem(entries[maxStatements].where, "domain %s has more than %d statements", name, maxStatements)
			continue
		}
		for i := range entries {
			e := &entries[i]
			if e.organization != NoOrganization {
				e.class = l.organizations[e.organization].class
			}
			for _, first := range entries[:i] {
				switch {
				case !first.valid.overlaps(e.valid):
				case first.where.file == e.where.file:
					l.problem(e.where, "domain %s is given at the same time in line %d", name, first.where.line)
				case first.valid.from <= e.valid.from && e.valid.to <= first.valid.to && l.editable(e.where):
					l.warn(e.where, "domain %s is never reached: %s decides it", name, first.where.file)
				}
			}
		}
	}
	l.sortProblems()
	return &l.Directory
}

func (l *loader) sortProblems() {
	slices.SortStableFunc(l.problems, func(a, b Problem) int {
		if a.File != b.File {
			return strings.Compare(a.File, b.File)
		}
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		if a.Column != b.Column {
			return a.Column - b.Column
		}
		return strings.Compare(a.Text, b.Text)
	})
}

// dayText gives a day as files write it.
func dayText(day int32) string {
	if day == math.MinInt32 {
		return "the beginning"
	}
	return time.Unix(int64(day)*86400, 0).UTC().Format(time.DateOnly)
}

// circles reports organizations whose parents and clients lead back to them.
func (l *loader) circles() {
	const open, closed = 1, 2
	state := make([]uint8, len(l.organizations))
	var walk func(i int)
	walk = func(i int) {
		state[i] = open
		o := &l.organizations[i]
		above := make([]int, 0, 2)
		if o.client != NoOrganization {
			above = append(above, o.client)
		}
		for _, p := range o.parents {
			above = append(above, p.organization)
		}
		for _, j := range above {
			switch state[j] {
			case 0:
				walk(j)
			case open:
				l.problem(o.where, "parents and clients of %q lead back to it, by way of %q", l.organizations[j].name, o.name)
			}
		}
		state[i] = closed
	}
	for i := range l.organizations {
		if state[i] == 0 {
			walk(i)
		}
	}
}

// dayOf gives the day since 1970, UTC, of a moment; what no calendar reaches is cut to the ends.
func dayOf(unix int64) int32 {
	day := unix / 86400
	if unix%86400 < 0 {
		day--
	}
	return int32(min(max(day, math.MinInt32+1), math.MaxInt32-1))
}
