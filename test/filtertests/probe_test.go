package filtertests

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/wasmenc"
)

// probe is a module that calls host functions in each callback. At the end of the context the
// module logs the results, one letter each.
type probe struct {
	abi     string
	holds   bool // the module holds bodies back until the trailers
	m       wasmenc.Module
	text    *wasmenc.Text
	imports map[string]wasmenc.FuncIndex
	calls   []string // each call in words
	results int32    // address of the next result
}

const (
	resultsAt = 16 << 10
	scratch   = 8 << 10 // address for outputs of host functions
	outside   = 0x7fff0000
	first     = ' '      // the letter of result 0
	mark      = "probe:" // prefix of the results
)

// arg is an argument of a call: a number, or a text with its length.
type arg = any

// call is a call of a host function.
type call struct {
	name string // of the function
	args []arg
}

func (c call) String() string { return fmt.Sprintf("%s%q", c.name, c.args) }

func functionNamed(name string) envoy.HostFunction {
	all := envoy.HostFunctions()
	return all[slices.IndexFunc(all, func(f envoy.HostFunction) bool { return f.Name == name })]
}

func (p *probe) declare(calls []call) {
	for _, c := range calls {
		if _, ok := p.imports[c.name]; !ok {
			f := functionNamed(c.name)
			p.imports[c.name] = p.m.Import(f.Module, f.Name, wasmenc.Sig(f.Signature))
		}
	}
}

// run returns the code for the calls in a phase.
func (p *probe) run(phase string, calls []call) wasmenc.Code {
	var code wasmenc.Code
	for _, c := range calls {
		p.calls = append(p.calls, phase+" "+c.String())
		code = code.I32Const(p.results)
		signature := functionNamed(c.name).Signature
		at := 0
		for _, a := range c.args {
			switch a := a.(type) {
			case string:
				code = code.Then(p.text.Push(a))
				at += 2
			case int:
				if signature[at] == 'I' {
					code = append(code, 0x42) // i64.const
					code = appendSigned(code, a)
				} else {
					code = code.I32Const(int32(a))
				}
				at++
			}
		}
		code = code.Call(p.imports[c.name]).I32Const(first).I32Add().I32Store(0)
		p.results++
	}
	return code
}

func appendSigned(code wasmenc.Code, n int) wasmenc.Code {
	for {
		b := byte(n & 0x7f)
		n >>= 7
		if n == 0 && b&0x40 == 0 || n == -1 && b&0x40 != 0 {
			return append(code, b)
		}
		code = append(code, b|0x80)
	}
}

// everything returns the calls made in each phase.
func everything() []call {
	pairs := "\x01\x00\x00\x00\x07\x00\x00\x00\x01\x00\x00\x00x-probe\x00y\x00"
	all := []call{
		{"proxy_get_status", []arg{scratch, scratch + 4, scratch + 8}},
		{"proxy_set_property", []arg{"probe", "value"}},
		{"proxy_get_property", []arg{"probe", scratch, scratch + 4}},
		{"proxy_get_property", []arg{"plugin_name", scratch, scratch + 4}},
		{"proxy_get_property", []arg{"plugin_root_id", scratch, scratch + 4}},
		{"proxy_get_property", []arg{"plugin_vm_id", scratch, scratch + 4}},
		{"proxy_get_property", []arg{"nonsense", scratch, scratch + 4}},
		{"proxy_get_property", []arg{"request\x00path", scratch, scratch + 4}},
		{"proxy_get_property", []arg{"request\x00headers\x00x-a", scratch, scratch + 4}},
		{"proxy_get_property", []arg{"request\x00headers\x00x-none", scratch, scratch + 4}},
		{"proxy_get_property", []arg{"response\x00code", scratch, scratch + 4}},
		{"proxy_get_shared_data", []arg{"none", scratch, scratch + 4, scratch + 8}},
		{"proxy_set_shared_data", []arg{"key", "value", 0}},
		{"proxy_set_shared_data", []arg{"key", "value", 99999}},
		{"proxy_get_shared_data", []arg{"key", scratch, scratch + 4, scratch + 8}},
		{"proxy_register_shared_queue", []arg{"queue", scratch + 12}},
		{"proxy_resolve_shared_queue", []arg{"", "queue", scratch + 12}},
		{"proxy_resolve_shared_queue", []arg{"other", "queue", scratch + 12}},
		{"proxy_resolve_shared_queue", []arg{"", "none", scratch + 12}},
		{"proxy_dequeue_shared_queue", []arg{99999, scratch, scratch + 4}},
		{"proxy_enqueue_shared_queue", []arg{99999, "a"}},
		{"proxy_get_buffer_status", []arg{99, scratch, scratch + 4}},
		{"proxy_get_buffer_bytes", []arg{99, 0, 1, scratch, scratch + 4}},
		{"proxy_set_buffer_bytes", []arg{99, 0, 1, "a"}},
		{"proxy_http_call", []arg{"upstream", "", "", "", 1000, scratch + 16}},
		{"proxy_http_call", []arg{"upstream", pairs, "", "", 1000, scratch + 16}},
		{"proxy_grpc_close", []arg{77}},
		{"proxy_grpc_cancel", []arg{77}},
		{"proxy_grpc_send", []arg{77, "a", 0}},
		{"proxy_set_tick_period_milliseconds", []arg{0}},
		{"proxy_get_current_time_nanoseconds", []arg{scratch}},
		{"proxy_define_metric", []arg{0, "counter", scratch + 20}},
		{"proxy_define_metric", []arg{1, "gauge", scratch + 20}},
		{"proxy_define_metric", []arg{2, "histogram", scratch + 20}},
		{"proxy_define_metric", []arg{3, "other", scratch + 20}},
		{"proxy_increment_metric", []arg{99999, 1}},
		{"proxy_record_metric", []arg{99999, 1}},
		{"proxy_get_metric", []arg{99999, scratch}},
		{"proxy_increment_metric", []arg{40000, 1}},
		{"proxy_increment_metric", []arg{40001, 1}},
		{"proxy_increment_metric", []arg{40002, 1}},
		{"proxy_get_metric", []arg{40000, scratch}},
		{"proxy_get_metric", []arg{40002, scratch}},
		{"proxy_grpc_send", []arg{78, "a", 0}},
		{"proxy_set_effective_context", []arg{77}},
		{"proxy_call_foreign_function", []arg{"none", "", scratch, scratch + 4}},
		{"proxy_call_foreign_function", []arg{"compress", "aaaa", scratch, scratch + 4}},
		{"proxy_call_foreign_function", []arg{"uncompress", "aaaa", scratch, scratch + 4}},
		{"proxy_get_log_level", []arg{scratch}},
		{"proxy_get_configuration", []arg{scratch, scratch + 4}},
		{"proxy_clear_route_cache", nil},
		{"proxy_log", []arg{9, "text"}},
		{"proxy_log", []arg{0, outside, 10}},
		{"proxy_get_property", []arg{outside, 10, scratch, scratch + 4}},
		{"proxy_set_shared_data", []arg{outside, 10, "value", 0}},
		{"proxy_get_header_map_value", []arg{0, outside, 10, scratch, scratch + 4}},
		{"proxy_continue_stream", []arg{9}},
		{"proxy_close_stream", []arg{9}},
	}
	for kind := range 9 {
		all = append(
			all,
			call{"proxy_get_header_map_value", []arg{kind, "x-a", scratch, scratch + 4}},
			call{"proxy_get_header_map_value", []arg{kind, "x-none", scratch, scratch + 4}},
			call{"proxy_add_header_map_value", []arg{kind, "x-probe", "y"}},
			call{"proxy_replace_header_map_value", []arg{kind, "x-probe", "z"}},
			call{"proxy_remove_header_map_value", []arg{kind, "x-probe"}},
			call{"proxy_get_header_map_pairs", []arg{kind, scratch, scratch + 4}},
			call{"proxy_get_header_map_size", []arg{kind, scratch}},
			call{"proxy_get_buffer_status", []arg{kind, scratch, scratch + 4}},
			call{"proxy_get_buffer_bytes", []arg{kind, 0, 2, scratch, scratch + 4}},
			call{"proxy_get_buffer_bytes", []arg{kind, 1000, 2, scratch, scratch + 4}},
			call{"proxy_set_buffer_bytes", []arg{kind, 0, 0, "a"}},
		)
	}
	for _, f := range envoy.HostFunctions() {
		if f.Module != "wasi_snapshot_preview1" || f.Since != "" || f.Name == "proc_exit" {
			continue
		}
		params, _, _ := strings.Cut(f.Signature, ":")
		args := []arg{}
		for i := range params {
			args = append(args, []int{1, 0, 0, scratch + 8, scratch + 16, 0, 0, 0, 0}[i])
		}
		switch f.Name {
		case "fd_write":
			args = []arg{1, scratch + 100, 0, scratch + 24}
			all = append(all, call{f.Name, []arg{5, scratch + 100, 0, scratch + 24}})
		case "clock_time_get":
			args = []arg{0, 0, scratch}
			all = append(all, call{f.Name, []arg{1, 0, scratch}}, call{f.Name, []arg{7, 0, scratch}})
		case "poll_oneoff":
			args = []arg{scratch + 200, scratch + 300, 0, scratch + 24}
		case "random_get":
			args = []arg{scratch, 8}
		default:
			for i := range args {
				if args[i] == 0 && params[i] == 'i' {
					args[i] = scratch + 32
				}
			}
		}
		all = append(all, call{f.Name, args})
	}
	// The last calls use the root context.
	return append(all, call{"proxy_set_effective_context", []arg{1}}, call{"proxy_get_header_map_pairs", []arg{0, scratch, scratch + 4}})
}

// httpPhases are the probed callbacks of an HTTP filter with their signatures.
var httpPhases = []struct{ name, signature string }{
	{"proxy_on_vm_start", "ii:i"},
	{"proxy_on_configure", "ii:i"},
	{"proxy_on_context_create", "ii:"},
	{"proxy_on_request_headers", "iii:i"},
	{"proxy_on_request_body", "iii:i"},
	{"proxy_on_request_trailers", "ii:i"},
	{"proxy_on_response_headers", "iii:i"},
	{"proxy_on_response_body", "iii:i"},
	{"proxy_on_response_trailers", "ii:i"},
	{"proxy_on_log", "i:"},
}

var networkPhases = []struct{ name, signature string }{
	{"proxy_on_new_connection", "i:i"},
	{"proxy_on_downstream_data", "iii:i"},
	{"proxy_on_upstream_data", "iii:i"},
	{"proxy_on_downstream_connection_close", "ii:"},
	{"proxy_on_log", "i:"},
}

// build returns the module. A callback probes only once, and proxy_on_context_create not for the
// root context.
func (p *probe) build(phases []struct{ name, signature string }) []byte {
	p.imports, p.text, p.results = map[string]wasmenc.FuncIndex{}, wasmenc.NewText(64<<10), resultsAt+int32(len(mark))
	calls := slices.DeleteFunc(everything(), func(c call) bool {
		abis := functionNamed(c.name).ABIs
		return abis != nil && !slices.Contains(abis, p.abi)
	})
	p.declare(append(slices.Clone(calls), call{name: "proxy_log"}))
	p.m.Memory(8)
	p.m.ExportedFunc("proxy_abi_version_"+strings.ReplaceAll(p.abi, ".", "_"), wasmenc.Sig(""), 0, nil)
	next := p.m.Global(256 << 10)
	p.m.ExportedFunc("malloc", wasmenc.Sig("i:i"), 0, wasmenc.Code{}.
		GlobalGet(next).GlobalGet(next).LocalGet(0).I32Add().GlobalSet(next))
	for _, phase := range phases {
		done := p.m.Global(0)
		probing := p.run(phase.name, calls).I32Const(1).GlobalSet(done)
		code := wasmenc.Code{}.GlobalGet(done).I32Eqz().If(probing)
		if phase.name == "proxy_on_context_create" {
			code = wasmenc.Code{}.LocalGet(1).If(code)
		}
		if phase.name == "proxy_on_log" {
			code = code.I32Const(3).I32Const(resultsAt).I32Const(p.results - resultsAt).Call(p.imports["proxy_log"]).Drop()
		}
		signature := phase.signature
		if p.abi == "0.1.0" && strings.HasSuffix(phase.name, "_headers") {
			signature = strings.TrimPrefix(signature, "i")
		}
		if strings.HasSuffix(signature, ":i") {
			value := int32(0)
			if phase.name == "proxy_on_vm_start" || phase.name == "proxy_on_configure" || p.holds && strings.HasSuffix(phase.name, "_body") {
				value = 1
			}
			code = code.I32Const(value)
		}
		p.m.ExportedFunc(phase.name, wasmenc.Sig(signature), 0, code)
	}
	p.m.Data(resultsAt, []byte(mark+strings.Repeat("~", len(p.calls))))
	p.m.Text(p.text)
	return p.m.Bytes()
}
