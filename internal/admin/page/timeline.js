// The revisions of a filter on a time line.

import { ago, at, duration, first, plural, size } from "./format.js";
import { badge, card, code, facts, loading, problem, soft } from "./parts.js";
import { rollback } from "./actions.js";
import { h } from "./vdom.js";
import { outcome, toneOf, words } from "./words.js";

const shownAtOnce = 8;

export function timeline(ctx, f, history) {
  if (history === undefined) return card("Revisions", { id: "history" }, loading());
  if (history === null || history.revisions.length === 0) return null;
  const all = history.revisions, every = ctx.ui.everyRevision;
  return card("Revisions", { id: "history" },
    h("ol", { class: "timeline" }, ...(every ? all : all.slice(0, shownAtOnce)).map((r) => entry(ctx, f, r, history))),
    all.length > shownAtOnce && !every ? h("button", { type: "button", onclick: () => ctx.ui.set({ everyRevision: true }) }, `Show ${all.length - shownAtOnce} earlier`) : null);
}

function entry(ctx, f, r, history) {
  const { now } = ctx, serves = r.revision === f.revision;
  const mayReturn = !serves && r.state !== "rejected" && r.state !== "candidate" && f.state !== "removed";
  return h("li", { key: r.revision, class: toneOf(r.state), "data-revision": r.revision },
    h("div", { class: "line" }, code(first(r.revision)), badge(words(r.state), toneOf(r.state)), r.wanted && !serves ? badge("What the spec says", "calm") : null,
      r.outcome && typeof r.outcome === "string" ? badge(outcome(r.outcome).text, outcome(r.outcome).tone) : null,
      r.since ? h("time", { class: "push soft", datetime: r.since, title: at(r.since, now) }, ago(r.since, now)) : null),
    h("p", { class: "soft" }, summary(r)),
    r.error ? problem(r.error, r.state === "rejected" ? "bad" : "warn") : null,
    h("div", { class: "line" }, details(r), mayReturn ? h("button", {
      type: "button", class: "quiet push", "aria-label": `Roll back… to ${first(r.revision)}`,
      onclick: () => ctx.act(rollback(f, [r, ...history.revisions.filter((o) => o !== r && o.revision !== f.revision && (o.state === "earlier" || o.state === "stable"))], r.revision)),
    }, "Roll back…") : null));
}

function summary(r) {
  const parts = [];
  if (r.changes?.length) parts.push("changes " + r.changes.slice(0, 4).join(", ") + (r.changes.length > 4 ? ` and ${plural(r.changes.length - 4, "more key")}` : ""));
  if (r.servedSeconds) parts.push("served for " + duration(r.servedSeconds));
  if (r.by) parts.push("by " + (typeof r.by === "string" ? r.by : r.by.who ?? ""));
  if (r.commit) parts.push("commit " + first(r.commit, 10));
  return parts.length ? words(parts.join(" · ")) : "";
}

function details(r) {
  const m = r.module ?? {};
  return h("details", null, h("summary", null, "Details"),
    facts(["Module", m.sha256 ? code(first(m.sha256, 16) + "…", { title: m.sha256 }) : null], ["Size", m.size ? size(m.size) : null],
      ["From", m.reference ? code(m.reference) : null], ["Spec", r.file || r.specFile ? code(r.file || r.specFile) : null],
      ["Imports", m.imports?.length ? plural(m.imports.length, "function") : null], ["Cost", typeof m.cost === "string" ? m.cost : null]),
    r.waves?.length ? h("p", { class: "soft" }, "Waves: ", r.waves.map((w) => `${w.name} ${w.state}`).join(", ")) : null,
    r.diff?.length ? diff(r.diff) : null,
    ...(r.refusals ?? []).map((e) => (e.message ? problem(e, "bad") : soft(String(e)))));
}

// diff colours the lines of a unified diff. Secrets are masked by the server.
export function diff(lines) {
  const kinds = { "+": "added", "-": "taken", "@": "place" };
  return h("pre", { class: "diff", tabindex: 0, "aria-label": "Changes of the spec" }, ...lines.map((line) => h("span", { class: kinds[line[0]] ?? "" }, line + "\n")));
}
