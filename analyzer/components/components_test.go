package components

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/CycloneDX/cyclonedx-go"
	"pgregory.net/rapid"

	"orrery/analyzer/measure"
	"orrery/analyzer/report"
)

// bill makes the same three components in every form.
func bills(t testing.TB) map[string][]byte {
	t.Helper()
	bom := cyclonedx.NewBOM()
	refs := []cyclonedx.ExternalReference{{Type: cyclonedx.ERTypeVCS, URL: "git+https://gitee.com/helianthus/net.git"}}
	inner := []cyclonedx.Component{{Type: cyclonedx.ComponentTypeLibrary, Name: "left-pad", Version: "1", PackageURL: "pkg:npm/left-pad@1"}}
	bom.Components = &[]cyclonedx.Component{
		{Type: cyclonedx.ComponentTypeLibrary, Name: "kernel", Version: "1", PackageURL: "pkg:gitee/helianthus/kernel@1", Components: &inner},
		{Type: cyclonedx.ComponentTypeLibrary, Name: "net", Version: "1", ExternalReferences: &refs},
	}
	out := map[string][]byte{}
	for name, format := range map[string]cyclonedx.BOMFileFormat{"CycloneDX JSON": cyclonedx.BOMFileFormatJSON, "CycloneDX XML": cyclonedx.BOMFileFormatXML} {
		var b bytes.Buffer
		if err := cyclonedx.NewBOMEncoder(&b, format).Encode(bom); err != nil {
			t.Fatal(err)
		}
		out[name] = b.Bytes()
	}
	out["SPDX JSON"] = []byte(`{"spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "name": "product", "dataLicense": "CC0-1.0",
"documentNamespace": "https://product.example/1", "creationInfo": {"created": "2024-01-01T00:00:00Z", "creators": ["Tool: by hand"]},
"packages": [
 {"SPDXID": "SPDXRef-product", "name": "product", "downloadLocation": "NOASSERTION"},
 {"SPDXID": "SPDXRef-a", "name": "kernel", "versionInfo": "1", "downloadLocation": "NOASSERTION",
  "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:gitee/helianthus/kernel@1"}]},
 {"SPDXID": "SPDXRef-b", "name": "left-pad", "versionInfo": "1", "downloadLocation": "NONE",
  "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:npm/left-pad@1"}]},
 {"SPDXID": "SPDXRef-c", "name": "net", "versionInfo": "1", "downloadLocation": "git+https://gitee.com/helianthus/net.git@v1"}],
"relationships": [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-product"}]}`)
	out["SPDX tag-value"] = []byte(`# by hand
SPDXVersion: SPDX-2.2
DataLicense: CC0-1.0
SPDXID: SPDXRef-DOCUMENT
DocumentName: product
DocumentNamespace: https://product.example/1
Creator: Tool: by hand
Created: 2024-01-01T00:00:00Z

PackageName: kernel
SPDXID: SPDXRef-a
PackageVersion: 1
PackageDownloadLocation: NOASSERTION
FilesAnalyzed: false
ExternalRef: PACKAGE-MANAGER purl pkg:gitee/helianthus/kernel@1

PackageName: left-pad
SPDXID: SPDXRef-b
PackageVersion: 1
PackageDownloadLocation: NONE
FilesAnalyzed: false
ExternalRef: PACKAGE-MANAGER purl pkg:npm/left-pad@1

PackageName: net
SPDXID: SPDXRef-c
PackageVersion: 1
PackageDownloadLocation: git+https://gitee.com/helianthus/net.git
FilesAnalyzed: false
`)
	out["CSV"] = []byte("Name,Version,PURL,Repository\nkernel,1,pkg:gitee/helianthus/kernel@1,\nleft-pad,1,pkg:npm/left-pad@1,\nnet,1,,https://gitee.com/helianthus/net\n")
	return out
}

// model is a result of three repositories, one of which was not read.
func model() *report.Model {
	share := func(low, high float64) *report.Share { return &report.Share{Low: low, High: high} }
	figures := func(name string, astra, unknown uint64) report.Figures {
		low, high := float64(astra)/10, float64(astra+unknown)/10
		known := 10 - unknown
		rest := float64(known-astra) / 10
		return report.Figures{
			Scope: measure.Scope{Kind: measure.ScopeRepository, Name: name}, Period: report.Period{Name: measure.LastTwelveMonths},
			Commits: report.Amount{Total: 10, Known: known, Unknown: unknown},
			Organizations: []report.Row{
				{Name: "Astra", Class: "employer", Apart: report.Part{CommitsShare: share(low, high)}},
				{Name: "Borealis", Class: "employer", Apart: report.Part{CommitsShare: share(rest, rest+float64(unknown)/10)}},
				{Name: "(personal)", Class: "personal", Apart: report.Part{CommitsShare: share(float64(unknown)/10, float64(unknown)/10)}},
			},
		}
	}
	return &report.Model{
		Ecosystem: "Helianthus", AsOf: "2024-12-31", Windows: []report.Period{{Name: measure.LastTwelveMonths}},
		Repositories: []report.Repository{
			{Key: "helianthus/kernel", URL: "https://gitee.com/helianthus/kernel.git"},
			{Key: "net", URL: "https://gitcode.com/helianthus/net"},
			{Key: "ui", URL: "https://gitee.com/helianthus/ui", Problem: "there is no mirror", Reason: "no mirror"},
			{Key: "local"},
		},
		Organizations: []report.Organization{{Name: "Astra", Country: "CN"}, {Name: "Borealis", Country: "SE", Parent: "Astra"}},
		Figures:       []report.Figures{figures("helianthus/kernel", 8, 1), figures("net", 4, 2)},
	}
}

func TestEveryFormSaysTheSame(t *testing.T) {
	for form, data := range bills(t) {
		list, got, err := Parse("list", data)
		if err != nil || got != form || len(list) != 3 {
			t.Errorf("%s: %v, taken as %s: %v", form, list, got, err)
			continue
		}
		d, err := Depend(model(), list, got, "")
		if err != nil {
			t.Fatal(err)
		}
		rules := map[string]string{}
		for _, c := range d.List {
			rules[c.Name] = c.Rule + c.Why
		}
		want := map[string]string{"kernel": RulePURL, "net": RuleElsewhere, "left-pad": "no repository of this name"}
		for name, rule := range want {
			if rules[name] != rule {
				t.Errorf("%s: %s is joined by %q, want %q", form, name, rules[name], rule)
			}
		}
		// Astra: 0.8 and 0.4 of two components of three; 0.1 and 0.2 of them are unknown, and one is not joined.
		a := d.Organizations[0]
		if a.Name != "Astra" || math.Abs(a.Commits.Low-1.2/3) > 1e-6 || math.Abs(a.Commits.High-2.5/3) > 1e-6 || a.Most != [2]int{1, 3} {
			t.Errorf("%s: %+v", form, a)
		}
		if len(d.Countries) != 2 || d.Countries[0].Name != "CN" || len(d.Parents) != 1 || math.Abs(d.Parents[0].Commits.Low-1.7/3) > 1e-6 {
			t.Errorf("%s: %+v %+v", form, d.Countries, d.Parents)
		}
	}
}

func TestJoin(t *testing.T) {
	x := newIndex(model())
	for _, c := range []struct {
		component Component
		key, rule string
	}{
		{Component{PURL: "pkg:gitee/Helianthus/Kernel@v1.0?arch=arm#sub"}, "helianthus/kernel", RulePURL},
		{Component{PURL: "pkg:golang/gitee.com/helianthus/kernel@v1"}, "helianthus/kernel", RulePURL},
		{Component{PURL: "pkg:generic/any@1?vcs_url=git%2Bhttps://gitee.com/helianthus/kernel.git%40abc"}, "helianthus/kernel", RuleURL},
		{Component{Name: "x", Addresses: []string{"git@gitee.com:helianthus/kernel.git"}}, "helianthus/kernel", RuleURL},
		{Component{Name: "x", Addresses: []string{"https://user:secret@gitee.com/helianthus/kernel/tree/master"}}, "helianthus/kernel", RuleURL},
		{Component{Name: "x", Addresses: []string{"scm:git:https://atomgit.com/helianthus/net.git"}}, "net", RuleURL},
		{Component{Name: "x", Addresses: []string{"https://github.com/helianthus/kernel"}}, "helianthus/kernel", RuleElsewhere},
		{Component{Name: "helianthus/kernel"}, "helianthus/kernel", RuleName},
		{Component{Name: "KERNEL"}, "helianthus/kernel", RuleName},
		{Component{Name: "kernel", Addresses: []string{"https://kernel.example"}}, "helianthus/kernel", RuleName},
		{Component{Name: "kernel", Addresses: []string{"https://github.com/other/kernel"}}, "", "its address"},
		{Component{Name: "local", Addresses: []string{"https://github.com/other/local"}}, "local", RuleName},
		{Component{PURL: "pkg:npm/net@1"}, "net", RuleName},
		{Component{}, "", "it has neither"},
		{Component{PURL: "%%%", Name: "nothing"}, "", "no repository of this name"},
	} {
		at, rule, why := x.join(&c.component)
		key := ""
		if at >= 0 {
			key = x.repositories[at].Key
		}
		if key != c.key || !strings.HasPrefix(rule+why, c.rule) {
			t.Errorf("%+v: %q by %q %q, want %q by %q", c.component, key, rule, why, c.key, c.rule)
		}
	}
	d, err := Depend(model(), []Component{{Name: "ui"}, {Name: "local"}}, "CSV", "")
	if err != nil || d.Joined != 0 || !strings.Contains(d.List[0].Why, "ui was not read: no mirror") || !strings.Contains(d.List[1].Why, "no figures") {
		t.Errorf("got %+v %v", d, err)
	}
	if _, err := Depend(model(), []Component{{Name: "ui"}}, "CSV", "tomorrow"); !errors.Is(err, ErrWindow) {
		t.Errorf("got %v", err)
	}
}

func TestWrongLists(t *testing.T) {
	deep := strings.Repeat(`{"components":[`, 20_000)
	for name, c := range map[string]struct{ text, want string }{
		"nothing":            {"", "it is empty"},
		"no column":          {"colour,size\nred,1\n", "none of the columns"},
		"two columns":        {"name,component\na,b\n", "two columns are the name"},
		"no rows":            {"name\n", "names no component"},
		"quotes":             {"name\n\"a", "CSV"},
		"fields":             {"name,purl\na\n", "wrong number of fields"},
		"half of JSON":       {`{"bomFormat": "CycloneDX", `, "unexpected end"},
		"other JSON":         {`{"a": 1}`, "neither"},
		"deep JSON":          {`{"bomFormat":"CycloneDX","components":[` + deep, "JSON"},
		"other type":         {`{"bomFormat": "CycloneDX", "components": 3}`, "CycloneDX JSON"},
		"nobody":             {`{"bomFormat": "CycloneDX", "specVersion": "1.5"}`, "names no component"},
		"SPDX 3":             {`{"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": []}`, "SPDX 3 is not read"},
		"SPDX 3 by number":   {`{"spdxVersion": "SPDX-3.0", "packages": []}`, "SPDX 3 is not read"},
		"SPDX 3 in tags":     {"SPDXVersion: SPDX-3.0\n", "SPDX 3 is not read"},
		"SPDX of no version": {`{"spdxVersion": "SPDX-9.9", "packages": []}`, "SPDX JSON"},
		"SPDX, null package": {`{"spdxVersion": "SPDX-2.3", "packages": [null]}`, "not well formed"},
		"tags":               {"SPDXVersion: SPDX-2.3\nPackageName\n", "SPDX tag-value"},
		"XML":                {"<html></html>", "CycloneDX XML"},
		"XML of others":      {`<bom xmlns="https://other.example"><components/></bom>`, "its root is no bom"},
		"document type":      {`<!DOCTYPE bom [<!ENTITY a "b">]><bom/>`, "declares a document type"},
		"large":              {strings.Repeat(" ", maxFile+1), "larger than"},
	} {
		list, _, err := Parse("list", []byte(c.text))
		if err == nil || !errors.Is(err, ErrFile) || !strings.Contains(err.Error(), c.want) || list != nil {
			t.Errorf("%s: %d components, %v, want an error with %q", name, len(list), err, c.want)
		}
	}
	long := "name,purl\n" + strings.Repeat("n", 2*maxText) + ",p\nn,p\n"
	if list, _, err := Parse("list", []byte(long)); err != nil || len(list) != 1 || len(list[0].Name) != maxText {
		t.Errorf("%d components, %v", len(list), err)
	}
	many := "name\n" + strings.Repeat("n\n", maxComponents+1)
	if _, _, err := Parse("list", []byte(many)); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("got %v", err)
	}
}

// Bounds hold for every list: they are ordered, are shares, and the least shares of all and what is unknown make one.
func TestBoundsAreShares(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfN(rapid.SampledFrom([]string{"kernel", "net", "ui", "nothing"}), 1, 8).Draw(t, "names")
		var list []Component
		for i, n := range names {
			list = append(list, Component{Name: n, Version: fmt.Sprint(i)})
		}
		d, err := Depend(model(), list, "CSV", "")
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range d.groups() {
			known := 0.0
			for _, h := range g.list {
				known += h.Commits.Low
				if h.Commits.Low > h.Commits.High || h.Commits.High > 1 || h.Most[0] > h.Most[1] || h.Most[1] > len(list) {
					t.Fatalf("%s: %+v", g.name, h)
				}
			}
			unknown := 0.0
			for _, n := range names {
				unknown += map[string]float64{"kernel": .1, "net": .2, "ui": 1, "nothing": 1}[n]
			}
			if len(g.list) > 0 && math.Abs(known+unknown/float64(len(list))-1) > 1e-5 {
				t.Fatalf("%s: %v known and %v unknown", g.name, known, unknown/float64(len(list)))
			}
		}
	})
}

func TestWrite(t *testing.T) {
	list := []Component{{Name: "kernel", Version: "\x1b[31m1"}, {Name: "=cmd()", PURL: "pkg:npm/x"}}
	d, err := Depend(model(), list, "CSV", "")
	if err != nil {
		t.Fatal(err)
	}
	var text, table, object bytes.Buffer
	if err := errors.Join(d.WriteText(&text), d.WriteCSV(&table), d.WriteJSON(&object)); err != nil {
		t.Fatal(err)
	}
	var back Dependence
	if err := json.Unmarshal(object.Bytes(), &back); err != nil || back.Joined != 1 || len(back.List) != 2 {
		t.Errorf("%+v %v", back, err)
	}
	for name, out := range map[string]string{"text": text.String(), "csv": table.String()} {
		if strings.Contains(out, "\x1b") || strings.Contains(out, "\n=cmd") || strings.Contains(out, ",=cmd") {
			t.Errorf("%s is not escaped: %s", name, out)
		}
	}
	if !strings.Contains(text.String(), "1 of 2 components joined") || !strings.Contains(table.String(), "organization,Astra,0.4,0.95,") {
		t.Errorf("got %s%s", text.String(), table.String())
	}
}

func FuzzParse(f *testing.F) {
	for _, data := range bills(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		list, _, err := Parse("list", data)
		if err != nil {
			if !errors.Is(err, ErrFile) || list != nil {
				t.Errorf("%d components, %v", len(list), err)
			}
			return
		}
		if _, err := Depend(model(), list, "CSV", ""); err != nil {
			t.Error(err)
		}
	})
}
