package preflight

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/wasmbin"
)

// vmContext is the context while a module starts, and rootContext is the context of its plugin.
const (
	vmContext   = 0
	rootContext = 1
)

// features are the Wasm features of Envoy's V8, as far as wazero has them.
const features = api.CoreFeaturesV2 | experimental.CoreFeaturesThreads | experimental.CoreFeaturesTailCall |
	experimental.CoreFeaturesExtendedConst | experimental.CoreFeaturesExceptionHandling |
	experimental.CoreFeaturesTypedFunctionReferences

// Engine is a part of wazero that runs modules: the interpreter starts much sooner, and the
// compiler runs faster.
type Engine string

// The Engines. The zero value means the interpreter, and then the compiler for a module that is too
// slow or needs too much stack for the interpreter.
const (
	Interpreter Engine = "interpreter"
	Compiler    Engine = "compiler"
)

func (e Engine) config() wazero.RuntimeConfig {
	if e == Compiler {
		return wazero.NewRuntimeConfigCompiler()
	}
	return wazero.NewRuntimeConfigInterpreter()
}

// running is an instance of a module.
type running struct {
	host     *host
	modules  *Modules
	prepared *prepared // nil: the module could not be decoded
	logs     []Log     // of the start, after the first traffic
}

func (r *running) close(ctx context.Context) (err error) {
	if r.prepared == nil {
		return nil
	}
	if r.host.module != nil {
		err = r.host.module.Close(context.WithoutCancel(ctx))
	}
	r.modules.release(r.prepared, r.host.failed || r.host.module == nil)
	r.prepared = nil
	return err
}

// start compiles, instantiates, starts and configures a module. Most of a check is decoding, and
// the interpreter needs a tenth of the compiler's time for it. So the compiler runs only modules
// that were too slow, or needed too much stack, for the interpreter: V8 may well run these. Each
// engine has half of a step's time.
func (s *inspected) run(ctx context.Context, versions []string) (*running, *finding.Problem) {
	if e := s.request.Engine; e != "" {
		return s.runOn(ctx, e, versions)
	}
	r, problem := s.runOn(ctx, Interpreter, versions)
	again, ok := another(ctx, problem)
	if !ok {
		return r, problem
	}
	_ = r.close(ctx) // the instance is unused
	compiled, second := s.runOn(again, Compiler, versions)
	if second != nil && second.Step == finding.StepParse {
		return compiled, problem // the first run gave no result
	}
	return compiled, second
}

// another returns the context for a second try on the compiler, if the interpreter's problem may be
// the interpreter's own.
func another(ctx context.Context, p *finding.Problem) (again context.Context, ok bool) {
	switch {
	case p == nil || ctx.Err() != nil:
		return nil, false
	case overflows(p):
		return withDepth(ctx), true
	default:
		return ctx, p.Code == finding.CodeTimeout
	}
}

func overflows(p *finding.Problem) bool {
	return slices.ContainsFunc(p.Detail, func(line string) bool { return strings.Contains(line, "stack overflow") })
}

// runOn returns the instance even with a problem, for its logs.
func (s *inspected) runOn(ctx context.Context, e Engine, versions []string) (*running, *finding.Problem) {
	ctx = withMemory(ctx)
	modules := s.request.Modules
	if modules == nil || countsDepth(ctx) {
		modules = NewModules(0)
	}
	r := &running{host: newHost(s.request, s.abi), modules: modules}
	r.host.versions = versions
	var problem *finding.Problem
	if r.prepared, problem = s.prepare(ctx, modules, e); problem != nil {
		return r, problem
	}
	if h := modules.takeSpare(r.prepared, s.request, versions); h != nil {
		r.host = h
	} else if err := s.start(ctx, r); err != nil {
		return r, asProblem(r.host, err)
	}
	if err := r.host.begin(ctx); err != nil || !s.smokes {
		return r, asProblem(r.host, err)
	}
	r.logs = r.host.takeLogs()
	problem = s.smoke(ctx, r)
	if problem == nil {
		r.host.takeLogs() // drops lines that are not of the start
	}
	return r, problem
}

// start makes an instance, and prepares a started instance for the next run.
func (s *inspected) start(ctx context.Context, r *running) error {
	versions := r.host.versions // the start may rule some out
	if err := s.instantiate(ctx, r.prepared, r.host); err != nil {
		return err
	}
	err := r.host.start(ctx)
	if err == nil && r.host.startedAlone() {
		r.modules.want(s.spare(r.prepared, versions))
	}
	return err
}

// prepare decodes and links the module, unless it is kept.
func (s *inspected) prepare(ctx context.Context, modules *Modules, e Engine) (*prepared, *finding.Problem) {
	key := moduleKey{s.sum(), string(e), s.memoryLimit()}
	if p := modules.take(key); p != nil {
		return p, nil
	}
	config := e.config().WithCoreFeatures(features).WithCloseOnContextDone(true).
		WithMemoryLimitPages(key.memory).WithDebugInfoEnabled(false)
	module := s.request.Module
	if s.module.Foreign || s.module.OddNames {
		module = wasmbin.OwnMemory(module)
	}
	p := &prepared{
		key: key, size: len(module), runtime: wazero.NewRuntimeWithConfig(ctx, config),
		code: knownCode{bytes: s.request.Module, parsed: s.module},
	}
	var err error
	p.compiled, err = compile(ctx, p.runtime, module, 2*s.request.Limits.stepOrDefault())
	var problem *finding.Problem
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		problem = &finding.Problem{Step: finding.StepParse, Code: finding.CodeTimeout, Message: "the module takes too long to compile"}
	case err != nil:
		problem = &finding.Problem{Step: finding.StepParse, Code: finding.CodeMalformed, Message: "the module is malformed", Detail: finding.ErrorDetail(err)}
	default:
		problem = s.link(ctx, p.runtime)
	}
	if problem != nil {
		closeAll([]*prepared{p})
		return nil, problem
	}
	modules.keep(p)
	return p, nil
}

// compile compiles within a time limit. wazero checks the limit only if it compiles in goroutines
// of its own.
func compile(ctx context.Context, r wazero.Runtime, module []byte, limit time.Duration) (wazero.CompiledModule, error) {
	const goroutines = 2
	ctx, cancel := context.WithTimeout(experimental.WithCompilationWorkers(ctx, goroutines), limit)
	defer cancel()
	return r.CompileModule(ctx, module)
}

func asProblem(h *host, err error) *finding.Problem {
	if err == nil {
		return nil
	}
	var p *finding.Problem
	if errors.As(err, &p) {
		return p
	}
	return &finding.Problem{Step: h.step, Code: h.trapCode(), Message: err.Error()}
}

// memoryLimit returns the limit in pages. A module with a larger initial memory gets that size, as
// in Envoy.
func (s *inspected) memoryLimit() uint32 {
	limit := s.request.Limits.Memory
	if limit == 0 {
		limit = defaultMemoryPages
	}
	for _, m := range s.module.Memories {
		limit = max(limit, m.Min)
	}
	return min(limit, envoy.MaximumMemoryPages)
}

// linked returns the host functions that the module imports.
func (s *inspected) linked() []envoy.HostFunction {
	var all []envoy.HostFunction
	for _, imported := range s.module.Imports {
		f, ok := envoy.FindFunction(imported.Module, imported.Name)
		if !ok {
			continue // only versions that the check has already excluded lack it
		}
		f.Module = imported.Module
		all = append(all, f)
	}
	return all
}

// link creates the host modules, with only the functions that the module imports.
func (s *inspected) link(ctx context.Context, r wazero.Runtime) *finding.Problem {
	modules := map[string]wazero.HostModuleBuilder{}
	calls := handlers()
	for i, f := range s.linked() {
		b := modules[f.Module]
		if b == nil {
			b = r.NewHostModuleBuilder(f.Module)
			modules[f.Module] = b
		}
		params, results := wasmTypes(f.Signature)
		b.NewFunctionBuilder().WithGoFunction(dispatch(f, calls[f.Name], i, params, len(results)), params, results).Export(f.Name)
	}
	for name, b := range modules {
		if _, err := b.Instantiate(ctx); err != nil {
			return &finding.Problem{Step: finding.StepInstantiate, Code: finding.CodeInstantiate, Message: "cannot link " + name, Detail: finding.ErrorDetail(err)}
		}
	}
	return nil
}

// hostKey is the context key of the host, in each call into a module.
type hostKey struct{}

// withHost returns a context in which host functions belong to h.
func withHost(ctx context.Context, h *host) context.Context {
	return context.WithValue(ctx, hostKey{}, h)
}

// count creates the counters of the host functions that the module imports.
func (h *host) count(imported []envoy.HostFunction) {
	for _, f := range imported {
		called := new(uint64)
		h.called[f.Module+"."+f.Name] = called
		h.counters = append(h.counters, called)
	}
}

// dispatch calls host function number i of a module's imports, for the host in the context. It
// clears the upper half of each i32 argument: wazero's compiled code writes only the lower half,
// and leaves earlier stack content in the upper half.
func dispatch(f envoy.HostFunction, call handler, i int, params []api.ValueType, results int) api.GoFunc {
	return func(ctx context.Context, stack []uint64) {
		h, _ := ctx.Value(hostKey{}).(*host) // the context always has a host
		*h.counters[i]++
		args := stack[:len(params)]
		for n, t := range params {
			if t == api.ValueTypeI32 {
				args[n] = uint64(uint32(args[n]))
			}
		}
		result := h.enter(f, call, args)
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

func (s *inspected) instantiate(ctx context.Context, p *prepared, h *host) error {
	h.count(s.linked())
	h.step = finding.StepInstantiate
	ctx, cancel := context.WithTimeout(withHost(ctx, h), h.request.stepLimit())
	defer cancel()
	h.ctx = ctx
	module, err := p.runtime.InstantiateModule(ctx, p.compiled, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil {
		return h.trap(ctx, "instantiation", err)
	}
	h.module = module
	return nil
}

// start runs the steps of Envoy for a new instance.
func (h *host) start(ctx context.Context) error {
	h.state.contexts[vmContext] = &contextState{id: vmContext}
	h.step = finding.StepStart
	return h.entry(ctx)
}

// begin runs the steps of Envoy for the first plugin of a VM.
func (h *host) begin(ctx context.Context) error {
	h.state.contexts[rootContext] = &contextState{id: rootContext}
	h.state.next = rootContext + 1
	h.step = finding.StepVMStart
	if err := h.run(ctx, rootContext, envoy.CallbackContextCreate, rootContext, 0); err != nil {
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
		return h.refusal(finding.CodeVMStartRefused, "proxy_on_vm_start returned false: the filter does not take its VM configuration")
	}
	return h.configure(ctx)
}

// entry runs the entry function of the module's toolchain.
func (h *host) entry(ctx context.Context) error {
	if h.module.ExportedFunction(envoy.ExportInitialize) == nil {
		return h.run(ctx, vmContext, envoy.ExportStart)
	}
	if err := h.run(ctx, vmContext, envoy.ExportInitialize); err != nil {
		return err
	}
	if h.module.ExportedFunction(envoy.ExportMain) != nil {
		return h.run(ctx, vmContext, envoy.ExportMain, 0, 0)
	}
	knowing := envoy.Since(h.versions, envoy.MainVoidSince)
	if knowing == nil {
		return nil
	}
	err := h.run(ctx, vmContext, envoy.ExportMainVoid)
	if p := asProblem(h, err); p != nil && p.Code != finding.CodeRestrictedCallback {
		p.Versions = knowing
		return p
	}
	return err
}

func (h *host) configure(ctx context.Context) error {
	h.step = finding.StepConfigure
	ok, ran, err := h.callback(ctx, rootContext, "proxy_on_configure", rootContext, uint64(len(*configBytes(h.request.PluginConfig))))
	if err == nil {
		err = h.runAfter(ctx)
	}
	if err != nil {
		return err
	}
	if ran && ok == 0 {
		return h.refusal(finding.CodeConfigureRefused, "proxy_on_configure returned false: the filter does not take its configuration")
	}
	h.step = finding.StepStream
	return nil
}

// refusal is the problem of a callback that returned false, with the module's last log lines about
// it.
func (h *host) refusal(code, message string) error {
	return &finding.Problem{Step: h.step, Code: code, Message: message, Detail: h.loggedDetail()}
}
