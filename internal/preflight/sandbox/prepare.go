package sandbox

import (
	"context"
	"errors"

	"github.com/tetratelabs/wazero"

	"github.com/wasm-xds/wasm-xds/internal/preflight/engine"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/host"
	"github.com/wasm-xds/wasm-xds/internal/preflight/wasmbin"
)

// prepare decodes and links the module, unless Modules keeps the result. The caller becomes a user
// of the result.
func prepare(ctx context.Context, c *Candidate, modules *Modules, e engine.Engine) (*prepared, *finding.Problem) {
	key := c.key(e)
	if p := modules.take(key); p != nil {
		return p, nil
	}
	module := c.request.Module
	if c.module.Foreign || c.module.OddNames {
		module = wasmbin.OwnMemory(module)
	}
	p := &prepared{
		key: key, size: len(module), runtime: wazero.NewRuntimeWithConfig(ctx, e.Config(key.memory)),
		code: code{bytes: c.request.Module, module: c.module}, imports: host.Imports(c.module),
	}
	if problem := decode(ctx, p, module, c.request.config()); problem != nil {
		closeAll([]*prepared{p})
		return nil, problem
	}
	modules.keep(p)
	return p, nil
}

func decode(ctx context.Context, p *prepared, module []byte, config host.Config) *finding.Problem {
	var err error
	p.compiled, err = engine.Compile(ctx, p.runtime, module, 2*config.Step)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return &finding.Problem{Step: finding.StepParse, Code: finding.CodeTimeout, Message: "the module takes too long to compile"}
	case err != nil:
		return &finding.Problem{
			Step: finding.StepParse, Code: finding.CodeMalformed,
			Message: "the module is malformed", Detail: finding.ErrorDetail(err),
		}
	default:
		return host.Link(ctx, p.runtime, p.imports)
	}
}
