package host

import (
	"context"
	"time"

	"github.com/tetratelabs/wazero"

	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
)

// VM is a running module in the sandbox. [VM.Instantiate], [VM.Start] and [VM.Configure] follow
// each other, as in Envoy; then come streams, connections and ticks. The VM and its streams belong
// to one goroutine.
type VM struct{ i *instance }

// New returns a VM for a module of an ABI, without an instance. versions are the versions of Envoy
// for which the module runs, and imports are [Imports] of the module.
func New(config Config, abi string, versions []string, imports []envoy.HostFunction) *VM {
	return &VM{newInstance(config, abi, versions, imports)}
}

// Instantiate makes the instance. The error of this and of the following methods is a
// [*finding.Problem] if the module is the cause.
func (vm *VM) Instantiate(ctx context.Context, r wazero.Runtime, compiled wazero.CompiledModule) error {
	return vm.i.instantiate(ctx, r, compiled)
}

// Start runs the entry function of the module's toolchain.
func (vm *VM) Start(ctx context.Context) error { return start(ctx, vm.i) }

// Configure starts the plugin with the configuration.
func (vm *VM) Configure(ctx context.Context) error { return begin(ctx, vm.i) }

// SetConfig replaces the configuration before [VM.Configure].
func (vm *VM) SetConfig(c Config) { *vm.i.config = c }

// Close frees the instance, if there is any.
func (vm *VM) Close(ctx context.Context) error { return vm.i.close(ctx) }

// Alive reports whether there is an instance, not closed yet.
func (vm *VM) Alive() bool { return vm.i.memory.module != nil && !vm.i.memory.module.IsClosed() }

// NewStream begins an HTTP stream.
func (vm *VM) NewStream(ctx context.Context, o StreamOptions) (*Stream, error) {
	return newStream(ctx, vm.i, o)
}

// NewConnection begins a connection.
func (vm *VM) NewConnection(ctx context.Context, o StreamOptions) (*Connection, error) {
	return newConnection(ctx, vm.i, o)
}

// TryContext creates and deletes a stream's context, without any traffic.
func (vm *VM) TryContext(ctx context.Context) error {
	id, err := newContext(ctx, vm.i, StreamOptions{}, &contextState{exchange: &exchange{driver: noTraffic{}}})
	if err != nil {
		return err
	}
	return vm.i.endContext(ctx, id, "proxy_on_done", "proxy_on_delete")
}

// Tick runs proxy_on_tick of the root context.
func (vm *VM) Tick(ctx context.Context) error {
	return vm.i.run(ctx, rootContext, "proxy_on_tick", rootContext)
}

// AddQueue adds a shared queue that another plugin of the same vm_id has registered.
func (vm *VM) AddQueue(name string) { vm.i.functions.queues.foreign(name) }

// Enqueue puts a message into a shared queue, as another plugin would, and tells the module. ok is
// false if the module has not registered the queue.
func (vm *VM) Enqueue(ctx context.Context, name string, message []byte) (ok bool, err error) {
	token, ok := vm.i.functions.queues.deliver(name, message)
	if !ok {
		return false, nil
	}
	return true, vm.i.queueReady(ctx, token)
}

// QueuesReady runs proxy_on_queue_ready for each queue that the module has registered. A queue may
// be empty then, as in Envoy after an earlier call has taken all messages.
func (vm *VM) QueuesReady(ctx context.Context) error {
	for _, token := range vm.i.functions.queues.tokens() {
		if err := vm.i.queueReady(ctx, token); err != nil {
			return err
		}
	}
	return nil
}

// Enqueued returns the messages that the module has put into a queue since the last
// [VM.ForgetEnqueued].
func (vm *VM) Enqueued(name string) [][]byte { return vm.i.functions.queues.taken(name) }

// ForgetEnqueued drops the messages of [VM.Enqueued].
func (vm *VM) ForgetEnqueued() { vm.i.functions.queues.forget() }

// Calls returns the HTTP and gRPC calls so far, answered or not.
func (vm *VM) Calls() []*Call { return vm.i.functions.calls.all() }

// ForgetAnswered drops the finished calls.
func (vm *VM) ForgetAnswered() { vm.i.functions.calls.forgetAnswered() }

// Answer gives a call an answer. A stream waiting for the answer goes on.
func (vm *VM) Answer(ctx context.Context, c *Call, a Answer) error {
	c.Answered = true
	if a.Failed {
		a.Message = Message{}
	}
	vm.i.answers.begin(&a)
	defer vm.i.answers.end()
	size := 0
	for _, chunk := range a.Message.Body {
		size += len(chunk)
	}
	id := uint64(c.ID)
	if !c.GRPC {
		return vm.i.run(ctx, rootContext, "proxy_on_http_call_response",
			rootContext, id, uint64(len(a.Message.Headers)), uint64(size), uint64(len(a.Message.Trailers)))
	}
	if !a.Failed {
		if err := vm.i.run(ctx, rootContext, "proxy_on_grpc_receive", rootContext, id, uint64(size)); err != nil {
			return err
		}
	}
	return vm.i.run(ctx, rootContext, "proxy_on_grpc_close", rootContext, id, uint64(a.Status))
}

// Logs returns the log lines since the last call.
func (vm *VM) Logs() []Log { return vm.i.logs.take() }

// Metrics returns the module's metrics by name.
func (vm *VM) Metrics() []Metric { return vm.i.functions.metrics.list() }

// SetShared sets shared data, as another filter would.
func (vm *VM) SetShared(key string, value []byte) { vm.i.functions.shared.put(key, value) }

// Shared returns shared data.
func (vm *VM) Shared(key string) (value []byte, ok bool) {
	v, ok := vm.i.functions.shared.values[key]
	return v.value, ok
}

// OverlayShared sets shared data; restore brings the earlier data back.
func (vm *VM) OverlayShared(values map[string]string) (restore func()) {
	return vm.i.functions.shared.overlay(values)
}

// MemorySize returns the size of the linear memory in bytes.
func (vm *VM) MemorySize() uint32 { return vm.i.memory.size() }

// Versions returns the versions for which the module still runs.
func (vm *VM) Versions() []string { return vm.i.targets.versions }

// Restrictions returns the calls during the start, each forbidden in some versions.
func (vm *VM) Restrictions() []Restriction { return vm.i.targets.restricted }

// Problem returns an error of the VM as a problem in the current step; nil for nil.
func (vm *VM) Problem(err error) *finding.Problem { return vm.i.at.problem(err) }

// Failed returns the function of a trapped or ended call; ok is false without any.
func (vm *VM) Failed() (function string, ok bool) { return vm.i.failedIn, vm.i.failed }

// Missed names the headers and properties that the module asked for in vain in the current stream,
// for the end of a message; "": none.
func (vm *VM) Missed() string { return vm.i.misses.words() }

// AskedForRootID reports whether the module has read the root id.
func (vm *VM) AskedForRootID() bool { return vm.i.functions.properties.readRootID }

// ReadConfig reports whether the module has read the plugin's configuration.
func (vm *VM) ReadConfig() bool { return vm.i.functions.buffers.readConfig }

// Spent returns the time in the module and in host functions.
func (vm *VM) Spent() time.Duration { return vm.i.spent }

// HostCalls returns the number of calls of host functions.
func (vm *VM) HostCalls() uint64 {
	total := uint64(0)
	for n := range vm.i.imports {
		total += vm.i.imports[n].called
	}
	return total
}

// Called returns the number of calls of each called host function, by module.name.
func (vm *VM) Called() map[string]uint64 {
	called := map[string]uint64{}
	for n := range vm.i.imports {
		if b := &vm.i.imports[n]; b.called > 0 {
			called[b.function.Module+"."+b.function.Name] += b.called
		}
	}
	return called
}

// Ran returns the number of runs of each callback that has run. The map belongs to the VM.
func (vm *VM) Ran() map[string]uint64 { return vm.i.ran }
