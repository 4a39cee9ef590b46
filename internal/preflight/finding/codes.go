package finding

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
