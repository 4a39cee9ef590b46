package envoy

import (
	"slices"
)

// CallbackContextCreate begins each context, of the root and of a stream.
const CallbackContextCreate = "proxy_on_context_create"

// Callback is a function that Envoy looks for among a module's exports.
type Callback struct {
	Name      string
	Signature string   // in the short form "ii:i", as [HostFunction] has it
	ABIs      []string // nil: all
}

// In reports whether a module of this ABI may have the callback.
func (c Callback) In(abi string) bool { return c.ABIs == nil || slices.Contains(c.ABIs, abi) }

// Callbacks are the callbacks of Proxy-Wasm. Envoy checks their signatures. A module needs none of
// them.
func Callbacks() []Callback {
	only01 := []string{ABI010}
	only02 := []string{ABI020, ABI021}
	return []Callback{
		{"proxy_validate_configuration", "ii:i", nil},
		{"proxy_on_vm_start", "ii:i", nil},
		{"proxy_on_configure", "ii:i", nil},
		{"proxy_on_tick", "i:", nil},
		{CallbackContextCreate, "ii:", nil},
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

// The exports of a module that are not callbacks of Proxy-Wasm, and need no capability.
const (
	ExportInitialize = "_initialize"
	ExportMain       = "main"
	ExportMainVoid   = "__main_void"
	ExportStart      = "_start"
	// ExportMalloc and ExportAllocate allocate memory. Envoy takes the second only if the
	// module does not have the first.
	ExportMalloc   = "malloc"
	ExportAllocate = "proxy_on_memory_allocate"
	// ABIPrefix begins the name of the export that names a module's ABI: proxy_abi_version_0_2_1.
	ABIPrefix = "proxy_abi_version_"
)

// The signatures of these exports.
const (
	SignatureStart    = ":"
	SignatureMain     = "ii:i"
	SignatureMainVoid = ":i"
	SignatureMalloc   = "i:i"
)

// MaximumMemoryPages is V8's limit for a memory in Envoy, in pages of 64 KiB.
const MaximumMemoryPages = 16384
