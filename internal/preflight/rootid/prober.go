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

// The bounds of a prober.
const (
	strangeRootIDs = 3 // of each length
	rootIDTime     = 2 * time.Second
)

// prober runs a module under many root ids, and belongs to a single goroutine.
type prober struct {
	ctx     context.Context
	cancel  context.CancelFunc
	kind    spec.Type
	module  *sandbox.Repeated
	tracer  *tracer
	strange map[int]trace // the common functions of all made-up ids of a length
}

func newProber(ctx context.Context, c *sandbox.Candidate, versions []string) (*prober, *finding.Problem) {
	p := &prober{kind: c.Request().Type, tracer: &tracer{}, strange: map[int]trace{}}
	p.ctx, p.cancel = context.WithTimeout(ctx, rootIDTime)
	p.ctx = experimental.WithFunctionListenerFactory(p.ctx, experimental.FunctionListenerFactoryFunc(
		func(api.FunctionDefinition) experimental.FunctionListener { return p.tracer }))
	var problem *finding.Problem
	if p.module, problem = c.Repeat(p.ctx, versions, rootIDTime); problem != nil {
		p.cancel()
		return nil, problem
	}
	return p, nil
}

func (p *prober) close() {
	p.module.Close()
	p.cancel()
}

// run starts the module under an id and sends a plain request through it.
func (p *prober) run(id string) trace {
	p.tracer.trace = trace{called: map[api.FunctionDefinition]struct{}{}}
	p.tracer.failed = !p.module.Run(id, func(ctx context.Context, vm *host.VM) error {
		return traffic.SendPlain(ctx, vm, p.kind)
	})
	return p.tracer.trace
}

// knows reports whether the module runs a function under an id that it runs under no made-up id.
func (p *prober) knows(id string) bool {
	strange := p.strangeOf(max(1, len(id)))
	of := p.run(id)
	if p.ctx.Err() != nil {
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
func (p *prober) strangeOf(size int) trace {
	if known, ok := p.strange[size]; ok {
		return known
	}
	all := trace{called: map[api.FunctionDefinition]struct{}{}, failed: true}
	for n := range strangeRootIDs {
		id := make([]byte, size)
		for i := range id {
			id[i] = 'A' + byte((7*i+11*n+5)%26)
		}
		one := p.run(string(id))
		for f := range one.called {
			all.called[f] = struct{}{}
		}
		all.failed = all.failed && one.failed
	}
	p.strange[size] = all
	return all
}
