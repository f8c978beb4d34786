package store

import (
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"

	"orrery/analyzer/facts"
)

// The rows of the tables, as they are declared in the files: the names of columns are what queries use. A number of a row in another table
// is NULL where there is none. Moments are UTC, NULL where git reads no date.

type commitRow struct {
	Commit        uint32  `parquet:"commit"`
	ID            string  `parquet:"id"`
	Author        uint32  `parquet:"author"`
	Committer     uint32  `parquet:"committer"`
	Authored      *int64  `parquet:"authored,timestamp(millisecond)"`
	AuthoredZone  int32   `parquet:"authored_zone"`
	Committed     *int64  `parquet:"committed,timestamp(millisecond)"`
	CommittedZone int32   `parquet:"committed_zone"`
	Step          *uint32 `parquet:"step"`
	Parents       uint32  `parquet:"parents"`
	Changes       uint32  `parquet:"changes"`
	Trailers      uint32  `parquet:"trailers"`
	Subject       string  `parquet:"subject"`
}

type parentRow struct {
	Commit   uint32 `parquet:"commit"`
	Position uint32 `parquet:"position"`
	Parent   uint32 `parquet:"parent"`
}

type signatureRow struct {
	Signature  uint32  `parquet:"signature"`
	Name       string  `parquet:"name"`
	Email      string  `parquet:"email"`
	NameBytes  *[]byte `parquet:"name_bytes"`
	EmailBytes *[]byte `parquet:"email_bytes"`
}

type pathRow struct {
	Path      uint32  `parquet:"path"`
	Name      string  `parquet:"name"`
	NameBytes *[]byte `parquet:"name_bytes"`
	Language  string  `parquet:"language,dict"`
	Binary    bool    `parquet:"binary"`
	Generated bool    `parquet:"generated"`
	Known     bool    `parquet:"known"`
}

type changeRow struct {
	Commit      uint32  `parquet:"commit"`
	Path        uint32  `parquet:"path"`
	Old         *uint32 `parquet:"old_path"`
	Kind        string  `parquet:"kind,dict"`
	Type        string  `parquet:"type,dict"`
	Added       uint32  `parquet:"added"`
	Removed     uint32  `parquet:"removed"`
	LinesBefore uint32  `parquet:"lines_before"`
	LinesAfter  uint32  `parquet:"lines_after"`
	Binary      bool    `parquet:"binary"`
	Skip        string  `parquet:"state,dict"`
}

type stepRow struct {
	Step       uint32 `parquet:"step"`
	Commit     uint32 `parquet:"commit"`
	Clock      int64  `parquet:"clock,timestamp(millisecond)"`
	Added      uint64 `parquet:"added"`
	Removed    uint64 `parquet:"removed"`
	Lines      uint64 `parquet:"lines"`
	Files      uint64 `parquet:"files"`
	Unreadable uint64 `parquet:"unreadable"`
}

type survivalRow struct {
	Step   uint32  `parquet:"step"`
	Path   uint32  `parquet:"path"`
	Commit *uint32 `parquet:"commit"`
	Lines  int32   `parquet:"lines"`
}

type trailerRow struct {
	Commit     uint32  `parquet:"commit"`
	Key        string  `parquet:"key"`
	Value      string  `parquet:"value"`
	KeyBytes   *[]byte `parquet:"key_bytes"`
	ValueBytes *[]byte `parquet:"value_bytes"`
	InBlock    bool    `parquet:"in_block"`
}

type documentRow struct {
	Path    uint32  `parquet:"path"`
	Step    uint32  `parquet:"step"`
	Content *[]byte `parquet:"content"`
}

type skipRow struct {
	Reason      string  `parquet:"reason,dict"`
	Object      string  `parquet:"object"`
	Commit      *uint32 `parquet:"commit"`
	Path        *uint32 `parquet:"path"`
	Changes     uint32  `parquet:"changes"`
	Detail      string  `parquet:"detail"`
	DetailBytes *[]byte `parquet:"detail_bytes"`
}

type versionRow struct {
	Version    uint32   `parquet:"version"`
	Commit     uint32   `parquet:"commit"`
	Path       uint32   `parquet:"path"`
	Blob       [20]byte `parquet:"blob"`
	Parents    uint32   `parquet:"parents"`
	Lines      uint32   `parquet:"lines"`
	Type       string   `parquet:"type,dict"`
	Executable bool     `parquet:"executable"`
	Binary     bool     `parquet:"binary"`
	Silent     bool     `parquet:"silent"`
	Skip       string   `parquet:"state,dict"`
}

type originRow struct {
	Parent *uint32 `parquet:"parent"`
}

type endsRow struct {
	From *uint32 `parquet:"from"`
	To   *uint32 `parquet:"to"`
}

type eventRow struct {
	Step    uint32  `parquet:"step"`
	From    *uint32 `parquet:"from"`
	To      *uint32 `parquet:"to"`
	Added   uint32  `parquet:"added"`
	Removed uint32  `parquet:"removed"`
}

// tables are all tables. Those of the plan come last: only a reading that builds on this one needs them.
func tables() []table {
	return []table{
		{name: "commits", write: writeCommits, read: readCommits},
		{name: "parents", write: writeParents, read: readParents},
		{name: "signatures", personal: true, write: writeSignatures, read: readSignatures},
		{name: "paths", write: writePaths, read: readPaths},
		{name: "changes", write: writeChanges, read: readChanges},
		{name: "steps", write: writeSteps, read: readSteps},
		{name: "survival", write: writeSurvival, read: readSurvival},
		{name: "trailers", personal: true, write: writeTrailers, read: readTrailers},
		{name: "documents", personal: true, write: writeDocuments, read: readDocuments},
		{name: "skips", write: writeSkips, read: readSkips},
		{name: "versions", plan: true, write: writeVersions, read: readVersions},
		{name: "version_parents", plan: true, write: writeOrigins, read: readOrigins},
		{name: "change_versions", plan: true, write: writeEnds, read: readEnds},
		{name: "events", plan: true, write: writeEvents, read: readEvents},
	}
}

// ref gives NULL for the number of no row.
func ref(n *uint32) *uint32 {
	if *n == facts.None {
		return nil
	}
	return n
}

// text gives a string that every engine can show, and the bytes themselves where it is not what git has.
func text(s string) (valid string, raw *[]byte) {
	if utf8.ValidString(s) {
		return s, nil
	}
	b := []byte(s)
	return strings.ToValidUTF8(s, "\uFFFD"), &b
}

// moment gives milliseconds.
func moment(t facts.Time) *int64 {
	if !t.Valid {
		return nil
	}
	ms := t.Unix * 1000
	return &ms
}

func writeCommits(f *facts.Repository) (*encoded, error) {
	return write(len(f.Commits), func(i int) commitRow {
		c := &f.Commits[i]
		return commitRow{
			uint32(i), c.ID.String(), c.Author, c.Committer, moment(c.Authored), int32(c.Authored.Zone), moment(c.Committed), int32(c.Committed.Zone),
			ref(&c.Step), uint32(c.Parents.Len()), uint32(c.Changes.Len()), uint32(c.Trailers.Len()), c.Subject,
		}
	})
}

func readCommits(c *columns, f *facts.Repository) {
	f.Commits = make([]facts.Commit, c.rows)
	texts(c, "id", func(i int, s string) { c.id(&f.Commits[i].ID, s) })
	numbers(c, "author", func(i int, v uint32) { f.Commits[i].Author = v })
	numbers(c, "committer", func(i int, v uint32) { f.Commits[i].Committer = v })
	optional64(c, "authored", func(i int, v int64) { f.Commits[i].Authored.Unix, f.Commits[i].Authored.Valid = v/1000, true })
	numbers(c, "authored_zone", func(i int, v uint32) { f.Commits[i].Authored.Zone = int16(v) })
	optional64(c, "committed", func(i int, v int64) { f.Commits[i].Committed.Unix, f.Commits[i].Committed.Valid = v/1000, true })
	numbers(c, "committed_zone", func(i int, v uint32) { f.Commits[i].Committed.Zone = int16(v) })
	references(c, "step", func(i int, v uint32) { f.Commits[i].Step = v })
	spans(c, "parents", func(i int) *facts.Span { return &f.Commits[i].Parents })
	spans(c, "changes", func(i int) *facts.Span { return &f.Commits[i].Changes })
	spans(c, "trailers", func(i int) *facts.Span { return &f.Commits[i].Trailers })
	texts(c, "subject", func(i int, s string) { f.Commits[i].Subject = s })
}

func writeParents(f *facts.Repository) (*encoded, error) {
	of := owner(f, func(c *facts.Commit) facts.Span { return c.Parents })
	return write(len(f.Parents), func(i int) parentRow {
		commit, position := of(i)
		return parentRow{commit, position, f.Parents[i]}
	})
}

func readParents(c *columns, f *facts.Repository) {
	f.Parents = make([]uint32, c.rows)
	numbers(c, "parent", func(i int, v uint32) { f.Parents[i] = v })
}

func writeSignatures(f *facts.Repository) (*encoded, error) {
	return write(len(f.Signatures), func(i int) (r signatureRow) {
		r.Signature = uint32(i)
		r.Name, r.NameBytes = text(f.Signatures[i].Name)
		r.Email, r.EmailBytes = text(f.Signatures[i].Email)
		return r
	})
}

func readSignatures(c *columns, f *facts.Repository) {
	f.Signatures = make([]facts.Signature, c.rows)
	texts(c, "name", func(i int, s string) { f.Signatures[i].Name = s })
	texts(c, "email", func(i int, s string) { f.Signatures[i].Email = s })
	texts(c, "name_bytes", func(i int, s string) { f.Signatures[i].Name = s })
	texts(c, "email_bytes", func(i int, s string) { f.Signatures[i].Email = s })
}

func writePaths(f *facts.Repository) (*encoded, error) {
	return write(len(f.Paths), func(i int) (r pathRow) {
		c := f.Contents[i]
		r = pathRow{Path: uint32(i), Language: f.Languages[c.Language], Binary: c.Binary, Generated: c.Generated, Known: c.Known}
		r.Name, r.NameBytes = text(f.Paths[i])
		return r
	})
}

func readPaths(c *columns, f *facts.Repository) {
	f.Paths, f.Contents = make([]string, c.rows), make([]facts.Content, c.rows)
	texts(c, "name", func(i int, s string) { f.Paths[i] = s })
	texts(c, "name_bytes", func(i int, s string) { f.Paths[i] = s })
	names(c, "language", f.Languages, func(i, v int) { f.Contents[i].Language = uint16(v) })
	flags(c, "binary", func(i int) { f.Contents[i].Binary = true })
	flags(c, "generated", func(i int) { f.Contents[i].Generated = true })
	flags(c, "known", func(i int) { f.Contents[i].Known = true })
}

// The names that stand for small numbers.
var (
	kinds   = namesOf(facts.Modified, facts.Renamed)
	types   = []string{"file", "symlink", "submodule"}
	reasons = namesOf(facts.Measured, facts.TooDeep)
)

func namesOf[T interface {
	~uint8
	String() string
}](first, last T) (all []string) {
	for v := first; v <= last; v++ {
		all = append(all, v.String())
	}
	return all
}

func writeChanges(f *facts.Repository) (*encoded, error) {
	return write(len(f.Changes), func(i int) changeRow {
		c := &f.Changes[i]
		old := &c.Old
		if c.Old == c.Path {
			old = nil
		}
		return changeRow{
			c.Commit, c.Path, old, kinds[c.Kind], types[c.Type], c.Added, c.Removed, c.LinesBefore, c.LinesAfter, c.Binary, reasons[c.Skip],
		}
	})
}

func readChanges(c *columns, f *facts.Repository) {
	f.Changes = make([]facts.Change, c.rows)
	numbers(c, "commit", func(i int, v uint32) { f.Changes[i].Commit = v })
	numbers(c, "path", func(i int, v uint32) { f.Changes[i].Path, f.Changes[i].Old = v, v })
	optional32(c, "old_path", func(i int, v uint32) { f.Changes[i].Old = v })
	names(c, "kind", kinds, func(i, v int) { f.Changes[i].Kind = facts.Kind(v) })
	names(c, "type", types, func(i, v int) { f.Changes[i].Type = facts.Type(v) })
	numbers(c, "added", func(i int, v uint32) { f.Changes[i].Added = v })
	numbers(c, "removed", func(i int, v uint32) { f.Changes[i].Removed = v })
	numbers(c, "lines_before", func(i int, v uint32) { f.Changes[i].LinesBefore = v })
	numbers(c, "lines_after", func(i int, v uint32) { f.Changes[i].LinesAfter = v })
	flags(c, "binary", func(i int) { f.Changes[i].Binary = true })
	names(c, "state", reasons, func(i, v int) { f.Changes[i].Skip = facts.Reason(v) })
}

func writeSteps(f *facts.Repository) (*encoded, error) {
	return write(len(f.Steps), func(i int) stepRow {
		s := &f.Steps[i]
		return stepRow{uint32(i), s.Commit, s.Clock * 1000, s.Added, s.Removed, s.Lines, s.Files, s.Unreadable}
	})
}

func readSteps(c *columns, f *facts.Repository) {
	f.Steps = make([]facts.Step, c.rows)
	numbers(c, "commit", func(i int, v uint32) { f.Steps[i].Commit = v })
	numbers64(c, "clock", func(i int, v int64) { f.Steps[i].Clock = v / 1000 })
	numbers64(c, "added", func(i int, v int64) { f.Steps[i].Added = uint64(v) })
	numbers64(c, "removed", func(i int, v int64) { f.Steps[i].Removed = uint64(v) })
	numbers64(c, "lines", func(i int, v int64) { f.Steps[i].Lines = uint64(v) })
	numbers64(c, "files", func(i int, v int64) { f.Steps[i].Files = uint64(v) })
	numbers64(c, "unreadable", func(i int, v int64) { f.Steps[i].Unreadable = uint64(v) })
}

func writeSurvival(f *facts.Repository) (*encoded, error) {
	return write(len(f.Survival), func(i int) survivalRow {
		s := &f.Survival[i]
		return survivalRow{s.Step, s.Path, ref(&s.Commit), s.Lines}
	})
}

func readSurvival(c *columns, f *facts.Repository) {
	f.Survival = make([]facts.Survival, c.rows)
	numbers(c, "step", func(i int, v uint32) { f.Survival[i].Step = v })
	numbers(c, "path", func(i int, v uint32) { f.Survival[i].Path = v })
	references(c, "commit", func(i int, v uint32) { f.Survival[i].Commit = v })
	numbers(c, "lines", func(i int, v uint32) { f.Survival[i].Lines = int32(v) })
}

func writeTrailers(f *facts.Repository) (*encoded, error) {
	of := owner(f, func(c *facts.Commit) facts.Span { return c.Trailers })
	return write(len(f.Trailers), func(i int) (r trailerRow) {
		r.Commit, _ = of(i)
		r.Key, r.KeyBytes = text(f.Trailers[i].Key)
		r.Value, r.ValueBytes = text(f.Trailers[i].Value)
		r.InBlock = f.Trailers[i].InBlock
		return r
	})
}

func readTrailers(c *columns, f *facts.Repository) {
	f.Trailers = make([]facts.Trailer, c.rows)
	texts(c, "key", func(i int, s string) { f.Trailers[i].Key = s })
	texts(c, "value", func(i int, s string) { f.Trailers[i].Value = s })
	texts(c, "key_bytes", func(i int, s string) { f.Trailers[i].Key = s })
	texts(c, "value_bytes", func(i int, s string) { f.Trailers[i].Value = s })
	flags(c, "in_block", func(i int) { f.Trailers[i].InBlock = true })
}

func writeDocuments(f *facts.Repository) (*encoded, error) {
	return write(len(f.Documents), func(i int) documentRow {
		d := &f.Documents[i]
		r := documentRow{Path: d.Path, Step: d.Step}
		if d.Content != nil {
			r.Content = &d.Content
		}
		return r
	})
}

func readDocuments(c *columns, f *facts.Repository) {
	f.Documents = make([]facts.Document, c.rows)
	numbers(c, "path", func(i int, v uint32) { f.Documents[i].Path = v })
	numbers(c, "step", func(i int, v uint32) { f.Documents[i].Step = v })
	texts(c, "content", func(i int, s string) { f.Documents[i].Content = []byte(s) })
}

func writeSkips(f *facts.Repository) (*encoded, error) {
	return write(len(f.Skips), func(i int) skipRow {
		s := &f.Skips[i]
		r := skipRow{Reason: reasons[s.Reason], Object: s.Object.String(), Commit: ref(&s.Commit), Path: ref(&s.Path), Changes: s.Rows}
		r.Detail, r.DetailBytes = text(s.Detail)
		return r
	})
}

func readSkips(c *columns, f *facts.Repository) {
	f.Skips = make([]facts.Skip, c.rows)
	names(c, "reason", reasons, func(i, v int) { f.Skips[i].Reason = facts.Reason(v) })
	texts(c, "object", func(i int, s string) { c.id(&f.Skips[i].Object, s) })
	references(c, "commit", func(i int, v uint32) { f.Skips[i].Commit = v })
	references(c, "path", func(i int, v uint32) { f.Skips[i].Path = v })
	numbers(c, "changes", func(i int, v uint32) { f.Skips[i].Rows = v })
	texts(c, "detail", func(i int, s string) { f.Skips[i].Detail = s })
	texts(c, "detail_bytes", func(i int, s string) { f.Skips[i].Detail = s })
}

func writeVersions(f *facts.Repository) (*encoded, error) {
	return write(len(f.Plan.Versions), func(i int) versionRow {
		v := &f.Plan.Versions[i]
		return versionRow{
			uint32(i), v.Commit, v.Path, v.Blob, uint32(v.Parents.Len()), v.Lines, types[v.Type], v.Executable, v.Binary, v.Silent, reasons[v.Skip],
		}
	})
}

func readVersions(c *columns, f *facts.Repository) {
	v := make([]facts.Version, c.rows)
	numbers(c, "commit", func(i int, n uint32) { v[i].Commit = n })
	numbers(c, "path", func(i int, n uint32) { v[i].Path = n })
	fixed(c, "blob", func(i int, b []byte) { copy(v[i].Blob[:], b) })
	spans(c, "parents", func(i int) *facts.Span { return &v[i].Parents })
	numbers(c, "lines", func(i int, n uint32) { v[i].Lines = n })
	names(c, "type", types, func(i, n int) { v[i].Type = facts.Type(n) })
	flags(c, "executable", func(i int) { v[i].Executable = true })
	flags(c, "binary", func(i int) { v[i].Binary = true })
	flags(c, "silent", func(i int) { v[i].Silent = true })
	names(c, "state", reasons, func(i, n int) { v[i].Skip = facts.Reason(n) })
	f.Plan.Versions = v
}

func writeOrigins(f *facts.Repository) (*encoded, error) {
	return write(len(f.Plan.Parents), func(i int) originRow { return originRow{ref(&f.Plan.Parents[i])} })
}

func readOrigins(c *columns, f *facts.Repository) {
	p := make([]uint32, c.rows)
	references(c, "parent", func(i int, v uint32) { p[i] = v })
	f.Plan.Parents = p
}

func writeEnds(f *facts.Repository) (*encoded, error) {
	return write(len(f.Plan.Ends), func(i int) endsRow { return endsRow{ref(&f.Plan.Ends[i].From), ref(&f.Plan.Ends[i].To)} })
}

func readEnds(c *columns, f *facts.Repository) {
	e := make([]facts.Ends, c.rows)
	references(c, "from", func(i int, v uint32) { e[i].From = v })
	references(c, "to", func(i int, v uint32) { e[i].To = v })
	f.Plan.Ends = e
}

func writeEvents(f *facts.Repository) (*encoded, error) {
	return write(len(f.Plan.Events), func(i int) eventRow {
		e := &f.Plan.Events[i]
		return eventRow{e.Step, ref(&e.From), ref(&e.To), e.Added, e.Removed}
	})
}

func readEvents(c *columns, f *facts.Repository) {
	e := make([]facts.Event, c.rows)
	numbers(c, "step", func(i int, v uint32) { e[i].Step = v })
	references(c, "from", func(i int, v uint32) { e[i].From = v })
	references(c, "to", func(i int, v uint32) { e[i].To = v })
	numbers(c, "added", func(i int, v uint32) { e[i].Added = v })
	numbers(c, "removed", func(i int, v uint32) { e[i].Removed = v })
	f.Plan.Events = e
}

// owner gives, for rows that stand commit after commit and are asked for in their order, the commit and the place among its rows.
func owner(f *facts.Repository, span func(*facts.Commit) facts.Span) func(row int) (commit, position uint32) {
	at := 0
	return func(row int) (uint32, uint32) {
		s := span(&f.Commits[at])
		for uint32(row) >= s.Hi {
			at++
			s = span(&f.Commits[at])
		}
		return uint32(at), uint32(row) - s.Lo
	}
}

// id reads an object's name.
func (c *columns) id(to *facts.ID, s string) {
	if n, err := hex.Decode(to[:], []byte(s)); err != nil || n != len(to) {
		c.fail(fmt.Errorf("%q is no object's name", s))
	}
}
