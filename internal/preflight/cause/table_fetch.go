package cause

// fetchCauses are Envoy's messages about modules that it fetches over HTTP.
func fetchCauses() []cause {
	return []cause{
		{
			code: "remote_fetch_notice", text: `wasm remote code fetch is unstable`,
			means: "Envoy says so of every module that it fetches over HTTP; with a control plane that sends plain remote code, filters are in fact skipped",
			do:    "nothing, with wasm-xds: it never sends remote code that Envoy has not cached; delivery: inline does without the fetch",
			see:   "Remote code on a live listener switches the filter off", example: "Wasm remote code fetch is unstable and may cause a crash",
		},
		{
			code: "fetch_in_progress", text: `failed to load \(in progress\)`,
			means: "another filter has begun to fetch the same module, and this one is not loaded meanwhile; requests get 503",
			do:    "nothing, with wasm-xds: it pushes again when the module is there; without it, use inline code",
			see:   "An ACK of remote code comes before the code", example: "createWasm: failed to load (in progress) from http://127.0.0.1:18001/modules/9c8abc.wasm",
		},
		{
			code: "fetch_failed_cached", text: `failed to load \(cached\)`,
			means: "a fetch of this module has failed less than 10 seconds ago, and Envoy does not try again before those are over",
			do:    "look whether the Envoy reaches the modules cluster: wasm-xds bootstrap prints a cluster that does; inline code gets in at once",
			see:   "Limits of remote code", example: "createWasm: failed to load (cached) from http://127.0.0.1:18001/modules/9c8abc.wasm",
		},
		{
			code: "fetch_begun", text: `failed to load wasm code \(fetching\)`,
			means: "Envoy does not have this module yet and has begun to fetch it: with nack_on_code_cache_miss the first push is refused so",
			do:    "nothing, with wasm-xds: it pushes again when the module has been fetched",
			see:   "`nack_on_code_cache_miss` makes remote code safe", example: "Failed to load Wasm code (fetching) from http://127.0.0.1:18001/modules/9c8abc.wasm",
		},
		{
			code: "fetch_no_cluster", text: `fetch remote data \[[^\]]*\]: no cluster (\S*)`,
			means: "the Envoy has no cluster {} to fetch modules from",
			do:    "add the cluster to its bootstrap, as wasm-xds bootstrap prints it, or name the one that it has with --modules-cluster", example: "fetch remote data [uri = http://127.0.0.1:18001/modules/9c8abc.wasm]: no cluster wasm_xds_modules",
		},
		{
			code: "fetch_wrong_digest", text: `fetch remote data \[[^\]]*\]: data is invalid`,
			means: "what Envoy has fetched has another sha256 than the one it was told: something between answers in the server's place, or the digest is in uppercase",
			do:    "look what answers under the URL, as a proxy or a cache; wasm-xds serves modules by their digest, in lowercase",
			see:   "Limits of remote code", example: "fetch remote data [uri = http://127.0.0.1:18001/modules/9c8abc.wasm]: data is invalid",
		},
		{
			code: "fetch_failed", text: `failed to load wasm code \(fetch failed\)|failed to fetch remote data|fetch remote data \[[^\]]*\]: (?:network error|response status code|body is empty|canceled)`,
			means: "Envoy could not fetch the module: its server is not reached, the answer was no 200, or it is larger than 32 MiB",
			do:    "look at the modules cluster of the bootstrap, and at wasm-xds status; wasm-xds falls back to inline code by itself",
			see:   "Limits of remote code", example: "Failed to load Wasm code (fetch failed) from http://127.0.0.1:18001/modules/9c8abc.wasm",
		},
		{
			code: "null_plugin", text: `failed to load nullvm plugin`,
			means: "vm.runtime is null, which runs C++ that is built into Envoy, and this Envoy has none of that name",
			do:    "remove vm.runtime to run the module with V8", example: "Wasm VM failed Failed to load NullVM plugin",
		},
	}
}
