// My-filter logs each TCP connection at its end: the addresses and the bytes of both directions.
import { Action, LogLevel, configuration, getProperty, log } from "./proxywasm";

export { proxy_abi_version_0_2_1, proxy_on_memory_allocate } from "./proxywasm";

// The configuration. A VM of this module has one: each filter has a VM of its own by default.
let prefix = "";

class Connection {
  received: u64 = 0; // bytes
  sent: u64 = 0;
}

// The connections, by context.
const connections = new Map<u32, Connection>();

function connection(context: u32): Connection {
  if (!connections.has(context)) connections.set(context, new Connection());
  return connections.get(context);
}

// Gets `config` of the spec: the first word of each line.
export function proxy_on_configure(context: u32, size: u32): bool {
  prefix = configuration();
  return true;
}

// Called with bytes from the client.
export function proxy_on_downstream_data(context: u32, size: u32, endOfStream: bool): Action {
  connection(context).received += size;
  return Action.Continue;
}

// Called with bytes from the upstream.
export function proxy_on_upstream_data(context: u32, size: u32, endOfStream: bool): Action {
  connection(context).sent += size;
  return Action.Continue;
}

// Called when the connection is over. The line is in Envoy's log, at the level info of "wasm".
export function proxy_on_log(context: u32): void {
  const c = connection(context);
  const source = address("source"), destination = address("destination");
  log(LogLevel.Info, `${prefix}: source=${source} destination=${destination}`
    + ` received=${c.received} sent=${c.sent}`);
}

// address returns an address of the connection, or "-" if Envoy knows none.
function address(peer: string): string {
  const value = getProperty([peer, "address"]);
  return value ? value : "-";
}

// The last callback of a connection.
export function proxy_on_delete(context: u32): void {
  connections.delete(context);
}
