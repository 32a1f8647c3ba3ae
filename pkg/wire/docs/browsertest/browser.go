// Package browsertest drives a headless Chromium in tests of pages that this server serves.
//
// It owns the browser process, what counts as a problem of a page, and the steps by which a test
// uses a page: they wait for what they need, in the page itself, and fail the test with the
// problems seen so far. It is imported by tests only and is the one importer of chromedp. The
// browser resolves no name but localhost and uses no proxy: whatever a page loads from elsewhere
// fails and is a problem.
package browsertest

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

const (
	// lifetime ends every browser, whatever its test does.
	lifetime = 90 * time.Second
	// patience is how long one step may take.
	patience = 30 * time.Second
	// pasted is the length in bytes from which on a value is pasted instead of typed, as people do.
	pasted = 100
	// farewell is how long a browser may take to close before it is killed.
	farewell = 5 * time.Second
)

// binaries are the names under which systems install Chromium, the best first.
var binaries = []string{"chromium", "chromium-browser", "google-chrome"}

// Browser is one Chromium with one tab and an empty profile. Its methods fail the test, and only
// the test's goroutine may call them.
type Browser struct {
	t       testing.TB
	ctx     context.Context // the tab, as chromedp identifies it
	crashed bool            // it has crashed once already
	problems
}

// Open starts a browser that lives until the test ends, at most 90 seconds. Without a Chromium in
// the PATH the test is skipped, or fails where CI is true. Without CHAVEIRO_BROWSER it is skipped:
// it is run by `make browser`, which of pkg/app runs what is called TestExplorer.
func Open(t testing.TB) *Browser {
	t.Helper()
	if os.Getenv("CHAVEIRO_BROWSER") == "" {
		t.Skip("needs a browser: make browser")
	}
	b := &Browser{t: t}
	b.start()
	return b
}

// start starts the process and its tab.
func (b *Browser) start() {
	b.t.Helper()
	deadline, cancel := context.WithTimeout(context.Background(), lifetime)
	b.t.Cleanup(cancel)
	allocator, wait := chromedp.NewExecAllocator(deadline, options(find(b.t))...)
	b.t.Cleanup(wait)
	ctx, _ := chromedp.NewContext(allocator, chromedp.WithListener(b.observe))
	b.ctx = ctx
	b.t.Cleanup(func() { b.close(ctx) })
	if err := chromedp.Do(ctx, inject(reportViolations), chromedp.Navigate("about:blank")); err != nil {
		b.t.Fatalf("browsertest: starting the browser: %v", err)
	}
}

// restart replaces a browser that has crashed: a signal of its own making ended its process, as
// happens to Chromium now and then when it starts. It does so once: a page that makes every browser
// crash fails its test.
func (b *Browser) restart(err error) bool {
	if b.crashed || !strings.Contains(err.Error(), "browser process exited: signal") {
		return false
	}
	b.crashed = true
	b.t.Logf("browsertest: starting the browser again: %v", err)
	b.start()
	return true
}

// find returns the path of the installed Chromium.
func find(t testing.TB) string {
	t.Helper()
	for _, name := range binaries {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const missing = "browsertest: no Chromium in the PATH: install Debian's or Alpine's package chromium, or Google Chrome"
	if os.Getenv("CI") == "true" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

// options fit a container without a display, a sandbox, a large /dev/shm and a network. The profile
// is a temporary folder that is removed with the browser.
func options(path string) []chromedp.ExecAllocatorOption {
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path),
		chromedp.Flag("headless", "new"),
		chromedp.Flag("window-size", "1280,1000"),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1, EXCLUDE [::1]"),
	}
	for _, name := range []string{
		"no-sandbox", "disable-gpu", "disable-quic", "disable-dev-shm-usage", "disable-extensions", "disable-breakpad",
		"no-first-run", "no-default-browser-check", "no-proxy-server", "mute-audio", "hide-scrollbars",
		"disable-background-networking", "disable-component-update", "disable-default-apps", "disable-sync",
		"disable-background-timer-throttling", "disable-backgrounding-occluded-windows",
		"disable-renderer-backgrounding",
	} {
		options = append(options, chromedp.Flag(name, true))
	}
	return options
}

// inject has every later document run a script before its own.
func inject(script string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		params := page.AddScriptToEvaluateOnNewDocumentParams{Source: script}
		_, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, params)
		return err
	})
}

// close asks the browser to end; when it takes too long, its process is killed.
func (b *Browser) close(tab context.Context) {
	ctx, cancel := context.WithTimeout(tab, farewell)
	defer cancel()
	if err := chromedp.Cancel(ctx); err != nil {
		b.t.Logf("browsertest: closing the browser: %v", err)
	}
}
