package engine

import (
	"context"
	"errors"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// maximumDepth is the largest number of nested calls. V8's stack of about a megabyte holds about as
// many of the smallest frames. Without this limit, wazero's compiler would give a recursion 400
// MiB.
const maximumDepth = 16000

var errTooDeep = errors.New("stack overflow: calls are nested too deeply")

// depth counts nested calls. It belongs to a module's goroutine.
type depth struct{ nested int }

// depthKey is the key of a context of WithDepth.
type depthKey struct{}

// CountsDepth reports whether ctx comes from WithDepth. A module that is compiled with such a
// context counts for a single instance.
func CountsDepth(ctx context.Context) bool {
	return ctx.Value(depthKey{}) != nil
}

// WithDepth returns a context for compiling modules that end if they nest calls too deeply.
func WithDepth(ctx context.Context) context.Context {
	d := &depth{}
	return experimental.WithFunctionListenerFactory(context.WithValue(ctx, depthKey{}, d), experimental.FunctionListenerFactoryFunc(
		func(api.FunctionDefinition) experimental.FunctionListener { return d }))
}

// Before implements [experimental.FunctionListener].
func (d *depth) Before(context.Context, api.Module, api.FunctionDefinition, []uint64, experimental.StackIterator) {
	if d.nested++; d.nested > maximumDepth {
		panic(errTooDeep)
	}
}

// After implements [experimental.FunctionListener].
func (d *depth) After(context.Context, api.Module, api.FunctionDefinition, []uint64) { d.nested-- }

// Abort implements [experimental.FunctionListener].
func (d *depth) Abort(context.Context, api.Module, api.FunctionDefinition, error) { d.nested-- }
