// Small parts that several views use.

import { h } from "./vdom.js";
import { number } from "./format.js";
import { copy } from "./clipboard.js";

export const badge = (text, tone) => h("span", { class: "badge " + tone }, h("span", { class: "dot", "aria-hidden": "true" }), text);
export const code = (text, attributes) => h("code", attributes, text);
export const soft = (...children) => h("span", { class: "soft" }, ...children);
export const link = (href, ...children) => h("a", { href }, ...children);

export function card(title, attributes, ...children) {
  return h("section", { ...attributes, class: "card " + (attributes?.class ?? ""), "aria-label": title }, h("h2", null, title), ...children);
}

// facts is a list of names and values. Facts without a value are left out.
export function facts(...pairs) {
  return h("dl", { class: "facts" }, ...pairs.filter(([, value]) => value).map(([name, value]) => h("div", { key: name }, h("dt", null, name), h("dd", null, value))));
}

// rich shows text in which `this` is code, as the messages of the server have it.
export const rich = (text) => text.split("`").map((part, i) => (i % 2 ? code(part) : part));

const place = (e) => (e.file ? e.file + (e.line ? ":" + e.line + (e.column ? ":" + e.column : "") : "") : "");

// problem shows an error: the cause, the next step, and the place in a file.
export function problem(e, tone = "bad", extra = null) {
  return h("div", { class: "note " + tone },
    h("p", null, rich(e.message)),
    e.hint ? h("p", { class: "next" }, h("span", { class: "label" }, "Next step"), " ", rich(e.hint)) : null,
    place(e) ? h("p", null, code(place(e))) : null, extra);
}

// command is a command line with a button that copies it.
export function command(text) {
  const parts = text.split(" ").flatMap((word, i) => [i ? " " : "", h("span", { key: i, class: "word" }, word)]);
  return h("div", { class: "command" }, h("code", null, parts),
    h("button", { type: "button", class: "quiet copy", "aria-label": "Copy the command " + text, title: "Copy", onclick: () => copy(text) }, "Copy"));
}

// pager shows one page of a long list, so that the document stays small.
export function pager(list, ui, render, of) {
  const pages = Math.max(1, Math.ceil(list.length / pageSize));
  const page = Math.min(ui.page ?? 0, pages - 1);
  const begin = page * pageSize;
  const shown = list.slice(begin, begin + pageSize);
  const turn = (by) => () => ui.set({ page: page + by });
  return [
    render(shown),
    pages === 1 ? null : h("nav", { class: "pager", "aria-label": "Pages of " + of },
      h("button", { type: "button", disabled: page === 0, onclick: turn(-1) }, "Previous"),
      h("span", { class: "soft", role: "status" }, `${number(begin + 1)}–${number(begin + shown.length)} of ${number(list.length)} ${of}`),
      h("button", { type: "button", disabled: page === pages - 1, onclick: turn(1) }, "Next")),
  ];
}
export const pageSize = 50;

// table has a row for each item. On a narrow screen each cell shows the name of its column.
export function table(label, columns, items, key, empty = "None.") {
  if (items.length === 0) return h("p", { class: "soft empty" }, empty);
  return h("table", { "aria-label": label },
    h("thead", null, h("tr", null, ...columns.map((c) => h("th", { scope: "col", class: c.class ?? "" }, c.name)))),
    h("tbody", null, ...items.map((item) => h("tr", { key: key(item) },
      ...columns.map((c) => h("td", { "data-label": c.name, class: c.class ?? "" }, h("div", null, c.cell(item))))))));
}

export function search(label, ui) {
  return h("input", {
    type: "search", class: "search", "aria-label": label, placeholder: label, value: ui.query ?? "", autocomplete: "off", spellcheck: "false",
    oninput: (e) => ui.set({ query: e.target.value, page: 0 }),
  });
}

// chips choose one of several subsets of a list.
export function chips(label, choices, chosen, choose) {
  return h("div", { class: "chips", role: "group", "aria-label": label }, ...choices.map((c) => h("button", {
    key: c.value, type: "button", class: "chip", "aria-pressed": String(c.value === chosen), onclick: () => choose(c.value),
  }, c.text, " ", h("span", { class: "count " + (c.tone ?? "") }, number(c.count)))));
}

// bar shows a part of a whole. The text beside it says the same.
export const bar = (part, whole, tone = "good") => h("div", { class: "bar " + tone, "aria-hidden": "true", "--fill": whole ? part / whole : 0 }, h("div", null));

export function disclosure(summary, content, attributes) {
  return h("details", attributes, h("summary", null, summary), content);
}

export const loading = () => h("p", { class: "soft empty" }, "Loading…");
