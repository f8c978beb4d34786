package forge

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Credential signs requests in. It prints as nothing that is secret, whatever it is printed with. The zero value signs in nobody.
type Credential struct{ s *secret }

type secret struct {
	token string // a person's
	app   *app   // or an installation of a GitHub App
}

type app struct {
	id           string
	installation int64
	key          *rsa.PrivateKey
	token        string
	expires      time.Time // by the server's clock
}

// Token makes a credential of a token.
func Token(token string) (Credential, error) {
	token = strings.TrimSpace(token)
	if token == "" {
		return Credential{}, nil
	}
	if len(token) > 4096 || strings.IndexFunc(token, func(r rune) bool { return r > unicode.MaxASCII || unicode.IsSpace(r) || unicode.IsControl(r) }) >= 0 {
		return Credential{}, errors.New("the token holds what no token does: a space, a line break, or more than 4096 characters")
	}
	return Credential{&secret{token: token}}, nil
}

// TokenFile reads a token from a file that nobody else may read.
func TokenFile(path string) (Credential, error) {
	content, err := readPrivate(path)
	if err != nil {
		return Credential{}, fmt.Errorf("reading the token: %w", err)
	}
	c, err := Token(string(content))
	if err == nil && c.s == nil {
		err = errors.New("it is empty")
	}
	if err != nil {
		return Credential{}, fmt.Errorf("reading the token in %s: %w", path, err)
	}
	return c, nil
}

// App makes the credential of an installation of a GitHub App. id is the App's id or client id, keyFile holds its private key (PEM).
func App(id string, installation int64, keyFile string) (Credential, error) {
	content, err := readPrivate(keyFile)
	if err != nil {
		return Credential{}, fmt.Errorf("reading the key of the GitHub App: %w", err)
	}
	block, _ := pem.Decode(content)
	if block == nil {
		return Credential{}, fmt.Errorf("the key of the GitHub App in %s is not PEM", keyFile)
	}
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		other, err8 := x509.ParsePKCS8PrivateKey(block.Bytes)
		rsaKey, ok := other.(*rsa.PrivateKey)
		if err8 != nil || !ok {
			return Credential{}, fmt.Errorf("the key of the GitHub App in %s is no RSA key", keyFile)
		}
		key = rsaKey
	}
	if id == "" || installation <= 0 {
		return Credential{}, errors.New("a GitHub App needs its id and the number of an installation")
	}
	return Credential{&secret{app: &app{id: id, installation: installation, key: key}}}, nil
}

// readPrivate reads a small file, unless others may read it.
func readPrivate(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no regular file", path)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("%s can be read by others (mode %04o): chmod 600 it", path, info.Mode().Perm())
	}
	content, err := io.ReadAll(io.LimitReader(f, 64<<10+1))
	if err == nil && len(content) > 64<<10 {
		err = fmt.Errorf("%s is larger than any token", path)
	}
	return content, err
}

// IsZero says whether nobody is signed in.
func (c Credential) IsZero() bool { return c.s == nil }

// String hides the secret. So do the other ways to print.
func (c Credential) String() string {
	switch {
	case c.s == nil:
		return "no credential"
	case c.s.app != nil:
		return "a GitHub App's credential"
	}
	return "a token"
}

// GoString implements [fmt.GoStringer].
func (c Credential) GoString() string { return c.String() }

// Format implements [fmt.Formatter], which every verb asks first.
func (c Credential) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// MarshalText implements [encoding.TextMarshaler].
func (c Credential) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// fingerprint names a credential without telling it: 80 bits of a hash. Tokens are long and random, so that no hash leads back to them. An
// installation's tokens last an hour and are all one.
func (c Credential) fingerprint() string {
	if c.s == nil {
		return "anonymous"
	}
	text := "token\x00" + c.s.token
	if c.s.app != nil {
		text = fmt.Sprintf("app\x00%s\x00%d", c.s.app.id, c.s.app.installation)
	}
	sum := sha256.Sum256([]byte("orrery forge credential\x00" + text))
	return hex.EncodeToString(sum[:10])
}

// jwt signs an App in for nine minutes. It is made a minute old, since clocks differ.
func (a *app) jwt(now time.Time) (string, error) {
	claims, err := json.Marshal(map[string]any{"iat": now.Unix() - 60, "exp": now.Unix() + 9*60, "iss": a.id})
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + encode(claims)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, a.key, crypto.SHA256, sum[:])
	if err != nil {
		return "", err
	}
	return text + "." + encode(signature), nil
}

// bearer gives what the header holds; an installation's token is fetched when there is none that will last.
func (t *transport) bearer(ctx context.Context) (string, error) {
	s := t.credential.s
	switch {
	case s == nil:
		return "", nil
	case s.app == nil:
		return s.token, nil
	}
	a := s.app
	if a.token != "" && t.serverNow().Add(5*time.Minute).Before(a.expires) {
		return a.token, nil
	}
	token, expires, err := t.installationToken(ctx, a)
	if err != nil {
		return "", fmt.Errorf("signing in as the installation %d of a GitHub App: %w", a.installation, err)
	}
	if _, err := Token(token); err != nil || token == "" {
		return "", fmt.Errorf("%w: the forge gave no token to the installation %s of a GitHub App", ErrAnswer, strconv.FormatInt(a.installation, 10))
	}
	a.token, a.expires = token, expires
	return token, nil
}
