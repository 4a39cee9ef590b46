// Package snapshot defines the content to serve: immutable revisions of filters, and immutable sets
// of filters.
//
// A [Revision] is everything about a filter that reaches Envoy. Its ID is a hash of that content, so
// two machines, or two releases of wasm-xds, have the same ID for the same content. A [Filter] is a
// name with its wanted revision and the rules of its delivery. A [Snapshot] is a set of filters, and
// its version is a hash of them. Nothing changes after it has been made, so goroutines share values
// of all types without locks.
//
// Two facts belong to a revision and not to its content: the versions of Envoy that would not load it
// ([Refusal], found by the sandbox) and the settings that an old Envoy ignores ([Loss]).
//
// To read: variant.go, vm.go and revision.go (one filter's content), refusal.go and loss.go (the
// Envoys that are no match for it), changes.go (the difference of two revisions), filter.go,
// snapshot.go.
package snapshot
