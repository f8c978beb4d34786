package people

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orrery/analyzer/facts"
)

var update = flag.Bool("update", false, "write golden files anew")

// TestProblems holds what is said of each bad file against a golden file beside it.
func TestProblems(t *testing.T) {
	files, err := filepath.Glob("testdata/directory/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	files = append(files, "testdata/people.yaml")
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			paths := []string{file}
			if strings.HasSuffix(file, "mine.yaml") {
				paths = append(paths, "testdata/people.yaml")
			}
			problems, err := CheckDirectory(paths...)
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			faults := 0
			for _, p := range problems {
				if p.Warning {
					got.WriteString("warning: ")
				} else {
					faults++
				}
				got.WriteString(p.Error() + "\n")
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			_, err = LoadDirectory(paths...)
			if p := (Problem{}); (err != nil) != (faults > 0) || err != nil && !errors.As(err, &p) {
				t.Errorf("%d faults, but loading says: %v", faults, err)
			}
		})
	}
}

func TestFiles(t *testing.T) {
	if _, err := LoadDirectory("testdata/absent.yaml"); err == nil || !strings.Contains(err.Error(), "absent.yaml") {
		t.Errorf("an absent file: %v", err)
	}
	large := filepath.Join(t.TempDir(), "large.yaml")
	if err := os.WriteFile(large, make([]byte, maxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadDirectory(large); err == nil || !strings.Contains(err.Error(), "4 MiB") {
		t.Errorf("a large file: %v", err)
	}
}

// domainOf resolves one address by a directory on a date.
func domainOf(t *testing.T, d *Directory, email, on string) (string, Class) {
	t.Helper()
	r := resolve(t, Options{Directory: d}, repository(t, "r", wrote{who: "X <" + email + ">", date: on}))
	a := r.Attribute(0, 0, date(t, on))
	if a.Organization == NoOrganization {
		return "", a.Class
	}
	return r.Organizations[a.Organization].Name, a.Class
}

// TestEarlierFileWins puts a file of the user's before another one and the built-in directory.
func TestEarlierFileWins(t *testing.T) {
	d, err := LoadDirectory("testdata/directory/mine.yaml", "testdata/people.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ email, on, want string }{
		{"x@acme.example", "2019-01-01", "Mine"},
		{"x@sub.huawei.com", "2019-01-01", "Mine"},
		{"x@labs.example", "2015-06-01", "Acme"},
		{"x@labs.example", "2019-01-01", "Mine"},
		{"x@labs.example", "2014-01-01", ""},
		{"x@borealis.example", "2019-01-01", "Borealis"},
	} {
		if got, _ := domainOf(t, d, tt.email, tt.on); got != tt.want {
			t.Errorf("%s on %s: %q, want %q", tt.email, tt.on, got, tt.want)
		}
	}
}

func TestBuiltIn(t *testing.T) {
	problems, err := CheckDirectory()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Error(p)
	}
	d, err := embedded()
	if err != nil {
		t.Fatal(err)
	}
	if len(d.organizations) < 400 {
		t.Errorf("%d organizations", len(d.organizations))
	}
	// Every statement has a source that somebody else can look up, or says that nobody has.
	stated := func(what, source string, at position) {
		if source == "" || source == at.file || source == "company web site" || strings.Contains(source, "field notes") {
			t.Errorf("%s of %s: %q is no source", what, at, source)
		}
	}
	for name, entries := range d.domains {
		for _, e := range entries {
			stated(name, e.source, e.where)
		}
	}
	for wrong, m := range d.misspelled {
		_, source, _ := strings.Cut(m.source, ": ")
		stated(wrong, source, m.where)
	}
	for i := range d.machines {
		stated("machine", d.machines[i].source, d.machines[i].where)
	}
	tests := []struct {
		email, organization string
		class               Class
	}{
		{"x@huawei.com", "Huawei", Employer},
		{"x@china.huawei.com", "Huawei", Employer},
		{"x@notesmail.huawei.com/", "Huawei", Employer},
		{"x@hauwei.com", "Huawei", Employer},
		{"x@hisilicon.com", "HiSilicon", Employer},
		{"x@futurewei.com", "Futurewei", Employer},
		{"x@h-partners.com", "Contractors of Huawei", Contractor},
		{"x@huawei-partners.com", "Contractors of Huawei", Contractor},
		{"x@h-parters.com", "Contractors of Huawei", Contractor},
		{"x@kylinos.cn", "KylinSoft", Employer},
		{"x@cs2c.com.cn", "KylinSoft", Employer},
		{"x@kylinos.com.cn", "KylinSec", Employer},
		{"x@kylinsec.com.cn", "KylinSec", Employer},
		{"x@isrc.iscas.ac.cn", "ISCAS", Academic},
		{"x@mails.tsinghua.edu.cn", "Tsinghua University", Academic},
		{"x@cs.unlisted.edu", "unlisted.edu", Academic},
		{"x@unlisted.ac.jp", "unlisted.ac.jp", Academic},
		{"x@alumni.unlisted.edu.cn", "", Personal},
		{"x@linux.alibaba.com", "Alibaba", Employer},
		{"x@aliyun.com", "", Personal},
		{"x@linux.vnet.ibm.com", "IBM", Employer},
		{"x@redhat.com", "Red Hat", Employer},
		{"x@partner.samsung.com", "Partners of Samsung", Contractor},
		{"x@vip.qq.com", "", Personal},
		{"x@petalmail.com", "", Personal},
		{"x@gmx.at", "", Personal},
		{"x@kernel.org", "", Personal},
		{"x@apache.org", "", Personal},
		{"x@openeuler.sh", "", Personal},
		{"x@gitee.com", "", Personal},
		{"x@user.noreply.gitee.com", "", NoReply},
		{"1+x@users.noreply.github.com", "", NoReply},
		{"x@noreply.gitcode.com", "", NoReply},
		{"x@github.com", "GitHub", Employer},
		{"x@linuxfoundation.org", "Linux Foundation", Community},
		{"x@notkylinos.cn", "", Unknown},
		{"x@com", "", Invalid},
	}
	for _, tt := range tests {
		if got, class := domainOf(t, d, tt.email, "2024-01-01"); got != tt.organization || class != tt.class {
			t.Errorf("%s: %q, %v; want %q, %v", tt.email, got, class, tt.organization, tt.class)
		}
	}
}

func TestParentAtTheEnd(t *testing.T) {
	d, err := embedded()
	if err != nil {
		t.Fatal(err)
	}
	for on, want := range map[string]int{"2019-07-08": 0, "2019-07-09": 1} {
		r := resolve(t, Options{Directory: d}, repository(t, "r", wrote{who: "X <x@redhat.com>", date: on}))
		if parents := len(r.Organizations) - 1; parents != want {
			t.Errorf("on %s Red Hat has %d parents, want %d", on, parents, want)
		}
	}
}

func TestMachines(t *testing.T) {
	d, err := embedded()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, address string
		want          Class
	}{
		{"dependabot[bot]", "49699333+dependabot[bot]@users.noreply.github.com", Bot},
		{"openeuler-ci-bot", "x@qq.com", Bot},
		{"openharmony_ci", "x@qq.com", Bot},
		{"openharmony_ci", "x@huawei.com", Bot},
		{"k8s-ci-robot", "x@home.example", Bot},
		{"renovate-bot", "x@home.example", Bot},
		{"Gitee", "noreply@gitee.com", Unknown},
		{"GitHub", "noreply@github.com", Unknown},
		{"Claude", "noreply@anthropic.com", Agent},
		{"Claude Code", "x@home.example", Agent},
		{"Claude Dupont", "claude@home.example", Unknown},
		{"Copilot", "198982749+Copilot@users.noreply.github.com", Agent},
		{"Copilot", "copilot@github.com", Agent},
		{"copilot-swe-agent[bot]", "198982749+Copilot@users.noreply.github.com", Agent},
		{"Cursor Agent", "cursoragent@cursor.com", Agent},
		{"devin-ai-integration[bot]", "158243242+devin-ai-integration[bot]@users.noreply.github.com", Agent},
		{"aider (gpt)", "aider@aider.chat", Agent},
		{"Jane Doe (aider)", "jane@acme.example", Agent},
		{"Devin Smith", "devin@acme.example", Unknown},
		{"Jane Talbot", "jane@acme.example", Unknown},
		{"Nancy Abbot", "abbot@acme.example", Unknown},
	}
	for _, tt := range tests {
		if got, _, _ := d.machine(tt.name, tt.address, nil); got != tt.want {
			t.Errorf("%s <%s> is %v, want %v", tt.name, tt.address, got, tt.want)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, tt := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "x", true},
		{"x", "x", true},
		{"x", "xx", false},
		{"*", "", true},
		{"*x", "ax", true},
		{"*x", "xa", false},
		{"x*", "xa", true},
		{"a*b*c", "abc", true},
		{"a*b*c", "aXbXbXc", true},
		{"a*b*c", "acb", false},
		{"*ab*ab", "ab", false},
		{"a*a", "a", false},
		{"**", "x", true},
	} {
		if got := matches(tt.pattern, tt.s); got != tt.want {
			t.Errorf("matches(%q, %q) = %t", tt.pattern, tt.s, got)
		}
	}
}

// FuzzDirectory reads anything, and resolves by what can be read.
func FuzzDirectory(f *testing.F) {
	files, err := filepath.Glob("testdata/directory/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(files, "testdata/people.yaml") {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		l := newLoader()
		l.read("fuzz.yaml", data)
		d := l.finish()
		for _, p := range l.problems {
			if p.Line < 1 || p.Column < 1 || p.Text == "" {
				t.Fatalf("a problem nowhere: %+v", p)
			}
			if !p.Warning {
				return
			}
		}
		repo := &facts.Repository{Signatures: []facts.Signature{{Name: "X", Email: "x@acme.example"}, {Name: "Y", Email: "y@labs.example"}}}
		r, err := Resolve([]*facts.Repository{repo}, Options{Directory: d, PseudonymKey: testKey})
		if err != nil {
			t.Fatal(err)
		}
		for s := range repo.Signatures {
			if a := r.Attribute(0, uint32(s), facts.Time{Unix: 1_500_000_000, Valid: true}); a.Class.Known() != (a.Organization != NoOrganization) {
				t.Fatalf("%+v", a)
			}
		}
	})
}
