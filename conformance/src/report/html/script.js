"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  let pieces;

  const make = (name, { text, ...rest } = {}, ...children) => {
    const element = Object.assign(document.createElement(name), rest);
    element.append(...(text === undefined ? [] : [text]), ...children.filter(Boolean));
    return element;
  };
  const address = (id) => "#" + encodeURI(id).replaceAll("[", "%5B").replaceAll("]", "%5D").replaceAll("#", "%23");
  const unpack = async () => {
    if (!$("packed")) return {};
    const bytes = Uint8Array.from(atob($("packed").textContent.trim()), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    return JSON.parse(await new Response(stream).text());
  };

  // The same ladder as that of a case that failed. What the server sent becomes text, never markup.
  const line = (line) => {
    const [text, note, fields, hex, length] = [].concat(line);
    return make("div", {},
      make("code", { text }),
      note && make("small", { text: note }),
      fields && make("span", { className: "fields", text: fields }),
      hex && make("details", { className: "bytes" },
        make("summary", { text: length === 1 ? "1 byte" : `${length} bytes` }), make("code", { text: hex.replace(/(..)(?=.)/g, "$1 ") })));
  };
  const said = { s: "sent ", r: "received " };
  const rung = (rung) => {
    if (!rung) return make("li", { className: "cut", text: "…" });
    const [at, way, connection, lines] = rung;
    return make("li", { className: way },
      at && make("time", { text: `${at} ms` }),
      make("div", {},
        said[way] && make("span", { className: "hidden", text: said[way] }),
        connection && make("span", { className: "name", text: connection }),
        ...lines.map(line)));
  };
  const ladder = (rungs) => make("figure", { className: "wire" },
    make("figcaption", {}, make("span", { text: "suite" }), make("span", { text: "server" })),
    make("ol", { className: "ladder" }, ...rungs.map(rung)));

  const linked = (paragraph) => {
    if (paragraph.querySelector("a")) return;
    const ids = paragraph.textContent.split(" ").filter(Boolean);
    paragraph.replaceChildren(...ids.flatMap((id) => [make("a", { href: address(id), text: id }), " "]));
  };
  const fill = async (details) => {
    if (details.filled) return;
    details.filled = true;
    let body = details.querySelector(":scope > .body");
    if (!body) details.append(body = make("div", { className: "body" }));
    if (!body.querySelector(":scope > .id")) {
      body.prepend(make("p", { className: "id" }, make("a", { href: address(details.id), text: details.id })));
    }
    body.querySelectorAll(":scope > .k").forEach(linked);
    pieces ??= unpack();
    const rungs = (await pieces)[details.id];
    if (!rungs) return;
    const drawn = ladder(rungs);
    const rerun = body.querySelector(":scope > .rerun");
    if (rerun) rerun.before(drawn); else body.append(drawn);
  };
  // Of many cases that passed the page has the labels alone.
  for (const list of document.querySelectorAll(".family > .passed")) {
    const family = list.parentElement.id;
    list.replaceWith(...[...list.children].map((label) =>
      make("details", { id: family + label.textContent }, make("summary", { text: label.textContent }))));
  }
  const isCase = (element) => element.matches(".case, .family > details");
  document.addEventListener("toggle", (event) => {
    if (!event.target.open || event.target.localName !== "details") return;
    if (isCase(event.target)) fill(event.target);
    if (event.target.matches(".family")) event.target.querySelectorAll(":scope > .k").forEach(linked);
  }, true);

  const follow = () => {
    let id;
    try { id = decodeURIComponent(location.hash.slice(1)); } catch { return; }
    const target = id && $(id);
    if (!target) return;
    for (let at = target; at; at = at.parentElement) if (at.localName === "details") at.open = true;
    target.closest("[hidden]")?.removeAttribute("hidden");
    target.hidden = false;
    target.scrollIntoView();
    target.querySelector("summary")?.focus({ preventScroll: true });
  };
  addEventListener("hashchange", follow);

  const cases = [...document.querySelectorAll(".case, .family > details")];
  const words = new Map();
  const text = (element) => {
    if (!words.has(element)) {
      const family = element.closest(".family");
      const about = family ? [...family.querySelectorAll(":scope > summary, :scope > p")] : [];
      const own = element.querySelectorAll(":scope > summary, :scope > .body > p, :scope > .body > .finding");
      words.set(element, (element.id + " " + [...about, ...own].map((e) => e.textContent).join(" ")).toLowerCase());
    }
    return words.get(element);
  };
  const filter = () => {
    const wanted = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const technique = $("technique").value;
    const verdicts = new Set([...document.querySelectorAll("[name=verdict]:checked")].map((box) => box.value));
    let shown = 0;
    for (const element of cases) {
      const belongs = verdicts.has(element.classList[1] ?? "pass")
        && (!technique || element.closest(".page").dataset.technique === technique)
        && wanted.every((word) => text(element).includes(word));
      element.hidden = !belongs;
      shown += belongs;
    }
    for (const group of document.querySelectorAll(".family, .page")) {
      group.hidden = !group.querySelector(".case:not([hidden]), .family > details:not([hidden])");
    }
    $("shown").textContent = `${shown} of ${cases.length} cases`;
    $("nothing").hidden = shown > 0;
  };
  $("tools").hidden = false;
  $("tools").addEventListener("input", filter);
  $("tools").addEventListener("submit", (event) => event.preventDefault());
  addEventListener("keydown", (event) => {
    const typing = /^(input|select|textarea)$/.test(event.target.localName ?? "") && event.target.type !== "checkbox";
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      $("search").focus();
    }
  });
  filter();
  follow();
})();
