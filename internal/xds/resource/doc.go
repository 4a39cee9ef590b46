// Package resource makes the marshalled resources for Envoys: a revision, the module's code in one
// of the variants, and a salt. A [Builder] keeps the resources for the next Envoys.
//
// A resource is built once for all Envoys of a dialect (see [translate.Compat]), with any salt.
// Resources with other salts share the bytes, so a fan-out to thousands of Envoys, each with a salt
// of its own, copies no module.
//
// [Builder.Cached] answers at once, also to the goroutine that owns the control plane's state.
// [Builder.Build] may read a module from disk, and may wait for memory, so each call has a
// goroutine of its own.
//
// To read: code.go (how a resource carries its module), cache.go (the kept resources),
// builder.go.
package resource
