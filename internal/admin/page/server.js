// The server itself: where its specs come from, its certificates, and odd clients.

import { ago, at, left, number, plural } from "./format.js";
import { badge, card, code, facts, loading, problem, table } from "./parts.js";
import { h } from "./vdom.js";
import { toneOf, words } from "./words.js";

const paths = ["version", "snapshot", "source", "certificates", "identity", "visitors", "limits"];
const soon = 14 * 86400_000; // ms before the end of a certificate

export const server = {
  needs: () => paths.map((path) => ({ path, optional: path !== "source" })),
  title: () => "Server",
  render: ({ store, now }) => {
    const [version, snapshot, source, certificates, identity, visitors, limits] = paths.map((p) => store.get(p));
    if (!source) return loading();
    return [
      h("h1", { tabindex: -1 }, "Server"),
      card("Serving", null, facts(["Version", version?.version], ["Snapshot", snapshot?.version ? code(snapshot.version.slice(0, 12)) : null],
        ["Loaded from", snapshot?.loadedFrom], ["Serving it for", ago(snapshot?.since, now).replace(" ago", "")], ["Filters", snapshot ? number(Object.keys(snapshot.filters).length) : null])),
      replicas(store.get("replicas"), now),
      sources(source, now),
      card("Certificates", null, table("Certificates", [
        { name: "Ports", cell: (c) => c.ports.join(", ") },
        { name: "From", cell: (c) => code(c.file || c.spiffeId || c.socket || "") },
        { name: "Valid for", cell: (c) => [validity(c, now), c.error ? problem(c.error, "bad") : null] },
      ], certificates ?? [], (c) => c.ports.join(), "No port speaks TLS.")),
      identity && identity.mode !== "none" ? card("Identity of Envoys", null, facts(["Mode", identity.mode], ["Rules", identity.file ? [code(identity.file), ` ${plural(identity.rules, "rule")}`] : null]),
        identity.error ? problem(identity.error, "bad") : null,
        table("Refused claims", [
          { name: "Certificate", cell: (r) => code(r.certificate) }, { name: "Claim", cell: (r) => r.claim + " " + r.text },
          { name: "Times", class: "figure", cell: (r) => number(r.count) }, { name: "Last", class: "whole", cell: (r) => ago(r.last, now) },
        ], identity.refusals.slice(0, 50), (r) => r.certificate + r.claim + r.text, "No claim was refused in the last hour.")) : null,
      card("Odd clients of the last hour", null, table("Odd clients", [
        { name: "Client", cell: (v) => [v.node ? v.node + " " : "", code(v.address)] }, { name: "Port", cell: (v) => v.port },
        { name: "What it does", cell: (v) => problem({ message: v.message, hint: v.hint }, "warn") },
        { name: "Times", class: "figure", cell: (v) => number(v.count) }, { name: "Last", class: "whole", cell: (v) => ago(v.last, now) },
      ], (visitors ?? []).slice(0, 50), (v) => v.port + v.speaks + v.address, "None: every client speaks what its port speaks.")),
      card("Limits that were reached", null, table("Limits", [
        { name: "Limit", cell: (l) => [words(l.name), " ", code(l.flag)] }, { name: "At most", class: "figure", cell: (l) => number(l.most) },
        { name: "Refused", class: "figure", cell: (l) => number(l.refused) }, { name: "Last", class: "whole", cell: (l) => [ago(l.last, now), l.node ? " by " + l.node : ""] },
      ], limits ?? [], (l) => l.name, "None since the start.")),
    ];
  },
};

// replicas lists the control planes of a fleet. A server alone has none to list.
function replicas(all, now) {
  if (!all || all.length < 2) return null;
  return card("Replicas", null, table("Replicas", [
    { name: "Name", cell: (r) => [r.name, r.self ? " (this one)" : ""] },
    { name: "State", cell: (r) => [...replicaState(r), r.error ? problem(r.error, "bad") : null, r.degraded ? problem(r.degraded, "warn") : null] },
    { name: "Envoys", class: "figure", cell: (r) => (r.reachable ? number(r.envoys) : "?") },
    { name: "Specs", class: "whole", cell: (r) => (r.set ? code(r.set.slice(0, 12)) : "–") },
    { name: "Version", class: "whole", cell: (r) => r.version || "–" },
    { name: "Since", class: "whole", cell: (r) => ago(r.since, now) || "–" },
  ], all, (r) => r.name));
}

function replicaState(r) {
  const state = !r.reachable ? badge("Unreachable", "bad") : r.degraded ? badge("Degraded", "warn") : badge("Serving", "good");
  return r.leader ? [state, " ", badge("Leader", "info")] : [state];
}

function sources(source, now) {
  const parts = source.sources?.length ? source.sources : [{ name: source.directory, state: source.state, error: source.error, since: source.since }];
  return card("Sources of specs", null,
    table("Sources", [
      { name: "Source", cell: (s) => code(s.name) },
      { name: "State", cell: (s) => [badge(words(s.state), toneOf(s.state)), s.error ? problem(s.error, "warn") : null] },
      { name: "Specs", class: "figure", cell: (s) => number(s.specs ?? 0) },
      { name: "Problems", class: "figure", cell: (s) => number(s.problems ?? 0) },
      { name: "Since", class: "whole", cell: (s) => ago(s.since, now) || "–" },
    ], parts, (s) => s.name),
    ...source.errors.slice(0, 20).map((e) => problem(e, "bad")));
}

function validity(c, now) {
  if (!c.notAfter) return "There is no certificate yet.";
  const end = Date.parse(c.notAfter);
  const text = end < now ? "Expired " + at(c.notAfter, now) : left(c.notAfter, now);
  return end - now < soon ? badge(text, end < now ? "bad" : "warn") : text;
}
