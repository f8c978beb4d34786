package page

import (
	"cmp"
	_ "embed"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"go.yaml.in/yaml/v4"

	"orrery/analyzer/measure"
	"orrery/analyzer/report"
)

//go:embed messages.yaml
var messagesFile []byte

// Languages are those of the page, the first by default.
var Languages = []string{"en", "zh"}

var messages = sync.OnceValue(func() map[string]map[string]string {
	var all map[string]map[string]string
	if err := yaml.Unmarshal(messagesFile, &all); err != nil {
		panic(err) // embedded, and read by a test
	}
	return all
})

// speaker words the page in one language.
type speaker struct{ lang string }

// say gives a message. An unknown key is a mistake of the caller's, and panics.
func (s speaker) say(key string, args ...any) string {
	m, ok := messages()[key]
	if !ok {
		panic("no message " + key)
	}
	text := m[s.lang]
	if len(args) > 0 || strings.Contains(text, "%%") {
		return fmt.Sprintf(text, args...)
	}
	return text
}

// define gives the definition of a metric. In English it is the declaration's.
func (s speaker) define(key string) string {
	if s.lang == "en" {
		return measure.MetricByKey(key).Formula
	}
	return s.say("metric." + key)
}

// population gives the title of a definition of contributors.
func (s speaker) population(p *measure.Population) string {
	if m, ok := messages()["pop."+p.Key]; ok && s.lang != "en" {
		return m[s.lang]
	}
	return report.Printable(p.Title)
}

// phrase is a sentence that other packages write in English, with what stands where it varies.
type phrase struct {
	key     string
	pattern *regexp.Regexp
	literal int // letters that do not vary
}

// phrases are the messages whose keys begin with "told.", those that say most first: of two that fit, the closer one is meant.
var phrases = sync.OnceValue(func() (list []phrase) {
	for key, m := range messages() {
		if !strings.HasPrefix(key, "told.") {
			continue
		}
		parts := strings.Split(m["en"], "%s")
		literal := 0
		for i := range parts {
			literal += len(parts[i])
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		varies := "([^;]+?)"
		if strings.HasPrefix(key, "told.number.") {
			varies = "([0-9][0-9,.]*)" // there are too few words to tell a sentence by
		}
		list = append(list, phrase{key, regexp.MustCompile("^" + strings.Join(parts, varies) + "$"), literal})
	}
	slices.SortFunc(list, func(a, b phrase) int { return cmp.Or(cmp.Compare(b.literal, a.literal), cmp.Compare(a.key, b.key)) })
	return list
})

// translate says in the page's language what another package said in English; ok is false if part of it stays English. What varies in a sentence
// is a name or a number, and stays, unless it is a sentence itself.
func (s speaker) translate(english string) (text string, ok bool) {
	if s.lang == "en" || english == "" {
		return english, true
	}
	for _, p := range phrases() {
		found := p.pattern.FindStringSubmatch(english)
		if found == nil {
			continue
		}
		var args []any
		for _, a := range found[1:] {
			said, _ := s.translate(a)
			args = append(args, said)
		}
		return s.say(p.key, args...), true
	}
	for i := range measure.Populations {
		if measure.Populations[i].Title == english {
			return s.population(&measure.Populations[i]), true
		}
	}
	if parts := strings.Split(english, "; "); len(parts) > 1 {
		ok = true
		for i := range parts {
			said, known := s.translate(parts[i])
			parts[i], ok = said, ok && known
		}
		return strings.Join(parts, "；"), ok
	}
	return english, !strings.ContainsFunc(english, unicode.IsLetter)
}

// told is [speaker.translate] for where nothing can be done about what stays English.
func (s speaker) told(english string) string {
	text, _ := s.translate(english)
	return text
}

// sentence begins large and ends with a point.
func (s speaker) sentence(text string) string {
	switch {
	case text == "":
		return ""
	case s.lang == "zh":
		return strings.TrimSuffix(text, "。") + "。"
	}
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
}

func (s speaker) percentSign() string {
	if s.lang == "zh" {
		return "%"
	}
	return "\u00a0%"
}

func (s speaker) percent(x float64) string {
	return strconv.FormatFloat(100*x, 'f', 1, 64) + s.percentSign()
}

// share gives bounds in words that go behind "between" or "of"; "-" for nil.
func (s speaker) share(x *report.Share) string {
	if x == nil {
		return "–"
	}
	low, high := strconv.FormatFloat(100*x.Low, 'f', 1, 64), strconv.FormatFloat(100*x.High, 'f', 1, 64)
	if low == high {
		return low + s.percentSign()
	}
	return low + dash + high + s.percentSign()
}

// between words bounds in a sentence.
func (s speaker) between(x *report.Share) string {
	if x == nil || s.lang != "en" {
		return s.share(x)
	}
	return fmt.Sprintf("%.1f and %.1f\u00a0%%", 100*x.Low, 100*x.High)
}

// dash stands between bounds; no line ends there.
const dash = "\u2060–\u2060"

// whole groups digits by three.
func whole(n uint64) string {
	t := strconv.FormatUint(n, 10)
	for i := len(t) - 3; i > 0; i -= 3 {
		t = t[:i] + "," + t[i:]
	}
	return t
}

func signed(n int64) string {
	if n < 0 {
		return "−" + whole(uint64(-n))
	}
	return whole(uint64(n))
}

// big gives a number in three digits or so, as people say it.
func (s speaker) big(n int64) string {
	sign, x := "", float64(n)
	if n < 0 {
		sign, x = "−", -x
	}
	units := []struct {
		from float64
		name string
	}{{1e9, "\u00a0G"}, {1e6, "\u00a0M"}, {1e4, "\u00a0k"}}
	scale := map[string]float64{"\u00a0G": 1e9, "\u00a0M": 1e6, "\u00a0k": 1e3}
	if s.lang == "zh" {
		units[0].from, units[0].name = 1e8, " 亿"
		units[1].from, units[1].name = 1e4, " 万"
		units = units[:2]
		scale = map[string]float64{" 亿": 1e8, " 万": 1e4}
	}
	for _, u := range units {
		if x >= u.from {
			v := x / scale[u.name]
			digits := 1
			if v >= 100 {
				digits = 0
			} else if v < 10 {
				digits = 2
			}
			return sign + strconv.FormatFloat(v, 'f', digits, 64) + u.name
		}
	}
	return sign + whole(uint64(x))
}

// axis is big without what is always 0 on an axis.
func (s speaker) axis(x float64) string {
	text := s.big(int64(x))
	number, unit := text, ""
	if i := strings.IndexAny(text, "\u00a0 "); i >= 0 {
		number, unit = text[:i], text[i:]
	}
	if strings.Contains(number, ".") {
		number = strings.TrimRight(strings.TrimRight(number, "0"), ".")
	}
	return number + unit
}

// whole100 gives a share in whole percents.
func (s speaker) whole100(x float64) string {
	return strconv.Itoa(int(math.Round(100*x))) + s.percentSign()
}

func span(low, high string) string {
	if low == high {
		return low
	}
	return low + dash + high
}

// index gives bounds of an index as whole numbers.
func index(low, high *float64) string {
	if low == nil || high == nil {
		return "–"
	}
	return span(whole(uint64(math.Round(*low))), whole(uint64(math.Round(*high))))
}

// name makes a name from outside fit to stand on the page: visible, and not too long.
func name(s string, most int) string {
	r := []rune(report.Printable(s))
	if len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return string(r)
}
