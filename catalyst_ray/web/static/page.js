// The page follows the news by itself: an event says that something changed, the page asks for its own address
// again and puts the changed pieces in place. Everything works without this file, but for that.
"use strict";
(() => {
  const root = document.documentElement;
  const THEMES = ["auto", "dark", "light"];
  const NEW_MS = 6000, PAUSE_MS = 1000, SILENCE_MS = 45000;
  const policy = window.trustedTypes
    ? trustedTypes.createPolicy("page", { createHTML: (text) => text })
    : { createHTML: (text) => text };
  const stored = (() => { try { return localStorage.getItem("theme"); } catch { return null; } })();
  const wear = (theme) => { if (theme === "auto") delete root.dataset.theme; else root.dataset.theme = theme; };
  let theme = THEMES.includes(stored) ? stored : "auto";
  wear(theme); // before anything is drawn: no flash of the other one

  const served = new WeakMap(); // element -> HTML as it came, before ages were written into it
  let skew = 0; // the server's clock less ours
  const now = () => Date.now() + skew;

  const $ = (id) => document.getElementById(id);
  const write = (element, words) => { if (element.textContent !== words) element.textContent = words; };

  function age(ms) {
    const s = Math.max(0, Math.round(ms / 1000));
    if (s < 90) return `${s} s ago`;
    if (s < 5400) return `${Math.round(s / 60)} min ago`;
    if (s < 129600) return `${Math.round(s / 3600)} h ago`;
    return `${Math.round(s / 86400)} days ago`;
  }

  function tick() {
    for (const element of document.querySelectorAll(".ago[data-at]")) {
      write(element, age(now() - Number(element.dataset.at) * 1000));
    }
    for (const element of document.querySelectorAll(".cycle[data-ended]")) {
      const late = now() - Number(element.dataset.ended) * 1000 > Number(element.dataset.limit) * 1000;
      element.classList.toggle("late", late);
    }
  }

  function remember(node) {
    for (const region of node.querySelectorAll("[data-live]")) {
      served.set(region, region.outerHTML);
      if ("keyed" in region.dataset) for (const child of region.children) served.set(child, child.outerHTML);
    }
  }

  // What of a region a reader has in hand is kept over its replacement: focus, open places, how far it was scrolled.
  function replace(old, fresh) {
    const html = fresh.outerHTML;
    const active = document.activeElement;
    const place = old.contains(active) ? [...old.querySelectorAll("a, button, input, [tabindex]")].indexOf(active) : -1;
    const scrolled = [...old.querySelectorAll(".scroll")].map((box) => box.scrollLeft);
    old.replaceWith(fresh);
    served.set(fresh, html);
    [...fresh.querySelectorAll(".scroll")].forEach((box, at) => { box.scrollLeft = scrolled[at] || 0; });
    if (place >= 0) fresh.querySelectorAll("a, button, input, [tabindex]")[place]?.focus({ preventScroll: true });
  }

  function merge(list, fresh) {
    const wanted = new Set([...fresh.children].map((child) => child.dataset.key));
    for (const child of [...list.children]) if (!wanted.has(child.dataset.key)) child.remove();
    const held = new Map([...list.children].map((child) => [child.dataset.key, child]));
    const come = [];
    let before = null; // walked from the end, each child is put in front of the one handled last
    for (const child of [...fresh.children].reverse()) {
      const old = held.get(child.dataset.key);
      const html = child.outerHTML;
      let place = old;
      if (!old) {
        place = child;
        list.insertBefore(child, before);
        served.set(child, html);
        if (child.dataset.said) come.unshift(child);
      } else if (served.get(old) !== html) {
        replace(old, child);
        place = child;
        flash(child, "changed");
      }
      if (place.nextElementSibling !== before) list.insertBefore(place, before);
      before = place;
    }
    for (const child of come) flash(child, "new");
    if (come.length) say(come);
  }

  function flash(element, name) {
    element.classList.add(name);
    setTimeout(() => element.classList.remove(name), NEW_MS);
  }

  function say(come) {
    const first = come.slice(0, 3).map((child) => child.dataset.said).join(". ");
    const more = come.length > 3 ? ` and ${come.length - 3} more` : "";
    write($("said"), `${come.length === 1 ? "New alert" : "New alerts"}: ${first}${more}`);
  }

  function put(page) {
    for (const fresh of page.querySelectorAll("[data-live]")) {
      const old = document.querySelector(`[data-live="${CSS.escape(fresh.dataset.live)}"]`);
      if (!old || served.get(old) === fresh.outerHTML) continue;
      if ("keyed" in fresh.dataset) {
        served.set(old, fresh.outerHTML);
        merge(old, document.importNode(fresh, true));
      } else {
        if (fresh.dataset.saidChange) write($("said"), fresh.dataset.saidChange);
        replace(old, document.importNode(fresh, true));
      }
    }
    document.body.dataset.mark = page.body.dataset.mark || "";
    tick();
  }

  // One question at a time, and a pause after each: a burst of alerts is one change.
  let asking = false, again = false;
  async function refresh() {
    if (asking) { again = true; return; }
    asking = true;
    try {
      do {
        again = false;
        const address = document.body.dataset.ask || location.href;
        const answer = await fetch(address, { cache: "no-store", credentials: "same-origin" });
        if (answer.ok) {
          put(new DOMParser().parseFromString(policy.createHTML(await answer.text()), "text/html"));
        } else if (answer.status >= 500) {
          link("trouble", "The page cannot be refreshed");
        }
        const pause = Number(document.body.dataset.pause) || PAUSE_MS;
        await new Promise((done) => setTimeout(done, pause));
      } while (again);
    } catch {
      link("lost", "Connection lost");
    } finally {
      asking = false;
    }
  }

  function link(state, words) {
    const element = $("link");
    element.hidden = false;
    element.dataset.state = state;
    write($("link-words"), words);
  }

  let source = null, heard = 0;
  function listen() {
    close();
    const address = new URL(document.body.dataset.events, location.href);
    address.searchParams.set("last", document.body.dataset.mark || "");
    source = new EventSource(address);
    heard = Date.now();
    source.addEventListener("open", () => link("live", "Live"));
    source.addEventListener("beat", (event) => {
      heard = Date.now();
      skew = Number(event.data) - heard;
      if ($("link").dataset.state === "lost") link("live", "Live");
    });
    source.addEventListener("change", () => { heard = Date.now(); refresh(); });
    source.addEventListener("trouble", (event) => {
      const words = JSON.parse(event.data);
      if (words) link("trouble", "The store cannot be read"); else link("live", "Live");
      $("link").title = words;
    });
    source.addEventListener("error", () => {
      link("lost", "Connection lost");
      if (source && source.readyState === EventSource.CLOSED) { close(); heard = Date.now() - SILENCE_MS + 3000; }
    });
  }

  function close() {
    if (source) source.close();
    source = null;
  }

  function follow() {
    // A browser opens few connections to one host: a page that nobody sees gives its own back.
    if (!document.hidden) listen();
    setInterval(() => {
      tick();
      if (!document.hidden && Date.now() - heard > SILENCE_MS) listen();
    }, 1000);
    document.addEventListener("visibilitychange", () => { if (document.hidden) close(); else listen(); });
  }

  function dress() {
    const button = $("theme");
    const name = () => {
      const words = `Theme: ${theme === "auto" ? "as the system" : theme}`;
      write($("theme-words"), words);
      button.title = words;
    };
    button.hidden = false;
    name();
    button.addEventListener("click", () => {
      theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
      wear(theme);
      name();
      try { localStorage.setItem("theme", theme); } catch { /* private windows keep nothing */ }
    });
  }

  document.addEventListener("DOMContentLoaded", () => {
    remember(document);
    dress();
    tick();
    if (document.querySelector("[data-live]")) follow();
  });
})();
