package measure

import (
	"cmp"
	"slices"

	"orrery/analyzer/facts"
	"orrery/analyzer/people"
)

// What makes a bulk import. Both must hold: nearly all of it is new files (edits, however large, are work on what is there), and it is an
// outlier in size (absolutely, or against the repository's own habit).
const (
	// bulkNew is the percentage of added lines that must lie in new files. Imports touch a build file or two beside; renames are no new files.
	bulkNew = 90
	// bulkLarge is a number of added lines that is an import in any repository: nobody writes so much at once.
	bulkLarge = 10_000
	// bulkFactor times the repository's median commit is an outlier...
	bulkFactor = 100
	// ...unless it is small. In three repositories read by hand, new files of 2,000 to 5,000 lines at once were work (features with their
	// tests, translations) in about 25 of 30 commits, those above mostly imports. Work that is set apart by mistake falsifies shares, too.
	bulkFloor = 5_000

	bulkRule = "90 % or more of a commit's added lines are in new files, and they are 10,000 or more, or 5,000 or more and 100 times the median of the repository's commits that add lines; corrected by hand where the ecosystem says so"
)

// Reasons of bulk imports.
const (
	BulkLarge     = "large"     // bulkLarge
	BulkOutlier   = "outlier"   // bulkFactor and bulkFloor
	BulkCorrected = "corrected" // by hand
)

// BulkImport is a commit that is set apart.
type BulkImport struct {
	Repository string
	Commit     facts.ID
	Authored   facts.Time
	Valid      bool // the date can be believed
	Person     int  // into the resolution's Persons
	// Organization is an index, or people.NoOrganization if Class is an unknown one.
	Organization   int
	Class          people.Class
	Reason         string
	Added, Removed uint64 // lines
	InNewFiles     uint64 // of the lines added
	Files          int    // rows of the log
	Median         uint64 // of the lines that commits of the repository add, among those that add any

	entry uint32
}

// size is what the detector looks at.
type size struct {
	added, removed, inNew uint64
	files                 int
	incomplete            bool
}

func (s *size) add(c *facts.Change) {
	s.added += uint64(c.Added)
	s.removed += uint64(c.Removed)
	if c.Kind == facts.Added {
		s.inNew += uint64(c.Added)
	}
	s.incomplete = s.incomplete || c.Skip != facts.Measured
	s.files++
}

// reason says why a commit is a bulk import, "" if it is none.
func (s *size) reason(median uint64) string {
	switch {
	case 100*s.inNew < bulkNew*s.added:
		return ""
	case s.added >= bulkLarge:
		return BulkLarge
	case s.added >= bulkFloor && s.added/bulkFactor >= median:
		return BulkOutlier
	}
	return ""
}

// detectBulk marks the bulk imports among a repository's entries, and lists them. Merges and machines are never bulk: they are outside of T
// already.
func (m *measurement) detectBulk(r *mined, entries []entry, sizes []size) []BulkImport {
	var added []uint64
	for i := range entries {
		if entries[i].state != merge && entries[i].added > 0 {
			added = append(added, entries[i].added)
		}
	}
	var median uint64
	if len(added) > 0 {
		slices.Sort(added)
		median = added[(len(added)-1)/2]
	}
	var list []BulkImport
	for i := range entries {
		e := &entries[i]
		if e.state != counted {
			continue
		}
		c := &r.Commits[i]
		reason := sizes[i].reason(median)
		if is, ok := m.in.Bulk[c.ID]; ok && is != (reason != "") {
			reason = map[bool]string{true: BulkCorrected}[is]
		}
		if reason == "" {
			continue
		}
		e.state = bulk
		s := &sizes[i]
		list = append(list, BulkImport{
			Repository: r.Repository.Key, Commit: c.ID, Authored: c.Authored, Valid: e.when != undated,
			Reason: reason, Added: s.added, Removed: s.removed, InNewFiles: s.inNew, Files: s.files, Median: median,
			entry: r.entries.Lo + uint32(i),
		})
	}
	return list
}

// listBulk joins the repositories' lists without duplicates, and names who did it.
func (m *measurement) listBulk() {
	for i := range m.repositories {
		list := m.repositories[i].bulk
		slices.SortStableFunc(list, func(a, b BulkImport) int {
			return cmp.Compare(m.entries[a.entry].when, m.entries[b.entry].when)
		})
		for _, b := range list {
			e := &m.entries[b.entry]
			if e.state != bulk {
				continue
			}
			a := &m.actors[e.actor]
			b.Person = int(a.person)
			b.Organization, b.Class = m.side(a.bucket)
			m.result.Bulk = append(m.result.Bulk, b)
		}
	}
}
