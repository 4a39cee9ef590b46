package static

import (
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/preflight/wasmbin"
)

// Capabilities returns the imported functions subject to Envoy's capabilities: the meaning of
// capabilities: auto. The result is never nil. A nil module imports nothing.
func Capabilities(m *wasmbin.Module) []string {
	all := []string{}
	if m == nil {
		return all
	}
	for _, f := range m.Imports {
		if envoy.NeedsCapability(f.Module, f.Name) {
			all = append(all, f.Name)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
