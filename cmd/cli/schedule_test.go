package cli

import (
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// systemdWords reads a command line as systemd.syntax and systemd.service describe it: words between blanks, quotes, C's escapes, specifiers
// and variables.
func systemdWords(t *rapid.T, line string) (words []string) {
	for i := 0; i < len(line); {
		if line[i] == ' ' {
			i++
			continue
		}
		var word []byte
		quote := byte(0)
		for ; i < len(line) && (quote != 0 || line[i] != ' '); i++ {
			switch c := line[i]; {
			case quote == 0 && (c == '"' || c == '\''):
				quote = c
			case quote != 0 && c == quote:
				quote = 0
			case c == '\\':
				i++
				switch line[i] {
				case 'x':
					code, err := strconv.ParseUint(line[i+1:i+3], 16, 8)
					if err != nil {
						t.Fatal(err)
					}
					word = append(word, byte(code))
					i += 2
				case '"', '\\':
					word = append(word, line[i])
				default:
					t.Fatalf("\\%c is no escape: %s", line[i], line)
				}
			case c == '%' || c == '$':
				if i++; i >= len(line) || line[i] != c {
					t.Fatalf("a single %c: %s", c, line)
				}
				word = append(word, c)
			case c < ' ' || c > 0x7e:
				t.Fatalf("byte %#x stands as it is: %q", c, line)
			default:
				word = append(word, c)
			}
		}
		if quote != 0 {
			t.Fatalf("a quote is open: %s", line)
		}
		words = append(words, string(word))
	}
	return words
}

// hostile draws arguments that quoting has to get right.
func hostile(control bool) *rapid.Generator[string] {
	pieces := []string{`"`, `'`, `\`, "%", "%%", "$", "${HOME}", "$(id)", "`id`", " ", ";", "&", "|", "#", "-", "~", "*", "!", "{a,b}", "ä字", "a", "%h", `\n`, `\"`}
	if control {
		pieces = append(pieces, "\n", "\r", "\t", "\x01", "\x7f", "\xff", "\u2028")
	}
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 8).Draw(t, "pieces"), "")
	})
}

func TestSystemdQuoting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(hostile(true), 0, 5).Draw(t, "arguments")
		j := job{Program: "/opt/or rery/orrery", Arguments: want, Folder: "/srv", State: "/srv/state", At: "03:30", Timeout: time.Hour}
		text, err := j.systemd("service")
		if err != nil {
			t.Fatal(err)
		}
		var command string
		for line := range strings.Lines(text) {
			if strings.Trim(line, "\n") != "" && !strings.HasPrefix(line, "[") && !strings.HasPrefix(line, "#") && !strings.Contains(line, "=") {
				t.Fatalf("a line that is no setting: %q", line)
			}
			if rest, ok := strings.CutPrefix(line, "ExecStart="); ok {
				if command != "" {
					t.Fatal("there are two commands")
				}
				command = strings.TrimSuffix(rest, "\n")
			}
		}
		if got := systemdWords(t, command); !slices.Equal(got, append([]string{j.Program}, want...)) {
			t.Fatalf("%q\nis read as %q", command, got)
		}
	})
}

// cronCommand gives what cron hands to the shell: up to the first % without a backslash, with the backslashes before % taken away. Some crons
// take one of two backslashes away as well.
func cronCommand(line string, both bool) string {
	fields := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 6)
	var b strings.Builder
	for command, i := fields[5], 0; i < len(command); i++ {
		switch {
		case command[i] == '\\' && i+1 < len(command):
			if i++; command[i] != '%' && (!both || command[i] != '\\') {
				b.WriteByte('\\')
			}
			b.WriteByte(command[i])
		case command[i] == '%':
			return b.String()
		default:
			b.WriteByte(command[i])
		}
	}
	return b.String()
}

func TestCronQuoting(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no shell")
	}
	printf, err := exec.LookPath("printf")
	if err != nil {
		t.Skip("there is no printf")
	}
	var arguments []string
	rapid.Check(t, func(t *rapid.T) {
		// A shell for each drawing would take minutes: what is drawn is collected, and asked in lines of some.
		arguments = append(arguments, hostile(false).Draw(t, "argument"))
	})
	for list := range slices.Chunk(arguments, 8) {
		j := job{Program: printf, Arguments: append([]string{`%s\n`}, list...), Folder: "/", State: "/s", At: "03:05", Timeout: time.Hour}
		line, err := j.cron()
		if err != nil {
			continue // too long
		}
		if strings.Count(line, "\n") != 1 || !strings.HasPrefix(line, "5 3 * * * ") {
			t.Fatalf("%q", line)
		}
		for _, both := range []bool{false, true} {
			out, err := exec.Command(sh, "-c", cronCommand(line, both)).CombinedOutput()
			if want := strings.Join(list, "\n") + "\n"; err != nil || string(out) != want {
				t.Fatalf("%s\nprints %q, want %q: %v", line, out, want, err)
			}
		}
	}
}

func TestCronRefuses(t *testing.T) {
	j := job{Program: "/o", Arguments: []string{"a\nb"}, Folder: "/", State: "/s", At: "03:05"}
	if _, err := j.cron(); err == nil || !strings.Contains(err.Error(), "control characters") {
		t.Errorf("%v", err)
	}
	j.Arguments = []string{strings.Repeat("x", 1000)}
	if _, err := j.cron(); err == nil || !strings.Contains(err.Error(), "ecosystem file") {
		t.Errorf("%v", err)
	}
}
