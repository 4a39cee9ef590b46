package preflight

// callbackContextCreate begins each context, of the root and of a stream.
const callbackContextCreate = "proxy_on_context_create"

// callback is a function that Envoy looks for among a module's exports.
type callback struct {
	name      string
	signature string
	abis      []string // nil: every one
}

// callbacks have their signatures checked. Only an allocator is required.
func callbacks() []callback {
	only01 := []string{abi010}
	only02 := []string{abi020, abi021}
	return []callback{
		{"proxy_validate_configuration", "ii:i", nil},
		{"proxy_on_vm_start", "ii:i", nil},
		{"proxy_on_configure", "ii:i", nil},
		{"proxy_on_tick", "i:", nil},
		{callbackContextCreate, "ii:", nil},
		{"proxy_on_new_connection", "i:i", nil},
		{"proxy_on_downstream_data", "iii:i", nil},
		{"proxy_on_upstream_data", "iii:i", nil},
		{"proxy_on_downstream_connection_close", "ii:", nil},
		{"proxy_on_upstream_connection_close", "ii:", nil},
		{"proxy_on_request_headers", "ii:i", only01},
		{"proxy_on_request_headers", "iii:i", only02},
		{"proxy_on_request_body", "iii:i", nil},
		{"proxy_on_request_trailers", "ii:i", nil},
		{"proxy_on_request_metadata", "ii:i", nil},
		{"proxy_on_response_headers", "ii:i", only01},
		{"proxy_on_response_headers", "iii:i", only02},
		{"proxy_on_response_body", "iii:i", nil},
		{"proxy_on_response_trailers", "ii:i", nil},
		{"proxy_on_response_metadata", "ii:i", nil},
		{"proxy_on_http_call_response", "iiiii:", nil},
		{"proxy_on_grpc_receive", "iii:", nil},
		{"proxy_on_grpc_close", "iii:", nil},
		{"proxy_on_grpc_receive_initial_metadata", "iii:", nil},
		{"proxy_on_grpc_receive_trailing_metadata", "iii:", nil},
		{"proxy_on_queue_ready", "ii:", nil},
		{"proxy_on_foreign_function", "iii:", only02},
		{"proxy_on_done", "i:i", nil},
		{"proxy_on_log", "i:", nil},
		{"proxy_on_delete", "i:", nil},
	}
}

// The functions of a module that are not callbacks of Proxy-Wasm, and need no capability.
const (
	exportInitialize    = "_initialize"
	exportMain          = "main"
	exportMainVoid      = "__main_void"
	exportStart         = "_start"
	exportMalloc        = "malloc"
	exportAllocate      = "proxy_on_memory_allocate"
	signatureStart      = ":"
	signatureMain       = "ii:i"
	signatureMainVoid   = ":i"
	signatureMalloc     = "i:i"
	abiExportPrefix     = "proxy_abi_version_"
	maximumMemoryPages  = 16384 // of V8 in Envoy
	maximumModuleSize   = 64 << 20
	defaultMemoryPages  = 4096
	defaultHostCalls    = 10_000_000
	defaultKeptLogs     = 200
	maximumLogLine      = 4 << 10
	maximumKeptByHost   = 64 << 20
	maximumDetailLength = 300
)
