"use strict";

// The documents are the options of the select. The address names one of them and never a URL, so that a link can't
// make this page show a foreign document. Choosing another loads the page anew, and with it forgets the credentials.
const select = document.getElementById("document");
select.value = new URLSearchParams(location.search).get("document") ?? "";
if (select.selectedIndex < 0) select.selectedIndex = 0;
const shown = select.value;
select.addEventListener("change", () => location.assign("?" + new URLSearchParams({ document: select.value })));
addEventListener("pageshow", () => { select.value = shown; }); // back in the history, possibly with the choice that left

SwaggerUIBundle({
  dom_id: "#swagger-ui",
  url: select.selectedOptions[0].dataset.url,
  layout: "BaseLayout", // StandaloneLayout has inline styles, which the policy refuses
  deepLinking: true,
  validatorUrl: null, // else a public service would be sent the address of the document
  persistAuthorization: false,
});
