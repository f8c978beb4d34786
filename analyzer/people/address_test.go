package people

import (
	"strings"
	"testing"
)

func testDirectory(t testing.TB) *Directory {
	t.Helper()
	d, err := LoadDirectory("testdata/people.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestParseAddress(t *testing.T) {
	d := testDirectory(t)
	tests := []struct {
		raw, text string
		form      form
		repaired  bool
	}{
		{"jane@acme.example", "jane@acme.example", valid, false},
		{"Jane.Doe@ACME.example", "jane.doe@acme.example", valid, false},
		{"jane@acme.example\u00a0", "jane@acme.example", valid, true},
		{"“jane@acme.example”", "jane@acme.example", valid, true},
		{"'jane@acme.example'", "jane@acme.example", valid, true},
		{"jane@acme.example/", "jane@acme.example", valid, true},
		{"jane@acme.example.", "jane@acme.example", valid, true},
		{"mailto:jane@acme.example", "jane@acme.example", valid, true},
		{"jane@acme,example", "jane@acme.example", valid, true},
		{"jane@acme..example", "jane@acme.example", valid, true},
		{"jane@acme.com.com", "jane@acme.com", valid, true},
		{"jane＠acme．example", "jane@acme.example", valid, true},
		{"jane@acmee.example", "jane@acme.example", valid, true},
		{"jane@mail.acmee.example", "jane@mail.acme.example", valid, true},
		{"jane@acme", "jane@acme.example", valid, true},
		{"x@huawei", "x@huawei.com", valid, true},
		{"x@notesmail.hauwei.com", "x@notesmail.huawei.com", valid, true},
		{"x@h_partners.com", "x@h-partners.com", valid, true},
		{"x@huawei,com", "x@huawei.com", valid, true},
		{"x@huawei.com.com", "x@huawei.com", valid, true},
		{"jane@bücher.example", "jane@bücher.example", valid, false},
		{"", "", placeholder, false},
		{"root", "root", placeholder, false},
		{"(none)", "(none)", placeholder, false},
		{"root@localhost", "root@localhost", placeholder, false},
		{"jane@laptop.(none)", "jane@laptop.(none)", placeholder, false},
		{"jane@localhost.localdomain", "jane@localhost.localdomain", placeholder, false},
		{"you@example.com", "you@example.com", placeholder, false},
		{"jane@mail.example.org", "jane@mail.example.org", placeholder, false},
		{"your_name@acme.example", "your_name@acme.example", placeholder, false},
		{"noreply@acme.example", "noreply@acme.example", shared, false},
		{"jane", "jane", malformed, false},
		{"jane@", "jane@", malformed, false},
		{"@acme.example", "@acme.example", malformed, false},
		{"jane@other", "jane@other", malformed, false},
		{"Jane Doe jane@acme.example", "jane@acme.example", valid, true},
		{"ja ne@acme.example", "ja ne@acme.example", malformed, false},
		{"jane@ acme.example", "jane@ acme.example", malformed, false},
		{"ja ne@a b@acme.example", "ja ne@a b@acme.example", malformed, false},
		{"x1huawei.com", "x1@huawei.com", valid, true},
		{"jane.huawei.com", "jane.huawei.com", malformed, false}, // a host
		{"charm.com", "charm.com", malformed, false},             // arm.com is too short
		{"jane@a@acme.example", "jane@a@acme.example", malformed, false},
		{"jane@acme-.#.example", "jane@acme-.#.example", malformed, false},
		{"jane@\xff.example", "jane@\uFFFD.example", malformed, false},
		{strings.Repeat("j", 300) + "@acme.example", strings.Repeat("j", 300) + "@acme.example", malformed, false},
	}
	for _, tt := range tests {
		a := parseAddress(tt.raw, d)
		if a.text != tt.text || a.form != tt.form || (a.repair != "") != tt.repaired {
			t.Errorf("parseAddress(%q) = %q, form %d, repair %q; want %q, form %d, repaired %t", tt.raw, a.text, a.form, a.repair, tt.text, tt.form, tt.repaired)
		}
	}
}

func TestLogin(t *testing.T) {
	d := testDirectory(t)
	tests := []struct{ email, account, number string }{
		{"123+Jane@users.noreply.github.com", "github:jane", "github#123"},
		{"jane@users.noreply.github.com", "github:jane", ""},
		{"123+jane@user.noreply.gitee.com", "gitee:jane", "gitee#123"},
		{"jane@noreply.gitcode.com", "gitcode:jane", ""},
		{"jane@users.noreply.gitcode.com", "gitcode:jane", ""},
		{"jane@noreply.atomgit.com", "gitcode:jane", ""},
		{"12-jane-doe@users.noreply.gitlab.com", "gitlab:jane-doe", "gitlab#12"},
		{"jane-doe@users.noreply.gitlab.com", "gitlab:jane-doe", ""},
		{"a+b@users.noreply.github.com", "github:a+b", ""},
		{"jane@github.com", "", ""},
		{"noreply@github.com", "", ""},
	}
	for _, tt := range tests {
		a := parseAddress(tt.email, d)
		if account, number := a.login(); account != tt.account || number != tt.number {
			t.Errorf("login of %s = %q, %q; want %q, %q", tt.email, account, number, tt.account, tt.number)
		}
	}
}

func TestNames(t *testing.T) {
	tests := []struct {
		raw, normalized   string
		placeholder, full bool
	}{
		{"Jane Doe", "jane doe", false, true},
		{"  JANE\u00a0 Doe ", "jane doe", false, true},
		{"“Jane Doe”", "jane doe", false, true},
		{"Ｊａｎｅ", "jane", false, false},
		{"J D", "j d", false, false},
		{"Jo Li", "jo li", false, false},
		{"欧阳测试", "欧阳测试", false, true},
		{"测试", "测试", false, false},
		{"w00123456", "w00123456", false, false},
		{"Jane Doe 2", "jane doe 2", false, false},
		{"your_name", "your_name", true, false},
		{"Your Name", "your name", true, true},
		{"root", "root", true, false},
		{"(no author)", "no author", true, true},
	}
	for _, tt := range tests {
		n := normalizeName(tt.raw)
		if n != tt.normalized || isPlaceholderName(n) != tt.placeholder || isFullName(n) != tt.full {
			t.Errorf("%q: %q, placeholder %t, full %t", tt.raw, n, isPlaceholderName(n), isFullName(n))
		}
	}
}

func FuzzAddress(f *testing.F) {
	for _, s := range []string{"jane@acme.example", "“x@huawei,com”\u00a0", "root@(none)", "@", "a@b.com.com.com", "x@..", "\xff@\x00.y", "mailto:mailto:a@b.c"} {
		f.Add(s)
	}
	d := testDirectory(f)
	f.Fuzz(func(t *testing.T, raw string) {
		a := parseAddress(raw, d)
		if a.form == valid {
			if a.text != a.local+"@"+a.domain || !strings.Contains(a.domain, ".") || a.local == "" || strings.ContainsFunc(a.text, outsideAddress) {
				t.Fatalf("parseAddress(%q) = %+v", raw, a)
			}
			if again := parseAddress(strings.ToUpper(a.text), d); strings.ToLower(strings.ToUpper(a.text)) == a.text && again.form == valid && again.domain != a.domain && again.repair == "" {
				t.Fatalf("%q is read as %q, and that as %q without a repair", raw, a.text, again.text)
			}
		}
		normalizeName(raw)
	})
}
