package builtin

import (
	"encoding/binary"

	"github.com/wasm-xds/wasm-xds/internal/wasmenc"
)

// Values of the Proxy-Wasm ABI 0.2.1.
const (
	logWarn           = 3
	streamDownstream  = 2
	stopIteration     = 1
	noGRPCStatus      = -1
	statusUnavailable = 503
)

// Where things lie in a stand-in's single page of memory.
const (
	textAddress = 1024
	heapAddress = 32768
)

func passthroughModule() []byte {
	var m wasmenc.Module
	addFrame(&m)
	return m.Bytes()
}

// denyHTTPModule answers every request itself, before the upstream is chosen.
func denyHTTPModule(body string) []byte {
	// details is what access logs show as the response's code details.
	const details = "wasm_xds_deny"
	headers := headerPairs([2]string{"x-wasm-xds", "deny"})

	var m wasmenc.Module
	respond := m.Import("env", "proxy_send_local_response", wasmenc.Sig("iiiiiiii:i"))
	addFrame(&m)
	text := wasmenc.NewText(textAddress)
	m.ExportedFunc("proxy_on_request_headers", wasmenc.Sig("iii:i"), 0, wasmenc.Code{}.
		I32Const(statusUnavailable).
		Then(text.Push(details)).
		Then(text.Push(body)).
		Then(text.Push(string(headers))).
		I32Const(noGRPCStatus).
		Call(respond).Drop().
		I32Const(stopIteration))
	m.Text(text)
	return m.Bytes()
}

// denyNetworkModule closes every new connection, and tells Envoy's log why when
// it is configured.
func denyNetworkModule(explanation string) []byte {
	var m wasmenc.Module
	log := m.Import("env", "proxy_log", wasmenc.Sig("iii:i"))
	closeStream := m.Import("env", "proxy_close_stream", wasmenc.Sig("i:i"))
	addFrame(&m)
	text := wasmenc.NewText(textAddress)
	m.ExportedFunc("proxy_on_configure", wasmenc.Sig("ii:i"), 0, wasmenc.Code{}.
		I32Const(logWarn).
		Then(text.Push(explanation)).
		Call(log).Drop().
		I32Const(1))
	m.ExportedFunc("proxy_on_new_connection", wasmenc.Sig("i:i"), 0, wasmenc.Code{}.
		I32Const(streamDownstream).Call(closeStream).Drop().
		I32Const(stopIteration))
	m.Text(text)
	return m.Bytes()
}

// addFrame adds what Envoy asks of every module: a memory (it crashes without
// one), the version of the ABI, an allocator, and a context hook, without which
// no context is made. Envoy never allocates in a stand-in, since none asks
// it for data, so that the allocator may be a constant.
func addFrame(m *wasmenc.Module) {
	m.Memory(1)
	m.ExportedFunc("proxy_abi_version_0_2_1", wasmenc.Sig(""), 0, nil)
	m.ExportedFunc("malloc", wasmenc.Sig("i:i"), 0, wasmenc.Code{}.I32Const(heapAddress))
	m.ExportedFunc("proxy_on_context_create", wasmenc.Sig("ii"), 0, nil)
}

// headerPairs is the ABI's form of a header map: the number of headers, the
// lengths of each name and value, then each of them with a zero byte behind.
func headerPairs(headers ...[2]string) []byte {
	out := binary.LittleEndian.AppendUint32(nil, uint32(len(headers)))
	for _, h := range headers {
		out = binary.LittleEndian.AppendUint32(out, uint32(len(h[0])))
		out = binary.LittleEndian.AppendUint32(out, uint32(len(h[1])))
	}
	for _, h := range headers {
		out = append(append(out, h[0]...), 0)
		out = append(append(out, h[1]...), 0)
	}
	return out
}
