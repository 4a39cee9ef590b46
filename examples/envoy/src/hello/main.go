// Hello is an HTTP filter that adds the response header "hello". The header's value is the filter's
// configuration. The standard Go compiler builds the filter:
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o hello.wasm .
//
// This file is the filter; proxywasm.go is the part of the Proxy-Wasm ABI for the filter.
package main

import "strings"

// main is never called, but the compiler requires a main function.
func main() {}

// greetings has the configuration of each configured filter, by the number of its root context,
// because Envoy may run several filters in one VM.
var greetings = map[uint32]string{}

// roots has the root context of each stream.
var roots = map[uint32]uint32{}

//go:wasmexport proxy_on_configure
func onConfigure(root, size uint32) bool {
	greeting, ok := pluginConfiguration(size)
	if !ok || greeting == "" || strings.ContainsFunc(greeting, isControl) {
		logError("hello: the configuration has to be one line of text, the greeting")
		return false // Envoy refuses the update and keeps the previous configuration
	}
	greetings[root] = greeting
	return true
}

//go:wasmexport proxy_on_context_create
func onContextCreate(context, root uint32) {
	if root != 0 {
		roots[context] = root
	}
}

//go:wasmexport proxy_on_response_headers
func onResponseHeaders(context, _, _ uint32) uint32 {
	setResponseHeader("hello", greetings[roots[context]])
	return actionContinue
}

//go:wasmexport proxy_on_delete
func onDelete(context uint32) {
	delete(roots, context)
	delete(greetings, context)
}

// isControl reports whether a character is invalid in a header's value.
func isControl(r rune) bool { return r < ' ' || r == 0x7f }
