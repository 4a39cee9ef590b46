package testfilter

import (
	"github.com/wasm-xds/wasm-xds/internal/wasmenc"
)

// Garbage has a module's header and sections, and nonsense in them, so that
// nothing short of compiling it finds out.
func Garbage(stamp string) []byte {
	const typeSection, codeSection = 1, 10
	module := wasmenc.Header()
	module = wasmenc.AppendSection(module, typeSection, []byte{0x01, 0x13, 0xde, 0xad, 0xbe, 0xef})
	return wasmenc.AppendSection(module, codeSection, []byte("\x01"+stamp+"\xff\xff"))
}

// NoMemory exports no memory: Envoy accepts it, and crashes on the first request.
func NoMemory(stamp string) []byte {
	var m wasmenc.Module
	m.ExportedFunc("proxy_abi_version_0_2_1", wasmenc.Sig(""), 0, nil)
	m.ExportedFunc("malloc", wasmenc.Sig("i:i"), 0, wasmenc.Code{}.I32Const(heapAddress))
	m.ExportedFunc("proxy_on_context_create", wasmenc.Sig("ii"), 0, nil)
	m.ExportedFunc("proxy_on_request_headers", wasmenc.Sig("iii:i"), 0,
		wasmenc.Code{}.I32Const(continueIteration))
	m.Custom("stamp", []byte(stamp))
	return m.Bytes()
}

// LoopOnConfigure never returns from proxy_on_configure: Envoy's main thread
// hangs for ever.
func LoopOnConfigure(stamp string) []byte {
	b := newBuilder(false, false)
	b.addFrame()
	b.addOnConfigure(wasmenc.Code{}.Loop(wasmenc.Code{}.Br(0)), false)
	b.text.Push(stamp)
	return b.bytes(0, stamp)
}
