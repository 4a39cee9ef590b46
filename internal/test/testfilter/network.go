package testfilter

import (
	"github.com/wasm-xds/wasm-xds/internal/wasmenc"
)

// Network describes a filter of type network. The zero value marks connections
// with an empty stamp, "[]".
type Network struct {
	// Stamp is put, in brackets, before the first data that the upstream sends
	// on a connection.
	Stamp string
	// Downstream stamps what the client sends, instead.
	Downstream bool
	// EveryChunk stamps each piece of data, as Envoy reads them.
	EveryChunk bool
	// TrapOnConnection makes each new connection trap the VM.
	TrapOnConnection bool

	// The fields of the same name of [HTTP].
	ConfigureFails bool
	MissingImport  bool
	LogOnConfigure string
	Pad            int
}

// Module is the filter's Wasm module.
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

// skip branches where the data in hand gets no stamp: when it is no data but
// the stream's end, or not the first.
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
