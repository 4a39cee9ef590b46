// Package translate turns a revision into the resource for an Envoy: a TypedExtensionConfig with a
// Wasm filter, in the dialect of the Envoy's version. The package is pure: equal arguments give
// equal bytes, in every process.
//
// A resource has three inputs beside the revision. The [Code] says how this Envoy gets the module.
// The salt makes the bytes differ from all other resources with the same meaning. The [Version] is
// the Envoy's. Versions with the same result of [Compat] get the same bytes. [Resource] makes the
// message, and [Marshal] makes the bytes. A [Template] has the bytes for every salt, and so serves
// a whole fleet.
//
// To read: version.go (Envoy's versions and dialects), pack.go (configurations), capabilities.go,
// code.go and vm.go (the parts of a resource), translate.go (the resource), template.go.
package translate
