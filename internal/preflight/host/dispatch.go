package host

import (
	"context"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/wasmbin"
)

// Imports returns the imported host functions of a module, in the order of the imports, without the
// functions unknown to Envoy.
func Imports(m *wasmbin.Module) []envoy.HostFunction {
	var all []envoy.HostFunction
	for _, imported := range m.Imports {
		f, ok := envoy.FindFunction(imported.Module, imported.Name)
		if !ok {
			continue // missing only in versions that the check has excluded
		}
		f.Module = imported.Module
		all = append(all, f)
	}
	return all
}

// Link creates the host modules, with only the imported functions. The modules serve
// any number of instances at a time.
func Link(ctx context.Context, r wazero.Runtime, imports []envoy.HostFunction) *finding.Problem {
	modules := map[string]wazero.HostModuleBuilder{}
	for n, f := range imports {
		b := modules[f.Module]
		if b == nil {
			b = r.NewHostModuleBuilder(f.Module)
			modules[f.Module] = b
		}
		params, results := wasmTypes(f.Signature)
		b.NewFunctionBuilder().WithGoFunction(dispatch(n, params, len(results)), params, results).Export(f.Name)
	}
	for name, b := range modules {
		if _, err := b.Instantiate(ctx); err != nil {
			return &finding.Problem{
				Step: finding.StepInstantiate, Code: finding.CodeInstantiate,
				Message: "cannot link " + name, Detail: finding.ErrorDetail(err),
			}
		}
	}
	return nil
}

// dispatch calls host function number n of a module's imports, for the instance in the context. It
// clears the upper half of each i32 argument: wazero's compiled code writes only the lower half,
// and leaves earlier stack content in the upper half.
func dispatch(n int, params []api.ValueType, results int) api.GoFunc {
	return func(ctx context.Context, stack []uint64) {
		i, _ := ctx.Value(instanceKey{}).(*instance) // the context always has an instance
		args := stack[:len(params)]
		for at, t := range params {
			if t == api.ValueTypeI32 {
				args[at] = uint64(uint32(args[at]))
			}
		}
		result := i.enter(n, args)
		if results > 0 {
			stack[0] = result
		}
	}
}

func wasmTypes(signature string) (params, results []api.ValueType) {
	in, out, _ := strings.Cut(signature, ":")
	types := func(letters string) []api.ValueType {
		var list []api.ValueType
		for _, letter := range letters {
			if letter == 'I' {
				list = append(list, api.ValueTypeI64)
			} else {
				list = append(list, api.ValueTypeI32)
			}
		}
		return list
	}
	return types(in), types(out)
}
