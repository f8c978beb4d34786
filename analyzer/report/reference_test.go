package report

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orrery/analyzer/measure"
)

func reference(t *testing.T, m *Model) (*Reference, []byte) {
	t.Helper()
	r, err := NewReference(m)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := WriteReference(&b, r); err != nil {
		t.Fatal(err)
	}
	return r, b.Bytes()
}

// A reference has no person, sums small organizations up, and leaves no commit out.
func TestReferenceIsOfOrganizationsAlone(t *testing.T) {
	m := usual().model(t, Options{Names: true})
	r, text := reference(t, m)
	for _, window := range m.people {
		for _, p := range window.rows {
			for _, word := range []string{p.Pseudonym, p.Name} {
				if word != "" && bytes.Contains(text, []byte(word)) {
					t.Errorf("the reference has %s", word)
				}
			}
		}
	}
	if len(r.Windows) != len(referenceWindows) {
		t.Fatalf("%d windows", len(r.Windows))
	}
	for _, w := range r.Windows {
		at := slices.Index(m.Windows, w.Period)
		var listed uint64
		for _, o := range w.Organizations {
			listed += o.Commits
			i := slices.IndexFunc(m.Figures[at].Organizations, func(r Row) bool { return r.Name == o.Name })
			if n := m.Figures[at].Organizations[i].Apart.Contributors; n < referencePeople {
				t.Errorf("%s, %s: %d people", w.Period.Name, o.Name, n)
			}
		}
		if listed+w.Rest.Commits != m.Figures[at].Commits.Known {
			t.Errorf("%s: %d commits in rows and %d in the rest, of %d", w.Period.Name, listed, w.Rest.Commits, m.Figures[at].Commits.Known)
		}
		if w.Commits > 0 && (w.Merged == nil || w.Merged.Low < w.Apart.Low) {
			t.Errorf("%s: the leader has %v, and %v with its contractors", w.Period.Name, w.Apart, w.Merged)
		}
	}
	if len(r.Commits) != m.Read || r.Commits[0].Commit == "" {
		t.Errorf("%d commits of %d repositories: %v", len(r.Commits), m.Read, r.Commits)
	}
	back, err := ReadReference(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	fromResult, err := ReadReference(bytes.NewReader(written(t, m)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(back, fromResult); diff != "" {
		t.Errorf("a reference and the result that it is of differ:\n%s", diff)
	}
}

func TestBesideStandsInColumns(t *testing.T) {
	m := usual().model(t, Options{})
	var b bytes.Buffer
	if err := WriteBeside(&b, m, 80); err != nil || b.Len() > 0 {
		t.Errorf("nothing is beside, and it says %q, %v", &b, err)
	}
	r, _ := reference(t, m)
	other := *r
	other.Ecosystem, other.Windows = "other \x1b[31m one of a long name", nil // from anybody
	m.Beside = []*Reference{r, &other, r, r, r, r}
	if err := WriteBeside(&b, m, 80); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "sample"); n < 2*len(m.Beside) {
		t.Errorf("%d columns:\n%s", n, &b)
	}
	for line := range strings.Lines(b.String()) {
		if cells(strings.TrimSuffix(line, "\n")) > 80 || strings.ContainsRune(line, '\x1b') {
			t.Errorf("a line is too wide, or no text: %q", line)
		}
	}
}

func TestReadReferenceRefuses(t *testing.T) {
	for text, want := range map[string]error{"": ErrNoResult, "[]": ErrNoResult, `{"reference": 99}`: ErrNewer, `{"reference": 1, "windows": 3}`: ErrNoResult, "{}": ErrNoResult} {
		if r, err := ReadReference(strings.NewReader(text)); r != nil || !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
}

// What is shipped can be read, and names no address and no pseudonym.
func TestShippedReferences(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "fixtures", "references", "*.json"))
	if err != nil || len(files) < 5 {
		t.Fatalf("%d references, %v", len(files), err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		r, err := ReadReference(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		all := r.window(measure.AllTime)
		if all == nil || all.Commits == 0 || r.Leader == "" || r.Read == 0 {
			t.Errorf("%s says nothing", name)
		}
		if found := regexp.MustCompile(`@|"p-[0-9a-f]+|"(/|[A-Z]:)`).Find(data); found != nil {
			t.Errorf("%s holds %s", name, found)
		}
		if n := len(regexp.MustCompile(`"commit":"[0-9a-f]{40}"`).FindAll(data, -1)); n != r.Read {
			t.Errorf("%s has %d commits of %d repositories", name, n, r.Read)
		}
	}
}
