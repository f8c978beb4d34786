package source

import (
	"errors"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

func TestParseAddress(t *testing.T) {
	for _, test := range []struct {
		in, want, identity string
		dropped            bool
	}{
		{"https://git.example/team/tool", "https://git.example/team/tool", "git.example/team/tool", false},
		{"https://git.example/team/tool.git", "https://git.example/team/tool.git", "git.example/team/tool", false},
		{"HTTPS://Git.Example:443/team/Tool.git/", "https://git.example/team/Tool.git", "git.example/team/Tool", false},
		{"https://git.example:8443/tool", "https://git.example:8443/tool", "git.example:8443/tool", false},
		{"https://git.example./tool", "https://git.example/tool", "git.example/tool", false},
		{"http://git.example:80/a/b/c", "http://git.example/a/b/c", "git.example/a/b/c", false},
		{"https://user:secret@git.example/tool", "https://git.example/tool", "git.example/tool", true},
		{"https://user@git.example/tool", "https://git.example/tool", "git.example/tool", true},
		{"https://[2001:db8::1]:8443/tool", "https://[2001:db8::1]:8443/tool", "[2001:db8::1]:8443/tool", false},
		{"ssh://git@git.example/team/tool", "ssh://git@git.example/team/tool", "git.example/team/tool", false},
		{"git@git.example:team/tool.git", "ssh://git@git.example/team/tool.git", "git.example/team/tool", false},
		{"ssh://git:secret@git.example/tool", "ssh://git@git.example/tool", "git.example/tool", true},
	} {
		a, dropped, err := parseAddress(test.in)
		if err != nil || a.String() != test.want || a.identity() != test.identity || dropped != test.dropped {
			t.Errorf("parseAddress(%q) = %q, identity %q, %v, %v; want %q, %q, %v", test.in, a, a.identity(), dropped, err, test.want, test.identity, test.dropped)
		}
	}
}

func TestParseAddressRefuses(t *testing.T) {
	for in, why := range map[string]string{
		"":                                     "it is empty",
		"tool":                                 "no scheme",
		"-oProxyCommand=x:y":                   "starts with a dash",
		"ssh://-oProxyCommand=x/y":             "the host is no name",
		"ssh://-x@git.example/tool":            "the user's name is not one",
		"ext::sh -c true":                      "holds a space",
		"ext::sh":                              "can run programs",
		"fd::3":                                "can run programs",
		"file:///etc/passwd":                   `the scheme "file" is not spoken`,
		"git://git.example/tool":               `the scheme "git" is not spoken`,
		"https://git.example":                  "no repository",
		"https://git.example/":                 "no repository",
		"https://git.example/a/../b":           `".." cannot be part`,
		"https://git.example/a//b":             `"" cannot be part`,
		"https://git.example/-a":               `"-a" cannot be part`,
		"https://git.example/~root/a":          `"~root" cannot be part`,
		"https://git.example/a%2e%2e/b":        "an escape",
		"https://git.example/a?x=1":            "a query",
		"https://git.example/a#b":              "a fragment",
		"https://git.example/a\\b":             "a backslash",
		"https://git.example/a\nb":             "control character",
		"https://git.example/a\x00b":           "control character",
		"https://git.example:port/a":           "the port is not a number",
		"https://git_.example:1:2/a":           "the host is no name",
		"https://[fe80::1%25eth0]/a":           "an escape",
		"https://[::1/a":                       "the host is no name",
		"https:///a":                           "the host is no name",
		"https://" + strings.Repeat("a", 2100): "longer than 2048",
	} {
		_, _, err := parseAddress(in)
		if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), why) {
			t.Errorf("parseAddress(%q): %v; want a refusal that says %q", in, err, why)
		}
	}
}

func TestRedact(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"https://user:secret@git.example/a", "https://git.example/a"},
		{"https://user:se@cret@git.example/a", "https://git.example/a"},
		{"https://user:se/cret@git.example/a", "https://git.example/a"},
		{"https://user:se#cret@git.example/a", "https://git.example/a"},
		{`Get "https://secret@git.example/a?access_token=secret&page=2": refused`, `Get "https://git.example/a?access_token=REDACTED&page=2": refused`},
		{"x?private_token=secret#y", "x?private_token=REDACTED#y"},
		{"Authorization: Bearer secret", "Authorization: Bearer REDACTED"},
		{"manifest:https://git.example/m.git#default.xml@v1", "manifest:https://git.example/m.git#default.xml@v1"},
		{"a\x1b[31mred\u202e\x00", "a?[31mred??"},
		{"two\nlines", "two lines"},
	} {
		if got := redact(test.in); got != test.want {
			t.Errorf("redact(%q) = %q, want %q", test.in, got, test.want)
		}
	}
	if got := redact(strings.Repeat("ü", 1000)); len(got) > 410 {
		t.Errorf("redact leaves %d bytes", len(got))
	}
}

func TestPrivate(t *testing.T) {
	for ip, want := range map[string]bool{
		"127.0.0.1": true, "10.1.2.3": true, "172.16.0.1": true, "192.168.1.1": true, "169.254.169.254": true, "100.64.0.1": true, "0.0.0.0": true,
		"224.0.0.1": true, "255.255.255.255": true, "::1": true, "::": true, "fe80::1": true, "fc00::1": true, "ff02::1": true,
		"::ffff:127.0.0.1": true, "::127.0.0.1": true, "64:ff9b::7f00:1": true, "2002:7f00:1::": true, "2001:0:1::": true, "198.18.0.1": true,
		"93.184.216.34": false, "2606:2800:220:1::1": false, "172.32.0.1": false, "100.128.0.1": false, "::ffff:93.184.216.34": false,
	} {
		if got := private(netip.MustParseAddr(ip)); got != want {
			t.Errorf("private(%s) = %v", ip, got)
		}
	}
}

var addressGenerator = rapid.Custom(func(t *rapid.T) string {
	host := rapid.SampledFrom([]string{"git.example", "Git.Example", "git_example", "git.example:8443", "con", "[2001:db8::1]"}).Draw(t, "host")
	part := rapid.StringMatching(`[A-Za-z0-9._+@=,][A-Za-z0-9._+@=,~-]{0,12}`)
	path := strings.Join(rapid.SliceOfN(part, 1, 4).Draw(t, "path"), "/")
	return "https://" + host + "/" + path
})

// Whatever the address: one plain folder name, and another one for every other repository, on disks that know no upper case too.
func TestMirrorName(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		left, right := addressGenerator.Draw(t, "left"), addressGenerator.Draw(t, "right")
		if rapid.Bool().Draw(t, "similar") {
			right = rapid.SampledFrom([]string{strings.ToUpper(left[8:]), left[8:] + "_", strings.ReplaceAll(left[8:], "+", "_"), left[8:] + ".git"}).Draw(t, "right")
			right = "https://" + right
		}
		a, _, err := parseAddress(left)
		b, _, errB := parseAddress(right)
		if err != nil || errB != nil {
			t.Skip("refused")
		}
		n, m := a.mirrorName(), b.mirrorName()
		if !filepath.IsLocal(n) || strings.ContainsAny(n, `/\:`) || n != strings.ToLower(n) || len(n) > 220 || strings.HasPrefix(n, ".") || !strings.HasSuffix(n, ".git") {
			t.Fatalf("the mirror of %s is %q", a, n)
		}
		if (n == m) != (a.identity() == b.identity()) {
			t.Fatalf("%s and %s are mirrored as %s and %s", a, b, n, m)
		}
	})
}

func FuzzAddress(f *testing.F) {
	for _, s := range []string{
		"https://git.example/team/tool.git", "git@git.example:team/tool", "ssh://git@git.example:22/x", "ext::sh -c x", "file:///x", "https://u:p@h/x",
		"https://[::1]:1/x", "-x", "https://h/../x", "https://h/%2e%2e/x", "C:\\x", "https://h\x00/x", "https://\u202eh/x",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, _, err := parseAddress(s)
		if err != nil {
			if !errors.Is(err, ErrRefused) {
				t.Fatalf("parseAddress(%q): %v is no refusal", s, err)
			}
			if strings.IndexFunc(err.Error(), unicode.IsControl) >= 0 {
				t.Fatalf("parseAddress(%q): %q holds control characters", s, err)
			}
			return
		}
		again, dropped, err := parseAddress(a.String())
		if err != nil || dropped || again != a {
			t.Fatalf("parseAddress(%q) = %q, which reads as %q, %v, %v", s, a, again, dropped, err)
		}
		if n := a.mirrorName(); !filepath.IsLocal(n) || strings.ContainsAny(n, `/\`) {
			t.Fatalf("the mirror of %q is %q", s, n)
		}
		if a.owner() != "" && !filepath.IsLocal(filepath.FromSlash(a.owner()+"/"+a.name()+".git")) {
			t.Fatalf("%q leaves its folder", s)
		}
		if k := cleanKey(a.identity()); strings.HasPrefix(k, "/") || strings.IndexFunc(k, unicode.IsControl) >= 0 {
			t.Fatalf("the key of %q is %q", s, k)
		}
	})
}

func TestRedactHidesWhatLooksLikeASecret(t *testing.T) {
	for _, text := range []string{
		"user:hUnTeR2@git.example:a/b", "https:/user:hUnTeR2@git.example/a/b", "//user:hUnTeR2@git.example/a", "github:user:hUnTeR2@git.example",
		"https://git.example/a/b?access_token%3dhUnTeR2", "https://git.example/a/ghp_hUnTeR2hUnTeR2/b.git", "there is no file https:/u:hUnTeR2@x",
		"glpat-hUnTeR2hUnTeR2", "https://u:p/hUnTeR2@x/y",
	} {
		if got := Redact(text); strings.Contains(got, "hUnTeR2") {
			t.Errorf("%q is shown as %q", text, got)
		}
	}
	for _, text := range []string{"git@git.example:team/tool", "ecosystem.yaml:3:9: unknown key", "fetching a/b: status code: 500", "manifest:x#f.xml@v1"} {
		if got := Redact(text); got != text {
			t.Errorf("%q is shown as %q", text, got)
		}
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("see ", "user", "token1")
	f.Add(`Get "`, "a", "b/c@d")
	f.Fuzz(func(t *testing.T, before, user, secret string) {
		const marker = "hUnTeR2"
		if strings.ContainsAny(user, "/@ \"'<>#?\t\n\r") || strings.Contains(before, marker) || strings.IndexFunc(user+secret, func(r rune) bool {
			return unicode.IsSpace(r) || strings.ContainsRune(`"'<>/`, r)
		}) >= 0 || len(before) > 300 {
			t.Skip()
		}
		for _, text := range []string{
			before + "https://" + user + ":" + secret + marker + "@git.example/tool",
			before + " https://git.example/tool?access_token=" + marker,
		} {
			if got := redact(text); strings.Contains(got, marker) {
				t.Fatalf("redact(%q) = %q", text, got)
			}
		}
	})
}
