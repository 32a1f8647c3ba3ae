package browsertest

import (
	"context"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// inView waits until the top of an element is on the screen.
const inView = `async selector => {
	for (;;) {
		const top = document.querySelector(selector)?.getBoundingClientRect().top;
		if (top > -50 && top < innerHeight) return null;
		await new Promise(resolve => setTimeout(resolve, 20));
	}
}`

// Resize gives the page the size of a screen, in CSS pixels.
func (b *Browser) Resize(width, height int64) {
	b.t.Helper()
	b.do("resizing", chromedp.EmulateViewport(width, height))
}

// Count returns how many elements match a selector.
func (b *Browser) Count(selector string) int {
	b.t.Helper()
	return call[int](b, "counting", `selector => document.querySelectorAll(selector).length`, selector)
}

// Overflow returns by how many CSS pixels the page is wider than the screen.
func (b *Browser) Overflow() int {
	b.t.Helper()
	return call[int](b, "measuring", `selector => {
		const page = document.querySelector(selector);
		return page.scrollWidth - page.clientWidth;
	}`, "html")
}

// WaitInView waits until the top of an element is on the screen.
func (b *Browser) WaitInView(selector string) {
	b.t.Helper()
	call[any](b, "waiting to see", inView, selector)
}

// SetHash changes the fragment of the address.
func (b *Browser) SetHash(hash string) {
	b.t.Helper()
	call[any](b, "changing the fragment to", `hash => { location.hash = hash }`, hash)
}

// Keys that Press presses.
const (
	ArrowLeft  = kb.ArrowLeft
	ArrowRight = kb.ArrowRight
	Home       = kb.Home
	End        = kb.End
	Tab        = kb.Tab
)

// Press presses a key.
func (b *Browser) Press(key string) {
	b.t.Helper()
	b.do("pressing a key", chromedp.KeyEvent(key))
}

// Prefer makes the browser prefer a language, as pt-BR, for pages that are opened later.
func (b *Browser) Prefer(language string) {
	b.t.Helper()
	b.do("preferring "+language, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		params := emulation.SetUserAgentOverrideParams{UserAgent: "browsertest", AcceptLanguage: language}
		_, err := chromedp.Call(ctx, emulation.SetUserAgentOverride, params)
		return err
	}))
}

// Dark makes the system prefer dark colours.
func (b *Browser) Dark() {
	b.t.Helper()
	b.do("preferring dark colours", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		feature := &emulation.MediaFeature{Name: "prefers-color-scheme", Value: "dark"}
		params := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{feature}}
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, params)
		return err
	}))
}

// First runs a script in pages that are opened later, before their own.
func (b *Browser) First(script string) {
	b.t.Helper()
	b.do("preparing pages", inject(script))
}

// Run calls a function of JavaScript in the page and returns what it returns, or its promise gives.
func Run[T any](b *Browser, function string, args ...any) T {
	b.t.Helper()
	return call[T](b, "running", function, args...)
}
