package rootid

import (
	"context"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// trace is the set of functions called by a run. failed says whether the run ended early.
type trace struct {
	called map[api.FunctionDefinition]struct{}
	failed bool
}

// tracer records the called functions.
type tracer struct{ trace }

// Before implements [experimental.FunctionListener].
func (t *tracer) Before(_ context.Context, _ api.Module, f api.FunctionDefinition, _ []uint64, _ experimental.StackIterator) {
	t.called[f] = struct{}{}
}

// After implements [experimental.FunctionListener].
func (*tracer) After(context.Context, api.Module, api.FunctionDefinition, []uint64) {}

// Abort implements [experimental.FunctionListener].
func (*tracer) Abort(context.Context, api.Module, api.FunctionDefinition, error) {}
