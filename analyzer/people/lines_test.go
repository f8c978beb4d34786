package people

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// same compares what the loader asks of nodes.
func sameNodes(a, b *yaml.Node) error {
	if a.Kind != b.Kind || a.Tag != b.Tag || a.Value != b.Value || a.Line != b.Line || a.Column != b.Column || len(a.Content) != len(b.Content) {
		return fmt.Errorf("%d %s %q at %d:%d with %d, want %d %s %q at %d:%d with %d", a.Kind, a.Tag, a.Value, a.Line, a.Column, len(a.Content),
			b.Kind, b.Tag, b.Value, b.Line, b.Column, len(b.Content))
	}
	for i := range a.Content {
		if err := sameNodes(a.Content[i], b.Content[i]); err != nil {
			return err
		}
	}
	return nil
}

// parsed is what the parser makes of a file.
func parsed(data []byte) (*yaml.Node, error) {
	var document yaml.Node
	if err := yaml.Load(data, &document); err != nil {
		return nil, err
	}
	if document.Kind == yaml.DocumentNode && len(document.Content) == 1 {
		return document.Content[0], nil
	}
	return &document, nil
}

// checkLines holds what lines give against the parser.
func checkLines(t testing.TB, data []byte) (read bool) {
	t.Helper()
	got := readLines(data)
	if got == nil {
		return false
	}
	want, err := parsed(data)
	if err != nil {
		t.Fatalf("the parser refuses it: %v\n%s", err, data)
	}
	if err := sameNodes(got, want); err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	return true
}

var linesSeeds = []string{
	"organizations:\n  - {name: A b, domains: [a.example, \"*.b\"], source: x} # remark\n",
	"date: 2024-01-02\npeople:\n  # so\n  - {addresses: [a@b.example], organization: \"Ä, b\", from: 2020-02-03, percent: 50}\n\nsame:\n  - [a@b.example, b@c.example]\napart:\n  - x@y.example\n",
	"people: [] # none\n", "a: b\n", "imported: gitdm\n", "a:\n  - {b: c: d}\n", "a:\n  - {b: yes}\n", "a:\n  - {b: 'c'}\n", "a:\n  - {b: \"\\u00e4\"}\n",
	"a:\n  - {b: 华为, c: d}\n", "a:\n  - b\n    c\n", "a: b\n  c\n", "a:\n  - {b: &x c, d: *x}\n", "a:\n  - [\n  b]\n", "a:\n  - - b\n", "a:\n", "a:\n  - {b: 1e3}\n",
	"a:\n  - {b:c}\n", "a:\n  - {b: c,}\n", "a:\n  - [b: c]\n", "a:\n  - b # c\n", "a:\n  - b#c\n", "a:\n  - {b: c}#d\n", "a:\n  - {b: c} d\n", "---\na: b\n", "a: \"b\"\n",
	"a:\n  - \"b\": c\n", "a:\n  - {\"b\":c}\n", "a:\n  - {0: c, 00: d, 12: e}\n", "a: [b]\na: [b]\n", "a:\n  - {? b}\n", "y: b\n", "a:\n  - {b: 9999-99-99}\n", "a:\n  - {b: (c)}\n",
}

func TestReadLines(t *testing.T) {
	for _, s := range linesSeeds {
		checkLines(t, []byte(s))
	}
	data, err := os.ReadFile("testdata/people.yaml")
	if err != nil {
		t.Fatal(err)
	}
	checkLines(t, data)
	if !checkLines(t, embeddedDirectory) {
		t.Error("the built-in directory is not read by lines, which is slow")
	}
	var b strings.Builder
	b.WriteString("imported: cncf\npeople:\n")
	for i := range 1000 {
		fmt.Fprintf(&b, "  - {addresses: [\"a%d@b.example\"], organization: \"Ä %d\", from: 2020-01-01, source: \"f.txt:%d\"}\n", i, i, i)
	}
	if !checkLines(t, []byte(b.String())) {
		t.Error("what import writes is not read by lines")
	}
}

func FuzzReadLines(f *testing.F) {
	for _, s := range linesSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 1<<12 {
			checkLines(t, data)
		}
	})
}

func BenchmarkDirectory(b *testing.B) {
	b.Run("lines", func(b *testing.B) {
		for b.Loop() {
			readLines(embeddedDirectory)
		}
	})
	b.Run("parser", func(b *testing.B) {
		for b.Loop() {
			_, _ = parsed(embeddedDirectory)
		}
	})
}
