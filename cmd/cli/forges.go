package cli

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"orrery/analyzer/report"
	"orrery/analyzer/source"
	"orrery/analyzer/source/forge"
)

// forgeFlags say how forges are asked. Tokens are never among them: arguments can be read by everybody on the machine.
type forgeFlags struct {
	urls, tokenFiles []string
	app              string
	wait             time.Duration
	facts, query     bool
}

func (f *forgeFlags) add(flags *pflag.FlagSet) {
	flags.BoolVar(&f.query, "query", false, "fetch nothing: print the contributors and commits that forges count themselves, for sources of forges alone")
	flags.BoolVar(&f.facts, "forge-facts", false, "ask the forges that repositories lie at for pull requests, reviews and profiles, and keep them in the state")
	flags.StringArrayVar(&f.urls, "forge-url", nil, "another address of a forge's interface, FORGE=URL, as github=https://git.corp.example/api/v3; may be given several times")
	flags.StringArrayVar(&f.tokenFiles, "token-file", nil, "file with a token for a forge, FORGE=FILE, that nobody else may read (default the token in GITHUB_TOKEN, GITEE_TOKEN, GITCODE_TOKEN; GH_ENTERPRISE_TOKEN with --forge-url github=); may be given several times")
	flags.StringVar(&f.app, "github-app", "", "sign in at GitHub as an installation of an App: ID:INSTALLATION:FILE, where the file holds the App's private key")
	flags.DurationVar(&f.wait, "forge-wait", forge.DefaultMaxWait, "longest single wait for a forge's limit; what was answered is kept for the next run")
}

// variables are the names of the environment that hold tokens: of the public interface, and of another one. A token for the one is not sent to
// the other.
func variables(kind forge.Kind, public bool) []string {
	switch {
	case kind == forge.GitHub && public:
		return []string{"GITHUB_TOKEN", "GH_TOKEN"}
	case kind == forge.GitHub:
		return []string{"GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"}
	case public:
		return []string{strings.ToUpper(string(kind)) + "_TOKEN"}
	}
	return nil
}

// apply writes the flags into the options.
func (f *forgeFlags) apply(opts *source.Options, streams Streams) error {
	if f.wait < 0 {
		return usagef("--forge-wait cannot be negative")
	}
	urls, err := byForge("--forge-url", f.urls)
	if err != nil {
		return err
	}
	files, err := byForge("--token-file", f.tokenFiles)
	if err != nil {
		return err
	}
	opts.Forges = map[forge.Kind]forge.Options{}
	for _, kind := range forge.Kinds() {
		o := forge.Options{Base: urls[kind], MaxWait: f.wait, AllowHTTP: opts.AllowHTTP}
		o.Talk = func(text string) { fmt.Fprintln(streams.Err, "orrery: "+report.Printable(source.Redact(text))) }
		app := f.app
		if kind != forge.GitHub {
			app = ""
		}
		switch {
		case app != "" && files[kind] != "":
			return usagef("--github-app and --token-file github= both sign in at GitHub: choose one")
		case app != "":
			id, rest, _ := strings.Cut(app, ":")
			number, file, ok := strings.Cut(rest, ":")
			installation, err := strconv.ParseInt(number, 10, 64)
			if !ok || err != nil {
				return usagef("--github-app: ID:INSTALLATION:FILE is wanted")
			}
			if o.Credential, err = forge.App(id, installation, file); err != nil {
				return usageError{err}
			}
		case files[kind] != "":
			if o.Credential, err = forge.TokenFile(files[kind]); err != nil {
				return usageError{err}
			}
		default:
			for _, name := range variables(kind, urls[kind] == "") {
				if o.Credential, err = forge.Token(os.Getenv(name)); err != nil {
					// Many runs have the variable and ask no forge.
					fmt.Fprintf(streams.Err, "orrery: the variable %s is not used: %v\n", name, err)
				}
				if !o.Credential.IsZero() {
					break
				}
			}
		}
		opts.Forges[kind] = o
	}
	return nil
}

// byForge takes values FORGE=VALUE apart.
func byForge(flag string, values []string) (map[forge.Kind]string, error) {
	all := map[forge.Kind]string{}
	for _, v := range values {
		name, value, _ := strings.Cut(v, "=")
		known := false
		for _, kind := range forge.Kinds() {
			if name == string(kind) && value != "" {
				all[kind], known = value, true
			}
		}
		if !known {
			// Not repeated as a whole: somebody may have put a token there.
			return nil, usagef("%s: FORGE=VALUE is wanted, with one of %v", flag, forge.Kinds())
		}
	}
	return all, nil
}
