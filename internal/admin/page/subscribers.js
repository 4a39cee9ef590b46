// The Envoys that ask for a filter. Errors come first.

import { first, ago } from "./format.js";
import { memo } from "./memo.js";
import { badge, card, chips, code, link, pager, problem, search, soft, table } from "./parts.js";
import { to } from "./router.js";
import { h } from "./vdom.js";
import { subscriberRank, toneOf, words } from "./words.js";

const sorted = memo((f) => [...f.subscribers].sort((a, b) => subscriberRank(a) - subscriberRank(b) || (a.node < b.node ? -1 : a.node > b.node ? 1 : 0)));

// byCause groups the errors of the Envoys, so that a thousand Envoys with one problem are one note.
export const byCause = memo((f) => {
  const groups = new Map();
  for (const s of f.subscribers) {
    if (!s.error || (s.error.message === f.error?.message && s.error.code === f.error?.code)) continue;
    const key = s.error.code + "\n" + s.error.message;
    const group = groups.get(key) ?? { error: s.error, nodes: [], tone: s.state === "live" ? "warn" : "bad" };
    group.nodes.push(s.node || s.address);
    groups.set(key, group);
  }
  return [...groups.values()].sort((a, b) => b.nodes.length - a.nodes.length);
});

const counts = memo((f) => {
  const n = new Map();
  for (const s of f.subscribers) n.set(s.state, (n.get(s.state) ?? 0) + 1);
  return n;
});

const found = memo((f, wanted) => {
  const [state, query] = wanted.split("\n");
  return sorted(f).filter((s) => (state === "all" || s.state === state) && (!query || `${s.node} ${s.cluster} ${s.address} ${s.envoy} ${s.revision} ${s.identity ?? ""} ${s.replica ?? ""}`.toLowerCase().includes(query)));
});

export function subscribers(f, ui, now) {
  const missing = f.incomplete?.length ? problem({ message: `The Envoys of ${f.incomplete.join(", ")} are missing here: the replica did not answer.` }, "warn") : null;
  if (f.subscribers.length === 0) return card("Envoys", { id: "subscribers" }, missing, h("p", { class: "soft empty" }, "No Envoy asks for it."));
  const n = counts(f), chosen = n.has(ui.state) ? ui.state : "all";
  const shown = found(f, chosen + "\n" + (ui.query ?? "").trim().toLowerCase());
  const order = ["rejected", "denied", "unsupported", "pending", "fetching", "live", "gone"];
  const canaries = new Set(f.canaries);
  const spread = f.subscribers.some((s) => s.replica);
  return card("Envoys", { id: "subscribers" }, missing,
    h("div", { class: "tools" },
      chips("Which Envoys", [{ value: "all", text: "All", count: f.subscribers.length },
        ...order.filter((s) => n.has(s)).map((s) => ({ value: s, text: words(s), count: n.get(s), tone: toneOf(s) === "bad" ? "bad" : "" }))],
      chosen, (state) => ui.set({ state, page: 0 })),
      search("Search Envoys", ui)),
    pager(shown, ui, (some) => table("Envoys", [
      { name: "Envoy", cell: (s) => [s.node ? link(to.envoy(s.node), s.node) : "(no id)", s.cluster ? soft(" " + s.cluster) : null, canaries.has(s.stream) ? [" ", badge("Canary", "info")] : null] },
      ...(spread ? [{ name: "Replica", class: "whole", cell: (s) => s.replica || "–" }] : []),
      { name: "Version", class: "whole", cell: (s) => s.envoy || "–" },
      { name: "State", cell: (s) => [badge(words(s.state), toneOf(s.state)), s.error && s.error.message !== f.error?.message ? problem(s.error, s.state === "live" ? "warn" : "bad") : null, ...(s.warnings ?? []).map((w) => problem(w, "calm"))] },
      { name: "Revision", class: "whole", cell: (s) => (s.revision ? [code(first(s.revision)), s.variant ? soft(" " + s.variant) : null] : "–") },
      { name: "Since", class: "whole", cell: (s) => ago(s.since, now) || "–" },
    ], some, (s) => s.stream || s.node + s.address, "No Envoy matches."), "Envoys"));
}
