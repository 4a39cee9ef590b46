// Package snapshot defines the content to serve: immutable revisions of filters, and immutable sets
// of filters.
//
// A [Revision] is the part of a filter that reaches Envoy. The revision's ID is a hash of the
// content, so two machines, or two releases of wasm-xds, have the same ID for the same content. A
// [Filter] is a name with a wanted revision and the rules of delivery. A [Snapshot] is a set of
// filters, and the snapshot's version is a hash of the set. Nothing changes after its creation, so
// goroutines share values of all types without locks.
//
// Two facts about a revision are not part of the content: the versions of Envoy that would not load
// the revision ([Refusal], found by the sandbox) and the settings that an old Envoy ignores
// ([Loss]).
//
// To read: variant.go, vm.go and revision.go (the content of a filter), refusal.go and loss.go (the
// Envoys that do not match a revision), changes.go (the difference of two revisions), filter.go,
// snapshot.go.
package snapshot
