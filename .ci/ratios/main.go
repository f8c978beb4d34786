// Ratios runs orrery, git, go-git and hercules on repositories in turn, and prints how their times compare.
//
// Rounds go over all tools (A B C, A B C, ...), and a ratio is taken within a round, so that what else the machine does falls on all of them
// alike; the table shows medians, and the least and the largest ratio. What each tool does:
//
//   - orrery: the whole of `orrery analyze`, outputs included;
//   - git: `git log --no-merges --numstat -M`, with an empty configuration and its output thrown away;
//   - go-git: Commit.Stats of a sample of the commits that are no merges, in runs of neighbours spread over the history, since it is slow.
//     Its times are those of the sample, without opening and listing, times commits / sample;
//   - hercules: `hercules --burndown --burndown-people`, if it is on the path.
//
// Memory is the largest RssAnon that was seen, every 5 ms (Linux), or else the largest resident set.
package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
)

type options struct {
	rounds, sample, cores int
	orrery                string
	tools                 []string
}

// cost is what one run of a tool takes.
type cost struct {
	wall, processor time.Duration
	memory          int64 // bytes
	note            string
}

func main() {
	if len(os.Args) == 4 && os.Args[1] == goGitVerb {
		exit(goGitStats(os.Args[2], os.Args[3], os.Stdout))
	}
	var o options
	flag.IntVar(&o.rounds, "rounds", 3, "how often each tool runs")
	flag.IntVar(&o.sample, "sample", 200, "commits that go-git reads; 0 for all")
	flag.IntVar(&o.cores, "cores", 0, "processors that every tool is pinned to (with taskset); 0 for all")
	flag.StringVar(&o.orrery, "orrery", "orrery", "the program")
	tools := flag.String("tools", "orrery,git,go-git,hercules", "which of them run; orrery always does")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: ratios [flags] [NAME=]REPOSITORY...")
		flag.PrintDefaults()
	}
	flag.Parse()
	o.tools = strings.Split(*tools, ",")
	if flag.NArg() == 0 || o.rounds < 1 || o.sample < 0 || o.cores < 0 || o.cores > runtime.NumCPU() {
		flag.Usage()
		os.Exit(2)
	}
	exit(run(o, flag.Args(), os.Stdout))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "ratios:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(o options, arguments []string, out io.Writer) error {
	scratch, err := os.MkdirTemp("", "ratios-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt) // the tool that runs gets it too, and fails
	tools, err := o.find(scratch)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s; median of %d rounds\n", machine(o), o.rounds)
	for _, t := range tools {
		fmt.Fprintf(out, "%s: %s\n", t.name, t.version)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "\nrepository\tcommits\ttool\tseconds\tprocessor\tMiB\ttime / orrery\tprocessor / orrery\t\n")
	for _, a := range arguments {
		name, path, named := strings.Cut(a, "=")
		if !named {
			path = a
			name = filepath.Base(filepath.Dir(path)) + "/" + filepath.Base(path)
		}
		if path, err = filepath.Abs(path); err != nil {
			return err
		}
		n, err := count(path)
		if err != nil {
			return err
		}
		if err := warm(path); err != nil {
			return err
		}
		costs := make([][]cost, len(tools))
		failed := make([]error, len(tools))
		for range o.rounds {
			for i, t := range tools {
				if failed[i] != nil {
					continue
				}
				select {
				case <-interrupted:
					return errors.New("interrupted")
				default:
				}
				c, err := t.run(path, n)
				if failed[i] = err; err == nil {
					costs[i] = append(costs[i], c)
				}
			}
			if failed[0] != nil {
				return fmt.Errorf("orrery on %s: %w", path, failed[0])
			}
		}
		for i, t := range tools {
			label, commits := name, strconv.Itoa(n)
			if i > 0 {
				label, commits = "", ""
			}
			if failed[i] != nil {
				fmt.Fprintf(table, "%s\t%s\t%s\tfailed\t\t\t\t\t\n", label, commits, t.name)
				fmt.Fprintf(os.Stderr, "ratios: %s on %s: %v\n", t.name, path, failed[i])
				continue
			}
			row(table, label, commits, t.name, costs[i], costs[0])
		}
	}
	return table.Flush()
}

func row(w io.Writer, label, commits, tool string, costs, base []cost) {
	seconds := func(of func(cost) time.Duration) string { return digits(median(costs, of).Seconds()) }
	ratios := func(of func(cost) time.Duration) string {
		var r []float64
		for i := range costs {
			r = append(r, float64(of(costs[i]))/float64(of(base[i])))
		}
		slices.Sort(r)
		middle := (r[(len(r)-1)/2] + r[len(r)/2]) / 2
		return fmt.Sprintf("%s (%s-%s)", digits(middle), digits(r[0]), digits(r[len(r)-1]))
	}
	wall := func(c cost) time.Duration { return c.wall }
	processor := func(c cost) time.Duration { return c.processor }
	memory := median(costs, func(c cost) time.Duration { return time.Duration(c.memory) })
	fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t", label, commits, tool, seconds(wall), seconds(processor), memory>>20)
	if tool == "orrery" {
		fmt.Fprintf(w, "1\t1\t")
	} else {
		fmt.Fprintf(w, "%s\t%s\t", ratios(wall), ratios(processor))
	}
	fmt.Fprintln(w, costs[0].note)
}

// digits gives three significant digits or so.
func digits(x float64) string {
	switch {
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

func median(costs []cost, of func(cost) time.Duration) time.Duration {
	all := make([]time.Duration, len(costs))
	for i, c := range costs {
		all[i] = of(c)
	}
	slices.Sort(all)
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}

func machine(o options) string {
	model := runtime.GOARCH
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, rest, ok := strings.Cut(string(b), "model name\t: "); ok {
			model, _, _ = strings.Cut(rest, "\n")
		}
	}
	return fmt.Sprintf("%d of %d cores (%s, %s)", cmp.Or(o.cores, runtime.NumCPU()), runtime.NumCPU(), model, runtime.GOOS)
}

// git runs git with an empty configuration.
func git(path string, args ...string) *exec.Cmd {
	cmd := exec.Command("git", append([]string{"-C", path, "-c", "safe.directory=*", "-c", "diff.renameLimit=1000"}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "LC_ALL=C")
	return cmd
}

// count gives how many commits of HEAD's history are no merges.
func count(path string) (int, error) {
	out, err := git(path, "rev-list", "--count", "--no-merges", "HEAD").Output()
	if err != nil {
		return 0, fmt.Errorf("counting the commits of %s: %w", path, err)
	}
	return strconv.Atoi(strings.TrimSpace(string(out)))
}

// warm reads the packs once, so that no tool waits for the disk in the place of the others.
func warm(path string) error {
	return filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || filepath.Ext(name) != ".pack" {
			return err
		}
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(io.Discard, f)
		return err
	})
}

// measure runs a command to its end.
func (o options) measure(cmd *exec.Cmd) (cost, error) {
	if o.cores > 0 {
		pinned := exec.Command("taskset", append([]string{"-c", fmt.Sprintf("0-%d", o.cores-1)}, cmd.Args...)...)
		pinned.Env, pinned.Dir, pinned.Stdout = cmd.Env, cmd.Dir, cmd.Stdout
		cmd = pinned
	}
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	if o.cores > 0 {
		cmd.Env = append(cmd.Env, fmt.Sprintf("GOMAXPROCS=%d", o.cores))
	}
	var talk strings.Builder
	cmd.Stderr = &talk
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return cost{}, err
	}
	done, peak := make(chan struct{}), make(chan int64)
	go func() { peak <- watch(cmd.Process.Pid, done) }()
	err := cmd.Wait()
	c := cost{wall: time.Since(begin)}
	close(done)
	c.memory = <-peak
	c.processor = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok && c.memory == 0 {
		c.memory = usage.Maxrss
		if runtime.GOOS != "darwin" {
			c.memory <<= 10
		}
	}
	if err != nil {
		text := strings.TrimSpace(talk.String())
		return c, fmt.Errorf("%w: %s", err, text[max(0, len(text)-300):])
	}
	return c, nil
}

// watch gives the largest RssAnon of a process until it is done; 0 where there is no such thing.
func watch(pid int, done <-chan struct{}) (peak int64) {
	status := fmt.Sprintf("/proc/%d/status", pid)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if b, err := os.ReadFile(status); err == nil {
			if _, rest, ok := strings.Cut(string(b), "\nRssAnon:"); ok {
				digits, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
				if kib, err := strconv.ParseInt(digits, 10, 64); err == nil {
					peak = max(peak, kib<<10)
				}
			}
		}
		select {
		case <-done:
			return peak
		case <-tick.C:
		}
	}
}
