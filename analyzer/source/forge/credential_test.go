package forge

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestCredentialPrintsNothing(t *testing.T) {
	const word = "hUnTeR2hUnTeR2hUnTeR2"
	c, err := Token("  " + word + "\n")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
		fmt.Fprintf(&out, verb+" "+verb+" "+verb+"\n", c, &c, Options{Credential: c})
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "credential", c, "options", []Credential{c})
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "credential", c)
	if err := json.NewEncoder(&out).Encode(map[string]any{"c": c, "o": struct{ C Credential }{c}}); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(out.Bytes(), []byte(word)) || bytes.Contains(out.Bytes(), fmt.Appendf(nil, "%x", word)) || strings.Contains(c.fingerprint(), word) {
		t.Errorf("the token is printed:\n%s", out.String())
	}
	for _, bad := range []string{"two words", "line\nline", "é", strings.Repeat("x", 5000)} {
		if _, err := Token(bad); err == nil || strings.Contains(err.Error(), bad) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestTokenFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte("abcdef\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := TokenFile(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("%v", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := TokenFile(path); err != nil || c.s.token != "abcdef" {
		t.Errorf("%v", err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{path, filepath.Dir(path), path + "x"} {
		if _, err := TokenFile(bad); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}

// A token that expires in the middle fails the list, and a new one goes on. What one token was answered is not given to another.
func TestTokenExpires(t *testing.T) {
	f, dir := newFake(t, GitHub), t.TempDir()
	f.repositories(500)
	f.fault = func(n int, _ *http.Request) *http.Response {
		if n == 3 {
			f.token = "another-token"
		}
		return nil
	}
	if _, err := f.open(dir, nil).Repositories(t.Context(), "acme"); !errors.Is(err, ErrDenied) || !strings.Contains(err.Error(), "page 3") {
		t.Errorf("%v", err)
	}
	f.forget()
	if l, err := f.open(dir, nil).Repositories(t.Context(), "acme"); err != nil || len(l.Repositories) != 500 || f.used != 5 {
		t.Errorf("%d counted, %v", f.used, err)
	}
}

// A token goes to the host of the interface alone: neither redirects nor pages lead it away. Servers are real ones here.
func TestTokenStaysWithItsHost(t *testing.T) {
	var leaked []string
	evil := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		leaked = append(leaked, fmt.Sprint(r.URL, r.Header))
	}))
	defer evil.Close()
	var seen []string
	var forge *httptest.Server
	forge = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization"))
		switch {
		case strings.HasPrefix(r.URL.Path, "/repos/acme/redirected"):
			http.Redirect(w, r, evil.URL+"/repos/acme/x", http.StatusMovedPermanently)
		case strings.HasPrefix(r.URL.Path, "/repos/acme/name"):
			http.Redirect(w, r, strings.Replace(forge.URL, "127.0.0.1", "localhost", 1)+"/repos/acme/x", http.StatusTemporaryRedirect)
		default:
			w.Header().Set("Link", "<"+evil.URL+`/orgs/acme/repos?page=2>; rel="next"`)
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, "[]")
		}
	}))
	defer forge.Close()
	credential, err := Token("tok-secret-secret")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Open(GitHub, Options{Base: forge.URL, AllowHTTP: true, Credential: credential, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Repository(t.Context(), "acme", "redirected"); !errors.Is(err, ErrRefused) {
		t.Errorf("%v", err)
	}
	if _, err := c.Repository(t.Context(), "acme", "name"); !errors.Is(err, ErrRefused) {
		t.Errorf("%v", err)
	}
	if _, err := c.Repositories(t.Context(), "acme"); !errors.Is(err, ErrRefused) {
		t.Errorf("%v", err)
	}
	if len(leaked) > 0 || len(seen) != 3 || seen[0] != "Bearer tok-secret-secret" {
		t.Errorf("%q went elsewhere; %q", leaked, seen)
	}
}

// A forge that repeats the token, in an answer, in an error or in a header, does not get it printed or kept.
func TestTokenIsRepeated(t *testing.T) {
	for _, status := range []int{200, 403, 404, 418, 500} {
		f, dir := newFake(t, GitHub), t.TempDir()
		f.fault = func(_ int, req *http.Request) *http.Response {
			word := strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
			return answer(req, status, map[string]any{"id": 1, "name": "tool", "message": "who is " + word, "owner": map[string]any{"login": "acme"}, "default_branch": word},
				"ETag", `"`+word+`"`, "Link", "<https://api.github.com/"+word+`>; rel="x"`, "Last-Modified", word)
		}
		r, err := f.open(dir, nil).Repository(t.Context(), "acme", "tool")
		if (err == nil) != (status == 200) || strings.Contains(fmt.Sprintf("%+v %v", r, err), f.token) {
			t.Errorf("%d: %+v, %v", status, r, err)
		}
		spotless(t, dir, f.token)
	}
}

// newApp makes a key file and what the fake forge does for an installation: tokens that last an hour by its clock.
func newApp(t *testing.T, f *fakeForge) (Credential, *int) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "app.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}), 0o600); err != nil {
		t.Fatal(err)
	}
	minted := 0
	f.apps = func(req *http.Request) *http.Response {
		if req.Method != http.MethodPost || req.URL.Path != "/app/installations/77/access_tokens" {
			t.Errorf("%s %s", req.Method, req.URL)
		}
		parts := strings.Split(strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer "), ".")
		var claims struct {
			Iat, Exp int64
			Iss      string
		}
		text, _ := base64.RawURLEncoding.DecodeString(parts[1])
		signature, _ := base64.RawURLEncoding.DecodeString(parts[2])
		sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
		if err := json.Unmarshal(text, &claims); err != nil {
			t.Error(err)
		}
		if err := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], signature); err != nil {
			t.Error(err)
		}
		now := f.server().Unix()
		if claims.Iss != "Iv1.app" || claims.Iat > now || claims.Exp <= now || claims.Exp-claims.Iat > 600 {
			t.Errorf("%+v at %d", claims, now)
		}
		minted++
		f.token = fmt.Sprintf("installation-token-%d", minted)
		return answer(req, http.StatusCreated, map[string]any{"token": f.token, "expires_at": f.server().Add(time.Hour).Format(time.RFC3339)})
	}
	c, err := App("Iv1.app", 77, path)
	if err != nil {
		t.Fatal(err)
	}
	return c, &minted
}

// The token of an installation is renewed before it expires, and when it is refused.
func TestApp(t *testing.T) {
	f, dir := newFake(t, GitHub), t.TempDir()
	f.repositories(10)
	credential, minted := newApp(t, f)
	c := f.open(dir, func(o *Options) { o.Credential = credential })
	for range 40 {
		if _, err := c.Repository(t.Context(), "acme", "tool-001"); err != nil {
			t.Fatal(err)
		}
		f.now = f.now.Add(3 * time.Minute)
	}
	if *minted != 3 || f.statuses()[401] != 0 {
		t.Errorf("%d tokens in two hours, %v", *minted, f.statuses())
	}
	f.token = "revoked"
	if _, err := c.Repository(t.Context(), "acme", "tool-002"); err != nil || *minted != 4 {
		t.Errorf("%d tokens, %v", *minted, err)
	}
	f.apps = func(req *http.Request) *http.Response { return answer(req, 404, "{}") }
	f.token = "gone"
	if _, err := c.Repository(t.Context(), "acme", "tool-003"); !errors.Is(err, ErrDenied) {
		t.Errorf("%v", err)
	}
	spotless(t, dir, "installation-token", "PRIVATE KEY")
	path := filepath.Join(t.TempDir(), "bad.pem")
	if err := os.WriteFile(path, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := App("1", 2, path); err == nil {
		t.Error("a file that is no key was taken")
	}
}
