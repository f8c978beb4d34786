package people

import (
	"testing"
	"time"

	"orrery/analyzer/facts"
)

// A profile is a statement for a year around the day that it was asked for, and the last to be asked.
func TestProfiles(t *testing.T) {
	asked := time.Date(2022, 6, 1, 0, 0, 0, 0, time.UTC).Unix()
	account := func(login, company string) facts.Account {
		return facts.Account{Login: login, Company: company, Asked: asked}
	}
	gone, robot, never := account("gone", "Acme"), account("robot", "Acme"), account("never", "Acme")
	gone.Gone, robot.Kind, never.Asked = true, facts.BotAccount, 0
	forges := []*facts.Forge{
		{Forge: "github", Accounts: []facts.Account{
			account("Jo", "  @ACME "), account("kim", "Acme, ex-Beta"), account("lee", "freelance"), account("max", "Beta"), account("nia", ""),
			account("ola", "Acme"), gone, robot, never,
		}},
		{Forge: "gitee", Accounts: []facts.Account{account("ola", "Beta"), account("jo", "Beta")}},
		{Forge: "git.corp.example", Accounts: []facts.Account{account("pat", "Acme")}},
	}
	directory := directoryOf(t, "organizations: [{name: Beta, kind: company, domains: [beta.example]}]\nsame: [[ola@users.noreply.github.com, ola@user.noreply.gitee.com]]")
	for _, c := range []struct{ who, date, want string }{
		{"Jo <1+jo@users.noreply.github.com>", "2022-06-01", "Acme profile low"},
		{"Jo <1+jo@users.noreply.github.com>", "2021-06-01", "Acme profile low"},
		{"Jo <1+jo@users.noreply.github.com>", "2021-05-31", " no-reply high"},
		{"Jo <1+jo@users.noreply.github.com>", "2023-06-01", "Acme profile low"},
		{"Jo <1+jo@users.noreply.github.com>", "2023-06-02", " no-reply high"},
		{"Kim <kim@users.noreply.github.com>", "2022-06-01", " no-reply high"},
		{"Lee <lee@users.noreply.github.com>", "2022-06-01", " no-reply high"},
		{"Nia <nia@users.noreply.github.com>", "2022-06-01", " no-reply high"},
		{"Ola <ola@users.noreply.github.com>", "2022-06-01", " no-reply high"}, // two companies
		{"Gone <gone@users.noreply.github.com>", "2022-06-01", " no-reply high"},
		{"Robot <robot@users.noreply.github.com>", "2022-06-01", " no-reply high"},
		{"Never <never@users.noreply.github.com>", "2022-06-01", " no-reply high"},
		{"Pat <pat@users.noreply.github.com>", "2022-06-01", " no-reply high"}, // another server's account
		{"Max <max@acme.example>", "2022-06-01", "Acme domain high"},
		{"Max <max@users.noreply.github.com>", "2022-06-01", "Beta profile low"},
	} {
		commits := []wrote{{who: c.who, date: c.date}, {who: "Ola <ola@user.noreply.gitee.com>", date: c.date}}
		for _, on := range []bool{true, false} {
			r := resolve(t, Options{Directory: directory, Forges: forges, Rules: map[string]bool{RuleProfile: on}}, repository(t, "r", commits...))
			day, err := time.Parse(time.DateOnly, c.date)
			if err != nil {
				t.Fatal(err)
			}
			a := r.Attribute(0, 0, facts.Time{Unix: day.Unix(), Valid: true})
			name := ""
			if a.Organization != NoOrganization {
				name = r.Organizations[a.Organization].Name
			}
			e := r.Evidence[a.Evidence]
			if got := name + " " + e.Rule + " " + e.Confidence; on && got != c.want || !on && e.Rule == RuleProfile {
				t.Errorf("%s on %s, rule %v: %s, want %s", c.who, c.date, on, got, c.want)
			}
		}
	}
}
