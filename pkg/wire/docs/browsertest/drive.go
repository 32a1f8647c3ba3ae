package browsertest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	keyboard "github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Navigate opens a URL and waits until it is loaded. An answer of 400 and above is a problem, not a
// failure. A browser that crashes meanwhile is started again, once.
func (b *Browser) Navigate(url string) {
	b.t.Helper()
	err := b.try(chromedp.Navigate(url))
	if err != nil && b.restart(err) {
		err = b.try(chromedp.Navigate(url))
	}
	if err != nil {
		b.fail("opening "+url, err)
	}
}

// Back starts to go back to the previous page in the tab's history, and doesn't wait for it: a page
// that the browser restores from memory doesn't load.
func (b *Browser) Back() {
	b.t.Helper()
	call[any](b, "going back from", `() => history.back()`, "the page")
}

// WaitFor waits until an element that matches a CSS selector is visible. Here and below the first
// match counts.
func (b *Browser) WaitFor(selector string) {
	b.t.Helper()
	b.Text(selector)
}

// WaitForText waits until an element is visible and has the text in it.
func (b *Browser) WaitForText(selector, text string) {
	b.t.Helper()
	call[any](b, fmt.Sprintf("waiting for %q in", text), visible, selector, text)
}

// WaitGone waits until no element that matches is visible.
func (b *Browser) WaitGone(selector string) {
	b.t.Helper()
	call[any](b, "waiting for the end of", gone, selector)
}

// Text waits until an element is visible, and returns its text as it is rendered.
func (b *Browser) Text(selector string) string {
	b.t.Helper()
	return call[string](b, "waiting for", visible, selector)
}

// Click waits until an element is enabled, at rest and not covered, and clicks its middle with the
// mouse.
func (b *Browser) Click(selector string) {
	b.t.Helper()
	point := call[struct{ X, Y float64 }](b, "waiting to click", target, selector)
	b.do("clicking "+selector, chromedp.MouseClickXY(point.X, point.Y))
}

// SetValue replaces the text of a field and waits until the field holds the value. The value is
// typed key by key, as fields that a framework controls need, or pasted if it is long. A tab
// character that is typed leaves the field.
func (b *Browser) SetValue(selector, value string) {
	b.t.Helper()
	b.Click(selector)
	call[any](b, "selecting the text of", selectAll, selector)
	b.do("typing into "+selector, input(value))
	call[any](b, fmt.Sprintf("waiting for %q in", value), holds, selector, value)
}

// input enters a value into the focused field, in place of the selection.
func input(value string) chromedp.Action[chromedp.Void] {
	switch {
	case value == "":
		return chromedp.KeyEvent("\b")
	case len(value) < pasted:
		return chromedp.KeyEvent(value)
	}
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, keyboard.InsertText, keyboard.InsertTextParams{Text: value})
		return err
	})
}

// Choose waits for a select to have the option with this text, and picks it.
func (b *Browser) Choose(selector, text string) {
	b.t.Helper()
	call[any](b, fmt.Sprintf("choosing %q in", text), choose, selector, text)
}

// Screenshot writes a picture of what is visible to a PNG file.
func (b *Browser) Screenshot(path string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(path, picture, 0o644)
	}
	if err != nil {
		b.t.Fatalf("browsertest: taking a picture: %v", err)
	}
}

// do runs steps of the browser and fails the test when they fail or take too long.
func (b *Browser) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := b.try(steps...); err != nil {
		b.fail(what, err)
	}
}

func (b *Browser) try(steps ...chromedp.Action[chromedp.Void]) error {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	return chromedp.Do(ctx, steps...)
}

// call runs a function in the page and returns what it returns. It starts over when the page is
// replaced by another while it runs.
func call[T any](b *Browser, what, function string, args ...any) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	script := chromedp.Evaluate[*T](expression(function, args), chromedp.EvalAwaitPromise, obeyPolicy)
	result, err := chromedp.Run(ctx, script)
	for err != nil && ctx.Err() == nil && replaced(err) {
		result, err = chromedp.Run(ctx, script)
	}
	if err != nil {
		b.fail(fmt.Sprint(what, " ", args), err)
	}
	if result == nil {
		result = new(T)
	}
	return *result
}

// expression returns the call of a function with arguments, in JavaScript.
func expression(function string, args []any) string {
	list, err := json.Marshal(append([]any{}, args...)) // nil would be null
	if err != nil {
		panic(err) // they are strings
	}
	return "(" + function + ")(..." + string(list) + ")"
}

// obeyPolicy keeps the policy of the page in force for what this package's functions do in it.
func obeyPolicy(p *runtime.EvaluateParams) {
	p.AllowUnsafeEvalBlockedByCSP = new(bool)
}

// replaced reports whether a function ended because the page it ran in is gone. The protocol
// reports that only as text.
func replaced(err error) bool {
	for _, text := range []string{
		"context was destroyed", "Cannot find context", "target navigated", "Promise was collected",
	} {
		if strings.Contains(err.Error(), text) {
			return true
		}
	}
	return false
}

// fail ends the test with the problems of the page so far.
func (b *Browser) fail(what string, err error) {
	b.t.Helper()
	b.t.Fatalf("browsertest: %s: %v\nproblems: %q", what, err, b.soFar())
}
