// My-filter lets a request pass if its header "token" is one of the tokens in the configuration.
import {
  Action, HeaderMap, LogLevel, configuration, getHeader, log, removeHeader, respond,
} from "./proxywasm";

export { proxy_abi_version_0_2_1, proxy_on_memory_allocate } from "./proxywasm";

// The configuration. A VM of this module has one: each filter has a VM of its own by default.
let tokens: string[] = [];

// Gets `config` of the spec: tokens with blanks or line ends between them. After false, Envoy goes
// on with the former configuration.
export function proxy_on_configure(context: u32, size: u32): bool {
  const words = configuration().replaceAll("\n", " ").split(" ").filter(word => word != "");
  if (words.length == 0) {
    log(LogLevel.Error, "my-filter: the configuration has no tokens");
    return false;
  }
  tokens = words;
  return true;
}

// Decides about the request before the upstream gets any of it.
export function proxy_on_request_headers(context: u32, count: u32, endOfStream: bool): Action {
  const token = getHeader(HeaderMap.Request, "token");
  if (token === null) return respond(401, "A token is missing.\n");
  let known = false;
  for (let i = 0; i < tokens.length; i++) {
    if (equal(tokens[i], token)) known = true;
  }
  if (!known) return respond(403, "Access forbidden.\n");
  removeHeader(HeaderMap.Request, "token"); // the upstream need not know the token
  return Action.Continue;
}

// equal compares all letters, so that nobody can guess a token letter by letter from the time.
function equal(a: string, b: string): bool {
  if (a.length != b.length) return false;
  let differ = 0;
  for (let i = 0; i < a.length; i++) differ |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return differ == 0;
}
