package paths

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"orrery/analyzer/facts"
)

// repository makes facts of paths that were looked at, and of documents by path.
func repository(key string, documents map[string]string, names ...string) *facts.Repository {
	r := &facts.Repository{Key: key, Languages: []string{""}}
	numbers := map[string]uint16{"": 0}
	for i, name := range names {
		head := []byte(documents[name])
		language, generated := Look(name, head)
		if _, known := numbers[language]; !known {
			numbers[language] = uint16(len(r.Languages))
			r.Languages = append(r.Languages, language)
		}
		r.Paths = append(r.Paths, name)
		r.Contents = append(r.Contents, facts.Content{
			Language: numbers[language], Generated: generated, Known: true, Binary: strings.HasSuffix(name, ".png"),
		})
		if content, ok := documents[name]; ok && facts.IsDocument(name) {
			r.Documents = append(r.Documents, facts.Document{Path: uint32(i), Content: []byte(content)})
		}
	}
	return r
}

func TestClassify(t *testing.T) {
	tests := []struct {
		name      string
		key       string
		documents map[string]string
		opts      Options
		want      string // path, class, reason; reasons from # on
	}{
		{
			name: "names",
			want: `
src/main.c own
src/latest.c own
src/test_hooks.c test # name of a test
src/generate_spec.c own
web/app_spec.rb test # name of a test
test/a.c test # folder of tests
a/huks_standard_test/BUILD.gn test # folder of tests
entry/src/ohosTest/ets/Ability.test.ets test # folder of tests
src/api.proto own
BUILD.gn own
config.json data # language of data
po/de.po data # ending of data
README.md documentation # language of documents
COPYING documentation # language of documents
docs/conf.py documentation # folder of documentation
guide/intro.adoc documentation # language of documents
logo.png binary # no text
third_party/zlib/inflate.c vendored # folder third_party
third_party/zlib/test/a.c vendored # folder third_party
lib/cJSON.c vendored # name of a known library or tool
web/jquery-3.6.0.min.js vendored # name of a known library or tool
web/app.min.js generated # name that programs give
go.sum generated # name that programs give
.github/workflows/ci.yml data # language of data
testdata/a.txt test # folder of tests
cache/lru.c own
entry/src/main/ets/pages/Index.ets own
`,
		},
		{
			name: "a folder that may hold what others wrote needs evidence",
			want: `
deps/lua/lua.c vendored # folder deps
deps/lua/COPYRIGHT vendored # folder deps
vendor/golang.example/x.go own
lib/vendor/git.example.com/a/a.go vendored # folder vendor
drivers/vendor/acme/driver.c own
`,
		},
		{
			name: "tests as in Perl",
			want: `
t/t0001-init.sh test # folder of tests
t/t0002-more.sh test # folder of tests
t/t0003-last.sh test # folder of tests
t/helper/tool.c test # folder of tests
src/t/a.c own
`,
		},
		{
			name: "attributes",
			documents: map[string]string{
				".gitattributes":     "[attr]foreign linguist-vendored\n*.c linguist-language=C++\nlib/** foreign\nlib/own.c -linguist-vendored\n*_gen.h linguist-generated=true\n/manual linguist-documentation\n*.json linguist-detectable\nREADME.md -linguist-documentation -linguist-detectable\nthird_party/ours.c linguist-vendored=false\n",
				"lib/.gitattributes": "# nearer\nsub/*.c !linguist-vendored\n",
			},
			want: `
.gitattributes own
lib/.gitattributes vendored # linguist-vendored in .gitattributes:3
lib/a.c vendored # linguist-vendored in .gitattributes:3
lib/own.c own
lib/sub/a.c own
a_gen.h generated # linguist-generated in .gitattributes:5
manual documentation # linguist-documentation in .gitattributes:6
sub/manual own
data.json own # linguist-detectable in .gitattributes:7
README.md data # -linguist-detectable in .gitattributes:8
third_party/ours.c own
third_party/theirs.c vendored # folder third_party
`,
		},
		{
			name: "OpenHarmony's statements",
			documents: map[string]string{
				"README.OpenSource":         `[{"Name": "zip", "License File": "LICENSE"}, {"Name": "zap", "License File": "base/zap/LICENSE;base/zap/COPYING"}]`,
				"adapter/README.OpenSource": "\ufeff" + `[{"Name": "cmsis", "Path": "include"}]`,
				"kal/README.OpenSource":     `Taken from elsewhere, and this is no JSON`,
				"OAT.xml": `<?xml version="1.0"?><configuration><oatconfig><filefilterlist><filefilter name="defaultFilter">
					<filteritem type="filepath" name="arch/soc/.*" desc="third party code of the chip's maker"/>
					<filteritem type="filepath" name="core/.*" desc="Not contains 3rd code"/>
					<filteritem type="filepath" name="tables" desc="自动生成"/>
					<filteritem type="filename" name="*.xyz|one.c" desc="Generated files"/>
					<filteritem type="filepath" name=".*" desc="third party"/>
					<filteritem type="filepath" name="([" desc="third party"/>
					<filteritem type="filename" name="*" desc="generated"/>
					<!-- <filteritem type="filepath" name="src/.*" desc="third party"/> -->
					</filefilter></filefilterlist></oatconfig></configuration>`,
			},
			want: `
README.OpenSource documentation # name of a document
adapter/README.OpenSource documentation # name of a document
kal/README.OpenSource documentation # name of a document
kal/BUILD.gn own
OAT.xml data # language of data
kal/a.c vendored # kal/README.OpenSource
src/a.c own
base/zap/zap.c vendored # README.OpenSource: zap
adapter/include/a.h vendored # adapter/README.OpenSource: cmsis
adapter/glue.c own
arch/soc/start.c vendored # OAT.xml: third party
core/a.c own
tables/t.c generated # OAT.xml: generated
tables_not/t.c own
src/one.c generated # OAT.xml: generated
`,
		},
		{
			name:      "a third party's repository",
			key:       "third_party_zip",
			documents: map[string]string{"README.OpenSource": `[{"Name": "zip", "License File": "LICENSE"}]`},
			want: `
README.OpenSource documentation # name of a document
zip.c vendored # README.OpenSource: zip
`,
		},
		{
			name: "the user's rules",
			opts: Options{ThirdParty: true, Rules: []Rule{
				{"*", Own, "first"}, {"*.h", Generated, "headers"}, {"port/", Own, "ours"}, {"zip.c", Vendored, "theirs"},
			}},
			want: `
zip.c vendored # rule: theirs
a.h generated # rule: headers
port/a.h own # rule: ours
sub/port/deep/a.h own # rule: ours
import/a.c own # rule: first
`,
		},
		{
			name: "a third party's repository, by the ecosystem",
			opts: Options{ThirdParty: true, Rules: []Rule{{"/port/**", Own, "ours"}}},
			want: `
zip.c vendored # third-party repository
port/a.h own # rule: ours
logo.png binary # no text
`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var names []string
			for line := range strings.SplitSeq(strings.TrimSpace(tt.want), "\n") {
				name, _, _ := strings.Cut(line, " ")
				names = append(names, name)
			}
			c := Classify(repository(tt.key, tt.documents, names...), tt.opts)
			for i, line := range strings.Split(strings.TrimSpace(tt.want), "\n") {
				got := names[i] + " " + c.Class[i].String()
				if reason := c.Reasons[c.Reason[i]]; reason != "" {
					got += " # " + reason
				}
				if got != line {
					t.Errorf("got  %s\nwant %s", got, line)
				}
			}
		})
	}
}

func TestLanguageByAttribute(t *testing.T) {
	r := repository("", map[string]string{".gitattributes": "*.inc linguist-language=php\n*.c linguist-language=No-Such\n"}, ".gitattributes", "a.inc", "b.c")
	r.Paths = append(r.Paths, "unread.go")
	r.Contents = append(r.Contents, facts.Content{})
	c := Classify(r, Options{})
	for i, want := range []string{"Git Attributes", "PHP", "C", "Go"} {
		if got := c.Languages[c.Language[i]]; got != want {
			t.Errorf("%s: %q, not %q", r.Paths[i], got, want)
		}
	}
}

// A document that is gone says nothing, but one of a folder speaks for the time when there was one.
func TestDocumentsOverTime(t *testing.T) {
	r := repository("", nil, ".gitattributes", "lib/.gitattributes", "a.x", "lib/a.x")
	r.Documents = []facts.Document{
		{Path: 0, Step: 1, Content: []byte("a.x linguist-vendored\n")},
		{Path: 0, Step: 5},
		{Path: 1, Step: 1, Content: []byte("a.x linguist-generated\n")},
		{Path: 1, Step: 2, Content: []byte("a.x linguist-vendored\n")},
		{Path: 1, Step: 5},
	}
	c := Classify(r, Options{})
	if c.Class[2] != Own || c.Class[3] != Vendored {
		t.Errorf("classes are %v", c.Class)
	}
}

// TestCheckAttr holds attributes against git's own, for many small trees, each in a folder.
func TestCheckAttr(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git")
	}
	name := rapid.SampledFrom([]string{"a", "b", "ab", "a.c", "b.c", "x y", "[a]", "é"})
	part := rapid.SampledFrom([]string{
		"a", "b", "*", "**", "a*", "?", "*.c", "[ab]", "[!a]", "[^a]*", "[a-b].c", `\[a\]`, "[[:alpha:]]", "a**", "***", `\a`, "[", "a]", "[]a]", "é", "a**b", "[a/]", "[!a]b",
	})
	value := rapid.SampledFrom([]string{
		"linguist-vendored", "-linguist-vendored", "!linguist-vendored", "linguist-vendored=true", "linguist-vendored=1", "linguist-generated linguist-vendored",
		"foreign", "-foreign", "text",
	})
	line := rapid.Custom(func(t *rapid.T) string {
		p := strings.Join(rapid.SliceOfN(part, 1, 3).Draw(t, "pattern"), "/")
		switch rapid.IntRange(0, 9).Draw(t, "form") {
		case 0:
			p = "/" + p
		case 1:
			p += "/"
		case 2:
			p = "!" + p
		case 3:
			p = `"` + strings.ReplaceAll(p, `\`, `\\`) + `"`
		case 4:
			p = "#" + p
		}
		return p + " " + value.Draw(t, "value") + "\n"
	})
	lines := rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(line, 0, 3).Draw(t, "lines"), "") })
	path := rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(name, 1, 4).Draw(t, "parts"), "/") })

	const trees = 300
	dir := t.TempDir()
	documents := map[string]string{".gitattributes": "[attr]foreign linguist-vendored\n"}
	names := []string{".gitattributes"}
	for i := range trees {
		for k, folder := range []string{"", "a/", "a/b/"} {
			file := fmt.Sprintf("%d/%s.gitattributes", i, folder)
			documents[file] = lines.Example(3*i + k)
			names = append(names, file)
		}
		for k := range 8 {
			names = append(names, fmt.Sprintf("%d/%s", i, path.Example(8*i+k)))
		}
	}
	for file, content := range documents {
		file = filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	git := func(stdin string, args ...string) string {
		cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_ATTR_NOSYSTEM=1")
		cmd.Stdin = strings.NewReader(stdin)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("git %v: %v", args, err)
		}
		return string(out)
	}
	git("", "init", "-q")
	fields := strings.Split(git(strings.Join(names, "\x00")+"\x00", "check-attr", "-z", "--stdin", "linguist-vendored"), "\x00")

	count := map[string]int{}
	for i := range trees {
		const each = 3 + 8
		mine := names[1+i*each : 1+(i+1)*each]
		c := &classifier{folders: map[string][]*attributeFile{}}
		c.read(repository("", documents, append(slices.Clone(mine), names[0])...))
		for k, path := range mine {
			a := c.attributesOf(path, path[:strings.LastIndexByte(path, '/')+1])
			got := [...]string{"unspecified", "set", "unset", a.value[vendoredAttribute]}[a.state[vendoredAttribute]]
			want := strings.Replace(fields[3*(1+i*each+k)+2], "true", "set", 1)
			count[want]++
			if got != want {
				t.Errorf("%q: git says %s, we say %s, with %q", path, want, got, []string{documents[mine[0]], documents[mine[1]], documents[mine[2]]})
			}
		}
	}
	if count["set"] < 100 || count["unset"] < 50 || count["1"] < 20 {
		t.Errorf("the trees are too dull: %v", count)
	}
}

func TestPatternErrors(t *testing.T) {
	for _, s := range []string{"", "!a", "[a", `a\`, strings.Repeat("a", maxPattern+1)} {
		if CheckPattern(s) == nil {
			t.Errorf("the pattern %.20q is taken", s)
		}
	}
}

// TestBombs holds that what grows when it is read is not read: each would take gigabytes.
func TestBombs(t *testing.T) {
	macros := "[attr]m0 linguist-vendored linguist-generated\n"
	for i := range 500 {
		macros += fmt.Sprintf("[attr]m%d%s\n", i+1, strings.Repeat(fmt.Sprintf(" m%d", i), 300))
	}
	expressions := strings.Repeat(`<filteritem type="filepath" name="((a{1000}){1000}){2}" desc="third party"/><filteritem type="filepath" name="(a|b){999}" desc="third party"/>`, 5000)
	r := repository("", map[string]string{
		".gitattributes": macros + "a.c m500\n", "OAT.xml": "<a>" + expressions + "</a>", "x/OAT.xml": strings.Repeat("<a>", 300_000),
		"x/README.OpenSource": strings.Repeat("[", 1_000_000),
	}, ".gitattributes", "OAT.xml", "x/OAT.xml", "x/README.OpenSource", "a.c", "aaa")
	c := Classify(r, Options{})
	if c.Class[4] != Vendored || c.Class[5] != Own {
		t.Errorf("classes are %v", c.Class)
	}
}

// FuzzClassify holds that whatever a repository says of itself is read to the end, and that every path gets a class, the same one twice.
func FuzzClassify(f *testing.F) {
	f.Add([]byte("*.c linguist-vendored\n"), []byte(`[{"Name": "a", "Path": ["b"]}]`), []byte(`<a><filteritem type="filepath" name="a(" desc="generated"/></a>`), "a/b.c")
	f.Add([]byte("[attr]a a a a\n[attr]b a b\n* b"), []byte(`{"Path": {"a": 1}, "path": "../.."}`), []byte(`<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`), "x")
	f.Add([]byte(`"\303\251" linguist-generated`), []byte(strings.Repeat("[", 1000)), []byte(strings.Repeat("<a>", 1000)), "é")
	f.Add([]byte(`[[:x:]] linguist-language=C`), []byte("null"), []byte(`<filteritem type="filename" name="|*|" desc="三方"/>`), "//a//")
	f.Fuzz(func(t *testing.T, attributes, openSource, oat []byte, path string) {
		if len(attributes)+len(openSource)+len(oat) > 1<<16 {
			return
		}
		documents := map[string]string{".gitattributes": string(attributes), "a/README.OpenSource": string(openSource), "OAT.xml": string(oat)}
		r := repository("key", documents, ".gitattributes", "a/README.OpenSource", "OAT.xml", path)
		c := Classify(r, Options{})
		if again := Classify(r, Options{}); fmt.Sprint(c) != fmt.Sprint(again) {
			t.Fatal("classifying twice gives two answers")
		}
		for i := range r.Paths {
			if c.Class[i] >= NumClasses || int(c.Reason[i]) >= len(c.Reasons) || int(c.Language[i]) >= len(c.Languages) {
				t.Fatalf("%q: class %d, reason %d, language %d", r.Paths[i], c.Class[i], c.Reason[i], c.Language[i])
			}
		}
	})
}
