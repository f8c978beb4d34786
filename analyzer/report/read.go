package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"
	"time"

	"orrery/analyzer/measure"
)

// maxResult is the largest result.json that is read, in bytes. That of a thousand repositories has some hundred megabytes.
const maxResult = 1 << 30

// Errors of [ReadJSON]. Use errors.Is.
var (
	// ErrNewer: a later version of orrery wrote the result, in a form that means something else.
	ErrNewer = errors.New("the result has a newer format")
	// ErrNoResult: it is none, or it contradicts itself.
	ErrNoResult = errors.New("not a result of orrery")
)

// ReadJSON reads what [WriteJSON] wrote. Writing it again gives the same bytes, if the same version wrote it; keys that this version does not
// know are left out. What only tables hold (every contributor, months of repositories) is not in it.
//
// Anybody may have written it, so whatever readers rely on is checked here; what is wrong is an error.
func ReadJSON(r io.Reader) (*Model, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxResult+1))
	if err != nil {
		return nil, fmt.Errorf("reading the result: %w", err)
	}
	if len(data) > maxResult {
		return nil, fmt.Errorf("%w: it is larger than %d bytes", ErrNoResult, maxResult)
	}
	return readJSON(data)
}

func readJSON(data []byte) (*Model, error) {
	var m Model
	if err := json.Unmarshal(data, &m); err != nil || m.Schema != Schema {
		var version struct {
			Schema    int    `json:"schema"`
			Orrery    string `json:"orrery"`
			Reference int    `json:"reference"`
		}
		// A newer form may not fit the types, so its version is looked at alone.
		if alone := json.Unmarshal(data, &version); alone == nil && version.Schema > Schema {
			return nil, fmt.Errorf("%w: format %d, written by orrery %s; this one reads format %d", ErrNewer, version.Schema, Printable(version.Orrery), Schema)
		}
		if version.Reference > 0 {
			return nil, fmt.Errorf("%w: it is a reference, which --beside takes", ErrNoResult)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNoResult, err)
		}
		return nil, fmt.Errorf("%w: format %d, where %d is the first", ErrNoResult, m.Schema, 1)
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoResult, err)
	}
	m.restore()
	return &m, nil
}

// ReadHeadline reads of what [WriteJSON] wrote what summaries, thresholds and metrics are made of: Figures are those of the whole ecosystem, and Series and
// Ledger are not there. It needs memory for what it gives, not for the text.
func ReadHeadline(r io.Reader) (*Model, error) {
	m := &Model{}
	if err := m.readHeadline(json.NewDecoder(r)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoResult, err)
	}
	m.restore()
	return m, nil
}

func (m *Model) readHeadline(from *json.Decoder) error {
	fields := map[string]any{}
	all := reflect.ValueOf(m).Elem()
	for i := range all.NumField() {
		if f := all.Type().Field(i); f.IsExported() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			fields[name] = all.Field(i).Addr().Interface()
		}
	}
	fields["series"], fields["ledger"] = nil, nil
	err := eachIn(from, func(key string) error {
		switch to := fields[key]; {
		case key == "figures":
			return eachIn(from, func(string) error {
				var f Figures
				err := from.Decode(&f)
				if f.Scope.Kind == measure.ScopeEcosystem {
					m.Figures = append(m.Figures, f)
				}
				return err
			})
		case to != nil:
			return from.Decode(to)
		}
		return pass(from, 2)
	})
	if err != nil {
		return err
	}
	if m.Schema != Schema {
		return fmt.Errorf("format %d, not %d", m.Schema, Schema)
	}
	return m.check()
}

// eachIn calls visit before each value in the object or list that comes next, with its key, if it has one; visit takes the value. What is neither holds nothing.
func eachIn(from *json.Decoder, visit func(key string) error) error {
	kind, err := from.Token()
	if _, ok := kind.(json.Delim); !ok || err != nil {
		return err
	}
	for from.More() {
		key := ""
		if kind == json.Delim('{') {
			name, err := from.Token()
			if err != nil {
				return err
			}
			key, _ = name.(string)
		}
		if err := visit(key); err != nil {
			return err
		}
	}
	_, err = from.Token()
	return err
}

// pass leaves the next value out. What is deeper down than levels is in memory, one after the other.
func pass(from *json.Decoder, levels int) error {
	if levels == 0 {
		return from.Decode(&passed{})
	}
	return eachIn(from, func(string) error { return pass(from, levels-1) })
}

// passed is what nobody asks for.
type passed struct{}

// UnmarshalJSON implements [json.Unmarshaler].
func (*passed) UnmarshalJSON([]byte) error { return nil }

// check looks at what other code takes for granted.
func (m *Model) check() error {
	if _, err := time.Parse(time.DateOnly, m.AsOf); err != nil {
		return fmt.Errorf("as_of: %w", err)
	}
	if len(m.Windows) == 0 || len(m.Figures) < len(m.Windows) {
		return fmt.Errorf("%d windows with %d figures", len(m.Windows), len(m.Figures))
	}
	if len(m.People) != len(m.Windows) {
		return fmt.Errorf("%d windows with people of %d", len(m.Windows), len(m.People))
	}
	names := map[string]bool{}
	for i, w := range m.Windows {
		f := &m.Figures[i]
		if f.Scope.Kind != measure.ScopeEcosystem || f.Period != w {
			return fmt.Errorf("figures %d are not the ecosystem's of window %q", i, w.Name)
		}
		if names[w.Name] {
			return fmt.Errorf("there are two windows %q", w.Name)
		}
		names[w.Name] = true
	}
	if w := m.Windows[0]; w.From != "" || w.To != "" || w.Kind != measure.KindWindow {
		return fmt.Errorf("the first window is %q, not all time", w.Name)
	}
	var err error
	m.each(func(f *Figures) {
		if err == nil {
			err = f.check()
		}
	})
	if err != nil {
		return err
	}
	if m.Readings != nil {
		if err := m.Readings.check(); err != nil {
			return err
		}
	}
	if m.Ledger != nil {
		return m.Ledger.check()
	}
	return nil
}

// check sees that bands are the four of all periods, and that nobody has more commits than can be drawn.
func (r *Readings) check() error {
	if len(r.Bands) != measure.NumStandings {
		return fmt.Errorf("%d bands of readings, not %d", len(r.Bands), measure.NumStandings)
	}
	for i := range r.Bands {
		b := &r.Bands[i]
		if s := measure.Standing(i); b.Name != s.String() || b.Known != (s != measure.NobodyKnown) || len(b.Commits) != len(r.Periods) || len(b.Changed) != len(r.Periods) {
			return fmt.Errorf("band %d of readings is %q, of %d and %d in %d periods", i, b.Name, len(b.Commits), len(b.Changed), len(r.Periods))
		}
		for _, n := range b.Commits {
			if n > 1<<50 {
				return fmt.Errorf("band %q of readings has %d commits", b.Name, n)
			}
		}
	}
	return nil
}

func (f *Figures) check() error {
	p := f.Period
	at := fmt.Sprintf("%s %q in %q", f.Scope.Kind, f.Scope.Name, p.Name)
	from, errFrom := time.Parse(time.RFC3339, p.From)
	to, errTo := time.Parse(time.RFC3339, p.To)
	dated := errFrom == nil && errTo == nil && p.From == from.UTC().Format(time.RFC3339) && p.To == to.UTC().Format(time.RFC3339) && from.Before(to)
	if open := p.From == "" && p.To == "" && p.Name != measure.LastCalendarYear; !dated && !open {
		return fmt.Errorf("%s: no period from %q to %q", at, p.From, p.To)
	}
	for _, a := range []*Amount{&f.Commits, &f.Added, &f.Removed, &f.Changed} {
		if plus(a.Known, a.Unknown) != a.Total || a.Total == math.MaxUint64 {
			return fmt.Errorf("%s: known %d and unknown %d are not %d", at, a.Known, a.Unknown, a.Total)
		}
	}
	for _, i := range f.Indices {
		if (i.Low == nil) != (i.High == nil) {
			return fmt.Errorf("%s: %s has one bound", at, i.Metric)
		}
	}
	return nil
}

func (l *Ledger) check() error {
	lengths := [4]int{len(l.Repositories), len(l.Slices), len(l.People), len(l.Parties)}
	for i, row := range l.Rows {
		for column, n := range lengths {
			if row[column] >= uint64(n) {
				return fmt.Errorf("row %d of the ledger points to entry %d of %d", i, row[column], n)
			}
		}
	}
	for i, s := range l.Slices {
		from, errFrom := time.Parse(time.RFC3339, s.From)
		to, errTo := time.Parse(time.RFC3339, s.To)
		if i > 0 && (errFrom != nil || errTo != nil || !from.Before(to) || s.From != from.UTC().Format(time.RFC3339) || s.To != to.UTC().Format(time.RFC3339)) ||
			i > 1 && s.From < l.Slices[i-1].To || i == 0 && s != (Slice{}) {
			return fmt.Errorf("slice %d of the ledger is from %q to %q", i, s.From, s.To)
		}
	}
	return nil
}

// restore fills what stands in no key.
func (m *Model) restore() {
	if m.Membership == nil { // a result of before there was one
		m.Membership = &Membership{}
	}
	organizations := map[string]bool{}
	for _, o := range m.Organizations {
		organizations[o.Name] = true
	}
	m.each(func(f *Figures) {
		for i := range f.Organizations {
			r := &f.Organizations[i]
			r.organization = !r.Outside && organizations[r.Name]
		}
	})
}
