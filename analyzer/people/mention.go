package people

import (
	"maps"
	"math"
	"strings"

	"orrery/analyzer/facts"
)

// Mention is a person whom a file or a message names, as it does: owners of code, maintainers, reviewers. What is not told is "".
type Mention struct {
	Name, Email string
	// Accounts are what the person may be called at forges, the likeliest first: "gitee:login".
	Accounts []string
	// Organization is whom the person is there for, by the file's own word.
	Organization string
}

// Mentioned is who a [Mention] is.
type Mentioned struct {
	Person  int   // into Resolution.Persons; -1 for nobody who has a commit
	Machine Class // Bot or Agent, else Unknown
}

// mention is a Mention as the attributor asks it.
type mention struct {
	identity uint32 // facts.None for nobody who has a commit
	address  []span // of an address without commits; shared
	claimed  []span // of the organization beside
	machine  Class
	withheld bool
}

// mentions finds whom commits know: by address, then by account, then by a full name that one person alone has.
func (t *timelines) mentions(a *attributor) {
	if len(t.opts.Mentions) == 0 {
		return
	}
	byAddress, byAccount, byName := map[string]uint32{}, map[string]uint32{}, map[string]uint32{}
	maps.Copy(byAccount, t.creators)
	for i := range t.identities {
		id := &t.identities[i]
		if t.directory.apart[id.own.text] || t.directory.apart[id.address.text] {
			continue
		}
		first := func(index map[string]uint32, key string) {
			if _, ok := index[key]; !ok {
				index[key] = uint32(i)
			}
		}
		for _, own := range [...]*address{&id.own, &id.address} {
			if own == &id.own && id.byName || own.form != valid {
				continue
			}
			first(byAddress, own.text)
			if account, _ := own.login(); account != "" && id.machine == Unknown {
				first(byAccount, account)
			}
		}
		if id.machine == Unknown && isFullName(id.name) && !isPlaceholderName(id.name) && !isHan(id.name) {
			if other, ok := byName[id.name]; !ok {
				byName[id.name] = uint32(i)
			} else if other != facts.None && t.personOf[other] != t.personOf[i] {
				byName[id.name] = facts.None
			}
		}
	}
	bots := botPatterns(t.opts.Bots)
	a.mentions = make([]mention, len(t.opts.Mentions))
	t.out.Mentioned = make([]Mentioned, len(t.opts.Mentions))
	for i := range t.opts.Mentions {
		said, m := &t.opts.Mentions[i], &a.mentions[i]
		m.identity = facts.None
		own := t.parse(said.Email)
		name := said.Name
		if name == "" && len(said.Accounts) > 0 {
			_, name, _ = strings.Cut(said.Accounts[0], ":") // machines have the same name as an account and in commits
		}
		m.machine, _, _ = t.directory.machine(name, own.text, bots)
		if own.form == valid {
			m.withheld = len(t.opts.Withheld) > 0 && t.opts.Withheld[digest(t.opts.PseudonymKey, own.text)]
			if at, ok := byAddress[own.text]; ok {
				m.identity = at
			} else {
				m.address = t.domain(&own)
			}
			if account, _ := own.login(); m.identity == facts.None && account != "" {
				if at, ok := byAccount[account]; ok {
					m.identity = at
				}
			}
		}
		for _, account := range said.Accounts {
			if m.identity != facts.None || own.form == valid {
				break
			}
			if at, ok := byAccount[account]; ok {
				m.identity = at
			}
		}
		if at, ok := byName[normalizeName(said.Name)]; ok && m.identity == facts.None && own.form != valid && len(said.Accounts) == 0 {
			m.identity = at
		}
		if o, ok := t.directory.byName[normalizeName(said.Organization)]; ok && said.Organization != "" {
			m.claimed = []span{{from: math.MinInt32, Attribution: Attribution{
				t.organization(o), t.directory.organizations[o].class, t.because(RuleClaimed, said.Organization, "low"),
			}}}
		}
		t.out.Mentioned[i] = Mentioned{-1, m.machine}
		if m.identity != facts.None {
			t.out.Mentioned[i].Person = int(t.personOf[m.identity])
			if id := &t.identities[m.identity]; m.machine == Unknown {
				m.machine, t.out.Mentioned[i].Machine = id.machine, id.machine
			}
		}
	}
}

// seated is how long after the last use of a company's address its person, named in a seat or a review, is taken to work there, in days: unlike a
// commit from a private address, being named is no sign of having left, and who reviews may commit seldom.
const seated = 180

// lately says where an identity's person worked by the last use of a company's address, if that is not long ago.
func (a *attributor) lately(identity uint32, when facts.Time) (Attribution, bool) {
	if identity == facts.None || !when.Valid {
		return Attribution{}, false
	}
	uses, day := a.used[a.person[identity]], dayOf(when.Unix)
	if len(uses) == 0 {
		return Attribution{}, false
	}
	k := search(len(uses), func(k int) bool { return uses[k].from <= day })
	if k == 0 || uses[k].outcome != unused || uses[k-1].outcome < 0 || day >= satAdd(uses[k].from, seated) {
		return Attribution{}, false
	}
	return a.outcomeOf(identity, uses[k-1]), true
}

// attributeMention asks what commits show of the person, then the address, then the file's own word: people write the name of their
// client there.
func (a *attributor) attributeMention(i int, when facts.Time) Attribution {
	m := &a.mentions[i]
	if m.machine.Machine() {
		return Attribution{Organization: NoOrganization, Class: m.machine}
	}
	if m.withheld {
		return Attribution{NoOrganization, Withheld, a.opted}
	}
	answer := Attribution{Organization: NoOrganization}
	if m.identity != facts.None {
		answer = a.attributeIdentity(m.identity, when)
		if answer.Class == Withheld {
			return answer
		}
	}
	if lately, ok := a.lately(m.identity, when); ok && !answer.Class.Known() {
		answer = lately
	}
	if m.address != nil && !answer.Class.Known() {
		answer = a.at(m.address, dayOf(when.Unix), when.Valid)
	}
	if m.claimed != nil && !answer.Class.Known() {
		answer = m.claimed[0].Attribution
	}
	return answer
}
