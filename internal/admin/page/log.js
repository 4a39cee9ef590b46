// The log of events since the page was opened.

import { at, first, number } from "./format.js";
import { badge, chips, link, pager, search } from "./parts.js";
import { to } from "./router.js";
import { h } from "./vdom.js";
import { words } from "./words.js";

export const log = {
  needs: () => [],
  title: () => "Events",
  render: ({ store, ui, now }) => {
    const kinds = new Map();
    for (const e of store.events) kinds.set(e.type, (kinds.get(e.type) ?? 0) + 1);
    const chosen = kinds.has(ui.kind) ? ui.kind : "all";
    const query = (ui.query ?? "").trim().toLowerCase();
    const shown = store.events.filter((e) => (chosen === "all" || e.type === chosen) && (!query || JSON.stringify(e).toLowerCase().includes(query)));
    return [
      h("h1", { tabindex: -1 }, "Events"),
      h("p", { class: "soft" }, `What has changed since this page was opened at ${at(store.opened, now)}: the newest ${number(store.events.length)}. The server's log and the audit log have the rest.`),
      h("div", { class: "tools" }, chips("Which events", [{ value: "all", text: "All", count: store.events.length },
        ...[...kinds].sort().map(([value, count]) => ({ value, text: words(value), count }))], chosen, (kind) => ui.set({ kind, page: 0 })), search("Search events", ui)),
      shown.length === 0 ? h("p", { class: "soft empty" }, store.events.length ? "No event matches." : "Nothing has changed yet. Events show here as they happen.")
        : pager(shown, ui, (some) => h("ol", { class: "card log", "aria-label": "Events" }, ...some.map((e, i) => h("li", { key: e.id ?? i },
          h("time", { class: "soft", datetime: e.time }, at(e.time, now)), badge(words(e.type), tone(e)), h("span", null, ...sentences(e))))), "events"),
    ];
  },
};

const bad = /refus|stopp|_back|rolled|lost|fail|deadline|expir/;
const tone = (e) => (e.error || bad.test(e.type + " " + (e.state ?? "")) ? "bad" : e.type === "node" || e.type === "snapshot" ? "calm" : "info");

// told is the message of a notable event, with a link where it names its filter.
function told(e) {
  const at = e.revision || e.candidate ? e.message.indexOf(e.name) : -1;
  if (!e.name || at < 0) return [e.message];
  return [e.message.slice(0, at), link(to.filter(e.name), e.name), e.message.slice(at + e.name.length)];
}

// sentences tells an event in words, as children of an element.
export function sentences(e) {
  const filter = () => link(to.filter(e.name), e.name);
  if (e.message) return told(e);
  switch (e.type) {
    case "filter":
      return [filter(), " is " + words(e.state ?? "changed").toLowerCase(), e.revision ? ", serves " + first(e.revision) : null,
        e.candidate ? ", rolls out " + first(e.candidate) : null, e.error ? ` (${words(e.error).toLowerCase()})` : null];
    case "node":
      return ["Envoy ", link(to.envoy(e.name), e.name || "(no id)"), e.state === "gone" ? " has gone" : " is connected"];
    case "source":
      return ["The specs are " + words(e.state ?? "read").toLowerCase()];
    case "snapshot":
      return ["The server serves snapshot " + first(e.name)];
    case "reset":
      return ["Some events were missed. The page has read everything again."];
    default:
      return [words(e.type), e.name ? " " : null, e.name ? filter() : null, e.state ? ": " + words(e.state).toLowerCase() : null];
  }
}
