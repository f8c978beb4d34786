// Package source says which repositories there are, and brings mirrors of them to disk.
//
// [Resolve] turns the arguments of a person into an [Ecosystem]. An argument (a SOURCE) is one of
//
//	PATH                           a git repository, bare or with a work tree; or a folder that holds several, searched
//	                               [SearchDepth] levels deep, symbolic links not followed
//	https://HOST/OWNER/NAME        a git repository, mirrored bare: branches and tags only (http:// and ssh:// on request)
//	FILE.xml                       a repo manifest; its includes are read from the top of the work tree that holds it
//	manifest:LOCATION[#FILE][@REV] a repo manifest in a git repository at an address or a path: FILE (default.xml) at the branch, tag
//	                               or commit REV (the default branch). "manifest:LOCATION#@REV" chooses the revision alone
//	github:OWNER[/REPO]            all public repositories of an owner at GitHub, or one; so gitee: and gitcode: (package forge)
//	community:LOCATION[#OWNER][@REV] a community repository, as openEuler's, that lists the repositories of OWNER (openeuler)
//	FILE.yaml, FILE.yml            an ecosystem file; ecosystems/example.yaml documents every key
//	openharmony, openeuler         a built-in ecosystem file; write ./openharmony for a folder of that name
//
// Everything that manifests and servers say is untrusted. Names and paths from them never become paths on disk: the folder of a
// mirror is derived by us. Only https is spoken unless the person asks for more, no other host is followed, and
// private addresses are refused unless the person named the host. A repository that its server does not show to everybody is asked for with the
// token of the forge that it lies at (Options.Forges), by https; its mirror can be read by its owner alone.
//
// # Mirrors
//
// A mirror is a bare repository in Options.MirrorsDir. It appears by one rename, complete and flushed to disk; a later fetch adds its
// pack before it replaces all references by one rename. Mirrors that other tools made are read as they are, never fetched into: where
// our own folder is absent, the first of these that is a git repository is taken,
//
//	HOST/OWNER/NAME.git   OWNER/NAME.git   OWNER+NAME/repo   NAME.git   NAME
//
// unless two different repositories of the ecosystem would share it: then neither takes it, because a name is no proof.
package source

import (
	"context"
	"errors"
	"strings"
	"time"

	"orrery/analyzer/facts"
	"orrery/analyzer/paths"
	"orrery/analyzer/source/forge"
)

// Repository is one repository of an ecosystem, before it is read.
type Repository struct {
	// Key names it in results: unique in the ecosystem, relative, with slashes, free of control characters; never a path on disk.
	Key string
	// Dir is the git directory on disk. "" when there is none yet.
	Dir string
	// URL is where it is cloned from, without user-info; "" for local ones.
	URL string
	// Revision is the branch, tag or commit to read, as the manifest or the person gives it; "" is the default branch.
	Revision string
	// Class is "own" or "third-party", or a class that the ecosystem file declares.
	Class string
	// Subsystem groups repositories in reports; "" if none was given.
	Subsystem string
	// Archived and Fork are what the forge tells that listed it. A fork has the class "third-party", unless a file says otherwise.
	Archived, Fork bool
	// Spells are when it belonged to the ecosystem, as far as the history of a list tells: ascending, apart from each other. nil if none does:
	// then it belongs for ever, as it is listed today.
	Spells []Spell
	// Formerly are earlier names in that list, the oldest first: one name left and the other came with the same commit, at the same place.
	Formerly []string
	// Former says that it has left: no list names it any more.
	Former bool
	// Problem says why the repository cannot be read (absent and offline, unreachable, refused); nil if nothing is known to be wrong.
	// A source that could not be read at all (a broken manifest, say) stands in the list as one Repository with a Problem, so that it is
	// reported and never lost.
	Problem error
	// Stale says why an existing mirror could not be fetched anew. It can be read, as of its last fetch. nil if it is up to date, or if
	// nobody asked (offline, local, made by another tool).
	Stale error
}

// OwnerAndName is what forges call the repository, "openeuler/iSulad", as far as its address or its folder tells; else its key.
func (r *Repository) OwnerAndName() string {
	for _, place := range [...]string{r.URL, r.Dir} {
		place = strings.TrimSuffix(strings.TrimSuffix(place, "/"), ".git")
		if mirror, ok := strings.CutSuffix(place, "/repo"); ok {
			place = strings.ReplaceAll(mirror, "+", "/")
		}
		if parts := strings.FieldsFunc(place, func(c rune) bool { return c == '/' || c == ':' || c == '\\' }); len(parts) > 2 {
			return parts[len(parts)-2] + "/" + parts[len(parts)-1]
		}
	}
	return r.Key
}

// Place is where it lies, as forges call it: the forge as far as its address tells.
func (r *Repository) Place() facts.Place {
	p := facts.Place{Name: r.OwnerAndName()}
	if a, _, err := parseAddress(r.URL); err == nil {
		p.Forge = forge.NameOf(a.host)
	}
	return p
}

// Window is a period that measures are given for: [From, To) in Unix seconds, UTC.
type Window struct {
	Name     string
	From, To int64
}

// Ecosystem is what a run analyses.
type Ecosystem struct {
	Name          string
	Repositories  []Repository // ordered by Key; former ones only where there is a mirror of them
	Left          []Repository // former ones that cannot be read: ordered by Key
	Rolls         []Roll       // what tells who belonged when; none if nothing does
	Windows       []Window     // beside the built-in ones
	Organizations []string     // the user's own organizations files, first wins
	Mailmaps      []string
	OptOut        []string
	Governance    []string // files of what no repository states
	Teams         []Team
	Alerts        []Alert
	Bots          []string // patterns of names or addresses of machine accounts
	CoAuthors     string   // the policy for co-authors; "" for none stated
	Rules         []string // switches of rules about people, as [people.ParseRules] reads them
	Paths         []PathRule
	Bulk          []BulkRule
	Warnings      []string // what was odd in manifests and files, for people
}

// Team says that somebody is of a team.
type Team struct{ Name, Member string } // "@org/team"; an address or a login

// Alert is a threshold that an ecosystem file sets.
type Alert struct {
	Expression string
	Place      string // file, line and column
}

// PathRule gives the files that fit a pattern a class, in the repositories whose keys fit another.
type PathRule struct {
	Repository string // pattern of keys, as those of include
	paths.Rule
}

// Fits says whether the rule is for the repository of that key.
func (r *PathRule) Fits(key string) bool { return matchKey(r.Repository, key) }

// BulkRule says of a commit whether it is a bulk import, in the repositories whose keys fit a pattern.
type BulkRule struct {
	Repository string // pattern of keys, as those of include
	Commit     string // id or its beginning, lower-case hexadecimal
	Is         string // "import", "work", or "upstream": it and all before it
	Reason     string // for people
	Place      string // file, line and column
}

// Fits says whether the rule is for the repository of that key.
func (r *BulkRule) Fits(key string) bool { return matchKey(r.Repository, key) }

// What went wrong, for callers that decide by it. Use errors.Is.
var (
	// ErrUsage: an argument or an ecosystem file is wrong; Resolve gives up.
	ErrUsage = errors.New("wrong usage")
	// ErrAbsent: there is no mirror and nothing may be fetched.
	ErrAbsent = errors.New("no mirror")
	// ErrRefused: an address, a name or an answer is against the rules of this package.
	ErrRefused = errors.New("refused")
	// ErrUnreachable: the server did not give the repository: network, time limits, not found, no access, not a git answer.
	ErrUnreachable = errors.New("unreachable")
	// ErrEmpty: the remote repository has no branch and no tag.
	ErrEmpty = errors.New("empty repository")
	// ErrUnreadable: what is on disk, or the manifest, cannot be read.
	ErrUnreadable = errors.New("unreadable")
)

// Limits of one repository's transfer. A zero field takes its default.
type Limits struct {
	Idle  time.Duration // longest silence of a server; default 2 minutes
	Total time.Duration // longest transfer, waiting for another run's lock included; default 3 hours
	Bytes int64         // largest pack received at once; default 64 GiB
}

// Options of Resolve. The zero value mirrors into the user's cache folder, by https alone, four repositories at a time.
type Options struct {
	MirrorsDir string // "": the folder orrery/mirrors in the user's cache folder
	Offline    bool   // fetch nothing; what has no mirror gets a Problem
	AllowHTTP  bool   // http:// as well as https://
	AllowSSH   bool   // ssh:// and user@host:path, with the user's agent and known hosts
	Former     bool   // fetch repositories that have left as well; without it they are read where there is a mirror
	Workers    int    // repositories fetched at once; default 4
	Limits     Limits

	// Forges says how each forge is asked: one that is not here at its public address, without signing in.
	Forges map[forge.Kind]forge.Options
	// ForgesDir keeps what forges answered; "": the folder orrery/forges in the user's cache folder.
	ForgesDir string
	// ListsDir keeps the histories of manifests and community repositories, so that only what is new of them is read; "": nothing is kept.
	ListsDir string

	// Check is shown the ecosystem before anything of it is fetched (but the repository that a manifest comes from); an error stops Resolve
	// with that error.
	Check func(*Ecosystem) error
	// Plan is told what is about to be fetched, once, before the first repository is; an error stops Resolve with that error. The one
	// repository that a manifest comes from is fetched earlier, because the plan depends on it.
	Plan func(Plan) error
	// Progress is told of every step, one call at a time.
	Progress func(Progress)
}

// Plan is what Resolve is about to do, in repositories: Repositories = Local + Foreign + Clone + Fetch + Keep + Absent + Refused.
type Plan struct {
	Repositories int
	Local        int // given as paths
	Foreign      int // mirrors of other tools, read as they are
	Clone        int // to be brought for the first time
	Fetch        int // mirrored before, to be brought up to date
	Keep         int // mirrored before, offline: read as they are
	Absent       int // neither mirrored nor to be fetched, because of Offline
	Refused      int // have a Problem already
	UnknownSizes int // of Clone, how many have a size that nobody knows before it is fetched: git servers do not tell
	NeedBytes    int64
	FreeBytes    int64 // free on the disk of MirrorsDir; -1 if that is unknown
	MirrorsDir   string
}

// Progress is one step of the mirroring of one repository.
type Progress struct {
	Key         string
	Bytes       int64 // of pack data received so far
	Finished    bool  // the repository is done, for good or bad
	Done, Total int   // repositories
	Err         error // with Finished: why it was not fetched
}

// SearchDepth is how many levels below a folder repositories are searched for.
const SearchDepth = 5

// Resolve says which repositories args name, and mirrors the remote ones. The problems of one repository are values in the result and never
// stop the others. It returns an error only if an argument or an ecosystem file is wrong (ErrUsage), the folder of mirrors cannot be made,
// Options.Plan refuses, or ctx ends.
func Resolve(ctx context.Context, args []string, opts Options) (*Ecosystem, error) {
	r, err := newResolver(opts)
	if err != nil {
		return nil, err
	}
	d, err := r.arguments(ctx, args)
	if err != nil {
		return nil, err
	}
	e := d.ecosystem()
	if opts.Check != nil {
		if err := opts.Check(e); err != nil {
			return nil, err
		}
	}
	if err := r.mirrorAll(ctx, e, d.list); err != nil {
		return nil, err
	}
	return e, nil
}
