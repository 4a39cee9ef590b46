// All Envoys, and the page of one.

import { ago, first, plural } from "./format.js";
import { memo } from "./memo.js";
import { badge, card, chips, code, facts, link, loading, pager, problem, search, soft, table } from "./parts.js";
import { to } from "./router.js";
import { h } from "./vdom.js";
import { subscriberRank, toneOf, words } from "./words.js";

const all = "nodes?state=connected,gone";

// grouped makes one Envoy of the streams with the same node id and address.
const grouped = memo((nodes) => {
  const envoys = new Map();
  for (const n of nodes) {
    const key = n.id + "\n" + n.address;
    const e = envoys.get(key);
    if (!e) {
      envoys.set(key, { ...n, key, streams: 1 });
      continue;
    }
    if (e.state === "gone" && n.state !== "gone") Object.assign(e, { state: n.state, since: n.since });
    e.filters = [...e.filters, ...n.filters];
    e.warnings = [...(e.warnings ?? []), ...(n.warnings ?? [])];
    e.streams++;
    if (Date.parse(n.since) < Date.parse(e.since)) e.since = n.since;
  }
  for (const e of envoys.values()) e.rank = rank(e);
  return [...envoys.values()].sort((a, b) => a.rank - b.rank || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
});

const isBad = (f) => subscriberRank(f) < 2;
function rank(e) {
  if (e.state === "gone") return 3;
  return e.filters.some(isBad) ? 0 : e.warnings?.length ? 1 : 2;
}

const groups = memo((nodes) => {
  const envoys = grouped(nodes);
  return { all: envoys, problems: envoys.filter((e) => e.rank < 2), connected: envoys.filter((e) => e.state !== "gone"), gone: envoys.filter((e) => e.state === "gone") };
});

const found = memo((envoys, query) => (query === "" ? envoys : envoys.filter((e) => `${e.id} ${e.cluster} ${e.address} ${e.envoy} ${e.identity ?? ""} ${e.filters.map((f) => f.name + " " + f.revision).join(" ")}`.toLowerCase().includes(query))));

export const envoys = {
  needs: () => [{ path: all }],
  title: () => "Envoys",
  render: ({ store, ui, now }) => {
    const nodes = store.get(all);
    if (!nodes) return loading();
    const g = groups(nodes), chosen = ui.group ?? "all";
    const shown = found(g[chosen], (ui.query ?? "").trim().toLowerCase());
    return [h("h1", { tabindex: -1 }, "Envoys"),
      h("div", { class: "tools" }, chips("Which Envoys", [
        { value: "all", text: "All", count: g.all.length }, { value: "problems", text: "With problems", count: g.problems.length, tone: g.problems.length ? "bad" : "" },
        { value: "connected", text: "Connected", count: g.connected.length }, { value: "gone", text: "Gone", count: g.gone.length },
      ], chosen, (group) => ui.set({ group, page: 0 })), search("Search Envoys and filters", ui)),
      h("div", { class: "card" }, pager(shown, ui, (some) => table("Envoys", columns(now), some, (e) => e.key, nodes.length ? "No Envoy matches." : "No Envoy is connected."), "Envoys"))];
  },
};

const columns = (now) => [
  { name: "Envoy", cell: (e) => [link(to.envoy(e.id || e.address), e.id || "(no id)"), e.cluster ? soft(" " + e.cluster) : null] },
  { name: "Version", class: "whole", cell: (e) => e.envoy || "–" },
  { name: "State", cell: (e) => [badge(words(e.state), toneOf(e.state)), e.rank < 2 ? [" ", badge(e.rank === 0 ? "A filter fails" : "Warning", e.rank === 0 ? "bad" : "warn")] : null] },
  { name: "Certificate", cell: (e) => (e.identity ? code(e.identity) : "–") },
  { name: "Runs", cell: runs },
  { name: "Since", class: "whole", cell: (e) => ago(e.since, now) || "–" },
];

function runs(e) {
  const some = e.filters.slice(0, 2).map((f, i) => [i ? ", " : null, link(to.filter(f.name), f.name), f.revision ? [" ", code(first(f.revision))] : null]);
  return e.filters.length === 0 ? "–" : [...some, e.filters.length > 2 ? soft(` and ${e.filters.length - 2} more`) : null];
}

export const envoyPage = {
  needs: (name) => [{ path: path(name) }, { path: "nodes?state=gone&node=" + encodeURIComponent(name) }],
  title: (ctx) => ctx.name,
  render: ({ store, name, now }) => {
    const connected = store.get(path(name)), gone = store.get("nodes?state=gone&node=" + encodeURIComponent(name));
    const crumbs = h("nav", { class: "crumbs", "aria-label": "Where you are" }, link(to.envoys, "Envoys"));
    if (!connected) return [crumbs, loading()];
    const list = grouped(connected.length ? connected : gone ?? []);
    return [crumbs, h("div", { class: "head" }, h("h1", { tabindex: -1 }, name)),
      list.length === 0 ? h("p", { class: "note calm" }, "No Envoy with this node id is connected. The server remembers an Envoy for a day after it has gone.") : null,
      list.length > 1 ? h("p", { class: "note warn" }, `${plural(list.length, "Envoy")} have this node id. Give each Envoy an id of its own, so that they can be told apart.`) : null,
      ...list.slice(0, 20).map((e) => one(e, now))];
  },
};

const path = (name) => "nodes?node=" + encodeURIComponent(name);

function one(e, now) {
  const filters = [...e.filters].sort((a, b) => subscriberRank(a) - subscriberRank(b) || (a.name < b.name ? -1 : 1));
  const withSince = filters.some((f) => f.since);
  return h("div", { key: e.key },
    card("Connection", null, h("div", { class: "line" }, badge(words(e.state), toneOf(e.state)), soft(e.state === "gone" ? "since " : "for ", ago(e.since, now).replace(" ago", ""))),
      ...(e.warnings ?? []).map((w) => problem(w, "warn")),
      facts(["Version", e.envoy], ["Wasm runtimes", e.runtimes?.length ? code(e.runtimes.map((r) => r.replace("envoy.wasm.runtime.", "")).join(", ")) : null], ["Cluster", e.cluster], ["Certificate", e.identity ? code(e.identity) : null],
        ["Address", e.address ? code(e.address) : null], ["Protocol", e.mode], ["Streams", e.streams > 1 ? String(e.streams) : null])),
    card("Filters", null, table("Filters", [
      { name: "Filter", cell: (f) => link(to.filter(f.name), f.name) },
      { name: "State", cell: (f) => [badge(words(f.state), toneOf(f.state)), f.error ? problem(f.error, f.state === "live" ? "warn" : "bad") : null, ...(f.warnings ?? []).map((w) => problem(w, "calm"))] },
      { name: "Revision", class: "whole", cell: (f) => (f.revision ? code(first(f.revision)) : "–") },
      { name: "Variant", cell: (f) => f.variant || "–" },
      ...(withSince ? [{ name: "Since", class: "whole", cell: (f) => ago(f.since, now) || "–" }] : []),
    ], filters, (f) => f.name, "It asks for no filter.")));
}
