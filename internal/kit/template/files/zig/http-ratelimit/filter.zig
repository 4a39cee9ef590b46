//! My-filter lets a number of requests pass in a minute, and answers the others with 429. The
//! configuration is the number.

const std = @import("std");
const envoy = @import("proxywasm.zig");

const minute = std.time.ns_per_min;
const second = std.time.ns_per_s;

/// The configuration. A VM of this module has one: each filter has a VM of its own by default.
var per_minute: u64 = 0;

/// Gets `config` of the spec. After false, Envoy goes on with the former configuration.
export fn proxy_on_configure(_: u32, _: u32) bool {
    const configuration = envoy.getBuffer(.plugin_configuration);
    defer envoy.allocator.free(configuration);
    const number = std.fmt.parseInt(u32, configuration, 10) catch 0;
    if (number == 0) {
        envoy.log(.err, "my-filter: the configuration has to be the number of requests a minute");
        return false;
    }
    per_minute = number;
    return true;
}

/// Decides about the request before the upstream gets any of it.
export fn proxy_on_request_headers(_: u32, _: u32, _: u32) envoy.Action {
    const wait = take(envoy.now());
    if (wait == 0) return .proceed;
    var digits: [20]u8 = undefined;
    const seconds = std.fmt.bufPrint(&digits, "{d}", .{(wait + second - 1) / second}) catch "60";
    return envoy.respond(429, "Too many requests.\n", .{ .name = "retry-after", .value = seconds });
}

/// Takes a request from the budget, and returns 0, or the time until there is one again. Shared
/// data has one moment for all worker threads: up to there, the budget is spent. A request moves it
/// on by a share of a minute. A write fails if another thread has written since the read.
fn take(now: u64) u64 {
    const share = minute / per_minute;
    while (true) {
        const known = envoy.SharedNumber.read("spent");
        const spent = @max(known.value, now - minute); // after a minute, the whole budget is there
        if (spent + share > now) return spent + share - now;
        if (known.set(spent + share)) return 0;
    }
}
