package runner

import (
	"maps"
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/preflight/wasmbin"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Coverage says which functions on the border between Envoy and a module the tests have run: the
// callbacks of the module, and the host functions of Proxy-Wasm.
type Coverage struct {
	// Percent is the share of reached functions among Callbacks and HostFunctions, rounded down. It
	// is 100 for a module without any.
	Percent       int     `json:"percent"`
	Callbacks     Reached `json:"callbacks"`
	HostFunctions Reached `json:"hostFunctions"`
	// Others do not count: callbacks that no test of a spec can run, like proxy_on_tick, and
	// functions of WASI, most of which the runtime of a language calls.
	Others Reached `json:"others"`
}

// Reached are functions by name, sorted. The slices are never nil.
type Reached struct {
	Reached []string `json:"reached"`
	Never   []string `json:"never"`
}

func (r *Reached) add(name string, reached bool) {
	to := &r.Never
	if reached {
		to = &r.Reached
	}
	if !slices.Contains(*to, name) {
		*to = append(*to, name)
	}
}

func (r *Reached) sort() {
	slices.Sort(r.Reached)
	slices.Sort(r.Never)
}

// Cover returns the coverage of a module of a filter by the results of [Run]. Failed tests count,
// too.
func Cover(as spec.Type, m *wasmbin.Module, results []Result) Coverage {
	ran, called := map[string]bool{}, map[string]bool{}
	for _, r := range results {
		for name := range r.Ran {
			ran[name] = true
		}
		for name := range r.Called {
			called[name] = true
		}
	}
	empty := func() Reached { return Reached{[]string{}, []string{}} }
	c := Coverage{Callbacks: empty(), HostFunctions: empty(), Others: empty()}
	testable := testable(as, m)
	for _, f := range m.Exports {
		switch {
		case !isCallback(f.Name):
		case testable[f.Name] || ran[f.Name]:
			c.Callbacks.add(f.Name, ran[f.Name])
		case !ofOtherType(as, f.Name):
			c.Others.add(f.Name, false)
		}
	}
	for _, f := range m.Imports {
		if f.Module == envoy.ModuleEnv {
			c.HostFunctions.add(f.Name, called[f.Module+"."+f.Name])
		} else {
			c.Others.add(f.Name, called[f.Module+"."+f.Name])
		}
	}
	c.finish()
	return c
}

func (c *Coverage) finish() {
	c.Callbacks.sort()
	c.HostFunctions.sort()
	c.Others.sort()
	reached := len(c.Callbacks.Reached) + len(c.HostFunctions.Reached)
	all := reached + len(c.Callbacks.Never) + len(c.HostFunctions.Never)
	if c.Percent = 100; all > 0 {
		c.Percent = 100 * reached / all
	}
}

func isCallback(name string) bool {
	return slices.ContainsFunc(envoy.Callbacks(), func(c envoy.Callback) bool { return c.Name == name })
}

// The callbacks that only filters of a type have.
func httpCallbacks() []string {
	return []string{
		"proxy_on_request_headers", "proxy_on_request_body", "proxy_on_request_trailers",
		"proxy_on_response_headers", "proxy_on_response_body", "proxy_on_response_trailers",
	}
}

func networkCallbacks() []string {
	return []string{
		"proxy_on_new_connection", "proxy_on_downstream_data", "proxy_on_upstream_data",
		"proxy_on_downstream_connection_close", "proxy_on_upstream_connection_close",
	}
}

// ofOtherType reports whether only filters of another type have a callback. SDKs export all of
// them.
func ofOtherType(as spec.Type, name string) bool {
	if as == spec.Network {
		return slices.Contains(append(httpCallbacks(), "proxy_on_request_metadata", "proxy_on_response_metadata"), name)
	}
	return slices.Contains(networkCallbacks(), name)
}

// testable has the callbacks that the tests of a spec can run.
func testable(as spec.Type, m *wasmbin.Module) map[string]bool {
	all := map[string]bool{}
	names := append(httpCallbacks(), envoy.CallbackContextCreate, "proxy_on_vm_start", "proxy_on_configure", "proxy_on_done", "proxy_on_log", "proxy_on_delete")
	if as == spec.Network {
		names = append(names[len(httpCallbacks()):], networkCallbacks()...)
	}
	if slices.ContainsFunc(m.Imports, func(f wasmbin.Function) bool { return f.Name == "proxy_http_call" }) {
		names = append(names, "proxy_on_http_call_response")
	}
	for _, name := range names {
		all[name] = true
	}
	return all
}

// note keeps the functions that a VM has run.
func (r *Result) note(ran, called map[string]uint64) {
	r.Ran, r.Called = maps.Clone(ran), called
}
