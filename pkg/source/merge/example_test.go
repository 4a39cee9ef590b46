package merge_test

import (
	"fmt"

	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/source/merge"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Two teams have a directory each, and both have a filter called auth.
func ExampleSets() {
	set := func(files ...string) *source.Set {
		s := &source.Set{}
		for _, file := range files {
			specs, _, _ := spec.Decode(file, []byte("module: {file: ./filter.wasm}"))
			s.Specs = append(s.Specs, specs...)
		}
		return s
	}
	both := merge.Sets([]merge.Part{
		{Root: "edge", Set: set("edge/auth.yaml", "edge/hello.yaml")},
		{Root: "core", Set: set("core/auth.yaml")},
	})
	for _, s := range both.Specs {
		fmt.Println("served:", s.Name)
	}
	for _, e := range both.Errors {
		fmt.Println("refused:", e.Message)
	}
	// Output:
	// served: hello
	// refused: the name "auth" is taken already, at edge/auth.yaml:1
}
