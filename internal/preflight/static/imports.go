package static

import (
	"fmt"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
)

func checkImports(c *checker) {
	missingImports(c)
	var wrong []finding.Function
	for _, f := range c.module.Imports {
		if known, ok := envoy.FindFunction(f.Module, f.Name); ok && known.Signature != f.Signature {
			wrong = append(wrong, finding.Function{Module: f.Module, Name: f.Name, Signature: f.Signature, Want: known.Signature})
		}
	}
	if wrong != nil {
		p := finding.Problem{
			Step: finding.StepImports, Code: finding.CodeImportSignature, Functions: wrong,
			Message: "the module imports host functions with another signature than Envoy's",
		}
		for _, f := range wrong {
			p.Detail = append(p.Detail, fmt.Sprintf("%s.%s is %s, imported as %s", f.Module, f.Name, Arrow(f.Want), Arrow(f.Signature)))
		}
		c.add(p)
	}
	if globals := c.module.Globals; globals != nil {
		c.add(finding.Problem{
			Step: finding.StepImports, Code: finding.CodeImportGlobal, Detail: globals,
			Message: "the module imports global variables, of which Envoy has none",
		})
	}
}

// missingImports makes a problem for each set of versions with the same missing functions.
func missingImports(c *checker) {
	missing := map[string][]finding.Function{} // by the versions without them
	var order []string
	for _, f := range c.module.Imports {
		known, ok := envoy.FindFunction(f.Module, f.Name)
		var lacking []string
		for _, v := range c.found.Versions() {
			if !ok || !known.In(v, c.abi) {
				lacking = append(lacking, v)
			}
		}
		if lacking == nil {
			continue
		}
		key := strings.Join(lacking, " ")
		if missing[key] == nil {
			order = append(order, key)
		}
		missing[key] = append(missing[key], finding.Function{Module: f.Module, Name: f.Name, Signature: f.Signature, Versions: lacking})
	}
	for _, key := range order {
		functions := missing[key]
		p := finding.Problem{
			Step: finding.StepImports, Code: finding.CodeImportMissing, Functions: functions, Versions: functions[0].Versions,
			Message: fmt.Sprintf("Envoy has none of the %d functions that the module imports here", len(functions)),
		}
		if len(functions) == 1 {
			p.Message = fmt.Sprintf("Envoy has no function %s.%s, which the module imports", functions[0].Module, functions[0].Name)
		}
		for _, f := range functions {
			p.Detail = append(p.Detail, fmt.Sprintf("%s.%s %s", f.Module, f.Name, Arrow(f.Signature)))
		}
		c.add(p)
	}
}
