package formats

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.yaml.in/yaml/v4"
	"pgregory.net/rapid"

	"orrery/analyzer/people"
)

var update = flag.Bool("update", false, "write golden files anew")

// TestRead holds what is made of each file against a golden organizations file, and loads that.
func TestRead(t *testing.T) {
	for _, tt := range []struct{ format, file string }{
		{"gitdm", "gitdm.in"},
		{"gitdm", "gitdm.config.in"},
		{"cncf", "cncf.in"},
		{"stackalytics", "stackalytics.in"},
		{"sortinghat", "sortinghat.in"},
		{"organizationmap", "organizationmap.in"},
		{"sig-info", "sig"},
	} {
		t.Run(tt.file, func(t *testing.T) {
			m, err := Read(tt.format, filepath.Join("testdata", tt.file))
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if err := WriteYAML(&got, m, tt.format); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", strings.TrimSuffix(tt.file, ".in")+".golden.yaml")
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			problems, err := people.CheckDirectory(golden)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range problems {
				t.Error(p)
			}
		})
	}
}

func TestReadErrors(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"torn.json": `{"users": [{"emails": ["a@b.example"`, "list.json": `[]`, "wrong.json": "{\n\"users\": [\n{\"emails\": 7}]}"} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, format := range []string{"stackalytics", "sortinghat"} {
			if _, err := Read(format, file); (err == nil) != (name != "list.json" && format == "sortinghat" && name != "torn.json") {
				t.Errorf("%s as %s: %v", name, format, err)
			} else if err != nil && !strings.Contains(err.Error(), name+":") {
				t.Errorf("%s as %s: no place in %v", name, format, err)
			}
		}
	}
	if _, err := Read("gitdm", dir); err == nil {
		t.Error("a folder is read as a map of gitdm")
	}
	if _, err := Read("nonsense", dir); err == nil {
		t.Error("a format that there is not")
	}
	if _, err := Write(&bytes.Buffer{}, "sig-info", &people.Listing{}); err == nil {
		t.Error("sig-info cannot be written")
	}
}

// listings draws what every format can say: stays that follow each other, or if there are to be no dates one without.
func listings(dated, domains, several bool) *rapid.Generator[people.Listing] {
	organizations := []string{"Acme Works", "Borealis", "Huawei", "北极星 Works", "The < Odd : # Firm"}
	return rapid.Custom(func(t *rapid.T) people.Listing {
		var l people.Listing
		if domains {
			for i, name := range organizations[:rapid.IntRange(0, 4).Draw(t, "organizations")] {
				o := people.ListedOrganization{Name: name}
				for k := range rapid.IntRange(1, 2).Draw(t, "domains") {
					o.Domains = append(o.Domains, people.Dated{Name: fmt.Sprintf("d%d-%d.example", i, k)})
				}
				l.Organizations = append(l.Organizations, o)
			}
		}
		for i := range rapid.IntRange(0, 5).Draw(t, "people") {
			addresses := []string{fmt.Sprintf("p%d@home.example", i)}
			if several && rapid.Bool().Draw(t, "two addresses") {
				addresses = append(addresses, fmt.Sprintf("p%d@other.example", i))
				l.Same = append(l.Same, addresses)
			}
			from, stays := "", 1
			if dated {
				stays = rapid.IntRange(1, 3).Draw(t, "stays")
			}
			for k := range stays {
				to := fmt.Sprintf("20%02d-0%d-1%d", 10+k, 1+i, k)
				if k == stays-1 {
					to = ""
				}
				l.People = append(l.People, people.ListedPerson{
					Addresses: addresses, From: from, To: to,
					Shares: []people.ListedShare{{Organization: organizations[rapid.IntRange(0, 3).Draw(t, "employer")], Percent: 100}},
				})
				from = to
			}
		}
		return l
	})
}

// flat gives a listing as facts: what stands for what, and when.
func flat(l *people.Listing) []string {
	var out []string
	for _, o := range l.Organizations {
		for _, d := range o.Domains {
			out = append(out, fmt.Sprintf("%s is %s%s", d.Name, o.Name, span(d.From, d.To)))
		}
	}
	for _, p := range l.People {
		for _, a := range p.Addresses {
			out = append(out, fmt.Sprintf("%s works for %s%s", a, p.Shares[0].Organization, span(p.From, p.To)))
		}
	}
	for _, g := range l.Same {
		out = append(out, "same: "+strings.Join(g, " "))
	}
	slices.Sort(out)
	return out
}

// TestRoundTrip writes what a format can say, and reads it again.
func TestRoundTrip(t *testing.T) {
	d, err := builtIn()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		format                  string
		dated, domains, several bool
	}{
		{"gitdm", true, true, true},
		{"cncf", true, false, true},
		{"stackalytics", true, true, true},
		{"sortinghat", true, true, true},
		{"organizationmap", false, false, false},
	} {
		t.Run(tt.format, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				l := listings(tt.dated, tt.domains, tt.several).Draw(rt, "listing")
				var text bytes.Buffer
				notes, err := Write(&text, tt.format, &l)
				if err != nil || len(notes) > 0 {
					rt.Fatalf("%v, %v", err, notes)
				}
				m := newMap()
				i := slices.IndexFunc(all(), func(f format) bool { return f.name == tt.format })
				if err := all()[i].read(m, "file", text.Bytes()); err != nil {
					rt.Fatal(err)
				}
				m.settle(d)
				if diff := cmp.Diff(flat(&l), flat(&m.Listing), cmpopts.EquateEmpty()); diff != "" || len(m.Notes) > 0 {
					rt.Fatalf("-want +got:\n%s\n%v\n%s", diff, m.Notes, text.String())
				}
			})
		})
	}
}

// TestLeftOut says what a format cannot.
func TestLeftOut(t *testing.T) {
	l := people.Listing{
		Organizations: []people.ListedOrganization{{Name: "Acme", Domains: []people.Dated{{Name: "acme.example", From: "2015-01-01", Source: "f:1"}}}},
		People: []people.ListedPerson{
			{Addresses: []string{"a@home.example"}, Shares: []people.ListedShare{{Organization: "Acme", Percent: 50}, {Organization: "Borealis", Percent: 50}}, Source: "f:2"},
			{Addresses: []string{"b@home.example"}, Shares: []people.ListedShare{{Organization: "Acme", Percent: 100}}, From: "2015-01-01", Source: "f:3"},
		},
	}
	for format, want := range map[string]int{"gitdm": 3, "cncf": 2, "stackalytics": 3, "sortinghat": 2, "organizationmap": 3} {
		notes, err := Write(&bytes.Buffer{}, format, &l)
		if err != nil || len(notes) != want {
			t.Errorf("%s: %d notes, want %d: %v, %v", format, len(notes), want, notes, err)
		}
	}
}

// FuzzRead reads anything in every format. What comes out is YAML, of which each statement has a place.
func FuzzRead(f *testing.F) {
	for i := range all() {
		files, err := filepath.Glob("testdata/*.in")
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range append(files, "testdata/sig/sig/Kernel/sig-info.yaml") {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(uint8(i), data)
		}
	}
	d, err := builtIn()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		format := all()[int(which)%len(all())]
		m := newMap()
		m.budget = 0 // no file but this one
		if err := format.read(m, "file", data); err != nil {
			return
		}
		m.settle(d)
		var out bytes.Buffer
		if err := WriteYAML(&out, m, format.name); err != nil {
			t.Fatal(err)
		}
		var document yaml.Node
		if err := yaml.Load(out.Bytes(), &document); err != nil {
			t.Fatalf("%v\n%q", err, out.String())
		}
		for _, p := range m.People {
			if !strings.HasPrefix(p.Source, "file:") || len(p.Addresses) == 0 || len(p.Shares) == 0 {
				t.Fatalf("%+v", p)
			}
		}
		for _, f := range all() {
			if f.write != nil {
				if _, err := Write(&bytes.Buffer{}, f.name, &m.Listing); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
