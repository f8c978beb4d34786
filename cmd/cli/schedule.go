package cli

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// job is a run of orrery that something else starts every night.
type job struct {
	Program   string   // absolute path
	Arguments []string // analyze and what follows
	Folder    string   // that sources and files are relative to
	State     string   // absolute path of the state
	At        string   // HH:MM
	Timeout   time.Duration
}

// defaultState is where a job keeps its state if nobody says where.
const defaultState = "/var/lib/orrery"

func newSchedule(streams Streams) *cobra.Command {
	j := job{}
	var unit string
	cmd := &cobra.Command{
		Use:   "schedule",
		Short: "Print what a scheduler needs to run an analysis every night",
		Args:  cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("schedule: there is no scheduler %q; see orrery help schedule", args[0])
			}
			return usagef("schedule: say for which scheduler; see orrery help schedule")
		},
	}
	add := func(name, short, long string, write func(*job) (string, error)) *cobra.Command {
		sub := &cobra.Command{
			Use:   name + " [--state DIR] SOURCE... [-- FLAG...]",
			Short: short,
			Long:  long + "\n\nSOURCE is as in analyze; FLAGs behind -- are handed to analyze as they are.",
			Args:  arguments(1, math.MaxInt, "one SOURCE or more"),
			RunE: func(cmd *cobra.Command, args []string) error {
				sources, flags := args, []string(nil)
				if at := cmd.ArgsLenAtDash(); at >= 0 {
					sources, flags = args[:at], args[at:]
				}
				if len(sources) == 0 {
					return usagef("schedule: give one SOURCE or more before --")
				}
				if err := j.complete(sources, flags); err != nil {
					return err
				}
				text, err := write(&j)
				if err != nil {
					return err
				}
				if _, err := fmt.Fprint(streams.Out, text); err != nil {
					return fmt.Errorf("writing to stdout: %w", err)
				}
				return nil
			},
		}
		flags := sub.Flags()
		flags.SortFlags = false
		flags.StringVar(&j.State, "state", defaultState, "folder of mirrors, facts and results")
		flags.StringVar(&j.At, "at", "03:30", "time of the day, HH:MM")
		flags.DurationVar(&j.Timeout, "timeout", 12*time.Hour, "longest run")
		flags.StringVar(&j.Program, "program", "", "path of orrery (default the one that runs)")
		cmd.AddCommand(sub)
		return sub
	}
	systemd := add("systemd", "Print a service and a timer for systemd", `Prints two units: a service that can write nothing but its state, and a timer. A run that was done in part,
or that found another one at work, is a good one; a crossed threshold (4) makes the unit fail, so that OnFailure= tells.

  orrery schedule systemd --unit service SOURCE > /etc/systemd/system/orrery.service
  orrery schedule systemd --unit timer SOURCE > /etc/systemd/system/orrery.timer
  systemctl enable --now orrery.timer`, func(j *job) (string, error) { return j.systemd(unit) })
	systemd.Flags().StringVar(&unit, "unit", "", "service or timer alone")
	add("cron", "Print a line for a crontab", `Prints a line for the crontab of a user. cron mails what the run says: nothing, if nothing was skipped or crossed.
A second run leaves at once with status 11 while one is at work, so no lock is needed around it.`, (*job).cron)
	return cmd
}

// complete makes paths absolute, because a scheduler starts elsewhere, and refuses what no scheduler can be told.
func (j *job) complete(sources, flags []string) (err error) {
	if at, err := time.Parse("15:04", j.At); err != nil || at.Format("15:04") != j.At {
		return usagef("--at %s: must be a time like 03:30", j.At)
	}
	if j.Timeout < time.Minute {
		return usagef("--timeout %v: must be a minute at least", j.Timeout)
	}
	if j.Program == "" {
		if j.Program, err = os.Executable(); err != nil {
			return fmt.Errorf("looking for the path of this program: %w; name it with --program", err)
		}
	}
	if j.Folder, err = os.Getwd(); err != nil {
		return fmt.Errorf("looking for the current folder: %w", err)
	}
	for _, path := range []*string{&j.Program, &j.State} {
		if *path, err = filepath.Abs(*path); err != nil {
			return fmt.Errorf("making %s absolute: %w", *path, err)
		}
	}
	j.Arguments = append([]string{"analyze", "--state", j.State, "--quiet", "--timeout", j.Timeout.String()}, flags...)
	// What follows -- is no flag, whatever it begins with.
	j.Arguments = append(append(j.Arguments, "--"), sources...)
	for what, path := range map[string]string{"--program": j.Program, "--state": j.State, "the current folder": j.Folder} {
		if strings.ContainsFunc(path, func(r rune) bool {
			return r < ' ' || r == 0x7f || r == utf8.RuneError || strings.ContainsRune("\"'\\$", r)
		}) {
			return usagef("%s: %q has characters in it that cannot stand in a path of a unit or a crontab", what, path)
		}
	}
	return nil
}

// systemd gives the service and the timer, or one of them.
func (j *job) systemd(unit string) (string, error) {
	command := []string{systemdWord(j.Program)}
	for _, a := range j.Arguments {
		command = append(command, systemdWord(a))
	}
	specifiers := strings.NewReplacer("%", "%%").Replace
	service := `[Unit]
Description=Analyze an open-source ecosystem with orrery
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
ExecStart=` + strings.Join(command, " ") + `
WorkingDirectory=` + specifiers(j.Folder) + `
Environment=` + systemdWord("HOME="+j.State) + `
# Done in part, and another run at work, are no failures; a crossed threshold (4) is one.
SuccessExitStatus=3 11
TimeoutStartSec=` + fmt.Sprint(int64((j.Timeout+time.Minute)/time.Second)) + `
Nice=10
IOSchedulingClass=idle
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths="` + specifiers(j.State) + `"
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
CapabilityBoundingSet=CAP_DAC_OVERRIDE
`
	if j.State == defaultState {
		service = strings.Replace(service, "CapabilityBoundingSet=", "StateDirectory=orrery\nCapabilityBoundingSet=", 1)
	}
	timer := `[Unit]
Description=Analyze an open-source ecosystem with orrery every night

[Timer]
OnCalendar=*-*-* ` + j.At + `:00
RandomizedDelaySec=15min
Persistent=yes

[Install]
WantedBy=timers.target
`
	switch unit {
	case "service":
		return service, nil
	case "timer":
		return timer, nil
	case "":
		return "# /etc/systemd/system/orrery.service\n" + service + "\n# /etc/systemd/system/orrery.timer\n" + timer, nil
	}
	return "", usagef("--unit %s: must be service or timer", unit)
}

// systemdWord quotes an argument for ExecStart= and Environment= (systemd.syntax, systemd.service): in double quotes, with C's escapes, % and
// $ doubled. Environment= would keep both $, so paths have none.
func systemdWord(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '%' || c == '$':
			b.WriteByte(c)
			b.WriteByte(c)
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// maxCronLine is what every cron takes; some cut longer commands without a word.
const maxCronLine = 990

// cron gives a line of a crontab.
func (j *job) cron() (string, error) {
	words := []string{"cd"}
	for i, a := range append([]string{j.Folder, j.Program}, j.Arguments...) {
		if strings.ContainsFunc(a, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return "", usagef("%q has control characters in it, which cannot stand in a crontab", a)
		}
		words = append(words, cronWord(a))
		if i == 0 {
			words = append(words, "&&", "exec", "nice")
		}
	}
	line := fmt.Sprintf("%s %s * * * %s\n", strings.TrimPrefix(j.At[3:], "0"), strings.TrimPrefix(j.At[:2], "0"), strings.Join(words, " "))
	if len(line) > maxCronLine {
		return "", usagef("the line would have %d characters, and cron takes %d: put the sources into an ecosystem file", len(line), maxCronLine)
	}
	return line, nil
}

// cronWord quotes an argument for a shell in a crontab. cron takes an unescaped % for the end of the command, and crons differ in what they
// make of a backslash before it: so neither is written, and the shell makes them of their octal codes.
func cronWord(s string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '\'':
			b.WriteString(`'"'"'`)
		case '%', '\\':
			fmt.Fprintf(&b, `'"$(printf '\%03o')"'`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('\'')
	return b.String()
}
