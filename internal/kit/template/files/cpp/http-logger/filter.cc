// My-filter logs each request at its end: method, path, status and user agent.
#include "proxywasm.h"

// The configuration. A VM of this module has one: each filter has a VM of its own by default.
static Bytes prefix;

// Gets `config` of the spec: the first word of each line.
CALLBACK(bool, proxy_on_configure)(uint32_t, uint32_t) {
  prefix = get_buffer(PLUGIN_CONFIGURATION);
  return true;
}

// add adds the value of a header to a line, or "-" without a value.
static void add(Bytes &line, HeaderMap map, Text name) {
  Bytes value;
  line.add(" ");
  if (get_header(map, name, value) && value.size > 0)
    line.add(value);
  else
    line.add("-");
}

// Called when request and response are over. The headers can still be read here. The line is in
// Envoy's log, at the level info of its logger "wasm".
CALLBACK(void, proxy_on_log)(uint32_t) {
  Bytes line;
  line.add(prefix).add(":");
  add(line, REQUEST_HEADERS, ":method");
  add(line, REQUEST_HEADERS, ":path");
  add(line, RESPONSE_HEADERS, ":status");
  add(line, REQUEST_HEADERS, "user-agent");
  log(INFO, line);
}
