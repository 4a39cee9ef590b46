package static

import (
	"fmt"
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/wasmbin"
)

// export returns a module's function by name.
func export(c *checker, name string) (wasmbin.Function, bool) {
	i := slices.IndexFunc(c.module.Exports, func(f wasmbin.Function) bool { return f.Name == name })
	if i < 0 {
		return wasmbin.Function{}, false
	}
	return c.module.Exports[i], true
}

// wanted returns the exports with a signature for Envoy to check.
func wanted(c *checker) []envoy.Callback {
	all := []envoy.Callback{{Name: envoy.ExportInitialize, Signature: envoy.SignatureStart}}
	if _, ok := export(c, envoy.ExportInitialize); ok {
		all = append(all, envoy.Callback{Name: envoy.ExportMain, Signature: envoy.SignatureMain},
			envoy.Callback{Name: envoy.ExportMainVoid, Signature: envoy.SignatureMainVoid})
	} else {
		all = append(all, envoy.Callback{Name: envoy.ExportStart, Signature: envoy.SignatureStart})
	}
	all = append(all, envoy.Callback{Name: allocator(c), Signature: envoy.SignatureMalloc})
	for _, callback := range envoy.Callbacks() {
		if callback.In(c.abi) && envoy.Allows(c.options.Capabilities, callback.Name) {
			all = append(all, callback)
		}
	}
	return all
}

// allocator returns the export for allocating memory. Envoy takes the second name only if the
// module has no export of the first name.
func allocator(c *checker) string {
	if _, ok := export(c, envoy.ExportMalloc); ok {
		return envoy.ExportMalloc
	}
	return envoy.ExportAllocate
}

func checkExports(c *checker) {
	var wrong, later []finding.Function // later: exports checked by some versions only
	for _, w := range wanted(c) {
		f, ok := export(c, w.Name)
		if !ok || f.Signature == w.Signature {
			continue
		}
		differs := finding.Function{Name: f.Name, Signature: f.Signature, Want: w.Signature}
		if w.Name == envoy.ExportMainVoid {
			later = append(later, differs)
		} else {
			wrong = append(wrong, differs)
		}
	}
	wrongExports(c, wrong, c.found.Versions())
	wrongExports(c, later, envoy.Since(c.found.Versions(), envoy.MainVoidSince))
	if _, ok := export(c, allocator(c)); !ok {
		c.add(finding.Problem{
			Step: finding.StepExports, Code: finding.CodeMallocMissing,
			Message: "the module exports neither malloc nor proxy_on_memory_allocate, with which Envoy gives it what it asks for",
		})
	}
}

func wrongExports(c *checker, wrong []finding.Function, versions []string) {
	if wrong == nil || versions == nil {
		return
	}
	p := finding.Problem{
		Step: finding.StepExports, Code: finding.CodeExportSignature, Functions: wrong, Versions: versions,
		Message: "the module exports callbacks with another signature than Envoy's",
	}
	for _, f := range wrong {
		p.Detail = append(p.Detail, fmt.Sprintf("%s is %s, exported as %s", f.Name, Arrow(f.Want), Arrow(f.Signature)))
	}
	c.add(p)
}
