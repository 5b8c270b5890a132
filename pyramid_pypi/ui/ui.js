"use strict";
// Everything works without this: it only saves a click on "Search" and the marking of what is copied.
(() => {
  const copy = (button, text) => {
    const said = button.querySelector("span");
    const tell = (word) => {
      said.textContent = word;
      setTimeout(() => { said.textContent = "Copy"; }, 1500);
    };
    navigator.clipboard.writeText(text).then(() => tell("Copied"), () => tell("Press Ctrl+C"));
  };

  // Browsers only let pages copy that came over TLS or from this machine.
  if (navigator.clipboard) {
    for (const place of document.querySelectorAll(".copy")) {
      const source = place.querySelector("pre, code");
      const button = document.createElement("button");
      button.type = "button";
      button.className = "quiet small";
      const said = document.createElement("span");
      said.setAttribute("aria-live", "polite");
      said.textContent = "Copy";
      const what = document.createElement("span");
      what.className = "unseen";
      what.textContent = ` ${place.dataset.what || "this"}`;
      button.append(said, what);
      button.addEventListener("click", () => {
        const chosen = document.createRange();
        chosen.selectNodeContents(source);
        getSelection().removeAllRanges();
        getSelection().addRange(chosen);
        copy(button, source.textContent);
      });
      place.append(button);
    }
  }

  const field = document.querySelector("[data-live]");
  if (!field) return;
  const results = document.getElementById("results");
  const status = document.getElementById("found");
  let waiting = 0;
  let asking = null;

  const look = async () => {
    if (asking) asking.abort();
    asking = new AbortController();
    const url = new URL(field.form.action);
    url.search = new URLSearchParams({ q: field.value }).toString();
    results.setAttribute("aria-busy", "true");
    try {
      const headers = { Accept: "text/html,application/xhtml+xml" };
      const answer = await fetch(url, { signal: asking.signal, headers, credentials: "same-origin" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const found = page.getElementById("results");
      if (!found || answer.redirected) { location.assign(url); return; }
      results.replaceChildren(...found.childNodes);
      status.textContent = page.getElementById("found").textContent;
      history.replaceState(null, "", url);
    } catch (error) {
      if (error.name === "AbortError") return;
      status.textContent = "The index does not answer; press Search to try again.";
    }
    results.removeAttribute("aria-busy");
  };

  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(look, 200);
  });
})();
