package testfilter

import (
	"encoding/binary"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/wasmenc"
)

// Importing returns a module with the exports that Envoy needs, and with imports like
// "env.proxy_log iii:i". The caller adds callbacks.
func Importing(imports ...string) *wasmenc.Module {
	m := &wasmenc.Module{}
	for _, one := range imports {
		name, signature, _ := strings.Cut(one, " ")
		module, name, _ := strings.Cut(name, ".")
		m.Import(module, name, wasmenc.Sig(signature))
	}
	m.Memory(1)
	m.ExportedFunc("proxy_abi_version_0_2_1", wasmenc.Sig(""), 0, nil)
	m.ExportedFunc("malloc", wasmenc.Sig("i:i"), 0, wasmenc.Code{}.I32Const(1024))
	return m
}

// WithCallback returns a module with the exports that Envoy needs and one callback, which has a
// local. body adds the imports of the callback's code.
func WithCallback(name, signature string, body func(m *wasmenc.Module) wasmenc.Code) []byte {
	var m wasmenc.Module
	code := body(&m)
	m.Memory(1)
	m.ExportedFunc("proxy_abi_version_0_2_1", wasmenc.Sig(""), 0, nil)
	m.ExportedFunc("malloc", wasmenc.Sig("i:i"), 0, wasmenc.Code{}.I32Const(4096))
	m.ExportedFunc(name, wasmenc.Sig(signature), 1, code)
	return m.Bytes()
}

// WithCallbacks returns a module with the exports that Envoy needs and several callbacks of ABI
// 0.2.1, by name, without locals. Two pages of memory have the text "clusternamevalue" at address
// 1024, and malloc returns 8192.
func WithCallbacks(build func(m *wasmenc.Module) map[string]wasmenc.Code) []byte {
	signatures := map[string]string{
		"proxy_on_tick": "i:", "proxy_on_log": "i:",
		"proxy_on_downstream_data": "iii:i", "proxy_on_http_call_response": "iiiii:",
		"proxy_on_request_headers": "iii:i", "proxy_on_request_body": "iii:i", "proxy_on_response_headers": "iii:i",
	}
	var m wasmenc.Module
	bodies := build(&m)
	m.Memory(2)
	m.ExportedFunc("proxy_abi_version_0_2_1", wasmenc.Sig(""), 0, nil)
	m.ExportedFunc("malloc", wasmenc.Sig("i:i"), 0, wasmenc.Code{}.I32Const(8192))
	for name, body := range bodies {
		signature, known := signatures[name]
		if !known {
			panic("testfilter: no signature for " + name)
		}
		m.ExportedFunc(name, wasmenc.Sig(signature), 0, body)
	}
	m.Data(1024, []byte("clusternamevalue"))
	return m.Bytes()
}

// LogsSecrets is a filter that logs its configuration and its environment variables, and then
// refuses the configuration.
func LogsSecrets() []byte {
	return WithCallback("proxy_on_configure", "ii:i", func(m *wasmenc.Module) wasmenc.Code {
		get := m.Import("env", "proxy_get_buffer_bytes", wasmenc.Sig("iiiii:i"))
		log := m.Import("env", "proxy_log", wasmenc.Sig("iii:i"))
		environ := m.Import("wasi_snapshot_preview1", "environ_get", wasmenc.Sig("ii:i"))
		const configuration, errorLevel, address, size, variables = 7, 4, 16, 20, 2048
		return wasmenc.Code{}.
			I32Const(configuration).I32Const(0).LocalGet(1).I32Const(address).I32Const(size).Call(get).Drop().
			I32Const(errorLevel).I32Const(address).I32Load(0).I32Const(size).I32Load(0).Call(log).Drop().
			I32Const(1024).I32Const(variables).Call(environ).Drop().
			I32Const(errorLevel).I32Const(variables).I32Const(100).Call(log).Drop().
			I32Const(0)
	})
}

// Pairs encodes headers, as names and values in turn, in the form of Proxy-Wasm: the count, the
// sizes of each name and value, then each name and value with a zero byte behind it.
func Pairs(namesAndValues ...string) []byte {
	out := binary.LittleEndian.AppendUint32(nil, uint32(len(namesAndValues)/2))
	for _, text := range namesAndValues {
		out = binary.LittleEndian.AppendUint32(out, uint32(len(text)))
	}
	for _, text := range namesAndValues {
		out = append(append(out, text...), 0)
	}
	return out
}

// Caller is a filter that asks the cluster "auth" about each request, and lets the request pass
// when there is an answer and no shared data "closed". It defines the metric "requests", and may
// trap instead of the call.
func Caller(traps bool) []byte {
	m := &wasmenc.Module{}
	call := m.Import("env", "proxy_http_call", wasmenc.Sig("iiiiiiiiii:i"))
	resume := m.Import("env", "proxy_continue_stream", wasmenc.Sig("i:i"))
	respond := m.Import("env", "proxy_send_local_response", wasmenc.Sig("iiiiiiii:i"))
	effective := m.Import("env", "proxy_set_effective_context", wasmenc.Sig("i:i"))
	define := m.Import("env", "proxy_define_metric", wasmenc.Sig("iiii:i"))
	shared := m.Import("env", "proxy_get_shared_data", wasmenc.Sig("iiiii:i"))
	text := wasmenc.NewText(1024)
	pairs := string(Pairs(":authority", "auth", ":path", "/check", ":method", "GET"))
	stream := m.Global(0)
	m.Memory(2)
	m.ExportedFunc("proxy_abi_version_0_2_1", wasmenc.Sig(""), 0, nil)
	m.ExportedFunc("malloc", wasmenc.Sig("i:i"), 0, wasmenc.Code{}.I32Const(32<<10))
	onHeaders := wasmenc.Code{}.LocalGet(0).GlobalSet(stream).
		I32Const(0).Then(text.Push("requests")).I32Const(16).Call(define).Drop()
	if traps {
		onHeaders = onHeaders.Unreachable()
	}
	onHeaders = onHeaders.
		Then(text.Push("auth")).Then(text.Push(pairs)).I32Const(0).I32Const(0).I32Const(0).I32Const(0).I32Const(1000).I32Const(16).
		Call(call).Drop().I32Const(1)
	m.ExportedFunc("proxy_on_request_headers", wasmenc.Sig("iii:i"), 0, onHeaders)
	// With headers, the answer is one; shared data "closed" refuses everything.
	m.ExportedFunc("proxy_on_http_call_response", wasmenc.Sig("iiiii:"), 0, wasmenc.Code{}.
		GlobalGet(stream).Call(effective).Drop().
		LocalGet(2).If(wasmenc.Code{}.
		Then(text.Push("closed")).I32Const(20).I32Const(24).I32Const(28).Call(shared).If(wasmenc.Code{}.
		I32Const(0).Call(resume).Drop().Return())).
		I32Const(401).I32Const(0).I32Const(0).Then(text.Push("no")).I32Const(0).I32Const(0).I32Const(-1).Call(respond).Drop())
	m.Text(text)
	return m.Bytes()
}
