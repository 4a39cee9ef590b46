// The frame of all views: the header, the banners and the footer.

import { freeze } from "./actions.js";
import { token } from "./api.js";
import { ago, at } from "./format.js";
import { command, link } from "./parts.js";
import { to } from "./router.js";
import { h } from "./vdom.js";

const views = [["filters", "Filters"], ["envoys", "Envoys"], ["events", "Events"], ["server", "Server"]];

export function header({ store, place, act }) {
  const section = { filter: "filters", envoy: "envoys" }[place.view] ?? place.view;
  return [
    h("a", { class: "brand", href: to.filters }, h("img", { src: "page/icon.svg", alt: "", width: 24, height: 24 }), "wasm-xds"),
    h("nav", { class: "views", "aria-label": "Views" }, ...views.map(([id, name]) => h("a", { key: id, href: to[id], "aria-current": id === section ? "page" : null }, name))),
    h("div", { class: "push line" },
      h("span", { id: "link", class: "link " + store.link, role: "status" }, linkText(store)),
      store.get("freeze") ? h("button", { type: "button", class: "quiet", "data-act": "freeze", disabled: store.link !== "up", onclick: () => act(freeze(isFrozen(store))) }, isFrozen(store) ? "Frozen" : "Freeze…") : null,
      themeButton(),
      token.get() ? h("button", { type: "button", class: "quiet", onclick: () => { token.set(""); location.reload(); } }, "Sign out") : null),
  ];
}

const linkText = (store) => ({ up: "Live", connecting: "Connecting", lost: "Connection lost", token: "Token needed" })[store.link];

const isFrozen = (store) => Boolean(store.get("freeze")?.frozen);

const themes = ["", "light", "dark"];
const themeNames = { "": "system", light: "light", dark: "dark" };

function themeButton() {
  const now = localStorage.getItem("theme") ?? "";
  const next = themes[(themes.indexOf(now) + 1) % themes.length];
  return h("button", {
    type: "button", class: "quiet", id: "theme", "aria-label": `Theme: ${themeNames[now]}. Change to ${themeNames[next]}`, title: `Theme: ${themeNames[now]}`,
    onclick: () => choose(next),
  }, h("span", { class: "glyph " + (now || "system"), "aria-hidden": "true" }));
}

let redraw = () => {};
export const onTheme = (draw) => { redraw = draw; };

function choose(theme) {
  if (theme) {
    localStorage.setItem("theme", theme);
    document.documentElement.dataset.theme = theme;
  } else {
    localStorage.removeItem("theme");
    delete document.documentElement.dataset.theme;
  }
  redraw();
}

export function banners({ store, act, now }) {
  const degraded = store.get("replicas")?.find((r) => r.self && r.degraded);
  const frozen = isFrozen(store) ? store.get("freeze") : null;
  return [
    store.link === "lost" ? h("div", { key: "lost", class: "banner bad" },
      h("p", null, h("b", null, "The server does not answer."), store.asOf ? ` What you see is as of ${at(store.asOf, now)}.` : "", " The page tries again by itself."),
      h("button", { type: "button", onclick: () => store.retryNow() }, "Try now")) : null,
    store.link === "token" ? login(store) : null,
    degraded ? h("div", { key: "degraded", class: "banner warn" },
      h("p", null, h("b", null, "Degraded: "), degraded.degraded.message, ". Envoys keep their filters.", degraded.waits.length ? ` Waits: ${degraded.waits.join("; ")}.` : "")) : null,
    frozen ? h("div", { key: "frozen", class: "banner warn" },
      h("p", null, h("b", null, "Rollouts are frozen"), frozen.by ? ` by ${frozen.by}` : "", frozen.at ? `, ${ago(frozen.at, now)}` : "", frozen.reason ? `: ${frozen.reason}.` : ".", " Rollbacks still pass."),
      h("div", { class: "line" }, h("button", { type: "button", disabled: store.link !== "up", "data-act": "freeze-off", onclick: () => act(freeze(true)) }, "Lift…"), command(freeze(true).command({})))) : null,
  ];
}

function login(store) {
  const enter = (e) => {
    e.preventDefault();
    const field = e.target.elements.token;
    token.set(field.value.trim());
    field.value = "";
    store.retryNow();
  };
  return h("form", { key: "login", id: "login", class: "banner calm", onsubmit: enter },
    h("label", { for: "token" }, token.get() ? "The server does not know this token. Another one:" : "This server wants a token:"),
    h("input", { id: "token", name: "token", type: "password", autocomplete: "off", required: true }), h("button", { class: "primary" }, "Show"),
    h("span", { class: "soft" }, "It is kept until this tab is closed."));
}

export const footer = () => [
  "The same as data: ", link("api/v1/filters", "filters"), " · ", link("api/v1/nodes", "Envoys"), " · ", link("api/v1/snapshot", "snapshot"), " · ",
  link("metrics", "metrics"), " · ", link("api/v1/openapi.json", "OpenAPI"),
];
