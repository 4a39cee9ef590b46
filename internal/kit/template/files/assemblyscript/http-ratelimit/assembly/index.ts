// My-filter lets a number of requests pass in a minute, and answers the others with 429. The
// configuration is the number.
import { Action, LogLevel, SharedNumber, configuration, log, now, respond } from "./proxywasm";

export { proxy_abi_version_0_2_1, proxy_on_memory_allocate } from "./proxywasm";

const second: u64 = 1_000_000_000; // in nanoseconds
const minute: u64 = 60 * second;

// The configuration. A VM of this module has one: each filter has a VM of its own by default.
let perMinute: u64 = 0;

// Gets `config` of the spec. After false, Envoy goes on with the former configuration.
export function proxy_on_configure(context: u32, size: u32): bool {
  const number = I64.parseInt(configuration());
  if (number < 1) {
    log(LogLevel.Error, "my-filter: the configuration has to be the number of requests a minute");
    return false;
  }
  perMinute = number as u64;
  return true;
}

// Decides about the request before the upstream gets any of it.
export function proxy_on_request_headers(context: u32, count: u32, endOfStream: bool): Action {
  const wait = take(now());
  if (wait == 0) return Action.Continue;
  const seconds = (wait + second - 1) / second;
  return respond(429, "Too many requests.\n", "retry-after", seconds.toString());
}

// take takes a request from the budget, and returns 0, or the time until there is one again. Shared
// data has one moment for all worker threads: up to there, the budget is spent. A request moves it
// on by a share of a minute. A write fails if another thread has written since the read.
function take(time: u64): u64 {
  const share = minute / perMinute;
  while (true) {
    const known = new SharedNumber("spent");
    const spent = max(known.value, time - minute); // after a minute, the whole budget is there
    if (spent + share > time) return spent + share - time;
    if (known.set(spent + share)) return 0;
  }
}
