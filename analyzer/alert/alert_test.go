package alert

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"orrery/analyzer/measure"
	"orrery/analyzer/report"
)

func ptr(x float64) *float64 { return &x }

func model() *report.Model {
	m := &report.Model{AsOf: "2024-06-15", Read: 3, Repositories: make([]report.Repository, 4)}
	for _, name := range []string{measure.AllTime, "spring", "empty"} {
		p := report.Period{Kind: measure.KindWindow, Name: name}
		f := report.Figures{Period: p}
		if name != "empty" {
			f.Commits = report.Amount{Value: 103, Total: 100, Known: 80, Unknown: 20, Coverage: ptr(0.8)}
			f.Organizations = []report.Row{
				{Name: "Acme", Apart: report.Part{CommitsShare: &report.Share{Low: 0.5, High: 0.7, OfKnown: ptr(0.625)}}, Merged: &report.Part{CommitsShare: &report.Share{Low: 0.6, High: 0.8}}},
				{Name: "Acme partners", Client: "Acme", Apart: report.Part{CommitsShare: &report.Share{Low: 0.1, High: 0.3, OfKnown: ptr(0.125)}}},
			}
			for _, contractors := range []string{"apart", "merged"} {
				f.Indices = append(f.Indices,
					report.Index{Metric: measure.KeyElephantFactor, Of: measure.KeyCommits, Contractors: contractors, Bulk: "without", Low: ptr(1), High: ptr(2), OfKnown: ptr(1)},
					report.Index{Metric: measure.KeyHHI, Of: measure.KeyCommits, Contractors: contractors, Bulk: "without", Low: ptr(2700), High: ptr(3000.5), OfKnown: ptr(2900)})
			}
			f.Indices = append(f.Indices, report.Index{Metric: measure.KeyAbsenceFactor, Of: measure.KeyCommits, Bulk: "without", Low: ptr(4), High: ptr(4)})
			f.Contributors.Low, f.Contributors.High = 9, 12
			f.Growth.Value = -7
		}
		m.Windows, m.Figures = append(m.Windows, p), append(m.Figures, f)
	}
	return m
}

func TestEvaluate(t *testing.T) {
	for _, tt := range []struct{ rule, line string }{
		{`share_low("Acme") > 0.4`, `alert: share_low("Acme") > 0.4: 0.5 > 0.4, as of 2024-06-15`},
		{`share_low("Acme") > 0.5`, ``},
		{`share_high("Acme", "spring") >= 0.7`, `alert: share_high("Acme", "spring") >= 0.7: 0.7 >= 0.7, as of 2024-06-15`},
		{`share_known("Acme") == 0.625`, `alert: share_known("Acme") == 0.625: 0.625 == 0.625, as of 2024-06-15`},
		{`merged_share_low("Acme") > 0.55`, `alert: merged_share_low("Acme") > 0.55: 0.6 > 0.55, as of 2024-06-15`},
		{`merged_share_low("Acme partners") > 0`, ``},
		{`share_high("Nobody met") < 0.25`, `alert: share_high("Nobody met") < 0.25: 0.2 < 0.25, as of 2024-06-15`},
		{`elephant_factor < 2`, `alert: elephant_factor < 2: 1 < 2, as of 2024-06-15`},
		{`elephant_factor() < 2`, `alert: elephant_factor() < 2: 1 < 2, as of 2024-06-15`},
		{`elephant_factor("spring") < 2`, `alert: elephant_factor("spring") < 2: 1 < 2, as of 2024-06-15`},
		{`2 > elephant_factor_high - 1 and hhi_high > 3000`, `alert: 2 > elephant_factor_high - 1 and hhi_high > 3000: 2 > 1, 3000.5 > 3000, as of 2024-06-15`},
		{`elephant_factor > 5 or absence_factor <= 4`, `alert: elephant_factor > 5 or absence_factor <= 4: 4 <= 4, as of 2024-06-15`},
		{`not (contributors > 10)`, `alert: not (contributors > 10): not 9 > 10, as of 2024-06-15`},
		{`coverage("spring") < 0.9`, `alert: coverage("spring") < 0.9: 0.8 < 0.9, as of 2024-06-15`},
		{`commits != 103 or growth < 0`, `alert: commits != 103 or growth < 0: -7 < 0, as of 2024-06-15`},
		{`repositories_skipped > 0`, `alert: repositories_skipped > 0: 1 > 0, as of 2024-06-15`},
		{`repositories * 2 - -1 >= 7`, `alert: repositories * 2 - -1 >= 7: 7 >= 7, as of 2024-06-15`},
		{`share_high("Acme") - share_low("Acme") > 0.1`, `alert: share_high("Acme") - share_low("Acme") > 0.1: 0.2 > 0.1, as of 2024-06-15`},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			r, err := Compile(tt.rule)
			if err != nil {
				t.Fatal(err)
			}
			c := r.Evaluate(model())
			if c.Err != nil || c.Line != tt.line || c.Crossed != (tt.line != "") {
				t.Errorf("%+v", c)
			}
		})
	}
}

// TestEveryFunction asks each on a result that has everything, and on a window that has nothing.
func TestEveryFunction(t *testing.T) {
	for _, f := range Functions {
		call := f.Name
		if f.Organization {
			call += `("Acme", "spring")`
		} else if f.Window {
			call += `("spring")`
		}
		r, err := Compile(call + " > -1000000")
		if err != nil {
			t.Error(err)
			continue
		}
		if c := r.Evaluate(model()); !c.Crossed || c.Err != nil {
			t.Errorf("%s: %+v", call, c)
		}
		if f.Text == "" || f.Unit == "" {
			t.Errorf("%s is not explained", f.Name)
		}
	}
}

func TestUndecided(t *testing.T) {
	for _, rule := range []string{`share_low("Acme", "empty") < 1`, `elephant_factor("empty") < 2`, `coverage("empty") < 2`, `hhi_low("no such") > 1`} {
		r, err := Compile(rule)
		if err != nil {
			t.Fatal(err)
		}
		if c := r.Evaluate(model()); c.Err == nil || c.Crossed || !strings.Contains(c.Err.Error(), rule) {
			t.Errorf("%s: %+v", rule, c)
		}
	}
}

func TestWrong(t *testing.T) {
	for _, tt := range []struct{ rule, says string }{
		{`share_lwo("Acme") > 0.8`, `at 1:1: there is no "share_lwo"; there are share_low, `},
		{"elephant_factor < 2 or\n  bus < 1", `at 2:3: there is no "bus"`},
		{`elephant_factor`, "at 1:1: elephant_factor is no comparison"},
		{`0.8`, "at 1:1: a number is no comparison"},
		{`share_low > 0.8`, "at 1:1: it is share_low(ORGANIZATION[, WINDOW]), and not with 0 arguments"},
		{`share_low("a", "b", "c") > 1`, "and not with 3 arguments"},
		{`repositories("spring") > 1`, "it is repositories, and not with 1 arguments"},
		{`share_low(1) > 0.8`, "at 1:11: a name in quotes is needed"},
		{`share_low("A" + "B") > 0.8`, "a name in quotes is needed"},
		{`share_low("Acme" > 0.8`, "at 1:"},
		{`elephant_factor < `, "at 1:"},
		{``, "alert"},
		{`true`, "only numbers"},
		{`elephant_factor < "2"`, "at 1:19: only numbers"},
		{`elephant_factor < (1 > 2)`, "stands where a number is needed"},
		{`elephant_factor in [1, 2]`, "there is no operator in here"},
		{`elephant_factor ** 2 > 1`, "there is no operator **"},
		{`len("x") > 0`, `there is no "len"`},
		{`any([1], # > 0)`, `there is no "any"`},
		{`let x = 1; x > 0`, "only numbers"},
		{`elephant_factor > 1 ? 1 > 0 : 2 > 1`, "only numbers"},
		{`$env.hhi_low > 1`, "only numbers"},
		{`commits.x > 1`, "only numbers"},
		{`(commits)("x") > 1`, ""},
		{strings.Repeat("(", 3000) + "1", "alert"},
		{strings.Repeat("1+", 1500) + "1 > 2", "alert"},
		{strings.Repeat("x", 5000), "longer than"},
	} {
		_, err := Compile(tt.rule)
		if tt.says == "" && err == nil {
			continue
		}
		if !errors.Is(err, ErrExpression) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%.40s: %v", tt.rule, err)
		}
	}
}

func TestCheck(t *testing.T) {
	windows := []string{measure.AllTime, "spring"}
	known := func(name string) (string, bool) {
		return "Acme", slices.Contains([]string{"Acme", "ACME"}, name)
	}
	for _, tt := range []struct{ rule, says string }{
		{`share_low("Acme", "spring") > 0.8 and elephant_factor < 2`, ""},
		{`share_low("Acme", "autumn") > 0.8`, `at 1:19: there is no window "autumn"; there are ["all time" "spring"]`},
		{`share_low("Amce") > 0.8`, `at 1:11: no organizations file knows "Amce"`},
		{`hhi_low("spring") > 1 and share_low("ACME") > 0.8`, `at 1:37: "ACME" stands in results as "Acme"`},
	} {
		r, err := Compile(tt.rule)
		if err != nil {
			t.Fatal(err)
		}
		switch err := r.Check(windows, known); {
		case tt.says == "" && err != nil, tt.says != "" && (!errors.Is(err, ErrExpression) || !strings.Contains(err.Error(), tt.says)):
			t.Errorf("%s: %v", tt.rule, err)
		}
	}
	r, err := Compile(`share_low("Anybody") > 0.8`)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Check(windows, nil); err != nil {
		t.Error(err)
	}
}

func FuzzCompile(f *testing.F) {
	for _, rule := range []string{`share_low("Acme", "spring") > 0.8 and not (elephant_factor < 2)`, `1 + -2 * 3 / 0 >= hhi_low`, `((`, `"\u2028" == 'x'`, "a\n\t#"} {
		f.Add(rule)
	}
	m := model()
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Compile(text)
		if err != nil {
			if !errors.Is(err, ErrExpression) {
				t.Error(err)
			}
			return
		}
		if c := r.Evaluate(m); c.Crossed == (c.Line == "") {
			t.Errorf("%q: %+v", text, c)
		}
	})
}
