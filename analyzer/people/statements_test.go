package people

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orrery/analyzer/facts"
)

// directoryOf reads organizations files given as text.
func directoryOf(t testing.TB, texts ...string) *Directory {
	t.Helper()
	dir := t.TempDir()
	var paths []string
	for i, text := range texts {
		paths = append(paths, filepath.Join(dir, fmt.Sprintf("%d.yaml", i)))
		if err := os.WriteFile(paths[i], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d, err := LoadDirectory(append(paths, "testdata/people.yaml")...)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// What rests on a statement that nobody has verified has a low confidence.
func TestUnverified(t *testing.T) {
	t.Parallel()
	opts := Options{Directory: directoryOf(t, "organizations: [{name: Acme, kind: company, domains: [acme.example, {name: acme.test, source: \"unverified: a guess\"}], source: its page}]")}
	r := resolve(t, opts, repository(t, "r", wrote{who: "A <a@acme.example>", date: "2020-01-01"}, wrote{who: "B <b@acme.test>", date: "2020-01-01"}))
	for i, want := range []string{"high", "low"} {
		c := &r.Repositories[0].Commits[i]
		if got := r.Evidence[r.Attribute(0, c.Author, c.Authored).Evidence].Confidence; got != want {
			t.Errorf("confidence %s, want %s", got, want)
		}
	}
}

// TestStatedJoins gives signatures; those with the same letter must be one person.
func TestStatedJoins(t *testing.T) {
	for _, tt := range []struct {
		name, file, persons, mailmap string
		who                          []string
	}{
		{"one person by statement", "same: [[a@home.example, b@home.example]]", "aab", "", []string{"A <a@home.example>", "B <b@home.example>", "C <c@home.example>"}},
		{"an account", "same: [[a@home.example, jo@users.noreply.github.com]]", "aa", "", []string{"A <a@home.example>", "J <12+jo@users.noreply.github.com>"}},
		{
			"not the same though the name is", "not_same: [[jane@acme.example, jane@home.example]]", "ab", "",
			[]string{"Jane Doe <jane@acme.example>", "Jane Doe <jane@home.example>"},
		},
		{
			"not the same though a mailmap says so", "not_same: [[a@acme.example, b@acme.example]]", "ab",
			"Jane <jane@acme.example> <a@acme.example>\nJane <jane@acme.example> <b@acme.example>",
			[]string{"A <a@acme.example>", "B <b@acme.example>"},
		},
		{
			"two people at one address", `not_same: [["A <team@acme.example>", "B <team@acme.example>"]]`, "abaab", "",
			[]string{"A <team@acme.example>", "B <team@acme.example>", "a <team@acme.example>", "C <team@acme.example>", "b <team@acme.example>"},
		},
		{
			"not the same wins over the same", "same: [[a@home.example, b@home.example]]\nnot_same: [[b@home.example, a@home.example]]", "ab", "",
			[]string{"A <a@home.example>", "B <b@home.example>"},
		},
		{
			"the chain is cut once", "same: [[a@home.example, b@home.example], [b@home.example, c@home.example]]\nnot_same: [[a@home.example, c@home.example]]", "aab", "",
			[]string{"A <a@home.example>", "B <b@home.example>", "C <c@home.example>"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var commits []wrote
			for _, who := range tt.who {
				commits = append(commits, wrote{who: who, date: "2020-01-01"})
			}
			opts := Options{Directory: directoryOf(t, tt.file)}
			if tt.mailmap != "" {
				opts.Mailmaps = []*Mailmap{ParseMailmap("mailmap", []byte(tt.mailmap))}
			}
			r := resolve(t, opts, repository(t, "r", commits...))
			var got strings.Builder
			letters := map[uint32]byte{}
			pseudonyms := map[string]bool{}
			for _, p := range r.Person[0] {
				if letters[p] == 0 {
					letters[p] = byte('a' + len(letters))
					if pseudonyms[r.Persons[p].Pseudonym] {
						t.Errorf("two persons have one pseudonym")
					}
					pseudonyms[r.Persons[p].Pseudonym] = true
				}
				got.WriteByte(letters[p])
			}
			if got.String() != tt.persons {
				t.Errorf("persons %s, want %s", got.String(), tt.persons)
			}
		})
	}
}

// TestOrderOfRules asks who somebody with a private address worked for: own files come before imported ones, and these before addresses.
func TestOrderOfRules(t *testing.T) {
	imported := "imported: gitdm\npeople: [{addresses: [vera@home.example], organization: Acme}, {addresses: [wim@home.example], organization: Acme, to: 2019-01-01}]"
	own := "people: [{addresses: [vera@home.example], organization: Borealis, from: 2019-01-01}]"
	repo := repository(t, "r",
		wrote{who: "Vera Stated <vera@home.example>", date: "2018-06-01"},
		wrote{who: "Wim Known <wim@home.example>", date: "2018-06-01"},
		wrote{who: "Wim Known <wim@borealis.example>", date: "2019-06-01"},
	)
	r := resolve(t, Options{Directory: directoryOf(t, imported, own)}, repo)
	for _, tt := range []struct {
		signature      uint32
		on, want, rule string
	}{
		{0, "2018-06-01", "Acme", RuleImported},
		{0, "2019-06-01", "Borealis", RuleStatement},
		{1, "2018-06-01", "Acme", RuleImported},
		{1, "2019-06-01", "Borealis", RuleSameName},
		{2, "2018-06-01", "Borealis", RuleDomain},
	} {
		a := r.Attribute(0, tt.signature, date(t, tt.on))
		if a.Organization == NoOrganization || r.Organizations[a.Organization].Name != tt.want || r.Evidence[a.Evidence].Rule != tt.rule {
			t.Errorf("signature %d on %s: %+v by %+v, want %s by %s", tt.signature, tt.on, a, r.Evidence[a.Evidence], tt.want, tt.rule)
		}
	}
}

// TestShares deals commits out to two employers: exactly over a hundred, nearly so over fewer, and the same one every time.
func TestShares(t *testing.T) {
	d := directoryOf(t, "people: [{addresses: [zoe@home.example], organizations: [{name: Acme, percent: 60}, {name: Borealis, percent: 40}], from: 2019-01-01}]")
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 400).Draw(rt, "commits")
		repo := &facts.Repository{Key: "r", Signatures: []facts.Signature{{Name: "Zoe", Email: "zoe@home.example"}, {Name: "Zoe", Email: "zoe@acme.example"}}}
		unix := date(t, "2019-01-01").Unix
		for range n {
			unix += rapid.Int64Range(1, 100_000).Draw(rt, "gap")
			when := facts.Time{Unix: unix, Valid: true}
			repo.Commits = append(repo.Commits, facts.Commit{Authored: when, Committed: when})
		}
		r := resolve(t, Options{Directory: d}, repo)
		counts := map[string]int{}
		for _, c := range repo.Commits {
			a := r.Attribute(0, 0, c.Authored)
			if a != r.Attribute(0, 0, c.Authored) {
				rt.Fatal("asked twice, it says two things")
			}
			counts[r.Organizations[a.Organization].Name]++
		}
		if off := counts["Acme"] - n*60/100; counts["Acme"]+counts["Borealis"] != n || off < -6 || off > 6 || n%100 == 0 && off != 0 {
			rt.Fatalf("%d commits are dealt out as %v", n, counts)
		}
		if a := r.Attribute(0, 0, facts.Time{}); a.Class.Known() {
			rt.Fatalf("without a date: %+v", a)
		}
	})
}

func TestRollUp(t *testing.T) {
	file := `organizations:
  - {name: Tiny, kind: company, country: NO, entity: Borealis, domains: [tiny.example]}
  - {name: Suppliers of Borealis, kind: contractor, country: SE, client: Borealis, domains: [hands.example]}
  - {name: Nowhere, kind: company, domains: [nowhere.example]}`
	repo := repository(t, "r",
		wrote{who: "A <a@acme.example>", date: "2021-01-01"},
		wrote{who: "B <b@borealis.example>", date: "2019-12-31"},
		wrote{who: "B <b@borealis.example>", date: "2020-01-01"},
		wrote{who: "T <t@tiny.example>", date: "2021-01-01"},
		wrote{who: "H <h@hands.example>", date: "2019-12-31"},
		wrote{who: "H <h@hands.example>", date: "2020-01-01"},
		wrote{who: "N <n@nowhere.example>", date: "2021-01-01"},
		wrote{who: "U <u@cs.unlisted.edu>", date: "2021-01-01"},
	)
	for _, tt := range []struct {
		level   Level
		reading Reading
		want    []string // by commit: the organization, and its client
	}{
		{"", "", []string{"Acme", "Borealis", "Borealis", "Tiny", "Suppliers of Borealis>Borealis", "Suppliers of Borealis>Borealis", "Nowhere", "unlisted.edu"}},
		{LevelEntity, "", []string{"Acme", "Borealis", "Borealis", "Borealis", "Suppliers of Borealis>Borealis", "Suppliers of Borealis>Borealis", "Nowhere", "unlisted.edu"}},
		{LevelBrand, ReadApart, []string{"Acme", "Borealis", "Borealis", "Tiny", "Suppliers of Borealis", "Suppliers of Borealis", "Nowhere", "unlisted.edu"}},
		{LevelBrand, ReadClient, []string{"Acme", "Borealis", "Borealis", "Tiny", "Borealis", "Borealis", "Nowhere", "unlisted.edu"}},
		{LevelParent, ReadBoth, []string{"Acme", "Borealis", "Acme", "Tiny", "Suppliers of Borealis>Borealis", "Suppliers of Borealis (for Acme)>Acme", "Nowhere", "unlisted.edu"}},
		{LevelParent, ReadClient, []string{"Acme", "Borealis", "Acme", "Tiny", "Borealis", "Acme", "Nowhere", "unlisted.edu"}},
		{LevelCountry, ReadClient, []string{"SE", "NO", "NO", "NO", "NO", "NO", NoCountry, "US"}},
		{LevelCountry, ReadBoth, []string{"SE", "NO", "NO", "NO", "contractors, SE>NO", "contractors, SE>NO", NoCountry, "US"}},
	} {
		t.Run(string(tt.level)+" "+string(tt.reading), func(t *testing.T) {
			r := resolve(t, Options{Directory: directoryOf(t, file), RollUp: tt.level, Contractors: tt.reading}, repo)
			var got []string
			for _, c := range repo.Commits {
				a := r.Attribute(0, c.Author, c.Authored)
				o := r.Organizations[a.Organization]
				name := o.Name
				if o.Client != NoOrganization {
					name += ">" + r.Organizations[o.Client].Name
				}
				if a.Class != o.Class {
					t.Errorf("%s is %v, and the contribution %v", name, o.Class, a.Class)
				}
				got = append(got, name)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if !slices.IsSortedFunc(r.Organizations, func(a, b Organization) int { return strings.Compare(a.Name, b.Name) }) {
				t.Errorf("not in order: %v", r.Organizations)
			}
			last := r.Attribute(0, repo.Commits[1].Author, facts.Time{})
			if last != r.Attribute(0, repo.Commits[1].Author, facts.Time{Unix: time.Now().Unix(), Valid: true}) {
				t.Error("what has no date does not count as it does today")
			}
		})
	}
	for _, opts := range []Options{{RollUp: "planet"}, {Contractors: "maybe"}} {
		opts.PseudonymKey = testKey
		if _, err := Resolve(nil, opts); err == nil {
			t.Errorf("%+v is taken", opts)
		}
	}
}

func TestWithheld(t *testing.T) {
	d, err := Digest(testKey, " Jane@ACME.example ")
	if err != nil {
		t.Fatal(err)
	}
	other, err := Digest(testKey, "lone@home.example")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "withheld")
	if err := os.WriteFile(file, []byte("# who asked\n"+strings.ToUpper(d)+" # in March\n\n"+other+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	set, err := ReadWithheld(file)
	if err != nil {
		t.Fatal(err)
	}
	repo := repository(t, "r",
		wrote{who: "Jane Doe <jane@acme.example>", date: "2020-01-01"}, wrote{who: "Jane Doe <jane@home.example>", date: "2020-02-01"},
		wrote{who: "Lone <lone@home.example>", date: "2020-01-01"}, wrote{who: "Vera <vera@acme.example>", date: "2020-01-01"})
	r := resolve(t, Options{Withheld: set}, repo)
	if len(r.Persons) != 2 {
		t.Fatalf("persons: %+v", r.Persons)
	}
	for s := range uint32(3) {
		p := r.Persons[r.Person[0][s]]
		if a := r.Attribute(0, s, date(t, "2020-01-01")); a.Class != Withheld || a.Organization != NoOrganization || !p.Withheld || p.Pseudonym != "withheld" || p.Name != "withheld" || p.Key != "withheld" {
			t.Errorf("signature %d: %+v, %+v", s, a, p)
		}
	}
	if a := r.Attribute(0, 3, date(t, "2020-01-01")); a.Class != Employer || r.Persons[r.Person[0][3]].Withheld {
		t.Errorf("who did not ask: %+v", a)
	}
	if _, err := Digest(testKey, "root@localhost"); err == nil {
		t.Error("a placeholder can be withheld")
	}
	if err := os.WriteFile(file, []byte(d+"\nvera@acme.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadWithheld(file); err == nil || !strings.Contains(err.Error(), ":2:1: ") || strings.Contains(err.Error(), "vera") {
		t.Errorf("an address in the file: %v", err)
	}
}

// A name that is a staff number tells the organization where the address is nobody's, in its time, and gives way to whatever else is known.
func TestStaffNumbers(t *testing.T) {
	t.Parallel()
	file := `organizations:
  - {name: Acme, kind: company, domains: [acme.example], numbers: [{form: "?00######", source: its badges}, {form: "?30######", to: 2024-01-01}]}
  - {name: Borealis, kind: company, domains: [borealis.example]}`
	for _, tt := range []struct{ who, date, signed, want string }{
		{"z00123456 <z@gmail.com>", "2025-01-01", "", "Acme staff-number"},
		{"Vera Z00123456 <v@gmail.com>", "2025-01-01", "", "Acme staff-number"},
		{"z30123456 <z3@gmail.com>", "2023-12-31", "", "Acme staff-number"},
		{"z30123456 <z3@gmail.com>", "2024-01-01", "", "personal domain"},
		{"z00123456 <nobody>", "2025-01-01", "", "Acme staff-number"},
		{"z00123456 <z00123456@noreply.gitcode.com>", "2025-01-01", "", "Acme staff-number"},
		{"z0012345 <a@gmail.com>", "2025-01-01", "", "personal domain"},
		{"z001234567 <b@gmail.com>", "2025-01-01", "", "personal domain"},
		{"qq00123456 <c@gmail.com>", "2025-01-01", "", "personal domain"},
		{"user_z00123456 <d@gmail.com>", "2025-01-01", "", "personal domain"},
		{"z00123457 <e@spinoff.example>", "2025-01-01", "", "unknown unlisted-domain"}, // may be another employer's
		{"z00123458 <f@borealis.example>", "2025-01-01", "", "Borealis domain"},
		{"z00123459 <g@gmail.com>", "2025-01-01", "z00123459 <g@borealis.example>", "Borealis sign-off"},
	} {
		wrote := wrote{who: tt.who, date: tt.date}
		if tt.signed != "" {
			wrote.trailers = []facts.Trailer{{Key: "Signed-off-by", Value: tt.signed}}
		}
		r := resolve(t, Options{Directory: directoryOf(t, file)}, repository(t, "r", wrote))
		c := &r.Repositories[0].Commits[0]
		a := r.Attribute(0, c.Author, c.Authored)
		got := a.Class.String()
		if a.Class.Known() {
			got = r.Organizations[a.Organization].Name
		}
		if got += " " + r.Evidence[a.Evidence].Rule; got != tt.want {
			t.Errorf("%s of %s: %s, want %s", tt.who, tt.date, got, tt.want)
		}
		if e := r.Evidence[a.Evidence]; e.Rule == RuleStaffNumber && (!strings.HasSuffix(e.Where, ":2") || e.Confidence != "medium") {
			t.Errorf("%s: the evidence is %+v, want the line of the statement", tt.who, e)
		}
		off := resolve(t, Options{Directory: directoryOf(t, file), Rules: map[string]bool{RuleStaffNumber: false}}, repository(t, "r", wrote))
		if a := off.Attribute(0, c.Author, c.Authored); a.Class.Known() && strings.HasSuffix(tt.want, RuleStaffNumber) {
			t.Errorf("%s: still known where the rule is off", tt.who)
		}
	}
	d := directoryOf(t, file)
	without, found := d.without(d.numbers[0].where.String())
	if !found || len(without.numbers) == len(d.numbers) {
		t.Error("the statement cannot be taken away")
	}
}
