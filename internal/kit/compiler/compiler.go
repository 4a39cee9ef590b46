package compiler

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/atomicfile"
	"github.com/wasm-xds/wasm-xds/internal/kit/project"
	"github.com/wasm-xds/wasm-xds/internal/kit/wasmfile"
	"github.com/wasm-xds/wasm-xds/internal/preflight/static"
	"github.com/wasm-xds/wasm-xds/internal/regular"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// largestModule bounds the memory for a module, in bytes.
const largestModule = 512 << 20

// Build builds a module. The file of the module is replaced as a whole, and only after success: a
// failure leaves the file unchanged. With a command of the project, the command itself writes the
// file.
func (c *Compiler) Build(ctx context.Context, t project.Target) (Result, error) {
	before := describe(t.Output) // a command may remove or replace the file
	if err := os.MkdirAll(filepath.Dir(t.Output), 0o755); err != nil {
		return Result{}, err
	}
	began := time.Now()
	made, err := c.compile(ctx, t)
	if err != nil {
		return Result{}, err
	}
	took := time.Since(began)
	module, err := c.finish(made, t.Output)
	if err != nil {
		return Result{}, err
	}
	d, err := static.Describe(module)
	if err != nil {
		return Result{}, fmt.Errorf("%s: %w", t.Output, err)
	}
	return Result{Target: t, Module: d, Change: wasmfile.Change(before, d), Took: took}, nil
}

// finish strips the new module of a compiler, and puts the result into the final place.
func (c *Compiler) finish(made, output string) ([]byte, error) {
	module, err := regular.Read(made, largestModule)
	if err != nil {
		return nil, &spec.Error{
			Code: CodeFailed, Message: "the build has not written " + output,
			Hint: "the command of build has to write module.file of the spec",
		}
	}
	if made != output {
		defer os.Remove(made) // else the next build finds an old file
	}
	stripped := module
	if !c.KeepNames {
		if stripped, err = wasmfile.Strip(module); err != nil {
			return nil, &spec.Error{Code: CodeFailed, Message: made + ": " + err.Error()}
		}
	}
	if made == output && len(stripped) == len(module) {
		return stripped, nil
	}
	f, err := atomicfile.Create(filepath.Dir(output))
	if err != nil {
		return nil, err
	}
	defer f.Discard()
	if _, err := f.Write(stripped); err != nil {
		return nil, err
	}
	return stripped, f.CommitUnsynced(filepath.Base(output), 0o644)
}

// describe describes the module at a path; nil: there is none.
func describe(path string) *static.Description {
	module, err := regular.Read(path, largestModule)
	if err != nil {
		return nil
	}
	d, err := static.Describe(module)
	if err != nil {
		return nil
	}
	return &d
}
