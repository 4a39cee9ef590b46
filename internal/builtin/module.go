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

// Addresses in the single page of a stand-in's memory.
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
	// details appears in access logs as the response code details.
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

// denyNetworkModule closes every new connection. During its configuration the module writes the
// explanation to Envoy's log.
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

// addFrame adds the parts that Envoy requires of every module: a memory (Envoy crashes without
// a memory), the ABI version, an allocator, and the context hook (without the hook Envoy makes
// no context). Stand-ins request no data, so Envoy never allocates in them and a constant
// allocator is enough.
func addFrame(m *wasmenc.Module) {
	m.Memory(1)
	m.ExportedFunc("proxy_abi_version_0_2_1", wasmenc.Sig(""), 0, nil)
	m.ExportedFunc("malloc", wasmenc.Sig("i:i"), 0, wasmenc.Code{}.I32Const(heapAddress))
	m.ExportedFunc("proxy_on_context_create", wasmenc.Sig("ii"), 0, nil)
}

// headerPairs encodes a header map for the ABI: the number of headers, the lengths of all names
// and values, then each name and value with a zero byte after it.
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
