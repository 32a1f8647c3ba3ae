package browsertest

import "github.com/chromedp/chromedp"

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
