package forge

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// limits are what a forge allows. Whoever uses them holds the transport's lock.
type limits struct {
	minute int         // requests in any minute
	hour   int         // in any hour, where the forge does not tell; 0 for none
	sent   []time.Time // of the last minute, or hour, ascending
	left   map[string]budget
	until  map[string]time.Time // by resource: when the forge may be asked again
}

// budget is what is left of a limit that the forge tells.
type budget struct {
	remaining, limit int
	reset            time.Time // by the server's clock
}

// The documented limits. GitHub: 900 points a minute, a reading request is one; 5,000 requests an hour, told in headers. Gitee and GitCode: as
// third parties report them.
func newLimits(kind Kind) limits {
	l := limits{left: map[string]budget{}, until: map[string]time.Time{}}
	switch kind {
	case GitHub:
		l.minute = 900
	case Gitee:
		l.minute = 60
	case GitCode:
		l.minute, l.hour = 50, 4000
	}
	return l
}

// resource names the budget that a request is of: GitHub has one for queries and one for the rest.
func resource(path string) string {
	if strings.HasSuffix(path, "/graphql") {
		return "graphql"
	}
	return "core"
}

// wait waits until a request of some points may be sent, and notes that it is.
func (l *limits) wait(ctx context.Context, t *transport, path string, points int) error {
	for {
		d, why, err := l.claim(t, path, points)
		if err != nil || d <= 0 {
			return err
		}
		if err := t.pause(ctx, d, why); err != nil {
			return err
		}
	}
}

// claim notes a request, or says how long and why it has to wait. What other runs with the same credential send is counted as well, whether they are
// over or not.
func (l *limits) claim(t *transport, path string, points int) (d time.Duration, why string, err error) {
	unlock, err := t.cache.lockSent()
	if err != nil {
		return 0, "", err
	}
	defer unlock()
	now := t.opts.Clock.now()
	l.sent = t.cache.loadSent(l.sent, now)
	var until map[string]time.Time
	if t.cache.loadNote(blockedKey, &until) {
		for r, at := range until {
			if at.After(l.until[r]) && !at.After(now.Add(24*time.Hour)) { // else it is of another clock
				l.until[r] = at
			}
		}
	}
	keep := time.Minute
	if l.hour > 0 {
		keep = time.Hour
	}
	for len(l.sent) > 0 && !l.sent[0].After(now.Add(-keep)) {
		l.sent = l.sent[1:]
	}
	if d = l.until[resource(path)].Sub(now); d > 0 {
		return d, "a limit was reached before", nil
	}
	if d = l.full(time.Minute, l.minute-points+1, now); d > 0 {
		return d, fmt.Sprintf("%d requests a minute are allowed", l.minute), nil
	}
	if l.hour > 0 {
		if d = l.full(time.Hour, l.hour-points+1, now); d > 0 {
			return d, fmt.Sprintf("%d requests an hour are allowed", l.hour), nil
		}
	}
	if b, ok := l.left[resource(path)]; ok && b.remaining <= 0 {
		// A second more: both clocks tell whole seconds.
		if d = b.reset.Sub(t.serverNow()) + time.Second; d > 0 {
			return d, fmt.Sprintf("the limit of %d is used up", b.limit), t.block(now.Add(d), resource(path))
		}
		delete(l.left, resource(path))
	}
	for range points {
		l.sent = append(l.sent, now)
	}
	return 0, "", t.cache.saveSent(l.sent)
}

// full gives how long it takes until fewer than most requests lie in the span that ends now.
func (l *limits) full(span time.Duration, most int, now time.Time) time.Duration {
	n := len(l.sent)
	if n < most || !l.sent[n-most].After(now.Add(-span)) {
		return 0
	}
	return l.sent[n-most].Add(span).Sub(now)
}

// note keeps what the forge tells of its limits.
func (l *limits) note(h http.Header, path string) {
	remaining, err := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	if err != nil {
		return
	}
	reset, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64)
	if err != nil {
		return
	}
	limit, err := strconv.Atoi(h.Get("X-RateLimit-Limit"))
	if err != nil {
		limit = 0
	}
	l.left[resource(path)] = budget{remaining, limit, time.Unix(reset, 0)}
}

// pause tells how long a refusal (403, 429, or a query's) has to be waited for; limit is "" if it is no limit's. waited counts the waits before.
// See "Rate limits for the REST API" in GitHub's documentation.
func (l *limits) pause(res *http.Response, content []byte, waited int, now time.Time) (d time.Duration, limit string) {
	if after := res.Header.Get("Retry-After"); after != "" {
		if seconds, err := strconv.ParseInt(after, 10, 32); err == nil && seconds >= 0 {
			return time.Duration(seconds) * time.Second, "a secondary limit is reached"
		}
		if at, err := http.ParseTime(after); err == nil {
			return max(at.Sub(now), 0) + time.Second, "a secondary limit is reached"
		}
	}
	if b, ok := l.left[resource(res.Request.URL.Path)]; ok && b.remaining <= 0 {
		return max(b.reset.Sub(now), 0) + time.Second, fmt.Sprintf("the limit of %d is used up", b.limit)
	}
	text := strings.ToLower(string(content))
	if res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusOK ||
		strings.Contains(text, "secondary rate") || strings.Contains(text, "abuse detection") || strings.Contains(text, "secondary-rate-limits") {
		// Without a time: at least a minute, and longer each time.
		return time.Minute << min(waited, 6), "a secondary limit is reached"
	}
	return 0, ""
}

// block notes that the forge may not be asked before a moment: also not by the next run, which would be one that does not listen.
func (t *transport) block(until time.Time, resources ...string) error {
	// Whatever a forge says, the next day it is asked.
	if most := t.opts.Clock.now().Add(24 * time.Hour); until.After(most) {
		until = most
	}
	for _, r := range resources {
		t.limits.until[r] = until
	}
	return t.cache.saveNote(blockedKey, t.limits.until)
}

const blockedKey = "limits that were reached"

// estimate tells how long a number of requests takes at the rate of the limits, and with the wait for what of the hour is used up.
func (l *limits) estimate(t *transport, requests int) time.Duration {
	now := t.opts.Clock.now()
	pace := max(time.Minute/time.Duration(l.minute), time.Second/2)
	hour, left, refill := l.hour, l.hour-len(l.sent), time.Hour
	if t.kind == GitHub {
		hour, left = 5000, 5000
		if t.credential.IsZero() {
			hour, left = 60, 60
		}
		if b, ok := l.left["core"]; ok && b.limit > 0 && b.reset.After(t.serverNow()) {
			hour, left, refill = b.limit, b.remaining, b.reset.Sub(t.serverNow())
		}
	} else if len(l.sent) > 0 {
		refill = l.sent[0].Add(time.Hour).Sub(now)
	}
	if hour > 0 {
		pace = max(pace, time.Hour/time.Duration(hour))
	}
	d := time.Duration(requests) * pace
	if hour > 0 && requests > left {
		d = max(d, refill+time.Duration(requests-left)*pace)
	}
	return d
}
