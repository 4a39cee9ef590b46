package preflight

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// vmContext is the context while a module starts, rootContext that of its plugin.
const (
	vmContext   = 0
	rootContext = 1
)

// features are what Envoy's V8 understands, as far as wazero does.
const features = api.CoreFeaturesV2 | experimental.CoreFeaturesThreads | experimental.CoreFeaturesTailCall |
	experimental.CoreFeaturesExtendedConst | experimental.CoreFeaturesExceptionHandling |
	experimental.CoreFeaturesTypedFunctionReferences

// engine runs modules: the interpreter begins much sooner, the compiler runs faster.
type engine func() wazero.RuntimeConfig

// running is a module with its runtime.
type running struct {
	host    *host
	runtime wazero.Runtime
}

func (r *running) close(ctx context.Context) error {
	return r.runtime.Close(context.WithoutCancel(ctx))
}

// start compiles, instantiates, starts and configures a module. Decoding is what
// most checks consist of, and it takes the interpreter a tenth of the compiler's
// time; so the compiler gets a try only where the interpreter was too slow, or had
// not the stack, for what V8 may well do. Each has half of a step's time.
func (s *static) run(ctx context.Context, versions []string) (*running, *Problem) {
	r, problem := s.runOn(ctx, wazero.NewRuntimeConfigInterpreter, versions)
	again, ok := another(ctx, problem)
	if !ok {
		return r, problem
	}
	_ = r.close(ctx) // nothing was left in it
	compiled, second := s.runOn(again, wazero.NewRuntimeConfigCompiler, versions)
	if second != nil && second.Step == StepParse {
		return compiled, problem // nothing has come of it
	}
	return compiled, second
}

// another is the context of a second try, on the compiler, if a problem that the
// interpreter had is worth one.
func another(ctx context.Context, p *Problem) (again context.Context, ok bool) {
	switch {
	case p == nil || ctx.Err() != nil:
		return nil, false
	case overflows(p):
		return withDepth(ctx), true
	default:
		return ctx, p.Code == CodeTimeout
	}
}

func overflows(p *Problem) bool {
	return slices.ContainsFunc(p.Detail, func(line string) bool { return strings.Contains(line, "stack overflow") })
}

// runOn returns what it has started even with a problem, for its logs.
func (s *static) runOn(ctx context.Context, e engine, versions []string) (*running, *Problem) {
	config := e().WithCoreFeatures(features).WithCloseOnContextDone(true).
		WithMemoryLimitPages(s.memoryLimit()).WithDebugInfoEnabled(false)
	ctx = withMemory(ctx)
	h := newHost(s.request, s.abi)
	h.versions = versions
	r := &running{host: h, runtime: wazero.NewRuntimeWithConfig(ctx, config)}
	module := s.request.Module
	if s.binary.foreign || s.binary.oddNames {
		module = ownMemory(module)
	}
	compiled, err := compile(ctx, r.runtime, module, 2*s.request.Limits.stepOrDefault())
	if errors.Is(err, context.DeadlineExceeded) {
		return r, &Problem{Step: StepParse, Code: CodeTimeout, Message: "the module takes too long to compile"}
	}
	if err != nil {
		return r, &Problem{Step: StepParse, Code: CodeMalformed, Message: "the module is malformed", Detail: trapDetail(err)}
	}
	if problem := s.link(ctx, r); problem != nil {
		return r, problem
	}
	if err := s.instantiate(ctx, r, compiled); err != nil {
		return r, asProblem(h, err)
	}
	return r, asProblem(h, h.begin(ctx))
}

// compile takes its time within a limit, which wazero looks at only where it
// compiles in goroutines of its own.
func compile(ctx context.Context, r wazero.Runtime, module []byte, limit time.Duration) (wazero.CompiledModule, error) {
	const goroutines = 2
	ctx, cancel := context.WithTimeout(experimental.WithCompilationWorkers(ctx, goroutines), limit)
	defer cancel()
	return r.CompileModule(ctx, module)
}

func asProblem(h *host, err error) *Problem {
	if err == nil {
		return nil
	}
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	return &Problem{Step: h.step, Code: h.trapCode(), Message: err.Error()}
}

// memoryLimit is in pages. A module that begins with more, as Envoy lets it, gets that.
func (s *static) memoryLimit() uint32 {
	limit := s.request.Limits.Memory
	if limit == 0 {
		limit = defaultMemoryPages
	}
	for _, m := range s.binary.info.Memories {
		limit = max(limit, m.Min)
	}
	return min(limit, maximumMemoryPages)
}

// link makes the host modules, of just what the module imports.
func (s *static) link(ctx context.Context, r *running) *Problem {
	modules := map[string]wazero.HostModuleBuilder{}
	for _, imported := range s.binary.info.Imports {
		f, ok := s.table.find(imported.Module, imported.Name)
		if !ok {
			continue // only versions that the check is no longer about lack it
		}
		b := modules[imported.Module]
		if b == nil {
			b = r.runtime.NewHostModuleBuilder(imported.Module)
			modules[imported.Module] = b
		}
		f.Module = imported.Module
		params, results := wasmTypes(f.Signature)
		b.NewFunctionBuilder().WithGoFunction(r.host.function(f, len(params), len(results)), params, results).Export(f.Name)
	}
	for name, b := range modules {
		if _, err := b.Instantiate(ctx); err != nil {
			return &Problem{Step: StepInstantiate, Code: CodeInstantiate, Message: "cannot link " + name, Detail: trapDetail(err)}
		}
	}
	return nil
}

func (h *host) function(f HostFunction, params, results int) api.GoFunc {
	called := new(uint64)
	h.called[f.Module+"."+f.Name] = called
	return func(_ context.Context, stack []uint64) {
		*called++
		result := h.enter(f, stack[:params])
		if results > 0 {
			stack[0] = result
		}
	}
}

func wasmTypes(signature string) (params, results []api.ValueType) {
	in, out, _ := strings.Cut(signature, ":")
	types := func(letters string) []api.ValueType {
		var list []api.ValueType
		for _, letter := range letters {
			if letter == 'I' {
				list = append(list, api.ValueTypeI64)
			} else {
				list = append(list, api.ValueTypeI32)
			}
		}
		return list
	}
	return types(in), types(out)
}

func (s *static) instantiate(ctx context.Context, r *running, compiled wazero.CompiledModule) error {
	h := r.host
	h.step = StepInstantiate
	ctx, cancel := context.WithTimeout(ctx, h.request.stepLimit())
	defer cancel()
	h.ctx = ctx
	module, err := r.runtime.InstantiateModule(ctx, compiled, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil {
		return h.trap(ctx, "instantiation", err)
	}
	h.module = module
	return nil
}

// begin does what Envoy does with a new instance and its first plugin.
func (h *host) begin(ctx context.Context) error {
	h.state.contexts[vmContext] = &contextState{id: vmContext}
	h.step = StepStart
	if err := h.entry(ctx); err != nil {
		return err
	}
	h.state.contexts[rootContext] = &contextState{id: rootContext}
	h.state.next = rootContext + 1
	h.step = StepVMStart
	if err := h.run(ctx, rootContext, "proxy_on_context_create", rootContext, 0); err != nil {
		return err
	}
	ok, ran, err := h.callback(ctx, rootContext, "proxy_on_vm_start", rootContext, uint64(len(*configBytes(h.request.VMConfig))))
	if err == nil {
		err = h.runAfter(ctx)
	}
	if err != nil {
		return err
	}
	if ran && ok == 0 {
		return h.refusal(CodeVMStartRefused, "proxy_on_vm_start returned false: the filter does not take its VM configuration")
	}
	return h.configure(ctx)
}

// entry runs what a toolchain wants to run first.
func (h *host) entry(ctx context.Context) error {
	if h.module.ExportedFunction(exportInitialize) == nil {
		return h.run(ctx, vmContext, exportStart)
	}
	if err := h.run(ctx, vmContext, exportInitialize); err != nil {
		return err
	}
	if h.module.ExportedFunction(exportMain) != nil {
		return h.run(ctx, vmContext, exportMain, 0, 0)
	}
	knowing := since(h.versions, mainVoidSince)
	if knowing == nil {
		return nil
	}
	err := h.run(ctx, vmContext, exportMainVoid)
	if p := asProblem(h, err); p != nil && p.Code != CodeRestrictedCallback {
		p.Versions = knowing
		return p
	}
	return err
}

func (h *host) configure(ctx context.Context) error {
	h.step = StepConfigure
	ok, ran, err := h.callback(ctx, rootContext, "proxy_on_configure", rootContext, uint64(len(*configBytes(h.request.PluginConfig))))
	if err == nil {
		err = h.runAfter(ctx)
	}
	if err != nil {
		return err
	}
	if ran && ok == 0 {
		return h.refusal(CodeConfigureRefused, "proxy_on_configure returned false: the filter does not take its configuration")
	}
	h.step = StepStream
	return nil
}

// refusal is a callback's false, with the last lines that the module logged about it.
func (h *host) refusal(code, message string) error {
	const lines = 5
	p := &Problem{Step: h.step, Code: code, Message: message}
	for _, l := range h.logs[max(0, len(h.logs)-lines):] {
		p.Detail = append(p.Detail, fmt.Sprintf("it logged: %s", l.Text))
	}
	return p
}
