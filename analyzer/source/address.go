package source

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// address is a checked address of a git repository. The zero value is none.
type address struct {
	scheme string // https, http or ssh
	user   string // ssh only
	host   string // lower case; with the port unless it is the scheme's own
	path   string // with slashes, neither leading nor trailing; every element matches pathElement
	given  bool   // the person named the host, so it may be a private one
}

var (
	pathElement = regexp.MustCompile(`^[A-Za-z0-9._+@=,][A-Za-z0-9._+@=,~-]*$`)
	hostName    = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$`)
	portNumber  = regexp.MustCompile(`^[0-9]{1,5}$`)
	userName    = regexp.MustCompile(`^[A-Za-z0-9._][A-Za-z0-9._-]*$`)
	scpLike     = regexp.MustCompile(`^([^/:@]+@)?([^/:@]+):([^:].*)?$`)
	windowsPath = regexp.MustCompile(`^[A-Za-z]:[\\/]`)
)

var defaultPorts = map[string]string{"https": "443", "http": "80", "ssh": "22"}

// looksLikeAddress says whether a person who writes s means an address and no path.
func looksLikeAddress(s string) bool {
	if windowsPath.MatchString(s) {
		return false
	}
	return strings.Contains(s, "://") || strings.Contains(s, "::") || scpLike.MatchString(s)
}

// parseAddress checks an address from the person or from a list. Credentials in it are dropped, and dropped tells so.
func parseAddress(raw string) (a address, dropped bool, err error) {
	refuse := func(why string) (address, bool, error) {
		return address{}, false, fmt.Errorf("%w: address %q: %s", ErrRefused, redact(raw), why)
	}
	switch {
	case raw == "":
		return refuse("it is empty")
	case len(raw) > 2048:
		return refuse("it is longer than 2048 bytes")
	case raw[0] == '-':
		return refuse("it starts with a dash")
	case strings.IndexFunc(raw, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) || r == utf8.RuneError }) >= 0:
		return refuse("it holds a space or a control character")
	}
	scheme, rest, ok := strings.Cut(raw, "://")
	if helper, _, found := strings.Cut(raw, "::"); found && !strings.ContainsAny(helper, "/@[") {
		return refuse(fmt.Sprintf("the transport %q can run programs", helper+"::"))
	}
	if !ok {
		m := scpLike.FindStringSubmatch(raw)
		if m == nil {
			return refuse("it has no scheme; https:// is wanted")
		}
		scheme, rest = "ssh", m[1]+m[2]+"/"+strings.TrimPrefix(m[3], "/")
	}
	a.scheme = strings.ToLower(scheme)
	if _, ok := defaultPorts[a.scheme]; !ok {
		return refuse(fmt.Sprintf("the scheme %q is not spoken; https:// is wanted", scheme))
	}
	if strings.ContainsAny(rest, "?#%\\") {
		return refuse("a query, a fragment, an escape or a backslash has no place in it")
	}
	authority, path, _ := strings.Cut(rest, "/")
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		user, _, secret := strings.Cut(authority[:at], ":")
		authority = authority[at+1:]
		dropped = secret || a.scheme != "ssh"
		if a.scheme == "ssh" {
			if !userName.MatchString(user) {
				return refuse("the user's name is not one")
			}
			a.user = user
		}
	}
	host, port := strings.ToLower(authority), ""
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		host, port = host[:i], host[i+1:]
		if !portNumber.MatchString(port) {
			return refuse("the port is not a number")
		}
	}
	host = strings.TrimSuffix(host, ".")
	if v6, ok := strings.CutPrefix(host, "["); ok {
		if ip, err := netip.ParseAddr(strings.TrimSuffix(v6, "]")); err != nil || !ip.Is6() || ip.Zone() != "" || !strings.HasSuffix(v6, "]") {
			return refuse("the host is no name and no address")
		}
	} else if !hostName.MatchString(host) {
		return refuse("the host is no name and no address")
	}
	a.host = host
	if port != "" && port != defaultPorts[a.scheme] {
		a.host += ":" + port
	}
	a.path = strings.Trim(path, "/")
	if a.path == "" || a.path == ".git" {
		return refuse("it names a host but no repository")
	}
	for _, element := range strings.Split(a.path, "/") {
		if element == "." || element == ".." || !pathElement.MatchString(element) {
			return refuse(fmt.Sprintf("%q cannot be part of its path", element))
		}
	}
	return a, dropped, nil
}

func (a address) isZero() bool { return a.scheme == "" }

// String gives the address that is spoken to, without a password.
func (a address) String() string {
	if a.isZero() {
		return ""
	}
	user := ""
	if a.user != "" {
		user = a.user + "@"
	}
	return a.scheme + "://" + user + a.host + "/" + a.path
}

// identity is equal for addresses of the same repository: the scheme, the user and a final ".git" make no difference.
func (a address) identity() string { return a.host + "/" + strings.TrimSuffix(a.path, ".git") }

// hostname is the host without port and brackets.
func (a address) hostname() string {
	u, err := url.Parse(a.String())
	if err != nil {
		return a.host
	}
	return u.Hostname()
}

// owner and name are the last element of the path, without ".git", and everything before.
func (a address) owner() string {
	i := strings.LastIndexByte(a.path, '/')
	return a.path[:max(i, 0)]
}

func (a address) name() string {
	return strings.TrimSuffix(a.path[strings.LastIndexByte(a.path, '/')+1:], ".git")
}

// mirrorName gives the name of the folder in Options.MirrorsDir that the mirror of a repository has: host, owner and name, reduced to
// lower-case letters, digits, dots, dashes and underscores, and 80 bits of a hash of the exact address, so that addresses that differ
// in case or in reduced characters do not meet, on disks without upper case either.
func (a address) mirrorName() string {
	sum := sha256.Sum256([]byte(a.identity()))
	readable := reduce(a.host, 40) + "+" + reduce(a.owner(), 50) + "+" + reduce(a.name(), 80)
	return readable + "-" + hex.EncodeToString(sum[:10]) + ".git"
}

// reduce makes a readable part of a file name, for any file system.
func reduce(s string, limit int) string {
	b := []byte(strings.ToLower(s))
	for i, c := range b {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' {
			b[i] = '_'
		}
	}
	if len(b) > limit {
		b = b[:limit]
	}
	return strings.TrimLeft(string(b), ".-")
}

// private says whether ip is one that servers of the public net never have.
func private(ip netip.Addr) bool {
	ip = ip.Unmap()
	for _, p := range reserved {
		if p.Contains(ip) {
			return true
		}
	}
	return !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast()
}

// reserved are ranges that net/netip does not count as private: IANA's special-purpose registries (RFC 6890), and the IPv6 ranges that
// carry IPv4 addresses inside (NAT64, 6to4, Teredo), which would lead around the check.
var reserved = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("::/96"),
	netip.MustParsePrefix("64:ff9b::/96"),
	netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("2001::/32"),
	netip.MustParsePrefix("2002::/16"),
}

// privateName says whether a host's name says by itself that it is private.
func privateName(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return private(ip)
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || strings.HasSuffix(host, ".local") || strings.HasSuffix(host, ".internal")
}

var (
	userInfo = regexp.MustCompile(`://[^/\s"'<>]*@`)
	// A password with a slash in it ends the authority too early for the rule above.
	userInfoSlash = regexp.MustCompile(`://[^\s"'<>#?]*@`)
	// A mistyped address has no scheme to know it by.
	bareUserInfo = regexp.MustCompile(`[^\s/"'<>@:=#]+:[^\s/"'<>@#]+@`)
	// The shapes that forges give to tokens.
	knownToken    = regexp.MustCompile(`\b(?:gh[pousr]_[A-Za-z0-9]{8,}|github_pat_[A-Za-z0-9_]{8,}|glpat-[A-Za-z0-9_-]{8,})`)
	secretField   = regexp.MustCompile(`(?i)((?:access|private|oauth|auth|api)?[_-]?(?:token|key|secret|password|passwd)(?:=|%3d))[^&\s"'#;]+`)
	authorization = regexp.MustCompile(`(?i)(authorization:?\s*(?:bearer|basic|token)|private-token:)\s+[^\s"']+`)
)

// Redact makes one line of text that may come from anywhere fit for a message: no user-info, no tokens, no control characters, at most 400 bytes.
func Redact(line string) string { return redact(line) }

// redact makes text that may come from anywhere fit for a message: no user-info, no tokens, no control characters, bounded.
func redact(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r == '\r' {
			return ' '
		}
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
	s = userInfo.ReplaceAllString(s, "://")
	s = userInfoSlash.ReplaceAllString(s, "://")
	s = bareUserInfo.ReplaceAllString(s, "REDACTED@")
	s = knownToken.ReplaceAllString(s, "REDACTED")
	s = secretField.ReplaceAllString(s, "${1}REDACTED")
	s = authorization.ReplaceAllString(s, "$1 REDACTED")
	if len(s) > 400 {
		cut := 400
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return s
}

// checkName says why a name or a path of a manifest is refused; "" if it is not.
func checkName(s string) string {
	switch {
	case s == "":
		return "it is empty"
	case len(s) > 1024:
		return "it is longer than 1024 bytes"
	case !utf8.ValidString(s):
		return "it is not UTF-8"
	case strings.IndexFunc(s, unicode.IsControl) >= 0:
		return "it holds a control character"
	case s[0] == '/' || windowsPath.MatchString(s):
		return "it is absolute"
	case s[0] == '-':
		return "it starts with a dash"
	case strings.ContainsRune(s, '\\'):
		return "it holds a backslash"
	}
	for _, element := range strings.Split(s, "/") {
		switch {
		case element == "..":
			return "it leaves its folder"
		case element == "" || element == ".":
			return "it has an empty element"
		case strings.HasPrefix(element, "~"):
			return "it holds a home folder"
		}
	}
	return ""
}

// cleanKey makes a key of any text: relative, printable, no empty elements.
func cleanKey(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) || r == '\\' {
			return '_'
		}
		return r
	}, s)
	var elements []string
	for _, element := range strings.Split(s, "/") {
		switch element {
		case "":
		case ".", "..":
			elements = append(elements, "_")
		default:
			elements = append(elements, element)
		}
	}
	if len(elements) == 0 {
		return "_"
	}
	return strings.Join(elements, "/")
}
