package spec_test

import (
	"fmt"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func ExampleDecode() {
	specs, errs, broken := spec.Decode("/etc/filters/auth.yaml", []byte(`
module: {file: ./auth.wasm}
config: {realm: prod, limit: 1e3}
`))
	fmt.Println(len(errs), broken)
	fmt.Println(specs[0].Name, specs[0].Type, specs[0].Policy, specs[0].Module.File.Path)
	fmt.Println(*specs[0].Config)
	// Output:
	// 0 false
	// auth http closed /etc/filters/auth.wasm
	// {"realm":"prod","limit":1e3}
}

func ExampleDecode_errors() {
	specs, errs, broken := spec.Decode("filters.yaml", []byte(`
name: auth
module: {file: ./auth.wasm}
failurePolcy: open
delivery: remot
---
name: hello
module: {file: ./hello.wasm}
`))
	for _, err := range errs {
		fmt.Println(err)
	}
	fmt.Println(broken, specs[0].Name)
	// Output:
	// filters.yaml:4:1: unknown field "failurePolcy" (did you mean "failurePolicy"?)
	// filters.yaml:5:11: delivery cannot be "remot" (did you mean "remote"? allowed: remote, inline, file)
	// false hello
}

func ExampleNodeSelector_Matches() {
	s := spec.NodeSelector{
		Clusters: []string{"edge", "canary"},
		Metadata: map[string]string{"env": "prod"},
	}
	fmt.Println(s.Matches("edge-1", "edge", map[string]string{"env": "prod"}))
	fmt.Println(s.Matches("edge-1", "edge", map[string]string{"env": "dev"}))
	// Output:
	// true
	// false
}

func ExampleNearest() {
	fmt.Println(spec.Nearest("auht", []string{"auth", "hello"}))
	// Output: auth
}
