package dir_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/source/dir"
)

func Example() {
	filters, err := os.MkdirTemp("", "filters")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(filters) }()
	text := "module: {file: ./auth.wasm}\nfailurePolicy: open\n"
	if err := os.WriteFile(filepath.Join(filters, "auth.yaml"), []byte(text), 0o644); err != nil {
		panic(err)
	}

	ctx, cancel := context.WithCancel(context.Background())
	err = dir.New(dir.Config{Dir: filters}).Run(ctx, func(set source.Set) {
		for _, s := range set.Specs {
			fmt.Println(s.Name, s.Policy, s.Module.File.As)
		}
		cancel() // a server would continue
	})
	fmt.Println(err)
	// Output:
	// auth open ./auth.wasm
	// context canceled
}
