package host

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
)

// instance is Envoy's side of one running module: the way from Envoy's callbacks into the module,
// and back from the module into the host functions. An instance belongs to one goroutine.
type instance struct {
	config    *Config
	abi       string
	at        *progress
	memory    *memory
	budget    *budget
	logs      *logs
	misses    *misses
	contexts  *contexts
	actions   *actions
	answers   *answers
	targets   *targets
	functions functions

	imports  []binding         // in the order of the module's imports
	ran      map[string]uint64 // number of runs of each callback
	calls    int               // host functions called in the current call into the module
	failed   bool              // a call has trapped, or was ended
	failedIn string            // the function of that call
	spent    time.Duration     // time in the module and the host functions that it calls
}

// binding is an import of the module.
type binding struct {
	function envoy.HostFunction
	call     handler
	called   uint64 // number of calls
}

func newInstance(config Config, abi string, versions []string, imports []envoy.HostFunction) *instance {
	i := &instance{
		config: &config, abi: abi, at: &progress{}, contexts: newContexts(), actions: &actions{}, answers: &answers{},
		targets: &targets{versions: versions}, logs: &logs{}, ran: map[string]uint64{},
	}
	i.memory, i.budget, i.misses = &memory{at: i.at}, &budget{at: i.at}, &misses{at: i.at}
	i.logs.config = i.config
	i.functions = functions{
		basics:     basics{memory: i.memory, logs: i.logs},
		headers:    headerMaps{memory: i.memory, budget: i.budget, logs: i.logs, misses: i.misses, contexts: i.contexts, answers: i.answers, abi: abi},
		buffers:    buffers{memory: i.memory, budget: i.budget, contexts: i.contexts, answers: i.answers, at: i.at, config: i.config},
		properties: properties{memory: i.memory, budget: i.budget, misses: i.misses, contexts: i.contexts, config: i.config},
		flow:       flow{memory: i.memory, budget: i.budget, logs: i.logs, contexts: i.contexts, actions: i.actions},
		calls:      calls{memory: i.memory, budget: i.budget, logs: i.logs, at: i.at, answers: i.answers},
		shared:     sharedData{memory: i.memory, budget: i.budget, values: map[string]sharedValue{}},
		queues:     queues{memory: i.memory, budget: i.budget, config: i.config},
		metrics:    metrics{memory: i.memory, budget: i.budget},
		foreign:    foreign{memory: i.memory, logs: i.logs},
		wasi:       wasi{memory: i.memory, logs: i.logs, at: i.at, config: i.config, targets: i.targets},
	}
	i.functions.queues.ready = func(token uint32) {
		i.actions.add(func(ctx context.Context) error { return i.queueReady(ctx, token) })
	}
	i.imports = make([]binding, len(imports))
	for n, f := range imports {
		i.imports[n] = binding{function: f, call: i.functions.bind(f.Name)}
	}
	return i
}

// instanceKey is the context key of the instance, in each call into a module.
type instanceKey struct{}

// with returns a context in which host functions belong to i.
func (i *instance) with(ctx context.Context) context.Context {
	return context.WithValue(ctx, instanceKey{}, i)
}

// instantiate makes the module's instance: memory, data and start section.
func (i *instance) instantiate(ctx context.Context, r wazero.Runtime, compiled wazero.CompiledModule) error {
	i.at.step = finding.StepInstantiate
	ctx, cancel := context.WithTimeout(i.with(ctx), i.config.stepLimit())
	defer cancel()
	i.at.ctx = ctx
	module, err := r.InstantiateModule(ctx, compiled, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil {
		return i.trap(ctx, "instantiation", err)
	}
	i.memory.module = module
	return nil
}

// close frees the instance, if there is any.
func (i *instance) close(ctx context.Context) error {
	if i.memory.module == nil {
		return nil
	}
	return i.memory.module.Close(context.WithoutCancel(ctx))
}

// exported returns an exported function of the module; nil: there is none.
func (i *instance) exported(name string) api.Function { return i.memory.module.ExportedFunction(name) }

// enter runs the module's import number n.
func (i *instance) enter(n int, a []uint64) uint64 {
	b := &i.imports[n]
	f := &b.function
	b.called++
	i.calls++
	if i.at.step == finding.StepInstantiate {
		i.at.stop(finding.CodeInstantiate, "the module's start section calls %s, which would crash Envoy: nothing may be called before the instance is complete", f.Name)
	}
	if limit := i.config.HostCalls; i.calls > limit {
		i.at.stop(finding.CodeHostCalls, "the module has called more than %d host functions in one go, the last of them %s", limit, f.Name)
	}
	if err := i.at.ctx.Err(); err != nil {
		panic(err)
	}
	if i.at.step == finding.StepStart && !i.targets.restrict(*f) {
		i.at.stop(finding.CodeRestrictedCallback, "the module calls %s while it starts", f.Module+"."+f.Name)
	}
	if !envoy.Allows(i.config.Capabilities, f.Name) && envoy.NeedsCapability(f.Module, f.Name) {
		if f.Module == envoy.ModuleEnv {
			i.logs.add(LogError, "Attempted call to restricted proxy-wasm capability: "+f.Name)
			return resultInternal
		}
		i.logs.add(LogError, "Attempted call to restricted WASI capability: "+f.Name)
		return wasiNotCapable
	}
	return b.call(a)
}

// callback runs an exported function for a context. ran is false without such an export.
// [instance.actions] then has the module's requests.
func (i *instance) callback(ctx context.Context, id uint32, name string, args ...uint64) (result uint64, ran bool, err error) {
	if !envoy.Allows(i.config.Capabilities, name) && envoy.NeedsCapability(envoy.ModuleEnv, name) {
		return 0, false, nil
	}
	f := i.exported(name)
	if f == nil {
		return 0, false, nil
	}
	ctx, cancel := context.WithTimeout(i.with(ctx), i.config.stepLimit())
	defer cancel()
	i.ran[name]++
	outer, calls, position := i.at.ctx, i.calls, i.contexts.enter(id)
	i.at.ctx, i.calls = ctx, 0
	i.logs.beginCallback()
	begun := time.Now()
	results, err := f.Call(ctx, args...)
	i.spent += time.Since(begun)
	i.at.ctx, i.calls = outer, calls
	i.contexts.leave(position)
	if err != nil {
		return 0, true, i.trap(ctx, name, err)
	}
	if len(results) > 0 {
		result = results[0]
	}
	return uint64(uint32(result)), true, nil
}

// run is [instance.callback] for a callback without a result, followed by the actions after it.
func (i *instance) run(ctx context.Context, id uint32, name string, args ...uint64) error {
	if _, _, err := i.callback(ctx, id, name, args...); err != nil {
		return err
	}
	return i.actions.run(ctx)
}

// queueReady tells the plugin that a queue has a message, or had one.
func (i *instance) queueReady(ctx context.Context, token uint32) error {
	return i.run(ctx, rootContext, "proxy_on_queue_ready", rootContext, uint64(token))
}

// endContext runs the last callbacks of a context, and deletes the context.
func (i *instance) endContext(ctx context.Context, id uint32, callbacks ...string) error {
	defer i.contexts.remove(id)
	for _, name := range callbacks {
		if err := i.run(ctx, id, name, uint64(id)); err != nil {
			return err
		}
	}
	return nil
}

// trap words the end of a failed call into the module.
func (i *instance) trap(ctx context.Context, name string, err error) error {
	i.failed, i.failedIn = true, name
	var own *stop
	switch {
	case errors.As(err, &own):
		p := own.problem
		return &p
	case ctx.Err() != nil:
		return &finding.Problem{
			Step: i.at.step, Code: finding.CodeTimeout,
			Message: fmt.Sprintf("%s has not returned within %s: Envoy's thread would hang with it", name, i.config.Step),
		}
	default:
		return &finding.Problem{
			Step: i.at.step, Code: i.at.trapCode(), Message: name + " trapped",
			Detail: append(i.logs.detail(), finding.ErrorDetail(err)...),
		}
	}
}
