package preflight

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/wasmbin"
)

// A C++ filter registers its contexts under root ids. Under any other root id it does nothing:
// Envoy lets every request pass, even with failure policy closed. No line is logged, and no
// callback returns false. Only the set of functions that run differs: a root id that the module
// knows runs functions that a made-up root id does not. The candidates are texts in the module's
// data.
const (
	maximumRootIDs   = 400 // to try
	maximumRootID    = 64  // bytes
	strangeRootIDs   = 3   // of each length
	rootIDTime       = 2 * time.Second
	propertyOfRootID = "plugin_root_id"
)

// RootIDs returns the root ids under which a module does something, among the texts in its data. It
// runs the module for about two seconds at most. For a module that does not ask for its root id,
// the list is empty.
func RootIDs(ctx context.Context, module []byte) []string {
	s := newInspected(Request{Module: module})
	if !asksForRootID(module) || !s.inspect() {
		return []string{}
	}
	return s.rootIDs(ctx, s.found.Loading())
}

// asksForRootID reports whether the module contains the property's name, in the encoding of C++ or
// of AssemblyScript.
func asksForRootID(module []byte) bool {
	wide := make([]byte, 0, 2*len(propertyOfRootID))
	for _, c := range []byte(propertyOfRootID) {
		wide = append(wide, c, 0)
	}
	return bytes.Contains(module, []byte(propertyOfRootID)) || bytes.Contains(module, wide)
}

// rootIDs tries the texts of the module.
func (s *inspected) rootIDs(ctx context.Context, versions []string) []string {
	known := []string{}
	t, err := s.newRootTrial(ctx, versions)
	if err != nil {
		return known
	}
	defer t.close()
	for _, id := range t.candidates() {
		if t.ctx.Err() != nil {
			break
		}
		if t.knows(id) {
			known = append(known, id)
		}
	}
	return known
}

// rootProblem returns the problem of an idle filter, if its root id is the reason.
func (s *inspected) rootProblem(ctx context.Context, h *host) *finding.Problem {
	if !h.readRootID || h.readConfig || !h.idle() || !asksForRootID(s.request.Module) {
		return nil
	}
	known := s.rootIDs(ctx, h.versions)
	if len(known) == 0 || slices.Contains(known, s.request.RootID) {
		return nil
	}
	return rootProblem(s.request.RootID, known)
}

// idle reports whether the module has called no function that could change a stream.
func (h *host) idle() bool {
	for name, calls := range h.called {
		switch name {
		case envoy.ModuleEnv + ".proxy_log", envoy.ModuleEnv + ".proxy_get_log_level", envoy.ModuleEnv + ".proxy_get_property",
			envoy.ModuleEnv + ".emscripten_notify_memory_growth", envoy.ModuleEnv + ".pthread_equal":
			continue
		}
		if *calls > 0 && len(name) > len(envoy.ModuleEnv) && name[:len(envoy.ModuleEnv)+1] == envoy.ModuleEnv+"." {
			return false
		}
	}
	return true
}

// rootTrial runs one module under many root ids. It belongs to one goroutine.
type rootTrial struct {
	ctx      context.Context
	cancel   context.CancelFunc
	static   *inspected
	versions []string
	modules  *Modules
	prepared *prepared
	tracer   *tracer
	strange  map[int]trace // the common functions of all made-up ids of a length
}

// trace is the set of functions that a run has called. failed means that the run did not finish.
type trace struct {
	called map[api.FunctionDefinition]struct{}
	failed bool
}

// tracer records the called functions.
type tracer struct{ trace }

// Before implements [experimental.FunctionListener].
func (t *tracer) Before(_ context.Context, _ api.Module, f api.FunctionDefinition, _ []uint64, _ experimental.StackIterator) {
	t.called[f] = struct{}{}
}

// After implements [experimental.FunctionListener].
func (*tracer) After(context.Context, api.Module, api.FunctionDefinition, []uint64) {}

// Abort implements [experimental.FunctionListener].
func (*tracer) Abort(context.Context, api.Module, api.FunctionDefinition, error) {}

func (s *inspected) newRootTrial(ctx context.Context, versions []string) (*rootTrial, *finding.Problem) {
	t := &rootTrial{versions: versions, modules: NewModules(0), tracer: &tracer{}, strange: map[int]trace{}}
	own := *s
	own.request.Modules, own.request.Limits.Step = t.modules, rootIDTime
	t.static = &own
	t.ctx, t.cancel = context.WithTimeout(withMemory(ctx), rootIDTime)
	t.ctx = experimental.WithFunctionListenerFactory(t.ctx, experimental.FunctionListenerFactoryFunc(
		func(api.FunctionDefinition) experimental.FunctionListener { return t.tracer }))
	prepared, problem := own.prepare(t.ctx, t.modules, Interpreter)
	if problem != nil {
		t.cancel()
		t.modules.Close()
		return nil, problem
	}
	t.prepared = prepared
	return t, nil
}

func (t *rootTrial) close() {
	t.modules.release(t.prepared, true)
	t.modules.Close()
	t.cancel()
}

// run starts the module under an id and sends a plain request through it.
func (t *rootTrial) run(id string) trace {
	t.tracer.trace = trace{called: map[api.FunctionDefinition]struct{}{}}
	s := *t.static
	s.request.RootID, s.request.Smoke = id, SmokeRequest
	r := &running{host: newHost(s.request, s.abi), modules: t.modules, prepared: t.prepared}
	r.host.versions = t.versions
	err := s.instantiate(t.ctx, r.prepared, r.host)
	if err == nil {
		err = r.host.start(t.ctx)
	}
	if err == nil {
		err = r.host.begin(t.ctx)
	}
	failed := err != nil || s.smoke(t.ctx, r) != nil
	if r.host.module != nil {
		_ = r.host.module.Close(context.WithoutCancel(t.ctx)) // the instance is unused
	}
	t.tracer.failed = failed
	return t.tracer.trace
}

// knows reports whether the module runs a function under an id that it runs under no made-up id.
func (t *rootTrial) knows(id string) bool {
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
func (t *rootTrial) strangeOf(size int) trace {
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

// candidates are the empty id, the request's id, and the texts in the module's data.
func (t *rootTrial) candidates() []string {
	all := []string{"", t.static.request.RootID}
	for _, segment := range wasmbin.DataSegments(t.static.request.Module) {
		for _, narrow := range [][]byte{segment, narrowed(segment)} {
			all = append(all, texts(narrow)...)
		}
	}
	slices.SortFunc(all, func(a, b string) int { return len(a) - len(b) })
	unique := make([]string, 0, maximumRootIDs)
	for _, id := range all {
		if len(unique) < maximumRootIDs && !slices.Contains(unique, id) {
			unique = append(unique, id)
		}
	}
	return unique
}

// texts returns the words of a segment that could be a root id.
func texts(segment []byte) []string {
	var all []string
	for word := range bytes.FieldsFuncSeq(segment, func(r rune) bool { return !isOfRootID(r) }) {
		if len(word) <= maximumRootID {
			all = append(all, string(word))
		}
	}
	return all
}

func isOfRootID(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return true
	default:
		return r == '_' || r == '-' || r == '.' || r == '/' || r == ':'
	}
}

// narrowed removes the second byte of each 16-bit character of a segment, and ends a text at a
// second byte other than zero.
func narrowed(segment []byte) []byte {
	out := make([]byte, 0, len(segment)/2)
	for i := 0; i+1 < len(segment); i += 2 {
		c := segment[i]
		if segment[i+1] != 0 {
			c = 0
		}
		out = append(out, c)
	}
	return out
}
