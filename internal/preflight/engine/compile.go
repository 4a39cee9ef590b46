package engine

import (
	"context"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
)

// Compile compiles a module within a time limit. wazero checks the limit only if it compiles in
// goroutines of its own.
func Compile(ctx context.Context, r wazero.Runtime, module []byte, limit time.Duration) (wazero.CompiledModule, error) {
	const goroutines = 2
	ctx, cancel := context.WithTimeout(experimental.WithCompilationWorkers(ctx, goroutines), limit)
	defer cancel()
	return r.CompileModule(ctx, module)
}
