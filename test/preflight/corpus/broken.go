package corpus

import (
	"bytes"
	"maps"
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/wasmenc"
)

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func hostFunctions() []envoy.HostFunction { return envoy.HostFunctions() }

// malformed returns modules that no engine compiles, and odd modules that compile.
func malformed() []Case {
	whole := (&draft{}).frame().m.Bytes()
	body := func(c code) []byte {
		return (&draft{}).frame().export("proxy_on_log", "i:", c).m.Bytes()
	}
	custom := func(name string, content []byte) []byte {
		d := &draft{}
		d.frame()
		d.m.Custom(name, content)
		return d.m.Bytes()
	}
	return []Case{
		{Name: "malformed/one byte", Module: []byte{0}},
		{Name: "malformed/text", Module: []byte("(module)")},
		{Name: "malformed/header alone", Module: wasmenc.Header()},
		{Name: "malformed/version 2", Module: append([]byte("\x00asm\x02\x00\x00\x00"), whole[8:]...)},
		{Name: "malformed/component", Module: append([]byte("\x00asm\x0d\x00\x01\x00"), whole[8:]...)},
		{Name: "malformed/cut off", Module: whole[:len(whole)-3]},
		{Name: "malformed/cut off in a section's head", Module: append(bytes.Clone(whole), 0)},
		{Name: "malformed/unknown section", Module: wasmenc.AppendSection(bytes.Clone(whole), 42, []byte{0})},
		{Name: "malformed/section twice", Module: wasmenc.AppendSection(bytes.Clone(whole), sectionStart, []byte{0})},
		{Name: "malformed/no such instruction", Module: body(code{0xff})},
		{Name: "malformed/stack underflow", Module: body(code{}.Drop())},
		{Name: "malformed/value left", Module: body(code{}.I32Const(1))},
		{Name: "malformed/no such function", Module: body(code{}.Call(99))},
		{Name: "malformed/no such local", Module: body(code{}.LocalGet(99).Drop())},
		{Name: "malformed/no such type", Module: with(whole, 3, []byte{2, 9, 9})},
		{Name: "malformed/export twice", Module: (&draft{}).frame().export("malloc", "i:i", result(":i", 1)).m.Bytes()},
		{Name: "malformed/two memories", Module: with(whole, sectionMemory, []byte{2, 0, 1, 0, 1})},
		{Name: "odd/custom section", Module: custom("note", []byte{1, 2, 3})},
		{Name: "odd/producers that are none", Module: custom("producers", []byte{0xff, 0xff, 0xff})},
		{Name: "odd/names that are none", Module: custom("name", []byte{1, 0xff, 0xff, 3})},
		{Name: "odd/precompiled for something", Module: custom("precompiled_x", []byte{1, 2, 3})},
	}
}

// features returns modules with features of later Wasm versions.
func features() []Case {
	use := func(name string, c code) Case {
		return (&draft{}).frame().export("proxy_on_log", "i:", c).as("feature/" + name)
	}
	tail := &draft{}
	f := tail.m.Func(signature(""), 0, nil)
	tail.frame().export("proxy_on_log", "i:", code{0x12, byte(f)})
	constant := with((&draft{}).frame().m.Bytes(), sectionGlobal, []byte{1, 0x7f, 0, 0x41, 1, 0x41, 2, 0x6a, 0x0b})
	return []Case{
		use("sign extension", code{}.I32Const(1).Then(code{0xc0}).Drop()),
		use("saturating conversion", append(code{0x43, 0, 0, 0, 0, 0xfc, 0}, 0x1a)),
		use("bulk memory", code{}.I32Const(0).I32Const(0).I32Const(0).Then(code{0xfc, 0x0b, 0})),
		use("simd", append(append(code{0xfd, 0x0c}, make([]byte, 16)...), 0x1a)),
		use("reference types", code{0xd0, 0x70, 0x1a}),
		use("relaxed simd", append(append(append(append(code{0xfd, 0x0c}, make([]byte, 16)...), 0xfd, 0x0c), make([]byte, 16)...), 0xfd, 0x80, 0x02, 0x1a)),
		tail.as("feature/tail call"),
		{Name: "feature/constant expression", Module: constant},
		{Name: "feature/shared memory", Module: with((&draft{}).frame().m.Bytes(), sectionMemory, []byte{1, 3, 2, 4})},
		{Name: "feature/64-bit memory", Module: with((&draft{}).frame().m.Bytes(), sectionMemory, []byte{1, 4, 2})},
	}
}
