package people

import (
	"fmt"
	"math"
	"strings"
	"time"

	"orrery/analyzer/facts"
)

// profiles lays out what profiles at forges say of persons: what a profile says is a statement of the day that it was asked for, and taken
// for a year around it. Whose account it is tell addresses that forges make up, and the pull requests that it opened. Nobody checks it, and people forget to change it: it counts after everything else, and only where it names an
// organization of the directory and nothing more. Accounts of one person that name different organizations say nothing.
func (t *timelines) profiles(a *attributor) {
	if !t.on(RuleProfile) {
		return
	}
	persons := map[string]uint32{} // by account
	for account, i := range t.creators {
		if t.identities[i].machine == Unknown {
			persons[account] = a.person[i]
		}
	}
	for i := range t.identities {
		if account, _ := t.identities[i].own.login(); account != "" && t.identities[i].machine == Unknown {
			persons[strings.ToLower(account)] = a.person[i]
		}
	}
	named := map[uint32]int{} // person -> organization of the directory
	for _, forge := range t.opts.Forges {
		for k := range forge.Accounts {
			account := &forge.Accounts[k]
			person, ok := persons[forge.Key(account)]
			organization := t.company(account)
			if !ok || organization == NoOrganization {
				continue
			}
			if a.profiled == nil {
				a.profiled = make([][]span, len(a.stated))
			}
			if before, ok := named[person]; ok && before != organization {
				a.profiled[person] = []span{{from: math.MinInt32, Attribution: Attribution{Organization: NoOrganization}}}
				continue
			}
			if _, ok := named[person]; ok {
				continue // the same, by another account
			}
			named[person] = organization
			day := dayOf(account.Asked)
			source := fmt.Sprintf("%s, as of %s", forge.Key(account), time.Unix(account.Asked, 0).UTC().Format(time.DateOnly))
			none := Attribution{Organization: NoOrganization}
			known := Attribution{t.organization(organization), t.directory.organizations[organization].class, t.because(RuleProfile, source, "low")}
			a.profiled[person] = []span{{from: math.MinInt32, Attribution: none}, {from: satAdd(day, -window), Attribution: known}, {from: satAdd(day, window+1), Attribution: none}}
		}
	}
}

// company finds the organization that a profile names, NoOrganization if none. "@acme" is how GitHub links to one.
func (t *timelines) company(account *facts.Account) int {
	if account.Company == "" || account.Gone || account.Kind != facts.PersonAccount || account.Asked == 0 {
		return NoOrganization
	}
	name := normalizeName(strings.TrimPrefix(strings.TrimSpace(account.Company), "@"))
	if i, ok := t.directory.byName[name]; ok && name != "" && t.directory.organizations[i].class != Country {
		return i
	}
	return NoOrganization
}
