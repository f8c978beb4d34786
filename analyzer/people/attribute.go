package people

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"golang.org/x/net/publicsuffix"

	"orrery/analyzer/facts"
)

// attributor answers whose a signature is at a moment, from spans that are laid out once. Its layers are asked one after the other:
// the own address, statements about the person, the person's company addresses, the proper address of a mailmap, the name's staff number, profiles at forges.
// It is read-only, so any number of goroutines may ask.
type attributor struct {
	identity [][]uint32 // repository, signature -> identity
	person   []uint32   // identity -> set of all joins, as index into the person layers
	strong   []uint32   // identity -> set of the joins that are not inferred
	own      [][]span
	proper   [][]span          // nil where the mailmap says nothing more
	stated   [][]span          // by person
	used     [][]use           // by person
	profiled [][]span          // by person; nil for none
	numbered map[uint32][]span // by identity
	join     []uint8           // identity -> index into inferred+1 of the rule that ties it to its person's company address
	outcomes []outcome
	undated  uint32 // evidence

	splits   []split
	rolled   [][]rolled // organization of the directory -> what it counts as; nil for itself
	mentions []mention
	withheld []bool // by identity; nil for none
	opted    uint32 // evidence of what is withheld
}

// span is an answer from a day on, to the next span.
type span struct {
	from int32
	Attribution
	split uint32 // 1 + index into splits, where the statement names several organizations
}

// split deals the commits of one person out to several organizations: each commit counts whole for one of them, so that sums stay whole.
type split struct {
	shares  []Attribution // of each percent, from the first to the last
	moments []int64       // Unix seconds of the commits that the statement decides, ascending
}

// stride and the 100 percents have no factor in common, so any 100 commits in a row are dealt out exactly, and fewer nearly so.
const stride = 61

func (s *split) at(unix int64) Attribution {
	k, _ := slices.BinarySearch(s.moments, unix)
	return s.shares[k*stride%100]
}

// use is where a person works from a day on, by the company's addresses that were used.
type use struct {
	from    int32
	outcome int32  // into outcomes; unused or ambiguous
	strong  uint32 // the strong set that the address belongs to
}

const (
	several   = -1 // organizations of a day
	unused    = -1 // no company's address was used around that day
	ambiguous = -2 // two companies' were
)

// outcome is an organization by the use of its address.
type outcome struct {
	organization int
	class        Class
	evidence     [1 + len(inferred)]uint32 // same person without doubt, then by each inferred rule
}

// attribute asks the layers, in terms of the directory's organizations.
func (a *attributor) attribute(repository int, signature uint32, when facts.Time) Attribution {
	return a.attributeIdentity(a.identity[repository][signature], when)
}

func (a *attributor) attributeIdentity(i uint32, when facts.Time) Attribution {
	day, dated := int32(0), when.Valid
	if dated {
		day = dayOf(when.Unix)
	}
	own := a.at(a.own[i], day, dated)
	if own.Class.Machine() {
		return own
	}
	if a.withheld != nil && a.withheld[i] {
		return Attribution{NoOrganization, Withheld, a.opted}
	}
	if own.Class.Known() {
		return own
	}
	p := a.person[i]
	if stated := a.spanAt(a.stated[p], day, dated); stated.split > 0 {
		if !dated {
			return Attribution{NoOrganization, Unknown, a.undated}
		}
		return a.splits[stated.split-1].at(when.Unix)
	} else if stated.Class.Known() {
		return stated.Attribution
	}
	doubt := false
	if uses := a.used[p]; dated && len(uses) > 0 {
		u := uses[search(len(uses), func(k int) bool { return uses[k].from <= day })]
		doubt = u.outcome == ambiguous
		if u.outcome >= 0 {
			return a.outcomeOf(i, u)
		}
	}
	if !doubt {
		if proper := a.at(a.proper[i], day, dated); proper.Class.Known() {
			return proper
		}
		if number := a.at(a.numbered[i], day, dated); number.Class.Known() && own.Class != Unknown {
			return number
		}
		if dated && a.profiled != nil {
			if profile := a.at(a.profiled[p], day, dated); profile.Class.Known() {
				return profile
			}
		}
	}
	return own
}

// outcomeOf says what a use makes of an identity: by the rule that ties it to the address.
func (a *attributor) outcomeOf(i uint32, u use) Attribution {
	o := &a.outcomes[u.outcome]
	how := uint8(0)
	if u.strong != a.strong[i] {
		how = a.join[i]
	}
	return Attribution{o.organization, o.class, o.evidence[how]}
}

// at gives the span of a day; without a day, the only one that there is.
func (a *attributor) at(spans []span, day int32, dated bool) Attribution {
	return a.spanAt(spans, day, dated).Attribution
}

func (a *attributor) spanAt(spans []span, day int32, dated bool) span {
	switch {
	case len(spans) == 0:
		return span{Attribution: Attribution{Organization: NoOrganization}}
	case len(spans) == 1:
		return spans[0]
	case !dated:
		return span{Attribution: Attribution{NoOrganization, Unknown, a.undated}}
	}
	return spans[search(len(spans), func(k int) bool { return spans[k].from <= day })]
}

// search gives the last of n rows that began, where the first always has.
func search(n int, began func(k int) bool) int {
	lo, hi := 0, n
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; began(mid) {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

// timelines builds spans, once per domain.
type timelines struct {
	*resolver
	byDomain map[[2]string][]span
	number   map[string]int // names of organizations -> provisional index
	found    []found
}

// found is an organization that the facts mention, by a provisional index that the final order replaces.
type found struct {
	Organization
	directory int // into Directory.organizations; -1 for one that the suffix of its domain alone declares
}

// attributor lays out the answers. strong are the sets before inferred joins.
func (r *resolver) attributor(strong []uint32) *attributor {
	n := len(r.identities)
	t := &timelines{resolver: r, byDomain: map[[2]string][]span{}, number: map[string]int{}}
	a := &attributor{identity: r.of, person: make([]uint32, n), strong: strong, own: make([][]span, n), proper: make([][]span, n), join: make([]uint8, n)}
	a.undated = r.because(RuleUndated, "", "high")
	for i := range r.identities {
		id := &r.identities[i]
		a.own[i] = t.identity(id)
		if id.address.text != id.own.text && id.machine == Unknown {
			a.proper[i] = t.mailmap(id)
		}
	}
	numbers := map[uint32]uint32{}
	for i := range r.identities {
		root := r.sets.find(uint32(i))
		p, ok := numbers[root]
		if !ok {
			p = uint32(len(numbers))
			numbers[root] = p
		}
		a.person[i] = p
	}
	a.stated = make([][]span, len(numbers))
	a.used = make([][]use, len(numbers))
	t.statements(a)
	if r.on(RuleSamePerson) {
		t.uses(a)
	}
	t.numbers(a)
	t.profiles(a)
	t.mentions(a)
	t.organizations(a)
	t.rollUp(a)
	return a
}

// identity gives what the own address says.
func (t *timelines) identity(id *identity) []span {
	if id.machine != Unknown {
		return []span{{
			from: math.MinInt32, Attribution: Attribution{NoOrganization, id.machine, t.becauseOf(RuleMachine, id.pattern, "high", id.stated, always)},
		}}
	}
	switch id.own.form {
	case malformed:
		return t.constant(Invalid, RuleMalformed, "")
	case shared:
		return t.constant(NoReply, RuleNoReply, NobodysMailbox)
	case placeholder:
		// A machine's root at a company's host is still the company's.
		if spans := t.domain(&id.own); len(spans) > 0 && slices.ContainsFunc(spans, func(s span) bool { return s.Class.Known() }) {
			return spans
		}
		return t.constant(Invalid, RulePlaceholder, "")
	}
	return t.domain(&id.own)
}

func (t *timelines) constant(class Class, rule, source string) []span {
	return []span{{from: math.MinInt32, Attribution: Attribution{NoOrganization, class, t.because(rule, source, "high")}}}
}

// mailmap gives what the proper address says, as the mailmap's word.
func (t *timelines) mailmap(id *identity) []span {
	if id.address.form != valid {
		return nil
	}
	spans := slices.Clone(t.domain(&id.address))
	for i, s := range spans {
		if s.Class.Known() {
			spans[i].Evidence = t.because(RuleMailmap, id.mailmap+", "+t.out.Evidence[s.Evidence].Source, "medium")
		}
	}
	return spans
}

// domain gives what a domain says: the directory's statements, longest suffix first, then academic suffixes and free mail.
func (t *timelines) domain(a *address) []span {
	key := [2]string{a.domain, a.repair}
	spans, ok := t.byDomain[key]
	if !ok {
		spans = t.layOut(a)
		t.byDomain[key] = spans
	}
	return spans
}

func (t *timelines) layOut(a *address) []span {
	if _, ok := forges[a.domain]; ok { // before the forge's own domain, which is a company's
		return t.constant(NoReply, RuleNoReply, a.domain)
	}
	var entries []entry // in order of precedence
	var names []string
	days := []int32{math.MinInt32}
	for suffix := range suffixes(a.domain) {
		for _, e := range t.directory.domains[suffix] {
			entries, names = append(entries, e), append(names, suffix)
			days = append(days, e.valid.from, e.valid.to)
		}
	}
	rest := sync.OnceValue(func() Attribution { return t.general(a) }) // not asked if the directory leaves no day to it
	slices.Sort(days)
	var spans []span
	for _, day := range slices.Compact(days) {
		if day == math.MaxInt32 {
			continue
		}
		s := span{from: day}
		decided := false
		for i, e := range entries {
			if decided = e.valid.from <= day && day < e.valid.to; decided {
				s.Attribution = Attribution{NoOrganization, e.class, t.becauseDomain(RuleDomain, names[i]+": "+e.source, confidenceIn(e.source), a, e.where.String(), e.valid)}
				if e.organization != NoOrganization {
					s.Organization = t.organization(e.organization)
				}
				break
			}
		}
		if !decided {
			s.Attribution = rest()
		}
		if len(spans) == 0 || spans[len(spans)-1].Attribution != s.Attribution {
			spans = append(spans, s)
		}
	}
	return spans
}

// unverified begins the source of a statement that nobody has held against a public text.
const unverified = "unverified"

func confidenceIn(source string) string {
	if strings.HasPrefix(source, unverified) {
		return "low"
	}
	return "high"
}

// becauseDomain is because, of an address that may have been repaired to say so.
func (t *timelines) becauseDomain(rule, source, confidence string, a *address, at string, valid period) uint32 {
	if a.repair != "" {
		if confidence == "high" {
			confidence = "medium"
		}
		return t.becauseOf(RuleRepair, a.repair+"; "+source, confidence, at, valid)
	}
	return t.becauseOf(rule, source, confidence, at, valid)
}

// general says what a domain is that the directory says nothing of.
func (t *timelines) general(a *address) Attribution {
	registrable, err := publicsuffix.EffectiveTLDPlusOne(a.domain)
	if err != nil {
		registrable = a.domain
	}
	if t.on(RuleAcademic) && isAcademic(registrable) {
		if label, _, _ := strings.Cut(a.domain, "."); strings.HasPrefix(label, "alum") {
			return Attribution{NoOrganization, Personal, t.becauseDomain(RuleAcademic, "addresses of former students", "medium", a, "", always)}
		}
		return Attribution{t.academic(registrable), Academic, t.becauseDomain(RuleAcademic, registrable, "high", a, "", always)}
	}
	for suffix := range suffixes(a.domain) {
		if freeMail()[suffix] {
			return Attribution{NoOrganization, Personal, t.becauseDomain(RuleFreeMail, suffix, "high", a, "", always)}
		}
	}
	return Attribution{NoOrganization, Unknown, t.becauseDomain(RuleUnlisted, registrable, "low", a, "", always)}
}

// isAcademic says whether a registrable domain stands under a suffix that registries keep for universities and research institutes.
func isAcademic(registrable string) bool {
	_, suffix, _ := strings.Cut(registrable, ".")
	second, top, ok := strings.Cut(suffix, ".")
	return suffix == "edu" || ok && len(top) == 2 && (second == "edu" || second == "ac")
}

func (t *timelines) organization(i int) int {
	o := &t.directory.organizations[i]
	n, ok := t.number[o.name]
	if !ok {
		n = len(t.found)
		t.number[o.name] = n
		t.found = append(t.found, found{Organization{Name: o.name, Class: o.class, Country: o.country, Client: NoOrganization, Parent: NoOrganization}, i})
	}
	return n
}

func (t *timelines) academic(registrable string) int {
	if i, ok := t.directory.byName[registrable]; ok {
		return t.organization(i)
	}
	n, ok := t.number[registrable]
	if !ok {
		n = len(t.found)
		t.number[registrable] = n
		nation := strings.ToUpper(registrable[strings.LastIndexByte(registrable, '.')+1:])
		switch nation {
		case "EDU":
			nation = "US"
		case "UK":
			nation = "GB"
		}
		t.found = append(t.found, found{Organization{Name: registrable, Class: Academic, Country: nation, Client: NoOrganization, Parent: NoOrganization}, -1})
	}
	return n
}

// statements lays out what files say of persons: imported ones after all others, else the earlier one wins where periods overlap.
func (t *timelines) statements(a *attributor) {
	order := make([]int, len(t.directory.people))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(x, y int) int {
		return cmp.Compare(btoi(t.directory.people[x].imported), btoi(t.directory.people[y].imported))
	})
	byAddress := map[string][]int{} // ranks in that order
	for rank, i := range order {
		for _, raw := range t.directory.people[i].addresses {
			own := t.parse(raw)
			byAddress[own.text] = append(byAddress[own.text], rank)
			if account, _ := own.login(); account != "" {
				byAddress[account] = append(byAddress[account], rank)
			}
		}
	}
	if len(byAddress) == 0 {
		return
	}
	byPerson := map[uint32][]int{}
	for i := range t.identities {
		id := &t.identities[i]
		if id.machine != Unknown {
			continue
		}
		account, _ := id.own.login()
		for _, key := range [...]string{id.own.text, id.address.text, account, t.out.Persons[t.personOf[i]].Pseudonym} {
			for _, rank := range byAddress[key] {
				if name := t.directory.people[order[rank]].name; name == "" || name == id.name || name == normalizeName(id.signature.Name) {
					byPerson[a.person[i]] = append(byPerson[a.person[i]], rank)
				}
			}
		}
	}
	for person := range a.stated {
		ranks := byPerson[uint32(person)]
		if len(ranks) == 0 {
			continue
		}
		slices.Sort(ranks)
		days := []int32{math.MinInt32}
		for _, rank := range ranks {
			valid := t.directory.people[order[rank]].valid
			days = append(days, valid.from, valid.to)
		}
		slices.Sort(days)
		for _, day := range slices.Compact(days) {
			s := span{from: day, Attribution: Attribution{Organization: NoOrganization}}
			for _, rank := range ranks {
				if st := &t.directory.people[order[rank]]; st.valid.from <= day && day < st.valid.to {
					t.state(a, st, &s)
					break
				}
			}
			if day < math.MaxInt32 {
				a.stated[person] = append(a.stated[person], s)
			}
		}
	}
	t.deal(a)
}

// state makes a span say what a statement does.
func (t *timelines) state(a *attributor, st *statement, s *span) {
	rule := RuleStatement
	if st.imported {
		rule = RuleImported
	}
	share := func(sh share, source string) Attribution {
		return Attribution{t.organization(sh.organization), t.directory.organizations[sh.organization].class, t.becauseOf(rule, source, "high", st.where.String(), st.valid)}
	}
	if len(st.shares) == 1 {
		s.Attribution = share(st.shares[0], st.source)
		return
	}
	var deal split
	for _, sh := range st.shares {
		one := share(sh, fmt.Sprintf("%s, %d percent", st.source, sh.percent))
		for range sh.percent {
			deal.shares = append(deal.shares, one)
		}
	}
	a.splits = append(a.splits, deal)
	s.split = uint32(len(a.splits))
}

// deal finds the commits that split statements decide.
func (t *timelines) deal(a *attributor) {
	if len(a.splits) == 0 {
		return
	}
	for r, repository := range t.repositories {
		for c := range repository.Commits {
			commit := &repository.Commits[c]
			i := t.of[r][commit.Author]
			if !commit.Authored.Valid || commit.IsMerge() || t.identities[i].machine != Unknown {
				continue
			}
			day := dayOf(commit.Authored.Unix)
			s := a.spanAt(a.stated[a.person[i]], day, true)
			if s.split > 0 && !a.at(a.own[i], day, true).Class.Known() {
				list := &a.splits[s.split-1].moments
				*list = append(*list, commit.Authored.Unix)
			}
		}
	}
	for i := range a.splits {
		slices.Sort(a.splits[i].moments)
		a.splits[i].moments = slices.Compact(a.splits[i].moments)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// event is a use of an address that belongs to an organization.
type event struct {
	day, organization int32
	class             Class
	evidence          uint32
	strong            uint32
}

// numbers lays out whose staff numbers names are: who has one as a name has been given it by the organization. It is asked of those alone whose address
// is nobody's, as a domain that nothing is known of may be another employer's.
func (t *timelines) numbers(a *attributor) {
	if !t.on(RuleStaffNumber) {
		return
	}
	a.numbered = map[uint32][]span{}
	for i := range t.identities {
		id := &t.identities[i]
		name := normalizeName(id.signature.Name)
		word := name[strings.LastIndexByte(name, ' ')+1:]
		if id.machine != Unknown || t.directory.apart[id.own.text] {
			continue
		}
		var fit []*staffNumber
		days := []int32{math.MinInt32}
		for k := range t.directory.numbers {
			if n := &t.directory.numbers[k]; n.fits(word) {
				fit = append(fit, n)
				days = append(days, n.valid.from, n.valid.to)
			}
		}
		if len(fit) == 0 {
			continue
		}
		slices.Sort(days)
		var spans []span
		for _, day := range slices.Compact(days) {
			s := span{from: day, Attribution: Attribution{Organization: NoOrganization}}
			for _, n := range fit {
				if n.valid.from <= day && day < n.valid.to {
					s.Attribution = Attribution{
						t.organization(n.organization), t.directory.organizations[n.organization].class,
						t.becauseOf(RuleStaffNumber, n.form+": "+n.source, "medium", n.where.String(), n.valid),
					}
					break
				}
			}
			if day < math.MaxInt32 {
				spans = append(spans, s)
			}
		}
		a.numbered[uint32(i)] = spans
	}
}

// uses lays out where persons work by the company addresses they used, for those who also use others.
func (t *timelines) uses(a *attributor) {
	const open, employed = 1, 2 // has addresses to explain, has company addresses to explain them by
	wants := make([]uint8, len(a.used))
	for i, spans := range a.own {
		for _, s := range spans {
			switch {
			case s.Class == Employer || s.Class == Contractor:
				wants[a.person[i]] |= employed
			case !s.Class.Known() && !s.Class.Machine():
				wants[a.person[i]] |= open
			}
		}
	}
	events := make([][]event, len(a.used))
	t.tie(a)
	t.signOffs(a, events)
	asks := make([]bool, len(t.identities))
	for i := range asks {
		p := a.person[i]
		asks[i] = wants[p] == open|employed || len(events[p]) > 0
	}
	for r, repository := range t.repositories {
		for c := range repository.Commits {
			commit := &repository.Commits[c]
			i := t.of[r][commit.Author]
			if !asks[i] || !commit.Authored.Valid {
				continue
			}
			p := a.person[i]
			day := dayOf(commit.Authored.Unix)
			if at := a.at(a.own[i], day, true); at.Class.Known() {
				events[p] = append(events[p], event{day, int32(at.Organization), at.Class, at.Evidence, a.strong[i]})
			}
		}
	}
	outcomes := map[[2]uint32]int32{} // by organization and evidence
	for p, list := range events {
		if len(list) == 0 {
			continue
		}
		slices.SortFunc(list, func(x, y event) int {
			return cmp.Or(cmp.Compare(x.day, y.day), cmp.Compare(x.organization, y.organization), cmp.Compare(x.strong, y.strong), cmp.Compare(x.evidence, y.evidence))
		})
		list = slices.Compact(list)
		a.used[p] = between(list, func(e event) int32 {
			if e.class != Employer && e.class != Contractor {
				return unused // a student is no employee; but studying casts doubt on an employment around it
			}
			key := [2]uint32{uint32(e.organization), e.evidence}
			n, ok := outcomes[key]
			if !ok {
				n = int32(len(a.outcomes))
				outcomes[key] = n
				o := outcome{organization: int(e.organization), class: e.class}
				source := t.out.Evidence[e.evidence].Source
				at := t.out.Evidence[e.evidence].Where
				if t.out.Evidence[e.evidence].Rule == RuleSignOff {
					for k := range o.evidence {
						o.evidence[k] = e.evidence
					}
					a.outcomes = append(a.outcomes, o)
					return n
				}
				o.evidence[0] = t.becauseOf(RuleSamePerson, source, "medium", at, always)
				for k, rule := range inferred {
					o.evidence[k+1] = t.becauseOf(rule, source, "medium", at, always)
				}
				a.outcomes = append(a.outcomes, o)
			}
			return n
		})
	}
}

// signOffs adds the company addresses with which authors sign their own commits off, be it under another spelling of their name. Somebody else's
// says nothing of the author.
func (t *timelines) signOffs(a *attributor, events [][]event) {
	if !t.on(RuleSignOff) {
		return
	}
	type signer struct {
		name      string
		spellings []string
		spans     []span
	}
	signers := map[string]signer{} // by value of the line
	spelled := map[uint32][]string{}
	for r, repository := range t.repositories {
		for c := range repository.Commits {
			commit := &repository.Commits[c]
			if commit.Trailers.Len() == 0 {
				continue
			}
			i := t.of[r][commit.Author]
			id := &t.identities[i]
			if !commit.Authored.Valid || commit.IsMerge() || id.machine != Unknown || t.directory.apart[id.own.text] {
				continue
			}
			day := dayOf(commit.Authored.Unix)
			if own := a.at(a.own[i], day, true); own.Class.Known() {
				continue
			}
			for _, line := range repository.Trailers[commit.Trailers.Lo:commit.Trailers.Hi] {
				if !strings.EqualFold(line.Key, "Signed-off-by") {
					continue
				}
				s, ok := signers[line.Value]
				if !ok {
					name, email, _ := strings.Cut(strings.TrimSuffix(strings.TrimSpace(line.Value), ">"), "<")
					s.name = normalizeName(name)
					if address := t.parse(email); address.form == valid && address.repair == "" && s.name != "" && !isPlaceholderName(s.name) {
						s.spans, s.spellings = t.domain(&address), spellings(s.name, &address)
					}
					signers[line.Value] = s
				}
				at := a.at(s.spans, day, true)
				if at.Class != Employer && at.Class != Contractor {
					continue
				}
				own := s.name == id.name || s.name == normalizeName(id.signature.Name)
				if !own {
					if _, ok := spelled[i]; !ok {
						spelled[i] = spellings(normalizeName(id.signature.Name), &id.own)
					}
					own = slices.ContainsFunc(spelled[i], func(text string) bool { return slices.Contains(s.spellings, text) })
				}
				if own {
					e := t.out.Evidence[at.Evidence]
					events[a.person[i]] = append(events[a.person[i]], event{
						day, int32(at.Organization), at.Class, t.becauseOf(RuleSignOff, e.Source, "medium", e.Where, always), a.strong[i],
					})
				}
			}
		}
	}
}

// tie finds for every identity the inferred rule that made it its person's: the weakest on the way, as that is what the answer rests on.
func (t *timelines) tie(a *attributor) {
	weakest := make([]uint8, len(a.used))
	first := make([]uint32, len(a.used))
	for p := range first {
		first[p] = facts.None
	}
	for i, p := range a.person {
		if first[p] == facts.None {
			first[p] = uint32(i)
		}
	}
	for _, j := range t.out.Joins {
		rule := t.out.Evidence[j.Evidence].Rule
		if k := slices.Index(inferred[:], rule); k >= 0 {
			p := a.person[t.of[j.From.Repository][j.From.Signature]]
			weakest[p] = max(weakest[p], uint8(k+1))
		}
	}
	for i, p := range a.person {
		a.join[i] = weakest[p]
	}
}

// between lays out where a person works: on the days that an organization's address was used, and between two uses at most two windows apart with no
// other's between them; but nowhere known near uses of two organizations'. Events are in order of days.
func between(events []event, outcome func(event) int32) []use {
	days := make([]event, 0, len(events))
	for _, e := range events {
		if n := len(days); n == 0 || days[n-1].day != e.day {
			days = append(days, e)
		} else if days[n-1].organization != e.organization {
			days[n-1].organization = several
		}
	}
	uses := []use{{math.MinInt32, unused, 0}}
	add := func(from int32, u use) {
		u.from = from
		if last := &uses[len(uses)-1]; last.from == from {
			*last = u
		} else if last.outcome != u.outcome || last.strong != u.strong {
			uses = append(uses, u)
		}
	}
	at := func(e event) use {
		if e.organization == several {
			return use{outcome: ambiguous}
		}
		return use{outcome: outcome(e), strong: e.strong}
	}
	for i, e := range days {
		add(e.day, at(e))
		if next := i + 1; next == len(days) || days[next].organization != e.organization || days[next].day > satAdd(e.day, 2*window) {
			add(satAdd(e.day, 1), use{outcome: unused})
		}
	}
	return doubted(uses, days)
}

// doubted takes back what stands on days that are near uses of two organizations.
func doubted(uses []use, days []event) []use {
	var doubts [][2]int32 // from, to the first day after: ascending, apart
	for i, e := range days {
		from, to := satAdd(e.day, -doubt), int32(math.MinInt32)
		switch {
		case e.organization == several:
			to = satAdd(e.day, doubt+1)
		case i > 0 && days[i-1].organization != e.organization:
			to = satAdd(days[i-1].day, doubt+1)
		}
		if n := len(doubts); from >= to {
			continue
		} else if n > 0 && from <= doubts[n-1][1] {
			doubts[n-1][1] = max(doubts[n-1][1], to)
		} else {
			doubts = append(doubts, [2]int32{from, to})
		}
	}
	if len(doubts) == 0 {
		return uses
	}
	var out []use
	add := func(from int32, u use) {
		u.from = from
		if n := len(out); n == 0 || out[n-1].outcome != u.outcome || out[n-1].strong != u.strong {
			out = append(out, u)
		}
	}
	d := 0
	for i, u := range uses {
		end := int32(math.MaxInt32)
		if i+1 < len(uses) {
			end = uses[i+1].from
		}
		for at := u.from; at < end; {
			for d < len(doubts) && doubts[d][1] <= at {
				d++
			}
			switch {
			case u.outcome == unused || d == len(doubts) || doubts[d][0] >= end:
				add(at, u)
				at = end
			case doubts[d][0] > at:
				add(at, u)
				at = doubts[d][0]
			default:
				add(at, use{outcome: ambiguous})
				at = min(end, doubts[d][1])
			}
		}
	}
	return out
}

// satAdd stays within the days that there are.
func satAdd(day, n int32) int32 {
	return int32(min(max(int64(day)+int64(n), math.MinInt32), math.MaxInt32))
}

// organizations adds clients and parents, orders all by name, and puts the final indices into every span.
func (t *timelines) organizations(a *attributor) {
	end := int32(math.MinInt32)
	for _, repository := range t.repositories {
		for c := range repository.Commits {
			if when := repository.Commits[c].Committed; when.Valid {
				end = max(end, dayOf(when.Unix))
			}
		}
	}
	for i := 0; i < len(t.found); i++ { // grows on the way
		if t.found[i].directory < 0 {
			continue
		}
		o := &t.directory.organizations[t.found[i].directory]
		if o.client != NoOrganization {
			n := t.organization(o.client)
			t.found[i].Client = n
		}
		for _, p := range o.parents {
			if p.valid.from <= end && end < p.valid.to {
				n := t.organization(p.organization)
				t.found[i].Parent = n
				break
			}
		}
	}
	order := make([]int, len(t.found))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(x, y int) int { return strings.Compare(t.found[x].Name, t.found[y].Name) })
	final := make([]int, len(order))
	for n, i := range order {
		final[i] = n
	}
	renumber := func(i *int) {
		if *i != NoOrganization {
			*i = final[*i]
		}
	}
	t.out.Organizations = make([]Organization, len(order))
	for n, i := range order {
		o := t.found[i].Organization
		renumber(&o.Client)
		renumber(&o.Parent)
		t.out.Organizations[n] = o
	}
	spans := func(list []span) {
		for i := range list {
			renumber(&list[i].Organization)
		}
	}
	for _, list := range t.byDomain { // shared by all addresses of the domain, so each once
		spans(list)
	}
	for _, list := range a.stated {
		spans(list)
	}
	for _, list := range a.proper {
		spans(list)
	}
	for _, list := range a.profiled {
		spans(list)
	}
	for _, list := range a.numbered {
		spans(list)
	}
	for i := range a.mentions {
		spans(a.mentions[i].claimed)
	}
	for i := range a.splits {
		shares := a.splits[i].shares
		for k := range shares {
			renumber(&shares[k].Organization)
		}
	}
	for i := range a.outcomes {
		renumber(&a.outcomes[i].organization)
	}
}
