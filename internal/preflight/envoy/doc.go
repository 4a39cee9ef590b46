// Package envoy has the facts about Envoy for the question whether a module loads: the versions,
// the host functions of each version, the callbacks, and the limits of Envoy's V8. The package has
// no behaviour and imports nothing.
//
//   - versions.go: the known versions of Envoy, and their order
//   - functions.go: the host functions of Proxy-Wasm and of WASI, with their signatures and the
//     versions that have them. internal/preflight/host has the behaviour of each.
//   - callbacks.go: the exports of a module for Envoy to call
//   - capabilities.go: the functions subject to capabilities
//
// Sources of the facts: proxy-wasm/spec for the ABIs 0.1.0, 0.2.0 and 0.2.1;
// proxy-wasm-cpp-host's include/proxy-wasm/exports.h and src/wasm.cc (registerCallbacks,
// getFunctions, initialize), in the commit that each Envoy builds with; V8's wasm-limits.h.
// test/preflight and test/filtertests compare them with real Envoys.
package envoy
