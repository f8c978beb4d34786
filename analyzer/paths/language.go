package paths

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/go-enry/go-enry/v2/data"
)

// Languages are named as GitHub's linguist names them, and are found in its order: modeline, file name, shebang, extension, content. Its
// tables come from go-enry's data alone. Its last resort, a classifier by word frequencies, is left out: 160 us a file and 11 MB of
// tables in memory, for a guess.

// extra are extensions that linguist does not know, and one that it cannot know: OpenHarmony's.
var extra = map[string]string{
	".ets":   "ArkTS",
	".hml":   "HML",
	".hcs":   "HCS", // configuration of the driver foundation
	".taihe": "Taihe",
	".idl":   "Interface Description",
}

// favourites decide between the languages of an extension where the content says nothing.
var favourites = map[string]string{
	".as": "ActionScript", ".asm": "Assembly", ".b": "Brainfuck", ".bas": "Visual Basic 6.0", ".cake": "C#", ".cfg": "INI", ".cgi": "Perl",
	".cl": "OpenCL", ".cls": "TeX", ".cp": "C++", ".cs": "C#", ".cue": "CUE", ".d": "D", ".ddl": "SQL", ".e": "Eiffel", ".es": "JavaScript",
	".ex": "Elixir", ".f": "Fortran", ".fcgi": "Perl", ".for": "Fortran", ".frag": "GLSL", ".fs": "F#", ".ftl": "FreeMarker", ".fx": "HLSL",
	".gd": "GDScript", ".gs": "JavaScript", ".hh": "C++", ".html": "HTML", ".inc": "C++", ".jq": "jq", ".json": "JSON", ".l": "Lex",
	".lisp": "Common Lisp", ".ls": "LiveScript", ".lsp": "Common Lisp", ".m": "Objective-C", ".man": "Roff Manpage", ".md": "Markdown",
	".ml": "OCaml", ".mm": "Objective-C++", ".ms": "Unix Assembly", ".n": "Roff", ".nb": "Wolfram Language", ".p": "Gnuplot",
	".php": "PHP", ".pl": "Perl", ".plist": "XML Property List", ".plt": "Gnuplot", ".pm": "Perl", ".pod": "Pod", ".pp": "Puppet",
	".pro": "QMake", ".properties": "Java Properties", ".r": "R", ".re": "Reason", ".res": "ReScript", ".rs": "Rust", ".sc": "Scala",
	".sch": "Scheme", ".scm": "Scheme", ".shader": "GLSL", ".sls": "SaltStack", ".sol": "Solidity", ".spec": "RPM Spec", ".sql": "SQL",
	".srt": "SubRip Text", ".st": "Smalltalk", ".star": "Starlark", ".sw": "Sway", ".t": "Perl", ".toc": "TeX", ".tpl": "Smarty",
	".trigger": "Shell", ".ts": "TypeScript", ".tsx": "TSX", ".txt": "Text", ".v": "Verilog", ".vba": "VBA", ".vcf": "vCard",
	".vhost": "Nginx", ".x": "RPC", ".yaml": "YAML", ".yml": "YAML", ".yy": "Yacc",
}

// heuristicSize is how many bytes linguist's expressions for rare extensions are held against.
const heuristicSize = 2 << 10

// languageOf tells the language of a file by its base name and the beginning of its content; "" where none is known.
func languageOf(base string, head []byte) string {
	if l := modeline(head); l != "" {
		return l
	}
	candidates := data.LanguagesByFilename[base]
	if len(candidates) == 1 {
		return candidates[0]
	}
	if l := shebang(head); l != "" {
		return l
	}
	ext, byExtension := extension(base)
	if l := extra[ext]; l != "" {
		return l
	}
	if len(byExtension) > 0 {
		candidates = byExtension
	}
	switch len(candidates) {
	case 0:
		if first := lines(head, 2); bytes.Contains(first, []byte("xml version=")) {
			return "XML"
		}
		return ""
	case 1:
		return candidates[0]
	}
	if l := ambiguous(ext, head); l != "" {
		return l
	}
	return candidates[0]
}

// extension gives the longest ending of a name that linguist knows, with its languages, or else the last one.
func extension(base string) (ext string, languages []string) {
	lower := strings.ToLower(base)
	last := strings.LastIndexByte(lower, '.')
	if last < 0 {
		return "", nil
	}
	for i := strings.IndexByte(lower, '.'); ; i += 1 + strings.IndexByte(lower[i+1:], '.') {
		if l, ok := data.LanguagesByExtension[lower[i:]]; ok {
			return lower[i:], l
		}
		if i == last {
			break
		}
	}
	// A template is written in the language of what is made from it.
	if name, ok := strings.CutSuffix(base, ".in"); ok {
		return extension(name)
	}
	return lower[last:], nil
}

// ambiguous decides between languages that share an extension.
func ambiguous(ext string, head []byte) string {
	switch ext {
	case ".h":
		return header(head)
	case ".md":
		if i := bytes.Index(head, []byte("(define_")); i == 0 || i > 0 && head[i-1] == '\n' {
			return "GCC Machine Description"
		}
		return "Markdown"
	case ".json", ".html", ".yaml", ".yml", ".txt": // what else linguist has there is a dialect of it
		return favourites[ext]
	case ".ts", ".tsx", ".rs", ".res":
		if start := bytes.TrimLeft(head, "\ufeff \t\r\n"); bytes.HasPrefix(start, []byte("<?xml")) || bytes.HasPrefix(start, []byte("<TS")) {
			return "XML"
		}
		return favourites[ext]
	case ".cfg": // OpenHarmony's services are configured in JSON
		if start := bytes.TrimLeft(head, "\ufeff \t\r\n"); len(start) > 0 && start[0] == '{' {
			return "JSON"
		}
		return favourites[ext]
	case ".pl", ".pm", ".t":
		if has(head, "use strict") || has(head, "use warnings") || has(head, "\nuse v5") || has(head, "\nuse 5") {
			return "Perl"
		}
	case ".m":
		if has(head, "@interface") || has(head, "@implementation") || has(head, "#import ") {
			return "Objective-C"
		}
	case ".m4":
		if has(head, "AC_DEFUN") || has(head, "AC_INIT") || has(head, "AC_PREREQ") || has(head, "\nm4_") {
			return "M4Sugar"
		}
		return "M4"
	case ".s":
		// Directives of the GNU assembler. What is left is mostly NASM's.
		if has(head, ".text") || has(head, ".globl") || has(head, ".global") || has(head, ".section") || has(head, "#include") {
			return "Unix Assembly"
		}
		return "Assembly"
	case ".cs":
		if has(head, "using System") || has(head, "namespace ") {
			return "C#"
		}
	case ".php":
		if bytes.Contains(head, []byte("<?hh")) {
			return "Hack"
		}
		return "PHP"
	}
	if h := data.ContentHeuristics[ext]; h != nil {
		if found := h.Match(head[:min(len(head), heuristicSize)]); len(found) > 0 {
			return found[0]
		}
	}
	return favourites[ext]
}

// header tells Objective-C and C++ from C, by what C has not.
func header(head []byte) string {
	// A search is as fast as its first letter is rare.
	for rest := head; ; {
		i := bytes.Index(rest, []byte("::"))
		if i < 0 {
			break
		}
		if bytes.HasSuffix(rest[:i], []byte("std")) && i+2 < len(rest) && word(rest[i+2]) {
			return "C++"
		}
		rest = rest[i+2:]
	}
	for at := 0; at < len(head); {
		// Most lines tell by their first letter that they tell nothing.
		for at < len(head) && (head[at] == ' ' || head[at] == '\t') {
			at++
		}
		end := bytes.IndexByte(head[at:], '\n')
		if end < 0 {
			end = len(head) - at
		}
		line := head[at : at+end]
		at += end + 1
		if len(line) < 3 || !telling[line[0]] {
			continue
		}
		switch line[0] {
		case '@':
			switch string(firstWord(line[1:])) {
			case "interface", "class", "protocol", "property", "end", "implementation", "selector":
				return "Objective-C"
			}
		case '#':
			directive := bytes.TrimLeft(line[1:], " \t")
			if bytes.HasPrefix(directive, []byte("import ")) && (bytes.Contains(directive, []byte(".h>")) || bytes.Contains(directive, []byte(".h\""))) {
				return "Objective-C"
			}
			if name, ok := bytes.CutPrefix(directive, []byte("include <")); ok {
				// The headers of C++ have no extension.
				if end := bytes.IndexByte(name, '>'); end > 0 && bytes.IndexByte(name[:end], '.') < 0 && bytes.IndexByte(name[:end], '/') < 0 {
					return "C++"
				}
			}
			if bytes.Contains(directive, []byte("__cplusplus >")) {
				return "C++"
			}
		case 'c', 'n', 'p', 't', 'u':
			w := firstWord(line)
			rest := bytes.TrimLeft(line[len(w):], " \t")
			switch string(w) {
			case "template":
				if bytes.HasPrefix(rest, []byte("<")) {
					return "C++"
				}
			case "class", "namespace":
				if len(rest) > 0 && word(rest[0]) && len(rest) < len(line)-len(w) && code(rest) {
					return "C++"
				}
			case "using":
				if bytes.HasPrefix(rest, []byte("namespace ")) {
					return "C++"
				}
			case "constexpr":
				return "C++"
			case "try", "catch":
				if bytes.HasPrefix(rest, []byte("{")) || bytes.HasPrefix(rest, []byte("(")) {
					return "C++"
				}
			case "private", "public", "protected":
				if string(bytes.TrimRight(rest, " \t\r")) == ":" {
					return "C++"
				}
			}
		}
	}
	return "C"
}

// telling are the first letters of lines that [header] looks at.
var telling = [256]bool{'@': true, '#': true, 'c': true, 'n': true, 'p': true, 't': true, 'u': true}

// code says whether what follows `class` or `namespace` looks like a declaration and not like prose in a comment.
func code(rest []byte) bool {
	rest = bytes.TrimRight(rest, " \t\r")
	if bytes.ContainsAny(rest, "{:;<") || len(firstWord(rest)) == len(rest) {
		return true
	}
	// With an export macro: class API Name
	_, name, _ := bytes.Cut(rest, []byte(" "))
	return len(firstWord(name)) == len(name) && bytes.Equal(firstWord(rest), bytes.ToUpper(firstWord(rest)))
}

func word(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

func firstWord(b []byte) []byte {
	n := 0
	for n < len(b) && word(b[n]) {
		n++
	}
	return b[:n]
}

// lines gives the first n lines.
func lines(b []byte, n int) []byte {
	at := 0
	for ; n > 0; n-- {
		i := bytes.IndexByte(b[at:], '\n')
		if i < 0 {
			return b
		}
		at += i + 1
	}
	return b[:at]
}

// lastLines gives the last n lines.
func lastLines(b []byte, n int) []byte {
	at := len(bytes.TrimRight(b, "\n"))
	for ; n > 0 && at >= 0; n-- {
		at = bytes.LastIndexByte(b[:at], '\n')
	}
	return b[at+1:]
}

// modelineLines is how many lines from the beginning and from the end editors look at.
const modelineLines = 5

// modelineSize bounds them: longer lines are no comment.
const modelineSize = 2 << 10

var (
	emacs     = regexp.MustCompile(`-\*-\s*(.+?)\s*-\*-`)
	emacsMode = regexp.MustCompile(`(?i:mode)\s*:\s*([^\s;]+)`)
	vim       = regexp.MustCompile(`(?m)(?:^|\s)(?:vi(?:m[<=>]?\d+|m)?|ex)\s*:\s*(.*)$`)
	vimType   = regexp.MustCompile(`(?i:filetype|ft|syntax)\s*=(\w+)(?:\s|:|$)`)
)

// modeline gives the language that a file tells an editor.
func modeline(head []byte) string {
	top := lines(head, modelineLines)
	if l := editorMode(top[:min(len(top), modelineSize)]); l != "" || len(head) >= HeadSize {
		return l // the end of the file is out of sight
	}
	bottom := lastLines(head[len(top):], modelineLines)
	return editorMode(bottom[max(0, len(bottom)-modelineSize):])
}

func editorMode(b []byte) string {
	if bytes.Contains(b, []byte("-*-")) {
		if m := emacs.FindSubmatch(b); m != nil {
			name := m[1]
			if mode := emacsMode.FindSubmatch(name); mode != nil {
				name = mode[1]
			}
			if l, ok := data.LanguageByAlias(string(name)); ok {
				return l
			}
		}
	}
	if bytes.Contains(b, []byte("ft=")) || bytes.Contains(b, []byte("filetype=")) || bytes.Contains(b, []byte("syntax=")) {
		if m := vim.FindSubmatch(b); m != nil {
			if t := vimType.FindSubmatch(m[1]); t != nil {
				if l, ok := data.LanguageByAlias(string(t[1])); ok {
					return l
				}
			}
		}
	}
	return ""
}

// shebang gives the language of the program that a script asks for.
func shebang(head []byte) string {
	if !bytes.HasPrefix(head, []byte("#!")) {
		return ""
	}
	line := lines(head, 1)
	fields := strings.Fields(string(line[2:min(len(line), 256)]))
	if len(fields) == 0 {
		return ""
	}
	program := fields[0][strings.LastIndexByte(fields[0], '/')+1:]
	if program == "env" {
		fields = fields[1:]
		for len(fields) > 1 && (strings.HasPrefix(fields[0], "-") || strings.Contains(fields[0], "=")) {
			fields = fields[1:]
		}
		if len(fields) == 0 {
			return ""
		}
		program = fields[0][strings.LastIndexByte(fields[0], '/')+1:]
	}
	if program == "sh" {
		// A script that starts another interpreter with itself.
		for line := range bytes.SplitSeq(lines(head, modelineLines), []byte("\n")) {
			if rest, ok := bytes.CutPrefix(bytes.TrimSpace(line), []byte("exec ")); ok && bytes.Contains(rest, []byte("$0")) && bytes.Contains(rest, []byte("$@")) {
				program = string(firstWord(rest))
			}
		}
	}
	if found := data.LanguagesByInterpreter[program]; len(found) > 0 {
		return found[0]
	}
	// python3.11, perl5.36
	if found := data.LanguagesByInterpreter[strings.TrimRight(program, "0123456789.")]; len(found) > 0 {
		return found[0]
	}
	return ""
}
