package cause

import (
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
)

// importCauses match families of names, because a toolchain has many names for one mistake.
func importCauses() []cause {
	table := []cause{
		{
			code: finding.CodeImportSignature, text: `import type mismatch: *"?(env\.[^\s",(]+)`,
			means: "Envoy has `{}`, with another signature than the module imports: the SDK belongs to another ABI version, or a binding is wrong",
			do:    upgradeSDK, example: "Failed to load Wasm module due to an import type mismatch: env.proxy_log, want: i32 i32 -> i32, but host exports: i32 i32 i32 -> i32",
		},
		{
			code: "tinygo_time", imports: `env\.time\..*`,
			means: "`{}` comes from Go's package time, whose timers TinyGo leaves to the host; Envoy has none", do: noSockets,
			example: "Failed to load Wasm module due to a missing import: env.time.resetTimer",
		},
		{
			code: "tinygo_runtime", imports: `env\.(runtime|internal/(poll|task|runtime[^.]*|godebug|testlog|syscall[^.]*))\..*`,
			means: "`{}` comes from a part of Go's runtime that TinyGo leaves to the host, used by net/http, os or time", do: noSockets,
			example: "env.runtime.procPin",
		},
		{
			code: "tinygo_sync", imports: `env\.sync(/atomic)?\..*`,
			means: "`{}` comes from Go's package sync, of which TinyGo leaves this part to the host", do: noSockets,
			example: "env.sync/atomic.AddInt64",
		},
		{
			code: "tinygo_syscall", imports: `env\.(syscall(/[^.]*)?|os(/[^.]*)?|net(/[^.]*)?|crypto(/[^.]*)?)\..*`,
			means: "`{}` comes from Go's packages net, os or syscall, and Envoy has no operating system for a filter", do: noSockets,
			example: "env.syscall/js.valueGet",
		},
		{
			code: "go_js", imports: `(gojs|go)\..*`,
			means: "`{}` is JavaScript's part of a Go program: the module was built for a browser (GOOS=js)",
			do:    "build with GOOS=wasip1 GOARCH=wasm and -buildmode=c-shared", example: "gojs.runtime.wasmWrite",
		},
		{
			code: "wasm_bindgen", imports: `(__wbindgen[^.]*|wbg|env\.__wbindgen[^.]*)(\..*)?`,
			means: "`{}` comes from wasm-bindgen: a crate in the filter expects a browser",
			do: "turn off the browser features of its dependencies (getrandom's \"js\", chrono's \"wasmbind\", uuid's \"js\"), " +
				"or build for wasm32-wasip1 instead of wasm32-unknown-unknown",
			example: "__wbindgen_placeholder__.__wbindgen_describe",
		},
		{
			code: "wasi_sockets", imports: `wasi_(snapshot_preview1|unstable)\.sock_.*`,
			means: "`{}` is WASI's sockets, which Go's net and net/http and Rust's std::net use; Envoys before 1.39 do not have it, later ones refuse the call",
			do:    noSockets, example: "wasi_snapshot_preview1.sock_accept",
		},
		{
			code: "wasi_signature", imports: `wasi_(snapshot_preview1|unstable)\.(path_link|path_symlink)`,
			means: "Envoy's `{}` has another signature than standard WASI, so that no standard module can import it",
			do:    "remove what makes links in the file system: a filter has none", example: "wasi_snapshot_preview1.path_symlink",
		},
		{
			code:  "wasi_files",
			means: "`{}` is WASI's file system, which Go's os and net/http, TinyGo's os and Rust's std::fs use; a filter has no files, and Envoys before 1.39 lack most of these functions",
			imports: `wasi_(snapshot_preview1|unstable)\.(path_.*|fd_(filestat_.*|pread|pwrite|prestat_.*|readdir|sync|datasync|tell|` +
				`advise|allocate|renumber|fdstat_set_rights))`,
			do: noSockets + "; a Go filter that only imports these without calling them loads from Envoy 1.39 on: " +
				"serve it to those with nodes, or build it with fewer packages",
			example: "Failed to load Wasm module due to a missing import: wasi_snapshot_preview1.fd_filestat_get",
		},
		{
			code: "wasi_clock", imports: `wasi_(snapshot_preview1|unstable)\.clock_res_get`,
			means: "`{}` exists from Envoy 1.39 on",
			do:    "serve the filter to Envoys from 1.39 on only (nodes), or remove what asks for a clock's resolution", example: "wasi_snapshot_preview1.clock_res_get",
		},
		{
			code: "threads", imports: `(wasi\.thread[-_]spawn|env\.(pthread_|emscripten_.*thread).*)`,
			means: "`{}` starts a thread, and a filter has one",
			do:    "build without threads (no -pthread, no wasm32-wasip1-threads)", example: "wasi.thread-spawn",
		},
		{
			code: "component_import", imports: `(wasi:.*|cm32p2.*|\[export\].*)`,
			means: "`{}` belongs to the component model (WASI 0.2), and Envoy runs core modules",
			do:    "build for wasm32-wasip1 or wasm32-unknown-unknown, not for wasm32-wasip2", example: "wasi:cli/environment@0.2.0.get-environment",
		},
		{
			code: "wasi_unknown", imports: `wasi_[^.]*\..*`,
			means: "`{}` is a function of WASI that Envoy does not have in this form",
			do:    "remove what uses it (signals, processes, other versions of WASI), or build for wasm32-unknown-unknown", example: "wasi_snapshot_preview1.proc_raise",
		},
		{
			code: "sdk_too_old", imports: `env\.proxy_(get_configuration|continue_request|continue_response|clear_route_cache)`,
			means: "`{}` belongs to ABI 0.1.0, and the module says that it speaks a newer one: its SDK is too old, or two SDKs are mixed",
			do:    upgradeSDK, example: "env.proxy_get_configuration",
		},
		{
			code: "sdk_too_new", imports: `env\.proxy_(continue_stream|close_stream|get_log_level)`,
			means: "`{}` is newer than the ABI version that the module exports",
			do:    "export proxy_abi_version_0_2_1: " + upgradeSDK, example: "env.proxy_get_log_level",
		},
		{
			code: "unknown_host_function", imports: `env\.(proxy|envoy)_.*`,
			means: "Envoy has no host function `{}` with this signature: it is misspelled, its signature differs, it was made for another proxy, or for ABI 0.3.0, which no Envoy speaks",
			do:    upgradeSDK, example: "env.proxy_dispatch_http_call",
		},
		{
			code: "assemblyscript_abort", imports: `env\.(abort|seed|trace|console\.log|Date\.now|Math\..*)`,
			means: "`{}` is AssemblyScript's default for what a browser has",
			do:    "compile with --use abort=abort_proc_exit (as the Proxy-Wasm SDK for AssemblyScript says) and without Date, Math.random and console", example: "env.abort",
		},
		{
			code: "emscripten", imports: `(env\.(emscripten_.*|_?emscripten_.*|__cxa_.*|invoke_.*|_?setTempRet0|getTempRet0|__syscall_.*|_embind_.*|exit|__assert_fail)|a\..*)`,
			means: "`{}` is left to JavaScript by Emscripten",
			do:    "build with the flags of the Proxy-Wasm C++ SDK (-s STANDALONE_WASM, --no-entry, its JavaScript library) and without C++ exceptions (-fno-exceptions)", example: "env.__cxa_throw",
		},
		{
			code: "imported_memory", imports: `((env|js)\.(memory|table|__indirect_function_table|__memory_base|__table_base|__stack_pointer)|GOT\.(mem|func)\..*)`,
			means: "`{}` is to come from the host: the module was linked as a shared library, or with --import-memory; Envoy gives functions only",
			do:    "link it as a whole, with its own memory exported as \"memory\": remove --import-memory and -shared", example: "env.memory",
		},
		{
			code: "undefined_symbol", imports: `env\..*`,
			means: "`{}` is a function that the linker did not find and left to the host",
			do:    "link what defines it, and link without --allow-undefined to see such symbols at build time", example: "env.my_helper",
		},
		{
			code: "foreign_import", imports: `[^.]+\..*`,
			means: "`{}` comes from a host that is not Envoy",
			do:    "build the filter for Proxy-Wasm: it can import env.proxy_* and WASI only", example: "fastly_http_req.body_downstream_get",
		},
	}
	for i := range table {
		table[i].steps = []finding.Step{finding.StepImports}
	}
	return table
}
