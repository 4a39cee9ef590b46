package translate

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	wasmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/wasm/v3"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

const (
	// ownVMPrefix begins the vm_id of a filter without vm.id in its spec, so all revisions of
	// the filter share their data and queues, and other filters do not.
	ownVMPrefix = "wasm-xds/"

	defaultRuntime = "envoy.wasm.runtime.v8"
)

func vmConfig(r *snapshot.Revision, code Code, salt string, v Version) (*wasmv3.VmConfig, error) {
	source, err := code.source(r.Module, salt)
	if err != nil {
		return nil, err
	}
	configuration, err := packConfig(r.VM.Config, r.VM.ConfigType)
	if err != nil {
		return nil, fmt.Errorf("VM configuration: %w", err)
	}
	vm := &wasmv3.VmConfig{
		VmId:             vmID(r, v),
		Runtime:          r.VM.Runtime,
		Code:             source,
		Configuration:    configuration,
		AllowPrecompiled: r.VM.AllowPrecompiled,
		// Without this field Envoy accepts an update before the module is there, and serves every
		// request without the filter.
		NackOnCodeCacheMiss: code.Variant == Remote,
	}
	if len(r.VM.Env)+len(r.VM.HostEnv) > 0 {
		vm.EnvironmentVariables = &wasmv3.EnvironmentVariables{
			HostEnvKeys: r.VM.HostEnv,
			KeyValues:   r.VM.Env,
		}
	}
	return vm, nil
}

// vmID returns the vm_id: the user's own, or the filter's.
//
// Envoys before 1.40 find a VM by vm_id, VM config and code alone, and would keep the old VM if
// only its environment, its capabilities or its runtime changed. For these Envoys vmID makes the
// three a part of the id. An Envoy of unknown version gets the user's id unchanged, because other
// filters may share it.
func vmID(r *snapshot.Revision, v Version) string {
	id, own := r.VM.ID, false
	if id == "" {
		id, own = ownVMPrefix+r.Filter, true
	}
	if v.Known() || own {
		if traits := vmTraits(r); traits != "" && !(v.Known() && v.has(1, 40)) {
			return id + "@" + traits
		}
	}
	return id
}

// vmTraits returns a short hash of the fields that Envoys before 1.40 leave out of a VM's identity,
// and "" if all of these fields have their defaults.
func vmTraits(r *snapshot.Revision) string {
	traits := struct {
		Env              map[string]string
		HostEnv          []string
		Capabilities     []string
		Runtime          string
		AllowPrecompiled bool
	}{r.VM.Env, r.VM.HostEnv, r.Capabilities, r.VM.Runtime, r.VM.AllowPrecompiled}
	if len(traits.Env)+len(traits.HostEnv) == 0 && traits.Capabilities == nil &&
		traits.Runtime == defaultRuntime && !traits.AllowPrecompiled {
		return ""
	}
	text, err := json.Marshal(traits)
	if err != nil {
		// Strings, booleans, and maps and lists of them always marshal.
		panic("translate: " + err.Error())
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:4])
}
