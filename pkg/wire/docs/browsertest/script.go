package browsertest

// reportViolations runs in every document before its own scripts. Without it, a violation of the
// policy would show up as an entry of the browser's log at most.
const reportViolations = `document.addEventListener("securitypolicyviolation", e =>
  console.error("policy violated:", e.effectiveDirective, "by", e.blockedURI, "at", e.sourceFile + ":" + e.lineNumber));`

// Each of the following is a function that waits in the page, frame by frame, until it has an
// answer.
const (
	// visible waits for the first element that matches to be visible with a text in it, and returns
	// its whole text as it is rendered.
	visible = `async (selector, part = "") => {
  for (;; await new Promise(requestAnimationFrame)) {
    const element = document.querySelector(selector);
    if (!element?.checkVisibility({ visibilityProperty: true })) continue;
    if (element.innerText.includes(part)) return element.innerText;
  }
}`

	// gone waits until nothing visible matches.
	gone = `async selector => {
  while ([...document.querySelectorAll(selector)].some(e => e.checkVisibility({ visibilityProperty: true }))) {
    await new Promise(requestAnimationFrame);
  }
}`

	// target waits for the first element that matches to be enabled, at rest for a frame, and what
	// a click in its middle hits. It returns that point. It scrolls there first.
	target = `async selector => {
  for (let last = null, point; ; last = point, await new Promise(requestAnimationFrame)) {
    point = null;
    const element = document.querySelector(selector);
    if (!element || element.disabled) continue;
    if (!last) element.scrollIntoView({ block: "center", behavior: "instant" });
    const box = element.getBoundingClientRect();
    point = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    const hit = element.contains(document.elementFromPoint(point.x, point.y));
    if (hit && last?.x === point.x && last.y === point.y) return point;
  }
}`

	// selectAll marks the text of the focused field, so that typing replaces it. It is an error
	// without such a field.
	selectAll = `selector => {
  if (document.activeElement !== document.querySelector(selector)) throw Error(selector + " does not take the focus");
  document.activeElement.select();
}`

	// holds waits until the page has settled on a value for a field.
	holds = `async (selector, value) => {
  while (document.querySelector(selector)?.value !== value) await new Promise(requestAnimationFrame);
}`

	// choose picks an option by its text, as a user does from the list, which belongs to the system
	// and not to the page.
	choose = `async (selector, text) => {
  for (;; await new Promise(requestAnimationFrame)) {
    const select = document.querySelector(selector);
    const option = [...select?.options ?? []].find(o => o.text === text);
    if (!option) continue;
    option.selected = true;
    select.dispatchEvent(new Event("input", { bubbles: true }));
    select.dispatchEvent(new Event("change", { bubbles: true }));
    return;
  }
}`
)
