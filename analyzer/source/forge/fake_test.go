package forge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// fakeForge behaves as the forges document: pages with links, an hourly limit, ETags that belong to a token, points a minute. It has a clock
// of its own, which runs ahead of ours, and it watches what is sent to it. It is the network of a client.
type fakeForge struct {
	t     *testing.T
	kind  Kind
	host  string
	now   time.Time     // the machine's clock: only sleeping moves it
	skew  time.Duration // the server's clock is ahead by it
	slept time.Duration

	token     string // that is valid; "" lets everybody in
	limit     int    // an hour
	used      int
	reset     time.Time // by the server's clock
	perMinute int
	sent      []time.Time
	requests  []string // METHOD PATH?QUERY STATUS

	people     bool // the owner is a person
	repos      []map[string]any
	users      map[string]map[string]any
	orgs       map[string][]string
	pulls      map[string][]*fakePull      // by repository
	contribute map[string][]map[string]any // contributors by repository
	links      bool                        // plain forges: tell pages by Link instead of totals

	// fault takes a request over, or changes nothing and gives nil. n counts requests from 1.
	fault func(n int, req *http.Request) *http.Response
	apps  func(req *http.Request) *http.Response
}

func newFake(t *testing.T, kind Kind) *fakeForge {
	u, err := url.Parse(public[kind].base)
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeForge{
		t: t, kind: kind, host: u.Host, now: time.Date(2026, 9, 1, 2, 0, 0, 0, time.UTC), skew: 90 * time.Second, token: "tok-" + strings.Repeat("secret", 6),
		limit: 5000, perMinute: 900, users: map[string]map[string]any{}, orgs: map[string][]string{}, pulls: map[string][]*fakePull{},
	}
	if kind != GitHub {
		f.limit, f.perMinute = 1<<30, newLimits(kind).minute
	}
	return f
}

func (f *fakeForge) server() time.Time { return f.now.Add(f.skew) }

// clock never waits: sleeping moves it.
func (f *fakeForge) clock() Clock {
	return Clock{
		Now: func() time.Time { return f.now },
		Sleep: func(ctx context.Context, d time.Duration) error {
			if d < 0 {
				f.t.Errorf("a sleep of %v", d)
			}
			f.now = f.now.Add(d)
			f.slept += d
			return ctx.Err()
		},
	}
}

// open makes a client that is signed in.
func (f *fakeForge) open(dir string, change func(*Options)) *Client {
	f.t.Helper()
	credential, err := Token(f.token)
	if err != nil {
		f.t.Fatal(err)
	}
	o := Options{Credential: credential, Dir: dir, Clock: f.clock(), Transport: f}
	if change != nil {
		change(&o)
	}
	c, err := Open(f.kind, o)
	if err != nil {
		f.t.Fatal(err)
	}
	return c
}

// repositories makes n of them.
func (f *fakeForge) repositories(n int) {
	for i := range n {
		f.add(fmt.Sprintf("tool-%03d", i))
	}
}

func (f *fakeForge) add(name string) map[string]any {
	host := public[f.kind].host
	r := map[string]any{
		"id": 1000 + len(f.repos), "name": name, "path": name, "full_name": "acme/" + name, "owner": map[string]any{"login": "acme"},
		"clone_url": "https://" + host + "/acme/" + name + ".git", "html_url": "https://" + host + "/acme/" + name + ".git",
		"default_branch": "main", "archived": false, "fork": false,
	}
	f.repos = append(f.repos, r)
	return r
}

// answer makes a response.
func answer(req *http.Request, status int, v any, header ...string) *http.Response {
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	for i := 0; i+1 < len(header); i += 2 {
		w.Header().Set(header[i], header[i+1])
	}
	w.WriteHeader(status)
	if text, ok := v.(string); ok {
		_, _ = w.WriteString(text)
	} else if v != nil {
		_ = json.NewEncoder(w).Encode(v)
	}
	res := w.Result()
	res.Request = req
	return res
}

var errKilled = errors.New("killed")

// RoundTrip implements [http.RoundTripper]. It is the network: a client that is killed gets no answer.
func (f *fakeForge) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, context.Cause(req.Context())
	}
	if req.URL.Host != f.host {
		f.t.Errorf("a request went to %s", req.URL.Host)
	}
	if strings.Contains(req.URL.String(), f.token) && f.token != "" {
		f.t.Errorf("the token stands in an address: %s", req.URL)
	}
	if f.kind == GitHub && f.host == "api.github.com" && req.URL.Path != "/graphql" {
		checkUsed(f.t, req)
	}
	f.now = f.now.Add(50 * time.Millisecond) // of travelling
	f.sent = append(f.sent, f.now)
	if strings.HasPrefix(req.URL.Path, "/app/") {
		f.sent = append(f.sent, f.now, f.now, f.now, f.now) // what writes counts for five points
	}
	minute := 0
	for _, at := range f.sent {
		if at.After(f.now.Add(-time.Minute)) {
			minute++
		}
	}
	if minute > f.perMinute {
		f.t.Errorf("%d requests in a minute, %d are documented", minute, f.perMinute)
	}
	res := f.serve(req)
	if res == nil {
		return nil, errKilled
	}
	res.Header.Set("Date", f.server().Format(http.TimeFormat))
	f.requests = append(f.requests, fmt.Sprintf("%s %s %d", req.Method, req.URL.RequestURI(), res.StatusCode))
	return res, nil
}

func (f *fakeForge) serve(req *http.Request) *http.Response {
	if f.fault != nil {
		if res := f.fault(len(f.requests)+1, req); res != nil {
			if res.StatusCode == 0 {
				return nil
			}
			return res
		}
	}
	if f.apps != nil && strings.HasPrefix(req.URL.Path, "/app/") {
		return f.apps(req)
	}
	sign := req.Header.Get("Authorization")
	if sign != "" && sign != "Bearer "+f.token {
		return answer(req, http.StatusUnauthorized, map[string]any{"message": "Bad credentials"})
	}
	limit := f.limit
	if sign == "" {
		limit = 60
	}
	if !f.server().Before(f.reset) {
		f.used, f.reset = 0, f.server().Add(time.Hour).Truncate(time.Second)
	}
	tell := func(res *http.Response) *http.Response {
		if f.kind == GitHub {
			res.Header.Set("X-RateLimit-Limit", strconv.Itoa(limit))
			res.Header.Set("X-RateLimit-Remaining", strconv.Itoa(max(limit-f.used, 0)))
			res.Header.Set("X-RateLimit-Reset", strconv.FormatInt(f.reset.Unix(), 10))
		}
		return res
	}
	if f.used >= limit {
		return tell(answer(req, http.StatusForbidden, map[string]any{"message": "API rate limit exceeded"}))
	}
	res := f.route(req)
	if tag := res.Header.Get("ETag"); tag != "" && req.Header.Get("If-None-Match") == tag {
		if sign == "" { // free only for those who are signed in
			f.used++
		}
		return tell(answer(req, http.StatusNotModified, nil, "ETag", tag, "Link", res.Header.Get("Link")))
	}
	f.used++
	return tell(res)
}

func (f *fakeForge) route(req *http.Request) *http.Response {
	base, _ := url.Parse(public[f.kind].base)
	p := strings.TrimPrefix(req.URL.Path, base.Path)
	parts := strings.Split(p, "/")
	missing := answer(req, http.StatusNotFound, map[string]any{"message": "Not Found"})
	switch {
	case p == "graphql":
		return f.query(req)
	case len(parts) == 3 && parts[2] == "repos" && parts[0] == "orgs" && !f.people, len(parts) == 3 && parts[2] == "repos" && parts[0] == "users" && f.people:
		if parts[1] != "acme" {
			return missing
		}
		return f.page(req, f.repos)
	case len(parts) == 3 && parts[0] == "repos":
		for _, r := range f.repos {
			if r["name"] == parts[2] {
				return f.tagged(req, r)
			}
		}
	case len(parts) == 4 && parts[0] == "repos" && parts[3] == "contributors":
		return f.contributors(req, parts[2])
	case len(parts) == 4 && parts[0] == "repos" && parts[3] == "pulls":
		return f.listPulls(req, parts[2])
	case len(parts) == 2 && parts[0] == "users":
		if u := f.users[parts[1]]; u != nil {
			return f.tagged(req, u)
		}
	case len(parts) == 3 && parts[0] == "users" && parts[2] == "orgs":
		if f.users[parts[1]] == nil {
			return missing
		}
		list := []map[string]any{}
		for _, o := range f.orgs[parts[1]] {
			list = append(list, map[string]any{"login": o})
		}
		return f.page(req, list)
	}
	return missing
}

// tagged gives an answer with the ETag that it has for this token.
func (f *fakeForge) tagged(req *http.Request, v any, header ...string) *http.Response {
	if f.kind != GitHub {
		return answer(req, http.StatusOK, v, header...)
	}
	content, _ := json.Marshal(v)
	sum := 0
	for _, b := range append(content, req.Header.Get("Authorization")...) {
		sum = (sum*31 + int(b)) % 1_000_000_007
	}
	return answer(req, http.StatusOK, v, append(header, "ETag", fmt.Sprintf(`W/"%d"`, sum))...)
}

// page cuts a list into pages.
func (f *fakeForge) page(req *http.Request, list []map[string]any) *http.Response {
	q := req.URL.Query()
	size, _ := strconv.Atoi(q.Get("per_page"))
	if size == 0 || size > 100 {
		size = 30
	}
	number, _ := strconv.Atoi(q.Get("page"))
	number = max(number, 1)
	pages := max((len(list)+size-1)/size, 1)
	lo, hi := min((number-1)*size, len(list)), min(number*size, len(list))
	link := func(n int, rel string) string {
		u := *req.URL
		q.Set("page", strconv.Itoa(n))
		u.RawQuery = q.Encode()
		return fmt.Sprintf(`<%s>; rel="%s"`, u.String(), rel)
	}
	var links []string
	if number < pages {
		links = append(links, link(number+1, "next"), link(pages, "last"))
	}
	if number > 1 {
		links = append(links, link(1, "first"), link(number-1, "prev"))
	}
	var header []string
	if f.kind == GitHub || f.links {
		if len(links) > 0 {
			header = []string{"Link", strings.Join(links, ", ")}
		}
	} else {
		header = []string{"total_count", strconv.Itoa(len(list)), "total_page", strconv.Itoa(pages)}
	}
	items := list[lo:hi]
	if items == nil {
		items = []map[string]any{}
	}
	return f.tagged(req, items, header...)
}

// killAt makes the forge unreachable for ever, from the n-th request on: the client's context ends as it is sent.
func (f *fakeForge) killAt(n int, cancel context.CancelCauseFunc) {
	f.fault = func(at int, _ *http.Request) *http.Response {
		if at >= n {
			cancel(errKilled)
			return &http.Response{}
		}
		return nil
	}
}

// names are those of a listing.
func names(l *Listing) (all []string) {
	for _, r := range l.Repositories {
		all = append(all, r.Name)
	}
	return all
}

// spotless fails if a secret stands in any file of a folder, or a file can be read by others.
func spotless(t *testing.T, dir string, secrets ...string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", p, info.Mode())
		}
		content, err := os.ReadFile(p)
		for _, s := range secrets {
			if bytes.Contains(content, []byte(s)) || strings.Contains(p, s) {
				t.Errorf("%s holds a secret", p)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// statuses counts the requests by status.
func (f *fakeForge) statuses() map[int]int {
	all := map[int]int{}
	for _, r := range f.requests {
		status, _ := strconv.Atoi(r[strings.LastIndexByte(r, ' ')+1:])
		all[status]++
	}
	return all
}

// forget starts counting anew.
func (f *fakeForge) forget() { f.requests, f.used, f.fault = nil, 0, nil }

type fakePull struct {
	Number                           int
	Author, Merger, State, Base      string
	Created, Updated, Merged, Closed time.Time
	MergeCommit                      string
	Reviews                          []fakeReview
}

type fakeReview struct {
	By, State string
	At        time.Time
}

// stories makes n pull requests in a repository, by some people, some of whom are gone, and a machine.
func (f *fakeForge) stories(name string, n int) {
	people := []string{"ada", "Ben", "cleo", "dora", ""}
	day := f.now.Add(-time.Duration(n+10) * 24 * time.Hour).Truncate(time.Second)
	for i := range n {
		p := &fakePull{
			Number: i + 1, Author: people[i%5], Base: "main", State: "OPEN", Created: day.Add(time.Duration(i) * 24 * time.Hour),
		}
		p.Updated = p.Created.Add(time.Hour)
		if i%7 == 6 {
			p.Author = "robot[bot]"
		}
		switch i % 3 {
		case 1:
			p.State, p.Closed = "CLOSED", p.Updated
		case 2:
			p.State, p.Closed, p.Merged, p.Merger = "MERGED", p.Updated, p.Updated, people[(i+1)%5]
			p.MergeCommit = fmt.Sprintf("%040x", 1000+i)
		}
		for k := range i % 4 {
			p.Reviews = append(p.Reviews, fakeReview{people[(i+k+1)%5], []string{"APPROVED", "COMMENTED", "CHANGES_REQUESTED", "DISMISSED"}[(i+k)%4], p.Created.Add(time.Duration(k) * time.Minute)})
		}
		f.pulls[name] = append(f.pulls[name], p)
	}
	for _, login := range people[:3] {
		f.users[login] = map[string]any{"login": login, "name": strings.ToUpper(login), "company": "@" + login + "-works", "type": "User"}
		f.orgs[login] = []string{"zeta", "acme"}
	}
}

func (f *fakeForge) contributors(req *http.Request, name string) *http.Response {
	list := f.contribute[name]
	if list == nil {
		return answer(req, http.StatusNoContent, nil)
	}
	return f.page(req, list)
}

// ordered gives the pull requests in the order that is asked for.
func (f *fakeForge) ordered(name, field, direction string) []*fakePull {
	list := slices.Clone(f.pulls[name])
	slices.SortStableFunc(list, func(a, b *fakePull) int {
		c := a.Created.Compare(b.Created)
		if strings.HasPrefix(strings.ToLower(field), "updated") {
			c = a.Updated.Compare(b.Updated)
		}
		if strings.EqualFold(direction, "desc") {
			c = -c
		}
		return c
	})
	return list
}

func when(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.Format(time.RFC3339)
}

func (f *fakeForge) listPulls(req *http.Request, name string) *http.Response {
	q := req.URL.Query()
	if q.Get("state") != "all" {
		f.t.Errorf("%s asks for some of the states", req.URL)
	}
	list := []map[string]any{}
	for _, p := range f.ordered(name, q.Get("sort"), q.Get("direction")) {
		one := map[string]any{
			"number": p.Number, "state": strings.ToLower(p.State), "created_at": when(p.Created), "updated_at": when(p.Updated), "merged_at": when(p.Merged),
			"closed_at": when(p.Closed), "base": map[string]any{"ref": p.Base}, "merge_commit_sha": p.MergeCommit,
		}
		if p.Author != "" {
			one["user"] = map[string]any{"login": p.Author}
		}
		var reviewers, approvers []map[string]any
		for _, r := range p.Reviews {
			if r.By != "" {
				reviewers = append(reviewers, map[string]any{"login": r.By, "accept": r.State == "APPROVED"})
				approvers = append(approvers, map[string]any{"login": r.By})
			}
		}
		one["assignees"] = reviewers
		if f.kind == GitCode {
			one["approval_reviewers"] = approvers
			if p.Merger != "" {
				one["merged_by"] = map[string]any{"login": p.Merger}
			}
			one["number"] = strconv.Itoa(p.Number)
		}
		if f.kind == GitHub && p.State == "MERGED" {
			one["state"] = "closed"
		}
		list = append(list, one)
	}
	return f.page(req, list)
}

func fakeActor(login string) any {
	switch {
	case login == "":
		return nil
	case strings.HasSuffix(login, "[bot]"):
		return map[string]any{"__typename": "Bot", "login": strings.TrimSuffix(login, "[bot]")}
	}
	return map[string]any{"__typename": "User", "login": login}
}

// query answers the queries of this package, and no other.
func (f *fakeForge) query(req *http.Request) *http.Response {
	var q struct {
		Query     string
		Variables struct {
			Owner, Name, After, Field, Direction string
			First, Number                        int
		}
	}
	if err := json.NewDecoder(req.Body).Decode(&q); err != nil || req.Header.Get("Authorization") == "" {
		return answer(req, http.StatusUnauthorized, map[string]any{"message": "This endpoint requires you to be authenticated."})
	}
	v := q.Variables
	at, _ := strconv.Atoi(strings.TrimPrefix(v.After, "cursor:"))
	info := func(hi, n int) map[string]any {
		return map[string]any{"hasNextPage": hi < n, "endCursor": fmt.Sprintf("cursor:%d", hi)}
	}
	reviews := func(p *fakePull, at int) map[string]any {
		hi := min(at+100, len(p.Reviews))
		nodes := []any{}
		for _, r := range p.Reviews[at:hi] {
			nodes = append(nodes, map[string]any{"author": fakeActor(r.By), "state": r.State, "submittedAt": when(r.At)})
		}
		return map[string]any{"pageInfo": info(hi, len(p.Reviews)), "nodes": nodes}
	}
	repository := map[string]any{}
	switch q.Query {
	case pullsQuery:
		list := f.ordered(v.Name, v.Field, v.Direction)
		hi := min(at+v.First, len(list))
		nodes := []any{}
		for _, p := range list[at:hi] {
			one := map[string]any{
				"number": p.Number, "state": p.State, "createdAt": when(p.Created), "updatedAt": when(p.Updated), "mergedAt": when(p.Merged),
				"closedAt": when(p.Closed), "baseRefName": p.Base, "author": fakeActor(p.Author), "mergedBy": fakeActor(p.Merger), "reviews": reviews(p, 0),
				"mergeCommit": nil,
			}
			if p.MergeCommit != "" {
				one["mergeCommit"] = map[string]any{"oid": p.MergeCommit}
			}
			nodes = append(nodes, one)
		}
		repository["pullRequests"] = map[string]any{"totalCount": len(list), "pageInfo": info(hi, len(list)), "nodes": nodes}
	case reviewsQuery:
		for _, p := range f.pulls[v.Name] {
			if p.Number == v.Number {
				repository["pullRequest"] = map[string]any{"reviews": reviews(p, at)}
			}
		}
	default:
		f.t.Errorf("another query: %s", q.Query)
	}
	return answer(req, http.StatusOK, map[string]any{"data": map[string]any{"repository": repository}})
}

// readBody reads what a request holds, and leaves it there.
func readBody(req *http.Request) string {
	content, _ := io.ReadAll(req.Body)
	req.Body = io.NopCloser(bytes.NewReader(content))
	return string(content)
}
