package analyzer

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"orrery/analyzer/disk"
	"orrery/analyzer/facts"
	"orrery/analyzer/people"
	"orrery/analyzer/state"
)

// TestHoldOut measures how often rules are right, over the facts of the states that ORRERY_TEST_HOLDOUT names (with commas), by hiding what
// is known and asking the rules for it. Everything is counted in signatures (a name with an address), one vote each, and in commits.
func TestHoldOut(t *testing.T) {
	dirs := os.Getenv("ORRERY_TEST_HOLDOUT")
	if dirs == "" {
		t.Skip("ORRERY_TEST_HOLDOUT names no states")
	}
	h := &holdOut{t: t, cells: map[[2]string]map[facts.Signature]*[2]int{}}
	for _, dir := range strings.Split(dirs, ",") {
		h.repositories = append(h.repositories, heldFacts(t, dir)...)
	}
	h.base = h.resolve(h.repositories, people.Options{})
	h.pool()
	if out := os.Getenv("ORRERY_TEST_SAMPLE"); out != "" {
		h.sample(out)
		return
	}
	h.signed()
	h.signers()
	h.months()
	h.creators()
	h.repaired()
	h.numbered()
	h.strangers()
	for _, key := range slices.SortedFunc(maps.Keys(h.cells), func(a, b [2]string) int {
		return strings.Compare(a[0]+"\x00"+a[1], b[0]+"\x00"+b[1])
	}) {
		people, right, commits, rightCommits := 0, 0, 0, 0
		for _, n := range h.cells[key] {
			people++
			commits += n[0]
			rightCommits += n[1]
			if n[0] == n[1] {
				right++
			}
		}
		low, high := wilson(right, people)
		t.Logf("%-32s %-17s signatures all right %d of %d: %.2f %% (%.2f to %.2f); commits %d of %d: %.2f %%", key[0], key[1], right, people,
			100*float64(right)/float64(people), 100*low, 100*high, rightCommits, commits, 100*float64(rightCommits)/float64(commits))
	}
}

// heldFacts reads the facts that a state keeps, without files and lines.
func heldFacts(t *testing.T, dir string) (all []*facts.Repository) {
	t.Helper()
	s, err := state.OpenShared(disk.Real{}, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	entries, err := s.Stored()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		f, err := s.Load(entries[key], false, 1)
		if err != nil {
			t.Fatal(err)
		}
		f.Changes, f.Paths, f.Contents, f.Survival, f.Documents = nil, nil, nil, nil, nil
		for i := range f.Commits {
			f.Commits[i].Changes = facts.Span{}
		}
		all = append(all, f)
	}
	return all
}

type holdOut struct {
	t            *testing.T
	repositories []*facts.Repository
	base         *people.Resolution
	cells        map[[2]string]map[facts.Signature]*[2]int // design and rule -> who -> commits answered, of these right
}

func (h *holdOut) resolve(repositories []*facts.Repository, options people.Options) *people.Resolution {
	h.t.Helper()
	options.PseudonymKey = []byte("a key of this test")
	r, err := people.Resolve(repositories, options)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

func (h *holdOut) count(design, rule string, who facts.Signature, right bool) {
	key := [2]string{design, rule}
	if h.cells[key] == nil {
		h.cells[key] = map[facts.Signature]*[2]int{}
	}
	if h.cells[key][who] == nil {
		h.cells[key][who] = &[2]int{}
	}
	h.cells[key][who][0]++
	if right {
		h.cells[key][who][1]++
	}
}

// commits goes through people's commits that are no merges, each id once.
func (h *holdOut) commits(do func(r, k int, c *facts.Commit)) {
	seen := map[facts.ID]bool{}
	for r, repository := range h.repositories {
		for k := range repository.Commits {
			if c := &repository.Commits[k]; !c.IsMerge() && !seen[c.ID] && c.Authored.Valid {
				seen[c.ID] = true
				do(r, k, c)
			}
		}
	}
}

// known gives the organization that the own address of a commit's author says, by its domain as it stands.
func (h *holdOut) known(r int, c *facts.Commit) (organization string, ok bool) {
	a := h.base.Attribute(r, c.Author, c.Authored)
	if a.Class != people.Employer && a.Class != people.Contractor || h.base.Evidence[a.Evidence].Rule != people.RuleDomain {
		return "", false
	}
	return h.base.Organizations[a.Organization].Name, true
}

// judge holds what a resolution says of commits against what is known of them.
func (h *holdOut) judge(design string, res *people.Resolution, rules []string, truth map[[2]int]string, why func(who facts.Signature, rule, got, want string)) {
	for at, want := range truth {
		c := &h.repositories[at[0]].Commits[at[1]]
		// The rewritten facts have the same commits, with other authors.
		a := res.Attribute(at[0], res.Repositories[at[0]].Commits[at[1]].Author, c.Authored)
		rule := res.Evidence[a.Evidence].Rule
		if !a.Class.Known() || !slices.Contains(rules, rule) {
			continue
		}
		who := h.repositories[at[0]].Signatures[c.Author]
		got := res.Organizations[a.Organization].Name
		h.count(design, rule, who, got == want)
		if got != want && why != nil {
			why(who, rule, got, want)
		}
	}
}

// rewrite gives facts in which commits have the authors that other names, and the trailers that keep lets stand.
func (h *holdOut) rewrite(other func(r int, c *facts.Commit) (facts.Signature, bool), keep func(r int, c *facts.Commit) bool) []*facts.Repository {
	out := make([]*facts.Repository, len(h.repositories))
	for r, repository := range h.repositories {
		f := *repository
		f.Commits, f.Signatures = slices.Clone(f.Commits), slices.Clone(f.Signatures)
		number := map[facts.Signature]uint32{}
		for k := range f.Commits {
			c := &f.Commits[k]
			if keep != nil && !keep(r, &repository.Commits[k]) {
				c.Trailers = facts.Span{}
			}
			s, ok := other(r, &repository.Commits[k])
			if !ok {
				continue
			}
			n, ok := number[s]
			if !ok {
				n = uint32(len(f.Signatures))
				number[s] = n
				f.Signatures = append(f.Signatures, s)
			}
			c.Author = n
		}
		out[r] = &f
	}
	return out
}

// pool counts the signatures whose address says nothing, which rules could decide, and those that each rule does; and what becomes of the commits
// of repositories that do not call themselves a third party's.
func (h *holdOut) pool() {
	open, decided := map[facts.Signature]bool{}, map[string]map[facts.Signature]bool{}
	commits, all := map[string]int{}, 0
	h.commits(func(r, _ int, c *facts.Commit) {
		a := h.base.Attribute(r, c.Author, c.Authored)
		rule := h.base.Evidence[a.Evidence].Rule
		if !a.Class.Machine() && !strings.HasPrefix(h.repositories[r].Key, "third_party_") {
			all++
			if a.Class.Known() {
				commits["known"]++
				commits["known by "+rule]++
			} else {
				commits[a.Class.String()+" by "+rule]++
			}
		}
		if a.Class.Machine() || a.Class.Known() && (rule == people.RuleDomain || rule == people.RuleAcademic || rule == people.RuleRepair) {
			return
		}
		s := h.repositories[r].Signatures[c.Author]
		open[s] = true
		if a.Class.Known() {
			if decided[rule] == nil {
				decided[rule] = map[facts.Signature]bool{}
			}
			decided[rule][s] = true
		}
	})
	for _, what := range slices.Sorted(maps.Keys(commits)) {
		h.t.Logf("%d commits, %.2f %% of %d: %s", commits[what], 100*float64(commits[what])/float64(all), all, what)
	}
	for _, rule := range slices.Sorted(maps.Keys(decided)) {
		h.t.Logf("of %d signatures whose address says nothing, %s decides %d", len(open), rule, len(decided[rule]))
	}
}

// sample writes signatures to judge by hand, as many of each rule as it says, in an order without favour that is always the same. Beside each
// stands what judges it: the person's other signatures, each with its dates and repositories, and the lines by which the author signs off. It
// holds names and addresses, and stays out of the tree.
func (h *holdOut) sample(file string) {
	sizes := map[string]int{
		people.RuleDomain: 30, people.RuleAcademic: 20, people.RuleRepair: 20, people.RuleSameRepository: 45, people.RuleSignOff: 45, people.RuleSameName: 45,
		people.RuleCreatedBy: 30, people.RuleSamePerson: 30,
	}
	type use struct {
		n            int
		first, last  string
		repositories map[string]bool
		signed       map[string]bool
	}
	persons := map[uint32]map[facts.Signature]*use{}
	// Days of the company addresses that somebody used, and signed off with, by organization.
	used, signed := map[uint32]map[string][]int64{}, map[uint32]map[string][]int64{}
	note := func(to map[uint32]map[string][]int64, p uint32, organization string, c *facts.Commit) {
		if to[p] == nil {
			to[p] = map[string][]int64{}
		}
		to[p][organization] = append(to[p][organization], c.Authored.Unix/(24*60*60))
	}
	byHand := h.ownSignOffs(func(int, *facts.Commit, string) bool { return true })
	h.commits(func(r, k int, c *facts.Commit) {
		p := h.base.Person[r][c.Author]
		if o, ok := h.known(r, c); ok {
			note(used, p, o, c)
		}
		if o, ok := byHand[[2]int{r, k}]; ok {
			note(signed, p, o, c)
		}
	})
	// decided says how far a commit is from what tells its organization, in days.
	decided := func(r, k int, c *facts.Commit, organization string) string {
		if byHand[[2]int{r, k}] == organization {
			return "by itself"
		}
		p, day := h.base.Person[r][c.Author], c.Authored.Unix/(24*60*60)
		before, after := int64(-1), int64(-1)
		for _, d := range slices.Concat(used[p][organization], signed[p][organization]) {
			if d <= day && (before < 0 || day-d < before) {
				before = day - d
			}
			if d >= day && (after < 0 || d-day < after) {
				after = d - day
			}
		}
		switch {
		case before >= 0 && after >= 0:
			return "inside"
		case before >= 0:
			return fmt.Sprintf("%d days after", before/15*15)
		}
		return fmt.Sprintf("%d days before", after/15*15)
	}
	how := map[string]map[string]int{}
	distances := map[string]int{}
	h.commits(func(r, _ int, c *facts.Commit) {
		p, s, day := h.base.Person[r][c.Author], h.repositories[r].Signatures[c.Author], c.Authored.UTC().Format("2006-01")
		if persons[p] == nil {
			persons[p] = map[facts.Signature]*use{}
		}
		u := persons[p][s]
		if u == nil {
			u = &use{0, day, day, map[string]bool{}, map[string]bool{}}
			persons[p][s] = u
		}
		u.n++
		u.first, u.last, u.repositories[h.repositories[r].Key] = min(u.first, day), max(u.last, day), true
		for _, o := range h.signOffs(r, c) {
			u.signed[o.Email] = true
		}
	})
	rows := map[string]string{}
	h.commits(func(r, k int, c *facts.Commit) {
		a := h.base.Attribute(r, c.Author, c.Authored)
		rule := h.base.Evidence[a.Evidence].Rule
		if !a.Class.Known() || sizes[rule] == 0 {
			return
		}
		s, all := h.repositories[r].Signatures[c.Author], persons[h.base.Person[r][c.Author]]
		text := func(o facts.Signature) string {
			u := all[o]
			shared := 0
			for repository := range u.repositories {
				if all[s].repositories[repository] {
					shared++
				}
			}
			return fmt.Sprintf("%s <%s> %d commits %s..%s in %d repositories, %d of them shared, signed %v", o.Name, o.Email, u.n, u.first, u.last,
				len(u.repositories), shared, slices.Sorted(maps.Keys(u.signed)))
		}
		row := fmt.Sprintf("%s\t%s\t%s", rule, h.base.Organizations[a.Organization].Name, text(s))
		for _, o := range slices.SortedFunc(maps.Keys(all), func(a, b facts.Signature) int { return strings.Compare(a.Name+a.Email, b.Name+b.Email) }) {
			if o != s {
				row += "\t" + text(o)
			}
		}
		key := rule + "\x00" + s.Name + "\x00" + s.Email
		rows[key] = row
		if how[key] == nil {
			how[key] = map[string]int{}
		}
		far := decided(r, k, c, h.base.Organizations[a.Organization].Name)
		how[key][far]++
		distances[rule+" "+far]++
	})
	for _, far := range slices.Sorted(maps.Keys(distances)) {
		h.t.Logf("%d commits: %s", distances[far], far)
	}
	var b strings.Builder
	for _, key := range slices.SortedFunc(maps.Keys(rows), func(a, b string) int { return strings.Compare(shuffled(a), shuffled(b)) }) {
		rule, _, _ := strings.Cut(key, "\x00")
		if sizes[rule]--; sizes[rule] >= 0 {
			fmt.Fprintf(&b, "%v\t%s\n", how[key], rows[key])
		}
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

// hidden is a private address that nobody has, of the same local part.
func hidden(s facts.Signature) facts.Signature {
	local, _, _ := strings.Cut(s.Email, "@")
	return facts.Signature{Name: s.Name, Email: local + "@hidden.gmail.com"}
}

// drawn draws one of n, without favour and the same every time.
func drawn(key string, n uint64) bool { return fnv("hold out\x00"+key)%n == 0 }

func spell(name string) string { return strings.Join(strings.Fields(strings.ToLower(name)), " ") }

// signOffs gives the addresses of the lines by which the author of a commit signs it off by name.
func (h *holdOut) signOffs(r int, c *facts.Commit) (all []facts.Signature) {
	repository := h.repositories[r]
	for _, line := range repository.Trailers[c.Trailers.Lo:c.Trailers.Hi] {
		name, email, ok := strings.Cut(strings.TrimSuffix(strings.TrimSpace(line.Value), ">"), "<")
		if strings.EqualFold(line.Key, "Signed-off-by") && ok && spell(name) == spell(repository.Signatures[c.Author].Name) {
			all = append(all, facts.Signature{Name: strings.TrimSpace(name), Email: strings.TrimSpace(email)})
		}
	}
	return all
}

// domains gives the organizations of addresses at a moment by their domains alone.
func (h *holdOut) domains(signatures map[facts.Signature]uint32) func(s facts.Signature, when facts.Time) string {
	f := &facts.Repository{Key: "signed", Signatures: make([]facts.Signature, len(signatures))}
	for s, n := range signatures {
		f.Signatures[n] = s
	}
	res := h.resolve([]*facts.Repository{f}, people.Options{})
	return func(s facts.Signature, when facts.Time) string {
		a := res.Attribute(0, signatures[s], when)
		if a.Class != people.Employer && a.Class != people.Contractor || res.Evidence[a.Evidence].Rule != people.RuleDomain {
			return ""
		}
		return res.Organizations[a.Organization].Name
	}
}

// ownSignOffs gathers the commits that their authors sign off with a company's address, and its organization.
func (h *holdOut) ownSignOffs(want func(r int, c *facts.Commit, signed string) bool) map[[2]int]string {
	signatures := map[facts.Signature]uint32{}
	h.commits(func(r, _ int, c *facts.Commit) {
		for _, s := range h.signOffs(r, c) {
			if _, ok := signatures[s]; !ok {
				signatures[s] = uint32(len(signatures))
			}
		}
	})
	organization := h.domains(signatures)
	truth := map[[2]int]string{}
	h.commits(func(r, k int, c *facts.Commit) {
		for _, s := range h.signOffs(r, c) {
			if o := organization(s, c.Authored); o != "" && want(r, c, s.Email) {
				truth[[2]int{r, k}] = o
			}
		}
	})
	return truth
}

// signed asks the rules of names for commits whose author's address says nothing, and that the author signs off with a company's address: the
// rule of sign-offs is switched off, and its answer is the truth. Those who sign off so have a company's address; [holdOut.strangers] is about the others.
func (h *holdOut) signed() {
	truth := h.ownSignOffs(func(r int, c *facts.Commit, _ string) bool {
		own := h.base.Attribute(r, c.Author, c.Authored)
		rule := h.base.Evidence[own.Evidence].Rule
		return !own.Class.Known() || rule != people.RuleDomain && rule != people.RuleAcademic && rule != people.RuleRepair
	})
	h.t.Logf("signed: %d commits whose author's address says nothing are signed off with a company's", len(truth))
	rules := []string{people.RuleSameName, people.RuleSameRepository, people.RuleCreatedBy}
	for _, alone := range rules {
		switches := map[string]bool{people.RuleSignOff: false}
		for _, rule := range rules {
			switches[rule] = rule == alone
		}
		res := h.resolve(h.repositories, people.Options{Rules: switches})
		h.judge("signed off by the author", res, rules, truth, func(_ facts.Signature, rule, got, want string) {
			h.t.Logf("signed: %s said %s, signed off by %s", rule, got, want)
		})
	}
}

// signers asks the rule of sign-offs for commits of company addresses that are hidden, where the author signs off with another address than that.
func (h *holdOut) signers() {
	truth := map[[2]int]string{}
	for at := range h.ownSignOffs(func(r int, c *facts.Commit, signed string) bool {
		return !strings.EqualFold(signed, h.repositories[r].Signatures[c.Author].Email)
	}) {
		if o, ok := h.known(at[0], &h.repositories[at[0]].Commits[at[1]]); ok {
			truth[at] = o
		}
	}
	who := map[string]bool{}
	for at := range truth {
		who[h.repositories[at[0]].Signatures[h.repositories[at[0]].Commits[at[1]].Author].Email] = true
	}
	rewritten := h.rewrite(func(r int, c *facts.Commit) (facts.Signature, bool) {
		s := h.repositories[r].Signatures[c.Author]
		return hidden(s), who[s.Email]
	}, nil)
	res := h.resolve(rewritten, people.Options{Rules: map[string]bool{people.RuleSameName: false, people.RuleSameRepository: false}})
	h.judge("author's company address hidden", res, []string{people.RuleSignOff}, truth, nil)
}

// months hides the company address of one month in four, and asks by the address of the others: as where a person uses a private one for a while.
func (h *holdOut) months() {
	truth := map[[2]int]string{}
	hide := func(r int, c *facts.Commit) bool {
		return drawn(strings.ToLower(h.repositories[r].Signatures[c.Author].Email)+c.Authored.UTC().Format("2006-01"), 4)
	}
	pairs := map[string]string{}
	h.commits(func(r, k int, c *facts.Commit) {
		if o, ok := h.known(r, c); ok && hide(r, c) {
			truth[[2]int{r, k}] = o
			s := h.repositories[r].Signatures[c.Author]
			pairs[strings.ToLower(s.Email)] = strings.ToLower(hidden(s).Email)
		}
	})
	rewritten := h.rewrite(func(r int, c *facts.Commit) (facts.Signature, bool) {
		s := h.repositories[r].Signatures[c.Author]
		if _, ok := h.known(r, c); !ok || !hide(r, c) {
			return s, false
		}
		return hidden(s), true
	}, func(r int, c *facts.Commit) bool { return !hide(r, c) })
	var b strings.Builder
	b.WriteString("same:\n")
	for _, email := range slices.Sorted(maps.Keys(pairs)) {
		fmt.Fprintf(&b, "  - [%q, %q]\n", email, pairs[email])
	}
	file := filepath.Join(h.t.TempDir(), "same.yaml")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		h.t.Fatal(err)
	}
	directory, err := people.LoadDirectory(file)
	if err != nil {
		h.t.Fatal(err)
	}
	res := h.resolve(rewritten, people.Options{Directory: directory, Rules: map[string]bool{people.RuleSignOff: false, people.RuleSameName: false, people.RuleSameRepository: false}})
	h.judge("one month in four hidden", res, []string{people.RuleSamePerson}, truth, nil)
}

// creators lets one request in four that an account has opened be of the account's no-reply address, where it is of a company's address.
func (h *holdOut) creators() {
	truth := map[[2]int]string{}
	as := map[[2]int]string{}
	for r, repository := range h.repositories {
		for k := range repository.Commits {
			c := &repository.Commits[k]
			if c.Parents.Len() != 2 || repository.Parents[c.Parents.Lo+1] == facts.None {
				continue
			}
			at := [2]int{r, int(repository.Parents[c.Parents.Lo+1])}
			for _, line := range repository.Trailers[c.Trailers.Lo:c.Trailers.Hi] {
				login := strings.ToLower(strings.TrimPrefix(strings.TrimSpace(line.Value), "@"))
				if !strings.EqualFold(line.Key, "Created-by") || login == "" || !drawn(login+c.ID.String(), 4) {
					continue
				}
				if o, ok := h.known(r, &repository.Commits[at[1]]); ok {
					truth[at], as[at] = o, login+"@noreply.gitcode.com"
				}
			}
		}
	}
	rows := map[*facts.Commit][2]int{}
	for at := range as {
		rows[&h.repositories[at[0]].Commits[at[1]]] = at
	}
	rewritten := h.rewrite(func(r int, c *facts.Commit) (facts.Signature, bool) {
		at, ok := rows[c]
		return facts.Signature{Name: h.repositories[r].Signatures[c.Author].Name, Email: as[at]}, ok
	}, nil)
	res := h.resolve(rewritten, people.Options{Rules: map[string]bool{people.RuleSignOff: false, people.RuleSameName: false, people.RuleSameRepository: false}})
	h.judge("one request in four hidden", res, []string{people.RuleCreatedBy}, truth, nil)
}

// repaired asks whether somebody of the same name has an address, as written, of the organization that a repaired one leads to.
func (h *holdOut) repaired() {
	written := map[string]map[string]bool{} // name -> organizations
	h.commits(func(r, _ int, c *facts.Commit) {
		if o, ok := h.known(r, c); ok {
			name := spell(h.repositories[r].Signatures[c.Author].Name)
			if written[name] == nil {
				written[name] = map[string]bool{}
			}
			written[name][o] = true
		}
	})
	h.commits(func(r, _ int, c *facts.Commit) {
		a := h.base.Attribute(r, c.Author, c.Authored)
		s := h.repositories[r].Signatures[c.Author]
		if organizations := written[spell(s.Name)]; a.Class.Known() && h.base.Evidence[a.Evidence].Rule == people.RuleRepair && len(organizations) > 0 {
			h.count("same name as written", people.RuleRepair, s, organizations[h.base.Organizations[a.Organization].Name])
		}
	})
}

// numbered makes every address of a company a private one, each a person's of its own, and asks the rule of staff numbers by the names alone.
func (h *holdOut) numbered() {
	truth := map[[2]int]string{}
	h.commits(func(r, k int, c *facts.Commit) {
		if o, ok := h.known(r, c); ok {
			truth[[2]int{r, k}] = o
		}
	})
	rewritten := h.rewrite(func(r int, c *facts.Commit) (facts.Signature, bool) {
		_, ok := h.known(r, c)
		return hidden(h.repositories[r].Signatures[c.Author]), ok
	}, nil)
	res := h.resolve(rewritten, people.Options{Rules: map[string]bool{people.RuleSamePerson: false}})
	h.judge("company addresses hidden", res, []string{people.RuleStaffNumber}, truth, func(_ facts.Signature, rule, got, want string) {
		h.t.Logf("numbered: %s said %s, the address %s", rule, got, want)
	})
}

// strangers hides whom one has a company address of, all of it, and asks the rules of names: whatever they answer, it is by an address of somebody
// else or by another one of the same person. It is right where that is of the same organization, or client.
func (h *holdOut) strangers() {
	const folds = 10
	asked, client := map[string]map[facts.Signature]bool{}, map[string]map[facts.Signature]bool{}
	for fold := range uint64(folds) {
		hide := func(r int, c *facts.Commit) bool {
			return fnv("stranger\x00"+strings.ToLower(h.repositories[r].Signatures[c.Author].Email))%folds == fold
		}
		truth := map[[2]int]string{}
		h.commits(func(r, k int, c *facts.Commit) {
			if o, ok := h.known(r, c); ok && hide(r, c) {
				truth[[2]int{r, k}] = o
				s := h.repositories[r].Signatures[c.Author]
				if asked["all"] == nil {
					asked["all"] = map[facts.Signature]bool{}
				}
				asked["all"][s] = true
			}
		})
		rewritten := h.rewrite(func(r int, c *facts.Commit) (facts.Signature, bool) {
			s := h.repositories[r].Signatures[c.Author]
			_, ok := h.known(r, c)
			return hidden(s), ok && hide(r, c)
		}, func(r int, c *facts.Commit) bool { return !hide(r, c) })
		res := h.resolve(rewritten, people.Options{Rules: map[string]bool{people.RuleSignOff: false, people.RuleCreatedBy: false}})
		h.judge("company address hidden for good", res, []string{people.RuleSameName, people.RuleSameRepository}, truth, func(who facts.Signature, rule, got, want string) {
			if strings.TrimPrefix(got, "Contractors of ") != strings.TrimPrefix(want, "Contractors of ") {
				if client[rule] == nil {
					client[rule] = map[facts.Signature]bool{}
				}
				client[rule][who] = true
			}
		})
	}
	for _, rule := range slices.Sorted(maps.Keys(client)) {
		h.t.Logf("strangers: of %d signatures that were hidden, %s gives another organization or client for %d", len(asked["all"]), rule, len(client[rule]))
	}
}
