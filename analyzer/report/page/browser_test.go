package page

import (
	"context"
	"encoding/base64"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	traffic "github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// browser opens a page in a browser without a screen, and gives what went wrong in it: requests, errors, words on the console.
func browser(t *testing.T, content string) (ctx context.Context, wrong func() []string) {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "headless-shell"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no browser: neither chromium nor google-chrome is on the path")
	}
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1200, 900))
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	t.Cleanup(cancel)
	ctx, stop := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(ctx)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits until the browser has left its folder
		end()
	})
	var mu sync.Mutex
	var list []string
	add := func(s string) {
		mu.Lock()
		defer mu.Unlock()
		list = append(list, s)
	}
	chromedp.ListenTarget(ctx, func(event any) {
		switch e := event.(type) {
		case *traffic.EventRequestWillBeSent:
			if u := e.Request.URL; !strings.HasPrefix(u, "file://") && !strings.HasPrefix(u, "blob:") {
				add("request of " + u)
			}
		case *runtime.EventConsoleAPICalled:
			add("console: " + e.Type.String())
		case *runtime.EventExceptionThrown:
			add("exception: " + e.ExceptionDetails.Error())
		case *log.EventEntryAdded:
			add("log: " + e.Entry.Text)
		case *page.EventJavascriptDialogOpening:
			add("dialog: " + e.Message)
		}
	})
	if err := chromedp.Run(ctx, traffic.Enable(), log.Enable(), chromedp.Navigate("file://"+file), chromedp.WaitReady("footer.end")); err != nil {
		t.Fatalf("opening the page: %v", err)
	}
	return ctx, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return list
	}
}

func do(t *testing.T, ctx context.Context, actions ...chromedp.Action) { //nolint:revive // t first, as in helpers
	t.Helper()
	if err := chromedp.Run(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

func ask[T any](t *testing.T, ctx context.Context, script string) (answer T) { //nolint:revive // t first, as in helpers
	t.Helper()
	do(t, ctx, chromedp.Evaluate(script, &answer, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	return answer
}

func TestInBrowser(t *testing.T) {
	t.Parallel()
	ctx, wrong := browser(t, write(t, sample(t), Options{}))
	shown := func(selector string) bool {
		return ask[bool](t, ctx, `[...document.querySelectorAll(`+"`"+selector+"`"+`)].some(e => e.offsetParent !== null)`)
	}
	if !shown("figure.apart") || shown("figure.merged") {
		t.Error("at first contractors are not apart alone")
	}
	do(t, ctx, chromedp.Click(`input[value="merged"]`, chromedp.ByQuery))
	if shown("figure.apart") || !shown("figure.merged") {
		t.Error("the switch does not merge contractors")
	}

	// Sorting: the largest first, then the smallest first.
	do(t, ctx, chromedp.Evaluate(`document.querySelectorAll("details").forEach(d => { d.open = true; })`, nil))
	order := `[...document.querySelectorAll("#strata-data tbody tr")].map(r => Number(r.cells[1].dataset.v))`
	click := `document.querySelector("#strata-data thead").rows[0].cells[1].querySelector("button").click()`
	do(t, ctx, chromedp.Evaluate(click, nil))
	down := ask[[]float64](t, ctx, order)
	do(t, ctx, chromedp.Evaluate(click, nil))
	up := ask[[]float64](t, ctx, order)
	if len(down) < 2 || down[0] <= down[len(down)-1] || up[0] != down[len(down)-1] {
		t.Errorf("sorted: %v and %v", down, up)
	}
	if sort := ask[string](t, ctx, `document.querySelector("#strata-data thead").rows[0].cells[1].getAttribute("aria-sort")`); sort != "ascending" {
		t.Errorf("readers are told %q", sort)
	}

	// Search and zoom in the network.
	node := ask[string](t, ctx, `document.querySelector(".net svg title").textContent.split(":")[0]`)
	do(t, ctx, chromedp.SendKeys(`.net-tools input`, node, chromedp.ByQuery))
	if n := ask[int](t, ctx, `document.querySelectorAll(".net .found").length`); n == 0 || !ask[bool](t, ctx, `document.querySelector(".net .dim") !== null`) {
		t.Errorf("searching for %q finds %d", node, n)
	}
	do(t, ctx, chromedp.Evaluate(`document.querySelector(".net-tools input").value = ""; document.querySelector(".net-tools select").selectedIndex = 1; document.querySelector(".net-tools select").dispatchEvent(new Event("change"))`, nil))
	if !ask[bool](t, ctx, `document.querySelector(".net path.dim") !== null`) {
		t.Error("choosing an organization leaves all lines")
	}
	width := `Number(document.querySelector(".net svg").getAttribute("viewBox").split(" ")[2])`
	before := ask[float64](t, ctx, width)
	do(t, ctx, chromedp.Focus(".net", chromedp.ByQuery), chromedp.KeyEvent("+"))
	if near := ask[float64](t, ctx, width); near >= before {
		t.Errorf("the key + leaves the width %v at %v", before, near)
	}
	do(t, ctx, chromedp.Click(".net-tools .reset", chromedp.ByQuery))
	if again := ask[float64](t, ctx, width); again != before {
		t.Errorf("the whole picture is %v wide, not %v", again, before)
	}

	// A figure's definition shows by keyboard.
	do(t, ctx, chromedp.Focus(".card", chromedp.ByQuery), chromedp.WaitVisible(".card .tip", chromedp.ByQuery))
	// Saving makes a file of the table here, and asks nobody.
	saved := ask[string](t, ctx, `(async () => { let text = ""; const make = URL.createObjectURL; URL.createObjectURL = (b) => { b.text().then((s) => { text = s; }); return make(b); };
		const go = HTMLAnchorElement.prototype.click; HTMLAnchorElement.prototype.click = () => {}; document.querySelector("#strata details .csv").click();
		HTMLAnchorElement.prototype.click = go; for (let i = 0; i < 100 && !text; i++) await new Promise((r) => setTimeout(r, 20)); return text; })()`)
	if !strings.HasPrefix(strings.TrimPrefix(saved, "\ufeff"), ask[string](t, ctx, `document.querySelector("#strata-data th").textContent`)+",") || strings.Count(saved, "\r\n") != len(up)+1 {
		t.Errorf("saved: %q", saved)
	}
	if list := wrong(); len(list) > 0 {
		t.Errorf("the page is not quiet: %q", list)
	}

	// On paper: pages of A4 (595 by 842 points), more than one.
	var pdf []byte
	do(t, ctx, chromedp.ActionFunc(func(ctx context.Context) (err error) {
		pdf, _, err = page.PrintToPDF().WithPreferCSSPageSize(true).WithPrintBackground(true).Do(ctx)
		return err
	}))
	if boxes := strings.Count(string(pdf), "/MediaBox [0 0 594.95996 841.91998]") + strings.Count(string(pdf), "/MediaBox [0 0 595 842]") + strings.Count(string(pdf), "/MediaBox [0 0 595.91998 842.88]"); boxes < 2 {
		t.Errorf("%d pages of A4 in %d bytes, which begin with %s", boxes, len(pdf), base64.StdEncoding.EncodeToString(pdf[:min(len(pdf), 24)]))
	}
}

// How soon a page is painted: ORRERY_PAGE=report.html go test ./analyzer/report/page -run FirstPaint -v. It is measured and not judged, since the machine
// decides.
func TestFirstPaint(t *testing.T) {
	file := os.Getenv("ORRERY_PAGE")
	if file == "" {
		t.Skip("ORRERY_PAGE names no page")
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	ctx, _ := browser(t, string(content))
	var paints []float64
	for range 15 {
		do(t, ctx, chromedp.Reload(), chromedp.WaitReady("footer.end"), chromedp.Poll(`performance.getEntriesByName("first-contentful-paint").length > 0`, nil))
		paints = append(paints, ask[float64](t, ctx, `performance.getEntriesByName("first-contentful-paint")[0].startTime`))
	}
	slices.Sort(paints)
	t.Logf("%d bytes; first contentful paint of %d: median %.0f ms, from %.0f to %.0f", len(content), len(paints), paints[len(paints)/2], paints[0], paints[len(paints)-1])
}

// The network is moved by mouse, wheel, keyboard and fingers, and cannot be lost.
func TestMovingTheNetwork(t *testing.T) {
	t.Parallel()
	ctx, wrong := browser(t, write(t, sample(t), Options{}))
	const home, square = `document.querySelector(".net").scrollIntoView({block: "center"})`, `(r => [r.left, r.top, r.width, r.height])(document.querySelector(".net svg").getBoundingClientRect())`
	do(t, ctx, emulation.SetTouchEmulationEnabled(true), chromedp.Evaluate(home, nil))
	place := func(x, y float64) (float64, float64) {
		box := ask[[]float64](t, ctx, square)
		return box[0] + x*box[2], box[1] + y*box[3]
	}
	view := func() []float64 {
		return ask[[]float64](t, ctx, `document.querySelector(".net svg").getAttribute("viewBox").split(" ").map(Number)`)
	}
	whole := view()
	expect := func(what string, x, y, w float64) { // in parts of the whole
		t.Helper()
		got := view()
		for i, want := range []float64{whole[0] + x*whole[2], whole[1] + y*whole[3], w * whole[2], w * whole[3]} {
			if math.Abs(got[i]-want) > 0.02*whole[2] {
				t.Errorf("%s: %.1f is seen of %.1f, not from %v, %v on, %v wide", what, got, whole, x, y, w)
				return
			}
		}
	}
	mouse := func(kind input.MouseType, x, y float64, buttons int64) chromedp.Action {
		px, py := place(x, y)
		return input.DispatchMouseEvent(kind, px, py).WithButton(input.Left).WithButtons(buttons).WithClickCount(1)
	}
	wheel := func(held input.Modifier) chromedp.Action {
		px, py := place(0.25, 0.25)
		return input.DispatchMouseEvent(input.MouseWheel, px, py).WithDeltaX(0).WithDeltaY(-120).WithModifiers(held)
	}
	// Without a key the wheel scrolls the page, with one it zooms where the mouse is.
	before := ask[float64](t, ctx, `scrollY`)
	do(t, ctx, wheel(0), chromedp.Poll(`scrollY < `+strconv.FormatFloat(before, 'f', -1, 64), nil, chromedp.WithPollingTimeout(10*time.Second)))
	expect("the wheel alone", 0, 0, 1)
	do(t, ctx, chromedp.Evaluate(home, nil))
	do(t, ctx, wheel(input.ModifierCtrl))
	expect("the wheel with Ctrl", 0.05, 0.05, 0.8)
	// Dragging moves what is under the mouse; a mouse that is not held moves nothing.
	do(t, ctx, mouse(input.MousePressed, 0.5, 0.5, 1), mouse(input.MouseMoved, 0.45, 0.5, 1), mouse(input.MouseMoved, 0.4, 0.4, 1), mouse(input.MouseReleased, 0.4, 0.4, 0))
	expect("dragging", 0.13, 0.13, 0.8)
	do(t, ctx, mouse(input.MouseMoved, 0.8, 0.8, 0))
	expect("a mouse that is not held", 0.13, 0.13, 0.8)
	// By keyboard.
	do(t, ctx, chromedp.Click(".net-tools .reset", chromedp.ByQuery), chromedp.Focus(".net", chromedp.ByQuery), chromedp.KeyEvent("+"), chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.ArrowDown))
	expect("+ and arrows", 0.22, 0.22, 0.7)
	do(t, ctx, chromedp.KeyEvent("-"))
	expect("-", 0, 0, 1)
	// Two fingers zoom, one moves.
	touch := func(kind input.TouchType, at ...[2]float64) chromedp.Action {
		points := make([]*input.TouchPoint, 0, len(at))
		for i, p := range at {
			x, y := place(p[0], p[1])
			points = append(points, &input.TouchPoint{X: x, Y: y, ID: float64(i + 1)})
		}
		return input.DispatchTouchEvent(kind, points)
	}
	do(t, ctx, chromedp.Evaluate(home, nil))
	do(t, ctx, touch(input.TouchStart, [2]float64{0.45, 0.5}, [2]float64{0.55, 0.5}), touch(input.TouchMove, [2]float64{0.4, 0.5}, [2]float64{0.6, 0.5}), touch(input.TouchEnd))
	expect("two fingers", 0.25, 0.25, 0.5)
	do(t, ctx, touch(input.TouchStart, [2]float64{0.5, 0.5}), touch(input.TouchMove, [2]float64{0.45, 0.5}), touch(input.TouchMove, [2]float64{0.4, 0.3}), touch(input.TouchEnd))
	if got := view(); got[0] <= whole[0]+0.25*whole[2] || got[1] <= whole[1]+0.25*whole[3] {
		t.Errorf("one finger leaves %.1f of %.1f", got, whole)
	}
	// It stays in sight.
	do(t, ctx, chromedp.Focus(".net", chromedp.ByQuery), chromedp.KeyEvent(strings.Repeat(kb.ArrowLeft, 30)))
	if got := view(); got[0]+got[2] < whole[0] {
		t.Errorf("nothing is seen at %v", got)
	}
	do(t, ctx, chromedp.KeyEvent("0"))
	expect("0", 0, 0, 1)
	if list := wrong(); len(list) > 0 {
		t.Errorf("the page is not quiet: %q", list)
	}
}

// Everything is there by keyboard alone: what the switch, figures and tables do. Whoever listens hears what everything is.
func TestByKeyboard(t *testing.T) {
	t.Parallel()
	ctx, wrong := browser(t, write(t, sample(t), Options{}))
	do(t, ctx, chromedp.KeyEvent(kb.Tab))
	if !ask[bool](t, ctx, `document.activeElement.classList.contains("skip")`) {
		t.Error("the first stop is not the way past the contents")
	}
	do(t, ctx, chromedp.Focus(`input[value="apart"]`, chromedp.ByQuery), chromedp.KeyEvent(kb.ArrowRight))
	if !ask[bool](t, ctx, `document.body.classList.contains("only-merged")`) {
		t.Error("an arrow does not switch the reading")
	}
	do(t, ctx, chromedp.Focus(`#growth-table summary`, chromedp.ByQuery), chromedp.KeyEvent(kb.Enter), chromedp.Focus(`#growth-data th button`, chromedp.ByQuery), chromedp.KeyEvent(" "))
	if sort := ask[string](t, ctx, `document.querySelector("#growth-data th").getAttribute("aria-sort")`); sort != "ascending" {
		t.Errorf("a table is sorted %q", sort)
	}
	do(t, ctx, chromedp.Focus(`#growth .how`, chromedp.ByQuery), chromedp.WaitVisible(`#growth .how .tip`, chromedp.ByQuery), chromedp.KeyEvent(kb.Escape))
	if !ask[bool](t, ctx, `document.activeElement === document.body`) {
		t.Error("Escape does not leave what explains a figure")
	}
	for what, script := range map[string]string{
		"nobody hears what these are":     `[...document.querySelectorAll("button,select,input,summary,a,[tabindex]")].filter(e => !(e.textContent.trim() || e.getAttribute("aria-label") || e.labels?.length))`,
		"these name what is not there":    `[...document.querySelectorAll("[aria-labelledby],[aria-describedby]")].filter(e => !document.getElementById(e.getAttribute("aria-labelledby") || e.getAttribute("aria-describedby")))`,
		"these stand twice":               `((all) => all.filter((e, i) => all.findIndex(f => f.id === e.id) !== i))([...document.querySelectorAll("[id]")])`,
		"these pictures have no name":     `[...document.querySelectorAll("svg")].filter(s => s.getAttribute("aria-hidden") !== "true" && (s.getAttribute("role") !== "img" || !s.getAttribute("aria-label") && !s.getAttribute("aria-labelledby")))`,
		"these tables have no heading":    `[...document.querySelectorAll("table")].filter(t => !t.caption || [...t.rows].some(r => r.cells[0].tagName !== "TH" || !r.cells[0].scope))`,
		"these pictures have no table":    `[...document.querySelectorAll("figure")].filter(f => !f.closest("section").querySelector("table"))`,
		"these headings miss their place": `[...document.querySelectorAll("h1,h2,h3,h4")].filter((h, i) => h.tagName !== (i ? "H2" : "H1"))`,
	} {
		if list := ask[[]string](t, ctx, script+`.map(e => e.outerHTML.slice(0, 90))`); len(list) > 0 {
			t.Errorf("%s: %q", what, list)
		}
	}
	if list := wrong(); len(list) > 0 {
		t.Errorf("the page is not quiet: %q", list)
	}
}

// On a telephone nothing is wider than the page but tables, which scroll by themselves, and no word leaves its picture.
func TestNarrow(t *testing.T) {
	t.Parallel()
	for _, language := range Languages {
		ctx, _ := browser(t, write(t, sample(t), Options{Language: language}))
		do(t, ctx, emulation.SetDeviceMetricsOverride(390, 844, 2, true))
		if wide := ask[float64](t, ctx, `document.documentElement.scrollWidth`); wide > 390 {
			t.Errorf("%s: the page is %v wide", language, wide)
		}
		if n := ask[int](t, ctx, `[...document.querySelectorAll(".chart.small")].filter(e => e.getBoundingClientRect().width > 0).length`); n < 8 {
			t.Errorf("%s: %d pictures are drawn for a telephone", language, n)
		}
		if list := ask[[]string](t, ctx, `[...document.querySelectorAll(".chart.small")].filter(e => e.getBoundingClientRect().width > 0).flatMap(svg => { const s = svg.getBoundingClientRect();
			return [...svg.querySelectorAll("text")].filter(x => { const r = x.getBoundingClientRect(); return r.left < s.left - 2 || r.right > s.right + 2; }).map(x => svg.querySelector("title").textContent + ": " + x.textContent); })`); len(list) > 0 {
			t.Errorf("%s: these words leave their pictures: %q", language, list)
		}
	}
}

func TestHostileNamesInBrowser(t *testing.T) {
	t.Parallel()
	m, o := poisoned(t)
	ctx, wrong := browser(t, write(t, m, o))
	if n := ask[int](t, ctx, `document.querySelectorAll("img").length + document.scripts.length - 1`); n != 0 {
		t.Errorf("%d elements came with names", n)
	}
	do(t, ctx, chromedp.Click(`input[value="merged"]`, chromedp.ByQuery), chromedp.SendKeys(`.net-tools input`, "</script>", chromedp.ByQuery))
	if title := ask[string](t, ctx, `document.title`); title == "1" {
		t.Error("a name ran")
	}
	if list := wrong(); len(list) > 0 {
		t.Errorf("the page is not quiet: %q", list)
	}
}
