package testfilter

import (
	"encoding/binary"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/wasmenc"
)

// Importing returns a module with the exports that Envoy needs, and with imports such as
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
