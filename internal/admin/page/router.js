// The place within the page, from the fragment of its address.

export const to = {
  filters: "#/",
  envoys: "#/envoys",
  events: "#/events",
  server: "#/server",
  filter: (name) => "#/filters/" + encodeURIComponent(name),
  envoy: (id) => "#/envoys/" + encodeURIComponent(id),
};

// parse returns the view of a fragment, with its name if it has one.
export function parse(fragment) {
  const [view, ...rest] = fragment.replace(/^#?\/?/, "").split("/");
  let name = rest.join("/");
  try {
    name = decodeURIComponent(name);
  } catch { /* the name stands as it is */ }
  if (view === "" || (view === "filters" && name === "")) return { view: "filters", name: "" };
  if (view === "filters") return { view: "filter", name };
  if (view === "envoys") return { view: name === "" ? "envoys" : "envoy", name };
  if (view === "events" || view === "server") return { view, name: "" };
  return { view: "missing", name: fragment };
}
