package people

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxAddress is the longest address that RFC 5321 allows, in bytes.
const maxAddress = 254

// form says what an address can be used for.
type form uint8

const (
	valid       form = iota // names one mailbox
	placeholder             // what an unconfigured git or a template leaves behind: joins nobody
	shared                  // a mailbox nobody reads and many commit with: joins nobody
	malformed               // no address, beyond repair
)

// address is an e-mail address as the resolver compares it.
type address struct {
	text          string // local@domain in lower case and repaired; of malformed ones what was left after trimming
	local, domain string
	form          form
	repair        string // what was repaired and by which statement; "" if at most case was changed
}

// parseAddress reads what stands between < and > of a signature. The directory knows the misspellings of domains.
func parseAddress(raw string, d *Directory) address {
	a := address{text: strings.ToLower(raw), form: malformed}
	if len(raw) > 4*maxAddress || !utf8.ValidString(raw) {
		a.text = strings.ToValidUTF8(a.text, "\uFFFD")
		return a
	}
	text := strings.TrimPrefix(strings.Trim(unwide.Replace(a.text), trimmed), "mailto:")
	if strings.Trim(a.text, " \t\r\n") != text {
		a.repair = "stray characters around the address"
	}
	if whole, why := completed(text, d); why != "" {
		text, a.repair = whole, why
	}
	a.text = text
	at := strings.LastIndexByte(text, '@')
	if at <= 0 || len(text) > maxAddress || strings.Count(text, "@") > 1 || strings.ContainsFunc(text, outsideAddress) {
		if text == "" || isPlaceholderName(text) {
			a.form = placeholder
		}
		return a
	}
	a.local, a.domain = text[:at], text[at+1:]
	if domain := punctuation.Replace(a.domain); domain != a.domain {
		a.domain, a.repair = domain, "punctuation in the domain"
	}
	if strings.HasSuffix(a.domain, ".com.com") {
		a.domain, a.repair = strings.TrimSuffix(a.domain, ".com"), "doubled .com"
	}
	if domain, source, ok := d.repair(a.domain); ok {
		a.domain, a.repair = domain, source
	}
	a.text = a.local + "@" + a.domain
	a.form = formOf(a.local, a.domain)
	return a
}

// minGlued is the length of the shortest domain that is looked for where an address lacks its @: shorter ones end many words.
const minGlued = 10

// completed repairs what is no address, but holds one that leaves no doubt: behind a name, or a domain of the directory behind
// letters or digits, with no @ between. It says what was repaired, "" for nothing.
func completed(text string, d *Directory) (whole, why string) {
	if strings.ContainsRune(text, '@') {
		words := strings.Fields(text)
		if len(words) < 2 || strings.Count(text, "@") != 1 {
			return "", ""
		}
		word := words[slices.IndexFunc(words, func(w string) bool { return strings.ContainsRune(w, '@') })]
		// A name, if the mailbox begins with it. Else it may be a mailbox with a space in it, and what is left another person's.
		if word = strings.Trim(word, trimmed); words[0] == word || !strings.HasPrefix(word, words[0]) || strings.HasSuffix(word, "@") {
			return "", ""
		}
		return word, "a name before the address"
	}
	if len(text) > maxAddress {
		return "", ""
	}
	for i := 1; i <= len(text)-minGlued; i++ {
		if before := rune(text[i-1]); len(d.domains[text[i:]]) > 0 && (unicode.IsLetter(before) || unicode.IsDigit(before)) {
			return text[:i] + "@" + text[i:], "no @ before the domain"
		}
	}
	return "", ""
}

// trimmed are characters that surround addresses by accident; U+00A0 and quotation marks come from word processors.
const trimmed = " \t\r\n\v\f\u00a0\u3000\u200b\u200c\u200d\u2060\ufeff\"'`´‘’‚“”„«»<>[],.;:/\\"

var (
	unwide      = strings.NewReplacer("＠", "@", "．", ".", "。", ".", "，", ",")
	punctuation = strings.NewReplacer(",", ".", "..", ".")
)

func outsideAddress(r rune) bool {
	return r == '<' || r == '>' || r == '"' || unicode.IsSpace(r) || !unicode.IsPrint(r) || r == utf8.RuneError
}

func formOf(local, domain string) form {
	switch {
	case placeholderLocals[local] || placeholderDomain(domain):
		return placeholder
	case !strings.Contains(domain, "."):
		return malformed
	case local == "noreply" || local == "no-reply" || local == "no_reply" || local == "donotreply" || local == "do-not-reply":
		return shared
	}
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, outsideLabel) {
			return malformed
		}
	}
	return valid
}

func outsideLabel(r rune) bool {
	return r != '-' && r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
}

// Names and local parts that templates and fresh machines leave behind. "me", "mail", "dev" and the like are not here: people use them at
// domains of their own.
var placeholderNames = setOf("root", "your name", "yourname", "your full name", "your username", "your user name", "you", "user", "username",
	"user name", "first last", "firstname lastname", "full name", "name", "my name", "myname", "unknown", "unknown author", "none", "null",
	"nil", "undefined", "nobody", "no name", "noname", "no author", "anonymous", "anon", "admin", "administrator", "guest", "test", "tester",
	"test user", "testuser", "ubuntu", "debian", "centos", "localhost", "author", "author name", "committer", "developer", "email",
	"your email", "your github username", "git", "default", "example", "foo", "foo bar", "xxx", "用户名", "姓名", "你的名字")

var placeholderLocals = setOf("root", "your_name", "your.name", "yourname", "your-name", "your_email", "your.email", "your-email", "youremail",
	"your_username", "yourusername", "you", "user", "username", "user.name", "unknown", "none", "null", "undefined", "nobody", "noname",
	"anonymous", "administrator", "localhost", "ubuntu", "name", "example", "(none)", "test", "xxx")

// placeholderDomain says whether a domain is no mail domain: the names a machine gives itself, and those that RFC 2606 and RFC 6761 keep for
// documents. The top-level domain .example is let through, since nothing but invented data stands there.
func placeholderDomain(domain string) bool {
	last := domain[strings.LastIndexByte(domain, '.')+1:]
	switch last {
	case "(none)", "localhost", "localdomain", "local", "lan", "invalid":
		return true
	}
	for _, d := range []string{"example.com", "example.net", "example.org", "yourdomain.com", "domain.com", "your.domain"} {
		if domain == d || strings.HasSuffix(domain, "."+d) {
			return true
		}
	}
	return false
}

// normalizeName folds a name for comparison: compatibility forms, case, quotation marks around it and runs of spaces.
func normalizeName(raw string) string {
	if len(raw) > 1024 {
		raw = raw[:1024]
	}
	name := norm.NFKC.String(strings.ToLower(strings.ToValidUTF8(raw, "\uFFFD")))
	return strings.Join(strings.Fields(strings.Trim(name, trimmed+"()")), " ")
}

func isPlaceholderName(normalized string) bool {
	return placeholderNames[strings.Join(strings.FieldsFunc(normalized, func(r rune) bool {
		return r == '_' || r == '-' || r == '.' || r == ' ' || r == '<' || r == '>' || r == '(' || r == ')'
	}), " ")]
}

// isFullName says whether a normalized name is likely to be of one person in an ecosystem: two words, or three Han characters.
func isFullName(name string) bool {
	words, letters, han := 0, 0, 0
	for word := range strings.FieldsSeq(name) {
		n := 0
		for _, r := range word {
			switch {
			case unicode.Is(unicode.Han, r):
				han++
			case unicode.IsLetter(r):
				n++
			case r != '-' && r != '\'' && r != '.' && r != '’' && !unicode.IsMark(r):
				return false // a digit or a sign: an account, a number of an employee, a remark
			}
		}
		if n > 1 {
			words++
		}
		letters += n
	}
	return han >= 3 || words >= 2 && letters >= 6
}

// isDistinctive says whether few people of one repository are likely to have a normalized name: five letters or digits, or three Han characters. What
// ends like a robot's name joins nobody: not all robots are known by a pattern, and few people are called so.
func isDistinctive(name string) bool {
	han, others := 0, 0
	for _, r := range name {
		switch {
		case unicode.Is(unicode.Han, r):
			han++
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			others++
		}
	}
	return (han >= 3 || han+others >= 5) && !isPlaceholderName(name) && !strings.HasSuffix(name, "bot")
}

// isHan says whether a name is written in Han characters.
func isHan(name string) bool {
	return strings.ContainsFunc(name, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}

// enough is how many letters make a name or a local part that two people who meet are unlikely to share.
const enough = 5

// related says whether the letters of one local part begin with those of the other: what people who number or decorate their name leave of it.
func related(a, b *address) bool {
	x, y := a.letters(), b.letters()
	return min(len(x), len(y)) >= enough && (strings.HasPrefix(x, y) || strings.HasPrefix(y, x))
}

// letters are those of the local part, or of the account that it stands for.
func (a *address) letters() string {
	local := a.local
	if account, _ := a.login(); account != "" {
		_, local, _ = strings.Cut(account, ":")
	}
	return lettersOf(local)
}

func lettersOf(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return r
		}
		return -1
	}, text)
}

// spellings gives the ways to write somebody without digits, signs and spaces: a normalized name, forwards and with its last word first, and the local
// part of an address. Two people who share one are one where they meet in one commit: nobody is signed off for by a namesake.
func spellings(name string, a *address) (all []string) {
	words := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) })
	add := func(text string) {
		if len(text) >= enough && !isPlaceholderName(text) {
			all = append(all, text)
		}
	}
	if !isPlaceholderName(name) {
		add(strings.Join(words, ""))
		if n := len(words); n > 1 {
			add(words[n-1] + strings.Join(words[:n-1], ""))
		}
	}
	if a.form == valid {
		add(a.letters())
	}
	return all
}

// login reads an address that a forge has made up, as the account it stands for: "github:jane", and "github#12345" where it tells the number,
// which outlives a change of login.
func (a *address) login() (account, number string) {
	if a.form != valid {
		return "", ""
	}
	forge, ok := forges[a.domain]
	if !ok {
		return "", ""
	}
	login := a.local
	cut := "+"
	if forge == "gitlab" {
		cut = "-"
	}
	if digits, rest, ok := strings.Cut(login, cut); ok && rest != "" && isDigits(digits) {
		login, number = rest, forge+"#"+digits
	}
	return forge + ":" + login, number
}

// GitCode and AtomGit are one forge under two names.
var forges = map[string]string{
	"users.noreply.github.com":  "github",
	"user.noreply.gitee.com":    "gitee",
	"users.noreply.gitee.com":   "gitee",
	"noreply.gitee.com":         "gitee",
	"noreply.gitcode.com":       "gitcode",
	"user.noreply.gitcode.com":  "gitcode",
	"users.noreply.gitcode.com": "gitcode",
	"noreply.atomgit.com":       "gitcode",
	"user.noreply.atomgit.com":  "gitcode",
	"users.noreply.atomgit.com": "gitcode",
	"users.noreply.gitlab.com":  "gitlab",
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func setOf(words ...string) map[string]bool {
	set := make(map[string]bool, len(words))
	for _, w := range words {
		set[w] = true
	}
	return set
}

// suffixes gives a domain and its parents, longest first.
func suffixes(domain string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for domain != "" && yield(domain) {
			_, domain, _ = strings.Cut(domain, ".")
		}
	}
}
