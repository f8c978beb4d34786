package source

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares text with testdata/name.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := "testdata/" + name
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-update writes it anew):\n%s", file, diff)
	}
}

// keys gives all keys of the schema below a type, from its tags.
func keys(t reflect.Type, into map[string]bool) {
	if t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return
	}
	for i := range t.NumField() {
		if key := t.Field(i).Tag.Get("key"); key != "" {
			into[key] = true
			keys(t.Field(i).Type, into)
		}
	}
}

// The example has every key of the schema, each with a comment near, and is read as it claims.
func TestExampleHasEveryKey(t *testing.T) {
	data, err := os.ReadFile("ecosystems/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	f, err := parseEcosystem("example.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	keys(reflect.TypeOf(ecosystemFile{}), all)
	if len(all) < 15 {
		t.Fatalf("the schema has %d keys: they are not found", len(all))
	}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if !strings.Contains("\n"+string(data), "\n"+key+":") && !strings.Contains(string(data), "  "+key+": ") && !strings.Contains(string(data), "- "+key+": ") {
			t.Errorf("the example does not show the key %q", key)
		}
	}
	if f.Name.s != "Example" || len(f.Sources) != 5 || f.Sources[4].Base.s == "" || f.Windows[0].To.s != "2024-03-20T12:00:00Z" || f.Classes[0].Patterns[0].s != "third_party_*" {
		t.Errorf("the example reads as %+v", f)
	}
}

func TestBuiltinEcosystems(t *testing.T) {
	for _, name := range Builtin() {
		data, err := builtin.ReadFile("ecosystems/" + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		f, err := parseEcosystem(name, data)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range f.Sources {
			a, dropped, err := parseAddress(first(s.plain.s, s.URL.s, s.Manifest.s))
			if err != nil || dropped || a.scheme != "https" {
				t.Errorf("%s: %s, %v", name, a, err)
			}
		}
	}
}

// badEcosystems are read by the golden test of messages.
var badEcosystems = map[string]string{
	"empty":           "",
	"only a comment":  "# nothing\n",
	"no mapping":      "- a\n- b\n",
	"no YAML":         "name: [a\nsources: b\n",
	"tab":             "name: a\nsources:\n\t- b\n",
	"no sources":      "name: a\n",
	"sources null":    "sources:\n",
	"unknown keys":    "name: a\nsource: [b]\nsources:\n  - url: https://git.example/a\n    brnch: main\n  - b\n",
	"wrong types":     "name: [a]\nsources: b\ninclude: {a: b}\nexclude:\n  - 5\n  - yes\n  - true\nclasses: [a]\nsubsystems:\n  a: b\nwindows:\n  name: a\n",
	"numbers":         "name: 2024\nsources:\n  - url: https://git.example/a\n    revision: 1.0\n",
	"duplicate keys":  "name: a\nsources: [b]\nname: c\nclasses:\n  x: [a]\n  x: [b]\n",
	"merge key":       "sources: [b]\n<<: {name: x}\n",
	"key is a list":   "sources: [b]\n? [a]\n: b\n",
	"two kinds":       "sources:\n  - url: https://git.example/a\n    path: b\n  - key: x\n",
	"stray keys":      "sources:\n  - url: https://git.example/a\n    file: b.xml\n    base: https://x.example/y\n  - manifest: https://git.example/m\n    key: x\n  - path: b\n    key: ../x\n    revision: -x\n",
	"pattern":         "sources: [b]\ninclude: ['[a']\nclasses:\n  x: ['a\\']\n",
	"windows":         "sources: [b]\nwindows:\n  - name: a\n    from: 2024-01-01\n  - name: b\n    from: 2024-01-01\n    to: 2023-01-01\n  - name: b\n    from: 2024-13-01\n    to: soon\n",
	"paths":           "sources: [b]\npaths:\n  - pattern: a\n  - {pattern: '!a', class: vendord, reason: x, repository: '[a'}\n  - {pattern: '[a', class: test, reason: 1}\n  - own\n",
	"bulk":            "sources: [b]\nbulk:\n  - commit: 0123456\n  - {commit: '0123456', is: labour, reason: x, repository: '[a'}\n  - {commit: '01234', is: work, reason: x}\n  - {is: import, reason: 1}\n  - own\n",
	"empty texts":     "name: ''\nsources: ['']\n",
	"aliases":         "a: &a [x]\nsources: [*b]\n",
	"two documents":   "sources: [a]\n---\nsources: [b]\n",
	"nesting":         "sources: " + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "\n",
	"many mistakes":   "sources: [a]\n" + strings.Repeat("exclude: [1]\n", 30),
	"escape in a key": "\"a\\e[31m\": b\nsources: [a]\n",
}

func TestMessages(t *testing.T) {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(badEcosystems)) {
		_, err := parseEcosystem("e.yaml", []byte(badEcosystems[name]))
		if !errors.Is(err, ErrUsage) {
			t.Errorf("ecosystem file %q: %v is no ErrUsage", name, err)
		}
		fmt.Fprintf(&b, "== ecosystem file: %s\n%v\n", name, err)
	}
	bad := badManifests()
	for _, name := range slices.Sorted(maps.Keys(bad)) {
		_, err := ReadManifest(bad[name].read, "default.xml", "https://git.example/team/manifest")
		if err == nil {
			t.Errorf("manifest %q is read", name)
		}
		fmt.Fprintf(&b, "== manifest: %s\n%v\n", name, err)
	}
	golden(t, "messages.golden", b.String())
}

func TestEcosystemBombs(t *testing.T) {
	lol := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 9 {
		lol += fmt.Sprintf("a%d: &a%d [%s*a%d]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*a%d, ", i), 9), i)
	}
	for name, data := range map[string]string{
		"laughs":  lol + "sources: *a9\n",
		"itself":  "sources: &a [*a]\n",
		"aliases": "sources: [&a x" + strings.Repeat(", *a", 5000) + "]\n",
		"values":  "sources: [" + strings.Repeat("a,", 100_001) + "]\n",
		"large":   "#" + strings.Repeat("x", fileBytes) + "\nsources: [a]\n",
	} {
		if _, err := parseEcosystem(name, []byte(data)); !errors.Is(err, ErrUsage) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAliases(t *testing.T) {
	f, err := parseEcosystem("e.yaml", []byte("sources: [a]\nclasses:\n  x: &p ['p_*']\nsubsystems:\n  y: *p\n"))
	if err != nil || len(f.Subsystems) != 1 || f.Subsystems[0].Patterns[0].s != "p_*" {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestMatchKey(t *testing.T) {
	for _, test := range []struct {
		pattern, key string
		want         bool
	}{
		{"third_party_*", "third_party_musl", true},
		{"third_party_*", "openharmony/third_party_musl", true},
		{"third_party_*", "third_party_x/own", false},
		{"third_party_*/**", "third_party_x/own", true},
		{"a/**", "a", true},
		{"a/**", "a/b/c", true},
		{"a/**", "ab", false},
		{"**/c", "c", true},
		{"**/c", "a/b/c", true},
		{"a/**/c", "a/c", true},
		{"a/**/c", "a/x/y/c", true},
		{"a/*/c", "a/x/y/c", false},
		{"**", "a/b", true},
		{"*", "a/b", true},
		{"a?c", "abc", true},
		{"[a-c]*", "d", false},
	} {
		if got := matchKey(test.pattern, test.key); got != test.want {
			t.Errorf("matchKey(%q, %q) = %v", test.pattern, test.key, got)
		}
	}
}

// matchNaive says the same as matchKey for patterns with a slash, by trying everything.
func matchNaive(p, k []string) bool {
	switch {
	case len(p) == 0:
		return len(k) == 0
	case p[0] == "**":
		for i := range len(k) + 1 {
			if matchNaive(p[1:], k[i:]) {
				return true
			}
		}
		return false
	case len(k) == 0:
		return false
	}
	ok, _ := path.Match(p[0], k[0])
	return ok && matchNaive(p[1:], k[1:])
}

func TestMatchKeyLikeNaive(t *testing.T) {
	part := rapid.SampledFrom([]string{"a", "b", "ab"})
	element := rapid.SampledFrom([]string{"a", "b", "*", "**", "a*", "?"})
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.SliceOfN(part, 1, 6).Draw(t, "key")
		p := rapid.SliceOfN(element, 2, 6).Draw(t, "pattern")
		if got, want := matchKey(strings.Join(p, "/"), strings.Join(k, "/")), matchNaive(p, k); got != want {
			t.Fatalf("matchKey(%q, %q) = %v", p, k, got)
		}
	})
}

func FuzzEcosystem(f *testing.F) {
	for _, s := range badEcosystems {
		f.Add([]byte(s))
	}
	example, err := os.ReadFile("ecosystems/example.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := parseEcosystem("e.yaml", data)
		if err != nil {
			if !errors.Is(err, ErrUsage) {
				t.Fatalf("%v is no ErrUsage", err)
			}
			return
		}
		if len(e.Sources) == 0 {
			t.Fatal("an ecosystem without sources passed")
		}
		for _, w := range e.Windows {
			if w.From.s == "" || w.To.s == "" {
				t.Fatalf("the window %+v passed", w)
			}
		}
	})
}
