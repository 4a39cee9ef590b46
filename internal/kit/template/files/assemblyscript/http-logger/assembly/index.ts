// My-filter logs each request at its end: method, path, status and user agent.
import { HeaderMap, LogLevel, configuration, getHeader, log } from "./proxywasm";

export { proxy_abi_version_0_2_1, proxy_on_memory_allocate } from "./proxywasm";

// The configuration. A VM of this module has one: each filter has a VM of its own by default.
let prefix = "";

// Gets `config` of the spec: the first word of each line.
export function proxy_on_configure(context: u32, size: u32): bool {
  prefix = configuration();
  return true;
}

// Called when request and response are over. The headers can still be read here. The line is in
// Envoy's log, at the level info of its logger "wasm".
export function proxy_on_log(context: u32): void {
  const method = text(getHeader(HeaderMap.Request, ":method"));
  const path = text(getHeader(HeaderMap.Request, ":path"));
  const status = text(getHeader(HeaderMap.Response, ":status"));
  const agent = text(getHeader(HeaderMap.Request, "user-agent"));
  log(LogLevel.Info, `${prefix}: ${method} ${path} ${status} ${agent}`);
}

// text is the value of a header, or "-" without a value.
function text(value: string | null): string {
  return value ? value : "-";
}
