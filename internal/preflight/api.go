// Package preflight runs a Proxy-Wasm module as Envoy would, with its real configuration, before
// any Envoy sees the module. It finds modules that would not load, crash Envoy or hang it, and
// names the cause.
//
// [Check] gives a verdict for each of Envoy's versions. [Load] leaves the module running, for
// requests and connections through it. The package reaches neither the network nor the file system,
// and bounds the time and memory of every step.
package preflight

import (
	"time"

	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Request is one module with the same configuration as in Envoy.
type Request struct {
	Module []byte
	// the module's, in hex; "": computed when needed
	SHA256 string
	Type   spec.Type // "": spec.HTTP
	RootID string
	// VMID is the scope of shared data and queues. A filter can read VMID as a property.
	VMID string
	// Name is the filter's name, the property plugin_name of the module; "": none.
	Name string
	// VMConfig and PluginConfig are the configurations that the module reads at its start; nil:
	// none.
	VMConfig, PluginConfig *string
	Env                    map[string]string
	// Capabilities are the only functions that the module may call; nil: all, empty: none.
	Capabilities []string
	// AutoCapabilities allows the functions that the module imports, instead of Capabilities.
	AutoCapabilities bool
	// FailurePolicy is a property for the module; "": spec.Closed.
	FailurePolicy spec.FailurePolicy
	// AllowOnHeadersStopIteration lets a filter that pauses in the headers' callback still get the
	// body, like the spec's field of the same name.
	AllowOnHeadersStopIteration bool
	// Versions are the Envoy versions to check for, such as 1.39 or 1.39.3; nil: [Versions].
	Versions []string
	Limits   Limits
	// Smoke selects the traffic that Check sends through the module.
	Smoke Smoke
	// Engine runs the module.
	Engine Engine
	// Modules keeps the decoded module for another run; nil: the module is not kept.
	Modules *Modules
}

// Limits bound a module's use of resources. The zero value of each field means its default.
type Limits struct {
	Step   time.Duration // for each call into the module; 5 s
	Memory uint32        // pages of 64 KiB; 4096, or the module's initial size if that is larger
	Logs   int           // lines that are kept; 200
	// HostCalls is the number of host calls during one call into the module; 10 million.
	HostCalls int
}

// Report says whether a module would load, and describes its content.
type Report struct {
	// OK means that every requested version would load the module.
	OK bool
	// Problems are in the order of the steps. A problem of all versions ends the check; a problem
	// of some versions does not.
	Problems []finding.Problem
	// Warnings are no reason to refuse the module.
	Warnings []finding.Problem
	// Logs are the module's log lines during start and configuration. If the module fails with the
	// traffic of Smoke, Logs also has the lines before the failure.
	Logs []Log
}

// Refused reports whether an Envoy of this version would refuse the module, crash or hang.
func (r Report) Refused(version string) bool {
	for _, p := range r.Problems {
		if p.Concerns(version) {
			return true
		}
	}
	return false
}

// Log is one line that a module logged.
type Log struct {
	Level LogLevel
	Text  string
}

// LogLevel is a level's number in Proxy-Wasm.
type LogLevel int32

// The levels.
const (
	LogTrace LogLevel = iota
	LogDebug
	LogInfo
	LogWarn
	LogError
	LogCritical
)
