package static

import (
	"github.com/wasm-xds/wasm-xds/internal/preflight/cause"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/wasmbin"
)

// Options are the parts of a request with an effect on the look.
type Options struct {
	Capabilities []string // the only functions to call or export; nil: all
	Memory       uint32   // the largest memory at the start, in pages of 64 KiB; 0: Envoy's own limit
}

// checker looks at a module. A problem does not end the look, so a user sees all problems at
// once.
type checker struct {
	module  *wasmbin.Module
	options Options
	found   *finding.List
	abi     string // "": unknown to Envoy
}

func (c *checker) add(p finding.Problem) { c.found.Add(cause.With(p)) }
