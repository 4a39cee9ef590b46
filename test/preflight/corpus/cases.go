package corpus

import (
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/wasmenc"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// callbackSignatures has the signatures of ABI 0.2.1.
var callbackSignatures = map[string]string{
	"validate_configuration": "ii:i", "on_vm_start": "ii:i", "on_configure": "ii:i", "on_tick": "i:",
	"on_context_create": "ii:", "on_new_connection": "i:i", "on_downstream_data": "iii:i", "on_upstream_data": "iii:i",
	"on_downstream_connection_close": "ii:", "on_upstream_connection_close": "ii:",
	"on_request_headers": "iii:i", "on_request_body": "iii:i", "on_request_trailers": "ii:i", "on_request_metadata": "ii:i",
	"on_response_headers": "iii:i", "on_response_body": "iii:i", "on_response_trailers": "ii:i", "on_response_metadata": "ii:i",
	"on_http_call_response": "iiiii:", "on_grpc_receive": "iii:", "on_grpc_close": "iii:",
	"on_grpc_receive_initial_metadata": "iii:", "on_grpc_receive_trailing_metadata": "iii:",
	"on_queue_ready": "ii:", "on_foreign_function": "iii:", "on_done": "i:i", "on_log": "i:", "on_delete": "i:",
}

// callbacks returns each callback with the right and with a wrong signature.
func callbacks() []Case {
	var all []Case
	add := func(kind, abi, name, short string, value int32) {
		d := (&draft{abi: abi}).frame().export("proxy_"+name, short, result(short, value))
		all = append(all, d.as("export/"+kind+"/"+name))
	}
	for _, name := range sorted(callbackSignatures) {
		short := callbackSignatures[name]
		value := int32(0)
		if name == "on_vm_start" || name == "on_configure" || name == "on_done" {
			value = 1
		}
		add("right", "", name, short, value)
		add("parameter", "", name, "i"+short, value)
		add("0.1.0", "0.1.0", name, short, value)
	}
	for _, name := range []string{"on_request_headers", "on_response_headers"} {
		add("two with 0.1.0", "0.1.0", name, "ii:i", 0)
		add("two with 0.2.0", "0.2.0", name, "ii:i", 0)
	}
	add("result", "", "on_log", "i:i", 0)
	add("no result", "", "on_done", "i:", 0)
	add("unknown", "", "on_something_else", "iiii:i", 0)
	return append(all, entrySignatures()...)
}

func entrySignatures() []Case {
	return []Case{
		(&draft{}).frame().export("_initialize", "i:", nil).as("export/parameter/_initialize"),
		(&draft{}).frame().export("_start", "i:", nil).as("export/parameter/_start"),
		(&draft{}).frame().export("_initialize", ":", nil).export("main", ":i", result(":i", 0)).as("export/no parameters/main"),
		(&draft{}).frame().export("_initialize", ":", nil).export("__main_void", ":", nil).as("export/no result/__main_void"),
		(&draft{}).frame().export("main", ":", nil).as("export/unused/main"),
		(&draft{}).frame().export("_initialize", ":", nil).export("_start", "i:", nil).as("export/unused/_start"),
	}
}

func abis() []Case {
	var all []Case
	for _, abi := range []string{"-", "0.1.0", "0.2.0", "0.2.1", "0.3.0", "0.2.2"} {
		all = append(all, (&draft{abi: abi}).frame().as("abi/"+abi))
	}
	several := func(first, second, function string) Case {
		d := &draft{abi: first}
		d.m.Import("env", function, signature(":i"))
		d.frame().export("proxy_abi_version_"+strings.ReplaceAll(second, ".", "_"), "", nil)
		return d.as("abi/" + first + " and " + second + " with " + function)
	}
	all = append(all,
		several("0.1.0", "0.2.1", "proxy_continue_request"), several("0.2.1", "0.1.0", "proxy_continue_request"),
		several("0.3.0", "0.1.0", "proxy_continue_request"))
	all = append(all, (&draft{abi: "-"}).frame().export("proxy_abi_version_0_2_1", "i:i", result(":i", 0)).as("abi/with a parameter"))
	return all
}

func allocators() []Case {
	return []Case{
		(&draft{noMalloc: true}).frame().as("malloc/none"),
		(&draft{noMalloc: true}).frame().export("proxy_on_memory_allocate", "i:i", result(":i", 8)).as("malloc/proxy_on_memory_allocate"),
		(&draft{noMalloc: true}).frame().export("malloc", "ii:i", result(":i", 8)).as("malloc/parameter"),
		(&draft{noMalloc: true}).frame().export("malloc", "i:", nil).
			export("proxy_on_memory_allocate", "i:i", result(":i", 8)).as("malloc/no result beside a right one"),
		(&draft{noMalloc: true}).frame().export("malloc", "i:i", code{}.Unreachable()).as("malloc/traps unused"),
		(&draft{}).frame().export("proxy_on_memory_allocate", "ii:", nil).as("malloc/beside a wrong one"),
	}
}

func memories() []Case {
	limits := func(name string, b ...byte) Case {
		return Case{Name: "memory/" + name, Module: with((&draft{}).frame().m.Bytes(), sectionMemory, append([]byte{1}, b...))}
	}
	minimum := func(pages uint32) []byte { return append([]byte{0}, leb(pages)...) }
	exportName := func(name string) Case {
		module := string((&draft{}).frame().m.Bytes())
		return Case{Name: "memory/exported as " + name, Module: []byte(strings.Replace(module, "\x06memory", "\x06"+name, 1))}
	}
	alone := func(c Case) Case {
		c.Alone = true
		return c
	}
	return []Case{
		alone(noMemory("memory/none", false)), alone(noMemory("memory/not exported", true)),
		exportName("memorx"),
		limits("no pages", minimum(0)...), limits("16384 pages", minimum(16384)...),
		limits("16385 pages", minimum(16385)...), limits("65537 pages", minimum(65537)...),
		limits("at most 65536 pages", append(append([]byte{1}, leb(2)...), leb(65536)...)...),
		limits("at most 65537 pages", append(append([]byte{1}, leb(2)...), leb(65537)...)...),
		limits("less at most than at least", 1, 3, 2),
	}
}

// noMemory returns a module that logs without a memory. Envoy reads log texts from the memory.
func noMemory(name string, hidden bool) Case {
	d := &draft{noMemory: true}
	log := d.m.Import("env", "proxy_log", signature("iii:i"))
	d.frame().export("proxy_on_request_headers", "iii:i", code{}.I32Const(2).I32Const(0).I32Const(4).Call(log).Drop().I32Const(0))
	c := d.as(name)
	if hidden {
		c.Module = with(c.Module, sectionMemory, []byte{1, 0, 1})
	}
	return c
}

// starts returns modules with a start section. The start function is the first function.
func starts() []Case {
	section := func(name string, body code) Case {
		d := &draft{}
		first := d.m.Func(signature(""), 0, body)
		return Case{Name: "start section/" + name, Module: with(d.frame().m.Bytes(), sectionStart, leb(uint32(first)))}
	}
	calls := &draft{}
	log := calls.m.Import("env", "proxy_log", signature("iii:i"))
	first := calls.m.Func(signature(""), 0, call(log, "iii:i"))
	hang := section("loops", code{}.Loop(code{}.Br(0)))
	hang.Alone, hang.Loops = true, true
	return []Case{
		section("empty", nil), section("traps", code{}.Unreachable()), hang,
		{Name: "start section/calls the host", Module: with(calls.frame().m.Bytes(), sectionStart, leb(uint32(first))), Alone: true},
		{Name: "start section/no such function", Module: with((&draft{}).frame().m.Bytes(), sectionStart, leb(99))},
	}
}

func failures() []Case {
	var all []Case
	for name, short := range map[string]string{"_initialize": ":", "_start": ":", "proxy_on_vm_start": "ii:i", "proxy_on_configure": "ii:i", "proxy_on_context_create": "ii:"} {
		all = append(all, (&draft{}).frame().export(name, short, code{}.Unreachable()).as("traps/"+name))
		if strings.HasSuffix(short, ":i") {
			all = append(all, (&draft{}).frame().export(name, short, result(short, 0)).as("false/"+name))
		}
	}
	all = append(all,
		(&draft{}).frame().export("_initialize", ":", nil).export("main", "ii:i", code{}.Unreachable()).as("traps/main"),
		(&draft{}).frame().export("_initialize", ":", nil).export("main", "ii:i", result(":i", 1)).as("returns 1/main"),
		(&draft{}).frame().export("_initialize", ":", nil).export("__main_void", ":i", code{}.Unreachable()).as("traps/__main_void"),
		(&draft{}).frame().export("_initialize", ":", nil).export("_start", ":", code{}.Unreachable()).as("does not run/_start"),
		(&draft{}).frame().export("main", "ii:i", code{}.Unreachable()).as("does not run/main"),
		(&draft{}).frame().export("proxy_validate_configuration", "ii:i", code{}.Unreachable()).as("does not run/proxy_validate_configuration"),
		(&draft{}).frame().export("proxy_on_configure", "ii:i", result(":i", -1)).as("returns -1/proxy_on_configure"),
	)
	return all
}

func loops() []Case {
	loop := func(name, short string) Case {
		c := (&draft{}).frame().export(name, short, code{}.Loop(code{}.Br(0)).Unreachable()).as("loops/" + name)
		c.Alone, c.Loops = true, true
		return c
	}
	return []Case{
		loop("_initialize", ":"), loop("_start", ":"), loop("proxy_on_context_create", "ii:"),
		loop("proxy_on_vm_start", "ii:i"), loop("proxy_on_configure", "ii:i"),
	}
}

// runs returns modules with unusual behaviour in proxy_on_configure, some of which fail.
func runs() []Case {
	configure := func(name, short, module, function string, d *draft) Case {
		i := d.m.Import(module, function, signature(short))
		d.frame().export("proxy_on_configure", "ii:i", call(i, short).I32Const(1))
		return d.as("configure calls/" + name)
	}
	var all []Case
	for _, f := range hostFunctions() {
		all = append(all, configure(f.Module+"."+f.Name, f.Signature, f.Module, f.Name, &draft{abi: abiOf(f)}))
	}
	all = append(all, recursion("without end", -1), recursion("5000 deep", 5000), grow())
	network := (&draft{}).frame().export("proxy_on_new_connection", "i:i", result(":i", 0)).as("network/right")
	refused := (&draft{}).frame().export("proxy_on_configure", "ii:i", result(":i", 0)).as("network/refused")
	network.Type, refused.Type = spec.Network, spec.Network
	return append(all, network, refused)
}

// recursion recurses depth times in proxy_on_configure; -1: without end.
func recursion(name string, depth int32) Case {
	d := (&draft{}).frame()
	self := wasmenc.FuncIndex(2) // after the ABI's export and malloc
	body := code{}.LocalGet(0).I32Eqz().If(code{}.I32Const(1).Return()).
		LocalGet(0).I32Const(1).I32Sub().Call(self)
	d.m.Func(signature("i:i"), 0, body)
	d.export("proxy_on_configure", "ii:i", code{}.I32Const(depth).Call(self))
	return d.as("recursion/" + name)
}

// grow grows the memory until a growth fails.
func grow() Case {
	body := code{}.Block(code{}.Loop(code{}.I32Const(16).MemoryGrow().I32Const(-1).I32Eq().BrIf(1).Br(0))).I32Const(1)
	return (&draft{}).frame().export("proxy_on_configure", "ii:i", body).as("memory/grows while it can")
}

// streams returns modules that load. Some trap on a request or a connection.
func streams() []Case {
	var all []Case
	add := func(name string, kind spec.Type, body code) {
		short := callbackSignatures[strings.TrimPrefix(name, "proxy_")]
		c := (&draft{}).frame().export(name, short, body.Then(result(short, 0))).as("stream/" + name)
		if kind == spec.Network {
			c.Name = "connection/" + name
		}
		c.Type = kind
		all = append(all, c)
	}
	traps := code{}.Unreachable()
	for _, name := range []string{
		"proxy_on_request_headers", "proxy_on_request_body", "proxy_on_request_trailers", "proxy_on_request_metadata",
		"proxy_on_response_headers", "proxy_on_response_body", "proxy_on_response_trailers", "proxy_on_response_metadata",
		"proxy_on_log", "proxy_on_done", "proxy_on_delete", "proxy_on_tick", "proxy_on_new_connection",
	} {
		add(name, spec.HTTP, traps)
	}
	for _, name := range []string{
		"proxy_on_new_connection", "proxy_on_downstream_data", "proxy_on_upstream_data", "proxy_on_downstream_connection_close",
		"proxy_on_upstream_connection_close", "proxy_on_log", "proxy_on_done", "proxy_on_delete", "proxy_on_request_headers",
	} {
		add(name, spec.Network, traps)
	}
	ofStream := code{}.LocalGet(1).If(traps)
	add("proxy_on_context_create", spec.HTTP, ofStream)
	add("proxy_on_context_create", spec.Network, ofStream)
	return append(all, answers403())
}

// answers403 answers each request itself, as a filter may.
func answers403() Case {
	d := &draft{}
	respond := d.m.Import("env", "proxy_send_local_response", signature("iiiiiiii:i"))
	c := code{}.I32Const(403)
	for range 6 {
		c = c.I32Const(0)
	}
	return d.frame().export("proxy_on_request_headers", "iii:i", c.I32Const(-1).Call(respond).Drop().I32Const(1)).as("stream/answers 403")
}

// stale returns modules that call a host function twice with zeros in proxy_on_configure and trap
// if the results differ. Between the calls the module fills the stack with ones. An engine that
// passes 32-bit arguments might otherwise leave old bits in the upper half.
func stale() []Case {
	var all []Case
	for _, f := range hostFunctions() {
		if strings.HasSuffix(f.Signature, ":") {
			continue // no result to compare
		}
		d := &draft{abi: abiOf(f)}
		i := d.m.Import(f.Module, f.Name, signature(f.Signature))
		d.frame()
		again := zeros(f.Signature).Call(i)
		d.export("proxy_on_configure", "ii:i", again.Then(d.fillStack(i+3)).Then(again).
			I32Ne().If(code{}.Unreachable()).I32Const(1))
		all = append(all, d.as("stale arguments/"+f.Module+"."+f.Name))
	}
	return all
}

// fillStack returns a call of the recursive function with index self. The function gets ones as
// arguments and checks them after the recursion.
func (d *draft) fillStack(self wasmenc.FuncIndex) code {
	const depth, ones, i64Const, i64And, i64Eqz = 100, 8, 0x42, 0x83, 0x50
	arguments := func(c code, one func(code, uint32) code) code {
		for i := range uint32(ones) {
			c = one(c, 1+i)
		}
		return c
	}
	local := func(c code, i uint32) code { return c.LocalGet(i) }
	body := code{}.LocalGet(0).I32Eqz().If(code{}.Return())
	body = arguments(body.LocalGet(0).I32Const(1).I32Sub(), local).Call(self)
	body = arguments(append(body, i64Const, 0x7f), func(c code, i uint32) code { return append(c.LocalGet(i), i64And) })
	d.m.Func(signature("i"+strings.Repeat("I", ones)), 0, append(body, i64Eqz).If(code{}.Unreachable()))
	return arguments(code{}.I32Const(depth), func(c code, _ uint32) code { return append(c, i64Const, 0x7f) }).Call(self)
}
