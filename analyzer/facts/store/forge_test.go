package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orrery/analyzer/disk"
	"orrery/analyzer/facts"
)

// drawForge makes tables that fit each other.
func drawForge(t *rapid.T) *facts.Forge {
	f := &facts.Forge{
		Forge: "github", Owner: "acme", Asked: rapid.Int64Range(0, 1<<33).Draw(t, "asked"),
		Repositories: []facts.ForgeRepository{}, Accounts: []facts.Account{}, Pulls: []facts.Pull{}, Reviews: []facts.Review{},
	}
	at := rapid.Int64Range(0, 1<<33)
	for range rapid.IntRange(0, 4).Draw(t, "accounts") {
		f.Accounts = append(f.Accounts, facts.Account{
			Login: rapid.StringN(1, 5, 20).Draw(t, "login"), Kind: facts.AccountKind(rapid.IntRange(0, 2).Draw(t, "kind")),
			Name: rapid.String().Draw(t, "name"), Company: rapid.String().Draw(t, "company"),
			Organizations: rapid.SliceOfNDistinct(rapid.StringMatching("[a-z]{1,3}"), -1, 3, rapid.ID[string]).Draw(t, "organizations"),
			Asked:         at.Draw(t, "asked"), Gone: rapid.Bool().Draw(t, "gone"),
		})
		if a := &f.Accounts[len(f.Accounts)-1]; len(a.Organizations) == 0 {
			a.Organizations = nil
		}
	}
	who := func() uint32 {
		if n := rapid.IntRange(0, len(f.Accounts)).Draw(t, "who"); n > 0 {
			return uint32(n - 1)
		}
		return facts.None
	}
	for r := range rapid.IntRange(0, 3).Draw(t, "repositories") {
		one := facts.ForgeRepository{Name: "tool", Asked: at.Draw(t, "asked"), Newest: at.Draw(t, "newest"), Count: rapid.Uint32().Draw(t, "count"), Gone: rapid.Bool().Draw(t, "gone")}
		one.Pulls.Lo = uint32(len(f.Pulls))
		for n := range rapid.IntRange(0, 4).Draw(t, "pulls") {
			p := facts.Pull{
				Repository: uint32(r), Number: uint32(n), Author: who(), Merger: who(), State: facts.PullState(rapid.IntRange(0, 2).Draw(t, "state")),
				Base: "main", Created: at.Draw(t, "at"), Updated: at.Draw(t, "at"), Merged: at.Draw(t, "at"), Closed: at.Draw(t, "at"),
			}
			if rapid.Bool().Draw(t, "commit") {
				copy(p.Merge[:], rapid.SliceOfN(rapid.Byte(), 20, 20).Draw(t, "commit"))
			}
			p.Reviews.Lo = uint32(len(f.Reviews))
			for range rapid.IntRange(0, 3).Draw(t, "reviews") {
				f.Reviews = append(f.Reviews, facts.Review{
					Pull: uint32(len(f.Pulls)), Reviewer: who(), Verdict: facts.Verdict(rapid.IntRange(0, 4).Draw(t, "verdict")), At: at.Draw(t, "at"),
				})
			}
			p.Reviews.Hi = uint32(len(f.Reviews))
			f.Pulls = append(f.Pulls, p)
		}
		one.Pulls.Hi = uint32(len(f.Pulls))
		f.Repositories = append(f.Repositories, one)
	}
	return f
}

func TestForgeComesBack(t *testing.T) {
	root := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		f := drawForge(t)
		dir, err := os.MkdirTemp(root, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := WriteForge(disk.Real{}, dir, f); err != nil {
			t.Fatal(err)
		}
		got, err := ReadForge(disk.Real{}, dir)
		if err != nil || got.Sum() != f.Sum() {
			t.Fatal(err)
		}
		if diff := cmp.Diff(f, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// A flipped byte or a shorter file is damage, anywhere; a row that points nowhere is never written.
func TestForgeDamage(t *testing.T) {
	f := &facts.Forge{
		Forge: "gitee", Owner: "acme", Repositories: []facts.ForgeRepository{{Name: "tool", Pulls: facts.Span{Hi: 1}}},
		Accounts: []facts.Account{{Login: "ada", Organizations: []string{"acme"}}},
		Pulls:    []facts.Pull{{Number: 1, Merger: facts.None, Reviews: facts.Span{Hi: 1}}}, Reviews: []facts.Review{{Reviewer: 0}},
	}
	dir := t.TempDir()
	if err := WriteForge(disk.Real{}, dir, f); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 6 {
		t.Fatal(files, err)
	}
	for _, e := range files {
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v", e.Name(), info.Mode())
		}
		name := filepath.Join(dir, e.Name())
		whole, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for at := 0; at < len(whole); at += 1 + len(whole)/40 {
			broken := append([]byte(nil), whole...)
			broken[at] ^= 0x10
			for _, content := range [][]byte{broken, whole[:at]} {
				if err := os.WriteFile(name, content, 0o600); err != nil {
					t.Fatal(err)
				}
				if _, err := ReadForge(disk.Real{}, dir); !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrFormat) {
					t.Errorf("%s at %d: %v", e.Name(), at, err)
				}
			}
		}
		if err := os.WriteFile(name, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, bad := range []func(f *facts.Forge){
		func(f *facts.Forge) { f.Pulls[0].Author = 1 },
		func(f *facts.Forge) { f.Pulls[0].Repository = 1 },
		func(f *facts.Forge) { f.Reviews[0].Pull = 1 },
		func(f *facts.Forge) { f.Reviews[0].Reviewer = 7 },
		func(f *facts.Forge) { f.Pulls[0].Reviews.Hi = 2 },
		func(f *facts.Forge) { f.Repositories[0].Pulls.Hi = 0 },
	} {
		again, err := ReadForge(disk.Real{}, dir)
		if err != nil {
			t.Fatal(err)
		}
		bad(again)
		if err := WriteForge(disk.Real{}, t.TempDir(), again); err == nil {
			t.Errorf("%+v was written", again)
		}
	}
}
