// Package testfilter makes the Wasm filters of the end-to-end tests: small Proxy-Wasm modules that
// stamp traffic, so a test can see the version that served a request, and modules that fail in
// each way in which filters fail. Equal arguments give equal bytes, and different stamps give
// different bytes.
package testfilter

import (
	"cmp"

	"github.com/wasm-xds/wasm-xds/internal/wasmenc"
)

// The answer of an [HTTP] filter to a request without the token.
const (
	ForbiddenStatus = 403
	ForbiddenBody   = "Access forbidden.\n"
)

// The response headers of an [HTTP] filter.
const (
	StampHeader  = "x-filter" // the default of HTTP.StampHeader
	ConfigHeader = "x-config"
	EnvHeader    = "x-env"
	LogHeader    = "x-log"
)

// HTTP describes a filter of type http. The zero value lets everything pass and
// adds an empty stamp.
type HTTP struct {
	// Stamp is the value of the response header x-filter. The header is on every response through
	// the filter, including the filter's own responses and upgrades.
	Stamp string
	// StampHeader is another name for x-filter, for several filters in one chain.
	StampHeader string
	// RequireToken refuses requests without the header "token: ok".
	RequireToken bool
	// EchoConfig adds the response header x-config: <plugin configuration>.
	EchoConfig bool
	// ConfigHeader is another name for x-config, for several filters in one chain.
	ConfigHeader string
	// AnswerConfig answers each request with 200 and the plugin configuration as the body. The
	// configuration may have any bytes.
	AnswerConfig bool
	// EchoEnv is the name of an environment variable to show in the response header x-env. An unset
	// variable gives no header.
	EchoEnv string
	// NeedsEnv makes proxy_on_configure return false if the variable in EchoEnv is not set.
	NeedsEnv bool
	// EchoLog adds the response header x-log: ok, or refused if the filter lacks the capability
	// proxy_log.
	EchoLog bool
	// TrapOnRequest makes each request trap the VM.
	TrapOnRequest bool
	Faults

	// ConfigureFails makes proxy_on_configure return false.
	ConfigureFails bool
	// MissingImport imports a host function that does not exist.
	MissingImport bool
	// NewImport imports a WASI function that Envoys before 1.39 lack.
	NewImport bool
	// LogOnConfigure is logged at info when the filter is configured; "" logs nothing.
	LogOnConfigure string
	// Pad makes the module this many bytes larger, with incompressible noise that Envoy need not
	// compile.
	Pad int
	// Code makes the module about this many bytes larger, with unused functions that Envoy must
	// compile.
	Code int
}

// Module returns the filter's Wasm module.
func (h HTTP) Module() []byte {
	b := newBuilder(h.LogOnConfigure != "" || h.EchoLog, h.MissingImport)
	if h.NewImport {
		b.m.Import("wasi_snapshot_preview1", "fd_tell", wasmenc.Sig("ii:i"))
	}
	getHeader := b.m.Import("env", "proxy_get_header_map_value", wasmenc.Sig("iiiii:i"))
	addHeader := b.m.Import("env", "proxy_add_header_map_value", wasmenc.Sig("iiiii:i"))
	respond := b.m.Import("env", "proxy_send_local_response", wasmenc.Sig("iiiiiiii:i"))
	if h.EchoConfig || h.AnswerConfig {
		b.importConfig()
	}
	if h.EchoEnv != "" {
		b.importEnv()
	}
	faults := h.importInto(&b.m)
	b.addFrame()

	onConfigure := b.logOnConfigure(h.LogOnConfigure)
	if h.EchoConfig || h.AnswerConfig {
		onConfigure = onConfigure.Then(b.keepConfig())
	}
	onConfigure = onConfigure.Then(h.onConfigure(b, faults))
	if h.NeedsEnv {
		b.addOnConfigureIf(onConfigure, wasmenc.Code{}.GlobalGet(b.envValue))
	} else {
		b.addOnConfigure(onConfigure, h.ConfigureFails)
	}
	if h.EchoEnv != "" {
		b.addOnVMStart(h.EchoEnv)
	}

	var onRequest wasmenc.Code
	if h.TrapOnRequest {
		onRequest = onRequest.Unreachable()
	}
	onRequest = onRequest.Then(h.onRequest(b, faults, getHeader, respond))
	if h.RequireToken {
		onRequest = onRequest.Then(b.requireToken(getHeader, respond))
	}
	if h.AnswerConfig {
		onRequest = onRequest.Then(b.answerConfig(respond))
	}
	b.m.ExportedFunc("proxy_on_request_headers", wasmenc.Sig("iii:i"), 1,
		onRequest.I32Const(continueIteration))

	b.m.ExportedFunc("proxy_on_response_headers", wasmenc.Sig("iii:i"), 1,
		h.onResponse(b, addHeader).I32Const(continueIteration))
	b.addCode(h.Code, h.Stamp)
	return b.bytes(h.Pad, h.Stamp)
}

// onResponse adds the headers that the fields select. It uses local 3.
func (h HTTP) onResponse(b *builder, addHeader wasmenc.FuncIndex) wasmenc.Code {
	const record = 3
	add := func(name string, value wasmenc.Code) wasmenc.Code {
		return wasmenc.Code{}.
			I32Const(mapResponseHeaders).Then(b.text.Push(name)).Then(value).
			Call(addHeader).Drop()
	}
	stampHeader := h.StampHeader
	if stampHeader == "" {
		stampHeader = StampHeader
	}
	code := add(stampHeader, b.text.Push(h.Stamp))
	if h.EchoConfig {
		code = code.Then(b.contextSlot()).I32Load(tableAddress).LocalTee(record).
			If(add(cmp.Or(h.ConfigHeader, ConfigHeader), wasmenc.Code{}.
				LocalGet(record).I32Load(recordConfig).
				LocalGet(record).I32Load(recordConfigLen)))
	}
	if h.EchoEnv != "" {
		code = code.GlobalGet(b.envValue).
			If(add(EnvHeader, wasmenc.Code{}.GlobalGet(b.envValue).GlobalGet(b.envLen)))
	}
	if h.EchoLog {
		code = code.Block(wasmenc.Code{}.
			Block(wasmenc.Code{}.
				I32Const(logTrace).Then(b.text.Push("probe")).Call(b.log).BrIf(0).
				Then(add(LogHeader, b.text.Push("ok"))).
				Br(1)).
			Then(add(LogHeader, b.text.Push("refused"))))
	}
	return code
}

// answerConfig returns from the function with the configuration as a local response. It uses local
// 3.
func (b *builder) answerConfig(respond wasmenc.FuncIndex) wasmenc.Code {
	const record, statusOK = 3, 200
	return b.contextSlot().I32Load(tableAddress).LocalTee(record).
		If(wasmenc.Code{}.
			I32Const(statusOK).
			Then(b.text.Push("testfilter_config")).
			LocalGet(record).I32Load(recordConfig).
			LocalGet(record).I32Load(recordConfigLen).
			I32Const(0).I32Const(0).
			I32Const(noGRPCStatus).
			Call(respond).Drop().
			I32Const(stopIteration).Return())
}

// requireToken returns from the function with a local response, unless the request has the right
// token.
func (b *builder) requireToken(getHeader, respond wasmenc.FuncIndex) wasmenc.Code {
	const token, tokenOK = "token", 'o' | 'k'<<8
	return wasmenc.Code{}.Block(b.clearResult().
		I32Const(mapRequestHeaders).Then(b.text.Push(token)).
		I32Const(resultAddress).I32Const(resultLen).Call(getHeader).Drop().
		Block(wasmenc.Code{}.
			I32Const(resultLen).I32Load(0).I32Const(2).I32Ne().BrIf(0).
			I32Const(resultAddress).I32Load(0).I32Load16U(0).I32Const(tokenOK).I32Eq().BrIf(1)).
		I32Const(ForbiddenStatus).
		Then(b.text.Push("testfilter_no_token")).
		Then(b.text.Push(ForbiddenBody)).
		I32Const(0).I32Const(0).
		I32Const(noGRPCStatus).
		Call(respond).Drop().
		I32Const(stopIteration).Return())
}
