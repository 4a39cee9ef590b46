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
	Problems []Problem
	// Warnings are no reason to refuse the module.
	Warnings []Problem
	// Logs are the module's log lines during start and configuration. If the module fails with the
	// traffic of Smoke, Logs also has the lines before the failure.
	Logs []Log
	// Info is shared with other reports on the module: do not change it.
	Info Info
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

// Step is a part of the check.
type Step string

// The steps, in their order.
const (
	StepParse       Step = "parse"
	StepABI         Step = "abi"
	StepImports     Step = "imports"
	StepExports     Step = "exports"
	StepMemory      Step = "memory"
	StepInstantiate Step = "instantiate"
	StepStart       Step = "start"
	StepVMStart     Step = "vm_start"
	StepConfigure   Step = "configure"
	StepStream      Step = "stream" // a request or a connection of a test
	StepLimits      Step = "limits" // the cost of requests
)

// Problem is one reason against loading a module.
//
//nolint:errname // it is listed in reports more often than it is an error
type Problem struct {
	Step Step
	Code string // stable, snake_case, one of the Code constants
	// Message names the fault, and Hint the remedy; Hint may be empty.
	Message, Hint string
	// Versions are the Envoy versions that would refuse the module; nil: all requested versions.
	Versions []string
	// Detail has a line for each finding, such as each missing import.
	Detail []string
	// Functions are the functions that the problem concerns, if any.
	Functions []Function
}

// Concerns reports whether an Envoy of this version has the problem.
func (p Problem) Concerns(version string) bool {
	if p.Versions == nil {
		return true
	}
	for _, v := range p.Versions {
		if minor(v) == minor(version) {
			return true
		}
	}
	return false
}

// The codes of problems.
const (
	CodeTooLarge           = "module_too_large"
	CodeNotWasm            = "not_wasm"
	CodeMalformed          = "module_malformed"
	CodeABIMissing         = "abi_missing"
	CodeABISeveral         = "abi_several" // a warning: Envoy takes the first
	CodeImportMissing      = "import_missing"
	CodeImportSignature    = "import_signature"
	CodeImportGlobal       = "import_global"
	CodeImportKind         = "import_kind" // a table or a memory, which the sandbox lacks
	CodeExportSignature    = "export_signature"
	CodeMallocMissing      = "malloc_missing"
	CodeMemoryMissing      = "memory_missing"
	CodeMemoryLimit        = "memory_limit"
	CodeInstantiate        = "instantiate_failed"
	CodeStart              = "start_failed"
	CodeRestrictedCallback = "restricted_callback"
	CodeVMStart            = "vm_start_failed"    // a trap
	CodeVMStartRefused     = "vm_start_refused"   // the callback returned false
	CodeConfigure          = "configure_failed"   // a trap
	CodeConfigureRefused   = "configure_refused"  // the callback returned false
	CodeRootIDUnknown      = "root_id_unknown"    // as far as the sandbox can tell
	CodeTimeout            = "step_timeout"       // would hang Envoy
	CodeHostCalls          = "too_many_hostcalls" // would hang Envoy, or nearly
	CodeTrap               = "trap"               // during a stream
	CodeProcExit           = "proc_exit"          // a trap after a request to exit
	CodeMemoryGrowth       = "memory_growth"      // a warning: probably a leak
	CodeLimitTime          = "limit_time_per_request"
	CodeLimitMemory        = "limit_memory"
	CodeEnvironment        = "environment_invalid" // Envoy refuses a repeated name; the caller finds this problem
)

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

// Function is an import or an export with its signature in the short form "ii:i": one letter for
// each value (i is i32, I is i64, f is f32, F is f64), and parameters before the colon.
type Function struct {
	Module    string // of an import: env or wasi_snapshot_preview1; "" of an export
	Name      string
	Signature string
	Want      string // Envoy's signature, if Envoy has the function
	// Versions are the Envoy versions that lack an import; nil if none or all lack it.
	Versions []string
}

// Info is the content of a module, read without running it.
type Info struct {
	Size      int
	ABIs      []string // "0.2.1", …; exactly one in a loadable module
	Sections  []Section
	Imports   []Function // functions
	Exports   []Function // functions
	Globals   []string   // imported globals, as module.name
	Memories  []Memory
	Producers []Producer
}

// Section is a part of a module's bytes.
type Section struct {
	Name string // a custom section's own name
	Size int
}

// Memory is a linear memory, in pages of 64 KiB.
type Memory struct {
	Min      uint32
	Max      uint32 // 0 without a limit
	HasMax   bool
	Export   string // "": not exported
	Imported bool
}

// Producer is an entry of the producers section.
type Producer struct {
	Field   string // language, processed-by or sdk
	Name    string
	Version string
}

// Error returns the problem's message.
func (p *Problem) Error() string { return p.Message }
