// Package builtin makes the stand-ins that Envoys get where no module of the
// user's can or may run: a filter that lets everything pass, and one that
// refuses everything and says why.
//
// They are Wasm modules of the filter's own type, because a filter that is
// taken out of ECDS instead leaves its listener with 500 for every request. The
// same arguments give the same bytes, in every release: a subscriber that runs a
// stand-in sees no change when wasm-xds restarts or is upgraded.
package builtin

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// runtime is what a stand-in runs in. An Envoy that has another one only gets
// a copy of the revision with that one, sealed again.
const runtime = "envoy.wasm.runtime.v8"

// Passthrough is a filter that does nothing, and its module. The module is the
// same for every filter of either type.
func Passthrough(filter string, t spec.Type) (*snapshot.Revision, []byte) {
	module := passthroughModule()
	return revision(filter, t, spec.Open, module), module
}

// Deny is a filter that refuses every request (HTTP: 503, with a body that
// names the filter, the reason and the command that explains it) or closes
// every new connection (network; the same words go to Envoy's log once a
// thread, because a closed connection says nothing), and its module.
//
// reason goes on from "filter <name>", as in "has no spec". Control characters
// in it become spaces, and what is too long for one line is cut off.
func Deny(filter string, t spec.Type, reason string) (*snapshot.Revision, []byte) {
	var module []byte
	if t == spec.Network {
		module = denyNetworkModule(explain(filter, reason))
	} else {
		module = denyHTTPModule(explain(filter, reason) + "\n")
	}
	return revision(filter, t, spec.Closed, module), module
}

func revision(filter string, t spec.Type, policy spec.FailurePolicy, module []byte) *snapshot.Revision {
	sum := sha256.Sum256(module)
	r := &snapshot.Revision{
		Filter:  filter,
		Type:    t,
		Module:  snapshot.Module{SHA256: hex.EncodeToString(sum[:]), Size: int64(len(module))},
		Policy:  policy,
		VM:      snapshot.VM{Runtime: runtime},
		BuiltIn: true,
	}
	return r.Seal()
}
