// Package builtin makes stand-ins. An Envoy gets a stand-in where no module of the user can or may
// run. A stand-in either lets everything pass, or refuses everything and says why.
//
// Stand-ins are Wasm modules of the filter's own type. If ECDS removed the filter instead, its
// listener would answer every request with 500. Equal arguments give equal bytes, so a subscriber
// with a stand-in sees no change when wasm-xds restarts.
//
// The first part of its revision's ID identifies a stand-in, independent of the words of the
// denial. A release with other words still recognises the stand-ins of all other releases.
//
// The files, bottom first: explain.go has the words, module.go the modules, revision.go makes
// revisions of them, identity.go has the IDs, this file the two stand-ins, and cache.go keeps
// them. All functions are pure.
package builtin

import (
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Passthrough returns a filter that does nothing. The module is the same for all filters of both
// types. runtime is the full extension name; "" means V8.
func Passthrough(filter string, t spec.Type, runtime string) *snapshot.Revision {
	return identified(revision(filter, t, spec.Open, runtime, passthroughModule()))
}

// Deny returns a filter that refuses all traffic. An HTTP filter answers every request with 503
// and a body that names the filter, the reason and the command that explains the reason. A
// network filter closes every new connection, and writes the same text to Envoy's log once per
// thread.
//
// reason continues "filter <name>", as in "has no spec". Control characters in the reason become
// spaces, and a reason that is too long for one line is cut off.
// See docs/RATIONALE.md#why-are-stand-ins-modules-and-not-removals.
func Deny(filter string, t spec.Type, reason, runtime string) *snapshot.Revision {
	return identified(revision(filter, t, spec.Closed, runtime, denyModule(filter, t, reason)))
}
