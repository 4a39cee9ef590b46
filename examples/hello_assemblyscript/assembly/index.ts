// Hello_assemblyscript adds the response header "hello" with the configuration as the value, and
// takes the header "x-powered-by" out.
import {
  Action, HeaderMap, LogLevel, configuration, log, removeHeader, setHeader,
} from "./proxywasm";

export { proxy_abi_version_0_2_1, proxy_on_memory_allocate } from "./proxywasm";

// The configuration. A VM of this module has one: each filter has a VM of its own by default.
let greeting = "";

// Gets `config` of the spec. After false, Envoy goes on with the former configuration.
export function proxy_on_configure(context: u32, size: u32): bool {
  const text = configuration();
  if (text == "") {
    log(LogLevel.Error, "hello_assemblyscript: the configuration is empty: it has to be the greeting");
    return false;
  }
  greeting = text;
  return true;
}

// Changes the headers on their way to the client.
export function proxy_on_response_headers(context: u32, count: u32, endOfStream: bool): Action {
  setHeader(HeaderMap.Response, "hello", greeting);
  removeHeader(HeaderMap.Response, "x-powered-by");
  return Action.Continue;
}
