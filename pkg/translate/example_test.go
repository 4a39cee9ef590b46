package translate_test

import (
	"fmt"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
	"github.com/wasm-xds/wasm-xds/pkg/translate"
)

// A revision for an Envoy, which will fetch the module.
func ExampleResource() {
	r := (&snapshot.Revision{
		Filter: "auth",
		Type:   spec.HTTP,
		Module: snapshot.Module{SHA256: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"},
		Policy: spec.Closed,
		VM:     snapshot.VM{Runtime: "envoy.wasm.runtime.v8"},
	}).Seal()
	code := translate.Code{
		Variant: translate.Remote,
		URL:     "http://127.0.0.1:18001/modules/" + r.Module.SHA256 + ".wasm",
		Cluster: "wasm_xds_modules",
	}

	resource, err := translate.Resource(r, code, "00000000000000a1", translate.Version{Major: 1, Minor: 40})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(resource.GetName(), resource.GetTypedConfig().GetTypeUrl())
	// Output:
	// auth type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
}

// A resource for many Envoys: marshalled once, salted for each.
func ExampleTemplate() {
	r := (&snapshot.Revision{
		Filter: "auth",
		Type:   spec.HTTP,
		Policy: spec.Closed,
		VM:     snapshot.VM{Runtime: "envoy.wasm.runtime.v8"},
	}).Seal()
	module := []byte("\x00asm\x01\x00\x00\x00")

	template, err := translate.NewTemplate(r, translate.Code{Variant: translate.Inline, Bytes: module}, translate.Version{})
	if err != nil {
		fmt.Println(err)
		return
	}
	first, second := template.Bytes("00000000000000a1"), template.Bytes("00000000000000a2")
	differ := 0
	for i := range first {
		if first[i] != second[i] {
			differ++
		}
	}
	fmt.Println(len(first) == len(second), differ)
	// Output:
	// true 1
}

func ExampleParseVersion() {
	v, ok := translate.ParseVersion("1.36.4-dev")
	fmt.Println(v, ok, translate.Compat(v))
	// Output:
	// 1.36.4 true 1.35
}
