// Package wasmbin reads the binary format of WebAssembly for the sandbox: a module's imports,
// exports and memories, and the names of the compilers. The package also bounds the claimed sizes
// in a module, before wazero allocates memory for them.
//
// [Parse] gives a [Module]. [OwnMemory] turns an imported memory into the module's own, and
// [DataSegments] returns the bytes of a module for the memory. All three are pure, take
// any bytes, and need memory in proportion to them.
//
// Read the files in this order:
//
//   - reader.go: numbers, names, vectors and types, read in turn
//   - module.go: the result of [Parse]
//   - skip.go: code, tables, elements and data, of which only the sizes count
//   - names.go: the section of names
//   - parse.go: from the sections to a [Module]
//   - ownmemory.go, data.go: the other two functions
//
// internal/wasmenc is the opposite of this package and has the numbers of the format.
//
// Source of the facts: the WebAssembly specification, chapter "Binary Format", with the proposals
// that Envoy's V8 has enabled (threads, tail calls, exceptions, typed function references). V8's
// src/wasm/wasm-limits.h has the limits.
package wasmbin
