package cause

// The advice that several rows share.
const (
	noSockets = "a filter cannot open sockets, files, threads or timers of its own: call an upstream through Envoy with " +
		"proxy_http_call (DispatchHttpCall) and a cluster in the bootstrap, use proxy_set_tick_period_milliseconds for timers, " +
		"and remove net/http, os, time.Sleep, time.After and sync from the filter"
	reactor = "build a reactor for Proxy-Wasm: Go with GOOS=wasip1 GOARCH=wasm -buildmode=c-shared, " +
		"Rust as a cdylib with the proxy-wasm crate, C++ with the Proxy-Wasm SDK"
	upgradeSDK = "update the filter's Proxy-Wasm SDK, or build with the ABI version that it was made for"
)
