package sandbox

import (
	"fmt"
	"os"
	"testing"
)

// BenchmarkSpare is a run of a known module with a new configuration, after a pause in which an
// instance was started ahead.
func BenchmarkSpare(b *testing.B) {
	for _, name := range []string{"prime_token", "hello"} {
		module, err := os.ReadFile("../../../examples/envoy/filters/" + name + ".wasm")
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			modules := NewModules(len(module))
			defer modules.Close()
			for i := range b.N {
				b.StopTimer()
				modules.makeSpares()
				config := fmt.Sprint("hello ", i)
				if i > 0 {
					b.StartTimer()
				}
				if got := check(b.Context(), Request{Module: module, PluginConfig: &config, Modules: modules}); !got.ok() {
					b.Fatal(got.problems)
				}
			}
		})
	}
}
