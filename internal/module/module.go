// Package module brings Wasm modules by reference, checks them, and keeps them
// in a content-addressed store.
package module
