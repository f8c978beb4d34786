// Package facts holds what git says about a repository, as columns, with nothing resolved.
//
// The history engine fills a [Repository]; everything behind it (people, measures, reports) reads facts and never git.
// Signatures stand here as they were written, so a Repository is personal data: it is never printed as it is.
//
// All slices are immutable once the engine has returned them and may be read by many goroutines at once.
package facts

import (
	"encoding/hex"
	"math"
	"time"
)

// ID is the name of a git object: a SHA-1, 20 bytes.
type ID [20]byte

// String gives the 40 lower-case hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// IsZero says whether id is all zeros, the name of no object.
func (id ID) IsZero() bool { return id == ID{} }

// None is the index of nothing, in every column that points into another one.
const None = math.MaxUint32

// Span is a half-open range [Lo, Hi) of rows in another column.
type Span struct{ Lo, Hi uint32 }

// Len gives the number of rows.
func (s Span) Len() int { return int(s.Hi - s.Lo) }

// Repository is one repository as git tells it, read at one commit.
type Repository struct {
	// Key names the repository in its ecosystem; unique there.
	Key string
	// Branch is the full name of the reference that was read ("refs/heads/master"), "" for a bare revision.
	Branch string
	// Head is the commit that the history was read from. Zero when the repository is empty.
	Head ID
	// Shallow is true when history ends at commits whose parents were never fetched.
	Shallow bool

	// Commits reachable from Head, parents before children; ties by committer date, then by id.
	Commits []Commit
	// Parents holds the rows of the parents of every commit, in the commit's order, named twice where it names one twice.
	Parents []uint32
	// Signatures are the distinct (name, e-mail) pairs, as written, in order of first use.
	Signatures []Signature
	// Paths are distinct and relative to the root, with slashes, as the raw bytes of the tree.
	Paths []string
	// Changes are the rows of `git log --numstat -M` of non-merge commits: commit after commit, paths ascending.
	Changes []Change
	// Steps are the commits along first parents from the root to Head, oldest first, each with the snapshot it leaves.
	Steps []Step
	// Survival tells by step, path and commit how the number of its lines in the snapshot changes: the sum up to a step is what lives of it
	// then. Empty unless ownership was asked for.
	Survival []Survival
	// Contents tell of every path what its last content says about it: parallel to Paths.
	Contents []Content
	// Languages are the names that Contents point into; the first is "".
	Languages []string
	// Documents are files that tell about the repository itself, such as attributes and lists of owners, at every month's end along first
	// parents: by path, then by step.
	Documents []Document
	// Trailers are the lines `Key: value` of messages, commit after commit, in the message's order, duplicates kept; and the subjects that the
	// message of a squash merge lists, under the key [SquashedSubject].
	Trailers []Trailer
	// Skips lists what could not be measured, each with a reason; their lines are in no sum.
	Skips []Skip
	// Walk counts what came in and what went out.
	Walk Walk
	// Plan is how the versions of files hang together; nil unless it was asked for. Measures do not need it: it is what a later reading
	// starts from, so that it only reads what is new.
	Plan *Plan
	// Notes say what is special about the repository: shallow, partial, replacements, damaged packs. For people; no names or addresses.
	Notes []string
}

// Commit is one commit, as git reads it.
type Commit struct {
	ID                  ID
	Parents             Span   // into Repository.Parents
	Changes             Span   // into Repository.Changes; empty for merges
	Trailers            Span   // into Repository.Trailers
	Author, Committer   uint32 // into Repository.Signatures
	Authored, Committed Time
	Step                uint32 // into Repository.Steps, None off the first-parent chain
	Subject             string // first paragraph on one line, as UTF-8 as far as it can be decoded
}

// IsMerge says whether the commit names more than one parent, as git counts them.
func (c *Commit) IsMerge() bool { return c.Parents.Len() > 1 }

// Time is a moment as a commit gives it.
type Time struct {
	// Unix is in seconds since 1970, UTC; 0 when Valid is false.
	Unix int64
	// Zone is in minutes east of UTC, as written.
	Zone int16
	// Valid is false when git itself can read no date, or reads one before 1990. (A date after the day of the fetch is
	// for the measures to judge: they know that day.)
	Valid bool
}

// UTC gives the moment in UTC.
func (t Time) UTC() time.Time { return time.Unix(t.Unix, 0).UTC() }

// Signature is who a commit says wrote or committed it, in the bytes git takes for name and address.
type Signature struct {
	// Name and Email are decoded to UTF-8 where the commit names an encoding that is known, else raw bytes.
	Name, Email string
}

// Kind says what a change did to its path.
type Kind uint8

// The kinds of changes.
const (
	Modified Kind = iota // content or mode differ
	Added                // the path is new
	Deleted              // the path is gone
	Renamed              // the content came from OldPath, by git's -M
)

// String gives the kind in lower case.
func (k Kind) String() string { return [...]string{"modified", "added", "deleted", "renamed"}[k] }

// Type says what the entry is; of a change that switches types, the newer one.
type Type uint8

// The types of tree entries that changes are made of.
const (
	File Type = iota
	Symlink
	Submodule // a link to a commit of another repository: one line in git's numstat, none in a snapshot here
)

// Change is one row of numstat.
type Change struct {
	Commit uint32 // into Repository.Commits
	Path   uint32 // into Repository.Paths: the new path, for deletions the old one
	Old    uint32 // into Repository.Paths: where the content was before; equal to Path but for renames
	// Added and Removed are in lines, as git counts them (an incomplete last line is a line); 0 if Binary or skipped.
	Added, Removed uint32
	// LinesBefore and LinesAfter are the text lines of the file on both sides; 0 where there is none or it is binary.
	LinesBefore, LinesAfter uint32
	Kind                    Kind
	Type                    Type
	Binary                  bool   // git prints "-"
	Skip                    Reason // not Measured: the row exists, its lines are unknown
}

// Step is one commit along first parents with the snapshot that it leaves.
type Step struct {
	Commit uint32 // into Repository.Commits
	// Clock is the running maximum of committer dates along first parents: Unix seconds, never stepping back.
	Clock int64
	// Added and Removed are in lines against the first parent's tree (the empty tree for a root): text lines of files and symbolic
	// links. A file that turns binary loses all its lines here. So Lines = previous Lines + Added - Removed, always.
	Added, Removed uint64
	// Lines and Files count the snapshot: text lines, and files with symbolic links (binary ones too, submodules not).
	Lines, Files uint64
	// Unreadable counts files of the snapshot whose lines are unknown: in Files, not in Lines.
	Unreadable uint64
}

// Survival is the change in the lines of one commit that stand in one file of the snapshot, by one step along first parents. Who wrote a
// line is what git blame says, renames of whole files followed. Over all commits, the changes of a step add up to its Added - Removed.
type Survival struct {
	Step   uint32 // into Repository.Steps
	Path   uint32 // into Repository.Paths
	Commit uint32 // into Repository.Commits: who wrote the lines; None where what stood before could not be read
	Lines  int32  // never 0
}

// Content is what the last content that a path had, on any branch, tells of it.
type Content struct {
	Language  uint16 // into Repository.Languages; 0 where none is known
	Binary    bool   // by git's rule
	Generated bool   // a mark in it says that a program wrote it
	Known     bool   // false where it could not be read: all else is by name then
}

// Document is what a file says from one step on, until the next one of the same path.
type Document struct {
	Path    uint32 // into Repository.Paths
	Step    uint32 // into Repository.Steps
	Content []byte // nil where the file is gone, or cannot be read
}

// Plan is how the versions of the files of a [Repository] hang together.
type Plan struct {
	// Versions are files as commits made them: commit after commit.
	Versions []Version
	// Parents holds the rows of the versions that each version was made from, one for each parent of its commit; None where there was no
	// such file.
	Parents []uint32
	// Ends are the versions before and after each change: parallel to Repository.Changes.
	Ends []Ends
	// Events are what changes along first parents where that is not what the changes of the commit say: step after step.
	Events []Event
	// Limited counts the commits with too many files to look for changed renames.
	Limited int
}

// Version is a file as one commit made it.
type Version struct {
	Commit, Path uint32 // into Repository.Commits and Repository.Paths
	Blob         ID     // of a submodule, the commit that it stands at
	Parents      Span   // into Plan.Parents
	Lines        uint32 // 0 if binary, a submodule or unknown
	Type         Type
	Executable   bool
	Binary       bool
	Silent       bool   // what stood here before could not be read, so that this is no change that anybody made
	Skip         Reason // why its content is unknown
}

// Ends are the versions before and after a change; None where there is none.
type Ends struct{ From, To uint32 } // into Plan.Versions

// Event is a change of one file by a step along first parents.
type Event struct {
	Step           uint32 // into Repository.Steps
	From, To       uint32 // into Plan.Versions, None where there is none
	Added, Removed uint32 // lines
}

// SquashedSubject is the key of the lines `* subject` in messages whose own subject ends with the number of a request, as `(#123)`: how
// forges write down which commits a squash merge stands for.
const SquashedSubject = "*"

// Trailer is one `Key: value` line of a message, as written. Whether it stands in the block that git calls trailers, or in the body as
// forges write them, is told by InBlock.
type Trailer struct {
	Key, Value string
	InBlock    bool
}

// Reason says why something was not measured.
type Reason uint8

// The reasons.
const (
	Measured   Reason = iota
	Missing           // the object is not in the repository: partial clone, or lost
	Corrupt           // the object cannot be decoded, or is not what its name says
	TooLarge          // the object is above the cap on one object's size
	TooDeep           // a chain of deltas or folders above its cap
	numReasons = iota
)

// String gives the reason as reports print it.
func (r Reason) String() string {
	return [...]string{"measured", "missing", "corrupt", "too large", "too deep"}[r]
}

// Skip is something that could not be measured.
type Skip struct {
	Reason Reason
	Object ID     // the object that is at fault
	Commit uint32 // into Repository.Commits, the first that needs it; None if a commit itself is at fault
	Path   uint32 // into Repository.Paths; None for commits and trees
	Rows   uint32 // how many changes this takes lines from
	Detail string // for people; holds no names or addresses
}

// Walk counts the commits of a repository: Commits = Merges + Measured + Partial.
type Walk struct {
	Commits  int // reachable from Head and readable
	Merges   int // more than one parent: in no sum of changes
	Measured int // non-merge commits, every row read
	Partial  int // non-merge commits with a row or a tree that could not be read
	Missing  int // parents named by commits, but absent or unreadable: outside Commits
}
