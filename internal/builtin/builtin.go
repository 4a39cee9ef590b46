// Package builtin makes the stand-ins that Envoys get where no module of the
// user's can or may run: a filter that lets everything pass, and one that
// refuses everything and says why.
//
// They are Wasm modules of the filter's own type, because a filter that is
// taken out of ECDS instead leaves its listener with 500 for every request. The
// same arguments give the same bytes: a subscriber that runs a stand-in sees no
// change when wasm-xds restarts.
//
// A stand-in is told by the first part of its revision's ID, whatever it says: a
// release that words a deny in another way still knows the denies of all others.
package builtin

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// defaultRuntime is what a stand-in runs in where the caller names none.
const defaultRuntime = "envoy.wasm.runtime.v8"

// Passthrough is a filter that does nothing. The module is the same for every filter
// of either type. runtime is the full extension name, "" for V8.
func Passthrough(filter string, t spec.Type, runtime string) *snapshot.Revision {
	return identified(revision(filter, t, spec.Open, runtime, passthroughModule()))
}

// Deny is a filter that refuses every request (HTTP: 503, with a body that
// names the filter, the reason and the command that explains it) or closes
// every new connection (network; the same words go to Envoy's log once a
// thread, because a closed connection says nothing).
//
// reason goes on from "filter <name>", as in "has no spec". Control characters
// in it become spaces, and what is too long for one line is cut off.
func Deny(filter string, t spec.Type, reason, runtime string) *snapshot.Revision {
	return identified(revision(filter, t, spec.Closed, runtime, denyModule(filter, t, reason)))
}

func denyModule(filter string, t spec.Type, reason string) []byte {
	if t == spec.Network {
		return denyNetworkModule(explain(filter, reason))
	}
	return denyHTTPModule(explain(filter, reason) + "\n")
}

func revision(filter string, t spec.Type, policy spec.FailurePolicy, runtime string, module []byte) *snapshot.Revision {
	if runtime == "" {
		runtime = defaultRuntime
	}
	sum := sha256.Sum256(module)
	return &snapshot.Revision{
		Filter:  filter,
		Type:    t,
		Module:  snapshot.Module{SHA256: hex.EncodeToString(sum[:]), Size: int64(len(module))},
		Policy:  policy,
		VM:      snapshot.VM{Runtime: runtime},
		BuiltIn: true,
		Code:    module,
	}
}
