// Package strict reads YAML that people write by hand: a key that is not known, a key that stands twice and a value of another kind are
// mistakes, each told with file, line and column.
package strict

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"
)

// The bounds on a file.
const (
	maxFile    = 1 << 20
	maxItems   = 1000 // of a list
	maxDepth   = 16
	maxAliases = 100
	maxErrors  = 20 // reported at once
)

// Parser collects the mistakes of one file.
type Parser struct {
	Name string // of the file, in errors
	Kind error  // that every mistake wraps
	errs []error
}

// Fields say how the value of each known key is read.
type Fields map[string]func(*yaml.Node)

// ReadFile gives the content of a regular file that is not too large. Its error wraps p.Kind.
func (p *Parser) ReadFile() ([]byte, error) {
	info, err := os.Stat(p.Name)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is no regular file")
	}
	if err == nil && info.Size() > maxFile {
		err = fmt.Errorf("it is larger than %d bytes", maxFile)
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(p.Name)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: reading %s: %w", p.Kind, p.Name, err)
	}
	return data, nil
}

// Root reads YAML, nil if it is none.
func (p *Parser) Root(data []byte) *yaml.Node {
	var document yaml.Node
	limits := loaderlimits.New(loaderlimits.DepthValue(maxDepth), loaderlimits.AliasValue(maxAliases))
	if len(data) > maxFile {
		p.Fail(nil, "the file is larger than %d bytes", maxFile)
		return nil
	}
	if err := yaml.Load(data, &document, yaml.WithPlugin(limits)); err != nil {
		text, line, column := err.Error(), 1, 1
		if e, ok := errors.AsType[*yaml.LoadError](err); ok {
			text, line, column = e.Message, max(e.Mark.Line, 1), max(e.Mark.Column, 1)
		}
		p.Fail(&yaml.Node{Line: line, Column: column}, "not YAML: %s", strings.TrimPrefix(text, "yaml: "))
		return nil
	}
	if document.Kind == yaml.DocumentNode && len(document.Content) == 1 {
		return document.Content[0]
	}
	return &document
}

// Fail notes a mistake; n is its place, nil if it has none.
func (p *Parser) Fail(n *yaml.Node, format string, args ...any) {
	place := p.Name
	if n != nil && n.Line > 0 {
		place = fmt.Sprintf("%s:%d:%d", p.Name, n.Line, n.Column)
	}
	switch {
	case len(p.errs) < maxErrors:
		p.errs = append(p.errs, fmt.Errorf("%w: %s: %s", p.Kind, place, fmt.Sprintf(format, args...)))
	case len(p.errs) == maxErrors:
		p.errs = append(p.errs, fmt.Errorf("%w: %s: there are more mistakes", p.Kind, p.Name))
	}
}

// Mistakes counts those noted so far.
func (p *Parser) Mistakes() int { return len(p.errs) }

// Err joins them, nil if there are none.
func (p *Parser) Err() error { return errors.Join(p.errs...) }

// Mapping reads one, each key once, and no other keys.
func (p *Parser) Mapping(n *yaml.Node, what string, known Fields) {
	if n.Kind != yaml.MappingNode {
		p.Fail(n, "%s is a mapping", what)
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
			p.Fail(key, "unknown key %q in %s; there are %s", key.Value, what, strings.Join(names, ", "))
		case twice:
			p.Fail(key, "key %q stands twice, first in line %d", key.Value, line)
		default:
			seen[key.Value] = key.Line
			read(n.Content[i+1])
		}
	}
}

// Each reads the items of a list.
func (p *Parser) Each(n *yaml.Node, what string, read func(*yaml.Node)) {
	if n.Kind != yaml.SequenceNode {
		p.Fail(n, "%s is a list", what)
		return
	}
	for i, item := range n.Content {
		if i == maxItems {
			p.Fail(item, "there are more than %d", maxItems)
			return
		}
		read(item)
	}
}

// Text reads one that is not empty.
func (p *Parser) Text(n *yaml.Node, what string) string {
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" || strings.TrimSpace(n.Value) == "" {
		p.Fail(n, "%s is a text", what)
		return ""
	}
	return strings.TrimSpace(n.Value)
}

// OneOf reads a word of a list.
func (p *Parser) OneOf(n *yaml.Node, what string, known []string) string {
	text := p.Text(n, what)
	if text != "" && !slices.Contains(known, text) {
		p.Fail(n, "%s is one of %s, not %q", what, strings.Join(known, ", "), text)
	}
	return text
}

// Source is where something was published.
type Source struct {
	Title string `json:"title"`
	URL   string `json:"url,omitempty"`
	Date  string `json:"date"` // a day, a month or a year
}

// String gives title, date and address.
func (s Source) String() string {
	text := s.Title + ", " + s.Date
	if s.URL != "" {
		text += ", " + s.URL
	}
	return text
}

// Source reads one.
func (p *Parser) Source(n *yaml.Node) (s Source) {
	p.Mapping(n, "a source", Fields{
		"title": func(n *yaml.Node) { s.Title = p.Text(n, "title") },
		"url": func(n *yaml.Node) {
			s.URL = p.Text(n, "url")
			if u, err := url.Parse(s.URL); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
				p.Fail(n, "url is an address as https://HOST/PATH")
			}
		},
		"date": func(n *yaml.Node) {
			s.Date = p.Text(n, "date")
			if _, _, ok := Calendar(s.Date); !ok && s.Date != "" {
				p.Fail(n, "date is a day, a month or a year, as 2024-10-31, 2024-10 or 2024")
			}
		},
	})
	if s.Title == "" || s.Date == "" {
		p.Fail(n, "a source has a title and a date")
	}
	return s
}

// Calendar reads a year, a month or a day, as [from, to).
func Calendar(text string) (from, to time.Time, ok bool) {
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
