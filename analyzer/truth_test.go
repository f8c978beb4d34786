package analyzer

import (
	"context"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"orrery/analyzer/facts"
	"orrery/analyzer/people"
	"orrery/analyzer/people/formats"
	"orrery/analyzer/source"
)

// wilson gives the 95 % score interval of k of n.
func wilson(k, n int) (low, high float64) {
	const z = 1.959964
	p, m := float64(k)/float64(n), float64(n)
	center := (p + z*z/(2*m)) / (1 + z*z/m)
	half := z / (1 + z*z/m) * math.Sqrt(p*(1-p)/m+z*z/(4*m*m))
	return max(center-half, 0), min(center+half, 1)
}

func TestWilson(t *testing.T) {
	for _, tt := range []struct {
		k, n      int
		low, high float64
	}{{0, 10, 0, 0.2775}, {10, 10, 0.7225, 1}, {98, 100, 0.9300, 0.9945}} {
		low, high := wilson(tt.k, tt.n)
		if math.Abs(low-tt.low) > 1e-4 || math.Abs(high-tt.high) > 1e-4 {
			t.Errorf("%d of %d: %.4f to %.4f, want %.4f to %.4f", tt.k, tt.n, low, high, tt.low, tt.high)
		}
	}
}

// TestTruth holds what is resolved without them against the organizations that a folder of sig-info.yaml states: coverage and agreement by
// rule. ORRERY_TEST_TRUTH names the repositories (with commas), then after a colon the folder, which may be missing for coverage alone.
func TestTruth(t *testing.T) {
	where := os.Getenv("ORRERY_TEST_TRUTH")
	if where == "" {
		t.Skip("ORRERY_TEST_TRUTH names no repositories")
	}
	repositories, folder, _ := strings.Cut(where, ":")
	x, _, err := Explain(context.Background(), Options{
		Sources: strings.Split(repositories, ","), Source: source.Options{Offline: true, MirrorsDir: t.TempDir()}, PseudonymKey: []byte("a key of this test"),
	})
	if err != nil {
		t.Fatal(err)
	}
	truth := map[string]string{}
	if folder != "" {
		m, err := formats.Read("sig-info", folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range m.People {
			for _, a := range p.Addresses {
				truth[a] = p.Shares[0].Organization
			}
		}
	}
	type cell struct{ commits, judged, agreed, people, peopleAgreed int }
	cells := map[string]*cell{}
	disagree := map[string]int{}
	persons := map[string]map[uint32]bool{}
	known, total := 0, 0
	seen := map[facts.ID]bool{}
	for i, repository := range x.Repositories {
		for k := range repository.Commits {
			c := &repository.Commits[k]
			a := x.Resolution.Attribute(i, c.Author, c.Authored)
			if c.IsMerge() || seen[c.ID] || a.Class.Machine() {
				continue
			}
			seen[c.ID] = true
			total++
			rule := x.Resolution.Evidence[a.Evidence].Rule
			row := cells[rule]
			if row == nil {
				row = &cell{}
				cells[rule], persons[rule] = row, map[uint32]bool{}
			}
			row.commits++
			person := x.Resolution.Person[i][c.Author]
			first := !persons[rule][person]
			persons[rule][person] = true
			if !a.Class.Known() {
				continue
			}
			known++
			email := strings.ToLower(strings.TrimSpace(repository.Signatures[c.Author].Email))
			want := truth[email]
			if want == "" {
				continue
			}
			got := x.Resolution.Organizations[a.Organization].Name
			row.judged++
			if first {
				row.people++
			}
			if got == want {
				row.agreed++
				if first {
					row.peopleAgreed++
				}
			} else {
				disagree[rule+": resolved "+got+", stated "+want]++
			}
		}
	}
	low, high := wilson(known, total)
	t.Logf("coverage %d of %d commits: %.2f %% (%.2f to %.2f)", known, total, 100*float64(known)/float64(total), 100*low, 100*high)
	for _, rule := range slices.Sorted(maps.Keys(cells)) {
		row := cells[rule]
		line := fmt.Sprintf("%-16s %6d commits %5d people", rule, row.commits, len(persons[rule]))
		if row.judged > 0 {
			low, high := wilson(row.agreed, row.judged)
			line += fmt.Sprintf("; stated for %d, agreed %d: %.2f %% (%.2f to %.2f); people %d of %d", row.judged, row.agreed, 100*float64(row.agreed)/float64(row.judged), 100*low, 100*high, row.peopleAgreed, row.people)
		}
		t.Log(line)
	}
	for _, d := range slices.SortedFunc(maps.Keys(disagree), func(a, b string) int { return disagree[b] - disagree[a] }) {
		t.Logf("%d %s", disagree[d], d)
	}
	for _, line := range homonyms(x.Explainer) {
		t.Log(line)
	}
	if out := os.Getenv("ORRERY_TEST_SAMPLE"); out != "" {
		if err := writeSample(out, x.Explainer, truth); err != nil {
			t.Fatal(err)
		}
	}
}

// homonyms asks how often two company addresses of one full name within a year of each other are one organization's: what the rule of same
// names would be worth if one of them had been a private address. People who change their contract count against it.
func homonyms(x *people.Explainer) (lines []string) {
	type corporate struct {
		organization string
		first, last  int64
	}
	byName := map[string]map[string]*corporate{}
	for i, repository := range x.Repositories {
		for k := range repository.Commits {
			c := &repository.Commits[k]
			a := x.Resolution.Attribute(i, c.Author, c.Authored)
			if !c.Authored.Valid || a.Class != people.Employer && a.Class != people.Contractor || x.Resolution.Evidence[a.Evidence].Rule != people.RuleDomain {
				continue
			}
			signature := repository.Signatures[c.Author]
			name := strings.Join(strings.Fields(strings.ToLower(signature.Name)), " ")
			if byName[name] == nil {
				byName[name] = map[string]*corporate{}
			}
			o := byName[name][strings.ToLower(signature.Email)]
			if o == nil {
				o = &corporate{x.Resolution.Organizations[a.Organization].Name, c.Authored.Unix, c.Authored.Unix}
				byName[name][strings.ToLower(signature.Email)] = o
			}
			o.first, o.last = min(o.first, c.Authored.Unix), max(o.last, c.Authored.Unix)
		}
	}
	type counts struct{ pairs, same, client int }
	kinds := map[string]*counts{}
	const year = 365 * 86400
	for name, addresses := range byName {
		kind := "one word"
		if han := strings.IndexFunc(name, func(r rune) bool { return unicode.Is(unicode.Han, r) }) >= 0; han {
			kind = fmt.Sprintf("Han, %d characters", len([]rune(name)))
		} else if strings.Contains(name, " ") {
			kind = "other, words"
		}
		list := slices.Sorted(maps.Keys(addresses))
		if len(list) != 2 {
			continue
		}
		a, b := addresses[list[0]], addresses[list[1]]
		if a.first > b.last+year || b.first > a.last+year {
			continue
		}
		if kinds[kind] == nil {
			kinds[kind] = &counts{}
		}
		k := kinds[kind]
		k.pairs++
		if a.organization == b.organization {
			k.same++
		}
		if strings.TrimPrefix(a.organization, "Contractors of ") == strings.TrimPrefix(b.organization, "Contractors of ") {
			k.client++
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		k := kinds[kind]
		low, high := wilson(k.same, k.pairs)
		lines = append(lines, fmt.Sprintf("two company addresses of one name, %s: %d, one organization's %d (%.1f to %.1f %%), or its client's %d", kind, k.pairs, k.same, 100*low, 100*high, k.client))
	}
	return lines
}

// writeSample writes attributions to judge by hand, up to 30 signatures for each rule and 127 for that of domains: it holds names and addresses, and stays out of the tree.
func writeSample(file string, x *people.Explainer, truth map[string]string) error {
	type judged struct {
		text string
		n    int
		span [2]int64
	}
	rows := map[string]*judged{}
	members := map[uint32]map[string]bool{}
	for i, repository := range x.Repositories {
		for s, signature := range repository.Signatures {
			p := x.Resolution.Person[i][s]
			if members[p] == nil {
				members[p] = map[string]bool{}
			}
			members[p][signature.Name+" <"+signature.Email+">"] = true
		}
	}
	for i, repository := range x.Repositories {
		for k := range repository.Commits {
			c := &repository.Commits[k]
			a := x.Resolution.Attribute(i, c.Author, c.Authored)
			if c.IsMerge() || !a.Class.Known() {
				continue
			}
			e := x.Resolution.Evidence[a.Evidence]
			signature := repository.Signatures[c.Author]
			key := fmt.Sprintf("%s\t%s\t%s <%s>", e.Rule, x.Resolution.Organizations[a.Organization].Name, signature.Name, signature.Email)
			if rows[key] == nil {
				var others []string
				for m := range members[x.Resolution.Person[i][c.Author]] {
					others = append(others, m)
				}
				slices.Sort(others)
				rows[key] = &judged{text: fmt.Sprintf("%s\tstated %q\t%s", e.Source, truth[strings.ToLower(signature.Email)], strings.Join(others, "; ")), span: [2]int64{math.MaxInt64, 0}}
			}
			r := rows[key]
			r.n++
			r.span[0], r.span[1] = min(r.span[0], c.Authored.Unix), max(r.span[1], c.Authored.Unix)
		}
	}
	perRule := map[string]int{}
	var b strings.Builder
	keys := slices.Sorted(maps.Keys(rows))
	slices.SortFunc(keys, func(a, b string) int { return strings.Compare(shuffled(a), shuffled(b)) })
	for _, key := range keys {
		rule, _, _ := strings.Cut(key, "\t")
		if perRule[rule]++; perRule[rule] > 30 && (rule != people.RuleDomain || perRule[rule] > 127) {
			continue
		}
		r := rows[key]
		fmt.Fprintf(&b, "%s\t%d commits %s to %s\t%s\n", key, r.n, time.Unix(r.span[0], 0).UTC().Format("2006-01"), time.Unix(r.span[1], 0).UTC().Format("2006-01"), r.text)
	}
	return os.WriteFile(file, []byte(b.String()), 0o600)
}

// fnv is the 64-bit FNV-1a hash.
func fnv(key string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * 1099511628211
	}
	return h
}

// shuffled orders a sample without favour, and the same every time.
func shuffled(key string) string { return fmt.Sprintf("%016x", fnv(key)) }
