package sandbox

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/preflight/cause"
	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
)

var errNotLoaded = errors.New("the module does not load")

// Load starts and configures a module as the newest of the request's versions does. If that version
// has problems, Load returns an error and no VM.
func Load(ctx context.Context, r Request) (*VM, []finding.Problem, error) {
	versions := r.Versions
	if versions == nil {
		versions = envoy.Versions()
	}
	newest := slices.MaxFunc(versions, func(a, b string) int {
		if envoy.Older(a, b) {
			return -1
		}
		return 1
	})
	r.Versions = []string{newest}
	c := Inspect(r)
	if c.found.Fatal() {
		return nil, c.found.Problems(), errNotLoaded
	}
	vm, problem := c.Run(ctx, r.Versions, nil)
	if problem != nil {
		c.found.Add(cause.With(*problem))
		return nil, c.found.Problems(), cmp.Or(vm.Close(ctx), errNotLoaded)
	}
	return vm, nil, nil
}
