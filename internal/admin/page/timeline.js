// The revisions of a filter on a time line.

import { ago, at, duration, first, plural, size } from "./format.js";
import { badge, card, code, facts, loading, problem, soft } from "./parts.js";
import { rollback } from "./actions.js";
import { h } from "./vdom.js";
import { toneOf, words } from "./words.js";

const shownAtOnce = 8;
const outcomeTones = { rolling_out: "info", live: "good", refused: "bad", unhealthy: "bad", stopped: "bad", aborted: "warn", rolled_back: "warn" };

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
    h("div", { class: "line" }, code(first(r.revision)), standing(r), r.wanted && !serves ? badge("What the spec says", "calm") : null,
      r.since ? h("time", { class: "push soft", datetime: r.since, title: at(r.since, now) }, ago(r.since, now)) : null),
    h("p", { class: "soft" }, summary(r)),
    r.error ? problem(r.error, r.state === "rejected" ? "bad" : "warn") : r.reason ? problem({ message: r.reason }, outcomeTones[r.outcome] ?? "warn") : null,
    h("div", { class: "line" }, details(r, ctx.now), mayReturn ? h("button", {
      type: "button", class: "quiet push", "aria-label": `Roll back… to ${first(r.revision)}`,
      onclick: () => ctx.act(rollback(f, [r, ...history.revisions.filter((o) => o !== r && o.revision !== f.revision && (o.state === "earlier" || o.state === "stable"))], r.revision)),
    }, "Roll back…") : null));
}

// standing is how a revision stands. Of an earlier one, the record knows how it ended.
function standing(r) {
  if (r.state === "earlier" && r.outcome) return badge(words(r.outcome), outcomeTones[r.outcome] ?? "calm");
  return badge(words(r.state), toneOf(r.state));
}

function summary(r) {
  const parts = [];
  if (r.changes?.length) parts.push("changes " + r.changes.slice(0, 4).join(", ") + (r.changes.length > 4 ? ` and ${plural(r.changes.length - 4, "more key")}` : ""));
  if (r.servedSeconds) parts.push("served for " + duration(r.servedSeconds));
  if (r.commit) parts.push("commit " + first(r.commit.id, 10) + (r.commit.dirty ? " with uncommitted changes" : ""));
  return parts.length ? words(parts.join(" · ")) : "";
}

function details(r, now) {
  const m = r.module ?? {};
  return h("details", null, h("summary", null, "Details"),
    facts(["Module", m.sha256 ? code(first(m.sha256, 16) + "…", { title: m.sha256 }) : null], ["Size", m.size ? size(m.size) : null],
      ["From", m.reference ? code(m.reference) : null], ["Spec", r.file || r.specFile ? code(r.file || r.specFile) : null],
      ["Imports", m.imports?.length ? plural(m.imports.length, "function") : null], ["Instead of", r.previous ? code(first(r.previous)) : null],
      ["Live on all Envoys", r.liveAt ? at(r.liveAt, now) : null], ["Until", r.endedAt ? at(r.endedAt, now) : null]),
    r.diff?.length ? diff(r.diff) : null,
    r.by?.length ? h("ul", { class: "log" }, ...r.by.map((a, i) => h("li", { key: i }, soft(at(a.at, now)), ` ${words(a.action)}${a.by ? " by " + a.by : ""}${a.reason ? ": " + a.reason : ""}`))) : null,
    ...(r.refusals ?? []).slice(0, 10).map((e) => problem({ message: (e.node ? e.node + ": " : "") + e.message }, "bad")));
}

// diff colours the lines of a unified diff. Secrets are masked by the server.
export function diff(lines) {
  const kinds = { "+": "added", "-": "taken", "@": "place" };
  return h("pre", { class: "diff", tabindex: 0, "aria-label": "Changes of the spec" }, ...lines.map((line) => h("span", { class: kinds[line[0]] ?? "" }, line + "\n")));
}
