package static

import (
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/wasmbin"
)

// Check adds the problems and warnings of a module to found. The result is the ABI for which Envoy
// runs the module; "": Envoy knows none of the module's ABIs.
func Check(m *wasmbin.Module, o Options, found *finding.List) (abi string) {
	c := &checker{module: m, options: o, found: found}
	checkABI(c)
	checkImports(c)
	checkExports(c)
	checkMemory(c)
	return c.abi
}
