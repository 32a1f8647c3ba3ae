console.log("fine");
console.info("fine");
console.error(new Error("an error"), "with", 1);
console.warn("a warning");
console.assert(false, "an assertion");
setTimeout(() => { throw new Error("uncaught"); });
Promise.reject(new Error("unhandled"));
try { eval("1"); } catch { /* recorded by the policy */ }
const leaving = new AbortController();
const given = fetch("form.html?fine", { signal: leaving.signal }).catch(() => {});
leaving.abort();
Promise.allSettled([given, fetch("missing"), fetch("http://127.0.0.1:1/")]).then(() => {
  document.body.append(Object.assign(document.createElement("p"), { id: "done", textContent: "done" }));
});
