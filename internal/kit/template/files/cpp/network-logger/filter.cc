// My-filter logs each TCP connection at its end: the addresses and the bytes of both directions.
#include "proxywasm.h"

// The configuration. A VM of this module has one: each filter has a VM of its own by default.
static Bytes prefix;

struct Connection {
  uint64_t received, sent; // bytes
};
static Contexts<Connection> connections;

// Gets `config` of the spec: the first word of each line.
CALLBACK(bool, proxy_on_configure)(uint32_t, uint32_t) {
  prefix = get_buffer(PLUGIN_CONFIGURATION);
  return true;
}

// Called with bytes from the client.
CALLBACK(Action, proxy_on_downstream_data)(uint32_t context, uint32_t size, uint32_t) {
  connections[context].received += size;
  return CONTINUE;
}

// Called with bytes from the upstream.
CALLBACK(Action, proxy_on_upstream_data)(uint32_t context, uint32_t size, uint32_t) {
  connections[context].sent += size;
  return CONTINUE;
}

// add adds an address of the connection to a line, or "-" if Envoy knows none.
static void add(Bytes &line, Text path) {
  Bytes value;
  if (get_property(path, value))
    line.add(value);
  else
    line.add("-");
}

// Called when the connection is over. The line is in Envoy's log, at the level info of its logger
// "wasm".
CALLBACK(void, proxy_on_log)(uint32_t context) {
  const Connection &c = connections[context];
  Bytes line;
  line.add(prefix).add(": source=");
  add(line, "source\0address");
  line.add(" destination=");
  add(line, "destination\0address");
  line.add(" received=").add(c.received).add(" sent=").add(c.sent);
  log(INFO, line);
}

// The last callback of a connection.
CALLBACK(void, proxy_on_delete)(uint32_t context) { connections.remove(context); }
