package engine

import (
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// PageSize is the size of a page of memory, in bytes.
const PageSize = 64 << 10

// features are the Wasm features of Envoy's V8, as far as wazero has them.
const features = api.CoreFeaturesV2 | experimental.CoreFeaturesThreads | experimental.CoreFeaturesTailCall |
	experimental.CoreFeaturesExtendedConst | experimental.CoreFeaturesExceptionHandling |
	experimental.CoreFeaturesTypedFunctionReferences

// Engine is a part of wazero for running modules: the interpreter starts much sooner, and the
// compiler runs faster.
type Engine string

// The Engines. The zero value means the interpreter, and then the compiler for a module too slow,
// or with too deep a stack, for the interpreter.
const (
	Interpreter Engine = "interpreter"
	Compiler    Engine = "compiler"
)

// Config returns the configuration of a runtime. memoryPages bounds the memory of the modules, in
// pages of 64 KiB. A call ends with the context.
func (e Engine) Config(memoryPages uint32) wazero.RuntimeConfig {
	config := wazero.NewRuntimeConfigInterpreter()
	if e == Compiler {
		config = wazero.NewRuntimeConfigCompiler()
	}
	return config.WithCoreFeatures(features).WithCloseOnContextDone(true).
		WithMemoryLimitPages(memoryPages).WithDebugInfoEnabled(false)
}
