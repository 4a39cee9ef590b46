// My-filter replaces a word in the bodies of text responses. The configuration is WORD=REPLACEMENT.
#include "proxywasm.h"

// The configuration, and its two parts. A VM of this module has one configuration: each filter has
// a VM of its own by default.
static Bytes configuration;
static Text word, replacement;

struct Stream {
  bool text; // the response is a text
};
static Contexts<Stream> streams;

// Gets `config` of the spec. After false, Envoy goes on with the former configuration.
CALLBACK(bool, proxy_on_configure)(uint32_t, uint32_t) {
  Bytes next = get_buffer(PLUGIN_CONFIGURATION);
  size_t equals = 0;
  while (equals < next.size && next.data[equals] != '=') equals++;
  if (equals == 0 || equals == next.size) {
    log(ERROR, "my-filter: the configuration has to be WORD=REPLACEMENT");
    return false;
  }
  configuration = static_cast<Bytes &&>(next);
  word = Text(configuration.data, equals);
  replacement = Text(configuration).from(equals + 1);
  return true;
}

// Removes the length of a text, because the body is about to change.
CALLBACK(Action, proxy_on_response_headers)(uint32_t context, uint32_t, uint32_t) {
  Bytes kind;
  if (get_header(RESPONSE_HEADERS, "content-type", kind) && Text(kind).starts_with("text/")) {
    streams[context].text = true;
    remove_header(RESPONSE_HEADERS, "content-length");
  }
  return CONTINUE;
}

// Called for each piece of the body. PAUSE keeps the pieces in Envoy's buffer until the end,
// because the word may lie in two pieces.
CALLBACK(Action, proxy_on_response_body)(uint32_t context, uint32_t, uint32_t end_of_stream) {
  if (!streams[context].text) return CONTINUE;
  if (!end_of_stream) return PAUSE;
  Bytes body = get_buffer(RESPONSE_BODY), changed;
  for (Text rest = body; rest.size > 0;) {
    const bool found = rest.starts_with(word);
    changed.add(found ? replacement : Text(rest.data, 1));
    rest = rest.from(found ? word.size : 1);
  }
  set_buffer(RESPONSE_BODY, changed);
  return CONTINUE;
}

// The last callback of a request.
CALLBACK(void, proxy_on_delete)(uint32_t context) { streams.remove(context); }
