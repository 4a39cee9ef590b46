// Package module resolves references to Wasm modules, checks the modules, and keeps them in a
// content-addressed store.
package module
