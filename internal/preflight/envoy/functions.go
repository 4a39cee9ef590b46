package envoy

import (
	"slices"
	"sync"
)

// The Proxy-Wasm ABIs, as the exports proxy_abi_version_0_1_0 and so on name them.
const (
	ABI010 = "0.1.0"
	ABI020 = "0.2.0"
	ABI021 = "0.2.1"
)

// The modules that export host functions. Envoy offers each WASI function under both names.
const (
	ModuleEnv          = "env"
	ModuleWASI         = "wasi_snapshot_preview1"
	ModuleWASIUnstable = "wasi_unstable"
)

// The first versions in which a module may call a function during its start.
const (
	never  = ""
	always = "1.0"
)

// HostFunction is a function that Envoy offers to a module.
type HostFunction struct {
	Module string // ModuleWASI stands for both of WASI's names
	Name   string
	// Signature has one letter for each value (i is i32, I is i64), and parameters before the
	// colon: "ii:i".
	Signature string
	ABIs      []string // nil: all
	Since     string   // the first Envoy version; "": all known versions
	// Startup is the first version that allows calls while the module starts; "": no version does.
	Startup string
}

// In reports whether an Envoy of a version offers the function to modules of an ABI; "" means any
// ABI.
func (f HostFunction) In(version, abi string) bool {
	if abi != "" && f.ABIs != nil && !slices.Contains(f.ABIs, abi) {
		return false
	}
	return f.Since == "" || !Older(version, f.Since)
}

// HostFunctions are the functions of all known versions.
func HostFunctions() []HostFunction {
	return slices.Concat(proxyFunctions(), otherEnvFunctions(), wasiFunctions(), laterWASIFunctions())
}

// MayStart reports whether a version allows the call while the module starts.
func (f HostFunction) MayStart(version string) bool {
	return f.Startup != never && !Older(version, f.Startup)
}

// table finds host functions by import module and name. It never changes.
var table = sync.OnceValue(func() map[[2]string]HostFunction {
	t := map[[2]string]HostFunction{}
	for _, f := range HostFunctions() {
		t[[2]string{f.Module, f.Name}] = f
		if f.Module == ModuleWASI {
			t[[2]string{ModuleWASIUnstable, f.Name}] = f
		}
	}
	return t
})

// FindFunction returns the host function for an import. For a function of WASI, the result's Module
// is [ModuleWASI], whichever of WASI's names the module imports.
func FindFunction(module, name string) (f HostFunction, ok bool) {
	f, ok = table()[[2]string{module, name}]
	return f, ok
}

func proxyFunctions() []HostFunction {
	only01 := []string{ABI010}
	only02 := []string{ABI020, ABI021}
	return []HostFunction{
		{Module: ModuleEnv, Name: "proxy_log", Signature: "iii:i", Startup: always},
		{Module: ModuleEnv, Name: "proxy_get_status", Signature: "iii:i"},
		{Module: ModuleEnv, Name: "proxy_set_property", Signature: "iiii:i"},
		{Module: ModuleEnv, Name: "proxy_get_property", Signature: "iiii:i"},
		{Module: ModuleEnv, Name: "proxy_send_local_response", Signature: "iiiiiiii:i"},
		{Module: ModuleEnv, Name: "proxy_get_shared_data", Signature: "iiiii:i"},
		{Module: ModuleEnv, Name: "proxy_set_shared_data", Signature: "iiiii:i"},
		{Module: ModuleEnv, Name: "proxy_register_shared_queue", Signature: "iii:i"},
		{Module: ModuleEnv, Name: "proxy_resolve_shared_queue", Signature: "iiiii:i"},
		{Module: ModuleEnv, Name: "proxy_dequeue_shared_queue", Signature: "iii:i"},
		{Module: ModuleEnv, Name: "proxy_enqueue_shared_queue", Signature: "iii:i"},
		{Module: ModuleEnv, Name: "proxy_get_header_map_value", Signature: "iiiii:i"},
		{Module: ModuleEnv, Name: "proxy_add_header_map_value", Signature: "iiiii:i"},
		{Module: ModuleEnv, Name: "proxy_replace_header_map_value", Signature: "iiiii:i"},
		{Module: ModuleEnv, Name: "proxy_remove_header_map_value", Signature: "iii:i"},
		{Module: ModuleEnv, Name: "proxy_get_header_map_pairs", Signature: "iii:i"},
		{Module: ModuleEnv, Name: "proxy_set_header_map_pairs", Signature: "iii:i"},
		{Module: ModuleEnv, Name: "proxy_get_header_map_size", Signature: "ii:i"},
		{Module: ModuleEnv, Name: "proxy_get_buffer_status", Signature: "iii:i"},
		{Module: ModuleEnv, Name: "proxy_get_buffer_bytes", Signature: "iiiii:i"},
		{Module: ModuleEnv, Name: "proxy_set_buffer_bytes", Signature: "iiiii:i"},
		{Module: ModuleEnv, Name: "proxy_http_call", Signature: "iiiiiiiiii:i"},
		{Module: ModuleEnv, Name: "proxy_grpc_call", Signature: "iiiiiiiiiiii:i"},
		{Module: ModuleEnv, Name: "proxy_grpc_stream", Signature: "iiiiiiiii:i"},
		{Module: ModuleEnv, Name: "proxy_grpc_close", Signature: "i:i"},
		{Module: ModuleEnv, Name: "proxy_grpc_cancel", Signature: "i:i"},
		{Module: ModuleEnv, Name: "proxy_grpc_send", Signature: "iiii:i"},
		{Module: ModuleEnv, Name: "proxy_set_tick_period_milliseconds", Signature: "i:i"},
		{Module: ModuleEnv, Name: "proxy_get_current_time_nanoseconds", Signature: "i:i"},
		{Module: ModuleEnv, Name: "proxy_define_metric", Signature: "iiii:i"},
		{Module: ModuleEnv, Name: "proxy_increment_metric", Signature: "iI:i"},
		{Module: ModuleEnv, Name: "proxy_record_metric", Signature: "iI:i"},
		{Module: ModuleEnv, Name: "proxy_get_metric", Signature: "ii:i"},
		{Module: ModuleEnv, Name: "proxy_set_effective_context", Signature: "i:i"},
		{Module: ModuleEnv, Name: "proxy_done", Signature: ":i"},
		{Module: ModuleEnv, Name: "proxy_call_foreign_function", Signature: "iiiiii:i"},
		{Module: ModuleEnv, Name: "proxy_get_configuration", Signature: "ii:i", ABIs: only01},
		{Module: ModuleEnv, Name: "proxy_continue_request", Signature: ":i", ABIs: only01},
		{Module: ModuleEnv, Name: "proxy_continue_response", Signature: ":i", ABIs: only01},
		{Module: ModuleEnv, Name: "proxy_clear_route_cache", Signature: ":i", ABIs: only01},
		{Module: ModuleEnv, Name: "proxy_continue_stream", Signature: "i:i", ABIs: only02},
		{Module: ModuleEnv, Name: "proxy_close_stream", Signature: "i:i", ABIs: only02},
		{Module: ModuleEnv, Name: "proxy_get_log_level", Signature: "i:i", ABIs: []string{ABI021}},
	}
}

func otherEnvFunctions() []HostFunction {
	return []HostFunction{
		{Module: ModuleEnv, Name: "pthread_equal", Signature: "ii:i"},
		{Module: ModuleEnv, Name: "emscripten_notify_memory_growth", Signature: "i:", Startup: "1.37"},
		{Module: ModuleEnv, Name: "envoy_resolve_dns", Signature: "iii:i"},
	}
}

func wasiFunctions() []HostFunction {
	w := func(name, signature, startup string) HostFunction {
		return HostFunction{Module: ModuleWASI, Name: name, Signature: signature, Startup: startup}
	}
	return []HostFunction{
		w("fd_write", "iiii:i", always),
		w("fd_read", "iiii:i", never),
		w("fd_seek", "iIii:i", never),
		w("fd_close", "i:i", never),
		w("fd_fdstat_get", "ii:i", always),
		w("fd_fdstat_set_flags", "ii:i", always),
		w("environ_get", "ii:i", always),
		w("environ_sizes_get", "ii:i", always),
		w("args_get", "ii:i", always),
		w("args_sizes_get", "ii:i", always),
		w("clock_time_get", "iIi:i", always),
		w("random_get", "ii:i", always),
		w("sched_yield", ":i", never),
		w("poll_oneoff", "iiii:i", PollSince),
		w("proc_exit", "i:", never),
		w("path_open", "iiiiiIIii:i", never),
		w("fd_prestat_get", "ii:i", always),
		w("fd_prestat_dir_name", "iii:i", always),
	}
}

func laterWASIFunctions() []HostFunction {
	w := func(name, signature string) HostFunction {
		return HostFunction{Module: ModuleWASI, Name: name, Signature: signature, Since: "1.39", Startup: "1.39"}
	}
	return []HostFunction{
		w("fd_fdstat_set_rights", "iII:i"),
		w("clock_res_get", "ii:i"),
		w("fd_advise", "iIIi:i"),
		w("fd_allocate", "iII:i"),
		w("fd_datasync", "i:i"),
		w("fd_filestat_get", "ii:i"),
		w("fd_filestat_set_size", "iI:i"),
		w("fd_filestat_set_times", "iIIi:i"),
		w("fd_pread", "iiiIi:i"),
		w("fd_pwrite", "iiiIi:i"),
		w("fd_readdir", "iiiIi:i"),
		w("fd_renumber", "ii:i"),
		w("fd_sync", "i:i"),
		w("fd_tell", "ii:i"),
		w("path_create_directory", "iii:i"),
		w("path_filestat_get", "iiiii:i"),
		w("path_filestat_set_times", "iiiiIIi:i"),
		// WASI itself has one more parameter in path_link and in path_symlink.
		w("path_link", "iiiiii:i"),
		w("path_readlink", "iiiiii:i"),
		w("path_remove_directory", "iii:i"),
		w("path_rename", "iiiiii:i"),
		w("path_symlink", "iiii:i"),
		w("path_unlink_file", "iii:i"),
		w("sock_accept", "iii:i"),
		w("sock_recv", "iiiiii:i"),
		w("sock_send", "iiiii:i"),
		w("sock_shutdown", "ii:i"),
	}
}
