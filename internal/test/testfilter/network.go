package testfilter

import (
	"github.com/wasm-xds/wasm-xds/internal/wasmenc"
)

// Network describes a filter of type network. The zero value marks connections
// with an empty stamp, "[]".
type Network struct {
	// Stamp is added, in brackets, before the first data from the upstream on a connection.
	Stamp string
	// Downstream stamps the client's data instead.
	Downstream bool
	// EveryChunk stamps each piece of data that Envoy reads.
	EveryChunk bool
	// TrapOnConnection makes each new connection trap the VM.
	TrapOnConnection bool

	// These fields mean the same as in [HTTP].
	ConfigureFails bool
	MissingImport  bool
	LogOnConfigure string
	Pad            int
}

// Module returns the filter's Wasm module.
func (n Network) Module() []byte {
	b := newBuilder(n.LogOnConfigure != "", n.MissingImport)
	setBuffer := b.m.Import("env", "proxy_set_buffer_bytes", wasmenc.Sig("iiiii:i"))
	b.addFrame()
	b.addOnConfigure(b.logOnConfigure(n.LogOnConfigure), n.ConfigureFails)

	var onConnection wasmenc.Code
	if n.TrapOnConnection {
		onConnection = onConnection.Unreachable()
	}
	b.m.ExportedFunc("proxy_on_new_connection", wasmenc.Sig("i:i"), 0, onConnection.
		Then(b.contextSlot()).I32Const(1).I32Store(tableAddress).
		I32Const(continueIteration))

	callback, buffer := "proxy_on_upstream_data", int32(bufferUpstreamData)
	if n.Downstream {
		callback, buffer = "proxy_on_downstream_data", bufferDownstreamData
	}
	b.m.ExportedFunc(callback, wasmenc.Sig("iii:i"), 0, wasmenc.Code{}.
		Block(n.skip(b).
			I32Const(buffer).I32Const(0).I32Const(0).Then(b.text.Push("["+n.Stamp+"]")).
			Call(setBuffer).Drop()).
		I32Const(continueIteration))
	return b.bytes(n.Pad, n.Stamp)
}

// skip branches if the current data gets no stamp: at the end of the stream, or after the first
// data.
func (n Network) skip(b *builder) wasmenc.Code {
	const size = 1
	code := wasmenc.Code{}.LocalGet(size).I32Eqz().BrIf(0)
	if n.EveryChunk {
		return code
	}
	return code.
		Then(b.contextSlot()).I32Load(tableAddress).I32Eqz().BrIf(0).
		Then(b.contextSlot()).I32Const(0).I32Store(tableAddress)
}
