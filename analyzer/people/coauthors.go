package people

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"orrery/analyzer/facts"
)

// CoAuthors is what a commit counts for beside its author: for those whom lines `Co-authored-by: Name <address>` of its message name.
type CoAuthors string

// The policies. git shortlog and gitdm count authors alone; GitHub, and git shortlog --group=trailer:co-authored-by, count each.
const (
	CoAuthorsAuthor CoAuthors = "author" // the author alone
	// CoAuthorsEach gives every co-author the commit too, without its lines: nobody knows which of them wrote which.
	CoAuthorsEach CoAuthors = "each"
	// CoAuthorsSplit deals every commit, with its lines, to one of its authors: by its id, so that it is the same one in every run and in every
	// repository that holds it. Over many commits each of n authors has about one of n.
	CoAuthorsSplit CoAuthors = "split"
)

// CoAuthorPolicies lists them, the default first.
func CoAuthorPolicies() []string {
	return []string{string(CoAuthorsAuthor), string(CoAuthorsEach), string(CoAuthorsSplit)}
}

// Credit is a commit that counts for a co-author.
type Credit struct {
	Commit    uint32 // into facts.Repository.Commits
	Signature uint32 // into facts.Repository.Signatures of Resolution.Repositories
}

// CoAuthorship counts what commits say of co-authors, merges left out and each id once. It is the same under every policy.
type CoAuthorship struct {
	Commits  int `json:"commits"`  // that name a person, by another address than the author's
	People   int `json:"people"`   // lines that name one, a person once in a commit
	Machines int `json:"machines"` // lines that name AI tools or bots: never persons, and nothing counts for them
	Unusable int `json:"unusable"` // lines without the address of one person: nobody is guessed
	// Squashed counts commits that stand for several: whose message lists subjects, or that name several persons beside the author.
	Squashed int `json:"squashed"`
}

// maxCoAuthors bounds those of one commit; a message of a thousand is an attack.
const maxCoAuthors = 100

// coAuthors is what repositories say of them.
type coAuthors struct {
	repositories []*facts.Repository // with the signatures of co-authors behind the others
	named        [][]Credit          // by repository, then by commit
	counts       CoAuthorship
}

// gatherCoAuthors reads the lines of messages. Unless the policy asks for co-authors, repositories stay what they are.
func gatherCoAuthors(repositories []*facts.Repository, opts *Options, d *Directory) *coAuthors {
	out := &coAuthors{repositories: repositories, named: make([][]Credit, len(repositories))}
	wanted := opts.CoAuthors == CoAuthorsEach || opts.CoAuthors == CoAuthorsSplit
	if wanted {
		out.repositories = slices.Clone(repositories)
	}
	bots := botPatterns(opts.Bots)
	type reading struct {
		signature facts.Signature
		class     Class
		ok        bool
	}
	read := map[string]reading{} // by value of the line
	seen := map[facts.ID]bool{}
	for i, repository := range repositories {
		numbers := map[facts.Signature]uint32{}
		signatures := repository.Signatures
		for k := range repository.Commits {
			c := &repository.Commits[k]
			if c.IsMerge() || c.Trailers.Len() == 0 {
				continue
			}
			var people []string // addresses
			machines, unusable, listed := 0, 0, 0
			author := ""
			for _, line := range repository.Trailers[c.Trailers.Lo:c.Trailers.Hi] {
				if line.Key == facts.SquashedSubject {
					listed++
				}
				if !strings.EqualFold(line.Key, "Co-authored-by") || len(people) == maxCoAuthors {
					continue
				}
				r, ok := read[line.Value]
				if !ok {
					name, email, _ := strings.Cut(strings.TrimSuffix(strings.TrimSpace(line.Value), ">"), "<")
					r.signature = facts.Signature{Name: strings.TrimSpace(name), Email: strings.TrimSpace(email)}
					a := parseAddress(r.signature.Email, d)
					r.class, _, _ = d.machine(r.signature.Name, a.text, bots)
					r.ok = a.form == valid && r.class == Unknown && strings.Contains(a.text, "@")
					if r.ok {
						r.signature.Email = a.text
					}
					read[line.Value] = r
				}
				switch {
				case r.class != Unknown:
					machines++
				case !r.ok:
					unusable++
				default:
					if author == "" {
						author = parseAddress(repository.Signatures[c.Author].Email, d).text
					}
					if r.signature.Email == author || slices.Contains(people, r.signature.Email) {
						continue
					}
					people = append(people, r.signature.Email)
					if !wanted {
						continue
					}
					if len(numbers) == 0 {
						for n, s := range repository.Signatures {
							numbers[s] = uint32(n)
						}
						signatures = slices.Clip(signatures)
					}
					n, ok := numbers[r.signature]
					if !ok {
						n = uint32(len(signatures))
						numbers[r.signature] = n
						signatures = append(signatures, r.signature)
					}
					out.named[i] = append(out.named[i], Credit{uint32(k), n})
				}
			}
			if len(people)+machines+unusable+listed == 0 || seen[c.ID] {
				continue
			}
			seen[c.ID] = true
			out.counts.People += len(people)
			out.counts.Machines += machines
			out.counts.Unusable += unusable
			if len(people) > 0 {
				out.counts.Commits++
			}
			if listed > 1 || len(people) > 1 {
				out.counts.Squashed++
			}
		}
		if len(signatures) > len(repository.Signatures) {
			with := *repository
			with.Signatures = signatures
			out.repositories[i] = &with
		}
	}
	return out
}

// settle leaves out who turned out to be the author, or somebody named before, and does what the policy says. A machine's commits are
// outside of every total, and stay there whoever is named beside it.
func (r *resolver) settle(c *coAuthors) {
	r.out.Repositories, r.out.CoAuthorship = c.repositories, c.counts
	if r.opts.CoAuthors == CoAuthorsEach {
		r.out.Credits = make([][]Credit, len(c.named))
	}
	for i, named := range c.named {
		repository := c.repositories[i]
		var dealt []facts.Commit
		for lo, hi := 0, 0; lo < len(named); lo = hi {
			commit := &repository.Commits[named[lo].Commit]
			for hi < len(named) && named[hi].Commit == named[lo].Commit {
				hi++
			}
			if r.identities[r.of[i][commit.Author]].machine != Unknown {
				continue
			}
			all := []uint32{commit.Author}
			persons := []uint32{r.out.Person[i][commit.Author]}
			for _, credit := range named[lo:hi] {
				person := r.out.Person[i][credit.Signature]
				if r.out.Persons[person].Machine == Unknown && !slices.Contains(persons, person) {
					all, persons = append(all, credit.Signature), append(persons, person)
				}
			}
			if r.opts.CoAuthors == CoAuthorsEach {
				for _, signature := range all[1:] {
					r.out.Credits[i] = append(r.out.Credits[i], Credit{named[lo].Commit, signature})
				}
				continue
			}
			if to := all[binary.BigEndian.Uint32(commit.ID[:4])%uint32(len(all))]; to != commit.Author {
				if dealt == nil {
					dealt = slices.Clone(repository.Commits)
				}
				dealt[named[lo].Commit].Author = to
			}
		}
		if dealt != nil {
			with := *repository
			with.Commits = dealt
			r.out.Repositories[i] = &with
		}
	}
}

func (o *Options) checkCoAuthors() error {
	if o.CoAuthors != "" && !slices.Contains(CoAuthorPolicies(), string(o.CoAuthors)) {
		return fmt.Errorf("resolving people: no policy %q for co-authors; there are: %s", o.CoAuthors, strings.Join(CoAuthorPolicies(), ", "))
	}
	return nil
}

// botPatterns are patterns of machine accounts that options name.
func botPatterns(patterns []string) []machine {
	bots := make([]machine, len(patterns))
	for i, pattern := range patterns {
		bots[i] = machine{class: Bot, source: "option"}
		if pattern = strings.ToLower(pattern); strings.Contains(pattern, "@") {
			bots[i].address = pattern
		} else if pattern == "" {
			bots[i].name = "\x00" // an empty pattern means nobody, not everybody
		} else {
			bots[i].name = pattern
		}
	}
	return bots
}
