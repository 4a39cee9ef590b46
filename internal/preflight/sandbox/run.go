package sandbox

import (
	"context"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/preflight/engine"
	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/host"
)

// Traffic sends traffic through a configured module. A nil Traffic sends none.
type Traffic func(ctx context.Context, vm *VM) *finding.Problem

// Run compiles, instantiates, starts and configures a module for some versions, and then sends the
// traffic. Most of a run is decoding, and the interpreter decodes in a tenth of the compiler's
// time. So the compiler only runs modules too slow, or with too deep a stack, for the interpreter:
// V8 may well run these. Each engine has half of a step's time.
//
// Run returns the VM even with a problem, for the logs. The caller closes the VM.
func (c *Candidate) Run(ctx context.Context, versions []string, traffic Traffic) (*VM, *finding.Problem) {
	if e := c.request.Engine; e != "" {
		return runOn(ctx, c, e, versions, traffic)
	}
	vm, problem := runOn(ctx, c, engine.Interpreter, versions, traffic)
	again, ok := Again(ctx, problem)
	if !ok {
		return vm, problem
	}
	_ = vm.Close(ctx) // the instance is unused
	compiled, second := runOn(again, c, engine.Compiler, versions, traffic)
	if second != nil && second.Step == finding.StepParse {
		return compiled, problem // the first run gave no result
	}
	return compiled, second
}

// Again returns the context for a second try on the compiler, if the interpreter's problem may be
// the interpreter's own.
func Again(ctx context.Context, p *finding.Problem) (again context.Context, ok bool) {
	switch {
	case p == nil || ctx.Err() != nil:
		return nil, false
	case overflows(p):
		return engine.WithDepth(ctx), true
	default:
		return ctx, p.Code == finding.CodeTimeout
	}
}

func overflows(p *finding.Problem) bool {
	return slices.ContainsFunc(p.Detail, func(line string) bool { return strings.Contains(line, "stack overflow") })
}

func runOn(ctx context.Context, c *Candidate, e engine.Engine, versions []string, traffic Traffic) (*VM, *finding.Problem) {
	ctx = engine.WithMemory(ctx)
	modules := c.request.Modules
	if modules == nil || engine.CountsDepth(ctx) {
		modules = NewModules(0)
	}
	config := c.request.config()
	p, problem := prepare(ctx, c, modules, e)
	if problem != nil {
		return &VM{VM: host.New(config, c.abi, versions, nil), modules: modules}, problem
	}
	vm := &VM{modules: modules, prepared: p}
	var err error
	if vm.VM, err = started(ctx, modules, p, c.abi, config, versions); err != nil {
		return vm, vm.Problem(err)
	}
	if err := vm.Configure(ctx); err != nil || traffic == nil {
		return vm, vm.Problem(err)
	}
	return vm, traffic(ctx, vm)
}

// started returns a started instance: a spare, or a new one. If the next start would be the same,
// it asks for a spare.
func started(ctx context.Context, modules *Modules, p *prepared, abi string, config host.Config, versions []string) (*host.VM, error) {
	start := newStart(abi, config)
	if vm := modules.takeSpare(p, start, versions); vm != nil {
		vm.SetConfig(config)
		return vm, nil
	}
	vm := host.New(config, abi, versions, p.imports)
	if err := vm.Instantiate(ctx, p.runtime, p.compiled); err != nil {
		return vm, err
	}
	err := vm.Start(ctx)
	if err == nil && startedAlone(vm.Called()) {
		modules.want(&spare{of: p, start: start, versions: versions})
	}
	return vm, err
}

// startedAlone reports whether a module's start asked the host only for time, numbers and the like.
// The start would then be the same with another configuration.
func startedAlone(called map[string]uint64) bool {
	for name := range called {
		if strings.HasPrefix(name, envoy.ModuleEnv+".") && name != envoy.ModuleEnv+".proxy_log" {
			return false
		}
	}
	return true
}
