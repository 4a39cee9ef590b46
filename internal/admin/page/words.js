// The words, tones and order of states. Tones are good, warn, bad and calm.

import { duration, plural } from "./format.js";

// attention is the highest rank that needs a person.
export const attention = 1;

const conditions = {
  failing: { text: "Failing", tone: "bad", rank: 0 },
  envoys_gone: { text: "Its Envoys are gone", tone: "warn", rank: 1 },
  progressing: { text: "In progress", tone: "info", rank: 2 },
  live: { text: "Live", tone: "good", rank: 3 },
  no_envoy: { text: "No Envoy asks for it", tone: "calm", rank: 4 },
};

const rollouts = {
  progressing: { text: "Rolling out", tone: "info", rank: 2 },
  soaking: { text: "Soaking", tone: "info", rank: 2 },
  watching: { text: "Live, still watched", tone: "good", rank: 2 },
  waiting: { text: "Waiting", tone: "warn", rank: 2 },
  paused: { text: "Paused", tone: "warn", rank: 1 },
  frozen: { text: "Frozen", tone: "warn", rank: 1 },
  stopped: { text: "Stopped", tone: "bad", rank: 0 },
};

// condition describes a filter at a glance.
export function condition(f) {
  if (f.state === "removed" && f.condition !== "failing") return { text: "Removed", tone: "calm", rank: 4 };
  const own = conditions[f.condition] ?? { text: words(f.condition), tone: "calm", rank: 2 };
  const rollout = f.rolloutStatus;
  if (f.condition === "failing" || !rollout) return own;
  return rolloutState(rollout);
}

// overrides are words for what a user has decided against the content of the spec.
export const overrides = (f) => [f.disabled ? "Disabled" : "", f.pinned ? "Pinned" : f.error?.code === "rolled_back" ? "Rolled back" : ""].filter(Boolean);

export function rolloutState(r) {
  const going = rollouts[r.state] ?? { text: words(r.state), tone: "info", rank: 2 };
  return r.overdue ? { text: going.text + ", overdue", tone: "bad", rank: 1 } : going;
}

const states = {
  active: "good", live: "good", ok: "good", connected: "good", candidate: "info", stable: "calm", earlier: "calm",
  fetching: "info", pending: "info", reading: "info", preparing: "info",
  degraded: "warn", held: "warn", removed: "warn",
  rejected: "bad", unknown: "bad", unavailable: "bad", denied: "bad", unsupported: "bad", gone: "calm",
};
export const toneOf = (state) => states[state] ?? "calm";

// subscriberRank puts errors first.
const ranks = { rejected: 0, denied: 1, unsupported: 1, pending: 2, fetching: 2, live: 3, gone: 4 };
export const subscriberRank = (s) => (ranks[s.state] ?? 2) - (s.error && s.state === "live" ? 1 : 0);

export const words = (code) => code.replaceAll("_", " ").replace(/^./, (c) => c.toUpperCase());

const waveStates = {
  waiting: { text: "waits", tone: "calm" },
  progressing: { text: "under way", tone: "info" },
  soaking: { text: "soaks", tone: "info" },
  paused: { text: "paused", tone: "warn" },
  passed: { text: "passed", tone: "good" },
  failed: { text: "failed", tone: "bad" },
  ended: { text: "ended", tone: "calm" },
};
export const waveState = (state) => waveStates[state] ?? { text: words(state), tone: "calm" };

const outcomes = {
  good: { text: "good", tone: "good" },
  bad: { text: "bad", tone: "bad" },
  no_evidence: { text: "not enough evidence yet", tone: "warn" },
  source_lost: { text: "figures are missing", tone: "warn" },
  unknown: { text: "unknown", tone: "calm" },
};
export const outcome = (o) => outcomes[o] ?? { text: words(o), tone: "calm" };

// sentence tells a rollout's state in one sentence.
export function sentence(f, now) {
  const r = f.rolloutStatus;
  if (!r) return "";
  const wave = r.waves?.[r.wave];
  const where = wave ? `wave ${r.wave + 1} of ${r.waves.length} (${waveName(wave)})` : "its Envoys";
  switch (r.state) {
    case "soaking": {
      const end = Date.parse(wave?.soakUntil);
      return `Soaks on ${where}` + (end > now ? ` for another ${duration((end - now) / 1000)}.` : ".");
    }
    case "paused":
      if (r.paused?.by === "spec") return `Waits for a promotion after ${where}, as pause in the spec says.`;
      return `Paused${r.paused?.by ? " by " + r.paused.by : ""}${r.paused?.reason ? ": " + r.paused.reason : " after " + where}.`;
    case "frozen":
      return `Frozen with the whole server${r.frozen?.reason ? ": " + r.frozen.reason : ""}. Rollbacks still pass.`;
    case "watching":
      return "All Envoys run it. It is watched" + (r.watchUntil ? ` for another ${duration((Date.parse(r.watchUntil) - now) / 1000)}` : "") + ", and taken back if it does harm.";
    case "stopped":
      return `The rollout of ${r.revision} has stopped.`;
    case "waiting":
      return `Waits on ${where}` + (r.waitsFor?.length ? ` for ${plural(r.waitsFor.length, "Envoy")}.` : ".");
    default:
      return `On its way to ${where}.`;
  }
}

// A wave of a number of Envoys has the number as its name.
export const waveName = (w) => ({ canary: "canary", all: "all Envoys" })[w.name] ?? (/^\d+$/.test(w.name) ? "first " + w.name : w.name);
