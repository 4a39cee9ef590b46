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

	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/preflight"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// sandbox examines filters whose modules are in the store.
type sandbox struct {
	store   *module.Store
	mode    examine.Mode
	modules *preflight.Modules
}

// keptModules is how many bytes of modules are kept decoded, so that an edit of a
// configuration need not wait for that: two of the largest that Go makes.
const keptModules = 4 << 20

// Examine implements [control.Examiner]. A mistake in the sandbox itself ends no server: the
// filter is refused for it.
func (x sandbox) Examine(ctx context.Context, s *spec.Spec, m snapshot.Module, config *string) (v examine.Verdict, problem *spec.Error) {
	// A module's memory is not Go's: it is gone with the module, and may not be touched then.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if cause := recover(); cause != nil {
			v = examine.Verdict{Errors: []examine.Finding{{
				Code: "sandbox_failed", Message: fmt.Sprintf("the sandbox itself failed with this module: %.200v", cause),
				Hint: "please report it, with the module; --preflight warn serves what the sandbox refuses",
			}}}
		}
	}()
	code, err := x.read(m.SHA256)
	if err != nil {
		return examine.Verdict{}, &spec.Error{
			Code: module.CodeStoreFailed, Name: s.Name, Pos: s.Module.Pos,
			Message: "the module cannot be read from the store: " + err.Error(),
			Hint:    "look at the state directory's disk; the module is brought again by itself",
		}
	}
	return examine.Judge(ctx, x.modules, x.mode, s, examine.Module{Bytes: code, SHA256: m.SHA256}, config), nil
}

// read reads a module from the store, unless the sandbox has it still.
func (x sandbox) read(sha256 string) ([]byte, error) {
	if module, ok := x.modules.Bytes(sha256); ok {
		return module, nil
	}
	return x.store.Read(sha256)
}

// sandboxVersion names what verdicts follow from beside the filter: the program. Any
// other build tries every filter again; nothing has to be remembered when the sandbox is changed.
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

// buildID is the linker's own hash of the program, which Go writes into it; "" where there is
// none. To hash the program again takes longer than all else that a start has to do.
func buildID(program io.ReaderAt) string {
	f, err := elf.NewFile(program)
	if err != nil {
		return "" // another system's form
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
