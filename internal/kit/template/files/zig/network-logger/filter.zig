//! My-filter logs each TCP connection at its end: the addresses and the bytes of both directions.

const std = @import("std");
const envoy = @import("proxywasm.zig");

/// The configuration. A VM of this module has one: each filter has a VM of its own by default.
var prefix: []u8 = &.{};

const Connection = struct { received: u64 = 0, sent: u64 = 0 }; // bytes

/// The connections, by context.
var connections: std.AutoHashMapUnmanaged(u32, Connection) = .empty;

fn connection(context: u32) *Connection {
    const entry = connections.getOrPutValue(envoy.allocator, context, .{}) catch @trap();
    return entry.value_ptr;
}

/// Gets `config` of the spec: the first word of each line.
export fn proxy_on_configure(_: u32, _: u32) bool {
    envoy.allocator.free(prefix);
    prefix = envoy.getBuffer(.plugin_configuration);
    return true;
}

/// Called with bytes from the client.
export fn proxy_on_downstream_data(context: u32, size: u32, _: u32) envoy.Action {
    connection(context).received += size;
    return .proceed;
}

/// Called with bytes from the upstream.
export fn proxy_on_upstream_data(context: u32, size: u32, _: u32) envoy.Action {
    connection(context).sent += size;
    return .proceed;
}

/// Called when the connection is over. The line is in Envoy's log, at the level info of "wasm".
export fn proxy_on_log(context: u32) void {
    const c = connection(context);
    const source = envoy.getProperty("source\x00address");
    defer if (source) |bytes| envoy.allocator.free(bytes);
    const destination = envoy.getProperty("destination\x00address");
    defer if (destination) |bytes| envoy.allocator.free(bytes);
    envoy.print(.info, "{s}: source={s} destination={s} received={d} sent={d}", .{
        prefix, source orelse "-", destination orelse "-", c.received, c.sent,
    });
}

/// The last callback of a connection.
export fn proxy_on_delete(context: u32) void {
    _ = connections.remove(context);
}
