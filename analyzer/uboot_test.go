package analyzer

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"

	"orrery/analyzer/facts"
	"orrery/analyzer/history"
	"orrery/analyzer/measure"
	"orrery/analyzer/people"
)

// uboot is what the comparison with U-Boot's reports is about: each published report, and the account of its range of commits.
type uboot struct {
	dir      string
	facts    *facts.Repository
	ranges   []measure.Range
	persons  map[string]int // by every name and every address that they use
	releases []ubootRelease
}

type ubootRelease struct {
	version, previous string
	report            *gitdmReport
	ends              string           // the range whose changesets are those of the report, "" if neither is
	account           *measure.Account // of that range, of PREV..TAG if neither
	facts             *release         // by address
	patches           *release         // the same with lines as gitdm counts them in patches; nil if they were not read
	added, removed    int              // of patches
}

const ubootReports = "doc/develop/statistics/"

// readUBoot reads the repository that ORRERY_UBOOT names, once, and accounts for all ranges.
func readUBoot(t *testing.T) *uboot {
	t.Helper()
	dir := os.Getenv("ORRERY_UBOOT")
	if dir == "" {
		t.Skip("ORRERY_UBOOT names no mirror of U-Boot")
	}
	u := &uboot{dir: dir}
	previous := "U-Boot-1_2_0"
	for _, name := range strings.Fields(u.git(t, "ls-tree", "--name-only", "HEAD", ubootReports)) {
		version, ok := strings.CutPrefix(strings.TrimSuffix(path.Base(name), ".rst"), "u-boot-stats-")
		if !ok {
			continue
		}
		report, err := parseGitdm(u.git(t, "cat-file", "blob", "HEAD:"+name))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		u.releases = append(u.releases, ubootRelease{version: version, previous: previous, report: report})
		previous = version
	}
	repository, err := history.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer repository.Close()
	if u.facts, err = history.Read(context.Background(), repository, "u-boot", "", history.Options{}); err != nil {
		t.Fatal(err)
	}
	var ranges []string
	for _, r := range u.releases {
		ranges = append(ranges, r.previous+".."+r.version, r.previous+".."+r.version+"^")
	}
	ends, err := findRanges(context.Background(), repository, u.facts, ranges)
	if err != nil {
		t.Fatal(err)
	}
	if u.ranges, err = windowRanges(ranges, [][]*measure.Ends{ends}); err != nil {
		t.Fatal(err)
	}
	resolution := byAddress(u.facts)
	u.persons = map[string]int{}
	for i, signature := range u.facts.Signatures {
		u.persons[signature.Name] = int(resolution.Person[0][i])
		u.persons[strings.ToLower(signature.Email)] = int(resolution.Person[0][i])
	}
	u.choose(u.account(t, resolution))
	return u
}

// account accounts for all ranges by gitdm's rules.
func (u *uboot) account(t *testing.T, resolution *people.Resolution) map[string]*measure.Account {
	t.Helper()
	result, err := measure.Measure(measure.Input{
		Repositories: []*facts.Repository{u.facts}, Membership: []measure.Membership{{Key: "u-boot"}}, Resolution: resolution,
		AsOf: newest([]*facts.Repository{u.facts}), Accounting: "gitdm", Ranges: u.ranges,
	})
	if err != nil {
		t.Fatal(err)
	}
	accounts := map[string]*measure.Account{}
	for i := range result.Accounts {
		accounts[result.Accounts[i].Period.Name] = &result.Accounts[i]
	}
	return accounts
}

func (u *uboot) git(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("git", append([]string{"-C", u.dir}, args...)...).Output()
	if err != nil {
		t.Fatalf("git %v: %v", args, err)
	}
	return string(out)
}

// byAddress makes an organization of every address, so that employers are sums of rows whatever map of employers is tried; and a person, as
// gitdm does, of all signatures of authors that share an address or a name.
func byAddress(f *facts.Repository) *people.Resolution {
	parent := make([]int, len(f.Signatures))
	for i := range parent {
		parent[i] = i
	}
	find := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	authors := make([]bool, len(f.Signatures))
	for i := range f.Commits {
		authors[f.Commits[i].Author] = true
	}
	r := people.Resolution{}
	addresses, names := map[string]uint32{}, map[string]uint32{}
	byText := map[string]int{}
	var address, name, person []uint32
	index := func(m map[string]uint32, s string) uint32 {
		i, ok := m[s]
		if !ok {
			i = uint32(len(m))
			m[s] = i
		}
		return i
	}
	for i, s := range f.Signatures {
		mail := strings.ToLower(s.Email)
		if index(addresses, mail) == uint32(len(r.Organizations)) {
			r.Organizations = append(r.Organizations, people.Organization{
				Name: mail, Class: people.Employer, Client: people.NoOrganization, Parent: people.NoOrganization,
			})
		}
		address, name = append(address, addresses[mail]), append(name, index(names, s.Name))
		if !authors[i] {
			continue
		}
		for _, key := range []string{"address " + mail, "name " + s.Name} {
			if other, ok := byText[key]; ok {
				parent[find(i)] = find(other)
			}
			byText[key] = i
		}
	}
	dense := map[int]uint32{}
	for i, s := range f.Signatures {
		root := find(i)
		p, ok := dense[root]
		if !ok {
			p = uint32(len(dense))
			dense[root] = p
			r.Persons = append(r.Persons, people.Person{Key: s.Email, Name: s.Name})
		}
		person = append(person, p)
	}
	r.Person, r.Address, r.Name = [][]uint32{person}, [][]uint32{address}, [][]uint32{name}
	return people.NewResolution(r, func(_ int, signature uint32, _ facts.Time) people.Attribution {
		return people.Attribution{Organization: int(address[signature]), Class: people.Employer}
	})
}

// choose finds for every release the range that its report is about, and lays published and own amounts side by side.
func (u *uboot) choose(accounts map[string]*measure.Account) {
	for i := range u.releases {
		r := &u.releases[i]
		name := r.previous + ".." + r.version
		r.account = accounts[name]
		for _, ends := range []string{name, name + "^"} {
			if a := accounts[ends]; a.Commits == uint64(r.report.Changesets) {
				r.ends, r.account = ends, a
				break
			}
		}
		r.facts = &release{map[string]amount{}, map[string]amount{}}
		for _, row := range r.account.Rows {
			r.facts.addresses[row.Name] = amount{int(row.Commits), int(row.Changed)}
		}
		for _, row := range r.report.Tables[employersBySets] {
			r.facts.published[row.Name] = r.facts.published[row.Name].plus(amount{commits: row.Count})
		}
		for _, row := range r.report.Tables[employersByLines] {
			r.facts.published[row.Name] = r.facts.published[row.Name].plus(amount{lines: row.Count})
		}
	}
}

// readPatches counts the lines of every range as gitdm does in patches: by the first two characters of every line of git log -p.
func (u *uboot) readPatches(t *testing.T) {
	t.Helper()
	author := map[string]string{}
	for i := range u.facts.Commits {
		c := &u.facts.Commits[i]
		author[c.ID.String()] = strings.ToLower(u.facts.Signatures[c.Author].Email)
	}
	for i := range u.releases {
		r := &u.releases[i]
		if r.ends == "" {
			continue
		}
		cmd := exec.Command("git", "-C", u.dir, "log", "--no-merges", "--format=commit %H", "-p", "-M", r.ends)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		patches := &release{r.facts.published, map[string]amount{}}
		commit, added, removed := "", 0, 0
		flush := func() {
			if commit != "" {
				patches.addresses[author[commit]] = patches.addresses[author[commit]].plus(amount{1, max(added, removed)})
				r.added += added
				r.removed += removed
			}
			added, removed = 0, 0
		}
		lines := bufio.NewReaderSize(out, 1<<20)
		for {
			line, err := lines.ReadSlice('\n')
			for err == bufio.ErrBufferFull {
				_, err = lines.ReadSlice('\n')
			}
			if err != nil {
				break
			}
			line = bytes.TrimSuffix(line, []byte("\n"))
			switch {
			case bytes.HasPrefix(line, []byte("commit ")):
				flush()
				commit = string(line[len("commit "):])
			case len(line) > 0 && line[0] == '+' && (len(line) == 1 || line[1] != '+'):
				added++
			case len(line) > 0 && line[0] == '-' && (len(line) == 1 || line[1] != '-'):
				removed++
			}
		}
		flush()
		if err := cmd.Wait(); err == nil { // else an object is missing, and git says no more
			r.patches = patches
		}
	}
}

// rows counts how many rows of the employer tables come out exactly.
type rows struct{ sets, setsExact, lines, linesExact, invented int }

func (n *rows) add(published, got map[string]amount) {
	for e, want := range published {
		if want.commits > 0 {
			n.sets++
			if got[e].commits == want.commits {
				n.setsExact++
			}
		}
		if want.lines > 0 {
			n.lines++
			if got[e].lines == want.lines {
				n.linesExact++
			}
		}
	}
	for e := range got {
		if _, ok := published[e]; !ok {
			n.invented++
		}
	}
}

func (n rows) String() string {
	return fmt.Sprintf("changesets %d of %d rows (%.1f %%), lines %d of %d (%.1f %%), %d rows that were not published",
		n.setsExact, n.sets, 100*float64(n.setsExact)/float64(n.sets), n.linesExact, n.lines, 100*float64(n.linesExact)/float64(n.lines), n.invented)
}

// TestUBoot holds the ranges and gitdm's accounting against the reports that U-Boot publishes. It prints figures and names no person.
func TestUBoot(t *testing.T) {
	u := readUBoot(t)
	byEnds := map[string]int{}
	added, removed, developers, complete, headless := 0, 0, 0, 0, 0
	var wanted, missed int
	for i := range u.releases {
		r := &u.releases[i]
		kind := "neither"
		switch {
		case strings.HasSuffix(r.ends, "^"):
			kind = "PREV..TAG^"
		case r.ends != "":
			kind = "PREV..TAG"
		default:
			t.Logf("%s: %d changesets published, %d in %s..%s", r.version, r.report.Changesets, r.account.Commits, r.previous, r.version)
		}
		byEnds[kind]++
		if r.ends == "" {
			continue
		}
		if !r.report.Head {
			headless++
			continue
		}
		a := r.account
		if a.Added == uint64(r.report.Added) {
			added++
		}
		if a.Removed == uint64(r.report.Removed) {
			removed++
		}
		wanted += r.report.Added + r.report.Removed
		missed += abs(int(a.Added)-r.report.Added) + abs(int(a.Removed)-r.report.Removed)
		if a.Persons == r.report.Developers {
			developers++
		}
		if len(r.report.Tables[employersBySets]) == r.report.Employers {
			complete++
		}
	}
	t.Logf("%d reports; changesets are those of %v", len(u.releases), byEnds)
	t.Logf("of these, without a head %d; lines added exact in %d, removed exact in %d, together %.3f %% off; developers exact in %d; employer tables complete in %d",
		headless, added, removed, 100*float64(missed)/float64(wanted), developers, complete)
	if byEnds["PREV..TAG"] < 63 || byEnds["PREV..TAG^"] < 15 {
		t.Errorf("changesets are those of %v, want 63 of PREV..TAG and 15 of PREV..TAG^ at least", byEnds)
	}
	u.companies(t)
	u.developers(t)
	u.directory(t)
	u.employers(t)
}

func abs(n int) int { return max(n, -n) }

// companies holds the rows of companies that use one domain, in the last release that is known here, against that domain alone.
func (u *uboot) companies(t *testing.T) {
	t.Helper()
	i := slices.IndexFunc(u.releases, func(r ubootRelease) bool { return r.version == "v2026.07" })
	if i < 0 {
		t.Log("there is no report of v2026.07")
		return
	}
	for employer, domain := range map[string]string{
		"BayLibre SAS": "baylibre.com", "NXP": "nxp.com", "Texas Instruments": "ti.com", "Toradex": "toradex.com", "Bootlin": "bootlin.com",
	} {
		var got amount
		for address, x := range u.releases[i].facts.addresses {
			if d := domainOf(address); d == domain || strings.HasSuffix(d, "."+domain) {
				got = got.plus(x)
			}
		}
		want := u.releases[i].facts.published[employer]
		t.Logf("v2026.07: %s by %s: %v, published %v", employer, domain, got, want)
		if got.commits != want.commits || abs(got.lines-want.lines) > 3 {
			t.Errorf("v2026.07: %s by %s: %v, want %v", employer, domain, got, want)
		}
	}
}

// developers compares rows of persons: their changed lines are the sum of the larger of added and removed in each commit, and not, as is said
// of gitdm, the larger of both sums.
func (u *uboot) developers(t *testing.T) {
	t.Helper()
	var sets, setsExact, lines, linesExact, otherwise int
	for i := range u.releases {
		r := &u.releases[i]
		if r.ends == "" {
			continue
		}
		rows := map[int]*measure.AccountRow{}
		for k := range r.account.People {
			rows[r.account.People[k].Person] = &r.account.People[k]
		}
		find := func(name string) *measure.AccountRow {
			if person, ok := u.persons[name]; ok {
				return rows[person]
			}
			return nil
		}
		for _, row := range r.report.Tables[developersBySets] {
			if p := find(row.Name); p != nil {
				sets++
				if p.Commits == uint64(row.Count) {
					setsExact++
				}
			}
		}
		for _, row := range r.report.Tables[developersByLines] {
			if p := find(row.Name); p != nil {
				lines++
				of, larger := p.Changed == uint64(row.Count), max(p.Added, p.Removed) == uint64(row.Count)
				if of {
					linesExact++
				}
				if larger && !of {
					otherwise++
				}
			}
		}
	}
	t.Logf("developers of the same name: changesets exact in %d of %d rows, lines in %d of %d, and by the larger of both sums alone in %d more",
		setsExact, sets, linesExact, lines, otherwise)
	if linesExact < lines*9/10 || otherwise > lines/100 {
		t.Errorf("changed lines of developers are exact in %d of %d rows, and by the larger of both sums alone in %d more", linesExact, lines, otherwise)
	}
	if setsExact < sets*9/10 {
		t.Errorf("changesets of developers are exact in %d of %d rows", setsExact, sets)
	}
}

// directory compares with this program's own directory and rules, without anything from the reports. Its names of organizations are shorter.
func (u *uboot) directory(t *testing.T) {
	t.Helper()
	directory, err := people.LoadDirectory()
	if err != nil {
		t.Fatal(err)
	}
	resolution, err := people.Resolve([]*facts.Repository{u.facts}, people.Options{Directory: directory, PseudonymKey: []byte("of no importance")})
	if err != nil {
		t.Fatal(err)
	}
	accounts := u.account(t, resolution)
	var all, newest rows
	for i := range u.releases {
		r := &u.releases[i]
		if r.ends == "" {
			continue
		}
		got := map[string]amount{}
		for _, row := range accounts[r.ends].Rows {
			name := row.Name
			for _, published := range slices.Sorted(maps.Keys(r.facts.published)) {
				if sameOrganization(published, name) {
					name = published
					break
				}
			}
			got[name] = got[name].plus(amount{int(row.Commits), int(row.Changed)})
		}
		all.add(r.facts.published, got)
		if i >= len(u.releases)-12 {
			newest.add(r.facts.published, got)
		}
	}
	t.Logf("employers by this program's own directory and rules:\n\tall releases: %v\n\tthe last 12 of them: %v", all, newest)
}

// sameOrganization says whether one name is the other one with words behind it.
func sameOrganization(published, own string) bool {
	published, own = strings.ToLower(published)+" ", strings.ToLower(own)+" "
	return strings.HasPrefix(published, own) || strings.HasPrefix(own, published)
}

// employers predicts the employer tables of every release from a map that was inverted from older ones.
func (u *uboot) employers(t *testing.T) {
	t.Helper()
	if os.Getenv("ORRERY_UBOOT_PATCHES") != "" {
		u.readPatches(t)
		exact, sums := 0, 0
		for i := range u.releases {
			if r := &u.releases[i]; r.patches != nil && r.report.Head {
				sums++
				if r.added == r.report.Added && r.removed == r.report.Removed {
					exact++
				}
			}
		}
		t.Logf("lines counted in patches: added and removed exact in %d of %d reports", exact, sums)
	}
	var usable []*ubootRelease
	for i := range u.releases {
		if u.releases[i].ends != "" {
			usable = append(usable, &u.releases[i])
		}
	}
	amounts := func(from []*ubootRelease, patches bool) (list []*release) {
		for _, r := range from {
			switch {
			case !patches:
				list = append(list, r.facts)
			case r.patches != nil:
				list = append(list, r.patches)
			}
		}
		return list
	}
	for _, patches := range []bool{false, true} {
		all := amounts(usable, patches)
		if len(all) == 0 {
			continue
		}
		how := map[bool]string{false: "lines of the log", true: "lines of patches"}[patches]
		for _, singly := range []bool{false, true} {
			what := map[bool]string{false: "domains alone", true: "domains and addresses"}[singly]
			fit := func(train []*release) *employerMap {
				m := newEmployerMap()
				m.improve(train, 0.9, false)
				if singly {
					m.improve(train, 0.9, true)
				}
				return m
			}
			var rolling, newest, fitted rows
			why, whyNewest := map[string]int{}, map[string]int{}
			for i := 1; i < len(all); i++ {
				m := fit(all[max(0, i-30):i])
				got := m.predict(all[i])
				for class, n := range m.misses(all[:i], all[i]) {
					why[class] += n
					if i >= len(all)-12 {
						whyNewest[class] += n
					}
				}
				rolling.add(all[i].published, got)
				if i >= len(all)-12 {
					newest.add(all[i].published, got)
				}
			}
			half := len(all) / 2
			var fixed rows
			m := fit(all[:half])
			for _, r := range all[half:] {
				fixed.add(r.published, m.predict(r))
			}
			m = fit(all)
			for _, r := range all {
				fitted.add(r.published, m.predict(r))
			}
			t.Logf("employers by %s, %s:\n\teach release by a map from older ones: %v\n\tthe last 12 of them: %v\n\tthe newer half by a map from the older half: %v\n\tnot held out, all by a map from all: %v",
				what, how, rolling, newest, fixed, fitted)
			t.Log("rows of changesets that a map from older ones gets wrong: all, in the last 12, why")
			for _, class := range missClasses {
				t.Logf("\t%4d %4d  %s", why[class], whyNewest[class], class)
			}
		}
	}
}
