package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/mattn/go-runewidth"

	"orrery/analyzer/measure"
	"orrery/analyzer/people"
)

// The summary's size: it fits one screen whatever was measured.
const (
	MinWidth      = 80
	MaxWidth      = 100 // longer lines are harder to follow
	summaryLines  = 26
	summaryTop    = 10 // organizations
	summaryLabels = 25 // columns of the labels of figures
)

// WriteText writes the summary: at most 26 lines of at most width columns (between [MinWidth] and [MaxWidth]), without colour and without
// control characters. What it leaves out, it counts.
func WriteText(w io.Writer, m *Model, width int) error {
	t := text{width: min(max(width, MinWidth), MaxWidth)}
	t.title(m)
	t.windows(m)
	t.organizations(m)
	t.recedes(m)
	t.longevity(m)
	t.control(m)
	t.bulk(m)
	t.flow("beside: ", beside(m), 1)
	t.notes(m)
	if _, err := io.WriteString(w, t.String()); err != nil {
		return fmt.Errorf("writing the summary: %w", err)
	}
	return nil
}

type text struct {
	strings.Builder
	width, lines int
}

func (t *text) line(s string) {
	t.WriteString(strings.TrimRight(cut(s, t.width), " "))
	t.WriteByte('\n')
	t.lines++
}

// flow writes phrases, several to a line, but leaves some lines of the summary free. Phrases that find no place are counted.
func (t *text) flow(head string, phrases []string, free int) {
	room := max(summaryLines-free-t.lines, 1)
	for n := min(len(phrases), t.width*room/3); ; n-- {
		some := phrases[:n:n]
		if left := len(phrases) - n; left > 0 {
			some = append(some, fmt.Sprintf("%d more in result.json", left))
		}
		lines := wrap(head, some, t.width)
		if len(lines) <= room || n == 0 {
			for _, l := range lines {
				t.line(l)
			}
			return
		}
	}
}

// wrap joins phrases with semicolons into lines of some columns; longer phrases are cut.
func wrap(head string, phrases []string, width int) (lines []string) {
	current := head
	for i, p := range phrases {
		p = cut(p, width-1-cells(head))
		if i < len(phrases)-1 {
			p += ";"
		}
		switch {
		case i == 0:
			current += p
		case cells(current)+1+cells(p) <= width:
			current += " " + p
		default:
			lines = append(lines, current)
			current = p
		}
	}
	return append(lines, current)
}

func (t *text) title(m *Model) {
	line := fmt.Sprintf("%s: %d of %s read, as of %s", Printable(m.Ecosystem), m.Read, plural(m.Named(), "repository", "repositories"), m.AsOf)
	if m.Fetched > m.AsOf {
		line += " (all time: " + m.Fetched + ")" // which does not end with the as-of day
	}
	t.line(line)
}

// windows prints the figures of the ecosystem, a column for each window: as many as there is room for.
func (t *text) windows(m *Model) {
	index := func(f *Figures, metric, contractors string) string {
		for _, i := range f.Indices {
			if i.Metric == metric && i.Of == measure.KeyCommits && i.Contractors == contractors && i.Bulk == "without" {
				return bounds(i.Low, i.High, 0)
			}
		}
		return "-"
	}
	both := m.Contractors == string(people.ReadBoth)
	columns := [][]string{{"", "lines, growth", "commits + bulk imports", "contributors (one commit)", "known organization"}}
	if both {
		columns[0] = append(columns[0], "elephant factor (merged)", "HHI", "HHI, contractors merged")
	} else {
		columns[0] = append(columns[0], "elephant factor", "HHI")
	}
	columns[0] = append(columns[0], "absence factor (persons)")
	standing := m.Figures[0].Surviving != nil
	if standing {
		columns[0] = slices.Insert(columns[0], 2, "in own files, at the end")
	}
	room := t.width - summaryLabels
	for n, i := range m.windowOrder() {
		f := &m.Figures[i]
		c := &f.Contributors
		lines := signed(f.Growth.Value)
		switch {
		case i == 0:
			lines = number(f.Lines.Value)
		case f.Lines.Undefined > 0:
			lines = "-"
		}
		column := []string{
			cut(heading(f.Period), 22), lines,
			fmt.Sprintf("%s + %s", number(f.Commits.Total), number(f.Commits.Bulk)),
			fmt.Sprintf("%s (%s)", span(number(uint64(c.Low)), number(uint64(c.High))), number(uint64(c.Once))),
			percent(f.Commits.Coverage),
		}
		elephant, hhi := index(f, measure.KeyElephantFactor, "apart"), index(f, measure.KeyHHI, "apart")
		if both {
			column = append(column, fmt.Sprintf("%s (%s)", elephant, index(f, measure.KeyElephantFactor, "merged")), hhi, index(f, measure.KeyHHI, "merged"))
		} else {
			column = append(column, elephant, hhi)
		}
		column = append(column, index(f, measure.KeyAbsenceFactor, ""))
		if standing {
			here := "-" // at the end of a range
			if f.Surviving != nil {
				here = number(f.Surviving.Here.Value)
			}
			column = slices.Insert(column, 2, here)
		}
		if room -= widest(column) + gap; room < 0 {
			columns[0][0] = fmt.Sprintf("%d of %d windows", n, len(m.Windows))
			break
		}
		columns = append(columns, column)
	}
	t.grid(columns)
}

// main is the window that organizations are listed for: the first range, all time where there is none.
func (m *Model) main() int {
	return max(slices.IndexFunc(m.Windows, func(p Period) bool { return p.Kind == measure.KindRange }), 0)
}

// windowOrder puts ranges, and what was asked for by its days, right after all time: whoever asks for one wants to see it, and there is room for few
// windows.
func (m *Model) windowOrder() []int {
	order := make([]int, 0, len(m.Windows))
	for i := range m.Windows {
		order = append(order, i)
	}
	rank := func(i int) int {
		switch {
		case i == 0:
			return 0
		case m.Windows[i].Kind == measure.KindRange || byDays.MatchString(m.Windows[i].Name):
			return 1
		}
		return 2
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rank(a), rank(b)) })
	return order
}

// byDays is the name of a window that a command names by its first day and the day behind its last.
var byDays = regexp.MustCompile(`^\d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d$`)

// gap is the number of blanks between columns.
const gap = 2

func widest(column []string) int {
	w := 0
	for _, s := range column {
		w = max(w, cells(s))
	}
	return w
}

// grid prints columns over the whole width, the first to the left and the others to the right, which are never cut while the first has
// eight columns left.
func (t *text) grid(columns [][]string) {
	rest := t.width
	widths := make([]int, len(columns))
	for i, c := range columns[1:] {
		widths[i+1] = widest(c) + gap
		rest -= widths[i+1]
	}
	widths[0] = max(min(rest, max(summaryLabels, widest(columns[0]))), 8)
	spread := max(rest-widths[0], 0) / max(len(columns)-1, 1)
	for row := range columns[0] {
		s := pad(cut(columns[0][row], widths[0]), widths[0])
		for i, c := range columns[1:] {
			s += padLeft(c[row], widths[i+1]+spread)
		}
		t.line(s)
	}
}

const shortTwelveMonths = "last 12 months"

// WindowName gives the name of a window that is called as a summary's heading has it.
func WindowName(heading string) string {
	if heading == shortTwelveMonths {
		return measure.LastTwelveMonths
	}
	return heading
}

func heading(p Period) string {
	switch p.Name {
	case measure.LastCalendarYear:
		return "year " + p.From[:4]
	case measure.LastTwelveMonths:
		return shortTwelveMonths
	}
	return Printable(p.Name)
}

// organizations prints the largest organizations.
func (t *text) organizations(m *Model) {
	f := &m.Figures[m.main()]
	what, plurals := "organization", "organizations"
	if m.RollUp == string(people.LevelCountry) {
		what, plurals = "jurisdiction", "jurisdictions"
	}
	columns := [][]string{{what}, {"commits"}, {"% of commits"}, {"% with suppliers"}, {"changed"}, {"people"}}
	total, shown, top := 0, 0, summaryTop
	// What follows needs its lines: the foot of this, what is beside, what was skipped, and up to three sentences.
	after := 3
	for _, follows := range []bool{m.recedes(0) != "", len(m.Longevity) > 0 && m.Longevity[0].Here.Oldest != nil, m.Control != nil && len(m.Control.Rows) > 0} {
		if follows {
			after++
		}
	}
	top = min(top, max(summaryLines-t.lines-1-after, 1))
	var commits uint64
	var unknown []string
	for i := range f.Organizations {
		r := &f.Organizations[i]
		if !r.organization {
			if !r.Outside && r.Apart.Commits > 0 {
				unknown = append(unknown, r.Class+" "+percent(ratio(r.Apart.Commits, f.Commits.Total)))
			}
			continue
		}
		part := r.merged()
		if r.Apart.Commits == 0 && (part == nil || part.Commits == 0) {
			continue // bulk imports alone
		}
		total++
		if shown == top {
			continue
		}
		shown++
		commits += r.Apart.Commits
		merged := "> " + cut(Printable(r.Client), 14)
		if part != nil {
			merged = share(part.CommitsShare)
		}
		for i, cell := range []string{
			Printable(r.Name), number(r.Apart.Commits), share(r.Apart.CommitsShare), merged, number(r.Apart.Changed), number(uint64(r.Apart.Contributors)),
		} {
			columns[i] = append(columns[i], cell)
		}
	}
	if f.Commits.Total == 0 {
		t.line("no commits are counted")
		return
	}
	if m.Contractors != string(people.ReadBoth) {
		columns = slices.Delete(columns, 3, 4)
	}
	t.grid(columns)
	foot := fmt.Sprintf("%s: %d of %s, %s of commits; unknown %s",
		cut(heading(f.Period), 30), shown, plural(total, what, plurals), percent(ratio(commits, f.Commits.Total)), percent(ratio(f.Commits.Unknown, f.Commits.Total)))
	if detail := foot + ": " + strings.Join(unknown, ", "); unknown != nil && cells(detail) <= t.width {
		foot = detail
	}
	t.line(foot)
}

// longevity says in a line how long lines live that are written here, and who holds most of them on the as-of day; as much as there is room
// for.
func (t *text) longevity(m *Model) {
	if len(m.Longevity) == 0 || m.Longevity[0].Here.Oldest == nil {
		return
	}
	l := &m.Longevity[0].Here
	line := "own lines: half-life not reached in " + plural(*l.Oldest, "month", "months")
	if l.HalfLife != nil {
		line = "own lines: half-life " + plural(*l.HalfLife, "month", "months")
	}
	// The largest first, and nobody after one for whom there is no room: who is smaller must not look like the largest.
	add := func(phrase string) bool {
		fits := cells(line)+2+cells(phrase) <= t.width
		if fits {
			line += "; " + phrase
		}
		return fits
	}
	if l.Active != nil {
		add("active authors' " + percent(l.Active))
	}
	for _, r := range m.Figures[trailing(m)].Surviving.Organizations {
		if r.organization && r.Apart.HereShare != nil && r.Apart.Here > 0 && !add(cut(Printable(r.Name), 20)+" "+share(r.Apart.HereShare)+" %") {
			break
		}
	}
	t.line(line)
}

// trailing gives the place of the window that ends with the as-of day.
func trailing(m *Model) int {
	return slices.IndexFunc(m.Windows, func(p Period) bool { return p.Name == measure.LastTwelveMonths })
}

// reasons are what commits are called that are bulk imports for one reason.
var reasons = map[string][2]string{
	measure.BulkCorrected: {"corrected by hand", "corrected by hand"},
	measure.BulkUpstream:  {"commit of upstream's history", "of upstream's history"},
	measure.BulkSubtree:   {"subtree", "of subtrees"},
	measure.BulkVendored:  {"vendored folder", "vendored folders"},
	measure.BulkGenerated: {"generated dump", "generated dumps"},
	measure.BulkMoved:     {"moved tree", "moved trees"},
	measure.BulkMass:      {"mass addition", "mass additions"},
}

// bulk says how much bulk imports hold, and why they are such, of all time, if there is room.
func (t *text) bulk(m *Model) {
	commits, all := map[string]int{}, 0
	var added uint64
	for _, b := range m.Bulk {
		commits[b.Reason] += b.Commits
		all += b.Commits
		added += b.Added
	}
	if all == 0 {
		return
	}
	var phrases []string
	for _, reason := range measure.BulkReasons() {
		if n := commits[reason]; n > 0 {
			phrases = append(phrases, plural(n, reasons[reason][0], reasons[reason][1]))
		}
	}
	hold := "hold"
	if all == 1 {
		hold = "holds"
	}
	sentence := fmt.Sprintf("%s %s %s of the added lines (%s)", plural(all, "bulk import", "bulk imports"), hold,
		percent(ratio(added, m.Figures[0].Added.Value)), strings.Join(phrases, ", "))
	// Two lines are for what comes behind. Where there is no room, what is beside the shares still tells how many there are.
	room := summaryLines - 2 - t.lines
	lines := fold(sentence, t.width)
	if len(lines) > room {
		lines = []string{sentence}[:min(max(room, 0), 1)]
	}
	for _, line := range lines {
		t.line(line)
	}
}

// beside lists what is outside of the shares.
func beside(m *Model) []string {
	f := &m.Figures[m.main()]
	var phrases []string
	add := func(what string, n uint64, more string) {
		if n > 0 {
			phrases = append(phrases, what+" "+number(n)+more)
		}
	}
	add("bulk imports", f.Commits.Bulk, fmt.Sprintf(" (+%s lines)", number(f.Added.Bulk)))
	add("bots", f.Commits.Bots, "")
	add("AI agents", f.Commits.Agents, "")
	add("merges", f.Merges, "")
	add("duplicates", f.Duplicates.Commits, "")
	add("invalid dates", f.Commits.Undated, "")
	if c := &m.CoAuthors; c.Commits > 0 {
		add("commits with co-authors", uint64(c.Commits), map[string]string{
			string(people.CoAuthorsAuthor): " (for the author alone)", string(people.CoAuthorsEach): fmt.Sprintf(" (for each: %s more)", number(c.Credits)),
			string(people.CoAuthorsSplit): " (each dealt to one)",
		}[c.Policy])
	}
	add("squashed commits", uint64(m.CoAuthors.Squashed), "")
	if phrases == nil {
		phrases = []string{"nothing"}
	}
	return phrases
}

// notes says what was skipped and why, always; then, as far as there is room, how many warnings there are and which repositories were not read.
func (t *text) notes(m *Model) {
	var warnings []string
	if n := len(m.Warnings); n > 0 {
		warnings = append(warnings, plural(n, "warning", "warnings")+" in result.json")
	}
	room := max(summaryLines-t.lines, 1)
	for detail := 2; ; detail-- {
		sentence := "skipped: " + strings.Join(skipped(m, detail), ", ")
		lines := fold(strings.Join(append([]string{sentence}, warnings...), "; "), t.width)
		if len(lines) > room {
			lines = fold(sentence, t.width)
		}
		if len(lines) > room && detail > 0 {
			continue
		}
		for _, l := range lines[:min(len(lines), room)] {
			t.line(l)
		}
		break
	}
	var unread []string
	for _, r := range m.Repositories {
		if r.Problem != "" {
			unread = append(unread, fmt.Sprintf("%s (%s)", Printable(r.Key), cmp.Or(Printable(r.Reason), "unreadable")))
		}
	}
	if unread != nil && t.lines < summaryLines {
		t.flow("not read: ", unread, 0)
	}
}

// fold breaks a sentence into lines at blanks.
func fold(sentence string, width int) (lines []string) {
	line := ""
	for word := range strings.SplitSeq(sentence, " ") {
		switch {
		case line == "":
			line = word
		case cells(line)+1+cells(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	return append(lines, line)
}

// skipped counts repositories that were not read, objects that could not be, and histories without a beginning; the first two with their
// reasons if detail is 1, and as whole sentences if it is 2.
func skipped(m *Model, detail int) (phrases []string) {
	unread, reasons := 0, map[string]int{}
	for _, r := range m.Repositories {
		if r.Problem != "" {
			unread++
			reasons[cmp.Or(r.Reason, "unreadable")]++
		}
	}
	if unread > 0 {
		phrase := plural(unread, "repository", "repositories")
		if detail > 1 {
			phrase += " not read"
		}
		if detail > 0 {
			phrase += " (" + counted(reasons) + ")"
		}
		phrases = append(phrases, phrase)
	}
	lost, rows, reasons := 0, uint64(0), map[string]int{}
	for _, s := range m.Skipped {
		if s.Reason != NotRead {
			lost += s.Objects
			rows += s.Rows
			reasons[s.Reason] += s.Objects
		}
	}
	if lost > 0 {
		phrase := plural(lost, "object", "objects")
		if detail > 0 {
			phrase += " (" + counted(reasons) + ")"
		}
		if detail > 1 {
			phrase += " of " + plural(int(rows), "change", "changes")
		}
		phrases = append(phrases, phrase)
	}
	shallow := 0
	for _, r := range m.Repositories {
		if r.Shallow {
			shallow++
		}
	}
	if shallow > 0 {
		phrases = append(phrases, "older history of "+plural(shallow, "shallow repository", "shallow repositories"))
	}
	if phrases == nil {
		phrases = []string{"nothing"}
	}
	return phrases
}

// counted lists counts by name, the largest first.
func counted(counts map[string]int) string {
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	for i, name := range names {
		names[i] = name + ": " + number(uint64(counts[name]))
	}
	return strings.Join(names, ", ")
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(uint64(n)) + " " + many
}

// number groups digits by three.
func number(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func signed(n int64) string {
	switch {
	case n < 0:
		return "-" + number(uint64(-n))
	case n > 0:
		return "+" + number(uint64(n))
	}
	return "0"
}

func span(low, high string) string {
	if low == high {
		return low
	}
	return low + "-" + high
}

func bounds(low, high *float64, digits int) string {
	if low == nil {
		return "-"
	}
	return span(strconv.FormatFloat(*low, 'f', digits, 64), strconv.FormatFloat(*high, 'f', digits, 64))
}

func percent(x *float64) string {
	if x == nil {
		return "-"
	}
	return strconv.FormatFloat(100**x, 'f', 1, 64) + " %"
}

func share(s *Share) string {
	if s == nil {
		return "-"
	}
	low, high := 100*s.Low, 100*s.High
	return bounds(&low, &high, 1)
}

// terminal says how wide characters are. Not the library's default, which asks the environment.
var terminal = runewidth.Condition{StrictEmojiNeutral: true}

// cells gives the columns that a text takes on a terminal.
func cells(s string) int { return terminal.StringWidth(s) }

// cut shortens a text to some columns, visibly.
func cut(s string, width int) string {
	if cells(s) <= width {
		return s
	}
	return terminal.Truncate(s, max(width, 1), "…")
}

func pad(s string, width int) string { return s + strings.Repeat(" ", max(0, width-cells(s))) }

func padLeft(s string, width int) string { return strings.Repeat(" ", max(0, width-cells(s))) + s }
