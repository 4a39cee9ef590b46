// Canaries and stable side by side: small charts of requests, errors and latency.

import { at, number, plural } from "./format.js";
import { card, soft, table } from "./parts.js";
import { h } from "./vdom.js";

const longest = 15 * 60_000, shortest = 2 * 60_000; // ms that the charts show
const width = 300, height = 88, top = 6, bottom = 4;

const kinds = [
  { id: "requests", name: "Requests", unit: "/s", of: (p, seconds) => p.requests / (p.seconds || seconds) },
  { id: "errors", name: "5xx answers", unit: "%", of: (p) => (p.requests ? (100 * p.errors5xx) / p.requests : null) },
  { id: "denials", name: "4xx answers", unit: "%", of: (p) => (p.requests ? (100 * p.denials4xx) / p.requests : null) },
  { id: "p50", name: "Latency, p50", unit: "ms", of: (p) => p.p50 },
  { id: "p99", name: "Latency, p99", unit: "ms", of: (p) => p.p99 },
];

export function charts(figures, f, now) {
  if (!figures) return null;
  const sides = [
    { id: "canary", name: f.candidate ? "Canaries" : "All Envoys", points: figures.canary ?? [] },
    { id: "stable", name: "Stable", points: figures.stable ?? [] },
  ].filter((s) => s.points.length > 0);
  if (sides.length === 0) return null;
  const newest = Math.max(...sides.flatMap((s) => s.points.map((p) => Date.parse(p.at))));
  const late = now - newest > 3 * 1000 * figures.seconds + 5000;
  const oldest = Math.min(...sides.flatMap((s) => s.points.map((p) => Date.parse(p.at))));
  const span = Math.min(longest, Math.max(shortest, newest - oldest));
  const range = [newest - span, newest];
  const totals = sides.map((s) => ({ ...s, traps: sum(s.points, "traps"), bypassed: sum(s.points, "bypassed") }));
  return card("Traffic", { id: "figures", class: late ? "stale" : "" },
    h("div", { class: "line legend" }, ...sides.map((s) => h("span", { class: "key " + s.id, key: s.id }, s.name)),
      h("span", { class: "push" }, soft(late ? `no figures since ${at(newest, now)}` : `the last ${plural(Math.ceil(span / 60_000), "minute")}`))),
    h("div", { class: "charts" }, ...kinds.map((k) => chart(k, sides, range, figures.seconds))),
    h("p", { class: "soft" }, totals.map((s) => `${s.name}: ${number(s.traps)} traps, ${number(s.bypassed)} requests without the filter`).join("; "), "."),
    h("details", null, h("summary", null, "The figures as a table"), ...sides.map((s) => numbers(s, figures.seconds, now))));
}

const sum = (points, name) => points.reduce((n, p) => n + (p[name] ?? 0), 0);

function chart(kind, sides, [from, to], seconds) {
  const lines = sides.map((s) => ({ ...s, values: s.points.map((p) => [Date.parse(p.at), kind.of(p, seconds)]).filter(([, v]) => v !== null && v !== undefined && Number.isFinite(v)) }));
  const most = Math.max(0, ...lines.flatMap((l) => l.values.map(([, v]) => v)));
  const scale = most > 0 ? most * 1.3 : 1;
  const x = (t) => ((t - from) / (to - from)) * width;
  const y = (v) => height - bottom - (v / scale) * (height - top - bottom);
  const last = (l) => (l.values.length ? number(round(l.values.at(-1)[1])) + " " + kind.unit : "no figures");
  const label = kind.name + ". " + lines.map((l) => `${l.name}: ${last(l)}`).join("; ");
  return h("figure", { key: kind.id, class: "chart", "data-chart": kind.id },
    h("figcaption", null, h("span", null, kind.name), h("span", { class: "push" }, ...lines.map((l) => h("b", { class: "key " + l.id, key: l.id }, last(l))))),
    most > 0 ? h("span", { class: "most", "aria-hidden": "true" }, number(round(Number(scale.toPrecision(2)))) + " " + kind.unit) : null,
    h("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label, preserveAspectRatio: "none" },
      h("line", { class: "axis", x1: 0, x2: width, y1: height - bottom, y2: height - bottom }),
      ...lines.toReversed().map((l) => h("path", { key: l.id, class: "curve " + l.id, d: path(l.values, x, y, seconds) }))));
}

// path draws a line. A gap in the figures is a gap in the line.
function path(values, x, y, seconds) {
  let before = -Infinity;
  return values.map(([t, v]) => {
    const command = t - before > 2500 * seconds ? "M" : "L";
    before = t;
    return `${command}${x(t).toFixed(1)} ${y(v).toFixed(1)}`;
  }).join("");
}

const round = (v) => (v >= 100 ? Math.round(v) : v); // small figures keep their digits

function numbers(side, seconds, now) {
  const recent = side.points.slice(-18).toReversed();
  return h("div", null, h("h3", null, side.name), table(side.name, [
    { name: "At", cell: (p) => at(p.at, now) },
    ...kinds.map((k) => ({ name: k.name, class: "figure", cell: (p) => { const v = k.of(p, seconds); return v === null || v === undefined ? "–" : number(round(v)) + " " + k.unit; } })),
    { name: "Traps", class: "figure", cell: (p) => number(p.traps ?? 0) },
    { name: "Bypassed", class: "figure", cell: (p) => number(p.bypassed ?? 0) },
  ], recent, (p) => p.at));
}
