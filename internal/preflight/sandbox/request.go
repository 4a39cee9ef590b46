package sandbox

import (
	"cmp"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/preflight/engine"
	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/preflight/host"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Request is a module with the same configuration as in Envoy.
type Request struct {
	Module []byte
	// SHA256 is the module's, in hex; "": computed when needed.
	SHA256 string
	Type   spec.Type // "": spec.HTTP
	RootID string
	// VMID is the scope of shared data and queues. A filter can read VMID as a property.
	VMID string
	// Name is the filter's name, the property plugin_name of the module; "": none.
	Name string
	// VMConfig and PluginConfig are the configurations, for the module to read after the start;
	// nil: none.
	VMConfig, PluginConfig *string
	Env                    map[string]string
	// Capabilities are the only functions for the module to call; nil: all, empty: none.
	Capabilities []string
	// AutoCapabilities allows the imported functions, instead of Capabilities.
	AutoCapabilities bool
	// FailurePolicy decides about an idle filter: spec.Open gives a warning, any other policy a
	// problem; "": spec.Closed.
	FailurePolicy spec.FailurePolicy
	// AllowOnHeadersStopIteration lets a filter that pauses in the headers' callback still get the
	// body, like the spec's field of the same name.
	AllowOnHeadersStopIteration bool
	// Versions are the Envoy versions to check for, like 1.39 or 1.39.3; nil: [envoy.Versions].
	Versions []string
	Limits   Limits
	// Engine runs the module.
	Engine engine.Engine
	// Modules keeps the decoded module for another run; nil: the module is not kept.
	Modules *Modules
}

// Limits bound a module's use of resources. The zero value of a field means the default.
type Limits struct {
	Step   time.Duration // for each call into the module; 5 s
	Memory uint32        // pages of 64 KiB; 4096, or a larger initial size of the module
	Logs   int           // kept lines; 200
	// HostCalls is the number of host calls during one call into the module; 10 million.
	HostCalls int
}

const (
	defaultStep        = 5 * time.Second
	defaultMemoryPages = 4096
	defaultLogs        = 200
	defaultHostCalls   = 10_000_000
)

// config returns the part with an effect on the module.
func (r *Request) config() host.Config {
	return host.Config{
		Name: r.Name, RootID: r.RootID, VMID: r.VMID, VMConfig: r.VMConfig, PluginConfig: r.PluginConfig, Env: r.Env,
		Capabilities: r.Capabilities, AllowOnHeadersStopIteration: r.AllowOnHeadersStopIteration,
		Step: cmp.Or(r.Limits.Step, defaultStep), Logs: cmp.Or(r.Limits.Logs, defaultLogs),
		HostCalls: cmp.Or(r.Limits.HostCalls, defaultHostCalls),
	}
}

// RequestFor returns the request for a spec, with the module and the configuration. Variables from
// Envoy's own environment are missing, because their values are unknown here. Variables of this
// process are missing too, because they do not concern the module.
func RequestFor(s *spec.Spec, module []byte, config *string) Request {
	r := Request{
		Module: module, Type: s.Type, RootID: s.RootID, VMID: s.VM.ID, Name: s.Name,
		VMConfig: s.VM.Config, PluginConfig: config, Env: s.VM.Env,
		Capabilities: s.Capabilities, AutoCapabilities: s.AutoCapabilities, FailurePolicy: s.Policy,
		AllowOnHeadersStopIteration: s.AllowOnHeadersStopIteration != nil && *s.AllowOnHeadersStopIteration,
	}
	if r.Capabilities != nil {
		r.Capabilities = envoy.WithCallbacks(r.Capabilities)
	}
	return r
}
