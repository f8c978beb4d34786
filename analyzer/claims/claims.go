// Package claims holds published figures against measured ones.
//
// A claim leaves open what it counts. [Check] tries every definition that fits its words, and says of each whether it gives the figure, may give
// it, or cannot: what was not read only ever widens the interval that the whole can lie in, and never narrows it.
package claims

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"

	"orrery/analyzer/measure"
)

// Quantities that a claim can be about.
const (
	Lines        = "lines"        // lines of the tree at a moment
	Growth       = "growth"       // lines won in a period
	Contributors = "contributors" // people
	Commits      = "commits"
	Repositories = "repositories" // that belong to the ecosystem
	Share        = "share"        // of an organization, or of all others, in a period
	Other        = "other"        // what git does not hold
)

var quantities = []string{Lines, Growth, Contributors, Commits, Repositories, Share, Other}

// What a claim says of its value.
const (
	About   = "about"
	AtLeast = "at least"
	AtMost  = "at most"
)

var relations = []string{About, AtLeast, AtMost}

// Claim is one published figure.
type Claim struct {
	Text     string  `json:"text"` // in its own words
	Source   Source  `json:"source"`
	Quantity string  `json:"quantity"`
	Is       string  `json:"is"` // [About], [AtLeast] or [AtMost]
	Value    float64 `json:"value"`
	// Tolerance is in the unit of Value: the claim holds for Value - Tolerance to Value + Tolerance, or is open on one side.
	Tolerance float64 `json:"tolerance"`
	// From and To bound the period, in RFC 3339; From is "" for what is counted since the start, or stands at a moment.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Scope is the part of the ecosystem that the claim is about.
	Scope measure.Scope `json:"scope"`
	// Organization is whose share it is; with Others, that of everybody else.
	Organization string `json:"organization,omitempty"`
	Others       bool   `json:"others,omitempty"`
	Note         string `json:"note,omitempty"` // for people
	Line         int    `json:"line"`           // of the file
}

// Source is where a claim was published.
type Source struct {
	Title string `json:"title"`
	URL   string `json:"url,omitempty"`
	Date  string `json:"date"` // a day, a month or a year
}

// bounds gives the interval that the claim names.
func (c *Claim) bounds() (low, high float64) {
	low, high = c.Value-c.Tolerance, c.Value+c.Tolerance
	switch c.Is {
	case AtLeast:
		high = math.Inf(1)
	case AtMost:
		low = math.Inf(-1)
	}
	return low, high
}

// start is the moment that stands for "since the start": no date of a commit is before it.
var start = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)

// Window gives the period as a window to measure; false if the claim has none.
func (c *Claim) Window() (measure.Window, bool) {
	to, err := time.Parse(time.RFC3339, c.To)
	if err != nil {
		return measure.Window{}, false
	}
	from, err := time.Parse(time.RFC3339, c.From)
	if err != nil {
		from = start
	}
	return measure.Window{Name: from.Format(time.DateOnly) + " to " + to.Format(time.DateOnly), From: from.Unix(), To: to.Unix()}, true
}

// Windows gives the periods of all claims, each once.
func Windows(list []Claim) (all []measure.Window) {
	for i := range list {
		if w, ok := list[i].Window(); ok && !slices.Contains(all, w) {
			all = append(all, w)
		}
	}
	return all
}

// The bounds on a file of claims.
const (
	maxFile    = 1 << 20
	maxClaims  = 1000
	maxDepth   = 16
	maxAliases = 100
	maxErrors  = 20 // reported at once
)

// ErrFile is wrapped by the error of a file of claims that is wrong.
var ErrFile = errors.New("wrong claims")

// Read reads a file of claims. Its error names every mistake with file, line and column.
func Read(path string) ([]Claim, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is no regular file")
	}
	if err == nil && info.Size() > maxFile {
		err = fmt.Errorf("it is larger than %d bytes", maxFile)
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: reading %s: %w", ErrFile, path, err)
	}
	return Parse(path, data)
}

// Parse reads claims; name stands in errors.
func Parse(name string, data []byte) ([]Claim, error) {
	p := &parser{name: name}
	var document yaml.Node
	limits := loaderlimits.New(loaderlimits.DepthValue(maxDepth), loaderlimits.AliasValue(maxAliases))
	if len(data) > maxFile {
		p.fail(nil, "the file is larger than %d bytes", maxFile)
	} else if err := yaml.Load(data, &document, yaml.WithPlugin(limits)); err != nil {
		text, line, column := err.Error(), 1, 1
		if e, ok := errors.AsType[*yaml.LoadError](err); ok {
			text, line, column = e.Message, max(e.Mark.Line, 1), max(e.Mark.Column, 1)
		}
		p.fail(&yaml.Node{Line: line, Column: column}, "not YAML: %s", strings.TrimPrefix(text, "yaml: "))
	} else {
		root := &document
		if root.Kind == yaml.DocumentNode && len(root.Content) == 1 {
			root = root.Content[0]
		}
		found := false
		p.fields(root, "a file of claims", fields{"claims": func(n *yaml.Node) {
			found = true
			p.each(n, "claims", p.claim)
		}})
		if len(p.errors) == 0 && (!found || len(p.claims) == 0) {
			p.fail(root, "there is no claim: a list claims is wanted")
		}
	}
	return p.claims, errors.Join(p.errors...)
}

type parser struct {
	name   string
	claims []Claim
	errors []error
}

func (p *parser) fail(n *yaml.Node, format string, args ...any) {
	place := p.name
	if n != nil && n.Line > 0 {
		place = fmt.Sprintf("%s:%d:%d", p.name, n.Line, n.Column)
	}
	switch {
	case len(p.errors) < maxErrors:
		p.errors = append(p.errors, fmt.Errorf("%w: %s: %s", ErrFile, place, fmt.Sprintf(format, args...)))
	case len(p.errors) == maxErrors:
		p.errors = append(p.errors, fmt.Errorf("%w: %s: there are more mistakes", ErrFile, p.name))
	}
}

type fields map[string]func(*yaml.Node)

// fields reads a mapping, each key once, and no other keys.
func (p *parser) fields(n *yaml.Node, what string, known fields) {
	if n.Kind != yaml.MappingNode {
		p.fail(n, "%s is a mapping", what)
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		read := known[key.Value]
		switch line, twice := seen[key.Value]; {
		case key.Kind != yaml.ScalarNode || read == nil:
			var names []string
			for name := range known {
				names = append(names, name)
			}
			slices.Sort(names)
			p.fail(key, "unknown key %q in %s; there are %s", key.Value, what, strings.Join(names, ", "))
		case twice:
			p.fail(key, "key %q stands twice, first in line %d", key.Value, line)
		default:
			seen[key.Value] = key.Line
			read(n.Content[i+1])
		}
	}
}

func (p *parser) each(n *yaml.Node, what string, read func(*yaml.Node)) {
	if n.Kind != yaml.SequenceNode {
		p.fail(n, "%s is a list", what)
		return
	}
	for i, item := range n.Content {
		if i == maxClaims {
			p.fail(item, "there are more than %d", maxClaims)
			return
		}
		read(item)
	}
}

func (p *parser) text(n *yaml.Node, what string) string {
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" || strings.TrimSpace(n.Value) == "" {
		p.fail(n, "%s is a text", what)
		return ""
	}
	return strings.TrimSpace(n.Value)
}

func (p *parser) oneOf(n *yaml.Node, what string, known []string) string {
	text := p.text(n, what)
	if text != "" && !slices.Contains(known, text) {
		p.fail(n, "%s is one of %s, not %q", what, strings.Join(known, ", "), text)
	}
	return text
}

// number reads 12, 12.5, 12,500 or 12 %.
func (p *parser) number(n *yaml.Node, what string) (value float64, percent bool) {
	text := p.text(n, what)
	if text == "" {
		return 0, false
	}
	digits, percent := strings.CutSuffix(text, "%")
	value, err := strconv.ParseFloat(strings.ReplaceAll(strings.TrimSpace(digits), ",", ""), 64)
	if err != nil || math.IsNaN(value) || math.Abs(value) > 1e15 {
		p.fail(n, "%s is a number, as 8100, 8,100 or 12.5 %%, not %q", what, text)
		return 0, percent
	}
	return value, percent
}

func (p *parser) claim(n *yaml.Node) {
	c := Claim{Is: About, Line: n.Line, Scope: measure.Scope{Kind: measure.ScopeEcosystem}}
	var value, tolerance, period, at, organization *yaml.Node
	before := len(p.errors)
	p.fields(n, "a claim", fields{
		"text":     func(n *yaml.Node) { c.Text = p.text(n, "text") },
		"source":   func(n *yaml.Node) { c.Source = p.source(n) },
		"quantity": func(n *yaml.Node) { c.Quantity = p.oneOf(n, "quantity", quantities) },
		"is":       func(n *yaml.Node) { c.Is = p.oneOf(n, "is", relations) },
		"value":    func(n *yaml.Node) { value = n }, "tolerance": func(n *yaml.Node) { tolerance = n },
		"period": func(n *yaml.Node) { period = n }, "at": func(n *yaml.Node) { at = n },
		"scope":        func(n *yaml.Node) { c.Scope = p.scope(n) },
		"organization": func(n *yaml.Node) { organization, c.Organization = n, p.text(n, "organization") },
		"others":       func(n *yaml.Node) { organization, c.Organization, c.Others = n, p.text(n, "others"), true },
		"note":         func(n *yaml.Node) { c.Note = p.text(n, "note") },
	})
	if len(p.errors) > before {
		return // what follows would only follow from that
	}
	if c.Text == "" || c.Source.Title == "" || c.Quantity == "" || value == nil {
		p.fail(n, "a claim has a text, a source, a quantity and a value")
		return
	}
	percent := false
	if c.Value, percent = p.number(value, "value"); percent != (c.Quantity == Share) && c.Quantity != Other {
		p.fail(value, "a share is in %%, and nothing else is")
	}
	switch {
	case tolerance != nil:
		t, relative := p.number(tolerance, "tolerance")
		if t < 0 {
			p.fail(tolerance, "a tolerance is not below 0")
		}
		if c.Tolerance = t; relative && !percent {
			c.Tolerance = math.Abs(c.Value) * t / 100
		}
	case c.Is == About && c.Quantity != Other:
		p.fail(value, "what is about a value needs a tolerance, as 5 %% or 50; 0 means exactly")
	}
	if (organization != nil) != (c.Quantity == Share) {
		p.fail(cmp.Or(organization, value), "a share names an organization, or with others all but it; nothing else does")
	}
	switch {
	case period != nil && at != nil:
		p.fail(at, "a claim has a period or a moment, not both")
	case period != nil:
		c.From, c.To = p.period(period)
	case at != nil:
		if day, err := time.Parse(time.DateOnly, p.text(at, "at")); err != nil {
			p.fail(at, "at is a day as 2024-10-31, of which the end counts")
		} else {
			c.To = day.AddDate(0, 0, 1).Format(time.RFC3339)
		}
	case c.Quantity != Other:
		p.fail(n, "a claim has a period, or a moment (at)")
	}
	if at != nil && (c.Quantity == Growth || c.Quantity == Share) {
		p.fail(at, "%s is of a period", c.Quantity)
	}
	p.claims = append(p.claims, c)
}

func (p *parser) source(n *yaml.Node) (s Source) {
	p.fields(n, "a source", fields{
		"title": func(n *yaml.Node) { s.Title = p.text(n, "title") },
		"url": func(n *yaml.Node) {
			s.URL = p.text(n, "url")
			if u, err := url.Parse(s.URL); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
				p.fail(n, "url is an address as https://HOST/PATH")
			}
		},
		"date": func(n *yaml.Node) {
			s.Date = p.text(n, "date")
			if _, _, ok := calendar(s.Date); !ok && s.Date != "" {
				p.fail(n, "date is a day, a month or a year, as 2024-10-31, 2024-10 or 2024")
			}
		},
	})
	if s.Title == "" || s.Date == "" {
		p.fail(n, "a source has a title and a date")
	}
	return s
}

func (p *parser) scope(n *yaml.Node) (s measure.Scope) {
	kinds := 0
	read := func(kind string) func(*yaml.Node) {
		return func(n *yaml.Node) {
			kinds++
			s = measure.Scope{Kind: kind, Name: p.text(n, kind)}
		}
	}
	p.fields(n, "a scope", fields{"class": read(measure.ScopeClass), "subsystem": read(measure.ScopeSubsystem)})
	if kinds != 1 {
		p.fail(n, "a scope is a class or a subsystem")
	}
	return s
}

// calendar reads a year, a month or a day.
func calendar(text string) (from, to time.Time, ok bool) {
	for _, c := range []struct {
		layout              string
		years, months, days int
	}{{"2006", 1, 0, 0}, {"2006-01", 0, 1, 0}, {time.DateOnly, 0, 0, 1}} {
		if t, err := time.Parse(c.layout, text); err == nil {
			return t, t.AddDate(c.years, c.months, c.days), true
		}
	}
	return from, to, false
}

// period reads 2024, 2024-06, 2024-06-30, or a mapping with the first day and the one before which it ends.
func (p *parser) period(n *yaml.Node) (from, to string) {
	var a, b time.Time
	if n.Kind == yaml.ScalarNode {
		var ok bool
		if a, b, ok = calendar(n.Value); !ok {
			p.fail(n, "a period is a year, a month or a day, as 2024 or 2024-06, or has from and to")
		}
	} else {
		day := func(to *time.Time) func(*yaml.Node) {
			return func(n *yaml.Node) {
				t, err := time.Parse(time.DateOnly, n.Value)
				if err != nil {
					p.fail(n, "%q is no day as 2024-06-30", n.Value)
				}
				*to = t
			}
		}
		p.fields(n, "a period", fields{"from": day(&a), "to": day(&b)})
	}
	if !a.Before(b) || a.Before(start) || b.Year() > 2100 {
		p.fail(n, "the period does not lie between 1990 and 2100, or ends before it starts")
	}
	return a.Format(time.RFC3339), b.Format(time.RFC3339)
}
