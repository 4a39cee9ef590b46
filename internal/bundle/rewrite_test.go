package bundle

import (
	"testing"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// A path in a document of another system keeps its scheme.
func TestRewriteForeignDocument(t *testing.T) {
	for written, want := range map[string]string{
		"file:///opt/auth.wasm":   "'file://outside/auth.wasm'",
		`"file:///opt/auth.wasm"`: "'file://outside/auth.wasm'",
	} {
		text := func(url string) string {
			return "apiVersion: extensions.istio.io/v1alpha1\nkind: WasmPlugin\nmetadata: {name: a}\nspec:\n  url: " + url + " # kept\n"
		}
		specs, errs, _ := spec.Decode("a.yaml", []byte(text(written)))
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		ref := specs[0].Module.File
		got, problem := rewrite(SpecFile{Title: "a.yaml", Text: []byte(text(written)), Specs: specs}, []change{{ref.Pos, ref.As, "outside/auth.wasm"}})
		if problem != nil || string(got) != text(want) {
			t.Errorf("%s became %v\n%s", written, problem, got)
		}
	}
}
