package preflight

import (
	"slices"
	"sync"
)

// The Proxy-Wasm ABIs, as the exports proxy_abi_version_0_1_0 and so on name them.
const (
	abi010 = "0.1.0"
	abi020 = "0.2.0"
	abi021 = "0.2.1"
)

// The modules that export host functions. Envoy offers each WASI function under both names.
const (
	moduleEnv          = "env"
	moduleWASI         = "wasi_snapshot_preview1"
	moduleWASIUnstable = "wasi_unstable"
)

// The first versions in which a module may call a function during its start.
const (
	never  = ""
	always = "1.0"
)

// HostFunction is a function that Envoy offers to a module.
type HostFunction struct {
	Module    string // moduleWASI stands for both of WASI's names
	Name      string
	Signature string   // in the short form of [Function]
	ABIs      []string // nil: all
	Since     string   // the first Envoy version; "": all known versions
	// Startup is the first version that allows calls while the module starts; "": no version does.
	Startup string

	call handler
}

// handler runs a host function on its arguments and returns its result, if it has one.
type handler func(h *host, a []uint64) uint64

// in reports whether an Envoy of a version offers the function to modules of an ABI; "" means any
// ABI.
func (f HostFunction) in(version, abi string) bool {
	if abi != "" && f.ABIs != nil && !slices.Contains(f.ABIs, abi) {
		return false
	}
	return f.Since == "" || !older(version, f.Since)
}

// HostFunctions are the functions of all known versions.
func HostFunctions() []HostFunction {
	return slices.Concat(proxyFunctions(), otherEnvFunctions(), wasiFunctions(), laterWASIFunctions())
}

// mayStart reports whether a version allows the call while the module starts.
func (f HostFunction) mayStart(version string) bool {
	return f.Startup != never && !older(version, f.Startup)
}

// hostTable finds host functions by import module and name.
type hostTable map[[2]string]HostFunction

// hostFunctions is the table of all functions. It never changes.
var hostFunctions = sync.OnceValue(newHostTable)

func newHostTable() hostTable {
	t := hostTable{}
	for _, f := range HostFunctions() {
		t[[2]string{f.Module, f.Name}] = f
		if f.Module == moduleWASI {
			t[[2]string{moduleWASIUnstable, f.Name}] = f
		}
	}
	return t
}

func (t hostTable) find(module, name string) (HostFunction, bool) {
	f, ok := t[[2]string{module, name}]
	return f, ok
}

func proxyFunctions() []HostFunction {
	only01 := []string{abi010}
	only02 := []string{abi020, abi021}
	return []HostFunction{
		{Module: moduleEnv, Name: "proxy_log", Signature: "iii:i", Startup: always, call: (*host).proxyLog},
		{Module: moduleEnv, Name: "proxy_get_status", Signature: "iii:i", call: (*host).getStatus},
		{Module: moduleEnv, Name: "proxy_set_property", Signature: "iiii:i", call: (*host).setProperty},
		{Module: moduleEnv, Name: "proxy_get_property", Signature: "iiii:i", call: (*host).getProperty},
		{Module: moduleEnv, Name: "proxy_send_local_response", Signature: "iiiiiiii:i", call: (*host).sendLocalResponse},
		{Module: moduleEnv, Name: "proxy_get_shared_data", Signature: "iiiii:i", call: (*host).getSharedData},
		{Module: moduleEnv, Name: "proxy_set_shared_data", Signature: "iiiii:i", call: (*host).setSharedData},
		{Module: moduleEnv, Name: "proxy_register_shared_queue", Signature: "iii:i", call: (*host).registerQueue},
		{Module: moduleEnv, Name: "proxy_resolve_shared_queue", Signature: "iiiii:i", call: (*host).resolveQueue},
		{Module: moduleEnv, Name: "proxy_dequeue_shared_queue", Signature: "iii:i", call: (*host).dequeue},
		{Module: moduleEnv, Name: "proxy_enqueue_shared_queue", Signature: "iii:i", call: (*host).enqueue},
		{Module: moduleEnv, Name: "proxy_get_header_map_value", Signature: "iiiii:i", call: (*host).getHeader},
		{Module: moduleEnv, Name: "proxy_add_header_map_value", Signature: "iiiii:i", call: (*host).addHeader},
		{Module: moduleEnv, Name: "proxy_replace_header_map_value", Signature: "iiiii:i", call: (*host).replaceHeader},
		{Module: moduleEnv, Name: "proxy_remove_header_map_value", Signature: "iii:i", call: (*host).removeHeader},
		{Module: moduleEnv, Name: "proxy_get_header_map_pairs", Signature: "iii:i", call: (*host).getHeaderPairs},
		{Module: moduleEnv, Name: "proxy_set_header_map_pairs", Signature: "iii:i", call: (*host).setHeaderPairs},
		{Module: moduleEnv, Name: "proxy_get_header_map_size", Signature: "ii:i", call: (*host).getHeaderSize},
		{Module: moduleEnv, Name: "proxy_get_buffer_status", Signature: "iii:i", call: (*host).getBufferStatus},
		{Module: moduleEnv, Name: "proxy_get_buffer_bytes", Signature: "iiiii:i", call: (*host).getBufferBytes},
		{Module: moduleEnv, Name: "proxy_set_buffer_bytes", Signature: "iiiii:i", call: (*host).setBufferBytes},
		{Module: moduleEnv, Name: "proxy_http_call", Signature: "iiiiiiiiii:i", call: (*host).httpCall},
		{Module: moduleEnv, Name: "proxy_grpc_call", Signature: "iiiiiiiiiiii:i", call: (*host).grpcCall},
		{Module: moduleEnv, Name: "proxy_grpc_stream", Signature: "iiiiiiiii:i", call: (*host).grpcStream},
		{Module: moduleEnv, Name: "proxy_grpc_close", Signature: "i:i", call: (*host).grpcEnd},
		{Module: moduleEnv, Name: "proxy_grpc_cancel", Signature: "i:i", call: (*host).grpcEnd},
		{Module: moduleEnv, Name: "proxy_grpc_send", Signature: "iiii:i", call: (*host).grpcSend},
		{Module: moduleEnv, Name: "proxy_set_tick_period_milliseconds", Signature: "i:i", call: (*host).setTick},
		{Module: moduleEnv, Name: "proxy_get_current_time_nanoseconds", Signature: "i:i", call: (*host).currentTime},
		{Module: moduleEnv, Name: "proxy_define_metric", Signature: "iiii:i", call: (*host).defineMetric},
		{Module: moduleEnv, Name: "proxy_increment_metric", Signature: "iI:i", call: (*host).incrementMetric},
		{Module: moduleEnv, Name: "proxy_record_metric", Signature: "iI:i", call: (*host).recordMetric},
		{Module: moduleEnv, Name: "proxy_get_metric", Signature: "ii:i", call: (*host).getMetric},
		{Module: moduleEnv, Name: "proxy_set_effective_context", Signature: "i:i", call: (*host).setEffectiveContext},
		{Module: moduleEnv, Name: "proxy_done", Signature: ":i", call: (*host).done},
		{Module: moduleEnv, Name: "proxy_call_foreign_function", Signature: "iiiiii:i", call: (*host).foreignFunction},
		{Module: moduleEnv, Name: "proxy_get_configuration", Signature: "ii:i", ABIs: only01, call: (*host).getConfiguration},
		{Module: moduleEnv, Name: "proxy_continue_request", Signature: ":i", ABIs: only01, call: (*host).continueRequest},
		{Module: moduleEnv, Name: "proxy_continue_response", Signature: ":i", ABIs: only01, call: (*host).continueResponse},
		{Module: moduleEnv, Name: "proxy_clear_route_cache", Signature: ":i", ABIs: only01, call: (*host).clearRouteCache},
		{Module: moduleEnv, Name: "proxy_continue_stream", Signature: "i:i", ABIs: only02, call: (*host).continueStream},
		{Module: moduleEnv, Name: "proxy_close_stream", Signature: "i:i", ABIs: only02, call: (*host).closeStream},
		{Module: moduleEnv, Name: "proxy_get_log_level", Signature: "i:i", ABIs: []string{abi021}, call: (*host).getLogLevel},
	}
}

func otherEnvFunctions() []HostFunction {
	return []HostFunction{
		{Module: moduleEnv, Name: "pthread_equal", Signature: "ii:i", call: func(_ *host, a []uint64) uint64 {
			if a[0] == a[1] {
				return 1
			}
			return 0
		}},
		{Module: moduleEnv, Name: "emscripten_notify_memory_growth", Signature: "i:", Startup: "1.37", call: func(*host, []uint64) uint64 { return 0 }},
		{Module: moduleEnv, Name: "envoy_resolve_dns", Signature: "iii:i", call: (*host).resolveDNS},
	}
}

func wasiFunctions() []HostFunction {
	w := func(name, signature, startup string, call handler) HostFunction {
		return HostFunction{Module: moduleWASI, Name: name, Signature: signature, Startup: startup, call: call}
	}
	return []HostFunction{
		w("fd_write", "iiii:i", always, (*host).fdWrite),
		w("fd_read", "iiii:i", never, errno(wasiNoSys)),
		w("fd_seek", "iIii:i", never, errno(0)),
		w("fd_close", "i:i", never, errno(0)),
		w("fd_fdstat_get", "ii:i", always, (*host).fdstatGet),
		w("fd_fdstat_set_flags", "ii:i", always, errno(wasiNoSys)),
		w("environ_get", "ii:i", always, (*host).environGet),
		w("environ_sizes_get", "ii:i", always, (*host).environSizes),
		w("args_get", "ii:i", always, errno(0)),
		w("args_sizes_get", "ii:i", always, (*host).argsSizes),
		w("clock_time_get", "iIi:i", always, (*host).clockTime),
		w("random_get", "ii:i", always, (*host).randomGet),
		w("sched_yield", ":i", never, errno(0)),
		w("poll_oneoff", "iiii:i", pollSince, (*host).pollOneoff),
		w("proc_exit", "i:", never, (*host).procExit),
		w("path_open", "iiiiiIIii:i", never, errno(wasiNoEnt)),
		w("fd_prestat_get", "ii:i", always, errno(wasiBadF)),
		w("fd_prestat_dir_name", "iii:i", always, errno(wasiNoSys)),
	}
}

func laterWASIFunctions() []HostFunction {
	w := func(name, signature string, call handler) HostFunction {
		return HostFunction{Module: moduleWASI, Name: name, Signature: signature, Since: "1.39", Startup: "1.39", call: call}
	}
	return []HostFunction{
		w("fd_fdstat_set_rights", "iII:i", onOutput(0)),
		w("clock_res_get", "ii:i", (*host).clockRes),
		w("fd_advise", "iIIi:i", errno(0)),
		w("fd_allocate", "iII:i", onOutput(0)),
		w("fd_datasync", "i:i", onOutput(0)),
		w("fd_filestat_get", "ii:i", errno(wasiBadF)),
		w("fd_filestat_set_size", "iI:i", onOutput(0)),
		w("fd_filestat_set_times", "iIIi:i", onOutput(0)),
		w("fd_pread", "iiiIi:i", errno(wasiNoSys)),
		w("fd_pwrite", "iiiIi:i", (*host).fdPwrite),
		w("fd_readdir", "iiiIi:i", errno(wasiNotDir)),
		w("fd_renumber", "ii:i", onOutput(wasiNotSup)),
		w("fd_sync", "i:i", onOutput(0)),
		w("fd_tell", "ii:i", (*host).fdTell),
		w("path_create_directory", "iii:i", errno(wasiNotSup)),
		w("path_filestat_get", "iiiii:i", errno(wasiNotSup)),
		w("path_filestat_set_times", "iiiiIIi:i", errno(wasiNotSup)),
		// WASI itself has one more parameter in path_link and in path_symlink.
		w("path_link", "iiiiii:i", errno(wasiNotSup)),
		w("path_readlink", "iiiiii:i", errno(wasiNotSup)),
		w("path_remove_directory", "iii:i", errno(wasiNotSup)),
		w("path_rename", "iiiiii:i", errno(wasiNotSup)),
		w("path_symlink", "iiii:i", errno(wasiNotSup)),
		w("path_unlink_file", "iii:i", errno(wasiNotSup)),
		w("sock_accept", "iii:i", errno(wasiNotSup)),
		w("sock_recv", "iiiiii:i", errno(wasiNotSup)),
		w("sock_send", "iiiii:i", errno(wasiNotSup)),
		w("sock_shutdown", "ii:i", errno(wasiNotSup)),
	}
}
