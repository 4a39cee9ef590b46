// The page's entry: the views, the route and the loop that draws.

import { confirm } from "./dialog.js";
import { envoyPage, envoys } from "./envoys.js";
import { filterPage } from "./filter.js";
import { banners, footer, header, onTheme } from "./frame.js";
import { log } from "./log.js";
import { overview } from "./overview.js";
import { link } from "./parts.js";
import { parse, to } from "./router.js";
import { server } from "./server.js";
import { Store } from "./store.js";
import { h, patch } from "./vdom.js";

const figuresEvery = 10_000; // ms, as the server has a point every 10 s
const othersEvery = 3_000; // ms: a server has no events of other replicas

const missing = {
  needs: () => [], title: () => "Not found",
  render: ({ name }) => [h("h1", { tabindex: -1 }, "There is no such page"), h("p", null, name, " leads nowhere. ", link(to.filters, "All filters"), " are a good start.")],
};
const views = { filters: overview, filter: filterPage, envoys, envoy: envoyPage, events: log, server, missing };

const byID = (id) => document.getElementById(id);
const store = new Store(() => schedule());
const kept = new Map(); // by address: the search, the page and the choices of a view
let place = parse(location.hash), planned = false;

function uiOf(hash) {
  if (!kept.has(hash)) kept.set(hash, {});
  const values = kept.get(hash);
  return {
    ...values, set: (change) => {
      Object.assign(values, change);
      schedule();
    },
  };
}

// act asks before an action. A filter that was forgotten has no page any more.
function act(action) {
  confirm(action, () => {
    if (action.leaves) location.hash = to.filters;
    store.refresh();
  });
}

function schedule() {
  if (planned) return;
  planned = true;
  requestAnimationFrame(() => {
    planned = false;
    draw();
  });
}

function draw() {
  const view = views[place.view];
  const now = store.link === "up" || store.asOf === null ? Date.now() : store.asOf.getTime(); // old figures do not age
  const ctx = { store, place, name: place.name, ui: uiOf(location.hash), now, act };
  patch(byID("top"), header(ctx));
  patch(byID("banners"), banners(ctx));
  const hidden = store.link === "token" && store.asOf === null;
  patch(byID("content"), hidden ? null : view.render(ctx));
  byID("content").classList.toggle("stale", store.link !== "up" && store.asOf !== null);
  patch(byID("foot"), footer());
  document.title = view.title(ctx) + " · wasm-xds";
}

function show() {
  place = parse(location.hash);
  store.need(() => [...views[place.view].needs(place.name), { path: "freeze", optional: true }, { path: "replicas", optional: true }]);
  store.forget();
  schedule();
}

addEventListener("hashchange", () => {
  show();
  scrollTo(0, 0);
  requestAnimationFrame(() => byID("content").focus({ preventScroll: true }));
});
addEventListener("online", () => store.retryNow());
addEventListener("keydown", (e) => {
  if (e.key !== "/" || e.ctrlKey || e.metaKey || e.target.closest("input, textarea, select, dialog")) return;
  const field = document.querySelector("#content .search");
  if (!field) return;
  e.preventDefault();
  field.focus();
});
setInterval(() => {
  if (document.visibilityState === "visible") schedule();
}, 1000);
setInterval(() => {
  if (document.visibilityState === "visible" && place.view === "filter" && store.link === "up") store.refresh();
}, figuresEvery);
setInterval(() => {
  if (document.visibilityState === "visible" && store.link === "up" && store.get("replicas")?.length > 1) store.refresh();
}, othersEvery);

onTheme(schedule);
show();
store.run();
