package source

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"sort"
	"strings"
)

// The bounds on a manifest.
const (
	manifestDepth    = 16       // files including files
	manifestFiles    = 1000     // files read in all, repeated ones counted again
	manifestBytes    = 16 << 20 // one file
	manifestTotal    = 20 << 20 // all files, repeated ones counted again
	manifestProjects = 50_000
	manifestChanges  = 10_000 // removals, extensions, remotes and defaults
	manifestNesting  = 32     // elements in elements
)

// Manifest is a repo manifest with its includes, removals and extensions carried out.
type Manifest struct {
	Projects []Project // in the manifest's order
	Warnings []string  // what was odd, with files and lines
}

// Project is one project of a manifest.
type Project struct {
	Name     string
	Path     string // in a checkout of the whole; data only, never a path on disk
	Remote   string // name of the remote; "" if there is none
	URL      string // the remote's address, joined with Name, unchecked; "" if it is not known
	Revision string
	Groups   []string
	File     string // where it is defined
	Line     int
	// Refused says why the project must not be used; "" if it may.
	Refused string
}

// manifestElement is one element of a manifest, in the order in which they take effect.
type manifestElement struct {
	tag      string
	attr     map[string]string
	file     string
	line     int
	parent   int    // index of the project that it stands in, or -1
	revision string // of the include that brought the file
	groups   string // likewise
}

// The attributes that the elements have. Those of elements that are nil are not looked at, because nothing here depends on them.
var manifestAttributes = map[string][]string{
	"manifest": nil, "notice": nil, "manifest-server": nil, "repo-hooks": nil, "superproject": nil, "contactinfo": nil, "annotation": nil,
	"submanifest": nil,
	"remote":      {"alias", "fetch", "name", "pushurl", "review", "revision"},
	"default":     {"dest-branch", "remote", "revision", "sync-c", "sync-j", "sync-s", "sync-tags", "upstream"},
	"project": {
		"clone-depth", "dest-branch", "force-path", "groups", "name", "path", "rebase", "remote", "revision", "sync-c", "sync-j",
		"sync-s", "sync-strategy", "sync-tags", "upstream",
	},
	"extend-project": {"base-rev", "dest-branch", "dest-path", "groups", "name", "path", "remote", "revision", "upstream"},
	"remove-project": {"base-rev", "name", "optional", "path"},
	"include":        {"groups", "name", "revision"},
	"linkfile":       {"dest", "src"},
	"copyfile":       {"dest", "src"},
}

// misspelt maps attributes that real manifests misspell to what they mean.
var misspelt = map[string]string{"revison": "revision"}

// ReadManifest reads the manifest entry and what it includes. read gives a file by its path relative to the manifest's root, with slashes;
// it is only asked for paths that stay inside. base is the address that the manifest came from: a relative fetch is resolved against it, as
// repo does (base without a final slash, RFC 3986); with "" such projects have no URL.
//
// Every project is kept, also those in the group "notdefault": the question is what belongs to an ecosystem, not what a checkout holds.
// Odd things that leave no doubt are warnings; an include that cannot be followed is an error, because what is missing then is unknown.
func ReadManifest(read func(name string) ([]byte, error), entry, base string) (*Manifest, error) {
	l := manifestLoader{read: read, warned: map[string]int{}}
	if why := checkName(entry); why != "" {
		return nil, fmt.Errorf("reading manifest %q: its path is refused: %s", redact(entry), why)
	}
	if err := l.load(entry, nil, "", ""); err != nil {
		return nil, err
	}
	m := l.apply(base)
	var rare []string
	for text, n := range l.warned {
		if n > 1 {
			text = fmt.Sprintf("%s (%d times)", text, n)
		}
		rare = append(rare, text)
	}
	sort.Strings(rare)
	m.Warnings = append(m.Warnings, rare...)
	return m, nil
}

type manifestLoader struct {
	read     func(string) ([]byte, error)
	elements []manifestElement
	warnings []string
	warned   map[string]int // warnings that would repeat, counted
	files    int
	bytes    int
	projects int
	changes  int
	placed   bool // the error says who included the file at fault
}

func (l *manifestLoader) warn(file string, line int, format string, args ...any) {
	if len(l.warnings) < 200 {
		l.warnings = append(l.warnings, fmt.Sprintf("manifest %s:%d: %s", file, line, redact(fmt.Sprintf(format, args...))))
	} else {
		l.count("manifest: further warnings left out")
	}
}

// count warns of something that may repeat a thousand times.
func (l *manifestLoader) count(text string) {
	if _, ok := l.warned[text]; !ok && len(l.warned) >= 200 {
		text = "manifest: further warnings left out"
	}
	l.warned[text]++
}

func (l *manifestLoader) load(file string, stack []string, revision, groups string) error {
	for _, s := range stack {
		if s == file {
			return fmt.Errorf("reading manifest %s: includes go in a circle: %s", file, strings.Join(append(stack, file), " -> "))
		}
	}
	if len(stack) >= manifestDepth {
		return fmt.Errorf("reading manifest %s: includes are more than %d deep", file, manifestDepth)
	}
	if l.files++; l.files > manifestFiles {
		return fmt.Errorf("reading manifest %s: more than %d files are included", file, manifestFiles)
	}
	data, err := l.read(file)
	if err != nil {
		return fmt.Errorf("reading manifest %s: %w", file, err)
	}
	if len(data) > manifestBytes {
		return fmt.Errorf("reading manifest %s: it is larger than %d bytes", file, manifestBytes)
	}
	if l.bytes += len(data); l.bytes > manifestTotal {
		return fmt.Errorf("reading manifest %s: the manifest is larger than %d bytes in all", file, manifestTotal)
	}
	return l.parse(file, data, append(stack[:len(stack):len(stack)], file), revision, groups)
}

func (l *manifestLoader) parse(file string, data []byte, stack []string, revision, groups string) error {
	d := xml.NewDecoder(bytes.NewReader(data))
	fail := func(format string, args ...any) error {
		line, column := d.InputPos()
		return fmt.Errorf("reading manifest %s:%d:%d: %s", file, line, column, redact(fmt.Sprintf(format, args...)))
	}
	type open struct {
		tag     string
		project int // index into l.elements of the innermost project, or -1
	}
	var nesting []open
	root := false
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			var syntax *xml.SyntaxError
			if errors.As(err, &syntax) {
				return fail("not XML: %s", syntax.Msg)
			}
			if d.InputOffset() < 200 && strings.Contains(err.Error(), "CharsetReader") {
				return fail("it declares another encoding than UTF-8")
			}
			return fail("not XML: %v", err)
		}
		switch t := token.(type) {
		case xml.Directive:
			return fail("a document type (<!%s) is refused", bytes.Fields(append(t[:min(len(t), 20):min(len(t), 20)], ' ', '.'))[0])
		case xml.CharData:
			if len(nesting) == 0 && len(bytes.TrimSpace(bytes.TrimPrefix(t, []byte("\ufeff")))) > 0 {
				return fail("not XML: text outside of any element")
			}
		case xml.StartElement:
			tag := t.Name.Local
			line, _ := d.InputPos()
			if len(nesting) == 0 {
				if root {
					return fail("a second root element <%s>", tag)
				}
				if tag != "manifest" {
					return fail("no repo manifest: the root element is <%s>, <manifest> is wanted", tag)
				}
				root = true
				nesting = append(nesting, open{tag, -1})
				continue
			}
			if len(nesting) >= manifestNesting {
				return fail("elements are nested more than %d deep", manifestNesting)
			}
			project := nesting[len(nesting)-1].project
			known, ok := manifestAttributes[tag]
			if !ok || tag == "manifest" {
				l.count(fmt.Sprintf("manifest %s: element <%s> is unknown and was passed over", file, redact(tag)))
				nesting = append(nesting, open{tag, project})
				continue
			}
			if tag == "submanifest" {
				l.warn(file, line, "<submanifest> is not followed")
			}
			e := manifestElement{tag: tag, file: file, line: line, parent: project, revision: revision, groups: groups}
			e.attr = l.attributes(file, tag, known, t.Attr)
			switch tag {
			case "include":
				name := strings.TrimPrefix(e.attr["name"], "./")
				if why := checkName(name); why != "" {
					return fail("include %q is refused: %s", name, why)
				}
				inner, innerGroups := e.attr["revision"], strings.Trim(groups+","+e.attr["groups"], ",")
				if inner == "" {
					inner = revision
				}
				err := l.load(name, stack, inner, innerGroups)
				if err != nil && !l.placed {
					l.placed = true
					err = fmt.Errorf("%w (included by %s:%d)", err, file, line)
				}
				if err != nil {
					return err
				}
			case "project":
				if l.projects++; l.projects > manifestProjects {
					return fail("more than %d projects", manifestProjects)
				}
				project = len(l.elements)
				l.elements = append(l.elements, e)
			case "remote", "default", "remove-project", "extend-project":
				if l.changes++; l.changes > manifestChanges {
					return fail("more than %d removals, extensions, remotes and defaults", manifestChanges)
				}
				l.elements = append(l.elements, e)
			case "linkfile", "copyfile":
				for _, key := range []string{"src", "dest"} {
					// A source of "." is the project itself.
					if why := checkName(e.attr[key]); why != "" && e.attr[key] != "." {
						l.warn(file, line, "%s of <%s> is %q: %s; nothing is linked or copied here", key, tag, e.attr[key], why)
					}
				}
			}
			nesting = append(nesting, open{tag, project})
		case xml.EndElement:
			if len(nesting) == 0 || nesting[len(nesting)-1].tag != t.Name.Local {
				return fail("not XML: </%s> closes nothing", t.Name.Local)
			}
			nesting = nesting[:len(nesting)-1]
		}
	}
	if !root {
		return fail("not XML: no element at all")
	}
	if len(nesting) > 0 {
		return fail("not XML: <%s> is never closed", nesting[len(nesting)-1].tag)
	}
	return nil
}

func (l *manifestLoader) attributes(file, tag string, known []string, attrs []xml.Attr) map[string]string {
	m := make(map[string]string, len(attrs))
	if known == nil {
		return m
	}
	for _, a := range attrs {
		name := a.Name.Local
		if right := misspelt[name]; right != "" {
			l.count(fmt.Sprintf("manifest %s: attribute %s of <%s> was taken for %s", file, name, tag, right))
			name = right
		}
		if i := sort.SearchStrings(known, name); i == len(known) || known[i] != name {
			l.count(fmt.Sprintf("manifest %s: attribute %s of <%s> is unknown and was passed over", file, redact(name), tag))
			continue
		}
		if _, twice := m[name]; twice {
			l.count(fmt.Sprintf("manifest %s: attribute %s of <%s> stands twice, the first was taken", file, name, tag))
			continue
		}
		m[name] = strings.TrimSpace(a.Value)
	}
	return m
}

// apply carries the elements out as repo does: remotes and defaults of all files first, then projects, removals and extensions in order.
func (l *manifestLoader) apply(base string) *Manifest {
	remotes := map[string]map[string]string{}
	var fallback map[string]string
	for _, e := range l.elements {
		switch e.tag {
		case "remote":
			name := e.attr["name"]
			if name == "" {
				l.warn(e.file, e.line, "a <remote> without a name was passed over")
			} else if old, ok := remotes[name]; ok && !sameAttributes(old, e.attr, "fetch", "revision") {
				l.warn(e.file, e.line, "remote %q is defined again, differently; the first definition was taken", name)
			} else if !ok {
				remotes[name] = e.attr
			}
		case "default":
			if fallback != nil && !sameAttributes(fallback, e.attr, "remote", "revision") {
				l.warn(e.file, e.line, "<default> is given again, differently; the first was taken")
			} else if fallback == nil {
				fallback = e.attr
			}
		}
	}

	var projects []Project
	position := map[int]int{}    // element -> index into projects
	named := map[string][]int{}  // name -> indices into projects
	placed := map[string][]int{} // path -> indices into projects
	seen := map[[2]string]bool{} // name and path
	gone := map[int]bool{}       // indices into projects
	locate := func(p *Project, remote string) {
		p.Remote, p.URL = remote, ""
		if r, ok := remotes[remote]; ok {
			p.URL = joinFetch(base, r["fetch"], p.Name)
		}
	}
	for i, e := range l.elements {
		name := strings.TrimSuffix(e.attr["name"], "/")
		switch e.tag {
		case "project":
			p := Project{Name: name, Path: strings.TrimSuffix(e.attr["path"], "/"), File: e.file, Line: e.line}
			if p.Path == "" {
				p.Path = p.Name
			}
			groups := e.attr["groups"] + "," + e.groups
			p.Groups = strings.FieldsFunc(groups, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' })
			if why := checkName(p.Name); why != "" {
				p.Refused = fmt.Sprintf("its name %q is refused: %s", redact(p.Name), why)
			} else if why := checkName(p.Path); why != "" && p.Path != "." {
				p.Refused = fmt.Sprintf("its path %q is refused: %s", redact(p.Path), why)
			}
			if e.parent >= 0 {
				outer := projects[position[e.parent]]
				p.Name, p.Path = outer.Name+"/"+p.Name, outer.Path+"/"+p.Path
				if p.Refused == "" {
					p.Refused = outer.Refused
				}
			}
			remote := first(e.attr["remote"], fallback["remote"])
			if remote == "" {
				l.warn(e.file, e.line, "project %q names no remote, and there is no default", p.Name)
			} else if _, ok := remotes[remote]; !ok {
				l.warn(e.file, e.line, "project %q names the remote %q, which is not defined", p.Name, remote)
			}
			locate(&p, remote)
			p.Revision = first(e.attr["revision"], e.revision, remotes[remote]["revision"], fallback["revision"])
			position[i] = len(projects)
			if key := [2]string{p.Name, p.Path}; seen[key] {
				l.warn(e.file, e.line, "project %q stands twice at the path %q", p.Name, p.Path)
				gone[len(projects)] = true
			} else {
				seen[key] = true
				named[p.Name] = append(named[p.Name], len(projects))
				placed[p.Path] = append(placed[p.Path], len(projects))
			}
			projects = append(projects, p)

		case "remove-project":
			path := e.attr["path"]
			found := false
			candidates := named[name]
			if name == "" {
				candidates = placed[path]
			}
			for _, n := range candidates {
				if gone[n] || name == "" && path == "" || name != "" && projects[n].Name != name || path != "" && projects[n].Path != path {
					continue
				}
				gone[n], found = true, true
				delete(seen, [2]string{projects[n].Name, projects[n].Path})
			}
			if !found && e.attr["optional"] != "true" {
				l.warn(e.file, e.line, "<remove-project> names %q, which is not there", first(name, path))
			}

		case "extend-project":
			found := false
			for _, n := range named[name] {
				p := &projects[n]
				if gone[n] || e.attr["path"] != "" && e.attr["path"] != p.Path {
					continue
				}
				found = true
				if remote := e.attr["remote"]; remote != "" {
					locate(p, remote)
					if _, ok := remotes[remote]; !ok {
						l.warn(e.file, e.line, "<extend-project> of %q names the remote %q, which is not defined", name, remote)
					}
				}
				p.Revision = first(e.attr["revision"], p.Revision)
				if dest := e.attr["dest-path"]; dest != "" {
					delete(seen, [2]string{p.Name, p.Path})
					p.Path = dest
					seen[[2]string{p.Name, dest}] = true
					placed[dest] = append(placed[dest], n)
					if why := checkName(dest); why != "" && p.Refused == "" {
						p.Refused = fmt.Sprintf("its path %q is refused: %s", redact(dest), why)
					}
				}
				p.Groups = append(p.Groups, strings.FieldsFunc(e.attr["groups"], func(r rune) bool { return r == ',' || r == ' ' })...)
			}
			if !found {
				l.warn(e.file, e.line, "<extend-project> names %q, which is not there", name)
			}
		}
	}
	m := &Manifest{Warnings: l.warnings}
	for n, p := range projects {
		if !gone[n] {
			m.Projects = append(m.Projects, p)
		}
	}
	return m
}

func sameAttributes(a, b map[string]string, keys ...string) bool {
	for _, k := range keys {
		if strings.TrimRight(a[k], "/") != strings.TrimRight(b[k], "/") {
			return false
		}
	}
	return true
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// joinFetch gives the address of a project: the remote's fetch, resolved against the manifest's own address without its final slash, then
// the project's name. So with base https://h/org/manifest.git, "." and "../org" and "../org/" all mean https://h/org.
func joinFetch(base, fetch, name string) string {
	fetch = strings.TrimRight(fetch, "/")
	if looksLikeAddress(fetch) {
		return fetch + "/" + name
	}
	b, err := url.Parse(strings.TrimRight(base, "/"))
	if err != nil || base == "" {
		return ""
	}
	f, err := url.Parse(fetch)
	if err != nil {
		return ""
	}
	return strings.TrimRight(b.ResolveReference(f).String(), "/") + "/" + name
}
