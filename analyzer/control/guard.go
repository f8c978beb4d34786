package control

import (
	"path"
	"slices"
	"strings"

	"orrery/analyzer/paths"
)

// guard is a set of files of a repository.
type guard struct {
	prefix  string // that all of the files have
	whole   bool   // the prefix is a folder with its slash, or "", and all below it is meant
	pattern paths.Pattern
	globbed bool // pattern is asked
	exact   bool // of files alone: what fits a folder says nothing of what is in it
	not     []guard
}

// folderGuard is all below a folder, which is "" or ends in a slash.
func folderGuard(folder string) guard { return guard{prefix: folder, whole: true} }

// pathPattern reads a pattern of CODEOWNERS: as in .gitignore, and what fits a folder fits all below it.
func pathPattern(text string) (g guard, ok bool) {
	if strings.HasPrefix(text, "!") {
		return g, false
	}
	switch rooted := strings.TrimPrefix(strings.TrimPrefix(text, "."), "/"); {
	case text == "*" || text == "/" || text == "**" || text == "/**" || text == ".":
		return folderGuard(""), true
	case !strings.ContainsAny(rooted, `*?[\`) && (strings.HasPrefix(text, "/") || strings.HasPrefix(text, "./") || strings.Contains(strings.TrimSuffix(rooted, "/"), "/")):
		return guard{prefix: rooted, whole: strings.HasSuffix(rooted, "/")}, true
	}
	return globGuard(text)
}

// kernelGuard reads a pattern of MAINTAINERS: from the root on; a final slash means all below.
func kernelGuard(text string) guard {
	text = strings.TrimPrefix(text, "./")
	if !strings.ContainsAny(text, `*?[\`) {
		return guard{prefix: text, whole: strings.HasSuffix(text, "/")}
	}
	g, _ := globGuard("/" + text)
	g.exact = true
	return g
}

func globGuard(text string) (guard, bool) {
	p, err := paths.CompilePattern(text)
	if err != nil {
		return guard{prefix: "\x00"}, false // fits nothing
	}
	g := guard{pattern: p, globbed: true}
	if rooted, ok := strings.CutPrefix(text, "/"); ok {
		if i := strings.IndexAny(rooted, `*?[\`); i >= 0 {
			g.prefix = rooted[:i]
		}
	}
	return g, true
}

// fits says whether a file is in the set.
func (g *guard) fits(file string) bool {
	if !strings.HasPrefix(file, g.prefix) || !g.among(file) {
		return false
	}
	for i := range g.not {
		if g.not[i].fits(file) {
			return false
		}
	}
	return true
}

func (g *guard) among(file string) bool {
	if !g.globbed {
		return g.whole || len(file) == len(g.prefix) || file[len(g.prefix)] == '/'
	}
	for at := file; at != "." && at != "/"; at = path.Dir(at) {
		if g.pattern.Match(at) {
			return true
		}
		if g.exact {
			break
		}
	}
	return false
}

// repositoryGuards are the files of a repository that say who guards what, by path.
type repositoryGuards struct{ files []guardFile }

type guardFile struct {
	path     string
	versions []guardVersion // oldest first
}

type guardVersion struct {
	from  int64
	rules []rule // of seats of the book
}

// at gives the version of a moment, nil if there was none.
func (f *guardFile) at(moment int64) *guardVersion {
	var last *guardVersion
	for i := range f.versions {
		if f.versions[i].from <= moment {
			last = &f.versions[i]
		}
	}
	if last == nil || len(last.rules) == 0 {
		return nil
	}
	return last
}

// guardians finds the seats that a file of a repository is in the care of: by the CODEOWNERS that counts; else by what is nearest of all other
// files, the deepest folder that a pattern of MAINTAINERS names, or that an OWNERS stands in.
type guardians struct {
	codeowners *guardVersion
	others     []*guardVersion
}

func (g *repositoryGuards) guardians(moment int64) *guardians {
	out := &guardians{}
	byFolder := map[string]*guardVersion{}
	for i := range g.files {
		folder, base := path.Split(g.files[i].path)
		switch v := g.files[i].at(moment); {
		case v == nil:
		case base == "CODEOWNERS":
			byFolder[folder] = v
		default:
			out.others = append(out.others, v)
		}
	}
	for _, folder := range codeownersFolders {
		if v := byFolder[folder]; v != nil && out.codeowners == nil {
			out.codeowners = v
		}
	}
	return out
}

// none says that nothing is stated.
func (g *guardians) none() bool {
	return g.codeowners == nil && g.others == nil
}

// of gives the seats of a file, nil if nobody guards it.
func (g *guardians) of(file string) []int {
	if g.codeowners != nil {
		for i := range g.codeowners.rules {
			if r := &g.codeowners.rules[i]; r.pattern.fits(file) {
				if len(r.seats) > 0 {
					return r.seats
				}
				break // taken out
			}
		}
	}
	length := -1
	var seats []int
	for _, v := range g.others {
		for i := range v.rules {
			r := &v.rules[i]
			if n := len(r.pattern.prefix); n >= length && len(r.seats) > 0 && r.pattern.fits(file) {
				if n > length {
					seats = nil
				}
				length = n
				for _, s := range r.seats {
					if !slices.Contains(seats, s) {
						seats = append(seats, s)
					}
				}
			}
		}
	}
	return seats
}
