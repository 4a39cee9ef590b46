package testfilter

import "github.com/wasm-xds/wasm-xds/internal/wasmenc"

// QueueHeader is the response header of a [Sender]: found, missing or refused.
const QueueHeader = "x-queue"

// Receiver describes a module that registers a shared queue when it is configured, and counts the
// messages as the counter of the same name, plus "_messages". Each call of proxy_on_queue_ready
// takes all messages.
type Receiver struct {
	Queue string
	// LogOnConfigure is logged at info when the module is configured; "" logs nothing.
	LogOnConfigure string
	// TrapOnMessage makes each message trap the VM.
	TrapOnMessage bool
	// ConfigureFails makes proxy_on_configure return false.
	ConfigureFails bool
}

// Module returns the Wasm module.
func (r Receiver) Module() []byte {
	b := newBuilder(r.LogOnConfigure != "", false)
	register := b.m.Import("env", "proxy_register_shared_queue", wasmenc.Sig("iii:i"))
	dequeue := b.m.Import("env", "proxy_dequeue_shared_queue", wasmenc.Sig("iii:i"))
	define := b.m.Import("env", "proxy_define_metric", wasmenc.Sig("iiii:i"))
	increment := b.m.Import("env", "proxy_increment_metric", wasmenc.Sig("iI:i"))
	b.addFrame()
	metric := b.m.Global(0)
	b.addOnConfigure(b.logOnConfigure(r.LogOnConfigure).
		Then(b.text.Push(r.Queue)).I32Const(resultAddress).Call(register).Drop().
		I32Const(metricCounter).Then(b.text.Push(r.Queue+"_messages")).I32Const(resultAddress).Call(define).Drop().
		I32Const(resultAddress).I32Load(0).GlobalSet(metric), r.ConfigureFails)

	const queue = 1
	var onReady wasmenc.Code
	if r.TrapOnMessage {
		onReady = onReady.Unreachable()
	}
	b.m.ExportedFunc("proxy_on_queue_ready", wasmenc.Sig("ii"), 0, onReady.
		Loop(b.clearResult().
			LocalGet(queue).I32Const(resultAddress).I32Const(resultLen).Call(dequeue).I32Eqz().
			If(wasmenc.Code{}.GlobalGet(metric).I64Const(1).Call(increment).Drop().Br(1))))
	return b.bytes(0, r.Queue)
}

// Sender describes an HTTP filter that puts a message into a shared queue for each response. It
// resolves the queue anew each time, and tells the result in [QueueHeader].
type Sender struct {
	Queue string
	// VMID is the vm_id that the filter asks for; "": its own.
	VMID string
}

// Module returns the filter's Wasm module.
func (s Sender) Module() []byte {
	b := newBuilder(false, false)
	addHeader := b.m.Import("env", "proxy_add_header_map_value", wasmenc.Sig("iiiii:i"))
	resolve := b.m.Import("env", "proxy_resolve_shared_queue", wasmenc.Sig("iiiii:i"))
	enqueue := b.m.Import("env", "proxy_enqueue_shared_queue", wasmenc.Sig("iii:i"))
	b.addFrame()
	b.addOnConfigure(nil, false)
	tell := func(value string) wasmenc.Code {
		return wasmenc.Code{}.I32Const(mapResponseHeaders).Then(b.text.Push(QueueHeader)).
			Then(b.text.Push(value)).Call(addHeader).Drop()
	}
	b.m.ExportedFunc("proxy_on_response_headers", wasmenc.Sig("iii:i"), 0, b.clearResult().
		Block(wasmenc.Code{}.
			Block(wasmenc.Code{}.
				Block(b.text.Push(s.VMID).Then(b.text.Push(s.Queue)).I32Const(resultAddress).Call(resolve).BrIf(0).
					I32Const(resultAddress).I32Load(0).Then(b.text.Push("message")).Call(enqueue).BrIf(1).
					Then(tell("found")).Br(2)).
				Then(tell("missing")).Br(1)).
			Then(tell("refused"))).
		I32Const(continueIteration))
	return b.bytes(0, s.Queue)
}
