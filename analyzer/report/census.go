package report

import (
	"orrery/analyzer/measure"
)

// Census counts the people of the ecosystem in a period by one definition.
type Census struct {
	Period     Period         `json:"period"`
	Population string         `json:"population"`
	In         measure.People `json:"in"`
	Once       measure.People `json:"once"`
	TenOrMore  measure.People `json:"ten_or_more"`
	Ever       measure.People `json:"ever"` // dated before the end of the period
}

// Arrivals are the people of the ecosystem since the start by one definition: numbers by month.
type Arrivals struct {
	Population string   `json:"population"`
	Months     []string `json:"months"`
	Persons    []int    `json:"persons"`
	Addresses  []int    `json:"addresses"`
	Names      []int    `json:"names"`
	Pairs      []int    `json:"pairs"`
}

func censuses(list []measure.Census) []Census {
	out := []Census{}
	for _, c := range list {
		out = append(out, Census{period(c.Period), measure.Populations[c.Population].Key, c.In, c.Once, c.TenOrMore, c.Ever})
	}
	return out
}

func arrivals(list []measure.Arrivals) []Arrivals {
	out := []Arrivals{}
	for _, from := range list {
		a := Arrivals{Population: measure.Populations[from.Population].Key, Months: []string{}, Persons: []int{}, Addresses: []int{}, Names: []int{}, Pairs: []int{}}
		for i, p := range from.Months {
			e := from.Ever[i]
			a.Months = append(a.Months, p.Name)
			a.Persons, a.Addresses, a.Names, a.Pairs = append(a.Persons, e.Persons), append(a.Addresses, e.Addresses), append(a.Names, e.Names), append(a.Pairs, e.Pairs)
		}
		out = append(out, a)
	}
	return out
}

var censusTables = []Table{
	{
		"census",
		"the ecosystem's contributors by every definition (population), for calendar years and windows that go by dates: as persons after joins, addresses, names, and pairs of both; in the period, with one commit, with ten or more; ever: since the start, before the end of the period",
		[]string{
			"period_kind", "period", "partial", "population", "persons", "addresses", "names", "pairs", "once_persons", "once_addresses", "once_names", "once_pairs",
			"ten_persons", "ten_addresses", "ten_names", "ten_pairs", "ever_persons", "ever_addresses", "ever_names", "ever_pairs",
		},
		func(m *Model, add func(...any)) {
			for i := range m.Censuses {
				c := &m.Censuses[i]
				cells := []any{c.Period.Kind, c.Period.Name, c.Period.Partial, c.Population}
				for _, p := range []measure.People{c.In, c.Once, c.TenOrMore, c.Ever} {
					cells = append(cells, p.Persons, p.Addresses, p.Names, p.Pairs)
				}
				add(cells...)
			}
		},
	},
	{
		"arrivals",
		"the ecosystem's contributors since the start by every definition, at the end of every month",
		[]string{"month", "population", "persons", "addresses", "names", "pairs"},
		func(m *Model, add func(...any)) {
			for i := range m.Arrivals {
				a := &m.Arrivals[i]
				for k, month := range a.Months {
					add(month, a.Population, a.Persons[k], a.Addresses[k], a.Names[k], a.Pairs[k])
				}
			}
		},
	},
}
