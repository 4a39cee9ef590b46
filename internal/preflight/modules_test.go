package preflight

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
	"github.com/wasm-xds/wasm-xds/internal/wasmenc"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func exampleModule(t *testing.T, name string) []byte {
	t.Helper()
	module, err := os.ReadFile("../../examples/envoy/filters/" + name + ".wasm")
	if err != nil {
		t.Fatal(err)
	}
	return module
}

// otherwise is the module with a custom section: other bytes that do the same.
func otherwise(module []byte, i int) []byte {
	content := append([]byte{1, 'x'}, fmt.Sprintf("%04d", i)...)
	return wasmenc.AppendSection(slices.Clone(module), 0, content)
}

// Runs that share a decoded module share nothing else: each shows its own configuration.
func TestRunsOfOneModuleSideBySide(t *testing.T) {
	module := testfilter.HTTP{Stamp: "a", EchoConfig: true}.Module()
	modules := NewModules(len(module))
	defer modules.Close()
	run := func(config string) {
		step := spec.TestStep{HTTP: &spec.TestHTTP{
			Request: spec.TestMessage{Method: "GET", Path: "/"}, Upstream: spec.TestMessage{Status: 200},
		}}
		step.Expect.Response = &spec.TestMessage{Headers: []spec.TestHeader{{Name: testfilter.ConfigHeader, Values: []string{config}}}}
		r := Request{Module: module, PluginConfig: &config, Modules: modules}
		for _, result := range RunTests(t.Context(), r, []spec.Test{{Name: config, Steps: []spec.TestStep{step}}}) {
			if !result.OK {
				t.Errorf("%s: %v", config, result.Failures)
			}
		}
	}
	run("the first")
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() { run(fmt.Sprint("configuration ", i)) })
	}
	all.Wait()
	if len(modules.kept) != 1 || modules.size != len(module) {
		t.Errorf("%d modules of %d bytes are kept", len(modules.kept), modules.size)
	}
	for _, p := range modules.kept {
		if p.users != 0 {
			t.Errorf("%d users are left", p.users)
		}
	}
}

func TestKeptModulesAreBounded(t *testing.T) {
	module := exampleModule(t, "prime_token")
	modules := NewModules(2*len(module) + 100)
	for i := range 5 {
		if r := Check(t.Context(), Request{Module: otherwise(module, i), Modules: modules}); !r.OK {
			t.Fatal(r.Problems)
		}
	}
	if len(modules.kept) != 2 || modules.size > modules.limit {
		t.Errorf("%d modules of %d bytes are kept", len(modules.kept), modules.size)
	}
	var left *prepared
	for _, p := range modules.kept {
		left = p
	}
	modules.Close()
	if _, err := left.runtime.CompileModule(context.Background(), module); err == nil {
		t.Error("what was kept is not freed")
	}
	if len(modules.kept) != 0 || modules.size != 0 {
		t.Error("something is left")
	}
	// What is too large is run, and not kept.
	small := NewModules(10)
	if r := Check(t.Context(), Request{Module: module, Modules: small}); !r.OK || len(small.kept) != 0 {
		t.Errorf("%v, %d kept", r.Problems, len(small.kept))
	}
}

// A module in which a run has failed is decoded again, so that nothing of it stays.
func TestAFailedRunIsNotKept(t *testing.T) {
	module := exampleModule(t, "prime_token")
	modules := NewModules(len(module))
	defer modules.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r := Check(ctx, Request{Module: module, Modules: modules}); r.OK || len(modules.kept) != 0 {
		t.Errorf("a run that was ended: %v, %d kept", r.OK, len(modules.kept))
	}
	if r := Check(t.Context(), Request{Module: module, Modules: modules}); !r.OK || len(modules.kept) != 1 {
		t.Errorf("the next run: %v, %d kept", r.Problems, len(modules.kept))
	}
}
