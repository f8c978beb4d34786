package history

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	gocmp "github.com/google/go-cmp/cmp"

	"orrery/analyzer/facts"
	"orrery/fixtures/gitbuild"
)

// identity is one line of a commit, all that follows "author " and "committer ".
type identity struct{ name, line string }

var identities = []identity{
	{"plain", "Ann Lee <ann@astra.example> 1700000000 +0800"},
	{"brackets in the name", "A <B> U <a@x.example> 1700000000 +0000"},
	{"brackets in the address", "A U <<a@x.example>> 1700000000 +0000"},
	{"brackets inside the address", "A U <a<b>@x.example> 1700000000 +0000"},
	{"closed several times", "A U <a@x.example>>> 1700000000 +0000"},
	{"closed again behind the date", "A U <a@x.example> 1700000000 +0000>"},
	{"closed again with another date", "A U <a@x.example> 1700000000 +0000> 1600000000 +0100"},
	{"closed first", "A > U <a@x.example> 1700000000 +0000"},
	{"no brackets", "A U a@x.example 1700000000 +0000"},
	{"no closing bracket", "A U <a@x.example 1700000000 +0000"},
	{"no opening bracket", "A U a@x.example> 1700000000 +0000"},
	{"no blank before the address", "A U<a@x.example> 1700000000 +0000"},
	{"no blank before the date", "A U <a@x.example>1700000000 +0000"},
	{"many blanks", "  A  U   <  a@x.example  >   1700000000   +0000  "},
	{"tabs", "A\tU\t<a@x.example>\t1700000000\t+0000"},
	{"empty name", " <a@x.example> 1700000000 +0000"},
	{"no name", "<a@x.example> 1700000000 +0000"},
	{"blank name", "   <a@x.example> 1700000000 +0000"},
	{"empty address", "A U <> 1700000000 +0000"},
	{"blank address", "A U <  > 1700000000 +0000"},
	{"nothing but brackets", "<> 1700000000 +0000"},
	{"empty", ""},
	{"blank", "   "},
	{"no date", "A U <a@x.example>"},
	{"no zone", "A U <a@x.example> 1700000000"},
	{"blank zone", "A U <a@x.example> 1700000000 "},
	{"zone without a sign", "A U <a@x.example> 1700000000 0100"},
	{"zone without digits", "A U <a@x.example> 1700000000 +"},
	{"zone in letters", "A U <a@x.example> 1700000000 UTC"},
	{"zone with a sign too many", "A U <a@x.example> 1700000000 --700"},
	{"zone of half an hour", "A U <a@x.example> 1700000000 -0030"},
	{"zone with quarters", "A U <a@x.example> 1700000000 +1245"},
	{"zone of six digits", "A U <a@x.example> 1700000000 +051800"},
	{"zone of 99 minutes", "A U <a@x.example> 1700000000 +0199"},
	{"zone of two digits", "A U <a@x.example> 1700000000 +08"},
	{"zone beyond the day", "A U <a@x.example> 1700000000 +9999"},
	{"zone of a million", "A U <a@x.example> 1700000000 -1000000"},
	{"zone above 32 bits", "A U <a@x.example> 1700000000 +99999999999"},
	{"something behind the zone", "A U <a@x.example> 1700000000 +0200x y"},
	{"no blank before the zone", "A U <a@x.example> 1700000000+0200"},
	{"date in letters", "A U <a@x.example> today +0000"},
	{"date with a letter", "A U <a@x.example> 17x0000000 +0000"},
	{"date in hexadecimal", "A U <a@x.example> 0x65000000 +0000"},
	{"date with a fraction", "A U <a@x.example> 1700000000.5 +0000"},
	{"date with zeros", "A U <a@x.example> 0001700000000 +0000"},
	{"date with a plus", "A U <a@x.example> +1700000000 +0000"},
	{"negative date", "A U <a@x.example> -1700000000 +0000"},
	{"date zero", "A U <a@x.example> 0 +0000"},
	{"date before 1990", "A U <a@x.example> 631151999 +0000"},
	{"date in 1990", "A U <a@x.example> 631152000 +0000"},
	{"date in 2100", "A U <a@x.example> 4102444800 +0000"},
	{"date above 32 bits", "A U <a@x.example> 4294967296 +0000"},
	{"date of 2^63-1", "A U <a@x.example> 9223372036854775807 +0000"},
	{"date of 2^63", "A U <a@x.example> 9223372036854775808 +0000"},
	{"date of 2^64-1", "A U <a@x.example> 18446744073709551615 +0000"},
	{"date of 2^64+1", "A U <a@x.example> 18446744073709551617 +0000"},
	{"date of thirty digits", "A U <a@x.example> 170000000000000000000000000000 +0000"},
	{"carriage return at the end", "A U <a@x.example> 1700000000 +0000\r"},
	{"carriage return in the name", "A\rU\r <a@x.example> 1700000000 +0000"},
	{"carriage return in the address", "A U <a@x.example\r> 1700000000 +0000"},
	{"carriage return before the date", "A U <a@x.example>\r1700000000 +0000"},
	{"vertical tab before the date", "A U <a@x.example>\v1700000000 +0000"},
	{"form feed around", "\fA U\f <a@x.example>\f1700000000\f+0000"},
	{"hard blank behind the address", "A U <a@x.example\u00a0> 1700000000 +0000"},
	{"hard blank behind the name", "A U\u00a0 <a@x.example> 1700000000 +0000"},
	{"quotes, dots, commas", `."'A, U'". <"a,b"@x.example,> 1700000000 +0000`},
	{"two addresses", "A U <a@x.example>, B V <b@x.example> 1700000000 +0000"},
	{"address with a name in it", "A U <B V <b@x.example>> 1700000000 +0000"},
	{"control bytes", "A\x01\x1b[31mU <a\x7f@x.example> 1700000000 +0000"},
	{"UTF-8", "李安 <ann@größe.example> 1700000000 +0800"},
	{"not UTF-8", "\xc0\xee\xb0\xb2 <ann@astra.example> 1700000000 +0800"},
	{"half of a rune", "A\xe6\x9d <ann@astra.example> 1700000000 +0800"},
	{"NUL in the name", "A\x00U <a@x.example> 1700000000 +0000"},
	{"NUL in the address", "A U <a\x00@x.example> 1700000000 +0000"},
	{"NUL in the date", "A U <a@x.example> 1700\x00000000 +0000"},
}

type rawCommit struct{ name, data string }

// rawCommits are commits that are odd as a whole. %s is the tree.
var rawCommits = []rawCommit{
	{"two authors", "tree %s\nauthor A <a@x.example> 1700000000 +0000\nauthor B <b@x.example> 1700000001 +0100\ncommitter C <c@x.example> 1700000002 +0200\n\nm\n"},
	{"two committers", "tree %s\nauthor A <a@x.example> 1700000000 +0000\ncommitter B <b@x.example> 1700000001 +0100\ncommitter C <c@x.example> 1700000002 +0200\n\nm\n"},
	{"committer first", "tree %s\ncommitter C <c@x.example> 1700000002 +0200\nauthor A <a@x.example> 1700000000 +0000\n\nm\n"},
	{"no author", "tree %s\ncommitter C <c@x.example> 1700000002 +0200\n\nm\n"},
	{"no committer", "tree %s\nauthor A <a@x.example> 1700000000 +0000\n\nm\n"},
	{"nobody", "tree %s\n\nm\n"},
	{"no message", "tree %s\nauthor A <a@x.example> 1700000000 +0000\ncommitter C <c@x.example> 1700000002 +0200\n"},
	{"empty message", "tree %s\nauthor A <a@x.example> 1700000000 +0000\ncommitter C <c@x.example> 1700000002 +0200\n\n"},
	{"the author in the message", "tree %s\ncommitter C <c@x.example> 1700000002 +0200\n\nauthor A <a@x.example> 1700000000 +0000\n"},
	{"an unknown header between", "tree %s\nauthor A <a@x.example> 1700000000 +0000\nwhatever\n x\ncommitter C <c@x.example> 1700000002 +0200\n\nm\n"},
	{"a signature", "tree %s\nauthor A <a@x.example> 1700000000 +0000\ncommitter C <c@x.example> 1700000002 +0200\ngpgsig -----BEGIN\n author X <x@x.example> 1 +0000\n \n -----END\n\nm\n"},
	{"NUL in the message", "tree %s\nauthor A <a@x.example> 1700000000 +0000\ncommitter C <c@x.example> 1700000002 +0200\n\nbefore\x00after\n"},
	{"GB2312 named", "tree %s\nauthor \xc0\xee\xb0\xb2 <a@x.example> 1700000000 +0800\ncommitter \xc0\xee\xb0\xb2 <a@x.example> 1700000000 +0800\nencoding GB2312\n\n\xd6\xd0\xce\xc4\n"},
	{"gb2312 in lower case", "tree %s\nauthor \xc0\xee\xb0\xb2 <a@x.example> 1700000000 +0800\ncommitter \xc0\xee\xb0\xb2 <a@x.example> 1700000000 +0800\nencoding gb2312\n\n\xd6\xd0\xce\xc4\n"},
	{"GBK named", "tree %s\nauthor \xc0\xee\xb0\xb2 <a@x.example> 1700000000 +0800\ncommitter \xc0\xee\xb0\xb2 <a@x.example> 1700000000 +0800\nencoding GBK\n\n\xd6\xd0\xce\xc4\n"},
	{"GB2312 not named", "tree %s\nauthor \xc0\xee\xb0\xb2 <a@x.example> 1700000000 +0800\ncommitter \xc0\xee\xb0\xb2 <a@x.example> 1700000000 +0800\n\n\xd6\xd0\xce\xc4\n"},
	{"Latin-1 named", "tree %s\nauthor J\xf6rg <a@x.example> 1700000000 +0800\ncommitter J\xf6rg <a@x.example> 1700000000 +0800\nencoding ISO-8859-1\n\nGr\xfc\xdfe\n"},
	{"GB2312 named falsely", "tree %s\nauthor \xff\xff <a@x.example> 1700000000 +0800\ncommitter \xff\xff <a@x.example> 1700000000 +0800\nencoding GB2312\n\n\xff\n"},
	{"an unknown encoding", "tree %s\nauthor J\xf6rg <a@x.example> 1700000000 +0800\ncommitter J\xf6rg <a@x.example> 1700000000 +0800\nencoding klingon\n\nm\n"},
	{"UTF-8 named", "tree %s\nauthor Jörg <a@x.example> 1700000000 +0800\ncommitter Jörg <a@x.example> 1700000000 +0800\nencoding UTF-8\n\nm\n"},
	{"subject of several lines", "tree %s\nauthor A <a@x.example> 1700000000 +0000\ncommitter C <c@x.example> 1700000002 +0200\n\n\n  one \n two\t\n\nbody\n"},
	{"subject ended by a blank line", "tree %s\nauthor A <a@x.example> 1700000000 +0000\ncommitter C <c@x.example> 1700000002 +0200\n\none\n \t\nbody\n"},
	{"subject with CR", "tree %s\nauthor A <a@x.example> 1700000000 +0000\ncommitter C <c@x.example> 1700000002 +0200\n\none\r\ntwo\r\n\r\nbody\r\n"},
	{"subject with inner blanks", "tree %s\nauthor A <a@x.example> 1700000000 +0000\ncommitter C <c@x.example> 1700000002 +0200\n\none  two\t three\n"},
	{"subject with a hard blank", "tree %s\nauthor A <a@x.example> 1700000000 +0000\ncommitter C <c@x.example> 1700000002 +0200\n\n\u00a0one\u00a0two\u2003\n"},
	{"no newline at the end", "tree %s\nauthor A <a@x.example> 1700000000 +0000\ncommitter C <c@x.example> 1700000002 +0200\n\none"},
}

// seen is what git and we tell of a commit.
type seen struct{ AuthorName, AuthorEmail, AuthorDate, CommitterName, CommitterEmail, CommitterDate, Subject string }

// onPurpose turns what git says into what we say instead.
func (s seen) onPurpose() seen {
	// A date that git cannot read, one before 1990, and one too far away for any calendar are invalid.
	for _, date := range []*string{&s.AuthorDate, &s.CommitterDate} {
		digits, zone, _ := strings.Cut(*date, " ")
		seconds, err := strconv.ParseUint(digits, 10, 64)
		if err != nil || seconds < firstDate || seconds >= 1<<40 {
			*date = "invalid"
			continue
		}
		// Zones are minutes in 16 bits: git prints the digits that were written.
		hhmm, err := strconv.ParseInt(zone, 10, 64)
		if err != nil {
			panic("git wrote the date " + *date)
		}
		*date = fmt.Sprintf("%d %+d", seconds, max(min(hhmm/100*60+hhmm%100, math.MaxInt16), -math.MaxInt16))
	}
	// A subject is for people: white space is one blank, what is no UTF-8 is marked.
	s.Subject = strings.ToValidUTF8(strings.Join(strings.Fields(s.Subject), " "), "\uFFFD")
	return s
}

func TestCommitsEqualGit(t *testing.T) {
	r := gitbuild.New()
	tree := r.Tree()
	cases := map[gitbuild.ID]string{}
	var ids []gitbuild.ID
	add := func(name string, id gitbuild.ID) {
		r.Ref(fmt.Sprintf("refs/heads/c%d", len(ids)), id)
		cases[id] = name
		ids = append(ids, id)
	}
	for i, c := range identities {
		add(c.name, r.Object(gitbuild.Commit, fmt.Appendf(nil, "tree %s\nauthor %s\ncommitter C <c@x.example> %d +0000\n\nm\n", tree, c.line, 1700000000+i)))
		add("committer: "+c.name, r.Object(gitbuild.Commit, fmt.Appendf(nil, "tree %s\nauthor A <a@x.example> %d +0000\ncommitter %s\n\nm\n", tree, 1700000000+i, c.line)))
	}
	for _, c := range rawCommits {
		add(c.name, r.Object(gitbuild.Commit, []byte(strings.Replace(c.data, "%s", tree.String(), 1))))
	}
	dir := r.Dir(t, gitbuild.Options{PackedRefs: true})
	// Dates as the seconds and the zone that git has read.
	out := git(t, dir, "log", "--no-walk=unsorted", "--all", "--date=raw",
		"--format=%H%x00%an%x00%ae%x00%ad%x00%cn%x00%ce%x00%cd%x00%s")
	repo := mustOpen(t, dir)
	compared := 0
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\x00")
		if len(f) != 8 {
			t.Fatalf("git wrote %q", line)
		}
		id, _ := parseID(f[0])
		name := cases[gitbuild.ID(id)]
		want := seen{f[1], f[2], f[3], f[4], f[5], f[6], f[7]}.onPurpose()
		read := mustRead(t, repo, id.String(), Options{})
		c := read.Commits[0]
		author, committer := read.Signatures[c.Author], read.Signatures[c.Committer]
		got := seen{author.Name, author.Email, showTime(c.Authored), committer.Name, committer.Email, showTime(c.Committed), c.Subject}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %q\n(-git +ours):\n%s", name, r.Data(gitbuild.ID(id)), diff)
		}
		compared++
	}
	if compared != len(ids) {
		t.Errorf("git shows %d of %d commits", compared, len(ids))
	}
}

// showTime writes a time as seconds and minutes east of UTC.
func showTime(t facts.Time) string {
	if !t.Valid {
		return "invalid"
	}
	return fmt.Sprintf("%d %+d", t.Unix, t.Zone)
}

var messages = []rawCommit{
	{"a block", "Subject\n\nBody.\n\nSigned-off-by: A <a@x.example>\nReviewed-by: B <b@x.example>\n"},
	{"the subject alone", "Fix: something\n"},
	{"two lines of subject", "Fix: something\nFixes: 12\n"},
	{"the block alone behind the subject", "Fix: something\n\nFixes: 12\n"},
	{"a word that is none", "Subject\n\nFixes: 12\nnot a trailer\n"},
	{"a word that is none, but signed", "Subject\n\nFixes: 12\nnot a trailer\nSigned-off-by: A <a@x.example>\n"},
	{"one of five, signed", "Subject\n\na\nb\nc\nd\nSigned-off-by: A <a@x.example>\n"},
	{"one of four, signed", "Subject\n\na\nb\nc\nSigned-off-by: A <a@x.example>\n"},
	{"signed in lower case", "Subject\n\na\nsigned-off-by: A <a@x.example>\n"},
	{"cherry picked", "Subject\n\nx\nFixes: 1\n(cherry picked from commit 1234567)\n"},
	{"in the body", "Subject\n\nCreated-by: login\nCommit-by: Ann\n\nThe end.\n"},
	{"two blocks", "Subject\n\nFixes: 1\n\nSigned-off-by: A <a@x.example>\n"},
	{"of a forge", "!12 merge b into master\n\nTitle\n\nCreated-by: login\nCommit-by: Ann Lee\nMerged-by: bot\nDescription: Some text.\n\nSee merge request: x/y!12\n"},
	{"folded", "Subject\n\nFixes: one\n two\nSigned-off-by: A <a@x.example>\n"},
	{"CRLF", "Subject\r\n\r\nBody\r\n\r\nFixes: 1\r\nSigned-off-by: A <a@x.example>\r\n"},
	{"blanks in empty lines", "Subject\n \t\nBody\n  \nFixes: 1\n"},
	{"indented", "Subject\n\n  Fixes: 1\n"},
	{"the same twice", "Subject\n\nFixes: 1\nFixes: 1\n"},
	{"no blank behind the colon", "Subject\n\nFixes:1\n"},
	{"blank before the colon", "Subject\n\nFixes : 1\n"},
	{"empty value", "Subject\n\nFixes:\nCloses: 2\n"},
	{"an address of the web", "Subject\n\nhttps://forge.example/1\n"},
	{"a sentence with a colon", "Subject\n\nas follows: one\n"},
	{"an underline", "Subject\n\nReviewed_by: A\n"},
	{"several colons", "Subject\n\nTime: 12:30:00\n"},
	{"a NUL", "Subject\n\nFixes: 1\x00\nCloses: 2\n"},
	{"nothing", ""},
	{"blank lines alone", "\n\n \n"},
}

// notInGit are trailers that we take and git does not, and ours that differ from git's, by the name of the message.
var notInGit = map[string][2][]string{
	// A value that goes on in the next line: ours ends with the line.
	"folded": {{"Fixes: one two", "Signed-off-by: A <a@x.example>"}, {"Fixes: one", "Signed-off-by: A <a@x.example>"}},
	// Nothing can be read from an empty value.
	"empty value": {{"Fixes:", "Closes: 2"}, nil},
	// A blank before the colon makes it a sentence.
	"blank before the colon": {{"Fixes: 1"}, nil},
	// git takes the address of a page for a trailer.
	"an address of the web": {{"https: //forge.example/1"}, nil},
}

func TestTrailersEqualGit(t *testing.T) {
	r := gitbuild.New()
	tree := r.Tree()
	cases := map[facts.ID]string{}
	for i, m := range messages {
		id := r.Object(gitbuild.Commit, fmt.Appendf(nil,
			"tree %s\nauthor A <a@x.example> %d +0000\ncommitter A <a@x.example> 1700000000 +0000\n\n%s", tree, 1700000000+i, m.data))
		r.Ref(fmt.Sprintf("refs/heads/m%d", i), id)
		cases[facts.ID(id)] = m.name
	}
	dir := r.Dir(t, gitbuild.Options{PackedRefs: true})
	repo := mustOpen(t, dir)
	out := git(t, dir, "log", "--no-walk=unsorted", "--all", "--format=%x01%H%n%(trailers:only=true,unfold=true)")
	compared := 0
	for part := range strings.SplitSeq(string(out), "\x01") {
		head, rest, ok := strings.Cut(part, "\n")
		if !ok {
			continue
		}
		id, _ := parseID(head)
		name := cases[id]
		var want, got []string
		for line := range strings.Lines(rest) {
			if line = strings.TrimSpace(line); line != "" {
				want = append(want, line)
			}
		}
		read := mustRead(t, repo, id.String(), Options{})
		for _, trailer := range read.Trailers {
			if trailer.InBlock {
				got = append(got, trailer.Key+": "+trailer.Value)
			}
		}
		if d, ok := notInGit[name]; ok {
			if diff := gocmp.Diff(d[0], want); diff != "" {
				t.Errorf("%s: git has changed its mind (-then +now):\n%s", name, diff)
			}
			want = d[1]
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-git +ours):\n%s", name, diff)
		}
		compared++
	}
	if compared != len(messages) {
		t.Errorf("git shows %d of %d messages", compared, len(messages))
	}
}

// The subjects that a squash merge lists are kept; a list in any other message is none of that.
func TestSquashedSubjects(t *testing.T) {
	for text, want := range map[string]int{
		"\nBetter tea (#12)\n\n* boil water\n\n* add leaves\n": 2,
		"\nBetter tea (!7)\n\n* boil water\n":                  1,
		"\nBetter tea\n\n* boil water\n\n* add leaves\n":       0,
	} {
		var c commit
		c.message([]byte(text), newCopies())
		if len(c.trailers) != want {
			t.Errorf("%q: %d subjects, want %d", text, len(c.trailers), want)
		}
	}
}

func TestTrailersOfTheBody(t *testing.T) {
	c := &commit{}
	c.message([]byte("\n!12 merge b into master\n\nCreated-by: login\nDescription: Some: text\nSee https://x.example\n\nNote: one\nReviewed-by: @b\n"), newCopies())
	want := []facts.Trailer{
		{Key: "Created-by", Value: "login"},
		{Key: "Description", Value: "Some: text"},
		{Key: "Note", Value: "one", InBlock: true},
		{Key: "Reviewed-by", Value: "@b", InBlock: true},
	}
	if diff := gocmp.Diff(want, c.trailers); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	long := "Key: " + strings.Repeat("x", maxTrailerLine)
	c = &commit{}
	c.message([]byte("\nS\n\n"+long+"\n"+strings.Repeat("Key: value\n", 2*maxTrailers)), newCopies())
	if len(c.trailers) != maxTrailers || c.trailers[0].Value != "value" {
		t.Errorf("%d trailers, want %d short ones", len(c.trailers), maxTrailers)
	}
}

func FuzzCommit(f *testing.F) {
	tree := strings.Repeat("4b825dc642", 4)
	for _, c := range identities {
		f.Add(fmt.Appendf(nil, "tree %s\nparent %s\nauthor %s\ncommitter %s\n\nm\n", tree, tree, c.line, c.line))
	}
	for _, c := range rawCommits {
		f.Add([]byte(strings.Replace(c.data, "%s", tree, 1)))
	}
	for _, m := range messages {
		f.Add([]byte("tree " + tree + "\n\n" + m.data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		c, err := parseCommit(data, newCopies())
		if !bytes.Equal(before, data) {
			t.Error("the input was changed")
		}
		if err != nil {
			return
		}
		if !bytes.HasPrefix(data, []byte("tree "+c.tree.String()+"\n")) && !bytes.HasPrefix(bytes.ToLower(data), []byte("tree "+c.tree.String()+"\n")) {
			t.Errorf("the tree is %s", c.tree)
		}
		if len(c.parents) > bytes.Count(data, []byte("\nparent ")) {
			t.Errorf("%d parents", len(c.parents))
		}
		for _, id := range []ident{c.author, c.committer} {
			if strings.ContainsAny(id.Name, "\n\x00<") || strings.ContainsAny(id.Email, "\n\x00>") {
				t.Errorf("a signature %+v", id.Signature)
			}
			if id.when.Valid != (id.when.Unix >= firstDate) || !id.when.Valid && id.when.Unix != 0 {
				t.Errorf("a time %+v", id.when)
			}
		}
		if len(c.subject) > 3*maxSubject || !utf8.ValidString(c.subject) || strings.ContainsAny(c.subject, "\n\r\t\x00") {
			t.Errorf("a subject %q", c.subject)
		}
		if len(c.trailers) > maxTrailers {
			t.Errorf("%d trailers", len(c.trailers))
		}
		block := false
		for _, trailer := range c.trailers {
			if trailer.Key == "" || trailer.Value == "" || strings.ContainsAny(trailer.Key+trailer.Value, "\n\x00") || len(trailer.Value) > maxTrailerLine {
				t.Errorf("a trailer %+v", trailer)
			}
			if block && !trailer.InBlock {
				t.Error("the block is not at the end")
			}
			block = trailer.InBlock
		}
	})
}

func FuzzIdent(f *testing.F) {
	for _, c := range identities {
		f.Add([]byte(c.line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		id := parseIdent(line, newCopies())
		if open, shut := bytes.IndexByte(line, '<'), bytes.LastIndexByte(line, '>'); open < 0 || shut < open {
			if *id.Signature != (facts.Signature{}) || id.when != (facts.Time{}) {
				t.Fatalf("%q without brackets gives %+v", line, id)
			}
			return
		}
		if strings.Contains(id.Name, "<") || strings.Contains(id.Email, ">") || !bytes.Contains(line, []byte("<"+id.Email+">")) ||
			!bytes.HasPrefix(line, []byte(id.Name)) {
			t.Errorf("%q gives %+v", line, id)
		}
		if id.when.Valid && (id.when.Unix < firstDate || id.when.Unix >= 1<<40) {
			t.Errorf("%q gives the time %+v", line, id.when)
		}
	})
}
