package formats

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"

	"orrery/analyzer/people"
)

// maxSig is the largest sig-info.yaml that is read, in bytes.
const maxSig = 4 << 20

// sigInfo reads the people of a special interest group: maintainers, committers, contributors, wherever they stand. Their keys are often
// misspelled. A file that is no YAML is listed, and the others go on.
func (m *Map) sigInfo(file string, data []byte) error {
	if len(data) > maxSig {
		m.note(file+":1", "larger than %d MiB", maxSig>>20)
		return nil
	}
	var document yaml.Node
	if err := yaml.Load(data, &document, yaml.WithPlugin(loaderlimits.New(loaderlimits.DepthValue(32), loaderlimits.AliasValue(100)))); err != nil {
		line := 1
		if e, ok := errors.AsType[*yaml.LoadError](err); ok {
			line = max(e.Mark.Line, 1)
		}
		m.note(fmt.Sprintf("%s:%d", file, line), "not YAML")
		return nil
	}
	m.sigPeople(file, &document)
	return nil
}

// sigPeople visits all mappings that look like a person's. Aliases are not followed: nobody needs them here.
func (m *Map) sigPeople(file string, n *yaml.Node) {
	if n.Kind == yaml.MappingNode {
		values := map[string]*yaml.Node{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if key := SigKey(n.Content[i].Value); key != "" && n.Content[i+1].Kind == yaml.ScalarNode && n.Content[i+1].Tag != "!!null" {
				values[key] = n.Content[i+1]
			}
		}
		if values["gitee_id"] != nil || values["atomgit_id"] != nil || values["email"] != nil {
			m.sigPerson(file, values)
		}
	}
	for _, child := range n.Content {
		m.sigPeople(file, child)
	}
}

func (m *Map) sigPerson(file string, values map[string]*yaml.Node) {
	organization := values["organization"]
	var addresses []string
	if v := values["email"]; v != nil {
		addresses = append(addresses, v.Value)
	}
	for _, forge := range [][2]string{{"gitee_id", "user.noreply.gitee.com"}, {"atomgit_id", "noreply.atomgit.com"}} {
		if v := values[forge[0]]; v != nil && !strings.ContainsAny(v.Value, " @<>\t") && v.Value != "" {
			addresses = append(addresses, strings.ToLower(v.Value)+"@"+forge[1])
		}
	}
	if len(addresses) > 1 {
		m.Same = append(m.Same, addresses)
	}
	if organization == nil || people.IsNobody(organization.Value) || len(addresses) == 0 {
		return // nothing is said, which is no mistake: a third of them say nothing
	}
	m.person(fmt.Sprintf("%s:%d", file, organization.Line), addresses, organization.Value, "", "")
}

// SigKey gives the key that is meant by a misspelled one, "" if that is not clear.
func SigKey(key string) string {
	key = strings.ToLower(strings.TrimSpace(key))
	for _, k := range []struct {
		name  string
		wrong int // letters
	}{{"organization", 3}, {"email", 1}, {"gitee_id", 1}, {"atomgit_id", 1}} {
		if len(key) <= 2*len(k.name) && distance(key, k.name) <= k.wrong {
			return k.name
		}
	}
	return ""
}

// distance counts the letters to add, drop, replace or swap with their neighbour (optimal string alignment).
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
