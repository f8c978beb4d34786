// Package source says which repositories there are, and brings mirrors of them to disk.
package source

// Repository is one repository of an ecosystem, before it is read.
type Repository struct {
	// Key names it in results: unique in the ecosystem, relative, with slashes, free of control characters; never a path on disk.
	Key string
	// Dir is the git directory on disk, or the work tree that holds one. "" when there is none yet.
	Dir string
	// URL is where it is cloned from, without user-info; "" for local ones.
	URL string
	// Revision is the branch, tag or commit to read, as the manifest or the person gives it; "" is the default branch.
	Revision string
	// Class is "own" or "third-party", or a class that the ecosystem file declares.
	Class string
	// Subsystem groups repositories in reports; "" if none was given.
	Subsystem string
	// Problem says why the repository cannot be read (absent and offline, unreachable, refused); nil if nothing is known to be wrong.
	Problem error
}

// Window is a period that measures are given for: [From, To) in Unix seconds, UTC.
type Window struct {
	Name     string
	From, To int64
}

// Ecosystem is what a run analyses.
type Ecosystem struct {
	Name          string
	Repositories  []Repository // ordered by Key
	Windows       []Window     // beside the built-in ones
	Organizations []string     // the user's own organizations files, first wins
	Mailmaps      []string
	Bots          []string // patterns of names or addresses of machine accounts
	Warnings      []string // what was odd in manifests and files, for people
}
