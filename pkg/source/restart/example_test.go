package restart_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/source/restart"
)

// flaky fails once, and then has a set.
type flaky struct{ failed bool }

func (f *flaky) Run(ctx context.Context, emit func(source.Set)) error {
	if !f.failed {
		f.failed = true
		return errors.New("too many open files")
	}
	emit(source.Set{})
	<-ctx.Done()
	return ctx.Err()
}

func ExampleNew() {
	ctx, cancel := context.WithCancel(context.Background())
	_ = restart.New("/specs", &flaky{}).Run(ctx, func(set source.Set) {
		if set.Unavailable != nil {
			fmt.Println(set.Unavailable.Message)
			return
		}
		fmt.Println("a set has come")
		cancel()
	})
	// Output:
	// the source has ended: too many open files
	// a set has come
}
