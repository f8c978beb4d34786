package people

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"orrery/analyzer/facts"
)

// Explainer answers why something is attributed as it is, and what a statement weighs: it resolves again without it.
type Explainer struct {
	Repositories []*facts.Repository
	Options      Options
	Resolution   *Resolution
	// Names prints the names of people.
	Names bool
	// Imported says of a commit of a repository whether it is a bulk import, which tables set aside; nil where that is not known.
	Imported func(repository int, commit uint32) bool
	// Statements ("FILE:LINE", or "rule NAME") are what answers are told without; the weightiest that one rests on, if there are none.
	Statements []string
}

// repositories are those that the answers are about.
func (x *Explainer) repositories() []*facts.Repository {
	if x.Resolution.Repositories != nil {
		return x.Resolution.Repositories
	}
	return x.Repositories
}

// ErrUnknown says that nothing is called so.
var ErrUnknown = errors.New("nothing is known of it")

// maxEffects bounds the statements of one answer that are tried for what would change without them: each is a resolution of its own.
const maxEffects = 6

// commitAt is a commit that is explained.
type commitAt struct {
	repository int
	commit     uint32
}

// counted visits the commits that can count: no merges, each id once.
func (x *Explainer) counted(visit func(at commitAt, c *facts.Commit)) {
	seen := map[facts.ID]bool{}
	for i, repository := range x.repositories() {
		for k := range repository.Commits {
			c := &repository.Commits[k]
			if c.IsMerge() || seen[c.ID] {
				continue
			}
			if len(x.repositories()) > 1 {
				seen[c.ID] = true
			}
			visit(commitAt{i, uint32(k)}, c)
		}
	}
}

// Explain says of a commit (seven digits of its id or more), an address, a pseudonym, a domain or an organization where its attribution
// comes from, as lines of text. Addresses and names of people stand in the answer only if they were asked for by typing them.
func (x *Explainer) Explain(what string) ([]string, error) {
	what = strings.TrimSpace(what)
	switch {
	case strings.HasPrefix(what, "p-"):
		return x.person(what)
	case strings.Contains(what, "@"):
		return x.address(what)
	}
	if i, ok := x.Options.Directory.byName[normalizeName(what)]; ok {
		return x.organization(i, what), nil
	}
	if isHex(what) {
		if lines, err := x.commit(strings.ToLower(what)); err == nil || !errors.Is(err, ErrUnknown) {
			return lines, err
		}
	}
	if strings.Contains(what, ".") {
		return x.domain(strings.ToLower(what)), nil
	}
	return nil, fmt.Errorf("%q: %w: it is no commit, address, pseudonym (p-…), domain or organization here", what, ErrUnknown)
}

func isHex(s string) bool {
	return len(s) >= 7 && len(s) <= 64 && strings.Trim(strings.ToLower(s), "0123456789abcdef") == ""
}

// says gives an attribution with its evidence in words.
func (r *Resolution) says(a Attribution) string {
	e := r.Evidence[a.Evidence]
	who := a.Class.String()
	if a.Organization != NoOrganization {
		who = fmt.Sprintf("%s (%s)", r.Organizations[a.Organization].Name, a.Class)
	}
	return who + ", by " + e.String()
}

// String gives evidence in words.
func (e Evidence) String() string {
	s := "rule " + e.Rule
	if e.Source != "" && e.Rule != RuleUnlisted { // a domain that nobody states is often its owner's name
		s += ": " + e.Source
	}
	if e.Where != "" && !strings.HasPrefix(e.Source, e.Where) {
		s += ", " + e.Where
	}
	if e.When != "" {
		s += ", " + e.When
	}
	return s + ", confidence " + e.Confidence
}

func (x *Explainer) commit(prefix string) ([]string, error) {
	var found []commitAt
	ids := map[facts.ID]bool{}
	for i, repository := range x.repositories() {
		for k := range repository.Commits {
			if id := repository.Commits[k].ID; strings.HasPrefix(id.String(), prefix) {
				ids[id] = true
				found = append(found, commitAt{i, uint32(k)})
			}
		}
	}
	switch {
	case len(found) == 0:
		return nil, fmt.Errorf("commit %s: %w", prefix, ErrUnknown)
	case len(ids) > 1:
		return nil, fmt.Errorf("%d commits begin with %s: give more digits", len(ids), prefix)
	}
	repository := x.repositories()[found[0].repository]
	c := &repository.Commits[found[0].commit]
	person := &x.Resolution.Persons[x.Resolution.Person[found[0].repository][c.Author]]
	lines := []string{fmt.Sprintf("commit %s of %s, authored %s", c.ID, repository.Key, dateOf(c.Authored))}
	if c.IsMerge() {
		return append(lines, "  a merge: it is in no sum of contributions"), nil
	}
	if named := x.named(found[0]); named != "" {
		lines = append(lines, named)
	}
	lines = append(lines, "  author: "+x.label(person), "  counts for: "+x.Resolution.says(x.Resolution.Attribute(found[0].repository, c.Author, c.Authored)))
	lines = append(lines, x.credits(found[0])...)
	if person.Withheld {
		return lines, nil
	}
	return append(lines, x.effects(found[:1])...), nil
}

// named says how many co-authors a commit names, and what comes of it.
func (x *Explainer) named(at commitAt) string {
	repository := *x.Repositories[at.repository]
	repository.Commits = repository.Commits[at.commit : at.commit+1]
	n := gatherCoAuthors([]*facts.Repository{&repository}, &Options{Bots: x.Options.Bots}, x.Options.Directory).counts
	if n.People+n.Machines+n.Unusable == 0 {
		return ""
	}
	policy := cmp.Or(x.Options.CoAuthors, CoAuthorsAuthor)
	text := map[CoAuthors]string{
		CoAuthorsAuthor: "they count for nothing", CoAuthorsEach: "it counts, without lines, for each person too",
		CoAuthorsSplit: "it is the author's by its id",
	}[policy]
	if c := &x.repositories()[at.repository].Commits[at.commit]; c.Author != repository.Commits[0].Author {
		text = "it is dealt to one of them by its id, and taken for that one's below"
	}
	return fmt.Sprintf("  names as co-authors: people %d, machines %d, without an address of one person %d; by --co-authors %s %s",
		n.People, n.Machines, n.Unusable, policy, text)
}

// credits lists for whom a commit counts beside its author.
func (x *Explainer) credits(at commitAt) (lines []string) {
	if x.Resolution.Credits == nil {
		return nil
	}
	c := &x.repositories()[at.repository].Commits[at.commit]
	for _, credit := range x.Resolution.Credits[at.repository] {
		if credit.Commit == at.commit {
			person := &x.Resolution.Persons[x.Resolution.Person[at.repository][credit.Signature]]
			lines = append(lines, fmt.Sprintf("  co-author: %s, counts for: %s", x.label(person),
				x.Resolution.says(x.Resolution.Attribute(at.repository, credit.Signature, c.Authored))))
		}
	}
	return lines
}

func dateOf(t facts.Time) string {
	if !t.Valid {
		return "without a valid date"
	}
	return t.UTC().Format(time.DateOnly)
}

func (x *Explainer) label(p *Person) string {
	if x.Names && !p.Withheld {
		return p.Pseudonym + " " + p.Name
	}
	return p.Pseudonym
}

func (x *Explainer) person(pseudonym string) ([]string, error) {
	for i := range x.Resolution.Persons {
		if x.Resolution.Persons[i].Pseudonym == pseudonym {
			return x.about(uint32(i), ""), nil
		}
	}
	return nil, fmt.Errorf("person %s: %w: has the key of pseudonyms changed?", pseudonym, ErrUnknown)
}

func (x *Explainer) address(typed string) ([]string, error) {
	a := parseAddress(typed, x.Options.Directory)
	lines := []string{fmt.Sprintf("address %s", a.text)}
	if a.repair != "" {
		lines = append(lines, "  repaired: "+a.repair)
	}
	for i, repository := range x.repositories() {
		for s, signature := range repository.Signatures {
			if own := parseAddress(signature.Email, x.Options.Directory); own.text == a.text {
				return append(lines, x.about(x.Resolution.Person[i][s], a.text)...), nil
			}
		}
	}
	if a.form != valid {
		return append(lines, "  this is no address of one person, and joins nobody"), nil
	}
	lines = append(lines, "  no commit that was read has it; its domain:")
	return append(lines, x.domain(a.domain)...), nil
}

// about explains a person. typed is the address that may be printed.
func (x *Explainer) about(person uint32, typed string) []string {
	p := &x.Resolution.Persons[person]
	if p.Withheld {
		return []string{"  withheld: this person does not want to be told apart; the work stands in the line of that name"}
	}
	lines := []string{"  person: " + x.label(p)}
	if p.Machine != Unknown {
		lines[0] += ", a machine (" + p.Machine.String() + ")"
	}
	var commits []commitAt
	x.counted(func(at commitAt, c *facts.Commit) {
		if x.Resolution.Person[at.repository][c.Author] == person {
			commits = append(commits, at)
		}
	})
	number := map[Reference]int{}
	name := func(ref Reference) string {
		signature := x.repositories()[ref.Repository].Signatures[ref.Signature]
		if typed != "" && parseAddress(signature.Email, x.Options.Directory).text == typed {
			return typed
		}
		if number[ref] == 0 {
			number[ref] = len(number) + 1
		}
		return fmt.Sprintf("signature %d", number[ref])
	}
	for _, j := range x.Resolution.Joins {
		if x.Resolution.Person[j.From.Repository][j.From.Signature] == person {
			lines = append(lines, fmt.Sprintf("  joined: %s and %s, by %s", name(j.From), name(j.To), x.Resolution.Evidence[j.Evidence].String()))
		}
	}
	if len(number) > 0 || typed != "" {
		lines = append(lines, "  undo a join in your own file with: not_same: [[one address, the other]]")
	}
	return append(append(lines, x.table(commits)...), x.effects(commits)...)
}

func (x *Explainer) imported(at commitAt) bool {
	return x.Imported != nil && x.Imported(at.repository, at.commit)
}

// table sums commits up by what they are attributed to, and why.
func (x *Explainer) table(commits []commitAt) []string {
	type row struct {
		text        string
		n           int
		first, last int64
	}
	rows := map[string]*row{}
	imports := 0
	for _, at := range commits {
		if x.imported(at) {
			imports++
		}
		c := &x.repositories()[at.repository].Commits[at.commit]
		text := x.Resolution.says(x.Resolution.Attribute(at.repository, c.Author, c.Authored))
		r := rows[text]
		if r == nil {
			r = &row{text, 0, math.MaxInt64, math.MinInt64}
			rows[text] = r
		}
		r.n++
		if c.Authored.Valid {
			r.first, r.last = min(r.first, c.Authored.Unix), max(r.last, c.Authored.Unix)
		}
	}
	order := slices.SortedFunc(maps.Values(rows), func(a, b *row) int { return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.text, b.text)) })
	lines := []string{fmt.Sprintf("  commits: %d", len(commits))}
	if imports > 0 {
		lines[0] += fmt.Sprintf(", %d of them bulk imports, which tables set aside: they count %d", imports, len(commits)-imports)
	}
	for _, r := range order[:min(len(order), 20)] {
		when := ""
		if r.first <= r.last {
			when = fmt.Sprintf(", %s to %s", time.Unix(r.first, 0).UTC().Format(time.DateOnly), time.Unix(r.last, 0).UTC().Format(time.DateOnly))
		}
		lines = append(lines, fmt.Sprintf("    %d%s: %s", r.n, when, r.text))
	}
	if more := len(order) - 20; more > 0 {
		lines = append(lines, fmt.Sprintf("    and %d more reasons", more))
	}
	return lines
}

// Removable are what an answer rests on and can be left out, as [Explainer.Without] takes it: a statement's place, a rule.
func (e Evidence) Removable() (all []string) {
	switch {
	case e.Where != "":
		all = append(all, e.Where)
	case e.Rule == RuleStated:
		all = append(all, e.Source)
	}
	if _, ok := ruleOf(e.Rule); ok {
		all = append(all, "rule "+e.Rule)
	}
	return all
}

// Without resolves again without a statement ("FILE:LINE") or a rule ("rule NAME"). It fails with [ErrUnknown] if nothing is stated there.
func (x *Explainer) Without(what string) (*Resolution, error) {
	opts, err := x.less(what)
	if err != nil {
		return nil, err
	}
	return Resolve(x.Repositories, opts)
}

// States says whether there is a statement or a rule that [Explainer.Without] can leave out.
func (x *Explainer) States(what string) error {
	_, err := x.less(what)
	return err
}

func (x *Explainer) less(what string) (opts Options, err error) {
	opts = x.Options
	if rule, ok := strings.CutPrefix(what, "rule "); ok {
		opts.Rules = maps.Clone(opts.Rules)
		if opts.Rules == nil {
			opts.Rules = map[string]bool{}
		}
		if _, ok := ruleOf(rule); !ok {
			return opts, noRule(rule)
		}
		opts.Rules[rule] = false
		return opts, nil
	}
	if opts.Directory == nil {
		if opts.Directory, err = embedded(); err != nil {
			return opts, err
		}
	}
	less, found := opts.Directory.without(what)
	if !found {
		return opts, fmt.Errorf("%s: %w: no organizations file states anything of people or domains there", what, ErrUnknown)
	}
	opts.Directory = less
	return opts, nil
}

// effects says what would change of some commits without each statement or rule that decides them: the weightiest first.
func (x *Explainer) effects(commits []commitAt) []string {
	weight := map[string]int{} // of what can be left out: "file:line" or "rule NAME"
	for _, at := range commits {
		c := &x.repositories()[at.repository].Commits[at.commit]
		e := x.Resolution.Evidence[x.Resolution.Attribute(at.repository, c.Author, c.Authored).Evidence]
		for _, what := range e.Removable() {
			weight[what]++
		}
	}
	order := slices.SortedFunc(maps.Keys(weight), func(a, b string) int { return cmp.Or(cmp.Compare(weight[b], weight[a]), cmp.Compare(a, b)) })
	order = order[:min(len(order), maxEffects)]
	if len(x.Statements) > 0 {
		order = x.Statements
	}
	var lines []string
	for _, what := range order {
		other, err := x.Without(what)
		if err != nil {
			lines = append(lines, fmt.Sprintf("  without %s: %v", what, err))
			continue
		}
		moved := map[string]int{}
		for _, at := range commits {
			c := &x.repositories()[at.repository].Commits[at.commit]
			if before, after := x.Resolution.name(at.repository, c), other.name(at.repository, c); before != after {
				moved[before+" would be "+after]++
			}
		}
		text := "nothing would change"
		if len(moved) > 0 {
			var parts []string
			for _, m := range slices.Sorted(maps.Keys(moved)) {
				parts = append(parts, fmt.Sprintf("%d of %s", moved[m], m))
			}
			text = strings.Join(parts, "; ")
		}
		lines = append(lines, fmt.Sprintf("  without %s: %s", what, text))
	}
	return lines
}

// name says whom a commit counts for.
func (r *Resolution) name(repository int, c *facts.Commit) string {
	a := r.Attribute(repository, c.Author, c.Authored)
	if a.Organization == NoOrganization {
		return a.Class.String()
	}
	return r.Organizations[a.Organization].Name
}

func (x *Explainer) domain(domain string) []string {
	d := x.Options.Directory
	lines := []string{"domain " + domain}
	if right, source, ok := d.repair(domain); ok {
		lines = append(lines, fmt.Sprintf("  repaired to %s (%s)", right, source))
		domain = right
	}
	for suffix := range suffixes(domain) {
		for _, e := range d.domains[suffix] {
			who := "personal: no employer stands behind it"
			if e.organization != NoOrganization {
				who = fmt.Sprintf("%s (%s)", d.organizations[e.organization].name, e.class)
			}
			lines = append(lines, fmt.Sprintf("  %s%s: %s, source %q, %s", suffix, spanText(e.valid), who, e.source, e.where))
		}
	}
	if len(lines) == 1 {
		t := &timelines{resolver: &resolver{directory: d, evidence: map[Evidence]uint32{}}, number: map[string]int{}}
		a := t.general(&address{domain: domain})
		e := t.out.Evidence[a.Evidence]
		lines = append(lines, "  the directory says nothing of it: "+a.Class.String()+", by "+e.String())
	}
	if len(x.repositories()) == 0 {
		return lines
	}
	has := make([][]bool, len(x.repositories())) // repository, signature
	for i, repository := range x.repositories() {
		has[i] = make([]bool, len(repository.Signatures))
		for s := range repository.Signatures {
			own := parseAddress(repository.Signatures[s].Email, d).domain
			has[i][s] = own == domain || strings.HasSuffix(own, "."+domain)
		}
	}
	var commits []commitAt
	x.counted(func(at commitAt, c *facts.Commit) {
		if has[at.repository][c.Author] {
			commits = append(commits, at)
		}
	})
	return append(append(lines, x.table(commits)...), x.effects(commits)...)
}

func spanText(p period) string {
	from, to := openDay(p.from), openDay(p.to)
	switch {
	case from == "" && to == "":
		return ""
	case from == "":
		return " before " + to
	case to == "":
		return " from " + from
	}
	return " from " + from + " to " + to
}

func (x *Explainer) organization(i int, typed string) []string {
	d := x.Options.Directory
	o := &d.organizations[i]
	lines := []string{fmt.Sprintf("organization %s (%s), %s", o.name, o.class, o.where)}
	if normalizeName(typed) != normalizeName(o.name) {
		lines = append(lines, fmt.Sprintf("  %q is an alias of it", typed))
	}
	if o.country != "" {
		lines = append(lines, "  country "+o.country)
	}
	if o.entity != "" {
		lines = append(lines, "  legal entity "+o.entity)
	}
	if o.client != NoOrganization {
		lines = append(lines, "  contractor of "+d.organizations[o.client].name)
	}
	for _, p := range o.parents {
		lines = append(lines, fmt.Sprintf("  parent%s: %s, %s", spanText(p.valid), d.organizations[p.organization].name, p.where))
	}
	for _, name := range sortedKeys(d.domains) {
		for _, e := range d.domains[name] {
			if e.organization == i {
				lines = append(lines, fmt.Sprintf("  domain %s%s: source %q, %s", name, spanText(e.valid), e.source, e.where))
			}
		}
	}
	for k := range d.people {
		if s := &d.people[k]; slices.ContainsFunc(s.shares, func(sh share) bool { return sh.organization == i }) {
			lines = append(lines, fmt.Sprintf("  statement about a person%s: %s", spanText(s.valid), s.source))
		}
	}
	if len(x.repositories()) == 0 {
		return lines
	}
	var commits []commitAt
	x.counted(func(at commitAt, c *facts.Commit) {
		if x.Resolution.name(at.repository, c) == o.name {
			commits = append(commits, at)
		}
	})
	return append(append(lines, x.table(commits)...), x.effects(commits)...)
}
