package paths

import (
	"regexp"
	"strings"

	"github.com/go-enry/go-enry/v2/data"
)

// Names are the weakest evidence, so only those count that hardly mean anything else. linguist's own list of vendored names holds much
// that is written here (.github/, testdata/, cache/, env/, debian/, .gitignore, *.d.ts): it is made to hide things from a bar of colours.

// vendorFolders hold what others wrote, wherever they are.
var vendorFolders = words("third_party thirdparty third-party 3rdparty 3rd_party 3rd-party node_modules bower_components oh_modules jspm_packages " +
	"Pods Carthage Godeps godeps")

// upstreamFolders do if there is evidence of it below them, since they are also names for adapters and for the makers of hardware.
var upstreamFolders = words("vendor vendors deps dependencies external externals extern _vendor")

// names are those of files: many as they are, and a pattern for the rest. Patterns are slow and hardly any file fits one, so a name is only held
// against it if it has one of the hints, of which all that fit have one.
type names struct {
	exact   map[string]bool
	hints   []string
	pattern *regexp.Regexp
}

func (n *names) has(base string) bool {
	if n.exact[base] {
		return true
	}
	for _, hint := range n.hints {
		if strings.Contains(base, hint) {
			return n.pattern.MatchString(base)
		}
	}
	return false
}

var vendorFile = names{
	// What autotools, gradle, maven and others put into every project that uses them, and libraries that live in one or two files.
	words("config.guess config.sub config.rpath install-sh ltmain.sh depcomp missing mkinstalldirs py-compile ylwrap texinfo.tex " +
		"libtool.m4 ltoptions.m4 ltsugar.m4 ltversion.m4 lt~obsolete.m4 gradlew gradlew.bat mvnw mvnw.cmd cpplint.py " +
		"cJSON.c cJSON.h cJSON_Utils.c cJSON_Utils.h sqlite3.c sqlite3.h sqlite3ext.c sqlite3ext.h uthash.h utlist.h utarray.h catch.hpp doctest.h " +
		"miniz.c miniz.h pugixml.cpp pugixml.hpp tinyxml2.h tinyxml2.cpp khash.h linenoise.c linenoise.h ppport.h"),
	strings.Fields("gradle-wrapper. stb_ jquery bootstrap angular react vue d3 lodash underscore backbone moment modernizr prototype mootools html5shiv font"),
	regexp.MustCompile(`^(?:` + strings.Join([]string{
		`gradle-wrapper\..*`, `stb_\w+\.h`,
		// scripts of the web
		`(?:jquery|bootstrap|angular|react|vue|d3|lodash|underscore|backbone|moment|modernizr|prototype|mootools|html5shiv)(?:[-.](?:\d[\w.]*|min|slim|bundle|ui|core|common|prod(?:uction)?|dev(?:elopment)?))*\.(?:js|css|map)`,
		`font-?awesome(?:[-.]\w+)*\.(?:css|less|scss)`,
	}, "|") + `)$`),
}

var generatedFile = names{
	words("package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml bun.lock bun.lockb oh-package-lock.json5 Cargo.lock go.sum go.work.sum " +
		"Gopkg.lock glide.lock composer.lock Gemfile.lock Podfile.lock poetry.lock uv.lock pdm.lock Pipfile.lock flake.lock " +
		"deno.lock mix.lock pubspec.lock MODULE.bazel.lock .terraform.lock.hcl esy.lock Cargo.toml.orig"),
	strings.Fields(".esy.lock .pnp. min. .map .pb _pb .nib .xc esigner. _tlb.pas query-"),
	regexp.MustCompile(`^(?:` + strings.Join([]string{
		`\w+\.esy\.lock`, `\.pnp\..*`,
		`.*[-.]min\.(?:js|css)`, `.*\.(?:js|css|mjs)\.map`, `.*\.pb(?:\.gw)?\.go`, `.*\.pb\.(?:h|cc|c|cpp)`, `.*\.pb-c\.[ch]`, `.*_pb2(?:_grpc)?\.pyi?`, `.*_pb\.(?:js|ts|d\.ts)`,
		`.*\.(?:nib|xcworkspacedata|xcuserstate)`, `.*\.[Dd]esigner\.(?:cs|vb)`, `.*_tlb\.pas`, `query-[0-9a-f]+\.json`,
	}, "|") + `)$`),
}

var generatedFolders = words("__generated__ .idea htmlcov")

// testFolder fits one part of a path.
var testFolder = regexp.MustCompile(`^(?:(?:.*[_-])?(?:tests?|testing|testcases?|testdata|(?:unit|fuzz|module|system|st|acts|perf|benchmark|smoke|integration|function|xts)_?tests?|` +
	`testsuites?|testbed)|tests?[_-].*|__tests__|ohosTest|e2e|fuzzing)$`)

// testFile fits the base name of a program, without its last ending.
var testFile = regexp.MustCompile(`^(?:tests?|tests?[_-].*|.*[_.-](?:tests?|unittests?|unit_tests?|fuzzer|fuzztest|e2e)|.*[a-z0-9]Tests?|conftest)$`)

var documentFolders = words("doc docs Documentation documentation Doc Docs man javadoc groovydoc")

var documentFile = regexp.MustCompile(`^(?:(?i:readme|licen[cs]es?|copying|copyright|notice|authors|credits|contributors|contributing|changelog|changes|install|news|todo|` +
	`code_of_conduct|security|release[-_]?notes|relnotes|history)(?:[-._].*)?|(?i:.*)\.(?:rst|adoc|pod|texi|info))$`)

// dataFile are endings of data that linguist takes for prose, or does not know.
var dataFile = words(".po .pot .svg .csv .tsv .dat .golden .snap .sum .diff .patch .log")

func words(s string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(s) {
		m[w] = true
	}
	return m
}

// The types of languages, as linguist numbers them.
const (
	dataType        = 1
	programmingType = 2
	proseType       = 4
)

// folder is what the names of a folder and of those above it tell: reasons, "" where they tell nothing.
type folder struct {
	vendored, generated, test, document string
}

// below gives what is told by the folder of that name below f. dir is its whole name, with its slash.
func (c *classifier) below(f folder, dir, name string) folder {
	switch {
	case f.vendored != "":
	case vendorFolders[name], upstreamFolders[name] && c.upstream[dir]:
		f.vendored = "folder " + name
	}
	if generatedFolders[name] {
		f.generated = "folder " + name
	}
	tests, known := c.tests[name]
	if !known {
		tests = testFolder.MatchString(name)
		c.tests[name] = tests
	}
	if tests || c.perlish && dir == "t/" {
		f.test = "folder of tests"
	}
	if documentFolders[name] {
		f.document = "folder of documentation"
	}
	return f
}

// testByName looks at the names of programs.
func testByName(base, language string) string {
	if data.LanguagesType[language] != programmingType && language != "ArkTS" || base == "test" {
		return ""
	}
	if dot := strings.LastIndexByte(base, '.'); dot >= 0 {
		base = base[:dot]
	}
	low := strings.ToLower(base)
	switch language {
	case "Ruby", "JavaScript", "TypeScript", "TSX", "ArkTS", "Scala": // elsewhere a spec is a specification
		if strings.HasSuffix(low, "_spec") || strings.HasSuffix(low, ".spec") {
			return "name of a test"
		}
	}
	if !strings.Contains(low, "test") && !strings.Contains(low, "fuzz") && !strings.Contains(low, "e2e") {
		return "" // most are, and the expression is slow
	}
	if testFile.MatchString(base) {
		return "name of a test"
	}
	return ""
}

func documentByName(base, language string) string {
	switch {
	case language == "Gettext Catalog" || data.LanguagesType[language] == programmingType:
		return ""
	case data.LanguagesType[language] == proseType || language == "Roff" || language == "Roff Manpage" || language == "Texinfo":
		return "language of documents"
	case documentFile.MatchString(base):
		return "name of a document"
	}
	return ""
}

func dataByName(base, language string) string {
	switch language {
	case "Protocol Buffer", "GN", "RPM Spec", "Thrift", "GraphQL", "Ignore List", "Git Attributes", "CODEOWNERS":
		return "" // linguist's data, but written as programs are
	}
	ext := strings.ToLower(base[max(0, strings.LastIndexByte(base, '.')):])
	switch {
	case dataFile[ext]:
		return "ending of data"
	case data.LanguagesType[language] == dataType || language == "Gettext Catalog" || language == "HCS":
		return "language of data"
	}
	return ""
}
