package rootid

import (
	"context"
	"time"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/host"
	"github.com/wasm-xds/wasm-xds/internal/preflight/sandbox"
	"github.com/wasm-xds/wasm-xds/internal/preflight/traffic"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// The bounds of a trial.
const (
	strangeRootIDs = 3 // of each length
	rootIDTime     = 2 * time.Second
)

// trial runs one module under many root ids. It belongs to one goroutine.
type trial struct {
	ctx     context.Context
	cancel  context.CancelFunc
	kind    spec.Type
	module  *sandbox.Repeated
	tracer  *tracer
	strange map[int]trace // the common functions of all made-up ids of a length
}

func newTrial(ctx context.Context, c *sandbox.Candidate, versions []string) (*trial, *finding.Problem) {
	t := &trial{kind: c.Request().Type, tracer: &tracer{}, strange: map[int]trace{}}
	t.ctx, t.cancel = context.WithTimeout(ctx, rootIDTime)
	t.ctx = experimental.WithFunctionListenerFactory(t.ctx, experimental.FunctionListenerFactoryFunc(
		func(api.FunctionDefinition) experimental.FunctionListener { return t.tracer }))
	var problem *finding.Problem
	if t.module, problem = c.Repeat(t.ctx, versions, rootIDTime); problem != nil {
		t.cancel()
		return nil, problem
	}
	return t, nil
}

func (t *trial) close() {
	t.module.Close()
	t.cancel()
}

// run starts the module under an id and sends a plain request through it.
func (t *trial) run(id string) trace {
	t.tracer.trace = trace{called: map[api.FunctionDefinition]struct{}{}}
	t.tracer.failed = !t.module.Run(id, func(ctx context.Context, vm *host.VM) error {
		return traffic.SendPlain(ctx, vm, t.kind)
	})
	return t.tracer.trace
}

// knows reports whether the module runs a function under an id that it runs under no made-up id.
func (t *trial) knows(id string) bool {
	strange := t.strangeOf(max(1, len(id)))
	of := t.run(id)
	if t.ctx.Err() != nil {
		return false
	}
	if strange.failed && !of.failed {
		return true
	}
	for f := range of.called {
		if _, also := strange.called[f]; !also {
			return true
		}
	}
	return false
}

// strangeOf returns the functions that the module runs under made-up ids of a length. This includes
// the effect of the text's length alone.
func (t *trial) strangeOf(size int) trace {
	if known, ok := t.strange[size]; ok {
		return known
	}
	all := trace{called: map[api.FunctionDefinition]struct{}{}, failed: true}
	for n := range strangeRootIDs {
		id := make([]byte, size)
		for i := range id {
			id[i] = 'A' + byte((7*i+11*n+5)%26)
		}
		one := t.run(string(id))
		for f := range one.called {
			all.called[f] = struct{}{}
		}
		all.failed = all.failed && one.failed
	}
	t.strange[size] = all
	return all
}
