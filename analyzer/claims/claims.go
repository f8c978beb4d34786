// Package claims holds published figures against measured ones.
//
// A claim leaves open what it counts. [Check] tries every definition that fits its words, and says of each whether it gives the figure, may give
// it, or cannot: what was not read only ever widens the interval that the whole can lie in, and never narrows it.
package claims

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"orrery/analyzer/measure"
	"orrery/analyzer/strict"
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
type Source = strict.Source

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

// ErrFile is wrapped by the error of a file of claims that is wrong.
var ErrFile = errors.New("wrong claims")

// Read reads a file of claims. Its error names every mistake with file, line and column.
func Read(path string) ([]Claim, error) {
	p := &parser{Parser: strict.Parser{Name: path, Kind: ErrFile}}
	data, err := p.ReadFile()
	if err != nil {
		return nil, err
	}
	return Parse(path, data)
}

// Parse reads claims; name stands in errors.
func Parse(name string, data []byte) ([]Claim, error) {
	p := &parser{Parser: strict.Parser{Name: name, Kind: ErrFile}}
	if root := p.Root(data); root != nil {
		found := false
		p.Mapping(root, "a file of claims", strict.Fields{"claims": func(n *yaml.Node) {
			found = true
			p.Each(n, "claims", p.claim)
		}})
		if p.Mistakes() == 0 && (!found || len(p.claims) == 0) {
			p.Fail(root, "there is no claim: a list claims is wanted")
		}
	}
	return p.claims, p.Err()
}

type parser struct {
	strict.Parser
	claims []Claim
}

// number reads 12, 12.5, 12,500 or 12 %.
func (p *parser) number(n *yaml.Node, what string) (value float64, percent bool) {
	text := p.Text(n, what)
	if text == "" {
		return 0, false
	}
	digits, percent := strings.CutSuffix(text, "%")
	value, err := strconv.ParseFloat(strings.ReplaceAll(strings.TrimSpace(digits), ",", ""), 64)
	if err != nil || math.IsNaN(value) || math.Abs(value) > 1e15 {
		p.Fail(n, "%s is a number, as 8100, 8,100 or 12.5 %%, not %q", what, text)
		return 0, percent
	}
	return value, percent
}

func (p *parser) claim(n *yaml.Node) {
	c := Claim{Is: About, Line: n.Line, Scope: measure.Scope{Kind: measure.ScopeEcosystem}}
	var value, tolerance, period, at, organization *yaml.Node
	before := p.Mistakes()
	p.Mapping(n, "a claim", strict.Fields{
		"text":     func(n *yaml.Node) { c.Text = p.Text(n, "text") },
		"source":   func(n *yaml.Node) { c.Source = p.Source(n) },
		"quantity": func(n *yaml.Node) { c.Quantity = p.OneOf(n, "quantity", quantities) },
		"is":       func(n *yaml.Node) { c.Is = p.OneOf(n, "is", relations) },
		"value":    func(n *yaml.Node) { value = n }, "tolerance": func(n *yaml.Node) { tolerance = n },
		"period": func(n *yaml.Node) { period = n }, "at": func(n *yaml.Node) { at = n },
		"scope":        func(n *yaml.Node) { c.Scope = p.scope(n) },
		"organization": func(n *yaml.Node) { organization, c.Organization = n, p.Text(n, "organization") },
		"others":       func(n *yaml.Node) { organization, c.Organization, c.Others = n, p.Text(n, "others"), true },
		"note":         func(n *yaml.Node) { c.Note = p.Text(n, "note") },
	})
	if p.Mistakes() > before {
		return // what follows would only follow from that
	}
	if c.Text == "" || c.Source.Title == "" || c.Quantity == "" || value == nil {
		p.Fail(n, "a claim has a text, a source, a quantity and a value")
		return
	}
	percent := false
	if c.Value, percent = p.number(value, "value"); percent != (c.Quantity == Share) && c.Quantity != Other {
		p.Fail(value, "a share is in %%, and nothing else is")
	}
	switch {
	case tolerance != nil:
		t, relative := p.number(tolerance, "tolerance")
		if t < 0 {
			p.Fail(tolerance, "a tolerance is not below 0")
		}
		if c.Tolerance = t; relative && !percent {
			c.Tolerance = math.Abs(c.Value) * t / 100
		}
	case c.Is == About && c.Quantity != Other:
		p.Fail(value, "what is about a value needs a tolerance, as 5 %% or 50; 0 means exactly")
	}
	if (organization != nil) != (c.Quantity == Share) {
		p.Fail(cmp.Or(organization, value), "a share names an organization, or with others all but it; nothing else does")
	}
	switch {
	case period != nil && at != nil:
		p.Fail(at, "a claim has a period or a moment, not both")
	case period != nil:
		c.From, c.To = p.period(period)
	case at != nil:
		if day, err := time.Parse(time.DateOnly, p.Text(at, "at")); err != nil {
			p.Fail(at, "at is a day as 2024-10-31, of which the end counts")
		} else {
			c.To = day.AddDate(0, 0, 1).Format(time.RFC3339)
		}
	case c.Quantity != Other:
		p.Fail(n, "a claim has a period, or a moment (at)")
	}
	if at != nil && (c.Quantity == Growth || c.Quantity == Share) {
		p.Fail(at, "%s is of a period", c.Quantity)
	}
	p.claims = append(p.claims, c)
}

func (p *parser) scope(n *yaml.Node) (s measure.Scope) {
	kinds := 0
	read := func(kind string) func(*yaml.Node) {
		return func(n *yaml.Node) {
			kinds++
			s = measure.Scope{Kind: kind, Name: p.Text(n, kind)}
		}
	}
	p.Mapping(n, "a scope", strict.Fields{"class": read(measure.ScopeClass), "subsystem": read(measure.ScopeSubsystem)})
	if kinds != 1 {
		p.Fail(n, "a scope is a class or a subsystem")
	}
	return s
}

// period reads 2024, 2024-06, 2024-06-30, or a mapping with the first day and the one before which it ends.
func (p *parser) period(n *yaml.Node) (from, to string) {
	var a, b time.Time
	if n.Kind == yaml.ScalarNode {
		var ok bool
		if a, b, ok = strict.Calendar(n.Value); !ok {
			p.Fail(n, "a period is a year, a month or a day, as 2024 or 2024-06, or has from and to")
		}
	} else {
		day := func(to *time.Time) func(*yaml.Node) {
			return func(n *yaml.Node) {
				t, err := time.Parse(time.DateOnly, n.Value)
				if err != nil {
					p.Fail(n, "%q is no day as 2024-06-30", n.Value)
				}
				*to = t
			}
		}
		p.Mapping(n, "a period", strict.Fields{"from": day(&a), "to": day(&b)})
	}
	if !a.Before(b) || a.Before(start) || b.Year() > 2100 {
		p.Fail(n, "the period does not lie between 1990 and 2100, or ends before it starts")
	}
	return a.Format(time.RFC3339), b.Format(time.RFC3339)
}
