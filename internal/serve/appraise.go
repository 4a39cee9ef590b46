package serve

import (
	"context"
	"runtime/debug"
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/preflight/engine"
	"github.com/wasm-xds/wasm-xds/internal/preflight/profile"
	"github.com/wasm-xds/wasm-xds/internal/preflight/sandbox"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// The bounds of a measurement for the record. The compiler takes a second of a core for each
// mebibyte or two, so larger modules are not measured.
const (
	measuredRequests = 500
	measuredTime     = 2 * time.Second
	measuredSize     = 8 << 20 // bytes
)

// Imports implements [control.Appraiser].
func (x examiner) Imports(sha256 string) []string {
	code, err := x.read(sha256)
	if err != nil {
		return nil
	}
	module, err := sandbox.Request{Module: code, SHA256: sha256, Modules: x.modules}.Content()
	if err != nil {
		return nil
	}
	names := []string{}
	for _, f := range module.Imports {
		names = append(names, f.Module+"."+f.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Cost implements [control.Appraiser]. A bug in the sandbox does not end the server: the filter has
// no cost then.
func (x examiner) Cost(ctx context.Context, s *spec.Spec, m snapshot.Module, config *string) (cost *api.ModuleCost) {
	if x.mode == examine.Off || m.Size > measuredSize {
		return nil
	}
	// As in Examine: an access to the memory of a module that is gone is a fault.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if recover() != nil {
			cost = nil
		}
	}()
	code, err := x.read(m.SHA256)
	if err != nil {
		return nil
	}
	r, ok := examine.Profile(ctx, examine.Result{}, s, code, config, nil, profile.Options{Requests: measuredRequests, Time: measuredTime})
	if !ok || r.Problem != nil || r.Requests == 0 || ctx.Err() != nil {
		return nil
	}
	return &api.ModuleCost{
		Requests: r.Requests, MedianSeconds: r.Median.Seconds(), P99Seconds: r.P99.Seconds(), HostCallsPerRequest: r.HostCalls,
		MemoryBytes: int64(r.Memory.End) * engine.PageSize, GrowthBytesPerRequest: r.Memory.BytesPerRequest,
	}
}
