// Reads the figures of a filter as the API has them.

// readFigures returns {seconds, canary, stable} with points {at, seconds, requests, errors5xx, denials4xx,
// p50, p99, traps, bypassed}. null: there are no figures.
export function readFigures(answer) {
  if (!answer) return null;
  const seconds = answer.seconds ?? answer.intervalSeconds ?? 10;
  return { seconds, canary: points(answer.canary), stable: points(answer.stable) };
}

function points(side) {
  return (Array.isArray(side) ? side : side?.points ?? []).map((p) => ({
    at: p.at, seconds: p.seconds, requests: p.requests ?? 0, errors5xx: p.errors5xx ?? p["5xx"] ?? 0, denials4xx: p.denials4xx ?? p["4xx"] ?? 0,
    p50: p.p50 ?? null, p99: p.p99 ?? null, traps: p.traps ?? 0, bypassed: p.bypassed ?? 0,
  }));
}
