//! My-filter replaces a word in the bodies of text responses. The configuration is
//! WORD=REPLACEMENT.

const std = @import("std");
const envoy = @import("proxywasm.zig");

/// The configuration, and the place of its "=". A VM of this module has one: each filter has a VM
/// of its own by default.
var configuration: []u8 = &.{};
var equals: usize = 0;

/// The contexts of responses that are a text.
var texts: std.AutoHashMapUnmanaged(u32, void) = .empty;

/// Gets `config` of the spec. After false, Envoy goes on with the former configuration.
export fn proxy_on_configure(_: u32, _: u32) bool {
    const next = envoy.getBuffer(.plugin_configuration);
    const place = std.mem.indexOfScalar(u8, next, '=') orelse 0;
    if (place == 0) {
        envoy.log(.err, "my-filter: the configuration has to be WORD=REPLACEMENT");
        return false;
    }
    envoy.allocator.free(configuration);
    configuration = next;
    equals = place;
    return true;
}

/// Removes the length of a text, because the body is about to change.
export fn proxy_on_response_headers(context: u32, _: u32, _: u32) envoy.Action {
    const kind = envoy.getHeader(.response, "content-type") orelse return .proceed;
    defer envoy.allocator.free(kind);
    if (std.mem.startsWith(u8, kind, "text/")) {
        texts.put(envoy.allocator, context, {}) catch return .proceed;
        envoy.removeHeader(.response, "content-length");
    }
    return .proceed;
}

/// Called for each piece of the body. `pause` keeps the pieces in Envoy's buffer until the end,
/// because the word may lie in two pieces.
export fn proxy_on_response_body(context: u32, _: u32, end_of_stream: u32) envoy.Action {
    if (!texts.contains(context)) return .proceed;
    if (end_of_stream == 0) return .pause;
    const body = envoy.getBuffer(.response_body);
    defer envoy.allocator.free(body);
    const word = configuration[0..equals];
    const replacement = configuration[equals + 1 ..];
    const changed = std.mem.replaceOwned(u8, envoy.allocator, body, word, replacement) catch
        return .proceed;
    defer envoy.allocator.free(changed);
    envoy.setBuffer(.response_body, changed);
    return .proceed;
}

/// The last callback of a request.
export fn proxy_on_delete(context: u32) void {
    _ = texts.remove(context);
}
