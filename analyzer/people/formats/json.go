package formats

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"orrery/analyzer/people"
)

// reader decodes JSON piece by piece, and knows the line of each.
type reader struct {
	*json.Decoder
	file string
	data []byte
	at   int // bytes whose lines are counted
	line int
}

func newReader(file string, data []byte) *reader {
	return &reader{Decoder: json.NewDecoder(bytes.NewReader(data)), file: file, data: data, line: 1}
}

// where gives the place of what comes next.
func (r *reader) where() string {
	at := int(r.InputOffset())
	for at < len(r.data) && strings.IndexByte(" \t\r\n,:", r.data[at]) >= 0 {
		at++
	}
	r.line += bytes.Count(r.data[r.at:max(at, r.at)], []byte("\n"))
	r.at = max(at, r.at)
	return fmt.Sprintf("%s:%d", r.file, r.line)
}

// fail adds the place to an error of the decoder.
func (r *reader) fail(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%s: %w", r.where(), err)
}

// object visits the members of an object; visit has to take the value.
func (r *reader) object(visit func(key, where string) error) error {
	if err := r.open('{'); err != nil {
		return err
	}
	for r.More() {
		token, err := r.Token()
		if err != nil {
			return r.fail(err)
		}
		key, _ := token.(string)
		if err := visit(key, r.where()); err != nil {
			return err
		}
	}
	_, err := r.Token()
	if err != nil {
		return r.fail(err)
	}
	return nil
}

func (r *reader) array(visit func(where string) error) error {
	if err := r.open('['); err != nil {
		return err
	}
	for r.More() {
		if err := visit(r.where()); err != nil {
			return err
		}
	}
	_, err := r.Token()
	if err != nil {
		return r.fail(err)
	}
	return nil
}

func (r *reader) open(want json.Delim) error {
	token, err := r.Token()
	if err != nil {
		return r.fail(err)
	}
	if token != want {
		return fmt.Errorf("%s: want %s", r.where(), want)
	}
	return nil
}

// take decodes a value.
func (r *reader) take(into any) error {
	if err := r.Decode(into); err != nil {
		return r.fail(err)
	}
	return nil
}

func (r *reader) skip() error { return r.take(new(json.RawMessage)) }

type stackUser struct {
	Launchpad string         `json:"launchpad_id,omitempty"`
	Name      string         `json:"user_name"`
	Emails    []string       `json:"emails"`
	Companies []stackCompany `json:"companies"`
}

type stackCompany struct {
	Name string  `json:"company_name"`
	End  *string `json:"end_date"`
}

type stackOrganization struct {
	Name    string   `json:"company_name"`
	Domains []string `json:"domains"`
	Aliases []string `json:"aliases,omitempty"`
}

// stackalytics reads the users and companies of default_data.json. A user's companies follow each other: each begins where the one before ends.
func (m *Map) stackalytics(file string, data []byte) error {
	r := newReader(file, data)
	return r.object(func(key, _ string) error {
		switch key {
		case "users":
			return r.array(func(where string) error {
				var u stackUser
				if err := r.take(&u); err != nil {
					return err
				}
				if len(u.Emails) > 1 {
					m.Same = append(m.Same, u.Emails)
				}
				from := ""
				for _, c := range u.Companies {
					to := ""
					if c.End != nil {
						var ok bool
						if to, ok = day(*c.End, "2006-Jan-02"); !ok {
							m.note(where, "want a date like 2019-Jul-09, not %q", *c.End)
							break
						}
					}
					if len(u.Emails) > 0 {
						m.person(where, u.Emails, c.Name, from, to)
					}
					from = to
				}
				return nil
			})
		case "companies":
			return r.array(func(where string) error {
				var o stackOrganization
				if err := r.take(&o); err != nil {
					return err
				}
				listed := m.organization(where, o.Name)
				listed.Aliases = append(listed.Aliases, o.Aliases...)
				for _, d := range o.Domains {
					if d != "" {
						m.domain(where, o.Name, d, "", "")
					}
				}
				return nil
			})
		}
		return r.skip()
	})
}

func writeStackalytics(w *writer, l *people.Listing) {
	out := struct {
		Users     []stackUser         `json:"users"`
		Companies []stackOrganization `json:"companies"`
	}{[]stackUser{}, []stackOrganization{}}
	for _, p := range persons(l) {
		u := stackUser{Emails: p.addresses, Companies: []stackCompany{}}
		u.Name, _, _ = strings.Cut(p.addresses[0], "@")
		for _, s := range w.chain(p.stays) {
			c := stackCompany{Name: s.Shares[0].Organization}
			if s.To != "" {
				t := s.To[:5] + months[s.To[5:7]] + s.To[7:]
				c.End = &t
			}
			u.Companies = append(u.Companies, c)
		}
		out.Users = append(out.Users, u)
	}
	for _, o := range l.Organizations {
		c := stackOrganization{Name: o.Name, Domains: []string{}, Aliases: o.Aliases}
		for _, d := range o.Domains {
			if d.From != "" || d.To != "" {
				w.note(d.Source, "the format has no dates of domains")
				continue
			}
			c.Domains = append(c.Domains, d.Name)
		}
		out.Companies = append(out.Companies, c)
	}
	w.json(out)
}

var months = map[string]string{
	"01": "Jan", "02": "Feb", "03": "Mar", "04": "Apr", "05": "May", "06": "Jun", "07": "Jul", "08": "Aug", "09": "Sep", "10": "Oct", "11": "Nov", "12": "Dec",
}

func (w *writer) json(v any) {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(v); err != nil { // strings and lists alone
		panic(err)
	}
}

type hatDomain struct {
	Domain string `json:"domain"`
	Top    bool   `json:"is_top"`
}

type hatPerson struct {
	Enrollments []hatEnrollment `json:"enrollments"`
	Identities  []hatIdentity   `json:"identities"`
	UUID        string          `json:"uuid"`
}

type hatEnrollment struct {
	Organization string `json:"organization"`
	Start        string `json:"start"`
	End          string `json:"end"`
}

type hatIdentity struct {
	Email  *string `json:"email"`
	Source string  `json:"source"`
	UUID   string  `json:"uuid"`
}

// The dates by which SortingHat says that a stay has no beginning or no end.
const (
	hatStart = "1900-01-01"
	hatEnd   = "2100-01-01"
)

// sortingHat reads organizations with their domains, and unique identities with their enrolments.
func (m *Map) sortingHat(file string, data []byte) error {
	r := newReader(file, data)
	return r.object(func(key, _ string) error {
		switch key {
		case "organizations":
			return r.object(func(name, where string) error {
				var domains []hatDomain
				if err := r.take(&domains); err != nil {
					return err
				}
				m.organization(where, name)
				for _, d := range domains {
					m.domain(where, name, d.Domain, "", "")
				}
				return nil
			})
		case "uidentities":
			return r.object(func(_, where string) error {
				var p hatPerson
				if err := r.take(&p); err != nil {
					return err
				}
				var addresses []string
				for _, i := range p.Identities {
					if i.Email != nil && *i.Email != "" {
						addresses = append(addresses, *i.Email)
					}
				}
				if len(addresses) > 1 {
					m.Same = append(m.Same, addresses)
				}
				for _, e := range p.Enrollments {
					from, ok1 := day(e.Start, "2006-01-02T15:04:05", "2006-01-02T15:04:05Z07:00")
					to, ok2 := day(e.End, "2006-01-02T15:04:05", "2006-01-02T15:04:05Z07:00")
					if !ok1 || !ok2 {
						m.note(where, "want dates like 2019-07-09T00:00:00")
						continue
					}
					if from <= hatStart {
						from = ""
					}
					if to >= hatEnd {
						to = ""
					}
					if len(addresses) > 0 {
						m.person(where, addresses, e.Organization, from, to)
					}
				}
				return nil
			})
		}
		return r.skip()
	})
}

func writeSortingHat(w *writer, l *people.Listing) {
	out := struct {
		Organizations map[string][]hatDomain `json:"organizations"`
		Identities    map[string]hatPerson   `json:"uidentities"`
		Source        string                 `json:"source"`
	}{map[string][]hatDomain{}, map[string]hatPerson{}, "orrery"}
	for _, o := range l.Organizations {
		out.Organizations[o.Name] = []hatDomain{}
		for _, d := range o.Domains {
			if d.From != "" || d.To != "" {
				w.note(d.Source, "the format has no dates of domains")
				continue
			}
			out.Organizations[o.Name] = append(out.Organizations[o.Name], hatDomain{d.Name, true})
		}
	}
	for i, p := range persons(l) {
		id := fmt.Sprintf("%040x", i+1)
		person := hatPerson{UUID: id, Enrollments: []hatEnrollment{}}
		for _, a := range p.addresses {
			person.Identities = append(person.Identities, hatIdentity{Email: &a, Source: "orrery", UUID: id})
		}
		for _, s := range p.stays {
			if len(s.Shares) > 1 {
				w.note(s.Source, "the format has no percentages")
				continue
			}
			e := hatEnrollment{s.Shares[0].Organization, hatStart + "T00:00:00", hatEnd + "T00:00:00"}
			if out.Organizations[e.Organization] == nil {
				out.Organizations[e.Organization] = []hatDomain{}
			}
			if s.From != "" {
				e.Start = s.From + "T00:00:00"
			}
			if s.To != "" {
				e.End = s.To + "T00:00:00"
			}
			person.Enrollments = append(person.Enrollments, e)
		}
		out.Identities[id] = person
	}
	w.json(out)
}
