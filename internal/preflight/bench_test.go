package preflight

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/preflight/engine"
	"github.com/wasm-xds/wasm-xds/internal/preflight/sandbox"
)

// benchmarked are the examples in Rust and in Go.
func benchmarked(b *testing.B, run func(b *testing.B, module []byte)) {
	for _, name := range []string{"prime_token", "hello"} {
		module, err := os.ReadFile("../../examples/envoy/filters/" + name + ".wasm")
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) { run(b, module) })
	}
}

// BenchmarkEngines compares the cost of a run on each engine. It is the reason for which the
// interpreter comes first.
func BenchmarkEngines(b *testing.B) {
	config := "hello"
	for _, e := range []engine.Engine{engine.Interpreter, engine.Compiler} {
		b.Run(string(e), func(b *testing.B) {
			benchmarked(b, func(b *testing.B, module []byte) {
				for b.Loop() {
					c := sandbox.Inspect(sandbox.Request{Module: module, PluginConfig: &config, Engine: e})
					vm, problem := c.Run(context.Background(), c.Found().Loading(), nil)
					if problem != nil {
						b.Fatal(problem)
					}
					_ = vm.Close(context.Background())
				}
			})
		})
	}
}

func checked(b *testing.B, r sandbox.Request) {
	if report := Check(context.Background(), r, SmokeRequest); !report.OK {
		b.Fatal(report.Problems)
	}
}

// BenchmarkCheck is the whole check for all versions: cold, of a new module, and known, of a module
// with a new configuration. BenchmarkSpare in package sandbox is the known module after a pause.
func BenchmarkCheck(b *testing.B) {
	b.Run("cold", func(b *testing.B) {
		benchmarked(b, func(b *testing.B, module []byte) {
			config := "hello"
			for b.Loop() {
				checked(b, sandbox.Request{Module: module, PluginConfig: &config})
			}
		})
	})
	b.Run("known", func(b *testing.B) {
		benchmarked(b, func(b *testing.B, module []byte) {
			modules := sandbox.NewModules(len(module))
			defer modules.Close()
			for i := range b.N {
				b.StopTimer()
				config := fmt.Sprint("hello ", i)
				if i > 0 {
					b.StartTimer()
				}
				checked(b, sandbox.Request{Module: module, PluginConfig: &config, Modules: modules})
			}
		})
	})
}

// BenchmarkKeptModule measures the memory of a decoded module, for the limit of
// [sandbox.NewModules].
func BenchmarkKeptModule(b *testing.B) {
	benchmarked(b, func(b *testing.B, module []byte) {
		heap := func() float64 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			return float64(m.HeapAlloc)
		}
		for b.Loop() {
			before := heap()
			modules := sandbox.NewModules(len(module))
			config := "hello"
			checked(b, sandbox.Request{Module: module, PluginConfig: &config, Modules: modules})
			b.ReportMetric((heap()-before)/float64(len(module)), "heap/module")
			modules.Close()
		}
	})
}
