package preflight

import (
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/sandbox"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
	"github.com/wasm-xds/wasm-xds/internal/wasmenc"
)

// logsAndTraps logs lines and traps, in a callback.
func logsAndTraps(name, signature string, lines ...string) []byte {
	return testfilter.WithCallback(name, signature, func(m *wasmenc.Module) wasmenc.Code {
		log := m.Import("env", "proxy_log", wasmenc.Sig("iii:i"))
		text := wasmenc.NewText(1024)
		var code wasmenc.Code
		for _, line := range lines {
			code = code.I32Const(5).Then(text.Push(line)).Call(log).Drop()
		}
		m.Text(text)
		return code.Unreachable()
	})
}

// A trap's message says why, as the filter's language does.
func TestTrapsSayWhy(t *testing.T) {
	go5 := []string{"panic: ", "runtime error: index out of range [5]", "\n\n", "goroutine 1 [running]:", "a", "b", "c", "d", "e"}
	for name, tt := range map[string]struct {
		module    []byte
		want, not string
	}{
		"Go":             {logsAndTraps("proxy_on_configure", "ii:i", go5...), "gave up: panic: runtime error: index out of range [5]", "503"},
		"Rust":           {logsAndTraps("proxy_on_configure", "ii:i", "panicked at src/lib.rs:3:5:\nno token"), "gave up: panicked at src/lib.rs:3:5: no token", "503"},
		"nothing":        {logsAndTraps("proxy_on_configure", "ii:i"), "proxy_on_configure trapped", "503"},
		"nothing later":  {logsAndTraps("proxy_on_request_headers", "iii:i"), "proxy_on_request_headers trapped", "()"},
		"AssemblyScript": {logsAndTraps("proxy_on_configure", "ii:i", "abort: Missing root context factory for root id: auth"), "under the rootId that the spec gives (auth)", "503"},
		"no context":     {logsAndTraps("proxy_on_request_headers", "iii:i", "panicked at 'missing ContextType on root_context', dispatcher.rs:1:2"), "the filter makes no context for a stream", "()"},
		"the other type": {logsAndTraps("proxy_on_request_headers", "iii:i", "panicked at src/dispatcher.rs:338:13:\ninvalid context_id"), "no context for a stream of this type", "()"},
	} {
		r := Check(t.Context(), sandbox.Request{Module: tt.module}, SmokeRequest)
		if r.OK || len(r.Problems) != 1 {
			t.Errorf("%s: %+v", name, r)
			continue
		}
		if m := r.Problems[0].Message; !strings.Contains(m, tt.want) || strings.Contains(m, tt.not) {
			t.Errorf("%s: %q", name, m)
		}
	}
}

// Of a module without an ABI nothing is told that would follow from one.
func TestNoABI(t *testing.T) {
	var m wasmenc.Module
	m.Import("env", "proxy_get_configuration", wasmenc.Sig("ii:i"))
	m.Memory(1)
	m.ExportedFunc("malloc", wasmenc.Sig("i:i"), 0, wasmenc.Code{}.I32Const(4096))
	m.ExportedFunc("proxy_on_request_headers", wasmenc.Sig("ii:i"), 0, wasmenc.Code{}.I32Const(0))
	r := Check(t.Context(), sandbox.Request{Module: m.Bytes()}, SmokeRequest)
	if len(r.Problems) != 1 || r.Problems[0].Code != finding.CodeABIMissing || !strings.Contains(r.Problems[0].Message, "from before ABI 0.1.0") {
		t.Errorf("%+v", r.Problems)
	}
}

// Old emscriptens call pthread_equal while they start: the hint names them, not the filter's code.
func TestPthreadEqualAtTheStart(t *testing.T) {
	module := testfilter.WithCallback("_initialize", ":", func(m *wasmenc.Module) wasmenc.Code {
		equal := m.Import("env", "pthread_equal", wasmenc.Sig("ii:i"))
		return wasmenc.Code{}.I32Const(1).I32Const(1).Call(equal).Drop()
	})
	r := Check(t.Context(), sandbox.Request{Module: module}, SmokeRequest)
	if r.OK || !strings.Contains(r.Problems[0].Hint, "newer emscripten") {
		t.Errorf("%+v", r.Problems)
	}
}
