package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"orrery/analyzer/measure"
)

func written(t *testing.T, m *Model) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteJSON(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestRoundTrip writes, reads and writes: the bytes and the summary stay the same.
func TestRoundTrip(t *testing.T) {
	ranged := usual()
	ranged.last, ranged.accounting = "1 month", "gitdm"
	for name, m := range map[string]*Model{
		"usual": usual().model(t, Options{}), "names": usual().model(t, Options{Names: true}), "nothing": sample{}.model(t, Options{}), "range": ranged.model(t, Options{}),
	} {
		t.Run(name, func(t *testing.T) {
			first := written(t, m)
			again, err := ReadJSON(bytes.NewReader(first))
			if err != nil {
				t.Fatal(err)
			}
			if second := written(t, again); !bytes.Equal(first, second) {
				t.Error("read and written again, the result has other bytes")
			}
			var a, b bytes.Buffer
			if err := errors.Join(WriteText(&a, m, 80), WriteText(&b, again, 80)); err != nil {
				t.Fatal(err)
			}
			if a.String() != b.String() {
				t.Errorf("the summary of what was read is\n%s\nand was\n%s", &b, &a)
			}
		})
	}
}

// TestLayout holds what is written row by row against what is marshalled as a whole and then laid out.
func TestLayout(t *testing.T) {
	whole := func(t *testing.T, v any) string {
		compact, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		l := layout{w: &b}
		l.indent(compact)
		l.out = append(l.out, '\n')
		l.flush()
		return b.String()
	}
	same := func(t *testing.T, v any) {
		t.Helper()
		var b bytes.Buffer
		if err := writeJSON(&b, v, "it"); err != nil {
			t.Fatal(err)
		}
		if want := whole(t, v); b.String() != want {
			t.Errorf("%s\nis not\n%s", b.String(), want)
		}
	}
	type row struct {
		Name  string   `json:"name"`
		Share *float64 `json:"share,omitempty"`
		List  []int    `json:"list"`
	}
	type part struct {
		Rows  []row     `json:"rows,omitempty"`
		Pairs [][2]int  `json:"pairs"`
		None  *row      `json:"none"`
		Left  [1]int    `json:"left,omitempty"`
		Texts []string  `json:"-"`
		Empty *struct{} `json:"empty,omitempty"`
		lower int
	}
	type outer struct {
		Part    *part
		Parts   []part           `json:"<parts>"`
		Rows    []row            `json:"rows"`
		Plain   map[string][]int `json:"plain,omitempty"`
		Scalars []int            `json:"scalars"`
		Any     any              `json:"any"`
		At      time.Time        `json:"at"`
	}
	rapid.Check(t, func(r *rapid.T) {
		lengths := rapid.SampledFrom([]int{0, 1, 2, layoutRows, layoutRows + 1, 3*layoutRows + 5})
		rows := func() (list []row) {
			for i := range lengths.Draw(r, "rows") {
				one := row{Name: rapid.SampledFrom([]string{"", "<a>", "\"{[", "\u2028"}).Draw(r, "name")}
				if i%2 == 0 {
					one.Share, one.List = new(float64), make([]int, i%3)
				}
				list = append(list, one)
			}
			return list
		}
		parts := func() (p part) {
			p = part{Rows: rows(), Pairs: make([][2]int, lengths.Draw(r, "pairs")), lower: 1}
			if rapid.Bool().Draw(r, "there") {
				p.None, p.Empty = &row{}, &struct{}{}
			}
			return p
		}
		v := outer{Rows: rows(), Scalars: make([]int, lengths.Draw(r, "scalars"))}
		if rapid.Bool().Draw(r, "part") {
			p := parts()
			v.Part, v.Any, v.Plain, v.Parts = &p, p, map[string][]int{"b": nil, "a": {1}}, slices.Repeat([]part{p}, lengths.Draw(r, "parts"))
		}
		same(t, v)
		same(t, &v)
	})
	same(t, nil)
	same(t, (*outer)(nil))
	same(t, row{})
	same(t, usual().model(t, Options{Names: true}))
	if err := writeJSON(io.Discard, outer{Any: func() {}}, "it"); err == nil {
		t.Error("a function was written")
	}
}

// TestHeadline reads alone what summaries are made of.
func TestHeadline(t *testing.T) {
	m := usual().model(t, Options{})
	m.Control, m.Openness = &Control{}, &Openness{}
	text := written(t, m)
	whole, err := ReadJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	short, err := ReadHeadline(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	whole.Series, whole.Ledger = nil, nil
	whole.Figures = slices.DeleteFunc(whole.Figures, func(f Figures) bool { return f.Scope.Kind != measure.ScopeEcosystem })
	if !reflect.DeepEqual(whole, short) {
		t.Errorf("%s\nis not\n%s", written(t, short), written(t, whole))
	}
	for _, wrong := range []string{"", "[]", "{}", "7", string(text[:len(text)/2]), strings.Replace(string(text), `"schema": 1`, `"schema": 2`, 1)} {
		if _, err := ReadHeadline(strings.NewReader(wrong)); !errors.Is(err, ErrNoResult) {
			t.Errorf("%.20q: %v", wrong, err)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	good := string(written(t, usual().model(t, Options{})))
	replace := func(old, with string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("the result holds no %s", old)
		}
		return strings.Replace(good, old, with, 1)
	}
	for _, tt := range []struct {
		name, text string
		is         error
		says       string
	}{
		{"newer", replace(`"schema": 1`, `"schema": 2`), ErrNewer, "format 2"},
		{"newer, of another form", `{"orrery": "v9\u001b", "schema": 7, "windows": "none"}`, ErrNewer, `format 7, written by orrery v9\u001b; this one reads format 1`},
		{"no format", "{}", ErrNoResult, "format 0"},
		{"nothing", "", ErrNoResult, "unexpected end"},
		{"a list", "[]", ErrNoResult, "cannot unmarshal array"},
		{"cut", good[:len(good)/2], ErrNoResult, "unexpected end"},
		{"more behind it", good + "{}", ErrNoResult, "after top-level value"},
		{"deep", strings.Repeat("[", 100_000), ErrNoResult, "depth"},
		{"format alone", `{"schema": 1}`, ErrNoResult, "as_of"},
		{"no window", `{"schema": 1, "as_of": "2024-01-01"}`, ErrNoResult, "0 windows"},
		{"a day that is none", replace(`"as_of": "2024-`, `"as_of": "2024-13-`), ErrNoResult, "as_of"},
		{"one bound", replace(`"low":1,`, `"low":null,`), ErrNoResult, "one bound"},
		{"a sum that does not hold", replace(`"known":`, `"known":9`), ErrNoResult, "are not"},
		{"a negative count", replace(`"known":`, `"known":-`), ErrNoResult, "number -"},
		{"a window of another time", replace(`"to":"2024-01-01T00:00:00Z"`, `"to":"2023-01-01T00:00:00Z"`), ErrNoResult, "window"},
		{"a band that is none", replace("\"bands\": [\n   {\n    \"name\": \"own", "\"bands\": [\n   {\n    \"name\": \"owned"), ErrNoResult, "band 0"},
		{"more commits than there are", replace("\"known\": true,\n    \"commits\": [", "\"known\": true,\n    \"commits\": [9,"), ErrNoResult, "band 0"},
		{"a row out of the ledger", replace("\"rows\": [\n   [0,", "\"rows\": [\n   [99,"), ErrNoResult, "entry 99"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := ReadJSON(strings.NewReader(tt.text))
			if m != nil || !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v", err)
			}
		})
	}
}

// FuzzReadJSON reads anything: what is taken can be shown.
func FuzzReadJSON(f *testing.F) {
	data, err := os.ReadFile("testdata/result.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"schema": 1, "as_of": "2024-01-01", "windows": [{"kind": "window", "name": "all time"}], "people": [{}], "figures": [{"scope": {"kind": "ecosystem"}, "period": {"kind": "window", "name": "all time"}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := ReadJSON(bytes.NewReader(data))
		if err != nil {
			return
		}
		if err := WriteText(io.Discard, m, 80); err != nil {
			t.Error(err)
		}
		if m.Openness != nil {
			// A window that is not there is an error.
			_ = WriteOpenness(io.Discard, m, "", 80)
		}
		new(text).readings(m)
		if m.Accounting != nil {
			if err := WriteAccounting(io.Discard, m, 80); err != nil {
				t.Error(err)
			}
		}
	})
}
