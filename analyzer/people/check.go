package people

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// contradictions looks for what is well formed and yet cannot be meant: statements that no day or domain is left to, two answers to one
// question, and spellings that look like one name.
func (l *loader) contradictions() {
	l.oddNames()
	l.spellings()
	l.employersOfFreeMail()
	l.repairedAway()
	l.machinesTwice()
	l.peopleTwice()
	l.groupsAgainst()
}

// editable says whether a place is in a file that somebody can change: not in the embedded directory, which files may go against.
func (l *loader) editable(at position) bool { return at.file != builtIn || l.alone }

// IsNobody says whether a name of an organization is a word by which maps say that no employer is known, or none is there.
func IsNobody(organization string) bool {
	switch strings.Trim(strings.ToLower(organization), " *?()-.") {
	case "", "independent", "individual", "self", "notfound", "not found", "unknown", "none", "robots", "bot", "na", "n/a", "null", "personal", "hobbyist", "consultant",
		"student", "freelance", "freelancer", "unaffiliated", "no affiliation", "academics (unknown)", "funded", "openeuler", "openharmony", "社区", "个人", "个人开发者", "个人贡献者", "独立开发者", "无":
		return true
	}
	return false
}

// oddNames reports names of organizations that are words for nobody, and those that look like others: with characters that nobody sees, or letters
// of another script among Latin ones.
func (l *loader) oddNames() {
	for i := range l.organizations {
		o := &l.organizations[i]
		if !l.editable(o.where) {
			continue
		}
		for _, name := range append([]string{o.name}, o.aliases...) {
			switch {
			case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
				l.warn(o.where, "the name %+q has characters that nobody sees", name)
			case slices.ContainsFunc(strings.Fields(name), mixed):
				l.warn(o.where, "the name %+q mixes letters of several scripts in one word: it may look like another one", name)
			case IsNobody(name), legal[normalizeName(name)]:
				l.warn(o.where, "%q is a word for nobody in particular: whatever is given to it counts for %q", name, o.name)
			}
		}
	}
}

// mixed says whether a word has Latin letters and others that look like them.
func mixed(word string) bool {
	has := func(table *unicode.RangeTable) bool {
		return strings.ContainsFunc(word, func(r rune) bool { return unicode.Is(table, r) })
	}
	return has(unicode.Latin) && (has(unicode.Cyrillic) || has(unicode.Greek))
}

// parentsTwice reports organizations with two parents on a day.
func (l *loader) parentsTwice() {
	for i := range l.organizations {
		o := &l.organizations[i]
		for k, p := range o.parents {
			for _, first := range o.parents[:k] {
				if first.valid.overlaps(p.valid) {
					l.problem(p.where, "%q has two parents on %s: %q and %q", o.name, dayText(max(first.valid.from, p.valid.from)),
						l.organizations[first.organization].name, l.organizations[p.organization].name)
				}
			}
		}
	}
}

// legal are the words that the names of one organization differ by.
var legal = setOf("inc", "incorporated", "ltd", "limited", "co", "corp", "corporation", "company", "gmbh", "ag", "llc", "plc", "sa", "bv", "ab", "oy",
	"group", "holdings", "technologies", "technology", "有限公司", "股份有限公司", "集团")

// bare gives what is left of a name without signs and legal forms.
func bare(name string) string {
	words := strings.FieldsFunc(normalizeName(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) })
	kept := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return legal[w] })
	if len(kept) == 0 {
		kept = words
	}
	s := strings.Join(kept, "")
	for _, suffix := range []string{"技术有限公司", "股份有限公司", "有限责任公司", "有限公司", "集团", "公司"} {
		if rest := strings.TrimSuffix(s, suffix); len(rest) >= 2*len("公") {
			s = rest
		}
	}
	return s
}

// spellings reports organizations that are told apart by signs or legal forms alone.
func (l *loader) spellings() {
	first := map[string]int{}
	for i := range l.organizations {
		o := &l.organizations[i]
		seen := map[string]bool{}
		for _, name := range append([]string{o.name}, o.aliases...) {
			key := bare(name)
			if key == "" || seen[key] {
				continue
			}
			seen[key] = true
			j, taken := first[key]
			if !taken {
				first[key] = i
				continue
			}
			if j == i || l.byName[normalizeName(name)] != i { // the second is reported as a clash already
				continue
			}
			at, other := o.where, &l.organizations[j]
			if at.file == builtIn {
				at = other.where
			}
			if l.editable(at) {
				l.warn(at, "%q and %q are spelled alike (%s): one organization with an alias, or two?", other.name, o.name, key)
			}
		}
	}
}

// employersOfFreeMail reports free-mail domains that are given to an organization: everybody's address would make everybody an employee.
func (l *loader) employersOfFreeMail() {
	for _, domain := range sortedKeys(l.domains) {
		for _, e := range l.domains[domain] {
			if e.organization == NoOrganization || !l.editable(e.where) {
				continue
			}
			if l.free(domain) {
				l.warn(e.where, "%s is a free-mail domain: it would make everybody who has an address there work for %q", domain, l.organizations[e.organization].name)
			}
			if forges[domain] != "" {
				l.warn(e.where, "%s is never reached: it is a forge's domain of addresses that it makes up", domain)
			}
		}
	}
}

// free says whether a domain is a free-mail provider's: by the embedded directory, and where that says nothing by the list of them.
func (l *loader) free(domain string) bool {
	for _, e := range l.domains[domain] {
		if e.where.file == builtIn {
			return e.class == Personal
		}
	}
	return freeMail()[domain]
}

// repairedAway reports domains that stand as misspellings of others, so no address ever has them.
func (l *loader) repairedAway() {
	for _, domain := range sortedKeys(l.domains) {
		if _, _, repaired := l.repair(domain); !repaired {
			continue
		}
		for _, e := range l.domains[domain] {
			if l.editable(e.where) {
				right, _, _ := l.repair(domain)
				l.warn(e.where, "%s is never reached: it is repaired to %s", domain, right)
			}
		}
	}
	for _, wrong := range sortedKeys(l.misspelled) {
		m := l.misspelled[wrong]
		if _, again := l.misspelled[m.domain]; again && l.editable(m.where) {
			l.warn(m.where, "%s is a misspelling itself, and repaired no further", m.domain)
		}
	}
}

// machinesTwice reports patterns that an earlier one leaves nothing to.
func (l *loader) machinesTwice() {
	for i := range l.machines {
		m := &l.machines[i]
		for _, first := range l.machines[:i] {
			if matches(first.name, m.name) && matches(first.address, m.address) && l.editable(m.where) && (first.name == "" || m.name != "") && (first.address == "" || m.address != "") {
				l.warn(m.where, "this pattern is never reached: line %d of %s fits all that it does", first.where.line, first.where.file)
				break
			}
		}
	}
}

// peopleTwice reports dated statements about the same address that overlap.
func (l *loader) peopleTwice() {
	type claim struct{ person, at int }
	byAddress := map[string][]claim{}
	for i := range l.people {
		for k, raw := range l.people[i].addresses {
			a := parseAddress(raw, &l.Directory)
			if a.form != valid && !strings.HasPrefix(raw, "p-") { // a pseudonym
				l.warn(l.people[i].where, "address %d of this person is no address of one person, and is never met", k+1)
				continue
			}
			byAddress[a.text] = append(byAddress[a.text], claim{i, k})
		}
	}
	reported := map[[2]int]bool{}
	for _, address := range sortedKeys(byAddress) {
		claims := byAddress[address]
		for k, c := range claims {
			p := &l.people[c.person]
			for _, f := range claims[:min(k, maxStatements)] {
				first := &l.people[f.person]
				if f.person == c.person || !first.valid.overlaps(p.valid) || first.name != "" && p.name != "" && first.name != p.name || reported[[2]int{f.person, c.person}] {
					continue
				}
				reported[[2]int{f.person, c.person}] = true
				day := dayText(max(first.valid.from, p.valid.from))
				switch same := slices.Equal(first.shares, p.shares); {
				case same && first.where.file == p.where.file:
					l.warn(p.where, "this is said already in line %d, from %s on", first.where.line, day)
				case !same && first.where.file == p.where.file:
					l.warn(p.where, "the same address works for %s by line %d and for %s by this one, from %s on: the first holds",
						l.names(first.shares), first.where.line, l.names(p.shares), day)
				case !same && first.valid.from <= p.valid.from && p.valid.to <= first.valid.to:
					l.warn(p.where, "this is never reached: %s:%d decides it", first.where.file, first.where.line)
				}
			}
		}
	}
}

func (l *loader) names(shares []share) string {
	var all []string
	for _, s := range shares {
		all = append(all, fmt.Sprintf("%q", l.organizations[s.organization].name))
	}
	return strings.Join(all, " and ")
}

// groupsAgainst reports lists of one person's addresses of which another list says that they are different persons'.
func (l *loader) groupsAgainst() {
	apart := map[string][]int{}
	for g, group := range l.notSame {
		for _, m := range group.members {
			apart[normalizeName(m)] = append(apart[normalizeName(m)], g)
		}
	}
	for _, group := range l.same {
		seen := map[int]string{}
		for _, m := range group.members {
			for _, g := range apart[normalizeName(m)] {
				if first, ok := seen[g]; ok && first != normalizeName(m) && l.editable(group.where) {
					l.warn(group.where, "this has no effect on two of its members: %s says that they are not the same", l.notSame[g].source)
				}
				seen[g] = cmp.Or(seen[g], normalizeName(m))
			}
		}
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
