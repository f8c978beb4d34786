// Package formats reads and writes the files by which other projects say who works for whom, as statements of organizations files.
//
// Everything read is untrusted: sizes are bounded, and what cannot be used is listed with its place, never repaired by a guess. Where a file
// contradicts itself or the directory, both statements are left out and listed.
package formats

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"orrery/analyzer/people"
)

// Note is something that was left out, with its place.
type Note struct{ Where, Text string }

// Map is what a file says.
type Map struct {
	people.Listing
	// Notes are what was left out and why, in the file's order.
	Notes []Note

	index   map[string]int                  // lower-case name -> into Organizations
	virtual map[string][]people.ListedShare // gitdm's virtual employers
	budget  int                             // bytes that may still be read
}

// The bounds on what is read, all files of a map together.
const (
	maxBytes = 64 << 20
	maxFiles = 20_000
	maxLine  = 1 << 20
)

type format struct {
	name, about string
	read        func(m *Map, file string, data []byte) error
	write       func(w *writer, l *people.Listing)
	tree        bool // FILE may be a folder
}

func all() []format {
	return []format{
		{"gitdm", "an address, domain, group or alias map of gitdm, or a configuration that names them", (*Map).gitdm, writeGitdm, false},
		{"cncf", "developers_affiliations*.txt of the CNCF's gitdm", (*Map).cncf, writeCNCF, false},
		{"stackalytics", "default_data.json of Stackalytics", (*Map).stackalytics, writeStackalytics, false},
		{"sortinghat", "a JSON export of SortingHat", (*Map).sortingHat, writeSortingHat, false},
		{"organizationmap", ".organizationmap as Ceph keeps it", (*Map).organizationMap, writeOrganizationMap, false},
		{"sig-info", "a sig-info.yaml of openEuler, or a folder of them", (*Map).sigInfo, nil, true},
	}
}

// Names lists the formats that can be read, and those that can be written.
func Names() (read, written []string) {
	for _, f := range all() {
		read = append(read, f.name)
		if f.write != nil {
			written = append(written, f.name)
		}
	}
	return read, written
}

// About says what a format is.
func About(name string) string {
	for _, f := range all() {
		if f.name == name {
			return f.about
		}
	}
	return ""
}

// Read reads a file of a format, and settles it against the built-in directory.
func Read(name, path string) (*Map, error) {
	i := slices.IndexFunc(all(), func(f format) bool { return f.name == name })
	if i < 0 {
		return nil, fmt.Errorf("no format %q", name)
	}
	f := all()[i]
	m := newMap()
	if info, err := os.Stat(path); err == nil && info.IsDir() && f.tree {
		if err := m.tree(&f, path); err != nil {
			return nil, fmt.Errorf("reading %s: %w", path, err)
		}
	} else {
		data, err := m.open(path)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", path, err)
		}
		if err := f.read(m, filepath.ToSlash(path), data); err != nil {
			return nil, fmt.Errorf("reading %s: %w", path, err)
		}
	}
	d, err := builtIn()
	if err != nil {
		return nil, err
	}
	m.settle(d)
	return m, nil
}

func newMap() *Map {
	return &Map{index: map[string]int{}, virtual: map[string][]people.ListedShare{}, budget: maxBytes}
}

// builtIn is the directory that maps are settled against.
var builtIn = sync.OnceValues(func() (*people.Directory, error) { return people.LoadDirectory() })

// open reads a regular file within the bounds.
func (m *Map) open(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, int64(m.budget)+1))
	if err != nil {
		return nil, err
	}
	if m.budget -= len(data); m.budget < 0 {
		return nil, fmt.Errorf("more than %d MiB", maxBytes>>20)
	}
	return data, nil
}

// tree reads the files of that name in a folder, which may be somebody else's: no link is followed.
func (m *Map) tree(f *format, root string) error {
	files := 0
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !entry.Type().IsRegular() || entry.Name() != "sig-info.yaml" {
			return nil
		}
		if files++; files > maxFiles {
			return fmt.Errorf("more than %d files", maxFiles)
		}
		data, err := m.open(path)
		if err != nil {
			return err
		}
		return f.read(m, filepath.ToSlash(path), data)
	})
}

func (m *Map) note(where, text string, args ...any) {
	m.Notes = append(m.Notes, Note{where, fmt.Sprintf(text, args...)})
}

// lines gives the lines of a text with their places; what is longer than any person writes is passed over.
func (m *Map) lines(file string, data []byte, yield func(where, line string)) {
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		where := fmt.Sprintf("%s:%d", file, n)
		if len(line) > maxLine {
			m.note(where, "a line of %d bytes", len(line))
			continue
		}
		yield(where, strings.TrimRight(strings.ToValidUTF8(line, "\uFFFD"), "\r\n"))
	}
}

// person adds a statement.
func (m *Map) person(where string, addresses []string, organization, from, to string) {
	m.People = append(m.People, people.ListedPerson{
		Addresses: addresses, Shares: []people.ListedShare{{Organization: organization, Percent: 100}}, From: from, To: to, Source: where,
	})
}

// organization gives the entry of a name, made when it is first met.
func (m *Map) organization(where, name string) *people.ListedOrganization {
	key := strings.ToLower(name)
	i, ok := m.index[key]
	if !ok {
		i = len(m.Organizations)
		m.index[key] = i
		m.Organizations = append(m.Organizations, people.ListedOrganization{Name: name, Source: where})
	}
	return &m.Organizations[i]
}

func (m *Map) domain(where, organization, domain, from, to string) {
	o := m.organization(where, organization)
	o.Domains = append(o.Domains, people.Dated{Name: strings.ToLower(domain), From: from, To: to, Source: where})
}

// claim is one statement that may contradict others.
type claim struct {
	organization, from, to, where string
	person, at                    int
}

func overlap(a, b *claim) bool { return (a.to == "" || b.from < a.to) && (b.to == "" || a.from < b.to) }

// settle gives organizations the names that the directory knows, and leaves out what cannot be used or contradicts something.
func (m *Map) settle(d *people.Directory) {
	spelled := map[string]string{} // lower case -> as it is spelled first
	spelling := func(organization string) string {
		organization = strings.Join(strings.Fields(organization), " ")
		if known, ok := d.Canonical(organization); ok {
			return known
		}
		key := strings.ToLower(organization)
		if spelled[key] == "" {
			spelled[key] = organization
		}
		return spelled[key]
	}
	// People may state an organization by another of its names, which must not become a second one.
	named := map[string]string{} // alias in lower case -> the organization's name
	for _, o := range m.Organizations {
		for _, a := range o.Aliases {
			key := strings.ToLower(strings.Join(strings.Fields(a), " "))
			_, own := m.index[key]
			if _, known := d.Canonical(a); !own && !known && named[key] == "" {
				named[key] = o.Name
			}
		}
	}
	name := func(organization string) string {
		if o := named[strings.ToLower(strings.Join(strings.Fields(organization), " "))]; o != "" {
			organization = o
		}
		return spelling(organization)
	}
	m.settleDomains(d, name, spelling)
	m.settlePeople(d, name)
	var same [][]string
	for _, group := range m.Same {
		var members []string
		for _, a := range group {
			if text, ok := d.Mailbox(a); ok {
				members = append(members, text)
			}
		}
		slices.Sort(members)
		if members = slices.Compact(members); len(members) > 1 {
			same = append(same, members)
		}
	}
	m.Same = merged(same)
}

// merged joins groups that have a member in common. Very large ones are mistakes, and left out.
func merged(groups [][]string) [][]string {
	const most = 100
	parent := map[string]string{}
	find := func(a string) string {
		for parent[a] != a {
			parent[a] = parent[parent[a]]
			a = parent[a]
		}
		return a
	}
	for _, g := range groups {
		for _, a := range g {
			if parent[a] == "" {
				parent[a] = a
			}
			x, y := find(g[0]), find(a)
			parent[max(x, y)] = min(x, y)
		}
	}
	sets := map[string][]string{}
	for _, a := range slices.Sorted(maps.Keys(parent)) {
		sets[find(a)] = append(sets[find(a)], a)
	}
	var out [][]string
	for _, root := range slices.Sorted(maps.Keys(sets)) {
		if len(sets[root]) <= most {
			out = append(out, sets[root])
		}
	}
	return out
}

func (m *Map) settleDomains(d *people.Directory, name, spelling func(string) string) {
	byDomain := map[string][]claim{}
	for _, o := range m.Organizations {
		for _, domain := range o.Domains {
			organization := name(o.Name)
			owners, personal := d.Owners(domain.Name)
			switch {
			case people.IsNobody(organization):
				m.note(domain.Source, "%s: %q is no organization", domain.Name, o.Name)
			case !people.IsDomain(domain.Name):
				m.note(domain.Source, "%q is no domain", domain.Name)
			case personal:
				m.note(domain.Source, "%s is a free-mail or project domain: it would make everybody with an address there work for %q", domain.Name, o.Name)
			case len(owners) > 0 && !slices.Contains(owners, organization):
				m.note(domain.Source, "conflict: %s is given to %q, and to %q by the built-in directory", domain.Name, organization, owners[0])
			case domain.From != "" && domain.To != "" && domain.From >= domain.To:
				m.note(domain.Source, "%s: the period ends before it begins", domain.Name)
			default:
				byDomain[domain.Name] = append(byDomain[domain.Name], claim{organization, domain.From, domain.To, domain.Source, 0, 0})
			}
		}
	}
	kept := map[string][]people.Dated{}
	for _, domain := range slices.Sorted(maps.Keys(byDomain)) {
		for _, c := range m.agreed(domain, byDomain[domain]) {
			kept[c.organization] = append(kept[c.organization], people.Dated{Name: domain, From: c.from, To: c.to, Source: c.where})
		}
	}
	var organizations []people.ListedOrganization
	seen := map[string]bool{}
	for _, o := range m.Organizations {
		if o.Name = name(o.Name); seen[strings.ToLower(o.Name)] || people.IsNobody(o.Name) {
			continue
		}
		seen[strings.ToLower(o.Name)] = true
		o.Domains = kept[o.Name]
		o.Aliases = slices.DeleteFunc(slices.Clone(o.Aliases), func(a string) bool {
			if known, ok := d.Canonical(a); ok && known != o.Name {
				m.note(o.Source, "conflict: %q is a name of %q, and of %q in the built-in directory", a, o.Name, known)
				return true
			}
			return spelling(a) == o.Name || people.IsNobody(a) || seen[strings.ToLower(a)]
		})
		for _, a := range o.Aliases {
			seen[strings.ToLower(a)] = true
		}
		organizations = append(organizations, o)
	}
	m.Organizations = organizations
}

// agreed gives the claims that no other contradicts, each once.
func (m *Map) agreed(what string, claims []claim) (kept []claim) {
	const most = 1000 // statements about one address or domain, since each is held against the others
	if len(claims) > most {
		m.note(claims[most].where, "%s has more than %d statements", what, most)
		return nil
	}
	against := make([]int, len(claims))
	for i := range claims {
		against[i] = -1
	}
	for i := range claims {
		for j := range claims[:i] {
			if overlap(&claims[i], &claims[j]) && claims[i].organization != claims[j].organization {
				against[i], against[j] = j, i
			}
		}
	}
	for i, c := range claims {
		if other := against[i]; other >= 0 {
			o := &claims[other]
			m.note(c.where, "conflict: %s is given to %q%s, and to %q%s in %s", what, c.organization, span(c.from, c.to), o.organization, span(o.from, o.to), o.where)
			continue
		}
		if !slices.ContainsFunc(kept, func(k claim) bool { return k.organization == c.organization && k.from == c.from && k.to == c.to }) {
			kept = append(kept, c)
		}
	}
	return kept
}

func span(from, to string) string {
	switch {
	case from == "" && to == "":
		return ""
	case from == "":
		return " before " + to
	case to == "":
		return " from " + from
	}
	return " from " + from + " to " + to
}

func (m *Map) settlePeople(d *people.Directory, name func(string) string) {
	type stay struct {
		people.ListedPerson
		key string
	}
	var stays []stay
	byAddress := map[string][]claim{}
	for _, p := range m.People {
		if shares, ok := m.virtual[strings.ToLower(p.Shares[0].Organization)]; ok && len(p.Shares) == 1 {
			p.Shares = shares
		}
		p.Shares = slices.Clone(p.Shares)
		usable := p.From == "" || p.To == "" || p.From < p.To
		if !usable {
			m.note(p.Source, "the period ends before it begins")
		}
		key, sum := "", 0
		for i := range p.Shares {
			s := &p.Shares[i]
			if people.IsNobody(s.Organization) {
				m.note(p.Source, "%q is no organization", s.Organization)
				usable = false
			}
			s.Organization = name(s.Organization)
			key += fmt.Sprintf("%s %d%%, ", s.Organization, s.Percent)
			sum += s.Percent
		}
		if sum != 100 {
			m.note(p.Source, "the shares make %d percent", sum)
			usable = false
		}
		var addresses []string
		for _, raw := range p.Addresses {
			if text, ok := d.Mailbox(raw); ok {
				addresses = append(addresses, text)
			} else {
				m.note(p.Source, "an address that is nobody's mailbox")
			}
		}
		slices.Sort(addresses)
		if p.Addresses = slices.Compact(addresses); !usable || len(addresses) == 0 {
			continue
		}
		key = strings.TrimSuffix(strings.TrimSuffix(key, ", "), " 100%")
		for at, a := range p.Addresses {
			byAddress[a] = append(byAddress[a], claim{key, p.From, p.To, p.Source, len(stays), at})
		}
		stays = append(stays, stay{p, key})
	}
	keep := make([]map[int]bool, len(stays))
	for _, address := range slices.Sorted(maps.Keys(byAddress)) {
		for _, c := range m.agreed("an address", byAddress[address]) {
			if keep[c.person] == nil {
				keep[c.person] = map[int]bool{}
			}
			keep[c.person][c.at] = true
		}
	}
	m.People = nil
	for i, s := range stays {
		p := s.ListedPerson
		p.Addresses = nil
		for at, a := range s.Addresses {
			if keep[i][at] {
				p.Addresses = append(p.Addresses, a)
			}
		}
		if len(p.Addresses) > 0 {
			m.People = append(m.People, p)
		}
	}
	slices.SortStableFunc(m.Notes, func(a, b Note) int { return cmp.Compare(fileOf(a.Where), fileOf(b.Where)) })
	m.Notes = slices.Compact(m.Notes)
}

func fileOf(where string) string { return where[:max(strings.LastIndexByte(where, ':'), 0)] }

// day reads a date in one of the ways that these formats write it, and gives it as 2019-07-09. "" is none.
func day(text string, layouts ...string) (string, bool) {
	if text = strings.TrimSpace(text); text == "" {
		return "", true
	}
	for _, layout := range append(layouts, time.DateOnly) {
		if t, err := time.Parse(layout, text); err == nil && t.Year() > 0 && t.Year() < 10000 {
			return t.Format(time.DateOnly), true
		}
	}
	return "", false
}

// WriteYAML writes an organizations file. What was left out stands at its end, as remarks.
func WriteYAML(w io.Writer, m *Map, format string) error {
	d, err := builtIn()
	if err != nil {
		return err
	}
	out := &writer{}
	out.line("# Made by orrery organizations import %s. Each statement has the file and line it comes from.", format)
	out.line("imported: %s", format)
	declared := map[string]bool{}
	var entries []string
	for _, o := range m.Organizations {
		declared[strings.ToLower(o.Name)] = true
		_, known := d.Canonical(o.Name)
		if known && len(o.Domains) == 0 && len(o.Aliases) == 0 {
			continue
		}
		entry := "name: " + strconv.Quote(o.Name)
		if !known {
			entry += ", kind: company" // these formats know no kinds
		}
		if len(o.Aliases) > 0 {
			entry += ", aliases: " + list(o.Aliases)
		}
		if len(o.Domains) > 0 {
			var domains []string
			for _, x := range o.Domains {
				domains = append(domains, "{name: "+strconv.Quote(x.Name)+dates(x.From, x.To)+", source: "+strconv.Quote(x.Source)+"}")
			}
			entry += ", domains: [" + strings.Join(domains, ", ") + "]"
		}
		entries = append(entries, entry+", source: "+strconv.Quote(o.Source))
	}
	for _, p := range m.People {
		for _, s := range p.Shares {
			if _, known := d.Canonical(s.Organization); !known && !declared[strings.ToLower(s.Organization)] {
				declared[strings.ToLower(s.Organization)] = true
				entries = append(entries, "name: "+strconv.Quote(s.Organization)+", kind: company, source: "+strconv.Quote(p.Source))
			}
		}
	}
	out.section("organizations", entries)
	entries = nil
	for _, p := range m.People {
		entry := "addresses: " + list(p.Addresses)
		if len(p.Shares) == 1 {
			entry += ", organization: " + strconv.Quote(p.Shares[0].Organization)
		} else {
			var shares []string
			for _, s := range p.Shares {
				shares = append(shares, fmt.Sprintf("{name: %s, percent: %d}", strconv.Quote(s.Organization), s.Percent))
			}
			entry += ", organizations: [" + strings.Join(shares, ", ") + "]"
		}
		entries = append(entries, entry+dates(p.From, p.To)+", source: "+strconv.Quote(p.Source))
	}
	out.section("people", entries)
	if len(m.Same) > 0 {
		out.line("same:")
		for _, g := range m.Same {
			out.line("  - %s", list(g))
		}
	}
	if len(m.Notes) > 0 {
		out.line("# Left out:")
		for _, n := range m.Notes {
			out.line("# %s", remark(n.Where+": "+n.Text))
		}
	}
	_, err = io.WriteString(w, out.String())
	return err
}

// remark keeps a text on its line.
func remark(text string) string {
	q := strconv.Quote(text)
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}

func list(texts []string) string {
	quoted := make([]string, len(texts))
	for i, t := range texts {
		quoted[i] = strconv.Quote(t)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

func dates(from, to string) (s string) {
	if from != "" {
		s += ", from: " + from
	}
	if to != "" {
		s += ", to: " + to
	}
	return s
}

// writer collects lines, and what a format cannot say.
type writer struct {
	strings.Builder
	notes []Note
}

func (w *writer) line(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }

func (w *writer) section(name string, entries []string) {
	if len(entries) > 0 {
		w.line("%s:", name)
		for _, e := range entries {
			w.line("  - {%s}", e)
		}
	}
}

func (w *writer) note(where, text string, args ...any) {
	w.notes = append(w.notes, Note{where, fmt.Sprintf(text, args...)})
}

// Write writes a listing in a format. The notes say what the format has no way to say.
func Write(out io.Writer, name string, l *people.Listing) ([]Note, error) {
	i := slices.IndexFunc(all(), func(f format) bool { return f.name == name && f.write != nil })
	if i < 0 {
		return nil, fmt.Errorf("no format %q to write", name)
	}
	w := &writer{}
	all()[i].write(w, l)
	if _, err := io.WriteString(out, w.String()); err != nil {
		return nil, fmt.Errorf("writing %s: %w", name, err)
	}
	return w.notes, nil
}
