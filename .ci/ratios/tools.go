package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/object"
)

type tool struct {
	name, version string
	run           func(path string, commits int) (cost, error)
}

// find gives the tools that are asked for and there, orrery first.
func (o options) find(scratch string) ([]tool, error) {
	version := func(name string, args ...string) string {
		out, _ := exec.Command(name, args...).Output()
		return strings.Join(strings.Fields(string(out)), " ")
	}
	program, err := exec.LookPath(o.orrery)
	if err != nil {
		return nil, err
	}
	key := filepath.Join(scratch, "key")
	if err := os.WriteFile(key, bytes.Repeat([]byte("ratios "), 10), 0o600); err != nil {
		return nil, err
	}
	tools := []tool{{"orrery", version(program, "--version"), func(path string, _ int) (cost, error) {
		c, err := o.measure(exec.Command(program, "analyze", path, "--offline", "--quiet", "--pseudonym-key", key, "--out", filepath.Join(scratch, "out")))
		var status *exec.ExitError
		if errors.As(err, &status) && status.ExitCode() == 3 {
			c.note, err = "in part: objects are missing", nil
		}
		return c, err
	}}}
	for _, name := range o.tools {
		switch name {
		case "orrery":
		case "git":
			tools = append(tools, tool{name, version("git", "--version"), func(path string, _ int) (cost, error) {
				return o.measure(git(path, "log", "--no-merges", "--numstat", "-M", "--format=%H"))
			}})
		case "go-git":
			tools = append(tools, tool{name, goGitVersion(), o.goGit})
		case "hercules":
			if _, err := exec.LookPath(name); err != nil {
				fmt.Fprintln(os.Stderr, "ratios: there is no hercules on the path: left out")
				continue
			}
			tools = append(tools, tool{name, version(name, "version"), func(path string, _ int) (cost, error) {
				return o.measure(exec.Command(name, "--quiet", "--burndown", "--burndown-people", path))
			}})
		default:
			return nil, fmt.Errorf("there is no tool %q", name)
		}
	}
	return tools, nil
}

func goGitVersion() string {
	info, _ := debug.ReadBuildInfo()
	for _, d := range info.Deps {
		if d.Path == "github.com/go-git/go-git/v5" {
			return d.Version
		}
	}
	return "unknown"
}

// goGitVerb makes this program the one that is measured: it takes a repository and the size of the sample.
const goGitVerb = "go-git-stats"

// neighbours is how many commits that follow each other a sample is made of: go-git keeps what it has read for a while.
const neighbours = 20

func (o options) goGit(path string, commits int) (cost, error) {
	self, err := os.Executable()
	if err != nil {
		return cost{}, err
	}
	cmd := exec.Command(self, goGitVerb, path, strconv.Itoa(o.sample))
	var out bytes.Buffer
	cmd.Stdout = &out
	c, err := o.measure(cmd)
	if err != nil {
		return c, err
	}
	var read, failed int
	var wall, processor int64
	if _, err := fmt.Sscan(out.String(), &read, &failed, &wall, &processor); err != nil {
		return c, fmt.Errorf("reading %q: %w", out.String(), err)
	}
	if read == 0 {
		return c, fmt.Errorf("none of %d commits could be read", failed)
	}
	c.wall = time.Duration(float64(wall) * float64(commits) / float64(read))
	c.processor = time.Duration(float64(processor) * float64(commits) / float64(read))
	if read+failed < commits {
		c.note = fmt.Sprintf("from %d commits", read)
	}
	if failed > 0 {
		c.note += fmt.Sprintf("; %d more failed", failed)
	}
	return c, nil
}

// goGitStats prints how many commits it read and could not read, and the time and the processor time of that in nanoseconds.
func goGitStats(path, sample string, out io.Writer) error {
	r, err := gogit.PlainOpen(path)
	if err != nil {
		return err
	}
	head, err := r.Head()
	if err != nil {
		return err
	}
	log, err := r.Log(&gogit.LogOptions{From: head.Hash()})
	if err != nil {
		return err
	}
	var all []*object.Commit
	if err := log.ForEach(func(c *object.Commit) error {
		if c.NumParents() < 2 {
			all = append(all, c)
		}
		return nil
	}); err != nil {
		return err
	}
	if n, err := strconv.Atoi(sample); err != nil {
		return err
	} else if n > 0 && n < len(all) {
		all = spread(all, n)
	}
	begin, used := time.Now(), processor()
	failed := 0
	for _, c := range all {
		if _, err := c.Stats(); err != nil {
			failed++
		}
	}
	_, err = fmt.Fprintln(out, len(all)-failed, failed, time.Since(begin).Nanoseconds(), (processor() - used).Nanoseconds())
	return err
}

// spread takes n of all, in runs of neighbours at equal distances.
func spread[T any](all []T, n int) []T {
	var some []T
	runs := (n + neighbours - 1) / neighbours
	for k := range runs {
		from := (len(all) - neighbours) * k / max(1, runs-1)
		some = append(some, all[max(0, from):min(len(all), max(0, from)+neighbours)]...)
	}
	return slices.Clip(some[:min(n, len(some))])
}

func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
