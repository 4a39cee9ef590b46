// Package compiler runs the compilers of filters, and writes the stripped modules.
//
// recipe.go has the commands of each language, toolchain.go says how to get a missing compiler, and
// process.go runs a command with all of its children in a process group of its own, so that nothing
// stays when the build is cancelled.
package compiler

import (
	"context"
	"fmt"
	"io"
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

// Compiler builds modules. It remembers where it found the tools, so that a second build is faster.
// It belongs to one goroutine.
type Compiler struct {
	// Output gets what the compilers print.
	Output io.Writer
	// KeepNames leaves the sections for debuggers in the modules. Envoy's log then has the names of
	// functions in the traces of traps.
	KeepNames bool

	rustTarget string // "": not known yet
}

// Result is a module after its build.
type Result struct {
	Target project.Target
	Module static.Description
	// Change is the change since the module before, in a few words.
	Change string
	Took   time.Duration // of the compiler
}

// The codes of errors.
const (
	CodeNoToolchain = "no_toolchain"
	CodeFailed      = "build_failed"
)

// largestModule bounds the memory for a module, in bytes.
const largestModule = 512 << 20

// Build builds a module. The file of the module is replaced as a whole, and only after success: a
// failure leaves it as it was. With a command of the project, the command itself writes the file.
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

// finish strips the module that a compiler has made, and puts it into its place.
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
