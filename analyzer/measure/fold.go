package measure

import (
	"cmp"
	"fmt"
	"slices"

	"orrery/analyzer/facts/spill"
	"orrery/analyzer/paths"
	"orrery/analyzer/people"
)

// fold is the pass over the survival of all repositories in order of time that tells what lines are in: everything is a running level, read off
// at the end of every month and window. Levels and what is read off are all that it keeps: some 4 bytes for each path, 65 for each person,
// and for each side that has lines 16 for each month. Whose lines they are commit by commit is told beside it: see lives.
type fold struct {
	m       *measurement
	months  []Period
	out     *Strata
	rows    []sideRow
	classes []int64   // by side and path class
	sides   [][]Stock // by side, then by month; nil where there is nothing
	years   []level   // by year
	// levels are of accounts, then are they at the last month's end: see account.
	levels, then []level
	changed      []uint32        // people touched since the last month's end
	touched      []bool          // by person: is in changed; nobody always is
	people       [][]PersonMonth // by month: joined at the end, since they are many
	sums         survivalSums    // at the last month's end
}

// Accounts are two for each person, work and bulk imports, and one for nobody.
func account(person uint32, bulk bool) uint32 {
	if bulk {
		return 2*person + 1
	}
	return 2 * person
}

// sideRow is a row of what sides make.
type sideRow struct {
	Organization int
	Name         string
	Class        people.Class
	Outside      bool
	Client       string
	sides, bulk  []uint32 // contractors apart
	// With contractors merged; nil if it is the same, or all with Client.
	merged, mergedBulk []uint32
}

// sideRows lists organizations, unknown classes, nobody known, bots, AI agents and bulk imports: every side is in one row.
func (m *measurement) sideRows() []sideRow {
	organizations := m.in.Resolution.Organizations
	var rows []sideRow
	for i := range organizations {
		row := sideRow{Organization: i, Name: organizations[i].Name, Class: organizations[i].Class}
		row.sides, row.bulk = []uint32{uint32(i)}, []uint32{m.bulkSide(uint32(i))}
		client := int(m.clients[i])
		if client != i {
			row.Client = organizations[client].Name
		}
		rows = append(rows, row)
	}
	for i := range organizations {
		if client := &rows[m.clients[i]]; int(m.clients[i]) != i {
			if client.merged == nil {
				client.merged, client.mergedBulk = slices.Clone(client.sides), slices.Clone(client.bulk)
			}
			client.merged, client.mergedBulk = append(client.merged, rows[i].sides...), append(client.mergedBulk, rows[i].bulk...)
		}
	}
	var imports []uint32
	for b := range m.sizes.buckets {
		imports = append(imports, m.bulkSide(uint32(b)))
	}
	other := func(name string, class people.Class, outside bool, sides ...uint32) {
		rows = append(rows, sideRow{Organization: people.NoOrganization, Name: name, Class: class, Outside: outside, sides: sides})
	}
	for i, class := range unknownClasses {
		bucket := uint32(len(organizations) + i)
		other(class.String(), class, false, bucket)
		rows[len(rows)-1].bulk = []uint32{m.bulkSide(bucket)}
	}
	other(RowNobody, people.Unknown, false, m.nobody())
	machines := uint32(len(organizations) + len(unknownClasses))
	other(RowBots, people.Bot, true, machines)
	other(RowAgents, people.Agent, true, machines+1)
	other(RowBulk, people.Unknown, true, imports...)
	return rows
}

// attribute says of every commit whose its lines are.
func (m *measurement) attribute() error {
	if !m.in.Survival {
		return nil
	}
	return m.each(func(_, _ int, r *mined) error { return m.originsOf(r) })
}

// foldStrata makes Strata without cohorts, and what of them Figures need.
func (m *measurement) foldStrata() error {
	if !m.in.Survival {
		return nil
	}
	n := m.sides()
	accounts := 2*m.sizes.persons + 1
	f := &fold{
		m: m, months: m.months, rows: m.sideRows(), out: &Strata{Months: m.months},
		classes: make([]int64, n*paths.NumClasses), sides: make([][]Stock, n), years: make([]level, numYears),
		levels: make([]level, accounts), then: make([]level, accounts), touched: make([]bool, m.sizes.persons+1),
	}
	f.touched[m.sizes.persons] = true
	layers := func(names []string) []Layer {
		list := make([]Layer, len(names))
		for i, name := range names {
			list[i] = Layer{Name: name, Organization: people.NoOrganization, Stocks: make([]Stock, len(f.months))}
		}
		return list
	}
	var keys, classes, years []string
	for i := range m.repositories {
		keys = append(keys, m.repositories[i].Repository.Key)
	}
	for c := range paths.Class(paths.NumClasses) {
		classes = append(classes, c.String())
	}
	for y := range numYears {
		years = append(years, yearName(y))
	}
	f.out.Repositories, f.out.Classes, f.out.Languages, f.out.Years = layers(keys), layers(classes), layers(m.languages), layers(years)
	if err := f.run(); err != nil {
		return err
	}
	f.finish()
	m.result.Strata = f.out
	return nil
}

func (f *fold) run() error {
	m := f.m
	var moments []int64
	for _, p := range f.months {
		moments = append(moments, p.To)
	}
	for _, p := range m.result.Windows {
		if p.Kind != KindRange {
			moments = append(moments, p.To)
		}
	}
	slices.Sort(moments)
	month := 0
	for _, t := range slices.Compact(moments) {
		for i := range m.repositories {
			f.advance(&m.repositories[i], t)
		}
		if month < len(f.months) && f.months[month].To == t {
			if err := f.endMonth(month); err != nil {
				return err
			}
			month++
		}
		for w, p := range m.result.Windows {
			if p.To == t && p.Kind != KindRange {
				f.endWindow(w)
			}
		}
	}
	return nil
}

// advance folds the steps of a repository before a moment.
func (f *fold) advance(r *mined, t int64) {
	until := uint32(r.step(t))
	rows, nobody := r.Survival, uint32(len(r.Commits))
	i := r.next
	for ; i < len(rows) && rows[i].Step < until; i++ {
		row := &rows[i]
		lines := int64(row.Lines)
		k := &r.kinds[r.kindOf[row.Path]]
		here := lines * k.here
		k.lines += lines
		was := r.pathLines[row.Path]
		is := was + row.Lines
		r.pathLines[row.Path] = is
		switch {
		case was == 0 && is != 0:
			k.files++
		case was != 0 && is == 0:
			k.files--
		}
		o := r.origins[min(row.Commit, nobody)]
		w := &r.writers[o.writer]
		f.classes[w.side*paths.NumClasses+uint32(k.class)] += lines
		year, level := &f.years[o.year], &f.levels[w.account]
		year.lines, year.here = year.lines+lines, year.here+here
		level.lines, level.here = level.lines+lines, level.here+here
		if person := w.account / 2; !f.touched[person] {
			f.touched[person] = true
			f.changed = append(f.changed, person)
		}
	}
	r.next = i
}

// stock reads a level off. More lines that went than ever came are a contradiction in the facts.
func (f *fold) stock(l level, what string) (Stock, error) {
	if l.here < 0 || l.lines < l.here {
		return Stock{}, &LawError{Law{Name: "surviving lines of " + what + " are none or more, and those written here are among them", Left: l.lines, Right: l.here}}
	}
	return Stock{uint64(l.lines), uint64(l.here)}, nil
}

// survivalSums are the sums of all surviving lines along each dimension.
type survivalSums struct {
	snapshots, organizations, people, classes, languages, years, repositories, nobody Stock
}

// endMonth reads everything off, and holds the sums against each other.
func (f *fold) endMonth(month int) error {
	m := f.m
	var sums survivalSums
	var failed error
	read := func(sum *Stock, l level, what string) Stock {
		s, err := f.stock(l, what)
		if err != nil && failed == nil {
			failed = err
		}
		*sum = sum.Plus(s)
		return s
	}
	for side := range f.sides {
		var l level
		classes := f.classes[side*paths.NumClasses:][:paths.NumClasses]
		for c, lines := range classes {
			if lines == 0 {
				continue
			}
			here := int64(0)
			if paths.Class(c).Written() {
				here = 1
			}
			l.add(lines, here)
			one := level{}
			one.add(lines, here)
			s := read(&sums.classes, one, paths.Class(c).String()+" files")
			f.out.Classes[c].Stocks[month] = f.out.Classes[c].Stocks[month].Plus(s)
		}
		if l == (level{}) {
			continue
		}
		if f.sides[side] == nil {
			f.sides[side] = make([]Stock, len(f.months))
		}
		f.sides[side][month] = read(&sums.organizations, l, "an organization")
	}
	sums.nobody = Stock{}
	if s := f.sides[m.nobody()]; s != nil {
		sums.nobody = s[month]
	}
	for rank := range m.repositories {
		r := &m.repositories[rank]
		var l level
		for i := range r.kinds {
			k := &r.kinds[i]
			if k.lines == 0 {
				continue
			}
			one := level{}
			one.add(k.lines, k.here)
			s := read(&sums.languages, one, m.languages[k.language])
			layer := f.out.Languages[k.language].Stocks
			layer[month] = layer[month].Plus(s)
			l.add(k.lines, k.here)
		}
		f.out.Repositories[rank].Stocks[month] = read(&sums.repositories, l, r.Repository.Key)
		if n := r.step(f.months[month].To); n > 0 {
			sums.snapshots.Lines += r.Steps[n-1].Lines
		}
	}
	for y, l := range f.years {
		if l != (level{}) {
			f.out.Years[y].Stocks[month] = read(&sums.years, l, yearName(y))
		}
	}
	// People's sums are carried along: those who did not change have what they had.
	sums.people = f.sums.people
	rows := make([]PersonMonth, 0, len(f.changed))
	for _, person := range f.changed {
		f.touched[person] = false
		at := account(person, false)
		now, then := f.levels[at:at+2], f.then[at:at+2]
		if now[0] == then[0] && now[1] == then[1] {
			continue
		}
		var is, was Stock
		row := PersonMonth{Month: month, Person: int(person), Stock: read(&is, now[0], "a person"), Bulk: read(&is, now[1], "a person")}
		read(&was, then[0], "a person")
		read(&was, then[1], "a person")
		sums.people = Stock{sums.people.Lines + is.Lines - was.Lines, sums.people.Here + is.Here - was.Here}
		copy(then, now)
		rows = append(rows, row)
	}
	f.people = append(f.people, rows)
	f.changed = f.changed[:0]
	if failed != nil {
		return failed
	}
	f.sums = sums
	return f.conserve(f.months[month].Name, func(l Law) error {
		if l.Left != l.Right {
			return &LawError{l}
		}
		return nil
	})
}

// conserve gives the laws of the last month's end.
func (f *fold) conserve(name string, law func(Law) error) error {
	s := &f.sums
	for _, sum := range []struct {
		over string
		of   Stock
	}{
		{"organizations, unknown classes, machines and bulk imports", s.organizations},
		{"persons", s.people.Plus(s.nobody)},
		{"path classes", s.classes},
		{"languages", s.languages},
		{"years of writing", s.years},
		{"repositories", s.repositories},
	} {
		l := Law{
			Name: fmt.Sprintf("surviving lines at the end of %s over %s = lines of the snapshots", name, sum.over),
			Left: int64(s.snapshots.Lines), Right: int64(sum.of.Lines), Terms: []Term{{sum.over, int64(sum.of.Lines)}},
		}
		if sum.over == "persons" {
			l.Terms = []Term{{"persons", int64(s.people.Lines)}, {RowNobody, int64(s.nobody.Lines)}}
		}
		if err := law(l); err != nil {
			return err
		}
		// What is written here has no other source than the classes: it is the same along every dimension.
		if sum.of.Here != s.classes.Here {
			return law(Law{Name: l.Name + ", written here", Left: int64(s.classes.Here), Right: int64(sum.of.Here)})
		}
	}
	return nil
}

// endWindow keeps what stands by kind.
func (f *fold) endWindow(w int) {
	for rank := range f.m.repositories {
		r := &f.m.repositories[rank]
		for i := range r.kinds {
			k := &r.kinds[i]
			row := &r.windows[w].kinds[i]
			row.Lines, row.Here, row.Files = uint64(k.lines), uint64(k.lines*k.here), uint64(k.files)
		}
	}
}

// finish makes the layers of organizations, and drops the layers without lines.
func (f *fold) finish() {
	add := func(sides []uint32) (sum []Stock) {
		for _, side := range sides {
			if f.sides[side] == nil {
				continue
			}
			if sum == nil {
				sum = make([]Stock, len(f.months))
			}
			for i, s := range f.sides[side] {
				sum[i] = sum[i].Plus(s)
			}
		}
		return sum
	}
	for i := range f.rows {
		row := &f.rows[i]
		l := Layer{Name: row.Name, Organization: row.Organization, Class: row.Class, Outside: row.Outside, Client: row.Client}
		l.Stocks, l.Bulk = add(row.sides), add(row.bulk)
		if l.Stocks == nil && l.Bulk == nil {
			continue
		}
		if l.Stocks == nil {
			l.Stocks = make([]Stock, len(f.months))
		}
		f.out.Organizations = append(f.out.Organizations, l)
	}
	for i := range f.m.scopes {
		s := &f.m.scopes[i]
		if s.Kind != ScopeSubsystem {
			continue
		}
		l := Layer{Name: s.Name, Organization: people.NoOrganization, Stocks: make([]Stock, len(f.months))}
		for _, rank := range s.ranks {
			for month, stock := range f.out.Repositories[rank].Stocks {
				l.Stocks[month] = l.Stocks[month].Plus(stock)
			}
		}
		f.out.Subsystems = append(f.out.Subsystems, l)
	}
	f.out.People = spill.Concat(f.m.in.Spill, f.people...)
	drop := func(layers []Layer) []Layer {
		return slices.DeleteFunc(layers, func(l Layer) bool {
			return !slices.ContainsFunc(l.Stocks, func(s Stock) bool { return s != Stock{} })
		})
	}
	f.out.Classes, f.out.Languages, f.out.Years = drop(f.out.Classes), drop(f.out.Languages), drop(f.out.Years)
	f.out.Subsystems, f.out.Repositories = drop(f.out.Subsystems), spill.Keep(f.m.in.Spill, drop(f.out.Repositories))
	if n := len(f.months); n > 0 {
		_ = f.conserve(f.months[n-1].Name+" (and of every month before)", func(l Law) error { // they hold, see endMonth
			f.m.result.Laws = append(f.m.result.Laws, l)
			return nil
		})
	}
}

// surviving adds up what stands in a scope at the end of a window. Stocks are memory, by side.
func (m *measurement) surviving(j *job, rows []sideRow, stocks []Stock) *Surviving {
	clear(stocks)
	for _, rank := range j.scope.ranks {
		for _, h := range m.repositories[rank].windows[j.window].held {
			stocks[h.side] = stocks[h.side].Plus(h.Stock)
		}
	}
	out := &Surviving{}
	sum := func(sides []uint32) (total Stock) {
		for _, side := range sides {
			total = total.Plus(stocks[side])
		}
		return total
	}
	organizations := 0
	for i := range rows {
		r := &rows[i]
		row := StockRow{
			Organization: r.Organization, Name: r.Name, Class: r.Class, Outside: r.Outside, Client: r.Client,
			Apart: sum(r.sides), ApartBulk: sum(r.bulk),
		}
		switch {
		case r.merged != nil:
			row.Merged, row.MergedBulk = sum(r.merged), sum(r.mergedBulk)
		case r.Client == "":
			row.Merged, row.MergedBulk = row.Apart, row.ApartBulk
		}
		switch {
		case r.Organization != people.NoOrganization:
			out.Known = out.Known.Plus(row.Apart)
		case !r.Outside:
			out.Unknown = out.Unknown.Plus(row.Apart)
		case r.Name == RowBots:
			out.Bots = row.Apart
		case r.Name == RowAgents:
			out.Agents = row.Apart
		default:
			out.Bulk = row.Apart
		}
		if row.Apart == (Stock{}) && row.ApartBulk == (Stock{}) && row.Merged == (Stock{}) && row.MergedBulk == (Stock{}) {
			continue
		}
		if row.Organization != people.NoOrganization {
			organizations++
		}
		out.Rows = append(out.Rows, row)
	}
	slices.SortStableFunc(out.Rows[:organizations], func(a, b StockRow) int {
		return cmp.Or(cmp.Compare(b.Apart.Lines, a.Apart.Lines), cmp.Compare(b.ApartBulk.Lines, a.ApartBulk.Lines), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// kindRows adds the work and the stock of a scope up by path class and by language.
func (m *measurement) kindRows(j *job) (classes, languages []KindRow) {
	classes = make([]KindRow, paths.NumClasses)
	languages = make([]KindRow, len(m.languages))
	for _, rank := range j.scope.ranks {
		r := &m.repositories[rank]
		for i := range r.kinds {
			row := &r.windows[j.window].kinds[i]
			classes[r.kinds[i].class].add(row)
			languages[r.kinds[i].language].add(row)
		}
	}
	for c := range classes {
		classes[c].Class = paths.Class(c)
	}
	for l := range languages {
		languages[l].Language = m.languages[l]
	}
	empty := func(k KindRow) bool { return k == KindRow{Class: k.Class, Language: k.Language} }
	classes, languages = slices.DeleteFunc(classes, empty), slices.DeleteFunc(languages, empty)
	slices.SortStableFunc(languages, func(a, b KindRow) int {
		return cmp.Or(cmp.Compare(b.Lines, a.Lines), cmp.Compare(a.Language, b.Language))
	})
	return classes, languages
}
