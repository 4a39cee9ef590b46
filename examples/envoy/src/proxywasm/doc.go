// Package proxywasm writes filters for Envoy in Go. It binds version 0.2.1 of the Proxy-Wasm ABI
// for the standard Go compiler, and depends on the standard library alone.
//
// A filter is a command with an empty main. It registers a function that makes its [Plugin]:
//
//	package main
//
//	import "github.com/wasm-xds/wasm-xds/examples/envoy/src/proxywasm"
//
//	func main() {}
//
//	var _ = proxywasm.Register(func() proxywasm.Plugin { return &hello{} })
//
//	// hello is one configured filter.
//	type hello struct {
//		proxywasm.BasePlugin
//		greeting string
//	}
//
//	func (h *hello) OnConfigure(configuration []byte) error {
//		h.greeting = string(configuration)
//		return nil
//	}
//
//	func (h *hello) NewHTTP() proxywasm.HTTP { return &stream{hello: h} }
//
//	// stream is one request with its response.
//	type stream struct {
//		proxywasm.BaseHTTP
//		hello *hello
//	}
//
//	func (s *stream) OnResponseHeaders(int, bool) proxywasm.Action {
//		_ = proxywasm.ResponseHeaders.Replace("hello", s.hello.greeting)
//		return proxywasm.Continue
//	}
//
// This command builds it:
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o hello.wasm .
//
// # Contexts
//
// Envoy makes a root context for each configured filter: the [Plugin]. It makes a stream context
// for each request or connection: an [HTTP] or a [Network]. Envoy may run several plugins in one
// VM, and it runs a VM on each worker thread. State that all of them need belongs in shared data.
//
// The base types, [BasePlugin], [BaseHTTP] and [BaseNetwork], have a method for every callback that
// lets traffic pass. A filter embeds them and writes the methods that it needs.
//
// # Host functions
//
// The functions of this package act on the current context: the callback of this context runs.
// [ContextID.Do] acts on another context. Each function reports the status of the host as an error
// of the type [Status].
//
// # Concurrency
//
// A VM has one thread, and Envoy calls one callback at a time. A goroutine runs only during a
// callback, so leave no goroutine behind. No callback may block. Use [HTTPCall] and its response
// callback in place of net/http, and [SetTickPeriod] in place of [time.Timer]. [time.Now] works.
//
// # Failures
//
// A panic ends the VM. The failure policy of the filter then decides about requests.
//
// # Limits
//
// gRPC calls are not bound. On platforms other than wasip1 each host function returns
// [ErrUnimplemented], so the parts of a filter without host functions have ordinary tests.
package proxywasm
