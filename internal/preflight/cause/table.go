package cause

import (
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
)

// causes returns the rows, narrow ones before wide ones. The first row that matches wins.
func causes() []cause {
	table := importCauses()
	table = append(table, fetchCauses()...)
	table = append(table, moduleCauses()...)
	table = append(table, startCauses()...)
	return append(table, envoyCauses()...)
}

// moduleCauses are reasons to refuse a module before it runs. Their codes are those of the check's
// problems, or narrower.
func moduleCauses() []cause {
	return []cause{
		{
			code: finding.CodeImportGlobal, steps: []finding.Step{finding.StepImports}, text: `unsupported import \(module: .*global|imports? a global`,
			means: "the module imports a global, and Envoy gives functions only",
			do:    "link it as a whole and not as a shared library: remove -shared, -fPIC and --import-memory", example: "Failed to load Wasm module due to unsupported import (module: env, name: __stack_pointer, type: global)",
		},
		{
			code: finding.CodeImportKind, steps: []finding.Step{finding.StepImports}, text: `unsupported import|imports? a (memory|table|tag)`,
			means: "the module imports a memory, a table or a tag, and Envoy gives functions only",
			do:    "link it with its own memory, exported as \"memory\": remove --import-memory and --import-table", example: "the module imports a memory",
		},
		{
			code: finding.CodeABISeveral, steps: []finding.Step{finding.StepABI}, text: `(?:several|two|more than one) (?:proxy-wasm )?ABI`,
			means: "the module exports several ABI versions, so that two SDKs are linked into it",
			do:    "use one Proxy-Wasm SDK in one version", example: "the module exports more than one ABI version",
		},
		{
			code: finding.CodeABIMissing, steps: []finding.Step{finding.StepABI}, text: `missing or unknown proxy-wasm abi version|no proxy_abi_version|proxy_abi_version_0_3`,
			means: "the module exports none of proxy_abi_version_0_1_0, 0_2_0 and 0_2_1: it was not built with a Proxy-Wasm SDK, the linker dropped the export, or it speaks 0.3.0, which no Envoy does",
			do:    reactor + "; in Rust the crate-type is cdylib, and a function of the crate has to be reachable", example: "Missing or unknown Proxy-Wasm ABI version",
		},
		{
			code: finding.CodeMallocMissing, steps: []finding.Step{finding.StepExports}, text: `missing malloc function|proxy_on_memory_allocate`,
			means: "the module exports neither malloc nor proxy_on_memory_allocate, by which Envoy hands it data: it is no reactor, or was built for another target",
			do:    reactor, example: "Wasm VM failed Wasm module is missing malloc function.",
		},
		{
			code: finding.CodeExportSignature, steps: []finding.Step{finding.StepExports}, text: `bad function signature|bad import type|export.*signature`,
			means: "a function that Envoy calls has another signature than Envoy calls it with: the exported ABI version and the callbacks belong to different SDKs",
			do:    upgradeSDK + "; with ABI 0.1.0 proxy_on_request_headers and proxy_on_response_headers have two parameters, later three", example: "Bad function signature for: proxy_on_request_headers, want: i32 i32 -> i32, but the module exports: i32 i32 i32 -> i32",
		},
		{
			code: finding.CodeMemoryMissing, steps: []finding.Step{finding.StepMemory}, text: `no (?:exported )?memory|memory (?:is )?not exported`,
			means: "the module exports no memory: Envoy accepts it, and crashes with the first request",
			do:    "export its memory as \"memory\": do not link with --import-memory, and leave linker scripts that hide exports out",
			see:   "A module without a memory kills Envoy", example: "the module exports no memory",
		},
		{
			code: finding.CodeMemoryLimit, steps: []finding.Step{finding.StepMemory, finding.StepInstantiate}, text: `memory.*(?:limit|16384|pages)`,
			means: "the module wants more memory at its start than Envoy gives (16384 pages of 64 KiB, 1 GiB)",
			do:    "lower its initial memory (--initial-memory, -s INITIAL_MEMORY), and let it grow instead", example: "the memory begins with 20000 pages, over the limit of 16384",
		},
		{
			code: finding.CodeMalformed, steps: []finding.Step{finding.StepParse, finding.StepInstantiate}, text: `failed to parse corrupted wasm module|failed to load wasm (?:bytecode|code|module from base)|invalid (?:magic|version)|malformed`,
			means: "the bytes are no valid Wasm module, or one with features that Envoy's engine lacks",
			do:    "build it again; if a tool changed it (wasm-opt, strip), leave that out to see whether it is the cause; turn off new features of the compiler (threads, exceptions, gc, memory64)", example: "Failed to parse corrupted Wasm module",
		},
		{
			code: finding.CodeTooLarge, steps: []finding.Step{finding.StepParse}, text: `module.*too large|over.*32 MiB`,
			means: "the module is larger than what may be loaded",
			do:    "strip it (wasm-strip, -ldflags=-s -w, strip = true), or build it for size (opt-level = \"z\", -Os)", example: "the module is too large: 80 MiB",
		},
		{
			code: finding.CodeNotWasm, steps: []finding.Step{finding.StepParse}, text: `not (?:a )?wasm\b`,
			means: "the file is not Wasm", do: "name the .wasm file that the compiler wrote", example: "the file is not Wasm",
		},
	}
}

// startCauses are failures while a module runs. Rows with the words of a language's runtime come
// before rows that know only the step.
func startCauses() []cause {
	running := []finding.Step{finding.StepInstantiate, finding.StepStart, finding.StepVMStart, finding.StepConfigure, finding.StepStream}
	return []cause{
		{
			code: finding.CodeRootIDUnknown, steps: running, text: `no (?:base |root )?(?:context|root) factory for root_id: *(\S*)|missing root context factory for root id: *(\S*)|unable to get root_id|root_?id[^:]* is (?:not known|unknown)`,
			means: "the module has no filter under the rootId that the spec gives ({}): a filter in C++ or AssemblyScript registers itself under an id",
			do:    "set rootId to what the filter registers (the last argument of RegisterContextFactory or registerRootContext), or leave both empty; wasm-xds inspect lists what it finds", example: "no context factory for root_id: auth_root",
		},
		{
			code: finding.CodeRestrictedCallback, steps: running, text: `restricted_callback`,
			means: "the module called a host function that Envoy refuses before the module has started: in _initialize, _start and main it may only log and use a part of WASI",
			do:    "move what it does from main, init functions and global constructors into proxy_on_vm_start or proxy_on_configure", example: "Function: _initialize failed: Uncaught Error: restricted_callback",
		},
		{
			code: "no_stream_context", steps: running, text: `missing ContextType on root_context|invalid context id on proxy_on_context_create|None (?:Http|Stream)Context fn`,
			means: "the filter makes no context for a stream ({}): it is a service or an example that handles no requests, and each request would get 503",
			do:    "give its root context a get_type and a create_http_context or create_stream_context (Rust), or a NewHttpContext or NewTcpContext (Go); a service without requests belongs into Envoy's bootstrap, which no control plane delivers", example: "panicked at 'missing ContextType on root_context', proxy-wasm-0.2.1/src/dispatcher.rs:165:29",
		},
		{
			code: "other_type", steps: []finding.Step{finding.StepStream}, text: `panicked at .*invalid context_id|panic: invalid context on proxy_on_`,
			means: "the filter has no context for a stream of this type: it handles connections where requests come, or requests where connections come",
			do:    "set type in the spec to what the filter is: http, or network for one that handles connections", example: "panicked at crates/proxy-wasm-0.2.5/src/dispatcher.rs:338:13: invalid context_id",
		},
		{
			code: "data_gone", steps: running, text: `unexpected status: 2\b`,
			means: "the filter asked for headers, trailers or a body that are not there now: Envoy shows a message's parts in their own callbacks only, and no more once the filter has let them pass",
			do:    "read what later callbacks need, such as the request's path, in proxy_on_request_headers, and keep it in the stream's own context",
			see:   "What a filter has let pass it sees no more", example: "panicked at 'unexpected status: 2', proxy-wasm-0.2.1/src/hostcalls.rs:165:19",
		},
		{
			code: "filter_panic", steps: running, text: `(panicked at .*|panic:.*|fatal error:.*|assertion failed.*)`,
			means: "the filter's code gave up: {}",
			do:    "handle this case in the filter: what it parses may be missing or have another form than it expects", example: "panicked at 'called `Option::unwrap()` on a `None` value', src/lib.rs:21:40",
		},
		{
			code: finding.CodeTimeout, steps: running, text: `(?:step|time) ?(?:limit|out) .*exceeded|(?:did not return|did not end|has not returned) within|context deadline exceeded`,
			means: "the module did not return in time: in Envoy its main thread would hang for ever, its admin interface too",
			do:    "look for an endless loop or for waiting (sleep, a lock, a channel) in what runs at the start; a filter is called back instead of waiting", example: "proxy_on_configure did not return within 5s",
		},
		{
			code: finding.CodeHostCalls, steps: running, text: `host ?(?:function )?calls.*limit|too many host ?calls`,
			means: "the module called host functions without end: in Envoy it would hang the thread",
			do:    "look for an endless loop around a host call, such as reading a buffer until it is empty", example: "too many host calls in proxy_on_configure",
		},
		{
			code: "stack_overflow", steps: running, text: `stack overflow|maximum call stack size exceeded|call stack exhausted`,
			means: "the module called itself until its stack was full",
			do:    "look for a recursion that does not end; give the stack more room only where the depth is known", example: "Function: proxy_on_configure failed: Uncaught RangeError: Maximum call stack size exceeded",
		},
		{
			code: "out_of_memory", steps: running, text: `out of memory|memory access out of bounds|out of bounds memory access|memory.grow|allocation .*failed`,
			means: "the module touched memory that it does not have, or got no more of it",
			do:    "look for an allocation that grows without end, and for pointers kept after they were freed", example: "Function: proxy_on_configure failed: Uncaught RuntimeError: memory access out of bounds",
		},
		{
			code: "proc_exit", steps: running, text: `proc_exit|exit(?:ed)? (?:with )?(?:code|status)|os\.Exit`,
			means: "the module ended itself (os.Exit, exit, a main that returned from a command)",
			do:    "return false from proxy_on_configure instead; " + reactor, example: "the module called proc_exit with code 1",
		},
		{
			code: finding.CodeVMStartRefused, steps: []finding.Step{finding.StepVMStart}, text: `failed to start (?:base|thread-local) wasm|proxy_on_vm_start (?:returned|said) (?:false|no|0)`,
			means: "proxy_on_vm_start did not return true, or trapped: the module does not accept its VM configuration",
			do:    "look at vm.config in the spec, and at what the module logged before", example: "Wasm VM failed Failed to start base Wasm",
		},
		{
			code: finding.CodeConfigureRefused, steps: []finding.Step{finding.StepConfigure}, text: `failed to configure (?:base|thread-local) wasm(?: plugin)?|proxy_on_configure (?:returned|said) (?:false|no|0)`,
			means: "proxy_on_configure did not return true, or trapped: the module does not accept its configuration",
			do:    "look at config in the spec, and at what the module logged before", example: "Wasm VM failed Failed to configure base Wasm plugin",
		},
		{
			code: finding.CodeConfigure, steps: []finding.Step{finding.StepConfigure}, text: `proxy_on_configure (?:trapped|failed)`,
			means: "the module trapped in proxy_on_configure",
			do:    "look at config in the spec, and at what the module logged before", example: "Function: proxy_on_configure failed: Uncaught RuntimeError: unreachable",
		},
		{
			code: finding.CodeVMStart, steps: []finding.Step{finding.StepVMStart}, text: `proxy_on_vm_start (?:trapped|failed)`,
			means: "the module trapped in proxy_on_vm_start",
			do:    "look at vm.config in the spec, and at what the module logged before", example: "Function: proxy_on_vm_start failed: Uncaught RuntimeError: unreachable",
		},
		{
			code: finding.CodeStart, steps: []finding.Step{finding.StepStart}, text: `(?:_initialize|_start|main|__main_void) (?:trapped|failed)`,
			means: "the module trapped in its entry point, before any callback",
			do:    "look at main, at init functions and at global constructors; " + reactor, example: "Function: _initialize failed: Uncaught RuntimeError: unreachable",
		},
		{
			code: finding.CodeInstantiate, steps: []finding.Step{finding.StepInstantiate}, text: `failed to (?:initialize wasm code|clone base wasm|create new wasm instance|instantiate)`,
			means: "Envoy's engine could not make an instance of the module; the line before says why",
			do:    "look for \"missing import\" or \"import type mismatch\" before this line, or run wasm-xds check on the spec", example: "Wasm VM failed Failed to initialize Wasm code",
		},
		{
			code: finding.CodeTrap, steps: []finding.Step{finding.StepStream}, text: `Function: (\S+) failed:|uncaught runtimeerror|proxy-wasm plugin in-vm backtrace`,
			means: "the module trapped ({}): with failurePolicy closed the worker answers 503 until the next good revision, with open it soon serves without the filter, with reload it answers 503 until there is a new VM",
			do:    "look at the backtrace, and at what the filter has logged before; a request like this in the spec's tests has wasm-xds check show it", see: "A filter that traps",
			example: "Function: proxy_on_request_headers failed: Uncaught RuntimeError: unreachable",
		},
		{
			code: "environment_invalid", text: `environment variable .* (?:is )?duplicated|key .* is duplicated in \S*environment_variables`,
			steps: []finding.Step{finding.StepStart, finding.StepInstantiate, finding.StepParse},
			means: "an environment variable is both given and inherited",
			do:    "remove it from vm.env or from vm.hostEnv", example: "Key TOKEN is duplicated in envoy.extensions.wasm.v3.VmConfig.environment_variables for auth. All the keys must be unique.",
		},
	}
}

// envoyCauses are Envoy's own words about filters over xDS. The check has no step for them.
func envoyCauses() []cause {
	return []cause{
		{
			code: "wrong_filter_type", text: `filter config has type url (\S+) but expect`,
			means: "the listener wants a filter of another type than the one of this name ({})",
			do:    "set type in the spec: http for a filter in the HTTP connection manager, network for one in the listener's own chain; or ask for another name",
			see:   "What a refusal says", example: "Error: filter config has type URL envoy.extensions.filters.network.wasm.v3.Wasm but expect envoy.extensions.filters.http.wasm.v3.Wasm",
		},
		{
			code: "wrong_resource_name", text: `unexpected resource name`,
			means: "the control plane sent a filter under another name than the one Envoy asked for",
			do:    "compare the name in the listener's config_discovery with the spec's name", see: "What a refusal says",
			example: "Unexpected resource name in ExtensionConfigDS response: hello, expected auth",
		},
		{
			code: "invalid_path", text: `invalid path: *(\S*)`,
			means: "Envoy does not find the file {}: with delivery file it reads the module from the module store's directory",
			do:    "mount the directory modules of --state-dir into Envoy, and say with --modules-dir-in-envoy where it is there; or use delivery: remote",
			see:   "Local files are as good as inline code, and are read once", example: "Invalid path: /modules/9c8abc.wasm",
		},
		{
			code: "no_wasm_runtime", text: `(?:failed to create wasm vm|unable to create wasm vm|didn't find a registered implementation.*wasm|wasm runtime .*not (?:supported|registered|available))`,
			means: "this Envoy was built without the Wasm runtime that the filter wants",
			do:    "use a build with V8 (the official images have it), or set vm.runtime to one that the build has: wasm-xds status shows what the Envoy lists",
			see:   "Builds without a Wasm runtime", example: "Failed to create Wasm VM using envoy.wasm.runtime.v8 runtime. Envoy was compiled without support for it.",
		},
		{
			code: "unknown_field", text: `(?:has unknown fields|no such field|unknown field|Protobuf message .* unknown)`,
			means: "the configuration has a field that this Envoy does not know, and Envoy refuses it",
			do:    "wasm-xds leaves such fields out by Envoy's version; in a bootstrap of your own, remove the field or update Envoy", see: "Identical bytes get a false ACK",
			example: "Protobuf message (type envoy.extensions.wasm.v3.VmConfig with unknown field set {9}) has unknown fields",
		},
		{
			code: "plugin_refused", text: `unable to create wasm (?:http filter|network filter|plugin|service|access log)? *([\w./-]*)`,
			means: "Envoy refuses the filter {} and does not say why: the reason is a line before this one in Envoy's log; with nack_on_code_cache_miss it is also the normal answer to the first push, while the module is fetched",
			do:    "run wasm-xds status {}, which shows the cause; or wasm-xds check on its spec; or give the whole log to wasm-xds explain",
			see:   "What a refusal says", example: "Unable to create Wasm plugin auth",
		},
		{
			code: "plugin_failed", text: `plugin (\S+) failed to load`,
			means: "the filter {} did not load: with failurePolicy closed every request gets 503, with open all of them pass without it",
			do:    "look at the line before for why it did not load, or run wasm-xds check on its spec; wasm-xds status {} shows the cause", see: "A filter that traps",
			example: "Plugin auth failed to load",
		},
		{
			code: "node_required", text: `node 'id' and 'cluster' are required`,
			means:   "the Envoy's bootstrap names no node id or no cluster, and Envoy asks no control plane without both",
			do:      "add node: {id: …, cluster: …} to the bootstrap, or start Envoy with --service-node and --service-cluster; wasm-xds bootstrap prints both",
			example: "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig: node 'id' and 'cluster' are required. Set it either in 'node' config or via --service-node and --service-cluster options.",
		},
		{
			code: "no_per_route", text: `filter (\S+) (?:doesn't|does not) support (?:virtual host|route)`,
			means:   "a route or a virtual host has configuration of its own for the filter {}, and Wasm filters take none",
			do:      "remove it from typed_per_filter_config; give the routes that need another configuration a filter of another name, or have the filter read the route's name (xds.route_name)",
			example: "The filter envoy.filters.http.wasm doesn't support virtual host or route specific configurations",
		},
		{
			code: "no_healthy_upstream", text: `no healthy upstream|no_healthy_upstream`,
			means:   "the cluster that the request goes to has no host that is up; no filter is to blame for this 503",
			do:      "look at the cluster's hosts and health checks: the page /clusters of Envoy's admin interface shows both",
			example: "no healthy upstream",
		},
		{
			code: "fail_closed", text: `plugin configured to fail closed`,
			means: "the filter did not load, and with failurePolicy closed every request gets 503 (or the configuration is refused)",
			do:    "look at the line before for why it did not load, or run wasm-xds check on its spec",
			see:   "A filter that traps", example: "Plugin configured to fail closed failed to load",
		},
		{
			code: "warming_500", text: `no_filter_config_found|\bNFCF\b`,
			means: "the listener runs without a configuration for one of its filters and answers 500: it never came, came after initial_fetch_timeout, was refused while the listener warmed, or was removed",
			do:    "run wasm-xds status to see whether this Envoy has asked for the filter, and what it got; wire the filter as wasm-xds bootstrap prints it",
			see:   "`nack_on_code_cache_miss` makes remote code safe", example: "\"GET / HTTP/1.1\" 500 NFCF no_filter_config_found",
		},
		{
			code: "removed_filter", text: `removed_resources|(?:filter|extension) config \S+ was removed`,
			means: "the control plane removed the filter's configuration: every request gets 500, unless there is a default_config",
			do:    "use a control plane that replaces a filter instead of removing it, as wasm-xds does",
			see:   "A removed filter answers 500", example: "the extension config auth was removed",
		},
		{
			code: "fetch_timeout", text: `(?:initial fetch timed? ?out|initial_fetch_timeout)`,
			means: "no configuration came within initial_fetch_timeout: the listener opens, and answers 500 until it comes",
			do:    "look whether this Envoy reaches the xDS address (wasm-xds status lists those that do), and compare the names that it asks for with the specs' names",
			see:   "Told that a name does not exist, Envoy waits for ever", example: "gRPC config: initial fetch timed out for type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
		},
		{
			code: "xds_unreachable", text: `gRPC config stream (?:to \S+ )?closed(?::| since)`,
			means:   "Envoy does not reach its control plane, and goes on with what it has",
			do:      "look whether wasm-xds serve runs, and whether the xDS cluster in the bootstrap has its address and http2_protocol_options",
			example: "DeltaAggregatedResources gRPC config stream to wasm_xds closed: 14, upstream connect error or disconnect/reset before headers. reset reason: remote connection failure",
		},
		{
			code: "update_rejected", text: `gRPC config for type\.googleapis\.com/\S+ rejected|update_rejected|config_fail`,
			means: "Envoy refused a configuration and keeps the one before; what is refused stays stored, and would fail the listener's next update",
			do:    "look at the words behind it, or run wasm-xds status; wasm-xds sends the last good revision again by itself", see: "A refused filter fails its listener's next update",
			example: "gRPC config for type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig rejected: Error adding/updating",
		},
		{
			code: "crash", text: `caught (?:segmentation fault|abort(?:ed|ing)|bus error)|\bSIGSEGV\b|segmentation fault`,
			means: "Envoy crashed: a module without an exported memory does that with its first request, and an upstream filter that a static cluster gets over ADS does it at the start, without any module",
			do:    "run wasm-xds check on the specs of the filters that this Envoy had; give upstream filters an api_config_source of their own in place of ads", see: "An upstream filter over ADS kills Envoy",
			example: "Caught Segmentation fault, suspect faulting address 0x0",
		},
		{
			code: "closed_503", text: `wasm_fail_stream`,
			means: "the filter is there and does not run: it trapped on this worker, or its module is still being fetched, and with failurePolicy closed every request gets 503",
			do:    "look for \"Function: … failed\" or \"failed to load\" before it, and run wasm-xds status", see: "A filter that traps",
			example: "\"GET / HTTP/1.1\" 503 - wasm_fail_stream",
		},
	}
}
