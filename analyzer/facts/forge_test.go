package facts

import "testing"

// The same owner and name at two forges are two repositories, and a place of which no forge is known is told of only if it can be but one.
func TestTellOf(t *testing.T) {
	made := func(forge, owner string, names ...string) *Forge {
		f := &Forge{Forge: forge, Owner: owner}
		for _, n := range names {
			f.Repositories = append(f.Repositories, ForgeRepository{Name: n})
		}
		return f
	}
	hub, git, own := made("github", "Garden", "Relay", "pump"), made("gitee", "garden", "relay", "seed"), made("git.corp.example", "garden", "valve")
	for _, test := range []struct {
		place Place
		want  Told
	}{
		{Place{"github", "garden/relay"}, Told{hub, 0}},
		{Place{"gitee", "GARDEN/Relay"}, Told{git, 0}},
		{Place{"gitcode", "garden/relay"}, Told{}},
		{Place{"", "garden/relay"}, Told{}},
		{Place{"", "garden/pump"}, Told{hub, 1}},
		{Place{"", "garden/seed"}, Told{git, 1}},
		{Place{"github", "garden/seed"}, Told{}},
		{Place{"git.corp.example", "garden/valve"}, Told{own, 0}},
		{Place{"", "relay"}, Told{}},
		{Place{}, Told{}},
	} {
		for _, forges := range [][]*Forge{{hub, git, own}, {own, git, hub}} {
			if got := TellOf(forges, []Place{{}, test.place})[1]; got != test.want {
				t.Errorf("%v: %v, want %v", test.place, got, test.want)
			}
		}
	}
}
