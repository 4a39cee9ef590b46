package sandbox

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/host"
	"github.com/wasm-xds/wasm-xds/internal/preflight/traffic"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
	"github.com/wasm-xds/wasm-xds/internal/wasmenc"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func exampleModule(t *testing.T, name string) []byte {
	t.Helper()
	module, err := os.ReadFile("../../../examples/envoy/filters/" + name + ".wasm")
	if err != nil {
		t.Fatal(err)
	}
	return module
}

// checked is the result of a run of a module with plain traffic.
type checked struct {
	problems []finding.Problem
	logs     []host.Log
	headers  []host.Header // of the response
}

func (c checked) ok() bool { return len(c.problems) == 0 }

func check(ctx context.Context, r Request) (got checked) {
	c := Inspect(r)
	if c.Found().Fatal() {
		return checked{problems: c.Found().Problems()}
	}
	vm, problem := c.Run(ctx, c.Found().Loading(), func(ctx context.Context, vm *VM) *finding.Problem {
		test := traffic.Plain(r.Type)
		passed, err := traffic.Sender{VM: vm.VM}.Send(ctx, &test.Steps[0])
		got.headers = passed.Client.Message.Headers
		return vm.Problem(err)
	})
	if problem != nil {
		c.Found().Add(*problem)
	}
	got.problems, got.logs = c.Found().Problems(), vm.Logs()
	_ = vm.Close(ctx) // nothing was left in it
	return got
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
		r := Request{Module: module, PluginConfig: &config, Modules: modules}
		vm, problems, err := Load(t.Context(), r)
		if err != nil {
			t.Errorf("%v: %v", err, problems)
			return
		}
		defer vm.Close(t.Context())
		step := spec.TestStep{HTTP: &spec.TestHTTP{
			Request: spec.TestMessage{Method: "GET", Path: "/"}, Upstream: spec.TestMessage{Status: 200},
		}}
		passed, err := traffic.Sender{VM: vm.VM}.Send(t.Context(), &step)
		if err != nil {
			t.Error(err)
		}
		if got, _ := host.Lookup(passed.Client.Message.Headers, testfilter.ConfigHeader); got != config {
			t.Errorf("%s: the filter has %q", config, got)
		}
	}
	run("the first")
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() { run(fmt.Sprint("configuration ", i)) })
	}
	all.Wait()
	if len(modules.cache.kept) != 1 || modules.cache.size != len(module) {
		t.Errorf("%d modules of %d bytes are kept", len(modules.cache.kept), modules.cache.size)
	}
	for _, p := range modules.cache.kept {
		if p.users != 0 {
			t.Errorf("%d users are left", p.users)
		}
	}
}

func TestKeptModulesAreBounded(t *testing.T) {
	module := exampleModule(t, "prime_token")
	modules := NewModules(2*len(module) + 100)
	for i := range 5 {
		if r := check(t.Context(), Request{Module: otherwise(module, i), Modules: modules}); !r.ok() {
			t.Fatal(r.problems)
		}
	}
	if len(modules.cache.kept) != 2 || modules.cache.size > modules.cache.limit {
		t.Errorf("%d modules of %d bytes are kept", len(modules.cache.kept), modules.cache.size)
	}
	var left *prepared
	for _, p := range modules.cache.kept {
		left = p
	}
	modules.Close()
	if _, err := left.runtime.CompileModule(context.Background(), module); err == nil {
		t.Error("what was kept is not freed")
	}
	if len(modules.cache.kept) != 0 || modules.cache.size != 0 {
		t.Error("something is left")
	}
	// A module that is too large runs, and is not kept.
	small := NewModules(10)
	if r := check(t.Context(), Request{Module: module, Modules: small}); !r.ok() || len(small.cache.kept) != 0 {
		t.Errorf("%v, %d kept", r.problems, len(small.cache.kept))
	}
}

// A module in which a run has failed is decoded again, so nothing of it stays.
func TestAFailedRunIsNotKept(t *testing.T) {
	module := exampleModule(t, "prime_token")
	modules := NewModules(len(module))
	defer modules.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r := check(ctx, Request{Module: module, Modules: modules}); r.ok() || len(modules.cache.kept) != 0 {
		t.Errorf("a run that was ended: %v, %d kept", r.ok(), len(modules.cache.kept))
	}
	if r := check(t.Context(), Request{Module: module, Modules: modules}); !r.ok() || len(modules.cache.kept) != 1 {
		t.Errorf("the next run: %v, %d kept", r.problems, len(modules.cache.kept))
	}
}
