package preflight

import (
	"context"
	"errors"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// maximumDepth is how many calls may be open at a time. V8 has a stack of about a
// megabyte, which lasts for about as many of the smallest frames. Without a limit
// of its own, wazero's compiler would give a recursion 400 MiB.
const maximumDepth = 16000

var errTooDeep = errors.New("stack overflow: calls are nested too deeply")

// depth counts the calls that are open. It belongs to one module's goroutine.
type depth struct{ open int }

// depthKey is of a context that withDepth has made.
type depthKey struct{}

// countsDepth says whether ctx is of withDepth: a module that is compiled in it counts for
// one instance alone.
func countsDepth(ctx context.Context) bool {
	return ctx.Value(depthKey{}) != nil
}

// withDepth has the modules that are compiled in a context end when they nest
// calls too deeply.
func withDepth(ctx context.Context) context.Context {
	d := &depth{}
	return experimental.WithFunctionListenerFactory(context.WithValue(ctx, depthKey{}, d), experimental.FunctionListenerFactoryFunc(
		func(api.FunctionDefinition) experimental.FunctionListener { return d }))
}

// Before implements [experimental.FunctionListener].
func (d *depth) Before(context.Context, api.Module, api.FunctionDefinition, []uint64, experimental.StackIterator) {
	if d.open++; d.open > maximumDepth {
		panic(errTooDeep)
	}
}

// After implements [experimental.FunctionListener].
func (d *depth) After(context.Context, api.Module, api.FunctionDefinition, []uint64) { d.open-- }

// Abort implements [experimental.FunctionListener].
func (d *depth) Abort(context.Context, api.Module, api.FunctionDefinition, error) { d.open-- }
