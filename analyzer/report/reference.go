package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"orrery/analyzer/measure"
)

// ReferenceSchema is the version of references.
const ReferenceSchema = 1

// Reference is a result for others to stand beside: organizations alone, with the commits at which its repositories were read. Nobody's person is
// in it, under whatever name.
type Reference struct {
	Reference int    `json:"reference"` // ReferenceSchema
	Orrery    string `json:"orrery"`
	Ecosystem string `json:"ecosystem"`
	AsOf      string `json:"as_of"`
	RollUp    string `json:"roll_up"`
	// Leader is the organization with most commits of all time, contractors with their clients; "" for none.
	Leader  string            `json:"leader"`
	Read    int               `json:"repositories_read"`
	Of      int               `json:"repositories"`
	Windows []ReferenceWindow `json:"windows"`
	// Readings are nil in what stands beside another result.
	Readings *Readings `json:"readings,omitempty"`
	// Commits are those that repositories were read at; nil in what stands beside another result.
	Commits []ReadAt `json:"read_at,omitempty"`
}

// ReadAt is a repository with the commit that it was read at.
type ReadAt struct {
	Repository string `json:"repository"`
	URL        string `json:"url,omitempty"`
	Branch     string `json:"branch"`
	Commit     string `json:"commit"`
}

// ReferenceWindow are the figures of a window.
type ReferenceWindow struct {
	Period       Period   `json:"period"`
	Commits      uint64   `json:"commits"` // T
	Bulk         uint64   `json:"bulk"`
	Coverage     *float64 `json:"coverage"`
	Contributors [2]int   `json:"contributors"` // low, high
	Lines        uint64   `json:"lines"`
	Growth       int64    `json:"growth"`
	// Apart and Merged are the leader's share of commits, with its subsidiaries: without its contractors, and with them.
	Apart  *Share `json:"leader_apart"`
	Merged *Share `json:"leader_merged"`
	// Indices are of commits, without bulk imports.
	Indices []Index `json:"indices"`
	// Openness is by standing, without organizations.
	Openness []OpennessRow `json:"openness"`
	// Organizations are the largest of three contributors or more in the window; Rest are the others.
	Organizations []ReferenceRow `json:"organizations"`
	Rest          struct {
		Organizations int    `json:"organizations"`
		Commits       uint64 `json:"commits"`
	} `json:"rest"`
}

// ReferenceRow is an organization.
type ReferenceRow struct {
	Name    string `json:"name"`
	Class   string `json:"class"`
	Client  string `json:"client,omitempty"`
	Commits uint64 `json:"commits"`
	Share   *Share `json:"share"`
}

// An organization of fewer people could be a name for a person.
const (
	referencePeople = 3
	referenceTop    = 20
)

// windows of references; others are a result's own.
var referenceWindows = []string{measure.AllTime, measure.LastCalendarYear, measure.LastTwelveMonths}

// NewReference takes out of a result what others can stand beside.
func NewReference(m *Model) (*Reference, error) {
	if m.Readings == nil {
		return nil, errors.New("the result is of before there were readings: make it again")
	}
	r := &Reference{
		Reference: ReferenceSchema, Orrery: m.Orrery, Ecosystem: m.Ecosystem, AsOf: m.AsOf, RollUp: m.RollUp, Leader: m.Readings.Leader, Read: m.Read, Of: m.Named(),
		Windows: []ReferenceWindow{}, Commits: []ReadAt{},
	}
	readings := *m.Readings
	readings.Shares, readings.Shown = []ShareSeries{}, 0
	for _, s := range m.Readings.Shares {
		if s.Family {
			readings.Shares = append(readings.Shares, s)
		}
	}
	r.Readings = &readings
	for _, one := range m.Repositories {
		if one.Problem == "" {
			r.Commits = append(r.Commits, ReadAt{one.Key, one.URL, one.Branch, one.Commit})
		}
	}
	for i, p := range m.Windows {
		if slices.Contains(referenceWindows, p.Name) {
			r.Windows = append(r.Windows, m.referenceWindow(&m.Figures[i], p))
		}
	}
	return r, nil
}

func (m *Model) referenceWindow(f *Figures, p Period) ReferenceWindow {
	w := ReferenceWindow{
		Period: p, Commits: f.Commits.Total, Bulk: f.Commits.Bulk, Coverage: f.Commits.Coverage, Contributors: [2]int{f.Contributors.Low, f.Contributors.High},
		Lines: f.Lines.Value, Growth: f.Growth.Value, Indices: []Index{}, Openness: []OpennessRow{}, Organizations: []ReferenceRow{},
	}
	for _, i := range f.Indices {
		if i.Of == measure.KeyCommits && i.Bulk == "without" {
			w.Indices = append(w.Indices, i)
		}
	}
	if m.Openness != nil {
		for _, r := range m.Openness.Rows {
			if r.Period == p && r.Organization == "" {
				w.Openness = append(w.Openness, r)
			}
		}
	}
	var own, contracted uint64
	for i := range f.Organizations {
		r := &f.Organizations[i]
		if !r.organization {
			continue
		}
		switch {
		case r.Name == m.Readings.Leader || slices.Contains(m.Readings.Subsidiaries, r.Name):
			own = plus(own, r.Apart.Commits)
		case slices.Contains(m.Readings.Contractors, r.Name):
			contracted = plus(contracted, r.Apart.Commits)
		}
		if r.Apart.Contributors < referencePeople || len(w.Organizations) == referenceTop {
			if r.Apart.Commits > 0 {
				w.Rest.Organizations++
				w.Rest.Commits = plus(w.Rest.Commits, r.Apart.Commits)
			}
			continue
		}
		w.Organizations = append(w.Organizations, ReferenceRow{r.Name, r.Class, r.Client, r.Apart.Commits, r.Apart.CommitsShare})
	}
	if m.Readings.Leader != "" {
		w.Apart = bound(own, f.Commits.Known, f.Commits.Unknown, true)
		w.Merged = bound(plus(own, contracted), f.Commits.Known, f.Commits.Unknown, true)
	}
	return w
}

// WriteReference writes a reference as JSON.
func WriteReference(w io.Writer, r *Reference) error { return writeJSON(w, r, "the reference") }

// ReadReference reads a reference, or takes one out of a result. What stands beside another result needs no list of commits: it is left out.
func ReadReference(r io.Reader) (*Reference, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxResult+1))
	if err != nil {
		return nil, fmt.Errorf("reading the reference: %w", err)
	}
	var kind struct {
		Reference int `json:"reference"`
	}
	if err := json.Unmarshal(data, &kind); err != nil {
		return nil, fmt.Errorf("%w, nor a reference: %w", ErrNoResult, err)
	}
	if kind.Reference > ReferenceSchema {
		return nil, fmt.Errorf("%w: reference format %d; this version reads format %d", ErrNewer, kind.Reference, ReferenceSchema)
	}
	var ref Reference
	if kind.Reference > 0 {
		if err := json.Unmarshal(data, &ref); err != nil {
			return nil, fmt.Errorf("%w, nor a reference: %w", ErrNoResult, err)
		}
	} else {
		m, err := readJSON(data)
		if err != nil {
			return nil, err
		}
		from, err := NewReference(m)
		if err != nil {
			return nil, err
		}
		ref = *from
	}
	ref.Readings, ref.Commits = nil, nil
	return &ref, nil
}

func (r *Reference) window(name string) *ReferenceWindow {
	for i := range r.Windows {
		if r.Windows[i].Period.Name == name {
			return &r.Windows[i]
		}
	}
	return nil
}

// besideRows are what stands in lines, ecosystems in columns.
var besideRows = []struct {
	title string
	cell  func(r *Reference, w *ReferenceWindow) string
}{
	{"repositories read", func(r *Reference, _ *ReferenceWindow) string { return fmt.Sprintf("%d of %d", r.Read, r.Of) }},
	{"commits", func(_ *Reference, w *ReferenceWindow) string { return number(w.Commits) }},
	{"known organization", func(_ *Reference, w *ReferenceWindow) string { return percent(w.Coverage) }},
	{"leading organization", func(r *Reference, _ *ReferenceWindow) string { return cut(Printable(r.Leader), 14) }},
	{"its share, %", func(_ *Reference, w *ReferenceWindow) string { return share(w.Apart) }},
	{"with its contractors, %", func(_ *Reference, w *ReferenceWindow) string { return share(w.Merged) }},
	{"elephant factor", func(_ *Reference, w *ReferenceWindow) string { return w.index(measure.KeyElephantFactor, "merged") }},
	{"HHI, contractors merged", func(_ *Reference, w *ReferenceWindow) string { return w.index(measure.KeyHHI, "merged") }},
	{"absence factor (persons)", func(_ *Reference, w *ReferenceWindow) string { return w.index(measure.KeyAbsenceFactor, "") }},
	{"contributors", func(_ *Reference, w *ReferenceWindow) string {
		return span(strconv.Itoa(w.Contributors[0]), strconv.Itoa(w.Contributors[1]))
	}},
	{"outsiders who return, %", func(_ *Reference, w *ReferenceWindow) string {
		for _, o := range w.Openness {
			if o.Standing == measure.Others.String() && o.Return != nil {
				low, high := 100*o.Return.Low, 100*o.Return.High
				return bounds(&low, &high, 0)
			}
		}
		return "-"
	}},
}

func (w *ReferenceWindow) index(metric, contractors string) string {
	for _, i := range w.Indices {
		if i.Metric == metric && i.Contractors == contractors && i.High != nil {
			return bounds(i.Low, i.High, 0)
		}
	}
	return "-"
}

// WriteBeside writes the headline figures of a result in columns beside those that stand beside it, for all time and the last twelve months; nothing
// where none does.
func WriteBeside(w io.Writer, m *Model, width int) error {
	if len(m.Beside) == 0 {
		return nil
	}
	own, err := NewReference(m)
	if err != nil {
		return err
	}
	t := text{width: min(max(width, MinWidth), MaxWidth)}
	all := append([]*Reference{own}, m.Beside...)
	for _, name := range []string{measure.AllTime, measure.LastTwelveMonths} {
		for from := 1; from < len(all); {
			columns := [][]string{{name, "as of"}}
			for _, row := range besideRows {
				columns[0] = append(columns[0], row.title)
			}
			room := t.width - widest(columns[0])
			add := func(r *Reference) bool {
				window := r.window(name)
				if window == nil {
					window = &ReferenceWindow{}
				}
				column := []string{cut(Printable(r.Ecosystem), 14), Printable(r.AsOf)}
				for _, row := range besideRows {
					column = append(column, row.cell(r, window))
				}
				if room -= widest(column) + gap; room < 0 && len(columns) > 2 {
					return false
				}
				columns = append(columns, column)
				return true
			}
			add(own)
			for from < len(all) && add(all[from]) {
				from++
			}
			t.line("")
			t.grid(columns)
		}
	}
	if _, err := io.WriteString(w, t.String()); err != nil {
		return fmt.Errorf("writing what stands beside: %w", err)
	}
	return nil
}
