// Add_header_cpp adds the response header "hello" with the configuration as the value, and takes
// the header "x-powered-by" out.
#include "proxywasm.h"

// The configuration. A VM of this module has one: each filter has a VM of its own by default.
static Bytes greeting;

// Gets `config` of the spec. After false, Envoy goes on with the former configuration.
CALLBACK(bool, proxy_on_configure)(uint32_t, uint32_t) {
  Bytes configuration = get_buffer(PLUGIN_CONFIGURATION);
  if (configuration.size == 0) {
    log(ERROR, "add_header_cpp: the configuration is empty: it has to be the greeting");
    return false;
  }
  greeting = static_cast<Bytes &&>(configuration);
  return true;
}

// Changes the headers on their way to the client.
CALLBACK(Action, proxy_on_response_headers)(uint32_t, uint32_t, uint32_t) {
  set_header(RESPONSE_HEADERS, "hello", greeting);
  remove_header(RESPONSE_HEADERS, "x-powered-by");
  return CONTINUE;
}
