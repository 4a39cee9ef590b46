// Package resource makes the marshalled resources that Envoys get: a revision, its module's code in
// one of the variants, and a salt. A [Builder] keeps the resources that serve many Envoys.
//
// A resource is built once for all Envoys of one dialect (see [translate.Compat]), with any salt.
// Another salt shares the bytes, so a fan-out to thousands of Envoys, each with a salt of its own,
// copies no module.
//
// [Builder.Cached] answers at once, and the goroutine that owns the control plane's state may call
// it. [Builder.Build] may read a module from disk, and may wait for memory: only goroutines made for
// a build call it.
//
// To read: code.go (how a resource carries its module), cache.go (the resources that are kept),
// builder.go.
package resource
