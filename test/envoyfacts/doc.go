// Package envoyfacts shows, on real Envoys, each thing that they do and that
// wasm-xds is built upon. Its tests speak xDS by hand, so that they can say what
// no control plane should. A test that fails here means that an Envoy behaves
// otherwise than docs/envoy-behaviour.md says, not that wasm-xds is broken; look
// then at what rests on that fact.
package envoyfacts
