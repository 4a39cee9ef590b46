// My-filter lets a request pass if its header "token" is one of the tokens in the configuration.
#include "proxywasm.h"

// The tokens, with blanks or line ends between them. A VM of this module has one configuration:
// each filter has a VM of its own by default.
static Bytes tokens;

// next takes the first word off a text. It is empty at the end.
static Text next(Text &text) {
  auto blank = [&](size_t i) { return static_cast<unsigned char>(text.data[i]) <= ' '; };
  size_t start = 0, end = 0;
  while (start < text.size && blank(start)) start++;
  for (end = start; end < text.size && !blank(end);) end++;
  Text word(text.data + start, end - start);
  text = text.from(end);
  return word;
}

// Gets `config` of the spec. After false, Envoy goes on with the former configuration.
CALLBACK(bool, proxy_on_configure)(uint32_t, uint32_t) {
  Bytes configuration = get_buffer(PLUGIN_CONFIGURATION);
  Text words = configuration;
  if (next(words).size == 0) {
    log(ERROR, "my-filter: the configuration has no tokens");
    return false;
  }
  tokens = static_cast<Bytes &&>(configuration);
  return true;
}

// equal compares all bytes, so that nobody can guess a token letter by letter from the time.
static bool equal(Text a, Text b) {
  if (a.size != b.size) return false;
  volatile char differ = 0;
  for (size_t i = 0; i < a.size; i++) differ = differ | (a.data[i] ^ b.data[i]);
  return differ == 0;
}

// Decides about the request before the upstream gets any of it.
CALLBACK(Action, proxy_on_request_headers)(uint32_t, uint32_t, uint32_t) {
  Bytes token;
  if (!get_header(REQUEST_HEADERS, "token", token)) return respond(401, "A token is missing.\n");
  bool known = false;
  Text words = tokens;
  for (Text word = next(words); word.size > 0; word = next(words)) known |= equal(word, token);
  if (!known) return respond(403, "Access forbidden.\n");
  remove_header(REQUEST_HEADERS, "token"); // the upstream need not know the token
  return CONTINUE;
}
