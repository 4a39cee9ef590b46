package corpus

import (
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
)

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
