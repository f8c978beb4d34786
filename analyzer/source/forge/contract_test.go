package forge

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
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
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"

	"orrery/analyzer/facts"
)

// used are all operations of GitHub's REST interface that this package calls, with all parameters of their queries. The fake forge takes no other,
// and TestContract holds them against what GitHub publishes.
var used = map[string]string{
	"GET /orgs/{org}/repos":                                   "type sort direction per_page page",
	"GET /users/{username}/repos":                             "type sort direction per_page page",
	"GET /repos/{owner}/{repo}":                               "",
	"GET /repos/{owner}/{repo}/contributors":                  "anon per_page page",
	"GET /repos/{owner}/{repo}/pulls":                         "state sort direction per_page",
	"GET /users/{username}":                                   "",
	"GET /users/{username}/orgs":                              "per_page page",
	"POST /app/installations/{installation_id}/access_tokens": "",
}

var pathParameter = regexp.MustCompile(`\{(\w+)\}`)

// operationOf finds the operation that a request is one of, and the values of its parameters: "path owner", "query page". ok is false if there is none.
func operationOf(req *http.Request) (name string, values map[string]string, ok bool) {
	for name := range used {
		method, path, _ := strings.Cut(name, " ")
		m := regexp.MustCompile("^" + pathParameter.ReplaceAllString(path, `([^/]+)`) + "$").FindStringSubmatch(req.URL.Path)
		if m == nil || method != req.Method {
			continue
		}
		values := map[string]string{}
		for k, parameter := range pathParameter.FindAllStringSubmatch(path, -1) {
			values["path "+parameter[1]] = m[k+1]
		}
		for parameter, v := range req.URL.Query() {
			values["query "+parameter] = strings.Join(v, ",")
		}
		return name, values, true
	}
	return "", nil, false
}

// checkUsed fails the test at a request that is none of those in used.
func checkUsed(t *testing.T, req *http.Request) {
	t.Helper()
	name, values, ok := operationOf(req)
	if !ok {
		t.Errorf("%s %s is no operation that is used", req.Method, req.URL)
	}
	for key := range values {
		if parameter, ok := strings.CutPrefix(key, "query "); ok && !slices.Contains(strings.Fields(used[name]), parameter) {
			t.Errorf("%s: the parameter %s is none that is used", name, parameter)
		}
	}
}

// published gives a file of what GitHub publishes of its interface, which .ci/run fetches. Without it the test is skipped.
func published(t *testing.T, file string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "..", ".ci", "octokit", filepath.FromSlash(file)))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("NOT CHECKED: what GitHub publishes of its interface (%s) is not here; .ci/run fetches it from npm", file)
	}
	if err != nil {
		t.Fatal(err)
	}
	return content
}

type contract struct {
	Operations []operation
}

type operation struct {
	Name       string             // method and path
	Parameters map[string]*schema // by place and name: "query page"
	Required   []string
	Responses  map[string]*schema // by status, of JSON; nil for no content
}

// schema is the part of a JSON schema that is looked at.
type schema struct {
	Type       string
	Format     string
	Enum       []any
	Nullable   bool
	Properties map[string]*schema
	Required   []string
	Items      *schema
}

// readContract takes the operations that are used out of the whole description.
func readContract(t *testing.T) (c contract) {
	t.Helper()
	var whole map[string]any
	if err := json.Unmarshal(published(t, "openapi/generated/api.github.com.json"), &whole); err != nil {
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
	for name, parameters := range used {
		method, path, _ := strings.Cut(name, " ")
		o, ok := at(whole, "paths", path, strings.ToLower(method)).(map[string]any)
		if !ok {
			t.Errorf("%s is not in the description", name)
		}
		op := operation{Name: name, Parameters: map[string]*schema{}, Responses: map[string]*schema{}}
		described, _ := o["parameters"].([]any)
		for _, p := range described {
			m := resolved(p)
			key := fmt.Sprintf("%s %s", m["in"], m["name"])
			op.Parameters[key] = cut(m["schema"], 0)
			if m["required"] == true {
				op.Required = append(op.Required, key)
			}
		}
		for _, p := range strings.Fields(parameters) {
			if op.Parameters["query "+p] == nil {
				t.Errorf("%s has no parameter %s in the description", name, p)
			}
		}
		responses, _ := o["responses"].(map[string]any)
		for status, r := range responses {
			json := at(resolved(r), "content", "application/json", "schema")
			if json != nil && strings.HasPrefix(status, "2") {
				op.Responses[status] = cut(json, 0)
			} else {
				op.Responses[status] = nil
			}
		}
		c.Operations = append(c.Operations, op)
	}
	return c
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
	name, values, _ := operationOf(req)
	for i := range d.contract.Operations {
		if d.contract.Operations[i].Name == name {
			return &d.contract.Operations[i], values
		}
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
	t.Parallel()
	c := readContract(t)
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
		for name := range used {
			if !d.called[name] {
				t.Errorf("%s was not called", name)
			}
		}
	}
}

type exchange struct {
	scenario string
	Method   string
	Path     string
	Status   int
	Headers  map[string]any
	Response any
}

// replayed gives what was recorded, and fails the test at any other request.
type replayed struct {
	t     *testing.T
	all   []exchange
	asked []string
}

// RoundTrip implements [http.RoundTripper].
func (r *replayed) RoundTrip(req *http.Request) (*http.Response, error) {
	r.asked = append(r.asked, req.URL.RequestURI())
	for _, e := range r.all {
		u, err := url.Parse(e.Path)
		if err != nil {
			r.t.Fatal(err)
		}
		if e.Method == "get" && u.Path == req.URL.Path && u.Query().Encode() == req.URL.Query().Encode() {
			var header []string
			for name, value := range e.Headers {
				if slices.Contains([]string{"content-type", "etag", "last-modified", "link", "location"}, strings.ToLower(name)) {
					header = append(header, name, fmt.Sprint(value))
				}
			}
			return answer(req, e.Status, e.Response, header...), nil
		}
	}
	r.t.Errorf("%s was not recorded", req.URL)
	return nil, errKilled
}

// TestRecorded reads answers that GitHub once gave: a repository, one that was renamed (301 to an address by number), and the links of five pages.
func TestRecorded(t *testing.T) {
	r := &replayed{t: t}
	for _, scenario := range []string{"get-repository", "rename-repository", "paginate-issues"} {
		var list []exchange
		if err := json.Unmarshal(published(t, "fixtures/scenarios/api.github.com/"+scenario+"/normalized-fixture.json"), &list); err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			e.scenario = scenario
			r.all = append(r.all, e)
		}
	}
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
	for _, e := range r.all {
		if e.scenario != "paginate-issues" {
			continue
		}
		pages++
		link, _ := e.Headers["link"].(string)
		next, err := client.t.nextPage(link, pages)
		if want := (pages + 1) % 6; err != nil || next != want {
			t.Errorf("page %d is followed by %d, want %d: %v", pages, next, want, err)
		}
		if pages == 1 && lastPage(link) != 5 {
			t.Errorf("the last page is %d", lastPage(link))
		}
	}
	if pages != 5 {
		t.Errorf("%d pages", pages)
	}
}

// answered makes the value of a selection by GitHub's schema: of what need not be there null if scarce, else one of everything.
func answered(set ast.SelectionSet, definitions *ast.Schema, scarce bool) map[string]any {
	object := map[string]any{}
	for _, s := range set {
		field, ok := s.(*ast.Field)
		if !ok {
			continue
		}
		var value func(t *ast.Type) any
		value = func(t *ast.Type) any {
			if scarce && !t.NonNull {
				return nil
			}
			if t.Elem != nil {
				return []any{value(t.Elem)}
			}
			switch d := definitions.Types[t.NamedType]; {
			case d.Kind == ast.Enum:
				return d.EnumValues[0].Name
			case d.Kind != ast.Scalar:
				return answered(field.SelectionSet, definitions, scarce)
			case d.Name == "Int":
				return 1
			case d.Name == "Boolean":
				return false
			case d.Name == "DateTime":
				return "2026-02-03T04:05:06Z"
			case d.Name == "GitObjectID":
				return strings.Repeat("1", 40)
			}
			return "some-" + field.Name
		}
		object[field.Alias] = value(field.Definition.Type)
		switch field.Name { // null here is that there is none
		case "repository", "pullRequest", "reviews":
			object[field.Alias] = answered(field.SelectionSet, definitions, scarce)
		case "nodes":
			object[field.Alias] = []any{answered(field.SelectionSet, definitions, scarce)}
		}
	}
	return object
}

// TestQueryContract holds the queries against GitHub's published schema: their fields, arguments and variables, and that what it promises is decoded.
func TestQueryContract(t *testing.T) {
	t.Parallel()
	document, err := parser.ParseSchemas(validator.Prelude, &ast.Source{Name: "schema.graphql", Input: string(published(t, "graphql-schema/schema.graphql"))})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range document.Definitions { // a field stands there twice
		once := map[string]bool{}
		d.Fields = slices.DeleteFunc(d.Fields, func(f *ast.FieldDefinition) bool {
			twice := once[f.Name]
			once[f.Name] = true
			return twice
		})
	}
	definitions, err := validator.ValidateSchemaDocument(document)
	if err != nil {
		t.Fatal(err)
	}
	for _, scarce := range []bool{false, true} {
		f, called := newFake(t, GitHub), map[string]bool{}
		f.fault = func(_ int, req *http.Request) *http.Response {
			var q struct {
				Query     string
				Variables map[string]any
			}
			if err := json.NewDecoder(req.Body).Decode(&q); err != nil {
				t.Fatal(err)
			}
			called[q.Query] = true
			parsed, errs := gqlparser.LoadQueryWithRules(definitions, q.Query, nil)
			if errs != nil {
				t.Fatal(errs)
			}
			if _, err := validator.VariableValues(definitions, parsed.Operations[0], q.Variables); err != nil {
				t.Error(err)
			}
			return answer(req, http.StatusOK, map[string]any{"data": answered(parsed.Operations[0].SelectionSet, definitions, scarce)})
		}
		c := f.open("", nil)
		list, err := c.queryPulls(t.Context(), "acme", &asking{name: "tool"}, true)
		moment := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC).Unix()
		somebody := login{"some-login", facts.PersonAccount}
		want := []pull{{
			number: 1, author: somebody, merger: somebody, state: facts.PullClosed, base: "some-baseRefName", merge: strings.Repeat("1", 40),
			created: moment, updated: moment, merged: moment, closed: moment, reviews: []review{{by: somebody, verdict: facts.Approved, at: moment}},
		}}
		if scarce {
			want[0].author, want[0].merger, want[0].merged, want[0].closed, want[0].merge = login{}, login{}, 0, 0, ""
			want[0].reviews = []review{{verdict: facts.Approved}}
		}
		if err != nil || !cmp.Equal(want, list, cmp.AllowUnexported(pull{}, login{}, review{})) {
			t.Errorf("scarce %v: %+v, want %+v: %v", scarce, list, want, err)
		}
		one := pull{number: 1}
		if err := c.moreReviews(t.Context(), "acme", "tool", &one, "cursor"); err != nil || len(one.reviews) != 1 {
			t.Errorf("%+v, %v", one, err)
		}
		if len(called) != 2 {
			t.Errorf("%d queries were asked", len(called))
		}
	}
}
