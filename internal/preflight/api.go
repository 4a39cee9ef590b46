// Package preflight runs a Proxy-Wasm module as Envoy would, with its real
// configuration, before any Envoy sees it: a module that would not load, that
// would crash Envoy or hang it, is told here, with the cause.
//
// [Check] gives a verdict for each of Envoy's versions. [Load] leaves the module
// running, for requests and connections through it. Nothing here reaches the
// network or the file system, and every step is bounded in time and memory.
package preflight

import (
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Request is one module with the configuration that it would have in Envoy.
type Request struct {
	Module []byte
	// SHA256 is the module's, in hex; "": it is computed where it is needed.
	SHA256 string
	Type   spec.Type // "": spec.HTTP
	RootID string
	// VMID is the scope of shared data and queues, which a filter can read as a property.
	VMID string
	// Name is the filter's name, which Envoy shows the module as plugin_name; "": none.
	Name string
	// VMConfig and PluginConfig are what the module reads at its start; nil: none.
	VMConfig, PluginConfig *string
	Env                    map[string]string
	// Capabilities are the only functions that the module may call; nil: all, empty: none.
	Capabilities []string
	// AutoCapabilities are those that the module uses, in place of Capabilities.
	AutoCapabilities bool
	// FailurePolicy is what the module can read as a property; "": spec.Closed.
	FailurePolicy spec.FailurePolicy
	// AllowOnHeadersStopIteration has a filter that pauses in the headers' callback
	// still get the body, as a spec's field of that name does.
	AllowOnHeadersStopIteration bool
	// Versions are the Envoy versions to judge for, such as 1.39 or 1.39.3; nil: [Versions].
	Versions []string
	Limits   Limits
	// Smoke is what Check sends through the module.
	Smoke Smoke
	// Engine runs the module.
	Engine Engine
	// Modules keeps the decoded module for another run; nil: nothing does.
	Modules *Modules
}

// Limits bound what a module may use. The zero value of each field means its default.
type Limits struct {
	Step   time.Duration // for each call into the module; 5 s
	Memory uint32        // pages of 64 KiB; 4096, or more where the module begins with more
	Logs   int           // lines that are kept; 200
	// HostCalls is the number of host functions that one call into the module may
	// call; 10 million.
	HostCalls int
}

// Report says whether a module would load, and what there is in it.
type Report struct {
	// OK means that every version asked for would load the module.
	OK bool
	// Problems are in the order of the steps. A problem of some versions does not
	// end the check, one of all versions does.
	Problems []Problem
	// Warnings are no reason to refuse the module.
	Warnings []Problem
	// Logs is what the module logged while it started and was configured, and what it logged
	// when it failed with what was sent then.
	Logs []Log
	// Info must not be changed: other reports on the module share it.
	Info Info
}

// Refused says whether an Envoy of this version would refuse the module, crash or hang.
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
	StepLimits      Step = "limits" // what it costs
)

// Problem is one reason why a module would not load.
//
//nolint:errname // it is listed in reports more often than it is an error
type Problem struct {
	Step Step
	Code string // stable, snake_case, one of the Code constants
	// Message says what is wrong, Hint what to do; Hint may be empty.
	Message, Hint string
	// Versions are the Envoy versions that would refuse the module; nil: all that were asked for.
	Versions []string
	// Detail has a line for each finding, such as each missing import.
	Detail []string
	// Functions are what the problem is about, where it is about functions.
	Functions []Function
}

// Concerns says whether an Envoy of this version has the problem.
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
	CodeImportKind         = "import_kind" // a table or a memory, which the sandbox has not
	CodeExportSignature    = "export_signature"
	CodeMallocMissing      = "malloc_missing"
	CodeMemoryMissing      = "memory_missing"
	CodeMemoryLimit        = "memory_limit"
	CodeInstantiate        = "instantiate_failed"
	CodeStart              = "start_failed"
	CodeRestrictedCallback = "restricted_callback"
	CodeVMStart            = "vm_start_failed"    // it trapped
	CodeVMStartRefused     = "vm_start_refused"   // it returned false
	CodeConfigure          = "configure_failed"   // it trapped
	CodeConfigureRefused   = "configure_refused"  // it returned false
	CodeRootIDUnknown      = "root_id_unknown"    // as far as it shows
	CodeTimeout            = "step_timeout"       // would hang Envoy
	CodeHostCalls          = "too_many_hostcalls" // would hang Envoy, or nearly
	CodeTrap               = "trap"               // during a stream
	CodeProcExit           = "proc_exit"          // it trapped after it had asked to exit
	CodeMemoryGrowth       = "memory_growth"      // a warning: a leak, by the looks of it
	CodeLimitTime          = "limit_time_per_request"
	CodeLimitMemory        = "limit_memory"
	CodeEnvironment        = "environment_invalid" // Envoy refuses a name that is there twice; the caller finds that
)

// Log is one line that a module logged.
type Log struct {
	Level LogLevel
	Text  string
}

// LogLevel is Proxy-Wasm's number of a level.
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

// Function is an import or an export: its signature in the short form "ii:i", a
// letter a value (i is i32, I is i64, f is f32, F is f64), parameters before the colon.
type Function struct {
	Module    string // of an import: env or wasi_snapshot_preview1; "" of an export
	Name      string
	Signature string
	Want      string // Envoy's signature, where it has the function
	// Versions are the Envoy versions that lack an import; nil where none or all do.
	Versions []string
}

// Info is what a module says of itself without being run.
type Info struct {
	Size      int
	ABIs      []string // "0.2.1", …; exactly one in what loads
	Sections  []Section
	Imports   []Function // functions
	Exports   []Function // functions
	Globals   []string   // imported globals, as module.name
	Memories  []Memory
	Producers []Producer
}

// Section is a part of a module's bytes.
type Section struct {
	Name string // of a custom section its own name
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

// Error is the problem's message, for those that a running module has.
func (p *Problem) Error() string { return p.Message }
