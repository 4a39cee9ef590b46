//! Add_header_zig adds the response header "hello" with the configuration as its value, and takes the
//! header "x-powered-by" out.

const envoy = @import("proxywasm.zig");

/// The configuration. A VM of this module has one: each filter has a VM of its own by default.
var greeting: []u8 = &.{};

/// Gets `config` of the spec. After false, Envoy goes on with the former configuration.
export fn proxy_on_configure(_: u32, _: u32) bool {
    const configuration = envoy.getBuffer(.plugin_configuration);
    if (configuration.len == 0) {
        envoy.log(.err, "add_header_zig: the configuration is empty: it has to be the greeting");
        return false;
    }
    envoy.allocator.free(greeting);
    greeting = configuration;
    return true;
}

/// Changes the headers on their way to the client.
export fn proxy_on_response_headers(_: u32, _: u32, _: u32) envoy.Action {
    envoy.setHeader(.response, "hello", greeting);
    envoy.removeHeader(.response, "x-powered-by");
    return .proceed;
}
