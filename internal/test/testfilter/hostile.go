package testfilter

import (
	"github.com/wasm-xds/wasm-xds/internal/wasmenc"
)

// Garbage has the framing and exports of a filter, but invalid instructions as code. Only compiling
// the module reveals the fault.
func Garbage(stamp string) []byte {
	const noInstruction = 0xff
	b := newBuilder(false, false)
	b.addFrame()
	b.m.ExportedFunc("proxy_on_request_headers", wasmenc.Sig("iii:i"), 0,
		append(wasmenc.Code{noInstruction}, stamp...))
	return b.bytes(0, stamp)
}

// NoMemory exports no memory. Envoy accepts the module, and crashes on the first request when it
// reads the log message of the filter from memory.
func NoMemory(stamp string) []byte {
	var m wasmenc.Module
	log := m.Import("env", "proxy_log", wasmenc.Sig("iii:i"))
	m.ExportedFunc("proxy_abi_version_0_2_1", wasmenc.Sig(""), 0, nil)
	m.ExportedFunc("malloc", wasmenc.Sig("i:i"), 0, wasmenc.Code{}.I32Const(heapAddress))
	m.ExportedFunc("proxy_on_context_create", wasmenc.Sig("ii"), 0, nil)
	m.ExportedFunc("proxy_on_request_headers", wasmenc.Sig("iii:i"), 0, wasmenc.Code{}.
		I32Const(logInfo).I32Const(textAddress).I32Const(4).Call(log).Drop().
		I32Const(continueIteration))
	m.Custom("stamp", []byte(stamp))
	return m.Bytes()
}

// GrowOnConfigure grows its memory in an endless loop, which continues when there is no more
// memory.
func GrowOnConfigure(stamp string) []byte {
	const pages = 64
	b := newBuilder(false, false)
	b.addFrame()
	b.addOnConfigure(wasmenc.Code{}.Loop(wasmenc.Code{}.I32Const(pages).MemoryGrow().Drop().Br(0)), false)
	b.text.Push(stamp)
	return b.bytes(0, stamp)
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
