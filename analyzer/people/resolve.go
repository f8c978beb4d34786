package people

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"orrery/analyzer/facts"
)

// The rules that join signatures to persons, strongest first.
const (
	RuleStated      = "stated"       // an organizations file says that they are the same person's
	RuleMailmap     = "mailmap"      // a mailmap gives both the same proper address
	RuleSameAddress = "same-address" // both have the same address, but for case
	RuleRepair      = "repair"       // both have the same address after repair
	RuleNoReply     = "no-reply"     // both are the same account of a forge
	RuleCreatedBy   = "created-by"   // the account opened requests that the other one's commits came in by
	RuleSameName    = "same-name"    // both have the same full name, one of them with the only company address that has it
	// RuleSameRepository: both have the same name, of any form but the shortest, in the same repository around the same time, one of them
	// with the only company address that has it.
	RuleSameRepository = "same-repository"
)

// The rules that give a person at a date an organization or a class.
const (
	RuleDomain      = "domain"          // the address's domain, by a statement of the directory
	RuleAcademic    = "academic-suffix" // the address's domain is under .edu, .ac.uk or the like
	RuleStatement   = "statement"       // a dated statement about the person in the user's files
	RuleImported    = "imported"        // the same in a file that was made from another project's map
	RuleSignOff     = "sign-off"        // the author signed the commit, or one around that time, off with a company's address
	RuleSamePerson  = "same-person"     // the person used a company's address around that time
	RuleStaffNumber = "staff-number"    // the name ends with a number of the form that the directory says an organization gives its people
	RuleProfile     = "profile"         // the profile of the person's account at a forge names the company
	RuleFreeMail    = "free-mail"       // the domain is a free-mail provider's
	RuleUnlisted    = "unlisted-domain" // nothing is known of the domain, which is the evidence's source
	RulePlaceholder = "placeholder"     // no address, or what an unconfigured git makes up
	RuleMalformed   = "malformed"       // no address, beyond repair
	RuleMachine     = "machine"         // a pattern of machine accounts
	RuleWithheld    = "withheld"        // the person does not want to be told apart
	RuleUndated     = "undated"         // the answer depends on the date, and there is none
	RuleClaimed     = "claimed"         // the file that names a person in a seat names an organization beside
)

// NobodysMailbox is the evidence of an address that many commit with and nobody reads, such as that of a forge's editor.
const NobodysMailbox = "nobody's mailbox"

// inferred are the joins that can be wrong: each needs evidence from outside the address. They come after the others; the last is the weakest.
var inferred = [...]string{RuleCreatedBy, RuleSameRepository, RuleSameName}

// Rule is one that can be switched.
type Rule struct {
	Name string
	On   bool // unless [Options.Rules] say otherwise
	Text string
}

// Rules are those that [Options.Rules] may name: first those that join signatures, then those that find an organization, strongest first.
var Rules = []Rule{
	{RuleMailmap, true, "a mailmap gives two signatures the same proper address, or one of an organization"},
	{RuleRepair, true, "addresses that are misspelled in ways that have been seen, mended"},
	{RuleNoReply, true, "no-reply addresses of the same account of a forge are one person's"},
	{RuleCreatedBy, true, "an account is whoever wrote what the requests that it opened brought in"},
	{RuleSameRepository, true, "the same name in the same repository, around the same time, beside the only company address there that has it"},
	{RuleSameName, true, "the same full name, around the same time in the same repository, as at the only company address anywhere that has it"},
	{RuleAcademic, true, "domains under .edu, .ac.uk and the like are universities'"},
	{RuleSamePerson, true, "whoever uses a company's address works there around that time; without it the rules that join find no organization"},
	{RuleSignOff, true, "authors who sign their own commits off with a company's address work there around that time; needs same-person"},
	{RuleStaffNumber, true, "names that end with a staff number of a form that the directory states, at addresses that are no employer's"},
	{RuleProfile, true, "the profile of a person's account at a forge names the company"},
}

// ruleOf finds a rule that can be switched.
func ruleOf(name string) (rule Rule, ok bool) {
	if i := slices.IndexFunc(Rules, func(r Rule) bool { return r.Name == name }); i >= 0 {
		return Rules[i], true
	}
	return Rule{}, false
}

// ParseRules reads switches of rules: "+NAME" turns one on, "-NAME" off. Of several about one rule the last holds.
func ParseRules(switches []string) (map[string]bool, error) {
	rules := map[string]bool{}
	for _, text := range switches {
		sign, name := "", strings.TrimSpace(text)
		if name != "" {
			sign, name = name[:1], name[1:]
		}
		if sign != "+" && sign != "-" {
			return nil, fmt.Errorf("%q switches no rule: write +RULE or -RULE", text)
		}
		if _, ok := ruleOf(name); !ok {
			return nil, noRule(name)
		}
		rules[name] = sign == "+"
	}
	return rules, nil
}

func noRule(name string) error {
	var names []string
	for _, rule := range Rules {
		names = append(names, rule.Name)
	}
	return fmt.Errorf("no rule %q that can be switched; there are: %s", name, strings.Join(names, ", "))
}

// RulesText says how rules differ from their defaults, as [ParseRules] reads it; "default" where they do not.
func RulesText(rules map[string]bool) string {
	var differ []string
	for _, rule := range Rules {
		if on, stated := rules[rule.Name]; stated && on != rule.On {
			differ = append(differ, map[bool]string{true: "+", false: "-"}[on]+rule.Name)
		}
	}
	return cmp.Or(strings.Join(differ, ", "), "default")
}

// Options shape a resolution.
type Options struct {
	Mailmaps     []*Mailmap // applied one after the other, each to the outcome of those before it
	Directory    *Directory // nil for the built-in one
	Bots         []string   // patterns of machine accounts: of addresses where they hold @, else of names; * is anything, case is ignored
	PseudonymKey []byte     // at least 16 bytes; the same key gives the same pseudonyms
	// Rules switches rules on and off that differ from their default. RuleSameAddress, RuleDomain and the like cannot be switched.
	Rules map[string]bool
	// RollUp is what organizations are rolled up to, "" for [LevelBrand].
	RollUp Level
	// Contractors is how they are read, "" for [ReadBoth].
	Contractors Reading
	// CoAuthors is what a commit counts for beside its author, "" for [CoAuthorsAuthor].
	CoAuthors CoAuthors
	// Withheld holds the digests, by [Digest], of addresses whose persons do not want to be told apart.
	Withheld map[string]bool

	// Forges are what forges tell of accounts: profiles are statements, of low confidence, around the day that they were asked for.
	Forges []*facts.Forge
	// Mentions are people whom files and messages name, in seats and reviews: [Resolution.Mentioned] and [Resolution.AttributeMention].
	Mentions []Mention
}

// window is how far apart in time signatures of one name may be to be joined, and how far from both of two uses of a company's address its
// person is still taken to work there, in days. Before the first use and after the last nobody is: a private address is what people have before they
// come and after they leave, and nearly all errors of samples were there, though only weeks away. By what people state of themselves (Stackalytics), 92 %
// of them work there already up to 90 days before, and 64 % still up to 90 days after.
const window = 365

// doubt is how far from the uses of two organizations' addresses a day must be for neither to cast doubt on the other, in days: people go to and fro
// between a client and its contractors, and which of them a private address is for cannot be told.
const doubt = 90

// identity is a distinct signature: what is written, and what mailmaps make of it.
type identity struct {
	signature facts.Signature // as written
	proper    facts.Signature // by mailmaps, the same where they say nothing
	mailmap   string          // the line that has spoken last, "" for none
	byName    bool            // that line speaks of this name at the address, not of the address

	own, address address // of signature, of proper
	name         string  // normalized, of proper
	machine      Class
	pattern      string // source of the machine's pattern
	stated       string // its place; "" for none
	first, last  int32  // days of the earliest and latest authored commit; first > last if there is none
	commits      int    // authored, merges too
	reference    Reference
	number       uint32 // its own
}

// resolver carries a resolution from signatures to attributions. Everything is ordered by identity, which is ordered by what is written, so
// the order of repositories shows in references only.
type resolver struct {
	opts         Options
	directory    *Directory
	repositories []*facts.Repository
	identities   []identity
	of           [][]uint32 // repository, signature -> identity
	sets         sets
	sides        []map[uint32]uint32 // root -> group of those that are not the same -> which of its members is in the set; nil for none
	keys         [][]string          // identity -> addresses and accounts that it is joined by
	personOf     []uint32            // identity -> person
	creators     map[string]uint32   // account of a forge -> identity of who opened its requests
	out          Resolution
	evidence     map[Evidence]uint32
}

// Resolve makes persons of the signatures of repositories, and prepares the answers of [Resolution.Attribute].
func Resolve(repositories []*facts.Repository, opts Options) (*Resolution, error) {
	r := &resolver{
		opts: opts, directory: opts.Directory, repositories: repositories, evidence: map[Evidence]uint32{}, creators: map[string]uint32{},
	}
	if len(opts.PseudonymKey) < 16 {
		return nil, errors.New("resolving people: the key of pseudonyms has fewer than 16 bytes")
	}
	for _, rule := range slices.Sorted(maps.Keys(opts.Rules)) {
		if _, ok := ruleOf(rule); !ok {
			return nil, fmt.Errorf("resolving people: %w", noRule(rule))
		}
	}
	if r.directory == nil {
		var err error
		if r.directory, err = embedded(); err != nil {
			return nil, fmt.Errorf("resolving people: %w", err)
		}
	}
	if err := opts.checkLevels(); err != nil {
		return nil, err
	}
	if err := opts.checkCoAuthors(); err != nil {
		return nil, err
	}
	named := gatherCoAuthors(repositories, &opts, r.directory)
	r.repositories = named.repositories
	r.identify(named.named)
	r.out.Joined = map[string]int{}
	r.sets = newSets(len(r.identities))
	r.joinStated()
	r.joinKeys()
	strong := r.sets.roots()
	r.joinCreators()
	r.joinNames()
	withheld := r.withheld()
	r.persons(withheld)
	r.index()
	a := r.attributor(strong)
	if withheld != nil {
		a.withheld, a.opted = withheld, r.because(RuleWithheld, "", "high")
	}
	organizations := r.out.Organizations
	r.settle(named)
	r.out.mention = func(i int, when facts.Time) Attribution {
		day, dated := int32(0), when.Valid
		if dated {
			day = dayOf(when.Unix)
		}
		return a.roll(a.attributeMention(i, when), day, dated, organizations)
	}
	return NewResolution(r.out, func(repository int, signature uint32, when facts.Time) Attribution {
		day, dated := int32(0), when.Valid
		if dated {
			day = dayOf(when.Unix)
		}
		return a.roll(a.attribute(repository, signature, when), day, dated, organizations)
	}), nil
}

// on says whether a rule applies.
func (r *resolver) on(rule string) bool {
	if on, ok := r.opts.Rules[rule]; ok {
		return on
	}
	declared, _ := ruleOf(rule)
	return declared.On
}

// identify makes one list of the distinct signatures, ordered by what is written. named are commits that name co-authors.
func (r *resolver) identify(named [][]Credit) {
	type key struct{ signature, proper facts.Signature }
	numbers := map[key]uint32{}
	r.of = make([][]uint32, len(r.repositories))
	for i, repository := range r.repositories {
		r.of[i] = make([]uint32, len(repository.Signatures))
		for s, signature := range repository.Signatures {
			id := identity{signature: signature, proper: signature, reference: Reference{i, uint32(s)}, first: math.MaxInt32, last: math.MinInt32}
			if r.on(RuleMailmap) {
				r.mapped(&id, repository.Key)
			}
			k := key{id.signature, id.proper}
			n, ok := numbers[k]
			if !ok {
				n = uint32(len(r.identities))
				numbers[k] = n
				r.identities = append(r.identities, id)
			}
			r.of[i][s] = n
		}
	}
	order := make([]uint32, len(r.identities))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int {
		x, y := &r.identities[a], &r.identities[b]
		return cmp.Or(compare(x.signature, y.signature), compare(x.proper, y.proper))
	})
	sorted, rank := make([]identity, len(order)), make([]uint32, len(order))
	for i, n := range order {
		sorted[i], rank[n] = r.identities[n], uint32(i)
	}
	r.identities = sorted
	for i, repository := range r.repositories {
		for s := range r.of[i] {
			r.of[i][s] = rank[r.of[i][s]]
		}
		for s, wrote := range authored(repository) {
			id := &r.identities[r.of[i][s]]
			id.commits += wrote.commits
			id.first, id.last = min(id.first, wrote.first), max(id.last, wrote.last)
		}
		for _, credit := range named[i] {
			if commit := &repository.Commits[credit.Commit]; commit.Authored.Valid {
				id, day := &r.identities[r.of[i][credit.Signature]], dayOf(commit.Authored.Unix)
				id.first, id.last = min(id.first, day), max(id.last, day)
			}
		}
	}
	bots := botPatterns(r.opts.Bots)
	for i := range r.identities {
		id := &r.identities[i]
		id.number = uint32(i)
		id.own = r.parse(id.signature.Email)
		id.address = id.own
		if id.proper.Email != id.signature.Email {
			id.address = r.parse(id.proper.Email)
		}
		id.name = normalizeName(id.proper.Name)
		id.machine, id.pattern, id.stated = r.directory.machine(id.proper.Name, id.address.text, bots)
	}
}

func compare(a, b facts.Signature) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Email, b.Email))
}

func (r *resolver) mapped(id *identity, repository string) {
	for _, m := range r.opts.Mailmaps {
		if m.Repository != "" && m.Repository != repository {
			continue
		}
		if to := m.lookup(id.proper.Name, id.proper.Email); to.changed {
			id.proper = facts.Signature{Name: to.name, Email: to.email}
			id.mailmap = fmt.Sprintf("%s:%d", m.file, to.line)
			id.byName = id.byName || to.byName
		}
	}
}

// parse reads an address, and takes repaired ones for malformed if that rule is off.
func (r *resolver) parse(email string) address {
	a := parseAddress(email, r.directory)
	if a.repair != "" && !r.on(RuleRepair) {
		return address{text: strings.ToLower(email), form: malformed}
	}
	return a
}

// prefix keeps machines apart from the people whose addresses they use.
func (id *identity) prefix() string {
	if id.machine != Unknown {
		return id.machine.String() + " "
	}
	return ""
}

// pair is the key of those whom no address identifies: they are one with whom has the same name and address.
func (id *identity) pair() string {
	return id.prefix() + id.name + " <" + id.address.text + ">"
}

// joinKeys joins identities that have a key in common: an address that names one mailbox, or an account of a forge.
func (r *resolver) joinKeys() {
	n := len(r.identities)
	r.keys = make([][]string, n)
	first := make(map[string][]uint32, n) // one of each set that has the key; several where they are not to be joined
	join := func(i uint32, key string, rule func(a, b *identity) (string, string, string)) (owns bool) {
		for k, j := range first[key] {
			name, source, confidence := rule(&r.identities[j], &r.identities[i])
			if r.join(j, i, name, source, confidence) {
				return k == 0
			}
		}
		first[key] = append(first[key], i)
		return len(first[key]) == 1
	}
	for i := range r.identities {
		id := &r.identities[i]
		key := id.pair()
		if id.address.form == valid {
			key = id.prefix() + id.address.text
		}
		if join(uint32(i), key, byAddress) && id.address.form == valid {
			r.keys[i] = append(r.keys[i], key)
		}
		// What a mailmap says of an address holds where another repository's mailmap is silent. Not so if it speaks of one name at it.
		if id.own.form == valid && id.own.text != id.address.text && !id.byName {
			key := id.prefix() + id.own.text
			if join(uint32(i), key, byAddress) {
				r.keys[i] = append(r.keys[i], key)
			}
		}
	}
	if !r.on(RuleNoReply) {
		return
	}
	for i := range r.identities {
		id := &r.identities[i]
		if id.machine != Unknown {
			continue
		}
		for _, a := range [...]*address{&id.address, &id.own} {
			if a == &id.own && (id.byName || id.own.text == id.address.text) || r.directory.apart[a.text] {
				continue
			}
			account, number := a.login()
			for _, key := range [...]string{number, account} {
				if key != "" {
					join(uint32(i), key, func(_, _ *identity) (string, string, string) {
						forge, _, _ := strings.Cut(account, ":")
						return RuleNoReply, "account at " + forge, "high"
					})
				}
			}
		}
	}
}

// byAddress names the rule by which two identities have the same address.
func byAddress(a, b *identity) (rule, source, confidence string) {
	for _, id := range [...]*identity{b, a} {
		if id.mailmap != "" && id.own.text != id.address.text {
			return RuleMailmap, id.mailmap, "high"
		}
	}
	for _, id := range [...]*identity{b, a} {
		if id.address.repair != "" {
			return RuleRepair, id.address.repair, "medium"
		}
	}
	return RuleSameAddress, "", "high"
}

// join makes two identities one person, unless a file forbids it, and says why if they were not yet. It tells whether they are one.
func (r *resolver) join(i, j uint32, rule, source, confidence string) bool {
	i0, j0 := r.sets.find(i), r.sets.find(j)
	if i0 == j0 {
		return true
	}
	if r.sides != nil {
		for group, member := range r.sides[i0] {
			if other, ok := r.sides[j0][group]; ok && other != member {
				return false
			}
		}
	}
	r.sets.union(i, j)
	if r.sides != nil {
		root, gone := min(i0, j0), max(i0, j0)
		if r.sides[root] == nil {
			r.sides[root] = r.sides[gone]
		} else {
			maps.Copy(r.sides[root], r.sides[gone])
		}
	}
	r.out.Joined[rule]++
	r.out.Joins = append(r.out.Joins, Join{r.identities[i].reference, r.identities[j].reference, r.because(rule, source, confidence)})
	return true
}

// joinStated joins whom files say to be one person, and takes down whom they say to be different ones.
func (r *resolver) joinStated() {
	if len(r.directory.same)+len(r.directory.notSame) == 0 {
		return
	}
	byAddress := map[string][]uint32{}
	for i := range r.identities {
		id := &r.identities[i]
		if id.machine != Unknown {
			continue
		}
		account, _ := id.own.login()
		for _, key := range slices.Compact([]string{id.own.text, account}) {
			if key != "" {
				byAddress[key] = append(byAddress[key], uint32(i))
			}
		}
	}
	members := func(text string) []uint32 {
		name, email, shared := strings.Cut(strings.TrimSuffix(strings.TrimSpace(text), ">"), "<")
		if !shared {
			name, email = "", text
		}
		own := r.parse(email)
		list := byAddress[own.text]
		if account, _ := own.login(); account != "" {
			list = byAddress[account]
		}
		if name = normalizeName(name); name == "" {
			return list
		}
		var named []uint32
		for _, i := range list {
			if id := &r.identities[i]; name == id.name || name == normalizeName(id.signature.Name) {
				named = append(named, i)
			}
		}
		return named
	}
	if len(r.directory.notSame) > 0 {
		r.sides = make([]map[uint32]uint32, len(r.identities))
	}
	for g, group := range r.directory.notSame {
		for m, text := range group.members {
			for _, i := range members(text) {
				if r.sides[i] == nil {
					r.sides[i] = map[uint32]uint32{}
				}
				if _, taken := r.sides[i][uint32(g)]; !taken {
					r.sides[i][uint32(g)] = uint32(m)
				}
			}
		}
	}
	for _, group := range r.directory.same {
		var all []uint32
		for _, text := range group.members {
			all = append(all, members(text)...)
		}
		for _, i := range all[min(1, len(all)):] {
			r.join(all[0], i, RuleStated, group.source, "high")
		}
	}
}

// because numbers pieces of evidence.
func (r *resolver) because(rule, source, confidence string) uint32 {
	return r.becauseOf(rule, source, confidence, "", always)
}

// becauseOf is because, of a statement of a file.
func (r *resolver) becauseOf(rule, source, confidence, at string, valid period) uint32 {
	e := Evidence{Rule: rule, Source: source, Confidence: confidence, Where: at, When: strings.TrimSpace(spanText(valid))}
	n, ok := r.evidence[e]
	if !ok {
		n = uint32(len(r.out.Evidence))
		r.evidence[e] = n
		r.out.Evidence = append(r.out.Evidence, e)
	}
	return n
}

// createdBy is how sure a forge account's commits must be: two requests at least, and three of four by the same person.
const (
	createdByVotes = 2
	createdByNum   = 3
	createdByDen   = 4
)

// gitcodeSince is the day when the projects of Gitee that name accounts in messages had moved to GitCode (field notes 2026-08: autumn 2025).
var gitcodeSince = dayOf(1759276800) // 2025-10-01

// joinCreators joins the account that opened a request with the author of what it brought: forges write the account into the message of the
// merge, or tell it when they are asked, and the merge's second parent is the request's last commit.
func (r *resolver) joinCreators() {
	if !r.on(RuleCreatedBy) {
		return
	}
	accounts := map[string]uint32{} // that stand in addresses; the others join nobody, but are known where files name them
	for i := range r.identities {
		id := &r.identities[i]
		if id.machine != Unknown || id.byName || r.directory.apart[id.own.text] {
			continue
		}
		if account, _ := id.own.login(); account != "" {
			if _, ok := accounts[account]; !ok {
				accounts[account] = uint32(i)
			}
		}
	}
	votes := map[string]map[uint32]int{}
	voted := map[pullVote]bool{}
	for i, repository := range r.repositories {
		for c := range repository.Commits {
			commit := &repository.Commits[c]
			if commit.Parents.Len() != 2 {
				continue
			}
			parent := repository.Parents[commit.Parents.Lo+1]
			if parent == facts.None {
				continue
			}
			author := r.of[i][repository.Commits[parent].Author]
			id := &r.identities[author]
			if id.machine != Unknown || id.address.form != valid || r.directory.apart[id.address.text] {
				continue
			}
			for _, t := range repository.Trailers[commit.Trailers.Lo:commit.Trailers.Hi] {
				account := creator(t, commit)
				if account == "" {
					continue
				}
				if votes[account] == nil {
					votes[account] = map[uint32]int{}
				}
				votes[account][r.sets.find(author)]++
				voted[pullVote{commit.ID, account}] = true
				break
			}
		}
	}
	r.pullVotes(votes, voted)
	for _, account := range slices.Sorted(maps.Keys(votes)) {
		total, best, who := 0, 0, uint32(0)
		for _, root := range slices.Sorted(maps.Keys(votes[account])) {
			n := votes[account][root]
			total += n
			if n > best {
				best, who = n, root
			}
		}
		if best >= createdByVotes && best*createdByDen >= total*createdByNum {
			if i, ok := accounts[account]; ok {
				r.join(who, i, RuleCreatedBy, fmt.Sprintf("%d of %d requests", best, total), "medium")
			}
			r.creators[account] = who
		}
	}
}

// pullVote is an account's request that came in with a commit.
type pullVote struct {
	commit  facts.ID
	account string
}

// pullVotes adds the votes of pull requests that forges tell of: the author of the merge's second parent, or of the commit that it was squashed
// into, for the account that opened it. Messages that say the same have voted already.
func (r *resolver) pullVotes(votes map[string]map[uint32]int, voted map[pullVote]bool) {
	openers := map[facts.ID][]string{} // accounts by the commit that their request became
	for _, forge := range r.opts.Forges {
		for i := range forge.Pulls {
			p := &forge.Pulls[i]
			if p.State != facts.PullMerged || p.Merge.IsZero() || p.Author == facts.None || forge.Accounts[p.Author].Kind != facts.PersonAccount {
				continue
			}
			v := pullVote{p.Merge, forge.Key(&forge.Accounts[p.Author])}
			if !voted[v] {
				voted[v] = true
				openers[p.Merge] = append(openers[p.Merge], v.account)
			}
		}
	}
	if len(openers) == 0 {
		return
	}
	for i, repository := range r.repositories {
		for c := range repository.Commits {
			accounts := openers[repository.Commits[c].ID]
			if len(accounts) == 0 {
				continue
			}
			delete(openers, repository.Commits[c].ID) // other repositories may hold it too
			row := uint32(c)
			if p := repository.Commits[c].Parents; p.Len() > 1 {
				row = repository.Parents[p.Lo+1]
			}
			if row == facts.None {
				continue
			}
			author := r.of[i][repository.Commits[row].Author]
			id := &r.identities[author]
			if id.machine != Unknown || id.address.form != valid || r.directory.apart[id.address.text] {
				continue
			}
			for _, account := range accounts {
				if votes[account] == nil {
					votes[account] = map[uint32]int{}
				}
				votes[account][r.sets.find(author)]++
			}
		}
	}
}

// creator reads who opened a request: `Created-by: login` at GitCode, `From: @login` where openEuler's account merges.
func creator(t facts.Trailer, commit *facts.Commit) string {
	value := strings.ToLower(strings.TrimSpace(t.Value))
	switch {
	case strings.EqualFold(t.Key, "Created-by"):
		return "gitcode:" + strings.TrimPrefix(value, "@")
	case strings.EqualFold(t.Key, "From") && strings.HasPrefix(value, "@"):
		if commit.Committed.Valid && dayOf(commit.Committed.Unix) >= gitcodeSince {
			return "gitcode:" + value[1:]
		}
		return "gitee:" + value[1:]
	}
	return ""
}

// joinNames joins whom no address says an organization of, with the one company address anywhere that has the same full name, around the same time
// in a repository of both, or of Han names with an address that looks like theirs; then with the one that has the same name, be it no full one, in the
// same repository around the same time. Across repositories there are namesakes: of 113 that were judged without that, six were wrong or undecided.
func (r *resolver) joinNames() {
	if !r.on(RuleSameName) && !r.on(RuleSameRepository) {
		return
	}
	stays := r.stays()
	together := func(a, b *identity) bool {
		for repository, its := range stays[a.number] {
			if theirs, ok := stays[b.number][repository]; ok && its.near(theirs) {
				return true
			}
		}
		return false
	}
	// A domain that nothing is known of may be another employer's: where several people have addresses, it is somebody's.
	owners := map[string]string{} // domain -> name of whom alone it has, "" for several people's
	for i := range r.identities {
		id := &r.identities[i]
		if owner, ok := owners[id.own.domain]; !ok {
			owners[id.own.domain] = id.name
		} else if owner != id.name {
			owners[id.own.domain] = ""
		}
	}
	open := func(a *identity) bool { return r.isPrivate(&a.own) || owners[a.own.domain] == a.name }
	if r.on(RuleSameName) {
		r.joinByName(RuleSameName, "the only company address with this name", true, func(corporate, other *identity) bool {
			switch {
			case !isFullName(other.name):
				return false
			case isHan(other.name): // a few characters are many people's name: the address has to look like theirs too
				return related(&corporate.own, &other.own) || related(&corporate.own, &other.address)
			}
			return open(other) && together(corporate, other)
		})
	}
	if r.on(RuleSameRepository) {
		r.joinByName(RuleSameRepository, "the only company address with this name in the same repository", false, func(corporate, other *identity) bool {
			return isDistinctive(other.name) && open(other) && together(corporate, other)
		})
	}
}

// isPrivate says whether an address is at a domain that no employer stands behind, or at none.
func (r *resolver) isPrivate(a *address) bool {
	if class := r.classOf(a); a.form != valid || class != Unknown {
		return !class.Known()
	}
	for suffix := range suffixes(a.domain) {
		if freeMail()[suffix] {
			return true
		}
	}
	return false
}

// stay is from the first to the last day of an identity's commits in a repository.
type stay struct{ first, last int32 }

// near says whether two stays are at most a window apart.
func (s stay) near(o stay) bool {
	return s.first <= satAdd(o.last, window) && o.first <= satAdd(s.last, window)
}

// stays gives for every identity the repositories that it has dated commits in.
func (r *resolver) stays() []map[int]stay {
	out := make([]map[int]stay, len(r.identities))
	for i, repository := range r.repositories {
		for s, wrote := range authored(repository) {
			if wrote.first > wrote.last {
				continue
			}
			n := r.of[i][s]
			if out[n] == nil {
				out[n] = map[int]stay{}
			}
			if before, ok := out[n][i]; ok { // signatures may be one identity
				wrote.stay = stay{min(before.first, wrote.first), max(before.last, wrote.last)}
			}
			out[n][i] = wrote.stay
		}
	}
	return out
}

// authorship is what a signature wrote in a repository: commits, and between which days, first above last where none is dated.
type authorship struct {
	stay
	commits int
}

// authored gives what each signature of a repository wrote: commits are many, and signatures few.
func authored(repository *facts.Repository) []authorship {
	all := make([]authorship, len(repository.Signatures))
	for s := range all {
		all[s].stay = stay{math.MaxInt32, math.MinInt32}
	}
	for c := range repository.Commits {
		commit := &repository.Commits[c]
		of := &all[commit.Author]
		of.commits++
		if commit.Authored.Valid {
			day := dayOf(commit.Authored.Unix)
			of.first, of.last = min(of.first, day), max(of.last, day)
		}
	}
	return all
}

// joinByName joins whom no address says an organization of, with the one company address that has the same name around the same time, if both
// fit: the only one of those that fit, or the only one everywhere.
func (r *resolver) joinByName(rule, source string, everywhere bool, fit func(corporate, other *identity) bool) {
	type corporate struct {
		members []uint32 // with the same name and address
		address string
		stay
	}
	affiliated := map[uint32]bool{} // roots of those who have an organization's address already
	byName := map[string][]*corporate{}
	for i := range r.identities {
		id := &r.identities[i]
		if id.machine != Unknown {
			continue
		}
		class := r.classOf(&id.own)
		if class.Known() || r.classOf(&id.address).Known() {
			affiliated[r.sets.find(uint32(i))] = true
		}
		if class != Employer && class != Contractor || id.own.form != valid || r.directory.apart[id.own.text] ||
			id.first > id.last || id.name == "" || isPlaceholderName(id.name) {
			continue
		}
		k := slices.IndexFunc(byName[id.name], func(c *corporate) bool { return c.address == id.own.text })
		if k < 0 {
			byName[id.name] = append(byName[id.name], &corporate{[]uint32{uint32(i)}, id.own.text, stay{id.first, id.last}})
			continue
		}
		c := byName[id.name][k]
		c.members = append(c.members, uint32(i))
		c.first, c.last = min(c.first, id.first), max(c.last, id.last)
	}
	type pair struct{ corporate, other uint32 }
	targets := map[uint32]pair{}
	for i := range r.identities {
		id := &r.identities[i]
		root := r.sets.find(uint32(i))
		if id.machine != Unknown || id.address.form != valid || affiliated[root] || r.directory.apart[id.own.text] || r.directory.apart[id.address.text] {
			continue
		}
		named := byName[id.name]
		if len(named) == 0 || len(named) > 1 && everywhere || id.first > id.last {
			continue
		}
		var c *corporate
		several := false
		for _, n := range named {
			if n.near(stay{id.first, id.last}) && slices.ContainsFunc(n.members, func(m uint32) bool { return fit(&r.identities[m], id) }) {
				several = several || c != nil
				c = n
			}
		}
		if c == nil || several {
			continue
		}
		if before, ok := targets[root]; !ok {
			targets[root] = pair{c.members[0], uint32(i)}
		} else if before.corporate != facts.None && r.sets.find(before.corporate) != r.sets.find(c.members[0]) {
			targets[root] = pair{facts.None, 0} // two names, two people
		}
	}
	for _, root := range slices.Sorted(maps.Keys(targets)) {
		if p := targets[root]; p.corporate != facts.None {
			r.join(p.corporate, p.other, rule, source, "medium")
		}
	}
}

// classOf says what the directory or the suffix make of an address's domain, whatever the date.
func (r *resolver) classOf(a *address) Class {
	if _, ok := forges[a.domain]; ok {
		return NoReply
	}
	for suffix := range suffixes(a.domain) {
		for _, e := range r.directory.domains[suffix] {
			return e.class
		}
	}
	if registrable, err := publicsuffix.EffectiveTLDPlusOne(a.domain); err == nil && isAcademic(registrable) {
		return Academic
	}
	return Unknown
}

// withoutDomain finds addresses in names, which many programs fill with them: names may be printed, addresses never. "@login" is none.
var withoutDomain = regexp.MustCompile(`(\S)(?:@|＠|﹫|%40)\S+`)

// persons numbers the sets by their smallest key. Those withheld are one person together.
func (r *resolver) persons(withheld []bool) {
	type group struct {
		person  Person
		members []uint32
	}
	byRoot := map[uint32]int{}
	var groups []group
	for i := range r.identities {
		id := &r.identities[i]
		root := r.sets.find(uint32(i))
		hidden := withheld != nil && withheld[i]
		if hidden {
			root = facts.None
		}
		g, ok := byRoot[root]
		if !ok {
			g = len(groups)
			byRoot[root] = g
			groups = append(groups, group{person: Person{Machine: id.machine, Withheld: hidden}})
		}
		groups[g].members = append(groups[g].members, uint32(i))
		for _, key := range r.keys[i] {
			if p := &groups[g].person; p.Key == "" || key < p.Key {
				p.Key = key
			}
		}
	}
	for g := range groups {
		p := &groups[g].person
		spellings := map[string]int{}
		if p.Key == "" {
			p.Key = r.identities[groups[g].members[0]].pair()
		}
		for _, i := range groups[g].members {
			id := &r.identities[i]
			spellings[strings.Join(strings.Fields(id.proper.Name), " ")] += id.commits
		}
		best := -1
		for _, name := range slices.Sorted(maps.Keys(spellings)) {
			n := spellings[name]
			if isPlaceholderName(normalizeName(name)) || name == "" {
				n = -1 // a placeholder only where there is nothing else
			}
			if n > best || p.Name == "" {
				best, p.Name = n, name
			}
		}
		p.Name = withoutDomain.ReplaceAllString(p.Name, "$1@…")
		if p.Withheld {
			p.Key, p.Name = Withheld.String(), Withheld.String()
		}
	}
	slices.SortFunc(groups, func(a, b group) int { return strings.Compare(a.person.Key, b.person.Key) })
	for i := 1; i < len(groups); i++ { // who is not to be joined may have the same name and address
		if p, before := &groups[i].person, &groups[i-1].person; strings.TrimRight(before.Key, "\x00") == p.Key {
			p.Key = before.Key + "\x00"
		}
	}
	r.out.Persons = make([]Person, len(groups))
	number := make([]uint32, len(r.identities))
	for p, g := range groups {
		r.out.Persons[p] = g.person
		for _, i := range g.members {
			number[i] = uint32(p)
		}
	}
	pseudonyms(r.out.Persons, r.opts.PseudonymKey)
	r.out.Person = r.spread(number)
	r.personOf = number
}

// spread gives every signature what its identity has.
func (r *resolver) spread(column []uint32) [][]uint32 {
	out := make([][]uint32, len(r.of))
	for i, row := range r.of {
		out[i] = make([]uint32, len(row))
		for s, id := range row {
			out[i][s] = column[id]
		}
	}
	return out
}

// index numbers the distinct addresses and names, as written but for spelling: mailmaps do not lower these counts.
func (r *resolver) index() {
	number := func(text func(id *identity) string) [][]uint32 {
		seen := make(map[string]uint32, len(r.identities))
		column := make([]uint32, len(r.identities))
		for i := range r.identities {
			t := text(&r.identities[i])
			n, ok := seen[t]
			if !ok {
				n = uint32(len(seen))
				seen[t] = n
			}
			column[i] = n
		}
		return r.spread(column)
	}
	r.out.Address = number(func(id *identity) string { return id.own.text })
	r.out.Name = number(func(id *identity) string { return normalizeName(id.signature.Name) })
}

// Digest is what an opt-out file holds of an address: a keyed hash, so that the file tells nobody who does not want to be told apart. It is
// of another kind than a pseudonym, so none leads to the other.
func Digest(key []byte, email string) (string, error) {
	d, err := embedded()
	if err != nil {
		return "", err
	}
	a := parseAddress(email, d)
	if a.form != valid {
		return "", errors.New("this is no address of one person")
	}
	return digest(key, a.text), nil
}

func digest(key []byte, address string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("withheld\x00" + address))
	return hex.EncodeToString(mac.Sum(nil))
}

// ReadWithheld reads an opt-out file: a digest of an address on each line, after # a remark.
func ReadWithheld(path string) (map[string]bool, error) {
	data, err := readCapped(path)
	if err != nil {
		return nil, fmt.Errorf("reading the opt-out file: %w", err)
	}
	set, line := map[string]bool{}, 0
	for text := range strings.Lines(string(data)) {
		line++
		text, _, _ = strings.Cut(text, "#")
		if text = strings.ToLower(strings.TrimSpace(text)); text == "" {
			continue
		}
		if b, err := hex.DecodeString(text); err != nil || len(b) != sha256.Size {
			return nil, fmt.Errorf("reading the opt-out file: %s:%d:1: want %d hexadecimal digits, as orrery organizations opt-out prints them", path, line, 2*sha256.Size)
		}
		set[text] = true
	}
	return set, nil
}

// withheld tells for every identity whether its person is; nil if nobody is.
func (r *resolver) withheld() []bool {
	if len(r.opts.Withheld) == 0 {
		return nil
	}
	roots := map[uint32]bool{}
	for i := range r.identities {
		id := &r.identities[i]
		for _, a := range [...]*address{&id.own, &id.address} {
			if a.form == valid && id.machine == Unknown && r.opts.Withheld[digest(r.opts.PseudonymKey, a.text)] {
				roots[r.sets.find(uint32(i))] = true
			}
		}
	}
	out := make([]bool, len(r.identities))
	for i := range out {
		out[i] = roots[r.sets.find(uint32(i))]
	}
	return out
}

// minPseudonym is the number of hexadecimal digits of a pseudonym, where no other one begins with the same.
const minPseudonym = 8

// pseudonyms gives every person a name that says nothing: a keyed hash of Key, so that whoever lacks the key cannot try addresses on it.
func pseudonyms(persons []Person, key []byte) {
	hashes := make([]string, len(persons))
	order := make([]int, len(persons))
	for i := range persons {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(persons[i].Key))
		hashes[i] = hex.EncodeToString(mac.Sum(nil))
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(hashes[a], hashes[b]) })
	for at, i := range order {
		digits := minPseudonym
		for _, j := range [...]int{at - 1, at + 1} {
			if j >= 0 && j < len(order) {
				for other := hashes[order[j]]; digits < len(other) && other[:digits] == hashes[i][:digits]; {
					digits++
				}
			}
		}
		persons[i].Pseudonym = "p-" + hashes[i][:digits]
		if persons[i].Withheld {
			persons[i].Pseudonym = Withheld.String()
		}
	}
}

// KeyName names a key of pseudonyms and says nothing of it: the pseudonyms of two results can be compared where the names are the same.
func KeyName(key []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("the name of this key"))
	return "k-" + hex.EncodeToString(mac.Sum(nil))[:minPseudonym]
}

// sets is a union-find forest over identities.
type sets struct{ parent []uint32 }

func newSets(n int) sets {
	s := sets{make([]uint32, n)}
	for i := range s.parent {
		s.parent[i] = uint32(i)
	}
	return s
}

func (s sets) find(i uint32) uint32 {
	for s.parent[i] != i {
		s.parent[i] = s.parent[s.parent[i]]
		i = s.parent[i]
	}
	return i
}

// union says whether the two were apart. The smaller one becomes the root, so roots do not depend on the order of joins.
func (s sets) union(i, j uint32) bool {
	i, j = s.find(i), s.find(j)
	if i == j {
		return false
	}
	s.parent[max(i, j)] = min(i, j)
	return true
}

func (s sets) roots() []uint32 {
	roots := make([]uint32, len(s.parent))
	for i := range roots {
		roots[i] = s.find(uint32(i))
	}
	return roots
}
