package cli

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"orrery/analyzer/alert"
	"orrery/analyzer/control"
	"orrery/analyzer/measure"
	"orrery/analyzer/people"
	"orrery/analyzer/source"
)

const (
	readme  = "../../README.md"
	network = "<!-- needs network -->"
)

// block is a fenced part of the README.
type block struct {
	language string
	line     int // of its first line, from 1
	lines    []string
	network  bool // the line before it says that it needs the network
}

func blocks(t *testing.T) []block {
	t.Helper()
	data, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	var all []block
	var open *block
	before := ""
	for i, line := range strings.Split(string(data), "\n") {
		language, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && open == nil:
			open = &block{language: language, line: i + 2, network: before == network}
		case fence:
			all = append(all, *open)
			open = nil
		case open != nil:
			open.lines = append(open.lines, line)
		}
		before = line
	}
	if open != nil {
		t.Fatalf("the block at line %d has no end", open.line)
	}
	return all
}

// TestReadmeCommands runs what the README tells people to type, in a copy of the fixtures. What needs the network is only parsed.
func TestReadmeCommands(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("there is no shell")
	}
	_, noGit := exec.LookPath("git")
	dir := t.TempDir()
	for _, name := range []string{"sample", "references"} {
		if err := os.CopyFS(filepath.Join(dir, "fixtures", name), os.DirFS("../../fixtures/"+name)); err != nil {
			t.Fatal(err)
		}
	}
	commands := 0
	for _, b := range blocks(t) {
		if b.language != "sh" {
			continue
		}
		for i, line := range b.lines {
			line = strings.Replace(line, "go run ./cmd/orrery ", "orrery ", 1)
			program, _, _ := strings.Cut(line, " ")
			switch {
			case line == "" || strings.HasPrefix(line, "#"), program == "go":
				continue
			case b.network:
				parses(t, b.line+i, line)
				commands++
				continue
			case program == "git" && noGit != nil:
				continue
			}
			commands++
			cmd := exec.Command("sh", "-c", line)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+filepath.Join(dir, "config"), "XDG_CACHE_HOME="+filepath.Join(dir, "cache"),
				"GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("README.md:%d: %s: %v\n%s", b.line+i, line, err, out)
			}
		}
	}
	if commands < 10 {
		t.Errorf("only %d commands were found in the README", commands)
	}
}

// parses checks a command without running it.
func parses(t *testing.T, at int, line string) {
	t.Helper()
	line, _, _ = strings.Cut(line, " #")
	words := strings.Fields(line)
	if words[0] != "orrery" {
		return
	}
	root := newRoot(Streams{Out: &bytes.Buffer{}, Err: &bytes.Buffer{}})
	cmd, rest, err := root.Find(words[1:])
	if err != nil || cmd == root {
		t.Errorf("README.md:%d: %s: there is no such command: %v", at, line, err)
		return
	}
	if err := cmd.ParseFlags(rest); err != nil {
		t.Errorf("README.md:%d: %s: %v", at, line, err)
		return
	}
	if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
		t.Errorf("README.md:%d: %s: %v", at, line, err)
	}
}

// TestReadmeFiles loads the files that the README shows: ecosystem files, which have sources, governance files and organizations files.
func TestReadmeFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"organizations.yaml", "people.mailmap"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ecosystems, organizations := 0, 0
	for _, b := range blocks(t) {
		if b.language != "yaml" {
			continue
		}
		text := strings.Join(b.lines, "\n") + "\n"
		file := filepath.Join(dir, "file.yaml")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		var err error
		if strings.Contains(text, "\nsources:") {
			ecosystems++
			_, err = source.Resolve(context.Background(), []string{file}, source.Options{Offline: true, MirrorsDir: filepath.Join(dir, "mirrors")})
		} else if strings.HasPrefix(text, "governance:") {
			_, err = control.ReadGovernance(file)
		} else {
			organizations++
			_, err = people.LoadDirectory(file)
		}
		if err != nil {
			t.Errorf("README.md:%d: %v", b.line, err)
		}
	}
	if ecosystems == 0 || organizations == 0 {
		t.Errorf("found %d ecosystem files and %d organizations files", ecosystems, organizations)
	}
}

// TestReadmeTables holds the README's tables to the declarations.
func TestReadmeTables(t *testing.T) {
	cell := strings.NewReplacer("|", `\|`, "<", "&lt;", "*", `\*`, "\n", " ").Replace
	table := func(head ...string) (*strings.Builder, func(cells ...string)) {
		var b strings.Builder
		row := func(cells ...string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
		row(head...)
		b.WriteString("|" + strings.Repeat("---|", len(head)) + "\n")
		return &b, row
	}
	metrics, row := table("metric", "title", "unit", "definition", "source")
	for _, m := range measure.Metrics {
		row("`"+m.Key+"`", cell(m.Title), cell(m.Unit), cell(m.Formula), cell(m.Source))
	}
	hold(t, "metrics", metrics.String())
	alerts, row := table("function", "gives", "unit")
	for i := range alert.Functions {
		f := &alert.Functions[i]
		row("`"+f.Usage()+"`", cell(f.Text), cell(f.Unit))
	}
	hold(t, "alerts", alerts.String())
	populations, row := table("population", "who")
	for _, p := range measure.Populations {
		row("`"+p.Key+"`", cell(p.Definition))
	}
	hold(t, "populations", populations.String())
}

// hold demands that a table stands between its marks in the README.
func hold(t *testing.T, name, table string) {
	t.Helper()
	data, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	start, stop := "<!-- "+name+": ", "<!-- end of "+name+" -->"
	before, rest, found := strings.Cut(string(data), start)
	note, rest, ok := strings.Cut(rest, "\n")
	old, after, end := strings.Cut(rest, stop)
	if !found || !ok || !end {
		t.Fatalf("README.md has no %s … %s", start, stop)
	}
	if old == table {
		return
	}
	if !*update {
		t.Fatalf("the table of %s in README.md is not that of the declarations; run go test ./cmd/cli -update", name)
	}
	if err := os.WriteFile(readme, []byte(before+start+note+"\n"+table+stop+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
