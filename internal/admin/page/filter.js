// The page of one filter.

import { filterPath } from "./api.js";
import { possible } from "./actions.js";
import { charts } from "./charts.js";
import { content } from "./content.js";
import { sentences } from "./log.js";
import { at, first, size } from "./format.js";
import { badge, card, code, command, facts, link, loading } from "./parts.js";
import { readFigures } from "./figures.js";
import { refusals, rollout } from "./rollout.js";
import { to } from "./router.js";
import { byCause, subscribers } from "./subscribers.js";
import { timeline } from "./timeline.js";
import { h } from "./vdom.js";
import { condition, overrides } from "./words.js";

export const filterPage = {
  needs: (name) => [
    { path: filterPath(name) }, { path: filterPath(name, "/history"), optional: true },
    { path: filterPath(name, "/figures"), optional: true }, { path: filterPath(name, "/content"), optional: true },
  ],
  title: (ctx) => ctx.name,
  render: (ctx) => {
    const { store, name, now } = ctx;
    const f = store.get(filterPath(name));
    const crumbs = h("nav", { class: "crumbs", "aria-label": "Where you are" }, link(to.filters, "Filters"));
    if (f === undefined) return [crumbs, loading()];
    if (f === null) return [crumbs, h("h1", { tabindex: -1 }, name), missing(store.missing.get(filterPath(name)))];
    const history = store.get(filterPath(name, "/history"));
    return [
      crumbs, head(f),
      h("div", { class: "columns" },
        h("div", { class: "main" },
          refusals(f, byCause(f)), rollout(f, now), charts(readFigures(store.get(filterPath(name, "/figures"))), f, now),
          subscribers(f, ctx.ui, now), timeline(ctx, f, history), content(ctx, store.get(filterPath(name, "/content")))),
        h("aside", { class: "side", "aria-label": "Actions and facts" }, actions(ctx, f, history), about(f), log(ctx, f))),
    ];
  },
};

function head(f) {
  const { text, tone } = condition(f);
  return h("div", { class: "head" }, h("h1", { tabindex: -1 }, f.name), badge(text, tone), ...overrides(f).map((text) => badge(text, "warn")),
    h("span", { class: "push soft" }, f.revision ? ["serves ", code(first(f.revision))] : "serves no revision"));
}

function missing(refusal) {
  return h("div", { class: "note calm" }, h("p", null, refusal?.message ?? "There is no such filter."), refusal?.hint ? h("p", null, refusal.hint) : null);
}

function actions(ctx, f, history) {
  const all = possible(f, history);
  return card("Actions", { id: "actions" }, all.length === 0 ? h("p", { class: "soft" }, "Nothing to do. When it rolls out, fails or has an earlier revision, the actions are here.") : null,
    ...all.map((a) => h("div", { key: a.id, class: "action" },
      h("button", { type: "button", class: a.tone ?? "", disabled: ctx.store.link !== "up", "data-act": a.id, onclick: () => ctx.act(a) }, a.label + "…"),
      command(a.command(Object.fromEntries((a.fields ?? []).map((field) => [field.id, field.value])))))));
}

function about(f) {
  const m = f.module;
  return card("About", { id: "about" }, facts(
    ["Type", f.type], ["Delivery", f.delivery], ["When removed", f.onRemove],
    ["Stable revision", f.stable ? code(first(f.stable)) : null], ["Rolling out", f.candidate ? code(first(f.candidate)) : null],
    ["Module", m.sha256 ? code(first(m.sha256, 16) + "…", { title: m.sha256 }) : null], ["Size", m.size ? size(m.size) : null],
    ["From", m.reference ? code(m.reference) : null], ["Signed by", m.signatures?.length ? m.signatures.map((s) => s.subject || s.key).join(", ") : null],
    ["Spec", f.specFile ? code(f.specFile) : null]));
}

function log(ctx, f) {
  const own = ctx.store.events.filter((e) => e.name === f.name && e.type !== "node").slice(0, 8);
  if (own.length === 0) return null;
  return card("Lately", { id: "lately" }, h("ul", { class: "log" }, ...own.map((e, i) => h("li", { key: e.id ?? i },
    h("time", { class: "soft", datetime: e.time }, at(e.time, ctx.now)), " ", sentences(e)))));
}
