package page

import (
	"context"
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	traffic "github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
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
