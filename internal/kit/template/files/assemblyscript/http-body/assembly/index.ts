// My-filter replaces a word in the bodies of text responses. The configuration is WORD=REPLACEMENT.
import {
  Action, Buffer, HeaderMap, LogLevel, configuration, getBuffer, getHeader, log, removeHeader,
  setBuffer,
} from "./proxywasm";

export { proxy_abi_version_0_2_1, proxy_on_memory_allocate } from "./proxywasm";

// The configuration. A VM of this module has one: each filter has a VM of its own by default.
let word = "";
let replacement = "";

// The contexts of responses that are a text.
const texts = new Set<u32>();

// Gets `config` of the spec. After false, Envoy goes on with the former configuration.
export function proxy_on_configure(context: u32, size: u32): bool {
  const text = configuration();
  const equals = text.indexOf("=");
  if (equals < 1) {
    log(LogLevel.Error, "my-filter: the configuration has to be WORD=REPLACEMENT");
    return false;
  }
  word = text.substring(0, equals);
  replacement = text.substring(equals + 1);
  return true;
}

// Removes the length of a text, because the body is about to change.
export function proxy_on_response_headers(context: u32, count: u32, endOfStream: bool): Action {
  const kind = getHeader(HeaderMap.Response, "content-type");
  if (kind !== null && kind.startsWith("text/")) {
    texts.add(context);
    removeHeader(HeaderMap.Response, "content-length");
  }
  return Action.Continue;
}

// Called for each piece of the body. Pause keeps the pieces in Envoy's buffer until the end,
// because the word may lie in two pieces.
export function proxy_on_response_body(context: u32, size: u32, endOfStream: bool): Action {
  if (!texts.has(context)) return Action.Continue;
  if (!endOfStream) return Action.Pause;
  const body = String.UTF8.decode(getBuffer(Buffer.ResponseBody));
  setBuffer(Buffer.ResponseBody, String.UTF8.encode(body.replaceAll(word, replacement)));
  return Action.Continue;
}

// The last callback of a request.
export function proxy_on_delete(context: u32): void {
  texts.delete(context);
}
