// Package components tells on whom a list of components depends: bills of materials (CycloneDX, SPDX) or CSV, joined to the repositories of a result.
//
// The data goes one way:
//
//	Read     a file to components, whatever its form
//	Depend   components joined to repositories, and what that makes of organizations and countries
//	Write    the answer as text, JSON or CSV
package components

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/CycloneDX/cyclonedx-go"
	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx"
	"github.com/spdx/tools-golang/tagvalue"
)

// Component is one entry of a list.
type Component struct {
	Name    string `json:"name"` // with its group, "group/name", where the list gives one
	Version string `json:"version,omitempty"`
	PURL    string `json:"purl,omitempty"`
	// Addresses are where its repository may be: of version control first.
	Addresses []string `json:"addresses,omitempty"`
}

// The bounds on a list.
const (
	maxFile       = 32 << 20
	maxComponents = 200_000
	maxText       = 4096 // bytes of a name or an address
)

// ErrFile is wrapped by the error of a list that cannot be used.
var ErrFile = errors.New("wrong list of components")

// Read reads a list: CycloneDX as JSON or XML, SPDX 2.1 to 2.3 as JSON or tag-value, else CSV with a header that has at least one of the columns
// name, purl and repository. What it is, its content tells. form names it.
func Read(path string) (list []Component, form string, err error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is no regular file")
	}
	if err == nil && info.Size() > maxFile {
		err = fmt.Errorf("it is larger than %d bytes", maxFile)
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, "", fmt.Errorf("%w: reading %s: %w", ErrFile, path, err)
	}
	return Parse(path, data)
}

// Parse is [Read] of what was read; name stands in errors.
func Parse(name string, data []byte) (list []Component, form string, err error) {
	defer func() {
		// The libraries are handed whatever anybody wrote.
		if r := recover(); r != nil {
			list, form, err = nil, "a list", errors.New("it is not well formed")
		}
		if err == nil && len(list) == 0 {
			err = errors.New("it names no component")
		}
		if err == nil && len(list) > maxComponents {
			err = fmt.Errorf("it names more than %d components", maxComponents)
		}
		if err != nil {
			list, err = nil, fmt.Errorf("%w: %s, as %s: %w", ErrFile, name, form, err)
		}
		list = tidy(list)
	}()
	if len(data) > maxFile {
		return nil, "a list", fmt.Errorf("it is larger than %d bytes", maxFile)
	}
	text := bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
	switch {
	case bytes.HasPrefix(text, []byte("{")):
		return parseJSON(text)
	case bytes.HasPrefix(text, []byte("<")):
		form = "CycloneDX XML"
		if bytes.Contains(text, []byte("<!DOCTYPE")) || bytes.Contains(text, []byte("<!ENTITY")) {
			return nil, form, errors.New("it declares a document type, which none needs")
		}
		list, err = cycloneDX(text, cyclonedx.BOMFileFormatXML)
		return list, form, err
	case isTagValue(text):
		form = "SPDX tag-value"
		if isThree(tagVersion(text)) {
			return nil, form, errThree
		}
		document, err := tagvalue.Read(bytes.NewReader(text))
		if err != nil {
			return nil, form, err
		}
		return packages(document), form, nil
	}
	list, err = readCSV(name, text)
	return list, "CSV", err
}

// errThree refuses what the library cannot read.
var errThree = errors.New("SPDX 3 is not read: give SPDX 2.3, or CycloneDX")

func isThree(version string) bool {
	return strings.HasPrefix(strings.TrimPrefix(version, "SPDX-"), "3")
}

func parseJSON(text []byte) (list []Component, form string, err error) {
	var head struct {
		BOMFormat   string          `json:"bomFormat"`
		SPDXVersion string          `json:"spdxVersion"`
		Context     json.RawMessage `json:"@context"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, "JSON", err
	}
	switch {
	case head.Context != nil || isThree(head.SPDXVersion):
		return nil, "SPDX JSON", errThree
	case head.SPDXVersion != "":
		document, err := spdxjson.Read(bytes.NewReader(text))
		if err != nil {
			return nil, "SPDX JSON", err
		}
		return packages(document), "SPDX JSON", nil
	case strings.EqualFold(head.BOMFormat, "CycloneDX"):
		list, err = cycloneDX(text, cyclonedx.BOMFileFormatJSON)
		return list, "CycloneDX JSON", err
	}
	return nil, "JSON", errors.New(`it has neither "bomFormat": "CycloneDX" nor "spdxVersion"`)
}

// cycloneDX takes all components, also those within others.
func cycloneDX(text []byte, format cyclonedx.BOMFileFormat) ([]Component, error) {
	var bom cyclonedx.BOM
	if err := cyclonedx.NewBOMDecoder(bytes.NewReader(text), format).Decode(&bom); err != nil {
		return nil, err
	}
	if format == cyclonedx.BOMFileFormatXML && !strings.HasPrefix(bom.XMLNS, "http://cyclonedx.org/schema/bom/") {
		return nil, errors.New("its root is no bom of http://cyclonedx.org/schema/bom/")
	}
	var list []Component
	if bom.Components == nil {
		return nil, nil
	}
	for work := [][]cyclonedx.Component{*bom.Components}; len(work) > 0; {
		some := work[len(work)-1]
		work = work[:len(work)-1]
		for i := range some {
			from := &some[i]
			c := Component{Name: from.Name, Version: from.Version, PURL: from.PackageURL}
			if from.Group != "" {
				c.Name = from.Group + "/" + from.Name
			}
			if from.ExternalReferences != nil {
				for _, kind := range []cyclonedx.ExternalReferenceType{cyclonedx.ERTypeVCS, cyclonedx.ERTypeWebsite} {
					for _, r := range *from.ExternalReferences {
						if r.Type == kind {
							c.Addresses = append(c.Addresses, r.URL)
						}
					}
				}
			}
			list = append(list, c)
			if from.Components != nil {
				work = append(work, *from.Components)
			}
		}
		if len(list) > maxComponents {
			break
		}
	}
	return list, nil
}

// packages takes those of an SPDX document, without the one that the document is about.
func packages(document *spdx.Document) (list []Component) {
	described := map[string]bool{}
	for _, r := range document.Relationships {
		if r != nil && r.Relationship == "DESCRIBES" && r.RefA.ElementRefID == "DOCUMENT" {
			described[string(r.RefB.ElementRefID)] = true
		}
	}
	about := 0
	for _, p := range document.Packages {
		if p != nil && described[string(p.PackageSPDXIdentifier)] {
			about++
		}
	}
	for _, p := range document.Packages {
		if p == nil || about < len(document.Packages) && described[string(p.PackageSPDXIdentifier)] {
			continue
		}
		c := Component{Name: p.PackageName, Version: p.PackageVersion}
		for _, a := range []string{p.PackageDownloadLocation, p.PackageHomePage} {
			if a != "" && a != "NOASSERTION" && a != "NONE" {
				c.Addresses = append(c.Addresses, a)
			}
		}
		for _, r := range p.PackageExternalReferences {
			switch {
			case r == nil:
			case r.RefType == "purl" && c.PURL == "":
				c.PURL = r.Locator
			}
		}
		list = append(list, c)
	}
	return list
}

// isTagValue says whether the first line that is no remark is a tag of SPDX.
func isTagValue(text []byte) bool {
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
			return bytes.HasPrefix(line, []byte("SPDXVersion:"))
		}
	}
	return false
}

func tagVersion(text []byte) string {
	_, rest, _ := bytes.Cut(text, []byte("SPDXVersion:"))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	return string(bytes.TrimSpace(line))
}

// csvColumns are what columns may be called.
var csvColumns = map[string][]string{
	"name": {"name", "component", "package"}, "version": {"version"}, "purl": {"purl", "package_url"}, "repository": {"repository", "url", "vcs", "repo"},
}

func readCSV(name string, text []byte) (list []Component, err error) {
	in := csv.NewReader(bytes.NewReader(text))
	in.ReuseRecord = true
	head, err := in.Read()
	if err != nil {
		return nil, errors.New("it is empty")
	}
	at := map[string]int{}
	for i, h := range head {
		h = strings.ToLower(strings.TrimSpace(h))
		for column, names := range csvColumns {
			if slices.Contains(names, h) {
				if _, twice := at[column]; twice {
					return nil, fmt.Errorf("%s:1: two columns are the %s", name, column)
				}
				at[column] = i
			}
		}
	}
	_, named := at["name"]
	_, purl := at["purl"]
	_, placed := at["repository"]
	if !named && !purl && !placed {
		return nil, fmt.Errorf("%s:1: the header has none of the columns name, purl, repository", name)
	}
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, err // names the line
		}
		get := func(column string) string {
			if i, ok := at[column]; ok {
				return strings.TrimSpace(record[i])
			}
			return ""
		}
		c := Component{Name: get("name"), Version: get("version"), PURL: get("purl")}
		if a := get("repository"); a != "" {
			c.Addresses = []string{a}
		}
		if list = append(list, c); len(list) > maxComponents {
			return list, nil
		}
	}
}

// tidy cuts what is too long to mean anything, and keeps of equal entries one: bills repeat a component for each place that it is used at.
func tidy(list []Component) []Component {
	seen := map[string]bool{}
	out := list[:0]
	for _, c := range list {
		for _, s := range []*string{&c.Name, &c.Version, &c.PURL} {
			*s = (*s)[:min(len(*s), maxText)]
		}
		c.Addresses = slices.DeleteFunc(c.Addresses, func(a string) bool { return len(a) > maxText })
		key := fmt.Sprintf("%q", append([]string{c.Name, c.Version, c.PURL}, c.Addresses...))
		if c.PURL != "" {
			key = c.PURL
		}
		if !seen[key] {
			seen[key] = true
			out = append(out, c)
		}
	}
	return out
}
