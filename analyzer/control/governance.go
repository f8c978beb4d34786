package control

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"orrery/analyzer/strict"
)

// Powers that no repository states, and that people write down by hand.
const (
	Board      = "board"      // seats of a board or a steering committee
	Foundation = "foundation" // seats or membership of the foundation that holds the project
	Trademark  = "trademark"  // who owns the name
	Licence    = "licence"    // that the code is under; whose licence it is, where somebody can change it alone
	CLA        = "cla"        // what contributors sign, and whom it gives rights to
	CI         = "ci"         // who runs the machines that changes have to pass
	Signing    = "signing"    // who signs releases
	Forge      = "forge"      // who runs the place where the code lies, and under which law
)

// powers in the order of reports.
var powers = []string{Board, Foundation, Trademark, Licence, CLA, CI, Signing, Forge}

// ErrGovernance is wrapped by the error of a governance file that is wrong.
var ErrGovernance = errors.New("wrong governance file")

// Statement is a line of a governance file: a power that an organization has, from when to when, and who says so.
type Statement struct {
	Power        string `json:"power"`
	Organization string `json:"organization"`   // as written; "" where nobody holds it alone, or is named: of a licence, of what contributors sign, of keys
	Name         string `json:"name,omitempty"` // of the board, the mark, the licence, the forge
	// Seats are those that the organization has of Of in all; 0 of what is no body, and where nobody says how many there are.
	Seats int `json:"seats,omitempty"`
	Of    int `json:"of,omitempty"`
	// Country is the jurisdiction, ISO 3166-1 alpha-2; "" where it is not stated.
	Country string `json:"country,omitempty"`
	// From and To are UTC days, [From, To); To is "" while it holds. Without a day in the file it holds from the source's date on: nobody
	// said so before.
	From   string        `json:"from"`
	To     string        `json:"to,omitempty"`
	Source strict.Source `json:"source"`
	Note   string        `json:"note,omitempty"`
	File   string        `json:"file"`
	Line   int           `json:"line"`
}

// Holds says whether it holds at a moment, in Unix seconds.
func (s *Statement) Holds(at int64) bool {
	day := time.Unix(at, 0).UTC().Format(time.DateOnly)
	return s.From <= day && (s.To == "" || day < s.To)
}

// Says gives it in a few words, without whose it is: "board 2 of 5", "forge (CN)".
func (s *Statement) Says() string {
	text := s.Power
	if s.Seats > 0 {
		text += " " + strconv.Itoa(s.Seats)
		if s.Of > 0 {
			text += " of " + strconv.Itoa(s.Of)
		}
	}
	if s.Country != "" {
		text += " (" + s.Country + ")"
	}
	return text
}

// ReadGovernance reads a file. Its error names every mistake with file, line and column.
func ReadGovernance(path string) ([]Statement, error) {
	p := strict.Parser{Name: path, Kind: ErrGovernance}
	data, err := p.ReadFile()
	if err != nil {
		return nil, err
	}
	return ParseGovernance(path, data)
}

// ParseGovernance reads statements; name stands in errors, and in the statements as their file.
func ParseGovernance(name string, data []byte) ([]Statement, error) {
	p := &governance{Parser: strict.Parser{Name: name, Kind: ErrGovernance}}
	if root := p.Root(data); root != nil {
		found := false
		p.Mapping(root, "a governance file", strict.Fields{"governance": func(n *yaml.Node) {
			found = true
			p.Each(n, "governance", p.statement)
		}})
		if p.Mistakes() == 0 && !found {
			p.Fail(root, "nothing is stated: a list governance is wanted")
		}
	}
	if p.Mistakes() == 0 {
		p.bodies()
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	slices.SortStableFunc(p.all, func(a, b Statement) int { return slices.Index(powers, a.Power) - slices.Index(powers, b.Power) })
	return p.all, nil
}

type governance struct {
	strict.Parser
	all   []Statement
	nodes []*yaml.Node
}

var countryCode = regexp.MustCompile(`^[A-Z]{2}$`)

func (p *governance) statement(n *yaml.Node) {
	s := Statement{File: p.Name, Line: n.Line}
	before := p.Mistakes()
	var seats *yaml.Node
	number := func(what string, to *int) func(*yaml.Node) {
		return func(n *yaml.Node) {
			seats = n
			if x, err := strconv.Atoi(p.Text(n, what)); err != nil || x < 1 || x > 10_000 {
				p.Fail(n, "%s is a number from 1 to 10000", what)
			} else {
				*to = x
			}
		}
	}
	day := func(what string, to *string) func(*yaml.Node) {
		return func(n *yaml.Node) {
			*to = p.Text(n, what)
			if _, err := time.Parse(time.DateOnly, *to); err != nil {
				p.Fail(n, "%s is a day as 2024-10-31", what)
			}
		}
	}
	p.Mapping(n, "a statement", strict.Fields{
		"power":        func(n *yaml.Node) { s.Power = p.OneOf(n, "power", powers) },
		"organization": func(n *yaml.Node) { s.Organization = p.Text(n, "organization") },
		"name":         func(n *yaml.Node) { s.Name = p.Text(n, "name") },
		"seats":        number("seats", &s.Seats), "of": number("of", &s.Of),
		"country": func(n *yaml.Node) {
			if s.Country = p.Text(n, "country"); !countryCode.MatchString(s.Country) {
				p.Fail(n, "country is two capital letters (ISO 3166-1), as CN")
			}
		},
		"from": day("from", &s.From), "to": day("to", &s.To),
		"source": func(n *yaml.Node) { s.Source = p.Source(n) },
		"note":   func(n *yaml.Node) { s.Note = p.Text(n, "note") },
	})
	if p.Mistakes() > before {
		return
	}
	body := s.Power == Board || s.Power == Foundation
	switch {
	case s.Power == "" || s.Source.Title == "":
		p.Fail(n, "a statement has a power and a source")
	case s.Organization == "" && s.Power != Licence && s.Power != CLA && s.Power != Signing:
		p.Fail(n, "a statement names the organization that has the power")
	case seats != nil && !body:
		p.Fail(seats, "seats are those of a board or a foundation")
	case s.Of > 0 && s.Seats == 0:
		p.Fail(seats, "of how many seats are its own? seats is missing")
	case s.Power == Forge && s.Country == "":
		p.Fail(n, "a forge has a country: the law that it is under")
	}
	if s.From == "" {
		from, _, _ := strict.Calendar(s.Source.Date)
		s.From = from.Format(time.DateOnly)
	}
	if s.To != "" && s.To <= s.From {
		p.Fail(n, "it ends before it begins, on %s", s.From)
	}
	p.all, p.nodes = append(p.all, s), append(p.nodes, n)
}

// bodies checks that of a body no more seats are taken than there are: on each day that one begins.
func (p *governance) bodies() {
	for i := range p.all {
		s := &p.all[i]
		if s.Of == 0 {
			continue
		}
		taken := 0
		for k := range p.all {
			o := &p.all[k]
			if o.Power != s.Power || !strings.EqualFold(o.Name, s.Name) || o.From > s.From || o.To != "" && o.To <= s.From {
				continue
			}
			taken += o.Seats
			if o.Of > 0 && o.Of != s.Of {
				p.Fail(p.nodes[i], "the same body has %d seats in line %d", o.Of, o.Line)
				return
			}
		}
		if taken > s.Of {
			p.Fail(p.nodes[i], "%d seats are taken of %d on %s", taken, s.Of, s.From)
		}
	}
}

// Bounds gives the share of a body's seats that is an organization's at the same time: at least, and at most if all that nobody states are
// its; false where the number of seats is not stated.
func (s *Statement) Bounds(all []Statement, at int64) (low, high float64, ok bool) {
	if s.Of == 0 {
		return 0, 0, false
	}
	taken, own := 0, 0
	for i := range all {
		if o := &all[i]; o.Power == s.Power && strings.EqualFold(o.Name, s.Name) && o.Holds(at) {
			taken += o.Seats
			if strings.EqualFold(o.Organization, s.Organization) {
				own += o.Seats
			}
		}
	}
	return float64(own) / float64(s.Of), float64(own+max(0, s.Of-taken)) / float64(s.Of), true
}
