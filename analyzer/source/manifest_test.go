package source

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// files is a manifest repository.
type files map[string]string

func (f files) read(name string) ([]byte, error) {
	if s, ok := f[name]; ok {
		return []byte(s), nil
	}
	return nil, errors.New("there is no such file")
}

const head = `<remote name="o" fetch="https://git.example/team"/><default remote="o" revision="master"/>`

// lines gives a line a project, then a line a warning.
func (m *Manifest) lines() []string {
	var out []string
	for _, p := range m.Projects {
		line := p.Name + " " + p.Path + " " + p.URL + " " + p.Revision
		if len(p.Groups) > 0 {
			line += " " + strings.Join(p.Groups, ",")
		}
		if p.Refused != "" {
			line += " REFUSED " + p.Refused
		}
		out = append(out, line)
	}
	for _, w := range m.Warnings {
		out = append(out, "! "+w)
	}
	return out
}

func TestReadManifest(t *testing.T) {
	const base = "https://git.example/team/manifest.git"
	for _, test := range []struct {
		name  string
		files files
		base  string
		want  []string
	}{
		{"plain", files{"default.xml": head + `<project name="a" path="x/a" groups="g1,g2 g3"/><project name="b" revision="v1"/>`}, base, []string{
			"a x/a https://git.example/team/a master g1,g2,g3",
			"b b https://git.example/team/b v1",
		}},
		{"revision of the remote", files{"default.xml": `<remote name="o" fetch="https://git.example/x" revision="dev"/><default remote="o" revision="m"/><project name="a"/>`}, base, []string{
			"a a https://git.example/x/a dev",
		}},
		{"remote of its own", files{"default.xml": head + `<remote name="p" alias="o" fetch="https://other.example/x/" review="https://r.example"/><project name="a" remote="p"/>`}, base, []string{
			"a a https://other.example/x/a master",
		}},
		{"no remote", files{"default.xml": `<project name="a"/><project name="b" remote="nowhere"/>`}, base, []string{
			"a a  ", "b b  ",
			`! manifest default.xml:1: project "a" names no remote, and there is no default`,
			`! manifest default.xml:1: project "b" names the remote "nowhere", which is not defined`,
		}},
		{"include", files{
			"default.xml": head + `<include name="sub/x.xml" revision="stable" groups="inc"/><include name="./y.xml"/>`,
			"sub/x.xml":   `<manifest><project name="a"/><project name="b" revision="r"/><include name="sub/z.xml"/></manifest>`,
			"sub/z.xml":   `<manifest><project name="c"/></manifest>`,
			"y.xml":       `<manifest><project name="d"/></manifest>`,
		}, base, []string{
			"a a https://git.example/team/a stable inc",
			"b b https://git.example/team/b r inc",
			"c c https://git.example/team/c stable inc",
			"d d https://git.example/team/d master",
		}},
		{"remotes may come after", files{"default.xml": `<project name="a"/>` + head}, base, []string{"a a https://git.example/team/a master"}},
		{"removal", files{"default.xml": head + `<project name="a"/><project name="b" path="p1"/><project name="b" path="p2"/><project name="c"/><project name="d"/>
			<remove-project name="a"/><remove-project name="b" path="p1"/><remove-project path="c"/><remove-project name="none"/><remove-project name="none" optional="true"/>`}, base, []string{
			"b p2 https://git.example/team/b master",
			"d d https://git.example/team/d master",
			`! manifest default.xml:2: <remove-project> names "none", which is not there`,
		}},
		{"removed and added again", files{"default.xml": head + `<project name="a"/><remove-project name="a"/><project name="a" revision="v2"/>`}, base, []string{
			"a a https://git.example/team/a v2",
		}},
		{"extension", files{"default.xml": head + `<remote name="p" fetch="../other"/><project name="a"/><project name="b"/>
			<extend-project name="a" revision="v1" remote="p" dest-path="q" groups="g"/><extend-project name="b" path="elsewhere" revision="no"/><extend-project name="none"/>`}, base, []string{
			"a q https://git.example/other/a v1 g",
			"b b https://git.example/team/b master",
			`! manifest default.xml:2: <extend-project> names "b", which is not there`,
			`! manifest default.xml:2: <extend-project> names "none", which is not there`,
		}},
		{"nested", files{"default.xml": head + `<project name="a" path="x"><linkfile src="s" dest="d"/><project name="b" path="y"/></project>`}, base, []string{
			"a x https://git.example/team/a master",
			"a/b x/y https://git.example/team/a/b master",
		}},
		{"links", files{"default.xml": head + `<project name="a"><linkfile src="." dest="../../etc"/><copyfile src="~/x" dest="ok"/></project>`}, base, []string{
			"a a https://git.example/team/a master",
			`! manifest default.xml:1: dest of <linkfile> is "../../etc": it leaves its folder; nothing is linked or copied here`,
			`! manifest default.xml:1: src of <copyfile> is "~/x": it holds a home folder; nothing is linked or copied here`,
		}},
		{"misspelt and unknown", files{"default.xml": head + `<project name="a" revison="v1"/><project name="b" revison="v1" colour="red"/><future/><annotation name="x" whatever="y"/>`}, base, []string{
			"a a https://git.example/team/a v1",
			"b b https://git.example/team/b v1",
			`! manifest default.xml: attribute colour of <project> is unknown and was passed over`,
			`! manifest default.xml: attribute revison of <project> was taken for revision (2 times)`,
			`! manifest default.xml: element <future> is unknown and was passed over`,
		}},
		{"defined twice", files{"default.xml": head + `<remote name="o" fetch="https://git.example/team/"/><remote name="o" fetch="https://evil.example"/><default remote="o" revision="x"/><project name="a"/><project name="a"/>`}, base, []string{
			"a a https://git.example/team/a master",
			`! manifest default.xml:1: remote "o" is defined again, differently; the first definition was taken`,
			`! manifest default.xml:1: <default> is given again, differently; the first was taken`,
			`! manifest default.xml:1: project "a" stands twice at the path "a"`,
		}},
		{"untrusted names and paths", files{"default.xml": head + `<project name="../a"/><project name="/etc/passwd"/><project name="b" path="../../x"/><project name="c" path="~/x"/>
			<project name="d" path="/x"/><project name="-e"/><project name=""/><project name="h" path="x/~u"/><project name="a//b"/><project name="k" path="."/><project name="C:\x"/>`}, base, []string{
			`../a ../a https://git.example/team/../a master REFUSED its name "../a" is refused: it leaves its folder`,
			`/etc/passwd /etc/passwd https://git.example/team//etc/passwd master REFUSED its name "/etc/passwd" is refused: it is absolute`,
			`b ../../x https://git.example/team/b master REFUSED its path "../../x" is refused: it leaves its folder`,
			`c ~/x https://git.example/team/c master REFUSED its path "~/x" is refused: it holds a home folder`,
			`d /x https://git.example/team/d master REFUSED its path "/x" is refused: it is absolute`,
			`-e -e https://git.example/team/-e master REFUSED its name "-e" is refused: it starts with a dash`,
			`  https://git.example/team/ master REFUSED its name "" is refused: it is empty`,
			`h x/~u https://git.example/team/h master REFUSED its path "x/~u" is refused: it holds a home folder`,
			`a//b a//b https://git.example/team/a//b master REFUSED its name "a//b" is refused: it has an empty element`,
			`k . https://git.example/team/k master`,
			`C:\x C:\x https://git.example/team/C:\x master REFUSED its name "C:\\x" is refused: it is absolute`,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.files["default.xml"] = `<?xml version="1.0" encoding="UTF-8"?><manifest>` + test.files["default.xml"] + `</manifest>`
			m, err := ReadManifest(test.files.read, "default.xml", test.base)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, m.lines()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// As repo resolves it: against the manifest's address without its final slash.
func TestRelativeFetch(t *testing.T) {
	for _, test := range []struct{ base, fetch, want string }{
		{"https://git.example/team/manifest.git", ".", "https://git.example/team/a"},
		{"https://git.example/team/manifest.git/", ".", "https://git.example/team/a"},
		{"https://git.example/team/manifest", "./", "https://git.example/team/a"},
		{"https://git.example/team/manifest", "..", "https://git.example/a"},
		{"https://git.example/team/manifest", "../", "https://git.example/a"},
		{"https://git.example/team/manifest", "../other", "https://git.example/other/a"},
		{"https://git.example/team/manifest", "../other/", "https://git.example/other/a"},
		{"https://git.example/team/manifest", "../../../other", "https://git.example/other/a"},
		{"https://git.example/team/manifest", "/other", "https://git.example/other/a"},
		{"https://git.example/team/manifest", "https://x.example/o/", "https://x.example/o/a"},
		{"ssh://git@git.example/team/manifest", "../other", "ssh://git@git.example/other/a"},
		{"", "https://x.example/o", "https://x.example/o/a"},
		{"", "git@x.example:o", "git@x.example:o/a"},
		{"", "..", ""},
	} {
		if got := joinFetch(test.base, test.fetch, "a"); got != test.want {
			t.Errorf("joinFetch(%q, %q) = %q, want %q", test.base, test.fetch, got, test.want)
		}
	}
}

// badManifests are read by the golden test of messages.
func badManifests() map[string]files {
	wrap := func(s string) files { return files{"default.xml": "<manifest>" + s + "</manifest>"} }
	deep := files{}
	for i := range 30 {
		name := fmt.Sprintf("f%d.xml", i)
		if i == 0 {
			name = "default.xml"
		}
		deep[name] = fmt.Sprintf(`<manifest><include name="f%d.xml"/></manifest>`, i+1)
	}
	wide := files{"default.xml": "<manifest>" + strings.Repeat(`<include name="a.xml"/>`, 40) + "</manifest>"}
	wide["a.xml"] = "<manifest>" + strings.Repeat(`<include name="b.xml"/>`, 40) + "</manifest>"
	wide["b.xml"] = "<manifest/>"
	return map[string]files{
		"absent":            {},
		"empty":             {"default.xml": ""},
		"not XML":           {"default.xml": "# Read me\n\nThis is text."},
		"another root":      {"default.xml": "<?xml version=\"1.0\"?>\n<configuration/>"},
		"two roots":         {"default.xml": "<manifest/>\n<manifest/>"},
		"cut off":           {"default.xml": "<manifest>\n  <project name=\"a\">"},
		"crossed":           wrap("<project></remote>"),
		"attribute":         wrap("\n<project name=a/>"),
		"document type":     {"default.xml": "<!DOCTYPE lolz [<!ENTITY a \"b\">]>\n<manifest/>"},
		"entity":            wrap("<project name=\"&xxe;\"/>"),
		"encoding":          {"default.xml": `<?xml version="1.0" encoding="GBK"?><manifest/>`},
		"control character": wrap(`<project name="a&#x1;b"/>`),
		"include above":     wrap("\n<include name=\"../x.xml\"/>"),
		"include absolute":  wrap(`<include name="/etc/passwd"/>`),
		"include home":      wrap(`<include name="~/x.xml"/>`),
		"include nothing":   wrap(`<include/>`),
		"include absent":    wrap("\n<include name=\"x.xml\"/>"),
		"circle":            {"default.xml": `<manifest><include name="x.xml"/></manifest>`, "x.xml": `<manifest><include name="default.xml"/></manifest>`},
		"includes too deep": deep,
		"too many includes": wide,
		"elements too deep": wrap(strings.Repeat("<project name=\"a\">", 50) + strings.Repeat("</project>", 50)),
		"too many projects": wrap(strings.Repeat("<project name=\"a\"/>", manifestProjects+1)),
		"too many removals": wrap(strings.Repeat("<remove-project name=\"a\"/>", manifestChanges+1)),
		"too large":         {"default.xml": "<manifest>" + strings.Repeat(" ", manifestBytes)},
		"too large in all":  {"default.xml": "<manifest>" + strings.Repeat(`<include name="a.xml"/>`, 40) + "</manifest>", "a.xml": "<manifest>" + strings.Repeat(" ", 9<<20) + "</manifest>"},
	}
}

func FuzzManifest(f *testing.F) {
	for _, m := range badManifests() {
		if len(m["default.xml"]) < 2000 {
			f.Add(m["default.xml"], m["x.xml"])
		}
	}
	f.Add("<manifest>"+head+`<project name="a"><project name="b" path="c"/></project><include name="x.xml"/></manifest>`,
		`<manifest><remove-project name="a"/><extend-project name="a/b" dest-path="q" remote="o"/></manifest>`)
	f.Fuzz(func(t *testing.T, a, b string) {
		m, err := ReadManifest(files{"default.xml": a, "x.xml": b}.read, "default.xml", "https://git.example/team/manifest")
		if err != nil {
			return
		}
		for _, p := range m.Projects {
			if p.Refused != "" {
				continue
			}
			if why := checkName(p.Name); why != "" && p.Name != "" {
				t.Fatalf("project %q passed: %s", p.Name, why)
			}
			if why := checkName(p.Path); why != "" && p.Path != "." && !strings.HasPrefix(p.Path, "./") && !strings.Contains(p.Path, "/.") {
				t.Fatalf("path %q passed: %s", p.Path, why)
			}
			if k := cleanKey(p.Name); k != p.Name {
				for _, element := range strings.Split(k, "/") {
					if element == "" || element == "." || element == ".." {
						t.Fatalf("the key of %q is %q", p.Name, k)
					}
				}
			}
		}
	})
}
