package corpus

import (
	"strings"

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
	// Loops marks a module with a call that never ends. This module is also Alone.
	Loops bool
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
