package sandbox

import (
	"context"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/preflight/engine"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/host"
)

// Repeated runs a decoded module again and again under different root ids, on the interpreter. A
// Repeated belongs to one goroutine.
type Repeated struct {
	candidate Candidate
	ctx       context.Context
	modules   *Modules
	prepared  *prepared
	versions  []string
}

// Repeat decodes the module once more, with the listeners of ctx. step is the time for each call.
func (c *Candidate) Repeat(ctx context.Context, versions []string, step time.Duration) (*Repeated, *finding.Problem) {
	r := &Repeated{candidate: *c, ctx: engine.WithMemory(ctx), modules: NewModules(0), versions: versions}
	r.candidate.request.Modules, r.candidate.request.Limits.Step = r.modules, step
	var problem *finding.Problem
	if r.prepared, problem = prepare(r.ctx, &r.candidate, r.modules, engine.Interpreter); problem != nil {
		r.modules.Close()
		return nil, problem
	}
	return r, nil
}

// Run starts the module under a root id and runs traffic; false: a part of the run failed.
func (r *Repeated) Run(rootID string, traffic func(context.Context, *host.VM) error) bool {
	request := r.candidate.request
	request.RootID = rootID
	vm := host.New(request.config(), r.candidate.abi, r.versions, r.prepared.imports)
	defer func() { _ = vm.Close(r.ctx) }() // the instance is unused
	for _, step := range []func() error{
		func() error { return vm.Instantiate(r.ctx, r.prepared.runtime, r.prepared.compiled) },
		func() error { return vm.Start(r.ctx) },
		func() error { return vm.Configure(r.ctx) },
		func() error { return traffic(r.ctx, vm) },
	} {
		if step() != nil {
			return false
		}
	}
	return true
}

// Close frees the decoded module.
func (r *Repeated) Close() {
	r.modules.release(r.prepared, true)
	r.modules.Close()
}
