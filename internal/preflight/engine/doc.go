// Package engine runs Wasm on wazero within bounds: the memory and the depth of calls are bounded,
// and a module compiles within a time limit. The package knows nothing of Envoy and of Proxy-Wasm.
//
//   - engine.go: the interpreter and the compiler, and the features of Envoy's V8
//   - compile.go: compiling within a time limit
//   - memory.go, memory_unix.go, memory_other.go: a module's memory, mapped where the system can
//   - depth.go: a limit on nested calls, for the compiler
//
// [WithMemory] and [WithDepth] put wazero's options into a context.
package engine
