package preflight

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"testing"
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

// BenchmarkEngines is why the interpreter comes first: what a check costs with each.
func BenchmarkEngines(b *testing.B) {
	config := "hello"
	for _, e := range []Engine{Interpreter, Compiler} {
		b.Run(string(e), func(b *testing.B) {
			benchmarked(b, func(b *testing.B, module []byte) {
				for b.Loop() {
					s := newInspected(Request{Module: module, PluginConfig: &config})
					if !s.inspect() {
						b.Fatal(s.found.Problems())
					}
					run, problem := s.runOn(context.Background(), e, s.found.Versions())
					if problem != nil {
						b.Fatal(problem)
					}
					_ = run.close(context.Background())
				}
			})
		})
	}
}

// BenchmarkCheck is the whole check for all versions: cold, of a module that was never seen, and
// known, of one whose configuration has changed, at once or after a pause.
func BenchmarkCheck(b *testing.B) {
	check := func(b *testing.B, r Request) {
		if report := Check(context.Background(), r); !report.OK {
			b.Fatal(report.Problems)
		}
	}
	b.Run("cold", func(b *testing.B) {
		benchmarked(b, func(b *testing.B, module []byte) {
			config := "hello"
			for b.Loop() {
				check(b, Request{Module: module, PluginConfig: &config})
			}
		})
	})
	known := func(pause bool) func(b *testing.B) {
		return func(b *testing.B) {
			benchmarked(b, func(b *testing.B, module []byte) {
				modules := NewModules(len(module))
				defer modules.Close()
				for i := range b.N {
					b.StopTimer()
					if pause {
						modules.makeSpares()
					}
					config := fmt.Sprint("hello ", i)
					if i > 0 {
						b.StartTimer()
					}
					check(b, Request{Module: module, PluginConfig: &config, Modules: modules})
				}
			})
		}
	}
	b.Run("known", known(false))
	b.Run("known, after a pause", known(true))
}

// BenchmarkKeptModule says what a decoded module takes, for the limit of [NewModules].
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
			modules := NewModules(len(module))
			config := "hello"
			if report := Check(context.Background(), Request{Module: module, PluginConfig: &config, Modules: modules}); !report.OK {
				b.Fatal(report.Problems)
			}
			b.ReportMetric((heap()-before)/float64(len(module)), "heap/module")
			modules.Close()
		}
	})
}
