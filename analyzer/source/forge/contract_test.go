package forge

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orrery/analyzer/facts"
)

// What GitHub publishes of its interface: the operations that are used here, cut out of the whole description, and a few recorded answers.
// They are cut out anew by
//
//	npm install @octokit/openapi @octokit/fixtures
//	go test ./analyzer/source/forge -run Cut -openapi node_modules/@octokit/openapi -fixtures node_modules/@octokit/fixtures
var (
	openapiDir  = flag.String("openapi", "", "folder of the npm package @octokit/openapi, to cut testdata/openapi.json out of")
	fixturesDir = flag.String("fixtures", "", "folder of the npm package @octokit/fixtures, to cut testdata/recorded.json out of")
)

// used are all operations of GitHub's interface that this package calls, but for queries.
var used = []string{
	"GET /orgs/{org}/repos", "GET /users/{username}/repos", "GET /repos/{owner}/{repo}", "GET /repos/{owner}/{repo}/contributors",
	"GET /repos/{owner}/{repo}/pulls", "GET /users/{username}", "GET /users/{username}/orgs", "POST /app/installations/{installation_id}/access_tokens",
}

type contract struct {
	Source     string      `json:"source"`
	Operations []operation `json:"operations"`
}

type operation struct {
	Name       string             `json:"name"` // method and path
	Parameters map[string]*schema `json:"parameters"`
	Required   []string           `json:"required,omitempty"`
	Responses  map[string]*schema `json:"responses"` // by status, of JSON; null for no content
}

// schema is the part of a JSON schema that is looked at.
type schema struct {
	Type       string             `json:"type,omitempty"`
	Format     string             `json:"format,omitempty"`
	Enum       []any              `json:"enum,omitempty"`
	Nullable   bool               `json:"nullable,omitempty"`
	Properties map[string]*schema `json:"properties,omitempty"`
	Required   []string           `json:"required,omitempty"`
	Items      *schema            `json:"items,omitempty"`
}

func packageVersion(t *testing.T, dir string) string {
	t.Helper()
	var p struct{ Name, Version, License string }
	content, err := os.ReadFile(filepath.Join(dir, "package.json"))
	if err == nil {
		err = json.Unmarshal(content, &p)
	}
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("npm %s %s, %s", p.Name, p.Version, p.License)
}

// TestCut cuts the files of testdata, where it is told out of what.
func TestCut(t *testing.T) {
	if *openapiDir == "" || *fixturesDir == "" {
		t.Skip("-openapi and -fixtures are not given")
	}
	var whole map[string]any
	content, err := os.ReadFile(filepath.Join(*openapiDir, "generated", "api.github.com.json"))
	if err == nil {
		err = json.Unmarshal(content, &whole)
	}
	if err != nil {
		t.Fatal(err)
	}
	at := func(v any, names ...string) any {
		for _, name := range names {
			m, _ := v.(map[string]any)
			v = m[name]
		}
		return v
	}
	resolved := func(v any) map[string]any {
		m, _ := v.(map[string]any)
		for {
			ref, ok := m["$ref"].(string)
			if !ok {
				return m
			}
			m, _ = at(whole, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...).(map[string]any)
		}
	}
	var cut func(v any, depth int) *schema
	cut = func(v any, depth int) *schema {
		m := resolved(v)
		s := &schema{}
		s.Type, _ = m["type"].(string)
		s.Format, _ = m["format"].(string)
		s.Enum, _ = m["enum"].([]any)
		s.Nullable, _ = m["nullable"].(bool)
		for _, kind := range []string{"allOf", "anyOf", "oneOf"} {
			if list, ok := m[kind].([]any); ok { // of several forms the first
				one := cut(list[0], depth)
				one.Nullable = one.Nullable || s.Nullable
				return one
			}
		}
		if items, ok := m["items"]; ok {
			s.Items = cut(items, depth)
		}
		if properties, ok := m["properties"].(map[string]any); ok && depth < 2 {
			s.Properties = map[string]*schema{}
			for name, p := range properties {
				s.Properties[name] = cut(p, depth+1)
			}
			required, _ := m["required"].([]any)
			for _, r := range required {
				s.Required = append(s.Required, fmt.Sprint(r))
			}
		}
		return s
	}
	c := contract{Source: packageVersion(t, *openapiDir)}
	for _, name := range used {
		method, path, _ := strings.Cut(name, " ")
		o, ok := at(whole, "paths", path, strings.ToLower(method)).(map[string]any)
		if !ok {
			t.Fatalf("%s is not in the description", name)
		}
		op := operation{Name: name, Parameters: map[string]*schema{}, Responses: map[string]*schema{}}
		parameters, _ := o["parameters"].([]any)
		for _, p := range parameters {
			m := resolved(p)
			key := fmt.Sprintf("%s %s", m["in"], m["name"])
			op.Parameters[key] = cut(m["schema"], 0)
			if m["required"] == true {
				op.Required = append(op.Required, key)
			}
		}
		slices.Sort(op.Required)
		for status, r := range o["responses"].(map[string]any) {
			json := at(resolved(r), "content", "application/json", "schema")
			if json != nil && strings.HasPrefix(status, "2") {
				op.Responses[status] = cut(json, 0)
			} else {
				op.Responses[status] = nil
			}
		}
		c.Operations = append(c.Operations, op)
	}
	writeCut(t, "openapi.json", c)

	r := recording{Source: packageVersion(t, *fixturesDir)}
	for _, scenario := range []string{"get-repository", "rename-repository", "paginate-issues"} {
		var list []struct {
			Method, Path string
			Status       int
			Headers      map[string]any
			Response     any
		}
		content, err := os.ReadFile(filepath.Join(*fixturesDir, "scenarios", "api.github.com", scenario, "normalized-fixture.json"))
		if err == nil {
			err = json.Unmarshal(content, &list)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			if e.Method != "get" {
				continue
			}
			x := exchange{Scenario: scenario, Path: e.Path, Status: e.Status, Header: map[string]string{}}
			for name, value := range e.Headers {
				if slices.Contains([]string{"content-type", "etag", "last-modified", "link", "location"}, strings.ToLower(name)) {
					x.Header[strings.ToLower(name)] = fmt.Sprint(value)
				}
			}
			x.Body = e.Response
			if m, ok := e.Response.(map[string]any); ok {
				kept := map[string]any{}
				for _, name := range []string{"id", "name", "full_name", "private", "fork", "archived", "clone_url", "default_branch", "message", "url"} {
					if v, ok := m[name]; ok {
						kept[name] = v
					}
				}
				if owner := at(m, "owner", "login"); owner != nil {
					kept["owner"] = map[string]any{"login": owner}
				}
				x.Body = kept
			}
			if list, ok := e.Response.([]any); ok {
				var kept []any
				for _, one := range list {
					kept = append(kept, map[string]any{"id": at(one, "id"), "number": at(one, "number")})
				}
				x.Body = kept
			}
			r.Exchanges = append(r.Exchanges, x)
		}
	}
	writeCut(t, "recorded.json", r)
}

func writeCut(t *testing.T, name string, v any) {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll("testdata", 0o755); err != nil {
		t.Fatal(err)
	}
	// A line for each operation or answer.
	text := bytes.ReplaceAll(b.Bytes(), []byte(`{"name":"`), []byte("\n{\"name\":\""))
	text = bytes.ReplaceAll(text, []byte(`{"scenario":"`), []byte("\n{\"scenario\":\""))
	if err := os.WriteFile(filepath.Join("testdata", name), text, 0o644); err != nil {
		t.Fatal(err)
	}
}

func readCut(t *testing.T, name string, v any) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	if err == nil {
		err = json.Unmarshal(content, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// described is a forge that answers what the description says, and fails the test at a request that the description does not know.
type described struct {
	t        *testing.T
	contract contract
	scarce   bool // what need not be there is absent, and what may be null is
	called   map[string]bool
	last     map[string]any // by operation: the value that was answered
}

func (d *described) find(req *http.Request) (*operation, map[string]string) {
	for i := range d.contract.Operations {
		o := &d.contract.Operations[i]
		method, path, _ := strings.Cut(o.Name, " ")
		names := regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(path, -1)
		m := regexp.MustCompile("^" + regexp.MustCompile(`\{\w+\}`).ReplaceAllString(path, `([^/]+)`) + "$").FindStringSubmatch(req.URL.Path)
		if m == nil || method != req.Method {
			continue
		}
		values := map[string]string{}
		for k, name := range names {
			values["path "+name[1]] = m[k+1]
		}
		return o, values
	}
	return nil, nil
}

// RoundTrip implements [http.RoundTripper].
func (d *described) RoundTrip(req *http.Request) (*http.Response, error) {
	o, values := d.find(req)
	if o == nil {
		d.t.Errorf("%s %s is not described", req.Method, req.URL)
		return nil, errKilled
	}
	d.called[o.Name] = true
	for name, v := range req.URL.Query() {
		values["query "+name] = v[0]
		if len(v) > 1 {
			d.t.Errorf("%s: %s is given %d times", o.Name, name, len(v))
		}
	}
	for key, value := range values {
		s := o.Parameters[key]
		if s == nil {
			d.t.Errorf("%s has no parameter %q", o.Name, key)
			continue
		}
		if _, err := strconv.Atoi(value); s.Type == "integer" && err != nil {
			d.t.Errorf("%s: %s is %q, and no number", o.Name, key, value)
		}
		if len(s.Enum) > 0 && !slices.Contains(s.Enum, any(value)) {
			d.t.Errorf("%s: %s is %q, and none of %v", o.Name, key, value, s.Enum)
		}
	}
	for _, key := range o.Required {
		if values[key] == "" {
			d.t.Errorf("%s: %s is missing", o.Name, key)
		}
	}
	if n, _ := strconv.Atoi(req.URL.Query().Get("per_page")); n > 100 {
		d.t.Errorf("%s: more than the 100 entries of a page that are documented", o.Name)
	}
	status := http.StatusOK
	if req.Method == http.MethodPost {
		status = http.StatusCreated
	}
	s, ok := o.Responses[strconv.Itoa(status)]
	if !ok || s == nil {
		d.t.Errorf("%s has no answer %d", o.Name, status)
		return nil, errKilled
	}
	v := d.value(s, "")
	d.last[o.Name] = v
	return answer(req, status, v), nil
}

// value makes a value of a schema.
func (d *described) value(s *schema, name string) any {
	if d.scarce && s.Nullable {
		return nil
	}
	if len(s.Enum) > 0 {
		return s.Enum[0]
	}
	switch s.Type {
	case "array":
		return []any{d.value(s.Items, name)}
	case "object", "":
		m := map[string]any{}
		for key, p := range s.Properties {
			if !d.scarce || slices.Contains(s.Required, key) {
				m[key] = d.value(p, key)
			}
		}
		return m
	case "integer", "number":
		return 42
	case "boolean":
		return true
	}
	switch {
	case s.Format == "date-time":
		return "2026-02-03T04:05:06Z"
	case name == "expires_at": // described as a plain string
		return "2099-02-03T04:05:06Z"
	case s.Format == "uri" || strings.HasSuffix(name, "_url"):
		return "https://github.com/some/" + name
	}
	return "some-" + name
}

// TestContract holds every REST call of this package against GitHub's own description: its path, its parameters, and that what the description
// promises is decoded, whether all of it comes or only what must.
func TestContract(t *testing.T) {
	var c contract
	readCut(t, "openapi.json", &c)
	if !strings.HasPrefix(c.Source, "npm @octokit/openapi ") || len(c.Operations) != len(used) {
		t.Fatalf("%s: %d operations", c.Source, len(c.Operations))
	}
	for _, scarce := range []bool{false, true} {
		d := &described{t: t, contract: c, scarce: scarce, called: map[string]bool{}, last: map[string]any{}}
		f := newFake(t, GitHub)
		credential, _ := newApp(t, f)
		client, err := Open(GitHub, Options{Credential: credential, Transport: d, Clock: f.clock()})
		if err != nil {
			t.Fatal(err)
		}
		repository := Repository{
			ID: 42, Owner: "some-login", Name: "some-name", CloneURL: "https://github.com/some/clone_url", DefaultBranch: "some-default_branch",
			Archived: true, Fork: true, Private: true,
		}
		for _, person := range []bool{false, true} {
			got, err := client.list(t.Context(), "acme", person)
			if err != nil || len(got.Repositories) != 1 {
				t.Fatal(err)
			}
			if diff := cmp.Diff(repository, got.Repositories[0]); diff != "" && !scarce {
				t.Errorf("person %v: %s", person, diff)
			}
			if r := got.Repositories[0]; r.ID != 42 || r.Owner != "some-login" || r.Name != "some-name" {
				t.Errorf("%+v", r)
			}
		}
		one, err := client.Repository(t.Context(), "acme", "tool")
		if err != nil || one.CloneURL != "https://github.com/some/clone_url" || one.DefaultBranch != "some-default_branch" || !one.Fork || !one.Archived {
			t.Errorf("%+v, %v", one, err)
		}
		contributors, err := client.Contributors(t.Context(), "acme", "tool")
		if err != nil || len(contributors) != 1 || contributors[0].Commits != 42 || !scarce && contributors[0].Key != "@some-login" {
			t.Errorf("%+v, %v", contributors, err)
		}
		a := asking{name: "tool"}
		if err := client.probe(t.Context(), "acme", &a); err != nil || a.count != 1 || a.newest != time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC).Unix() {
			t.Errorf("%+v, %v", a, err)
		}
		account := facts.Account{Login: "ada"}
		want := facts.Account{Login: "ada", Name: "some-name", Company: "some-company", Organizations: []string{"some-login"}}
		if scarce {
			want.Name, want.Company = "", ""
		}
		if err := client.profile(t.Context(), &account); err != nil || cmp.Diff(want, account) != "" {
			t.Error(cmp.Diff(want, account), err)
		}
		for _, name := range used {
			if !d.called[name] {
				t.Errorf("%s was not called", name)
			}
		}
	}
}

type recording struct {
	Source    string     `json:"source"`
	Exchanges []exchange `json:"exchanges"`
}

type exchange struct {
	Scenario string            `json:"scenario"`
	Path     string            `json:"path"`
	Status   int               `json:"status"`
	Header   map[string]string `json:"header"`
	Body     any               `json:"body"`
}

// replayed gives what was recorded, and fails the test at any other request.
type replayed struct {
	t *testing.T
	recording
	asked []string
}

// RoundTrip implements [http.RoundTripper].
func (r *replayed) RoundTrip(req *http.Request) (*http.Response, error) {
	r.asked = append(r.asked, req.URL.RequestURI())
	for _, e := range r.Exchanges {
		u, err := url.Parse(e.Path)
		if err != nil {
			r.t.Fatal(err)
		}
		if u.Path == req.URL.Path && u.Query().Encode() == req.URL.Query().Encode() {
			var header []string
			for name, value := range e.Header {
				header = append(header, name, value)
			}
			return answer(req, e.Status, e.Body, header...), nil
		}
	}
	r.t.Errorf("%s was not recorded", req.URL)
	return nil, errKilled
}

// TestRecorded reads answers that GitHub once gave: a repository, one that was renamed (301 to an address by number), and the links of five pages.
func TestRecorded(t *testing.T) {
	r := &replayed{t: t}
	readCut(t, "recorded.json", &r.recording)
	client, err := Open(GitHub, Options{Transport: r, Clock: newFake(t, GitHub).clock()})
	if err != nil {
		t.Fatal(err)
	}
	const owner = "octokit-fixture-org"
	one, err := client.Repository(t.Context(), owner, "hello-world")
	want := &Repository{ID: 1000, Owner: owner, Name: "hello-world", CloneURL: "https://github.com/" + owner + "/hello-world.git", DefaultBranch: one.DefaultBranch}
	if diff := cmp.Diff(want, one); diff != "" || err != nil || one.DefaultBranch == "" {
		t.Error(diff, err)
	}
	renamed, err := client.Repository(t.Context(), owner, "rename-repository")
	if err != nil || renamed.Name != "rename-repository-newname" || renamed.Renamed != owner+"/rename-repository" {
		t.Errorf("%+v, %v", renamed, err)
	}
	pages := 0
	for _, e := range r.Exchanges {
		if e.Scenario != "paginate-issues" {
			continue
		}
		pages++
		next, err := client.t.nextPage(e.Header["link"], pages)
		if want := (pages + 1) % 6; err != nil || next != want {
			t.Errorf("page %d is followed by %d, want %d: %v", pages, next, want, err)
		}
		if pages == 1 && lastPage(e.Header["link"]) != 5 {
			t.Errorf("the last page is %d", lastPage(e.Header["link"]))
		}
	}
	if pages != 5 {
		t.Errorf("%d pages", pages)
	}
}
