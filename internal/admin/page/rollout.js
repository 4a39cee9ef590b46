// The rollout of a filter: its waves as a bar that fills, what it waits for, and its health.

import { ago, at, first, left, number, plural, size } from "./format.js";
import { badge, bar, card, code, link, problem, soft, table } from "./parts.js";
import { to } from "./router.js";
import { h } from "./vdom.js";
import { outcome, rolloutState, sentence, waveName, waveState } from "./words.js";

export function rollout(f, now) {
  const r = f.rolloutStatus;
  if (!r) return null;
  const { text, tone } = rolloutState(r);
  return card("Rollout", { id: "rollout" },
    h("div", { class: "line" }, code(first(r.revision)), badge(text, tone),
      r.deadline ? soft(`deadline ${at(r.deadline, now)}`) : null),
    h("p", { class: "story" }, sentence(f, now)),
    r.waves?.length ? waves(r, now) : whole(f),
    waits(r, now), health(r, now));
}

function waves(r, now) {
  return h("ol", { class: "waves", "aria-label": "Waves" }, ...r.waves.map((w, i) => {
    const { text, tone } = waveState(w.state);
    const current = i === r.wave && r.state !== "watching";
    return h("li", { key: i, class: "wave " + tone, "aria-current": current ? "step" : null },
      h("div", { class: "line" }, h("b", null, waveName(w)), h("span", { class: "push soft" }, `${number(w.live)} / ${number(w.envoys)}`)),
      bar(w.state === "passed" ? 1 : w.live, w.state === "passed" ? 1 : w.envoys, tone),
      h("p", { class: "soft" }, text + when(w, now)));
  }));
}

function when(w, now) {
  if (w.state === "soaking" && w.soakUntil) return `, ${left(w.soakUntil, now)} left`;
  if (w.state === "passed" && w.passedAt) return ` at ${at(w.passedAt, now)}`;
  return w.since && w.state !== "waiting" ? ` for ${ago(w.since, now).replace(" ago", "")}` : "";
}

// whole is the bar of a server that tells no waves.
function whole(f) {
  const live = f.subscribers.filter((s) => s.state === "live" && s.revision === f.rolloutStatus.revision).length;
  return h("div", { class: "line progress" }, bar(live, f.envoys.total, "info"), soft(`${number(live)} of ${plural(f.envoys.total, "Envoy")} run it`));
}

function waits(r, now) {
  if (!r.waitsFor?.length) return null;
  return h("div", { class: "waits" }, h("h3", null, "Waits for"),
    h("ul", null, ...r.waitsFor.map((w, i) => h("li", { key: i }, w.node ? [link(to.envoy(w.node), w.node), " "] : null, soft(w.message),
      w.until ? soft(` (${left(w.until, now)} left)`) : null))));
}

function health(r, now) {
  const all = r.health;
  if (!all) return null;
  const { text, tone } = outcome(all.outcome);
  const value = (n, unit) => (unit === "B" ? size(n) : number(n) + (unit ? " " + unit : ""));
  // A figure that was never compared has no values, and not the value 0.
  const cell = (c, n) => (typeof n !== "number" || (c.outcome === "unknown" && !c.unit && !c.limit) ? "–" : value(n, c.unit));
  return h("div", { class: "health" }, h("div", { class: "line" }, h("h3", null, "Health"), badge(text, tone), all.at ? soft("as of " + at(all.at, now)) : null),
    all.message ? h("p", null, all.message) : null,
    all.comparisons?.length ? table("Canaries beside the stable revision", [
      { name: "Figure", class: "whole", cell: (c) => c.name },
      { name: "Canaries", class: "figure", cell: (c) => cell(c, c.canary) },
      { name: "Stable", class: "figure", cell: (c) => cell(c, c.stable) },
      { name: "Limit", class: "figure", cell: (c) => cell(c, c.limit) },
      { name: "Outcome", cell: (c) => [badge(outcome(c.outcome).text, outcome(c.outcome).tone), c.message && c.outcome !== "good" ? h("p", { class: "soft" }, c.message) : null] },
    ], all.comparisons, (c) => c.name) : null);
}

// refusals groups the errors of a filter and its Envoys by their cause.
export function refusals(f, grouped) {
  const pin = ["rolled_back", "pinned"].includes(f.error?.code);
  if (!f.error && grouped.length === 0 && !f.warnings?.length) return null;
  return h("section", { class: "problems", "aria-label": "What is wrong" },
    f.error ? problem(f.error, pin || f.condition !== "failing" ? "warn" : "bad") : null,
    ...grouped.slice(0, 10).map((g) => problem(g.error, g.tone, h("p", { class: "soft" }, who(g)))),
    grouped.length > 10 ? h("p", { class: "soft" }, `and ${plural(grouped.length - 10, "more cause")}: see the Envoys below`) : null,
    ...(f.warnings ?? []).map((w) => problem(w, "calm")));
}

function who(group) {
  const some = group.nodes.slice(0, 3).join(", ");
  return group.nodes.length > 3 ? `on ${some} and ${plural(group.nodes.length - 3, "more Envoy")}` : `on ${some}`;
}
