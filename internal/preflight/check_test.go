package preflight

import (
	"context"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/sandbox"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
	"github.com/wasm-xds/wasm-xds/internal/wasmenc"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func TestCheckOfWhatLoads(t *testing.T) {
	config := "hello"
	for path, kind := range map[string]spec.Type{"hello": spec.HTTP, "prime_token": spec.HTTP, "tcp_log": spec.Network} {
		module, err := os.ReadFile("../../examples/envoy/filters/" + path + ".wasm")
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		r := Check(context.Background(), sandbox.Request{Module: module, Type: kind, PluginConfig: &config}, SmokeRequest)
		t.Log(path, len(module), time.Since(begin))
		if !r.OK {
			t.Errorf("%s: %+v\n%v", path, r.Problems, r.Logs)
		}
	}
	r := Check(context.Background(), sandbox.Request{Module: testfilter.HTTP{Stamp: "v1", EchoConfig: true, EchoEnv: "X"}.Module(), Env: map[string]string{"X": "1"}}, SmokeRequest)
	if !r.OK {
		t.Errorf("%+v", r.Problems)
	}
}

func TestCheckOfWhatDoesNot(t *testing.T) {
	for code, module := range map[string][]byte{
		finding.CodeMalformed:        testfilter.Garbage("x"),
		finding.CodeMemoryMissing:    testfilter.NoMemory("x"),
		finding.CodeTimeout:          testfilter.LoopOnConfigure("x"),
		finding.CodeConfigureRefused: testfilter.HTTP{ConfigureFails: true}.Module(),
		finding.CodeImportMissing:    testfilter.HTTP{MissingImport: true}.Module(),
		finding.CodeNotWasm:          []byte("hello"),
	} {
		r := Check(context.Background(), sandbox.Request{Module: module, Limits: sandbox.Limits{Step: 100 * time.Millisecond}}, SmokeRequest)
		if r.OK || r.Problems[0].Code != code {
			t.Errorf("%s: %+v", code, r)
		}
	}
}

func TestAutoCapabilities(t *testing.T) {
	specs, errs, _ := spec.Decode("auth.yaml", []byte("module: {file: a.wasm}\ncapabilities: auto\n"))
	if len(errs) > 0 || len(specs) != 1 {
		t.Fatalf("%v", errs)
	}
	r := sandbox.RequestFor(specs[0], testfilter.Caller(false), nil)
	read := sandbox.Inspect(r)
	if read.Found().Fatal() {
		t.Fatal(read.Found().Problems())
	}
	if auto := read.Request().Capabilities; !slices.Contains(auto, "proxy_http_call") || slices.Contains(auto, "proxy_log") {
		t.Errorf("%q", auto)
	}
	if report := Check(t.Context(), r, SmokeRequest); !report.OK {
		t.Errorf("%+v", report.Problems)
	}
}

func example(t *testing.T, name string) []byte {
	t.Helper()
	module, err := os.ReadFile("../../examples/envoy/filters/" + name + ".wasm")
	if err != nil {
		t.Fatal(err)
	}
	return module
}

// Envoys before 1.38 do not call __main_void, so they load a module that calls there a function
// that no Envoy allows during the start.
func TestRestrictedCallOfSomeVersions(t *testing.T) {
	const tick = wasmenc.FuncIndex(0) // the import
	m := testfilter.Importing("env.proxy_set_tick_period_milliseconds i:i")
	m.ExportedFunc("_initialize", wasmenc.Sig(":"), 0, nil)
	m.ExportedFunc("__main_void", wasmenc.Sig(":i"), 0, wasmenc.Code{}.I32Const(0).Call(tick))
	r := Check(t.Context(), sandbox.Request{Module: m.Bytes()}, SmokeRequest)
	for _, version := range envoy.Versions() {
		if calls := version >= envoy.MainVoidSince; r.Refused(version) != calls {
			t.Errorf("Envoy %s calls it: %t, and the check says\n%+v", version, calls, r.Problems)
		}
	}
}
