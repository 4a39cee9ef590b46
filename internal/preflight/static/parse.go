package static

import (
	"errors"
	"fmt"

	"github.com/wasm-xds/wasm-xds/internal/preflight/cause"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/wasmbin"
)

// maximumModuleSize bounds a module, in bytes.
const maximumModuleSize = 64 << 20

// Parse reads a module as Envoy would. read parses the bytes, or returns an earlier result: a nil
// read means [wasmbin.Parse].
func Parse(module []byte, read func() (*wasmbin.Module, error)) (*wasmbin.Module, *finding.Problem) {
	m, p := parse(module, read)
	if p == nil {
		return m, nil
	}
	told := cause.With(*p)
	return nil, &told
}

func parse(module []byte, read func() (*wasmbin.Module, error)) (*wasmbin.Module, *finding.Problem) {
	if size := len(module); size > maximumModuleSize {
		return nil, &finding.Problem{
			Step: finding.StepParse, Code: finding.CodeTooLarge,
			Message: fmt.Sprintf("the module has %d MiB; at most %d MiB are loaded", size>>20, maximumModuleSize>>20),
		}
	}
	if read == nil {
		read = func() (*wasmbin.Module, error) { return wasmbin.Parse(module) }
	}
	m, err := read()
	if err != nil {
		code := finding.CodeMalformed
		if errors.Is(err, wasmbin.ErrNotWasm) {
			code = finding.CodeNotWasm
		}
		return nil, &finding.Problem{Step: finding.StepParse, Code: code, Message: "the module " + err.Error()}
	}
	if m.BadNames {
		return nil, &finding.Problem{
			Step: finding.StepParse, Code: finding.CodeMalformed,
			Message: "the module's name section cannot be read, and Envoy reads it for its stack traces",
			Hint:    "strip the module, or build it again without the tool that wrote the section",
		}
	}
	return m, nil
}
