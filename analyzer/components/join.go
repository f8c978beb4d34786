package components

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"orrery/analyzer/report"
)

// Rules of joining, the strongest first.
const (
	RulePURL      = "purl"       // the package URL names a forge, an owner and a repository that was read from there
	RuleURL       = "repository" // the address of its repository is one that was read
	RuleElsewhere = "mirror"     // owner and name are those of one repository, which was read from another place
	RuleName      = "name"       // one repository alone has this name, and no address says that it is another one
)

// forgeTypes are the types of package URLs that name repositories.
var forgeTypes = map[string]string{
	"github": "github.com", "gitee": "gitee.com", "gitcode": "gitcode.com", "atomgit": "gitcode.com", "gitlab": "gitlab.com", "bitbucket": "bitbucket.org",
}

// index finds repositories.
type index struct {
	repositories []report.Repository
	byPlace      map[string]int   // host/owner/name, lower case
	byOwner      map[string][]int // owner/name
	byName       map[string][]int
}

func newIndex(m *report.Model) *index {
	x := &index{repositories: m.Repositories, byPlace: map[string]int{}, byOwner: map[string][]int{}, byName: map[string][]int{}}
	add := func(to map[string][]int, key string, i int) {
		if key != "" && !slices.Contains(to[key], i) {
			to[key] = append(to[key], i)
		}
	}
	for i := range m.Repositories {
		r := &m.Repositories[i]
		key := strings.ToLower(r.Key)
		add(x.byName, key[strings.LastIndexByte(key, '/')+1:], i)
		if strings.Contains(key, "/") {
			add(x.byOwner, key, i)
		}
		if p := place(r.URL); p != "" {
			if _, taken := x.byPlace[p]; !taken {
				x.byPlace[p] = i
			}
			add(x.byOwner, ownerAndName(p), i)
			add(x.byName, p[strings.LastIndexByte(p, '/')+1:], i)
		}
	}
	return x
}

// scp is how git writes an address of ssh without a scheme.
var scp = regexp.MustCompile(`^[A-Za-z0-9._-]+@([A-Za-z0-9.-]+):([^/].*)$`)

// place gives host/path of an address, in lower case, as "github.com/owner/name"; "" if it is none. What stands behind a repository's name in
// addresses of forges (/tree/..., /releases/..., an archive) is left out.
func place(address string) string {
	address = strings.TrimSpace(address)
	for _, prefix := range []string{"scm:", "git+", "git:http", "git:ssh"} {
		if rest, ok := strings.CutPrefix(address, prefix); ok {
			address = strings.TrimPrefix(prefix, "git:") + rest
			if prefix == "scm:" || prefix == "git+" {
				address = rest
			}
		}
	}
	if m := scp.FindStringSubmatch(address); m != nil {
		address = "ssh://" + m[1] + "/" + m[2]
	}
	if !strings.Contains(address, "://") {
		if host, _, ok := strings.Cut(address, "/"); !ok || !strings.Contains(host, ".") {
			return ""
		}
		address = "https://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	host := strings.TrimPrefix(strings.ToLower(u.Hostname()), "www.")
	if host == "atomgit.com" {
		host = "gitcode.com"
	}
	path, _, _ := strings.Cut(u.Path, "@") // the revision of an SPDX address
	parts := strings.FieldsFunc(strings.ToLower(path), func(c rune) bool { return c == '/' })
	if slices.Contains([]string{"github.com", "gitee.com", "gitcode.com", "bitbucket.org"}, host) && len(parts) > 2 {
		parts = parts[:2]
	}
	if i := slices.Index(parts, "-"); i >= 0 { // GitLab's own pages
		parts = parts[:i]
	}
	if len(parts) == 0 {
		return ""
	}
	parts[len(parts)-1] = strings.TrimSuffix(parts[len(parts)-1], ".git")
	return host + "/" + strings.Join(parts, "/")
}

// ownerAndName gives the last two parts of a place that has both.
func ownerAndName(place string) string {
	parts := strings.Split(place, "/")
	if len(parts) < 3 {
		return ""
	}
	return parts[len(parts)-2] + "/" + parts[len(parts)-1]
}

// purlPlace gives the place that a package URL names, and the address that its qualifier vcs_url gives; "" for none.
func purlPlace(purl string) (named, qualified string) {
	rest, ok := strings.CutPrefix(purl, "pkg:")
	if !ok {
		return "", ""
	}
	rest, _, _ = strings.Cut(rest, "#")
	rest, query, _ := strings.Cut(rest, "?")
	if q, err := url.ParseQuery(query); err == nil {
		qualified = place(q.Get("vcs_url"))
	}
	kind, rest, _ := strings.Cut(strings.TrimLeft(rest, "/"), "/")
	if i := strings.LastIndexByte(rest, '@'); i > 0 {
		rest = rest[:i]
	}
	path, err := url.PathUnescape(rest)
	if err != nil {
		return "", qualified
	}
	switch host := forgeTypes[strings.ToLower(kind)]; {
	case host != "" && strings.Contains(path, "/"):
		named = place("https://" + host + "/" + path)
	case strings.EqualFold(kind, "golang"):
		named = place("https://" + path)
	}
	return named, qualified
}

// join finds the repository of a component, or says why there is none.
func (x *index) join(c *Component) (repository int, rule, why string) {
	named, qualified := purlPlace(c.PURL)
	var elsewhere []string // places to look for at other hosts
	for _, p := range []struct{ place, rule string }{{named, RulePURL}, {qualified, RuleURL}} {
		if p.place != "" {
			if i, ok := x.byPlace[p.place]; ok {
				return i, p.rule, ""
			}
			elsewhere = append(elsewhere, p.place)
		}
	}
	for _, a := range c.Addresses {
		if p := place(a); p != "" {
			if i, ok := x.byPlace[p]; ok {
				return i, RuleURL, ""
			}
			elsewhere = append(elsewhere, p)
		}
	}
	for _, p := range elsewhere {
		if found := x.byOwner[ownerAndName(p)]; len(found) == 1 {
			return found[0], RuleElsewhere, ""
		}
	}
	name := strings.ToLower(strings.TrimSpace(c.Name))
	if name == "" && c.PURL != "" {
		path, _, _ := strings.Cut(strings.TrimPrefix(strings.ToLower(c.PURL), "pkg:"), "@")
		_, name, _ = strings.Cut(path, "/")
	}
	if name == "" && len(elsewhere) == 0 {
		return -1, "", "it has neither a name nor an address"
	}
	if found := x.byOwner[name]; len(found) == 1 {
		return found[0], RuleName, ""
	}
	for _, p := range elsewhere {
		owned := ownerAndName(p)
		if owned == "" {
			continue
		}
		// One that was read from a folder has no address that could be another one.
		if found := x.byName[owned[strings.IndexByte(owned, '/')+1:]]; len(found) == 1 && x.repositories[found[0]].URL == "" {
			return found[0], RuleName, ""
		}
		return -1, "", "its address is that of no repository here" // so one of the same name is another one
	}
	short := name[strings.LastIndexByte(name, '/')+1:]
	switch found := x.byName[short]; {
	case len(found) == 1:
		return found[0], RuleName, ""
	case len(found) > 1:
		return -1, "", "several repositories have this name: " + x.repositories[found[0]].Key + " and " + x.repositories[found[1]].Key
	}
	return -1, "", "no repository of this name"
}
