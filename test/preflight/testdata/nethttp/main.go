// A Proxy-Wasm filter that opens a network connection, which no filter can do.
package main

import "net/http"

func main() {}

//go:wasmexport proxy_abi_version_0_2_1
func abiVersion() {}

//go:wasmexport proxy_on_memory_allocate
func allocate(size int32) int32 {
	buffer = make([]byte, size)
	return 0
}

var buffer []byte

//go:wasmexport proxy_on_configure
func onConfigure(_, _ int32) int32 {
	answer, err := http.Get("http://example.com/")
	if err != nil {
		return 0
	}
	_ = answer.Body.Close()
	return 1
}
