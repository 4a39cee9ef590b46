//! The Proxy-Wasm ABI 0.2.1 for Zig: the functions of Envoy that a filter may call.
//!
//! A filter exports the callbacks that it needs; Envoy does without the others. The first argument
//! of a callback is the number of its context: each request and each connection has one, and so has
//! the configured filter, which is the root context.
//!
//! Values from Envoy belong to the caller, who frees them with `allocator`.

const std = @import("std");

pub const allocator = std.heap.wasm_allocator;

/// The result of a callback: `pause` keeps the message from going on.
pub const Action = enum(u32) { proceed = 0, pause = 1 };
pub const HeaderMap = enum(u32) { request = 0, response = 2 };
pub const Buffer = enum(u32) { request_body = 0, response_body = 1, plugin_configuration = 7 };
pub const LogLevel = enum(u32) { trace = 0, debug = 1, info = 2, warn = 3, err = 4, critical = 5 };

/// The results of host functions.
const ok = 0;
const cas_mismatch = 8;

/// A size that is larger than any buffer.
const everything = std.math.maxInt(i32);

const host = struct {
    const In = [*]const u8;
    const Out = *?[*]u8;

    extern "env" fn proxy_log(level: LogLevel, text: In, size: usize) u32;
    extern "env" fn proxy_get_current_time_nanoseconds(time: *u64) u32;
    extern "env" fn proxy_get_property(path: In, size: usize, value: Out, value_size: *usize) u32;
    extern "env" fn proxy_get_header_map_value(
        map: HeaderMap,
        name: In,
        size: usize,
        value: Out,
        value_size: *usize,
    ) u32;
    extern "env" fn proxy_replace_header_map_value(
        map: HeaderMap,
        name: In,
        size: usize,
        value: In,
        value_size: usize,
    ) u32;
    extern "env" fn proxy_remove_header_map_value(map: HeaderMap, name: In, size: usize) u32;
    extern "env" fn proxy_get_buffer_bytes(
        buffer: Buffer,
        start: usize,
        most: usize,
        bytes: Out,
        size: *usize,
    ) u32;
    extern "env" fn proxy_set_buffer_bytes(
        buffer: Buffer,
        start: usize,
        replaced: usize,
        bytes: In,
        size: usize,
    ) u32;
    extern "env" fn proxy_get_shared_data(
        key: In,
        size: usize,
        value: Out,
        value_size: *usize,
        version: *u32,
    ) u32;
    extern "env" fn proxy_set_shared_data(
        key: In,
        size: usize,
        value: In,
        value_size: usize,
        version: u32,
    ) u32;
    extern "env" fn proxy_send_local_response(
        status: u32,
        details: In,
        details_size: usize,
        body: In,
        body_size: usize,
        headers: In,
        headers_size: usize,
        grpc_status: i32,
    ) u32;
};

export fn proxy_abi_version_0_2_1() void {}

/// Envoy takes memory for each value that it passes to the filter.
export fn proxy_on_memory_allocate(size: usize) ?[*]u8 {
    const memory = allocator.alloc(u8, size) catch return null;
    return memory.ptr;
}

/// The address of bytes for Envoy. The address of no bytes may lie outside of the memory.
fn at(bytes: []const u8) [*]const u8 {
    return if (bytes.len == 0) "" else bytes.ptr;
}

pub fn log(level: LogLevel, text: []const u8) void {
    _ = host.proxy_log(level, at(text), text.len);
}

/// Logs a text with arguments, as std.fmt has them.
pub fn print(level: LogLevel, comptime format: []const u8, arguments: anytype) void {
    const text = std.fmt.allocPrint(allocator, format, arguments) catch return;
    defer allocator.free(text);
    log(level, text);
}

/// Returns null if there is no such header. The caller frees the value.
pub fn getHeader(map: HeaderMap, name: []const u8) ?[]u8 {
    var value: ?[*]u8 = null;
    var size: usize = 0;
    if (host.proxy_get_header_map_value(map, name.ptr, name.len, &value, &size) != ok) return null;
    return received(value, size);
}

pub fn setHeader(map: HeaderMap, name: []const u8, value: []const u8) void {
    _ = host.proxy_replace_header_map_value(map, name.ptr, name.len, at(value), value.len);
}

pub fn removeHeader(map: HeaderMap, name: []const u8) void {
    _ = host.proxy_remove_header_map_value(map, name.ptr, name.len);
}

/// Returns all bytes of a body, or of the configuration. The caller frees them.
pub fn getBuffer(buffer: Buffer) []u8 {
    var bytes: ?[*]u8 = null;
    var size: usize = 0;
    if (host.proxy_get_buffer_bytes(buffer, 0, everything, &bytes, &size) != ok) return &.{};
    return received(bytes, size);
}

pub fn setBuffer(buffer: Buffer, bytes: []const u8) void {
    _ = host.proxy_set_buffer_bytes(buffer, 0, everything, at(bytes), bytes.len);
}

/// Returns one of Envoy's attributes, or null. The path has a zero byte between its parts, as in
/// "source\x00address". The caller frees the value.
pub fn getProperty(path: []const u8) ?[]u8 {
    var value: ?[*]u8 = null;
    var size: usize = 0;
    if (host.proxy_get_property(path.ptr, path.len, &value, &size) != ok) return null;
    return received(value, size);
}

fn received(value: ?[*]u8, size: usize) []u8 {
    return if (value) |bytes| bytes[0..size] else &.{};
}

/// The time in nanoseconds since 1970.
pub fn now() u64 {
    var time: u64 = 0;
    _ = host.proxy_get_current_time_nanoseconds(&time);
    return time;
}

/// A number in shared data, for all worker threads of an Envoy, and its version.
pub const SharedNumber = struct {
    key: []const u8,
    value: u64 = 0,
    version: u32 = 0,

    pub fn read(key: []const u8) SharedNumber {
        var number = SharedNumber{ .key = key };
        var value: ?[*]u8 = null;
        var size: usize = 0;
        const status = host.proxy_get_shared_data(key.ptr, key.len, &value, &size, &number.version);
        if (status != ok) return number;
        const bytes = received(value, size);
        defer allocator.free(bytes);
        if (bytes.len == 8) number.value = std.mem.readInt(u64, bytes[0..8], .little);
        return number;
    }

    /// Returns false if another thread has written since the read.
    pub fn set(number: SharedNumber, value: u64) bool {
        const bytes: [8]u8 = @bitCast(value);
        const key = number.key;
        const status = host.proxy_set_shared_data(key.ptr, key.len, &bytes, 8, number.version);
        return status != cas_mismatch;
    }
};

pub const Header = struct { name: []const u8, value: []const u8 };

/// Answers in place of the upstream. The callback must then return the result, which is `pause`.
pub fn respond(status: u32, body: []const u8, header: ?Header) Action {
    var pairs: []u8 = &.{}; // their number, all sizes, and all texts with a zero byte each
    if (header) |h| {
        const sizes = [3]u32{ 1, @intCast(h.name.len), @intCast(h.value.len) };
        const parts = [_][]const u8{ std.mem.asBytes(&sizes), h.name, "\x00", h.value, "\x00" };
        pairs = std.mem.concat(allocator, u8, &parts) catch @trap();
    }
    defer allocator.free(pairs);
    const headers = at(pairs);
    const result =
        host.proxy_send_local_response(status, "", 0, at(body), body.len, headers, pairs.len, -1);
    if (result != ok) @trap(); // the failure policy of the filter decides
    return .pause;
}
