package forge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// transport stands between a client of an interface and the network: it signs in, keeps answers, keeps limits, tries again, and gives only
// answers that are whole. What it cannot make good is an error of this package. Limits are hidden from whoever is above: they are kept here.
type transport struct {
	kind       Kind
	base       *url.URL
	credential Credential
	opts       Options
	network    http.RoundTripper

	mu     sync.Mutex // one request at a time, as GitHub asks for
	cache  *cache
	limits limits
	skew   time.Duration // the server's clock minus ours
	counts Counts
}

const (
	answerBytes = 32 << 20
	// A byte or two of JSON can become a struct of hundreds: of the largest real answers the values are a tenth of this.
	answerValues = 300_000
	failures     = 5 // of the server or the network in a row
	waits        = 8 // for one answer: limits, and answers that are being prepared
)

func newTransport(c *Client) (*transport, error) {
	t := &transport{kind: c.kind, base: c.base, credential: c.opts.Credential, opts: c.opts, network: c.opts.Transport}
	if t.network == nil {
		t.network = &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			TLSHandshakeTimeout:    30 * time.Second,
			MaxResponseHeaderBytes: 1 << 20,
			ForceAttemptHTTP2:      true,
			MaxIdleConns:           2,
			IdleConnTimeout:        90 * time.Second,
		}
	}
	var err error
	if t.cache, err = openCache(t.opts.Dir, t.base.Host, t.credential.fingerprint()); err != nil {
		return nil, err
	}
	if err := t.cache.tidy(t.opts.Clock.now()); err != nil {
		return nil, fmt.Errorf("looking at the answers of %s: %w", t.base.Host, err)
	}
	t.limits = newLimits(t.kind)
	return t, nil
}

// own says whether an address is the interface's.
func (t *transport) own(u *url.URL) bool {
	return u.Scheme == t.base.Scheme && strings.EqualFold(u.Host, t.base.Host) && u.User == nil
}

func (t *transport) serverNow() time.Time { return t.opts.Clock.now().Add(t.skew) }

// sinceKey is the key of the moment from which on answers are taken as they are.
type sinceKey struct{}

// takeSince lets answers that were given since a moment be taken without asking: those of the same, unfinished work.
func takeSince(ctx context.Context, moment time.Time) context.Context {
	return context.WithValue(ctx, sinceKey{}, moment)
}

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		body, err = io.ReadAll(io.LimitReader(req.Body, answerBytes))
		if err = errors.Join(err, req.Body.Close()); err != nil {
			return nil, err
		}
	}
	if !t.own(req.URL) {
		return nil, fmt.Errorf("%w: %s is not the interface that is asked", ErrRefused, req.URL.Host)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	name := t.cache.name(req, body)
	known := t.cache.load(name)
	since, replay := req.Context().Value(sinceKey{}).(time.Time)
	if known != nil && (t.opts.Offline || replay && !known.asked.Before(since)) {
		t.counts.Replayed++
		return known.result(req)
	}
	if t.opts.Offline {
		return nil, ErrOffline
	}
	return t.ask(req, body, name, known)
}

// result gives a kept answer, or the error that it stands for.
func (e *entry) result(req *http.Request) (*http.Response, error) {
	if err := refusal(e.Status, nil); err != nil {
		return nil, err
	}
	return e.response(req), nil
}

// refusal gives the errors that are answers and will be the same tomorrow.
func refusal(status int, body []byte) error {
	switch status {
	case http.StatusNotFound, http.StatusGone:
		return fmt.Errorf("%w (%d)%s", ErrGone, status, said(body))
	case http.StatusUnavailableForLegalReasons:
		return fmt.Errorf("%w (%d)%s", ErrBlocked, status, said(body))
	}
	return nil
}

// said gives what the forge says of an error, as far as it is fit to be repeated.
func said(body []byte) string {
	var m struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &m) != nil || m.Message == "" {
		return ""
	}
	return sentence(m.Message)
}

// sentence makes what a forge says fit to be repeated behind a colon.
func sentence(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text)
	if len(text) > 120 {
		text = text[:120] + "..."
	}
	return ": " + text
}

// ask sends a request until it has a whole answer, or there is no sense in trying.
func (t *transport) ask(req *http.Request, body []byte, name string, known *entry) (*http.Response, error) {
	ctx := req.Context()
	failed, waited, renewed := 0, 0, false
	for {
		if err := t.limits.wait(ctx, t, req.URL.Path, 1); err != nil {
			return nil, err
		}
		res, content, err := t.send(ctx, req, body, known)
		if err != nil {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			if errors.Is(err, ErrDenied) || errors.Is(err, ErrRefused) || errors.Is(err, ErrLimited) {
				return nil, err // of signing in
			}
			if failed++; failed >= failures {
				return nil, err
			}
			if err := t.opts.Clock.sleep(ctx, time.Second<<(failed-1)); err != nil {
				return nil, err
			}
			continue
		}
		now := t.opts.Clock.now()
		switch status := res.StatusCode; {
		case status == http.StatusNotModified:
			t.counts.NotModified++
			if known == nil {
				return nil, fmt.Errorf("%w: 304 to a question without a condition", ErrAnswer)
			}
			if link := res.Header.Get("Link"); link != "" && link != known.Link {
				known.Link = link
				return known.response(req), t.cache.save(name, known, now)
			}
			return known.response(req), t.cache.touch(name, now)
		case status == http.StatusAccepted:
			if waited++; waited > waits {
				return nil, fmt.Errorf("%w: it is still being prepared (202)", ErrAnswer)
			}
			if err := t.pause(ctx, time.Second<<min(waited, 5), "the forge prepares an answer"); err != nil {
				return nil, err
			}
		case status == http.StatusUnauthorized:
			if a := t.credential.app(); a != nil && !renewed {
				a.token, renewed = "", true
				continue
			}
			return nil, fmt.Errorf("%w: the token is wrong or has expired (401)%s", ErrDenied, said(content))
		case status == http.StatusForbidden || status == http.StatusTooManyRequests || status == http.StatusOK && t.limitedQuery(req, content):
			for _, large := range []string{"too large to list", "list is too large"} {
				if strings.Contains(strings.ToLower(string(content)), large) {
					return nil, fmt.Errorf("%w (%d)%s", ErrTooLarge, status, said(content))
				}
			}
			d, limit := t.limits.pause(res, content, waited, t.serverNow())
			if limit == "" {
				return nil, fmt.Errorf("%w (%d)%s", ErrDenied, status, said(content))
			}
			// Secondary limits are of all that is asked.
			resources := []string{"core", "graphql"}
			if b, ok := t.limits.left[resource(req.URL.Path)]; ok && b.remaining <= 0 {
				resources = []string{resource(req.URL.Path)}
			}
			if err := t.block(now.Add(d), resources...); err != nil {
				return nil, err
			}
			if waited++; waited > waits {
				return nil, fmt.Errorf("%w: %s, again and again", ErrLimited, limit)
			}
			if err := t.pause(ctx, d, limit); err != nil {
				return nil, err
			}
		case status >= 300 && status < 400:
			t.hide(res)
			res.Body = io.NopCloser(bytes.NewReader(content))
			return res, nil
		case status == http.StatusOK || status == http.StatusNoContent || refusal(status, nil) != nil:
			e := &entry{
				Request: req.Method + " " + req.URL.String(), Status: status, ETag: res.Header.Get("ETag"), Modified: res.Header.Get("Last-Modified"),
				Link: res.Header.Get("Link"), Total: res.Header.Get("Total_count"), Pages: res.Header.Get("Total_page"), body: content,
			}
			if !failedQuery(req, content) { // what went wrong is asked again
				if err := t.cache.save(name, e, now); err != nil {
					return nil, err
				}
			}
			if err := refusal(status, content); err != nil {
				return nil, err
			}
			return e.response(req), nil
		default:
			return nil, fmt.Errorf("%w: status %d%s", ErrAnswer, status, said(content))
		}
	}
}

// send asks once. An error is one that another try may not have.
func (t *transport) send(ctx context.Context, req *http.Request, body []byte, known *entry) (*http.Response, []byte, error) {
	token, err := t.bearer(ctx)
	if err != nil {
		return nil, nil, err
	}
	idle, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(t.opts.Idle, func() { cancel(errors.New("the server was silent for too long")) })
	defer silence.Stop()
	out := req.Clone(idle)
	out.Header.Del("Authorization")
	if token != "" {
		out.Header.Set("Authorization", "Bearer "+token)
	}
	out.Header.Set("User-Agent", "orrery")
	if known != nil && known.Status == http.StatusOK && req.Method == http.MethodGet {
		if known.ETag != "" {
			out.Header.Set("If-None-Match", known.ETag)
		} else if known.Modified != "" {
			out.Header.Set("If-Modified-Since", known.Modified)
		}
	}
	if body != nil {
		out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	t.counts.Asked++
	res, err := t.network.RoundTrip(out)
	if err != nil {
		if cause := context.Cause(idle); cause != nil {
			err = cause
		}
		return nil, nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	defer res.Body.Close()
	if date, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		t.skew = date.Sub(t.opts.Clock.now()).Truncate(time.Second)
	}
	t.limits.note(res.Header, req.URL.Path)
	if res.StatusCode != http.StatusNotModified {
		t.counts.Counted++
	}
	content, err := io.ReadAll(io.LimitReader(res.Body, answerBytes+1))
	if token != "" { // one that is repeated is neither kept nor printed
		content = bytes.ReplaceAll(content, []byte(token), []byte("REDACTED"))
		for name, values := range res.Header {
			if strings.Contains(strings.Join(values, "\n"), token) {
				res.Header.Del(name)
			}
		}
	}
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("%w: the answer was cut short: %w", ErrAnswer, err)
	case len(content) > answerBytes:
		return nil, nil, fmt.Errorf("%w: it is larger than %d bytes", ErrAnswer, answerBytes)
	case res.StatusCode >= 500:
		return nil, nil, fmt.Errorf("%w: the server failed (%d)%s", ErrAnswer, res.StatusCode, said(content))
	case res.StatusCode == http.StatusOK:
		if kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err != nil || kind != "application/json" && !strings.HasSuffix(kind, "+json") {
			return nil, nil, fmt.Errorf("%w: it is no JSON but %q", ErrAnswer, path.Base(kind))
		}
		if !json.Valid(content) {
			return nil, nil, fmt.Errorf("%w: it is no whole JSON", ErrAnswer)
		}
		if values(content) > answerValues {
			return nil, nil, fmt.Errorf("%w: it holds more than %d values", ErrAnswer, answerValues)
		}
	}
	return res, content, nil
}

// values counts the members and elements of valid JSON, but for the first of each.
func values(content []byte) (n int) {
	for i := 0; i < len(content); i++ {
		switch content[i] {
		case '"':
			for i++; content[i] != '"'; i++ {
				if content[i] == '\\' {
					i++
				}
			}
		case ',':
			n++
		}
	}
	return n
}

// pause waits, if that is not too long.
func (t *transport) pause(ctx context.Context, d time.Duration, why string) error {
	if d > t.opts.MaxWait {
		return fmt.Errorf("%w: %s until %s, which is longer than may be waited (%v); what was answered is kept for the next run",
			ErrLimited, why, t.serverNow().Add(d).UTC().Format("15:04:05 MST"), t.opts.MaxWait)
	}
	if d >= 10*time.Second {
		t.opts.Talk(fmt.Sprintf("%s: %s; waiting %v", t.base.Host, why, d.Round(time.Second)))
	}
	return t.opts.Clock.sleep(ctx, d)
}

// limitedQuery says whether an answer to a GraphQL query is a limit's: these come as 200.
func (t *transport) limitedQuery(req *http.Request, content []byte) bool {
	return slices.ContainsFunc(queryErrors(req, content), queryError.limited)
}

func failedQuery(req *http.Request, content []byte) bool { return len(queryErrors(req, content)) > 0 }

func queryErrors(req *http.Request, content []byte) []queryError {
	if req.Method != http.MethodPost || !bytes.Contains(content, []byte(`"errors"`)) {
		return nil
	}
	var answer struct{ Errors []queryError }
	if json.Unmarshal(content, &answer) != nil {
		return []queryError{{}}
	}
	return answer.Errors
}

type queryError struct {
	Type    string
	Message string
}

func (e queryError) limited() bool {
	return e.Type == "RATE_LIMITED" || e.Type == "RATE_LIMIT" || strings.Contains(strings.ToLower(e.Message), "secondary rate limit")
}

// hide takes away what libraries act upon by themselves.
func (t *transport) hide(res *http.Response) {
	for name := range res.Header {
		if strings.HasPrefix(name, "X-Ratelimit-") || name == "Retry-After" {
			res.Header.Del(name)
		}
	}
}

func (c Credential) app() *app {
	if c.s == nil {
		return nil
	}
	return c.s.app
}

// nextPage gives the page that follows, from the header Link: 0 if there is none. The address itself is not followed: only its number is
// taken, so that it cannot lead elsewhere.
func (t *transport) nextPage(header string, number int) (int, error) {
	for _, link := range strings.Split(header, ",") {
		address, parameters, _ := strings.Cut(strings.TrimSpace(link), ";")
		if !strings.Contains(parameters, `rel="next"`) {
			continue
		}
		u, err := url.Parse(strings.Trim(address, "<> "))
		if err != nil || !t.own(u) {
			return 0, fmt.Errorf("%w: the next page is on another host", ErrRefused)
		}
		next, err := strconv.Atoi(u.Query().Get("page"))
		if err != nil || next != number+1 {
			return 0, fmt.Errorf("%w: page %d is followed by page %q", ErrAnswer, number, u.Query().Get("page"))
		}
		return next, nil
	}
	return 0, nil
}

// lastPage gives the number of pages, from the header Link; 1 if there is but one.
func lastPage(header string) int {
	for _, link := range strings.Split(header, ",") {
		address, parameters, _ := strings.Cut(strings.TrimSpace(link), ";")
		if strings.Contains(parameters, `rel="last"`) {
			if u, err := url.Parse(strings.Trim(address, "<> ")); err == nil {
				if n, err := strconv.Atoi(u.Query().Get("page")); err == nil && n > 0 {
					return n
				}
			}
		}
	}
	return 1
}
