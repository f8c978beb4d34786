package people

import (
	"math"
	"strings"
)

// Listing is what organizations files say, in plain form: what other formats are written from.
type Listing struct {
	Organizations []ListedOrganization // in the order of files
	People        []ListedPerson
	Same          [][]string // addresses of one person each
}

// ListedOrganization is an organization with its domains.
type ListedOrganization struct {
	Name    string
	Aliases []string
	Domains []Dated
	Source  string // file:line
}

// Dated is a name or an address that stands for something from From to To (the first day after), days like 2019-07-09 or "" for always.
type Dated struct {
	Name, From, To string
	Source         string // file:line, and what that says
}

// ListedPerson is a dated statement about somebody.
type ListedPerson struct {
	Name      string // "" for any
	Addresses []string
	Shares    []ListedShare
	From, To  string
	Source    string
}

// ListedShare is an organization with its percentage of a person.
type ListedShare struct {
	Organization string
	Percent      int
}

// List gives what organizations files say, without the built-in directory unless that is asked for.
func List(embedded bool, paths ...string) (*Listing, error) {
	d, err := LoadDirectory(paths...)
	if err != nil {
		return nil, err
	}
	wanted := func(at position) bool { return embedded || at.file != builtIn }
	out := &Listing{}
	byIndex := map[int]int{}
	list := func(i int) *ListedOrganization {
		k, ok := byIndex[i]
		if !ok {
			k = len(out.Organizations)
			byIndex[i] = k
			o := &d.organizations[i]
			out.Organizations = append(out.Organizations, ListedOrganization{Name: o.name, Aliases: o.aliases, Source: o.where.String()})
		}
		return &out.Organizations[k]
	}
	for i := range d.organizations {
		if wanted(d.organizations[i].where) {
			list(i)
		}
	}
	for _, name := range sortedKeys(d.domains) {
		for _, e := range d.domains[name] {
			if wanted(e.where) && e.organization != NoOrganization {
				o := list(e.organization)
				o.Domains = append(o.Domains, Dated{name, openDay(e.valid.from), openDay(e.valid.to), e.where.String()})
			}
		}
	}
	for i := range d.people {
		s := &d.people[i]
		p := ListedPerson{Name: s.name, Addresses: s.addresses, From: openDay(s.valid.from), To: openDay(s.valid.to), Source: s.where.String()}
		for _, share := range s.shares {
			p.Shares = append(p.Shares, ListedShare{d.organizations[share.organization].name, share.percent})
		}
		out.People = append(out.People, p)
	}
	for _, g := range d.same {
		out.Same = append(out.Same, g.members)
	}
	return out, nil
}

func openDay(day int32) string {
	if day == math.MinInt32 || day == math.MaxInt32 {
		return ""
	}
	return dayText(day)
}

// Canonical gives the name that a directory knows an organization by.
func (d *Directory) Canonical(name string) (string, bool) {
	if i, ok := d.byName[normalizeName(name)]; ok {
		return d.organizations[i].name, true
	}
	return "", false
}

// Owners says what a directory has to say of a domain itself, whatever the date: the names of organizations, and whether it is personal.
func (d *Directory) Owners(domain string) (organizations []string, personal bool) {
	for _, e := range d.domains[strings.ToLower(domain)] {
		if e.organization == NoOrganization {
			personal = true
		} else {
			organizations = append(organizations, d.organizations[e.organization].name)
		}
	}
	return organizations, personal || len(organizations) == 0 && freeMail()[domain]
}

// Mailbox gives an address in lower case and repaired, and whether it is one person's.
func (d *Directory) Mailbox(raw string) (string, bool) {
	a := parseAddress(raw, d)
	return a.text, a.form == valid
}

// IsDomain says whether a text can stand as a domain of an organization.
func IsDomain(text string) bool {
	return strings.Contains(text, ".") && len(text) <= maxAddress && formOf("x", text) == valid
}
