package preflight

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/sandbox"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
	"github.com/wasm-xds/wasm-xds/internal/wasmenc"
)

// The check refuses modules that would hang Envoy or use its memory without end, and stays within
// its own limits.
func TestHostileModules(t *testing.T) {
	forever := func(c wasmenc.Code) wasmenc.Code {
		return wasmenc.Code{}.Loop(c.Br(0)).I32Const(1)
	}
	host := func(module, name, signature string, args ...int32) func(m *wasmenc.Module) wasmenc.Code {
		return func(m *wasmenc.Module) wasmenc.Code {
			f := m.Import(module, name, wasmenc.Sig(signature))
			c := wasmenc.Code{}
			for _, a := range args {
				c = c.I32Const(a)
			}
			return forever(c.Call(f).Drop())
		}
	}
	for name, tc := range map[string]struct {
		body func(m *wasmenc.Module) wasmenc.Code
		code string
	}{
		"loops":             {func(*wasmenc.Module) wasmenc.Code { return forever(nil) }, finding.CodeTimeout},
		"logs for ever":     {host("env", "proxy_log", "iii:i", 2, 0, 60000), finding.CodeHostCalls},
		"keeps shared data": {func(m *wasmenc.Module) wasmenc.Code { return forever(sharing(m)) }, finding.CodeMemoryLimit},
		"queues for ever":   {enqueuing, finding.CodeMemoryLimit},
		"writes for ever":   {host("wasi_snapshot_preview1", "fd_write", "iiii:i", 1, 64, 1, 8), finding.CodeHostCalls},
		"recurses": {func(*wasmenc.Module) wasmenc.Code {
			return wasmenc.Code{}.I32Const(0).I32Const(0).Call(2)
		}, finding.CodeConfigure},
	} {
		t.Run(name, func(t *testing.T) {
			step := 2 * time.Second
			if tc.code == finding.CodeConfigure {
				step = time.Minute // the race detector makes deep recursion slow
			}
			begin := time.Now()
			r := Check(context.Background(), sandbox.Request{
				Module: testfilter.WithCallback("proxy_on_configure", "ii:i", tc.body),
				Limits: sandbox.Limits{Step: step, HostCalls: 2000},
			}, SmokeRequest)
			if r.OK || r.Problems[0].Code != tc.code {
				t.Errorf("after %s: %+v", time.Since(begin), r.Problems)
			}
			if n := len(r.Logs); n > 200+1 {
				t.Errorf("%d lines are kept", n)
			}
		})
	}
}

// sharing sets 60 KB under a key that changes.
func sharing(m *wasmenc.Module) wasmenc.Code {
	f := m.Import("env", "proxy_set_shared_data", wasmenc.Sig("iiiii:i"))
	return wasmenc.Code{}.LocalGet(2).I32Const(1).I32Add().LocalSet(2).
		I32Const(0).LocalGet(2).I32Store(0).
		I32Const(0).I32Const(4).I32Const(0).I32Const(60000).I32Const(0).Call(f).Drop()
}

func enqueuing(m *wasmenc.Module) wasmenc.Code {
	register := m.Import("env", "proxy_register_shared_queue", wasmenc.Sig("iii:i"))
	enqueue := m.Import("env", "proxy_enqueue_shared_queue", wasmenc.Sig("iii:i"))
	return wasmenc.Code{}.I32Const(0).I32Const(1).I32Const(16).Call(register).Drop().
		Loop(wasmenc.Code{}.I32Const(16).I32Load(0).I32Const(0).I32Const(60000).Call(enqueue).Drop().Br(0)).I32Const(1)
}

// A missing import is a problem of the versions without it, and the check goes on for the others.
func TestVersionsAreJudgedEach(t *testing.T) {
	module := testfilter.WithCallback("_initialize", "", func(m *wasmenc.Module) wasmenc.Code {
		later := m.Import("wasi_snapshot_preview1", "fd_sync", wasmenc.Sig("i:i"))
		return wasmenc.Code{}.I32Const(1).Call(later).Drop()
	})
	r := Check(context.Background(), sandbox.Request{Module: module}, SmokeRequest)
	if len(r.Problems) != 1 || !slices.Equal(r.Problems[0].Versions, []string{"1.36", "1.37", "1.38"}) {
		t.Errorf("%+v", r.Problems)
	}
	if r.Refused("1.39.3") || !r.Refused("1.36.4") {
		t.Error("the verdict on a version is another")
	}
}

// A call that some versions do not allow during the start goes on for the others.
func TestRestrictedCalls(t *testing.T) {
	of := func(module, name, signature string, args int) Report {
		return Check(context.Background(), sandbox.Request{Module: testfilter.WithCallback("_initialize", "", func(m *wasmenc.Module) wasmenc.Code {
			f := m.Import(module, name, wasmenc.Sig(signature))
			c := wasmenc.Code{}
			for range args {
				c = c.I32Const(64)
			}
			return c.Call(f).Drop()
		})}, SmokeRequest)
	}
	if r := of("wasi_snapshot_preview1", "poll_oneoff", "iiii:i", 4); !r.Refused("1.37") || r.Refused("1.40") {
		t.Errorf("%+v", r.Problems)
	}
	r := of("env", "proxy_set_tick_period_milliseconds", "i:i", 1)
	if len(r.Problems) != 1 || r.Problems[0].Code != finding.CodeRestrictedCallback || r.Problems[0].Versions != nil {
		t.Errorf("%+v", r.Problems)
	}
}

// All that is missing is named, with its signature.
func TestEveryMissingImportIsNamed(t *testing.T) {
	module := testfilter.WithCallback("_initialize", "", func(m *wasmenc.Module) wasmenc.Code {
		m.Import("env", "time.now", wasmenc.Sig("iI:I"))
		m.Import("wasi_snapshot_preview1", "sock_open", wasmenc.Sig("iii:i"))
		return nil
	})
	r := Check(context.Background(), sandbox.Request{Module: module}, SmokeRequest)
	want := []string{"env.time.now (i32 i64) -> (i64)", "wasi_snapshot_preview1.sock_open (i32 i32 i32) -> (i32)"}
	if len(r.Problems) != 1 || !slices.Equal(r.Problems[0].Detail, want) {
		t.Errorf("%+v", r.Problems)
	}
}

// A function without its capability returns the result of Envoy's stub, and the call is logged.
func TestCapabilities(t *testing.T) {
	module := testfilter.WithCallback("proxy_on_configure", "ii:i", func(m *wasmenc.Module) wasmenc.Code {
		log := m.Import("env", "proxy_log", wasmenc.Sig("iii:i"))
		return wasmenc.Code{}.I32Const(2).I32Const(0).I32Const(0).Call(log).I32Eqz()
	})
	if r := Check(context.Background(), sandbox.Request{Module: module}, SmokeRequest); !r.OK {
		t.Errorf("%+v", r.Problems)
	}
	r := Check(context.Background(), sandbox.Request{Module: module, Capabilities: []string{"proxy_on_configure"}}, SmokeRequest)
	if r.OK || r.Problems[0].Code != finding.CodeConfigureRefused || !strings.Contains(r.Logs[0].Text, "proxy_log") {
		t.Errorf("%+v %v", r.Problems, r.Logs)
	}
	if r := Check(context.Background(), sandbox.Request{Module: module, Capabilities: []string{}}, SmokeRequest); !r.OK {
		t.Errorf("without its capability a callback is not called: %+v", r.Problems)
	}
}

// The check ends with its context.
func TestCheckEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	module := testfilter.WithCallback("proxy_on_configure", "ii:i", func(*wasmenc.Module) wasmenc.Code { return wasmenc.Code{}.Loop(wasmenc.Code{}.Br(0)).I32Const(1) })
	if r := Check(ctx, sandbox.Request{Module: module}, SmokeRequest); r.OK {
		t.Error("a check that did not take place is no pass")
	}
}

// The sandbox allocates no memory for sizes that a module only claims: each of these would take
// gigabytes.
func TestSizesThatAreNone(t *testing.T) {
	const huge = "\xff\xff\xff\xff\x0f"
	for name, section := range map[string]string{
		"types":      "\x01" + "\x05" + huge,
		"parameters": "\x01" + "\x07" + "\x01\x60" + huge,
		"imports":    "\x02" + "\x05" + huge,
		"a name":     "\x02" + "\x06" + "\x01" + huge,
		"functions":  "\x03" + "\x05" + huge,
		"tables":     "\x04" + "\x05" + huge,
		"a table":    "\x04" + "\x08" + "\x01\x70\x00" + huge,
		"globals":    "\x06" + "\x05" + huge,
		"exports":    "\x07" + "\x05" + huge,
		"elements":   "\x09" + "\x05" + huge,
		"an element": "\x09" + "\x0a" + "\x01\x00\x41\x00\x0b" + huge,
		"bodies":     "\x0a" + "\x05" + huge,
		"locals":     "\x0a" + "\x0a" + "\x01\x08\x01" + huge + "\x7f\x0b",
		"data":       "\x0b" + "\x05" + huge,
		"bytes":      "\x0b" + "\x0a" + "\x01\x00\x41\x00\x0b" + huge,
		"tags":       "\x0d" + "\x05" + huge,
	} {
		r := Check(context.Background(), sandbox.Request{Module: []byte("\x00asm\x01\x00\x00\x00" + section)}, SmokeRequest)
		if r.OK || r.Problems[0].Code != finding.CodeMalformed || len(r.Problems) != 1 {
			t.Errorf("%s: %+v", name, r.Problems)
		}
	}
}
