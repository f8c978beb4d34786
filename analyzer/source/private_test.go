package source

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"orrery/analyzer/source/forge"
)

// guard lets requests for git pass that are signed with a token, and notes how each was signed: "GET tok" or "POST -".
type guard struct {
	s      *server
	token  string // that is right
	refuse int    // what the others are answered
	user   string
	seen   []string
	minted int
	// before looks at a request first; true if it took it over.
	before func(w http.ResponseWriter, r *http.Request, token string) bool
}

func newGuard(t *testing.T) *guard {
	g := &guard{s: newServer(t), token: "tok-secret-secret", refuse: http.StatusUnauthorized, user: "x-access-token"}
	g.s.commit(1000)
	g.s.push("main")
	g.s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/api/v3/app/installations/77/access_tokens" {
			g.minted++
			g.token = fmt.Sprintf("tok-secret-%d", g.minted)
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusCreated)
			fmt.Fprintf(w, `{"token": %q, "expires_at": %q}`, g.token, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
			return true
		}
		user, token, ok := r.BasicAuth()
		if !ok {
			token = "-"
		} else if user != g.user {
			t.Errorf("signed in as %q", user)
		}
		g.seen = append(g.seen, r.Method+" "+token)
		if g.before != nil && g.before(w, r, token) {
			return true
		}
		if token == g.token {
			return false
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="forge"`)
		http.Error(w, "who is it?", g.refuse)
		return true
	})
	return g
}

func (g *guard) base() string { return strings.TrimSuffix(g.s.url, "/team/tool.git") + "/api/v3" }

// with signs in.
func (g *guard) with(t *testing.T, kind forge.Kind, base, token string) func(*Options) {
	t.Helper()
	credential, err := forge.Token(token)
	if err != nil {
		t.Fatal(err)
	}
	return func(o *Options) {
		o.ForgesDir = filepath.Join(o.MirrorsDir, "..", "forges")
		o.Forges = map[forge.Kind]forge.Options{kind: {Base: base, Credential: credential}}
	}
}

// requests gives what came since the last time.
func (g *guard) requests() string {
	all := strings.Join(g.seen, ", ")
	g.seen = nil
	return all
}

// noSecret fails if a token lies anywhere below a folder.
func noSecret(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := os.ReadFile(p)
		if bytes.Contains(content, []byte("secret")) {
			t.Errorf("%s holds the token", p)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// oneLine fails unless an error is one line, of bounded length, without a secret.
func oneLine(t *testing.T, err error) {
	t.Helper()
	if err == nil || strings.ContainsAny(err.Error(), "\n\r") || len(err.Error()) > 500 || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v", err)
	}
}

// What is not public is cloned and brought up to date with the token of its forge, which is shown only when the server asks who it is, and is
// left nowhere.
func TestPrivateRepository(t *testing.T) {
	for _, kind := range forge.Kinds() {
		for _, refuse := range []int{401, 403, 404} {
			g := newGuard(t)
			g.refuse = refuse
			if kind != forge.GitHub {
				g.user = "oauth2"
			}
			root := t.TempDir()
			dir := filepath.Join(root, "mirrors")
			sign := g.with(t, kind, g.base(), g.token)
			r := g.s.mirror(dir, sign)
			if r.Problem != nil {
				t.Fatalf("%s, %d: %v", kind, refuse, r.Problem)
			}
			g.s.same(r.Dir)
			if got := g.requests(); got != "GET -, GET tok-secret-secret, POST tok-secret-secret" {
				t.Errorf("%s, %d: %s", kind, refuse, got)
			}
			if info, err := os.Stat(r.Dir); err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("others may read the mirror: %v, %v", info.Mode(), err)
			}
			g.s.commit(1000)
			g.s.push("main")
			if r = g.s.mirror(dir, sign); r.Problem != nil || r.Stale != nil {
				t.Fatalf("%v, %v", r.Problem, r.Stale)
			}
			g.s.same(r.Dir)
			clean(t, dir, 1)
			noSecret(t, root)
		}
	}
}

// A mirror of what was public becomes one for its owner alone, when it is public no more.
func TestBecomesPrivate(t *testing.T) {
	g, dir := newGuard(t), t.TempDir()
	right := g.token
	g.token = "-"
	r := g.s.mirror(dir, g.with(t, forge.GitHub, g.base(), "tok-wrong-wrong"))
	if got := g.requests(); r.Problem != nil || got != "GET -, POST -" {
		t.Fatalf("a public repository was asked for with %s: %v", got, r.Problem)
	}
	g.token = right
	g.s.commit(10)
	g.s.push("main")
	if r = g.s.mirror(dir, g.with(t, forge.GitHub, g.base(), right)); r.Stale != nil {
		t.Fatal(r.Stale)
	}
	if info, err := os.Stat(r.Dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestNoAccess(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s went to another host, with %q", r.URL, r.Header.Get("Authorization"))
	}))
	defer other.Close()
	away := func(code int, to string) func(http.ResponseWriter, *http.Request, string) bool {
		return func(w http.ResponseWriter, r *http.Request, token string) bool {
			if token == "-" {
				return false
			}
			http.Redirect(w, r, to+r.URL.RequestURI(), code)
			return true
		}
	}
	const asked, shown = "GET -", "GET -, GET tok-secret-secret"
	for _, test := range []struct {
		name   string
		token  string // of the person; "" for none
		base   string // of its forge; "" for the server's
		refuse int
		before func(http.ResponseWriter, *http.Request, string) bool
		kind   error
		want   string
		seen   string
	}{
		{"no token", "", "", 401, nil, ErrUnreachable, "access is denied: it is not public, or does not exist", asked},
		{"a wrong token", "tok-other-secret", "", 401, nil, ErrUnreachable, "is wrong, has expired, or may not read it", "GET -, GET tok-other-secret"},
		{"a token that may not", "tok-other-secret", "", 404, nil, ErrUnreachable, "there is no such repository, or the token for", "GET -, GET tok-other-secret"},
		{"the token of another forge", "tok-secret-secret", "https://git.corp.example/api/v3", 401, nil, ErrUnreachable, "access is denied: it is not public", asked},
		{"the token of another port", "tok-secret-secret", other.URL + "/api/v3", 401, nil, ErrUnreachable, "access is denied: it is not public", asked},
		{"the token of https", "tok-secret-secret", "https", 401, nil, ErrUnreachable, "access is denied: it is not public", asked},
		{"redirected to another host", "tok-secret-secret", "", 401, away(302, strings.Replace(other.URL, "127.0.0.1", "localhost", 1)), ErrRefused, "it redirects to another host", shown},
		{"redirected to another port", "tok-secret-secret", "", 401, away(307, other.URL), ErrRefused, "it redirects to another host", shown},
		{"expired in the middle", "tok-secret-secret", "", 401, func(w http.ResponseWriter, r *http.Request, _ string) bool {
			if r.Method == http.MethodPost {
				http.Error(w, "", http.StatusUnauthorized)
			}
			return r.Method == http.MethodPost
		}, ErrUnreachable, "is wrong, has expired, or may not read it", shown + ", POST tok-secret-secret"},
	} {
		t.Run(test.name, func(t *testing.T) {
			g, root := newGuard(t), t.TempDir()
			g.refuse, g.before = test.refuse, test.before
			base := g.base()
			if test.base == "https" {
				base = strings.Replace(base, "http:", "https:", 1)
			} else if test.base != "" {
				base = test.base
			}
			dir := filepath.Join(root, "mirrors")
			r := g.s.mirror(dir, g.with(t, forge.GitHub, base, test.token))
			if !errors.Is(r.Problem, test.kind) || !strings.Contains(r.Problem.Error(), test.want) || r.Dir != "" {
				t.Errorf("%v", r.Problem)
			}
			oneLine(t, r.Problem)
			if got := g.requests(); got != test.seen {
				t.Errorf("%s, want %s", got, test.seen)
			}
			clean(t, dir, 0)
			noSecret(t, root)
		})
	}
}

// An installation's token is renewed once when it is refused, also between the branches and the pack; the key never goes to git.
func TestPrivateRepositoryOfAnApp(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "app.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		// expire says before which request the token ends.
		expire func(r *http.Request, g *guard) bool
		ok     bool
		seen   string
	}{
		{"lasts", func(*http.Request, *guard) bool { return false }, true, "GET -, GET tok-secret-1, POST tok-secret-1"},
		{
			"expires in the middle", func(r *http.Request, g *guard) bool { return r.Method == http.MethodPost && g.minted == 1 }, true,
			"GET -, GET tok-secret-1, POST tok-secret-1, POST tok-secret-2",
		},
		{"is revoked at once", func(_ *http.Request, g *guard) bool { return g.minted == 1 }, true, "GET -, GET tok-secret-1, GET tok-secret-2, POST tok-secret-2"},
		{"is never right", func(*http.Request, *guard) bool { return true }, false, "GET -, GET tok-secret-1, GET tok-secret-2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			g, root := newGuard(t), t.TempDir()
			credential, err := forge.App("Iv1.app", 77, path)
			if err != nil {
				t.Fatal(err)
			}
			g.before = func(_ http.ResponseWriter, r *http.Request, _ string) bool {
				if test.expire(r, g) {
					g.token = "revoked"
				}
				return false
			}
			r := g.s.mirror(filepath.Join(root, "mirrors"), func(o *Options) {
				o.ForgesDir = filepath.Join(root, "forges")
				o.Forges = map[forge.Kind]forge.Options{forge.GitHub: {Base: g.base(), Credential: credential}}
			})
			if (r.Problem == nil) != test.ok {
				t.Error(r.Problem)
			}
			if got := g.requests(); got != test.seen {
				t.Errorf("%s, want %s", got, test.seen)
			}
			noSecret(t, root)
		})
	}
}

// A repository that a forge lists as private is mirrored with the token that listed it.
func TestPrivateRepositoryOfAForge(t *testing.T) {
	g := newGuard(t)
	before := g.s.handle
	g.s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/api/v3/repos/team/tool" {
			return before(w, r)
		}
		if r.Header.Get("Authorization") != "Bearer tok-secret-secret" {
			http.Error(w, "{}", http.StatusNotFound)
			return true
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"id": 1, "name": "tool", "private": true, "owner": {"login": "team"}, "clone_url": %q}`, g.s.url)
		return true
	})
	opts := Options{MirrorsDir: t.TempDir(), AllowHTTP: true}
	g.with(t, forge.GitHub, g.base(), "tok-secret-secret")(&opts)
	e := resolve(t, opts, "github:team/tool")
	if len(e.Repositories) != 1 || e.Repositories[0].Problem != nil || e.Repositories[0].Dir == "" {
		t.Errorf("%+v", e.Repositories)
	}
}
