package people

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// maxFile is the largest mailmap, organizations or opt-out file that is read, in bytes: maps of whole communities have ten million. maxParsed is
// the largest that needs a parser of YAML, which takes a hundred times as much memory.
const (
	maxFile   = 64 << 20
	maxParsed = 4 << 20
)

// Mailmap maps names and addresses of commits to proper ones, by the rules of gitmailmap(5) and as `git check-mailmap` does.
type Mailmap struct {
	// Repository is the key of the only repository that the map speaks of; "" for all.
	Repository string

	file     string
	contacts map[string]*contact // by commit address, ASCII lower case
}

// contact is what a mailmap says of one commit address.
type contact struct {
	any    proper
	byName map[string]proper // by commit name, ASCII lower case
}

// proper is the right side of a mapping. A nil part leaves what the commit says.
type proper struct {
	name, email *string
	line        int
}

// ReadMailmap reads a mailmap file of at most 4 MiB.
func ReadMailmap(path string) (*Mailmap, error) {
	data, err := readCapped(path)
	if err != nil {
		return nil, fmt.Errorf("reading mailmap: %w", err)
	}
	return ParseMailmap(path, data), nil
}

// ParseMailmap reads a mailmap. As in git there are no errors: a line that says nothing is passed over. The file's name is for evidence.
func ParseMailmap(file string, data []byte) *Mailmap {
	m := &Mailmap{file: file, contacts: map[string]*contact{}}
	line := 0
	for text := range strings.SplitSeq(string(data), "\n") {
		line++
		if strings.HasPrefix(text, "#") {
			continue
		}
		name1, email1, rest, ok := cutContact(text)
		if !ok || *email1 == "" {
			continue
		}
		name2, email2, _, ok := cutContact(rest)
		if !ok {
			m.add(proper{name: name1, line: line}, nil, *email1)
			continue
		}
		m.add(proper{name: name1, email: email1, line: line}, name2, *email2)
	}
	return m
}

// add overrides what earlier lines say. Of an address without a name only the stated parts are overridden, as git does.
func (m *Mailmap) add(to proper, name *string, email string) {
	key := asciiLower(email)
	c := m.contacts[key]
	if c == nil {
		c = &contact{}
		m.contacts[key] = c
	}
	if name != nil {
		if c.byName == nil {
			c.byName = map[string]proper{}
		}
		c.byName[asciiLower(*name)] = to
		return
	}
	if to.name != nil {
		c.any.name = to.name
	}
	if to.email != nil {
		c.any.email = to.email
	}
	c.any.line = to.line
}

// mapping is what a mailmap makes of a signature.
type mapping struct {
	name, email string
	changed     bool // a line has spoken, even if it says what the commit says
	byName      bool // the line names the commit's name too, so it does not speak of the address as such
	line        int
}

// Map gives the proper name and address of a commit's.
func (m *Mailmap) Map(name, email string) (string, string) {
	r := m.lookup(name, email)
	return r.name, r.email
}

func (m *Mailmap) lookup(name, email string) mapping {
	out := mapping{name: name, email: email}
	c := m.contacts[asciiLower(email)]
	if c == nil {
		return out
	}
	to, byName := c.byName[asciiLower(name)]
	if !byName {
		to = c.any
	}
	if to.name == nil && to.email == nil {
		return out
	}
	out.changed, out.byName, out.line = true, byName, to.line
	if to.name != nil {
		out.name = *to.name
	}
	if to.email != nil {
		out.email = *to.email
	}
	return out
}

// cutContact cuts "Name <address>" off the front of a line. The name is nil where there is none.
func cutContact(text string) (name, email *string, rest string, ok bool) {
	before, after, ok := strings.Cut(text, "<")
	if !ok {
		return nil, nil, "", false
	}
	address, rest, ok := strings.Cut(after, ">")
	if !ok {
		return nil, nil, "", false
	}
	if before = strings.Trim(before, " \t\n\r"); before != "" {
		name = &before
	}
	return name, &address, rest, true
}

// asciiLower folds A to Z only: git compares names and addresses by bytes beyond that.
func asciiLower(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if 'A' <= b[i] && b[i] <= 'Z' {
					b[i] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}

// readCapped reads a file that a person named, and refuses what no person writes.
func readCapped(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s: larger than %d MiB", path, maxFile>>20)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	// A pipe has no size to ask for.
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(b) > maxFile {
		return nil, fmt.Errorf("%s: larger than %d MiB", path, maxFile>>20)
	}
	return b, err
}
