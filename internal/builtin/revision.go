package builtin

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// defaultRuntime is the runtime of a stand-in if the caller names none.
const defaultRuntime = "envoy.wasm.runtime.v8"

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
