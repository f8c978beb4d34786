package control

import (
	"errors"
	"strings"
	"testing"
	"time"
)

const oneStatement = "governance:\n- power: trademark\n  organization: Astra\n  source: {title: register, date: 2021-03}\n"

func TestGovernanceIsRead(t *testing.T) {
	all, err := ParseGovernance("g.yaml", []byte(oneStatement+`
- power: board
  organization: Astra
  name: council
  seats: 2
  of: 5
  from: 2021-01-01
  to: 2022-01-01
  source: {title: minutes, date: 2021}
- power: board
  organization: Borealis
  name: Council
  seats: 1
  of: 5
  from: 2021-06-01
  source: {title: minutes, date: 2021}
- {power: licence, name: MIT, source: {title: LICENSE, date: 2020-02-03}}
`))
	if err != nil {
		t.Fatal(err)
	}
	at := func(day string) int64 {
		d, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		return d.Unix()
	}
	if all[0].Power != Board || all[2].Power != Trademark || all[2].From != "2021-03-01" || all[2].Line != 2 || all[3].Organization != "" {
		t.Errorf("got %+v", all)
	}
	if s := all[0]; !s.Holds(at("2021-12-31")) || s.Holds(at("2022-01-01")) || s.Holds(at("2020-12-31")) || s.Says() != "board 2 of 5" {
		t.Errorf("got %+v", s)
	}
	for _, c := range []struct {
		day       string
		statement int
		low, high float64
	}{{"2021-02-01", 0, .4, 1}, {"2021-07-01", 0, .4, .8}, {"2021-07-01", 1, .2, .6}, {"2023-01-01", 1, .2, 1}} {
		if low, high, ok := all[c.statement].Bounds(all, at(c.day)); !ok || low != c.low || high != c.high {
			t.Errorf("%s %d: %v to %v, want %v to %v", c.day, c.statement, low, high, c.low, c.high)
		}
	}
	if _, _, ok := all[2].Bounds(all, at("2023-01-01")); ok {
		t.Error("a mark has seats")
	}
}

func TestGovernanceMistakes(t *testing.T) {
	source := "source: {title: a, date: 2021}"
	for name, c := range map[string]struct{ text, want string }{
		"empty":          {"", "no documents"},
		"nothing":        {"{}", "nothing is stated"},
		"not YAML":       {"governance: [", "g.yaml:2:1: not YAML"},
		"key":            {oneStatement + "  colour: red\n", `g.yaml:5:3: unknown key "colour"`},
		"twice":          {oneStatement + "  power: ci\n", "stands twice, first in line 2"},
		"power":          {"governance: [{power: magic, organization: a, " + source + "}]", `not "magic"`},
		"no source":      {"governance: [{power: ci, organization: a}]", "a power and a source"},
		"no holder":      {"governance: [{power: ci, " + source + "}]", "names the organization"},
		"seats of a CI":  {"governance: [{power: ci, organization: a, seats: 1, " + source + "}]", "seats are those of a board"},
		"of alone":       {"governance: [{power: board, organization: a, of: 1, " + source + "}]", "seats is missing"},
		"no seats":       {"governance: [{power: board, organization: a, seats: 0, " + source + "}]", "a number from 1"},
		"more than all":  {"governance: [{power: board, organization: a, seats: 3, of: 2, " + source + "}]", "3 seats are taken of 2"},
		"two sizes":      {"governance: [{power: board, organization: a, seats: 1, of: 2, " + source + "}, {power: board, organization: b, seats: 1, of: 3, " + source + "}]", "the same body has"},
		"forge":          {"governance: [{power: forge, organization: a, " + source + "}]", "a forge has a country"},
		"country":        {"governance: [{power: forge, organization: a, country: China, " + source + "}]", "two capital letters"},
		"day":            {"governance: [{power: ci, organization: a, from: 2021, " + source + "}]", "from is a day"},
		"backwards":      {"governance: [{power: ci, organization: a, from: 2021-02-02, to: 2021-01-01, " + source + "}]", "ends before it begins"},
		"source's date":  {"governance: [{power: ci, organization: a, source: {title: a, date: lately}}]", "date is a day, a month or a year"},
		"source's place": {"governance: [{power: ci, organization: a, source: {title: a, date: 2021, url: \"javascript:x\"}}]", "url is an address"},
		"aliases":        {"a: &a [x]\ngovernance: [" + strings.Repeat("*a,", 200) + "]", "g.yaml"},
		"long":           {strings.Repeat("#", 1<<20+1), "larger than"},
	} {
		all, err := ParseGovernance("g.yaml", []byte(c.text))
		if err == nil || !errors.Is(err, ErrGovernance) || !strings.Contains(err.Error(), c.want) || all != nil {
			t.Errorf("%s: %v %v, want an error with %q", name, all, err, c.want)
		}
	}
}
