package browsertest_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/wire/docs/browsertest"
)

// serve starts a server for the pages of the tests, under the policy that the explorer has.
func serve(t *testing.T) string {
	t.Helper()
	files := http.FileServer(http.Dir("testdata"))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().
			Set(
				"Content-Security-Policy",
				"default-src 'none'; script-src 'self'; style-src 'self'; connect-src *; img-src *",
			)
		files.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestBrowser_RecordsProblems(t *testing.T) {
	b := browsertest.Open(t)
	b.Navigate(serve(t) + "/broken.html")
	b.WaitFor("#done")
	problems := strings.Join(b.Problems(), "\n")
	for what, want := range map[string]string{
		"console.error":          "console error: Error: an error",
		"console.warn":           "console warning: a warning",
		"console.assert":         "console assert: an assertion",
		"an uncaught exception":  "exception: Error: uncaught",
		"an unhandled rejection": "exception: Error: unhandled",
		"an inline script":       "policy violated: script-src-elem by inline",
		"an inline style":        "policy violated: style-src-attr by inline",
		"eval":                   "policy violated: script-src by eval",
		"a missing file":         "404 (Not Found)",
		"a forbidden port":       "request failed: GET http://127.0.0.1:1/: net::ERR_UNSAFE_PORT",
		"a host elsewhere":       "request failed: GET http://elsewhere.example/picture.png: net::ERR_NAME_NOT_RESOLVED",
	} {
		if !strings.Contains(problems, want) {
			t.Errorf("%s: no %q", what, want)
		}
	}
	if strings.Contains(problems, "fine") || t.Failed() {
		t.Errorf("problems:\n%s", problems)
	}
}

func TestBrowser_DrivesAPage(t *testing.T) {
	b := browsertest.Open(t)
	b.Navigate(serve(t) + "/form.html")
	const text = "line \"one\"\nand é\nlonger than before"
	b.SetValue("#controlled", strings.Repeat("{\n\t\"long\": \"é\"\n}", 20))
	b.SetValue("#controlled", "")
	b.SetValue("#controlled", text)
	b.Choose("#choice", "Second")
	b.Click("#send")
	b.WaitForText("#sent", "one")
	if got, want := b.Text("#sent"), "second "+text; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	b.Screenshot(filepath.Join(t.TempDir(), "sent.png"))
	b.WaitGone("#cover")
	b.Click("#leave")
	b.WaitFor("#arrived")
	b.Back()
	b.WaitFor("#send")
	if problems := b.Problems(); len(problems) > 0 {
		t.Errorf("problems: %q", problems)
	}
}

func TestBrowser_EndsWithItsTest(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	t.Run("a test", func(t *testing.T) { browsertest.Open(t).Navigate(serve(t) + "/form.html") })
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}

// verdict is a test that only remembers how it ended.
type verdict struct {
	testing.TB
	failed, skipped bool
}

func (v *verdict) Helper()      {}
func (v *verdict) Fatal(...any) { v.failed = true; runtime.Goexit() }
func (v *verdict) Skip(...any)  { v.skipped = true; runtime.Goexit() }

func TestOpen_WithoutABrowser(t *testing.T) {
	t.Setenv("CHAVEIRO_BROWSER", "1")
	t.Setenv("PATH", t.TempDir())
	for ci, want := range map[string]verdict{"": {skipped: true}, "true": {failed: true}} {
		t.Setenv("CI", ci)
		got := verdict{TB: t}
		done := make(chan struct{})
		go func() { defer close(done); browsertest.Open(&got) }()
		if <-done; got.failed != want.failed || got.skipped != want.skipped {
			t.Errorf("CI=%q: failed %t, skipped %t", ci, got.failed, got.skipped)
		}
	}
}

func TestNavigate_StartsACrashedBrowserAgain(t *testing.T) {
	url := serve(t) + "/form.html"
	b := browsertest.Open(t)
	b.Navigate(url)
	crashChildren(t)
	b.Navigate(url)
	b.WaitFor("#send")
}

// crashChildren ends the processes that this one has started, as a fault of their own would.
func crashChildren(t *testing.T) {
	t.Helper()
	lists, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil || len(lists) == 0 {
		t.Fatalf("no list of children: %v", err)
	}
	crashed := 0
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue // the thread has ended
		}
		for _, field := range strings.Fields(string(text)) {
			pid, err := strconv.Atoi(field)
			if err == nil && syscall.Kill(pid, syscall.SIGSEGV) == nil {
				crashed++
			}
		}
	}
	if crashed == 0 {
		t.Fatal("no browser to crash")
	}
}
