// What a person can do with a filter, and what each action will do in this moment.

import { filterPath } from "./api.js";
import { first, plural, shell } from "./format.js";

// program is the command line's beginning. A server elsewhere needs its address.
function program() {
  const { protocol, host } = location;
  if (protocol === "http:" && /^(127\.0\.0\.1|localhost):18002$/.test(host)) return ["wasm-xds", ""];
  return ["wasm-xds", " --admin-address " + (protocol === "https:" ? "https://" : "") + host];
}

export function line(...words) {
  const [name, address] = program();
  return [name, ...words.filter(Boolean).map(shell)].join(" ") + address;
}

const envoys = (f) => plural(f.envoys.total, "Envoy");

function rest(f) {
  const r = f.rolloutStatus;
  const done = Math.max(0, ...(r?.waves ?? []).map((w) => w.live)); // a wave includes the waves before
  return r?.waves?.length ? `${plural(Math.max(0, f.envoys.total - done), "Envoy")} that do not run it yet` : "remaining Envoys";
}

const reason = { id: "reason", kind: "text", label: "Reason, for the record", value: "" };
const because = (v) => (v.reason ? { reason: v.reason } : {});
const reasonFlag = (v) => (v.reason ? ["--reason", v.reason] : []);

// rolloutAction makes an action of the rollout that is under way.
const rolloutAction = (f, verb, more) => ({
  id: verb, command: () => line("rollout", verb, f.name),
  request: () => ({ method: "POST", path: filterPath(f.name, "/rollout/" + verb), body: {} }), ...more,
});

// possible lists the actions that make sense for a filter now, the likeliest first.
export function possible(f, history) {
  const r = f.rolloutStatus;
  const candidate = r ? first(r.revision) : "";
  const going = Boolean(r) && r.state !== "stopped" && r.state !== "watching";
  const all = [];
  const pausedBySpec = r?.paused?.by === "spec"; // a promotion alone ends such a pause
  if (going && r.paused && !pausedBySpec) {
    all.push(rolloutAction(f, "resume", {
      label: "Resume", title: `Resume the rollout of ${f.name}`, done: "The rollout goes on.",
      effect: [`The rollout of revision ${candidate} goes on with the next wave. Soak and health still count.`],
    }));
  }
  if (going && !r.promoted) {
    all.push(rolloutAction(f, "promote", {
      label: "Promote", title: `Promote ${f.name}`, done: "The rollout goes on without a wait.",
      effect: [`Revision ${candidate} goes to the ${rest(f)}, without the rest of the soak and without waiting for the canaries.`,
        "Still, one Envoy of each version gets it before the others, and a refusal stops the rollout."],
    }));
  }
  if (going && !r.paused) {
    all.push(rolloutAction(f, "pause", {
      label: "Pause", title: `Pause the rollout of ${f.name}`, done: "The rollout is paused.",
      fields: [reason], request: (v) => ({ method: "POST", path: filterPath(f.name, "/rollout/pause"), body: because(v) }), command: (v) => line("rollout", "pause", f.name, ...reasonFlag(v)),
      effect: [`No further Envoy gets revision ${candidate} until somebody resumes or promotes the rollout. The Envoys that run it keep it.`],
    }));
  }
  if (going && f.stable) {
    all.push(rolloutAction(f, "abort", {
      label: "Abort", tone: "danger", title: `Abort the rollout of ${f.name}`, done: "The rollout is aborted.",
      fields: [reason], request: (v) => ({ method: "POST", path: filterPath(f.name, "/rollout/abort"), body: because(v) }), command: (v) => line("rollout", "abort", f.name, ...reasonFlag(v)),
      effect: [`The Envoys that run revision ${candidate} go back to ${first(f.stable)} at once. The others never get it.`,
        `Revision ${candidate} stays refused until its spec changes or somebody retries it.`],
    }));
  }
  if (f.rejected?.length || r?.state === "stopped" || f.condition === "failing" && f.error && f.state !== "unknown") {
    const revision = f.rejected?.[0] ?? "";
    all.push({
      id: "retry", label: "Retry", title: `Retry ${f.name}`, done: "The revision is tried again.", command: () => line("retry", f.name),
      request: () => ({ method: "POST", path: filterPath(f.name, "/retry"), body: {} }),
      effect: [`Past refusals of ${revision ? "revision " + first(revision) : "the newest content"} are forgotten. It is tried again like a new one: in the sandbox, then on the canaries.`],
    });
  }
  const earlier = (history?.revisions ?? []).filter((one) => one.revision !== f.revision && one.state !== "rejected" && one.state !== "candidate");
  if (earlier.length > 0 && f.state !== "removed") all.push(rollback(f, earlier, history.rollback));
  if (isPinned(f)) {
    all.push({
      id: "unpin", label: "Unpin", title: `Unpin ${f.name}`, done: "The pin is gone.", command: () => line("unpin", f.name),
      request: () => ({ method: "POST", path: filterPath(f.name, "/unpin"), body: {} }),
      effect: [`The spec counts again: its revision rolls out to ${envoys(f)} like an edit, with canaries, soak and health.`],
    });
  }
  if (f.state === "removed" && f.envoys.total === 0) {
    all.push({
      id: "forget", label: "Forget", tone: "danger", title: `Forget ${f.name}`, done: "The filter is forgotten.", command: () => line("forget", f.name),
      request: () => ({ method: "POST", path: filterPath(f.name, "/forget"), body: {} }), leaves: true,
      effect: ["Its revisions, verdicts and history are dropped for good. No Envoy asks for it, so no request is affected."],
    });
  }
  return all;
}

export const isPinned = (f) => Boolean(f.pinned) || ["rolled_back", "pinned"].includes(f.error?.code);

// rollback offers the earlier revisions. preferred is the one that the server would choose.
export function rollback(f, earlier, preferred) {
  const chosen = earlier.find((one) => one.revision === preferred) ?? earlier[0];
  return {
    id: "rollback", label: "Roll back", tone: "danger", title: `Roll back ${f.name}`, done: "The earlier revision is served.",
    fields: [
      { id: "revision", kind: "choice", label: "Revision", value: chosen.revision, choices: earlier.map((one) => ({ value: one.revision, text: first(one.revision) + (one.state === "stable" ? " (last stable)" : "") })) },
      { id: "pin", kind: "check", label: "Pin it: later edits of the spec do not end the rollback", value: false },
    ],
    command: (v) => line("rollback", f.name, v.revision, v.pin && "--pin"),
    request: (v) => ({ method: "POST", path: filterPath(f.name, "/rollback"), body: v.pin ? { revision: v.revision, pin: true } : { revision: v.revision } }),
    effect: (v) => [`All ${envoys(f)} of the filter get revision ${first(v.revision)} at once, without soak: it ran before.`,
      v.pin ? "It is served until somebody unpins the filter, whatever the spec says." : "It is served until the content of the spec changes."],
  };
}

// freeze stops or allows promotions on the whole server.
export function freeze(frozen) {
  if (frozen) {
    return {
      id: "freeze-off", label: "Lift the freeze", title: "Lift the freeze", done: "Promotions are allowed again.", command: () => line("freeze", "off"),
      request: () => ({ method: "DELETE", path: "freeze", body: {} }), effect: ["Rollouts go on from where they are."],
    };
  }
  return {
    id: "freeze-on", label: "Freeze", title: "Freeze all rollouts", done: "Promotions are frozen.",
    fields: [{ id: "reason", kind: "text", label: "Reason", value: "", required: true }],
    command: (v) => line("freeze", "on", "--reason", v.reason || "…"),
    request: (v) => ({ method: "POST", path: "freeze", body: { reason: v.reason } }),
    effect: ["No rollout of any filter goes on to further Envoys until somebody lifts the freeze.", "Rollbacks, and what goes back by itself, still pass."],
  };
}
