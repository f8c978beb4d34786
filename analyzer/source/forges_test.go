package source

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orrery/analyzer/facts"
	"orrery/analyzer/source/forge"
)

// forgeServer is a forge with its interface below /api/v3/, and a real git server behind it.
type forgeServer struct {
	git   *server
	host  *httptest.Server
	list  []map[string]any
	calls []string
	down  bool

	answers map[string]string // by path
}

func newForgeServer(t *testing.T) *forgeServer {
	s := &forgeServer{git: newServer(t)}
	s.git.commit(100)
	s.git.push("main")
	s.host = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if rest, ok := strings.CutPrefix(r.URL.Path, "/api/v3/"); ok {
			s.calls = append(s.calls, r.Header.Get("Authorization"))
			w.Header().Set("Content-Type", "application/json")
			switch {
			case s.down:
				w.WriteHeader(http.StatusForbidden)
				fmt.Fprint(w, `{"message": "Must have admin rights"}`)
			case rest == "orgs/team/repos":
				_ = json.NewEncoder(w).Encode(s.list)
			case rest == "repos/team/tool":
				_ = json.NewEncoder(w).Encode(s.list[0])
			case s.answers[rest] != "":
				fmt.Fprint(w, s.answers[rest])
			default:
				w.WriteHeader(http.StatusNotFound)
				fmt.Fprint(w, `{"message": "Not Found"}`)
			}
			return
		}
		// What is not there may be there for who is signed in; what everybody may read is read by nobody in particular.
		if r.Header.Get("Authorization") != "" && strings.HasPrefix(r.URL.Path, "/team/tool.git/") {
			t.Error("git was sent a token")
		}
		s.git.proxy(w, r)
	}))
	t.Cleanup(s.host.Close)
	s.add("tool")
	return s
}

func (s *forgeServer) add(name string) map[string]any {
	one := map[string]any{
		"id": 1 + len(s.list), "name": name, "owner": map[string]any{"login": "team"}, "clone_url": s.host.URL + "/team/" + name + ".git",
		"default_branch": "main",
	}
	s.list = append(s.list, one)
	return one
}

func (s *forgeServer) options(t *testing.T) Options {
	t.Helper()
	token, err := forge.Token("tok-secret-secret")
	if err != nil {
		t.Fatal(err)
	}
	return Options{
		MirrorsDir: t.TempDir(), ForgesDir: t.TempDir(), AllowHTTP: true,
		Forges: map[forge.Kind]forge.Options{forge.GitHub: {Base: s.host.URL + "/api/v3", Credential: token}},
	}
}

// What a forge lists is mirrored as if it had been named; what is wrong with one stops no other.
func TestForgeOwner(t *testing.T) {
	s := newForgeServer(t)
	s.add("fork")["fork"] = true
	s.add("gone")["archived"] = true
	s.add("elsewhere")["clone_url"] = "https://evil.example/team/elsewhere.git"
	s.add("other")["clone_url"] = s.host.URL + "/team/tool.git"
	s.add("local")["clone_url"] = "file:///etc"
	s.add("scheme")["clone_url"] = strings.Replace(s.host.URL, "http:", "https:", 1) + "/team/scheme.git"
	opts := s.options(t)
	e := resolve(t, opts, "github:team")
	if e.Name != "team" || len(e.Repositories) != 7 {
		t.Fatalf("%+v", e)
	}
	byKey := map[string]Repository{}
	for _, r := range e.Repositories {
		byKey[r.Key] = r
	}
	if r := byKey["tool"]; r.Problem != nil || r.Dir == "" || r.Class != "own" || r.URL != s.host.URL+"/team/tool.git" {
		t.Errorf("%+v", r)
	}
	if r := byKey["fork"]; !r.Fork || r.Class != "third-party" || !errors.Is(r.Problem, ErrUnreachable) {
		t.Errorf("%+v", r)
	}
	if r := byKey["gone"]; !r.Archived || !errors.Is(r.Problem, ErrUnreachable) {
		t.Errorf("%+v", r)
	}
	for _, key := range []string{"elsewhere", "other", "local", "scheme"} {
		if r := byKey[key]; !errors.Is(r.Problem, ErrRefused) || r.Dir != "" || r.URL != "" {
			t.Errorf("%s: %+v", key, r)
		}
	}
	if !slices.ContainsFunc(e.Warnings, func(w string) bool {
		return strings.Contains(w, "of 7 repositories 1 are forks, which are counted as third-party, and 1 are archived")
	}) {
		t.Errorf("%q", e.Warnings)
	}
	for _, token := range s.calls {
		if token != "Bearer tok-secret-secret" {
			t.Errorf("%q", s.calls)
		}
	}
	// The list is that of yesterday if the forge does not answer, and offline.
	s.down = true
	again := resolve(t, opts, "github:team")
	if len(again.Repositories) != 7 || !strings.Contains(strings.Join(again.Warnings, "\n"), "access is denied (403): Must have admin rights") {
		t.Errorf("%q", again.Warnings)
	}
	opts.Offline = true
	calls := len(s.calls)
	off := resolve(t, opts, "github:team")
	if diff := cmp.Diff(table(e, opts.MirrorsDir)[6], table(off, opts.MirrorsDir)[6]); diff != "" || len(s.calls) != calls {
		t.Error(diff)
	}
}

func TestForgeRepository(t *testing.T) {
	s := newForgeServer(t)
	opts := s.options(t)
	e := resolve(t, opts, "github:team/tool", "github:team/tool", "github:nobody", "github:team/absent")
	if len(e.Repositories) != 3 {
		t.Fatalf("%q", table(e, opts.MirrorsDir))
	}
	for _, r := range e.Repositories {
		if r.Key == "tool" && (r.Problem != nil || r.Dir == "") || r.Key != "tool" && !errors.Is(r.Problem, ErrUnreachable) {
			t.Errorf("%+v", r)
		}
	}
	opts.ForgesDir, opts.Offline = t.TempDir(), true
	if e := resolve(t, opts, "github:team"); !errors.Is(e.Repositories[0].Problem, ErrAbsent) {
		t.Errorf("%+v", e.Repositories)
	}
	// The public host is nobody's word: one that answers from a private address is not dialled for clones.
	if _, err := Forge(forge.GitHub, Options{Forges: map[forge.Kind]forge.Options{forge.GitHub: {Base: "http://plain.example/"}}, ForgesDir: t.TempDir()}); !errors.Is(err, ErrUsage) {
		t.Errorf("%v", err)
	}
}

func TestForgeOwners(t *testing.T) {
	got, err := ForgeOwners([]string{"github:a", "gitee:b/c"})
	if diff := cmp.Diff([]ForgeOwner{{forge.GitHub, "a", ""}, {forge.Gitee, "b", "c"}}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for _, bad := range []string{"", "a", "https://github.com/a/b", "github:a/..", "gitlab:a"} {
		if _, err := ForgeOwners([]string{bad}); !errors.Is(err, ErrUsage) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestPlace(t *testing.T) {
	for address, want := range map[string]facts.Place{
		"https://github.com/Acme/tool.git":        {Forge: "github", Name: "Acme/tool"},
		"https://gitee.com/acme/tool":             {Forge: "gitee", Name: "acme/tool"},
		"ssh://git@gitcode.com/acme/tool.git":     {Forge: "gitcode", Name: "acme/tool"},
		"https://git.corp.example:8443/acme/tool": {Forge: "git.corp.example:8443", Name: "acme/tool"},
		"": {Name: "acme/tool"},
	} {
		r := Repository{Key: "tool", URL: address, Dir: "/mirrors/acme+tool/repo"}
		if got := r.Place(); got != want {
			t.Errorf("%s: %+v, want %+v", address, got, want)
		}
	}
}

// Whatever address a forge gives for a clone: only its own https (or http, where that is allowed) is called, and nothing is run.
func TestHostileCloneAddresses(t *testing.T) {
	s := newForgeServer(t)
	host := strings.TrimPrefix(s.host.URL, "http://")
	var addresses []string
	for _, address := range []string{
		"ext::sh -c touch% /tmp/x", "ext::sh", "fd::17", "file:///etc", "/etc", "../../etc", "--upload-pack=touch x", "-oProxyCommand=touch",
		"ssh://-oProxyCommand=touch/x", "ssh://git@" + host + "/team/tool", "git@" + host + ":team/tool", "git://" + host + "/team/tool",
		"http://" + host + "@evil.example/team/x", "https://" + host + ".evil.example/team/x", "http://evil.example/" + host, "http://127.0.0.1:1/team/x",
		"http://" + host + "/team/x?--upload-pack=y", "http://" + host + "/team/x#y", "http://" + host + "/team/..%2f..%2fx", "http://" + host + "/../team/x",
		"http://" + host + "/team/x\x1b[31m", "http://" + host + "/team/x\ny", "http://" + host + "\\@evil.example/team/x", "http://" + host + "/-team/x", "",
	} {
		name := fmt.Sprintf("x%d", len(addresses))
		addresses = append(addresses, address)
		s.add(name)["clone_url"] = address
	}
	opts := s.options(t)
	opts.AllowSSH = true
	e := resolve(t, opts, "github:team")
	if len(e.Repositories) != len(addresses)+1 {
		t.Fatalf("%d repositories", len(e.Repositories))
	}
	for _, r := range e.Repositories {
		if r.Key == "tool" {
			if r.Problem != nil {
				t.Error(r.Problem)
			}
			continue
		}
		if !errors.Is(r.Problem, ErrRefused) || r.Dir != "" || r.URL != "" {
			t.Errorf("%s: %+v", r.Key, r)
			continue
		}
		if text := r.Problem.Error(); strings.ContainsAny(text, "\n\r\x1b") || len(text) > 700 || !strings.HasPrefix(text, "github:team/"+r.Key+": ") && !strings.Contains(text, ": github:team/"+r.Key+": ") {
			t.Errorf("%q", text)
		}
	}
	clean(t, opts.MirrorsDir, 1)
}
