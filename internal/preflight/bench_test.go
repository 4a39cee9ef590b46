package preflight

import (
	"context"
	"os"
	"testing"

	"github.com/tetratelabs/wazero"
)

// BenchmarkEngines is why the interpreter comes first: what a check costs with each.
func BenchmarkEngines(b *testing.B) {
	config := "hello"
	for _, name := range []string{"prime_token", "hello"} {
		module, err := os.ReadFile("../../examples/envoy/filters/" + name + ".wasm")
		if err != nil {
			b.Fatal(err)
		}
		for kind, e := range map[string]engine{"interpreter": wazero.NewRuntimeConfigInterpreter, "compiler": wazero.NewRuntimeConfigCompiler} {
			b.Run(name+"/"+kind, func(b *testing.B) {
				for b.Loop() {
					s := newStatic(Request{Module: module, PluginConfig: &config})
					if !s.parse() {
						b.Fatal(s.problems)
					}
					s.inspect()
					run, problem := s.runOn(context.Background(), e, s.versions)
					if problem != nil {
						b.Fatal(problem)
					}
					_ = run.close(context.Background())
				}
			})
		}
	}
}
