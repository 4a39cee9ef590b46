//! My-filter logs each request at its end: method, path, status and user agent.

const envoy = @import("proxywasm.zig");

/// The configuration. A VM of this module has one: each filter has a VM of its own by default.
var prefix: []u8 = &.{};

/// Gets `config` of the spec: the first word of each line.
export fn proxy_on_configure(_: u32, _: u32) bool {
    envoy.allocator.free(prefix);
    prefix = envoy.getBuffer(.plugin_configuration);
    return true;
}

/// Called when request and response are over. The headers can still be read here. The line is in
/// Envoy's log, at the level info of its logger "wasm".
export fn proxy_on_log(_: u32) void {
    const method = Value.of(.request, ":method");
    defer method.free();
    const path = Value.of(.request, ":path");
    defer path.free();
    const status = Value.of(.response, ":status");
    defer status.free();
    const agent = Value.of(.request, "user-agent");
    defer agent.free();
    envoy.print(.info, "{s}: {s} {s} {s} {s}", .{
        prefix, method.text(), path.text(), status.text(), agent.text(),
    });
}

/// The value of a header that may be missing.
const Value = struct {
    bytes: ?[]u8,

    fn of(map: envoy.HeaderMap, name: []const u8) Value {
        return .{ .bytes = envoy.getHeader(map, name) };
    }

    fn text(value: Value) []const u8 {
        const bytes = value.bytes orelse return "-";
        return if (bytes.len == 0) "-" else bytes;
    }

    fn free(value: Value) void {
        if (value.bytes) |bytes| envoy.allocator.free(bytes);
    }
};
