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

SwaggerUIBundle({
  dom_id: "#swagger-ui",
  url: select.selectedOptions[0].dataset.url,
  layout: "BaseLayout", // StandaloneLayout has inline styles, which the policy refuses
  deepLinking: true,
  validatorUrl: null, // otherwise Swagger UI sends the document's address to a public service
  persistAuthorization: false,
});
