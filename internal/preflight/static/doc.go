// Package static looks at a module without running the module, as Envoy does before making an
// instance: the ABI, every import, the callbacks, and the memory. The package is pure.
//
// [Parse] and [Check] are the first steps of the pre-flight check. [Describe] makes the description
// for `wasm-xds inspect`, and [Capabilities] is the meaning of capabilities: auto.
//
// Read the files in this order:
//
//   - checker.go: a look at a module, which collects the problems of the steps
//   - parse.go: from bytes to a [wasmbin.Module]
//   - abi.go, imports.go, exports.go, memory.go: a step each
//   - check.go: the steps in their order
//   - language.go, capabilities.go, describe.go: the description
//
// Sources of the facts: internal/preflight/envoy has Envoy's functions and callbacks;
// proxy-wasm-cpp-host's src/v8/v8.cc (V8::link, V8::getModuleFunctionImpl) and src/wasm.cc
// (WasmBase::load) decide which modules Envoy refuses.
package static
