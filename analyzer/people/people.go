// Package people turns signatures into persons, and a person at a date into an organization, each step with its evidence.
//
// It is a pure function of facts, mailmaps, the directory of organizations and the user's own files: it reads no git and no clock,
// so a changed organizations file is resolved again in seconds.
package people

import "orrery/analyzer/facts"

// Class says what an address, and so a contribution, is on behalf of. An address class is no employment contract.
type Class uint8

// The classes. Known ones belong to an organization; the others are the unknown part U of every share, but for Bot and Agent, which are
// outside every total and shown beside it.
const (
	Unknown    Class = iota // a domain or a person that nothing is known of
	Employer                // an address of a company or of a subsidiary
	Contractor              // an address that a client gives to people of its suppliers
	Academic                // a university or research institute
	Community               // a foundation or a project
	Country                 // the organizations of a jurisdiction, where they are rolled up to it
	Personal                // a free-mail or private address
	NoReply                 // an address that a forge makes up
	Invalid                 // no address, a placeholder, or one that cannot be repaired
	Withheld                // of a person who does not want to be told apart
	Bot                     // a machine account
	Agent                   // an AI agent
	NumClasses = iota
)

// String gives the class as tables print it.
func (c Class) String() string {
	return [...]string{"unknown", "employer", "contractor", "academic", "community", "country", "personal", "no-reply", "invalid", "withheld", "bot", "agent"}[c]
}

// Known says whether a contribution of the class counts for an organization.
func (c Class) Known() bool { return c >= Employer && c <= Country }

// Machine says whether the class is outside of every total.
func (c Class) Machine() bool { return c == Bot || c == Agent }

// NoOrganization is the index of no organization.
const NoOrganization = -1

// Organization is one node of the directory that the facts mention.
type Organization struct {
	Name    string // the name that people use, unique
	Class   Class  // Employer, Contractor, Academic, Community, or Country
	Country string // ISO 3166-1 alpha-2 of its seat, "" if not known
	Client  int    // for Contractor: index of the client; else NoOrganization
	Parent  int    // index of the parent at the end of the period, or NoOrganization
}

// Person is one human or machine, made of one or more signatures.
type Person struct {
	// Key is stable for the same signatures whatever else is resolved: the smallest normalized address of the person, or its name if it
	// has none. Personal data, never printed.
	Key string
	// Pseudonym is what outputs print: a keyed hash of Key.
	Pseudonym string
	// Name is the most frequent spelling; printed only with --names.
	Name string
	// Machine is Unknown for people, Bot or Agent for machines.
	Machine Class
	// Withheld says that these are all who do not want to be told apart.
	Withheld bool
}

// Attribution is the answer to "on whose behalf", with its evidence.
type Attribution struct {
	Organization int    // index into Resolution.Organizations, or NoOrganization
	Class        Class  // Known() exactly when Organization is not NoOrganization
	Evidence     uint32 // index into Resolution.Evidence
}

// Evidence says why an attribution or a join holds.
type Evidence struct {
	Rule       string // key of the rule: "domain", "mailmap", "no-reply", "same-name", ...
	Source     string // file and line, or the directory's own source of the statement
	Confidence string // "high", "medium", "low"
	// Where is the file and line of the statement, and When the period that it is for; "" where a rule needs none, and for always.
	Where, When string
}

// Reference names a signature: one of Repositories' rows, as passed to Resolve.
type Reference struct {
	Repository int
	Signature  uint32 // into facts.Repository.Signatures
}

// Join is one edge: why two signatures are one person's.
type Join struct {
	From, To Reference
	Evidence uint32 // index into Resolution.Evidence
}

// Resolution is the outcome for a set of repositories. Immutable, for many goroutines.
type Resolution struct {
	Persons       []Person       // ordered by Key
	Organizations []Organization // ordered by Name; only those that the facts mention, with their clients and parents
	Evidence      []Evidence

	// Person gives for every repository (as passed to Resolve) and signature the index into Persons.
	Person [][]uint32
	// Address and Name give, as Person does, dense indices (from 0) of the distinct normalized addresses and names: contributors are given
	// as a range of persons, addresses, names and pairs of both.
	Address, Name [][]uint32

	// Joined counts the signatures that each rule has joined to another one's person: the joins, by rule.
	Joined map[string]int
	// Joins are the edges that made persons of signatures, strongest rules first: a spanning tree of every person, without the same
	// signature standing in several repositories.
	Joins []Join

	// Repositories are what the answers are about and what is to be measured: those passed to Resolve, with the signatures of co-authors and,
	// where commits were dealt out, with their authors. Rows mean the same in both.
	Repositories []*facts.Repository
	// Credits are by repository the commits that count for co-authors too, in order of commits; nil unless that is the policy.
	Credits [][]Credit
	// CoAuthorship counts what commits say of co-authors.
	CoAuthorship CoAuthorship
	// Mentioned tells who [Options.Mentions] are.
	Mentioned []Mentioned

	attribute func(repo int, signature uint32, when facts.Time) Attribution
	mention   func(i int, when facts.Time) Attribution
}

// Attribute says on whose behalf a signature of a repository acted at a moment. Safe for many goroutines.
func (r *Resolution) Attribute(repo int, signature uint32, when facts.Time) Attribution {
	return r.attribute(repo, signature, when)
}

// AttributeMention says on whose behalf a person whom a file or a message names acted at a moment. Safe for many goroutines.
func (r *Resolution) AttributeMention(i int, when facts.Time) Attribution { return r.mention(i, when) }

// NewResolution gives r the function that answers [Resolution.Attribute]: pure, and safe for many goroutines. For what resolves, and for
// tests of what stands behind it.
func NewResolution(r Resolution, attribute func(repo int, signature uint32, when facts.Time) Attribution) *Resolution {
	r.attribute = attribute
	return &r
}
