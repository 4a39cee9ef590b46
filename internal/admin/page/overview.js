// All filters at a glance. The filters that need a person come first.

import { first, number, plural } from "./format.js";
import { memo } from "./memo.js";
import { badge, bar, chips, code, link, loading, pager, problem, search, soft } from "./parts.js";
import { to } from "./router.js";
import { h } from "./vdom.js";
import { attention, condition, overrides, sentence } from "./words.js";

const filtersPath = "filters?subscribers=none";

export const overview = {
  needs: () => [{ path: filtersPath }, { path: "source" }],
  title: (ctx) => {
    const n = groups(ctx.store.get(filtersPath) ?? []).attention.length;
    return n ? `(${n}) Filters` : "Filters";
  },
  render: (ctx) => {
    const filters = ctx.store.get(filtersPath);
    if (!filters) return loading();
    const source = ctx.store.get("source");
    return [h("h1", { tabindex: -1 }, "Filters"), sources(source, filters), filters.length ? list(ctx, filters) : none(source)];
  },
};

const sorted = memo((filters) => filters.map((f) => ({ ...f, at: condition(f) })).sort((a, b) => a.at.rank - b.at.rank || (a.name < b.name ? -1 : 1)));

const groups = memo((filters) => {
  const all = sorted(filters);
  return {
    all, attention: all.filter((f) => f.at.rank <= attention), rolling: all.filter((f) => f.rolloutStatus && f.rolloutStatus.state !== "stopped"),
    live: all.filter((f) => f.condition === "live"),
  };
});

const matching = memo((filters, query) => filters.filter((f) => (f.name + " " + f.revision + " " + f.specFile + " " + (f.error?.message ?? "")).toLowerCase().includes(query)));

function list(ctx, filters) {
  const { ui } = ctx, g = groups(filters);
  const chosen = ui.group ?? "all";
  const shown = matching(g[chosen], (ui.query ?? "").trim().toLowerCase());
  return [
    h("div", { class: "tools" },
      chips("Which filters", [
        { value: "all", text: "All", count: g.all.length },
        { value: "attention", text: "Need attention", count: g.attention.length, tone: g.attention.length ? "bad" : "" },
        { value: "rolling", text: "Rolling out", count: g.rolling.length },
        { value: "live", text: "Live", count: g.live.length },
      ], chosen, (group) => ui.set({ group, page: 0 })),
      search("Search filters", ui)),
    shown.length === 0 ? h("p", { class: "soft empty" }, "No filter matches.")
      : pager(shown, ui, (some) => h("ul", { class: "filters", "aria-label": "Filters" }, ...some.map((f) => row(f, ctx.now))), "filters"),
  ];
}

function row(f, now) {
  const { text, tone } = f.at;
  const { part, whole, words } = progress(f);
  const calm = part === whole || whole === 0; // all that there is to say fits one line
  return h("li", { key: f.name, class: "filter " + tone, "data-filter": f.name },
    h("div", { class: "line" },
      h("h2", null, link(to.filter(f.name), f.name)), badge(text, tone), ...overrides(f).map((text) => badge(text, "warn")),
      h("span", { class: "push soft line" }, calm ? h("span", null, words) : null, f.revision ? code(first(f.revision), { title: "The served revision" }) : null)),
    sentence(f, now) ? h("p", { class: "story" }, sentence(f, now)) : null,
    f.error ? problem(f.error, tone === "bad" ? "bad" : "warn") : null,
    calm ? null : h("div", { class: "line progress" }, bar(part, whole, tone === "bad" ? "calm" : f.candidate ? "info" : "good"), soft(words)));
}

// progress counts the Envoys that run the newest revision.
function progress(f) {
  const r = f.rolloutStatus, { live, total, gone } = f.envoys;
  if (r?.waves?.length && f.candidate) {
    const run = Math.max(...r.waves.map((w) => w.live)); // a wave includes the waves before
    return { part: run, whole: total, words: `${number(run)} of ${plural(total, "Envoy")} run ${first(r.revision)}` };
  }
  if (total === 0) return { part: 0, whole: 0, words: gone ? plural(gone, "Envoy") + " gone" : "no Envoy" };
  return { part: live, whole: total, words: `${number(live)} of ${plural(total, "Envoy")} live` };
}

function none(source) {
  return h("div", { class: "card hello" }, h("h2", null, "No filters yet"),
    h("p", null, "Put a spec into ", source?.directory ? code(source.directory) : "the watched directory", ", and it shows here at once."));
}

// sources has the problems of specs of which no filter tells.
function sources(source, filters) {
  if (!source) return null;
  const same = (e) => JSON.stringify([e.code, e.message, e.file, e.line, e.column]);
  const told = new Set(filters.map((f) => f.error).filter(Boolean).map(same));
  const errors = (source.errors ?? []).filter((e) => !told.has(same(e)));
  if (!source.error && errors.length === 0) return null;
  return h("section", { id: "problems", class: "card", "aria-label": "Problems of specs" },
    h("h2", null, source.error ? "The specs cannot be read as they should" : "Specs with problems"),
    source.error ? problem(source.error, "warn") : null,
    errors.length === 0 ? null : h("details", { startsOpen: errors.length <= 2 && matchMedia("(min-width: 40rem)").matches },
      h("summary", null, plural(errors.length, "problem")), ...errors.slice(0, 100).map((e) => problem(e, "bad")),
      errors.length > 100 ? h("p", { class: "soft" }, `and ${errors.length - 100} more: the API has them all`) : null));
}
