// My-filter lets a number of requests pass in a minute, and answers the others with 429. The
// configuration is the number.
#include "proxywasm.h"

static const uint64_t second = 1000000000, minute = 60 * second; // in nanoseconds

// The configuration. A VM of this module has one: each filter has a VM of its own by default.
static uint64_t per_minute;

// Gets `config` of the spec. After false, Envoy goes on with the former configuration.
CALLBACK(bool, proxy_on_configure)(uint32_t, uint32_t) {
  Bytes configuration = get_buffer(PLUGIN_CONFIGURATION);
  uint64_t number = 0;
  for (size_t i = 0; i < configuration.size; i++) {
    const char digit = configuration.data[i];
    number = digit >= '0' && digit <= '9' && number < minute ? 10 * number + (digit - '0') : 0;
    if (number == 0) break;
  }
  if (number == 0) {
    log(ERROR, "my-filter: the configuration has to be the number of requests a minute");
    return false;
  }
  per_minute = number;
  return true;
}

// take takes a request from the budget, and returns 0, or the time until there is one again. Shared
// data has one moment for all worker threads: up to there, the budget is spent. A request moves it
// on by a share of a minute. A write fails if another thread has written since the read.
static uint64_t take(uint64_t now) {
  const Text key = "spent";
  const uint64_t share = minute / per_minute;
  for (;;) {
    Bytes value;
    uint32_t version = 0;
    uint64_t spent = now - minute; // the whole budget is there
    proxy_get_shared_data(key.data, key.size, &value.data, &value.size, &version);
    if (value.size == sizeof spent) {
      uint64_t known;
      memcpy(&known, value.data, sizeof known);
      if (known > spent) spent = known;
    }
    if (spent + share > now) return spent + share - now;
    spent += share;
    const uint32_t status = proxy_set_shared_data(
        key.data, key.size, reinterpret_cast<const char *>(&spent), sizeof spent, version);
    if (status != CAS_MISMATCH) return 0; // also after an error: a broken limit stops nobody
  }
}

// Decides about the request before the upstream gets any of it.
CALLBACK(Action, proxy_on_request_headers)(uint32_t, uint32_t, uint32_t) {
  uint64_t now = 0;
  proxy_get_current_time_nanoseconds(&now);
  const uint64_t wait = take(now);
  if (wait == 0) return CONTINUE;
  Bytes seconds;
  seconds.add((wait + second - 1) / second);
  return respond(429, "Too many requests.\n", "retry-after", seconds);
}
