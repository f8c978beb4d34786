package report

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
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
