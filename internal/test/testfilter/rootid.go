package testfilter

import (
	"github.com/wasm-xds/wasm-xds/internal/wasmenc"
)

// RootID describes an HTTP filter that behaves like a filter of the C++ SDK. The filter looks up
// its root id among its registered ids. Under a registered id the filter answers each request like
// an [HTTP] filter without a token. Under any other id it does nothing.
type RootID struct {
	// IDs are the registered root ids.
	IDs []string
}

// Module returns the filter's Wasm module.
func (r RootID) Module() []byte {
	b := newBuilder(false, false)
	property := b.m.Import("env", "proxy_get_property", wasmenc.Sig("iiii:i"))
	respond := b.m.Import("env", "proxy_send_local_response", wasmenc.Sig("iiiiiiii:i"))
	known := b.m.Global(0)
	b.addBase()
	register := b.m.Func(wasmenc.Sig(""), 0, wasmenc.Code{}.I32Const(1).GlobalSet(known))
	look := b.clearResult().
		Then(b.text.Push("plugin_root_id")).I32Const(resultAddress).I32Const(resultLen).Call(property).Drop()
	b.text.Push("\x00")
	for _, id := range r.IDs {
		b.text.Push(id + "\x00")
		compare := wasmenc.Code{}.I32Const(resultLen).I32Load(0).I32Const(int32(len(id))).I32Ne().BrIf(0)
		for i, c := range []byte(id) {
			compare = compare.I32Const(resultAddress).I32Load(0).I32Load8U(uint32(i)).I32Const(int32(c)).I32Ne().BrIf(0)
		}
		look = look.Block(compare.Call(register))
	}
	b.m.ExportedFunc("proxy_on_context_create", wasmenc.Sig("ii"), 0, wasmenc.Code{}.LocalGet(1).I32Eqz().If(look))
	b.m.ExportedFunc("proxy_on_request_headers", wasmenc.Sig("iii:i"), 0, wasmenc.Code{}.
		GlobalGet(known).I32Eqz().If(wasmenc.Code{}.I32Const(continueIteration).Return()).
		I32Const(ForbiddenStatus).Then(b.text.Push("testfilter_root_id")).Then(b.text.Push(ForbiddenBody)).
		I32Const(0).I32Const(0).I32Const(noGRPCStatus).Call(respond).Drop().I32Const(stopIteration))
	return b.bytes(0, "")
}
