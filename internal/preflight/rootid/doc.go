// Package rootid finds the root ids under which a module does something.
//
// A C++ filter registers its contexts under root ids. Under any other root id it does nothing:
// Envoy lets every request pass, even with failure policy closed. No line is logged, and no
// callback returns false. Only the set of functions that run differs: a root id that the module
// knows runs functions that a made-up root id does not. The candidates are texts in the module's
// data.
//
//   - words.go: the candidates
//   - trace.go: the set of functions that a run has called
//   - prober.go: runs under one id after the other
//   - rootid.go: [Of] for `wasm-xds inspect`, and [Check] for the pre-flight
//
// Source of the fact: RegisterContextFactory and getRootContext in proxy-wasm-cpp-sdk.
// test/filtertests compares the verdict with real Envoys.
package rootid
