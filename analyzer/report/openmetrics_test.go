package report

import (
	"bytes"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// TestOpenMetrics reads what was written with the parser that the node exporter uses.
func TestOpenMetrics(t *testing.T) {
	s := usual()
	s.organizations[2].Name = "Bolt \"B\" \\ \x1b[31m\nBreak"
	m := s.model(t, Options{})
	m.Ecosystem = `back\slash "quoted"`
	run := Run{Exit: 4, Seconds: 1.5, Commits: 46, Ended: time.Unix(unix("2024-06-16"), 0), Crossed: 2, Model: m}
	var b bytes.Buffer
	if err := WriteOpenMetrics(&b, run); err != nil {
		t.Fatal(err)
	}
	golden(t, "metrics.txt", b.Bytes())
	families := parsed(t, b.String())
	value := func(name string, labels ...string) float64 {
		t.Helper()
	sample:
		for _, sample := range families[name].GetMetric() {
			for _, l := range sample.GetLabel() {
				if l.GetName() == "ecosystem" && l.GetValue() != m.Ecosystem {
					t.Errorf("%s: ecosystem %q", name, l.GetValue())
				}
			}
			for i := 0; i < len(labels); i += 2 {
				if label(sample, labels[i]) != labels[i+1] {
					continue sample
				}
			}
			return sample.GetGauge().GetValue()
		}
		t.Errorf("there is no %s with %q", name, labels)
		return 0
	}
	if got := value("orrery_run_exit_status"); got != 4 {
		t.Errorf("exit status %v", got)
	}
	if got := value("orrery_data_age_seconds"); got != 24*60*60 {
		t.Errorf("age %v", got)
	}
	if got := value("orrery_repositories", "state", "skipped"); got != 1 {
		t.Errorf("%v repositories skipped", got)
	}
	for i := range m.Figures[0].Organizations {
		if r := &m.Figures[0].Organizations[i]; r.organization {
			if got := value("orrery_share_ratio", "window", "all time", "organization", Printable(r.Name), "bound", "high"); got != r.Apart.CommitsShare.High {
				t.Errorf("%s: share %v, not %v", r.Name, got, r.Apart.CommitsShare.High)
			}
		}
	}
	for name, f := range families {
		if f.GetType() != dto.MetricType_GAUGE || f.GetHelp() == "" {
			t.Errorf("%s is a %v: %q", name, f.GetType(), f.GetHelp())
		}
		if unit := f.GetUnit(); unit != "" && !strings.HasSuffix(name, "_"+unit) {
			t.Errorf("%s does not end with its unit %s", name, unit)
		}
	}
}

// TestOpenMetricsOfFailure has no result to tell of.
func TestOpenMetricsOfFailure(t *testing.T) {
	var b bytes.Buffer
	if err := WriteOpenMetrics(&b, Run{Exit: 1, Ended: time.Unix(0, 0)}); err != nil {
		t.Fatal(err)
	}
	if families := parsed(t, b.String()); len(families) != 4 || families["orrery_run_exit_status"].GetMetric()[0].GetGauge().GetValue() != 1 {
		t.Errorf("%s", &b)
	}
}

func parsed(t *testing.T, text string) map[string]*dto.MetricFamily {
	t.Helper()
	if !strings.HasSuffix(text, "\n# EOF\n") || strings.Count(text, "# EOF") != 1 {
		t.Errorf("the end is missing: %s", text)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return families
}

func label(m *dto.Metric, name string) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}
