package browsertest

// faint lists texts, each with its contrast.
const faint = `() => {
	const numbers = (colour) => colour.match(/[\d.]+/g).map(Number);
	const over = ([r, g, b, a = 1], below) => [r, g, b].map((c, i) => c * a + below[i] * (1 - a));
	const behind = (e) => {
		const own = e ? numbers(getComputedStyle(e).backgroundColor) : [255, 255, 255];
		return e && own[3] !== undefined && own[3] < 1 ? over(own, behind(e.parentElement)) : own;
	};
	const light = (colour) => colour.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
		.reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
	const found = [];
	for (const e of document.querySelectorAll("body *")) {
		const text = [...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data.trim()).join("");
		if (!text || !e.checkVisibility({ visibilityProperty: true }) || e.matches(":disabled, option, noscript")) continue;
		const style = getComputedStyle(e), back = behind(e);
		const [low, high] = [light(over(numbers(style.color), back)), light(back)].sort((a, b) => a - b);
		const contrast = (high + 0.05) / (low + 0.05);
		const size = parseFloat(style.fontSize), large = size >= 24 || size >= 18.66 && style.fontWeight >= 700;
		if (contrast < (large ? 3 : 4.5)) found.push(contrast.toFixed(2) + " " + e.className + ": " + text.slice(0, 30));
	}
	return found;
}`

// Faint returns the texts of the page that can be seen and whose contrast with what is behind them
// is below 4.5, or below 3 for large ones: the least that WCAG 2.2 asks for (success criterion
// 1.4.3).
func (b *Browser) Faint() []string {
	b.t.Helper()
	return call[[]string](b, "measuring contrasts", faint)
}
