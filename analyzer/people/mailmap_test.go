package people

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestMailmapForms(t *testing.T) {
	m := ParseMailmap(".mailmap", []byte(`# a comment <c@acme.example>
Jane Proper <jane@acme.example>
<new@acme.example> <old@acme.example>
Both Proper <both@acme.example> <BOTH@old.example>
Named Proper <named@acme.example> Shared Account <bugs@acme.example>
Later Name <old@acme.example>
  Spaced  Name   <spaced@acme.example>  	<sp@old.example>  trailing words
no address here
Empty <>
To Empty <filled@acme.example> <>
`))
	tests := []struct{ name, email, wantName, wantEmail string }{
		{"c", "c@acme.example", "c", "c@acme.example"},
		{"jane", "JANE@acme.example", "Jane Proper", "JANE@acme.example"},
		{"x", "old@acme.example", "Later Name", "new@acme.example"},
		{"x", "both@OLD.example", "Both Proper", "both@acme.example"},
		{"shared account", "bugs@acme.example", "Named Proper", "named@acme.example"},
		{"Other", "bugs@acme.example", "Other", "bugs@acme.example"},
		{"s", "sp@old.example", "Spaced  Name", "spaced@acme.example"},
		{"e", "", "To Empty", "filled@acme.example"},
	}
	for _, tt := range tests {
		if name, email := m.Map(tt.name, tt.email); name != tt.wantName || email != tt.wantEmail {
			t.Errorf("Map(%q, %q) = %q, %q; want %q, %q", tt.name, tt.email, name, email, tt.wantName, tt.wantEmail)
		}
	}
}

// TestMailmapAsGit asks git check-mailmap the same questions about random maps of few names and addresses, so that lines meet.
func TestMailmapAsGit(t *testing.T) {
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("git is not installed")
	}
	repository := t.TempDir()
	run := func(input string, args ...string) string {
		cmd := exec.Command(git, append([]string{"-C", repository}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "HOME="+repository)
		cmd.Stdin = strings.NewReader(input)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("git %q: %v", args, err)
		}
		return string(out)
	}
	run("", "init", "-q")

	names := []string{"Jane Doe", "jane doe", "JANE DOE", "Åse Ö", "åse Ö", "Wu", "#Wu", "A, B"}
	emails := []string{"jane@acme.example", "Jane@Acme.example", "wu@b.example", " wu@b.example ", "ö@b.example", "Ö@b.example"}
	var queries []string
	for _, n := range names {
		for _, e := range emails {
			if e == strings.TrimSpace(e) { // git strips these from what it is asked, not from the map
				queries = append(queries, n, e)
			}
		}
	}
	space := rapid.SampledFrom([]string{"", " ", "\t", "  ", " # ", "x", "\r", "\v", "\f", "\u00a0"})
	text := rapid.OneOf(rapid.Just(""), rapid.SampledFrom(names))
	email := rapid.OneOf(rapid.SampledFrom(emails), rapid.SampledFrom([]string{"", "<", "a<b"}))
	one := rapid.Custom(func(t *rapid.T) string {
		line := space.Draw(t, "space") + text.Draw(t, "proper name") + space.Draw(t, "space") + "<" + email.Draw(t, "proper email") + ">"
		if rapid.Bool().Draw(t, "second") {
			line += space.Draw(t, "space") + text.Draw(t, "commit name") + space.Draw(t, "space") + "<" + email.Draw(t, "commit email") + ">"
		}
		return rapid.SampledFrom([]string{"", "", "", "", "#", " #"}).Draw(t, "comment") + line + space.Draw(t, "space")
	})
	rapid.Check(t, func(rt *rapid.T) {
		mailmap := strings.Join(rapid.SliceOfN(one, 1, 12).Draw(rt, "lines"), "\n") + "\n"
		path := filepath.Join(repository, "map")
		if err := os.WriteFile(path, []byte(mailmap), 0o600); err != nil {
			rt.Fatal(err)
		}
		m := ParseMailmap(path, []byte(mailmap))
		var ask, want strings.Builder
		for i := 0; i < len(queries); i += 2 {
			ask.WriteString(queries[i] + " <" + queries[i+1] + ">\n")
			name, email := m.Map(queries[i], queries[i+1])
			if name != "" {
				name += " "
			}
			want.WriteString(name + "<" + email + ">\n")
		}
		if got := run(ask.String(), "-c", "mailmap.file="+path, "check-mailmap", "--stdin"); got != want.String() {
			rt.Fatalf("map:\n%s\ngit:\n%s\nhere:\n%s", mailmap, got, want.String())
		}
	})
}

func FuzzMailmap(f *testing.F) {
	f.Add([]byte("Jane <jane@acme.example> Other <o@acme.example>\n# x\n<a> <b>"), "Other", "O@acme.example")
	f.Add([]byte("<><><\n\x00>"), "", "")
	f.Fuzz(func(t *testing.T, data []byte, name, email string) {
		m := ParseMailmap("map", data)
		if n, e := m.Map(name, email); len(data) == 0 && (n != name || e != email) {
			t.Errorf("an empty map changed %q <%q>", name, email)
		}
	})
}
