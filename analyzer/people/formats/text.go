package formats

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"orrery/analyzer/people"
)

// gitdm reads a map of gitdm: lines `[user@]domain employer [< date]`, or `alias address` where the second word is an address too; or a
// configuration, whose EmailMap, EmailAliases and GroupMap name files beside it, and whose VirtualEmployer divides one.
func (m *Map) gitdm(file string, data []byte) error {
	return m.gitdmFile(file, data, "", 0)
}

func (m *Map) gitdmFile(file string, data []byte, group string, depth int) (err error) {
	virtual := ""
	type dated struct{ where, employer, to string }
	chains := map[string][]dated{} // of addresses and domains: gitdm's lines say until when
	var order []string
	m.lines(file, data, func(where, line string) {
		line, _, _ = strings.Cut(line, "#")
		words := fields(line)
		if len(words) == 0 || err != nil {
			return
		}
		rest := strings.Join(words[1:], " ")
		switch strings.ToLower(words[0]) {
		case "emailmap", "emailaliases", "groupmap":
			employer := ""
			if strings.EqualFold(words[0], "groupmap") && len(words) > 2 {
				employer = strings.Join(words[2:], " ")
			}
			if len(words) < 2 || depth > 0 || !filepath.IsLocal(words[1]) {
				m.note(where, "a file that is not beside this one")
				return
			}
			path := filepath.Join(filepath.Dir(file), words[1])
			inner, openErr := m.open(path)
			if openErr != nil {
				m.note(where, "%s cannot be read", words[1])
				return
			}
			err = m.gitdmFile(filepath.ToSlash(path), inner, employer, depth+1)
			return
		case "filetypemap", "filetypemapper", "filetype":
			return
		case "virtualemployer":
			virtual = rest
			m.virtual[strings.ToLower(virtual)] = nil
			return
		}
		if virtual != "" {
			percent, numErr := strconv.Atoi(strings.TrimSuffix(words[0], "%"))
			switch {
			case strings.EqualFold(words[0], "end"):
				virtual = ""
			case numErr != nil || percent < 1 || percent > 100 || rest == "":
				m.note(where, "want a percentage and an employer, or end")
			default:
				key := strings.ToLower(virtual)
				m.virtual[key] = append(m.virtual[key], people.ListedShare{Organization: rest, Percent: percent})
			}
			return
		}
		if group != "" {
			m.person(where, []string{words[0]}, group, "", "")
			return
		}
		if len(words) < 2 {
			m.note(where, "want an address or a domain, and an employer")
			return
		}
		if len(words) == 2 && strings.Contains(words[0], "@") && strings.Contains(words[1], "@") {
			m.Same = append(m.Same, []string{words[0], words[1]})
			return
		}
		employer, date, dates := strings.Cut(rest, "<")
		to, ok := day(date)
		if !ok || dates && to == "" {
			m.note(where, "want a date like 2019-07-09 after <")
			return
		}
		key := strings.ToLower(words[0])
		if _, known := chains[key]; !known {
			order = append(order, key)
		}
		chains[key] = append(chains[key], dated{where, strings.TrimSpace(employer), to})
	})
	for _, key := range order {
		chain := chains[key]
		slices.SortStableFunc(chain, func(a, b dated) int { // the one without an end comes last
			return strings.Compare(endOf(a.to), endOf(b.to))
		})
		from := ""
		for i, c := range chain {
			if i > 0 && c.to == chain[i-1].to { // two at once: both begin where the one before them ends, and contradict each other
				from = ""
				if i > 1 {
					from = chain[i-2].to
				}
			}
			if strings.Contains(key, "@") {
				m.person(c.where, []string{key}, c.employer, from, c.to)
			} else {
				m.domain(c.where, c.employer, key, from, c.to)
			}
			from = c.to
		}
	}
	return err
}

func endOf(to string) string {
	if to == "" {
		return "~"
	}
	return to
}

// fields cuts a line at blanks, but for those in quotation marks.
func fields(line string) (words []string) {
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		if line[0] == '"' {
			if word, rest, ok := strings.Cut(line[1:], `"`); ok {
				if word != "" {
					words = append(words, word)
				}
				line = rest
				continue
			}
		}
		i := strings.IndexAny(line, " \t")
		if i < 0 {
			i = len(line)
		}
		words = append(words, line[:i])
		line = line[i:]
	}
	return words
}

// chain gives the stays of an address as gitdm and Stackalytics can say them: each begins where the one before ends.
func (w *writer) chain(stays []people.ListedPerson) (kept []people.ListedPerson) {
	slices.SortStableFunc(stays, func(a, b people.ListedPerson) int { return strings.Compare(a.From, b.From) })
	from := ""
	for _, p := range stays {
		switch {
		case len(p.Shares) > 1:
			w.note(p.Source, "the format has no percentages")
		case p.From != from || len(kept) > 0 && from == "":
			w.note(p.Source, "the format cannot say that this begins on %s", p.From)
		default:
			kept = append(kept, p)
			from = p.To
		}
	}
	return kept
}

// byAddress groups statements by address, in order.
func byAddress(l *people.Listing) (order []string, stays map[string][]people.ListedPerson) {
	stays = map[string][]people.ListedPerson{}
	for _, p := range l.People {
		for _, a := range p.Addresses {
			if stays[a] == nil {
				order = append(order, a)
			}
			stays[a] = append(stays[a], p)
		}
	}
	slices.Sort(order)
	return order, stays
}

func writeGitdm(w *writer, l *people.Listing) {
	put := func(key, employer, to string) {
		if to != "" {
			to = " < " + to
		}
		w.line("%s %s%s", key, plain(employer, "#<\""), to)
	}
	order, stays := byAddress(l)
	for _, a := range order {
		for _, p := range w.chain(stays[a]) {
			put(a, p.Shares[0].Organization, p.To)
		}
	}
	domains := map[string][]people.ListedPerson{}
	var names []string
	for _, o := range l.Organizations {
		for _, d := range o.Domains {
			if domains[d.Name] == nil {
				names = append(names, d.Name)
			}
			domains[d.Name] = append(domains[d.Name], people.ListedPerson{Shares: []people.ListedShare{{Organization: o.Name, Percent: 100}}, From: d.From, To: d.To, Source: d.Source})
		}
	}
	slices.Sort(names)
	for _, d := range names {
		for _, p := range w.chain(domains[d]) {
			put(d, p.Shares[0].Organization, p.To)
		}
	}
	for _, g := range l.Same {
		for _, a := range g[1:] {
			w.line("%s %s", a, g[0])
		}
	}
}

// plain keeps a name from being read as something else: signs that a format gives a meaning become blanks.
func plain(name, signs string) string {
	return strings.Join(strings.FieldsFunc(name, func(r rune) bool { return r < ' ' || r == ' ' || r == 0x7f || strings.ContainsRune(signs, r) }), " ")
}

// cncf reads `login: local!domain, …`, and below it lines with a tab: `Company [from DATE] [until DATE]`.
func (m *Map) cncf(file string, data []byte) error {
	var addresses []string
	m.lines(file, data, func(where, line string) {
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			return
		}
		if line[0] != '\t' && line[0] != ' ' {
			addresses = nil
			_, rest, ok := strings.Cut(line, ":")
			if !ok {
				m.note(where, "want a login, a colon and addresses")
				return
			}
			for a := range strings.SplitSeq(rest, ",") {
				if a = strings.TrimSpace(a); a != "" {
					if i := strings.LastIndexByte(a, '!'); i >= 0 {
						a = a[:i] + "@" + a[i+1:]
					}
					addresses = append(addresses, a)
				}
			}
			if len(addresses) > 1 {
				m.Same = append(m.Same, addresses)
			}
			return
		}
		company, from, to := strings.TrimSpace(line), "", ""
		ok := true
		if i := strings.LastIndex(company, " until "); i >= 0 {
			var fine bool
			to, fine = day(company[i+len(" until "):])
			company, ok = company[:i], ok && fine
		}
		if i := strings.LastIndex(company, " from "); i >= 0 {
			var fine bool
			from, fine = day(company[i+len(" from "):])
			company, ok = company[:i], ok && fine
		}
		switch {
		case !ok:
			m.note(where, "want dates like 2019-07-09")
		case len(addresses) == 0:
			m.note(where, "nobody stands above this")
		default:
			m.person(where, addresses, company, from, to)
		}
	})
	return nil
}

func writeCNCF(w *writer, l *people.Listing) {
	for _, p := range persons(l) {
		var bang []string
		for _, a := range p.addresses {
			i := strings.LastIndexByte(a, '@')
			bang = append(bang, a[:i]+"!"+a[i+1:])
		}
		login, _, _ := strings.Cut(p.addresses[0], "@")
		w.line("%s: %s", plain(login, ":#,"), strings.Join(bang, ", "))
		for _, s := range p.stays {
			if len(s.Shares) > 1 {
				w.note(s.Source, "the format has no percentages")
				continue
			}
			line := "\t" + plain(s.Shares[0].Organization, "")
			if s.From != "" {
				line += " from " + s.From
			}
			if s.To != "" {
				line += " until " + s.To
			}
			w.line("%s", line)
		}
	}
	for _, o := range l.Organizations {
		for _, d := range o.Domains {
			w.note(d.Source, "the format has no domains")
		}
	}
}

// whole is a person with all that is said of the same addresses.
type whole struct {
	addresses []string
	stays     []people.ListedPerson
}

// persons gathers statements about the same addresses.
func persons(l *people.Listing) (all []whole) {
	index := map[string]int{}
	for _, p := range l.People {
		key := strings.Join(p.Addresses, "\x00")
		i, ok := index[key]
		if !ok {
			i = len(all)
			index[key] = i
			all = append(all, whole{addresses: p.Addresses})
		}
		all[i].stays = append(all[i].stays, p)
	}
	return all
}

// organizationMap reads lines `Organization <contact> Name <address>`.
func (m *Map) organizationMap(file string, data []byte) error {
	m.lines(file, data, func(where, line string) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			return
		}
		organization, rest, ok1 := strings.Cut(line, "<")
		_, rest, ok2 := strings.Cut(rest, ">")
		_, address, ok3 := strings.Cut(rest, "<")
		address, _, ok4 := strings.Cut(address, ">")
		if organization = strings.TrimSpace(organization); !ok1 || !ok2 || !ok3 || !ok4 || organization == "" {
			m.note(where, "want Organization <contact> Name <address>")
			return
		}
		m.person(where, []string{address}, organization, "", "")
	})
	return nil
}

func writeOrganizationMap(w *writer, l *people.Listing) {
	for _, p := range l.People {
		switch {
		case len(p.Shares) > 1:
			w.note(p.Source, "the format has no percentages")
		case p.From != "" || p.To != "":
			w.note(p.Source, "the format has no dates")
		default:
			for _, a := range p.Addresses {
				name, _, _ := strings.Cut(a, "@")
				w.line("%s <contact@organization.example> %s <%s>", plain(p.Shares[0].Organization, "<>#"), plain(name, "<>"), a)
			}
		}
	}
	for _, o := range l.Organizations {
		for _, d := range o.Domains {
			w.note(d.Source, "the format has no domains")
		}
	}
}
