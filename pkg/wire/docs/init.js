"use strict";

// The documents are the options of the select. The address names one of them and never a URL, so that a link can't
// make this page show a foreign document. Choosing another loads the page anew, and with it forgets the credentials.
const select = document.getElementById("document");
select.value = new URLSearchParams(location.search).get("document") ?? "";
if (select.selectedIndex < 0) select.selectedIndex = 0;
const shown = select.value;
select.addEventListener("change", () => location.assign("?" + new URLSearchParams({ document: select.value })));
// Back in the history, the select may still have the choice that left the page.
addEventListener("pageshow", () => { select.value = shown; });

// The colours follow the system, also when it changes.
const dark = matchMedia("(prefers-color-scheme: dark)");
const colour = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", colour);
colour();

// The one file that is sent is of CSV: it is edited as text, with the example, instead of chosen from the disk.
const textPlugin = () => ({
  afterLoad() { this.fn.isFileUploadIntended = () => false; },
});

// Of 150 operations and more at once, Swagger UI draws only those in view, and places them by inline styles, which the
// policy refuses. So each tag is drawn by itself.
const tagsPlugin = ({ React }) => ({
  wrapComponents: {
    operations: (Original) => (props) => {
      const tagged = props.specSelectors.taggedOperations();
      if (tagged.size === 0) return React.createElement(Original, props);
      return tagged.keySeq().toArray().map((tag) => {
        const only = tagged.filter((_, name) => name === tag);
        const specSelectors = { ...props.specSelectors, taggedOperations: () => only };
        return React.createElement(Original, { ...props, key: tag, specSelectors });
      });
    },
  },
});

const ui = SwaggerUIBundle({
  dom_id: "#swagger-ui",
  url: select.selectedOptions[0].dataset.url,
  layout: "BaseLayout", // StandaloneLayout has inline styles, which the policy refuses
  deepLinking: true,
  filter: true,
  requestSnippetsEnabled: true,
  validatorUrl: null, // otherwise Swagger UI sends the document's address to a public service
  persistAuthorization: false,
  plugins: [samplesPlugin, oauth1Plugin, textPlugin, tagsPlugin],
  requestInterceptor: oauth1.intercept,
});

// Swagger UI reads the fragment of the address only when it begins, and scrolls only to what it draws then.
addEventListener("hashchange", () => {
  ui.layoutActions.parseDeepLinkHash(location.hash);
  ui.layoutActions.clearScrollTo();
  const [tag, operation] = location.hash.slice(2).split("/").map((part) => decodeURIComponent(part).replaceAll(" ", "_"));
  if (tag) reveal(operation ? `operations-${tag}-${operation}` : `operations-tag-${tag}`);
});

// Keeps a tag or an operation in view for three seconds, or until the reader does something: Swagger UI draws it late,
// and a scroll that has begun before, to another operation, goes on for a second.
const acts = ["wheel", "touchstart", "pointerdown", "keydown"];
let revealing = new AbortController();
function reveal(id) {
  revealing.abort();
  revealing = new AbortController();
  const { signal } = revealing;
  for (const act of acts) addEventListener(act, () => revealing.abort(), { signal, passive: true });
  const until = performance.now() + 3000;
  const step = () => {
    if (signal.aborted || performance.now() > until) return;
    document.getElementById(id)?.scrollIntoView();
    requestAnimationFrame(step);
  };
  step();
}

// Swagger UI leaves fields without a label. A parameter has its name, any other field what it shows while it is empty.
const nameOf = (field) => field.closest("tr")?.dataset.paramName || field.placeholder || field.className || field.type;
const label = () => {
  for (const field of document.querySelectorAll("#swagger-ui :is(input, select, textarea)")) {
    if (field.labels?.length || field.hasAttribute("aria-label") || field.hasAttribute("aria-labelledby")) continue;
    field.setAttribute("aria-label", nameOf(field));
  }
};
new MutationObserver(label).observe(document.getElementById("swagger-ui"), { childList: true, subtree: true });
