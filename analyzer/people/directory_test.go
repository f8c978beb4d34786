package people

import "testing"

func TestEmbedded(t *testing.T) {
	problems, err := CheckDirectory()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Error(p)
	}
	d, err := embedded()
	if err != nil {
		t.Fatal(err)
	}
	t.Log(len(d.organizations), "organizations", len(d.domains), "domains")
}
