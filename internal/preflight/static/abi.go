package static

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/wasmbin"
)

// ABIs returns the ABIs in the names of a module's exports, like 0.2.1, in the order of the
// exports; nil: none. A filter names a single ABI.
func ABIs(m *wasmbin.Module) []string {
	var all []string
	for _, f := range m.Exports {
		if abi, ok := strings.CutPrefix(f.Name, envoy.ABIPrefix); ok {
			all = append(all, strings.ReplaceAll(abi, "_", "."))
		}
	}
	return all
}

// checkABI finds the ABI as Envoy does: the first export with the name of a known ABI decides.
func checkABI(c *checker) {
	for _, abi := range ABIs(c.module) {
		if abi == envoy.ABI010 || abi == envoy.ABI020 || abi == envoy.ABI021 {
			c.abi = abi
			warnSeveral(c)
			return
		}
	}
	// c.abi stays "": the later steps accept the functions of each ABI.
	message := "the module exports no proxy_abi_version function: it is no Proxy-Wasm filter"
	if slices.ContainsFunc(c.module.Imports, func(f wasmbin.Function) bool {
		return f.Module == envoy.ModuleEnv && strings.HasPrefix(f.Name, "proxy_")
	}) {
		message = "the module exports no proxy_abi_version function, but imports Envoy's functions: its Proxy-Wasm SDK is from before ABI 0.1.0, or the linker has dropped the export"
	}
	if found := ABIs(c.module); found != nil {
		message = fmt.Sprintf("the module is built for Proxy-Wasm ABI %s; Envoy knows 0.1.0, 0.2.0 and 0.2.1", strings.Join(found, ", "))
	}
	c.add(finding.Problem{Step: finding.StepABI, Code: finding.CodeABIMissing, Message: message})
}

func warnSeveral(c *checker) {
	if found := ABIs(c.module); len(found) > 1 {
		c.found.Warn(finding.Problem{
			Step: finding.StepABI, Code: finding.CodeABISeveral,
			Message: fmt.Sprintf("the module says that it is built for the ABIs %s; Envoy takes %s", strings.Join(found, " and "), c.abi),
		})
	}
}
