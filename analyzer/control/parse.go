package control

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"orrery/analyzer/people"
	"orrery/analyzer/people/formats"
)

// Bounds on what is taken of one version of a file: the longest there are (the kernel's MAINTAINERS) have some 20,000 lines.
const (
	maxSeats = 1 << 16
	maxLine  = 1 << 12
)

// parserOf gives the reader of a file, nil if it states no seats.
func parserOf(name string) func(name, content string) file {
	switch folder, base := path.Split(name); base {
	case "CODEOWNERS":
		if slices.Contains(codeownersFolders, folder) {
			return codeowners
		}
	case "OWNERS":
		return owners
	case "MAINTAINERS", "MAINTAINERS.md":
		return maintainers
	case "INFO.yaml":
		return info
	case "sig-info.yaml":
		return sigInfo
	}
	return nil
}

// codeownersFolders are where forges look for the file, first the one that counts where there are several: GitCode, Gitee, GitHub, GitLab.
var codeownersFolders = []string{".gitcode/", ".gitee/", ".github/", "", "docs/", ".gitlab/"}

// owner reads how a file names one person: an address, @login or a login; teams (@org/team) are named, and resolve to nobody.
func owner(word string, forges ...string) (who people.Mention, ok bool) {
	switch at := strings.IndexByte(word, '@'); {
	case at > 0:
		return people.Mention{Email: word}, true
	case at == 0 && strings.Contains(word, "/"):
		return people.Mention{Name: word}, len(word) > 1
	case word == "":
		return who, false
	}
	who.Accounts = accounts(word, forges...)
	return who, who.Accounts != nil
}

// codeowners reads `pattern owner...`, by the rules that GitHub, GitLab, Gitee and GitCode share: the last pattern that fits a file counts, one
// without owners takes it out. Sections ([name]) and comments, those of C too, which stand in many files, say nothing.
func codeowners(name, content string) (f file) {
	forges := map[string][]string{".gitcode/": {"gitcode", "gitee"}, ".gitee/": {"gitee", "gitcode"}, ".github/": {"github"}, ".gitlab/": {"gitlab"}}
	folder, _ := path.Split(name)
	line, comment := 0, false
	for text := range strings.Lines(content) {
		line++
		if text = strings.TrimSpace(text); comment {
			comment = !strings.Contains(text, "*/")
			continue
		}
		if strings.HasPrefix(text, "/*") && !strings.HasPrefix(text, "/*.") {
			if before, _, closed := strings.Cut(text, "*/"); !closed || strings.ContainsAny(before, " \t") {
				comment = !closed
				continue
			}
		}
		if text == "" || text[0] == '#' || text[0] == '[' || text[0] == '^' || len(text) > maxLine {
			continue
		}
		if i := strings.Index(text, " #"); i >= 0 {
			text = text[:i]
		}
		words := splitEscaped(text)
		p, ok := pathPattern(words[0])
		if !ok || len(f.seats)+len(words) > maxSeats {
			continue
		}
		r := rule{pattern: p}
		for _, word := range words[1:] {
			if who, ok := owner(strings.Trim(word, ",;"), forges[folder]...); ok {
				r.seats = append(r.seats, len(f.seats))
				f.seats = append(f.seats, stated{line: line, role: Owner, scope: words[0], who: who})
			}
		}
		f.rules = append(f.rules, r)
	}
	slices.Reverse(f.rules) // the last one counts
	return f
}

// splitEscaped cuts at white space that no backslash stands before.
func splitEscaped(s string) (words []string) {
	var word strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == ' ' || s[i+1] == '#'):
			i++
			word.WriteByte(s[i])
		case s[i] == ' ' || s[i] == '\t':
			if word.Len() > 0 {
				words = append(words, word.String())
				word.Reset()
			}
		default:
			word.WriteByte(s[i])
		}
	}
	if word.Len() > 0 {
		words = append(words, word.String())
	}
	return words
}

// owners reads the OWNERS of Kubernetes (YAML: approvers, reviewers) or of Chromium (an address a line). They are for the folder they stand in
// and all below it that has no such file of its own.
func owners(name, content string) (f file) {
	folder, _ := path.Split(name)
	r := rule{pattern: folderGuard(folder)}
	add := func(line int, role, word string) {
		if who, ok := owner(word, "github", "gitee", "gitcode"); ok && len(f.seats) < maxSeats {
			if role != Reviewer {
				r.seats = append(r.seats, len(f.seats))
			}
			f.seats = append(f.seats, stated{line: line, role: role, scope: strings.TrimSuffix(folder, "/"), who: who})
		}
	}
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(content), &document); err == nil && len(document.Content) == 1 && document.Content[0].Kind == yaml.MappingNode {
		roles := map[string]string{"approvers": Approver, "reviewers": Reviewer, "maintainers": Maintainer, "committers": Committer}
		var read func(n *yaml.Node)
		read = func(n *yaml.Node) {
			for i := 0; i+1 < len(n.Content); i += 2 {
				role, ok := roles[strings.ToLower(n.Content[i].Value)]
				switch value := n.Content[i+1]; {
				case ok && value.Kind == yaml.SequenceNode:
					for _, who := range value.Content {
						if who.Kind == yaml.ScalarNode {
							add(who.Line, role, who.Value)
						}
					}
				case n.Content[i].Value == "filters" && value.Kind == yaml.MappingNode:
					for k := 1; k < len(value.Content); k += 2 {
						if value.Content[k].Kind == yaml.MappingNode {
							read(value.Content[k])
						}
					}
				}
			}
		}
		read(document.Content[0])
	} else {
		line := 0
		for text := range strings.Lines(content) {
			line++
			text, _, _ = strings.Cut(text, "#")
			if word := strings.TrimSpace(text); strings.Contains(word, "@") && !strings.ContainsAny(word, " \t=:*") {
				add(line, Owner, word)
			}
		}
	}
	f.rules = []rule{r}
	return f
}

var (
	tagLine = regexp.MustCompile(`^([A-Z]):\s*(.*)$`)
	mailbox = regexp.MustCompile(`^\s*"?([^"<>]*?)"?\s*<([^<> ]+@[^<> ]+)>`)
	inText  = regexp.MustCompile(`([^<>()|,;*\t]*?)\s*[<(|]\s*(?:mailto:)?([A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,})`)
)

// maintainers reads the kernel's MAINTAINERS (M: who, R: reviewers, F: files, X: none of these), which U-Boot and QEMU have too; or a list of
// names with addresses, for the folder that it stands in.
func maintainers(name, content string) (f file) {
	folder, _ := path.Split(name)
	var part struct {
		title string
		seats []int
		rules []guard
		not   []guard
	}
	flush := func() {
		for _, p := range part.rules {
			p.not = part.not
			f.rules = append(f.rules, rule{pattern: p, seats: part.seats})
		}
		part.title, part.seats, part.rules, part.not = "", nil, nil, nil
	}
	tagged, line, before := false, 0, ""
	for text := range strings.Lines(content) {
		line++
		if text = strings.TrimRight(text, " \t\r\n"); text == "" {
			flush()
			before = ""
			continue
		}
		tag := tagLine.FindStringSubmatch(text)
		if tag == nil || len(text) > maxLine {
			before = text
			continue
		}
		tagged = true
		if part.title == "" {
			part.title = before
		}
		switch value := strings.TrimSpace(tag[2]); tag[1] {
		case "M", "R":
			who := people.Mention{Email: value}
			if m := mailbox.FindStringSubmatch(value); m != nil {
				who = people.Mention{Name: m[1], Email: m[2]}
			}
			if !strings.Contains(who.Email, "@") || len(f.seats) == maxSeats {
				continue
			}
			role := Maintainer
			if tag[1] == "R" {
				role = Reviewer
			} else {
				part.seats = append(part.seats, len(f.seats))
			}
			f.seats = append(f.seats, stated{line: line, role: role, scope: part.title, who: who})
		case "F", "X":
			p := kernelGuard(value)
			if tag[1] == "X" {
				part.not = append(part.not, p)
			} else if len(f.rules)+len(part.rules) < maxSeats {
				part.rules = append(part.rules, p)
			}
		}
	}
	flush()
	if tagged {
		return f
	}
	r := rule{pattern: folderGuard(folder)}
	line = 0
	for text := range strings.Lines(content) {
		line++
		if !strings.Contains(text, "@") {
			continue // most lines, and the expression is slow
		}
		for _, m := range inText.FindAllStringSubmatch(text[:min(len(text), maxLine)], -1) {
			r.seats = append(r.seats, len(f.seats))
			f.seats = append(f.seats, stated{
				line: line, role: Maintainer, scope: strings.TrimSuffix(folder, "/"), who: people.Mention{Name: strings.Trim(m[1], " -*#["), Email: m[2]},
			})
		}
	}
	f.rules = []rule{r}
	return f
}

// info reads the INFO.yaml of the Linux Foundation's projects: committers with name, address, company and login.
func info(_, content string) (f file) {
	var document struct {
		Project      string
		Committers   []infoPerson
		Lead         infoPerson `yaml:"project_lead"`
		Repositories []string
	}
	if err := yaml.Unmarshal([]byte(content), &document); err != nil {
		f.broken = "no YAML of the form that is known"
		return f
	}
	r := rule{pattern: folderGuard("")}
	for _, p := range document.Committers {
		if who, ok := p.mention(); ok && len(f.seats) < maxSeats {
			r.seats = append(r.seats, len(f.seats))
			f.seats = append(f.seats, stated{role: Committer, scope: document.Project, who: who})
		}
	}
	f.rules = []rule{r}
	return f
}

type infoPerson struct {
	Name, Email, Company, ID string
}

func (p infoPerson) mention() (people.Mention, bool) {
	who := people.Mention{Name: p.Name, Email: p.Email, Organization: p.Company}
	if !strings.Contains(p.Email, "@") {
		who.Email, who.Accounts = "", accounts(p.ID, "github", "gitlab")
	}
	return who, who.Email != "" || who.Accounts != nil || who.Name != ""
}

// sigInfo reads the sig-info.yaml of openEuler: maintainers of a group, and committers and administrators of repositories that are
// mostly not the file's own. Keys are read as they are meant: they are misspelled often.
func sigInfo(name, content string) (f file) {
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(content), &document); err != nil || len(document.Content) != 1 || document.Content[0].Kind != yaml.MappingNode {
		f.broken = "no YAML of the form that is known"
		return f
	}
	root := document.Content[0]
	group := field(root, "name")
	if group == "" {
		group = path.Base(path.Dir(name))
	}
	seats := func(list *yaml.Node, role string, guarded []string) {
		if list == nil || list.Kind != yaml.SequenceNode {
			return
		}
		for _, n := range list.Content {
			if who, ok := sigPerson(n); ok && len(f.seats) < maxSeats {
				f.seats = append(f.seats, stated{line: n.Line, role: role, scope: group, guarded: guarded, who: who})
			}
		}
	}
	repositories := child(root, "repositories")
	var all []string
	if repositories != nil && repositories.Kind == yaml.SequenceNode {
		for _, entry := range repositories.Content {
			if entry.Kind == yaml.ScalarNode {
				all = append(all, entry.Value)
			} else if named := texts(child(entry, "repo")); named != nil {
				all = append(all, named...)
				seats(child(entry, "repo_admin"), Admin, named)
				seats(child(entry, "committers"), Committer, named)
			}
		}
	}
	if all == nil {
		all = []string{} // of a group without repositories: of none, and not of the file's own
	}
	seats(child(root, "maintainers"), Maintainer, all)
	seats(child(root, "committers"), Committer, all)
	return f
}

// sigPerson reads a person, who may be a mapping or a bare login.
func sigPerson(n *yaml.Node) (who people.Mention, ok bool) {
	if n.Kind == yaml.ScalarNode && n.Tag != "!!null" {
		who.Accounts = accounts(n.Value, "gitee", "gitcode")
		return who, who.Accounts != nil
	}
	if n.Kind != yaml.MappingNode {
		return who, false
	}
	who = people.Mention{Name: field(n, "name"), Email: field(n, "email"), Organization: field(n, "organization")}
	if !strings.Contains(who.Email, "@") {
		who.Email = ""
	}
	for _, a := range [...]struct{ key, forge string }{{"atomgit_id", "gitcode"}, {"gitee_id", "gitee"}} {
		who.Accounts = append(who.Accounts, accounts(field(n, a.key), a.forge)...)
	}
	return who, who.Email != "" || who.Accounts != nil
}

// child gives the value of a key, nil if there is none.
func child(n *yaml.Node, key string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if k := n.Content[i].Value; k == key || formats.SigKey(k) == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func field(n *yaml.Node, key string) string {
	if v := child(n, key); v != nil && v.Kind == yaml.ScalarNode && v.Tag != "!!null" {
		return strings.TrimSpace(v.Value)
	}
	return ""
}

func texts(n *yaml.Node) (all []string) {
	if n == nil {
		return nil
	}
	if n.Kind == yaml.ScalarNode && n.Value != "" {
		return []string{n.Value}
	}
	for _, c := range n.Content {
		if c.Kind == yaml.ScalarNode && c.Value != "" {
			all = append(all, c.Value)
		}
	}
	return all
}
