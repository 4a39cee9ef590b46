package testfilter

import (
	"time"

	"github.com/wasm-xds/wasm-xds/internal/wasmenc"
)

// Faults are the faults of an [HTTP] filter that show at run time, and its own metric. The zero
// value has none of them.
type Faults struct {
	// TrapEvery makes every n-th request of a VM trap; 0: none traps. Each worker has a VM.
	TrapEvery int32
	// TrapOnTick makes a timer trap, some milliseconds after the configuration.
	TrapOnTick bool
	// Delay makes each request wait. The worker is busy meanwhile.
	Delay time.Duration
	// LeakPages is how many pages of 64 KiB each request takes and never gives back.
	LeakPages int32
	// FailPath is a path with requests that get 500 from the filter; "": none.
	FailPath string
	// Counter is the name of a metric that counts the requests; "": none.
	Counter string
}

// The answer to a request for the FailPath of [Faults].
const FailBody = "The filter failed.\n"

const (
	counterAddress = 24 // the id of the metric
	trapTickMillis = 20
)

// faultImports are the host functions that the faults need.
type faultImports struct{ setTick, now, define, increment wasmenc.FuncIndex }

func (f Faults) importInto(m *wasmenc.Module) (in faultImports) {
	if f.TrapOnTick {
		in.setTick = m.Import("env", "proxy_set_tick_period_milliseconds", wasmenc.Sig("i:i"))
	}
	if f.Delay > 0 {
		in.now = m.Import("env", "proxy_get_current_time_nanoseconds", wasmenc.Sig("i:i"))
	}
	if f.Counter != "" {
		in.define = m.Import("env", "proxy_define_metric", wasmenc.Sig("iiii:i"))
		in.increment = m.Import("env", "proxy_increment_metric", wasmenc.Sig("iI:i"))
	}
	return in
}

// onConfigure is the part of proxy_on_configure that the faults need.
func (f Faults) onConfigure(b *builder, in faultImports) (code wasmenc.Code) {
	const counterType = 0
	if f.Counter != "" {
		code = code.I32Const(counterType).Then(b.text.Push(f.Counter)).I32Const(counterAddress).
			Call(in.define).Drop()
	}
	if f.TrapOnTick {
		code = code.I32Const(trapTickMillis).Call(in.setTick).Drop()
		b.m.ExportedFunc("proxy_on_tick", wasmenc.Sig("i:"), 0, wasmenc.Code{}.Unreachable())
	}
	return code
}

// onRequest is the part of proxy_on_request_headers with the faults. It uses local 3.
func (f Faults) onRequest(b *builder, in faultImports, getHeader, respond wasmenc.FuncIndex) (code wasmenc.Code) {
	if f.Counter != "" {
		code = code.I32Const(counterAddress).I32Load(0).I64Const(1).Call(in.increment).Drop()
	}
	if f.Delay > 0 {
		code = code.Then(f.wait(in.now))
	}
	if f.LeakPages > 0 {
		code = code.Then(f.leak())
	}
	if f.TrapEvery > 0 {
		requests := b.m.Global(0)
		code = code.GlobalGet(requests).I32Const(1).I32Add().GlobalSet(requests).
			GlobalGet(requests).I32Const(f.TrapEvery).I32Eq().If(wasmenc.Code{}.Unreachable())
	}
	if f.FailPath != "" {
		code = code.Then(b.failPath(f.FailPath, getHeader, respond))
	}
	return code
}

// wait asks for the time until the delay is over. The low half of the time suffices.
func (f Faults) wait(now wasmenc.FuncIndex) wasmenc.Code {
	const start = 3
	read := wasmenc.Code{}.I32Const(resultAddress).Call(now).Drop().I32Const(resultAddress).I32Load(0)
	return wasmenc.Code{}.Then(read).LocalSet(start).
		Block(wasmenc.Code{}.Loop(wasmenc.Code{}.
			Then(read).LocalGet(start).I32Sub().I32Const(int32(f.Delay)).I32GtU().BrIf(1).
			Br(0)))
}

// leak grows the memory, and writes to each new page of the system.
func (f Faults) leak() wasmenc.Code {
	const address, systemPage = 3, 4096
	return wasmenc.Code{}.
		I32Const(f.LeakPages).MemoryGrow().I32Const(16).I32Shl().LocalSet(address).
		Block(wasmenc.Code{}.Loop(wasmenc.Code{}.
			LocalGet(address).I32Const(1).I32Store(0).
			LocalGet(address).I32Const(systemPage).I32Add().LocalTee(address).
			MemorySize().I32Const(16).I32Shl().I32Eq().BrIf(1).
			Br(0)))
}

// failPath returns from the function with a local response if the request is for the path.
func (b *builder) failPath(path string, getHeader, respond wasmenc.FuncIndex) wasmenc.Code {
	const statusFailed = 500
	differs := wasmenc.Code{}.I32Const(resultLen).I32Load(0).I32Const(int32(len(path))).I32Ne().BrIf(0)
	for i, c := range []byte(path) {
		differs = differs.I32Const(resultAddress).I32Load(0).I32Load8U(uint32(i)).I32Const(int32(c)).I32Ne().BrIf(0)
	}
	return b.clearResult().
		I32Const(mapRequestHeaders).Then(b.text.Push(":path")).
		I32Const(resultAddress).I32Const(resultLen).Call(getHeader).Drop().
		Block(differs.
			I32Const(statusFailed).
			Then(b.text.Push("testfilter_failed")).
			Then(b.text.Push(FailBody)).
			I32Const(0).I32Const(0).
			I32Const(noGRPCStatus).
			Call(respond).Drop().
			I32Const(stopIteration).Return())
}
