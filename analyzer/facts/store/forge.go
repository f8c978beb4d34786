package store

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"orrery/analyzer/disk"
	"orrery/analyzer/facts"
)

// What a forge tells of an owner's repositories is a generation as well, with files of its own, all of them personal data (mode 0600):
//
//	manifest.json                 forge, owner, when it was asked, and the rows, bytes and sums of every file
//	forge_repositories.parquet    the column pulls counts its rows in pulls
//	accounts.parquet              login, kind, and what the profile says: name, company
//	memberships.parquet           account, organization: public members
//	pulls.parquet                 pull requests; the column reviews counts its rows in reviews
//	reviews.parquet               pull, reviewer, verdict, moment
//
// pull and account are numbers of rows; an account is NULL where it is gone or nobody.

// ForgeFormat is the version of these files. What has another one is asked for again.
const ForgeFormat = 1

type forgeRepositoryRow struct {
	Repository uint32 `parquet:"repository"`
	Name       string `parquet:"name"`
	Asked      int64  `parquet:"asked,timestamp(millisecond)"`
	Newest     *int64 `parquet:"newest,timestamp(millisecond)"`
	Count      uint32 `parquet:"count"`
	Gone       bool   `parquet:"gone"`
	Pulls      uint32 `parquet:"pulls"`
}

type accountRow struct {
	Account uint32 `parquet:"account"`
	Login   string `parquet:"login"`
	Kind    string `parquet:"kind,dict"`
	Name    string `parquet:"name"`
	Company string `parquet:"company"`
	Asked   *int64 `parquet:"asked,timestamp(millisecond)"`
	Gone    bool   `parquet:"gone"`
}

type membershipRow struct {
	Account      uint32 `parquet:"account"`
	Organization string `parquet:"organization"`
}

type pullRow struct {
	Pull       uint32  `parquet:"pull"`
	Repository uint32  `parquet:"repository"`
	Number     uint32  `parquet:"number"`
	Author     *uint32 `parquet:"author"`
	Merger     *uint32 `parquet:"merger"`
	State      string  `parquet:"state,dict"`
	Base       string  `parquet:"base"`
	Merge      string  `parquet:"merge_commit"`
	Created    *int64  `parquet:"created,timestamp(millisecond)"`
	Updated    *int64  `parquet:"updated,timestamp(millisecond)"`
	Merged     *int64  `parquet:"merged,timestamp(millisecond)"`
	Closed     *int64  `parquet:"closed,timestamp(millisecond)"`
	Reviews    uint32  `parquet:"reviews"`
}

type reviewRow struct {
	Pull     uint32  `parquet:"pull"`
	Reviewer *uint32 `parquet:"reviewer"`
	Verdict  string  `parquet:"verdict,dict"`
	At       *int64  `parquet:"at,timestamp(millisecond)"`
}

var (
	accountKinds = []string{"person", "bot", "organization"}
	pullStates   = []string{"open", "closed", "merged"}
	verdicts     = []string{"asked", "commented", "approved", "rejected", "dismissed"}
)

// instant gives Unix seconds as a column has them: milliseconds, NULL for never.
func instant(unix int64) *int64 {
	if unix == 0 {
		return nil
	}
	unix *= 1000
	return &unix
}

// ForgeManifest describes what a forge told of an owner.
type ForgeManifest struct {
	Format int     `json:"format"`
	Forge  string  `json:"forge"`
	Owner  string  `json:"owner"`
	Asked  int64   `json:"asked"`
	Tables []Table `json:"tables"`
	Sum    string  `json:"sha256"` // of the file with this one empty
}

func (m ForgeManifest) encode() ([]byte, error) {
	m.Sum = ""
	content, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	m.Sum = sum(content)
	content, err = json.Marshal(m)
	return append(content, '\n'), err
}

type forgeTable struct {
	name  string
	write func(f *facts.Forge) (*encoded, error)
	read  func(c *columns, f *facts.Forge)
}

func forgeTables() []forgeTable {
	return []forgeTable{
		{"forge_repositories", writeForgeRepositories, readForgeRepositories},
		{"accounts", writeAccounts, readAccounts},
		{"memberships", writeMemberships, readMemberships},
		{"pulls", writePulls, readPulls},
		{"reviews", writeReviews, readReviews},
	}
}

// WriteForge writes what a forge told into a folder, which it makes; a folder that is left half is for the caller to remove.
func WriteForge(d disk.System, dir string, f *facts.Forge) error {
	err := f.Check()
	if err == nil {
		err = writeForge(d, dir, f)
	}
	if err != nil {
		return fmt.Errorf("writing what %s tells of %s: %w", f.Forge, f.Owner, err)
	}
	return nil
}

func writeForge(d disk.System, dir string, f *facts.Forge) error {
	m := ForgeManifest{Format: ForgeFormat, Forge: f.Forge, Owner: f.Owner, Asked: f.Asked}
	if err := d.MkdirAll(dir); err != nil {
		return err
	}
	for _, t := range forgeTables() {
		file, err := t.write(f)
		if err != nil {
			return fmt.Errorf("table %s: %w", t.name, err)
		}
		if err := d.WriteFile(filepath.Join(dir, t.name+".parquet"), file.content, 0o600); err != nil {
			return err
		}
		m.Tables = append(m.Tables, Table{t.name, file.rows, len(file.content), sum(file.content)})
	}
	content, err := m.encode()
	if err != nil {
		return err
	}
	if err := d.WriteFile(filepath.Join(dir, ManifestName), content, 0o600); err != nil {
		return err
	}
	return d.SyncDir(dir)
}

// ReadForge reads what a forge told. The error wraps [ErrFormat] if it is of another version, and [ErrCorrupt] if it is
// absent or not what was written.
func ReadForge(d disk.System, dir string) (*facts.Forge, error) {
	name := filepath.Join(dir, ManifestName)
	content, err := d.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading %s: %w: it is not there", name, ErrCorrupt)
	}
	if err != nil {
		return nil, err
	}
	var m ForgeManifest
	if err := json.Unmarshal(content, &m); err != nil {
		return nil, fmt.Errorf("reading %s: %w: %w", name, ErrCorrupt, err)
	}
	if m.Format != ForgeFormat {
		return nil, fmt.Errorf("reading %s: %w: %d, not %d", name, ErrFormat, m.Format, ForgeFormat)
	}
	want := forgeTables()
	if again, err := m.encode(); err != nil || string(again) != string(content) || len(m.Tables) != len(want) {
		return nil, fmt.Errorf("reading %s: %w: its bytes do not fit its sum", name, ErrCorrupt)
	}
	f := &facts.Forge{Forge: m.Forge, Owner: m.Owner, Asked: m.Asked}
	for i, t := range want {
		if err := readForgeTable(d, filepath.Join(dir, t.name+".parquet"), t, m.Tables[i], f); err != nil {
			return nil, fmt.Errorf("reading %s: %w", filepath.Join(dir, t.name+".parquet"), err)
		}
	}
	if err := f.Check(); err != nil {
		return nil, fmt.Errorf("reading %s: %w: %w", dir, ErrCorrupt, err)
	}
	return f, nil
}

func readForgeTable(d disk.System, name string, t forgeTable, want Table, f *facts.Forge) error {
	// Tables of repositories are read the same way.
	return readTable(d, name, &table{name: t.name, read: func(c *columns, _ *facts.Repository) { t.read(c, f) }}, &want, nil)
}

func writeForgeRepositories(f *facts.Forge) (*encoded, error) {
	return write(len(f.Repositories), func(i int) forgeRepositoryRow {
		r := &f.Repositories[i]
		return forgeRepositoryRow{uint32(i), r.Name, r.Asked * 1000, instant(r.Newest), r.Count, r.Gone, uint32(r.Pulls.Len())}
	})
}

func readForgeRepositories(c *columns, f *facts.Forge) {
	r := make([]facts.ForgeRepository, c.rows)
	texts(c, "name", func(i int, s string) { r[i].Name = s })
	numbers64(c, "asked", func(i int, v int64) { r[i].Asked = v / 1000 })
	optional64(c, "newest", func(i int, v int64) { r[i].Newest = v / 1000 })
	flags(c, "gone", func(i int) { r[i].Gone = true })
	numbers(c, "count", func(i int, v uint32) { r[i].Count = v })
	spans(c, "pulls", func(i int) *facts.Span { return &r[i].Pulls })
	f.Repositories = r
}

func writeAccounts(f *facts.Forge) (*encoded, error) {
	return write(len(f.Accounts), func(i int) accountRow {
		a := &f.Accounts[i]
		return accountRow{uint32(i), a.Login, a.Kind.String(), a.Name, a.Company, instant(a.Asked), a.Gone}
	})
}

func readAccounts(c *columns, f *facts.Forge) {
	a := make([]facts.Account, c.rows)
	texts(c, "login", func(i int, s string) { a[i].Login = s })
	names(c, "kind", accountKinds, func(i, v int) { a[i].Kind = facts.AccountKind(v) })
	texts(c, "name", func(i int, s string) { a[i].Name = s })
	texts(c, "company", func(i int, s string) { a[i].Company = s })
	optional64(c, "asked", func(i int, v int64) { a[i].Asked = v / 1000 })
	flags(c, "gone", func(i int) { a[i].Gone = true })
	f.Accounts = a
}

func writeMemberships(f *facts.Forge) (*encoded, error) {
	var rows []membershipRow
	for i := range f.Accounts {
		for _, o := range f.Accounts[i].Organizations {
			rows = append(rows, membershipRow{uint32(i), o})
		}
	}
	return write(len(rows), func(i int) membershipRow { return rows[i] })
}

func readMemberships(c *columns, f *facts.Forge) {
	accounts := make([]uint32, c.rows)
	numbers(c, "account", func(i int, v uint32) { accounts[i] = v })
	texts(c, "organization", func(i int, s string) {
		if a := accounts[i]; int(a) < len(f.Accounts) {
			f.Accounts[a].Organizations = append(f.Accounts[a].Organizations, s)
			return
		}
		c.fail(fmt.Errorf("the membership %d points to no row", i))
	})
}

func writePulls(f *facts.Forge) (*encoded, error) {
	return write(len(f.Pulls), func(i int) pullRow {
		p := &f.Pulls[i]
		merge := ""
		if !p.Merge.IsZero() {
			merge = p.Merge.String()
		}
		return pullRow{
			uint32(i), p.Repository, p.Number, ref(&p.Author), ref(&p.Merger), p.State.String(), p.Base, merge,
			instant(p.Created), instant(p.Updated), instant(p.Merged), instant(p.Closed), uint32(p.Reviews.Len()),
		}
	})
}

func readPulls(c *columns, f *facts.Forge) {
	p := make([]facts.Pull, c.rows)
	numbers(c, "repository", func(i int, v uint32) { p[i].Repository = v })
	numbers(c, "number", func(i int, v uint32) { p[i].Number = v })
	references(c, "author", func(i int, v uint32) { p[i].Author = v })
	references(c, "merger", func(i int, v uint32) { p[i].Merger = v })
	names(c, "state", pullStates, func(i, v int) { p[i].State = facts.PullState(v) })
	texts(c, "base", func(i int, s string) { p[i].Base = s })
	texts(c, "merge_commit", func(i int, s string) {
		if n, err := hex.Decode(p[i].Merge[:], []byte(s[:min(len(s), 40)])); err != nil || s != "" && (n != 20 || len(s) != 40) {
			c.fail(fmt.Errorf("%q is no commit", s))
		}
	})
	optional64(c, "created", func(i int, v int64) { p[i].Created = v / 1000 })
	optional64(c, "updated", func(i int, v int64) { p[i].Updated = v / 1000 })
	optional64(c, "merged", func(i int, v int64) { p[i].Merged = v / 1000 })
	optional64(c, "closed", func(i int, v int64) { p[i].Closed = v / 1000 })
	spans(c, "reviews", func(i int) *facts.Span { return &p[i].Reviews })
	f.Pulls = p
}

func writeReviews(f *facts.Forge) (*encoded, error) {
	return write(len(f.Reviews), func(i int) reviewRow {
		r := &f.Reviews[i]
		return reviewRow{r.Pull, ref(&r.Reviewer), r.Verdict.String(), instant(r.At)}
	})
}

func readReviews(c *columns, f *facts.Forge) {
	r := make([]facts.Review, c.rows)
	numbers(c, "pull", func(i int, v uint32) { r[i].Pull = v })
	references(c, "reviewer", func(i int, v uint32) { r[i].Reviewer = v })
	names(c, "verdict", verdicts, func(i, v int) { r[i].Verdict = facts.Verdict(v) })
	optional64(c, "at", func(i int, v int64) { r[i].At = v / 1000 })
	f.Reviews = r
}
