// The Proxy-Wasm ABI 0.2.1 for AssemblyScript: the functions of Envoy that a filter may call.
//
// A filter exports the callbacks that it needs; Envoy does without the others. The first argument
// of a callback is the number of its context: each request and each connection has one, and so has
// the configured filter, which is the root context.
//
// Texts are strings, which are UTF-8 on their way to and from Envoy.

// The result of a callback: Pause keeps the message from going on.
export enum Action { Continue = 0, Pause = 1 }
export enum HeaderMap { Request = 0, Response = 2 }
export enum Buffer { RequestBody = 0, ResponseBody = 1, PluginConfiguration = 7 }
export enum LogLevel { Trace = 0, Debug = 1, Info = 2, Warn = 3, Error = 4, Critical = 5 }
export enum Status { OK = 0, NotFound = 1, CasMismatch = 8 } // the result of a host function

@external("env", "proxy_log")
declare function proxy_log(level: u32, text: usize, size: usize): u32;
@external("env", "proxy_get_current_time_nanoseconds")
declare function proxy_get_current_time_nanoseconds(time: usize): u32;
@external("env", "proxy_get_property")
declare function proxy_get_property(path: usize, size: usize, value: usize, valueSize: usize): u32;
@external("env", "proxy_get_header_map_value")
declare function proxy_get_header_map_value(
  map: u32, name: usize, size: usize, value: usize, valueSize: usize): u32;
@external("env", "proxy_replace_header_map_value")
declare function proxy_replace_header_map_value(
  map: u32, name: usize, size: usize, value: usize, valueSize: usize): u32;
@external("env", "proxy_remove_header_map_value")
declare function proxy_remove_header_map_value(map: u32, name: usize, size: usize): u32;
@external("env", "proxy_get_buffer_bytes")
declare function proxy_get_buffer_bytes(
  buffer: u32, start: usize, most: usize, bytes: usize, size: usize): u32;
@external("env", "proxy_set_buffer_bytes")
declare function proxy_set_buffer_bytes(
  buffer: u32, start: usize, replaced: usize, bytes: usize, size: usize): u32;
@external("env", "proxy_get_shared_data")
declare function proxy_get_shared_data(
  key: usize, size: usize, value: usize, valueSize: usize, version: usize): u32;
@external("env", "proxy_set_shared_data")
declare function proxy_set_shared_data(
  key: usize, size: usize, value: usize, valueSize: usize, version: u32): u32;
@external("env", "proxy_send_local_response")
declare function proxy_send_local_response(
  status: u32, details: usize, detailsSize: usize, body: usize, bodySize: usize,
  headers: usize, headersSize: usize, grpcStatus: i32): u32;

// The exports that each module needs: index.ts exports them.

export function proxy_abi_version_0_2_1(): void {}

// Envoy takes memory for each value that it passes to the filter.
export function proxy_on_memory_allocate(size: usize): usize { return heap.alloc(size); }

// The compiler calls abort for failed assertions. The failure policy of the filter decides then.
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  const text = message ? message : "abort";
  const place = file ? file : "?";
  log(LogLevel.Critical, `${text} at ${place}:${line}:${column}`);
  unreachable();
}

// Envoy writes the address and the size of a value, or a number, to these places.
const address = memory.data(8);
const size = memory.data(8);

// received copies a value from Envoy, and frees its memory.
function received(): ArrayBuffer {
  const from = load<usize>(address);
  const bytes = new ArrayBuffer(load<usize>(size) as i32);
  memory.copy(changetype<usize>(bytes), from, bytes.byteLength);
  if (from) heap.free(from);
  return bytes;
}

function prepare(): void {
  store<usize>(address, 0);
  store<usize>(size, 0);
}

function utf8(text: string): ArrayBuffer { return String.UTF8.encode(text); }
function start(bytes: ArrayBuffer): usize { return changetype<usize>(bytes); }

export function log(level: LogLevel, text: string): void {
  const bytes = utf8(text);
  proxy_log(level, start(bytes), bytes.byteLength);
}

// getHeader returns null if there is no such header.
export function getHeader(map: HeaderMap, name: string): string | null {
  const key = utf8(name);
  prepare();
  const status = proxy_get_header_map_value(map, start(key), key.byteLength, address, size);
  return status == Status.OK ? String.UTF8.decode(received()) : null;
}

export function setHeader(map: HeaderMap, name: string, value: string): void {
  const key = utf8(name), text = utf8(value);
  proxy_replace_header_map_value(map, start(key), key.byteLength, start(text), text.byteLength);
}

export function removeHeader(map: HeaderMap, name: string): void {
  const key = utf8(name);
  proxy_remove_header_map_value(map, start(key), key.byteLength);
}

// getBuffer returns all bytes of a body, or of the configuration.
export function getBuffer(buffer: Buffer): ArrayBuffer {
  prepare();
  proxy_get_buffer_bytes(buffer, 0, i32.MAX_VALUE, address, size);
  return received();
}

export function setBuffer(buffer: Buffer, bytes: ArrayBuffer): void {
  proxy_set_buffer_bytes(buffer, 0, i32.MAX_VALUE, start(bytes), bytes.byteLength);
}

// configuration returns `config` of the spec.
export function configuration(): string {
  return String.UTF8.decode(getBuffer(Buffer.PluginConfiguration));
}

// getProperty returns one of Envoy's attributes, as in getProperty(["source", "address"]); null
// means that Envoy does not know it.
export function getProperty(path: string[]): string | null {
  const key = utf8(path.join("\0"));
  prepare();
  const status = proxy_get_property(start(key), key.byteLength, address, size);
  return status == Status.OK ? String.UTF8.decode(received()) : null;
}

// now returns the time in nanoseconds since 1970.
export function now(): u64 {
  proxy_get_current_time_nanoseconds(address);
  return load<u64>(address);
}

// A number in shared data, for all worker threads of an Envoy, and its version.
export class SharedNumber {
  value: u64 = 0;
  version: u32 = 0;

  constructor(public key: string) {
    const bytes = utf8(key), version = memory.data(4);
    prepare();
    store<u32>(version, 0);
    const status = proxy_get_shared_data(start(bytes), bytes.byteLength, address, size, version);
    const data = received();
    if (status == Status.OK && data.byteLength == 8) this.value = load<u64>(start(data));
    this.version = load<u32>(version);
  }

  // set returns false if another thread has written since the read.
  set(value: u64): bool {
    const bytes = utf8(this.key), data = new ArrayBuffer(8);
    store<u64>(start(data), value);
    const status = proxy_set_shared_data(
      start(bytes), bytes.byteLength, start(data), 8, this.version);
    return status != Status.CasMismatch;
  }
}

// respond answers in place of the upstream, possibly with a header. The callback must then return
// the result, which is Pause.
export function respond(status: u32, text: string, name: string = "", value: string = ""): Action {
  const body = utf8(text);
  let pairs = new ArrayBuffer(0); // their number, all sizes, and all texts with a zero byte each
  if (name.length > 0) {
    const key = utf8(name), header = utf8(value);
    pairs = new ArrayBuffer(12 + key.byteLength + 1 + header.byteLength + 1);
    store<u32>(start(pairs), 1);
    store<u32>(start(pairs) + 4, key.byteLength);
    store<u32>(start(pairs) + 8, header.byteLength);
    memory.copy(start(pairs) + 12, start(key), key.byteLength);
    memory.copy(start(pairs) + 12 + key.byteLength + 1, start(header), header.byteLength);
  }
  const result = proxy_send_local_response(
    status, 0, 0, start(body), body.byteLength, start(pairs), pairs.byteLength, -1);
  assert(result == Status.OK, "the response cannot be sent");
  return Action.Pause;
}
