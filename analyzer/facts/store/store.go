// Package store keeps the facts of repositories on disk: Parquet, one file for each table, which other engines read as they are.
//
// The facts of one repository are a folder of their own, a generation:
//
//	manifest.json            what it was read from, by what, and the rows, bytes and sums of every file
//	commits.parquet          a row for each commit; the columns parents, changes and trailers count its rows in those tables
//	parents.parquet          commit, position, parent: the graph of commits
//	signatures.parquet       names and addresses as written: personal data
//	paths.parquet            names of files, with what their last content tells
//	changes.parquet          the rows of git log --numstat -M
//	steps.parquet            commits along first parents, each with its snapshot
//	survival.parquet         how the lines of each commit in each file of the snapshot change, step by step
//	trailers.parquet         Key: value lines of messages: personal data
//	documents.parquet        files that speak of the repository itself: personal data
//	skips.parquet            what could not be measured
//	versions.parquet, version_parents.parquet, change_versions.parquet, events.parquet
//	                         how versions of files hang together, which the next reading builds on
//
// A table points into another one by the number of a row, which is the column of that table's name in the singular (commit, path, step,
// signature). Because of these numbers a generation is written anew, as a whole, when the repository changed, and never as segments beside
// older ones: new commits take their place among old ones, so that numbers move, and a query over mixed segments would join what does not
// belong together. Reading what is new costs far more than writing what is old: see the figures in the package's benchmarks.
//
// Texts that are no UTF-8 stand with U+FFFD in a column that every engine can show, and as they are in a second one, NAME_bytes, which is NULL
// otherwise. Files with personal data have mode 0600; whatever is shared leaves them out.
package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"orrery/analyzer/disk"
	"orrery/analyzer/facts"
)

// Format is the version of the files. What has another one is read from git again.
const Format = 1

// ErrCorrupt is wrapped by errors that say that files are not what was written.
var ErrCorrupt = errors.New("damaged")

// ErrFormat is wrapped by errors that say that files are of another version.
var ErrFormat = errors.New("another format")

// ManifestName is the file that speaks of the others.
const ManifestName = "manifest.json"

// Manifest describes a generation. Its file is read only if every byte is as it was written.
type Manifest struct {
	Format int `json:"format"`
	// Engine is the version of the engine that read the repository, and Options the hash of the options that shape facts.
	Engine  int    `json:"engine"`
	Options string `json:"options"`
	// Origin and Objects tell whether the repository is still what it was read from, beyond its head: see the package state.
	Origin  string `json:"origin"`
	Objects string `json:"objects"`

	Key     Text     `json:"repository"`
	Branch  Text     `json:"branch"`
	Head    facts.ID `json:"-"`
	Shallow bool     `json:"shallow"`
	Commits int      `json:"commits"`
	Lines   uint64   `json:"lines"` // of the last snapshot

	Walk      facts.Walk `json:"walk"`
	Limited   int        `json:"limited"`
	Languages []Text     `json:"languages"`
	Notes     []Text     `json:"notes"`
	Tables    []Table    `json:"tables"`
}

// Bytes is the size of all tables.
func (m *Manifest) Bytes() (n int) {
	for _, t := range m.Tables {
		n += t.Bytes
	}
	return n
}

// Table is a file of a generation.
type Table struct {
	Name   string `json:"name"`
	Rows   int    `json:"rows"`
	Bytes  int    `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Rows gives the number of rows of a table.
func (m *Manifest) Rows(table string) int {
	for i := range m.Tables {
		if m.Tables[i].Name == table {
			return m.Tables[i].Rows
		}
	}
	return 0
}

// Text is a string that JSON keeps as it is, also if it is no UTF-8.
type Text string

type rawText struct {
	Bytes []byte `json:"bytes"`
}

// MarshalJSON implements [json.Marshaler].
func (t Text) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(t)) {
		return json.Marshal(string(t))
	}
	return json.Marshal(rawText{[]byte(t)})
}

// UnmarshalJSON implements [json.Unmarshaler].
func (t *Text) UnmarshalJSON(b []byte) error {
	var raw rawText
	if bytes.HasPrefix(b, []byte("{")) {
		if err := json.Unmarshal(b, &raw); err != nil {
			return err
		}
		*t = Text(raw.Bytes)
		return nil
	}
	return json.Unmarshal(b, (*string)(t))
}

// manifestFile is the manifest as a file has it.
type manifestFile struct {
	Manifest
	HexHead string `json:"head"`
	Sum     string `json:"sha256"` // of the file with this one empty
}

// encode gives the file and its sum.
func (m *Manifest) encode() ([]byte, string, error) {
	file := manifestFile{Manifest: *m, HexHead: m.Head.String()}
	content, err := json.MarshalIndent(file, "", " ")
	if err != nil {
		return nil, "", err
	}
	file.Sum = sum(content)
	content, err = json.MarshalIndent(file, "", " ")
	return append(content, '\n'), file.Sum, err
}

// Sum names all that the generation holds, and not which packs that was read from: two with the same sum hold the same.
func (m *Manifest) Sum() (string, error) {
	plain := *m
	plain.Objects = ""
	_, sum, err := plain.encode()
	return sum, err
}

func sum(content []byte) string {
	s := sha256.Sum256(content)
	return hex.EncodeToString(s[:])
}

type table struct {
	name           string
	personal, plan bool
	write          func(f *facts.Repository) (*encoded, error)
	read           func(c *columns, f *facts.Repository)
}

func (t *table) file(dir string) string { return filepath.Join(dir, t.name+".parquet") }

// Write writes a generation into a folder, which it makes; a folder that is left half is for the caller to remove. Of m the engine, options,
// origin and objects are used. It returns what the manifest came to say.
func Write(d disk.System, dir string, f *facts.Repository, m Manifest) (*Manifest, error) {
	if err := check(f); err != nil {
		return nil, fmt.Errorf("writing the facts of %s: %w", f.Key, err)
	}
	if f.Plan == nil {
		return nil, fmt.Errorf("writing the facts of %s: they have no plan", f.Key)
	}
	m.Format = Format
	m.Key, m.Branch, m.Head, m.Shallow = Text(f.Key), Text(f.Branch), f.Head, f.Shallow
	m.Commits, m.Walk, m.Limited = len(f.Commits), f.Walk, f.Plan.Limited
	if n := len(f.Steps); n > 0 {
		m.Lines = f.Steps[n-1].Lines
	}
	m.Languages, m.Notes, m.Tables = toTexts(f.Languages), toTexts(f.Notes), nil
	if err := d.MkdirAll(dir); err != nil {
		return nil, err
	}
	for _, t := range tables() {
		file, err := t.write(f)
		if err != nil {
			return nil, fmt.Errorf("writing the table %s of %s: %w", t.name, f.Key, err)
		}
		mode := fs.FileMode(0o644)
		if t.personal {
			mode = 0o600
		}
		if err := d.WriteFile(t.file(dir), file.content, mode); err != nil {
			return nil, err
		}
		m.Tables = append(m.Tables, Table{t.name, file.rows, len(file.content), sum(file.content)})
	}
	content, _, err := m.encode()
	if err != nil {
		return nil, fmt.Errorf("writing the manifest of %s: %w", f.Key, err)
	}
	if err := d.WriteFile(filepath.Join(dir, ManifestName), content, 0o644); err != nil {
		return nil, err
	}
	return &m, d.SyncDir(dir)
}

// ReadManifest reads the manifest of a generation. The error wraps [ErrFormat] if it is of another version, and [ErrCorrupt] if it is absent
// or not what was written.
func ReadManifest(d disk.System, dir string) (*Manifest, error) {
	name := filepath.Join(dir, ManifestName)
	content, err := d.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading %s: %w: it is not there", name, ErrCorrupt)
	}
	if err != nil {
		return nil, err
	}
	var version struct{ Format int }
	if err := json.Unmarshal(content, &version); err != nil {
		return nil, fmt.Errorf("reading %s: %w: %w", name, ErrCorrupt, err)
	}
	if version.Format != Format {
		return nil, fmt.Errorf("reading %s: %w: %d, not %d", name, ErrFormat, version.Format, Format)
	}
	var file manifestFile
	if err := json.Unmarshal(content, &file); err != nil {
		return nil, fmt.Errorf("reading %s: %w: %w", name, ErrCorrupt, err)
	}
	m := file.Manifest
	if n, err := hex.Decode(m.Head[:], []byte(file.HexHead)); err != nil || n != len(m.Head) {
		return nil, fmt.Errorf("reading %s: %w: %q is no commit", name, ErrCorrupt, file.HexHead)
	}
	again, _, err := m.encode()
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if !bytes.Equal(again, content) {
		return nil, fmt.Errorf("reading %s: %w: its bytes do not fit its sum", name, ErrCorrupt)
	}
	want := tables()
	if len(m.Tables) != len(want) {
		return nil, fmt.Errorf("reading %s: %w: it has %d tables, not %d", name, ErrCorrupt, len(m.Tables), len(want))
	}
	for i := range want {
		if m.Tables[i].Name != want[i].name {
			return nil, fmt.Errorf("reading %s: %w: it has a table %q in place of %q", name, ErrCorrupt, m.Tables[i].Name, want[i].name)
		}
	}
	return &m, nil
}

// ReadOptions shape [Read].
type ReadOptions struct {
	// Plan reads the plan as well, which a later reading builds on.
	Plan bool
	// Workers is the number of tables read at once; 0 is one.
	Workers int
}

// Read reads a generation. Everything is held against the sums and counts of its manifest; the error wraps [ErrCorrupt] where they differ.
func Read(d disk.System, dir string, m *Manifest, opts ReadOptions) (*facts.Repository, error) {
	f := &facts.Repository{
		Key: string(m.Key), Branch: string(m.Branch), Head: m.Head, Shallow: m.Shallow,
		Languages: toStrings(m.Languages), Walk: m.Walk, Notes: toStrings(m.Notes),
	}
	if opts.Plan {
		f.Plan = &facts.Plan{Limited: m.Limited}
	}
	var g errgroup.Group
	g.SetLimit(max(1, opts.Workers))
	for i, t := range tables() {
		if t.plan && !opts.Plan {
			continue
		}
		g.Go(func() error {
			if err := readTable(d, t.file(dir), &t, &m.Tables[i], f); err != nil {
				return fmt.Errorf("reading %s: %w", t.file(dir), err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if err := check(f); err != nil {
		return nil, fmt.Errorf("reading %s: %w: %w", dir, ErrCorrupt, err)
	}
	return f, nil
}

// readTable reads a table into its columns of f, which no other table touches.
func readTable(d disk.System, name string, t *table, want *Table, f *facts.Repository) (err error) {
	content, err := d.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: it is not there", ErrCorrupt)
	}
	if err != nil {
		return err
	}
	if sum(content) != want.SHA256 {
		return fmt.Errorf("%w: its bytes are not those that were written", ErrCorrupt)
	}
	// The bytes are right; if the library still finds something to panic about, it costs this repository another reading of git.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrCorrupt, p)
		}
	}()
	c, err := open(content)
	if err == nil && c.rows != want.Rows {
		err = fmt.Errorf("it has %d rows, not %d", c.rows, want.Rows)
	}
	if err == nil {
		t.read(c, f)
		err = c.err
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return nil
}

// Verify reads every file of a generation, and tells of each that is not what was written. It gives the facts if all are.
func Verify(d disk.System, dir string, m *Manifest, broken func(error)) *facts.Repository {
	whole := true
	for i, t := range tables() {
		f := &facts.Repository{Languages: toStrings(m.Languages), Plan: &facts.Plan{}}
		if err := readTable(d, t.file(dir), &t, &m.Tables[i], f); err != nil {
			whole = false
			broken(fmt.Errorf("reading %s: %w", t.file(dir), err))
		}
	}
	if !whole {
		return nil
	}
	f, err := Read(d, dir, m, ReadOptions{Plan: true})
	if err != nil {
		broken(err)
	}
	return f
}

func toTexts(list []string) []Text {
	out := make([]Text, len(list))
	for i, s := range list {
		out[i] = Text(s)
	}
	return out
}

func toStrings(list []Text) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}
