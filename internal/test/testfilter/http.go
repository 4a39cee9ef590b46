// Package testfilter makes the Wasm filters of the end-to-end tests: small
// Proxy-Wasm modules that stamp what they let through, so that a test sees which
// version served a request, and modules that fail in each of the ways in which
// filters fail. Equal arguments give equal bytes, and another Stamp other bytes.
package testfilter

import (
	"cmp"

	"github.com/wasm-xds/wasm-xds/internal/wasmenc"
)

// What an [HTTP] filter answers to a request without its token.
const (
	ForbiddenStatus = 403
	ForbiddenBody   = "Access forbidden.\n"
)

// The response headers of an [HTTP] filter.
const (
	StampHeader  = "x-filter" // unless HTTP.StampHeader says otherwise
	ConfigHeader = "x-config"
	EnvHeader    = "x-env"
	LogHeader    = "x-log"
)

// HTTP describes a filter of type http. The zero value lets everything pass and
// adds an empty stamp.
type HTTP struct {
	// Stamp is the value of the response header x-filter: on every response
	// that goes through the filter, the filter's own and upgrades included.
	Stamp string
	// StampHeader is another name for that header, for several filters in one chain.
	StampHeader string
	// RequireToken refuses requests without the header "token: ok".
	RequireToken bool
	// EchoConfig adds the response header x-config: <plugin configuration>.
	EchoConfig bool
	// ConfigHeader is another name for that header, for several filters in one chain.
	ConfigHeader string
	// AnswerConfig answers each request with 200 and the plugin configuration as the
	// body, whatever bytes it has.
	AnswerConfig bool
	// EchoEnv names an environment variable that the response header x-env
	// shows; a variable that is not set gives no header.
	EchoEnv string
	// NeedsEnv makes proxy_on_configure return false where the variable that EchoEnv names is not set.
	NeedsEnv bool
	// EchoLog adds the response header x-log: ok, or refused where the filter
	// has not the capability proxy_log.
	EchoLog bool
	// TrapOnRequest makes each request trap the VM.
	TrapOnRequest bool

	// ConfigureFails makes proxy_on_configure return false.
	ConfigureFails bool
	// MissingImport asks for a host function that does not exist.
	MissingImport bool
	// NewImport asks for a WASI function that Envoys before 1.39 lack.
	NewImport bool
	// LogOnConfigure is logged at info when the filter is configured; "" logs nothing.
	LogOnConfigure string
	// Pad makes the module this many bytes larger, with noise that does not
	// compress and that an Envoy has not to compile.
	Pad int
	// Code makes the module about this many bytes larger, with functions that
	// nothing calls and that an Envoy compiles all the same.
	Code int
}

// Values of the Proxy-Wasm ABI 0.2.1.
const (
	logTrace = 0
	logInfo  = 2

	continueIteration = 0
	stopIteration     = 1

	mapRequestHeaders  = 0
	mapResponseHeaders = 2

	bufferDownstreamData      = 2
	bufferUpstreamData        = 3
	bufferPluginConfiguration = 7

	noGRPCStatus = -1
)

// Module is the filter's Wasm module.
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
	b.addFrame()

	onConfigure := b.logOnConfigure(h.LogOnConfigure)
	if h.EchoConfig || h.AnswerConfig {
		onConfigure = onConfigure.Then(b.keepConfig())
	}
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
	if h.RequireToken {
		onRequest = onRequest.Then(b.requireToken(getHeader, respond))
	}
	locals := 0
	if h.AnswerConfig {
		locals = 1
		onRequest = onRequest.Then(b.answerConfig(respond))
	}
	b.m.ExportedFunc("proxy_on_request_headers", wasmenc.Sig("iii:i"), locals,
		onRequest.I32Const(continueIteration))

	b.m.ExportedFunc("proxy_on_response_headers", wasmenc.Sig("iii:i"), 1,
		h.onResponse(b, addHeader).I32Const(continueIteration))
	b.addCode(h.Code, h.Stamp)
	return b.bytes(h.Pad, h.Stamp)
}

// onResponse adds the headers that the fields ask for. It uses local 3.
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

// answerConfig returns from the function with the configuration as a local response. It
// uses local 3.
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

// requireToken returns from the function with a local response, unless the
// request has the right token.
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
