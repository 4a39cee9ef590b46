package preflight

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/preflight/cause"
	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
)

// VM is a started and configured module. The VM and its streams belong to one goroutine.
type VM struct {
	host    *host
	running *running
}

var errNotLoaded = errors.New("the module does not load")

// Load starts and configures a module as the newest of the request's versions does. If that version
// has problems, Load returns an error and no VM.
func Load(ctx context.Context, r Request) (*VM, []finding.Problem, error) { return loadOn(ctx, r, "") }

// loadOn is [Load] on an engine; "" means the request's engine.
func loadOn(ctx context.Context, r Request, e Engine) (*VM, []finding.Problem, error) {
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
	if e != "" {
		r.Engine = e
	}
	s := newInspected(r)
	if !s.inspect() {
		return nil, s.found.Problems(), errNotLoaded
	}
	run, problem := s.run(ctx, r.Versions)
	if problem != nil {
		s.found.Add(cause.With(*problem))
		return nil, s.found.Problems(), cmp.Or(run.close(ctx), errNotLoaded)
	}
	return &VM{host: run.host, running: run}, nil, nil
}

// Close frees the module.
func (vm *VM) Close(ctx context.Context) error { return vm.running.close(ctx) }

// Logs returns the log lines since the last call.
func (vm *VM) Logs() []Log { return vm.host.takeLogs() }

// Metrics returns the module's metrics by name.
func (vm *VM) Metrics() []Metric {
	var list []Metric
	for _, m := range vm.host.state.metrics {
		list = append(list, m.Metric)
	}
	slices.SortFunc(list, func(a, b Metric) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// SetShared sets shared data, as another filter would.
func (vm *VM) SetShared(key string, value []byte) { vm.host.setShared(key, value) }

// Shared returns shared data.
func (vm *VM) Shared(key string) (value []byte, ok bool) {
	v, ok := vm.host.state.shared[key]
	return v.value, ok
}

// Tick runs proxy_on_tick of the root context.
func (vm *VM) Tick(ctx context.Context) error {
	return vm.host.run(ctx, rootContext, "proxy_on_tick", rootContext)
}

// MemorySize returns the size of the linear memory in bytes.
func (vm *VM) MemorySize() uint32 { return vm.host.memorySize() }

func (h *host) memorySize() uint32 {
	if memory := h.module.Memory(); memory != nil {
		return memory.Size()
	}
	return 0
}
