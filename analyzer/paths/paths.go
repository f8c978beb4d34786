// Package paths says what the files of a repository are: its own work, somebody else's, a program's, tests, documentation, data.
package paths

import (
	"bytes"
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
	Pattern string // as in .gitattributes
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

// Classify says what each path of a repository is, by the content seen, the repository's own statements, and the name.
func Classify(r *facts.Repository, opts Options) *Classified {
	c := &Classified{
		Class: make([]Class, len(r.Paths)), Language: make([]uint16, len(r.Paths)), Languages: r.Languages,
		Reason: make([]uint16, len(r.Paths)), Reasons: []string{""},
	}
	for i, path := range r.Paths {
		seen := r.Contents[i]
		c.Language[i] = seen.Language
		switch {
		case seen.Binary:
			c.Class[i] = Binary
		case opts.ThirdParty || data.FastVendorMatcher.MatchString(path):
			c.Class[i] = Vendored
		case seen.Generated:
			c.Class[i] = Generated
		case fits(data.TestMatchers, path):
			c.Class[i] = Test
		case fits(data.DocumentationMatchers, path):
			c.Class[i] = Documentation
		}
	}
	return c
}

func fits(expressions []*regexp.Regexp, path string) bool {
	return slices.ContainsFunc(expressions, func(e *regexp.Regexp) bool { return e.MatchString(path) })
}
