// What the filter is made of: its spec, the resource for Envoy, and the results of its tests.

import { card, code, loading, problem, soft } from "./parts.js";
import { h } from "./vdom.js";
import { words } from "./words.js";

const tabs = [["spec", "Settings"], ["resource", "As Envoy gets it"], ["tests", "Tests"]];

export function content(ctx, answer) {
  if (answer === null) return null; // an older server
  if (answer === undefined) return card("Content", { id: "made-of" }, loading());
  const chosen = ctx.ui.tab ?? "spec";
  return card("Content", { id: "made-of" },
    h("div", { class: "tabs", role: "tablist", "aria-label": "Content", onkeydown: arrows }, ...tabs.map(([id, name]) => h("button", {
      key: id, type: "button", role: "tab", id: "tab-" + id, "aria-selected": String(id === chosen), "aria-controls": "panel",
      tabindex: id === chosen ? 0 : -1, onclick: () => ctx.ui.set({ tab: id }),
    }, name))),
    h("div", { id: "panel", role: "tabpanel", "aria-labelledby": "tab-" + chosen, tabindex: 0 }, ({ spec, resource, tests })[chosen](answer)));
}

function arrows(e) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
  if (!step) return;
  const all = [...e.currentTarget.querySelectorAll("[role=tab]")];
  const next = all[(all.indexOf(document.activeElement) + step + all.length) % all.length];
  next.focus();
  next.click();
}

const text = (label, body) => h("pre", { class: "text", tabindex: 0, "aria-label": label }, body);

function spec(a) {
  if (a.settings.length === 0) return h("p", { class: "soft empty" }, "No revision is served.");
  return [h("p", { class: "soft" }, a.specFile ? ["From ", code(a.specFile), ". "] : null, "The values of configurations and variables are hidden."),
    text("The settings", a.settings.join("\n"))];
}

function resource(a) {
  if (Object.keys(a.resource).length === 0) return h("p", { class: "soft empty" }, "No revision is served.");
  return [h("p", { class: "soft" }, "The TypedExtensionConfig of revision ", code(a.revision), a.envoy ? ` for Envoy ${a.envoy}` : "", ". The values of configurations and variables are hidden."),
    text("TypedExtensionConfig", JSON.stringify(a.resource, null, 2))];
}

function tests(a) {
  if (!a.tests?.length) return h("p", { class: "soft empty" }, "The spec has no tests.");
  return h("ul", { class: "tests" }, ...a.tests.map((t, i) => h("li", { key: i, class: t.outcome },
    h("span", { class: "mark", "aria-hidden": "true" }, { passed: "✓", failed: "✗" }[t.outcome] ?? "·"), h("span", null, t.name, " ", soft(words(t.outcome).toLowerCase())),
    t.error ? problem(t.error, "bad") : null)));
}
