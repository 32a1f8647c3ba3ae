"use strict";

// A page as a framework makes them: it appears late, moves, is covered at first, and writes its fields itself.
const main = document.getElementById("main");
const after = (frames, what) => requestAnimationFrame(() => (frames ? after(frames - 1, what) : what()));

after(10, () => {
  main.innerHTML = `<textarea id="controlled">as it was</textarea>
    <select id="choice"><option value="first">First</option></select>
    <button id="send" disabled>Send</button> <a id="leave" href="arrived.html">Leave</a> <p id="sent"></p>`;
  const [field, choice, send, , sent] = main.children;
  let text = field.value;
  let chosen = "first";
  field.addEventListener("input", () => { text = field.value; field.value = ""; field.value = text; });
  choice.addEventListener("change", () => { chosen = choice.value; after(5, () => { send.disabled = false; }); });
  send.addEventListener("click", () => after(5, () => { sent.innerText = chosen + " " + text; }));
  after(5, () => choice.add(new Option("Second", "second")));
  for (let i = 1; i < 30; i++) after(i, () => { main.style.marginTop = i + "px"; });
  after(20, () => document.getElementById("cover").remove());
});
