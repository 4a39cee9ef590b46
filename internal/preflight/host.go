package preflight

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tetratelabs/wazero/api"

	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
)

// Results of Proxy-Wasm host functions.
const (
	resultOK = iota
	resultNotFound
	resultBadArgument
	resultSerializationFailure
	resultParseFailure
	resultBadExpression
	resultInvalidMemory
	resultEmpty
	resultCASMismatch
	resultMismatch
	resultInternal
	resultBroken
	resultUnimplemented
)

// host is Envoy's side of one running module. It belongs to one goroutine.
type host struct {
	request Request
	abi     string
	step    finding.Step
	module  api.Module // nil until it is instantiated

	// ctx is the context of the current call into the module.
	ctx   context.Context
	calls int // host functions called in this call
	// called counts the calls of each function that the module imports, by "module.name".
	called   map[string]*uint64
	counters []*uint64     // the same, in the order of the imports
	failed   bool          // a call has trapped, or was ended
	failedIn string        // the function of that call
	spent    time.Duration // time in the module and the host functions that it calls

	// versions are the versions that the module runs for. If some of them forbid a call during the
	// start, the run goes on for the others.
	versions   []string
	restricted []restriction

	logs    []Log
	lost    int // lines that were dropped
	kept    int // bytes that the host keeps for the module during a stream
	stored  int // bytes that the host keeps for longer
	state   vmState
	current uint32 // the context of the current callback
	chosen  uint32 // by set_effective_context; 0: none
	after   []func(context.Context) error

	readRootID, readConfig bool

	missing []string // the headers and properties that the module asked for in vain in this stream
	recent  []string // the latest log lines of the current callback
	exited  bool     // proc_exit was called
}

// vmState is the state that a module has built up in its VM.
type vmState struct {
	contexts map[uint32]*contextState
	next     uint32 // context id
	shared   map[string]sharedValue
	cas      uint32
	queues   []*queue
	metrics  []*metric
	outgoing []*Call
	callID   uint32
	answer   *Answer // of the call with the current callback
	status   uint32
	tick     time.Duration
}

// contextState is the state of a root context or of a stream's context.
type contextState struct {
	id         uint32
	stream     *Stream
	connection *Connection
	properties map[string]string // set by the caller or the module
}

func newHost(r Request, abi string) *host {
	return &host{request: r, abi: abi, called: map[string]*uint64{}, state: vmState{
		contexts: map[uint32]*contextState{}, next: 1, shared: map[string]sharedValue{},
	}}
}

// stop ends a module from within a host function.
type stop struct{ problem finding.Problem }

func (s *stop) Error() string { return s.problem.Message }

func (h *host) stop(code, format string, args ...any) {
	panic(&stop{finding.Problem{Step: h.step, Code: code, Message: fmt.Sprintf(format, args...)}})
}

// allows reports whether the capabilities let a module call or export a function.
func (r Request) allows(name string) bool { return envoy.Allows(r.Capabilities, name) }

// enter runs at the beginning of every host function.
func (h *host) enter(f envoy.HostFunction, call handler, a []uint64) uint64 {
	h.calls++
	if h.step == finding.StepInstantiate {
		h.stop(finding.CodeInstantiate, "the module's start section calls %s, which would crash Envoy: nothing may be called before the instance is complete", f.Name)
	}
	if limit := h.request.hostCalls(); h.calls > limit {
		h.stop(finding.CodeHostCalls, "the module has called more than %d host functions in one go, the last of them %s", limit, f.Name)
	}
	if err := h.ctx.Err(); err != nil {
		panic(err)
	}
	if h.step == finding.StepStart {
		h.restrict(f)
	}
	if !h.request.allows(f.Name) && (f.Module != envoy.ModuleEnv || strings.HasPrefix(f.Name, "proxy_")) {
		if f.Module == envoy.ModuleEnv {
			h.log(LogError, "Attempted call to restricted proxy-wasm capability: "+f.Name)
			return resultInternal
		}
		h.log(LogError, "Attempted call to restricted WASI capability: "+f.Name)
		return wasiNotCapable
	}
	return call(h, a)
}

// restriction is a call during the start that some versions forbid.
type restriction struct {
	function string
	versions []string
}

// restrict removes the versions that forbid a call now, and ends the module if none is left.
func (h *host) restrict(f envoy.HostFunction) {
	lacking := slices.DeleteFunc(slices.Clone(h.versions), f.MayStart)
	if len(lacking) == 0 {
		return
	}
	name := f.Module + "." + f.Name
	h.restricted = append(h.restricted, restriction{name, lacking})
	h.versions = slices.DeleteFunc(slices.Clone(h.versions), func(v string) bool { return !f.MayStart(v) })
	if len(h.versions) == 0 {
		h.stop(finding.CodeRestrictedCallback, "the module calls %s while it starts", name)
	}
}

// keep counts bytes that the host keeps for a module during a stream. A limit bounds them together
// with the bytes of [host.store].
func (h *host) keep(n int) {
	h.kept += n
	h.bound()
}

// store counts bytes that outlive streams: shared data, queues, metrics. A negative n frees bytes.
func (h *host) store(n int) {
	h.stored += n
	h.bound()
}

func (h *host) bound() {
	if h.kept+h.stored > maximumKeptByHost {
		h.stop(finding.CodeMemoryLimit, "the module has stored more than %d MiB with the host", maximumKeptByHost>>20)
	}
}

// log keeps a line, up to the limit of lines.
func (h *host) log(level LogLevel, text string) {
	h.remember(text)
	limit := h.request.Limits.Logs
	if limit == 0 {
		limit = defaultKeptLogs
	}
	if len(h.logs) >= limit {
		h.lost++
		return
	}
	if len(text) > maximumLogLine {
		text = text[:maximumLogLine] + "…"
	}
	h.logs = append(h.logs, Log{Level: level, Text: strings.ToValidUTF8(text, "\uFFFD")})
}

// takeLogs returns the lines so far, with a note on dropped lines.
func (h *host) takeLogs() []Log {
	logs := h.logs
	if h.lost > 0 {
		logs = append(logs, Log{Level: LogWarn, Text: fmt.Sprintf("%d further lines are not kept", h.lost)})
	}
	h.logs, h.lost = nil, 0
	return logs
}

// context returns the context that host functions act on.
func (h *host) context() *contextState {
	if c := h.state.contexts[h.chosen]; c != nil && h.chosen != vmContext {
		return c
	}
	return h.state.contexts[h.current]
}

// bytes returns a view of the module's memory, valid until the module runs again.
func (h *host) bytes(address, size uint64) ([]byte, bool) {
	memory := h.module.Memory()
	if memory == nil {
		return nil, false
	}
	return memory.Read(uint32(address), uint32(size))
}

func (h *host) text(address, size uint64) (string, bool) {
	b, ok := h.bytes(address, size)
	if ok && len(b) > maximumKeptByHost {
		h.stop(finding.CodeMemoryLimit, "the module hands %d MiB over in one go", len(b)>>20)
	}
	return string(b), ok
}

func (h *host) putU32(address uint64, value uint32) bool {
	memory := h.module.Memory()
	return memory != nil && memory.WriteUint32Le(uint32(address), value)
}

func (h *host) putU64(address, value uint64) bool {
	memory := h.module.Memory()
	return memory != nil && memory.WriteUint64Le(uint32(address), value)
}

// allocate gets memory from the module's own allocator.
func (h *host) allocate(size int) (uint32, bool) {
	f := h.module.ExportedFunction(envoy.ExportMalloc)
	if f == nil {
		f = h.module.ExportedFunction(envoy.ExportAllocate)
	}
	if f == nil {
		return 0, false
	}
	result, err := f.Call(h.ctx, uint64(size))
	if err != nil {
		panic(err)
	}
	return uint32(result[0]), uint32(result[0]) != 0
}

// give copies a value into memory that the module allocates, and returns the address to the module.
func (h *host) give(value []byte, addressAt, sizeAt uint64) uint64 {
	var address uint32
	if len(value) > 0 {
		var ok bool
		if address, ok = h.allocate(len(value)); !ok || !h.module.Memory().Write(address, value) {
			return resultInvalidMemory
		}
	}
	if !h.putU32(addressAt, address) || !h.putU32(sizeAt, uint32(len(value))) {
		return resultInvalidMemory
	}
	return resultOK
}

// callback runs an exported function for a context, and then the actions that the module has asked
// for meanwhile. ran is false without such an export.
func (h *host) callback(ctx context.Context, id uint32, name string, args ...uint64) (result uint64, ran bool, err error) {
	if !h.request.allows(name) && strings.HasPrefix(name, "proxy_") {
		return 0, false, nil
	}
	f := h.module.ExportedFunction(name)
	if f == nil {
		return 0, false, nil
	}
	limit := h.request.stepLimit()
	ctx, cancel := context.WithTimeout(withHost(ctx, h), limit)
	defer cancel()
	outer, current, chosen, calls := h.ctx, h.current, h.chosen, h.calls
	h.ctx, h.current, h.chosen, h.calls, h.recent = ctx, id, 0, 0, nil
	begun := time.Now()
	results, err := f.Call(ctx, args...)
	h.spent += time.Since(begun)
	h.ctx, h.current, h.chosen, h.calls = outer, current, chosen, calls
	if err != nil {
		return 0, true, h.trap(ctx, name, err)
	}
	if len(results) > 0 {
		result = results[0]
	}
	return uint64(uint32(result)), true, nil
}

// runAfter runs the actions that a module has asked for during a callback, after the callback, as
// Envoy does.
func (h *host) runAfter(ctx context.Context) error {
	for len(h.after) > 0 {
		next := h.after[0]
		h.after = h.after[1:]
		if err := next(ctx); err != nil {
			return err
		}
	}
	return nil
}

// trap words the end of a failed call into the module.
func (h *host) trap(ctx context.Context, name string, err error) error {
	h.failed, h.failedIn = true, name
	var own *stop
	switch {
	case errors.As(err, &own):
		p := own.problem
		return &p
	case ctx.Err() != nil:
		return &finding.Problem{
			Step: h.step, Code: finding.CodeTimeout,
			Message: fmt.Sprintf("%s has not returned within %s: Envoy's thread would hang with it", name, h.request.Limits.stepOrDefault()),
		}
	default:
		return &finding.Problem{Step: h.step, Code: h.trapCode(), Message: name + " trapped", Detail: append(h.loggedDetail(), finding.ErrorDetail(err)...)}
	}
}

func (h *host) trapCode() string {
	if h.exited {
		return finding.CodeProcExit
	}
	codes := map[finding.Step]string{finding.StepInstantiate: finding.CodeInstantiate, finding.StepStart: finding.CodeStart, finding.StepVMStart: finding.CodeVMStart, finding.StepConfigure: finding.CodeConfigure}
	if code, ok := codes[h.step]; ok {
		return code
	}
	return finding.CodeTrap
}

func (l Limits) stepOrDefault() time.Duration {
	if l.Step == 0 {
		return 5 * time.Second
	}
	return l.Step
}

// stepLimit returns half of the limit: the other half belongs to the compiler, see [run].
func (r Request) stepLimit() time.Duration { return r.Limits.stepOrDefault() / 2 }

func (r Request) hostCalls() int {
	if r.Limits.HostCalls == 0 {
		return defaultHostCalls
	}
	return r.Limits.HostCalls
}

func le32(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }
