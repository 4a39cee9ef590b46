// Package envoyfacts demonstrates on real Envoys each behaviour that wasm-xds relies on. The
// tests speak xDS by hand, so they can send responses no control plane should send. A failing
// test means a difference between Envoy and docs/envoy-behaviour.md, and not a bug in wasm-xds.
// After a failure, check the parts of wasm-xds that rely on the fact.
package envoyfacts
