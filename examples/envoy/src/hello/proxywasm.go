package main

import "unsafe"

// Values of the Proxy-Wasm ABI 0.2.1.
const (
	statusOK                  = 0
	actionContinue            = 0
	logLevelError             = 4
	bufferPluginConfiguration = 7
	mapResponseHeaders        = 2
)

//go:wasmimport env proxy_log
func proxyLog(level uint32, text *byte, size uint32) uint32

//go:wasmimport env proxy_get_buffer_bytes
func proxyGetBufferBytes(buffer, start, size uint32, address, length unsafe.Pointer) uint32

//go:wasmimport env proxy_replace_header_map_value
func proxyReplaceHeaderMapValue(headers uint32, name *byte, nameSize uint32, value *byte, valueSize uint32) uint32

//go:wasmexport proxy_abi_version_0_2_1
func abiVersion() {}

// allocated keeps the memory that Envoy has allocated and this filter has not yet read, so that the
// garbage collector does not free the memory in between.
var allocated = map[*byte][]byte{}

//go:wasmexport proxy_on_memory_allocate
func allocate(size uint32) *byte {
	if size == 0 {
		return nil
	}
	memory := make([]byte, size)
	allocated[&memory[0]] = memory
	return &memory[0]
}

// take returns the content of a piece of memory that Envoy has filled, and frees the memory.
func take(address *byte, size uint32) string {
	if address == nil {
		return ""
	}
	memory := allocated[address]
	delete(allocated, address)
	return string(memory[:min(int(size), len(memory))])
}

// pluginConfiguration returns size bytes of the filter's configuration. Envoy allows the call only
// in proxy_on_configure.
func pluginConfiguration(size uint32) (string, bool) {
	var address *byte
	var length uint32
	status := proxyGetBufferBytes(bufferPluginConfiguration, 0, size,
		unsafe.Pointer(&address), unsafe.Pointer(&length))
	return take(address, length), status == statusOK
}

func setResponseHeader(name, value string) {
	proxyReplaceHeaderMapValue(mapResponseHeaders,
		unsafe.StringData(name), uint32(len(name)), unsafe.StringData(value), uint32(len(value)))
}

func logError(text string) {
	proxyLog(logLevelError, unsafe.StringData(text), uint32(len(text)))
}
