package measure

import (
	"orrery/analyzer/people"
)

// lifeMonth counts lines by age and by month of landing.
type lifeMonth struct {
	entered, removed level // at this age, in months
	alive            level // of what landed in this month
}

func (l *lifeMonth) add(o *lifeMonth) {
	l.entered.plus(o.entered)
	l.removed.plus(o.removed)
	l.alive.plus(o.alive)
}

func (l *lifeMonth) move(net level) {
	split := func(n int64, entered, removed *int64) {
		if n > 0 {
			*entered += n
		} else {
			*removed -= n
		}
	}
	split(net.lines, &l.entered.lines, &l.removed.lines)
	split(net.here, &l.entered.here, &l.removed.here)
}

// LifeAges are the ages, in months, that Lifetimes.Lasting are for.
var LifeAges = [...]int{12, 24, 60}

// NotReached is a half-life that is longer than what was observed.
const NotReached = -1

// Longevity is how long the lines of an organization live, and whether who wrote them is still there, on the as-of day.
type Longevity struct {
	// Organization, Name, Class, Outside and Client are as those of [Row]. The first row is [RowPeople]: T.
	Organization int
	Name         string
	Class        people.Class
	Outside      bool
	Client       string
	// Merged says that contractors are part of their client here; there is a row for both readings where they differ.
	Merged bool
	// All are all lines, Here those in files that are written here: a line that moves out of these has left them.
	All, Here Lifetimes
}

// RowPeople is the name of the row of all people: T.
const RowPeople = "all people"

// Lifetimes are the product-limit estimate (Kaplan and Meier 1958, with delayed entry) of how long lines stand in the branch that is read.
//
// A line enters when its commit's lines first stand in a snapshot along first parents, and leaves when it is removed, changed, or its file
// goes; moved files are the same lines. Ages are differences of calendar months. What comes back later enters again at the age it then has;
// what stands on the as-of day is censored there. With n(a) lines at risk at age a (entered by then, and neither removed nor censored
// before) and d(a) removed at it, the part that lasts longer than a months is the product of 1 - d(i)/n(i) for all i up to a. Lines go in
// groups, so no error follows from the number of lines: none is given.
type Lifetimes struct {
	Entered, Removed uint64 // lines; Alive = Entered - Removed
	Alive            uint64
	// Active is the part of Alive whose authors have a commit in the twelve months before the as-of day, for whomever.
	Active uint64
	// HalfLife is the least age, in months, that at most half of the lines outlast; NotReached if there is none.
	HalfLife int
	// AtRisk is n at the age HalfLife; of NotReached, at the greatest age that was observed.
	AtRisk uint64
	// Oldest is the greatest age that was observed, in months, and Lasting there the part that lasts longer; -1 and 1 if there is none.
	Oldest      int
	OldestLasts float64
	// Lasting are the parts that last longer than LifeAges; -1 beyond Oldest.
	Lasting [len(LifeAges)]float64
}

// estimate computes the product limit from counts by age, the last of them that of the longest observation.
func estimate(entered, removed, censored []uint64) Lifetimes {
	l := Lifetimes{HalfLife: NotReached, Oldest: -1, OldestLasts: 1}
	for i := range l.Lasting {
		l.Lasting[i] = -1
	}
	var risk uint64
	lasts := 1.0
	for age := range entered {
		l.Entered += entered[age]
		l.Removed += removed[age]
		risk += entered[age]
		if risk > 0 {
			// Quotients of whole numbers, so that no compiler may fuse a product into a sum.
			lasts *= float64(risk-removed[age]) / float64(risk)
			l.Oldest, l.OldestLasts = age, lasts
			if l.HalfLife == NotReached {
				l.AtRisk = risk
				if lasts <= 0.5+1e-12 { // the product of exact quotients may be a last digit off
					l.HalfLife = age
				}
			}
			for i, a := range LifeAges {
				if a == age {
					l.Lasting[i] = lasts
				}
			}
		}
		risk -= removed[age] + censored[age]
	}
	l.Alive = l.Entered - l.Removed
	return l
}

// longevity reads the lifetimes off at the as-of day, which ends at t.
func (l *lives) longevity(t int64) {
	m := l.m
	now := 0
	for now < len(l.months) && l.months[now].To < t {
		now++
	}
	if now == len(l.months) {
		now--
	}
	entered, removed, censored := make([]uint64, now+1), make([]uint64, now+1), make([]uint64, now+1)
	one := func(sides []uint32, of func(level) int64) Lifetimes {
		clear(entered)
		clear(removed)
		clear(censored)
		var still int64
		for _, side := range sides {
			still += of(l.active[side])
			if l.sides[side] == nil {
				continue
			}
			for i := range entered {
				month := &l.sides[side][i]
				entered[i] += uint64(of(month.entered))
				removed[i] += uint64(of(month.removed))
			}
			for i := range l.sides[side] {
				censored[max(now-i, 0)] += uint64(of(l.sides[side][i].alive))
			}
		}
		out := estimate(entered, removed, censored)
		out.Active = uint64(still)
		return out
	}
	add := func(row *sideRow, sides []uint32, merged bool) {
		out := Longevity{
			Organization: row.Organization, Name: row.Name, Class: row.Class, Outside: row.Outside, Client: row.Client, Merged: merged,
			All:  one(sides, func(l level) int64 { return l.lines }),
			Here: one(sides, func(l level) int64 { return l.here }),
		}
		if out.All.Entered > 0 {
			m.result.Longevity = append(m.result.Longevity, out)
		}
	}
	var all []uint32
	for i := range l.rows {
		if !l.rows[i].Outside {
			all = append(all, l.rows[i].sides...)
		}
	}
	add(&sideRow{Organization: people.NoOrganization, Name: RowPeople}, all, false)
	for i := range l.rows {
		row := &l.rows[i]
		add(row, row.sides, false)
		if row.merged != nil {
			add(row, row.merged, true)
		}
	}
}
