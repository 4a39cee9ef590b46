// proxywasm.h is the Proxy-Wasm ABI 0.2.1 for C++ without any library: the functions of Envoy that
// a filter may call, with a few types around them, and the memory that they need.
//
// A filter writes the callbacks that it needs, each with CALLBACK in front; Envoy does without the
// others. The first argument of a callback is the number of its context: each request and each
// connection has one, and so has the configured filter, which is the root context.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define CALLBACK(result, name) \
  extern "C" __attribute__((used, export_name(#name))) result name
#define HOST(name) \
  extern "C" __attribute__((import_module("env"), import_name(#name))) uint32_t name

// The result of a callback: PAUSE keeps the message from going on.
enum Action : uint32_t { CONTINUE = 0, PAUSE = 1 };
enum HeaderMap : uint32_t { REQUEST_HEADERS = 0, RESPONSE_HEADERS = 2 };
enum Buffer : uint32_t { REQUEST_BODY = 0, RESPONSE_BODY = 1, PLUGIN_CONFIGURATION = 7 };
enum LogLevel : uint32_t { TRACE = 0, DEBUG = 1, INFO = 2, WARN = 3, ERROR = 4, CRITICAL = 5 };
enum Status : uint32_t { OK = 0, NOT_FOUND = 1, CAS_MISMATCH = 8 }; // the result of a host function

HOST(proxy_log)(uint32_t level, const char *text, size_t size);
HOST(proxy_get_current_time_nanoseconds)(uint64_t *time);
HOST(proxy_get_property)(const char *path, size_t size, char **value, size_t *value_size);
HOST(proxy_get_header_map_value)
(uint32_t map, const char *name, size_t size, char **value, size_t *value_size);
HOST(proxy_replace_header_map_value)
(uint32_t map, const char *name, size_t size, const char *value, size_t value_size);
HOST(proxy_remove_header_map_value)(uint32_t map, const char *name, size_t size);
HOST(proxy_get_buffer_bytes)
(uint32_t buffer, size_t start, size_t most, char **bytes, size_t *size);
HOST(proxy_set_buffer_bytes)
(uint32_t buffer, size_t start, size_t replaced, const char *bytes, size_t size);
HOST(proxy_get_shared_data)
(const char *key, size_t size, char **value, size_t *value_size, uint32_t *cas);
HOST(proxy_set_shared_data)
(const char *key, size_t size, const char *value, size_t value_size, uint32_t cas);
HOST(proxy_send_local_response)
(uint32_t status, const char *details, size_t details_size, const char *body, size_t body_size,
 const char *headers, size_t headers_size, int32_t grpc_status);

CALLBACK(void, proxy_abi_version_0_2_1)() {}

// Envoy calls _initialize first: it runs the constructors of global variables.
extern "C" void __wasm_call_ctors();
CALLBACK(void, _initialize)() { __wasm_call_ctors(); }

// The compiler calls these functions for copies and comparisons.
extern "C" __attribute__((used)) void *memcpy(void *to, const void *from, size_t size) {
  for (size_t i = 0; i < size; i++) static_cast<char *>(to)[i] = static_cast<const char *>(from)[i];
  return to;
}
extern "C" __attribute__((used)) void *memset(void *to, int value, size_t size) {
  for (size_t i = 0; i < size; i++) static_cast<char *>(to)[i] = static_cast<char>(value);
  return to;
}

// The memory behind the filter's own variables has blocks of 16, 32, 64 and so on bytes. A free
// block waits in the list of its size. Each block begins with the number of its list.
extern "C" char __heap_base;

namespace memory {
struct Block {
  uint32_t list;
  Block *next; // while the block is free
};
constexpr size_t header = 16;
inline Block *free_blocks[28] = {};
inline size_t end = 0; // of all blocks

inline void *allocate(size_t size) {
  uint32_t list = 0;
  while ((header << list) < size + header)
    if (++list == 28) __builtin_trap(); // 4 GiB
  Block *block = free_blocks[list];
  if (block != nullptr) {
    free_blocks[list] = block->next;
  } else {
    const size_t page = 65536;
    if (end == 0) end = (reinterpret_cast<size_t>(&__heap_base) + 15) & ~size_t{15};
    block = reinterpret_cast<Block *>(end);
    end += header << list;
    const size_t pages = (end + page - 1) / page, have = __builtin_wasm_memory_size(0);
    if (pages > have && __builtin_wasm_memory_grow(0, pages - have) == SIZE_MAX) __builtin_trap();
    block->list = list;
  }
  return reinterpret_cast<char *>(block) + header;
}

inline void release(void *memory) {
  if (memory == nullptr) return;
  auto *block = reinterpret_cast<Block *>(static_cast<char *>(memory) - header);
  block->next = free_blocks[block->list];
  free_blocks[block->list] = block;
}
} // namespace memory

// Envoy takes memory for each value that it passes to the filter. The filter frees it.
CALLBACK(void *, proxy_on_memory_allocate)(size_t size) { return memory::allocate(size); }

// Text is a view of bytes that somebody else owns.
struct Text {
  const char *data = nullptr;
  size_t size = 0;

  constexpr Text() = default;
  constexpr Text(const char *bytes, size_t length) : data(bytes), size(length) {}
  template <size_t N> constexpr Text(const char (&literal)[N]) : data(literal), size(N - 1) {}

  Text from(size_t start) const { return Text(data + start, size - start); }
  bool starts_with(Text other) const {
    if (size < other.size) return false;
    for (size_t i = 0; i < other.size; i++)
      if (data[i] != other.data[i]) return false;
    return true;
  }
};

// Bytes owns its bytes, and can grow.
struct Bytes {
  char *data = nullptr;
  size_t size = 0, capacity = 0;

  Bytes() = default;
  Bytes(const Bytes &) = delete;
  Bytes(Bytes &&other) : data(other.data), size(other.size), capacity(other.capacity) {
    other.data = nullptr;
  }
  Bytes &operator=(Bytes &&other) {
    char *mine = data;
    data = other.data, size = other.size, capacity = other.capacity;
    other.data = mine;
    return *this;
  }
  ~Bytes() { memory::release(data); }
  operator Text() const { return Text(data, size); }

  Bytes &add(Text text) {
    if (size + text.size > capacity) {
      capacity = 2 * (size + text.size);
      char *larger = static_cast<char *>(memory::allocate(capacity));
      memcpy(larger, data, size);
      memory::release(data);
      data = larger;
    }
    memcpy(data + size, text.data, text.size);
    size += text.size;
    return *this;
  }
  Bytes &add(uint64_t number) {
    char digits[20];
    size_t i = sizeof digits;
    do digits[--i] = static_cast<char>('0' + number % 10);
    while ((number /= 10) > 0);
    return add(Text(digits + i, sizeof digits - i));
  }
};

// Contexts has a T for each request or connection, by the number of the context. Call remove in
// proxy_on_delete.
template <class T> struct Contexts {
  struct Node {
    uint32_t context;
    Node *next;
    T value;
  };
  Node *lists[256] = {};

  T &operator[](uint32_t context) {
    Node *&first = lists[context % 256];
    for (Node *n = first; n != nullptr; n = n->next)
      if (n->context == context) return n->value;
    auto *node = static_cast<Node *>(memory::allocate(sizeof(Node)));
    memset(node, 0, sizeof(Node)); // so T has plain fields
    node->context = context, node->next = first;
    first = node;
    return node->value;
  }
  void remove(uint32_t context) {
    for (Node **n = &lists[context % 256]; *n != nullptr; n = &(*n)->next)
      if (Node *gone = *n; gone->context == context) {
        *n = gone->next;
        return memory::release(gone);
      }
  }
};

inline void log(LogLevel level, Text text) { proxy_log(level, text.data, text.size); }

// get_header returns false if there is no such header.
inline bool get_header(HeaderMap map, Text name, Bytes &value) {
  value = Bytes();
  return proxy_get_header_map_value(map, name.data, name.size, &value.data, &value.size) == OK;
}
inline void set_header(HeaderMap map, Text name, Text value) {
  proxy_replace_header_map_value(map, name.data, name.size, value.data, value.size);
}
inline void remove_header(HeaderMap map, Text name) {
  proxy_remove_header_map_value(map, name.data, name.size);
}

// get_buffer returns all bytes of a body, or of the configuration.
inline Bytes get_buffer(Buffer buffer) {
  Bytes value;
  proxy_get_buffer_bytes(buffer, 0, INT32_MAX, &value.data, &value.size);
  return value;
}
inline void set_buffer(Buffer buffer, Text value) {
  proxy_set_buffer_bytes(buffer, 0, INT32_MAX, value.data, value.size);
}

// get_property returns one of Envoy's attributes. The path has a zero byte between its parts, as in
// "source\0address".
inline bool get_property(Text path, Bytes &value) {
  value = Bytes();
  return proxy_get_property(path.data, path.size, &value.data, &value.size) == OK;
}

// respond answers in place of the upstream, possibly with a header. The callback must then return
// PAUSE.
inline Action respond(uint32_t status, Text body, Text name = {}, Text value = {}) {
  Bytes pairs; // their number, then all sizes, then all texts, each with a zero byte at its end
  if (name.size > 0) {
    const uint32_t sizes[] = {1, name.size, value.size};
    pairs.add(Text(reinterpret_cast<const char *>(sizes), sizeof sizes));
    pairs.add(name).add(Text("\0", 1)).add(value).add(Text("\0", 1));
  }
  if (proxy_send_local_response(status, nullptr, 0, body.data, body.size, pairs.data, pairs.size,
                                -1) != OK) {
    __builtin_trap(); // the failure policy of the filter decides
  }
  return PAUSE;
}
