package cli

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"orrery/analyzer"
	"orrery/analyzer/history"
	"orrery/analyzer/source"
)

// progress shows on a terminal how far a run is. In a pipe it says nothing but what is about to be fetched.
type progress struct {
	bars *mpb.Progress
	quit chan struct{}
	wait sync.WaitGroup
}

// wide is the scale of the bar, whatever it measures.
const wide = 10000

func startProgress(streams Streams, p *analyzer.Progress, opts *source.Options, quiet bool) *progress {
	s := &progress{quit: make(chan struct{})}
	var line sync.Mutex
	fetching := ""
	opts.Plan = func(plan source.Plan) error {
		if n := plan.Clone + plan.Fetch; n > 0 && !quiet {
			free := "unknown"
			if plan.FreeBytes >= 0 {
				free = size(plan.FreeBytes)
			}
			fmt.Fprintf(streams.Err, "orrery: %d repositories; %d to clone (sizes unknown before), %d to fetch again, into %s (%s free)\n",
				plan.Repositories, plan.Clone, plan.Fetch, plan.MirrorsDir, free)
		}
		return nil
	}
	if quiet || !streams.terminal() {
		return s
	}
	opts.Progress = func(step source.Progress) {
		line.Lock()
		defer line.Unlock()
		fetching = fmt.Sprintf("fetching %d/%d %s", step.Done, step.Total, size(step.Bytes))
	}
	s.bars = mpb.New(mpb.WithOutput(streams.Err.(*talk).to), mpb.WithRefreshRate(200*time.Millisecond), mpb.WithAutoRefresh())
	start := time.Time{}
	share := func() float64 {
		total, done := p.Bytes.Load(), p.DoneBytes.Load()
		if total == 0 {
			return 0
		}
		sum := float64(done)
		p.Reading.Range(func(k, v any) bool {
			h, bytes := k.(*history.Progress), v.(int64)
			// Planning and reading take about as long.
			f := (ratio(h.Commits.Load(), h.Total.Load()) + ratio(h.Files.Load(), h.Versions.Load())) / 2
			sum += f * float64(bytes)
			return true
		})
		return min(sum/float64(total), 1)
	}
	commits := func() int64 {
		n := p.Commits.Load()
		p.Reading.Range(func(k, _ any) bool {
			n += k.(*history.Progress).Commits.Load()
			return true
		})
		return n
	}
	bar := s.bars.AddBar(wide, mpb.BarRemoveOnComplete(), mpb.PrependDecorators(decor.Any(func(decor.Statistics) string {
		if p.Repositories.Load() == 0 {
			line.Lock()
			defer line.Unlock()
			return fetching + " "
		}
		return fmt.Sprintf("%d/%d repositories ", p.Done.Load(), p.Repositories.Load())
	})), mpb.AppendDecorators(decor.Any(func(decor.Statistics) string {
		if start.IsZero() {
			return ""
		}
		elapsed := time.Since(start)
		f := share()
		text := fmt.Sprintf(" %.0f commits/s", float64(commits())/elapsed.Seconds())
		if f > 0.02 && elapsed > 2*time.Second {
			text += fmt.Sprintf(", %s left", time.Duration(float64(elapsed)*(1-f)/f).Round(time.Second))
		}
		return text
	})))
	s.wait.Add(1)
	go func() {
		defer s.wait.Done()
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-s.quit:
				bar.Abort(true)
				s.bars.Wait()
				return
			case <-tick.C:
				if start.IsZero() && p.Repositories.Load() > 0 {
					start = time.Now()
				}
				bar.SetCurrent(int64(share() * (wide - 1)))
			}
		}
	}()
	return s
}

func (s *progress) stop() {
	close(s.quit)
	s.wait.Wait()
}

func ratio(a, b int64) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

func size(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	f, i := float64(n), 0
	for f >= 1024 && i < len(units)-1 {
		f, i = f/1024, i+1
	}
	return fmt.Sprintf("%.4g %s", f, units[i])
}

// width gives the columns of a terminal, 0 for anything else.
func width(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}
