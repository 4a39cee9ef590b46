package preflight

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
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
		r := Check(context.Background(), Request{Module: module, Type: kind, PluginConfig: &config})
		t.Log(path, len(module), time.Since(begin))
		if !r.OK {
			t.Errorf("%s: %+v\n%v", path, r.Problems, r.Logs)
		}
	}
	r := Check(context.Background(), Request{Module: testfilter.HTTP{Stamp: "v1", EchoConfig: true, EchoEnv: "X"}.Module(), Env: map[string]string{"X": "1"}})
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
		r := Check(context.Background(), Request{Module: module, Limits: Limits{Step: 100 * time.Millisecond}})
		if r.OK || r.Problems[0].Code != code {
			t.Errorf("%s: %+v", code, r)
		}
	}
}

func TestStream(t *testing.T) {
	vm, problems, err := Load(context.Background(), Request{Module: testfilter.HTTP{Stamp: "v1", RequireToken: true}.Module()})
	if err != nil {
		t.Fatal(err, problems)
	}
	defer vm.Close(context.Background())
	for token, status := range map[string]string{"ok": "200", "no": "403"} {
		s, err := vm.NewStream(t.Context(), StreamOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Request(t.Context(), Message{Headers: []Header{{":path", "/"}, {"token", token}}}); err != nil {
			t.Fatal(err)
		}
		if s.Upstream().Complete {
			if err := s.Response(t.Context(), Message{Headers: []Header{{":status", "200"}}, Body: [][]byte{[]byte("hi")}}); err != nil {
				t.Fatal(err)
			}
		}
		got := s.Client()
		if !got.Complete || got.Message.Headers[0].Value != status || s.Local() != (status == "403") {
			t.Errorf("%s: %+v", token, got)
		}
		if v, _ := lookup(got.Message.Headers, "x-filter"); v != "v1" {
			t.Errorf("%s: %+v", token, got)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
