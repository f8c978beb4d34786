package state

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orrery/analyzer/disk"
	"orrery/analyzer/facts"
)

// What a forge told is kept beside facts of repositories, the last generation alone; damage is told, and costs another asking.
func TestForges(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(disk.Real{}, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	told := func(owner string, asked int64) *facts.Forge {
		return &facts.Forge{
			Forge: "github", Owner: owner, Asked: asked, Repositories: []facts.ForgeRepository{}, Accounts: []facts.Account{{Login: "ada", Company: "Acme"}},
			Pulls: []facts.Pull{}, Reviews: []facts.Review{},
		}
	}
	if f, err := s.Forge("github", "acme"); f != nil || err != nil {
		t.Errorf("%+v, %v", f, err)
	}
	for asked := range int64(3) {
		for _, owner := range []string{"Acme", "beta"} {
			if err := s.SaveForge(told(owner, asked)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if f, err := s.Forge("github", "ACME"); err != nil || cmp.Diff(told("Acme", 2), f) != "" {
		t.Errorf("%+v, %v", f, err)
	}
	all, err := s.Forges()
	if diff := cmp.Diff([]*facts.Forge{told("Acme", 2), told("beta", 2)}, all); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if all[0].Sum() != told("Acme", 77).Sum() || all[0].Sum() == all[1].Sum() {
		t.Error("the sum does not name what was told")
	}
	if entries, err := s.Entries(func(err error) { t.Error(err) }); len(entries) != 0 || err != nil {
		t.Errorf("%v, %v", entries, err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "facts", "forge=github%3Aacme", "*", "*.parquet"))
	if err != nil || len(files) != 5 {
		t.Fatal(files, err)
	}
	if err := os.WriteFile(files[0], []byte("no parquet"), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := 0
	if err := s.VerifyForges(func(error) { broken++ }); err != nil || broken != 1 {
		t.Errorf("%d broken, %v", broken, err)
	}
	if f, err := s.Forge("github", "acme"); f != nil || err != nil || len(s.Notices()) != 1 {
		t.Errorf("%+v, %v, %q", f, err, s.Notices())
	}
}
