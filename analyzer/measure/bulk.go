package measure

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"math"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"orrery/analyzer/facts"
	"orrery/analyzer/paths"
	"orrery/analyzer/people"
)

// What makes a bulk import: a commit brings what was not written as work on this repository, for one of the reasons below. Size alone shows
// it in the largest commits only: the logarithms of sizes spread so widely that three deviations (by the median absolute one) above the median
// are 1,800 lines in one repository and 34,700 in another, so no statistic of sizes sets imports apart. Smaller commits need evidence beside.
//
// The figures come from commits of eight repositories of OpenHarmony, openEuler, Redis and git that were read one by one, with their subjects and
// files, and were then tried on others; the README says how often they were right.
const (
	// bulkLines is the least that is looked at: below, evidence is by chance too often, and shares hardly change.
	bulkLines = 1_000
	// bulkWeak is the least where the evidence is weaker: a licence beside the files, words of the subject, as many lines lost as won, an
	// all but empty repository before.
	bulkWeak = 2_000
	// bulkMass is a number of lines in new files that nobody writes for one commit. Between 5,000 and 10,000, new files without other
	// evidence were work (features with their tests) in 25 of 45 commits that were read: to set them apart would be
	// wrong more often than right. Changed files do not count: large edits are renamings and reformatting, which bring nothing from elsewhere.
	bulkMass = 10_000
	// bulkMost is the percentage of a commit's added lines that must be of a kind. Imports touch build files beside.
	bulkMost = 80
	// bulkEven is the least percentage that the removed lines are of the added ones, or the other way round, where code moves between files.
	bulkEven = 85

	bulkRule = "1,000 added lines or more, 80 % of them in vendored or generated files, or in new files of a name and length that stood elsewhere before; 2,000 or more that the subject calls an import, a synchronized or a new version, that hold a licence of their own, replace as many removed ones, or meet an empty repository; 10,000 or more in new files; squashed or joined history of others; upstream's history in a third-party repository; corrected by hand where the ecosystem says so"
)

// Reasons of bulk imports, the strongest first.
const (
	BulkCorrected = "corrected"        // by hand
	BulkUpstream  = "upstream history" // of a third-party repository, from before it was taken over and merged since
	BulkSubtree   = "subtree"          // history of another root, from before it was joined; or squashed by git subtree
	BulkVendored  = "vendored folder"  // somebody else's code
	BulkGenerated = "generated dump"   // written by a program
	BulkMoved     = "moved tree"       // moved or copied within the ecosystem
	BulkMass      = "mass addition"    // initial drops, dumps of code written elsewhere
)

// BulkReasons are all reasons, in their order of precedence.
func BulkReasons() []string {
	return []string{BulkCorrected, BulkUpstream, BulkSubtree, BulkVendored, BulkGenerated, BulkMoved, BulkMass}
}

// BulkImport is a commit that is set apart, or the history of somebody else: many commits at once.
type BulkImport struct {
	Repository string
	Commit     facts.ID // of a history, its newest
	Commits    int      // 1, or those of a history
	Authored   facts.Time
	Valid      bool // the date can be believed
	Person     int  // into the resolution's Persons; -1 of a history
	// Organization is an index, or people.NoOrganization if Class is an unknown one, and of a history.
	Organization   int
	Class          people.Class
	Reason         string
	Evidence       string // for people; names no person
	Added, Removed uint64 // lines
	InNewFiles     uint64 // of the lines added
	Files          int    // rows of the log

	// History are all commits of a history; nil of a single commit.
	History []facts.ID

	entry uint32
}

// What a correction makes of a commit.
const (
	IsImport   = "import"   // it is a bulk import
	IsWork     = "work"     // it is none
	IsUpstream = "upstream" // it and all commits before it are upstream's
)

// Correction overrules the detector of bulk imports.
type Correction struct {
	Repositories []string // keys
	Commit       string   // id or its beginning, lower-case hexadecimal, at least 7 digits
	Is           string
	Reason       string // for people
	Place        string // where it is written, for warnings
}

// size is what the detector looks at in every commit.
type size struct {
	added, removed, inNew uint64
	vendored, generated   uint64 // of the lines added
	files                 int
	incomplete            bool
}

func (s *size) add(c *facts.Change, class paths.Class) {
	s.added += uint64(c.Added)
	s.removed += uint64(c.Removed)
	if c.Kind == facts.Added {
		s.inNew += uint64(c.Added)
	}
	switch class {
	case paths.Vendored:
		s.vendored += uint64(c.Added)
	case paths.Generated:
		s.generated += uint64(c.Added)
	}
	s.incomplete = s.incomplete || c.Skip != facts.Measured
	s.files++
}

// translated gives how many of the lines added are in catalogs of translations.
func (r *mined) translated(c *candidate) (lines uint64) {
	for _, change := range r.Changes[r.Commits[c.row].Changes.Lo:r.Commits[c.row].Changes.Hi] {
		switch path.Ext(r.Paths[change.Path]) {
		case ".po", ".pot", ".xlf", ".xliff":
			lines += uint64(change.Added)
		}
	}
	return lines
}

// candidate says whether a commit can be a bulk import on its own.
func (r *mined) candidate(c *facts.Commit, s *size) bool {
	return s.added >= bulkLines || r.squashed(c)
}

// squashed says whether git subtree made the commit, of many that were made elsewhere.
func (r *mined) squashed(c *facts.Commit) bool {
	for _, t := range r.Trailers[c.Trailers.Lo:c.Trailers.Hi] {
		if strings.EqualFold(t.Key, "git-subtree-split") {
			return true
		}
	}
	return false
}

// most says whether part is nearly all of whole.
func most(part, whole uint64) bool { return 100*part >= bulkMost*whole }

// candidate is a commit that is large enough to be looked at.
type candidate struct {
	size
	row     uint32   // of the repository's commits
	telling []uint32 // new files whose name tells something: rows of the repository's changes
	common  uint64   // lines of new files whose name tells nothing
	copied  uint64   // lines of the telling ones that stood elsewhere, in two files or more
	from    string   // key of the repository where
}

// Words of subjects. Each is about something that exists already: a version of it, or code kept elsewhere.
var (
	versionWords = regexp.MustCompile(`(?i)(?:^|[^a-z])(?:import(?:ed)?|upgraded?|update[ds]?|updata|bump(?:ed)?|re-?sync(?:ed)?|sync(?:ed)?|vendor(?:ed)?|squashed|引入|升级|更新)(?:[^a-z].{0,80})?[^0-9.](?:v|version |release )?[0-9]+\.[0-9]+`)
	importWords  = regexp.MustCompile(`(?i)(?:^|[:\])] ?)(?:import|imported|importing|copy|copied) |(?:^|[^a-z])(?:imported|copied) from `)
	syncWords    = regexp.MustCompile(`(?i)(?:^|[^a-z])sync(?:ed|hroni[sz]ed?)?(?: up)? (?:\S+ ){0,2}(?:code|codes|source|sources)(?:$|[^a-z])|(?:^|[:\])] ?)(?:re-?)?sync(?:ed)? (?:\S+ ){0,3}(?:with|from|form|to) |同步.{0,20}代码|代码同步`)
)

// licence says whether a file by this name tells under what terms everything beside it may be used.
func licence(name string) bool {
	name = strings.ToLower(name)
	for _, known := range []string{"license", "licence", "copying", "copyright", "notice", "readme.opensource"} {
		if strings.HasPrefix(name, known) {
			return true
		}
	}
	return false
}

// judge says why a commit is a bulk import, "" if it is none, and what speaks for it.
func (r *mined) judge(c *candidate) (reason, evidence string) {
	percent := func(part uint64) uint64 { return 100 * part / max(c.added, 1) }
	commit := &r.Commits[c.row]
	if r.squashed(commit) {
		return BulkSubtree, "squashed by git subtree"
	}
	if c.added < bulkLines {
		return "", ""
	}
	// All of a third-party repository is vendored: there, the class of a file says nothing about a commit.
	third := r.Class == ThirdParty
	switch {
	case !third && most(c.vendored, c.added):
		return BulkVendored, fmt.Sprintf("%d %% of the lines are in vendored files", percent(c.vendored))
	case most(c.generated, c.added):
		return BulkGenerated, fmt.Sprintf("%d %% of the lines are in generated files", percent(c.generated))
	case most(c.inNew, c.added) && 2*c.copied >= c.inNew && most(c.copied, c.inNew-c.common):
		return BulkMoved, fmt.Sprintf("%d %% of the lines are in new files of a name and length that stood in %s before", percent(c.copied), c.from)
	}
	if most(r.translated(c), c.added) {
		// A program makes the skeleton of a catalog, and a person fills it: large, often new, named after a version, and work.
		return "", ""
	}
	if c.added >= bulkWeak {
		folder, licensed := r.folder(c)
		switch version := versionWords.MatchString(commit.Subject); {
		case licensed != "":
			return BulkVendored, "new folder with a licence of its own: " + licensed
		case version && third:
			return BulkVendored, "the subject names a version"
		case version && len(path.Base(folder)) > 2 && strings.Contains(strings.ToLower(commit.Subject), strings.ToLower(path.Base(folder))):
			return BulkVendored, "the subject names a version, of " + folder
		case most(c.inNew, c.added) && 100*min(c.added, c.removed) >= bulkEven*max(c.added, c.removed):
			return BulkMoved, fmt.Sprintf("new files, and %d lines removed", c.removed)
		case version:
			return BulkMass, "the subject names a version"
		case most(c.inNew, c.added) && importWords.MatchString(commit.Subject):
			return BulkMass, "the subject calls it an import"
		case syncWords.MatchString(commit.Subject):
			return BulkMass, "the subject tells of code kept elsewhere"
		case most(c.inNew, c.added) && r.empty(commit, c.added/10):
			return BulkMass, "the repository was all but empty before"
		}
	}
	if c.inNew >= bulkMass {
		return BulkMass, fmt.Sprintf("%d lines in new files", c.inNew)
	}
	return "", ""
}

// empty says whether the snapshot before a commit on the first parents held less than some lines.
func (r *mined) empty(c *facts.Commit, lines uint64) bool {
	if c.Step == facts.None {
		return false
	}
	return c.Step == 0 || r.Steps[c.Step-1].Lines < lines
}

// folder gives the deepest folder that most of a commit's lines were added in, and the one below the root that brought a licence along, if
// most are in it; "" if there is none.
func (r *mined) folder(c *candidate) (folder, licensed string) {
	changes := r.Changes[r.Commits[c.row].Changes.Lo:r.Commits[c.row].Changes.Hi]
	within := func(folder string) (lines uint64) {
		for i := range changes {
			if p := r.Paths[changes[i].Path]; folder == "." || len(p) > len(folder) && p[len(folder)] == '/' && p[:len(folder)] == folder {
				lines += uint64(changes[i].Added)
			}
		}
		return lines
	}
	// Most of the lines go into one folder only if the middle one, by order of paths, does; so its folders are the only ones to ask for.
	folder = "."
	var sum uint64
	for i := range changes {
		if sum += uint64(changes[i].Added); 2*sum >= c.added {
			p := r.Paths[changes[i].Path]
			for at, b := range []byte(p) {
				if b == '/' && most(within(p[:at]), c.added) {
					folder = p[:at]
				}
			}
			for i := range changes {
				p := r.Paths[changes[i].Path]
				if d := path.Dir(p); changes[i].Kind == facts.Added && d != "." && licence(path.Base(p)) && strings.HasPrefix(folder+"/", d+"/") {
					licensed = d
				}
			}
			break
		}
	}
	return folder, licensed
}

// common is the number of files of a repository from which on their name tells nothing: build files, descriptions and parts of tests have
// the same name in every folder, and some of about the same length are always found.
const common = 32

// shape tells files of a name apart by their length: lengths that differ by less than a tenth or so are in the same class or the next.
type shape struct {
	name   uint32
	length uint8
}

// shortest is the number of lines that a file must have for its name and length to tell something.
const shortest = 10

func lengthClass(lines uint32) uint8 { return uint8(math.Log(float64(lines)) * 10) }

// sighting is where a shape stood first in a repository.
type sighting struct {
	shape
	rank uint32
	row  uint32
	when int64
}

// findCopies finds for all candidates how many of the lines of their new files stood elsewhere in the ecosystem before, in files of the same
// name and about the same length: in the repository itself, by order of commits, or in one other, by date of commit. What moves is changed a
// little, so the bytes are not asked.
func (m *measurement) findCopies() {
	names := map[string]uint32{} // those of candidates' new files, from 1
	for i := range m.repositories {
		r := &m.repositories[i]
		for k := range r.candidates {
			for at := range r.fresh(&r.candidates[k]) {
				if name := path.Base(r.Paths[r.Changes[at].Path]); names[name] == 0 {
					names[name] = uint32(len(names)) + 1
				}
			}
		}
	}
	named := make([][]uint32, len(m.repositories)) // by rank, then by path
	var sightings []sighting
	var mu sync.Mutex // of these
	files := make([][]uint32, m.workers)
	m.parallel(len(m.repositories), func(worker, rank int) {
		if files[worker] == nil {
			files[worker] = make([]uint32, len(names)+1)
		}
		r := &m.repositories[rank]
		name := make([]uint32, len(r.Paths))
		for i, p := range r.Paths {
			name[i] = names[path.Base(p)]
		}
		named[rank] = name
		r.tell(name, files[worker])
		found := r.sight(uint32(rank), name)
		mu.Lock()
		defer mu.Unlock()
		sightings = slices.AppendSeq(sightings, maps.Values(found))
	})
	slices.SortFunc(sightings, func(a, b sighting) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.length, b.length), cmp.Compare(a.rank, b.rank))
	})
	begins := make([]uint32, len(names)+2) // by name: the first of its sightings
	for i := range sightings {
		begins[sightings[i].name+1]++
	}
	for i := range len(names) + 1 {
		begins[i+1] += begins[i]
	}
	m.parallel(len(m.repositories), func(_, rank int) {
		r := &m.repositories[rank]
		type tally struct {
			lines uint64
			files int
		}
		stood := make([]tally, len(m.repositories))
		for i := range r.candidates {
			c := &r.candidates[i]
			clear(stood)
			commit := &r.Commits[c.row]
			for _, row := range c.telling {
				change := &r.Changes[row]
				name, length := named[rank][change.Path], lengthClass(change.LinesAfter)
				seen := map[uint32]bool{}
				for _, at := range sightings[begins[name]:begins[name+1]] {
					if at.length < length-1 || at.length > length+1 {
						continue
					}
					before := at.row < c.row
					if at.rank != uint32(rank) {
						before = commit.Committed.Valid && at.when < commit.Committed.Unix
					}
					if before && !seen[at.rank] {
						seen[at.rank] = true
						stood[at.rank].lines += uint64(change.Added)
						stood[at.rank].files++
					}
				}
			}
			for from, t := range stood {
				// One file is no tree: its name and length are met again by chance.
				if t.files > 1 && t.lines > c.copied {
					c.copied, c.from = t.lines, m.repositories[from].Repository.Key
				}
			}
		}
	})
}

// fresh gives the new files of a commit that are long enough for their name and length to tell something: rows of the repository's changes.
func (r *mined) fresh(c *candidate) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		span := r.Commits[c.row].Changes
		for at := span.Lo; at < span.Hi; at++ {
			if change := &r.Changes[at]; change.Kind == facts.Added && change.LinesAfter >= shortest && !yield(at) {
				return
			}
		}
	}
}

// tell finds of the candidates which of their new files have telling names, by the number of each path's name. files are zeros by name, and left so.
func (r *mined) tell(name, files []uint32) {
	if len(r.candidates) == 0 {
		return
	}
	for _, n := range name {
		files[n]++
	}
	defer func() {
		for _, n := range name {
			files[n] = 0
		}
	}()
	for k := range r.candidates {
		c := &r.candidates[k]
		for at := range r.fresh(c) {
			if change := &r.Changes[at]; files[name[change.Path]] >= common {
				c.common += uint64(change.Added)
			} else {
				c.telling = append(c.telling, at)
			}
		}
	}
}

// sight gives the first commit that left a file of each wanted shape, by the number of each path's name, 0 for those that are not wanted.
func (r *mined) sight(rank uint32, name []uint32) map[shape]sighting {
	found := map[shape]sighting{}
	for i := range r.Changes {
		c := &r.Changes[i]
		if name[c.Path] == 0 || c.LinesAfter < shortest {
			continue
		}
		s := shape{name[c.Path], lengthClass(c.LinesAfter)}
		commit := &r.Commits[c.Commit]
		if at, ok := found[s]; !ok || commit.Committed.Valid && commit.Committed.Unix < at.when {
			if !ok {
				at = sighting{shape: s, rank: rank, row: c.Commit, when: math.MaxInt64}
			}
			if commit.Committed.Valid {
				at.when = min(at.when, commit.Committed.Unix)
			}
			found[s] = at
		}
	}
	return found
}

// detectBulk marks the bulk imports among all entries that count, and lists them. Merges and machines are never bulk: they are outside of T
// already.
func (m *measurement) detectBulk() {
	corrections := m.correct()
	m.findCopies()
	insiders := m.insiders()
	m.parallel(len(m.repositories), func(_, rank int) {
		r := &m.repositories[rank]
		m.detectIn(r, corrections[rank], insiders)
	})
	for i := range m.repositories {
		if r := &m.repositories[i]; r.Class == ThirdParty && insiders == nil {
			m.warn("%s: upstream's history is not told apart, for want of a repository of class own that shows who belongs to the ecosystem", r.Repository.Key)
		}
	}
	m.markImported()
}

// markImported marks the entries of bulk imports, in every repository that holds the commit.
func (m *measurement) markImported() {
	ids := map[facts.ID]bool{}
	for i := range m.entries {
		if e := &m.entries[i]; e.state == bulk {
			e.imported = true
			ids[*m.id(e)] = true
		}
	}
	for i := range m.entries {
		e := &m.entries[i]
		if e.state == duplicate && e.actor != facts.None && int(m.actors[e.actor].bucket) < m.sizes.organizations+len(unknownClasses) {
			e.imported = ids[*m.id(e)]
		}
	}
}

// detectIn marks the bulk imports of a repository.
func (m *measurement) detectIn(r *mined, corrections map[uint32]*Correction, insiders *insiders) {
	entries := m.entries[r.entries.Lo:r.entries.Hi]
	foreign, histories := m.foreign(r, entries, corrections, insiders)
	at := 0
	for i := range entries {
		for at < len(r.candidates) && r.candidates[at].row < uint32(i) {
			at++
		}
		e := &entries[i]
		correction := corrections[uint32(i)]
		if e.state != counted || correction != nil && correction.Is == IsWork {
			continue
		}
		history := foreign[i]
		if correction != nil && correction.Is == IsImport {
			history = 0
		}
		if history > 0 {
			e.state = bulk
			h := &histories[history-1]
			h.Commits++
			h.History = append(h.History, r.Commits[i].ID)
			h.Added += e.added
			h.Removed += e.removed
			for j := r.Commits[i].Changes.Lo; j < r.Commits[i].Changes.Hi; j++ {
				h.Files++
				if c := &r.Changes[j]; c.Kind == facts.Added {
					h.InNewFiles += uint64(c.Added)
				}
			}
			h.Commit, h.Authored, h.Valid, h.entry = r.Commits[i].ID, r.Commits[i].Authored, e.when != undated, r.entries.Lo+uint32(i)
			continue
		}
		c := &candidate{row: uint32(i)}
		if at < len(r.candidates) && r.candidates[at].row == uint32(i) {
			c = &r.candidates[at]
		} else if correction == nil {
			continue
		}
		reason, evidence := r.judge(c)
		if correction != nil && correction.Is == IsImport {
			if c.files == 0 {
				c.size = r.sizeOf(uint32(i))
			}
			reason, evidence = BulkCorrected, cmp.Or(correction.Reason, correction.Place)
		}
		if reason == "" {
			continue
		}
		e.state = bulk
		r.bulk = append(r.bulk, BulkImport{
			Repository: r.Repository.Key, Commit: r.Commits[i].ID, Commits: 1, Authored: r.Commits[i].Authored, Valid: e.when != undated,
			Reason: reason, Evidence: evidence, Added: c.added, Removed: c.removed, InNewFiles: c.inNew, Files: c.files,
			entry: r.entries.Lo + uint32(i),
		})
	}
	for _, h := range histories {
		if h.Commits > 0 {
			r.bulk = append(r.bulk, h)
		}
	}
}

// listBulk joins the repositories' lists, and names who did it.
func (m *measurement) listBulk() {
	for i := range m.repositories {
		list := m.repositories[i].bulk
		slices.SortStableFunc(list, func(a, b BulkImport) int {
			return cmp.Compare(m.entries[a.entry].when, m.entries[b.entry].when)
		})
		for _, b := range list {
			if b.Person >= 0 {
				a := &m.actors[m.entries[b.entry].actor]
				b.Person = int(a.person)
				b.Organization, b.Class = m.side(a.bucket)
			}
			m.result.Bulk = append(m.result.Bulk, b)
		}
	}
}
