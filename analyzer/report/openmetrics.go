package report

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"orrery/analyzer/measure"
)

// Run is what a monitoring system wants to know of one run, beside its result.
type Run struct {
	Ecosystem string // "" if it was not found out
	Exit      int    // status of the process
	Seconds   float64
	Commits   int64 // read
	Ended     time.Time
	Crossed   int // alerts
	// Model is nil if there is no result.
	Model *Model
}

// metricTop is how many organizations have samples of their own, so that one of them does not turn into thousands of series.
const metricTop = 10

// WriteOpenMetrics writes a run as OpenMetrics text: gauges alone, without timestamps, so that the textfile collector of Prometheus's node
// exporter, which reads the older text format, takes it as well.
func WriteOpenMetrics(w io.Writer, run Run) error {
	out := bufio.NewWriter(w)
	name := run.Ecosystem
	if run.Model != nil {
		name = run.Model.Ecosystem
	}
	labels := func(pairs ...string) string {
		var b strings.Builder
		b.WriteString(`{ecosystem="` + labelValue(name) + `"`)
		for i := 0; i < len(pairs); i += 2 {
			b.WriteString("," + pairs[i] + `="` + labelValue(pairs[i+1]) + `"`)
		}
		return b.String() + "}"
	}
	// family declares a gauge; sample writes one of its values.
	current := ""
	family := func(key, unit, help string) {
		current = "orrery_" + key
		fmt.Fprintf(out, "# HELP %s %s\n# TYPE %s gauge\n", current, help, current)
		if unit != "" {
			fmt.Fprintf(out, "# UNIT %s %s\n", current, unit)
		}
	}
	sample := func(value float64, pairs ...string) {
		fmt.Fprintf(out, "%s%s %s\n", current, labels(pairs...), strconv.FormatFloat(value, 'g', -1, 64))
	}

	family("run_exit_status", "", "Exit status of the last run: 0 done, 1 failed, 3 done in part, 4 an alert is crossed.")
	sample(float64(run.Exit))
	family("run_duration_seconds", "seconds", "How long the last run took.")
	sample(run.Seconds)
	family("run_end_timestamp_seconds", "seconds", "When the last run ended, in seconds since 1970.")
	sample(float64(run.Ended.Unix()))
	family("run_commits", "", "Commits that the last run read.")
	sample(float64(run.Commits))
	if m := run.Model; m != nil {
		family("alerts_crossed", "", "Thresholds that the last result crosses.")
		sample(float64(run.Crossed))
		family("repositories", "", "Repositories of the ecosystem, by whether they could be read.")
		sample(float64(m.Read), "state", "read")
		sample(float64(m.Named()-m.Read), "state", "skipped")
		if day, err := time.Parse(time.DateOnly, m.AsOf); err == nil {
			family("data_timestamp_seconds", "seconds", "The as-of day of the last result, in seconds since 1970: without --as-of that of the newest commit.")
			sample(float64(day.Unix()))
			family("data_age_seconds", "seconds", "How long before the end of the run that day began.")
			sample(float64(run.Ended.Unix() - day.Unix()))
		}
		family("commits", "", "Commits by window.")
		m.eachWindow(func(f *Figures) { sample(float64(f.Commits.Value), "window", f.Period.Name) })
		family("contributors", "", "Contributors by window, as a range.")
		m.eachWindow(func(f *Figures) {
			sample(float64(f.Contributors.Low), "window", f.Period.Name, "bound", "low")
			sample(float64(f.Contributors.High), "window", f.Period.Name, "bound", "high")
		})
		family("coverage_ratio", "ratio", "Share of commits of known organizations, by window.")
		m.eachWindow(func(f *Figures) {
			if f.Commits.Coverage != nil {
				sample(*f.Commits.Coverage, "window", f.Period.Name)
			}
		})
		for _, index := range []struct{ metric, help string }{
			{measure.KeyElephantFactor, "How few organizations hold half of the commits, by window."},
			{measure.KeyAbsenceFactor, "How few persons hold half of the commits, by window."},
			{measure.KeyHHI, "Herfindahl-Hirschman index of commits over organizations, by window."},
		} {
			family(index.metric, "", index.help)
			m.eachWindow(func(f *Figures) {
				for _, i := range f.Indices {
					if i.Metric == index.metric && i.Of == measure.KeyCommits && i.Contractors != "merged" && i.Bulk == "without" && i.Low != nil {
						sample(*i.Low, "window", f.Period.Name, "bound", "low")
						sample(*i.High, "window", f.Period.Name, "bound", "high")
					}
				}
			})
		}
		family("share_ratio", "ratio", fmt.Sprintf("Share of commits of the %d organizations with most, by window.", metricTop))
		m.eachWindow(func(f *Figures) {
			shown := 0
			for i := range f.Organizations {
				r := &f.Organizations[i]
				if s := r.Apart.CommitsShare; r.organization && s != nil && shown < metricTop {
					shown++
					sample(s.Low, "window", f.Period.Name, "organization", r.Name, "bound", "low")
					sample(s.High, "window", f.Period.Name, "organization", r.Name, "bound", "high")
				}
			}
		})
	}
	fmt.Fprint(out, "# EOF\n")
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing metrics: %w", err)
	}
	return nil
}

// eachWindow visits the ecosystem's figures of windows.
func (m *Model) eachWindow(visit func(*Figures)) {
	for i := range m.Windows {
		visit(&m.Figures[i])
	}
}

// labelValue escapes a text as both formats ask for. Control characters would show wherever the label does.
func labelValue(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(Printable(s))
}
