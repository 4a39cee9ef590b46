// Package corpus builds the modules for the comparison of the sandbox with real Envoys. The
// modules cover every host function with right and wrong signatures, every callback, each ABI,
// all kinds of memories, starts and failures, and malformed modules. Equal builds give equal
// bytes.
package corpus

import (
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/wasmenc"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Case is a module of the corpus.
type Case struct {
	Name   string
	Module []byte
	Type   spec.Type // "": spec.HTTP
	Config *string
	// Alone marks a module that may crash or hang Envoy. The module gets an Envoy of its own.
	Alone bool
}

// All returns the whole corpus.
func All() []Case {
	return slices.Concat(
		imports(), restricted(), callbacks(), abis(), allocators(), memories(),
		starts(), failures(), loops(), malformed(), features(), limits(), runs(), stale(), streams(),
	)
}

type (
	code = wasmenc.Code
	sig  = wasmenc.FuncType
)

func signature(short string) sig { return wasmenc.Sig(short) }

// draft is an unfinished module. By default the module has the common parts of every filter.
type draft struct {
	m        wasmenc.Module
	abi      string // "": 0.2.1, "-": none
	noMalloc bool
	noMemory bool
}

// frame adds the common parts of every filter. Imports must come before frame.
func (d *draft) frame() *draft {
	if !d.noMemory {
		d.m.Memory(2)
	}
	switch d.abi {
	case "-":
	case "":
		d.export("proxy_abi_version_0_2_1", "", nil)
	default:
		d.export("proxy_abi_version_"+strings.ReplaceAll(d.abi, ".", "_"), "", nil)
	}
	if !d.noMalloc {
		d.export("malloc", "i:i", code{}.I32Const(4096))
	}
	return d
}

func (d *draft) export(name, short string, body code) *draft {
	d.m.ExportedFunc(name, signature(short), 0, body)
	return d
}

func (d *draft) as(name string) Case { return Case{Name: name, Module: d.m.Bytes()} }

// result returns a value for a function without a purpose.
func result(short string, value int32) code {
	_, results, _ := strings.Cut(short, ":")
	switch results {
	case "i":
		return code{}.I32Const(value)
	default:
		return nil
	}
}

// zeros returns zero arguments.
func zeros(short string) code {
	const i64Const = 0x42
	params, _, _ := strings.Cut(short, ":")
	var c code
	for _, p := range params {
		if p == 'I' {
			c = append(c, i64Const, 0)
		} else {
			c = c.I32Const(0)
		}
	}
	return c
}

// call calls a function with zeros and drops the result.
func call(f wasmenc.FuncIndex, short string) code {
	c := zeros(short).Call(f)
	if !strings.HasSuffix(short, ":") {
		c = c.Drop()
	}
	return c
}

func abiOf(f envoy.HostFunction) string {
	if f.ABIs == nil {
		return ""
	}
	return f.ABIs[len(f.ABIs)-1]
}

// imports imports each host function: with the right signature, with an extra parameter, with a
// different result, under WASI's old name, and with the wrong ABI.
func imports() []Case {
	var all []Case
	add := func(name, module, function, short, abi string) {
		d := &draft{abi: abi}
		d.m.Import(module, function, signature(short))
		all = append(all, d.frame().as("import/"+name+"/"+module+"."+function))
	}
	for _, f := range envoy.HostFunctions() {
		params, results, _ := strings.Cut(f.Signature, ":")
		abi := abiOf(f)
		add("right", f.Module, f.Name, f.Signature, abi)
		add("parameter", f.Module, f.Name, params+"i:"+results, abi)
		switch {
		case f.ABIs != nil:
			for _, other := range []string{"0.1.0", "0.2.0", "0.2.1"} {
				add("with "+other, f.Module, f.Name, f.Signature, other)
			}
		case f.Module != "env":
			add("old name", "wasi_unstable", f.Name, f.Signature, abi)
		}
	}
	for _, name := range []string{
		"env.proxy_no_such_function", "env.time.now", "env.syscall/js.valueGet", "env.sync/atomic.Load", "env.invoke_vii",
		"wasi_snapshot_preview1.proc_raise", "wasi_snapshot_preview2.fd_write", "go.debug", "env.proxy_log_",
	} {
		module, function, _ := strings.Cut(name, ".")
		add("unknown", module, function, "i:i", "")
	}
	// These two functions have different signatures in WASI's standard.
	add("standard", "wasi_snapshot_preview1", "path_link", "iiiiiii:i", "")
	add("standard", "wasi_snapshot_preview1", "path_symlink", "iiiii:i", "")
	add("result", "env", "proxy_log", "iii:", "")
	add("result", "wasi_snapshot_preview1", "proc_exit", "i:i", "")
	return append(all, importsOfOtherKinds()...)
}

// importsOfOtherKinds imports objects that are no functions.
func importsOfOtherKinds() []Case {
	entry := func(name string, description ...byte) []byte {
		b := append([]byte{1, 3}, "env"...)
		b = append(append(b, byte(len(name))), name...)
		return append(b, description...)
	}
	return []Case{
		{Name: "import/global", Module: with((&draft{}).frame().m.Bytes(), sectionImport, entry("g", 3, 0x7f, 0))},
		{Name: "import/mutable global", Module: with((&draft{}).frame().m.Bytes(), sectionImport, entry("g", 3, 0x7f, 1))},
		{Name: "import/table", Module: with((&draft{}).frame().m.Bytes(), sectionImport, entry("t", 1, 0x70, 0, 1))},
		{Name: "import/memory", Module: with((&draft{noMemory: true}).frame().m.Bytes(), sectionImport, entry("memory", 2, 0, 2))},
	}
}

// restricted calls each function while the module starts. No stream exists at the start, so
// functions that use a stream may crash Envoys that allow the call.
func restricted() []Case {
	var all []Case
	for _, f := range envoy.HostFunctions() {
		d := &draft{abi: abiOf(f)}
		i := d.m.Import(f.Module, f.Name, signature(f.Signature))
		d.frame().export("_initialize", ":", call(i, f.Signature))
		all = append(all, d.as("initialize calls/"+f.Module+"."+f.Name))
	}
	for _, entry := range []string{"_start", "main", "__main_void"} {
		short := map[string]string{"_start": ":", "main": "ii:i", "__main_void": ":i"}[entry]
		d := &draft{}
		i := d.m.Import("env", "proxy_set_tick_period_milliseconds", signature("i:i"))
		d.frame()
		if entry != "_start" {
			d.export("_initialize", ":", nil)
		}
		d.export(entry, short, call(i, "i:i").Then(result(short, 0)))
		all = append(all, d.as("start calls/"+entry))
	}
	return all
}
