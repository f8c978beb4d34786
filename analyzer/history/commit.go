package history

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"

	"orrery/analyzer/facts"
	"orrery/analyzer/history/odb"
)

// commit is a commit as git reads it. Strings are copies: none holds on to the whole object.
type commit struct {
	tree              facts.ID
	parents           []facts.ID // as written, duplicates too
	treeAt            odb.Number // None if it is absent
	parentsAt         []odb.Number
	author, committer ident
	subject           string
	trailers          []facts.Trailer
}

// ident is one author or committer line.
type ident struct {
	*facts.Signature // never nil
	when             facts.Time
}

// copies keeps one copy of what stands in many commits: people, and keys and people of trailers. Commits stay in memory until all is read, so
// what they hold is what a long history costs. Every worker has its own, for it has no lock.
type copies struct {
	signatures map[string]*facts.Signature
	words      map[string]string
}

// maxCopies bounds each map: those who write a history are fewer, and a hostile one gains nothing by being kept.
const maxCopies = 1 << 18

func newCopies() *copies { return &copies{map[string]*facts.Signature{}, map[string]string{}} }

func (t *copies) word(s string) string {
	if known, ok := t.words[s]; ok {
		return known
	}
	s = strings.Clone(s)
	if len(t.words) < maxCopies {
		t.words[s] = s
	}
	return s
}

func (t *copies) signature(name, email []byte) *facts.Signature {
	key := append(append(append(make([]byte, 0, 128), name...), 0), email...) // neither holds a NUL: that ends the line
	if known, ok := t.signatures[string(key)]; ok {
		return known
	}
	s := &facts.Signature{Name: string(name), Email: string(email)}
	if len(t.signatures) < maxCopies {
		t.signatures[string(key)] = s
	}
	return s
}

func readCommit(reader *odb.Reader, db *odb.Database, id facts.ID) (*commit, error) {
	n, ok := db.Lookup(id)
	if !ok {
		return nil, &odb.Error{Reason: facts.Missing, ID: id, Err: errors.New("a commit is missing")}
	}
	return readCommitNumber(reader, db, n, newCopies())
}

func readCommitNumber(reader *odb.Reader, db *odb.Database, n odb.Number, t *copies) (*commit, error) {
	kind, data, err := reader.Object(n)
	if err != nil {
		return nil, err
	}
	id := db.ID(n)
	if kind != odb.Commit {
		return nil, odb.Fail(id, fmt.Errorf("a %s stands where a commit should", kind))
	}
	// Commits are small and everything hangs on them: they alone are always checked against their names.
	if odb.NameOf(kind, data) != id {
		return nil, odb.Fail(id, errors.New("the content is not what the name says"))
	}
	c, err := parseCommit(data, t)
	if err != nil {
		return nil, odb.Fail(id, err)
	}
	// Looked up here, on every worker, and not by the one who strings commits together.
	number := func(id facts.ID) odb.Number {
		if n, ok := db.Lookup(id); ok {
			return n
		}
		return odb.None
	}
	c.treeAt = number(c.tree)
	c.parentsAt = make([]odb.Number, len(c.parents))
	for i, p := range c.parents {
		c.parentsAt[i] = number(p)
	}
	return c, nil
}

func parseID(s string) (id facts.ID, ok bool) {
	if len(s) != 2*len(id) {
		return id, false
	}
	_, err := hex.Decode(id[:], []byte(s))
	return id, err == nil
}

var errCommit = errors.New("a commit is malformed")

// parseCommit reads a commit object as git does: tree and parents must be well-formed and first, of several author lines the last one
// counts, a NUL ends a header's line and the message, an encoding that is named and known is converted.
func parseCommit(b []byte, t *copies) (*commit, error) {
	nobody := t.signature(nil, nil)
	c := &commit{author: ident{Signature: nobody}, committer: ident{Signature: nobody}}
	line, rest, ok := bytes.Cut(b, []byte{'\n'})
	if !ok || !bytes.HasPrefix(line, []byte("tree ")) {
		return nil, errCommit
	}
	if c.tree, ok = parseID(string(line[5:])); !ok {
		return nil, errCommit
	}
	for bytes.HasPrefix(rest, []byte("parent ")) {
		line, after, ok := bytes.Cut(rest, []byte{'\n'})
		if !ok {
			return nil, errCommit
		}
		id, ok := parseID(string(line[7:]))
		if !ok {
			return nil, errCommit
		}
		c.parents = append(c.parents, id)
		rest = after
	}
	rest = recode(rest)
	for len(rest) > 0 && rest[0] != '\n' {
		line := rest
		if i := bytes.IndexAny(rest, "\n\x00"); i >= 0 {
			line, rest = rest[:i], rest[i+1:]
		} else {
			rest = nil
		}
		if v, ok := bytes.CutPrefix(line, []byte("author ")); ok {
			c.author = parseIdent(v, t)
		} else if v, ok := bytes.CutPrefix(line, []byte("committer ")); ok {
			c.committer = parseIdent(v, t)
		}
	}
	rest, _, _ = bytes.Cut(rest, []byte{0})
	c.message(rest, t)
	return c, nil
}

// recode converts a commit whose header names an encoding to UTF-8. What cannot be converted as a whole stays as it is, as in git.
func recode(b []byte) []byte {
	head, _, _ := bytes.Cut(b, []byte("\n\n"))
	i := bytes.Index(head, []byte("\nencoding "))
	if i < 0 {
		return b
	}
	name, _, _ := bytes.Cut(head[i+len("\nencoding "):], []byte{'\n'})
	label := strings.ToLower(strings.TrimSpace(string(name)))
	if label == "utf-8" || label == "utf8" {
		return b
	}
	enc, err := htmlindex.Get(label)
	if err != nil {
		return b
	}
	out, err := enc.NewDecoder().Bytes(b)
	if err != nil || bytes.ContainsRune(out, utf8.RuneError) {
		return b
	}
	return out
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// parseIdent reads `Name <mail> seconds zone`. The name ends before the first <, the address at the first > behind it, the date is
// looked for behind the last >. A line without both brackets gives nothing, as in git.
func parseIdent(line []byte, t *copies) ident {
	id := ident{Signature: t.signature(nil, nil)}
	open := bytes.IndexByte(line, '<')
	if open < 0 {
		return id
	}
	shut := bytes.IndexByte(line[open:], '>')
	if shut < 0 {
		return id
	}
	// The blank before the bracket belongs to neither; more of it is trimmed as well.
	name := line[:max(open-1, 0)]
	if open > 0 && !isSpace(line[open-1]) {
		name = line[:open]
	}
	for len(name) > 0 && isSpace(name[len(name)-1]) {
		name = name[:len(name)-1]
	}
	id.Signature = t.signature(name, line[open+1:open+shut])
	id.when = parseDate(line[bytes.LastIndexByte(line, '>')+1:])
	return id
}

// firstDate is 1990-01-01: nothing under version control is older, whatever a broken clock says.
const firstDate = 631152000

// parseDate reads ` seconds zone`.
func parseDate(b []byte) (t facts.Time) {
	b = bytes.TrimLeft(b, " \t\n\r")
	n := digits(b)
	if n == 0 {
		return t
	}
	seconds, err := strconv.ParseUint(string(b[:n]), 10, 64)
	if err != nil {
		seconds = math.MaxUint64
	}
	b = bytes.TrimLeft(b[n:], " \t\n\r")
	if len(b) < 2 || b[0] != '+' && b[0] != '-' || digits(b[1:]) == 0 {
		return t
	}
	zone, err := strconv.ParseInt(string(b[1:1+digits(b[1:])]), 10, 32)
	if err != nil {
		zone = 0
	}
	minutes := min(zone/100*60+zone%100, math.MaxInt16)
	if b[0] == '-' {
		minutes = -minutes
	}
	t.Zone = int16(minutes)
	// The calendar of the standard library ends long after; git's own year 2100 check is left to the reader of the figures.
	if seconds >= firstDate && seconds < 1<<40 {
		t.Unix, t.Valid = int64(seconds), true
	}
	return t
}

func digits(b []byte) int {
	n := 0
	for n < len(b) && '0' <= b[n] && b[n] <= '9' {
		n++
	}
	return n
}

// Bounds on what is kept of a message: a forge's merge has a dozen lines of this form, a hostile message a million.
const (
	maxSubject     = 1 << 10
	maxTrailers    = 1 << 10
	maxTrailerLine = 1 << 12
)

// requestNumber ends the subjects of squash merges.
var requestNumber = regexp.MustCompile(`\([#!][0-9]+\)$`)

// message takes subject and trailers from the message, which starts with the empty line after the headers. Lines of white space alone
// separate paragraphs.
func (c *commit) message(b []byte, t *copies) {
	const space = "\n \t\r"
	text := strings.Trim(string(b), space)
	var first strings.Builder
	for line := range strings.Lines(text) {
		if strings.Trim(line, space) == "" || first.Len() > maxSubject {
			break
		}
		first.WriteString(line)
	}
	subject := strings.Join(strings.Fields(first.String()), " ")
	if len(subject) > maxSubject {
		subject = strings.ToValidUTF8(subject[:maxSubject], "")
	}
	c.subject = strings.ToValidUTF8(subject, "\uFFFD")
	block := len(text) // the only paragraph is the subject
	for at := len(text); at > 0; {
		start := strings.LastIndexByte(text[:at], '\n') + 1
		if start > 0 && strings.Trim(text[start:at], space) == "" {
			block = at + 1
			break
		}
		at = start - 1
	}
	if !isBlock(text[min(block, len(text)):]) {
		block = len(text)
	}
	squashed := requestNumber.MatchString(c.subject)
	for at := 0; at < len(text) && len(c.trailers) < maxTrailers; {
		end := at + strings.IndexByte(text[at:], '\n')
		if end < at {
			end = len(text)
		}
		if line := text[at:end]; len(line) <= maxTrailerLine {
			if key, value, ok := cutTrailer(line); ok {
				key = t.word(key)
				// Who signed off or reviewed comes again; links and numbers of changes do not.
				if len(key) > 3 && strings.EqualFold(key[len(key)-3:], "-by") {
					value = t.word(value)
				} else {
					value = strings.Clone(value)
				}
				c.trailers = append(c.trailers, facts.Trailer{Key: key, Value: value, InBlock: at >= block})
			} else if value, ok := strings.CutPrefix(line, facts.SquashedSubject+" "); ok && squashed {
				c.trailers = append(c.trailers, facts.Trailer{Key: facts.SquashedSubject, Value: strings.TrimSpace(value)})
			}
		}
		at = end + 1
	}
}

// isBlock says whether git takes a last paragraph for trailers: all lines are, or a quarter of them with one that git itself writes.
func isBlock(paragraph string) bool {
	trailers, others, written := 0, 0, false
	for line := range strings.Lines(paragraph) {
		switch _, _, ok := cutTrailer(line); {
		case strings.HasPrefix(line, "Signed-off-by: "), strings.HasPrefix(line, "(cherry picked from commit "):
			trailers, written = trailers+1, true
		case ok:
			trailers++
		case trailers+others > 0 && (line[0] == ' ' || line[0] == '\t'): // goes on with the line before
		default:
			others++
		}
	}
	return trailers > 0 && (others == 0 || written && 3*trailers >= others)
}

// cutTrailer reads `Key: value`, with a key of letters, digits and dashes at the start of the line.
func cutTrailer(line string) (key, value string, ok bool) {
	for i := range len(line) {
		switch b := line[i]; {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9', b == '-':
		case b == ':' && i > 0:
			value = strings.TrimSpace(line[i+1:])
			return line[:i], value, value != "" && !strings.HasPrefix(value, "//")
		default:
			return "", "", false
		}
	}
	return "", "", false
}
