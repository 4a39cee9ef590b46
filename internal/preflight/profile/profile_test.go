package profile

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/runner"
	"github.com/wasm-xds/wasm-xds/internal/preflight/sandbox"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
	"github.com/wasm-xds/wasm-xds/internal/wasmenc"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// counting is a filter that counts its requests in a global, and does body with it.
func counting(body func(m *wasmenc.Module, requests wasmenc.GlobalIndex) wasmenc.Code) []byte {
	return testfilter.WithCallbacks(func(m *wasmenc.Module) map[string]wasmenc.Code {
		requests := m.Global(0)
		rest := body(m, requests)
		return map[string]wasmenc.Code{
			"proxy_on_request_headers": wasmenc.Code{}.GlobalGet(requests).I32Const(1).I32Add().GlobalSet(requests).Then(rest).I32Const(0),
		}
	})
}

// growing takes a page with each 64th request, up to that one.
func growing(until int32) []byte {
	return counting(func(_ *wasmenc.Module, requests wasmenc.GlobalIndex) wasmenc.Code {
		grow := wasmenc.Code{}.I32Const(1).MemoryGrow().Drop()
		return wasmenc.Code{}.I32Const(until).GlobalGet(requests).I32GtU().If(
			wasmenc.Code{}.GlobalGet(requests).I32Const(63).I32And().I32Eqz().If(grow))
	})
}

func TestProfileMemory(t *testing.T) {
	for name, test := range map[string]struct {
		until    int32
		requests int
		memory   MemoryGrowth
	}{
		"none":     {0, 1000, MemoryGrowth{Start: 2, Half: 2, End: 2}},
		"at first": {300, 1000, MemoryGrowth{Start: 2, Half: 6, End: 6}},
		// It rests only after more requests than were asked for.
		"for long": {1500, 4000, MemoryGrowth{Start: 2, Half: 25, End: 25}},
		"for ever": {1 << 30, 16000, MemoryGrowth{Start: 2, Half: 127, End: 252, BytesPerRequest: 1024}},
	} {
		t.Run(name, func(t *testing.T) {
			p := Run(t.Context(), sandbox.Request{Module: growing(test.until)}, nil, Options{Requests: 1000, Time: time.Hour})
			if diff := cmp.Diff(test.memory, p.Memory); diff != "" || p.Requests != test.requests || p.CutShort || p.Problem != nil {
				t.Errorf("%s, %d requests, %+v", diff, p.Requests, p.Problem)
			}
			switch leaks := test.memory.BytesPerRequest > 0; {
			case leaks && (len(p.Warnings) != 1 || !strings.Contains(p.Warnings[0].Message, "2 pages of 64 KiB after its start, 127 pages after half of 16000 requests, 252 after all of them: 1024 bytes a request")):
				t.Errorf("%+v", p.Warnings)
			case !leaks && len(p.Warnings) > 0:
				t.Errorf("%+v", p.Warnings)
			}
		})
	}
}

func TestProfileCosts(t *testing.T) {
	s := decodeTests(t, `
tests:
- {name: one, calls: {auth: {status: 200}}, expect: {response: {status: 200}}}
- name: two
  shared: {closed: "1"}
  steps:
  - {calls: {auth: {status: 200}}, expect: {response: {status: 401}}}
  - {calls: {auth: fail}, expect: {response: {status: 401}}}
`)
	p := Run(t.Context(), sandbox.RequestFor(s, testfilter.Caller(false), nil), s.Tests, Options{Requests: 300})
	if p.Requests != 300 || p.CutShort || p.Problem != nil || p.Median <= 0 || p.P99 < p.Median || p.Duration <= 0 {
		t.Errorf("%+v", p)
	}
	want := []FunctionCalls{
		{"env.proxy_define_metric", 1},
		{"env.proxy_http_call", 1},
		{"env.proxy_set_effective_context", 1},
		// Only those with an answer look at shared data, of which one is let pass.
		{"env.proxy_get_shared_data", 2. / 3},
		{"env.proxy_send_local_response", 2. / 3},
		{"env.proxy_continue_stream", 1. / 3},
	}
	if diff := cmp.Diff(want, p.Functions); diff != "" {
		t.Error(diff)
	}
	var steps []StepCost
	for _, s := range p.Steps {
		s.Median, s.P99 = 0, 0
		steps = append(steps, s)
	}
	if diff := cmp.Diff([]StepCost{
		{Test: "one", Requests: 100, Cost: Cost{HostCalls: 5}},
		{Test: "two", Step: 1, Requests: 100, Cost: Cost{HostCalls: 5}},
		{Test: "two", Step: 2, Requests: 100, Cost: Cost{HostCalls: 4}},
	}, steps); diff != "" {
		t.Error(diff)
	}
}

func TestProfileEnds(t *testing.T) {
	traps := counting(func(_ *wasmenc.Module, requests wasmenc.GlobalIndex) wasmenc.Code {
		return wasmenc.Code{}.GlobalGet(requests).I32Const(50).I32Eq().If(wasmenc.Code{}.Unreachable())
	})
	p := Run(t.Context(), sandbox.Request{Module: traps}, nil, Options{Requests: 100})
	if p.Problem == nil || p.Problem.Code != finding.CodeTrap || p.Requests != 50 || !strings.HasPrefix(p.Problem.Message, `request 50 of "GET /", on one VM: proxy_on_request_headers trapped`) {
		t.Errorf("%+v", p)
	}
	p = Run(t.Context(), sandbox.Request{Module: growing(0)}, nil, Options{Time: time.Nanosecond})
	if !p.CutShort || p.Requests != 1 || p.Problem != nil {
		t.Errorf("%+v", p)
	}
	ctx, cancel := context.WithCancel(t.Context())
	p = Run(ctx, sandbox.Request{Module: growing(0)}, nil, Options{Requests: 1 << 40, Progress: func(int, int) { cancel() }})
	if !p.CutShort || p.Requests == 0 || p.Problem != nil {
		t.Errorf("%+v", p)
	}
	if p = Run(t.Context(), sandbox.Request{Module: testfilter.Importing("env.proxy_nothing :i").Bytes()}, nil, Options{}); p.Problem == nil {
		t.Error("a module that does not load has no problem")
	}
}

func TestCheckLimits(t *testing.T) {
	loop := counting(func(m *wasmenc.Module, _ wasmenc.GlobalIndex) wasmenc.Code {
		left := m.Global(0)
		return wasmenc.Code{}.I32Const(1_000_000).GlobalSet(left).
			Loop(wasmenc.Code{}.GlobalGet(left).I32Const(1).I32Sub().GlobalSet(left).GlobalGet(left).BrIf(0))
	})
	first := counting(func(*wasmenc.Module, wasmenc.GlobalIndex) wasmenc.Code {
		return wasmenc.Code{}.I32Const(1).MemoryGrow().Drop()
	})
	for name, test := range map[string]struct {
		module  []byte
		text    string
		code    string // "": none
		message string
	}{
		"no limits":        {loop, "", "", ""},
		"cheap enough":     {growing(0), "limits: {timePerRequest: 1s, memory: 1Mi}", "", ""},
		"too slow":         {loop, "limits: {timePerRequest: 1us}", finding.CodeLimitTime, `"GET /" takes the filter `},
		"just enough":      {growing(0), "limits: {memory: 128Ki}", "", ""},
		"too large":        {growing(0), "limits: {memory: 127Ki}", finding.CodeLimitMemory, "has 131072 bytes (2 pages of 64 KiB, all of them from its start)"},
		"grows with tests": {first, "limits: {memory: 128Ki}", finding.CodeLimitMemory, "has 196608 bytes (3 pages of 64 KiB, 2 from its start)"},
		"a step of a test": {loop, `
limits: {timePerRequest: 1us}
tests: [{name: a, steps: [{expect: {response: none}}, {expect: {response: none}}]}]`, finding.CodeLimitTime, `of "a" takes the filter `},
		"a connection": {growing(0), "type: network\nlimits: {timePerRequest: 1s, memory: 1Mi}", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := decodeTests(t, test.text)
			found := CheckLimits(t.Context(), sandbox.RequestFor(s, test.module, nil), s.Tests, s.Limits)
			switch {
			case test.code == "" && len(found) > 0:
				t.Errorf("%+v", found)
			case test.code != "" && (len(found) != 1 || found[0].Code != test.code || !strings.Contains(found[0].Message, test.message) || found[0].Hint == ""):
				t.Errorf("%+v", found)
			}
		})
	}
}

// TestLimitsOfWhatTraps shows a filter that the tests have passed, and that fails
// after more requests, does not pass.
func TestLimitsOfWhatTraps(t *testing.T) {
	traps := counting(func(_ *wasmenc.Module, requests wasmenc.GlobalIndex) wasmenc.Code {
		return wasmenc.Code{}.GlobalGet(requests).I32Const(50).I32Eq().If(wasmenc.Code{}.Unreachable())
	})
	found := CheckLimits(t.Context(), sandbox.Request{Module: traps}, nil, spec.Limits{TimePerRequest: time.Second})
	if len(found) != 1 || found[0].Code != finding.CodeTrap {
		t.Errorf("%+v", found)
	}
}

// TestDeepTests shows that tests get the compiler where the interpreter has
// not the stack that V8 has.
func TestDeepTests(t *testing.T) {
	var dive wasmenc.FuncIndex
	module := func(depth int32) []byte {
		return testfilter.WithCallbacks(func(m *wasmenc.Module) map[string]wasmenc.Code {
			// It is the first function, and calls itself.
			dive = m.Func(wasmenc.Sig("i:"), 0, wasmenc.Code{}.LocalGet(0).If(wasmenc.Code{}.LocalGet(0).I32Const(1).I32Sub().Call(0)))
			return map[string]wasmenc.Code{"proxy_on_request_headers": wasmenc.Code{}.I32Const(depth).Call(dive).I32Const(0)}
		})
	}
	for depth, ok := range map[int32]bool{8000: true, 1 << 30: false} {
		s := decodeTests(t, "limits: {memory: 1Mi}\ntests: [{name: a, expect: {response: {status: 200}}}]")
		r := sandbox.RequestFor(s, module(depth), nil)
		if got := runner.Run(t.Context(), r, s.Tests); got[0].OK != ok {
			t.Errorf("depth %d: %+v", depth, got)
		}
		if got := CheckLimits(t.Context(), r, s.Tests, s.Limits); (len(got) == 0) != ok {
			t.Errorf("depth %d: %+v", depth, got)
		}
	}
}

// decodeTests are the tests of a spec that has this text.
func decodeTests(t *testing.T, text string) *spec.Spec {
	t.Helper()
	specs, errs, _ := spec.Decode("auth.yaml", []byte("module: {file: a.wasm}\n"+text))
	if len(errs) > 0 || len(specs) != 1 {
		t.Fatalf("%v", errs)
	}
	return specs[0]
}
