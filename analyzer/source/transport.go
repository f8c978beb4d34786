package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	gitssh "github.com/go-git/go-git/v5/plumbing/transport/ssh"
	"golang.org/x/net/http/httpproxy"

	"orrery/analyzer/source/forge"
)

// The bounds on what a server says before it sends a pack.
const (
	advertisementBytes = 128 << 20
	errorBytes         = 64 << 10
)

var (
	errIdle  = errors.New("the server was silent for too long")
	errTotal = errors.New("it took too long in all")
)

// allowed says whether the person's options let an address be spoken to at all.
func (r *resolver) allowed(a address) error {
	switch {
	case a.scheme == "http" && !r.opts.AllowHTTP:
		return fmt.Errorf("%w: %s: http is not encrypted; https is wanted, or http has to be allowed", ErrRefused, a)
	case a.scheme == "ssh" && !r.opts.AllowSSH:
		return fmt.Errorf("%w: %s: ssh acts with the keys of the person; it has to be allowed", ErrRefused, a)
	case !a.given && privateName(a.hostname()):
		return fmt.Errorf("%w: %s: a list names a private host", ErrRefused, a)
	}
	return nil
}

// session opens a conversation with the server of a, which signs notes of.
func (r *resolver) session(ctx context.Context, a address, signs *signing) (transport.UploadPackSession, error) {
	ep, err := transport.NewEndpoint(a.String())
	if err != nil {
		return nil, err
	}
	if a.scheme == "ssh" {
		if !a.given {
			// The library dials by itself, so this look-up is all that can be checked before.
			ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", a.hostname())
			if err != nil {
				return nil, err
			}
			for _, ip := range ips {
				if private(ip) {
					return nil, privateError(a.hostname(), ip)
				}
			}
		}
		return gitssh.DefaultClient.NewUploadPackSession(ep, nil)
	}
	return r.http(a, signs).NewUploadPackSession(ep, nil)
}

func privateError(host string, ip netip.Addr) error {
	return fmt.Errorf("%w: %s is at the private address %s, and the person did not name that host", ErrRefused, host, ip)
}

// http gives the client for one repository. Not go-git's table of protocols: that is one for the whole process.
func (r *resolver) http(a address, signs *signing) transport.Transport {
	dialer := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
	careful := *dialer
	careful.Control = func(_, target string, _ syscall.RawConn) error {
		// Checked here, after the look-up, so that a name cannot change its address between check and use.
		at, err := netip.ParseAddrPort(target)
		if err != nil {
			return err
		}
		if private(at.Addr()) {
			return privateError(a.hostname(), at.Addr())
		}
		return nil
	}
	// A proxy is the person's own choice and may be private; it does the look-up then.
	proxy := httpproxy.FromEnvironment().ProxyFunc()
	proxyHost := ""
	if u, err := url.Parse(a.String()); err == nil {
		if p, err := proxy(u); err == nil && p != nil {
			proxyHost = p.Hostname()
		}
	}
	t := &http.Transport{
		Proxy: func(req *http.Request) (*url.URL, error) { return proxy(req.URL) },
		DialContext: func(ctx context.Context, network, target string) (net.Conn, error) {
			host, _, err := net.SplitHostPort(target)
			if err != nil {
				return nil, err
			}
			if a.given || strings.EqualFold(host, proxyHost) {
				return dialer.DialContext(ctx, network, target)
			}
			return careful.DialContext(ctx, network, target)
		},
		TLSHandshakeTimeout:    30 * time.Second,
		MaxResponseHeaderBytes: 1 << 20,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           2,
		IdleConnTimeout:        10 * time.Second,
	}
	*signs = signing{r: r, a: a, base: &watched{base: t, idle: r.opts.Limits.Idle}}
	client := &http.Client{
		Transport: signs,
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			from, to := via[0].URL, req.URL
			upgrade := from.Scheme == "http" && to.Scheme == "https" && to.Port() == ""
			if !strings.EqualFold(from.Hostname(), to.Hostname()) || !upgrade && (from.Port() != to.Port() || from.Scheme != to.Scheme) {
				target := strings.TrimSuffix(to.Scheme+"://"+to.Host+to.Path, "/info/refs")
				return fmt.Errorf("%w: it redirects to another host, %s; name that address if you trust it", ErrRefused, target)
			}
			return nil
		},
	}
	return githttp.NewClientWithOptions(client, &githttp.ClientOptions{RedirectPolicy: githttp.FollowInitialRedirects})
}

// signing signs requests of git's with the token of the forge that a repository lies at, once the server wants to know who asks: a public
// repository is fetched without, so that no wrong token comes in its way. Above it stands all that follows redirects, so that each request is
// looked at anew, and what goes elsewhere goes unsigned.
type signing struct {
	r    *resolver
	a    address
	base http.RoundTripper
	used bool // something was signed
}

func (s *signing) RoundTrip(req *http.Request) (*http.Response, error) {
	out, renewed := req, false
	if s.used {
		signed, err := s.sign(req, false)
		if err != nil {
			return nil, err
		}
		if signed != nil {
			out = signed
		}
	}
	for {
		res, err := s.base.RoundTrip(out)
		// GitHub answers 401 whether there is such a repository or not, others 403 or 404.
		refused := err == nil && (res.StatusCode == http.StatusUnauthorized ||
			!s.used && (res.StatusCode == http.StatusForbidden || res.StatusCode == http.StatusNotFound))
		if !refused || renewed || req.Body != nil && req.GetBody == nil {
			return res, err
		}
		again, err := s.sign(req, s.used)
		if again == nil && err == nil {
			return res, nil
		}
		_ = res.Body.Close()
		if err == nil && req.GetBody != nil {
			again.Body, err = req.GetBody()
		}
		if err != nil {
			return nil, err
		}
		out, renewed, s.used = again, s.used, true
	}
}

// sign gives a signed copy of a request; nil if nothing is known to sign it with.
func (s *signing) sign(req *http.Request, anew bool) (*http.Request, error) {
	c, err := s.r.signer(s.a)
	if c == nil || err != nil {
		return nil, err
	}
	out := req.Clone(req.Context())
	ok, err := c.SignGit(out, anew)
	if err != nil {
		return nil, fmt.Errorf("signing in at %s: %w", s.a.host, err)
	}
	if !ok {
		return nil, nil
	}
	return out, nil
}

// signer gives the client of the forge that a repository lies at, if it has a token; else nil.
func (r *resolver) signer(a address) (*forge.Client, error) {
	for _, kind := range forge.Kinds() {
		if r.opts.Forges[kind].Credential.IsZero() {
			continue
		}
		c, err := r.client(kind)
		if err != nil {
			return nil, err
		}
		if c.Host() == a.host && c.Scheme() == a.scheme {
			return c, nil
		}
	}
	return nil, nil
}

// watched ends requests whose server keeps silent, and bounds and checks answers before git's reader sees them.
type watched struct {
	base http.RoundTripper
	idle time.Duration
}

func (w *watched) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	timer := time.AfterFunc(w.idle, func() { cancel(errIdle) })
	res, err := w.base.RoundTrip(req.WithContext(ctx))
	timer.Stop()
	if err != nil {
		if errors.Is(context.Cause(ctx), errIdle) {
			err = errIdle
		}
		cancel(nil)
		return nil, err
	}
	body := &watchedBody{ReadCloser: res.Body, ctx: ctx, cancel: cancel, timer: timer, idle: w.idle, left: -1}
	res.Body = body
	advertised := req.Method == http.MethodGet
	switch {
	case res.StatusCode >= 300:
		body.left = errorBytes
	case advertised:
		body.left = advertisementBytes
	}
	if kind := res.Header.Get("Content-Type"); res.StatusCode < 300 {
		want := "application/x-git-upload-pack-result"
		if advertised {
			want = "application/x-git-upload-pack-advertisement"
		}
		if kind, _, _ := strings.Cut(kind, ";"); !strings.EqualFold(strings.TrimSpace(kind), want) {
			_ = body.Close()
			return nil, fmt.Errorf("the answer is no git: its content type is %q, %s is wanted", kind, want)
		}
	}
	return res, nil
}

type watchedBody struct {
	io.ReadCloser
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
	idle   time.Duration
	left   int64 // bytes that may still come; -1: counted elsewhere
}

// Read runs the clock only while it waits for the server: what is done with the bytes may take its time.
func (b *watchedBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, errors.New("the answer is too large")
	}
	if b.left > 0 && int64(len(p)) > b.left {
		p = p[:b.left]
	}
	b.timer.Reset(b.idle)
	n, err := b.ReadCloser.Read(p)
	b.timer.Stop()
	if b.left > 0 {
		b.left -= int64(n)
	}
	if err != nil && errors.Is(context.Cause(b.ctx), errIdle) {
		err = errIdle
	}
	return n, err
}

func (b *watchedBody) Close() error {
	b.timer.Stop()
	b.cancel(nil)
	return b.ReadCloser.Close()
}

// explain turns an error of the network or of git's protocol into one of ours, with nothing secret and nothing endless in it. signed says that a
// token was shown.
func explain(ctx context.Context, a address, doing string, signed bool, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, errTotal) {
		return cause
	}
	what := ""
	switch {
	case errors.Is(err, ErrRefused):
		text := err.Error()
		if i := strings.Index(text, ErrRefused.Error()+": "); i >= 0 {
			text = text[i+len(ErrRefused.Error())+2:]
		}
		return fmt.Errorf("%w: %s %s: %s", ErrRefused, doing, a, redact(text))
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		return fmt.Errorf("%w: %s has no branch and no tag", ErrEmpty, a)
	case errors.Is(context.Cause(ctx), errTotal):
		what = errTotal.Error()
	case errors.Is(err, errIdle):
		what = errIdle.Error()
	case signed && errors.Is(err, transport.ErrAuthenticationRequired):
		what = "access is denied: the token for " + a.host + " is wrong, has expired, or may not read it"
	case signed && (errors.Is(err, transport.ErrRepositoryNotFound) || errors.Is(err, transport.ErrAuthorizationFailed)):
		what = "there is no such repository, or the token for " + a.host + " may not read it"
	case errors.Is(err, transport.ErrRepositoryNotFound):
		what = "there is no such repository, or it is not public"
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed):
		what = "access is denied: it is not public, or does not exist"
	default:
		// Errors of net/http repeat the method and the address in front.
		what = err.Error()
		if i := strings.LastIndex(what, "\": "); i >= 0 && strings.Contains(what[:i], "://") {
			what = what[i+3:]
		}
	}
	return fmt.Errorf("%w: %s %s: %s", ErrUnreachable, doing, a, redact(what))
}
