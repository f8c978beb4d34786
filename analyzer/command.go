package analyzer

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"orrery/analyzer/people"
	"orrery/analyzer/report"
	"orrery/analyzer/source"
)

// command says what makes the result again. asOf is the day that it came to, so that the same comes out when there is more to read.
func (o *Options) command(asOf int64) *report.Command {
	c := &report.Command{Sources: []string{}, Flags: []string{"--as-of", time.Unix(asOf, 0).UTC().Format(time.DateOnly)}}
	for _, s := range o.Sources {
		c.Sources = append(c.Sources, spoken(s))
	}
	// In whatever order and however often they were named, the result is the same.
	slices.Sort(c.Sources)
	c.Sources = slices.Compact(c.Sources)
	text := func(flag, value, usual string) {
		if value != "" && value != usual {
			c.Flags = append(c.Flags, flag, source.Redact(value))
		}
	}
	file := func(flag string, paths []string) {
		for _, p := range paths {
			c.Flags = append(c.Flags, flag, source.Redact(filepath.Base(p)))
		}
	}
	set := func(flag string, on bool) {
		if on {
			c.Flags = append(c.Flags, flag)
		}
	}
	for i := range o.Windows {
		if m := spelled.FindStringSubmatch(o.Windows[i].Name); m != nil {
			c.Flags = append(c.Flags, "--from", m[1], "--to", m[2])
		}
	}
	set("--former", o.Source.Former)
	text("--rev", o.Revision, "")
	for _, r := range o.Ranges {
		text("--range", r, "")
	}
	text("--accounting", o.Accounting, "")
	file("--organizations", o.Organizations)
	file("--mailmap", o.Mailmaps)
	text("--roll-up", string(o.RollUp), string(people.LevelBrand))
	text("--contractors", string(o.Contractors), string(people.ReadBoth))
	text("--co-authors", string(o.CoAuthors), "")
	file("--opt-out", o.OptOut)
	file("--governance", o.Governance)
	for _, b := range o.Bots {
		if strings.Contains(b, "@") {
			b = "PATTERN" // it may be somebody's address
		}
		text("--bot", b, "")
	}
	file("--beside", o.BesideFiles)
	set("--no-renames", o.NoRenames)
	if o.RenameLimit != 0 && o.RenameLimit != 1000 {
		text("--rename-limit", strconv.Itoa(o.RenameLimit), "")
	}
	set("--forge-facts", o.ForgeFacts)
	return c
}

// spoken gives a source as others may read it: what lies on this disk by its last element alone, since folders tell whose they are.
func spoken(s string) string {
	prefix, place := "", s
	for _, kind := range []string{"manifest:", "community:"} {
		if rest, ok := strings.CutPrefix(s, kind); ok {
			prefix, place = kind, rest
		}
	}
	place, rest, cut := strings.Cut(place, "#")
	if cut {
		rest = "#" + rest
	}
	switch {
	case slices.Contains(source.Builtin(), s) || strings.Contains(place, "://"):
	case strings.HasPrefix(place, "github:") || strings.HasPrefix(place, "gitee:") || strings.HasPrefix(place, "gitcode:"):
	default:
		place = filepath.Base(place)
	}
	return source.Redact(prefix + place + rest)
}
