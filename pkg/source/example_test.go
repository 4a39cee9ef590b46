package source_test

import (
	"context"
	"fmt"

	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// fixed is a source with constant documents.
type fixed map[string]string // text by file

func (f fixed) Run(ctx context.Context, emit func(source.Set)) error {
	var set source.Set
	for file, text := range f {
		specs, errs, broken := spec.Decode(file, []byte(text))
		set.Specs = append(set.Specs, specs...)
		set.Errors = append(set.Errors, errs...)
		if broken {
			set.BrokenFiles = append(set.BrokenFiles, file)
		}
	}
	emit(set)
	<-ctx.Done() // a source with changes would emit again here
	return ctx.Err()
}

// A custom source needs a single method.
func ExampleSource() {
	var s source.Source = fixed{"auth.yaml": "module: {file: ./auth.wasm}\nfailurePolicy: closed\n"}

	ctx, cancel := context.WithCancel(context.Background())
	err := s.Run(ctx, func(set source.Set) {
		for _, s := range set.Specs {
			fmt.Println(s.Name, s.Policy)
		}
		cancel()
	})
	fmt.Println(err)
	// Output:
	// auth closed
	// context canceled
}
