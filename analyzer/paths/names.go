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

var vendorFile = regexp.MustCompile(`^(?:` + strings.Join([]string{
	// what autotools, gradle, maven and others put into every project that uses them
	`config\.(?:guess|sub|rpath)`, `install-sh`, `ltmain\.sh`, `depcomp`, `missing`, `mkinstalldirs`, `py-compile`, `ylwrap`, `texinfo\.tex`,
	`libtool\.m4`, `lt(?:options|sugar|version|~obsolete)\.m4`, `gradlew(?:\.bat)?`, `gradle-wrapper\..*`, `mvnw(?:\.cmd)?`, `cpplint\.py`,
	// libraries that live in one or two files
	`cJSON(?:_Utils)?\.[ch]`, `sqlite3(?:ext)?\.[ch]`, `uthash\.h`, `utlist\.h`, `utarray\.h`, `catch\.hpp`, `doctest\.h`, `miniz\.[ch]`, `pugixml\.[ch]pp`,
	`tinyxml2\.(?:h|cpp)`, `stb_\w+\.h`, `khash\.h`, `linenoise\.[ch]`, `ppport\.h`,
	// scripts of the web
	`(?:jquery|bootstrap|angular|react|vue|d3|lodash|underscore|backbone|moment|modernizr|prototype|mootools|html5shiv)(?:[-.](?:\d[\w.]*|min|slim|bundle|ui|core|common|prod(?:uction)?|dev(?:elopment)?))*\.(?:js|css|map)`,
	`font-?awesome(?:[-.]\w+)*\.(?:css|less|scss)`,
}, "|") + `)$`)

var generatedFile = regexp.MustCompile(`^(?:` + strings.Join([]string{
	`package-lock\.json`, `npm-shrinkwrap\.json`, `yarn\.lock`, `pnpm-lock\.yaml`, `bun\.lockb?`, `oh-package-lock\.json5`, `Cargo\.lock`, `go\.sum`, `go\.work\.sum`,
	`Gopkg\.lock`, `glide\.lock`, `composer\.lock`, `Gemfile\.lock`, `Podfile\.lock`, `poetry\.lock`, `uv\.lock`, `pdm\.lock`, `Pipfile\.lock`, `flake\.lock`,
	`deno\.lock`, `mix\.lock`, `pubspec\.lock`, `MODULE\.bazel\.lock`, `\.terraform\.lock\.hcl`, `(?:\w+\.)?esy\.lock`, `\.pnp\..*`, `Cargo\.toml\.orig`,
	`.*[-.]min\.(?:js|css)`, `.*\.(?:js|css|mjs)\.map`, `.*\.pb(?:\.gw)?\.go`, `.*\.pb\.(?:h|cc|c|cpp)`, `.*\.pb-c\.[ch]`, `.*_pb2(?:_grpc)?\.pyi?`, `.*_pb\.(?:js|ts|d\.ts)`,
	`.*\.(?:nib|xcworkspacedata|xcuserstate)`, `.*\.[Dd]esigner\.(?:cs|vb)`, `.*_tlb\.pas`, `query-[0-9a-f]+\.json`,
}, "|") + `)$`)

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

// folderByName reads the names of a folder, with its slash. upstream holds the folders of [upstreamFolders] that show evidence; perlish is
// true in a repository whose tests lie in t/, as those of Perl do.
func folderByName(dir string, upstream map[string]bool, perlish bool) (f folder) {
	at := 0
	for part := range strings.SplitSeq(strings.TrimSuffix(dir, "/"), "/") {
		first := at == 0
		at += len(part) + 1
		switch {
		case f.vendored != "":
		case vendorFolders[part], upstreamFolders[part] && upstream[dir[:min(at, len(dir))]]:
			f.vendored = "folder " + part
		}
		if generatedFolders[part] {
			f.generated = "folder " + part
		}
		if testFolder.MatchString(part) || first && perlish && part == "t" {
			f.test = "folder of tests"
		}
		if documentFolders[part] {
			f.document = "folder of documentation"
		}
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
