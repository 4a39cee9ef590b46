package serve

import (
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/preflight/sandbox"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// examiner examines filters in the sandbox. Their modules are in the store.
type examiner struct {
	store   *module.Store
	mode    examine.Mode
	modules *sandbox.Modules
	// examined is that of the configuration.
	examined func(*spec.Spec, examine.Findings, time.Duration)
}

// newExaminer makes an examiner. The caller must close the examiner.
func newExaminer(store *module.Store, mode examine.Mode, examined func(*spec.Spec, examine.Findings, time.Duration)) examiner {
	if examined == nil {
		examined = func(*spec.Spec, examine.Findings, time.Duration) {}
	}
	return examiner{store: store, mode: mode, modules: sandbox.NewModules(keptModules), examined: examined}
}

func (x examiner) close() { x.modules.Close() }

// keptModules is the size of the decoded modules that stay in memory, in bytes. With them, an edit
// of a configuration need not decode the module again. The size is enough for two of the largest
// modules of the Go compiler.
const keptModules = 4 << 20

// Examine implements [control.Examiner]. A bug in the sandbox does not end the server: the sandbox
// refuses the filter instead.
func (x examiner) Examine(ctx context.Context, s *spec.Spec, m snapshot.Module, config *string) (v examine.Findings, problem *spec.Error) {
	// A module's memory is outside Go's heap. After the module is gone, an access to the memory is
	// a fault.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if cause := recover(); cause != nil {
			v = examine.Findings{Errors: []examine.Finding{{
				Code: "sandbox_failed", Message: fmt.Sprintf("the sandbox itself failed with this module: %.200v", cause),
				Hint: "please report it, with the module; --preflight warn serves what the sandbox refuses",
			}}}
		}
	}()
	code, err := x.read(m.SHA256)
	if err != nil {
		return examine.Findings{}, &spec.Error{
			Code: module.CodeStoreFailed, Name: s.Name, Pos: s.Module.Pos,
			Message: "the module cannot be read from the store: " + err.Error(),
			Hint:    "look at the state directory's disk; the module is brought again by itself",
		}
	}
	began := time.Now()
	v = examine.Judge(ctx, x.modules, x.mode, s, examine.Module{Bytes: code, SHA256: m.SHA256}, config)
	if ctx.Err() == nil { // else a newer content has ended the run
		x.examined(s, v, time.Since(began))
	}
	return v, nil
}

// read returns a module from the sandbox's memory, or else from the store.
func (x examiner) read(sha256 string) ([]byte, error) {
	if module, ok := x.modules.Bytes(sha256); ok {
		return module, nil
	}
	return x.store.Read(sha256)
}

// sandboxVersion identifies the program, because findings depend on the program as well as on the
// filter. Another build checks every filter again, so a change of the sandbox needs no version
// number.
func sandboxVersion(version string) string {
	path, err := os.Executable()
	if err != nil {
		return version
	}
	program, err := os.Open(path)
	if err != nil {
		return version
	}
	defer program.Close()
	if id := buildID(program); id != "" {
		return id
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, program); err != nil {
		return version
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// buildID returns the program's hash from Go's linker, or "" if there is no hash. Hashing the
// program again would take longer than the rest of the start.
func buildID(program io.ReaderAt) string {
	f, err := elf.NewFile(program)
	if err != nil {
		return "" // not an ELF file: another system
	}
	section := f.Section(".note.go.buildid")
	if section == nil || section.Size > 1<<10 {
		return ""
	}
	note, err := section.Data()
	const header = 16 // the sizes of name and description, a type, and the name `Go`
	if err != nil || len(note) < header || string(note[12:14]) != "Go" {
		return ""
	}
	size := f.ByteOrder.Uint32(note[4:])
	if uint64(size) > uint64(len(note)-header) {
		return ""
	}
	return string(note[header : header+size])
}
