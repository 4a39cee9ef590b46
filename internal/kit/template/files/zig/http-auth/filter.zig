//! My-filter lets a request pass if its header "token" is one of the tokens in the configuration.

const std = @import("std");
const envoy = @import("proxywasm.zig");

/// The tokens, with blanks or line ends between them. A VM of this module has one configuration:
/// each filter has a VM of its own by default.
var tokens: []u8 = &.{};

const blanks = " \t\r\n";

/// Gets `config` of the spec. After false, Envoy goes on with the former configuration.
export fn proxy_on_configure(_: u32, _: u32) bool {
    const configuration = envoy.getBuffer(.plugin_configuration);
    if (std.mem.trim(u8, configuration, blanks).len == 0) {
        envoy.log(.err, "my-filter: the configuration has no tokens");
        return false;
    }
    envoy.allocator.free(tokens);
    tokens = configuration;
    return true;
}

/// Decides about the request before the upstream gets any of it.
export fn proxy_on_request_headers(_: u32, _: u32, _: u32) envoy.Action {
    const token = envoy.getHeader(.request, "token") orelse
        return envoy.respond(401, "A token is missing.\n", null);
    defer envoy.allocator.free(token);
    var known = false;
    var words = std.mem.tokenizeAny(u8, tokens, blanks);
    while (words.next()) |word| {
        if (equal(word, token)) known = true;
    }
    if (!known) return envoy.respond(403, "Access forbidden.\n", null);
    envoy.removeHeader(.request, "token"); // the upstream need not know the token
    return .proceed;
}

/// Compares all bytes, so that nobody can guess a token letter by letter from the time.
fn equal(a: []const u8, b: []const u8) bool {
    if (a.len != b.len) return false;
    var differ: u8 = 0;
    for (a, b) |x, y| differ |= x ^ y;
    return differ == 0;
}
